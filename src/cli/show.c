/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "campaign/settings.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "output/columns.h"
#include "transport/driver.h"
#include "workload/workload.h"

/* The commands that show: list, explain, plot and report. */

static void list_workloads(void)
{
    for (const struct nv_workload *const *w = nv_workloads; *w; w++)
        (void)printf("%-10s %s\n", (*w)->name, (*w)->help);
}

static void list_engines(void)
{
    for (const struct nv_driver *d = nv_drivers; d->transport; d++)
        (void)printf("%s/%-10s %s; %s\n", d->transport->name, d->engine->name, d->transport->help,
                     d->engine->help);
}

static void list_metrics(void)
{
    for (unsigned m = 0; m < NV_METRIC_COUNT; m++)
        (void)printf("%-14s %s\n", nv_metrics[m].name, nv_metrics[m].help);
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
} lists[] = {{"workloads", list_workloads},
             {"engines", list_engines},
             {"metrics", list_metrics},
             {"options", list_options},
             {"columns", list_columns}};

#define LIST_COUNT (sizeof lists / sizeof lists[0])

int nv_list_main(int argc, char **argv, struct nv_error *err)
{
    bool all = argc < 2;
    bool found = all;
    if (nv_wants_help(argc, argv)) {
        (void)printf("usage: netversus list [workloads|engines|metrics|options|columns]\n");
        return NV_OK;
    }
    for (unsigned i = 0; i < LIST_COUNT; i++) {
        if (all)
            (void)printf("%s\n", lists[i].name);
        if (!all && strcmp(argv[1], lists[i].name) == 0) {
            lists[i].print();
            found = true;
        }
    }
    return found
               ? NV_OK
               : nv_fail(err, NV_E_USAGE,
                         "'%.40s' is not workloads, engines, metrics, options or columns", argv[1]);
}

int nv_explain_main(int argc, char **argv, struct nv_error *err)
{
    if (argc < 2 || nv_wants_help(argc, argv)) {
        (void)printf("usage: netversus explain COLUMN|METRIC\n");
        return argc < 2 ? nv_fail(err, NV_E_USAGE, "name a column or a metric") : NV_OK;
    }
    return nv_explain(argv[1], stdout, err);
}

static int run_script(const char *script, int argc, char **argv, struct nv_error *err)
{
    static const char *const places[] = {NV_DATA_DIR_SOURCE, NV_DATA_DIR_INSTALL};
    char path[512];
    if (argc < 2 || nv_wants_help(argc, argv)) {
        (void)printf("usage: netversus %s RESULT_DIR; latest is results/latest\n", argv[0]);
        return argc < 2 ? nv_fail(err, NV_E_USAGE, "name a result directory") : NV_OK;
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/scripts/%s", places[i], script);
        if (access(path, X_OK))
            continue;
        (void)fflush(stdout);
        (void)execv(path, argv);
        return nv_fail_errno(err, NV_E_FAILED, errno, "exec %s", path);
    }
    return nv_fail(err, NV_E_FAILED, "scripts/%s is neither in %s nor in %s", script, places[0],
                   places[1]);
}

int nv_plot_main(int argc, char **argv, struct nv_error *err)
{
    return run_script("plot", argc, argv, err);
}

int nv_report_main(int argc, char **argv, struct nv_error *err)
{
    return run_script("report", argc, argv, err);
}
