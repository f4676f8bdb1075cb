/* SPDX-License-Identifier: MIT */
#include "output/evidence.h"

#include <math.h>

#include "base/clock.h"
#include "output/lines.h"

static uint64_t known(uint64_t value)
{
    return value == NV_UNKNOWN ? 0 : value;
}

static void add_ledger(struct nv_evidence *evidence, const struct nv_result_row *row)
{
    const struct nv_tx *tx = row->tx;
    evidence->sched_count += tx->sched_count;
    evidence->sent_count += tx->sent_count;
    evidence->unsent_count += tx->unsent_count;
    evidence->eagain_count += tx->drop_eagain_count;
    evidence->enobufs_count += tx->drop_enobufs_count;
    evidence->too_long_count += tx->err_emsgsize_count;
    evidence->refused_count += tx->err_other_count;
    evidence->unique_count += row->rx->unique_count;
    evidence->reordered_count += row->rx->ordering.reordered_count;
    evidence->lost_count += row->lost_count;
    evidence->reply_count += row->reply_lost_count;
    evidence->rcvbuf_count += known(row->lost_rcvbuf_count);
    evidence->path_count += known(row->lost_path_count);
    evidence->run_max_msgs += row->rx->losses.run_max_msgs;
}

static void add_way(struct nv_evidence *evidence, const struct nv_way_report *way)
{
    evidence->came_count += way->in_count + way->dup_count;
    for (unsigned cause = 0; cause < NV_DROP_CAUSES; cause++)
        evidence->drop_count[cause] += way->drop_count[cause];
    evidence->corrupt_count += way->corrupt_count;
    evidence->held_back_count += way->reordered_count;
    if (way->queue_max_bytes > evidence->queue_max_bytes)
        evidence->queue_max_bytes = way->queue_max_bytes;
}

/* What a packet took at the median, less what the quickest message took: no less than the queue. */
static double queued_ns(const struct nv_run_result *run, const struct nv_result_row *row)
{
    double delay_ns = 0;
    if (row->direction != NV_ROW_DOWN)
        delay_ns += (double)known(run->path.way[NV_WAY_UP].delay_p50_ns);
    if (row->direction != NV_ROW_UP)
        delay_ns += (double)known(run->path.way[NV_WAY_DOWN].delay_p50_ns);
    return fmax(0, delay_ns - (double)row->rx->serv.min);
}

static void add_path(struct nv_evidence *evidence, const struct nv_run_result *run,
                     const struct nv_result_row *row)
{
    if (!run->path.known)
        return;
    evidence->emulated = true;
    if (row->direction != NV_ROW_DOWN)
        add_way(evidence, &run->path.way[NV_WAY_UP]);
    if (row->direction != NV_ROW_UP)
        add_way(evidence, &run->path.way[NV_WAY_DOWN]);
    if (row->rx->serv.count)
        evidence->queued_ns += queued_ns(run, row) * (double)row->rx->serv.count;
}

/* Of the measured phase; what is neither idle nor work is a wait for a processor. */
static double busy_share(const struct nv_run_result *run, const struct nv_flow_report *report)
{
    uint64_t duration_ns = run->spec.duration_ns;
    if (report->idle_ns == NV_UNKNOWN || !report->cpu_ns)
        return fmin(1, (double)report->cpu_ns / (double)duration_ns);
    return fmax(0, 1 - (double)report->idle_ns / (double)duration_ns);
}

/* The receiver's busiest thread. */
static void add_thread(struct nv_evidence *evidence, const struct nv_run_result *run,
                       enum nv_row_direction direction)
{
    double busy = 0;
    double working = 0;
    for (unsigned i = 0; i < run->row_count; i++) {
        const struct nv_result_row *row = &run->rows[i];
        const struct nv_flow_report *report = &row->receiver;
        if (row->direction != direction || report->shared_thread ||
            (run->spec.flows > 1 && row->flow == NV_FLOW_ALL))
            continue;
        if (report->spun)
            return;
        double share = busy_share(run, report);
        if (share <= busy)
            continue;
        busy = share;
        working = fmin(busy, (double)report->cpu_ns / (double)run->spec.duration_ns);
    }
    evidence->busy_share += busy;
    evidence->working_share += working;
    evidence->busy_known++;
}

static double early_ns(const struct nv_run_result *run, const struct nv_result_row *row)
{
    const struct nv_rx_intervals *intervals = &row->rx->intervals;
    double end_ns =
        NV_EARLY_RTTS * 1e3 * (double)row->sender.tcp.min_rtt_us - (double)run->spec.warmup_ns;
    double wait_ns = 0;
    for (uint64_t i = 0; i < intervals->count; i++) {
        uint64_t typical_ns = intervals->resp_p50_ns[i];
        if ((double)(i * intervals->length_ns) >= end_ns)
            break;
        if (typical_ns != NV_UNKNOWN && typical_ns > row->rx->serv.min)
            wait_ns += (double)(typical_ns - row->rx->serv.min) * (double)intervals->resp_count[i];
    }
    return wait_ns;
}

/* The longest time without an arrival, in whole intervals. */
static void add_gap(struct nv_evidence *evidence, const struct nv_result_row *row)
{
    const struct nv_rx_intervals *rx = &row->rx->intervals;
    double longest_ns = 0;
    uint64_t longest_count = 0;
    double gap_ns = 0;
    uint64_t due_count = 0;
    for (uint64_t i = 0; i < rx->count && rx->count == row->tx->intervals.count; i++) {
        bool silent = rx->rx_bytes[i] == 0 && row->tx->intervals.sched_count[i] > 0;
        gap_ns = silent ? gap_ns + (double)rx->length_ns : 0;
        due_count = silent ? due_count + row->tx->intervals.sched_count[i] : 0;
        if (gap_ns <= longest_ns)
            continue;
        longest_ns = gap_ns;
        longest_count = due_count;
    }
    if (longest_ns < NV_GAP_NS || longest_count < NV_GAP_MSGS)
        return;
    evidence->gap_ns += longest_ns;
    evidence->gap_wait_ns += longest_ns / 2 * (double)longest_count;
}

static void add_waits(struct nv_evidence *evidence, const struct nv_run_result *run,
                      const struct nv_result_row *row)
{
    const struct nv_rx *rx = row->rx;
    const struct nv_line line = {run, row};
    evidence->block_ns += (double)row->tx->block_lag.sum;
    evidence->overtaken_ns += (double)rx->late_offset.sum;
    if (!nv_line_has_delays(&line) || !rx->serv.count)
        return;
    evidence->has_delays = true;
    evidence->floor_ns += (double)rx->serv.min;
    evidence->wait_ns += (double)rx->serv.sum - (double)rx->serv.min * (double)rx->serv.count +
                         (double)row->tx->block_lag.sum;
    evidence->behind_ns += (double)known(rx->hol.total_ns);
    if (row->sender.tcp.known)
        evidence->early_ns += early_ns(run, row);
    add_gap(evidence, row);
}

void nv_evidence_add(struct nv_evidence *evidence, const struct nv_run_result *run,
                     const struct nv_result_row *row)
{
    evidence->run_count++;
    add_ledger(evidence, row);
    add_path(evidence, run, row);
    add_thread(evidence, run, row->direction);
    add_waits(evidence, run, row);
    evidence->sndbuf_bytes = row->sender.io.sndbuf_bytes;
    evidence->rcvbuf_bytes = row->receiver.io.rcvbuf_bytes;
    evidence->mtu_bytes = row->sender.io.mtu_bytes;
    evidence->goodput_bytes += known(row->rx->goodput_bytes);
    evidence->measure_ns += run->spec.duration_ns;
    nv_kernel_tcp_add(&evidence->tcp, &row->sender.tcp);
    nv_kernel_tcp_add(&evidence->peer_tcp, &row->receiver.tcp);
}
