/* SPDX-License-Identifier: MIT */
#ifndef NV_WORKLOAD_WORKLOAD_H
#define NV_WORKLOAD_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/rx.h"
#include "measure/tx.h"
#include "spec/spec.h"
#include "wire/message.h"

/* What one end of one flow does: a machine in time. It is told the time (ns since the run's start),
 * what arrived and what became of its messages; it says when it next wants to run and what to send.
 * It never reads a clock, allocates, or knows of sockets. */

struct nv_workload_config {
    const struct nv_spec *spec;
    unsigned flow;
    bool client;
    uint32_t run_tag;
    struct nv_tx *tx; /* records what this end sends; NULL when it sends nothing */
    struct nv_rx *rx; /* records what this end receives and measures; NULL when nothing */
};

struct nv_workload {
    const char *name, *help;
    bool answered;     /* messages come back: times are round trips, dir is rtt */
    bool connects;     /* each message has a socket of its own */
    size_t state_size; /* zeroed, owned by the framework */
    void (*init)(void *self, const struct nv_workload_config *);
    /* Does this end send, receive measured messages? Decides whether it gets tx and rx. */
    bool (*sends)(const struct nv_spec *, bool client);
    bool (*receives)(const struct nv_spec *, bool client);
    /* Fills out[] with trains that hold at most count_max messages due by now; how many trains. */
    unsigned (*run)(void *self, uint64_t now_ns, struct nv_header *out, unsigned count_max);
    /* When run() next has something to do; UINT64_MAX: only after input. */
    uint64_t (*next_ns)(const void *self);
    void (*input)(void *self, uint64_t now_ns, const struct nv_rx_message *, uint8_t type);
    /* What became of the first count messages of what run() gave out. */
    void (*sent)(void *self, const struct nv_header *, uint32_t count, enum nv_tx_outcome);
    /* The socket stopped or resumed taking messages. */
    void (*blocked)(void *self);
    void (*writable)(void *self);
    bool (*wants)(const void *self); /* would input be taken now? */
    /* The far end has sent so many messages in all, and sends no more. */
    void (*expect)(void *self, uint64_t now_ns, uint64_t sent_count);
    bool (*sending_done)(const void *self, uint64_t now_ns);
    bool (*finished)(const void *self, uint64_t now_ns);
    /* The run is over: what is left of the schedule is unsent. */
    void (*end)(void *self);
};

extern const struct nv_workload nv_stream, nv_rr, nv_crr;

/* All of them; ends with NULL. */
extern const struct nv_workload *const nv_workloads[];
const struct nv_workload *nv_workload_find(const char *name, struct nv_error *err);

#endif
