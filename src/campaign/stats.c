/* SPDX-License-Identifier: MIT */
#include "campaign/stats.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define WALSH_MAX (NV_BLOCKS_MAX * (NV_BLOCKS_MAX + 1) / 2)

/* Mean ranks may end in one half, so ranks are kept doubled, as integers; their sum over a whole
 * sample is n(n+1). */
#define RANK2_SUM_MAX (NV_BLOCKS_MAX * (NV_BLOCKS_MAX + 1))

#define MANN_WHITNEY_EXACT_MAX 20u
#define MANN_WHITNEY_SUM_MAX (MANN_WHITNEY_EXACT_MAX * (MANN_WHITNEY_EXACT_MAX + 1))

static const struct nv_bounds no_bounds = {NAN, NAN};

static int compare_doubles(const void *left, const void *right)
{
    double a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

static void sort_doubles(double *x, unsigned n)
{
    qsort(x, n, sizeof *x, compare_doubles);
}

/* The middle of -inf and +inf is whatever the caller can defend. */
static double midpoint(double a, double b, double opposed)
{
    if (isinf(a) && isinf(b) && a != b)
        return opposed;
    return (a + b) / 2;
}

static double median_of_sorted(const double *x, unsigned n)
{
    return midpoint(x[(n - 1) / 2], x[n / 2], 0);
}

double nv_stats_median(const double *x, unsigned n)
{
    NV_ASSERT(n <= NV_BLOCKS_MAX);
    if (n == 0)
        return NAN;
    double sorted[NV_BLOCKS_MAX];
    memcpy(sorted, x, n * sizeof *x);
    sort_doubles(sorted, n);
    return median_of_sorted(sorted, n);
}

double nv_stats_win_fraction(const double *d, unsigned n)
{
    unsigned wins = 0;
    for (unsigned i = 0; i < n; i++)
        wins += d[i] > 0;
    return n == 0 ? NAN : (double)wins / n;
}

/* Adds one value of the given rank to the distribution of T+: with probability one half it is
 * positive and its rank counts. Downwards, so that no rank is added twice. */
static void add_signed_rank(double *probability, unsigned sum, unsigned rank)
{
    for (unsigned t = sum + rank + 1; t-- > 0;) {
        double without = t <= sum ? probability[t] : 0;
        double with = t >= rank ? probability[t - rank] : 0;
        probability[t] = (without + with) / 2;
    }
}

int nv_stats_signed_rank_k(unsigned n, double confidence)
{
    NV_ASSERT(n <= NV_BLOCKS_MAX);
    double probability[WALSH_MAX + 1] = {1};
    unsigned sum = 0;
    for (unsigned rank = 1; rank <= n; rank++) {
        add_signed_rank(probability, sum, rank);
        sum += rank;
    }
    double tail = 0;
    int k = -1;
    for (unsigned t = 0; t <= sum; t++) {
        tail += probability[t];
        if (tail > (1 - confidence) / 2)
            break;
        k = (int)t;
    }
    return k;
}

static unsigned walsh_averages(double *walsh, const double *d, unsigned n, double opposed)
{
    NV_ASSERT(n <= NV_BLOCKS_MAX);
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = i; j < n; j++)
            walsh[count++] = midpoint(d[i], d[j], opposed);
    sort_doubles(walsh, count);
    return count;
}

double nv_stats_hodges_lehmann(const double *d, unsigned n)
{
    double walsh[WALSH_MAX];
    unsigned count = walsh_averages(walsh, d, n, 0);
    return count == 0 ? NAN : median_of_sorted(walsh, count);
}

struct nv_bounds nv_stats_hodges_lehmann_bounds(const double *d, unsigned n, double confidence)
{
    int k = nv_stats_signed_rank_k(n, confidence);
    if (n == 0 || k < 0)
        return no_bounds;
    double walsh[WALSH_MAX];
    struct nv_bounds bounds;
    walsh_averages(walsh, d, n, -INFINITY);
    bounds.lo = walsh[k];
    unsigned count = walsh_averages(walsh, d, n, INFINITY);
    bounds.hi = walsh[count - 1 - (unsigned)k];
    return bounds;
}

/* Twice the mean rank of each value. */
static void double_ranks(unsigned *rank2, const double *x, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned less = 0, equal = 0;
        for (unsigned j = 0; j < n; j++) {
            less += x[j] < x[i];
            equal += x[j] == x[i];
        }
        rank2[i] = 2 * less + equal + 1;
    }
}

double nv_stats_signed_rank_p(const double *d, unsigned n)
{
    NV_ASSERT(n <= NV_BLOCKS_MAX);
    double magnitude[NV_BLOCKS_MAX] = {0};
    bool positive[NV_BLOCKS_MAX];
    unsigned used = 0;
    for (unsigned i = 0; i < n; i++) {
        if (d[i] == 0)
            continue;
        magnitude[used] = fabs(d[i]);
        positive[used++] = d[i] > 0;
    }
    unsigned rank2[NV_BLOCKS_MAX];
    double_ranks(rank2, magnitude, used);

    double probability[RANK2_SUM_MAX + 1] = {1};
    unsigned sum = 0, observed = 0;
    for (unsigned i = 0; i < used; i++) {
        add_signed_rank(probability, sum, rank2[i]);
        sum += rank2[i];
        observed += positive[i] ? rank2[i] : 0;
    }
    /* Flipping every sign maps t to sum - t, so the two tails are equal. */
    unsigned nearer = observed < sum - observed ? observed : sum - observed;
    double tail = 0;
    for (unsigned t = 0; t <= nearer; t++)
        tail += probability[t];
    return fmin(1, 2 * tail);
}

/* P(Bin(n, p) = k) */
static double binomial(unsigned n, unsigned k, double p)
{
    double choose = 1;
    for (unsigned i = 1; i <= k; i++)
        choose = choose * (n - k + i) / i;
    return choose * pow(p, k) * pow(1 - p, n - k);
}

static double binomial_tail(unsigned n, unsigned from, unsigned to, double p)
{
    double sum = 0;
    for (unsigned k = from; k <= to; k++)
        sum += binomial(n, k, p);
    return sum;
}

struct nv_bounds nv_stats_sign_bounds(const double *d, unsigned n, double confidence)
{
    NV_ASSERT(n <= NV_BLOCKS_MAX);
    unsigned j = 0;
    while (j < n && binomial_tail(n, 0, j, 0.5) <= (1 - confidence) / 2)
        j++;
    if (j == 0)
        return no_bounds;
    double sorted[NV_BLOCKS_MAX];
    memcpy(sorted, d, n * sizeof *d);
    sort_doubles(sorted, n);
    return (struct nv_bounds){sorted[j - 1], sorted[n - j]};
}

/* The p at which P(Bin(trials, p) >= hits) reaches alpha: that tail grows with p. */
static double clopper_pearson_lo(unsigned hits, unsigned trials, double alpha)
{
    double lo = 0, hi = 1;
    if (hits == 0)
        return 0;
    for (unsigned i = 0; i < 60; i++) {
        double p = (lo + hi) / 2;
        if (binomial_tail(trials, hits, trials, p) < alpha)
            lo = p;
        else
            hi = p;
    }
    return (lo + hi) / 2;
}

struct nv_bounds nv_stats_clopper_pearson(unsigned hits, unsigned trials, double confidence)
{
    NV_ASSERT(hits <= trials && trials <= NV_BLOCKS_MAX);
    if (trials == 0)
        return no_bounds;
    double alpha = (1 - confidence) / 2;
    return (struct nv_bounds){clopper_pearson_lo(hits, trials, alpha),
                              1 - clopper_pearson_lo(trials - hits, trials, alpha)};
}

/* Two-sided p of rank sum `observed` for `chosen` of n doubled ranks, all choices equally likely.
 * With ties the two tails may differ, so the smaller one is doubled. */
static double rank_sum_exact_p(const unsigned *rank2, unsigned n, unsigned chosen,
                               unsigned observed)
{
    double ways[MANN_WHITNEY_EXACT_MAX + 1][MANN_WHITNEY_SUM_MAX + 1] = {{1}};
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += rank2[i];
        for (unsigned c = chosen; c > 0; c--)
            for (unsigned t = sum; t >= rank2[i]; t--)
                ways[c][t] += ways[c - 1][t - rank2[i]];
    }
    double all = 0, below = 0, above = 0;
    for (unsigned t = 0; t <= sum; t++) {
        all += ways[chosen][t];
        below += t <= observed ? ways[chosen][t] : 0;
        above += t >= observed ? ways[chosen][t] : 0;
    }
    return fmin(1, 2 * fmin(below, above) / all);
}

static double rank_sum_normal_p(const unsigned *rank2, unsigned n, unsigned chosen,
                                unsigned observed)
{
    /* The variance of ranks drawn without replacement contains the correction for ties. */
    double mean2 = n + 1.0, squares = 0;
    for (unsigned i = 0; i < n; i++)
        squares += (rank2[i] - mean2) * (rank2[i] - mean2);
    double variance = squares / n * chosen * (n - chosen) / (n - 1.0);
    double distance = fabs(observed - mean2 * chosen) - 1; /* 1/2 of a rank */
    if (variance <= 0 || distance <= 0)
        return 1;
    return erfc(distance / sqrt(2 * variance));
}

double nv_stats_mann_whitney_p(const double *x, unsigned nx, const double *y, unsigned ny)
{
    unsigned n = nx + ny;
    NV_ASSERT(n <= NV_BLOCKS_MAX);
    if (nx == 0 || ny == 0)
        return NAN;
    double pooled[NV_BLOCKS_MAX];
    memcpy(pooled, x, nx * sizeof *x);
    memcpy(pooled + nx, y, ny * sizeof *y);
    unsigned rank2[NV_BLOCKS_MAX], observed = 0;
    double_ranks(rank2, pooled, n);
    for (unsigned i = 0; i < nx; i++)
        observed += rank2[i];
    if (n <= MANN_WHITNEY_EXACT_MAX)
        return rank_sum_exact_p(rank2, n, nx, observed);
    return rank_sum_normal_p(rank2, n, nx, observed);
}

double nv_stats_spearman(const double *x, const double *y, unsigned n)
{
    NV_ASSERT(n <= NV_BLOCKS_MAX);
    unsigned x_rank2[NV_BLOCKS_MAX], y_rank2[NV_BLOCKS_MAX];
    double_ranks(x_rank2, x, n);
    double_ranks(y_rank2, y, n);
    double mean2 = n + 1.0, xx = 0, yy = 0, xy = 0;
    for (unsigned i = 0; i < n; i++) {
        double dx = x_rank2[i] - mean2, dy = y_rank2[i] - mean2;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

static double family_p(const struct nv_p_values *family, size_t i)
{
    double p;
    memcpy(&p, (const char *)family->p + i * family->stride_bytes, sizeof p);
    return p;
}

static double *family_adjusted(const struct nv_p_values *family, size_t i)
{
    return (double *)(void *)((char *)family->adjusted + i * family->stride_bytes);
}

struct family_counts {
    size_t all, less, equal; /* NaN compares false and so is in none */
};

static struct family_counts count_family(const struct nv_p_values *family, double p)
{
    struct family_counts counts = {0};
    for (size_t i = 0; i < family->count; i++) {
        double other = family_p(family, i);
        counts.all += isnan(other) ? 0 : 1;
        counts.less += other < p;
        counts.equal += other == p;
    }
    return counts;
}

/* Holm: the adjusted p grows with p, so each takes the largest at or below it. */
static double holm_factor(const struct family_counts *counts)
{
    return (double)(counts->all - counts->less);
}

/* Benjamini and Hochberg: each takes the smallest at or above it. */
static double hochberg_factor(const struct family_counts *counts)
{
    return (double)counts->all / (double)(counts->less + counts->equal);
}

static void scale_family(const struct nv_p_values *family,
                         double (*factor)(const struct family_counts *))
{
    for (size_t i = 0; i < family->count; i++) {
        double p = family_p(family, i);
        struct family_counts counts = count_family(family, p);
        *family_adjusted(family, i) = isnan(p) ? p : fmin(1, factor(&counts) * p);
    }
}

/* Working in place is safe: an entry that is already adjusted only repeats maxima (minima) that the
 * entries behind it would have given as well. */
void nv_stats_holm(const struct nv_p_values *family)
{
    scale_family(family, holm_factor);
    for (size_t i = 0; i < family->count; i++) {
        double *adjusted = family_adjusted(family, i);
        for (size_t j = 0; j < family->count; j++)
            if (family_p(family, j) <= family_p(family, i))
                *adjusted = fmax(*adjusted, *family_adjusted(family, j));
    }
}

void nv_stats_benjamini_hochberg(const struct nv_p_values *family)
{
    scale_family(family, hochberg_factor);
    for (size_t i = 0; i < family->count; i++) {
        double *adjusted = family_adjusted(family, i);
        for (size_t j = 0; j < family->count; j++)
            if (family_p(family, j) >= family_p(family, i))
                *adjusted = fmin(*adjusted, *family_adjusted(family, j));
    }
}
