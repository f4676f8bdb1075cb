/* SPDX-License-Identifier: MIT */
#include "cli/check_math.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect_bounds(uint64_t n, double p, double lo, double hi)
{
    struct nv_bounds bounds = nv_check_binomial(n, p);
    assert_float_equal(bounds.lo, lo, 0);
    assert_float_equal(bounds.hi, hi, 0);
}

/* Sums of binomial coefficients in exact arithmetic: of 100 throws of a coin, 33 or fewer heads
 * come in 0.44 of 1000 cases, 34 or fewer in 0.89. */
static void binomial_intervals_hold_all_but_one_in_a_thousand(void **state)
{
    (void)state;
    expect_bounds(10, 0.5, 0, 10);
    expect_bounds(100, 0.5, 34, 66);
    expect_bounds(1000, 0.05, 29, 74);
    expect_bounds(20, 0.05, 0, 5);
    expect_bounds(20, 0, 0, 0);
    expect_bounds(20, 1, 20, 20);
}

static double unit_cdf(double x)
{
    return fmin(1, fmax(0, x));
}

/* Ten values in the middles of tenths are 0.05 off everywhere; pushed by 0.25, 0.30 at the end. */
static void distance_is_the_largest(void **state)
{
    (void)state;
    static const double zero[] = {0};
    static const double off[] = {0.25};
    double values[10];
    for (unsigned i = 0; i < 10; i++)
        values[i] = (i + 0.5) / 10;
    struct nv_check_sample sample = {values, 10};
    assert_float_equal(nv_check_distance(sample, (struct nv_check_sample){zero, 1}, unit_cdf), 0.05,
                       1e-12);
    assert_float_equal(nv_check_distance(sample, (struct nv_check_sample){off, 1}, unit_cdf), 0.30,
                       1e-12);
    /* Smirnov's table: 1.9495 / sqrt(n). */
    assert_float_equal(nv_check_distance_bound(10000), 0.019495, 1e-6);
}

/* The vectors of METHOD 5, after RFC 4737. */
static void orders_are_those_of_the_rfc(void **state)
{
    (void)state;
    static const uint64_t one[] = {1, 2, 3, 5, 6, 7, 8, 4, 9, 10};
    static const uint64_t three[] = {1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11};
    struct nv_check_order order = nv_check_order_of(one, 10);
    assert_int_equal(order.reordered, 1);
    assert_int_equal(order.extent_max, 4);
    assert_int_equal(order.n_reordered_3, 1);
    order = nv_check_order_of(three, 11);
    assert_int_equal(order.reordered, 3);
    assert_int_equal(order.extent_sum, 4 + 5 + 6);
    assert_int_equal(order.extent_max, 6);
    assert_int_equal(order.n_reordered_3, 1);
}

static void a_model_is_found_again(void **state)
{
    (void)state;
    const struct nv_check_gilbert model = {.p = 0.02, .r = 0.2, .h = 0.3};
    struct nv_check_spread spread = nv_check_gilbert_spread(&model, 40000);
    assert_float_equal(spread.mean.p, model.p, 0.001);
    assert_float_equal(spread.mean.r, model.r, 0.01);
    assert_float_equal(spread.mean.h, model.h, 0.01);
    assert_true(spread.deviation.p > 0.0002 && spread.deviation.p < 0.002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binomial_intervals_hold_all_but_one_in_a_thousand),
        cmocka_unit_test(distance_is_the_largest),
        cmocka_unit_test(orders_are_those_of_the_rfc),
        cmocka_unit_test(a_model_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
