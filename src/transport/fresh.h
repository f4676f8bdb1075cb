/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_FRESH_H
#define NV_TRANSPORT_FRESH_H

#include "measure/calls.h"
#include "transport/io.h"

/* A socket for each message: what engines do for workloads that connect.
 * The flow's own connection stands beside, idle; it has shown that the client may be answered.
 *
 * One exchange, at the client: socket, options, connect, send, recv until the reply is whole,
 * close; with datagrams (socket, sendto, recvfrom, close) connect only when asked for. At the
 * server: accept, options, recv, send, recv until the client has closed, close; with datagrams
 * recvfrom and sendto on the one socket that all clients send to. Each call is timed apart, and
 * its failure counted by errno. The client closes first, so TIME_WAIT is its own. */

/* One exchange, of either end. */
struct nv_fresh {
    int fd; /* -1: none; with datagrams of the server: lent */
    unsigned flow;
    struct nv_calls *calls;
    bool connected;              /* established, or needs no connection */
    bool answered;               /* server: the reply has gone out whole */
    bool waits;                  /* client: calls return at once, and the wait is apart */
    uint64_t opened_ns;          /* client: socket() called; 0: some of the answer is there */
    uint64_t begun_ns;           /* client: connect() called; server: accept() returned */
    uint64_t called_ns;          /* client: connect() returned */
    uint64_t sent_ns;            /* the latest send has returned; 0: its wait is recorded */
    uint64_t seq;                /* client: of the request */
    struct sockaddr_storage far; /* datagrams: where to */
    struct nv_io_rest rest;      /* what is being sent */
    uint8_t *in;                 /* the message that is coming; lent */
    size_t in_bytes;
};

/* The longest message that is carried so, both ways. */
#define NV_FRESH_BYTES_MAX NV_IO_BUFFER_BYTES

/* Opens a socket and begins to send: stamps the message just before the first call that sends
 * anything. 0; EINPROGRESS: wait for POLLOUT, then nv_fresh_go_on; another errno: it failed, and
 * the socket is closed. flags: SOCK_NONBLOCK or 0, which then waits in the calls. */
int nv_fresh_begin(const struct nv_channel *, struct nv_fresh *, struct nv_header *, int flags);
/* As nv_fresh_begin, once the socket can be written to. */
int nv_fresh_go_on(const struct nv_channel *, struct nv_fresh *);

/* Server: so many connections are open now, beside the socket that listens or serves all. */
void nv_fresh_count_open(const struct nv_channel *, unsigned connections);

/* Takes the next connection. 0, or errno: EAGAIN: there is none. */
int nv_fresh_accept(const struct nv_channel *, struct nv_fresh *, int flags);
/* Sends a reply on it, as nv_io_send does: 0, EAGAIN: a part is left, or errno. */
int nv_fresh_answer(const struct nv_channel *, struct nv_fresh *, struct nv_header *);

enum nv_fresh_got {
    NV_FRESH_MESSAGE, /* fresh->in holds a whole one */
    NV_FRESH_MORE,    /* some of it, or nothing for now */
    NV_FRESH_ENDED    /* closed by the far end, failed, or not one of ours */
};
/* One recv or recvfrom. */
enum nv_fresh_got nv_fresh_receive(const struct nv_channel *, struct nv_fresh *, int flags);
/* Hands what nv_fresh_receive has got to the sink. */
bool nv_fresh_deliver(const struct nv_channel *, struct nv_fresh *, const struct nv_sink *);

void nv_fresh_close(struct nv_fresh *);

/* Makes *plan the channel's: the server's with the address of who may be answered, and listening as
 * the spec wants it (a call of its own, and what it took to open the port are recorded). */
int nv_fresh_plan(struct nv_channel *, struct nv_flow_plan *plan, struct nv_error *);

/* In the place of engines poll and blocking. */
extern const struct nv_engine nv_fresh_poll, nv_fresh_blocking;

#endif
