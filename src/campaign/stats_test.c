/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/rng.h"
#include "campaign/stats.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CLOSE(got, want, within) assert_true(fabs((got) - (want)) <= (within))
#define EXACT 1e-12

/* Hollander and Wolfe, table 3.1: Hamilton depression scale, first visit minus second visit. */
static const double depression[] = {
    1.83 - 0.878, 0.50 - 0.647, 1.62 - 0.598, 2.48 - 2.05, 1.68 - 1.06,
    1.88 - 1.29,  1.55 - 1.06,  3.06 - 3.14,  1.30 - 1.29,
};

static void test_median(void **state)
{
    (void)state;
    static const double odd[] = {3, INFINITY, 1}, even[] = {4, 1, 2, 9},
                        opposed[] = {INFINITY, -INFINITY};
    CLOSE(nv_stats_median(odd, 3), 3, 0);
    CLOSE(nv_stats_median(even, 4), 3, 0);
    CLOSE(nv_stats_median(opposed, 2), 0, 0);
    assert_true(isnan(nv_stats_median(odd, 0)));
    CLOSE(nv_stats_win_fraction(even, 4), 1, 0);
    CLOSE(nv_stats_win_fraction(opposed, 2), 0.5, 0);
}

/* Published critical values at 95 %. At 90 %: R = 5 has P(T+ = 0) = 1/32 <= .05, R = 6 has
 * P(T+ <= 2) = 3/64 = .047 <= .05. */
static void test_signed_rank_k_table(void **state)
{
    (void)state;
    static const struct {
        double confidence;
        unsigned n;
        int k;
    } rows[] = {
        {0.95, 6, 0},   {0.95, 8, 3},   {0.95, 10, 8},   {0.95, 12, 13},  {0.95, 15, 25},
        {0.95, 20, 52}, {0.95, 25, 89}, {0.95, 30, 137}, {0.95, 40, 264}, {0.95, 5, -1},
        {0.90, 5, 0},   {0.90, 6, 2},   {0.90, 4, -1},   {0.95, 0, -1},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(nv_stats_signed_rank_k(rows[i].n, rows[i].confidence), rows[i].k);
}

/* All 2^n sets of ranks, one by one. */
static void test_signed_rank_k_brute_force(void **state)
{
    (void)state;
    for (unsigned n = 6; n <= 14; n++) {
        unsigned histogram[14 * 15 / 2 + 1] = {0};
        for (unsigned set = 0; set < 1u << n; set++) {
            unsigned sum = 0;
            for (unsigned bit = 0; bit < n; bit++)
                sum += set >> bit & 1 ? bit + 1 : 0;
            histogram[sum]++;
        }
        int k = -1;
        unsigned below = histogram[0];
        while (40 * below <= 1u << n) /* below / 2^n <= .025 */
            below += histogram[++k + 1];
        assert_int_equal(nv_stats_signed_rank_k(n, 0.95), k);
    }
}

/* The book's results: T+ = 40, one-sided p 10/512, estimate .46, interval (.010, .786) at
 * 1 - 2*10/512 = 96.1 %, which is also the exact interval for "at least 95 %". */
static void test_hodges_lehmann_textbook(void **state)
{
    (void)state;
    struct nv_bounds bounds = nv_stats_hodges_lehmann_bounds(depression, 9, 0.95);
    CLOSE(nv_stats_hodges_lehmann(depression, 9), 0.46, EXACT);
    CLOSE(bounds.lo, 0.010, EXACT);
    CLOSE(bounds.hi, 0.786, 5e-4);
    CLOSE(nv_stats_signed_rank_p(depression, 9), 20.0 / 512, EXACT);
}

static double p_of_shift(const double *d, unsigned n, double shift)
{
    double shifted[NV_BLOCKS_MAX];
    for (unsigned i = 0; i < n; i++)
        shifted[i] = d[i] - shift;
    return nv_stats_signed_rank_p(shifted, n);
}

/* The interval must be the inverted test: a shift is inside as long as the test that d lies about
 * it does not reject. */
static void test_hodges_lehmann_inverts_the_test(void **state)
{
    (void)state;
    struct nv_rng rng;
    nv_rng_seed(&rng, 7);
    for (unsigned n = 6; n <= NV_BLOCKS_MAX; n += 2) {
        double d[NV_BLOCKS_MAX], step = 1e-9;
        for (unsigned i = 0; i < n; i++)
            d[i] = log(nv_rng_unit(&rng));
        struct nv_bounds bounds = nv_stats_hodges_lehmann_bounds(d, n, 0.95);
        assert_true(p_of_shift(d, n, bounds.lo + step) > 0.05);
        assert_true(p_of_shift(d, n, bounds.lo - step) <= 0.05);
        assert_true(p_of_shift(d, n, bounds.hi - step) > 0.05);
        assert_true(p_of_shift(d, n, bounds.hi + step) <= 0.05);
    }
}

/* Six values: k = 0, so the interval runs from the smallest to the largest. */
static void test_hodges_lehmann_infinities(void **state)
{
    (void)state;
    static const double one[] = {1, 2, 3, 4, 5, INFINITY};
    struct nv_bounds bounds = nv_stats_hodges_lehmann_bounds(one, 6, 0.95);
    CLOSE(bounds.lo, 1, 0);
    assert_true(bounds.hi == INFINITY);
    /* Sorted Walsh averages: 1 1.5 2 2 2.5 2.5 3 3 3 3.5 [3.5] 4 ...; 21 in all, the 11th is it. */
    CLOSE(nv_stats_hodges_lehmann(one, 6), 3.5, 0);

    static const double all[] = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY};
    bounds = nv_stats_hodges_lehmann_bounds(all, 6, 0.95);
    assert_true(bounds.lo == INFINITY && bounds.hi == INFINITY);
    assert_true(nv_stats_hodges_lehmann(all, 6) == INFINITY);
    CLOSE(nv_stats_signed_rank_p(all, 6), 2.0 / 64, EXACT);

    /* Fifteen values, k = 25: 3 + 2*11 = 25 averages are certainly -inf, as many are +inf, and the
     * 4 opposed ones decide on the 26th from either end. */
    static const double both[15] = {-INFINITY, -INFINITY, INFINITY, INFINITY, 1, 1, 1, 1,
                                    1,         1,         1,        1,        1, 1, 1};
    bounds = nv_stats_hodges_lehmann_bounds(both, 15, 0.95);
    assert_true(bounds.lo == -INFINITY && bounds.hi == INFINITY);
    CLOSE(nv_stats_hodges_lehmann(both, 15), 1, 0);

    assert_true(isnan(nv_stats_hodges_lehmann_bounds(one, 5, 0.95).lo));
    assert_true(isnan(nv_stats_hodges_lehmann(one, 0)));
}

/* All 2^n signs of the given |d|: share of |T+ - T-| at least as large as observed. */
static double signed_rank_brute_p(const double *d, unsigned n)
{
    double rank[16] = {0};
    double observed = 0;
    for (unsigned i = 0; i < n; i++) {
        if (d[i] == 0)
            continue;
        rank[i] = 0.5;
        for (unsigned j = 0; j < n; j++)
            if (d[j] != 0)
                rank[i] += fabs(d[j]) < fabs(d[i]) ? 1 : fabs(d[j]) == fabs(d[i]) ? 0.5 : 0;
        observed += d[i] > 0 ? rank[i] : -rank[i];
    }
    unsigned extreme = 0;
    for (unsigned signs = 0; signs < 1u << n; signs++) {
        double sum = 0;
        for (unsigned i = 0; i < n; i++)
            sum += signs >> i & 1 ? rank[i] : -rank[i];
        extreme += fabs(sum) >= fabs(observed);
    }
    return (double)extreme / (1u << n);
}

static void test_signed_rank_p_brute_force(void **state)
{
    (void)state;
    struct nv_rng rng;
    nv_rng_seed(&rng, 11);
    for (unsigned round = 0; round < 60; round++) {
        unsigned n = 1 + round % 12;
        double d[12];
        for (unsigned i = 0; i < n; i++) /* few values: ties and zeros abound */
            d[i] = (double)nv_rng_below(&rng, 9) - 3;
        CLOSE(nv_stats_signed_rank_p(d, n), signed_rank_brute_p(d, n), EXACT);
    }
}

static void test_signed_rank_p_edges(void **state)
{
    (void)state;
    double d[NV_BLOCKS_MAX] = {0};
    CLOSE(nv_stats_signed_rank_p(d, 10), 1, 0);
    CLOSE(nv_stats_signed_rank_p(d, 0), 1, 0);
    for (unsigned i = 0; i < NV_BLOCKS_MAX; i++)
        d[i] = i + 1.0;
    assert_true(nv_stats_signed_rank_p(d, NV_BLOCKS_MAX) == 0x1p-63);
    /* 1 and -1 share rank 1.5, 2 has rank 3: T+ = 4.5, T- = 1.5; of the 8 sums 0 1.5 1.5 3 3 4.5
     * 4.5 6 three are <= 1.5: p = 6/8. */
    static const double tied[] = {1, -1, 2, 0};
    CLOSE(nv_stats_signed_rank_p(tied, 4), 0.75, EXACT);
}

/* 95 %: n = 8 has P(Bin = 0) = 1/256, P(<= 1) = 9/256 > .025: first and last. n = 9: P(<= 1) =
 * 10/512 = .0195: second. n = 10: P(<= 1) = 11/1024: second. n = 12: P(<= 2) = 79/4096 = .0193:
 * third. 90 %, n = 8: 9/256 = .035 <= .05: second. */
static void test_sign_bounds(void **state)
{
    (void)state;
    static const struct {
        unsigned n;
        double confidence, lo;
    } rows[] = {{6, 0.95, 1},  {8, 0.95, 1},  {9, 0.95, 2},
                {10, 0.95, 2}, {12, 0.95, 3}, {8, 0.90, 2}};
    static const double d[] = {7, 3, 11, 1, 9, 5, 12, 2, 10, 8, 4, 6};
    for (size_t i = 0; i < COUNT(rows); i++) {
        double upto[12];
        unsigned n = 0;
        for (unsigned j = 0; j < 12; j++)
            if (d[j] <= rows[i].n)
                upto[n++] = d[j];
        struct nv_bounds bounds = nv_stats_sign_bounds(upto, n, rows[i].confidence);
        CLOSE(bounds.lo, rows[i].lo, 0);
        CLOSE(bounds.hi, n + 1 - rows[i].lo, 0);
    }
    assert_true(isnan(nv_stats_sign_bounds(d, 5, 0.95).lo));
    assert_true(isnan(nv_stats_sign_bounds(d, 0, 0.95).hi));
}

/* 0 of n: the upper end solves (1-p)^n = alpha/2. 7 of 10: (.3475, .9333) in every table. */
static void test_clopper_pearson(void **state)
{
    (void)state;
    struct nv_bounds none = nv_stats_clopper_pearson(0, 10, 0.95);
    struct nv_bounds all = nv_stats_clopper_pearson(64, 64, 0.95);
    struct nv_bounds some = nv_stats_clopper_pearson(7, 10, 0.95);
    CLOSE(none.lo, 0, 0);
    CLOSE(none.hi, 1 - pow(0.025, 0.1), 1e-9);
    CLOSE(all.lo, pow(0.025, 1.0 / 64), 1e-9);
    CLOSE(all.hi, 1, 0);
    CLOSE(some.lo, 0.3475, 5e-5);
    CLOSE(some.hi, 0.9333, 5e-5);
    assert_true(isnan(nv_stats_clopper_pearson(0, 0, 0.95).lo));
}

/* Hollander and Wolfe, table 4.1 (permeability of the chorioamnion): exact one-sided p .1272. */
static void test_mann_whitney_textbook(void **state)
{
    (void)state;
    static const double at_term[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    static const double earlier[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    CLOSE(nv_stats_mann_whitney_p(at_term, 10, earlier, 5), 2 * 0.1272, 1e-4);
    CLOSE(nv_stats_mann_whitney_p(earlier, 5, at_term, 10), 2 * 0.1272, 1e-4);
    assert_true(isnan(nv_stats_mann_whitney_p(at_term, 10, earlier, 0)));
}

/* Every choice of nx of the n values is as likely as the one observed. */
static double mann_whitney_brute_p(const double *pooled, unsigned n, unsigned nx)
{
    double rank[24], observed = 0;
    for (unsigned i = 0; i < n; i++) {
        rank[i] = 0.5;
        for (unsigned j = 0; j < n; j++)
            rank[i] += pooled[j] < pooled[i] ? 1 : pooled[j] == pooled[i] ? 0.5 : 0;
        observed += i < nx ? rank[i] : 0;
    }
    unsigned all = 0, below = 0, above = 0;
    for (unsigned set = 0; set < 1u << n; set++) {
        if ((unsigned)__builtin_popcount(set) != nx)
            continue;
        double sum = 0;
        for (unsigned i = 0; i < n; i++)
            sum += set >> i & 1 ? rank[i] : 0;
        all++;
        below += sum <= observed;
        above += sum >= observed;
    }
    return fmin(1, 2.0 * (below < above ? below : above) / all);
}

static void test_mann_whitney_brute_force(void **state)
{
    (void)state;
    struct nv_rng rng;
    nv_rng_seed(&rng, 13);
    for (unsigned round = 0; round < 40; round++) {
        unsigned n = 2 + round % 11, nx = 1 + (unsigned)nv_rng_below(&rng, n - 1);
        double x[12];
        for (unsigned i = 0; i < n; i++)
            x[i] = (double)nv_rng_below(&rng, 8);
        CLOSE(nv_stats_mann_whitney_p(x, nx, x + nx, n - nx), mann_whitney_brute_p(x, n, nx),
              EXACT);
    }
}

/* Beyond 20 values the p is approximate; 11 against 11 with ties it is good to .01 throughout. */
static void test_mann_whitney_normal(void **state)
{
    (void)state;
    struct nv_rng rng;
    nv_rng_seed(&rng, 17);
    for (unsigned round = 0; round < 4; round++) {
        double x[22];
        for (unsigned i = 0; i < 22; i++)
            x[i] = (double)nv_rng_below(&rng, 30) + (i < 11 ? 4.0 * round : 0);
        CLOSE(nv_stats_mann_whitney_p(x, 11, x + 11, 11), mann_whitney_brute_p(x, 22, 11), 0.01);
    }
    /* No ties and nothing in common: U = 0, mean 11*11/2, variance 11*11*23/12. */
    double apart[22];
    for (unsigned i = 0; i < 22; i++)
        apart[i] = i;
    double z = (60.5 - 0.5) / sqrt(121 * 23 / 12.0);
    CLOSE(nv_stats_mann_whitney_p(apart, 11, apart + 11, 11), erfc(z / sqrt(2)), EXACT);
    static const double same[22] = {0};
    CLOSE(nv_stats_mann_whitney_p(same, 11, same + 11, 11), 1, 0);
}

/* IQ against hours of television, the standard example: rho = -29/165. */
static void test_spearman(void **state)
{
    (void)state;
    static const double iq[] = {106, 100, 86, 101, 99, 103, 97, 113, 112, 110};
    static const double hours[] = {7, 27, 2, 50, 28, 29, 20, 12, 6, 17};
    CLOSE(nv_stats_spearman(iq, hours, 10), -29.0 / 165, EXACT);
    CLOSE(nv_stats_spearman(iq, iq, 10), 1, EXACT);
    /* Ranks 1 2 3 against 1 2.5 2.5: 1.5 / sqrt(2 * 1.5) */
    static const double x[] = {1, 2, 3}, y[] = {-INFINITY, 5, 5}, flat[] = {4, 4, 4};
    CLOSE(nv_stats_spearman(x, y, 3), 1.5 / sqrt(3), EXACT);
    assert_true(isnan(nv_stats_spearman(x, flat, 3)));
    assert_true(isnan(nv_stats_spearman(x, y, 1)));
}

/* Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, and never falling: .02 .03 .06 .06. */
static void test_holm(void **state)
{
    (void)state;
    static const double p[] = {0.01, 0.04, NAN, 0.03, 0.005};
    static const double want[] = {0.03, 0.06, NAN, 0.06, 0.02};
    double adjusted[5];
    nv_stats_holm(&(struct nv_p_values){p, adjusted, 5, sizeof *p});
    for (unsigned i = 0; i < 5; i++)
        assert_true(isnan(want[i]) ? isnan(adjusted[i]) : fabs(adjusted[i] - want[i]) < EXACT);
    /* Ties share the larger factor, and nothing exceeds 1: .02*3, .02*3, .9. */
    static const double tied[] = {0.02, 0.9, 0.02};
    nv_stats_holm(&(struct nv_p_values){tied, adjusted, 3, sizeof *p});
    CLOSE(adjusted[0], 0.06, EXACT);
    CLOSE(adjusted[1], 0.9, EXACT);
    CLOSE(adjusted[2], 0.06, EXACT);
}

/* The 15 p values of the 1995 paper: at a rate of 5 % it rejects the first four. The 5th takes
 * .0201*15/5, the 6th the smaller value of the 7th, .0298*15/7. */
static void test_benjamini_hochberg(void **state)
{
    (void)state;
    static const double p[] = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                               0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
    double q[COUNT(p)];
    nv_stats_benjamini_hochberg(&(struct nv_p_values){p, q, COUNT(p), sizeof *p});
    CLOSE(q[0], 0.0015, EXACT);
    CLOSE(q[3], 0.0095 * 15 / 4, EXACT);
    CLOSE(q[4], 0.0603, EXACT);
    CLOSE(q[5], 0.0298 * 15 / 7, EXACT);
    CLOSE(q[14], 1, EXACT);
    for (unsigned i = 0; i < COUNT(p); i++)
        assert_int_equal(q[i] <= 0.05, i < 4);
    /* Ties take the last of their ranks: .02 * 3/2. */
    static const double tied[] = {0.02, NAN, 0.9, 0.02};
    nv_stats_benjamini_hochberg(&(struct nv_p_values){tied, q, 4, sizeof *tied});
    CLOSE(q[0], 0.03, EXACT);
    assert_true(isnan(q[1]));
    CLOSE(q[2], 0.9, EXACT);
    CLOSE(q[3], 0.03, EXACT);
}

static double normal(struct nv_rng *rng)
{
    return sqrt(-2 * log(nv_rng_unit(rng))) * cos(2 * M_PI * nv_rng_unit(rng));
}

static double laplace(struct nv_rng *rng)
{
    double size = log(nv_rng_unit(rng));
    return nv_rng_below(rng, 2) == 0 ? size : -size;
}

static double exponential_about_median(struct nv_rng *rng)
{
    return -log(nv_rng_unit(rng)) - log(2);
}

/* How often the interval of 10 values holds the true median, 0. */
static double coverage(struct nv_bounds (*bounds_of)(const double *, unsigned, double),
                       double (*draw)(struct nv_rng *))
{
    struct nv_rng rng;
    unsigned inside = 0, rounds = 20000;
    nv_rng_seed(&rng, 42);
    for (unsigned round = 0; round < rounds; round++) {
        double d[10];
        for (unsigned i = 0; i < 10; i++)
            d[i] = draw(&rng);
        struct nv_bounds bounds = bounds_of(d, 10, 0.95);
        inside += bounds.lo <= 0 && 0 <= bounds.hi;
    }
    return (double)inside / rounds;
}

/* Exact levels for R = 10: 1 - 2 P(T+ <= 8) = 1 - 2*25/1024 = .9512 for any symmetric shape, and
 * 1 - 2 P(Bin <= 1) = 1 - 2*11/1024 = .9785 for any shape. Four standard errors: .0061, .0041. */
static void test_coverage(void **state)
{
    (void)state;
    CLOSE(coverage(nv_stats_hodges_lehmann_bounds, normal), 0.9512, 0.0061);
    CLOSE(coverage(nv_stats_hodges_lehmann_bounds, laplace), 0.9512, 0.0061);
    CLOSE(coverage(nv_stats_sign_bounds, normal), 0.9785, 0.0041);
    CLOSE(coverage(nv_stats_sign_bounds, exponential_about_median), 0.9785, 0.0041);
    /* Skewed: the median is not what Hodges-Lehmann estimates, hence the sign interval. */
    assert_true(coverage(nv_stats_hodges_lehmann_bounds, exponential_about_median) < 0.9512);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_signed_rank_k_table),
        cmocka_unit_test(test_signed_rank_k_brute_force),
        cmocka_unit_test(test_hodges_lehmann_textbook),
        cmocka_unit_test(test_hodges_lehmann_inverts_the_test),
        cmocka_unit_test(test_hodges_lehmann_infinities),
        cmocka_unit_test(test_signed_rank_p_brute_force),
        cmocka_unit_test(test_signed_rank_p_edges),
        cmocka_unit_test(test_sign_bounds),
        cmocka_unit_test(test_clopper_pearson),
        cmocka_unit_test(test_mann_whitney_textbook),
        cmocka_unit_test(test_mann_whitney_brute_force),
        cmocka_unit_test(test_mann_whitney_normal),
        cmocka_unit_test(test_spearman),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_benjamini_hochberg),
        cmocka_unit_test(test_coverage),
    };
    return cmocka_run_group_tests_name("campaign/stats", tests, NULL, NULL);
}
