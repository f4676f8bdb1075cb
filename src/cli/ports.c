/* SPDX-License-Identifier: MIT */
#include "cli/ports.h"

#include <inttypes.h>
#include <stdio.h>

static unsigned read_numbers(const char *file, uint64_t out[2])
{
    FILE *in = fopen(file, "re");
    int count = in ? fscanf(in, "%" SCNu64 " %" SCNu64, &out[0], &out[1]) : 0;
    if (in)
        (void)fclose(in);
    return count < 0 ? 0 : (unsigned)count;
}

struct nv_ports nv_ports_read(void)
{
    uint64_t range[2];
    uint64_t reuse[2];
    if (read_numbers("/proc/sys/net/ipv4/ip_local_port_range", range) < 2 || range[1] < range[0]) {
        range[0] = 32768;
        range[1] = 60999;
    }
    if (!read_numbers("/proc/sys/net/ipv4/tcp_tw_reuse", reuse))
        reuse[0] = 2;
    return (struct nv_ports){.count = range[1] - range[0] + 1, .reuse = (unsigned)reuse[0]};
}

bool nv_ports_are_reused(const struct nv_ports *ports, bool loopback)
{
    return ports->reuse == 1 || (ports->reuse == 2 && loopback);
}

double nv_ports_held(double connections, double seconds)
{
    return seconds > NV_TIME_WAIT_S ? connections * NV_TIME_WAIT_S / seconds : connections;
}
