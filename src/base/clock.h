/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_CLOCK_H
#define NV_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NV_NS_PER_US 1000ull
#define NV_NS_PER_MS 1000000ull
#define NV_NS_PER_S 1000000000ull

/* CLOCK_MONOTONIC in ns: the only clock that measures here. */
static inline uint64_t nv_clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NV_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* For the body of a spinning loop: lets the sibling thread of the core go on. */
static inline void nv_clock_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* CLOCK_REALTIME less CLOCK_MONOTONIC, ns: both are slewed alike, so that it changes only when the
 * wall clock is set. The narrowest of 16 readings between two, which is as exact as half of it. */
int64_t nv_clock_real_offset_ns(void);

/* CPU time of the calling thread in ns. */
uint64_t nv_clock_thread_cpu_ns(void);

/* Sleeps until deadline_ns of nv_clock_ns(); returns at once if it is past. */
void nv_clock_sleep_until(uint64_t deadline_ns);

/* Wall clock as "2026-11-23T13:32:05Z"; for labels only. */
#define NV_CLOCK_UTC_BYTES 24
void nv_clock_utc(char out[NV_CLOCK_UTC_BYTES]);

/* 99th percentile of how late 200 short sleeps end, in ns: what this machine's timer can do. */
uint64_t nv_clock_sleep_overshoot_ns(void);

#endif
