/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CAPACITY_H
#define NV_CLI_CAPACITY_H

#include "cli/runner.h"

/* Searches, before any block, for the rates that a plan leaves to be found: of each cell at rate
 * search, for each arm whose transport does not limit itself. Trials go to capacity.csv as they
 * end, and what was found to the runner's cells. Stops at the first trial that cannot be made: *err
 * names its cell and rate. */
int nv_capacity_search(struct nv_runner *runner, struct nv_error *err);

/* Trials that the searches of a plan are likely to take, for the progress line. */
unsigned nv_capacity_trials(const struct nv_plan *plan);

#endif
