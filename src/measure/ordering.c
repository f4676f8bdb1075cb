/* SPDX-License-Identifier: MIT */
#include "measure/ordering.h"

#include <stdlib.h>

#include "measure/counter.h"

int nv_ordering_init(struct nv_ordering_live *live, uint64_t window, struct nv_error *err)
{
    NV_ASSERT(window > 0 && (window & (window - 1)) == 0);
    *live = (struct nv_ordering_live){.window = window, .mask = window - 1};
    live->holes = calloc(window, sizeof *live->holes);
    live->stack = calloc(window, sizeof *live->stack);
    if (!live->holes || !live->stack) {
        nv_ordering_dispose(live);
        return nv_fail(err, NV_E_FAILED, "no memory to follow the order of %llu messages",
                       (unsigned long long)window);
    }
    /* Also takes the pages now, not while messages arrive. */
    for (uint64_t i = 0; i < window; i++) {
        live->holes[i].seq = NV_UNKNOWN;
        live->stack[i].seq = NV_UNKNOWN;
    }
    return NV_OK;
}

void nv_ordering_dispose(struct nv_ordering_live *live)
{
    free(live->holes);
    free(live->stack);
    *live = (struct nv_ordering_live){0};
}

/* Every number skipped may still come: remember who was first to overtake it. Only the last window
 * of them can be told apart in the ring. */
static void open_holes(struct nv_ordering_live *live, uint64_t seq, uint64_t now_ns)
{
    uint64_t from = live->next_expected;
    if (seq - from > live->window)
        from = seq - live->window;
    for (uint64_t hole = from; hole < seq; hole++)
        live->holes[hole & live->mask] =
            (struct nv_ordering_hole){.seq = hole, .position = live->position, .t_ns = now_ns};
}

static void follow_in_order(struct nv_ordering_live *live, struct nv_ordering *counts, uint64_t seq,
                            uint64_t now_ns)
{
    if (seq > live->next_expected) {
        if (counts) {
            counts->disc_count++;
            counts->disc_size_msgs += seq - live->next_expected;
        }
        open_holes(live, seq, now_ns);
    }
    live->next_expected = seq + 1;
}

static struct nv_ordering_arrival reordered_arrival(const struct nv_ordering_live *live,
                                                    uint64_t seq, uint64_t now_ns)
{
    const struct nv_ordering_hole *hole = &live->holes[seq & live->mask];
    struct nv_ordering_arrival arrival = {.reordered = true, .known = hole->seq == seq};
    if (arrival.known) {
        arrival.extent_msgs = live->position - hole->position;
        arrival.late_ns = now_ns - hole->t_ns;
    }
    return arrival;
}

static void count_reordered(struct nv_ordering *counts, const struct nv_ordering_arrival *arrival,
                            uint64_t run_msgs)
{
    counts->reordered_count++;
    counts->run_count++;
    counts->run_sum_msgs += run_msgs;
    if (run_msgs > counts->run_max_msgs)
        counts->run_max_msgs = run_msgs;
    if (!arrival->known) {
        counts->extent_censored_count++;
        return;
    }
    counts->extent_sum_msgs += arrival->extent_msgs;
    if (arrival->extent_msgs > counts->extent_max_msgs)
        counts->extent_max_msgs = arrival->extent_msgs;
    nv_pattern_add(counts->extent, arrival->extent_msgs);
}

static struct nv_ordering_step *step_at(struct nv_ordering_live *live, uint64_t height)
{
    return &live->stack[(live->bottom + height) & live->mask];
}

static void push(struct nv_ordering_live *live, struct nv_ordering_step step)
{
    *step_at(live, live->depth++) = step;
    if (live->depth < live->window)
        return;
    live->evicted_position = step_at(live, 0)->position;
    live->bottom++;
    live->depth--;
}

/* How many messages just before this one were all later ones. The stack holds, from the top, the
 * nearest earlier arrival with a smaller number, the nearest before that with a still smaller one,
 * and so on: numbers that are popped can never again be the nearest. Nor can one whose successor
 * has arrived after it, so a message in order takes the place of the one before. */
static uint64_t count_back(struct nv_ordering_live *live, uint64_t seq, bool *censored)
{
    struct nv_ordering_step before = {.seq = live->last_seq, .position = live->position};
    uint64_t nearest = 0;
    live->last_seq = seq;
    live->position++;
    *censored = false;
    if (before.position && before.seq < seq) {
        if (before.seq + 1 < seq)
            push(live, before);
        return 0;
    }
    while (live->depth && step_at(live, live->depth - 1)->seq > seq)
        live->depth--;
    if (live->depth) {
        nearest = step_at(live, live->depth - 1)->position;
    } else if (live->evicted_position) {
        nearest = live->evicted_position;
        *censored = true;
    }
    return before.position - nearest;
}

struct nv_ordering_arrival nv_ordering_add(struct nv_ordering_live *live,
                                           struct nv_ordering *counts, uint64_t seq,
                                           uint64_t now_ns)
{
    struct nv_ordering_arrival arrival = {.reordered = false};
    bool censored;
    uint64_t n = count_back(live, seq, &censored);
    if (seq >= live->next_expected) {
        follow_in_order(live, counts, seq, now_ns);
    } else {
        arrival = reordered_arrival(live, seq, now_ns);
        if (counts)
            count_reordered(counts, &arrival, live->position - 1 - live->late_position);
        live->late_position = live->position;
    }
    if (counts) {
        nv_pattern_add(counts->n_reorder, n);
        counts->n_censored_count += censored;
    }
    return arrival;
}
