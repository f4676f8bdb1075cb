/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_TEST_RUN_H
#define NV_OUTPUT_TEST_RUN_H

#include <stdlib.h>
#include <string.h>

#include "campaign/result.h"

/* For tests: a run whose every number can be worked out by hand. One UDP flow upwards, 200-byte
 * messages, one each millisecond: warm-up 100 ms, measured 1 s, so messages 100 .. 1099 are
 * measured. Each leaves 10 us late and takes 1 ms from its send, so responses are 1.01 ms. But:
 *   number ending in 50   sent and lost               10 of them
 *   number ending in 60   refused with EAGAIN         10
 *   number ending in 70   takes 59.5 ms               10 (after 58 successors: reordered; the last,
 * 29) number ending in 80   arrives twice               10 copies so 980 arrive, 970 of them within
 * 50 ms. */

#define TEST_RUN_FIRST 100u
#define TEST_RUN_END 1100u

struct test_run_arrival {
    uint64_t t_ns, seq;
};

static inline int test_run_earlier(const void *a, const void *b)
{
    const struct test_run_arrival *x = a;
    const struct test_run_arrival *y = b;
    return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

static inline void test_run_send(struct nv_result_row *row, uint64_t seq)
{
    uint64_t t_int_ns = seq * NV_NS_PER_MS;
    struct nv_tx_event event = {
        .count = 1,
        .seq = seq,
        .t_int_ns = t_int_ns,
        .t_snd_ns = t_int_ns + 10000,
        .size_bytes = 200,
        .outcome = seq % 100 == 60 ? NV_TX_EAGAIN : NV_TX_SENT,
        .sched_lag_ns = 10000,
    };
    nv_tx_record(row->tx, &event);
}

static inline void test_run_arrive(struct nv_result_row *row, const struct test_run_arrival *at)
{
    struct nv_rx_message message = {
        .count = 1,
        .seq = at->seq,
        .t_int_ns = at->seq * NV_NS_PER_MS,
        .t_snd_ns = at->seq * NV_NS_PER_MS + 10000,
        .size_bytes = 200,
        .recv_calls = 1,
    };
    nv_rx_record(row->rx, at->t_ns, &message);
    nv_rx_recv(row->rx, 200, 1);
}

static inline void test_run_arrivals(struct nv_result_row *row)
{
    struct test_run_arrival arrivals[2 * TEST_RUN_END];
    size_t count = 0;
    for (uint64_t seq = 0; seq < TEST_RUN_END; seq++) {
        uint64_t end = seq % 100;
        uint64_t delay_ns = end == 70 ? 59500 * NV_NS_PER_US : NV_NS_PER_MS;
        if (end == 50 || end == 60)
            continue;
        arrivals[count++] = (struct test_run_arrival){seq * NV_NS_PER_MS + 10000 + delay_ns, seq};
        if (end == 80)
            arrivals[count++] =
                (struct test_run_arrival){seq * NV_NS_PER_MS + 10000 + delay_ns, seq};
    }
    qsort(arrivals, count, sizeof arrivals[0], test_run_earlier);
    for (size_t i = 0; i < count; i++)
        test_run_arrive(row, &arrivals[i]);
}

static inline void test_run_spec(struct nv_spec *spec)
{
    nv_options_reset(nv_spec_options, spec);
    struct nv_error err;
    const char *const texts[][2] = {
        {"transport", "udp"},    {"workload", "stream"}, {"size", "200"},     {"rate", "1000/s"},
        {"arrival", "constant"}, {"duration", "1s"},     {"warmup", "100ms"}, {"cooldown", "0"},
        {"deadline", "50ms"},    {"messages", "2000"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct nv_option *row =
            nv_option_find(nv_spec_options, texts[i][0], strlen(texts[i][0]));
        NV_ASSERT(row && nv_option_set(row, spec, texts[i][1], &err) == NV_OK);
    }
}

/* Dispose of it with nv_run_result_dispose or test_run_free. */
static inline void test_run_make(struct nv_run_result *run)
{
    *run = (struct nv_run_result){.shared_clock = true, .valid = true, .row_count = 1};
    run->key = (struct nv_run_key){"c1", "c1-0001", "c001", 1, 2, 1, 0, 'b'};
    memcpy(run->start_utc, "2026-11-23T13:32:05Z", 21);
    test_run_spec(&run->spec);
    run->rows = calloc(1, sizeof *run->rows);
    struct nv_result_row *row = run->rows;
    row->flow = NV_FLOW_ALL;
    row->direction = NV_ROW_UP;
    row->tx = calloc(1, sizeof *row->tx);
    row->rx = calloc(1, sizeof *row->rx);
    struct nv_phases phases = {run->spec.warmup_ns, run->spec.duration_ns, run->spec.cooldown_ns};
    struct nv_rx_config config = {
        .phases = phases,
        .tmax_ns = NV_NS_PER_S,
        .messages_max = 2000,
        .trace_capacity = run->spec.messages,
    };
    config.deadline_count = nv_spec_deadlines(&run->spec, config.deadline_ns);
    nv_tx_init(row->tx, &phases);
    NV_ASSERT(nv_rx_init(row->rx, &config, NULL) == NV_OK);
    for (uint64_t seq = 0; seq < TEST_RUN_END; seq++)
        test_run_send(row, seq);
    test_run_arrivals(row);
    nv_rx_finish(row->rx, TEST_RUN_FIRST, TEST_RUN_END);
    row->lost_count = row->tx->sent_count - row->rx->unique_count;
    row->lost_path_count = row->lost_count;
    row->balances = true;
    row->sender.io = (struct nv_io_counters){.sndbuf_bytes = 425984, .mtu_bytes = 1500};
    row->sched_hash = 0xabc;
}

static inline void test_run_free(struct nv_run_result *run)
{
    nv_rx_dispose(run->rows[0].rx);
    free(run->rows[0].rx);
    free(run->rows[0].tx);
    free(run->rows);
}

#endif
