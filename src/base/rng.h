/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_RNG_H
#define NV_BASE_RNG_H

#include <stdint.h>

/* xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. A value: copy it to fork it. */
struct nv_rng {
    uint64_t s[4];
};

void nv_rng_seed(struct nv_rng *rng, uint64_t seed);
uint64_t nv_rng_next(struct nv_rng *rng);

/* Uniform in (0, 1] with 53 bits: safe to take the logarithm of. */
double nv_rng_unit(struct nv_rng *rng);

/* Uniform in [0, n), unbiased; n > 0. */
uint64_t nv_rng_below(struct nv_rng *rng, uint64_t n);

/* A seed from two: order matters, neighbours are unrelated. */
uint64_t nv_mix64(uint64_t a, uint64_t b);

/* A seed that nobody chose, from the kernel. */
uint64_t nv_rng_entropy(void);

#endif
