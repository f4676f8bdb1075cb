/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MICRO_FLOOR_URING_H
#define BENCH_MICRO_FLOOR_URING_H

#include <stddef.h>
#include <sys/types.h>

/* One socket on an io_uring of its own, with one multishot receive into a ring of buffers. What it
 * receives is thrown away. Where it was built without liburing, or the system has no such ring,
 * uring_open() ends the program with one line. For one thread. */
struct uring;

/* Receives are of at most receive_bytes each. Lives as long as the process. */
struct uring *uring_open(int fd, size_t receive_bytes);

/* Queues a send, which the next uring_receive() hands in. The bytes stay as they are until then. */
void uring_queue(struct uring *self, const void *bytes, size_t len_bytes);

/* Hands in what is queued, waits for the next piece; its length, 0 at the end of a stream. */
ssize_t uring_receive(struct uring *self);

/* Hands in count sends of the same bytes, at most 64, and waits for them all. The bytes sent, or
 * -1 and errno when one was refused. */
ssize_t uring_send(struct uring *self, const void *bytes, size_t len_bytes, unsigned count);

#endif
