/* SPDX-License-Identifier: MIT */
#include "measure/losses.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", value, tolerance, expected);
}

/* Scans a picture of arrivals: '.' arrived, 'x' missing. The message before and after it are
 * missing and not in the range. */
static struct nv_losses scan(const char *picture)
{
    struct nv_bitmap bitmap;
    struct nv_losses losses;
    uint64_t n = strlen(picture);
    assert_int_equal(nv_bitmap_init(&bitmap, n + 2, NULL), 0);
    for (uint64_t i = 0; i < n; i++)
        if (picture[i] == '.')
            (void)nv_bitmap_test_and_set(&bitmap, i + 1);
    nv_losses_scan(&losses, &bitmap, 1, n + 1);
    nv_bitmap_dispose(&bitmap);
    return losses;
}

static void worked_out_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *picture;
        uint64_t missing, runs, longest, noticeable, g01, g10, g101, g111;
    } rows[] = {
        {"", 0, 0, 0, 0, 0, 0, 0, 0},     {"....", 0, 0, 0, 0, 0, 0, 0, 0},
        {"xxxx", 4, 1, 4, 3, 0, 0, 0, 2}, {".x.", 1, 1, 1, 0, 1, 1, 0, 0},
        {"x.x", 2, 2, 1, 1, 1, 1, 1, 0},  {"..xxx.x..xx", 6, 3, 3, 5, 3, 2, 1, 1},
        {"xx..", 2, 1, 2, 1, 0, 1, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_losses losses = scan(rows[i].picture);
        assert_int_equal(losses.scheduled_count, strlen(rows[i].picture));
        assert_int_equal(losses.missing_count, rows[i].missing);
        assert_int_equal(losses.run_count, rows[i].runs);
        assert_int_equal(losses.run_max_msgs, rows[i].longest);
        assert_int_equal(losses.noticeable_count, rows[i].noticeable);
        assert_int_equal(losses.g01_count, rows[i].g01);
        assert_int_equal(losses.g10_count, rows[i].g10);
        assert_int_equal(losses.g101_count, rows[i].g101);
        assert_int_equal(losses.g111_count, rows[i].g111);
    }
}

static void periods_and_distances(void **state)
{
    (void)state;
    /* missing at 2 3 4, 6, 9 10: distances 1 1 2 3 1 */
    struct nv_losses losses = scan("..xxx.x..xx");
    assert_int_equal(losses.run[1], 1);
    assert_int_equal(losses.run[2], 1);
    assert_int_equal(losses.run[3], 1);
    assert_int_equal(losses.distance[1], 3);
    assert_int_equal(losses.distance[2], 1);
    assert_int_equal(losses.distance[3], 1);
}

static void far_apart_is_not_noticeable(void **state)
{
    (void)state;
    char picture[202];
    memset(picture, '.', 201);
    picture[201] = '\0';
    picture[0] = picture[99] = picture[199] = 'x'; /* distances 99 and 100 */
    struct nv_losses losses = scan(picture);
    assert_int_equal(losses.noticeable_count, 1);
    assert_int_equal(losses.distance[NV_PATTERN_MAX + 1], 2);
}

static void simple_model(void **state)
{
    (void)state;
    /* after delivery (0,1,5,7,8): 3 of 5 lost; after loss (2,3,4,6,9): 2 of 5 delivered */
    struct nv_losses losses = scan("..xxx.x..xx");
    struct nv_gilbert model = nv_losses_gilbert_simple(&losses);
    assert_true(model.known);
    assert_near(model.p, 0.6, 1e-12);
    assert_near(model.r, 0.4, 1e-12);
    losses = scan("xxxx");
    assert_false(nv_losses_gilbert_simple(&losses).known);
    losses = scan("");
    assert_false(nv_losses_gilbert_simple(&losses).known);
    losses = scan("..xxx.x..xx");
    assert_false(nv_losses_gilbert(&losses).known);
}

/* A channel with p = 0.005, r = 0.1 whose bad state delivers 3 of 10. */
static void finds_the_channel_behind_the_losses(void **state)
{
    (void)state;
    enum { MESSAGES = 6000000 };
    struct nv_bitmap bitmap;
    struct nv_losses losses;
    struct nv_rng rng;
    bool bad = false;
    nv_rng_seed(&rng, 3);
    assert_int_equal(nv_bitmap_init(&bitmap, MESSAGES, NULL), 0);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        bad = bad ? nv_rng_unit(&rng) > 0.1 : nv_rng_unit(&rng) <= 0.005;
        if (!bad || nv_rng_unit(&rng) <= 0.3)
            (void)nv_bitmap_test_and_set(&bitmap, i);
    }
    nv_losses_scan(&losses, &bitmap, 0, MESSAGES);
    nv_bitmap_dispose(&bitmap);
    struct nv_gilbert model = nv_losses_gilbert(&losses);
    assert_true(model.known);
    assert_near(model.p, 0.005, 0.005 * 0.03);
    assert_near(model.r, 0.1, 0.1 * 0.03);
    assert_near(model.h, 0.3, 0.3 * 0.03);
    /* The simple model is biased here: delivery in the bad state looks like its end, so r is about
     * 0.1 + 0.9 * 0.3 = 0.37. */
    assert_near(nv_losses_gilbert_simple(&losses).r, 0.37, 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_out_by_hand),
        cmocka_unit_test(periods_and_distances),
        cmocka_unit_test(far_apart_is_not_noticeable),
        cmocka_unit_test(simple_model),
        cmocka_unit_test(finds_the_channel_behind_the_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
