/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_PATH_H
#define NV_PATH_PATH_H

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

/* A name and the settings that it stands for. */
struct nv_path_preset {
    const char *name;
    const char *settings; /* "" = nothing happens to packets */
    const char *help;     /* what it is like, in a line */
    const char *source;   /* where the figures come from; NULL: a definition, or the user's own */
};

/* Ends with a NULL name. "none" and "empty" come first. */
extern const struct nv_path_preset nv_path_presets[];

/* own: named paths of the user's, ended by a NULL name, looked up before the presets; NULL: none.
 * 0, or NV_E_USAGE with one line in *err. */
int nv_path_parse(struct nv_path *path, const char *text, const struct nv_path_preset *own,
                  struct nv_error *err);

/* Is this one name or key=value legal, whatever stands beside it? Uses *scratch. */
int nv_path_parse_item(struct nv_path *scratch, const char *item, struct nv_error *err);

/* Delay there and back without jitter and queues, ns: what a bandwidth-delay product is made of. */
uint64_t nv_path_both_delay_ns(const struct nv_path *path);

#endif
