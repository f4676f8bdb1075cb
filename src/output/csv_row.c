/* SPDX-License-Identifier: MIT */
#include "output/csv_row.h"

#include <string.h>

/* RFC 4180: quotes around a field that holds a comma, a quote or a line end; quotes doubled. */
static size_t put_field(char *out, const char *text)
{
    size_t used = 0;
    if (!strpbrk(text, ",\"\r\n")) {
        used = strlen(text);
        memcpy(out, text, used);
        return used;
    }
    out[used++] = '"';
    for (; *text; text++) {
        if (*text == '"')
            out[used++] = '"';
        out[used++] = *text;
    }
    out[used++] = '"';
    return used;
}

size_t nv_csv_row(char *out, const struct nv_column *columns, unsigned count, const void *line)
{
    size_t used = 0;
    for (unsigned i = 0; i < count; i++) {
        struct nv_field field = {.text = ""};
        if (line)
            columns[i].get(&field, &columns[i], line);
        if (i)
            out[used++] = ',';
        used += put_field(out + used, line ? field.text : columns[i].name);
    }
    out[used++] = '\n';
    return used;
}
