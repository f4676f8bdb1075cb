/* SPDX-License-Identifier: MIT */
/* ctest: tsan serial timeout=240 */
#include "transport/endpoint.h"

#include <stdio.h>

#include "transport/loopback_test.h"

/* Two endpoints in one process, over loopback: every driver with every workload, direction and
 * number of flows. What is asserted is the ledger; how fast it was is nobody's business here. */

#define MS NV_NS_PER_MS
#define PATIENCE_NS (10 * NV_NS_PER_S)

struct pair {
    struct nv_endpoint *server, *client;
    struct nv_spec spec;
    int listen_fd;
    bool told_server, told_client;
};

static void notify(void *context)
{
    (void)context;
}

static struct nv_spec short_spec(const struct nv_driver *driver, const char *workload)
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
    spec.seed = 9;
    return spec;
}

static void open_pair(struct pair *pair, const struct nv_driver *driver)
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
                                        .open_timeout_ns = PATIENCE_NS,
                                        .notify = notify};
    pair->server = nv_endpoint_create(&config, &err);
    config.client = true;
    config.listen_fd = -1;
    pair->client = nv_endpoint_create(&config, &err);
    assert_string_equal(err.message, "");
    assert_non_null(pair->server);
    assert_non_null(pair->client);
}

static void close_pair(struct pair *pair)
{
    nv_endpoint_destroy(pair->client);
    nv_endpoint_destroy(pair->server);
    (void)close(pair->listen_fd);
}

static bool is_over(const struct nv_endpoint *endpoint)
{
    enum nv_endpoint_state state = nv_endpoint_state(endpoint);
    return state == NV_ENDPOINT_DONE || state == NV_ENDPOINT_FAILED;
}

static void wait_opened(const struct pair *pair)
{
    uint64_t deadline_ns = nv_clock_ns() + PATIENCE_NS;
    while (nv_endpoint_state(pair->client) == NV_ENDPOINT_OPENING ||
           nv_endpoint_state(pair->server) == NV_ENDPOINT_OPENING) {
        assert_true(nv_clock_ns() < deadline_ns);
        nv_clock_sleep_until(nv_clock_ns() + MS);
    }
    assert_string_equal(nv_endpoint_error(pair->client)->message, "");
    assert_string_equal(nv_endpoint_error(pair->server)->message, "");
}

/* What the control conversation does: tells one end how much the other has sent. */
static void pass_on(const struct nv_endpoint *from, struct nv_endpoint *to, bool *told,
                    unsigned flows)
{
    struct nv_flow_end ends[NV_FLOWS_MAX];
    enum nv_endpoint_state state = nv_endpoint_state(from);
    if (*told || (state != NV_ENDPOINT_SENT && state != NV_ENDPOINT_DONE))
        return;
    *told = true;
    nv_endpoint_ends(from, ends);
    nv_endpoint_expect(to, ends, flows);
}

static void run_pair(struct pair *pair)
{
    uint64_t t0_ns =
        nv_clock_ns() + 30 * MS; /* as the client does: the start needs time to travel */
    uint64_t deadline_ns = t0_ns + PATIENCE_NS;
    unsigned flows = (unsigned)pair->spec.flows;
    wait_opened(pair);
    nv_endpoint_start(pair->server, t0_ns);
    nv_endpoint_start(pair->client, t0_ns);
    while (!is_over(pair->client) || !is_over(pair->server)) {
        assert_true(nv_clock_ns() < deadline_ns);
        pass_on(pair->client, pair->server, &pair->told_server, flows);
        pass_on(pair->server, pair->client, &pair->told_client, flows);
        nv_clock_sleep_until(nv_clock_ns() + MS);
    }
    assert_string_equal(nv_endpoint_error(pair->client)->message, "");
    assert_string_equal(nv_endpoint_error(pair->server)->message, "");
    assert_int_equal(nv_endpoint_state(pair->client), NV_ENDPOINT_DONE);
    assert_int_equal(nv_endpoint_state(pair->server), NV_ENDPOINT_DONE);
}

/* One flow in one direction: scheduled = sent + refused + unsent, and sent = delivered + missing.
 */
static void check_ledger(const struct pair *pair, unsigned flow, const struct nv_flow_report *from,
                         const struct nv_flow_report *to, bool from_client)
{
    const struct nv_tx *tx = from->tx;
    const struct nv_rx *rx = to->rx;
    struct nv_schedule_config schedule = nv_spec_schedule(&pair->spec, flow, from_client);
    assert_non_null(tx);
    assert_non_null(rx);
    if (schedule.rate_milli)
        assert_int_equal(tx->sched_count, nv_schedule_count(&schedule, 10 * MS, 70 * MS));
    uint64_t refused = tx->drop_eagain_count + tx->drop_enobufs_count + tx->err_emsgsize_count +
                       tx->err_other_count;
    assert_int_equal(tx->sched_count, tx->sent_count + refused + tx->unsent_count);
    assert_int_equal(rx->losses.scheduled_count, tx->sched_count);
    assert_int_equal(rx->unique_count + rx->losses.missing_count, tx->sched_count);
    assert_int_equal(rx->unique_count, tx->sent_count); /* loopback loses none at this rate */
    assert_int_equal(rx->all_unique_count, tx->all_sent_count);
    assert_int_equal(rx->dup_count + rx->corrupt_count + rx->stray_count, 0);
    assert_int_equal(rx->unique_bytes, tx->sent_bytes);
    assert_int_equal(rx->deadlines.ontime_count[rx->deadlines.count - 1], rx->unique_count);
    /* One clock: nothing arrives before it was sent, nor is sent before it was due. */
    assert_int_equal(rx->negative_count + rx->resp.negative_count + rx->serv.negative_count, 0);
    assert_in_range(rx->owd_min_ns, 0, NV_NS_PER_S);
    assert_in_range(tx->sched_lag.max, 0, NV_NS_PER_S);
    assert_in_range(rx->resp.max, 0, NV_NS_PER_S);
}

static void check_pair(const struct pair *pair)
{
    unsigned count = 0;
    const struct nv_workload *workload = nv_workload_find(pair->spec.workload, NULL);
    const struct nv_flow_report *client = nv_endpoint_reports(pair->client, &count);
    assert_int_equal(count, pair->spec.flows);
    const struct nv_flow_report *server = nv_endpoint_reports(pair->server, &count);
    assert_int_equal(count, pair->spec.flows);
    for (unsigned i = 0; i < count; i++) {
        if (workload->answered) {
            check_ledger(pair, i, &client[i], &client[i], true);
            continue;
        }
        if (workload->sends(&pair->spec, true))
            check_ledger(pair, i, &client[i], &server[i], true);
        if (workload->sends(&pair->spec, false))
            check_ledger(pair, i, &server[i], &client[i], false);
    }
    assert_true(client[0].io.send_calls + server[0].io.send_calls > 0);
    assert_true(client[0].cpu_ns > 0 && server[0].cpu_ns > 0);
}

static void run_once(const struct nv_driver *driver, struct nv_spec spec)
{
    struct pair pair = {.spec = spec};
    print_message("%s/%s %s direction %u flows %u arrival %u%s\n", spec.transport, spec.engine,
                  spec.workload, spec.direction, (unsigned)spec.flows, spec.arrival,
                  spec.rate.kind == NV_RATE_MAX ? " max" : "");
    open_pair(&pair, driver);
    run_pair(&pair);
    check_pair(&pair);
    close_pair(&pair);
}

static void ledgers_balance_everywhere(void **state)
{
    static const unsigned flow_counts[] = {1, 3};
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        for (const struct nv_workload *const *w = nv_workloads; *w; w++) {
            for (unsigned i = 0; i < 6; i++) {
                struct nv_spec spec = short_spec(d, (*w)->name);
                spec.flows = flow_counts[i % 2];
                spec.direction = i / 2;
                if (nv_spec_check(&spec, NULL) == NV_OK)
                    run_once(d, spec);
            }
        }
    }
}

/* Endpoints are started before t0. A message that is due at t0 itself must not leave earlier: its
 * send time would be before the start of the run. */
static void nothing_leaves_before_the_start(void **state)
{
    static const unsigned arrivals[] = {NV_ARRIVAL_CONSTANT, NV_ARRIVAL_BURST};
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        for (unsigned i = 0; i < 2; i++) {
            struct nv_spec spec = short_spec(d, "stream");
            spec.arrival = arrivals[i];
            run_once(d, spec);
        }
    }
}

/* At rate max in rr the window bounds what is under way, so that nothing is lost on UDP either. */
static void closed_loops_balance(void **state)
{
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        struct nv_spec spec = short_spec(d, "rr");
        spec.rate = (struct nv_rate){.kind = NV_RATE_MAX};
        spec.window_msgs = 4;
        run_once(d, spec);
    }
}

/* Fewer than one message is due in so short a run: an empty ledger is one that balances. */
static void an_empty_schedule_is_no_failure(void **state)
{
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        struct nv_spec spec = short_spec(d, "stream");
        spec.rate.milli_per_s = 1;
        spec.arrival = NV_ARRIVAL_POISSON;
        struct pair pair = {.spec = spec};
        open_pair(&pair, d);
        run_pair(&pair);
        close_pair(&pair);
    }
}

/* Every byte is compared where that was asked for; large and mixed sizes. */
static void payloads_are_verified(void **state)
{
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        struct nv_spec spec = short_spec(d, "rr");
        spec.verify = true;
        assert_int_equal(nv_sizes_parse(&spec.sizes, "40-9000", NULL), 0);
        run_once(d, spec);
    }
}

static void stopping_ends_a_run_at_once(void **state)
{
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        struct pair pair = {.spec = short_spec(d, "stream")};
        pair.spec.duration_ns = 600 * NV_NS_PER_S; /* what is left, 6e8 messages, is let be */
        pair.spec.rate = (struct nv_rate){.kind = NV_RATE_MESSAGES, .milli_per_s = 1000000000};
        open_pair(&pair, d);
        wait_opened(&pair);
        nv_endpoint_start(pair.client, nv_clock_ns());
        nv_clock_sleep_until(nv_clock_ns() + 30 * MS);
        uint64_t start_ns = nv_clock_ns();
        close_pair(&pair); /* the server was never started */
        assert_in_range(nv_clock_ns() - start_ns, 0, 2 * NV_NS_PER_S);
    }
}

static void what_there_is_not_is_refused(void **state)
{
    (void)state;
    struct nv_error err = {0};
    struct nv_spec spec = short_spec(&nv_drivers[0], "rr");
    struct nv_endpoint_config config = {.spec = &spec, .notify = notify, .listen_fd = -1};
    (void)snprintf(spec.engine, sizeof spec.engine, "%s", "steam");
    assert_null(nv_endpoint_create(&config, &err));
    assert_int_equal(err.code, NV_E_USAGE);
    spec = short_spec(&nv_drivers[0], "pigeon");
    assert_null(nv_endpoint_create(&config, &err));
    assert_int_equal(err.code, NV_E_USAGE);
    nv_endpoint_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledgers_balance_everywhere),
        cmocka_unit_test(nothing_leaves_before_the_start),
        cmocka_unit_test(closed_loops_balance),
        cmocka_unit_test(an_empty_schedule_is_no_failure),
        cmocka_unit_test(payloads_are_verified),
        cmocka_unit_test(stopping_ends_a_run_at_once),
        cmocka_unit_test(what_there_is_not_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
