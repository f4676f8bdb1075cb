/* SPDX-License-Identifier: MIT */
#include "cli/gates.h"

#include "base/clock.h"
#include "measure/quantile.h"

#define LAG_NS_MIN (50 * NV_NS_PER_US)
#define PATH_LATE_NS_MIN (300 * NV_NS_PER_US)
#define STEAL_SHARE_MAX 0.005
/* /proc/stat counts whole ticks of all processors: two of them are no evidence. */
#define STEAL_NS_MIN (20 * NV_NS_PER_MS)

static void reject(struct nv_run_result *run, const char *flag)
{
    nv_run_result_flag(run, flag);
    run->valid = false;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A run is noisy when more than 1 % of its messages or packets are later than would matter, and it
 * is as sure as 95 % that they are: two of fifty that wait for a busy machine are no evidence. What
 * matters is a share of the time that they take, unless the timer of this machine cannot do it. */
static uint64_t limit_ns(uint64_t least_ns, uint64_t overshoot_ns, uint64_t time_ns)
{
    return larger(larger(least_ns, 4 * overshoot_ns), time_ns / 20);
}

/* Messages of a burst are due together and leave one after the other, which is no noise: their lags
 * climb, from 0 to twice their mean. */
static uint64_t burst_lag_ns(const struct nv_spec *spec, const struct nv_hist *lag)
{
    bool is_burst = spec->arrival == NV_ARRIVAL_BURST && spec->burst_msgs > 1;
    return is_burst ? 2 * (lag->sum / lag->count) : 0;
}

static void gate_lag(struct nv_run_result *run, const struct nv_result_row *row,
                     uint64_t overshoot_ns)
{
    if (run->spec.rate.kind == NV_RATE_MAX || run->searched || !row->tx->sched_lag.count)
        return;
    double rate = nv_spec_rate_msgs(&run->spec);
    uint64_t gap_ns = rate > 0 ? (uint64_t)(1e9 / rate * (double)run->spec.flows) : 0;
    struct nv_quantile median = nv_quantile_delivered(&row->rx->serv, 0.5, 1);
    uint64_t time_ns = larger(gap_ns, median.infinite ? 0 : median.value_ns);
    struct nv_quantile lag = nv_quantile_delivered(&row->tx->sched_lag, 0.99, 1);
    uint64_t burst_ns = burst_lag_ns(&run->spec, &row->tx->sched_lag);
    if (lag.ci_lo_ns > limit_ns(LAG_NS_MIN, overshoot_ns, time_ns) + burst_ns)
        reject(run, "sched_lag");
}

/* The emulator against itself: late, or out of room. */
static void gate_path(struct nv_run_result *run, uint64_t overshoot_ns)
{
    if (run->path.began_late)
        reject(run, "path_began_late");
    for (unsigned i = 0; i < 2 && run->path.known; i++) {
        const struct nv_way_report *way = &run->path.way[i];
        uint64_t time_ns = way->delay_p50_ns == NV_UNKNOWN ? 0 : way->delay_p50_ns;
        if (way->late_p99_least_ns > limit_ns(PATH_LATE_NS_MIN, overshoot_ns, time_ns))
            reject(run, "path_late");
        if (way->drop_count[NV_DROP_OVERRUN] || way->device_drop_count || way->refused_count)
            reject(run, "path_overrun");
    }
}

void nv_gates_apply(struct nv_run_result *run, uint64_t overshoot_ns)
{
    for (unsigned i = 0; i < run->row_count; i++) {
        const struct nv_result_row *row = &run->rows[i];
        if (row->flow != NV_FLOW_ALL)
            continue;
        gate_lag(run, row, overshoot_ns);
        if (run->shared_clock && row->rx->negative_count)
            reject(run, "causality");
        if (larger(row->sender.stamped.clock_step_ns, row->receiver.stamped.clock_step_ns) >
            NV_CLOCK_STEP_NS_MAX)
            reject(run, "clock_step");
    }
    gate_path(run, overshoot_ns);
    uint64_t length_ns = nv_spec_end_ns(&run->spec);
    if (run->steal_ns > STEAL_NS_MIN && (double)run->steal_ns > STEAL_SHARE_MAX * (double)length_ns)
        reject(run, "steal");
}
