/* SPDX-License-Identifier: MIT */
#ifndef NV_WIRE_FRAMER_H
#define NV_WIRE_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/message.h"

/* A byte stream cut into messages again. Constant memory: a header that came in pieces is kept, a
 * payload is only counted (and shown to a checker, if there is one). */

struct nv_framed {
    struct nv_header header;
    uint32_t recv_calls; /* that this message's bytes came in */
};

/* Sees every piece of payload as it passes, in order and each byte once: offset counts from the end
 * of the header. data is valid during the call only. */
struct nv_payload_viewer {
    void (*see)(void *context, const struct nv_header *, uint32_t offset, const uint8_t *data,
                size_t len_bytes);
    void *context;
};

struct nv_framer {
    const uint8_t *data; /* what is left of the feed; lent until it is used up */
    size_t left_bytes;
    uint8_t head[NV_HEADER_BYTES];
    unsigned head_bytes;   /* of it that are there */
    uint32_t payload_left; /* of the message whose header is complete */
    struct nv_framed current;
    struct nv_payload_viewer viewer; /* [optional] set after init; see NULL: none */
    bool trains; /* [optional] set after init, without a viewer: gives messages out by the train */
    bool broken;
};

void nv_framer_init(struct nv_framer *framer);

/* Takes the bytes of one receive call; then call nv_framer_next until it returns 0. Until then data
 * must stay valid. */
void nv_framer_feed(struct nv_framer *framer, const uint8_t *data, size_t len_bytes);

/* 1: *out is a complete message, or several that came as a train; 0: needs more; -1: the stream is
 * broken for good. */
int nv_framer_next(struct nv_framer *framer, struct nv_framed *out);

#endif
