/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_FORWARDER_H
#define NV_PATH_FORWARDER_H

#include "path/log.h"
#include "path/path.h"
#include "path/report.h"

/* The process between the two ends: reads packets from one device, lets the chain of that direction
 * happen to them, and writes them to the other device when they are due. It is told what to do over
 * a SOCK_SEQPACKET socket by the process that forked it, whose end it does not survive. */

enum nv_forwarder_op { NV_FORWARDER_CONFIGURE, NV_FORWARDER_START, NV_FORWARDER_REPORT };

/* One struct of the same program at both ends of the socket. */
struct nv_forwarder_request {
    unsigned op; /* enum nv_forwarder_op */
    struct nv_path path;
    uint64_t seed;
    uint64_t log_capacity; /* events to log in each direction, at most NV_PACKETS_LOGGED_MAX */
    uint16_t free_port;    /* TCP from or to it is forwarded untouched; 0: none */
    uint64_t start_ns, end_ns;
};

struct nv_forwarder_reply {
    struct nv_error error;
    struct nv_path_report report;
};

/* What the process is born with. */
struct nv_forwarder_config {
    int devices[2]; /* by enum nv_way: where its packets come from; they leave by the other one */
    int control_fd;
    struct nv_packet_log *logs[2]; /* in memory that is shared; NV_PACKET_LOG_BYTES each */
};

/* Returns when the socket is closed. */
void nv_forwarder_run(const struct nv_forwarder_config *);

#endif
