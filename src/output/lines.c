/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <stddef.h>
#include <string.h>

#include "output/field.h"

int nv_lines_each_row(const struct nv_run_result *run, struct nv_emit *emit,
                      int (*line)(struct nv_emit *emit, const struct nv_line *line))
{
    for (unsigned i = 0; i < run->row_count; i++) {
        struct nv_line row_line = {run, &run->rows[i]};
        NV_ASSERT(row_line.row->tx && row_line.row->rx);
        int result = line(emit, &row_line);
        if (result < 0)
            return result;
    }
    return NV_OK;
}

bool nv_line_has_delays(const struct nv_line *line)
{
    return line->run->shared_clock || line->row->direction == NV_ROW_RTT;
}

bool nv_line_is_tcp(const struct nv_line *line)
{
    return line->row->sender.tcp.known != 0;
}

double nv_line_measure_s(const struct nv_line *line)
{
    return (double)line->run->spec.duration_ns / (double)NV_NS_PER_S;
}

bool nv_line_is_one_flow(const struct nv_line *line)
{
    return line->row->flow != NV_FLOW_ALL || line->run->spec.flows == 1;
}

uint64_t nv_row_not_sent(const struct nv_result_row *row)
{
    return row->tx->sched_count - row->tx->sent_count;
}

#define TX(member) .sender = true, NV_AT_TX(member)

const struct nv_hist_source nv_hist_sources[NV_HIST_ID_COUNT] = {
    [NV_HIST_RESP] = {"resp", NV_AT_RX(resp), .one_clock = true, .all = true, .in_hist_file = true},
    [NV_HIST_SERV] = {"serv", NV_AT_RX(serv), .one_clock = true, .all = true, .in_hist_file = true},
    [NV_HIST_SCHED_LAG] = {"sched_lag", TX(sched_lag), .in_hist_file = true},
    [NV_HIST_BLOCK_LAG] = {"block_lag", TX(block_lag)},
    [NV_HIST_IPDV] = {"ipdv", NV_AT_RX(ipdv_abs)},
    [NV_HIST_LATE_OFFSET] = {"late_offset", NV_AT_RX(late_offset)},
    [NV_HIST_HOL] = {"hol", NV_AT_RX(hol.waits), .of = NV_HIST_OF_STREAMS},
    [NV_HIST_DWELL] = {"dwell", NV_AT_RX(dwell)},
    [NV_HIST_VHOL] = {"vhol", NV_AT_RX(hol.waits), .of = NV_HIST_OF_DATAGRAMS},
};

const struct nv_hist *nv_hist_of(const struct nv_hist_source *source, const struct nv_line *line)
{
    if (source->one_clock && !nv_line_has_delays(line))
        return NULL;
    if (source->of && (source->of == NV_HIST_OF_STREAMS) != nv_line_is_tcp(line))
        return NULL;
    const void *meter = source->sender ? (const void *)line->row->tx : (const void *)line->row->rx;
    return (const struct nv_hist *)(const void *)((const char *)meter + source->offset);
}

void nv_field_quantile(struct nv_field *field, const struct nv_quantile *quantile)
{
    if (!quantile->reportable)
        field->text[0] = '\0';
    else if (quantile->infinite)
        nv_field_text(field, "inf");
    else
        nv_field_count(field, quantile->value_ns);
}

static uint64_t count_at(const void *base, size_t offset)
{
    uint64_t value = 0;
    memcpy(&value, (const char *)base + offset, sizeof value);
    return value;
}

void nv_get_tx_count(struct nv_field *field, const struct nv_column *column, const void *line)
{
    nv_field_count(field, count_at(((const struct nv_line *)line)->row->tx, column->offset));
}

void nv_get_rx_count(struct nv_field *field, const struct nv_column *column, const void *line)
{
    nv_field_count(field, count_at(((const struct nv_line *)line)->row->rx, column->offset));
}

void nv_get_row_count(struct nv_field *field, const struct nv_column *column, const void *line)
{
    nv_field_count(field, count_at(((const struct nv_line *)line)->row, column->offset));
}

static void key_text(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_line *at = line;
    nv_field_text(field, (const char *)at->run + column->offset);
}

static void key_unsigned(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_line *at = line;
    unsigned value = 0;
    memcpy(&value, (const char *)at->run + column->offset, sizeof value);
    nv_field_count(field, value ? value : NV_UNKNOWN);
}

static void key_arm(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    nv_field_text(field, (const char[2]){at->run->key.arm, '\0'});
}

static void key_flow(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    if (at->row->flow == NV_FLOW_ALL)
        nv_field_text(field, "all");
    else
        nv_field_count(field, (uint64_t)at->row->flow);
}

static void key_direction(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    nv_field_text(field, nv_row_direction_name(at->row->direction));
}

#define RUN(field) .offset = offsetof(struct nv_run_result, field)

const struct nv_column nv_key_columns[] = {
    NV_COLUMN("campaign_id", "The campaign that the run belongs to.", key_text,
              RUN(key.campaign_id)),
    NV_COLUMN("run_id", "The run: one schedule over one transport.", key_text, RUN(key.run_id)),
    NV_COLUMN("cell_id", "The combination of all factors but the transport.", key_text,
              RUN(key.cell_id)),
    NV_COLUMN("block", "Block within the cell, from 1: one run of each arm on the same schedule.",
              key_unsigned, RUN(key.block)),
    NV_COLUMN("slot", "1 or 2: first or second run of its block.", key_unsigned, RUN(key.slot)),
    NV_COLUMN("arm", "a or b: which side of the comparison the run is on.", key_arm),
    NV_COLUMN("transport", "tcp or udp.", key_text, RUN(spec.transport)),
    NV_COLUMN("engine", "How sockets were driven.", key_text, RUN(spec.engine)),
    NV_COLUMN(
        "workload",
        "What the two ends did: stream (one way), rr (each message is answered) or crr (and has a "
        "connection of its own).",
        key_text, RUN(spec.workload)),
    NV_COLUMN("flow", "Number of the flow, from 0, or all: all flows of the direction together.",
              key_flow),
    NV_COLUMN("dir", "up (client to server), down, or rtt (there and back, rr).", key_direction),
    {.name = ""},
};
