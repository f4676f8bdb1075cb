/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "schedule/exponential.h"

#define TWO_53 (UINT64_C(1) << 53)

/* libm's logarithm in long double is the independent method: good to 2^-60 or so here. */
static double error_of(uint64_t n)
{
    long double exact = -logl((long double)n / (long double)TWO_53);
    return (double)fabsl((long double)nv_exponential_of(n) * 0x1p-48L - exact);
}

static void test_known_values(void **state)
{
    (void)state;
    /* 2^48 ln 2 = 195103586505167.48; 53 times that = 10340490084773876.19 */
    assert_int_equal(nv_exponential_of(TWO_53), 0);
    assert_in_range(nv_exponential_of(TWO_53 / 2), 195103586505166, 195103586505167);
    assert_in_range(nv_exponential_of(1), 10340490084773874, 10340490084773877);
}

static void test_error_is_below_its_bound(void **state)
{
    (void)state;
    struct nv_rng rng;
    double worst = 0;
    nv_rng_seed(&rng, 5);
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t n = (nv_rng_next(&rng) >> 11) + 1;
        double error = error_of(n >> i % 53 ? n >> i % 53 : 1); /* every magnitude */
        worst = error > worst ? error : worst;
    }
    assert_true(worst < 0x1p-47);
}

/* Where the formula changes: at powers of 2, and at sqrt 2 times them. */
static void test_seams(void **state)
{
    (void)state;
    for (unsigned bits = 3; bits <= 53; bits++) {
        uint64_t power = UINT64_C(1) << bits;
        uint64_t root = (uint64_t)(sqrt(0.5) * (double)power);
        for (uint64_t n = power - 2; n <= power + 2 && n <= TWO_53; n++)
            assert_true(error_of(n) < 0x1p-47);
        for (uint64_t n = root - 2; n <= root + 2; n++)
            assert_true(error_of(n) < 0x1p-47);
        for (uint64_t n = root - 2; n < root + 2; n++)
            assert_true(nv_exponential_of(n) >= nv_exponential_of(n + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_error_is_below_its_bound),
        cmocka_unit_test(test_seams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
