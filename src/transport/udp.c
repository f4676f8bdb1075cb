/* SPDX-License-Identifier: MIT */
#include "transport/udp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "transport/socket.h"

/* Opening a flow, which may lose datagrams as anything may: the client says hello until it is
 * answered; the server answers every hello, so a lost answer is asked for again. The server sends
 * nothing to an address that has not shown the token. */

#define HELLO_RETRY_NS (50 * NV_NS_PER_MS)
#define SETTLE_NS (10 * NV_NS_PER_MS)

static int wait_for_answer(int fd, const struct nv_flow_plan *plan, unsigned flow)
{
    uint64_t retry_ns = nv_clock_ns() + HELLO_RETRY_NS;
    if (retry_ns > plan->deadline_ns)
        retry_ns = plan->deadline_ns;
    while (nv_socket_wait(fd, POLLIN, retry_ns, NULL) > 0) {
        uint8_t answer[NV_HEADER_BYTES];
        ssize_t n = recv(fd, answer, sizeof answer, 0);
        if (n == (ssize_t)sizeof answer &&
            nv_hello_flow(plan, NV_MSG_HELLO_ACK, answer) == (int)flow)
            return 1;
        if (n < 0 && errno == ECONNREFUSED) {
            nv_clock_sleep_until(retry_ns);
            return 0;
        }
    }
    return 0;
}

static int udp_connect(const struct nv_flow_plan *plan, unsigned flow, struct nv_socket *out,
                       struct nv_error *err)
{
    char text[NV_ADDRESS_TEXT_BYTES];
    (void)nv_address_text(&plan->address, text);
    out->fd = nv_socket_open(plan->address.ss_family, SOCK_DGRAM, plan->spec, err);
    if (out->fd < 0)
        return err->code;
    if (connect(out->fd, (const struct sockaddr *)&plan->address, nv_address_len(&plan->address)))
        return nv_fail_errno(err, NV_E_PEER, errno, "connect %s/udp (data)", text);
    uint8_t hello[NV_HEADER_BYTES];
    nv_hello_encode(plan, flow, NV_MSG_HELLO, hello);
    while (!nv_flow_plan_over(plan)) {
        uint64_t start_ns = nv_clock_ns();
        (void)send(out->fd, hello, sizeof hello, 0);
        if (wait_for_answer(out->fd, plan, flow)) {
            out->io.connect_ns = nv_clock_ns() - start_ns;
            nv_socket_record(out);
            return NV_OK;
        }
    }
    return nv_fail(err, NV_E_PEER, "control works, no answer on %s/udp: is the port open?", text);
}

/* A socket of the flow's own on the shared port, connected to the client: the kernel then hands
 * this client's datagrams to it alone. */
static int open_towards(const struct nv_flow_plan *plan, const struct sockaddr_storage *client,
                        struct nv_error *err)
{
    struct sockaddr_storage local = {0};
    socklen_t len = sizeof local;
    if (getsockname(plan->listen_fd, (struct sockaddr *)&local, &len))
        return nv_fail_errno(err, NV_E_FAILED, errno, "getsockname");
    int fd = nv_socket_open(local.ss_family, SOCK_DGRAM, plan->spec, err);
    if (fd < 0)
        return err->code;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    char text[NV_ADDRESS_TEXT_BYTES];
    if (bind(fd, (const struct sockaddr *)&local, len))
        (void)nv_fail_errno(err, NV_E_FAILED, errno, "bind %s/udp", nv_address_text(&local, text));
    else if (connect(fd, (const struct sockaddr *)client, nv_address_len(client)))
        (void)nv_fail_errno(err, NV_E_FAILED, errno, "connect %s/udp",
                            nv_address_text(client, text));
    else
        return fd;
    (void)close(fd);
    return err->code;
}

static int answer(const struct nv_flow_plan *plan, unsigned flow, int fd)
{
    uint8_t out[NV_HEADER_BYTES];
    nv_hello_encode(plan, flow, NV_MSG_HELLO_ACK, out);
    (void)send(fd, out, sizeof out, 0);
    return NV_OK;
}

/* Our answer was lost: the client's next hello comes in on the flow's own socket. */
static void udp_settle(const struct nv_flow_plan *plan, struct nv_socket *sockets)
{
    for (unsigned i = 0; i < plan->spec->flows; i++) {
        uint8_t hello[NV_HEADER_BYTES];
        if (sockets[i].fd < 0)
            continue;
        ssize_t n = recv(sockets[i].fd, hello, sizeof hello, MSG_TRUNC);
        if (n == (ssize_t)sizeof hello && nv_hello_flow(plan, NV_MSG_HELLO, hello) == (int)i)
            (void)answer(plan, i, sockets[i].fd);
    }
}

static int udp_accept(const struct nv_flow_plan *plan, struct nv_socket *sockets,
                      struct nv_error *err)
{
    int ready = nv_socket_wait(plan->listen_fd, POLLIN, nv_clock_ns() + SETTLE_NS, err);
    udp_settle(plan, sockets);
    if (ready <= 0)
        return ready;
    uint8_t hello[NV_HEADER_BYTES];
    struct sockaddr_storage client;
    memset(&client, 0, sizeof client);
    socklen_t len = sizeof client;
    ssize_t n =
        recvfrom(plan->listen_fd, hello, sizeof hello, MSG_TRUNC, (struct sockaddr *)&client, &len);
    if (n != (ssize_t)sizeof hello)
        return 0;
    int flow = nv_hello_flow(plan, NV_MSG_HELLO, hello);
    if (flow < 0)
        return 0;
    bool fresh = sockets[flow].fd < 0;
    if (fresh) {
        int fd = open_towards(plan, &client, err);
        if (fd < 0)
            return fd;
        sockets[flow].fd = fd;
        nv_socket_record(&sockets[flow]);
    }
    (void)answer(plan, (unsigned)flow, sockets[flow].fd);
    return fresh;
}

const struct nv_transport nv_udp = {
    .name = "udp",
    .help = "datagrams: boundaries kept; loss, order and duplicates are yours",
    .caps = NV_CAP_DATAGRAMS,
    .connect = udp_connect,
    .accept = udp_accept,
    .settle = udp_settle,
};
