/* SPDX-License-Identifier: MIT */
#ifndef NV_WIRE_PAYLOAD_H
#define NV_WIRE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Incompressible payload without making it per message: one pool of random bytes a run, keyed by
 * the run tag so that both ends have the same, of which each message takes another stretch: message
 * seq from (32 seq) mod 4096 on, so that payload of another run, of another message (unless its seq
 * is equal mod 128), or shifted, does not match. Read-only after init: threads may share it. */

struct nv_payload {
    uint8_t *bytes; /* owned */
    size_t size_bytes;
};

/* For messages of at most len_max_bytes. -1 when there is no memory. */
int nv_payload_init(struct nv_payload *payload, uint32_t run_tag, uint32_t len_max_bytes);
/* Of a zeroed one too. */
void nv_payload_dispose(struct nv_payload *payload);

#define NV_PAYLOAD_STRIDE_BYTES 32u
#define NV_PAYLOAD_PERIOD 128u /* messages whose payloads differ */
#define NV_PAYLOAD_SPAN_BYTES ((size_t)NV_PAYLOAD_STRIDE_BYTES * NV_PAYLOAD_PERIOD)

/* Where the payload of message seq begins; len_max_bytes of it may be read. */
static inline const uint8_t *nv_payload_of(const struct nv_payload *payload, uint64_t seq)
{
    return payload->bytes + (seq * NV_PAYLOAD_STRIDE_BYTES & (NV_PAYLOAD_SPAN_BYTES - 1));
}

/* Whether data is what message seq has at offset in its payload. Any seq, offset and length are
 * safe; what would reach beyond the longest payload does not match. */
bool nv_payload_matches(const struct nv_payload *payload, uint64_t seq, uint32_t offset,
                        const uint8_t *data, size_t len_bytes);

#endif
