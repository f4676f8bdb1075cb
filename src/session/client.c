/* SPDX-License-Identifier: MIT */
#include "session/client.h"

#include "base/clock.h"
#include "session/frames.h"

#define HELLO_WAIT_NS (5 * NV_NS_PER_S)
#define READY_WAIT_NS (10 * NV_NS_PER_S)
#define OPEN_WAIT_NS (15 * NV_NS_PER_S)
#define RUN_GRACE_NS (10 * NV_NS_PER_S)
#define RESULTS_WAIT_NS (20 * NV_NS_PER_S)
/* Time for the start to reach the server before the first message is due. */
#define START_LEAD_NS (30 * NV_NS_PER_MS)

void nv_client_init(struct nv_client *client, json_t *hello, uint64_t now_ns)
{
    client->state = NV_CLIENT_AWAIT_HELLO;
    client->deadline_ns = now_ns + HELLO_WAIT_NS;
    client->error = (struct nv_error){0};
    client->ops->send(client->context, json_incref(hello));
}

static bool running(const struct nv_client *client)
{
    return client->state > NV_CLIENT_IDLE && client->state < NV_CLIENT_CLOSED;
}

static void finish(struct nv_client *client, const struct nv_error *why)
{
    client->state = NV_CLIENT_IDLE;
    client->deadline_ns = UINT64_MAX;
    client->ops->finished(client->context, why);
}

static void closed(struct nv_client *client, const struct nv_error *why)
{
    bool in_run = running(client);
    if (client->state == NV_CLIENT_CLOSED)
        return;
    client->error = *why;
    client->state = NV_CLIENT_CLOSED;
    client->ops->stop(client->context);
    if (in_run)
        client->ops->finished(client->context, why);
}

void nv_client_begin(struct nv_client *client, const struct nv_spec *spec, uint32_t run_tag,
                     uint64_t now_ns)
{
    NV_ASSERT(client->state == NV_CLIENT_IDLE);
    client->spec = spec;
    client->run_tag = run_tag;
    client->end_sent = client->ours_done = client->theirs_done = false;
    client->state = NV_CLIENT_AWAIT_READY;
    client->deadline_ns = now_ns + READY_WAIT_NS;
    json_t *run = nv_frame_new(NV_FRAME_RUN);
    json_object_set_new(run, "run_tag", json_integer(run_tag));
    json_object_set_new(run, "spec", nv_spec_to_json(spec));
    client->ops->send(client->context, run);
}

/* Our end of the run cannot go on: tell the server, keep the conversation. */
static void fail_run(struct nv_client *client, const struct nv_error *why)
{
    client->ops->send(client->context, nv_failed_frame(why));
    client->ops->stop(client->context);
    finish(client, why);
}

static void take_ready(struct nv_client *client, uint64_t now_ns, const json_t *frame)
{
    struct nv_error err = {0};
    client->state = NV_CLIENT_OPENING;
    client->deadline_ns = now_ns + OPEN_WAIT_NS;
    uint64_t token = (uint64_t)json_integer_value(json_object_get(frame, "token"));
    uint16_t port = (uint16_t)json_integer_value(json_object_get(frame, "data_port"));
    if (client->ops->open(client->context, token, port, &err))
        fail_run(client, &err);
}

static void finish_if_complete(struct nv_client *client)
{
    struct nv_error none = {0};
    if (client->ours_done && client->theirs_done)
        finish(client, &none);
}

static void take_result(struct nv_client *client, const json_t *frame)
{
    struct nv_error err = {0};
    unsigned flow = (unsigned)json_integer_value(json_object_get(frame, "flow"));
    if (flow >= client->spec->flows)
        (void)nv_fail(&err, NV_E_PEER, "the server reported a flow %u that is not there", flow);
    else
        (void)client->ops->result(client->context, flow, json_object_get(frame, "report"), &err);
    if (err.code)
        closed(client, &err);
}

static void take_rows(struct nv_client *client, const json_t *frame,
                      int (*take)(void *context, unsigned flow, uint64_t first, const json_t *rows,
                                  struct nv_error *err))
{
    struct nv_error err = {0};
    unsigned flow = (unsigned)json_integer_value(json_object_get(frame, "flow"));
    uint64_t first = (uint64_t)json_integer_value(json_object_get(frame, "first"));
    if (flow >= client->spec->flows)
        (void)nv_fail(&err, NV_E_PEER, "the server reported a flow %u that is not there", flow);
    else
        (void)take(client->context, flow, first, json_object_get(frame, "rows"), &err);
    if (err.code)
        closed(client, &err);
}

static void take_failed(struct nv_client *client, const json_t *frame)
{
    struct nv_error err = {0};
    (void)nv_fail(&err, NV_E_PEER, "the server: %s",
                  json_string_value(json_object_get(frame, "message")));
    client->ops->stop(client->context);
    finish(client, &err);
}

static void take_hello(struct nv_client *client, const json_t *frame)
{
    struct nv_error err = {0};
    if (nv_hello_accept(frame, &err)) {
        closed(client, &err);
        return;
    }
    client->state = NV_CLIENT_IDLE;
    client->deadline_ns = UINT64_MAX;
    client->ops->welcome(client->context, frame);
}

static void take_run_frame(struct nv_client *client, enum nv_frame frame, const json_t *object)
{
    struct nv_error err = {0};
    struct nv_flow_end ends[NV_FLOWS_MAX];
    switch (frame) {
    case NV_FRAME_END:
        client->ops->expect(client->context, ends, nv_end_read(object, ends));
        break;
    case NV_FRAME_RESULT:
        take_result(client, object);
        break;
    case NV_FRAME_TRACE:
        take_rows(client, object, client->ops->trace);
        break;
    case NV_FRAME_STAMPS:
        take_rows(client, object, client->ops->stamps);
        break;
    case NV_FRAME_DONE:
        client->theirs_done = true;
        finish_if_complete(client);
        break;
    case NV_FRAME_FAILED:
        take_failed(client, object);
        break;
    default:
        (void)nv_fail(&err, NV_E_PEER, "the server sent '%s' out of turn", nv_frame_name(frame));
        closed(client, &err);
    }
}

/* Until the server is ready for this run, whatever it says about a run is about an older one, but
 * for a refusal that bears this run's tag. */
static bool stale(const struct nv_client *client, enum nv_frame frame, const json_t *object)
{
    const json_t *tag = json_object_get(object, "run_tag");
    if (client->state != NV_CLIENT_AWAIT_READY)
        return false;
    return frame == NV_FRAME_END || frame == NV_FRAME_RESULT || frame == NV_FRAME_TRACE ||
           frame == NV_FRAME_STAMPS || frame == NV_FRAME_DONE ||
           (frame == NV_FRAME_FAILED && tag && json_integer_value(tag) != client->run_tag);
}

void nv_client_input(struct nv_client *client, uint64_t now_ns, const json_t *object)
{
    struct nv_error err = {0};
    enum nv_frame frame = NV_FRAME_DONE;
    if (client->state == NV_CLIENT_CLOSED)
        return;
    if (nv_frame_check(object, &frame, &err)) {
        closed(client, &err);
    } else if (frame == NV_FRAME_BUSY) {
        (void)nv_fail(&err, NV_E_PEER, "%s", json_string_value(json_object_get(object, "message")));
        closed(client, &err);
    } else if (client->state == NV_CLIENT_AWAIT_HELLO && frame == NV_FRAME_HELLO) {
        take_hello(client, object);
    } else if (client->state == NV_CLIENT_AWAIT_READY && frame == NV_FRAME_READY) {
        take_ready(client, now_ns, object);
    } else if (running(client) && !stale(client, frame, object)) {
        take_run_frame(client, frame, object);
    }
    /* In IDLE: a late word about a run that has ended here already. */
}

uint64_t nv_client_next_ns(const struct nv_client *client)
{
    return client->state == NV_CLIENT_CLOSED ? UINT64_MAX : client->deadline_ns;
}

void nv_client_run(struct nv_client *client, uint64_t now_ns)
{
    static const char *const waited_for[] = {
        [NV_CLIENT_AWAIT_HELLO] = "its hello: is it a netversus server?",
        [NV_CLIENT_AWAIT_READY] = "it to be ready for a run",
        [NV_CLIENT_OPENING] = "the data connections",
        [NV_CLIENT_RUNNING] = "the end of a run",
        [NV_CLIENT_AWAIT_RESULTS] = "its results",
    };
    struct nv_error err = {0};
    if (client->state == NV_CLIENT_CLOSED || now_ns < client->deadline_ns)
        return;
    (void)nv_fail(&err, NV_E_PEER, "the server is silent: waited too long for %s",
                  waited_for[client->state]);
    closed(client, &err);
}

void nv_client_opened(struct nv_client *client, uint64_t now_ns)
{
    if (client->state != NV_CLIENT_OPENING)
        return;
    client->state = NV_CLIENT_RUNNING;
    client->deadline_ns =
        now_ns + nv_spec_end_ns(client->spec) + 4 * client->spec->drain_ns + RUN_GRACE_NS;
    uint64_t t0_ns = now_ns + START_LEAD_NS;
    json_t *start = nv_frame_new(NV_FRAME_START);
    json_object_set_new(start, "t0_ns", json_integer((json_int_t)t0_ns));
    json_object_set_new(start, "lead_ns", json_integer((json_int_t)START_LEAD_NS));
    client->ops->send(client->context, start);
    client->ops->start(client->context, t0_ns);
}

void nv_client_sent(struct nv_client *client, const struct nv_flow_end *ends)
{
    if (client->state != NV_CLIENT_RUNNING || client->end_sent)
        return;
    client->end_sent = true;
    client->ops->send(client->context, nv_end_frame(ends, (unsigned)client->spec->flows));
}

void nv_client_done(struct nv_client *client, uint64_t now_ns)
{
    if (client->state != NV_CLIENT_RUNNING)
        return;
    client->ours_done = true;
    client->state = NV_CLIENT_AWAIT_RESULTS;
    client->deadline_ns = now_ns + 4 * client->spec->drain_ns + RESULTS_WAIT_NS;
    finish_if_complete(client);
}

void nv_client_failed(struct nv_client *client, uint64_t now_ns, const struct nv_error *error)
{
    (void)now_ns;
    if (running(client))
        fail_run(client, error);
}

void nv_client_lost(struct nv_client *client, const char *reason)
{
    struct nv_error err = {0};
    bool met = client->state != NV_CLIENT_AWAIT_HELLO;
    (void)nv_fail(&err, NV_E_PEER, met ? "lost the server: %s" : "%s", reason);
    closed(client, &err);
}
