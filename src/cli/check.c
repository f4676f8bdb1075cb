/* SPDX-License-Identifier: MIT */
#include "cli/check.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/arguments.h"
#include "cli/check_say.h"
#include "cli/cli.h"

/* The whole of `netversus check`: which checks, what they need and whether it is there; then one
 * after the other. */

#define NAMES_MAX 64u

struct check_options {
    bool quick;
    char output[NV_OPTION_TEXT_BYTES], csv[NV_OPTION_TEXT_BYTES], broken[NV_OPTION_TEXT_BYTES];
};

#define AT(field) offsetof(struct check_options, field)

const struct nv_option nv_check_options[] = {
    {.name = "quick",
     .type = &nv_option_bool,
     .offset = AT(quick),
     .fallback = "no",
     .help = "in less than a minute: shorter runs, and without what takes long"},
    {.name = "output",
     .type = &nv_option_text,
     .offset = AT(output),
     .fallback = "",
     .form = "a directory",
     .help = "write check.csv there"},
    {.name = "csv",
     .type = &nv_option_text,
     .offset = AT(csv),
     .fallback = "",
     .form = "a file",
     .help = "write the lines to this file"},
    {.name = NULL},
};

/* For the tests, see cli/check.h. */
static const struct nv_option hidden_rows[] = {
    {.name = "break", .type = &nv_option_text, .offset = AT(broken), .fallback = ""},
    {.name = NULL},
};

static const struct nv_check *const tables[] = {nv_check_path_rows, nv_check_packets_rows,
                                                nv_check_tcp_rows,  nv_check_ends_rows,
                                                nv_check_self_rows, NULL};

static const struct nv_check *find(const char *name)
{
    for (unsigned t = 0; tables[t]; t++)
        for (const struct nv_check *row = tables[t]; row->name; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    return NULL;
}

void nv_check_list(void)
{
    for (unsigned t = 0; tables[t]; t++)
        for (const struct nv_check *row = tables[t]; row->name; row++) {
            char words[256];
            (void)snprintf(words, sizeof words, "%s (%s)", row->help, row->reference);
            nv_print_entry(row->name, words, 16);
        }
}

struct selection {
    const struct nv_check *rows[NAMES_MAX];
    unsigned count;
    unsigned needs; /* of all of them together */
};

static void select_row(struct selection *selection, const struct nv_check *row)
{
    for (unsigned i = 0; i < selection->count; i++)
        if (selection->rows[i] == row)
            return;
    NV_ASSERT(selection->count < NAMES_MAX);
    selection->rows[selection->count++] = row;
    selection->needs |= row->needs;
}

static void select_all(struct selection *selection)
{
    for (unsigned t = 0; tables[t]; t++)
        for (const struct nv_check *row = tables[t]; row->name; row++)
            select_row(selection, row);
}

static int parse(struct check_options *options, struct selection *selection, int argc, char **argv,
                 struct nv_error *err)
{
    const struct nv_option *const all[] = {nv_check_options, hidden_rows, NULL};
    struct nv_arguments arguments = {argc, argv, 1};
    struct nv_argument argument;
    int got;
    nv_options_reset(nv_check_options, options);
    nv_options_reset(hidden_rows, options);
    while ((got = nv_arguments_next(&arguments, all, &argument, err)) > 0) {
        const struct nv_check *row = argument.option ? NULL : find(argument.text);
        if (argument.option && nv_option_set(argument.option, options, argument.text, err))
            return err->code;
        if (!argument.option && !row)
            return nv_fail(err, NV_E_USAGE, "no check '%.40s'; netversus list checks names them",
                           argument.text);
        if (row)
            select_row(selection, row);
    }
    if (got < 0)
        return got;
    if (options->broken[0] && !find(options->broken))
        return nv_fail(err, NV_E_USAGE, "no check '%.40s' to break", options->broken);
    if (options->output[0] && options->csv[0])
        return nv_fail(err, NV_E_USAGE, "--output and --csv exclude each other");
    if (!selection->count)
        select_all(selection);
    return NV_OK;
}

static int open_csv(struct nv_check_context *check, const struct check_options *options,
                    struct nv_error *err)
{
    char file[2 * NV_OPTION_TEXT_BYTES];
    if (!options->output[0] && !options->csv[0])
        return NV_OK;
    if (options->output[0] && mkdir(options->output, 0777) && errno != EEXIST)
        return nv_fail_errno(err, NV_E_FAILED, errno, "%s", options->output);
    (void)snprintf(file, sizeof file, "%s%s", options->output[0] ? options->output : options->csv,
                   options->output[0] ? "/check.csv" : "");
    check->csv = fopen(file, "we");
    if (!check->csv)
        return nv_fail_errno(err, NV_E_FAILED, errno, "%s", file);
    nv_check_say_header(check);
    return NV_OK;
}

/* In a child, since an attempt that ends halfway leaves its process in another namespace. */
static int try_path(struct nv_error *err)
{
    int fds[2];
    struct nv_error told = {.code = NV_E_FAILED, .message = "an emulated path: the trial died"};
    if (pipe(fds))
        return nv_fail_errno(err, NV_E_FAILED, errno, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        struct nv_carrier carrier;
        told = (struct nv_error){0};
        (void)nv_carrier_open(&carrier, &told);
        nv_carrier_close(&carrier);
        (void)!write(fds[1], &told, sizeof told);
        _exit(0);
    }
    (void)close(fds[1]);
    if (pid > 0)
        (void)!read(fds[0], &told, sizeof told);
    (void)close(fds[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    *err = told;
    return told.code;
}

static void interrupt_cb(uv_signal_t *handle, int number)
{
    struct nv_check_context *check = handle->data;
    (void)number;
    check->interrupted = true;
    (void)uv_signal_stop(handle);
}

static void open_loop(struct nv_check_context *check)
{
    static const int numbers[2] = {SIGINT, SIGTERM};
    (void)uv_loop_init(&check->loop);
    (void)uv_timer_init(&check->loop, &check->freeze.timer);
    check->freeze.timer.data = check;
    for (unsigned i = 0; i < 2; i++) {
        (void)uv_signal_init(&check->loop, &check->signals[i]);
        check->signals[i].data = check;
        (void)uv_signal_start(&check->signals[i], interrupt_cb, numbers[i]);
    }
    check->loop_open = true;
}

/* The far ends that the selected checks need; before there is a second thread. */
static int open_ends(struct nv_check_context *check, unsigned needs, struct nv_error *err)
{
    struct nv_plan plan;
    const char *paths = !(needs & NV_CHECK_PATH)       ? "none"
                        : !(needs & NV_CHECK_LOOPBACK) ? "empty"
                                                       : "none;empty";
    if (!(needs & (NV_CHECK_PATH | NV_CHECK_LOOPBACK)))
        return NV_OK;
    int failed = nv_campaign_set(&check->campaign, "path", paths, err);
    if (!failed)
        failed = nv_plan_build(&plan, &check->campaign, err);
    if (failed)
        return failed;
    failed = nv_ends_prepare(&check->ends, &check->campaign, &plan, err);
    nv_plan_dispose(&plan);
    return failed;
}

static void close_loop(struct nv_check_context *check)
{
    (void)uv_run(&check->loop, UV_RUN_NOWAIT);
    nv_ends_close(&check->ends, &check->loop);
    uv_close((uv_handle_t *)&check->freeze.timer, NULL);
    for (unsigned i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&check->signals[i], NULL);
    (void)uv_run(&check->loop, UV_RUN_DEFAULT);
    NV_ASSERT(uv_loop_close(&check->loop) == 0);
}

/* Why this check cannot be done here, or NULL. */
static const char *obstacle(const struct nv_check_context *check, const struct nv_check *row)
{
    if (row->needs & NV_CHECK_LONG && check->quick)
        return "takes longer than --quick allows";
    if (row->needs & NV_CHECK_PATH && check->no_path.code)
        return check->no_path.message;
    if (row->needs & NV_CHECK_CORES && uv_available_parallelism() < 2)
        return "needs two processors";
    return NULL;
}

static void run_row(struct nv_check_context *check, const struct nv_check *row)
{
    const char *reason = obstacle(check, row);
    check->row = row;
    check->error = (struct nv_error){0};
    check->freeze.for_ns = 0;
    nv_check_say_title(check);
    if (reason)
        nv_check_skip(check, "all", reason);
    else if (row->run(check) && check->error.code != NV_E_INTERRUPTED)
        nv_check_fail(check, "run", check->error.message);
}

static int run_all(struct nv_check_context *check, const struct selection *selection,
                   struct nv_error *err)
{
    uint64_t start_ns = nv_clock_ns();
    for (unsigned i = 0; i < selection->count && !check->interrupted; i++)
        run_row(check, selection->rows[i]);
    nv_check_say_end(check, nv_clock_ns() - start_ns);
    if (check->interrupted)
        return nv_fail(err, NV_E_INTERRUPTED, "interrupted");
    if (check->unnamed)
        return nv_fail(err, NV_E_FAILED, "failed: %s and %u more", check->failures, check->unnamed);
    if (check->failed)
        return nv_fail(err, NV_E_FAILED, "failed: %s", check->failures);
    return NV_OK;
}

static int run_checks(struct nv_check_context *check, const struct selection *selection,
                      struct nv_error *err)
{
    unsigned needs = selection->needs;
    if (needs & NV_CHECK_PATH && try_path(&check->no_path))
        needs &= ~(unsigned)NV_CHECK_PATH;
    if (open_ends(check, needs, err))
        return err->code;
    open_loop(check);
    check->ends.settings = &check->campaign.settings;
    if (nv_ends_reach(&check->ends, &check->loop, &check->interrupted, err))
        return err->code;
    return run_all(check, selection, err);
}

static int close_csv(struct nv_check_context *check, struct nv_error *err)
{
    if (check->csv && (ferror(check->csv) | fclose(check->csv)) && !err->code)
        return nv_fail(err, NV_E_FAILED, "check.csv: write failed");
    return err->code;
}

int nv_check_main(int argc, char **argv, struct nv_error *err)
{
    if (nv_wants_help(argc, argv)) {
        nv_print_help("check [options] [CHECK...]",
                      "the instrument tests itself on this machine; without names, all of it "
                      "(netversus list checks)",
                      nv_check_options, NULL);
        return NV_OK;
    }
    struct check_options options;
    struct selection selection = {.count = 0};
    struct nv_check_context *check = calloc(1, sizeof *check);
    if (!check)
        return nv_fail(err, NV_E_FAILED, "no memory");
    nv_campaign_init(&check->campaign);
    int failed = parse(&options, &selection, argc, argv, err);
    check->quick = options.quick;
    (void)snprintf(check->broken, sizeof check->broken, "%s", options.broken);
    if (!failed)
        failed = open_csv(check, &options, err);
    if (!failed)
        (void)run_checks(check, &selection, err);
    if (check->loop_open)
        close_loop(check);
    else
        nv_ends_close(&check->ends, NULL);
    failed = close_csv(check, err);
    free(check);
    return failed;
}
