/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_STAMPS_H
#define NV_MEASURE_STAMPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "measure/blocking.h"
#include "measure/interval.h"

/* What the kernel says of when the messages of one flow left and came (run option diag). Of what
 * this end sends there is a row for each measured message, in order; of what it receives only the
 * latest. Written by the flow's data thread, read when that is done. Times are ns since the run's
 * start; NV_UNKNOWN: no stamp. Bytes and datagrams that were sent are numbered from 0 (SOF_
 * TIMESTAMPING_OPT_ID): a message's id is that of its datagram, or of its last byte. */

enum nv_stamp {
    NV_STAMP_SCHED, /* handed to the packet scheduler (SCM_TSTAMP_SCHED) */
    NV_STAMP_SENT,  /* by it to the device (SCM_TSTAMP_SND) */
    NV_STAMP_ACKED, /* acknowledged, TCP (SCM_TSTAMP_ACK) */
    NV_STAMP_COUNT
};

struct nv_stamp_row {
    uint64_t seq, id;
    uint64_t t_acc_ns; /* after the call that took its last byte */
    uint64_t t_ns[NV_STAMP_COUNT];
};

/* Beyond this the wall clock, which kernel stamps are of, was set during the run. */
#define NV_CLOCK_STEP_NS_MAX 1000u

struct nv_stamp_counters {
    uint64_t sent_gaps_count; /* rows without NV_STAMP_SENT: their id was never seen */
    uint64_t again_count;     /* second stamps of one kind: sent once more by TCP */
    uint64_t foreign_count;   /* of no row: of messages that are not measured, or not kept */
    uint64_t unstamped_count; /* messages that came without */
    uint64_t clock_step_ns;   /* how far CLOCK_REALTIME moved against CLOCK_MONOTONIC */
};

struct nv_stamps {
    struct nv_phases phases;
    struct nv_stamp_counters counters;
    uint64_t capacity, count;
    struct nv_stamp_row *rows; /* owned; by ascending seq and id */
    uint64_t latest_id;        /* of what was sent */
    bool ordered;              /* what comes is handed over in order */
    struct nv_release release;
    uint64_t t_rxk_ns; /* of the latest message: when its last byte came, */
    uint64_t t_rdy_ns; /* and that and all before it: it could be handed over */
};

/* NV_E_FAILED: no memory. */
int nv_stamps_init(struct nv_stamps *, const struct nv_phases *phases, uint64_t capacity,
                   struct nv_error *err);
void nv_stamps_dispose(struct nv_stamps *);

/* A message has been sent, or a part of it: t_acc_ns is NV_UNKNOWN until nv_stamps_accepted. */
void nv_stamps_sent(struct nv_stamps *, uint64_t seq, uint64_t t_int_ns, uint64_t id,
                    uint64_t t_acc_ns);
/* The rest of the latest message has been taken. */
void nv_stamps_accepted(struct nv_stamps *, uint64_t t_acc_ns);
/* A stamp of what was sent; of its id the kernel gives the lower half. The first of a kind counts:
 * later ones are of what TCP sent again. */
void nv_stamps_take(struct nv_stamps *, enum nv_stamp stamp, uint32_t id, uint64_t at_ns);
/* The next message has come; in order, where the transport keeps it. */
void nv_stamps_came(struct nv_stamps *, uint64_t at_ns);
/* The run is over: counts what is missing. */
void nv_stamps_finish(struct nv_stamps *);
/* NULL: none is kept. */
const struct nv_stamp_row *nv_stamps_find(const struct nv_stamps *, uint64_t seq);

#endif
