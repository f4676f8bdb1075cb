/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_DEADLINE_H
#define NV_MEASURE_DEADLINE_H

#include <stdint.h>

/* How many messages were delivered within each of a list of deadlines: exact, no histogram. */

#define NV_DEADLINES_MAX 16u

struct nv_deadlines {
    uint64_t count;
    uint64_t deadline_ns[NV_DEADLINES_MAX]; /* ascending */
    uint64_t ontime_count[NV_DEADLINES_MAX];
};

/* deadline_ns is ascending; count is at most NV_DEADLINES_MAX. */
void nv_deadlines_init(struct nv_deadlines *deadlines, const uint64_t *deadline_ns, unsigned count);

static inline void nv_deadlines_add(struct nv_deadlines *deadlines, int64_t response_ns)
{
    uint64_t i = deadlines->count;
    while (i > 0 && response_ns <= (int64_t)deadlines->deadline_ns[i - 1])
        deadlines->ontime_count[--i]++;
}

#endif
