/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/levels.h"

static void check(int (*levels)(const char *, unsigned, char *, size_t), const char *text,
                  const char *const *expected)
{
    char out[64];
    unsigned i = 0;
    for (; expected[i]; i++) {
        assert_int_equal(levels(text, i, out, sizeof out), 1);
        assert_string_equal(out, expected[i]);
    }
    assert_int_equal(levels(text, i, out, sizeof out), 0);
}

#define CHECK(levels, text, ...) check(levels, text, (const char *const[]){__VA_ARGS__, NULL})

static void test_lists(void **state)
{
    (void)state;
    CHECK(nv_levels_list, "64", "64");
    CHECK(nv_levels_list, "64, 1k ,8k", "64", "1k", "8k");
    CHECK(nv_levels_list, "", "");
    CHECK(nv_levels_list, "1,", "1", "");
}

static void test_paths(void **state)
{
    (void)state;
    CHECK(nv_levels_paths, "none", "none");
    CHECK(nv_levels_paths, "none,wifi, lte", "none", "wifi", "lte");
    CHECK(nv_levels_paths, "delay=20ms,loss=1%", "delay=20ms,loss=1%");
    CHECK(nv_levels_paths, "wifi,loss=1%,dsl,up.rate=1Mbit/s", "wifi,loss=1%",
          "dsl,up.rate=1Mbit/s");
    CHECK(nv_levels_paths, "none,loss=1%", "none", "loss=1%");
    CHECK(nv_levels_paths, "loss=1%;loss=2%,delay=1ms", "loss=1%", "loss=2%,delay=1ms");
    CHECK(nv_levels_paths, "trace=/a/b.down,queue=64k", "trace=/a/b.down,queue=64k");
}

static void test_path_sweeps(void **state)
{
    (void)state;
    CHECK(nv_levels_paths, "none,delay=1ms|2ms,loss=0|5%,wifi", "none", "delay=1ms,loss=0",
          "delay=1ms,loss=5%", "delay=2ms,loss=0", "delay=2ms,loss=5%", "wifi");
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    char out[8];
    assert_int_equal(nv_levels_list("1234567", 0, out, sizeof out), 1);
    assert_int_equal(nv_levels_list("12345678", 0, out, sizeof out), -1);
    assert_int_equal(nv_levels_paths("a=45678", 0, out, sizeof out), 1);
    assert_int_equal(nv_levels_paths("a=456789", 0, out, sizeof out), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_path_sweeps),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
