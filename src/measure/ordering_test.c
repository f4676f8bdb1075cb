/* SPDX-License-Identifier: MIT */
#include "measure/ordering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#define LENGTH_MAX 200u
#define WINDOW_AMPLE 256u

struct fixture {
    struct nv_ordering_live live;
    struct nv_ordering counts;
};

static void start(struct fixture *fixture, uint64_t window)
{
    *fixture = (struct fixture){0};
    assert_int_equal(nv_ordering_init(&fixture->live, window, NULL), 0);
}

/* The value n of the one message that counts has seen. */
static uint64_t only_n(const struct nv_ordering *counts)
{
    uint64_t n = 0;
    while (!counts->n_reorder[n])
        n++;
    return n;
}

struct vector {
    const char *why;
    uint64_t order[12]; /* numbers from 1; 0 ends it */
    uint64_t reordered, disc, disc_size, extent_sum, extent_max, run_max;
    uint64_t n[12]; /* of each arrival */
};

static const struct vector vectors[] = {
    {"in order", {1, 2, 3, 4}, 0, 0, 0, 0, 0, 0, {0}},
    {"one of ten is late by four",
     {1, 2, 3, 5, 6, 7, 8, 4, 9, 10},
     .reordered = 1,
     .disc = 1,      /* at 5 */
     .disc_size = 1, /* 4 */
     .extent_sum = 4,
     .extent_max = 4,
     .run_max = 7,
     .n = {0, 0, 0, 0, 0, 0, 0, 4, 0, 0}},
    {"three in a row are late",
     {1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11},
     .reordered = 3,
     .disc = 1,
     .disc_size = 3,
     .extent_sum = 4 + 5 + 6,
     .extent_max = 6,
     .run_max = 7,
     .n = {0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0}},
    {"late by three",
     {1, 2, 3, 5, 6, 7, 4, 8, 9, 10},
     .reordered = 1,
     .disc = 1,
     .disc_size = 1,
     .extent_sum = 3,
     .extent_max = 3,
     .run_max = 6,
     .n = {0, 0, 0, 0, 0, 0, 3}},
    {"one overtakes four: the four are reordered, not the one",
     {1, 6, 2, 3, 4, 5, 7, 8, 9, 10},
     .reordered = 4,
     .disc = 1,
     .disc_size = 4,
     .extent_sum = 1 + 2 + 3 + 4,
     .extent_max = 4,
     .run_max = 2,
     .n = {0, 0, 1, 0, 0, 0, 0}},
    {"first is lost, last is first",
     {10, 9, 8, 2},
     .reordered = 3,
     .disc = 1,
     .disc_size = 9,
     .extent_sum = 1 + 2 + 3,
     .extent_max = 3,
     .run_max = 1,
     .n = {0, 1, 2, 3}},
};

static void known_sequences(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof vectors / sizeof vectors[0]; v++) {
        const struct vector *vector = &vectors[v];
        struct fixture f;
        start(&f, 16);
        for (size_t i = 0; i < 12 && vector->order[i]; i++) {
            struct nv_ordering before = f.counts;
            (void)nv_ordering_add(&f.live, &f.counts, vector->order[i] - 1, 0);
            assert_int_equal(f.counts.n_reorder[vector->n[i]], before.n_reorder[vector->n[i]] + 1);
        }
        assert_int_equal(f.counts.reordered_count, vector->reordered);
        assert_int_equal(f.counts.disc_count, vector->disc);
        assert_int_equal(f.counts.disc_size_msgs, vector->disc_size);
        assert_int_equal(f.counts.extent_sum_msgs, vector->extent_sum);
        assert_int_equal(f.counts.extent_max_msgs, vector->extent_max);
        assert_int_equal(f.counts.run_count, vector->reordered);
        assert_int_equal(f.counts.run_max_msgs, vector->run_max);
        assert_int_equal(f.counts.extent_censored_count, 0);
        nv_ordering_dispose(&f.live);
    }
}

static void lateness_counts_from_the_overtaker(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 16);
    (void)nv_ordering_add(&f.live, &f.counts, 0, 100);
    (void)nv_ordering_add(&f.live, &f.counts, 3, 200); /* skips 1 and 2 */
    (void)nv_ordering_add(&f.live, &f.counts, 4, 300);
    struct nv_ordering_arrival arrival = nv_ordering_add(&f.live, &f.counts, 2, 350);
    assert_true(arrival.reordered && arrival.known);
    assert_int_equal(arrival.late_ns, 150);
    assert_int_equal(arrival.extent_msgs, 2);
    arrival = nv_ordering_add(&f.live, &f.counts, 5, 400);
    assert_false(arrival.reordered || arrival.known);
    nv_ordering_dispose(&f.live);
}

/* Warm-up messages leave no counts, but what they overtook is still reordered. */
static void follows_what_it_does_not_count(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 16);
    (void)nv_ordering_add(&f.live, NULL, 0, 0);
    (void)nv_ordering_add(&f.live, NULL, 2, 0);
    struct nv_ordering_arrival arrival = nv_ordering_add(&f.live, &f.counts, 1, 7);
    assert_true(arrival.reordered);
    assert_int_equal(arrival.extent_msgs, 1);
    assert_int_equal(f.counts.reordered_count, 1);
    assert_int_equal(f.counts.disc_count, 0);
    assert_int_equal(f.counts.n_reorder[0], 0);
    assert_int_equal(f.counts.n_reorder[1], 1);
    nv_ordering_dispose(&f.live);
}

static void window_censors_but_miscounts_nothing(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 8);
    (void)nv_ordering_add(&f.live, &f.counts, 20, 0); /* holes 12 .. 19 are remembered */
    assert_false(nv_ordering_add(&f.live, &f.counts, 11, 0).known);
    assert_true(nv_ordering_add(&f.live, &f.counts, 12, 0).known);
    assert_int_equal(f.counts.reordered_count, 2);
    assert_int_equal(f.counts.extent_censored_count, 1);
    assert_int_equal(f.counts.extent_sum_msgs, 2);
    nv_ordering_dispose(&f.live);
}

/* What RFC 4737 says of arrival i, read off all arrivals before it. */
struct naive {
    bool reordered;
    uint64_t extent, late_ns, n, skipped;
};

static struct naive look_back(const uint64_t *order, const uint64_t *at_ns, uint64_t i)
{
    struct naive naive = {0};
    uint64_t next_expected = 0;
    for (uint64_t j = i; j-- > 0;) {
        if (order[j] > order[i])
            naive = (struct naive){true, i - j, at_ns[i] - at_ns[j], 0, 0};
        if (order[j] >= next_expected)
            next_expected = order[j] + 1;
    }
    while (naive.n < i && order[i - naive.n - 1] > order[i])
        naive.n++;
    if (!naive.reordered)
        naive.skipped = order[i] - next_expected;
    return naive;
}

/* Losses and reordering of any depth: a sequence number, later than it should be by 0 to depth. */
static uint64_t make_order(struct nv_rng *rng, uint64_t *order, uint64_t *at_ns)
{
    uint64_t key[LENGTH_MAX], count = 0;
    uint64_t length = 1 + nv_rng_below(rng, LENGTH_MAX), depth = 1 + nv_rng_below(rng, 60);
    uint64_t loss_percent = nv_rng_below(rng, 50), late_percent = nv_rng_below(rng, 101);
    for (uint64_t seq = 0; seq < length; seq++) {
        if (nv_rng_below(rng, 100) < loss_percent)
            continue;
        uint64_t delay = nv_rng_below(rng, 100) < late_percent ? nv_rng_below(rng, depth) : 0;
        uint64_t slot = count++;
        for (; slot > 0 && key[slot - 1] > seq + delay; slot--) {
            key[slot] = key[slot - 1];
            order[slot] = order[slot - 1];
        }
        key[slot] = seq + delay;
        order[slot] = seq;
    }
    for (uint64_t i = 0; i < count; i++)
        at_ns[i] = (i ? at_ns[i - 1] : 0) + nv_rng_below(rng, 1000);
    return count;
}

static void compare_arrival(struct fixture *f, const struct naive *naive, uint64_t seq,
                            uint64_t now_ns)
{
    struct nv_ordering one = {0};
    struct nv_ordering_arrival arrival = nv_ordering_add(&f->live, &one, seq, now_ns);
    uint64_t n = naive->n <= NV_PATTERN_MAX ? naive->n : NV_PATTERN_MAX + 1;
    assert_int_equal(arrival.reordered, naive->reordered);
    assert_int_equal(one.disc_size_msgs, naive->skipped);
    assert_int_equal(one.disc_count, naive->skipped > 0);
    if (arrival.known) {
        assert_int_equal(arrival.extent_msgs, naive->extent);
        assert_int_equal(arrival.late_ns, naive->late_ns);
    } else if (naive->reordered) {
        assert_int_equal(one.extent_censored_count, 1);
        assert_true(f->live.window < LENGTH_MAX);
    }
    if (one.n_censored_count) {
        assert_true(f->live.window < LENGTH_MAX);
        assert_true(only_n(&one) >= f->live.window && only_n(&one) <= n);
    } else {
        assert_int_equal(only_n(&one), n);
    }
}

/* With a window that is too short, and with one that is long enough. */
static void compare_stream(const uint64_t *order, const uint64_t *at_ns, uint64_t count)
{
    struct fixture tight, ample;
    start(&tight, 8);
    start(&ample, WINDOW_AMPLE);
    for (uint64_t i = 0; i < count; i++) {
        struct naive naive = look_back(order, at_ns, i);
        compare_arrival(&tight, &naive, order[i], at_ns[i]);
        compare_arrival(&ample, &naive, order[i], at_ns[i]);
    }
    nv_ordering_dispose(&tight.live);
    nv_ordering_dispose(&ample.live);
}

static void agrees_with_brute_force(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        uint64_t order[LENGTH_MAX], at_ns[LENGTH_MAX];
        struct nv_rng rng;
        nv_rng_seed(&rng, seed);
        compare_stream(order, at_ns, make_order(&rng, order, at_ns));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sequences),
        cmocka_unit_test(lateness_counts_from_the_overtaker),
        cmocka_unit_test(follows_what_it_does_not_count),
        cmocka_unit_test(window_censors_but_miscounts_nothing),
        cmocka_unit_test(agrees_with_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
