/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_BLOCKING_H
#define NV_MEASURE_BLOCKING_H

#include <stdint.h>

#include "measure/counter.h"
#include "measure/histogram.h"

/* Head-of-line blocking of messages that are handed over in order: message i arrives at a_i and is
 * handed over at M_i = max(M_{i-1}, a_i), so that it waits M_i - a_i for those before it. */

#define NV_BLOCKED_NS 50000u /* a shorter wait is noise */

struct nv_blocking {
    /* Waits above NV_BLOCKED_NS. Messages that are handed over together are one episode. */
    uint64_t blocked_count, episode_count, total_ns, max_ns;
    uint64_t too_late_count; /* no longer waited for when they came, and in none of the others */
    struct nv_hist waits;    /* all of them */
};

struct nv_release {
    uint64_t latest_ns;  /* M of the latest message */
    uint64_t episode_ns; /* M of the latest that was blocked; 0: none */
};

/* The next in order arrived at at_ns: how long it waits. */
static inline uint64_t nv_release_next(struct nv_release *release, uint64_t at_ns)
{
    if (at_ns > release->latest_ns)
        release->latest_ns = at_ns;
    return release->latest_ns - at_ns;
}

/* The wait that nv_release_next gave just before. */
static inline void nv_blocking_add(struct nv_blocking *blocking, struct nv_release *release,
                                   uint64_t wait_ns)
{
    nv_hist_add(&blocking->waits, wait_ns);
    if (wait_ns <= NV_BLOCKED_NS)
        return;
    blocking->blocked_count++;
    blocking->episode_count += release->episode_ns != release->latest_ns;
    blocking->total_ns += wait_ns;
    if (wait_ns > blocking->max_ns)
        blocking->max_ns = wait_ns;
    release->episode_ns = release->latest_ns;
}

#endif
