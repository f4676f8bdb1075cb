/* SPDX-License-Identifier: MIT */
#include "transport/handles.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "transport/io.h"
#include "transport/waiter.h"

/* A handle owns its descriptor, so each is opened on a duplicate of the flow's.
 *
 * Happy path: poll() turns the loop; libuv asks where to read to (flow_alloc_cb), reads, and calls
 * back. A sink that wants control is given it by refusing that place: libuv then stops reading,
 * without the calls that stopping and starting the handle would cost. Datagrams that the same
 * recvmmsg has brought already are held meanwhile, and handed on by the next poll().
 * Failure modes: a stream that takes too little is left with the rest, and its callback says that
 * there is room again. A refused datagram is its sender's again, who may drop it, so that nothing
 * is queued; a uv_poll_t tells when there is room. A datagram socket with a queued error wakes the
 * loop for nothing until the error queue is emptied. */

#define DATAGRAM_BYTES 65536u /* libuv cuts its buffer into so many; longer ones there are not */
#define RETRY_NS (100 * NV_NS_PER_US)

struct handles_engine;

struct handles_flow {
    union {
        uv_handle_t any; /* data is NULL until it is one */
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_udp_t udp;
    } handle;
    uv_poll_t room;         /* of datagrams */
    uv_write_t write;       /* of streams, for which `rest` is lent to libuv */
    struct nv_io_rest rest; /* names the flow */
    struct handles_engine *engine;
    int failed; /* errno of a write that libuv was left with */
    bool reading;
    bool blocked;
    bool told;    /* there was room, and nothing has been taken since */
    bool yielded; /* the sink wants control */
    bool fed;     /* something has come since it was last found empty */
};

/* A datagram that has been read and not handed on. */
struct handles_held {
    const uint8_t *data;
    size_t len_bytes;
};

struct handles_engine {
    struct nv_channel channel;
    struct nv_waiter waiter;
    struct handles_flow *flows;
    struct nv_io_rest *outgoing; /* NV_HANDLES_AT_ONCE datagrams */
    struct nv_io_buffer buffer;
    unsigned chunk_count; /* that the latest call has brought so far */
    struct handles_flow *held_flow;
    unsigned held_first, held_end;
    struct handles_held held[NV_HANDLES_AT_ONCE];
    bool retrying;
    const struct nv_sink *sink; /* during poll() */
    struct nv_error *err;
    int failed;
};

static bool streams(const struct handles_engine *engine)
{
    return engine->channel.caps & NV_CAP_RELIABLE;
}

static struct nv_socket *socket_of(const struct handles_flow *flow)
{
    return &flow->engine->channel.sockets[flow->rest.flow];
}

static unsigned parts_of(const struct nv_channel *channel, const struct nv_io_rest *rest,
                         uv_buf_t parts[2])
{
    struct iovec vectors[2];
    unsigned used = nv_io_parts(channel, rest, vectors);
    for (unsigned i = 0; i < used; i++)
        parts[i] = uv_buf_init(vectors[i].iov_base, (unsigned)vectors[i].iov_len);
    return used;
}

/* There is room again, or the next send will tell why not. */
static void make_writable(struct handles_flow *flow)
{
    struct handles_engine *engine = flow->engine;
    flow->blocked = false;
    flow->told = true;
    engine->sink->writable(engine->sink->context, flow->rest.flow);
}

/* ---- sending: streams ---- */

static void flow_write_cb(uv_write_t *request, int status)
{
    struct handles_flow *flow = request->data;
    if (status == UV_ECANCELED) /* the engine is being closed */
        return;
    uv_stop(request->handle->loop);
    flow->failed = -status;
    make_writable(flow);
}

/* 0: gone; EAGAIN: libuv has the rest; else nothing of it went out. */
static int write_stream(struct handles_flow *flow)
{
    const struct nv_channel *channel = &flow->engine->channel;
    struct nv_io_rest *rest = &flow->rest;
    uv_buf_t parts[2];
    socket_of(flow)->io.send_calls++;
    int n = uv_try_write(&flow->handle.stream, parts, parts_of(channel, rest, parts));
    if (n < 0 && n != UV_EAGAIN)
        return -n;
    rest->done_bytes = n > 0 ? (uint32_t)n : 0;
    if (rest->done_bytes == rest->len_bytes)
        return 0;
    socket_of(flow)->io.partial_writes += rest->done_bytes > 0;
    socket_of(flow)->io.send_calls++;
    unsigned used = parts_of(channel, rest, parts);
    n = uv_write(&flow->write, &flow->handle.stream, parts, used, flow_write_cb);
    flow->blocked = n == 0;
    return n < 0 ? -n : EAGAIN;
}

static unsigned send_stream(struct handles_flow *flow, struct nv_header *trains, unsigned count,
                            int *refusal)
{
    const struct nv_channel *channel = &flow->engine->channel;
    unsigned sent = 0;
    *refusal = flow->blocked ? EAGAIN : flow->failed;
    for (bool alone = true; alone && sent < count && !*refusal;) {
        struct nv_header *train = &trains[sent];
        nv_header_stamp(train, nv_clock_ns() - channel->t0_ns);
        nv_io_set_rest(channel, &flow->rest, train, 0);
        *refusal = write_stream(flow);
        alone = train->count == 1;
        sent += !*refusal || *refusal == EAGAIN;
    }
    return sent;
}

/* ---- sending: datagrams ---- */

static void flow_room_cb(uv_poll_t *handle, int status, int events)
{
    struct handles_flow *flow = handle->data;
    (void)events;
    uv_stop(handle->loop);
    (void)uv_poll_stop(handle);
    if (status < 0)
        nv_io_drain_errors(socket_of(flow)->fd);
    make_writable(flow);
}

/* How many of the outgoing were taken, or libuv's error. */
static int try_send(struct handles_flow *flow, unsigned count)
{
    struct handles_engine *engine = flow->engine;
    uv_buf_t parts[NV_HANDLES_AT_ONCE][2];
    unsigned used[NV_HANDLES_AT_ONCE];
    NV_ASSERT(count);
    for (unsigned i = 0; i < count; i++)
        used[i] = parts_of(&engine->channel, &engine->outgoing[i], parts[i]);
    socket_of(flow)->io.send_calls++;
#if UV_VERSION_HEX >= 0x013200
    if (count > 1) {
        uv_buf_t *messages[NV_HANDLES_AT_ONCE];
        struct sockaddr *nobody[NV_HANDLES_AT_ONCE] = {NULL}; /* the socket is connected */
        for (unsigned i = 0; i < count; i++)
            messages[i] = parts[i];
        return uv_udp_try_send2(&flow->handle.udp, count, messages, used, nobody, 0);
    }
#endif
    int n = uv_udp_try_send(&flow->handle.udp, parts[0], used[0], NULL);
    return n < 0 ? n : 1;
}

/* Makes as many outgoing as one call may take. */
static unsigned lay_out(struct handles_engine *engine, struct nv_header *trains, unsigned count)
{
    unsigned most = nv_handles_at_once(NV_HANDLES_AT_ONCE, UV_VERSION_HEX);
    unsigned laid = 0;
    uint64_t now_ns = nv_clock_ns() - engine->channel.t0_ns;
    for (unsigned i = 0; i < count && laid < most; i++) {
        nv_header_stamp(&trains[i], now_ns);
        struct nv_header message = trains[i];
        for (; message.count && laid < most; message.seq++, message.count--)
            nv_io_set_rest(&engine->channel, &engine->outgoing[laid++], &message, 0);
    }
    return laid;
}

static unsigned send_datagrams(struct handles_flow *flow, struct nv_header *trains, unsigned count,
                               int *refusal)
{
    int n = try_send(flow, lay_out(flow->engine, trains, count));
    NV_ASSERT(n != 0);
    *refusal = n < 0 ? -n : 0;
    if (*refusal && *refusal != EAGAIN)
        nv_io_drain_errors(socket_of(flow)->fd);
    flow->blocked = *refusal == EAGAIN;
    flow->told &= n < 0;
    return n > 0 ? (unsigned)n : 0;
}

static unsigned handles_send(void *self, struct nv_header *trains, unsigned count, int *refusal)
{
    struct handles_engine *engine = self;
    struct handles_flow *flow = &engine->flows[trains[0].flow - engine->channel.first_flow];
    return streams(engine) ? send_stream(flow, trains, count, refusal)
                           : send_datagrams(flow, trains, count, refusal);
}

/* ---- receiving ---- */

/* What a read returned, n as libuv has it; goes_on: as in nv_received. */
static void deliver(struct handles_flow *flow, ssize_t n, const uint8_t *data, bool goes_on)
{
    struct handles_engine *engine = flow->engine;
    struct nv_received received = {.flow = flow->rest.flow, .data = data, .goes_on = goes_on};
    errno = n < 0 ? (int)-n : 0;
    enum nv_io_receive got =
        nv_io_deliver(&engine->channel, &received, n < 0 ? -1 : n, engine->sink, engine->err);
    flow->fed |= n > 0;
    if (got == NV_IO_FAILED) {
        engine->failed = engine->err->code;
        flow->reading = false; /* libuv has stopped by itself */
    }
    flow->yielded =
        got == NV_IO_YIELD ||
        (got == NV_IO_DATA && !engine->sink->wants(engine->sink->context, received.flow));
}

static void flow_alloc_cb(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buffer)
{
    struct handles_flow *flow = handle->data;
    struct handles_engine *engine = flow->engine;
    (void)suggested_bytes;
    engine->chunk_count = 0;
    if (engine->channel.late_acks)
        nv_io_hold_ack(&engine->channel, flow->rest.flow);
    bool full = flow->yielded || engine->held_end;
    *buffer = full ? uv_buf_init(NULL, 0)
                   : uv_buf_init((char *)engine->buffer.bytes, (unsigned)engine->buffer.size_bytes);
}

static void flow_read_cb(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    if (n == UV_ENOBUFS && !buffer->base) /* by flow_alloc_cb */
        return;
    uv_stop(stream->loop);
    if (n == 0 || n == UV_EOF)
        n = n ? 0 : UV_EAGAIN;
    deliver(stream->data, n, (const uint8_t *)buffer->base, false);
}

/* A truncated datagram is delivered, too: it is shorter than its header says. */
static void flow_recv_cb(uv_udp_t *handle, ssize_t n, const uv_buf_t *buffer,
                         const struct sockaddr *from, unsigned flags)
{
    struct handles_flow *flow = handle->data;
    struct handles_engine *engine = flow->engine;
    const uint8_t *data = (const uint8_t *)buffer->base;
    if (!data || (flags & UV_UDP_MMSG_FREE)) /* refused by flow_alloc_cb; or a call is over */
        return;
    uv_stop(handle->loop);
    if (!from) { /* no datagram, not an empty one */
        if (n == 0 && !flow->fed)
            nv_io_drain_errors(socket_of(flow)->fd);
        flow->fed = false;
        deliver(flow, n ? n : UV_EAGAIN, NULL, false);
        return;
    }
    bool goes_on = engine->chunk_count++ > 0;
    socket_of(flow)->io.truncated += (flags & UV_UDP_PARTIAL) != 0;
    if (!flow->yielded) {
        deliver(flow, n, data, goes_on);
        return;
    }
    engine->held_flow = flow;
    engine->held[engine->held_end++] = (struct handles_held){data, (size_t)n};
}

static void deliver_held(struct handles_engine *engine)
{
    struct handles_flow *flow = engine->held_flow;
    for (flow->yielded = false; engine->held_first < engine->held_end && !flow->yielded;) {
        const struct handles_held *held = &engine->held[engine->held_first++];
        deliver(flow, (ssize_t)held->len_bytes, held->data, true);
    }
    if (engine->held_first == engine->held_end)
        engine->held_first = engine->held_end = 0;
}

/* ---- waiting ---- */

static int set_reading(struct handles_flow *flow, bool reads)
{
    if (reads == flow->reading)
        return 0;
    flow->reading = reads;
    if (streams(flow->engine))
        return reads ? uv_read_start(&flow->handle.stream, flow_alloc_cb, flow_read_cb)
                     : uv_read_stop(&flow->handle.stream);
    return reads ? uv_udp_recv_start(&flow->handle.udp, flow_alloc_cb, flow_recv_cb)
                 : uv_udp_recv_stop(&flow->handle.udp);
}

/* Refused although there was room: the local queue is full, of which no event tells the end. */
static bool retries(const struct handles_flow *flow)
{
    return flow->blocked && flow->told && !streams(flow->engine);
}

static int set_room(struct handles_flow *flow)
{
    bool waits = flow->blocked && !flow->told && !streams(flow->engine);
    if (waits == (bool)uv_is_active((uv_handle_t *)&flow->room))
        return 0;
    return waits ? uv_poll_start(&flow->room, UV_WRITABLE, flow_room_cb)
                 : uv_poll_stop(&flow->room);
}

/* *watched: whether anything but the time is waited for; *due_ns: brought forward to a retry. */
static int watch_flows(struct handles_engine *engine, uint64_t now_ns, bool *watched,
                       uint64_t *due_ns)
{
    *watched = engine->retrying = false;
    for (unsigned i = 0; i < engine->channel.flow_count; i++) {
        struct handles_flow *flow = &engine->flows[i];
        bool reads = !engine->held_end && engine->sink->wants(engine->sink->context, i);
        flow->yielded = false;
        *watched |= reads || flow->blocked;
        int failed = set_reading(flow, reads);
        if (!failed && !streams(engine))
            failed = set_room(flow);
        if (failed)
            return nv_fail(engine->err, NV_E_FAILED, "a libuv handle: %s", uv_strerror(failed));
        engine->retrying |= retries(flow);
    }
    if (engine->retrying && *due_ns > now_ns + RETRY_NS)
        *due_ns = now_ns + RETRY_NS;
    return NV_OK;
}

static void retry(struct handles_engine *engine)
{
    for (unsigned i = 0; i < engine->channel.flow_count && engine->retrying; i++)
        if (retries(&engine->flows[i]))
            make_writable(&engine->flows[i]);
}

static int run_loop(struct handles_engine *engine, uint64_t now_ns, uint64_t until_ns)
{
    bool watched;
    uint64_t spin_ns = engine->channel.spin_ns;
    uint64_t due_ns = until_ns > spin_ns && !engine->channel.spins ? until_ns - spin_ns : 0;
    int failed = watch_flows(engine, now_ns, &watched, &due_ns);
    if (failed)
        return failed;
    if (now_ns < due_ns || watched)
        nv_waiter_run(&engine->waiter, now_ns, due_ns);
    retry(engine);
    return engine->failed;
}

static int handles_poll(void *self, uint64_t now_ns, uint64_t until_ns, const struct nv_sink *sink,
                        struct nv_error *err)
{
    struct handles_engine *engine = self;
    engine->sink = sink;
    engine->err = err;
    engine->failed = 0;
    if (engine->held_end && sink->wants(sink->context, engine->held_flow->rest.flow))
        deliver_held(engine);
    else
        engine->failed = run_loop(engine, now_ns, until_ns);
    engine->sink = NULL;
    return engine->failed;
}

/* ---- opening and closing ---- */

/* uv_udp_open lets others bind to the port as well; sockets stay as the transport has set them. */
static int open_datagrams(uv_udp_t *handle, int fd)
{
    int reuse = 0;
    socklen_t len = sizeof reuse;
    (void)getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, &len);
    int failed = uv_udp_open(handle, fd);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    return failed;
}

static int open_handle(struct handles_flow *flow)
{
    uv_loop_t *loop = &flow->engine->waiter.loop;
    bool stream = streams(flow->engine);
    bool many = flow->engine->buffer.size_bytes >= DATAGRAM_BYTES; /* libuv reads none otherwise */
    int failed =
        stream ? uv_tcp_init(loop, &flow->handle.tcp)
               : uv_udp_init_ex(loop, &flow->handle.udp, AF_UNSPEC | (many ? UV_UDP_RECVMMSG : 0u));
    if (failed)
        return failed;
    flow->handle.any.data = flow->write.data = flow;
    int fd = fcntl(socket_of(flow)->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    failed = stream ? uv_tcp_open(&flow->handle.tcp, fd) : open_datagrams(&flow->handle.udp, fd);
    if (failed)
        (void)close(fd);
    if (failed || stream)
        return failed;
    failed = uv_poll_init(loop, &flow->room, socket_of(flow)->fd);
    flow->room.data = failed ? NULL : flow;
    return failed;
}

/* A connection that is gone is an error of its flow and no reason to end the process. */
static void block_sigpipe(void)
{
    sigset_t pipe;
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
}

static int handles_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct handles_engine *engine = self;
    block_sigpipe();
    engine->channel = *channel;
    size_t own_bytes =
        streams(engine) ? NV_IO_BUFFER_BYTES : (size_t)DATAGRAM_BYTES * NV_HANDLES_AT_ONCE;
    if (nv_io_buffer_open(&engine->buffer, channel, own_bytes, err))
        return err->code;
    engine->outgoing = calloc(NV_HANDLES_AT_ONCE, sizeof *engine->outgoing);
    engine->flows = calloc(channel->flow_count, sizeof *engine->flows);
    if (!engine->outgoing || !engine->flows)
        return nv_fail(err, NV_E_FAILED, "uv engine: no memory");
    if (nv_waiter_open(&engine->waiter, err))
        return err->code;
    for (unsigned i = 0; i < channel->flow_count; i++) {
        struct handles_flow *flow = &engine->flows[i];
        flow->engine = engine;
        flow->rest.flow = i;
        int failed = open_handle(flow);
        if (failed)
            return nv_fail(err, NV_E_FAILED, "uv engine: %s", uv_strerror(failed));
    }
    return NV_OK;
}

static void handles_close(void *self)
{
    struct handles_engine *engine = self;
    for (unsigned i = 0; engine->flows && i < engine->channel.flow_count; i++) {
        if (engine->flows[i].handle.any.data)
            uv_close(&engine->flows[i].handle.any, NULL);
        if (engine->flows[i].room.data)
            uv_close((uv_handle_t *)&engine->flows[i].room, NULL);
    }
    nv_waiter_close(&engine->waiter);
    free(engine->flows);
    free(engine->outgoing);
    free(engine->buffer.bytes);
}

const struct nv_engine nv_handles = {
    .name = "uv",
    .help = "libuv's own TCP and UDP handles, as an application written on libuv has them",
    .state_size = sizeof(struct handles_engine),
    .open = handles_open,
    .send = handles_send,
    .poll = handles_poll,
    .close = handles_close,
};
