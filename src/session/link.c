/* SPDX-License-Identifier: MIT */
#include "session/link.h"

#include <stdlib.h>

/* Happy path: connect or accept → reading; each read feeds the decoder, each whole frame goes to
 * the owner; sends are queued by libuv; close lets the queue drain by shutdown, for a while, then
 * closes.
 * Failure modes: connect fails, the peer ends the connection, a frame is not one, a write fails:
 * all end in closed() with one line. */

struct send_request {
    uv_write_t write;
    char *bytes;
};

static void close_cb(uv_handle_t *handle)
{
    struct nv_link *link = handle->data;
    if (--link->handles_open)
        return;
    nv_frame_decoder_dispose(&link->decoder);
    link->callbacks->closed(link, &link->error);
}

static void close_now(struct nv_link *link)
{
    link->closing = true;
    if (uv_is_closing((uv_handle_t *)&link->tcp))
        return;
    uv_close((uv_handle_t *)&link->tcp, close_cb);
    uv_close((uv_handle_t *)&link->patience, close_cb);
}

static void fail(struct nv_link *link, const char *what, int status)
{
    if (link->closing)
        return;
    if (!link->error.code)
        (void)nv_fail(&link->error, NV_E_PEER, "%s: %s", what, uv_strerror(status));
    close_now(link);
}

static void alloc_cb(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct nv_link *link = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(link->read_buffer, sizeof link->read_buffer);
}

static void deliver_frames(struct nv_link *link)
{
    json_t *object = NULL;
    int got = 0;
    while (!link->closing &&
           (got = nv_frame_decoder_next(&link->decoder, &object, &link->error)) > 0) {
        link->callbacks->frame(link, object);
        json_decref(object);
    }
    if (got < 0)
        close_now(link);
}

static void read_cb(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct nv_link *link = stream->data;
    if (link->closing)
        return;
    if (n == UV_EOF) {
        if (link->decoder.used_bytes)
            (void)nv_fail(&link->error, NV_E_PEER, "the peer closed the connection within a frame");
        else
            (void)nv_fail(&link->error, NV_E_PEER, "the peer closed the connection");
        close_now(link);
    } else if (n < 0) {
        fail(link, "read", (int)n);
    } else if (nv_frame_decoder_feed(&link->decoder, buffer->base, (size_t)n, &link->error)) {
        close_now(link);
    } else {
        deliver_frames(link);
    }
}

int nv_link_init(struct nv_link *link, uv_loop_t *loop, const struct nv_link_callbacks *callbacks,
                 void *owner)
{
    link->callbacks = callbacks;
    link->owner = owner;
    link->decoder = (struct nv_frame_decoder){0};
    link->error = (struct nv_error){0};
    link->connected = link->closing = false;
    int status = uv_tcp_init(loop, &link->tcp);
    if (status)
        return status;
    (void)uv_timer_init(loop, &link->patience);
    link->tcp.data = link->patience.data = link;
    link->handles_open = 2;
    return NV_OK;
}

static void start_reading(struct nv_link *link)
{
    link->connected = true;
    (void)uv_tcp_nodelay(&link->tcp, 1);
    int status = uv_read_start((uv_stream_t *)&link->tcp, alloc_cb, read_cb);
    if (status)
        fail(link, "read", status);
}

static void connect_cb(uv_connect_t *request, int status)
{
    struct nv_link *link = request->handle->data;
    void (*connected)(struct nv_link *) = (void (*)(struct nv_link *))request->data;
    if (status) {
        fail(link, "connect", status);
        return;
    }
    start_reading(link);
    connected(link);
}

int nv_link_connect(struct nv_link *link, const struct sockaddr *address,
                    void (*connected)(struct nv_link *))
{
    link->connecting.data = (void *)connected;
    return uv_tcp_connect(&link->connecting, &link->tcp, address, connect_cb);
}

int nv_link_accept(struct nv_link *link, uv_stream_t *server)
{
    int status = uv_accept(server, (uv_stream_t *)&link->tcp);
    if (!status)
        start_reading(link);
    return status;
}

static void write_cb(uv_write_t *write, int status)
{
    struct send_request *request = write->data;
    struct nv_link *link = write->handle->data;
    free(request->bytes);
    free(request);
    if (status && status != UV_ECANCELED)
        fail(link, "write", status);
}

void nv_link_send(struct nv_link *link, json_t *frame)
{
    size_t len_bytes = 0;
    char *bytes = link->closing ? NULL : nv_frame_encode(frame, &len_bytes);
    struct send_request *request = bytes ? malloc(sizeof *request) : NULL;
    json_decref(frame);
    if (!request) {
        free(bytes);
        fail(link, "a frame too large or no memory", UV_ENOMEM);
        return;
    }
    request->bytes = bytes;
    request->write.data = request;
    uv_buf_t buffer = uv_buf_init(bytes, (unsigned)len_bytes);
    int status = uv_write(&request->write, (uv_stream_t *)&link->tcp, &buffer, 1, write_cb);
    if (status) {
        free(bytes);
        free(request);
        fail(link, "write", status);
    }
}

static void shutdown_cb(uv_shutdown_t *request, int status)
{
    struct nv_link *link = request->handle->data;
    (void)status;
    free(request);
    close_now(link);
}

static void patience_cb(uv_timer_t *handle)
{
    close_now(handle->data);
}

void nv_link_close(struct nv_link *link)
{
    if (link->closing)
        return;
    link->closing = true;
    /* libuv would keep a shutdown until the connection is there, which may be never. */
    uv_shutdown_t *request = link->connected ? malloc(sizeof *request) : NULL;
    if (!request || uv_shutdown(request, (uv_stream_t *)&link->tcp, shutdown_cb)) {
        free(request);
        close_now(link);
        return;
    }
    uv_update_time(link->tcp.loop);
    (void)uv_timer_start(&link->patience, patience_cb, NV_LINK_CLOSE_MS, 0);
}
