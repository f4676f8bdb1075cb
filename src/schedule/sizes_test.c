/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "schedule/sizes.h"

static void test_parse_and_format(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *canonical; /* NULL: the same */
        int kind;
        unsigned count;
        uint32_t max;
        double mean;
    } rows[] = {
        {"64", NULL, NV_SIZES_FIXED, 1, 64, 64},
        {"40", NULL, NV_SIZES_FIXED, 1, 40, 40},
        {"64:7", "64", NV_SIZES_FIXED, 1, 64, 64},
        {"16Mi", "16777216", NV_SIZES_FIXED, 1, 16777216, 16777216},
        {"64+1k+8k", NULL, NV_SIZES_LIST, 3, 8000, 3021 + 1.0 / 3}, /* 9064 / 3 */
        {"1k+64", NULL, NV_SIZES_LIST, 2, 1000, 532},
        {"64:3+1k:1", NULL, NV_SIZES_LIST, 2, 1000, 298}, /* 1192 / 4 */
        {"100:9999+200", "100:9999+200:1", NV_SIZES_LIST, 2, 200, 100.01},
        {"64-1k", NULL, NV_SIZES_UNIFORM, 2, 1000, 532},
        {"64-65", NULL, NV_SIZES_UNIFORM, 2, 65, 64.5},
        {"41+42+43+44+45+46+47+48", NULL, NV_SIZES_LIST, 8, 48, 44.5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_sizes sizes, again;
        struct nv_error err = {0};
        char text[NV_SIZES_TEXT_BYTES];
        assert_int_equal(nv_sizes_parse(&sizes, rows[i].text, &err), 0);
        assert_int_equal(sizes.kind, rows[i].kind);
        assert_int_equal(sizes.count, rows[i].count);
        assert_int_equal(nv_sizes_max(&sizes), rows[i].max);
        assert_true(fabs(nv_sizes_mean(&sizes) - rows[i].mean) <= 1e-9 * rows[i].mean);
        assert_int_equal(nv_sizes_format(&sizes, text, sizeof text), 0);
        assert_string_equal(text, rows[i].canonical ? rows[i].canonical : rows[i].text);
        assert_int_equal(nv_sizes_parse(&again, text, &err), 0);
        assert_memory_equal(&again, &sizes, sizeof sizes);
    }
}

static void test_bad_text_is_refused_and_nothing_changed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "x",
        "0",
        "39",
        "16777217",
        "-1",
        "64-",
        "-64",
        "64-64",
        "100-64",
        "64-39",
        "64-1k-2k",
        "64+",
        "+64",
        "64++65",
        "64:",
        "64:0",
        "64:10000",
        "64:x",
        "64:1:1",
        "64-1k:2",
        "64+70-80",
        "64 ",
        "18446744073709551680",
        "1.5",
        "64,128",
        "41+42+43+44+45+46+47+48+49",
        "0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000064",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_sizes sizes = {.kind = NV_SIZES_FIXED, .count = 1, .bytes = {77}};
        const struct nv_sizes before = sizes;
        struct nv_error err = {0};
        assert_int_equal(nv_sizes_parse(&sizes, rows[i], &err), NV_E_USAGE);
        assert_int_equal(err.code, NV_E_USAGE);
        assert_true(strlen(err.message) > 0);
        assert_memory_equal(&sizes, &before, sizeof sizes);
        assert_int_equal(nv_sizes_parse(&sizes, rows[i], NULL), NV_E_USAGE);
    }
}

static void test_longest_mix_fits_its_text(void **state)
{
    (void)state;
    struct nv_sizes sizes = {.kind = NV_SIZES_LIST, .count = NV_SIZES_MAX}, again;
    for (unsigned i = 0; i < NV_SIZES_MAX; i++) {
        sizes.bytes[i] = (16u << 20) - 1 - i; /* 8 digits */
        sizes.weight[i] = 9999;
    }
    char text[NV_SIZES_TEXT_BYTES], small[NV_SIZES_TEXT_BYTES - 1];
    assert_int_equal(nv_sizes_format(&sizes, text, sizeof text), 0);
    assert_true(strlen(text) < sizeof text);
    assert_int_equal(nv_sizes_parse(&again, text, NULL), 0);
    assert_memory_equal(&again, &sizes, sizeof sizes);
    assert_int_equal(nv_sizes_format(&sizes, small, sizeof small), -1);
}

/* Bounds are 5 standard deviations of the binomial count: sqrt(n p (1 - p)). */
static void test_list_is_drawn_by_weight(void **state)
{
    (void)state;
    enum { DRAWS = 1000000 };
    struct nv_sizes sizes;
    struct nv_rng rng;
    int of_64 = 0, of_1000 = 0, of_8000 = 0;
    assert_int_equal(nv_sizes_parse(&sizes, "64:3+1k:5+8k:2", NULL), 0);
    nv_rng_seed(&rng, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t bytes = nv_sizes_draw(&sizes, &rng);
        of_64 += bytes == 64;
        of_1000 += bytes == 1000;
        of_8000 += bytes == 8000;
    }
    assert_int_equal(of_64 + of_1000 + of_8000, DRAWS);
    assert_in_range(of_64, 300000 - 2292, 300000 + 2292);   /* p 0.3: sd 458.3 */
    assert_in_range(of_1000, 500000 - 2500, 500000 + 2500); /* p 0.5: sd 500 */
    assert_in_range(of_8000, 200000 - 2000, 200000 + 2000); /* p 0.2: sd 400 */
}

/* 36 sizes, p 1/36 each: sum of (count - n p)^2 / (n p) is chi-square with 35 degrees of freedom,
 * whose 99.9 % point is 66.6. */
static void test_range_is_drawn_uniformly(void **state)
{
    (void)state;
    enum { DRAWS = 360000, EXPECTED = DRAWS / 36 };
    struct nv_sizes sizes;
    struct nv_rng rng;
    double count[36] = {0}, chi_square = 0;
    assert_int_equal(nv_sizes_parse(&sizes, "64-99", NULL), 0);
    nv_rng_seed(&rng, 2);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t bytes = nv_sizes_draw(&sizes, &rng);
        assert_in_range(bytes, 64, 99);
        count[bytes - 64]++;
    }
    for (int i = 0; i < 36; i++)
        chi_square += (count[i] - EXPECTED) * (count[i] - EXPECTED) / EXPECTED;
    assert_true(chi_square < 66.6);
}

/* Nothing is drawn where there is no choice. */
static void test_fixed_takes_no_randomness(void **state)
{
    (void)state;
    struct nv_sizes sizes = {.kind = NV_SIZES_FIXED, .count = 1, .bytes = {64}};
    struct nv_rng rng, before;
    nv_rng_seed(&rng, 3);
    before = rng;
    assert_int_equal(nv_sizes_draw(&sizes, &rng), 64);
    assert_memory_equal(&rng, &before, sizeof rng);
    assert_true(nv_sizes_mean(&sizes) == 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_format),
        cmocka_unit_test(test_bad_text_is_refused_and_nothing_changed),
        cmocka_unit_test(test_longest_mix_fits_its_text),
        cmocka_unit_test(test_list_is_drawn_by_weight),
        cmocka_unit_test(test_range_is_drawn_uniformly),
        cmocka_unit_test(test_fixed_takes_no_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
