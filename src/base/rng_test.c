/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* splitmix64 from 1234567: the values its authors' code gives. */
static void seeding_is_splitmix64(void **state)
{
    (void)state;
    struct nv_rng rng;
    nv_rng_seed(&rng, 1234567);
    assert_int_equal(rng.s[0], 6457827717110365317u);
    assert_int_equal(rng.s[1], 3203168211198807973u);
    assert_int_equal(rng.s[2], 9817491932198370423u);
    assert_int_equal(rng.s[3], 4593380528125082431u);
}

/* xoshiro256** from the state 1, 2, 3, 4: the reference's first values. The first two by hand:
 * 2 * 5 = 10, times 2^7 = 1280, times 9 = 11520; then s[1] is 2 ^ 3 ^ 1 = 0. */
static void values_are_the_references(void **state)
{
    static const uint64_t expected[] = {11520,
                                        0,
                                        1509978240,
                                        1215971899390074240u,
                                        1216172134540287360u,
                                        607988272756665600u,
                                        16172922978634559625u,
                                        8476171486693032832u,
                                        10595114339597558777u,
                                        2904607092377533576u};
    (void)state;
    struct nv_rng rng = {{1, 2, 3, 4}};
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(nv_rng_next(&rng), expected[i]);
}

static void a_copy_goes_the_same_way(void **state)
{
    (void)state;
    struct nv_rng rng;
    nv_rng_seed(&rng, 42);
    struct nv_rng copy = rng;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(nv_rng_next(&copy), nv_rng_next(&rng));
}

/* In (0, 1]; the mean of 100000 is 1/2 within five of its standard errors, 0.2887 / sqrt(1e5). */
static void units_lie_in_their_interval(void **state)
{
    (void)state;
    struct nv_rng rng;
    double sum = 0;
    nv_rng_seed(&rng, 1);
    for (unsigned i = 0; i < 100000; i++) {
        double unit = nv_rng_unit(&rng);
        assert_true(unit > 0 && unit <= 1);
        sum += unit;
    }
    assert_true(sum / 100000 > 0.5 - 0.00457 && sum / 100000 < 0.5 + 0.00457);
}

/* 70000 draws from 7: each value 10000 times, within five standard deviations (92.6). */
static void below_is_even(void **state)
{
    (void)state;
    struct nv_rng rng;
    unsigned counts[7] = {0};
    nv_rng_seed(&rng, 3);
    for (unsigned i = 0; i < 70000; i++) {
        uint64_t value = nv_rng_below(&rng, 7);
        assert_in_range(value, 0, 6);
        counts[value]++;
    }
    for (unsigned i = 0; i < 7; i++)
        assert_in_range(counts[i], 10000 - 463, 10000 + 463);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(nv_rng_below(&rng, 1), 0);
        assert_true(nv_rng_below(&rng, (1ull << 63) + 1) <= 1ull << 63);
        (void)nv_rng_below(&rng, UINT64_MAX);
    }
}

static void mixing_tells_all_pairs_apart(void **state)
{
    (void)state;
    enum { SIDE = 40 };
    uint64_t seen[SIDE * SIDE];
    unsigned count = 0;
    for (uint64_t a = 0; a < SIDE; a++)
        for (uint64_t b = 0; b < SIDE; b++)
            seen[count++] = nv_mix64(a, b);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(seen[i], seen[j]);
    assert_int_equal(nv_mix64(3, 5), nv_mix64(3, 5));
    assert_int_not_equal(nv_rng_entropy(), nv_rng_entropy());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeding_is_splitmix64),
        cmocka_unit_test(values_are_the_references),
        cmocka_unit_test(a_copy_goes_the_same_way),
        cmocka_unit_test(units_lie_in_their_interval),
        cmocka_unit_test(below_is_even),
        cmocka_unit_test(mixing_tells_all_pairs_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
