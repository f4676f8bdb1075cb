/* SPDX-License-Identifier: MIT */
#include "measure/tx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull

static const struct nv_phases phases = {
    .warmup_ns = 200 * MS, .measure_ns = 250 * MS, .cooldown_ns = 100 * MS};

static struct nv_tx *new_tx(void)
{
    struct nv_tx *tx = calloc(1, sizeof *tx);
    assert_non_null(tx);
    nv_tx_init(tx, &phases);
    return tx;
}

/* One message each ms from 0 to 549; the k-th has 100 + k bytes. Of the measured 200 .. 449 one of
 * each refusal, 440 .. 449 unsent; 250 is 60 us late by our fault, 460 by 1 ms but not measured. */
static void send_all(struct nv_tx *tx, uint64_t lag_ns)
{
    for (unsigned k = 0; k < 550; k++) {
        struct nv_tx_event event = {.count = 1,
                                    .seq = k,
                                    .t_int_ns = k * MS,
                                    .t_snd_ns = k * MS + 5,
                                    .size_bytes = 100 + k};
        switch (k) {
        case 210:
        case 211:
            event.outcome = NV_TX_EAGAIN;
            break;
        case 320:
            event.outcome = NV_TX_ENOBUFS;
            break;
        case 321:
            event.outcome = NV_TX_EMSGSIZE;
            break;
        case 322:
        case 100:
            event.outcome = NV_TX_OTHER;
            break;
        case 250:
            event.sched_lag_ns = lag_ns;
            break;
        case 460:
            event.sched_lag_ns = MS;
            break;
        default:
            event.outcome = k >= 440 && k < 450 ? NV_TX_UNSENT : NV_TX_SENT;
        }
        nv_tx_record(tx, &event);
    }
}

static void check_balance(const struct nv_tx *tx)
{
    uint64_t sched = 0, sent = 0;
    assert_int_equal(tx->sched_count, tx->sent_count + tx->drop_eagain_count +
                                          tx->drop_enobufs_count + tx->err_emsgsize_count +
                                          tx->err_other_count + tx->unsent_count);
    for (unsigned i = 0; i < NV_INTERVALS_MAX; i++) {
        sched += tx->intervals.sched_count[i];
        sent += tx->intervals.sent_count[i];
    }
    assert_int_equal(sched, tx->sched_count);
    assert_int_equal(sent, tx->sent_count);
    assert_int_equal(tx->sched_lag.count, tx->sent_count);
    assert_int_equal(tx->block_lag.count, tx->sent_count);
}

static void every_message_has_one_fate(void **state)
{
    (void)state;
    struct nv_tx *tx = new_tx();
    send_all(tx, 60000);
    check_balance(tx);
    assert_int_equal(tx->sched_count, 250);
    assert_int_equal(tx->sent_count, 250 - 5 - 10);
    assert_int_equal(tx->drop_eagain_count, 2);
    assert_int_equal(tx->drop_enobufs_count, 1);
    assert_int_equal(tx->err_emsgsize_count, 1);
    assert_int_equal(tx->err_other_count, 1);
    assert_int_equal(tx->unsent_count, 10);
    assert_int_equal(tx->all_sched_count, 550);
    assert_int_equal(tx->all_sent_count, 550 - 16);
    /* 250 * 100 + (200 + ... + 449) */
    assert_int_equal(tx->sched_bytes, 25000 + 250 * 649 / 2);
    assert_int_equal(tx->sched_bytes - tx->sent_bytes,
                     310 + 311 + 420 + 421 + 422 + 10 * 100 + 4445);
    assert_int_equal(tx->seq_first, 200);
    assert_int_equal(tx->seq_end, 450);
    assert_int_equal(tx->t_first_ns, 200 * MS + 5);
    assert_int_equal(tx->t_last_ns, 439 * MS + 5);
    assert_int_equal(tx->late_sends_count, 1);
    free(tx);
}

static void intervals_are_by_intended_time(void **state)
{
    (void)state;
    struct nv_tx *tx = new_tx();
    send_all(tx, 60000);
    assert_int_equal(tx->intervals.count, 3); /* 100, 100 and 50 ms */
    assert_int_equal(tx->intervals.sched_count[0], 100);
    assert_int_equal(tx->intervals.sent_count[0], 98);
    assert_int_equal(tx->intervals.sent_count[1], 97);
    assert_int_equal(tx->intervals.sched_count[2], 50);
    assert_int_equal(tx->intervals.sent_count[2], 40);
    assert_int_equal(tx->intervals.sched_lag_max_ns[0], 60000);
    assert_int_equal(tx->intervals.sched_lag_max_ns[2], 0);
    free(tx);
}

static void late_means_more_than_the_limit(void **state)
{
    (void)state;
    struct nv_tx *tx = new_tx();
    send_all(tx, NV_TX_LATE_NS);
    assert_int_equal(tx->late_sends_count, 0);
    free(tx);
}

static void nothing_measured(void **state)
{
    (void)state;
    struct nv_tx *tx = new_tx();
    assert_int_equal(tx->seq_first, tx->seq_end);
    assert_true(tx->t_first_ns == NV_UNKNOWN);
    check_balance(tx);
    free(tx);
}

static void flows_add_up(void **state)
{
    (void)state;
    struct nv_tx *one = new_tx(), *other = new_tx(), *all = calloc(1, sizeof *all);
    assert_non_null(all);
    send_all(one, 60000);
    nv_tx_merge(all, one);
    assert_memory_equal(all, one, sizeof *all);
    nv_tx_merge(all, other);
    send_all(other, 70000);
    nv_tx_merge(all, other);
    check_balance(all);
    assert_int_equal(all->flow_count, 3);
    assert_int_equal(all->sched_count, 500);
    assert_int_equal(all->phases.warmup_ns, phases.warmup_ns);
    assert_int_equal(all->t_first_ns, 200 * MS + 5);
    assert_int_equal(all->intervals.sched_lag_max_ns[0], 70000);
    assert_int_equal(all->intervals.length_ns, 100 * MS);
    assert_true(all->seq_first == NV_UNKNOWN && all->seq_end == NV_UNKNOWN);
    assert_int_equal(all->sched_lag.max, 70000);
    free(one);
    free(other);
    free(all);
}

/* A counter without a row would never reach the other host. */
static void tables_name_every_value(void **state)
{
    (void)state;
    struct nv_tx *tx = calloc(1, sizeof *tx);
    assert_non_null(tx);
    memset(tx, 1, sizeof *tx);
    for (const struct nv_counter_row *row = nv_tx_counters; row->name; row++)
        memset(nv_counter_at(tx, row), 0, row->count * sizeof(uint64_t));
    for (const struct nv_hist_row *row = nv_tx_hists; row->name; row++)
        memset((char *)tx + row->offset, 0, sizeof(struct nv_hist));
    memset(&tx->cursor, 0, sizeof tx->cursor);
    for (size_t i = 0; i < sizeof *tx; i++)
        assert_int_equal(((const char *)tx)[i], 0);
    free(tx);
}

static void lists_longer_than_can_be_are_refused(void **state)
{
    (void)state;
    struct nv_tx *tx = new_tx();
    assert_true(nv_tx_valid(tx));
    tx->intervals.count = NV_INTERVALS_MAX + 1;
    assert_false(nv_tx_valid(tx));
    free(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_has_one_fate),
        cmocka_unit_test(intervals_are_by_intended_time),
        cmocka_unit_test(late_means_more_than_the_limit),
        cmocka_unit_test(nothing_measured),
        cmocka_unit_test(flows_add_up),
        cmocka_unit_test(tables_name_every_value),
        cmocka_unit_test(lists_longer_than_can_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
