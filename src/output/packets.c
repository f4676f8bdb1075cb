/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <stddef.h>
#include <string.h>

#include "output/field.h"

/* packets.csv: what an emulated path did to each packet. Keys are those of the run's last row, but
 * for flow and direction: a packet is of neither until it is looked into. */

struct packet_line {
    struct nv_line at;
    const struct nv_packet_log *log;
    const struct nv_packet_event *event;
    unsigned way;
};

static const struct packet_line *packet_of(const void *line)
{
    return line;
}

static void get_way(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, packet_of(line)->way == NV_WAY_UP ? "up" : "down");
}

static void get_number(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, packet_of(line)->event->number);
}

static void get_time(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct packet_line *packet = line;
    uint64_t at_ns;
    memcpy(&at_ns, (const char *)packet->event + column->offset, sizeof at_ns);
    nv_field_count(field, at_ns - packet->log->start_ns);
}

static void get_length(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, packet_of(line)->event->len_bytes);
}

static void get_fate(struct nv_field *field, const struct nv_column *column, const void *line)
{
    static const char *const names[] = {"delivered",
#define XX(constant, name, help) (name),
                                        NV_DROP_MAP(XX)
#undef XX
    };
    (void)column;
    nv_field_text(field, names[packet_of(line)->event->fate]);
}

static void get_copy(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, packet_of(line)->event->copy);
}

static void get_corrupt(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, packet_of(line)->event->corrupt);
}

#define EVENT_AT(member) .offset = offsetof(struct nv_packet_event, member)

static const struct nv_column packet_columns[] = {
    NV_COLUMN("way", "up: from client to server; down.", get_way),
    NV_COLUMN("packet", "Number of the packet in this direction, from 1 at the start of the run.",
              get_number),
    NV_COLUMN("t_in_ns", "When the packet came to the path, since the run's start.", get_time,
              EVENT_AT(in_ns)),
    NV_COLUMN("t_out_ns", "When the packet was due to leave the path, or was lost.", get_time,
              EVENT_AT(at_ns)),
    NV_COLUMN("length_bytes", "Length of the packet, from the IP header on.", get_length),
    NV_COLUMN("fate",
              "delivered; or lost: loss (by chance, or listed), outage, queue, overrun (by the "
              "emulator).",
              get_fate),
    NV_COLUMN("copy", "1: the second one of a pair that the path made.", get_copy),
    NV_COLUMN("corrupt", "1: a bit of it was turned.", get_corrupt),
    NV_COLUMN("", NULL, NULL),
};

static int packet_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    for (unsigned way = 0; way < 2; way++) {
        const struct nv_packet_log *log = run->packets[way];
        for (uint64_t i = 0; log && i < log->count; i++) {
            struct packet_line line = {
                {run, &run->rows[run->row_count - 1]}, log, &log->events[i], way};
            int result = emit->line(emit, &line);
            if (result < 0)
                return result;
        }
    }
    return NV_OK;
}

static const struct nv_column *const groups[] = {nv_key_columns, packet_columns, NULL};

const struct nv_sheet nv_sheet_packets = {
    .file = "packets.csv",
    .on_request = true,
    .help = "Every packet on an emulated path, in the order in which its fate was decided; only "
            "with --packets. The same in each run of one seed, as far as the packets are.",
    .groups = groups,
    .run_lines = packet_lines,
};
