/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "path/rig_test.h"

/* What changes packets: second copies and turned bits. */

#define PACKET_MAX 1500u

enum { UDP = 17, TCP = 6, ICMP = 1 };

/* An IP packet, and where its parts are. */
struct sample {
    uint8_t bytes[PACKET_MAX];
    uint32_t len, head, payload, checksum;
    bool v6;
    uint8_t protocol;
};

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

/* RFC 1071: sum of 16-bit words in one's complement, an odd byte being the high one of a word. */
static uint32_t add_words(uint32_t sum, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* Of pseudo header, header and payload: 0xffff when the checksum is right. */
static uint32_t checksum_sum(const uint8_t *bytes, const struct sample *sample)
{
    uint32_t sum = sample->protocol + sample->len - sample->head;
    sum = add_words(sum, sample->v6 ? bytes + 8 : bytes + 12, sample->v6 ? 32 : 8);
    return add_words(sum, bytes + sample->head, sample->len - sample->head);
}

static void seal(struct sample *sample)
{
    uint8_t *checksum = sample->bytes + sample->checksum;
    put16(checksum, 0);
    uint32_t sum = ~checksum_sum(sample->bytes, sample) & 0xffff;
    put16(checksum, sum == 0 && sample->protocol == UDP ? 0xffff : sum); /* RFC 768 */
    assert_int_equal(checksum_sum(sample->bytes, sample), 0xffff);
}

static void build_ip(struct sample *sample, uint32_t options)
{
    uint8_t *bytes = sample->bytes;
    if (sample->v6) {
        bytes[0] = 0x60;
        put16(bytes + 4, sample->len - 40);
        bytes[6] = sample->protocol;
        bytes[7] = 64;
        memset(bytes + 8, 0x2a, 32);
    } else {
        bytes[0] = (uint8_t)(0x40 | (5 + options / 4));
        put16(bytes + 2, sample->len);
        bytes[8] = 64;
        bytes[9] = sample->protocol;
        memset(bytes + 12, 0xc6, 8);
        memset(bytes + 20, 1, options); /* no operation */
        put16(bytes + 10, ~add_words(0, bytes, 20 + options) & 0xffff);
    }
}

/* ip_options: of IPv4; tcp_options: of TCP; bytes, multiples of 4. */
static struct sample build(bool v6, uint8_t protocol, uint32_t ip_options, uint32_t tcp_options,
                           uint32_t payload_len)
{
    struct sample sample = {.v6 = v6, .protocol = protocol};
    sample.head = v6 ? 40 : 20 + ip_options;
    sample.payload = sample.head + (protocol == TCP ? 20 + tcp_options : 8);
    sample.checksum = sample.head + (protocol == TCP ? 16 : 6);
    sample.len = sample.payload + payload_len;
    assert_true(sample.len <= PACKET_MAX);
    build_ip(&sample, ip_options);
    uint8_t *l4 = sample.bytes + sample.head;
    put16(l4, 40000);
    put16(l4 + 2, 5201);
    if (protocol == TCP) {
        l4[12] = (uint8_t)((5 + tcp_options / 4) << 4);
        l4[13] = 0x18; /* PSH, ACK */
        memset(l4 + 20, 1, tcp_options);
    } else {
        put16(l4 + 4, 8 + payload_len);
    }
    for (uint32_t i = 0; i < payload_len; i++)
        sample.bytes[sample.payload + i] = (uint8_t)(i * 37 + 11);
    seal(&sample);
    return sample;
}

/* The last packets that came out. */
struct seen {
    uint8_t bytes[2][PACKET_MAX];
    uint32_t len[2];
    const uint8_t *where[2];
    unsigned count;
};

static void look(void *context, const struct nv_packet *packet)
{
    struct seen *seen = context;
    unsigned i = seen->count++ % 2;
    memcpy(seen->bytes[i], packet->bytes, packet->len_bytes);
    seen->len[i] = packet->len_bytes;
    seen->where[i] = packet->bytes;
}

static void open_seen(struct nv_rig *rig, struct seen *seen, const char *path, uint64_t seed)
{
    *seen = (struct seen){.count = 0};
    nv_rig_open_sized(rig, path, seed, 16);
    nv_chain_start(&rig->chain, 0, NEVER_NS);
    rig->look = look;
    rig->context = seen;
}

/* How many bits differ, and where the last one is that does. */
static unsigned bits_turned(const struct sample *sample, const uint8_t *bytes, uint32_t *at)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < sample->len; i++) {
        unsigned turned = (unsigned)__builtin_popcount(sample->bytes[i] ^ bytes[i]);
        count += turned;
        if (turned)
            *at = i;
    }
    return count;
}

static const struct {
    bool v6;
    uint8_t protocol;
    uint32_t ip_options, tcp_options, payload_len;
} shapes[] = {
    {false, UDP, 0, 0, 100}, {false, UDP, 0, 0, 101},
    {false, UDP, 8, 0, 1},   {false, TCP, 0, 0, 100},
    {false, TCP, 0, 12, 33}, {false, TCP, 40, 40, 1}, /* longest headers */
    {true, UDP, 0, 0, 100},  {true, UDP, 0, 0, 1},
    {true, TCP, 0, 0, 57},   {true, TCP, 0, 12, 1400},
};

/* Not mended: one bit of the payload, and the receiver can tell. */
static void test_one_bit_of_the_payload(void **state)
{
    (void)state;
    for (size_t shape = 0; shape < COUNT(shapes); shape++) {
        struct sample sample =
            build(shapes[shape].v6, shapes[shape].protocol, shapes[shape].ip_options,
                  shapes[shape].tcp_options, shapes[shape].payload_len);
        struct nv_rig rig;
        struct seen seen;
        open_seen(&rig, &seen, "corrupt=100%", shape + 1);
        for (unsigned i = 0; i < 300; i++) {
            uint32_t at = 0;
            nv_rig_send_bytes(&rig, i, sample.bytes, sample.len);
            assert_int_equal(seen.len[i % 2], sample.len);
            assert_int_equal(bits_turned(&sample, seen.bytes[i % 2], &at), 1);
            assert_in_range(at, sample.payload, sample.len - 1);
            assert_int_not_equal(checksum_sum(seen.bytes[i % 2], &sample), 0xffff);
            assert_true(rig.arrivals[i].corrupt);
        }
        assert_int_equal(nv_rig_account(&rig)->corrupt_count, 300);
        nv_rig_close(&rig);
    }
}

/* Mended: the receiver cannot tell, whichever byte of a word the bit was in. */
static void test_a_mended_checksum_is_right(void **state)
{
    (void)state;
    for (size_t shape = 0; shape < COUNT(shapes); shape++) {
        struct sample sample =
            build(shapes[shape].v6, shapes[shape].protocol, shapes[shape].ip_options,
                  shapes[shape].tcp_options, shapes[shape].payload_len);
        struct nv_rig rig;
        struct seen seen;
        unsigned odd = 0, even = 0;
        open_seen(&rig, &seen, "corrupt=100%,mend=yes", shape + 1);
        for (unsigned i = 0; i < 300; i++) {
            uint32_t at = 0;
            nv_rig_send_bytes(&rig, i, sample.bytes, sample.len);
            uint8_t *bytes = seen.bytes[i % 2];
            assert_int_equal(checksum_sum(bytes, &sample), 0xffff);
            memcpy(bytes + sample.checksum, sample.bytes + sample.checksum, 2);
            assert_int_equal(bits_turned(&sample, bytes, &at), 1); /* nothing else is changed */
            assert_in_range(at, sample.payload, sample.len - 1);
            odd += (at - sample.payload) % 2;
            even += (at - sample.payload + 1) % 2;
        }
        assert_true(shapes[shape].payload_len == 1 || (odd > 100 && even > 100));
        nv_rig_close(&rig);
    }
}

/* A payload of one byte and a source port such that the checksum becomes 0 when its bit 3 turns.
 * In UDP that would mean "none" (RFC 768) and be refused over IPv6 (RFC 8200, 8.1): it has to be
 * written as 0xffff. */
static void test_a_mended_checksum_of_zero(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct sample sample = build(v6, UDP, 0, 0, 1);
        struct nv_rig rig;
        struct seen seen;
        unsigned hits = 0;
        sample.bytes[sample.payload] ^= 8;
        put16(sample.bytes + sample.checksum, 0);
        put16(sample.bytes + sample.head, 0);
        put16(sample.bytes + sample.head, ~checksum_sum(sample.bytes, &sample) & 0xffff);
        assert_int_equal(checksum_sum(sample.bytes, &sample), 0xffff); /* so far: checksum 0 */
        sample.bytes[sample.payload] ^= 8;
        seal(&sample);
        open_seen(&rig, &seen, "corrupt=100%,mend=yes", 1);
        for (unsigned i = 0; i < 200; i++) {
            nv_rig_send_bytes(&rig, i, sample.bytes, sample.len);
            const uint8_t *bytes = seen.bytes[i % 2];
            assert_int_equal(checksum_sum(bytes, &sample), 0xffff);
            assert_int_not_equal(get16(bytes + sample.checksum), 0);
            hits += (bytes[sample.payload] ^ sample.bytes[sample.payload]) == 8;
        }
        assert_true(hits > 5);
        nv_rig_close(&rig);
    }
}

/* A UDP sender over IPv4 need not make a checksum: there is nothing to mend then. */
static void test_no_checksum_stays_none(void **state)
{
    (void)state;
    struct sample sample = build(false, UDP, 0, 0, 100);
    struct nv_rig rig;
    struct seen seen;
    put16(sample.bytes + sample.checksum, 0);
    open_seen(&rig, &seen, "corrupt=100%,mend=yes", 1);
    for (unsigned i = 0; i < 100; i++) {
        uint32_t at = 0;
        nv_rig_send_bytes(&rig, i, sample.bytes, sample.len);
        assert_int_equal(bits_turned(&sample, seen.bytes[i % 2], &at), 1);
        assert_in_range(at, sample.payload, sample.len - 1);
    }
    nv_rig_close(&rig);
}

/* Each bit of the payload is turned as often as any other: chi square of 7 bytes, 55 degrees of
 * freedom, 99.9 % point 93.2. */
static void test_every_bit_can_turn(void **state)
{
    (void)state;
    enum { PAYLOAD = 7, PACKETS = 56000 };
    struct sample sample = build(false, UDP, 0, 0, PAYLOAD);
    unsigned turned[8 * PAYLOAD] = {0};
    double chi_square = 0;
    struct nv_rig rig;
    struct seen seen;
    open_seen(&rig, &seen, "corrupt=100%", 2);
    for (unsigned i = 0; i < PACKETS; i++) {
        uint32_t at = 0;
        nv_rig_send_bytes(&rig, i, sample.bytes, sample.len);
        assert_int_equal(bits_turned(&sample, seen.bytes[i % 2], &at), 1);
        unsigned bit = (unsigned)__builtin_ctz(seen.bytes[i % 2][at] ^ sample.bytes[at]);
        turned[8 * (at - sample.payload) + bit]++;
    }
    for (unsigned i = 0; i < COUNT(turned); i++)
        chi_square += (turned[i] - 1000.) * (turned[i] - 1000.) / 1000;
    assert_true(chi_square < 93.2);
    nv_rig_close(&rig);
}

static void expect_untouched(const struct sample *sample)
{
    struct nv_rig rig;
    struct seen seen;
    uint32_t at = 0;
    open_seen(&rig, &seen, "corrupt=100%,mend=yes", 3);
    for (unsigned i = 0; i < 20; i++) {
        nv_rig_send_bytes(&rig, i, sample->bytes, sample->len);
        assert_int_equal(bits_turned(sample, seen.bytes[i % 2], &at), 0);
        assert_false(rig.arrivals[i].corrupt);
    }
    assert_int_equal(nv_rig_account(&rig)->corrupt_count, 0);
    nv_rig_close(&rig);
}

/* Where the payload is not known, or there is none. */
static void test_what_is_left_alone(void **state)
{
    (void)state;
    struct sample sample;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        sample = build(v6, UDP, 0, 0, 0);
        expect_untouched(&sample);
        sample = build(v6, TCP, 0, 0, 0);
        expect_untouched(&sample);
        sample = build(v6, TCP, 0, 12, 0); /* options are not payload */
        expect_untouched(&sample);
        sample = build(v6, ICMP, 0, 0, 64);
        expect_untouched(&sample);
    }
    sample = build(true, 44, 0, 0, 64); /* a fragment of IPv6 */
    expect_untouched(&sample);
    static const uint32_t offsets[] = {1, 0xff, 0x100, 0x1fff};
    for (size_t i = 0; i < COUNT(offsets); i++) { /* later fragments of IPv4, last or not */
        sample = build(false, UDP, 0, 0, 64);
        put16(sample.bytes + 6, offsets[i]);
        expect_untouched(&sample);
        put16(sample.bytes + 6, 0x2000 | offsets[i]);
        expect_untouched(&sample);
    }
    sample = build(false, UDP, 0, 0, 64);
    sample.bytes[0] = 0x55; /* neither version */
    expect_untouched(&sample);
    sample = build(false, UDP, 0, 0, 64);
    for (sample.len = 1; sample.len <= 28; sample.len++) /* cut short */
        expect_untouched(&sample);
}

/* "Do not fragment" is no fragment. */
static void test_what_is_not_a_fragment(void **state)
{
    (void)state;
    struct sample sample = build(false, TCP, 0, 0, 64);
    struct nv_rig rig;
    struct seen seen;
    uint32_t at = 0;
    put16(sample.bytes + 6, 0x4000);
    open_seen(&rig, &seen, "corrupt=100%", 3);
    nv_rig_send_bytes(&rig, 0, sample.bytes, sample.len);
    assert_int_equal(bits_turned(&sample, seen.bytes[0], &at), 1);
    nv_rig_close(&rig);
}

/* The copy comes right behind, at the same time, equal, in a buffer of its own. */
static void test_a_copy_is_right_behind(void **state)
{
    (void)state;
    struct nv_rig rig;
    struct seen seen;
    uint8_t bytes[1000];
    open_seen(&rig, &seen, "duplicate=100%", 1);
    for (unsigned i = 0; i < 50; i++) {
        uint32_t len = 1 + 20 * i;
        memset(bytes, (int)i + 1, sizeof bytes);
        nv_rig_send_bytes(&rig, i * MS, bytes, len);
        assert_int_equal(rig.count, 2 * i + 2);
        for (unsigned k = 0; k < 2; k++) {
            const struct nv_rig_arrival *arrival = &rig.arrivals[2 * i + k];
            assert_int_equal(arrival->number, i + 1);
            assert_int_equal(arrival->at_ns, i * MS);
            assert_int_equal(arrival->in_ns, i * MS);
            assert_int_equal(arrival->len_bytes, len);
            assert_int_equal(arrival->copy, k == 1);
            assert_memory_equal(seen.bytes[k], bytes, len);
        }
        assert_ptr_not_equal(seen.where[0], seen.where[1]);
    }
    const struct nv_chain_account *account = nv_rig_account(&rig);
    assert_int_equal(account->in_count, 50);
    assert_int_equal(account->dup_count, 50);
    assert_int_equal(account->out_count, 100);
    assert_int_equal(account->out_bytes, 2 * account->in_bytes);
    assert_int_equal(rig.pool.used_count, 0);
    nv_rig_close(&rig);
}

/* Some of them: the account is exact, and as many as a throw of a coin gives, to 3.3 standard
 * deviations. */
static void test_some_are_copied_some_corrupted(void **state)
{
    (void)state;
    enum { PACKETS = 100000 };
    struct sample sample = build(false, UDP, 0, 0, 50);
    struct nv_rig rig;
    struct seen seen;
    uint64_t copies = 0, corrupted = 0, turned = 0;
    open_seen(&rig, &seen, "duplicate=3%,corrupt=20%", 5);
    for (unsigned i = 0; i < PACKETS; i++) {
        uint32_t at = 0;
        nv_rig_send_bytes(&rig, i, sample.bytes, sample.len);
        turned += bits_turned(&sample, seen.bytes[(seen.count - 1) % 2], &at);
    }
    for (size_t i = 0; i < rig.count; i++) {
        copies += rig.arrivals[i].copy;
        corrupted += rig.arrivals[i].corrupt && !rig.arrivals[i].copy;
    }
    assert_int_equal(rig.count, PACKETS + copies);
    assert_int_equal(nv_rig_account(&rig)->dup_count, copies);
    assert_int_equal(corrupted, turned);
    assert_true(fabs((double)copies - 0.03 * PACKETS) < 3.3 * sqrt(0.03 * 0.97 * PACKETS));
    assert_true(fabs((double)corrupted - 0.2 * PACKETS) < 3.3 * sqrt(0.2 * 0.8 * PACKETS));
    nv_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bit_of_the_payload),
        cmocka_unit_test(test_a_mended_checksum_is_right),
        cmocka_unit_test(test_a_mended_checksum_of_zero),
        cmocka_unit_test(test_no_checksum_stays_none),
        cmocka_unit_test(test_every_bit_can_turn),
        cmocka_unit_test(test_what_is_left_alone),
        cmocka_unit_test(test_what_is_not_a_fragment),
        cmocka_unit_test(test_a_copy_is_right_behind),
        cmocka_unit_test(test_some_are_copied_some_corrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
