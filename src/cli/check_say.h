/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CHECK_SAY_H
#define NV_CLI_CHECK_SAY_H

#include "cli/check.h"

/* How checks are told to people and to check.csv, around the lines of cli/check.h. */

void nv_check_say_header(struct nv_check_context *); /* of check.csv */
void nv_check_say_title(struct nv_check_context *);  /* of the row that runs */
void nv_check_say_end(struct nv_check_context *, uint64_t elapsed_ns);

#endif
