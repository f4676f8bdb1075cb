/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_PATH_H
#define NV_PATH_PATH_H

#include "base/preset.h"
#include "path/impairment.h"

/* An emulated path as people write it: a name of a preset or of a [path NAME] section, and settings
 * that change it, for both directions or for one:
 *   wifi    delay=20ms,loss=1%    dsl,up.rate=1Mbit/s,mtu=1492 */

enum nv_way { NV_WAY_UP, NV_WAY_DOWN }; /* up: from the client to the server */

struct nv_path {
    bool emulated; /* false: the real network ("none") */
    uint64_t mtu_bytes;
    struct nv_impairment way[2]; /* by enum nv_way */
};

/* "none" and "empty" come first. */
extern const struct nv_preset nv_path_presets[];

/* own: named paths of the user's, as nv_preset_find has them. 0, or NV_E_USAGE with one line in
 * *err. */
int nv_path_parse(struct nv_path *path, const char *text, const struct nv_preset *own,
                  struct nv_error *err);

/* Is this one name or key=value legal, whatever stands beside it? */
int nv_path_parse_item(const char *item, struct nv_error *err);

/* Delay there and back without jitter and queues, ns: what a bandwidth-delay product is made of. */
uint64_t nv_path_both_delay_ns(const struct nv_path *path);

#endif
