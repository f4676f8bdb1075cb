/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_CALLS_H
#define NV_MEASURE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/counter.h"
#include "measure/histogram.h"

/* What the socket calls of one end took, and how they failed; of workloads that open a socket for
 * each message. All of the run, warm-up included. Plain data: the live meter, and one read from the
 * far end's report, are the same struct. All zero is an empty meter that others can be merged into.
 * About 1 MB: keep it on the heap. */

enum nv_call {
    NV_CALL_SOCKET,
    NV_CALL_SETSOCKOPT,
    NV_CALL_BIND,
    NV_CALL_LISTEN,
    NV_CALL_CONNECT,
    NV_CALL_CONNECTING, /* no call: from connect() with EINPROGRESS to established */
    NV_CALL_ACCEPT,
    NV_CALL_SEND,
    NV_CALL_SENDTO,
    NV_CALL_WAITING, /* no call: from the end of a send to when there is something to read */
    NV_CALL_RECV,
    NV_CALL_RECVFROM,
    NV_CALL_CLOSE,
    /* Spans of several calls. */
    NV_CALL_HANDSHAKE,  /* client: from connect() called to established */
    NV_CALL_FIRST_BYTE, /* client: from socket() called until some of the answer is read */
    NV_CALL_ACCEPT_LAG, /* server: from the client's connect() to its own accept() returned */
    NV_CALL_COUNT
};

enum nv_call_kind { NV_CALL_IS_CALL, NV_CALL_IS_WAIT, NV_CALL_IS_SPAN };

struct nv_call_info {
    const char *name;
    enum nv_call_kind kind;
    unsigned client_place, server_place; /* in the order of the notes, from 1; 0: not its call */
};

extern const struct nv_call_info nv_call_infos[NV_CALL_COUNT];

#define NV_CALL_ERRORS                                                                             \
    8u /* different ones that are told apart, a call; the last takes the rest                      \
        */

struct nv_call_error {
    uint64_t number, count; /* errno; 0: none yet */
};

struct nv_calls {
    struct nv_call_error errors[NV_CALL_COUNT][NV_CALL_ERRORS];
    struct nv_hist time[NV_CALL_COUNT]; /* ns, failed calls included */
};

/* A call that has ended; error: its errno, or 0. */
void nv_calls_record(struct nv_calls *calls, enum nv_call call, uint64_t took_ns, int error);
uint64_t nv_calls_failed(const struct nv_calls *calls, enum nv_call call);
void nv_calls_merge(struct nv_calls *dst, const struct nv_calls *src);

/* Both end with a NULL name. */
extern const struct nv_counter_row nv_calls_counters[];
extern const struct nv_hist_row nv_calls_hists[];

#endif
