/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "transport/fresh.h"
#include "transport/socket.h"

/* One exchange at a time, in calls that wait: the textbook client and the textbook server.
 *
 * The client's send makes all calls up to the request's send; its poll receives the reply and
 * closes. The server's poll accepts and receives, its send answers, and its next poll waits for the
 * client to close. A call that waits for longer than a message may take gives up. */

#define PATIENCE_NS (50 * NV_NS_PER_MS)

struct fresh_blocking {
    struct nv_channel channel;
    struct nv_flow_plan plan;
    struct nv_fresh exchange;
    bool client, datagrams;
    bool busy; /* the exchange is under way */
};

static int blocking_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct fresh_blocking *engine = self;
    engine->channel = *channel;
    engine->exchange.fd = -1;
    engine->client = channel->plan->listen_fd < 0;
    engine->datagrams = channel->caps & NV_CAP_DATAGRAMS;
    engine->exchange.calls = channel->sockets[0].calls;
    if (channel->spins)
        return nv_fail(err, NV_E_USAGE,
                       "wait: engine blocking sleeps in its calls where each "
                       "message has a socket of its own; spin with poll");
    if (nv_fresh_plan(&engine->channel, &engine->plan, err))
        return err->code;
    engine->exchange.in = malloc(NV_FRESH_BYTES_MAX);
    return engine->exchange.in ? NV_OK : nv_fail(err, NV_E_FAILED, "blocking engine: no memory");
}

/* One that shares its socket with all others has nothing to close. */
static void end_exchange(struct fresh_blocking *engine)
{
    if (engine->client || !engine->datagrams)
        nv_fresh_close(&engine->exchange);
    engine->busy = false;
}

static unsigned blocking_send(void *self, struct nv_header *trains, unsigned count, int *refusal)
{
    struct fresh_blocking *engine = self;
    (void)count;
    if (engine->client == engine->busy) {
        *refusal = EAGAIN; /* a client that is waiting; or a server whom nobody waits for */
        return 0;
    }
    *refusal = engine->client ? nv_fresh_begin(&engine->channel, &engine->exchange, trains, 0)
                              : nv_fresh_answer(&engine->channel, &engine->exchange, trains);
    if (*refusal == EAGAIN || *refusal == EINPROGRESS) /* after SO_SNDTIMEO */
        *refusal = ETIMEDOUT;
    if (*refusal || (!engine->client && engine->datagrams))
        end_exchange(engine);
    else
        engine->busy = true;
    return *refusal ? 0 : 1;
}

/* Until a message is there, or will not come. */
static bool await_message(struct fresh_blocking *engine)
{
    uint64_t until_ns = nv_clock_ns() + engine->channel.give_up_ns;
    enum nv_fresh_got got = NV_FRESH_MORE;
    while (got == NV_FRESH_MORE && nv_clock_ns() < until_ns)
        got = nv_fresh_receive(&engine->channel, &engine->exchange, 0);
    return got == NV_FRESH_MESSAGE;
}

static void client_poll(struct fresh_blocking *engine, uint64_t until_ns,
                        const struct nv_sink *sink)
{
    if (!engine->busy) {
        nv_clock_sleep_until(until_ns);
        return;
    }
    if (await_message(engine))
        (void)nv_fresh_deliver(&engine->channel, &engine->exchange, sink);
    end_exchange(engine);
    sink->writable(sink->context, 0);
}

static int server_poll(struct fresh_blocking *engine, uint64_t until_ns, const struct nv_sink *sink,
                       struct nv_error *err)
{
    struct nv_fresh *exchange = &engine->exchange;
    if (engine->busy) { /* the client closes first */
        if (exchange->answered)
            (void)await_message(engine);
        end_exchange(engine);
        return NV_OK;
    }
    if (!sink->wants(sink->context, 0)) {
        nv_clock_sleep_until(until_ns);
        return NV_OK;
    }
    int ready = nv_socket_wait(engine->plan.listen_fd, POLLIN, until_ns, err);
    if (ready <= 0)
        return ready;
    exchange->fd = engine->plan.listen_fd;
    if (!engine->datagrams && nv_fresh_accept(&engine->channel, exchange, 0))
        return NV_OK;
    nv_fresh_count_open(&engine->channel, !engine->datagrams);
    bool got = engine->datagrams
                   ? nv_fresh_receive(&engine->channel, exchange, 0) == NV_FRESH_MESSAGE
                   : await_message(engine);
    engine->busy = got;
    if (got)
        (void)nv_fresh_deliver(&engine->channel, exchange, sink);
    else
        end_exchange(engine);
    return NV_OK;
}

static int blocking_poll(void *self, uint64_t now_ns, uint64_t until_ns, const struct nv_sink *sink,
                         struct nv_error *err)
{
    struct fresh_blocking *engine = self;
    uint64_t patience_ns = now_ns + PATIENCE_NS;
    until_ns = until_ns < patience_ns ? until_ns : patience_ns;
    if (!engine->client)
        return server_poll(engine, until_ns, sink, err);
    client_poll(engine, until_ns, sink);
    return NV_OK;
}

static void blocking_close(void *self)
{
    struct fresh_blocking *engine = self;
    if (engine->exchange.in)
        end_exchange(engine);
    free(engine->exchange.in);
}

const struct nv_engine nv_fresh_blocking = {
    .name = "blocking",
    .help = "the textbook calls, one exchange at a time and thread",
    .caps = NV_CAP_THREAD_PER_FLOW,
    .state_size = sizeof(struct fresh_blocking),
    .open = blocking_open,
    .send = blocking_send,
    .poll = blocking_poll,
    .close = blocking_close,
};
