/* SPDX-License-Identifier: MIT */
#include "path/impairment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct nv_impairment fresh(void)
{
    struct nv_impairment impairment;
    memset(&impairment, 0xa5, sizeof impairment);
    nv_options_reset(nv_impairment_options, &impairment);
    return impairment;
}

static int set(struct nv_impairment *impairment, const char *key, const char *value,
               struct nv_error *err)
{
    const struct nv_option *row = nv_option_find(nv_impairment_options, key, strlen(key));
    assert_non_null(row);
    return nv_option_set(row, impairment, value, err);
}

static struct nv_impairment with(const char *key, const char *value)
{
    struct nv_impairment impairment = fresh();
    struct nv_error err = {0};
    if (set(&impairment, key, value, &err))
        fail_msg("%s", err.message);
    return impairment;
}

static void test_nothing_happens_unless_said(void **state)
{
    (void)state;
    struct nv_impairment impairment = fresh();
    assert_int_equal(impairment.delay_ns, 0);
    assert_int_equal(impairment.jitter_ns, 0);
    assert_int_equal(impairment.jitter_kind, NV_JITTER_UNIFORM);
    assert_string_equal(impairment.jitter_table, "");
    assert_int_equal(impairment.order, NV_ORDER_KEEP);
    assert_false(impairment.ge.on || impairment.ge_time.on || impairment.mend);
    assert_int_equal(impairment.drop.count, 0);
    assert_int_equal(impairment.outage.count, 0);
    assert_true(impairment.loss == 0 && impairment.duplicate == 0 && impairment.corrupt == 0 &&
                impairment.reorder == 0);
    assert_int_equal(impairment.reorder_delay_ns, 0);
    assert_int_equal(impairment.reorder_gap, 0);
    assert_int_equal(impairment.rate.kind, NV_RATE_MAX);
    assert_string_equal(impairment.trace, "");
    assert_int_equal(impairment.queue.kind, NV_QUEUE_BDP);
    assert_true(impairment.queue.amount == 1);
    assert_int_equal(impairment.aqm, NV_AQM_TAIL);
    assert_int_equal(impairment.overhead_bytes, 0);
    assert_int_equal(nv_impairment_check(&impairment, NULL), NV_OK);
}

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double share;
    } rows[] = {
        {"0", 0},        {"0%", 0},        {"1", 1},        {"100%", 1},
        {"1%", 0.01},    {"0.01", 0.01},   {"0.5%", 0.005}, {"12.5%", 0.125},
        {"1e-3", 0.001}, {"1e-1%", 0.001}, {"0.", 0},       {"99.999%", 0.99999},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double got[4] = {
            with("loss", rows[i].text).loss,
            with("duplicate", rows[i].text).duplicate,
            with("corrupt", rows[i].text).corrupt,
            with("reorder", rows[i].text).reorder,
        };
        for (unsigned k = 0; k < 4; k++)
            if (got[k] < rows[i].share - 1e-15 || got[k] > rows[i].share + 1e-15)
                fail_msg("'%s' is %g", rows[i].text, got[k]);
    }
}

static void test_numbers_and_times(void **state)
{
    (void)state;
    assert_int_equal(with("delay", "20ms").delay_ns, 20 * MS);
    assert_int_equal(with("delay", "10s").delay_ns, 10 * SECOND);
    assert_int_equal(with("jitter", "1.5ms").jitter_ns, 1500000);
    assert_int_equal(with("reorder-delay", "5ms").reorder_delay_ns, 5 * MS);
    assert_int_equal(with("reorder-gap", "1k").reorder_gap, 1000);
    assert_int_equal(with("overhead", "38").overhead_bytes, 38);
    assert_true(with("mend", "yes").mend);
    assert_false(with("mend", "no").mend);
    assert_string_equal(with("trace", "a/b.down").trace, "a/b.down");
    assert_string_equal(with("jitter-table", "rtt.txt").jitter_table, "rtt.txt");
}

static void test_choices(void **state)
{
    (void)state;
    assert_int_equal(with("dist", "uniform").jitter_kind, NV_JITTER_UNIFORM);
    assert_int_equal(with("dist", "normal").jitter_kind, NV_JITTER_NORMAL);
    assert_int_equal(with("dist", "pareto").jitter_kind, NV_JITTER_PARETO);
    assert_int_equal(with("dist", "table").jitter_kind, NV_JITTER_TABLE);
    assert_int_equal(with("order", "keep").order, NV_ORDER_KEEP);
    assert_int_equal(with("order", "free").order, NV_ORDER_FREE);
    assert_int_equal(with("aqm", "tail").aqm, NV_AQM_TAIL);
    assert_int_equal(with("aqm", "codel").aqm, NV_AQM_CODEL);
}

static void expect_losses(const struct nv_gilbert_elliott *ge, double bad, double good)
{
    assert_true(ge->on);
    assert_true(ge->loss_bad == bad);
    assert_true(ge->loss_good == good);
}

/* Gilbert's model loses all in the bad state and nothing in the good one, unless said. */
static void test_gilbert_elliott(void **state)
{
    (void)state;
    struct nv_gilbert_elliott ge = with("ge", "0.5%:20%").ge;
    expect_losses(&ge, 1, 0);
    assert_true(ge.p == 0.005 && ge.r == 0.2);
    ge = with("ge", "0.25:0.5:75%").ge;
    expect_losses(&ge, 0.75, 0);
    assert_true(ge.p == 0.25 && ge.r == 0.5);
    ge = with("ge", "0:1:0.5:0.25").ge;
    expect_losses(&ge, 0.5, 0.25);
    assert_true(ge.p == 0 && ge.r == 1);
    ge = with("ge-time", "900ms:30ms").ge_time;
    expect_losses(&ge, 1, 0);
    assert_true(ge.good_ns == 900 * MS && ge.bad_ns == 30 * MS);
    ge = with("ge-time", "2:1us:50%:25%").ge_time;
    expect_losses(&ge, 0.5, 0.25);
    assert_true(ge.good_ns == 2 * SECOND && ge.bad_ns == 1000);

    struct nv_impairment impairment = with("ge", "1%:10%");
    assert_int_equal(set(&impairment, "ge", "none", NULL), NV_OK);
    assert_int_equal(set(&impairment, "ge-time", "none", NULL), NV_OK);
    assert_false(impairment.ge.on || impairment.ge_time.on);
}

static void test_lists(void **state)
{
    (void)state;
    struct nv_ranges drop = with("drop", "3+7+10-12").drop;
    static const struct nv_range numbers[] = {{3, 3}, {7, 7}, {10, 12}};
    assert_int_equal(drop.count, 3);
    assert_memory_equal(drop.range, numbers, sizeof numbers);
    drop = with("drop", "1-1+2-1k+1001").drop;
    static const struct nv_range close[] = {{1, 1}, {2, 1000}, {1001, 1001}};
    assert_int_equal(drop.count, 3);
    assert_memory_equal(drop.range, close, sizeof close);
    struct nv_ranges outage = with("outage", "2s-2.5s+7s-7.1s+9").outage;
    static const struct nv_range times[] = {
        {2 * SECOND, 2500 * MS}, {7 * SECOND, 7100 * MS}, {9 * SECOND, 9 * SECOND}};
    assert_int_equal(outage.count, 3);
    assert_memory_equal(outage.range, times, sizeof times);
    assert_int_equal(with("drop", "none").drop.count, 0);
    assert_int_equal(with("outage", "none").outage.count, 0);
}

/* "1+3+5+...": count numbers. */
static const char *odd_numbers(char *out, size_t out_bytes, unsigned count)
{
    size_t used = 0;
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%u", i ? "+" : "", 2 * i + 1);
    return out;
}

static void test_a_list_is_as_long_as_there_is_room(void **state)
{
    (void)state;
    char text[512];
    struct nv_impairment impairment = with("drop", odd_numbers(text, sizeof text, NV_LIST_MAX));
    assert_int_equal(impairment.drop.count, NV_LIST_MAX);
    assert_int_equal(impairment.drop.range[NV_LIST_MAX - 1].to, 2 * NV_LIST_MAX - 1);
    assert_int_equal(
        set(&impairment, "drop", odd_numbers(text, sizeof text, NV_LIST_MAX + 1), NULL),
        NV_E_USAGE);
    assert_int_equal(impairment.drop.count, NV_LIST_MAX); /* as it was */
}

static void test_rate_and_queue(void **state)
{
    (void)state;
    struct nv_impairment impairment = with("rate", "20Mbit/s");
    assert_int_equal(impairment.rate.kind, NV_RATE_BITS);
    assert_int_equal(impairment.rate.milli_per_s, 20000000000);
    assert_int_equal(set(&impairment, "rate", "none", NULL), NV_OK);
    assert_int_equal(impairment.rate.kind, NV_RATE_MAX);
    static const struct {
        const char *text;
        int kind;
        double amount;
    } rows[] = {
        {"64k", NV_QUEUE_BYTES, 64000},   {"1", NV_QUEUE_BYTES, 1},
        {"1Mi", NV_QUEUE_BYTES, 1048576}, {"1000G", NV_QUEUE_BYTES, 1e12},
        {"100ms", NV_QUEUE_TIME, 1e8},    {"1.5s", NV_QUEUE_TIME, 1.5e9},
        {"1bdp", NV_QUEUE_BDP, 1},        {"0.25bdp", NV_QUEUE_BDP, 0.25},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct nv_queue_length queue = with("queue", rows[i].text).queue;
        assert_int_equal(queue.kind, rows[i].kind);
        assert_true(queue.amount == rows[i].amount);
    }
}

#define SHARE "a share such as 1% or 0.01"
#define TIME_10S "TIME, such as 250us, 20ms or 1.5s, at most 10s"
#define RANGES "none or ascending numbers such as 3+7+10-12"

/* key, its legal form, and texts that do not have it */
static const struct {
    const char *key, *form, *texts[16];
} illegal[] = {
    {"loss",
     SHARE,
     {"", "x", "1%%", "101%", "1.01", "-1%", "-0", "+1%", "nan", "inf", " 1%", "1% ", "1 %", "1e"}},
    {"duplicate", SHARE, {"2", "%"}},
    {"corrupt", SHARE, {"100.1%", "1/2"}},
    {"reorder", SHARE, {"1,5%", "none"}},
    {"delay", TIME_10S, {"", "10001ms", "-1ms", "20 ms", "20mss"}},
    {"jitter", TIME_10S, {"11s", "ms"}},
    {"reorder-delay", TIME_10S, {"11s", "none"}},
    {"reorder-gap", "N from 0 to 1000", {"", "1001", "1.5", "-1"}},
    {"overhead", "BYTES, such as 64k or 4Mi from 0 to 200", {"201", "1k", "-1"}},
    {"dist", "uniform|normal|pareto|table", {"", "Normal", "gauss", "uniform "}},
    {"order", "keep|free", {"", "kept"}},
    {"aqm", "tail|codel", {"", "red"}},
    {"mend", "yes|no", {"", "maybe"}},
    {"ge",
     "none or P:R[:LOSS-BAD[:LOSS-GOOD]], such as 0.5%:20%",
     {"", "1%", "1%:", ":1%", "1%::1%", "1%:0", "1%:0%", "101%:1%", "1%:2", "1%:2%:3%:4%:5%",
      "1%:2%:3%:4%:", "900ms:30ms", "None",
      "0.0000000000000000000000000000001:1%"}}, /* a part of more than 31 characters */
    {"ge-time",
     "none or GOOD:BAD[:LOSS-BAD[:LOSS-GOOD]], such as 900ms:30ms",
     {"", "1s", "1s:", "0:1s", "1s:0", "1s:1s:101%", "1s:1s:1:1:1", "1%:2%", "1s:1s:1s"}},
    {"drop",
     RANGES,
     {"", "+", "3+", "+3", "3++4", "3-", "-3", "3--4", "5-3", "3+3", "3-7+7", "7+3", "3-4-5", "3,4",
      "1.5", "a"}},
    {"outage",
     "none or ascending times such as 2s-2.5s+7s-7.1s",
     {"", "2s-", "2s-1s", "1s+1s", "1s-2s+2s-3s", "1s 2s", "x"}},
    {"rate",
     "none or Nbit/s, such as 20Mbit/s",
     {"", "max", "20", "20M", "20/s", "20Mbit", "0bit/s", "-1Mbit/s", "20 Mbit/s"}},
    {"queue",
     "bytes, a time or bandwidth-delay products, such as 64k, 100ms or 1bdp",
     {"", "0", "0ms", "0bdp", "bdp", "-1bdp", "1bdps", "nanbdp", "infbdp", "1e13bdp", "1001G", "1x",
      "1 bdp", "none"}},
};

static void test_illegal_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(illegal); i++) {
        const char *const *text = illegal[i].texts;
        for (size_t k = 0; k < COUNT(illegal[i].texts) && text[k]; k++) {
            char expected[512];
            struct nv_error err = {0};
            struct nv_impairment impairment = fresh();
            struct nv_impairment before = impairment;
            (void)snprintf(expected, sizeof expected, "%s: '%s' is not %s", illegal[i].key, text[k],
                           illegal[i].form);
            if (set(&impairment, illegal[i].key, text[k], &err) != NV_E_USAGE)
                fail_msg("%s: '%s' is taken", illegal[i].key, text[k]);
            assert_string_equal(err.message, expected);
            assert_memory_equal(&impairment, &before, sizeof before);
        }
    }
}

/* A text has room for 127 characters. */
static void test_long_texts(void **state)
{
    (void)state;
    struct nv_impairment impairment = fresh();
    char text[NV_OPTION_TEXT_BYTES + 1];
    memset(text, 'a', NV_OPTION_TEXT_BYTES);
    text[NV_OPTION_TEXT_BYTES] = '\0';
    assert_int_equal(set(&impairment, "trace", text, NULL), NV_E_USAGE);
    assert_int_equal(set(&impairment, "jitter-table", text, NULL), NV_E_USAGE);
    text[NV_OPTION_TEXT_BYTES - 1] = '\0';
    assert_int_equal(set(&impairment, "trace", text, NULL), NV_OK);
    assert_int_equal(strlen(impairment.trace), NV_OPTION_TEXT_BYTES - 1);
}

/* Pairs of settings that are legal each by itself. */
static void test_what_no_single_setting_can_say(void **state)
{
    (void)state;
    static const char table[] = "dist=table and jitter-table=FILE go together";
    static const char reorder[] = "reorder needs either reorder-delay or reorder-gap";
    static const char trace[] = "the queue of a trace has a length in bytes, as queue=64k";
    static const struct {
        const char *set[3][2];
        const char *message; /* NULL: legal */
    } rows[] = {
        {{{"dist", "table"}}, table},
        {{{"jitter-table", "x"}}, table},
        {{{"jitter-table", "x"}, {"dist", "normal"}}, table},
        {{{"jitter-table", "x"}, {"dist", "table"}}, NULL},
        {{{"reorder", "1%"}}, reorder},
        {{{"reorder", "1%"}, {"reorder-gap", "3"}, {"reorder-delay", "1ms"}}, reorder},
        {{{"reorder", "1%"}, {"reorder-gap", "3"}}, NULL},
        {{{"reorder", "1%"}, {"reorder-delay", "1ms"}}, NULL},
        {{{"reorder-gap", "3"}, {"reorder-delay", "1ms"}}, NULL}, /* nothing is held back */
        {{{"trace", "x"}, {"rate", "1Mbit/s"}, {"queue", "64k"}},
         "rate and trace exclude each other"},
        {{{"trace", "x"}, {"queue", "64k"}}, NULL},
        {{{"trace", "x"}}, trace},
        {{{"trace", "x"}, {"queue", "100ms"}}, trace},
        {{{"ge", "1%:10%"}, {"ge-time", "1s:1ms"}}, "ge and ge-time exclude each other"},
        {{{"ge", "1%:10%"}, {"loss", "1%"}}, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct nv_impairment impairment = fresh();
        struct nv_error err = {0};
        for (unsigned k = 0; k < 3 && rows[i].set[k][0]; k++)
            assert_int_equal(set(&impairment, rows[i].set[k][0], rows[i].set[k][1], NULL), NV_OK);
        assert_int_equal(nv_impairment_check(&impairment, &err),
                         rows[i].message ? NV_E_USAGE : NV_OK);
        assert_string_equal(err.message, rows[i].message ? rows[i].message : "");
    }
}

static void test_queue_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *rate, *queue;
        uint64_t both_delay_ns, bytes;
    } rows[] = {
        {"none", "64k", 0, 64000},
        {"none", "3000", 0, 3000},
        {"none", "2999", 0, 3000}, /* two full packets at least */
        {"none", "1bdp", SECOND, 3000},
        {"none", "100ms", SECOND, 3000},
        {"20Mbit/s", "64k", 40 * MS, 64000},
        {"20Mbit/s", "100ms", 40 * MS, 250000}, /* 20e6 * .1 / 8 */
        {"20Mbit/s", "1bdp", 40 * MS, 100000},  /* 20e6 * .04 / 8 */
        {"20Mbit/s", "0.25bdp", 40 * MS, 25000},
        {"20Mbit/s", "4bdp", 40 * MS, 400000},
        {"20Mbit/s", "1bdp", 0, 3000},
        {"24Mbit/s", "1ms", 0, 3000}, /* just */
        {"25Mbit/s", "1ms", 0, 3125},
        {"1kbit/s", "1s", 0, 3000},              /* 125 */
        {"87Mbit/s", "4bdp", 192 * MS, 8352000}, /* 87e6 * .192 * 4 / 8 */
        {"87Mbit/s", "1542ms", 0, 16769250},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct nv_impairment impairment = with("rate", rows[i].rate);
        assert_int_equal(set(&impairment, "queue", rows[i].queue, NULL), NV_OK);
        assert_int_equal(nv_impairment_queue_bytes(&impairment, rows[i].both_delay_ns, 1500),
                         rows[i].bytes);
    }
}

/* Against whole numbers: milli-bits a second times ns, over 8e12, is bytes. To the nearest. */
static void test_queue_bytes_are_exact(void **state)
{
    (void)state;
    for (uint64_t mbit = 1; mbit <= 100; mbit += 3) {
        for (uint64_t ms = 1; ms <= 600; ms++) {
            unsigned __int128 eighths = (unsigned __int128)mbit * 1000000000 * ms * MS / 1000000000;
            uint64_t exact = (uint64_t)(eighths + 4000) / 8000; /* bytes, rounded */
            struct nv_impairment impairment = {
                .rate = {.kind = NV_RATE_BITS, .milli_per_s = mbit * 1000000000},
                .queue = {.kind = NV_QUEUE_TIME, .amount = (double)(ms * MS)},
            };
            exact = exact < 3000 ? 3000 : exact;
            assert_int_equal(nv_impairment_queue_bytes(&impairment, 0, 1500), exact);
            impairment.queue = (struct nv_queue_length){.kind = NV_QUEUE_BDP, .amount = 1};
            assert_int_equal(nv_impairment_queue_bytes(&impairment, ms * MS, 1500), exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_happens_unless_said),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_numbers_and_times),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_gilbert_elliott),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_a_list_is_as_long_as_there_is_room),
        cmocka_unit_test(test_rate_and_queue),
        cmocka_unit_test(test_illegal_forms),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_what_no_single_setting_can_say),
        cmocka_unit_test(test_queue_bytes),
        cmocka_unit_test(test_queue_bytes_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
