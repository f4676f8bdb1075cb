/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "campaign/search.h"

#define S UINT64_C(1000000000)

/* What is tried: passes up to its capacity, but for trials that are disturbed. */
struct device {
    double capacity;
    double disturbed;     /* probability that a trial fails whatever its rate */
    double long_capacity; /* in longer trials; 0: the same */
    struct nv_rng rng;
};

static bool try_rate(struct device *device, const struct nv_search *search)
{
    bool is_long = search->phase == NV_SEARCH_CONFIRM && device->long_capacity > 0;
    double capacity = is_long ? device->long_capacity : device->capacity;
    bool disturbed = nv_rng_unit(&device->rng) <= device->disturbed;
    return search->rate <= capacity && !disturbed;
}

static struct nv_search search_of(struct device *device)
{
    struct nv_search search = {.start = 1000, .floor = 1, .ceiling = 1e8};
    nv_search_begin(&search);
    while (search.phase != NV_SEARCH_OVER)
        nv_search_input(&search, try_rate(device, &search));
    return search;
}

/* Without disturbance the answer is within the resolution, below the capacity, whatever it is. */
static void finds_what_there_is(void **state)
{
    (void)state;
    for (double capacity = 1; capacity < 1e8; capacity *= 1.0371) {
        struct device device = {.capacity = capacity};
        struct nv_search search = search_of(&device);
        assert_int_equal(search.end, NV_SEARCH_FOUND);
        assert_true(search.rate <= capacity);
        assert_true(search.rate * NV_SEARCH_RESOLUTION >= capacity);
        assert_true(search.trial_count <= 55);
    }
}

/* By hand: 1000, 2000 pass; 4000 fails twice; 2828, 3364 and 3084 ... close in on 3000. */
static void walks_as_written_down(void **state)
{
    static const double expected[] = {1000,    2000,    4000,    4000,    2828.43,
                                      3363.59, 3363.59, 3084.42, 3084.42, 2953.65,
                                      3018.33, 3018.33, 2985.81, 3018.33, 2985.81};
    (void)state;
    struct nv_search search = {.start = 1000, .floor = 1, .ceiling = 1e8};
    nv_search_begin(&search);
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(fabs(search.rate - expected[i]) < 0.01);
        assert_int_equal(search.phase, i < 4    ? NV_SEARCH_UP
                                       : i < 14 ? NV_SEARCH_BISECT
                                                : NV_SEARCH_CONFIRM);
        nv_search_input(&search, search.rate <= 3000);
    }
    assert_int_equal(search.end, NV_SEARCH_FOUND);
    assert_int_equal(search.trial_count, 15);
}

/* Of 1000 searches with every tenth trial spoilt, nearly all end where there is nothing to spoil;
 * and none ends above. */
static void survives_disturbed_trials(void **state)
{
    unsigned near = 0;
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        struct device device = {.capacity = 287000, .disturbed = 0.1};
        nv_rng_seed(&device.rng, i);
        struct nv_search search = search_of(&device);
        assert_true(search.rate <= 287000);
        near += search.end == NV_SEARCH_FOUND && search.rate > 0.95 * 287000;
    }
    assert_in_range(near, 930, 1000);
}

/* What holds for a short time only does not count: it goes down, and up again to what holds. */
static void what_is_found_must_last(void **state)
{
    (void)state;
    struct device device = {.capacity = 50000, .long_capacity = 31000};
    struct nv_search search = search_of(&device);
    assert_int_equal(search.end, NV_SEARCH_FOUND);
    assert_true(search.rate <= 31000 && search.rate * NV_SEARCH_RESOLUTION >= 31000);
}

static void ends_where_it_may_not_go_on(void **state)
{
    static const struct {
        double capacity, ceiling;
        enum nv_search_end end;
        double rate;
    } rows[] = {
        {1e9, 1e8, NV_SEARCH_CEILING, 1e8},   {1e9, 1000, NV_SEARCH_CEILING, 1000},
        {1e9, 3000, NV_SEARCH_CEILING, 3000}, {0.5, 1e8, NV_SEARCH_NONE, 1},
        {1, 1e8, NV_SEARCH_FOUND, 1},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct device device = {.capacity = rows[i].capacity};
        struct nv_search search = {.start = 1000, .floor = 1, .ceiling = rows[i].ceiling};
        nv_search_begin(&search);
        while (search.phase != NV_SEARCH_OVER)
            nv_search_input(&search, try_rate(&device, &search));
        assert_int_equal(search.end, rows[i].end);
        assert_true(fabs(search.rate / rows[i].rate - 1) < 0.02);
    }
}

/* Whatever it is told, it ends. */
static void is_bounded(void **state)
{
    unsigned cut = 0;
    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        struct device device = {.capacity = 1e9, .disturbed = (i % 10) / 10.0};
        nv_rng_seed(&device.rng, i);
        struct nv_search search = search_of(&device);
        assert_in_range(search.trial_count, 1, NV_SEARCH_TRIALS_MAX);
        assert_int_not_equal(search.end, NV_SEARCH_RUNNING);
        assert_true(search.rate >= search.floor && search.rate <= search.ceiling);
        cut += search.end == NV_SEARCH_UNCONFIRMED;
    }
    assert_true(cut < 50);
}

static void trials_are_judged(void **state)
{
    static const struct {
        struct nv_search_counts counts;
        double loss_target;
        enum nv_search_failure failure;
    } rows[] = {
        {{1000, 1000, 1000, 2 * S}, 0, NV_SEARCH_PASSED},
        {{1000, 999, 999, 2 * S}, 0, NV_SEARCH_LOSS},
        {{1000, 999, 999, 2 * S}, 0.001, NV_SEARCH_PASSED},
        {{1000, 998, 998, 2 * S}, 0.001, NV_SEARCH_LOSS},
        {{100000, 100000, 99000, 2 * S}, 0, NV_SEARCH_PASSED}, /* late, but for edges of 1 % */
        {{100000, 100000, 98999, 2 * S}, 0, NV_SEARCH_PACE},
        {{100000, 99000, 98000, 9 * S}, 0.01, NV_SEARCH_PASSED},
        {{100000, 99000, 97999, 9 * S}, 0.01, NV_SEARCH_PACE},
        {{1000, 1000, 960, S / 2}, 0, NV_SEARCH_PASSED}, /* 20 ms are 4 % */
        {{1000, 1000, 959, S / 2}, 0, NV_SEARCH_PACE},
        {{100, 100, 98, 2 * S}, 0, NV_SEARCH_PASSED}, /* a message at each edge */
        {{100, 100, 97, 2 * S}, 0, NV_SEARCH_PACE},
        {{0, 0, 0, S}, 0.01, NV_SEARCH_LOSS}, /* nothing was tried */
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(nv_search_judge(&rows[i].counts, rows[i].loss_target), rows[i].failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_there_is),         cmocka_unit_test(walks_as_written_down),
        cmocka_unit_test(survives_disturbed_trials),   cmocka_unit_test(what_is_found_must_last),
        cmocka_unit_test(ends_where_it_may_not_go_on), cmocka_unit_test(is_bounded),
        cmocka_unit_test(trials_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
