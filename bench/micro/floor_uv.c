/* SPDX-License-Identifier: MIT */
#include "floor_uv.h"

#include <uv.h>

#include "bare.h"

struct watch {
    uv_loop_t loop;
    uv_poll_t handle;
};

static void readable_poll_cb(uv_poll_t *handle, int status, int events)
{
    (void)events;
    if (status)
        fail(uv_strerror(status));
    uv_stop(handle->loop);
}

struct watch *watch_open(int fd)
{
    static struct watch self; /* each process has its own */
    int failed = uv_loop_init(&self.loop);
    if (!failed)
        failed = uv_poll_init(&self.loop, &self.handle, fd);
    if (!failed)
        failed = uv_poll_start(&self.handle, UV_READABLE, readable_poll_cb);
    if (failed)
        fail(uv_strerror(failed));
    return &self;
}

void watch_wait(struct watch *self)
{
    (void)uv_run(&self->loop, UV_RUN_DEFAULT);
}
