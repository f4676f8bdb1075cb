/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "output/topics.h"

/* What the kernel, the processors and the emulated path say. */
const struct nv_topic nv_topics_system[] = {
    {
        .name = "tcp-info",
        .title = "what TCP did",
        .text =
            "The kernel's own counters of the connection: how much was sent again, and what "
            "held the sender up. Over the measured phase and to the end. A retransmission is "
            "not a lost message: TCP delivers it later, and the wait is in the response time. A "
            "receiver that does not read stops its sender by a window of 0.",
        .empty = "Empty for UDP and where the kernel does not tell; round trips also over several "
                 "flows.",
        .source = "getsockopt(TCP_INFO), struct tcp_info of linux/tcp.h; TCPToZeroWindowAdv in "
                  "/proc/net/netstat; RFC 6349 (efficiency)",
        .example = "60000 B were to be sent and one segment of 200 B was sent again: "
                   "tcp_bytes_sent is 60000 + 200 = 60200, and the efficiency of the stream (60200 "
                   "- 200) / 60200 = 0.9967.",
        .columns = "tcp_*",
    },
    {
        .name = "buffers",
        .title = "socket buffers",
        .text = "What the kernel granted. It cuts what is asked for at net.core.rmem_max and "
                "wmem_max, and then doubles it, to make room for its own bookkeeping. A receive "
                "buffer that is full drops datagrams; TCP closes its window instead.",
        .empty = "Empty where it is not known.",
        .source = "getsockopt(SO_SNDBUF, SO_RCVBUF); socket(7)",
        .example = "Asked for 8192 B: 2 * 8192 = 16384 B. A datagram of 200 B may take up 1280 B "
                   "of that: floor(16384 / 1280) = 12 of them fit.",
        .columns = "sndbuf_granted_bytes rcvbuf_granted_bytes",
    },
    {
        .name = "calls",
        .title = "socket calls",
        .text =
            "What each socket call took and how it failed, at both ends, where each message has "
            "a socket of its own (workload crr). Time from call to return, the wait of a "
            "blocking call included.",
        .empty = "Errors are empty where there are none, percentiles where the sample does not "
                 "support them.",
        .source = "our stamps around each call; errno(3)",
        .example =
            "200 calls of connect() took 9000000 ns in all: 9000000 / 200 = 45000 ns each on "
            "average.",
        .columns = "calls.csv:*",
    },
    {
        .name = "cpu",
        .title = "processor time of a message",
        .text = "What both threads took, calls into the kernel included, over the messages that "
                "arrived. Work of the protocols is charged to whoever happens to do it (on "
                "loopback the sender's call also receives), so that only the sum compares.",
        .empty = "Empty where a thread spun instead of sleeping, where it drove other flows too, "
                 "and where the system does not tell.",
        .source = "clock_gettime(CLOCK_THREAD_CPUTIME_ID); getrusage(RUSAGE_THREAD); "
                  "perf_event_open(2); /proc/stat",
        .example = "The sender's thread took 40 ms and the receiver's 60 ms for 20000 messages of "
                   "500 B: (40000000 + 60000000) / 20000 = 5000 ns a message, and 5000 / 500 = 10 "
                   "ns a byte.",
        .columns = "tx_cpu_* rx_cpu_* cpu_* sys_cpu_* tx_nivcsw_count rx_nivcsw_count tx_cycles "
                   "rx_cycles tx_instructions rx_instructions tx_idle_ns rx_idle_ns",
    },
    {
        .name = "backlog",
        .title = "connections that wait to be accepted",
        .text =
            "A connection is complete before the server accepts it, and waits in the listening "
            "socket's queue. When that is full the kernel drops what comes: the client sends it "
            "again after a second, so that its connect takes that much longer. What accept returns "
            "is a socket of its own, and the listening one is free for the next client. Who closes "
            "first keeps the port for a minute; over loopback Linux may take it again after 1 s.",
        .empty = "Empty but for workload crr; counts of the queue also over UDP, which has none.",
        .source = "TcpExt ListenOverflows and ListenDrops in /proc/net/netstat; listen(2)",
        .example =
            "With 8 connections open, and the one that listens, the server has 8 + 1 = 9 "
            "sockets. Of 28232 ports, each in TIME_WAIT for 60 s, 28232 / 60 = 470.5 connections a "
            "second last between two hosts.",
        .columns = "listen_overflow_count listen_drop_count server_sockets_max_count",
    },
    {
        .name = "path",
        .title = "the emulated path",
        .text =
            "Loss, delay, a rate with a queue and the like, done to IP packets below TCP, between "
            "two network namespaces of one host, the same way for both transports. What it did "
            "in a run is counted; chance makes it differ "
            "from what was asked for. Compare messages by this, not by the setting.",
        .empty = "Empty on the real network.",
        .source = "the forwarder's counters; the TUN devices' drops in /proc/net/dev",
        .example = "Of 1000 packets 12 were lost by chance and 3 at a full queue: (12 + 3) / 1000 "
                   "= 0.015. A queue of 30000 B before a link of 20 Mbit/s lasts 8 * 30000 / "
                   "20000000 = 0.012 s.",
        .columns =
            "emu_* packets.csv:way packets.csv:packet packets.csv:t_in_ns "
            "packets.csv:t_out_ns packets.csv:length_bytes packets.csv:fate packets.csv:copy "
            "packets.csv:corrupt",
    },
    {
        .name = "gates",
        .title = "noise gates",
        .text = "Checks on what the machine did to the instrument, never on the outcome. A block "
                "that fails one is run again; what fails too often is kept, and counts in no "
                "comparison.",
        .empty = "flags is empty when there is nothing to say; the others never are.",
        .source = "our gates; /proc/stat (steal)",
        .example = "A hypervisor that took 60 ms of a run of 2 s on 2 processors took 0.06 / (2 * "
                   "2) = 0.015 of the time.",
        .columns = "attempt valid runs.csv:flags steal_ns",
    },
    {
        .name = "inputs",
        .title = "what was asked for",
        .text = "Every option of a run stands in its row as it was written, such as 450ms, and "
                "some again as a number. A schedule is absolute: no send shifts the next one.",
        .empty = "Empty where it was left to the system, or does not apply.",
        .source = "the option of that name (netversus run --help)",
        .example = "At 2000 a second message 7 is due 7 / 2000 = 0.0035 s after message 0. 10 "
                   "Mbit/s of 1250 B are 10000000 / (8 * 1250) = 1000 messages a second.",
        .columns = "msg_size_bytes rate_msgs_per_s deadline_ms tmax_ms warmup_s measure_s "
                   "sched_hash",
    },
    {
        .name = "key",
        .title = "cells, blocks and runs",
        .text =
            "A cell is one combination of all factors but the transport; a block is one run of "
            "each arm of a cell, over one schedule; blocks are the unit of repetition. The same "
            "columns begin every file and join them.",
        .empty = "Never empty, but for block and slot of capacity.csv.",
        .source = "the campaign's plan (campaign.json)",
        .example = "3 sizes by 2 workloads are 3 * 2 = 6 cells; with 8 blocks of 2 runs, 6 * 8 * 2 "
                   "= 96 runs.",
        .columns = "campaign_id run_id cell_id block slot arm transport engine workload flow dir "
                   "start_utc_iso",
    },
    {.name = NULL},
};
