/* SPDX-License-Identifier: MIT */
#include "cli/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Result directories, in a fresh current directory each. */

#define START "2026-11-25T08:53:39Z"
#define FIRST "results/2026-11-25T085339Z-quick"

static int enter_fresh_directory(void **state)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "/tmp/nv-manifest-test-XXXXXX");
    *state = path;
    return mkdtemp(path) ? chdir(path) : -1;
}

static int remove_directory(void **state)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", (const char *)*state);
    return chdir("/") || system(command);
}

static struct nv_settings settings_of(const char *output)
{
    struct nv_settings settings;
    memset(&settings, 0, sizeof settings);
    nv_options_reset(nv_settings_options, &settings);
    (void)snprintf(settings.scenario, sizeof settings.scenario, "quick");
    (void)snprintf(settings.output, sizeof settings.output, "%s", output);
    return settings;
}

static int open_result(struct nv_result *result, const char *output, const char *said)
{
    struct nv_settings settings = settings_of(output);
    struct nv_error err = {0};
    int code = nv_result_open(result, &settings, START, &err);
    assert_int_equal(code, err.code);
    assert_non_null(strstr(err.message, said));
    return code;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static void what_was_made_for_nothing_is_taken_away(void **state)
{
    (void)state;
    struct nv_result result;
    assert_int_equal(open_result(&result, "a/out", ""), NV_OK);
    put("a/out/runs.csv", "run_id,block\n");
    put("a/out/campaign.json", "{}\n");
    nv_result_close(&result, false);
    assert_false(is_there("a/out"));
    /* A directory that was there stays as it is. */
    assert_int_equal(mkdir("mine", 0777), 0);
    put("mine/notes", "do not forget");
    assert_int_equal(open_result(&result, "mine", ""), NV_OK);
    put("mine/runs.csv", "run_id,block\n");
    nv_result_close(&result, false);
    assert_true(is_there("mine/notes") && is_there("mine/runs.csv"));
    /* So does one that others use, too. */
    assert_int_equal(open_result(&result, "b", ""), NV_OK);
    put("b/runs.csv", "run_id,block\n");
    put("b/notes", "do not forget");
    nv_result_close(&result, false);
    nv_result_close(&result, false); /* again: nothing happens */
    assert_true(is_there("b/notes") && !is_there("b/runs.csv"));
}

static void what_was_kept_stays(void **state)
{
    (void)state;
    struct nv_result result;
    assert_int_equal(open_result(&result, "out", ""), NV_OK);
    put("out/runs.csv", "run_id,block\nc001-b01a,1\n");
    nv_result_close(&result, true);
    assert_int_equal(open_result(&result, "out", "out holds results already"), NV_E_USAGE);
    nv_result_close(&result, false); /* was never ours */
    assert_true(is_there("out/runs.csv"));
}

/* A campaign that was killed before it had finished anything leaves header rows. */
static void a_directory_without_rows_is_free(void **state)
{
    static const struct {
        const char *file, *text;
        int code;
    } rows[] = {
        {"runs.csv", "run_id,block\n", NV_OK},
        {"runs.csv", "", NV_OK},
        {"campaign.json", "{}\n", NV_OK},
        {"runs.csv", "run_id,block\nc001", NV_E_USAGE},
        {"quantiles.csv", "run_id,q\nc001-b01a,0.5\n", NV_E_USAGE},
        {"messages.csv", "run_id,seq\nc001-b01a,1\n", NV_E_USAGE},
        {"runs.csv", "not ours", NV_E_USAGE},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_result result;
        char path[64];
        assert_int_equal(mkdir("out", 0777), 0);
        (void)snprintf(path, sizeof path, "out/%s", rows[i].file);
        put(path, rows[i].text);
        assert_int_equal(open_result(&result, "out", ""), rows[i].code);
        nv_result_close(&result, true);
        assert_true(is_there(path));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir("out"), 0);
    }
}

static void a_directory_is_one_campaigns(void **state)
{
    (void)state;
    struct nv_result first;
    struct nv_result second;
    assert_int_equal(open_result(&first, "out", ""), NV_OK);
    assert_int_equal(open_result(&second, "out", "out is in use"), NV_E_USAGE);
    nv_result_close(&second, false);
    assert_true(is_there("out"));
    nv_result_close(&first, true);
    assert_int_equal(open_result(&second, "out", ""), NV_OK);
    nv_result_close(&second, true);
}

/* Two campaigns of one second get two directories; the newest that has something is announced. */
static void names_of_ours_do_not_collide(void **state)
{
    (void)state;
    struct nv_result first;
    struct nv_result second;
    char target[256] = "";
    assert_int_equal(open_result(&first, "", ""), NV_OK);
    assert_string_equal(first.path, FIRST);
    assert_false(is_there("results/latest"));
    nv_result_announce(&first);
    assert_int_equal(open_result(&second, "", ""), NV_OK);
    assert_string_equal(second.path, FIRST "-2");
    assert_int_equal(readlink("results/latest", target, sizeof target), strlen(FIRST) - 8);
    assert_string_equal(target, &FIRST[8]);
    nv_result_announce(&second);
    memset(target, 0, sizeof target);
    assert_true(readlink("results/latest", target, sizeof target - 1) > 0);
    assert_string_equal(target, &(FIRST "-2")[8]);
    nv_result_close(&first, true);
    nv_result_close(&second, true);
    /* A name of the user's own is nothing that latest should leave ours for. */
    assert_int_equal(open_result(&first, "results/own", ""), NV_OK);
    nv_result_announce(&first);
    assert_true(readlink("results/latest", target, sizeof target - 1) > 0);
    assert_string_equal(target, &(FIRST "-2")[8]);
    nv_result_close(&first, true);
}

static void what_is_in_the_way_is_named(void **state)
{
    (void)state;
    struct nv_result result;
    put("file", "in the way");
    assert_int_equal(open_result(&result, "file", "output: file: Not a directory"), NV_E_FAILED);
    assert_int_equal(open_result(&result, "file/out", "mkdir file/out"), NV_E_FAILED);
    assert_true(is_there("file"));
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, enter_fresh_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_made_for_nothing_is_taken_away),
        TEST(what_was_kept_stays),
        TEST(a_directory_without_rows_is_free),
        TEST(a_directory_is_one_campaigns),
        TEST(names_of_ours_do_not_collide),
        TEST(what_is_in_the_way_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
