/* SPDX-License-Identifier: MIT */
#include "measure/variation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/counter.h"

static struct nv_ipdv_live live;

static int start(void **state)
{
    (void)state;
    return nv_ipdv_init(&live, 8, NULL);
}

static int stop(void **state)
{
    (void)state;
    nv_ipdv_dispose(&live);
    return 0;
}

struct step {
    uint64_t seq;
    int64_t delay_ns;
    bool measured;
    unsigned count; /* of pairs that it completes */
    int64_t difference_ns[2];
};

static void play(const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct nv_ipdv_pairs pairs =
            nv_ipdv_add(&live, steps[i].seq, steps[i].delay_ns, steps[i].measured);
        assert_int_equal(pairs.count, steps[i].count);
        for (unsigned p = 0; p < pairs.count; p++)
            assert_true(pairs.difference_ns[p] == steps[i].difference_ns[p]);
    }
}

static void pairs_in_any_order(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {0, 100, true, 0, {0}},      /* nothing was sent before it */
        {1, 130, true, 1, {30}},     /* 130 - 100 */
        {4, 90, true, 0, {0}},       /* 3 is missing so far */
        {3, 200, true, 1, {-110}},   /* completes (3, 4): 90 - 200 */
        {2, 150, true, 2, {20, 50}}, /* (1, 2): 150 - 130; (2, 3): 200 - 150 */
        {7, -5, true, 0, {0}},       /* 5 and 6 are lost */
    };
    play(steps, sizeof steps / sizeof steps[0]);
}

static void pair_belongs_to_its_later_message(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {0, 10, false, 0, {0}}, {1, 30, false, 0, {0}},
        {2, 70, true, 1, {40}},                        /* (1, 2) counts: 2 is measured */
        {4, 80, false, 0, {0}}, {3, 75, true, 1, {5}}, /* (2, 3) counts, (3, 4) does not */
    };
    play(steps, sizeof steps / sizeof steps[0]);
}

static void ring_does_not_mix_messages_up(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {0, 10, true, 0, {0}},
        {9, 20, true, 0, {0}}, /* slot 1; before it would be slot 0, which holds 0 and not 8 */
        {8, 50, true, 1, {-30}},
        {1, 60, true, 0, {0}}, /* 0 has been overwritten by 8 */
    };
    play(steps, sizeof steps / sizeof steps[0]);
}

/* RFC 3550 A.8 keeps 16 J and rounds: S += |D| - (S + 8) / 16, J = S / 16. */
static void jitter_by_hand(void **state)
{
    (void)state;
    static const struct {
        int64_t delay_ns;
        uint64_t last_ns, max_ns;
    } rows[] = {
        {5000, NV_UNKNOWN, NV_UNKNOWN},
        {5160, 10, 10}, /* |D| 160: S = 0 + 160 - 0 = 160 */
        {5000, 19, 19}, /* 160: S = 160 + 160 - 168 / 16 (10) = 310; 310 / 16 = 19.4 */
        {5000, 18, 19}, /* 0: S = 310 - 318 / 16 (19) = 291; 18.2 */
        {4000, 79, 79}, /* 1000: S = 291 + 1000 - 299 / 16 (18) = 1273; 79.6 */
        {4000, 74, 79}, /* 0: S = 1273 - 1281 / 16 (80) = 1193; 74.6 */
        {4000, 69, 79}, /* 0: S = 1193 - 1201 / 16 (75) = 1118; 69.9 */
    };
    struct nv_jitter jitter = {.last_ns = NV_UNKNOWN, .max_ns = NV_UNKNOWN};
    struct nv_jitter_live jitter_live = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nv_jitter_add(&jitter_live, &jitter, rows[i].delay_ns);
        assert_true(jitter.last_ns == rows[i].last_ns);
        assert_true(jitter.max_ns == rows[i].max_ns);
    }
}

static void jitter_settles_on_a_constant_change(void **state)
{
    (void)state;
    struct nv_jitter jitter = {.last_ns = NV_UNKNOWN, .max_ns = NV_UNKNOWN};
    struct nv_jitter_live jitter_live = {0};
    for (unsigned i = 0; i < 1000; i++)
        nv_jitter_add(&jitter_live, &jitter, i % 2 ? 1000 : 3000);
    assert_in_range(jitter.last_ns, 1999, 2001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pairs_in_any_order, start, stop),
        cmocka_unit_test_setup_teardown(pair_belongs_to_its_later_message, start, stop),
        cmocka_unit_test_setup_teardown(ring_does_not_mix_messages_up, start, stop),
        cmocka_unit_test(jitter_by_hand),
        cmocka_unit_test(jitter_settles_on_a_constant_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
