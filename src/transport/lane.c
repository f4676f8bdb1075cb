/* SPDX-License-Identifier: MIT */
#include "transport/lane.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hint.h"
#include "transport/lane_counts.h"

/* How long a lane sleeps at most, so that it notices what other threads tell it: rarely while it
 * measures, often while it only waits to be told that the far end is done. */
#define LOOK_UP_NS (100 * NV_NS_PER_MS)
#define LOOK_UP_DRAIN_NS (2 * NV_NS_PER_MS)

static uint64_t since_start_ns(const struct nv_lane *lane)
{
    uint64_t now_ns = nv_clock_ns();
    return now_ns > lane->channel.t0_ns ? now_ns - lane->channel.t0_ns : 0;
}

static void pass_run(struct nv_lane *lane, struct nv_lane_flow *flow)
{
    if (!lane->run.message.count)
        return;
    lane->workload.input(flow->workload, lane->now_ns, &lane->run.message, lane->run.type);
    lane->run.message.count = 0;
}

NV_COLD static void begin_run(struct nv_lane *lane, struct nv_lane_flow *flow,
                              const struct nv_rx_message *message, uint8_t type)
{
    pass_run(lane, flow);
    lane->run = (struct nv_lane_run){.message = *message, .type = type};
}

/* Does the message go on where the run ends? */
static inline bool continues(const struct nv_lane *lane, const struct nv_header *header,
                             uint32_t recv_calls)
{
    const struct nv_rx_message *run = &lane->run.message;
    return run->count && header->seq == run->seq + run->count &&
           header->t_snd_ns == run->t_snd_ns && header->t_int_ns == run->t_int_ns &&
           header->len_bytes == run->size_bytes && recv_calls == run->recv_calls &&
           header->type == lane->run.type;
}

NV_HOT static inline void take_messages(struct nv_lane *lane, struct nv_lane_flow *flow,
                                        const struct nv_header *train, uint32_t recv_calls)
{
    if (train->run_tag != lane->run_tag) {
        if (flow->report->rx)
            flow->report->rx->stray_count += train->count;
        return;
    }
    if (lane->joins && continues(lane, train, recv_calls)) {
        lane->run.message.count++;
        return;
    }
    const struct nv_rx_message message = {.seq = train->seq,
                                          .t_int_ns = train->t_int_ns,
                                          .t_snd_ns = train->t_snd_ns,
                                          .count = train->count,
                                          .size_bytes = train->len_bytes,
                                          .dwell_ns = train->dwell_ns,
                                          .recv_calls = recv_calls};
    if (lane->joins)
        begin_run(lane, flow, &message, train->type);
    else
        lane->workload.input(flow->workload, lane->now_ns, &message, train->type);
}

/* Is it a message of ours, and whole? */
static bool read_datagram(struct nv_lane_flow *flow, const uint8_t *data, size_t len_bytes,
                          struct nv_header *header)
{
    struct nv_rx *rx = flow->report->rx;
    if (len_bytes < NV_HEADER_BYTES || nv_header_decode(header, data) == NV_DECODE_FOREIGN) {
        if (rx)
            rx->stray_count++;
        return false;
    }
    if (header->len_bytes == len_bytes &&
        (!flow->payload || nv_payload_matches(flow->payload, header->seq, 0, data + NV_HEADER_BYTES,
                                              len_bytes - NV_HEADER_BYTES)))
        return true;
    if (rx)
        rx->corrupt_count++;
    return false;
}

static void view_payload(void *context, const struct nv_header *header, uint32_t offset,
                         const uint8_t *data, size_t len_bytes)
{
    struct nv_lane_flow *flow = context;
    flow->damaged |= !nv_payload_matches(flow->payload, header->seq, offset, data, len_bytes);
}

static unsigned take_stream(struct nv_lane *lane, struct nv_lane_flow *flow, const uint8_t *data,
                            size_t len_bytes)
{
    struct nv_framed framed;
    unsigned count = 0;
    int got;
    nv_framer_feed(&flow->framer, data, len_bytes);
    while ((got = nv_framer_next(&flow->framer, &framed)) > 0) {
        if (flow->damaged && flow->report->rx)
            flow->report->rx->corrupt_count++;
        if (!flow->damaged)
            take_messages(lane, flow, &framed.header, framed.recv_calls);
        flow->damaged = false;
        count += framed.header.count;
    }
    if (got < 0)
        (void)nv_fail(&lane->error, NV_E_FAILED, "a byte stream lost its framing");
    return count;
}

static unsigned take_datagrams(struct nv_lane *lane, struct nv_lane_flow *flow,
                               const struct nv_received *received)
{
    struct nv_header header;
    unsigned count = 0;
    size_t at = 0;
    do {
        const uint8_t *data = received->data + at;
        size_t left_bytes = received->len_bytes - at;
        size_t len_bytes =
            left_bytes < received->segment_bytes ? left_bytes : received->segment_bytes;
        size_t taken_bytes = received->segment_bytes;
        if (read_datagram(flow, data, len_bytes, &header)) {
            if (lane->trains)
                header.count = nv_train_length(data, left_bytes, header.len_bytes);
            take_messages(lane, flow, &header, 1);
            count += header.count;
            taken_bytes *= header.count;
        }
        at += taken_bytes;
    } while (at < received->len_bytes);
    return count;
}

NV_HOT static bool lane_received(void *context, const struct nv_received *received)
{
    struct nv_lane *lane = context;
    struct nv_lane_flow *flow = &lane->flows[received->flow];
    lane->now_ns = since_start_ns(lane);
    bool datagrams = lane->channel.caps & NV_CAP_DATAGRAMS;
    unsigned count = datagrams ? take_datagrams(lane, flow, received)
                               : take_stream(lane, flow, received->data, received->len_bytes);
    if (lane->joins)
        pass_run(lane, flow);
    struct nv_rx *rx = flow->report->rx;
    if (rx && received->goes_on)
        nv_rx_recv_more(rx, received->len_bytes, count);
    else if (rx)
        nv_rx_recv(rx, received->len_bytes, count);
    /* Who is to answer, or waits for the answer before it asks again, does that first. */
    return !lane->workload.answered || (rx && !lane->at_max);
}

static void end_block(struct nv_lane *lane, struct nv_lane_flow *flow)
{
    lane->now_ns = since_start_ns(lane);
    if (flow->blocked && !lane->workload.connects)
        flow->report->blocked_ns += lane->now_ns - flow->blocked_from_ns;
    flow->blocked_from_ns = lane->now_ns; /* if the next attempt is refused, too */
    flow->blocked = false;
}

static void lane_writable(void *context, unsigned index)
{
    struct nv_lane *lane = context;
    struct nv_lane_flow *flow = &lane->flows[index];
    end_block(lane, flow);
    lane->workload.writable(flow->workload);
}

NV_HOT static bool lane_wants(void *context, unsigned index)
{
    struct nv_lane *lane = context;
    return lane->workload.wants(lane->flows[index].workload);
}

/* ---- a lane that stalls: apart, so that no other need ask whether it does ---- */

static bool is_stalled(const struct nv_lane *lane)
{
    return lane->now_ns >= lane->stall_from_ns && lane->now_ns < lane->stall_end_ns;
}

static bool stalling_received(void *context, const struct nv_received *received)
{
    return lane_received(context, received) && !is_stalled(context);
}

static bool stalling_wants(void *context, unsigned index)
{
    return !is_stalled(context) && lane_wants(context, index);
}

static enum nv_tx_outcome outcome_of(int refusal)
{
    switch (refusal) {
    case EAGAIN:
        return NV_TX_EAGAIN;
    case ENOBUFS:
        return NV_TX_ENOBUFS;
    case EMSGSIZE:
        return NV_TX_EMSGSIZE;
    default:
        return NV_TX_OTHER;
    }
}

/* The first count messages of the outbox, of one train, are no longer its own. */
NV_HOT static void settle(struct nv_lane *lane, struct nv_lane_flow *flow, uint32_t count,
                          enum nv_tx_outcome outcome)
{
    struct nv_header *train = &flow->outbox[flow->outbox_first];
    lane->workload.sent(flow->workload, train, count, outcome);
    train->seq += count;
    train->count -= count;
    if (train->count)
        return;
    flow->outbox_first++;
    flow->outbox_count--;
}

static int refused(struct nv_lane *lane, struct nv_lane_flow *flow, int refusal)
{
    bool connects = lane->workload.connects; /* one that fails takes nothing else with it */
    bool reliable = lane->channel.caps & NV_CAP_RELIABLE && !connects;
    flow->report->full_count += refusal == EAGAIN && !connects;
    if (refusal == EAGAIN && (reliable || connects || lane->spec->udp_policy == NV_UDP_WAIT)) {
        uint64_t seq = flow->outbox_count ? flow->outbox[flow->outbox_first].seq : UINT64_MAX;
        if (seq == UINT64_MAX || seq != flow->refused_seq)
            flow->blocked_from_ns = since_start_ns(lane);
        flow->refused_seq = seq;
        flow->blocked = true;
        lane->workload.blocked(flow->workload);
        return NV_OK;
    }
    if (reliable)
        return nv_fail_errno(&lane->error, NV_E_PEER, refusal, "send on a data connection");
    settle(lane, flow, 1, outcome_of(refusal));
    return NV_OK;
}

/* What is left of a train, and has not been tried, is due when it will be, unless on a schedule. */
static void accepted(struct nv_lane *lane, struct nv_lane_flow *flow, unsigned count, bool tried)
{
    while (count) {
        struct nv_header *train = &flow->outbox[flow->outbox_first];
        uint32_t n = count < train->count ? count : train->count;
        settle(lane, flow, n, NV_TX_SENT);
        count -= n;
        if (train->count && !tried && lane->at_max)
            train->t_int_ns = NV_MESSAGE_UNSCHEDULED;
    }
}

/* Sends what is due of one flow; when it has something to do next. */
static int pump(struct nv_lane *lane, struct nv_lane_flow *flow, uint64_t *next_ns)
{
    if (!flow->blocked && !flow->outbox_count && !flow->closed) {
        flow->outbox_first = 0;
        flow->outbox_count =
            lane->workload.run(flow->workload, lane->now_ns, flow->outbox, flow->outbox_size);
    }
    while (flow->outbox_count && !flow->blocked) {
        int refusal = 0;
        unsigned sent = lane->calls.send(lane->engine, &flow->outbox[flow->outbox_first],
                                         flow->outbox_count, &refusal);
        accepted(lane, flow, sent, refusal != 0);
        if (refusal && refused(lane, flow, refusal))
            return lane->error.code;
    }
    if (!flow->blocked && !flow->closed) {
        uint64_t due_ns = lane->workload.next_ns(flow->workload);
        *next_ns = due_ns < *next_ns ? due_ns : *next_ns;
    }
    return NV_OK;
}

/* Edges of the measured phase, and of the stall, which is only to be woken for. */
NV_COLD static void mark_phases(struct nv_lane *lane)
{
    uint64_t from_ns = lane->spec->warmup_ns;
    uint64_t to_ns = from_ns + lane->spec->duration_ns;
    if (!lane->measuring && lane->now_ns >= from_ns)
        nv_lane_start_counting(lane);
    if (!lane->measured && lane->now_ns >= to_ns)
        nv_lane_stop_counting(lane);
    const uint64_t edges_ns[] = {from_ns, lane->stall_from_ns, lane->stall_end_ns, to_ns};
    lane->edge_ns = UINT64_MAX;
    for (unsigned i = sizeof edges_ns / sizeof edges_ns[0]; i-- > 0;)
        if (edges_ns[i] > lane->now_ns)
            lane->edge_ns = edges_ns[i];
}

static void pass_expectation(struct nv_lane *lane, struct nv_lane_flow *flow)
{
    if (flow->expecting || !atomic_load(&flow->told))
        return;
    flow->expecting = true;
    lane->workload.expect(flow->workload, lane->now_ns, flow->theirs.sent_count);
}

/* What is left of the schedule, or was handed out and not taken, is unsent. */
static void close_sending(struct nv_lane *lane, struct nv_lane_flow *flow)
{
    if (flow->closed)
        return;
    flow->closed = true;
    while (flow->outbox_count)
        settle(lane, flow, flow->outbox[flow->outbox_first].count, NV_TX_UNSENT);
    lane->workload.end(flow->workload);
}

static void tell_sent(struct nv_lane *lane)
{
    for (unsigned i = 0; i < lane->channel.flow_count; i++) {
        close_sending(lane, &lane->flows[i]);
        const struct nv_tx *tx = lane->flows[i].report->tx;
        if (tx)
            lane->flows[i].ours = (struct nv_flow_end){.sent_count = tx->all_sent_count,
                                                       .seq_first = tx->seq_first,
                                                       .seq_end = tx->seq_end};
    }
    lane->sent = true;
    lane->sent_all(lane->context);
}

/* What was taken in part is in the engine's hands, and not sent before there was room for the rest.
 * Whoever waits for that gives up when a workload does. */
NV_COLD static bool holds_rest(const struct nv_lane *lane)
{
    bool holds = false;
    for (unsigned i = 0; i < lane->channel.flow_count; i++)
        holds |= lane->flows[i].blocked;
    return holds && lane->now_ns < nv_spec_end_ns(lane->spec) + lane->spec->drain_ns;
}

/* One turn of the loop up to the wait; *done when the lane has finished. */
static int turn(struct nv_lane *lane, uint64_t *next_ns, bool *done)
{
    bool tell = !lane->sent;
    *done = true;
    if (lane->now_ns >= lane->edge_ns)
        mark_phases(lane);
    *next_ns = lane->edge_ns;
    for (unsigned i = 0; i < lane->channel.flow_count; i++) {
        struct nv_lane_flow *flow = &lane->flows[i];
        if (pump(lane, flow, next_ns))
            return lane->error.code;
        pass_expectation(lane, flow);
        *done = *done && lane->workload.finished(flow->workload, lane->now_ns);
        tell = tell && lane->workload.sending_done(flow->workload, lane->now_ns);
    }
    if (tell && !holds_rest(lane))
        tell_sent(lane);
    return NV_OK;
}

/* The measured range is known to who sent: for answers that is this end. */
static void finish_receiving(const struct nv_lane *lane, struct nv_lane_flow *flow)
{
    struct nv_rx *rx = flow->report->rx;
    const struct nv_tx *tx = flow->report->tx;
    if (!rx)
        return;
    if (lane->workload.answered)
        nv_rx_finish(rx, tx->seq_first, tx->seq_end);
    else
        nv_rx_finish(rx, flow->theirs.seq_first, flow->theirs.seq_end);
}

static void finish(struct nv_lane *lane)
{
    if (!lane->measuring)
        nv_lane_start_counting(lane);
    if (!lane->measured)
        nv_lane_stop_counting(lane);
    for (unsigned i = 0; i < lane->channel.flow_count; i++) {
        struct nv_lane_flow *flow = &lane->flows[i];
        close_sending(lane, flow);
        end_block(lane, flow);
        finish_receiving(lane, flow);
    }
    nv_lane_report_counts(lane);
}

int nv_lane_open(struct nv_lane *lane)
{
    lane->engine = calloc(1, lane->calls.state_size);
    if (!lane->engine)
        return nv_fail(&lane->error, NV_E_FAILED, "no memory");
    lane->trains = !lane->workload.answered && !lane->spec->verify;
    lane->joins = !lane->workload.answered && lane->spec->verify;
    lane->at_max = lane->spec->rate.kind == NV_RATE_MAX;
    for (unsigned i = 0; i < lane->channel.flow_count; i++) {
        struct nv_lane_flow *flow = &lane->flows[i];
        flow->framer.trains = lane->trains;
        if (!lane->spec->verify)
            continue;
        flow->payload = lane->payload;
        flow->framer.viewer = (struct nv_payload_viewer){.see = view_payload, .context = flow};
    }
    nv_lane_open_counts(lane);
    return lane->calls.open(lane->engine, &lane->channel, &lane->error);
}

NV_HOT int nv_lane_run(struct nv_lane *lane)
{
    bool stalls = lane->stall_from_ns < lane->stall_end_ns;
    const struct nv_sink sink = {.context = lane,
                                 .received = stalls ? stalling_received : lane_received,
                                 .writable = lane_writable,
                                 .wants = stalls ? stalling_wants : lane_wants};
    uint64_t end_ns = nv_spec_end_ns(lane->spec);
    uint64_t t0_ns = lane->channel.t0_ns;
    uint64_t polled_ns = 0;
    nv_clock_sleep_until(t0_ns);
    for (;;) {
        uint64_t next_ns;
        bool done;
        /* What was just delivered has read the clock. */
        if (lane->now_ns == polled_ns)
            lane->now_ns = since_start_ns(lane);
        if (turn(lane, &next_ns, &done))
            return lane->error.code;
        if (atomic_load_explicit(lane->stop, memory_order_relaxed))
            return NV_OK; /* nobody asks for the report: putting it in order could take long */
        if (done && !holds_rest(lane))
            break;
        uint64_t look_up_ns =
            lane->now_ns + (lane->now_ns < end_ns ? LOOK_UP_NS : LOOK_UP_DRAIN_NS);
        next_ns = next_ns < look_up_ns ? next_ns : look_up_ns;
        polled_ns = lane->now_ns;
        if (lane->calls.poll(lane->engine, t0_ns + polled_ns, t0_ns + next_ns, &sink,
                             &lane->error) ||
            lane->error.code)
            return lane->error.code;
    }
    finish(lane);
    return NV_OK;
}

void nv_lane_close(struct nv_lane *lane)
{
    nv_perf_close(&lane->perf);
    if (lane->engine)
        lane->calls.close(lane->engine);
    free(lane->engine);
    lane->engine = NULL;
}
