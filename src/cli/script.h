/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_SCRIPT_H
#define NV_CLI_SCRIPT_H

#include <stdio.h>

#include "base/error.h"

/* The programs under scripts/, of the source tree or of the installation. */

/* Becomes scripts/NAME with these arguments, of which the last is NULL; returns only to tell why it
 * could not. */
int nv_script_become(const char *name, char *const *argv, struct nv_error *err);

/* Charts of --plot: "all", or names in a list. scripts/plot knows which there are: NV_E_USAGE tells
 * them when one of these is none. Where the script cannot run, drawing tells why. */
int nv_charts_check(const char *charts, struct nv_error *err);
/* Draws them from a result directory and says to `out` where they are, or to stderr why there are
 * none. */
void nv_charts_draw(const char *charts, const char *directory, FILE *out);

#endif
