/* SPDX-License-Identifier: MIT */
#include "schedule/sizes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/hint.h"
#include "base/units.h"

#define SIZE_BYTES_MIN 40u /* the header's */
#define SIZE_BYTES_MAX (16u << 20)
#define WEIGHT_MAX 9999u

static int refuse(struct nv_error *err, const char *text)
{
    return nv_fail(
        err, NV_E_USAGE,
        "size: '%.60s' is not a size from 40 bytes to 16Mi, a range like 64-1k, or a mix "
        "like 64:3+1k:1",
        text);
}

static int parse_one(const char *text, size_t len, uint32_t *bytes)
{
    char copy[32];
    uint64_t value = 0;
    if (len == 0 || len >= sizeof copy)
        return -1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (nv_parse_size(copy, &value) || value < SIZE_BYTES_MIN || value > SIZE_BYTES_MAX)
        return -1;
    *bytes = (uint32_t)value;
    return 0;
}

static int parse_range(struct nv_sizes *sizes, const char *text, const char *dash)
{
    sizes->kind = NV_SIZES_UNIFORM;
    sizes->count = 2;
    return parse_one(text, (size_t)(dash - text), &sizes->bytes[0]) ||
                   parse_one(dash + 1, strlen(dash + 1), &sizes->bytes[1]) ||
                   sizes->bytes[0] >= sizes->bytes[1]
               ? -1
               : 0;
}

/* One "size" or "size:weight" of a mix, up to end. */
static int parse_part(struct nv_sizes *sizes, const char *text, const char *end)
{
    const char *colon = memchr(text, ':', (size_t)(end - text));
    unsigned i = sizes->count;
    uint64_t weight = 1;
    if (i == NV_SIZES_MAX)
        return -1;
    if (colon) {
        char copy[16];
        size_t len = (size_t)(end - colon - 1);
        if (len >= sizeof copy)
            return -1;
        memcpy(copy, colon + 1, len);
        copy[len] = '\0';
        if (nv_parse_count(copy, &weight) || weight == 0 || weight > WEIGHT_MAX)
            return -1;
    }
    sizes->weight[i] = (uint32_t)weight;
    sizes->count++;
    return parse_one(text, (size_t)((colon ? colon : end) - text), &sizes->bytes[i]);
}

int nv_sizes_parse(struct nv_sizes *out, const char *text, struct nv_error *err)
{
    struct nv_sizes sizes = {.kind = NV_SIZES_FIXED};
    const char *dash = strchr(text, '-');
    if (dash) {
        if (parse_range(&sizes, text, dash))
            return refuse(err, text);
    } else {
        for (const char *part = text;;) {
            const char *end = part + strcspn(part, "+");
            if (parse_part(&sizes, part, end))
                return refuse(err, text);
            if (!*end)
                break;
            part = end + 1;
        }
        sizes.kind = sizes.count > 1 ? NV_SIZES_LIST : NV_SIZES_FIXED;
        if (sizes.kind == NV_SIZES_FIXED)
            sizes.weight[0] = 1;
    }
    *out = sizes;
    return NV_OK;
}

int nv_sizes_format(const struct nv_sizes *sizes, char *out, size_t out_bytes)
{
    size_t used = 0;
    bool weighted = false;
    for (unsigned i = 0; sizes->kind == NV_SIZES_LIST && i < sizes->count; i++)
        weighted |= sizes->weight[i] != 1;
    for (unsigned i = 0; i < sizes->count && used < out_bytes; i++) {
        char size[24];
        const char *joint = i == 0 ? "" : sizes->kind == NV_SIZES_UNIFORM ? "-" : "+";
        (void)nv_format_count(sizes->bytes[i], size, sizeof size);
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", joint, size);
        if (weighted && used < out_bytes)
            used += (size_t)snprintf(out + used, out_bytes - used, ":%u", sizes->weight[i]);
    }
    return used < out_bytes ? 0 : -1;
}

uint32_t nv_sizes_max(const struct nv_sizes *sizes)
{
    uint32_t max = 0;
    for (unsigned i = 0; i < sizes->count; i++)
        max = sizes->bytes[i] > max ? sizes->bytes[i] : max;
    return max;
}

static uint64_t total_weight(const struct nv_sizes *sizes)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < sizes->count; i++)
        total += sizes->weight[i];
    return total;
}

double nv_sizes_mean(const struct nv_sizes *sizes)
{
    double sum = 0;
    if (sizes->kind == NV_SIZES_FIXED)
        return sizes->bytes[0];
    if (sizes->kind == NV_SIZES_UNIFORM)
        return ((double)sizes->bytes[0] + sizes->bytes[1]) / 2;
    for (unsigned i = 0; i < sizes->count; i++)
        sum += (double)sizes->bytes[i] * sizes->weight[i];
    return sum / (double)total_weight(sizes);
}

/* In [0, n) from one draw and no division. Favours an outcome by at most 2^-40, for n here is at
 * most 2^24. */
static uint64_t draw_below(struct nv_rng *rng, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)nv_rng_next(rng) * n >> 64);
}

static uint32_t draw_listed(const struct nv_sizes *sizes, struct nv_rng *rng)
{
    uint64_t at = draw_below(rng, total_weight(sizes));
    unsigned i = 0;
    while (at >= sizes->weight[i])
        at -= sizes->weight[i++];
    return sizes->bytes[i];
}

NV_HOT uint32_t nv_sizes_draw(const struct nv_sizes *sizes, struct nv_rng *rng)
{
    switch (sizes->kind) {
    case NV_SIZES_UNIFORM:
        return sizes->bytes[0] +
               (uint32_t)draw_below(rng, (uint64_t)sizes->bytes[1] - sizes->bytes[0] + 1);
    case NV_SIZES_LIST:
        return draw_listed(sizes, rng);
    default:
        return sizes->bytes[0];
    }
}
