/* SPDX-License-Identifier: MIT */
#ifndef NV_CAMPAIGN_STATS_H
#define NV_CAMPAIGN_STATS_H

#include <stddef.h>

/* Rank statistics for paired runs. Pure functions: no clock, no random numbers, no allocation of
 * their own, no state. Samples may hold +-INFINITY (a run that lost the rank in question), never
 * NaN. Every distribution is exact unless a comment says otherwise, so small samples are as honest
 * as large ones. A result that does not exist (empty sample, too few values for the confidence) is
 * NaN.
 *
 * Sources: Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd ed., ch. 3 and 4;
 * Clopper and Pearson, Biometrika 26 (1934); Holm, Scand. J. Statist. 6 (1979); Benjamini and
 * Hochberg, J. R. Statist. Soc. B 57 (1995). */

/* Most values that a sample may have; more is a programmer error. */
#define NV_BLOCKS_MAX 64u

struct nv_bounds {
    double lo, hi; /* both ends belong to the interval; both NaN: there is none */
};

/* The two middle values of an even sample are averaged; -inf and +inf in the middle give 0. */
double nv_stats_median(const double *x, unsigned n);

/* Share of values > 0. */
double nv_stats_win_fraction(const double *d, unsigned n);

/* Largest k with P(T+ <= k) <= (1 - confidence)/2, T+ the signed-rank statistic of n values
 * without ties; -1 if even k = 0 is too likely. */
int nv_stats_signed_rank_k(unsigned n, double confidence);

/* Median of the n(n+1)/2 Walsh averages (d_i + d_j)/2, i <= j. */
double nv_stats_hodges_lehmann(const double *d, unsigned n);

/* [W_(k+1), W_(M-k)] of the M sorted Walsh averages. The average of -inf and +inf is unknown, so
 * each bound takes the value that makes the interval wider. */
struct nv_bounds nv_stats_hodges_lehmann_bounds(const double *d, unsigned n, double confidence);

/* Two-sided p of the signed-rank test that d is symmetric about 0. Zeros are dropped (1 if nothing
 * remains); tied |d| share their mean rank, and the distribution is that of those very ranks. */
double nv_stats_signed_rank_p(const double *d, unsigned n);

/* Interval of the median by binomial ranks: [d_(j), d_(n+1-j)], j largest with
 * P(Bin(n, 1/2) < j) <= (1 - confidence)/2. Assumes nothing about the shape. */
struct nv_bounds nv_stats_sign_bounds(const double *d, unsigned n, double confidence);

/* Interval of a proportion, hits <= trials <= NV_BLOCKS_MAX. */
struct nv_bounds nv_stats_clopper_pearson(unsigned hits, unsigned trials, double confidence);

/* Two-sided p that x and y (nx + ny <= NV_BLOCKS_MAX) have one distribution. Given the ties, exact
 * up to 20 values in all; beyond, normal with the corrections for ties and continuity. */
double nv_stats_mann_whitney_p(const double *x, unsigned nx, const double *y, unsigned ny);

/* Correlation of the mean ranks of x and y; NaN if either is constant or n < 2. */
double nv_stats_spearman(const double *x, const double *y, unsigned n);

/* A family of p values, in a plain array (stride_bytes = sizeof(double)) or as a member in an array
 * of structs (stride_bytes = sizeof(struct)). A NaN is no hypothesis: it stays NaN and is not
 * counted. p and adjusted must not overlap. Time is quadratic in count. */
struct nv_p_values {
    const double *p;
    double *adjusted;
    size_t count;
    size_t stride_bytes; /* from one value to the next, of p and of adjusted */
};

/* Adjusted p values that hold the family-wise error rate. */
void nv_stats_holm(const struct nv_p_values *family);

/* q values that hold the false discovery rate. */
void nv_stats_benjamini_hochberg(const struct nv_p_values *family);

#endif
