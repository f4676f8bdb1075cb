/* SPDX-License-Identifier: MIT */
#include "cli/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/columns.h"
#include "spec/app.h"

#define FILE_PATH_BYTES (NV_RESULT_PATH_BYTES + 64)
#define NAMES_MAX 100u /* of campaigns begun within one second */

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

/* What a name stands for, where it is one: a later version may know it otherwise. */
static void add_meaning(json_t *out, const struct nv_names *names, const struct nv_preset *presets,
                        const char *text)
{
    char name[NV_OPTION_TEXT_BYTES];
    struct nv_preset own[NV_NAMES_MAX + 1];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(text, ","), text);
    nv_names_presets(names, own);
    const struct nv_preset *preset = nv_preset_find(own, presets, name);
    if (preset)
        json_object_set_new(out, name, json_string(preset->settings));
}

static json_t *paths_json(const struct nv_manifest *manifest)
{
    json_t *out = json_object();
    for (unsigned i = 0; i < manifest->plan->cell_count; i++)
        add_meaning(out, &manifest->campaign->paths, nv_path_presets,
                    manifest->plan->cells[i].arm[0].path);
    return out;
}

static json_t *apps_json(const struct nv_manifest *manifest)
{
    json_t *out = json_object();
    for (unsigned i = 0; i < manifest->plan->cell_count; i++)
        add_meaning(out, &manifest->campaign->apps, nv_app_presets,
                    manifest->plan->cells[i].arm[0].app);
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

/* NULL: nothing was searched for. "msgs_per_s" of a search that found none is left out. */
static json_t *arm_capacity_json(const struct nv_summary_cell *cell, unsigned arm)
{
    const struct nv_capacity *capacity = &cell->arm[arm].capacity;
    const struct nv_spec *spec = cell->arm[arm].spec;
    if (capacity->end == NV_SEARCH_RUNNING)
        return NULL;
    json_t *out =
        json_pack("{s:s,s:s,s:s,s:f,s:s,s:i}", "cell_id", cell->cell_id, "arm", arm ? "b" : "a",
                  "transport", spec->transport, "loss_target", spec->loss_target, "outcome",
                  nv_search_end_name(capacity->end), "trials", (int)capacity->trial_count);
    if (capacity->end == NV_SEARCH_NONE)
        return out;
    double bps = 8 * nv_sizes_mean(&spec->sizes) * capacity->msgs_per_s;
    json_object_set_new(out, "msgs_per_s", json_real(capacity->msgs_per_s));
    json_object_set_new(out, "bps", json_real(bps));
    return out;
}

/* What searches found, arm by arm. */
static json_t *capacity_json(const struct nv_summary *summary)
{
    json_t *out = json_array();
    for (unsigned i = 0; i < summary->cell_count; i++) {
        const struct nv_summary_cell *cell = &summary->cells[i];
        for (unsigned arm = 0; arm < cell->arm_count; arm++) {
            json_t *entry = arm_capacity_json(cell, arm);
            if (entry)
                json_array_append_new(out, entry);
        }
    }
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
    json_object_set_new(out, "paths", paths_json(manifest));
    json_object_set_new(out, "apps", apps_json(manifest));
    json_object_set_new(out, "environment", environment_json(manifest));
    json_object_set_new(out, "rejections", json_deep_copy(manifest->rejections));
    json_object_set_new(out, "complete", json_boolean(manifest->complete));
    if (manifest->summary)
        json_object_set_new(out, "capacity", capacity_json(manifest->summary));
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

/* *made: the last of them was not there before. */
static int make_directories(const char *path, bool *made, struct nv_error *err)
{
    char partial[NV_RESULT_PATH_BYTES];
    (void)snprintf(partial, sizeof partial, "%s", path);
    for (char *p = partial + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char saved = *p;
        *p = '\0';
        *made = mkdir(partial, 0777) == 0;
        if (!*made && errno != EEXIST)
            return nv_fail_errno(err, NV_E_FAILED, errno, "mkdir %s", partial);
        *p = saved;
        if (!saved)
            return NV_OK;
    }
}

/* Anything beyond a header row, which is a line and its end. */
static bool holds_data(const char *path)
{
    struct stat status;
    bool begun = false;
    int c;
    if (stat(path, &status) || !S_ISREG(status.st_mode))
        return false;
    FILE *file = fopen(path, "re");
    if (!file)
        return true; /* who knows */
    while ((c = getc(file)) != EOF && c != '\n')
        begun = true;
    bool found = c == '\n' ? getc(file) != EOF : begun;
    (void)fclose(file);
    return found;
}

static const char *path_of(const struct nv_result *result, const struct nv_sheet *sheet,
                           char out[FILE_PATH_BYTES])
{
    (void)snprintf(out, FILE_PATH_BYTES, "%s/%s", result->path, sheet->file);
    return out;
}

static int lock(struct nv_result *result, struct nv_error *err)
{
    result->lock_fd = open(result->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* What may not be read may be written all the same, and not every file system has locks. */
    if (result->lock_fd < 0 && errno != EACCES)
        return nv_fail_errno(err, NV_E_FAILED, errno, "output: %s", result->path);
    if (flock(result->lock_fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        return nv_fail(err, NV_E_USAGE, "output: %s is in use by another campaign", result->path);
    return NV_OK;
}

static int claim(struct nv_result *result, struct nv_error *err)
{
    char path[FILE_PATH_BYTES];
    if (lock(result, err))
        return err->code;
    for (unsigned i = 0; nv_sheets[i]; i++)
        if (holds_data(path_of(result, nv_sheets[i], path)))
            return nv_fail(err, NV_E_USAGE,
                           "output: %s holds results already; name another directory",
                           result->path);
    return NV_OK;
}

/* The time has no better resolution than a second: whoever finds the name taken adds a number. */
static int make_automatic(struct nv_result *result, const char *start_utc, const char *scenario,
                          struct nv_error *err)
{
    char stamp[NV_CLOCK_UTC_BYTES];
    size_t used = 0;
    for (const char *p = start_utc; *p && used < sizeof stamp - 1; p++)
        if (*p != ':')
            stamp[used++] = *p;
    stamp[used] = '\0';
    for (unsigned n = 1; n <= NAMES_MAX; n++) {
        int len = snprintf(result->path, sizeof result->path, "results/%s-%s", stamp, scenario);
        if (n > 1)
            (void)snprintf(result->path + len, sizeof result->path - (size_t)len, "-%u", n);
        if (make_directories(result->path, &result->made, err))
            return err->code;
        if (result->made)
            return NV_OK;
    }
    return nv_fail(err, NV_E_FAILED, "output: %s is there already", result->path);
}

static int make(struct nv_result *result, const struct nv_settings *settings, const char *start_utc,
                struct nv_error *err)
{
    if (result->automatic)
        return make_automatic(result, start_utc, settings->scenario, err);
    (void)snprintf(result->path, sizeof result->path, "%s", settings->output);
    return make_directories(result->path, &result->made, err);
}

int nv_result_open(struct nv_result *result, const struct nv_settings *settings,
                   const char *start_utc, struct nv_error *err)
{
    *result = (struct nv_result){.lock_fd = -1, .automatic = !settings->output[0]};
    if (make(result, settings, start_utc, err) == NV_OK && claim(result, err) == NV_OK)
        return NV_OK;
    nv_result_close(result, true); /* it is not ours */
    return err->code;
}

void nv_result_announce(const struct nv_result *result)
{
    if (!result->automatic)
        return;
    (void)unlink("results/latest");
    (void)!symlink(result->path + strlen("results/"), "results/latest");
}

static void discard(const struct nv_result *result)
{
    char path[FILE_PATH_BYTES];
    for (unsigned i = 0; nv_sheets[i]; i++)
        (void)unlink(path_of(result, nv_sheets[i], path));
    (void)snprintf(path, sizeof path, "%s/campaign.json", result->path);
    (void)unlink(path);
    (void)rmdir(result->path);
}

void nv_result_close(struct nv_result *result, bool kept)
{
    if (!result->path[0])
        return;
    if (!kept && result->made)
        discard(result);
    if (result->lock_fd >= 0)
        (void)close(result->lock_fd);
    result->path[0] = '\0';
}
