/* SPDX-License-Identifier: MIT */
#include "wire/framer.h"

#include <string.h>

#include "base/error.h"

void nv_framer_init(struct nv_framer *framer)
{
    memset(framer, 0, sizeof *framer);
}

void nv_framer_feed(struct nv_framer *framer, const uint8_t *data, size_t len_bytes)
{
    NV_ASSERT(framer->left_bytes == 0 || framer->broken);
    framer->data = data;
    framer->left_bytes = len_bytes;
    if (framer->head_bytes && len_bytes)
        framer->current.recv_calls++;
}

static void consume(struct nv_framer *framer, size_t len_bytes)
{
    framer->data += len_bytes;
    framer->left_bytes -= len_bytes;
}

/* 1 when the header is complete and legal. It is copied only when it came in pieces. A train's
 * other headers count as payload. */
static int take_header(struct nv_framer *framer)
{
    struct nv_header *header = &framer->current.header;
    const uint8_t *head = framer->data;
    size_t whole_bytes = framer->head_bytes ? 0 : framer->left_bytes;
    if (framer->head_bytes == 0)
        framer->current.recv_calls = 1;
    if (framer->head_bytes || framer->left_bytes < NV_HEADER_BYTES) {
        size_t wanted = NV_HEADER_BYTES - framer->head_bytes;
        size_t n = framer->left_bytes < wanted ? framer->left_bytes : wanted;
        memcpy(framer->head + framer->head_bytes, framer->data, n);
        framer->head_bytes += (unsigned)n;
        consume(framer, n);
        head = framer->head;
    } else {
        framer->head_bytes = NV_HEADER_BYTES;
        consume(framer, NV_HEADER_BYTES);
    }
    if (framer->head_bytes < NV_HEADER_BYTES)
        return 0;
    framer->broken = nv_header_decode(header, head) != NV_DECODE_OK;
    if (framer->broken)
        return -1;
    if (framer->trains && whole_bytes >= header->len_bytes)
        header->count = nv_train_length(head, whole_bytes, header->len_bytes);
    framer->payload_left = header->count * header->len_bytes - NV_HEADER_BYTES;
    return 1;
}

static void take_payload(struct nv_framer *framer)
{
    size_t n =
        framer->left_bytes < framer->payload_left ? framer->left_bytes : framer->payload_left;
    if (framer->viewer.see && n) {
        uint32_t offset = framer->current.header.len_bytes - NV_HEADER_BYTES - framer->payload_left;
        framer->viewer.see(framer->viewer.context, &framer->current.header, offset, framer->data,
                           n);
    }
    framer->payload_left -= (uint32_t)n;
    consume(framer, n);
}

int nv_framer_next(struct nv_framer *framer, struct nv_framed *out)
{
    if (framer->broken)
        return -1;
    if (framer->left_bytes == 0)
        return 0;
    if (framer->head_bytes < NV_HEADER_BYTES) {
        int got = take_header(framer);
        if (got <= 0)
            return got;
    }
    take_payload(framer);
    if (framer->payload_left)
        return 0;
    *out = framer->current;
    framer->head_bytes = 0;
    return 1;
}
