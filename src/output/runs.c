/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <math.h>
#include <string.h>

#include "output/field.h"

static void get_start(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct nv_line *)line)->run->start_utc);
}

static void get_size(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_real(field, nv_sizes_mean(&((const struct nv_line *)line)->run->spec.sizes));
}

static void get_rate(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_spec *spec = &((const struct nv_line *)line)->run->spec;
    nv_field_real(field, spec->rate.kind == NV_RATE_MAX ? NAN : nv_spec_rate_msgs(spec));
}

/* A time of the spec (column->offset) in the unit that the column's name ends with. */
static void get_spec_ms(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_spec *spec = &((const struct nv_line *)line)->run->spec;
    uint64_t ns;
    memcpy(&ns, (const char *)spec + column->offset, sizeof ns);
    nv_field_real(field, (double)ns / 1e6);
}

static void get_spec_s(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_spec *spec = &((const struct nv_line *)line)->run->spec;
    uint64_t ns;
    memcpy(&ns, (const char *)spec + column->offset, sizeof ns);
    nv_field_real(field, (double)ns / 1e9);
}

static void get_hash(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_hex(field, ((const struct nv_line *)line)->row->sched_hash);
}

static void get_clock(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    nv_field_text(field, at->run->shared_clock ? "shared" : "unsynced");
}

static void get_attempt(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, ((const struct nv_line *)line)->run->key.attempt);
}

static void get_valid(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct nv_line *)line)->run->valid ? "1" : "0");
}

static void get_flags(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct nv_line *)line)->run->flags);
}

static const struct nv_column start_columns[] = {
    NV_COLUMN("start_utc_iso", "Wall clock at the start of the run, UTC.", get_start),
    NV_COLUMN("", NULL, NULL),
};

static const struct nv_column input_columns[] = {
    NV_COLUMN("msg_size_bytes", "Mean size of a message, the 40-byte header included.", get_size),
    NV_COLUMN("rate_msgs_per_s",
              "Messages a second that were asked for, all flows together; empty at rate max.",
              get_rate),
    NV_COLUMN("deadline_ms", "A message is on time within this after its intended time.",
              get_spec_ms, .offset = offsetof(struct nv_spec, deadline_ns)),
    NV_COLUMN("tmax_ms", "What has not arrived this long after the last send is lost.", get_spec_ms,
              .offset = offsetof(struct nv_spec, drain_ns)),
    NV_COLUMN("warmup_s", "Length of the warm-up, which is not counted.", get_spec_s,
              .offset = offsetof(struct nv_spec, warmup_ns)),
    NV_COLUMN("measure_s", "Length of the measured phase.", get_spec_s,
              .offset = offsetof(struct nv_spec, duration_ns)),
    NV_COLUMN("sched_hash",
              "FNV-1a hash of the schedule, hexadecimal: equal in both runs of a block, unless "
              "their rates "
              "were searched for.",
              get_hash),
    NV_COLUMN("clock_mode",
              "shared: both ends read one clock; unsynced: one-way delays are left empty.",
              get_clock),
    NV_COLUMN("", NULL, NULL),
};

static const struct nv_column verdict_columns[] = {
    NV_COLUMN("attempt", "1, or more when a noise gate sent the block back before.", get_attempt),
    NV_COLUMN("valid", "1, or 0: the run is kept but counts in no comparison; see flags.",
              get_valid),
    NV_COLUMN("flags", "What to know about the run, separated by semicolons; empty: nothing.",
              get_flags),
    NV_COLUMN("", NULL, NULL),
};

static int emit_line(struct nv_emit *emit, const struct nv_line *line)
{
    return emit->line(emit, line);
}

static int run_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, emit_line);
}

static const struct nv_column *const groups[] = {
    nv_key_columns,       start_columns,
    input_columns,        nv_runs_count_columns,
    nv_runs_time_columns, nv_runs_system_columns,
    nv_runs_cpu_columns,  nv_runs_path_columns,
    verdict_columns,      NULL,
};

const struct nv_sheet nv_sheet_runs = {
    .file = "runs.csv",
    .help = "One row for each run, flow (and all flows together) and direction: every input and "
            "every total. Counts are of the measured phase unless the column says otherwise; a "
            "message belongs to the phase of its intended time.",
    .groups = groups,
    .with_options = true,
    .run_lines = run_lines,
};
