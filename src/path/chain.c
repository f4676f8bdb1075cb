/* SPDX-License-Identifier: MIT */
#include "path/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

static void enter(struct nv_outlet *stage, struct nv_packet *packet)
{
    struct nv_chain *chain = stage->chain;
    while (stage->element && stage->element->weather && packet->at_ns < chain->start_ns)
        stage++;
    if (stage->element) {
        stage->element->input(stage->self, packet, stage);
        return;
    }
    if (chain->log)
        nv_packet_log_add(chain->log, packet, 0);
    if (packet->counted) {
        chain->account.out_count++;
        chain->account.out_bytes += packet->len_bytes;
        chain->account.corrupt_count += packet->corrupt;
        nv_hist_add(&chain->account.delay, packet->at_ns - packet->in_ns);
    }
    chain->sink(chain->context, packet);
}

void nv_outlet_pass(struct nv_outlet *out, struct nv_packet *packet)
{
    enter(out + 1, packet);
}

void nv_outlet_drop(struct nv_outlet *out, struct nv_packet *packet, enum nv_drop_cause cause)
{
    out->chain->account.drop_count[cause] += packet->counted;
    if (out->chain->log)
        nv_packet_log_add(out->chain->log, packet, 1 + (unsigned)cause);
    nv_packet_give(out->chain->pool, packet);
}

struct nv_packet *nv_outlet_copy(struct nv_outlet *out, const struct nv_packet *packet)
{
    struct nv_packet *copy = nv_packet_take(out->chain->pool);
    struct nv_chain_account *account = &out->chain->account;
    account->dup_count += packet->counted;
    if (!copy) {
        account->drop_count[NV_DROP_OVERRUN] += packet->counted;
        return NULL;
    }
    uint8_t *bytes = copy->bytes;
    *copy = *packet;
    copy->bytes = bytes;
    copy->copy = true;
    memcpy(bytes, packet->bytes, packet->len_bytes);
    out->chain->pool->counted_count += copy->counted;
    return copy;
}

void nv_outlet_reordered(struct nv_outlet *out, const struct nv_packet *packet)
{
    out->chain->account.reordered_count += packet->counted;
}

void nv_outlet_queue(struct nv_outlet *out, uint64_t bytes)
{
    uint64_t *max = &out->chain->account.queue_max_bytes;
    *max = bytes > *max ? bytes : *max;
}

static int add_stage(struct nv_chain *chain, const struct nv_element *element,
                     const struct nv_element_config *config, struct nv_error *err)
{
    struct nv_outlet *stage = &chain->stages[chain->stage_count++];
    NV_ASSERT(chain->stage_count < NV_CHAIN_STAGES_MAX);
    *stage = (struct nv_outlet){chain, element, calloc(1, element->state_size)};
    stage[1] = (struct nv_outlet){.chain = chain};
    if (!stage->self)
        return nv_fail(err, NV_E_FAILED, "path: no memory");
    return element->init(stage->self, config, err);
}

int nv_chain_init(struct nv_chain *chain, const struct nv_chain_config *config,
                  struct nv_error *err)
{
    memset(chain, 0, sizeof *chain);
    chain->pool = config->pool;
    chain->sink = config->sink;
    chain->context = config->context;
    chain->log = config->log;
    chain->start_ns = UINT64_MAX;
    chain->stages[0].chain = chain;
    for (unsigned i = 0; nv_elements[i]; i++) {
        struct nv_element_config element = {
            .impairment = config->impairment,
            .seed = nv_mix64(config->seed, i),
            .queue_bytes = nv_impairment_queue_bytes(config->impairment, config->both_delay_ns,
                                                     config->mtu_bytes),
            .packets_max = config->pool->capacity,
        };
        if (nv_elements[i]->wanted(config->impairment) &&
            add_stage(chain, nv_elements[i], &element, err))
            return err->code;
    }
    return NV_OK;
}

int nv_chain_try(const struct nv_impairment *impairment, struct nv_error *err)
{
    struct nv_packet_pool pool = {.capacity = 1};
    struct nv_chain chain;
    const struct nv_chain_config config = {.impairment = impairment, .pool = &pool};
    int failed = nv_chain_init(&chain, &config, err);
    nv_chain_dispose(&chain);
    return failed;
}

void nv_chain_start(struct nv_chain *chain, uint64_t start_ns, uint64_t end_ns)
{
    chain->start_ns = start_ns;
    for (struct nv_outlet *stage = chain->stages; stage->element; stage++)
        if (stage->element->start)
            stage->element->start(stage->self, start_ns, end_ns);
}

static uint64_t stage_next_ns(const struct nv_outlet *stage)
{
    return stage->element->next_ns ? stage->element->next_ns(stage->self) : UINT64_MAX;
}

uint64_t nv_chain_next_ns(const struct nv_chain *chain)
{
    uint64_t next_ns = UINT64_MAX;
    for (const struct nv_outlet *stage = chain->stages; stage->element; stage++) {
        uint64_t stage_ns = stage_next_ns(stage);
        next_ns = stage_ns < next_ns ? stage_ns : next_ns;
    }
    return next_ns;
}

/* Events happen in the order of their times over all elements, so that each gets its packets in
 * order; at one time, those nearer to the way out come first. */
void nv_chain_run(struct nv_chain *chain, uint64_t now_ns)
{
    for (;;) {
        struct nv_outlet *first = NULL;
        uint64_t first_ns = now_ns;
        for (struct nv_outlet *stage = chain->stages; stage->element; stage++) {
            uint64_t stage_ns = stage_next_ns(stage);
            if (stage_ns > first_ns)
                continue;
            first = stage;
            first_ns = stage_ns;
        }
        if (!first)
            return;
        first->element->run(first->self, first);
    }
}

void nv_chain_input(struct nv_chain *chain, struct nv_packet *packet)
{
    struct nv_chain_account *account = &chain->account;
    nv_chain_run(chain, packet->at_ns);
    packet->in_ns = packet->at_ns;
    packet->counted = packet->at_ns >= chain->start_ns;
    if (packet->counted) {
        packet->number = ++account->in_count;
        chain->pool->counted_count++;
        account->in_bytes += packet->len_bytes;
    }
    enter(chain->stages, packet);
}

void nv_chain_overrun(struct nv_chain *chain, uint64_t now_ns, uint32_t len_bytes)
{
    if (now_ns < chain->start_ns)
        return;
    chain->account.in_count++;
    chain->account.in_bytes += len_bytes;
    chain->account.drop_count[NV_DROP_OVERRUN]++;
}

static uint64_t dropped(const struct nv_chain_account *account)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < NV_DROP_CAUSES; i++)
        sum += account->drop_count[i];
    return sum;
}

const struct nv_chain_account *nv_chain_account(struct nv_chain *chain)
{
    struct nv_chain_account *account = &chain->account;
    account->held_count = chain->pool->counted_count;
    account->weather_count = 0;
    for (const struct nv_outlet *stage = chain->stages; stage->element; stage++)
        if (stage->element->events)
            account->weather_count += stage->element->events(stage->self);
    return account;
}

bool nv_chain_conserves(const struct nv_chain_account *account)
{
    return account->in_count + account->dup_count ==
           account->out_count + dropped(account) + account->held_count;
}

void nv_chain_dispose(struct nv_chain *chain)
{
    for (struct nv_outlet *stage = chain->stages; stage->element; stage++) {
        if (stage->element->dispose && stage->self)
            stage->element->dispose(stage->self);
        free(stage->self);
    }
    chain->stages[0].element = NULL;
}
