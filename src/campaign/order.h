/* SPDX-License-Identifier: MIT */
#ifndef NV_CAMPAIGN_ORDER_H
#define NV_CAMPAIGN_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Who runs when. Everything follows from the seed, so a campaign can be planned, repeated and
 * resumed; give every cell a seed of its own. Pure; arrays belong to the caller. */

enum nv_arm { NV_ARM_A = 0, NV_ARM_B = 1 };

/* The arm (enum nv_arm) that runs first in each block, by permuted blocks of two: of blocks 0 and
 * 1, 2 and 3, ... one is AB and the other BA. A longer plan of the same seed begins with the
 * shorter one, so blocks can be added later; with an odd count the last block has no partner. */
void nv_order_arms(uint8_t *first_arm, unsigned blocks, uint64_t seed);

/* A permutation of 0 .. count-1 for the given round, all equally likely (Fisher and Yates). */
void nv_order_cells(uint32_t *cells, uint32_t count, uint64_t seed, uint32_t round);

#endif
