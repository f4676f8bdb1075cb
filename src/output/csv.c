/* SPDX-License-Identifier: MIT */
#include "output/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/columns.h"
#include "output/csv_row.h"

/* Rows gather in one buffer and go to the kernel by write(), whole rows at a time. A file's size
 * after the last complete run is remembered: a run that cannot be written is cut off again. */

#define BUFFER_BYTES ((size_t)256 * 1024)
#define PATH_BYTES 4096u

struct csv_file {
    const struct nv_sheet *sheet;
    unsigned column_count;
    struct nv_column columns[NV_COLUMNS_MAX];
    int fd; /* -1: not open (yet) */
    off_t size;
};

struct nv_csv_set {
    char directory[PATH_BYTES - 64];
    unsigned file_count;
    struct csv_file files[NV_SHEETS_MAX];
    char *buffer;
    size_t used;
};

/* One file in the course of a walk. */
struct csv_emit {
    struct nv_emit emit; /* first */
    struct nv_csv_set *set;
    struct csv_file *file;
    int error; /* errno, 0 = none */
};

/* 0 or errno. */
static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int fail_file(const struct nv_csv_set *set, const struct csv_file *file, int errnum,
                     struct nv_error *err)
{
    return nv_fail_errno(err, NV_E_FAILED, errnum, "cannot write %s/%s", set->directory,
                         file->sheet->file);
}

static int flush(struct csv_emit *csv)
{
    int error = write_all(csv->file->fd, csv->set->buffer, csv->set->used);
    csv->set->used = 0;
    csv->error = csv->error ? csv->error : error;
    return csv->error ? NV_E_FAILED : NV_OK;
}

static char *path_of(const struct nv_csv_set *set, const struct csv_file *file,
                     char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", set->directory, file->sheet->file);
    return path;
}

/* A crash can leave half a row at the end. Returns the size to go on from, or -1 and errno. */
static off_t size_of_whole_rows(int fd, off_t size)
{
    char block[4096];
    while (size > 0) {
        off_t from = size > (off_t)sizeof block ? size - (off_t)sizeof block : 0;
        ssize_t n = pread(fd, block, (size_t)(size - from), from);
        if (n <= 0)
            return -1;
        for (ssize_t i = n; i > 0; i--)
            if (block[i - 1] == '\n')
                return from + i;
        size = from;
    }
    return 0;
}

static int check_header(struct nv_csv_set *set, struct csv_file *file, struct nv_error *err)
{
    size_t len = nv_csv_row(set->buffer, file->columns, file->column_count, NULL);
    char *found = set->buffer + len;
    ssize_t n = pread(file->fd, found, len, 0);
    if (n == (ssize_t)len && memcmp(set->buffer, found, len) == 0)
        return NV_OK;
    return nv_fail(err, NV_E_FAILED, "%s/%s has other columns: it is of another version",
                   set->directory, file->sheet->file);
}

/* Regular files are gone on with; anything else (a pipe, a device) is just written to. */
static int open_file(struct nv_csv_set *set, struct csv_file *file, struct nv_error *err)
{
    char path[PATH_BYTES];
    struct stat status;
    file->fd = open(path_of(set, file, path), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file->fd < 0 || fstat(file->fd, &status))
        return fail_file(set, file, errno, err);
    off_t size = S_ISREG(status.st_mode) ? size_of_whole_rows(file->fd, status.st_size) : 0;
    if (size < 0 || (size != status.st_size && ftruncate(file->fd, size)))
        return fail_file(set, file, errno, err);
    file->size = size;
    if (size)
        return check_header(set, file, err);
    size_t len = nv_csv_row(set->buffer, file->columns, file->column_count, NULL);
    int error = write_all(file->fd, set->buffer, len);
    if (error)
        return fail_file(set, file, error, err);
    file->size = (off_t)len;
    return NV_OK;
}

/* Made only when there is something to put in it. */
static bool is_on_request(const struct csv_file *file)
{
    return file->sheet->on_request;
}

static int emit_line(struct nv_emit *emit, const void *line)
{
    struct csv_emit *csv = (struct csv_emit *)emit;
    struct nv_csv_set *set = csv->set;
    if (csv->file->fd < 0) {
        struct nv_error err;
        int result = open_file(set, csv->file, &err);
        csv->error = result ? EIO : 0;
        if (result)
            return result;
    }
    set->used +=
        nv_csv_row(set->buffer + set->used, csv->file->columns, csv->file->column_count, line);
    return set->used > BUFFER_BYTES ? flush(csv) : NV_OK;
}

static void make_files(struct nv_csv_set *set)
{
    for (unsigned i = 0; nv_sheets[i]; i++) {
        struct csv_file *file = &set->files[set->file_count++];
        file->sheet = nv_sheets[i];
        file->fd = -1;
        file->column_count = nv_sheet_columns(file->sheet, file->columns);
    }
}

static int open_files(struct nv_csv_set *set, struct nv_error *err)
{
    for (unsigned i = 0; i < set->file_count; i++) {
        char path[PATH_BYTES];
        struct csv_file *file = &set->files[i];
        if (is_on_request(file) && access(path_of(set, file, path), F_OK) != 0)
            continue;
        int result = open_file(set, file, err);
        if (result)
            return result;
    }
    return NV_OK;
}

int nv_csv_set_open(struct nv_csv_set **out, const char *directory, struct nv_error *err)
{
    *out = NULL;
    struct nv_csv_set *set = calloc(1, sizeof *set);
    if (set)
        set->buffer = malloc(BUFFER_BYTES + NV_CSV_ROW_BYTES);
    if (!set || !set->buffer) {
        free(set);
        return nv_fail(err, NV_E_FAILED, "no memory");
    }
    make_files(set);
    int result = NV_OK;
    if (strlen(directory) >= sizeof set->directory)
        result = nv_fail(err, NV_E_FAILED, "the path of the result directory is too long");
    else
        memcpy(set->directory, directory, strlen(directory) + 1);
    if (!result)
        result = open_files(set, err);
    if (result) {
        (void)nv_csv_set_close(set, NULL);
        return result;
    }
    *out = set;
    return NV_OK;
}

/* Back to what was there before, as far as that is possible. */
static void cut_back(struct nv_csv_set *set)
{
    for (unsigned i = 0; i < set->file_count; i++)
        if (set->files[i].fd >= 0 && ftruncate(set->files[i].fd, set->files[i].size))
            continue; /* a device has no length to cut */
}

static void commit(struct nv_csv_set *set)
{
    struct stat status;
    for (unsigned i = 0; i < set->file_count; i++)
        if (set->files[i].fd >= 0 && fstat(set->files[i].fd, &status) == 0)
            set->files[i].size = status.st_size;
}

static int walk(const struct nv_sheet *sheet, struct nv_emit *emit, const struct nv_run_result *run,
                const struct nv_trial *trial)
{
    if (trial)
        return sheet->trial_lines ? sheet->trial_lines(emit, trial) : NV_OK;
    return sheet->run_lines ? sheet->run_lines(emit, run) : NV_OK;
}

static int write_run(struct nv_csv_set *set, const struct nv_run_result *run,
                     const struct nv_trial *trial, struct nv_error *err)
{
    /* runs.csv comes last: a run that is found there is complete everywhere. */
    for (unsigned i = set->file_count; i-- > 0;) {
        struct csv_emit csv = {.emit = {emit_line}, .set = set, .file = &set->files[i]};
        set->used = 0;
        if (walk(csv.file->sheet, &csv.emit, run, trial) < 0 || flush(&csv) < 0) {
            cut_back(set);
            return fail_file(set, csv.file, csv.error ? csv.error : ENOMEM, err);
        }
    }
    commit(set);
    return NV_OK;
}

int nv_csv_set_run(struct nv_csv_set *set, const struct nv_run_result *run, struct nv_error *err)
{
    return run->key.block ? write_run(set, run, NULL, err) : NV_OK;
}

int nv_csv_set_trial(struct nv_csv_set *set, const struct nv_trial *trial, struct nv_error *err)
{
    return write_run(set, trial->run, trial, err);
}

int nv_csv_set_comparisons(struct nv_csv_set *set, const struct nv_summary *summary,
                           struct nv_error *err)
{
    for (unsigned i = 0; i < set->file_count; i++) {
        struct csv_emit csv = {.emit = {emit_line}, .set = set, .file = &set->files[i]};
        if (!csv.file->sheet->summary_lines)
            continue;
        size_t header = nv_csv_row(set->buffer, csv.file->columns, csv.file->column_count, NULL);
        set->used = 0;
        if (csv.file->size && ftruncate(csv.file->fd, (off_t)header))
            return fail_file(set, csv.file, errno, err);
        csv.file->size = (off_t)header;
        if (csv.file->sheet->summary_lines(&csv.emit, summary) < 0 || flush(&csv) < 0) {
            cut_back(set);
            return fail_file(set, csv.file, csv.error, err);
        }
    }
    commit(set);
    return NV_OK;
}

int nv_csv_set_close(struct nv_csv_set *set, struct nv_error *err)
{
    int result = NV_OK;
    if (!set)
        return NV_OK;
    for (unsigned i = 0; i < set->file_count; i++)
        if (set->files[i].fd >= 0 && close(set->files[i].fd) && !result)
            result = fail_file(set, &set->files[i], errno, err);
    free(set->buffer);
    free(set);
    return result;
}
