/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "output/docs.h"
#include "output/topics.h"

/* The manual page: the tables of commands, options, exit statuses, files and topics, in the man(7)
 * macros. */

/* Code point of the UTF-8 character at *text, which moves on to the next. */
static unsigned next_character(const char **text)
{
    unsigned lead = (unsigned char)*(*text)++;
    unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    unsigned code = more ? lead & (0x3fu >> more) : lead;
    while (more-- && **text)
        code = code << 6 | ((unsigned char)*(*text)++ & 0x3fu);
    return code;
}

/* As it is: a minus stays a minus, and no line becomes a request. */
static void put(FILE *out, const char *text)
{
    bool line_begins = true;
    while (*text) {
        unsigned code = next_character(&text);
        if (line_begins && (code == '.' || code == '\''))
            (void)fputs("\\&", out);
        line_begins = code == '\n';
        if (code >= 0x80)
            (void)fprintf(out, "\\[u%04X]", code);
        else if (code == '\\')
            (void)fputs("\\e", out);
        else if (code == '-' || code == '\'' || code == '`' || code == '^' || code == '~')
            (void)fprintf(out, "%s",
                          code == '-'    ? "\\-"
                          : code == '\'' ? "\\(aq"
                          : code == '`'  ? "\\(ga"
                          : code == '^'  ? "\\(ha"
                                         : "\\(ti");
        else
            (void)fputc((int)code, out);
    }
}

static void put_line(FILE *out, const char *before, const char *text)
{
    (void)fputs(before, out);
    put(out, text);
    (void)fputc('\n', out);
}

static void put_entry(FILE *out, const char *name, const char *words)
{
    (void)fputs(".TP\n\\fB", out);
    put(out, name);
    put_line(out, "\\fR\n", words);
}

static void put_option(void *context, const struct nv_option_words *words)
{
    if (words->heading)
        put_line(context, ".PP\n", words->heading);
    put_entry(context, words->left, words->right);
}

static void put_command(FILE *out, const struct nv_command *command)
{
    (void)fprintf(out, ".SS netversus %s ", command->name);
    put_line(out, "", command->arguments);
    put_line(out, "", command->help);
    nv_options_describe(command->options, put_option, out);
    const char *examples = nv_examples_of(command->name);
    if (!examples)
        return;
    (void)fputs(".PP\nExamples:\n.PP\n.nf\n", out);
    put(out, examples);
    (void)fputs(".fi\n", out);
}

static void put_topics(FILE *out)
{
    (void)fputs(".SH TOPICS\nWhat numbers mean; netversus explain has the same, with every column."
                "\n",
                out);
    for (unsigned group = 0; nv_topic_groups[group]; group++) {
        for (const struct nv_topic *t = nv_topic_groups[group]; t->name; t++) {
            put_entry(out, t->name, t->text);
            put_line(out, "", t->empty);
            put_line(out, "Source: ", t->source);
            put_line(out, ".IP\nExample: ", t->example);
        }
    }
}

static void put_files(FILE *out)
{
    (void)fputs(".SH FILES\nA campaign leaves a directory, results/<UTC time>\\-<scenario>, with "
                "campaign.json and:\n",
                out);
    for (unsigned i = 0; nv_sheets[i]; i++)
        put_entry(out, nv_sheets[i]->file, nv_sheets[i]->help);
}

static void put_statuses(FILE *out)
{
    (void)fputs(".SH EXIT STATUS\n", out);
    for (const struct nv_exit_status *s = nv_exit_statuses; s->meaning; s++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", s->status);
        put_entry(out, number, s->meaning);
    }
}

void nv_manual_print(FILE *out)
{
    (void)fprintf(out,
                  ".TH NETVERSUS 1 \"\" \"netversus %s\" \"User Commands\"\n"
                  ".SH NAME\nnetversus \\- what TCP and UDP each cost the same messages\n"
                  ".SH SYNOPSIS\n.B netversus\n.I command\n[options]\n"
                  ".SH DESCRIPTION\n"
                  "Sends one schedule of messages over TCP and over UDP, in turn and repeatedly, "
                  "measures both with the same instrument, and compares them in pairs. "
                  "netversus run with nothing else is a good start.\n",
                  NV_VERSION);
    for (const struct nv_option_note *note = nv_option_notes; note->text; note++)
        put_line(out, ".PP\n", note->text);
    (void)fputs(".SH COMMANDS\n", out);
    for (const struct nv_command *c = nv_commands; c->name; c++)
        put_command(out, c);
    put_statuses(out);
    put_files(out);
    put_topics(out);
}
