/* SPDX-License-Identifier: MIT */
#include "session/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define MB UINT64_C(1000000)

/* 100 s in all, one flow of 2000/s. */
static struct nv_spec spec_of_100_s(void)
{
    struct nv_spec spec;
    memset(&spec, 0, sizeof spec);
    nv_options_reset(nv_spec_options, &spec);
    spec.warmup_ns = spec.cooldown_ns = 0;
    spec.duration_ns = 100 * NV_NS_PER_S;
    return spec;
}

static void set(struct nv_spec *spec, const char *name, const char *text)
{
    const struct nv_option *row = nv_option_find(nv_spec_options, name, strlen(name));
    assert_non_null(row);
    assert_int_equal(nv_option_set(row, spec, text, NULL), NV_OK);
}

/* Beyond what a flow has whatever it carries: 200 000 messages are 50 kB of bits. */
static uint64_t flow_bytes(void)
{
    struct nv_spec spec = spec_of_100_s();
    return nv_server_memory_bytes(&spec) - 50000;
}

static void memory_is_foreseen(void **state)
{
    static const struct {
        const char *rate, *flows, *messages;
        uint64_t flow_count, rest_bytes;
    } rows[] = {
        {"2000/s", "1", "0", 1, 50000},
        {"2000/s", "256", "0", 256, 12800000},
        /* 4e9 messages: as many as a run may have */
        {"40M/s", "1", "0", 1, 1000 * MB},
        /* 2 flows, 1000 rows each, of 104 bytes and 96 of text: 2000 * 200 */
        {"2000/s", "2", "1000", 2, 100000 + 400000},
        /* no more rows than messages: 400 000 * 200 */
        {"2000/s", "2", "1M", 2, 100000 + 80000000},
        /* 100 million a second, whatever the flows, but no more than 2^32 */
        {"max", "1", "0", 1, UINT64_C(1) << 30},
        {"max", "4", "0", 4, UINT64_C(1) << 30},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_spec spec = spec_of_100_s();
        set(&spec, "rate", rows[i].rate);
        set(&spec, "flows", rows[i].flows);
        set(&spec, "messages", rows[i].messages);
        assert_int_equal(nv_server_memory_bytes(&spec),
                         rows[i].flow_count * flow_bytes() + rows[i].rest_bytes);
    }
    struct nv_spec spec = spec_of_100_s();
    set(&spec, "rate", "max");
    set(&spec, "duration", "10s");
    assert_int_equal(nv_server_memory_bytes(&spec), flow_bytes() + 250 * MB);
}

static int check(const struct nv_server_limits *limits, const struct nv_spec *spec,
                 const char *option)
{
    struct nv_error err = {0};
    int code = nv_server_limits_check(limits, spec, &err);
    assert_int_equal(code, err.code);
    if (code)
        assert_non_null(strstr(err.message, option));
    return code;
}

/* Each limit by itself: what reaches it is allowed, one more is not. */
static void limits_are_reached_and_not_passed(void **state)
{
    (void)state;
    struct nv_spec spec = spec_of_100_s();
    set(&spec, "size", "64-1k");
    set(&spec, "reply-size", "2k");
    set(&spec, "flows", "3");
    set(&spec, "messages", "1M");
    struct nv_server_limits limits = {.run_ns_max = 100 * NV_NS_PER_S,
                                      .rate_msgs_max = 6000,
                                      .size_bytes_max = 2000,
                                      .flows_max = 3,
                                      .memory_bytes_max = nv_server_memory_bytes(&spec)};
    assert_int_equal(check(&limits, &spec, ""), NV_OK);
    limits.run_ns_max--;
    assert_int_equal(check(&limits, &spec, "--max-duration"), NV_E_PEER);
    limits.run_ns_max++;
    limits.rate_msgs_max--;
    assert_int_equal(check(&limits, &spec, "--max-rate"), NV_E_PEER);
    limits.rate_msgs_max++;
    limits.size_bytes_max--;
    assert_int_equal(check(&limits, &spec, "--max-size"), NV_E_PEER);
    limits.size_bytes_max++;
    limits.flows_max--;
    assert_int_equal(check(&limits, &spec, "--max-flows"), NV_E_PEER);
    limits.flows_max++;
    limits.memory_bytes_max--;
    assert_int_equal(check(&limits, &spec, "--max-memory"), NV_E_PEER);
    assert_int_equal(check(&nv_no_limits, &spec, ""), NV_OK);
}

/* Whoever limits the rate at all does not want "as fast as it goes". */
static void a_limited_rate_excludes_the_greatest(void **state)
{
    (void)state;
    struct nv_spec spec = spec_of_100_s();
    struct nv_server_limits limits = nv_no_limits;
    set(&spec, "rate", "max");
    assert_int_equal(check(&limits, &spec, ""), NV_OK);
    limits.rate_msgs_max = UINT64_MAX;
    assert_int_equal(check(&limits, &spec, "rate max"), NV_E_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_foreseen),
        cmocka_unit_test(limits_are_reached_and_not_passed),
        cmocka_unit_test(a_limited_rate_excludes_the_greatest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
