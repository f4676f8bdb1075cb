/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_PORTS_H
#define NV_CLI_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* How many connections a second can be opened to one port and go on so: who closes first keeps its
 * own port in TIME_WAIT, and there are only so many. */

struct nv_ports {
    uint64_t count; /* of net.ipv4.ip_local_port_range */
    unsigned reuse; /* net.ipv4.tcp_tw_reuse: 0 never, 1 after a second, 2 on loopback only */
};

#define NV_TIME_WAIT_S 60u /* Linux: TCP_TIMEWAIT_LEN */

/* Of this network namespace; what is not told is as Linux has it by default. */
struct nv_ports nv_ports_read(void);
/* Connections a second that last; to and from one address each. */
double nv_ports_rate(const struct nv_ports *ports, bool loopback);

#endif
