/* SPDX-License-Identifier: MIT */
#include "measure/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#define MS 1000000ull

static void measured_phase_has_an_open_end(void **state)
{
    (void)state;
    const struct nv_phases phases = {.warmup_ns = 100, .measure_ns = 50, .cooldown_ns = 10};
    static const struct {
        uint64_t t_ns;
        bool measured;
    } rows[] = {{0, false}, {99, false}, {100, true}, {149, true}, {150, false}, {1000, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(nv_phases_measured(&phases, rows[i].t_ns), rows[i].measured);
}

static void length_and_count(void **state)
{
    (void)state;
    static const struct {
        uint64_t measure_ms, length_ms, count;
    } rows[] = {
        {0, 100, 1},         {100, 100, 1},        {101, 100, 2}, {10000, 100, 100},
        {60000, 100, 600},   {60001, 101, 595}, /* 60001 / 600 = 100.0017, up to 101; 60001 / 101 =
                                                   594.07 */
        {600000, 1000, 600}, {3600000, 6000, 600},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(nv_interval_length_ns(rows[i].measure_ms * MS), rows[i].length_ms * MS);
        assert_int_equal(nv_interval_count(rows[i].measure_ms * MS), rows[i].count);
    }
}

static void cursor_equals_division(void **state)
{
    (void)state;
    struct nv_interval_cursor cursor;
    struct nv_rng rng;
    nv_rng_seed(&rng, 5);
    nv_interval_cursor_init(&cursor, 1000, 10, 20);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t t_ns = 900 + nv_rng_below(&rng, 400);
        uint64_t expected = t_ns < 1000 ? 0 : (t_ns - 1000) / 10;
        assert_int_equal(nv_interval_at(&cursor, t_ns), expected < 20 ? expected : 19);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_phase_has_an_open_end),
        cmocka_unit_test(length_and_count),
        cmocka_unit_test(cursor_equals_division),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
