/* SPDX-License-Identifier: MIT */
#include "measure/bitmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

static void sets_each_bit_once(void **state)
{
    (void)state;
    struct nv_bitmap bitmap;
    assert_int_equal(nv_bitmap_init(&bitmap, 1000, NULL), 0);
    static const uint64_t bits[] = {0, 1, 63, 64, 65, 127, 128, 999};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        assert_false(nv_bitmap_test(&bitmap, bits[i]));
        assert_false(nv_bitmap_test_and_set(&bitmap, bits[i]));
        assert_true(nv_bitmap_test_and_set(&bitmap, bits[i]));
        assert_true(nv_bitmap_test(&bitmap, bits[i]));
    }
    assert_false(nv_bitmap_test(&bitmap, 2));
    assert_false(nv_bitmap_test(&bitmap, 1000)); /* beyond the end */
    nv_bitmap_dispose(&bitmap);
    nv_bitmap_dispose(&bitmap);
}

static void holds_none_or_very_many(void **state)
{
    (void)state;
    struct nv_bitmap bitmap;
    struct nv_error err;
    assert_int_equal(nv_bitmap_init(&bitmap, 0, NULL), 0);
    assert_false(nv_bitmap_test(&bitmap, 0));
    nv_bitmap_dispose(&bitmap);
    /* 4 GB of address space, two pages of memory */
    assert_int_equal(nv_bitmap_init(&bitmap, 1ull << 35, NULL), 0);
    assert_false(nv_bitmap_test_and_set(&bitmap, (1ull << 35) - 1));
    assert_false(nv_bitmap_test_and_set(&bitmap, 0));
    nv_bitmap_dispose(&bitmap);
    assert_int_equal(nv_bitmap_init(&bitmap, UINT64_MAX, &err), NV_E_FAILED);
    assert_null(bitmap.words);
}

static void take_run(void *context, uint64_t from, uint64_t to)
{
    uint64_t *run = context;
    run[0] = from;
    run[1] = to;
}

/* A far end may claim to have sent any number of messages. */
static void is_clear_beyond_its_end(void **state)
{
    (void)state;
    struct nv_bitmap bitmap;
    uint64_t run[2];
    assert_int_equal(nv_bitmap_init(&bitmap, 100, NULL), 0);
    (void)nv_bitmap_test_and_set(&bitmap, 98);
    nv_bitmap_clear_runs(&bitmap, 50, UINT64_MAX, take_run, run);
    assert_true(run[0] == 99 && run[1] == UINT64_MAX);
    nv_bitmap_clear_runs(&bitmap, 1000, UINT64_MAX, take_run, run);
    assert_true(run[0] == 1000 && run[1] == UINT64_MAX);
    nv_bitmap_dispose(&bitmap);
}

struct runs {
    bool clear[400];
    uint64_t end, from, to;
};

static void note_run(void *context, uint64_t from, uint64_t to)
{
    struct runs *runs = context;
    assert_true(from < to && from >= runs->from && to <= runs->to);
    assert_true(runs->end == UINT64_MAX || from > runs->end); /* in order, and longest */
    runs->end = to;
    for (uint64_t i = from; i < to; i++)
        runs->clear[i] = true;
}

static void finds_runs_of_clear_bits(void **state)
{
    (void)state;
    struct nv_rng rng;
    nv_rng_seed(&rng, 4);
    for (unsigned round = 0; round < 2000; round++) {
        struct nv_bitmap bitmap;
        uint64_t bits = nv_rng_below(&rng, 300), rarity = 1 + nv_rng_below(&rng, 100);
        assert_int_equal(nv_bitmap_init(&bitmap, bits, NULL), 0);
        for (uint64_t i = 0; i < bits; i++)
            if (nv_rng_below(&rng, rarity) == 0)
                (void)nv_bitmap_test_and_set(&bitmap, i);
        struct runs runs = {.end = UINT64_MAX};
        runs.from = nv_rng_below(&rng, 300);
        runs.to = runs.from + nv_rng_below(&rng, 100);
        nv_bitmap_clear_runs(&bitmap, runs.from, runs.to, note_run, &runs);
        for (uint64_t i = runs.from; i < runs.to; i++)
            assert_int_equal(runs.clear[i], !nv_bitmap_test(&bitmap, i));
        nv_bitmap_dispose(&bitmap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_each_bit_once),
        cmocka_unit_test(holds_none_or_very_many),
        cmocka_unit_test(is_clear_beyond_its_end),
        cmocka_unit_test(finds_runs_of_clear_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
