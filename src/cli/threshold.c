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
    if (end == text)
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

int nv_threshold_parse(struct nv_threshold *out, const char *text, struct nv_error *err)
{
    const char *op = text + strcspn(text, "<>");
    const char *dot = memchr(text, '.', (size_t)(op - text));
    const char *name = dot ? dot + 1 : text;
    size_t arm_len = dot ? (size_t)(dot - text) : 0;
    *out = (struct nv_threshold){.above = *op == '>'};
    bool arm_known =
        !dot || (arm_len == 3 && (strncmp(text, "tcp", 3) == 0 || strncmp(text, "udp", 3) == 0));
    if (!*op || !arm_known || !find_metric(name, (size_t)(op - name), &out->metric) ||
        parse_value(op + 1, &out->value))
        return nv_fail(err, NV_E_USAGE,
                       "fail-if: '%.80s' is not [tcp.|udp.]METRIC>VALUE or <VALUE; metrics are "
                       "resp_p50, resp_p99, goodput, ontime_ratio and loss_ratio",
                       text);
    (void)snprintf(out->arm, sizeof out->arm, "%.*s", (int)arm_len, text);
    return NV_OK;
}

int nv_threshold_check(const struct nv_threshold *threshold, const struct nv_summary *summary,
                       const char *text, struct nv_error *err)
{
    for (unsigned i = 0; i < summary->cell_count; i++) {
        const struct nv_summary_cell *cell = &summary->cells[i];
        for (unsigned arm = 0; arm < cell->arm_count; arm++) {
            double value = cell->arm[arm].median[threshold->metric];
            if (threshold->arm[0] && strcmp(threshold->arm, cell->arm[arm].spec->transport) != 0)
                continue;
            if (threshold->above ? value > threshold->value : value < threshold->value)
                return nv_fail(err, NV_E_THRESHOLD, "fail-if %.80s: %s of %s is %g", text,
                               cell->cell_id, cell->arm[arm].name, value);
        }
    }
    return NV_OK;
}
