/* SPDX-License-Identifier: MIT */
#include "output/table.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "output/calls_table.h"
#include "output/factors.h"

#define WIDTH 100
#define LABEL_WIDTH 20
#define VALUE_WIDTH 13
#define EFFECT_WIDTH 10
#define INTERVAL_WIDTH 16
#define LINE_BYTES 512
#define NONE_UPPER 3.0 /* rule of three: 95 % upper bound for none in n is 3 / n */
#define NOISY_SHARE 0.2

struct table {
    FILE *out;
    bool colour;
    bool needs_legend, has_capacity;
};

/* A line in the making: width counts what a terminal shows, not bytes. */
struct line {
    char text[LINE_BYTES];
    size_t used;
    int width;
};

static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void put(struct line *line, const char *text)
{
    size_t len = strlen(text);
    if (line->used + len >= sizeof line->text)
        return;
    memcpy(line->text + line->used, text, len + 1);
    line->used += len;
    line->width += width_of(text);
}

static void pad_to(struct line *line, int width)
{
    while (line->width < width)
        put(line, " ");
}

/* Right-aligned to end at the given column, at least one blank before it. */
static void put_right(struct line *line, const char *text, int end)
{
    if (line->width && *text)
        put(line, " ");
    pad_to(line, end - width_of(text));
    put(line, text);
}

static void end_line(struct table *table, struct line *line)
{
    while (line->used && line->text[line->used - 1] == ' ')
        line->used--;
    line->text[line->used] = '\0';
    (void)fprintf(table->out, "%s\n", line->text);
    *line = (struct line){.used = 0};
}

/* Escape codes take no width. */
static void put_code(const struct table *table, struct line *line, const char *code)
{
    int width = line->width;
    if (table->colour)
        put(line, code);
    line->width = width;
}

#define CODE_BOLD "\033[1m"
#define CODE_DIM "\033[2m"
#define CODE_TCP "\033[34m" /* the colours of the charts: blue and orange */
#define CODE_UDP "\033[33m"
#define CODE_OFF "\033[0m"

static const char *transport_code(const struct nv_summary_arm *arm)
{
    return strcmp(arm->spec->transport, "tcp") == 0 ? CODE_TCP : CODE_UDP;
}

/* ---- values ---- */

/* Never rounds a share that is not whole up to 100 %. */
static void show_percent(double ratio, char *out, size_t out_bytes)
{
    int decimals = 2;
    if (isnan(ratio)) {
        (void)snprintf(out, out_bytes, "-");
        return;
    }
    while (ratio < 1 && decimals < 6 && 1 - ratio < 0.5 * pow(10, -2 - decimals))
        decimals++;
    (void)snprintf(out, out_bytes, "%.*f %%", decimals, 100 * ratio);
}

static void show_value(enum nv_metric metric, double value, char *out, size_t out_bytes)
{
    if (isnan(value))
        (void)snprintf(out, out_bytes, "-");
    else if (isinf(value))
        (void)snprintf(out, out_bytes, "never");
    else if (metric == NV_METRIC_GOODPUT)
        (void)nv_show_bitrate(value, out, out_bytes);
    else if (metric == NV_METRIC_ONTIME_RATIO || metric == NV_METRIC_LOSS_RATIO)
        show_percent(value, out, out_bytes);
    else
        (void)nv_show_time(value, out, out_bytes);
}

/* Per cent, or percentage points; signed, but for a plain 0. */
static void show_change(enum nv_metric metric, double change, char *out, size_t out_bytes)
{
    bool points = nv_metrics[metric].scale == NV_SCALE_DIFF;
    double percent = 100 * change;
    int decimals = points ? 2 : fabs(percent) < 99.95 ? 1 : 0;
    if (isinf(change))
        (void)snprintf(out, out_bytes, "%sinf", change > 0 ? "+" : "-");
    else if (fabs(percent) < 0.5 * pow(10, -decimals))
        (void)snprintf(out, out_bytes, "%.*f", decimals, 0.0);
    else
        (void)snprintf(out, out_bytes, "%+.*f", decimals, percent);
}

static void put_effect(struct line *line, enum nv_metric metric,
                       const struct nv_comparison *comparison, int end)
{
    char text[64];
    char number[32];
    if (isnan(comparison->effect))
        return;
    show_change(metric, comparison->effect, number, sizeof number);
    bool points = nv_metrics[metric].scale == NV_SCALE_DIFF;
    (void)snprintf(text, sizeof text, "%s%s", number,
                   isinf(comparison->effect) ? "  "
                   : points                  ? " pp"
                                             : " %");
    put_right(line, text, end);
}

static void put_interval(struct line *line, enum nv_metric metric,
                         const struct nv_comparison *comparison)
{
    char text[80];
    char lo[32];
    char hi[32];
    if (!comparison->has_interval || isnan(comparison->ci95_lo) || isnan(comparison->ci95_hi))
        return;
    show_change(metric, comparison->ci95_lo, lo, sizeof lo);
    show_change(metric, comparison->ci95_hi, hi, sizeof hi);
    (void)snprintf(text, sizeof text, "  [%s, %s]", lo, hi);
    put(line, text);
}

/* ---- rows ---- */

static int arms_end(const struct nv_summary_cell *cell)
{
    return LABEL_WIDTH + VALUE_WIDTH * (int)cell->arm_count;
}

static void put_verdict(struct table *table, struct line *line, const struct nv_summary_cell *cell,
                        enum nv_metric metric)
{
    const struct nv_comparison *comparison = &cell->comparison[metric];
    char words[NV_VERDICT_WORDS_BYTES];
    const char *code = CODE_DIM;
    (void)nv_verdict_words(cell, metric, words);
    if (comparison->verdict == NV_VERDICT_A_WINS || comparison->verdict == NV_VERDICT_A_SLIGHTLY)
        code = transport_code(&cell->arm[0]);
    if (comparison->verdict == NV_VERDICT_B_WINS || comparison->verdict == NV_VERDICT_B_SLIGHTLY)
        code = transport_code(&cell->arm[1]);
    if (comparison->verdict == NV_VERDICT_INCONCLUSIVE && comparison->needed_blocks &&
        comparison->needed_blocks <= NV_BLOCKS_MAX) {
        (void)snprintf(words, sizeof words, "inconclusive (~%u blocks)", comparison->needed_blocks);
        table->needs_legend = true;
    }
    put(line, "  ");
    put_code(table, line, code);
    put(line, words);
    put_code(table, line, CODE_OFF);
}

static void put_comparison(struct table *table, struct line *line,
                           const struct nv_summary_cell *cell, enum nv_metric metric)
{
    const struct nv_comparison *comparison = &cell->comparison[metric];
    if (cell->arm_count != 2)
        return;
    put_effect(line, metric, comparison, arms_end(cell) + EFFECT_WIDTH);
    if (!comparison->blocks_count)
        return;
    if (comparison->verdict != NV_VERDICT_NONE) {
        put_interval(line, metric, comparison);
        pad_to(line, arms_end(cell) + EFFECT_WIDTH + INTERVAL_WIDTH);
    }
    put_verdict(table, line, cell, metric);
}

static bool is_known(const struct nv_summary_cell *cell, enum nv_metric metric)
{
    for (unsigned i = 0; i < cell->arm_count; i++)
        if (!isnan(cell->arm[i].median[metric]))
            return true;
    return false;
}

static void print_metric(struct table *table, const struct nv_summary_cell *cell,
                         enum nv_metric metric)
{
    struct line line = {.used = 0};
    char text[64];
    char deadline[NV_DEADLINE_BYTES];
    (void)snprintf(text, sizeof text, "  %s", nv_metrics[metric].label);
    if (metric == NV_METRIC_ONTIME_RATIO)
        (void)snprintf(text, sizeof text, "  on time within %s",
                       nv_show_deadline(cell->arm[0].spec, deadline));
    put(&line, text);
    for (unsigned i = 0; i < cell->arm_count; i++) {
        show_value(metric, cell->arm[i].median[metric], text, sizeof text);
        put_right(&line, text, LABEL_WIDTH + VALUE_WIDTH * (int)(i + 1));
    }
    put_comparison(table, &line, cell, metric);
    end_line(table, &line);
}

/* "0 of 9 600"; large totals in short. */
static void show_share(uint64_t count, uint64_t total, char *out, size_t out_bytes)
{
    char part[32];
    char whole[32];
    if (total >= 100000)
        (void)snprintf(whole, sizeof whole, total < 99950000 ? "%.2f M" : "%.0f M",
                       (double)total / 1e6);
    else
        (void)nv_show_count(total, whole, sizeof whole);
    (void)snprintf(out, out_bytes, "%s of %s", nv_show_count(count, part, sizeof part), whole);
}

enum tally { NOT_SENT, LOST, REORDERED };

static uint64_t tally_part(const struct nv_summary_arm *arm, enum tally tally)
{
    return tally == NOT_SENT ? arm->not_sent_count
           : tally == LOST   ? arm->lost_count
                             : arm->reordered_count;
}

static uint64_t tally_whole(const struct nv_summary_arm *arm, enum tally tally)
{
    return tally == NOT_SENT ? arm->sched_count
           : tally == LOST   ? arm->sched_count - arm->not_sent_count
                             : arm->unique_count;
}

static bool is_any(const struct nv_summary_cell *cell, enum tally tally)
{
    for (unsigned i = 0; i < cell->arm_count; i++)
        if (tally_part(&cell->arm[i], tally))
            return true;
    return false;
}

/* No loss was seen: how much there may be all the same. */
static void put_upper_bound(struct line *line, const struct nv_summary_cell *cell)
{
    char text[48];
    uint64_t sent_count = UINT64_MAX;
    for (unsigned i = 0; i < cell->arm_count; i++)
        if (tally_whole(&cell->arm[i], LOST) < sent_count)
            sent_count = tally_whole(&cell->arm[i], LOST);
    if (!sent_count)
        return;
    (void)snprintf(text, sizeof text, "  (at most %.2g %%)",
                   fmin(100, 100 * NONE_UPPER / (double)sent_count));
    if (cell->arm_count == 2)
        pad_to(line, arms_end(cell) + EFFECT_WIDTH + INTERVAL_WIDTH);
    put(line, text);
}

static void print_tally(struct table *table, const struct nv_summary_cell *cell, enum tally tally)
{
    static const char *const labels[] = {"  not sent", "  lost", "  reordered"};
    struct line line = {.used = 0};
    char text[80];
    put(&line, labels[tally]);
    for (unsigned i = 0; i < cell->arm_count; i++) {
        show_share(tally_part(&cell->arm[i], tally), tally_whole(&cell->arm[i], tally), text,
                   sizeof text);
        put_right(&line, text, LABEL_WIDTH + VALUE_WIDTH * (int)(i + 1));
    }
    if (tally == LOST && is_any(cell, LOST))
        put_comparison(table, &line, cell, NV_METRIC_LOSS_RATIO);
    else if (tally == LOST)
        put_upper_bound(&line, cell);
    end_line(table, &line);
}

/* Adds " · part", on a new line when there is no room. */
static void put_part(struct table *table, struct line *line, const char *part, int room)
{
    if (!part || !*part)
        return;
    if (line->width && line->width + 3 + width_of(part) > room)
        end_line(table, line);
    if (line->width)
        put(line, " · ");
    put(line, part);
}

/* A title, broken between its parts where it is wider than the table. */
static void put_title(struct table *table, struct line *line, const char *title)
{
    static const char joint[] = " · ";
    char part[NV_TITLE_BYTES];
    while (*title) {
        const char *end = strstr(title, joint);
        size_t len = end ? (size_t)(end - title) : strlen(title);
        (void)snprintf(part, sizeof part, "%.*s", (int)len, title);
        put_part(table, line, part, WIDTH);
        title += len + (end ? sizeof joint - 1 : 0);
    }
}

static void print_cell_head(struct table *table, const struct nv_summary *summary,
                            const struct nv_summary_cell *cell)
{
    struct line line = {.used = 0};
    char title[NV_TITLE_BYTES];
    char heading[64];
    put_code(table, &line, CODE_BOLD);
    put_title(table, &line, nv_summary_title(summary, cell, title));
    put_code(table, &line, CODE_OFF);
    if (line.width + width_of(cell->arm[0].name) + 2 > LABEL_WIDTH + VALUE_WIDTH)
        end_line(table, &line);
    for (unsigned i = 0; i < cell->arm_count; i++) {
        pad_to(&line, LABEL_WIDTH + VALUE_WIDTH * (int)(i + 1) - width_of(cell->arm[i].name));
        put_code(table, &line, transport_code(&cell->arm[i]));
        put(&line, cell->arm[i].name);
        put_code(table, &line, CODE_OFF);
    }
    if (cell->arm_count == 2) {
        (void)snprintf(heading, sizeof heading, "     %s against %s, 95 %% interval",
                       cell->arm[1].name, cell->arm[0].name);
        put(&line, heading);
    }
    end_line(table, &line);
}

/* Breaks at blanks, so that no line is wider than the table. */
static void print_wrapped(struct table *table, const char *lead, const char *words)
{
    struct line line = {.used = 0};
    char word[LINE_BYTES];
    put(&line, lead);
    while (*words) {
        size_t len = strcspn(words, " ");
        (void)snprintf(word, sizeof word, "%.*s", (int)len, words);
        if (line.width + 1 + width_of(word) > WIDTH)
            end_line(table, &line);
        else
            put(&line, " ");
        put(&line, word);
        words += len;
        words += strspn(words, " ");
    }
    end_line(table, &line);
}

/* Two lines at most: what does not fit beside another is left to the files, part by part. */
static void print_why(struct table *table, const struct nv_summary_cell *cell)
{
    char why[2][NV_FACTOR_WORDS_BYTES];
    unsigned count = nv_why(cell, why);
    for (unsigned i = 0; i < count; i++) {
        char *end = why[i] + strlen(why[i]);
        while (count > 1 && end > why[i] && width_of("  why: ") + width_of(why[i]) > WIDTH) {
            while (end > why[i] && !strchr(";:,", *--end))
                continue;
            *end = '\0';
        }
        print_wrapped(table, "  why:", why[i]);
    }
}

static void print_cell_foot(struct table *table, const struct nv_summary_cell *cell)
{
    if (cell->arm[0].spec->rate.kind != NV_RATE_SEARCH && !is_known(cell, NV_METRIC_RESP_P50))
        (void)fprintf(table->out, "  response times: not known here (too few messages, or the two "
                                  "clocks differ)\n");
    print_why(table, cell);
    if (!cell->rejected_count)
        return;
    double share = (double)cell->rejected_count / (cell->rejected_count + cell->blocks_count);
    (void)fprintf(table->out, "  %u %s rejected: this machine was too busy to measure%s\n",
                  cell->rejected_count, cell->rejected_count == 1 ? "block was" : "blocks were",
                  share > NOISY_SHARE ? "; take the rest with care" : "");
}

static void print_cell(struct table *table, const struct nv_summary *summary,
                       const struct nv_summary_cell *cell)
{
    static const enum nv_metric first[] = {NV_METRIC_RESP_P50, NV_METRIC_RESP_P99,
                                           NV_METRIC_ONTIME_RATIO};
    char capacity[NV_CAPACITY_BYTES];
    print_cell_head(table, summary, cell);
    if (nv_show_capacity(cell, capacity)[0])
        (void)fprintf(table->out, "  %s\n", capacity);
    for (unsigned i = 0; i < cell->arm_count; i++)
        table->has_capacity |= cell->arm[i].capacity.end != NV_SEARCH_RUNNING;
    for (unsigned i = 0; i < sizeof first / sizeof first[0]; i++)
        if (is_known(cell, first[i]))
            print_metric(table, cell, first[i]);
        else if (first[i] == NV_METRIC_RESP_P99 && is_known(cell, NV_METRIC_RESP_P50))
            (void)fprintf(table->out,
                          "  response p99       not known: it takes 1000 messages a run\n");
    if (is_any(cell, NOT_SENT))
        print_tally(table, cell, NOT_SENT);
    print_tally(table, cell, LOST);
    print_tally(table, cell, REORDERED);
    if (is_known(cell, NV_METRIC_GOODPUT))
        print_metric(table, cell, NV_METRIC_GOODPUT);
    nv_calls_table_print(table->out, cell);
    nv_parts_print(table->out, cell, LABEL_WIDTH, VALUE_WIDTH);
    print_cell_foot(table, cell);
    (void)fprintf(table->out, "\n");
}

/* ---- the whole ---- */

static void print_head(struct table *table, const struct nv_summary *summary)
{
    struct line line = {.used = 0};
    char elapsed[32];
    char text[128];
    uint64_t seconds = summary->elapsed_ns / NV_NS_PER_S;
    const struct nv_summary_cell *cell = summary->cell_count ? &summary->cells[0] : NULL;
    (void)snprintf(elapsed, sizeof elapsed, "%llu:%02u", (unsigned long long)(seconds / 60),
                   (unsigned)(seconds % 60));
    int room = WIDTH - width_of(elapsed) - 2;
    put_part(table, &line, summary->scenario, room);
    put_part(table, &line, summary->where, room);
    int used =
        snprintf(text, sizeof text, "%u block%s", summary->blocks, summary->blocks == 1 ? "" : "s");
    if (cell && cell->arm_count == 2)
        (void)snprintf(text + used, sizeof text - (size_t)used, ", %s and %s in turn",
                       cell->arm[0].name, cell->arm[1].name);
    put_part(table, &line, text, room);
    put_part(table, &line, summary->system, room);
    (void)snprintf(text, sizeof text, "seed %llu", (unsigned long long)summary->seed);
    put_part(table, &line, text, room);
    put_right(&line, elapsed, WIDTH);
    end_line(table, &line);
    (void)fprintf(table->out, "\n");
}

static void print_foot(struct table *table, const struct nv_summary *summary)
{
    char words[NV_WORDS_BYTES];
    if (table->needs_legend)
        (void)fprintf(table->out, "(~N blocks): about so many blocks would tell (--blocks N)\n");
    if (table->has_capacity)
        print_wrapped(table, "Note:",
                      "UDP has no congestion control: at such rates it is not safe on the Internet "
                      "(RFC 8085).");
    if (nv_words_all(summary, words)[0])
        print_wrapped(table, "In words:", words);
    if (!summary->directory)
        return;
    bool latest = strncmp(summary->directory, "results/", strlen("results/")) == 0 &&
                  !strchr(summary->directory + strlen("results/"), '/');
    const char *name = latest ? "latest" : summary->directory;
    char how[1024];
    (void)snprintf(how, sizeof how, "charts: netversus plot %s   report: netversus report %s", name,
                   name);
    bool fits = width_of("Results in    ") + width_of(summary->directory) + width_of(how) <= WIDTH;
    (void)fprintf(table->out, "Results in %s%s%s\n", summary->directory, fits ? "   " : "\n", how);
}

void nv_table_print(FILE *out, const struct nv_summary *summary, bool colour)
{
    struct table table = {.out = out, .colour = colour};
    print_head(&table, summary);
    for (unsigned i = 0; i < summary->cell_count; i++)
        print_cell(&table, summary, &summary->cells[i]);
    print_foot(&table, summary);
}
