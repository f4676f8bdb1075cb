/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_HISTOGRAM_H
#define NV_MEASURE_HISTOGRAM_H

#include <stdint.h>

#include "base/hint.h"
#include "measure/counter.h"

/* Log-linear histogram of nanoseconds (the idea of HdrHistogram): 256 buckets to each power of two,
 * so that a bucket's upper edge is at most 0.39 % above any value in it. Values below 512 have a
 * bucket each; those of 2^40 (18 minutes) and more share the last one and are counted as overflow.
 * Adding is O(1) and allocates nothing. All zero is a valid, empty histogram. */

#define NV_HIST_BITS 8
#define NV_HIST_BUCKETS 8448
#define NV_HIST_LIMIT (1ull << 40)

struct nv_hist {
    uint64_t count;    /* values in buckets */
    uint64_t min, max; /* exact; 0 when empty */
    uint64_t sum;
    uint64_t overflow_count; /* of count: at or above NV_HIST_LIMIT */
    uint64_t negative_count; /* apart from count: below zero, in no bucket */
    uint64_t buckets[NV_HIST_BUCKETS];
};

/* All but the buckets. */
extern const struct nv_counter_row nv_hist_counters[];

/* Where its bucket would be, were there no limit: NV_HIST_BUCKETS and more for what is beyond. */
static inline unsigned nv_hist_place(uint64_t value)
{
    unsigned shift = 63u - NV_HIST_BITS - (unsigned)__builtin_clzll(value | 1ull << NV_HIST_BITS);
    return (shift << NV_HIST_BITS) + (unsigned)(value >> shift);
}

static inline unsigned nv_hist_index(uint64_t value)
{
    unsigned place = nv_hist_place(value);
    return place < NV_HIST_BUCKETS ? place : NV_HIST_BUCKETS - 1;
}

/* Bucket i holds lo(i) <= value < hi(i). */
uint64_t nv_hist_lo(unsigned index);
uint64_t nv_hist_hi(unsigned index);

void nv_hist_init(struct nv_hist *hist);
/* What has been added to now since it was as *mark, which then becomes the same: counts and buckets
 * alone; the range is left as wide as it can be. */
void nv_hist_since(struct nv_hist *out, struct nv_hist *mark, const struct nv_hist *now);
/* Exact: as if all values of src had been added to dst. */
void nv_hist_merge(struct nv_hist *dst, const struct nv_hist *src);

/* The range, made to hold a value that is outside it. */
NV_COLD void nv_hist_widen(struct nv_hist *hist, uint64_t value);

/* The same value so many times; times > 0. */
static inline void nv_hist_add_times(struct nv_hist *hist, uint64_t value, uint64_t times)
{
    unsigned index = nv_hist_place(value);
    if (value < hist->min || value > hist->max)
        nv_hist_widen(hist, value);
    if (index >= NV_HIST_BUCKETS) {
        hist->overflow_count += times;
        index = NV_HIST_BUCKETS - 1;
    }
    hist->sum += value * times;
    hist->count += times;
    hist->buckets[index] += times;
}

static inline void nv_hist_add(struct nv_hist *hist, uint64_t value)
{
    nv_hist_add_times(hist, value, 1);
}

static inline void nv_hist_add_signed_times(struct nv_hist *hist, int64_t value, uint64_t times)
{
    if (value < 0)
        hist->negative_count += times;
    else
        nv_hist_add_times(hist, (uint64_t)value, times);
}

static inline void nv_hist_add_signed(struct nv_hist *hist, int64_t value)
{
    nv_hist_add_signed_times(hist, value, 1);
}

#endif
