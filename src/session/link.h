/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_LINK_H
#define NV_SESSION_LINK_H

#include <uv.h>

#include "session/protocol.h"

/* A control connection on a libuv loop: whole frames in, whole frames out. Embed it; it must live
 * until closed_cb, after which it may be freed. One closed_cb comes, whatever ends the link. */

struct nv_link;

struct nv_link_callbacks {
    void (*frame)(struct nv_link *, const json_t *object);
    /* err->code 0: we closed it. */
    void (*closed)(struct nv_link *, const struct nv_error *err);
};

struct nv_link {
    uv_tcp_t tcp;
    uv_timer_t patience; /* with a peer that does not read, once we close */
    unsigned handles_open;
    uv_connect_t connecting;
    const struct nv_link_callbacks *callbacks;
    void *owner;
    struct nv_frame_decoder decoder;
    struct nv_error error;
    bool connected, closing;
    char read_buffer[65536];
};

int nv_link_init(struct nv_link *, uv_loop_t *, const struct nv_link_callbacks *, void *owner);
/* connected() is called once; on failure closed() is. */
int nv_link_connect(struct nv_link *, const struct sockaddr *address,
                    void (*connected)(struct nv_link *));
int nv_link_accept(struct nv_link *, uv_stream_t *server);
/* Takes the reference. After close it does nothing. */
void nv_link_send(struct nv_link *, json_t *frame);
/* Closes after what was sent before has been written, or NV_LINK_CLOSE_MS later: a peer that does
 * not read cannot keep us. */
#define NV_LINK_CLOSE_MS 2000
void nv_link_close(struct nv_link *);

#endif
