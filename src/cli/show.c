/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/settings.h"
#include "cli/arguments.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/script.h"
#include "output/docs.h"
#include "spec/app.h"
#include "transport/driver.h"
#include "workload/workload.h"

#define LIST_COLUMN 16

/* The commands that show: list, explain, plot and report. */

static void list_workloads(void)
{
    for (const struct nv_workload *const *w = nv_workloads; *w; w++)
        nv_print_entry((*w)->name, (*w)->help, LIST_COLUMN);
}

static void list_engines(void)
{
    char name[64];
    char help[512];
    for (const struct nv_driver *d = nv_drivers; d->transport; d++) {
        (void)snprintf(name, sizeof name, "%s/%s", d->transport->name, d->engine->name);
        (void)snprintf(help, sizeof help, "%s; %s", d->transport->help, d->engine->help);
        nv_print_entry(name, help, LIST_COLUMN);
    }
}

static void list_presets(const struct nv_preset *presets)
{
    for (const struct nv_preset *p = presets; p->name; p++) {
        char help[1024];
        (void)snprintf(help, sizeof help, "%s%s%s%s%s%s", p->help, p->settings[0] ? "; " : "",
                       p->settings, p->source ? " (" : "", p->source ? p->source : "",
                       p->source ? ")" : "");
        nv_print_entry(p->name, help, LIST_COLUMN);
    }
}

static void list_apps(void)
{
    list_presets(nv_app_presets);
    (void)printf("\nAn application sets options; those that come after it on the command line, or "
                 "in the\nscenario, count more:\n"
                 "  --app voip,video --path wifi,lte    --app rpc --rate 50/s,500/s\n");
}

static void list_paths(void)
{
    list_presets(nv_path_presets);
    (void)printf("\nA path is a name, settings that change it, or settings alone:\n"
                 "  --path wifi   --path dsl,up.rate=1Mbit/s   --path 'delay=20ms,loss=0|1%%|5%%'\n"
                 "up. and down. before a setting mean one direction; | makes a path of each value; "
                 "mtu=1500\nis the largest packet of both. Settings:\n\n");
    for (const struct nv_option *o = nv_impairment_options; o->name; o++) {
        char help[512];
        (void)snprintf(help, sizeof help, "%s (%s)", o->help,
                       o->fallback[0] ? o->fallback : "none");
        nv_print_entry(o->name, help, LIST_COLUMN);
    }
}

static void list_metrics(void)
{
    for (unsigned m = 0; m < NV_METRIC_COUNT; m++)
        nv_print_entry(nv_metrics[m].name, nv_metric_help(m), LIST_COLUMN);
}

static void list_options(void)
{
    nv_print_help("run", "every option is a scenario key too", nv_spec_options,
                  nv_settings_options);
}

static void list_columns(void)
{
    nv_docs_print_markdown(stdout);
}

static void print_topic(const char *name, const char *title)
{
    nv_print_entry(name, title, LIST_COLUMN);
}

static void list_topics(void)
{
    nv_topics_each(print_topic);
}

static const struct {
    const char *name;
    void (*print)(void);
    void (*print_csv)(FILE *out); /* for programs; NULL: there is none */
    const char *help;
} lists[] = {{"workloads", list_workloads, NULL, "what the two ends can do"},
             {"engines", list_engines, NULL, "how sockets can be driven, on each transport"},
             {"apps", list_apps, NULL, "applications, as the messages that they send"},
             {"paths", list_paths, NULL, "emulated networks, and what can happen in them"},
             {"metrics", list_metrics, NULL, "what is compared"},
             {"checks", nv_check_list, NULL, "what netversus check tests"},
             {"options", list_options, NULL, "of run, and so of scenarios"},
             {"topics", list_topics, nv_topics_print_csv, "what netversus explain explains"},
             {"columns", list_columns, nv_columns_print_csv, "of every CSV file, as Markdown"}};

#define LIST_COUNT (sizeof lists / sizeof lists[0])

static void list_lists(void)
{
    (void)printf("usage: netversus list TOPIC [--format csv]\n\n");
    for (unsigned i = 0; i < LIST_COUNT; i++)
        (void)printf("  %-*s%s%s\n", LIST_COLUMN - 2, lists[i].name, lists[i].help,
                     lists[i].print_csv ? " (--format csv: for programs)" : "");
}

static int list_one(const char *name, bool as_csv, struct nv_error *err)
{
    for (unsigned i = 0; i < LIST_COUNT; i++) {
        if (strcmp(name, lists[i].name) != 0)
            continue;
        if (as_csv && !lists[i].print_csv)
            return nv_fail(err, NV_E_USAGE, "%s is not listed as CSV", name);
        if (as_csv)
            lists[i].print_csv(stdout);
        else
            lists[i].print();
        return NV_OK;
    }
    struct nv_nearest nearest = nv_nearest_to(name);
    char words[NV_NEAREST_WORDS_BYTES];
    for (unsigned i = 0; i < LIST_COUNT; i++)
        nv_nearest_see(&nearest, lists[i].name);
    return nv_fail(err, NV_E_USAGE, "'%.40s' is no topic%s", name,
                   nv_nearest_words(&nearest, "; netversus list names them", words));
}

struct list_options {
    unsigned format; /* 1: CSV */
};

const struct nv_option nv_list_options[] = {
    {.name = "format",
     .type = &nv_option_choice,
     .offset = offsetof(struct list_options, format),
     .fallback = "table",
     .choices = (const char *const[]){"table", "csv", NULL},
     .help = "for people, or for programs"},
    {.name = NULL},
};

int nv_list_main(int argc, char **argv, struct nv_error *err)
{
    const struct nv_option *const tables[] = {nv_list_options, NULL};
    struct nv_arguments arguments = {.argc = argc, .argv = argv, .next = 1};
    struct nv_argument argument;
    struct list_options options;
    const char *name = NULL;
    int got;
    nv_options_reset(nv_list_options, &options);
    while (!nv_wants_help(argc, argv) &&
           (got = nv_arguments_next(&arguments, tables, &argument, err)) != 0) {
        if (got < 0)
            return got;
        if (argument.option && nv_option_set(argument.option, &options, argument.text, err))
            return NV_E_USAGE;
        if (!argument.option && name)
            return nv_fail(err, NV_E_USAGE, "one topic at a time: '%.40s'", argument.text);
        name = argument.option ? name : argument.text;
    }
    if (name)
        return list_one(name, options.format == 1, err);
    list_lists();
    return NV_OK;
}

static void explain_usage(void)
{
    (void)printf("usage: netversus explain [COLUMN|METRIC|TOPIC|FILE.csv]\n\n"
                 "Says what a number means: netversus explain resp_p50. Topics:\n\n");
    nv_topics_each(print_topic);
    (void)printf("\nFiles:");
    for (unsigned i = 0; nv_sheets[i]; i++)
        (void)printf(" %s", nv_sheets[i]->file);
    (void)printf("\n");
}

int nv_explain_main(int argc, char **argv, struct nv_error *err)
{
    if (argc > 2 && !nv_wants_help(argc, argv))
        return nv_fail(err, NV_E_USAGE, "one name at a time: '%.40s'", argv[2]);
    if (argc > 1 && !nv_wants_help(argc, argv))
        return nv_explain(argv[1], stdout, err);
    explain_usage();
    return NV_OK;
}

static int run_script(const char *script, int argc, char **argv, struct nv_error *err)
{
    if (argc > 1 && !nv_wants_help(argc, argv))
        return nv_script_become(script, argv, err);
    (void)printf("usage: netversus %s RESULT_DIR%s\n\n"
                 "RESULT_DIR is what `netversus run` left; latest is results/latest.\n",
                 argv[0], strcmp(argv[0], "report") == 0 ? "..." : " [--only CHART,...]");
    return argc < 2 ? nv_fail(err, NV_E_USAGE, "name a result directory") : NV_OK;
}

int nv_plot_main(int argc, char **argv, struct nv_error *err)
{
    return run_script("plot", argc, argv, err);
}

int nv_report_main(int argc, char **argv, struct nv_error *err)
{
    return run_script("report", argc, argv, err);
}
