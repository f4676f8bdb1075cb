/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "measure/inorder.h"

#define MS 1000000ull
#define PATIENCE_NS (100 * MS)

struct fixture {
    struct nv_inorder order;
    struct nv_blocking counts;
    uint64_t next_expected;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    return f ? nv_inorder_init(&f->order, 8, PATIENCE_NS, NULL) : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    nv_inorder_dispose(&f->order);
    free(f);
    return 0;
}

static void arrive(struct fixture *f, uint64_t seq, uint64_t at_ms)
{
    if (!f->order.holds)
        nv_inorder_begin(&f->order, f->next_expected);
    nv_inorder_add(&f->order, &f->counts, seq, at_ms * MS, true);
    if (seq >= f->next_expected)
        f->next_expected = seq + 1;
}

/* 2 comes at 45 instead of 12: 3, 4, 5, which came at 13, 14 and 15, wait 32, 31 and 30 ms. */
static void who_comes_late_is_waited_for(void **state)
{
    struct fixture *f = *state;
    static const uint64_t came[][2] = {{0, 10}, {1, 11}, {3, 13}, {4, 14}, {5, 15}, {2, 45}};
    for (unsigned i = 0; i < 6; i++) {
        arrive(f, came[i][0], came[i][1]);
        assert_int_equal(f->order.holds, i >= 2 && i < 5);
    }
    arrive(f, 6, 46);
    assert_int_equal(f->counts.waits.count, 7);
    assert_int_equal(f->counts.waits.sum, 93 * MS);
    assert_int_equal(f->counts.blocked_count, 3);
    assert_int_equal(f->counts.episode_count, 1);
    assert_int_equal(f->counts.total_ns, 93 * MS);
    assert_int_equal(f->counts.max_ns, 32 * MS);
    assert_int_equal(f->counts.too_late_count, 0);
}

/* 1 is missed from 12 on, and given up at 112, which the arrival at 120 finds: 2 waited 100 ms, 3
 * 99, and 4 nothing; and then 1 comes. */
static void who_is_lost_is_given_up(void **state)
{
    struct fixture *f = *state;
    arrive(f, 0, 10);
    arrive(f, 2, 12);
    arrive(f, 3, 13);
    assert_int_equal(f->counts.blocked_count, 0);
    arrive(f, 4, 120);
    assert_false(f->order.holds);
    assert_int_equal(f->counts.blocked_count, 2);
    assert_int_equal(f->counts.total_ns, 199 * MS);
    assert_int_equal(f->counts.episode_count, 1);
    assert_int_equal(f->counts.waits.count, 4);
    arrive(f, 1, 121);
    assert_int_equal(f->counts.too_late_count, 1);
    assert_int_equal(f->counts.waits.count, 4);
    assert_false(f->order.holds);
}

/* 1 and 4 are lost: 2 and 3 are handed over at 112, and 5, missed at 15, at 115. */
static void each_hole_has_its_end(void **state)
{
    struct fixture *f = *state;
    static const uint64_t came[][2] = {{0, 10}, {2, 12}, {3, 13}, {5, 15}};
    for (unsigned i = 0; i < 4; i++)
        arrive(f, came[i][0], came[i][1]);
    nv_inorder_finish(&f->order, &f->counts);
    assert_int_equal(f->counts.blocked_count, 3);
    assert_int_equal(f->counts.total_ns, (100 + 99 + 100) * MS);
    assert_int_equal(f->counts.episode_count, 2);
    assert_false(f->order.holds);
}

/* There is room for 8: 9 ends the wait for 1, at once, and 30 that for all that is missing. */
static void a_full_window_ends_the_wait(void **state)
{
    struct fixture *f = *state;
    arrive(f, 0, 10);
    for (uint64_t seq = 2; seq <= 8; seq++)
        arrive(f, seq, 20);
    assert_int_equal(f->counts.waits.count, 1);
    arrive(f, 9, 25);
    assert_int_equal(f->counts.waits.count, 9);
    assert_int_equal(f->counts.total_ns, 7 * 5 * MS);
    arrive(f, 30, 26);
    assert_true(f->order.holds);
    assert_int_equal(f->order.rel, 23);
    nv_inorder_finish(&f->order, &f->counts);
    assert_int_equal(f->counts.max_ns, 100 * MS);
    assert_int_equal(f->counts.waits.count, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_comes_late_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_lost_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_hole_has_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_window_ends_the_wait, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
