/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedule/pacer.h"

#define MS UINT64_C(1000000)

/* 1000 messages a second: message k is due at k ms. */
static struct nv_schedule_config each_ms(uint64_t end_ns)
{
    return (struct nv_schedule_config){
        .rate_milli = 1000000,
        .arrival = NV_ARRIVAL_CONSTANT,
        .sizes = {.kind = NV_SIZES_FIXED, .count = 1, .bytes = {64}},
        .seed = 1,
        .end_ns = end_ns,
    };
}

static void test_takes_what_is_due_and_no_more(void **state)
{
    (void)state;
    struct nv_schedule_config config = each_ms(3 * MS);
    struct nv_pacer pacer;
    struct nv_planned planned;
    config.phase_ns = 10;
    nv_pacer_init(&pacer, &config); /* due at 10, 1 ms + 10, 2 ms + 10 */
    assert_int_equal(nv_pacer_next_ns(&pacer), 10);
    assert_false(nv_pacer_take(&pacer, 9, 1, &planned));
    assert_true(nv_pacer_take(&pacer, 10, 1, &planned));
    assert_int_equal(planned.seq, 0);
    assert_int_equal(planned.t_int_ns, 10);
    assert_int_equal(planned.size_bytes, 64);
    assert_false(nv_pacer_take(&pacer, 10, 1, &planned));
    assert_int_equal(nv_pacer_next_ns(&pacer), MS + 10);
    assert_false(nv_pacer_take(&pacer, MS + 9, 1, &planned));
    assert_true(nv_pacer_take(&pacer, MS + 900, 1, &planned)); /* late: still its own time */
    assert_int_equal(planned.t_int_ns, MS + 10);
    assert_true(nv_pacer_take(&pacer, 2 * MS + 10, 1, &planned));
    assert_int_equal(planned.seq, 2);
    assert_int_equal(nv_pacer_next_ns(&pacer), UINT64_MAX);
    assert_false(nv_pacer_take(&pacer, 4 * MS, 1, &planned));
    assert_false(nv_pacer_take(&pacer, UINT64_MAX, 1, &planned));
}

/* Nobody asks for a second, then everything of that second comes, and the beat is the old one. */
static void test_catches_up_after_a_stall(void **state)
{
    (void)state;
    struct nv_schedule_config config = each_ms(10000 * MS);
    struct nv_pacer pacer;
    struct nv_planned planned;
    uint64_t seq = 0;
    nv_pacer_init(&pacer, &config);
    for (; seq < 100; seq++)
        assert_true(nv_pacer_take(&pacer, seq * MS, 1, &planned));
    uint64_t now_ns = 1099 * MS + 999999; /* 100 to 1099 are due: 1000 messages */
    for (; seq < 1100; seq++) {
        assert_true(nv_pacer_take(&pacer, now_ns, 1, &planned));
        assert_int_equal(planned.seq, seq);
        assert_int_equal(planned.t_int_ns, seq * MS);
    }
    assert_false(nv_pacer_take(&pacer, now_ns, 1, &planned));
    assert_int_equal(nv_pacer_next_ns(&pacer), 1100 * MS);
}

/* Takes up to count_max due messages and checks that they are the schedule's next ones. */
static void take_some(struct nv_pacer *pacer, struct nv_schedule *schedule, uint64_t now_ns,
                      uint64_t count_max)
{
    struct nv_planned planned, expected;
    for (uint64_t i = 0; i < count_max && nv_pacer_take(pacer, now_ns, 1, &planned); i++) {
        assert_true(nv_schedule_next(schedule, &expected));
        assert_int_equal(planned.seq, expected.seq);
        assert_int_equal(planned.t_int_ns, expected.t_int_ns);
        assert_int_equal(planned.size_bytes, expected.size_bytes);
        assert_true(planned.t_int_ns <= now_ns);
    }
}

/* Asked at any times, a pacer gives exactly its schedule, no message early. */
static void test_never_skips_and_never_is_early(void **state)
{
    (void)state;
    for (unsigned arrival = NV_ARRIVAL_CONSTANT; arrival <= NV_ARRIVAL_BURST; arrival++) {
        struct nv_schedule_config config = each_ms(20000 * MS);
        struct nv_schedule schedule;
        struct nv_pacer pacer;
        struct nv_planned planned;
        struct nv_rng rng;
        uint64_t now_ns = 0;
        config.arrival = (enum nv_arrival)arrival;
        config.burst = 5;
        nv_schedule_init(&schedule, &config);
        nv_pacer_init(&pacer, &config);
        nv_rng_seed(&rng, arrival);
        while (nv_pacer_next_ns(&pacer) != UINT64_MAX) {
            now_ns += nv_rng_below(&rng, nv_rng_below(&rng, 50) ? 2 * MS : 500 * MS);
            take_some(&pacer, &schedule, now_ns, 1 + nv_rng_below(&rng, 64));
        }
        assert_false(nv_schedule_next(&schedule, &planned));
    }
}

/* At the end of a run what is left is taken, to be counted as unsent. */
static void test_drains_at_the_end_of_time(void **state)
{
    (void)state;
    struct nv_schedule_config config = each_ms(1000 * MS);
    struct nv_pacer pacer;
    struct nv_planned planned;
    unsigned count = 0;
    nv_pacer_init(&pacer, &config);
    while (nv_pacer_take(&pacer, UINT64_MAX, 1, &planned))
        count++;
    assert_int_equal(count, 1000);
}

static void test_rate_max(void **state)
{
    (void)state;
    struct nv_schedule_config config = each_ms(5 * MS);
    struct nv_pacer pacer;
    struct nv_planned planned;
    config.rate_milli = 0;
    nv_pacer_init(&pacer, &config);
    static const uint64_t now_ns[] = {0, 0, 17, 4 * MS, 5 * MS - 1};
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(nv_pacer_next_ns(&pacer), 0);
        assert_true(nv_pacer_take(&pacer, now_ns[i], 1, &planned));
        assert_int_equal(planned.seq, i);
        assert_int_equal(planned.t_int_ns, now_ns[i]);
        assert_int_equal(planned.size_bytes, 64);
    }
    assert_false(nv_pacer_take(&pacer, 5 * MS, 1, &planned));
    assert_int_equal(nv_pacer_next_ns(&pacer), UINT64_MAX); /* nobody need wake up again */
    assert_false(nv_pacer_take(&pacer, UINT64_MAX, 1, &planned));
}

/* What happened before the send, then the send: whose lag is it? */
enum { NEVER = 0, BLOCKED, WRITABLE, CAUGHT_UP };

static void test_lag_is_charged_to_whom_it_is_due(void **state)
{
    (void)state;
    static const struct {
        struct {
            int what;
            uint64_t at_ns;
        } events[4];
        uint64_t t_int_ns, t_snd_ns, sched_ns, block_ns;
    } rows[] = {
        /* writable all the time: ours */
        {{{NEVER, 0}}, 0, 0, 0, 0},
        {{{NEVER, 0}}, 0, 5, 5, 0},
        {{{NEVER, 0}}, 100, 100, 0, 0},
        {{{NEVER, 0}}, 100, 130, 30, 0},
        {{{NEVER, 0}}, 100, 90, 0, 0}, /* early: no lag */
        /* blocked now */
        {{{BLOCKED, 50}}, 100, 250, 0, 150},
        {{{BLOCKED, 150}}, 100, 250, 0, 150},
        {{{BLOCKED, 50}}, 100, 90, 0, 0},
        /* blocked from 50 to 200 */
        {{{BLOCKED, 50}, {WRITABLE, 200}}, 20, 210, 0, 190},
        {{{BLOCKED, 50}, {WRITABLE, 200}}, 100, 210, 0, 110},
        {{{BLOCKED, 50}, {WRITABLE, 200}}, 200, 230, 0, 30},
        {{{BLOCKED, 50}, {WRITABLE, 200}}, 201, 230, 0, 29}, /* behind those that waited */
        {{{BLOCKED, 50}, {WRITABLE, 200}, {CAUGHT_UP, 220}}, 220, 230, 0, 10},
        {{{BLOCKED, 50}, {WRITABLE, 200}, {CAUGHT_UP, 220}}, 221, 230, 9, 0},
        {{{CAUGHT_UP, 220}}, 210, 230, 20, 0},
        /* blocked from 50 to 200 and from 300 to 400 */
        {{{BLOCKED, 50}, {WRITABLE, 200}, {BLOCKED, 300}, {WRITABLE, 400}}, 250, 410, 0, 160},
        {{{BLOCKED, 50}, {CAUGHT_UP, 60}, {WRITABLE, 200}, {CAUGHT_UP, 400}}, 401, 410, 9, 0},
        {{{BLOCKED, 50}, {WRITABLE, 200}, {BLOCKED, 300}}, 250, 310, 0, 60},
        /* "writable" with no block before it excuses nothing */
        {{{WRITABLE, 200}}, 100, 210, 110, 0},
        {{{BLOCKED, 50}, {WRITABLE, 200}, {CAUGHT_UP, 201}, {WRITABLE, 500}}, 300, 510, 210, 0},
        /* blocked twice, writable once */
        {{{BLOCKED, 50}, {BLOCKED, 60}, {WRITABLE, 200}}, 150, 210, 0, 60},
        {{{BLOCKED, 50}, {BLOCKED, 60}, {WRITABLE, 200}, {CAUGHT_UP, 200}}, 205, 210, 5, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_schedule_config config = each_ms(1000 * MS);
        struct nv_pacer pacer;
        struct nv_planned planned;
        nv_pacer_init(&pacer, &config);
        for (unsigned e = 0; e < 4 && rows[i].events[e].what != NEVER; e++) {
            if (rows[i].events[e].what == BLOCKED)
                nv_pacer_blocked(&pacer);
            else if (rows[i].events[e].what == WRITABLE)
                nv_pacer_writable(&pacer);
            else
                while (nv_pacer_take(&pacer, rows[i].events[e].at_ns, 1, &planned)) {
                }
        }
        struct nv_lag lag = nv_pacer_lag(&pacer, rows[i].t_int_ns, rows[i].t_snd_ns);
        if (lag.sched_ns != rows[i].sched_ns || lag.block_ns != rows[i].block_ns)
            fail_msg("row %zu: sched %llu, block %llu", i, (unsigned long long)lag.sched_ns,
                     (unsigned long long)lag.block_ns);
    }
}

/* The socket blocks; the beat of the schedule does not care. */
static void test_blocking_does_not_move_the_schedule(void **state)
{
    (void)state;
    struct nv_schedule_config config = each_ms(100 * MS);
    struct nv_pacer pacer;
    struct nv_planned planned;
    nv_pacer_init(&pacer, &config);
    assert_true(nv_pacer_take(&pacer, 0, 1, &planned));
    nv_pacer_blocked(&pacer);
    assert_int_equal(nv_pacer_next_ns(&pacer), MS);
    nv_pacer_writable(&pacer);
    for (uint64_t k = 1; k <= 50; k++) {
        assert_true(nv_pacer_take(&pacer, 50 * MS, 1, &planned));
        assert_int_equal(planned.t_int_ns, k * MS);
        struct nv_lag lag = nv_pacer_lag(&pacer, planned.t_int_ns, 50 * MS + 7);
        assert_int_equal(lag.sched_ns, 0);
        assert_int_equal(lag.block_ns, (50 - k) * MS + 7);
    }
    assert_false(nv_pacer_take(&pacer, 50 * MS, 1, &planned));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_what_is_due_and_no_more),
        cmocka_unit_test(test_catches_up_after_a_stall),
        cmocka_unit_test(test_never_skips_and_never_is_early),
        cmocka_unit_test(test_drains_at_the_end_of_time),
        cmocka_unit_test(test_rate_max),
        cmocka_unit_test(test_lag_is_charged_to_whom_it_is_due),
        cmocka_unit_test(test_blocking_does_not_move_the_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
