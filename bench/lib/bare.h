/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LIB_BARE_H
#define BENCH_LIB_BARE_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What the small programs of bench share that link nothing of netversus: a call that fails ends the
 * program with one line and status 1. */

#define NS_PER_S 1000000000u
#define NS_PER_MS 1000000u

/* Two connected sockets on loopback. */
struct wiring {
    bool tcp;
    bool nodelay;   /* TCP_NODELAY on both */
    int room_bytes; /* SO_RCVBUF of the first; 0: the system's default */
};

void open_pair(const struct wiring *wiring, int fds[2]);

/* A fork whose child dies with its parent; 0 in the child, which is pinned to the cpu. */
pid_t fork_pinned(int cpu);

/* Times of a run in ns, up to SAMPLES_MAX of them. */
#define SAMPLES_MAX (8u << 20)
struct samples {
    uint32_t *ns;
    size_t count;
};

void samples_open(struct samples *self);
void samples_add(struct samples *self, uint64_t took_ns);
void samples_sort(struct samples *self);
uint32_t samples_quantile(const struct samples *self, unsigned percent); /* sorted; nearest rank */
void samples_close(struct samples *self);

/* The place of a text in a table of names; -1: it is not there. */
int place_of(const char *text, const char *const *names, unsigned count);

static inline uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    _exit(1);
}

static inline int check(int result, const char *what)
{
    if (result < 0)
        fail(what);
    return result;
}

static inline void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    (void)check(sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

static inline int number(const char *text, long min, long max, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return errno || *end || end == text || *out < min || *out > max ? -1 : 0;
}

#endif
