/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_LOSSES_H
#define NV_MEASURE_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/bitmap.h"
#include "measure/pattern.h"

/* The pattern of what never arrived, over the scheduled messages [from, to), for whatever cause:
 * loss periods and distances (RFC 3357), and counts of neighbours from which two-state models are
 * fitted. In g101 and the like, 1 is a missing message and 0 one that arrived. */

#define NV_LOSS_NOTICEABLE_MSGS 99u /* RFC 3357 delta */

struct nv_losses {
    uint64_t scheduled_count, missing_count;
    uint64_t run_count; /* loss periods */
    uint64_t run_max_msgs;
    uint64_t noticeable_count;       /* missing, and the one missing before it at most delta away */
    uint64_t g01_count, g10_count;   /* neighbours; g11 = missing - runs */
    uint64_t g101_count, g111_count; /* three in a row */
    uint64_t run[NV_PATTERN_SLOTS];  /* lengths of loss periods */
    uint64_t distance[NV_PATTERN_SLOTS]; /* from one missing message to the next */
};

void nv_losses_scan(struct nv_losses *losses, const struct nv_bitmap *arrived, uint64_t from,
                    uint64_t to);

/* Two-state Markov model: p = P(loss after delivery), r = P(delivery after loss), h = P(delivery in
 * the bad state). h is 0 in the simple model. Not known: too few losses, or outside its range. */
struct nv_gilbert {
    bool known;
    double p, r, h;
};

/* Known when both transitions were seen. Biased when the bad state also delivers. */
struct nv_gilbert nv_losses_gilbert_simple(const struct nv_losses *losses);
/* By trigrams: Hasslinger and Hohlfeld, "The Gilbert-Elliott Model for Packet Loss in Real Time
 * Services on the Internet", 2008. Known with 200 losses or more. */
struct nv_gilbert nv_losses_gilbert(const struct nv_losses *losses);

#endif
