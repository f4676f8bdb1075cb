/* SPDX-License-Identifier: MIT */
#include "cli/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *options_json(const struct nv_option *rows, const void *target)
{
    json_t *out = json_object();
    for (; rows->name; rows++) {
        char text[256];
        nv_option_get(rows, target, text, sizeof text);
        json_object_set_new(out, rows->name, json_string(text));
    }
    return out;
}

static json_t *cells_json(const struct nv_plan *plan)
{
    json_t *out = json_array();
    for (unsigned i = 0; i < plan->cell_count; i++) {
        const struct nv_cell *cell = &plan->cells[i];
        json_t *transports = json_array();
        for (unsigned arm = 0; arm < plan->arms; arm++)
            json_array_append_new(transports, json_string(cell->arm[arm].transport));
        json_t *entry = options_json(nv_spec_options, &cell->arm[0]);
        json_object_set_new(entry, "transport", transports);
        json_object_set_new(entry, "cell_id", json_string(cell->id));
        json_array_append_new(out, entry);
    }
    return out;
}

static json_t *argv_json(int argc, char **argv)
{
    json_t *out = json_array();
    for (int i = 0; i < argc; i++)
        json_array_append_new(out, json_string(argv[i]));
    return out;
}

static json_t *environment_json(const struct nv_manifest *manifest)
{
    json_t *out = json_object();
    json_object_set(out, "client", manifest->client_environment);
    json_object_set(out, "server", json_object_get(manifest->server_hello, "environment"));
    return out;
}

static json_t *words_json(const struct nv_summary *summary)
{
    json_t *out = json_array();
    char words[NV_WORDS_BYTES];
    char title[NV_TITLE_BYTES];
    json_array_append_new(out, json_string(nv_words_all(summary, words)));
    for (unsigned i = 0; i < summary->cell_count; i++)
        json_array_append_new(
            out, json_sprintf("%s: %s", nv_summary_title(summary, &summary->cells[i], title),
                              nv_words(&summary->cells[i], words)));
    return out;
}

json_t *nv_manifest_json(const struct nv_manifest *manifest)
{
    json_t *out = json_object();
    const struct nv_settings *settings = &manifest->campaign->settings;
    json_object_set_new(out, "schema_version", json_integer(NV_SCHEMA_VERSION));
    json_object_set_new(out, "tool",
                        json_pack("{s:s,s:s,s:s,s:s}", "name", "netversus", "version", NV_VERSION,
                                  "revision", NV_GIT_REVISION, "compiler", __VERSION__));
    json_object_set_new(out, "campaign_id", json_string(manifest->campaign_id));
    json_object_set_new(out, "scenario", json_string(settings->scenario));
    json_object_set_new(out, "start_utc", json_string(manifest->start_utc));
    json_object_set_new(out, "argv", argv_json(manifest->argc, manifest->argv));
    json_object_set_new(out, "settings", options_json(nv_settings_options, settings));
    json_object_set_new(out, "blocks", json_integer((json_int_t)settings->blocks));
    json_object_set_new(out, "seed", json_integer((json_int_t)manifest->plan->seed));
    json_object_set_new(out, "histogram",
                        json_pack("{s:i,s:I}", "sub_bucket_bits", NV_HIST_BITS, "limit_ns",
                                  (json_int_t)NV_HIST_LIMIT));
    json_object_set_new(out, "cells", cells_json(manifest->plan));
    json_object_set_new(out, "environment", environment_json(manifest));
    json_object_set_new(out, "rejections", json_deep_copy(manifest->rejections));
    json_object_set_new(out, "complete", json_boolean(manifest->complete));
    if (manifest->summary)
        json_object_set_new(out, "in_words", words_json(manifest->summary));
    return out;
}

int nv_manifest_write(const struct nv_manifest *manifest, const char *directory,
                      struct nv_error *err)
{
    char path[512];
    char part[520];
    (void)snprintf(path, sizeof path, "%s/campaign.json", directory);
    (void)snprintf(part, sizeof part, "%s.part", path);
    json_t *object = nv_manifest_json(manifest);
    errno = 0;
    int failed = json_dump_file(object, part, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(object);
    if (!failed)
        failed = rename(part, path);
    if (failed) {
        int reason = errno ? errno : EIO;
        (void)unlink(part);
        return nv_fail_errno(err, NV_E_FAILED, reason, "write %s", path);
    }
    return NV_OK;
}

static int make_directories(const char *path, struct nv_error *err)
{
    char partial[NV_RESULT_PATH_BYTES];
    (void)snprintf(partial, sizeof partial, "%s", path);
    for (char *p = partial + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char saved = *p;
        *p = '\0';
        if (mkdir(partial, 0777) && errno != EEXIST)
            return nv_fail_errno(err, NV_E_FAILED, errno, "mkdir %s", partial);
        *p = saved;
        if (!saved)
            return NV_OK;
    }
}

static void point_latest(const char *name)
{
    (void)unlink("results/latest");
    (void)!symlink(name, "results/latest");
}

int nv_result_directory(const struct nv_settings *settings, const char *start_utc,
                        char out[NV_RESULT_PATH_BYTES], struct nv_error *err)
{
    char stamp[NV_CLOCK_UTC_BYTES + 2];
    char runs[NV_RESULT_PATH_BYTES + 16];
    size_t used = 0;
    for (const char *p = start_utc; *p && used < sizeof stamp - 1; p++)
        if (*p != ':')
            stamp[used++] = *p;
    stamp[used] = '\0';
    if (settings->output[0])
        (void)snprintf(out, NV_RESULT_PATH_BYTES, "%s", settings->output);
    else
        (void)snprintf(out, NV_RESULT_PATH_BYTES, "results/%s-%s", stamp, settings->scenario);
    (void)snprintf(runs, sizeof runs, "%s/runs.csv", out);
    if (access(runs, F_OK) == 0)
        return nv_fail(err, NV_E_USAGE, "output: %s holds results already; name another directory",
                       out);
    if (make_directories(out, err))
        return err->code;
    if (!settings->output[0])
        point_latest(out + strlen("results/"));
    return NV_OK;
}
