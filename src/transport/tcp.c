/* SPDX-License-Identifier: MIT */
#include "transport/tcp.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "transport/socket.h"

/* A hello follows its connection at once; who is silent for longer must not keep others out. */
#define HELLO_WAIT_NS (300 * NV_NS_PER_MS)

static int send_hello(int fd, const struct nv_flow_plan *plan, unsigned flow, struct nv_error *err)
{
    uint8_t hello[NV_HEADER_BYTES];
    nv_hello_encode(plan, flow, NV_MSG_HELLO, hello);
    /* The first 40 bytes of a new connection always fit in its send buffer. */
    ssize_t n = send(fd, hello, sizeof hello, MSG_NOSIGNAL);
    if (n != (ssize_t)sizeof hello)
        return nv_fail_errno(err, NV_E_PEER, errno, "send of the hello");
    return NV_OK;
}

static int tcp_connect(const struct nv_flow_plan *plan, unsigned flow, struct nv_socket *out,
                       struct nv_error *err)
{
    char text[NV_ADDRESS_TEXT_BYTES];
    (void)nv_address_text(&plan->address, text);
    out->fd = nv_socket_open(plan->address.ss_family, SOCK_STREAM, plan->spec, err);
    if (out->fd < 0)
        return err->code;
    uint64_t start_ns = nv_clock_ns();
    int failed =
        connect(out->fd, (const struct sockaddr *)&plan->address, nv_address_len(&plan->address));
    if (failed && errno != EINPROGRESS)
        return nv_fail_errno(err, NV_E_PEER, errno, "connect %s/tcp (data)", text);
    if (nv_flow_plan_wait(plan, out->fd, POLLOUT, err) <= 0)
        return nv_fail(err, NV_E_PEER, "control works, no answer on %s/tcp: is the port open?",
                       text);
    int reason = 0;
    socklen_t len = sizeof reason;
    (void)getsockopt(out->fd, SOL_SOCKET, SO_ERROR, &reason, &len);
    if (reason)
        return nv_fail_errno(err, NV_E_PEER, reason, "connect %s/tcp (data)", text);
    out->io.connect_ns = nv_clock_ns() - start_ns;
    nv_socket_record(out);
    return send_hello(out->fd, plan, flow, err);
}

/* The flow of a new connection, from its hello; -1 when it never says one of this run. */
static int read_hello(int fd, const struct nv_flow_plan *plan)
{
    uint8_t hello[NV_HEADER_BYTES];
    size_t used = 0;
    uint64_t patience_ns = nv_clock_ns() + HELLO_WAIT_NS;
    while (used < sizeof hello) {
        if (nv_socket_wait(fd, POLLIN, patience_ns, NULL) <= 0)
            return -1;
        ssize_t n = recv(fd, hello + used, sizeof hello - used, 0);
        if (n <= 0)
            return -1;
        used += (size_t)n;
    }
    return nv_hello_flow(plan, NV_MSG_HELLO, hello);
}

static int tcp_accept(const struct nv_flow_plan *plan, struct nv_socket *sockets,
                      struct nv_error *err)
{
    int ready = nv_flow_plan_wait(plan, plan->listen_fd, POLLIN, err);
    if (ready <= 0)
        return ready;
    int fd = accept4(plan->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EAGAIN || errno == ECONNABORTED
                   ? 0
                   : nv_fail_errno(err, NV_E_FAILED, errno, "accept");
    int flow = read_hello(fd, plan);
    if (flow < 0 || sockets[flow].fd >= 0) {
        (void)close(fd); /* a stranger, or a leftover of an older run */
        return 0;
    }
    sockets[flow].fd = fd;
    if (nv_socket_apply(fd, plan->spec, err))
        return err->code;
    nv_socket_record(&sockets[flow]);
    return 1;
}

const struct nv_transport nv_tcp = {
    .name = "tcp",
    .help = "a byte stream: in order, nothing lost, no message boundaries",
    .caps = NV_CAP_RELIABLE | NV_CAP_ORDERED,
    .connect = tcp_connect,
    .accept = tcp_accept,
};
