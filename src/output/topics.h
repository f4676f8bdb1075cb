/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_TOPICS_H
#define NV_OUTPUT_TOPICS_H

#include "output/columns.h"

/* What families of numbers mean. A column says what is its own; what it shares with others, such as
 * where it comes from and when it is empty, is said here, once. Columns find their topic by name.
 */
struct nv_topic {
    const char *name;  /* "on-time" */
    const char *title; /* for people */
    const char *text;  /* sentences */
    const char *empty; /* when its columns are empty; "Never empty." */
    const char *source;
    /* With numbers, to be done again by hand. Every "a + b = c" in it is computed by
     * tests/explain_test.py, and some by the program's own functions in topics_test.c. */
    const char *example;
    /* Patterns of columns' names, with blanks between; * stands for any letters. "FILE.csv:" before
     * one: of that file only. The first topic that has one counts. */
    const char *columns;
};

extern const struct nv_topic *const nv_topic_groups[]; /* tables that end with a NULL name; NULL */

const struct nv_topic *nv_topic_find(const char *name);
/* Of a column of a file; NULL: none has it, which tests/explain_test.py does not let pass. */
const struct nv_topic *nv_topic_of(const struct nv_sheet *sheet, const struct nv_column *column);
/* By the end of its name: "nanoseconds"; "" of names, texts and plain numbers. */
const char *nv_column_unit(const struct nv_column *column);

/* The tables of topics. */
extern const struct nv_topic nv_topics_times[];
extern const struct nv_topic nv_topics_delivery[];
extern const struct nv_topic nv_topics_system[];
extern const struct nv_topic nv_topics_comparison[];

#endif
