/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "campaign/verdict.h"
#include "cli/check_math.h"
#include "cli/check_run.h"
#include "measure/histogram.h"
#include "measure/quantile.h"
#include "schedule/schedule.h"

/* METHOD 13: what needs no network: histogram, statistics, schedules, the clock. */

/* ---- 13.5 ---- */

static uint64_t draw_exponential(struct nv_rng *rng)
{
    return (uint64_t)(-log(nv_rng_unit(rng)) * 1e6);
}

static uint64_t draw_lognormal(struct nv_rng *rng)
{
    double radius = sqrt(-2 * log(nv_rng_unit(rng)));
    return (uint64_t)(1e5 * exp(radius * cos(2 * M_PI * nv_rng_unit(rng))));
}

static uint64_t draw_bimodal(struct nv_rng *rng)
{
    uint64_t centre = nv_rng_unit(rng) < 0.9 ? 50000 : 20000000;
    return centre + nv_rng_below(rng, centre / 10);
}

static int by_count(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

struct histogram_case {
    const char *name;
    uint64_t (*draw)(struct nv_rng *);
};

/* Quantiles whose exact value is not in the bucket that is reported for it. */
static unsigned misses(const struct nv_hist *hist, const uint64_t *sorted, unsigned count)
{
    static const double ps[] = {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
    unsigned missed = 0;
    for (unsigned i = 0; i < sizeof ps / sizeof ps[0]; i++) {
        struct nv_quantile q = nv_quantile_delivered(hist, ps[i], 1);
        uint64_t exact = sorted[(unsigned)ceil(ps[i] * count - 1e-9) - 1];
        missed += exact < q.bucket_lo_ns || exact > q.value_ns;
        missed += (double)q.value_ns > (double)exact * (1 + 1.0 / 256) + 1;
    }
    return missed;
}

/* Two halves in two histograms, put together: as if all had been added to one. */
static int check_histogram_case(struct nv_check_context *check, const struct histogram_case *which,
                                unsigned count)
{
    struct nv_rng rng;
    char what[NV_CHECK_WHAT_BYTES];
    struct nv_hist *hists = calloc(3, sizeof *hists);
    uint64_t *values = calloc(count, sizeof *values);
    bool enough = hists && values;
    nv_rng_seed(&rng, 11);
    for (unsigned i = 0; enough && i < count; i++) {
        values[i] = which->draw(&rng);
        nv_hist_add(&hists[0], nv_check_is_broken(check) ? values[i] + values[i] / 50 : values[i]);
        nv_hist_add(&hists[1 + i % 2], values[i]);
    }
    if (enough) {
        qsort(values, count, sizeof *values, by_count);
        nv_hist_merge(&hists[1], &hists[2]);
        (void)snprintf(what, sizeof what, "%s.misses", which->name);
        nv_check_equal(check, what, misses(&hists[0], values, count), 0, "quantiles");
        (void)snprintf(what, sizeof what, "%s.merged", which->name);
        nv_check_equal(check, what, memcmp(&hists[0], &hists[1], sizeof *hists) == 0, 1,
                       "(1: as one)");
    }
    free(hists);
    free(values);
    return enough ? NV_OK : nv_fail(&check->error, NV_E_FAILED, "no memory");
}

static int check_histogram(struct nv_check_context *check)
{
    static const struct histogram_case cases[] = {{"exponential", draw_exponential},
                                                  {"lognormal", draw_lognormal},
                                                  {"bimodal", draw_bimodal}};
    for (unsigned i = 0; i < 3; i++)
        if (check_histogram_case(check, &cases[i], check->quick ? 200000 : 1000000))
            return check->error.code;
    return NV_OK;
}

/* ---- 13.13 ---- */

static void near(struct nv_check_context *check, const char *what, double observed,
                 struct nv_bounds expected)
{
    struct nv_check_line line = {
        .observed = observed, .expected = expected.lo, .tolerance = expected.hi, .unit = ""};
    (void)snprintf(line.what, sizeof line.what, "%s", what);
    nv_check_say(check, &line);
}

/* Hollander, Wolfe and Chicken, table A.4; METHOD 8. */
static void check_ranks(struct nv_check_context *check)
{
    static const struct {
        unsigned n;
        int k;
    } table[] = {{6, 0},   {8, 3},   {10, 8},   {12, 13}, {15, 25},
                 {20, 52}, {25, 89}, {30, 137}, {40, 264}};
    int off = nv_check_is_broken(check) ? 1 : 0;
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        char what[NV_CHECK_WHAT_BYTES];
        (void)snprintf(what, sizeof what, "signed_rank_k.%u", table[i].n);
        near(check, what, nv_stats_signed_rank_k(table[i].n, 0.95),
             (struct nv_bounds){table[i].k + off, 0});
    }
}

static double normal(struct nv_rng *rng)
{
    double radius = sqrt(-2 * log(nv_rng_unit(rng)));
    return radius * cos(2 * M_PI * nv_rng_unit(rng));
}

/* Share of the intervals that hold the true median, of ten values each: 0.951 by the distribution
 * of the signed rank, within 99.9 %. */
static void check_coverage(struct nv_check_context *check)
{
    enum { VALUES = 10 };
    unsigned runs = check->quick ? 2000 : 20000;
    unsigned held = 0;
    struct nv_rng rng;
    nv_rng_seed(&rng, 3);
    for (unsigned run = 0; run < runs; run++) {
        double d[VALUES];
        for (unsigned i = 0; i < VALUES; i++)
            d[i] = normal(&rng) + (nv_check_is_broken(check) ? 0.2 : 0);
        struct nv_bounds bounds = nv_stats_hodges_lehmann_bounds(d, VALUES, 0.95);
        held += bounds.lo <= 0 && bounds.hi >= 0;
    }
    nv_check_between(check, "coverage", held, nv_check_binomial(runs, 1 - 2 * 25.0 / 1024),
                     "intervals");
}

/* Verdicts over 12 blocks whose pairs differ by 3 %, against a margin of 5 %: with no difference,
 * 96 of 100 are ties and none wins (campaign/verdict.h); with one of 10 %, 99 of 100 win (METHOD
 * 8), less what the interval of the median costs. */
struct verdicts {
    unsigned ties, wins;
};

static struct verdicts count_verdicts(unsigned runs, double difference)
{
    enum { BLOCKS = 12 };
    struct verdicts count = {0};
    struct nv_rng rng;
    nv_rng_seed(&rng, 13);
    for (unsigned run = 0; run < runs; run++) {
        double a[BLOCKS];
        double b[BLOCKS];
        for (unsigned i = 0; i < BLOCKS; i++) {
            a[i] = 100;
            b[i] = 100 * exp(difference + 0.03 * normal(&rng));
        }
        struct nv_comparison_input input = {
            .a = a, .b = b, .blocks = BLOCKS, .scale = NV_SCALE_LOG_RATIO, .margin = log(1.05)};
        struct nv_comparison comparison = nv_verdict_compare(&input);
        count.ties += comparison.verdict == NV_VERDICT_TIE;
        count.wins +=
            comparison.verdict == NV_VERDICT_A_WINS || comparison.verdict == NV_VERDICT_B_WINS;
    }
    return count;
}

static void check_verdicts(struct nv_check_context *check)
{
    enum { RUNS = 2000 };
    struct verdicts none = count_verdicts(RUNS, nv_check_is_broken(check) ? 0.03 : 0);
    struct verdicts real = count_verdicts(RUNS, 0.1);
    nv_check_between(
        check, "verdicts.ties", none.ties,
        (struct nv_bounds){nv_check_binomial(RUNS, 0.95).lo, nv_check_binomial(RUNS, 0.97).hi},
        "comparisons");
    nv_check_equal(check, "verdicts.false_wins", none.wins, 0, "comparisons");
    nv_check_between(check, "verdicts.true_wins", real.wins,
                     (struct nv_bounds){nv_check_binomial(RUNS, 0.95).lo, RUNS}, "comparisons");
}

static int check_statistics(struct nv_check_context *check)
{
    static const double d[] = {1, 2, 4, 8};
    static const double p[] = {0.01, 0.04, 0.03, 0.005};
    double holm[4];
    double q[4];
    check_ranks(check);
    /* Walsh averages 1 1.5 2 2.5 3 4 4.5 5 6 8. */
    near(check, "hodges_lehmann", nv_stats_hodges_lehmann(d, 4), (struct nv_bounds){3.5, 1e-12});
    /* 1 - 0.025^(1/10), and Clopper and Pearson's table. */
    near(check, "clopper_pearson.0_of_10", nv_stats_clopper_pearson(0, 10, 0.95).hi,
         (struct nv_bounds){0.3084971, 1e-6});
    near(check, "clopper_pearson.5_of_10", nv_stats_clopper_pearson(5, 10, 0.95).lo,
         (struct nv_bounds){0.1870860, 1e-6});
    nv_stats_holm(&(struct nv_p_values){p, holm, 4, sizeof(double)});
    nv_stats_benjamini_hochberg(&(struct nv_p_values){p, q, 4, sizeof(double)});
    near(check, "holm", holm[2], (struct nv_bounds){0.06, 1e-12});
    near(check, "benjamini_hochberg", q[0], (struct nv_bounds){0.02, 1e-12});
    /* All 2^6 signs are equally likely: 2/64. */
    static const double positive[] = {1, 2, 3, 4, 5, 6};
    near(check, "signed_rank_p", nv_stats_signed_rank_p(positive, 6),
         (struct nv_bounds){0.03125, 1e-12});
    check_coverage(check);
    check_verdicts(check);
    return NV_OK;
}

/* ---- 13.14: schedules ---- */

static struct nv_schedule_config schedule(enum nv_arrival arrival, uint64_t seed)
{
    struct nv_spec spec;
    nv_options_reset(nv_spec_options, &spec);
    spec.arrival = arrival;
    spec.seed = seed;
    spec.rate = (struct nv_rate){NV_RATE_MESSAGES, 3000000};
    spec.duration_ns = 20 * NV_NS_PER_S;
    spec.warmup_ns = spec.cooldown_ns = 0;
    return nv_spec_schedule(&spec, 0, true);
}

/* Message k of a constant schedule is due at k/3 ms, however many came before. */
static double largest_drift_ns(const struct nv_schedule_config *config)
{
    struct nv_schedule walk;
    struct nv_planned planned;
    double largest = 0;
    nv_schedule_init(&walk, config);
    while (nv_schedule_next(&walk, &planned))
        largest = fmax(largest, fabs((double)planned.t_int_ns - (double)planned.seq * 1e6 / 3));
    return largest;
}

static int check_schedules(struct nv_check_context *check)
{
    uint64_t seed = nv_check_is_broken(check) ? 43 : 42;
    struct nv_schedule_config first = schedule(NV_ARRIVAL_POISSON, 42);
    struct nv_schedule_config same = schedule(NV_ARRIVAL_POISSON, seed);
    struct nv_schedule_config other = schedule(NV_ARRIVAL_POISSON, 41);
    struct nv_schedule_config steady = schedule(NV_ARRIVAL_CONSTANT, 42);
    double mean = 60000;
    nv_check_equal(check, "same_seed", nv_schedule_hash(&first) == nv_schedule_hash(&same), 1,
                   "(1: the same)");
    nv_check_equal(check, "other_seed", nv_schedule_hash(&first) == nv_schedule_hash(&other), 0,
                   "(1: the same)");
    /* A count of a Poisson process: 3.29 standard deviations are 99.9 %. */
    near(check, "poisson_count", (double)nv_schedule_count(&first, 0, 20 * NV_NS_PER_S),
         (struct nv_bounds){mean, 3.29 * sqrt(mean)});
    near(check, "constant_count", (double)nv_schedule_count(&steady, 0, 20 * NV_NS_PER_S),
         (struct nv_bounds){mean, 0});
    near(check, "constant_drift_ns", largest_drift_ns(&steady), (struct nv_bounds){0, 1});
    return NV_OK;
}

/* ---- 13.11 ---- */

#define CLOCK_READS 1000000u
#define CLOCK_COST_NS_MAX                                                                          \
    2000.0 /* of a message's two reads, nothing would be left at 100 000/s                         \
            */

struct exchange {
    atomic_ullong told_ns;
    atomic_bool over;
};

/* On another processor: says what time it is, over and over. */
static void tell_time(void *context)
{
    struct exchange *exchange = context;
    while (!atomic_load(&exchange->over))
        atomic_store(&exchange->told_ns, nv_clock_ns());
}

/* What another processor said before is never later than what this one reads now. */
static int check_clock_between(struct nv_check_context *check)
{
    struct exchange exchange = {0};
    uv_thread_t thread;
    uint64_t backward = 0;
    if (uv_thread_create(&thread, tell_time, &exchange))
        return nv_fail(&check->error, NV_E_FAILED, "no thread");
    for (unsigned i = 0; i < CLOCK_READS; i++) {
        uint64_t told_ns = atomic_load(&exchange.told_ns);
        backward += nv_clock_ns() < told_ns;
    }
    atomic_store(&exchange.over, true);
    (void)uv_thread_join(&thread);
    nv_check_equal(check, "backward_between_processors", backward, 0, "reads");
    return NV_OK;
}

static int measure_cost(struct nv_check_context *check, const void *what,
                        struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    uint64_t start_ns = nv_clock_ns();
    uint64_t last_ns = start_ns;
    unsigned backward = 0;
    (void)what;
    for (unsigned i = 0; i < CLOCK_READS; i++) {
        uint64_t now_ns = nv_clock_ns();
        backward += now_ns < last_ns;
        last_ns = now_ns;
    }
    double ahead_ns = nv_check_is_broken(check) ? 5e9 : 0;
    lines[0] =
        (struct nv_check_line){.what = "read_cost",
                               .observed = ((double)(last_ns - start_ns) + ahead_ns) / CLOCK_READS,
                               .tolerance = CLOCK_COST_NS_MAX,
                               .unit = "ns"};
    lines[1] = (struct nv_check_line){.what = "backward", .observed = backward, .unit = "reads"};
    return 2;
}

static int check_clock(struct nv_check_context *check)
{
    const struct nv_check_timing timing = {measure_cost, NULL};
    if (nv_check_time(check, &timing))
        return check->error.code;
    if (uv_available_parallelism() < 2) {
        nv_check_skip(check, "backward_between_processors", "needs two processors");
        return NV_OK;
    }
    return check_clock_between(check);
}

/* ---- 13.7 ---- */

/* Of all runs until here; a ledger that does not balance has failed its run. */
static int check_causality(struct nv_check_context *check)
{
    struct nv_run_result run;
    uint64_t shift_ns = nv_check_is_broken(check) ? NV_NS_PER_S : 0;
    if (nv_check_run(check, &run, "duration=500ms transport=tcp workload=stream path=none") ==
        NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        /* A response is the wait before the send and the time since: sums of two ends agree. */
        uint64_t parts_ns = row->rx->serv.sum + row->tx->sched_lag.sum + row->tx->block_lag.sum;
        nv_check_equal(check, "sum_of_parts", row->rx->resp.sum + shift_ns, parts_ns, "ns");
        nv_check_equal(check, "ledger", row->tx->sched_count, row->rx->unique_count, "messages");
    }
    nv_run_result_dispose(&run);
    if (check->error.code)
        return check->error.code;
    struct nv_check_line line = {
        .what = "before_their_send", .observed = check->backward_count, .unit = "messages"};
    (void)snprintf(line.note, sizeof line.note, "all %u runs until here", check->run_count);
    nv_check_say(check, &line);
    return NV_OK;
}

const struct nv_check nv_check_self_rows[] = {
    {"histogram", "METHOD 13.5", "quantiles are in the bucket that is reported", 0,
     check_histogram},
    {"statistics", "METHOD 13.13", "rank statistics have their published values", 0,
     check_statistics},
    {"schedules", "METHOD 13.14", "schedules follow from their seed, and do not drift", 0,
     check_schedules},
    {"clock", "METHOD 13.11", "the clock is cheap and never goes back", 0, check_clock},
    {"causality", "METHOD 13.7", "times add up, and nothing arrives before it was sent",
     NV_CHECK_LOOPBACK, check_causality},
    {NULL, NULL, NULL, 0, NULL},
};
