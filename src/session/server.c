/* SPDX-License-Identifier: MIT */
#include "session/server.h"

#include "base/clock.h"
#include "base/rng.h"
#include "session/frames.h"

#define HELLO_WAIT_NS (5 * NV_NS_PER_S)
/* A campaign may pause for a minute between runs, and has its results to put away. */
#define IDLE_WAIT_NS (90 * NV_NS_PER_S)
#define START_WAIT_NS (15 * NV_NS_PER_S)
#define RUN_GRACE_NS (10 * NV_NS_PER_S)

void nv_server_init(struct nv_server *server, uint64_t now_ns)
{
    server->state = NV_SERVER_AWAIT_HELLO;
    server->deadline_ns = now_ns + HELLO_WAIT_NS;
    server->error = (struct nv_error){0};
    server->ops->send(server->context, json_incref(server->hello));
}

static void idle(struct nv_server *server, uint64_t now_ns)
{
    server->state = NV_SERVER_IDLE;
    server->deadline_ns = server->is_patient ? UINT64_MAX : now_ns + IDLE_WAIT_NS;
}

static void closed(struct nv_server *server, const struct nv_error *why)
{
    if (server->state == NV_SERVER_CLOSED)
        return;
    server->error = *why;
    server->state = NV_SERVER_CLOSED;
    server->ops->stop(server->context);
}

static void take_hello(struct nv_server *server, uint64_t now_ns, const json_t *frame)
{
    struct nv_error err = {0};
    if (nv_hello_accept(frame, &err)) {
        closed(server, &err);
        return;
    }
    const json_t *ours = json_object_get(server->hello, "boot_id");
    const json_t *theirs = json_object_get(frame, "boot_id");
    server->shared_clock = json_string_length(ours) && json_equal(ours, theirs);
    idle(server, now_ns);
}

/* Says which run has failed: the client may be a run ahead by the time it hears of it. */
static void say_failed(struct nv_server *server, const struct nv_error *why)
{
    json_t *frame = nv_failed_frame(why);
    json_object_set_new(frame, "run_tag", json_integer(server->run_tag));
    server->ops->send(server->context, frame);
}

static void take_run(struct nv_server *server, uint64_t now_ns, const json_t *frame)
{
    struct nv_error err = {0};
    uint64_t token = nv_rng_entropy() >> 1;
    server->run_tag = (uint32_t)json_integer_value(json_object_get(frame, "run_tag"));
    if (nv_spec_from_json(&server->spec, json_object_get(frame, "spec"), &err) ||
        nv_server_limits_check(&server->limits, &server->spec, &err) ||
        server->ops->open(server->context, &server->spec, server->run_tag, token, &err)) {
        say_failed(server, &err);
        idle(server, now_ns);
        return;
    }
    server->state = NV_SERVER_READY;
    server->deadline_ns = now_ns + START_WAIT_NS;
    server->end_sent = false;
    server->run_count++;
    json_t *ready = nv_frame_new(NV_FRAME_READY);
    json_object_set_new(ready, "token", json_integer((json_int_t)token));
    json_object_set_new(ready, "data_port", json_integer(server->data_port));
    server->ops->send(server->context, ready);
}

static void take_start(struct nv_server *server, uint64_t now_ns, const json_t *frame)
{
    server->state = NV_SERVER_RUNNING;
    server->deadline_ns =
        now_ns + nv_spec_end_ns(&server->spec) + 4 * server->spec.drain_ns + RUN_GRACE_NS;
    uint64_t t0_ns = (uint64_t)json_integer_value(json_object_get(frame, "t0_ns"));
    uint64_t lead_ns = (uint64_t)json_integer_value(json_object_get(frame, "lead_ns"));
    server->ops->start(server->context, server->shared_clock ? t0_ns : now_ns + lead_ns);
}

static void take_end(struct nv_server *server, const json_t *frame)
{
    struct nv_flow_end ends[NV_FLOWS_MAX];
    unsigned count = nv_end_read(frame, ends);
    server->ops->expect(server->context, ends, count);
}

static void abandon(struct nv_server *server, uint64_t now_ns)
{
    server->ops->stop(server->context);
    idle(server, now_ns);
}

void nv_server_input(struct nv_server *server, uint64_t now_ns, const json_t *object)
{
    struct nv_error err = {0};
    enum nv_frame frame = NV_FRAME_DONE;
    enum nv_server_state state = server->state;
    if (state == NV_SERVER_CLOSED)
        return;
    if (nv_frame_check(object, &frame, &err)) {
        closed(server, &err);
    } else if (state == NV_SERVER_AWAIT_HELLO && frame == NV_FRAME_HELLO) {
        take_hello(server, now_ns, object);
    } else if (state == NV_SERVER_IDLE && frame == NV_FRAME_RUN) {
        take_run(server, now_ns, object);
    } else if (state == NV_SERVER_READY && frame == NV_FRAME_START) {
        take_start(server, now_ns, object);
    } else if (state == NV_SERVER_RUNNING && frame == NV_FRAME_END) {
        take_end(server, object);
    } else if (frame == NV_FRAME_FAILED || frame == NV_FRAME_END) {
        /* Of a run that has ended here already, or is to end now. */
        if (frame == NV_FRAME_FAILED && state != NV_SERVER_AWAIT_HELLO)
            abandon(server, now_ns);
    } else {
        (void)nv_fail(&err, NV_E_PEER, "the client sent '%s' out of turn", nv_frame_name(frame));
        closed(server, &err);
    }
}

uint64_t nv_server_next_ns(const struct nv_server *server)
{
    return server->state == NV_SERVER_CLOSED ? UINT64_MAX : server->deadline_ns;
}

void nv_server_run(struct nv_server *server, uint64_t now_ns)
{
    static const char *const waited_for[] = {
        [NV_SERVER_AWAIT_HELLO] = "a hello",
        [NV_SERVER_IDLE] = "the next run",
        [NV_SERVER_READY] = "the start of a run",
        [NV_SERVER_RUNNING] = "the end of a run",
    };
    struct nv_error err = {0};
    if (server->state == NV_SERVER_CLOSED || now_ns < server->deadline_ns)
        return;
    (void)nv_fail(&err, NV_E_PEER, "gave the client up: waited too long for %s",
                  waited_for[server->state]);
    closed(server, &err);
}

void nv_server_sent(struct nv_server *server, const struct nv_flow_end *ends)
{
    if (server->state != NV_SERVER_RUNNING || server->end_sent)
        return;
    server->end_sent = true;
    server->ops->send(server->context, nv_end_frame(ends, (unsigned)server->spec.flows));
}

void nv_server_done(struct nv_server *server, uint64_t now_ns)
{
    if (server->state != NV_SERVER_RUNNING)
        return;
    server->ops->results(server->context);
    server->ops->send(server->context, nv_frame_new(NV_FRAME_DONE));
    idle(server, now_ns);
}

void nv_server_failed(struct nv_server *server, uint64_t now_ns, const struct nv_error *error)
{
    if (server->state != NV_SERVER_RUNNING && server->state != NV_SERVER_READY)
        return;
    say_failed(server, error);
    idle(server, now_ns);
}

void nv_server_lost(struct nv_server *server)
{
    struct nv_error err = {0};
    if (server->state == NV_SERVER_READY || server->state == NV_SERVER_RUNNING)
        (void)nv_fail(&err, NV_E_PEER, "the client went away during a run");
    closed(server, &err);
}
