/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "campaign/order.h"
#include "campaign/verdict.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CLOSE(got, want, within) assert_true(fabs((got) - (want)) <= (within))
#define EXACT 1e-12

/* A is 100 throughout; rows give B. Lower is better, margin ln 1.05. */
static struct nv_comparison compare_with_100(const double *b, unsigned blocks)
{
    double a[NV_BLOCKS_MAX];
    for (unsigned i = 0; i < blocks; i++)
        a[i] = 100;
    return nv_verdict_compare(&(struct nv_comparison_input){
        .a = a,
        .b = b,
        .blocks = blocks,
        .scale = NV_SCALE_LOG_RATIO,
        .margin = log(1.05),
        .lower_is_better = true,
    });
}

/* Six blocks: both 95 % intervals run from the smallest to the largest, and so does the 90 % sign
 * interval; the 90 % signed-rank interval from the 3rd to the 19th of the 21 Walsh averages. */
static void test_verdict_of_six_blocks(void **state)
{
    (void)state;
    static const struct {
        double b[6];
        enum nv_verdict verdict;
    } rows[] = {
        {{106, 107, 108, 106, 107, 108}, NV_VERDICT_A_WINS},
        {{94, 93, 92, 94, 93, 92}, NV_VERDICT_B_WINS},
        {{104, 107, 108, 106, 107, 108}, NV_VERDICT_A_SLIGHTLY},
        {{96, 93, 92, 94, 93, 92}, NV_VERDICT_B_SLIGHTLY},
        {{101, 99, 100, 102, 98, 100}, NV_VERDICT_TIE},
        {{101, 102, 103, 101, 102, 103}, NV_VERDICT_TIE}, /* differs, but not enough to matter */
        {{100, 100, 100, 100, 100, 100}, NV_VERDICT_TIE},
        {{99, 107, 108, 106, 107, 108}, NV_VERDICT_INCONCLUSIVE},
        {{90, 110, 95, 105, 120, 80}, NV_VERDICT_INCONCLUSIVE},
        {{INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY}, NV_VERDICT_A_WINS},
        {{106, 107, 108, 106, 107, INFINITY}, NV_VERDICT_A_WINS},
        {{99, 107, 108, 106, 107, INFINITY}, NV_VERDICT_INCONCLUSIVE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct nv_comparison c = compare_with_100(rows[i].b, 6);
        assert_string_equal(nv_verdict_name(c.verdict), nv_verdict_name(rows[i].verdict));
        assert_true(c.has_interval);
    }
}

static void test_numbers_of_a_comparison(void **state)
{
    (void)state;
    static const double b[] = {106, 110, 108, 112, 107, 99};
    struct nv_comparison c = compare_with_100(b, 6);
    assert_int_equal(c.blocks_count, 6);
    assert_int_equal(c.both_inf_count, 0);
    CLOSE(c.a_median, 100, 0);
    CLOSE(c.b_median, 107.5, 0);
    CLOSE(c.ci95_lo, -0.01, EXACT);
    CLOSE(c.ci95_hi, 0.12, EXACT);
    CLOSE(c.sign_ci_lo, -0.01, EXACT);
    CLOSE(c.sign_ci_hi, 0.12, EXACT);
    /* Differences -1 6 7 8 10 12; Walsh averages sorted: -1 2.5 3 3.5 4.5 5.5 6 6.5 7 7 [7.5] ...
     */
    CLOSE(c.difference, 7.5, EXACT);
    /* Of logarithms, the 11th average is that of 107 and 108 and the 3rd that of 99 and 107. From
     * above come 112, then 112 and 110, then 110 alone, the 19th, as 110^2 > 112 * 108. */
    CLOSE(c.effect, sqrt(1.07 * 1.08) - 1, EXACT);
    CLOSE(c.ci90_lo, sqrt(0.99 * 1.07) - 1, EXACT);
    CLOSE(c.ci90_hi, 0.10, EXACT);
    /* |d| ranks: 99 is the smallest, so T- = 1: two of 64 sums are <= 1; twice that. */
    CLOSE(c.p_signed_rank, 4.0 / 64, EXACT);
    assert_true(isnan(c.p_holm));
    CLOSE(c.win_fraction, 1.0 / 6, EXACT);
    /* One of six, Clopper-Pearson: lower end 1 - .975^(1/6). */
    CLOSE(c.win_ci_lo, 1 - pow(0.975, 1.0 / 6), 1e-9);
    CLOSE(c.margin_used, log(1.05), EXACT);
    CLOSE(c.half_width, log(1.12 / 0.99) / 2, EXACT);
    /* 6 * (.06168 / .04879)^2 = 9.59 */
    assert_int_equal(c.verdict, NV_VERDICT_INCONCLUSIVE);
    assert_int_equal(c.needed_blocks, 10);
    /* Ranks of d, 2 5 4 6 3 1, less block ranks 1..6, squared: 1 + 9 + 1 + 4 + 4 + 25 = 44. */
    CLOSE(c.drift_rho, 1 - 6 * 44.0 / (6 * 35), EXACT);
    assert_true(isnan(c.order_effect_p));
}

/* The same values with the arms exchanged: every statement is mirrored exactly. */
static void test_exchanging_the_arms_mirrors(void **state)
{
    (void)state;
    struct nv_rng rng;
    nv_rng_seed(&rng, 5);
    for (unsigned round = 0; round < 50; round++) {
        double a[12], b[12];
        for (unsigned i = 0; i < 12; i++) {
            a[i] = 100 + (double)nv_rng_below(&rng, 10);
            b[i] = 100 + (double)nv_rng_below(&rng, 10) + (double)round / 2;
        }
        struct nv_comparison_input input = {
            .a = a, .b = b, .blocks = 12, .margin = log(1.05), .lower_is_better = true};
        struct nv_comparison x = nv_verdict_compare(&input);
        input.a = b;
        input.b = a;
        struct nv_comparison y = nv_verdict_compare(&input);
        static const enum nv_verdict mirror[] = {
            [NV_VERDICT_A_WINS] = NV_VERDICT_B_WINS,
            [NV_VERDICT_A_SLIGHTLY] = NV_VERDICT_B_SLIGHTLY,
            [NV_VERDICT_TIE] = NV_VERDICT_TIE,
            [NV_VERDICT_INCONCLUSIVE] = NV_VERDICT_INCONCLUSIVE,
        };
        assert_true(x.verdict < COUNT(mirror));
        assert_int_equal(y.verdict, mirror[x.verdict]);
        CLOSE((1 + x.ci95_lo) * (1 + y.ci95_hi), 1, EXACT);
        CLOSE((1 + x.effect) * (1 + y.effect), 1, EXACT);
        assert_true(x.p_signed_rank == y.p_signed_rank);
    }
}

static void test_higher_is_better(void **state)
{
    (void)state;
    static const double a[] = {10, 10, 10, 10, 10, 10}, b[] = {12, 12, 13, 12, 12, 12};
    struct nv_comparison c = nv_verdict_compare(
        &(struct nv_comparison_input){.a = a, .b = b, .blocks = 6, .margin = log(1.02)});
    assert_int_equal(c.verdict, NV_VERDICT_B_WINS);
    CLOSE(c.win_fraction, 1, 0);
    CLOSE(c.effect, 0.2, EXACT);
}

/* On-time ratios: differences, margin .001, higher is better; zero is an ordinary value. */
static void test_difference_scale(void **state)
{
    (void)state;
    static const double a[] = {0, 0.5, 0.99, 1, 1, 1};
    static const double b[] = {0, 0.4995, 0.9905, 1, 1, 1};
    static const double worse[] = {0, 0.4, 0.9, 0.9, 0.9, 0.8};
    struct nv_comparison_input input = {
        .a = a, .b = b, .blocks = 6, .scale = NV_SCALE_DIFF, .margin = 0.001};
    struct nv_comparison c = nv_verdict_compare(&input);
    assert_int_equal(c.verdict, NV_VERDICT_TIE);
    CLOSE(c.ci95_lo, -0.0005, EXACT);
    CLOSE(c.ci95_hi, 0.0005, EXACT);
    input.b = worse; /* d: 0 -.1 -.09 -.1 -.1 -.2: five of six lower, the interval touches 0 */
    c = nv_verdict_compare(&input);
    assert_int_equal(c.verdict, NV_VERDICT_INCONCLUSIVE);
    CLOSE(c.ci95_lo, -0.2, EXACT);
    CLOSE(c.ci95_hi, 0, 0);
    CLOSE(c.effect, -0.1, EXACT);
}

/* 20 us against 21.5 us in every block is 7.5 % but within a floor of 2 us, which at 20 us is a
 * margin of ln 1.1; 23 us is more. */
static void test_floor(void **state)
{
    (void)state;
    double a[6], b[6], c[6];
    for (unsigned i = 0; i < 6; i++) {
        a[i] = 20000;
        b[i] = 21500;
        c[i] = 23000;
    }
    struct nv_comparison_input input = {.a = a,
                                        .b = b,
                                        .blocks = 6,
                                        .margin = log(1.05),
                                        .floor_abs = 2000,
                                        .lower_is_better = true};
    struct nv_comparison comparison = nv_verdict_compare(&input);
    assert_int_equal(comparison.verdict, NV_VERDICT_TIE);
    CLOSE(comparison.margin_used, log(1.1), EXACT);
    input.b = c;
    assert_int_equal(nv_verdict_compare(&input).verdict, NV_VERDICT_A_WINS);
    input.scale = NV_SCALE_DIFF;
    CLOSE(nv_verdict_compare(&input).margin_used, 2000, 0);
}

static void test_unknown_pairs_are_left_out(void **state)
{
    (void)state;
    static const double a[] = {NAN, 10, 10, 10, 10, 0, 10, -1, 10};
    static const double b[] = {10, NAN, 12, 12, 12, 12, 12, 12, 12};
    struct nv_comparison_input input = {.a = a, .b = b, .blocks = 9, .margin = log(1.05)};
    struct nv_comparison c = nv_verdict_compare(&input);
    assert_int_equal(c.blocks_count, 5);
    assert_int_equal(c.verdict, NV_VERDICT_NONE);
    assert_false(c.has_interval);
    CLOSE(c.effect, 0.2, EXACT);
    assert_true(isnan(c.ci95_lo) && isnan(c.ci90_hi) && isnan(c.sign_ci_lo));
    assert_true(isnan(c.p_signed_rank) && isnan(c.half_width));
    input.scale = NV_SCALE_DIFF; /* here 0 and -1 are values */
    assert_int_equal(nv_verdict_compare(&input).blocks_count, 7);
    input.blocks = 1;
    c = nv_verdict_compare(&input);
    assert_int_equal(c.blocks_count, 0);
    assert_int_equal(c.verdict, NV_VERDICT_NONE);
    assert_true(isnan(c.effect) && isnan(c.a_median) && isnan(c.win_fraction));
}

/* Up to a fifth of the blocks may be infinite in both arms: 2 of 10, not 3. */
static void test_both_infinite(void **state)
{
    (void)state;
    double a[10], b[10];
    for (unsigned i = 0; i < 10; i++) {
        a[i] = 100;
        b[i] = 90;
    }
    struct nv_comparison_input input = {
        .a = a, .b = b, .blocks = 10, .margin = log(1.05), .lower_is_better = true};
    a[0] = b[0] = a[1] = b[1] = INFINITY;
    struct nv_comparison c = nv_verdict_compare(&input);
    assert_int_equal(c.both_inf_count, 2);
    assert_int_not_equal(c.verdict, NV_VERDICT_UNDEFINED);
    a[2] = b[2] = INFINITY;
    c = nv_verdict_compare(&input);
    assert_int_equal(c.both_inf_count, 3);
    assert_int_equal(c.verdict, NV_VERDICT_UNDEFINED);
    /* Infinite in one arm only is the worst case, not an unknown one. */
    b[0] = b[1] = b[2] = 90;
    c = nv_verdict_compare(&input);
    assert_int_equal(c.both_inf_count, 0);
    assert_int_equal(c.verdict, NV_VERDICT_B_WINS);
}

/* Twelve blocks, d in percent of 100: 13 of the 78 averages lie below the 95 % signed-rank bound,
 * two values below the sign bound. With ten values near 10 %, one at 4 % and one at 3 %, ranks say
 * win; so does the median. With a third one at 3 % the sign interval begins there, below the
 * margin, while the 14th average is that of 3 and 10 %, beyond it. */
static void test_both_intervals_bear_the_verdict(void **state)
{
    (void)state;
    double b[] = {110, 110.1, 110.2, 110.3, 110.4, 110.5, 110.6, 110.7, 110.8, 110.9, 104, 103};
    struct nv_comparison c = compare_with_100(b, 12);
    assert_int_equal(c.verdict, NV_VERDICT_A_WINS);
    assert_false(c.sign_ci_decided);
    b[0] = 103;
    c = compare_with_100(b, 12);
    assert_true(c.ci95_lo > 0.05 && c.sign_ci_lo < 0.05);
    assert_int_equal(c.verdict, NV_VERDICT_A_SLIGHTLY);
    assert_true(c.sign_ci_decided);
    CLOSE(c.half_width, log(1 + c.sign_ci_hi) / 2 - log(1 + c.sign_ci_lo) / 2, EXACT);
    /* Three infinite ones make both intervals infinite. */
    b[1] = b[2] = b[3] = INFINITY;
    c = compare_with_100(b, 12);
    assert_true(c.ci95_lo > 0.05 && c.sign_ci_lo < 0.05);
    assert_true(isinf(c.ci95_hi) && isinf(c.sign_ci_hi) && isinf(c.half_width));
    assert_int_equal(c.verdict, NV_VERDICT_A_SLIGHTLY);
    /* Two modes: here the sign interval is the wider one, and yet excludes what the ranks do not.
     */
    double modes[] = {10, 15, 110, 110, 110, 110, 110, 110, 110, 1000, 1000, 1000};
    c = compare_with_100(modes, 12);
    assert_true(c.sign_ci_lo > 0 && c.ci95_lo < 0 && c.sign_ci_hi > c.ci95_hi);
    assert_int_equal(c.verdict, NV_VERDICT_INCONCLUSIVE);
    assert_true(c.half_width > log((1 + c.sign_ci_hi) / (1 + c.sign_ci_lo)) / 2);
}

/* Eight blocks: the sign interval is first to last at 95 % and second to seventh at 90 %; only the
 * latter lies within the margin. */
static void test_tie_is_read_at_90_percent(void **state)
{
    (void)state;
    double b[] = {94, 100, 100, 100, 100, 100, 100, 100};
    struct nv_comparison c = compare_with_100(b, 8);
    CLOSE(c.sign_ci_lo, -0.06, EXACT);
    assert_int_equal(c.verdict, NV_VERDICT_TIE);
    b[0] = 106;
    c = compare_with_100(b, 8);
    CLOSE(c.sign_ci_hi, 0.06, EXACT);
    assert_int_equal(c.verdict, NV_VERDICT_TIE);
}

/* Equal in every block is a tie even if no difference is too small to matter. */
static void test_identical_values_are_a_tie(void **state)
{
    (void)state;
    static const double a[] = {1, 2, 3, 4, 5, 6};
    struct nv_comparison c =
        nv_verdict_compare(&(struct nv_comparison_input){.a = a, .b = a, .blocks = 6});
    assert_int_equal(c.verdict, NV_VERDICT_TIE);
    CLOSE(c.p_signed_rank, 1, 0);
    CLOSE(c.effect, 0, 0);
}

/* Never fewer than the next pair of blocks, and 0 where no number of blocks is known to help. */
static void test_needed_blocks(void **state)
{
    (void)state;
    static const double straddles[] = {100, 105.2, 105.3, 105.2, 105.3, 105.2};
    struct nv_comparison c = compare_with_100(straddles, 6);
    assert_int_equal(c.verdict, NV_VERDICT_INCONCLUSIVE);
    assert_true(c.half_width < log(1.05));
    assert_int_equal(c.needed_blocks, 8);
    static const double infinite[] = {99, 107, 108, 106, 107, INFINITY};
    assert_int_equal(compare_with_100(infinite, 6).needed_blocks, 0);
    static const double wins[] = {120, 120, 120, 120, 120, 120};
    assert_int_equal(compare_with_100(wins, 6).needed_blocks, 0);
}

/* Blocks with A first give 110, those with B first 90: of the C(12,6) = 924 splits of distinct
 * values only 2 are as extreme. */
static void test_order_effect(void **state)
{
    (void)state;
    double a[12], b[12];
    uint8_t first[12];
    nv_order_arms(first, 12, 42);
    for (unsigned i = 0; i < 12; i++) {
        a[i] = 100;
        b[i] = (first[i] == NV_ARM_A ? 110 : 90) + 0.1 * i;
    }
    struct nv_comparison_input input = {
        .a = a, .b = b, .blocks = 12, .margin = log(1.05), .first_arm = first};
    struct nv_comparison c = nv_verdict_compare(&input);
    CLOSE(c.order_effect_p, 2.0 / 924, EXACT);
    assert_true(c.order_effect_p < NV_VERDICT_CARRYOVER_P);
    assert_int_equal(c.verdict, NV_VERDICT_INCONCLUSIVE);
    /* Arms stay with their blocks when a block is left out: C(11,5) = 462. */
    b[0] = NAN;
    CLOSE(nv_verdict_compare(&input).order_effect_p, 2.0 / 462, EXACT);
}

/* Six blocks cannot do better than p = 2/64; in a family of two that is 1/16 after Holm. A second
 * win of 12 blocks has p = 2/4096 and keeps its verdict. */
static void test_holm_demotes_wins(void **state)
{
    (void)state;
    double a[12], b[12];
    for (unsigned i = 0; i < 12; i++) {
        a[i] = 100;
        b[i] = 120 + i;
    }
    struct nv_comparison_input input = {
        .a = a, .b = b, .blocks = 6, .margin = log(1.05), .lower_is_better = true};
    struct nv_comparison family[4];
    family[0] = nv_verdict_compare(&input);
    nv_verdict_apply_holm(family, 1); /* alone: .03 <= .05 */
    assert_int_equal(family[0].verdict, NV_VERDICT_A_WINS);
    CLOSE(family[0].p_holm, 2.0 / 64, EXACT);

    input.blocks = 12;
    family[1] = nv_verdict_compare(&input);
    input.blocks = 5; /* no test, no hypothesis */
    family[2] = nv_verdict_compare(&input);
    input.blocks = 6;
    input.b = a; /* p = 1, a tie, which needs no correction */
    family[3] = nv_verdict_compare(&input);
    nv_verdict_apply_holm(family, 4);
    CLOSE(family[1].p_holm, 3 * 2.0 / 4096, EXACT);
    CLOSE(family[0].p_holm, 2 * 2.0 / 64, EXACT);
    assert_true(isnan(family[2].p_holm));
    CLOSE(family[3].p_holm, 1, 0);
    assert_int_equal(family[0].verdict, NV_VERDICT_A_SLIGHTLY);
    assert_int_equal(family[1].verdict, NV_VERDICT_A_WINS);
    assert_int_equal(family[2].verdict, NV_VERDICT_NONE);
    assert_int_equal(family[3].verdict, NV_VERDICT_TIE);
    nv_verdict_apply_holm(family, 0);

    input.a = b; /* B lower */
    input.b = a;
    family[0] = family[1] = nv_verdict_compare(&input);
    nv_verdict_apply_holm(family, 2);
    assert_int_equal(family[0].verdict, NV_VERDICT_B_SLIGHTLY);
}

static double normal(struct nv_rng *rng)
{
    return sqrt(-2 * log(nv_rng_unit(rng))) * cos(2 * M_PI * nv_rng_unit(rng));
}

/* Share of each verdict over 2000 comparisons of 12 blocks, margin 5 %. */
static void simulate(double share[], double effect, double pair_sd)
{
    struct nv_rng rng;
    unsigned counts[NV_VERDICT_INCONCLUSIVE + 1] = {0};
    nv_rng_seed(&rng, 42);
    for (unsigned round = 0; round < 2000; round++) {
        double b[12];
        for (unsigned i = 0; i < 12; i++)
            b[i] = 100 * exp(effect + pair_sd * normal(&rng));
        counts[compare_with_100(b, 12).verdict]++;
    }
    for (unsigned i = 0; i <= NV_VERDICT_INCONCLUSIVE; i++)
        share[i] = counts[i] / 2000.0;
}

/* Errors of either kind are rare, and noise is called noise. Signed-rank intervals alone would give
 * 1.00, 1.00, .04, .02 and .88; asking both intervals buys safety with power. */
static void test_operating_characteristics(void **state)
{
    (void)state;
    double share[NV_VERDICT_INCONCLUSIVE + 1];
    simulate(share, 0, 0.03);
    assert_true(share[NV_VERDICT_TIE] >= 0.94);
    simulate(share, 0.10, 0.03);
    assert_true(share[NV_VERDICT_A_WINS] >= 0.97);
    simulate(share, log(1.05), 0.03);
    assert_true(share[NV_VERDICT_TIE] <= 0.03 && share[NV_VERDICT_A_WINS] <= 0.03);
    simulate(share, 0, 0.10);
    assert_true(share[NV_VERDICT_INCONCLUSIVE] >= 0.93);
    assert_true(share[NV_VERDICT_A_WINS] + share[NV_VERDICT_B_WINS] < 0.01);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(nv_verdict_name(NV_VERDICT_NONE), "none");
    assert_string_equal(nv_verdict_name(NV_VERDICT_B_SLIGHTLY), "b_slightly");
    assert_string_equal(nv_verdict_name(NV_VERDICT_INCONCLUSIVE), "inconclusive");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict_of_six_blocks),
        cmocka_unit_test(test_numbers_of_a_comparison),
        cmocka_unit_test(test_exchanging_the_arms_mirrors),
        cmocka_unit_test(test_higher_is_better),
        cmocka_unit_test(test_difference_scale),
        cmocka_unit_test(test_floor),
        cmocka_unit_test(test_unknown_pairs_are_left_out),
        cmocka_unit_test(test_both_infinite),
        cmocka_unit_test(test_both_intervals_bear_the_verdict),
        cmocka_unit_test(test_tie_is_read_at_90_percent),
        cmocka_unit_test(test_identical_values_are_a_tie),
        cmocka_unit_test(test_needed_blocks),
        cmocka_unit_test(test_order_effect),
        cmocka_unit_test(test_holm_demotes_wins),
        cmocka_unit_test(test_operating_characteristics),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("campaign/verdict", tests, NULL, NULL);
}
