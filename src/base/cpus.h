/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_CPUS_H
#define NV_BASE_CPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A set of processors, as Linux numbers them, and how a thread is kept on one of them. */

#define NV_CPUS_MAX 1024u

struct nv_cpus {
    uint64_t bits[NV_CPUS_MAX / 64];
};

/* Reads "0", "2-5" or "0+2-5", up to the end of the text or the character `end`; where it stopped,
 * or NULL when that is no set. */
const char *nv_cpus_parse(struct nv_cpus *, const char *text, char end);
/* Writes it so that it can be read back; bytes it takes, as snprintf. "" for none. */
int nv_cpus_format(const struct nv_cpus *, char *out, size_t out_bytes);

unsigned nv_cpus_count(const struct nv_cpus *);
/* Adds those of another set. */
void nv_cpus_add(struct nv_cpus *, const struct nv_cpus *other);

/* Keeps the calling thread on the set's processor of that number, counted from 0 and round again;
 * an empty set changes nothing. NV_E_FAILED where this process may not use that processor. */
int nv_cpus_pin(const struct nv_cpus *, unsigned index, struct nv_error *err);

#endif
