/* SPDX-License-Identifier: MIT */
#include "workload/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"

#define MS NV_NS_PER_MS
#define RUN_TAG 77u
#define PACKETS_MAX 8192u

/* A network in memory under a virtual clock: two ends of one flow, a link each way. Time moves from
 * one event to the next, so that every expected number below is exact. */

struct packet {
    uint64_t due_ns;
    struct nv_header header;
    bool to_client, there;
};

struct end {
    void *self;
    struct nv_tx *tx;
    struct nv_rx *rx;
    struct nv_header held; /* refused by a blocked link */
    bool holds, blocked, closed, finished;
    uint64_t finished_ns;
};

struct net {
    const struct nv_workload *workload;
    struct nv_spec spec;
    struct end ends[2]; /* 0: server, 1: client */
    struct packet packets[PACKETS_MAX];
    unsigned packet_count;
    uint64_t now_ns;
    /* How the links behave; all zero: at once, and nothing is lost. */
    uint64_t delay_ns, jitter_ns;
    struct nv_rng rng;
    double loss;                         /* probability */
    uint64_t lost_seq, lost_type;        /* this one too; type 0: none */
    uint64_t shut_from_ns, shut_to_ns;   /* the link takes nothing: EAGAIN */
    uint64_t sleep_from_ns, sleep_to_ns; /* nobody runs: our own lateness */
    uint64_t dropped_count;              /* measured messages that the links lost */
    uint64_t in_flight, in_flight_max;   /* requests without a reply */
};

static struct net *new_net(const char *workload)
{
    struct net *net = calloc(1, sizeof *net);
    assert_non_null(net);
    nv_options_reset(nv_spec_options, &net->spec);
    net->workload = nv_workload_find(workload, NULL);
    assert_non_null(net->workload);
    (void)snprintf(net->spec.workload, sizeof net->spec.workload, "%s", workload);
    net->spec.warmup_ns = 100 * MS, net->spec.duration_ns = 500 * MS;
    net->spec.cooldown_ns = 50 * MS;
    net->spec.drain_ns = 100 * MS;
    net->spec.arrival = NV_ARRIVAL_CONSTANT;
    net->spec.rate = (struct nv_rate){.kind = NV_RATE_MESSAGES, .milli_per_s = 1000 * 1000};
    net->spec.seed = 5;
    return net;
}

static void open_end(struct net *net, bool client)
{
    const struct nv_workload *w = net->workload;
    const struct nv_spec *spec = &net->spec;
    struct end *end = &net->ends[client];
    struct nv_phases phases = {spec->warmup_ns, spec->duration_ns, spec->cooldown_ns};
    if (w->sends(spec, client)) {
        end->tx = calloc(1, sizeof *end->tx);
        assert_non_null(end->tx);
        nv_tx_init(end->tx, &phases);
    }
    if (w->receives(spec, client)) {
        struct nv_rx_config config = {
            .phases = phases, .answered = w->answered, .messages_max = 1 << 20};
        config.tmax_ns = spec->drain_ns;
        end->rx = calloc(1, sizeof *end->rx);
        assert_non_null(end->rx);
        assert_int_equal(nv_rx_init(end->rx, &config, NULL), 0);
    }
    end->self = calloc(1, w->state_size);
    assert_non_null(end->self);
    struct nv_workload_config config = {.spec = spec,
                                        .flow = 3,
                                        .client = client,
                                        .run_tag = RUN_TAG,
                                        .tx = end->tx,
                                        .rx = end->rx};
    w->init(end->self, &config);
}

static void free_net(struct net *net)
{
    for (unsigned i = 0; i < 2; i++) {
        if (net->ends[i].rx)
            nv_rx_dispose(net->ends[i].rx);
        free(net->ends[i].rx);
        free(net->ends[i].tx);
        free(net->ends[i].self);
    }
    free(net);
}

static bool measured(const struct net *net, const struct nv_header *header)
{
    return header->t_int_ns >= net->spec.warmup_ns &&
           header->t_int_ns < net->spec.warmup_ns + net->spec.duration_ns;
}

static bool link_loses(struct net *net, const struct nv_header *header)
{
    return (net->loss > 0 && nv_rng_unit(&net->rng) <= net->loss) ||
           (net->lost_type == header->type && net->lost_seq == header->seq);
}

static void launch(struct net *net, const struct nv_header *header, bool to_client)
{
    net->in_flight += header->type == NV_MSG_REQUEST;
    net->in_flight_max = net->in_flight > net->in_flight_max ? net->in_flight : net->in_flight_max;
    if (link_loses(net, header)) {
        net->dropped_count += measured(net, header);
        return;
    }
    uint64_t jitter_ns = net->jitter_ns ? nv_rng_below(&net->rng, net->jitter_ns) : 0;
    for (unsigned i = 0; i < PACKETS_MAX; i++) {
        if (net->packets[i].there)
            continue;
        net->packets[i] = (struct packet){.due_ns = net->now_ns + net->delay_ns + jitter_ns,
                                          .header = *header,
                                          .to_client = to_client,
                                          .there = true};
        net->packet_count = i >= net->packet_count ? i + 1 : net->packet_count;
        return;
    }
    fail_msg("more packets under way than the test has room for");
}

/* What every message must be, whatever the workload. */
static void check_header(const struct net *net, const struct nv_header *header)
{
    assert_in_range(header->len_bytes, NV_HEADER_BYTES, NV_MESSAGE_BYTES_MAX);
    assert_int_equal(header->run_tag, RUN_TAG);
    assert_int_equal(header->flow, 3);
    assert_true(header->t_int_ns <= net->now_ns);
}

static bool shut(const struct net *net)
{
    return net->now_ns >= net->shut_from_ns && net->now_ns < net->shut_to_ns;
}

static void run_end(struct net *net, bool client)
{
    struct end *end = &net->ends[client];
    struct nv_header header = end->held;
    if (end->blocked && !shut(net)) {
        end->blocked = false;
        net->workload->writable(end->self);
    }
    while (!end->blocked && !end->closed &&
           (end->holds || net->workload->run(end->self, net->now_ns, &header, 1))) {
        nv_header_stamp(&header, net->now_ns);
        end->holds = shut(net);
        if (end->holds) {
            end->held = header;
            end->blocked = true;
            net->workload->blocked(end->self);
            return;
        }
        check_header(net, &header);
        launch(net, &header, !client);
        net->workload->sent(end->self, &header, 1, NV_TX_SENT);
    }
}

static void deliver(struct net *net)
{
    for (unsigned i = 0; i < net->packet_count; i++) {
        struct packet *packet = &net->packets[i];
        if (!packet->there || packet->due_ns > net->now_ns)
            continue;
        packet->there = false;
        net->in_flight -= packet->header.type == NV_MSG_REPLY;
        struct nv_rx_message message = {.count = 1,
                                        .seq = packet->header.seq,
                                        .t_int_ns = packet->header.t_int_ns,
                                        .t_snd_ns = packet->header.t_snd_ns,
                                        .size_bytes = packet->header.len_bytes,
                                        .dwell_ns = packet->header.dwell_ns,
                                        .recv_calls = 1};
        net->workload->input(net->ends[packet->to_client].self, net->now_ns, &message,
                             packet->header.type);
    }
}

/* As the endpoint does: what is left is unsent, and the far end is told how much came. */
static void close_end(struct net *net, bool client)
{
    struct end *end = &net->ends[client];
    if (end->closed || !net->workload->sending_done(end->self, net->now_ns))
        return;
    end->closed = true;
    if (end->holds)
        net->workload->sent(end->self, &end->held, 1, NV_TX_UNSENT);
    end->holds = false;
    net->workload->end(end->self);
    net->workload->expect(net->ends[!client].self, net->now_ns,
                          end->tx ? end->tx->all_sent_count : 0);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_event_ns(const struct net *net)
{
    uint64_t next_ns = net->now_ns + MS / 2; /* how often an end looks whether it has finished */
    for (unsigned i = 0; i < net->packet_count; i++)
        if (net->packets[i].there)
            next_ns = min_u64(next_ns, net->packets[i].due_ns);
    for (unsigned i = 0; i < 2; i++)
        if (!net->ends[i].blocked && !net->ends[i].closed)
            next_ns = min_u64(next_ns, net->workload->next_ns(net->ends[i].self));
    next_ns = next_ns > net->now_ns ? next_ns : net->now_ns + 1000;
    if (next_ns > net->sleep_from_ns && next_ns < net->sleep_to_ns)
        return net->sleep_to_ns;
    return net->now_ns < net->shut_to_ns ? min_u64(next_ns, net->shut_to_ns) : next_ns;
}

/* Runs both ends to their finish, which must come by the far end's own drain at the latest. */
static void run_net(struct net *net)
{
    const struct nv_workload *w = net->workload;
    uint64_t limit_ns = nv_spec_end_ns(&net->spec) + 4 * net->spec.drain_ns;
    open_end(net, false);
    open_end(net, true);
    nv_rng_seed(&net->rng, net->spec.seed);
    while (!net->ends[0].finished || !net->ends[1].finished) {
        assert_true(net->now_ns <= limit_ns);
        deliver(net);
        for (unsigned i = 0; i < 2; i++) {
            run_end(net, i);
            close_end(net, i);
            if (net->ends[i].finished || !w->finished(net->ends[i].self, net->now_ns))
                continue;
            net->ends[i].finished = true;
            net->ends[i].finished_ns = net->now_ns;
        }
        net->now_ns = next_event_ns(net);
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct end *from = w->answered ? &net->ends[i] : &net->ends[!i];
        if (net->ends[i].rx)
            nv_rx_finish(net->ends[i].rx, from->tx->seq_first, from->tx->seq_end);
    }
}

/* Every measured message is in exactly one place. */
static void check_ledger(const struct nv_tx *tx, const struct nv_rx *rx)
{
    assert_int_equal(tx->sched_count, tx->sent_count + tx->drop_eagain_count +
                                          tx->drop_enobufs_count + tx->err_emsgsize_count +
                                          tx->err_other_count + tx->unsent_count);
    assert_int_equal(tx->seq_end - tx->seq_first, tx->sched_count);
    assert_int_equal(rx->losses.scheduled_count, tx->sched_count);
    assert_int_equal(rx->unique_count + rx->losses.missing_count, tx->sched_count);
    assert_true(rx->unique_count <= tx->sent_count);
    assert_int_equal(rx->corrupt_count + rx->stray_count, 0);
    assert_int_equal(rx->resp.count, rx->unique_count);
}

/* 1000/s from 0 to 650 ms: messages 0 .. 649 at their ms, 100 .. 599 of them measured; each takes
 * 3 ms there (and 3 back). */
static void counts_are_exact(void **state)
{
    static const struct {
        const char *workload;
        unsigned direction;
        bool client_sends, server_sends; /* measured messages */
        uint64_t resp_ns;
    } rows[] = {
        {"stream", NV_UP, true, false, 3 * MS},
        {"stream", NV_DOWN, false, true, 3 * MS},
        {"stream", NV_BOTH, true, true, 3 * MS},
        {"rr", NV_UP, true, false, 6 * MS},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct net *net = new_net(rows[i].workload);
        net->spec.direction = rows[i].direction;
        net->delay_ns = 3 * MS;
        run_net(net);
        assert_in_range(net->ends[0].finished_ns, 649 * MS, 656 * MS); /* nobody waits in vain */
        assert_in_range(net->ends[1].finished_ns, 649 * MS, 656 * MS);
        for (unsigned client = 0; client < 2; client++) {
            if (!(client ? rows[i].client_sends : rows[i].server_sends))
                continue;
            const struct nv_tx *tx = net->ends[client].tx;
            const struct nv_rx *rx = net->ends[net->workload->answered ? client : !client].rx;
            check_ledger(tx, rx);
            assert_int_equal(tx->all_sched_count, 650);
            assert_int_equal(tx->all_sent_count, 650);
            assert_int_equal(tx->sent_count, 500);
            assert_int_equal(tx->seq_first, 100);
            assert_int_equal(tx->seq_end, 600);
            assert_int_equal(tx->sent_bytes, 500 * 64);
            assert_int_equal(tx->sched_lag.sum + tx->block_lag.sum, 0);
            assert_int_equal(rx->unique_count, 500);
            assert_int_equal(rx->unique_bytes, 500 * 64);
            assert_int_equal(rx->all_unique_count, 650);
            assert_int_equal(rx->resp.min, rows[i].resp_ns);
            assert_int_equal(rx->resp.max, rows[i].resp_ns);
            assert_int_equal(rx->dwell.max, 0);
            assert_int_equal(rx->ordering.reordered_count, 0);
        }
        free_net(net);
    }
}

/* Nobody runs from 200.5 to 210 ms: 201 .. 209 leave at 210, late by 9 + 8 + … + 1 = 45 ms. When
 * the socket is to blame instead of us, the same 45 ms are block lag. */
static void lateness_is_blamed_on_whom_it_is_due_to(void **state)
{
    (void)state;
    for (unsigned blocked = 0; blocked < 2; blocked++) {
        struct net *net = new_net("stream");
        net->delay_ns = MS / 4;
        *(blocked ? &net->shut_from_ns : &net->sleep_from_ns) = 200 * MS + MS / 2;
        *(blocked ? &net->shut_to_ns : &net->sleep_to_ns) = 210 * MS;
        run_net(net);
        const struct nv_tx *tx = net->ends[1].tx;
        const struct nv_hist *guilty = blocked ? &tx->block_lag : &tx->sched_lag;
        const struct nv_hist *innocent = blocked ? &tx->sched_lag : &tx->block_lag;
        assert_int_equal(guilty->sum, 45 * MS);
        assert_int_equal(guilty->max, 9 * MS);
        assert_int_equal(innocent->sum, 0);
        assert_int_equal(tx->late_sends_count, blocked ? 0 : 9);
        assert_int_equal(tx->sent_count, 500);
        /* Response counts from the intended time, service from the send. */
        assert_int_equal(net->ends[0].rx->resp.sum, (125 + 45) * MS);
        assert_int_equal(net->ends[0].rx->serv.sum, 125 * MS);
        free_net(net);
    }
}

/* From 300.5 ms on the socket takes nothing: 0 .. 300 were sent, 301 .. 599 of the measured are
 * not, and the sender gives up a drain after the end of the schedule. */
static void what_the_socket_never_takes_is_unsent(void **state)
{
    (void)state;
    for (unsigned answered = 0; answered < 2; answered++) {
        struct net *net = new_net(answered ? "rr" : "stream");
        net->shut_from_ns = 300 * MS + MS / 2;
        net->shut_to_ns = UINT64_MAX;
        run_net(net);
        const struct nv_tx *tx = net->ends[1].tx;
        check_ledger(tx, net->ends[answered].rx);
        assert_int_equal(tx->all_sched_count, 650);
        assert_int_equal(tx->all_sent_count, 301);
        assert_int_equal(tx->sent_count, 201);
        assert_int_equal(tx->unsent_count, 299);
        assert_int_equal(net->ends[answered].rx->unique_count, 201);
        assert_in_range(net->ends[1].finished_ns, 750 * MS, 751 * MS);
        /* Told that 301 are all, the server need not wait for more. */
        assert_in_range(net->ends[0].finished_ns, 750 * MS, 751 * MS);
        free_net(net);
    }
}

static void a_lost_reply_is_waited_for_until_the_drain_ends(void **state)
{
    (void)state;
    struct net *net = new_net("rr");
    net->delay_ns = 2 * MS;
    net->lost_type = NV_MSG_REPLY;
    net->lost_seq = 300;
    run_net(net);
    check_ledger(net->ends[1].tx, net->ends[1].rx);
    assert_int_equal(net->ends[1].rx->unique_count, 499);
    assert_in_range(net->ends[1].finished_ns, 750 * MS, 751 * MS);
    free_net(net);
}

/* A round trip of 2 ms: each of the window's places is used every 2 ms, 325 times in 650 ms, 250 of
 * them measured. */
static void a_closed_loop_keeps_its_window(void **state)
{
    static const unsigned windows[] = {1, 4, 13};
    (void)state;
    for (unsigned i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        struct net *net = new_net("rr");
        net->spec.rate = (struct nv_rate){.kind = NV_RATE_MAX};
        net->spec.window_msgs = windows[i];
        net->delay_ns = MS;
        run_net(net);
        check_ledger(net->ends[1].tx, net->ends[1].rx);
        assert_int_equal(net->in_flight_max, windows[i]);
        assert_int_equal(net->ends[1].tx->all_sent_count, 325 * windows[i]);
        assert_int_equal(net->ends[1].tx->sent_count, 250 * windows[i]);
        assert_int_equal(net->ends[1].rx->resp.min, 2 * MS);
        assert_int_equal(net->ends[1].rx->resp.max, 2 * MS);
        free_net(net);
    }
}

/* Request 10 leaves at 20 ms and is lost; its place is taken again a drain later, at 120 ms. So 0
 * .. 10 and then every 2 ms from 120 to 648: 11 + 265; measured from 120 to 598: 240. */
static void a_closed_loop_gives_a_lost_request_up(void **state)
{
    (void)state;
    struct net *net = new_net("rr");
    net->spec.rate = (struct nv_rate){.kind = NV_RATE_MAX};
    net->delay_ns = MS;
    net->lost_type = NV_MSG_REQUEST;
    net->lost_seq = 10;
    run_net(net);
    assert_int_equal(net->ends[1].tx->all_sent_count, 11 + 265);
    assert_int_equal(net->ends[1].tx->sent_count, 240);
    assert_int_equal(net->ends[1].rx->unique_count, 240);
    assert_int_equal(net->ends[1].rx->losses.missing_count, 0);
    free_net(net);
}

static void replies_have_their_own_size(void **state)
{
    (void)state;
    struct net *net = new_net("rr");
    net->spec.reply_bytes = 1000;
    run_net(net);
    assert_int_equal(net->ends[1].tx->sent_bytes, 500 * 64);
    assert_int_equal(net->ends[1].rx->unique_bytes, 500 * 1000);
    free_net(net);
}

/* Poisson arrivals, 10 % loss each way and jitter that reorders. The expected counts come from
 * walking the schedule and from what the links remember. */
static void ledgers_balance_under_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct net *net = new_net(seed & 1 ? "stream" : "rr");
        net->spec.seed = seed;
        net->spec.arrival = NV_ARRIVAL_POISSON;
        net->loss = seed % 3 ? 0.1 : 0;
        net->delay_ns = MS;
        net->jitter_ns = 5 * MS;
        run_net(net);
        const struct nv_tx *tx = net->ends[1].tx;
        const struct nv_rx *rx = net->ends[net->workload->answered].rx;
        struct nv_schedule_config schedule = nv_spec_schedule(&net->spec, 3, true);
        check_ledger(tx, rx);
        assert_int_equal(tx->sched_count, nv_schedule_count(&schedule, 100 * MS, 600 * MS));
        assert_int_equal(tx->all_sched_count, nv_schedule_count(&schedule, 0, UINT64_MAX));
        assert_int_equal(rx->losses.missing_count, net->dropped_count);
        assert_int_equal(rx->unique_count + net->dropped_count, tx->sent_count);
        free_net(net);
    }
}

/* Whatever the workload, it ends even when nothing ever arrives. */
static void all_workloads_end_in_silence(void **state)
{
    (void)state;
    for (const struct nv_workload *const *p = nv_workloads; *p; p++) {
        struct net *net = new_net((*p)->name);
        net->loss = 1;
        run_net(net);
        assert_int_equal(net->ends[1].tx->sent_count, 500);
        free_net(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test(lateness_is_blamed_on_whom_it_is_due_to),
        cmocka_unit_test(what_the_socket_never_takes_is_unsent),
        cmocka_unit_test(a_lost_reply_is_waited_for_until_the_drain_ends),
        cmocka_unit_test(a_closed_loop_keeps_its_window),
        cmocka_unit_test(a_closed_loop_gives_a_lost_request_up),
        cmocka_unit_test(replies_have_their_own_size),
        cmocka_unit_test(ledgers_balance_under_loss),
        cmocka_unit_test(all_workloads_end_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
