/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "campaign/parts.h"
#include "output/field.h"

/* parts.csv: where the time of messages went. */

#define PART_SERV NV_PART_COUNT /* all parts together */

struct part_line {
    struct nv_line at;
    const char *name;
    const struct nv_hist *hist;
    int64_t sum_ns;
};

static void get_part(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct part_line *)line)->name);
}

static uint64_t count_of(const struct part_line *part)
{
    return part->hist->count + part->hist->negative_count;
}

static void get_count(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, count_of(line));
}

static void get_mean(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct part_line *part = line;
    nv_field_real(field, (double)part->sum_ns / (double)count_of(part));
}

static void get_p50(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    struct nv_quantile quantile =
        nv_quantile_delivered(((const struct part_line *)line)->hist, 0.5, 1);
    nv_field_quantile(field, &quantile);
}

static void get_p99(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    struct nv_quantile quantile =
        nv_quantile_delivered(((const struct part_line *)line)->hist, 0.99, 1);
    nv_field_quantile(field, &quantile);
}

static void get_max(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_hist *hist = ((const struct part_line *)line)->hist;
    nv_field_count(field, hist->count ? hist->max : NV_UNKNOWN);
}

static const struct nv_column part_columns[] = {
    NV_COLUMN("part",
              "send: system call, send buffer, window (t_snd to t_sch); qdisc: the device's queue "
              "(to t_txk); path (to t_rxk), lost and sent again included; hol: behind one that is "
              "missing (to t_rdy); wake: until it is read (to t_rcv); serv: all of them.",
              get_part),
    NV_COLUMN("n", "Messages, of those kept, whose stamps are all known.", get_count),
    NV_COLUMN("mean_ns", "Mean; of the parts they sum to that of serv.", get_mean),
    NV_COLUMN("p50_ns",
              "Median; of the parts they need not sum to that of serv. Empty when the "
              "sample does not support it.",
              get_p50),
    NV_COLUMN("p99_ns", "99th percentile; empty as p50_ns.", get_p99),
    NV_COLUMN("max_ns", "Largest of them.", get_max),
    NV_COLUMN("", NULL, NULL),
};

static void add_rows(const struct nv_rx *rx, struct nv_hist hists[NV_PART_COUNT + 1],
                     int64_t sums_ns[NV_PART_COUNT + 1])
{
    for (uint64_t i = 0; i < rx->trace_count; i++) {
        int64_t parts_ns[NV_PART_COUNT + 1];
        if (!nv_parts_of(&rx->trace[i], parts_ns))
            continue;
        parts_ns[PART_SERV] = (int64_t)(rx->trace[i].t_rcv_ns - rx->trace[i].t_snd_ns);
        for (unsigned part = 0; part <= NV_PART_COUNT; part++) {
            nv_hist_add_signed(&hists[part], parts_ns[part]);
            sums_ns[part] += parts_ns[part];
        }
    }
}

static int part_lines_of_row(struct nv_emit *emit, const struct nv_line *at)
{
    const struct nv_rx *rx = at->row->rx;
    int64_t sums_ns[NV_PART_COUNT + 1] = {0};
    int result = NV_OK;
    if (!at->row->parts.count || !rx->trace || !nv_line_has_delays(at))
        return NV_OK;
    struct nv_hist *hists = calloc(NV_PART_COUNT + 1, sizeof *hists);
    if (!hists)
        return NV_E_FAILED;
    for (unsigned part = 0; part <= NV_PART_COUNT; part++)
        nv_hist_init(&hists[part]);
    add_rows(rx, hists, sums_ns);
    for (unsigned part = 0; part <= NV_PART_COUNT && result >= 0; part++) {
        const char *name = part == PART_SERV ? "serv" : nv_parts[part].name;
        const struct part_line line = {*at, name, &hists[part], sums_ns[part]};
        result = emit->line(emit, &line);
    }
    free(hists);
    return result;
}

void nv_parts_print(FILE *out, const struct nv_summary_cell *cell, int label_width, int value_width)
{
    bool any = cell->arm[0].parts.count || cell->arm[1].parts.count;
    if (any)
        (void)fprintf(out, "  where the time of a message went, by kernel time stamps, mean\n");
    for (unsigned part = 0; any && part < NV_PART_COUNT; part++) {
        (void)fprintf(out, "    %-*s", label_width - 4, nv_parts[part].label);
        for (unsigned i = 0; i < cell->arm_count; i++) {
            char text[32] = "-";
            const struct nv_part_sums *sums = &cell->arm[i].parts;
            if (sums->count)
                (void)nv_show_time((double)sums->sum_ns[part] / (double)sums->count, text,
                                   sizeof text);
            (void)fprintf(out, "%*s", value_width, text);
        }
        (void)fprintf(out, "\n");
    }
}

static int part_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, part_lines_of_row);
}

static const struct nv_column *const groups[] = {nv_key_columns, part_columns, NULL};

const struct nv_sheet nv_sheet_parts = {
    .file = "parts.csv",
    .on_request = true,
    .help = "Where the time of messages went, by kernel time stamps, of those that messages.csv "
            "keeps; only with --diag yes. One row for each run, single flow, direction "
            "and part.",
    .groups = groups,
    .run_lines = part_lines,
};
