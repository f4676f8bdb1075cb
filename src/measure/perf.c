/* SPDX-License-Identifier: MIT */
#include "measure/perf.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure/counter.h"

void nv_perf_open_events(struct nv_perf *perf, uint32_t type,
                         const uint64_t configs[NV_PERF_EVENTS])
{
    for (unsigned i = 0; i < NV_PERF_EVENTS; i++) {
        struct perf_event_attr attr = {
            .type = type, .size = sizeof attr, .config = configs[i], .exclude_hv = 1};
        perf->fds[i] = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    }
}

void nv_perf_open(struct nv_perf *perf)
{
    static const uint64_t configs[NV_PERF_EVENTS] = {[NV_PERF_CYCLES] = PERF_COUNT_HW_CPU_CYCLES,
                                                     [NV_PERF_INSTRUCTIONS] =
                                                         PERF_COUNT_HW_INSTRUCTIONS};
    nv_perf_open_events(perf, PERF_TYPE_HARDWARE, configs);
}

void nv_perf_read(const struct nv_perf *perf, uint64_t out[NV_PERF_EVENTS])
{
    for (unsigned i = 0; i < NV_PERF_EVENTS; i++)
        if (perf->fds[i] < 0 || read(perf->fds[i], &out[i], sizeof out[i]) != sizeof out[i])
            out[i] = NV_UNKNOWN;
}

void nv_perf_close(struct nv_perf *perf)
{
    for (unsigned i = 0; i < NV_PERF_EVENTS; i++) {
        if (perf->fds[i] >= 0)
            (void)close(perf->fds[i]);
        perf->fds[i] = -1;
    }
}
