/* SPDX-License-Identifier: MIT */
#include "measure/histogram.h"

#include <string.h>

#define ROW(field, merge)                                                                          \
    {                                                                                              \
#field, offsetof(struct nv_hist, field), 1, merge                                          \
    }

/* min is not NV_MERGE_MIN: an empty histogram's 0 must not win. nv_hist_merge sees to it. */
const struct nv_counter_row nv_hist_counters[] = {
    ROW(count, NV_MERGE_SUM),
    ROW(min, NV_MERGE_KEEP),
    ROW(max, NV_MERGE_MAX),
    ROW(sum, NV_MERGE_SUM),
    ROW(overflow_count, NV_MERGE_SUM),
    ROW(negative_count, NV_MERGE_SUM),
    {NULL, 0, 0, NV_MERGE_KEEP},
};

uint64_t nv_hist_lo(unsigned index)
{
    if (index < 2u << NV_HIST_BITS)
        return index;
    uint64_t mantissa = (index & ((1u << NV_HIST_BITS) - 1)) | 1u << NV_HIST_BITS;
    return mantissa << ((index >> NV_HIST_BITS) - 1);
}

uint64_t nv_hist_hi(unsigned index)
{
    return nv_hist_lo(index + 1);
}

void nv_hist_init(struct nv_hist *hist)
{
    memset(hist, 0, sizeof *hist);
}

void nv_hist_widen(struct nv_hist *hist, uint64_t value)
{
    hist->min = value < hist->min || !hist->count ? value : hist->min;
    hist->max = value > hist->max ? value : hist->max;
}

void nv_hist_since(struct nv_hist *out, struct nv_hist *mark, const struct nv_hist *now)
{
    out->count = now->count - mark->count;
    out->negative_count = now->negative_count - mark->negative_count;
    out->min = 0;
    out->max = now->max;
    for (unsigned i = 0; i < NV_HIST_BUCKETS; i++) {
        out->buckets[i] = now->buckets[i] - mark->buckets[i];
        mark->buckets[i] = now->buckets[i];
    }
    mark->count = now->count;
    mark->negative_count = now->negative_count;
}

void nv_hist_merge(struct nv_hist *dst, const struct nv_hist *src)
{
    if (src->count && (!dst->count || src->min < dst->min))
        dst->min = src->min;
    nv_counters_merge(nv_hist_counters, dst, src);
    for (unsigned i = 0; i < NV_HIST_BUCKETS; i++)
        dst->buckets[i] += src->buckets[i];
}
