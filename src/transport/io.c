/* SPDX-License-Identifier: MIT */
#include "transport/io.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hint.h"

unsigned nv_io_parts(const struct nv_channel *channel, const struct nv_io_rest *rest,
                     struct iovec parts[2])
{
    uint32_t done_bytes = rest->done_bytes;
    uint32_t head_bytes =
        rest->len_bytes <= NV_IO_FLAT_BYTES ? rest->len_bytes : (uint32_t)NV_HEADER_BYTES;
    unsigned used = 0;
    if (done_bytes < head_bytes)
        parts[used++] = (struct iovec){.iov_base = (void *)(uintptr_t)(rest->head + done_bytes),
                                       .iov_len = head_bytes - done_bytes};
    if (head_bytes == rest->len_bytes)
        return used;
    uint32_t payload_done = done_bytes > head_bytes ? done_bytes - head_bytes : 0;
    const uint8_t *payload = nv_payload_of(channel->payload, rest->seq);
    parts[used++] = (struct iovec){.iov_base = (void *)(uintptr_t)(payload + payload_done),
                                   .iov_len = rest->len_bytes - head_bytes - payload_done};
    return used;
}

static ssize_t send_vectors(const struct nv_channel *channel, int fd, const struct nv_io_rest *rest)
{
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts};
    message.msg_iovlen = nv_io_parts(channel, rest, parts);
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t send_from(const struct nv_channel *channel, struct nv_socket *socket,
                         const struct nv_io_rest *rest)
{
    socket->io.send_calls++;
    if (rest->len_bytes > NV_IO_FLAT_BYTES)
        return send_vectors(channel, socket->fd, rest);
    return send(socket->fd, rest->head + rest->done_bytes, rest->len_bytes - rest->done_bytes,
                MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Inlined: where a system call empties what the processor knows of returns, each of them waits. */
static inline __attribute__((always_inline)) int send_rest(const struct nv_channel *channel,
                                                           struct nv_io_rest *rest)
{
    struct nv_socket *socket = &channel->sockets[rest->flow];
    while (rest->done_bytes < rest->len_bytes) {
        ssize_t n = send_from(channel, socket, rest);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n < 0)
            continue;
        rest->done_bytes += (uint32_t)n;
        if (rest->done_bytes < rest->len_bytes)
            socket->io.partial_writes++;
    }
    return 0;
}

int nv_io_send_rest(const struct nv_channel *channel, struct nv_io_rest *rest)
{
    return send_rest(channel, rest);
}

void nv_io_drain_errors(int fd)
{
    int pending = 0;
    socklen_t len = sizeof pending;
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &len);
    for (unsigned i = 0; i < 64; i++) {
        uint8_t control[512];
        uint8_t data[64];
        struct iovec part = {.iov_base = data, .iov_len = sizeof data};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
    }
}

void nv_io_set_rest(const struct nv_channel *channel, struct nv_io_rest *rest,
                    const struct nv_header *header, uint32_t done_bytes)
{
    nv_header_encode(header, rest->head);
    if (header->len_bytes <= NV_IO_FLAT_BYTES)
        memcpy(rest->head + NV_HEADER_BYTES, nv_payload_of(channel->payload, header->seq),
               header->len_bytes - NV_HEADER_BYTES);
    rest->seq = header->seq;
    rest->len_bytes = header->len_bytes;
    rest->done_bytes = done_bytes;
}

NV_HOT unsigned nv_io_send(const struct nv_channel *channel, struct nv_io_rest *rest,
                           struct nv_header *trains, unsigned count, int *refusal)
{
    *refusal = rest->done_bytes < rest->len_bytes ? nv_io_send_rest(channel, rest) : 0;
    if (*refusal)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        struct nv_header *header = &trains[i];
        nv_header_stamp(header, nv_clock_ns() - channel->t0_ns);
        nv_io_set_rest(channel, rest, header, 0);
        int failed = send_rest(channel, rest);
        if (failed && rest->done_bytes == 0) {
            rest->len_bytes = 0; /* nothing of it went out: it is the caller's again */
            if (failed != EAGAIN && !(channel->caps & NV_CAP_RELIABLE))
                nv_io_drain_errors(channel->sockets[rest->flow].fd);
            *refusal = failed;
            return i;
        }
        *refusal = failed;
        if (failed || header->count > 1)
            return i + 1;
    }
    return count;
}

static enum nv_io_receive receive_failed(const struct nv_channel *channel, struct nv_socket *socket,
                                         int reason, struct nv_error *err)
{
    if (reason == EAGAIN || reason == EINTR) {
        socket->io.recv_empty++;
        return NV_IO_EMPTY;
    }
    if (!(channel->caps & NV_CAP_RELIABLE)) {
        socket->io.refused_count += reason == ECONNREFUSED;
        nv_io_drain_errors(socket->fd);
        return NV_IO_EMPTY;
    }
    (void)nv_fail_errno(err, NV_E_PEER, reason, "recv on a data connection");
    return NV_IO_FAILED;
}

NV_HOT enum nv_io_receive nv_io_deliver(const struct nv_channel *channel,
                                        struct nv_received *received, ssize_t n,
                                        const struct nv_sink *sink, struct nv_error *err)
{
    struct nv_socket *socket = &channel->sockets[received->flow];
    if (n < 0)
        return receive_failed(channel, socket, errno, err);
    if (n == 0 && (channel->caps & NV_CAP_RELIABLE)) {
        (void)nv_fail(err, NV_E_PEER, "the peer closed a data connection");
        return NV_IO_FAILED;
    }
    socket->io.recv_calls += !received->goes_on;
    received->len_bytes = (size_t)n;
    if (!received->segment_bytes)
        received->segment_bytes = received->len_bytes;
    return sink->received(sink->context, received) ? NV_IO_DATA : NV_IO_YIELD;
}

void nv_io_hold_ack(const struct nv_channel *channel, unsigned flow)
{
    int quick = 0;
    (void)setsockopt(channel->sockets[flow].fd, IPPROTO_TCP, TCP_QUICKACK, &quick, sizeof quick);
}

int nv_io_buffer_open(struct nv_io_buffer *buffer, const struct nv_channel *channel,
                      size_t own_bytes, struct nv_error *err)
{
    buffer->size_bytes = channel->read_bytes ? channel->read_bytes : own_bytes;
    buffer->bytes = malloc(buffer->size_bytes);
    if (!buffer->bytes)
        return nv_fail(err, NV_E_FAILED, "receive buffer: no memory for %zu bytes",
                       buffer->size_bytes);
    memset(buffer->bytes, 0, buffer->size_bytes); /* takes the pages now */
    return NV_OK;
}

NV_HOT enum nv_io_receive nv_io_receive(const struct nv_channel *channel, unsigned flow,
                                        const struct nv_io_buffer *buffer,
                                        const struct nv_sink *sink, struct nv_error *err)
{
    struct nv_socket *socket = &channel->sockets[flow];
    struct nv_received received = {.flow = flow, .data = buffer->bytes};
    if (channel->late_acks)
        nv_io_hold_ack(channel, flow);
    bool cuts = buffer->size_bytes < NV_IO_BUFFER_BYTES && (channel->caps & NV_CAP_DATAGRAMS);
    int flags = buffer->flags | (cuts ? MSG_TRUNC : 0); /* of a stream, MSG_TRUNC throws away */
    ssize_t n = recv(socket->fd, buffer->bytes, buffer->size_bytes, flags);
    if (n > (ssize_t)buffer->size_bytes) {
        socket->io.truncated++;
        n = (ssize_t)buffer->size_bytes;
    }
    return nv_io_deliver(channel, &received, n, sink, err);
}
