/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_CLIENT_H
#define NV_SESSION_CLIENT_H

#include "measure/report.h"
#include "session/protocol.h"
#include "spec/spec.h"

/* The client's side of the conversation: a machine in time, as session/server.h. */

enum nv_client_state {
    NV_CLIENT_AWAIT_HELLO,
    NV_CLIENT_IDLE,
    NV_CLIENT_AWAIT_READY,
    NV_CLIENT_OPENING, /* our flows */
    NV_CLIENT_RUNNING,
    NV_CLIENT_AWAIT_RESULTS, /* our end is done */
    NV_CLIENT_CLOSED,
};

struct nv_client_ops {
    void (*send)(void *context, json_t *frame); /* takes the reference */
    void (*welcome)(void *context, const json_t *hello);
    int (*open)(void *context, uint64_t token, uint16_t data_port, struct nv_error *err);
    void (*start)(void *context, uint64_t t0_ns);
    void (*expect)(void *context, const struct nv_flow_end *ends, unsigned count);
    int (*result)(void *context, unsigned flow, const json_t *report, struct nv_error *err);
    int (*trace)(void *context, unsigned flow, uint64_t first, const json_t *rows,
                 struct nv_error *err);
    int (*stamps)(void *context, unsigned flow, uint64_t first, const json_t *rows,
                  struct nv_error *err);
    /* The run is over: 0, or why it failed. Called once per nv_client_begin. */
    void (*finished)(void *context, const struct nv_error *err);
    void (*stop)(void *context); /* abandon our end */
};

struct nv_client {
    const struct nv_client_ops *ops;
    void *context;
    enum nv_client_state state;
    uint64_t deadline_ns;
    const struct nv_spec *spec; /* of the run in hand; borrowed */
    uint32_t run_tag;
    bool end_sent;
    bool ours_done, theirs_done;
    struct nv_error error; /* why CLOSED */
};

void nv_client_init(struct nv_client *, json_t *hello, uint64_t now_ns);
/* Begins a run; only in IDLE. */
void nv_client_begin(struct nv_client *, const struct nv_spec *, uint32_t run_tag, uint64_t now_ns);
void nv_client_input(struct nv_client *, uint64_t now_ns, const json_t *frame);
uint64_t nv_client_next_ns(const struct nv_client *);
void nv_client_run(struct nv_client *, uint64_t now_ns);

/* Events of our end of the run. */
void nv_client_opened(struct nv_client *, uint64_t now_ns);
void nv_client_sent(struct nv_client *, const struct nv_flow_end *ends);
void nv_client_done(struct nv_client *, uint64_t now_ns);
void nv_client_failed(struct nv_client *, uint64_t now_ns, const struct nv_error *);

void nv_client_lost(struct nv_client *, const char *reason);

#endif
