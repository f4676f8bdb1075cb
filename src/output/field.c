/* SPDX-License-Identifier: MIT */
#include "output/field.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "measure/counter.h"

void nv_field_text(struct nv_field *field, const char *text)
{
    (void)snprintf(field->text, sizeof field->text, "%s", text);
}

void nv_field_count(struct nv_field *field, uint64_t value)
{
    field->text[0] = '\0';
    if (value != NV_UNKNOWN)
        (void)snprintf(field->text, sizeof field->text, "%" PRIu64, value);
}

void nv_field_hex(struct nv_field *field, uint64_t value)
{
    (void)snprintf(field->text, sizeof field->text, "%016" PRIx64, value);
}

/* Whatever printf put for the decimal point, however many bytes long, is the only thing in a finite
 * number that is not one of these. */
static void use_decimal_point(char *text)
{
    size_t kept = strspn(text, "+-0123456789e");
    if (!text[kept])
        return;
    size_t skipped = strcspn(text + kept, "+-0123456789e");
    text[kept] = '.';
    memmove(text + kept + 1, text + kept + skipped, strlen(text + kept + skipped) + 1);
}

void nv_field_real(struct nv_field *field, double value)
{
    if (isnan(value)) {
        field->text[0] = '\0';
        return;
    }
    if (isinf(value)) {
        nv_field_text(field, value > 0 ? "inf" : "-inf");
        return;
    }
    /* Whole numbers are written whole: no exponent where spreadsheets would lose digits. */
    bool whole = fabs(value) < 1e15 && value == floor(value);
    (void)snprintf(field->text, sizeof field->text, whole ? "%.0f" : "%.9g",
                   value == 0 ? 0.0 : value);
    use_decimal_point(field->text);
}

void nv_field_ratio(struct nv_field *field, uint64_t part, uint64_t whole)
{
    nv_field_real(field, whole ? (double)part / (double)whole : NAN);
}
