/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_TALK_TEST_H
#define NV_SESSION_TALK_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "session/client.h"
#include "session/frames.h"
#include "session/server.h"

/* Client and server joined in memory, under a virtual clock: the conversation without sockets,
 * threads or waiting. Frames lie in two queues until a test lets them through. */

#define MS NV_NS_PER_MS
#define QUEUE_MAX 64u

struct queue {
    json_t *frames[QUEUE_MAX];
    unsigned first, count;
};

struct talk {
    struct nv_client client;
    struct nv_server server;
    json_t *hello;
    struct queue to_server, to_client;
    uint64_t now_ns;
    struct nv_spec spec;
    /* What the machines ordered. */
    unsigned opened, server_opened, started, server_started, finished, results, stopped,
        server_stopped, expected, server_expected;
    uint64_t token, server_token, t0_ns, server_t0_ns;
    struct nv_error outcome; /* of the last finished run */
    int refuse_open;         /* the code with which the next open fails */
};

static inline void push(struct queue *queue, json_t *frame)
{
    assert_non_null(frame);
    assert_true(queue->count < QUEUE_MAX);
    queue->frames[(queue->first + queue->count++) % QUEUE_MAX] = frame;
}

static inline json_t *pop(struct queue *queue)
{
    if (!queue->count)
        return NULL;
    queue->count--;
    return queue->frames[queue->first++ % QUEUE_MAX];
}

static inline void client_send(void *context, json_t *frame)
{
    push(&((struct talk *)context)->to_server, frame);
}

static inline void client_welcome(void *context, const json_t *hello)
{
    (void)context;
    assert_string_equal(json_string_value(json_object_get(hello, "magic")), NV_PROTOCOL_MAGIC);
}

static inline int refuse(struct talk *talk, struct nv_error *err)
{
    int code = talk->refuse_open;
    talk->refuse_open = 0;
    return code ? nv_fail(err, code, "no room at the inn") : NV_OK;
}

static inline int client_open(void *context, uint64_t token, uint16_t data_port,
                              struct nv_error *err)
{
    struct talk *talk = context;
    assert_int_equal(data_port, 5302);
    talk->token = token;
    talk->opened++;
    return refuse(talk, err);
}

static inline void client_start(void *context, uint64_t t0_ns)
{
    struct talk *talk = context;
    talk->started++;
    talk->t0_ns = t0_ns;
}

static inline void client_expect(void *context, const struct nv_flow_end *ends, unsigned count)
{
    struct talk *talk = context;
    assert_int_equal(count, talk->spec.flows);
    assert_int_equal(ends[0].sent_count, 222);
    talk->expected++;
}

static inline int client_result(void *context, unsigned flow, const json_t *report,
                                struct nv_error *err)
{
    struct talk *talk = context;
    (void)flow;
    (void)report;
    (void)err;
    talk->results++;
    return NV_OK;
}

static inline int client_trace(void *context, unsigned flow, uint64_t first, const json_t *rows,
                               struct nv_error *err)
{
    (void)context;
    (void)flow;
    (void)first;
    (void)rows;
    (void)err;
    return NV_OK;
}

static inline void client_finished(void *context, const struct nv_error *err)
{
    struct talk *talk = context;
    talk->finished++;
    talk->outcome = *err;
}

static inline void client_stop(void *context)
{
    ((struct talk *)context)->stopped++;
}

static inline void server_send(void *context, json_t *frame)
{
    push(&((struct talk *)context)->to_client, frame);
}

static inline int server_open(void *context, const struct nv_spec *spec, uint32_t run_tag,
                              uint64_t token, struct nv_error *err)
{
    struct talk *talk = context;
    assert_int_equal(spec->seed, talk->spec.seed);
    assert_true(run_tag >= 9);
    talk->server_token = token;
    talk->server_opened++;
    return refuse(talk, err);
}

static inline void server_start(void *context, uint64_t t0_ns)
{
    struct talk *talk = context;
    talk->server_started++;
    talk->server_t0_ns = t0_ns;
}

static inline void server_expect(void *context, const struct nv_flow_end *ends, unsigned count)
{
    struct talk *talk = context;
    assert_int_equal(count, talk->spec.flows);
    assert_int_equal(ends[1].seq_end, 111);
    talk->server_expected++;
}

static inline void server_results(void *context)
{
    struct talk *talk = context;
    for (unsigned i = 0; i < talk->spec.flows; i++) {
        json_t *frame = nv_frame_new(NV_FRAME_RESULT);
        json_object_set_new(frame, "flow", json_integer(i));
        json_object_set_new(frame, "report", json_object());
        push(&talk->to_client, frame);
    }
}

static inline void server_stop(void *context)
{
    ((struct talk *)context)->server_stopped++;
}

static const struct nv_client_ops client_ops = {
    .send = client_send,
    .welcome = client_welcome,
    .open = client_open,
    .start = client_start,
    .expect = client_expect,
    .result = client_result,
    .trace = client_trace,
    .finished = client_finished,
    .stop = client_stop,
};

static const struct nv_server_ops server_ops = {
    .send = server_send,
    .open = server_open,
    .start = server_start,
    .expect = server_expect,
    .results = server_results,
    .stop = server_stop,
};

static inline struct talk *new_talk(void)
{
    struct talk *talk = calloc(1, sizeof *talk);
    assert_non_null(talk);
    talk->now_ns = 1000 * NV_NS_PER_S;
    talk->hello = nv_hello_frame("one machine", NULL);
    talk->client = (struct nv_client){.ops = &client_ops, .context = talk};
    talk->server = (struct nv_server){.ops = &server_ops,
                                      .context = talk,
                                      .limits = {.run_ns_max = 60 * NV_NS_PER_S,
                                                 .rate_msgs_max = 10000,
                                                 .size_bytes_max = 9000,
                                                 .flows_max = 4,
                                                 .memory_bytes_max = 1000000000},
                                      .hello = talk->hello,
                                      .data_port = 5302};
    nv_options_reset(nv_spec_options, &talk->spec);
    talk->spec.flows = 2;
    talk->spec.seed = 4711;
    return talk;
}

static inline void end_talk(struct talk *talk)
{
    json_t *frame;
    while ((frame = pop(&talk->to_server)) || (frame = pop(&talk->to_client)))
        json_decref(frame);
    json_decref(talk->hello);
    free(talk);
}

/* Delivers what has been sent, and what is sent in answer. */
static inline void to_server(struct talk *talk)
{
    for (json_t *frame; (frame = pop(&talk->to_server)); json_decref(frame))
        nv_server_input(&talk->server, talk->now_ns, frame);
}

static inline void to_client(struct talk *talk)
{
    for (json_t *frame; (frame = pop(&talk->to_client)); json_decref(frame))
        nv_client_input(&talk->client, talk->now_ns, frame);
}

static inline void pass(struct talk *talk)
{
    while (talk->to_server.count || talk->to_client.count) {
        to_server(talk);
        to_client(talk);
    }
}

/* How far a conversation is brought before something is tried. */
enum stage { GREETING, IDLE, RUN_ASKED, OPENING, STARTING, RUNNING, CLIENT_DONE };

static inline void begin_run(struct talk *talk, uint32_t run_tag)
{
    nv_client_begin(&talk->client, &talk->spec, run_tag, talk->now_ns);
}

static inline struct talk *talk_at(enum stage stage)
{
    struct talk *talk = new_talk();
    nv_server_init(&talk->server, talk->now_ns);
    nv_client_init(&talk->client, talk->hello, talk->now_ns);
    if (stage >= IDLE)
        pass(talk);
    if (stage >= RUN_ASKED)
        begin_run(talk, 9);
    if (stage >= OPENING)
        pass(talk);
    if (stage >= STARTING)
        nv_client_opened(&talk->client, talk->now_ns);
    if (stage >= RUNNING)
        pass(talk);
    if (stage >= CLIENT_DONE)
        nv_client_done(&talk->client, talk->now_ns);
    return talk;
}

static const struct nv_flow_end client_ends[] = {{10, 0, 10}, {100, 11, 111}};
static const struct nv_flow_end server_ends[] = {{222, 0, 10}, {200, 11, 111}};

static inline void finish_run(struct talk *talk)
{
    unsigned finished = talk->finished;
    nv_client_sent(&talk->client, client_ends);
    nv_client_sent(&talk->client, client_ends); /* events may come twice */
    nv_server_sent(&talk->server, server_ends);
    pass(talk);
    nv_client_done(&talk->client, talk->now_ns);
    nv_server_done(&talk->server, talk->now_ns);
    assert_int_equal(talk->finished, finished);
    pass(talk);
    assert_int_equal(talk->finished, finished + 1);
    assert_int_equal(talk->outcome.code, NV_OK);
    assert_int_equal(talk->client.state, NV_CLIENT_IDLE);
    assert_int_equal(talk->server.state, NV_SERVER_IDLE);
}

/* A whole run, wherever the conversation was left before. */
static inline void run_again(struct talk *talk, uint32_t run_tag)
{
    begin_run(talk, run_tag);
    pass(talk);
    assert_int_equal(talk->client.state, NV_CLIENT_OPENING);
    nv_client_opened(&talk->client, talk->now_ns);
    pass(talk);
    assert_int_equal(talk->client.state, NV_CLIENT_RUNNING);
    assert_int_equal(talk->server.state, NV_SERVER_RUNNING);
    finish_run(talk);
}

#endif
