/* SPDX-License-Identifier: MIT */
#include "cli/script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/option.h"

#define STATUS_USAGE 2 /* of the scripts, as of the program */
#define PATH_BYTES 512
#define ALL "all"
#define ONLY_BYTES (NV_OPTION_TEXT_BYTES + sizeof "--only=")

static char plot[] = "plot";

/* Scripts ask this program what its numbers mean. */
static void name_self(void)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return;
    self[len] = '\0';
    (void)setenv("NETVERSUS", self, 1);
}

int nv_script_become(const char *name, char *const *argv, struct nv_error *err)
{
    static const char *const places[] = {NV_DATA_DIR_SOURCE, NV_DATA_DIR_INSTALL};
    char path[PATH_BYTES];
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/scripts/%s", places[i], name);
        if (access(path, X_OK))
            continue;
        name_self();
        (void)fflush(stdout);
        (void)execv(path, argv);
        return nv_fail_errno(err, NV_E_FAILED, errno, "exec %s", path);
    }
    return nv_fail(err, NV_E_FAILED, "scripts/%s is neither in %s nor in %s", name, places[0],
                   places[1]);
}

/* scripts/plot as a child, one of whose streams goes to a file of ours. */
static pid_t start_plot(char *const *argv, int stream, int file, struct nv_error *err)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        (void)nv_fail_errno(err, NV_E_FAILED, errno, "fork");
    if (child)
        return child;
    struct nv_error why = {0};
    (void)dup2(file, stream);
    (void)nv_script_become("plot", argv, &why);
    (void)fprintf(stderr, "plot: %s\n", why.message);
    _exit(1);
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Its first line; "" when it has none. */
static void first_line(int file, char *line, int line_bytes)
{
    FILE *in = fdopen(file, "r");
    if (!in || !fgets(line, line_bytes, in))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (in)
        (void)fclose(in);
    else
        (void)close(file);
}

int nv_charts_check(const char *charts, struct nv_error *err)
{
    char only[ONLY_BYTES];
    char line[480];
    int ends[2];
    if (!charts[0] || strcmp(charts, ALL) == 0)
        return NV_OK;
    (void)snprintf(only, sizeof only, "--only=%s", charts);
    char *argv[] = {plot, only, NULL};
    if (pipe(ends))
        return nv_fail_errno(err, NV_E_FAILED, errno, "pipe");
    pid_t child = start_plot(argv, STDERR_FILENO, ends[1], err);
    (void)close(ends[1]);
    first_line(ends[0], line, sizeof line);
    if (child < 0)
        return err->code;
    return wait_for(child) == STATUS_USAGE ? nv_fail(err, NV_E_USAGE, "%s", line) : NV_OK;
}

void nv_charts_draw(const char *charts, const char *directory, FILE *out)
{
    char only[ONLY_BYTES];
    char where[PATH_BYTES];
    struct nv_error err = {0};
    bool all = strcmp(charts, ALL) == 0;
    (void)snprintf(only, sizeof only, "--only=%s", charts);
    (void)snprintf(where, sizeof where, "%s", directory);
    char *argv[] = {plot, where, all ? NULL : only, NULL};
    (void)fflush(out);
    pid_t child = start_plot(argv, STDOUT_FILENO, fileno(out), &err);
    if (child < 0)
        (void)fprintf(stderr, "plot: %s\n", err.message);
    else
        (void)wait_for(child);
}
