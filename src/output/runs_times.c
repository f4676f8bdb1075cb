/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <math.h>
#include <stddef.h>

#include "output/field.h"

static const struct nv_hist *hist_of(const struct nv_column *column, const void *line)
{
    return nv_hist_of(&nv_hist_sources[column->offset], line);
}

static void get_delivered(struct nv_field *field, const struct nv_hist *hist, double p)
{
    field->text[0] = '\0';
    if (!hist)
        return;
    struct nv_quantile quantile = nv_quantile_delivered(hist, p, 1);
    nv_field_quantile(field, &quantile);
}

static void get_p50(struct nv_field *field, const struct nv_column *column, const void *line)
{
    get_delivered(field, hist_of(column, line), 0.5);
}

static void get_p99(struct nv_field *field, const struct nv_column *column, const void *line)
{
    get_delivered(field, hist_of(column, line), 0.99);
}

static void get_max(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_hist *hist = hist_of(column, line);
    nv_field_count(field, hist && hist->count ? hist->max : NV_UNKNOWN);
}

/* The lost rank at infinity. */
static void get_all(struct nv_field *field, const struct nv_hist *hist, const void *line, double p)
{
    field->text[0] = '\0';
    if (!hist)
        return;
    uint64_t sched_count = ((const struct nv_line *)line)->row->tx->sched_count;
    struct nv_quantile quantile = nv_quantile_all(hist, sched_count, p, 1);
    nv_field_quantile(field, &quantile);
}

static void get_all_p50(struct nv_field *field, const struct nv_column *column, const void *line)
{
    get_all(field, hist_of(column, line), line, 0.5);
}

static void get_all_p99(struct nv_field *field, const struct nv_column *column, const void *line)
{
    get_all(field, hist_of(column, line), line, 0.99);
}

/* RFC 5481 form: quantile of the delay less the smallest delay. */
static void get_pdv_p99(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_hist *serv = hist_of(column, line);
    field->text[0] = '\0';
    if (!serv)
        return;
    struct nv_quantile quantile = nv_quantile_delivered(serv, 0.99, 1);
    if (quantile.reportable && quantile.value_ns >= serv->min)
        nv_field_count(field, quantile.value_ns - serv->min);
}

static void get_per_second(struct nv_field *field, uint64_t count, double unit, const void *line)
{
    nv_field_real(field,
                  count == NV_UNKNOWN ? NAN : (double)count * unit / nv_line_measure_s(line));
}

static void get_offered(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    get_per_second(field, ((const struct nv_line *)line)->row->tx->sched_bytes, 8, line);
}

static void get_sent(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    get_per_second(field, ((const struct nv_line *)line)->row->tx->sent_bytes, 8, line);
}

static void get_goodput(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    get_per_second(field, ((const struct nv_line *)line)->row->rx->goodput_bytes, 8, line);
}

static void get_msg_rate(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    get_per_second(field, ((const struct nv_line *)line)->row->rx->goodput_count, 1, line);
}

static void get_ontime(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    nv_field_real(field, nv_metric_value(NV_METRIC_ONTIME_RATIO, at->run, at->row));
}

static void get_hol_method(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    if (!at->row->rx->unique_count)
        field->text[0] = '\0';
    else if (!nv_line_is_tcp(line))
        nv_field_text(field, "virtual");
    else
        nv_field_text(field, at->run->spec.diag ? "kernel_lb" : "app_ub");
}

static void get_stamps(struct nv_field *field, const struct nv_column *column, const void *line)
{
    if (((const struct nv_line *)line)->run->spec.diag)
        nv_get_row_count(field, column, line);
    else
        field->text[0] = '\0';
}

static void get_clock_step(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_line *at = line;
    uint64_t sender_ns = at->row->sender.stamped.clock_step_ns;
    uint64_t receiver_ns = at->row->receiver.stamped.clock_step_ns;
    nv_field_count(field, !at->run->spec.diag       ? NV_UNKNOWN
                          : sender_ns > receiver_ns ? sender_ns
                                                    : receiver_ns);
}

const struct nv_column nv_runs_time_columns[] = {
    NV_COLUMN("late_offset_p50_ns",
              "Median time by which reordered messages came after the one that overtook them (RFC "
              "4737 §4.3); empty when the sample does not support it.",
              get_p50, .offset = NV_HIST_LATE_OFFSET),
    NV_COLUMN("late_offset_max_ns",
              "Largest late offset of a reordered message; empty when none is known.", get_max,
              .offset = NV_HIST_LATE_OFFSET),
    NV_COLUMN(
        "ipdv_abs_p50_ns",
        "Median of |difference of delay| between messages sent one after the other (RFC 3393).",
        get_p50, .offset = NV_HIST_IPDV),
    NV_COLUMN("ipdv_abs_p99_ns",
              "99th percentile of |difference of delay| between messages sent one after the other.",
              get_p99, .offset = NV_HIST_IPDV),
    NV_COLUMN(
        "pdv_p99_ns",
        "99th percentile of the delay from the send, less the smallest such delay (RFC 5481); "
        "empty when clocks differ.",
        get_pdv_p99, .offset = NV_HIST_SERV),
    NV_COLUMN("rfc3550_jitter_ns",
              "Interarrival jitter at the end (RFC 3550 §6.4.1): the last 16 messages or so; empty "
              "over several flows.",
              nv_get_rx_count, NV_AT_RX(jitter.last_ns)),
    NV_COLUMN("rfc3550_jitter_max_ns", "Largest interarrival jitter; empty over several flows.",
              nv_get_rx_count, NV_AT_RX(jitter.max_ns)),
    NV_COLUMN("offered_bps", "Bits a second that the schedule asked for, headers of ours included.",
              get_offered),
    NV_COLUMN("sent_bps", "Bits a second that the sender's kernel took.", get_sent),
    NV_COLUMN(
        "goodput_bps",
        "Bits a second of first copies that arrived within the receiver's own window, as long "
        "as the measured phase.",
        get_goodput),
    NV_COLUMN("msg_rate_per_s", "Messages a second, first copies, in the receiver's window.",
              get_msg_rate),
    NV_COLUMN("goodput_bytes", "Bytes of first copies that arrived in the receiver's window.",
              nv_get_rx_count, NV_AT_RX(goodput_bytes)),
    NV_COLUMN("resp_p50_ns",
              "Median response time, from the intended send time, over all scheduled messages, "
              "those that never arrived at infinity (inf); empty when clocks differ or the sample "
              "does not support it.",
              get_all_p50, .offset = NV_HIST_RESP),
    NV_COLUMN("resp_p99_ns",
              "99th percentile of the response time over all scheduled messages: with more than 1 "
              "% never arriving it is infinite (inf); empty as resp_p50_ns.",
              get_all_p99, .offset = NV_HIST_RESP),
    NV_COLUMN("resp_max_ns", "Largest response time of those that arrived.", get_max,
              .offset = NV_HIST_RESP),
    NV_COLUMN("serv_p50_ns",
              "Median service time, from the actual send, over all scheduled messages; empty as "
              "resp_p50_ns.",
              get_all_p50, .offset = NV_HIST_SERV),
    NV_COLUMN(
        "serv_p99_ns",
        "99th percentile of the service time over all scheduled messages; empty as resp_p50_ns.",
        get_all_p99, .offset = NV_HIST_SERV),
    NV_COLUMN("ontime_ratio",
              "Messages that arrived within the deadline after their intended time / sched_count; "
              "empty when clocks differ.",
              get_ontime),
    NV_COLUMN("hol_blocked_count",
              "Messages that waited behind one that was late (head-of-line blocking) by more than "
              "50 us.",
              nv_get_rx_count, NV_AT_RX(hol.blocked_count)),
    NV_COLUMN("hol_episode_count", "Times that such blocking began (hol_blocked_count).",
              nv_get_rx_count, NV_AT_RX(hol.episode_count)),
    NV_COLUMN("hol_total_ns", "Sum of the waits of blocked messages.", nv_get_rx_count,
              NV_AT_RX(hol.total_ns)),
    NV_COLUMN("hol_max_ns", "Longest wait of a blocked message.", nv_get_rx_count,
              NV_AT_RX(hol.max_ns)),
    NV_COLUMN("hol_method",
              "How head-of-line blocking was found; app_ub: from the application's own stamps, an "
              "upper bound that includes queueing; kernel_lb: from the kernel's (diag), a lower "
              "bound; virtual: what datagrams would have waited, were they handed over in order; "
              "empty: nothing arrived.",
              get_hol_method),
    NV_COLUMN("sched_lag_p50_ns",
              "Median lateness of sends by our own fault (timer, processor), of messages sent.",
              get_p50, .offset = NV_HIST_SCHED_LAG),
    NV_COLUMN("sched_lag_p99_ns",
              "99th percentile of the lateness of sends by our own fault: how far the instrument "
              "can be trusted.",
              get_p99, .offset = NV_HIST_SCHED_LAG),
    NV_COLUMN("sched_lag_max_ns", "Largest lateness of a send by our own fault.", get_max,
              .offset = NV_HIST_SCHED_LAG),
    NV_COLUMN("block_lag_p99_ns",
              "99th percentile of the lateness of sends because the transport would not take them: "
              "a result.",
              get_p99, .offset = NV_HIST_BLOCK_LAG),
    NV_COLUMN("block_lag_max_ns",
              "Largest lateness of a send because the transport would not take it.", get_max,
              .offset = NV_HIST_BLOCK_LAG),
    NV_COLUMN("late_sends_count", "Messages sent more than 50 us late by our own fault.",
              nv_get_tx_count, NV_AT_TX(late_sends_count)),
    NV_COLUMN("hol_too_late_count",
              "Datagrams that came when a receiver in order would have given them up: a drain time "
              "after one sent later; in none of the waits.",
              nv_get_rx_count, NV_AT_RX(hol.too_late_count)),
    NV_COLUMN("stamped_count",
              "Messages whose kernel time stamps are all known, which parts.csv is of; this and "
              "the next five with diag only.",
              get_stamps, NV_AT_ROW(parts.count)),
    NV_COLUMN("parts_wrong_count",
              "Of them, whose parts do not sum to the service time or are less than nothing: 0, or "
              "the run is flagged.",
              get_stamps, NV_AT_ROW(parts.wrong_count)),
    NV_COLUMN("stamps_missing_count",
              "Messages that the sender's kernel gave no stamp of its own: TCP sent them together "
              "with the next.",
              get_stamps, NV_AT_ROW(sender.stamped.sent_gaps_count)),
    NV_COLUMN("stamps_again_count", "Stamps of messages that TCP sent once more.", get_stamps,
              NV_AT_ROW(sender.stamped.again_count)),
    NV_COLUMN("stamps_unarrived_count", "Messages that came without the receiver's stamp.",
              get_stamps, NV_AT_ROW(receiver.stamped.unstamped_count)),
    NV_COLUMN("clock_step_ns",
              "How far the wall clock, which kernel stamps are of, was set during the run; the "
              "larger of both ends; above 1 us it is not valid.",
              get_clock_step),
    NV_COLUMN("", NULL, NULL),
};
