/* SPDX-License-Identifier: MIT */
#include "output/factors.h"
#include "output/summary.h"
#include "output/text.h"

/* What a campaign of several cells found, in words. */

/* How often each outcome came, over cells and, it may be, metrics. */
struct tally {
    unsigned count; /* comparisons that have pairs of runs */
    unsigned wins[2], slightly[2];
    unsigned ties, inconclusive, undefined, no_interval;
    unsigned tellable; /* of the inconclusive: so many blocks as a campaign may have would tell */
    unsigned blocks;   /* how many that takes */
};

static void count_verdict(struct tally *tally, const struct nv_comparison *comparison)
{
    unsigned needed = comparison->needed_blocks;
    tally->count++;
    switch (comparison->verdict) {
    case NV_VERDICT_A_WINS:
    case NV_VERDICT_B_WINS:
        tally->wins[comparison->verdict == NV_VERDICT_B_WINS]++;
        break;
    case NV_VERDICT_A_SLIGHTLY:
    case NV_VERDICT_B_SLIGHTLY:
        tally->slightly[comparison->verdict == NV_VERDICT_B_SLIGHTLY]++;
        break;
    case NV_VERDICT_TIE:
        tally->ties++;
        break;
    case NV_VERDICT_INCONCLUSIVE:
        tally->inconclusive++;
        if (!needed || needed > NV_BLOCKS_MAX)
            break;
        tally->tellable++;
        tally->blocks = needed > tally->blocks ? needed : tally->blocks;
        break;
    case NV_VERDICT_UNDEFINED:
        tally->undefined++;
        break;
    case NV_VERDICT_NONE:
        tally->no_interval++;
        break;
    }
}

static void count_metric(struct tally *tally, const struct nv_summary *summary,
                         enum nv_metric metric)
{
    for (unsigned i = 0; i < summary->cell_count; i++) {
        const struct nv_summary_cell *cell = &summary->cells[i];
        if (cell->arm_count == 2 && cell->comparison[metric].blocks_count)
            count_verdict(tally, &cell->comparison[metric]);
    }
}

static bool has_winner(const struct tally *tally)
{
    return tally->wins[0] + tally->wins[1] + tally->slightly[0] + tally->slightly[1] > 0;
}

/* The first letter of what follows becomes a capital. */
static size_t begin_sentence(struct nv_text *text)
{
    nv_say(text, "%s", text->used ? " " : "");
    return text->used;
}

struct part {
    unsigned count;
    const char *arm, *words;
};

/* "3 of 6 cells", and "2" when that was said; "both cells", "all 6 cells". */
static void say_share(struct nv_text *text, unsigned count, unsigned total, bool again)
{
    if (count < total)
        nv_say(text, again ? "%u" : "%u of %u cells", count, total);
    else if (total > 2)
        nv_say(text, "all %u cells", total);
    else
        nv_say(text, total == 2 ? "both cells" : "1 cell");
}

/* "UDP wins in 3 of 6 cells, TCP wins in 1, tie in 2" */
static void say_parts(struct nv_text *text, const struct tally *tally,
                      const struct nv_summary_arm arms[2])
{
    const struct part parts[] = {{tally->wins[1], arms[1].name, " wins"},
                                 {tally->slightly[1], arms[1].name, " slightly better"},
                                 {tally->wins[0], arms[0].name, " wins"},
                                 {tally->slightly[0], arms[0].name, " slightly better"},
                                 {tally->ties, "", "tie"},
                                 {tally->inconclusive, "", "inconclusive"},
                                 {tally->undefined, "", "undefined"},
                                 {tally->no_interval, "", "too few blocks"}};
    bool again = false;
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!parts[i].count)
            continue;
        nv_say(text, "%s%s%s in ", again ? ", " : "", parts[i].arm, parts[i].words);
        say_share(text, parts[i].count, tally->count, again);
        again = true;
    }
}

/* "12 ties, 6 inconclusive" */
static void say_open(struct nv_text *text, const struct tally *tally)
{
    const struct part parts[] = {{tally->ties, "", tally->ties == 1 ? "tie" : "ties"},
                                 {tally->inconclusive, "", "inconclusive"},
                                 {tally->undefined, "", "undefined"},
                                 {tally->no_interval, "", "with too few blocks"}};
    const char *joint = "";
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!parts[i].count)
            continue;
        nv_say(text, "%s%u %s", joint, parts[i].count, parts[i].words);
        joint = ", ";
    }
}

/* The metrics that somebody is better in, one sentence each; the others are put together. */
static void say_winners(struct nv_text *text, const struct nv_summary *summary,
                        const struct nv_summary_arm arms[2])
{
    struct tally rest = {.count = 0};
    enum nv_metric others[NV_METRIC_COUNT];
    unsigned other_count = 0;
    for (unsigned metric = 0; metric < NV_METRIC_COUNT; metric++) {
        struct tally tally = {.count = 0};
        if (nv_metrics[metric].primary)
            count_metric(&tally, summary, (enum nv_metric)metric);
        if (has_winner(&tally)) {
            size_t start = begin_sentence(text);
            nv_say(text, "%s: ", nv_metrics[metric].label);
            nv_say_capital(text, start);
            say_parts(text, &tally, arms);
            nv_say(text, ".");
        } else if (tally.count) {
            count_metric(&rest, summary, (enum nv_metric)metric);
            others[other_count++] = (enum nv_metric)metric;
        }
    }
    if (!other_count)
        return;
    size_t start = begin_sentence(text);
    for (unsigned i = 0; i < other_count; i++) {
        nv_say_joint(text, i, other_count);
        nv_say(text, "%s", nv_metrics[others[i]].label);
    }
    nv_say_capital(text, start);
    nv_say(text, ": ");
    say_open(text, &rest);
    nv_say(text, ".");
}

static void say_what_helps(struct nv_text *text, const struct tally *tally)
{
    static const char quiet[] = "longer runs (--duration) or a quieter machine";
    if (!tally->inconclusive)
        return;
    if (tally->tellable == tally->inconclusive)
        nv_say(text, " About %u blocks would tell (--blocks %u).", tally->blocks, tally->blocks);
    else if (tally->tellable)
        nv_say(text,
               " About %u blocks (--blocks %u) would tell %u of the inconclusive; for the rest, "
               "try %s.",
               tally->blocks, tally->blocks, tally->tellable, quiet);
    else
        nv_say(text, " To tell, try %s.", quiet);
}

static void say_no_winner(struct nv_text *text, const struct nv_summary *summary,
                          const struct tally *all)
{
    if (all->no_interval == all->count)
        nv_say(text, "Too few blocks to claim anything: 6 or more give intervals (--blocks 6).");
    else if (all->ties == all->count)
        nv_say(text, "All %u comparisons in %u cells are ties: no difference that matters.",
               all->count, summary->cell_count);
    else {
        nv_say(text, "No winner in %u cells: ", summary->cell_count);
        say_open(text, all);
        nv_say(text, ".");
        say_what_helps(text, all);
    }
}

/* Of all cells together. */
static void say_delivery(struct nv_text *text, const struct nv_summary *summary)
{
    struct nv_summary_cell all = {.arm_count = summary->cells[0].arm_count};
    for (unsigned arm = 0; arm < all.arm_count; arm++) {
        all.arm[arm].name = summary->cells[0].arm[arm].name;
        for (unsigned i = 0; i < summary->cell_count; i++) {
            all.arm[arm].sched_count += summary->cells[i].arm[arm].sched_count;
            all.arm[arm].unique_count += summary->cells[i].arm[arm].unique_count;
        }
    }
    char words[NV_WORDS_BYTES];
    (void)begin_sentence(text);
    nv_say(text, "%s", nv_words_delivery(&all, words));
}

/* In how many cells it is what decided for the arm. */
static unsigned count_factor(const struct nv_summary *summary, unsigned arm,
                             const struct nv_factor *factor)
{
    unsigned count = 0;
    for (unsigned i = 0; i < summary->cell_count; i++) {
        const struct nv_summary_cell *cell = &summary->cells[i];
        struct nv_finding finding = nv_find_factor(cell, arm);
        char why[NV_FACTOR_WORDS_BYTES];
        count += finding.factor == factor && nv_why_arm(cell, arm, &finding, why)[0];
    }
    return count;
}

/* "Why: UDP: loss on the path in 3 of 6 cells; TCP: a full queue in 1 of 6 cells." */
static void say_factors(struct nv_text *text, const struct nv_summary *summary)
{
    bool begun = false;
    for (unsigned arm = 0; arm < summary->cells[0].arm_count; arm++) {
        bool named = false;
        for (unsigned i = 0; nv_factors[i]; i++) {
            unsigned count = count_factor(summary, arm, nv_factors[i]);
            if (!count)
                continue;
            if (named)
                nv_say(text, ", ");
            else
                nv_say(text, "%s%s: ", begun ? "; " : " Why: ", summary->cells[0].arm[arm].name);
            nv_say(text, "%s in ", nv_factors[i]->label);
            say_share(text, count, summary->cell_count, false);
            begun = named = true;
        }
    }
    if (begun)
        nv_say(text, ".");
}

char *nv_words_all(const struct nv_summary *summary, char out[NV_WORDS_BYTES])
{
    struct nv_text text = nv_text_in(out, NV_WORDS_BYTES);
    if (summary->cell_count == 1)
        return nv_words(&summary->cells[0], out);
    struct tally all = {.count = 0};
    for (unsigned metric = 0; metric < NV_METRIC_COUNT; metric++)
        if (nv_metrics[metric].primary)
            count_metric(&all, summary, (enum nv_metric)metric);
    if (has_winner(&all))
        say_winners(&text, summary, summary->cells[0].arm);
    else if (all.count)
        say_no_winner(&text, summary, &all);
    if (summary->cell_count) {
        say_delivery(&text, summary);
        say_factors(&text, summary);
    }
    return out;
}
