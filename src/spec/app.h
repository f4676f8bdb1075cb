/* SPDX-License-Identifier: MIT */
#ifndef NV_SPEC_APP_H
#define NV_SPEC_APP_H

#include "base/preset.h"
#include "spec/spec.h"

/* An application as the messages that it sends: a name that stands for several options at once. */

extern const struct nv_preset nv_app_presets[];

/* Sets what the application of that name sets, and leaves the rest. own: the user's, as
 * nv_preset_find has them. 0, or NV_E_USAGE with one line in *err. */
int nv_app_apply(struct nv_spec *spec, const char *name, const struct nv_preset *own,
                 struct nv_error *err);

/* Is this one key=value, or the name of a preset, legal, whatever stands beside it? */
int nv_app_parse_item(const char *item, struct nv_error *err);

/* Is the option among those that the application of that name sets? */
bool nv_app_sets(const char *name, const struct nv_preset *own, const struct nv_option *option);

#endif
