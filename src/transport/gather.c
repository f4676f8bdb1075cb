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
 * Where all messages are of one size, and not too large, their payloads are laid down when the
 * engine is opened: message seq has the slot seq mod slots, of which there are a multiple of the
 * payloads that there are, and only headers are written for a call. It is then of one vector, or of
 * two; two for each message would make a call of large datagrams a fifth slower.
 * Failure modes: a stream that takes a part leaves the rest of one message, which is put where
 * nv_io_send_rest finds it; messages behind it are the caller's again. A datagram call takes all or
 * nothing; where the kernel finds too many segments, or none possible, the flow remembers. */

#define STREAM_BYTES_MAX (256u << 10)
#define SEGMENTS_MAX 128u          /* as newer kernels allow */
#define SEGMENTS_MAX_OLD 64u       /* as all do that segment */
#define SEGMENTED_BYTES_MAX 65487u /* of IPv6, less than a datagram of IPv4 */
#define DATAGRAMS_MAX 64u          /* of one sendmmsg */
#define COPY_BYTES_MAX 2048u       /* payloads up to here are copied, where there are no slots */
#define SLOTS_BYTES_MAX (2u << 20) /* of all slots */
#define VECTORS_MAX 1024u          /* UIO_MAXIOV */

struct nv_gather_call {
    unsigned count; /* messages */
    uint64_t bytes;
    uint8_t *end;      /* of what is laid down in the arena, without slots */
    uint64_t next_seq; /* after the last, with slots */
    unsigned vector_count;
    struct iovec vectors[VECTORS_MAX];
    unsigned first_vector[DATAGRAMS_MAX + 1]; /* of each message, when they are kept apart */
    struct mmsghdr datagrams[DATAGRAMS_MAX];
    uint8_t arena[]; /* ARENA_BYTES, or the slots */
};

#define ARENA_BYTES (STREAM_BYTES_MAX + NV_HEADER_BYTES + COPY_BYTES_MAX)

/* For messages of this size: as many as one call takes, and one period at least; or none. */
static uint32_t slots_for(uint32_t len_bytes)
{
    if (!len_bytes || len_bytes > SLOTS_BYTES_MAX / NV_PAYLOAD_PERIOD)
        return 0;
    uint32_t periods = STREAM_BYTES_MAX / len_bytes / NV_PAYLOAD_PERIOD;
    return (periods ? periods : 1) * NV_PAYLOAD_PERIOD;
}

static void lay_slots(struct nv_gather *gather)
{
    uint32_t len_bytes = gather->channel->sent_bytes;
    for (uint32_t i = 0; i < gather->slots; i++)
        memcpy(gather->call->arena + (size_t)i * len_bytes + NV_HEADER_BYTES,
               nv_payload_of(gather->channel->payload, i), len_bytes - NV_HEADER_BYTES);
}

int nv_gather_open(struct nv_gather *gather, const struct nv_channel *channel, struct nv_error *err)
{
    uint32_t slots = slots_for(channel->sent_bytes);
    size_t slots_bytes = (size_t)slots * channel->sent_bytes;
    size_t call_bytes =
        sizeof *gather->call + (slots_bytes > ARENA_BYTES ? slots_bytes : ARENA_BYTES);
    *gather = (struct nv_gather){.channel = channel, .slots = slots, .call = malloc(call_bytes)};
    if (!gather->call)
        return nv_fail(err, NV_E_FAILED, "batch engine: no memory");
    if (nv_io_buffer_open(&gather->buffer, channel, NV_GATHER_BUFFER_BYTES, err))
        return err->code;
    memset(gather->call, 0, call_bytes); /* takes the pages now */
    lay_slots(gather);
    int on = 1;
    for (unsigned i = 0; i < channel->flow_count && !(channel->caps & NV_CAP_RELIABLE); i++)
        channel->sockets[i].io.joins =
            setsockopt(channel->sockets[i].fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
    return NV_OK;
}

void nv_gather_close(struct nv_gather *gather)
{
    free(gather->call);
    free(gather->buffer.bytes);
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

/* How many messages one call takes: alike: all as long as the first, but for the last, which may be
 * shorter. */
static unsigned choose(const struct nv_header *trains, unsigned train_count, uint64_t bytes_max,
                       bool alike)
{
    uint64_t left_bytes = bytes_max;
    unsigned chosen = 0;
    for (unsigned i = 0; i < train_count; i++) {
        uint32_t len_bytes = trains[i].len_bytes;
        if (alike && len_bytes > trains[0].len_bytes)
            break;
        if (alike && len_bytes < trains[0].len_bytes)
            return chosen + (len_bytes <= left_bytes);
        uint32_t count = trains[i].count;
        if (count * (uint64_t)len_bytes > left_bytes)
            count = (uint32_t)(left_bytes / len_bytes);
        chosen += count;
        left_bytes -= count * (uint64_t)len_bytes;
        if (count < trains[i].count)
            break;
    }
    return chosen ? chosen : 1;
}

/* The header is encoded once: of its train, messages differ in number and payload only. */
static unsigned lay_train(struct nv_gather *gather, const struct nv_header *train, unsigned count,
                          bool apart)
{
    struct nv_gather_call *call = gather->call;
    uint32_t payload_bytes = train->len_bytes - NV_HEADER_BYTES;
    bool copied = payload_bytes <= COPY_BYTES_MAX;
    uint32_t laid_bytes = NV_HEADER_BYTES + (copied ? payload_bytes : 0);
    uint8_t head[NV_HEADER_BYTES];
    nv_header_encode(train, head);
    unsigned i = 0;
    for (; i < count && call->vector_count + 2 <= VECTORS_MAX; i++) {
        const uint8_t *payload = nv_payload_of(gather->channel->payload, train->seq + i);
        uint8_t *at = call->end;
        if (apart)
            call->first_vector[call->count + i] = call->vector_count;
        memcpy(at, head, NV_HEADER_BYTES);
        nv_header_renumber(at, train->seq + i);
        if (copied)
            memcpy(at + NV_HEADER_BYTES, payload, payload_bytes);
        point_at(call, at, laid_bytes, apart);
        if (!copied)
            point_at(call, payload, payload_bytes, true);
        call->end += laid_bytes;
    }
    call->count += i;
    call->bytes += (uint64_t)i * train->len_bytes;
    return i;
}

/* The payloads are there already. No more messages than there are slots, one after another. */
static unsigned lay_in_slots(struct nv_gather *gather, const struct nv_header *train,
                             unsigned count, bool apart)
{
    struct nv_gather_call *call = gather->call;
    uint32_t len_bytes = gather->channel->sent_bytes;
    uint32_t slot = (uint32_t)(train->seq % gather->slots);
    uint32_t room = gather->slots - call->count;
    uint8_t head[NV_HEADER_BYTES];
    if (call->count && train->seq != call->next_seq)
        return 0;
    nv_header_encode(train, head);
    count = count < room ? count : room;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *at = call->arena + (size_t)slot * len_bytes;
        if (apart)
            call->first_vector[call->count + i] = call->vector_count;
        memcpy(at, head, NV_HEADER_BYTES);
        nv_header_renumber(at, train->seq + i);
        point_at(call, at, len_bytes, apart);
        slot = slot + 1 < gather->slots ? slot + 1 : 0;
    }
    call->next_seq = train->seq + count;
    call->count += count;
    call->bytes += (uint64_t)count * len_bytes;
    return count;
}

/* As many of so many messages as there are vectors or slots for; apart: each begins a vector. */
static unsigned lay_down(struct nv_gather *gather, struct nv_header *trains, unsigned count,
                         bool apart)
{
    struct nv_gather_call *call = gather->call;
    uint64_t now_ns = nv_clock_ns() - gather->channel->t0_ns;
    call->end = call->arena;
    call->count = call->vector_count = 0;
    call->bytes = 0;
    for (bool room = true; room && call->count < count; trains++) {
        unsigned wanted = count - call->count < trains->count ? count - call->count : trains->count;
        nv_header_stamp(trains, now_ns);
        unsigned laid = gather->slots ? lay_in_slots(gather, trains, wanted, apart)
                                      : lay_train(gather, trains, wanted, apart);
        room = laid == wanted;
    }
    if (apart)
        call->first_vector[call->count] = call->vector_count;
    return call->count;
}

/* ---- streams ---- */

/* The kernel took some bytes of the call: how many messages have gone out at least in part. */
static unsigned took(struct nv_gather *gather, struct nv_gather_flow *flow,
                     const struct nv_header *trains, uint64_t bytes)
{
    unsigned gone = 0;
    for (; gone < gather->call->count && bytes >= trains->count * (uint64_t)trains->len_bytes;
         trains++) {
        gone += trains->count;
        bytes -= trains->count * (uint64_t)trains->len_bytes;
    }
    if (gone >= gather->call->count)
        return gone;
    uint32_t whole = (uint32_t)(bytes / trains->len_bytes);
    bytes -= whole * (uint64_t)trains->len_bytes;
    if (!bytes)
        return gone + whole;
    struct nv_header part = *trains;
    part.seq += whole;
    nv_io_set_rest(gather->channel, &flow->rest, &part, (uint32_t)bytes);
    gather->channel->sockets[flow->rest.flow].io.partial_writes++;
    return gone + whole + 1;
}

static unsigned send_stream(struct nv_gather *gather, struct nv_gather_flow *flow,
                            struct nv_header *trains, unsigned count, int *refusal)
{
    struct nv_gather_call *call = gather->call;
    struct nv_socket *socket = &gather->channel->sockets[flow->rest.flow];
    (void)lay_down(gather, trains, choose(trains, count, STREAM_BYTES_MAX, false), false);
    struct msghdr message = {.msg_iov = call->vectors, .msg_iovlen = call->vector_count};
    socket->io.send_calls++;
    ssize_t n = sendmsg(socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        *refusal = errno == EINTR ? 0 : errno;
        return 0;
    }
    unsigned gone = took(gather, flow, trains, (uint64_t)n);
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
                               struct nv_header *trains, unsigned count, int *refusal)
{
    struct nv_socket *socket = &gather->channel->sockets[flow->rest.flow];
    count = choose(trains, count, SEGMENTED_BYTES_MAX, true);
    count =
        lay_down(gather, trains, count < flow->segments_max ? count : flow->segments_max, false);
    socket->io.send_calls++;
    uint32_t segment_bytes = trains[0].len_bytes;
    ssize_t n = send_segments(gather, socket->fd, (uint16_t)segment_bytes);
    if (n >= 0) /* by what the kernel says, not by what it was asked for */
        return (unsigned)(((size_t)n + segment_bytes - 1) / segment_bytes);
    int reason = errno;
    *refusal = reason == EINTR || learn(flow, count, reason) ? 0 : reason;
    return 0;
}

static unsigned send_apart(struct nv_gather *gather, struct nv_gather_flow *flow,
                           struct nv_header *trains, unsigned count, int *refusal)
{
    struct nv_gather_call *call = gather->call;
    struct nv_socket *socket = &gather->channel->sockets[flow->rest.flow];
    count = choose(trains, count, UINT64_MAX, false);
    count = lay_down(gather, trains, count < DATAGRAMS_MAX ? count : DATAGRAMS_MAX, true);
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
                               struct nv_header *trains, unsigned count, int *refusal)
{
    if (!flow->segments_max)
        flow->segments_max = SEGMENTS_MAX;
    bool falls = count < 2 || trains[0].count > 1 || trains[1].len_bytes <= trains[0].len_bytes;
    unsigned sent = flow->segments_max > 1 && falls
                        ? send_segmented(gather, flow, trains, count, refusal)
                        : send_apart(gather, flow, trains, count, refusal);
    if (*refusal && *refusal != EAGAIN)
        nv_io_drain_errors(gather->channel->sockets[flow->rest.flow].fd);
    return sent;
}

unsigned nv_gather_send(struct nv_gather *gather, struct nv_gather_flow *flow,
                        struct nv_header *trains, unsigned count, int *refusal)
{
    bool reliable = gather->channel->caps & NV_CAP_RELIABLE;
    *refusal = nv_io_send_rest(gather->channel, &flow->rest);
    if (*refusal || !count)
        return 0;
    return reliable ? send_stream(gather, flow, trains, count, refusal)
                    : send_datagrams(gather, flow, trains, count, refusal);
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
    struct iovec part = {.iov_base = gather->buffer.bytes, .iov_len = gather->buffer.size_bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (!(channel->caps & NV_CAP_RELIABLE)) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
    }
    struct nv_received received = {.flow = flow, .data = gather->buffer.bytes};
    if (channel->late_acks)
        nv_io_hold_ack(channel, flow);
    ssize_t n = recvmsg(channel->sockets[flow].fd, &message, MSG_DONTWAIT);
    received.segment_bytes = n > 0 ? segment_of(&message) : 0;
    channel->sockets[flow].io.truncated += n > 0 && (message.msg_flags & MSG_TRUNC);
    return nv_io_deliver(channel, &received, n, sink, err);
}
