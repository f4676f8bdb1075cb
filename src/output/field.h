/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_FIELD_H
#define NV_OUTPUT_FIELD_H

#include <stdint.h>

#include "output/columns.h"

/* Values as text for programs: '.' decimal point whatever the locale, at most nine significant
 * digits, "" for what is not known. */

void nv_field_text(struct nv_field *field, const char *text);
void nv_field_count(struct nv_field *field, uint64_t value); /* NV_UNKNOWN: empty */
void nv_field_hex(struct nv_field *field, uint64_t value);
/* NAN: empty; infinities: inf and -inf. */
void nv_field_real(struct nv_field *field, double value);
/* part / whole; empty when whole is 0. */
void nv_field_ratio(struct nv_field *field, uint64_t part, uint64_t whole);

#endif
