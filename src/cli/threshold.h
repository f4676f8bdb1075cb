/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_THRESHOLD_H
#define NV_CLI_THRESHOLD_H

#include "output/summary.h"
#include "transport/driver.h"

/* --fail-if: "[ARM.]METRIC>VALUE" or with <; ARM is a transport, METRIC one of nv_metrics, VALUE in
 * its unit, or with a time unit or %. */
struct nv_threshold {
    const struct nv_transport *arm; /* NULL: every arm */
    enum nv_metric metric;
    bool above;
    double value;
};

int nv_threshold_parse(struct nv_threshold *, const char *text, struct nv_error *err);
/* NV_E_THRESHOLD and the first cell that it holds of, or of which it cannot be told: a gate that
 * does not know is not passed. */
int nv_threshold_check(const struct nv_threshold *, const struct nv_summary *, const char *text,
                       struct nv_error *err);

#endif
