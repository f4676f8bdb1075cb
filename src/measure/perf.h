/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_PERF_H
#define NV_MEASURE_PERF_H

#include <stdint.h>

/* Events that the processor counts of one thread, in the program and in the kernel
 * (perf_event_open). Virtual machines often have none, and kernel.perf_event_paranoid above 1 keeps
 * them from ordinary users: their count is then NV_UNKNOWN. */

enum { NV_PERF_CYCLES, NV_PERF_INSTRUCTIONS, NV_PERF_EVENTS };

struct nv_perf {
    int fds[NV_PERF_EVENTS]; /* owned; -1: there is none */
};

#define NV_PERF_NONE ((struct nv_perf){.fds = {-1, -1}})

/* Of the calling thread, from now on; which may be read by any thread. */
void nv_perf_open(struct nv_perf *perf);
void nv_perf_read(const struct nv_perf *perf, uint64_t out[NV_PERF_EVENTS]);
void nv_perf_close(struct nv_perf *perf);

/* The same of other events than those: types and configs as in perf_event_attr. */
void nv_perf_open_events(struct nv_perf *perf, uint32_t type,
                         const uint64_t configs[NV_PERF_EVENTS]);

#endif
