/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wire/message.h"

/* Every field has bytes of its own, so a field in the wrong place or order shows. */
static const struct nv_header sample = {
    .type = NV_MSG_REPLY,
    .flags = 0x1122,
    .flow = 0x3344,
    .len_bytes = 0x00b6a798,
    .run_tag = 0x55667788,
    .seq = 0x0102030405060708,
    .t_int_ns = 0xa1a2a3a4a5a6,
    .t_snd_ns = 0xb1b2b3b4b5b6,
    .dwell_ns = 0xc1c2c3c4,
};

static const uint8_t sample_bytes[NV_HEADER_BYTES] = {
    0x4e, 0x56, 0x01, 0x03, 0x22, 0x11, 0x44, 0x33, /* magic, version, type, flags, flow */
    0x98, 0xa7, 0xb6, 0x00, 0x88, 0x77, 0x66, 0x55, /* len, run_tag */
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* seq */
    0xa6, 0xa5, 0xa4, 0xa3, 0xa2, 0xa1,             /* t_int */
    0xb6, 0xb5, 0xb4, 0xb3, 0xb2, 0xb1,             /* t_snd */
    0xc4, 0xc3, 0xc2, 0xc1,                         /* dwell */
};

static void assert_headers_equal(const struct nv_header *a, const struct nv_header *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->flow, b->flow);
    assert_int_equal(a->len_bytes, b->len_bytes);
    assert_int_equal(a->run_tag, b->run_tag);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->t_int_ns, b->t_int_ns);
    assert_int_equal(a->t_snd_ns, b->t_snd_ns);
    assert_int_equal(a->dwell_ns, b->dwell_ns);
}

static void test_encode_writes_documented_bytes(void **state)
{
    (void)state;
    struct nv_header header = sample;
    uint8_t out[NV_HEADER_BYTES];
    /* 0x00b6a798 = 11970456 fits the largest message, 16777216 */
    nv_header_encode(&header, out);
    assert_memory_equal(out, sample_bytes, sizeof out);
}

static void test_decode_reads_documented_bytes(void **state)
{
    (void)state;
    struct nv_header header;
    assert_int_equal(nv_header_decode(&header, sample_bytes), NV_DECODE_OK);
    assert_headers_equal(&header, &sample);
}

/* A header may lie anywhere in a receive buffer. */
static void test_decode_needs_no_alignment(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 8; offset++) {
        uint8_t buffer[NV_HEADER_BYTES + 8];
        struct nv_header header;
        memcpy(buffer + offset, sample_bytes, NV_HEADER_BYTES);
        assert_int_equal(nv_header_decode(&header, buffer + offset), NV_DECODE_OK);
        assert_headers_equal(&header, &sample);
    }
}

static void test_every_type_survives_a_round_trip(void **state)
{
    (void)state;
    for (unsigned type = NV_MSG_DATA; type <= NV_MSG_HELLO_ACK; type++) {
        struct nv_header header = sample, back;
        uint8_t bytes[NV_HEADER_BYTES];
        header.type = (uint8_t)type;
        nv_header_encode(&header, bytes);
        assert_int_equal(nv_header_decode(&back, bytes), NV_DECODE_OK);
        assert_headers_equal(&back, &header);
    }
}

static void test_times_of_48_bits_saturate(void **state)
{
    (void)state;
    const uint64_t max = 281474976710655; /* 2^48 - 1 */
    static const struct {
        uint64_t in_ns, out_ns;
    } rows[] = {
        {0, 0},
        {1, 1},
        {281474976710654, 281474976710654},
        {281474976710655, 281474976710655},
        {281474976710656, 281474976710655},
        {UINT64_MAX, 281474976710655},
    };
    assert_int_equal(NV_MESSAGE_TIME_NS_MAX, max);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_header header = sample, back;
        uint8_t bytes[NV_HEADER_BYTES];
        header.t_int_ns = rows[i].in_ns;
        header.t_snd_ns = 7;
        nv_header_encode(&header, bytes);
        assert_int_equal(nv_header_decode(&back, bytes), NV_DECODE_OK);
        assert_int_equal(back.t_int_ns, rows[i].out_ns);
        assert_int_equal(back.t_snd_ns, 7);
        assert_int_equal(back.dwell_ns, sample.dwell_ns);

        header.t_int_ns = 7;
        header.t_snd_ns = rows[i].in_ns;
        nv_header_encode(&header, bytes);
        assert_int_equal(nv_header_decode(&back, bytes), NV_DECODE_OK);
        assert_int_equal(back.t_int_ns, 7);
        assert_int_equal(back.t_snd_ns, rows[i].out_ns);
        assert_int_equal(back.dwell_ns, sample.dwell_ns);
    }
}

static void test_stamps(void **state)
{
    struct nv_header request = {.type = NV_MSG_REQUEST, .t_int_ns = 5, .t_snd_ns = 1};
    struct nv_header reply = {.type = NV_MSG_REPLY, .t_int_ns = 5, .t_snd_ns = 7, .arrived_ns = 20};
    (void)state;
    nv_header_stamp(&request, 9);
    assert_int_equal(request.t_int_ns, 5);
    assert_int_equal(request.t_snd_ns, 9);
    nv_header_stamp(&reply, 31);
    assert_int_equal(reply.t_int_ns, 5);
    assert_int_equal(reply.t_snd_ns, 7);
    assert_int_equal(reply.dwell_ns, 11);
}

static void test_dwell_saturates(void **state)
{
    (void)state;
    assert_int_equal(nv_dwell_saturate(0), 0);
    assert_int_equal(nv_dwell_saturate(4294967294), 4294967294);
    assert_int_equal(nv_dwell_saturate(4294967295), 4294967295);
    assert_int_equal(nv_dwell_saturate(4294967296), 4294967295);
    assert_int_equal(nv_dwell_saturate(UINT64_MAX), 4294967295);
}

/* One byte of a good header changed: what the decoder must say. */
static void test_decode_refuses_what_is_not_ours(void **state)
{
    (void)state;
    static const struct {
        unsigned at;
        uint8_t value;
        enum nv_decode expected;
    } rows[] = {
        {0, 0x4f, NV_DECODE_FOREIGN},     {1, 0x4e, NV_DECODE_FOREIGN}, /* magic */
        {2, 0, NV_DECODE_FOREIGN},        {2, 2, NV_DECODE_FOREIGN},    /* version */
        {3, 0, NV_DECODE_FOREIGN},        {3, 6, NV_DECODE_FOREIGN},    /* type */
        {3, 255, NV_DECODE_FOREIGN},      {3, 5, NV_DECODE_OK},
        {11, 1, NV_DECODE_BAD_LENGTH}, /* 0x01b6a798 = 28747672 > 16777216 */
        {11, 0xff, NV_DECODE_BAD_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[NV_HEADER_BYTES];
        struct nv_header header;
        memcpy(bytes, sample_bytes, sizeof bytes);
        bytes[rows[i].at] = rows[i].value;
        assert_int_equal(nv_header_decode(&header, bytes), rows[i].expected);
    }
}

static void test_length_limits(void **state)
{
    (void)state;
    static const struct {
        uint32_t len_bytes;
        enum nv_decode expected;
    } rows[] = {
        {0, NV_DECODE_BAD_LENGTH},
        {39, NV_DECODE_BAD_LENGTH},
        {40, NV_DECODE_OK},
        {65507, NV_DECODE_OK},
        {16777216, NV_DECODE_OK},
        {16777217, NV_DECODE_BAD_LENGTH},
        {UINT32_MAX, NV_DECODE_BAD_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_header header = sample, back;
        uint8_t bytes[NV_HEADER_BYTES];
        header.len_bytes = rows[i].len_bytes;
        nv_header_encode(&header, bytes);
        assert_int_equal(nv_header_decode(&back, bytes), rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_writes_documented_bytes),
        cmocka_unit_test(test_decode_reads_documented_bytes),
        cmocka_unit_test(test_decode_needs_no_alignment),
        cmocka_unit_test(test_every_type_survives_a_round_trip),
        cmocka_unit_test(test_times_of_48_bits_saturate),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_dwell_saturates),
        cmocka_unit_test(test_decode_refuses_what_is_not_ours),
        cmocka_unit_test(test_length_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
