/* SPDX-License-Identifier: MIT */
#ifndef NV_CAMPAIGN_NAMES_H
#define NV_CAMPAIGN_NAMES_H

#include "base/option.h"
#include "base/preset.h"

/* Paths or applications that a scenario defines, in sections [path NAME] or [app NAME]. */

#define NV_NAMES_MAX 32u
#define NV_NAME_SETTINGS_BYTES 512

struct nv_name {
    char name[NV_OPTION_TEXT_BYTES];
    char settings[NV_NAME_SETTINGS_BYTES]; /* key=value,... */
};

struct nv_names {
    unsigned count;
    struct nv_name item[NV_NAMES_MAX];
};

/* One key of the section; "like" begins with the settings of a preset. parse_item says whether a
 * key=value, or a preset, is legal. 0, or NV_E_USAGE with one line in *err. */
int nv_names_set(struct nv_names *names, const char *kind, const char *name, const char *key,
                 const char *value, int (*parse_item)(const char *item, struct nv_error *),
                 struct nv_error *err);

/* The same names as presets, which point into *names; a NULL name ends them. */
void nv_names_presets(const struct nv_names *names, struct nv_preset out[NV_NAMES_MAX + 1]);

#endif
