/* SPDX-License-Identifier: MIT */
#include "output/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "output/lines.h"

#define LATENCY_FLOOR_NS 2000.0 /* smaller differences are the instrument's */

const struct nv_metric_info nv_metrics[NV_METRIC_COUNT] = {
    [NV_METRIC_RESP_P50] =
        {.name = "resp_p50",
         .label = "response p50",
         .unit = "ns",
         .stat = "p50",
         .scale = NV_SCALE_LOG_RATIO,
         .margin = 0.04879016416943201 /* ln 1.05 */,
         .floor_abs = LATENCY_FLOOR_NS,
         .lower_is_better = true,
         .primary = true,
         .paced = true,
         .help = "Median response time: from the intended send time to arrival, over all scheduled "
                 "messages, those that never arrived at infinity. In rr, there and back."},
    [NV_METRIC_RESP_P99] =
        {.name = "resp_p99",
         .label = "response p99",
         .unit = "ns",
         .stat = "p99",
         .scale = NV_SCALE_LOG_RATIO,
         .margin = 0.09531017980432493 /* ln 1.10 */,
         .floor_abs = LATENCY_FLOOR_NS,
         .lower_is_better = true,
         .primary = true,
         .paced = true,
         .help =
             "Response time that 99 of 100 scheduled messages keep to. With more than 1 % never "
             "arriving it is infinite."},
    [NV_METRIC_GOODPUT] =
        {.name = "goodput",
         .label = "goodput",
         .unit = "bit/s",
         .stat = "mean",
         .scale = NV_SCALE_LOG_RATIO,
         .margin = 0.01980262729617973 /* ln 1.02 */,
         .primary = true,
         .help = "What the receiver got: bits a second of first copies, over the receiver's own "
                 "window, as long as the measured phase."},
    [NV_METRIC_ONTIME_RATIO] =
        {.name = "ontime_ratio",
         .label = "on time",
         .unit = "ratio",
         .stat = "ratio",
         .scale = NV_SCALE_DIFF,
         .margin = 0.001,
         .primary = true,
         .paced = true,
         .help =
             "Messages that arrived within the deadline after their intended send time, divided "
             "by all scheduled. Late and lost weigh the same."},
    [NV_METRIC_LOSS_RATIO] = {.name = "loss_ratio",
                              .label = "lost",
                              .unit = "ratio",
                              .stat = "ratio",
                              .scale = NV_SCALE_DIFF,
                              .margin = 0.001,
                              .lower_is_better = true,
                              .help = "Messages sent that never arrived, divided by those sent."},
};

static double response(const struct nv_line *line, double p)
{
    if (!nv_line_has_delays(line))
        return NAN;
    struct nv_quantile quantile =
        nv_quantile_all(&line->row->rx->resp, line->row->tx->sched_count, p, 1);
    if (!quantile.reportable)
        return NAN;
    return quantile.infinite ? INFINITY : (double)quantile.value_ns;
}

static double goodput(const struct nv_line *line)
{
    uint64_t bytes = line->row->rx->goodput_bytes;
    return bytes == NV_UNKNOWN ? NAN : 8 * (double)bytes / nv_line_measure_s(line);
}

static double ontime_ratio(const struct nv_line *line)
{
    const struct nv_deadlines *deadlines = &line->row->rx->deadlines;
    uint64_t sched_count = line->row->tx->sched_count;
    for (uint64_t i = 0; i < deadlines->count && nv_line_has_delays(line) && sched_count; i++)
        if (deadlines->deadline_ns[i] == line->run->spec.deadline_ns)
            return (double)deadlines->ontime_count[i] / (double)sched_count;
    return NAN;
}

static double loss_ratio(const struct nv_line *line)
{
    uint64_t sent_count = line->row->tx->sent_count;
    return sent_count ? (double)line->row->lost_count / (double)sent_count : NAN;
}

double nv_metric_value(enum nv_metric metric, const struct nv_run_result *run,
                       const struct nv_result_row *row)
{
    struct nv_line line = {run, row};
    switch (metric) {
    case NV_METRIC_RESP_P50:
        return response(&line, 0.5);
    case NV_METRIC_RESP_P99:
        return response(&line, 0.99);
    case NV_METRIC_GOODPUT:
        return goodput(&line);
    case NV_METRIC_ONTIME_RATIO:
        return ontime_ratio(&line);
    case NV_METRIC_LOSS_RATIO:
        return loss_ratio(&line);
    case NV_METRIC_COUNT:
        break;
    }
    return NAN;
}

const struct nv_result_row *nv_run_result_all(const struct nv_run_result *run,
                                              enum nv_row_direction direction)
{
    for (unsigned i = 0; i < run->row_count; i++)
        if (run->rows[i].flow == NV_FLOW_ALL && run->rows[i].direction == direction)
            return &run->rows[i];
    return NULL;
}

void nv_summary_arm_add(struct nv_summary_arm *arm, const struct nv_result_row *row)
{
    arm->sched_count += row->tx->sched_count;
    arm->not_sent_count += nv_row_not_sent(row);
    arm->lost_count += row->lost_count;
    arm->unique_count += row->rx->unique_count;
    arm->reordered_count += row->rx->ordering.reordered_count;
    nv_parts_merge(&arm->parts, &row->parts);
}
