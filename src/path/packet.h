/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_PACKET_H
#define NV_PATH_PACKET_H

#include <stdbool.h>
#include <stdint.h>

/* IP packets on their way through a path, the store they live in and the heap they wait in. Times
 * are ns of one clock, whichever the caller's is. */

#define NV_PACKET_MTU_MAX 9000u

struct nv_packet {
    uint64_t in_ns;  /* when it came to the path */
    uint64_t at_ns;  /* when it is where it is now: exact, however late somebody looks */
    uint64_t number; /* 1, 2, ... in its direction; a copy has its original's */
    uint64_t order;  /* of heaps: who came first goes first */
    uint8_t *bytes;  /* the IP header first */
    uint32_t len_bytes;
    bool counted;           /* came after the start: belongs to the account */
    bool copy;              /* the second of a pair */
    bool corrupt;           /* a bit of it was turned */
    struct nv_packet *next; /* of whoever holds it */
};

/* A fixed number of packets; pages are taken when they are first used. */
struct nv_packet_pool {
    struct nv_packet *packets;
    uint8_t *bytes;
    struct nv_packet *free; /* the last one given back comes first: it is still in the cache */
    unsigned capacity, used_count;
    uint64_t counted_count; /* of those in use, the ones that belong to the account */
    uint32_t len_bytes_max;
};

/* 0, or -1 when there is no memory. */
int nv_packet_pool_init(struct nv_packet_pool *, unsigned capacity, uint32_t len_bytes_max);
void nv_packet_pool_dispose(struct nv_packet_pool *);
/* NULL when all are in use. All fields but bytes are zero. */
struct nv_packet *nv_packet_take(struct nv_packet_pool *);
void nv_packet_give(struct nv_packet_pool *, struct nv_packet *);

/* First in, first out. */
struct nv_packet_list {
    struct nv_packet *first, *last;
    unsigned count;
};

void nv_packet_list_push(struct nv_packet_list *, struct nv_packet *);
struct nv_packet *nv_packet_list_pop(struct nv_packet_list *); /* NULL when empty */

/* A binary heap of packets by (at_ns, order): equal times leave in the order of their arrival. */
struct nv_packet_heap {
    struct nv_packet **slots;
    unsigned count, capacity;
    uint64_t arrivals;
};

int nv_packet_heap_init(struct nv_packet_heap *, unsigned capacity);
void nv_packet_heap_dispose(struct nv_packet_heap *);
/* There must be room. */
void nv_packet_heap_push(struct nv_packet_heap *, struct nv_packet *);
struct nv_packet *nv_packet_heap_pop(struct nv_packet_heap *); /* NULL when empty */

/* When the next one leaves; UINT64_MAX when there is none. */
static inline uint64_t nv_packet_heap_next_ns(const struct nv_packet_heap *heap)
{
    return heap->count ? heap->slots[0]->at_ns : UINT64_MAX;
}

#endif
