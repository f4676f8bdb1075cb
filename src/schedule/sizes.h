/* SPDX-License-Identifier: MIT */
#ifndef NV_SCHEDULE_SIZES_H
#define NV_SCHEDULE_SIZES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"

/* How large messages are: all the same, drawn from a weighted list, or uniform over a range.
 *
 *   "64"           all
 *   "64+1k+8k"     a third each
 *   "64:3+1k:1"    three of four, one of four; weights from 1 to 9999
 *   "64-1k"        64, 65, .. 1000, all equally likely */

#define NV_SIZES_MAX 8u

/* Room for any mix as text: 8 sizes of 8 digits, ':' and 4 digits, 7 '+' and the NUL make 112. */
#define NV_SIZES_TEXT_BYTES 112

struct nv_sizes {
    enum { NV_SIZES_FIXED, NV_SIZES_LIST, NV_SIZES_UNIFORM } kind;
    unsigned count;
    uint32_t bytes[NV_SIZES_MAX]; /* uniform: from bytes[0] to bytes[1], both included */
    uint32_t weight[NV_SIZES_MAX];
};

/* 0; or NV_E_USAGE, and *sizes as it was, for anything else, under 40 bytes or over 16 Mi. */
int nv_sizes_parse(struct nv_sizes *sizes, const char *text, struct nv_error *err);
/* Text that parses to the same and fits NV_SIZES_TEXT_BYTES; returns 0, or -1 when it does not fit.
 */
int nv_sizes_format(const struct nv_sizes *sizes, char *out, size_t out_bytes);

uint32_t nv_sizes_max(const struct nv_sizes *sizes);
double nv_sizes_mean(const struct nv_sizes *sizes);

/* The next size; takes from rng only when there is a choice. */
uint32_t nv_sizes_draw(const struct nv_sizes *sizes, struct nv_rng *rng);

#endif
