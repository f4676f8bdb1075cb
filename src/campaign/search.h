/* SPDX-License-Identifier: MIT */
#ifndef NV_CAMPAIGN_SEARCH_H
#define NV_CAMPAIGN_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

/* The search for a capacity: the highest rate that passes. It says which rate to try next and is
 * told how the trial ended; it knows neither time nor transport. Pure; no allocation.
 *
 * A capacity is what RFC 2544, section 26.1, calls throughput: the highest rate without loss, here
 * with a share of loss that is given (RFC 9097 allows one, too). A busy machine makes trials fail
 * that would pass, and none pass that would fail for long, so:
 *   a rate passes with its first trial; when that fails, two of three trials decide;
 *   the upper end of a bracket is tried once more before it is believed;
 *   what was found must pass a longer trial, or the search goes on below it. */

#define NV_SEARCH_RESOLUTION 1.02 /* upper end of the last bracket divided by its lower end */
#define NV_SEARCH_TRIALS_MAX 80u

enum nv_search_phase {
    NV_SEARCH_UP,      /* for a bracket: doubling or, when the first rate fails, halving */
    NV_SEARCH_BISECT,  /* at the geometric mean, and its upper end once more */
    NV_SEARCH_CONFIRM, /* longer trials */
    NV_SEARCH_OVER,
};
/* As files have it. */
const char *nv_search_phase_name(enum nv_search_phase phase);

enum nv_search_end {
    NV_SEARCH_RUNNING,
    NV_SEARCH_FOUND,
    NV_SEARCH_CEILING,     /* the highest rate allowed passes: the capacity is that, or more */
    NV_SEARCH_NONE,        /* the lowest rate fails */
    NV_SEARCH_UNCONFIRMED, /* so many trials did not settle it */
};
const char *nv_search_end_name(enum nv_search_end end); /* as files have it */

struct nv_search {
    /* Set by the caller, in any one unit: 0 < floor <= start <= ceiling. */
    double start, floor, ceiling;

    double rate; /* to be tried next or, when it is over, what was found */
    enum nv_search_phase phase;
    enum nv_search_end end;
    unsigned trial_count;
    /* private */
    double lo, hi;          /* highest that passed, lowest that failed since; 0: none yet */
    double step;            /* factor to the next rate, out of a bracket with one end */
    unsigned passes, fails; /* of the rate in hand */
    unsigned doubts;        /* how often an upper end was tried again */
    bool doubting;          /* it is, now */
};

/* Of a struct that is zero but for the three rates. */
void nv_search_begin(struct nv_search *search);
/* How the trial of search->rate ended. Not once it is over. */
void nv_search_input(struct nv_search *search, bool passed);

/* What a trial gave: messages of its measured phase. */
struct nv_search_counts {
    uint64_t sched_count;
    uint64_t unique_count; /* of those, arrived at all */
    uint64_t window_count; /* that arrived within the receiver's window, */
    uint64_t window_ns;    /* as long as the phase */
};

enum nv_search_failure { NV_SEARCH_PASSED, NV_SEARCH_LOSS, NV_SEARCH_PACE };
/* As files have it; "" for what passed. */
const char *nv_search_failure_name(enum nv_search_failure failure);

/* It fails by loss when more than that share of what was scheduled never arrived: lost, refused or
 * never sent. It fails by pace when that share, and what may miss the edges of the window (1 %, and
 * at least 20 ms or two messages), did not arrive in as much time as it was scheduled for: then a
 * backlog grows, at the sender or in a queue, and what is yet delivered in the end is more than can
 * be carried for longer. */
enum nv_search_failure nv_search_judge(const struct nv_search_counts *counts, double loss_target);

/* What a search came to. */
struct nv_capacity {
    enum nv_search_end end; /* NV_SEARCH_RUNNING: there was no search, or it is not over */
    struct nv_rate rate;    /* of each flow; of who limits itself: max */
    double msgs_per_s;      /* of all flows */
    unsigned trial_count;
};

#endif
