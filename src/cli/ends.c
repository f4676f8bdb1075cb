/* SPDX-License-Identifier: MIT */
#include "cli/ends.h"

#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "cli/cli.h"
#include "transport/socket.h"

enum nv_network nv_network_of(const struct nv_spec *spec)
{
    return strcmp(spec->path, "none") == 0 ? NV_NETWORK_REAL : NV_NETWORK_EMULATED;
}

static int prepare_real(struct nv_ends *ends, struct nv_error *err)
{
    const struct nv_settings *settings = ends->settings;
    struct nv_far_end *end = &ends->end[NV_NETWORK_REAL];
    int family = settings->ipv6 ? AF_INET6 : settings->ipv4 ? AF_INET : AF_UNSPEC;
    /* May wait for a name server for long, which a signal ends as long as there is no loop. */
    return settings->server[0] ? nv_resolve(settings->server, family, &end->server, err) : NV_OK;
}

/* Until a run says otherwise, nothing happens to packets. */
static int prepare_emulated(struct nv_ends *ends, struct nv_error *err)
{
    struct nv_path empty;
    if (ends->settings->server[0])
        return nv_fail(err, NV_E_USAGE,
                       "path: an emulated path has both ends on this machine; leave --server out");
    if (nv_carrier_open(&ends->carrier, err) || nv_path_parse(&empty, "empty", NULL, err))
        return err->code;
    const struct nv_carrier_setting setting = {.path = &empty};
    return nv_carrier_configure(&ends->carrier, &setting, err);
}

int nv_ends_prepare(struct nv_ends *ends, const struct nv_campaign *campaign,
                    const struct nv_plan *plan, struct nv_error *err)
{
    memset(ends, 0, sizeof *ends);
    ends->settings = &campaign->settings;
    for (unsigned i = 0; i < plan->cell_count; i++)
        ends->end[nv_network_of(&plan->cells[i].arm[0])].wanted = true;
    if (ends->end[NV_NETWORK_REAL].wanted && prepare_real(ends, err))
        return err->code;
    return ends->end[NV_NETWORK_EMULATED].wanted ? prepare_emulated(ends, err) : NV_OK;
}

static const char *bind_address(const struct nv_ends *ends, enum nv_network network)
{
    if (network == NV_NETWORK_EMULATED)
        return ends->settings->ipv6 ? NV_CARRIER_FAR_IPV6 : NV_CARRIER_FAR_IPV4;
    return ends->settings->ipv6 ? "::1" : "127.0.0.1";
}

static int start_child(struct nv_ends *ends, enum nv_network network, uv_loop_t *loop,
                       struct nv_error *err)
{
    struct nv_child *child = &ends->end[network].child;
    bool far = network == NV_NETWORK_EMULATED;
    if (far && nv_carrier_enter(&ends->carrier, NV_PLACE_FAR, err))
        return err->code;
    int failed = nv_child_start(child, loop, bind_address(ends, network), err);
    if (far && nv_carrier_enter(&ends->carrier, NV_PLACE_NEAR, failed ? NULL : err))
        return err->code;
    while (!failed && nv_child_awaited(child) && !*ends->interrupted)
        (void)uv_run(loop, UV_RUN_ONCE);
    if (!failed && *ends->interrupted)
        return nv_fail(err, NV_E_INTERRUPTED, "interrupted");
    return failed ? failed : nv_child_address(child, &ends->end[network].server, err);
}

static int reach(struct nv_ends *ends, enum nv_network network, uv_loop_t *loop,
                 struct nv_error *err)
{
    struct nv_far_end *end = &ends->end[network];
    bool named = network == NV_NETWORK_REAL && ends->settings->server[0];
    if (!named && start_child(ends, network, loop, err))
        return err->code;
    end->remote_open = true;
    return nv_remote_open(&end->remote, loop, &end->server, ends->interrupted, err);
}

/* Without it nothing comes from the server any more, not even word that it is alive. */
static void forwarder_gone(uv_poll_t *watch, int status, int events)
{
    struct nv_ends *ends = watch->data;
    struct nv_far_end *end = &ends->end[NV_NETWORK_EMULATED];
    (void)status;
    (void)events;
    (void)uv_poll_stop(watch);
    if (end->remote_open)
        nv_client_lost(&end->remote.client, "the process that forwards packets has gone");
}

static void watch_forwarder(struct nv_ends *ends, uv_loop_t *loop)
{
    ends->watched = uv_poll_init(loop, &ends->watch, ends->carrier.control_fd) == 0;
    ends->watch.data = ends;
    if (ends->watched)
        (void)uv_poll_start(&ends->watch, UV_DISCONNECT, forwarder_gone);
}

int nv_ends_reach(struct nv_ends *ends, uv_loop_t *loop, const bool *interrupted,
                  struct nv_error *err)
{
    ends->interrupted = interrupted;
    if (ends->end[NV_NETWORK_EMULATED].wanted)
        watch_forwarder(ends, loop);
    for (unsigned i = 0; i < 2; i++)
        if (ends->end[i].wanted && reach(ends, (enum nv_network)i, loop, err))
            return err->code;
    return NV_OK;
}

struct nv_remote *nv_ends_remote(struct nv_ends *ends, enum nv_network network)
{
    return &ends->end[network].remote;
}

const json_t *nv_ends_hello(const struct nv_ends *ends)
{
    const json_t *real = ends->end[NV_NETWORK_REAL].remote.server_hello;
    return real ? real : ends->end[NV_NETWORK_EMULATED].remote.server_hello;
}

const char *nv_ends_where(const struct nv_ends *ends)
{
    if (!ends->end[NV_NETWORK_EMULATED].wanted)
        return ends->settings->server[0] ? ends->settings->server : "loopback";
    return ends->end[NV_NETWORK_REAL].wanted ? "loopback and emulated paths" : "emulated path";
}

static void started(void *context, uint64_t t0_ns, uint64_t end_ns)
{
    struct nv_ends *ends = context;
    /* The machine did not run us for longer than a run waits to begin. */
    if (nv_carrier_start(&ends->carrier, t0_ns, end_ns, &ends->path_error) == NV_OK &&
        nv_clock_ns() >= t0_ns)
        ends->began_late = true;
}

static int run_emulated(struct nv_ends *ends, const struct nv_spec *spec,
                        const struct nv_path *path, struct nv_path_report *report,
                        struct nv_error *err)
{
    struct nv_far_end *end = &ends->end[NV_NETWORK_EMULATED];
    const struct nv_carrier_setting setting = {
        .path = path,
        .seed = nv_mix64(spec->seed, 3), /* the path's own streams, not those of the schedule */
        .free_port = nv_address_port(&end->server),
        .log_capacity = ends->settings->packets,
    };
    ends->path_error = (struct nv_error){0};
    ends->began_late = false;
    end->remote.started = started;
    end->remote.started_context = ends;
    if (nv_carrier_configure(&ends->carrier, &setting, err) ||
        nv_remote_run(&end->remote, spec, err))
        return err->code;
    if (ends->path_error.code) {
        *err = ends->path_error;
        return err->code;
    }
    if (nv_carrier_report(&ends->carrier, report, err))
        return err->code;
    report->began_late = ends->began_late;
    for (unsigned i = 0; i < 2; i++)
        if (!report->way[i].conserved)
            return nv_fail(err, NV_E_FAILED,
                           "the account of the emulated path does not balance: this is a bug in "
                           "netversus");
    return NV_OK;
}

static int take_packets(const struct nv_ends *ends, struct nv_run_result *run, struct nv_error *err)
{
    for (unsigned way = 0; way < 2 && ends->settings->packets; way++) {
        run->packets[way] = nv_packet_log_copy(ends->carrier.logs[way]);
        if (!run->packets[way])
            return nv_fail(err, NV_E_FAILED, "no memory");
        if (run->packets[way]->missed_count)
            nv_run_result_flag(run, "packets_truncated");
    }
    return NV_OK;
}

int nv_ends_measure(struct nv_ends *ends, const struct nv_path *path, struct nv_run_result *run,
                    struct nv_error *err)
{
    enum nv_network network = nv_network_of(&run->spec);
    struct nv_remote *remote = nv_ends_remote(ends, network);
    run->path = (struct nv_path_report){0};
    run->shared_clock = remote->shared_clock;
    nv_clock_utc(run->start_utc);
    uint64_t steal_ns = nv_kernel_machine_usage().steal_ns;
    if (network == NV_NETWORK_EMULATED ? run_emulated(ends, &run->spec, path, &run->path, err)
                                       : nv_remote_run(remote, &run->spec, err))
        return err->code;
    run->steal_ns = nv_kernel_machine_usage().steal_ns - steal_ns;
    /* The emulator's work is not the transport's. */
    run->sys_cpu_ns = run->path.known ? NV_UNKNOWN : nv_remote_sys_cpu_ns(remote);
    if (run->path.known && take_packets(ends, run, err))
        return err->code;
    return nv_run_result_build(run, nv_remote_ours(remote), nv_remote_theirs(remote), err);
}

void nv_ends_close(struct nv_ends *ends, uv_loop_t *loop)
{
    for (unsigned i = 0; i < 2 && loop; i++) {
        if (ends->end[i].remote_open)
            nv_remote_close(&ends->end[i].remote);
        nv_child_stop(&ends->end[i].child, loop);
    }
    if (ends->watched)
        uv_close((uv_handle_t *)&ends->watch, NULL);
    nv_carrier_close(&ends->carrier);
}
