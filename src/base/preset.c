/* SPDX-License-Identifier: MIT */
#include "base/preset.h"

#include <string.h>

#include "base/option.h"

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

static const char *nearer(const struct nv_preset *list, const char *name, unsigned *distance)
{
    const char *nearest = NULL;
    for (; list && list->name; list++) {
        unsigned here = nv_name_distance(name, list->name);
        nearest = here < *distance ? list->name : nearest;
        *distance = here < *distance ? here : *distance;
    }
    return nearest;
}

int nv_preset_unknown(const struct nv_preset *own, const struct nv_preset *presets,
                      const char *kind, const char *name, struct nv_error *err)
{
    unsigned distance =
        strlen(name) < NV_NAME_DISTANCE_MAX ? (unsigned)strlen(name) : NV_NAME_DISTANCE_MAX + 1;
    const char *near = nearer(own, name, &distance);
    const char *other = nearer(presets, name, &distance);
    near = other ? other : near;
    return near ? nv_fail(err, NV_E_USAGE,
                          "no %s '%.40s'; did you mean '%s'? See netversus list %ss", kind, name,
                          near, kind)
                : nv_fail(err, NV_E_USAGE, "no %s '%.40s'; see netversus list %ss", kind, name,
                          kind);
}
