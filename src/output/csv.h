/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_CSV_H
#define NV_OUTPUT_CSV_H

#include <stdio.h>

#include "base/error.h"
#include "campaign/result.h"
#include "output/summary.h"

/* The CSV files of a result directory: UTF-8, RFC 4180 quoting, "\n" line ends, '.' decimal point
 * whatever the locale, empty for not known. */

struct nv_csv_set;

/* Makes the files with their header rows in a directory that exists; messages.csv, packets.csv
 * and capacity.csv are made when a run brings rows for it. Files that are there already are gone on
 * with: their header must be the same, and a last line that was not finished is cut off. *set is
 * owned by the caller: close it. NV_E_FAILED with one line that names the file. */
int nv_csv_set_open(struct nv_csv_set **set, const char *directory, struct nv_error *err);

/* Writes all rows of one run and leaves them with the kernel before it returns. When a write fails
 * (disk full), NV_E_FAILED names the file, and all files are cut back to the run before. Rows of
 * the warm-up round (block 0) are not written. */
int nv_csv_set_run(struct nv_csv_set *set, const struct nv_run_result *run, struct nv_error *err);

/* The same of one trial of a search, to which another file belongs. */
int nv_csv_set_trial(struct nv_csv_set *set, const struct nv_trial *trial, struct nv_error *err);

/* Replaces the contents of comparisons.csv. */
int nv_csv_set_comparisons(struct nv_csv_set *set, const struct nv_summary *summary,
                           struct nv_error *err);

/* NV_E_FAILED when the system reports a late write error. NULL is fine. */
int nv_csv_set_close(struct nv_csv_set *set, struct nv_error *err);

/* One file (by its name, "runs.csv") to a stream, for --format csv: header, rows of a run,
 * comparisons. NV_E_FAILED when it cannot be written or there is no such file. */
int nv_csv_print_header(FILE *out, const char *file);
int nv_csv_print_run(FILE *out, const char *file, const struct nv_run_result *run);
int nv_csv_print_summary(FILE *out, const struct nv_summary *summary);

#endif
