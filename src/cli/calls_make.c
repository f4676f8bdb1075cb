/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/calls.h"
#include "transport/socket.h"

/* How each call is made, and how it is written. */

#define RECEIVE_BYTES 512
#define RECEIVE_TIMEOUT_MS 100

struct named {
    int value;
    const char *name;
};

/* Each ends with a NULL name. */
static const struct named families[] = {
    {AF_UNSPEC, "AF_UNSPEC"}, {AF_INET, "AF_INET"}, {AF_INET6, "AF_INET6"}, {0, NULL}};
static const struct named types[] = {
    {SOCK_STREAM, "SOCK_STREAM"}, {SOCK_DGRAM, "SOCK_DGRAM"}, {0, NULL}};
static const struct named protocols[] = {
    {0, "0"}, {IPPROTO_TCP, "IPPROTO_TCP"}, {IPPROTO_UDP, "IPPROTO_UDP"}, {0, NULL}};

static const char *name_of(const struct named *table, int value)
{
    while (table->name && table->value != value)
        table++;
    return table->name ? table->name : "?";
}

static const struct sockaddr *address_of(const struct nv_exchange *exchange,
                                         const struct nv_step *step)
{
    return (const struct sockaddr *)&exchange->address[step->at];
}

static socklen_t address_bytes(const struct nv_exchange *exchange, const struct nv_step *step)
{
    return nv_address_len(&exchange->address[step->at]);
}

static int fd_of(const struct nv_exchange *exchange, const struct nv_step *step)
{
    return exchange->fd[step->on];
}

static long note_socket(struct nv_exchange *exchange, enum nv_calls_socket which, int fd)
{
    exchange->fd[which] = fd;
    exchange->is_open[which] = fd >= 0;
    return fd;
}

/* The kernel's answer is kept where the script wants it. */
static void note_address(struct nv_exchange *exchange, const struct nv_step *step,
                         const struct sockaddr_storage *filled)
{
    if (step->at != NV_AT_NONE)
        exchange->address[step->at] = *filled;
}

/* ---- making a socket, and ending it ---- */

static void say_fd(struct nv_text *text, const struct nv_exchange *exchange,
                   const struct nv_step *step)
{
    nv_say(text, "%d", fd_of(exchange, step));
}

static void say_socket(struct nv_text *text, const struct nv_exchange *exchange,
                       const struct nv_step *step)
{
    nv_say(text, "%s, %s, %s", name_of(families, address_of(exchange, step)->sa_family),
           name_of(types, exchange->type), name_of(protocols, step->value));
}

static long make_socket(struct nv_exchange *exchange, const struct nv_step *step,
                        struct sockaddr_storage *filled)
{
    (void)filled;
    return note_socket(exchange, step->on,
                       socket(address_of(exchange, step)->sa_family, exchange->type, step->value));
}

/* The number is kept: it is what a program that closes twice does. */
static long make_close(struct nv_exchange *exchange, const struct nv_step *step,
                       struct sockaddr_storage *filled)
{
    (void)filled;
    exchange->is_open[step->on] = false;
    return close(fd_of(exchange, step));
}

/* ---- addresses ---- */

static void say_address(struct nv_text *text, const struct nv_exchange *exchange,
                        const struct nv_step *step)
{
    char address[NV_ADDRESS_TEXT_BYTES];
    nv_say(text, "%d, %s", fd_of(exchange, step),
           nv_address_text(&exchange->address[step->at], address));
}

static long make_bind(struct nv_exchange *exchange, const struct nv_step *step,
                      struct sockaddr_storage *filled)
{
    (void)filled;
    return bind(fd_of(exchange, step), address_of(exchange, step), address_bytes(exchange, step));
}

static long make_connect(struct nv_exchange *exchange, const struct nv_step *step,
                         struct sockaddr_storage *filled)
{
    (void)filled;
    return connect(fd_of(exchange, step), address_of(exchange, step),
                   address_bytes(exchange, step));
}

static long make_getsockname(struct nv_exchange *exchange, const struct nv_step *step,
                             struct sockaddr_storage *filled)
{
    socklen_t len = sizeof *filled;
    long result = getsockname(fd_of(exchange, step), (struct sockaddr *)filled, &len);
    if (result == 0)
        note_address(exchange, step, filled);
    return result;
}

/* ---- connections ---- */

static void say_listen(struct nv_text *text, const struct nv_exchange *exchange,
                       const struct nv_step *step)
{
    nv_say(text, "%d, %d", fd_of(exchange, step), step->value);
}

static long make_listen(struct nv_exchange *exchange, const struct nv_step *step,
                        struct sockaddr_storage *filled)
{
    (void)filled;
    return listen(fd_of(exchange, step), step->value);
}

static long make_accept(struct nv_exchange *exchange, const struct nv_step *step,
                        struct sockaddr_storage *filled)
{
    socklen_t len = sizeof *filled;
    int fd = accept(fd_of(exchange, step), (struct sockaddr *)filled, &len);
    return fd < 0 ? fd : note_socket(exchange, step->makes, fd);
}

/* ---- messages ---- */

static int send_flags(const struct nv_exchange *exchange)
{
    return exchange->type == SOCK_STREAM ? MSG_NOSIGNAL : 0;
}

static void say_send(struct nv_text *text, const struct nv_exchange *exchange,
                     const struct nv_step *step)
{
    nv_say(text, "%d, message, %d, %s", fd_of(exchange, step), step->value,
           send_flags(exchange) ? "MSG_NOSIGNAL" : "0");
}

static long make_send(struct nv_exchange *exchange, const struct nv_step *step,
                      struct sockaddr_storage *filled)
{
    (void)filled;
    return send(fd_of(exchange, step), exchange->message, (size_t)step->value,
                send_flags(exchange));
}

static void say_recv(struct nv_text *text, const struct nv_exchange *exchange,
                     const struct nv_step *step)
{
    nv_say(text, "%d, buffer, %d, 0", fd_of(exchange, step), RECEIVE_BYTES);
}

static long make_recv(struct nv_exchange *exchange, const struct nv_step *step,
                      struct sockaddr_storage *filled)
{
    char buffer[RECEIVE_BYTES];
    (void)filled;
    return recv(fd_of(exchange, step), buffer, sizeof buffer, 0);
}

static void say_sendto(struct nv_text *text, const struct nv_exchange *exchange,
                       const struct nv_step *step)
{
    char address[NV_ADDRESS_TEXT_BYTES] = "NULL";
    if (step->at != NV_AT_NONE)
        (void)nv_address_text(&exchange->address[step->at], address);
    nv_say(text, "%d, message, %d, 0, %s", fd_of(exchange, step), step->value, address);
}

static long make_sendto(struct nv_exchange *exchange, const struct nv_step *step,
                        struct sockaddr_storage *filled)
{
    bool is_told = step->at != NV_AT_NONE;
    (void)filled;
    return sendto(fd_of(exchange, step), exchange->message, (size_t)step->value, 0,
                  is_told ? address_of(exchange, step) : NULL,
                  is_told ? address_bytes(exchange, step) : 0);
}

static long make_recvfrom(struct nv_exchange *exchange, const struct nv_step *step,
                          struct sockaddr_storage *filled)
{
    char buffer[RECEIVE_BYTES];
    socklen_t len = sizeof *filled;
    long result =
        recvfrom(fd_of(exchange, step), buffer, sizeof buffer, 0, (struct sockaddr *)filled, &len);
    if (result >= 0)
        note_address(exchange, step, filled);
    return result;
}

static void say_write(struct nv_text *text, const struct nv_exchange *exchange,
                      const struct nv_step *step)
{
    nv_say(text, "%d, message, %d", fd_of(exchange, step), step->value);
}

static long make_write(struct nv_exchange *exchange, const struct nv_step *step,
                       struct sockaddr_storage *filled)
{
    (void)filled;
    return write(fd_of(exchange, step), exchange->message, (size_t)step->value);
}

static void say_read(struct nv_text *text, const struct nv_exchange *exchange,
                     const struct nv_step *step)
{
    nv_say(text, "%d, buffer, %d", fd_of(exchange, step), RECEIVE_BYTES);
}

static long make_read(struct nv_exchange *exchange, const struct nv_step *step,
                      struct sockaddr_storage *filled)
{
    char buffer[RECEIVE_BYTES];
    (void)filled;
    return read(fd_of(exchange, step), buffer, sizeof buffer);
}

/* ---- settings ---- */

static void say_nonblocking(struct nv_text *text, const struct nv_exchange *exchange,
                            const struct nv_step *step)
{
    nv_say(text, "%d, F_SETFL, O_NONBLOCK", fd_of(exchange, step));
}

static long make_nonblocking(struct nv_exchange *exchange, const struct nv_step *step,
                             struct sockaddr_storage *filled)
{
    (void)filled;
    return fcntl(fd_of(exchange, step), F_SETFL, O_NONBLOCK);
}

static void say_timeout(struct nv_text *text, const struct nv_exchange *exchange,
                        const struct nv_step *step)
{
    nv_say(text, "%d, SOL_SOCKET, SO_RCVTIMEO, %d ms", fd_of(exchange, step), RECEIVE_TIMEOUT_MS);
}

static long make_timeout(struct nv_exchange *exchange, const struct nv_step *step,
                         struct sockaddr_storage *filled)
{
    const struct timeval limit = {.tv_usec = RECEIVE_TIMEOUT_MS * 1000L};
    (void)filled;
    return setsockopt(fd_of(exchange, step), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static void say_dontroute(struct nv_text *text, const struct nv_exchange *exchange,
                          const struct nv_step *step)
{
    nv_say(text, "%d, SOL_SOCKET, SO_DONTROUTE, 1", fd_of(exchange, step));
}

static long make_dontroute(struct nv_exchange *exchange, const struct nv_step *step,
                           struct sockaddr_storage *filled)
{
    const int on = 1;
    (void)filled;
    return setsockopt(fd_of(exchange, step), SOL_SOCKET, SO_DONTROUTE, &on, sizeof on);
}

static const struct nv_call_maker call_write = {"write", say_write, make_write, NULL};
static const struct nv_call_maker call_read = {"read", say_read, make_read, NULL};

const struct nv_call_maker nv_call_socket = {"socket", say_socket, make_socket, NULL};
const struct nv_call_maker nv_call_bind = {"bind", say_address, make_bind, NULL};
const struct nv_call_maker nv_call_getsockname = {"getsockname", say_fd, make_getsockname, NULL};
const struct nv_call_maker nv_call_listen = {"listen", say_listen, make_listen, NULL};
const struct nv_call_maker nv_call_accept = {"accept", say_fd, make_accept, NULL};
const struct nv_call_maker nv_call_connect = {"connect", say_address, make_connect, NULL};
const struct nv_call_maker nv_call_send = {"send", say_send, make_send, &call_write};
const struct nv_call_maker nv_call_recv = {"recv", say_recv, make_recv, &call_read};
const struct nv_call_maker nv_call_sendto = {"sendto", say_sendto, make_sendto, &call_write};
const struct nv_call_maker nv_call_recvfrom = {"recvfrom", say_recv, make_recvfrom, &call_read};
const struct nv_call_maker nv_call_nonblocking = {"fcntl", say_nonblocking, make_nonblocking, NULL};
const struct nv_call_maker nv_call_timeout = {"setsockopt", say_timeout, make_timeout, NULL};
const struct nv_call_maker nv_call_dontroute = {"setsockopt", say_dontroute, make_dontroute, NULL};
const struct nv_call_maker nv_call_close = {"close", say_fd, make_close, NULL};
