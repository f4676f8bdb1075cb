/* SPDX-License-Identifier: MIT */
#include "measure/counter.h"

uint64_t *nv_counter_at(void *meter, const struct nv_counter_row *row)
{
    return (uint64_t *)(void *)((char *)meter + row->offset);
}

const uint64_t *nv_counter_read(const void *meter, const struct nv_counter_row *row)
{
    return (const uint64_t *)(const void *)((const char *)meter + row->offset);
}

static uint64_t merged(enum nv_merge merge, uint64_t a, uint64_t b)
{
    switch (merge) {
    case NV_MERGE_SUM:
        return a + b;
    case NV_MERGE_MAX:
        return a > b ? a : b;
    case NV_MERGE_MIN:
        return (int64_t)a < (int64_t)b ? a : b;
    case NV_MERGE_KEEP:
        return a;
    case NV_MERGE_ALONE:
        break;
    }
    return NV_UNKNOWN;
}

void nv_counters_merge(const struct nv_counter_row *rows, void *dst, const void *src)
{
    for (const struct nv_counter_row *row = rows; row->name; row++) {
        uint64_t *to = nv_counter_at(dst, row);
        const uint64_t *from = nv_counter_read(src, row);
        for (size_t i = 0; i < row->count; i++)
            to[i] = merged(row->merge, to[i], from[i]);
    }
}
