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

/* What they are names of. */
struct nv_names_kind {
    const char *word;                                       /* that begins a section's heading */
    int (*parse_item)(const char *item, struct nv_error *); /* is key=value, or a preset, legal? */
};

struct nv_names {
    const struct nv_names_kind *kind;
    unsigned count;
    struct nv_name item[NV_NAMES_MAX];
};

/* One key of the section; "like" begins with the settings of a preset. 0, or NV_E_USAGE with one
 * line in *err. */
int nv_names_set(struct nv_names *names, const char *name, const char *key, const char *value,
                 struct nv_error *err);

/* The same names as presets, which point into *names; a NULL name ends them. */
void nv_names_presets(const struct nv_names *names, struct nv_preset out[NV_NAMES_MAX + 1]);

#endif
