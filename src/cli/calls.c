/* SPDX-License-Identifier: MIT */
#include "cli/calls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "campaign/settings.h"
#include "cli/arguments.h"
#include "cli/cli.h"

/* The whole of `netversus calls`: which script, made and shown. */

#define LIST_COLUMN 38

struct calls_options {
    unsigned transport, format;
    bool read_write, udp_connect;
    char fail[NV_OPTION_TEXT_BYTES];
};

#define AT(field) offsetof(struct calls_options, field)

static const char *const transports[] = {"tcp", "udp", NULL};

const struct nv_option nv_calls_options[] = {
    {.name = "transport",
     .type = &nv_option_choice,
     .offset = AT(transport),
     .fallback = "tcp",
     .choices = transports,
     .help = "what the sockets are of"},
    {.name = "read-write",
     .type = &nv_option_bool,
     .offset = AT(read_write),
     .fallback = "no",
     .help = "read and write instead of recv and send; over UDP, by the client that connects"},
    {.name = "udp-connect",
     .type = &nv_option_bool,
     .offset = AT(udp_connect),
     .fallback = "no",
     .help = "the UDP client calls connect, too"},
    {.name = "fail",
     .type = &nv_option_text,
     .offset = AT(fail),
     .fallback = "",
     .help = "a real error of this call instead, and what to do about it; --fail help lists them"},
    {.name = "format",
     .type = &nv_option_choice,
     .offset = AT(format),
     .fallback = "table",
     .choices = nv_formats,
     .help = "what standard output gets"},
    {.name = NULL},
};

static void list_failures(void)
{
    for (const struct nv_script *script = nv_failures; script->name; script++) {
        char left[64];
        const struct nv_step *step = nv_script_failure(script);
        (void)snprintf(left, sizeof left, "  %-20s%-5s%s", script->name,
                       script->transports == NV_CALLS_TCP   ? "tcp"
                       : script->transports == NV_CALLS_UDP ? "udp"
                                                            : "both",
                       strerrorname_np(step->error));
        nv_print_entry(left, script->words, LIST_COLUMN + 8);
    }
}

static void print_help(void)
{
    nv_print_help("calls", "the socket calls of one exchange on loopback, both ends side by side",
                  nv_calls_options, NULL);
    (void)printf("\nCALL of --fail, the transport, and the errno that it shows\n");
    list_failures();
    (void)printf("\nExamples\n"
                 "  netversus calls                                    TCP, and who calls what\n"
                 "  netversus calls --transport udp --udp-connect      UDP, with connect\n"
                 "  netversus calls --fail bind                        a port that is taken\n"
                 "Exit status of --fail: 0 when the error came, 1 when it did not.\n");
}

static const struct nv_script *unknown_failure(const char *name, struct nv_error *err)
{
    struct nv_nearest nearest = nv_nearest_to(name);
    char words[NV_NEAREST_WORDS_BYTES];
    for (const struct nv_script *script = nv_failures; script->name; script++)
        nv_nearest_see(&nearest, script->name);
    (void)nv_fail(err, NV_E_USAGE, "fail: no failure '%.40s'%s", name,
                  nv_nearest_words(&nearest, "; --fail help lists them", words));
    return NULL;
}

static const struct nv_script *find_failure(const struct calls_options *options,
                                            struct nv_error *err)
{
    bool exists = false;
    for (const struct nv_script *script = nv_failures; script->name; script++) {
        if (strcmp(script->name, options->fail) != 0)
            continue;
        if (script->transports & (1u << options->transport))
            return script;
        exists = true;
    }
    if (!exists)
        return unknown_failure(options->fail, err);
    (void)nv_fail(err, NV_E_USAGE, "fail: '%s' is an error of the other transport than %s",
                  options->fail, transports[options->transport]);
    return NULL;
}

static const struct nv_script *choose(const struct calls_options *options, struct nv_error *err)
{
    bool is_udp = options->transport == 1;
    bool connects = !is_udp || options->udp_connect;
    const char *wrong = NULL;
    if (options->fail[0] && (options->read_write || options->udp_connect))
        wrong = "--fail goes with neither --read-write nor --udp-connect";
    else if (options->udp_connect && !is_udp)
        wrong = "udp-connect: only with --transport udp";
    else if (options->read_write && !connects)
        wrong = "read-write: write names no address; with udp it needs --udp-connect";
    if (wrong)
        return (void)nv_fail(err, NV_E_USAGE, "%s", wrong), NULL;
    if (options->fail[0])
        return find_failure(options, err);
    return !is_udp ? &nv_exchange_tcp : connects ? &nv_exchange_udp_connected : &nv_exchange_udp;
}

static int parse(struct calls_options *options, int argc, char **argv, struct nv_error *err)
{
    const struct nv_option *const tables[] = {nv_calls_options, NULL};
    struct nv_arguments arguments = {argc, argv, 1};
    struct nv_argument argument;
    int got;
    nv_options_reset(nv_calls_options, options);
    while ((got = nv_arguments_next(&arguments, tables, &argument, err)) > 0)
        if (!argument.option)
            return nv_fail(err, NV_E_USAGE, "'%.60s' is not an option", argument.text);
        else if (nv_option_set(argument.option, options, argument.text, err))
            return err->code;
    return got;
}

static int show(const struct nv_exchange *exchange, unsigned format, struct nv_error *err)
{
    static void (*const printers[])(const struct nv_exchange *) = {
        [NV_FORMAT_TABLE] = nv_exchange_print,
        [NV_FORMAT_JSON] = nv_exchange_print_json,
        [NV_FORMAT_CSV] = nv_exchange_print_csv,
    };
    printers[format](exchange);
    errno = 0;
    if (fflush(stdout) || ferror(stdout))
        return nv_fail_errno(err, NV_E_FAILED, errno ? errno : EIO, "write to standard output");
    return NV_OK;
}

static int make_and_show(const struct nv_script *script, const struct calls_options *options,
                         struct nv_error *err)
{
    struct nv_error unseen = {0};
    struct nv_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return nv_fail(err, NV_E_FAILED, "no memory");
    exchange->script = script;
    exchange->type = options->transport == 1 ? SOCK_DGRAM : SOCK_STREAM;
    exchange->read_write = options->read_write;
    bool prepared = nv_exchange_prepare(exchange, err) == NV_OK;
    if (prepared)
        (void)nv_exchange_run(exchange, err);
    nv_exchange_close(exchange);
    if (prepared && show(exchange, options->format, &unseen) && !err->code)
        *err = unseen;
    free(exchange);
    return err->code;
}

int nv_calls_main(int argc, char **argv, struct nv_error *err)
{
    struct calls_options options;
    if (nv_wants_help(argc, argv)) {
        print_help();
        return NV_OK;
    }
    if (parse(&options, argc, argv, err))
        return err->code;
    if (strcmp(options.fail, "help") == 0) {
        list_failures();
        return NV_OK;
    }
    const struct nv_script *script = choose(&options, err);
    if (!script)
        return err->code;
    /* As in a program that has not thought of it: what MSG_NOSIGNAL avoids has to be there. */
    (void)signal(SIGPIPE, SIG_DFL);
    return make_and_show(script, &options, err);
}
