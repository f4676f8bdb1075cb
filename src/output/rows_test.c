/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/columns.h"
#include "output/csv.h"
#include "output/test_run.h"

/* The files of one run agree with each other, and with what test_run.h says. */

/* One file, read back as a reader would: no field of it is quoted here. */
struct file {
    char *text;
    char **fields; /* row by row, header first */
    unsigned columns, rows;
};

static struct file read_file(const char *name, const struct nv_run_result *run)
{
    struct file file = {0};
    size_t len = 0;
    FILE *out = open_memstream(&file.text, &len);
    assert_non_null(out);
    assert_int_equal(nv_csv_print_header(out, name), NV_OK);
    assert_int_equal(nv_csv_print_run(out, name, run), NV_OK);
    assert_int_equal(fclose(out), 0);
    assert_null(strchr(file.text, '"'));
    assert_null(strstr(file.text, "nan"));
    size_t count = 0;
    for (char *c = file.text; *c; c++) {
        count += *c == ',' || *c == '\n';
        file.rows += *c == '\n';
    }
    NV_ASSERT(file.rows > 0 && count > 0);
    file.fields = calloc(count, sizeof *file.fields);
    NV_ASSERT(file.fields);
    file.columns = (unsigned)(count / file.rows);
    assert_int_equal(count % file.rows, 0);
    char *at = file.text;
    for (size_t i = 0; i < count; i++) {
        file.fields[i] = at;
        at += strcspn(at, ",\n");
        *at++ = '\0';
    }
    return file;
}

static void free_file(struct file *file)
{
    free(file->fields);
    free(file->text);
}

static const char *field(const struct file *file, unsigned row, const char *column)
{
    NV_ASSERT(file->fields[0]);
    for (unsigned i = 0; i < file->columns; i++)
        if (file->fields[i] && strcmp(file->fields[i], column) == 0)
            return file->fields[row * file->columns + i];
    fail_msg("no column %s", column);
    return NULL;
}

/* Of the rows whose column `where` reads `is` (NULL: all). */
static double sum_of(const struct file *file, const char *column, const char *where, const char *is)
{
    double sum = 0;
    for (unsigned row = 1; row < file->rows; row++)
        if (!where || strcmp(field(file, row, where), is) == 0)
            sum += strtod(field(file, row, column), NULL);
    return sum;
}

static unsigned count_of(const struct file *file, const char *column, const char *is)
{
    unsigned count = 0;
    for (unsigned row = 1; row < file->rows; row++)
        count += strcmp(field(file, row, column), is) == 0;
    return count;
}

static void assert_near(double found, double expected, double slack)
{
    if (fabs(found - expected) > slack || isnan(found))
        fail_msg("%.9g is not %.9g", found, expected);
}

static int make(void **state)
{
    *state = calloc(1, sizeof(struct nv_run_result));
    test_run_make(*state);
    return 0;
}

static int unmake(void **state)
{
    test_run_free(*state);
    free(*state);
    return 0;
}

static void run_row_is_what_happened(void **state)
{
    static const char *const expected[][2] = {
        {"campaign_id", "c1"},
        {"run_id", "c1-0001"},
        {"cell_id", "c001"},
        {"block", "1"},
        {"slot", "2"},
        {"arm", "b"},
        {"transport", "udp"},
        {"engine", "poll"},
        {"workload", "stream"},
        {"flow", "all"},
        {"dir", "up"},
        {"start_utc_iso", "2026-11-23T13:32:05Z"},
        {"msg_size", "200"},
        {"msg_size_bytes", "200"},
        {"rate", "1000/s"},
        {"rate_msgs_per_s", "1000"},
        {"path", "none"},
        {"clock_mode", "shared"},
        {"sched_hash", "0000000000000abc"},
        {"sched_count", "1000"},
        {"sent_count", "990"},
        {"drop_eagain_count", "10"},
        {"unsent_count", "0"},
        {"rx_unique_count", "980"},
        {"rx_dup_count", "10"},
        {"lost_count", "10"},
        {"lost_rcvbuf_count", "0"},
        {"lost_path_count", "10"},
        {"loss_ratio", "0.0101010101"}, /* 10 / 990 */
        {"loss_burst_mean_msgs", "1"},
        {"loss_burst_max_msgs", "1"},
        {"gilbert_p", ""}, /* fewer than 200 */
        {"late_count", "0"},
        {"negative_count", "0"},
        {"offered_bps", "1600000"}, /* 1000 * 200 B * 8 in 1 s */
        {"sent_bps", "1584000"},    /* 990 */
        {"ontime_ratio", "0.97"},   /* 970 of 1000 scheduled */
        {"reordered_count", "10"},
        {"reordered_ratio", "0.0102040816"}, /* 10 / 980 */
        /* 70 arrives at 129.51 ms, after 71 .. 128: 58 first copies; 1070 after the 29 last:
         * (9 * 58 + 29) / 10 */
        {"extent_mean_msgs", "55.1"},
        {"extent_max_msgs", "58"},
        {"extent_censored_count", "0"},
        {"resp_max_ns", "59510000"},
        {"sched_lag_max_ns", "10000"},
        {"tcp_retrans_segs", ""},
        {"tcp_rtt_us", ""},
        {"connect_ns", ""},
        {"sndbuf_granted_bytes", "425984"},
        {"rcvbuf_granted_bytes", ""},
        {"mtu_bytes", "1500"},
        {"ip_fragments_per_msg", "1"},
        {"hol_method", "virtual"},
        {"attempt", "1"},
        {"valid", "1"},
        {"flags", ""},
    };
    struct file runs = read_file("runs.csv", *state);
    assert_int_equal(runs.rows, 2);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const char *found = field(&runs, 1, expected[i][0]);
        if (strcmp(found, expected[i][1]) != 0)
            fail_msg("%s is '%s', not '%s'", expected[i][0], found, expected[i][1]);
    }
    free_file(&runs);
}

/* Wilson, k = 10, n = 990, z = 1.96: centre (10 + 1.9207) / 993.84 = 0.0119946, half width
 * 1.95996 / 993.84 * sqrt(10 * 980 / 990 + 0.9604) = 0.0064983. */
static void loss_has_an_interval(void **state)
{
    struct file runs = read_file("runs.csv", *state);
    assert_near(strtod(field(&runs, 1, "loss_ci_lo_ratio"), NULL), 0.0054963, 1e-6);
    assert_near(strtod(field(&runs, 1, "loss_ci_hi_ratio"), NULL), 0.0184929, 1e-6);
    free_file(&runs);
    struct nv_run_result *run = *state;
    run->rows[0].lost_count = 0; /* rule of three: 3 / 990 */
    runs = read_file("runs.csv", run);
    assert_string_equal(field(&runs, 1, "loss_ci_lo_ratio"), "0");
    assert_string_equal(field(&runs, 1, "loss_ci_hi_ratio"), "0.00303030303");
    free_file(&runs);
}

static void intervals_sum_to_totals(void **state)
{
    struct file runs = read_file("runs.csv", *state);
    struct file intervals = read_file("intervals.csv", *state);
    assert_int_equal(intervals.rows, 11); /* 100 ms each */
    static const char *const same[] = {"sched_count", "sent_count", "rx_unique_count",
                                       "lost_count"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_near(sum_of(&intervals, same[i], NULL, NULL), strtod(field(&runs, 1, same[i]), NULL),
                    0);
    double goodput_bytes = strtod(field(&runs, 1, "goodput_bytes"), NULL);
    assert_near(sum_of(&intervals, "rx_bytes", NULL, NULL), goodput_bytes, 0);
    assert_near(strtod(field(&runs, 1, "goodput_bps"), NULL), 8 * goodput_bytes, 1e-6);
    assert_string_equal(field(&intervals, 1, "t_start_s"), "0.1");
    assert_string_equal(field(&intervals, 10, "t_end_s"), "1.1");
    free_file(&intervals);
    free_file(&runs);
}

/* 98 arrive in most intervals: enough for a median (20), not for a p99 (1000). */
static void intervals_hold_only_what_their_sample_supports(void **state)
{
    struct nv_run_result *run = *state;
    struct nv_tx_intervals *tx = &run->rows[0].tx->intervals;
    struct nv_rx_intervals *rx = &run->rows[0].rx->intervals;
    struct file intervals = read_file("intervals.csv", run);
    assert_string_equal(field(&intervals, 2, "sched_lag_max_ns"), "10000");
    assert_string_not_equal(field(&intervals, 2, "resp_p50_ns"), "");
    assert_string_equal(field(&intervals, 2, "resp_p99_ns"), "");
    assert_string_not_equal(field(&intervals, 2, "resp_max_ns"), "");
    free_file(&intervals);

    tx->sent_count[0] = tx->sched_lag_max_ns[0] = rx->unique_count[0] = 0; /* nothing was sent */
    rx->resp_count[2] = 1000;
    rx->resp_count[3] = 999;
    rx->resp_count[4] = 20;
    rx->resp_count[5] = 19;
    rx->resp_count[6] = 0;
    static const struct {
        unsigned row;
        const char *column;
        bool known;
    } cells[] = {
        {1, "sched_lag_max_ns", false}, {2, "sched_lag_max_ns", true}, {3, "resp_p99_ns", true},
        {4, "resp_p99_ns", false},      {5, "resp_p50_ns", true},      {6, "resp_p50_ns", false},
        {6, "resp_max_ns", true},       {7, "resp_max_ns", false},
    };
    intervals = read_file("intervals.csv", run);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        if ((field(&intervals, cells[i].row, cells[i].column)[0] != '\0') != cells[i].known)
            fail_msg("interval %u: %s is '%s'", cells[i].row, cells[i].column,
                     field(&intervals, cells[i].row, cells[i].column));
    assert_string_equal(field(&intervals, 1, "sent_count"), "0"); /* counts are known */
    free_file(&intervals);
}

static void histograms_sum_to_counts(void **state)
{
    struct file hist = read_file("hist.csv", *state);
    assert_near(sum_of(&hist, "count", "metric", "resp"), 980, 0);
    assert_near(sum_of(&hist, "count", "metric", "serv"), 980, 0);
    assert_near(sum_of(&hist, "count", "metric", "sched_lag"), 990, 0);
    assert_int_equal(count_of(&hist, "count", "0"), 0);
    for (unsigned row = 1; row < hist.rows; row++)
        assert_true(strtod(field(&hist, row, "lo_ns"), NULL) <
                    strtod(field(&hist, row, "hi_ns"), NULL));
    free_file(&hist);
}

static void deadlines_add_up(void **state)
{
    struct file deadlines = read_file("deadlines.csv", *state);
    assert_int_equal(deadlines.rows, 10); /* 50 ms is one of the usual nine */
    for (unsigned row = 1; row < deadlines.rows; row++) {
        /* responses are 1.01 ms, but ten of 59.51 ms */
        double ms = strtod(field(&deadlines, row, "deadline_ms"), NULL);
        double expected = ms < 2 ? 0 : ms < 59.52 ? 970 : 980;
        assert_near(strtod(field(&deadlines, row, "ontime_count"), NULL), expected, 0);
        assert_near(strtod(field(&deadlines, row, "late_count"), NULL), 980 - expected, 0);
        assert_string_equal(field(&deadlines, row, "lost_count"), "10");
        assert_string_equal(field(&deadlines, row, "not_sent_count"), "10");
        assert_string_equal(field(&deadlines, row, "sched_count"), "1000");
    }
    free_file(&deadlines);
}

static void quantiles_count_the_lost(void **state)
{
    struct file quantiles = read_file("quantiles.csv", *state);
    unsigned seen = 0;
    for (unsigned row = 1; row < quantiles.rows; row++) {
        if (strcmp(field(&quantiles, row, "metric"), "resp") != 0 ||
            strcmp(field(&quantiles, row, "p"), "0.99") != 0)
            continue;
        /* 990th of 1000: 20 never arrived, so infinite. Of 980 delivered the sample is too small by
         * a hair: 980 * 0.01 < 10. */
        bool all = strcmp(field(&quantiles, row, "population"), "all") == 0;
        assert_string_equal(field(&quantiles, row, "value_ns"), all ? "inf" : "");
        assert_string_equal(field(&quantiles, row, "reportable"), all ? "1" : "0");
        assert_string_equal(field(&quantiles, row, "n"), all ? "1000" : "980");
        seen++;
    }
    assert_int_equal(seen, 2);
    /* Nothing was answered: no dwell. Six p each of resp, serv (twice), lags, ipdv, late offset. */
    assert_int_equal(count_of(&quantiles, "metric", "dwell"), 0);
    assert_int_equal(count_of(&quantiles, "metric", "serv"), 12);
    assert_int_equal(count_of(&quantiles, "metric", "sched_lag"), 6);
    free_file(&quantiles);
}

static void patterns_are_of_whole_runs(void **state)
{
    struct file patterns = read_file("patterns.csv", *state);
    /* 20 missing, none next to another, 10 or 90 apart (90 is beyond 64) */
    assert_near(sum_of(&patterns, "count", "kind", "loss_run"), 20, 0);
    assert_near(sum_of(&patterns, "count", "kind", "loss_distance"), 19, 0);
    assert_near(sum_of(&patterns, "count", "kind", "reorder_extent"), 10, 0);
    assert_near(sum_of(&patterns, "count", "kind", "recvs_per_msg"), 980, 0);
    assert_int_equal(count_of(&patterns, "count", "0"), 0);
    free_file(&patterns);
}

static void messages_are_all_there(void **state)
{
    struct file messages = read_file("messages.csv", *state);
    assert_int_equal(count_of(&messages, "status", "ok"), 980);
    assert_int_equal(count_of(&messages, "status", "dup"), 10);
    /* lost and refused cannot be told apart by number */
    assert_int_equal(count_of(&messages, "status", "missing"), 20);
    assert_string_equal(field(&messages, 1, "seq"), "100");
    assert_string_equal(field(&messages, 1, "t_rcv_ns"), "101010000");
    assert_string_equal(field(&messages, messages.rows - 1, "seq"), "1060");
    assert_string_equal(field(&messages, messages.rows - 1, "t_rcv_ns"), "");
    free_file(&messages);
}

static void one_way_delays_need_one_clock(void **state)
{
    struct nv_run_result *run = *state;
    run->shared_clock = false;
    static const char *const empty[] = {"resp_p50_ns", "resp_p99_ns",  "resp_max_ns", "serv_p50_ns",
                                        "pdv_p99_ns",  "ontime_ratio", "late_count"};
    struct file runs = read_file("runs.csv", run);
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        assert_string_equal(field(&runs, 1, empty[i]), "");
    assert_string_equal(field(&runs, 1, "clock_mode"), "unsynced");
    assert_string_not_equal(field(&runs, 1, "ipdv_abs_p50_ns"), "");
    free_file(&runs);
    struct file deadlines = read_file("deadlines.csv", run);
    assert_int_equal(deadlines.rows, 1);
    free_file(&deadlines);
    struct file hist = read_file("hist.csv", run);
    assert_int_equal(count_of(&hist, "metric", "resp"), 0);
    free_file(&hist);
    struct file intervals = read_file("intervals.csv", run);
    assert_string_equal(field(&intervals, 1, "resp_max_ns"), "");
    free_file(&intervals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(run_row_is_what_happened, make, unmake),
        cmocka_unit_test_setup_teardown(loss_has_an_interval, make, unmake),
        cmocka_unit_test_setup_teardown(intervals_sum_to_totals, make, unmake),
        cmocka_unit_test_setup_teardown(intervals_hold_only_what_their_sample_supports, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(histograms_sum_to_counts, make, unmake),
        cmocka_unit_test_setup_teardown(deadlines_add_up, make, unmake),
        cmocka_unit_test_setup_teardown(quantiles_count_the_lost, make, unmake),
        cmocka_unit_test_setup_teardown(patterns_are_of_whole_runs, make, unmake),
        cmocka_unit_test_setup_teardown(messages_are_all_there, make, unmake),
        cmocka_unit_test_setup_teardown(one_way_delays_need_one_clock, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
