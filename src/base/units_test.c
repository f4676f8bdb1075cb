/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

#define COUNT_OF(rows) (sizeof(rows) / sizeof(rows)[0])

struct row {
    const char *text;
    uint64_t value;
};

static void check(int (*parse)(const char *, uint64_t *), const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;
        assert_int_equal(parse(rows[i].text, &value), NV_OK);
        assert_int_equal(value, rows[i].value);
    }
}

static void quantities_are_exact(void **state)
{
    static const struct row counts[] = {{"0", 0},
                                        {"007", 7},
                                        {"1k", 1000},
                                        {"1.5k", 1500},
                                        {"2M", 2000000},
                                        {"0.001k", 1},
                                        {"3G", 3000000000u},
                                        {"999999999999999999", 999999999999999999u}};
    static const struct row sizes[] = {{"64", 64},      {"1k", 1000},     {"8Ki", 8192},
                                       {"1.5Ki", 1536}, {"4Mi", 4194304}, {"1Gi", 1073741824},
                                       {"0.5Ki", 512},  {"2M", 2000000}};
    /* A bare time is in seconds. */
    static const struct row times[] = {
        {"1", 1000000000u},  {"1.5", 1500000000u},  {"250us", 250000}, {"20ms", 20000000},
        {"0.000000001s", 1}, {"2m", 120000000000u}, {"7ns", 7},        {"0.5us", 500}};
    (void)state;
    check(nv_parse_count, counts, COUNT_OF(counts));
    check(nv_parse_size, sizes, COUNT_OF(sizes));
    check(nv_parse_time, times, COUNT_OF(times));
}

static void anything_else_is_refused(void **state)
{
    static const char *const nowhere[] = {"",
                                          " ",
                                          "k",
                                          ".",
                                          "1.",
                                          ".5",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "1e3",
                                          "0x10",
                                          "1,5",
                                          "1..5",
                                          "1kk",
                                          "1 k",
                                          "nan",
                                          "inf",
                                          "1000000000000000000", /* 19 digits */
                                          "1K",
                                          "1/s"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(nowhere); i++) {
        uint64_t value = 42;
        assert_int_equal(nv_parse_count(nowhere[i], &value), NV_E_USAGE);
        assert_int_equal(nv_parse_size(nowhere[i], &value), NV_E_USAGE);
        assert_int_equal(nv_parse_time(nowhere[i], &value), NV_E_USAGE);
        assert_int_equal(value, 42); /* left alone */
    }
    uint64_t value = 42;
    /* Not a whole number of the base unit; too large; a unit of another dimension. */
    assert_int_equal(nv_parse_size("0.5", &value), NV_E_USAGE);
    assert_int_equal(nv_parse_size("1.0001k", &value), NV_E_USAGE);
    assert_int_equal(nv_parse_time("0.5ns", &value), NV_E_USAGE);
    assert_int_equal(nv_parse_time("20000000000", &value), NV_E_USAGE);
    assert_int_equal(nv_parse_size("1s", &value), NV_E_USAGE);
    assert_int_equal(nv_parse_count("1Ki", &value), NV_E_USAGE);
    assert_int_equal(value, 42);
}

static void rates_keep_their_kind(void **state)
{
    static const struct {
        const char *text;
        struct nv_rate rate;
        const char *formatted;
    } rows[] = {
        {"max", {NV_RATE_MAX, 0}, "max"},
        {"search", {NV_RATE_SEARCH, 0}, "search"},
        {"2000/s", {NV_RATE_MESSAGES, 2000000}, "2000/s"},
        {"2k/s", {NV_RATE_MESSAGES, 2000000}, "2000/s"},
        {"0.5/s", {NV_RATE_MESSAGES, 500}, "0.500/s"},
        {"0.001/s", {NV_RATE_MESSAGES, 1}, "0.001/s"},
        {"1.5M/s", {NV_RATE_MESSAGES, 1500000000}, "1500000/s"},
        {"10Mbit/s", {NV_RATE_BITS, 10000000000}, "10Mbit/s"},
        {"1.5kbit/s", {NV_RATE_BITS, 1500000}, "1500bit/s"},
        {"10Gbit/s", {NV_RATE_BITS, 10000000000000}, "10Gbit/s"},
        {"2.5bit/s", {NV_RATE_BITS, 2500}, "2.500bit/s"},
    };
    static const char *const bad[] = {"",    "0/s", "0bit/s", "2000",     "/s",    "-1/s",
                                      "Max", "1/m", "1G/s",   "0.0001/s", "1Mb/s", "max/s"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct nv_rate rate;
        struct nv_rate again;
        char text[64];
        assert_int_equal(nv_parse_rate(rows[i].text, &rate), NV_OK);
        assert_int_equal(rate.kind, rows[i].rate.kind);
        assert_int_equal(rate.milli_per_s, rows[i].rate.milli_per_s);
        assert_string_equal(nv_format_rate(&rate, text, sizeof text), rows[i].formatted);
        assert_int_equal(nv_parse_rate(text, &again), NV_OK);
        assert_int_equal(again.milli_per_s, rate.milli_per_s);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct nv_rate rate;
        assert_int_equal(nv_parse_rate(bad[i], &rate), NV_E_USAGE);
    }
}

/* What is written is read back; here over every power of ten and its neighbours. */
static void formatted_values_parse_back(void **state)
{
    (void)state;
    uint64_t power = 1;
    for (unsigned i = 0; i < 17; i++, power *= 10) {
        for (uint64_t value = power - 1; value <= power + 1; value++) {
            char text[32];
            uint64_t again = UINT64_MAX;
            assert_int_equal(nv_parse_count(nv_format_count(value, text, sizeof text), &again), 0);
            assert_int_equal(again, value);
            assert_int_equal(nv_parse_time(nv_format_time(value, text, sizeof text), &again), 0);
            assert_int_equal(again, value);
        }
    }
    char text[32];
    assert_string_equal(nv_format_time(1500000000, text, sizeof text), "1500ms");
    assert_string_equal(nv_format_time(60000000000, text, sizeof text), "60s");
    assert_string_equal(nv_format_time(0, text, sizeof text), "0ns");
    assert_string_equal(nv_format_count(9600, text, sizeof text), "9600");
    assert_string_equal(nv_format_count(64000, text, sizeof text), "64k");
}

static void people_see_three_figures(void **state)
{
    static const struct {
        double value;
        const char *time, *bitrate;
    } rows[] = {
        {0, "0.00 ns", "0.00 bit/s"},       {9.994, "9.99 ns", "9.99 bit/s"},
        {9.995, "10.0 ns", "10.0 bit/s"},   {99.96, "100 ns", "100 bit/s"},
        {999.4, "999 ns", "999 bit/s"},     {999.6, "1.00 us", "1.00 kbit/s"},
        {61300, "61.3 us", "61.3 kbit/s"},  {1.25e9, "1.25 s", "1.25 Gbit/s"},
        {1.25e12, "1250 s", "1250 Gbit/s"},
    };
    static const struct {
        uint64_t count;
        const char *shown;
    } counts[] = {{0, "0"},
                  {999, "999"},
                  {9600, "9 600"},
                  {1234567, "1 234 567"},
                  {100000, "100 000"},
                  {UINT64_MAX, "18 446 744 073 709 551 615"}};
    (void)state;
    char text[32];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(nv_show_time(rows[i].value, text, sizeof text), rows[i].time);
        assert_string_equal(nv_show_bitrate(rows[i].value, text, sizeof text), rows[i].bitrate);
    }
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        assert_string_equal(nv_show_count(counts[i].count, text, sizeof text), counts[i].shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_exact),     cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(rates_keep_their_kind),    cmocka_unit_test(formatted_values_parse_back),
        cmocka_unit_test(people_see_three_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
