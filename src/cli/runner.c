/* SPDX-License-Identifier: MIT */
#include "cli/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "campaign/stats.h"
#include "cli/capacity.h"
#include "cli/gates.h"

#define WARMUP_RUN_NS (100 * NV_NS_PER_MS)

static unsigned blocks_planned(const struct nv_runner *runner)
{
    const struct nv_settings *settings = &runner->campaign->settings;
    uint64_t blocks = settings->blocks;
    return (unsigned)(settings->blocks_max > blocks ? settings->blocks_max : blocks);
}

/* Seconds that one run takes: phases, set-up and the pause after it. */
static double expected_s(const struct nv_runner *runner)
{
    const struct nv_spec *spec = &runner->plan->cells[0].arm[0];
    return ((double)nv_spec_end_ns(spec) + (double)runner->campaign->settings.settle_ns) / 1e9 +
           0.06;
}

/* The transport's name in capitals, and which of the two it is when both are the same. */
static void name_arm(const char *transport, const char *which, char out[NV_ARM_NAME_BYTES])
{
    (void)snprintf(out, NV_ARM_NAME_BYTES, "%.20s", transport);
    for (char *p = out; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    size_t used = strlen(out);
    (void)snprintf(out + used, NV_ARM_NAME_BYTES - used, "%s", which);
}

static void name_arms(const struct nv_cell *cell, unsigned arms, char out[2][NV_ARM_NAME_BYTES])
{
    bool twins = arms == 2 && strcmp(cell->arm[0].transport, cell->arm[1].transport) == 0;
    name_arm(cell->arm[0].transport, twins ? " a" : "", out[0]);
    name_arm(cell->arm[1].transport, twins ? " b" : "", out[1]);
}

int nv_runner_init(struct nv_runner *runner, struct nv_error *err)
{
    const struct nv_plan *plan = runner->plan;
    runner->cells = calloc(plan->cell_count, sizeof *runner->cells);
    runner->summary_cells = calloc(2ull * plan->cell_count, sizeof *runner->summary_cells);
    runner->rejections = json_array();
    if (!runner->cells || !runner->summary_cells || !runner->rejections)
        return nv_fail(err, NV_E_FAILED, "no memory");
    for (unsigned i = 0; i < plan->cell_count; i++) {
        nv_order_arms(runner->cells[i].first_arm, NV_RUNNER_BLOCKS_MAX,
                      nv_mix64(plan->seed, ~(uint64_t)i));
        name_arms(&plan->cells[i], plan->arms, runner->cells[i].arm_name);
    }
    runner->runs_total =
        (unsigned)runner->campaign->settings.blocks * plan->cell_count * plan->arms +
        nv_capacity_trials(plan);
    runner->overshoot_ns = nv_clock_sleep_overshoot_ns();
    nv_progress_init(&runner->progress, stderr, runner->campaign->settings.quiet);
    runner->progress.runs_total = runner->runs_total;
    runner->progress.run_expected_s = expected_s(runner);
    runner->progress.start_ns = nv_clock_ns();
    return NV_OK;
}

static void show_progress(struct nv_runner *runner, const struct nv_run_result *run)
{
    char title[128];
    char size[64];
    char rate[32] = "";
    (void)nv_sizes_format(&run->spec.sizes, size, sizeof size);
    if (run->key.trial)
        (void)nv_show_msgrate(nv_spec_rate_msgs(&run->spec), rate, sizeof rate);
    (void)snprintf(title, sizeof title, "%.20s %.40s %.20s %s", run->spec.workload, size,
                   run->spec.transport, rate);
    uint64_t now_ns = nv_clock_ns();
    struct nv_progress_now now = {.runs_done = runner->runs_done,
                                  .block = run->key.block,
                                  .stage = run->key.trial ? "search" : NULL,
                                  .title = title,
                                  .now_ns = now_ns,
                                  .run_start_ns = now_ns};
    nv_progress_show(&runner->progress, &now);
}

static void fill_key(const struct nv_runner *runner, struct nv_run_result *run, unsigned cell)
{
    struct nv_run_key *key = &run->key;
    (void)snprintf(key->campaign_id, sizeof key->campaign_id, "%s", runner->campaign_id);
    (void)snprintf(key->cell_id, sizeof key->cell_id, "%s", runner->plan->cells[cell].id);
    (void)snprintf(key->run_id, sizeof key->run_id, "%.12s-%c%02u%c", key->cell_id,
                   key->trial ? 't' : 'b', key->trial ? key->trial : key->block, key->arm);
}

int nv_runner_measure(struct nv_runner *runner, unsigned cell, struct nv_run_result *run,
                      struct nv_error *err)
{
    struct nv_path path;
    fill_key(runner, run, cell);
    if (nv_campaign_path(runner->campaign, run->spec.path, &path, err))
        return err->code;
    show_progress(runner, run);
    if (nv_ends_measure(runner->ends, &path, run, err))
        return err->code;
    nv_gates_apply(run, runner->overshoot_ns);
    nv_remote_pause(nv_ends_remote(runner->ends, nv_network_of(&run->spec)),
                    runner->campaign->settings.settle_ns);
    return NV_OK;
}

/* One run of one arm; *run is filled, its rows owned by it. */
static int run_once(struct nv_runner *runner, unsigned cell, struct nv_run_result *run,
                    struct nv_error *err)
{
    unsigned arm = run->key.arm == 'b';
    run->spec = runner->plan->cells[cell].arm[arm];
    run->spec.seed = nv_plan_block_seed(runner->plan, cell, run->key.block);
    run->searched = run->spec.rate.kind == NV_RATE_SEARCH;
    if (run->searched)
        run->spec.rate = runner->cells[cell].capacity[arm].rate;
    if (run->key.block == 0 && run->spec.duration_ns > WARMUP_RUN_NS)
        run->spec.duration_ns = WARMUP_RUN_NS;
    if (run->key.block == 0)
        run->spec.stall_ns = 0;
    return nv_runner_measure(runner, cell, run, err);
}

/* There is something in the result directory. */
static void count_kept(struct nv_runner *runner)
{
    if (!runner->runs_kept++)
        nv_result_announce(runner->result);
}

int nv_runner_keep_trial(struct nv_runner *runner, const struct nv_trial *trial,
                         struct nv_error *err)
{
    if (!runner->csv)
        return NV_OK;
    if (nv_csv_set_trial(runner->csv, trial, err))
        return err->code;
    count_kept(runner);
    return NV_OK;
}

static int write_run(struct nv_runner *runner, const struct nv_run_result *run,
                     struct nv_error *err)
{
    if (!runner->csv)
        return NV_OK;
    if (nv_csv_set_run(runner->csv, run, err))
        return err->code;
    count_kept(runner);
    if (runner->stream && nv_csv_print_run(runner->stream, "runs.csv", run) < 0)
        return nv_fail(err, NV_E_FAILED, "standard output: write failed");
    return NV_OK;
}

/* At its capacity a transport is compared by what it carries, not by how soon; and a rate that it
 * was only left at, because none is within the loss target, is not what it carries. */
static bool says_something(const struct nv_cell_state *state, const struct nv_run_result *run,
                           enum nv_metric metric)
{
    bool none = state->capacity[run->key.arm == 'b'].end == NV_SEARCH_NONE;
    return !run->searched || !(nv_metrics[metric].paced || (none && metric == NV_METRIC_GOODPUT));
}

static void keep_values(struct nv_runner *runner, unsigned cell, const struct nv_run_result *run)
{
    struct nv_cell_state *state = &runner->cells[cell];
    unsigned arm = run->key.arm == 'b';
    for (unsigned d = NV_ROW_UP; d <= NV_ROW_RTT; d++) {
        const struct nv_result_row *row = nv_run_result_all(run, (enum nv_row_direction)d);
        if (!row)
            continue;
        struct nv_track *track = &state->track[d];
        track->used = true;
        nv_summary_arm_add(&track->arm[arm], run, row);
        runner->delivered_total += row->rx->unique_count;
        for (unsigned m = 0; m < NV_METRIC_COUNT; m++)
            track->value[arm][m][run->key.block - 1] =
                says_something(state, run, (enum nv_metric)m)
                    ? nv_metric_value((enum nv_metric)m, run, row)
                    : NAN;
    }
}

static void note_rejection(struct nv_runner *runner, const struct nv_run_result *run)
{
    json_array_append_new(runner->rejections,
                          json_pack("{s:s,s:i,s:i,s:s,s:s}", "cell_id", run->key.cell_id, "block",
                                    (int)run->key.block, "attempt", (int)run->key.attempt, "run_id",
                                    run->key.run_id, "flags", run->flags));
}

/* Rejections may cost a fifth more time; beyond that the environment is noisy, and said to be. */
static bool may_rerun(const struct nv_runner *runner, unsigned attempt)
{
    unsigned planned = blocks_planned(runner) * runner->plan->cell_count;
    return attempt <= runner->campaign->settings.reruns &&
           5 * (runner->rejected_total + 1) <= planned;
}

static int attempt_block(struct nv_runner *runner, unsigned cell, unsigned block, unsigned attempt,
                         struct nv_run_result runs[2])
{
    unsigned arms = runner->plan->arms;
    unsigned first = arms == 2 && block ? runner->cells[cell].first_arm[block - 1] : 0;
    struct nv_error *err = &runner->block_error;
    memset(runs, 0, 2 * sizeof *runs);
    for (unsigned slot = 0; slot < arms; slot++) {
        unsigned arm = slot ? 1 - first : first;
        runs[slot].key = (struct nv_run_key){
            .block = block, .slot = slot + 1, .attempt = attempt, .arm = arm ? 'b' : 'a'};
        if (run_once(runner, cell, &runs[slot], err))
            return err->code;
        if (block)
            runner->runs_done++;
    }
    return NV_OK;
}

static bool noisy(const struct nv_run_result runs[2])
{
    return !runs[0].valid || (runs[1].row_count && !runs[1].valid);
}

static void dispose_block(struct nv_run_result runs[2])
{
    nv_run_result_dispose(&runs[0]);
    nv_run_result_dispose(&runs[1]);
}

/* A block that ended early: its finished run is kept, and marked as having no partner. */
static int keep_half(struct nv_runner *runner, struct nv_run_result runs[2], struct nv_error *err)
{
    if (!runs[0].row_count || !runs[1].key.run_id[0] || runs[0].key.block == 0)
        return NV_OK;
    nv_run_result_flag(&runs[0], "unpaired");
    runs[0].valid = false;
    return write_run(runner, &runs[0], err);
}

static int keep_block(struct nv_runner *runner, unsigned cell, struct nv_run_result runs[2],
                      struct nv_error *err)
{
    for (unsigned slot = 0; slot < runner->plan->arms; slot++) {
        /* Kept all the same: no attempt was better, and its flags say what to think of it. A run
         * whose clock ran backwards, or was set, is no measurement at all. */
        runs[slot].valid = strstr(runs[slot].flags, "causality") == NULL &&
                           strstr(runs[slot].flags, "clock_step") == NULL;
        if (write_run(runner, &runs[slot], err))
            return err->code;
    }
    for (unsigned slot = 0; slot < runner->plan->arms; slot++)
        keep_values(runner, cell, &runs[slot]);
    runner->cells[cell].blocks_done++;
    return NV_OK;
}

static int run_block(struct nv_runner *runner, unsigned cell, unsigned block, struct nv_error *err)
{
    struct nv_run_result runs[2];
    for (unsigned attempt = 1;; attempt++) {
        if (attempt_block(runner, cell, block, attempt, runs)) {
            struct nv_error late = {0};
            *err = runner->block_error;
            (void)keep_half(runner, runs, &late);
            dispose_block(runs);
            return nv_fail_within(err, "%s block %u", runner->plan->cells[cell].id, block);
        }
        if (block == 0)
            break;
        if (!noisy(runs) || !may_rerun(runner, attempt)) {
            int failed = keep_block(runner, cell, runs, err);
            dispose_block(runs);
            return failed;
        }
        for (unsigned slot = 0; slot < runner->plan->arms; slot++)
            if (!runs[slot].valid)
                note_rejection(runner, &runs[slot]);
        runner->rejected_total++;
        runner->cells[cell].rejected++;
        runner->runs_done -= runner->plan->arms;
        dispose_block(runs);
    }
    dispose_block(runs);
    return NV_OK;
}

/* Half-widths, as logarithms, at which a cell needs no more blocks. */
static bool narrow_enough(const struct nv_runner *runner, unsigned cell)
{
    static const double widths[NV_METRIC_COUNT] = {
        [NV_METRIC_RESP_P50] = 0.0296, [NV_METRIC_RESP_P99] = 0.0953, [NV_METRIC_GOODPUT] = 0.0296};
    const struct nv_cell_state *state = &runner->cells[cell];
    for (unsigned d = NV_ROW_UP; d <= NV_ROW_RTT; d++) {
        for (unsigned m = 0; state->track[d].used && m < NV_METRIC_COUNT; m++) {
            struct nv_comparison_input input = {.a = state->track[d].value[0][m],
                                                .b = state->track[d].value[1][m],
                                                .blocks = state->blocks_done,
                                                .scale = nv_metrics[m].scale,
                                                .margin = nv_metrics[m].margin};
            struct nv_comparison c = nv_verdict_compare(&input);
            if (widths[m] > 0 && c.blocks_count && !(c.half_width <= widths[m]))
                return false;
        }
    }
    return true;
}

static int run_round(struct nv_runner *runner, unsigned block, struct nv_error *err)
{
    unsigned count = runner->plan->cell_count;
    uint32_t *order = calloc(count, sizeof *order);
    int failed = NV_OK;
    if (!order)
        return nv_fail(err, NV_E_FAILED, "no memory");
    nv_order_cells(order, count, runner->plan->seed, block);
    for (unsigned i = 0; i < count && !failed; i++)
        if (!runner->cells[order[i]].narrow)
            failed = run_block(runner, order[i], block, err);
    free(order);
    return failed;
}

int nv_runner_run(struct nv_runner *runner, struct nv_error *err)
{
    const struct nv_settings *settings = &runner->campaign->settings;
    if (nv_capacity_search(runner, err))
        return err->code;
    if (settings->warmup_round && run_round(runner, 0, err))
        return err->code;
    for (unsigned block = 1; block <= blocks_planned(runner); block++) {
        bool left = false;
        for (unsigned i = 0; i < runner->plan->cell_count; i++) {
            if (block > settings->blocks && block % 2)
                runner->cells[i].narrow = runner->plan->arms == 2 && narrow_enough(runner, i);
            left |= !runner->cells[i].narrow;
        }
        if (!left)
            return NV_OK;
        if (run_round(runner, block, err))
            return err->code;
    }
    return NV_OK;
}

static const char *stop_reason(const struct nv_runner *runner, const struct nv_cell_state *state)
{
    const struct nv_settings *settings = &runner->campaign->settings;
    if (state->narrow)
        return "width";
    if (state->blocks_done < settings->blocks)
        return "interrupted";
    return settings->blocks_max > settings->blocks ? "blocks_max" : "blocks";
}

static void summarise_track(struct nv_runner *runner, unsigned cell, unsigned direction)
{
    struct nv_cell_state *state = &runner->cells[cell];
    struct nv_track *track = &state->track[direction];
    struct nv_summary_cell *out = &runner->summary_cells[runner->summary_count++];
    *out = (struct nv_summary_cell){
        .cell_id = runner->plan->cells[cell].id,
        .direction = (enum nv_row_direction)direction,
        .arm_count = runner->plan->arms,
        .blocks_count = state->blocks_done,
        .rejected_count = state->rejected,
        .stop_reason = stop_reason(runner, state),
    };
    for (unsigned arm = 0; arm < runner->plan->arms; arm++) {
        out->arm[arm] = track->arm[arm];
        out->arm[arm].name = state->arm_name[arm];
        out->arm[arm].spec = &runner->plan->cells[cell].arm[arm];
        out->arm[arm].capacity = state->capacity[arm];
        for (unsigned m = 0; m < NV_METRIC_COUNT; m++)
            out->arm[arm].median[m] = nv_stats_median(track->value[arm][m], state->blocks_done);
    }
    for (unsigned m = 0; runner->plan->arms == 2 && m < NV_METRIC_COUNT; m++) {
        struct nv_comparison_input input = {.a = track->value[0][m],
                                            .b = track->value[1][m],
                                            .blocks = state->blocks_done,
                                            .scale = nv_metrics[m].scale,
                                            .margin = nv_metrics[m].margin,
                                            .floor_abs = nv_metrics[m].floor_abs,
                                            .lower_is_better = nv_metrics[m].lower_is_better,
                                            .first_arm = state->first_arm};
        out->comparison[m] = nv_verdict_compare(&input);
    }
}

/* Holm's correction runs over the primary metrics of the whole campaign, and them alone. */
static int correct_family(struct nv_runner *runner, struct nv_error *err)
{
    size_t count = 0;
    struct nv_comparison *family =
        calloc((size_t)runner->summary_count * NV_METRIC_COUNT + 1, sizeof *family);
    if (!family)
        return nv_fail(err, NV_E_FAILED, "no memory");
    for (unsigned i = 0; i < runner->summary_count; i++)
        for (unsigned m = 0; m < NV_METRIC_COUNT; m++)
            if (nv_metrics[m].primary)
                family[count++] = runner->summary_cells[i].comparison[m];
    nv_verdict_apply_holm(family, count);
    count = 0;
    for (unsigned i = 0; i < runner->summary_count; i++)
        for (unsigned m = 0; m < NV_METRIC_COUNT; m++)
            if (nv_metrics[m].primary)
                runner->summary_cells[i].comparison[m] = family[count++];
    free(family);
    return NV_OK;
}

/* Taking time stamps costs time, and not the same on both transports. */
static void leave_open(struct nv_summary_cell *cell)
{
    for (unsigned m = 0; cell->arm[0].spec->diag && m < NV_METRIC_COUNT; m++)
        cell->comparison[m].verdict = NV_VERDICT_NONE;
}

int nv_runner_summarise(struct nv_runner *runner, struct nv_error *err)
{
    runner->summary_count = 0;
    for (unsigned i = 0; i < runner->plan->cell_count; i++)
        for (unsigned d = NV_ROW_UP; d <= NV_ROW_RTT; d++)
            if (runner->cells[i].track[d].used)
                summarise_track(runner, i, d);
    if (runner->plan->arms == 2 && correct_family(runner, err))
        return err->code;
    for (unsigned i = 0; i < runner->summary_count; i++)
        leave_open(&runner->summary_cells[i]);
    return NV_OK;
}

void nv_runner_dispose(struct nv_runner *runner)
{
    free(runner->cells);
    free(runner->summary_cells);
    json_decref(runner->rejections);
}
