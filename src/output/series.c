/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <math.h>
#include <stddef.h>

#include "output/field.h"

/* intervals.csv and patterns.csv. */

/* ---- intervals.csv ---- */

struct interval_line {
    struct nv_line at;
    uint64_t index;
    uint64_t start_ns, end_ns; /* since the run's start */
};

static void get_time_s(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const uint64_t *ns = (const uint64_t *)(const void *)((const char *)line + column->offset);
    nv_field_real(field, (double)*ns / (double)NV_NS_PER_S);
}

/* column->offset is that of the array in struct nv_tx or struct nv_rx. */
static uint64_t slot_at(const void *meter, const struct nv_column *column, const void *line)
{
    const uint64_t *slots = (const uint64_t *)(const void *)((const char *)meter + column->offset);
    return slots[((const struct interval_line *)line)->index];
}

static void get_tx_slot(struct nv_field *field, const struct nv_column *column, const void *line)
{
    nv_field_count(field, slot_at(((const struct nv_line *)line)->row->tx, column, line));
}

static void get_rx_slot(struct nv_field *field, const struct nv_column *column, const void *line)
{
    nv_field_count(field, slot_at(((const struct nv_line *)line)->row->rx, column, line));
}

static uint64_t responses_in(const void *line)
{
    const struct interval_line *interval = line;
    return interval->at.row->rx->intervals.resp_count[interval->index];
}

static void get_delay_slot_if(bool known, struct nv_field *field, const struct nv_column *column,
                              const void *line)
{
    if (known && nv_line_has_delays(line))
        get_rx_slot(field, column, line);
    else
        nv_field_count(field, NV_UNKNOWN);
}

static void get_p50_slot(struct nv_field *field, const struct nv_column *column, const void *line)
{
    bool supported = nv_quantile_supported((double)responses_in(line), 0.5);
    get_delay_slot_if(supported, field, column, line);
}

static void get_p99_slot(struct nv_field *field, const struct nv_column *column, const void *line)
{
    bool supported = nv_quantile_supported((double)responses_in(line), 0.99);
    get_delay_slot_if(supported, field, column, line);
}

static void get_max_slot(struct nv_field *field, const struct nv_column *column, const void *line)
{
    get_delay_slot_if(responses_in(line) > 0, field, column, line);
}

/* Nothing sent, nothing late: there is no largest. */
static void get_lag_slot(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct interval_line *interval = line;
    if (interval->at.row->tx->intervals.sent_count[interval->index])
        get_tx_slot(field, column, line);
    else
        nv_field_count(field, NV_UNKNOWN);
}

static void get_lost_slot(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct interval_line *interval = line;
    nv_field_count(field, interval->at.row->tx->intervals.sent_count[interval->index] -
                              interval->at.row->rx->intervals.unique_count[interval->index]);
}

static void get_goodput_slot(struct nv_field *field, const struct nv_column *column,
                             const void *line)
{
    (void)column;
    const struct interval_line *interval = line;
    double seconds = (double)(interval->end_ns - interval->start_ns) / (double)NV_NS_PER_S;
    uint64_t bytes = interval->at.row->rx->intervals.rx_bytes[interval->index];
    nv_field_real(field, bytes == NV_UNKNOWN ? NAN : 8 * (double)bytes / seconds);
}

#define TX_SLOT(member) .offset = offsetof(struct nv_tx, intervals.member)
#define RX_SLOT(member) .offset = offsetof(struct nv_rx, intervals.member)

static const struct nv_column interval_columns[] = {
    NV_COLUMN("t_start_s", "Start of the interval, since the run's start (warm-up included).",
              get_time_s, .offset = offsetof(struct interval_line, start_ns)),
    NV_COLUMN("t_end_s", "End of the interval; the last one may be shorter.", get_time_s,
              .offset = offsetof(struct interval_line, end_ns)),
    NV_COLUMN("sched_count", "Messages due in the interval.", get_tx_slot, TX_SLOT(sched_count)),
    NV_COLUMN("sent_count", "Messages due in the interval that were sent, whenever.", get_tx_slot,
              TX_SLOT(sent_count)),
    NV_COLUMN("rx_unique_count", "Messages due in the interval that arrived, whenever.",
              get_rx_slot, RX_SLOT(unique_count)),
    NV_COLUMN("lost_count", "Messages due in the interval that were sent and never arrived.",
              get_lost_slot),
    NV_COLUMN("rx_bytes",
              "Bytes of first copies that arrived in it, counted in the receiver's window, which "
              "begins later by the smallest delay; sums to goodput_bytes.",
              get_rx_slot, RX_SLOT(rx_bytes)),
    NV_COLUMN("goodput_bps", "rx_bytes as bits a second of the interval.", get_goodput_slot),
    NV_COLUMN("resp_p50_ns",
              "Median response time of the messages that arrived in the interval; empty when fewer "
              "than 20 did, over several flows, and when clocks differ.",
              get_p50_slot, RX_SLOT(resp_p50_ns)),
    NV_COLUMN("resp_p99_ns",
              "99th percentile of the response time of the messages that arrived in the interval; "
              "empty when fewer than 1000 did, over several flows, and when clocks differ.",
              get_p99_slot, RX_SLOT(resp_p99_ns)),
    NV_COLUMN("resp_max_ns",
              "Largest response time of the messages that arrived in the interval; empty when none "
              "did or when clocks differ.",
              get_max_slot, RX_SLOT(resp_max_ns)),
    NV_COLUMN("sched_lag_max_ns",
              "Largest lateness by our own fault of a message due in the interval that was sent; "
              "empty when none was.",
              get_lag_slot, TX_SLOT(sched_lag_max_ns)),
    NV_COLUMN("", NULL, NULL),
};

static int interval_lines_of_row(struct nv_emit *emit, const struct nv_line *at)
{
    const struct nv_spec *spec = &at->run->spec;
    uint64_t length_ns = at->row->tx->intervals.length_ns;
    uint64_t end_ns = spec->warmup_ns + spec->duration_ns;
    for (uint64_t i = 0; i < at->row->tx->intervals.count; i++) {
        struct interval_line line = {.at = *at, .index = i};
        line.start_ns = spec->warmup_ns + i * length_ns;
        line.end_ns = line.start_ns + length_ns < end_ns ? line.start_ns + length_ns : end_ns;
        int result = emit->line(emit, &line);
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static int interval_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, interval_lines_of_row);
}

static const struct nv_column *const interval_groups[] = {nv_key_columns, interval_columns, NULL};

const struct nv_sheet nv_sheet_intervals = {
    .file = "intervals.csv",
    .help = "The measured phase in equal intervals: one row for each run, flow, direction and "
            "interval.",
    .groups = interval_groups,
    .run_lines = interval_lines,
};

/* ---- patterns.csv ---- */

struct pattern_kind {
    const char *name;
    size_t offset; /* of the slots in struct nv_rx */
};

static const struct pattern_kind pattern_kinds[] = {
    {"loss_run", offsetof(struct nv_rx, losses.run)},
    {"loss_distance", offsetof(struct nv_rx, losses.distance)},
    {"reorder_extent", offsetof(struct nv_rx, ordering.extent)},
    {"n_reorder", offsetof(struct nv_rx, ordering.n_reorder)},
    {"recvs_per_msg", offsetof(struct nv_rx, boundary.recvs_per_msg)},
    {"msgs_per_recv", offsetof(struct nv_rx, boundary.msgs_per_recv)},
};

struct pattern_line {
    struct nv_line at;
    const char *kind;
    uint64_t value, count;
};

static void get_kind(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct pattern_line *)line)->kind);
}

static void get_pattern_value(struct nv_field *field, const struct nv_column *column,
                              const void *line)
{
    (void)column;
    nv_field_count(field, ((const struct pattern_line *)line)->value);
}

static void get_pattern_count(struct nv_field *field, const struct nv_column *column,
                              const void *line)
{
    (void)column;
    nv_field_count(field, ((const struct pattern_line *)line)->count);
}

static const struct nv_column pattern_columns[] = {
    NV_COLUMN("kind",
              "loss_run: messages missing in a row; loss_distance: from one missing message to the "
              "next (RFC 3357); reorder_extent, n_reorder: RFC 4737; recvs_per_msg: receive calls "
              "that brought a message; msgs_per_recv: messages that a receive call finished.",
              get_kind),
    NV_COLUMN("value", "The number counted; 65 stands for all above 64.", get_pattern_value),
    NV_COLUMN("count", "How often that value occurred, never 0.", get_pattern_count),
    NV_COLUMN("", NULL, NULL),
};

static int slot_lines(struct nv_emit *emit, struct pattern_line *line, const uint64_t *slots)
{
    for (uint64_t value = 0; value < NV_PATTERN_SLOTS; value++) {
        line->value = value;
        line->count = slots[value];
        int result = line->count ? emit->line(emit, line) : NV_OK;
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static int pattern_lines_of_row(struct nv_emit *emit, const struct nv_line *at)
{
    int result = NV_OK;
    for (unsigned i = 0; i < sizeof pattern_kinds / sizeof pattern_kinds[0] && result >= 0; i++) {
        struct pattern_line line = {.at = *at, .kind = pattern_kinds[i].name};
        const char *rx = (const char *)at->row->rx;
        result =
            slot_lines(emit, &line, (const uint64_t *)(const void *)(rx + pattern_kinds[i].offset));
    }
    return result;
}

static int pattern_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, pattern_lines_of_row);
}

static const struct nv_column *const pattern_groups[] = {nv_key_columns, pattern_columns, NULL};

const struct nv_sheet nv_sheet_patterns = {
    .file = "patterns.csv",
    .help =
        "Small numbers and how often they occurred: one row for each run, flow, direction, kind "
        "and value.",
    .groups = pattern_groups,
    .run_lines = pattern_lines,
};
