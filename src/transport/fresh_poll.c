/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "transport/fresh.h"
#include "transport/socket.h"
#include "transport/waiter.h"

/* Many exchanges at a time. Their sockets come and go, and are watched by an epoll set of the
 * engine's own (one call for a socket's whole life), which the libuv loop watches.
 *
 * Happy path: an event makes its exchange go on (connected, sent, received, closed). The server
 * answers in the order in which it has delivered. Failure modes: an exchange that fails is closed
 * and its message lost; one that takes longer than a message may is given up. */

#define EXCHANGES_MAX 1024u
#define EVENTS_MAX 64
#define ACCEPTS_PER_TURN 64u
#define LOOK_OVER_NS (10 * NV_NS_PER_MS)

struct fresh_poll {
    struct nv_channel channel;
    struct nv_flow_plan plan;
    bool client, datagrams;
    struct nv_fresh *exchanges; /* EXCHANGES_MAX; fd -1: free */
    uint8_t *in;                /* theirs */
    unsigned free_count, asked_first, asked_count;
    unsigned free[EXCHANGES_MAX];
    unsigned asked[EXCHANGES_MAX]; /* server: a ring of what is delivered and not answered */
    int epoll_fd;
    uv_poll_t watcher;
    struct nv_waiter waiter;
    struct epoll_event events[EVENTS_MAX];
    unsigned event_first, event_count; /* not looked at yet */
    uint64_t look_over_ns;             /* when to look for those that take too long */
    bool full;                         /* client: a send was refused */
};

/* ---- exchanges ---- */

static struct nv_fresh *take_free(struct fresh_poll *engine)
{
    return engine->free_count ? &engine->exchanges[engine->free[--engine->free_count]] : NULL;
}

static void give_back(struct fresh_poll *engine, struct nv_fresh *exchange)
{
    if (engine->client || !engine->datagrams)
        nv_fresh_close(exchange);
    exchange->fd = -1;
    engine->free[engine->free_count++] = (unsigned)(exchange - engine->exchanges);
}

static int watch(struct fresh_poll *engine, int fd, uint32_t events, void *whose)
{
    struct epoll_event event = {.events = events, .data.ptr = whose};
    return epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? errno : 0;
}

static void epoll_poll_cb(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    uv_stop(handle->loop);
}

static int open_exchanges(struct fresh_poll *engine, struct nv_error *err)
{
    engine->exchanges = calloc(EXCHANGES_MAX, sizeof *engine->exchanges);
    engine->in = malloc((size_t)EXCHANGES_MAX * NV_FRESH_BYTES_MAX);
    if (!engine->exchanges || !engine->in)
        return nv_fail(err, NV_E_FAILED, "poll engine: no memory");
    for (unsigned i = EXCHANGES_MAX; i-- > 0;) {
        engine->exchanges[i].fd = -1;
        engine->exchanges[i].in = engine->in + (size_t)i * NV_FRESH_BYTES_MAX;
        engine->exchanges[i].calls = engine->channel.sockets[0].calls;
        engine->free[engine->free_count++] = i;
    }
    return NV_OK;
}

static int poll_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct fresh_poll *engine = self;
    engine->channel = *channel;
    engine->client = channel->plan->listen_fd < 0;
    engine->datagrams = channel->caps & NV_CAP_DATAGRAMS;
    engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (engine->epoll_fd < 0)
        return nv_fail_errno(err, NV_E_FAILED, errno, "epoll_create1");
    if (nv_fresh_plan(&engine->channel, &engine->plan, err) || open_exchanges(engine, err) ||
        nv_waiter_open(&engine->waiter, err))
        return err->code;
    int failed = uv_poll_init(&engine->waiter.loop, &engine->watcher, engine->epoll_fd);
    engine->watcher.data = failed ? NULL : engine;
    if (!failed)
        failed = uv_poll_start(&engine->watcher, UV_READABLE, epoll_poll_cb);
    if (failed)
        return nv_fail(err, NV_E_FAILED, "uv_poll: %s", uv_strerror(failed));
    int error = engine->client ? 0 : watch(engine, engine->plan.listen_fd, EPOLLIN, NULL);
    return error ? nv_fail_errno(err, NV_E_FAILED, error, "epoll_ctl") : NV_OK;
}

/* ---- sending ---- */

static int ask(struct fresh_poll *engine, struct nv_header *header)
{
    struct nv_fresh *exchange = take_free(engine);
    engine->full = !exchange;
    if (!exchange)
        return EAGAIN;
    exchange->calls = engine->channel.sockets[header->flow - engine->channel.first_flow].calls;
    int error = nv_fresh_begin(&engine->channel, exchange, header, SOCK_NONBLOCK);
    if (error == EINPROGRESS || error == EAGAIN)
        error = 0;
    if (!error)
        error = watch(engine, exchange->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, exchange);
    if (error)
        give_back(engine, exchange);
    return error;
}

static int answer(struct fresh_poll *engine, struct nv_header *header)
{
    struct nv_fresh *exchange =
        &engine->exchanges[engine->asked[engine->asked_first++ % EXCHANGES_MAX]];
    engine->asked_count--;
    int error = nv_fresh_answer(&engine->channel, exchange, header);
    if (error == EAGAIN && !engine->datagrams)
        return 0; /* goes on when there is room */
    if (error || engine->datagrams)
        give_back(engine, exchange);
    return error;
}

static unsigned poll_send(void *self, struct nv_header *trains, unsigned count, int *refusal)
{
    struct fresh_poll *engine = self;
    for (unsigned i = 0; i < count; i++) {
        *refusal = engine->client ? ask(engine, &trains[i]) : answer(engine, &trains[i]);
        if (*refusal)
            return i;
    }
    return count;
}

/* ---- receiving ---- */

static void deliver(struct fresh_poll *engine, struct nv_fresh *exchange,
                    const struct nv_sink *sink)
{
    if (!engine->client) {
        unsigned at = (engine->asked_first + engine->asked_count++) % EXCHANGES_MAX;
        engine->asked[at] = (unsigned)(exchange - engine->exchanges);
    }
    (void)nv_fresh_deliver(&engine->channel, exchange, sink);
    if (engine->client)
        give_back(engine, exchange);
}

static void go_on(struct fresh_poll *engine, struct nv_fresh *exchange, uint32_t events,
                  const struct nv_sink *sink)
{
    if (exchange->fd < 0)
        return;
    bool sending = exchange->rest.done_bytes < exchange->rest.len_bytes;
    if (sending && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        int error = nv_fresh_go_on(&engine->channel, exchange);
        exchange->answered |= !error && !engine->client;
        if (error && error != EAGAIN) {
            give_back(engine, exchange);
            return;
        }
    }
    if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)))
        return;
    enum nv_fresh_got got = nv_fresh_receive(&engine->channel, exchange, MSG_DONTWAIT);
    if (got == NV_FRESH_MESSAGE && !exchange->answered)
        deliver(engine, exchange, sink);
    else if (got != NV_FRESH_MORE)
        give_back(engine, exchange);
}

static void take_datagrams(struct fresh_poll *engine, const struct nv_sink *sink)
{
    struct nv_fresh *exchange;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && sink->wants(sink->context, 0) &&
                         (exchange = take_free(engine)) != NULL;
         i++) {
        exchange->fd = engine->plan.listen_fd;
        exchange->connected = exchange->answered = false;
        exchange->in_bytes = 0;
        if (nv_fresh_receive(&engine->channel, exchange, MSG_DONTWAIT) == NV_FRESH_MESSAGE) {
            deliver(engine, exchange, sink);
            continue;
        }
        give_back(engine, exchange);
        return;
    }
}

static void take_connections(struct fresh_poll *engine, const struct nv_sink *sink)
{
    struct nv_fresh *exchange;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && sink->wants(sink->context, 0) &&
                         (exchange = take_free(engine)) != NULL;
         i++) {
        int error = nv_fresh_accept(&engine->channel, exchange, SOCK_NONBLOCK);
        if (!error)
            error =
                watch(engine, exchange->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, exchange);
        if (error) {
            give_back(engine, exchange);
            return;
        }
        nv_fresh_count_open(&engine->channel, EXCHANGES_MAX - engine->free_count);
    }
}

/* What a client never hears of again, or a server. */
static void look_over(struct fresh_poll *engine, uint64_t now_ns)
{
    if (now_ns < engine->look_over_ns || (!engine->client && engine->datagrams))
        return;
    engine->look_over_ns = now_ns + LOOK_OVER_NS;
    for (unsigned i = 0; i < EXCHANGES_MAX && engine->free_count < EXCHANGES_MAX; i++)
        if (engine->exchanges[i].fd >= 0 &&
            now_ns > engine->exchanges[i].begun_ns + engine->channel.give_up_ns)
            give_back(engine, &engine->exchanges[i]);
}

static int poll_poll(void *self, uint64_t now_ns, uint64_t until_ns, const struct nv_sink *sink,
                     struct nv_error *err)
{
    struct fresh_poll *engine = self;
    (void)err;
    if (!engine->client && !sink->wants(sink->context, 0)) { /* who waits there, waits */
        nv_clock_sleep_until(until_ns);
        return NV_OK;
    }
    if (engine->event_first == engine->event_count) {
        uint64_t spin_ns = engine->channel.spin_ns;
        if (!engine->channel.spins)
            nv_waiter_run(&engine->waiter, now_ns, until_ns > spin_ns ? until_ns - spin_ns : 0);
        int ready = epoll_wait(engine->epoll_fd, engine->events, EVENTS_MAX, 0);
        engine->event_first = 0;
        engine->event_count = ready > 0 ? (unsigned)ready : 0;
    }
    while (engine->event_first < engine->event_count) {
        const struct epoll_event *event = &engine->events[engine->event_first++];
        if (event->data.ptr)
            go_on(engine, event->data.ptr, event->events, sink);
        else if (engine->datagrams)
            take_datagrams(engine, sink);
        else
            take_connections(engine, sink);
        if (!engine->client && engine->asked_count)
            break;
    }
    look_over(engine, now_ns);
    if (engine->full && engine->free_count) {
        engine->full = false;
        for (unsigned i = 0; i < engine->channel.flow_count; i++)
            sink->writable(sink->context, i);
    }
    return NV_OK;
}

static void poll_close(void *self)
{
    struct fresh_poll *engine = self;
    for (unsigned i = 0; engine->exchanges && i < EXCHANGES_MAX; i++)
        if (engine->client || !engine->datagrams)
            nv_fresh_close(&engine->exchanges[i]);
    if (engine->watcher.data)
        uv_close((uv_handle_t *)&engine->watcher, NULL);
    nv_waiter_close(&engine->waiter);
    if (engine->epoll_fd > 0)
        (void)close(engine->epoll_fd);
    free(engine->exchanges);
    free(engine->in);
}

const struct nv_engine nv_fresh_poll = {
    .name = "poll",
    .help = "many exchanges at a time, watched by epoll in a libuv loop",
    .state_size = sizeof(struct fresh_poll),
    .open = poll_open,
    .send = poll_send,
    .poll = poll_poll,
    .close = poll_close,
};
