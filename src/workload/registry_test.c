/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "workload/workload.h"

/* What every workload must keep to, whatever it does: a new row of the registry is tested by being
 * there. */

#define MS NV_NS_PER_MS

/* One end of one flow of 1000 messages a second, 64 bytes each, from 0 to 650 ms. */
struct end {
    struct nv_spec spec;
    const struct nv_workload *workload;
    void *self;
    struct nv_tx *tx;
    struct nv_rx *rx;
};

static void open_end(struct end *end, const struct nv_workload *workload, bool client)
{
    struct nv_spec *spec = &end->spec;
    nv_options_reset(nv_spec_options, spec);
    spec->warmup_ns = 100 * MS;
    spec->duration_ns = 500 * MS;
    spec->cooldown_ns = 50 * MS;
    spec->arrival = NV_ARRIVAL_CONSTANT;
    spec->rate = (struct nv_rate){.kind = NV_RATE_MESSAGES, .milli_per_s = 1000 * 1000};
    struct nv_phases phases = {spec->warmup_ns, spec->duration_ns, spec->cooldown_ns};
    struct nv_rx_config rx_config = {.phases = phases, .messages_max = 1000};
    rx_config.tmax_ns = spec->drain_ns;
    rx_config.answered = workload->answered;
    end->workload = workload;
    end->tx = workload->sends(spec, client) ? calloc(1, sizeof *end->tx) : NULL;
    end->rx = workload->receives(spec, client) ? calloc(1, sizeof *end->rx) : NULL;
    end->self = calloc(1, workload->state_size);
    assert_non_null(end->self);
    if (end->tx)
        nv_tx_init(end->tx, &phases);
    if (end->rx)
        assert_int_equal(nv_rx_init(end->rx, &rx_config, NULL), 0);
}

static void begin(struct end *end, bool client)
{
    struct nv_workload_config config = {
        .spec = &end->spec, .client = client, .run_tag = 7, .tx = end->tx, .rx = end->rx};
    end->workload->init(end->self, &config);
}

static void close_end(struct end *end)
{
    if (end->rx)
        nv_rx_dispose(end->rx);
    free(end->rx);
    free(end->tx);
    free(end->self);
}

static void they_are_complete(void **state)
{
    (void)state;
    assert_non_null(nv_workloads[0]);
    for (const struct nv_workload *const *p = nv_workloads; *p; p++) {
        const struct nv_workload *w = *p;
        assert_true(w->name && w->name[0] && w->help && w->help[0] && w->state_size);
        assert_true(w->init && w->sends && w->receives && w->run && w->next_ns && w->input);
        assert_true(w->sent && w->blocked && w->writable && w->wants && w->expect);
        assert_true(w->sending_done && w->finished && w->end);
        assert_ptr_equal(nv_workload_find(w->name, NULL), w);
    }
    struct nv_error err = {0};
    assert_null(nv_workload_find("pigeon", &err));
    assert_int_equal(err.code, NV_E_USAGE);
    assert_non_null(strstr(err.message, "pigeon"));
}

/* Nothing before it is due, no more than was asked for, in order. */
static void they_keep_time(void **state)
{
    (void)state;
    for (const struct nv_workload *const *p = nv_workloads; *p; p++) {
        const struct nv_workload *w = *p;
        struct end end;
        struct nv_header out[8];
        open_end(&end, w, true);
        begin(&end, true);
        assert_true(w->sends(&end.spec, true));
        assert_int_equal(w->next_ns(end.self), 0);
        assert_int_equal(w->run(end.self, 0, out, 8), 1);
        assert_int_equal(out[0].seq, 0);
        assert_int_equal(w->next_ns(end.self), MS);
        assert_int_equal(w->run(end.self, MS - 1, out, 8), 0);
        assert_int_equal(w->run(end.self, 100 * MS, out, 8), 8);
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal(out[i].seq, 1 + i);
            assert_int_equal(out[i].t_int_ns, (1 + i) * MS);
            assert_int_equal(out[i].len_bytes, 64);
            assert_int_equal(out[i].run_tag, 7);
        }
        assert_false(w->sending_done(end.self, 100 * MS));
        assert_false(w->finished(end.self, 100 * MS));
        close_end(&end);
    }
}

/* At rate max no more is due after the end (but for giving a lost request up a drain later): a
 * machine that says otherwise makes its thread spin. */
static void rate_max_has_an_end(void **state)
{
    (void)state;
    for (const struct nv_workload *const *p = nv_workloads; *p; p++) {
        const struct nv_workload *w = *p;
        struct end end;
        struct nv_header out;
        open_end(&end, w, true);
        end.spec.rate = (struct nv_rate){.kind = NV_RATE_MAX};
        begin(&end, true);
        assert_int_equal(w->run(end.self, 600 * MS, &out, 1), 1);
        nv_header_stamp(&out, 601 * MS);
        nv_header_stamp(&out, 602 * MS); /* it was refused: due since the first attempt */
        assert_int_equal(out.t_int_ns, 601 * MS);
        assert_int_equal(out.t_snd_ns, 602 * MS);
        w->sent(end.self, &out, 1, NV_TX_SENT);
        assert_int_equal(w->run(end.self, 650 * MS, &out, 1), 0);
        assert_true(w->next_ns(end.self) >= 1600 * MS);
        close_end(&end);
    }
}

/* What the kernel refused is in the sender's ledger, each kind apart, and is not waited for. */
static void they_record_refusals(void **state)
{
    static const enum nv_tx_outcome outcomes[] = {NV_TX_SENT,     NV_TX_EAGAIN, NV_TX_ENOBUFS,
                                                  NV_TX_EMSGSIZE, NV_TX_OTHER,  NV_TX_UNSENT};
    (void)state;
    for (const struct nv_workload *const *p = nv_workloads; *p; p++) {
        const struct nv_workload *w = *p;
        struct end end;
        struct nv_header out[700];
        open_end(&end, w, true);
        begin(&end, true);
        unsigned count = w->run(end.self, 649 * MS, out, 700);
        assert_int_equal(count, 650);
        for (unsigned i = 0; i < count; i++) {
            out[i].t_snd_ns = 649 * MS;
            w->sent(end.self, &out[i], 1, outcomes[i % 6]);
        }
        /* Of the measured 100 .. 599 (500 = 6 * 83 + 2), 100 % 6 = 4 comes first. */
        assert_int_equal(end.tx->sched_count, 500);
        assert_int_equal(end.tx->sent_count, 83);
        assert_int_equal(end.tx->drop_eagain_count, 83);
        assert_int_equal(end.tx->drop_enobufs_count, 83);
        assert_int_equal(end.tx->err_emsgsize_count, 83);
        assert_int_equal(end.tx->err_other_count, 84);
        assert_int_equal(end.tx->unsent_count, 84);
        assert_true(w->sending_done(end.self, nv_spec_end_ns(&end.spec) + end.spec.drain_ns));
        close_end(&end);
    }
}

/* Copies count once, and what no workload knows not at all. */
static void they_bear_copies_and_strangers(void **state)
{
    (void)state;
    for (const struct nv_workload *const *p = nv_workloads; *p; p++) {
        const struct nv_workload *w = *p;
        struct end end;
        struct nv_rx_message message = {
            .count = 1, .seq = 100, .t_int_ns = 100 * MS, .t_snd_ns = 100 * MS, .size_bytes = 64};
        bool client = w->answered;
        open_end(&end, w, client);
        begin(&end, client);
        assert_non_null(end.rx);
        assert_true(w->wants(end.self));
        w->input(end.self, 101 * MS, &message, NV_MSG_HELLO);
        w->input(end.self, 101 * MS, &message, 200);
        assert_int_equal(end.rx->all_unique_count, 0);
        for (unsigned i = 0; i < 3; i++)
            w->input(end.self, 102 * MS, &message, w->answered ? NV_MSG_REPLY : NV_MSG_DATA);
        assert_int_equal(end.rx->unique_count, 1);
        assert_int_equal(end.rx->dup_count, 2);
        close_end(&end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_complete),
        cmocka_unit_test(they_keep_time),
        cmocka_unit_test(rate_max_has_an_end),
        cmocka_unit_test(they_record_refusals),
        cmocka_unit_test(they_bear_copies_and_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
