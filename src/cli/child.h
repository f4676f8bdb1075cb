/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CHILD_H
#define NV_CLI_CHILD_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/error.h"

/* The server that `run` starts for itself when it is given none: this program again, as
 * `serve --child --port 0` on loopback. It ends with us, whatever ends us. */
struct nv_child {
    uv_process_t process;
    uv_pipe_t output;
    char line[256]; /* what it says at start */
    size_t line_bytes;
    bool running, spoke;
    unsigned handles_open;
};

/* Starts it and waits until it listens; *address is its control address. */
int nv_child_start(struct nv_child *, uv_loop_t *, bool ipv6, struct sockaddr_storage *address,
                   struct nv_error *err);
void nv_child_stop(struct nv_child *, uv_loop_t *);

#endif
