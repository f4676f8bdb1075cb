/* SPDX-License-Identifier: MIT */
#ifndef NV_SPEC_LEVELS_H
#define NV_SPEC_LEVELS_H

#include <stddef.h>

/* How the text of a factor becomes its levels, one cell each. All write the level of that index:
 * 1, or 0 when there are no more, or -1 when it does not fit. */

/* "64,1k,8k": between commas. */
int nv_levels_list(const char *text, unsigned index, char *out, size_t out_bytes);

/* "none,wifi,loss=1%": a name begins a path, key=value changes the one before it (not none, which
 * cannot be changed); a semicolon begins another. "delay=20ms,loss=0|1%|5%": three of them. */
int nv_levels_paths(const char *text, unsigned index, char *out, size_t out_bytes);

#endif
