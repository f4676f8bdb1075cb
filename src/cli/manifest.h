/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_MANIFEST_H
#define NV_CLI_MANIFEST_H

#include <jansson.h>

#include "campaign/settings.h"
#include "output/summary.h"

/* campaign.json: everything needed to repeat a campaign and to read its CSV files. */
struct nv_manifest {
    const struct nv_campaign *campaign;
    const struct nv_plan *plan;
    const char *campaign_id;
    const char *start_utc;
    int argc;
    char **argv;
    const json_t *server_hello;       /* borrowed; NULL: none yet */
    json_t *client_environment;       /* borrowed */
    const json_t *rejections;         /* borrowed */
    const struct nv_summary *summary; /* NULL: nothing to summarise yet */
    bool complete;                    /* every block was run */
};

#define NV_SCHEMA_VERSION 1
#define NV_RESULT_PATH_BYTES 256u

/* Makes a new reference. */
json_t *nv_manifest_json(const struct nv_manifest *manifest);
/* Writes directory/campaign.json whole, or leaves the one that is there. */
int nv_manifest_write(const struct nv_manifest *manifest, const char *directory,
                      struct nv_error *err);

/* Where a campaign's files go. Campaigns that run at the same time never share one. */
struct nv_result {
    char path[NV_RESULT_PATH_BYTES]; /* "" before it is open, or when that failed */
    int lock_fd;
    bool automatic; /* named by us: results/<time>-<scenario> */
    bool made;      /* by us; else it was there already */
};

/* Makes the directory, with its parents. NV_E_USAGE when it is in use, or a file of results there
 * holds more than a header row. */
int nv_result_open(struct nv_result *, const struct nv_settings *settings, const char *start_utc,
                   struct nv_error *err);
/* There is something in it now: if we chose the name, results/latest points there. */
void nv_result_announce(const struct nv_result *);
/* With nothing kept, takes the directory away, unless it was there before. Any state is fine. */
void nv_result_close(struct nv_result *, bool kept);

#endif
