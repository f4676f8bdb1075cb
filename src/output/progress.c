/* SPDX-License-Identifier: MIT */
#include "output/progress.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_COLUMNS 79
#define LINE_BYTES (4 * LINE_COLUMNS)
#define BAR_CELLS 20u
#define PACE_RUNS_MIN 2u /* done, before their pace says more than the plan */

void nv_progress_init(struct nv_progress *progress, FILE *out, bool quiet)
{
    *progress = (struct nv_progress){.out = out};
    progress->live = !quiet && isatty(fileno(out)) == 1;
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (double)(to_ns - from_ns) / (double)NV_NS_PER_S : 0;
}

double nv_progress_left_s(const struct nv_progress *progress, const struct nv_progress_now *now)
{
    unsigned left =
        progress->runs_total > now->runs_done ? progress->runs_total - now->runs_done : 0;
    double run_s = progress->run_expected_s;
    if (now->runs_done >= PACE_RUNS_MIN)
        run_s = seconds_between(progress->start_ns, now->run_start_ns) / now->runs_done;
    double gone_s = seconds_between(now->run_start_ns, now->now_ns);
    if (!left)
        return 0;
    return left * run_s - (gone_s < run_s ? gone_s : run_s);
}

static void format_minutes(double seconds, char *out, size_t out_bytes)
{
    unsigned long long whole = (unsigned long long)(seconds + 0.5);
    if (whole < 3600)
        (void)snprintf(out, out_bytes, "%llu:%02llu", whole / 60, whole % 60);
    else
        (void)snprintf(out, out_bytes, "%llu:%02llu:%02llu", whole / 3600, whole / 60 % 60,
                       whole % 60);
}

/* Shortens text to so many characters, never within one. */
static void cut(char *text, unsigned columns)
{
    for (; *text; text++)
        if (((unsigned char)*text & 0xc0) != 0x80 && columns-- == 0)
            break;
    *text = '\0';
}

char *nv_progress_format(const struct nv_progress *progress, const struct nv_progress_now *now,
                         char *out, size_t out_bytes)
{
    char left[32];
    char bar[BAR_CELLS + 1];
    char block[32];
    unsigned total = progress->runs_total ? progress->runs_total : 1;
    unsigned done = now->runs_done < total ? now->runs_done : total;
    unsigned full = (unsigned)((uint64_t)done * BAR_CELLS / total);
    memset(bar, '-', BAR_CELLS);
    memset(bar, '#', full);
    bar[BAR_CELLS] = '\0';
    format_minutes(nv_progress_left_s(progress, now), left, sizeof left);
    (void)snprintf(block, sizeof block, "%s", now->stage ? now->stage : "warm-up");
    if (now->block)
        (void)snprintf(block, sizeof block, "block %u", now->block);
    (void)snprintf(out, out_bytes, "[%s] %u/%u  %s left  %s  %s", bar, done, total, left, block,
                   now->title ? now->title : "");
    cut(out, LINE_COLUMNS);
    return out;
}

void nv_progress_show(const struct nv_progress *progress, const struct nv_progress_now *now)
{
    char line[LINE_BYTES];
    if (!progress->live)
        return;
    (void)fprintf(progress->out, "\r%s\033[K",
                  nv_progress_format(progress, now, line, sizeof line));
    (void)fflush(progress->out);
}

void nv_progress_clear(const struct nv_progress *progress)
{
    if (!progress->live)
        return;
    (void)fprintf(progress->out, "\r\033[K");
    (void)fflush(progress->out);
}
