/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <stddef.h>
#include <string.h>

#include "measure/bitmap.h"
#include "output/field.h"

/* A message that arrived, or a copy, or (trace NULL) one that is missing. */
struct message_line {
    struct nv_line at;
    const struct nv_trace_row *trace;
    uint64_t seq;
};

static void get_seq(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, ((const struct message_line *)line)->seq);
}

static void get_trace_u64(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_trace_row *trace = ((const struct message_line *)line)->trace;
    uint64_t value = NV_UNKNOWN;
    if (trace)
        memcpy(&value, (const char *)trace + column->offset, sizeof value);
    nv_field_count(field, value);
}

static void get_trace_u32(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_trace_row *trace = ((const struct message_line *)line)->trace;
    uint32_t value = 0;
    if (trace)
        memcpy(&value, (const char *)trace + column->offset, sizeof value);
    nv_field_count(field, trace ? value : NV_UNKNOWN);
}

static bool is_late(const struct message_line *message)
{
    const struct nv_trace_row *trace = message->trace;
    return nv_line_has_delays(&message->at) && trace->t_rcv_ns > trace->t_int_ns &&
           trace->t_rcv_ns - trace->t_int_ns > message->at.row->rx->tmax_ns;
}

static void get_status(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct message_line *message = line;
    if (!message->trace)
        nv_field_text(field, nv_row_not_sent(message->at.row) ? "missing" : "lost");
    else if (message->trace->status == NV_TRACE_DUP)
        nv_field_text(field, "dup");
    else
        nv_field_text(field, is_late(message) ? "late" : "ok");
}

#define TRACE_AT(member) .offset = offsetof(struct nv_trace_row, member)

static const struct nv_column message_columns[] = {
    NV_COLUMN("seq", "Number of the message in its flow, from 0, warm-up included.", get_seq),
    NV_COLUMN("size_bytes",
              "Size of the message, the 40-byte header included; empty when it is missing.",
              get_trace_u32, TRACE_AT(size_bytes)),
    NV_COLUMN("t_int_ns", "Intended send time, since the run's start; empty when it is missing.",
              get_trace_u64, TRACE_AT(t_int_ns)),
    NV_COLUMN("t_snd_ns",
              "Send time, since the run's start on the sender's clock; empty when it is missing.",
              get_trace_u64, TRACE_AT(t_snd_ns)),
    NV_COLUMN("t_rcv_ns", "Arrival, since the run's start on the receiver's clock.", get_trace_u64,
              TRACE_AT(t_rcv_ns)),
    NV_COLUMN("recv_calls", "Receive calls that the bytes of the message came in.", get_trace_u32,
              TRACE_AT(recv_calls)),
    NV_COLUMN(
        "status",
        "ok; late: arrived after the drain time; dup: a copy of one that arrived before; lost: "
        "sent and never arrived; missing: lost, or never sent.",
        get_status),
    NV_COLUMN("arrival_index",
              "Place among all arrivals of the flow, from 0; empty when it is missing.",
              get_trace_u64, TRACE_AT(arrival_index)),
    NV_COLUMN("t_acc_ns",
              "When the call that took its last byte had returned; this and the rest with diag "
              "only, and empty when the kernel gave no stamp.",
              get_trace_u64, TRACE_AT(t_acc_ns)),
    NV_COLUMN("t_sch_ns", "When the sender's kernel handed it to the device's queue.",
              get_trace_u64, TRACE_AT(t_sch_ns)),
    NV_COLUMN("t_txk_ns", "When it was handed to the device, for the first time.", get_trace_u64,
              TRACE_AT(t_txk_ns)),
    NV_COLUMN("t_rxk_ns",
              "When its last byte came to the receiver's kernel; TCP: no earlier, later when one "
              "stamp stands for several segments.",
              get_trace_u64, TRACE_AT(t_rxk_ns)),
    NV_COLUMN("t_rdy_ns", "When it could be handed over: TCP, when all before it had come, too.",
              get_trace_u64, TRACE_AT(t_rdy_ns)),
    NV_COLUMN("t_ack_ns", "When its last byte was acknowledged to the sender; TCP.", get_trace_u64,
              TRACE_AT(t_ack_ns)),
    NV_COLUMN("", NULL, NULL),
};

static int trace_lines(struct nv_emit *emit, const struct nv_line *at, struct nv_bitmap *seen)
{
    const struct nv_rx *rx = at->row->rx;
    uint64_t seq_first = at->row->tx->seq_first;
    for (uint64_t i = 0; i < rx->trace_count; i++) {
        struct message_line line = {*at, &rx->trace[i], rx->trace[i].seq};
        if (line.seq - seq_first < seen->bits)
            (void)nv_bitmap_test_and_set(seen, line.seq - seq_first);
        int result = emit->line(emit, &line);
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static int missing_lines(struct nv_emit *emit, const struct nv_line *at,
                         const struct nv_bitmap *seen)
{
    for (uint64_t i = 0; i < seen->bits; i++) {
        struct message_line line = {*at, NULL, at->row->tx->seq_first + i};
        int result = nv_bitmap_test(seen, i) ? NV_OK : emit->line(emit, &line);
        if (result < 0)
            return result;
    }
    return NV_OK;
}

static int message_lines_of_row(struct nv_emit *emit, const struct nv_line *at)
{
    const struct nv_tx *tx = at->row->tx;
    const struct nv_rx *rx = at->row->rx;
    struct nv_bitmap seen = {0};
    if (!rx->trace)
        return NV_OK;
    /* What the trace had no room for is not missing: then nobody can tell what is. */
    bool complete =
        rx->trace_missed_count == 0 && tx->seq_end != NV_UNKNOWN && tx->seq_first < tx->seq_end;
    if (complete && nv_bitmap_init(&seen, tx->seq_end - tx->seq_first, NULL))
        return NV_E_FAILED;
    int result = trace_lines(emit, at, &seen);
    if (result >= 0)
        result = missing_lines(emit, at, &seen);
    nv_bitmap_dispose(&seen);
    return result;
}

static int message_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, message_lines_of_row);
}

static const struct nv_column *const groups[] = {nv_key_columns, message_columns, NULL};

const struct nv_sheet nv_sheet_messages = {
    .file = "messages.csv",
    .on_request = true,
    .help =
        "Every arrival of a measured message, in order, and then those that are missing; only "
        "with --messages, or --diag yes. Missing ones are listed when the trace had room for all.",
    .groups = groups,
    .run_lines = message_lines,
};
