/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MICRO_FLOOR_UV_H
#define BENCH_MICRO_FLOOR_UV_H

/* A libuv loop that watches one socket, and does nothing else. For one thread. */
struct watch;

/* The socket must not block. Lives as long as the process. */
struct watch *watch_open(int fd);

/* Until there is something to receive. */
void watch_wait(struct watch *self);

#endif
