/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_ORDERING_H
#define NV_MEASURE_ORDERING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "measure/pattern.h"

/* Reordering after RFC 4737, over first copies only. Counts are exact whatever the window; the
 * window bounds how far back the arrival that overtook a message is remembered (its extent and
 * lateness), and how long a rising run of sequence numbers is (n-reordering). What falls out of it
 * is counted as censored. */

struct nv_ordering {
    uint64_t reordered_count; /* arrived after a later message (§3.3) */
    uint64_t disc_count;      /* sequence discontinuities (§3.4), */
    uint64_t disc_size_msgs;  /* messages skipped by them, late or lost */
    uint64_t extent_sum_msgs; /* §4.2: arrivals since the first that overtook it */
    uint64_t extent_max_msgs;
    uint64_t extent_censored_count; /* reordered, extent not known */
    uint64_t run_count;             /* §4.6: runs of messages in order that a late one ended, */
    uint64_t run_sum_msgs;          /* their total */
    uint64_t run_max_msgs;          /* and longest */
    uint64_t n_censored_count;      /* §5.3: n is at least what was counted */
    uint64_t extent[NV_PATTERN_SLOTS];
    uint64_t n_reorder[NV_PATTERN_SLOTS]; /* by n: later messages that arrived just before it */
};

struct nv_ordering_hole {
    uint64_t seq, position, t_ns; /* not yet arrived, and the arrival that overtook it */
};

struct nv_ordering_step {
    uint64_t seq, position;
};

/* State behind the counts; follows every message, counted or not. Owns its two rings. */
struct nv_ordering_live {
    uint64_t next_expected;
    uint64_t last_seq, position; /* of the latest arrival, the top of the stack; 0, 0 = none */
    uint64_t late_position;      /* of the latest that was reordered */
    uint64_t window, mask;
    uint64_t depth, bottom;    /* of the stack below it, which drops its bottom when full */
    uint64_t evicted_position; /* of the last one dropped; 0 = none */
    struct nv_ordering_hole *holes;
    struct nv_ordering_step *stack;
};

/* What one arrival was. */
struct nv_ordering_arrival {
    bool reordered;
    bool known; /* extent and lateness are */
    uint64_t extent_msgs;
    uint64_t late_ns; /* §4.3: since the arrival that overtook it */
};

#define NV_ORDERING_WINDOW 65536u /* the usual */

/* window is a power of two. NV_E_FAILED: no memory. */
int nv_ordering_init(struct nv_ordering_live *live, uint64_t window, struct nv_error *err);
void nv_ordering_dispose(struct nv_ordering_live *live);

/* A first copy has arrived; position in the stream counts from 1. counts NULL: follow only. */
struct nv_ordering_arrival nv_ordering_add(struct nv_ordering_live *live,
                                           struct nv_ordering *counts, uint64_t seq,
                                           uint64_t now_ns);

/* Is it the next in number after the latest arrival, and after all others? */
static inline bool nv_ordering_follows(const struct nv_ordering_live *live, uint64_t seq)
{
    return seq == live->next_expected && seq == live->last_seq + 1;
}

/* As nv_ordering_add of so many, each of which follows. */
static inline void nv_ordering_follow(struct nv_ordering_live *live, struct nv_ordering *counts,
                                      uint64_t count)
{
    live->next_expected += count;
    live->last_seq += count;
    live->position += count;
    if (counts)
        counts->n_reorder[0] += count;
}

#endif
