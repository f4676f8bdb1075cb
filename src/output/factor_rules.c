/* SPDX-License-Identifier: MIT */
#include "output/factor_rules.h"

#include <math.h>

#define FRAGMENT_EXTRA_BYTES 768.0 /* that the kernel charges for a packet, above what it holds */

double nv_part(double value, double whole)
{
    return whole > 0 ? fmin(1, fmax(0, value / whole)) : 0;
}

double nv_part_of_missing(const struct nv_factor_view *view, double count)
{
    return nv_part(count, view->missing * (double)view->arm->evidence.sched_count);
}

double nv_window_limited(const struct nv_evidence *evidence)
{
    return nv_part((double)evidence->tcp.rwnd_limited_us, (double)evidence->tcp.busy_us);
}

double nv_blocked(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    if (view->is_tcp && view->missing > NV_FACTOR_NEVER_MIN)
        return 1;
    return nv_part(evidence->block_ns, evidence->wait_ns);
}

double nv_held(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    if (!view->is_tcp)
        return 0;
    return fmax(nv_part(evidence->behind_ns, evidence->wait_ns),
                nv_blocked(view) * (1 - nv_window_limited(evidence)));
}

double nv_congestion_limited(const struct nv_evidence *evidence)
{
    uint64_t others_us = evidence->tcp.rwnd_limited_us + evidence->tcp.sndbuf_limited_us;
    return evidence->tcp.busy_us ? 1 - nv_part((double)others_us, (double)evidence->tcp.busy_us)
                                 : 0;
}

double nv_dropped_at_receiver(const struct nv_evidence *evidence)
{
    uint64_t damaged = evidence->corrupt_count;
    return damaged < evidence->rcvbuf_count ? (double)(evidence->rcvbuf_count - damaged) : 0;
}

bool nv_too_large_for_buffer(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    double needed_bytes = view->packets * ((double)evidence->mtu_bytes + FRAGMENT_EXTRA_BYTES);
    return view->packets > 1 && needed_bytes > 2 * (double)evidence->sndbuf_bytes;
}
