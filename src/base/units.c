/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Reads digits at *p into *value; how many, or -1 when there are more than 18 in all. */
static int read_digits(const char **p, unsigned __int128 *value, int already)
{
    int count = 0;
    for (; isdigit((unsigned char)**p); (*p)++, count++) {
        if (already + count >= 18)
            return -1;
        *value = *value * 10 + (unsigned)(**p - '0');
    }
    return count;
}

/* A decimal number times a unit, exactly: no floating point, and no remainder is dropped ("0.5" of
 * a byte is refused). */
static int parse_scaled(const char *text, const struct unit *units, uint64_t *out)
{
    unsigned __int128 digits = 0;
    uint64_t divisor = 1;
    const char *p = text;
    int whole = read_digits(&p, &digits, 0);
    if (whole <= 0)
        return NV_E_USAGE;
    if (*p == '.') {
        p++;
        int fraction = read_digits(&p, &digits, whole);
        if (fraction <= 0)
            return NV_E_USAGE;
        for (int i = 0; i < fraction; i++)
            divisor *= 10;
    }
    for (const struct unit *u = units; u->suffix; u++) {
        if (strcmp(p, u->suffix) != 0)
            continue;
        unsigned __int128 value = digits * u->factor;
        if (value % divisor || value / divisor > UINT64_MAX)
            return NV_E_USAGE;
        *out = (uint64_t)(value / divisor);
        return NV_OK;
    }
    return NV_E_USAGE;
}

static const struct unit count_units[] = {
    {"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {NULL, 0}};

static const struct unit size_units[] = {{"", 1},           {"k", 1000},     {"M", 1000000},
                                         {"G", 1000000000}, {"Ki", 1 << 10}, {"Mi", 1 << 20},
                                         {"Gi", 1 << 30},   {NULL, 0}};

static const struct unit time_units[] = {{"", NV_NS_PER_S},
                                         {"ns", 1},
                                         {"us", NV_NS_PER_US},
                                         {"ms", NV_NS_PER_MS},
                                         {"s", NV_NS_PER_S},
                                         {"m", 60 * NV_NS_PER_S},
                                         {NULL, 0}};

static const struct unit message_rate_units[] = {
    {"/s", 1000}, {"k/s", 1000000}, {"M/s", 1000000000}, {NULL, 0}};

static const struct unit bit_rate_units[] = {{"bit/s", 1000},
                                             {"kbit/s", 1000000},
                                             {"Mbit/s", 1000000000},
                                             {"Gbit/s", 1000000000000},
                                             {NULL, 0}};

int nv_parse_count(const char *text, uint64_t *out)
{
    return parse_scaled(text, count_units, out);
}

int nv_parse_size(const char *text, uint64_t *out_bytes)
{
    return parse_scaled(text, size_units, out_bytes);
}

int nv_parse_time(const char *text, uint64_t *out_ns)
{
    return parse_scaled(text, time_units, out_ns);
}

int nv_parse_share(const char *text, double *out)
{
    char *end;
    if (!isdigit((unsigned char)*text) || text[strspn(text, "0123456789.eE-%")])
        return NV_E_USAGE;
    double value = strtod(text, &end);
    if (*end == '%') {
        value /= 100;
        end++;
    }
    if (*end || !(value >= 0 && value <= 1))
        return NV_E_USAGE;
    *out = value;
    return NV_OK;
}

int nv_parse_rate(const char *text, struct nv_rate *out)
{
    uint64_t milli_per_s = 0;
    bool searched = strcmp(text, "search") == 0;
    if (searched || strcmp(text, "max") == 0) {
        *out = (struct nv_rate){.kind = searched ? NV_RATE_SEARCH : NV_RATE_MAX};
        return NV_OK;
    }
    bool bits = parse_scaled(text, bit_rate_units, &milli_per_s) == NV_OK;
    if (!bits && parse_scaled(text, message_rate_units, &milli_per_s) != NV_OK)
        return NV_E_USAGE;
    if (milli_per_s == 0)
        return NV_E_USAGE;
    *out = (struct nv_rate){.kind = bits ? NV_RATE_BITS : NV_RATE_MESSAGES,
                            .milli_per_s = milli_per_s};
    return NV_OK;
}

/* The largest unit that divides value; a bare number when none does. */
static char *format_scaled(uint64_t value, const struct unit *units, char *out, size_t out_bytes)
{
    const struct unit *best = NULL;
    for (const struct unit *u = units; u->suffix; u++)
        if (value % u->factor == 0 && (!best || u->factor >= best->factor) && (value || u == units))
            best = u;
    NV_ASSERT(best);
    (void)snprintf(out, out_bytes, "%" PRIu64 "%s", value / best->factor, best->suffix);
    return out;
}

char *nv_format_count(uint64_t count, char *out, size_t out_bytes)
{
    return format_scaled(count, count_units, out, out_bytes);
}

char *nv_format_time(uint64_t ns, char *out, size_t out_bytes)
{
    /* Skips the bare unit, and minutes, so that every time carries a unit that reads well. */
    static const struct unit shown[] = {
        {"ns", 1}, {"us", NV_NS_PER_US}, {"ms", NV_NS_PER_MS}, {"s", NV_NS_PER_S}, {NULL, 0}};
    return format_scaled(ns, shown, out, out_bytes);
}

char *nv_format_rate(const struct nv_rate *rate, char *out, size_t out_bytes)
{
    if (rate->kind == NV_RATE_MAX || rate->kind == NV_RATE_SEARCH) {
        (void)snprintf(out, out_bytes, "%s", rate->kind == NV_RATE_MAX ? "max" : "search");
        return out;
    }
    const char *unit = rate->kind == NV_RATE_BITS ? "bit/s" : "/s";
    uint64_t whole = rate->milli_per_s / 1000;
    unsigned milli = (unsigned)(rate->milli_per_s % 1000);
    if (milli)
        (void)snprintf(out, out_bytes, "%" PRIu64 ".%03u%s", whole, milli, unit);
    else if (rate->kind == NV_RATE_BITS)
        (void)format_scaled(rate->milli_per_s, bit_rate_units, out, out_bytes);
    else
        (void)snprintf(out, out_bytes, "%" PRIu64 "%s", whole, unit);
    return out;
}

static char *show_scaled(double value, const char *const *units, char *out, size_t out_bytes)
{
    while (value >= 999.5 && units[1]) {
        value /= 1000;
        units++;
    }
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    (void)snprintf(out, out_bytes, "%.*f %s", decimals, value, *units);
    return out;
}

char *nv_show_time(double ns, char *out, size_t out_bytes)
{
    static const char *const units[] = {"ns", "us", "ms", "s", NULL};
    return show_scaled(ns, units, out, out_bytes);
}

char *nv_show_bitrate(double bits_per_s, char *out, size_t out_bytes)
{
    static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", NULL};
    return show_scaled(bits_per_s, units, out, out_bytes);
}

char *nv_show_msgrate(double msgs_per_s, char *out, size_t out_bytes)
{
    static const char *const units[] = {"msg/s", "k msg/s", "M msg/s", NULL};
    return show_scaled(msgs_per_s, units, out, out_bytes);
}

char *nv_show_count(uint64_t count, char *out, size_t out_bytes)
{
    char plain[24];
    int len = snprintf(plain, sizeof plain, "%" PRIu64, count);
    size_t used = 0;
    for (int i = 0; i < len && used + 2 < out_bytes; i++) {
        if (i && (len - i) % 3 == 0)
            out[used++] = ' ';
        out[used++] = plain[i];
    }
    out[used] = '\0';
    return out;
}
