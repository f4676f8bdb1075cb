/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_ARGUMENTS_H
#define NV_CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/option.h"

/* Command lines over option tables: --name VALUE, --name=VALUE, --switch, --no-switch. */

struct nv_arguments {
    int argc;
    char **argv;
    int next;
};

struct nv_argument {
    const struct nv_option *option; /* NULL: not an option but a word */
    const char *text;               /* its value, or the word */
};

/* tables ends with NULL. 1: *out is filled; 0: no more; NV_E_USAGE and one line, with the nearest
 * name, when it is no option. */
int nv_arguments_next(struct nv_arguments *, const struct nv_option *const *tables,
                      struct nv_argument *out, struct nv_error *err);

bool nv_wants_help(int argc, char **argv);
/* Standard output is a terminal, and NO_COLOR is not set. */
bool nv_wants_colour(void);
/* "left", and words from one column on, broken so that no line is wider than a terminal. */
void nv_print_entry(const char *left, const char *words, size_t column);
/* Usage and every option of the tables (second may be NULL) to standard output. */
void nv_print_help(const char *usage, const char *summary, const struct nv_option *first,
                   const struct nv_option *second);

#endif
