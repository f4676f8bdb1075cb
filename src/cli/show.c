/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "campaign/settings.h"
#include "cli/arguments.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/script.h"
#include "output/columns.h"
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
        nv_print_entry(nv_metrics[m].name, nv_metrics[m].help, LIST_COLUMN);
}

static void list_options(void)
{
    nv_print_help("run", "every option is a scenario key too", nv_spec_options,
                  nv_settings_options);
}

static void list_columns(void)
{
    nv_columns_print_markdown(stdout);
}

static const struct {
    const char *name;
    void (*print)(void);
    const char *help;
} lists[] = {{"workloads", list_workloads, "what the two ends can do"},
             {"engines", list_engines, "how sockets can be driven, on each transport"},
             {"apps", list_apps, "applications, as the messages that they send"},
             {"paths", list_paths, "emulated networks, and what can happen in them"},
             {"metrics", list_metrics, "what is compared"},
             {"checks", nv_check_list, "what netversus check tests"},
             {"options", list_options, "of run, and so of scenarios"},
             {"columns", list_columns, "of every CSV file, as Markdown"}};

#define LIST_COUNT (sizeof lists / sizeof lists[0])

static void list_lists(void)
{
    (void)printf("usage: netversus list TOPIC\n\n");
    for (unsigned i = 0; i < LIST_COUNT; i++)
        (void)printf("  %-*s%s\n", LIST_COLUMN - 2, lists[i].name, lists[i].help);
}

int nv_list_main(int argc, char **argv, struct nv_error *err)
{
    bool found = argc < 2 || nv_wants_help(argc, argv);
    if (found)
        list_lists();
    for (unsigned i = 0; i < LIST_COUNT && !found; i++) {
        if (strcmp(argv[1], lists[i].name) != 0)
            continue;
        lists[i].print();
        found = true;
    }
    return found ? NV_OK
                 : nv_fail(err, NV_E_USAGE, "'%.40s' is no topic; netversus list names them",
                           argv[1]);
}

int nv_explain_main(int argc, char **argv, struct nv_error *err)
{
    if (argc < 2 || nv_wants_help(argc, argv)) {
        (void)printf("usage: netversus explain COLUMN|METRIC\n\n"
                     "Says what a number means: netversus explain resp_p50. All of them: "
                     "netversus list columns.\n");
        return argc < 2 ? nv_fail(err, NV_E_USAGE, "name a column or a metric") : NV_OK;
    }
    return nv_explain(argv[1], stdout, err);
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
