/* SPDX-License-Identifier: MIT */
#include "output/docs.h"

#include <string.h>

#include "output/lines.h"
#include "output/topics.h"

/* What a walk over all columns is given. */
struct visit {
    FILE *out;
    const char *last; /* file that was printed last */
};

struct search {
    const char *name, *help;
};

static void take_help(void *context, const struct nv_sheet *sheet, const struct nv_column *column)
{
    struct search *search = context;
    if (sheet == &nv_sheet_runs && strcmp(column->name, search->name) == 0)
        search->help = column->help;
}

const char *nv_metric_help(enum nv_metric metric)
{
    struct search search = {.name = nv_metrics[metric].column, .help = ""};
    nv_columns_each(take_help, &search);
    return search.help;
}

/* A cell of a Markdown table must not hold a bare bar, nor text a bare star. */
static void print_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        (void)fprintf(out, *text == '|' || *text == '*' ? "\\%c" : "%c", *text);
}

static void print_paragraph(FILE *out, const char *label, const char *text)
{
    (void)fprintf(out, "%s", label);
    print_escaped(out, text);
    (void)fprintf(out, "\n\n");
}

static void print_topics_markdown(FILE *out)
{
    (void)fprintf(out, "## Topics\n\n");
    for (unsigned group = 0; nv_topic_groups[group]; group++) {
        for (const struct nv_topic *t = nv_topic_groups[group]; t->name; t++) {
            (void)fprintf(out, "### %s\n\n", t->name);
            print_paragraph(out, "", t->text);
            print_paragraph(out, "*Empty:* ", t->empty);
            print_paragraph(out, "*Source:* ", t->source);
            print_paragraph(out, "*Example:* ", t->example);
        }
    }
}

static void print_markdown(void *context, const struct nv_sheet *sheet,
                           const struct nv_column *column)
{
    struct visit *visit = context;
    const struct nv_topic *topic = nv_topic_of(sheet, column);
    if (visit->last != sheet->file) {
        (void)fprintf(visit->out,
                      "%s## %s\n\n%s\n\n| column | meaning | unit | topic |\n|---|---|---|---|\n",
                      visit->last ? "\n" : "", sheet->file, sheet->help);
        visit->last = sheet->file;
    }
    (void)fprintf(visit->out, "| `%s` | ", column->name);
    print_escaped(visit->out, column->help);
    if (column->source)
        (void)fprintf(visit->out, " (%s)", column->source);
    const char *name = topic ? topic->name : "";
    (void)fprintf(visit->out, " | %s | [%s](#%s) |\n", nv_column_unit(column), name, name);
}

void nv_docs_print_markdown(FILE *out)
{
    struct visit visit = {.out = out};
    print_topics_markdown(out);
    nv_columns_each(print_markdown, &visit);
}

/* Help is longer than any value may be. */
static void print_quoted(FILE *out, const char *text, char end)
{
    (void)fputc('"', out);
    for (; text && *text; text++)
        (void)fprintf(out, *text == '"' ? "\"%c" : "%c", *text);
    (void)fprintf(out, "\"%c", end);
}

static void print_csv(void *context, const struct nv_sheet *sheet, const struct nv_column *column)
{
    FILE *out = ((struct visit *)context)->out;
    const struct nv_topic *topic = nv_topic_of(sheet, column);
    (void)fprintf(out, "%s,%s,\"%s\",%s,", sheet->file, column->name, nv_column_unit(column),
                  topic ? topic->name : "");
    print_quoted(out, column->source ? column->source : topic ? topic->source : "", ',');
    print_quoted(out, column->help, '\n');
}

void nv_columns_print_csv(FILE *out)
{
    struct visit visit = {.out = out};
    (void)fprintf(out, "file,column,unit,topic,source,help\n");
    nv_columns_each(print_csv, &visit);
}

void nv_topics_print_csv(FILE *out)
{
    (void)fprintf(out, "topic,title,text,empty,source,example\n");
    for (unsigned group = 0; nv_topic_groups[group]; group++) {
        for (const struct nv_topic *t = nv_topic_groups[group]; t->name; t++) {
            (void)fprintf(out, "%s,", t->name);
            print_quoted(out, t->title, ',');
            print_quoted(out, t->text, ',');
            print_quoted(out, t->empty, ',');
            print_quoted(out, t->source, ',');
            print_quoted(out, t->example, '\n');
        }
    }
}

void nv_topics_each(nv_topic_see see)
{
    for (unsigned group = 0; nv_topic_groups[group]; group++)
        for (const struct nv_topic *t = nv_topic_groups[group]; t->name; t++)
            see(t->name, t->title);
}
