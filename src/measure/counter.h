/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_COUNTER_H
#define NV_MEASURE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

/* A meter is plain 64-bit values that tables name, so that what writes, reads and adds meters walks
 * the tables and knows no value by name. */

/* Stands for "not known" in values that may be; positive as a signed number, too. */
#define NV_UNKNOWN ((uint64_t)INT64_MAX)

/* What becomes of a value when meters of several flows are put together. */
enum nv_merge {
    NV_MERGE_SUM,
    NV_MERGE_MAX,
    NV_MERGE_MIN,   /* as signed numbers: NV_UNKNOWN yields to anything */
    NV_MERGE_KEEP,  /* a parameter, the same in all flows */
    NV_MERGE_ALONE, /* means nothing over several flows: becomes NV_UNKNOWN */
};

/* count adjacent 64-bit values from offset on; count is 1 for a scalar. Some are signed (sums and
 * smallest values that can be negative): their bits travel as unsigned. */
struct nv_counter_row {
    const char *name;
    size_t offset;
    size_t count;
    enum nv_merge merge;
};

/* A histogram within a meter. */
struct nv_hist_row {
    const char *name;
    size_t offset;
};

/* Both kinds of table end with a NULL name. */
uint64_t *nv_counter_at(void *meter, const struct nv_counter_row *row);
const uint64_t *nv_counter_read(const void *meter, const struct nv_counter_row *row);
void nv_counters_merge(const struct nv_counter_row *rows, void *dst, const void *src);

#endif
