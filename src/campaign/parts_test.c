/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "campaign/parts.h"

#define US 1000ull

/* Sent at 1000 us, to the scheduler at 1003, to the device at 1005, there at 21 025, ready at
 * 62 080, read at 62 090. */
static struct nv_trace_row a_row(void)
{
    return (struct nv_trace_row){.t_snd_ns = 1000 * US,
                                 .t_acc_ns = 1008 * US,
                                 .t_sch_ns = 1003 * US,
                                 .t_txk_ns = 1005 * US,
                                 .t_rxk_ns = 21025 * US,
                                 .t_rdy_ns = 62080 * US,
                                 .t_rcv_ns = 62090 * US,
                                 .t_ack_ns = NV_UNKNOWN};
}

static void parts_lie_between_stamps(void **state)
{
    (void)state;
    static const int64_t expected_us[NV_PART_COUNT] = {3, 2, 20020, 41055, 10}; /* 61 090 */
    struct nv_trace_row row = a_row();
    int64_t parts_ns[NV_PART_COUNT];
    assert_true(nv_parts_of(&row, parts_ns));
    for (unsigned i = 0; i < NV_PART_COUNT; i++)
        assert_int_equal(parts_ns[i], expected_us[i] * 1000);
    assert_true(nv_parts_hold(&row, parts_ns));
}

static void a_copy_or_a_missing_stamp_has_none(void **state)
{
    (void)state;
    int64_t parts_ns[NV_PART_COUNT];
    struct nv_trace_row row = a_row();
    row.t_txk_ns = NV_UNKNOWN;
    assert_false(nv_parts_of(&row, parts_ns));
    row = a_row();
    row.status = NV_TRACE_DUP;
    assert_false(nv_parts_of(&row, parts_ns));
}

static void what_is_impossible_is_counted(void **state)
{
    (void)state;
    struct nv_trace_row rows[3] = {a_row(), a_row(), a_row()};
    rows[1].t_rcv_ns = rows[1].t_rdy_ns - 999;  /* the clocks' error */
    rows[2].t_rcv_ns = rows[2].t_rdy_ns - 1001; /* read before it was there */
    struct nv_rx rx = {.trace = rows, .trace_count = 3};
    struct nv_part_sums sums = {0};
    nv_parts_add(&sums, &rx);
    assert_int_equal(sums.count, 3);
    assert_int_equal(sums.wrong_count, 1);
    assert_int_equal(sums.sum_ns[NV_PART_HOL], 3 * 41055 * 1000);
    assert_int_equal(sums.sum_ns[NV_PART_WAKE], 10 * 1000 - 999 - 1001);
}

static void parts_that_are_not_the_whole_are_found(void **state)
{
    (void)state;
    struct nv_trace_row row = a_row();
    int64_t parts_ns[NV_PART_COUNT];
    assert_true(nv_parts_of(&row, parts_ns));
    parts_ns[NV_PART_HOL]--;
    assert_false(nv_parts_hold(&row, parts_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_lie_between_stamps),
        cmocka_unit_test(a_copy_or_a_missing_stamp_has_none),
        cmocka_unit_test(what_is_impossible_is_counted),
        cmocka_unit_test(parts_that_are_not_the_whole_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
