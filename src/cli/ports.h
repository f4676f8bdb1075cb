/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_PORTS_H
#define NV_CLI_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* How many connections can be opened to one port: who closes first keeps its own port in TIME_WAIT,
 * and there are only so many. */

struct nv_ports {
    uint64_t count; /* of net.ipv4.ip_local_port_range */
    unsigned reuse; /* net.ipv4.tcp_tw_reuse: 0 never, 1 after a second, 2 on loopback only */
};

#define NV_TIME_WAIT_S 60u /* Linux: TCP_TIMEWAIT_LEN */

/* Of this network namespace; what is not told is as Linux has it by default. */
struct nv_ports nv_ports_read(void);
/* May a port be taken again long before that? */
bool nv_ports_are_reused(const struct nv_ports *ports, bool loopback);
/* Of connections that are opened evenly over so many seconds: those whose ports are held at once.
 */
double nv_ports_held(double connections, double seconds);

#endif
