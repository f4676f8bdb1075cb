/* SPDX-License-Identifier: MIT */
#include "campaign/parts.h"

#include "measure/counter.h"

const struct nv_part_info nv_parts[NV_PART_COUNT] = {
    [NV_PART_SEND] = {"send", "in the sender"},    [NV_PART_QDISC] = {"qdisc", "in its queue"},
    [NV_PART_PATH] = {"path", "on the path"},      [NV_PART_HOL] = {"hol", "behind a hole"},
    [NV_PART_WAKE] = {"wake", "until it is read"},
};

bool nv_parts_of(const struct nv_trace_row *row, int64_t out_ns[NV_PART_COUNT])
{
    const uint64_t at_ns[NV_PART_COUNT + 1] = {row->t_snd_ns, row->t_sch_ns, row->t_txk_ns,
                                               row->t_rxk_ns, row->t_rdy_ns, row->t_rcv_ns};
    for (unsigned i = 0; i <= NV_PART_COUNT; i++)
        if (at_ns[i] == NV_UNKNOWN)
            return false;
    for (unsigned i = 0; i < NV_PART_COUNT; i++)
        out_ns[i] = (int64_t)(at_ns[i + 1] - at_ns[i]);
    return row->status == NV_TRACE_OK;
}

bool nv_parts_hold(const struct nv_trace_row *row, const int64_t parts_ns[NV_PART_COUNT])
{
    int64_t sum_ns = 0;
    for (unsigned i = 0; i < NV_PART_COUNT; i++) {
        if (parts_ns[i] < -NV_PART_ERROR_NS)
            return false;
        sum_ns += parts_ns[i];
    }
    return sum_ns == (int64_t)(row->t_rcv_ns - row->t_snd_ns);
}

void nv_parts_add(struct nv_part_sums *sums, const struct nv_rx *rx)
{
    for (uint64_t i = 0; rx->trace && i < rx->trace_count; i++) {
        int64_t parts_ns[NV_PART_COUNT];
        if (!nv_parts_of(&rx->trace[i], parts_ns))
            continue;
        sums->count++;
        sums->wrong_count += !nv_parts_hold(&rx->trace[i], parts_ns);
        for (unsigned part = 0; part < NV_PART_COUNT; part++)
            sums->sum_ns[part] += parts_ns[part];
    }
}

void nv_parts_merge(struct nv_part_sums *dst, const struct nv_part_sums *src)
{
    dst->count += src->count;
    dst->wrong_count += src->wrong_count;
    for (unsigned part = 0; part < NV_PART_COUNT; part++)
        dst->sum_ns[part] += src->sum_ns[part];
}
