/* SPDX-License-Identifier: MIT */
#include "cli/threshold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

static int parse_value(const char *text, double *value)
{
    char *end;
    uint64_t ns;
    *value = strtod(text, &end);
    if (end == text || !isfinite(*value))
        return NV_E_USAGE;
    if (*end == '\0')
        return NV_OK;
    if (strcmp(end, "%") == 0) {
        *value /= 100;
        return NV_OK;
    }
    if (nv_parse_time(text, &ns))
        return NV_E_USAGE;
    *value = (double)ns;
    return NV_OK;
}

static bool find_metric(const char *name, size_t len, enum nv_metric *metric)
{
    for (unsigned m = 0; m < NV_METRIC_COUNT; m++) {
        const char *full = nv_metrics[m].name;
        if (strlen(full) == len && memcmp(full, name, len) == 0) {
            *metric = (enum nv_metric)m;
            return true;
        }
    }
    return false;
}

static const struct nv_transport *find_transport(const char *name, size_t len)
{
    for (const struct nv_driver *d = nv_drivers; d->transport; d++)
        if (strlen(d->transport->name) == len && memcmp(d->transport->name, name, len) == 0)
            return d->transport;
    return NULL;
}

int nv_threshold_parse(struct nv_threshold *out, const char *text, struct nv_error *err)
{
    const char *op = text + strcspn(text, "<>");
    const char *dot = memchr(text, '.', (size_t)(op - text));
    const char *name = dot ? dot + 1 : text;
    *out = (struct nv_threshold){.above = *op == '>'};
    if (dot)
        out->arm = find_transport(text, (size_t)(dot - text));
    if (!*op || (dot && !out->arm) || !find_metric(name, (size_t)(op - name), &out->metric) ||
        parse_value(op + 1, &out->value))
        return nv_fail(err, NV_E_USAGE,
                       "fail-if: '%.80s' is not [tcp.|udp.]METRIC>VALUE or <VALUE; metrics are "
                       "resp_p50, resp_p99, goodput, ontime_ratio and loss_ratio",
                       text);
    return NV_OK;
}

static bool concerns(const struct nv_threshold *threshold, const struct nv_summary_arm *arm)
{
    return !threshold->arm || strcmp(threshold->arm->name, arm->spec->transport) == 0;
}

int nv_threshold_check(const struct nv_threshold *threshold, const struct nv_summary *summary,
                       const char *text, struct nv_error *err)
{
    for (unsigned i = 0; i < summary->cell_count; i++) {
        const struct nv_summary_cell *cell = &summary->cells[i];
        for (unsigned a = 0; a < cell->arm_count; a++) {
            const struct nv_summary_arm *arm = &cell->arm[a];
            double value = arm->median[threshold->metric];
            if (!concerns(threshold, arm))
                continue;
            if (isnan(value))
                return nv_fail(err, NV_E_THRESHOLD, "fail-if %.80s: there is no %s of %s %s", text,
                               nv_metrics[threshold->metric].name, cell->cell_id, arm->name);
            if (threshold->above ? value > threshold->value : value < threshold->value)
                return nv_fail(err, NV_E_THRESHOLD, "fail-if %.80s: %s of %s is %g", text,
                               cell->cell_id, arm->name, value);
        }
    }
    return NV_OK;
}
