/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_TEXT_H
#define NV_OUTPUT_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* A text in the making: what does not fit is cut between two characters, never within one. */
struct nv_text {
    char *out; /* always ends with a NUL; of the caller */
    size_t used, bytes;
};

/* Empty; bytes > 0. */
struct nv_text nv_text_in(char *out, size_t bytes);

__attribute__((format(printf, 2, 3))) void nv_say(struct nv_text *text, const char *format, ...);

/* "a", "a and b", "a, b and c": call it before each item, the first is number 0. */
void nv_say_joint(struct nv_text *text, unsigned item, unsigned item_count);

/* A share in per cent, with two figures and never rounded to all: "3.1 %", "87 %", "99.9 %". */
void nv_say_percent(struct nv_text *text, double share);

/* The first letter becomes a capital. */
void nv_say_capital(const struct nv_text *text, size_t at);

/* Words for a terminal, broken at blanks so that no line is wider than NV_TEXT_WIDTH bytes; the
 * first begins at column, further ones at indent. Ends the line. */
#define NV_TEXT_WIDTH 100u
void nv_text_wrap(FILE *out, const char *words, size_t column, size_t indent);

#endif
