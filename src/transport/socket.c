/* SPDX-License-Identifier: MIT */
#include "transport/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LISTEN_BACKLOG 4096
#define BUSY_POLL_US 50
#define LOOK_UP_NS (20 * NV_NS_PER_MS)

static const struct sockaddr_in *as_v4(const struct sockaddr_storage *address)
{
    return (const struct sockaddr_in *)(const void *)address;
}

static const struct sockaddr_in6 *as_v6(const struct sockaddr_storage *address)
{
    return (const struct sockaddr_in6 *)(const void *)address;
}

char *nv_address_text(const struct sockaddr_storage *address, char out[NV_ADDRESS_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool v6 = address->ss_family == AF_INET6;
    (void)inet_ntop(address->ss_family,
                    v6 ? (const void *)&as_v6(address)->sin6_addr
                       : (const void *)&as_v4(address)->sin_addr,
                    host, sizeof host);
    (void)snprintf(out, NV_ADDRESS_TEXT_BYTES, v6 ? "[%s]:%u" : "%s:%u", host,
                   nv_address_port(address));
    return out;
}

socklen_t nv_address_len(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

uint16_t nv_address_port(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? as_v6(address)->sin6_port
                                                : as_v4(address)->sin_port);
}

void nv_address_set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)(void *)address)->sin_port = htons(port);
}

static const char *type_name(int type)
{
    return type == SOCK_STREAM ? "tcp" : "udp";
}

static int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

int nv_socket_listen(int type, const struct sockaddr_storage *address, struct nv_listening *took,
                     struct nv_error *err)
{
    char text[NV_ADDRESS_TEXT_BYTES];
    (void)nv_address_text(address, text);
    uint64_t start_ns = nv_clock_ns();
    int fd = socket(address->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    uint64_t made_ns = nv_clock_ns();
    if (fd < 0) {
        (void)nv_fail_errno(err, NV_E_FAILED, errno, "socket %s %s", text, type_name(type));
        return -1;
    }
    /* UDP: each flow later binds its own socket to this port, so the port must be shareable. */
    (void)set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->ss_family == AF_INET6)
        (void)set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    uint64_t bind_ns = nv_clock_ns();
    if (bind(fd, (const struct sockaddr *)address, nv_address_len(address))) {
        (void)nv_fail_errno(err, NV_E_FAILED, errno, "bind %s/%s", text, type_name(type));
        goto failed;
    }
    if (took)
        *took = (struct nv_listening){.socket_ns = made_ns - start_ns,
                                      .bind_ns = nv_clock_ns() - bind_ns};
    if (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG)) {
        (void)nv_fail_errno(err, NV_E_FAILED, errno, "listen %s/%s", text, type_name(type));
        goto failed;
    }
    return fd;
failed:
    (void)close(fd);
    return -1;
}

static void add_option(struct nv_socket_option *out, unsigned *count,
                       struct nv_socket_option option)
{
    NV_ASSERT(*count < NV_SOCKET_OPTIONS_MAX);
    out[(*count)++] = option;
}

unsigned nv_socket_options(const struct nv_spec *spec, int family, int type,
                           struct nv_socket_option out[NV_SOCKET_OPTIONS_MAX])
{
    bool v6 = family == AF_INET6;
    unsigned count = 0;
    if (spec->sndbuf_bytes)
        add_option(out, &count,
                   (struct nv_socket_option){SOL_SOCKET, SO_SNDBUF, (int)spec->sndbuf_bytes, NULL,
                                             "SO_SNDBUF"});
    if (spec->rcvbuf_bytes)
        add_option(out, &count,
                   (struct nv_socket_option){SOL_SOCKET, SO_RCVBUF, (int)spec->rcvbuf_bytes, NULL,
                                             "SO_RCVBUF"});
    if (spec->wait == NV_WAIT_BUSY_POLL)
        add_option(out, &count,
                   (struct nv_socket_option){
                       SOL_SOCKET, SO_BUSY_POLL, BUSY_POLL_US, NULL,
                       "SO_BUSY_POLL (as root, or let net.core.busy_read be as much)"});
    if (spec->dscp)
        add_option(out, &count,
                   (struct nv_socket_option){v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                             v6 ? IPV6_TCLASS : IP_TOS, (int)(spec->dscp << 2),
                                             NULL, v6 ? "IPV6_TCLASS" : "IP_TOS"});
    if (type == SOCK_STREAM)
        add_option(out, &count,
                   (struct nv_socket_option){IPPROTO_TCP, TCP_NODELAY, spec->nodelay, NULL,
                                             "TCP_NODELAY"});
    if (type == SOCK_STREAM && spec->cc[0])
        add_option(
            out, &count,
            (struct nv_socket_option){IPPROTO_TCP, TCP_CONGESTION, 0, spec->cc, "TCP_CONGESTION"});
    /* Without it a datagram that the local queue drops is reported as sent. */
    if (type == SOCK_DGRAM)
        add_option(out, &count,
                   (struct nv_socket_option){v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                             v6 ? IPV6_RECVERR : IP_RECVERR, 1, NULL,
                                             v6 ? "IPV6_RECVERR" : "IP_RECVERR"});
    return count;
}

int nv_socket_set_option(int fd, const struct nv_socket_option *option)
{
    if (option->text)
        return setsockopt(fd, option->level, option->name, option->text,
                          (socklen_t)strlen(option->text));
    return set_int(fd, option->level, option->name, option->number);
}

int nv_socket_apply(int fd, const struct nv_spec *spec, struct nv_error *err)
{
    int type = 0;
    int family = 0;
    socklen_t len = sizeof type;
    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    len = sizeof family;
    (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
    struct nv_socket_option options[NV_SOCKET_OPTIONS_MAX];
    unsigned count = nv_socket_options(spec, family, type, options);
    for (unsigned i = 0; i < count; i++) {
        const struct nv_socket_option *option = &options[i];
        if (nv_socket_set_option(fd, option))
            return option->text
                       ? nv_fail_errno(err, NV_E_USAGE, errno, "cc: setsockopt %s '%.40s'",
                                       option->what, option->text)
                       : nv_fail_errno(err, NV_E_FAILED, errno, "setsockopt %s", option->what);
    }
    return NV_OK;
}

int nv_socket_open(int family, int type, const struct nv_spec *spec, struct nv_error *err)
{
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        (void)nv_fail_errno(err, NV_E_FAILED, errno, "socket %s", type_name(type));
        return -1;
    }
    if (nv_socket_apply(fd, spec, err)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static uint64_t get_int(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, level, name, &value, &len) || value < 0 ? 0 : (uint64_t)value;
}

void nv_socket_record(struct nv_socket *socket)
{
    socket->io.sndbuf_bytes = get_int(socket->fd, SOL_SOCKET, SO_SNDBUF);
    socket->io.rcvbuf_bytes = get_int(socket->fd, SOL_SOCKET, SO_RCVBUF);
    bool v6 = get_int(socket->fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6;
    socket->io.mtu_bytes =
        v6 ? get_int(socket->fd, IPPROTO_IPV6, IPV6_MTU) : get_int(socket->fd, IPPROTO_IP, IP_MTU);
}

int nv_socket_wait(int fd, short events, uint64_t deadline_ns, struct nv_error *err)
{
    for (;;) {
        uint64_t now_ns = nv_clock_ns();
        if (now_ns >= deadline_ns)
            return 0;
        uint64_t left_ns = deadline_ns - now_ns;
        struct timespec timeout = {.tv_sec = (time_t)(left_ns / NV_NS_PER_S),
                                   .tv_nsec = (long)(left_ns % NV_NS_PER_S)};
        struct pollfd ready = {.fd = fd, .events = events};
        int n = ppoll(&ready, 1, &timeout, NULL);
        if (n > 0)
            return ready.revents;
        if (n < 0 && errno != EINTR)
            return nv_fail_errno(err, NV_E_FAILED, errno, "ppoll");
    }
}

bool nv_flow_plan_over(const struct nv_flow_plan *plan)
{
    return nv_clock_ns() >= plan->deadline_ns || (plan->stop && atomic_load(plan->stop));
}

int nv_flow_plan_wait(const struct nv_flow_plan *plan, int fd, short events, struct nv_error *err)
{
    int ready = 0;
    while (ready == 0 && !nv_flow_plan_over(plan)) {
        uint64_t look_up_ns = nv_clock_ns() + LOOK_UP_NS;
        ready = nv_socket_wait(
            fd, events, look_up_ns < plan->deadline_ns ? look_up_ns : plan->deadline_ns, err);
    }
    return ready;
}

void nv_hello_encode(const struct nv_flow_plan *plan, unsigned flow, uint8_t type,
                     uint8_t out[NV_HEADER_BYTES])
{
    struct nv_header hello = {.type = type,
                              .flow = (uint16_t)flow,
                              .len_bytes = NV_HEADER_BYTES,
                              .run_tag = plan->run_tag,
                              .seq = plan->token};
    nv_header_encode(&hello, out);
}

int nv_hello_flow(const struct nv_flow_plan *plan, uint8_t type, const uint8_t in[NV_HEADER_BYTES])
{
    struct nv_header hello;
    if (nv_header_decode(&hello, in) != NV_DECODE_OK || hello.type != type ||
        hello.run_tag != plan->run_tag || hello.seq != plan->token ||
        hello.flow >= plan->spec->flows)
        return -1;
    return hello.flow;
}

int nv_flows_connect(const struct nv_transport *transport, const struct nv_flow_plan *plan,
                     struct nv_socket *sockets, struct nv_error *err)
{
    for (unsigned i = 0; i < plan->spec->flows; i++) {
        if (transport->connect(plan, i, &sockets[i], err)) {
            nv_sockets_close(sockets, i + 1);
            return err->code;
        }
    }
    return NV_OK;
}

int nv_flows_accept(const struct nv_transport *transport, const struct nv_flow_plan *plan,
                    struct nv_socket *sockets, struct nv_error *err)
{
    unsigned count = 0;
    while (count < plan->spec->flows) {
        int taken = nv_flow_plan_over(plan)
                        ? nv_fail(err, NV_E_PEER, "the client opened no data flow (%s): %u of %u",
                                  transport->name, count, (unsigned)plan->spec->flows)
                        : transport->accept(plan, sockets, err);
        if (taken < 0) {
            nv_sockets_close(sockets, (unsigned)plan->spec->flows);
            return taken;
        }
        count += (unsigned)taken;
    }
    return NV_OK;
}

void nv_sockets_close(struct nv_socket *sockets, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (sockets[i].fd >= 0)
            (void)close(sockets[i].fd);
        sockets[i].fd = -1;
    }
}
