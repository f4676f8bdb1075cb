/* SPDX-License-Identifier: MIT */
/* ctest: timing */
#include "transport/loopback_test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "wire/framer.h"

/* What every engine on every transport must keep to, over real sockets on loopback, both families.
 * A new row of the registry is tested by being there. */

#define MS NV_NS_PER_MS
#define PATIENCE_NS (5 * NV_NS_PER_S) /* for what must happen */

struct desk;

/* One end: an engine, and what has arrived. */
struct side {
    struct desk *desk;
    struct nv_channel channel;
    void *engine;
    struct nv_framer framer;
    uint64_t next_seq; /* that should arrive, where order is promised */
    uint64_t arrived_count, recv_count, writable_count, wrong_count;
    uint64_t payload_seen; /* bytes */
    unsigned last_flow;
    bool deaf; /* wants nothing */
};

struct desk {
    struct nv_loopback loopback;
    struct nv_payload payload;
    struct side client, server;
    uint64_t t0_ns;
    bool spins;
};

static void see_payload(void *context, const struct nv_header *header, uint32_t offset,
                        const uint8_t *data, size_t len_bytes)
{
    struct side *side = context;
    side->payload_seen += len_bytes;
    side->wrong_count +=
        !nv_payload_matches(&side->desk->payload, header->seq, offset, data, len_bytes);
}

static void take(struct side *side, const struct nv_header *header)
{
    bool ordered = side->desk->loopback.driver->transport->caps & NV_CAP_ORDERED;
    side->wrong_count += ordered && header->seq != side->next_seq;
    side->wrong_count += header->t_snd_ns > nv_clock_ns() - side->channel.t0_ns;
    side->next_seq++;
    side->arrived_count++;
}

static void take_datagram(struct side *side, const uint8_t *data, size_t len_bytes)
{
    struct nv_header header;
    assert_int_equal(nv_header_decode(&header, data), NV_DECODE_OK);
    assert_int_equal(header.len_bytes, len_bytes); /* whole */
    see_payload(side, &header, 0, data + NV_HEADER_BYTES, len_bytes - NV_HEADER_BYTES);
    take(side, &header);
}

static bool side_received(void *context, const struct nv_received *received)
{
    struct side *side = context;
    struct nv_framed framed;
    side->last_flow = received->flow;
    side->recv_count++;
    if (nv_loopback_datagrams(&side->desk->loopback)) {
        size_t segment_bytes = received->segment_bytes;
        for (size_t at = 0; at < received->len_bytes; at += segment_bytes)
            take_datagram(side, received->data + at,
                          received->len_bytes - at < segment_bytes ? received->len_bytes - at
                                                                   : segment_bytes);
        return true;
    }
    nv_framer_feed(&side->framer, received->data, received->len_bytes);
    int got;
    while ((got = nv_framer_next(&side->framer, &framed)) > 0)
        take(side, &framed.header);
    assert_int_equal(got, 0);
    return true;
}

static void side_writable(void *context, unsigned flow)
{
    struct side *side = context;
    (void)flow;
    side->writable_count++;
}

static bool side_wants(void *context, unsigned flow)
{
    struct side *side = context;
    (void)flow;
    return !side->deaf;
}

static int poll_side(struct side *side, uint64_t until_ns, struct nv_error *err)
{
    const struct nv_sink sink = {
        .context = side, .received = side_received, .writable = side_writable, .wants = side_wants};
    return side->desk->loopback.driver->engine->poll(side->engine, nv_clock_ns(), until_ns, &sink,
                                                     err);
}

static void open_side(struct side *side, struct nv_socket *sockets, unsigned flow_count)
{
    const struct nv_engine *engine = side->desk->loopback.driver->engine;
    struct nv_error err = {0};
    side->channel = (struct nv_channel){.caps = side->desk->loopback.driver->transport->caps,
                                        .sockets = sockets,
                                        .flow_count = flow_count,
                                        .payload = &side->desk->payload,
                                        .spins = side->desk->spins,
                                        .t0_ns = side->desk->t0_ns};
    nv_framer_init(&side->framer);
    side->framer.viewer = (struct nv_payload_viewer){.see = see_payload, .context = side};
    side->engine = calloc(1, engine->state_size);
    assert_non_null(side->engine);
    assert_int_equal(engine->open(side->engine, &side->channel, &err), NV_OK);
}

static void close_side(struct side *side)
{
    if (side->engine)
        side->desk->loopback.driver->engine->close(side->engine);
    free(side->engine);
    side->engine = NULL;
}

typedef void check(struct desk *desk);

/* Opens the flows at both ends and runs the check. */
static void on_driver(check *run, const struct nv_loopback *how, int family, bool spins)
{
    struct desk *desk = calloc(1, sizeof *desk);
    assert_non_null(desk);
    if (!nv_loopback_listen(&desk->loopback, how->driver, family)) {
        free(desk);
        return;
    }
    unsigned flows = (unsigned)how->spec.flows;
    desk->loopback.spec.flows = flows;
    desk->loopback.spec.sndbuf_bytes = desk->loopback.spec.rcvbuf_bytes = how->spec.rcvbuf_bytes;
    assert_int_equal(nv_payload_init(&desk->payload, 5, 70000), 0);
    nv_loopback_open(&desk->loopback);
    assert_int_equal(desk->loopback.connected, NV_OK);
    assert_int_equal(desk->loopback.accepted, NV_OK);
    desk->client.desk = desk->server.desk = desk;
    desk->spins = spins;
    desk->t0_ns = nv_clock_ns();
    open_side(&desk->client, desk->loopback.clients, flows);
    open_side(&desk->server, desk->loopback.servers, flows);
    run(desk);
    close_side(&desk->client);
    close_side(&desk->server);
    nv_payload_dispose(&desk->payload);
    nv_loopback_close(&desk->loopback);
    free(desk);
}

/* Every driver that takes so many flows, on both families, asleep and spinning. */
static void on_drivers(check *run, unsigned flows, uint64_t buffer_bytes)
{
    static const int families[] = {AF_INET, AF_INET6};
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        struct nv_loopback how = {.driver = d,
                                  .spec = {.flows = flows, .rcvbuf_bytes = buffer_bytes}};
        if (flows > 1 && d->engine->caps & NV_CAP_THREAD_PER_FLOW)
            continue;
        for (unsigned i = 0; i < 4; i++)
            on_driver(run, &how, families[i % 2], i / 2);
    }
}

static struct nv_header message_of(uint64_t seq, uint32_t len_bytes)
{
    return (struct nv_header){
        .type = NV_MSG_DATA, .len_bytes = len_bytes, .run_tag = 0xabcd, .seq = seq, .count = 1};
}

static unsigned send_one(struct side *side, struct nv_header header, int *refusal)
{
    *refusal = 0;
    return side->desk->loopback.driver->engine->send(side->engine, &header, 1, refusal);
}

static void poll_until_arrived(struct side *side, uint64_t count)
{
    struct nv_error err = {0};
    uint64_t deadline_ns = nv_clock_ns() + PATIENCE_NS;
    while (side->arrived_count < count && nv_clock_ns() < deadline_ns)
        assert_int_equal(poll_side(side, nv_clock_ns() + 20 * MS, &err), NV_OK);
    assert_int_equal(side->arrived_count, count);
}

/* Sizes around the header's, a segment's and the largest datagram's; both ways, each byte checked.
 */
static void check_exchange(struct desk *desk)
{
    static const uint32_t sizes[] = {40, 41, 64, 1000, 1448, 1473, 4096, 9000, 32768, 65506, 65507};
    struct side *const sides[] = {&desk->client, &desk->server};
    uint64_t payload_bytes = 0;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (unsigned from = 0; from < 2; from++) {
            int refusal;
            assert_int_equal(send_one(sides[from], message_of(i, sizes[i]), &refusal), 1);
            assert_int_equal(refusal, 0);
            poll_until_arrived(sides[!from], i + 1);
        }
        payload_bytes += sizes[i] - NV_HEADER_BYTES;
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(sides[i]->wrong_count, 0);
        assert_int_equal(sides[i]->payload_seen, payload_bytes);
        if (nv_loopback_datagrams(&desk->loopback))
            assert_int_equal(sides[i]->recv_count, sizeof sizes / sizeof sizes[0]);
        assert_true(sides[i]->channel.sockets[0].io.recv_calls == sides[i]->recv_count);
        assert_true(sides[i]->channel.sockets[0].io.send_calls >= sizeof sizes / sizeof sizes[0]);
    }
}

static void messages_arrive_intact(void **state)
{
    (void)state;
    on_drivers(check_exchange, 1, 0);
}

/* A batch in one call; on a stream the receiver may get several in one receive. */
static void check_batch(struct desk *desk)
{
    struct nv_header batch[50];
    int refusal = 0;
    for (unsigned i = 0; i < 50; i++)
        batch[i] = message_of(i, 40 + i);
    for (unsigned sent = 0; sent < 50;) {
        sent += desk->loopback.driver->engine->send(desk->client.engine, &batch[sent], 50 - sent,
                                                    &refusal);
        assert_int_equal(refusal, 0);
    }
    for (unsigned i = 1; i < 50; i++)
        assert_true(batch[i].t_snd_ns >= batch[i - 1].t_snd_ns);
    poll_until_arrived(&desk->server, 50);
    assert_int_equal(desk->server.wrong_count, 0);
    if (nv_loopback_datagrams(&desk->loopback))
        assert_int_equal(desk->server.recv_count, 50);
}

static void batches_keep_order_and_boundaries(void **state)
{
    (void)state;
    on_drivers(check_batch, 1, 0);
}

static void check_flow_numbers(struct desk *desk)
{
    for (unsigned flow = 0; flow < NV_LOOPBACK_FLOWS; flow++) {
        struct nv_header header = message_of(flow, 100);
        int refusal;
        header.flow = (uint16_t)flow;
        nv_framer_init(&desk->server.framer);
        assert_int_equal(send_one(&desk->client, header, &refusal), 1);
        poll_until_arrived(&desk->server, flow + 1);
        assert_int_equal(desk->server.last_flow, flow);
    }
}

static void flows_are_told_apart(void **state)
{
    (void)state;
    on_drivers(check_flow_numbers, NV_LOOPBACK_FLOWS, 0);
}

/* Nobody reads: a reliable transport refuses in the end, loses nothing, and tells when it takes
 * more; the message it took in part is finished. Datagrams never hold up whoever sends them. */
static void check_back_pressure(struct desk *desk)
{
    enum { MESSAGES = 400, LEN_BYTES = 5003 };
    struct nv_error err = {0};
    uint64_t sent = 0;
    int refusal = 0;
    while (sent < MESSAGES && !refusal)
        sent += send_one(&desk->client, message_of(sent, LEN_BYTES), &refusal);
    if (!nv_loopback_reliable(&desk->loopback)) {
        assert_true(refusal == 0 || refusal == EAGAIN);
        return;
    }
    assert_int_equal(refusal, EAGAIN);
    assert_in_range(sent, 1, MESSAGES - 1);
    assert_int_equal(desk->client.writable_count, 0);
    desk->client.deaf = true; /* must not keep it from learning that it may write */
    uint64_t deadline_ns = nv_clock_ns() + 4 * PATIENCE_NS;
    bool blocked = true;
    while (desk->server.arrived_count < MESSAGES && nv_clock_ns() < deadline_ns) {
        uint64_t writable = desk->client.writable_count;
        if (blocked)
            assert_int_equal(poll_side(&desk->client, nv_clock_ns() + MS, &err), NV_OK);
        blocked = blocked && desk->client.writable_count == writable;
        refusal = 0;
        while (!blocked && !refusal && sent < MESSAGES)
            sent += send_one(&desk->client, message_of(sent, LEN_BYTES), &refusal);
        blocked = blocked || refusal == EAGAIN;
        assert_int_equal(poll_side(&desk->server, nv_clock_ns() + MS, &err), NV_OK);
    }
    assert_int_equal(desk->server.arrived_count, MESSAGES);
    assert_int_equal(desk->server.wrong_count, 0);
    assert_int_equal(desk->server.payload_seen, MESSAGES * (LEN_BYTES - NV_HEADER_BYTES));
    assert_true(desk->client.writable_count > 0);
}

static void back_pressure_loses_nothing(void **state)
{
    (void)state;
    on_drivers(check_back_pressure, 1, 65536);
}

/* One byte more than UDP holds: refused, and the next message is none the worse for it. */
static void check_too_long(struct desk *desk)
{
    int refusal;
    if (!nv_loopback_datagrams(&desk->loopback))
        return;
    struct sockaddr_storage *address = &desk->loopback.client_plan.address;
    uint32_t too_long = address->ss_family == AF_INET6 ? 65528 : 65508;
    assert_int_equal(send_one(&desk->client, message_of(0, too_long), &refusal), 0);
    assert_int_equal(refusal, EMSGSIZE);
    assert_int_equal(send_one(&desk->client, message_of(1, 100), &refusal), 1);
    assert_int_equal(refusal, 0);
    poll_until_arrived(&desk->server, 1);
    assert_int_equal(desk->server.payload_seen, 60);
}

static void what_no_datagram_holds_is_refused(void **state)
{
    (void)state;
    on_drivers(check_too_long, 1, 0);
}

/* Polls until until_ns; how many polls that took. */
static unsigned idle(struct side *side, uint64_t until_ns, int *result)
{
    struct nv_error err = {0};
    unsigned polls = 0;
    for (*result = 0; nv_clock_ns() < until_ns && !*result; polls++)
        *result = poll_side(side, until_ns, &err);
    return polls;
}

/* Early returns are allowed, spinning is not unless asked for; and nothing but a deadline ends the
 * wait. */
static void check_deadline(struct desk *desk)
{
    static const uint64_t waits_ns[] = {0, 50000, 3 * MS, 40 * MS, 120 * MS};
    for (unsigned i = 0; i < 2 * sizeof waits_ns / sizeof waits_ns[0]; i++) {
        int result;
        desk->client.deaf = i & 1;
        uint64_t start_ns = nv_clock_ns();
        unsigned polls = idle(&desk->client, start_ns + waits_ns[i / 2], &result);
        assert_int_equal(result, NV_OK);
        assert_in_range(nv_clock_ns() - start_ns, waits_ns[i / 2], waits_ns[i / 2] + 500 * MS);
        assert_true(polls <= 10 || desk->spins);
    }
    desk->client.deaf = false;
    int refusal;
    struct nv_error err = {0};
    uint64_t start_ns = nv_clock_ns();
    assert_int_equal(send_one(&desk->server, message_of(0, 64), &refusal), 1);
    while (!desk->client.arrived_count)
        assert_int_equal(poll_side(&desk->client, start_ns + PATIENCE_NS, &err), NV_OK);
    assert_in_range(nv_clock_ns() - start_ns, 0, 1000 * MS);
}

static void a_poll_ends_by_its_deadline_or_with_input(void **state)
{
    (void)state;
    on_drivers(check_deadline, 1, 0);
}

/* The far end goes away: an error where it matters, and no spinning where it does not. */
static void check_peer_gone(struct desk *desk)
{
    int result = 0;
    int refusal = 0;
    close_side(&desk->server);
    nv_sockets_close(desk->loopback.servers, 1);
    (void)close(desk->loopback.server_plan.listen_fd);
    desk->loopback.server_plan.listen_fd = -1;
    for (unsigned i = 0; i < 5 && !nv_loopback_reliable(&desk->loopback); i++)
        (void)send_one(&desk->client, message_of(i, 64), &refusal);
    unsigned polls = idle(&desk->client, nv_clock_ns() + 250 * MS, &result);
    assert_int_equal(result, nv_loopback_reliable(&desk->loopback) ? NV_E_PEER : NV_OK);
    if (!nv_loopback_reliable(&desk->loopback)) {
        assert_true(polls <= 20 || desk->spins);
        return;
    }
    for (unsigned i = 0; i < 10 && !refusal; i++) {
        (void)send_one(&desk->client, message_of(i, 64), &refusal);
        nv_clock_sleep_until(nv_clock_ns() + 5 * MS);
    }
    assert_true(refusal == EPIPE || refusal == ECONNRESET);
}

static void only_reliable_flows_end_with_their_peer(void **state)
{
    (void)state;
    on_drivers(check_peer_gone, 1, 0);
}

/* No descriptors are left: open says so or succeeds, and close is safe after either. */
static void check_no_descriptors(struct desk *desk)
{
    const struct nv_engine *engine = desk->loopback.driver->engine;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int lowest = dup(0);
    assert_true(lowest >= 0);
    (void)close(lowest);
    for (unsigned spare = 0; spare < 8; spare++) {
        struct nv_error err = {0};
        struct rlimit tight = limit;
        void *self = calloc(1, engine->state_size);
        assert_non_null(self);
        tight.rlim_cur = (rlim_t)lowest + spare;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        int failed = engine->open(self, &desk->client.channel, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(failed, err.code);
        engine->close(self);
        free(self);
    }
}

static void opening_without_descriptors_fails_cleanly(void **state)
{
    (void)state;
    on_drivers(check_no_descriptors, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_intact),
        cmocka_unit_test(batches_keep_order_and_boundaries),
        cmocka_unit_test(flows_are_told_apart),
        cmocka_unit_test(back_pressure_loses_nothing),
        cmocka_unit_test(what_no_datagram_holds_is_refused),
        cmocka_unit_test(a_poll_ends_by_its_deadline_or_with_input),
        cmocka_unit_test(only_reliable_flows_end_with_their_peer),
        cmocka_unit_test(opening_without_descriptors_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
