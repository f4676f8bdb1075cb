/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "output/field.h"
#include "output/lines.h"

/* What an emulated path was seen to do, in each direction; empty on the real network. */

static const struct nv_way_report *way_at(const void *line, size_t offset)
{
    const struct nv_run_result *run = ((const struct nv_line *)line)->run;
    return &run->path.way[offset >= sizeof(struct nv_way_report)];
}

static void get_count(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_run_result *run = ((const struct nv_line *)line)->run;
    uint64_t value;
    memcpy(&value, (const char *)run->path.way + column->offset, sizeof value);
    nv_field_count(field, run->path.known ? value : NV_UNKNOWN);
}

/* Of the packets that came; what the emulator itself had no room for is not the path's. */
static void get_loss(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_run_result *run = ((const struct nv_line *)line)->run;
    const struct nv_way_report *way = way_at(line, column->offset);
    uint64_t lost = way->drop_count[NV_DROP_LOSS] + way->drop_count[NV_DROP_OUTAGE] +
                    way->drop_count[NV_DROP_QUEUE];
    uint64_t came = way->in_count + way->dup_count;
    nv_field_real(field, run->path.known && came ? (double)lost / (double)came : NAN);
}

#define IN(way, member)                                                                            \
    .offset = (way) * sizeof(struct nv_way_report) + offsetof(struct nv_way_report, member)
#define DROP(way, cause) IN(way, drop_count) + NV_DROP_##cause * sizeof(uint64_t)

#define WAY_COLUMNS(prefix, way, from)                                                             \
    NV_COLUMN(prefix "in_count",                                                                   \
              "IP packets " from " that came to the emulated path from the start of the run on, "  \
              "acknowledgements and fragments included.",                                          \
              get_count, IN(way, in_count)),                                                       \
        NV_COLUMN(prefix "out_count", "Packets " from " that the path let go.", get_count,         \
                  IN(way, out_count)),                                                             \
        NV_COLUMN(prefix "loss_obs_ratio",                                                         \
                  "Packets " from                                                                  \
                  " that the path lost (by chance, in outages, at its queue) of those that came, " \
                  "copies of its own included; empty when none came.",                             \
                  get_loss, IN(way, in_count)),                                                    \
        NV_COLUMN(prefix "drop_loss_count",                                                        \
                  "Packets " from " that were lost by chance, or listed.", get_count,              \
                  DROP(way, LOSS)),                                                                \
        NV_COLUMN(prefix "drop_outage_count", "Packets " from " that were lost in outages.",       \
                  get_count, DROP(way, OUTAGE)),                                                   \
        NV_COLUMN(prefix "drop_queue_count",                                                       \
                  "Packets " from " that the queue before the rate dropped.", get_count,           \
                  DROP(way, QUEUE)),                                                               \
        NV_COLUMN(prefix "drop_overrun_count",                                                     \
                  "Packets " from " that the emulator had no room for: more than it can carry.",   \
                  get_count, DROP(way, OVERRUN)),                                                  \
        NV_COLUMN(prefix "device_drop_count",                                                      \
                  "Packets " from " that never came to the path: the device's queue was full.",    \
                  get_count, IN(way, device_drop_count)),                                          \
        NV_COLUMN(prefix "refused_count",                                                          \
                  "Packets " from " that the path let go and the other device did not take.",      \
                  get_count, IN(way, refused_count)),                                              \
        NV_COLUMN(prefix "dup_count", "Second copies of packets " from " that the path made.",     \
                  get_count, IN(way, dup_count)),                                                  \
        NV_COLUMN(prefix "corrupt_count", "Packets " from " in which the path turned a bit.",      \
                  get_count, IN(way, corrupt_count)),                                              \
        NV_COLUMN(prefix "reordered_count", "Packets " from " that the path held back.",           \
                  get_count, IN(way, reordered_count)),                                            \
        NV_COLUMN(prefix "held_count", "Packets " from " still under way when the run was over.",  \
                  get_count, IN(way, held_count)),                                                 \
        NV_COLUMN(prefix "weather_count",                                                          \
                  "Spells of bad weather (ge-time) in the run, " from ": the same in both arms.",  \
                  get_count, IN(way, weather_count)),                                              \
        NV_COLUMN(prefix "queue_max_bytes", "Most that the path's queue held, " from ".",          \
                  get_count, IN(way, queue_max_bytes)),                                            \
        NV_COLUMN(prefix "delay_p50_ns",                                                           \
                  "Median time that the path meant a packet " from " to take, queue included.",    \
                  get_count, IN(way, delay_p50_ns)),                                               \
        NV_COLUMN(prefix "delay_p99_ns",                                                           \
                  "99th percentile of the time that the path meant a packet " from " to take.",    \
                  get_count, IN(way, delay_p99_ns)),                                               \
        NV_COLUMN(prefix "delay_max_ns",                                                           \
                  "Longest time that the path meant a packet " from " to take.", get_count,        \
                  IN(way, delay_max_ns)),                                                          \
        NV_COLUMN(prefix "late_p50_ns",                                                            \
                  "How late the emulator let packets " from                                        \
                  " go that had to wait, against when they were due: median. Time before it read " \
                  "a packet is not seen.",                                                         \
                  get_count, IN(way, late_p50_ns)),                                                \
        NV_COLUMN(prefix "late_p99_ns",                                                            \
                  "How late the emulator let packets " from                                        \
                  " go: 99th percentile; runs where it is surely large are rejected.",             \
                  get_count, IN(way, late_p99_ns)),                                                \
        NV_COLUMN(prefix "late_max_ns",                                                            \
                  "How late the emulator let packets " from " go: the latest.", get_count,         \
                  IN(way, late_max_ns))

const struct nv_column nv_runs_path_columns[] = {
    WAY_COLUMNS("emu_up_", NV_WAY_UP, "from client to server"),
    WAY_COLUMNS("emu_down_", NV_WAY_DOWN, "from server to client"),
    NV_COLUMN("", NULL, NULL),
};
