/* SPDX-License-Identifier: MIT */
#include "output/csv.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "output/csv_row.h"
#include "output/field.h"
#include "output/test_run.h"

static void get_line(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, line);
}

static void fields_are_quoted_when_they_must(void **state)
{
    (void)state;
    static const struct {
        const char *text, *row;
    } rows[] = {
        {"plain", "plain,plain\n"},
        {"", ",\n"},
        {"a,b", "\"a,b\",\"a,b\"\n"},
        {"say \"x\"", "\"say \"\"x\"\"\",\"say \"\"x\"\"\"\n"},
        {"two\nlines", "\"two\nlines\",\"two\nlines\"\n"},
    };
    const struct nv_column columns[] = {{.name = "x", .get = get_line},
                                        {.name = "y,z", .get = get_line}};
    static char out[NV_CSV_ROW_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = nv_csv_row(out, columns, 2, rows[i].text);
        assert_int_equal(len, strlen(rows[i].row));
        assert_memory_equal(out, rows[i].row, len);
    }
    size_t len = nv_csv_row(out, columns, 2, NULL);
    assert_memory_equal(out, "x,\"y,z\"\n", len);
}

static void numbers_are_plain(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "0"},
        {0.5, "0.5"},
        {1.0 / 3, "0.333333333"},
        {1e9, "1000000000"},
        {12345678.25, "12345678.2"},
        {-2.5e-7, "-2.5e-07"},
        {1e300, "1e+300"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, ""},
    };
    struct nv_field field;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nv_field_real(&field, rows[i].value);
        assert_string_equal(field.text, rows[i].text);
    }
    nv_field_count(&field, NV_UNKNOWN);
    assert_string_equal(field.text, "");
    nv_field_count(&field, UINT64_MAX);
    assert_string_equal(field.text, "18446744073709551615");
    nv_field_ratio(&field, 1, 0);
    assert_string_equal(field.text, "");
    nv_field_ratio(&field, 1, 8);
    assert_string_equal(field.text, "0.125");
    nv_field_hex(&field, 0xabc);
    assert_string_equal(field.text, "0000000000000abc");
}

static void decimal_point_does_not_follow_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "pt_BR.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!found)
        skip();
    struct nv_field field;
    nv_field_real(&field, 0.25);
    assert_string_equal(field.text, "0.25");
    nv_field_real(&field, -1.5e-9);
    assert_string_equal(field.text, "-1.5e-09");
    (void)setlocale(LC_NUMERIC, "C");
}

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/nv-csv-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    for (const struct nv_sheet *const *sheet = nv_sheets; *sheet; sheet++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", directory, (*sheet)->file);
        (void)unlink(path);
    }
    return rmdir(directory);
}

static char *path_of(const char *file)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, file);
    return path;
}

static long lines_in(const char *file)
{
    long count = 0;
    FILE *in = fopen(path_of(file), "r");
    if (!in)
        return -1;
    for (int c = getc(in); c != EOF; c = getc(in))
        count += c == '\n';
    (void)fclose(in);
    return count;
}

static off_t size_of(const char *file)
{
    struct stat status;
    return stat(path_of(file), &status) ? -1 : status.st_size;
}

static void files_are_made_and_gone_on_with(void **state)
{
    (void)state;
    struct nv_csv_set *set = NULL;
    struct nv_error err;
    static struct nv_run_result run;
    test_run_make(&run);
    assert_int_equal(nv_csv_set_open(&set, directory, &err), NV_OK);
    assert_int_equal(lines_in("runs.csv"), 1);
    assert_int_equal(lines_in("messages.csv"), -1); /* nothing for it yet */
    run.key.block = 0;                              /* the warm-up round is not written */
    assert_int_equal(nv_csv_set_run(set, &run, &err), NV_OK);
    assert_int_equal(lines_in("runs.csv"), 1);
    run.key.block = 1;
    assert_int_equal(nv_csv_set_run(set, &run, &err), NV_OK);
    assert_int_equal(lines_in("runs.csv"), 2);
    /* header, 980 arrivals, 10 copies, 10 lost and 10 refused */
    assert_int_equal(lines_in("messages.csv"), 1011);
    assert_int_equal(nv_csv_set_close(set, &err), NV_OK);

    /* A crash left half a row: it is cut off. */
    FILE *out = fopen(path_of("runs.csv"), "a");
    assert_non_null(out);
    (void)fputs("c1,c1-00", out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(nv_csv_set_open(&set, directory, &err), NV_OK);
    assert_int_equal(nv_csv_set_run(set, &run, &err), NV_OK);
    assert_int_equal(nv_csv_set_close(set, &err), NV_OK);
    assert_int_equal(lines_in("runs.csv"), 3);
    assert_int_equal(lines_in("messages.csv"), 2021);
    test_run_free(&run);
}

static void other_columns_are_refused(void **state)
{
    (void)state;
    struct nv_csv_set *set = NULL;
    struct nv_error err;
    FILE *out = fopen(path_of("hist.csv"), "w");
    (void)fputs("campaign_id,run_id\n", out);
    (void)fclose(out);
    assert_int_equal(nv_csv_set_open(&set, directory, &err), NV_E_FAILED);
    assert_null(set);
    assert_non_null(strstr(err.message, "hist.csv has other columns"));
}

static void full_disk_is_named(void **state)
{
    (void)state;
    struct nv_csv_set *set = NULL;
    struct nv_error err;
    if (symlink("/dev/full", path_of("intervals.csv")))
        skip();
    assert_int_equal(nv_csv_set_open(&set, directory, &err), NV_E_FAILED);
    assert_null(set);
    assert_non_null(strstr(err.message, "/intervals.csv: No space left on device"));
    assert_int_equal(nv_csv_set_close(NULL, &err), NV_OK);
}

/* A run that does not fit leaves all files as they were, and a later one may fit again. */
static void failed_run_is_cut_off(void **state)
{
    (void)state;
    struct nv_csv_set *set = NULL;
    struct nv_error err;
    static struct nv_run_result run;
    struct rlimit before;
    test_run_make(&run);
    assert_int_equal(nv_csv_set_open(&set, directory, &err), NV_OK);
    assert_int_equal(nv_csv_set_run(set, &run, &err), NV_OK);
    off_t messages = size_of("messages.csv");
    off_t hist = size_of("hist.csv");
    off_t runs = size_of("runs.csv");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = before;
    limit.rlim_cur = (rlim_t)messages + 1000; /* the largest file hits it first */
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int result = nv_csv_set_run(set, &run, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, NV_E_FAILED);
    assert_non_null(strstr(err.message, "/messages.csv: File too large"));
    assert_int_equal(size_of("messages.csv"), messages);
    assert_int_equal(size_of("hist.csv"), hist);
    assert_int_equal(size_of("runs.csv"), runs);
    assert_int_equal(nv_csv_set_run(set, &run, &err), NV_OK);
    assert_int_equal(lines_in("runs.csv"), 3);
    assert_int_equal(nv_csv_set_close(set, &err), NV_OK);
    test_run_free(&run);
}

static void comparisons_are_replaced(void **state)
{
    (void)state;
    struct nv_csv_set *set = NULL;
    struct nv_error err;
    struct nv_spec spec;
    test_run_spec(&spec);
    struct nv_summary_cell cells[2] = {
        {.cell_id = "c001",
         .direction = NV_ROW_UP,
         .arm_count = 2,
         .arm = {{.name = "TCP", .spec = &spec}, {.name = "UDP", .spec = &spec}}},
        {.cell_id = "c002",
         .direction = NV_ROW_UP,
         .arm_count = 1,
         .arm = {{.name = "TCP", .spec = &spec}}},
    };
    struct nv_summary summary = {.campaign_id = "c1", .cell_count = 2, .cells = cells};
    assert_int_equal(nv_csv_set_open(&set, directory, &err), NV_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(nv_csv_set_comparisons(set, &summary, &err), NV_OK);
        assert_int_equal(lines_in("comparisons.csv"), 1 + NV_METRIC_COUNT);
    }
    assert_int_equal(nv_csv_set_close(set, &err), NV_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_quoted_when_they_must),
        cmocka_unit_test(numbers_are_plain),
        cmocka_unit_test(decimal_point_does_not_follow_the_locale),
        cmocka_unit_test_setup_teardown(files_are_made_and_gone_on_with, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(other_columns_are_refused, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(full_disk_is_named, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(failed_run_is_cut_off, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(comparisons_are_replaced, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
