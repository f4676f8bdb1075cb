/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_IO_H
#define NV_TRANSPORT_IO_H

#include <sys/uio.h>

#include "transport/driver.h"

/* The calls that engines share, so that both transports and all engines make the same ones: one
 * send a message, one recv into one buffer. A small message is copied behind its header and sent
 * flat; a large one goes as header and payload by sendmsg, since copying it would cost more than
 * the second vector does. No send waits, whatever the socket is set to: a wait inside the call
 * could not be told from a late one. */

#define NV_IO_BUFFER_BYTES 65536u /* which holds any datagram */
#define NV_IO_FLAT_BYTES 2048u

/* A message being sent; done < len: the kernel took only a part of it. */
struct nv_io_rest {
    unsigned flow; /* of the channel */
    uint32_t len_bytes, done_bytes;
    uint64_t seq;
    uint8_t head[NV_IO_FLAT_BYTES]; /* the header; and all of a small message */
};

/* Stamps and sends messages of the flow of `rest`; as nv_engine.send. */
unsigned nv_io_send(const struct nv_channel *, struct nv_io_rest *rest, struct nv_header *trains,
                    unsigned count, int *refusal);

/* Goes on with a message sent in part: 0 done, else errno. */
int nv_io_send_rest(const struct nv_channel *, struct nv_io_rest *rest);

/* A message of which done_bytes have gone out already: for nv_io_send_rest. */
void nv_io_set_rest(const struct nv_channel *, struct nv_io_rest *rest,
                    const struct nv_header *header, uint32_t done_bytes);

/* Where what has not gone out of a message lies; how many parts that is. */
unsigned nv_io_parts(const struct nv_channel *, const struct nv_io_rest *rest,
                     struct iovec parts[2]);

enum nv_io_receive {
    NV_IO_DATA,  /* delivered; read on */
    NV_IO_YIELD, /* delivered; the sink wants control */
    NV_IO_EMPTY, /* nothing there */
    NV_IO_FAILED /* *err says why; only on reliable transports */
};

/* Where a receive call puts what it gets, and how it is called. */
struct nv_io_buffer {
    uint8_t *bytes; /* owned by the engine, from nv_io_buffer_open */
    size_t size_bytes;
    int flags;
};

/* As large as a receive call of the channel is to ask for; of an engine that would ask for
 * own_bytes. NV_E_FAILED: no memory. Freed by free(). */
int nv_io_buffer_open(struct nv_io_buffer *, const struct nv_channel *, size_t own_bytes,
                      struct nv_error *);

/* One recv into the buffer, delivered to the sink. */
enum nv_io_receive nv_io_receive(const struct nv_channel *, unsigned flow,
                                 const struct nv_io_buffer *, const struct nv_sink *,
                                 struct nv_error *);

/* The next acknowledgement waits until there is a full segment, or for the kernel's time (40 ms on
 * Linux), which ends this state: it is entered anew by each call. */
void nv_io_hold_ack(const struct nv_channel *, unsigned flow);

/* What a receive call returned (n, or -1 and errno), with all of *received but the length filled
 * in: counted, and delivered to the sink. */
enum nv_io_receive nv_io_deliver(const struct nv_channel *, struct nv_received *received, ssize_t n,
                                 const struct nv_sink *, struct nv_error *err);

/* Takes pending errors off a datagram socket's error queue. */
void nv_io_drain_errors(int fd);

#endif
