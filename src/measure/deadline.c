/* SPDX-License-Identifier: MIT */
#include "measure/deadline.h"

#include "base/error.h"

void nv_deadlines_init(struct nv_deadlines *deadlines, const uint64_t *deadline_ns, unsigned count)
{
    NV_ASSERT(count <= NV_DEADLINES_MAX);
    *deadlines = (struct nv_deadlines){.count = count};
    for (unsigned i = 0; i < count; i++) {
        NV_ASSERT(i == 0 || deadline_ns[i] > deadline_ns[i - 1]);
        deadlines->deadline_ns[i] = deadline_ns[i];
    }
}

void nv_deadlines_take(struct nv_deadlines *deadlines, uint64_t first_count[NV_DEADLINES_MAX])
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < deadlines->count; i++) {
        sum += first_count[i];
        deadlines->ontime_count[i] += sum;
        first_count[i] = 0;
    }
}
