/* SPDX-License-Identifier: MIT */
#include "measure/inorder.h"

#include <stdlib.h>

/* A slot is a time and two marks. */
#define ARRIVED 1u
#define COUNTED 2u
#define TIME_SHIFT 2u

int nv_inorder_init(struct nv_inorder *order, uint64_t window, uint64_t patience_ns,
                    struct nv_error *err)
{
    NV_ASSERT(window > 0 && (window & (window - 1)) == 0);
    *order = (struct nv_inorder){.window = window, .mask = window - 1, .patience_ns = patience_ns};
    order->slots = calloc(window, sizeof *order->slots);
    if (!order->slots)
        return nv_fail(err, NV_E_FAILED, "no memory to hold %llu messages back",
                       (unsigned long long)window);
    for (uint64_t i = 0; i < window; i++)
        order->slots[i] = ARRIVED; /* takes the pages now, not while messages arrive */
    return NV_OK;
}

void nv_inorder_dispose(struct nv_inorder *order)
{
    free(order->slots);
    *order = (struct nv_inorder){0};
}

static uint64_t *slot_of(const struct nv_inorder *order, uint64_t seq)
{
    return &order->slots[seq & order->mask];
}

/* Hands over what is next, or gives it up, by now_ns at the latest. */
static void step(struct nv_inorder *order, struct nv_blocking *counts, uint64_t now_ns)
{
    uint64_t slot = *slot_of(order, order->rel++);
    uint64_t at_ns = slot >> TIME_SHIFT;
    if (!(slot & ARRIVED)) {
        uint64_t end_ns = at_ns + order->patience_ns;
        (void)nv_release_next(&order->release, end_ns < now_ns ? end_ns : now_ns);
        return;
    }
    uint64_t wait_ns = nv_release_next(&order->release, at_ns);
    if (slot & COUNTED)
        nv_blocking_add(counts, &order->release, wait_ns);
}

/* What is next has come, or was missing for too long by now_ns. */
static bool is_due(const struct nv_inorder *order, uint64_t now_ns)
{
    uint64_t slot = *slot_of(order, order->rel);
    return (slot & ARRIVED) || now_ns >= (slot >> TIME_SHIFT) + order->patience_ns;
}

static void hand_over(struct nv_inorder *order, struct nv_blocking *counts, uint64_t now_ns)
{
    while (order->rel < order->next && is_due(order, now_ns))
        step(order, counts, now_ns);
}

/* So that seq has a slot. */
static void make_room(struct nv_inorder *order, struct nv_blocking *counts, uint64_t seq,
                      uint64_t now_ns)
{
    while (order->rel < order->next && seq - order->rel >= order->window)
        step(order, counts, now_ns);
    if (seq - order->rel >= order->window)
        order->rel = order->next = seq - order->window + 1;
}

void nv_inorder_begin(struct nv_inorder *order, uint64_t next_expected)
{
    order->rel = order->next = next_expected;
}

void nv_inorder_add(struct nv_inorder *order, struct nv_blocking *counts, uint64_t seq,
                    uint64_t now_ns, bool counted)
{
    hand_over(order, counts, now_ns);
    if (seq < order->rel) {
        counts->too_late_count += counted;
        order->holds = order->rel < order->next;
        return;
    }
    make_room(order, counts, seq, now_ns);
    for (; order->next < seq; order->next++)
        *slot_of(order, order->next) = now_ns << TIME_SHIFT;
    *slot_of(order, seq) = now_ns << TIME_SHIFT | ARRIVED | (counted ? COUNTED : 0);
    if (order->next == seq)
        order->next++;
    hand_over(order, counts, now_ns);
    order->holds = order->rel < order->next;
}

void nv_inorder_finish(struct nv_inorder *order, struct nv_blocking *counts)
{
    while (order->holds && order->rel < order->next)
        step(order, counts, UINT64_MAX);
    order->holds = false;
}
