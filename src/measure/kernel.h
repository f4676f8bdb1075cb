/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_KERNEL_H
#define NV_MEASURE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/counter.h"

/* What the kernel counts about one socket and one thread. Cumulative; take the difference of two.
 */

/* Linux tcp_info fields; a kernel that does not return one leaves it unknown (present bit clear).
 */
struct nv_tcp_counters {
    uint64_t retrans_segs, bytes_retrans, bytes_sent, data_segs_out, segs_out, dsack_dups,
        reord_seen, rcv_ooo_pkts, busy_us, rwnd_limited_us, sndbuf_limited_us;
    uint64_t min_rtt_us, rtt_us, mss_bytes; /* the latest, not differences */
    uint64_t known;                         /* 1 when the socket is TCP and told */
};

/* Every member: those that grow add up, the latest are kept. Ends with a NULL name. */
extern const struct nv_counter_row nv_tcp_rows[];

struct nv_tcp_counters nv_kernel_tcp(int fd);
struct nv_tcp_counters nv_kernel_tcp_since(const struct nv_tcp_counters *now,
                                           const struct nv_tcp_counters *before);
/* Adds a flow to a sum over flows, whose latest values are then those of this flow. */
void nv_kernel_tcp_add(struct nv_tcp_counters *sum, const struct nv_tcp_counters *flow);

/* Datagrams dropped at this socket since it was made: SO_MEMINFO, SK_MEMINFO_DROPS. */
uint64_t nv_kernel_drops(int fd);

/* A counter of /proc/net/netstat of the calling thread's network namespace, such as "ListenDrops"
 * of "TcpExt:"; NV_UNKNOWN when there is none. Cumulative, and of all sockets of the namespace. */
uint64_t nv_kernel_netstat(const char *group, const char *name);

struct nv_thread_usage {
    uint64_t at_ns; /* nv_clock_ns() */
    uint64_t cpu_ns;
    uint64_t
        waited_ns; /* ready to run, and not running; NV_UNKNOWN where the kernel keeps no count */
    uint64_t involuntary_switches;
};
struct nv_thread_usage nv_kernel_thread_usage(void);
/* Time between two readings for which the thread had nothing to do; NV_UNKNOWN likewise. */
uint64_t nv_kernel_idle_ns(const struct nv_thread_usage *now, const struct nv_thread_usage *before);

/* All processors together since boot, ns, in steps of a clock tick (/proc/stat); 0: not told. */
struct nv_machine_usage {
    uint64_t busy_ns;  /* not idle: programs, kernel and interrupts */
    uint64_t steal_ns; /* taken by the hypervisor */
};
struct nv_machine_usage nv_kernel_machine_usage(void);

#endif
