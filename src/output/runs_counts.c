/* SPDX-License-Identifier: MIT */
#include "output/lines.h"

#include <math.h>
#include <stddef.h>

#include "output/field.h"

#define CI_Z 1.959963984540054 /* standard normal quantile of 0.975 */
#define LOSS_DISPERSION_MAX                                                                        \
    1.2                     /* above it losses cluster, and a binomial interval is too narrow      \
                             */
#define LOSS_NONE_UPPER 3.0 /* rule of three: 95 % upper bound for none in n is 3 / n */

static const struct nv_result_row *row_of(const void *line)
{
    return ((const struct nv_line *)line)->row;
}

/* Of the counts of lost messages in the run's intervals, against independent losses. */
static double loss_dispersion(const struct nv_result_row *row)
{
    uint64_t lost[NV_INTERVALS_MAX];
    uint64_t count = row->tx->intervals.count;
    if (count > NV_INTERVALS_MAX || count != row->rx->intervals.count || !row->lost_count ||
        row->lost_count == row->tx->sent_count)
        return 1;
    for (uint64_t i = 0; i < count; i++)
        lost[i] = row->tx->intervals.sent_count[i] - row->rx->intervals.unique_count[i];
    double ratio = (double)row->lost_count / (double)row->tx->sent_count;
    return nv_dispersion(lost, (unsigned)count, row->tx->sent_count, 1 - ratio);
}

/* Wilson's score interval (JASA 22, 1927); upper bound by the rule of three when nothing is lost.
 */
static struct nv_bounds loss_bounds(const struct nv_result_row *row)
{
    double n = (double)row->tx->sent_count;
    double k = (double)row->lost_count;
    if (n == 0 || loss_dispersion(row) > LOSS_DISPERSION_MAX)
        return (struct nv_bounds){NAN, NAN};
    if (k == 0)
        return (struct nv_bounds){0, fmin(1, LOSS_NONE_UPPER / n)};
    double z2 = CI_Z * CI_Z;
    double centre = (k + z2 / 2) / (n + z2);
    double half = CI_Z / (n + z2) * sqrt(k * (n - k) / n + z2 / 4);
    return (struct nv_bounds){fmax(0, centre - half), fmin(1, centre + half)};
}

static void get_loss_ratio(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_ratio(field, row_of(line)->lost_count, row_of(line)->tx->sent_count);
}

static void get_loss_lo(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_real(field, loss_bounds(row_of(line)).lo);
}

static void get_loss_hi(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_real(field, loss_bounds(row_of(line)).hi);
}

static void get_burst_mean(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_losses *losses = &row_of(line)->rx->losses;
    nv_field_ratio(field, losses->missing_count, losses->run_count);
}

static void get_burst_max(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_losses *losses = &row_of(line)->rx->losses;
    nv_field_count(field, losses->run_count ? losses->run_max_msgs : NV_UNKNOWN);
}

static void get_gilbert(struct nv_field *field, const struct nv_column *column, const void *line)
{
    struct nv_gilbert gilbert = nv_losses_gilbert(&row_of(line)->rx->losses);
    const double *value = (const double *)(const void *)((const char *)&gilbert + column->offset);
    nv_field_real(field, gilbert.known ? *value : NAN);
}

static void get_reordered_ratio(struct nv_field *field, const struct nv_column *column,
                                const void *line)
{
    (void)column;
    const struct nv_rx *rx = row_of(line)->rx;
    nv_field_ratio(field, rx->ordering.reordered_count, rx->unique_count);
}

static void get_nreorder3_ratio(struct nv_field *field, const struct nv_column *column,
                                const void *line)
{
    (void)column;
    const struct nv_rx *rx = row_of(line)->rx;
    uint64_t count = 0;
    for (unsigned n = 3; n < NV_PATTERN_SLOTS; n++)
        count += rx->ordering.n_reorder[n];
    nv_field_ratio(field, count, rx->unique_count);
}

static void get_extent_mean(struct nv_field *field, const struct nv_column *column,
                            const void *line)
{
    (void)column;
    const struct nv_ordering *ordering = &row_of(line)->rx->ordering;
    nv_field_ratio(field, ordering->extent_sum_msgs,
                   ordering->reordered_count - ordering->extent_censored_count);
}

static void get_extent_max(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    const struct nv_ordering *ordering = &row_of(line)->rx->ordering;
    bool known = ordering->reordered_count > ordering->extent_censored_count;
    nv_field_count(field, known ? ordering->extent_max_msgs : NV_UNKNOWN);
}

/* Delays that only one clock can tell. */
static void get_clock_count(struct nv_field *field, const struct nv_column *column,
                            const void *line)
{
    if (nv_line_has_delays(line))
        nv_get_rx_count(field, column, line);
    else
        nv_field_count(field, NV_UNKNOWN);
}

const struct nv_column nv_runs_count_columns[] = {
    NV_COLUMN("sched_count", "Messages that the schedule asked for.", nv_get_tx_count,
              NV_AT_TX(sched_count)),
    NV_COLUMN("sent_count", "Scheduled messages that the sender's kernel took.", nv_get_tx_count,
              NV_AT_TX(sent_count)),
    NV_COLUMN("unsent_count", "Scheduled messages never tried: the run ended first.",
              nv_get_tx_count, NV_AT_TX(unsent_count)),
    NV_COLUMN("drop_eagain_count", "Messages dropped because the send buffer was full (EAGAIN).",
              nv_get_tx_count, NV_AT_TX(drop_eagain_count)),
    NV_COLUMN("drop_enobufs_count",
              "Messages dropped by the sender's own queue or device (ENOBUFS).", nv_get_tx_count,
              NV_AT_TX(drop_enobufs_count)),
    NV_COLUMN("err_emsgsize_count", "Messages refused as too long (EMSGSIZE).", nv_get_tx_count,
              NV_AT_TX(err_emsgsize_count)),
    NV_COLUMN("err_other_count", "Messages refused for any other reason.", nv_get_tx_count,
              NV_AT_TX(err_other_count)),
    NV_COLUMN("rx_unique_count", "Messages that arrived; copies count once.", nv_get_rx_count,
              NV_AT_RX(unique_count)),
    NV_COLUMN("rx_dup_count", "Copies that arrived after the first (RFC 5560).", nv_get_rx_count,
              NV_AT_RX(dup_count)),
    NV_COLUMN("rx_corrupt_count", "Arrivals whose content was damaged; all phases.",
              nv_get_rx_count, NV_AT_RX(corrupt_count)),
    NV_COLUMN("rx_stray_count", "Arrivals that belong to no message of the run; all phases.",
              nv_get_rx_count, NV_AT_RX(stray_count)),
    NV_COLUMN("lost_count",
              "Messages sent that did not arrive by the end of the drain: sent_count - "
              "rx_unique_count.",
              nv_get_row_count, NV_AT_ROW(lost_count)),
    NV_COLUMN("lost_rcvbuf_count",
              "Of the lost, dropped at the receiver's socket because its buffer was full, or a "
              "checksum was wrong: the kernel counts both as one. Empty where it counts several "
              "messages that it had joined (engine batch) as one, too, and in crr over TCP, where "
              "connections are dropped, and of one flow of several, which share a socket.",
              nv_get_row_count, NV_AT_ROW(lost_rcvbuf_count)),
    NV_COLUMN("lost_reply_count", "Of the lost, replies that the server's kernel refused (rr).",
              nv_get_row_count, NV_AT_ROW(reply_lost_count)),
    NV_COLUMN("lost_path_count",
              "Of the lost, all others: lost on the path; empty as lost_rcvbuf_count.",
              nv_get_row_count, NV_AT_ROW(lost_path_count)),
    NV_COLUMN("late_count",
              "Messages that arrived later than the drain time after their intended time; empty "
              "when clocks differ.",
              get_clock_count, NV_AT_RX(late_count)),
    NV_COLUMN("negative_count",
              "Messages that arrived before they were sent: 0, or the clock is wrong; empty when "
              "clocks differ.",
              get_clock_count, NV_AT_RX(negative_count)),
    NV_COLUMN("loss_ratio", "lost_count / sent_count; empty when nothing was sent.",
              get_loss_ratio),
    NV_COLUMN(
        "loss_ci_lo_ratio",
        "Lower end of the 95 % interval of loss_ratio (Wilson); empty when losses cluster, as "
        "the interval would be too narrow.",
        get_loss_lo),
    NV_COLUMN("loss_ci_hi_ratio",
              "Upper end of the 95 % interval of loss_ratio; 3 / sent_count when nothing was lost "
              "(rule of three).",
              get_loss_hi),
    NV_COLUMN("loss_burst_mean_msgs",
              "Mean length of a run of missing messages (lost or never sent), RFC 3357; empty when "
              "none is missing.",
              get_burst_mean),
    NV_COLUMN("loss_burst_max_msgs", "Longest run of missing messages; empty when none is missing.",
              get_burst_max),
    NV_COLUMN("gilbert_p",
              "Gilbert-Elliott model of the missing messages: P(good to bad); empty below 200 of "
              "them or when the model does not fit.",
              get_gilbert, .offset = offsetof(struct nv_gilbert, p)),
    NV_COLUMN("gilbert_r", "P(bad to good) of that model (gilbert_p).", get_gilbert,
              .offset = offsetof(struct nv_gilbert, r)),
    NV_COLUMN("gilbert_h", "P(delivery in the bad state) of that model (gilbert_p).", get_gilbert,
              .offset = offsetof(struct nv_gilbert, h)),
    NV_COLUMN("reordered_count", "Messages that arrived after a later one (RFC 4737 §3.3).",
              nv_get_rx_count, NV_AT_RX(ordering.reordered_count)),
    NV_COLUMN("reordered_ratio",
              "reordered_count / rx_unique_count (RFC 4737 §4.1); empty when nothing arrived.",
              get_reordered_ratio),
    NV_COLUMN("nreorder3_ratio",
              "Share of arrivals that at least three later messages came just before (RFC 4737 "
              "§5.3): what would make TCP retransmit.",
              get_nreorder3_ratio),
    NV_COLUMN("extent_mean_msgs",
              "Mean reordering extent (RFC 4737 §4.2): arrivals since the first that overtook; "
              "empty when none is known.",
              get_extent_mean),
    NV_COLUMN("extent_max_msgs", "Largest reordering extent; empty when none is known.",
              get_extent_max),
    NV_COLUMN("extent_censored_count",
              "Reordered messages whose extent was beyond the window and is not known.",
              nv_get_rx_count, NV_AT_RX(ordering.extent_censored_count)),
    NV_COLUMN("", NULL, NULL),
};
