/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "path/rig_test.h"

/* A constant rate and the queue before it. CoDel: queue_test.c; traces: trace_test.c. */

/* 8000 bits at 3 Mbit/s are 2 666 666 and two thirds ns. The k-th of a busy time leaves at the
 * whole ns of k times that, however many there were. */
static uint64_t kth_of_3mbit_ns(uint64_t k)
{
    return k * 8000000 / 3;
}

static void test_no_drift(void **state)
{
    (void)state;
    enum { PACKETS = 100000 };
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "rate=3Mbit/s,queue=1M", 1, 16);
    nv_chain_start(&rig.chain, 0, NEVER_NS);
    for (uint64_t k = 1; k <= PACKETS; k++) /* three always wait, or are on the link */
        nv_rig_send(&rig, k > 3 ? kth_of_3mbit_ns(k - 3) : 0, 1000);
    nv_rig_drain(&rig);
    assert_int_equal(rig.count, PACKETS);
    for (uint64_t k = 1; k <= PACKETS; k++) {
        assert_int_equal(rig.arrivals[k - 1].number, k);
        assert_int_equal(rig.arrivals[k - 1].at_ns, kth_of_3mbit_ns(k));
    }
    nv_rig_close(&rig);
}

/* A second busy time owes nothing to the first. */
static void test_each_busy_time_begins_anew(void **state)
{
    (void)state;
    static const uint64_t in_ns[] = {0,           0,           10 * MS + 1, 10 * MS + 1,
                                     10 * MS + 1, 30 * MS + 7, 32666674};
    static const uint64_t out_ns[] = {
        2666666,
        5333333,
        10 * MS + 1 + 2666666,
        10 * MS + 1 + 5333333,
        10 * MS + 1 + 8000000,
        30 * MS + 7 + 2666666, /* 32 666 673, when nothing waits */
        32666674 + 2666666,
    };
    struct nv_rig rig;
    nv_rig_open(&rig, "rate=3Mbit/s,queue=1M", 1);
    for (size_t i = 0; i < COUNT(in_ns); i++)
        nv_rig_send(&rig, in_ns[i], 1000);
    nv_rig_drain(&rig);
    nv_rig_expect_times(&rig, out_ns, COUNT(out_ns));
    nv_rig_close(&rig);
}

/* Sizes from 1 to 1500 and 38 bytes around each: bits sent so far, over 7 Mbit/s. */
static void test_sizes_and_overhead(void **state)
{
    (void)state;
    enum { PACKETS = 5000 };
    struct nv_rig rig;
    struct nv_rng rng;
    uint64_t bits = 0;
    nv_rng_seed(&rng, 1);
    nv_rig_open_sized(&rig, "rate=7Mbit/s,queue=100M,overhead=38,delay=30ms", 1, PACKETS);
    nv_chain_start(&rig.chain, 0, NEVER_NS);
    for (unsigned i = 0; i < PACKETS; i++)
        nv_rig_send(&rig, 0, 1 + (uint32_t)nv_rng_below(&rng, 1500));
    nv_rig_drain(&rig);
    assert_int_equal(rig.count, PACKETS);
    for (unsigned i = 0; i < PACKETS; i++) {
        bits += 8 * (rig.arrivals[i].len_bytes + 38);
        assert_int_equal(rig.arrivals[i].at_ns, bits * 1000 / 7 + 30 * MS);
    }
    nv_rig_close(&rig);
}

static void test_slow_and_odd_rates(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t out_ns[2]; /* of 125 bytes each */
    } rows[] = {
        {"rate=1kbit/s,queue=1M", {SECOND, 2 * SECOND}},
        {"rate=1bit/s,queue=1M", {1000 * SECOND, 2000 * SECOND}},
        {"rate=0.3bit/s,queue=1M", {3333333333333, 6666666666666}}, /* 1000 / .3 s */
        {"rate=99.999Mbit/s,queue=1M", {10000, 20000}},             /* 10 000.1 ns */
        {"rate=9Gbit/s,queue=1M", {111, 222}},                      /* 111.1 */
        {"rate=7Gbit/s,queue=1M", {142, 285}},                      /* 142.86 */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct nv_rig rig;
        nv_rig_open(&rig, rows[i].path, 1);
        nv_rig_send(&rig, 0, 125);
        nv_rig_send(&rig, 0, 125);
        nv_rig_drain(&rig);
        nv_rig_expect_times(&rig, rows[i].out_ns, 2);
        nv_rig_close(&rig);
    }
}

/* What is on the link takes its room until it has left it: 1500 + 1500 + 1500 + 500 = 5000. */
static void test_tail_drop_at_the_exact_byte(void **state)
{
    (void)state;
    static const uint64_t came[] = {1, 2, 3, 4, 7, 11};
    struct nv_rig rig;
    nv_rig_open(&rig, "rate=12Mbit/s,queue=5000", 1); /* 1 ms each 1500 bytes */
    for (unsigned i = 0; i < 3; i++)
        nv_rig_send(&rig, 0, 1500);
    nv_rig_send(&rig, 0, 500);
    nv_rig_send(&rig, 0, 1);         /* 5: full */
    nv_rig_send(&rig, MS - 1, 1);    /* 6: still */
    nv_rig_send(&rig, MS, 1500);     /* 7: the first has just left */
    nv_rig_send(&rig, MS, 1);        /* 8 */
    nv_rig_send(&rig, 2 * MS, 1501); /* 9: a byte too long */
    nv_rig_send(&rig, 3 * MS, 3001); /* 10: 500 + 1500 wait; */
    nv_rig_send(&rig, 3 * MS, 3000); /* 11: 5000 again */
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_QUEUE), 5);
    assert_int_equal(nv_rig_account(&rig)->queue_max_bytes, 5000);
    nv_rig_drain(&rig);
    nv_rig_expect_numbers(&rig, came, COUNT(came));
    nv_rig_close(&rig);
}

/* 40 bytes each, of which 20 are overhead, in 3000. */
static void test_the_queue_counts_overhead(void **state)
{
    (void)state;
    struct nv_rig rig;
    nv_rig_open(&rig, "rate=12Mbit/s,queue=3000,overhead=20", 1);
    for (unsigned i = 0; i < 100; i++)
        nv_rig_send(&rig, 0, 20);
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_QUEUE), 25);
    assert_int_equal(nv_rig_account(&rig)->queue_max_bytes, 3000);
    assert_int_equal(nv_rig_account(&rig)->held_count, 75);
    nv_rig_drain(&rig);
    nv_rig_close(&rig);
}

/* Twice the rate for a second: the rate comes out, and nobody waits longer than 8 Q / C = 20 ms. */
static void test_overload(void **state)
{
    (void)state;
    struct nv_rig rig;
    uint64_t in_a_second = 0;
    nv_rig_open(&rig, "rate=8Mbit/s,queue=20000", 1);
    for (uint64_t i = 0; i < 2000; i++)
        nv_rig_send(&rig, i * 500 * US, 1000);
    nv_rig_drain(&rig);
    for (size_t i = 0; i < rig.count; i++) {
        in_a_second += rig.arrivals[i].at_ns <= SECOND;
        assert_true(rig.arrivals[i].at_ns - rig.arrivals[i].in_ns <= 20 * MS);
    }
    const struct nv_chain_account *account = nv_rig_account(&rig);
    assert_in_range(in_a_second, 999, 1000);
    assert_in_range(account->delay.max, 19 * MS, 20 * MS);
    assert_int_equal(account->queue_max_bytes, 20000);
    assert_int_equal(account->drop_count[NV_DROP_QUEUE], 2000 - rig.count);
    nv_rig_close(&rig);
}

/* Mean wait of n packets, in units of their service time of 1 ms, that come at random. */
static double mean_wait(double rho, uint64_t seed, unsigned n)
{
    struct nv_rig rig;
    struct nv_rng rng;
    double at_ns = 0, wait_ns = 0;
    nv_rng_seed(&rng, seed);
    nv_rig_open(&rig, "rate=8Mbit/s,queue=3M", 1);
    for (unsigned i = 0; i < n; i++) {
        at_ns += -log(nv_rng_unit(&rng)) * 1e6 / rho;
        nv_rig_send(&rig, (uint64_t)at_ns, 1000);
    }
    nv_rig_drain(&rig);
    assert_int_equal(rig.count, n);
    for (size_t i = 0; i < rig.count; i++)
        wait_ns += (double)(rig.arrivals[i].at_ns - rig.arrivals[i].in_ns - MS);
    nv_rig_close(&rig);
    return wait_ns / n / 1e6;
}

/* M/D/1: rho / (2 (1 - rho)). */
static void test_poisson_arrivals(void **state)
{
    (void)state;
    assert_true(fabs(mean_wait(0.5, 1, 300000) - 0.5) < 0.05 * 0.5);
    assert_true(fabs(mean_wait(0.8, 2, 600000) - 2.0) < 0.05 * 2.0);
}

/* The link is there before the run; its account is not. */
static void test_before_the_run(void **state)
{
    (void)state;
    static const uint64_t out_ns[] = {MS, 2 * MS, 3 * MS, 4 * MS, 21 * MS};
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "rate=12Mbit/s,queue=6000", 1, 16);
    for (unsigned i = 0; i < 5; i++)
        nv_rig_send(&rig, 0, 1500); /* the last is too much */
    nv_chain_start(&rig.chain, 20 * MS, SECOND);
    nv_rig_send(&rig, 20 * MS, 1500);
    nv_rig_drain(&rig);
    nv_rig_expect_times(&rig, out_ns, COUNT(out_ns));
    const struct nv_chain_account *account = nv_rig_account(&rig);
    assert_int_equal(account->in_count, 1);
    assert_int_equal(account->out_count, 1);
    assert_int_equal(account->drop_count[NV_DROP_QUEUE], 0);
    assert_int_equal(account->queue_max_bytes, 1500);
    nv_rig_close(&rig);
}

/* But what was in the queue when the run began is part of what its packets met. */
static void test_a_queue_from_before_the_run(void **state)
{
    (void)state;
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "rate=12Mbit/s,queue=6000", 1, 16);
    for (unsigned i = 0; i < 3; i++)
        nv_rig_send(&rig, 0, 1500);
    nv_chain_start(&rig.chain, MS / 2, SECOND);
    nv_rig_send(&rig, MS / 2, 1500);
    nv_rig_send(&rig, MS / 2, 1500);
    nv_rig_drain(&rig);
    const struct nv_chain_account *account = nv_rig_account(&rig);
    assert_int_equal(account->in_count, 2);
    assert_int_equal(account->drop_count[NV_DROP_QUEUE], 1);
    assert_int_equal(account->queue_max_bytes, 6000);
    assert_int_equal(account->delay.max, 3 * MS + MS / 2);
    nv_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_drift),
        cmocka_unit_test(test_each_busy_time_begins_anew),
        cmocka_unit_test(test_sizes_and_overhead),
        cmocka_unit_test(test_slow_and_odd_rates),
        cmocka_unit_test(test_tail_drop_at_the_exact_byte),
        cmocka_unit_test(test_the_queue_counts_overhead),
        cmocka_unit_test(test_overload),
        cmocka_unit_test(test_poisson_arrivals),
        cmocka_unit_test(test_before_the_run),
        cmocka_unit_test(test_a_queue_from_before_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
