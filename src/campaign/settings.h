/* SPDX-License-Identifier: MIT */
#ifndef NV_CAMPAIGN_SETTINGS_H
#define NV_CAMPAIGN_SETTINGS_H

#include "campaign/names.h"
#include "path/path.h"
#include "spec/spec.h"

/* What a campaign is: the factors to sweep, and how often, where and how to report. */

#define NV_LEVELS_MAX 32u /* values of one factor */
#define NV_CELLS_MAX 4096u
#define NV_SECTION_CELLS_TEXT 128

struct nv_settings {
    uint64_t blocks;     /* at least; and at most, unless blocks_max is higher */
    uint64_t blocks_max; /* go on until intervals are narrow enough, up to here; 0: blocks */
    uint64_t settle_ns;  /* pause between runs */
    uint64_t reruns;     /* of a block that a noise gate rejects */
    uint64_t trial_ns;   /* of rate search: measured phase of one trial */
    bool warmup_round;   /* run every cell once before anything counts */
    char scenario[NV_OPTION_TEXT_BYTES];
    char output[NV_OPTION_TEXT_BYTES]; /* result directory; "" = results/<time>-<scenario> */
    char server[NV_OPTION_TEXT_BYTES]; /* HOST[:PORT]; "" = start one on loopback */
    unsigned format;                   /* enum nv_format */
    uint64_t packets; /* rows of packets.csv kept per direction of an emulated path; 0 = none */
    bool quiet;
    bool force; /* spin also where cores are too few */
    bool ipv4, ipv6;
    char fail_if[NV_OPTION_TEXT_BYTES];
    char plot[NV_OPTION_TEXT_BYTES]; /* charts to draw at the end: names, or "all" */
};

enum nv_format { NV_FORMAT_TABLE, NV_FORMAT_JSON, NV_FORMAT_CSV };
extern const char *const nv_formats[]; /* their names, and a NULL */

extern const struct nv_option nv_settings_options[];

/* A factor's values as given: "64,1k,8k" is three levels. */
struct nv_factor {
    const struct nv_option *option; /* of nv_spec_options */
    unsigned count;
    char level[NV_LEVELS_MAX][NV_OPTION_TEXT_BYTES];
};

#define NV_FACTORS_MAX 40u

struct nv_campaign {
    struct nv_settings settings;
    struct nv_names paths, apps;
    unsigned factor_count;                    /* those that were set; the rest have their default */
    struct nv_factor factors[NV_FACTORS_MAX]; /* in the order of setting */
};

void nv_campaign_init(struct nv_campaign *campaign);
/* One option by name, from the command line or a scenario; lists are split at commas. */
int nv_campaign_set(struct nv_campaign *campaign, const char *name, const char *text,
                    struct nv_error *err);
/* Reads a scenario file over what is set already: keys as options; in a section [path NAME] or
 * [app NAME] they are settings of that one; other sections mean nothing. Errors name file and
 * line. */
int nv_campaign_load(struct nv_campaign *campaign, const char *file, struct nv_error *err);
/* The built-in campaign: small, quick, on loopback. */
void nv_campaign_quick(struct nv_campaign *campaign);

/* What a path stands for (path/path.h); the scenario's own names come before the presets. */
int nv_campaign_path(const struct nv_campaign *campaign, const char *text, struct nv_path *path,
                     struct nv_error *err);

/* One combination of all factors but the transport. */
struct nv_cell {
    char id[16]; /* c001 … */
    /* Differ in nothing but the transport, when arms is 2. At rate search each of them has a rate
     * of its own when it runs, so that their schedules differ, too. */
    struct nv_spec arm[2];
};

struct nv_plan {
    unsigned arms; /* 1 or 2 */
    unsigned cell_count;
    struct nv_cell *cells;
    uint64_t seed;
};

/* Crosses all factors. What an application sets holds over options set before it, and not over
 * those set after it. Every cell is checked; NV_E_USAGE names the first that is impossible. */
int nv_plan_build(struct nv_plan *plan, const struct nv_campaign *campaign, struct nv_error *err);
void nv_plan_dispose(struct nv_plan *plan);
/* Seed of the runs of one block of one cell: the same for both arms. */
uint64_t nv_plan_block_seed(const struct nv_plan *plan, unsigned cell, unsigned block);

#endif
