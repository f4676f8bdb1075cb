/* SPDX-License-Identifier: MIT */
#include "transport/blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/clock.h"
#include "transport/io.h"
#include "transport/socket.h"

/* The textbook calls on one socket. A blocking receive or send comes back after PATIENCE at the
 * latest, so that the thread can notice that its run has ended; only a deadline nearer than that is
 * waited for with ppoll. */

#define PATIENCE_NS (50 * NV_NS_PER_MS)

struct blocking_engine {
    struct nv_channel channel;
    struct nv_io_rest rest;
    uint8_t *buffer;
    bool blocked;
};

static int blocking_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct blocking_engine *engine = self;
    NV_ASSERT(channel->flow_count == 1);
    engine->channel = *channel;
    engine->buffer = malloc(NV_IO_BUFFER_BYTES);
    if (!engine->buffer)
        return nv_fail(err, NV_E_FAILED, "blocking engine: no memory");
    int fd = channel->sockets[0].fd;
    int flags = fcntl(fd, F_GETFL);
    struct timeval patience = {.tv_usec = (suseconds_t)(PATIENCE_NS / NV_NS_PER_US)};
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience))
        return nv_fail_errno(err, NV_E_FAILED, errno, "blocking engine: setsockopt SO_RCVTIMEO");
    return NV_OK;
}

static unsigned blocking_send(void *self, struct nv_header *messages, unsigned count, int *refusal)
{
    struct blocking_engine *engine = self;
    unsigned sent = nv_io_send(&engine->channel, &engine->rest, messages, count, refusal);
    engine->blocked = *refusal == EAGAIN;
    return sent;
}

/* Spins the last stretch where the endpoint asked for it; input waits in the socket meanwhile. */
static void sleep_until(const struct blocking_engine *engine, uint64_t until_ns)
{
    if (until_ns > engine->channel.spin_ns)
        nv_clock_sleep_until(until_ns - engine->channel.spin_ns);
    while (engine->channel.spin_ns && nv_clock_ns() < until_ns)
        nv_clock_relax();
}

static int blocking_poll(void *self, uint64_t until_ns, const struct nv_sink *sink,
                         struct nv_error *err)
{
    struct blocking_engine *engine = self;
    if (engine->blocked) { /* the send itself waits, up to PATIENCE */
        engine->blocked = nv_io_send_rest(&engine->channel, &engine->rest) == EAGAIN;
        if (!engine->blocked)
            sink->writable(sink->context, 0);
        until_ns = 0;
    }
    uint64_t now_ns = nv_clock_ns();
    if (!sink->wants(sink->context, 0)) {
        uint64_t patience_ns = now_ns + PATIENCE_NS;
        sleep_until(engine, until_ns < patience_ns ? until_ns : patience_ns);
        return NV_OK;
    }
    struct nv_io_buffer buffer = {.bytes = engine->buffer, .err = err};
    if (until_ns < now_ns + PATIENCE_NS) {
        buffer.flags = MSG_DONTWAIT;
        if (until_ns > now_ns && nv_socket_wait(engine->channel.sockets[0].fd, POLLIN,
                                                until_ns - engine->channel.spin_ns, err) < 0)
            return err->code;
    }
    enum nv_io_receive got = NV_IO_DATA;
    for (unsigned i = 0; i < 64 && got == NV_IO_DATA; i++) {
        got = nv_io_receive(&engine->channel, 0, &buffer, sink);
        buffer.flags = MSG_DONTWAIT;
    }
    return got == NV_IO_FAILED ? err->code : NV_OK;
}

static void blocking_close(void *self)
{
    struct blocking_engine *engine = self;
    free(engine->buffer);
}

const struct nv_engine nv_blocking = {
    .name = "blocking",
    .help = "the textbook calls: blocking send and recv, one thread per flow",
    .caps = NV_CAP_THREAD_PER_FLOW,
    .state_size = sizeof(struct blocking_engine),
    .open = blocking_open,
    .send = blocking_send,
    .poll = blocking_poll,
    .close = blocking_close,
};
