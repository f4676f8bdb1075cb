/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_PAIR_TEST_H
#define NV_TRANSPORT_PAIR_TEST_H

#include <stdio.h>

#include "transport/endpoint.h"
#include "transport/loopback_test.h"

/* For tests of whole runs: two endpoints in one process, over loopback. */

#define MS NV_NS_PER_MS
#define NV_PAIR_PATIENCE_NS (10 * NV_NS_PER_S)

struct nv_pair {
    struct nv_endpoint *server, *client;
    struct nv_spec spec;
    int listen_fd;
    bool told_server, told_client;
};

static inline void nv_pair_ignore(void *context)
{
    (void)context;
}

static inline struct nv_spec nv_pair_spec(const struct nv_driver *driver, const char *workload)
{
    struct nv_spec spec;
    nv_options_reset(nv_spec_options, &spec);
    (void)snprintf(spec.transport, sizeof spec.transport, "%s", driver->transport->name);
    (void)snprintf(spec.engine, sizeof spec.engine, "%s", driver->engine->name);
    (void)snprintf(spec.workload, sizeof spec.workload, "%s", workload);
    spec.warmup_ns = 10 * MS;
    spec.duration_ns = 60 * MS;
    spec.cooldown_ns = 10 * MS;
    spec.drain_ns = 500 * MS;
    spec.rate = (struct nv_rate){.kind = NV_RATE_MESSAGES, .milli_per_s = 1000 * 1000};
    spec.rcvbuf_bytes = 4 << 20; /* a busy machine must not make it overflow */
    spec.seed = 9;
    return spec;
}

static inline void nv_pair_open(struct nv_pair *pair, const struct nv_driver *driver)
{
    struct nv_error err = {0};
    struct nv_loopback loopback;
    assert_true(nv_loopback_listen(&loopback, driver, AF_INET));
    pair->listen_fd = loopback.server_plan.listen_fd;
    struct nv_endpoint_config config = {.spec = &pair->spec,
                                        .run_tag = 31,
                                        .token = 0x123456789,
                                        .address = loopback.client_plan.address,
                                        .listen_fd = pair->listen_fd,
                                        .open_timeout_ns = NV_PAIR_PATIENCE_NS,
                                        .notify = nv_pair_ignore};
    pair->server = nv_endpoint_create(&config, &err);
    config.client = true;
    config.listen_fd = -1;
    pair->client = nv_endpoint_create(&config, &err);
    assert_string_equal(err.message, "");
    assert_non_null(pair->server);
    assert_non_null(pair->client);
}

static inline void nv_pair_close(struct nv_pair *pair)
{
    nv_endpoint_destroy(pair->client);
    nv_endpoint_destroy(pair->server);
    (void)close(pair->listen_fd);
}

static inline bool nv_pair_is_over(const struct nv_endpoint *endpoint)
{
    enum nv_endpoint_state state = nv_endpoint_state(endpoint);
    return state == NV_ENDPOINT_DONE || state == NV_ENDPOINT_FAILED;
}

static inline void nv_pair_wait_opened(const struct nv_pair *pair)
{
    uint64_t deadline_ns = nv_clock_ns() + NV_PAIR_PATIENCE_NS;
    while (nv_endpoint_state(pair->client) == NV_ENDPOINT_OPENING ||
           nv_endpoint_state(pair->server) == NV_ENDPOINT_OPENING) {
        assert_true(nv_clock_ns() < deadline_ns);
        nv_clock_sleep_until(nv_clock_ns() + MS);
    }
    assert_string_equal(nv_endpoint_error(pair->client)->message, "");
    assert_string_equal(nv_endpoint_error(pair->server)->message, "");
}

/* What the control conversation does: tells one end how much the other has sent. */
static inline void nv_pair_pass_on(const struct nv_endpoint *from, struct nv_endpoint *to,
                                   bool *told, unsigned flows)
{
    struct nv_flow_end ends[NV_FLOWS_MAX];
    enum nv_endpoint_state state = nv_endpoint_state(from);
    if (*told || (state != NV_ENDPOINT_SENT && state != NV_ENDPOINT_DONE))
        return;
    *told = true;
    nv_endpoint_ends(from, ends);
    nv_endpoint_expect(to, ends, flows);
}

static inline void nv_pair_run(struct nv_pair *pair)
{
    uint64_t t0_ns =
        nv_clock_ns() + 30 * MS; /* as the client does: the start needs time to travel */
    uint64_t deadline_ns = t0_ns + NV_PAIR_PATIENCE_NS;
    unsigned flows = (unsigned)pair->spec.flows;
    nv_pair_wait_opened(pair);
    nv_endpoint_start(pair->server, t0_ns);
    nv_endpoint_start(pair->client, t0_ns);
    while (!nv_pair_is_over(pair->client) || !nv_pair_is_over(pair->server)) {
        assert_true(nv_clock_ns() < deadline_ns);
        nv_pair_pass_on(pair->client, pair->server, &pair->told_server, flows);
        nv_pair_pass_on(pair->server, pair->client, &pair->told_client, flows);
        nv_clock_sleep_until(nv_clock_ns() + MS);
    }
    assert_string_equal(nv_endpoint_error(pair->client)->message, "");
    assert_string_equal(nv_endpoint_error(pair->server)->message, "");
    assert_int_equal(nv_endpoint_state(pair->client), NV_ENDPOINT_DONE);
    assert_int_equal(nv_endpoint_state(pair->server), NV_ENDPOINT_DONE);
}

#endif
