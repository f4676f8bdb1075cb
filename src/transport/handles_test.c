/* SPDX-License-Identifier: MIT */
/* ctest: serial */
#include "transport/handles_bench_test.h"

#include <time.h>

/* Traps of libuv's handles that concern datagrams. */

static void send_many(struct end *end, unsigned count)
{
    struct nv_header messages[128];
    int refusal;
    for (unsigned i = 0; i < count; i++)
        messages[i] = message_of(i, 64 + i);
    for (unsigned sent = 0; sent < count;) {
        sent += handles_send(&end->engine, &messages[sent], count - sent, &refusal);
        assert_int_equal(refusal, 0);
    }
}

/* uv_udp_send would keep back all replies but the first until all requests are read. */
static void replies_leave_one_by_one(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 1);
    struct end *server = &bench->server;
    send_many(&bench->client, 30);
    server->yields = server->answers = true;
    for (unsigned i = 0; i < 30; i++) {
        int refusal;
        poll_until_arrived(server, i + 1);
        assert_int_equal(server->received_count, i + 1);
        assert_int_equal(send_one(server, message_of(i, 64), &refusal), 1);
    }
    assert_int_equal(server->channel.sockets[0].io.recv_calls, 2);
    assert_int_equal(server->channel.sockets[0].io.recv_empty, 0);
    free_bench(bench);
}

static void bursts_come_once_and_in_order(void **state)
{
    static const unsigned bursts[] = {1, 19, 20, 21, 32, 33, 40, 41, 100};
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof bursts / sizeof bursts[0]; i++) {
        unsigned burst = bursts[i / 2];
        struct bench *bench = new_bench("udp", 1);
        struct end *server = &bench->server;
        send_many(&bench->client, burst);
        server->yields = i % 2;
        poll_until_arrived(server, burst);
        (void)poll_end(server, MS);
        assert_int_equal(server->received_count, burst);
        unsigned calls = (burst + 19) / 20;
        assert_int_equal(server->channel.sockets[0].io.recv_calls, calls);
        assert_int_equal(server->more_count, burst - calls);
        free_bench(bench);
    }
}

static void many_come_by_one_call(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 1);
    const struct handles_engine *engine = &bench->server.engine;
    assert_int_equal(engine->buffer.size_bytes, 20 * 65536);
    assert_true(uv_udp_using_recvmmsg(&engine->flows[0].handle.udp));
    free_bench(bench);
}

/* libuv calls back for nothing, too; a datagram may be empty. */
static void nothing_is_not_a_datagram(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 1);
    struct end *server = &bench->server;
    const struct nv_io_counters *io = &server->channel.sockets[0].io;
    (void)poll_end(server, MS);
    send_many(&bench->client, 1);
    poll_until_arrived(server, 1);
    (void)poll_end(server, MS);
    assert_int_equal(server->received_count, 1);
    assert_int_equal(io->recv_calls, 1);
    assert_int_equal(io->recv_empty, 1);
    assert_int_equal(send(bench->loopback.clients[0].fd, NULL, 0, 0), 0);
    (void)poll_end(server, 100 * MS);
    assert_int_equal(server->received_count, 2);
    assert_int_equal(server->last_bytes, 0);
    assert_int_equal(io->recv_calls, 2);
    free_bench(bench);
}

/* No datagram is longer than what it is read into, so that this is libuv's word alone: it must not
 * pass for the whole message that its header tells of. */
static void truncated_datagrams_are_not_whole(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 1);
    struct end *server = &bench->server;
    struct handles_engine *engine = &server->engine;
    const struct sockaddr from = {.sa_family = AF_INET};
    const struct nv_header header = message_of(0, DATAGRAM_BYTES + 1);
    const struct nv_sink sink = {.context = server, .received = end_received, .wants = end_wants};
    uv_buf_t buffer = uv_buf_init((char *)engine->buffer.bytes, DATAGRAM_BYTES);
    nv_header_encode(&header, engine->buffer.bytes);
    memcpy(engine->buffer.bytes + NV_HEADER_BYTES, nv_payload_of(&bench->payload, 0),
           DATAGRAM_BYTES - NV_HEADER_BYTES);
    engine->sink = &sink;
    flow_recv_cb(&engine->flows[0].handle.udp, DATAGRAM_BYTES, &buffer, &from,
                 UV_UDP_MMSG_CHUNK | UV_UDP_PARTIAL);
    assert_int_equal(server->received_count, 1);
    assert_int_equal(server->last_bytes, DATAGRAM_BYTES);
    assert_int_equal(server->arrived_count, 0);
    (void)poll_end(server, MS);
    free_bench(bench);
}

/* A refused datagram is the caller's; libuv keeps none. */
static void refused_datagrams_are_not_queued(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 1);
    struct end *client = &bench->client;
    int refusal;
    trap.fail_with = EAGAIN;
    trap.fail_count = 10;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(send_one(client, message_of(0, 64), &refusal), 0);
        assert_int_equal(refusal, EAGAIN);
    }
    assert_int_equal(uv_udp_get_send_queue_count(&client->engine.flows[0].handle.udp), 0);
    assert_int_equal(uv_udp_get_send_queue_size(&client->engine.flows[0].handle.udp), 0);
    client->deaf[0] = true;
    for (unsigned i = 0; i < 10 && !client->writable_count; i++)
        assert_int_equal(poll_end(client, 100 * MS), NV_OK);
    assert_int_equal(client->writable_count, 1);
    assert_int_equal(send_one(client, message_of(0, 64), &refusal), 1);
    poll_until_arrived(&bench->server, 1);
    free_bench(bench);
}

/* libuv says EAGAIN for ENOBUFS, when the socket has room all the while. */
static void a_full_local_queue_is_not_asked_all_the_time(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 1);
    struct end *client = &bench->client;
    int refusal;
    trap.fail_with = ENOBUFS;
    trap.fail_count = UINT32_MAX;
    uint64_t end_ns = nv_clock_ns() + 50 * MS;
    while (nv_clock_ns() < end_ns) {
        uint64_t writable = client->writable_count;
        assert_int_equal(send_one(client, message_of(0, 64), &refusal), 0);
        assert_int_equal(refusal, EAGAIN);
        while (client->writable_count == writable)
            assert_int_equal(poll_end(client, 100 * MS), NV_OK);
    }
    assert_in_range(trap.calls, 3, 50 * MS / RETRY_NS + 2);
    trap.fail_count = 0;
    assert_int_equal(send_one(client, message_of(0, 64), &refusal), 1);
    poll_until_arrived(&bench->server, 1);
    free_bench(bench);
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec used;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
    return (uint64_t)used.tv_sec * NV_NS_PER_S + (uint64_t)used.tv_nsec;
}

/* Nothing to hand on, and asleep. */
static void assert_idle(struct end *end)
{
    uint64_t cpu_ns = thread_cpu_ns();
    uint64_t end_ns = nv_clock_ns() + 50 * MS;
    unsigned polls = 0;
    for (; nv_clock_ns() < end_ns; polls++)
        assert_int_equal(poll_end(end, 50 * MS), NV_OK);
    assert_in_range(polls, 1, 5);
    assert_in_range(thread_cpu_ns() - cpu_ns, 0, 10 * MS);
}

/* An error that a send has reported already stays in the socket's queue. */
static void check_error_queue(struct end *client)
{
    int fd = client->channel.sockets[0].fd;
    int pending = 0;
    socklen_t len = sizeof pending;
    (void)send(fd, "", 1, 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &len), 0);
    assert_int_equal(pending, ECONNREFUSED);
    assert_idle(client);
}

/* Whoever listens again is served again. */
static void refused_by_the_peer_goes_on(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 1);
    struct end *client = &bench->client;
    struct sockaddr_storage address = bench->loopback.client_plan.address;
    int refusal;
    handles_close(&bench->server.engine);
    nv_sockets_close(bench->loopback.servers, 1);
    (void)close(bench->loopback.server_plan.listen_fd);
    bench->loopback.server_plan.listen_fd = -1;
    for (unsigned i = 0; i < 5; i++) {
        (void)send_one(client, message_of(0, 64), &refusal);
        assert_true(refusal == 0 || refusal == ECONNREFUSED);
        assert_int_equal(poll_end(client, 5 * MS), NV_OK);
    }
    assert_true(client->channel.sockets[0].io.refused_count > 0);
    assert_int_equal(client->received_count, 0);
    check_error_queue(client);
    struct nv_error err = {0};
    bench->loopback.servers[0].fd = nv_socket_listen(SOCK_DGRAM, &address, NULL, &err);
    assert_true(bench->loopback.servers[0].fd >= 0);
    memset(&bench->server.engine, 0, sizeof bench->server.engine);
    open_end(bench, &bench->server, bench->loopback.servers);
    assert_int_equal(send_one(client, message_of(0, 64), &refusal), 1);
    poll_until_arrived(&bench->server, 1);
    free_bench(bench);
}

/* Held datagrams are in the one buffer: other flows wait, asleep, and lose nothing. */
static void one_flow_holds_up_others(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 2);
    struct end *server = &bench->server;
    send_many(&bench->client, 5);
    server->yields = true;
    poll_until_arrived(server, 1);
    struct nv_header other = message_of(0, 64);
    int refusal;
    other.flow = 1;
    assert_int_equal(send_one(&bench->client, other, &refusal), 1);
    server->deaf[0] = true;
    assert_idle(server);
    assert_int_equal(server->arrived_count, 1);
    server->deaf[0] = false;
    poll_until_arrived(server, 6);
    assert_int_equal(server->arrived_of[1], 1);
    free_bench(bench);
}

static void calls_take_what_libuv_can(void **state)
{
    (void)state;
    assert_int_equal(nv_handles_at_once(64, 0x012c02), 1); /* 1.44.2 */
    assert_int_equal(nv_handles_at_once(64, 0x0131ff), 1);
    assert_int_equal(nv_handles_at_once(64, 0x013200), 20); /* 1.50.0 */
    assert_int_equal(nv_handles_at_once(21, 0x013400), 20);
    assert_int_equal(nv_handles_at_once(20, 0x013400), 20);
    assert_int_equal(nv_handles_at_once(7, 0x013400), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_leave_one_by_one),
        cmocka_unit_test(bursts_come_once_and_in_order),
        cmocka_unit_test(many_come_by_one_call),
        cmocka_unit_test(nothing_is_not_a_datagram),
        cmocka_unit_test(truncated_datagrams_are_not_whole),
        cmocka_unit_test(refused_datagrams_are_not_queued),
        cmocka_unit_test(a_full_local_queue_is_not_asked_all_the_time),
        cmocka_unit_test(refused_by_the_peer_goes_on),
        cmocka_unit_test(one_flow_holds_up_others),
        cmocka_unit_test(calls_take_what_libuv_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
