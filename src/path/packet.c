/* SPDX-License-Identifier: MIT */
#include "path/packet.h"

#include <stdlib.h>

#include "base/error.h"

int nv_packet_pool_init(struct nv_packet_pool *pool, unsigned capacity, uint32_t len_bytes_max)
{
    *pool = (struct nv_packet_pool){.capacity = capacity, .len_bytes_max = len_bytes_max};
    pool->packets = calloc(capacity, sizeof *pool->packets);
    pool->bytes = calloc(capacity, len_bytes_max);
    if (!pool->packets || !pool->bytes) {
        nv_packet_pool_dispose(pool);
        return -1;
    }
    for (unsigned i = capacity; i-- > 0;) {
        struct nv_packet *packet = &pool->packets[i];
        packet->bytes = pool->bytes + (size_t)i * len_bytes_max;
        packet->next = pool->free;
        pool->free = packet;
    }
    return 0;
}

void nv_packet_pool_dispose(struct nv_packet_pool *pool)
{
    free(pool->packets);
    free(pool->bytes);
    *pool = (struct nv_packet_pool){0};
}

struct nv_packet *nv_packet_take(struct nv_packet_pool *pool)
{
    struct nv_packet *packet = pool->free;
    if (!packet)
        return NULL;
    pool->free = packet->next;
    pool->used_count++;
    *packet = (struct nv_packet){.bytes = packet->bytes};
    return packet;
}

void nv_packet_give(struct nv_packet_pool *pool, struct nv_packet *packet)
{
    packet->next = pool->free;
    pool->free = packet;
    pool->used_count--;
    pool->counted_count -= packet->counted;
}

void nv_packet_list_push(struct nv_packet_list *list, struct nv_packet *packet)
{
    packet->next = NULL;
    if (list->last)
        list->last->next = packet;
    else
        list->first = packet;
    list->last = packet;
    list->count++;
}

struct nv_packet *nv_packet_list_pop(struct nv_packet_list *list)
{
    struct nv_packet *packet = list->first;
    if (!packet)
        return NULL;
    list->first = packet->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    return packet;
}

int nv_packet_heap_init(struct nv_packet_heap *heap, unsigned capacity)
{
    *heap = (struct nv_packet_heap){.capacity = capacity};
    heap->slots = calloc(capacity, sizeof(void *));
    return heap->slots ? 0 : -1;
}

void nv_packet_heap_dispose(struct nv_packet_heap *heap)
{
    free(heap->slots);
    *heap = (struct nv_packet_heap){0};
}

static bool leaves_before(const struct nv_packet *a, const struct nv_packet *b)
{
    return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

void nv_packet_heap_push(struct nv_packet_heap *heap, struct nv_packet *packet)
{
    NV_ASSERT(heap->count < heap->capacity);
    unsigned hole = heap->count++;
    packet->order = heap->arrivals++;
    while (hole && leaves_before(packet, heap->slots[(hole - 1) / 2])) {
        heap->slots[hole] = heap->slots[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap->slots[hole] = packet;
}

struct nv_packet *nv_packet_heap_pop(struct nv_packet_heap *heap)
{
    if (!heap->count)
        return NULL;
    struct nv_packet *first = heap->slots[0];
    struct nv_packet *last = heap->slots[--heap->count];
    unsigned hole = 0;
    for (;;) {
        unsigned child = 2 * hole + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && leaves_before(heap->slots[child + 1], heap->slots[child]))
            child++;
        if (!leaves_before(heap->slots[child], last))
            break;
        heap->slots[hole] = heap->slots[child];
        hole = child;
    }
    heap->slots[hole] = last;
    return first;
}
