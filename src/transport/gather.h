/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_GATHER_H
#define NV_TRANSPORT_GATHER_H

#include <sys/uio.h>

#include "transport/io.h"

/* Many messages a call: on a stream one large write; of datagrams a segmented one (UDP_SEGMENT), or
 * sendmmsg where the kernel does not cut segments or the messages differ in size. Received are a
 * stream by large reads, and datagrams that the kernel has put together again (UDP_GRO). All
 * messages of a call bear one send time, that of just before it, and one time of arrival. */

#define NV_GATHER_BUFFER_BYTES (256u << 10)

struct nv_gather_call; /* what one call takes with it */

struct nv_gather {
    const struct nv_channel *channel;
    struct nv_gather_call *call; /* owned */
    uint32_t slots;              /* messages whose payloads lie ready in it; 0: none */
    struct nv_io_buffer buffer;  /* what is received */
};

/* What the flows of a channel do not share. All zero, but for rest.flow, is a new one. */
struct nv_gather_flow {
    struct nv_io_rest rest; /* names the flow */
    unsigned segments_max;  /* of one datagram call; 1: no segmentation; 0: not known yet */
};

/* channel is lent. 0, or NV_E_FAILED: no memory; dispose of it all the same. */
int nv_gather_open(struct nv_gather *, const struct nv_channel *channel, struct nv_error *err);
void nv_gather_close(struct nv_gather *);

/* One call, as nv_engine.send. */
unsigned nv_gather_send(struct nv_gather *, struct nv_gather_flow *flow, struct nv_header *trains,
                        unsigned count, int *refusal);
/* One receive call, delivered to the sink. */
enum nv_io_receive nv_gather_receive(struct nv_gather *, unsigned flow, const struct nv_sink *sink,
                                     struct nv_error *err);

#endif
