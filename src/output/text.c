/* SPDX-License-Identifier: MIT */
#include "output/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

struct nv_text nv_text_in(char *out, size_t bytes)
{
    NV_ASSERT(bytes > 0);
    out[0] = '\0';
    return (struct nv_text){out, 0, bytes};
}

/* Bytes of UTF-8 up to and with the last whole character. */
static size_t whole_characters(const char *text, size_t bytes)
{
    size_t start = bytes;
    while (start && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (!start)
        return 0;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return bytes - (start - 1) == length ? bytes : start - 1;
}

void nv_say(struct nv_text *text, const char *format, ...)
{
    size_t room = text->bytes - text->used;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text->out + text->used, room, format, arguments);
    va_end(arguments);
    if (len < 0)
        return;
    if ((size_t)len < room) {
        text->used += (size_t)len;
        return;
    }
    text->used = whole_characters(text->out, text->bytes - 1);
    text->out[text->used] = '\0';
}

void nv_say_joint(struct nv_text *text, unsigned item, unsigned item_count)
{
    if (item)
        nv_say(text, "%s", item + 1 == item_count ? " and " : ", ");
}

void nv_say_percent(struct nv_text *text, double share)
{
    double percent = share > 1 - 1e-9 ? 100 : 100 * share; /* sums of parts may miss it */
    int decimals = percent >= 9.95 ? 0 : percent >= 0.995 ? 1 : 2;
    while (percent < 100 && 100 - percent < 0.5 * pow(10, -decimals) && decimals < 6)
        decimals++;
    nv_say(text, "%.*f %%", decimals, percent);
}

void nv_say_capital(const struct nv_text *text, size_t at)
{
    if (at < text->used && text->out[at] >= 'a' && text->out[at] <= 'z')
        text->out[at] = (char)(text->out[at] - 'a' + 'A');
}

void nv_text_wrap(FILE *out, const char *words, size_t column, size_t indent)
{
    bool line_begins = true;
    while (*words) {
        size_t len = strcspn(words, " ");
        if (!line_begins && column + 1 + len > NV_TEXT_WIDTH) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            line_begins = true;
        }
        (void)fprintf(out, "%s%.*s", line_begins ? "" : " ", (int)len, words);
        column += !line_begins + len;
        line_begins = false;
        words += len;
        words += strspn(words, " ");
    }
    (void)fprintf(out, "\n");
}
