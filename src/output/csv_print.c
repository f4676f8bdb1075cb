/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "output/csv.h"
#include "output/csv_row.h"

/* One file's rows to a stream. */

struct print_emit {
    struct nv_emit emit; /* first */
    FILE *out;
    const struct nv_sheet *sheet;
    unsigned column_count;
    struct nv_column columns[NV_COLUMNS_MAX];
    char row[NV_CSV_ROW_BYTES];
};

static int print_line(struct nv_emit *emit, const void *line)
{
    struct print_emit *print = (struct print_emit *)emit;
    size_t len = nv_csv_row(print->row, print->columns, print->column_count, line);
    return fwrite(print->row, 1, len, print->out) == len ? NV_OK : NV_E_FAILED;
}

/* NULL: no such file, or no memory. */
static struct print_emit *print_new(FILE *out, const char *file)
{
    struct print_emit *print = calloc(1, sizeof *print);
    if (!print)
        return NULL;
    for (unsigned i = 0; nv_sheets[i] && !print->sheet; i++)
        if (strcmp(nv_sheets[i]->file, file) == 0)
            print->sheet = nv_sheets[i];
    if (!print->sheet) {
        free(print);
        return NULL;
    }
    print->emit.line = print_line;
    print->out = out;
    print->column_count = nv_sheet_columns(print->sheet, print->columns);
    return print;
}

int nv_csv_print_header(FILE *out, const char *file)
{
    struct print_emit *print = print_new(out, file);
    int result = print ? print_line(&print->emit, NULL) : NV_E_FAILED;
    free(print);
    return result;
}

int nv_csv_print_run(FILE *out, const char *file, const struct nv_run_result *run)
{
    struct print_emit *print = print_new(out, file);
    int result = NV_E_FAILED;
    if (print && print->sheet->run_lines)
        result = print->sheet->run_lines(&print->emit, run);
    free(print);
    return result;
}

int nv_csv_print_summary(FILE *out, const struct nv_summary *summary)
{
    struct print_emit *print = print_new(out, "comparisons.csv");
    int result = NV_E_FAILED;
    if (print)
        result = print->sheet->summary_lines(&print->emit, summary);
    free(print);
    return result;
}
