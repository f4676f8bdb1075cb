/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_LANE_H
#define NV_TRANSPORT_LANE_H

#include <stdatomic.h>

#include "measure/perf.h"
#include "transport/endpoint.h"
#include "wire/framer.h"

/* A lane is what one data thread drives: some flows of an endpoint on one engine instance. Nothing
 * in it is shared but the atomics. */

#define NV_OUTBOX_MESSAGES 64u /* of engines that do not gather */

struct nv_lane_flow {
    void *workload; /* state of the spec's workload */
    struct nv_flow_report *report;
    struct nv_header *outbox; /* trains; owned by the endpoint */
    unsigned outbox_size, outbox_first, outbox_count;
    bool blocked, closed; /* closed: sends no more */
    bool damaged;         /* the message under way has a wrong byte */
    atomic_bool told;
    bool expecting;                   /* theirs has been passed on to the workload */
    const struct nv_payload *payload; /* what is received must match; NULL: not looked at */
    struct nv_framer framer;
    struct nv_tcp_counters tcp_start;
    uint64_t drops_start;
    uint64_t refused_seq; /* refused last; again: none has been taken since */
    uint64_t blocked_from_ns;
    struct nv_flow_end ours;   /* written before the owner is told that all is sent */
    struct nv_flow_end theirs; /* written by the owner before told is set */
};

/* Messages of one receive call, until one comes that is not like them. */
struct nv_lane_run {
    struct nv_rx_message message; /* count 0: none */
    uint8_t type;
};

struct nv_lane {
    const struct nv_spec *spec;
    struct nv_workload workload; /* copies, which lie with the rest of what a turn looks at */
    struct nv_engine calls;
    void *engine; /* its state */
    const struct nv_payload *payload;
    uint32_t run_tag;
    bool trains; /* messages that came as one are taken as one, */
    bool joins;  /* or are looked at one by one, and put together again */
    bool at_max; /* nothing is due at a time of its own */
    struct nv_channel channel;
    struct nv_lane_flow *flows;
    struct nv_lane_run run;
    uint64_t now_ns;  /* since t0, the latest reading */
    uint64_t edge_ns; /* of the measured phase or the stall, the next that has not been marked */
    uint64_t stall_from_ns, stall_end_ns; /* nothing is read meanwhile; both 0: no stall */
    bool measuring, measured;
    bool sent; /* told the owner that nothing more is sent */
    struct nv_thread_usage usage_start;
    uint64_t namespace_start[3]; /* listen overflows, listen drops, zero windows */
    struct nv_perf perf;
    uint64_t events_start[NV_PERF_EVENTS];
    atomic_bool *stop;
    void (*sent_all)(void *context);
    void *context;
    struct nv_error error;
};

/* Opens the engine over channel.sockets; in the lane's own thread. */
int nv_lane_open(struct nv_lane *);
/* Runs to the end. 0, or lane->error. */
int nv_lane_run(struct nv_lane *);
void nv_lane_close(struct nv_lane *);

#endif
