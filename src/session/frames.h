/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_FRAMES_H
#define NV_SESSION_FRAMES_H

#include "measure/report.h"
#include "session/protocol.h"
#include "spec/spec.h"

/* Building and reading the frames that carry more than a field or two. Builders return a new
 * reference. */

json_t *nv_hello_frame(const char *boot_id, json_t *environment);
/* Magic and protocol version must be ours. */
int nv_hello_accept(const json_t *frame, struct nv_error *err);

/* A spec as an object of texts, and back; every value is checked as an option is. */
json_t *nv_spec_to_json(const struct nv_spec *spec);
int nv_spec_from_json(struct nv_spec *spec, const json_t *object, struct nv_error *err);

json_t *nv_end_frame(const struct nv_flow_end *ends, unsigned count);
unsigned nv_end_read(const json_t *frame, struct nv_flow_end out[NV_FLOWS_MAX]);

json_t *nv_failed_frame(const struct nv_error *error);

#endif
