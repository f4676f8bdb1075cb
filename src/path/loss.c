/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/rng.h"
#include "path/element.h"

/* What loses packets by chance, by list or by the clock. */

struct loss {
    struct nv_rng rng;
    double p;
};

static bool loss_wanted(const struct nv_impairment *impairment)
{
    return impairment->loss > 0;
}

static int loss_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct loss *loss = self;
    (void)err;
    nv_rng_seed(&loss->rng, config->seed);
    loss->p = config->impairment->loss;
    return NV_OK;
}

static void loss_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct loss *loss = self;
    if (nv_rng_unit(&loss->rng) <= loss->p)
        nv_outlet_drop(out, packet, NV_DROP_LOSS);
    else
        nv_outlet_pass(out, packet);
}

const struct nv_element nv_element_loss = {
    .name = "loss",
    .help = "loses each packet by itself (Bernoulli)",
    .state_size = sizeof(struct loss),
    .weather = true,
    .wanted = loss_wanted,
    .init = loss_init,
    .input = loss_input,
};

/* Gilbert and Elliott, a step at each packet: first the state may change, then the packet may be
 * lost. It begins in a state of the chain's long run. */
struct ge {
    struct nv_rng rng;
    struct nv_gilbert_elliott model;
    bool bad;
};

static bool ge_wanted(const struct nv_impairment *impairment)
{
    return impairment->ge.on;
}

static int ge_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct ge *ge = self;
    (void)err;
    nv_rng_seed(&ge->rng, config->seed);
    ge->model = config->impairment->ge;
    ge->bad = nv_rng_unit(&ge->rng) <= ge->model.p / (ge->model.p + ge->model.r);
    return NV_OK;
}

static void ge_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct ge *ge = self;
    double leaves = nv_rng_unit(&ge->rng);
    ge->bad ^= leaves <= (ge->bad ? ge->model.r : ge->model.p);
    double p = ge->bad ? ge->model.loss_bad : ge->model.loss_good;
    if (nv_rng_unit(&ge->rng) <= p)
        nv_outlet_drop(out, packet, NV_DROP_LOSS);
    else
        nv_outlet_pass(out, packet);
}

const struct nv_element nv_element_ge = {
    .name = "ge",
    .help = "loses packets in bursts (Gilbert and Elliott), a step at each packet",
    .state_size = sizeof(struct ge),
    .weather = true,
    .wanted = ge_wanted,
    .init = ge_init,
    .input = ge_input,
};

/* The same with states that last for exponential times, from a stream of their own: how many
 * packets come changes nothing of the weather. */
struct ge_time {
    struct nv_rng weather, chance;
    struct nv_gilbert_elliott model;
    uint64_t change_ns, end_ns;
    uint64_t events;
    bool bad;
};

static bool ge_time_wanted(const struct nv_impairment *impairment)
{
    return impairment->ge_time.on;
}

static void next_spell(struct ge_time *ge)
{
    double mean_ns = (double)(ge->bad ? ge->model.bad_ns : ge->model.good_ns);
    ge->events += ge->bad && ge->change_ns < ge->end_ns;
    ge->change_ns += (uint64_t)ceil(-log(nv_rng_unit(&ge->weather)) * mean_ns) + 1;
}

static int ge_time_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct ge_time *ge = self;
    (void)err;
    nv_rng_seed(&ge->weather, config->seed);
    nv_rng_seed(&ge->chance, nv_mix64(config->seed, 1));
    ge->model = config->impairment->ge_time;
    return NV_OK;
}

static void ge_time_start(void *self, uint64_t start_ns, uint64_t end_ns)
{
    struct ge_time *ge = self;
    double sum_ns = (double)ge->model.bad_ns + (double)ge->model.good_ns;
    ge->end_ns = end_ns;
    ge->change_ns = start_ns;
    ge->bad = nv_rng_unit(&ge->weather) <= (double)ge->model.bad_ns / sum_ns;
    next_spell(ge);
}

static void go_to(struct ge_time *ge, uint64_t at_ns)
{
    while (ge->change_ns <= at_ns) {
        ge->bad = !ge->bad;
        next_spell(ge);
    }
}

static void ge_time_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct ge_time *ge = self;
    go_to(ge, packet->at_ns);
    double p = ge->bad ? ge->model.loss_bad : ge->model.loss_good;
    if (nv_rng_unit(&ge->chance) <= p)
        nv_outlet_drop(out, packet, NV_DROP_LOSS);
    else
        nv_outlet_pass(out, packet);
}

/* To the end of the run, whether or not packets came until then. */
static uint64_t ge_time_events(const void *self)
{
    struct ge_time copy = *(const struct ge_time *)self;
    go_to(&copy, copy.end_ns);
    return copy.events;
}

const struct nv_element nv_element_ge_time = {
    .name = "ge-time",
    .help = "loses packets in spells of bad weather, seeded, the same for both arms",
    .state_size = sizeof(struct ge_time),
    .weather = true,
    .wanted = ge_time_wanted,
    .init = ge_time_init,
    .start = ge_time_start,
    .input = ge_time_input,
    .events = ge_time_events,
};

/* Walks ascending ranges once. */
struct ranges {
    const struct nv_ranges *list;
    unsigned next;
    uint64_t start_ns;
};

static bool holds(struct ranges *ranges, uint64_t value)
{
    const struct nv_range *range = ranges->list->range;
    while (ranges->next < ranges->list->count && value > range[ranges->next].to)
        ranges->next++;
    return ranges->next < ranges->list->count && value >= range[ranges->next].from;
}

static bool drop_wanted(const struct nv_impairment *impairment)
{
    return impairment->drop.count > 0;
}

static int drop_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    (void)err;
    *(struct ranges *)self = (struct ranges){.list = &config->impairment->drop};
    return NV_OK;
}

/* A copy has the number of its original, and is not in the list: one of the two comes through. */
static void drop_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    if (!packet->copy && holds(self, packet->number))
        nv_outlet_drop(out, packet, NV_DROP_LOSS);
    else
        nv_outlet_pass(out, packet);
}

const struct nv_element nv_element_drop = {
    .name = "drop",
    .help = "loses listed packets",
    .state_size = sizeof(struct ranges),
    .weather = true,
    .wanted = drop_wanted,
    .init = drop_init,
    .input = drop_input,
};

static bool outage_wanted(const struct nv_impairment *impairment)
{
    return impairment->outage.count > 0;
}

static int outage_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    (void)err;
    *(struct ranges *)self = (struct ranges){.list = &config->impairment->outage};
    return NV_OK;
}

static void outage_start(void *self, uint64_t start_ns, uint64_t end_ns)
{
    struct ranges *ranges = self;
    (void)end_ns;
    ranges->start_ns = start_ns;
}

static void outage_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct ranges *ranges = self;
    if (holds(ranges, packet->at_ns - ranges->start_ns))
        nv_outlet_drop(out, packet, NV_DROP_OUTAGE);
    else
        nv_outlet_pass(out, packet);
}

const struct nv_element nv_element_outage = {
    .name = "outage",
    .help = "loses everything in listed times",
    .state_size = sizeof(struct ranges),
    .weather = true,
    .wanted = outage_wanted,
    .init = outage_init,
    .start = outage_start,
    .input = outage_input,
};
