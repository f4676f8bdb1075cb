/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/nearest.h"
#include "output/docs.h"
#include "output/text.h"
#include "output/topics.h"

/* `netversus explain`: a paragraph on what is one column's, and one on what it shares. */

#define PARAGRAPH_BYTES 4096
#define CONTAINS_DISTANCE 2u /* names that hold what was typed are as near as two letters */
#define NAME_COLUMN 26u

struct visit {
    FILE *out;
    const char *name;
    const char *last;      /* help that was printed last, */
    const char *last_file; /* and file named last */
    const struct nv_topic *topic;
    unsigned found_count;
    struct nv_nearest nearest;
};

static void say_sentence(struct nv_text *text, const char *label, const char *words)
{
    size_t len = words ? strlen(words) : 0;
    if (len)
        nv_say(text, " %s%s%s", label, words, words[len - 1] == '.' ? "" : ".");
}

static void print_topic(const struct visit *visit, const struct nv_topic *topic, const char *source)
{
    FILE *out = visit->out;
    char words[PARAGRAPH_BYTES];
    struct nv_text text = nv_text_in(words, sizeof words);
    nv_say(&text, "%s (topic %s): %s %s", topic->title, topic->name, topic->text, topic->empty);
    nv_say_capital(&text, 0);
    say_sentence(&text, "Source: ", source);
    say_sentence(&text, source ? "Also: " : "Source: ", topic->source);
    (void)fprintf(out, "%s", visit->found_count ? "\n" : "");
    nv_text_wrap(out, words, 0, 0);
    text = nv_text_in(words, sizeof words);
    nv_say(&text, "Example: %s", topic->example);
    (void)fprintf(out, "\n");
    nv_text_wrap(out, words, 0, 0);
}

/* Key columns are in every file with the same words: told once. */
static void explain_column(void *context, const struct nv_sheet *sheet,
                           const struct nv_column *column)
{
    struct visit *visit = context;
    if (strcmp(column->name, visit->name) != 0 || visit->last == column->help)
        return;
    char words[PARAGRAPH_BYTES];
    struct nv_text text = nv_text_in(words, sizeof words);
    const char *unit = nv_column_unit(column);
    const struct nv_topic *topic = nv_topic_of(sheet, column);
    nv_say(&text, "%s (%s%s%s): %s", column->name, sheet->file, unit[0] ? ", " : "", unit,
           column->help);
    if (visit->topic == topic)
        say_sentence(&text, "Source: ", column->source);
    (void)fprintf(visit->out, "%s", visit->found_count ? "\n" : "");
    nv_text_wrap(visit->out, words, 0, 0);
    visit->found_count++;
    if (topic && visit->topic != topic)
        print_topic(visit, topic, column->source);
    visit->last = column->help;
    visit->topic = topic;
}

static void explain_metric(struct visit *visit)
{
    for (unsigned i = 0; i < NV_METRIC_COUNT; i++) {
        const struct nv_metric_info *metric = &nv_metrics[i];
        if (strcmp(metric->name, visit->name) != 0 && strcmp(metric->label, visit->name) != 0)
            continue;
        char words[PARAGRAPH_BYTES];
        struct nv_text text = nv_text_in(words, sizeof words);
        nv_say(&text, "%s (metric of comparisons.csv, %s): %s in each run. %s is better.%s",
               metric->name, metric->unit, metric->column,
               metric->lower_is_better ? "Lower" : "Higher",
               metric->primary ? " Decided on beforehand, so a verdict on it counts." : "");
        nv_text_wrap(visit->out, words, 0, 0);
        visit->found_count++;
        if (strcmp(metric->column, metric->name) != 0) {
            struct visit column = {.out = visit->out, .name = metric->column, .found_count = 1};
            nv_columns_each(explain_column, &column);
        }
    }
}

static void list_of_topic(void *context, const struct nv_sheet *sheet,
                          const struct nv_column *column)
{
    struct visit *visit = context;
    if (nv_topic_of(sheet, column) != visit->topic || visit->last == column->help)
        return;
    if (visit->last_file != sheet->file)
        (void)fprintf(visit->out, "\n%s\n", sheet->file);
    (void)fprintf(visit->out, "  %-*s", (int)NAME_COLUMN - 2, column->name);
    if (strlen(column->name) + 4 > NAME_COLUMN)
        (void)fprintf(visit->out, "\n%*s", (int)NAME_COLUMN, "");
    nv_text_wrap(visit->out, column->help, NAME_COLUMN, NAME_COLUMN);
    visit->last = column->help;
    visit->last_file = sheet->file;
}

static void explain_topic(struct visit *visit)
{
    const struct nv_topic *topic = nv_topic_find(visit->name);
    if (!topic)
        return;
    if (visit->topic != topic)
        print_topic(visit, topic, NULL);
    struct visit columns = {.out = visit->out, .topic = topic};
    nv_columns_each(list_of_topic, &columns);
    visit->found_count++;
}

static void list_of_file(void *context, const struct nv_sheet *sheet,
                         const struct nv_column *column)
{
    struct visit *visit = context;
    if (strcmp(sheet->file, visit->name) != 0)
        return;
    if (!visit->found_count++) {
        nv_text_wrap(visit->out, sheet->help, 0, 0);
        (void)fprintf(visit->out, "\n");
    }
    char words[PARAGRAPH_BYTES];
    struct nv_text text = nv_text_in(words, sizeof words);
    const char *unit = nv_column_unit(column);
    const struct nv_topic *topic = nv_topic_of(sheet, column);
    nv_say(&text, "%s (%s%stopic %s): %s", column->name, unit, unit[0] ? "; " : "",
           topic ? topic->name : "none", column->help);
    nv_text_wrap(visit->out, words, 0, 2);
}

static void see_name(struct visit *visit, const char *name)
{
    nv_nearest_see(&visit->nearest, name);
    if (strstr(name, visit->name))
        nv_nearest_offer(&visit->nearest, name, CONTAINS_DISTANCE);
}

static void see_column(void *context, const struct nv_sheet *sheet, const struct nv_column *column)
{
    struct visit *visit = context;
    see_name(visit, sheet->file);
    see_name(visit, column->name);
}

static int fail_unknown(const char *name, struct nv_error *err)
{
    struct visit visit = {.name = name, .nearest = nv_nearest_to(name)};
    char words[NV_NEAREST_WORDS_BYTES];
    for (unsigned group = 0; nv_topic_groups[group]; group++)
        for (const struct nv_topic *t = nv_topic_groups[group]; t->name; t++)
            see_name(&visit, t->name);
    nv_columns_each(see_column, &visit);
    return nv_fail(err, NV_E_USAGE, "no column, metric, topic or file is called '%.60s'%s", name,
                   nv_nearest_words(&visit.nearest, "; netversus explain lists topics", words));
}

int nv_explain(const char *name, FILE *out, struct nv_error *err)
{
    struct visit visit = {.out = out, .name = name};
    explain_metric(&visit);
    nv_columns_each(explain_column, &visit);
    explain_topic(&visit);
    nv_columns_each(list_of_file, &visit);
    return visit.found_count ? NV_OK : fail_unknown(name, err);
}
