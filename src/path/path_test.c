/* SPDX-License-Identifier: MIT */
#include "path/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct nv_preset own[] = {
    {"mine", "delay=7ms,up.loss=1%,down.loss=2%,mtu=1400", "for tests", NULL},
    {"empty", "delay=1ms", "goes before the preset of this name", NULL},
    {"odd", "loss=1%,dleay=1ms", "has a mistake", NULL},
    {NULL, NULL, NULL, NULL},
};

static struct nv_path parsed(const char *text)
{
    struct nv_path path;
    struct nv_error err = {0};
    memset(&path, 0xa5, sizeof path);
    if (nv_path_parse(&path, text, own, &err))
        fail_msg("%s", err.message);
    return path;
}

static void test_the_real_network_and_an_empty_path(void **state)
{
    (void)state;
    struct nv_path path;
    assert_false(parsed("none").emulated);
    assert_int_equal(parsed("none").mtu_bytes, 1500);
    assert_int_equal(nv_path_parse(&path, "empty", NULL, NULL), NV_OK);
    assert_true(path.emulated);
    assert_int_equal(path.mtu_bytes, 1500);
    for (unsigned way = 0; way < 2; way++) {
        struct nv_impairment nothing;
        memset(&nothing, 0, sizeof nothing);
        nv_options_reset(nv_impairment_options, &nothing);
        assert_memory_equal(&path.way[way], &nothing, sizeof nothing);
    }
}

/* Every path that the program knows can be made, and is found by its name. */
static void test_presets(void **state)
{
    (void)state;
    assert_string_equal(nv_path_presets[0].name, "none");
    assert_string_equal(nv_path_presets[1].name, "empty");
    for (unsigned i = 0; nv_path_presets[i].name; i++) {
        struct nv_path path;
        struct nv_error err = {0};
        if (nv_path_parse(&path, nv_path_presets[i].name, NULL, &err))
            fail_msg("%s", err.message);
        assert_int_equal(path.emulated, i > 0);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(nv_path_presets[k].name, nv_path_presets[i].name);
    }
}

static void test_settings_for_one_way_or_both(void **state)
{
    (void)state;
    struct nv_path path = parsed("delay=20ms,up.loss=1%,down.rate=2Mbit/s,jitter=1ms,up.jitter=0");
    assert_true(path.emulated);
    assert_int_equal(path.way[NV_WAY_UP].delay_ns, 20 * MS);
    assert_int_equal(path.way[NV_WAY_DOWN].delay_ns, 20 * MS);
    assert_true(path.way[NV_WAY_UP].loss == 0.01);
    assert_true(path.way[NV_WAY_DOWN].loss == 0);
    assert_int_equal(path.way[NV_WAY_UP].rate.kind, NV_RATE_MAX);
    assert_int_equal(path.way[NV_WAY_DOWN].rate.milli_per_s, 2000000000);
    assert_int_equal(path.way[NV_WAY_UP].jitter_ns, 0);
    assert_int_equal(path.way[NV_WAY_DOWN].jitter_ns, MS);
    path = parsed("down.delay=3ms,up.delay=4ms");
    assert_int_equal(nv_path_both_delay_ns(&path), 7 * MS);
    path = parsed("up.delay=4ms,delay=5ms"); /* the last word counts */
    assert_int_equal(nv_path_both_delay_ns(&path), 10 * MS);
}

static void test_a_name_then_what_changes_it(void **state)
{
    (void)state;
    struct nv_path path = parsed("mine,down.delay=9ms,mtu=9000");
    assert_int_equal(path.way[NV_WAY_UP].delay_ns, 7 * MS);
    assert_int_equal(path.way[NV_WAY_DOWN].delay_ns, 9 * MS);
    assert_true(path.way[NV_WAY_UP].loss == 0.01 && path.way[NV_WAY_DOWN].loss == 0.02);
    assert_int_equal(path.mtu_bytes, 9000);
    assert_int_equal(parsed("mine").mtu_bytes, 1400);
    assert_int_equal(parsed("mine,loss=0").mtu_bytes, 1400);
    assert_int_equal(parsed("empty").way[NV_WAY_UP].delay_ns, MS); /* the user's own */
    assert_int_equal(parsed("empty,mtu=1280").mtu_bytes, 1280);
}

/* A bandwidth-delay product is made of both ways. */
static void test_queue_of_an_asymmetric_path(void **state)
{
    (void)state;
    struct nv_path path =
        parsed("up.delay=10ms,down.delay=30ms,up.rate=3Mbit/s,down.rate=25Mbit/s");
    uint64_t both_ns = nv_path_both_delay_ns(&path);
    assert_int_equal(both_ns, 40 * MS);
    assert_int_equal(nv_impairment_queue_bytes(&path.way[NV_WAY_UP], both_ns, 1500), 15000);
    assert_int_equal(nv_impairment_queue_bytes(&path.way[NV_WAY_DOWN], both_ns, 1500), 125000);
}

#define MTU "BYTES, such as 64k or 4Mi from 1280 to 9000"

static void test_what_is_not_a_path(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"wimax", "no path 'wimax'; see netversus list paths"},
        {"mine,odder", "no path 'odder'; did you mean 'odd'? See netversus list paths"},
        {"wfi", "no path 'wfi'; did you mean 'wifi'? See netversus list paths"},
        {"x", "no path 'x'; see netversus list paths"}, /* all of it would change */
        {"mine,,loss=1%", "no path ''; see netversus list paths"},
        {"delay=1ms,mine", "'mine' must come first"},
        {"mine,none", "'none' must come first"},
        {"dleay=1ms", "no setting 'dleay'; did you mean 'delay'?"},
        {"up.los=1%", "no setting 'up.los'; did you mean 'loss'?"},
        {"middle.loss=1%", "no setting 'middle.loss'"},
        {"up.up.loss=1%", "no setting 'up.up.loss'"},
        {"up.mtu=1400", "no setting 'up.mtu'"}, /* one for both */
        {"Delay=1ms", "no setting 'Delay'; did you mean 'delay'?"},
        {"up.loss=2", "loss: '2' is not a share such as 1% or 0.01"},
        {"loss=1%=2%", "loss: '1%=2%' is not a share such as 1% or 0.01"},
        {"loss=", "loss: '' is not a share such as 1% or 0.01"},
        {"mtu=1279", "mtu: '1279' is not " MTU},
        {"mtu=9001", "mtu: '9001' is not " MTU},
        {"up.reorder=1%", "reorder needs either reorder-delay or reorder-gap"},
        {"down.reorder=1%", "reorder needs either reorder-delay or reorder-gap"},
        {"odd", "odd: no setting 'dleay'; did you mean 'delay'?"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct nv_path path;
        struct nv_error err = {0};
        char expected[256];
        (void)snprintf(expected, sizeof expected, "path '%s': %s", rows[i][0], rows[i][1]);
        assert_int_equal(nv_path_parse(&path, rows[i][0], own, &err), NV_E_USAGE);
        assert_int_equal(err.code, NV_E_USAGE);
        assert_string_equal(err.message, expected);
    }
}

/* Whatever its length, a text gives one line, and nobody's memory is hurt. */
static void test_long_texts(void **state)
{
    (void)state;
    char text[1000];
    for (size_t len = 1; len < sizeof text; len += 13) {
        struct nv_path path;
        struct nv_error err = {0};
        memset(text, 'x', len);
        text[len] = '\0';
        assert_int_equal(nv_path_parse(&path, text, NULL, &err), NV_E_USAGE);
        assert_null(strchr(err.message, '\n'));
        memcpy(text, "trace=", len < 6 ? len : 6);
        assert_int_equal(nv_path_parse(&path, text, NULL, &err), NV_E_USAGE);
        assert_null(strchr(err.message, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_real_network_and_an_empty_path),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_settings_for_one_way_or_both),
        cmocka_unit_test(test_a_name_then_what_changes_it),
        cmocka_unit_test(test_queue_of_an_asymmetric_path),
        cmocka_unit_test(test_what_is_not_a_path),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
