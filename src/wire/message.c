/* SPDX-License-Identifier: MIT */
#include "wire/message.h"

#include <stddef.h>

#include "base/hint.h"

static void store(uint8_t *out, unsigned word, uint64_t value)
{
    value = htole64(value);
    memcpy(out + (size_t)word * 8, &value, sizeof value);
}

static uint64_t saturated(uint64_t t_ns)
{
    return t_ns < NV_MESSAGE_TIME_NS_MAX ? t_ns : NV_MESSAGE_TIME_NS_MAX;
}

NV_HOT void nv_header_encode(const struct nv_header *header, uint8_t out[NV_HEADER_BYTES])
{
    uint64_t t_int_ns = saturated(header->t_int_ns);
    uint64_t t_snd_ns = saturated(header->t_snd_ns);
    store(out, 0,
          NV_HEADER_MAGIC | (uint64_t)header->type << 24 | (uint64_t)header->flags << 32 |
              (uint64_t)header->flow << 48);
    store(out, 1, header->len_bytes | (uint64_t)header->run_tag << 32);
    store(out, 2, header->seq);
    store(out, 3, t_int_ns | t_snd_ns << 48);
    store(out, 4, t_snd_ns >> 16 | (uint64_t)header->dwell_ns << 32);
}
