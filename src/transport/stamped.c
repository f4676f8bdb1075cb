/* SPDX-License-Identifier: MIT */
#include "transport/stamped.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define LOOK_NS (100 * NV_NS_PER_MS)
#define OPT_ID_TCP (1u << 16) /* SOF_TIMESTAMPING_OPT_ID_TCP, which older headers lack */

union control {
    struct cmsghdr header;
    uint8_t bytes[512];
};

static int enable(int fd, bool stream)
{
    unsigned flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                     SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE |
                     SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
    if (stream)
        flags |= SOF_TIMESTAMPING_TX_ACK | OPT_ID_TCP;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) == 0)
        return 0;
    /* Bytes are then counted from the last one acknowledged, which is the hello's by now. */
    flags &= ~OPT_ID_TCP;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
}

int nv_stamped_open(struct nv_stamped *stamped, const struct nv_channel *channel,
                    struct nv_error *err)
{
    *stamped = (struct nv_stamped){.channel = channel};
    stamped->flows = calloc(channel->flow_count, sizeof *stamped->flows);
    if (!stamped->flows)
        return nv_fail(err, NV_E_FAILED, "no memory");
    stamped->first_offset_ns = stamped->offset_ns = nv_clock_real_offset_ns();
    stamped->next_look_ns = nv_clock_ns() + LOOK_NS;
    for (unsigned i = 0; i < channel->flow_count; i++) {
        channel->sockets[i].stamps->ordered = channel->caps & NV_CAP_ORDERED;
        if (enable(channel->sockets[i].fd, channel->caps & NV_CAP_RELIABLE))
            return nv_fail_errno(err, NV_E_FAILED, errno, "diag: setsockopt SO_TIMESTAMPING");
    }
    return NV_OK;
}

void nv_stamped_close(struct nv_stamped *stamped)
{
    for (unsigned i = 0; stamped->flows && i < stamped->channel->flow_count; i++) {
        nv_stamped_look(stamped, UINT64_MAX);
        nv_stamped_drain(stamped, i);
        nv_stamps_finish(stamped->channel->sockets[i].stamps);
    }
    free(stamped->flows);
    stamped->flows = NULL;
}

void nv_stamped_look(struct nv_stamped *stamped, uint64_t now_ns)
{
    if (now_ns < stamped->next_look_ns)
        return;
    stamped->next_look_ns = now_ns + LOOK_NS;
    stamped->offset_ns = nv_clock_real_offset_ns();
    int64_t moved_ns = stamped->offset_ns - stamped->first_offset_ns;
    uint64_t step_ns = (uint64_t)(moved_ns < 0 ? -moved_ns : moved_ns);
    for (unsigned i = 0; i < stamped->channel->flow_count; i++) {
        struct nv_stamp_counters *counters = &stamped->channel->sockets[i].stamps->counters;
        if (step_ns > counters->clock_step_ns)
            counters->clock_step_ns = step_ns;
    }
}

/* A kernel's stamp since the run's start; NV_UNKNOWN: there is none. */
static uint64_t since_start(const struct nv_stamped *stamped, const struct cmsghdr *header)
{
    struct scm_timestamping stamps;
    memcpy(&stamps, CMSG_DATA(header), sizeof stamps);
    uint64_t real_ns = (uint64_t)stamps.ts[0].tv_sec * NV_NS_PER_S + (uint64_t)stamps.ts[0].tv_nsec;
    uint64_t at_ns = real_ns - (uint64_t)stamped->offset_ns;
    return real_ns && at_ns > stamped->channel->t0_ns ? at_ns - stamped->channel->t0_ns
                                                      : NV_UNKNOWN;
}

static bool is_stamp(const struct cmsghdr *header)
{
    return header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPING;
}

/* ---- sending ---- */

static void note_sent(struct nv_stamped *stamped, const struct nv_io_rest *rest,
                      const struct nv_header *header, uint64_t now_ns)
{
    bool stream = stamped->channel->caps & NV_CAP_RELIABLE;
    struct nv_stamped_flow *flow = &stamped->flows[rest->flow];
    struct nv_stamps *stamps = stamped->channel->sockets[rest->flow].stamps;
    flow->sent_count += stream ? header->len_bytes : 1;
    flow->unfinished = rest->done_bytes < rest->len_bytes;
    nv_stamps_sent(stamps, header->seq, header->t_int_ns, flow->sent_count - 1,
                   flow->unfinished ? NV_UNKNOWN : now_ns);
}

static void note_finished(struct nv_stamped *stamped, const struct nv_io_rest *rest)
{
    struct nv_stamped_flow *flow = &stamped->flows[rest->flow];
    if (!flow->unfinished || rest->done_bytes < rest->len_bytes)
        return;
    flow->unfinished = false;
    nv_stamps_accepted(stamped->channel->sockets[rest->flow].stamps,
                       nv_clock_ns() - stamped->channel->t0_ns);
}

unsigned nv_stamped_send(struct nv_stamped *stamped, struct nv_io_rest *rest,
                         struct nv_header *trains, unsigned count, int *refusal)
{
    const struct nv_channel *channel = stamped->channel;
    *refusal = nv_io_send_rest(channel, rest);
    note_finished(stamped, rest);
    for (unsigned i = 0; i < count && !*refusal; i++) {
        struct nv_header *header = &trains[i];
        const struct nv_header sent = *header;
        if (!nv_io_send(channel, rest, header, 1, refusal)) {
            /* The device's queue dropped it after it had its number. */
            stamped->flows[rest->flow].sent_count += *refusal == ENOBUFS;
            return i;
        }
        note_sent(stamped, rest, &sent, nv_clock_ns() - channel->t0_ns);
        if (*refusal || header->count > 1)
            return i + 1;
    }
    return *refusal ? 0 : count;
}

/* ---- the error queue ---- */

static const struct sock_extended_err *error_of(const struct cmsghdr *header)
{
    bool ours = (header->cmsg_level == SOL_IP && header->cmsg_type == IP_RECVERR) ||
                (header->cmsg_level == SOL_IPV6 && header->cmsg_type == IPV6_RECVERR);
    return ours ? (const struct sock_extended_err *)(const void *)CMSG_DATA(header) : NULL;
}

static void take(struct nv_stamped *stamped, unsigned flow, struct msghdr *message)
{
    static const enum nv_stamp kinds[] = {[SCM_TSTAMP_SND] = NV_STAMP_SENT,
                                          [SCM_TSTAMP_SCHED] = NV_STAMP_SCHED,
                                          [SCM_TSTAMP_ACK] = NV_STAMP_ACKED};
    const struct sock_extended_err *found = NULL;
    uint64_t at_ns = NV_UNKNOWN;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (is_stamp(c))
            at_ns = since_start(stamped, c);
        else if (error_of(c))
            found = error_of(c);
    }
    if (found && found->ee_origin == SO_EE_ORIGIN_TIMESTAMPING && at_ns != NV_UNKNOWN &&
        found->ee_info < sizeof kinds / sizeof kinds[0])
        nv_stamps_take(stamped->channel->sockets[flow].stamps, kinds[found->ee_info],
                       found->ee_data, at_ns);
}

void nv_stamped_drain(struct nv_stamped *stamped, unsigned flow)
{
    for (;;) {
        union control control;
        struct msghdr message = {.msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        if (recvmsg(stamped->channel->sockets[flow].fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        take(stamped, flow, &message);
    }
}

/* ---- receiving ---- */

/* What a stream may be asked for without the next message: as long as the header is not there, as
 * much as any message has. */
static size_t left_of_message(const struct nv_stamped *stamped, const struct nv_stamped_flow *flow)
{
    uint32_t least_bytes =
        stamped->channel->sent_bytes ? stamped->channel->sent_bytes : (uint32_t)NV_HEADER_BYTES;
    struct nv_header header;
    if (flow->got_bytes < NV_HEADER_BYTES)
        return least_bytes - flow->got_bytes;
    bool legal = nv_header_decode(&header, flow->head) == NV_DECODE_OK;
    return legal && header.len_bytes > flow->got_bytes ? header.len_bytes - flow->got_bytes : 0;
}

/* Bytes of a stream, no more than the message has: whether it is complete. */
static bool follow_stream(struct nv_stamped *stamped, struct nv_stamped_flow *flow,
                          const uint8_t *data, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes && flow->got_bytes + i < NV_HEADER_BYTES; i++)
        flow->head[flow->got_bytes + i] = data[i];
    flow->got_bytes += (uint32_t)len_bytes;
    if (flow->got_bytes < NV_HEADER_BYTES || left_of_message(stamped, flow))
        return false;
    flow->got_bytes = 0;
    return true;
}

enum nv_io_receive nv_stamped_receive(struct nv_stamped *stamped, unsigned index,
                                      const struct nv_io_buffer *buffer, const struct nv_sink *sink,
                                      struct nv_error *err)
{
    const struct nv_channel *channel = stamped->channel;
    struct nv_stamped_flow *flow = &stamped->flows[index];
    bool stream = channel->caps & NV_CAP_RELIABLE;
    size_t wanted_bytes = stream ? left_of_message(stamped, flow) : buffer->size_bytes;
    union control control;
    struct iovec part = {.iov_base = buffer->bytes,
                         .iov_len =
                             wanted_bytes < buffer->size_bytes ? wanted_bytes : buffer->size_bytes};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct nv_received received = {.flow = index, .data = buffer->bytes};
    if (channel->late_acks)
        nv_io_hold_ack(channel, index);
    ssize_t n = recvmsg(channel->sockets[index].fd, &message, MSG_DONTWAIT);
    int reason = errno;
    uint64_t at_ns = NV_UNKNOWN;
    for (struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL; c;
         c = CMSG_NXTHDR(&message, c))
        if (is_stamp(c))
            at_ns = since_start(stamped, c);
    channel->sockets[index].io.truncated += n > 0 && (message.msg_flags & MSG_TRUNC);
    if (n > 0 && (!stream || follow_stream(stamped, flow, buffer->bytes, (size_t)n)))
        nv_stamps_came(channel->sockets[index].stamps, at_ns);
    errno = reason;
    return nv_io_deliver(channel, &received, n, sink, err);
}
