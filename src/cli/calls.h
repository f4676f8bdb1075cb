/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CALLS_H
#define NV_CLI_CALLS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "output/text.h"

/* `netversus calls`: the socket calls of one exchange, really made on loopback by two threads, a
 * server and a client, and shown side by side. A script is a table whose rows are calls in the
 * order in which they begin; a call that fails on purpose is a row, too, with the errno that it
 * must show.
 *
 *   calls.c         the command        calls_run.c    two threads that take turns over a script
 *   calls_script.c  the scripts        calls_make.c   how each call is made and written
 *   calls_say.c     what comes out */

enum nv_calls_end { NV_CALLS_SERVER, NV_CALLS_CLIENT, NV_CALLS_ENDS };
extern const char *const nv_calls_end_names[NV_CALLS_ENDS];

/* Which socket a row is about. Each belongs to one end. */
enum nv_calls_socket {
    NV_ON_SERVER, /* the one that is bound */
    NV_ON_CONNECTION,
    NV_ON_SERVER_2, /* the server's second one: another connection, or one bound to the same port */
    NV_ON_CLIENT,
    NV_ON_CLIENT_2,
    NV_ON_SOCKETS
};

/* Which address. What a call fills in belongs to its own end until the other one's turn. */
enum nv_calls_address {
    NV_AT_NONE,      /* none is told, the socket is connected or needs none; IPv4 */
    NV_AT_ANY_PORT,  /* 127.0.0.1:0 */
    NV_AT_SERVER,    /* what the server's getsockname said */
    NV_AT_CLIENT,    /* what the client's did */
    NV_AT_SENDER,    /* who sent the question, as the server's recvfrom said */
    NV_AT_ANSWERER,  /* who sent the answer */
    NV_AT_NOBODY,    /* a port on loopback that is taken, and where nobody receives */
    NV_AT_UNROUTED,  /* an address to which this machine has no route without a gateway */
    NV_AT_NO_FAMILY, /* AF_UNSPEC */
    NV_AT_ADDRESSES
};

struct nv_exchange;
struct nv_step;

struct nv_call_maker {
    const char *name;
    /* Writes the arguments as they stand in a program, with names for numbers. */
    void (*say)(struct nv_text *arguments, const struct nv_exchange *, const struct nv_step *);
    /* Makes the call, and nothing else that enters the kernel: its result, and errno. An address
     * that the kernel tells goes to *filled. */
    long (*make)(struct nv_exchange *, const struct nv_step *, struct sockaddr_storage *filled);
    const struct nv_call_maker
        *plain; /* what --read-write makes instead, where no address is told */
};

extern const struct nv_call_maker nv_call_socket, nv_call_bind, nv_call_getsockname, nv_call_listen,
    nv_call_accept, nv_call_connect, nv_call_send, nv_call_recv, nv_call_sendto, nv_call_recvfrom,
    nv_call_nonblocking, nv_call_timeout, nv_call_dontroute, nv_call_close;

struct nv_step {
    enum nv_calls_end end;
    const struct nv_call_maker *call; /* NULL ends a script */
    enum nv_calls_socket on;
    enum nv_calls_socket makes; /* accept: the new socket */
    enum nv_calls_address at;
    int value;        /* socket: protocol; listen: backlog; send, sendto: bytes */
    bool waits;       /* until a later row of the other end lets it return */
    short until;      /* of poll(2): what the socket must show before the call, or 0 */
    int error;        /* the errno that the call must show; 0: it must succeed */
    const char *note; /* "": nothing to say */
};

enum { NV_CALLS_TCP = 1, NV_CALLS_UDP = 2, NV_CALLS_BOTH = 3 };

struct nv_script {
    const char *name;
    unsigned transports; /* where it can be had */
    const struct nv_step *steps;
    const char *words; /* what to learn from it: of a failure, what it means and what to do */
};

#define NV_STEPS_MAX 32u

extern const struct nv_script nv_exchange_tcp, nv_exchange_udp, nv_exchange_udp_connected;
extern const struct nv_script nv_failures[]; /* of --fail; ends with a NULL name */

/* The row of a script that must fail, or NULL. */
const struct nv_step *nv_script_failure(const struct nv_script *script);

struct nv_call_record {
    const char *call;    /* NULL: it has not begun */
    char arguments[128]; /* told to the kernel, */
    char filled[64];     /* and told by it; "": nothing */
    uint64_t begin_ns;   /* of nv_clock_ns() */
    int64_t took_ns;     /* -1: it has not returned */
    int64_t result;
    int error; /* errno; 0 of a call that succeeded */
};

struct nv_exchange {
    const struct nv_script *script;
    int type; /* SOCK_STREAM or SOCK_DGRAM */
    bool read_write;
    struct nv_call_record records[NV_STEPS_MAX]; /* one a step */
    /* Of calls_run.c and calls_make.c. */
    int fd[NV_ON_SOCKETS];
    bool is_open[NV_ON_SOCKETS];
    int holder_fd; /* keeps NV_AT_NOBODY taken; -1: not asked for */
    struct sockaddr_storage address[NV_AT_ADDRESSES];
    char message[1 << 16];
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    unsigned turn; /* the step that may begin */
    unsigned running;
    uint64_t moved_ns; /* when a call last began or returned */
    int failed_step;   /* the first that was not as its row says, or -1 */
    bool stopped;
};

/* Sets the addresses that the script names but no call of it finds. NV_E_FAILED when this machine
 * has none. Before anything else: exchange is zeroed but for the script and its two settings. */
int nv_exchange_prepare(struct nv_exchange *exchange, struct nv_error *err);

/* Carries the script out; at most 2 s for each call, and nothing leaves the machine. 0 when every
 * call was as its row says, else NV_E_FAILED: records then hold what was done until there. */
int nv_exchange_run(struct nv_exchange *exchange, struct nv_error *err);

/* Closes what is still open, also after a failure of those two. */
void nv_exchange_close(struct nv_exchange *exchange);

/* What was done, to standard output: for people, or as rows of calls in the order in which they
 * began. */
void nv_exchange_print(const struct nv_exchange *exchange);
void nv_exchange_print_csv(const struct nv_exchange *exchange);
void nv_exchange_print_json(const struct nv_exchange *exchange);

#endif
