/* SPDX-License-Identifier: MIT */
#include "wire/message.h"

#include <stddef.h>

#define MAGIC 0x564eu /* the bytes "NV" */
#define VERSION 1u

/* The layout is five 64-bit words, so a header costs five loads or stores and some shifts. */

static uint64_t load(const uint8_t *in, unsigned word)
{
    uint64_t value;
    memcpy(&value, in + (size_t)word * 8, sizeof value);
    return le64toh(value);
}

static void store(uint8_t *out, unsigned word, uint64_t value)
{
    value = htole64(value);
    memcpy(out + (size_t)word * 8, &value, sizeof value);
}

static uint64_t saturated(uint64_t t_ns)
{
    return t_ns < NV_MESSAGE_TIME_NS_MAX ? t_ns : NV_MESSAGE_TIME_NS_MAX;
}

void nv_header_encode(const struct nv_header *header, uint8_t out[NV_HEADER_BYTES])
{
    uint64_t t_int_ns = saturated(header->t_int_ns);
    uint64_t t_snd_ns = saturated(header->t_snd_ns);
    store(out, 0,
          MAGIC | VERSION << 16 | (uint64_t)header->type << 24 | (uint64_t)header->flags << 32 |
              (uint64_t)header->flow << 48);
    store(out, 1, header->len_bytes | (uint64_t)header->run_tag << 32);
    store(out, 2, header->seq);
    store(out, 3, t_int_ns | t_snd_ns << 48);
    store(out, 4, t_snd_ns >> 16 | (uint64_t)header->dwell_ns << 32);
}

enum nv_decode nv_header_decode(struct nv_header *header, const uint8_t in[NV_HEADER_BYTES])
{
    uint64_t kind = load(in, 0);
    uint64_t length = load(in, 1);
    uint64_t times = load(in, 3);
    uint64_t rest = load(in, 4);
    *header = (struct nv_header){
        .type = (uint8_t)(kind >> 24),
        .flags = (uint16_t)(kind >> 32),
        .flow = (uint16_t)(kind >> 48),
        .len_bytes = (uint32_t)length,
        .run_tag = (uint32_t)(length >> 32),
        .seq = load(in, 2),
        .t_int_ns = times & NV_MESSAGE_TIME_NS_MAX,
        .t_snd_ns = times >> 48 | (rest & UINT32_MAX) << 16,
        .dwell_ns = (uint32_t)(rest >> 32),
        .count = 1,
    };
    if ((kind & 0xffffff) != (MAGIC | VERSION << 16) || header->type < NV_MSG_DATA ||
        header->type > NV_MSG_HELLO_ACK)
        return NV_DECODE_FOREIGN;
    if (header->len_bytes < NV_HEADER_BYTES || header->len_bytes > NV_MESSAGE_BYTES_MAX)
        return NV_DECODE_BAD_LENGTH;
    return NV_DECODE_OK;
}
