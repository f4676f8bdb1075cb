/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "output/summary.h"
#include "output/text.h"

/* Verdicts and findings in words. */

/* A new part of the sentence. */
static void separate(struct nv_text *text)
{
    if (text->used)
        nv_say(text, "; ");
}

const struct nv_summary_arm *nv_favoured(const struct nv_summary_cell *cell, enum nv_metric metric)
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
    const struct nv_summary_arm *arm = nv_favoured(cell, metric);
    struct nv_text text = nv_text_in(out, NV_VERDICT_WORDS_BYTES);
    if (arm)
        nv_say(&text, "%s %s", arm->name,
               is_slight(comparison->verdict) ? "slightly better" : "wins");
    else if (comparison->verdict == NV_VERDICT_TIE)
        nv_say(&text, "tie");
    else if (comparison->verdict == NV_VERDICT_UNDEFINED)
        nv_say(&text, "undefined");
    else if (cell->arm[0].spec && cell->arm[0].spec->diag)
        nv_say(&text, "not judged: time stamps (diag)");
    else if (!comparison->blocks_count)
        nv_say(&text, "not known");
    else if (comparison->verdict == NV_VERDICT_NONE)
        nv_say(&text, "no interval below %u blocks", NV_VERDICT_BLOCKS_MIN);
    else if (comparison->needed_blocks && comparison->needed_blocks <= NV_BLOCKS_MAX)
        nv_say(&text, "inconclusive: about %u blocks would tell", comparison->needed_blocks);
    else
        nv_say(&text, "inconclusive");
    return out;
}

/* How much less the better of two is, in per cent of the other: effect is b/a - 1. */
static double less_percent(double effect)
{
    return 100 * (effect < 0 ? -effect : effect / (1 + effect));
}

/* "5.6 % sooner". When that is sure, but may be too little to matter: "sooner, by 0.4 to 7.0 %". */
static void say_sooner(struct nv_text *text, const struct nv_comparison *comparison)
{
    bool b_less = comparison->effect < 0;
    double near = b_less ? comparison->ci95_hi : comparison->ci95_lo;
    double far = b_less ? comparison->ci95_lo : comparison->ci95_hi;
    bool has_ends = comparison->has_interval && near * far > 0 && isfinite(near) && isfinite(far);
    if (is_slight(comparison->verdict) && has_ends)
        nv_say(text, "sooner, by %.1f to %.1f %%", less_percent(near), less_percent(far));
    else
        nv_say(text, "%.1f %% sooner", less_percent(comparison->effect));
}

static void say_median(struct nv_text *text, const struct nv_summary_cell *cell)
{
    const struct nv_comparison *p50 = &cell->comparison[NV_METRIC_RESP_P50];
    const struct nv_summary_arm *arm = nv_favoured(cell, NV_METRIC_RESP_P50);
    bool answers = cell->direction == NV_ROW_RTT;
    if (isnan(p50->effect))
        return;
    if (arm && isfinite(p50->effect)) {
        nv_say(text, "%s %s ", arm->name, answers ? "answers" : "delivers");
        say_sooner(text, p50);
    } else if (arm)
        nv_say(text, "only %s %s half of the messages", arm->name,
               answers ? "answers" : "delivers");
    else if (p50->verdict == NV_VERDICT_TIE)
        nv_say(text, "both %s equally soon", answers ? "answer" : "deliver");
    else if (p50->verdict == NV_VERDICT_INCONCLUSIVE)
        nv_say(text, "these blocks do not tell which %s sooner", answers ? "answers" : "delivers");
    else if (p50->verdict == NV_VERDICT_NONE)
        nv_say(text, "too few blocks to claim anything about response times");
}

/* Only when the slowest messages tell another story. */
static void say_tail(struct nv_text *text, const struct nv_summary_cell *cell)
{
    const struct nv_summary_arm *arm = nv_favoured(cell, NV_METRIC_RESP_P99);
    const struct nv_comparison *p99 = &cell->comparison[NV_METRIC_RESP_P99];
    if (!arm || arm == nv_favoured(cell, NV_METRIC_RESP_P50))
        return;
    separate(text);
    if (isfinite(p99->effect)) {
        nv_say(text, "at p99 %s is ", arm->name);
        say_sooner(text, p99);
    } else
        nv_say(text, "only %s delivers 99 of 100 messages", arm->name);
}

static void say_goodput(struct nv_text *text, const struct nv_summary_cell *cell)
{
    const struct nv_summary_arm *arm = nv_favoured(cell, NV_METRIC_GOODPUT);
    const struct nv_comparison *goodput = &cell->comparison[NV_METRIC_GOODPUT];
    if (!arm || is_slight(goodput->verdict) || !isfinite(goodput->effect))
        return;
    double ratio = 1 + goodput->effect;
    separate(text);
    nv_say(text, "%s carries %.1f %% more", arm->name, 100 * ((ratio > 1 ? ratio : 1 / ratio) - 1));
}

static void say_ontime(struct nv_text *text, const struct nv_summary_cell *cell)
{
    const struct nv_summary_arm *arm = nv_favoured(cell, NV_METRIC_ONTIME_RATIO);
    if (!arm)
        return;
    char deadline[NV_DEADLINE_BYTES];
    separate(text);
    nv_say(text, "within %s %s delivers %.2f points more", nv_show_deadline(arm->spec, deadline),
           arm->name, 100 * fabs(cell->comparison[NV_METRIC_ONTIME_RATIO].effect));
}

static bool delivers_all(const struct nv_summary_arm *arm)
{
    return arm->sched_count && arm->unique_count == arm->sched_count;
}

static void say_delivery(struct nv_text *text, const struct nv_summary_cell *cell)
{
    bool all = true;
    for (unsigned i = 0; i < cell->arm_count; i++)
        all = all && delivers_all(&cell->arm[i]);
    if (all) {
        separate(text);
        nv_say(text, "%s", cell->arm_count == 2 ? "both deliver everything" : "everything arrives");
        return;
    }
    for (unsigned i = 0; i < cell->arm_count; i++) {
        const struct nv_summary_arm *arm = &cell->arm[i];
        char missing[32];
        char sched[32];
        if (delivers_all(arm) || !arm->sched_count)
            continue;
        separate(text);
        nv_say(text, "%s fails to deliver %s of %s", arm->name,
               nv_show_count(arm->sched_count - arm->unique_count, missing, sizeof missing),
               nv_show_count(arm->sched_count, sched, sizeof sched));
    }
}

static void finish(struct nv_text *text)
{
    if (!text->used)
        return;
    nv_say_capital(text, 0);
    nv_say(text, ".");
}

char *nv_words_delivery(const struct nv_summary_cell *cell, char out[NV_WORDS_BYTES])
{
    struct nv_text text = nv_text_in(out, NV_WORDS_BYTES);
    say_delivery(&text, cell);
    finish(&text);
    return out;
}

char *nv_words(const struct nv_summary_cell *cell, char out[NV_WORDS_BYTES])
{
    struct nv_text text = nv_text_in(out, NV_WORDS_BYTES);
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
