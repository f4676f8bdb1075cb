/* SPDX-License-Identifier: MIT */
#include "spec/app.h"

#include <string.h>

#include "spec/levels.h"

/* Sizes include the 40-byte header of a message, which stands for what the application would have
 * there. Figures that a source does not name are round ones of ours. */
const struct nv_preset nv_app_presets[] = {
    {"voip", "workload=stream,size=172,rate=50/s,arrival=constant,deadline=150ms",
     "one side of a call: 20 ms of G.711 in each message",
     "RFC 3551, sections 4.5.14 and 5.1: 160 bytes and a header of RTP; ITU-T G.114: 150 ms"},
    {"game", "workload=stream,direction=down,size=130,rate=64/s,arrival=constant,deadline=100ms",
     "what a server tells a player, tick by tick",
     "Feng et al., IMW 2002: 130 bytes from the server; Claypool and Claypool, CACM 2006: 100 ms; "
     "64 ticks: round"},
    {"telemetry", "workload=stream,size=100,rate=10/s,flows=16,arrival=poisson,deadline=500ms",
     "16 sensors, each with a flow of its own", "round figures"},
    {"rpc", "workload=rr,size=256,reply-size=1k,rate=200/s,arrival=poisson,deadline=100ms",
     "small requests and their answers", "round figures"},
    {"video", "workload=stream,size=1200,rate=4Mbit/s,arrival=burst,burst=14,deadline=150ms",
     "live video of 4 Mbit/s: 30 frames a second, each 14 messages at once",
     "RFC 9000, section 14: 1200 bytes pass everywhere; ITU-T G.114: 150 ms; the rest is round"},
    {"bulk",
     "workload=stream,direction=down,size=1200,rate=20Mbit/s,arrival=constant,"
     "deadline=500ms",
     "a download that offers 20 Mbit/s, whether the path has them or not", "round figures"},
    {NULL, NULL, NULL, NULL},
};

#define ITEM_BYTES (2 * NV_OPTION_TEXT_BYTES)

/* What makes arms and networks is not the application's, and what does not sweep is the campaign's.
 */
static bool may_set(const struct nv_option *row)
{
    static const char *const others[] = {"transport", "path", "app"};
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(row->name, others[i]) == 0)
            return false;
    return row->sweeps;
}

static int set(struct nv_spec *spec, const char *key, const char *value, struct nv_error *err)
{
    const struct nv_option *row = nv_option_find(nv_spec_options, key, strlen(key));
    if (row)
        return may_set(row) ? nv_option_set(row, spec, value, err)
                            : nv_fail(err, NV_E_USAGE, "'%s' is nothing that an app sets", key);
    struct nv_nearest nearest = nv_nearest_to(key);
    char words[NV_NEAREST_WORDS_BYTES];
    nv_options_see(nv_spec_options, &nearest);
    return nv_fail(err, NV_E_USAGE, "unknown option '%.60s'%s", key,
                   nv_nearest_words(&nearest, "", words));
}

static int apply_settings(struct nv_spec *spec, const char *settings, struct nv_error *err);

static int apply_item(struct nv_spec *spec, char *item, struct nv_error *err)
{
    char *equals = strchr(item, '=');
    if (equals) {
        *equals = '\0';
        return set(spec, item, equals + 1, err);
    }
    const struct nv_preset *preset = nv_preset_find(NULL, nv_app_presets, item);
    return preset ? apply_settings(spec, preset->settings, err)
                  : nv_preset_unknown(NULL, nv_app_presets, "app", item, err);
}

static int apply_settings(struct nv_spec *spec, const char *settings, struct nv_error *err)
{
    char item[ITEM_BYTES];
    for (unsigned i = 0; nv_levels_list(settings, i, item, sizeof item) > 0; i++)
        if (apply_item(spec, item, err))
            return NV_E_USAGE;
    return NV_OK;
}

int nv_app_apply(struct nv_spec *spec, const char *name, const struct nv_preset *own,
                 struct nv_error *err)
{
    const struct nv_preset *preset = nv_preset_find(own, nv_app_presets, name);
    if (!preset)
        return nv_preset_unknown(own, nv_app_presets, "app", name, err);
    return apply_settings(spec, preset->settings, err) ? nv_fail_within(err, "app %s", name)
                                                       : NV_OK;
}

int nv_app_parse_item(const char *item, struct nv_error *err)
{
    struct nv_spec scratch;
    char copy[ITEM_BYTES];
    if (strlen(item) >= sizeof copy)
        return nv_fail(err, NV_E_USAGE, "'%.40s...' is too long", item);
    memcpy(copy, item, strlen(item) + 1);
    nv_options_reset(nv_spec_options, &scratch);
    return apply_item(&scratch, copy, err);
}

static bool settings_set(const char *settings, const struct nv_option *option)
{
    char item[ITEM_BYTES];
    for (unsigned i = 0; nv_levels_list(settings, i, item, sizeof item) > 0; i++) {
        const struct nv_preset *like = nv_preset_find(NULL, nv_app_presets, item);
        const struct nv_option *row = nv_option_find(nv_spec_options, item, strcspn(item, "="));
        if (like ? settings_set(like->settings, option) : row == option)
            return true;
    }
    return false;
}

bool nv_app_sets(const char *name, const struct nv_preset *own, const struct nv_option *option)
{
    const struct nv_preset *preset = nv_preset_find(own, nv_app_presets, name);
    return preset && settings_set(preset->settings, option);
}
