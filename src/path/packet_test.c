/* SPDX-License-Identifier: MIT */
#include "path/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static void test_pool_runs_out_and_refills(void **state)
{
    (void)state;
    struct nv_packet_pool pool;
    struct nv_packet *packets[3];
    assert_int_equal(nv_packet_pool_init(&pool, 3, 100), 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(pool.used_count, i);
            packets[i] = nv_packet_take(&pool);
            assert_non_null(packets[i]);
        }
        assert_null(nv_packet_take(&pool));
        assert_int_equal(pool.used_count, 3);
        for (unsigned i = 0; i < 3; i++)
            nv_packet_give(&pool, packets[(i + round) % 3]);
        assert_int_equal(pool.used_count, 0);
    }
    nv_packet_pool_dispose(&pool);
}

/* Each packet has all its bytes to itself. */
static void test_pool_buffers_are_apart(void **state)
{
    (void)state;
    enum { PACKETS = 7, LEN = 33 };
    struct nv_packet_pool pool;
    struct nv_packet *packets[PACKETS];
    assert_int_equal(nv_packet_pool_init(&pool, PACKETS, LEN), 0);
    assert_int_equal(pool.len_bytes_max, LEN);
    for (unsigned i = 0; i < PACKETS; i++) {
        packets[i] = nv_packet_take(&pool);
        memset(packets[i]->bytes, (int)i + 1, LEN);
    }
    for (unsigned i = 0; i < PACKETS; i++)
        for (unsigned k = 0; k < LEN; k++)
            assert_int_equal(packets[i]->bytes[k], i + 1);
    nv_packet_pool_dispose(&pool);
}

/* The last one given back is the next one taken: as new, with the same bytes behind it. */
static void test_pool_reuses_the_last_one(void **state)
{
    (void)state;
    struct nv_packet_pool pool;
    assert_int_equal(nv_packet_pool_init(&pool, 5, 64), 0);
    struct nv_packet *a = nv_packet_take(&pool);
    struct nv_packet *b = nv_packet_take(&pool);
    uint8_t *bytes = a->bytes;
    struct nv_packet used = {
        .in_ns = 1,
        .at_ns = 2,
        .number = 3,
        .order = 4,
        .bytes = bytes,
        .len_bytes = 5,
        .counted = true,
        .copy = true,
        .corrupt = true,
        .next = b,
    };
    *a = used;
    pool.counted_count = 1;
    nv_packet_give(&pool, b); /* was not counted */
    assert_int_equal(pool.counted_count, 1);
    nv_packet_give(&pool, a);
    assert_int_equal(pool.counted_count, 0);
    struct nv_packet *again = nv_packet_take(&pool);
    assert_ptr_equal(again, a);
    assert_ptr_equal(again->bytes, bytes);
    assert_true(again->in_ns == 0 && again->at_ns == 0 && again->number == 0 && again->order == 0);
    assert_true(again->len_bytes == 0 && !again->counted && !again->copy && !again->corrupt);
    assert_null(again->next);
    assert_ptr_equal(nv_packet_take(&pool), b);
    nv_packet_pool_dispose(&pool);
}

static void test_list_is_first_in_first_out(void **state)
{
    (void)state;
    enum { PACKETS = 10 };
    struct nv_packet packets[PACKETS] = {{0}};
    struct nv_packet_list list = {0};
    unsigned in = 0, out = 0;
    assert_null(nv_packet_list_pop(&list));
    for (unsigned size = 1; size <= 3; size++) { /* fills to each size, then empties */
        for (unsigned i = 0; i < size; i++) {
            packets[in].next = &packets[0]; /* what an earlier list left there is no matter */
            nv_packet_list_push(&list, &packets[in++]);
        }
        assert_int_equal(list.count, size);
        assert_ptr_equal(list.first, &packets[out]);
        while (out < in)
            assert_ptr_equal(nv_packet_list_pop(&list), &packets[out++]);
        assert_null(nv_packet_list_pop(&list));
        assert_int_equal(list.count, 0);
        assert_null(list.first);
        assert_null(list.last);
    }
}

struct key {
    uint64_t at_ns;
    unsigned index; /* of the packet, which is pushed in this order */
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Four packets to each time in the mean: these leave as they came. */
static void test_heap_sorts_a_million(void **state)
{
    (void)state;
    enum { PACKETS = 1000000 };
    struct nv_packet *packets = calloc(PACKETS, sizeof *packets);
    struct key *keys = calloc(PACKETS, sizeof *keys);
    struct nv_packet_heap heap;
    struct nv_rng rng;
    assert_true(packets && keys);
    assert_int_equal(nv_packet_heap_init(&heap, PACKETS), 0);
    assert_int_equal(nv_packet_heap_next_ns(&heap), UINT64_MAX);
    assert_null(nv_packet_heap_pop(&heap));
    nv_rng_seed(&rng, 1);
    for (unsigned i = 0; i < PACKETS; i++) {
        packets[i].at_ns = nv_rng_below(&rng, PACKETS / 4);
        keys[i] = (struct key){packets[i].at_ns, i};
        nv_packet_heap_push(&heap, &packets[i]);
    }
    assert_int_equal(heap.count, PACKETS);
    qsort(keys, PACKETS, sizeof *keys, compare_keys);
    for (unsigned i = 0; i < PACKETS; i++) {
        if (nv_packet_heap_next_ns(&heap) != keys[i].at_ns ||
            nv_packet_heap_pop(&heap) != &packets[keys[i].index])
            fail_msg("rank %u", i);
    }
    assert_null(nv_packet_heap_pop(&heap));
    assert_int_equal(nv_packet_heap_next_ns(&heap), UINT64_MAX);
    nv_packet_heap_dispose(&heap);
    free(packets);
    free(keys);
}

/* Which of those in the heap should leave: by looking at all. */
static unsigned first_of(const struct key *keys, unsigned count)
{
    unsigned first = 0;
    for (unsigned i = 1; i < count; i++)
        if (compare_keys(&keys[i], &keys[first]) < 0)
            first = i;
    return first;
}

/* The index of a key is the time of its push; a packet that was popped is pushed again later. */
static void test_heap_of_pushes_and_pops_in_turn(void **state)
{
    (void)state;
    enum { PACKETS = 100, STEPS = 40000 };
    struct nv_packet packets[PACKETS] = {{0}}, *spare[PACKETS], *inside[PACKETS];
    struct key keys[PACKETS];
    unsigned count = 0;
    struct nv_packet_heap heap;
    struct nv_rng rng;
    nv_rng_seed(&rng, 2);
    assert_int_equal(nv_packet_heap_init(&heap, PACKETS), 0);
    for (unsigned i = 0; i < PACKETS; i++)
        spare[i] = &packets[i];
    for (unsigned step = 0; step < STEPS; step++) {
        bool fills = step / 500 % 2 == 0; /* now rather full, now rather empty */
        bool pushes = nv_rng_below(&rng, 4) < (fills ? 3 : 1);
        if (pushes && count < PACKETS) {
            struct nv_packet *packet = spare[PACKETS - 1 - count];
            packet->at_ns = step + nv_rng_below(&rng, 50);
            keys[count] = (struct key){packet->at_ns, step};
            inside[count++] = packet;
            nv_packet_heap_push(&heap, packet);
        } else if (!pushes && count) {
            unsigned first = first_of(keys, count);
            assert_ptr_equal(nv_packet_heap_pop(&heap), inside[first]);
            spare[PACKETS - count] = inside[first];
            inside[first] = inside[--count];
            keys[first] = keys[count];
        }
        assert_int_equal(heap.count, count);
        assert_int_equal(nv_packet_heap_next_ns(&heap),
                         count ? keys[first_of(keys, count)].at_ns : UINT64_MAX);
    }
    nv_packet_heap_dispose(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_runs_out_and_refills),
        cmocka_unit_test(test_pool_buffers_are_apart),
        cmocka_unit_test(test_pool_reuses_the_last_one),
        cmocka_unit_test(test_list_is_first_in_first_out),
        cmocka_unit_test(test_heap_sorts_a_million),
        cmocka_unit_test(test_heap_of_pushes_and_pops_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
