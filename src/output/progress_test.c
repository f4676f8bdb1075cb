/* SPDX-License-Identifier: MIT */
#include "output/progress.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static void time_left(void **state)
{
    (void)state;
    /* 12 runs of 4 s are planned; times in s */
    static const struct {
        unsigned done;
        unsigned run_start_s, now_s;
        double left_s;
    } rows[] = {
        {0, 0, 0, 48},                    /* 12 * 4 */
        {0, 0, 3, 45},                    /* 3 s of the first are over */
        {0, 0, 9, 44},                    /* one that takes too long counts as nearly done */
        {1, 6, 6, 44},                    /* one run is no pace yet */
        {2, 12, 12, 60},                  /* 6 s each: 10 * 6 */
        {11, 66, 69, 3},                  /* the last one, half over */
        {12, 72, 72, 0}, {13, 72, 80, 0}, /* a block was run again */
    };
    struct nv_progress progress = {.runs_total = 12, .run_expected_s = 4, .start_ns = 5};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_progress_now now = {
            .runs_done = rows[i].done,
            .now_ns = 5 + rows[i].now_s * NV_NS_PER_S,
            .run_start_ns = 5 + rows[i].run_start_s * NV_NS_PER_S,
        };
        double left_s = nv_progress_left_s(&progress, &now);
        if (fabs(left_s - rows[i].left_s) > 1e-9)
            fail_msg("row %zu: %g", i, left_s);
    }
}

static void line_as_text(void **state)
{
    (void)state;
    char out[320];
    struct nv_progress progress = {.runs_total = 12, .run_expected_s = 400};
    struct nv_progress_now now = {
        .runs_done = 3, .block = 2, .title = "rr · 64 B · 2000/s · poll · UDP"};
    now.run_start_ns = now.now_ns = 1200 * NV_NS_PER_S;
    assert_string_equal(
        nv_progress_format(&progress, &now, out, sizeof out),
        "[#####---------------] 3/12  1:00:00 left  block 2  rr · 64 B · 2000/s · poll ·");
    now = (struct nv_progress_now){.title = "x"};
    progress.run_expected_s = 5;
    assert_string_equal(nv_progress_format(&progress, &now, out, sizeof out),
                        "[--------------------] 0/12  1:00 left  warm-up  x");
    now.stage = "search";
    assert_string_equal(nv_progress_format(&progress, &now, out, sizeof out),
                        "[--------------------] 0/12  1:00 left  search  x");
}

static void nothing_without_a_terminal(void **state)
{
    (void)state;
    FILE *out = tmpfile();
    assert_non_null(out);
    struct nv_progress progress;
    nv_progress_init(&progress, out, false);
    progress.runs_total = 3;
    nv_progress_show(&progress, &(struct nv_progress_now){.title = "x"});
    nv_progress_clear(&progress);
    assert_int_equal(ftell(out), 0);
    (void)fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_left),
        cmocka_unit_test(line_as_text),
        cmocka_unit_test(nothing_without_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
