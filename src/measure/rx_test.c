/* SPDX-License-Identifier: MIT */
#include "measure/rx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define US 1000ull
#define MS 1000000ull
#define DELAY_NS (3 * MS)

/* Warm-up 100 ms, measured 250 ms: intervals of 100, 100 and 50 ms. */
static const struct nv_rx_config plain = {
    .phases = {.warmup_ns = 100 * MS, .measure_ns = 250 * MS, .cooldown_ns = 50 * MS},
    .deadline_ns = {5 * MS, 20 * MS},
    .deadline_count = 2,
    .tmax_ns = 50 * MS,
    .messages_max = 1000,
    .window = 64,
};

static struct nv_rx *new_rx(const struct nv_rx_config *config)
{
    struct nv_rx *rx = calloc(1, sizeof *rx);
    assert_non_null(rx);
    assert_int_equal(nv_rx_init(rx, config, NULL), 0);
    return rx;
}

static void free_rx(struct nv_rx *rx)
{
    nv_rx_dispose(rx);
    nv_rx_dispose(rx);
    free(rx);
}

/* Message k is due at k ms, sent 1 us later, has 100 bytes, and arrives at now_ns. */
static void arrive(struct nv_rx *rx, uint64_t k, uint64_t now_ns)
{
    const struct nv_rx_message message = {.count = 1,
                                          .seq = k,
                                          .t_int_ns = k * MS,
                                          .t_snd_ns = k * MS + US,
                                          .size_bytes = 100,
                                          .dwell_ns = 7,
                                          .recv_calls = 1};
    nv_rx_record(rx, now_ns, &message);
    nv_rx_recv(rx, 100, 1);
}

static void arrive_in_time(struct nv_rx *rx, uint64_t from, uint64_t to)
{
    for (uint64_t k = from; k < to; k++)
        arrive(rx, k, k * MS + DELAY_NS);
}

/* Ten messages sent. Other tools get these wrong: a duplicate taken for reordering, or for the
 * message that was lost; loss at the end not seen; the fast one blamed for overtaking. */
static void five_arrival_orders(void **state)
{
    (void)state;
    static const struct {
        uint64_t order[12];
        uint64_t lost, reordered, dup;
    } rows[] = {
        {{1, 2, 3, 5, 6, 7, 4, 8, 9, 10}, 0, 1, 0},
        {{1, 6, 2, 3, 4, 5, 7, 8, 9, 10}, 0, 4, 0},
        {{1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10}, 0, 0, 1},
        {{1, 2, 4, 5, 6, 7, 7, 8, 9, 10}, 1, 0, 1},
        {{1, 2, 3, 4, 5, 6, 7}, 3, 0, 0},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct nv_rx *rx = new_rx(&plain);
        for (uint64_t i = 0; i < 12 && rows[r].order[i]; i++)
            arrive(rx, 100 + rows[r].order[i], (200 + i) * MS);
        nv_rx_finish(rx, 101, 111);
        assert_int_equal(rx->losses.missing_count, rows[r].lost);
        assert_int_equal(10 - rx->unique_count, rows[r].lost);
        assert_int_equal(rx->ordering.reordered_count, rows[r].reordered);
        assert_int_equal(rx->dup_count, rows[r].dup);
        assert_int_equal(rx->replicated_count, rows[r].dup);
        assert_int_equal(rx->resp.count, rx->unique_count); /* no sample is thrown away */
        free_rx(rx);
    }
}

static void phases_are_kept_apart(void **state)
{
    (void)state;
    struct nv_rx *rx = new_rx(&plain);
    arrive_in_time(rx, 0, 400);
    arrive(rx, 50, 500 * MS);  /* a copy from the warm-up */
    arrive(rx, 200, 500 * MS); /* a measured one, */
    arrive(rx, 200, 500 * MS); /* twice */
    nv_rx_finish(rx, 100, 350);
    assert_int_equal(rx->all_unique_count, 400);
    assert_int_equal(rx->all_dup_count, 3);
    assert_int_equal(rx->unique_count, 250);
    assert_int_equal(rx->unique_bytes, 25000);
    assert_int_equal(rx->dup_count, 2);
    assert_int_equal(rx->replicated_count, 1);
    assert_int_equal(rx->ordering.reordered_count, 0);
    assert_int_equal(rx->ordering.n_reorder[0], 250);
    assert_int_equal(rx->resp.min, DELAY_NS);
    assert_int_equal(rx->serv.max, DELAY_NS - US);
    assert_int_equal(rx->owd_min_ns, DELAY_NS - US);
    assert_int_equal(rx->ipdv.defined_count, 250); /* the first pairs with the warm-up's last */
    assert_int_equal(rx->ipdv_abs.max, 0);
    assert_int_equal(rx->jitter.max_ns, 0);
    assert_int_equal(rx->boundary.msgs_count, 250);
    assert_int_equal(rx->dwell.count, 0); /* only of replies */
    assert_int_equal(rx->losses.missing_count, 0);
    free_rx(rx);
}

/* From warm-up + smallest delay, for as long as the measured phase: what arrives in it counts,
 * whenever it was due. */
static void goodput_has_the_receivers_window(void **state)
{
    (void)state;
    struct nv_rx *rx = new_rx(&plain);
    arrive_in_time(rx, 0, 98);
    arrive_in_time(rx, 100, 345);
    arrive(rx, 98, 348 * MS);           /* of the warm-up */
    arrive(rx, 348, 353 * MS - US - 1); /* just before the end, */
    arrive(rx, 349, 353 * MS - US);     /* and at the end */
    nv_rx_finish(rx, 100, 350);
    assert_int_equal(rx->goodput_from_ns, 100 * MS + DELAY_NS - US);
    assert_int_equal(rx->goodput_count, 245 + 1 + 1);
    assert_int_equal(rx->goodput_bytes, 24700);
    assert_int_equal(rx->unique_count, 245 + 2);
    assert_int_equal(rx->boundary.recv_calls, 247);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < NV_INTERVALS_MAX; i++)
        bytes += rx->intervals.rx_bytes[i];
    assert_int_equal(bytes, rx->goodput_bytes);
    free_rx(rx);
}

static void without_warm_up_the_window_opens_at_once(void **state)
{
    (void)state;
    struct nv_rx_config config = plain;
    config.phases.warmup_ns = 0;
    struct nv_rx *rx = new_rx(&config);
    arrive(rx, 4, 9 * MS); /* delay 5 ms less 1 us */
    assert_int_equal(rx->goodput_from_ns, 5 * MS - US);
    assert_int_equal(rx->goodput_count, 1);
    free_rx(rx);
}

static void far_clock_may_be_ahead(void **state)
{
    (void)state;
    struct nv_rx *rx = new_rx(&plain);
    for (uint64_t k = 90; k < 300; k++)
        arrive(rx, k, k * MS - 20 * MS);
    nv_rx_finish(rx, 100, 350);
    assert_true(rx->owd_min_ns == -(int64_t)(20 * MS + US));
    assert_int_equal(rx->goodput_from_ns, 80 * MS - US);
    assert_int_equal(rx->negative_count, 200);
    assert_int_equal(rx->resp.negative_count, 200);
    assert_int_equal(rx->deadlines.ontime_count[0], 200);
    assert_int_equal(rx->intervals.resp_count[0], 100);
    assert_int_equal(rx->intervals.resp_p99_ns[0], 0);
    assert_int_equal(rx->ipdv_abs.max, 0);
    free_rx(rx);
}

static void lateness(void **state)
{
    (void)state;
    struct nv_rx *rx = new_rx(&plain);
    arrive(rx, 100, 105 * MS);     /* 5 ms: both deadlines */
    arrive(rx, 101, 106 * MS + 1); /* 1 ns over the first */
    arrive(rx, 102, 152 * MS);     /* 50 ms: not late */
    arrive(rx, 103, 153 * MS + 1); /* late */
    nv_rx_finish(rx, 100, 104);
    assert_int_equal(rx->deadlines.ontime_count[0], 1);
    assert_int_equal(rx->deadlines.ontime_count[1], 2);
    assert_int_equal(rx->late_count, 1);
    free_rx(rx);
}

/* By arrival: [102.999, 202.999), [202.999, 302.999), then all the rest. */
static void responses_of_intervals(void **state)
{
    (void)state;
    struct nv_rx *rx = new_rx(&plain);
    arrive_in_time(rx, 0, 150);
    for (uint64_t k = 150; k < 199; k++)
        arrive(rx, k, 200 * MS + k); /* 49 in a bunch, responses 50 ms and less */
    arrive(rx, 199, 310 * MS);       /* 111 ms; nothing came in the second interval */
    arrive(rx, 340, 600 * MS);       /* 260 ms, long after the end */
    nv_rx_finish(rx, 100, 350);
    nv_rx_finish(rx, 100, 350);
    const struct nv_rx_intervals *intervals = &rx->intervals;
    assert_int_equal(intervals->length_ns, 100 * MS);
    assert_int_equal(intervals->count, 3);
    assert_int_equal(intervals->unique_count[0], 100);
    assert_int_equal(intervals->unique_count[1], 0);
    assert_int_equal(intervals->unique_count[2], 1);
    assert_int_equal(intervals->resp_count[0], 99);
    assert_int_equal(intervals->resp_count[1], 0);
    assert_int_equal(intervals->resp_count[2], 2);
    /* Of the 99 one is below 3 ms (198) and 50 are 3 ms: so is the 50th. The 99th is the largest.
     */
    assert_in_range(intervals->resp_p50_ns[0], 3 * MS, 3 * MS * 257 / 256);
    assert_in_range(intervals->resp_p99_ns[0], 50 * MS, 50 * MS * 257 / 256);
    assert_int_equal(intervals->resp_max_ns[0], 50 * MS + 150);
    assert_true(intervals->resp_p50_ns[1] == NV_UNKNOWN);
    assert_in_range(intervals->resp_p50_ns[2], 111 * MS, 111 * MS * 257 / 256);
    assert_int_equal(intervals->resp_p99_ns[2], 260 * MS);
    assert_int_equal(intervals->resp_max_ns[2], 260 * MS);
    free_rx(rx);
}

/* 120 is held up by 10 ms; 121 .. 129 come right behind it, then 130 in time. */
static void blocked_behind_a_late_one(void **state)
{
    (void)state;
    struct nv_rx *rx = new_rx(&plain);
    arrive_in_time(rx, 90, 120);
    for (uint64_t k = 120; k < 130; k++)
        arrive(rx, k, 133 * MS - 1);
    arrive_in_time(rx, 130, 140);
    /* excess of 121 .. 129: 9, 8, ... 1 ms, each less 1 ns */
    assert_int_equal(rx->hol.blocked_count, 9);
    assert_int_equal(rx->hol.episode_count, 1);
    assert_int_equal(rx->hol.total_ns, 45 * MS - 9);
    assert_int_equal(rx->hol.max_ns, 9 * MS - 1);
    /* and 130, 1 ns behind one that was late, by nothing: seen, not blocked */
    assert_int_equal(rx->hol.waits.count, 10);
    assert_int_equal(rx->hol.waits.min, 0);
    free_rx(rx);
}

/* 121 and 122 were there at 124 and 125 ms, behind 120 that came at 130. Of 123, which was let pass
 * next, the kernel said nothing. */
static void stamps_tell_who_is_blocked(void **state)
{
    (void)state;
    static const uint64_t came_ms[] = {130, 124, 125};
    struct nv_stamps stamps;
    struct nv_rx_config config = plain;
    config.stamps = &stamps;
    config.trace_capacity = 10;
    assert_int_equal(nv_stamps_init(&stamps, &plain.phases, 0, NULL), NV_OK);
    stamps.ordered = true;
    struct nv_rx *rx = new_rx(&config);
    for (uint64_t i = 0; i < 4; i++) {
        nv_stamps_came(&stamps, i < 3 ? came_ms[i] * MS : NV_UNKNOWN);
        arrive(rx, 120 + i, 131 * MS);
    }
    assert_int_equal(rx->hol.blocked_count, 2);
    assert_int_equal(rx->hol.episode_count, 1);
    assert_int_equal(rx->hol.total_ns, (6 + 5) * MS);
    assert_int_equal(rx->hol.max_ns, 6 * MS);
    assert_int_equal(rx->hol.waits.count, 3);
    assert_int_equal(rx->trace_count, 4);
    assert_int_equal(rx->trace[1].t_rxk_ns, 124 * MS);
    assert_int_equal(rx->trace[1].t_rdy_ns, 130 * MS);
    assert_int_equal(rx->trace[3].t_rdy_ns, NV_UNKNOWN);
    free_rx(rx);
    nv_stamps_dispose(&stamps);
}

static void numbers_out_of_range_are_corrupt(void **state)
{
    (void)state;
    struct nv_rx *rx = new_rx(&plain);
    arrive(rx, 999, 1100 * MS);
    arrive(rx, 1000, 1100 * MS);
    arrive(rx, 1ull << 40, 1100 * MS);
    assert_int_equal(rx->corrupt_count, 2);
    assert_int_equal(rx->all_unique_count, 1);
    free_rx(rx);
}

static void trace_keeps_measured_messages(void **state)
{
    (void)state;
    struct nv_rx_config config = plain;
    config.trace_capacity = 3;
    config.answered = true;
    struct nv_rx *rx = new_rx(&config);
    arrive(rx, 99, 110 * MS);
    arrive(rx, 101, 111 * MS);
    arrive(rx, 101, 112 * MS);
    arrive(rx, 100, 113 * MS);
    arrive(rx, 102, 114 * MS);
    static const struct {
        uint64_t seq, rcv_ms, index;
        uint32_t status;
    } rows[] = {
        {101, 111, 1, NV_TRACE_OK}, {101, 112, 2, NV_TRACE_DUP}, {100, 113, 3, NV_TRACE_OK}};
    assert_int_equal(rx->trace_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rx->trace[i].seq, rows[i].seq);
        assert_int_equal(rx->trace[i].t_rcv_ns, rows[i].rcv_ms * MS);
        assert_int_equal(rx->trace[i].arrival_index, rows[i].index);
        assert_int_equal(rx->trace[i].status, rows[i].status);
        assert_int_equal(rx->trace[i].t_snd_ns, rows[i].seq * MS + US);
    }
    assert_int_equal(rx->trace_missed_count, 1);
    assert_int_equal(rx->dwell.count, 3);
    assert_int_equal(rx->dwell.max, 7);
    free_rx(rx);
}

static void flows_add_up(void **state)
{
    (void)state;
    struct nv_rx_config config = plain;
    config.trace_capacity = 10;
    struct nv_rx *one = new_rx(&config), *other = new_rx(&config), *all = calloc(1, sizeof *all);
    assert_non_null(all);
    arrive_in_time(one, 90, 200);
    nv_rx_finish(one, 100, 200);
    for (uint64_t k = 90; k < 150; k += 2)
        arrive(other, k, k * MS + 2 * DELAY_NS);
    nv_rx_finish(other, 100, 150);
    nv_rx_merge(all, one);
    assert_int_equal(all->jitter.last_ns, one->jitter.last_ns);
    assert_int_equal(all->intervals.resp_p50_ns[0], one->intervals.resp_p50_ns[0]);
    assert_null(all->live);
    assert_null(all->trace);
    nv_rx_merge(all, other);
    assert_int_equal(all->flow_count, 2);
    assert_int_equal(all->unique_count, 100 + 25);
    assert_int_equal(all->resp.count, 125);
    assert_int_equal(all->losses.missing_count, 25);
    assert_int_equal(all->losses.run[1], 25);
    assert_int_equal(all->owd_min_ns, DELAY_NS - US);
    assert_int_equal(all->tmax_ns, config.tmax_ns);
    assert_int_equal(all->deadlines.ontime_count[0], 100);
    assert_int_equal(all->deadlines.ontime_count[1], 125);
    assert_int_equal(all->deadlines.deadline_ns[1], 20 * MS);
    assert_true(all->jitter.last_ns == NV_UNKNOWN && all->jitter.max_ns == NV_UNKNOWN);
    assert_true(all->intervals.resp_p50_ns[0] == NV_UNKNOWN);
    assert_int_equal(all->intervals.resp_max_ns[0], 2 * DELAY_NS);
    free_rx(one);
    free_rx(other);
    free(all);
}

/* A counter without a row would never reach the other host. */
static void tables_name_every_value(void **state)
{
    (void)state;
    struct nv_rx *rx = calloc(1, sizeof *rx);
    assert_non_null(rx);
    memset(rx, 1, sizeof *rx);
    for (const struct nv_counter_row *row = nv_rx_counters; row->name; row++) {
        memset(nv_counter_at(rx, row), 0, row->count * sizeof(uint64_t));
        for (const struct nv_counter_row *other = nv_rx_counters; other < row; other++)
            assert_string_not_equal(row->name, other->name);
    }
    for (const struct nv_hist_row *row = nv_rx_hists; row->name; row++)
        memset((char *)rx + row->offset, 0, sizeof(struct nv_hist));
    rx->live = NULL;
    rx->trace = NULL;
    rx->trace_count = 0;
    for (size_t i = 0; i < sizeof *rx; i++)
        assert_int_equal(((const char *)rx)[i], 0);
    free(rx);
}

static void lists_longer_than_can_be_are_refused(void **state)
{
    (void)state;
    struct nv_rx *rx = new_rx(&plain);
    assert_true(nv_rx_valid(rx));
    rx->deadlines.count = NV_DEADLINES_MAX + 1;
    assert_false(nv_rx_valid(rx));
    rx->deadlines.count = NV_DEADLINES_MAX;
    assert_true(nv_rx_valid(rx));
    rx->intervals.count = NV_INTERVALS_MAX + 1;
    assert_false(nv_rx_valid(rx));
    free_rx(rx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_arrival_orders),
        cmocka_unit_test(phases_are_kept_apart),
        cmocka_unit_test(goodput_has_the_receivers_window),
        cmocka_unit_test(without_warm_up_the_window_opens_at_once),
        cmocka_unit_test(far_clock_may_be_ahead),
        cmocka_unit_test(lateness),
        cmocka_unit_test(responses_of_intervals),
        cmocka_unit_test(blocked_behind_a_late_one),
        cmocka_unit_test(stamps_tell_who_is_blocked),
        cmocka_unit_test(numbers_out_of_range_are_corrupt),
        cmocka_unit_test(trace_keeps_measured_messages),
        cmocka_unit_test(flows_add_up),
        cmocka_unit_test(tables_name_every_value),
        cmocka_unit_test(lists_longer_than_can_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
