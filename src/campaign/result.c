/* SPDX-License-Identifier: MIT */
#include "campaign/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "workload/workload.h"

/* One direction of a run: whose report is the sender's, and whose the receiver's. */
struct side {
    enum nv_row_direction direction;
    const struct nv_flow_report *sender, *receiver;
    const struct nv_flow_report *rx_holder; /* who measured arrivals: in rr the sender itself */
    bool from_client;
};

const char *nv_row_direction_name(enum nv_row_direction direction)
{
    static const char *const names[] = {
        [NV_ROW_UP] = "up", [NV_ROW_DOWN] = "down", [NV_ROW_RTT] = "rtt"};
    return names[direction];
}

void nv_run_result_flag(struct nv_run_result *result, const char *flag)
{
    size_t used = strlen(result->flags);
    if (!strstr(result->flags, flag))
        (void)snprintf(result->flags + used, sizeof result->flags - used, "%s%s", used ? ";" : "",
                       flag);
}

static uint64_t sum_known(uint64_t a, uint64_t b)
{
    return a == NV_UNKNOWN || b == NV_UNKNOWN ? NV_UNKNOWN : a + b;
}

static void add_stamped(struct nv_stamp_counters *sum, const struct nv_stamp_counters *flow)
{
    sum->sent_gaps_count += flow->sent_gaps_count;
    sum->again_count += flow->again_count;
    sum->foreign_count += flow->foreign_count;
    sum->unstamped_count += flow->unstamped_count;
    if (flow->clock_step_ns > sum->clock_step_ns)
        sum->clock_step_ns = flow->clock_step_ns;
}

static void add_report(struct nv_flow_report *sum, const struct nv_flow_report *flow)
{
    sum->io.connect_ns = flow->io.connect_ns;
    sum->io.sndbuf_bytes = flow->io.sndbuf_bytes;
    sum->io.rcvbuf_bytes = flow->io.rcvbuf_bytes;
    sum->io.mtu_bytes = flow->io.mtu_bytes;
    sum->io.recv_calls += flow->io.recv_calls;
    sum->io.recv_empty += flow->io.recv_empty;
    sum->io.truncated += flow->io.truncated;
    sum->io.send_calls += flow->io.send_calls;
    sum->io.partial_writes += flow->io.partial_writes;
    sum->io.refused_count += flow->io.refused_count;
    sum->io.joins |= flow->io.joins;
    if (flow->io.sockets_max > sum->io.sockets_max)
        sum->io.sockets_max = flow->io.sockets_max;
    sum->listen_overflows = sum_known(sum->listen_overflows, flow->listen_overflows);
    sum->listen_drops = sum_known(sum->listen_drops, flow->listen_drops);
    sum->zero_windows = sum_known(sum->zero_windows, flow->zero_windows);
    add_stamped(&sum->stamped, &flow->stamped);
    sum->full_count += flow->full_count;
    sum->blocked_ns += flow->blocked_ns;
    sum->drops_count += flow->drops_count;
    sum->spun |= flow->spun;
    if (!flow->shared_thread) {
        sum->cpu_ns += flow->cpu_ns;
        sum->idle_ns = sum_known(sum->idle_ns, flow->idle_ns);
        sum->cycles = sum_known(sum->cycles, flow->cycles);
        sum->instructions = sum_known(sum->instructions, flow->instructions);
        sum->involuntary_switches += flow->involuntary_switches;
    }
}

static uint64_t refused_replies(const struct nv_tx *replies)
{
    return replies ? replies->sched_count - replies->sent_count : 0;
}

/* The kernel counts what it joined, and drops whole, as one. A listening socket drops connections,
 * not messages, and one that all flows share tells nothing about a single one. */
static bool drops_are_vague(const struct nv_result_row *row, const struct nv_spec *spec,
                            uint64_t drops)
{
    bool joined = (row->sender.io.joins || row->receiver.io.joins) && drops;
    bool is_part = row->flow != NV_FLOW_ALL && spec->flows > 1;
    bool elsewhere = row->calls[0] && (is_part || strcmp(spec->transport, "tcp") == 0);
    return (joined && row->lost_path_count) || (elsewhere && row->lost_count);
}

static void balance(struct nv_result_row *row, const struct nv_spec *spec)
{
    const struct nv_tx *tx = row->tx;
    uint64_t refused = tx->drop_eagain_count + tx->drop_enobufs_count + tx->err_emsgsize_count +
                       tx->err_other_count;
    row->balances = tx->sched_count == tx->sent_count + refused + tx->unsent_count &&
                    row->rx->unique_count <= tx->sent_count;
    row->lost_count = row->balances ? tx->sent_count - row->rx->unique_count : 0;
    uint64_t left = row->lost_count;
    row->reply_lost_count = row->reply_lost_count < left ? row->reply_lost_count : left;
    left -= row->reply_lost_count;
    uint64_t drops = row->receiver.drops_count;
    if (row->direction == NV_ROW_RTT)
        drops += row->sender.drops_count;
    if (row->sender.tcp.known) /* what TCP drops at a socket, it sends again */
        drops = 0;
    row->lost_rcvbuf_count = drops < left ? drops : left;
    row->lost_path_count = left - row->lost_rcvbuf_count;
    if (drops_are_vague(row, spec, drops))
        row->lost_rcvbuf_count = row->lost_path_count = NV_UNKNOWN;
}

static void add_flow(const struct nv_run_result *result, const struct side *side, unsigned flow,
                     struct nv_result_row *row)
{
    nv_tx_merge(row->tx, side->sender[flow].tx);
    nv_rx_merge(row->rx, side->rx_holder[flow].rx);
    add_report(&row->sender, &side->sender[flow]);
    add_report(&row->receiver, &side->receiver[flow]);
    nv_kernel_tcp_add(&row->sender.tcp, &side->sender[flow].tcp);
    nv_kernel_tcp_add(&row->receiver.tcp, &side->receiver[flow].tcp);
    if (side->direction == NV_ROW_RTT)
        row->reply_lost_count += refused_replies(side->receiver[flow].tx);
    for (unsigned end = 0; row->calls[0] && end < 2; end++)
        nv_calls_merge(row->calls[end], (end ? side->receiver : side->sender)[flow].calls);
    struct nv_schedule_config schedule = nv_spec_schedule(&result->spec, flow, side->from_client);
    row->sched_hash = nv_fnv1a64_u64(row->sched_hash, nv_schedule_hash(&schedule));
}

/* The trace is what a merge leaves out: a row of one flow takes it over. */
static void take_trace(const struct side *side, unsigned flow, struct nv_result_row *row)
{
    struct nv_rx *from = side->rx_holder[flow].rx;
    row->rx->trace = from->trace;
    row->rx->trace_count = from->trace_count;
    row->rx->trace_missed_count = from->trace_missed_count;
    from->trace = NULL;
}

/* What the sender's kernel said, of the messages that arrived. */
static void join_stamps(struct nv_rx *rx, const struct nv_stamps *stamps)
{
    for (uint64_t i = 0; rx->trace && stamps && i < rx->trace_count; i++) {
        struct nv_trace_row *row = &rx->trace[i];
        const struct nv_stamp_row *sent = nv_stamps_find(stamps, row->seq);
        if (!sent)
            continue;
        row->t_acc_ns = sent->t_acc_ns;
        row->t_sch_ns = sent->t_ns[NV_STAMP_SCHED];
        row->t_txk_ns = sent->t_ns[NV_STAMP_SENT];
        row->t_ack_ns = sent->t_ns[NV_STAMP_ACKED];
    }
}

static void judge_parts(struct nv_run_result *result, struct nv_result_row *row)
{
    if (!result->spec.diag)
        return;
    nv_run_result_flag(result, "diag");
    if (result->shared_clock)
        nv_parts_add(&row->parts, row->rx);
    /* The rows of the single flows are just before that of all. */
    for (unsigned i = 1;
         row->flow == NV_FLOW_ALL && result->spec.flows > 1 && i <= result->spec.flows; i++)
        nv_parts_merge(&row->parts, &row[-(int)i].parts);
    if (row->parts.wrong_count)
        nv_run_result_flag(result, "parts");
}

static int build_row(struct nv_run_result *result, const struct side *side, int flow,
                     struct nv_error *err)
{
    struct nv_result_row *row = &result->rows[result->row_count++];
    row->flow = flow;
    row->direction = side->direction;
    row->sched_hash = NV_FNV1A64_INIT;
    row->tx = calloc(1, sizeof *row->tx);
    row->rx = calloc(1, sizeof *row->rx);
    if (!row->tx || !row->rx)
        return nv_fail(err, NV_E_FAILED, "no memory");
    for (unsigned end = 0; side->sender[0].calls && end < 2; end++)
        if (!(row->calls[end] = calloc(1, sizeof *row->calls[end])))
            return nv_fail(err, NV_E_FAILED, "no memory");
    unsigned count = (unsigned)result->spec.flows;
    unsigned first = flow == NV_FLOW_ALL ? 0 : (unsigned)flow;
    unsigned end = flow == NV_FLOW_ALL ? count : first + 1;
    for (unsigned i = first; i < end; i++)
        add_flow(result, side, i, row);
    if (flow != NV_FLOW_ALL || count == 1)
        take_trace(side, first, row);
    join_stamps(row->rx, side->sender[first].stamps);
    judge_parts(result, row);
    balance(row, &result->spec);
    if (row->balances)
        return NV_OK;
    nv_run_result_flag(result, "ledger");
    return nv_fail(
        err, NV_E_FAILED,
        "the ledger of %s %s does not balance (%llu scheduled, %llu sent, %llu arrived): "
        "this is a bug in netversus",
        result->key.run_id, nv_row_direction_name(row->direction),
        (unsigned long long)row->tx->sched_count, (unsigned long long)row->tx->sent_count,
        (unsigned long long)row->rx->unique_count);
}

static int build_side(struct nv_run_result *result, const struct side *side, struct nv_error *err)
{
    unsigned count = (unsigned)result->spec.flows;
    for (unsigned i = 0; i < count; i++)
        if (!side->sender[i].tx || !side->rx_holder[i].rx ||
            !side->sender[i].calls != !side->receiver[i].calls)
            return nv_fail(err, NV_E_PEER, "the far end did not report flow %u", i);
    for (unsigned i = 0; count > 1 && i < count; i++)
        if (build_row(result, side, (int)i, err))
            return err->code;
    return build_row(result, side, NV_FLOW_ALL, err);
}

int nv_run_result_build(struct nv_run_result *result, const struct nv_flow_report *ours,
                        const struct nv_flow_report *theirs, struct nv_error *err)
{
    const struct nv_workload *workload = nv_workload_find(result->spec.workload, err);
    const struct side rtt = {NV_ROW_RTT, ours, theirs, ours, true};
    const struct side up = {NV_ROW_UP, ours, theirs, theirs, true};
    const struct side down = {NV_ROW_DOWN, theirs, ours, ours, false};
    result->row_count = 0;
    result->rows = calloc(2 * (result->spec.flows + 1), sizeof *result->rows);
    if (!workload || !result->rows)
        return nv_fail(err, NV_E_FAILED, "no memory");
    result->valid = true;
    if (workload->answered)
        return build_side(result, &rtt, err);
    if (result->spec.direction != NV_DOWN && build_side(result, &up, err))
        return err->code;
    return result->spec.direction != NV_UP ? build_side(result, &down, err) : NV_OK;
}

void nv_run_result_dispose(struct nv_run_result *result)
{
    for (unsigned i = 0; i < result->row_count; i++) {
        free(result->rows[i].tx);
        free(result->rows[i].calls[0]);
        free(result->rows[i].calls[1]);
        if (result->rows[i].rx)
            free(result->rows[i].rx->trace);
        free(result->rows[i].rx);
    }
    for (unsigned way = 0; way < 2; way++) {
        free(result->packets[way]);
        result->packets[way] = NULL;
    }
    free(result->rows);
    result->rows = NULL;
    result->row_count = 0;
}
