/* SPDX-License-Identifier: MIT */
#include "campaign/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "path/log.h"
#include "spec/app.h"
#include "spec/levels.h"

const char *const nv_formats[] = {"table", "json", "csv", NULL};

#define AT(field) offsetof(struct nv_settings, field)

const struct nv_option nv_settings_options[] = {
    {.name = "blocks",
     .type = &nv_option_count,
     .offset = AT(blocks),
     .fallback = "6",
     .min = 1,
     .max = 64,
     .help = "blocks of a TCP and a UDP run of each cell; under 6 give no intervals"},
    {.name = "blocks-max",
     .type = &nv_option_count,
     .offset = AT(blocks_max),
     .fallback = "0",
     .max = 64,
     .help = "add blocks until intervals are narrow, up to so many; 0: never"},
    {.name = "settle",
     .type = &nv_option_time,
     .offset = AT(settle_ns),
     .fallback = "20ms",
     .max = 60 * NV_NS_PER_S,
     .help = "pause between runs"},
    {.name = "reruns",
     .type = &nv_option_count,
     .offset = AT(reruns),
     .fallback = "2",
     .max = 10,
     .help = "how often a block that a noise gate rejects is run again"},
    {.name = "warmup-round",
     .type = &nv_option_bool,
     .offset = AT(warmup_round),
     .fallback = "yes",
     .help = "run every cell once, briefly, before anything counts"},
    {.name = "trial",
     .type = &nv_option_time,
     .offset = AT(trial_ns),
     .fallback = "2s",
     .min = 50 * NV_NS_PER_MS,
     .max = 60 * NV_NS_PER_S,
     .help = "of rate search: how long one rate is tried"},
    {.name = "scenario",
     .type = &nv_option_text,
     .offset = AT(scenario),
     .fallback = "",
     .help = "name of the campaign, part of the result directory's"},
    {.name = "output",
     .type = &nv_option_text,
     .offset = AT(output),
     .fallback = "",
     .form = "a directory that does not exist, or is empty",
     .help = "result directory; empty: results/<time>-<scenario>"},
    {.name = "server",
     .type = &nv_option_text,
     .offset = AT(server),
     .fallback = "",
     .form = "HOST[:PORT]",
     .help = "the far end; empty: start one on loopback"},
    {.name = "packets",
     .type = &nv_option_count,
     .offset = AT(packets),
     .fallback = "0",
     .max = NV_PACKETS_LOGGED_MAX,
     .help = "write packets.csv, at most so many rows a direction of an emulated path; 0: none"},
    {.name = "format",
     .type = &nv_option_choice,
     .offset = AT(format),
     .fallback = "table",
     .choices = nv_formats,
     .help = "what goes to standard output"},
    {.name = "quiet",
     .type = &nv_option_bool,
     .offset = AT(quiet),
     .fallback = "no",
     .help = "no progress line"},
    {.name = "force",
     .type = &nv_option_bool,
     .offset = AT(force),
     .fallback = "no",
     .help = "let --wait spin also where there are fewer cores than spinning threads"},
    {.name = "ipv4",
     .type = &nv_option_bool,
     .offset = AT(ipv4),
     .fallback = "no",
     .help = "use IPv4 only"},
    {.name = "ipv6",
     .type = &nv_option_bool,
     .offset = AT(ipv6),
     .fallback = "no",
     .help = "use IPv6 only"},
    {.name = "fail-if",
     .type = &nv_option_text,
     .offset = AT(fail_if),
     .fallback = "",
     .form = "METRIC>VALUE or METRIC<VALUE, such as udp.loss_ratio>0.001",
     .help = "exit 4 when this holds of any cell, or cannot be told"},
    {.name = "plot",
     .type = &nv_option_text,
     .offset = AT(plot),
     .fallback = "",
     .form = "names of charts, or all",
     .help = "draw these charts at the end, such as ontime,response, or all; empty: none"},
    {.name = NULL},
};

void nv_campaign_init(struct nv_campaign *campaign)
{
    static const struct nv_names_kind path = {"path", nv_path_parse_item};
    static const struct nv_names_kind app = {"app", nv_app_parse_item};
    memset(campaign, 0, sizeof *campaign);
    campaign->paths.kind = &path;
    campaign->apps.kind = &app;
    nv_options_reset(nv_settings_options, &campaign->settings);
}

/* What a level means, whatever it is written as: 1k is 1000. */
static int read_level(const struct nv_option *option, const char *level, char out[256],
                      struct nv_error *err)
{
    struct nv_spec scratch;
    nv_options_reset(nv_spec_options, &scratch);
    if (nv_option_set(option, &scratch, level, err))
        return NV_E_USAGE;
    nv_option_get(option, &scratch, out, 256);
    return NV_OK;
}

/* Two cells that are the same would be taken for two findings. Transports are not cells but arms,
 * and tcp,tcp tests the instrument. */
static int refuse_twins(const struct nv_factor *factor, const char *level, const char *meaning,
                        struct nv_error *err)
{
    char other[256];
    if (strcmp(factor->option->name, "transport") == 0)
        return NV_OK;
    for (unsigned i = 0; i < factor->count; i++)
        if (read_level(factor->option, factor->level[i], other, err) == NV_OK &&
            strcmp(meaning, other) == 0)
            return nv_fail(err, NV_E_USAGE, "%s: '%.40s' is there twice", factor->option->name,
                           level);
    return NV_OK;
}

/* Each level must be legal by itself, so that a mistake is reported where it was made. */
static int add_level(struct nv_factor *factor, const char *level, struct nv_error *err)
{
    char meaning[256];
    if (factor->count == NV_LEVELS_MAX)
        return nv_fail(err, NV_E_USAGE, "%s: more than %u values", factor->option->name,
                       NV_LEVELS_MAX);
    if (read_level(factor->option, level, meaning, err) ||
        refuse_twins(factor, level, meaning, err))
        return NV_E_USAGE;
    (void)snprintf(factor->level[factor->count++], NV_OPTION_TEXT_BYTES, "%s", level);
    return NV_OK;
}

/* A level by its index, as nv_option_type.level; what does not sweep is one, whatever it is. */
static int level_of(const struct nv_option *option, const char *text, unsigned index,
                    char out[NV_OPTION_TEXT_BYTES])
{
    if (option->sweeps)
        return (option->type->level ? option->type->level : nv_levels_list)(text, index, out,
                                                                            NV_OPTION_TEXT_BYTES);
    if (index)
        return 0;
    return snprintf(out, NV_OPTION_TEXT_BYTES, "%s", text) < NV_OPTION_TEXT_BYTES ? 1 : -1;
}

/* A factor that is set again takes its place anew: what is set last holds. */
static void put_last(struct nv_campaign *campaign, const struct nv_factor *factor)
{
    struct nv_factor *all = campaign->factors;
    unsigned kept = 0;
    for (unsigned i = 0; i < campaign->factor_count; i++)
        if (all[i].option != factor->option)
            memmove(&all[kept++], &all[i], sizeof all[i]);
    NV_ASSERT(kept < NV_FACTORS_MAX);
    all[kept++] = *factor;
    campaign->factor_count = kept;
}

/* The campaign is left as it was until all levels are known to be legal. */
static int set_factor(struct nv_campaign *campaign, const struct nv_option *option,
                      const char *text, struct nv_error *err)
{
    struct nv_factor factor = {.option = option};
    char level[NV_OPTION_TEXT_BYTES];
    int got;
    for (unsigned i = 0; (got = level_of(option, text, i, level)) > 0; i++)
        if (add_level(&factor, level, err))
            return NV_E_USAGE;
    if (got < 0)
        return nv_fail(err, NV_E_USAGE, "%s: '%.40s…' is too long, or has too many alternatives",
                       option->name, text);
    put_last(campaign, &factor);
    return NV_OK;
}

int nv_campaign_set(struct nv_campaign *campaign, const char *name, const char *text,
                    struct nv_error *err)
{
    const struct nv_option *row = nv_option_find(nv_spec_options, name, strlen(name));
    if (row)
        return set_factor(campaign, row, text, err);
    row = nv_option_find(nv_settings_options, name, strlen(name));
    if (row)
        return nv_option_set(row, &campaign->settings, text, err);
    struct nv_nearest nearest = nv_nearest_to(name);
    char words[NV_NEAREST_WORDS_BYTES];
    nv_options_see(nv_spec_options, &nearest);
    nv_options_see(nv_settings_options, &nearest);
    return nv_fail(err, NV_E_USAGE, "unknown option '%.60s'%s", name,
                   nv_nearest_words(&nearest, "", words));
}

int nv_campaign_path(const struct nv_campaign *campaign, const char *text, struct nv_path *path,
                     struct nv_error *err)
{
    struct nv_preset own[NV_NAMES_MAX + 1];
    nv_names_presets(&campaign->paths, own);
    return nv_path_parse(path, text, own, err);
}

struct load {
    struct nv_campaign *campaign;
    FILE *file;
    int line, bad_line; /* being read; of the first illegal key */
    struct nv_error *err;
};

static char *next_line(char *out, int out_bytes, void *user)
{
    struct load *load = user;
    load->line++;
    return fgets(out, out_bytes, load->file);
}

/* A key of [path NAME], of [app NAME], or an option. */
static int set_key(struct nv_campaign *campaign, const char *section, const char *key,
                   const char *value, struct nv_error *err)
{
    struct nv_names *const all[] = {&campaign->paths, &campaign->apps};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        size_t len = strlen(all[i]->kind->word);
        if (strncmp(section, all[i]->kind->word, len) == 0 && section[len] == ' ')
            return nv_names_set(all[i], section + len + 1, key, value, err);
    }
    return nv_campaign_set(campaign, key, value, err);
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
    struct load *load = user;
    if (load->bad_line) /* the parser goes on after a mistake; the first one is told */
        return 1;
    if (set_key(load->campaign, section, name, value, load->err) == NV_OK)
        return 1;
    load->bad_line = load->line;
    return 0;
}

static void default_name(struct nv_campaign *campaign, const char *file)
{
    char *name = campaign->settings.scenario;
    const char *base = strrchr(file, '/');
    if (name[0])
        return;
    (void)snprintf(name, sizeof campaign->settings.scenario, "%.100s", base ? base + 1 : file);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
}

int nv_campaign_load(struct nv_campaign *campaign, const char *file, struct nv_error *err)
{
    struct nv_error inner = {0};
    struct load load = {.campaign = campaign, .file = fopen(file, "r"), .err = &inner};
    if (!load.file)
        return nv_fail_errno(err, NV_E_USAGE, errno, "scenario %.200s", file);
    errno = 0;
    int line = ini_parse_stream(next_line, &load, take_key, &load);
    int failed = ferror(load.file) ? errno : 0;
    (void)fclose(load.file);
    if (failed)
        return nv_fail_errno(err, NV_E_USAGE, failed, "scenario %.200s", file);
    if (line)
        return nv_fail(err, NV_E_USAGE, "%.200s:%d: %.200s", file, line,
                       line == load.bad_line ? inner.message
                                             : "neither 'key = value' nor '[section]'");
    default_name(campaign, file);
    return NV_OK;
}

void nv_campaign_quick(struct nv_campaign *campaign)
{
    static const char *const quick[][2] = {
        {"transport", "tcp,udp"}, {"workload", "rr,stream"}, {"size", "64,1k,8k"},
        {"rate", "4000/s"},       {"duration", "280ms"},     {"warmup", "50ms"},
        {"cooldown", "20ms"},     {"rcvbuf", "4Mi"},         {"scenario", "quick"}};
    for (unsigned i = 0; i < sizeof quick / sizeof quick[0]; i++)
        NV_ASSERT(nv_campaign_set(campaign, quick[i][0], quick[i][1], NULL) == NV_OK);
}
