/* SPDX-License-Identifier: MIT */
#include "measure/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct meter {
    uint64_t sum[2], max;
    int64_t min;
    uint64_t keep, alone, untouched;
};

static const struct nv_counter_row rows[] = {
    {"sum", offsetof(struct meter, sum), 2, NV_MERGE_SUM},
    {"max", offsetof(struct meter, max), 1, NV_MERGE_MAX},
    {"min", offsetof(struct meter, min), 1, NV_MERGE_MIN},
    {"keep", offsetof(struct meter, keep), 1, NV_MERGE_KEEP},
    {"alone", offsetof(struct meter, alone), 1, NV_MERGE_ALONE},
    {NULL, 0, 0, NV_MERGE_KEEP},
};

static void merges_each_in_its_way(void **state)
{
    (void)state;
    struct meter a = {{1, 2}, 7, 3, 5, 9, 11};
    const struct meter b = {{10, 20}, 6, -4, 6, 9, 12};
    nv_counters_merge(rows, &a, &b);
    assert_int_equal(a.sum[0], 11);
    assert_int_equal(a.sum[1], 22);
    assert_int_equal(a.max, 7);
    assert_true(a.min == -4);
    assert_int_equal(a.keep, 5);
    assert_true(a.alone == NV_UNKNOWN);
    assert_int_equal(a.untouched, 11);
}

static void unknown_yields_to_a_smallest_value(void **state)
{
    (void)state;
    struct meter a = {.min = INT64_MAX};
    const struct meter b = {.min = 8};
    nv_counters_merge(rows, &a, &b);
    assert_true(a.min == 8);
    assert_true((uint64_t)INT64_MAX == NV_UNKNOWN);
}

static void rows_lead_to_values(void **state)
{
    (void)state;
    struct meter a = {{1, 2}, 7, 3, 5, 9, 11};
    nv_counter_at(&a, &rows[0])[1] = 40;
    assert_int_equal(a.sum[1], 40);
    assert_int_equal(*nv_counter_read(&a, &rows[3]), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_each_in_its_way),
        cmocka_unit_test(unknown_yields_to_a_smallest_value),
        cmocka_unit_test(rows_lead_to_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
