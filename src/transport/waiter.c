/* SPDX-License-Identifier: MIT */
#include "transport/waiter.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hint.h"

static void alarm_poll_cb(uv_poll_t *handle, int status, int events)
{
    struct nv_waiter *waiter = handle->data;
    (void)status;
    (void)events;
    uint64_t expirations;
    (void)!read(waiter->alarm_fd, &expirations, sizeof expirations);
    waiter->alarm_ns = 0;
    uv_stop(&waiter->loop);
}

int nv_waiter_open(struct nv_waiter *waiter, struct nv_error *err)
{
    waiter->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (waiter->alarm_fd < 0)
        return nv_fail_errno(err, NV_E_FAILED, errno, "timerfd_create");
    int failed = uv_loop_init(&waiter->loop);
    if (failed)
        return nv_fail(err, NV_E_FAILED, "uv_loop_init: %s", uv_strerror(failed));
    waiter->loop_open = true;
    failed = uv_poll_init(&waiter->loop, &waiter->alarm, waiter->alarm_fd);
    waiter->alarm.data = failed ? NULL : waiter;
    if (!failed)
        failed = uv_poll_start(&waiter->alarm, UV_READABLE, alarm_poll_cb);
    return failed ? nv_fail(err, NV_E_FAILED, "uv_poll: %s", uv_strerror(failed)) : NV_OK;
}

static void set_alarm(struct nv_waiter *waiter, uint64_t due_ns)
{
    /* One that goes off earlier does too: waking early is allowed, and setting costs a call. */
    if (waiter->alarm_ns && waiter->alarm_ns <= due_ns)
        return;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ns / NV_NS_PER_S),
                                           .tv_nsec = (long)(due_ns % NV_NS_PER_S)}};
    (void)timerfd_settime(waiter->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
    waiter->alarm_ns = due_ns;
}

NV_HOT void nv_waiter_run(struct nv_waiter *waiter, uint64_t now_ns, uint64_t due_ns)
{
    if (now_ns < due_ns) {
        set_alarm(waiter, due_ns);
        /* Until a callback stops it: UV_RUN_ONCE would read the clock once more for its timers. */
        (void)uv_run(&waiter->loop, UV_RUN_DEFAULT);
    } else {
        (void)uv_run(&waiter->loop, UV_RUN_NOWAIT);
    }
}

void nv_waiter_close(struct nv_waiter *waiter)
{
    if (waiter->alarm.data)
        uv_close((uv_handle_t *)&waiter->alarm, NULL);
    if (waiter->loop_open) {
        (void)uv_run(&waiter->loop, UV_RUN_DEFAULT);
        NV_ASSERT(uv_loop_close(&waiter->loop) == 0);
    }
    if (waiter->alarm_fd > 0)
        (void)close(waiter->alarm_fd);
}
