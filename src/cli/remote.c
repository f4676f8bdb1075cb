/* SPDX-License-Identifier: MIT */
#include "cli/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "session/frames.h"
#include "session/identity.h"
#include "session/report_json.h"
#include "transport/socket.h"

#define CONNECT_TIMEOUT_NS (10 * NV_NS_PER_S)
#define OPEN_TIMEOUT_NS (8 * NV_NS_PER_S)
#define PAUSE_STEP_NS (10 * NV_NS_PER_MS)
#define BUSY_NS_MIN (5 * NV_NS_PER_S - 10 * NV_NS_PER_MS)
#define RESTING_NS_MIN NV_NS_PER_S

static void set_alarm(struct nv_remote *remote);

static void remote_send(void *context, json_t *frame)
{
    struct nv_remote *remote = context;
    nv_link_send(&remote->link, frame);
}

static void remote_welcome(void *context, const json_t *hello)
{
    struct nv_remote *remote = context;
    char ours[NV_CLOCK_IDENTITY_BYTES];
    const char *theirs = json_string_value(json_object_get(hello, "boot_id"));
    remote->server_hello = json_deep_copy(hello);
    remote->shared_clock = theirs[0] && strcmp(nv_clock_identity(ours), theirs) == 0;
}

static void notify(void *context)
{
    struct nv_remote *remote = context;
    (void)uv_async_send(&remote->wake);
}

static int remote_open(void *context, uint64_t token, uint16_t data_port, struct nv_error *err)
{
    struct nv_remote *remote = context;
    struct nv_endpoint_config config = {
        .spec = &remote->spec,
        .client = true,
        .run_tag = remote->run_tag,
        .token = token,
        .address = remote->address,
        .listen_fd = -1,
        .open_timeout_ns = OPEN_TIMEOUT_NS,
        .notify = notify,
        .context = remote,
    };
    nv_address_set_port(&config.address, data_port);
    remote->endpoint = nv_endpoint_create(&config, err);
    return remote->endpoint ? NV_OK : err->code;
}

static struct nv_busy busy_now(void)
{
    return (struct nv_busy){.busy_ns = nv_kernel_machine_usage().busy_ns, .span_ns = nv_clock_ns()};
}

static void add_busy_since(struct nv_busy *sum, const struct nv_busy *start)
{
    struct nv_busy now = busy_now();
    sum->busy_ns += now.busy_ns - start->busy_ns;
    sum->span_ns += now.span_ns - start->span_ns;
}

static void measured_end_cb(uv_timer_t *handle)
{
    struct nv_remote *remote = handle->data;
    add_busy_since(&remote->measured, &remote->edge_at);
}

static void measured_start_cb(uv_timer_t *handle)
{
    struct nv_remote *remote = handle->data;
    remote->edge_at = busy_now();
    (void)uv_timer_start(handle, measured_end_cb, remote->spec.duration_ns / NV_NS_PER_MS, 0);
}

static void remote_start(void *context, uint64_t t0_ns)
{
    struct nv_remote *remote = context;
    uint64_t now_ns = nv_clock_ns();
    uint64_t start_ns = t0_ns + remote->spec.warmup_ns;
    remote->measured = (struct nv_busy){0};
    (void)uv_timer_start(&remote->edge, measured_start_cb,
                         start_ns > now_ns ? (start_ns - now_ns) / NV_NS_PER_MS : 0, 0);
    if (remote->started)
        remote->started(remote->started_context, t0_ns, t0_ns + nv_spec_end_ns(&remote->spec));
    nv_endpoint_start(remote->endpoint, t0_ns);
}

static void remote_expect(void *context, const struct nv_flow_end *ends, unsigned count)
{
    struct nv_remote *remote = context;
    if (remote->endpoint)
        nv_endpoint_expect(remote->endpoint, ends, count);
}

static int remote_result(void *context, unsigned flow, const json_t *report, struct nv_error *err)
{
    struct nv_remote *remote = context;
    nv_report_dispose(&remote->theirs[flow]);
    return nv_report_from_json(&remote->theirs[flow], report, err);
}

static int remote_trace(void *context, unsigned flow, uint64_t first, const json_t *rows,
                        struct nv_error *err)
{
    struct nv_remote *remote = context;
    struct nv_rx *rx = remote->theirs[flow].rx;
    if (!rx)
        return nv_fail(err, NV_E_PEER, "the server sent a trace without a report");
    return nv_trace_from_json(rx, first, rows, err);
}

static int remote_stamps(void *context, unsigned flow, uint64_t first, const json_t *rows,
                         struct nv_error *err)
{
    struct nv_remote *remote = context;
    struct nv_stamps *stamps = remote->theirs[flow].stamps;
    if (!stamps)
        return nv_fail(err, NV_E_PEER, "the server sent stamps without a report");
    return nv_stamps_from_json(stamps, first, rows, err);
}

static void remote_finished(void *context, const struct nv_error *err)
{
    struct nv_remote *remote = context;
    remote->run_over = true;
    remote->run_error = *err;
}

static void remote_stop(void *context)
{
    struct nv_remote *remote = context;
    if (remote->endpoint)
        nv_endpoint_stop(remote->endpoint);
}

static const struct nv_client_ops ops = {
    .send = remote_send,
    .welcome = remote_welcome,
    .open = remote_open,
    .start = remote_start,
    .expect = remote_expect,
    .result = remote_result,
    .trace = remote_trace,
    .stamps = remote_stamps,
    .finished = remote_finished,
    .stop = remote_stop,
};

static void link_frame(struct nv_link *link, const json_t *object)
{
    struct nv_remote *remote = link->owner;
    nv_client_input(&remote->client, nv_clock_ns(), object);
    set_alarm(remote);
}

static void link_closed(struct nv_link *link, const struct nv_error *err)
{
    struct nv_remote *remote = link->owner;
    remote->link_open = false;
    nv_client_lost(&remote->client, err->code ? err->message : "closed");
}

static const struct nv_link_callbacks callbacks = {.frame = link_frame, .closed = link_closed};

static void link_connected(struct nv_link *link)
{
    struct nv_remote *remote = link->owner;
    remote->connected = true;
    nv_client_init(&remote->client, remote->hello, nv_clock_ns());
    set_alarm(remote);
}

/* An endpoint goes through its states faster than the loop may look: catch up with all of them. */
static void wake_cb(uv_async_t *handle)
{
    struct nv_remote *remote = handle->data;
    struct nv_flow_end ends[NV_FLOWS_MAX];
    if (!remote->endpoint || remote->run_over)
        return;
    uint64_t now_ns = nv_clock_ns();
    enum nv_endpoint_state state = nv_endpoint_state(remote->endpoint);
    if (state == NV_ENDPOINT_FAILED) {
        nv_client_failed(&remote->client, now_ns, nv_endpoint_error(remote->endpoint));
        return;
    }
    if (state >= NV_ENDPOINT_OPENED)
        nv_client_opened(&remote->client, now_ns);
    if (state >= NV_ENDPOINT_SENT) {
        nv_endpoint_ends(remote->endpoint, ends);
        nv_client_sent(&remote->client, ends);
    }
    if (state == NV_ENDPOINT_DONE)
        nv_client_done(&remote->client, now_ns);
    set_alarm(remote);
}

static void alarm_cb(uv_timer_t *handle)
{
    struct nv_remote *remote = handle->data;
    if (remote->connected)
        nv_client_run(&remote->client, nv_clock_ns());
    else
        nv_client_lost(&remote->client, "connect: no answer");
    if (remote->client.state == NV_CLIENT_CLOSED)
        nv_link_close(&remote->link);
    set_alarm(remote);
}

static void set_alarm(struct nv_remote *remote)
{
    uint64_t due_ns = nv_client_next_ns(&remote->client);
    uint64_t now_ns = nv_clock_ns();
    (void)uv_timer_stop(&remote->alarm);
    if (due_ns != UINT64_MAX)
        (void)uv_timer_start(&remote->alarm, alarm_cb,
                             due_ns > now_ns ? (due_ns - now_ns) / NV_NS_PER_MS + 1 : 0, 0);
}

static int interrupted(struct nv_error *err)
{
    return nv_fail(err, NV_E_INTERRUPTED, "interrupted");
}

int nv_remote_open(struct nv_remote *remote, uv_loop_t *loop,
                   const struct sockaddr_storage *address, const bool *interrupt,
                   struct nv_error *err)
{
    char identity[NV_CLOCK_IDENTITY_BYTES];
    char text[NV_ADDRESS_TEXT_BYTES];
    memset(remote, 0, sizeof *remote);
    remote->loop = loop;
    remote->interrupted = interrupt;
    remote->address = *address;
    remote->client.ops = &ops;
    remote->client.context = remote;
    remote->client.deadline_ns = nv_clock_ns() + CONNECT_TIMEOUT_NS;
    remote->hello = nv_hello_frame(nv_clock_identity(identity), NULL);
    (void)uv_async_init(loop, &remote->wake, wake_cb);
    (void)uv_timer_init(loop, &remote->alarm);
    (void)uv_timer_init(loop, &remote->edge);
    remote->wake.data = remote;
    remote->edge.data = remote;
    remote->alarm.data = remote;
    int status = nv_link_init(&remote->link, loop, &callbacks, remote);
    remote->link_open = !status;
    if (!status)
        status = nv_link_connect(&remote->link, (const struct sockaddr *)address, link_connected);
    if (status)
        return nv_fail(err, NV_E_PEER, "connect %s/tcp: %s", nv_address_text(address, text),
                       uv_strerror(status));
    set_alarm(remote);
    while (remote->client.state == NV_CLIENT_AWAIT_HELLO && !*interrupt)
        (void)uv_run(loop, UV_RUN_ONCE);
    if (*interrupt)
        return interrupted(err);
    if (remote->client.state != NV_CLIENT_CLOSED)
        return NV_OK;
    *err = remote->client.error;
    return nv_fail_within(err, "%s/tcp", nv_address_text(address, text));
}

static void drop_run(struct nv_remote *remote)
{
    nv_endpoint_destroy(remote->endpoint);
    remote->endpoint = NULL;
    for (unsigned i = 0; remote->theirs && i < remote->spec.flows; i++)
        nv_report_dispose(&remote->theirs[i]);
    free(remote->theirs);
    remote->theirs = NULL;
}

int nv_remote_run(struct nv_remote *remote, const struct nv_spec *spec, struct nv_error *err)
{
    drop_run(remote);
    if (*remote->interrupted)
        return interrupted(err);
    if (remote->client.state != NV_CLIENT_IDLE) {
        *err = remote->client.error;
        return err->code;
    }
    remote->spec = *spec;
    remote->run_tag = (uint32_t)nv_rng_entropy() | 1;
    remote->run_over = false;
    remote->theirs = calloc(spec->flows, sizeof *remote->theirs);
    if (!remote->theirs)
        return nv_fail(err, NV_E_FAILED, "no memory");
    nv_client_begin(&remote->client, &remote->spec, remote->run_tag, nv_clock_ns());
    set_alarm(remote);
    while (!remote->run_over && !*remote->interrupted)
        (void)uv_run(remote->loop, UV_RUN_ONCE);
    (void)uv_timer_stop(&remote->edge);
    if (*remote->interrupted) {
        remote_stop(remote);
        return interrupted(err);
    }
    *err = remote->run_error;
    return err->code;
}

const struct nv_flow_report *nv_remote_ours(struct nv_remote *remote)
{
    unsigned count;
    return nv_endpoint_reports(remote->endpoint, &count);
}

const struct nv_flow_report *nv_remote_theirs(struct nv_remote *remote)
{
    return remote->theirs;
}

/* Signals are served meanwhile, and a server that goes away is noticed. */
void nv_remote_pause(struct nv_remote *remote, uint64_t pause_ns)
{
    struct nv_busy start = busy_now();
    uint64_t now_ns = start.span_ns;
    uint64_t end_ns = now_ns + pause_ns;
    while (now_ns < end_ns && !*remote->interrupted && remote->client.state == NV_CLIENT_IDLE) {
        (void)uv_run(remote->loop, UV_RUN_NOWAIT);
        nv_clock_sleep_until(end_ns - now_ns < PAUSE_STEP_NS ? end_ns : now_ns + PAUSE_STEP_NS);
        now_ns = nv_clock_ns();
    }
    add_busy_since(&remote->resting, &start);
}

uint64_t nv_remote_sys_cpu_ns(const struct nv_remote *remote)
{
    const struct nv_busy *measured = &remote->measured;
    const struct nv_busy *resting = &remote->resting;
    if (measured->span_ns < BUSY_NS_MIN || resting->span_ns < RESTING_NS_MIN)
        return NV_UNKNOWN;
    double duration_ns = (double)remote->spec.duration_ns;
    double busy = (double)measured->busy_ns / (double)measured->span_ns -
                  (double)resting->busy_ns / (double)resting->span_ns;
    return busy > 0 ? (uint64_t)(busy * duration_ns) : NV_UNKNOWN;
}

static void handle_closed_cb(uv_handle_t *handle)
{
    struct nv_remote *remote = handle->data;
    remote->handles_open--;
}

void nv_remote_close(struct nv_remote *remote)
{
    drop_run(remote);
    if (remote->link_open)
        nv_link_close(&remote->link);
    remote->handles_open = 3;
    uv_close((uv_handle_t *)&remote->edge, handle_closed_cb);
    uv_close((uv_handle_t *)&remote->wake, handle_closed_cb);
    uv_close((uv_handle_t *)&remote->alarm, handle_closed_cb);
    while (remote->link_open || remote->handles_open)
        (void)uv_run(remote->loop, UV_RUN_ONCE);
    json_decref(remote->hello);
    json_decref(remote->server_hello);
}
