/* SPDX-License-Identifier: MIT */
#include "transport/poll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/hint.h"
#include "transport/fresh.h"
#include "transport/gather.h"
#include "transport/stamped.h"
#include "transport/waiter.h"

/* Two engines wait alike and call differently: poll makes one call a message, batch gathers.
 *
 * Happy path: poll() turns the loop until something comes or its deadline has; a readable socket is
 * read until it is empty or the sink wants control, a writable one is reported. Failure modes: a
 * datagram socket with a queued error makes libuv stop the handle with a status, so the error queue
 * is emptied and the handle started again; a reliable socket that has ended fails the poll. */

#define READS_PER_TURN 64u

struct poll_flow {
    uv_poll_t watcher;
    struct poll_engine *engine;
    unsigned index;
    int events; /* what the watcher is started for */
    bool blocked;
    struct nv_gather_flow gathered; /* of poll, only the rest */
};

struct poll_engine {
    enum nv_io_receive (*receive)(struct poll_engine *, unsigned flow);
    struct nv_channel channel;
    struct poll_flow *flows;
    struct nv_io_buffer buffer; /* of poll */
    struct nv_gather gather;    /* of batch */
    struct nv_stamped stamped;  /* of poll, with diag */
    const struct nv_sink *sink; /* during poll() */
    struct nv_error *err;
    int failed;
    struct nv_waiter waiter;
};

NV_HOT static void read_flow(struct poll_engine *engine, struct poll_flow *flow)
{
    for (unsigned i = 0; i < READS_PER_TURN; i++) {
        enum nv_io_receive got = engine->receive(engine, flow->index);
        if (got == NV_IO_FAILED)
            engine->failed = engine->err->code;
        if (got != NV_IO_DATA || !engine->sink->wants(engine->sink->context, flow->index))
            return;
    }
}

NV_HOT static void flow_poll_cb(uv_poll_t *handle, int status, int events)
{
    struct poll_flow *flow = handle->data;
    struct poll_engine *engine = flow->engine;
    uv_stop(&engine->waiter.loop);
    if (!engine->sink)
        return;
    if (status < 0) {
        if (engine->stamped.flows)
            nv_stamped_drain(&engine->stamped, flow->index);
        nv_io_drain_errors(engine->channel.sockets[flow->index].fd);
        flow->events = 0;
        events = UV_READABLE | (flow->blocked ? UV_WRITABLE : 0);
    }
    if ((events & UV_WRITABLE) &&
        nv_io_send_rest(&engine->channel, &flow->gathered.rest) != EAGAIN) {
        flow->blocked = false;
        engine->sink->writable(engine->sink->context, flow->index);
    }
    if (events & UV_READABLE)
        read_flow(engine, flow);
}

static int open_loop(struct poll_engine *engine, const struct nv_channel *channel,
                     struct nv_error *err)
{
    engine->channel = *channel;
    engine->flows = calloc(channel->flow_count, sizeof *engine->flows);
    if (!engine->flows)
        return nv_fail(err, NV_E_FAILED, "no memory");
    if (nv_waiter_open(&engine->waiter, err))
        return err->code;
    int failed = 0;
    for (unsigned i = 0; i < channel->flow_count && !failed; i++) {
        struct poll_flow *flow = &engine->flows[i];
        flow->engine = engine;
        flow->index = i;
        flow->gathered.rest.flow = i;
        failed = uv_poll_init(&engine->waiter.loop, &flow->watcher, channel->sockets[i].fd);
        flow->watcher.data = failed ? NULL : flow;
    }
    return failed ? nv_fail(err, NV_E_FAILED, "uv_poll: %s", uv_strerror(failed)) : NV_OK;
}

static struct poll_flow *flow_of(struct poll_engine *engine, const struct nv_header *trains)
{
    return &engine->flows[trains[0].flow - engine->channel.first_flow];
}

/* ---- one message a call ---- */

NV_HOT static enum nv_io_receive receive_one(struct poll_engine *engine, unsigned flow)
{
    return nv_io_receive(&engine->channel, flow, &engine->buffer, engine->sink, engine->err);
}

static int poll_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct poll_engine *engine = self;
    engine->receive = receive_one;
    if (open_loop(engine, channel, err))
        return err->code;
    return nv_io_buffer_open(&engine->buffer, channel, NV_IO_BUFFER_BYTES, err);
}

NV_HOT static unsigned poll_send(void *self, struct nv_header *trains, unsigned count, int *refusal)
{
    struct poll_engine *engine = self;
    struct poll_flow *flow = flow_of(engine, trains);
    unsigned sent = nv_io_send(&engine->channel, &flow->gathered.rest, trains, count, refusal);
    flow->blocked = *refusal == EAGAIN;
    return sent;
}

/* ---- likewise, with the kernel's time stamps ---- */

static enum nv_io_receive receive_stamped(struct poll_engine *engine, unsigned flow)
{
    return nv_stamped_receive(&engine->stamped, flow, &engine->buffer, engine->sink, engine->err);
}

static int stamped_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct poll_engine *engine = self;
    if (poll_open(self, channel, err))
        return err->code;
    engine->receive = receive_stamped;
    return nv_stamped_open(&engine->stamped, &engine->channel, err);
}

static unsigned stamped_send(void *self, struct nv_header *trains, unsigned count, int *refusal)
{
    struct poll_engine *engine = self;
    struct poll_flow *flow = flow_of(engine, trains);
    unsigned sent = nv_stamped_send(&engine->stamped, &flow->gathered.rest, trains, count, refusal);
    flow->blocked = *refusal == EAGAIN;
    return sent;
}

/* ---- many ---- */

static enum nv_io_receive receive_many(struct poll_engine *engine, unsigned flow)
{
    return nv_gather_receive(&engine->gather, flow, engine->sink, engine->err);
}

static int batch_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct poll_engine *engine = self;
    engine->receive = receive_many;
    if (open_loop(engine, channel, err))
        return err->code;
    return nv_gather_open(&engine->gather, &engine->channel, err);
}

static unsigned batch_send(void *self, struct nv_header *trains, unsigned count, int *refusal)
{
    struct poll_engine *engine = self;
    struct poll_flow *flow = flow_of(engine, trains);
    unsigned sent = nv_gather_send(&engine->gather, &flow->gathered, trains, count, refusal);
    flow->blocked = *refusal == EAGAIN;
    return sent;
}

/* ---- waiting ---- */

/* *watched: whether anything but the time is waited for. */
static int watch_flows(struct poll_engine *engine, bool *watched, struct nv_error *err)
{
    *watched = false;
    for (unsigned i = 0; i < engine->channel.flow_count; i++) {
        struct poll_flow *flow = &engine->flows[i];
        int events = (engine->sink->wants(engine->sink->context, i) ? UV_READABLE : 0) |
                     (flow->blocked ? UV_WRITABLE : 0);
        *watched |= events != 0;
        if (events == flow->events)
            continue;
        int failed = events ? uv_poll_start(&flow->watcher, events, flow_poll_cb)
                            : uv_poll_stop(&flow->watcher);
        if (failed)
            return nv_fail(err, NV_E_FAILED, "uv_poll_start: %s", uv_strerror(failed));
        flow->events = events;
    }
    return NV_OK;
}

/* Without asking which sockets are ready, which would cost a call. */
static void look(struct poll_engine *engine)
{
    for (unsigned i = 0; i < engine->channel.flow_count && !engine->failed; i++) {
        struct poll_flow *flow = &engine->flows[i];
        if (flow->blocked && nv_io_send_rest(&engine->channel, &flow->gathered.rest) != EAGAIN) {
            flow->blocked = false;
            engine->sink->writable(engine->sink->context, i);
        }
        if (engine->sink->wants(engine->sink->context, i))
            read_flow(engine, flow);
    }
}

NV_HOT static int poll_poll(void *self, uint64_t now_ns, uint64_t until_ns,
                            const struct nv_sink *sink, struct nv_error *err)
{
    struct poll_engine *engine = self;
    engine->sink = sink;
    engine->err = err;
    bool watched = true;
    engine->failed = engine->channel.spins ? 0 : watch_flows(engine, &watched, err);
    if (engine->failed)
        return engine->failed;
    uint64_t spin_ns = engine->channel.spin_ns;
    uint64_t due_ns = until_ns > spin_ns ? until_ns - spin_ns : 0;
    if (engine->channel.spins)
        look(engine);
    else if (now_ns < due_ns || watched)
        nv_waiter_run(&engine->waiter, now_ns, due_ns);
    engine->sink = NULL;
    return engine->failed;
}

/* Stamps are taken each time, since a socket that only sends is not watched. */
static int stamped_poll(void *self, uint64_t now_ns, uint64_t until_ns, const struct nv_sink *sink,
                        struct nv_error *err)
{
    struct poll_engine *engine = self;
    for (unsigned i = 0; i < engine->channel.flow_count; i++)
        nv_stamped_drain(&engine->stamped, i);
    nv_stamped_look(&engine->stamped, now_ns);
    return poll_poll(self, now_ns, until_ns, sink, err);
}

static void poll_close(void *self)
{
    struct poll_engine *engine = self;
    nv_stamped_close(&engine->stamped);
    for (unsigned i = 0; engine->flows && i < engine->channel.flow_count; i++)
        if (engine->flows[i].watcher.data)
            uv_close((uv_handle_t *)&engine->flows[i].watcher, NULL);
    nv_waiter_close(&engine->waiter);
    nv_gather_close(&engine->gather);
    free(engine->flows);
    free(engine->buffer.bytes);
}

static const struct nv_engine poll_stamped = {
    .name = "poll",
    .help = "poll, with kernel time stamps",
    .state_size = sizeof(struct poll_engine),
    .open = stamped_open,
    .send = stamped_send,
    .poll = stamped_poll,
    .close = poll_close,
};

const struct nv_engine nv_poll = {
    .name = "poll",
    .help = "a libuv loop watches the sockets; own send and recv",
    .stamped = &poll_stamped,
    .state_size = sizeof(struct poll_engine),
    .open = poll_open,
    .send = poll_send,
    .poll = poll_poll,
    .close = poll_close,
    .fresh = &nv_fresh_poll,
};

const struct nv_engine nv_batch = {
    .name = "batch",
    .help = "as poll, but many messages a call: large writes on TCP, UDP segmented by the kernel",
    .caps = NV_CAP_GATHERS,
    .state_size = sizeof(struct poll_engine),
    .open = batch_open,
    .send = batch_send,
    .poll = poll_poll,
    .close = poll_close,
};
