/* SPDX-License-Identifier: MIT */
#ifndef NV_SCHEDULE_EXPONENTIAL_H
#define NV_SCHEDULE_EXPONENTIAL_H

#include <stdint.h>

#include "base/rng.h"

/* Exponential variates in integers only: the same seed gives the same schedule on every machine,
 * which no libm's log() promises to the last bit. */

#define NV_EXPONENTIAL_FRACTION_BITS 48

/* -ln(n / 2^53) for n in [1, 2^53], in units of 2^-48; wrong by less than 2^-47. */
uint64_t nv_exponential_of(uint64_t n);

/* A variate of mean 1, that is 2^48, by inversion of one 53-bit draw. At most 36.8 times the mean.
 */
uint64_t nv_exponential_next(struct nv_rng *rng);

#endif
