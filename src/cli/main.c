/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

const struct nv_command nv_commands[] = {
    {"run", "[SCENARIO.ini] [options]", "run a campaign (with its own server, or --server)",
     nv_run_main},
    {"serve", "[options]", "be the far end, for a run on another host", nv_serve_main},
    {"shell", "[options] [COMMAND...]", "any program over an emulated path", nv_shell_main},
    {"check", "[--quick] [CHECK...]", "test the instrument itself on this machine", nv_check_main},
    {"calls", "[options]", "the socket calls of one exchange, and how they fail", nv_calls_main},
    {"list", "[TOPIC]", "workloads, engines, paths, metrics, options, columns", nv_list_main},
    {"explain", "COLUMN|METRIC", "what a number means", nv_explain_main},
    {"plot", "RESULT_DIR", "gnuplot charts of a result", nv_plot_main},
    {"report", "RESULT_DIR...", "one HTML page of a result, or of several", nv_report_main},
    {NULL, NULL, NULL, NULL},
};

static void print_usage(FILE *out)
{
    (void)fprintf(out, "netversus %s: what TCP and UDP cost for the same messages\n\n", NV_VERSION);
    for (const struct nv_command *c = nv_commands; c->name; c++)
        (void)fprintf(out, "  netversus %-8s %-25s %s\n", c->name, c->arguments, c->help);
    (void)fprintf(out, "\n`netversus run` with nothing else is a good start. Every command has "
                       "--help.\n"
                       "Exit status: 0 done, 1 failed, 2 bad usage or scenario, 3 peer "
                       "unreachable or lost,\n             4 a --fail-if condition held, 130 "
                       "interrupted.\n");
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
    for (const struct nv_command *c = nv_commands; c->name; c++) {
        if (strcmp(c->name, name) != 0)
            continue;
        int code = c->run(argc - 1, argv + 1, &err);
        if (code)
            (void)fprintf(stderr, "netversus %s: %s\n", name, err.message);
        return nv_error_exit_status(code);
    }
    (void)fprintf(stderr, "netversus: no command '%.60s'; there are", name);
    for (const struct nv_command *c = nv_commands; c->name; c++)
        (void)fprintf(stderr, " %s", c->name);
    (void)fputc('\n', stderr);
    return 2;
}
