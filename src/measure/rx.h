/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_RX_H
#define NV_MEASURE_RX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "measure/boundary.h"
#include "measure/counter.h"
#include "measure/deadline.h"
#include "measure/histogram.h"
#include "measure/inorder.h"
#include "measure/interval.h"
#include "measure/losses.h"
#include "measure/ordering.h"
#include "measure/stamps.h"
#include "measure/variation.h"

/* What the receiver of one flow knows. The live meter, the report, and one read from the far end's
 * report are the same struct; only `live` and `trace` point elsewhere. All zero is an empty meter
 * that others can be merged into, or that the tables below can fill. About 440 KB: keep it on the
 * heap.
 *
 * Counts are of the measured phase (by intended time) unless their name begins with all_, goodput_
 * or recv. Every arrival is exactly one of unique, dup, corrupt, stray. Times are ns since the
 * run's start on the receiver's clock; delays may be negative where clocks differ. */

struct nv_rx_intervals {
    uint64_t length_ns, count;
    uint64_t unique_count[NV_INTERVALS_MAX]; /* by intended time: sums to unique_count */
    /* By arrival, counted from goodput_from_ns. */
    uint64_t rx_bytes[NV_INTERVALS_MAX];   /* sums to goodput_bytes */
    uint64_t resp_count[NV_INTERVALS_MAX]; /* sums to unique_count: the last stays open */
    uint64_t resp_max_ns[NV_INTERVALS_MAX];
    /* NV_UNKNOWN when nothing arrived, and over several flows. */
    uint64_t resp_p50_ns[NV_INTERVALS_MAX], resp_p99_ns[NV_INTERVALS_MAX];
};

enum nv_trace_status { NV_TRACE_OK, NV_TRACE_DUP };

struct nv_trace_row {
    uint64_t seq, t_int_ns, t_snd_ns, t_rcv_ns;
    /* With diag; NV_UNKNOWN: not known. The sender's are put in with its report. */
    uint64_t t_acc_ns;           /* the call that took its last byte has returned */
    uint64_t t_sch_ns, t_txk_ns; /* kernel: handed to the packet scheduler, and to the device */
    uint64_t t_rxk_ns, t_rdy_ns; /* kernel: its last byte came; and all before it, in order */
    uint64_t t_ack_ns;           /* kernel of the sender: acknowledged */
    uint64_t arrival_index;      /* among all arrivals of the flow, from 0 */
    uint32_t size_bytes, recv_calls;
    uint32_t status; /* enum nv_trace_status */
};

struct nv_rx_live;

struct nv_rx {
    uint64_t flow_count; /* flows in this meter: 1, or more after merging, 0 when empty */
    struct nv_phases phases;
    uint64_t tmax_ns;
    uint64_t unique_count, unique_bytes;
    uint64_t dup_count;                  /* extra copies (RFC 5560) */
    uint64_t replicated_count;           /* messages that had any */
    uint64_t late_count;                 /* of unique: response above tmax */
    uint64_t negative_count;             /* arrived before it was sent: 0 on one clock */
    uint64_t corrupt_count, stray_count; /* all phases; the caller counts, and a seq out of range */
    uint64_t all_unique_count, all_dup_count;
    uint64_t goodput_bytes, goodput_count; /* unique, arrived in [from, from + measure) */
    uint64_t goodput_from_ns;      /* warm-up and smallest delay by then; NV_UNKNOWN: not yet */
    int64_t owd_min_ns;            /* arrival less send; NV_UNKNOWN when none */
    struct nv_deadlines deadlines; /* by nv_rx_finish */
    struct nv_ordering ordering;
    struct nv_ipdv ipdv;
    struct nv_jitter jitter;
    struct nv_losses losses;     /* by nv_rx_finish */
    struct nv_boundary boundary; /* messages: measured; receive calls: within goodput's window */
    /* Of a byte stream, an upper bound from what an application sees: a message within
     * NV_BLOCKED_NS of a predecessor that was late by more than that counts its own delay above the
     * smallest as blocking, queueing included. Of datagrams their virtual in-order delay, by
     * nv_rx_finish. */
    struct nv_blocking hol;
    struct nv_rx_intervals intervals;
    struct nv_hist resp;  /* arrival less intended time */
    struct nv_hist serv;  /* arrival less send */
    struct nv_hist dwell; /* replies: time the request spent in the server */
    struct nv_hist ipdv_abs;
    struct nv_hist late_offset;               /* RFC 4737 §4.3 */
    uint64_t trace_count, trace_missed_count; /* rows kept; measured messages it had no room for */
    struct nv_trace_row *trace;               /* owned, from malloc; NULL when off */
    struct nv_rx_live *live;                  /* owned; NULL in reports */
};

struct nv_rx_config {
    struct nv_phases phases;
    uint64_t deadline_ns[NV_DEADLINES_MAX]; /* ascending */
    unsigned deadline_count;
    bool unordered;                 /* datagrams: what they would wait for each other, in order */
    bool answered;                  /* what arrives are replies: record dwell */
    uint64_t tmax_ns;               /* later than this is late */
    uint64_t messages_max;          /* sequence numbers are below this */
    uint64_t window;                /* power of two; 0 = NV_ORDERING_WINDOW */
    uint64_t trace_capacity;        /* rows; 0 = off */
    const struct nv_stamps *stamps; /* kernel's, of the flow; lent; NULL: none */
};

/* Or several that came together, each the next in number, and alike in all else. */
struct nv_rx_message {
    uint64_t seq, t_int_ns, t_snd_ns; /* of the first */
    uint32_t count;
    uint32_t size_bytes;
    uint32_t dwell_ns;
    uint32_t recv_calls; /* that its bytes came in */
};

/* Allocates all that is ever needed. NV_E_FAILED: no memory; nothing is left to dispose of. */
int nv_rx_init(struct nv_rx *rx, const struct nv_rx_config *config, struct nv_error *err);
/* A valid message, or count of them, has arrived. now_ns never decreases. No allocation, no
 * division. */
void nv_rx_record(struct nv_rx *rx, uint64_t now_ns, const struct nv_rx_message *message);
/* A receive call has ended: how many bytes it brought and messages it finished. After the
 * nv_rx_record of those. */
void nv_rx_recv(struct nv_rx *rx, uint64_t bytes, unsigned messages);
/* As nv_rx_recv, of a further part of the last call. */
void nv_rx_recv_more(struct nv_rx *rx, uint64_t bytes, unsigned messages);
/* The run is over. [seq_first, seq_end): the measured messages, as their sender (nv_tx) says. */
void nv_rx_finish(struct nv_rx *rx, uint64_t seq_first, uint64_t seq_end);
/* Frees live and trace; all zero, and twice, is fine. Counts stay readable. */
void nv_rx_dispose(struct nv_rx *rx);
/* Adds src to dst, which is all zero or the result of merging: the row over all flows. The trace is
 * not merged. Values that mean nothing over several flows become NV_UNKNOWN. */
void nv_rx_merge(struct nv_rx *dst, const struct nv_rx *src);

/* Whether a meter that came from elsewhere can be read: its lists are no longer than they can be.
 */
bool nv_rx_valid(const struct nv_rx *rx);

extern const struct nv_counter_row nv_rx_counters[];
extern const struct nv_hist_row nv_rx_hists[];

#endif
