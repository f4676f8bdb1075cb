/* SPDX-License-Identifier: MIT */
#include "path/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "path/rig_test.h"

static void test_an_empty_chain(void **state)
{
    (void)state;
    static const uint64_t times_ns[] = {5, 7};
    struct nv_rig rig;
    nv_rig_open(&rig, "empty", 1);
    assert_int_equal(nv_chain_next_ns(&rig.chain), NEVER_NS);
    nv_rig_send(&rig, 5, 100);
    nv_rig_send(&rig, 7, 200);
    nv_rig_expect_times(&rig, times_ns, 2);
    const struct nv_chain_account *account = nv_rig_account(&rig);
    assert_int_equal(account->in_count, 2);
    assert_int_equal(account->in_bytes, 300);
    assert_int_equal(account->out_count, 2);
    assert_int_equal(account->out_bytes, 300);
    assert_int_equal(account->held_count, 0);
    assert_int_equal(account->delay.count, 2);
    assert_int_equal(account->delay.max, 0);
    nv_rig_close(&rig);
}

/* METHOD 12: corrupt, duplicate, loss, rate and queue, delay and jitter, reorder, out. */
static void test_the_order_of_elements(void **state)
{
    (void)state;
    static const char *const names[] = {"corrupt", "duplicate", "drop",  "outage", "loss",   "ge",
                                        "ge-time", "rate",      "trace", "delay",  "reorder"};
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_non_null(nv_elements[i]);
        assert_string_equal(nv_elements[i]->name, names[i]);
    }
    assert_null(nv_elements[COUNT(names)]);
    assert_true(COUNT(names) < NV_CHAIN_STAGES_MAX);
}

/* Copies are lost each by itself, and by other throws than those that made them: of a packet come
 * 0 with 1/2 1/2 + 1/2 1/4 = 3/8, 1 with 1/2, 2 with 1/8. */
static void test_copies_meet_losses(void **state)
{
    (void)state;
    enum { PACKETS = 100000 };
    static const double shares[] = {0.375, 0.5, 0.125};
    static unsigned came[PACKETS];
    unsigned count[3] = {0};
    struct nv_rig rig;
    nv_rig_open(&rig, "duplicate=50%,loss=50%", 1);
    for (unsigned i = 0; i < PACKETS; i++)
        nv_rig_send(&rig, i, 100);
    for (size_t i = 0; i < rig.count; i++)
        came[rig.arrivals[i].number - 1]++;
    for (unsigned i = 0; i < PACKETS; i++)
        count[came[i]]++;
    for (unsigned i = 0; i < 3; i++)
        assert_true(fabs(count[i] - shares[i] * PACKETS) <
                    4 * sqrt(shares[i] * (1 - shares[i]) * PACKETS));
    nv_rig_close(&rig);
}

/* What is lost never was in the queue; what comes twice takes room twice. */
static void test_the_queue_is_behind_losses_and_copies(void **state)
{
    (void)state;
    struct nv_rig rig;
    nv_rig_open(&rig, "loss=100%,rate=12Mbit/s,queue=3000", 1);
    for (unsigned i = 0; i < 10; i++)
        nv_rig_send(&rig, 0, 1500);
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_LOSS), 10);
    assert_int_equal(nv_rig_account(&rig)->queue_max_bytes, 0);
    nv_rig_close(&rig);
    nv_rig_open(&rig, "duplicate=100%,rate=12Mbit/s,queue=4500", 1);
    nv_rig_send(&rig, 0, 1500);
    nv_rig_send(&rig, 0, 1500);
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_QUEUE), 1);
    assert_int_equal(nv_rig_account(&rig)->queue_max_bytes, 4500);
    nv_rig_drain(&rig);
    nv_rig_close(&rig);
}

/* Jitter comes behind the rate: packets may be nearer together than 1 ms, which one takes. And it
 * does not change when they leave the link. */
static void test_jitter_is_behind_the_rate(void **state)
{
    (void)state;
    struct nv_rig rig;
    unsigned near = 0;
    nv_rig_open(&rig, "rate=12Mbit/s,queue=1M,delay=10ms,jitter=5ms,order=free", 1);
    for (unsigned i = 0; i < 100; i++)
        nv_rig_send(&rig, 0, 1500);
    nv_rig_drain(&rig);
    for (size_t i = 0; i < 100; i++) {
        uint64_t left_ns = rig.arrivals[i].number * MS;
        assert_in_range(rig.arrivals[i].at_ns, left_ns + 5 * MS, left_ns + 15 * MS);
        near += i && rig.arrivals[i].at_ns - rig.arrivals[i - 1].at_ns < MS;
    }
    assert_true(near > 20);
    nv_rig_close(&rig);
}

/* A packet from just before the run is delayed into it, and is held back behind the delay: but does
 * not count. */
static void test_reordering_is_behind_the_delay(void **state)
{
    (void)state;
    static const uint64_t out_ns[] = {SECOND - 1 + 210 * MS};
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "delay=10ms,reorder=100%,reorder-gap=1", 1, 16);
    nv_chain_start(&rig.chain, SECOND, 2 * SECOND);
    nv_rig_send(&rig, SECOND - 1, 100);
    nv_rig_drain(&rig);
    nv_rig_expect_times(&rig, out_ns, 1);
    assert_int_equal(nv_rig_account(&rig)->reordered_count, 0);
    nv_rig_close(&rig);
}

/* Of packets that came before the start of the run nothing is known and nothing but the link is
 * met, however bad the weather. */
static void test_no_weather_before_the_run(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "corrupt=100%",
        "duplicate=100%",
        "drop=1-1000",
        "outage=0-1000s",
        "loss=100%",
        "ge=100%:100%:100%:100%",
        "ge-time=1us:1000s:100%:100%",
        "reorder=100%,reorder-gap=3",
        "reorder=100%,reorder-delay=3ms",
        "corrupt=100%,duplicate=100%,drop=1-1000,outage=0-1000s,loss=100%,ge=100%:100%:100%:100%",
    };
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct nv_rig rig;
        uint8_t bytes[100] = {0x45, [9] = 17}, copy[100];
        memcpy(copy, bytes, sizeof copy);
        nv_rig_open_sized(&rig, paths[i], 1, 16);
        for (unsigned k = 0; k < 100; k++) {
            uint64_t at_ns = k < 99 ? k * MS : SECOND - 1;
            if (k == 50)
                nv_chain_start(&rig.chain, SECOND, 2 * SECOND);
            nv_rig_send_bytes(&rig, at_ns, bytes, sizeof bytes);
            assert_int_equal(rig.count, k + 1);
            assert_int_equal(rig.arrivals[k].at_ns, at_ns);
            assert_false(rig.arrivals[k].corrupt || rig.arrivals[k].copy);
        }
        nv_chain_overrun(&rig.chain, SECOND - 1, 100);
        struct nv_chain_account nothing = {.weather_count = nv_rig_account(&rig)->weather_count};
        assert_memory_equal(nv_rig_account(&rig), &nothing, sizeof nothing);
        nv_rig_send_bytes(&rig, SECOND, bytes, sizeof bytes); /* the first of the run */
        const struct nv_chain_account *account = nv_rig_account(&rig);
        assert_int_equal(account->in_count, 1);
        assert_int_not_equal(account->corrupt_count + account->dup_count +
                                 account->drop_count[NV_DROP_LOSS] +
                                 account->drop_count[NV_DROP_OUTAGE] + account->reordered_count,
                             0);
        nv_chain_overrun(&rig.chain, SECOND, 100);
        assert_int_equal(nv_rig_drops(&rig, NV_DROP_OVERRUN), 1);
        nv_rig_drain(&rig);
        nv_rig_close(&rig);
    }
}

/* Each element throws for itself: others on the path do not change whom it loses. */
static void test_elements_do_not_share_chance(void **state)
{
    (void)state;
    struct nv_rig alone, among;
    nv_rig_open(&alone, "loss=30%", 3);
    nv_rig_open(&among, "loss=30%,corrupt=50%,outage=100s-200s,delay=5ms,jitter=1ms", 3);
    for (unsigned i = 0; i < 1000; i++) {
        nv_rig_send(&alone, i * MS, 100);
        nv_rig_send(&among, i * MS, 100);
    }
    nv_rig_drain(&among);
    assert_int_equal(alone.count, among.count);
    for (size_t i = 0; i < alone.count; i++)
        assert_int_equal(alone.arrivals[i].number, among.arrivals[i].number);
    nv_rig_close(&alone);
    nv_rig_close(&among);
}

/* Nor do they throw alike: of first packets 1/8 come as the copy alone, since one was made, the
 * first was lost and the second not. */
static void test_elements_do_not_throw_alike(void **state)
{
    (void)state;
    unsigned copies = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct nv_rig rig;
        nv_rig_open_sized(&rig, "duplicate=50%,loss=50%", seed, 4);
        nv_chain_start(&rig.chain, 0, NEVER_NS);
        nv_rig_send(&rig, 0, 100);
        copies += rig.count && rig.arrivals[0].copy;
        nv_rig_close(&rig);
    }
    assert_in_range(copies, 125 - 42, 125 + 42); /* 4 standard deviations */
}

/* 1 ms on the link, 2 of delay, held back 3. On the link until 1, 2 and 5; delayed until 3, 4 and
 * 7; out at 6, 7 and 10. */
static void test_events_in_the_order_of_time(void **state)
{
    (void)state;
    static const uint64_t event_ms[] = {1, 2, 3, 4, 5, 6, 7, 10};
    static const uint64_t out_ns[] = {6 * MS, 7 * MS, 10 * MS};
    for (unsigned at_once = 0; at_once < 2; at_once++) {
        struct nv_rig rig;
        nv_rig_open(&rig, "rate=12Mbit/s,queue=1M,delay=2ms,reorder=100%,reorder-delay=3ms", 1);
        nv_rig_send(&rig, 0, 1500);
        nv_rig_send(&rig, 0, 1500);
        for (size_t i = 0; i < COUNT(event_ms) && !at_once; i++) {
            if (event_ms[i] == 5) /* comes between events */
                nv_rig_send(&rig, 4 * MS, 1500);
            assert_int_equal(nv_chain_next_ns(&rig.chain), event_ms[i] * MS);
            nv_chain_run(&rig.chain, event_ms[i] * MS - 1); /* nothing yet */
            assert_int_equal(nv_chain_next_ns(&rig.chain), event_ms[i] * MS);
            nv_chain_run(&rig.chain, event_ms[i] * MS);
            assert_int_equal(rig.count, event_ms[i] < 6    ? 0
                                        : event_ms[i] < 10 ? event_ms[i] - 5
                                                           : 3);
        }
        if (at_once)
            nv_rig_send(&rig, 4 * MS, 1500);
        nv_rig_drain(&rig);
        nv_rig_expect_times(&rig, out_ns, COUNT(out_ns));
        nv_rig_close(&rig);
    }
}

/* What is due by the time when a packet comes goes before it. */
static void test_input_makes_due_what_waits(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {1, 2, 3};
    struct nv_rig rig;
    nv_rig_open(&rig, "delay=2ms", 1);
    nv_rig_send(&rig, 0, 100);
    nv_rig_send(&rig, 1, 100);
    assert_int_equal(rig.count, 0);
    nv_rig_send(&rig, 2 * MS, 100);
    assert_int_equal(rig.count, 1);
    nv_rig_send(&rig, SECOND, 100);
    nv_rig_expect_numbers(&rig, numbers, COUNT(numbers));
    nv_rig_close(&rig);
}

/* 8 packets of room: who finds none is counted, with a number, and the next ones find some again.
 */
static void test_overrun(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 21};
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "delay=10ms", 1, 8);
    nv_chain_start(&rig.chain, 0, NEVER_NS);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(nv_rig_offer(&rig, 0, 100), i < 8);
    const struct nv_chain_account *account = nv_rig_account(&rig);
    assert_int_equal(account->in_count, 20);
    assert_int_equal(account->in_bytes, 2000);
    assert_int_equal(account->drop_count[NV_DROP_OVERRUN], 12);
    assert_int_equal(account->held_count, 8);
    nv_chain_run(&rig.chain, 10 * MS);
    nv_rig_send(&rig, 10 * MS, 100);
    nv_rig_drain(&rig);
    nv_rig_expect_numbers(&rig, numbers, COUNT(numbers));
    assert_int_equal(nv_rig_account(&rig)->in_count, 21);
    nv_rig_close(&rig);
}

/* A copy that finds no room is one that was made and lost. */
static void test_overrun_by_copies(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {1, 1, 2};
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "duplicate=100%,delay=10ms", 1, 3);
    nv_chain_start(&rig.chain, 0, NEVER_NS);
    nv_rig_send(&rig, 0, 100);
    nv_rig_send(&rig, 0, 100);
    const struct nv_chain_account *account = nv_rig_account(&rig);
    assert_int_equal(account->dup_count, 2);
    assert_int_equal(account->drop_count[NV_DROP_OVERRUN], 1);
    assert_int_equal(account->held_count, 3);
    assert_int_equal(rig.pool.used_count, 3);
    nv_rig_drain(&rig);
    nv_rig_expect_numbers(&rig, numbers, COUNT(numbers));
    nv_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_chain),
        cmocka_unit_test(test_the_order_of_elements),
        cmocka_unit_test(test_copies_meet_losses),
        cmocka_unit_test(test_the_queue_is_behind_losses_and_copies),
        cmocka_unit_test(test_jitter_is_behind_the_rate),
        cmocka_unit_test(test_reordering_is_behind_the_delay),
        cmocka_unit_test(test_no_weather_before_the_run),
        cmocka_unit_test(test_elements_do_not_share_chance),
        cmocka_unit_test(test_elements_do_not_throw_alike),
        cmocka_unit_test(test_events_in_the_order_of_time),
        cmocka_unit_test(test_input_makes_due_what_waits),
        cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_overrun_by_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
