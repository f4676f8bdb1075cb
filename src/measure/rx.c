/* SPDX-License-Identifier: MIT */
#include "measure/rx.h"

#include <stdlib.h>
#include <string.h>

#include "base/hint.h"
#include "measure/bitmap.h"
#include "measure/quantile.h"

/* State that only the receiving end has. */
struct nv_rx_live {
    struct nv_bitmap arrived, replicated;
    struct nv_ordering_live ordering;
    struct nv_ipdv_live ipdv;
    struct nv_jitter_live jitter;
    struct nv_inorder inorder; /* of datagrams */
    struct nv_interval_cursor intended, arrival;
    uint64_t first_ontime_count[NV_DEADLINES_MAX + 1];
    uint64_t latest_ns; /* the latest arrival, until the window opens */
    bool in_window;     /* the latest arrival was within goodput's window */
    unsigned recv_msgs; /* that the last call within it has finished so far */
    bool answered;
    bool unordered;
    bool estimates; /* head-of-line blocking is what the application sees of it */
    const struct nv_stamps *stamps;
    struct nv_release release; /* what stamps says of it, of measured messages */
    bool hol_late;             /* the measured arrival before was late, */
    bool hol_counted;          /* counted as blocked, */
    uint64_t hol_ns;           /* and at this time */
    uint64_t trace_capacity;
    uint64_t open_interval;   /* of the latest responses, */
    struct nv_hist before;    /* which came after these; */
    struct nv_hist responses; /* put together when it closes */
};

static int allocate(struct nv_rx *rx, const struct nv_rx_config *config, struct nv_error *err)
{
    uint64_t window = config->window ? config->window : NV_ORDERING_WINDOW;
    struct nv_rx_live *live = calloc(1, sizeof *live);
    rx->live = live;
    if (!live)
        return nv_fail(err, NV_E_FAILED, "no memory to receive with");
    live->trace_capacity = config->trace_capacity;
    if (config->trace_capacity) {
        rx->trace = calloc(config->trace_capacity, sizeof *rx->trace);
        if (!rx->trace)
            return nv_fail(err, NV_E_FAILED, "no memory for a trace of %llu messages",
                           (unsigned long long)config->trace_capacity);
    }
    if (nv_bitmap_init(&live->arrived, config->messages_max, err) ||
        nv_bitmap_init(&live->replicated, config->messages_max, err) ||
        nv_ordering_init(&live->ordering, window, err) || nv_ipdv_init(&live->ipdv, window, err))
        return NV_E_FAILED;
    if (config->unordered)
        return nv_inorder_init(&live->inorder, window, config->tmax_ns, err);
    return NV_OK;
}

static void init_intervals(struct nv_rx *rx)
{
    struct nv_rx_intervals *intervals = &rx->intervals;
    intervals->length_ns = nv_interval_length_ns(rx->phases.measure_ns);
    intervals->count = nv_interval_count(rx->phases.measure_ns);
    for (unsigned i = 0; i < NV_INTERVALS_MAX; i++)
        intervals->resp_p50_ns[i] = intervals->resp_p99_ns[i] = NV_UNKNOWN;
    nv_interval_cursor_init(&rx->live->intended, rx->phases.warmup_ns, intervals->length_ns,
                            intervals->count);
}

int nv_rx_init(struct nv_rx *rx, const struct nv_rx_config *config, struct nv_error *err)
{
    memset(rx, 0, sizeof *rx);
    rx->flow_count = 1;
    rx->phases = config->phases;
    rx->tmax_ns = config->tmax_ns;
    rx->goodput_from_ns = NV_UNKNOWN;
    rx->owd_min_ns = INT64_MAX;
    rx->jitter = (struct nv_jitter){.last_ns = NV_UNKNOWN, .max_ns = NV_UNKNOWN};
    nv_deadlines_init(&rx->deadlines, config->deadline_ns, config->deadline_count);
    if (allocate(rx, config, err)) {
        nv_rx_dispose(rx);
        return NV_E_FAILED;
    }
    rx->live->answered = config->answered;
    rx->live->unordered = config->unordered;
    rx->live->estimates = !config->unordered && !config->stamps;
    rx->live->stamps = config->stamps;
    init_intervals(rx);
    return NV_OK;
}

void nv_rx_dispose(struct nv_rx *rx)
{
    if (rx->live) {
        nv_bitmap_dispose(&rx->live->arrived);
        nv_bitmap_dispose(&rx->live->replicated);
        nv_ordering_dispose(&rx->live->ordering);
        nv_ipdv_dispose(&rx->live->ipdv);
        nv_inorder_dispose(&rx->live->inorder);
    }
    free(rx->live);
    free(rx->trace);
    rx->live = NULL;
    rx->trace = NULL;
    rx->trace_count = 0;
}

NV_COLD static void trace(struct nv_rx *rx, uint64_t now_ns, const struct nv_rx_message *message,
                          enum nv_trace_status status)
{
    if (rx->trace_count == rx->live->trace_capacity) {
        rx->trace_missed_count++;
        return;
    }
    const struct nv_stamps *stamps = rx->live->stamps;
    rx->trace[rx->trace_count++] = (struct nv_trace_row){
        .seq = message->seq,
        .t_int_ns = message->t_int_ns,
        .t_snd_ns = message->t_snd_ns,
        .t_rcv_ns = now_ns,
        .t_acc_ns = NV_UNKNOWN,
        .t_sch_ns = NV_UNKNOWN,
        .t_txk_ns = NV_UNKNOWN,
        .t_rxk_ns = stamps ? stamps->t_rxk_ns : NV_UNKNOWN,
        .t_rdy_ns = stamps ? stamps->t_rdy_ns : NV_UNKNOWN,
        .t_ack_ns = NV_UNKNOWN,
        .arrival_index = rx->all_unique_count + rx->all_dup_count - 1,
        .size_bytes = message->size_bytes,
        .recv_calls = message->recv_calls,
        .status = status,
    };
}

NV_COLD static void record_duplicate(struct nv_rx *rx, uint64_t now_ns,
                                     const struct nv_rx_message *message, bool measured)
{
    rx->all_dup_count++;
    if (!measured)
        return;
    rx->dup_count++;
    rx->replicated_count += !nv_bitmap_test_and_set(&rx->live->replicated, message->seq);
    if (rx->live->trace_capacity)
        trace(rx, now_ns, message, NV_TRACE_DUP);
}

/* The window opens with the first arrival that could have been sent at the end of the warm-up, had
 * it been as fast as the fastest so far. Every measured message is behind it, and no arrival that
 * was let pass before it opened. */
NV_COLD static void open_window(struct nv_rx *rx, uint64_t now_ns)
{
    struct nv_rx_live *live = rx->live;
    int64_t from_ns = (int64_t)rx->phases.warmup_ns + rx->owd_min_ns;
    if ((int64_t)now_ns < from_ns) {
        live->latest_ns = now_ns;
        return;
    }
    if (from_ns < (int64_t)live->latest_ns)
        from_ns = (int64_t)live->latest_ns;
    rx->goodput_from_ns = (uint64_t)from_ns;
    nv_interval_cursor_init(&live->arrival, rx->goodput_from_ns, rx->intervals.length_ns,
                            rx->intervals.count);
}

static void count_goodput(struct nv_rx *rx, uint64_t now_ns, uint64_t bytes, uint64_t count)
{
    struct nv_rx_live *live = rx->live;
    if (now_ns < rx->goodput_from_ns) /* NV_UNKNOWN, which is later than any time */
        open_window(rx, now_ns);
    live->in_window = now_ns - rx->goodput_from_ns < rx->phases.measure_ns; /* wraps before it */
    if (!live->in_window)
        return;
    rx->goodput_count += count;
    rx->goodput_bytes += bytes;
    rx->intervals.rx_bytes[nv_interval_at(&live->arrival, now_ns)] += bytes;
}

NV_COLD static void close_interval(struct nv_rx *rx)
{
    struct nv_rx_live *live = rx->live;
    uint64_t interval = live->open_interval;
    nv_hist_since(&live->responses, &live->before, &rx->resp);
    if (!live->responses.count && !live->responses.negative_count)
        return;
    live->responses.max = rx->intervals.resp_max_ns[interval];
    rx->intervals.resp_p50_ns[interval] = nv_quantile_value(&live->responses, 0.5);
    rx->intervals.resp_p99_ns[interval] = nv_quantile_value(&live->responses, 0.99);
}

static void record_response(struct nv_rx *rx, uint64_t now_ns, int64_t response_ns, uint64_t count)
{
    struct nv_rx_live *live = rx->live;
    uint64_t interval = nv_interval_at(&live->arrival, now_ns);
    if (interval > live->open_interval) {
        close_interval(rx);
        live->open_interval = interval;
    }
    interval = live->open_interval;
    rx->intervals.resp_count[interval] += count;
    if (response_ns > (int64_t)rx->intervals.resp_max_ns[interval])
        rx->intervals.resp_max_ns[interval] = (uint64_t)response_ns;
    nv_hist_add_signed_times(&rx->resp, response_ns, count);
    live->first_ontime_count[nv_deadlines_first(&rx->deadlines, response_ns)] += count;
    if (response_ns > (int64_t)rx->tmax_ns)
        rx->late_count += count;
}

/* Messages that came behind a late one; late themselves, or not. */
NV_COLD static void count_behind(struct nv_rx *rx, uint64_t excess_ns, bool late, uint64_t count)
{
    nv_hist_add_times(&rx->hol.waits, excess_ns, count);
    if (!late)
        return;
    rx->hol.blocked_count += count;
    rx->hol.episode_count += !rx->live->hol_counted;
    rx->hol.total_ns += excess_ns * count;
    rx->hol.max_ns = excess_ns > rx->hol.max_ns ? excess_ns : rx->hol.max_ns;
    rx->live->hol_counted = true;
}

/* Of messages that came together all but the first are behind another. */
static void record_blocking(struct nv_rx *rx, uint64_t now_ns, int64_t delay_ns, uint64_t count)
{
    struct nv_rx_live *live = rx->live;
    uint64_t excess_ns = (uint64_t)(delay_ns - rx->owd_min_ns);
    bool late = excess_ns > NV_BLOCKED_NS;
    bool behind = live->hol_late && now_ns - live->hol_ns < NV_BLOCKED_NS;
    live->hol_late = late;
    live->hol_ns = now_ns;
    live->hol_counted &= behind && late;
    if (behind)
        count_behind(rx, excess_ns, late, 1);
    if (late && count > 1)
        count_behind(rx, excess_ns, late, count - 1);
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static void record_difference(struct nv_rx *rx, int64_t difference_ns)
{
    rx->ipdv.sum_ns += difference_ns;
    rx->ipdv.defined_count++;
    nv_hist_add(&rx->ipdv_abs, magnitude(difference_ns));
}

static void record_pair(struct nv_rx *rx, const struct nv_rx_message *message, int64_t delay_ns,
                        bool measured)
{
    struct nv_ipdv_live *live = &rx->live->ipdv;
    int64_t difference_ns;
    if (nv_ipdv_add_latest(live, message->seq, delay_ns, measured, &difference_ns))
        record_difference(rx, difference_ns);
    if (message->count > 1)
        nv_ipdv_follow(live, message->seq, message->count - 1);
}

/* Of a run: the first message differs from what came before, the others from none. */
static void record_variation(struct nv_rx *rx, int64_t delay_ns, uint64_t count)
{
    struct nv_jitter_live *live = &rx->live->jitter;
    uint64_t more = count - 1;
    nv_jitter_add(live, &rx->jitter, delay_ns);
    if (!more)
        return;
    rx->ipdv.defined_count += more;
    nv_hist_add_times(&rx->ipdv_abs, 0, more);
    nv_jitter_follow(live, &rx->jitter, more);
}

/* By the kernel's stamps a lower bound: one that stands for several segments is the latest's. */
NV_COLD static void record_row(struct nv_rx *rx, uint64_t now_ns,
                               const struct nv_rx_message *message)
{
    const struct nv_stamps *stamps = rx->live->stamps;
    if (stamps && !rx->live->unordered && stamps->t_rxk_ns != NV_UNKNOWN) {
        rx->live->release.latest_ns = stamps->t_rdy_ns;
        nv_blocking_add(&rx->hol, &rx->live->release, stamps->t_rdy_ns - stamps->t_rxk_ns);
    }
    trace(rx, now_ns, message, NV_TRACE_OK);
}

static void record_measured(struct nv_rx *rx, uint64_t now_ns, const struct nv_rx_message *message,
                            int64_t delay_ns)
{
    uint64_t count = message->count;
    record_variation(rx, delay_ns, count);
    rx->unique_count += count;
    rx->unique_bytes += count * message->size_bytes;
    rx->intervals.unique_count[nv_interval_at(&rx->live->intended, message->t_int_ns)] += count;
    if (delay_ns < 0)
        rx->negative_count += count;
    record_response(rx, now_ns, (int64_t)(now_ns - message->t_int_ns), count);
    nv_hist_add_signed_times(&rx->serv, delay_ns, count);
    if (rx->live->answered)
        nv_hist_add_times(&rx->dwell, message->dwell_ns, count);
    nv_boundary_messages(&rx->boundary, message->recv_calls, count);
    if (rx->live->estimates)
        record_blocking(rx, now_ns, delay_ns, count);
    if (rx->live->trace_capacity)
        record_row(rx, now_ns, message);
}

/* Where order has a gap, or had one. */
NV_COLD static void record_held(struct nv_rx *rx, uint64_t now_ns,
                                const struct nv_rx_message *message, bool measured)
{
    struct nv_inorder *inorder = &rx->live->inorder;
    if (!inorder->holds)
        nv_inorder_begin(inorder, rx->live->ordering.next_expected);
    for (uint32_t i = 0; i < message->count && (i == 0 || inorder->holds); i++)
        nv_inorder_add(inorder, &rx->hol, message->seq + i, now_ns, measured);
}

/* Of which the first is not the next in order: whether it is beyond all others, all the same. */
NV_COLD static bool record_jump(struct nv_rx *rx, uint64_t now_ns,
                                const struct nv_rx_message *message, int64_t delay_ns,
                                bool measured)
{
    struct nv_rx_live *live = rx->live;
    struct nv_ordering *counts = measured ? &rx->ordering : NULL;
    if (live->unordered)
        record_held(rx, now_ns, message, measured);
    struct nv_ordering_arrival arrival =
        nv_ordering_add(&live->ordering, counts, message->seq, now_ns);
    nv_ordering_follow(&live->ordering, counts, message->count - 1);
    if (!arrival.reordered)
        return true;
    if (measured && arrival.known)
        nv_hist_add(&rx->late_offset, arrival.late_ns);
    struct nv_ipdv_pairs pairs = nv_ipdv_add(&live->ipdv, message->seq, delay_ns, measured);
    for (unsigned i = 0; i < pairs.count; i++)
        record_difference(rx, pairs.difference_ns[i]);
    return false;
}

/* Beyond the latest number nothing has arrived yet. A trace has a row for each. */
static bool is_run(const struct nv_rx *rx, const struct nv_rx_message *message)
{
    const struct nv_rx_live *live = rx->live;
    return message->seq >= live->ordering.next_expected && message->seq < live->arrived.bits &&
           (message->count == 1 ||
            (message->count <= live->arrived.bits - message->seq && !live->trace_capacity));
}

/* Of what is no run: whether it is one message that is new. Several are recorded one by one. */
NV_COLD static bool is_new(struct nv_rx *rx, uint64_t now_ns, const struct nv_rx_message *message)
{
    struct nv_rx_message one = *message;
    one.count = 1;
    if (message->count > 1) {
        for (uint32_t i = 0; i < message->count; i++, one.seq++)
            nv_rx_record(rx, now_ns, &one);
        return false;
    }
    if (message->seq >= rx->live->arrived.bits) {
        rx->corrupt_count++;
        return false;
    }
    if (!nv_bitmap_test(&rx->live->arrived, message->seq))
        return true;
    record_duplicate(rx, now_ns, message, nv_phases_measured(&rx->phases, message->t_int_ns));
    return false;
}

NV_HOT void nv_rx_record(struct nv_rx *rx, uint64_t now_ns, const struct nv_rx_message *message)
{
    NV_ASSERT(message->count);
    if (!is_run(rx, message) && !is_new(rx, now_ns, message))
        return;
    bool measured = nv_phases_measured(&rx->phases, message->t_int_ns);
    int64_t delay_ns = (int64_t)(now_ns - message->t_snd_ns);
    nv_bitmap_set(&rx->live->arrived, message->seq, message->count);
    rx->all_unique_count += message->count;
    if (delay_ns < rx->owd_min_ns)
        rx->owd_min_ns = delay_ns;
    count_goodput(rx, now_ns, (uint64_t)message->count * message->size_bytes, message->count);
    bool latest = nv_ordering_follows(&rx->live->ordering, message->seq);
    if (latest && rx->live->inorder.holds)
        record_held(rx, now_ns, message, measured);
    if (latest)
        nv_ordering_follow(&rx->live->ordering, measured ? &rx->ordering : NULL, message->count);
    else
        latest = record_jump(rx, now_ns, message, delay_ns, measured);
    if (latest)
        record_pair(rx, message, delay_ns, measured);
    if (measured)
        record_measured(rx, now_ns, message, delay_ns);
}

void nv_rx_recv(struct nv_rx *rx, uint64_t bytes, unsigned messages)
{
    if (!rx->live->in_window)
        return;
    nv_boundary_recv(&rx->boundary, bytes, messages);
    rx->live->recv_msgs = messages;
}

void nv_rx_recv_more(struct nv_rx *rx, uint64_t bytes, unsigned messages)
{
    if (!rx->live->in_window)
        return;
    nv_boundary_recv_more(&rx->boundary, bytes, rx->live->recv_msgs, messages);
    rx->live->recv_msgs += messages;
}

/* Who was not held did not wait. */
static void close_held(struct nv_rx *rx)
{
    nv_inorder_finish(&rx->live->inorder, &rx->hol);
    uint64_t told = rx->hol.waits.count + rx->hol.too_late_count;
    if (rx->unique_count > told)
        nv_hist_add_times(&rx->hol.waits, 0, rx->unique_count - told);
}

void nv_rx_finish(struct nv_rx *rx, uint64_t seq_first, uint64_t seq_end)
{
    close_interval(rx);
    if (rx->live->unordered)
        close_held(rx);
    nv_deadlines_take(&rx->deadlines, rx->live->first_ontime_count);
    nv_losses_scan(&rx->losses, &rx->live->arrived, seq_first, seq_end);
}
