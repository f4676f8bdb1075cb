/* SPDX-License-Identifier: MIT */
#include "measure/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static void edges_are_contiguous(void **state)
{
    (void)state;
    assert_int_equal(nv_hist_lo(0), 0);
    for (unsigned i = 0; i + 1 < NV_HIST_BUCKETS; i++) {
        assert_true(nv_hist_lo(i) < nv_hist_hi(i));
        assert_true(nv_hist_hi(i) == nv_hist_lo(i + 1));
    }
    assert_true(nv_hist_hi(NV_HIST_BUCKETS - 1) == NV_HIST_LIMIT);
}

/* Both edges of every bucket lead back to it, and its upper edge overstates by at most 1/256. */
static void every_bucket_is_narrow(void **state)
{
    (void)state;
    double worst = 0;
    for (unsigned i = 0; i < NV_HIST_BUCKETS; i++) {
        uint64_t lo = nv_hist_lo(i), last = nv_hist_hi(i) - 1;
        assert_int_equal(nv_hist_index(lo), i);
        assert_int_equal(nv_hist_index(last), i);
        if (lo)
            worst = fmax(worst, (double)(last - lo) / (double)lo);
    }
    assert_true(worst <= 1.0 / 256); /* 0.39 % */
}

static void knows_buckets_worked_out_by_hand(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        unsigned index;
    } rows[] = {
        {0, 0},
        {255, 255},
        {511, 511},
        {512, 512},      /* shift 1: 256 + 512 / 2 */
        {513, 512},      /* shares it */
        {1023, 767},     /* 256 + 1023 / 2 */
        {1000000, 3304}, /* 2^19 <= v < 2^20, shift 11: 11 * 256 + 1000000 / 2048 */
        {NV_HIST_LIMIT - 1, 8447},
        {NV_HIST_LIMIT, 8447},
        {UINT64_MAX, 8447},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(nv_hist_index(rows[i].value), rows[i].index);
}

static void keeps_range_and_sum(void **state)
{
    (void)state;
    static struct nv_hist hist;
    nv_hist_init(&hist);
    nv_hist_add(&hist, 4);
    nv_hist_add(&hist, 2);
    nv_hist_add(&hist, 1ull << 33);
    assert_int_equal(hist.min, 2);
    assert_true(hist.max == 1ull << 33);
    assert_true(hist.sum == (1ull << 33) + 6);
}

static void counts_what_has_no_bucket(void **state)
{
    (void)state;
    static struct nv_hist hist;
    nv_hist_init(&hist);
    nv_hist_add_signed(&hist, -1);
    assert_int_equal(hist.negative_count, 1);
    assert_int_equal(hist.count, 0);
    nv_hist_add_signed(&hist, 0);
    assert_int_equal(hist.count, 1);
    assert_int_equal(hist.buckets[0], 1);
    nv_hist_add(&hist, NV_HIST_LIMIT + 5);
    assert_int_equal(hist.overflow_count, 1);
    assert_true(hist.max == NV_HIST_LIMIT + 5);
    assert_int_equal(hist.buckets[NV_HIST_BUCKETS - 1], 1);
}

static uint64_t any_value(struct nv_rng *rng)
{
    return nv_rng_next(rng) >> (20 + nv_rng_below(rng, 44)); /* any magnitude, some overflow */
}

static void merging_equals_adding(void **state)
{
    (void)state;
    static struct nv_hist parts[3], whole, merged;
    struct nv_rng rng;
    nv_rng_seed(&rng, 1);
    for (unsigned i = 0; i < 30000; i++) {
        uint64_t value = any_value(&rng);
        nv_hist_add(&parts[nv_rng_below(&rng, 2)], value); /* the third stays empty */
        nv_hist_add(&whole, value);
    }
    nv_hist_merge(&merged, &parts[2]);
    for (unsigned i = 0; i < 3; i++)
        nv_hist_merge(&merged, &parts[i]);
    nv_hist_merge(&merged, &parts[2]);
    assert_memory_equal(&merged, &whole, sizeof whole);
}

static void merging_keeps_the_extremes(void **state)
{
    (void)state;
    static struct nv_hist low, high, empty;
    nv_hist_add(&low, 5);
    nv_hist_add(&high, 9);
    nv_hist_merge(&high, &low);
    assert_int_equal(high.min, 5);
    assert_int_equal(high.max, 9);
    nv_hist_merge(&high, &empty);
    assert_int_equal(high.min, 5);
}

static void what_came_since(void **state)
{
    (void)state;
    static struct nv_hist all, mark, since, second;
    struct nv_rng rng;
    nv_rng_seed(&rng, 2);
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t value = any_value(&rng);
        nv_hist_add(&all, value);
        if (i >= 1000)
            nv_hist_add(&second, value);
        if (i == 999)
            nv_hist_since(&since, &mark, &all);
    }
    assert_int_equal(since.count, 1000);
    nv_hist_add_signed(&all, -1);
    nv_hist_since(&since, &mark, &all);
    assert_int_equal(since.count, 1000);
    assert_int_equal(since.negative_count, 1);
    assert_memory_equal(since.buckets, second.buckets, sizeof second.buckets);
    nv_hist_since(&since, &mark, &all);
    assert_int_equal(since.count + since.negative_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_are_contiguous),
        cmocka_unit_test(every_bucket_is_narrow),
        cmocka_unit_test(knows_buckets_worked_out_by_hand),
        cmocka_unit_test(keeps_range_and_sum),
        cmocka_unit_test(counts_what_has_no_bucket),
        cmocka_unit_test(merging_equals_adding),
        cmocka_unit_test(merging_keeps_the_extremes),
        cmocka_unit_test(what_came_since),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
