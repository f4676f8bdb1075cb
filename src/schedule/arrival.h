/* SPDX-License-Identifier: MIT */
#ifndef NV_SCHEDULE_ARRIVAL_H
#define NV_SCHEDULE_ARRIVAL_H

#include <stdint.h>

#include "schedule/sizes.h"

/* When message k = 0, 1, .. is intended: floor(T_k) ns, where with rate = rate_milli / 1000 */
enum nv_arrival {
    NV_ARRIVAL_CONSTANT, /* T_k = phase + k / rate */
    NV_ARRIVAL_POISSON,  /* T_k = phase + (E_0 + .. + E_k) / rate, E exponential of mean 1
                            (RFC 2330 §11.1.1) */
    NV_ARRIVAL_BURST,    /* T_k = phase + (k - k mod burst) / rate: burst of them due together */
};

/* All that a schedule depends on; never the transport. */
struct nv_schedule_config {
    uint64_t rate_milli; /* thousandths of a message per second; 0 = max: no intended times */
    enum nv_arrival arrival;
    uint32_t burst; /* 0 counts as 1 */
    struct nv_sizes sizes;
    uint64_t seed;
    uint64_t phase_ns; /* added to every intended time */
    uint64_t end_ns;   /* no message at or after this */
};

struct nv_planned {
    uint64_t seq, t_int_ns;
    uint32_t size_bytes;
};

#endif
