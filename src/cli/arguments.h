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

/* What is said of one option. */
struct nv_option_words {
    const char *heading; /* of the group that it begins, or NULL */
    char left[192];      /* "--size SIZE,..." */
    char right[512];     /* what it does, and its default */
    bool sweeps;
};

/* Calls see for each option of both tables; the second may be NULL. */
typedef void (*nv_option_see)(void *context, const struct nv_option_words *words);
void nv_options_describe(const struct nv_option *const tables[2], nv_option_see see, void *context);

/* What holds for options of all kinds; a NULL text ends them. */
struct nv_option_note {
    const char *text;
    bool of_lists; /* only where an option takes a list */
};
extern const struct nv_option_note nv_option_notes[];

/* Lines of a command's examples, or NULL. */
const char *nv_examples_of(const char *command);

/* Usage and every option of the tables (second may be NULL) to standard output. */
void nv_print_help(const char *usage, const char *summary, const struct nv_option *first,
                   const struct nv_option *second);

#endif
