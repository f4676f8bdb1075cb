/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CLI_H
#define NV_CLI_CLI_H

#include <stdio.h>
#include <sys/socket.h>

#include "base/option.h"

/* One function per subcommand: argv[0] is the subcommand's name. They return 0 or NV_E_* with one
 * line in *err. */
struct nv_command {
    const char *name, *arguments, *help;
    int (*run)(int argc, char **argv, struct nv_error *err);
    const struct nv_option *options[2]; /* tables; NULL: there are no more */
};

extern const struct nv_command nv_commands[]; /* ends with a NULL name */

/* The options of commands that have a table of their own. */
extern const struct nv_option nv_serve_options[], nv_shell_options[], nv_check_options[],
    nv_list_options[], nv_calls_options[];

/* The manual page, as roff. */
void nv_manual_print(FILE *out);

int nv_run_main(int argc, char **argv, struct nv_error *err);
int nv_serve_main(int argc, char **argv, struct nv_error *err);
int nv_shell_main(int argc, char **argv, struct nv_error *err);
int nv_check_main(int argc, char **argv, struct nv_error *err);
int nv_calls_main(int argc, char **argv, struct nv_error *err);
int nv_list_main(int argc, char **argv, struct nv_error *err);
int nv_explain_main(int argc, char **argv, struct nv_error *err);
int nv_plot_main(int argc, char **argv, struct nv_error *err);
int nv_report_main(int argc, char **argv, struct nv_error *err);

#define NV_DEFAULT_PORT 5301

/* "HOST", "HOST:PORT", "[v6]:PORT"; family AF_UNSPEC, AF_INET or AF_INET6. */
int nv_resolve(const char *text, int family, struct sockaddr_storage *out, struct nv_error *err);

#endif
