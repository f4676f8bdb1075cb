/* SPDX-License-Identifier: MIT */
#include "output/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "output/lines.h"

#define LATENCY_FLOOR_NS 2000.0 /* smaller differences are the instrument's */

const struct nv_metric_info nv_metrics[NV_METRIC_COUNT] = {
    [NV_METRIC_RESP_P50] = {.name = "resp_p50",
                            .label = "response p50",
                            .unit = "ns",
                            .stat = "p50",
                            .scale = NV_SCALE_LOG_RATIO,
                            .margin = 0.04879016416943201 /* ln 1.05 */,
                            .floor_abs = LATENCY_FLOOR_NS,
                            .lower_is_better = true,
                            .primary = true,
                            .paced = true,
                            .column = "resp_p50_ns"},
    [NV_METRIC_RESP_P99] = {.name = "resp_p99",
                            .label = "response p99",
                            .unit = "ns",
                            .stat = "p99",
                            .scale = NV_SCALE_LOG_RATIO,
                            .margin = 0.09531017980432493 /* ln 1.10 */,
                            .floor_abs = LATENCY_FLOOR_NS,
                            .lower_is_better = true,
                            .primary = true,
                            .paced = true,
                            .column = "resp_p99_ns"},
    [NV_METRIC_GOODPUT] = {.name = "goodput",
                           .label = "goodput",
                           .unit = "bit/s",
                           .stat = "mean",
                           .scale = NV_SCALE_LOG_RATIO,
                           .margin = 0.01980262729617973 /* ln 1.02 */,
                           .primary = true,
                           .column = "goodput_bps"},
    [NV_METRIC_ONTIME_RATIO] = {.name = "ontime_ratio",
                                .label = "on time",
                                .unit = "ratio",
                                .stat = "ratio",
                                .scale = NV_SCALE_DIFF,
                                .margin = 0.001,
                                .primary = true,
                                .paced = true,
                                .column = "ontime_ratio"},
    [NV_METRIC_LOSS_RATIO] = {.name = "loss_ratio",
                              .label = "lost",
                              .unit = "ratio",
                              .stat = "ratio",
                              .scale = NV_SCALE_DIFF,
                              .margin = 0.001,
                              .lower_is_better = true,
                              .column = "loss_ratio"},
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

void nv_summary_arm_add(struct nv_summary_arm *arm, const struct nv_run_result *run,
                        const struct nv_result_row *row)
{
    arm->sched_count += row->tx->sched_count;
    arm->not_sent_count += nv_row_not_sent(row);
    arm->lost_count += row->lost_count;
    arm->unique_count += row->rx->unique_count;
    arm->reordered_count += row->rx->ordering.reordered_count;
    for (unsigned end = 0; end < 2 && row->calls[end]; end++)
        for (unsigned call = 0; call < NV_CALL_COUNT; call++) {
            arm->calls[end][call].count += row->calls[end]->time[call].count;
            arm->calls[end][call].total_ns += row->calls[end]->time[call].sum;
        }
    nv_evidence_add(&arm->evidence, run, row);
    nv_parts_merge(&arm->parts, &row->parts);
}
