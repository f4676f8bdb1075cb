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

/* The first deadline that a response keeps; count when it keeps none. Most keep the first. */
static inline uint64_t nv_deadlines_first(const struct nv_deadlines *deadlines, int64_t response_ns)
{
    uint64_t i = 0;
    while (i < deadlines->count && response_ns > (int64_t)deadlines->deadline_ns[i])
        i++;
    return i;
}

/* Adds how many keep each deadline as their first, and so all later ones; those counts are then 0.
 */
void nv_deadlines_take(struct nv_deadlines *deadlines, uint64_t first_count[NV_DEADLINES_MAX]);

#endif
