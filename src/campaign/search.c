/* SPDX-License-Identifier: MIT */
#include "campaign/search.h"

#include <math.h>

#include "base/error.h"

/* What may arrive before or after a window: the largest of these. */
#define EDGE_SHARE 0.01
#define EDGE_NS 20e6 /* as much as is due while a busy machine leaves us aside */
#define EDGE_MSGS 2.0
#define DOUBTS_MAX 3u /* a rate that passes now and then must not be doubted for ever */
/* The smallest step goes just beyond the resolution, so that what it leads to needs one more. */
#define STEP_MIN (NV_SEARCH_RESOLUTION * NV_SEARCH_RESOLUTION)
#define STEP_MAX 2.0

const char *nv_search_phase_name(enum nv_search_phase phase)
{
    static const char *const names[] = {"up", "bisect", "confirm", "over"};
    return names[phase];
}

const char *nv_search_end_name(enum nv_search_end end)
{
    static const char *const names[] = {"running", "found", "ceiling", "none", "unconfirmed"};
    return names[end];
}

const char *nv_search_failure_name(enum nv_search_failure failure)
{
    static const char *const names[] = {"", "loss", "pace"};
    return names[failure];
}

void nv_search_begin(struct nv_search *search)
{
    NV_ASSERT(search->floor > 0 && search->floor <= search->start &&
              search->start <= search->ceiling);
    search->rate = search->start;
    search->step = STEP_MAX;
}

static void finish(struct nv_search *search, enum nv_search_end end)
{
    search->phase = NV_SEARCH_OVER;
    search->end = end;
}

static bool is_narrow(const struct nv_search *search)
{
    return search->lo > 0 && search->hi > 0 && search->hi / search->lo <= NV_SEARCH_RESOLUTION;
}

/* The next step out of a bracket that has one end is the square of this one. */
static double next_step(struct nv_search *search)
{
    double step = search->step;
    search->step = fmin(step * step, STEP_MAX);
    return step;
}

static void go_down(struct nv_search *search)
{
    if (search->hi <= search->floor)
        finish(search, NV_SEARCH_NONE);
    else
        search->rate = fmax(search->hi / next_step(search), search->floor);
}

static void begin_confirming(struct nv_search *search)
{
    search->phase = NV_SEARCH_CONFIRM;
    search->rate = search->lo;
    search->lo = 0;
    search->step = NV_SEARCH_RESOLUTION;
}

static void after_up(struct nv_search *search)
{
    if (search->lo > 0 && search->hi > 0) {
        search->phase = NV_SEARCH_BISECT;
        search->rate = sqrt(search->lo * search->hi);
    } else if (search->hi > 0)
        go_down(search);
    else if (search->lo >= search->ceiling)
        begin_confirming(search);
    else
        search->rate = fmin(search->lo * next_step(search), search->ceiling);
}

static void after_bisect(struct nv_search *search)
{
    if (!is_narrow(search))
        search->rate = sqrt(search->lo * search->hi);
    else if (search->doubts < DOUBTS_MAX) {
        search->doubts++;
        search->doubting = true;
        search->rate = search->hi;
    } else
        begin_confirming(search);
}

/* One more trial of the upper end: had it failed by chance alone, all that was tried since lies
 * below the capacity. */
static void after_doubt(struct nv_search *search, bool passed)
{
    search->doubting = false;
    if (!passed) {
        begin_confirming(search);
        return;
    }
    search->lo = search->hi;
    search->hi = 0;
    search->step = STEP_MIN;
    search->phase = NV_SEARCH_UP;
    after_up(search);
}

static void after_confirm(struct nv_search *search)
{
    if (search->lo > 0 && (search->hi <= 0 || is_narrow(search))) {
        search->rate = search->lo;
        finish(search, search->hi > 0 ? NV_SEARCH_FOUND : NV_SEARCH_CEILING);
    } else if (search->lo > 0)
        search->rate = sqrt(search->lo * search->hi);
    else
        go_down(search);
}

static void decided(struct nv_search *search, bool passed)
{
    search->passes = 0;
    search->fails = 0;
    if (search->doubting) {
        after_doubt(search, passed);
        return;
    }
    *(passed ? &search->lo : &search->hi) = search->rate;
    if (search->phase == NV_SEARCH_UP)
        after_up(search);
    else if (search->phase == NV_SEARCH_BISECT)
        after_bisect(search);
    else
        after_confirm(search);
}

/* A search that is cut short has what was confirmed, or else the rate that it had come down to. */
static void cut_short(struct nv_search *search)
{
    if (search->phase == NV_SEARCH_CONFIRM && search->lo > 0)
        search->rate = search->lo;
    finish(search, NV_SEARCH_UNCONFIRMED);
}

void nv_search_input(struct nv_search *search, bool passed)
{
    NV_ASSERT(search->phase != NV_SEARCH_OVER);
    search->trial_count++;
    *(passed ? &search->passes : &search->fails) += 1;
    bool passes = search->passes > search->fails; /* the first, or two of three */
    if (passes || search->fails == 2 || search->doubting)
        decided(search, passes);
    if (search->phase != NV_SEARCH_OVER && search->trial_count == NV_SEARCH_TRIALS_MAX)
        cut_short(search);
}

enum nv_search_failure nv_search_judge(const struct nv_search_counts *counts, double loss_target)
{
    double sched = (double)counts->sched_count;
    if (sched - (double)counts->unique_count > sched * loss_target || !counts->sched_count)
        return NV_SEARCH_LOSS;
    double share = fmax(EDGE_SHARE, EDGE_NS / (double)counts->window_ns);
    double edges = fmax(sched * share, EDGE_MSGS);
    if ((double)counts->window_count < sched * (1 - loss_target) - edges)
        return NV_SEARCH_PACE;
    return NV_SEARCH_PASSED;
}
