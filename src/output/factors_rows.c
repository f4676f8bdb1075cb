/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "output/factors.h"
#include "output/field.h"
#include "output/lines.h"

/* factors.csv: what the lines "why" of the table are made of, of every arm. */

/* What the getters are given. */
struct factor_line {
    const struct nv_summary *summary;
    const struct nv_summary_cell *cell;
    unsigned arm;
    struct nv_finding finding;
};

static void get_campaign(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct factor_line *)line)->summary->campaign_id);
}

static void get_cell(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct factor_line *)line)->cell->cell_id);
}

static void get_direction(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field,
                  nv_row_direction_name(((const struct factor_line *)line)->cell->direction));
}

static void get_arm(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct factor_line *)line)->arm ? "b" : "a");
}

static void get_transport(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct factor_line *at = line;
    nv_field_text(field, at->cell->arm[at->arm].spec->transport);
}

static void get_subject(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, nv_subject_name(((const struct factor_line *)line)->finding.subject));
}

static void get_missing(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct factor_line *at = line;
    nv_field_real(field, nv_factor_view(at->cell, at->arm).missing);
}

static void get_wait(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct factor_line *at = line;
    bool known = at->cell->arm[at->arm].evidence.has_delays;
    nv_field_real(field, known ? nv_factor_view(at->cell, at->arm).wait_ns : NAN);
}

static void get_factor(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_finding *finding = &((const struct factor_line *)line)->finding;
    nv_field_text(field, finding->factor ? finding->factor->name : finding->clean ? "none" : "");
}

static void get_share(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_finding *finding = &((const struct factor_line *)line)->finding;
    nv_field_real(field, finding->factor ? finding->share : NAN);
}

static void get_evidence(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct factor_line *at = line;
    char words[NV_FACTOR_WORDS_BYTES];
    nv_field_text(field, nv_finding_evidence(at->cell, at->arm, &at->finding, words));
}

static void get_advice(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct factor_line *at = line;
    nv_field_text(field, nv_finding_advice(at->cell, at->arm, &at->finding));
}

static void get_columns(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_factor *factor = ((const struct factor_line *)line)->finding.factor;
    nv_field_text(field, factor ? factor->columns : "");
}

static void get_why(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct factor_line *at = line;
    char words[NV_FACTOR_WORDS_BYTES];
    nv_field_text(field, nv_why_arm(at->cell, at->arm, &at->finding, words));
}

static const struct nv_column key_columns[] = {
    NV_COLUMN("campaign_id", "The campaign.", get_campaign),
    NV_COLUMN("cell_id", "The combination of all factors but the transport.", get_cell),
    NV_COLUMN("dir", "up (client to server), down, or rtt (there and back, rr).", get_direction),
    NV_COLUMN("arm", "a or b: which side of the comparison.", get_arm),
    NV_COLUMN("transport", "tcp or udp.", get_transport),
    NV_COLUMN("", NULL, NULL),
};

static const struct nv_column result_columns[] = {
    NV_COLUMN("subject",
              "What is to be explained: lost (messages that UDP did not deliver), late (how long "
              "messages wait; of TCP, those it never delivered, too), rate (what holds TCP up at "
              "rate max) or order (messages that arrive behind later ones); empty: nothing.",
              get_subject),
    NV_COLUMN("missing_ratio",
              "Messages refused or lost (TCP: or not sent in time), over those scheduled; all "
              "blocks that count together.",
              get_missing),
    NV_COLUMN("wait_mean_ns",
              "Mean time that a message took from its send, above the quickest one of its run, and "
              "that it waited before because the transport would not take it; empty when clocks "
              "differ.",
              get_wait),
    NV_COLUMN("factor",
              "The dominant factor: the one whose evidence explains the largest share of it, and "
              "no less than half; none: nothing stands out; empty: the numbers do not tell.",
              get_factor),
    NV_COLUMN("share",
              "That share. lost: of the missing messages, by the place where they went missing; "
              "late: of the wait; rate: of the time with data to send; order: 1.",
              get_share),
    NV_COLUMN("evidence", "The figures that say so.", get_evidence),
    NV_COLUMN("advice", "What to do about it.", get_advice),
    NV_COLUMN("drawn_from", "Columns of runs.csv that it is drawn from, separated by blanks.",
              get_columns),
    NV_COLUMN("why", "The whole as a sentence; empty where a verdict favours the arm nevertheless.",
              get_why),
    NV_COLUMN("", NULL, NULL),
};

static int summary_lines(struct nv_emit *emit, const struct nv_summary *summary)
{
    for (unsigned i = 0; i < summary->cell_count; i++) {
        const struct nv_summary_cell *cell = &summary->cells[i];
        for (unsigned arm = 0; arm < cell->arm_count; arm++) {
            struct factor_line line = {summary, cell, arm, nv_find_factor(cell, arm)};
            int result = emit->line(emit, &line);
            if (result < 0)
                return result;
        }
    }
    return NV_OK;
}

static const struct nv_column *const groups[] = {key_columns, result_columns, NULL};

const struct nv_sheet nv_sheet_factors = {
    .file = "factors.csv",
    .help = "Why an arm did as it did: one row for each cell, direction and arm, from the numbers "
            "of its runs that count.",
    .groups = groups,
    .summary_lines = summary_lines,
};
