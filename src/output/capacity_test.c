/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/csv_row.h"
#include "output/field.h"
#include "output/lines.h"
#include "output/test_run.h"
#include "output/test_summary.h"

/* A row of capacity.csv, taken as it is emitted. */
struct taken {
    struct nv_emit emit; /* first */
    unsigned rows, column_count;
    struct nv_column columns[NV_COLUMNS_MAX];
    struct nv_field fields[NV_COLUMNS_MAX];
};

static int take(struct nv_emit *emit, const void *line)
{
    struct taken *taken = (struct taken *)emit;
    taken->rows++;
    for (unsigned i = 0; i < taken->column_count; i++)
        taken->columns[i].get(&taken->fields[i], &taken->columns[i], line);
    return NV_OK;
}

static void assert_fields(const struct nv_trial *trial, const char *const expected[][2],
                          unsigned count)
{
    struct taken *taken = calloc(1, sizeof *taken);
    assert_non_null(taken);
    taken->emit.line = take;
    taken->column_count = nv_sheet_columns(&nv_sheet_capacity, taken->columns);
    assert_int_equal(nv_sheet_capacity.trial_lines(&taken->emit, trial), NV_OK);
    assert_int_equal(taken->rows, 1);
    for (unsigned i = 0; i < count; i++) {
        unsigned at = 0;
        while (at < taken->column_count && strcmp(taken->columns[at].name, expected[i][0]) != 0)
            at++;
        if (at == taken->column_count || strcmp(taken->fields[at].text, expected[i][1]) != 0)
            fail_msg("%s is '%s', not '%s'", expected[i][0],
                     at < taken->column_count ? taken->fields[at].text : "no column",
                     expected[i][1]);
    }
    free(taken);
}

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

/* test_run.h: 1000 scheduled, 980 arrived; 200 bytes each, 1000 a second. */
static void a_trial_is_one_row(void **state)
{
    static const char *const failed[][2] = {
        {"run_id", "c1-0001"},
        {"block", ""},
        {"slot", ""},
        {"trial", "7"},
        {"phase", "bisect"},
        {"rate", "1000/s"},
        {"loss_target", "0.001"},
        {"offered_msgs_per_s", "1000"},
        {"offered_bps", "1600000"},
        {"sched_count", "1000"},
        {"rx_unique_count", "980"},
        {"missing_ratio", "0.02"},
        {"passed", "0"},
        {"failed_by", "loss"},
        {"outcome", ""},
        {"capacity_msgs_per_s", ""},
    };
    static const char *const last[][2] = {
        {"phase", "confirm"}, {"passed", "1"},    {"failed_by", ""},
        {"outcome", "found"}, {"flags", "steal"}, {"capacity_msgs_per_s", "980"},
    };
    static const char *const none[][2] = {{"outcome", "none"}, {"capacity_msgs_per_s", ""}};
    static struct nv_run_result run;
    (void)state;
    test_run_make(&run);
    run.key.block = run.key.slot = 0;
    run.key.trial = 7;
    run.flags[0] = '\0';
    struct nv_trial trial = {.run = &run, .phase = NV_SEARCH_BISECT, .failure = NV_SEARCH_LOSS};
    assert_fields(&trial, failed, COUNT_OF(failed));
    nv_run_result_flag(&run, "steal");
    trial = (struct nv_trial){.run = &run,
                              .phase = NV_SEARCH_CONFIRM,
                              .capacity = {.end = NV_SEARCH_FOUND, .msgs_per_s = 980}};
    assert_fields(&trial, last, COUNT_OF(last));
    trial.capacity.end = NV_SEARCH_NONE;
    assert_fields(&trial, none, COUNT_OF(none));
    test_run_free(&run);
}

/* 64 bytes are 512 bits. */
static void a_cell_says_what_was_found(void **state)
{
    static const struct {
        enum nv_search_end end;
        double msgs_per_s;
        const char *expected;
    } rows[] = {
        {NV_SEARCH_FOUND, 287123, "UDP 287 k msg/s (147 Mbit/s)"},
        {NV_SEARCH_CEILING, 1e8, "UDP 100 M msg/s (51.2 Gbit/s) or more: nothing higher was tried"},
        {NV_SEARCH_NONE, 1, "UDP none: more is missing even at 1.00 msg/s (512 bit/s)"},
        {NV_SEARCH_UNCONFIRMED, 1500,
         "UDP 1.50 k msg/s (768 kbit/s), unconfirmed: the trials did not agree"},
    };
    (void)state;
    char expected[NV_CAPACITY_BYTES];
    char line[NV_CAPACITY_BYTES];
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    assert_string_equal(nv_show_capacity(&cell, line), "");
    test_tcp_spec.rate.kind = test_udp_spec.rate.kind = NV_RATE_SEARCH;
    test_tcp_spec.loss_target = test_udp_spec.loss_target = 1e-5;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        cell.arm[1].capacity =
            (struct nv_capacity){.end = rows[i].end, .msgs_per_s = rows[i].msgs_per_s};
        (void)snprintf(expected, sizeof expected,
                       "capacity at 0.001 %% loss   %s   TCP goodput 8.00 Mbit/s",
                       rows[i].expected);
        assert_string_equal(nv_show_capacity(&cell, line), expected);
    }
}

/* Both are searched for: in their order. */
static void two_alike_stand_in_their_order(void **state)
{
    (void)state;
    char line[NV_CAPACITY_BYTES];
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    test_tcp_spec.rate.kind = NV_RATE_SEARCH;
    for (unsigned i = 0; i < 2; i++) {
        cell.arm[i].name = i ? "UDP b" : "UDP a";
        cell.arm[i].capacity = (struct nv_capacity){.end = NV_SEARCH_FOUND, .msgs_per_s = 1e3};
    }
    assert_string_equal(nv_show_capacity(&cell, line),
                        "capacity at 0.1 % loss   UDP a 1.00 k msg/s (512 kbit/s)   UDP b 1.00 k "
                        "msg/s (512 kbit/s)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_is_one_row),
        cmocka_unit_test(a_cell_says_what_was_found),
        cmocka_unit_test(two_alike_stand_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
