/* SPDX-License-Identifier: MIT */
#include "session/report_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>
#include <cmocka.h>

#include "session/protocol.h"

/* Fills every value that the tables name, each with another number. Counts that bound an array stay
 * legal. */
static void fill_counters(void *meter, const struct nv_counter_row *rows, uint64_t *next)
{
    for (; rows->name; rows++)
        for (size_t i = 0; i < rows->count; i++)
            nv_counter_at(meter, rows)[i] = strcmp(rows->name, "deadline_count") == 0   ? 9
                                            : strcmp(rows->name, "interval_count") == 0 ? 600
                                                                                        : ++*next;
}

static void fill_hists(void *meter, const struct nv_hist_row *rows)
{
    for (; rows->name; rows++) {
        struct nv_hist *hist = (void *)((char *)meter + rows->offset);
        for (uint64_t i = 0; i < 40; i++)
            nv_hist_add(hist, i * i * i * i * 1000003 + rows->offset);
        nv_hist_add_signed(hist, -5);
        nv_hist_add(hist, UINT64_MAX); /* overflows, and its square fills 128 bits */
    }
}

static struct nv_flow_report *filled_report(bool with_tx, bool with_rx)
{
    struct nv_flow_report *report = calloc(1, sizeof *report);
    uint64_t next = 1000;
    assert_non_null(report);
    for (const struct nv_report_row *row = nv_report_rows; row->name; row++, next++)
        memcpy((char *)report + row->offset, &next, sizeof next);
    if (with_tx) {
        report->tx = calloc(1, sizeof *report->tx);
        assert_non_null(report->tx);
        fill_counters(report->tx, nv_tx_counters, &next);
        fill_hists(report->tx, nv_tx_hists);
    }
    if (with_rx) {
        report->rx = calloc(1, sizeof *report->rx);
        assert_non_null(report->rx);
        fill_counters(report->rx, nv_rx_counters, &next);
        fill_hists(report->rx, nv_rx_hists);
        report->rx->ipdv.sum_ns = -123456789;
        report->rx->owd_min_ns = -1;
    }
    return report;
}

static void free_report(struct nv_flow_report *report)
{
    nv_report_dispose(report);
    nv_report_dispose(report); /* twice is fine */
    free(report);
}

/* Through a frame's bytes and back, as the conversation carries it. */
static json_t *through_a_frame(json_t *object)
{
    struct nv_frame_decoder decoder = {0};
    struct nv_error err = {0};
    json_t *frame = nv_frame_new(NV_FRAME_RESULT);
    json_t *got = NULL;
    size_t len_bytes = 0;
    json_object_set_new(frame, "flow", json_integer(0));
    json_object_set_new(frame, "report", object);
    char *bytes = nv_frame_encode(frame, &len_bytes);
    assert_non_null(bytes);
    assert_int_equal(nv_frame_decoder_feed(&decoder, bytes, len_bytes, &err), NV_OK);
    assert_int_equal(nv_frame_decoder_next(&decoder, &got, &err), 1);
    json_t *report = json_incref(json_object_get(got, "report"));
    json_decref(got);
    json_decref(frame);
    free(bytes);
    nv_frame_decoder_dispose(&decoder);
    return report;
}

static void reports_come_back_as_they_were(void **state)
{
    (void)state;
    for (unsigned halves = 0; halves < 4; halves++) {
        struct nv_flow_report *report = filled_report(halves & 1, halves & 2);
        struct nv_flow_report *got = calloc(1, sizeof *got);
        struct nv_error err = {0};
        assert_non_null(got);
        json_t *object = through_a_frame(nv_report_to_json(report));
        assert_int_equal(nv_report_from_json(got, object, &err), NV_OK);
        assert_int_equal(!got->tx, !report->tx);
        assert_int_equal(!got->rx, !report->rx);
        for (const struct nv_report_row *row = nv_report_rows; row->name; row++)
            assert_memory_equal((char *)got + row->offset, (char *)report + row->offset, 8);
        if (report->tx) {
            report->tx->cursor = got->tx->cursor; /* does not travel */
            assert_memory_equal(got->tx, report->tx, sizeof *report->tx);
        }
        if (report->rx)
            assert_memory_equal(got->rx, report->rx, sizeof *report->rx);
        json_decref(object);
        free_report(report);
        free_report(got);
    }
}

static void expect_refused(json_t *object, const char *name)
{
    struct nv_flow_report got;
    struct nv_error err = {0};
    memset(&got, 0, sizeof got);
    assert_int_equal(nv_report_from_json(&got, object, &err), NV_E_PEER);
    if (name)
        assert_non_null(strstr(err.message, name));
    nv_report_dispose(&got);
}

/* Each value in turn is missing, or is a text. */
static void every_value_is_needed(void **state)
{
    (void)state;
    struct nv_flow_report *report = filled_report(true, true);
    json_t *whole = nv_report_to_json(report);
    json_t *parts[] = {whole, json_object_get(whole, "tx"), json_object_get(whole, "rx")};
    for (unsigned i = 0; i < 3; i++) {
        const char *name;
        void *next;
        json_t *value;
        json_object_foreach_safe(parts[i], next, name, value)
        {
            if (value == parts[1] || value == parts[2])
                continue;
            json_incref(value);
            char copy[64];
            (void)snprintf(copy, sizeof copy, "%s", name);
            json_object_set_new(parts[i], copy, json_string("7"));
            expect_refused(whole, json_is_object(value) ? NULL : copy);
            json_object_set_new(parts[i], copy, value);
        }
    }
    json_object_del(whole, "cpu_ns");
    expect_refused(whole, "cpu_ns");
    json_decref(whole);
    free_report(report);
}

/* Values that bound an array are what an honest far end never exceeds and a hostile one might. */
static void bounds_are_checked(void **state)
{
    static const struct {
        const char *half, *name;
        json_int_t value;
    } rows[] = {
        {"rx", "deadline_count", 17}, {"rx", "interval_count", 601}, {"tx", "interval_count", 601},
        {"rx", "deadline_count", -1}, {"rx", "interval_count", -1},
    };
    (void)state;
    struct nv_flow_report *report = filled_report(true, true);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *whole = nv_report_to_json(report);
        json_object_set_new(json_object_get(whole, rows[i].half), rows[i].name,
                            json_integer(rows[i].value));
        expect_refused(whole, NULL);
        json_decref(whole);
    }
    free_report(report);
}

static void histograms_are_checked(void **state)
{
    static const char *const buckets[] = {
        "8448:1",  "-1:1", "7",        "7:",   ":7",
        "7:1 ",    " 7:1", "7:1  8:1", "7:-1", "7:1 7:1",
        "8:1 7:1", "7,1",  "7:x",      "7:1x", "7:18446744073709551616"};
    (void)state;
    struct nv_flow_report *report = filled_report(true, true);
    for (unsigned i = 0; i < sizeof buckets / sizeof buckets[0]; i++) {
        json_t *whole = nv_report_to_json(report);
        json_t *hist = json_object_get(json_object_get(whole, "rx"), "resp");
        json_object_set_new(hist, "buckets", json_string(buckets[i]));
        expect_refused(whole, "buckets");
        json_object_set_new(hist, "buckets", json_integer(7));
        expect_refused(whole, "buckets");
        json_decref(whole);
    }
    free_report(report);
}

/* Rows of messages come after the report that says how many there are; rows beyond are refused. */
static void traces_come_back_in_stretches(void **state)
{
    (void)state;
    enum { ROWS = NV_TRACE_STRETCH + 3 };
    struct nv_flow_report *report = filled_report(false, true);
    struct nv_flow_report *got = calloc(1, sizeof *got);
    struct nv_error err = {0};
    assert_non_null(got);
    report->rx->trace_count = ROWS;
    report->rx->trace = calloc(ROWS, sizeof *report->rx->trace);
    assert_non_null(report->rx->trace);
    for (uint64_t i = 0; i < ROWS; i++) {
        uint32_t n = (uint32_t)i;
        report->rx->trace[i] = (struct nv_trace_row){
            .seq = i,
            .t_int_ns = 2 * i,
            .t_snd_ns = 3 * i,
            .t_rcv_ns = 4 * i,
            .t_acc_ns = NV_UNKNOWN,
            .t_sch_ns = NV_UNKNOWN,
            .t_txk_ns = NV_UNKNOWN,
            .t_rxk_ns = n % 3 ? 6 * i : NV_UNKNOWN,
            .t_rdy_ns = n % 3 ? 7 * i : NV_UNKNOWN,
            .t_ack_ns = NV_UNKNOWN,
            .arrival_index = 5 * i,
            .size_bytes = n,
            .recv_calls = 2 * n,
            .status = n & 1,
        };
    }
    json_t *object = nv_report_to_json(report);
    assert_int_equal(nv_report_from_json(got, object, &err), NV_OK);
    assert_int_equal(got->rx->trace_count, ROWS);
    for (uint64_t first = 0; first < ROWS; first += NV_TRACE_STRETCH) {
        json_t *rows = nv_trace_to_json(report->rx, first);
        assert_int_equal(json_array_size(rows), first ? 3 * 10 : NV_TRACE_STRETCH * 10);
        assert_int_equal(nv_trace_from_json(got->rx, first, rows, &err), NV_OK);
        assert_int_equal(nv_trace_from_json(got->rx, ROWS - 2, rows, &err), NV_E_PEER);
        assert_int_equal(nv_trace_from_json(got->rx, UINT64_MAX, rows, &err), NV_E_PEER);
        json_decref(rows);
    }
    assert_memory_equal(got->rx->trace, report->rx->trace, ROWS * sizeof *got->rx->trace);
    json_decref(object);
    free_report(report);
    free_report(got);
}

/* Of what the far end sent: in order, so that no stretch may be left out or come again. */
static void stamps_come_back_in_stretches(void **state)
{
    (void)state;
    enum { ROWS = NV_TRACE_STRETCH + 2 };
    const struct nv_phases phases = {.measure_ns = UINT64_MAX};
    struct nv_stamps stamps;
    struct nv_flow_report *report = filled_report(true, false);
    struct nv_flow_report *got = calloc(1, sizeof *got);
    struct nv_error err = {0};
    assert_non_null(got);
    assert_int_equal(nv_stamps_init(&stamps, &phases, ROWS, NULL), NV_OK);
    for (uint64_t i = 0; i < ROWS; i++) {
        nv_stamps_sent(&stamps, i, 5 * i, 200 * i, i % 2 ? 6 * i : NV_UNKNOWN);
        nv_stamps_take(&stamps, NV_STAMP_ACKED, (uint32_t)(200 * i), 7 * i + 1);
    }
    report->stamps = &stamps;
    json_t *object = nv_report_to_json(report);
    assert_int_equal(nv_report_from_json(got, object, &err), NV_OK);
    for (uint64_t first = 0; first < ROWS; first += NV_TRACE_STRETCH) {
        json_t *rows = nv_stamps_to_json(&stamps, first);
        assert_int_equal(nv_stamps_from_json(got->stamps, first + 1, rows, &err), NV_E_PEER);
        assert_int_equal(nv_stamps_from_json(got->stamps, first, rows, &err), NV_OK);
        assert_int_equal(nv_stamps_from_json(got->stamps, first, rows, &err), NV_E_PEER);
        json_decref(rows);
    }
    for (uint64_t i = 0; i < ROWS; i++) {
        const struct nv_stamp_row *row = nv_stamps_find(got->stamps, i);
        assert_non_null(row);
        assert_int_equal(row->t_acc_ns, i % 2 ? 6 * i : NV_UNKNOWN);
        assert_int_equal(row->t_ns[NV_STAMP_ACKED], 7 * i + 1);
        assert_int_equal(row->t_ns[NV_STAMP_SENT], NV_UNKNOWN);
    }
    json_object_set_new(object, "stamps_count", json_integer(1000001));
    expect_refused(object, "stamps_count");
    json_decref(object);
    nv_stamps_dispose(&stamps);
    report->stamps = NULL;
    free_report(report);
    free_report(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_come_back_as_they_were),
        cmocka_unit_test(every_value_is_needed),
        cmocka_unit_test(bounds_are_checked),
        cmocka_unit_test(histograms_are_checked),
        cmocka_unit_test(traces_come_back_in_stretches),
        cmocka_unit_test(stamps_come_back_in_stretches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
