/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_WAITER_H
#define NV_TRANSPORT_WAITER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

/* A libuv loop, and a wait in it that ends to the microsecond: libuv's own timers count
 * milliseconds, so the deadline is a timerfd that the loop watches. */
struct nv_waiter {
    uv_loop_t loop;
    uv_poll_t alarm;
    int alarm_fd;
    uint64_t alarm_ns; /* when the timerfd goes off; 0 = it has, or was never set */
    bool loop_open;    /* opening may fail half-way; close undoes what was done */
};

/* From all zero. 0, or NV_E_FAILED: no descriptors; close it all the same. */
int nv_waiter_open(struct nv_waiter *, struct nv_error *);

/* Runs the loop until a callback calls uv_stop, or until due_ns (of nv_clock_ns(), as now_ns) and
 * perhaps less; where that is past, looks once for what there is. */
void nv_waiter_run(struct nv_waiter *, uint64_t now_ns, uint64_t due_ns);

/* After uv_close of all other handles of the loop, whose callbacks run now. */
void nv_waiter_close(struct nv_waiter *);

#endif
