/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_DRIVER_H
#define NV_TRANSPORT_DRIVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "measure/calls.h"
#include "measure/report.h"
#include "spec/spec.h"
#include "wire/message.h"
#include "wire/payload.h"
#include "workload/workload.h"

/* A driver is a transport (how flows come to be, what the sockets promise) on an engine (how
 * sockets are called and waited for). Both are const structs; registry.c pairs them. Nobody outside
 * them asks for a name: ask for a capability. */

enum {
    NV_CAP_RELIABLE = 1u << 0,        /* what was accepted arrives, or the flow fails */
    NV_CAP_ORDERED = 1u << 1,         /* in the order of sending */
    NV_CAP_DATAGRAMS = 1u << 2,       /* one receive call gives one message, whole */
    NV_CAP_THREAD_PER_FLOW = 1u << 3, /* the engine drives one flow; more flows are more threads */
    NV_CAP_GATHERS = 1u << 4,         /* the engine sends many messages in one call */
};

/* One connected socket. Owned by the endpoint; its counters are written by the flow's thread. */
struct nv_socket {
    int fd;
    struct nv_io_counters io;
    struct nv_calls *calls;   /* lent; NULL unless messages have sockets of their own */
    struct nv_stamps *stamps; /* lent; NULL: the kernel is asked for none */
};

/* The calls that opened a data port, when the server started. */
struct nv_listening {
    uint64_t socket_ns, bind_ns;
};

/* What flows need in order to be opened. */
struct nv_flow_plan {
    const struct nv_spec *spec;
    uint32_t run_tag;
    uint64_t token;                       /* only who knows it is sent anything */
    struct sockaddr_storage address;      /* client: the server's data address */
    int listen_fd;                        /* server: bound to the data port; lent. Client: -1 */
    const struct nv_listening *listening; /* server: what it took to open that */
    uint64_t deadline_ns;                 /* of nv_clock_ns() */
    const atomic_bool *stop;              /* gives up when it becomes true; NULL: never */
};

struct nv_transport {
    const char *name, *help;
    uint32_t caps;
    /* Client: opens one flow, non-blocking, by the plan's deadline. Whatever was opened is in *out,
     * also after a failure. */
    int (*connect)(const struct nv_flow_plan *, unsigned flow, struct nv_socket *out,
                   struct nv_error *);
    /* Server: waits a moment for a client's hello and opens its flow i, non-blocking, into
     * sockets[i]: 1; 0 when none came or it opened nothing new; <0 failed. */
    int (*accept)(const struct nv_flow_plan *, struct nv_socket *sockets, struct nv_error *);
    /* [optional] Server, between accept and the start: answers clients that ask again. */
    void (*settle)(const struct nv_flow_plan *, struct nv_socket *sockets);
};

/* What an engine works on; everything is lent for its life. Flow i here is the message's flow
 * first_flow + i. */
struct nv_channel {
    uint32_t caps; /* of the transport */
    struct nv_socket *sockets;
    unsigned first_flow, flow_count;
    const struct nv_payload *payload;
    uint32_t sent_bytes; /* of every message that is sent; 0: they differ */
    uint64_t t0_ns;      /* send times are counted from here */
    bool spins;          /* never sleep: look for input until there is some */
    bool late_acks;      /* nv_io_hold_ack before each receive call */
    uint32_t read_bytes; /* that a receive call asks for; 0: the engine's own choice */
    uint64_t spin_ns;    /* how long before a deadline to stop sleeping and spin; 0 = never */
    /* Of engines that open sockets themselves: where to, and how long a message may take. */
    const struct nv_flow_plan *plan;
    uint64_t give_up_ns;
};

/* What one receive call brought, or a part of it: bytes of a stream, or datagrams one behind the
 * other, each of segment_bytes but for the last, which may be shorter. */
struct nv_received {
    unsigned flow; /* from 0, within the channel */
    bool goes_on;  /* the call that brought what this flow got last brought this too */
    const uint8_t *data;
    size_t len_bytes, segment_bytes;
};

/* Where an engine delivers. `flow` counts from 0 within the channel. */
struct nv_sink {
    void *context;
    /* true: read on; false: hand control back first. */
    bool (*received)(void *context, const struct nv_received *);
    /* A flow whose send was refused with EAGAIN can be tried again. */
    void (*writable)(void *context, unsigned flow);
    bool (*wants)(void *context, unsigned flow); /* would input be taken now? */
};

struct nv_engine {
    const char *name, *help;
    /* [optional] The same with kernel time stamps, into the stamps of each socket. */
    const struct nv_engine *stamped;
    uint32_t caps;
    size_t state_size; /* zeroed, owned by the framework */
    int (*open)(void *self, const struct nv_channel *, struct nv_error *);
    /* Sends messages of one flow in order, each train stamped (nv_header_stamp) just before its
     * call, and none stamped twice: it returns after a call that took a part of a train.
     * Returns how many messages were accepted; when *refusal is not 0 it is the errno of the next
     * one. A message accepted in part is finished by the engine before anything else of its flow.
     */
    unsigned (*send)(void *self, struct nv_header *trains, unsigned count, int *refusal);
    /* Waits for input, writability or until_ns (of nv_clock_ns(), as now_ns, which may be some
     * calls old), whichever is first, and delivers what there is; NV_E_PEER when a reliable flow
     * has ended. May return early. */
    int (*poll)(void *self, uint64_t now_ns, uint64_t until_ns, const struct nv_sink *,
                struct nv_error *);
    void (*close)(void *self); /* not the sockets */
    /* [optional] Takes its place where each message has a socket of its own, which it opens and
     * closes; NULL: it does not go so. */
    const struct nv_engine *fresh;
};

/* All flows of the plan, flow i at sockets[i], or none. */
int nv_flows_connect(const struct nv_transport *, const struct nv_flow_plan *,
                     struct nv_socket *sockets, struct nv_error *);
int nv_flows_accept(const struct nv_transport *, const struct nv_flow_plan *,
                    struct nv_socket *sockets, struct nv_error *);

struct nv_driver {
    const struct nv_transport *transport;
    const struct nv_engine *engine;
};

/* All pairs; ends with a NULL transport. */
extern const struct nv_driver nv_drivers[];

/* What runs of a workload over it are like. */
struct nv_spec_nature nv_driver_nature(const struct nv_driver *, const struct nv_workload *);

/* NULL and one line naming what there is, when there is no such pair. */
const struct nv_driver *nv_driver_find(const char *transport, const char *engine,
                                       struct nv_error *err);

#endif
