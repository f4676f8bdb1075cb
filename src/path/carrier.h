/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_CARRIER_H
#define NV_PATH_CARRIER_H

#include <stdbool.h>
#include <sys/types.h>

#include "path/device.h"
#include "path/forwarder.h"

/* Carries an emulated path: two network namespaces, a TUN device in each, and a process that
 * forwards packets between them. Nothing of it has a name outside, and all of it goes when the
 * processes in it have gone, whatever ended them. Linux: as root, or as anyone where user
 * namespaces are allowed. */

#define NV_CARRIER_NEAR_IPV4 "198.18.0.1" /* of the range for benchmarks, RFC 2544 */
#define NV_CARRIER_FAR_IPV4 "198.18.0.2"
#define NV_CARRIER_NEAR_IPV6 "2001:2::1" /* RFC 5180 */
#define NV_CARRIER_FAR_IPV6 "2001:2::2"

typedef void nv_forward(const struct nv_forwarder_config *);

enum nv_place { NV_PLACE_NEAR, NV_PLACE_FAR };

struct nv_carrier {
    int namespace_fd[2]; /* by enum nv_place */
    struct nv_device device[2];
    int control_fd;
    pid_t forwarder;
    struct nv_packet_log *logs[2]; /* by enum nv_way; of the last run, until the next begins */
    uint64_t dropped[2];           /* by the queues before the devices, when a run began */
    bool open;
};

/* From a process with one thread: it is at the near place from then on, and so is every thread that
 * it starts. On failure one line says what is missing and how to get it. Close it in any case. */
int nv_carrier_open(struct nv_carrier *, struct nv_error *err);
/* The same with another process between the devices: forward() is called in it as
 * nv_forwarder_run() would be. For benchmarks. */
int nv_carrier_open_with(struct nv_carrier *, nv_forward *forward, struct nv_error *err);
/* The calling thread goes there; new processes and sockets are there, too. */
int nv_carrier_enter(const struct nv_carrier *, enum nv_place, struct nv_error *err);

/* What happens to packets from now on: delay and rate at once; weather and the account begin with
 * the run. */
struct nv_carrier_setting {
    const struct nv_path *path;
    uint64_t seed;
    uint16_t free_port;    /* TCP from or to it is let through untouched; 0: none */
    uint64_t log_capacity; /* packets to log in each direction */
};
int nv_carrier_configure(struct nv_carrier *, const struct nv_carrier_setting *,
                         struct nv_error *err);
/* Times of nv_clock_ns(); before start_ns. */
int nv_carrier_start(struct nv_carrier *, uint64_t start_ns, uint64_t end_ns, struct nv_error *err);
int nv_carrier_report(struct nv_carrier *, struct nv_path_report *, struct nv_error *err);
void nv_carrier_close(struct nv_carrier *);

#endif
