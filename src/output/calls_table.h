/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_CALLS_TABLE_H
#define NV_OUTPUT_CALLS_TABLE_H

#include <stdio.h>

#include "output/summary.h"

/* For people: what each call of either end took, a line a call, a column an arm; nothing for a cell
 * whose messages had no sockets of their own. */
void nv_calls_table_print(FILE *out, const struct nv_summary_cell *cell);

#endif
