/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_QUEUE_H
#define NV_PATH_QUEUE_H

#include "path/element.h"

/* The queue before a bottleneck: first in, first out, so many bytes long. What finds it full is
 * dropped; with CoDel (RFC 8289) also what has waited too long, when it would leave. */

struct nv_codel {
    uint64_t first_above_ns, drop_next_ns; /* 0: not above the target */
    uint32_t count, last_count;
    bool dropping;
};

struct nv_queue {
    struct nv_packet_list list;
    uint64_t bytes, bytes_max;
    uint64_t overhead_bytes;
    bool is_codel;
    struct nv_codel codel;
};

void nv_queue_init(struct nv_queue *, const struct nv_element_config *);
/* What a packet weighs on the link. */
uint64_t nv_queue_weight(const struct nv_queue *, const struct nv_packet *);
/* Takes the packet, or drops it. */
void nv_queue_push(struct nv_queue *, struct nv_packet *, struct nv_outlet *);
/* The next one to go at this time; NULL when none is left. Until nv_queue_gone() it still takes
 * its room. */
struct nv_packet *nv_queue_pop(struct nv_queue *, uint64_t now_ns, struct nv_outlet *);
/* It has left the link. */
void nv_queue_gone(struct nv_queue *, const struct nv_packet *, struct nv_outlet *);

#endif
