/* SPDX-License-Identifier: MIT */
#include "campaign/order.h"

#include "base/rng.h"

/* Arms and cells of one seed must not share random numbers. */
#define ARMS_STREAM 0x61726d73u
#define CELLS_STREAM 0x63656c6cu

void nv_order_arms(uint8_t *first_arm, unsigned blocks, uint64_t seed)
{
    struct nv_rng rng;
    nv_rng_seed(&rng, nv_mix64(seed, ARMS_STREAM));
    for (unsigned block = 0; block < blocks; block++) {
        if (block % 2 == 0)
            first_arm[block] = (uint8_t)nv_rng_below(&rng, 2);
        else
            first_arm[block] = first_arm[block - 1] == NV_ARM_A ? NV_ARM_B : NV_ARM_A;
    }
}

void nv_order_cells(uint32_t *cells, uint32_t count, uint64_t seed, uint32_t round)
{
    struct nv_rng rng;
    nv_rng_seed(&rng, nv_mix64(nv_mix64(seed, CELLS_STREAM), round));
    for (uint32_t i = 0; i < count; i++)
        cells[i] = i;
    for (uint32_t left = count; left > 1; left--) {
        uint32_t pick = (uint32_t)nv_rng_below(&rng, left);
        uint32_t last = cells[left - 1];
        cells[left - 1] = cells[pick];
        cells[pick] = last;
    }
}
