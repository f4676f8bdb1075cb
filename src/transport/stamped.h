/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_STAMPED_H
#define NV_TRANSPORT_STAMPED_H

#include "transport/io.h"

/* As io.h, with the kernel's time stamps (SO_TIMESTAMPING): of each message as it comes, which is
 * why a receive call on a stream asks for what is left of one message at most; and from the
 * socket's error queue of each message as it leaves. They go to the sockets' stamps. The kernel's
 * are of CLOCK_REALTIME, whose distance from CLOCK_MONOTONIC is measured ten times a second. */

struct nv_stamped_flow {
    uint64_t sent_count; /* datagrams, or bytes: the next id */
    bool unfinished;     /* the latest message is taken in part */
    uint32_t got_bytes;  /* of the message that is coming */
    uint8_t head[NV_HEADER_BYTES];
};

struct nv_stamped {
    const struct nv_channel *channel; /* lent */
    struct nv_stamped_flow *flows;    /* owned */
    int64_t first_offset_ns, offset_ns;
    uint64_t next_look_ns;
};

/* Of sockets with stamps. NV_E_FAILED: no memory, or the kernel takes no time stamps; dispose of it
 * all the same. */
int nv_stamped_open(struct nv_stamped *, const struct nv_channel *channel, struct nv_error *err);
/* Takes what stamps there still are. */
void nv_stamped_close(struct nv_stamped *);

/* As nv_io_send and nv_io_receive; one message a call. */
unsigned nv_stamped_send(struct nv_stamped *, struct nv_io_rest *rest, struct nv_header *trains,
                         unsigned count, int *refusal);
enum nv_io_receive nv_stamped_receive(struct nv_stamped *, unsigned flow,
                                      const struct nv_io_buffer *, const struct nv_sink *,
                                      struct nv_error *);

/* Takes the stamps that have come to a socket's error queue; errors in it are left out. */
void nv_stamped_drain(struct nv_stamped *, unsigned flow);
/* Looks at the clocks, when it is time to. */
void nv_stamped_look(struct nv_stamped *, uint64_t now_ns);

#endif
