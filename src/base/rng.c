/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

void nv_rng_seed(struct nv_rng *rng, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++)
        rng->s[i] = splitmix64(&seed);
}

uint64_t nv_rng_next(struct nv_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double nv_rng_unit(struct nv_rng *rng)
{
    return (double)((nv_rng_next(rng) >> 11) + 1) * 0x1.0p-53;
}

uint64_t nv_rng_below(struct nv_rng *rng, uint64_t n)
{
    NV_ASSERT(n > 0);
    uint64_t limit = UINT64_MAX - (UINT64_MAX % n + 1) % n;
    uint64_t x = nv_rng_next(rng);
    while (x > limit)
        x = nv_rng_next(rng);
    return x % n;
}

uint64_t nv_mix64(uint64_t a, uint64_t b)
{
    uint64_t state = a;
    state = splitmix64(&state) ^ b;
    return splitmix64(&state);
}

uint64_t nv_rng_entropy(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = nv_clock_ns();
    return seed;
}
