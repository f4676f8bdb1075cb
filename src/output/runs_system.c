/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "output/field.h"

#define IPV4_HEADER_BYTES 20u
#define UDP_HEADER_BYTES 8u
#define FRAGMENT_UNIT_BYTES 8u /* offsets count in these (RFC 791) */

static void get_tcp(struct nv_field *field, const struct nv_column *column, const void *line)
{
    if (nv_line_is_tcp(line))
        nv_get_row_count(field, column, line);
    else
        nv_field_count(field, NV_UNKNOWN);
}

static void get_tcp_one_flow(struct nv_field *field, const struct nv_column *column,
                             const void *line)
{
    if (nv_line_is_tcp(line) && nv_line_is_one_flow(line))
        nv_get_row_count(field, column, line);
    else
        nv_field_count(field, NV_UNKNOWN);
}

/* Of the end that set the connection up. */
static void get_connect(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_result_row *row = ((const struct nv_line *)line)->row;
    uint64_t connect_ns = row->sender.io.connect_ns;
    if (!connect_ns)
        connect_ns = row->receiver.io.connect_ns;
    nv_field_count(field, connect_ns && nv_line_is_one_flow(line) ? connect_ns : NV_UNKNOWN);
}

/* 0 stands for not known. */
static void get_nonzero(struct nv_field *field, const struct nv_column *column, const void *line)
{
    nv_get_row_count(field, column, line);
    if (strcmp(field->text, "0") == 0)
        field->text[0] = '\0';
}

static void get_steal(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_count(field, ((const struct nv_line *)line)->run->steal_ns);
}

/* IPv4: all but the last fragment carry a multiple of 8 bytes. */
double nv_fragments(uint64_t mtu_bytes, double message_bytes)
{
    if (mtu_bytes < IPV4_HEADER_BYTES + FRAGMENT_UNIT_BYTES || mtu_bytes == NV_UNKNOWN)
        return NAN;
    uint64_t unit_count = (mtu_bytes - IPV4_HEADER_BYTES) / FRAGMENT_UNIT_BYTES;
    return ceil((message_bytes + UDP_HEADER_BYTES) / (double)(FRAGMENT_UNIT_BYTES * unit_count));
}

static void get_fragments(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    bool is_udp = strcmp(at->run->spec.transport, "udp") == 0;
    double fragments =
        nv_fragments(at->row->sender.io.mtu_bytes, nv_sizes_mean(&at->run->spec.sizes));
    nv_field_real(field, is_udp ? fragments : NAN);
}

static void get_tcp_all_flows(struct nv_field *field, const struct nv_column *column,
                              const void *line)
{
    const struct nv_line *at = line;
    if (nv_line_is_tcp(line) && at->row->flow == NV_FLOW_ALL)
        nv_get_row_count(field, column, line);
    else
        nv_field_count(field, NV_UNKNOWN);
}

/* Of who accepts connections one by one. */
static void get_listening(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_line *at = line;
    field->text[0] = '\0';
    if (at->row->calls[1] && strcmp(at->run->spec.transport, "tcp") == 0)
        nv_get_row_count(field, column, line);
}

const struct nv_column nv_runs_system_columns[] = {
    NV_COLUMN("rx_recv_calls", "Receive calls that brought data, in goodput's window.",
              nv_get_rx_count, NV_AT_RX(boundary.recv_calls)),
    NV_COLUMN("rx_eagain_calls", "Receive calls that found nothing (EAGAIN); whole run.",
              nv_get_row_count, NV_AT_ROW(receiver.io.recv_empty)),
    NV_COLUMN("rx_truncated_calls",
              "Receive calls whose datagram was longer than --read-size, and lost its end "
              "(MSG_TRUNC); its message is corrupt. Whole run.",
              nv_get_row_count, NV_AT_ROW(receiver.io.truncated)),
    NV_COLUMN("tx_send_calls", "Send calls, failed ones included; whole run.", nv_get_row_count,
              NV_AT_ROW(sender.io.send_calls)),
    NV_COLUMN("tx_partial_writes",
              "Send calls that took a part of a message only: a byte stream may; whole run.",
              nv_get_row_count, NV_AT_ROW(sender.io.partial_writes)),
    NV_COLUMN("tx_refused_calls",
              "Calls that were told that nobody listens (ECONNREFUSED); whole run.",
              nv_get_row_count, NV_AT_ROW(sender.io.refused_count)),
    NV_COLUMN("split_msgs_count", "Messages that came in more than one receive call.",
              nv_get_rx_count, NV_AT_RX(boundary.split_msgs_count)),
    NV_COLUMN("coalesced_recvs_count", "Receive calls that finished more than one message.",
              nv_get_rx_count, NV_AT_RX(boundary.coalesced_recvs_count)),
    NV_COLUMN("steal_ns", "Time that the hypervisor took from all processors during the run.",
              get_steal),
    NV_COLUMN("tcp_retrans_segs",
              "Segments that the sender retransmitted, measured phase to end; this and all tcp_ "
              "columns are empty for UDP.",
              get_tcp, NV_AT_ROW(sender.tcp.retrans_segs), .source = "tcpi_total_retrans"),
    NV_COLUMN("tcp_bytes_retrans", "Bytes retransmitted.", get_tcp,
              NV_AT_ROW(sender.tcp.bytes_retrans), .source = "tcpi_bytes_retrans"),
    NV_COLUMN("tcp_bytes_sent", "Bytes sent, retransmissions included.", get_tcp,
              NV_AT_ROW(sender.tcp.bytes_sent), .source = "tcpi_bytes_sent"),
    NV_COLUMN("tcp_data_segs_out", "Segments sent with data.", get_tcp,
              NV_AT_ROW(sender.tcp.data_segs_out), .source = "tcpi_data_segs_out"),
    NV_COLUMN("tcp_segs_out", "Segments sent, acknowledgements included.", get_tcp,
              NV_AT_ROW(sender.tcp.segs_out), .source = "tcpi_segs_out"),
    NV_COLUMN("tcp_dsack_dups", "Retransmissions that turned out needless (DSACK).", get_tcp,
              NV_AT_ROW(sender.tcp.dsack_dups), .source = "tcpi_dsack_dups"),
    NV_COLUMN("tcp_reord_seen", "Reorderings that the sender noticed.", get_tcp,
              NV_AT_ROW(sender.tcp.reord_seen), .source = "tcpi_reord_seen"),
    NV_COLUMN("tcp_rcv_ooo_pkts", "Packets that reached the receiver out of order.", get_tcp,
              NV_AT_ROW(receiver.tcp.rcv_ooo_pkts), .source = "tcpi_rcv_ooopack"),
    NV_COLUMN("tcp_min_rtt_us", "Smallest round-trip time so far; empty over several flows.",
              get_tcp_one_flow, NV_AT_ROW(sender.tcp.min_rtt_us), .source = "tcpi_min_rtt"),
    NV_COLUMN("tcp_rtt_us", "Smoothed round-trip time at the end; empty over several flows.",
              get_tcp_one_flow, NV_AT_ROW(sender.tcp.rtt_us), .source = "tcpi_rtt"),
    NV_COLUMN("tcp_mss_bytes", "Segment size at the end; of the last flow.", get_tcp,
              NV_AT_ROW(sender.tcp.mss_bytes), .source = "tcpi_snd_mss"),
    NV_COLUMN("tcp_busy_us", "Time in which the sender had data to send.", get_tcp,
              NV_AT_ROW(sender.tcp.busy_us), .source = "tcpi_busy_time"),
    NV_COLUMN("tcp_rwnd_limited_us", "Of tcp_busy_us, held up by the receiver's window.", get_tcp,
              NV_AT_ROW(sender.tcp.rwnd_limited_us), .source = "tcpi_rwnd_limited"),
    NV_COLUMN("tcp_sndbuf_limited_us", "Of tcp_busy_us, held up by the send buffer.", get_tcp,
              NV_AT_ROW(sender.tcp.sndbuf_limited_us), .source = "tcpi_sndbuf_limited"),
    NV_COLUMN("connect_ns",
              "TCP: connect() to established; UDP: hello to its answer; empty over several flows.",
              get_connect),
    NV_COLUMN(
        "sndbuf_granted_bytes",
        "SO_SNDBUF of a socket of the sender, as the kernel granted it (it doubles requests).",
        get_nonzero, NV_AT_ROW(sender.io.sndbuf_bytes)),
    NV_COLUMN("rcvbuf_granted_bytes", "SO_RCVBUF of a socket of the receiver, as granted.",
              get_nonzero, NV_AT_ROW(receiver.io.rcvbuf_bytes)),
    NV_COLUMN("mtu_bytes", "Largest packet of the route (IP_MTU); empty when not known.",
              get_nonzero, NV_AT_ROW(sender.io.mtu_bytes)),
    NV_COLUMN("ip_fragments_per_msg",
              "IPv4 packets that a UDP message of mean size takes, by mtu_bytes; empty for TCP.",
              get_fragments),
    NV_COLUMN("listen_overflow_count",
              "crr over TCP: attempts to connect that found the backlog full, repeated ones again "
              "(TcpExt ListenOverflows of the server's network namespace, in the whole run).",
              get_listening, NV_AT_ROW(receiver.listen_overflows)),
    NV_COLUMN("listen_drop_count",
              "crr over TCP: all that a listening socket dropped, first packets included "
              "(ListenDrops); the client sends such again after a second.",
              get_listening, NV_AT_ROW(receiver.listen_drops)),
    NV_COLUMN("tx_eagain_calls",
              "Sends that were refused because the send buffer was full (EAGAIN); whole run.",
              nv_get_row_count, NV_AT_ROW(sender.full_count)),
    NV_COLUMN("tx_blocked_ns",
              "Time from such a refusal to when there was room again, where it is waited for (TCP; "
              "UDP with --udp-policy wait); whole run, flows added up.",
              nv_get_row_count, NV_AT_ROW(sender.blocked_ns)),
    NV_COLUMN(
        "server_sockets_max_count",
        "crr: sockets that a thread of the server had open at once, at most, in the whole run. "
        "TCP: the one that listens, and connections accepted and not closed yet; UDP: the one.",
        get_nonzero, NV_AT_ROW(receiver.io.sockets_max)),
    NV_COLUMN("tcp_zero_window_count",
              "Times that a receive buffer was full and TCP told its sender to stop: a window of 0 "
              "(of the receiver's network namespace, in the whole run).",
              get_tcp_all_flows, NV_AT_ROW(receiver.zero_windows),
              .source = "TcpExt TCPToZeroWindowAdv"),
    NV_COLUMN("", NULL, NULL),
};
