/* SPDX-License-Identifier: MIT */
/* ctest: tsan timing timeout=240 */
#include "transport/pair_test.h"

/* Every driver with every workload, direction and number of flows. What is asserted is the ledger;
 * how fast it was is nobody's business here. */

/* One flow in one direction: scheduled = sent + refused + unsent, and sent = delivered + missing.
 */
static void check_ledger(const struct nv_pair *pair, unsigned flow,
                         const struct nv_flow_report *from, const struct nv_flow_report *to,
                         bool from_client)
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

static void check_pair(const struct nv_pair *pair)
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
    struct nv_pair pair = {.spec = spec};
    print_message("%s/%s %s direction %u flows %u arrival %u%s\n", spec.transport, spec.engine,
                  spec.workload, spec.direction, (unsigned)spec.flows, spec.arrival,
                  spec.rate.kind == NV_RATE_MAX ? " max" : "");
    nv_pair_open(&pair, driver);
    nv_pair_run(&pair);
    check_pair(&pair);
    nv_pair_close(&pair);
}

static void ledgers_balance_everywhere(void **state)
{
    static const unsigned flow_counts[] = {1, 3};
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        for (const struct nv_workload *const *w = nv_workloads; *w; w++) {
            for (unsigned i = 0; i < 6; i++) {
                struct nv_spec spec = nv_pair_spec(d, (*w)->name);
                spec.flows = flow_counts[i % 2];
                spec.direction = i / 2;
                if (nv_endpoint_check(&spec, NULL) == NV_OK)
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
            struct nv_spec spec = nv_pair_spec(d, "stream");
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
        struct nv_spec spec = nv_pair_spec(d, "rr");
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
        struct nv_spec spec = nv_pair_spec(d, "stream");
        spec.rate.milli_per_s = 1;
        spec.arrival = NV_ARRIVAL_POISSON;
        struct nv_pair pair = {.spec = spec};
        nv_pair_open(&pair, d);
        nv_pair_run(&pair);
        nv_pair_close(&pair);
    }
}

/* Every byte is compared where that was asked for; large and mixed sizes. */
static void payloads_are_verified(void **state)
{
    static const struct {
        const char *workload, *size;
    } rows[] = {{"rr", "40-9000"}, {"stream", "64"}, {"stream", "1400"}};
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct nv_spec spec = nv_pair_spec(d, rows[i].workload);
            spec.verify = true;
            spec.arrival = NV_ARRIVAL_BURST;
            assert_int_equal(nv_sizes_parse(&spec.sizes, rows[i].size, NULL), 0);
            run_once(d, spec);
        }
    }
}

/* The last message, too, goes out to its end, though it is longer than the send buffer. */
static void what_was_taken_in_part_arrives_whole(void **state)
{
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        struct nv_spec spec = nv_pair_spec(d, "stream");
        if (!(d->transport->caps & NV_CAP_RELIABLE))
            continue;
        spec.rate.milli_per_s = 100 * 1000;
        spec.sndbuf_bytes = spec.rcvbuf_bytes = 64 << 10;
        spec.sizes.bytes[0] = 1 << 20;
        spec.arrival = NV_ARRIVAL_CONSTANT;
        spec.cooldown_ns = 0;
        spec.drain_ns = 5 * NV_NS_PER_S;
        run_once(d, spec);
    }
}

/* Receive calls of one flow that returned during the stall. The one under way when it begins may
 * be among them, and what came with it. */
static unsigned calls_in(const struct nv_rx *rx, uint64_t from_ns, uint64_t end_ns)
{
    unsigned calls = 0;
    uint64_t latest_ns = 0;
    for (uint64_t i = 0; i < rx->trace_count; i++) {
        uint64_t at_ns = rx->trace[i].t_rcv_ns;
        calls += at_ns >= from_ns && at_ns < end_ns && at_ns != latest_ns;
        latest_ns = at_ns;
    }
    return calls;
}

static unsigned delivered_late(const struct nv_rx *rx, uint64_t from_ns, uint64_t end_ns)
{
    unsigned count = 0;
    for (uint64_t i = 0; i < rx->trace_count; i++)
        count += rx->trace[i].t_int_ns >= from_ns && rx->trace[i].t_int_ns < end_ns &&
                 rx->trace[i].t_rcv_ns >= end_ns;
    return count;
}

/* From 30 to 50 ms who receives reads nothing, then all of it: it fits in the buffers. */
static void a_stalled_receiver_reads_nothing(void **state)
{
    static const unsigned waits[] = {NV_WAIT_BLOCK, NV_WAIT_SPIN};
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        for (unsigned i = 0; i < 6; i++) {
            struct nv_pair pair = {.spec = nv_pair_spec(d, "stream")};
            pair.spec.direction = i / 2;
            pair.spec.wait = waits[i % 2];
            pair.spec.arrival = NV_ARRIVAL_CONSTANT; /* one a millisecond */
            pair.spec.stall_ns = 20 * MS;
            pair.spec.messages = 1000;
            nv_pair_open(&pair, d);
            nv_pair_run(&pair);
            check_pair(&pair);
            unsigned count;
            const struct nv_rx *server = nv_endpoint_reports(pair.server, &count)[0].rx;
            const struct nv_rx *client = nv_endpoint_reports(pair.client, &count)[0].rx;
            assert_true(server || client);
            for (const struct nv_rx *rx = server ? server : client; rx;
                 rx = rx == server ? client : NULL) {
                assert_in_range(calls_in(rx, 30 * MS, 50 * MS), 0, 1);
                assert_in_range(delivered_late(rx, 30 * MS, 50 * MS), 10, 20);
            }
            nv_pair_close(&pair);
        }
    }
}

/* The receiver's buffer holds some 110 datagrams, the stall lasts for 300. Of all that were sent,
 * no more and no fewer are missing than the socket says it dropped. */
static void what_a_full_buffer_drops_is_counted(void **state)
{
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        struct nv_pair pair = {.spec = nv_pair_spec(d, "stream")};
        pair.spec.arrival = NV_ARRIVAL_CONSTANT;
        pair.spec.duration_ns = 400 * MS;
        pair.spec.cooldown_ns = 0;
        pair.spec.batch_msgs = 1; /* what the kernel has joined it counts as one */
        pair.spec.rcvbuf_bytes = 128 << 10;
        pair.spec.sndbuf_bytes = 8 << 10;
        pair.spec.sizes.bytes[0] = 1000;
        if (d->transport->caps & NV_CAP_RELIABLE) /* asks a closed window again, ever more rarely */
            pair.spec.drain_ns = 5 * NV_NS_PER_S;
        pair.spec.stall_ns = 300 * MS;
        nv_pair_open(&pair, d);
        nv_pair_run(&pair);
        unsigned count;
        const struct nv_flow_report *client = nv_endpoint_reports(pair.client, &count);
        const struct nv_flow_report *server = nv_endpoint_reports(pair.server, &count);
        uint64_t lost = client->tx->sent_count - server->rx->unique_count;
        if (d->transport->caps & NV_CAP_RELIABLE) {
            assert_int_equal(lost, 0);
            assert_true(client->full_count > 0);
            assert_in_range(client->blocked_ns, 10 * MS, NV_PAIR_PATIENCE_NS);
        } else {
            assert_in_range(lost, 100, 300);
            assert_int_equal(server->drops_count, lost);
            assert_int_equal(client->full_count + client->blocked_ns, 0);
        }
        nv_pair_close(&pair);
    }
}

static void stopping_ends_a_run_at_once(void **state)
{
    (void)state;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        struct nv_pair pair = {.spec = nv_pair_spec(d, "stream")};
        pair.spec.duration_ns = 600 * NV_NS_PER_S; /* what is left, 6e8 messages, is let be */
        pair.spec.rate = (struct nv_rate){.kind = NV_RATE_MESSAGES, .milli_per_s = 1000000000};
        nv_pair_open(&pair, d);
        nv_pair_wait_opened(&pair);
        nv_endpoint_start(pair.client, nv_clock_ns());
        nv_clock_sleep_until(nv_clock_ns() + 30 * MS);
        uint64_t start_ns = nv_clock_ns();
        nv_pair_close(&pair); /* the server was never started */
        assert_in_range(nv_clock_ns() - start_ns, 0, 2 * NV_NS_PER_S);
    }
}

static void what_there_is_not_is_refused(void **state)
{
    (void)state;
    struct nv_error err = {0};
    struct nv_spec spec = nv_pair_spec(&nv_drivers[0], "rr");
    struct nv_endpoint_config config = {.spec = &spec, .notify = nv_pair_ignore, .listen_fd = -1};
    (void)snprintf(spec.engine, sizeof spec.engine, "%s", "steam");
    assert_null(nv_endpoint_create(&config, &err));
    assert_int_equal(err.code, NV_E_USAGE);
    spec = nv_pair_spec(&nv_drivers[0], "pigeon");
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
        cmocka_unit_test(what_was_taken_in_part_arrives_whole),
        cmocka_unit_test(a_stalled_receiver_reads_nothing),
        cmocka_unit_test(what_a_full_buffer_drops_is_counted),
        cmocka_unit_test(stopping_ends_a_run_at_once),
        cmocka_unit_test(what_there_is_not_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
