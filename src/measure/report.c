/* SPDX-License-Identifier: MIT */
#include "measure/report.h"

#define ROW(name, field)                                                                           \
    {                                                                                              \
        name, offsetof(struct nv_flow_report, field)                                               \
    }

const struct nv_report_row nv_report_rows[] = {
    ROW("connect_ns", io.connect_ns),
    ROW("sndbuf_bytes", io.sndbuf_bytes),
    ROW("rcvbuf_bytes", io.rcvbuf_bytes),
    ROW("mtu_bytes", io.mtu_bytes),
    ROW("recv_calls", io.recv_calls),
    ROW("recv_empty", io.recv_empty),
    ROW("truncated", io.truncated),
    ROW("send_calls", io.send_calls),
    ROW("partial_writes", io.partial_writes),
    ROW("refused_count", io.refused_count),
    ROW("joins", io.joins),
    ROW("tcp_retrans_segs", tcp.retrans_segs),
    ROW("tcp_bytes_retrans", tcp.bytes_retrans),
    ROW("tcp_bytes_sent", tcp.bytes_sent),
    ROW("tcp_data_segs_out", tcp.data_segs_out),
    ROW("tcp_segs_out", tcp.segs_out),
    ROW("tcp_dsack_dups", tcp.dsack_dups),
    ROW("tcp_reord_seen", tcp.reord_seen),
    ROW("tcp_rcv_ooo_pkts", tcp.rcv_ooo_pkts),
    ROW("tcp_busy_us", tcp.busy_us),
    ROW("tcp_rwnd_limited_us", tcp.rwnd_limited_us),
    ROW("tcp_sndbuf_limited_us", tcp.sndbuf_limited_us),
    ROW("tcp_min_rtt_us", tcp.min_rtt_us),
    ROW("tcp_rtt_us", tcp.rtt_us),
    ROW("tcp_mss_bytes", tcp.mss_bytes),
    ROW("tcp_known", tcp.known),
    ROW("listen_overflows", listen_overflows),
    ROW("listen_drops", listen_drops),
    ROW("drops_count", drops_count),
    ROW("full_count", full_count),
    ROW("blocked_ns", blocked_ns),
    ROW("cpu_ns", cpu_ns),
    ROW("cycles", cycles),
    ROW("instructions", instructions),
    ROW("involuntary_switches", involuntary_switches),
    ROW("shared_thread", shared_thread),
    ROW("spun", spun),
    ROW("idle_ns", idle_ns),
    ROW("stamps_sent_gaps_count", stamped.sent_gaps_count),
    ROW("stamps_again_count", stamped.again_count),
    ROW("stamps_foreign_count", stamped.foreign_count),
    ROW("stamps_unstamped_count", stamped.unstamped_count),
    ROW("stamps_clock_step_ns", stamped.clock_step_ns),
    {NULL, 0},
};
