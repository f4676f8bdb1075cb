/* SPDX-License-Identifier: MIT */
#include "output/docs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned columns_of(const char *file, struct nv_column out[NV_COLUMNS_MAX])
{
    for (unsigned i = 0; nv_sheets[i]; i++)
        if (strcmp(nv_sheets[i]->file, file) == 0)
            return nv_sheet_columns(nv_sheets[i], out);
    fail_msg("no %s", file);
    return 0;
}

static void columns_have_names_and_help(void **state)
{
    (void)state;
    static struct nv_column columns[NV_COLUMNS_MAX];
    for (unsigned i = 0; nv_sheets[i]; i++) {
        unsigned count = nv_sheet_columns(nv_sheets[i], columns);
        assert_true(count > 10);
        for (unsigned c = 0; c < count; c++) {
            size_t len = strlen(columns[c].name);
            assert_int_equal(strspn(columns[c].name, "abcdefghijklmnopqrstuvwxyz0123456789_"), len);
            assert_non_null(columns[c].get);
            assert_true(strlen(columns[c].help) > 8);
            for (unsigned other = 0; other < c; other++)
                assert_string_not_equal(columns[c].name, columns[other].name);
        }
    }
}

static void runs_begin_with_key_and_inputs(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "campaign_id", "run_id",   "cell_id",    "block",   "slot",    "arm",
        "transport",   "engine",   "workload",   "flow",    "dir",     "start_utc_iso",
        "app",         "msg_size", "reply_size", "rate",    "arrival", "burst",
        "window",      "batch",    "flows",      "threads", "cpus",    "direction",
    };
    static struct nv_column columns[NV_COLUMNS_MAX];
    unsigned count = columns_of("runs.csv", columns);
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_string_equal(columns[i].name, expected[i]);
    assert_string_equal(columns[count - 3].name, "attempt");
    assert_string_equal(columns[count - 2].name, "valid");
    assert_string_equal(columns[count - 1].name, "flags");
}

static void every_option_is_in_runs(void **state)
{
    (void)state;
    static struct nv_column columns[NV_COLUMNS_MAX];
    unsigned count = columns_of("runs.csv", columns);
    for (const struct nv_option *option = nv_spec_options; option->name; option++) {
        char name[64];
        unsigned found = 0;
        (void)snprintf(name, sizeof name, "%s%s", strcmp(option->name, "size") ? "" : "msg_",
                       option->name);
        for (char *c = name; *c; c++)
            *c = *c == '-' ? '_' : *c;
        for (unsigned i = 0; i < count; i++)
            found += strcmp(columns[i].name, name) == 0;
        assert_int_equal(found, 1);
    }
}

static char *explained(const char *name, int *result, struct nv_error *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    *result = nv_explain(name, out, err);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void explain_knows_columns_and_metrics(void **state)
{
    (void)state;
    struct nv_error err = {0};
    int result = 0;
    char *text = explained("ontime_ratio", &result, &err);
    assert_int_equal(result, NV_OK);
    assert_non_null(strstr(text, "ontime_ratio (metric of comparisons.csv, ratio): "));
    assert_non_null(strstr(text, "ontime_ratio (deadlines.csv, share, from 0 to 1): "));
    assert_non_null(strstr(text, "ontime_ratio (runs.csv, share, from 0 to 1): "));
    free(text);
    text = explained("block", &result, &err); /* in seven files, told once */
    assert_non_null(strstr(text, "block (runs.csv): "));
    assert_null(strstr(text, "quantiles.csv"));
    free(text);
}

static void explain_suggests(void **state)
{
    (void)state;
    struct nv_error err = {0};
    int result = 0;
    free(explained("goodput_mbps", &result, &err));
    assert_int_equal(result, NV_E_USAGE);
    assert_string_equal(
        err.message,
        "no column, metric, topic or file is called 'goodput_mbps'; did you mean 'goodput_bps'?");
    free(explained("xyzzy", &result, &err));
    assert_non_null(strstr(err.message, "netversus explain lists topics"));
}

static void documentation_has_every_file(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    nv_docs_print_markdown(out);
    assert_int_equal(fclose(out), 0);
    for (unsigned i = 0; nv_sheets[i]; i++) {
        char heading[64];
        (void)snprintf(heading, sizeof heading, "## %s\n", nv_sheets[i]->file);
        assert_non_null(strstr(text, heading));
    }
    assert_non_null(strstr(text, "| `resp_p50_ns` | Median response time"));
    /* |difference| keeps its bars inside the table's cell. */
    assert_non_null(strstr(text, "\\|difference of delay\\|"));
    free(text);
}

/* For programs: no help is cut short, each row has three fields. */
static void list_of_columns_is_csv(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    nv_columns_print_csv(out);
    assert_int_equal(fclose(out), 0);
    assert_ptr_equal(strstr(text, "file,column,unit,topic,source,help\n"
                                  "runs.csv,campaign_id,\"\",key,\""),
                     text);
    assert_non_null(strstr(text, "dwell: time in the server.\"\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_have_names_and_help),
        cmocka_unit_test(runs_begin_with_key_and_inputs),
        cmocka_unit_test(every_option_is_in_runs),
        cmocka_unit_test(explain_knows_columns_and_metrics),
        cmocka_unit_test(explain_suggests),
        cmocka_unit_test(documentation_has_every_file),
        cmocka_unit_test(list_of_columns_is_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
