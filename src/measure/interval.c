/* SPDX-License-Identifier: MIT */
#include "measure/interval.h"

#include "base/clock.h"
#include "base/error.h"

uint64_t nv_interval_length_ns(uint64_t measure_ns)
{
    uint64_t least_ns = (measure_ns + NV_INTERVALS_MAX - 1) / NV_INTERVALS_MAX;
    uint64_t length_ns = (least_ns + NV_NS_PER_MS - 1) / NV_NS_PER_MS * NV_NS_PER_MS;
    return length_ns > 100 * NV_NS_PER_MS ? length_ns : 100 * NV_NS_PER_MS;
}

uint64_t nv_interval_count(uint64_t measure_ns)
{
    uint64_t length_ns = nv_interval_length_ns(measure_ns);
    uint64_t count = (measure_ns + length_ns - 1) / length_ns;
    return count ? count : 1;
}

void nv_interval_cursor_init(struct nv_interval_cursor *cursor, uint64_t start_ns,
                             uint64_t length_ns, uint64_t count)
{
    NV_ASSERT(count > 0 && length_ns > 0);
    *cursor =
        (struct nv_interval_cursor){.lo_ns = start_ns, .length_ns = length_ns, .count = count};
}

uint64_t nv_interval_cursor_move(struct nv_interval_cursor *cursor, uint64_t t_ns)
{
    while (cursor->index + 1 < cursor->count && t_ns >= cursor->lo_ns + cursor->length_ns) {
        cursor->index++;
        cursor->lo_ns += cursor->length_ns;
    }
    while (cursor->index > 0 && t_ns < cursor->lo_ns) {
        cursor->index--;
        cursor->lo_ns -= cursor->length_ns;
    }
    return cursor->index;
}
