/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_REPORT_H
#define NV_MEASURE_REPORT_H

#include "measure/calls.h"
#include "measure/kernel.h"
#include "measure/rx.h"
#include "measure/stamps.h"
#include "measure/tx.h"

/* What was called on one socket, and what the kernel granted. */
struct nv_io_counters {
    uint64_t connect_ns;   /* TCP: connect() to established; UDP: hello to its answer */
    uint64_t sndbuf_bytes; /* as granted, getsockopt */
    uint64_t rcvbuf_bytes;
    uint64_t mtu_bytes;  /* of the route, IP_MTU; 0 unknown */
    uint64_t recv_calls; /* that brought data */
    uint64_t recv_empty; /* EAGAIN */
    uint64_t truncated;  /* datagrams that were longer than what was asked for */
    uint64_t send_calls; /* all of them */
    uint64_t partial_writes;
    uint64_t refused_count; /* ECONNREFUSED: nobody listened */
    uint64_t joins;         /* 1: the kernel may put datagrams together here (UDP_GRO) */
    uint64_t sockets_max;   /* server of crr: open at once, the one that listens included */
};

/* What the far end must know of a flow that this end has stopped sending on. */
struct nv_flow_end {
    uint64_t sent_count;         /* of the whole run */
    uint64_t seq_first, seq_end; /* measured messages: [first, end) */
};

/* What one flow of one end measured. tx and rx are NULL where that end has no such half; the report
 * does not own them unless its holder says so. */
struct nv_flow_report {
    struct nv_tx *tx;
    struct nv_rx *rx;
    struct nv_calls *calls;     /* where each message has a socket of its own; else NULL */
    struct nv_io_counters io;   /* from the opening of the flow */
    struct nv_tcp_counters tcp; /* from the start of the measured phase to the end */
    /* Of the first flow, for its whole namespace and the whole run: connections that there was no
     * room for, those that were dropped, and TCP windows that closed. */
    uint64_t listen_overflows, listen_drops, zero_windows;
    uint64_t drops_count;          /* datagrams, or joined ones, dropped here; likewise */
    uint64_t full_count;           /* sends that found the send buffer full (EAGAIN), */
    uint64_t blocked_ns;           /* and how long until there was room, where that is waited for */
    uint64_t cpu_ns;               /* of the flow's thread, measured phase */
    uint64_t idle_ns;              /* its thread had nothing to do; likewise; or NV_UNKNOWN */
    uint64_t cycles, instructions; /* likewise; NV_UNKNOWN where the processor does not tell */
    uint64_t involuntary_switches;
    uint64_t shared_thread;   /* 1: its thread also drove an earlier flow, which carries the cpu */
    uint64_t spun;            /* 1: its thread spun, so that cpu_ns says nothing of the work done */
    struct nv_stamps *stamps; /* with diag, else NULL; owned as tx and rx are */
    struct nv_stamp_counters stamped; /* as of *stamps, at the end */
};

/* Rows for what is carried as JSON: every counter of the report's own. */
struct nv_report_row {
    const char *name;
    size_t offset; /* of a uint64_t in struct nv_flow_report */
};
extern const struct nv_report_row nv_report_rows[]; /* ends with a NULL name */

#endif
