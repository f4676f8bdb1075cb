/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_DOCS_H
#define NV_OUTPUT_DOCS_H

#include <stdio.h>

#include "base/error.h"
#include "output/columns.h"

/* The tables of columns, topics and metrics as documentation. */

/* The column of runs.csv that says what a metric is in one run. */
const char *nv_metric_help(enum nv_metric metric);

/* Topics, then every file with its columns, as Markdown. */
void nv_docs_print_markdown(FILE *out);
/* For programs, with a header: one "file,column,unit,topic,source,help" a column; one
 * "topic,title,text,empty,source,example" a topic. */
void nv_columns_print_csv(FILE *out);
void nv_topics_print_csv(FILE *out);
/* A line a topic: its name and title. */
typedef void (*nv_topic_see)(const char *name, const char *title);
void nv_topics_each(nv_topic_see see);

/* Explains a column, a metric, a topic or a file by name; NV_E_USAGE with the nearest names when
 * there is none. */
int nv_explain(const char *name, FILE *out, struct nv_error *err);

#endif
