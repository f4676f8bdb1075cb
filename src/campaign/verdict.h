/* SPDX-License-Identifier: MIT */
#ifndef NV_CAMPAIGN_VERDICT_H
#define NV_CAMPAIGN_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "campaign/stats.h"

/* One metric of arm A against arm B over paired blocks. Everything is about B relative to A: an
 * effect of +0.1 on a log-ratio scale says that B's value is 10 % above A's, good or bad.
 * Pure; no allocation. */

/* Below this no interval exists at 95 % and no verdict is given. */
#define NV_VERDICT_BLOCKS_MIN 6u
/* More than this share of blocks infinite in both arms: the metric says nothing. */
#define NV_VERDICT_BOTH_INF_MAX 0.2
/* A win needs an adjusted p of at most this. */
#define NV_VERDICT_P_MAX 0.05
/* An order effect with a smaller p should be shown as carry-over. */
#define NV_VERDICT_CARRYOVER_P 0.01

enum nv_scale {
    NV_SCALE_LOG_RATIO, /* positive metrics: d = ln(b/a) */
    NV_SCALE_DIFF,      /* metrics that may be 0 or are bounded: d = b - a */
};

/* constant, name in files */
#define NV_VERDICT_MAP(XX)                                                                         \
    XX(NONE, "none")                                                                               \
    XX(UNDEFINED, "undefined")                                                                     \
    XX(A_WINS, "a_wins")                                                                           \
    XX(B_WINS, "b_wins")                                                                           \
    XX(A_SLIGHTLY, "a_slightly")                                                                   \
    XX(B_SLIGHTLY, "b_slightly")                                                                   \
    XX(TIE, "tie")                                                                                 \
    XX(INCONCLUSIVE, "inconclusive")

enum nv_verdict {
#define XX(constant, name) NV_VERDICT_##constant,
    NV_VERDICT_MAP(XX)
#undef XX
};

/* Name in files; never NULL. */
const char *nv_verdict_name(enum nv_verdict verdict);

struct nv_comparison_input {
    const double *a, *b; /* one value per block; INFINITY: larger than any; NaN: unknown */
    unsigned blocks;     /* <= NV_BLOCKS_MAX */
    enum nv_scale scale;
    double margin;    /* smallest effect that matters, >= 0, on the scale of d: ln(1.05), 0.001 */
    double floor_abs; /* the same in the unit of a and b, >= 0; the larger of the two counts */
    bool lower_is_better;
    const uint8_t *first_arm; /* enum nv_arm per block; NULL: unknown */
};

/* NaN: does not exist. effect and its intervals are b/a - 1 (LOG_RATIO) or b - a (DIFF). */
struct nv_comparison {
    unsigned blocks_count;   /* pairs that were used */
    unsigned both_inf_count; /* of these, infinite in both arms (d = 0) */
    double a_median, b_median;
    double effect;     /* Hodges-Lehmann estimate */
    double difference; /* the same of b - a, in the unit of a and b */
    bool has_interval; /* blocks_count >= NV_VERDICT_BLOCKS_MIN; without it no interval and no p */
    double ci95_lo, ci95_hi, ci90_lo, ci90_hi; /* exact signed-rank intervals */
    double sign_ci_lo, sign_ci_hi;             /* 95 % interval of the median */
    bool sign_ci_decided; /* with it the verdict is another than the signed-rank one */
    double margin_used;   /* on the scale of d, after the floor */
    double half_width;    /* of the 95 % interval that decided, on the scale of d; may be inf */
    double p_signed_rank;
    double p_holm;                             /* NaN until nv_verdict_apply_holm() */
    double win_fraction, win_ci_lo, win_ci_hi; /* blocks where B is better; Clopper-Pearson 95 % */
    double order_effect_p;                     /* Mann-Whitney, A-first against B-first blocks */
    double drift_rho;                          /* Spearman, d against block number */
    unsigned needed_blocks; /* inconclusive: about this many would tell; else, or if unknown, 0 */
    enum nv_verdict verdict;
};

/* Margin m = margin_used, gain = d in the direction that is good for B:
 *   95 % interval of the gain beyond m (-m)        B wins (A wins)
 *   90 % interval within (-m, m), or every d = 0   tie (two one-sided tests at 5 %)
 *   95 % interval excludes 0                       slightly better
 *   otherwise                                      inconclusive
 * read from the signed-rank intervals. Where those of the median, which assume no symmetry, read
 * otherwise, the hull of both decides; that costs power: at 10 blocks and pairs that differ by 3 %,
 * a true 0 against a margin of 5 % is called a tie in 82 % of cases instead of 99 %, at 12 in 96 %.
 * Pairs with a NaN, and on a log-ratio scale with a value <= 0, are left out. */
struct nv_comparison nv_verdict_compare(const struct nv_comparison_input *input);

/* Fills p_holm over the family of all given comparisons that have a p, and demotes wins whose
 * p_holm exceeds NV_VERDICT_P_MAX to slightly better. Call it once, with the whole campaign. */
void nv_verdict_apply_holm(struct nv_comparison *comparisons, size_t count);

#endif
