/* SPDX-License-Identifier: MIT */
#ifndef NV_SPEC_SPEC_H
#define NV_SPEC_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpus.h"
#include "base/option.h"
#include "base/units.h"
#include "measure/deadline.h"
#include "schedule/schedule.h"
#include "schedule/sizes.h"

/* What one run is: every parameter that both ends must agree on. Options, scenario keys, metadata,
 * the RUN frame and the input columns of runs.csv all come from nv_spec_options. */

enum nv_direction { NV_UP, NV_DOWN, NV_BOTH };   /* up: from the client to the server */
enum nv_udp_policy { NV_UDP_DROP, NV_UDP_WAIT }; /* when the send buffer is full */
/* For input: asleep, by looking again and again, or asleep after the kernel has looked a while. */
enum nv_wait { NV_WAIT_BLOCK, NV_WAIT_SPIN, NV_WAIT_BUSY_POLL };
enum nv_pace { NV_PACE_AUTO, NV_PACE_SLEEP, NV_PACE_HYBRID };

#define NV_FLOWS_MAX 256u

struct nv_spec {
    char transport[NV_OPTION_TEXT_BYTES];
    char app[NV_OPTION_TEXT_BYTES]; /* what set some of the rest (spec/app.h); "" = nothing did */
    char engine[NV_OPTION_TEXT_BYTES];
    char workload[NV_OPTION_TEXT_BYTES];
    char cc[NV_OPTION_TEXT_BYTES]; /* "" = the system's */
    struct nv_sizes sizes;
    uint64_t reply_bytes; /* 0 = as long as the request */
    struct nv_rate rate;  /* NV_RATE_SEARCH: of a cell, never of a run */
    double loss_target; /* rate search: share of messages that may be missing, from 0 to below 1 */
    unsigned arrival;   /* enum nv_arrival */
    uint64_t burst_msgs;
    uint64_t batch_msgs;  /* in one send call, at most; engine batch */
    uint64_t window_msgs; /* in flight at rate max, rr */
    uint64_t flows;
    uint64_t threads;       /* that drive them, at each end; one a flow at most */
    struct nv_cpus cpus[2]; /* that the client's and the server's threads keep to; none: any */
    unsigned direction;     /* enum nv_direction */
    char path[NV_OPTION_TEXT_BYTES]; /* emulated between the ends, which see nothing of it */
    uint64_t warmup_ns, duration_ns, cooldown_ns, drain_ns;
    uint64_t deadline_ns;
    bool nodelay, quickack;
    uint64_t read_bytes;                 /* asked for by a receive call; 0: the engine's choice */
    uint64_t backlog;                    /* of the listening socket, crr */
    bool udp_connect;                    /* crr: connect() a datagram socket, too */
    uint64_t sndbuf_bytes, rcvbuf_bytes; /* 0 = the system's */
    unsigned udp_policy;                 /* enum nv_udp_policy */
    unsigned pace;                       /* enum nv_pace */
    unsigned wait;                       /* enum nv_wait */
    uint64_t dscp;
    bool verify;
    uint64_t messages; /* rows of messages.csv kept per flow and direction; 0 = none */
    bool diag;         /* kernel time stamps of every message */
    uint64_t seed;     /* of this run's schedules: the same in both arms of a block */
    uint64_t stall_ns; /* in the middle of the measured phase: who receives reads nothing */
};

extern const struct nv_option nv_spec_options[];

/* What no single row can say. One line in *err, NV_E_USAGE. */
int nv_spec_check(const struct nv_spec *spec, struct nv_error *err);

/* What its transport and its workload are like: for whoever can look them up. */
struct nv_spec_nature {
    bool datagrams; /* each message must fit in one */
    bool answered;  /* messages come back by themselves */
    bool connects;  /* each message has a socket of its own, */
    bool opens;     /* and the engine can open one */
    bool stamps;    /* the engine can ask the kernel for time stamps */
};
/* What only they can say. One line in *err, NV_E_USAGE. */
int nv_spec_check_nature(const struct nv_spec *spec, struct nv_spec_nature nature,
                         struct nv_error *err);

/* Seed and rate of one flow in one direction; the transport never enters.
 * from_client tells the two directions of --direction both apart. */
struct nv_schedule_config nv_spec_schedule(const struct nv_spec *spec, unsigned flow,
                                           bool from_client);

/* Intended times run from 0 to here, ns. */
uint64_t nv_spec_end_ns(const struct nv_spec *spec);

/* Messages a second that the spec asks for, all flows together; 0 at rate max. */
double nv_spec_rate_msgs(const struct nv_spec *spec);
/* At rate max, which intends none: how many messages there is room for, in one flow and in all
 * together. 100 million a second, and no more than 2^32. */
uint64_t nv_spec_unpaced_msgs(const struct nv_spec *spec);

/* Rows of messages.csv that a flow and direction keeps at most: with diag 10 000, unless said. */
uint64_t nv_spec_trace_rows(const struct nv_spec *spec);

/* The deadlines that deadlines.csv reports, ns, ascending, with the spec's own among them. */
unsigned nv_spec_deadlines(const struct nv_spec *spec, uint64_t out_ns[NV_DEADLINES_MAX]);

#endif
