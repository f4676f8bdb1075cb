/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_HASH_H
#define NV_BASE_HASH_H

#include <stdint.h>

/* FNV-1a, 64 bit (Fowler, Noll, Vo): for naming things, not for secrets. */
#define NV_FNV1A64_INIT 0xcbf29ce484222325ull

/* The value as eight little-endian bytes, whatever the machine. */
static inline uint64_t nv_fnv1a64_u64(uint64_t hash, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        hash = (hash ^ ((value >> (8 * i)) & 0xff)) * 0x100000001b3ull;
    return hash;
}

#endif
