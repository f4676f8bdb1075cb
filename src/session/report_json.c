/* SPDX-License-Identifier: MIT */
#include "session/report_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_ROWS_MAX 1000000u

static json_t *counter_to_json(const uint64_t *values, size_t count)
{
    if (count == 1)
        return json_integer((json_int_t)values[0]);
    while (count && !values[count - 1])
        count--;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer((json_int_t)values[i]));
    return list;
}

static void counters_to_json(json_t *out, const struct nv_counter_row *rows, const void *meter)
{
    for (; rows->name; rows++)
        json_object_set_new(out, rows->name,
                            counter_to_json(nv_counter_read(meter, rows), rows->count));
}

#define BUCKET_TEXT_BYTES (sizeof "8447:18446744073709551615 ")

/* "index:count ..." of what is not empty. As JSON integers they would take ten times the memory,
 * and the more the wider the times spread. */
static json_t *buckets_to_json(const struct nv_hist *hist)
{
    size_t used = 0;
    size_t count = 0;
    for (unsigned i = 0; hist->count && i < NV_HIST_BUCKETS; i++)
        count += hist->buckets[i] > 0;
    size_t bytes = count * BUCKET_TEXT_BYTES + 1;
    char *text = malloc(bytes);
    if (!text)
        return NULL;
    for (unsigned i = 0; count && i < NV_HIST_BUCKETS; i++) {
        if (!hist->buckets[i])
            continue;
        used += (size_t)snprintf(text + used, bytes - used, "%s%u:%" PRIu64, used ? " " : "", i,
                                 hist->buckets[i]);
        count--;
    }
    json_t *out = json_stringn(text, used);
    free(text);
    return out;
}

static json_t *hist_to_json(const struct nv_hist *hist)
{
    json_t *out = json_object();
    counters_to_json(out, nv_hist_counters, hist);
    json_object_set_new(out, "buckets", buckets_to_json(hist));
    return out;
}

static json_t *meter_to_json(const void *meter, const struct nv_counter_row *counters,
                             const struct nv_hist_row *hists)
{
    json_t *out = json_object();
    counters_to_json(out, counters, meter);
    for (; hists->name; hists++)
        json_object_set_new(out, hists->name,
                            hist_to_json((const void *)((const char *)meter + hists->offset)));
    return out;
}

json_t *nv_report_to_json(const struct nv_flow_report *report)
{
    json_t *out = json_object();
    for (const struct nv_report_row *row = nv_report_rows; row->name; row++) {
        uint64_t value;
        memcpy(&value, (const char *)report + row->offset, sizeof value);
        json_object_set_new(out, row->name, json_integer((json_int_t)value));
    }
    if (report->tx)
        json_object_set_new(out, "tx", meter_to_json(report->tx, nv_tx_counters, nv_tx_hists));
    if (report->rx)
        json_object_set_new(out, "rx", meter_to_json(report->rx, nv_rx_counters, nv_rx_hists));
    if (report->calls)
        json_object_set_new(out, "calls",
                            meter_to_json(report->calls, nv_calls_counters, nv_calls_hists));
    if (report->rx && report->rx->trace)
        json_object_set_new(out, "trace_count", json_integer((json_int_t)report->rx->trace_count));
    if (report->stamps)
        json_object_set_new(out, "stamps_count", json_integer((json_int_t)report->stamps->count));
    return out;
}

static int missing(const char *name, struct nv_error *err)
{
    return nv_fail(err, NV_E_PEER, "the far end's report lacks '%s' or has it wrong", name);
}

static int counter_from_json(void *meter, const struct nv_counter_row *row, const json_t *value,
                             struct nv_error *err)
{
    uint64_t *out = nv_counter_at(meter, row);
    if (row->count == 1 && json_is_integer(value)) {
        *out = (uint64_t)json_integer_value(value);
        return NV_OK;
    }
    if (row->count == 1 || !json_is_array(value) || json_array_size(value) > row->count)
        return missing(row->name, err);
    size_t index;
    json_t *item;
    json_array_foreach(value, index, item)
    {
        if (!json_is_integer(item))
            return missing(row->name, err);
        out[index] = (uint64_t)json_integer_value(item);
    }
    return NV_OK;
}

static int counters_from_json(void *meter, const struct nv_counter_row *rows, const json_t *object,
                              struct nv_error *err)
{
    for (; rows->name; rows++)
        if (counter_from_json(meter, rows, json_object_get(object, rows->name), err))
            return err->code;
    return NV_OK;
}

/* One number of digits alone, followed by `end`; NULL when there is none such. */
static const char *read_number(const char *text, char end, uint64_t *out)
{
    char *after;
    errno = 0;
    if (*text < '0' || *text > '9')
        return NULL;
    *out = strtoull(text, &after, 10);
    return errno || *after != end ? NULL : after;
}

/* Indices ascend, so that none comes twice. */
static bool read_buckets(struct nv_hist *hist, const char *text)
{
    uint64_t next = 0;
    while (text && *text) {
        uint64_t index;
        uint64_t count;
        text = read_number(text, ':', &index);
        if (!text || index < next || index >= NV_HIST_BUCKETS)
            return false;
        const char *after = read_number(text + 1, ' ', &count);
        text = after ? after + 1 : read_number(text + 1, '\0', &count);
        if (!text || (after && !*text))
            return false;
        hist->buckets[index] = count;
        next = index + 1;
    }
    return text;
}

static int hist_from_json(struct nv_hist *hist, const json_t *object, struct nv_error *err)
{
    if (counters_from_json(hist, nv_hist_counters, object, err))
        return err->code;
    if (!read_buckets(hist, json_string_value(json_object_get(object, "buckets"))))
        return missing("buckets", err);
    return NV_OK;
}

static int meter_from_json(void *meter, const struct nv_counter_row *counters,
                           const struct nv_hist_row *hists, const json_t *object,
                           struct nv_error *err)
{
    if (counters_from_json(meter, counters, object, err))
        return err->code;
    for (; hists->name; hists++)
        if (hist_from_json((void *)((char *)meter + hists->offset),
                           json_object_get(object, hists->name), err))
            return err->code;
    return NV_OK;
}

/* Room for as many stamps as the report says there are. */
static int read_stamps(struct nv_flow_report *report, const json_t *count, struct nv_error *err)
{
    const struct nv_phases none = {0};
    if (!count)
        return NV_OK;
    /* No more rows than any run may ask for, whatever the far end says. */
    if (!json_is_integer(count) || json_integer_value(count) < 0 ||
        json_integer_value(count) > TRACE_ROWS_MAX)
        return missing("stamps_count", err);
    report->stamps = calloc(1, sizeof *report->stamps);
    if (!report->stamps)
        return nv_fail(err, NV_E_FAILED, "no memory");
    return nv_stamps_init(report->stamps, &none, (uint64_t)json_integer_value(count), err);
}

int nv_report_from_json(struct nv_flow_report *report, const json_t *object, struct nv_error *err)
{
    const json_t *tx = json_object_get(object, "tx");
    const json_t *rx = json_object_get(object, "rx");
    const json_t *calls = json_object_get(object, "calls");
    for (const struct nv_report_row *row = nv_report_rows; row->name; row++) {
        const json_t *value = json_object_get(object, row->name);
        if (!json_is_integer(value))
            return missing(row->name, err);
        uint64_t number = (uint64_t)json_integer_value(value);
        memcpy((char *)report + row->offset, &number, sizeof number);
    }
    if (tx && !(report->tx = calloc(1, sizeof *report->tx)))
        return nv_fail(err, NV_E_FAILED, "no memory");
    if (rx && !(report->rx = calloc(1, sizeof *report->rx)))
        return nv_fail(err, NV_E_FAILED, "no memory");
    if (calls && !(report->calls = calloc(1, sizeof *report->calls)))
        return nv_fail(err, NV_E_FAILED, "no memory");
    if (tx && meter_from_json(report->tx, nv_tx_counters, nv_tx_hists, tx, err))
        return err->code;
    if (rx && meter_from_json(report->rx, nv_rx_counters, nv_rx_hists, rx, err))
        return err->code;
    if (calls && meter_from_json(report->calls, nv_calls_counters, nv_calls_hists, calls, err))
        return err->code;
    if (read_stamps(report, json_object_get(object, "stamps_count"), err))
        return err->code;
    if (rx)
        report->rx->trace_count =
            (uint64_t)json_integer_value(json_object_get(object, "trace_count"));
    /* No more rows than any run may ask for, whatever the far end says. */
    if (rx && report->rx->trace_count > TRACE_ROWS_MAX)
        return missing("trace_count", err);
    if ((tx && !nv_tx_valid(report->tx)) || (rx && !nv_rx_valid(report->rx)))
        return missing("tx or rx", err);
    return NV_OK;
}

void nv_report_dispose(struct nv_flow_report *report)
{
    free(report->tx);
    if (report->rx)
        free(report->rx->trace);
    free(report->rx);
    free(report->calls);
    if (report->stamps)
        nv_stamps_dispose(report->stamps);
    free(report->stamps);
    report->stamps = NULL;
    report->tx = NULL;
    report->rx = NULL;
    report->calls = NULL;
}

/* Times that are not known go as 0, which none is. */
static uint64_t known(uint64_t time_ns)
{
    return time_ns == NV_UNKNOWN ? 0 : time_ns;
}

static uint64_t unknown(uint64_t time_ns)
{
    return time_ns ? time_ns : NV_UNKNOWN;
}

static void append(json_t *list, const uint64_t *values, unsigned count)
{
    for (unsigned v = 0; v < count; v++)
        json_array_append_new(list, json_integer((json_int_t)values[v]));
}

static void read_row(const json_t *list, uint64_t row, uint64_t *values, unsigned count)
{
    for (unsigned v = 0; v < count; v++)
        values[v] = (uint64_t)json_integer_value(json_array_get(list, row * count + v));
}

#define TRACE_INTEGERS 10u

json_t *nv_trace_to_json(const struct nv_rx *rx, uint64_t first)
{
    json_t *out = json_array();
    for (uint64_t i = first; i < rx->trace_count && i < first + NV_TRACE_STRETCH; i++) {
        const struct nv_trace_row *row = &rx->trace[i];
        const uint64_t values[TRACE_INTEGERS] = {row->seq,
                                                 row->t_int_ns,
                                                 row->t_snd_ns,
                                                 row->t_rcv_ns,
                                                 row->arrival_index,
                                                 row->size_bytes,
                                                 row->recv_calls,
                                                 row->status,
                                                 known(row->t_rxk_ns),
                                                 known(row->t_rdy_ns)};
        append(out, values, TRACE_INTEGERS);
    }
    return out;
}

int nv_trace_from_json(struct nv_rx *rx, uint64_t first, const json_t *rows, struct nv_error *err)
{
    uint64_t count = json_array_size(rows) / TRACE_INTEGERS;
    if (first > rx->trace_count || count > rx->trace_count - first)
        return missing("trace", err);
    if (!rx->trace)
        rx->trace = calloc(rx->trace_count + 1, sizeof *rx->trace);
    if (!rx->trace)
        return nv_fail(err, NV_E_FAILED, "no memory");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t v[TRACE_INTEGERS];
        read_row(rows, i, v, TRACE_INTEGERS);
        rx->trace[first + i] = (struct nv_trace_row){.seq = v[0],
                                                     .t_int_ns = v[1],
                                                     .t_snd_ns = v[2],
                                                     .t_rcv_ns = v[3],
                                                     .arrival_index = v[4],
                                                     .size_bytes = (uint32_t)v[5],
                                                     .recv_calls = (uint32_t)v[6],
                                                     .status = (uint32_t)v[7],
                                                     .t_rxk_ns = unknown(v[8]),
                                                     .t_rdy_ns = unknown(v[9]),
                                                     .t_acc_ns = NV_UNKNOWN,
                                                     .t_sch_ns = NV_UNKNOWN,
                                                     .t_txk_ns = NV_UNKNOWN,
                                                     .t_ack_ns = NV_UNKNOWN};
    }
    return NV_OK;
}

#define STAMP_INTEGERS (2u + NV_STAMP_COUNT)

json_t *nv_stamps_to_json(const struct nv_stamps *stamps, uint64_t first)
{
    json_t *out = json_array();
    for (uint64_t i = first; i < stamps->count && i < first + NV_TRACE_STRETCH; i++) {
        const struct nv_stamp_row *row = &stamps->rows[i];
        uint64_t values[STAMP_INTEGERS] = {row->seq, known(row->t_acc_ns)};
        for (unsigned stamp = 0; stamp < NV_STAMP_COUNT; stamp++)
            values[2 + stamp] = known(row->t_ns[stamp]);
        append(out, values, STAMP_INTEGERS);
    }
    return out;
}

int nv_stamps_from_json(struct nv_stamps *stamps, uint64_t first, const json_t *rows,
                        struct nv_error *err)
{
    uint64_t count = json_array_size(rows) / STAMP_INTEGERS;
    /* They come in order, so that a message is found by its number. */
    if (first != stamps->count || count > stamps->capacity - first)
        return missing("stamps", err);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t v[STAMP_INTEGERS];
        read_row(rows, i, v, STAMP_INTEGERS);
        struct nv_stamp_row *row = &stamps->rows[stamps->count++];
        *row = (struct nv_stamp_row){.seq = v[0], .t_acc_ns = unknown(v[1])};
        for (unsigned stamp = 0; stamp < NV_STAMP_COUNT; stamp++)
            row->t_ns[stamp] = unknown(v[2 + stamp]);
    }
    return NV_OK;
}
