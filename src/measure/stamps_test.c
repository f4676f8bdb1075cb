/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/stamps.h"

#define MS 1000000ull

static const struct nv_phases phases = {.warmup_ns = 10 * MS, .measure_ns = 100 * MS};

static void stamps_find_their_messages(void **state)
{
    (void)state;
    struct nv_stamps stamps;
    assert_int_equal(nv_stamps_init(&stamps, &phases, 3, NULL), NV_OK);
    /* 100 bytes each; the first is of the warm-up, the last has no room. */
    for (uint64_t seq = 0; seq < 5; seq++)
        nv_stamps_sent(&stamps, seq, 9 * MS + seq * MS, seq * 100 + 99, 20 * MS + seq);
    assert_int_equal(stamps.count, 3);
    nv_stamps_take(&stamps, NV_STAMP_SENT, 199, 21 * MS);
    nv_stamps_take(&stamps, NV_STAMP_SENT, 199, 61 * MS); /* sent again */
    nv_stamps_take(&stamps, NV_STAMP_ACKED, 399, 63 * MS);
    nv_stamps_take(&stamps, NV_STAMP_SENT, 99, 21 * MS); /* the warm-up's */
    nv_stamps_take(&stamps, NV_STAMP_SENT, 250, 21 * MS);
    nv_stamps_finish(&stamps);
    assert_int_equal(nv_stamps_find(&stamps, 1)->t_ns[NV_STAMP_SENT], 21 * MS);
    assert_int_equal(nv_stamps_find(&stamps, 1)->t_ns[NV_STAMP_SCHED], NV_UNKNOWN);
    assert_int_equal(nv_stamps_find(&stamps, 3)->t_ns[NV_STAMP_ACKED], 63 * MS);
    assert_int_equal(nv_stamps_find(&stamps, 3)->t_acc_ns, 20 * MS + 3);
    assert_null(nv_stamps_find(&stamps, 0));
    assert_null(nv_stamps_find(&stamps, 4));
    assert_int_equal(stamps.counters.again_count, 1);
    assert_int_equal(stamps.counters.foreign_count, 2);
    assert_int_equal(stamps.counters.sent_gaps_count, 2); /* 2 and 3 */
    nv_stamps_dispose(&stamps);
}

/* The kernel counts bytes in 32 bits. */
static void ids_go_round(void **state)
{
    (void)state;
    struct nv_stamps stamps;
    assert_int_equal(nv_stamps_init(&stamps, &phases, 2, NULL), NV_OK);
    nv_stamps_sent(&stamps, 7, 20 * MS, 4294967290ull, NV_UNKNOWN);
    nv_stamps_accepted(&stamps, 25 * MS);
    nv_stamps_sent(&stamps, 8, 21 * MS, 4294967300ull, 26 * MS);
    nv_stamps_take(&stamps, NV_STAMP_SENT, 4, 30 * MS);
    nv_stamps_take(&stamps, NV_STAMP_SENT, 4294967290u, 31 * MS);
    assert_int_equal(nv_stamps_find(&stamps, 8)->t_ns[NV_STAMP_SENT], 30 * MS);
    assert_int_equal(nv_stamps_find(&stamps, 7)->t_ns[NV_STAMP_SENT], 31 * MS);
    assert_int_equal(nv_stamps_find(&stamps, 7)->t_acc_ns, 25 * MS);
    nv_stamps_dispose(&stamps);
}

/* 1 comes at 62 instead of 21: 2 and 3, which are there at 22 and 23, can be handed over at 62. */
static void a_hole_blocks_what_is_behind(void **state)
{
    (void)state;
    static const uint64_t came_ms[] = {20, 62, 22, 23, 63}, ready_ms[] = {20, 62, 62, 62, 63};
    struct nv_stamps stamps;
    assert_int_equal(nv_stamps_init(&stamps, &phases, 0, NULL), NV_OK);
    stamps.ordered = true;
    for (unsigned i = 0; i < 5; i++) {
        nv_stamps_came(&stamps, came_ms[i] * MS);
        assert_int_equal(stamps.t_rxk_ns, came_ms[i] * MS);
        assert_int_equal(stamps.t_rdy_ns, ready_ms[i] * MS);
    }
    nv_stamps_came(&stamps, NV_UNKNOWN);
    assert_int_equal(stamps.t_rdy_ns, NV_UNKNOWN);
    assert_int_equal(stamps.counters.unstamped_count, 1);
    stamps.ordered = false;
    nv_stamps_came(&stamps, 22 * MS);
    assert_int_equal(stamps.t_rdy_ns, 22 * MS);
    nv_stamps_dispose(&stamps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_find_their_messages),
        cmocka_unit_test(ids_go_round),
        cmocka_unit_test(a_hole_blocks_what_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
