/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_SERVE_PORTS_H
#define NV_CLI_SERVE_PORTS_H

#include "transport/driver.h"

/* Where a server listens: control on port P, data on P+1, over both protocols. */
struct nv_serve_ports {
    int control_fd, tcp_fd, udp_fd;   /* tcp_fd and udp_fd: the data port, */
    struct nv_listening listening[2]; /* and what it took to open them */
};

/* At the address's port or, where that is 0, at a free pair, which goes to *address. Where many
 * connections have just been closed, each second one of the ports that the kernel would give may be
 * in TIME_WAIT: then one below those is tried. */
int nv_serve_ports_open(struct nv_serve_ports *ports, struct sockaddr_storage *address,
                        struct nv_error *err);

#endif
