/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_COLUMNS_H
#define NV_OUTPUT_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

#include "base/option.h"
#include "campaign/result.h"
#include "output/summary.h"

/* Every CSV file is one table of columns: name, meaning, how to get the value. Headers, rows, the
 * documentation and `explain` (output/docs.h) are walks over it. Columns are only ever appended. */

#define NV_COLUMN_NAME_BYTES 32
#define NV_COLUMNS_MAX 256u
#define NV_FIELD_BYTES 320 /* the longest value, before quoting */

struct nv_field {
    char text[NV_FIELD_BYTES]; /* "" = not applicable or not known */
};

struct nv_column {
    char name[NV_COLUMN_NAME_BYTES]; /* "" ends a table */
    const char *help; /* definition, and when it is empty if its topic does not say so */
    /* Writes the value of one line, which is what the file's rows function emits. */
    void (*get)(struct nv_field *field, const struct nv_column *column, const void *line);
    size_t offset;                  /* for getters that several columns share, */
    const struct nv_option *option; /* likewise */
    const char *source;             /* the kernel's own name of it; NULL: as its topic says */
};

/* Called once for each line of a file; a negative result stops the walk and is returned. */
struct nv_emit {
    int (*line)(struct nv_emit *emit, const void *line);
};

struct nv_sheet {
    const char *file;                      /* "runs.csv" */
    const char *help;                      /* what one row is */
    const struct nv_column *const *groups; /* NULL-terminated, in order */
    bool on_request;                       /* the file is made when there is a line for it */
    bool with_options; /* after the second group: a column for each row of nv_spec_options */
    /* One of them is set. */
    int (*run_lines)(struct nv_emit *emit, const struct nv_run_result *run);
    int (*trial_lines)(struct nv_emit *emit, const struct nv_trial *trial);
    int (*summary_lines)(struct nv_emit *emit, const struct nv_summary *summary);
};

/* Ends with NULL. */
extern const struct nv_sheet *const nv_sheets[];
#define NV_SHEETS_MAX 16u

/* All columns of a file, in order; a name that came before is left out. Returns how many. */
unsigned nv_sheet_columns(const struct nv_sheet *sheet, struct nv_column out[NV_COLUMNS_MAX]);

/* Calls see for every column of every file, in order. */
typedef void (*nv_column_see)(void *context, const struct nv_sheet *sheet,
                              const struct nv_column *column);
void nv_columns_each(nv_column_see see, void *context);

#endif
