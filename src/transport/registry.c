/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "transport/blocking.h"
#include "transport/driver.h"
#include "transport/handles.h"
#include "transport/poll.h"
#include "transport/tcp.h"
#include "transport/udp.h"

const struct nv_driver nv_drivers[] = {
    {&nv_tcp, &nv_poll},     {&nv_udp, &nv_poll},    {&nv_tcp, &nv_blocking},
    {&nv_udp, &nv_blocking}, {&nv_tcp, &nv_batch},   {&nv_udp, &nv_batch},
    {&nv_tcp, &nv_handles},  {&nv_udp, &nv_handles}, {NULL, NULL},
};

struct nv_spec_nature nv_driver_nature(const struct nv_driver *driver,
                                       const struct nv_workload *workload)
{
    return (struct nv_spec_nature){
        .datagrams = driver->transport->caps & NV_CAP_DATAGRAMS,
        .answered = workload->answered,
        .connects = workload->connects,
        .opens = driver->engine->fresh != NULL,
        .stamps = driver->engine->stamped != NULL,
    };
}

const struct nv_driver *nv_driver_find(const char *transport, const char *engine,
                                       struct nv_error *err)
{
    char known[256] = "";
    size_t used = 0;
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        if (strcmp(d->transport->name, transport) == 0 && strcmp(d->engine->name, engine) == 0)
            return d;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s/%s", used ? ", " : "",
                                     d->transport->name, d->engine->name);
    }
    (void)nv_fail(err, NV_E_USAGE, "no driver %.40s/%.40s; there are %s", transport, engine, known);
    return NULL;
}
