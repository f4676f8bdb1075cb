/* SPDX-License-Identifier: MIT */
#include "measure/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void counts_every_deadline_that_was_kept(void **state)
{
    (void)state;
    const uint64_t list[] = {10, 20, 50};
    static const struct {
        int64_t response_ns;
        uint64_t ontime[3]; /* so far */
    } rows[] = {
        {51, {0, 0, 0}}, {50, {0, 0, 1}}, {21, {0, 0, 2}}, {20, {0, 1, 3}},
        {10, {1, 2, 4}}, {0, {2, 3, 5}},  {-5, {3, 4, 6}}, /* clocks may differ */
    };
    struct nv_deadlines deadlines;
    nv_deadlines_init(&deadlines, list, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t first[NV_DEADLINES_MAX + 1] = {0};
        first[nv_deadlines_first(&deadlines, rows[i].response_ns)]++;
        nv_deadlines_take(&deadlines, first);
        nv_deadlines_take(&deadlines, first); /* it is taken already */
        assert_memory_equal(deadlines.ontime_count, rows[i].ontime, sizeof rows[i].ontime);
    }
}

static void may_be_none(void **state)
{
    (void)state;
    struct nv_deadlines deadlines;
    nv_deadlines_init(&deadlines, NULL, 0);
    assert_int_equal(nv_deadlines_first(&deadlines, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_every_deadline_that_was_kept),
        cmocka_unit_test(may_be_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
