/* SPDX-License-Identifier: MIT */
#include "cli/arguments.h"

#include <stdio.h>
#include <string.h>

static const struct nv_option *find(const struct nv_option *const *tables, const char *name,
                                    size_t len)
{
    for (; *tables; tables++) {
        const struct nv_option *row = nv_option_find(*tables, name, len);
        if (row)
            return row;
    }
    return NULL;
}

static int unknown(const struct nv_option *const *tables, const char *argument,
                   struct nv_error *err)
{
    const char *near = NULL;
    for (; *tables && !near; tables++)
        near = nv_option_suggest(*tables, argument + 2);
    if (near)
        return nv_fail(err, NV_E_USAGE, "unknown option '%.60s'; did you mean --%s?", argument,
                       near);
    return nv_fail(err, NV_E_USAGE, "unknown option '%.60s'; --help lists them", argument);
}

/* A switch takes the next word when that starts like a value of it: "no", "yes,no". */
static bool value_follows(const struct nv_arguments *arguments, const struct nv_option *row)
{
    bool ignored;
    char word[NV_OPTION_TEXT_BYTES];
    const char *next = arguments->next < arguments->argc ? arguments->argv[arguments->next] : "";
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(next, ","), next);
    return row->type->parse(row, &ignored, word) == NV_OK;
}

int nv_arguments_next(struct nv_arguments *arguments, const struct nv_option *const *tables,
                      struct nv_argument *out, struct nv_error *err)
{
    if (arguments->next >= arguments->argc)
        return 0;
    const char *argument = arguments->argv[arguments->next++];
    if (strncmp(argument, "--", 2) != 0) {
        *out = (struct nv_argument){NULL, argument};
        return 1;
    }
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct nv_option *row = find(tables, name, len);
    const char *text = equals ? equals + 1 : NULL;
    if (!row && !text && strncmp(name, "no-", 3) == 0) {
        row = find(tables, name + 3, len - 3);
        text = "no";
        if (row && row->type != &nv_option_bool)
            row = NULL;
    }
    if (!row)
        return unknown(tables, argument, err);
    if (!text && row->type == &nv_option_bool && !value_follows(arguments, row))
        text = "yes";
    if (!text && arguments->next < arguments->argc)
        text = arguments->argv[arguments->next++];
    if (!text)
        return nv_fail(err, NV_E_USAGE, "--%s: a value is missing", row->name);
    *out = (struct nv_argument){row, text};
    return 1;
}

bool nv_wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static void print_option(const struct nv_option *row)
{
    char left[192];
    char choices[128] = "";
    const char *form = "";
    for (unsigned i = 0; row->choices && row->choices[i]; i++)
        (void)snprintf(choices + strlen(choices), sizeof choices - strlen(choices), "%s%s",
                       i ? "|" : "", row->choices[i]);
    if (row->choices)
        form = choices;
    else if (row->type != &nv_option_bool)
        form = "…";
    (void)snprintf(left, sizeof left, "--%s %s", row->name, form);
    (void)printf("  %-32s %s", left, row->help);
    if (row->fallback[0])
        (void)printf(" [%s]", row->fallback);
    (void)printf("%s\n", row->sweeps ? " *" : "");
}

void nv_print_help(const char *usage, const char *summary, const struct nv_option *first,
                   const struct nv_option *second)
{
    (void)printf("usage: netversus %s\n%s\n\n", usage, summary);
    for (const struct nv_option *row = first; row && row->name; row++)
        print_option(row);
    for (const struct nv_option *row = second; row && row->name; row++)
        print_option(row);
    (void)printf("\nDefaults stand in brackets; an option with * takes a comma list, which makes "
                 "one cell of each value.\n"
                 "Sizes take k M G (1000) and Ki Mi Gi (1024); times ns us ms s m; rates N/s and "
                 "Nbit/s.\n");
}
