/* SPDX-License-Identifier: MIT */
#include "transport/blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hint.h"
#include "transport/fresh.h"
#include "transport/io.h"
#include "transport/socket.h"

/* One thread, one socket: recv sleeps until something comes. A send that finds no room is refused
 * like everywhere and waited for with ppoll, as is a deadline that is near. A recv may sleep past
 * everything else, so a timer of the thread's own interrupts it every PATIENCE; SO_RCVTIMEO would
 * do the same, but sets up and takes down a timer in each call, 3 % of a short round trip. */

#define READS_PER_TURN 64u
#define PATIENCE_NS (50 * NV_NS_PER_MS)
#define TICK_SIGNAL SIGURG /* harmless if it comes when nobody waits for it */

struct blocking_engine {
    struct nv_channel channel;
    struct nv_io_rest rest;
    struct nv_io_buffer buffer;
    timer_t ticker;
    bool ticks;
    bool blocked;
};

static void interrupt(int signal)
{
    (void)signal; /* that recv returns EINTR is all */
}

/* In the thread that will wait. One tick may come just before a recv: the next is not far. */
static int start_ticker(struct blocking_engine *engine)
{
    struct sigaction action = {.sa_handler = interrupt}; /* no SA_RESTART */
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL};
    const struct timespec patience = {.tv_nsec = (long)PATIENCE_NS};
    const struct itimerspec every = {.it_interval = patience, .it_value = patience};
    event._sigev_un._tid = gettid();
    if (sigaction(TICK_SIGNAL, &action, NULL) ||
        timer_create(CLOCK_MONOTONIC, &event, &engine->ticker))
        return -1;
    engine->ticks = true;
    return timer_settime(engine->ticker, 0, &every, NULL);
}

static int blocking_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct blocking_engine *engine = self;
    NV_ASSERT(channel->flow_count == 1);
    engine->channel = *channel;
    if (nv_io_buffer_open(&engine->buffer, channel, NV_IO_BUFFER_BYTES, err))
        return err->code;
    int fd = channel->sockets[0].fd;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK))
        return nv_fail_errno(err, NV_E_FAILED, errno, "blocking engine: fcntl");
    if (start_ticker(engine))
        return nv_fail_errno(err, NV_E_FAILED, errno, "blocking engine: timer_create");
    return NV_OK;
}

NV_HOT static unsigned blocking_send(void *self, struct nv_header *trains, unsigned count,
                                     int *refusal)
{
    struct blocking_engine *engine = self;
    unsigned sent = nv_io_send(&engine->channel, &engine->rest, trains, count, refusal);
    engine->blocked = *refusal == EAGAIN;
    return sent;
}

/* Spins the last stretch where the endpoint asked for it; input waits in the socket meanwhile. */
static void sleep_until(const struct blocking_engine *engine, uint64_t now_ns, uint64_t until_ns)
{
    if (until_ns > now_ns + engine->channel.spin_ns) /* a sleep that is over costs microseconds */
        nv_clock_sleep_until(until_ns - engine->channel.spin_ns);
    while (engine->channel.spin_ns && nv_clock_ns() < until_ns)
        nv_clock_relax();
}

/* What there is, until there is no more. */
NV_HOT static int receive(struct blocking_engine *engine, int flags, const struct nv_sink *sink,
                          struct nv_error *err)
{
    struct nv_io_buffer *buffer = &engine->buffer;
    enum nv_io_receive got = NV_IO_DATA;
    buffer->flags = flags;
    for (unsigned i = 0; i < READS_PER_TURN && got == NV_IO_DATA; i++) {
        got = nv_io_receive(&engine->channel, 0, buffer, sink, err);
        buffer->flags = MSG_DONTWAIT;
    }
    return got == NV_IO_FAILED ? err->code : NV_OK;
}

static int spin(struct blocking_engine *engine, const struct nv_sink *sink, struct nv_error *err)
{
    if (engine->blocked && nv_io_send_rest(&engine->channel, &engine->rest) != EAGAIN) {
        engine->blocked = false;
        sink->writable(sink->context, 0);
    }
    return sink->wants(sink->context, 0) ? receive(engine, MSG_DONTWAIT, sink, err) : NV_OK;
}

NV_HOT static int blocking_poll(void *self, uint64_t now_ns, uint64_t until_ns,
                                const struct nv_sink *sink, struct nv_error *err)
{
    struct blocking_engine *engine = self;
    int fd = engine->channel.sockets[0].fd;
    if (engine->channel.spins)
        return spin(engine, sink, err);
    if (engine->blocked) {
        short input = sink->wants(sink->context, 0) ? POLLIN : 0;
        int ready = nv_socket_wait(fd, POLLOUT | input, now_ns + PATIENCE_NS, err);
        if (ready < 0)
            return err->code;
        bool room = ready & ~POLLIN;
        engine->blocked = !room || nv_io_send_rest(&engine->channel, &engine->rest) == EAGAIN;
        if (!engine->blocked)
            sink->writable(sink->context, 0);
        until_ns = 0;
    }
    if (!sink->wants(sink->context, 0)) {
        uint64_t patience_ns = now_ns + PATIENCE_NS;
        sleep_until(engine, now_ns, until_ns < patience_ns ? until_ns : patience_ns);
        return NV_OK;
    }
    int flags = 0;
    if (until_ns < now_ns + PATIENCE_NS) {
        flags = MSG_DONTWAIT;
        if (until_ns > now_ns &&
            nv_socket_wait(fd, POLLIN, until_ns - engine->channel.spin_ns, err) < 0)
            return err->code;
    }
    return receive(engine, flags, sink, err);
}

static void blocking_close(void *self)
{
    struct blocking_engine *engine = self;
    if (engine->ticks)
        (void)timer_delete(engine->ticker);
    free(engine->buffer.bytes);
}

const struct nv_engine nv_blocking = {
    .name = "blocking",
    .help = "the textbook calls: recv sleeps until something comes, one thread per flow",
    .caps = NV_CAP_THREAD_PER_FLOW,
    .state_size = sizeof(struct blocking_engine),
    .open = blocking_open,
    .send = blocking_send,
    .poll = blocking_poll,
    .close = blocking_close,
    .fresh = &nv_fresh_blocking,
};
