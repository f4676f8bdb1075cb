/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>

#include "cli/calls.h"

/* The scripts: rows of calls, in the order in which they begin. */

#define BACKLOG 8
#define QUESTION_BYTES 13
#define ANSWER_BYTES 10
#define TOO_LONG_BYTES 65508 /* an IPv4 datagram has room for 65507: RFC 768, RFC 791 */

#define ROW(which, name, socket_, ...)                                                             \
    {                                                                                              \
        .end = (which), .call = &nv_call_##name, .on = NV_ON_##socket_, __VA_ARGS__                \
    }
#define SERVER(name, socket_, ...) ROW(NV_CALLS_SERVER, name, socket_, __VA_ARGS__)
#define CLIENT(name, socket_, ...) ROW(NV_CALLS_CLIENT, name, socket_, __VA_ARGS__)
#define END_OF_SCRIPT                                                                              \
    {                                                                                              \
        .call = NULL                                                                               \
    }

/* ---- exchanges that succeed ---- */

static const struct nv_step tcp_steps[] = {
    SERVER(socket, SERVER),
    SERVER(bind, SERVER, .at = NV_AT_ANY_PORT, .note = "port 0: the kernel picks a free one"),
    SERVER(getsockname, SERVER, .at = NV_AT_SERVER, .note = "the IP:port that clients must know"),
    SERVER(listen, SERVER, .value = BACKLOG, .note = "it takes connections now, and never data"),
    SERVER(accept, SERVER, .makes = NV_ON_CONNECTION, .waits = true,
           .note = "a NEW socket, for this client; the listening one is free again"),
    CLIENT(socket, CLIENT),
    CLIENT(connect, CLIENT, .at = NV_AT_SERVER),
    SERVER(recv, CONNECTION, .waits = true),
    CLIENT(getsockname, CLIENT, .at = NV_AT_CLIENT,
           .note = "its own IP:port, chosen by the kernel in connect"),
    CLIENT(send, CLIENT, .value = QUESTION_BYTES, .note = "into this end's buffer"),
    CLIENT(recv, CLIENT, .waits = true),
    SERVER(send, CONNECTION, .value = ANSWER_BYTES),
    CLIENT(socket, CLIENT_2, .note = "a second client, while the first one is connected"),
    CLIENT(connect, CLIENT_2, .at = NV_AT_SERVER),
    SERVER(accept, SERVER, .makes = NV_ON_SERVER_2,
           .note = "the listening socket goes on: another NEW socket"),
    CLIENT(close, CLIENT_2),
    SERVER(close, SERVER_2),
    SERVER(recv, CONNECTION, .waits = true, .note = "0 bytes: the other end has closed"),
    CLIENT(close, CLIENT),
    SERVER(close, CONNECTION),
    SERVER(close, SERVER),
    END_OF_SCRIPT,
};

const struct nv_script nv_exchange_tcp = {
    "exchange", NV_CALLS_TCP, tcp_steps,
    "TCP is connection-oriented: each connection is a pair of sockets, one at each end. send "
    "returns "
    "when the kernel has the bytes, not when the other end has read them. They come in order, but "
    "a "
    "recv may return part of a message, or several: TCP keeps no message boundaries."};

#define UDP_SERVER_BEGINS                                                                          \
    SERVER(socket, SERVER),                                                                        \
        SERVER(bind, SERVER, .at = NV_AT_ANY_PORT, .note = "port 0: the kernel picks a free one"), \
        SERVER(getsockname, SERVER, .at = NV_AT_SERVER,                                            \
               .note = "the IP:port that clients must know"),                                      \
        SERVER(recvfrom, SERVER, .at = NV_AT_SENDER, .waits = true,                                \
               .note = "one datagram, and who sent it; no listen, no accept"),                     \
        CLIENT(socket, CLIENT)

#define UDP_SERVER_ANSWERS                                                                         \
    SERVER(sendto, SERVER, .at = NV_AT_SENDER, .value = ANSWER_BYTES,                              \
           .note = "back to who asked, by the one socket for all clients")

static const struct nv_step udp_steps[] = {
    UDP_SERVER_BEGINS,
    CLIENT(sendto, CLIENT, .at = NV_AT_SERVER, .value = QUESTION_BYTES,
           .note = "each datagram carries its address"),
    CLIENT(getsockname, CLIENT, .at = NV_AT_CLIENT,
           .note = "its port, chosen by the kernel in sendto; 0.0.0.0: any own IP"),
    CLIENT(recvfrom, CLIENT, .at = NV_AT_ANSWERER, .waits = true),
    UDP_SERVER_ANSWERS,
    CLIENT(close, CLIENT),
    SERVER(close, SERVER, .note = "nobody was told: there was no connection"),
    END_OF_SCRIPT,
};

const struct nv_script nv_exchange_udp = {
    "exchange", NV_CALLS_UDP, udp_steps,
    "UDP has no connection: one socket serves every client, and recvfrom says who asked. A "
    "datagram "
    "arrives whole or not at all, and in any order; nobody says that one is lost."};

static const struct nv_step udp_connected_steps[] = {
    UDP_SERVER_BEGINS,
    CLIENT(connect, CLIENT, .at = NV_AT_SERVER, .note = "nothing is sent: the socket notes whom"),
    CLIENT(getsockname, CLIENT, .at = NV_AT_CLIENT,
           .note = "its own IP:port, chosen by the kernel in connect"),
    CLIENT(sendto, CLIENT, .value = QUESTION_BYTES, .note = "no address: connect has set it"),
    CLIENT(recvfrom, CLIENT, .waits = true),
    UDP_SERVER_ANSWERS,
    CLIENT(close, CLIENT),
    SERVER(close, SERVER, .note = "nobody was told: there was no connection"),
    END_OF_SCRIPT,
};

const struct nv_script nv_exchange_udp_connected = {
    "exchange", NV_CALLS_UDP, udp_connected_steps,
    "connect on UDP sends nothing and asks nobody. It sets the address that send and write go to, "
    "lets in only what comes from there, and brings this socket the errors that come back."};

/* ---- calls that fail ---- */

static const struct nv_step socket_tcp_steps[] = {
    CLIENT(socket, CLIENT, .value = IPPROTO_UDP, .error = EPROTONOSUPPORT),
    END_OF_SCRIPT,
};

static const struct nv_step socket_udp_steps[] = {
    CLIENT(socket, CLIENT, .value = IPPROTO_TCP, .error = EPROTONOSUPPORT),
    END_OF_SCRIPT,
};

static const struct nv_step socket_family_steps[] = {
    CLIENT(socket, CLIENT, .at = NV_AT_NO_FAMILY, .error = EAFNOSUPPORT),
    END_OF_SCRIPT,
};

/* A server that clients can find. */
#define BOUND                                                                                      \
    SERVER(socket, SERVER), SERVER(bind, SERVER, .at = NV_AT_ANY_PORT),                            \
        SERVER(getsockname, SERVER, .at = NV_AT_SERVER)
#define LISTENING BOUND, SERVER(listen, SERVER, .value = BACKLOG)
#define CONNECTED                                                                                  \
    LISTENING, SERVER(accept, SERVER, .makes = NV_ON_CONNECTION, .waits = true),                   \
        CLIENT(socket, CLIENT), CLIENT(connect, CLIENT, .at = NV_AT_SERVER)
#define BOTH_CLOSE CLIENT(close, CLIENT), SERVER(close, SERVER)

static const struct nv_step bind_steps[] = {
    BOUND,
    SERVER(socket, SERVER_2, .note = "a second server, for the same IP:port"),
    SERVER(bind, SERVER_2, .at = NV_AT_SERVER, .error = EADDRINUSE),
    SERVER(close, SERVER_2),
    SERVER(close, SERVER),
    END_OF_SCRIPT,
};

static const struct nv_step listen_tcp_steps[] = {
    CONNECTED,
    SERVER(listen, CONNECTION, .value = BACKLOG, .error = EINVAL),
    SERVER(close, CONNECTION),
    BOTH_CLOSE,
    END_OF_SCRIPT,
};

static const struct nv_step listen_udp_steps[] = {
    BOUND,
    SERVER(listen, SERVER, .value = BACKLOG, .error = EOPNOTSUPP),
    SERVER(close, SERVER),
    END_OF_SCRIPT,
};

static const struct nv_step accept_tcp_steps[] = {
    BOUND,
    SERVER(accept, SERVER, .error = EINVAL, .note = "listen was left out"),
    SERVER(close, SERVER),
    END_OF_SCRIPT,
};

static const struct nv_step accept_udp_steps[] = {
    BOUND,
    SERVER(accept, SERVER, .error = EOPNOTSUPP),
    SERVER(close, SERVER),
    END_OF_SCRIPT,
};

static const struct nv_step connect_tcp_steps[] = {
    CLIENT(socket, CLIENT),
    CLIENT(connect, CLIENT, .at = NV_AT_NOBODY, .error = ECONNREFUSED),
    CLIENT(close, CLIENT),
    END_OF_SCRIPT,
};

static const struct nv_step refused_udp_steps[] = {
    CLIENT(socket, CLIENT),
    CLIENT(connect, CLIENT, .at = NV_AT_NOBODY,
           .note = "it succeeds: nothing is sent, so nobody can refuse"),
    CLIENT(sendto, CLIENT, .value = QUESTION_BYTES, .note = "sent; ICMP says: port unreachable"),
    CLIENT(recvfrom, CLIENT, .error = ECONNREFUSED, .note = "the next call is told"),
    CLIENT(close, CLIENT),
    END_OF_SCRIPT,
};

static const struct nv_step unreachable_steps[] = {
    CLIENT(socket, CLIENT, .at = NV_AT_UNROUTED),
    CLIENT(dontroute, CLIENT, .note = "through no gateway: as if there were no default route"),
    CLIENT(connect, CLIENT, .at = NV_AT_UNROUTED, .error = ENETUNREACH),
    CLIENT(close, CLIENT),
    END_OF_SCRIPT,
};

static const struct nv_step send_tcp_steps[] = {
    CONNECTED,
    SERVER(close, CONNECTION),
    CLIENT(send, CLIENT, .value = QUESTION_BYTES,
           .note = "it succeeds: into the buffer; the other end answers by a reset"),
    CLIENT(send, CLIENT, .value = QUESTION_BYTES, .until = POLLHUP, .error = EPIPE,
           .note = "without MSG_NOSIGNAL, the signal SIGPIPE would end the program"),
    BOTH_CLOSE,
    END_OF_SCRIPT,
};

static const struct nv_step send_udp_steps[] = {
    BOUND,
    CLIENT(socket, CLIENT),
    CLIENT(sendto, CLIENT, .at = NV_AT_SERVER, .value = TOO_LONG_BYTES, .error = EMSGSIZE),
    BOTH_CLOSE,
    END_OF_SCRIPT,
};

static const struct nv_step unaddressed_steps[] = {
    CLIENT(socket, CLIENT),
    CLIENT(sendto, CLIENT, .value = QUESTION_BYTES, .error = EDESTADDRREQ),
    CLIENT(close, CLIENT),
    END_OF_SCRIPT,
};

static const struct nv_step recv_tcp_steps[] = {
    CONNECTED,
    CLIENT(nonblocking, CLIENT),
    CLIENT(recv, CLIENT, .error = EAGAIN, .note = "it returns at once"),
    SERVER(close, CONNECTION),
    BOTH_CLOSE,
    END_OF_SCRIPT,
};

static const struct nv_step recv_udp_steps[] = {
    CLIENT(socket, CLIENT),
    CLIENT(nonblocking, CLIENT),
    CLIENT(recvfrom, CLIENT, .error = EAGAIN, .note = "it returns at once"),
    CLIENT(close, CLIENT),
    END_OF_SCRIPT,
};

static const struct nv_step timeout_tcp_steps[] = {
    CONNECTED,
    CLIENT(timeout, CLIENT),
    CLIENT(recv, CLIENT, .error = EAGAIN, .note = "it waits as long as SO_RCVTIMEO says"),
    SERVER(close, CONNECTION),
    BOTH_CLOSE,
    END_OF_SCRIPT,
};

static const struct nv_step timeout_udp_steps[] = {
    CLIENT(socket, CLIENT),
    CLIENT(timeout, CLIENT),
    CLIENT(recvfrom, CLIENT, .error = EAGAIN, .note = "it waits as long as SO_RCVTIMEO says"),
    CLIENT(close, CLIENT),
    END_OF_SCRIPT,
};

static const struct nv_step reset_steps[] = {
    CONNECTED,
    CLIENT(send, CLIENT, .value = QUESTION_BYTES),
    SERVER(close, CONNECTION, .until = POLLIN, .note = "with bytes in its buffer that nobody read"),
    CLIENT(recv, CLIENT, .error = ECONNRESET),
    BOTH_CLOSE,
    END_OF_SCRIPT,
};

static const struct nv_step close_steps[] = {
    CLIENT(socket, CLIENT),
    CLIENT(close, CLIENT),
    CLIENT(close, CLIENT, .error = EBADF),
    END_OF_SCRIPT,
};

const struct nv_script nv_failures[] = {
    {"socket", NV_CALLS_TCP, socket_tcp_steps,
     "the protocol does not fit the type: SOCK_STREAM is TCP; write 0, and the kernel picks it"},
    {"socket", NV_CALLS_UDP, socket_udp_steps,
     "the protocol does not fit the type: SOCK_DGRAM is UDP; write 0, and the kernel picks it"},
    {"socket-family", NV_CALLS_BOTH, socket_family_steps,
     "this machine has no such family of addresses; AF_INET is IPv4 and AF_INET6 is IPv6"},
    {"bind", NV_CALLS_BOTH, bind_steps,
     "another socket has this IP:port; take another port (0: any free one), or end the program "
     "that "
     "has it (ss -tulnp names it)"},
    {"listen", NV_CALLS_TCP, listen_tcp_steps,
     "a connected socket carries data and cannot listen; listen on the one that was bound"},
    {"listen", NV_CALLS_UDP, listen_udp_steps,
     "UDP has no connections to listen for; call recvfrom right after bind"},
    {"accept", NV_CALLS_TCP, accept_tcp_steps, "the socket does not listen; call listen first"},
    {"accept", NV_CALLS_UDP, accept_udp_steps,
     "UDP has no connections to accept; call recvfrom right after bind"},
    {"connect", NV_CALLS_TCP, connect_tcp_steps,
     "that machine answered that nobody listens on the port; start the server first, or correct "
     "the "
     "port"},
    {"connect", NV_CALLS_UDP, refused_udp_steps,
     "nobody receives on the port, and not connect but the call after the first datagram is told "
     "so; "
     "start the server first, and check every call"},
    {"connect-unreachable", NV_CALLS_BOTH, unreachable_steps,
     "this machine has no route to the address, and nothing was sent; check the address, the "
     "interface and the default route (ip route)"},
    {"send", NV_CALLS_TCP, send_tcp_steps,
     "the other end has closed; close this socket too, and count what it has not confirmed as "
     "lost"},
    {"send", NV_CALLS_UDP, send_udp_steps,
     "a datagram holds at most 65507 bytes, and nothing was sent; send several, best below 1472 "
     "bytes each, which one Ethernet frame carries"},
    {"send-unaddressed", NV_CALLS_UDP, unaddressed_steps,
     "the socket is not connected and no address was told; tell sendto one, or connect first"},
    {"recv", NV_CALLS_TCP, recv_tcp_steps,
     "nothing has come yet on a non-blocking socket, which is no fault; wait with poll and ask "
     "again"},
    {"recv", NV_CALLS_UDP, recv_udp_steps,
     "nothing has come yet on a non-blocking socket, which is no fault; wait with poll and ask "
     "again"},
    {"recv-timeout", NV_CALLS_TCP, timeout_tcp_steps,
     "nothing came within SO_RCVTIMEO; ask again, or give the other end up"},
    {"recv-timeout", NV_CALLS_UDP, timeout_udp_steps,
     "nothing came within SO_RCVTIMEO: the question or the answer may be lost; send it again, a "
     "few "
     "times"},
    {"recv-reset", NV_CALLS_TCP, reset_steps,
     "the other end closed before it had read everything, or died; close this socket and connect "
     "anew"},
    {"recv-refused", NV_CALLS_UDP, refused_udp_steps,
     "an earlier datagram found nobody on the port; only a connected UDP socket is told so"},
    {"close", NV_CALLS_BOTH, close_steps,
     "the socket is closed already; close once and forget the number, which the next socket may "
     "get"},
    {NULL, 0, NULL, NULL},
};

const struct nv_step *nv_script_failure(const struct nv_script *script)
{
    for (const struct nv_step *step = script->steps; step->call; step++)
        if (step->error)
            return step;
    return NULL;
}
