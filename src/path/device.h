/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_DEVICE_H
#define NV_PATH_DEVICE_H

#include <stdint.h>

#include "base/error.h"

/* A TUN device in a network namespace: what the kernel routes to it is read as IP packets, and
 * what is written comes in as if from a wire. Linux. */

struct nv_device {
    int fd;        /* the packets; does not block */
    int socket_fd; /* into the namespace, for settings */
    char name[16];
};

struct nv_device_config {
    const char *name;
    const char *ipv4, *ipv4_peer; /* our address, and the one at the other end of the wire */
    const char *ipv6;
    unsigned ipv6_prefix_bits;
    uint32_t queue_packets;
};

/* Can TUN devices be opened here? Else NV_E_FAILED, and one line on how to get there. */
int nv_device_probe(struct nv_error *err);
/* In the network namespace of the calling thread; brings the loopback device up, too. Close it in
 * any case. */
int nv_device_open(struct nv_device *, const struct nv_device_config *, struct nv_error *err);
int nv_device_set_mtu(const struct nv_device *, uint64_t mtu_bytes, struct nv_error *err);
void nv_device_close(struct nv_device *);

/* Packets that the queue before the device of this name dropped, in the calling thread's network
 * namespace. */
uint64_t nv_device_dropped(const char *name);

#endif
