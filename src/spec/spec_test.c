/* SPDX-License-Identifier: MIT */
#include "spec/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define MS NV_NS_PER_MS

static struct nv_spec defaults(void)
{
    struct nv_spec spec;
    memset(&spec, 0, sizeof spec);
    nv_options_reset(nv_spec_options, &spec);
    return spec;
}

static int set(struct nv_spec *spec, const char *name, const char *text)
{
    const struct nv_option *row = nv_option_find(nv_spec_options, name, strlen(name));
    assert_non_null(row);
    return nv_option_set(row, spec, text, NULL);
}

static void defaults_are_a_legal_run(void **state)
{
    (void)state;
    struct nv_spec spec = defaults();
    struct nv_error err = {0};
    assert_int_equal(nv_spec_check(&spec, &err), NV_OK);
    assert_string_equal(spec.transport, "tcp");
    assert_string_equal(spec.workload, "rr");
    assert_int_equal(nv_sizes_max(&spec.sizes), 64);
    assert_int_equal(spec.rate.milli_per_s, 2000 * 1000);
    assert_int_equal(spec.flows, 1);
    assert_true(spec.nodelay);
    /* 0.5 s + 10 s + 0.1 s */
    assert_int_equal(nv_spec_end_ns(&spec), 10600 * MS);
}

/* Every row's text is read back as the same value, for the default and for another value of each.
 */
static void every_option_comes_back(void **state)
{
    static const char *const others[][2] = {
        {"transport", "udp"},    {"workload", "stream"},
        {"engine", "blocking"},  {"size", "64:3+1k:1"},
        {"size", "40-16777216"}, {"size", "100+2000+30000"},
        {"reply-size", "1k"},    {"rate", "0.001/s"},
        {"rate", "1.234Gbit/s"}, {"rate", "max"},
        {"rate", "search"},      {"loss-target", "1e-05"},
        {"loss-target", "2.5%"}, {"arrival", "burst"},
        {"burst", "65536"},      {"window", "1024"},
        {"flows", "256"},        {"threads", "4"},
        {"cpus", "0-3+7"},       {"cpus", "0:1+1023"},
        {"direction", "both"},   {"duration", "1234567ns"},
        {"duration", "1ms"},     {"warmup", "0"},
        {"cooldown", "60m"},     {"drain", "10s"},
        {"deadline", "1ns"},     {"nodelay", "no"},
        {"quickack", "no"},      {"cc", "cubic"},
        {"read-size", "1"},      {"read-size", "16Mi"},
        {"sndbuf", "4Mi"},       {"rcvbuf", "1Gi"},
        {"udp-policy", "wait"},  {"pace", "hybrid"},
        {"dscp", "63"},          {"verify", "yes"},
        {"messages", "1M"},      {"seed", "999999999999999999"},
        {"stall", "250ms"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct nv_spec spec = defaults();
        struct nv_spec again = defaults();
        assert_int_equal(set(&spec, others[i][0], others[i][1]), NV_OK);
        for (const struct nv_option *row = nv_spec_options; row->name; row++) {
            char text[256];
            char text_again[256];
            nv_option_get(row, &spec, text, sizeof text);
            assert_int_equal(nv_option_set(row, &again, text, NULL), NV_OK);
            nv_option_get(row, &again, text_again, sizeof text_again);
            assert_string_equal(text, text_again);
        }
        assert_int_equal(again.rate.milli_per_s, spec.rate.milli_per_s);
        assert_int_equal(again.rate.kind, spec.rate.kind);
        assert_memory_equal(&again.sizes, &spec.sizes, sizeof spec.sizes);
        assert_int_equal(again.duration_ns, spec.duration_ns);
        assert_int_equal(again.seed, spec.seed);
    }
}

static void options_have_help_and_unique_names(void **state)
{
    (void)state;
    for (const struct nv_option *row = nv_spec_options; row->name; row++) {
        assert_true(row->help && row->help[0] && row->fallback);
        assert_ptr_equal(nv_option_find(nv_spec_options, row->name, strlen(row->name)), row);
    }
}

static void combinations_are_checked(void **state)
{
    static const struct nv_spec_nature stream = {0};
    static const struct nv_spec_nature datagrams = {.datagrams = true};
    static const struct nv_spec_nature answered = {.answered = true};
    static const struct nv_spec_nature stamped = {.stamps = true};
    static const struct nv_spec_nature stamped_answers = {.stamps = true, .answered = true};
    static const struct {
        const char *settings[2][2];
        const struct nv_spec_nature *nature;
        const char *complaint; /* NULL: legal */
    } rows[] = {
        {{{"size", "65507"}}, &datagrams, NULL},
        {{{"size", "65508"}}, &datagrams, "size: 65508"},
        {{{"size", "65508"}}, &stream, NULL},
        {{{"size", "64-70k"}}, &datagrams, "size: 70000"},
        {{{"size", "64+65508"}}, &datagrams, "size: 65508"},
        {{{"reply-size", "65508"}}, &datagrams, "size: 65508"},
        {{{"reply-size", "65508"}}, &stream, NULL},
        {{{"reply-size", "39"}}, &stream, "reply-size"},
        {{{"reply-size", "40"}}, &stream, NULL},
        {{{"direction", "down"}}, &answered, "direction: rr"},
        {{{"direction", "both"}}, &answered, "direction: rr"},
        {{{"direction", "up"}}, &answered, NULL},
        {{{"direction", "both"}}, &stream, NULL},
        /* 10.6 s of 377 M/s are 3.996e9 messages; of 378 M/s 4.007e9; two flows have twice as many
         */
        {{{"rate", "377M/s"}}, &stream, NULL},
        {{{"rate", "378M/s"}}, &stream, "rate"},
        {{{"rate", "189M/s"}, {"flows", "2"}}, &stream, "rate"},
        {{{"rate", "max"}, {"flows", "256"}}, &stream, NULL},
        {{{"rate", "search"}, {"flows", "256"}}, &stream, NULL},
        {{{"rate", "search"}, {"direction", "down"}}, &datagrams, NULL},
        {{{"rate", "search"}, {"direction", "both"}}, &stream, "rate: search is for"},
        {{{"rate", "search"}}, &answered, "rate: search is for"},
        {{{"loss-target", "99.9%"}}, &stream, NULL},
        {{{"loss-target", "1"}}, &stream, "loss-target: with 100 %"},
        {{{"diag", "yes"}, {"engine", "batch"}}, &stream, "diag: engine batch"},
        {{{"diag", "yes"}}, &stamped, NULL},
        {{{"diag", "yes"}, {"workload", "rr"}}, &stamped_answers, "diag: time stamps are for"},
        {{{"duration", "2s"}, {"stall", "2s"}}, &stream, NULL},
        {{{"duration", "2s"}, {"stall", "2001ms"}}, &stream, "stall: 2001ms is longer than"},
        {{{"rate", "search"}, {"stall", "1s"}}, &stream, "stall: not with rate search"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_spec spec = defaults();
        struct nv_error err = {0};
        for (unsigned j = 0; j < 2 && rows[i].settings[j][0]; j++)
            assert_int_equal(set(&spec, rows[i].settings[j][0], rows[i].settings[j][1]), NV_OK);
        int code = nv_spec_check(&spec, &err);
        if (!code)
            code = nv_spec_check_nature(&spec, *rows[i].nature, &err);
        assert_int_equal(code, rows[i].complaint ? NV_E_USAGE : NV_OK);
        if (rows[i].complaint)
            assert_non_null(strstr(err.message, rows[i].complaint));
    }
}

/* The two arms of a block differ in transport only, so both must get the same schedule. */
static void schedules_never_depend_on_the_transport(void **state)
{
    static const char *const others[][2] = {
        {"transport", "udp"},   {"engine", "blocking"}, {"nodelay", "no"},
        {"cc", "reno"},         {"sndbuf", "1k"},       {"udp-policy", "wait"},
        {"workload", "stream"}, {"dscp", "46"},         {"quickack", "no"},
    };
    (void)state;
    for (unsigned arrival = 0; arrival < 3; arrival++) {
        struct nv_spec spec = defaults();
        spec.seed = 11;
        spec.flows = 3;
        spec.arrival = arrival;
        spec.duration_ns = 100 * MS;
        for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++) {
            struct nv_spec other = spec;
            assert_int_equal(set(&other, others[i][0], others[i][1]), NV_OK);
            for (unsigned flow = 0; flow < 3; flow++) {
                struct nv_schedule_config a = nv_spec_schedule(&spec, flow, true);
                struct nv_schedule_config b = nv_spec_schedule(&other, flow, true);
                assert_int_equal(nv_schedule_hash(&a), nv_schedule_hash(&b));
            }
        }
    }
}

static void flows_directions_and_seeds_differ(void **state)
{
    (void)state;
    uint64_t hashes[16];
    unsigned count = 0;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        for (unsigned i = 0; i < 8; i++) {
            struct nv_spec spec = defaults();
            spec.seed = seed;
            spec.duration_ns = 100 * MS;
            struct nv_schedule_config config = nv_spec_schedule(&spec, i / 2, i & 1);
            hashes[count++] = nv_schedule_hash(&config);
            for (unsigned j = 0; j + 1 < count; j++)
                assert_int_not_equal(hashes[j], hashes[count - 1]);
        }
    }
}

/* 8 Mbit/s of 100-byte messages (800 bits) are 10000 a second; of 64 to 136 bytes as well, by the
 * mean. Constant flows start within their first gap, not in step. */
static void rates_become_schedules(void **state)
{
    (void)state;
    struct nv_spec spec = defaults();
    assert_int_equal(set(&spec, "rate", "8Mbit/s"), NV_OK);
    assert_int_equal(set(&spec, "size", "100"), NV_OK);
    assert_int_equal(nv_spec_schedule(&spec, 0, true).rate_milli, 10000 * 1000);
    assert_int_equal(set(&spec, "size", "64-136"), NV_OK);
    assert_int_equal(nv_spec_schedule(&spec, 0, true).rate_milli, 10000 * 1000);
    spec.flows = 4;
    assert_true(nv_spec_rate_msgs(&spec) > 39999.9 && nv_spec_rate_msgs(&spec) < 40000.1);
    spec.arrival = NV_ARRIVAL_CONSTANT;
    uint64_t first_ns = nv_spec_schedule(&spec, 0, true).phase_ns;
    bool in_step = true;
    for (unsigned flow = 0; flow < 4; flow++) {
        struct nv_schedule_config config = nv_spec_schedule(&spec, flow, true);
        assert_in_range(config.phase_ns, 0, 99999);
        assert_int_equal(config.end_ns, 10600 * MS);
        in_step = in_step && config.phase_ns == first_ns;
    }
    assert_false(in_step);
    assert_int_equal(set(&spec, "rate", "max"), NV_OK);
    assert_int_equal(nv_spec_schedule(&spec, 0, true).rate_milli, 0);
    assert_true(nv_spec_rate_msgs(&spec) == 0);
}

static void deadlines_ascend_with_the_runs_own_among_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t own_ns;
        unsigned count, at;
    } rows[] = {
        {"50ms", 50 * MS, 9, 4}, {"1ms", MS, 9, 0},        {"1s", 1000 * MS, 9, 8},
        {"1ns", 1, 10, 0},       {"33ms", 33 * MS, 10, 4}, {"10s", 10000 * MS, 10, 9},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_spec spec = defaults();
        uint64_t deadlines_ns[NV_DEADLINES_MAX];
        assert_int_equal(set(&spec, "deadline", rows[i].text), NV_OK);
        assert_int_equal(nv_spec_deadlines(&spec, deadlines_ns), rows[i].count);
        assert_int_equal(deadlines_ns[rows[i].at], rows[i].own_ns);
        for (unsigned j = 1; j < rows[i].count; j++)
            assert_true(deadlines_ns[j] > deadlines_ns[j - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_a_legal_run),
        cmocka_unit_test(every_option_comes_back),
        cmocka_unit_test(options_have_help_and_unique_names),
        cmocka_unit_test(combinations_are_checked),
        cmocka_unit_test(schedules_never_depend_on_the_transport),
        cmocka_unit_test(flows_directions_and_seeds_differ),
        cmocka_unit_test(rates_become_schedules),
        cmocka_unit_test(deadlines_ascend_with_the_runs_own_among_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
