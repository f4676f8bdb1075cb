/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_BOUNDARY_H
#define NV_MEASURE_BOUNDARY_H

#include <stdint.h>

#include "measure/pattern.h"

/* Messages against receive calls: a byte stream keeps no message boundaries, and this shows it. */
struct nv_boundary {
    uint64_t recv_calls; /* that brought data */
    uint64_t recv_bytes;
    uint64_t coalesced_recvs_count; /* that finished more than one message */
    uint64_t msgs_count;
    uint64_t split_msgs_count; /* that came in more than one call */
    uint64_t recvs_per_msg[NV_PATTERN_SLOTS];
    uint64_t msgs_per_recv[NV_PATTERN_SLOTS];
};

/* count messages, each in so many calls. */
static inline void nv_boundary_messages(struct nv_boundary *boundary, unsigned recv_calls,
                                        uint64_t count)
{
    boundary->msgs_count += count;
    if (recv_calls > 1)
        boundary->split_msgs_count += count;
    boundary->recvs_per_msg[nv_pattern_slot(recv_calls)] += count;
}

static inline void nv_boundary_recv(struct nv_boundary *boundary, uint64_t bytes, unsigned messages)
{
    boundary->recv_calls++;
    boundary->recv_bytes += bytes;
    if (messages > 1)
        boundary->coalesced_recvs_count++;
    nv_pattern_add(boundary->msgs_per_recv, messages);
}

/* More of what the last call brought, which had finished `before` messages. Where none has been
 * counted, the call began too early to be, and what is left of it is one. */
static inline void nv_boundary_recv_more(struct nv_boundary *boundary, uint64_t bytes,
                                         unsigned before, unsigned messages)
{
    if (!boundary->recv_calls) {
        nv_boundary_recv(boundary, bytes, messages);
        return;
    }
    boundary->recv_bytes += bytes;
    boundary->coalesced_recvs_count += before <= 1 && before + messages > 1;
    boundary->msgs_per_recv[nv_pattern_slot(before)]--;
    nv_pattern_add(boundary->msgs_per_recv, before + messages);
}

#endif
