/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output/field.h"
#include "output/lines.h"

/* calls.csv: what each socket call took, at both ends. */

struct call_line {
    struct nv_line at;
    bool server;
    enum nv_call call;
    unsigned place;
    const struct nv_calls *calls;
};

static const struct call_line *line_of(const void *line)
{
    return line;
}

static const struct nv_hist *time_of(const void *line)
{
    return &line_of(line)->calls->time[line_of(line)->call];
}

static void get_end(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, line_of(line)->server ? "server" : "client");
}

static void get_place(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, line_of(line)->place);
}

static void get_kind(struct nv_field *field, const struct nv_column *column, const void *line)
{
    static const char *const names[] = {
        [NV_CALL_IS_CALL] = "call", [NV_CALL_IS_WAIT] = "wait", [NV_CALL_IS_SPAN] = "span"};
    (void)column;
    nv_field_text(field, names[nv_call_infos[line_of(line)->call].kind]);
}

static void get_call(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, nv_call_infos[line_of(line)->call].name);
}

static void get_count(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, time_of(line)->count + time_of(line)->negative_count);
}

static void get_error_count(struct nv_field *field, const struct nv_column *column,
                            const void *line)
{
    (void)column;
    nv_field_count(field, nv_calls_failed(line_of(line)->calls, line_of(line)->call));
}

static void get_errors(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_call_error *errors = line_of(line)->calls->errors[line_of(line)->call];
    size_t used = 0;
    (void)column;
    field->text[0] = '\0';
    for (unsigned i = 0; i < NV_CALL_ERRORS && errors[i].number && used < NV_FIELD_BYTES; i++) {
        const char *name = strerrorname_np((int)errors[i].number);
        used +=
            (size_t)snprintf(field->text + used, NV_FIELD_BYTES - used, "%s%s:%llu", i ? ";" : "",
                             name ? name : "?", (unsigned long long)errors[i].count);
    }
}

static void get_total(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, time_of(line)->sum);
}

static void get_mean(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_ratio(field, time_of(line)->sum, time_of(line)->count);
}

static void get_p50(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_quantile quantile = nv_quantile_delivered(time_of(line), 0.5, 1);
    nv_field_quantile(field, &quantile);
}

static void get_p99(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_quantile quantile = nv_quantile_delivered(time_of(line), 0.99, 1);
    nv_field_quantile(field, &quantile);
}

static void get_max(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, time_of(line)->max);
}

static const struct nv_column call_columns[] = {
    NV_COLUMN("end", "client or server: whose call it is.", get_end),
    NV_COLUMN("place", "Where it stands in the order of the calls of its end, from 1.", get_place),
    NV_COLUMN("kind",
              "call: a system call; wait: none, but the time until one can go on (engine poll; in "
              "blocking the call itself waits); span: from one call to another, which it holds.",
              get_kind),
    NV_COLUMN(
        "call",
        "Name of the call. connecting: from connect() with EINPROGRESS until the connection "
        "stands; "
        "waiting: from the end of the send until there is something to read; handshake: from "
        "connect() called until the connection stands; first_byte: from socket() called until "
        "the first bytes of the answer are read; accept_lag: from the client's "
        "connect() (UDP: sendto) called until the server's accept() (UDP: recvfrom) has "
        "returned.",
        get_call),
    NV_COLUMN("call_count", "How often it was called, in the whole run, warm-up included.",
              get_count),
    NV_COLUMN("error_count", "Calls that returned -1.", get_error_count),
    NV_COLUMN("errors",
              "The errno of those by name, with how often, separated by semicolons; empty: none.",
              get_errors),
    NV_COLUMN("total_ns",
              "Time in the call, all together; failed ones included, as in all times of the row.",
              get_total),
    NV_COLUMN("mean_ns", "Mean time in one call.", get_mean),
    NV_COLUMN("p50_ns", "Median time in one call; empty when the sample does not support it.",
              get_p50),
    NV_COLUMN("p99_ns", "99th percentile of the time in one call; empty as p50_ns.", get_p99),
    NV_COLUMN("max_ns", "Longest time in one call.", get_max),
    NV_COLUMN("", NULL, NULL),
};

/* In the order of the notes. */
static int lines_of_end(struct nv_emit *emit, struct call_line *line)
{
    int result = NV_OK;
    for (line->place = 1; line->place <= NV_CALL_COUNT; line->place++)
        for (unsigned call = 0; call < NV_CALL_COUNT && result >= 0; call++) {
            const struct nv_call_info *info = &nv_call_infos[call];
            line->call = (enum nv_call)call;
            unsigned place = line->server ? info->server_place : info->client_place;
            bool has_clock = call != NV_CALL_ACCEPT_LAG || line->at.run->shared_clock;
            if (place == line->place && time_of(line)->count && has_clock)
                result = emit->line(emit, line);
        }
    return result;
}

static int lines_of_row(struct nv_emit *emit, const struct nv_line *at)
{
    int result = NV_OK;
    for (unsigned end = 0; end < 2 && at->row->calls[end] && result >= 0; end++) {
        struct call_line line = {.at = *at, .server = end, .calls = at->row->calls[end]};
        result = lines_of_end(emit, &line);
    }
    return result;
}

static int call_lines(struct nv_emit *emit, const struct nv_run_result *run)
{
    return nv_lines_each_row(run, emit, lines_of_row);
}

static const struct nv_column *const groups[] = {nv_key_columns, call_columns, NULL};

const struct nv_sheet nv_sheet_calls = {
    .file = "calls.csv",
    .on_request = true,
    .help = "What the socket calls of each end took and how they failed: one row for each run, "
            "flow (and all flows together), end and call; only of workload crr, where each message "
            "has a socket of its own. Of the server's calls, all that serve a flow's thread are "
            "counted with that flow.",
    .groups = groups,
    .run_lines = call_lines,
};
