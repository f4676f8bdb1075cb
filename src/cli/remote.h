/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_REMOTE_H
#define NV_CLI_REMOTE_H

#include <uv.h>

#include "session/client.h"
#include "session/link.h"
#include "transport/endpoint.h"

/* The far end as the campaign sees it: connect, run one spec after another, close. Each call turns
 * the loop until it is done, so signals and the child process are served meanwhile. */

struct nv_remote {
    uv_loop_t *loop;
    struct nv_link link;
    struct nv_client client;
    uv_async_t wake;                 /* from data threads */
    uv_timer_t alarm;                /* the conversation's deadlines */
    struct sockaddr_storage address; /* control */
    json_t *hello;                   /* ours, and the server's */
    json_t *server_hello;
    bool shared_clock;
    /* Told when a run begins (NULL: nobody is); the run is from t0_ns to end_ns. */
    void (*started)(void *context, uint64_t t0_ns, uint64_t end_ns);
    void *started_context;
    const bool *interrupted; /* borrowed: the user wants an end of it */
    bool link_open, connected;
    unsigned handles_open;

    struct nv_spec spec; /* of the run in hand */
    uint32_t run_tag;
    struct nv_endpoint *endpoint;
    struct nv_flow_report *theirs; /* spec->flows, owned */
    bool run_over;
    struct nv_error run_error;

    /* What this machine's processors do in a run's measured phase, and when nothing runs. */
    uv_timer_t edge; /* of the phase; milliseconds will do for clock ticks */
    struct nv_busy {
        uint64_t busy_ns, span_ns;
    } measured, resting;    /* the run in hand; all pauses so far */
    struct nv_busy edge_at; /* as it began */
};

/* 0 when the server has said hello. Whatever callback sets *interrupted from now on, or has set it
 * before, ends any call here, with NV_E_INTERRUPTED. */
int nv_remote_open(struct nv_remote *, uv_loop_t *, const struct sockaddr_storage *address,
                   const bool *interrupted, struct nv_error *err);
/* Runs one spec; on success the reports of both ends stay valid until the next call. */
int nv_remote_run(struct nv_remote *, const struct nv_spec *, struct nv_error *err);
const struct nv_flow_report *nv_remote_ours(struct nv_remote *);
const struct nv_flow_report *nv_remote_theirs(struct nv_remote *);
/* Processor time of this whole machine in the measured phase of the last run, less what it does in
 * pauses; NV_UNKNOWN when that lasted less than 5 s, there was no second of pauses (METHOD 3: the
 * kernel counts ticks of 10 ms), or nothing above them was seen. */
uint64_t nv_remote_sys_cpu_ns(const struct nv_remote *);
/* Between runs; shorter when interrupted. */
void nv_remote_pause(struct nv_remote *, uint64_t pause_ns);
void nv_remote_close(struct nv_remote *);

#endif
