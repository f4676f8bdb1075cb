/* SPDX-License-Identifier: MIT */
#include "cli/capacity.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

#define TRIALS_EXPECTED 25u
#define START_MSGS 1000.0 /* a second, all flows together, as the next */
#define CEILING_MSGS 1e8
#define RUN_MSGS_MAX 3.9e9  /* a run may not have more (nv_spec_check) */
#define TRIAL_MSGS_MIN 10.0 /* fewer in a trial tell nothing */
#define EDGE_SHARE 4        /* warm-up and cool-down are at most a fourth of a trial */
#define CONFIRM_TRIALS 2    /* as long as so many */

static bool is_searched(const struct nv_spec *spec)
{
    const struct nv_driver *driver = nv_driver_find(spec->transport, spec->engine, NULL);
    return spec->rate.kind == NV_RATE_SEARCH && !(driver->transport->caps & NV_CAP_RELIABLE);
}

unsigned nv_capacity_trials(const struct nv_plan *plan)
{
    unsigned count = 0;
    for (unsigned i = 0; i < plan->cell_count; i++)
        for (unsigned arm = 0; arm < plan->arms; arm++)
            count += is_searched(&plan->cells[i].arm[arm]) ? TRIALS_EXPECTED : 0;
    return count;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of each flow: whole messages where they are many, so that the figure can be written down. */
static struct nv_rate rate_of(double msgs_per_s, uint64_t flows)
{
    double milli = 1000 * msgs_per_s / (double)flows;
    uint64_t whole = milli < 1e6 ? (uint64_t)llround(milli) : 1000 * (uint64_t)llround(milli / 1e3);
    return (struct nv_rate){.kind = NV_RATE_MESSAGES, .milli_per_s = whole ? whole : 1};
}

/* Where the search is, and the trial in hand. */
struct hunt {
    struct nv_runner *runner;
    struct nv_search search;
    unsigned cell, arm;
    unsigned progress_end; /* count of runs done when it is over */
};

static struct nv_spec trial_spec(const struct hunt *hunt)
{
    const struct nv_runner *runner = hunt->runner;
    struct nv_spec spec = runner->plan->cells[hunt->cell].arm[hunt->arm];
    uint64_t trial_ns = runner->campaign->settings.trial_ns;
    spec.rate = rate_of(hunt->search.rate, spec.flows);
    spec.duration_ns =
        hunt->search.phase == NV_SEARCH_CONFIRM ? CONFIRM_TRIALS * trial_ns : trial_ns;
    spec.warmup_ns = smaller(spec.warmup_ns, trial_ns / EDGE_SHARE);
    spec.cooldown_ns = smaller(spec.cooldown_ns, trial_ns / EDGE_SHARE);
    spec.messages = 0;
    /* A seed of its own: a trial that is made again meets other weather. */
    spec.seed = nv_plan_block_seed(runner->plan, hunt->cell,
                                   NV_RUNNER_BLOCKS_MAX + hunt->search.trial_count + 1);
    return spec;
}

static enum nv_search_failure judge(const struct nv_run_result *run)
{
    struct nv_search_counts counts = {0};
    for (unsigned i = 0; i < run->row_count; i++) {
        const struct nv_result_row *row = &run->rows[i];
        if (row->flow == NV_FLOW_ALL)
            counts = (struct nv_search_counts){.sched_count = row->tx->sched_count,
                                               .unique_count = row->rx->unique_count,
                                               .window_count = row->rx->goodput_count,
                                               .window_ns = run->spec.duration_ns};
    }
    return nv_search_judge(&counts, run->spec.loss_target);
}

/* The cell's rate as it is so far. */
static struct nv_capacity capacity_of(const struct hunt *hunt)
{
    struct nv_spec spec = hunt->runner->plan->cells[hunt->cell].arm[hunt->arm];
    spec.rate = rate_of(hunt->search.rate, spec.flows);
    return (struct nv_capacity){.end = hunt->search.end,
                                .rate = spec.rate,
                                .msgs_per_s = nv_spec_rate_msgs(&spec),
                                .trial_count = hunt->search.trial_count};
}

static int try_rate(struct hunt *hunt, struct nv_run_result *run, struct nv_error *err)
{
    struct nv_runner *runner = hunt->runner;
    struct nv_trial trial = {.run = run, .phase = hunt->search.phase};
    *run = (struct nv_run_result){
        .key = {.attempt = 1, .trial = hunt->search.trial_count + 1, .arm = hunt->arm ? 'b' : 'a'},
        .spec = trial_spec(hunt),
        .searched = true};
    if (nv_runner_measure(runner, hunt->cell, run, err))
        return err->code;
    trial.failure = judge(run);
    nv_search_input(&hunt->search, trial.failure == NV_SEARCH_PASSED);
    if (hunt->search.phase == NV_SEARCH_OVER)
        trial.capacity = capacity_of(hunt);
    if (runner->runs_done < hunt->progress_end)
        runner->runs_done++;
    return nv_runner_keep_trial(runner, &trial, err);
}

static int search_arm(struct nv_runner *runner, unsigned cell, unsigned arm, struct nv_error *err)
{
    const struct nv_spec *spec = &runner->plan->cells[cell].arm[arm];
    double trial_s = (double)runner->campaign->settings.trial_ns / 1e9;
    double run_s_max = trial_s * (CONFIRM_TRIALS + 1);
    struct hunt hunt = {.runner = runner,
                        .search = {.start = START_MSGS,
                                   .floor = TRIAL_MSGS_MIN / trial_s,
                                   .ceiling = fmin(CEILING_MSGS, RUN_MSGS_MAX / run_s_max)},
                        .cell = cell,
                        .arm = arm,
                        .progress_end = runner->runs_done + TRIALS_EXPECTED};
    nv_search_begin(&hunt.search);
    while (hunt.search.phase != NV_SEARCH_OVER) {
        struct nv_run_result run;
        int failed = try_rate(&hunt, &run, err);
        nv_run_result_dispose(&run);
        if (failed) {
            char rate[32];
            (void)nv_show_msgrate(hunt.search.rate, rate, sizeof rate);
            return nv_fail_within(err, "%s search %s at %s", runner->plan->cells[cell].id,
                                  spec->transport, rate);
        }
    }
    runner->cells[cell].capacity[arm] = capacity_of(&hunt);
    runner->runs_done = hunt.progress_end;
    return NV_OK;
}

int nv_capacity_search(struct nv_runner *runner, struct nv_error *err)
{
    const struct nv_plan *plan = runner->plan;
    for (unsigned cell = 0; cell < plan->cell_count; cell++)
        for (unsigned arm = 0; arm < plan->arms; arm++)
            if (is_searched(&plan->cells[cell].arm[arm]) && search_arm(runner, cell, arm, err))
                return err->code;
    return NV_OK;
}
