/* SPDX-License-Identifier: MIT */
#include "campaign/names.h"

#include <stdio.h>
#include <string.h>

static struct nv_name *name_of(struct nv_names *names, const char *name)
{
    for (unsigned i = 0; i < names->count; i++)
        if (strcmp(names->item[i].name, name) == 0)
            return &names->item[i];
    if (names->count == NV_NAMES_MAX)
        return NULL;
    struct nv_name *item = &names->item[names->count++];
    (void)snprintf(item->name, sizeof item->name, "%s", name);
    return item;
}

int nv_names_set(struct nv_names *names, const char *name, const char *key, const char *value,
                 struct nv_error *err)
{
    const char *word = names->kind->word;
    bool is_like = strcmp(key, "like") == 0;
    if (!*name || strlen(name) >= 40 || strpbrk(name, ",;=|") || strcmp(name, "none") == 0)
        return nv_fail(err, NV_E_USAGE, "'[%s %.40s]' is not [%s NAME]", word, name, word);
    struct nv_name *item = name_of(names, name);
    if (!item)
        return nv_fail(err, NV_E_USAGE, "more than %u sections [%s NAME]", NV_NAMES_MAX, word);
    size_t used = strlen(item->settings);
    int len = snprintf(item->settings + used, sizeof item->settings - used, "%s%s%s%s",
                       used ? "," : "", is_like ? "" : key, is_like ? "" : "=", value);
    if (len < 0 || (size_t)len >= sizeof item->settings - used)
        return nv_fail(err, NV_E_USAGE, "%s %s: more than %u characters", word, name,
                       NV_NAME_SETTINGS_BYTES - 1);
    return names->kind->parse_item(item->settings + used + (used > 0), err);
}

void nv_names_presets(const struct nv_names *names, struct nv_preset out[NV_NAMES_MAX + 1])
{
    for (unsigned i = 0; i < names->count; i++)
        out[i] = (struct nv_preset){names->item[i].name, names->item[i].settings, "", NULL};
    out[names->count] = (struct nv_preset){NULL, NULL, NULL, NULL};
}
