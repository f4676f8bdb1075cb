/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_ENDS_H
#define NV_CLI_ENDS_H

#include "campaign/result.h"
#include "campaign/settings.h"
#include "cli/child.h"
#include "cli/remote.h"
#include "path/carrier.h"

/* The far ends of a campaign: one for the real network (a server that is named, or a child on
 * loopback), one behind an emulated path (a child in the far namespace); each only where a cell
 * asks for it. */

enum nv_network { NV_NETWORK_REAL, NV_NETWORK_EMULATED };

struct nv_far_end {
    struct sockaddr_storage server; /* its control address */
    struct nv_child child;
    struct nv_remote remote;
    bool wanted, remote_open;
};

struct nv_ends {
    struct nv_far_end end[2]; /* by enum nv_network */
    struct nv_carrier carrier;
    const struct nv_settings *settings;
    const bool *interrupted; /* borrowed: the user wants an end of it */
    struct nv_error path_error;
    uv_poll_t watch; /* of the forwarder: it must not end before us */
    bool watched, began_late;
};

enum nv_network nv_network_of(const struct nv_spec *spec);

/* Before there is a loop or a second thread: looks names up and sets the emulated path up. Close
 * them in any case. */
int nv_ends_prepare(struct nv_ends *, const struct nv_campaign *, const struct nv_plan *,
                    struct nv_error *err);
/* Starts children, connects. Whatever callback sets *interrupted ends it. */
int nv_ends_reach(struct nv_ends *, uv_loop_t *, const bool *interrupted, struct nv_error *err);
struct nv_remote *nv_ends_remote(struct nv_ends *, enum nv_network);
/* The hello of a server, for the record: that of the real network first. */
const json_t *nv_ends_hello(const struct nv_ends *);

/* For people: "loopback", a server's name, "emulated paths". */
const char *nv_ends_where(const struct nv_ends *);

/* One run over its network, and what both ends and the path report of it, put together: run->key
 * and run->spec say what is wanted. Dispose of the result in any case. */
int nv_ends_measure(struct nv_ends *, const struct nv_path *, struct nv_run_result *run,
                    struct nv_error *err);
void nv_ends_close(struct nv_ends *, uv_loop_t *);

#endif
