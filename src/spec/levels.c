/* SPDX-License-Identifier: MIT */
#include "spec/levels.h"

#include <stdbool.h>
#include <string.h>

#define VARIANTS_MAX 4096u /* more than there can be cells */

static int put(const char *text, size_t len, char *out, size_t out_bytes)
{
    while (len && *text == ' ')
        text++, len--;
    while (len && text[len - 1] == ' ')
        len--;
    if (len >= out_bytes)
        return -1;
    memcpy(out, text, len);
    out[len] = '\0';
    return 1;
}

int nv_levels_list(const char *text, unsigned index, char *out, size_t out_bytes)
{
    for (; index; index--) {
        text = strchr(text, ',');
        if (!text)
            return 0;
        text++;
    }
    return put(text, strcspn(text, ","), out, out_bytes);
}

static bool is_name(const char *item)
{
    return !memchr(item, '=', strcspn(item, ",;"));
}

static bool is_none(const char *item)
{
    item += strspn(item, " ");
    return strncmp(item, "none", 4) == 0 && strchr(",; ", item[4]) != NULL;
}

/* Of the path that text begins with. */
static size_t path_len(const char *text)
{
    size_t len = 0;
    for (;;) {
        const char *item = text + len;
        len += strcspn(item, ",;");
        if (text[len] != ',' || is_none(item) || is_name(text + len + 1))
            return len;
        len++;
    }
}

static unsigned alternatives(const char *text, size_t len)
{
    unsigned count = 1;
    for (size_t i = 0; i < len; i++)
        count += text[i] == '|';
    return count;
}

static unsigned variants(const char *text, size_t len)
{
    unsigned count = 1;
    for (size_t at = 0; at < len && count <= VARIANTS_MAX; at += strcspn(text + at, ",;") + 1)
        count *= alternatives(text + at, strcspn(text + at, ",;"));
    return count;
}

/* Appends the item with the alternative that index picks. */
static bool put_item(const char *item, size_t len, unsigned pick, char *out, size_t out_bytes)
{
    size_t used = strlen(out);
    const char *equals = memchr(item, '=', len);
    const char *value = equals ? equals + 1 : item;
    for (; pick; pick--)
        value = strchr(value, '|') + 1;
    size_t key_len = equals ? (size_t)(equals + 1 - item) : 0;
    size_t value_len = strcspn(value, "|,;");
    if (used + (used > 0) + key_len + value_len >= out_bytes)
        return false;
    if (used)
        out[used++] = ',';
    memcpy(out + used, item, key_len);
    memcpy(out + used + key_len, value, value_len);
    out[used + key_len + value_len] = '\0';
    return true;
}

/* The last key changes fastest. */
static int put_variant(const char *text, size_t len, unsigned index, char *out, size_t out_bytes)
{
    unsigned left = variants(text, len);
    out[0] = '\0';
    for (size_t at = 0, item_len; at < len; at += item_len + 1) {
        item_len = strcspn(text + at, ",;");
        unsigned count = alternatives(text + at, item_len);
        left /= count;
        if (!put_item(text + at, item_len, index / left % count, out, out_bytes))
            return -1;
    }
    return 1;
}

int nv_levels_paths(const char *text, unsigned index, char *out, size_t out_bytes)
{
    for (;;) {
        text += strspn(text, " ");
        size_t len = path_len(text);
        unsigned count = variants(text, len);
        if (count > VARIANTS_MAX)
            return -1;
        if (index < count)
            return put_variant(text, len, index, out, out_bytes);
        index -= count;
        if (!text[len])
            return 0;
        text += len + 1;
    }
}
