/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "measure/ordering.h"
#include "path/rig_test.h"

/* Which packets are held back is a throw of a coin, and does not depend on for how long. So a run
 * with a long delay shows whom a seed holds back, and a seed can be looked for that holds back the
 * packets of an example. */

#define SHARE "reorder=0.3"

/* Sends count packets 1 ms apart; held[i]: was number i + 1 held back? */
static void who_is_held(uint64_t seed, bool *held, unsigned count)
{
    struct nv_rig rig;
    nv_rig_open_sized(&rig, SHARE ",reorder-delay=10s", seed, count);
    nv_chain_start(&rig.chain, 0, NEVER_NS);
    for (unsigned i = 0; i < count; i++)
        nv_rig_send(&rig, i * MS, 100);
    nv_rig_drain(&rig);
    for (unsigned i = 0; i < count; i++) {
        const struct nv_rig_arrival *arrival = &rig.arrivals[i];
        held[arrival->number - 1] = arrival->at_ns == arrival->in_ns + 10 * SECOND;
        assert_true(held[arrival->number - 1] || arrival->at_ns == arrival->in_ns);
    }
    nv_rig_close(&rig);
}

/* A seed that holds back just the packets whose bit is set in mask (bit 0: number 1). */
static uint64_t seed_that_holds(unsigned mask, unsigned count)
{
    for (uint64_t seed = 1; seed < 100000; seed++) {
        bool held[32];
        unsigned got = 0;
        who_is_held(seed, held, count);
        for (unsigned i = 0; i < count; i++)
            got |= (unsigned)held[i] << i;
        if (got == mask)
            return seed;
    }
    fail_msg("no seed holds %x", mask);
    return 0;
}

#define BIT(number) (1u << ((number)-1))

struct example {
    const char *setting;
    unsigned held, count;
    uint64_t numbers[12], at_ms[12]; /* as they come out, worked out by hand */
    uint64_t reordered, extent_sum;  /* RFC 4737 */
};

static const struct example examples[] = {
    /* METHOD 5: one of ten is late by four */
    {"reorder-gap=4",
     BIT(4),
     10,
     {1, 2, 3, 5, 6, 7, 8, 4, 9, 10},
     {0, 1, 2, 4, 5, 6, 7, 7, 8, 9},
     1,
     4},
    /* METHOD 5: three in a row */
    {"reorder-gap=4",
     BIT(4) | BIT(5) | BIT(6),
     11,
     {1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11},
     {0, 1, 2, 6, 7, 8, 9, 9, 9, 9, 10},
     3,
     4 + 5 + 6},
    {"reorder-gap=2",
     BIT(2) | BIT(5),
     8,
     {1, 3, 4, 2, 6, 7, 5, 8},
     {0, 2, 3, 3, 5, 6, 6, 7},
     2,
     2 + 2},
    /* 2 and 3 wait for 4, 6 and 7, 5 for 6, 7 and 8: who is let go does not pass anybody */
    {"reorder-gap=3",
     BIT(2) | BIT(3) | BIT(5),
     8,
     {1, 4, 6, 7, 2, 3, 8, 5},
     {0, 3, 5, 6, 6, 6, 7, 7},
     3,
     3 + 4 + 5}, /* 5: the first later one is 6, in place 3 of 8 */
    {"reorder-gap=1", BIT(1), 3, {2, 1, 3}, {1, 1, 2}, 1, 1},
    /* 200 ms is all that a packet waits: 8 and then nobody */
    {"reorder-gap=2", BIT(7), 8, {1, 2, 3, 4, 5, 6, 8, 7}, {0, 1, 2, 3, 4, 5, 7, 206}, 1, 1},
    {"reorder-gap=9", BIT(2) | BIT(4), 4, {1, 3, 2, 4}, {0, 2, 201, 203}, 1, 1},
    {"reorder-gap=1", BIT(3), 3, {1, 2, 3}, {0, 1, 202}, 0, 0},
    /* by time: 2 from 1 to 3 ms, then 5 from 4 to 6; at the same time whoever waited goes first */
    {"reorder-delay=2ms",
     BIT(2) | BIT(5),
     8,
     {1, 3, 2, 4, 6, 5, 7, 8},
     {0, 2, 3, 3, 5, 6, 6, 7},
     2,
     1 + 1},
    {"reorder-delay=30ms", BIT(1) | BIT(2), 4, {3, 4, 1, 2}, {2, 3, 30, 31}, 2, 2 + 3},
};

static void expect_rfc4737(const struct nv_rig *rig, const struct example *example)
{
    struct nv_ordering counts = {0};
    struct nv_ordering_live live;
    assert_int_equal(nv_ordering_init(&live, 64, NULL), 0);
    for (size_t i = 0; i < rig->count; i++)
        (void)nv_ordering_add(&live, &counts, rig->arrivals[i].number, rig->arrivals[i].at_ns);
    assert_int_equal(counts.reordered_count, example->reordered);
    assert_int_equal(counts.extent_sum_msgs, example->extent_sum);
    nv_ordering_dispose(&live);
}

static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        const struct example *example = &examples[i];
        struct nv_rig rig;
        char path[128];
        (void)snprintf(path, sizeof path, SHARE ",%s", example->setting);
        nv_rig_open(&rig, path, seed_that_holds(example->held, example->count));
        for (unsigned k = 0; k < example->count; k++)
            nv_rig_send(&rig, k * MS, 100);
        nv_rig_drain(&rig);
        nv_rig_expect_numbers(&rig, example->numbers, example->count);
        for (unsigned k = 0; k < example->count; k++)
            assert_int_equal(rig.arrivals[k].at_ns, example->at_ms[k] * MS);
        assert_int_equal(nv_rig_account(&rig)->reordered_count, __builtin_popcount(example->held));
        expect_rfc4737(&rig, example);
        nv_rig_close(&rig);
    }
}

/* Neither early nor late; who gave up has not passed anybody. */
static void test_patience(void **state)
{
    (void)state;
    static const uint64_t in_ns[] = {0, 150 * MS, 200 * MS, 210 * MS, 210 * MS};
    static const uint64_t numbers[] = {1, 3, 4, 2, 5};
    static const uint64_t out_ns[] = {200 * MS, 200 * MS, 210 * MS, 210 * MS, 210 * MS};
    struct nv_rig rig;
    nv_rig_open(&rig, SHARE ",reorder-gap=2", seed_that_holds(BIT(1) | BIT(2), 5));
    nv_rig_send(&rig, in_ns[0], 100);
    assert_int_equal(nv_chain_next_ns(&rig.chain), 200 * MS);
    nv_rig_send(&rig, in_ns[1], 100);
    nv_chain_run(&rig.chain, 200 * MS - 1);
    assert_int_equal(rig.count, 0);
    nv_rig_send(&rig, in_ns[2], 100);
    assert_int_equal(rig.count, 2);
    assert_int_equal(nv_chain_next_ns(&rig.chain), 350 * MS);
    nv_rig_send(&rig, in_ns[3], 100);
    assert_int_equal(rig.count, 4);
    nv_rig_send(&rig, in_ns[4], 100);
    nv_rig_expect_numbers(&rig, numbers, COUNT(numbers));
    nv_rig_expect_times(&rig, out_ns, COUNT(out_ns));
    nv_rig_close(&rig);
}

/* The packet behind which this held one comes: of those not held, the gap-th after it; or count. */
static unsigned released_by(const bool *held, unsigned count, unsigned gap, unsigned packet)
{
    unsigned passed = 0;
    for (unsigned i = packet + 1; i < count; i++) {
        passed += !held[i];
        if (passed == gap)
            return i;
    }
    return count;
}

/* Returns how many come out so. */
static unsigned expected_order(const bool *held, unsigned count, unsigned gap, uint64_t *numbers)
{
    unsigned out = 0;
    for (unsigned i = 0; i < count; i++) {
        if (held[i])
            continue;
        numbers[out++] = i + 1;
        for (unsigned k = i > 200 ? i - 200 : 0; k < i; k++)
            if (held[k] && released_by(held, count, gap, k) == i)
                numbers[out++] = k + 1;
    }
    return out;
}

static void test_random_packets(void **state)
{
    (void)state;
    enum { PACKETS = 3000, SEED = 77 };
    static bool held[PACKETS];
    static uint64_t numbers[PACKETS];
    unsigned held_count = 0;
    who_is_held(SEED, held, PACKETS);
    for (unsigned i = 0; i < PACKETS; i++)
        held_count += held[i];
    assert_true(fabs(held_count - 900.) < 3.3 * sqrt(0.3 * 0.7 * PACKETS));
    for (unsigned gap = 1; gap <= 40; gap += 13) {
        struct nv_rig rig;
        char path[64];
        (void)snprintf(path, sizeof path, SHARE ",reorder-gap=%u", gap);
        nv_rig_open(&rig, path, SEED);
        for (unsigned i = 0; i < PACKETS; i++)
            nv_rig_send(&rig, i * MS, 100);
        unsigned out = expected_order(held, PACKETS, gap, numbers);
        nv_rig_expect_numbers(&rig, numbers, out);
        assert_int_equal(nv_rig_account(&rig)->held_count, PACKETS - out);
        assert_int_equal(nv_rig_account(&rig)->reordered_count, held_count);
        nv_rig_drain(&rig);
        nv_rig_close(&rig);
    }
}

/* With 100 % nobody is there to pass: each waits out its time. */
static void test_everybody_is_held(void **state)
{
    (void)state;
    static const char *const paths[] = {"reorder=100%,reorder-gap=1",
                                        "reorder=100%,reorder-delay=200ms"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct nv_rig rig;
        nv_rig_open(&rig, paths[i], 1);
        for (uint64_t k = 0; k < 1000; k++)
            nv_rig_send(&rig, k * MS, 100);
        nv_rig_drain(&rig);
        assert_int_equal(rig.count, 1000);
        for (uint64_t k = 0; k < 1000; k++) {
            assert_int_equal(rig.arrivals[k].number, k + 1);
            assert_int_equal(rig.arrivals[k].at_ns, k * MS + 200 * MS);
        }
        nv_rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_random_packets),
        cmocka_unit_test(test_everybody_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
