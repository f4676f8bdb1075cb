/* SPDX-License-Identifier: MIT */
#include "base/option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static int in_range(const struct nv_option *row, uint64_t value)
{
    return value >= row->min && (!row->max || value <= row->max) ? NV_OK : NV_E_USAGE;
}

static int parse_bool(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    static const char *const words[] = {"no", "yes", "0", "1", "false", "true", "off", "on"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *(bool *)value = i & 1;
            return NV_OK;
        }
    }
    return NV_E_USAGE;
}

static void format_bool(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)row;
    (void)snprintf(out, n, "%s", *(const bool *)value ? "yes" : "no");
}

static int parse_number(const struct nv_option *row, void *value, const char *text,
                        int (*parse)(const char *, uint64_t *))
{
    uint64_t number = 0;
    if (parse(text, &number) || in_range(row, number))
        return NV_E_USAGE;
    *(uint64_t *)value = number;
    return NV_OK;
}

static int parse_count(const struct nv_option *row, void *value, const char *text)
{
    return parse_number(row, value, text, nv_parse_count);
}

static int parse_size(const struct nv_option *row, void *value, const char *text)
{
    return parse_number(row, value, text, nv_parse_size);
}

static int parse_time(const struct nv_option *row, void *value, const char *text)
{
    return parse_number(row, value, text, nv_parse_time);
}

static void format_number(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)row;
    (void)snprintf(out, n, "%" PRIu64, *(const uint64_t *)value);
}

static void format_time(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)row;
    (void)nv_format_time(*(const uint64_t *)value, out, n);
}

static int parse_rate(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    return nv_parse_rate(text, value);
}

static void format_rate(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)row;
    (void)nv_format_rate(value, out, n);
}

static int parse_share(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    return nv_parse_share(text, value);
}

static void format_share(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)row;
    (void)snprintf(out, n, "%.9g", *(const double *)value);
}

static int parse_choice(const struct nv_option *row, void *value, const char *text)
{
    for (unsigned i = 0; row->choices[i]; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            *(unsigned *)value = i;
            return NV_OK;
        }
    }
    return NV_E_USAGE;
}

static void format_choice(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)snprintf(out, n, "%s", row->choices[*(const unsigned *)value]);
}

static int parse_text(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    size_t len = strlen(text);
    if (len >= NV_OPTION_TEXT_BYTES)
        return NV_E_USAGE;
    memcpy(value, text, len + 1);
    return NV_OK;
}

static void format_text(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)row;
    (void)snprintf(out, n, "%s", (const char *)value);
}

const struct nv_option_type nv_option_bool = {"yes|no", parse_bool, format_bool, NULL};
const struct nv_option_type nv_option_count = {"N", parse_count, format_number, NULL};
const struct nv_option_type nv_option_size = {"BYTES, such as 64k or 4Mi", parse_size,
                                              format_number, NULL};
const struct nv_option_type nv_option_time = {"TIME, such as 250us, 20ms or 1.5s", parse_time,
                                              format_time, NULL};
const struct nv_option_type nv_option_rate = {"N/s, Nbit/s or max, such as 2000/s or 10Mbit/s",
                                              parse_rate, format_rate, NULL};
const struct nv_option_type nv_option_share = {"a share such as 1% or 0.01", parse_share,
                                               format_share, NULL};
const struct nv_option_type nv_option_choice = {NULL, parse_choice, format_choice, NULL};
const struct nv_option_type nv_option_text = {"TEXT", parse_text, format_text, NULL};

const struct nv_option *nv_option_find(const struct nv_option *table, const char *name, size_t len)
{
    for (const struct nv_option *row = table; row->name; row++)
        if (strlen(row->name) == len && memcmp(row->name, name, len) == 0)
            return row;
    return NULL;
}

static void describe_form(const struct nv_option *row, char *out, size_t out_bytes)
{
    const char *form = row->form ? row->form : row->type->form;
    size_t used = 0;
    if (form) {
        (void)snprintf(out, out_bytes, "%s", form);
    } else {
        out[0] = '\0';
        for (unsigned i = 0; row->choices[i] && used < out_bytes; i++)
            used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", i ? "|" : "",
                                     row->choices[i]);
    }
    used = strlen(out);
    char max[24];
    if (row->max && row->type == &nv_option_time)
        (void)snprintf(out + used, out_bytes - used, ", at most %s",
                       nv_format_time(row->max, max, sizeof max));
    else if (row->max)
        (void)snprintf(out + used, out_bytes - used, " from %" PRIu64 " to %" PRIu64, row->min,
                       row->max);
}

int nv_option_set(const struct nv_option *row, void *target, const char *text, struct nv_error *err)
{
    if (row->type->parse(row, (char *)target + row->offset, text) == NV_OK)
        return NV_OK;
    char form[256];
    describe_form(row, form, sizeof form);
    return nv_fail(err, NV_E_USAGE, "%s: '%.100s' is not %s", row->name, text, form);
}

void nv_option_get(const struct nv_option *row, const void *target, char *out, size_t out_bytes)
{
    row->type->format(row, (const char *)target + row->offset, out, out_bytes);
}

void nv_options_reset(const struct nv_option *table, void *target)
{
    for (const struct nv_option *row = table; row->name; row++)
        NV_ASSERT(nv_option_set(row, target, row->fallback, NULL) == NV_OK);
}

void nv_options_see(const struct nv_option *table, struct nv_nearest *nearest)
{
    for (const struct nv_option *row = table; row->name; row++)
        nv_nearest_see(nearest, row->name);
}
