/* SPDX-License-Identifier: MIT */
#include "cli/serve_ports.h"

#include <unistd.h>

#include "base/rng.h"
#include "transport/socket.h"

#define KERNEL_ATTEMPTS 5u
#define ATTEMPTS 50u
#define LOW_FIRST 10240u /* below what Linux gives to clients by default, 32768 and up */
#define LOW_COUNT 22000u

static int open_at(struct nv_serve_ports *ports, struct sockaddr_storage *address,
                   struct nv_error *err)
{
    ports->control_fd = nv_socket_listen(SOCK_STREAM, address, NULL, err);
    if (ports->control_fd < 0)
        return err->code;
    socklen_t len = sizeof *address;
    (void)getsockname(ports->control_fd, (struct sockaddr *)address, &len);
    struct sockaddr_storage data = *address;
    nv_address_set_port(&data, (uint16_t)(nv_address_port(address) + 1));
    ports->tcp_fd = nv_socket_listen(SOCK_STREAM, &data, &ports->listening[0], err);
    ports->udp_fd =
        ports->tcp_fd < 0 ? -1 : nv_socket_listen(SOCK_DGRAM, &data, &ports->listening[1], err);
    if (ports->udp_fd >= 0)
        return NV_OK;
    (void)close(ports->control_fd);
    if (ports->tcp_fd >= 0)
        (void)close(ports->tcp_fd);
    return err->code;
}

int nv_serve_ports_open(struct nv_serve_ports *ports, struct sockaddr_storage *address,
                        struct nv_error *err)
{
    const struct sockaddr_storage asked = *address;
    bool any = !nv_address_port(&asked);
    struct nv_rng rng;
    nv_rng_seed(&rng, nv_rng_entropy());
    for (unsigned attempt = 1; open_at(ports, address, err); attempt++) {
        if (!any || attempt == ATTEMPTS)
            return err->code;
        *err = (struct nv_error){0};
        *address = asked;
        if (attempt >= KERNEL_ATTEMPTS)
            nv_address_set_port(address, (uint16_t)(LOW_FIRST + nv_rng_below(&rng, LOW_COUNT)));
    }
    return NV_OK;
}
