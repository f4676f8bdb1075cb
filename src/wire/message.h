/* SPDX-License-Identifier: MIT */
#ifndef NV_WIRE_MESSAGE_H
#define NV_WIRE_MESSAGE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The header of every message, on both transports, counted inside the message's size. Little
 * endian; times are ns since the start of the run on the sender's clock, 48 bits (78 hours).
 *
 *      0       2       3       4       6       8              12
 *      +-------+-------+-------+-------+-------+---------------+
 *      | magic |version| type  | flags | flow  | len (whole)   |
 *   12 +-------+-------+-------+-------+-------+---------------+
 *      | run tag       | seq (64 bits)                         |
 *   24 +---------------+----------+--------------------+-------+
 *      | intended time (48 bits)  | send time (48)     | dwell |
 *   40 +--------------------------+--------------------+-------+
 *
 * A reply carries the request's times back, and in dwell (32 bits, saturating) how long the request
 * spent in the server. On TCP, len is all the framing there is. */

#define NV_HEADER_BYTES 40u
#define NV_MESSAGE_BYTES_MAX (16u << 20)
#define NV_DATAGRAM_BYTES_MAX 65507u

enum nv_message_type {
    NV_MSG_DATA = 1,
    NV_MSG_REQUEST,
    NV_MSG_REPLY,
    NV_MSG_HELLO, /* opens a flow; seq is the token */
    NV_MSG_HELLO_ACK,
};

struct nv_header {
    uint8_t type;
    uint16_t flags, flow;
    uint32_t len_bytes; /* of the message, header included */
    uint32_t run_tag;
    uint64_t seq, t_int_ns, t_snd_ns;
    uint32_t dwell_ns;
    uint32_t count;      /* not on the wire: 1; or of a train, see below */
    uint64_t arrived_ns; /* not on the wire: when a reply's request came, for its dwell */
};

/* A train is several messages that have one header: seq is that of the first, each is the next in
 * number, and they are alike in all else. */

/* The longest time a header holds: 48 bits of ns. */
#define NV_MESSAGE_TIME_NS_MAX ((UINT64_C(1) << 48) - 1)

/* Times beyond NV_MESSAGE_TIME_NS_MAX are sent as that: they saturate, never wrap. */
void nv_header_encode(const struct nv_header *header, uint8_t out[NV_HEADER_BYTES]);

enum nv_decode {
    NV_DECODE_OK,
    NV_DECODE_FOREIGN,    /* magic, version or type are not ours */
    NV_DECODE_BAD_LENGTH, /* under a header's, or over NV_MESSAGE_BYTES_MAX */
};

/* The bytes "NV" and the version. */
#define NV_HEADER_MAGIC (0x564eu | 1u << 16)

static inline uint64_t nv_header_word(const uint8_t in[NV_HEADER_BYTES], unsigned word)
{
    uint64_t value;
    memcpy(&value, in + (size_t)word * 8, sizeof value);
    return le64toh(value);
}

/* Trusts nothing in the bytes. *header is unspecified unless it returns NV_DECODE_OK. The layout is
 * five 64-bit words, so that a header costs five loads or stores and some shifts. */
static inline enum nv_decode nv_header_decode(struct nv_header *header,
                                              const uint8_t in[NV_HEADER_BYTES])
{
    uint64_t kind = nv_header_word(in, 0);
    uint64_t length = nv_header_word(in, 1);
    uint64_t times = nv_header_word(in, 3);
    uint64_t rest = nv_header_word(in, 4);
    uint8_t type = (uint8_t)(kind >> 24);
    uint32_t len_bytes = (uint32_t)length;
    *header = (struct nv_header){
        .type = type,
        .flags = (uint16_t)(kind >> 32),
        .flow = (uint16_t)(kind >> 48),
        .len_bytes = len_bytes,
        .run_tag = (uint32_t)(length >> 32),
        .seq = nv_header_word(in, 2),
        .t_int_ns = times & NV_MESSAGE_TIME_NS_MAX,
        .t_snd_ns = times >> 48 | (rest & UINT32_MAX) << 16,
        .dwell_ns = (uint32_t)(rest >> 32),
        .count = 1,
    };
    if ((kind & 0xffffff) != NV_HEADER_MAGIC || type < NV_MSG_DATA || type > NV_MSG_HELLO_ACK)
        return NV_DECODE_FOREIGN;
    if (len_bytes < NV_HEADER_BYTES || len_bytes > NV_MESSAGE_BYTES_MAX)
        return NV_DECODE_BAD_LENGTH;
    return NV_DECODE_OK;
}

/* Are the bytes of a header those of the message that comes n after another in a train? */
static inline bool nv_header_follows(const uint8_t next[NV_HEADER_BYTES],
                                     const uint8_t first[NV_HEADER_BYTES], uint64_t n)
{
    uint64_t differs = nv_header_word(first, 0) ^ nv_header_word(next, 0);
    differs |= nv_header_word(first, 1) ^ nv_header_word(next, 1);
    differs |= nv_header_word(first, 3) ^ nv_header_word(next, 3);
    differs |= nv_header_word(first, 4) ^ nv_header_word(next, 4);
    return !differs && nv_header_word(next, 2) == nv_header_word(first, 2) + n;
}

/* Messages lie one behind the other, the first of them whole and of message_bytes: how many of
 * them, with it, are a train that lies there whole. */
static inline uint32_t nv_train_length(const uint8_t *bytes, size_t len_bytes,
                                       uint32_t message_bytes)
{
    const uint8_t *next = bytes;
    uint32_t count = 1;
    while ((len_bytes -= message_bytes) >= message_bytes &&
           nv_header_follows(next += message_bytes, bytes, count))
        count++;
    return count;
}

/* Makes an encoded header that of another message of its train. */
static inline void nv_header_renumber(uint8_t header[NV_HEADER_BYTES], uint64_t seq)
{
    seq = htole64(seq);
    memcpy(header + 16, &seq, sizeof seq);
}

/* A dwell time as a header holds it: 4.29 s stand for all longer ones. */
static inline uint32_t nv_dwell_saturate(uint64_t dwell_ns)
{
    return dwell_ns < UINT32_MAX ? (uint32_t)dwell_ns : UINT32_MAX;
}

/* As t_int_ns of a message without a schedule: due whenever the sender comes to it. */
#define NV_MESSAGE_UNSCHEDULED UINT64_MAX

/* Before each attempt to send. An unscheduled message was due at the first one; a reply carries its
 * request's times back, and only its dwell is its own. */
static inline void nv_header_stamp(struct nv_header *header, uint64_t now_ns)
{
    if (header->t_int_ns == NV_MESSAGE_UNSCHEDULED)
        header->t_int_ns = now_ns;
    if (header->type == NV_MSG_REPLY)
        header->dwell_ns = nv_dwell_saturate(now_ns - header->arrived_ns);
    else
        header->t_snd_ns = now_ns;
}

#endif
