/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_HANDLES_BENCH_TEST_H
#define NV_TRANSPORT_HANDLES_BENCH_TEST_H

/* For tests of engine uv, with its inside: both ends of some flows over real sockets on loopback,
 * and calls of libuv that fail, or take less, when they are told to. */

#include "transport/handles.c" /* NOLINT(bugprone-suspicious-include): its inside is tested */

#include <sys/syscall.h>
#include <sys/uio.h>

#include "transport/loopback_test.h"
#include "wire/framer.h"

#define MS NV_NS_PER_MS
#define PATIENCE_NS (5 * NV_NS_PER_S)

static struct {
    int fail_with;       /* errno of the next sends, */
    unsigned fail_count; /* so many, */
    size_t take_first;   /* after one that takes so many bytes; 0: none is let through */
    unsigned calls;
} trap;

/* Whether the call is to fail; else *bytes is how many it may take at most. */
static inline bool sprung(size_t *bytes)
{
    trap.calls++;
    if (trap.take_first) {
        *bytes = trap.take_first;
        trap.take_first = 0;
        return false;
    }
    *bytes = SIZE_MAX;
    if (!trap.fail_count)
        return false;
    trap.fail_count--;
    errno = trap.fail_with;
    return true;
}

/* In place of the C library's, for libuv. */
ssize_t write(int fd, const void *data, size_t len_bytes)
{
    size_t most;
    if (sprung(&most))
        return -1;
    return syscall(SYS_write, fd, data, len_bytes < most ? len_bytes : most);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    size_t most;
    if (sprung(&most))
        return -1;
    struct iovec first = parts[0];
    if (most >= first.iov_len)
        most -= most == SIZE_MAX ? 0 : first.iov_len;
    else
        return syscall(SYS_write, fd, first.iov_base, most);
    if (most == SIZE_MAX)
        return syscall(SYS_writev, fd, parts, count);
    struct iovec both[2] = {first, parts[1]};
    both[1].iov_len = both[1].iov_len < most ? both[1].iov_len : most;
    return syscall(SYS_writev, fd, both, 2);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t most;
    return sprung(&most) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}

struct bench;

struct end {
    struct bench *bench;
    struct nv_channel channel;
    struct handles_engine engine;
    struct nv_framer framer;
    uint64_t arrived_count, wrong_count, received_count, more_count, writable_count;
    size_t last_bytes;
    uint64_t arrived_of[NV_LOOPBACK_FLOWS];
    bool yields, answers;
    bool deaf[NV_LOOPBACK_FLOWS];
};

struct bench {
    struct nv_loopback loopback;
    struct nv_payload payload;
    struct end client, server;
};

static inline struct nv_header message_of(uint64_t seq, uint32_t len_bytes)
{
    return (struct nv_header){
        .type = NV_MSG_DATA, .len_bytes = len_bytes, .run_tag = 0xabcd, .seq = seq, .count = 1};
}

static inline unsigned send_one(struct end *end, struct nv_header header, int *refusal)
{
    return handles_send(&end->engine, &header, 1, refusal);
}

/* In order, whatever the transport: loopback keeps it. */
static inline void take(struct end *end, unsigned flow, const struct nv_header *header)
{
    end->wrong_count += header->seq != end->arrived_of[flow]++;
    end->arrived_count++;
}

/* What the replies so far have come to, before the next request is passed on. */
static inline void check_replies(struct end *end)
{
    uint8_t reply[64];
    unsigned count = 0;
    while (recv(end->bench->loopback.clients[0].fd, reply, sizeof reply, MSG_DONTWAIT) > 0)
        count++;
    assert_int_equal(count, end->arrived_count > 0);
}

static inline bool end_received(void *context, const struct nv_received *received)
{
    struct end *end = context;
    struct nv_header header;
    struct nv_framed framed;
    end->received_count++;
    end->more_count += received->goes_on;
    end->last_bytes = received->len_bytes;
    if (end->answers)
        check_replies(end);
    if (nv_loopback_datagrams(&end->bench->loopback)) {
        if (received->len_bytes < NV_HEADER_BYTES)
            return !end->yields;
        assert_int_equal(nv_header_decode(&header, received->data), NV_DECODE_OK);
        if (header.len_bytes == received->len_bytes)
            take(end, received->flow, &header);
        end->wrong_count += !nv_payload_matches(&end->bench->payload, header.seq, 0,
                                                received->data + NV_HEADER_BYTES,
                                                header.len_bytes - NV_HEADER_BYTES);
        return !end->yields;
    }
    nv_framer_feed(&end->framer, received->data, received->len_bytes);
    while (nv_framer_next(&end->framer, &framed) > 0)
        take(end, received->flow, &framed.header);
    return !end->yields;
}

static inline void see_payload(void *context, const struct nv_header *header, uint32_t offset,
                               const uint8_t *data, size_t len_bytes)
{
    struct end *end = context;
    end->wrong_count +=
        !nv_payload_matches(&end->bench->payload, header->seq, offset, data, len_bytes);
}

static inline void end_writable(void *context, unsigned flow)
{
    struct end *end = context;
    (void)flow;
    end->writable_count++;
}

static inline bool end_wants(void *context, unsigned flow)
{
    const struct end *end = context;
    return !end->deaf[flow];
}

static inline int poll_end(struct end *end, uint64_t wait_ns)
{
    const struct nv_sink sink = {
        .context = end, .received = end_received, .writable = end_writable, .wants = end_wants};
    struct nv_error err = {0};
    uint64_t now_ns = nv_clock_ns();
    return handles_poll(&end->engine, now_ns, now_ns + wait_ns, &sink, &err);
}

static inline void poll_until_arrived(struct end *end, uint64_t count)
{
    uint64_t deadline_ns = nv_clock_ns() + PATIENCE_NS;
    while (end->arrived_count < count && nv_clock_ns() < deadline_ns)
        assert_int_equal(poll_end(end, 20 * MS), NV_OK);
    assert_int_equal(end->arrived_count, count);
    assert_int_equal(end->wrong_count, 0);
}

static inline void open_end(struct bench *bench, struct end *end, struct nv_socket *sockets)
{
    struct nv_error err = {0};
    end->bench = bench;
    end->channel = (struct nv_channel){.caps = bench->loopback.driver->transport->caps,
                                       .sockets = sockets,
                                       .flow_count = (unsigned)bench->loopback.spec.flows,
                                       .payload = &bench->payload,
                                       .t0_ns = nv_clock_ns()};
    nv_framer_init(&end->framer);
    end->framer.viewer = (struct nv_payload_viewer){.see = see_payload, .context = end};
    assert_int_equal(handles_open(&end->engine, &end->channel, &err), NV_OK);
}

static inline struct bench *new_bench(const char *transport, unsigned flows)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    memset(&trap, 0, sizeof trap);
    assert_true(
        nv_loopback_listen(&bench->loopback, nv_driver_find(transport, "uv", NULL), AF_INET));
    bench->loopback.spec.flows = flows;
    assert_int_equal(nv_payload_init(&bench->payload, 5, 70000), 0);
    nv_loopback_open(&bench->loopback);
    assert_int_equal(bench->loopback.connected, NV_OK);
    assert_int_equal(bench->loopback.accepted, NV_OK);
    open_end(bench, &bench->client, bench->loopback.clients);
    open_end(bench, &bench->server, bench->loopback.servers);
    return bench;
}

static inline void free_bench(struct bench *bench)
{
    handles_close(&bench->client.engine);
    handles_close(&bench->server.engine);
    nv_payload_dispose(&bench->payload);
    nv_loopback_close(&bench->loopback);
    free(bench);
}

#endif
