/* SPDX-License-Identifier: MIT */
#include "measure/quantile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INF NV_QUANTILE_INFINITE

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", value, tolerance, expected);
}

static struct nv_hist hist;

static int clear(void **state)
{
    (void)state;
    nv_hist_init(&hist);
    return 0;
}

/* Small values have a bucket each: the histogram is exact. */
static void fill(uint64_t from, uint64_t to)
{
    for (uint64_t v = from; v <= to; v++)
        nv_hist_add(&hist, v);
}

static void takes_the_nearest_rank(void **state)
{
    (void)state;
    static const struct {
        double p;
        uint64_t value;
    } rows[] = {
        {0.001, 1},             /* ceil(0.1) */
        {0.1, 10},   {0.07, 7}, /* 0.07 * 100 is above 7 in binary */
        {0.101, 11},            /* ceil(10.1) */
        {0.5, 50},   {0.99, 99}, {0.995, 100}, {0.999, 100},
    };
    fill(1, 100);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(nv_quantile_delivered(&hist, rows[i].p, 1).value_ns, rows[i].value);
        assert_int_equal(nv_quantile_value(&hist, rows[i].p), rows[i].value);
    }
}

static void reads_upper_edge_but_not_above_the_largest(void **state)
{
    (void)state;
    nv_hist_add(&hist, 1000); /* bucket [1000, 1002) */
    nv_hist_add(&hist, 5000); /* bucket [4992, 5008): 16 wide */
    struct nv_quantile q = nv_quantile_delivered(&hist, 0.5, 1);
    assert_int_equal(q.bucket_lo_ns, 1000);
    assert_int_equal(q.value_ns, 1001);
    q = nv_quantile_delivered(&hist, 0.9, 1);
    assert_int_equal(q.bucket_lo_ns, 4992);
    assert_int_equal(q.value_ns, 5000);
    nv_hist_add(&hist, NV_HIST_LIMIT * 2);
    assert_true(nv_quantile_delivered(&hist, 0.9, 1).value_ns == NV_HIST_LIMIT * 2);
}

static void lost_messages_rank_last(void **state)
{
    (void)state;
    fill(1, 90);
    assert_int_equal(nv_quantile_all(&hist, 100, 0.5, 1).value_ns, 50);
    assert_int_equal(nv_quantile_all(&hist, 100, 0.9, 1).value_ns, 90);
    struct nv_quantile q = nv_quantile_all(&hist, 100, 0.91, 1);
    assert_true(q.infinite);
    assert_true(q.value_ns == INF && q.bucket_lo_ns == INF && q.ci_hi_ns == INF);
    assert_int_equal(q.ci_lo_ns, 85); /* P(Bin(100, .91) <= 84) = 0.018, <= 85: 0.036 */
    assert_int_equal(q.n, 100);
    assert_false(nv_quantile_delivered(&hist, 0.91, 1).infinite);
}

static void nothing_delivered(void **state)
{
    (void)state;
    assert_true(nv_quantile_all(&hist, 10, 0.5, 1).infinite);
    assert_true(nv_quantile_delivered(&hist, 0.5, 1).infinite);
    assert_false(nv_quantile_delivered(&hist, 0.5, 1).reportable);
    assert_true(nv_quantile_value(&hist, 0.5) == NV_UNKNOWN);
}

static void negative_values_rank_first(void **state)
{
    (void)state;
    fill(1, 5);
    for (unsigned i = 0; i < 5; i++)
        nv_hist_add_signed(&hist, -3);
    assert_int_equal(nv_quantile_delivered(&hist, 0.5, 1).value_ns, 0);
    assert_int_equal(nv_quantile_delivered(&hist, 0.6, 1).value_ns, 1);
    assert_false(nv_quantile_all(&hist, 10, 0.99, 1).infinite);
}

/* Smallest n with 1 - p^n >= 0.975, and with n (1 - p) >= 10. */
static void says_what_a_sample_supports(void **state)
{
    (void)state;
    static const struct {
        double p;
        uint64_t finite, gate;
    } rows[] = {
        {0.5, 6, 20},
        {0.9, 36, 100},
        {0.95, 72, 200},
        {0.99, 368, 1000},
        {0.999, 3688, 10000},
        {0.9999, 36887, 100000},
        {0.99999, 368887, 1000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(nv_quantile_supported((double)rows[i].gate, rows[i].p));
        assert_false(nv_quantile_supported((double)rows[i].gate - 1, rows[i].p));
        uint64_t n = rows[i].finite;
        if (n > 100000)
            continue; /* the normal approximation has no such edge */
        assert_true(nv_quantile_ranks(n, rows[i].p, 1).hi <= n);
        assert_true(nv_quantile_ranks(n - 1, rows[i].p, 1).hi == n);
    }
}

static void interval_is_exactly_binomial(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        double p;
        uint64_t lo, hi;
    } rows[] = {
        {10000, 0.999, 9983, 9997},
        {100000, 0.9999, 99983, 99997},
        /* 10 values, median: P(Bin <= 1) = 11/1024 = 0.011, P(Bin <= 2) = 56/1024 = 0.055;
         * P(Bin <= 8) = 1013/1024 = 0.989, P(Bin <= 7) = 0.945 */
        {10, 0.5, 2, 9},
        /* 5 values: P(Bin <= 0) = 1/32 = 0.031 > 0.025; P(Bin <= 4) = 31/32 < 0.975 */
        {5, 0.5, 0, 6},
        {0, 0.5, 0, 1},
        {1, 0.999, 1, 2}, /* P(Bin <= 0) = 0.001 */
        /* normal: 500000 -+ 1.96 * 500 = 499020.02, 500979.98; floor, ceil + 1 */
        {1000000, 0.5, 499020, 500981},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_quantile_ranks ranks = nv_quantile_ranks(rows[i].n, rows[i].p, 1);
        assert_int_equal(ranks.lo, rows[i].lo);
        assert_int_equal(ranks.hi, rows[i].hi);
    }
}

static void interval_in_values(void **state)
{
    (void)state;
    fill(1, 10);
    struct nv_quantile q = nv_quantile_delivered(&hist, 0.5, 1);
    assert_int_equal(q.ci_lo_ns, 2);
    assert_int_equal(q.ci_hi_ns, 9);
    /* Of 10 scheduled, 8 came: the 9th is infinite. */
    nv_hist_init(&hist);
    fill(1, 8);
    q = nv_quantile_all(&hist, 10, 0.5, 1);
    assert_int_equal(q.ci_lo_ns, 2);
    assert_true(q.ci_hi_ns == INF);
}

static void dependence_widens_the_interval(void **state)
{
    (void)state;
    /* 10000 values, p = 0.5, D = 4: 5000 -+ 1.96 * sqrt(2500 * 4) = 4804.0, 5196.0 */
    struct nv_quantile_ranks ranks = nv_quantile_ranks(10000, 0.5, 4);
    assert_int_equal(ranks.lo, 4804);
    assert_int_equal(ranks.hi, 5197);
    fill(1, 400);
    struct nv_quantile q = nv_quantile_delivered(&hist, 0.9, 4); /* n_eff 100: just enough */
    assert_near(q.n_eff, 100, 1e-9);
    assert_true(q.reportable);
    assert_false(nv_quantile_delivered(&hist, 0.9, 4.1).reportable);
}

static void dispersion_of_counts(void **state)
{
    (void)state;
    uint64_t counts[20] = {0};
    /* All 20 exceedances of 200 messages in one interval of 20: mean 1, S2 = (19^2 + 19) / 19 = 20;
     * independent: 10 * 0.1 * 0.9 = 0.9 */
    counts[7] = 20;
    assert_near(nv_dispersion(counts, 20, 200, 0.9), 20 / 0.9, 1e-9);
    assert_near(nv_dispersion(counts, 19, 200, 0.9), 1, 0); /* too few intervals */
    for (unsigned i = 0; i < 20; i++)
        counts[i] = 1;
    assert_near(nv_dispersion(counts, 20, 200, 0.9), 1, 0); /* never below 1 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_the_nearest_rank, clear),
        cmocka_unit_test_setup(reads_upper_edge_but_not_above_the_largest, clear),
        cmocka_unit_test_setup(lost_messages_rank_last, clear),
        cmocka_unit_test_setup(nothing_delivered, clear),
        cmocka_unit_test_setup(negative_values_rank_first, clear),
        cmocka_unit_test(says_what_a_sample_supports),
        cmocka_unit_test(interval_is_exactly_binomial),
        cmocka_unit_test_setup(interval_in_values, clear),
        cmocka_unit_test_setup(dependence_widens_the_interval, clear),
        cmocka_unit_test(dispersion_of_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
