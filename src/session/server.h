/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_SERVER_H
#define NV_SESSION_SERVER_H

#include "measure/report.h"
#include "session/limits.h"
#include "session/protocol.h"
#include "spec/spec.h"

/* One client's conversation at the server: a machine in time. Frames and events go in, frames and
 * orders come out through ops. It reads no clock and touches no socket; every state has a deadline,
 * after which the conversation is over. */

enum nv_server_state {
    NV_SERVER_AWAIT_HELLO,
    NV_SERVER_IDLE,  /* between runs */
    NV_SERVER_READY, /* run prepared, waiting for the start */
    NV_SERVER_RUNNING,
    NV_SERVER_CLOSED,
};

struct nv_server_ops {
    void (*send)(void *context, json_t *frame); /* takes the reference */
    /* Prepares this end of a run; 0, or why not. */
    int (*open)(void *context, const struct nv_spec *spec, uint32_t run_tag, uint64_t token,
                struct nv_error *err);
    void (*start)(void *context, uint64_t t0_ns); /* on this end's clock */
    void (*expect)(void *context, const struct nv_flow_end *ends, unsigned count);
    void (*results)(void *context); /* sends a result frame per flow */
    void (*stop)(void *context);    /* abandons the run in hand, if any */
};

struct nv_server {
    bool is_patient; /* the client may be idle for as long as it likes */
    const struct nv_server_ops *ops;
    void *context;
    struct nv_server_limits limits;
    json_t *hello; /* ours; borrowed */
    uint16_t data_port;
    enum nv_server_state state;
    uint64_t deadline_ns;
    struct nv_spec spec;
    uint32_t run_tag; /* of the run in hand, or the last one */
    bool end_sent;
    bool shared_clock; /* with this client */
    uint64_t run_count;
    struct nv_error error; /* why it is CLOSED; code 0 when the client left in peace */
};

void nv_server_init(struct nv_server *, uint64_t now_ns);
void nv_server_input(struct nv_server *, uint64_t now_ns, const json_t *frame);
uint64_t nv_server_next_ns(const struct nv_server *);
void nv_server_run(struct nv_server *, uint64_t now_ns);

/* Events of this end of the run. ends: as many as flows. */
void nv_server_sent(struct nv_server *, const struct nv_flow_end *ends);
void nv_server_done(struct nv_server *, uint64_t now_ns);
void nv_server_failed(struct nv_server *, uint64_t now_ns, const struct nv_error *);

/* The connection is gone. */
void nv_server_lost(struct nv_server *);

#endif
