/* SPDX-License-Identifier: MIT */
#ifndef NV_SCHEDULE_PACER_H
#define NV_SCHEDULE_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "schedule/schedule.h"

/* A schedule being kept: a machine in time that gives out what is due, and tells whose fault a late
 * send is. It never skips a message and never shifts the schedule. Times are ns since the start of
 * the run. */
struct nv_pacer {
    struct nv_schedule schedule;
    uint64_t end_ns;
    bool ended;   /* unpaced, and a message was asked for at or after the end */
    bool blocked; /* the socket does not take messages now, */
    bool behind;  /* or did not, and what came due meanwhile is not all given out yet */
    bool was_blocked;
    uint64_t caught_up_ns; /* when it last was, after it had been blocked */
};

/* How late a send was: late by our timer or CPU (sched), or because the transport would not take it
 * (block). One of them is 0. */
struct nv_lag {
    uint64_t sched_ns, block_ns;
};

void nv_pacer_init(struct nv_pacer *pacer, const struct nv_schedule_config *config);

/* Intended time of the next message; UINT64_MAX when the schedule has ended; at rate max 0
 * until nv_pacer_take refused one at or after the end. */
uint64_t nv_pacer_next_ns(const struct nv_pacer *pacer);

/* What nv_schedule_take gives, if it is due by now. At rate max messages are always due before the
 * end, and their intended time is now. */
uint32_t nv_pacer_take(struct nv_pacer *pacer, uint64_t now_ns, uint32_t count_max,
                       struct nv_planned *out);

/* The transport refused a message for want of room, and later has room again. */
void nv_pacer_blocked(struct nv_pacer *pacer);
void nv_pacer_writable(struct nv_pacer *pacer);

/* The whole lag is block when since the intended time the socket was blocked, or messages that had
 * waited for it were ahead; and sched otherwise. Ask when the message has been sent, before the
 * next one is refused. */
struct nv_lag nv_pacer_lag(const struct nv_pacer *pacer, uint64_t t_int_ns, uint64_t t_snd_ns);

#endif
