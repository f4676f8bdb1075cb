/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_BITMAP_H
#define NV_MEASURE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* One bit for each sequence number. Address space is reserved at once, memory is taken as bits are
 * set (12.5 MB for 100 million messages in a row). */
struct nv_bitmap {
    uint64_t *words; /* owned; all zero struct = empty, no bits */
    uint64_t bits;
};

/* NV_E_FAILED: no address space. */
int nv_bitmap_init(struct nv_bitmap *bitmap, uint64_t bits, struct nv_error *err);
void nv_bitmap_dispose(struct nv_bitmap *bitmap);

/* Whether the bit was set before. bit < bits. */
static inline bool nv_bitmap_test_and_set(struct nv_bitmap *bitmap, uint64_t bit)
{
    uint64_t mask = 1ull << (bit & 63);
    uint64_t *word = &bitmap->words[bit >> 6];
    bool was_set = (*word & mask) != 0;
    *word |= mask;
    return was_set;
}

/* Sets count bits, one or more, from the given one on; none is beyond the end. */
static inline void nv_bitmap_set(struct nv_bitmap *bitmap, uint64_t bit, uint64_t count)
{
    uint64_t *word = &bitmap->words[bit >> 6];
    if (count == 1) { /* the usual */
        *word |= 1ull << (bit & 63);
        return;
    }
    uint64_t end = bit + count;
    uint64_t from = ~0ull << (bit & 63);
    for (; word < &bitmap->words[(end - 1) >> 6]; from = ~0ull)
        *word++ |= from;
    *word |= from & ~0ull >> (-end & 63);
}

/* Beyond the end: not set. */
static inline bool nv_bitmap_test(const struct nv_bitmap *bitmap, uint64_t bit)
{
    return bit < bitmap->bits && (bitmap->words[bit >> 6] >> (bit & 63) & 1);
}

/* Calls visit for each longest run of clear bits within [from, to), in order. */
void nv_bitmap_clear_runs(const struct nv_bitmap *bitmap, uint64_t from, uint64_t to,
                          void (*visit)(void *context, uint64_t from, uint64_t to), void *context);

#endif
