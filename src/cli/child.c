/* SPDX-License-Identifier: MIT */
#include "cli/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define START_WAIT_MS 20000
#define STOP_WAIT_MS 3000

static void exit_cb(uv_process_t *process, int64_t status, int signal)
{
    struct nv_child *child = process->data;
    (void)status;
    (void)signal;
    child->running = false;
}

static void patience_cb(uv_timer_t *handle)
{
    struct nv_child *child = handle->data;
    if (child->running)
        (void)uv_process_kill(&child->process, SIGKILL);
}

static void have_patience(struct nv_child *child, uint64_t wait_ms)
{
    uv_update_time(child->patience.loop);
    (void)uv_timer_start(&child->patience, patience_cb, wait_ms, 0);
}

static void alloc_cb(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct nv_child *child = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(child->line + child->line_bytes,
                          (unsigned)(sizeof child->line - 1 - child->line_bytes));
}

static void read_cb(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct nv_child *child = stream->data;
    (void)buffer;
    if (n < 0) {
        child->spoke = true;
        return;
    }
    child->line_bytes += (size_t)n;
    child->line[child->line_bytes] = '\0';
    child->spoke = strchr(child->line, '\n') || child->line_bytes + 1 >= sizeof child->line;
    if (child->spoke)
        (void)uv_read_stop(stream);
}

static int spawn(struct nv_child *child, uv_loop_t *loop, const char *bind, struct nv_error *err)
{
    char program[4096];
    size_t len = sizeof program;
    int status = uv_exepath(program, &len);
    if (status)
        return nv_fail(err, NV_E_FAILED, "uv_exepath: %s", uv_strerror(status));
    char address[64];
    (void)snprintf(address, sizeof address, "%s", bind);
    /* Beyond loopback there is nobody but us: the namespace is our own. */
    char *arguments[] = {program, "serve",  "--child", "--open", "--port",
                         "0",     "--bind", address,   NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->output},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    /* A group of its own: Ctrl-C is for us, and we end the child. */
    uv_process_options_t options = {.file = program,
                                    .args = arguments,
                                    .exit_cb = exit_cb,
                                    .stdio_count = 3,
                                    .stdio = stdio,
                                    .flags = UV_PROCESS_DETACHED};
    (void)uv_pipe_init(loop, &child->output, 0);
    (void)uv_timer_init(loop, &child->patience);
    child->output.data = child->process.data = child->patience.data = child;
    status = uv_spawn(loop, &child->process, &options);
    if (status)
        return nv_fail(err, NV_E_FAILED, "uv_spawn %s: %s", program, uv_strerror(status));
    child->running = true;
    return NV_OK;
}

int nv_child_start(struct nv_child *child, uv_loop_t *loop, const char *bind, struct nv_error *err)
{
    memset(child, 0, sizeof *child);
    if (spawn(child, loop, bind, err))
        return err->code;
    have_patience(child, START_WAIT_MS);
    (void)uv_read_start((uv_stream_t *)&child->output, alloc_cb, read_cb);
    return NV_OK;
}

bool nv_child_awaited(const struct nv_child *child)
{
    return child->running && !child->spoke;
}

int nv_child_address(struct nv_child *child, struct sockaddr_storage *address, struct nv_error *err)
{
    static const char before[] = "listening on ";
    (void)uv_timer_stop(&child->patience);
    char *text = strstr(child->line, before);
    char *end = text ? strstr(text, "/tcp") : NULL;
    if (!end)
        return nv_fail(err, NV_E_FAILED, "the server that was started for this run did not listen");
    *end = '\0';
    return nv_resolve(text + sizeof before - 1, AF_UNSPEC, address, err);
}

static void closed_cb(uv_handle_t *handle)
{
    struct nv_child *child = handle->data;
    child->handles_open--;
}

void nv_child_stop(struct nv_child *child, uv_loop_t *loop)
{
    if (!child->process.data)
        return;
    if (child->running) {
        (void)uv_process_kill(&child->process, SIGTERM);
        have_patience(child, STOP_WAIT_MS);
    }
    while (child->running)
        (void)uv_run(loop, UV_RUN_ONCE);
    child->handles_open = 2;
    uv_close((uv_handle_t *)&child->output, closed_cb);
    uv_close((uv_handle_t *)&child->patience, closed_cb);
    if (uv_handle_get_type((uv_handle_t *)&child->process) == UV_PROCESS) {
        child->handles_open++;
        uv_close((uv_handle_t *)&child->process, closed_cb);
    }
    while (child->handles_open)
        (void)uv_run(loop, UV_RUN_ONCE);
}
