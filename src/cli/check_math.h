/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CHECK_MATH_H
#define NV_CLI_CHECK_MATH_H

#include <stdint.h>

#include "campaign/stats.h"

/* What checks compare with: computed here by other means than what is checked. */

#define NV_CHECK_ALPHA 0.001 /* both tails together */

/* Counts that n independent trials of probability p give with 99.9 %: exact. */
struct nv_bounds nv_check_binomial(uint64_t n, double p);

/* Largest distance between a sample (ascending) and a distribution that a constant (each of the
 * base values with equal chance) is added to. */
struct nv_check_sample {
    const double *values;
    unsigned count;
};
double nv_check_distance(struct nv_check_sample sample, struct nv_check_sample base,
                         double (*cdf)(double x_ns));
/* The distance that a sample of n exceeds in one of 1000 cases (Kolmogorov; Smirnov 1948). */
double nv_check_distance_bound(unsigned n);

/* Gilbert and Elliott's model run as a reference: mean and standard deviation of what the
 * estimator by trigrams makes of n packets. */
struct nv_check_gilbert {
    double p, r, h;
};
struct nv_check_spread {
    struct nv_check_gilbert mean, deviation;
};
struct nv_check_spread nv_check_gilbert_spread(const struct nv_check_gilbert *model, unsigned n);

/* RFC 4737 by its definitions, over sequence numbers in order of arrival, without any state. */
struct nv_check_order {
    uint64_t reordered, extent_sum, extent_max, n_reordered_3;
};
struct nv_check_order nv_check_order_of(const uint64_t *seq, unsigned count);

#endif
