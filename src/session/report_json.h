/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_REPORT_JSON_H
#define NV_SESSION_REPORT_JSON_H

#include <jansson.h>

#include "base/error.h"
#include "measure/report.h"

/* A flow's report as JSON and back. Everything travels that the tables in measure/ name: counters
 * as integers (arrays without their zero tail), histograms as pairs of bucket and count. */

json_t *nv_report_to_json(const struct nv_flow_report *report);

/* Fills *report; allocates its tx and rx where the sender had them, to be freed with
 * nv_report_dispose. NV_E_PEER when the object is not such a report. */
int nv_report_from_json(struct nv_flow_report *report, const json_t *object, struct nv_error *err);
void nv_report_dispose(struct nv_flow_report *report);

/* The trace travels apart, in stretches that fit a frame: rows [first, first + NV_TRACE_STRETCH) as
 * a flat list of integers. */
#define NV_TRACE_STRETCH 20000u
json_t *nv_trace_to_json(const struct nv_rx *rx, uint64_t first);
/* rx->trace_count came with the report; rows outside it are an error. */
int nv_trace_from_json(struct nv_rx *rx, uint64_t first, const json_t *rows, struct nv_error *err);
/* Likewise of the stamps of what was sent; report->stamps is there when the report had any. */
json_t *nv_stamps_to_json(const struct nv_stamps *stamps, uint64_t first);
int nv_stamps_from_json(struct nv_stamps *stamps, uint64_t first, const json_t *rows,
                        struct nv_error *err);

#endif
