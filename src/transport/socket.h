/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_SOCKET_H
#define NV_TRANSPORT_SOCKET_H

#include <netinet/in.h>

#include "transport/driver.h"

/* What TCP and UDP sockets have in common: addresses, options, waiting with a deadline. Failures
 * name the call, the address and the reason. */

#define NV_ADDRESS_TEXT_BYTES 64

/* "127.0.0.1:5302", "[::1]:5302"; returns out. */
char *nv_address_text(const struct sockaddr_storage *address, char out[NV_ADDRESS_TEXT_BYTES]);
socklen_t nv_address_len(const struct sockaddr_storage *address);
uint16_t nv_address_port(const struct sockaddr_storage *address);
void nv_address_set_port(struct sockaddr_storage *address, uint16_t port);

/* A bound socket on the data port, listening when it is a stream; -1 on failure. For the server.
 * What its calls took goes to *took, unless that is NULL. */
int nv_socket_listen(int type, const struct sockaddr_storage *address, struct nv_listening *took,
                     struct nv_error *err);

/* A socket with the spec's options set: buffers, DSCP, and for each transport its own (nodelay,
 * congestion control; IP_RECVERR). -1 on failure. Buffers are set before connecting, since TCP
 * derives its window scale from them. */
int nv_socket_open(int family, int type, const struct nv_spec *spec, struct nv_error *err);
int nv_socket_apply(int fd, const struct nv_spec *spec, struct nv_error *err);

/* One setsockopt that a spec asks for. */
struct nv_socket_option {
    int level, name;
    int number;       /* the value, unless there is a text */
    const char *text; /* lent by the spec */
    const char *what; /* for people: the option's name, and what would help */
};
#define NV_SOCKET_OPTIONS_MAX 8u
/* All of them for a socket of this family and type, in the order of their calls; how many. */
unsigned nv_socket_options(const struct nv_spec *spec, int family, int type,
                           struct nv_socket_option out[NV_SOCKET_OPTIONS_MAX]);
int nv_socket_set_option(int fd, const struct nv_socket_option *option);

/* Reads back what the kernel granted. */
void nv_socket_record(struct nv_socket *socket);

/* The events that came (of poll(2): > 0), 0 deadline passed, <0 failed. */
int nv_socket_wait(int fd, short events, uint64_t deadline_ns, struct nv_error *err);

bool nv_flow_plan_over(const struct nv_flow_plan *plan); /* deadline passed, or stopped */

/* As nv_socket_wait, until the plan's deadline; 0 also when the plan is stopped. */
int nv_flow_plan_wait(const struct nv_flow_plan *plan, int fd, short events, struct nv_error *err);

/* Hello frames open a flow on both transports: who, which flow, which run, and the token. */
void nv_hello_encode(const struct nv_flow_plan *plan, unsigned flow, uint8_t type,
                     uint8_t out[NV_HEADER_BYTES]);
/* The flow that a received hello opens, or -1 when it is not of this run. */
int nv_hello_flow(const struct nv_flow_plan *plan, uint8_t type, const uint8_t in[NV_HEADER_BYTES]);

void nv_sockets_close(struct nv_socket *sockets, unsigned count);

#endif
