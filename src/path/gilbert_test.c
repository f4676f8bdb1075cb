/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "path/rig_test.h"

/* Losses in bursts: Gilbert and Elliott, a step at each packet and in time. What is estimated from
 * a trace must lie within four standard errors of what was asked for. */

/* The packets' fates, 1 = lost, of packets sent step_ns apart from the start on. */
static uint8_t *fates(struct nv_rig *rig, unsigned count, uint64_t step_ns)
{
    uint8_t *lost = calloc(count, 1);
    assert_non_null(lost);
    for (unsigned i = 0; i < count; i++) {
        size_t before = rig->count;
        nv_rig_send(rig, i * step_ns, 100);
        lost[i] = rig->count == before;
        rig->count = 0;
    }
    return lost;
}

/* Of values by batches, the mean, and its standard error by their spread. */
struct batches {
    unsigned count;
    double sum, sum_squares;
};

static void add_batch(struct batches *batches, double value)
{
    batches->count++;
    batches->sum += value;
    batches->sum_squares += value * value;
}

static void expect_mean(const struct batches *batches, double exact)
{
    double n = batches->count;
    double mean = batches->sum / n;
    double variance = (batches->sum_squares - n * mean * mean) / (n - 1);
    double error = sqrt(variance / n);
    if (!(error > 0 && error < 0.05 * exact)) /* else the test says nothing */
        fail_msg("mean %g, standard error %g: too rough", mean, error);
    if (fabs(mean - exact) > 4 * error)
        fail_msg("mean %g, expected %g, standard error %g", mean, exact, error);
}

/* With p = 1 - p = r there is no memory; with 1 and 1 the states alternate. */
static void test_states_that_alternate(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct nv_rig rig;
        nv_rig_open_sized(&rig, "ge=100%:100%", seed, 16);
        nv_chain_start(&rig.chain, 0, NEVER_NS);
        uint8_t *lost = fates(&rig, 100, MS);
        for (unsigned i = 1; i < 100; i++)
            assert_int_equal(lost[i], !lost[i - 1]);
        free(lost);
        nv_rig_close(&rig);
    }
}

/* It never leaves the good state, or leaves it at the first packet and never comes back (nearly):
 * then all is lost from there on, to within 10^-6. */
static void test_one_state_only(void **state)
{
    (void)state;
    struct nv_rig rig;
    nv_rig_open(&rig, "ge=0:1%:100%:0", 3);
    for (unsigned i = 0; i < 10000; i++)
        nv_rig_send(&rig, i, 100);
    assert_int_equal(rig.count, 10000);
    nv_rig_close(&rig);
    nv_rig_open(&rig, "ge=100%:0.0000001:100%:0", 3);
    for (unsigned i = 0; i < 10000; i++)
        nv_rig_send(&rig, i, 100);
    assert_int_equal(rig.count, 0);
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_LOSS), 10000);
    nv_rig_close(&rig);
}

/* All and nothing is lost in the two states, so the trace shows them: each step is a throw. */
static void test_steps_of_the_simple_model(void **state)
{
    (void)state;
    enum { PACKETS = 1000000 };
    const double p = 0.005, r = 0.2;
    struct nv_rig rig;
    nv_rig_open(&rig, "ge=0.5%:20%", 4);
    uint8_t *lost = fates(&rig, PACKETS, US);
    double from[2] = {0}, to_other[2] = {0};
    for (unsigned i = 1; i < PACKETS; i++) {
        from[lost[i - 1]]++;
        to_other[lost[i - 1]] += lost[i] != lost[i - 1];
    }
    double p_got = to_other[0] / from[0], r_got = to_other[1] / from[1];
    assert_true(fabs(p_got - p) <= 4 * sqrt(p * (1 - p) / from[0]));
    assert_true(fabs(r_got - r) <= 4 * sqrt(r * (1 - r) / from[1]));
    free(lost);
    nv_rig_close(&rig);
}

/* p, r and h (loss in the bad state) from losses alone, by moments: with a = P(loss), and b and c
 * the probabilities of loss at two packets one and two apart,
 *   b / a^2 - 1 = (1 - B) / B l,  c / a^2 - 1 = (1 - B) / B l^2,  a = B h,
 * where l = 1 - p - r and B = p / (p + r), the share of the bad state. */
static void test_the_model_from_losses_alone(void **state)
{
    (void)state;
    enum { BATCHES = 25, LENGTH = 60000 };
    struct batches p = {0}, r = {0}, h = {0};
    struct nv_rig rig;
    nv_rig_open(&rig, "ge=4%:12%:60%", 5);
    uint8_t *lost = fates(&rig, BATCHES * LENGTH, US);
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        const uint8_t *x = lost + (size_t)batch * LENGTH;
        double a = 0, b = 0, c = 0;
        for (unsigned i = 0; i + 2 < LENGTH; i++) {
            a += x[i];
            b += x[i] & x[i + 1];
            c += x[i] & x[i + 2];
        }
        a /= LENGTH - 2;
        b = b / (LENGTH - 2) / (a * a) - 1;
        c = c / (LENGTH - 2) / (a * a) - 1;
        double l = c / b, bad = 1 / (1 + b / l);
        add_batch(&p, bad * (1 - l));
        add_batch(&r, (1 - bad) * (1 - l));
        add_batch(&h, a / bad);
    }
    expect_mean(&p, 0.04);
    expect_mean(&r, 0.12);
    expect_mean(&h, 0.60);
    free(lost);
    nv_rig_close(&rig);
}

/* Loss in both states: B = 1/4, so 1/4 * .8 + 3/4 * .1 = .275 in all; one behind a lost one with
 * .275 + l Var / .275, where l = .6 and Var = B (1 - B) .7^2. */
static void test_loss_in_both_states(void **state)
{
    (void)state;
    enum { BATCHES = 25, LENGTH = 20000 };
    struct batches all = {0}, behind = {0};
    struct nv_rig rig;
    nv_rig_open(&rig, "ge=10%:30%:80%:10%", 6);
    uint8_t *lost = fates(&rig, BATCHES * LENGTH, US);
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        const uint8_t *x = lost + (size_t)batch * LENGTH;
        double a = 0, b = 0;
        for (unsigned i = 0; i + 1 < LENGTH; i++) {
            a += x[i];
            b += x[i] & x[i + 1];
        }
        add_batch(&all, a / (LENGTH - 1));
        add_batch(&behind, b / a);
    }
    expect_mean(&all, 0.275);
    expect_mean(&behind, 0.275 + 0.6 * (3. / 16) * 0.49 / 0.275);
    free(lost);
    nv_rig_close(&rig);
}

/* The first packet, over many runs, meets the states of the long run: bad in 20 % of them; in time,
 * in 25 %. Whether it is lost then is another throw. */
static void test_begins_in_the_long_run(void **state)
{
    (void)state;
    enum { RUNS = 3000 };
    static const struct {
        const char *path;
        double share;
    } rows[] = {
        {"ge=1%:4%", 0.2},
        {"ge=1%:4%:50%", 0.1},
        {"ge-time=75ms:25ms", 0.25},
        {"ge-time=75ms:25ms:50%", 0.125},
        {"ge-time=75ms:25ms:0:50%", 0.375},
    };
    for (size_t row = 0; row < COUNT(rows); row++) {
        unsigned lost = 0;
        for (uint64_t seed = 1; seed <= RUNS; seed++) {
            struct nv_rig rig;
            nv_rig_open_sized(&rig, rows[row].path, seed, 4);
            nv_chain_start(&rig.chain, 5, NEVER_NS);
            nv_rig_send(&rig, 5, 100);
            lost += rig.count == 0;
            nv_rig_close(&rig);
        }
        double share = rows[row].share, error = sqrt(share * (1 - share) / RUNS);
        if (fabs((double)lost / RUNS - share) > 4 * error)
            fail_msg("%s: %u of %u", rows[row].path, lost, RUNS);
    }
}

/* Alternating exponential spells of means g and b, for T: the spells that begin have the mean
 * T / (g + b) and the variance T (g^2 + b^2) / (g + b)^3; the share of bad time has the mean
 * B = b / (g + b) and the variance 2 B (1 - B) / ((1/g + 1/b) T), less what is of the order of
 * 1/T^2. */
static void test_mean_spells_in_time(void **state)
{
    (void)state;
    const double g = 0.09, b = 0.03, t = 2000;
    enum { PACKETS = 400000 }; /* one each 5 ms */
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "ge-time=90ms:30ms", 7, 16);
    nv_chain_start(&rig.chain, 0, (uint64_t)(t * 1e9));
    uint8_t *lost = fates(&rig, PACKETS, 5 * MS);
    double bad = 0, share = b / (g + b);
    for (unsigned i = 0; i < PACKETS; i++)
        bad += lost[i];
    bad /= PACKETS;
    double events = (double)nv_rig_account(&rig)->weather_count;
    assert_true(fabs(events - t / (g + b)) <= 4 * sqrt(t * (g * g + b * b) / pow(g + b, 3)));
    /* Looked at each 5 ms, which is often next to 30 ms. */
    assert_true(fabs(bad - share) <= 4 * sqrt(2 * share * (1 - share) / ((1 / g + 1 / b) * t)));
    assert_true(fabs(bad * t / events - b) <= 4 * b * sqrt(2 / events)); /* a mean bad spell */
    free(lost);
    nv_rig_close(&rig);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Largest distance from the exponential distribution of this mean. */
static double distance_from_exponential(double *values, unsigned count, double mean)
{
    double worst = 0;
    qsort(values, count, sizeof *values, compare_doubles);
    for (unsigned i = 0; i < count; i++) {
        double f = 1 - exp(-values[i] / mean);
        worst = fmax(worst, fmax(f - (double)i / count, (double)(i + 1) / count - f));
    }
    return worst;
}

/* Looked at each 10 us, the spells are as many as the account says, but for those that fell between
 * two looks, and exponential. */
static void test_spells_are_exponential(void **state)
{
    (void)state;
    enum { PACKETS = 2000000, SPELLS_MAX = 1000 };
    static double spells[2][SPELLS_MAX];
    unsigned count[2] = {0}, since = 0, bad_spells = 0;
    struct nv_rig rig;
    nv_rig_open_sized(&rig, "ge-time=40ms:20ms", 8, 16);
    nv_chain_start(&rig.chain, 0, 20 * SECOND);
    uint8_t *lost = fates(&rig, PACKETS, 10 * US);
    for (unsigned i = 0; i < PACKETS; i++) {
        bad_spells += lost[i] && (!i || !lost[i - 1]);
        if (!i || lost[i] == lost[i - 1])
            continue;
        if (since) /* the first one began before we looked */
            spells[lost[i - 1]][count[lost[i - 1]]++] = (i - since) * 10e-6;
        since = i;
    }
    uint64_t events = nv_rig_account(&rig)->weather_count;
    assert_in_range(events, bad_spells, bad_spells + 3);
    for (unsigned bad = 0; bad < 2; bad++) {
        assert_in_range(count[bad], 200, SPELLS_MAX);
        double d = distance_from_exponential(spells[bad], count[bad], bad ? 0.02 : 0.04);
        if (d > 1.63 / sqrt(count[bad])) /* 1 % */
            fail_msg("D = %g of %u", d, count[bad]);
    }
    free(lost);
    nv_rig_close(&rig);
}

/* Short runs, looked at each us: bad spells are counted, that of the start among them, and no good
 * ones. One in 2000 lasts less than a us. */
static void test_bad_spells_are_counted(void **state)
{
    (void)state;
    enum { RUNS = 200, PACKETS = 5000 };
    unsigned wrong = 0, spells = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct nv_rig rig;
        unsigned seen = 0;
        nv_rig_open_sized(&rig, "ge-time=2ms:2ms", seed, 16);
        nv_chain_start(&rig.chain, 0, PACKETS * US);
        uint8_t *lost = fates(&rig, PACKETS, US);
        for (unsigned i = 0; i < PACKETS; i++)
            seen += lost[i] && (!i || !lost[i - 1]);
        wrong += nv_rig_account(&rig)->weather_count != seen;
        spells += seen;
        free(lost);
        nv_rig_close(&rig);
    }
    assert_in_range(wrong, 0, 5);
    assert_in_range(spells, 3 * RUNS / 2, 2 * RUNS); /* 1/2 at the start, 5/4 later */
}

#define WEATHER_SEED 9

/* One stream each ms; another with a packet each 100 us, but for each third second; who is out at
 * the same time meets the same weather, and all report the same number of spells. */
static void test_weather_is_the_same_for_all(void **state)
{
    (void)state;
    enum { MS_MAX = 20000 };
    struct nv_rig few, many, none;
    unsigned both = 0;
    nv_rig_open_sized(&few, "ge-time=50ms:25ms", WEATHER_SEED, 16);
    nv_rig_open_sized(&many, "ge-time=50ms:25ms,delay=3ms,duplicate=30%", WEATHER_SEED, 256);
    nv_rig_open_sized(&none, "ge-time=50ms:25ms", WEATHER_SEED, 16);
    nv_chain_start(&few.chain, MS, 10 * SECOND);
    nv_chain_start(&many.chain, MS, 10 * SECOND);
    nv_chain_start(&none.chain, MS, 10 * SECOND);
    uint64_t events = nv_rig_account(&none)->weather_count;
    for (uint64_t ms = 0; ms < MS_MAX; ms++) {
        uint64_t lost_few = nv_rig_drops(&few, NV_DROP_LOSS);
        uint64_t lost_many = nv_rig_drops(&many, NV_DROP_LOSS);
        nv_rig_send(&few, ms * MS, 100);
        if (ms / 1000 % 3 == 2)
            continue;
        nv_rig_send(&many, ms * MS, 1500);
        bool lost = nv_rig_drops(&few, NV_DROP_LOSS) > lost_few;
        assert_int_equal(lost, nv_rig_drops(&many, NV_DROP_LOSS) > lost_many);
        both += lost;
        for (unsigned i = 1; i < 10; i++)
            nv_rig_send(&many, ms * MS + i * 100 * US, 200);
    }
    assert_in_range(both, 1000, MS_MAX);
    assert_in_range(events, 50, 300); /* 133 in the mean */
    assert_int_equal(nv_rig_account(&few)->weather_count, events);
    assert_int_equal(nv_rig_account(&many)->weather_count, events);
    nv_rig_close(&few);
    nv_rig_close(&many);
    nv_rig_close(&none);
}

/* The same spells whatever is lost in them; others with another seed; those that begin when the run
 * is over do not count. */
static void test_spells_of_a_run(void **state)
{
    (void)state;
    static const char *const paths[] = {"ge-time=50ms:25ms", "ge-time=50ms:25ms:50%:1%"};
    uint64_t events[2], before = 0;
    struct nv_rig rig;
    for (unsigned i = 0; i < 2; i++) {
        nv_rig_open_sized(&rig, paths[i], WEATHER_SEED, 16);
        nv_chain_start(&rig.chain, 3 * SECOND, 13 * SECOND);
        for (uint64_t ms = 3000; ms < 5000; ms++)
            nv_rig_send(&rig, ms * MS, 100);
        events[i] = nv_rig_account(&rig)->weather_count;
        nv_rig_close(&rig);
    }
    assert_int_equal(events[0], events[1]);
    for (uint64_t end_ms = 3000; end_ms <= 13000; end_ms += 10) { /* longer runs see more */
        nv_rig_open_sized(&rig, paths[0], WEATHER_SEED, 4);
        nv_chain_start(&rig.chain, 3 * SECOND, end_ms * MS);
        uint64_t now = nv_rig_account(&rig)->weather_count;
        assert_in_range(now, before, before + 4);
        before = now;
        nv_rig_close(&rig);
    }
    assert_int_equal(before, events[0]);
    unsigned same = 0;
    for (uint64_t seed = 100; seed < 200; seed++) {
        nv_rig_open_sized(&rig, paths[0], seed, 4);
        nv_chain_start(&rig.chain, 3 * SECOND, 13 * SECOND);
        same += nv_rig_account(&rig)->weather_count == events[0];
        nv_rig_close(&rig);
    }
    assert_in_range(same, 0, 20); /* of a standard deviation of 8.6: 5 in the mean */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_that_alternate),
        cmocka_unit_test(test_one_state_only),
        cmocka_unit_test(test_steps_of_the_simple_model),
        cmocka_unit_test(test_the_model_from_losses_alone),
        cmocka_unit_test(test_loss_in_both_states),
        cmocka_unit_test(test_begins_in_the_long_run),
        cmocka_unit_test(test_mean_spells_in_time),
        cmocka_unit_test(test_spells_are_exponential),
        cmocka_unit_test(test_bad_spells_are_counted),
        cmocka_unit_test(test_weather_is_the_same_for_all),
        cmocka_unit_test(test_spells_of_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
