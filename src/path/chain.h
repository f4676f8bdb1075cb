/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_CHAIN_H
#define NV_PATH_CHAIN_H

#include "measure/histogram.h"
#include "path/element.h"
#include "path/log.h"

/* The elements of one direction, one behind the other, and the account of what they did. A machine
 * in time. Happy path: a packet taken from the pool is put in with nv_chain_input() at the time
 * when it came, and comes out of the sink at the exact time when it is due; run() makes due what
 * waits until then. */

/* Packets that came from the start of the run on: in + dup = out + all drops + held. */
struct nv_chain_account {
    uint64_t in_count, in_bytes, out_count, out_bytes;
    uint64_t dup_count, corrupt_count, reordered_count;
    uint64_t drop_count[NV_DROP_CAUSES];
    uint64_t held_count;
    uint64_t queue_max_bytes;
    uint64_t weather_count; /* spells of bad weather, from the start to the end of the run */
    struct nv_hist delay;   /* of what came out: at_ns - in_ns */
};

/* What comes out belongs to the sink, which gives it back to the pool. */
typedef void nv_chain_sink(void *context, struct nv_packet *);

struct nv_outlet {
    struct nv_chain *chain;
    const struct nv_element *element; /* NULL behind the last: the way out */
    void *self;
};

#define NV_CHAIN_STAGES_MAX 12u

struct nv_chain {
    struct nv_packet_pool *pool;
    nv_chain_sink *sink;
    void *context;
    struct nv_packet_log *log;
    uint64_t start_ns; /* of the run: before it there is no weather and no account */
    struct nv_chain_account account;
    unsigned stage_count;
    struct nv_outlet stages[NV_CHAIN_STAGES_MAX];
};

/* Of a direction whose propagation and queueing are as told; both_delay_ns: there and back. On
 * failure one line in *err; dispose() in any case. The impairment must stay. */
struct nv_chain_config {
    const struct nv_impairment *impairment;
    struct nv_packet_pool *pool;
    nv_chain_sink *sink;
    void *context;
    struct nv_packet_log *log; /* NULL: none */
    uint64_t seed;
    uint64_t both_delay_ns, mtu_bytes;
};
int nv_chain_init(struct nv_chain *, const struct nv_chain_config *, struct nv_error *err);
/* Could a chain of it be made? Reads the files that it names. */
int nv_chain_try(const struct nv_impairment *, struct nv_error *err);
/* The run begins; before packets from that time come. */
void nv_chain_start(struct nv_chain *, uint64_t start_ns, uint64_t end_ns);
/* A packet that came at packet->at_ns, which must not fall. */
void nv_chain_input(struct nv_chain *, struct nv_packet *);
/* A packet of the run found no room in the pool. */
void nv_chain_overrun(struct nv_chain *, uint64_t now_ns, uint32_t len_bytes);
uint64_t nv_chain_next_ns(const struct nv_chain *);
void nv_chain_run(struct nv_chain *, uint64_t now_ns);
/* Completes the account with what can only be counted now. */
const struct nv_chain_account *nv_chain_account(struct nv_chain *);
/* Does it balance? */
bool nv_chain_conserves(const struct nv_chain_account *);
/* Frees the elements; what they hold stays in the pool, which goes next. */
void nv_chain_dispose(struct nv_chain *);

#endif
