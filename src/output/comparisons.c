/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "output/field.h"

static const struct nv_comparison *comparison_of(const void *line)
{
    const struct nv_summary_line *at = line;
    return &at->cell->comparison[at->metric];
}

static const struct nv_metric_info *metric_of(const void *line)
{
    return &nv_metrics[((const struct nv_summary_line *)line)->metric];
}

static void get_campaign(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct nv_summary_line *)line)->summary->campaign_id);
}

static void get_cell(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct nv_summary_line *)line)->cell->cell_id);
}

static void get_direction(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_summary_line *at = line;
    nv_field_text(field, nv_row_direction_name(at->cell->direction));
}

/* column->offset: which arm. */
static void get_arm(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_summary_line *at = line;
    const struct nv_summary_arm *arm = &at->cell->arm[column->offset];
    size_t i = 0;
    for (; arm->name[i] && i + 1 < sizeof field->text; i++)
        field->text[i] = (char)(tolower)((unsigned char)arm->name[i]);
    field->text[i] = '\0';
}

static void get_metric_text(struct nv_field *field, const struct nv_column *column,
                            const void *line)
{
    const char *const *text =
        (const char *const *)(const void *)((const char *)metric_of(line) + column->offset);
    nv_field_text(field, *text);
}

static void get_scale(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, metric_of(line)->scale == NV_SCALE_DIFF ? "diff" : "log_ratio");
}

static void get_unsigned(struct nv_field *field, const struct nv_column *column, const void *line)
{
    unsigned value = 0;
    memcpy(&value, (const char *)comparison_of(line) + column->offset, sizeof value);
    nv_field_count(field, value);
}

static void get_needed(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    unsigned blocks = comparison_of(line)->needed_blocks;
    nv_field_count(field, blocks ? blocks : NV_UNKNOWN);
}

static void get_rejected(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, ((const struct nv_summary_line *)line)->cell->rejected_count);
}

static void get_real(struct nv_field *field, const struct nv_column *column, const void *line)
{
    double value = NAN;
    memcpy(&value, (const char *)comparison_of(line) + column->offset, sizeof value);
    nv_field_real(field, value);
}

/* Values that exist only with an interval. */
static void get_interval(struct nv_field *field, const struct nv_column *column, const void *line)
{
    if (comparison_of(line)->has_interval)
        get_real(field, column, line);
    else
        nv_field_real(field, NAN);
}

static void get_verdict(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_summary_arm *arm = ((const struct nv_summary_line *)line)->cell->arm;
    char words[64] = "";
    switch (comparison_of(line)->verdict) {
    case NV_VERDICT_A_WINS:
    case NV_VERDICT_B_WINS:
        (void)snprintf(words, sizeof words, "%s wins",
                       arm[comparison_of(line)->verdict == NV_VERDICT_B_WINS].name);
        break;
    case NV_VERDICT_A_SLIGHTLY:
    case NV_VERDICT_B_SLIGHTLY:
        (void)snprintf(words, sizeof words, "%s slightly better",
                       arm[comparison_of(line)->verdict == NV_VERDICT_B_SLIGHTLY].name);
        break;
    case NV_VERDICT_NONE:
        (void)snprintf(words, sizeof words, arm->spec->diag ? "not judged" : "no interval");
        break;
    default:
        (void)snprintf(words, sizeof words, "%s", nv_verdict_name(comparison_of(line)->verdict));
    }
    nv_field_text(field, words);
}

static void get_words(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_summary_line *at = line;
    char words[NV_VERDICT_WORDS_BYTES];
    nv_field_text(field, nv_verdict_words(at->cell, at->metric, words));
}

static void get_stop(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const char *reason = ((const struct nv_summary_line *)line)->cell->stop_reason;
    nv_field_text(field, reason ? reason : "");
}

static const struct nv_column key_columns[] = {
    NV_COLUMN("campaign_id", "The campaign that the runs belong to.", get_campaign),
    NV_COLUMN("cell_id", "The combination of all factors but the transport.", get_cell),
    NV_COLUMN("dir", "up (client to server), down, or rtt (there and back, rr).", get_direction),
    NV_COLUMN("", NULL, NULL),
};

static const struct nv_column arm_columns[] = {
    NV_COLUMN("arm_a",
              "Transport of arm a, which b is measured against; with a letter when both are one.",
              get_arm, .offset = 0),
    NV_COLUMN("arm_b", "Transport of arm b, which is measured against a.", get_arm, .offset = 1),
    NV_COLUMN("", NULL, NULL),
};

#define METRIC_AT(member) .offset = offsetof(struct nv_metric_info, member)
#define AT(member) .offset = offsetof(struct nv_comparison, member)

static const struct nv_column result_columns[] = {
    NV_COLUMN("metric", "What is compared, one value a run: that of its flow=all row.",
              get_metric_text, METRIC_AT(name)),
    NV_COLUMN("stat", "What that value is within a run.", get_metric_text, METRIC_AT(stat)),
    NV_COLUMN("unit", "Unit of the medians and of difference.", get_metric_text, METRIC_AT(unit)),
    NV_COLUMN("scale",
              "log_ratio: pairs are compared by ln(b/a); diff: by b - a, where values can be 0.",
              get_scale),
    NV_COLUMN("blocks_count", "Pairs of runs that were used.", get_unsigned, AT(blocks_count)),
    NV_COLUMN("blocks_rejected_count", "Blocks that a noise gate rejected.", get_rejected),
    NV_COLUMN("both_inf_count", "Pairs of runs that are infinite in both arms.", get_unsigned,
              AT(both_inf_count)),
    NV_COLUMN("a_median", "Median over blocks of arm a.", get_real, AT(a_median)),
    NV_COLUMN("b_median", "Median over blocks of arm b.", get_real, AT(b_median)),
    NV_COLUMN("effect",
              "Hodges-Lehmann estimate over blocks: b/a - 1 (log_ratio) or b - a (diff), good or "
              "bad.",
              get_real, AT(effect)),
    NV_COLUMN("difference", "Hodges-Lehmann estimate over blocks of b - a, in the metric's unit.",
              get_real, AT(difference)),
    NV_COLUMN("ci95_lo",
              "Lower end of the exact 95 % signed-rank interval of effect; empty below 6 blocks.",
              get_interval, AT(ci95_lo)),
    NV_COLUMN("ci95_hi",
              "Upper end of the exact 95 % signed-rank interval of effect; empty as ci95_lo.",
              get_interval, AT(ci95_hi)),
    NV_COLUMN("ci90_lo",
              "Lower end of the 90 % signed-rank interval of effect, which decides ties.",
              get_interval, AT(ci90_lo)),
    NV_COLUMN("ci90_hi", "Upper end of the 90 % signed-rank interval of effect.", get_interval,
              AT(ci90_hi)),
    NV_COLUMN(
        "sign_ci_lo",
        "Lower end of the 95 % sign interval, which assumes no symmetry; empty below 6 blocks.",
        get_interval, AT(sign_ci_lo)),
    NV_COLUMN("sign_ci_hi", "Upper end of the 95 % sign interval.", get_interval, AT(sign_ci_hi)),
    NV_COLUMN("margin", "Smallest effect that matters, on the scale of the pairs.", get_real,
              AT(margin_used)),
    NV_COLUMN("p_signed_rank", "Two-sided p of no difference; empty below 6 blocks.", get_interval,
              AT(p_signed_rank)),
    NV_COLUMN("p_holm",
              "p_signed_rank adjusted over the campaign (Holm): a win needs 0.05 or less.",
              get_interval, AT(p_holm)),
    NV_COLUMN("win_fraction", "Share of blocks in which b is better.", get_real, AT(win_fraction)),
    NV_COLUMN("win_ci_lo", "Lower end of the 95 % interval of win_fraction (Clopper-Pearson).",
              get_interval, AT(win_ci_lo)),
    NV_COLUMN("win_ci_hi", "Upper end of the 95 % interval of win_fraction.", get_interval,
              AT(win_ci_hi)),
    NV_COLUMN("order_effect_p",
              "p that it does not matter which arm ran first; below 0.01 suspect carry-over.",
              get_interval, AT(order_effect_p)),
    NV_COLUMN("drift_rho", "Rank correlation of the pairs with time.", get_interval, AT(drift_rho)),
    NV_COLUMN(
        "verdict",
        "The better arm by name with wins or slightly better; tie; inconclusive; undefined (too "
        "often infinite in both); no interval (below 6 blocks); not judged (diag).",
        get_verdict),
    NV_COLUMN("needed_blocks", "When inconclusive: about how many blocks would tell.", get_needed),
    NV_COLUMN("stop_reason", "Why no more blocks were run.", get_stop),
    NV_COLUMN("verdict_words",
              "The verdict for people: when inconclusive, it names the blocks that would tell if a "
              "campaign may have so many; not known when no block has a value in both arms.",
              get_words),
    NV_COLUMN("", NULL, NULL),
};

static int summary_lines(struct nv_emit *emit, const struct nv_summary *summary)
{
    for (unsigned i = 0; i < summary->cell_count * NV_METRIC_COUNT; i++) {
        struct nv_summary_line line = {
            summary,
            &summary->cells[i / NV_METRIC_COUNT],
            (enum nv_metric)(i % NV_METRIC_COUNT),
        };
        int result = line.cell->arm_count == 2 ? emit->line(emit, &line) : NV_OK;
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static const struct nv_column *const groups[] = {key_columns, arm_columns, result_columns, NULL};

const struct nv_sheet nv_sheet_comparisons = {
    .file = "comparisons.csv",
    .help = "Arm b against arm a, paired by block: one row for each cell, direction and metric. "
            "Everything is about b relative to a.",
    .groups = groups,
    .with_options = true,
    .summary_lines = summary_lines,
};
