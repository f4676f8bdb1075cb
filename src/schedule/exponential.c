/* SPDX-License-Identifier: MIT */
#include "schedule/exponential.h"

#include <stdbool.h>

/* With n / 2^53 = m * 2^-e and m in [1, 2):
 *
 *   -ln(n / 2^53) = e ln 2 - ln m                          for m below about sqrt 2, else
 *                 = (e - 1) ln 2 + ln(2 / m)
 *   ln(a / b)     = 2 atanh(s),  s = (a - b) / (a + b)
 *   atanh(s)      = s (1 + s^2/3 + s^4/5 + ...)
 *
 * In both cases s <= 0.1716, s^2 <= 0.02945, and ten terms leave less than 2^-57. Numbers with 63
 * fraction bits fit 64 bits as long as they are below 2. */

#define TERMS 10
#define ONE_Q62 (UINT64_C(1) << 62)
#define SQRT2_Q62 UINT64_C(0x5a82799a00000000) /* any number near does */
#define LN2_Q58 (UINT64_C(0xb17217f7d1cf79ab) >> 6)

__extension__ typedef unsigned __int128 wide;

static uint64_t multiply_q63(uint64_t a, uint64_t b)
{
    return (uint64_t)((wide)a * b >> 63);
}

/* 1 + z/3 + z^2/5 + ... for z = s^2, in 63 fraction bits. */
static uint64_t series_q63(uint64_t z)
{
#define INVERSE(k) ((UINT64_C(1) << 63) / (k))
    static const uint64_t coefficient[TERMS] = {INVERSE(1),  INVERSE(3),  INVERSE(5),  INVERSE(7),
                                                INVERSE(9),  INVERSE(11), INVERSE(13), INVERSE(15),
                                                INVERSE(17), INVERSE(19)};
#undef INVERSE
    uint64_t sum = coefficient[TERMS - 1];
    for (unsigned i = TERMS - 1; i-- > 0;)
        sum = coefficient[i] + multiply_q63(z, sum);
    return sum;
}

uint64_t nv_exponential_of(uint64_t n)
{
    unsigned shift = (unsigned)__builtin_clzll(n);
    uint64_t m = n << shift >> 1; /* 62 fraction bits: the 10 lowest are 0 before the shift */
    unsigned e = shift - 10;      /* 2^53 has 10 leading zeroes and is 1 * 2^0 */
    bool low = m < SQRT2_Q62;
    uint64_t over = low ? m - ONE_Q62 : 2 * ONE_Q62 - m;
    uint64_t under = low ? m + ONE_Q62 : 2 * ONE_Q62 + m;
    uint64_t s = (uint64_t)(((wide)over << 63) / under);
    uint64_t atanh_q63 = multiply_q63(s, series_q63(multiply_q63(s, s)));
    uint64_t log_q58 = atanh_q63 >> 4; /* twice it, and 5 fraction bits fewer */
    uint64_t result_q58 = low ? e * LN2_Q58 - log_q58 : (e - 1) * LN2_Q58 + log_q58;
    return result_q58 >> (58 - NV_EXPONENTIAL_FRACTION_BITS);
}

uint64_t nv_exponential_next(struct nv_rng *rng)
{
    return nv_exponential_of((nv_rng_next(rng) >> 11) + 1);
}
