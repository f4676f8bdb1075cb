/* SPDX-License-Identifier: MIT */
#include "path/path.h"

const struct nv_path_preset nv_path_presets[] = {
    {"none", "", "the real network: nothing is emulated", NULL},
    {"empty", "", "an emulated path that does nothing to packets", NULL},
    {"lan", "delay=250us", "a switched local network", NULL},
    {NULL, NULL, NULL, NULL},
};
