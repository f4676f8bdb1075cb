/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

uint64_t nv_clock_thread_cpu_ns(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t))
        return 0;
    return (uint64_t)t.tv_sec * NV_NS_PER_S + (uint64_t)t.tv_nsec;
}

int64_t nv_clock_real_offset_ns(void)
{
    uint64_t narrowest_ns = UINT64_MAX;
    int64_t offset_ns = 0;
    for (unsigned i = 0; i < 16; i++) {
        struct timespec real;
        uint64_t before_ns = nv_clock_ns();
        (void)clock_gettime(CLOCK_REALTIME, &real);
        uint64_t wide_ns = nv_clock_ns() - before_ns;
        uint64_t real_ns = (uint64_t)real.tv_sec * NV_NS_PER_S + (uint64_t)real.tv_nsec;
        if (wide_ns >= narrowest_ns)
            continue;
        narrowest_ns = wide_ns;
        offset_ns = (int64_t)(real_ns - (before_ns + wide_ns / 2));
    }
    return offset_ns;
}

void nv_clock_sleep_until(uint64_t deadline_ns)
{
    struct timespec t = {.tv_sec = (time_t)(deadline_ns / NV_NS_PER_S),
                         .tv_nsec = (long)(deadline_ns % NV_NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}

void nv_clock_utc(char out[NV_CLOCK_UTC_BYTES])
{
    time_t now = time(NULL);
    struct tm parts;
    (void)gmtime_r(&now, &parts);
    if (strftime(out, NV_CLOCK_UTC_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        out[0] = '\0';
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t nv_clock_sleep_overshoot_ns(void)
{
    enum { SLEEPS = 200 };
    uint64_t late_ns[SLEEPS];
    for (unsigned i = 0; i < SLEEPS; i++) {
        uint64_t due_ns = nv_clock_ns() + 200 * NV_NS_PER_US;
        nv_clock_sleep_until(due_ns);
        late_ns[i] = nv_clock_ns() - due_ns;
    }
    qsort(late_ns, SLEEPS, sizeof late_ns[0], compare_u64);
    return late_ns[SLEEPS * 99 / 100];
}
