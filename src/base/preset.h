/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_PRESET_H
#define NV_BASE_PRESET_H

#include "base/error.h"

/* A name and the settings that it stands for. Lists of them end with a NULL name. */
struct nv_preset {
    const char *name;
    const char *settings; /* key=value,...; "" = none */
    const char *help;     /* what it is like, in a line */
    const char *source;   /* where the figures come from; NULL: a definition, or the user's own */
};

/* own: the user's, looked up before the presets; NULL: none. NULL when there is no such name. */
const struct nv_preset *nv_preset_find(const struct nv_preset *own, const struct nv_preset *presets,
                                       const char *name);

/* Says in *err that there is no such name, and which one is near; kind: "path". NV_E_USAGE. */
int nv_preset_unknown(const struct nv_preset *own, const struct nv_preset *presets,
                      const char *kind, const char *name, struct nv_error *err);

#endif
