/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "schedule/schedule.h"

__extension__ typedef unsigned __int128 wide;

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

static struct nv_sizes sizes_of(const char *text)
{
    struct nv_sizes sizes;
    assert_int_equal(nv_sizes_parse(&sizes, text, NULL), 0);
    return sizes;
}

static struct nv_schedule_config config_of(enum nv_arrival arrival, uint64_t rate_milli)
{
    return (struct nv_schedule_config){
        .rate_milli = rate_milli,
        .arrival = arrival,
        .burst = 1,
        .sizes = sizes_of("64"),
        .seed = 42,
        .end_ns = S,
    };
}

/* 3 messages a second: k * 10^12 / 3000, rounded down. */
static void test_constant_by_hand(void **state)
{
    (void)state;
    static const uint64_t expected_ns[] = {0,          333333333,  666666666, 1000000000,
                                           1333333333, 1666666666, 2000000000};
    struct nv_schedule_config config = config_of(NV_ARRIVAL_CONSTANT, 3000);
    struct nv_schedule schedule;
    struct nv_planned planned;
    config.phase_ns = 7;
    config.end_ns = 2 * S + 8;
    nv_schedule_init(&schedule, &config);
    for (uint64_t k = 0; k < 7; k++) {
        assert_int_equal(nv_schedule_peek_ns(&schedule), expected_ns[k] + 7);
        assert_true(nv_schedule_next(&schedule, &planned));
        assert_int_equal(planned.seq, k);
        assert_int_equal(planned.t_int_ns, expected_ns[k] + 7);
        assert_int_equal(planned.size_bytes, 64);
    }
    assert_int_equal(nv_schedule_peek_ns(&schedule), UINT64_MAX);
    assert_false(nv_schedule_next(&schedule, &planned));
    assert_false(nv_schedule_next(&schedule, &planned));
}

/* How many of the first count_max messages are where the 128-bit formula puts them, up to the first
 * that is not. */
static uint64_t exact_messages(uint64_t rate_milli, uint64_t count_max)
{
    struct nv_schedule_config config = config_of(NV_ARRIVAL_CONSTANT, rate_milli);
    struct nv_schedule schedule;
    struct nv_planned planned;
    config.end_ns = UINT64_MAX;
    nv_schedule_init(&schedule, &config);
    for (uint64_t k = 0; k < count_max; k++) {
        uint64_t expected_ns = (uint64_t)((wide)k * 1000000000000 / rate_milli);
        if (!nv_schedule_next(&schedule, &planned) || planned.t_int_ns != expected_ns)
            return k;
    }
    return count_max;
}

/* No drift in 10^7 messages. */
static void test_constant_equals_its_formula(void **state)
{
    (void)state;
    assert_int_equal(exact_messages(1, 10000000), 10000000);          /* 1000 s apart */
    assert_int_equal(exact_messages(333, 10000000), 10000000);        /* 3003.003.. ms */
    assert_int_equal(exact_messages(7000, 10000000), 10000000);       /* 142857142.857.. ns */
    assert_int_equal(exact_messages(999999937, 10000000), 10000000);  /* a prime: 1000.00006.. ns */
    assert_int_equal(exact_messages(1000000000, 10000000), 10000000); /* 1000 ns */
    assert_int_equal(exact_messages(3000000000007, 10000000), 10000000);  /* three in a ns */
    assert_int_equal(exact_messages(UINT64_MAX / 2, 10000000), 10000000); /* the highest rate */
}

/* One message in 1000 s until the clock is full: floor((2^64 - 2) / 10^12) = 18446744, so messages
 * 0 to 18446744, and then an end instead of a wrap. */
static void test_time_never_wraps(void **state)
{
    (void)state;
    struct nv_schedule_config config = config_of(NV_ARRIVAL_CONSTANT, 1);
    struct nv_schedule schedule;
    struct nv_planned planned = {0};
    config.end_ns = UINT64_MAX;
    nv_schedule_init(&schedule, &config);
    while (nv_schedule_next(&schedule, &planned) && planned.seq < 20000000)
        ;
    assert_int_equal(planned.seq, 18446744);
    assert_int_equal(planned.t_int_ns, UINT64_C(18446744000000000000));
    assert_int_equal(nv_schedule_count(&config, 0, UINT64_MAX), 18446745);
}

/* 1000 messages a second by fours: four each 4 ms. */
static void test_burst_by_hand(void **state)
{
    (void)state;
    struct nv_schedule_config config = config_of(NV_ARRIVAL_BURST, 1000000);
    struct nv_schedule schedule;
    struct nv_planned planned;
    config.burst = 4;
    config.phase_ns = 100;
    config.end_ns = 12 * MS + 100; /* the fourth tick is not before it */
    nv_schedule_init(&schedule, &config);
    for (uint64_t k = 0; k < 12; k++) {
        assert_true(nv_schedule_next(&schedule, &planned));
        assert_int_equal(planned.seq, k);
        assert_int_equal(planned.t_int_ns, 100 + k / 4 * 4 * MS);
    }
    assert_false(nv_schedule_next(&schedule, &planned));
}

static void test_burst_equals_its_formula(void **state)
{
    (void)state;
    static const uint32_t bursts[] = {0, 1, 2, 7, 64, 1000};
    for (size_t i = 0; i < sizeof bursts / sizeof bursts[0]; i++) {
        struct nv_schedule_config config = config_of(NV_ARRIVAL_BURST, 12345677);
        struct nv_schedule schedule;
        struct nv_planned planned;
        config.burst = bursts[i];
        config.end_ns = UINT64_MAX;
        nv_schedule_init(&schedule, &config);
        for (uint64_t k = 0; k < 1000000; k++) {
            uint64_t first = bursts[i] ? k - k % bursts[i] : k;
            assert_true(nv_schedule_next(&schedule, &planned));
            assert_int_equal(planned.t_int_ns, (uint64_t)((wide)first * 1000000000000 / 12345677));
        }
    }
}

/* A million gaps of mean 1 ms. The mean of n exponential gaps has sd 1/sqrt(n) = 0.001 of the mean,
 * their variance sd sqrt(8/n) = 0.00283 of itself (kurtosis 9), and the share of gaps longer than
 * the mean, 1/e = 0.367879, sd 0.000482. Bounds are 4 sd. */
static void test_poisson_gaps_are_exponential(void **state)
{
    (void)state;
    enum { GAPS = 1000000 };
    struct nv_schedule_config config = config_of(NV_ARRIVAL_POISSON, 1000000);
    struct nv_schedule schedule;
    struct nv_planned planned;
    double sum = 0, squares = 0, long_count = 0;
    uint64_t before_ns = 0;
    config.end_ns = UINT64_MAX;
    nv_schedule_init(&schedule, &config);
    for (unsigned k = 0; k < GAPS; k++) {
        assert_true(nv_schedule_next(&schedule, &planned));
        assert_true(planned.t_int_ns >= before_ns);
        double gap = (double)(planned.t_int_ns - before_ns) / MS;
        before_ns = planned.t_int_ns;
        sum += gap;
        squares += gap * gap;
        long_count += gap > 1;
    }
    double mean = sum / GAPS;
    double variance = squares / GAPS - mean * mean;
    assert_true(fabs(mean - 1) < 0.004);
    assert_true(fabs(variance - 1) < 0.0113);
    assert_true(fabs(long_count / GAPS - 0.367879) < 0.00193);
}

/* Counts of a Poisson process in equal windows have variance = mean; over 10000 windows their ratio
 * has sd sqrt(2/10000) = 0.0141. */
static void test_poisson_counts_are_not_clustered(void **state)
{
    (void)state;
    enum { WINDOWS = 10000 };
    struct nv_schedule_config config = config_of(NV_ARRIVAL_POISSON, 1000000);
    struct nv_schedule schedule;
    struct nv_planned planned;
    static unsigned counts[WINDOWS];
    double sum = 0, squares = 0;
    memset(counts, 0, sizeof counts);
    config.end_ns = (uint64_t)WINDOWS * 20 * MS;
    nv_schedule_init(&schedule, &config);
    while (nv_schedule_next(&schedule, &planned))
        counts[planned.t_int_ns / (20 * MS)]++;
    for (unsigned i = 0; i < WINDOWS; i++) {
        sum += counts[i];
        squares += (double)counts[i] * counts[i];
    }
    double mean = sum / WINDOWS;
    assert_true(fabs(mean - 20) < 4 * sqrt(20.0 / WINDOWS));
    assert_true(fabs((squares / WINDOWS - mean * mean) / mean - 1) < 4 * 0.0142);
}

/* The same gaps summed in long double, for rates far apart: a message is where it should be however
 * many came before. Rounding may add up to (2^-31 ns + 2^-47 gaps) * 10^6, and a floor differs by 1
 * when the sum is that near to it. */
static void test_poisson_rounding_does_not_accumulate(void **state)
{
    (void)state;
    static const uint64_t rates_milli[] = {1000, 999999937, 1000000000000};
    for (size_t i = 0; i < sizeof rates_milli / sizeof rates_milli[0]; i++) {
        struct nv_schedule_config config = config_of(NV_ARRIVAL_POISSON, rates_milli[i]);
        struct nv_schedule schedule;
        struct nv_planned planned;
        struct nv_rng rng;
        long double gap_ns = 1e12L / (long double)rates_milli[i], t_ns = 0;
        config.end_ns = UINT64_MAX;
        nv_schedule_init(&schedule, &config);
        rng = schedule.gap_rng;
        assert_true(nv_schedule_next(&schedule, &planned));
        uint64_t first_ns = planned.t_int_ns;
        for (unsigned k = 0; k < 1000000; k++) {
            t_ns += -logl((long double)nv_rng_unit(&rng)) * gap_ns;
            assert_true(nv_schedule_next(&schedule, &planned));
            long double off_ns = (long double)(planned.t_int_ns - first_ns) - t_ns;
            /* first_ns and t_int_ns are both rounded down, so within 1 ns either way */
            assert_true(fabsl(off_ns) <= 1 + 1e6L * (0x1p-31L + 0x1p-47L * gap_ns));
        }
    }
}

/* Values from a separate implementation of the generators, the logarithm (60 digits) and FNV-1a: a
 * schedule is the same on every machine and in every version. */
static void test_hash_of_known_schedules(void **state)
{
    (void)state;
    struct nv_schedule_config config = config_of(NV_ARRIVAL_CONSTANT, 3000);
    struct nv_schedule schedule;
    struct nv_planned planned;
    assert_int_equal(nv_schedule_hash(&config), UINT64_C(0xa6808b2b7f34fbbc)); /* 3 messages */

    config = config_of(NV_ARRIVAL_POISSON, 1000000);
    config.sizes = sizes_of("64:3+1k:1");
    nv_schedule_init(&schedule, &config);
    assert_true(nv_schedule_next(&schedule, &planned));
    assert_int_equal(planned.t_int_ns, 195445);
    assert_true(nv_schedule_next(&schedule, &planned));
    assert_int_equal(planned.t_int_ns, 1001989);
    assert_int_equal(nv_schedule_count(&config, 0, S), 1021);
    assert_int_equal(nv_schedule_hash(&config), UINT64_C(0xd6c8c9035902e9c8));
}

static void test_hash_tells_schedules_apart(void **state)
{
    (void)state;
    struct nv_schedule_config base = config_of(NV_ARRIVAL_POISSON, 1000000);
    base.sizes = sizes_of("64-1k");
    struct nv_schedule_config other[7] = {base, base, base, base, base, base, base};
    other[0].seed++;
    other[1].rate_milli++;
    other[2].arrival = NV_ARRIVAL_CONSTANT;
    other[3].sizes = sizes_of("64-1001");
    other[4].phase_ns++;
    other[5].end_ns += 10 * MS;
    other[6].rate_milli = 0;
    uint64_t hash = nv_schedule_hash(&base);
    struct nv_schedule_config copy = base;
    assert_int_equal(nv_schedule_hash(&copy), hash);
    for (unsigned i = 0; i < 7; i++)
        assert_true(nv_schedule_hash(&other[i]) != hash);
}

/* Takes at most count_max messages into *hash; whether there may be more. */
static bool hash_some(struct nv_schedule *schedule, unsigned count_max, uint64_t *hash)
{
    struct nv_planned planned;
    for (unsigned i = 0; i < count_max; i++) {
        uint64_t peek_ns = nv_schedule_peek_ns(schedule);
        bool more = nv_schedule_next(schedule, &planned);
        assert_int_equal(peek_ns, more ? planned.t_int_ns : UINT64_MAX);
        if (!more)
            return false;
        *hash = nv_fnv1a64_u64(*hash, planned.seq);
        *hash = nv_fnv1a64_u64(*hash, planned.t_int_ns);
        *hash = nv_fnv1a64_u64(*hash, planned.size_bytes);
    }
    return true;
}

/* Taken by the train, in whatever lengths, it is the same schedule message for message. */
static void test_trains_are_their_messages(void **state)
{
    static const struct {
        enum nv_arrival arrival;
        uint64_t rate_milli;
        const char *sizes;
        uint32_t longest; /* train there can be, of at most 50 */
    } rows[] = {{NV_ARRIVAL_BURST, 10000000, "64", 12},   {NV_ARRIVAL_BURST, 10000000, "64-70", 1},
                {NV_ARRIVAL_CONSTANT, 10000000, "64", 1}, {NV_ARRIVAL_POISSON, 10000000, "64", 1},
                {NV_ARRIVAL_CONSTANT, 0, "64", 50},       {NV_ARRIVAL_BURST, 0, "64+1k", 1}};
    (void)state;
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct nv_schedule_config config = config_of(rows[r].arrival, rows[r].rate_milli);
        struct nv_schedule trains, singles;
        struct nv_planned train, single;
        uint32_t longest = 0;
        config.burst = 12;
        config.sizes = sizes_of(rows[r].sizes);
        nv_schedule_init(&trains, &config);
        singles = trains;
        for (uint32_t turn = 0; turn < 2000; turn++) {
            uint32_t count = nv_schedule_take(&trains, 1 + turn * 7 % 50, &train);
            assert_true(count <= 1 + turn * 7 % 50);
            longest = count > longest ? count : longest;
            for (uint32_t i = 0; i < count; i++) {
                assert_true(nv_schedule_next(&singles, &single));
                assert_int_equal(single.seq, train.seq + i);
                assert_int_equal(single.t_int_ns, train.t_int_ns);
                assert_int_equal(single.size_bytes, train.size_bytes);
            }
        }
        assert_int_equal(nv_schedule_peek_ns(&trains), nv_schedule_peek_ns(&singles));
        assert_int_equal(longest, rows[r].longest);
    }
}

/* A schedule may be taken in pieces, copied midway, and looked at: it is the same schedule. */
static void test_hash_does_not_depend_on_chunks(void **state)
{
    (void)state;
    struct nv_schedule_config config = config_of(NV_ARRIVAL_POISSON, 20000000);
    config.sizes = sizes_of("64+1k+8k");
    for (unsigned chunk = 1; chunk < 100; chunk += 7) {
        struct nv_schedule schedule, copy;
        uint64_t hash = NV_FNV1A64_INIT;
        nv_schedule_init(&schedule, &config);
        copy = schedule;
        while (hash_some(&copy, chunk, &hash)) {
            memset(&schedule, 0xa5, sizeof schedule);
            schedule = copy;
            memset(&copy, 0xa5, sizeof copy);
            copy = schedule;
        }
        assert_int_equal(hash, nv_schedule_hash(&config));
    }
}

/* Sizes have a stream of their own: changing the arrivals does not change them. */
static void test_sizes_do_not_depend_on_arrivals(void **state)
{
    (void)state;
    struct nv_schedule_config a = config_of(NV_ARRIVAL_POISSON, 5000000);
    struct nv_schedule_config b = config_of(NV_ARRIVAL_CONSTANT, 777);
    struct nv_schedule_config c = config_of(NV_ARRIVAL_CONSTANT, 0);
    struct nv_schedule of_a, of_b, of_c;
    a.sizes = b.sizes = c.sizes = sizes_of("64-8k");
    a.end_ns = b.end_ns = UINT64_MAX;
    nv_schedule_init(&of_a, &a);
    nv_schedule_init(&of_b, &b);
    nv_schedule_init(&of_c, &c);
    for (unsigned k = 0; k < 10000; k++) {
        struct nv_planned from_a, from_b, from_c;
        assert_true(nv_schedule_next(&of_a, &from_a));
        assert_true(nv_schedule_next(&of_b, &from_b));
        assert_true(nv_schedule_next(&of_c, &from_c));
        assert_int_equal(from_a.size_bytes, from_b.size_bytes);
        assert_int_equal(from_a.size_bytes, from_c.size_bytes);
        assert_in_range(from_a.size_bytes, 64, 8000);
    }
}

static uint64_t count_one_by_one(const struct nv_schedule_config *config, uint64_t from_ns,
                                 uint64_t to_ns)
{
    struct nv_schedule schedule;
    struct nv_planned planned;
    uint64_t count = 0;
    nv_schedule_init(&schedule, config);
    while (nv_schedule_next(&schedule, &planned))
        count += planned.t_int_ns >= from_ns && planned.t_int_ns < to_ns;
    return count;
}

static void test_count_equals_counting(void **state)
{
    (void)state;
    static const uint64_t edges_ns[] = {0,         1,         2,         999,       1000,
                                        142857142, 142857143, 142857144, 285714285, 285714286,
                                        500000000, S - 1,     S,         S + 1,     UINT64_MAX};
    static const uint64_t rates_milli[] = {1, 1000, 7000, 999937, 1000000};
    enum { EDGES = sizeof edges_ns / sizeof edges_ns[0], RATES = 5 };
    for (unsigned variant = 0; variant < 3 * RATES * 2; variant++) {
        struct nv_schedule_config config = config_of(variant % 3, rates_milli[variant / 3 % RATES]);
        config.burst = 3;
        config.phase_ns = UINT64_C(1001) * (variant / (3 * RATES));
        for (unsigned i = 0; i < EDGES; i++)
            for (unsigned j = 0; j < EDGES; j++)
                assert_int_equal(nv_schedule_count(&config, edges_ns[i], edges_ns[j]),
                                 count_one_by_one(&config, edges_ns[i], edges_ns[j]));
    }
}

/* 65536 expected messages are counted; of more there is a bound that holds, by not too much. */
static void test_long_poisson_schedules_are_not_walked(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct nv_schedule_config config = config_of(NV_ARRIVAL_POISSON, 65536000);
        config.seed = seed;
        assert_int_equal(nv_schedule_count(&config, 0, S), count_one_by_one(&config, 0, S));
        config.rate_milli = 90000000; /* standard deviation: 300 */
        uint64_t count = count_one_by_one(&config, 0, S);
        assert_int_equal(nv_schedule_count(&config, 0, S), 90000 + 8 * 300 + 64);
        assert_in_range(count, 90000 - 8 * 300, 90000 + 8 * 300);
        /* Half a ms in the middle of it: 45 messages on average, 8 * 6.7 and 64 more. */
        count = count_one_by_one(&config, 900000000, 900500000);
        assert_in_range(nv_schedule_count(&config, 900000000, 900500000), count, 45 + 53 + 64);
    }
    struct nv_schedule_config endless = config_of(NV_ARRIVAL_POISSON, UINT64_MAX / 2);
    endless.end_ns = UINT64_MAX;
    assert_int_equal(nv_schedule_count(&endless, 0, UINT64_MAX), UINT64_MAX);
}

/* Only the first million is hashed: they stand for the rest. */
static void test_long_schedules_are_not_hashed_to_their_end(void **state)
{
    (void)state;
    struct nv_schedule_config config = config_of(NV_ARRIVAL_CONSTANT, 1000000000);
    uint64_t hash = nv_schedule_hash(&config); /* 1 s of a million a second */
    config.end_ns = UINT64_MAX;
    assert_int_equal(nv_schedule_hash(&config), hash);
    config.end_ns = S - 1001; /* without the last two */
    assert_int_not_equal(nv_schedule_hash(&config), hash);
}

static void test_rate_max(void **state)
{
    (void)state;
    struct nv_schedule_config config = config_of(NV_ARRIVAL_POISSON, 0);
    struct nv_schedule schedule;
    struct nv_planned planned;
    uint64_t hash = NV_FNV1A64_INIT;
    config.sizes = sizes_of("64+1k");
    config.phase_ns = 5;
    nv_schedule_init(&schedule, &config);
    for (uint64_t k = 0; k < 5000; k++) {
        assert_int_equal(nv_schedule_peek_ns(&schedule), 0);
        assert_true(nv_schedule_next(&schedule, &planned));
        assert_int_equal(planned.seq, k);
        assert_int_equal(planned.t_int_ns, 0);
        if (k < 1000) {
            hash = nv_fnv1a64_u64(hash, k);
            hash = nv_fnv1a64_u64(hash, 0);
            hash = nv_fnv1a64_u64(hash, planned.size_bytes);
        }
    }
    assert_int_equal(nv_schedule_hash(&config), hash);
    assert_int_equal(nv_schedule_count(&config, 0, UINT64_MAX), 0);
}

static void test_empty_schedule(void **state)
{
    (void)state;
    for (unsigned arrival = NV_ARRIVAL_CONSTANT; arrival <= NV_ARRIVAL_BURST; arrival++) {
        struct nv_schedule_config config = config_of(arrival, 1000);
        struct nv_schedule schedule;
        struct nv_planned planned;
        config.end_ns = 0;
        nv_schedule_init(&schedule, &config);
        assert_false(nv_schedule_next(&schedule, &planned));
        assert_int_equal(nv_schedule_hash(&config), NV_FNV1A64_INIT);
        assert_int_equal(nv_schedule_count(&config, 0, UINT64_MAX), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_by_hand),
        cmocka_unit_test(test_constant_equals_its_formula),
        cmocka_unit_test(test_time_never_wraps),
        cmocka_unit_test(test_burst_by_hand),
        cmocka_unit_test(test_burst_equals_its_formula),
        cmocka_unit_test(test_poisson_gaps_are_exponential),
        cmocka_unit_test(test_poisson_counts_are_not_clustered),
        cmocka_unit_test(test_poisson_rounding_does_not_accumulate),
        cmocka_unit_test(test_hash_of_known_schedules),
        cmocka_unit_test(test_hash_tells_schedules_apart),
        cmocka_unit_test(test_hash_does_not_depend_on_chunks),
        cmocka_unit_test(test_trains_are_their_messages),
        cmocka_unit_test(test_sizes_do_not_depend_on_arrivals),
        cmocka_unit_test(test_count_equals_counting),
        cmocka_unit_test(test_long_poisson_schedules_are_not_walked),
        cmocka_unit_test(test_long_schedules_are_not_hashed_to_their_end),
        cmocka_unit_test(test_rate_max),
        cmocka_unit_test(test_empty_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
