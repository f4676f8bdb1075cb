/* SPDX-License-Identifier: MIT */
#include "transport/gather.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Happy path: headers, and payloads that are cheaper to copy than to point at, are laid down one
 * after another in the arena; vectors point at them and at large payloads. One call takes them.
 * Failure modes: a stream that takes a part leaves the rest of one message, which is put where
 * nv_io_send_rest finds it; messages behind it are the caller's again. A datagram call takes all or
 * nothing; where the kernel finds too many segments, or none possible, the flow remembers. */

#define STREAM_BYTES_MAX (256u << 10)
#define SEGMENTS_MAX 128u          /* as newer kernels allow */
#define SEGMENTS_MAX_OLD 64u       /* as all do that segment */
#define SEGMENTED_BYTES_MAX 65487u /* of IPv6, less than a datagram of IPv4 */
#define DATAGRAMS_MAX 64u          /* of one sendmmsg */
#define COPY_BYTES_MAX 2048u       /* payloads up to here are copied */
#define VECTORS_MAX 1024u          /* UIO_MAXIOV */

struct nv_gather_call {
    unsigned count;
    uint64_t bytes;
    unsigned vector_count;
    struct iovec vectors[VECTORS_MAX];
    unsigned first_vector[DATAGRAMS_MAX + 1]; /* of each message, when they are kept apart */
    struct mmsghdr datagrams[DATAGRAMS_MAX];
    uint8_t arena[STREAM_BYTES_MAX + NV_HEADER_BYTES + COPY_BYTES_MAX];
};

int nv_gather_open(struct nv_gather *gather, const struct nv_channel *channel, struct nv_error *err)
{
    *gather = (struct nv_gather){.channel = channel,
                                 .call = malloc(sizeof *gather->call),
                                 .buffer = malloc(NV_GATHER_BUFFER_BYTES)};
    if (!gather->call || !gather->buffer)
        return nv_fail(err, NV_E_FAILED, "batch engine: no memory");
    memset(gather->call, 0, sizeof *gather->call); /* takes the pages now */
    memset(gather->buffer, 0, NV_GATHER_BUFFER_BYTES);
    int on = 1;
    for (unsigned i = 0; i < channel->flow_count && !(channel->caps & NV_CAP_RELIABLE); i++)
        (void)setsockopt(channel->sockets[i].fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    return NV_OK;
}

void nv_gather_close(struct nv_gather *gather)
{
    free(gather->call);
    free(gather->buffer);
}

/* ---- laying down ---- */

static void point_at(struct nv_gather_call *call, const uint8_t *bytes, size_t len_bytes,
                     bool apart)
{
    struct iovec *last = call->vector_count ? &call->vectors[call->vector_count - 1] : NULL;
    if (last && !apart && (const uint8_t *)last->iov_base + last->iov_len == bytes)
        last->iov_len += len_bytes;
    else
        call->vectors[call->vector_count++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = len_bytes};
}

/* How many of the messages one call takes: alike: all as long as the first, but for the last, which
 * may be shorter. */
static unsigned choose(const struct nv_header *messages, unsigned count, uint64_t bytes_max,
                       bool alike)
{
    uint64_t bytes = 0;
    unsigned chosen = 0;
    for (; chosen < count; chosen++) {
        uint32_t len_bytes = messages[chosen].len_bytes;
        bytes += len_bytes;
        if (chosen && (bytes > bytes_max || (alike && len_bytes > messages[0].len_bytes)))
            break;
        if (alike && len_bytes < messages[0].len_bytes)
            return chosen + 1;
    }
    return chosen;
}

/* As many as there are vectors for; apart: each message begins one of its own. */
static unsigned lay_down(struct nv_gather *gather, struct nv_header *messages, unsigned count,
                         bool apart)
{
    struct nv_gather_call *call = gather->call;
    uint8_t *at = call->arena;
    uint64_t now_ns = nv_clock_ns() - gather->channel->t0_ns;
    call->bytes = 0;
    call->vector_count = 0;
    for (call->count = 0; call->count < count; call->count++) {
        unsigned i = call->count;
        if (call->vector_count + 2 > VECTORS_MAX)
            break;
        struct nv_header *header = &messages[i];
        const uint8_t *payload = nv_payload_of(gather->channel->payload, header->seq);
        uint32_t payload_bytes = header->len_bytes - NV_HEADER_BYTES;
        bool copied = payload_bytes <= COPY_BYTES_MAX;
        if (apart)
            call->first_vector[i] = call->vector_count;
        nv_header_stamp(header, now_ns);
        nv_header_encode(header, at);
        if (copied)
            memcpy(at + NV_HEADER_BYTES, payload, payload_bytes);
        point_at(call, at, NV_HEADER_BYTES + (copied ? payload_bytes : 0), apart);
        at += NV_HEADER_BYTES + (copied ? payload_bytes : 0);
        if (!copied)
            point_at(call, payload, payload_bytes, true);
        call->bytes += header->len_bytes;
    }
    if (apart)
        call->first_vector[call->count] = call->vector_count;
    return call->count;
}

/* ---- streams ---- */

/* The kernel took some bytes of the call: how many messages have gone out at least in part. */
static unsigned took(struct nv_gather *gather, struct nv_gather_flow *flow,
                     const struct nv_header *messages, uint64_t bytes)
{
    unsigned i = 0;
    for (; bytes && bytes >= messages[i].len_bytes; i++)
        bytes -= messages[i].len_bytes;
    if (!bytes)
        return i;
    nv_io_set_rest(gather->channel, &flow->rest, &messages[i], (uint32_t)bytes);
    gather->channel->sockets[flow->rest.flow].io.partial_writes++;
    return i + 1;
}

static unsigned send_stream(struct nv_gather *gather, struct nv_gather_flow *flow,
                            struct nv_header *messages, unsigned count, int *refusal)
{
    struct nv_gather_call *call = gather->call;
    struct nv_socket *socket = &gather->channel->sockets[flow->rest.flow];
    (void)lay_down(gather, messages, choose(messages, count, STREAM_BYTES_MAX, false), false);
    struct msghdr message = {.msg_iov = call->vectors, .msg_iovlen = call->vector_count};
    socket->io.send_calls++;
    ssize_t n = sendmsg(socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        *refusal = errno == EINTR ? 0 : errno;
        return 0;
    }
    unsigned gone = took(gather, flow, messages, (uint64_t)n);
    if ((uint64_t)n < call->bytes)
        *refusal = nv_io_send_rest(gather->channel, &flow->rest);
    return gone;
}

/* ---- datagrams ---- */

/* Bytes that went out, or -1 and errno. */
static ssize_t send_segments(struct nv_gather *gather, int fd, uint16_t segment_bytes)
{
    struct nv_gather_call *call = gather->call;
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = {.bytes = {0}};
    struct msghdr message = {.msg_iov = call->vectors, .msg_iovlen = call->vector_count};
    if (call->count > 1) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *segment = CMSG_FIRSTHDR(&message);
        segment->cmsg_level = IPPROTO_UDP;
        segment->cmsg_type = UDP_SEGMENT;
        segment->cmsg_len = CMSG_LEN(sizeof segment_bytes);
        memcpy(CMSG_DATA(segment), &segment_bytes, sizeof segment_bytes);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Too many segments for this kernel, or a segment that does not fit into a packet. */
static bool learn(struct nv_gather_flow *flow, unsigned count, int refusal)
{
    if (count < 2 || (refusal != EINVAL && refusal != EMSGSIZE && refusal != EIO))
        return false;
    flow->segments_max = count > SEGMENTS_MAX_OLD ? SEGMENTS_MAX_OLD : 1;
    return true;
}

static unsigned send_segmented(struct nv_gather *gather, struct nv_gather_flow *flow,
                               struct nv_header *messages, unsigned count, int *refusal)
{
    struct nv_socket *socket = &gather->channel->sockets[flow->rest.flow];
    count = count < flow->segments_max ? count : flow->segments_max;
    count = choose(messages, count, SEGMENTED_BYTES_MAX, true);
    count = lay_down(gather, messages, count, false);
    socket->io.send_calls++;
    uint32_t segment_bytes = messages[0].len_bytes;
    ssize_t n = send_segments(gather, socket->fd, (uint16_t)segment_bytes);
    if (n >= 0) /* by what the kernel says, not by what it was asked for */
        return (unsigned)(((size_t)n + segment_bytes - 1) / segment_bytes);
    int reason = errno;
    *refusal = reason == EINTR || learn(flow, count, reason) ? 0 : reason;
    return 0;
}

static unsigned send_apart(struct nv_gather *gather, struct nv_gather_flow *flow,
                           struct nv_header *messages, unsigned count, int *refusal)
{
    struct nv_gather_call *call = gather->call;
    struct nv_socket *socket = &gather->channel->sockets[flow->rest.flow];
    count = count < DATAGRAMS_MAX ? count : DATAGRAMS_MAX;
    count = lay_down(gather, messages, count, true);
    for (unsigned i = 0; i < count; i++)
        call->datagrams[i].msg_hdr =
            (struct msghdr){.msg_iov = &call->vectors[call->first_vector[i]],
                            .msg_iovlen = call->first_vector[i + 1] - call->first_vector[i]};
    socket->io.send_calls++;
    int sent = sendmmsg(socket->fd, call->datagrams, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
        return (unsigned)sent; /* why not more, the next call will tell */
    *refusal = errno == EINTR ? 0 : errno;
    return 0;
}

static unsigned send_datagrams(struct nv_gather *gather, struct nv_gather_flow *flow,
                               struct nv_header *messages, unsigned count, int *refusal)
{
    if (!flow->segments_max)
        flow->segments_max = SEGMENTS_MAX;
    bool segmented =
        flow->segments_max > 1 && (count < 2 || messages[1].len_bytes <= messages[0].len_bytes);
    unsigned sent = segmented ? send_segmented(gather, flow, messages, count, refusal)
                              : send_apart(gather, flow, messages, count, refusal);
    if (*refusal && *refusal != EAGAIN)
        nv_io_drain_errors(gather->channel->sockets[flow->rest.flow].fd);
    return sent;
}

unsigned nv_gather_send(struct nv_gather *gather, struct nv_gather_flow *flow,
                        struct nv_header *messages, unsigned count, int *refusal)
{
    bool reliable = gather->channel->caps & NV_CAP_RELIABLE;
    unsigned sent = 0;
    *refusal = nv_io_send_rest(gather->channel, &flow->rest);
    while (sent < count && !*refusal)
        sent += reliable ? send_stream(gather, flow, messages + sent, count - sent, refusal)
                         : send_datagrams(gather, flow, messages + sent, count - sent, refusal);
    return sent;
}

/* ---- receiving ---- */

/* How long the datagrams are that the kernel put together; 0: it is one. */
static size_t segment_of(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        int segment_bytes = 0;
        if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
            continue;
        memcpy(&segment_bytes, CMSG_DATA(c), sizeof segment_bytes);
        return segment_bytes > 0 ? (size_t)segment_bytes : 0;
    }
    return 0;
}

enum nv_io_receive nv_gather_receive(struct nv_gather *gather, unsigned flow,
                                     const struct nv_sink *sink, struct nv_error *err)
{
    const struct nv_channel *channel = gather->channel;
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = gather->buffer, .iov_len = NV_GATHER_BUFFER_BYTES};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (!(channel->caps & NV_CAP_RELIABLE)) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
    }
    struct nv_received received = {.flow = flow, .data = gather->buffer};
    ssize_t n = recvmsg(channel->sockets[flow].fd, &message, MSG_DONTWAIT);
    received.segment_bytes = n > 0 ? segment_of(&message) : 0;
    return nv_io_deliver(channel, &received, n, sink, err);
}
