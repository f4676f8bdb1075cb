/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_TEST_SUMMARY_H
#define NV_OUTPUT_TEST_SUMMARY_H

#include <stdio.h>

#include "output/summary.h"

/* For tests: a made-up campaign, TCP against UDP. */

static struct nv_spec test_tcp_spec, test_udp_spec;

static inline void test_spec_make(struct nv_spec *spec, const char *transport)
{
    nv_options_reset(nv_spec_options, spec);
    (void)snprintf(spec->transport, sizeof spec->transport, "%s", transport);
}

static inline struct nv_comparison test_comparison(double effect, double lo, double hi,
                                                   enum nv_verdict verdict)
{
    return (struct nv_comparison){
        .blocks_count = 6,
        .effect = effect,
        .has_interval = true,
        .ci95_lo = lo,
        .ci95_hi = hi,
        .verdict = verdict,
    };
}

/* One cell of rr: UDP wins at the median, p99 is open, the rest are ties. */
static inline void test_cell_make(struct nv_summary_cell *cell)
{
    test_spec_make(&test_tcp_spec, "tcp");
    test_spec_make(&test_udp_spec, "udp");
    *cell = (struct nv_summary_cell){
        .cell_id = "c001",
        .direction = NV_ROW_RTT,
        .arm_count = 2,
        .arm = {{.name = "TCP",
                 .spec = &test_tcp_spec,
                 .sched_count = 9600,
                 .unique_count = 9600,
                 .median = {61300, 88000, 8e6, 1, 0}},
                {.name = "UDP",
                 .spec = &test_udp_spec,
                 .sched_count = 9600,
                 .unique_count = 9600,
                 .median = {57900, 84100, 8e6, 1, 0}}},
        .blocks_count = 6,
    };
    cell->comparison[NV_METRIC_RESP_P50] =
        test_comparison(-0.056, -0.069, -0.041, NV_VERDICT_B_WINS);
    cell->comparison[NV_METRIC_RESP_P99] =
        test_comparison(-0.044, -0.11, 0.023, NV_VERDICT_INCONCLUSIVE);
    cell->comparison[NV_METRIC_RESP_P99].needed_blocks = 20;
    cell->comparison[NV_METRIC_GOODPUT] = test_comparison(0, -0.001, 0.0012, NV_VERDICT_TIE);
    cell->comparison[NV_METRIC_ONTIME_RATIO] = test_comparison(0, 0, 0, NV_VERDICT_TIE);
    cell->comparison[NV_METRIC_LOSS_RATIO] = test_comparison(0, 0, 0, NV_VERDICT_TIE);
}

static inline struct nv_summary test_summary_of(const struct nv_summary_cell *cells, unsigned count)
{
    return (struct nv_summary){
        .campaign_id = "c1",
        .scenario = "quick",
        .where = "loopback",
        .system = "Linux 6.18 · 2 cores · cc bbr",
        .directory = "results/2026-11-23T1332Z-quick",
        .seed = 42,
        .elapsed_ns = 48 * NV_NS_PER_S,
        .blocks = 6,
        .cell_count = count,
        .cells = cells,
    };
}

#endif
