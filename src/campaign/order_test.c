/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "campaign/order.h"

static void test_arms_alternate_within_pairs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        uint8_t first[13];
        nv_order_arms(first, 13, seed);
        for (unsigned i = 0; i + 1 < 13; i += 2)
            assert_int_equal(first[i] + first[i + 1], NV_ARM_A + NV_ARM_B);
        assert_true(first[12] <= NV_ARM_B);
    }
}

/* Blocks may be added to a running campaign; those already run must keep their order. */
static void test_arms_longer_plan_begins_with_shorter(void **state)
{
    (void)state;
    uint8_t shorter[7], longer[40];
    nv_order_arms(shorter, 7, 42);
    nv_order_arms(longer, 40, 42);
    assert_memory_equal(shorter, longer, sizeof shorter);
}

/* 1000 seeds, 4 pairs each: 4000 fair coins, 2000 +- 4 * 31.6. All 16 patterns must occur. */
static void test_arms_are_fair(void **state)
{
    (void)state;
    unsigned b_first = 0;
    bool seen[16] = {false};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        uint8_t first[8];
        unsigned pattern = 0;
        nv_order_arms(first, 8, seed);
        for (unsigned i = 0; i < 8; i += 2) {
            b_first += first[i];
            pattern = 2 * pattern + first[i];
        }
        seen[pattern] = true;
    }
    assert_in_range(b_first, 2000 - 126, 2000 + 126);
    for (unsigned i = 0; i < 16; i++)
        assert_true(seen[i]);
}

static void test_cells_are_a_permutation(void **state)
{
    (void)state;
    for (uint32_t count = 0; count <= 64; count++) {
        uint32_t cells[64];
        bool seen[64] = {false};
        nv_order_cells(cells, count, 42, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(cells[i] < count && !seen[cells[i]]);
            seen[cells[i]] = true;
        }
    }
}

static void test_cells_follow_seed_and_round(void **state)
{
    (void)state;
    uint32_t once[32], again[32], next_round[32], other_seed[32];
    nv_order_cells(once, 32, 42, 3);
    nv_order_cells(again, 32, 42, 3);
    nv_order_cells(next_round, 32, 42, 4);
    nv_order_cells(other_seed, 32, 43, 3);
    assert_memory_equal(once, again, sizeof once);
    assert_memory_not_equal(once, next_round, sizeof once);
    assert_memory_not_equal(once, other_seed, sizeof once);
}

/* 24 permutations of 4 cells over 24000 rounds: chi-square with 23 degrees of freedom, which
 * exceeds 58.6 once in 10000 times. */
static void test_cells_are_uniform(void **state)
{
    (void)state;
    unsigned counts[256] = {0};
    for (uint32_t round = 0; round < 24000; round++) {
        uint32_t cells[4];
        nv_order_cells(cells, 4, 1, round);
        counts[cells[0] << 6 | cells[1] << 4 | cells[2] << 2 | cells[3]]++;
    }
    unsigned kinds = 0;
    double chi_square = 0;
    for (unsigned i = 0; i < 256; i++) {
        kinds += counts[i] > 0;
        chi_square += counts[i] > 0 ? (counts[i] - 1e3) * (counts[i] - 1e3) / 1e3 : 0;
    }
    assert_int_equal(kinds, 24);
    assert_true(chi_square < 58.6);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arms_alternate_within_pairs),
        cmocka_unit_test(test_arms_longer_plan_begins_with_shorter),
        cmocka_unit_test(test_arms_are_fair),
        cmocka_unit_test(test_cells_are_a_permutation),
        cmocka_unit_test(test_cells_follow_seed_and_round),
        cmocka_unit_test(test_cells_are_uniform),
    };
    return cmocka_run_group_tests_name("campaign/order", tests, NULL, NULL);
}
