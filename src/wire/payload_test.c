/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wire/payload.h"

static void test_message_matches_its_own_payload(void **state)
{
    (void)state;
    struct nv_payload pool = {0};
    assert_int_equal(nv_payload_init(&pool, 42, 1001), 0);
    for (uint64_t seq = 0; seq < 1200; seq++) {
        const uint8_t *bytes = nv_payload_of(&pool, seq);
        assert_true(nv_payload_matches(&pool, seq, 0, bytes, 1001));
        assert_true(nv_payload_matches(&pool, seq, 500, bytes + 500, 501));
        assert_true(nv_payload_matches(&pool, seq, 1001, bytes, 0));
    }
    assert_true(nv_payload_matches(&pool, UINT64_MAX, 0, nv_payload_of(&pool, UINT64_MAX), 1001));
    nv_payload_dispose(&pool);
    assert_null(pool.bytes);
    nv_payload_dispose(&pool);
}

static void test_both_ends_compute_the_same(void **state)
{
    (void)state;
    struct nv_payload a = {0}, b = {0};
    assert_int_equal(nv_payload_init(&a, 7, 100), 0);
    assert_int_equal(nv_payload_init(&b, 7, 5003), 0); /* a longer pool begins alike */
    for (uint64_t seq = 0; seq < 600; seq++)
        assert_memory_equal(nv_payload_of(&a, seq), nv_payload_of(&b, seq), 100);
    nv_payload_dispose(&a);
    nv_payload_dispose(&b);
}

static void test_wrong_payload_is_found(void **state)
{
    (void)state;
    struct nv_payload pool = {0}, other = {0};
    assert_int_equal(nv_payload_init(&pool, 1, 64), 0);
    assert_int_equal(nv_payload_init(&other, 2, 64), 0);
    for (uint64_t seq = 0; seq < 128; seq++) {
        assert_false(nv_payload_matches(&pool, seq, 0, nv_payload_of(&other, seq), 64));
        assert_false(nv_payload_matches(&pool, seq, 0, nv_payload_of(&pool, seq + 1), 64));
        assert_false(nv_payload_matches(&pool, seq, 1, nv_payload_of(&pool, seq), 63));
        uint8_t copy[64];
        memcpy(copy, nv_payload_of(&pool, seq), sizeof copy);
        copy[seq % 64] ^= (uint8_t)(1u << seq % 8);
        assert_false(nv_payload_matches(&pool, seq, 0, copy, sizeof copy));
    }
    nv_payload_dispose(&pool);
    nv_payload_dispose(&other);
}

/* Message n + 128 has the payload of message n: 128 * 32 = 4096. */
static void test_offsets_wrap(void **state)
{
    (void)state;
    struct nv_payload pool = {0};
    assert_int_equal(nv_payload_init(&pool, 1, 8), 0);
    assert_ptr_equal(nv_payload_of(&pool, 0), pool.bytes);
    assert_ptr_equal(nv_payload_of(&pool, 1), pool.bytes + 32);
    assert_ptr_equal(nv_payload_of(&pool, 127), pool.bytes + 4064);
    assert_ptr_equal(nv_payload_of(&pool, 128), pool.bytes);
    assert_int_equal(pool.size_bytes, 4096 + 8);
    nv_payload_dispose(&pool);
}

/* Offset and size come from the network: nothing beyond the pool is read. */
static void test_beyond_the_longest_payload_does_not_match(void **state)
{
    (void)state;
    struct nv_payload pool = {0};
    uint8_t data[200] = {0};
    assert_int_equal(nv_payload_init(&pool, 1, 100), 0);
    assert_false(nv_payload_matches(&pool, 511, 0, data, 101));
    assert_false(nv_payload_matches(&pool, 511, 100, data, 1));
    assert_false(nv_payload_matches(&pool, 511, 101, data, 0));
    assert_false(nv_payload_matches(&pool, 511, UINT32_MAX, data, 1));
    assert_false(nv_payload_matches(&pool, 511, 1, data, SIZE_MAX));
    nv_payload_dispose(&pool);
}

static void test_empty_payload(void **state)
{
    (void)state;
    struct nv_payload pool = {0};
    assert_int_equal(nv_payload_init(&pool, 1, 0), 0);
    assert_true(nv_payload_matches(&pool, 3, 0, pool.bytes, 0));
    assert_false(nv_payload_matches(&pool, 3, 0, pool.bytes, 1));
    nv_payload_dispose(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_matches_its_own_payload),
        cmocka_unit_test(test_both_ends_compute_the_same),
        cmocka_unit_test(test_wrong_payload_is_found),
        cmocka_unit_test(test_offsets_wrap),
        cmocka_unit_test(test_beyond_the_longest_payload_does_not_match),
        cmocka_unit_test(test_empty_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
