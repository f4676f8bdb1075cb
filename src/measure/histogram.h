/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_HISTOGRAM_H
#define NV_MEASURE_HISTOGRAM_H

#include <stdint.h>

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
    uint64_t sum_squares_lo, sum_squares_hi; /* one 128-bit number */
    uint64_t overflow_count;                 /* of count: at or above NV_HIST_LIMIT */
    uint64_t negative_count;                 /* apart from count: below zero, in no bucket */
    uint64_t buckets[NV_HIST_BUCKETS];
};

/* All but the buckets. */
extern const struct nv_counter_row nv_hist_counters[];

static inline unsigned nv_hist_index(uint64_t value)
{
    uint64_t v = value < NV_HIST_LIMIT ? value : NV_HIST_LIMIT - 1;
    unsigned shift = 63u - NV_HIST_BITS - (unsigned)__builtin_clzll(v | (1ull << NV_HIST_BITS));
    return (shift << NV_HIST_BITS) + (unsigned)(v >> shift);
}

/* Bucket i holds lo(i) <= value < hi(i). */
uint64_t nv_hist_lo(unsigned index);
uint64_t nv_hist_hi(unsigned index);

void nv_hist_init(struct nv_hist *hist);
/* The same, touching only buckets that were used. */
void nv_hist_reset(struct nv_hist *hist);
/* Exact: as if all values of src had been added to dst. */
void nv_hist_merge(struct nv_hist *dst, const struct nv_hist *src);
double nv_hist_mean(const struct nv_hist *hist);   /* NAN when empty */
double nv_hist_stddev(const struct nv_hist *hist); /* of the sample; NAN below two values */

/* Of a value that will be added in a moment: its bucket is rarely in the cache. */
static inline void nv_hist_prefetch(const struct nv_hist *hist, uint64_t value)
{
    __builtin_prefetch(&hist->buckets[nv_hist_index(value)], 1);
}

static inline void nv_hist_add(struct nv_hist *hist, uint64_t value)
{
    unsigned __int128 squares =
        ((unsigned __int128)hist->sum_squares_hi << 64) | hist->sum_squares_lo;
    squares += (unsigned __int128)value * value;
    hist->sum_squares_lo = (uint64_t)squares;
    hist->sum_squares_hi = (uint64_t)(squares >> 64);
    hist->min = value < hist->min || !hist->count ? value : hist->min;
    hist->max = value > hist->max ? value : hist->max;
    hist->sum += value;
    hist->overflow_count += value >= NV_HIST_LIMIT;
    hist->count++;
    hist->buckets[nv_hist_index(value)]++;
}

static inline void nv_hist_add_signed(struct nv_hist *hist, int64_t value)
{
    if (value < 0)
        hist->negative_count++;
    else
        nv_hist_add(hist, (uint64_t)value);
}

#endif
