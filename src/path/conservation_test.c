/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/rng.h"
#include "path/rig_test.h"

/* A chain of everything at once: what comes in comes out or is accounted for, and equal seeds give
 * equal fates. */

/* All that can happen, in two paths, since some things exclude each other. */
static void open_everything(struct nv_rig *rig, bool trace, uint64_t seed, unsigned packets)
{
    static const char rate_path[] =
        "corrupt=10%,mend=yes,duplicate=10%,drop=5+17-30,outage=140ms-160ms,loss=5%,ge=2%:20%,"
        "rate=20Mbit/s,queue=4000,overhead=38,delay=3ms,jitter=2ms,dist=normal,order=free,"
        "reorder=5%,reorder-gap=3";
    static const char trace_path[] =
        "corrupt=10%,duplicate=10%,drop=1-3,outage=1ms-2ms+90ms-110ms,loss=2%,"
        "ge-time=20ms:5ms:90%:1%,queue=5000,aqm=codel,overhead=20,delay=3ms,jitter=1ms,"
        "dist=pareto,reorder=5%,reorder-delay=1ms,trace=";
    char file[] = NV_RIG_FILE, path[512];
    nv_rig_write(file, "0\n0\n1\n2\n2\n3\n7\n8\n");
    (void)snprintf(path, sizeof path, "%s%s", trace ? trace_path : rate_path, trace ? file : "");
    nv_rig_open_sized(rig, path, seed, packets);
    (void)unlink(file);
}

/* A UDP datagram of this length whose bytes nobody has chosen. */
static bool offer_datagram(struct nv_rig *rig, struct nv_rng *rng, uint64_t at_ns, uint32_t len)
{
    struct nv_packet *packet = nv_packet_take(&rig->pool);
    if (!packet) {
        nv_chain_overrun(&rig->chain, at_ns, len);
        return false;
    }
    for (uint32_t i = 0; i < len; i++)
        packet->bytes[i] = (uint8_t)nv_rng_next(rng);
    packet->bytes[0] = 0x45;
    packet->bytes[6] = packet->bytes[7] = 0;
    packet->bytes[9] = 17;
    packet->at_ns = at_ns;
    packet->len_bytes = len;
    nv_chain_input(&rig->chain, packet);
    return true;
}

/* What a test has seen itself. */
struct ledger {
    uint64_t start_ns;
    uint64_t in, in_bytes, refused, out, out_bytes, copies, corrupt;
    size_t read; /* of the arrivals */
    uint64_t last_ns;
};

static void read_arrivals(struct ledger *ledger, const struct nv_rig *rig)
{
    for (; ledger->read < rig->count; ledger->read++) {
        const struct nv_rig_arrival *arrival = &rig->arrivals[ledger->read];
        bool counted = arrival->in_ns >= ledger->start_ns;
        ledger->out += counted;
        ledger->out_bytes += counted ? arrival->len_bytes : 0;
        ledger->copies += counted && arrival->copy;
        ledger->corrupt += counted && arrival->corrupt;
        assert_true(arrival->at_ns >= ledger->last_ns);
        assert_true(arrival->at_ns >= arrival->in_ns);
        ledger->last_ns = arrival->at_ns;
    }
}

static void compare(const struct ledger *ledger, struct nv_rig *rig)
{
    const struct nv_chain_account *account = nv_rig_account(rig); /* balances */
    assert_int_equal(account->in_count, ledger->in);
    assert_int_equal(account->in_bytes, ledger->in_bytes);
    assert_int_equal(account->out_count, ledger->out);
    assert_int_equal(account->out_bytes, ledger->out_bytes);
    assert_int_equal(account->corrupt_count, ledger->corrupt);
    assert_int_equal(account->delay.count, ledger->out);
    assert_true(account->dup_count >= ledger->copies);
    assert_true(account->drop_count[NV_DROP_OVERRUN] >= ledger->refused);
    assert_true(account->held_count <= rig->pool.used_count);
}

/* Steps of a run of everything, in a pool that is too small, from before its start on: at each the
 * account balances and says what was seen. */
static void test_conservation(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct ledger ledger = {.start_ns = 100 * MS};
        struct nv_rig rig;
        struct nv_rng rng;
        uint64_t now_ns = 0;
        nv_rng_seed(&rng, seed);
        open_everything(&rig, seed % 2 == 0, seed, 48);
        nv_chain_start(&rig.chain, ledger.start_ns, SECOND);
        for (unsigned step = 0; step < 5000; step++) {
            now_ns += nv_rng_below(&rng, 100 * US);
            if (nv_rng_below(&rng, 4)) {
                uint32_t len = 28 + (uint32_t)nv_rng_below(&rng, 300);
                bool counted = now_ns >= ledger.start_ns;
                ledger.in += counted;
                ledger.in_bytes += counted ? len : 0;
                ledger.refused += !offer_datagram(&rig, &rng, now_ns, len) && counted;
            } else {
                nv_chain_run(&rig.chain, now_ns);
                assert_true(nv_chain_next_ns(&rig.chain) > now_ns);
            }
            read_arrivals(&ledger, &rig);
            compare(&ledger, &rig);
        }
        nv_rig_drain(&rig);
        read_arrivals(&ledger, &rig);
        compare(&ledger, &rig);
        const struct nv_chain_account *account = nv_rig_account(&rig);
        assert_int_equal(account->held_count, 0);
        for (unsigned i = 0; i < NV_DROP_CAUSES; i++)
            assert_true(account->drop_count[i] > 0); /* it was all there */
        assert_true(account->dup_count && account->corrupt_count && account->reordered_count);
        assert_true(account->out_count > 500);
        nv_rig_close(&rig);
    }
}

/* FNV-1a over all bytes that come out. */
static void hash_bytes(void *context, const struct nv_packet *packet)
{
    uint64_t *hash = context;
    for (uint32_t i = 0; i < packet->len_bytes; i++)
        *hash = (*hash ^ packet->bytes[i]) * UINT64_C(0x100000001b3);
}

/* 2000 datagrams; with steps, somebody looks in between, at the next event or any other time. */
static void run_everything(struct nv_rig *rig, bool trace, uint64_t seed, bool steps,
                           uint64_t *hash)
{
    struct nv_rng rng, steps_rng;
    uint64_t now_ns = 0;
    nv_rng_seed(&rng, 7);
    nv_rng_seed(&steps_rng, 8);
    open_everything(rig, trace, seed, NV_RIG_PACKETS);
    nv_chain_start(&rig->chain, 20 * MS, SECOND);
    rig->look = hash_bytes;
    rig->context = hash;
    *hash = UINT64_C(0xcbf29ce484222325);
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t next_ns = now_ns + nv_rng_below(&rng, 200 * US);
        for (unsigned k = 0; steps && k < 5; k++) {
            uint64_t event_ns = nv_chain_next_ns(&rig->chain);
            now_ns += nv_rng_below(&steps_rng, next_ns - now_ns + 1);
            nv_chain_run(&rig->chain, event_ns < next_ns && k % 2 ? event_ns : now_ns);
        }
        now_ns = next_ns;
        assert_true(offer_datagram(rig, &rng, now_ns, 28 + (uint32_t)nv_rng_below(&rng, 300)));
    }
    nv_rig_drain(rig);
}

static bool same(const struct nv_rig *a, const struct nv_rig *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct nv_rig_arrival *x = &a->arrivals[i], *y = &b->arrivals[i];
        if (x->number != y->number || x->in_ns != y->in_ns || x->at_ns != y->at_ns ||
            x->len_bytes != y->len_bytes || x->copy != y->copy || x->corrupt != y->corrupt)
            return false;
    }
    return true;
}

/* The same seed, the same fates, to the last bit and ns, whenever somebody looked; another seed,
 * others. */
static void test_seeds(void **state)
{
    (void)state;
    for (unsigned trace = 0; trace < 2; trace++) {
        struct nv_rig rigs[3];
        uint64_t hashes[3];
        run_everything(&rigs[0], trace, 1, false, &hashes[0]);
        run_everything(&rigs[1], trace, 1, true, &hashes[1]);
        run_everything(&rigs[2], trace, 2, false, &hashes[2]);
        assert_true(rigs[0].count > 500);
        assert_true(same(&rigs[0], &rigs[1]));
        assert_true(hashes[0] == hashes[1]);
        assert_memory_equal(nv_rig_account(&rigs[0]), nv_rig_account(&rigs[1]),
                            sizeof(struct nv_chain_account));
        assert_false(same(&rigs[0], &rigs[2]));
        for (unsigned i = 0; i < 3; i++)
            nv_rig_close(&rigs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conservation),
        cmocka_unit_test(test_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
