/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "path/element.h"

/* Holds packets back so that others overtake them: for a time, or until so many have passed. */

#define PATIENCE_NS (200 * NV_NS_PER_MS) /* when nobody comes to overtake */

struct held {
    struct nv_packet *packet;
    uint64_t leave_at; /* the count of passed packets at which it goes */
    uint64_t give_up_ns;
};

struct reorder {
    struct nv_rng rng;
    struct nv_packet_heap heap; /* by time */
    struct held *held;          /* by count: a ring, first come first gone */
    unsigned first, count, capacity;
    uint64_t passed_count;
    double p;
    uint64_t delay_ns, gap;
};

static bool reorder_wanted(const struct nv_impairment *impairment)
{
    return impairment->reorder > 0;
}

static int reorder_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct reorder *reorder = self;
    const struct nv_impairment *impairment = config->impairment;
    nv_rng_seed(&reorder->rng, config->seed);
    reorder->p = impairment->reorder;
    reorder->delay_ns = impairment->reorder_delay_ns;
    reorder->gap = impairment->reorder_gap;
    reorder->capacity = config->packets_max;
    reorder->held = calloc(reorder->capacity, sizeof *reorder->held);
    if (!reorder->held || nv_packet_heap_init(&reorder->heap, config->packets_max))
        return nv_fail(err, NV_E_FAILED, "path: no memory");
    return NV_OK;
}

static void release_first(struct reorder *reorder, uint64_t at_ns, struct nv_outlet *out)
{
    struct held *held = &reorder->held[reorder->first];
    reorder->first = (reorder->first + 1) % reorder->capacity;
    reorder->count--;
    held->packet->at_ns = at_ns;
    nv_outlet_pass(out, held->packet);
}

/* One packet passes; whoever waited for just this one comes right behind it. */
static void pass(struct reorder *reorder, struct nv_packet *packet, struct nv_outlet *out)
{
    uint64_t at_ns = packet->at_ns;
    nv_outlet_pass(out, packet);
    reorder->passed_count++;
    while (reorder->count && reorder->held[reorder->first].leave_at <= reorder->passed_count)
        release_first(reorder, at_ns, out);
}

static void hold(struct reorder *reorder, struct nv_packet *packet, struct nv_outlet *out)
{
    nv_outlet_reordered(out, packet);
    if (reorder->gap) {
        reorder->held[(reorder->first + reorder->count++) % reorder->capacity] =
            (struct held){.packet = packet,
                          .leave_at = reorder->passed_count + reorder->gap,
                          .give_up_ns = packet->at_ns + PATIENCE_NS};
        return;
    }
    packet->at_ns += reorder->delay_ns;
    nv_packet_heap_push(&reorder->heap, packet);
}

static void reorder_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct reorder *reorder = self;
    if (nv_rng_unit(&reorder->rng) <= reorder->p)
        hold(reorder, packet, out);
    else
        pass(reorder, packet, out);
}

static uint64_t reorder_next_ns(const void *self)
{
    const struct reorder *reorder = self;
    if (reorder->count)
        return reorder->held[reorder->first].give_up_ns;
    return nv_packet_heap_next_ns(&reorder->heap);
}

static void reorder_run(void *self, struct nv_outlet *out)
{
    struct reorder *reorder = self;
    if (reorder->count)
        release_first(reorder, reorder->held[reorder->first].give_up_ns, out);
    else
        nv_outlet_pass(out, nv_packet_heap_pop(&reorder->heap));
}

static void reorder_dispose(void *self)
{
    struct reorder *reorder = self;
    nv_packet_heap_dispose(&reorder->heap);
    free(reorder->held);
}

const struct nv_element nv_element_reorder = {
    .name = "reorder",
    .help = "holds packets back, for a time or until others have passed",
    .state_size = sizeof(struct reorder),
    .weather = true,
    .wanted = reorder_wanted,
    .init = reorder_init,
    .input = reorder_input,
    .next_ns = reorder_next_ns,
    .run = reorder_run,
    .dispose = reorder_dispose,
};
