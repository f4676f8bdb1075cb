/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_INTERVAL_H
#define NV_MEASURE_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hint.h"

/* Phases of a run, and the equal intervals that its measured phase is cut into. */

/* A message belongs to the phase of its intended time (ns since the run's start), whenever it
 * arrives. Measured: [warmup, warmup + measure). */
struct nv_phases {
    uint64_t warmup_ns, measure_ns, cooldown_ns;
};

static inline bool nv_phases_measured(const struct nv_phases *phases, uint64_t t_int_ns)
{
    return t_int_ns - phases->warmup_ns < phases->measure_ns; /* wraps before the warm-up's end */
}

#define NV_INTERVALS_MAX 600

/* 100 ms, or in long runs as many whole ms as keep to NV_INTERVALS_MAX intervals. */
uint64_t nv_interval_length_ns(uint64_t measure_ns);
/* The last interval may be shorter than the others. */
uint64_t nv_interval_count(uint64_t measure_ns);

/* Finds the interval of one time after another without dividing: cheap when times come about in
 * order, right in any order. Times before the first interval are in it, times after the last one in
 * that. */
struct nv_interval_cursor {
    uint64_t index, lo_ns, length_ns, count;
};

/* count > 0. */
void nv_interval_cursor_init(struct nv_interval_cursor *cursor, uint64_t start_ns,
                             uint64_t length_ns, uint64_t count);
/* nv_interval_at() of a time outside the interval where the cursor is. */
NV_COLD uint64_t nv_interval_cursor_move(struct nv_interval_cursor *cursor, uint64_t t_ns);

static inline uint64_t nv_interval_at(struct nv_interval_cursor *cursor, uint64_t t_ns)
{
    if (t_ns - cursor->lo_ns < cursor->length_ns)
        return cursor->index;
    return nv_interval_cursor_move(cursor, t_ns);
}

#endif
