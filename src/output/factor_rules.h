/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_FACTOR_RULES_H
#define NV_OUTPUT_FACTOR_RULES_H

#include "base/units.h"
#include "output/factors.h"

/* What the factors are made of: each is one const struct in factors_*.c and a line of nv_factors in
 * why.c. To add one, add those, its boundary in factors_test.c, and a case that is arranged for
 * real in tests/factors_test.py. All of this is pure. */

/* Of TCP's messages undelivered: a backlog that grew to the end. */
#define NV_FACTOR_NEVER_MIN 0.01

extern const struct nv_factor nv_factor_outage;
extern const struct nv_factor nv_factor_queue;
extern const struct nv_factor nv_factor_too_long;
extern const struct nv_factor nv_factor_send_buffer;
extern const struct nv_factor nv_factor_cpu_receiver;
extern const struct nv_factor nv_factor_receive_buffer;
extern const struct nv_factor nv_factor_corruption;
extern const struct nv_factor nv_factor_fragmentation;
extern const struct nv_factor nv_factor_path_loss;
extern const struct nv_factor nv_factor_delayed_ack;
extern const struct nv_factor nv_factor_nagle;
extern const struct nv_factor nv_factor_slow_start;
extern const struct nv_factor nv_factor_reordering;

/* Share of a whole, from 0 to 1; 0 of nothing. */
double nv_part(double value, double whole);
/* Of the missing messages. */
double nv_part_of_missing(const struct nv_factor_view *view, double count);

/* Dropped at the receiver's socket, damaged packets apart. */
double nv_dropped_at_receiver(const struct nv_evidence *evidence);
/* A message of several packets for which the send buffer never has room: the kernel says ENOBUFS.
 */
bool nv_too_large_for_buffer(const struct nv_factor_view *view);

/* Of the wait, before the transport took the message; all of it where TCP's backlog grew. */
double nv_blocked(const struct nv_factor_view *view);
/* Of TCP's wait: behind what was late, or before a window that the receiver did not limit. */
double nv_held(const struct nv_factor_view *view);
/* Of the time with data to send: held up by the receiver's window, and by congestion control. */
double nv_window_limited(const struct nv_evidence *evidence);
double nv_congestion_limited(const struct nv_evidence *evidence);

#endif
