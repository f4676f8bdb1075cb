/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_NEAREST_H
#define NV_BASE_NEAREST_H

/* The names that somebody may have meant who mistyped one: those with the fewest letters to change,
 * add or leave out (Levenshtein), two at most, and fewer than the name has. */

#define NV_NEAREST_MAX 3u
#define NV_NEAREST_NAME_BYTES 40 /* longer names are near to none */

struct nv_nearest {
    const char *name;                                  /* as it was typed */
    char found[NV_NEAREST_MAX][NV_NEAREST_NAME_BYTES]; /* equally near, in the order seen */
    unsigned count;
    unsigned distance; /* of those found; before, one more than is near */
};

struct nv_nearest nv_nearest_to(const char *name);
/* One that there is. */
void nv_nearest_see(struct nv_nearest *nearest, const char *name);
/* The same for one that is near for another reason, unless others are nearer than that. */
void nv_nearest_offer(struct nv_nearest *nearest, const char *name, unsigned distance);

/* "; did you mean 'size'?", "; did you mean 'a', 'b' or 'c'?", or otherwise when none is near.
 * Returns out. */
#define NV_NEAREST_WORDS_BYTES 160
char *nv_nearest_words(const struct nv_nearest *nearest, const char *otherwise,
                       char out[NV_NEAREST_WORDS_BYTES]);

#endif
