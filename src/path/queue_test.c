/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "path/rig_test.h"

/* CoDel (RFC 8289) in the queue before a rate. 1500 bytes take 10 ms here. */

#define LINK "rate=1.2Mbit/s,queue=10M,aqm=codel"

/* These numbers and no others are missing from what came out, of count packets. */
static void expect_missing(const struct nv_rig *rig, const uint64_t *missing, size_t missing_count,
                           uint64_t count)
{
    size_t out = 0, lost = 0;
    for (uint64_t number = 1; number <= count; number++) {
        if (out < rig->count && rig->arrivals[out].number == number) {
            out++;
            continue;
        }
        if (lost >= missing_count || missing[lost] != number)
            fail_msg("%llu is missing", (unsigned long long)number);
        lost++;
    }
    assert_int_equal(out, rig->count);
    assert_int_equal(lost, missing_count);
}

/* A packet each 5 ms, number n at 5 (n - 1) ms. Without drops the one taken at 10 j ms is number
 * j + 1, which came at 5 j.
 *   10, 20: no more than a full packet remains behind it, which never counts (at 10 ms the third,
 *       at 20 the fourth, of those that came before).
 *   30: waited 15 ms, two remain: above the target, first of all. 100 ms later:
 *   130: number 14 is dropped, the first; the next drop is due in 100 ms.
 *   230: number 24 went at 220, so 25; then in 100 / sqrt(2) = 70.7 ms, at 300.7.
 *   310: 26 went at 230, 33 at 300, so 34; then at 300.7 + 57.7 = 358.4.
 *   360: 40; then at 358.4 + 50 = 408.4.
 *   410: 46; + 44.7 = 453.2.   460: 52; + 40.8 = 494.0.   500: 57; + 37.8 = 531.8.
 *   540: 62; + 35.4 = 567.1.   570: 66; + 33.3 = 600.5.   610: 71; + 31.6 = 632.1.
 *   640: 75. */
static void test_sustained_overload(void **state)
{
    (void)state;
    static const uint64_t missing[] = {14, 25, 34, 40, 46, 52, 57, 62, 66, 71, 75};
    static const uint64_t drop_ms[] = {130, 230, 310, 360, 410, 460, 500, 540, 570, 610, 640};
    enum { PACKETS = 132 }; /* until 655 ms */
    struct nv_rig rig;
    nv_rig_open(&rig, LINK, 1);
    for (uint64_t i = 0; i < PACKETS; i++)
        nv_rig_send(&rig, i * 5 * MS, 1500);
    for (size_t i = 0; i < COUNT(missing); i++) {
        const struct nv_rig_arrival *arrival = rig.arrivals;
        while (arrival->number != missing[i] + 1) /* went when that one was dropped */
            arrival++;
        assert_int_equal(arrival->at_ns, (drop_ms[i] + 10) * MS);
    }
    uint64_t last = rig.arrivals[rig.count - 1].number;
    expect_missing(&rig, missing, COUNT(missing), last);
    assert_true(last > 75);
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_QUEUE), COUNT(missing));
    nv_rig_drain(&rig);
    nv_rig_close(&rig);
}

/* Waits of 0 to 4 ms, and a queue that empties each time: nothing is ever dropped; nor when the
 * last one waits 9 ms. */
static void test_silent_while_bursts_drain(void **state)
{
    (void)state;
    for (unsigned burst = 5; burst <= 10; burst += 5) {
        struct nv_rig rig;
        nv_rig_open(&rig, "rate=12Mbit/s,queue=10M,aqm=codel", 1);
        for (uint64_t ms = 0; ms < 5000; ms += 10)
            for (unsigned i = 0; i < burst; i++)
                nv_rig_send(&rig, ms * MS, 1500);
        nv_rig_drain(&rig);
        assert_int_equal(rig.count, 500 * burst);
        assert_int_equal(nv_rig_drops(&rig, NV_DROP_QUEUE), 0);
        nv_rig_close(&rig);
    }
}

/* Never empty, and each waits just under 5 ms or just 5: a packet more than a full one behind it.
 */
static void test_the_target_is_5_ms(void **state)
{
    (void)state;
    for (uint64_t more_ns = 0; more_ns < 2; more_ns++) {
        struct nv_rig rig;
        uint64_t wait_ns = 5 * MS - 1 + more_ns;
        nv_rig_open(&rig, "rate=12Mbit/s,queue=10M,aqm=codel", 1); /* 1 ms each */
        for (unsigned i = 0; i < 5; i++)
            nv_rig_send(&rig, 0, 1500);
        for (uint64_t i = 5; i < 500; i++) /* is served at i ms */
            nv_rig_send(&rig, i * MS - wait_ns, 1500);
        nv_rig_drain(&rig);
        assert_int_equal(nv_rig_drops(&rig, NV_DROP_QUEUE) > 0, more_ns);
        if (more_ns) /* above since 5 ms: number 6 */
            assert_int_equal(rig.arrivals[105].number, 107);
        nv_rig_close(&rig);
    }
}

/* Two at 0, then one each 10 ms, a ms before it is needed: each waits long, but never is more than
 * one packet behind the one that goes. With one more it is: above since 10 ms, and at 110 the 12th
 * is dropped, which ends it. */
static void test_a_full_packet_may_always_wait(void **state)
{
    (void)state;
    static const char *const links[] = {LINK, "rate=1.216Mbit/s,overhead=20,queue=10M,aqm=codel"};
    static const uint64_t missing[] = {12};
    for (unsigned i = 0; i < 4; i++) {
        struct nv_rig rig;
        uint64_t more = i / 2, count = 2 + more;
        nv_rig_open(&rig, links[i % 2], 1);
        for (unsigned k = 0; k < count; k++)
            nv_rig_send(&rig, 0, 1500);
        for (uint64_t k = 1; k < 200; k++, count++)
            nv_rig_send(&rig, k * 10 * MS - MS, 1500);
        nv_rig_drain(&rig);
        expect_missing(&rig, missing, more, count);
        nv_rig_close(&rig);
    }
}

/* What finds the queue full is dropped with CoDel, too. */
static void test_also_drops_what_finds_it_full(void **state)
{
    (void)state;
    struct nv_rig rig;
    nv_rig_open(&rig, "rate=1.2Mbit/s,queue=4500,aqm=codel", 1);
    for (unsigned i = 0; i < 5; i++)
        nv_rig_send(&rig, 0, 1500);
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_QUEUE), 2);
    assert_int_equal(nv_rig_account(&rig)->queue_max_bytes, 4500);
    nv_rig_drain(&rig);
    assert_int_equal(rig.count, 3);
    nv_rig_close(&rig);
}

/* The pseudo code of RFC 8289, section 5, as it stands there, over a queue of arrival times and
 * sizes, with a clock of whole ns. */
struct model {
    const uint64_t *came_ns;
    const uint32_t *len;
    unsigned head, tail; /* those in the queue */
    double first_above, drop_next;
    unsigned count, lastcount;
    bool dropping;
    bool *dropped;
};

#define TARGET 5e6
#define INTERVAL 100e6
#define MAXPACKET 1500

static int model_dodequeue(struct model *model, double now, bool *ok_to_drop)
{
    *ok_to_drop = false;
    if (model->head == model->tail) {
        model->first_above = 0;
        return -1;
    }
    unsigned p = model->head++;
    uint64_t bytes = 0;
    for (unsigned i = model->head; i < model->tail; i++)
        bytes += model->len[i];
    if (now - (double)model->came_ns[p] < TARGET || bytes <= MAXPACKET)
        model->first_above = 0;
    else if (model->first_above == 0)
        model->first_above = now + INTERVAL;
    else if (now >= model->first_above)
        *ok_to_drop = true;
    return (int)p;
}

static int model_dequeue(struct model *model, double now)
{
    bool ok_to_drop;
    int p = model_dodequeue(model, now, &ok_to_drop);
    if (model->dropping) {
        if (!ok_to_drop)
            model->dropping = false;
        while (model->dropping && now >= model->drop_next) {
            model->dropped[p] = true;
            model->count++;
            p = model_dodequeue(model, now, &ok_to_drop);
            if (!ok_to_drop)
                model->dropping = false;
            else
                model->drop_next += floor(INTERVAL / sqrt(model->count));
        }
    } else if (ok_to_drop) {
        model->dropped[p] = true;
        p = model_dodequeue(model, now, &ok_to_drop);
        model->dropping = true;
        unsigned delta = model->count - model->lastcount;
        model->count = 1;
        if (delta > 1 && now - model->drop_next < 16 * INTERVAL)
            model->count = delta;
        model->drop_next = now + floor(INTERVAL / sqrt(model->count));
        model->lastcount = model->count;
    }
    return p;
}

/* Serves the next one from then on, in thirds of a ns: a byte takes 20 000. When it is done; 0:
 * there was none. */
static uint64_t model_serve(struct model *model, uint64_t thirds)
{
    int p = model_dequeue(model, (double)(thirds / 3));
    return p < 0 ? 0 : thirds + UINT64_C(20000) * model->len[p];
}

static void run_model(struct model *model, unsigned count)
{
    uint64_t thirds = 0; /* when the link is free; 0: it is */
    for (unsigned i = 0; i < count || thirds;) {
        if (thirds && (i == count || thirds / 3 <= model->came_ns[i])) {
            thirds = model_serve(model, thirds);
            continue;
        }
        model->tail = ++i;
        if (!thirds)
            thirds = model_serve(model, 3 * model->came_ns[i - 1]);
    }
}

/* Load that changes each 150 packets between 0.4 and 2.4 of the rate, with sizes of all kinds: the
 * same packets are dropped. */
static void test_against_the_pseudo_code(void **state)
{
    (void)state;
    enum { PACKETS = 3000, SEEDS = 20 };
    static uint64_t came_ns[PACKETS];
    static uint32_t len[PACKETS];
    static bool dropped[PACKETS];
    unsigned drops = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct nv_rig rig;
        struct nv_rng rng;
        double at_ns = 0, load = 1;
        nv_rng_seed(&rng, seed);
        nv_rig_open(&rig, LINK, 1);
        for (unsigned i = 0; i < PACKETS; i++) {
            load = i % 150 ? load : 0.4 + 2 * nv_rng_unit(&rng);
            len[i] = 40 + (uint32_t)nv_rng_below(&rng, 1461);
            at_ns += -log(nv_rng_unit(&rng)) * 770 * 8 / 1.2e-3 / load;
            came_ns[i] = (uint64_t)at_ns;
            dropped[i] = false;
            nv_rig_send(&rig, came_ns[i], len[i]);
        }
        struct model model = {.came_ns = came_ns, .len = len, .dropped = dropped};
        run_model(&model, PACKETS);
        nv_rig_drain(&rig);
        size_t out = 0;
        for (unsigned i = 0; i < PACKETS; i++) {
            bool came = out < rig.count && rig.arrivals[out].number == i + 1;
            if (came == dropped[i])
                fail_msg("seed %u, packet %u", (unsigned)seed, i + 1);
            out += came;
            drops += dropped[i];
        }
        nv_rig_close(&rig);
    }
    assert_true(drops > 1000);
}

/* Without load for 400 ms, the drops go on as fast as they were; after 3 s they begin anew. Worked
 * out with the pseudo code. */
static void test_comes_back(void **state)
{
    (void)state;
    static const uint64_t missing[] = {
        14,  25,  34,  40,  46,  52,  57,  62,  66,  71,  75,  79,  83,  86,  90,  94,
        97,  114, 118, 121, 125, 128, 131, 134, 138, 141, 144, 147, 150, 153, 156, 158,
        161, 164, 167, 170, 172, 175, 178, 180, 183, 185, 188, 191, 193, 196, 198, 214,
        225, 234, 240, 246, 252, 257, 262, 266, 271, 275, 279, 283, 286, 290, 294, 297};
    static const uint64_t begins_ns[] = {0, 900 * MS, 4 * SECOND};
    struct nv_rig rig;
    nv_rig_open(&rig, LINK, 1);
    for (size_t k = 0; k < COUNT(begins_ns); k++)
        for (uint64_t i = 0; i < 100; i++)
            nv_rig_send(&rig, begins_ns[k] + i * 5 * MS, 1500);
    nv_rig_drain(&rig);
    expect_missing(&rig, missing, COUNT(missing), 300);
    nv_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sustained_overload),
        cmocka_unit_test(test_silent_while_bursts_drain),
        cmocka_unit_test(test_the_target_is_5_ms),
        cmocka_unit_test(test_a_full_packet_may_always_wait),
        cmocka_unit_test(test_also_drops_what_finds_it_full),
        cmocka_unit_test(test_against_the_pseudo_code),
        cmocka_unit_test(test_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
