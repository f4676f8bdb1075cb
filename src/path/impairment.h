/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_IMPAIRMENT_H
#define NV_PATH_IMPAIRMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"
#include "base/units.h"

/* What a path does to the packets of one direction, as a table of settings. METHOD: names and
 * meanings as in tc-netem(8) where it has them. */

enum nv_jitter_kind { NV_JITTER_UNIFORM, NV_JITTER_NORMAL, NV_JITTER_PARETO, NV_JITTER_TABLE };
enum nv_aqm { NV_AQM_TAIL, NV_AQM_CODEL };
enum nv_packet_order { NV_ORDER_KEEP, NV_ORDER_FREE };

/* Gilbert and Elliott: a good and a bad state, and a loss probability in each. */
struct nv_gilbert_elliott {
    bool on;
    double p, r;              /* per packet: good to bad, bad to good */
    uint64_t good_ns, bad_ns; /* in time: mean sojourns */
    double loss_bad, loss_good;
};

#define NV_LIST_MAX 64u

/* Numbers, or times in ns, from .. to, ends included. */
struct nv_ranges {
    unsigned count;
    struct nv_range {
        uint64_t from, to;
    } range[NV_LIST_MAX];
};

/* How long a queue is: in bytes, in time at the rate, or in bandwidth-delay products. */
struct nv_queue_length {
    enum { NV_QUEUE_BYTES, NV_QUEUE_TIME, NV_QUEUE_BDP } kind;
    double amount; /* bytes, ns, products */
};

struct nv_impairment {
    uint64_t delay_ns, jitter_ns;
    unsigned jitter_kind; /* enum nv_jitter_kind */
    char jitter_table[NV_OPTION_TEXT_BYTES];
    unsigned order; /* enum nv_packet_order */
    double loss;
    struct nv_gilbert_elliott ge, ge_time;
    struct nv_ranges drop;   /* packets by number, from the start of a run */
    struct nv_ranges outage; /* times since the start of a run, ns */
    double duplicate, corrupt;
    bool mend; /* the checksum of a corrupted packet */
    double reorder;
    uint64_t reorder_delay_ns, reorder_gap; /* by time; by packets that pass */
    struct nv_rate rate;                    /* NV_RATE_MAX: none */
    char trace[NV_OPTION_TEXT_BYTES];
    struct nv_queue_length queue;
    unsigned aqm;            /* enum nv_aqm */
    uint64_t overhead_bytes; /* of the layers below IP, to each packet */
};

extern const struct nv_option nv_impairment_options[];

/* What no single row can say; one line in *err, NV_E_USAGE. */
int nv_impairment_check(const struct nv_impairment *, struct nv_error *err);

/* Bytes that the queue before the rate holds, two full packets at least; both_delay_ns is the delay
 * there and back, which a bandwidth-delay product is made of. */
uint64_t nv_impairment_queue_bytes(const struct nv_impairment *, uint64_t both_delay_ns,
                                   uint64_t mtu_bytes);

#endif
