/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_QUANTILE_H
#define NV_MEASURE_QUANTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/histogram.h"

/* Quantiles by nearest rank (RFC 2330 §11.3; type 1 of Hyndman and Fan), read at the upper edge of
 * a bucket: never too low, at most 0.39 % too high. Negative values rank first and read as 0. */

#define NV_QUANTILE_INFINITE UINT64_MAX

struct nv_quantile {
    bool infinite;         /* the rank falls among messages that never arrived */
    bool reportable;       /* the sample supports it: nv_quantile_supported() */
    uint64_t value_ns;     /* NV_QUANTILE_INFINITE when infinite */
    uint64_t bucket_lo_ns; /* the true value is in [bucket_lo, value] */
    uint64_t ci_lo_ns;     /* 95 % interval by order statistics (Le Boudec 2010, §2.2); 0: no */
    uint64_t ci_hi_ns;     /* lower bound; NV_QUANTILE_INFINITE: no upper bound, or infinite */
    uint64_t n;
    double n_eff; /* n / dispersion */
};

/* Over all scheduled messages: one that did not arrive took for ever (RFC 7679 §5). 0 < p < 1;
 * dispersion >= 1 (nv_dispersion; 1 for independent messages) widens the interval. */
struct nv_quantile nv_quantile_all(const struct nv_hist *hist, uint64_t sched_count, double p,
                                   double dispersion);
/* Over delivered messages only: given delivery. */
struct nv_quantile nv_quantile_delivered(const struct nv_hist *hist, double p, double dispersion);

/* Just the value, over delivered messages; NV_UNKNOWN when there are none. */
uint64_t nv_quantile_value(const struct nv_hist *hist, double p);

/* A finite upper 95 % bound exists and 10 values lie above. */
bool nv_quantile_supported(double n_eff, double p);

/* Ranks (from 1) of the 95 % interval for the p-quantile of n values: exact binomial up to 100 000
 * independent values, else normal. lo = 0: no lower bound; hi = n + 1: no upper bound. */
struct nv_quantile_ranks {
    uint64_t lo, hi;
};
struct nv_quantile_ranks nv_quantile_ranks(uint64_t n, double p, double dispersion);

/* Index of dispersion of counts of exceedances of the p-quantile, one per interval, n messages in
 * all: 1 when independent (or fewer than 20 intervals), more when they cluster. */
double nv_dispersion(const uint64_t *exceedances, unsigned intervals, uint64_t n, double p);

#endif
