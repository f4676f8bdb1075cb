/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_REPORT_H
#define NV_PATH_REPORT_H

#include "path/element.h"
#include "path/path.h"

/* What an emulated path was seen to do in one run: observed, not asked for. */

/* Of one direction in one run. Times are ns. */
struct nv_way_report {
    uint64_t in_count, out_count;
    uint64_t dup_count, corrupt_count, reordered_count, held_count;
    uint64_t drop_count[NV_DROP_CAUSES];
    uint64_t queue_max_bytes, weather_count;
    uint64_t delay_p50_ns, delay_p99_ns, delay_max_ns; /* NV_UNKNOWN when nothing came out */
    uint64_t late_p50_ns, late_p99_ns, late_max_ns;    /* release, against when it was due */
    uint64_t late_p99_least_ns; /* what the p99 is at least, at 95 %; 0: too few packets to tell */
    uint64_t refused_count;     /* by the device it was written to */
    uint64_t device_drop_count; /* by the queue before the device it is read from */
    bool conserved;
};

struct nv_path_report {
    bool began_late; /* weather and account miss the first packets of the run */
    bool known;      /* false: no path was emulated */
    struct nv_way_report way[2];
};

#endif
