/* SPDX-License-Identifier: MIT */
#include "bare.h"
#include "floor_uring.h"

/* What stands for floor_uring.c where liburing was not found. */

struct uring *uring_open(int fd, size_t receive_bytes)
{
    (void)fd;
    (void)receive_bytes;
    (void)fprintf(stderr, "%s: built without liburing (liburing-dev), so there is no io_uring\n",
                  program_invocation_short_name);
    _exit(1);
}

void uring_queue(struct uring *self, const void *bytes, size_t len_bytes)
{
    (void)self;
    (void)bytes;
    (void)len_bytes;
}

ssize_t uring_receive(struct uring *self)
{
    (void)self;
    return 0;
}

ssize_t uring_send(struct uring *self, const void *bytes, size_t len_bytes, unsigned count)
{
    (void)self;
    (void)bytes;
    (void)len_bytes;
    (void)count;
    return -1;
}
