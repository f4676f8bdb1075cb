/* SPDX-License-Identifier: MIT */
#include "path/log.h"

#include <stdlib.h>
#include <string.h>

struct nv_packet_log *nv_packet_log_copy(const struct nv_packet_log *log)
{
    size_t bytes = sizeof *log + log->count * sizeof log->events[0];
    struct nv_packet_log *copy = malloc(bytes);
    if (copy)
        memcpy(copy, log, bytes);
    return copy;
}
