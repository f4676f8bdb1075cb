/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_RUNNER_H
#define NV_CLI_RUNNER_H

#include <jansson.h>

#include "campaign/order.h"
#include "campaign/settings.h"
#include "cli/ends.h"
#include "cli/manifest.h"
#include "output/csv.h"
#include "output/progress.h"
#include "output/summary.h"

/* Carries a plan out: searches for rates that are to be found, then rounds of blocks, in seeded
 * order, with noise gates; keeps the values that the comparison needs and hands every kept block to
 * the CSV files. */

#define NV_RUNNER_BLOCKS_MAX 64u
#define NV_ARM_NAME_BYTES 24

/* One cell in one direction: per arm, metric and block. */
struct nv_track {
    double value[2][NV_METRIC_COUNT][NV_RUNNER_BLOCKS_MAX];
    struct nv_summary_arm arm[2];
    bool used;
};

struct nv_cell_state {
    struct nv_track track[3]; /* by enum nv_row_direction */
    uint8_t first_arm[NV_RUNNER_BLOCKS_MAX];
    char arm_name[2][NV_ARM_NAME_BYTES]; /* "TCP", "UDP"; "TCP a", "TCP b" */
    struct nv_capacity capacity[2];      /* at rate search; else all zero */
    unsigned blocks_done, rejected;
    bool narrow; /* intervals are narrow enough */
};

struct nv_runner {
    const struct nv_campaign *campaign;
    const struct nv_plan *plan;
    struct nv_ends *ends;
    struct nv_csv_set *csv;         /* NULL: nothing is written */
    const struct nv_result *result; /* is announced with the first run that is kept */
    struct nv_progress progress;
    const char *campaign_id;
    FILE *stream;       /* --format csv: runs.csv rows go here too; else NULL */
    json_t *rejections; /* list, for campaign.json */
    struct nv_cell_state *cells;
    unsigned runs_done, runs_total, rejected_total;
    unsigned runs_kept;    /* written, and that stays */
    uint64_t overshoot_ns; /* p99 of this machine's timer */
    uint64_t delivered_total;
    /* the summary that finish() makes; owned */
    struct nv_summary_cell *summary_cells;
    unsigned summary_count;
    struct nv_error block_error; /* why a block was given up */
};

int nv_runner_init(struct nv_runner *runner, struct nv_error *err);
/* Until all blocks are done or something fails; what was finished is kept either way. */
int nv_runner_run(struct nv_runner *runner, struct nv_error *err);
/* One run that run->key and run->spec are set for, of which the key's names are filled in; noise
 * gates and the pause after it are part of it. Dispose of the result in any case. */
int nv_runner_measure(struct nv_runner *runner, unsigned cell, struct nv_run_result *run,
                      struct nv_error *err);
/* Writes a trial of a search, which then is among what was kept. */
int nv_runner_keep_trial(struct nv_runner *runner, const struct nv_trial *trial,
                         struct nv_error *err);
/* Comparisons over what was finished. */
int nv_runner_summarise(struct nv_runner *runner, struct nv_error *err);
void nv_runner_dispose(struct nv_runner *runner);

#endif
