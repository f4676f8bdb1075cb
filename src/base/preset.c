/* SPDX-License-Identifier: MIT */
#include "base/preset.h"

#include <string.h>

#include "base/nearest.h"

static const struct nv_preset *find(const struct nv_preset *list, const char *name)
{
    for (; list && list->name; list++)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

const struct nv_preset *nv_preset_find(const struct nv_preset *own, const struct nv_preset *presets,
                                       const char *name)
{
    const struct nv_preset *found = find(own, name);
    return found ? found : find(presets, name);
}

static void see(const struct nv_preset *list, struct nv_nearest *nearest)
{
    for (; list && list->name; list++)
        nv_nearest_see(nearest, list->name);
}

int nv_preset_unknown(const struct nv_preset *own, const struct nv_preset *presets,
                      const char *kind, const char *name, struct nv_error *err)
{
    struct nv_nearest nearest = nv_nearest_to(name);
    char words[NV_NEAREST_WORDS_BYTES];
    see(own, &nearest);
    see(presets, &nearest);
    return nv_fail(err, NV_E_USAGE, "no %s '%.40s'%s %s netversus list %ss", kind, name,
                   nv_nearest_words(&nearest, ";", words), nearest.count ? "See" : "see", kind);
}
