/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_OPTION_H
#define NV_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/nearest.h"

/* A setting is one row of a table: its name, legal form, default and where its value lives. Help,
 * scenario keys, metadata and the control conversation are all walks over such tables. */

struct nv_option;

/* How one kind of value is read from text and written back. Shared constants below; modules with
 * values of their own (size mixes) define theirs. */
struct nv_option_type {
    const char *form; /* the legal form, as a message shows it */
    int (*parse)(const struct nv_option *, void *value, const char *text); /* 0 or NV_E_USAGE */
    void (*format)(const struct nv_option *, const void *value, char *out, size_t out_bytes);
    /* How a text becomes several values: writes the one of that index; 1, or 0 when there are no
     * more, or -1 when it does not fit. NULL: they stand between commas. */
    int (*level)(const char *text, unsigned index, char *out, size_t out_bytes);
};

struct nv_option {
    const char *name; /* --name, and the key in a scenario */
    const struct nv_option_type *type;
    size_t offset;              /* of the value in its struct */
    const char *fallback;       /* the default, as text */
    uint64_t min, max;          /* of numbers, in base units; max 0 = none */
    const char *const *choices; /* of choices, NULL-terminated: the value is the index */
    const char *form;           /* overrides type->form when not NULL */
    const char *help;
    bool sweeps; /* a list makes one cell each */
};

/* value types: bool, uint64_t, uint64_t (bytes), uint64_t (ns), struct nv_rate, double, unsigned,
 * char[NV_OPTION_TEXT_BYTES] */
extern const struct nv_option_type nv_option_bool;
extern const struct nv_option_type nv_option_count;
extern const struct nv_option_type nv_option_size;
extern const struct nv_option_type nv_option_time;
extern const struct nv_option_type nv_option_rate;
extern const struct nv_option_type nv_option_share;
extern const struct nv_option_type nv_option_choice;
extern const struct nv_option_type nv_option_text;

#define NV_OPTION_TEXT_BYTES 128

/* Tables end with a row whose name is NULL. */
const struct nv_option *nv_option_find(const struct nv_option *table, const char *name, size_t len);

/* Reads text into the row's field of target; on failure one line that quotes the text, names the
 * option and gives the legal form. */
int nv_option_set(const struct nv_option *, void *target, const char *text, struct nv_error *);

/* Writes the value as text that nv_option_set reads back. */
void nv_option_get(const struct nv_option *, const void *target, char *out, size_t out_bytes);

/* Sets every row of the table to its default. */
void nv_options_reset(const struct nv_option *table, void *target);

/* All names of the table, for one that is mistyped. */
void nv_options_see(const struct nv_option *table, struct nv_nearest *nearest);

#endif
