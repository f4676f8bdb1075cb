/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_VARIATION_H
#define NV_MEASURE_VARIATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* How one-way delay varies; clocks may differ by a constant, which cancels. */

/* RFC 3393: delay of a message less that of the message sent just before it; undefined when either
 * is lost. Their order of arrival does not matter. Counted when the later one of the pair is
 * measured. The distribution of |difference| is the meter's ipdv_abs. */
struct nv_ipdv {
    int64_t sum_ns;
    uint64_t defined_count;
};

struct nv_ipdv_slot {
    uint64_t seq;
    int64_t delay_ns;
    bool measured;
};

struct nv_ipdv_live {
    uint64_t mask;
    struct nv_ipdv_slot *ring; /* owned */
};

/* The pairs that one arrival completes: with its predecessor, with its successor. */
struct nv_ipdv_pairs {
    unsigned count;
    int64_t difference_ns[2];
};

/* window is a power of two. NV_E_FAILED: no memory. */
int nv_ipdv_init(struct nv_ipdv_live *live, uint64_t window, struct nv_error *err);
void nv_ipdv_dispose(struct nv_ipdv_live *live);
/* A first copy. */
struct nv_ipdv_pairs nv_ipdv_add(struct nv_ipdv_live *live, uint64_t seq, int64_t delay_ns,
                                 bool measured);

/* As nv_ipdv_add of a message whose successor cannot have arrived: whether it completes the pair
 * with its predecessor. */
static inline bool nv_ipdv_add_latest(struct nv_ipdv_live *live, uint64_t seq, int64_t delay_ns,
                                      bool measured, int64_t *difference_ns)
{
    const struct nv_ipdv_slot *before = &live->ring[(seq - 1) & live->mask];
    bool known = measured && before->seq == seq - 1;
    *difference_ns = delay_ns - before->delay_ns;
    __builtin_prefetch(&live->ring[(seq + 8) & live->mask], 1); /* soon wanted, if all goes well */
    live->ring[seq & live->mask] =
        (struct nv_ipdv_slot){.seq = seq, .delay_ns = delay_ns, .measured = measured};
    return known;
}

/* So many more, each the next in number and with the same delay as the one just added: all differ
 * by 0, and those between the first and the last are no one else's neighbours. */
void nv_ipdv_follow(struct nv_ipdv_live *live, uint64_t seq, uint64_t count);

/* Interarrival jitter of RFC 3550 §6.4.1 and A.8, in arrival order, duplicates left out. An average
 * over some 16 messages: for comparison with tools that print it, not for inference. */
struct nv_jitter {
    uint64_t last_ns, max_ns; /* NV_UNKNOWN before the second message, and over several flows */
};

struct nv_jitter_live {
    bool started;
    int64_t delay_ns;
    uint64_t scaled; /* 16 J */
};

void nv_jitter_add(struct nv_jitter_live *live, struct nv_jitter *jitter, int64_t delay_ns);

/* So many more with the same delay. */
void nv_jitter_follow(struct nv_jitter_live *live, struct nv_jitter *jitter, uint64_t count);

#endif
