/* SPDX-License-Identifier: MIT */
#include "transport/poll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "transport/io.h"

/* Happy path: poll() arms a timerfd for its deadline (libuv's own timers are too coarse) and turns
 * the loop once; a readable socket is read until it is empty or the sink wants control, a writable
 * one is reported. Failure modes: a datagram socket with a queued error makes libuv stop the handle
 * with a status, so the error queue is emptied and the handle started again; a reliable socket that
 * has ended fails the poll. */

#define READS_PER_TURN 64u

struct poll_flow {
    uv_poll_t watcher;
    struct poll_engine *engine;
    struct nv_io_rest rest;
    unsigned index;
    int events; /* what the watcher is started for */
    bool blocked;
};

struct poll_engine {
    struct nv_channel channel;
    uv_loop_t loop;
    uv_poll_t alarm;
    int alarm_fd;
    uint64_t alarm_ns; /* when the timerfd goes off; 0 = it has, or was never set */
    struct poll_flow *flows;
    uint8_t *buffer;
    const struct nv_sink *sink; /* during poll() */
    struct nv_error *err;
    int failed;
    bool loop_open; /* open() may fail half-way; close() undoes what was done */
};

static void alarm_poll_cb(uv_poll_t *handle, int status, int events)
{
    struct poll_engine *engine = handle->data;
    (void)status;
    (void)events;
    uint64_t expirations;
    (void)!read(engine->alarm_fd, &expirations, sizeof expirations);
    engine->alarm_ns = 0;
    uv_stop(&engine->loop);
}

static void read_flow(struct poll_engine *engine, struct poll_flow *flow)
{
    for (unsigned i = 0; i < READS_PER_TURN; i++) {
        const struct nv_io_buffer buffer = {.bytes = engine->buffer, .err = engine->err};
        enum nv_io_receive got =
            nv_io_receive(&engine->channel, flow->index, &buffer, engine->sink);
        if (got == NV_IO_FAILED)
            engine->failed = engine->err->code;
        if (got != NV_IO_DATA || !engine->sink->wants(engine->sink->context, flow->index))
            return;
    }
}

static void flow_poll_cb(uv_poll_t *handle, int status, int events)
{
    struct poll_flow *flow = handle->data;
    struct poll_engine *engine = flow->engine;
    uv_stop(&engine->loop);
    if (!engine->sink)
        return;
    if (status < 0) {
        nv_io_drain_errors(engine->channel.sockets[flow->index].fd);
        flow->events = 0;
        events = UV_READABLE | (flow->blocked ? UV_WRITABLE : 0);
    }
    if ((events & UV_WRITABLE) && nv_io_send_rest(&engine->channel, &flow->rest) != EAGAIN) {
        flow->blocked = false;
        engine->sink->writable(engine->sink->context, flow->index);
    }
    if (events & UV_READABLE)
        read_flow(engine, flow);
}

static int poll_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct poll_engine *engine = self;
    engine->channel = *channel;
    engine->buffer = malloc(NV_IO_BUFFER_BYTES);
    engine->flows = calloc(channel->flow_count, sizeof *engine->flows);
    engine->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (!engine->buffer || !engine->flows || engine->alarm_fd < 0)
        return nv_fail(err, NV_E_FAILED, "poll engine: no memory or timerfd");
    memset(engine->buffer, 0, NV_IO_BUFFER_BYTES); /* takes the pages now */
    int failed = uv_loop_init(&engine->loop);
    if (failed)
        return nv_fail(err, NV_E_FAILED, "uv_loop_init: %s", uv_strerror(failed));
    engine->loop_open = true;
    failed = uv_poll_init(&engine->loop, &engine->alarm, engine->alarm_fd);
    engine->alarm.data = failed ? NULL : engine;
    if (!failed)
        failed = uv_poll_start(&engine->alarm, UV_READABLE, alarm_poll_cb);
    for (unsigned i = 0; i < channel->flow_count && !failed; i++) {
        struct poll_flow *flow = &engine->flows[i];
        flow->engine = engine;
        flow->index = i;
        flow->rest.flow = i;
        failed = uv_poll_init(&engine->loop, &flow->watcher, channel->sockets[i].fd);
        flow->watcher.data = failed ? NULL : flow;
    }
    return failed ? nv_fail(err, NV_E_FAILED, "uv_poll: %s", uv_strerror(failed)) : NV_OK;
}

static unsigned poll_send(void *self, struct nv_header *messages, unsigned count, int *refusal)
{
    struct poll_engine *engine = self;
    unsigned index = messages[0].flow - engine->channel.first_flow;
    struct poll_flow *flow = &engine->flows[index];
    unsigned sent = nv_io_send(&engine->channel, &flow->rest, messages, count, refusal);
    flow->blocked = *refusal == EAGAIN;
    return sent;
}

static void set_alarm(struct poll_engine *engine, uint64_t due_ns)
{
    /* One that goes off earlier does too: waking early is allowed, and setting costs a call. */
    if (engine->alarm_ns && engine->alarm_ns <= due_ns)
        return;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ns / NV_NS_PER_S),
                                           .tv_nsec = (long)(due_ns % NV_NS_PER_S)}};
    (void)timerfd_settime(engine->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
    engine->alarm_ns = due_ns;
}

static int watch_flows(struct poll_engine *engine, struct nv_error *err)
{
    for (unsigned i = 0; i < engine->channel.flow_count; i++) {
        struct poll_flow *flow = &engine->flows[i];
        int events = (engine->sink->wants(engine->sink->context, i) ? UV_READABLE : 0) |
                     (flow->blocked ? UV_WRITABLE : 0);
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

static int poll_poll(void *self, uint64_t now_ns, uint64_t until_ns, const struct nv_sink *sink,
                     struct nv_error *err)
{
    struct poll_engine *engine = self;
    engine->sink = sink;
    engine->err = err;
    engine->failed = watch_flows(engine, err);
    if (engine->failed)
        return engine->failed;
    uint64_t sleep_until_ns = until_ns - engine->channel.spin_ns;
    if (until_ns > engine->channel.spin_ns && now_ns < sleep_until_ns) {
        set_alarm(engine, sleep_until_ns);
        /* Until a callback stops it: UV_RUN_ONCE would read the clock once more for its timers. */
        (void)uv_run(&engine->loop, UV_RUN_DEFAULT);
    } else {
        (void)uv_run(&engine->loop, UV_RUN_NOWAIT);
    }
    engine->sink = NULL;
    return engine->failed;
}

static void poll_close(void *self)
{
    struct poll_engine *engine = self;
    if (engine->alarm.data)
        uv_close((uv_handle_t *)&engine->alarm, NULL);
    for (unsigned i = 0; engine->flows && i < engine->channel.flow_count; i++)
        if (engine->flows[i].watcher.data)
            uv_close((uv_handle_t *)&engine->flows[i].watcher, NULL);
    if (engine->loop_open) {
        (void)uv_run(&engine->loop, UV_RUN_DEFAULT);
        NV_ASSERT(uv_loop_close(&engine->loop) == 0);
    }
    if (engine->alarm_fd > 0)
        (void)close(engine->alarm_fd);
    free(engine->flows);
    free(engine->buffer);
}

const struct nv_engine nv_poll = {
    .name = "poll",
    .help = "a libuv loop watches the sockets; own send and recv",
    .state_size = sizeof(struct poll_engine),
    .open = poll_open,
    .send = poll_send,
    .poll = poll_poll,
    .close = poll_close,
};
