/* SPDX-License-Identifier: MIT */
/* ctest: tsan */
#include "transport/loopback_test.h"

#include <poll.h>

/* How flows come to be, on every driver there is and both families: who answers, who is turned
 * away, and how soon. */

#define MS NV_NS_PER_MS

typedef void check(struct nv_loopback *loopback);

static void on_every_driver(check *run)
{
    static const int families[] = {AF_INET, AF_INET6};
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        for (unsigned i = 0; i < 2; i++) {
            struct nv_loopback loopback;
            if (!nv_loopback_listen(&loopback, d, families[i]))
                continue;
            run(&loopback);
            nv_loopback_close(&loopback);
        }
    }
}

static void registry_is_complete(void **state)
{
    (void)state;
    struct nv_error err = {0};
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        const struct nv_engine *engine = d->engine;
        assert_true(d->transport->name && d->transport->help && d->transport->connect);
        assert_non_null(d->transport->accept);
        assert_true(engine->name && engine->help && engine->state_size && engine->open);
        assert_true(engine->send && engine->poll && engine->close);
        assert_ptr_equal(nv_driver_find(d->transport->name, engine->name, &err), d);
    }
    assert_null(nv_driver_find("tcp", "steam", &err));
    assert_int_equal(err.code, NV_E_USAGE);
    assert_non_null(strstr(err.message, "tcp/steam"));
    assert_non_null(strstr(err.message, "udp/poll"));
}

/* Flow i at i on both ends, whatever the number of flows. */
static void check_flows(struct nv_loopback *loopback)
{
    loopback->spec.flows = NV_LOOPBACK_FLOWS;
    nv_loopback_open(loopback);
    assert_int_equal(loopback->connected, NV_OK);
    assert_int_equal(loopback->accepted, NV_OK);
    for (unsigned i = 0; i < NV_LOOPBACK_FLOWS; i++) {
        struct sockaddr_storage client;
        struct sockaddr_storage peer;
        socklen_t len = sizeof client;
        assert_int_equal(getsockname(loopback->clients[i].fd, (void *)&client, &len), 0);
        len = sizeof peer;
        assert_int_equal(getpeername(loopback->servers[i].fd, (void *)&peer, &len), 0);
        assert_int_equal(nv_address_port(&client), nv_address_port(&peer));
        assert_true(loopback->clients[i].io.connect_ns > 0);
        assert_true(loopback->clients[i].io.sndbuf_bytes > 0);
        assert_true(loopback->servers[i].io.rcvbuf_bytes > 0);
    }
}

static void flows_stand_in_their_places(void **state)
{
    (void)state;
    on_every_driver(check_flows);
}

/* Nobody listens: a port that was free a moment ago. */
static void check_refused(struct nv_loopback *loopback)
{
    char text[NV_ADDRESS_TEXT_BYTES];
    (void)nv_address_text(&loopback->client_plan.address, text);
    (void)close(loopback->server_plan.listen_fd);
    loopback->server_plan.listen_fd = -1;
    uint64_t start_ns = nv_clock_ns();
    loopback->client_plan.deadline_ns = start_ns + 150 * MS;
    loopback->connected = nv_flows_connect(loopback->driver->transport, &loopback->client_plan,
                                           loopback->clients, &loopback->connect_err);
    assert_int_equal(loopback->connected, NV_E_PEER);
    assert_int_equal(loopback->connect_err.code, NV_E_PEER);
    assert_non_null(strstr(loopback->connect_err.message, text));
    assert_in_range(nv_clock_ns() - start_ns, 0, 1150 * MS);
    for (unsigned i = 0; i < NV_LOOPBACK_FLOWS; i++)
        assert_int_equal(loopback->clients[i].fd, -1);
}

static void a_refusal_names_the_address(void **state)
{
    (void)state;
    on_every_driver(check_refused);
}

/* Being refused for a while costs next to no processor time: the client waits, it does not spin. */
static void check_waits(struct nv_loopback *loopback)
{
    uint64_t cpu_ns = nv_clock_thread_cpu_ns();
    check_refused(loopback);
    assert_in_range(nv_clock_thread_cpu_ns() - cpu_ns, 0, 75 * MS);
}

static void asking_again_does_not_spin(void **state)
{
    (void)state;
    on_every_driver(check_waits);
}

/* No client comes: the server gives up at its deadline. */
static void check_alone(struct nv_loopback *loopback)
{
    uint64_t start_ns = nv_clock_ns();
    loopback->server_plan.deadline_ns = start_ns + 60 * MS;
    assert_int_equal(nv_flows_accept(loopback->driver->transport, &loopback->server_plan,
                                     loopback->servers, &loopback->accept_err),
                     NV_E_PEER);
    assert_in_range(nv_clock_ns() - start_ns, 60 * MS, 1060 * MS);
    assert_int_equal(loopback->servers[0].fd, -1);
}

static void a_server_gives_up_by_its_deadline(void **state)
{
    (void)state;
    on_every_driver(check_alone);
}

static int stranger(const struct nv_loopback *loopback)
{
    const struct sockaddr_storage *address = &loopback->client_plan.address;
    int fd =
        socket(address->ss_family, nv_loopback_datagrams(loopback) ? SOCK_DGRAM : SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const void *)address, nv_address_len(address)), 0);
    return fd;
}

enum { STRANGERS = 6 };

/* Says something that is nearly the hello that the server waits for. */
static int send_strange(const struct nv_loopback *loopback, unsigned kind)
{
    struct nv_flow_plan plan = loopback->client_plan;
    uint8_t hello[NV_HEADER_BYTES];
    size_t len_bytes = sizeof hello;
    unsigned flow = 0;
    uint8_t type = NV_MSG_HELLO;
    plan.token += kind == 0;
    plan.run_tag += kind == 1;
    flow += kind == 2; /* spec.flows is 1 */
    type = kind == 3 ? NV_MSG_DATA : type;
    nv_hello_encode(&plan, flow, type, hello);
    if (kind == 4)
        memset(hello, 'G', sizeof hello);
    if (kind == 5)
        len_bytes = 10;
    int fd = stranger(loopback);
    assert_int_equal(send(fd, hello, len_bytes, 0), len_bytes);
    if (!nv_loopback_datagrams(loopback))
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
    return fd;
}

static void check_strangers(struct nv_loopback *loopback)
{
    int fds[STRANGERS];
    for (unsigned i = 0; i < STRANGERS; i++)
        fds[i] = send_strange(loopback, i);
    nv_loopback_open(loopback);
    assert_int_equal(loopback->connected, NV_OK);
    assert_int_equal(loopback->accepted, NV_OK);
    struct nv_socket *client = &loopback->clients[0];
    assert_int_equal(send(client->fd, "mine", 4, 0), 4);
    assert_int_equal(
        nv_socket_wait(loopback->servers[0].fd, POLLIN, nv_clock_ns() + 1000 * MS, NULL), 1);
    char got[8];
    assert_int_equal(recv(loopback->servers[0].fd, got, sizeof got, 0), 4);
    for (unsigned i = 0; i < STRANGERS; i++) {
        /* Nothing is ever sent to whoever has not shown the token. */
        assert_true(recv(fds[i], got, sizeof got, MSG_DONTWAIT) <= 0);
        (void)close(fds[i]);
    }
}

static void strangers_are_ignored(void **state)
{
    (void)state;
    on_every_driver(check_strangers);
}

/* One who connects and says nothing must not keep the client out. */
static void check_silent(struct nv_loopback *loopback)
{
    int fd = stranger(loopback);
    loopback->server_plan.deadline_ns = nv_clock_ns() + 1000 * MS;
    nv_loopback_open(loopback);
    (void)close(fd);
    assert_int_equal(loopback->accepted, NV_OK);
}

static void a_silent_stranger_keeps_nobody_out(void **state)
{
    (void)state;
    on_every_driver(check_silent);
}

/* A client with another token gets no flow: it learns by its deadline, or when it is cut off. */
static void check_token(struct nv_loopback *loopback)
{
    loopback->client_plan.token ^= 1;
    loopback->client_plan.deadline_ns = nv_clock_ns() + 120 * MS;
    loopback->server_plan.deadline_ns = nv_clock_ns() + 200 * MS;
    nv_loopback_open(loopback);
    assert_int_equal(loopback->accepted, NV_E_PEER);
    assert_int_equal(loopback->servers[0].fd, -1);
    if (nv_loopback_datagrams(loopback))
        assert_int_equal(loopback->connected, NV_E_PEER);
}

static void a_wrong_token_opens_nothing(void **state)
{
    (void)state;
    on_every_driver(check_token);
}

/* The answer to a hello was lost: the client says it again, now to the flow's own socket. */
static void check_asked_again(struct nv_loopback *loopback)
{
    uint8_t hello[NV_HEADER_BYTES];
    nv_loopback_open(loopback);
    assert_int_equal(loopback->connected, NV_OK);
    if (!loopback->driver->transport->settle)
        return;
    nv_hello_encode(&loopback->client_plan, 0, NV_MSG_HELLO, hello);
    assert_int_equal(send(loopback->clients[0].fd, hello, sizeof hello, 0), sizeof hello);
    assert_int_equal(
        nv_socket_wait(loopback->servers[0].fd, POLLIN, nv_clock_ns() + 1000 * MS, NULL), 1);
    loopback->driver->transport->settle(&loopback->server_plan, loopback->servers);
    assert_int_equal(
        nv_socket_wait(loopback->clients[0].fd, POLLIN, nv_clock_ns() + 1000 * MS, NULL), 1);
    assert_int_equal(recv(loopback->clients[0].fd, hello, sizeof hello, 0), sizeof hello);
    assert_int_equal(nv_hello_flow(&loopback->client_plan, NV_MSG_HELLO_ACK, hello), 0);
}

static void a_hello_said_again_is_answered_again(void **state)
{
    (void)state;
    on_every_driver(check_asked_again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registry_is_complete),
        cmocka_unit_test(flows_stand_in_their_places),
        cmocka_unit_test(a_refusal_names_the_address),
        cmocka_unit_test(asking_again_does_not_spin),
        cmocka_unit_test(a_server_gives_up_by_its_deadline),
        cmocka_unit_test(strangers_are_ignored),
        cmocka_unit_test(a_silent_stranger_keeps_nobody_out),
        cmocka_unit_test(a_wrong_token_opens_nothing),
        cmocka_unit_test(a_hello_said_again_is_answered_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
