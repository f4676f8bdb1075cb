/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_THRESHOLD_H
#define NV_CLI_THRESHOLD_H

#include "output/summary.h"

/* --fail-if: "[ARM.]METRIC>VALUE" or with <; ARM is tcp or udp, METRIC one of nv_metrics, VALUE in
 * its unit, or with a time unit or %. */
struct nv_threshold {
    char arm[8]; /* "" = every arm */
    enum nv_metric metric;
    bool above;
    double value;
};

int nv_threshold_parse(struct nv_threshold *, const char *text, struct nv_error *err);
/* NV_E_THRESHOLD and the first cell that it holds of. */
int nv_threshold_check(const struct nv_threshold *, const struct nv_summary *, const char *text,
                       struct nv_error *err);

#endif
