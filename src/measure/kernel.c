/* SPDX-License-Identifier: MIT */
#include "measure/kernel.h"

#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define NETSTAT_LINE_BYTES 8192 /* its longest has some 2500 */

/* In the order of tcp_info: a kernel returns a prefix of the struct. */
#define HAS(len, field) ((len) >= offsetof(struct tcp_info, field) + sizeof info.field)

#define ROW(field, merge)                                                                          \
    {                                                                                              \
#field, offsetof(struct nv_tcp_counters, field), 1, merge                                  \
    }

const struct nv_counter_row nv_tcp_rows[] = {
    ROW(retrans_segs, NV_MERGE_SUM),
    ROW(bytes_retrans, NV_MERGE_SUM),
    ROW(bytes_sent, NV_MERGE_SUM),
    ROW(data_segs_out, NV_MERGE_SUM),
    ROW(segs_out, NV_MERGE_SUM),
    ROW(dsack_dups, NV_MERGE_SUM),
    ROW(reord_seen, NV_MERGE_SUM),
    ROW(rcv_ooo_pkts, NV_MERGE_SUM),
    ROW(busy_us, NV_MERGE_SUM),
    ROW(rwnd_limited_us, NV_MERGE_SUM),
    ROW(sndbuf_limited_us, NV_MERGE_SUM),
    ROW(min_rtt_us, NV_MERGE_KEEP),
    ROW(rtt_us, NV_MERGE_KEEP),
    ROW(mss_bytes, NV_MERGE_KEEP),
    ROW(known, NV_MERGE_KEEP),
    {NULL, 0, 0, NV_MERGE_KEEP},
};

struct nv_tcp_counters nv_kernel_tcp(int fd)
{
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    socklen_t len = sizeof info;
    struct nv_tcp_counters out = {0};
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) || !HAS(len, tcpi_rcv_ooopack))
        return out;
    return (struct nv_tcp_counters){
        .retrans_segs = info.tcpi_total_retrans,
        .bytes_retrans = info.tcpi_bytes_retrans,
        .bytes_sent = info.tcpi_bytes_sent,
        .data_segs_out = info.tcpi_data_segs_out,
        .segs_out = info.tcpi_segs_out,
        .dsack_dups = info.tcpi_dsack_dups,
        .reord_seen = info.tcpi_reord_seen,
        .rcv_ooo_pkts = info.tcpi_rcv_ooopack,
        .busy_us = info.tcpi_busy_time,
        .rwnd_limited_us = info.tcpi_rwnd_limited,
        .sndbuf_limited_us = info.tcpi_sndbuf_limited,
        .min_rtt_us = info.tcpi_min_rtt,
        .rtt_us = info.tcpi_rtt,
        .mss_bytes = info.tcpi_snd_mss,
        .known = 1,
    };
}

struct nv_tcp_counters nv_kernel_tcp_since(const struct nv_tcp_counters *now,
                                           const struct nv_tcp_counters *before)
{
    struct nv_tcp_counters since = *now;
    for (const struct nv_counter_row *row = nv_tcp_rows; row->name; row++)
        if (row->merge == NV_MERGE_SUM)
            *nv_counter_at(&since, row) -= *nv_counter_read(before, row);
    since.known = now->known && before->known;
    return since;
}

void nv_kernel_tcp_add(struct nv_tcp_counters *sum, const struct nv_tcp_counters *flow)
{
    struct nv_tcp_counters both = *flow;
    nv_counters_merge(nv_tcp_rows, &both, sum);
    *sum = both;
}

uint64_t nv_kernel_drops(int fd)
{
    uint32_t info[SK_MEMINFO_VARS];
    socklen_t len = sizeof info;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) ||
        len <= SK_MEMINFO_DROPS * sizeof info[0])
        return 0;
    return info[SK_MEMINFO_DROPS];
}

/* Lines come in pairs that begin alike: names, and values in the same order. */
static uint64_t value_of(char *names, char *values, const char *name)
{
    char *name_rest = NULL;
    char *value_rest = NULL;
    const char *next = strtok_r(names, " \n", &name_rest);
    const char *value = strtok_r(values, " \n", &value_rest);
    while (next && value && strcmp(next, name) != 0) {
        next = strtok_r(NULL, " \n", &name_rest);
        value = strtok_r(NULL, " \n", &value_rest);
    }
    return next && value ? strtoull(value, NULL, 10) : NV_UNKNOWN;
}

uint64_t nv_kernel_netstat(const char *group, const char *name)
{
    char names[NETSTAT_LINE_BYTES];
    char values[NETSTAT_LINE_BYTES];
    uint64_t found = NV_UNKNOWN;
    FILE *in = fopen("/proc/thread-self/net/netstat", "re");
    while (in && fgets(names, sizeof names, in) && fgets(values, sizeof values, in))
        if (strncmp(names, group, strlen(group)) == 0)
            found = value_of(names, values, name);
    if (in)
        (void)fclose(in);
    return found;
}

/* schedstat: time on a processor, time that it waited for one, and how often (ns, ns, count). */
static uint64_t thread_waited_ns(void)
{
    unsigned long long waited_ns = 0;
    FILE *file = fopen("/proc/thread-self/schedstat", "re");
    if (!file)
        return NV_UNKNOWN;
    int n = fscanf(file, "%*u %llu", &waited_ns);
    (void)fclose(file);
    return n == 1 ? waited_ns : NV_UNKNOWN;
}

struct nv_thread_usage nv_kernel_thread_usage(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage))
        return (struct nv_thread_usage){0};
    return (struct nv_thread_usage){
        .at_ns = nv_clock_ns(),
        .cpu_ns = nv_clock_thread_cpu_ns(),
        .waited_ns = thread_waited_ns(),
        .involuntary_switches = (uint64_t)usage.ru_nivcsw,
    };
}

uint64_t nv_kernel_idle_ns(const struct nv_thread_usage *now, const struct nv_thread_usage *before)
{
    if (now->waited_ns == NV_UNKNOWN || before->waited_ns == NV_UNKNOWN)
        return NV_UNKNOWN;
    uint64_t past_ns = now->at_ns - before->at_ns;
    uint64_t busy_ns = now->cpu_ns - before->cpu_ns + now->waited_ns - before->waited_ns;
    return busy_ns < past_ns ? past_ns - busy_ns : 0;
}

struct nv_machine_usage nv_kernel_machine_usage(void)
{
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, COUNT };
    unsigned long long ticks[COUNT] = {0};
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return (struct nv_machine_usage){0};
    int n = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[USER], &ticks[NICE],
                   &ticks[SYSTEM], &ticks[IDLE], &ticks[IOWAIT], &ticks[IRQ], &ticks[SOFTIRQ],
                   &ticks[STEAL]);
    (void)fclose(file);
    long per_second = sysconf(_SC_CLK_TCK);
    if (n != COUNT || per_second <= 0)
        return (struct nv_machine_usage){0};
    uint64_t tick_ns = NV_NS_PER_S / (uint64_t)per_second;
    return (struct nv_machine_usage){
        .busy_ns =
            tick_ns * (ticks[USER] + ticks[NICE] + ticks[SYSTEM] + ticks[IRQ] + ticks[SOFTIRQ]),
        .steal_ns = tick_ns * ticks[STEAL],
    };
}
