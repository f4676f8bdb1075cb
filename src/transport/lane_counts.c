/* SPDX-License-Identifier: MIT */
#include "transport/lane_counts.h"

/* Whose drops are those of a flow: where all clients send to one socket, the first flow's. */
static int counted_fd(const struct nv_lane *lane, unsigned flow)
{
    int listen_fd = lane->channel.plan->listen_fd;
    bool shared = lane->workload.connects && listen_fd >= 0 && lane->channel.first_flow + flow == 0;
    return shared ? listen_fd : lane->channel.sockets[flow].fd;
}

static void read_namespace(uint64_t out[3])
{
    out[0] = nv_kernel_netstat("TcpExt:", "ListenOverflows");
    out[1] = nv_kernel_netstat("TcpExt:", "ListenDrops");
    out[2] = nv_kernel_netstat("TcpExt:", "TCPToZeroWindowAdv");
}

void nv_lane_open_counts(struct nv_lane *lane)
{
    nv_perf_open(&lane->perf);
    if (!lane->channel.first_flow)
        read_namespace(lane->namespace_start);
}

void nv_lane_start_counting(struct nv_lane *lane)
{
    lane->measuring = true;
    lane->usage_start = nv_kernel_thread_usage();
    nv_perf_read(&lane->perf, lane->events_start);
    for (unsigned i = 0; i < lane->channel.flow_count; i++) {
        lane->flows[i].tcp_start = nv_kernel_tcp(lane->channel.sockets[i].fd);
        lane->flows[i].drops_start = nv_kernel_drops(counted_fd(lane, i));
    }
}

void nv_lane_stop_counting(struct nv_lane *lane)
{
    lane->measured = true;
    struct nv_thread_usage usage = nv_kernel_thread_usage();
    uint64_t events[NV_PERF_EVENTS];
    nv_perf_read(&lane->perf, events);
    for (unsigned e = 0; e < NV_PERF_EVENTS; e++)
        events[e] -= events[e] == NV_UNKNOWN ? 0 : lane->events_start[e];
    for (unsigned i = 0; i < lane->channel.flow_count; i++) {
        struct nv_flow_report *report = lane->flows[i].report;
        report->cpu_ns = usage.cpu_ns - lane->usage_start.cpu_ns;
        report->idle_ns = nv_kernel_idle_ns(&usage, &lane->usage_start);
        report->cycles = events[NV_PERF_CYCLES];
        report->instructions = events[NV_PERF_INSTRUCTIONS];
        report->involuntary_switches =
            usage.involuntary_switches - lane->usage_start.involuntary_switches;
        report->shared_thread = i > 0;
        report->spun = lane->channel.spins || lane->channel.spin_ns;
    }
}

static uint64_t since(uint64_t now, uint64_t start)
{
    return now == NV_UNKNOWN || start == NV_UNKNOWN ? NV_UNKNOWN : now - start;
}

/* Of the first lane, for all. */
static void report_namespace(struct nv_lane *lane)
{
    uint64_t now[3];
    if (lane->channel.first_flow)
        return;
    read_namespace(now);
    lane->flows[0].report->listen_overflows = since(now[0], lane->namespace_start[0]);
    lane->flows[0].report->listen_drops = since(now[1], lane->namespace_start[1]);
    lane->flows[0].report->zero_windows = since(now[2], lane->namespace_start[2]);
}

void nv_lane_report_counts(struct nv_lane *lane)
{
    for (unsigned i = 0; i < lane->channel.flow_count; i++) {
        struct nv_lane_flow *flow = &lane->flows[i];
        struct nv_tcp_counters tcp = nv_kernel_tcp(lane->channel.sockets[i].fd);
        if (!lane->workload.connects) /* where the messages are elsewhere it tells nothing */
            flow->report->tcp = nv_kernel_tcp_since(&tcp, &flow->tcp_start);
        flow->report->drops_count = nv_kernel_drops(counted_fd(lane, i)) - flow->drops_start;
        flow->report->io = lane->channel.sockets[i].io;
    }
    report_namespace(lane);
}
