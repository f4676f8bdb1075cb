/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_GATES_H
#define NV_CLI_GATES_H

#include "campaign/result.h"

/* Noise gates: they look at what the instrument did to itself, never at the outcome. A run that one
 * rejects becomes invalid, with a flag that names the gate. overshoot_ns: p99 of how late this
 * machine's sleeps end. */
void nv_gates_apply(struct nv_run_result *run, uint64_t overshoot_ns);

#endif
