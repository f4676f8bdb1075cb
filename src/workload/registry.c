/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "workload/workload.h"

const struct nv_workload *const nv_workloads[] = {&nv_stream, &nv_rr, &nv_crr, NULL};

const struct nv_workload *nv_workload_find(const char *name, struct nv_error *err)
{
    for (const struct nv_workload *const *w = nv_workloads; *w; w++)
        if (strcmp((*w)->name, name) == 0)
            return *w;
    (void)nv_fail(err, NV_E_USAGE, "workload: '%.40s' is not stream, rr or crr", name);
    return NULL;
}
