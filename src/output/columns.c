/* SPDX-License-Identifier: MIT */
#include "output/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/field.h"
#include "output/lines.h"

const struct nv_sheet *const nv_sheets[] = {
    &nv_sheet_runs,        &nv_sheet_quantiles,
    &nv_sheet_deadlines,   &nv_sheet_intervals,
    &nv_sheet_hist,        &nv_sheet_patterns,
    &nv_sheet_messages,    &nv_sheet_packets,
    &nv_sheet_calls,       &nv_sheet_parts,
    &nv_sheet_comparisons, &nv_sheet_capacity,
    &nv_sheet_factors,     NULL,
};
_Static_assert(sizeof nv_sheets / sizeof nv_sheets[0] <= NV_SHEETS_MAX + 1, "NV_SHEETS_MAX");

/* Of runs.csv and of comparisons.csv: what a cell does not fix has no place in the latter. */
static void get_cell_option(struct nv_field *field, const struct nv_column *column,
                            const void *line)
{
    const struct nv_summary_line *at = line;
    nv_option_get(column->option, at->cell->arm[0].spec, field->text, sizeof field->text);
}

static bool differs_within_cell(const struct nv_option *option)
{
    return strcmp(option->name, "transport") == 0 || strcmp(option->name, "seed") == 0;
}

static void get_option(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_line *at = line;
    nv_option_get(column->option, &at->run->spec, field->text, sizeof field->text);
}

struct columns {
    struct nv_column *out;
    unsigned count;
};

static void append(struct columns *columns, const struct nv_column *column)
{
    for (unsigned i = 0; i < columns->count; i++)
        if (strcmp(columns->out[i].name, column->name) == 0)
            return;
    NV_ASSERT(columns->count < NV_COLUMNS_MAX);
    columns->out[columns->count++] = *column;
}

/* Sizes have a column in bytes beside the text that was asked for. */
static void append_option(struct columns *columns, const struct nv_sheet *sheet,
                          const struct nv_option *option)
{
    struct nv_column column = {.help = option->help, .option = option};
    column.get = sheet->summary_lines ? get_cell_option : get_option;
    if (sheet->summary_lines && differs_within_cell(option))
        return;
    bool is_size = strcmp(option->name, "size") == 0;
    int len =
        snprintf(column.name, sizeof column.name, "%s%s", is_size ? "msg_" : "", option->name);
    NV_ASSERT(len > 0 && (size_t)len < sizeof column.name);
    for (char *c = column.name; *c; c++)
        *c = *c == '-' ? '_' : *c;
    append(columns, &column);
}

unsigned nv_sheet_columns(const struct nv_sheet *sheet, struct nv_column out[NV_COLUMNS_MAX])
{
    struct columns columns = {.out = out};
    for (unsigned group = 0; sheet->groups[group]; group++) {
        for (const struct nv_column *c = sheet->groups[group]; c->name[0]; c++)
            append(&columns, c);
        if (group != 1 || !sheet->with_options)
            continue;
        for (const struct nv_option *option = nv_spec_options; option->name; option++)
            append_option(&columns, sheet, option);
    }
    return columns.count;
}

void nv_columns_each(nv_column_see see, void *context)
{
    struct nv_column *columns = malloc(NV_COLUMNS_MAX * sizeof *columns);
    if (!columns)
        return;
    for (unsigned i = 0; nv_sheets[i]; i++) {
        unsigned count = nv_sheet_columns(nv_sheets[i], columns);
        for (unsigned c = 0; c < count; c++)
            see(context, nv_sheets[i], &columns[c]);
    }
    free(columns);
}
