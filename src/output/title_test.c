/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/test_summary.h"

/* k is 1000 bytes and Ki 1024, as in what was asked for (base/units.h). */
static void sizes_carry_their_unit(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *shown;
    } rows[] = {
        {0, "0 B"},           {40, "40 B"},          {999, "999 B"},
        {1000, "1 kB"},       {1024, "1 KiB"},       {1472, "1472 B"},
        {8000, "8 kB"},       {8192, "8 KiB"},       {64000, "64 kB"},
        {65507, "65507 B"},   {65536, "64 KiB"},     {1000000, "1 MB"},
        {1500000, "1500 kB"}, {4194304, "4 MiB"},    {16777216, "16 MiB"},
        {1000000000, "1 GB"}, {1024000, "1000 KiB"}, {1u << 30, "1 GiB"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[NV_SHOW_SIZE_BYTES];
        assert_string_equal(nv_show_size(rows[i].bytes, out), rows[i].shown);
    }
}

static void mixes_and_ranges_of_sizes(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"64", "64 B"},
        {"1k", "1 kB"},
        {"1Ki", "1 KiB"},
        {"64+1k+8k", "64 B + 1 kB + 8 kB"},
        {"64:3+1k:1", "64 B + 1 kB (3:1)"},
        {"64-1k", "64 B to 1 kB"},
        /* as long as it gets */
        {"10000001:9991+10000002:9992+10000003:9993+10000004:9994+10000005:9995+10000006:9996+"
         "10000007:9997+10000008:9998",
         "10000001 B + 10000002 B + 10000003 B + 10000004 B + 10000005 B + 10000006 B + "
         "10000007 B + 10000008 B (9991:9992:9993:9994:9995:9996:9997:9998)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_sizes sizes;
        char out[NV_SHOW_SIZES_BYTES];
        assert_int_equal(nv_sizes_parse(&sizes, rows[i][0], NULL), NV_OK);
        assert_string_equal(nv_show_sizes(&sizes, out), rows[i][1]);
    }
}

static void what_varies_is_in_the_title(void **state)
{
    (void)state;
    struct nv_summary_cell cells[2];
    test_cell_make(&cells[0]);
    test_cell_make(&cells[1]);
    struct nv_spec four = test_tcp_spec;
    four.flows = 4;
    four.nodelay = false;
    four.rcvbuf_bytes = 1u << 22;
    four.reply_bytes = 8000;
    assert_int_equal(nv_sizes_parse(&four.sizes, "1k", NULL), NV_OK);
    cells[1].arm[0].spec = &four;
    struct nv_summary summary = test_summary_of(cells, 2);
    char title[NV_TITLE_BYTES];
    assert_string_equal(nv_summary_title(&summary, &cells[0], title),
                        "rr · 64 B · 2000/s · poll · reply-size default · flows 1 · nodelay yes · "
                        "rcvbuf default");
    assert_string_equal(nv_summary_title(&summary, &cells[1], title),
                        "rr · 1 kB · 2000/s · poll · reply-size 8 kB · flows 4 · nodelay no · "
                        "rcvbuf 4 MiB");
}

/* What another application sets is told by its name. */
static void an_application_is_named_first(void **state)
{
    (void)state;
    struct nv_summary_cell cells[3];
    struct nv_spec specs[3] = {test_tcp_spec, test_tcp_spec, test_tcp_spec};
    for (unsigned i = 0; i < 3; i++) {
        test_cell_make(&cells[i]);
        (void)snprintf(specs[i].app, sizeof specs[i].app, i ? "voip" : "bulk");
        cells[i].arm[0].spec = &specs[i];
    }
    specs[0].flows = 4;
    specs[2].nodelay = false;
    struct nv_summary summary = test_summary_of(cells, 3);
    char title[NV_TITLE_BYTES];
    assert_string_equal(nv_summary_title(&summary, &cells[0], title),
                        "bulk · rr · 64 B · 2000/s · poll");
    assert_string_equal(nv_summary_title(&summary, &cells[1], title),
                        "voip · rr · 64 B · 2000/s · poll · nodelay yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_carry_their_unit),
        cmocka_unit_test(mixes_and_ranges_of_sizes),
        cmocka_unit_test(what_varies_is_in_the_title),
        cmocka_unit_test(an_application_is_named_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
