/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_CSV_ROW_H
#define NV_OUTPUT_CSV_ROW_H

#include "output/columns.h"

/* Every field quoted, its quotes doubled, and a separator. */
#define NV_CSV_ROW_BYTES ((size_t)NV_COLUMNS_MAX * (2 * NV_FIELD_BYTES + 3) + 1)

/* Writes one row of CSV, its line end included and no NUL, to out (NV_CSV_ROW_BYTES); line NULL:
 * the header. Returns its length. */
size_t nv_csv_row(char *out, const struct nv_column *columns, unsigned count, const void *line);

#endif
