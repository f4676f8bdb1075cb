/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_HINT_H
#define NV_BASE_HINT_H

/* Where a function's code lies. Caches are cold after a system call, and the processor's table of
 * pages may be empty (where the kernel's pages are hidden from programs), so that every further
 * cache line and page of code costs time. What each message passes through is kept together, and
 * what is rare away from it. */
#define NV_HOT __attribute__((hot))
#define NV_COLD __attribute__((cold))

#endif
