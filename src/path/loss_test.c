/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "path/rig_test.h"

/* Losses by chance, by list and by the clock. Models with a memory: gilbert_test.c. */

/* P(X <= k), X binomial: the sum of its terms. */
static double binomial_cdf(unsigned k, unsigned n, double p)
{
    double sum = 0;
    for (unsigned i = 0; i <= k; i++)
        sum += exp(lgamma(n + 1.) - lgamma(i + 1.) - lgamma(n - i + 1.) + i * log(p) +
                   (n - i) * log1p(-p));
    return sum;
}

/* Neither tail beyond k has as little as 0.05 %. */
static void expect_binomial(unsigned k, unsigned n, double p)
{
    if (binomial_cdf(k, n, p) <= 0.0005 || (k && 1 - binomial_cdf(k - 1, n, p) <= 0.0005))
        fail_msg("%u of %u, at %g", k, n, p);
}

static void test_the_interval_of_the_test_itself(void **state)
{
    (void)state;
    assert_true(fabs(binomial_cdf(2, 4, 0.5) - 11. / 16) < 1e-12);
    assert_true(fabs(binomial_cdf(0, 10, 0.1) - pow(0.9, 10)) < 1e-12);
    assert_true(fabs(binomial_cdf(100000, 100000, 0.01) - 1) < 1e-6);
}

/* Packets of which bit i says whether number i + 1 came through. */
static void send_all(struct nv_rig *rig, unsigned count, bool *came)
{
    for (unsigned i = 0; i < count; i++)
        nv_rig_send(rig, i, 100);
    for (size_t i = 0; i < rig->count; i++) {
        assert_int_equal(rig->arrivals[i].at_ns, rig->arrivals[i].number - 1); /* at once */
        came[rig->arrivals[i].number - 1] = true;
    }
}

/* How many are lost, and how many of those behind a lost one. */
static void test_each_packet_by_itself(void **state)
{
    (void)state;
    enum { PACKETS = 200000 };
    static const struct {
        const char *path;
        double p;
    } rows[] = {{"loss=0.1%", 0.001}, {"loss=1%", 0.01}, {"loss=10%", 0.1}, {"loss=70%", 0.7}};
    for (size_t row = 0; row < COUNT(rows); row++) {
        struct nv_rig rig;
        unsigned lost = 0, behind = 0, pairs = 0;
        bool *came = calloc(PACKETS, sizeof *came);
        assert_non_null(came);
        nv_rig_open(&rig, rows[row].path, 11 + row);
        send_all(&rig, PACKETS, came);
        for (unsigned i = 0; i < PACKETS; i++) {
            lost += !came[i];
            behind += i && !came[i - 1];
            pairs += i && !came[i - 1] && !came[i];
        }
        assert_int_equal(nv_rig_drops(&rig, NV_DROP_LOSS), lost);
        assert_int_equal(rig.count, PACKETS - lost);
        expect_binomial(lost, PACKETS, rows[row].p);
        expect_binomial(pairs, behind, rows[row].p);
        free(came);
        nv_rig_close(&rig);
    }
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    struct nv_rig rig;
    nv_rig_open(&rig, "loss=100%", 1);
    for (unsigned i = 0; i < 1000; i++)
        nv_rig_send(&rig, i, 100);
    assert_int_equal(rig.count, 0);
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_LOSS), 1000);
    nv_rig_close(&rig);
    nv_rig_open(&rig, "loss=0", 1);
    for (unsigned i = 0; i < 1000; i++)
        nv_rig_send(&rig, i, 100);
    assert_int_equal(rig.count, 1000);
    nv_rig_close(&rig);
}

/* Ones and no others, each once, counted from the start of the run. */
static void test_listed_packets(void **state)
{
    (void)state;
    static const uint64_t came[] = {2,  4,  5,  6,  8,  9,  13, 14, 15, 16,
                                    17, 18, 19, 20, 21, 22, 23, 24, 25, 26};
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "drop=1+3+7+10-12+27-1000", 1, 16);
    for (unsigned i = 0; i < 5; i++)
        nv_rig_send(&rig, i, 100); /* before the run: not one of them counts */
    assert_int_equal(rig.count, 5);
    rig.count = 0;
    nv_chain_start(&rig.chain, SECOND, 2 * SECOND);
    for (unsigned i = 0; i < 30; i++)
        nv_rig_send(&rig, SECOND + i / 3, 100); /* some at the same time */
    nv_rig_expect_numbers(&rig, came, COUNT(came));
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_LOSS), 10);
    nv_rig_close(&rig);
}

/* One of a pair is lost: the copy, which has the number too, comes through. */
static void test_a_copy_is_not_listed(void **state)
{
    (void)state;
    static const uint64_t came[] = {1, 1, 2, 3, 3};
    struct nv_rig rig;
    nv_rig_open(&rig, "drop=2,duplicate=100%", 1);
    for (unsigned i = 0; i < 3; i++)
        nv_rig_send(&rig, i, 100);
    nv_rig_expect_numbers(&rig, came, COUNT(came));
    assert_true(rig.arrivals[2].copy);
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_LOSS), 1);
    nv_rig_close(&rig);
}

/* From 2 to 3 ms and at 7 ms after the start, ends included. */
static void test_outages_have_exact_edges(void **state)
{
    (void)state;
    const uint64_t start_ns = 5 * SECOND + 17;
    static const struct {
        uint64_t after_ns;
        bool lost;
    } rows[] = {
        {0, false},        {2 * MS - 1, false}, {2 * MS, true},      {2 * MS, true},
        {2500 * US, true}, {3 * MS, true},      {3 * MS + 1, false}, {7 * MS - 1, false},
        {7 * MS, true},    {7 * MS, true},      {7 * MS + 1, false}, {9 * MS, false},
    };
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "outage=2ms-3ms+7ms", 1, 16);
    nv_rig_send(&rig, 2 * MS, 100); /* of another time */
    nv_rig_send(&rig, start_ns - 1, 100);
    nv_chain_start(&rig.chain, start_ns, NEVER_NS);
    rig.count = 0;
    uint64_t lost = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t before = rig.count;
        nv_rig_send(&rig, start_ns + rows[i].after_ns, 100);
        assert_int_equal(rig.count - before, !rows[i].lost);
        lost += rows[i].lost;
        assert_int_equal(nv_rig_drops(&rig, NV_DROP_OUTAGE), lost);
    }
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_LOSS), 0);
    nv_rig_close(&rig);
}

/* A list is walked on whether or not a packet comes in each of its times. */
static void test_outages_that_nobody_met(void **state)
{
    (void)state;
    static const uint64_t came[] = {1, 3};
    struct nv_rig rig;
    nv_rig_open(&rig, "outage=1s-2s+3s-4s+5s-6s+7s-8s", 1);
    nv_rig_send(&rig, 0, 100);
    nv_rig_send(&rig, 5500 * MS, 100);
    nv_rig_send(&rig, 6500 * MS, 100);
    nv_rig_send(&rig, 7500 * MS, 100);
    nv_rig_expect_numbers(&rig, came, COUNT(came));
    nv_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_interval_of_the_test_itself),
        cmocka_unit_test(test_each_packet_by_itself),
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_listed_packets),
        cmocka_unit_test(test_a_copy_is_not_listed),
        cmocka_unit_test(test_outages_have_exact_edges),
        cmocka_unit_test(test_outages_that_nobody_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
