/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "path/rig_test.h"

#define DRAWS 10000u
#define KS_1_PERCENT 0.0163 /* 1.63 / sqrt(n) */

static void test_fixed_delay_is_exact(void **state)
{
    (void)state;
    static const uint64_t in_ns[] = {0,       1,       1,           999,       20 * MS - 1,
                                     20 * MS, 20 * MS, 20 * MS + 1, 7 * SECOND};
    struct nv_rig rig;
    nv_rig_open(&rig, "delay=20ms", 1);
    assert_int_equal(nv_chain_next_ns(&rig.chain), NEVER_NS);
    for (size_t i = 0; i < COUNT(in_ns); i++)
        nv_rig_send(&rig, in_ns[i], 100);
    nv_rig_drain(&rig);
    assert_int_equal(rig.count, COUNT(in_ns));
    for (size_t i = 0; i < COUNT(in_ns); i++) {
        assert_int_equal(rig.arrivals[i].number, i + 1);
        assert_int_equal(rig.arrivals[i].at_ns, in_ns[i] + 20 * MS);
    }
    assert_int_equal(nv_rig_account(&rig)->delay.min, 20 * MS);
    assert_int_equal(nv_rig_account(&rig)->delay.max, 20 * MS);
    nv_rig_close(&rig);
}

/* Not a nanosecond early; and when somebody looks late, due times are what they were. */
static void test_leaves_when_it_is_due(void **state)
{
    (void)state;
    struct nv_rig rig;
    nv_rig_open(&rig, "delay=3ms", 1);
    nv_rig_send(&rig, 5, 100);
    nv_rig_send(&rig, 8, 100);
    assert_int_equal(nv_chain_next_ns(&rig.chain), 3 * MS + 5);
    nv_chain_run(&rig.chain, 3 * MS + 4);
    assert_int_equal(rig.count, 0);
    nv_chain_run(&rig.chain, 3 * MS + 5);
    assert_int_equal(rig.count, 1);
    assert_int_equal(nv_chain_next_ns(&rig.chain), 3 * MS + 8);
    nv_chain_run(&rig.chain, SECOND);
    assert_int_equal(rig.count, 2);
    assert_int_equal(rig.arrivals[1].at_ns, 3 * MS + 8);
    nv_rig_close(&rig);
}

/* Delays, ns, of packets so far apart that none can overtake another. */
static double *draws(const char *path, uint64_t seed)
{
    double *delays = calloc(DRAWS, sizeof *delays);
    struct nv_rig rig;
    assert_non_null(delays);
    nv_rig_open(&rig, path, seed);
    for (uint64_t i = 0; i < DRAWS; i++)
        nv_rig_send(&rig, i * 10 * SECOND, 100);
    nv_rig_drain(&rig);
    assert_int_equal(rig.count, DRAWS);
    for (uint64_t i = 0; i < DRAWS; i++) {
        assert_int_equal(rig.arrivals[i].number, i + 1);
        assert_int_equal(rig.arrivals[i].in_ns, i * 10 * SECOND);
        delays[i] = (double)(rig.arrivals[i].at_ns - rig.arrivals[i].in_ns);
    }
    nv_rig_close(&rig);
    return delays;
}

/* P(delay <= x), x in ms. */
static double uniform_15_25(double x)
{
    return fmin(1, fmax(0, (x - 15) / 10));
}

static double normal_50_5(double x)
{
    return 0.5 * erfc(-(x - 50) / 5 / sqrt(2));
}

/* Lomax: density proportional to (1 + x / s)^-4, mean s / 2. */
static double pareto_1_4(double x)
{
    return x < 1 ? 0 : 1 - pow(1 + (x - 1) / 8, -3);
}

/* What would be below 0 is 0. */
static double normal_5_5_cut(double x)
{
    return x < 0 ? 0 : 0.5 * erfc(-(x - 5) / 5 / sqrt(2));
}

static double uniform_2_6_cut(double x)
{
    return x < 0 ? 0 : fmin(1, (x + 4) / 12);
}

/* 1, 2.5, 2.5 and 10 ms on top of 2. */
static double table_of_four(double x)
{
    return x < 3 ? 0 : x < 4.5 ? 0.25 : x < 12 ? 0.75 : 1;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Kolmogorov and Smirnov's distance, of distributions with steps, too. Values are whole ns. */
static double distance(double *values, unsigned count, double (*cdf)(double ms))
{
    double worst = 0;
    qsort(values, count, sizeof *values, compare_doubles);
    for (unsigned i = 0; i < count;) {
        unsigned end = i;
        while (end < count && values[end] <= values[i])
            end++;
        double below = cdf(values[i] / 1e6 - 1e-6), here = cdf(values[i] / 1e6 + 1e-9);
        worst = fmax(worst, fabs(below - (double)i / count));
        worst = fmax(worst, fabs(here - (double)end / count));
        i = end;
    }
    return worst;
}

static void expect_distribution(const char *path, uint64_t seed, double (*cdf)(double ms))
{
    double *delays = draws(path, seed);
    double product = 0, square = 0, mean = 0;
    for (unsigned i = 0; i < DRAWS; i++)
        mean += delays[i] / DRAWS;
    for (unsigned i = 0; i < DRAWS; i++) {
        square += (delays[i] - mean) * (delays[i] - mean);
        product += i ? (delays[i] - mean) * (delays[i - 1] - mean) : 0;
    }
    if (fabs(product / square) > 4 / sqrt(DRAWS))
        fail_msg("%s: correlation %g", path, product / square);
    double d = distance(delays, DRAWS, cdf);
    if (d >= KS_1_PERCENT)
        fail_msg("%s: D = %g", path, d);
    free(delays);
}

static void test_distributions(void **state)
{
    (void)state;
    char file[] = NV_RIG_FILE, path[256];
    expect_distribution("delay=20ms,jitter=5ms", 1, uniform_15_25);
    expect_distribution("delay=20ms,jitter=5ms,order=free", 2, uniform_15_25);
    expect_distribution("delay=50ms,jitter=5ms,dist=normal", 3, normal_50_5);
    expect_distribution("delay=1ms,jitter=4ms,dist=pareto", 4, pareto_1_4);
    expect_distribution("delay=5ms,jitter=5ms,dist=normal", 5, normal_5_5_cut);
    expect_distribution("delay=2ms,jitter=6ms", 6, uniform_2_6_cut);
    nv_rig_write(file, "1\n2.5\n2.5\n10\n");
    (void)snprintf(path, sizeof path, "delay=2ms,dist=table,jitter-table=%s", file);
    expect_distribution(path, 7, table_of_four);
    (void)unlink(file);
}

/* The test itself can fail: a half width of 4.8 ms is not one of 5. */
static void test_distance_tells(void **state)
{
    (void)state;
    double *delays = draws("delay=20ms,jitter=4.8ms", 1);
    assert_true(distance(delays, DRAWS, uniform_15_25) > KS_1_PERCENT);
    free(delays);
    delays = draws("delay=20.3ms,jitter=5ms", 1);
    assert_true(distance(delays, DRAWS, uniform_15_25) > KS_1_PERCENT);
    free(delays);
}

/* A table's values are delays to the nanosecond, however they are laid out. */
static void test_table_values_are_exact(void **state)
{
    (void)state;
    char file[] = NV_RIG_FILE, path[256];
    double *delays;
    unsigned seen[3] = {0};
    nv_rig_write(file, "  0.000001 0.1\t\n\n1e3");
    (void)snprintf(path, sizeof path, "dist=table,jitter-table=%s", file);
    delays = draws(path, 1);
    for (unsigned i = 0; i < DRAWS; i++) {
        assert_true(delays[i] == 1 || delays[i] == 1e5 || delays[i] == 1e9);
        seen[delays[i] > 1e6 ? 2 : delays[i] > 10]++;
    }
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(seen[i], 3333 - 190, 3333 + 190); /* 4 standard deviations */
    free(delays);
    (void)unlink(file);
}

/* Of packets 100 us apart: delays by number. */
static uint64_t *crowd(struct nv_rig *rig, const char *path, unsigned count)
{
    uint64_t *at_ns = calloc(count, sizeof *at_ns);
    assert_non_null(at_ns);
    nv_rig_open(rig, path, 8);
    for (uint64_t i = 0; i < count; i++)
        nv_rig_send(rig, i * 100 * US, 100);
    nv_rig_drain(rig);
    assert_int_equal(rig->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(!i || rig->arrivals[i].at_ns >= rig->arrivals[i - 1].at_ns);
        at_ns[rig->arrivals[i].number - 1] = rig->arrivals[i].at_ns;
    }
    return at_ns;
}

/* The same draws: free, each packet leaves when it is due, before its elders, too; kept, at the
 * latest of its own and all earlier due times. */
static void test_order_is_kept_or_free(void **state)
{
    (void)state;
    enum { PACKETS = 5000 };
    static const char *const kinds[] = {"uniform", "normal", "pareto"};
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        struct nv_rig keep, free_rig;
        char path[128];
        (void)snprintf(path, sizeof path, "delay=6ms,jitter=2ms,dist=%s,order=keep", kinds[kind]);
        uint64_t *kept_ns = crowd(&keep, path, PACKETS);
        (void)snprintf(path, sizeof path, "delay=6ms,jitter=2ms,dist=%s,order=free", kinds[kind]);
        uint64_t *free_ns = crowd(&free_rig, path, PACKETS);
        uint64_t latest_ns = 0;
        unsigned overtaken = 0;
        for (unsigned i = 0; i < PACKETS; i++) {
            overtaken += free_ns[i] < latest_ns;
            latest_ns = free_ns[i] > latest_ns ? free_ns[i] : latest_ns;
            assert_int_equal(kept_ns[i], latest_ns);
            assert_int_equal(keep.arrivals[i].number, i + 1);
        }
        assert_true(overtaken > PACKETS / 2); /* 20 or more others come in one jitter */
        free(kept_ns);
        free(free_ns);
        nv_rig_close(&keep);
        nv_rig_close(&free_rig);
    }
}

/* Due at the same time, whether by draw or not, the first come goes first. */
static void test_ties_leave_in_order(void **state)
{
    (void)state;
    char file[] = NV_RIG_FILE, path[256];
    struct nv_rig rig;
    nv_rig_write(file, "0\n1\n2\n");
    (void)snprintf(path, sizeof path, "dist=table,jitter-table=%s,order=free", file);
    nv_rig_open(&rig, path, 1);
    for (uint64_t ms = 0; ms < 200; ms++)
        for (unsigned i = 0; i < 5; i++)
            nv_rig_send(&rig, ms * MS, 100);
    nv_rig_drain(&rig);
    unsigned overtaken = 0;
    for (size_t i = 1; i < rig.count; i++) {
        const struct nv_rig_arrival *a = &rig.arrivals[i - 1], *b = &rig.arrivals[i];
        assert_true(a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->number < b->number));
        overtaken += a->number > b->number;
    }
    assert_true(overtaken > 100);
    nv_rig_close(&rig);
    (void)unlink(file);
}

static void test_files_that_are_no_tables(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned value; /* that is wrong */
    } rows[] = {
        {"", 1},         {"\n\n", 1},         {"x", 1},
        {"1\n-1\n", 2},  {"1\n2\n1ms\n", 4},  {"nan", 1},
        {"1\ninf\n", 2}, {"1\n1000001\n", 2}, {"1,2", 2},
    };
    char path[256], why[512];
    nv_rig_refuses("dist=table,jitter-table=/nonexistent/table",
                   "jitter-table /nonexistent/table: No such file or directory");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char file[] = NV_RIG_FILE;
        nv_rig_write(file, rows[i].text);
        (void)snprintf(path, sizeof path, "dist=table,jitter-table=%s", file);
        (void)snprintf(why, sizeof why,
                       "jitter-table %s: value %u is not a delay in ms (at most 1000000 values)",
                       file, rows[i].value);
        nv_rig_refuses(path, why);
        (void)unlink(file);
    }
}

/* "0\n" so many times. */
static void write_zeros(char *file, unsigned count)
{
    char *text = malloc(2 * (size_t)count + 1);
    assert_non_null(text);
    for (unsigned i = 0; i < count; i++)
        memcpy(text + 2 * (size_t)i, "0\n", 2);
    text[2 * (size_t)count] = '\0';
    nv_rig_write(file, text);
    free(text);
}

static void test_a_table_of_a_million(void **state)
{
    (void)state;
    char file[] = NV_RIG_FILE, more[] = NV_RIG_FILE, path[256], why[512];
    struct nv_rig rig;
    write_zeros(file, 1000000);
    (void)snprintf(path, sizeof path, "dist=table,jitter-table=%s", file);
    nv_rig_open_sized(&rig, path, 1, 4);
    nv_rig_close(&rig);
    write_zeros(more, 1000001);
    (void)snprintf(path, sizeof path, "dist=table,jitter-table=%s", more);
    (void)snprintf(why, sizeof why,
                   "jitter-table %s: value 1000001 is not a delay in ms (at most 1000000 values)",
                   more);
    nv_rig_refuses(path, why);
    (void)unlink(file);
    (void)unlink(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_delay_is_exact),
        cmocka_unit_test(test_leaves_when_it_is_due),
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_distance_tells),
        cmocka_unit_test(test_table_values_are_exact),
        cmocka_unit_test(test_order_is_kept_or_free),
        cmocka_unit_test(test_ties_leave_in_order),
        cmocka_unit_test(test_files_that_are_no_tables),
        cmocka_unit_test(test_a_table_of_a_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
