/* SPDX-License-Identifier: MIT */
#include "output/topics.h"

#include <fnmatch.h>
#include <string.h>

const struct nv_topic *const nv_topic_groups[] = {
    nv_topics_times, nv_topics_delivery, nv_topics_system, nv_topics_comparison, NULL,
};

/* The first that fits counts. */
static const struct {
    const char *pattern, *unit;
} units[] = {
    {"*_ns_per_msg", "nanoseconds a message"},
    {"*_ns_per_byte", "nanoseconds a byte"},
    {"*_msgs_per_s", "messages a second"},
    {"msg_rate_per_s", "messages a second"},
    {"*_ns", "nanoseconds"},
    {"*_us", "microseconds"},
    {"*_ms", "milliseconds"},
    {"*_s", "seconds"},
    {"*_bps", "bits a second"},
    {"*bytes*", "bytes"},
    {"*_msgs", "messages"},
    {"*_ratio", "share, from 0 to 1"},
    {"win_*", "share, from 0 to 1"},
    {"gilbert_*", "probability"},
    {"*_p", "probability"},
    {"p_*", "probability"},
    {"*_segs*", "TCP segments"},
    {"*_pkts", "packets"},
    {"*_calls", "calls"},
    {"tx_partial_writes", "calls"},
    {"*_cycles", "cycles"},
    {"*_instructions", "instructions"},
    {"*_dups", "segments"},
    {"*_count", "a count"},
    {"*_seen", "a count"},
    {"*_blocks", "blocks"},
    {"*_utc_iso", "ISO 8601"},
    {"?_median", "see unit"},
    {"difference", "see unit"},
    {"effect", "see scale"},
    {"*ci??_*", "see scale"},
    {"sign_ci_*", "see scale"},
    {"margin", "see scale"},
};

const char *nv_column_unit(const struct nv_column *column)
{
    for (unsigned i = 0; i < sizeof units / sizeof units[0] && !column->option; i++)
        if (fnmatch(units[i].pattern, column->name, 0) == 0)
            return units[i].unit;
    return "";
}

const struct nv_topic *nv_topic_find(const char *name)
{
    for (unsigned group = 0; nv_topic_groups[group]; group++)
        for (const struct nv_topic *t = nv_topic_groups[group]; t->name; t++)
            if (strcmp(t->name, name) == 0)
                return t;
    return NULL;
}

/* One pattern of len characters. */
static bool fits(const char *pattern, size_t len, const char *file, const char *column)
{
    char word[2 * NV_COLUMN_NAME_BYTES];
    NV_ASSERT(len < sizeof word);
    memcpy(word, pattern, len);
    word[len] = '\0';
    char *colon = strchr(word, ':');
    if (colon)
        *colon = '\0';
    return colon ? strcmp(word, file) == 0 && fnmatch(colon + 1, column, 0) == 0
                 : fnmatch(word, column, 0) == 0;
}

static bool has_column(const struct nv_topic *topic, const char *file, const char *column)
{
    for (const char *p = topic->columns; *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        if (fits(p, len, file, column))
            return true;
        p += len;
    }
    return false;
}

/* Columns that begin every file come before what is said of all of one. */
const struct nv_topic *nv_topic_of(const struct nv_sheet *sheet, const struct nv_column *column)
{
    const struct nv_topic *key = nv_topic_find("key");
    if (has_column(key, sheet->file, column->name))
        return key;
    const struct nv_topic *found = column->option ? nv_topic_find("inputs") : NULL;
    for (unsigned group = 0; nv_topic_groups[group] && !found; group++)
        for (const struct nv_topic *t = nv_topic_groups[group]; t->name && !found; t++)
            found = has_column(t, sheet->file, column->name) ? t : NULL;
    return found;
}
