/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NEAR_MAX 2u
#define LEN_MAX 31u

/* Over two rows of the table of distances. */
static unsigned distance_of(const char *a, const char *b)
{
    unsigned row[LEN_MAX + 1];
    size_t n = strlen(a);
    size_t m = strlen(b);
    if (n > LEN_MAX || m > LEN_MAX)
        return LEN_MAX;
    for (unsigned j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned above = row[j];
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            best = best < above + 1 ? best : above + 1;
            best = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[m];
}

struct nv_nearest nv_nearest_to(const char *name)
{
    size_t len = strlen(name);
    return (struct nv_nearest){.name = name,
                               .distance = len <= NEAR_MAX ? (unsigned)len : NEAR_MAX + 1};
}

void nv_nearest_offer(struct nv_nearest *nearest, const char *name, unsigned distance)
{
    bool nearer = distance < nearest->distance;
    bool as_near = distance == nearest->distance && nearest->count;
    if ((!nearer && !as_near) || strlen(name) >= NV_NEAREST_NAME_BYTES)
        return;
    if (nearer)
        nearest->count = 0;
    nearest->distance = distance;
    for (unsigned i = 0; i < nearest->count; i++)
        if (strcmp(nearest->found[i], name) == 0)
            return;
    if (nearest->count < NV_NEAREST_MAX)
        memcpy(nearest->found[nearest->count++], name, strlen(name) + 1);
}

void nv_nearest_see(struct nv_nearest *nearest, const char *name)
{
    nv_nearest_offer(nearest, name, distance_of(nearest->name, name));
}

char *nv_nearest_words(const struct nv_nearest *nearest, const char *otherwise,
                       char out[NV_NEAREST_WORDS_BYTES])
{
    size_t used = (size_t)snprintf(out, NV_NEAREST_WORDS_BYTES, "%s",
                                   nearest->count ? "; did you mean " : otherwise);
    for (unsigned i = 0; i < nearest->count && used < NV_NEAREST_WORDS_BYTES; i++) {
        const char *joint = i == 0 ? "" : i + 1 == nearest->count ? " or " : ", ";
        used += (size_t)snprintf(out + used, NV_NEAREST_WORDS_BYTES - used, "%s'%s'%s", joint,
                                 nearest->found[i], i + 1 == nearest->count ? "?" : "");
    }
    return out;
}
