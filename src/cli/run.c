/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "campaign/settings.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/ends.h"
#include "cli/manifest.h"
#include "cli/ports.h"
#include "cli/runner.h"
#include "cli/script.h"
#include "cli/threshold.h"
#include "output/table.h"
#include "path/chain.h"
#include "session/identity.h"
#include "transport/endpoint.h"

/* The whole of `netversus run`: options and scenario → plan → result directory → far end → blocks →
 * comparisons → table. What was finished is summarised also when the rest could not be. */

struct run {
    struct nv_campaign campaign;
    struct nv_plan plan;
    struct nv_threshold threshold;
    uv_loop_t loop;
    uv_signal_t signals[2];
    bool interrupted;
    struct nv_ends ends;
    struct nv_runner runner;
    struct nv_result result;
    struct nv_csv_set *csv;
    struct nv_manifest manifest;
    struct nv_summary summary;
    json_t *environment;
    uint64_t start_ns;
    char campaign_id[NV_ID_BYTES];
    char start_utc[NV_CLOCK_UTC_BYTES];
    char system[128];
    bool loop_open;
};

static int parse_command_line(struct run *run, int argc, char **argv, struct nv_error *err)
{
    const struct nv_option *const tables[] = {nv_spec_options, nv_settings_options, NULL};
    struct nv_arguments arguments = {argc, argv, 1};
    struct nv_argument argument;
    const char *scenario = NULL;
    bool factors = false;
    int got;
    while ((got = nv_arguments_next(&arguments, tables, &argument, err)) > 0) {
        factors |= argument.option && nv_option_find(nv_spec_options, argument.option->name,
                                                     strlen(argument.option->name));
        if (!argument.option && scenario)
            return nv_fail(err, NV_E_USAGE, "one scenario at a time: '%.100s' and '%.100s'",
                           scenario, argument.text);
        if (!argument.option)
            scenario = argument.text;
    }
    if (got < 0)
        return got;
    if (scenario && nv_campaign_load(&run->campaign, scenario, err))
        return err->code;
    if (!scenario && !factors)
        nv_campaign_quick(&run->campaign);
    /* The command line wins over the scenario. */
    arguments.next = 1;
    while (nv_arguments_next(&arguments, tables, &argument, err) > 0)
        if (argument.option &&
            nv_campaign_set(&run->campaign, argument.option->name, argument.text, err))
            return err->code;
    if (!run->campaign.settings.scenario[0])
        (void)snprintf(run->campaign.settings.scenario, sizeof run->campaign.settings.scenario,
                       "run");
    return NV_OK;
}

/* It becomes part of a directory's name, and of what is written in UTF-8. */
static int check_name(const char *scenario, struct nv_error *err)
{
    json_t *text = json_string(scenario);
    bool legal = text && !strchr(scenario, '/');
    json_decref(text);
    return legal ? NV_OK
                 : nv_fail(err, NV_E_USAGE, "scenario: '%.100s' is not a name in UTF-8 without '/'",
                           scenario);
}

/* Processors that the data threads of this machine may run on. */
static uint64_t cores_of(const struct nv_spec *spec, bool far_end_too)
{
    struct nv_cpus cpus = spec->cpus[0];
    if (far_end_too)
        nv_cpus_add(&cpus, &spec->cpus[1]);
    unsigned pinned = nv_cpus_count(&cpus);
    return pinned ? pinned : (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Threads that spin on one core look at each other's sleep. */
static int check_cores(const struct run *run, const struct nv_spec *spec, bool emulated,
                       struct nv_error *err)
{
    const struct nv_settings *settings = &run->campaign.settings;
    bool far_end_too = !settings->server[0];
    uint64_t threads =
        nv_endpoint_threads(spec, nv_driver_find(spec->transport, spec->engine,
                                                 err)); /* there is one: nv_endpoint_check */
    uint64_t busy = threads * (1 + far_end_too) + emulated;
    uint64_t cores = cores_of(spec, far_end_too);
    if (spec->wait != NV_WAIT_SPIN || settings->force || busy <= cores)
        return NV_OK;
    return nv_fail(err, NV_E_USAGE,
                   "wait: spin keeps %llu threads busy, and they have %llu cores; --force does it "
                   "all the same",
                   (unsigned long long)busy, (unsigned long long)cores);
}

/* Connections of one block, and how long it takes. */
struct demand {
    double opened, seconds;
    bool unknown; /* a closed loop opens as many as it can */
};

static void add_demand(struct demand *demand, const struct run *run, const struct nv_spec *spec,
                       bool emulated)
{
    const struct nv_driver *driver = nv_driver_find(spec->transport, spec->engine, NULL);
    bool loopback = !run->campaign.settings.server[0] && !emulated;
    struct nv_ports ports = nv_ports_read();
    double seconds = (double)nv_spec_end_ns(spec) / NV_NS_PER_S;
    demand->seconds += seconds;
    if (!nv_workload_find(spec->workload, NULL)->connects ||
        (driver->transport->caps & NV_CAP_DATAGRAMS) || nv_ports_are_reused(&ports, loopback))
        return;
    demand->opened += nv_spec_rate_msgs(spec) * seconds;
    demand->unknown |= spec->rate.kind == NV_RATE_MAX;
}

/* Ports that run out are foreseen, and said; what is measured until then holds. The runs of a
 * campaign share them, as they go to one port of the server. */
static void foresee_ports(const struct run *run)
{
    struct nv_path path;
    struct nv_ports ports = nv_ports_read();
    struct demand demand = {0};
    char connections[48] = "as many connections as there is time for";
    for (unsigned i = 0; i < run->plan.cell_count; i++) {
        const struct nv_cell *cell = &run->plan.cells[i];
        if (nv_campaign_path(&run->campaign, cell->arm[0].path, &path, NULL))
            continue; /* check_cell says so */
        for (unsigned arm = 0; arm < run->plan.arms; arm++)
            add_demand(&demand, run, &cell->arm[arm], path.emulated);
    }
    double blocks = (double)run->campaign.settings.blocks;
    double held = nv_ports_held(demand.opened * blocks, demand.seconds * blocks);
    if (!demand.unknown && held <= (double)ports.count)
        return;
    if (!demand.unknown)
        (void)snprintf(connections, sizeof connections, "%.0f connections within %u s", held,
                       NV_TIME_WAIT_S);
    (void)fprintf(
        stderr,
        "netversus run: crr: %s, and each keeps one of the %llu ports of "
        "net.ipv4.ip_local_port_range for %u s (TIME_WAIT): when they are used up connect "
        "fails with EADDRNOTAVAIL. %.0f a second last, or more with "
        "net.ipv4.tcp_tw_reuse = 1\n",
        connections, (unsigned long long)ports.count, NV_TIME_WAIT_S,
        (double)ports.count / NV_TIME_WAIT_S);
}

static int check_cell(const struct run *run, const struct nv_cell *cell, struct nv_error *err)
{
    struct nv_path path;
    for (unsigned arm = 0; arm < run->plan.arms; arm++)
        if (nv_endpoint_check(&cell->arm[arm], err))
            return err->code;
    if (nv_campaign_path(&run->campaign, cell->arm[0].path, &path, err))
        return err->code;
    for (unsigned arm = 0; arm < run->plan.arms; arm++)
        if (check_cores(run, &cell->arm[arm], path.emulated, err))
            return err->code;
    for (unsigned way = 0; way < 2; way++)
        if (nv_chain_try(&path.way[way], err))
            return nv_fail_within(err, "path '%.100s'", cell->arm[0].path);
    return NV_OK;
}

static int check_settings(struct run *run, struct nv_error *err)
{
    const struct nv_settings *settings = &run->campaign.settings;
    if (settings->ipv4 && settings->ipv6)
        return nv_fail(err, NV_E_USAGE, "--ipv4 and --ipv6 exclude each other");
    if (check_name(settings->scenario, err))
        return err->code;
    if (settings->fail_if[0] && nv_threshold_parse(&run->threshold, settings->fail_if, err))
        return err->code;
    for (unsigned i = 0; i < run->plan.cell_count; i++)
        if (check_cell(run, &run->plan.cells[i], err))
            return err->code;
    foresee_ports(run);
    return nv_charts_check(settings->plot, err);
}

/* The first signal asks for an end, and what was finished is still put in order; with the next one
 * the system ends us at once, whatever we may be waiting for. */
static void signal_cb(uv_signal_t *handle, int number)
{
    struct run *run = handle->data;
    (void)number;
    run->interrupted = true;
    for (unsigned i = 0; i < 2; i++)
        (void)uv_signal_stop(&run->signals[i]);
}

static void open_loop(struct run *run)
{
    static const int numbers[2] = {SIGINT, SIGTERM};
    (void)uv_loop_init(&run->loop);
    for (unsigned i = 0; i < 2; i++) {
        (void)uv_signal_init(&run->loop, &run->signals[i]);
        run->signals[i].data = run;
        (void)uv_signal_start(&run->signals[i], signal_cb, numbers[i]);
    }
    run->loop_open = true;
}

static void describe_system(struct run *run)
{
    struct utsname name;
    const char *cc = json_string_value(json_object_get(run->environment, "tcp_congestion_control"));
    unsigned major = 0;
    unsigned minor = 0;
    (void)uname(&name);
    (void)sscanf(name.release, "%u.%u", &major, &minor);
    (void)snprintf(run->system, sizeof run->system, "%.20s %u.%u · %ld cores · cc %.20s",
                   name.sysname, major, minor, sysconf(_SC_NPROCESSORS_ONLN), cc ? cc : "?");
}

/* As many bytes as make whole characters of UTF-8, at most so many. */
static int whole_characters(const char *text, size_t bytes_max)
{
    size_t bytes = strlen(text);
    if (bytes > bytes_max)
        bytes = bytes_max;
    while (bytes && ((unsigned char)text[bytes] & 0xc0) == 0x80)
        bytes--;
    return (int)bytes;
}

static void identify(struct run *run)
{
    const char *scenario = run->campaign.settings.scenario;
    nv_clock_utc(run->start_utc);
    run->start_ns = nv_clock_ns();
    (void)snprintf(run->campaign_id, sizeof run->campaign_id, "%s-%.*s", run->start_utc,
                   whole_characters(scenario, 30), scenario);
}

static int prepare(struct run *run, int argc, char **argv, struct nv_error *err)
{
    identify(run);
    if (nv_ends_prepare(&run->ends, &run->campaign, &run->plan, err))
        return err->code;
    run->environment = nv_environment(); /* of the place where we are now */
    describe_system(run);
    open_loop(run);
    if (nv_ends_reach(&run->ends, &run->loop, &run->interrupted, err) ||
        nv_result_open(&run->result, &run->campaign.settings, run->start_utc, err) ||
        nv_csv_set_open(&run->csv, run->result.path, err))
        return err->code;
    run->runner.campaign = &run->campaign;
    run->runner.plan = &run->plan;
    run->runner.ends = &run->ends;
    run->runner.csv = run->csv;
    run->runner.result = &run->result;
    run->runner.campaign_id = run->campaign_id;
    if (run->campaign.settings.format == NV_FORMAT_CSV) {
        run->runner.stream = stdout;
        (void)nv_csv_print_header(stdout, "runs.csv");
    }
    if (nv_runner_init(&run->runner, err))
        return err->code;
    run->manifest = (struct nv_manifest){.campaign = &run->campaign,
                                         .plan = &run->plan,
                                         .campaign_id = run->campaign_id,
                                         .start_utc = run->start_utc,
                                         .argc = argc,
                                         .argv = argv,
                                         .server_hello = nv_ends_hello(&run->ends),
                                         .client_environment = run->environment,
                                         .rejections = run->runner.rejections};
    return nv_manifest_write(&run->manifest, run->result.path, err);
}

static void fill_summary(struct run *run)
{
    run->summary = (struct nv_summary){
        .campaign_id = run->campaign_id,
        .scenario = run->campaign.settings.scenario,
        .where = nv_ends_where(&run->ends),
        .system = run->system,
        .directory = run->result.path,
        .seed = run->plan.seed,
        .elapsed_ns = nv_clock_ns() - run->start_ns,
        .blocks = (unsigned)run->campaign.settings.blocks,
        .cell_count = run->runner.summary_count,
        .cells = run->runner.summary_cells,
    };
    run->manifest.summary = &run->summary;
}

static void print_json(const struct run *run)
{
    json_t *object = nv_manifest_json(&run->manifest);
    json_t *cells = json_array();
    for (unsigned i = 0; i < run->summary.cell_count; i++) {
        const struct nv_summary_cell *cell = &run->summary.cells[i];
        json_t *entry =
            json_pack("{s:s,s:s,s:i}", "cell_id", cell->cell_id, "dir",
                      nv_row_direction_name(cell->direction), "blocks", (int)cell->blocks_count);
        for (unsigned m = 0; cell->arm_count == 2 && m < NV_METRIC_COUNT; m++) {
            char words[NV_VERDICT_WORDS_BYTES];
            const struct nv_comparison *c = &cell->comparison[m];
            json_t *metric =
                json_pack("{s:s}", "verdict", nv_verdict_words(cell, (enum nv_metric)m, words));
            /* json_real() refuses what JSON cannot say (NaN, infinity): the key is then absent. */
            json_object_set_new(metric, "a_median", json_real(c->a_median));
            json_object_set_new(metric, "b_median", json_real(c->b_median));
            json_object_set_new(metric, "effect", json_real(c->effect));
            json_object_set_new(metric, "ci95_lo", json_real(c->ci95_lo));
            json_object_set_new(metric, "ci95_hi", json_real(c->ci95_hi));
            json_object_set_new(entry, nv_metrics[m].name, metric);
        }
        json_array_append_new(cells, entry);
    }
    json_object_set_new(object, "comparisons", cells);
    (void)json_dumpf(object, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(object);
}

/* Whatever was finished is compared and shown. */
static int conclude(struct run *run, struct nv_error *err)
{
    nv_progress_clear(&run->runner.progress);
    if (nv_runner_summarise(&run->runner, err) || !run->runner.summary_count)
        return err->code;
    fill_summary(run);
    /* A full disk must not take the table away, too. */
    if (nv_csv_set_comparisons(run->csv, &run->summary, err) == NV_OK)
        (void)nv_manifest_write(&run->manifest, run->result.path, err);
    if (run->campaign.settings.format == NV_FORMAT_TABLE)
        nv_table_print(stdout, &run->summary, nv_wants_colour());
    else if (run->campaign.settings.format == NV_FORMAT_JSON)
        print_json(run);
    if (err->code)
        return err->code;
    errno = 0;
    if (fflush(stdout) || ferror(stdout))
        return nv_fail_errno(err, NV_E_FAILED, errno ? errno : EIO, "write to standard output");
    if (run->runner.delivered_total == 0)
        return nv_fail(err, NV_E_FAILED, "not one message was delivered");
    if (run->campaign.settings.plot[0] && !run->interrupted)
        nv_charts_draw(run->campaign.settings.plot, run->result.path,
                       run->campaign.settings.format == NV_FORMAT_TABLE ? stdout : stderr);
    if (run->campaign.settings.fail_if[0])
        return nv_threshold_check(&run->threshold, &run->summary, run->campaign.settings.fail_if,
                                  err);
    return NV_OK;
}

static void close_loop(struct run *run)
{
    (void)uv_run(&run->loop, UV_RUN_NOWAIT); /* a signal may lie there */
    nv_ends_close(&run->ends, &run->loop);
    for (unsigned i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    NV_ASSERT(uv_loop_close(&run->loop) == 0);
}

/* Adds to *err what only the end brings to light. */
static void clean_up(struct run *run, struct nv_error *err)
{
    struct nv_error late = {0};
    bool kept = run->runner.runs_kept > 0;
    nv_runner_dispose(&run->runner);
    if (nv_csv_set_close(run->csv, &late) && !err->code)
        *err = late;
    nv_result_close(&run->result, kept);
    if (run->loop_open)
        close_loop(run);
    else
        nv_ends_close(&run->ends, NULL);
    if (run->interrupted && err->code != NV_E_INTERRUPTED)
        (void)nv_fail(err, NV_E_INTERRUPTED, "interrupted");
    json_decref(run->environment);
    nv_plan_dispose(&run->plan);
    free(run);
}

int nv_run_main(int argc, char **argv, struct nv_error *err)
{
    if (nv_wants_help(argc, argv)) {
        nv_print_help("run [SCENARIO.ini] [options]",
                      "run a campaign; without options, a quick one on loopback", nv_spec_options,
                      nv_settings_options);
        return NV_OK;
    }
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return nv_fail(err, NV_E_FAILED, "no memory");
    nv_campaign_init(&run->campaign);
    int failed = parse_command_line(run, argc, argv, err);
    if (!failed)
        failed = nv_plan_build(&run->plan, &run->campaign, err);
    if (!failed)
        failed = check_settings(run, err);
    if (!failed)
        failed = prepare(run, argc, argv, err);
    if (!failed) {
        struct nv_error late = {0};
        run->manifest.complete = nv_runner_run(&run->runner, err) == NV_OK;
        (void)conclude(run, &late);
        if (!err->code)
            *err = late;
    }
    clean_up(run, err);
    return err->code;
}
