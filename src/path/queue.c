/* SPDX-License-Identifier: MIT */
#include "path/queue.h"

#include <math.h>

#include "base/clock.h"

/* RFC 8289, section 4.2. */
#define CODEL_TARGET_NS (5 * NV_NS_PER_MS)
#define CODEL_INTERVAL_NS (100 * NV_NS_PER_MS)
#define CODEL_FRAME_BYTES 1500u

void nv_queue_init(struct nv_queue *queue, const struct nv_element_config *config)
{
    *queue = (struct nv_queue){.bytes_max = config->queue_bytes,
                               .overhead_bytes = config->impairment->overhead_bytes,
                               .is_codel = config->impairment->aqm == NV_AQM_CODEL};
}

uint64_t nv_queue_weight(const struct nv_queue *queue, const struct nv_packet *packet)
{
    return packet->len_bytes + queue->overhead_bytes;
}

/* What the queue was before the run is not part of it. */
static void account(const struct nv_queue *queue, const struct nv_packet *packet,
                    struct nv_outlet *out)
{
    if (packet->counted)
        nv_outlet_queue(out, queue->bytes);
}

void nv_queue_push(struct nv_queue *queue, struct nv_packet *packet, struct nv_outlet *out)
{
    uint64_t weight = nv_queue_weight(queue, packet);
    if (queue->bytes + weight > queue->bytes_max) {
        nv_outlet_drop(out, packet, NV_DROP_QUEUE);
        return;
    }
    queue->bytes += weight;
    nv_packet_list_push(&queue->list, packet);
    account(queue, packet, out);
}

void nv_queue_gone(struct nv_queue *queue, const struct nv_packet *packet, struct nv_outlet *out)
{
    queue->bytes -= nv_queue_weight(queue, packet);
    account(queue, packet, out);
}

/* RFC 8289, 5.5: the next packet, and whether its waiting has been above the target for long. */
static struct nv_packet *codel_look(struct nv_queue *queue, uint64_t now_ns, bool *may_drop)
{
    struct nv_codel *codel = &queue->codel;
    struct nv_packet *packet = nv_packet_list_pop(&queue->list);
    *may_drop = false;
    if (!packet) {
        codel->first_above_ns = 0;
        return NULL;
    }
    uint64_t waited_ns = now_ns - packet->at_ns;
    uint64_t behind_bytes = queue->bytes - nv_queue_weight(queue, packet);
    uint64_t frame_bytes = CODEL_FRAME_BYTES + queue->overhead_bytes;
    if (waited_ns < CODEL_TARGET_NS || behind_bytes <= frame_bytes)
        codel->first_above_ns = 0;
    else if (!codel->first_above_ns)
        codel->first_above_ns = now_ns + CODEL_INTERVAL_NS;
    else
        *may_drop = now_ns >= codel->first_above_ns;
    return packet;
}

static void codel_drop(struct nv_queue *queue, struct nv_packet *packet, uint64_t now_ns,
                       struct nv_outlet *out)
{
    packet->at_ns = now_ns;
    nv_queue_gone(queue, packet, out);
    nv_outlet_drop(out, packet, NV_DROP_QUEUE);
}

static uint64_t control_law(const struct nv_codel *codel, uint64_t from_ns)
{
    return from_ns + (uint64_t)((double)CODEL_INTERVAL_NS / sqrt(codel->count));
}

/* While dropping: drops as long as the time for the next drop has come. */
static struct nv_packet *codel_go_on(struct nv_queue *queue, struct nv_packet *packet,
                                     uint64_t now_ns, struct nv_outlet *out)
{
    struct nv_codel *codel = &queue->codel;
    bool may_drop;
    while (codel->dropping && now_ns >= codel->drop_next_ns) {
        codel_drop(queue, packet, now_ns, out);
        codel->count++;
        packet = codel_look(queue, now_ns, &may_drop);
        codel->dropping = may_drop;
        if (may_drop)
            codel->drop_next_ns = control_law(codel, codel->drop_next_ns);
    }
    return packet;
}

/* Drops one and begins to drop: faster than at first when the last time was not long ago. */
static struct nv_packet *codel_begin(struct nv_queue *queue, struct nv_packet *packet,
                                     uint64_t now_ns, struct nv_outlet *out)
{
    struct nv_codel *codel = &queue->codel;
    bool may_drop;
    codel_drop(queue, packet, now_ns, out);
    packet = codel_look(queue, now_ns, &may_drop);
    uint32_t delta = codel->count - codel->last_count;
    bool recent = now_ns < codel->drop_next_ns + 16 * CODEL_INTERVAL_NS;
    codel->dropping = true;
    codel->count = delta > 1 && recent ? delta : 1;
    codel->last_count = codel->count;
    codel->drop_next_ns = control_law(codel, now_ns);
    return packet;
}

struct nv_packet *nv_queue_pop(struct nv_queue *queue, uint64_t now_ns, struct nv_outlet *out)
{
    struct nv_codel *codel = &queue->codel;
    bool may_drop;
    if (!queue->is_codel)
        return nv_packet_list_pop(&queue->list);
    struct nv_packet *packet = codel_look(queue, now_ns, &may_drop);
    if (!packet || !may_drop) {
        codel->dropping = false;
        return packet;
    }
    return codel->dropping ? codel_go_on(queue, packet, now_ns, out)
                           : codel_begin(queue, packet, now_ns, out);
}
