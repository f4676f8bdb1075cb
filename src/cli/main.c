/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "campaign/settings.h"
#include "cli/cli.h"
#include "output/text.h"

const struct nv_command nv_commands[] = {
    {"run",
     "[SCENARIO.ini] [options]",
     "run a campaign (with its own server, or --server)",
     nv_run_main,
     {nv_spec_options, nv_settings_options}},
    {"serve",
     "[options]",
     "be the far end, for a run on another host",
     nv_serve_main,
     {nv_serve_options}},
    {"shell",
     "[options] [COMMAND...]",
     "any program over an emulated path",
     nv_shell_main,
     {nv_shell_options}},
    {"check",
     "[--quick] [CHECK...]",
     "test the instrument itself on this machine",
     nv_check_main,
     {nv_check_options}},
    {"calls",
     "[options]",
     "the socket calls of one exchange, and how they fail",
     nv_calls_main,
     {nv_calls_options}},
    {"list",
     "[TOPIC]",
     "workloads, engines, paths, metrics, options, columns",
     nv_list_main,
     {nv_list_options}},
    {"explain",
     "[NAME]",
     "what a number means: columns, metrics, topics, files",
     nv_explain_main,
     {NULL}},
    {"plot", "RESULT_DIR", "gnuplot charts of a result", nv_plot_main, {NULL}},
    {"report", "RESULT_DIR...", "one HTML page of a result, or of several", nv_report_main, {NULL}},
    {NULL, NULL, NULL, NULL, {NULL}},
};

static void print_usage(FILE *out)
{
    (void)fprintf(out, "netversus %s: what TCP and UDP cost for the same messages\n\n", NV_VERSION);
    for (const struct nv_command *c = nv_commands; c->name; c++)
        (void)fprintf(out, "  netversus %-8s %-25s %s\n", c->name, c->arguments, c->help);
    char words[512];
    struct nv_text text = nv_text_in(words, sizeof words);
    nv_say(&text, "Exit status:");
    for (const struct nv_exit_status *s = nv_exit_statuses; s->meaning; s++)
        nv_say(&text, "%s %d %s", s == nv_exit_statuses ? "" : ",", s->status, s->meaning);
    nv_say(&text, ".");
    (void)fprintf(out, "\n`netversus run` with nothing else is a good start. Every command has "
                       "--help;\nnetversus --manual prints the manual page.\n");
    nv_text_wrap(out, words, 0, 13);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    struct nv_error err = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return argc > 1 ? 0 : 2;
    }
    if (strcmp(name, "--version") == 0) {
        (void)printf("netversus %s (%s)\n", NV_VERSION, NV_GIT_REVISION);
        return 0;
    }
    if (strcmp(name, "--manual") == 0) {
        nv_manual_print(stdout);
        return 0;
    }
    for (const struct nv_command *c = nv_commands; c->name; c++) {
        if (strcmp(c->name, name) != 0)
            continue;
        int code = c->run(argc - 1, argv + 1, &err);
        if (code)
            (void)fprintf(stderr, "netversus %s: %s\n", name, err.message);
        return nv_error_exit_status(code);
    }
    struct nv_nearest nearest = nv_nearest_to(name);
    char words[NV_NEAREST_WORDS_BYTES];
    for (const struct nv_command *c = nv_commands; c->name; c++)
        nv_nearest_see(&nearest, c->name);
    (void)fprintf(stderr, "netversus: no command '%.60s'%s\n", name,
                  nv_nearest_words(&nearest, "; netversus --help lists them", words));
    return 2;
}
