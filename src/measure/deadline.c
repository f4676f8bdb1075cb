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
