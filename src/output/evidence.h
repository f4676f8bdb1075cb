/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_EVIDENCE_H
#define NV_OUTPUT_EVIDENCE_H

#include "campaign/result.h"

/* What one arm of a cell showed in one direction, over the blocks that count: sums of what runs.csv
 * has of its flow=all rows, from which factors.h tells why it did so. All zero: no run yet. */
struct nv_evidence {
    unsigned run_count;
    uint64_t sched_count, sent_count, unique_count, reordered_count;
    /* Where messages went missing. The last two are 0 where the kernel does not tell them apart. */
    uint64_t eagain_count, enobufs_count, too_long_count, refused_count, unsent_count, lost_count;
    uint64_t reply_count, rcvbuf_count, path_count;
    uint64_t run_max_msgs; /* longest run of missing messages, summed over the runs */
    /* The emulated path, in the directions that carry the messages: packets. */
    bool emulated;
    uint64_t came_count, drop_count[NV_DROP_CAUSES], corrupt_count, held_back_count;
    uint64_t queue_max_bytes;
    double queued_ns; /* that messages spent in its queue, by the median of its packets */
    /* Of the last run. */
    uint64_t sndbuf_bytes, rcvbuf_bytes, mtu_bytes;
    double busy_share;    /* of the receiver's busiest thread: on a processor or waiting for one */
    double working_share; /* the former alone; both of the measured phase, summed over the runs */
    unsigned busy_known;  /* runs that these are of */
    /* Waits: time from the send, above the quickest message of the run, and for the transport. */
    bool has_delays;
    double wait_ns, floor_ns; /* summed over messages; summed over the runs */
    double block_ns, behind_ns, overtaken_ns;
    double early_ns; /* of wait_ns, in the first NV_EARLY_RTTS round trips: by the median there */
    /* Longest time without an arrival while messages were due, summed over runs, and how long these
     * messages waited for its end. */
    double gap_ns, gap_wait_ns;
    uint64_t goodput_bytes, measure_ns;
    struct nv_tcp_counters tcp, peer_tcp; /* of the sender and the receiver; sums, but min_rtt_us */
};

#define NV_EARLY_RTTS 10.0    /* by then a window of 10 segments has long grown */
#define NV_GAP_NS 300000000.0 /* shorter ones are what a retransmission timeout does */
#define NV_GAP_MSGS 20u       /* fewer due in it are no evidence */

/* Adds one run's flow=all row. */
void nv_evidence_add(struct nv_evidence *evidence, const struct nv_run_result *run,
                     const struct nv_result_row *row);

#endif
