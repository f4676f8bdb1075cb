/* SPDX-License-Identifier: MIT */
#include "path/path.h"

#include <stdio.h>
#include <string.h>

#include "path/packet.h"

#define ITEM_BYTES 160u
#define MTU_BYTES_MIN 1280u /* IPv6 needs as much, RFC 8200 section 5 */

static const struct nv_option mtu_option = {.name = "mtu",
                                            .type = &nv_option_size,
                                            .offset = offsetof(struct nv_path, mtu_bytes),
                                            .min = MTU_BYTES_MIN,
                                            .max = NV_PACKET_MTU_MAX};

static int apply_settings(struct nv_path *path, const char *text, const char *name,
                          struct nv_error *err);

/* key=value, for both directions or, with "up." or "down." before it, for one. */
static int set(struct nv_path *path, const char *key, const char *value, struct nv_error *err)
{
    static const char *const prefixes[2] = {"up.", "down."};
    bool one[2];
    for (unsigned way = 0; way < 2; way++)
        one[way] = strncmp(key, prefixes[way], strlen(prefixes[way])) == 0;
    const char *name = one[0] || one[1] ? strchr(key, '.') + 1 : key;
    if (strcmp(key, mtu_option.name) == 0)
        return nv_option_set(&mtu_option, path, value, err);
    const struct nv_option *row = nv_option_find(nv_impairment_options, name, strlen(name));
    if (!row) {
        struct nv_nearest nearest = nv_nearest_to(name);
        char words[NV_NEAREST_WORDS_BYTES];
        nv_options_see(nv_impairment_options, &nearest);
        return nv_fail(err, NV_E_USAGE, "no setting '%.40s'%s", key,
                       nv_nearest_words(&nearest, "", words));
    }
    for (unsigned way = 0; way < 2; way++)
        if ((one[way] || !one[1 - way]) && nv_option_set(row, &path->way[way], value, err))
            return err->code;
    return NV_OK;
}

static int apply_item(struct nv_path *path, char *item, const struct nv_preset *own, bool is_first,
                      struct nv_error *err)
{
    char *equals = strchr(item, '=');
    if (equals) {
        *equals = '\0';
        return set(path, item, equals + 1, err);
    }
    const struct nv_preset *preset = nv_preset_find(own, nv_path_presets, item);
    if (!preset)
        return nv_preset_unknown(own, nv_path_presets, "path", item, err);
    if (!is_first)
        return nv_fail(err, NV_E_USAGE, "'%.40s' must come first", item);
    return apply_settings(path, preset->settings, preset->name, err);
}

static int apply(struct nv_path *path, const char *text, const struct nv_preset *own,
                 struct nv_error *err)
{
    bool is_first = true;
    while (*text) {
        char item[ITEM_BYTES];
        size_t len = strcspn(text, ",");
        if (len >= sizeof item)
            return nv_fail(err, NV_E_USAGE, "'%.40s...' is too long", text);
        memcpy(item, text, len);
        item[len] = '\0';
        if (apply_item(path, item, own, is_first, err))
            return err->code;
        is_first = false;
        text += len + (text[len] == ',');
    }
    return NV_OK;
}

/* Of a named path: settings alone. */
static int apply_settings(struct nv_path *path, const char *text, const char *name,
                          struct nv_error *err)
{
    return apply(path, text, NULL, err) ? nv_fail_within(err, "%s", name) : NV_OK;
}

int nv_path_parse_item(const char *item, struct nv_error *err)
{
    struct nv_path scratch;
    return apply(&scratch, item, NULL, err);
}

int nv_path_parse(struct nv_path *path, const char *text, const struct nv_preset *own,
                  struct nv_error *err)
{
    struct nv_error inner = {0};
    memset(path, 0, sizeof *path);
    path->mtu_bytes = 1500;
    path->emulated = strcmp(text, "none") != 0;
    for (unsigned way = 0; way < 2; way++)
        nv_options_reset(nv_impairment_options, &path->way[way]);
    int failed = apply(path, text, own, &inner);
    for (unsigned way = 0; way < 2 && !failed; way++)
        failed = nv_impairment_check(&path->way[way], &inner);
    return failed ? nv_fail(err, NV_E_USAGE, "path '%.100s': %s", text, inner.message) : NV_OK;
}

uint64_t nv_path_both_delay_ns(const struct nv_path *path)
{
    return path->way[NV_WAY_UP].delay_ns + path->way[NV_WAY_DOWN].delay_ns;
}
