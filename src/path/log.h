/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_LOG_H
#define NV_PATH_LOG_H

#include "path/packet.h"

/* What became of every packet of one direction in one run, in the order in which it was decided. */

#define NV_PACKETS_LOGGED_MAX 1000000u

struct nv_packet_event {
    uint64_t number; /* of its direction, from 1 at the start of the run; a copy has the same */
    uint64_t in_ns, at_ns; /* when it came; when it was due to leave, or was lost */
    uint32_t len_bytes;
    uint8_t fate; /* 0: delivered; else 1 + enum nv_drop_cause */
    bool copy, corrupt;
};

struct nv_packet_log {
    uint64_t start_ns; /* of the run */
    uint64_t capacity, count;
    uint64_t missed_count; /* for which there was no room */
    struct nv_packet_event events[];
};

#define NV_PACKET_LOG_BYTES                                                                        \
    (sizeof(struct nv_packet_log) + NV_PACKETS_LOGGED_MAX * sizeof(struct nv_packet_event))

/* A copy of what is in it, to be freed; NULL when there is no memory. */
struct nv_packet_log *nv_packet_log_copy(const struct nv_packet_log *log);

static inline void nv_packet_log_add(struct nv_packet_log *log, const struct nv_packet *packet,
                                     unsigned fate)
{
    if (!log->capacity || !packet->counted)
        return;
    if (log->count == log->capacity) {
        log->missed_count++;
        return;
    }
    log->events[log->count++] = (struct nv_packet_event){.number = packet->number,
                                                         .in_ns = packet->in_ns,
                                                         .at_ns = packet->at_ns,
                                                         .len_bytes = packet->len_bytes,
                                                         .fate = (uint8_t)fate,
                                                         .copy = packet->copy,
                                                         .corrupt = packet->corrupt};
}

#endif
