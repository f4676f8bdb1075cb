/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "wire/framer.h"

/* A stream of messages of these sizes; every payload byte is the low byte of its stream offset. */
static const uint32_t mixed[] = {40, 41, 40, 64, 100, 40, 40, 39 + 40, 200, 40};
#define MIXED_COUNT (sizeof mixed / sizeof mixed[0])
#define MIXED_BYTES (40u + 41 + 40 + 64 + 100 + 40 + 40 + 79 + 200 + 40) /* 684 */

static uint8_t *make_stream(const uint32_t *len_bytes, size_t count, size_t total_bytes)
{
    uint8_t *bytes = malloc(total_bytes);
    assert_non_null(bytes);
    for (size_t i = 0; i < total_bytes; i++)
        bytes[i] = (uint8_t)i;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct nv_header header = {.type = NV_MSG_DATA,
                                   .flow = 3,
                                   .len_bytes = len_bytes[i],
                                   .run_tag = 9,
                                   .seq = 1000 + i,
                                   .t_int_ns = 5 * i,
                                   .t_snd_ns = 7 * i};
        nv_header_encode(&header, bytes + at);
        at += len_bytes[i];
    }
    assert_int_equal(at, total_bytes);
    return bytes;
}

/* Takes all messages of one feed, which is a copy of its own so that ASan sees any reading beyond
 * it or after it. Checks them against mixed[] and how many feeds each was spread over. */
struct collector {
    struct nv_framer framer;
    size_t count;                 /* messages so far */
    size_t fed;                   /* bytes so far */
    size_t cuts[MIXED_BYTES + 1]; /* stream offsets at which feeds began */
    size_t cut_count;
};

/* The feeds that stream bytes [from, to) came in, counted directly from the cuts. */
static uint32_t feeds_over(const struct collector *c, size_t from, size_t to)
{
    uint32_t feeds = 1;
    for (size_t i = 0; i < c->cut_count; i++)
        feeds += c->cuts[i] > from && c->cuts[i] < to;
    return feeds;
}

static size_t stream_offset(size_t message)
{
    size_t offset = 0;
    for (size_t i = 0; i < message; i++)
        offset += mixed[i];
    return offset;
}

static void feed_mixed(struct collector *c, const uint8_t *stream, size_t len_bytes)
{
    uint8_t *copy = malloc(len_bytes ? len_bytes : 1);
    assert_non_null(copy);
    memcpy(copy, stream + c->fed, len_bytes);
    if (len_bytes) /* an empty one carries nothing */
        c->cuts[c->cut_count++] = c->fed;
    c->fed += len_bytes;
    struct nv_framed framed;
    int got;
    nv_framer_feed(&c->framer, copy, len_bytes);
    while ((got = nv_framer_next(&c->framer, &framed)) > 0) {
        size_t from = stream_offset(c->count), to = stream_offset(c->count + 1);
        assert_true(c->count < MIXED_COUNT && to <= c->fed);
        assert_int_equal(framed.header.len_bytes, mixed[c->count]);
        assert_int_equal(framed.header.seq, 1000 + c->count);
        assert_int_equal(framed.header.t_snd_ns, 7 * c->count);
        assert_int_equal(framed.recv_calls, feeds_over(c, from, to));
        c->count++;
    }
    assert_int_equal(got, 0);
    free(copy);
}

/* Not one message later than its last byte. */
static size_t complete_within(size_t bytes)
{
    size_t count = 0;
    while (count < MIXED_COUNT && stream_offset(count + 1) <= bytes)
        count++;
    return count;
}

static void test_whole_stream_in_one_feed(void **state)
{
    (void)state;
    uint8_t *stream = make_stream(mixed, MIXED_COUNT, MIXED_BYTES);
    struct collector c = {0};
    nv_framer_init(&c.framer);
    feed_mixed(&c, stream, MIXED_BYTES);
    assert_int_equal(c.count, MIXED_COUNT);
    free(stream);
}

static void test_every_split_into_two_and_three(void **state)
{
    (void)state;
    uint8_t *stream = make_stream(mixed, MIXED_COUNT, MIXED_BYTES);
    for (size_t first = 0; first <= MIXED_BYTES; first++) {
        for (size_t second = first; second <= MIXED_BYTES; second += 1 + second % 7) {
            struct collector c = {0};
            nv_framer_init(&c.framer);
            feed_mixed(&c, stream, first);
            assert_int_equal(c.count, complete_within(first));
            feed_mixed(&c, stream, second - first);
            assert_int_equal(c.count, complete_within(second));
            feed_mixed(&c, stream, MIXED_BYTES - second);
            assert_int_equal(c.count, MIXED_COUNT);
        }
    }
    free(stream);
}

static void test_constant_feeds_of_every_size(void **state)
{
    (void)state;
    uint8_t *stream = make_stream(mixed, MIXED_COUNT, MIXED_BYTES);
    for (size_t step = 1; step <= MIXED_BYTES; step++) { /* 1: byte by byte */
        struct collector c = {0};
        nv_framer_init(&c.framer);
        while (c.fed < MIXED_BYTES) {
            size_t rest = MIXED_BYTES - c.fed;
            feed_mixed(&c, stream, rest < step ? rest : step);
            assert_int_equal(c.count, complete_within(c.fed));
        }
        assert_int_equal(c.count, MIXED_COUNT);
    }
    free(stream);
}

static void test_random_feeds(void **state)
{
    (void)state;
    uint8_t *stream = make_stream(mixed, MIXED_COUNT, MIXED_BYTES);
    struct nv_rng rng;
    nv_rng_seed(&rng, 20240229);
    for (unsigned round = 0; round < 2000; round++) {
        struct collector c = {0};
        nv_framer_init(&c.framer);
        while (c.fed < MIXED_BYTES) {
            size_t step = 1 + nv_rng_below(&rng, 90), rest = MIXED_BYTES - c.fed;
            feed_mixed(&c, stream, rest < step ? rest : step);
        }
        assert_int_equal(c.count, MIXED_COUNT);
    }
    free(stream);
}

/* Two 40-byte messages and 20 bytes of a third: 1 feed each; the third, 2. */
static void test_headers_alone(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {40, 40, 40};
    uint8_t *stream = make_stream(sizes, 3, 120);
    struct nv_framer framer;
    struct nv_framed framed;
    nv_framer_init(&framer);
    nv_framer_feed(&framer, stream, 100);
    assert_int_equal(nv_framer_next(&framer, &framed), 1);
    assert_int_equal(framed.header.seq, 1000);
    assert_int_equal(framed.recv_calls, 1);
    assert_int_equal(nv_framer_next(&framer, &framed), 1);
    assert_int_equal(framed.header.seq, 1001);
    assert_int_equal(nv_framer_next(&framer, &framed), 0);
    assert_int_equal(nv_framer_next(&framer, &framed), 0);
    nv_framer_feed(&framer, stream + 100, 20);
    assert_int_equal(nv_framer_next(&framer, &framed), 1);
    assert_int_equal(framed.header.seq, 1002);
    assert_int_equal(framed.recv_calls, 2);
    assert_int_equal(nv_framer_next(&framer, &framed), 0);
    free(stream);
}

/* 1 MiB in feeds of 1000 bytes: 1048576 / 1000 = 1048.6, so 1049 feeds. */
static void test_long_message_counts_its_feeds(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1 << 20};
    uint8_t *stream = make_stream(sizes, 1, 1 << 20);
    struct nv_framer framer;
    struct nv_framed framed;
    nv_framer_init(&framer);
    for (size_t at = 0; at < 1 << 20; at += 1000) {
        size_t rest = (1 << 20) - at;
        nv_framer_feed(&framer, stream + at, rest < 1000 ? rest : 1000);
        assert_int_equal(nv_framer_next(&framer, &framed), rest <= 1000);
    }
    assert_int_equal(framed.recv_calls, 1049);
    free(stream);
}

/* Feeds a stream in steps; messages got before it broke, which it must. */
static unsigned messages_until_broken(struct nv_framer *framer, const uint8_t *stream,
                                      size_t total_bytes, size_t step)
{
    struct nv_framed framed;
    unsigned count = 0;
    int got = 0;
    nv_framer_init(framer);
    for (size_t at = 0; at < total_bytes && got >= 0; at += step) {
        size_t rest = total_bytes - at;
        nv_framer_feed(framer, stream + at, rest < step ? rest : step);
        while ((got = nv_framer_next(framer, &framed)) > 0)
            count++;
    }
    assert_true(got < 0);
    return count;
}

/* A good message and then one bad byte at the given place of the next header. */
static void test_broken_stream_stays_broken(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {60, 40, 40};
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {
        {0, 0},     /* magic */
        {2, 9},     /* version */
        {3, 77},    /* type */
        {8, 39},    /* len 39: not even a header */
        {8, 0},     /* len 0 */
        {11, 0x7f}, /* len 2 GB */
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        uint8_t *stream = make_stream(sizes, 3, 140);
        stream[60 + rows[row].at] = rows[row].value;
        for (size_t step = 1; step <= 140; step++) {
            struct nv_framer framer;
            struct nv_framed framed;
            assert_int_equal(messages_until_broken(&framer, stream, 140, step), 1);
            nv_framer_feed(&framer, stream, 60); /* good bytes do not mend it */
            assert_true(nv_framer_next(&framer, &framed) < 0);
        }
        free(stream);
    }
}

struct watcher {
    const uint8_t *expected; /* the stream */
    uint64_t seq;
    uint32_t next_offset;
    size_t total_bytes;
};

static void watch_payload(void *context, const struct nv_header *header, uint32_t offset_bytes,
                          const uint8_t *data, size_t size_bytes)
{
    struct watcher *w = context;
    if (header->seq != w->seq) {
        w->seq = header->seq;
        w->next_offset = 0;
    }
    assert_int_equal(offset_bytes, w->next_offset);
    assert_true(size_bytes > 0);
    assert_true(offset_bytes + size_bytes <= header->len_bytes - NV_HEADER_BYTES);
    const uint8_t *expected =
        w->expected + stream_offset(header->seq - 1000) + NV_HEADER_BYTES + offset_bytes;
    assert_memory_equal(data, expected, size_bytes);
    w->next_offset += (uint32_t)size_bytes;
    w->total_bytes += size_bytes;
}

static void test_payload_passes_by_once_and_in_order(void **state)
{
    (void)state;
    uint8_t *stream = make_stream(mixed, MIXED_COUNT, MIXED_BYTES);
    for (size_t step = 1; step <= MIXED_BYTES; step++) {
        struct watcher w = {.expected = stream};
        struct collector c = {0};
        nv_framer_init(&c.framer);
        c.framer.viewer.see = watch_payload;
        c.framer.viewer.context = &w;
        while (c.fed < MIXED_BYTES) {
            size_t rest = MIXED_BYTES - c.fed;
            feed_mixed(&c, stream, rest < step ? rest : step);
        }
        assert_int_equal(w.total_bytes, MIXED_BYTES - MIXED_COUNT * NV_HEADER_BYTES);
    }
    free(stream);
}

/* One train of eight, a message that differs in time, one in number, then a train of three. */
#define TRAIN_BYTES (13u * 50)

static void make_trains(uint8_t stream[TRAIN_BYTES], struct nv_header headers[13])
{
    memset(stream, 0xee, TRAIN_BYTES);
    for (unsigned i = 0; i < 13; i++) {
        headers[i] = (struct nv_header){.type = NV_MSG_DATA,
                                        .len_bytes = 50,
                                        .run_tag = 9,
                                        .seq = 7u + i + (i >= 9 ? 100u : 0u),
                                        .t_int_ns = 1000 + (i == 8),
                                        .t_snd_ns = 2000,
                                        .count = 1};
        nv_header_encode(&headers[i], stream + (size_t)i * 50);
    }
}

/* Takes what is complete; how many messages there are then. */
static unsigned take_trains(struct nv_framer *framer, const struct nv_header *headers,
                            unsigned count, unsigned *longest)
{
    struct nv_framed framed;
    while (nv_framer_next(framer, &framed) > 0) {
        assert_true(framed.recv_calls == 1 || framed.header.count == 1);
        *longest = framed.header.count > *longest ? framed.header.count : *longest;
        for (unsigned k = 0; k < framed.header.count; k++, count++) {
            assert_int_equal(framed.header.seq + k, headers[count].seq);
            assert_int_equal(framed.header.t_int_ns, headers[count].t_int_ns);
            assert_int_equal(framed.header.t_snd_ns, headers[count].t_snd_ns);
        }
    }
    return count;
}

/* Each message comes once and in order, wherever the stream is cut; the first eight go together
 * when they come together. */
static void test_trains_come_together_or_in_pieces(void **state)
{
    uint8_t stream[TRAIN_BYTES];
    struct nv_header headers[13];
    (void)state;
    make_trains(stream, headers);
    for (size_t cut = 0; cut <= TRAIN_BYTES; cut++) {
        struct nv_framer framer;
        unsigned longest = 0;
        nv_framer_init(&framer);
        framer.trains = true;
        nv_framer_feed(&framer, stream, cut);
        unsigned count = take_trains(&framer, headers, 0, &longest);
        assert_int_equal(count, cut / 50);
        uint8_t *rest = malloc(TRAIN_BYTES - cut + 1); /* ASan sees reading beyond it */
        assert_non_null(rest);
        memcpy(rest, stream + cut, TRAIN_BYTES - cut);
        nv_framer_feed(&framer, rest, TRAIN_BYTES - cut);
        assert_int_equal(take_trains(&framer, headers, count, &longest), 13);
        assert_true(cut < 8 * 50 || longest == 8);
        free(rest);
    }
}

/* Not one of them is taken for the first one's successor. */
static void test_what_differs_does_not_follow(void **state)
{
    uint8_t first[NV_HEADER_BYTES];
    uint8_t next[NV_HEADER_BYTES];
    struct nv_header header = {.type = NV_MSG_DATA, .len_bytes = 64, .seq = 41};
    (void)state;
    nv_header_encode(&header, first);
    memcpy(next, first, sizeof next);
    nv_header_renumber(next, 44);
    assert_true(nv_header_follows(next, first, 3));
    assert_false(nv_header_follows(next, first, 2));
    for (unsigned bit = 0; bit < 8 * NV_HEADER_BYTES; bit++) {
        next[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(nv_header_follows(next, first, 3));
        next[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_stream_in_one_feed),
        cmocka_unit_test(test_every_split_into_two_and_three),
        cmocka_unit_test(test_constant_feeds_of_every_size),
        cmocka_unit_test(test_random_feeds),
        cmocka_unit_test(test_headers_alone),
        cmocka_unit_test(test_long_message_counts_its_feeds),
        cmocka_unit_test(test_broken_stream_stays_broken),
        cmocka_unit_test(test_trains_come_together_or_in_pieces),
        cmocka_unit_test(test_what_differs_does_not_follow),
        cmocka_unit_test(test_payload_passes_by_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
