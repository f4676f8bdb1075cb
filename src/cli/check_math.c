/* SPDX-License-Identifier: MIT */
#include "cli/check_math.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "measure/losses.h"

static double log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

static double binomial_pmf(double n, double p, double k)
{
    if (p <= 0 || p >= 1)
        return k == (p <= 0 ? 0 : n);
    return exp(log_choose(n, k) + k * log(p) + (n - k) * log1p(-p));
}

struct nv_bounds nv_check_binomial(uint64_t n, double p)
{
    struct nv_bounds bounds = {0, (double)n};
    double below = 0;
    for (uint64_t k = 0; k <= n; k++) {
        double upto = below + binomial_pmf((double)n, p, (double)k);
        if (upto <= NV_CHECK_ALPHA / 2)
            bounds.lo = (double)k + 1;
        if (upto >= 1 - NV_CHECK_ALPHA / 2) {
            bounds.hi = (double)k;
            break;
        }
        below = upto;
    }
    return bounds;
}

static double convolved(struct nv_check_sample base, double (*cdf)(double), double x)
{
    double sum = 0;
    for (unsigned i = 0; i < base.count; i++)
        sum += cdf(x - base.values[i]);
    return sum / base.count;
}

double nv_check_distance(struct nv_check_sample sample, struct nv_check_sample base,
                         double (*cdf)(double x_ns))
{
    double largest = 0;
    double n = sample.count;
    for (unsigned i = 0; i < sample.count; i++) {
        double f = convolved(base, cdf, sample.values[i]);
        largest = fmax(largest, fmax((i + 1) / n - f, f - i / n));
    }
    return largest;
}

double nv_check_distance_bound(unsigned n)
{
    return sqrt(-log(NV_CHECK_ALPHA / 2) / (2.0 * n));
}

/* A model by its words, not by the code that is checked: in the good state nothing is lost. */
static struct nv_gilbert one_fit(const struct nv_check_gilbert *model, unsigned n,
                                 struct nv_rng *rng)
{
    struct nv_losses losses = {0};
    struct nv_bitmap arrived;
    bool bad = nv_rng_unit(rng) < model->p / (model->p + model->r);
    if (nv_bitmap_init(&arrived, n, NULL))
        return (struct nv_gilbert){.known = false};
    for (unsigned i = 0; i < n; i++) {
        if (nv_rng_unit(rng) < (bad ? model->r : model->p))
            bad = !bad;
        if (!bad || nv_rng_unit(rng) < model->h)
            (void)nv_bitmap_test_and_set(&arrived, i);
    }
    nv_losses_scan(&losses, &arrived, 0, n);
    nv_bitmap_dispose(&arrived);
    return nv_losses_gilbert(&losses);
}

static double deviation(double sum, double squares, double n)
{
    return sqrt(fmax(0, (squares - sum * sum / n) / (n - 1)));
}

struct nv_check_spread nv_check_gilbert_spread(const struct nv_check_gilbert *model, unsigned n)
{
    enum { RUNS = 200 };
    struct nv_rng rng;
    double sum[3] = {0};
    double squares[3] = {0};
    unsigned count = 0;
    nv_rng_seed(&rng, 4);
    for (unsigned run = 0; run < RUNS; run++) {
        struct nv_gilbert fit = one_fit(model, n, &rng);
        const double values[3] = {fit.p, fit.r, fit.h};
        if (!fit.known)
            continue;
        count++;
        for (unsigned i = 0; i < 3; i++) {
            sum[i] += values[i];
            squares[i] += values[i] * values[i];
        }
    }
    return (struct nv_check_spread){
        .mean = {sum[0] / count, sum[1] / count, sum[2] / count},
        .deviation = {deviation(sum[0], squares[0], count), deviation(sum[1], squares[1], count),
                      deviation(sum[2], squares[2], count)},
    };
}

/* Arrivals from the first later message on; 0: it is in order. */
static uint64_t extent_of(const uint64_t *seq, unsigned at)
{
    for (unsigned j = 0; j < at; j++)
        if (seq[j] > seq[at])
            return at - j;
    return 0;
}

/* How many of the arrivals just before it are all later messages. */
static uint64_t n_of(const uint64_t *seq, unsigned at)
{
    uint64_t n = 0;
    while (n < at && seq[at - 1 - n] > seq[at])
        n++;
    return n;
}

struct nv_check_order nv_check_order_of(const uint64_t *seq, unsigned count)
{
    struct nv_check_order order = {0};
    for (unsigned i = 0; i < count; i++) {
        uint64_t extent = extent_of(seq, i);
        order.reordered += extent > 0;
        order.extent_sum += extent;
        order.extent_max = extent > order.extent_max ? extent : order.extent_max;
        order.n_reordered_3 += n_of(seq, i) >= 3;
    }
    return order;
}
