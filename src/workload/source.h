/* SPDX-License-Identifier: MIT */
#ifndef NV_WORKLOAD_SOURCE_H
#define NV_WORKLOAD_SOURCE_H

#include "schedule/pacer.h"
#include "workload/workload.h"

/* The sending half that workloads share: takes due messages from a schedule and records what became
 * of each. */
struct nv_source {
    struct nv_pacer pacer;
    struct nv_tx *tx;
    uint64_t end_ns;     /* the schedule's */
    uint64_t give_up_ns; /* what is not sent by then stays unsent */
    uint32_t run_tag;
    uint16_t flow;
    uint8_t type;
    bool at_max;                         /* no schedule: as fast as it goes */
    uint64_t given_count, settled_count; /* handed out, and told what became of */
};

void nv_source_init(struct nv_source *, const struct nv_workload_config *, uint8_t type);
/* As nv_workload.run. */
unsigned nv_source_run(struct nv_source *, uint64_t now_ns, struct nv_header *out,
                       unsigned count_max);
uint64_t nv_source_next_ns(const struct nv_source *);
void nv_source_sent(struct nv_source *, const struct nv_header *, uint32_t count,
                    enum nv_tx_outcome);
bool nv_source_done(const struct nv_source *, uint64_t now_ns);
/* Records all that is left of the schedule as unsent. */
void nv_source_end(struct nv_source *);

#endif
