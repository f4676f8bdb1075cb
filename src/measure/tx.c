/* SPDX-License-Identifier: MIT */
#include "measure/tx.h"

#include <string.h>

#include "base/error.h"
#include "base/hint.h"

#define ROWS(name, field, count, merge)                                                            \
    {                                                                                              \
        name, offsetof(struct nv_tx, field), count, merge                                          \
    }
#define ROW(field, merge) ROWS(#field, field, 1, merge)
#define INTERVALS(field, merge) ROWS("interval_" #field, intervals.field, NV_INTERVALS_MAX, merge)

const struct nv_counter_row nv_tx_counters[] = {
    ROW(flow_count, NV_MERGE_SUM),
    ROWS("warmup_ns", phases.warmup_ns, 1, NV_MERGE_KEEP),
    ROWS("measure_ns", phases.measure_ns, 1, NV_MERGE_KEEP),
    ROWS("cooldown_ns", phases.cooldown_ns, 1, NV_MERGE_KEEP),
    ROW(sched_count, NV_MERGE_SUM),
    ROW(sent_count, NV_MERGE_SUM),
    ROW(unsent_count, NV_MERGE_SUM),
    ROW(drop_eagain_count, NV_MERGE_SUM),
    ROW(drop_enobufs_count, NV_MERGE_SUM),
    ROW(err_emsgsize_count, NV_MERGE_SUM),
    ROW(err_other_count, NV_MERGE_SUM),
    ROW(sched_bytes, NV_MERGE_SUM),
    ROW(sent_bytes, NV_MERGE_SUM),
    ROW(late_sends_count, NV_MERGE_SUM),
    ROW(seq_first, NV_MERGE_ALONE),
    ROW(seq_end, NV_MERGE_ALONE),
    ROW(t_first_ns, NV_MERGE_MIN),
    ROW(t_last_ns, NV_MERGE_MAX),
    ROW(all_sched_count, NV_MERGE_SUM),
    ROW(all_sent_count, NV_MERGE_SUM),
    ROWS("interval_ns", intervals.length_ns, 1, NV_MERGE_KEEP),
    ROWS("interval_count", intervals.count, 1, NV_MERGE_KEEP),
    INTERVALS(sched_count, NV_MERGE_SUM),
    INTERVALS(sent_count, NV_MERGE_SUM),
    INTERVALS(sched_lag_max_ns, NV_MERGE_MAX),
    {NULL, 0, 0, NV_MERGE_KEEP},
};

const struct nv_hist_row nv_tx_hists[] = {
    {"sched_lag", offsetof(struct nv_tx, sched_lag)},
    {"block_lag", offsetof(struct nv_tx, block_lag)},
    {NULL, 0},
};

void nv_tx_init(struct nv_tx *tx, const struct nv_phases *phases)
{
    memset(tx, 0, sizeof *tx);
    tx->flow_count = 1;
    tx->phases = *phases;
    tx->t_first_ns = NV_UNKNOWN;
    tx->intervals.length_ns = nv_interval_length_ns(phases->measure_ns);
    tx->intervals.count = nv_interval_count(phases->measure_ns);
    nv_interval_cursor_init(&tx->cursor, phases->warmup_ns, tx->intervals.length_ns,
                            tx->intervals.count);
}

static void record_scheduled(struct nv_tx *tx, const struct nv_tx_event *event)
{
    uint64_t end = event->seq + event->count;
    if (event->seq < tx->seq_first || !tx->sched_count)
        tx->seq_first = event->seq;
    if (end > tx->seq_end)
        tx->seq_end = end;
    tx->sched_count += event->count;
    tx->sched_bytes += (uint64_t)event->count * event->size_bytes;
}

static void record_sent(struct nv_tx *tx, const struct nv_tx_event *event, uint64_t interval)
{
    struct nv_tx_intervals *intervals = &tx->intervals;
    tx->sent_count += event->count;
    tx->sent_bytes += (uint64_t)event->count * event->size_bytes;
    if (event->sched_lag_ns > NV_TX_LATE_NS)
        tx->late_sends_count += event->count;
    if (event->t_snd_ns < tx->t_first_ns)
        tx->t_first_ns = event->t_snd_ns;
    if (event->t_snd_ns > tx->t_last_ns)
        tx->t_last_ns = event->t_snd_ns;
    nv_hist_add_times(&tx->sched_lag, event->sched_lag_ns, event->count);
    nv_hist_add_times(&tx->block_lag, event->block_lag_ns, event->count);
    intervals->sent_count[interval] += event->count;
    if (event->sched_lag_ns > intervals->sched_lag_max_ns[interval])
        intervals->sched_lag_max_ns[interval] = event->sched_lag_ns;
}

NV_COLD static void record_not_sent(struct nv_tx *tx, const struct nv_tx_event *event)
{
    uint64_t *const counts[] = {
        [NV_TX_EAGAIN] = &tx->drop_eagain_count,    [NV_TX_ENOBUFS] = &tx->drop_enobufs_count,
        [NV_TX_EMSGSIZE] = &tx->err_emsgsize_count, [NV_TX_OTHER] = &tx->err_other_count,
        [NV_TX_UNSENT] = &tx->unsent_count,
    };
    *counts[event->outcome] += event->count;
}

NV_HOT void nv_tx_record(struct nv_tx *tx, const struct nv_tx_event *event)
{
    bool sent = event->outcome == NV_TX_SENT;
    NV_ASSERT(event->count);
    tx->all_sched_count += event->count;
    if (sent)
        tx->all_sent_count += event->count;
    if (!nv_phases_measured(&tx->phases, event->t_int_ns))
        return;
    uint64_t interval = nv_interval_at(&tx->cursor, event->t_int_ns);
    tx->intervals.sched_count[interval] += event->count;
    record_scheduled(tx, event);
    if (sent)
        record_sent(tx, event, interval);
    else
        record_not_sent(tx, event);
}

void nv_tx_merge(struct nv_tx *dst, const struct nv_tx *src)
{
    if (!src->flow_count)
        return;
    if (!dst->flow_count) {
        *dst = *src;
        return;
    }
    nv_counters_merge(nv_tx_counters, dst, src);
    nv_hist_merge(&dst->sched_lag, &src->sched_lag);
    nv_hist_merge(&dst->block_lag, &src->block_lag);
}

bool nv_tx_valid(const struct nv_tx *tx)
{
    return tx->intervals.count <= NV_INTERVALS_MAX;
}
