/* SPDX-License-Identifier: MIT */
#ifndef NV_SCHEDULE_SCHEDULE_H
#define NV_SCHEDULE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "schedule/arrival.h"

/* When messages are meant to be sent and how large they are: a pure function of its configuration,
 * the same on every machine, in constant memory. The transport never enters. Times are absolute (ns
 * since the start of the run) and do not drift: constant and burst ones are exact for every k, a
 * Poisson gap is rounded, on average, by less than 2^-31 ns and 2^-47 of the mean gap. */

struct nv_schedule {
    uint64_t seq;
    uint64_t t_ns, part; /* of message seq: t_ns + part / denominator */
    uint64_t denominator;
    uint64_t gap_ns, gap_part; /* between ticks; the mean one for Poisson */
    uint64_t end_ns;
    uint32_t burst, left; /* messages per tick, and still due at this one */
    bool poisson, unpaced;
    struct nv_sizes sizes;
    struct nv_rng gap_rng, size_rng;
};

void nv_schedule_init(struct nv_schedule *schedule, const struct nv_schedule_config *config);

/* The next message, and at most count_max - 1 of those that follow it and are alike in size and
 * intended time; how many in all, 0: ended. At rate max the intended time is 0 and there is no end.
 */
uint32_t nv_schedule_take(struct nv_schedule *schedule, uint32_t count_max, struct nv_planned *out);
/* One alone; false: ended. */
static inline bool nv_schedule_next(struct nv_schedule *schedule, struct nv_planned *out)
{
    return nv_schedule_take(schedule, 1, out) != 0;
}

/* Intended time of what nv_schedule_next would give; UINT64_MAX when ended; 0 at rate max. */
static inline uint64_t nv_schedule_peek_ns(const struct nv_schedule *schedule)
{
    return schedule->t_ns < schedule->end_ns ? schedule->t_ns : UINT64_MAX;
}

/* FNV-1a over (k, t_k, size_k) of all messages, or of the first NV_SCHEDULE_HASHED_MAX; at rate max
 * of the first 1000 with t 0. */
#define NV_SCHEDULE_HASHED_MAX 1000000u
uint64_t nv_schedule_hash(const struct nv_schedule_config *config);

/* Messages intended in [from, to); 0 at rate max. A Poisson schedule is walked through, up to `to`,
 * when no more than NV_SCHEDULE_WALKED_MAX messages are expected until then. Of a longer one it is
 * an upper bound: what is expected, and eight standard deviations more, which one schedule in 10^15
 * exceeds. So the call is short whatever the configuration. */
#define NV_SCHEDULE_WALKED_MAX 65536u
uint64_t nv_schedule_count(const struct nv_schedule_config *config, uint64_t from_ns,
                           uint64_t to_ns);

#endif
