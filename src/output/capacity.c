/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "output/field.h"
#include "output/lines.h"
#include "output/text.h"

/* What a search for a capacity gave: capacity.csv, and the line of a cell. */

struct trial_line {
    struct nv_line at;
    const struct nv_trial *trial;
};

static const struct nv_trial *trial_of(const void *line)
{
    return ((const struct trial_line *)line)->trial;
}

static void get_trial(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, trial_of(line)->run->key.trial);
}

static void get_phase(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, nv_search_phase_name(trial_of(line)->phase));
}

static void get_offered_msgs(struct nv_field *field, const struct nv_column *column,
                             const void *line)
{
    (void)column;
    nv_field_real(field, nv_spec_rate_msgs(&trial_of(line)->run->spec));
}

static double offered_bps(const struct nv_spec *spec, double msgs_per_s)
{
    return 8 * nv_sizes_mean(&spec->sizes) * msgs_per_s;
}

static void get_offered_bps(struct nv_field *field, const struct nv_column *column,
                            const void *line)
{
    (void)column;
    const struct nv_spec *spec = &trial_of(line)->run->spec;
    nv_field_real(field, offered_bps(spec, nv_spec_rate_msgs(spec)));
}

static void get_missing(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_result_row *row = ((const struct nv_line *)line)->row;
    nv_field_ratio(field, row->tx->sched_count - row->rx->unique_count, row->tx->sched_count);
}

static void get_goodput(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    nv_field_real(field, nv_metric_value(NV_METRIC_GOODPUT, at->run, at->row));
}

static void get_passed(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, trial_of(line)->failure ? "0" : "1");
}

static void get_failure(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, nv_search_failure_name(trial_of(line)->failure));
}

static void get_outcome(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    enum nv_search_end end = trial_of(line)->capacity.end;
    nv_field_text(field, end ? nv_search_end_name(end) : "");
}

static bool is_a_figure(enum nv_search_end end)
{
    return end != NV_SEARCH_RUNNING && end != NV_SEARCH_NONE;
}

static void get_capacity(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_capacity *capacity = &trial_of(line)->capacity;
    nv_field_real(field, is_a_figure(capacity->end) ? capacity->msgs_per_s : NAN);
}

static void get_flags(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, trial_of(line)->run->flags);
}

static const struct nv_column trial_columns[] = {
    NV_COLUMN("trial", "Number of the trial within the search, from 1.", get_trial),
    NV_COLUMN("phase",
              "up: for a bracket; bisect: within it; confirm: what was found, for twice as long.",
              get_phase),
    NV_COLUMN("", NULL, NULL),
};

static const struct nv_column result_columns[] = {
    NV_COLUMN("offered_msgs_per_s", "The rate that was tried, all flows together.",
              get_offered_msgs),
    NV_COLUMN("offered_bps", "The rate that was tried, in bits a second of messages.",
              get_offered_bps),
    NV_COLUMN("sched_count", "Messages that were scheduled for the measured phase of the trial.",
              nv_get_tx_count, NV_AT_TX(sched_count)),
    NV_COLUMN("rx_unique_count", "Messages scheduled in the trial that arrived.", nv_get_rx_count,
              NV_AT_RX(unique_count)),
    NV_COLUMN("missing_ratio",
              "Lost, refused or never sent, divided by scheduled: what loss_target bounds.",
              get_missing),
    NV_COLUMN("goodput_bps", "What the receiver got in its window of the trial.", get_goodput),
    NV_COLUMN("passed", "1, or 0: the trial failed.", get_passed),
    NV_COLUMN("failed_by",
              "loss: more was missing than loss_target allows; pace: a backlog grew, so that less "
              "came in the receiver's window than was scheduled, by more than 1 % and 20 ms.",
              get_failure),
    NV_COLUMN("flags", "What to know about the trial, separated by semicolons; empty: nothing.",
              get_flags),
    NV_COLUMN("outcome",
              "With the last trial of a search: found; ceiling (nothing higher was allowed); none "
              "(the lowest rate fails); unconfirmed (the trials did not agree).",
              get_outcome),
    NV_COLUMN("capacity_msgs_per_s",
              "With the last trial: the highest rate within loss_target, all flows together.",
              get_capacity),
    NV_COLUMN("", NULL, NULL),
};

static int trial_lines(struct nv_emit *emit, const struct nv_trial *trial)
{
    for (unsigned i = 0; i < trial->run->row_count; i++) {
        const struct nv_result_row *row = &trial->run->rows[i];
        struct trial_line line = {{trial->run, row}, trial};
        int result = row->flow == NV_FLOW_ALL ? emit->line(emit, &line) : NV_OK;
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static const struct nv_column *const groups[] = {nv_key_columns, trial_columns, result_columns,
                                                 NULL};

const struct nv_sheet nv_sheet_capacity = {
    .file = "capacity.csv",
    .on_request = true,
    .help = "One row for each trial of rate search, in order; block and slot are empty. Only of "
            "transports that do not limit themselves.",
    .groups = groups,
    .with_options = true,
    .trial_lines = trial_lines,
};

/* ---- for people ---- */

static void say_rate(struct nv_text *text, const struct nv_summary_arm *arm)
{
    char msgs[32];
    char bits[32];
    double rate = arm->capacity.msgs_per_s;
    nv_say(text, "%s (%s)", nv_show_msgrate(rate, msgs, sizeof msgs),
           nv_show_bitrate(offered_bps(arm->spec, rate), bits, sizeof bits));
}

static void say_arm(struct nv_text *text, const struct nv_summary_arm *arm)
{
    char goodput[32];
    nv_say(text, "   %s ", arm->name);
    switch (arm->capacity.end) {
    case NV_SEARCH_RUNNING:
        nv_say(text, "goodput %s",
               nv_show_bitrate(arm->median[NV_METRIC_GOODPUT], goodput, sizeof goodput));
        break;
    case NV_SEARCH_FOUND:
        say_rate(text, arm);
        break;
    case NV_SEARCH_CEILING:
        say_rate(text, arm);
        nv_say(text, " or more: nothing higher was tried");
        break;
    case NV_SEARCH_NONE:
        nv_say(text, "none: more is missing even at ");
        say_rate(text, arm);
        break;
    case NV_SEARCH_UNCONFIRMED:
        say_rate(text, arm);
        nv_say(text, ", unconfirmed: the trials did not agree");
        break;
    }
}

char *nv_show_capacity(const struct nv_summary_cell *cell, char out[NV_CAPACITY_BYTES])
{
    const struct nv_spec *spec = cell->arm[0].spec;
    struct nv_text text = nv_text_in(out, NV_CAPACITY_BYTES);
    if (spec->rate.kind != NV_RATE_SEARCH)
        return out;
    nv_say(&text, "capacity at %.9g %% loss", 100 * spec->loss_target);
    for (unsigned searched = 2; searched-- > 0;) /* what was searched for comes first */
        for (unsigned i = 0; i < cell->arm_count; i++)
            if ((cell->arm[i].capacity.end != NV_SEARCH_RUNNING) == (searched == 1))
                say_arm(&text, &cell->arm[i]);
    return out;
}
