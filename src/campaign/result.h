/* SPDX-License-Identifier: MIT */
#ifndef NV_CAMPAIGN_RESULT_H
#define NV_CAMPAIGN_RESULT_H

#include "base/clock.h"
#include "campaign/parts.h"
#include "campaign/search.h"
#include "measure/report.h"
#include "path/log.h"
#include "path/report.h"
#include "spec/spec.h"

/* What one run gave, ready to be written: rows of flow × direction with both ends' reports put
 * together, and the values that only both ends together can say. */

enum nv_row_direction { NV_ROW_UP, NV_ROW_DOWN, NV_ROW_RTT };
const char *nv_row_direction_name(enum nv_row_direction direction);

#define NV_ID_BYTES 64
#define NV_FLAGS_BYTES 256
#define NV_FLOW_ALL (-1)

/* Where a run stands in its campaign. */
struct nv_run_key {
    char campaign_id[NV_ID_BYTES];
    char run_id[NV_ID_BYTES];
    char cell_id[NV_ID_BYTES];
    unsigned block;   /* from 1; 0 = warm-up round, never written */
    unsigned slot;    /* 1 or 2: first or second run of its block */
    unsigned attempt; /* 1, or more when a noise gate sent the block back */
    unsigned trial;   /* of a search, from 1, in no block; 0: a run of a block */
    char arm;         /* 'a' or 'b' */
};

struct nv_result_row {
    int flow; /* or NV_FLOW_ALL */
    enum nv_row_direction direction;
    struct nv_tx *tx;                       /* of the sending end, */
    struct nv_rx *rx;                       /* and of the receiving one (rr: both of the client) */
    struct nv_calls *calls[2];              /* owned; the client's and the server's, or NULL */
    struct nv_flow_report sender, receiver; /* their meters are not used here; sums over flows */
    uint64_t reply_lost_count;              /* rr: replies that the server's kernel refused */
    uint64_t sched_hash;                    /* over all flows: hash of hashes */
    /* The ledger's end: sched = sent + refused + unsent, sent = unique + lost. */
    uint64_t lost_count, lost_rcvbuf_count, lost_path_count; /* the last two: or NV_UNKNOWN */
    bool balances;
    struct nv_part_sums parts; /* with diag and one clock, of messages that are kept */
};

struct nv_run_result {
    struct nv_run_key key;
    struct nv_spec spec;
    char start_utc[NV_CLOCK_UTC_BYTES];
    bool searched;     /* the rate is a trial's, or what a search found: it may be too high */
    bool shared_clock; /* both ends read one clock: one-way times have a meaning */
    uint64_t steal_ns;
    uint64_t sys_cpu_ns;        /* of all processors, measured phase, less what they do at rest */
    struct nv_path_report path; /* of the emulated path, if there was one */
    struct nv_packet_log *packets[2]; /* by enum nv_way, owned; NULL: not asked for */
    bool valid;
    char flags[NV_FLAGS_BYTES]; /* ;-separated: sched_lag, steal, aborted, ledger, … */
    unsigned row_count;
    struct nv_result_row *rows; /* per flow (only when several), then NV_FLOW_ALL, per direction */
};

/* Puts the two ends' reports (spec.flows each) together. key, spec, start_utc and shared_clock are
 * set by the caller. NV_E_FAILED when a ledger does not balance: that is a bug, and *err says
 * where. The reports may be freed afterwards. */
int nv_run_result_build(struct nv_run_result *result, const struct nv_flow_report *ours,
                        const struct nv_flow_report *theirs, struct nv_error *err);
void nv_run_result_dispose(struct nv_run_result *result);

void nv_run_result_flag(struct nv_run_result *result, const char *flag);

/* One trial of a search. */
struct nv_trial {
    const struct nv_run_result *run;
    enum nv_search_phase phase;
    enum nv_search_failure failure;
    struct nv_capacity capacity; /* with the last one: what was found */
};

#endif
