/* SPDX-License-Identifier: MIT */
/* ctest: serial */
#include "transport/handles_bench_test.h"

#include <netinet/tcp.h>

/* Traps of libuv's handles that concern streams, sockets and time. */

/* Wherever a write ends, also before the first byte: libuv is left with one message, no more, and
 * nothing else goes out before it. */
static void check_split(struct bench *bench, uint64_t seq, uint32_t len_bytes, size_t split)
{
    struct end *client = &bench->client;
    const uv_stream_t *stream = &client->engine.flows[0].handle.stream;
    uint64_t writable = client->writable_count;
    uint64_t partial = client->channel.sockets[0].io.partial_writes;
    int refusal;
    trap.take_first = split;
    trap.fail_with = EAGAIN;
    trap.fail_count = split ? 1 : 2;
    assert_int_equal(send_one(client, message_of(seq, len_bytes), &refusal), 1);
    assert_int_equal(refusal, EAGAIN);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send_one(client, message_of(seq + 1, len_bytes), &refusal), 0);
    assert_int_equal(refusal, EAGAIN);
    assert_int_equal(uv_stream_get_write_queue_size(stream), len_bytes - split);
    assert_int_equal(client->channel.sockets[0].io.partial_writes, partial + (split > 0));
    while (client->writable_count == writable)
        assert_int_equal(poll_end(client, 20 * MS), NV_OK);
    assert_int_equal(uv_stream_get_write_queue_size(stream), 0);
    assert_int_equal(send_one(client, message_of(seq + 1, len_bytes), &refusal), 1);
    poll_until_arrived(&bench->server, seq + 2);
}

static void writes_may_end_anywhere(void **state)
{
    static const uint32_t sizes[] = {40, 100, 2100};
    (void)state;
    struct bench *bench = new_bench("tcp", 1);
    uint64_t seq = 0;
    bench->client.deaf[0] = true; /* must not keep it from learning that it may write */
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t split = 0; split < sizes[i]; split++, seq += 2)
            check_split(bench, seq, sizes[i], split);
    free_bench(bench);
}

/* Read into a buffer that is full, there is more; a sink that wants control has it first. */
static void a_full_buffer_is_handed_on_alone(void **state)
{
    (void)state;
    struct bench *bench = new_bench("tcp", 1);
    struct end *server = &bench->server;
    server->yields = true;
    int refusal;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(send_one(&bench->client, message_of(i, 40000), &refusal), 1);
    for (unsigned polls = 0; server->arrived_count < 5; polls++) {
        assert_in_range(polls, 0, 1000);
        uint64_t received_count = server->received_count;
        assert_int_equal(poll_end(server, 20 * MS), NV_OK);
        assert_in_range(server->received_count, received_count, received_count + 1);
    }
    assert_int_equal(server->wrong_count, 0);
    free_bench(bench);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void sockets_stay_as_they_are_set(void **state)
{
    static const int options[][2] = {{SOL_SOCKET, SO_REUSEADDR}, {SOL_SOCKET, SO_REUSEPORT},
                                     {SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_RCVBUF},
                                     {SOL_SOCKET, SO_SNDBUF},    {IPPROTO_TCP, TCP_NODELAY}};
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        unsigned used = i & 1 ? 6 : 5;
        int fd = socket(AF_INET, i & 1 ? SOCK_STREAM : SOCK_DGRAM, 0);
        int on = i >> 1 & 1;
        int before[6];
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (i & 1)
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        for (unsigned o = 0; o < used; o++)
            before[o] = option_of(fd, options[o][0], options[o][1]);
        struct nv_socket socket = {.fd = fd};
        struct nv_channel channel = {.caps = i & 1 ? NV_CAP_RELIABLE : NV_CAP_DATAGRAMS,
                                     .sockets = &socket,
                                     .flow_count = 1};
        struct handles_engine engine = {0};
        struct nv_error err = {0};
        assert_int_equal(handles_open(&engine, &channel, &err), NV_OK);
        for (unsigned o = 0; o < used; o++)
            assert_int_equal(option_of(fd, options[o][0], options[o][1]), before[o]);
        handles_close(&engine);
        assert_int_equal(option_of(fd, SOL_SOCKET, SO_REUSEADDR), on); /* and is open still */
        (void)close(fd);
    }
}

/* libuv's timers count milliseconds: none would end before 1 ms. */
static void deadlines_are_finer_than_a_millisecond(void **state)
{
    (void)state;
    struct bench *bench = new_bench("udp", 1);
    uint64_t least_ns = UINT64_MAX;
    for (unsigned i = 0; i < 50; i++) {
        uint64_t start_ns = nv_clock_ns();
        while (nv_clock_ns() < start_ns + 200000)
            (void)poll_end(&bench->client, start_ns + 200000 - nv_clock_ns());
        uint64_t took_ns = nv_clock_ns() - start_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    assert_in_range(least_ns, 200000, 600000);
    free_bench(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_may_end_anywhere),
        cmocka_unit_test(a_full_buffer_is_handed_on_alone),
        cmocka_unit_test(sockets_stay_as_they_are_set),
        cmocka_unit_test(deadlines_are_finer_than_a_millisecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
