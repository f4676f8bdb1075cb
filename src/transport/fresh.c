/* SPDX-License-Identifier: MIT */
#include "transport/fresh.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "transport/socket.h"

static bool datagrams(const struct nv_channel *channel)
{
    return channel->caps & NV_CAP_DATAGRAMS;
}

/* A call that began at start_ns has returned: 0, or its errno. */
static int note(struct nv_fresh *fresh, enum nv_call call, uint64_t start_ns, ssize_t returned)
{
    int error = returned < 0 ? errno : 0;
    nv_calls_record(fresh->calls, call, nv_clock_ns() - start_ns, error);
    return error;
}

static int set_options(const struct nv_channel *channel, struct nv_fresh *fresh, int flags)
{
    const struct nv_flow_plan *plan = channel->plan;
    int type = datagrams(channel) ? SOCK_DGRAM : SOCK_STREAM;
    struct nv_socket_option options[NV_SOCKET_OPTIONS_MAX];
    unsigned count = nv_socket_options(plan->spec, plan->address.ss_family, type, options);
    for (unsigned i = 0; i < count; i++) {
        uint64_t start_ns = nv_clock_ns();
        int error =
            note(fresh, NV_CALL_SETSOCKOPT, start_ns, nv_socket_set_option(fresh->fd, &options[i]));
        if (error)
            return error;
    }
    /* Calls that wait, wait no longer than a message may take. */
    const struct timeval patience = {.tv_sec = (time_t)(channel->give_up_ns / NV_NS_PER_S),
                                     .tv_usec = (long)(channel->give_up_ns % NV_NS_PER_S / 1000)};
    static const int waits[] = {SO_RCVTIMEO, SO_SNDTIMEO};
    for (unsigned i = 0; i < 2 && !(flags & SOCK_NONBLOCK); i++) {
        uint64_t start_ns = nv_clock_ns();
        int error = note(fresh, NV_CALL_SETSOCKOPT, start_ns,
                         setsockopt(fresh->fd, SOL_SOCKET, waits[i], &patience, sizeof patience));
        if (error)
            return error;
    }
    return 0;
}

static ssize_t send_part(const struct nv_channel *channel, struct nv_fresh *fresh)
{
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts};
    message.msg_iovlen = nv_io_parts(channel, &fresh->rest, parts);
    if (message.msg_iovlen == 1 && fresh->connected)
        return send(fresh->fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    if (message.msg_iovlen == 1)
        return sendto(fresh->fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL,
                      (const struct sockaddr *)&fresh->far, nv_address_len(&fresh->far));
    if (!fresh->connected) {
        message.msg_name = &fresh->far;
        message.msg_namelen = nv_address_len(&fresh->far);
    }
    return sendmsg(fresh->fd, &message, MSG_NOSIGNAL);
}

static int send_all(const struct nv_channel *channel, struct nv_fresh *fresh)
{
    struct nv_io_counters *io = &channel->sockets[fresh->flow].io;
    enum nv_call call = fresh->connected ? NV_CALL_SEND : NV_CALL_SENDTO;
    while (fresh->rest.done_bytes < fresh->rest.len_bytes) {
        uint64_t start_ns = nv_clock_ns();
        ssize_t n = send_part(channel, fresh);
        int error = note(fresh, call, start_ns, n);
        io->send_calls++;
        if (error && error != EINTR)
            return error;
        fresh->rest.done_bytes += error ? 0 : (uint32_t)n;
        io->partial_writes += !error && fresh->rest.done_bytes < fresh->rest.len_bytes;
    }
    fresh->sent_ns = nv_clock_ns();
    return 0;
}

static int connect_to(const struct nv_channel *channel, struct nv_fresh *fresh)
{
    const struct sockaddr_storage *far = &channel->plan->address;
    uint64_t start_ns = nv_clock_ns();
    int error = note(fresh, NV_CALL_CONNECT, start_ns,
                     connect(fresh->fd, (const struct sockaddr *)far, nv_address_len(far)));
    fresh->called_ns = nv_clock_ns();
    fresh->connected = !error;
    if (!error)
        nv_calls_record(fresh->calls, NV_CALL_HANDSHAKE, fresh->called_ns - start_ns, 0);
    return error;
}

static int finish_connecting(struct nv_fresh *fresh)
{
    int error = 0;
    socklen_t len = sizeof error;
    uint64_t now_ns = nv_clock_ns();
    (void)getsockopt(fresh->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    nv_calls_record(fresh->calls, NV_CALL_CONNECTING, now_ns - fresh->called_ns, error);
    if (error)
        return error;
    nv_calls_record(fresh->calls, NV_CALL_HANDSHAKE, now_ns - fresh->begun_ns, 0);
    fresh->connected = true;
    return 0;
}

/* A connection that has failed is of no further use. */
static int kept(struct nv_fresh *fresh, int error)
{
    if (error && error != EINPROGRESS && error != EAGAIN)
        nv_fresh_close(fresh);
    return error;
}

int nv_fresh_begin(const struct nv_channel *channel, struct nv_fresh *fresh,
                   struct nv_header *header, int flags)
{
    const struct nv_flow_plan *plan = channel->plan;
    int type = datagrams(channel) ? SOCK_DGRAM : SOCK_STREAM;
    uint64_t start_ns = nv_clock_ns();
    fresh->fd = socket(plan->address.ss_family, type | SOCK_CLOEXEC | flags, 0);
    int error = note(fresh, NV_CALL_SOCKET, start_ns, fresh->fd);
    if (error)
        return error;
    fresh->opened_ns = start_ns;
    fresh->flow = header->flow - channel->first_flow;
    fresh->seq = header->seq;
    fresh->far = plan->address;
    fresh->connected = fresh->answered = false;
    fresh->waits = flags & SOCK_NONBLOCK;
    fresh->in_bytes = 0;
    error = set_options(channel, fresh, flags);
    fresh->begun_ns = nv_clock_ns();
    nv_header_stamp(header, fresh->begun_ns - channel->t0_ns);
    nv_io_set_rest(channel, &fresh->rest, header, 0);
    if (!error && (type == SOCK_STREAM || plan->spec->udp_connect))
        error = connect_to(channel, fresh);
    return kept(fresh, error ? error : send_all(channel, fresh));
}

int nv_fresh_go_on(const struct nv_channel *channel, struct nv_fresh *fresh)
{
    bool connecting = !fresh->connected && !datagrams(channel);
    int error = connecting ? finish_connecting(fresh) : 0;
    return kept(fresh, error ? error : send_all(channel, fresh));
}

void nv_fresh_count_open(const struct nv_channel *channel, unsigned connections)
{
    struct nv_io_counters *io = &channel->sockets[0].io;
    if (io->sockets_max < 1u + connections)
        io->sockets_max = 1u + connections;
}

int nv_fresh_accept(const struct nv_channel *channel, struct nv_fresh *fresh, int flags)
{
    uint64_t start_ns = nv_clock_ns();
    fresh->fd = accept4(channel->plan->listen_fd, NULL, NULL, SOCK_CLOEXEC | flags);
    int error = fresh->fd < 0 ? errno : 0;
    if (error == EAGAIN) /* it has been looked, not called for a connection that is there */
        return error;
    fresh->begun_ns = nv_clock_ns();
    nv_calls_record(fresh->calls, NV_CALL_ACCEPT, fresh->begun_ns - start_ns, error);
    if (error)
        return error;
    fresh->connected = true;
    fresh->answered = fresh->waits = false;
    fresh->in_bytes = 0;
    return kept(fresh, set_options(channel, fresh, flags));
}

int nv_fresh_answer(const struct nv_channel *channel, struct nv_fresh *fresh,
                    struct nv_header *header)
{
    nv_header_stamp(header, nv_clock_ns() - channel->t0_ns);
    nv_io_set_rest(channel, &fresh->rest, header, 0);
    int error = send_all(channel, fresh);
    fresh->answered = !error;
    return error;
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    struct sockaddr_storage host = *b;
    nv_address_set_port(&host, nv_address_port(a));
    return memcmp(a, &host, nv_address_len(a)) == 0;
}

static ssize_t receive_bytes(const struct nv_channel *channel, struct nv_fresh *fresh, int flags)
{
    uint8_t *to = fresh->in + fresh->in_bytes;
    size_t room_bytes = NV_FRESH_BYTES_MAX - fresh->in_bytes;
    if (fresh->connected)
        return recv(fresh->fd, to, room_bytes, flags);
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    memset(&from, 0, sizeof from);
    ssize_t n = recvfrom(fresh->fd, to, room_bytes, flags, (struct sockaddr *)&from, &len);
    /* Who has not shown the run's token is sent nothing. */
    if (n >= 0 && !same_host(&from, &channel->plan->address))
        return 0;
    fresh->far = from;
    return n;
}

/* Is it one of ours, and is it whole? */
static enum nv_fresh_got look_at(const struct nv_channel *channel, struct nv_fresh *fresh)
{
    struct nv_header header;
    if (fresh->in_bytes < NV_HEADER_BYTES)
        return NV_FRESH_MORE;
    if (nv_header_decode(&header, fresh->in) != NV_DECODE_OK ||
        header.run_tag != channel->plan->run_tag || header.len_bytes < fresh->in_bytes ||
        header.len_bytes > NV_FRESH_BYTES_MAX)
        return NV_FRESH_ENDED;
    if (header.len_bytes > fresh->in_bytes)
        return NV_FRESH_MORE;
    if (header.type == NV_MSG_REQUEST)
        nv_hist_add_signed(&fresh->calls->time[NV_CALL_ACCEPT_LAG],
                           (int64_t)(fresh->begun_ns - channel->t0_ns - header.t_snd_ns));
    return NV_FRESH_MESSAGE;
}

enum nv_fresh_got nv_fresh_receive(const struct nv_channel *channel, struct nv_fresh *fresh,
                                   int flags)
{
    struct nv_io_counters *io = &channel->sockets[fresh->flow].io;
    enum nv_call call = fresh->connected ? NV_CALL_RECV : NV_CALL_RECVFROM;
    uint64_t start_ns = nv_clock_ns();
    if (fresh->waits && fresh->sent_ns)
        nv_calls_record(fresh->calls, NV_CALL_WAITING, start_ns - fresh->sent_ns, 0);
    fresh->sent_ns = 0;
    ssize_t n = receive_bytes(channel, fresh, flags);
    int error = note(fresh, call, start_ns, n);
    if (error == EAGAIN || error == EINTR) {
        io->recv_empty++;
        return NV_FRESH_MORE;
    }
    if (error || (n == 0 && !datagrams(channel)))
        return NV_FRESH_ENDED;
    if (!fresh->connected)
        fresh->begun_ns = nv_clock_ns();
    if (fresh->opened_ns && n)
        nv_calls_record(fresh->calls, NV_CALL_FIRST_BYTE, nv_clock_ns() - fresh->opened_ns, 0);
    fresh->opened_ns = n ? 0 : fresh->opened_ns;
    fresh->in_bytes += (size_t)n;
    enum nv_fresh_got got = look_at(channel, fresh);
    if (got == NV_FRESH_MESSAGE || !datagrams(channel))
        return got;
    fresh->in_bytes = 0; /* of a stranger, or damaged: the next one may be ours */
    return NV_FRESH_MORE;
}

bool nv_fresh_deliver(const struct nv_channel *channel, struct nv_fresh *fresh,
                      const struct nv_sink *sink)
{
    const struct nv_received received = {.flow = fresh->flow,
                                         .data = fresh->in,
                                         .len_bytes = fresh->in_bytes,
                                         .segment_bytes = fresh->in_bytes};
    channel->sockets[fresh->flow].io.recv_calls++;
    fresh->in_bytes = 0;
    return sink->received(sink->context, &received);
}

void nv_fresh_close(struct nv_fresh *fresh)
{
    if (fresh->fd < 0)
        return;
    uint64_t start_ns = nv_clock_ns();
    (void)note(fresh, NV_CALL_CLOSE, start_ns, close(fresh->fd));
    fresh->fd = -1;
}

static int listen_anew(const struct nv_channel *channel, struct nv_error *err)
{
    const struct nv_flow_plan *plan = channel->plan;
    struct nv_fresh listening = {.fd = plan->listen_fd, .calls = channel->sockets[0].calls};
    if (channel->first_flow) /* the port is one, and the lanes may be several */
        return NV_OK;
    nv_calls_record(listening.calls, NV_CALL_SOCKET, plan->listening->socket_ns, 0);
    nv_calls_record(listening.calls, NV_CALL_BIND, plan->listening->bind_ns, 0);
    int error = 0;
    if (datagrams(channel)) { /* the one that serves all has its options, and waits for none */
        error = set_options(channel, &listening, SOCK_NONBLOCK);
        return error ? nv_fail_errno(err, NV_E_FAILED, error, "options of the data port") : NV_OK;
    }
    uint64_t start_ns = nv_clock_ns();
    error = note(&listening, NV_CALL_LISTEN, start_ns,
                 listen(plan->listen_fd, (int)plan->spec->backlog));
    return error ? nv_fail_errno(err, NV_E_FAILED, error, "listen on the data port") : NV_OK;
}

int nv_fresh_plan(struct nv_channel *channel, struct nv_flow_plan *plan, struct nv_error *err)
{
    bool server = channel->plan->listen_fd >= 0;
    *plan = *channel->plan;
    channel->plan = plan;
    socklen_t len = sizeof plan->address;
    memset(&plan->address, 0, server ? sizeof plan->address : 0);
    if (server && getpeername(channel->sockets[0].fd, (struct sockaddr *)&plan->address, &len))
        return nv_fail_errno(err, NV_E_PEER, errno, "getpeername");
    if (server)
        nv_fresh_count_open(channel, 0);
    return server ? listen_anew(channel, err) : NV_OK;
}
