/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_TABLE_H
#define NV_OUTPUT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "output/summary.h"

/* The comparison table for people: at most 100 columns wide, UTF-8, escape codes only if colour is
 * asked for. */
void nv_table_print(FILE *out, const struct nv_summary *summary, bool colour);

#endif
