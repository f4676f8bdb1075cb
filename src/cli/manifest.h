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

/* The result directory: made, with its parents; NV_E_USAGE when it holds results already.
 * Without a name it is results/<time>-<scenario>, and results/latest points there. */
int nv_result_directory(const struct nv_settings *settings, const char *start_utc,
                        char out[NV_RESULT_PATH_BYTES], struct nv_error *err);

#endif
