/* SPDX-License-Identifier: MIT */
#ifndef NV_CAMPAIGN_PARTS_H
#define NV_CAMPAIGN_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/rx.h"

/* Where a message was between its send and its arrival, by the kernel's stamps (run option diag):
 * each part is from one stamp to the next, so that they sum to its service time. */

enum nv_part {
    NV_PART_SEND,  /* system call, send buffer, window, kernel pacing */
    NV_PART_QDISC, /* the device's queue */
    NV_PART_PATH,  /* lost and sent again, too */
    NV_PART_HOL,   /* there, and behind one that is not (TCP) */
    NV_PART_WAKE,  /* until the receiver has read it */
    NV_PART_COUNT
};

struct nv_part_info {
    const char *name;  /* in files */
    const char *label; /* for people */
};

extern const struct nv_part_info nv_parts[NV_PART_COUNT];

/* An earlier stamp may be later by this, which is what converting from clock to clock may be wrong
 * by: beyond it the parts are wrong. */
#define NV_PART_ERROR_NS 1000

/* Whether all stamps of it are known. */
bool nv_parts_of(const struct nv_trace_row *row, int64_t out_ns[NV_PART_COUNT]);
/* They sum to the service time exactly, and none is less than nothing. */
bool nv_parts_hold(const struct nv_trace_row *row, const int64_t parts_ns[NV_PART_COUNT]);

/* Of many messages. */
struct nv_part_sums {
    uint64_t count;       /* messages whose stamps are all known */
    uint64_t wrong_count; /* of them, nv_parts_hold not */
    int64_t sum_ns[NV_PART_COUNT];
};
void nv_parts_add(struct nv_part_sums *sums, const struct nv_rx *rx);
void nv_parts_merge(struct nv_part_sums *dst, const struct nv_part_sums *src);

#endif
