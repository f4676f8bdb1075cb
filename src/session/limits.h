/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_LIMITS_H
#define NV_SESSION_LIMITS_H

#include "spec/spec.h"

/* What an operator allows a client to ask for in one run. */
struct nv_server_limits {
    uint64_t run_ns_max;
    uint64_t rate_msgs_max; /* per second, all flows; 0: any, and rate max */
    uint64_t size_bytes_max;
    uint64_t flows_max;
    uint64_t memory_bytes_max; /* of nv_server_memory_bytes() */
};

/* Nothing is refused. */
extern const struct nv_server_limits nv_no_limits;

/* What a run may take at the receiving end, rather too much than too little: the meters and rings
 * of each flow; two bits a message, the second for copies; the rows of messages.csv, here and as
 * text on their way to the client. Rate max counts as nv_spec_unpaced_msgs(). */
uint64_t nv_server_memory_bytes(const struct nv_spec *spec);

/* NV_E_PEER and one line that names the option, before anything is taken. */
int nv_server_limits_check(const struct nv_server_limits *limits, const struct nv_spec *spec,
                           struct nv_error *err);

#endif
