/* SPDX-License-Identifier: MIT */
/* ctest: tsan */
#include "cli/calls.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define SERVER(name, ...)                                                                          \
    {                                                                                              \
        .end = NV_CALLS_SERVER, .call = &nv_call_##name, .on = NV_ON_SERVER, __VA_ARGS__           \
    }
#define CLIENT(name, ...)                                                                          \
    {                                                                                              \
        .end = NV_CALLS_CLIENT, .call = &nv_call_##name, .on = NV_ON_CLIENT, __VA_ARGS__           \
    }
#define END                                                                                        \
    {                                                                                              \
        .call = NULL                                                                               \
    }

/* Records of a script carried out, the caller's to free. */
static struct nv_exchange *carry_out(const struct nv_script *script, int type, struct nv_error *err)
{
    struct nv_exchange *exchange = calloc(1, sizeof *exchange);
    assert_non_null(exchange);
    exchange->script = script;
    exchange->type = type;
    if (nv_exchange_prepare(exchange, err) == NV_OK)
        (void)nv_exchange_run(exchange, err);
    nv_exchange_close(exchange);
    return exchange;
}

static void expect_all(const struct nv_script *script, int type)
{
    struct nv_error err = {0};
    struct nv_exchange *exchange = carry_out(script, type, &err);
    uint64_t before_ns = 0;
    assert_string_equal(err.message, "");
    for (unsigned i = 0; script->steps[i].call; i++) {
        const struct nv_call_record *record = &exchange->records[i];
        assert_true(i < NV_STEPS_MAX);
        assert_int_equal(record->error, script->steps[i].error);
        assert_int_equal(record->result < 0, script->steps[i].error != 0);
        assert_true(record->begin_ns >= before_ns);
        before_ns = record->begin_ns;
    }
    free(exchange);
}

static void test_exchanges(void **state)
{
    (void)state;
    expect_all(&nv_exchange_tcp, SOCK_STREAM);
    expect_all(&nv_exchange_udp, SOCK_DGRAM);
    expect_all(&nv_exchange_udp_connected, SOCK_DGRAM);
}

static void test_failures(void **state)
{
    (void)state;
    for (const struct nv_script *script = nv_failures; script->name; script++) {
        unsigned wanted = 0;
        for (const struct nv_step *step = script->steps; step->call; step++)
            wanted += step->error != 0;
        assert_int_equal(wanted, 1);
        if (script->transports & NV_CALLS_TCP)
            expect_all(script, SOCK_STREAM);
        if (script->transports & NV_CALLS_UDP)
            expect_all(script, SOCK_DGRAM);
    }
}

/* Nobody ever sends. */
static void test_hang_is_bounded(void **state)
{
    static const struct nv_step steps[] = {
        SERVER(socket),
        SERVER(bind, .at = NV_AT_ANY_PORT),
        SERVER(recvfrom, .at = NV_AT_SENDER, .waits = true),
        CLIENT(socket),
        END,
    };
    static const struct nv_script script = {"hang", NV_CALLS_UDP, steps, ""};
    struct nv_error err = {0};
    uint64_t start_ns = nv_clock_ns();
    (void)state;
    struct nv_exchange *exchange = carry_out(&script, SOCK_DGRAM, &err);
    assert_string_equal(err.message, "recvfrom did not return within 2 s");
    assert_int_equal(err.code, NV_E_FAILED);
    assert_int_equal(exchange->records[2].error, EINTR);
    assert_true(nv_clock_ns() - start_ns >= 2 * NV_NS_PER_S);
    free(exchange);
}

/* The server waits for a client that has failed: it is not left to wait for 2 s. */
static void test_failure_of_one_end_frees_the_other(void **state)
{
    static const struct nv_step steps[] = {
        SERVER(socket),
        SERVER(bind, .at = NV_AT_ANY_PORT),
        SERVER(recvfrom, .at = NV_AT_SENDER, .waits = true),
        CLIENT(socket),
        CLIENT(listen, .value = 1),
        CLIENT(close),
        END,
    };
    static const struct nv_script script = {"fails", NV_CALLS_UDP, steps, ""};
    struct nv_error err = {0};
    (void)state;
    struct nv_exchange *exchange = carry_out(&script, SOCK_DGRAM, &err);
    assert_string_equal(err.message, "listen: Operation not supported");
    assert_int_equal(exchange->failed_step, 4);
    assert_int_equal(exchange->records[2].error, EINTR);
    assert_null(exchange->records[5].call);
    free(exchange);
}

static void test_success_is_not_the_wanted_error(void **state)
{
    static const struct nv_step steps[] = {CLIENT(socket, .error = EPROTONOSUPPORT), END};
    static const struct nv_script script = {"succeeds", NV_CALLS_TCP, steps, ""};
    struct nv_error err = {0};
    (void)state;
    free(carry_out(&script, SOCK_STREAM, &err));
    assert_int_equal(err.code, NV_E_FAILED);
    assert_string_equal(err.message, "socket: no EPROTONOSUPPORT, but success");
}

static void test_another_error_is_not_the_wanted_one(void **state)
{
    static const struct nv_step steps[] = {
        CLIENT(socket, .value = IPPROTO_UDP, .error = EAFNOSUPPORT), END};
    static const struct nv_script script = {"differs", NV_CALLS_TCP, steps, ""};
    struct nv_error err = {0};
    (void)state;
    free(carry_out(&script, SOCK_STREAM, &err));
    assert_string_equal(err.message,
                        "socket: no EAFNOSUPPORT, but another error: Protocol not supported");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchanges),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_hang_is_bounded),
        cmocka_unit_test(test_failure_of_one_end_frees_the_other),
        cmocka_unit_test(test_success_is_not_the_wanted_error),
        cmocka_unit_test(test_another_error_is_not_the_wanted_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
