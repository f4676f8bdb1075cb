/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CHILD_H
#define NV_CLI_CHILD_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/error.h"

/* The server that `run` starts for itself when it is given none: this program again, as
 * `serve --child --port 0`, listening on the given address. It ends with us, whatever ends us. */
struct nv_child {
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t patience; /* with its start, and with its end: after it, the child is killed */
    char line[256];      /* what it says at start */
    size_t line_bytes;
    bool running, spoke;
    unsigned handles_open;
};

/* Starts it. Turn the loop for as long as it is awaited, and no longer than you like; then it has
 * an address, or an error. Stop it in any case. */
int nv_child_start(struct nv_child *, uv_loop_t *, const char *bind, struct nv_error *err);
bool nv_child_awaited(const struct nv_child *);
/* Its control address. */
int nv_child_address(struct nv_child *, struct sockaddr_storage *address, struct nv_error *err);
/* Turns the loop until it has ended and its handles are closed. */
void nv_child_stop(struct nv_child *, uv_loop_t *);

#endif
