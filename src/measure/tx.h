/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_TX_H
#define NV_MEASURE_TX_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/counter.h"
#include "measure/histogram.h"
#include "measure/interval.h"

/* What the sender of one flow knows. Plain data: the live meter, the report, and one read from the
 * far end's report are the same struct. All zero is an empty meter that others can be merged into.
 *
 * Every scheduled message ends as exactly one of sent, dropped, failed, unsent:
 * sched = sent + drop_eagain + drop_enobufs + err_emsgsize + err_other + unsent.
 * Counts are of the measured phase unless their name begins with all_. */

#define NV_TX_LATE_NS 50000u /* a send is late when our own timer was later than this */

struct nv_tx_intervals {
    uint64_t length_ns, count;
    /* By intended time: each sums to its total. */
    uint64_t sched_count[NV_INTERVALS_MAX], sent_count[NV_INTERVALS_MAX];
    uint64_t sched_lag_max_ns[NV_INTERVALS_MAX];
};

struct nv_tx {
    uint64_t flow_count; /* flows in this meter: 1, or more after merging, 0 when empty */
    struct nv_phases phases;
    uint64_t sched_count, sent_count, unsent_count;
    uint64_t drop_eagain_count, drop_enobufs_count, err_emsgsize_count, err_other_count;
    uint64_t sched_bytes, sent_bytes;
    uint64_t late_sends_count;                /* sched_lag above NV_TX_LATE_NS */
    uint64_t seq_first, seq_end;              /* measured messages: [first, end); equal when none */
    uint64_t t_first_ns, t_last_ns;           /* sends; NV_UNKNOWN and 0 when none */
    uint64_t all_sched_count, all_sent_count; /* whole run */
    struct nv_hist sched_lag;                 /* sent messages: late by our own fault, */
    struct nv_hist block_lag;                 /* late because the transport would not take them */
    struct nv_tx_intervals intervals;
    struct nv_interval_cursor cursor;
};

enum nv_tx_outcome {
    NV_TX_SENT,
    NV_TX_EAGAIN,
    NV_TX_ENOBUFS,
    NV_TX_EMSGSIZE,
    NV_TX_OTHER,
    NV_TX_UNSENT,
};

/* Or of several, each the next in number, and alike in all else. */
struct nv_tx_event {
    uint32_t count;
    uint64_t seq, t_int_ns, t_snd_ns; /* ns since the run's start; t_snd_ns only when sent */
    uint32_t size_bytes;
    enum nv_tx_outcome outcome;
    uint64_t sched_lag_ns, block_lag_ns; /* only when sent */
};

void nv_tx_init(struct nv_tx *tx, const struct nv_phases *phases);
/* Once for each scheduled message, or count of them. No allocation, no division. */
void nv_tx_record(struct nv_tx *tx, const struct nv_tx_event *event);
/* Adds src to dst, which is all zero or the result of merging: the row over all flows. Values that
 * mean nothing over several flows become NV_UNKNOWN. */
void nv_tx_merge(struct nv_tx *dst, const struct nv_tx *src);

/* Whether a meter that came from elsewhere can be read: its lists are no longer than they can be.
 */
bool nv_tx_valid(const struct nv_tx *tx);

extern const struct nv_counter_row nv_tx_counters[];
extern const struct nv_hist_row nv_tx_hists[];

#endif
