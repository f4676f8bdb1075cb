/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "measure/rx.h"

#define ROWS(name, field, count, merge)                                                            \
    {                                                                                              \
        name, offsetof(struct nv_rx, field), count, merge                                          \
    }
#define ROW(field, merge) ROWS(#field, field, 1, merge)
#define SUM(field) ROW(field, NV_MERGE_SUM)
#define ONE(name, field, merge) ROWS(name, field, 1, merge)
#define PATTERN(name, field) ROWS(name, field, NV_PATTERN_SLOTS, NV_MERGE_SUM)
#define INTERVALS(field, merge) ROWS("interval_" #field, intervals.field, NV_INTERVALS_MAX, merge)

const struct nv_counter_row nv_rx_counters[] = {
    SUM(flow_count),
    ONE("warmup_ns", phases.warmup_ns, NV_MERGE_KEEP),
    ONE("measure_ns", phases.measure_ns, NV_MERGE_KEEP),
    ONE("cooldown_ns", phases.cooldown_ns, NV_MERGE_KEEP),
    ROW(tmax_ns, NV_MERGE_KEEP),
    SUM(unique_count),
    SUM(unique_bytes),
    SUM(dup_count),
    SUM(replicated_count),
    SUM(late_count),
    SUM(negative_count),
    SUM(corrupt_count),
    SUM(stray_count),
    SUM(all_unique_count),
    SUM(all_dup_count),
    SUM(goodput_bytes),
    SUM(goodput_count),
    ROW(goodput_from_ns, NV_MERGE_ALONE),
    ROW(owd_min_ns, NV_MERGE_MIN),
    ONE("deadline_count", deadlines.count, NV_MERGE_KEEP),
    ROWS("deadline_ns", deadlines.deadline_ns, NV_DEADLINES_MAX, NV_MERGE_KEEP),
    ROWS("ontime_count", deadlines.ontime_count, NV_DEADLINES_MAX, NV_MERGE_SUM),
    ONE("ordering_reordered_count", ordering.reordered_count, NV_MERGE_SUM),
    ONE("ordering_disc_count", ordering.disc_count, NV_MERGE_SUM),
    ONE("ordering_disc_size_msgs", ordering.disc_size_msgs, NV_MERGE_SUM),
    ONE("ordering_extent_sum_msgs", ordering.extent_sum_msgs, NV_MERGE_SUM),
    ONE("ordering_extent_max_msgs", ordering.extent_max_msgs, NV_MERGE_MAX),
    ONE("ordering_extent_censored_count", ordering.extent_censored_count, NV_MERGE_SUM),
    ONE("ordering_run_count", ordering.run_count, NV_MERGE_SUM),
    ONE("ordering_run_sum_msgs", ordering.run_sum_msgs, NV_MERGE_SUM),
    ONE("ordering_run_max_msgs", ordering.run_max_msgs, NV_MERGE_MAX),
    ONE("ordering_n_censored_count", ordering.n_censored_count, NV_MERGE_SUM),
    PATTERN("reorder_extent", ordering.extent),
    PATTERN("n_reorder", ordering.n_reorder),
    ONE("ipdv_sum_ns", ipdv.sum_ns, NV_MERGE_SUM),
    ONE("ipdv_defined_count", ipdv.defined_count, NV_MERGE_SUM),
    ONE("jitter_last_ns", jitter.last_ns, NV_MERGE_ALONE),
    ONE("jitter_max_ns", jitter.max_ns, NV_MERGE_ALONE),
    ONE("losses_scheduled_count", losses.scheduled_count, NV_MERGE_SUM),
    ONE("losses_missing_count", losses.missing_count, NV_MERGE_SUM),
    ONE("losses_run_count", losses.run_count, NV_MERGE_SUM),
    ONE("losses_run_max_msgs", losses.run_max_msgs, NV_MERGE_MAX),
    ONE("losses_noticeable_count", losses.noticeable_count, NV_MERGE_SUM),
    ONE("losses_g01_count", losses.g01_count, NV_MERGE_SUM),
    ONE("losses_g10_count", losses.g10_count, NV_MERGE_SUM),
    ONE("losses_g101_count", losses.g101_count, NV_MERGE_SUM),
    ONE("losses_g111_count", losses.g111_count, NV_MERGE_SUM),
    PATTERN("loss_run", losses.run),
    PATTERN("loss_distance", losses.distance),
    ONE("boundary_recv_calls", boundary.recv_calls, NV_MERGE_SUM),
    ONE("boundary_recv_bytes", boundary.recv_bytes, NV_MERGE_SUM),
    ONE("boundary_coalesced_recvs_count", boundary.coalesced_recvs_count, NV_MERGE_SUM),
    ONE("boundary_msgs_count", boundary.msgs_count, NV_MERGE_SUM),
    ONE("boundary_split_msgs_count", boundary.split_msgs_count, NV_MERGE_SUM),
    PATTERN("recvs_per_msg", boundary.recvs_per_msg),
    PATTERN("msgs_per_recv", boundary.msgs_per_recv),
    ONE("hol_blocked_count", hol.blocked_count, NV_MERGE_SUM),
    ONE("hol_episode_count", hol.episode_count, NV_MERGE_SUM),
    ONE("hol_total_ns", hol.total_ns, NV_MERGE_SUM),
    ONE("hol_max_ns", hol.max_ns, NV_MERGE_MAX),
    ONE("interval_ns", intervals.length_ns, NV_MERGE_KEEP),
    ONE("interval_count", intervals.count, NV_MERGE_KEEP),
    INTERVALS(unique_count, NV_MERGE_SUM),
    INTERVALS(rx_bytes, NV_MERGE_SUM),
    INTERVALS(resp_count, NV_MERGE_SUM),
    INTERVALS(resp_max_ns, NV_MERGE_MAX),
    INTERVALS(resp_p50_ns, NV_MERGE_ALONE),
    INTERVALS(resp_p99_ns, NV_MERGE_ALONE),
    SUM(trace_missed_count),
    ONE("vhol_too_late_count", hol.too_late_count, NV_MERGE_SUM),
    {NULL, 0, 0, NV_MERGE_KEEP},
};

const struct nv_hist_row nv_rx_hists[] = {
    {"resp", offsetof(struct nv_rx, resp)},
    {"serv", offsetof(struct nv_rx, serv)},
    {"dwell", offsetof(struct nv_rx, dwell)},
    {"ipdv_abs", offsetof(struct nv_rx, ipdv_abs)},
    {"late_offset", offsetof(struct nv_rx, late_offset)},
    {"hol", offsetof(struct nv_rx, hol.waits)},
    {NULL, 0},
};

void nv_rx_merge(struct nv_rx *dst, const struct nv_rx *src)
{
    NV_ASSERT(!dst->live);
    if (!src->flow_count)
        return;
    if (!dst->flow_count) {
        *dst = *src;
        dst->live = NULL;
        dst->trace = NULL;
        dst->trace_count = 0;
        return;
    }
    nv_counters_merge(nv_rx_counters, dst, src);
    for (const struct nv_hist_row *row = nv_rx_hists; row->name; row++)
        nv_hist_merge((struct nv_hist *)(void *)((char *)dst + row->offset),
                      (const struct nv_hist *)(const void *)((const char *)src + row->offset));
}

bool nv_rx_valid(const struct nv_rx *rx)
{
    return rx->intervals.count <= NV_INTERVALS_MAX && rx->deadlines.count <= NV_DEADLINES_MAX;
}
