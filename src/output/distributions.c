/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <math.h>
#include <stddef.h>

#include "output/field.h"

/* quantiles.csv, hist.csv and deadlines.csv: how values of a run are spread. */

static void get_metric(struct nv_field *field, const struct nv_column *column, const void *line)
{
    /* The line's second member, in quantiles.csv and hist.csv alike. */
    const struct nv_hist_source *const *source =
        (const struct nv_hist_source *const *)(const void *)((const char *)line + column->offset);
    nv_field_text(field, (*source)->name);
}

/* ---- quantiles.csv ---- */

struct quantile_line {
    struct nv_line at;
    const struct nv_hist_source *source;
    bool all;
    double p;
    struct nv_quantile quantile;
};

static void get_population(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct quantile_line *)line)->all ? "all" : "delivered");
}

static void get_p(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_real(field, ((const struct quantile_line *)line)->p);
}

static void get_value(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_quantile(field, &((const struct quantile_line *)line)->quantile);
}

static void get_edge(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_quantile *quantile = &((const struct quantile_line *)line)->quantile;
    const uint64_t *edge =
        (const uint64_t *)(const void *)((const char *)quantile + column->offset);
    field->text[0] = '\0';
    if (!quantile->reportable)
        return;
    if (*edge == NV_QUANTILE_INFINITE)
        nv_field_text(field, "inf");
    else
        nv_field_count(field, *edge);
}

static void get_n(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, ((const struct quantile_line *)line)->quantile.n);
}

static void get_n_eff(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_real(field, ((const struct quantile_line *)line)->quantile.n_eff);
}

static void get_reportable(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct quantile_line *)line)->quantile.reportable ? "1" : "0");
}

#define QUANTILE_AT(member) .offset = offsetof(struct nv_quantile, member)

static const struct nv_column quantile_columns[] = {
    NV_COLUMN(
        "metric",
        "resp: from the intended send time to arrival; serv: from the actual send; sched_lag, "
        "block_lag: lateness of sends, ours and the transport's; ipdv: |difference of delay| "
        "of neighbours; late_offset: of reordered messages; hol: head-of-line blocking; "
        "vhol: what datagrams would have waited for each other in order; dwell: time in the "
        "server.",
        get_metric, .offset = offsetof(struct quantile_line, source)),
    NV_COLUMN("population",
              "all: of all scheduled messages, those that never arrived at infinity; delivered: of "
              "those observed only, never to be compared alone.",
              get_population),
    NV_COLUMN("p", "The quantile, between 0 and 1; 0.5 is the median.", get_p),
    NV_COLUMN("value_ns",
              "Nearest-rank quantile, at most 0.39 % too high; inf: the rank is among the lost; "
              "empty when the sample does not support it.",
              get_value),
    NV_COLUMN("bucket_lo_ns", "The true value is from here to value_ns; empty as value_ns.",
              get_edge, QUANTILE_AT(bucket_lo_ns)),
    NV_COLUMN("ci_lo_ns",
              "Lower end of the 95 % interval by order statistics, within this run only; empty as "
              "value_ns.",
              get_edge, QUANTILE_AT(ci_lo_ns)),
    NV_COLUMN("ci_hi_ns",
              "Upper end of that interval; inf: none, or among the lost; empty as value_ns.",
              get_edge, QUANTILE_AT(ci_hi_ns)),
    NV_COLUMN("n", "Messages in the population.", get_n),
    NV_COLUMN("n_eff", "What they are worth as independent ones; equal to n when not known.",
              get_n_eff),
    NV_COLUMN("reportable",
              "1 when an upper 95 % bound exists and ten values lie above; 0: value_ns is empty.",
              get_reportable),
    NV_COLUMN("", NULL, NULL),
};

static int population_lines(struct nv_emit *emit, struct quantile_line *line,
                            const struct nv_hist *hist)
{
    static const double ps[] = {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
    uint64_t sched_count = line->at.row->tx->sched_count;
    for (unsigned i = 0; i < sizeof ps / sizeof ps[0]; i++) {
        line->p = ps[i];
        line->quantile = line->all ? nv_quantile_all(hist, sched_count, ps[i], 1)
                                   : nv_quantile_delivered(hist, ps[i], 1);
        int result = emit->line(emit, line);
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static int quantile_lines_of_row(struct nv_emit *emit, const struct nv_line *at)
{
    int result = NV_OK;
    for (unsigned i = 0; i < NV_HIST_ID_COUNT && result >= 0; i++) {
        struct quantile_line line = {.at = *at, .source = &nv_hist_sources[i]};
        const struct nv_hist *hist = nv_hist_of(line.source, at);
        line.all = line.source->all;
        if (hist && line.all && at->row->tx->sched_count)
            result = population_lines(emit, &line, hist);
        line.all = false;
        if (hist && hist->count && result >= 0)
            result = population_lines(emit, &line, hist);
    }
    return result;
}

static int quantile_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, quantile_lines_of_row);
}

static const struct nv_column *const quantile_groups[] = {nv_key_columns, quantile_columns, NULL};

const struct nv_sheet nv_sheet_quantiles = {
    .file = "quantiles.csv",
    .help = "One row for each run, flow, direction, metric, population and p. A metric that was "
            "never observed has no rows, nor has a delay when the ends' clocks differ.",
    .groups = quantile_groups,
    .run_lines = quantile_lines,
};

/* ---- hist.csv ---- */

struct hist_line {
    struct nv_line at;
    const struct nv_hist_source *source;
    uint64_t lo_ns, hi_ns, count;
};

static void get_bucket(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const uint64_t *value = (const uint64_t *)(const void *)((const char *)line + column->offset);
    nv_field_count(field, *value);
}

static const struct nv_column hist_columns[] = {
    NV_COLUMN("metric",
              "resp, serv or sched_lag, as in quantiles.csv; of messages delivered (sent).",
              get_metric, .offset = offsetof(struct hist_line, source)),
    NV_COLUMN("lo_ns", "Values in this bucket are at least this.", get_bucket,
              .offset = offsetof(struct hist_line, lo_ns)),
    NV_COLUMN(
        "hi_ns",
        "Values in this bucket are less than this; the last bucket (2^40) holds all above, too.",
        get_bucket, .offset = offsetof(struct hist_line, hi_ns)),
    NV_COLUMN("count", "Messages in the bucket, never 0; a metric's rows sum to its messages.",
              get_bucket, .offset = offsetof(struct hist_line, count)),
    NV_COLUMN("", NULL, NULL),
};

static int bucket_lines(struct nv_emit *emit, struct hist_line *line, const struct nv_hist *hist)
{
    for (unsigned i = 0; i < NV_HIST_BUCKETS; i++) {
        if (!hist->buckets[i])
            continue;
        line->lo_ns = nv_hist_lo(i);
        line->hi_ns = nv_hist_hi(i);
        line->count = hist->buckets[i];
        int result = emit->line(emit, line);
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static int hist_lines_of_row(struct nv_emit *emit, const struct nv_line *at)
{
    int result = NV_OK;
    for (unsigned i = 0; i < NV_HIST_ID_COUNT && result >= 0; i++) {
        struct hist_line line = {.at = *at, .source = &nv_hist_sources[i]};
        const struct nv_hist *hist = nv_hist_of(line.source, at);
        if (hist && line.source->in_hist_file)
            result = bucket_lines(emit, &line, hist);
    }
    return result;
}

static int hist_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, hist_lines_of_row);
}

static const struct nv_column *const hist_groups[] = {nv_key_columns, hist_columns, NULL};

const struct nv_sheet nv_sheet_hist = {
    .file = "hist.csv",
    .help = "The non-empty buckets of the log-linear histograms: one row for each run, flow, "
            "direction, metric and bucket. Bucket counts of several runs may be added.",
    .groups = hist_groups,
    .run_lines = hist_lines,
};

/* ---- deadlines.csv ---- */

struct deadline_line {
    struct nv_line at;
    uint64_t deadline_ns, ontime_count;
};

static void get_deadline(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct deadline_line *deadline = line;
    nv_field_real(field, (double)deadline->deadline_ns / (double)NV_NS_PER_MS);
}

static void get_ontime_count(struct nv_field *field, const struct nv_column *column,
                             const void *line)
{
    (void)column;
    nv_field_count(field, ((const struct deadline_line *)line)->ontime_count);
}

static void get_ontime_ratio(struct nv_field *field, const struct nv_column *column,
                             const void *line)
{
    (void)column;
    const struct deadline_line *deadline = line;
    nv_field_ratio(field, deadline->ontime_count, deadline->at.row->tx->sched_count);
}

static void get_late(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct deadline_line *deadline = line;
    nv_field_count(field, deadline->at.row->rx->unique_count - deadline->ontime_count);
}

static void get_not_sent(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, nv_row_not_sent(((const struct nv_line *)line)->row));
}

static const struct nv_column deadline_columns[] = {
    NV_COLUMN("deadline_ms", "The deadline, after the intended send time.", get_deadline),
    NV_COLUMN("ontime_count", "Messages that arrived within this deadline; exact.",
              get_ontime_count),
    NV_COLUMN("sched_count",
              "Messages scheduled: ontime_count + late_count + lost_count + not_sent_count.",
              nv_get_tx_count, NV_AT_TX(sched_count)),
    NV_COLUMN("ontime_ratio", "ontime_count / sched_count of this deadline.", get_ontime_ratio),
    NV_COLUMN("late_count", "Messages that arrived after this deadline.", get_late),
    NV_COLUMN("lost_count", "Messages sent that never arrived.", nv_get_row_count,
              NV_AT_ROW(lost_count)),
    NV_COLUMN("not_sent_count", "Messages refused by the sender's kernel, or never tried.",
              get_not_sent),
    NV_COLUMN("", NULL, NULL),
};

static int deadline_lines_of_row(struct nv_emit *emit, const struct nv_line *at)
{
    const struct nv_deadlines *deadlines = &at->row->rx->deadlines;
    for (uint64_t i = 0; nv_line_has_delays(at) && i < deadlines->count; i++) {
        struct deadline_line line = {*at, deadlines->deadline_ns[i], deadlines->ontime_count[i]};
        int result = emit->line(emit, &line);
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static int deadline_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, deadline_lines_of_row);
}

static const struct nv_column *const deadline_groups[] = {nv_key_columns, deadline_columns, NULL};

const struct nv_sheet nv_sheet_deadlines = {
    .file = "deadlines.csv",
    .help = "One row for each run, flow, direction and deadline: how many messages were of use. No "
            "rows when the ends' clocks differ.",
    .groups = deadline_groups,
    .run_lines = deadline_lines,
};
