/* SPDX-License-Identifier: MIT */
#include "wire/payload.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

int nv_payload_init(struct nv_payload *payload, uint32_t run_tag, uint32_t len_max_bytes)
{
    struct nv_rng rng;
    payload->size_bytes = (size_t)len_max_bytes + NV_PAYLOAD_SPAN_BYTES;
    payload->bytes = malloc(payload->size_bytes);
    if (!payload->bytes)
        return -1;
    nv_rng_seed(&rng, run_tag);
    for (size_t i = 0; i < payload->size_bytes; i += sizeof(uint64_t)) {
        uint64_t word = htole64(nv_rng_next(&rng));
        size_t rest = payload->size_bytes - i;
        memcpy(payload->bytes + i, &word, rest < sizeof word ? rest : sizeof word);
    }
    return 0;
}

void nv_payload_dispose(struct nv_payload *payload)
{
    free(payload->bytes);
    *payload = (struct nv_payload){0};
}

bool nv_payload_matches(const struct nv_payload *payload, uint64_t seq, uint32_t offset,
                        const uint8_t *data, size_t len_bytes)
{
    size_t len_max_bytes = payload->size_bytes - NV_PAYLOAD_SPAN_BYTES;
    if (offset > len_max_bytes || len_bytes > len_max_bytes - offset)
        return false;
    return memcmp(nv_payload_of(payload, seq) + offset, data, len_bytes) == 0;
}
