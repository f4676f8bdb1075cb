/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "output/columns.h"

/* The tables as documentation. */

#define COMMON_MIN 2u /* characters; a suggestion has more in common */

/* What a walk over all columns is given. */
struct visit {
    FILE *out;
    const char *name; /* looked for */
    const char *last; /* file that was printed last */
    unsigned found_count;
    char nearest[NV_COLUMN_NAME_BYTES];
    unsigned nearest_common;
};

static void each_column(struct visit *visit, void (*see)(struct visit *, const struct nv_sheet *,
                                                         const struct nv_column *))
{
    struct nv_column *columns = malloc(NV_COLUMNS_MAX * sizeof *columns);
    if (!columns)
        return;
    for (unsigned i = 0; nv_sheets[i]; i++) {
        unsigned count = nv_sheet_columns(nv_sheets[i], columns);
        for (unsigned c = 0; c < count; c++)
            see(visit, nv_sheets[i], &columns[c]);
    }
    free(columns);
}

/* A cell of a Markdown table must not hold a bare bar. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++)
        (void)fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void print_markdown(struct visit *visit, const struct nv_sheet *sheet,
                           const struct nv_column *column)
{
    if (visit->last != sheet->file) {
        (void)fprintf(visit->out, "%s## %s\n\n%s\n\n| column | meaning |\n|---|---|\n",
                      visit->last ? "\n" : "", sheet->file, sheet->help);
        visit->last = sheet->file;
    }
    (void)fprintf(visit->out, "| `%s` | ", column->name);
    print_cell(visit->out, column->help);
    (void)fprintf(visit->out, " |\n");
}

void nv_columns_print_markdown(FILE *out)
{
    struct visit visit = {.out = out};
    each_column(&visit, print_markdown);
}

/* Help is longer than any value may be. */
static void print_csv(struct visit *visit, const struct nv_sheet *sheet,
                      const struct nv_column *column)
{
    (void)fprintf(visit->out, "%s,%s,\"", sheet->file, column->name);
    for (const char *c = column->help; *c; c++)
        (void)fprintf(visit->out, *c == '"' ? "\"%c" : "%c", *c);
    (void)fprintf(visit->out, "\"\n");
}

void nv_columns_print_csv(FILE *out)
{
    struct visit visit = {.out = out};
    (void)fprintf(out, "file,column,help\n");
    each_column(&visit, print_csv);
}

/* Key columns are in every file with the same words: told once. */
static void explain(struct visit *visit, const struct nv_sheet *sheet,
                    const struct nv_column *column)
{
    if (strcmp(column->name, visit->name) != 0)
        return;
    if (visit->last != column->help)
        (void)fprintf(visit->out, "%s%s (%s): %s\n", visit->found_count ? "\n" : "", column->name,
                      sheet->file, column->help);
    visit->last = column->help;
    visit->found_count++;
}

static void explain_metric(struct visit *visit)
{
    for (unsigned i = 0; i < NV_METRIC_COUNT; i++) {
        const struct nv_metric_info *metric = &nv_metrics[i];
        if (strcmp(metric->name, visit->name) != 0 && strcmp(metric->label, visit->name) != 0)
            continue;
        (void)fprintf(visit->out, "%s%s (metric, %s): %s %s is better.%s\n",
                      visit->found_count ? "\n" : "", metric->name, metric->unit, metric->help,
                      metric->lower_is_better ? "Lower" : "Higher",
                      metric->primary ? " Decided on beforehand, so a verdict on it counts." : "");
        visit->found_count++;
    }
}

/* Nearest by a common beginning: columns come in families. */
static void suggest(struct visit *visit, const struct nv_sheet *sheet,
                    const struct nv_column *column)
{
    (void)sheet;
    unsigned common = 0;
    while (column->name[common] && column->name[common] == visit->name[common])
        common++;
    if (common <= visit->nearest_common)
        return;
    visit->nearest_common = common;
    memcpy(visit->nearest, column->name, sizeof visit->nearest);
}

static int fail_unknown(const char *name, struct nv_error *err)
{
    struct visit visit = {.name = name, .nearest_common = COMMON_MIN};
    each_column(&visit, suggest);
    bool near = visit.nearest[0] != '\0';
    return nv_fail(err, NV_E_USAGE, "explain: no column or metric is called '%.60s'%s%s%s", name,
                   near ? "; did you mean '" : "; see: netversus list columns", visit.nearest,
                   near ? "'?" : "");
}

int nv_explain(const char *name, FILE *out, struct nv_error *err)
{
    struct visit visit = {.out = out, .name = name};
    explain_metric(&visit);
    each_column(&visit, explain);
    return visit.found_count ? NV_OK : fail_unknown(name, err);
}
