/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_LANE_COUNTS_H
#define NV_TRANSPORT_LANE_COUNTS_H

#include "transport/lane.h"

/* What the kernel counts of a lane's thread and of its sockets: taken at the edges of the measured
 * phase, and put into the reports of its flows. */

void nv_lane_open_counts(struct nv_lane *);
void nv_lane_start_counting(struct nv_lane *);
void nv_lane_stop_counting(struct nv_lane *);
/* When the run is over. */
void nv_lane_report_counts(struct nv_lane *);

#endif
