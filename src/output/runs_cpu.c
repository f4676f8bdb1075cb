/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stddef.h>

#include "output/field.h"
#include "output/lines.h"

/* What a message costs the processors. Work of the protocols is charged to whoever happens to do it
 * (on loopback the sender's call also runs the receive path), so that only sums compare. */

/* Flows on one thread cannot tell their shares: the first one carries it all. */
static void get_thread(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_result_row *row = ((const struct nv_line *)line)->row;
    bool is_receiver = column->offset >= offsetof(struct nv_result_row, receiver);
    const struct nv_flow_report *report = is_receiver ? &row->receiver : &row->sender;
    if (row->flow != NV_FLOW_ALL && report->shared_thread)
        nv_field_count(field, NV_UNKNOWN);
    else
        nv_get_row_count(field, column, line);
}

static void get_cpu_valid(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_result_row *row = ((const struct nv_line *)line)->row;
    nv_field_count(field, !row->sender.spun && !row->receiver.spun);
}

/* Of the two threads; NAN when it is not known, or not of this direction alone. */
struct cost {
    double tx_ns, rx_ns;
};

static struct cost cost_of(const struct nv_line *line)
{
    const struct nv_result_row *row = line->row;
    bool shared =
        row->flow != NV_FLOW_ALL && (row->sender.shared_thread || row->receiver.shared_thread);
    bool known =
        !shared && !row->sender.spun && !row->receiver.spun && line->run->spec.direction != NV_BOTH;
    return (struct cost){.tx_ns = known ? (double)row->sender.cpu_ns : NAN,
                         .rx_ns = known ? (double)row->receiver.cpu_ns : NAN};
}

static double per(double value, uint64_t count)
{
    return count ? value / (double)count : NAN;
}

static void get_tx_per_msg(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    nv_field_real(field, per(cost_of(at).tx_ns, at->row->tx->sent_count));
}

static void get_rx_per_msg(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    nv_field_real(field, per(cost_of(at).rx_ns, at->row->rx->unique_count));
}

static void get_per_msg(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    struct cost cost = cost_of(at);
    nv_field_real(field, per(cost.tx_ns + cost.rx_ns, at->row->rx->unique_count));
}

static void get_per_byte(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    struct cost cost = cost_of(at);
    nv_field_real(field, per(cost.tx_ns + cost.rx_ns, at->row->rx->unique_bytes));
}

static bool is_whole_run(const struct nv_line *line)
{
    return line->row->flow == NV_FLOW_ALL && line->run->spec.direction != NV_BOTH &&
           !line->row->sender.spun && !line->row->receiver.spun;
}

static void get_sys(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    nv_field_count(field, is_whole_run(at) ? at->run->sys_cpu_ns : NV_UNKNOWN);
}

static void get_sys_per_msg(struct nv_field *field, const struct nv_column *column,
                            const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    bool known = is_whole_run(at) && at->run->sys_cpu_ns != NV_UNKNOWN;
    nv_field_real(field, per(known ? (double)at->run->sys_cpu_ns : NAN, at->row->rx->unique_count));
}

const struct nv_column nv_runs_cpu_columns[] = {
    NV_COLUMN("tx_cpu_ns",
              "Processor time of the sender's thread in the measured phase; empty for a flow whose "
              "thread also drove an earlier flow, which carries it all.",
              get_thread, NV_AT_ROW(sender.cpu_ns), .source = "CLOCK_THREAD_CPUTIME_ID"),
    NV_COLUMN("rx_cpu_ns",
              "Processor time of the receiver's thread (rr: of the server's); empty as tx_cpu_ns.",
              get_thread, NV_AT_ROW(receiver.cpu_ns), .source = "CLOCK_THREAD_CPUTIME_ID"),
    NV_COLUMN("cpu_valid",
              "1: both threads slept when there was nothing to do; 0: one spun (--wait spin, or to "
              "keep a send time), so that its processor time says nothing of its work.",
              get_cpu_valid),
    NV_COLUMN("tx_nivcsw_count",
              "Times that the kernel took the processor from the sender's thread (involuntary "
              "context switches).",
              get_thread, NV_AT_ROW(sender.involuntary_switches),
              .source = "RUSAGE_THREAD, ru_nivcsw"),
    NV_COLUMN(
        "rx_nivcsw_count",
        "Times that the kernel took the processor from the receiver's thread (rr: the server's).",
        get_thread, NV_AT_ROW(receiver.involuntary_switches), .source = "RUSAGE_THREAD, ru_nivcsw"),
    NV_COLUMN("tx_cycles",
              "Processor cycles of the sender's thread in the measured phase; empty where the "
              "processor does not tell (most virtual machines).",
              get_thread, NV_AT_ROW(sender.cycles),
              .source = "perf_event_open, PERF_COUNT_HW_CPU_CYCLES"),
    NV_COLUMN("tx_instructions", "Instructions of the sender's thread; empty as tx_cycles.",
              get_thread, NV_AT_ROW(sender.instructions),
              .source = "perf_event_open, PERF_COUNT_HW_INSTRUCTIONS"),
    NV_COLUMN("rx_cycles", "Cycles of the receiver's thread (rr: of the server's).", get_thread,
              NV_AT_ROW(receiver.cycles), .source = "perf_event_open, PERF_COUNT_HW_CPU_CYCLES"),
    NV_COLUMN("rx_instructions",
              "Instructions of the receiver's thread (rr: of the server's); empty as tx_cycles.",
              get_thread, NV_AT_ROW(receiver.instructions),
              .source = "perf_event_open, PERF_COUNT_HW_INSTRUCTIONS"),
    NV_COLUMN("tx_cpu_ns_per_msg",
              "tx_cpu_ns over the messages sent; this and the like are empty where cpu_valid is 0, "
              "and with direction both, whose ends do both at once.",
              get_tx_per_msg),
    NV_COLUMN("rx_cpu_ns_per_msg", "rx_cpu_ns over the messages that arrived.", get_rx_per_msg),
    NV_COLUMN("cpu_ns_per_msg",
              "Both threads' time over the messages that arrived (rr: over the answers). Work of "
              "the protocols is charged to whoever does it, so compare this, not one end.",
              get_per_msg),
    NV_COLUMN("cpu_ns_per_byte",
              "Both threads' time over the bytes that arrived; empty as tx_cpu_ns_per_msg.",
              get_per_byte),
    NV_COLUMN("sys_cpu_ns",
              "Time of all processors of the client's machine in the measured phase, interrupts "
              "included, less their share in the pauses between runs; empty below 5 s, with an "
              "emulated path, and before pauses (--settle) add up to a second.",
              get_sys, .source = "/proc/stat: user, nice, system, irq, softirq"),
    NV_COLUMN("sys_cpu_ns_per_msg", "sys_cpu_ns over the messages that arrived.", get_sys_per_msg),
    NV_COLUMN("tx_idle_ns",
              "Time in the measured phase for which the sender's thread had nothing to do: what is "
              "missing from tx_cpu_ns and this it was ready to run and had no processor; empty "
              "where the kernel keeps no count (schedstat).",
              get_thread, NV_AT_ROW(sender.idle_ns)),
    NV_COLUMN("rx_idle_ns",
              "Time in the measured phase for which the receiver's thread (rr: the server's) had "
              "nothing to do; empty as tx_idle_ns.",
              get_thread, NV_AT_ROW(receiver.idle_ns)),
    NV_COLUMN("", NULL, NULL),
};
