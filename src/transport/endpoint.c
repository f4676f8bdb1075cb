/* SPDX-License-Identifier: MIT */
#include "transport/endpoint.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hint.h"
#include "transport/lane.h"
#include "transport/socket.h"

/* Happy path: the endpoint's thread opens all flows, waits for the start, deals the flows out to
 * lanes (as many as the spec has threads, or one per flow where the engine wants a thread each),
 * runs them, the first one itself, and joins them.
 * Failure modes: a flow cannot be opened, a reliable flow ends, the owner stops the run: the state
 * becomes FAILED with one line, or DONE early. */

#define SETTLE_NS (10 * NV_NS_PER_MS)
#define SPIN_NS_MIN (20 * NV_NS_PER_US)
#define SPIN_NS_MAX (200 * NV_NS_PER_US)

struct nv_endpoint {
    struct nv_endpoint_config config;
    struct nv_spec spec;
    const struct nv_driver *driver;
    const struct nv_engine *engine; /* the driver's, or that which takes its place */
    const struct nv_workload *workload;
    struct nv_flow_plan plan;
    struct nv_payload payload;
    struct nv_socket *sockets;
    struct nv_flow_report *reports;
    struct nv_lane_flow *flows;
    struct nv_lane *lanes;
    pthread_t *lane_threads;
    unsigned flow_count, lane_count;
    pthread_t thread;
    bool thread_runs;
    atomic_int state;
    atomic_bool stop;
    _Atomic uint64_t t0_ns; /* 0: not started */
    atomic_uint lanes_sending;
    struct nv_error error;
};

static void enter(struct nv_endpoint *endpoint, enum nv_endpoint_state state)
{
    atomic_store(&endpoint->state, (int)state);
    endpoint->config.notify(endpoint->config.context);
}

static void lane_sent_all(void *context)
{
    struct nv_endpoint *endpoint = context;
    if (atomic_fetch_sub(&endpoint->lanes_sending, 1) == 1)
        enter(endpoint, NV_ENDPOINT_SENT);
}

static struct nv_flow_plan plan_of(const struct nv_endpoint *endpoint)
{
    return (struct nv_flow_plan){
        .spec = &endpoint->spec,
        .run_tag = endpoint->config.run_tag,
        .token = endpoint->config.token,
        .address = endpoint->config.address,
        .listen_fd = endpoint->config.listen_fd,
        .listening = &endpoint->config.listening,
        .deadline_ns = nv_clock_ns() + endpoint->config.open_timeout_ns,
        .stop = &endpoint->stop,
    };
}

/* Waits for the start; meanwhile a client whose answer was lost may ask again. */
static bool await_start(struct nv_endpoint *endpoint, const struct nv_flow_plan *plan)
{
    while (!atomic_load(&endpoint->t0_ns)) {
        if (atomic_load(&endpoint->stop))
            return false;
        if (!endpoint->config.client && endpoint->driver->transport->settle)
            endpoint->driver->transport->settle(plan, endpoint->sockets);
        nv_clock_sleep_until(nv_clock_ns() + SETTLE_NS);
    }
    return true;
}

/* Spinning is only fair where a core is left for it beside both ends. */
static uint64_t spin_ns_of(const struct nv_endpoint *endpoint)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    bool hybrid =
        endpoint->spec.pace == NV_PACE_HYBRID ||
        (endpoint->spec.pace == NV_PACE_AUTO && cores >= 2 * (long)endpoint->lane_count + 1);
    if (!hybrid)
        return 0;
    uint64_t overshoot_ns = nv_clock_sleep_overshoot_ns();
    return overshoot_ns < SPIN_NS_MIN   ? SPIN_NS_MIN
           : overshoot_ns > SPIN_NS_MAX ? SPIN_NS_MAX
                                        : overshoot_ns;
}

/* Of every message that this end sends; 0: they differ. */
static uint32_t sent_bytes_of(const struct nv_endpoint *endpoint)
{
    const struct nv_spec *spec = &endpoint->spec;
    if (endpoint->workload->answered && !endpoint->config.client && spec->reply_bytes)
        return (uint32_t)spec->reply_bytes;
    return spec->sizes.kind == NV_SIZES_FIXED ? spec->sizes.bytes[0] : 0;
}

/* Who receives messages, or requests: how long it reads nothing in mid-run. */
static uint64_t stall_ns_of(const struct nv_endpoint *endpoint)
{
    const struct nv_workload *workload = endpoint->workload;
    bool client = endpoint->config.client;
    bool takes = workload->answered ? !client : workload->receives(&endpoint->spec, client);
    return takes ? endpoint->spec.stall_ns : 0;
}

static void set_up_lane(struct nv_endpoint *endpoint, unsigned index, uint64_t spin_ns)
{
    const struct nv_spec *spec = &endpoint->spec;
    uint64_t stall_ns = stall_ns_of(endpoint);
    uint64_t stall_from_ns = stall_ns ? spec->warmup_ns + (spec->duration_ns - stall_ns) / 2 : 0;
    unsigned first = index * endpoint->flow_count / endpoint->lane_count;
    unsigned next = (index + 1) * endpoint->flow_count / endpoint->lane_count;
    endpoint->lanes[index] = (struct nv_lane){
        .spec = &endpoint->spec,
        .calls = *endpoint->engine,
        .workload = *endpoint->workload,
        .payload = &endpoint->payload,
        .run_tag = endpoint->config.run_tag,
        .channel = {.caps = endpoint->driver->transport->caps,
                    .sockets = &endpoint->sockets[first],
                    .first_flow = first,
                    .flow_count = next - first,
                    .payload = &endpoint->payload,
                    .sent_bytes = sent_bytes_of(endpoint),
                    .t0_ns = atomic_load(&endpoint->t0_ns),
                    .spins = endpoint->spec.wait == NV_WAIT_SPIN,
                    .late_acks = !endpoint->spec.quickack &&
                                 !(endpoint->driver->transport->caps & NV_CAP_DATAGRAMS),
                    .read_bytes = (uint32_t)endpoint->spec.read_bytes,
                    .spin_ns = spin_ns,
                    .plan = &endpoint->plan,
                    .give_up_ns = endpoint->spec.drain_ns},
        .flows = &endpoint->flows[first],
        .stall_from_ns = stall_from_ns,
        .stall_end_ns = stall_from_ns + stall_ns,
        .perf = NV_PERF_NONE,
        .stop = &endpoint->stop,
        .sent_all = lane_sent_all,
        .context = endpoint,
    };
}

static int settle_thread(const struct nv_endpoint *endpoint, unsigned lane, struct nv_error *err)
{
    /* Timers in steps of 50 us would be late by as much. */
    (void)prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
    return nv_cpus_pin(&endpoint->spec.cpus[!endpoint->config.client], lane, err);
}

/* When the engine has taken the last of them. */
static void take_stamps(const struct nv_lane *lane)
{
    for (unsigned i = 0; i < lane->channel.flow_count; i++)
        if (lane->flows[i].report->stamps)
            lane->flows[i].report->stamped = lane->flows[i].report->stamps->counters;
}

NV_HOT static void *lane_thread(void *argument)
{
    struct nv_lane *lane = argument;
    const struct nv_endpoint *endpoint = lane->context;
    unsigned index = (unsigned)(lane - endpoint->lanes);
    if (settle_thread(endpoint, index, &lane->error) == NV_OK && nv_lane_open(lane) == NV_OK)
        (void)nv_lane_run(lane);
    nv_lane_close(lane);
    take_stamps(lane);
    if (lane->error.code)
        atomic_store(lane->stop, true);
    return NULL;
}

static int run_lanes(struct nv_endpoint *endpoint, uint64_t spin_ns)
{
    atomic_store(&endpoint->lanes_sending, endpoint->lane_count);
    for (unsigned i = 0; i < endpoint->lane_count; i++)
        set_up_lane(endpoint, i, spin_ns);
    unsigned started = 1;
    for (; started < endpoint->lane_count; started++) {
        int failed = pthread_create(&endpoint->lane_threads[started], NULL, lane_thread,
                                    &endpoint->lanes[started]);
        if (failed) {
            (void)nv_fail_errno(&endpoint->error, NV_E_FAILED, failed, "pthread_create");
            atomic_store(&endpoint->stop, true);
            break;
        }
    }
    (void)lane_thread(&endpoint->lanes[0]);
    for (unsigned i = 1; i < started; i++)
        (void)pthread_join(endpoint->lane_threads[i], NULL);
    for (unsigned i = 0; i < endpoint->lane_count && !endpoint->error.code; i++)
        endpoint->error = endpoint->lanes[i].error;
    if (!endpoint->error.code && atomic_load(&endpoint->stop))
        (void)nv_fail(&endpoint->error, NV_E_INTERRUPTED, "stopped");
    return endpoint->error.code;
}

static void *endpoint_thread(void *argument)
{
    struct nv_endpoint *endpoint = argument;
    const struct nv_transport *transport = endpoint->driver->transport;
    const struct nv_flow_plan *plan = &endpoint->plan;
    int failed = settle_thread(endpoint, 0, &endpoint->error);
    if (!failed)
        failed = endpoint->config.client
                     ? nv_flows_connect(transport, plan, endpoint->sockets, &endpoint->error)
                     : nv_flows_accept(transport, plan, endpoint->sockets, &endpoint->error);
    if (failed) {
        enter(endpoint, NV_ENDPOINT_FAILED);
        return NULL;
    }
    uint64_t spin_ns = spin_ns_of(endpoint);
    enter(endpoint, NV_ENDPOINT_OPENED);
    if (!await_start(endpoint, plan))
        (void)nv_fail(&endpoint->error, NV_E_INTERRUPTED, "stopped before the start");
    else
        (void)run_lanes(endpoint, spin_ns);
    enter(endpoint, endpoint->error.code ? NV_ENDPOINT_FAILED : NV_ENDPOINT_DONE);
    return NULL;
}

static struct nv_phases phases_of(const struct nv_spec *spec)
{
    return (struct nv_phases){.warmup_ns = spec->warmup_ns,
                              .measure_ns = spec->duration_ns,
                              .cooldown_ns = spec->cooldown_ns};
}

static int create_stamps(struct nv_endpoint *endpoint, unsigned index, struct nv_error *err)
{
    const struct nv_spec *spec = &endpoint->spec;
    struct nv_flow_report *report = &endpoint->reports[index];
    struct nv_phases phases = phases_of(spec);
    bool sends = endpoint->workload->sends(spec, endpoint->config.client);
    report->stamps = calloc(1, sizeof *report->stamps);
    if (!report->stamps)
        return nv_fail(err, NV_E_FAILED, "no memory");
    endpoint->sockets[index].stamps = report->stamps;
    return nv_stamps_init(report->stamps, &phases, sends ? nv_spec_trace_rows(spec) : 0, err);
}

static int create_flow(struct nv_endpoint *endpoint, unsigned index, struct nv_error *err)
{
    const struct nv_spec *spec = &endpoint->spec;
    bool client = endpoint->config.client;
    struct nv_flow_report *report = &endpoint->reports[index];
    struct nv_lane_flow *flow = &endpoint->flows[index];
    struct nv_phases phases = phases_of(spec);
    flow->report = report;
    flow->refused_seq = UINT64_MAX;
    if (spec->diag && create_stamps(endpoint, index, err))
        return err->code;
    atomic_init(&flow->told, false);
    nv_framer_init(&flow->framer);
    flow->outbox_size =
        endpoint->engine->caps & NV_CAP_GATHERS ? (unsigned)spec->batch_msgs : NV_OUTBOX_MESSAGES;
    flow->outbox = calloc(flow->outbox_size, sizeof *flow->outbox);
    if (!flow->outbox)
        return nv_fail(err, NV_E_FAILED, "no memory");
    if (endpoint->workload->connects) {
        report->calls = calloc(1, sizeof *report->calls);
        if (!report->calls)
            return nv_fail(err, NV_E_FAILED, "no memory");
        endpoint->sockets[index].calls = report->calls;
    }
    if (endpoint->workload->sends(spec, client)) {
        report->tx = calloc(1, sizeof *report->tx);
        if (!report->tx)
            return nv_fail(err, NV_E_FAILED, "no memory");
        nv_tx_init(report->tx, &phases);
    }
    if (endpoint->workload->receives(spec, client)) {
        struct nv_schedule_config schedule =
            nv_spec_schedule(spec, index, client == endpoint->workload->answered);
        bool ordered = endpoint->driver->transport->caps & NV_CAP_ORDERED;
        struct nv_rx_config config = {.phases = phases,
                                      .unordered = !ordered,
                                      .answered = endpoint->workload->answered,
                                      .tmax_ns = spec->drain_ns,
                                      .trace_capacity = nv_spec_trace_rows(spec),
                                      .stamps = report->stamps};
        config.deadline_count = nv_spec_deadlines(spec, config.deadline_ns);
        config.messages_max = schedule.rate_milli ? nv_schedule_count(&schedule, 0, schedule.end_ns)
                                                  : nv_spec_unpaced_msgs(spec);
        report->rx = calloc(1, sizeof *report->rx);
        if (!report->rx)
            return nv_fail(err, NV_E_FAILED, "no memory");
        if (nv_rx_init(report->rx, &config, err))
            return err->code;
    }
    flow->workload = calloc(1, endpoint->workload->state_size);
    if (!flow->workload)
        return nv_fail(err, NV_E_FAILED, "no memory");
    struct nv_workload_config config = {.spec = spec,
                                        .flow = index,
                                        .client = client,
                                        .run_tag = endpoint->config.run_tag,
                                        .tx = report->tx,
                                        .rx = report->rx};
    endpoint->workload->init(flow->workload, &config);
    return NV_OK;
}

static int create_flows(struct nv_endpoint *endpoint, struct nv_error *err)
{
    unsigned count = endpoint->flow_count;
    endpoint->sockets = calloc(count, sizeof *endpoint->sockets);
    endpoint->reports = calloc(count, sizeof *endpoint->reports);
    endpoint->flows = calloc(count, sizeof *endpoint->flows);
    endpoint->lanes = calloc(endpoint->lane_count, sizeof *endpoint->lanes);
    endpoint->lane_threads = calloc(endpoint->lane_count, sizeof *endpoint->lane_threads);
    if (!endpoint->sockets || !endpoint->reports || !endpoint->flows || !endpoint->lanes ||
        !endpoint->lane_threads)
        return nv_fail(err, NV_E_FAILED, "no memory");
    for (unsigned i = 0; i < count; i++)
        endpoint->sockets[i].fd = -1;
    for (unsigned i = 0; i < count; i++)
        if (create_flow(endpoint, i, err))
            return err->code;
    uint64_t largest = nv_sizes_max(&endpoint->spec.sizes);
    if (endpoint->spec.reply_bytes > largest)
        largest = endpoint->spec.reply_bytes;
    if (nv_payload_init(&endpoint->payload, endpoint->config.run_tag, (uint32_t)largest))
        return nv_fail(err, NV_E_FAILED, "no memory");
    return NV_OK;
}

int nv_endpoint_check(const struct nv_spec *spec, struct nv_error *err)
{
    const struct nv_driver *driver = nv_driver_find(spec->transport, spec->engine, err);
    const struct nv_workload *workload = driver ? nv_workload_find(spec->workload, err) : NULL;
    if (!workload)
        return NV_E_USAGE;
    return nv_spec_check_nature(spec, nv_driver_nature(driver, workload), err);
}

struct nv_endpoint *nv_endpoint_create(const struct nv_endpoint_config *config,
                                       struct nv_error *err)
{
    if (nv_endpoint_check(config->spec, err))
        return NULL;
    const struct nv_driver *driver =
        nv_driver_find(config->spec->transport, config->spec->engine, err);
    const struct nv_workload *workload = nv_workload_find(config->spec->workload, err);
    struct nv_endpoint *endpoint = calloc(1, sizeof *endpoint);
    if (!endpoint)
        return NULL;
    endpoint->config = *config;
    endpoint->spec = *config->spec;
    endpoint->driver = driver;
    endpoint->workload = workload;
    endpoint->engine = workload->connects    ? driver->engine->fresh
                       : endpoint->spec.diag ? driver->engine->stamped
                                             : driver->engine;
    endpoint->plan = plan_of(endpoint);
    endpoint->flow_count = (unsigned)config->spec->flows;
    endpoint->lane_count = nv_endpoint_threads(&endpoint->spec, driver);
    atomic_init(&endpoint->state, NV_ENDPOINT_OPENING);
    if (create_flows(endpoint, err))
        goto failed;
    int failed = pthread_create(&endpoint->thread, NULL, endpoint_thread, endpoint);
    if (failed) {
        (void)nv_fail_errno(err, NV_E_FAILED, failed, "pthread_create");
        goto failed;
    }
    endpoint->thread_runs = true;
    return endpoint;
failed:
    nv_endpoint_destroy(endpoint);
    return NULL;
}

unsigned nv_endpoint_threads(const struct nv_spec *spec, const struct nv_driver *driver)
{
    bool one_a_flow = driver->engine->caps & NV_CAP_THREAD_PER_FLOW;
    return (unsigned)(one_a_flow || spec->threads > spec->flows ? spec->flows : spec->threads);
}

enum nv_endpoint_state nv_endpoint_state(const struct nv_endpoint *endpoint)
{
    return (enum nv_endpoint_state)atomic_load(&endpoint->state);
}

void nv_endpoint_start(struct nv_endpoint *endpoint, uint64_t t0_ns)
{
    atomic_store(&endpoint->t0_ns, t0_ns);
}

void nv_endpoint_ends(const struct nv_endpoint *endpoint, struct nv_flow_end out[NV_FLOWS_MAX])
{
    for (unsigned i = 0; i < endpoint->flow_count; i++)
        out[i] = endpoint->flows[i].ours;
}

void nv_endpoint_expect(struct nv_endpoint *endpoint, const struct nv_flow_end *ends,
                        unsigned count)
{
    for (unsigned i = 0; i < count && i < endpoint->flow_count; i++) {
        if (atomic_load(&endpoint->flows[i].told))
            continue;
        endpoint->flows[i].theirs = ends[i];
        atomic_store(&endpoint->flows[i].told, true);
    }
}

void nv_endpoint_stop(struct nv_endpoint *endpoint)
{
    atomic_store(&endpoint->stop, true);
}

struct nv_flow_report *nv_endpoint_reports(struct nv_endpoint *endpoint, unsigned *flow_count)
{
    *flow_count = endpoint->flow_count;
    return endpoint->reports;
}

const struct nv_error *nv_endpoint_error(const struct nv_endpoint *endpoint)
{
    return &endpoint->error;
}

static void destroy_flow(struct nv_endpoint *endpoint, unsigned index)
{
    struct nv_flow_report *report = &endpoint->reports[index];
    if (report->rx)
        nv_rx_dispose(report->rx);
    free(report->rx);
    free(report->tx);
    free(report->calls);
    if (report->stamps)
        nv_stamps_dispose(report->stamps);
    free(report->stamps);
    free(endpoint->flows[index].workload);
    free(endpoint->flows[index].outbox);
}

void nv_endpoint_destroy(struct nv_endpoint *endpoint)
{
    if (!endpoint)
        return;
    nv_endpoint_stop(endpoint);
    if (endpoint->thread_runs)
        (void)pthread_join(endpoint->thread, NULL);
    if (endpoint->sockets)
        nv_sockets_close(endpoint->sockets, endpoint->flow_count);
    if (endpoint->reports && endpoint->flows)
        for (unsigned i = 0; i < endpoint->flow_count; i++)
            destroy_flow(endpoint, i);
    nv_payload_dispose(&endpoint->payload);
    free(endpoint->sockets);
    free(endpoint->reports);
    free(endpoint->flows);
    free(endpoint->lanes);
    free(endpoint->lane_threads);
    free(endpoint);
}
