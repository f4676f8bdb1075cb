/* SPDX-License-Identifier: MIT */
#include "workload/source.h"

#include "base/hint.h"

/* Requests and their replies. The client sends on the schedule whatever has been answered (open
 * loop), or at rate max keeps a window of requests in flight (closed loop). The server answers at
 * once, and stops reading while it cannot. */

#define WINDOW_MAX 1024u
#define REPLIES_MAX 2048u /* more than the smallest messages in one receive buffer */

struct rr_slot {
    uint64_t seq, give_up_ns;
    bool busy;
};

struct rr_reply {
    struct nv_rx_message request;
    uint64_t arrived_ns;
};

struct rr {
    struct nv_source source; /* client; the server uses its tx alone */
    struct nv_rx *rx;
    bool client, closed_loop; /* a server has no loop to close */
    unsigned window;
    uint64_t drain_ns, stop_ns;
    bool told; /* server: the client has said that it is done */
    uint64_t reply_head, reply_tail;
    uint64_t reply_bytes;
    union {
        struct rr_slot slots[WINDOW_MAX];     /* client: requests that are not answered */
        struct rr_reply replies[REPLIES_MAX]; /* server: a ring of what is to be answered */
    };
};

static bool rr_sends(const struct nv_spec *spec, bool client)
{
    (void)spec;
    (void)client;
    return true;
}

static bool rr_receives(const struct nv_spec *spec, bool client)
{
    (void)spec;
    return client;
}

static void rr_init(void *self, const struct nv_workload_config *config)
{
    struct rr *rr = self;
    rr->rx = config->rx;
    rr->client = config->client;
    rr->drain_ns = config->spec->drain_ns;
    rr->stop_ns = nv_spec_end_ns(config->spec) + 3 * rr->drain_ns;
    rr->closed_loop = rr->client && config->spec->rate.kind == NV_RATE_MAX;
    rr->window = (unsigned)config->spec->window_msgs;
    rr->reply_bytes = config->spec->reply_bytes;
    nv_source_init(&rr->source, config, NV_MSG_REQUEST);
    if (rr->client)
        rr->stop_ns = nv_spec_end_ns(config->spec) + rr->drain_ns;
}

/* A slot that is free, or whose request is given up as lost. */
static struct rr_slot *free_slot(struct rr *rr, uint64_t now_ns)
{
    for (unsigned i = 0; i < rr->window; i++)
        if (!rr->slots[i].busy || now_ns >= rr->slots[i].give_up_ns)
            return &rr->slots[i];
    return NULL;
}

static unsigned run_closed_loop(struct rr *rr, uint64_t now_ns, struct nv_header *out,
                                unsigned count_max)
{
    unsigned count = 0;
    while (count < count_max) {
        struct rr_slot *slot = free_slot(rr, now_ns);
        if (!slot || !nv_source_run(&rr->source, now_ns, &out[count], 1))
            break;
        *slot = (struct rr_slot){
            .seq = out[count].seq, .give_up_ns = now_ns + rr->drain_ns, .busy = true};
        count++;
    }
    return count;
}

static unsigned run_replies(struct rr *rr, struct nv_header *out, unsigned count_max)
{
    unsigned count = 0;
    while (count < count_max && rr->reply_head < rr->reply_tail) {
        const struct rr_reply *reply = &rr->replies[rr->reply_head++ % REPLIES_MAX];
        uint64_t len_bytes = rr->reply_bytes ? rr->reply_bytes : reply->request.size_bytes;
        out[count++] = (struct nv_header){
            .type = NV_MSG_REPLY,
            .flow = rr->source.flow,
            .len_bytes = (uint32_t)len_bytes,
            .run_tag = rr->source.run_tag,
            .seq = reply->request.seq,
            .t_int_ns = reply->request.t_int_ns,
            .t_snd_ns = reply->request.t_snd_ns,
            .count = 1,
            .arrived_ns = reply->arrived_ns,
        };
    }
    if (rr->reply_head == rr->reply_tail) /* start over where the cache is warm */
        rr->reply_head = rr->reply_tail = 0;
    return count;
}

NV_HOT static unsigned rr_run(void *self, uint64_t now_ns, struct nv_header *out,
                              unsigned count_max)
{
    struct rr *rr = self;
    if (!rr->client)
        return run_replies(rr, out, count_max);
    if (rr->closed_loop)
        return run_closed_loop(rr, now_ns, out, count_max);
    return nv_source_run(&rr->source, now_ns, out, count_max);
}

NV_HOT static uint64_t rr_next_ns(const void *self)
{
    const struct rr *rr = self;
    if (!rr->client)
        return rr->reply_head < rr->reply_tail ? 0 : UINT64_MAX;
    uint64_t next_ns = nv_source_next_ns(&rr->source);
    if (!rr->closed_loop || next_ns == UINT64_MAX)
        return next_ns;
    uint64_t free_ns = UINT64_MAX;
    for (unsigned i = 0; i < rr->window; i++) {
        uint64_t slot_ns = rr->slots[i].busy ? rr->slots[i].give_up_ns : 0;
        free_ns = slot_ns < free_ns ? slot_ns : free_ns;
    }
    return free_ns > next_ns ? free_ns : next_ns;
}

static void free_slot_of(struct rr *rr, uint64_t seq)
{
    for (unsigned i = 0; i < rr->window; i++)
        if (rr->slots[i].busy && rr->slots[i].seq == seq)
            rr->slots[i].busy = false;
}

NV_HOT static void rr_input(void *self, uint64_t now_ns, const struct nv_rx_message *message,
                            uint8_t type)
{
    struct rr *rr = self;
    if (rr->client && type == NV_MSG_REPLY) {
        if (rr->closed_loop)
            free_slot_of(rr, message->seq);
        nv_rx_record(rr->rx, now_ns, message);
    } else if (!rr->client && type == NV_MSG_REQUEST &&
               rr->reply_tail - rr->reply_head < REPLIES_MAX) {
        rr->replies[rr->reply_tail++ % REPLIES_MAX] =
            (struct rr_reply){.request = *message, .arrived_ns = now_ns};
    }
}

NV_HOT static void rr_sent(void *self, const struct nv_header *header, uint32_t count,
                           enum nv_tx_outcome outcome)
{
    struct rr *rr = self;
    if (!rr->client && outcome == NV_TX_SENT)
        return; /* a reply follows no schedule: what is told of them is which were refused */
    nv_source_sent(&rr->source, header, count, outcome);
    if (rr->closed_loop && outcome != NV_TX_SENT)
        free_slot_of(rr, header->seq);
}

static void rr_blocked(void *self)
{
    struct rr *rr = self;
    nv_pacer_blocked(&rr->source.pacer);
}

static void rr_writable(void *self)
{
    struct rr *rr = self;
    nv_pacer_writable(&rr->source.pacer);
}

/* Answers first: what is not read yet waits in the socket, where TCP slows the client down. */
NV_HOT static bool rr_wants(const void *self)
{
    const struct rr *rr = self;
    return rr->client || rr->reply_head == rr->reply_tail;
}

static void rr_expect(void *self, uint64_t now_ns, uint64_t sent_count)
{
    struct rr *rr = self;
    (void)now_ns;
    (void)sent_count;
    rr->told = true;
}

NV_HOT static bool rr_sending_done(const void *self, uint64_t now_ns)
{
    const struct rr *rr = self;
    return rr->client && nv_source_done(&rr->source, now_ns) &&
           (now_ns >= rr->stop_ns || rr->rx->all_unique_count >= rr->source.tx->all_sent_count);
}

NV_HOT static bool rr_finished(const void *self, uint64_t now_ns)
{
    const struct rr *rr = self;
    if (rr->client)
        return rr_sending_done(self, now_ns);
    return rr->told || now_ns >= rr->stop_ns;
}

static void rr_end(void *self)
{
    struct rr *rr = self;
    if (rr->client)
        nv_source_end(&rr->source);
}

#define REQUESTS_AND_REPLIES                                                                       \
    .answered = true, .state_size = sizeof(struct rr), .init = rr_init, .sends = rr_sends,         \
    .receives = rr_receives, .run = rr_run, .next_ns = rr_next_ns, .input = rr_input,              \
    .sent = rr_sent, .blocked = rr_blocked, .writable = rr_writable, .wants = rr_wants,            \
    .expect = rr_expect, .sending_done = rr_sending_done, .finished = rr_finished, .end = rr_end

const struct nv_workload nv_rr = {
    .name = "rr",
    .help = "request and reply; open loop at a rate, closed loop with a window at rate max",
    REQUESTS_AND_REPLIES,
};

const struct nv_workload nv_crr = {
    .name = "crr",
    .help = "as rr, but each request on a socket of its own: connect, request, reply, close",
    .connects = true,
    REQUESTS_AND_REPLIES,
};
