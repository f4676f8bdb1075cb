/* SPDX-License-Identifier: MIT */
#include "measure/quantile.h"

#include <math.h>

#include "base/error.h"

#define CI_TAIL 0.025          /* of a two-sided 95 % interval */
#define CI_Z 1.959963984540054 /* standard normal quantile of 1 - CI_TAIL */
#define EXACT_MAX 100000u      /* values; above it the binomial is as good as normal */
#define EXCEEDANCES_MIN 10.0   /* for a point that does not jump about */
#define DISPERSION_INTERVALS_MIN 20u
#define RANK_SLACK 1e-9  /* p * n that should be whole but is not, in binary */
#define WEIGHT_MIN 1e-25 /* binomial terms below this of the largest are left out */

struct edges {
    uint64_t lo, hi;
};

static uint64_t delivered_count(const struct nv_hist *hist)
{
    return hist->count + hist->negative_count;
}

/* Of the bucket of the rank-th smallest value; rank is from 1 to delivered_count. */
static struct edges edges_of_rank(const struct nv_hist *hist, uint64_t rank)
{
    if (rank <= hist->negative_count)
        return (struct edges){0, 0};
    rank -= hist->negative_count;
    unsigned i = nv_hist_index(hist->min);
    uint64_t seen = hist->buckets[i];
    while (seen < rank && i + 1 < NV_HIST_BUCKETS)
        seen += hist->buckets[++i];
    uint64_t hi = nv_hist_hi(i) - 1;
    /* The last bucket has no upper edge: it also holds what overflowed. */
    if (hi > hist->max || i + 1 == NV_HIST_BUCKETS)
        hi = hist->max;
    return (struct edges){nv_hist_lo(i), hi};
}

static uint64_t rank_of(uint64_t n, double p)
{
    double rank = ceil(p * (double)n - RANK_SLACK);
    if (rank < 1)
        return 1;
    return rank < (double)n ? (uint64_t)rank : n;
}

uint64_t nv_quantile_value(const struct nv_hist *hist, double p)
{
    uint64_t n = delivered_count(hist);
    return n ? edges_of_rank(hist, rank_of(n, p)).hi : NV_UNKNOWN;
}

bool nv_quantile_supported(double n_eff, double p)
{
    return n_eff >= log(CI_TAIL) / log(p) && n_eff * (1 - p) >= EXCEEDANCES_MIN - RANK_SLACK;
}

/* Ratio of the binomial probability of k + 1 to that of k. */
static double binomial_step(uint64_t n, double p, uint64_t k)
{
    return (double)(n - k) / (double)(k + 1) * (p / (1 - p));
}

/* From the mode outwards, in units of the mode's probability: no factorials, no underflow. */
static struct nv_quantile_ranks exact_ranks(uint64_t n, double p)
{
    uint64_t mode = (uint64_t)fmin(floor((double)(n + 1) * p), (double)n);
    uint64_t first = mode;
    double total = 0, weight = 1, first_weight = 1;
    for (uint64_t k = mode; k <= n && weight > WEIGHT_MIN; k++) {
        total += weight;
        weight *= binomial_step(n, p, k);
    }
    while (first > 0 && first_weight > WEIGHT_MIN) {
        first--;
        first_weight /= binomial_step(n, p, first);
        total += first_weight;
    }
    struct nv_quantile_ranks ranks = {.lo = 0, .hi = n + 1};
    double below = 0; /* P(Bin(n, p) <= k) */
    weight = first_weight;
    for (uint64_t k = first; k < n && below < 1 - CI_TAIL; k++) {
        below += weight / total;
        if (below <= CI_TAIL)
            ranks.lo = k + 1;
        if (below >= 1 - CI_TAIL)
            ranks.hi = k + 1;
        weight *= binomial_step(n, p, k);
    }
    return ranks;
}

struct nv_quantile_ranks nv_quantile_ranks(uint64_t n, double p, double dispersion)
{
    NV_ASSERT(p > 0 && p < 1 && dispersion >= 1);
    double count = (double)n;
    if (n <= EXACT_MAX && dispersion <= 1)
        return exact_ranks(n, p);
    double reach = CI_Z * sqrt(count * p * (1 - p) * dispersion);
    double lo = floor(count * p - reach), hi = ceil(count * p + reach) + 1;
    return (struct nv_quantile_ranks){
        .lo = lo < 1 ? 0 : (uint64_t)lo,
        .hi = hi > count ? n + 1 : (uint64_t)hi,
    };
}

static struct nv_quantile quantile(const struct nv_hist *hist, uint64_t n, double p,
                                   double dispersion)
{
    struct nv_quantile result = {.n = n, .n_eff = (double)n / dispersion};
    uint64_t delivered = delivered_count(hist);
    uint64_t rank = n ? rank_of(n, p) : 1;
    struct nv_quantile_ranks ranks = nv_quantile_ranks(n, p, dispersion);
    result.reportable = nv_quantile_supported(result.n_eff, p);
    result.value_ns = result.bucket_lo_ns = result.ci_lo_ns = result.ci_hi_ns =
        NV_QUANTILE_INFINITE;
    result.infinite = rank > delivered;
    if (!result.infinite) {
        struct edges edges = edges_of_rank(hist, rank);
        result.value_ns = edges.hi;
        result.bucket_lo_ns = edges.lo;
    }
    if (ranks.lo <= delivered)
        result.ci_lo_ns = ranks.lo ? edges_of_rank(hist, ranks.lo).lo : 0;
    if (ranks.hi <= delivered)
        result.ci_hi_ns = edges_of_rank(hist, ranks.hi).hi;
    return result;
}

struct nv_quantile nv_quantile_all(const struct nv_hist *hist, uint64_t sched_count, double p,
                                   double dispersion)
{
    uint64_t delivered = delivered_count(hist);
    return quantile(hist, sched_count > delivered ? sched_count : delivered, p, dispersion);
}

struct nv_quantile nv_quantile_delivered(const struct nv_hist *hist, double p, double dispersion)
{
    return quantile(hist, delivered_count(hist), p, dispersion);
}

double nv_dispersion(const uint64_t *exceedances, unsigned intervals, uint64_t n, double p)
{
    if (intervals < DISPERSION_INTERVALS_MIN || !n)
        return 1;
    double mean = 0, squares = 0;
    for (unsigned i = 0; i < intervals; i++)
        mean += (double)exceedances[i] / intervals;
    for (unsigned i = 0; i < intervals; i++) {
        double off = (double)exceedances[i] - mean;
        squares += off * off;
    }
    double e = 1 - p;
    double independent = (double)n / intervals * e * (1 - e);
    double dispersion = squares / (intervals - 1) / independent;
    return dispersion > 1 ? dispersion : 1;
}
