/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_LOOPBACK_TEST_H
#define NV_TRANSPORT_LOOPBACK_TEST_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "transport/driver.h"
#include "transport/socket.h"

/* For tests of transports and engines: both ends of some flows in one process, over real sockets.
 */

#define NV_LOOPBACK_FLOWS 3u

struct nv_loopback {
    const struct nv_driver *driver;
    struct nv_spec spec;
    struct nv_flow_plan server_plan, client_plan;
    struct nv_socket servers[NV_LOOPBACK_FLOWS], clients[NV_LOOPBACK_FLOWS];
    int accepted; /* what accept and connect returned */
    int connected;
    struct nv_error accept_err, connect_err;
    pthread_t thread;
};

static inline bool nv_loopback_datagrams(const struct nv_loopback *loopback)
{
    return loopback->driver->transport->caps & NV_CAP_DATAGRAMS;
}

static inline bool nv_loopback_reliable(const struct nv_loopback *loopback)
{
    return loopback->driver->transport->caps & NV_CAP_RELIABLE;
}

static inline struct sockaddr_storage nv_loopback_address(int family)
{
    struct sockaddr_storage address;
    memset(&address, 0, sizeof address);
    address.ss_family = (sa_family_t)family;
    if (family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)&address)->sin6_addr = in6addr_loopback;
    else
        ((struct sockaddr_in *)(void *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* A server listening on a free port, and plans for both ends. false: no such family here. */
static inline bool nv_loopback_listen(struct nv_loopback *loopback, const struct nv_driver *driver,
                                      int family)
{
    struct nv_error err = {0};
    struct sockaddr_storage address = nv_loopback_address(family);
    socklen_t len = sizeof address;
    memset(loopback, 0, sizeof *loopback);
    loopback->driver = driver;
    nv_options_reset(nv_spec_options, &loopback->spec);
    for (unsigned i = 0; i < NV_LOOPBACK_FLOWS; i++)
        loopback->servers[i].fd = loopback->clients[i].fd = -1;
    int type = driver->transport->caps & NV_CAP_DATAGRAMS ? SOCK_DGRAM : SOCK_STREAM;
    int fd = nv_socket_listen(type, &address, NULL, &err);
    if (fd < 0 && family == AF_INET6)
        return false;
    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    loopback->server_plan = (struct nv_flow_plan){.spec = &loopback->spec,
                                                  .run_tag = 0xabcd,
                                                  .token = 0x1122334455667788u,
                                                  .address = address,
                                                  .listen_fd = fd,
                                                  .deadline_ns = nv_clock_ns() + 10 * NV_NS_PER_S};
    loopback->client_plan = loopback->server_plan;
    loopback->client_plan.listen_fd = -1;
    return true;
}

static inline void *nv_loopback_accept_thread(void *argument)
{
    struct nv_loopback *loopback = argument;
    loopback->accepted = nv_flows_accept(loopback->driver->transport, &loopback->server_plan,
                                         loopback->servers, &loopback->accept_err);
    return NULL;
}

/* Opens spec.flows flows, the server in a thread of its own; returns when both ends have. */
static inline void nv_loopback_open(struct nv_loopback *loopback)
{
    assert_int_equal(pthread_create(&loopback->thread, NULL, nv_loopback_accept_thread, loopback),
                     0);
    loopback->connected = nv_flows_connect(loopback->driver->transport, &loopback->client_plan,
                                           loopback->clients, &loopback->connect_err);
    assert_int_equal(pthread_join(loopback->thread, NULL), 0);
}

static inline void nv_loopback_close(struct nv_loopback *loopback)
{
    nv_sockets_close(loopback->servers, NV_LOOPBACK_FLOWS);
    nv_sockets_close(loopback->clients, NV_LOOPBACK_FLOWS);
    if (loopback->server_plan.listen_fd >= 0)
        (void)close(loopback->server_plan.listen_fd);
    loopback->server_plan.listen_fd = -1;
}

#endif
