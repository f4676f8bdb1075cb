/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/summary.h"
#include "output/text.h"

/* What a cell is called, and quantities as it names them. */

char *nv_show_deadline(const struct nv_spec *spec, char out[NV_DEADLINE_BYTES])
{
    char plain[24];
    (void)nv_format_time(spec->deadline_ns, plain, sizeof plain);
    size_t digits = strspn(plain, "0123456789");
    (void)snprintf(out, NV_DEADLINE_BYTES, "%.*s %s", (int)digits, plain, plain + digits);
    return out;
}

char *nv_show_size(uint64_t bytes, char out[NV_SHOW_SIZE_BYTES])
{
    static const struct {
        uint64_t bytes;
        const char *name;
    } units[] = {{1u << 30, "GiB"}, {1000000000, "GB"}, {1u << 20, "MiB"}, {1000000, "MB"},
                 {1u << 10, "KiB"}, {1000, "kB"},       {1, "B"}};
    size_t i = 0;
    while (units[i].bytes > 1 && (!bytes || bytes % units[i].bytes))
        i++;
    (void)snprintf(out, NV_SHOW_SIZE_BYTES, "%" PRIu64 " %s", bytes / units[i].bytes,
                   units[i].name);
    return out;
}

char *nv_show_sizes(const struct nv_sizes *sizes, char out[NV_SHOW_SIZES_BYTES])
{
    struct nv_text text = nv_text_in(out, NV_SHOW_SIZES_BYTES);
    const char *joint = sizes->kind == NV_SIZES_UNIFORM ? " to " : " + ";
    char size[NV_SHOW_SIZE_BYTES];
    bool weighted = false;
    for (unsigned i = 0; i < sizes->count; i++) {
        nv_say(&text, "%s%s", i ? joint : "", nv_show_size(sizes->bytes[i], size));
        weighted |= sizes->kind == NV_SIZES_LIST && sizes->weight[i] != 1;
    }
    for (unsigned i = 0; weighted && i < sizes->count; i++)
        nv_say(&text, "%s%" PRIu32, i ? ":" : " (", sizes->weight[i]);
    if (weighted)
        nv_say(&text, ")");
    return out;
}

static bool is_in_every_title(const char *name)
{
    static const char *const names[] = {"app",    "workload",  "size", "rate",
                                        "engine", "transport", "seed"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Between cells of the same application: what another one sets is told by its name. */
static bool varies(const struct nv_summary *summary, const struct nv_option *option,
                   const struct nv_spec *spec)
{
    char own[NV_OPTION_TEXT_BYTES];
    char other[NV_OPTION_TEXT_BYTES];
    nv_option_get(option, spec, own, sizeof own);
    for (unsigned i = 0; i < summary->cell_count; i++) {
        const struct nv_spec *cell = summary->cells[i].arm[0].spec;
        nv_option_get(option, cell, other, sizeof other);
        if (strcmp(cell->app, spec->app) == 0 && strcmp(own, other) != 0)
            return true;
    }
    return false;
}

/* Of buffers and replies, 0 stands for what is usual, as an empty text does. */
static void say_option(struct nv_text *text, const struct nv_option *option,
                       const struct nv_spec *spec)
{
    char value[NV_OPTION_TEXT_BYTES];
    nv_option_get(option, spec, value, sizeof value);
    if (option->type == &nv_option_size) {
        uint64_t bytes = 0;
        memcpy(&bytes, (const char *)spec + option->offset, sizeof bytes);
        if (bytes)
            (void)nv_show_size(bytes, value);
        else
            value[0] = '\0';
    }
    nv_say(text, " · %s %s", option->name, value[0] ? value : "default");
}

char *nv_summary_title(const struct nv_summary *summary, const struct nv_summary_cell *cell,
                       char out[NV_TITLE_BYTES])
{
    const struct nv_spec *spec = cell->arm[0].spec;
    struct nv_text text = nv_text_in(out, NV_TITLE_BYTES);
    char sizes[NV_SHOW_SIZES_BYTES];
    char rate[NV_OPTION_TEXT_BYTES];
    nv_say(&text, "%s%s%s · %s · %s · %s", spec->app, spec->app[0] ? " · " : "", spec->workload,
           nv_show_sizes(&spec->sizes, sizes), nv_format_rate(&spec->rate, rate, sizeof rate),
           spec->engine);
    for (const struct nv_option *option = nv_spec_options; option->name; option++)
        if (!is_in_every_title(option->name) && varies(summary, option, spec))
            say_option(&text, option, spec);
    if (spec->direction == NV_BOTH)
        nv_say(&text, " · %s", nv_row_direction_name(cell->direction));
    return out;
}
