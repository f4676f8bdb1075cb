/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output/summary.h"

/* Sentences and titles. */

struct text {
    char *out;
    size_t used, bytes;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text->out + text->used, text->bytes - text->used, format, arguments);
    va_end(arguments);
    size_t room = text->bytes - text->used - 1;
    if (len > 0)
        text->used += (size_t)len < room ? (size_t)len : room;
}

/* A new part of the sentence. */
static void separate(struct text *text)
{
    if (text->used)
        say(text, "; ");
}

/* Which arm a verdict is for, or NULL. */
static const struct nv_summary_arm *favoured(const struct nv_summary_cell *cell,
                                             enum nv_metric metric)
{
    switch (cell->comparison[metric].verdict) {
    case NV_VERDICT_A_WINS:
    case NV_VERDICT_A_SLIGHTLY:
        return &cell->arm[0];
    case NV_VERDICT_B_WINS:
    case NV_VERDICT_B_SLIGHTLY:
        return &cell->arm[1];
    case NV_VERDICT_NONE:
    case NV_VERDICT_UNDEFINED:
    case NV_VERDICT_TIE:
    case NV_VERDICT_INCONCLUSIVE:
        break;
    }
    return NULL;
}

static bool is_slight(enum nv_verdict verdict)
{
    return verdict == NV_VERDICT_A_SLIGHTLY || verdict == NV_VERDICT_B_SLIGHTLY;
}

char *nv_verdict_words(const struct nv_summary_cell *cell, enum nv_metric metric,
                       char out[NV_VERDICT_WORDS_BYTES])
{
    const struct nv_comparison *comparison = &cell->comparison[metric];
    const struct nv_summary_arm *arm = favoured(cell, metric);
    struct text text = {out, 0, NV_VERDICT_WORDS_BYTES};
    out[0] = '\0';
    if (arm)
        say(&text, "%s %s", arm->name, is_slight(comparison->verdict) ? "slightly better" : "wins");
    else if (comparison->verdict == NV_VERDICT_TIE)
        say(&text, "tie");
    else if (comparison->verdict == NV_VERDICT_UNDEFINED)
        say(&text, "undefined");
    else if (comparison->verdict == NV_VERDICT_NONE)
        say(&text, "no interval below %u blocks", NV_VERDICT_BLOCKS_MIN);
    else if (comparison->needed_blocks && comparison->needed_blocks <= NV_BLOCKS_MAX)
        say(&text, "inconclusive: about %u blocks would tell", comparison->needed_blocks);
    else
        say(&text, "inconclusive");
    return out;
}

char *nv_show_deadline(const struct nv_spec *spec, char out[NV_DEADLINE_BYTES])
{
    char plain[24];
    (void)nv_format_time(spec->deadline_ns, plain, sizeof plain);
    size_t digits = strspn(plain, "0123456789");
    (void)snprintf(out, NV_DEADLINE_BYTES, "%.*s %s", (int)digits, plain, plain + digits);
    return out;
}

static void option_text(const struct nv_spec *spec, const char *name, char *out, size_t out_bytes)
{
    const struct nv_option *option = nv_option_find(nv_spec_options, name, strlen(name));
    out[0] = '\0';
    if (option)
        nv_option_get(option, spec, out, out_bytes);
}

static bool is_in_every_title(const char *name)
{
    static const char *const names[] = {"workload", "size", "rate", "engine", "transport", "seed"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool varies(const struct nv_summary *summary, const struct nv_option *option)
{
    char first[NV_OPTION_TEXT_BYTES];
    char other[NV_OPTION_TEXT_BYTES];
    for (unsigned i = 0; i < summary->cell_count; i++) {
        nv_option_get(option, summary->cells[i].arm[0].spec, i ? other : first, sizeof first);
        if (i && strcmp(first, other) != 0)
            return true;
    }
    return false;
}

char *nv_summary_title(const struct nv_summary *summary, const struct nv_summary_cell *cell,
                       char out[NV_TITLE_BYTES])
{
    const struct nv_spec *spec = cell->arm[0].spec;
    struct text text = {out, 0, NV_TITLE_BYTES};
    char value[NV_OPTION_TEXT_BYTES];
    option_text(spec, "size", value, sizeof value);
    say(&text, "%s · %s B", spec->workload, value);
    option_text(spec, "rate", value, sizeof value);
    say(&text, " · %s · %s", value, spec->engine);
    for (const struct nv_option *option = nv_spec_options; option->name; option++) {
        if (is_in_every_title(option->name) || !varies(summary, option))
            continue;
        nv_option_get(option, spec, value, sizeof value);
        say(&text, " · %s %s", option->name, value[0] ? value : "default");
    }
    if (spec->direction == NV_BOTH)
        say(&text, " · %s", nv_row_direction_name(cell->direction));
    return out;
}

/* How much less the better of two is, in per cent of the other: effect is b/a - 1. */
static double less_percent(double effect)
{
    return 100 * (effect < 0 ? -effect : effect / (1 + effect));
}

static void say_median(struct text *text, const struct nv_summary_cell *cell)
{
    const struct nv_comparison *p50 = &cell->comparison[NV_METRIC_RESP_P50];
    const struct nv_summary_arm *arm = favoured(cell, NV_METRIC_RESP_P50);
    bool answers = cell->direction == NV_ROW_RTT;
    if (isnan(p50->effect))
        return;
    if (arm && isfinite(p50->effect))
        say(text, "%s %s %s%.1f %% sooner", arm->name, answers ? "answers" : "delivers",
            is_slight(p50->verdict) ? "slightly, " : "", less_percent(p50->effect));
    else if (arm)
        say(text, "only %s %s half of the messages", arm->name, answers ? "answers" : "delivers");
    else if (p50->verdict == NV_VERDICT_TIE)
        say(text, "both %s equally soon", answers ? "answer" : "deliver");
    else if (p50->verdict == NV_VERDICT_INCONCLUSIVE)
        say(text, "these blocks do not tell which %s sooner", answers ? "answers" : "delivers");
    else if (p50->verdict == NV_VERDICT_NONE)
        say(text, "too few blocks to claim anything about response times");
}

/* Only when the slowest messages tell another story. */
static void say_tail(struct text *text, const struct nv_summary_cell *cell)
{
    const struct nv_summary_arm *arm = favoured(cell, NV_METRIC_RESP_P99);
    const struct nv_comparison *p99 = &cell->comparison[NV_METRIC_RESP_P99];
    if (!arm || arm == favoured(cell, NV_METRIC_RESP_P50))
        return;
    separate(text);
    if (isfinite(p99->effect))
        say(text, "%s is %.1f %% sooner at p99", arm->name, less_percent(p99->effect));
    else
        say(text, "only %s delivers 99 of 100 messages", arm->name);
}

static void say_goodput(struct text *text, const struct nv_summary_cell *cell)
{
    const struct nv_summary_arm *arm = favoured(cell, NV_METRIC_GOODPUT);
    const struct nv_comparison *goodput = &cell->comparison[NV_METRIC_GOODPUT];
    if (!arm || is_slight(goodput->verdict) || !isfinite(goodput->effect))
        return;
    double ratio = 1 + goodput->effect;
    separate(text);
    say(text, "%s carries %.1f %% more", arm->name, 100 * ((ratio > 1 ? ratio : 1 / ratio) - 1));
}

static void say_ontime(struct text *text, const struct nv_summary_cell *cell)
{
    const struct nv_summary_arm *arm = favoured(cell, NV_METRIC_ONTIME_RATIO);
    if (!arm)
        return;
    char deadline[NV_DEADLINE_BYTES];
    separate(text);
    say(text, "within %s %s delivers %.2f points more", nv_show_deadline(arm->spec, deadline),
        arm->name, 100 * fabs(cell->comparison[NV_METRIC_ONTIME_RATIO].effect));
}

static bool delivers_all(const struct nv_summary_arm *arm)
{
    return arm->sched_count && arm->unique_count == arm->sched_count;
}

static void say_delivery(struct text *text, const struct nv_summary_cell *cell)
{
    bool all = true;
    for (unsigned i = 0; i < cell->arm_count; i++)
        all = all && delivers_all(&cell->arm[i]);
    if (all) {
        separate(text);
        say(text, "%s", cell->arm_count == 2 ? "both deliver everything" : "everything arrives");
        return;
    }
    for (unsigned i = 0; i < cell->arm_count; i++) {
        const struct nv_summary_arm *arm = &cell->arm[i];
        char missing[32];
        char sched[32];
        if (delivers_all(arm) || !arm->sched_count)
            continue;
        separate(text);
        say(text, "%s fails to deliver %s of %s", arm->name,
            nv_show_count(arm->sched_count - arm->unique_count, missing, sizeof missing),
            nv_show_count(arm->sched_count, sched, sizeof sched));
    }
}

static void finish(struct text *text)
{
    if (!text->used)
        return;
    if (text->out[0] >= 'a' && text->out[0] <= 'z')
        text->out[0] = (char)(text->out[0] - 'a' + 'A');
    say(text, ".");
}

char *nv_words(const struct nv_summary_cell *cell, char out[NV_WORDS_BYTES])
{
    struct text text = {out, 0, NV_WORDS_BYTES};
    out[0] = '\0';
    if (cell->arm_count == 2) {
        say_median(&text, cell);
        say_tail(&text, cell);
        say_goodput(&text, cell);
        say_ontime(&text, cell);
    }
    say_delivery(&text, cell);
    finish(&text);
    return out;
}

/* "Response p50: UDP wins in 3 of 5 cells, TCP in 1." */
static void say_tally(struct text *text, const struct nv_summary *summary, enum nv_metric metric)
{
    unsigned wins[2] = {0};
    unsigned ties = 0;
    unsigned known = 0;
    const char *names[2] = {NULL, NULL};
    for (unsigned i = 0; i < summary->cell_count; i++) {
        const struct nv_summary_cell *cell = &summary->cells[i];
        if (cell->arm_count != 2)
            continue;
        enum nv_verdict verdict = cell->comparison[metric].verdict;
        known += verdict != NV_VERDICT_NONE;
        wins[0] += verdict == NV_VERDICT_A_WINS;
        wins[1] += verdict == NV_VERDICT_B_WINS;
        ties += verdict == NV_VERDICT_TIE;
        names[0] = cell->arm[0].name;
        names[1] = cell->arm[1].name;
    }
    if (!known)
        return;
    say(text, "%s%c%s: %s wins in %u of %u cells, %s in %u, %u tied.", text->used ? " " : "",
        nv_metrics[metric].label[0] - 'a' + 'A', nv_metrics[metric].label + 1, names[1], wins[1],
        known, names[0], wins[0], ties);
}

char *nv_words_all(const struct nv_summary *summary, char out[NV_WORDS_BYTES])
{
    struct text text = {out, 0, NV_WORDS_BYTES};
    out[0] = '\0';
    if (summary->cell_count == 1)
        return nv_words(&summary->cells[0], out);
    for (unsigned metric = 0; metric < NV_METRIC_COUNT; metric++)
        if (nv_metrics[metric].primary)
            say_tally(&text, summary, (enum nv_metric)metric);
    return out;
}
