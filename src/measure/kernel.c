/* SPDX-License-Identifier: MIT */
#include "measure/kernel.h"

#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

/* In the order of tcp_info: a kernel returns a prefix of the struct. */
#define HAS(len, field) ((len) >= offsetof(struct tcp_info, field) + sizeof info.field)

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
    struct nv_tcp_counters d = *now;
    d.retrans_segs -= before->retrans_segs;
    d.bytes_retrans -= before->bytes_retrans;
    d.bytes_sent -= before->bytes_sent;
    d.data_segs_out -= before->data_segs_out;
    d.segs_out -= before->segs_out;
    d.dsack_dups -= before->dsack_dups;
    d.reord_seen -= before->reord_seen;
    d.rcv_ooo_pkts -= before->rcv_ooo_pkts;
    d.busy_us -= before->busy_us;
    d.rwnd_limited_us -= before->rwnd_limited_us;
    d.sndbuf_limited_us -= before->sndbuf_limited_us;
    d.known = now->known && before->known;
    return d;
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

struct nv_thread_usage nv_kernel_thread_usage(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage))
        return (struct nv_thread_usage){0};
    return (struct nv_thread_usage){
        .cpu_ns = nv_clock_thread_cpu_ns(),
        .involuntary_switches = (uint64_t)usage.ru_nivcsw,
    };
}

uint64_t nv_kernel_steal_ns(void)
{
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return 0;
    unsigned long long ticks[8] = {0};
    int n = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1],
                   &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]);
    (void)fclose(file);
    long per_second = sysconf(_SC_CLK_TCK);
    return n == 8 && per_second > 0 ? ticks[7] * (NV_NS_PER_S / (uint64_t)per_second) : 0;
}
