/* SPDX-License-Identifier: MIT */
#include "measure/histogram.h"

#include <math.h>
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
    ROW(sum_squares_lo, NV_MERGE_KEEP),
    ROW(sum_squares_hi, NV_MERGE_KEEP),
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

void nv_hist_reset(struct nv_hist *hist)
{
    if (hist->count) {
        unsigned first = nv_hist_index(hist->min), last = nv_hist_index(hist->max);
        memset(&hist->buckets[first], 0, (last - first + 1) * sizeof hist->buckets[0]);
    }
    memset(hist, 0, offsetof(struct nv_hist, buckets));
}

static unsigned __int128 sum_squares(const struct nv_hist *hist)
{
    return ((unsigned __int128)hist->sum_squares_hi << 64) | hist->sum_squares_lo;
}

void nv_hist_merge(struct nv_hist *dst, const struct nv_hist *src)
{
    if (src->count && (!dst->count || src->min < dst->min))
        dst->min = src->min;
    unsigned __int128 squares = sum_squares(dst) + sum_squares(src);
    dst->sum_squares_lo = (uint64_t)squares;
    dst->sum_squares_hi = (uint64_t)(squares >> 64);
    nv_counters_merge(nv_hist_counters, dst, src);
    for (unsigned i = 0; i < NV_HIST_BUCKETS; i++)
        dst->buckets[i] += src->buckets[i];
}

double nv_hist_mean(const struct nv_hist *hist)
{
    return hist->count ? (double)hist->sum / (double)hist->count : (double)NAN;
}

double nv_hist_stddev(const struct nv_hist *hist)
{
    if (hist->count < 2)
        return (double)NAN;
    long double n = (long double)hist->count, sum = (long double)hist->sum;
    long double squares =
        (long double)hist->sum_squares_hi * 0x1p64L + (long double)hist->sum_squares_lo;
    long double variance = (squares - sum * sum / n) / (n - 1);
    return variance > 0 ? (double)sqrtl(variance) : 0;
}
