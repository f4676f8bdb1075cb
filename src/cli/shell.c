/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "path/carrier.h"

/* `netversus shell`: any program over an emulated path. A command, or a shell, runs at the near
 * place; another may run at the far one meanwhile, and is ended when the first one has. */

struct shell_options {
    char path[NV_OPTION_TEXT_BYTES];
    char far[NV_OPTION_TEXT_BYTES];
    uint64_t seed;
};

#define AT(field) offsetof(struct shell_options, field)

const struct nv_option nv_shell_options[] = {
    {.name = "path",
     .type = &nv_option_text,
     .offset = AT(path),
     .fallback = "empty",
     .form = "a name or settings (netversus list paths)",
     .help = "what happens to packets between near and far"},
    {.name = "far",
     .type = &nv_option_text,
     .offset = AT(far),
     .fallback = "",
     .form = "a shell command",
     .help = "runs at the far place meanwhile, such as 'iperf3 -s'"},
    {.name = "seed",
     .type = &nv_option_count,
     .offset = AT(seed),
     .fallback = "0",
     .help = "of the weather; 0: drawn"},
    {.name = NULL},
};

static void print_help(void)
{
    nv_print_help("shell [options] [COMMAND [ARGUMENT...]]",
                  "a command, or a shell, at the near end of an emulated path", nv_shell_options,
                  NULL);
    (void)printf("\nThe far end is %s or %s, also $NETVERSUS_FAR and $NETVERSUS_FAR6.\n"
                 "  netversus shell --path lte ping -c 5 %s\n"
                 "  netversus shell --path lossy --far 'iperf3 -s' iperf3 -c %s\n",
                 NV_CARRIER_FAR_IPV4, NV_CARRIER_FAR_IPV6, NV_CARRIER_FAR_IPV4,
                 NV_CARRIER_FAR_IPV4);
}

/* Options up to the first word, which begins the command. */
static int parse(struct shell_options *options, int argc, char **argv, char ***command,
                 struct nv_error *err)
{
    const struct nv_option *const tables[] = {nv_shell_options, NULL};
    struct nv_arguments arguments = {argc, argv, 1};
    struct nv_argument argument;
    int got;
    nv_options_reset(nv_shell_options, options);
    *command = NULL;
    while ((got = nv_arguments_next(&arguments, tables, &argument, err)) > 0) {
        if (!argument.option) {
            *command = &argv[arguments.next - 1];
            return NV_OK;
        }
        if (nv_option_set(argument.option, options, argument.text, err))
            return err->code;
    }
    return got;
}

_Noreturn static void become(char *const *arguments, bool in_background)
{
    (void)prctl(PR_SET_PDEATHSIG, in_background ? SIGKILL : SIGHUP);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
    if (in_background) {
        int null = open("/dev/null", O_RDONLY);
        (void)dup2(null, STDIN_FILENO);
        (void)setpgid(0, 0);
    }
    (void)execvp(arguments[0], arguments);
    (void)fprintf(stderr, "netversus shell: %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

static pid_t start_far(const struct nv_carrier *carrier, char *command, struct nv_error *err)
{
    static char shell[] = "sh";
    static char option[] = "-c";
    char *const arguments[] = {shell, option, command, NULL};
    if (!*command)
        return 0;
    if (nv_carrier_enter(carrier, NV_PLACE_FAR, err))
        return -1;
    pid_t child = fork();
    if (child == 0)
        become(arguments, true);
    if (child < 0)
        (void)nv_fail_errno(err, NV_E_FAILED, errno, "fork");
    return nv_carrier_enter(carrier, NV_PLACE_NEAR, err) ? -1 : child;
}

static void end_far(pid_t child)
{
    if (child <= 0)
        return;
    (void)kill(-child, SIGTERM);
    for (unsigned i = 0; i < 100 && waitpid(child, NULL, WNOHANG) == 0; i++)
        nv_clock_sleep_until(nv_clock_ns() + 20 * NV_NS_PER_MS);
    (void)kill(-child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}

/* Its exit status, as a shell would say it. */
static int run_near(char **command, struct nv_error *err)
{
    char *fallback = getenv("SHELL");
    static char shell[] = "/bin/sh";
    char *const alone[] = {fallback && *fallback ? fallback : shell, NULL};
    int status = 0;
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGQUIT, SIG_IGN);
    pid_t child = fork();
    if (child == 0)
        become(command ? command : alone, false);
    if (child < 0)
        return nv_fail_errno(err, NV_E_FAILED, errno, "fork");
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void print_report(const struct nv_path_report *report)
{
    static const char *const names[2] = {"up  ", "down"};
    for (unsigned i = 0; i < 2; i++) {
        const struct nv_way_report *way = &report->way[i];
        char delay[32] = "-";
        uint64_t lost = 0;
        for (unsigned cause = 0; cause < NV_DROP_CAUSES; cause++)
            lost += way->drop_count[cause];
        if (way->out_count)
            (void)nv_show_time((double)way->delay_p50_ns, delay, sizeof delay);
        (void)fprintf(stderr,
                      "%s %" PRIu64 " packets, %" PRIu64 " lost (%" PRIu64
                      " in the queue), %" PRIu64 " reordered, %" PRIu64 " twice; delay p50 %s\n",
                      names[i], way->in_count, lost, way->drop_count[NV_DROP_QUEUE],
                      way->reordered_count, way->dup_count, delay);
    }
}

static int run_shell(struct shell_options *options, const struct nv_path *path, char **command,
                     struct nv_carrier *carrier, struct nv_error *err)
{
    uint64_t seed = options->seed ? options->seed : nv_rng_entropy();
    const struct nv_carrier_setting setting = {.path = path, .seed = seed};
    struct nv_path_report report;
    if (nv_carrier_open(carrier, err) || nv_carrier_configure(carrier, &setting, err))
        return err->code;
    uint64_t now_ns = nv_clock_ns();
    if (nv_carrier_start(carrier, now_ns, now_ns, err))
        return err->code;
    (void)setenv("NETVERSUS_FAR", NV_CARRIER_FAR_IPV4, 1);
    (void)setenv("NETVERSUS_FAR6", NV_CARRIER_FAR_IPV6, 1);
    (void)setenv("NETVERSUS_NEAR", NV_CARRIER_NEAR_IPV4, 1);
    if (!command)
        (void)fprintf(stderr, "The far end of path %s is %s; exit to leave.\n", options->path,
                      NV_CARRIER_FAR_IPV4);
    pid_t far = start_far(carrier, options->far, err);
    int status = far < 0 ? 1 : run_near(command, err);
    end_far(far);
    if (!err->code && nv_carrier_report(carrier, &report, err) == NV_OK)
        print_report(&report);
    return status;
}

int nv_shell_main(int argc, char **argv, struct nv_error *err)
{
    struct shell_options options;
    struct nv_path path;
    struct nv_carrier carrier = {0};
    char **command;
    if (argc > 1 && nv_wants_help(2, argv)) {
        print_help();
        return NV_OK;
    }
    if (parse(&options, argc, argv, &command, err) || nv_path_parse(&path, options.path, NULL, err))
        return err->code;
    if (!path.emulated)
        return nv_fail(err, NV_E_USAGE, "path: 'none' is the real network; try --path wifi");
    int status = run_shell(&options, &path, command, &carrier, err);
    nv_carrier_close(&carrier);
    if (!err->code && status)
        exit(status);
    return err->code;
}
