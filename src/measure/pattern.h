/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_PATTERN_H
#define NV_MEASURE_PATTERN_H

#include <stdint.h>

/* Exact distribution of a small number: slot v counts the value v, the last slot all above. */
#define NV_PATTERN_MAX 64
#define NV_PATTERN_SLOTS (NV_PATTERN_MAX + 2)

static inline uint64_t nv_pattern_slot(uint64_t value)
{
    return value <= NV_PATTERN_MAX ? value : NV_PATTERN_MAX + 1;
}

static inline void nv_pattern_add(uint64_t pattern[NV_PATTERN_SLOTS], uint64_t value)
{
    pattern[nv_pattern_slot(value)]++;
}

#endif
