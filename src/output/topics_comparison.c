/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "output/topics.h"

/* What is made of runs. */
const struct nv_topic nv_topics_comparison[] = {
    {
        .name = "effect",
        .title = "effect and interval",
        .text = "Runs are compared in pairs, block by block. The effect is the Hodges-Lehmann "
                "estimate: the median of the means of all pairs of differences, each with itself "
                "included. Times and rates are compared by the logarithm of b/a, what can be 0 by "
                "b - a. The interval is exact for any distribution that is symmetric.",
        .empty = "Intervals are empty below 6 blocks, the rest where no block has a value in both "
                 "arms.",
        .source = "Hodges and Lehmann (1963); Hollander, Wolfe and Chicken, Nonparametric "
                  "Statistical Methods, chapter 3",
        .example = "Differences 1, 2 and 6: the means of two are 1, (1 + 2) / 2 = 1.5, 2, (1 + 6) "
                   "/ 2 = 3.5, (2 + 6) / 2 = 4 and 6; the median of these six is (2 + 3.5) / 2 = "
                   "2.75. If b/a is 0.9 in every block, the effect is 0.9 - 1 = -0.1, 10 % lower. "
                   "With 6 blocks the interval goes from the smallest difference to the largest: "
                   "the chance that all six lie on one side of the truth is 2 / 64 = 0.03125, "
                   "below 0.05.",
        .columns = "metric stat unit scale blocks_count blocks_rejected_count both_inf_count "
                   "a_median b_median effect difference ci95_* ci90_* sign_ci_* arm_a arm_b",
    },
    {
        .name = "verdict",
        .title = "verdict",
        .text = "Wins: the 95 % interval lies beyond the margin that matters, and the difference "
                "holds after Holm's correction over the campaign. Slightly better: the interval "
                "leaves out 0, but not the margin. Tie: the 90 % interval lies within the margin. "
                "Inconclusive: the data cannot tell, which is not a tie.",
        .empty = "Empty, or said in words, where there are fewer than 6 blocks; needed_blocks "
                 "unless inconclusive.",
        .source = "two one-sided tests (Schuirmann, 1987); Holm, Scand. J. Statist. 6 (1979)",
        .example = "The margin of a median time is 5 %, ln 1.05, so that a win begins at 1 / 1.05 "
                   "- 1 = -0.0476. [-12 %, -6 %] wins, [-6.9 %, -4.1 %] is slightly better, [-1 %, "
                   "2 %] is a tie, [-8 %, 3 %] is inconclusive. Twice as wide as the margin with "
                   "12 blocks: 12 * (2 * 2) = 48 would tell. The smallest of 4 p values is "
                   "multiplied by 4: 4 * 0.01 = 0.04.",
        .columns = "verdict verdict_words margin p_signed_rank p_holm needed_blocks stop_reason",
    },
    {
        .name = "why",
        .title = "dominant factor",
        .text =
            "What of an arm's own counts explains most of what it lost, or of what its messages "
            "waited, and no less than half of it. Of losses it is the share by place; of waits "
            "and of goodput, the part that the evidence accounts for.",
        .empty = "Empty where the counts do not tell; the factor is none where nothing stands out.",
        .source = "counts of the same runs, in the columns that drawn_from names",
        .example =
            "Of 31 messages that UDP lost, 30 were dropped at the receiver's socket: 30 / 31 "
            "= 0.968, so that the receive buffer is the factor.",
        .columns = "factors.csv:subject factors.csv:missing_ratio factors.csv:wait_mean_ns factor "
                   "share evidence advice drawn_from why",
    },
    {
        .name = "checks",
        .title = "checks on a comparison",
        .text = "How often b was better, whether it mattered who ran first, and whether the "
                "difference drifted with time.",
        .empty = "Empty below 6 blocks; win_fraction where no block has a value in both arms.",
        .source = "Clopper and Pearson (1934); Mann and Whitney (1947); Spearman (1904)",
        .example = "b is better in 9 of 10 blocks: 9 / 10 = 0.9. Had all 6 of 6 been better, the "
                   "lower end of the interval would be exp(ln(0.025) / 6) = 0.541.",
        .columns = "win_* order_effect_p drift_rho",
    },
    {
        .name = "capacity",
        .title = "capacity",
        .text = "The highest rate at which no more than the loss target is missing and no backlog "
                "grows. It doubles until a trial fails; then the geometric mean of the highest "
                "that passed and the lowest that failed is tried, until they are 2 % apart; what "
                "is found must pass again. UDP that sends without limit measures what is lost.",
        .empty = "What a search found stands with its last trial only; failed_by is empty where "
                 "the trial passed.",
        .source = "RFC 2544 section 26.1 and RFC 9097, in spirit; RFC 8085 (on the Internet UDP "
                  "must control its congestion)",
        .example = "2000/s pass and 4000/s fail: sqrt(2000 * 4000) = 2828/s is next. With a loss "
                   "target of 0.1 % a trial of 5000 messages passes with 5000 * 0.001 = 5 missing, "
                   "and fails with 6: 6 / 5000 = 0.0012.",
        .columns = "capacity.csv:*",
    },
    {.name = NULL},
};
