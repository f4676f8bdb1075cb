/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_ENDPOINT_H
#define NV_TRANSPORT_ENDPOINT_H

#include "measure/report.h"
#include "transport/driver.h"
#include "workload/workload.h"

/* One end of one run: opens the flows, carries the workload over the driver in its own thread (or
 * several), and leaves a report per flow. One loop for every workload and driver:
 * run → send → poll.
 *
 * Life: create → (event OPENED or FAILED) → start → (event SENT when nothing more will be sent) →
 * expect → (event DONE or FAILED) → reports → destroy. All functions are for the owner's thread. */

enum nv_endpoint_state {
    NV_ENDPOINT_OPENING,
    NV_ENDPOINT_OPENED, /* flows stand, waiting for start */
    NV_ENDPOINT_RUNNING,
    NV_ENDPOINT_SENT, /* has sent all it will */
    NV_ENDPOINT_DONE,
    NV_ENDPOINT_FAILED,
};

struct nv_endpoint_config {
    const struct nv_spec *spec; /* copied */
    bool client;
    uint32_t run_tag;
    uint64_t token;
    struct sockaddr_storage address; /* client: where to connect to */
    int listen_fd;                   /* server: lent; client: -1 */
    struct nv_listening listening;   /* server: of listen_fd */
    uint64_t open_timeout_ns;
    /* Called from the data thread after every change of state; must be safe there
     * (uv_async_send). */
    void (*notify)(void *context);
    void *context;
};

struct nv_endpoint;

/* Whether the driver and the workload can do what the spec asks for. One line in *err, NV_E_USAGE. */
int nv_endpoint_check(const struct nv_spec *, struct nv_error *err);

/* Data threads that one end has. */
unsigned nv_endpoint_threads(const struct nv_spec *, const struct nv_driver *);

/* Starts opening flows at once. NULL and *err on failure. */
struct nv_endpoint *nv_endpoint_create(const struct nv_endpoint_config *, struct nv_error *err);
enum nv_endpoint_state nv_endpoint_state(const struct nv_endpoint *);
void nv_endpoint_start(struct nv_endpoint *, uint64_t t0_ns);
/* What the far end must know, per flow; valid from SENT on. */
void nv_endpoint_ends(const struct nv_endpoint *, struct nv_flow_end out[NV_FLOWS_MAX]);
/* What the far end said. */
void nv_endpoint_expect(struct nv_endpoint *, const struct nv_flow_end *ends, unsigned count);
/* Ends the run early; DONE or FAILED follows soon. */
void nv_endpoint_stop(struct nv_endpoint *);
/* Valid in DONE: flow_count reports, owned by the endpoint. In FAILED: why. */
struct nv_flow_report *nv_endpoint_reports(struct nv_endpoint *, unsigned *flow_count);
const struct nv_error *nv_endpoint_error(const struct nv_endpoint *);
/* Stops, joins and frees; NULL is fine. */
void nv_endpoint_destroy(struct nv_endpoint *);

#endif
