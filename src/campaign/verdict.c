/* SPDX-License-Identifier: MIT */
#include "campaign/verdict.h"

#include <limits.h>
#include <math.h>

#include "base/error.h"
#include "campaign/order.h"

/* The pairs that count. */
struct pairs {
    double a[NV_BLOCKS_MAX], b[NV_BLOCKS_MAX];
    double d[NV_BLOCKS_MAX];          /* on the scale of the comparison */
    double difference[NV_BLOCKS_MAX]; /* b - a */
    double gain[NV_BLOCKS_MAX];       /* d, positive if B is better */
    double block[NV_BLOCKS_MAX];
    unsigned count, both_inf_count;
};

/* What one kind of interval says. */
struct opinion {
    struct nv_bounds gain95, gain90;
    enum nv_verdict verdict;
};

const char *nv_verdict_name(enum nv_verdict verdict)
{
    static const char *const names[] = {
#define XX(constant, name) [NV_VERDICT_##constant] = (name),
        NV_VERDICT_MAP(XX)
#undef XX
    };
    NV_ASSERT((size_t)verdict < sizeof names / sizeof *names);
    return names[verdict];
}

static double subtract(double b, double a)
{
    return a == b ? 0 : b - a; /* inf - inf: the arms are equally bad */
}

/* Dividing the larger by the smaller makes ln(b/a) = -ln(a/b) to the last bit, so that equal and
 * opposite ratios are ties for the rank tests; so are equal ratios of different values. */
static double log_ratio(double b, double a)
{
    if (a == b)
        return 0;
    return b > a ? log(b / a) : -log(a / b);
}

static bool is_known(const struct nv_comparison_input *input, unsigned block)
{
    double a = input->a[block], b = input->b[block];
    if (isnan(a) || isnan(b))
        return false;
    return input->scale != NV_SCALE_LOG_RATIO || (a > 0 && b > 0);
}

static void collect_pairs(struct pairs *pairs, const struct nv_comparison_input *input)
{
    bool is_ratio = input->scale == NV_SCALE_LOG_RATIO;
    pairs->count = pairs->both_inf_count = 0;
    for (unsigned block = 0; block < input->blocks; block++) {
        if (!is_known(input, block))
            continue;
        double a = input->a[block], b = input->b[block];
        unsigned i = pairs->count++;
        pairs->a[i] = a;
        pairs->b[i] = b;
        pairs->block[i] = block;
        pairs->difference[i] = subtract(b, a);
        pairs->d[i] = is_ratio ? log_ratio(b, a) : pairs->difference[i];
        pairs->gain[i] = input->lower_is_better ? -pairs->d[i] : pairs->d[i];
        pairs->both_inf_count += isinf(a) && a == b;
    }
}

static bool all_equal(const struct pairs *pairs)
{
    for (unsigned i = 0; i < pairs->count; i++)
        if (pairs->d[i] != 0)
            return false;
    return true;
}

/* On a ratio scale the floor is taken relative to the smaller arm: whatever ratio exceeds the
 * margin is then a difference that exceeds the floor. */
static double margin_of(const struct nv_comparison_input *input, double a_median, double b_median)
{
    if (input->scale == NV_SCALE_DIFF)
        return fmax(input->margin, input->floor_abs);
    return fmax(input->margin, log1p(input->floor_abs / fmin(a_median, b_median)));
}

static enum nv_verdict decide(const struct opinion *opinion, double margin)
{
    struct nv_bounds gain95 = opinion->gain95, gain90 = opinion->gain90;
    if (gain95.lo > margin)
        return NV_VERDICT_B_WINS;
    if (gain95.hi < -margin)
        return NV_VERDICT_A_WINS;
    if (gain90.lo > -margin && gain90.hi < margin)
        return NV_VERDICT_TIE;
    if (gain95.lo > 0)
        return NV_VERDICT_B_SLIGHTLY;
    if (gain95.hi < 0)
        return NV_VERDICT_A_SLIGHTLY;
    return NV_VERDICT_INCONCLUSIVE;
}

static double half_width_of(struct nv_bounds bounds)
{
    return subtract(bounds.hi, bounds.lo) / 2;
}

static struct nv_bounds hull(struct nv_bounds x, struct nv_bounds y)
{
    return (struct nv_bounds){fmin(x.lo, y.lo), fmax(x.hi, y.hi)};
}

static struct opinion signed_rank_opinion(const struct pairs *pairs, double margin)
{
    struct opinion opinion = {
        .gain95 = nv_stats_hodges_lehmann_bounds(pairs->gain, pairs->count, 0.95),
        .gain90 = nv_stats_hodges_lehmann_bounds(pairs->gain, pairs->count, 0.90),
    };
    opinion.verdict = decide(&opinion, margin);
    return opinion;
}

static struct opinion sign_opinion(const struct pairs *pairs, double margin)
{
    struct opinion opinion = {
        .gain95 = nv_stats_sign_bounds(pairs->gain, pairs->count, 0.95),
        .gain90 = nv_stats_sign_bounds(pairs->gain, pairs->count, 0.90),
    };
    opinion.verdict = decide(&opinion, margin);
    return opinion;
}

/* The signed-rank interval assumes symmetry. Where the sign interval, which does not, leads to
 * another verdict, nothing is said that both of them do not bear. */
static struct opinion reconcile(const struct opinion *rank, const struct opinion *sign,
                                double margin)
{
    if (rank->verdict == sign->verdict)
        return *rank;
    struct opinion both = {
        .gain95 = hull(rank->gain95, sign->gain95),
        .gain90 = hull(rank->gain90, sign->gain90),
    };
    both.verdict = decide(&both, margin);
    return both;
}

/* The width shrinks with the root of the number of blocks. At least the next two are needed: an
 * inconclusive interval may be narrow and lie across the margin. */
static unsigned blocks_needed(unsigned blocks, double half_width, double margin)
{
    double shrink = half_width / margin;
    double needed = ceil(blocks * shrink * shrink);
    if (!isfinite(needed) || needed > UINT_MAX)
        return 0;
    return needed < blocks + 2 ? blocks + 2 : (unsigned)needed;
}

static void judge(struct nv_comparison *comparison, const struct pairs *pairs)
{
    double margin = comparison->margin_used;
    struct opinion rank = signed_rank_opinion(pairs, margin);
    struct opinion sign = sign_opinion(pairs, margin);
    struct opinion final = reconcile(&rank, &sign, margin);
    comparison->half_width = half_width_of(final.gain95);
    comparison->sign_ci_decided = rank.verdict != final.verdict;
    comparison->verdict = final.verdict;
    if (all_equal(pairs))
        comparison->verdict = NV_VERDICT_TIE;
    if (pairs->both_inf_count > NV_VERDICT_BOTH_INF_MAX * pairs->count)
        comparison->verdict = NV_VERDICT_UNDEFINED;
    if (comparison->verdict == NV_VERDICT_INCONCLUSIVE)
        comparison->needed_blocks = blocks_needed(pairs->count, comparison->half_width, margin);
}

static double effect_of(double d, enum nv_scale scale)
{
    return scale == NV_SCALE_LOG_RATIO ? expm1(d) : d;
}

static void fill_intervals(struct nv_comparison *comparison, const struct pairs *pairs,
                           enum nv_scale scale)
{
    struct nv_bounds ci95 = nv_stats_hodges_lehmann_bounds(pairs->d, pairs->count, 0.95);
    struct nv_bounds ci90 = nv_stats_hodges_lehmann_bounds(pairs->d, pairs->count, 0.90);
    struct nv_bounds sign = nv_stats_sign_bounds(pairs->d, pairs->count, 0.95);
    comparison->ci95_lo = effect_of(ci95.lo, scale);
    comparison->ci95_hi = effect_of(ci95.hi, scale);
    comparison->ci90_lo = effect_of(ci90.lo, scale);
    comparison->ci90_hi = effect_of(ci90.hi, scale);
    comparison->sign_ci_lo = effect_of(sign.lo, scale);
    comparison->sign_ci_hi = effect_of(sign.hi, scale);
    comparison->p_signed_rank = nv_stats_signed_rank_p(pairs->d, pairs->count);
}

static void fill_wins(struct nv_comparison *comparison, const struct pairs *pairs)
{
    unsigned wins = 0;
    for (unsigned i = 0; i < pairs->count; i++)
        wins += pairs->gain[i] > 0;
    struct nv_bounds ci = nv_stats_clopper_pearson(wins, pairs->count, 0.95);
    comparison->win_fraction = nv_stats_win_fraction(pairs->gain, pairs->count);
    comparison->win_ci_lo = ci.lo;
    comparison->win_ci_hi = ci.hi;
}

static double order_effect_p(const struct pairs *pairs, const uint8_t *first_arm)
{
    double a_first[NV_BLOCKS_MAX], b_first[NV_BLOCKS_MAX];
    unsigned a_count = 0, b_count = 0;
    if (first_arm == NULL)
        return NAN;
    for (unsigned i = 0; i < pairs->count; i++) {
        if (first_arm[(unsigned)pairs->block[i]] == NV_ARM_A)
            a_first[a_count++] = pairs->d[i];
        else
            b_first[b_count++] = pairs->d[i];
    }
    return nv_stats_mann_whitney_p(a_first, a_count, b_first, b_count);
}

struct nv_comparison nv_verdict_compare(const struct nv_comparison_input *input)
{
    NV_ASSERT(input->blocks <= NV_BLOCKS_MAX);
    NV_ASSERT(input->margin >= 0 && input->floor_abs >= 0);
    struct pairs pairs;
    collect_pairs(&pairs, input);

    struct nv_comparison comparison = {
        .blocks_count = pairs.count,
        .both_inf_count = pairs.both_inf_count,
        .a_median = nv_stats_median(pairs.a, pairs.count),
        .b_median = nv_stats_median(pairs.b, pairs.count),
        .effect = effect_of(nv_stats_hodges_lehmann(pairs.d, pairs.count), input->scale),
        .difference = nv_stats_hodges_lehmann(pairs.difference, pairs.count),
        .has_interval = pairs.count >= NV_VERDICT_BLOCKS_MIN,
        .ci95_lo = NAN,
        .ci95_hi = NAN,
        .ci90_lo = NAN,
        .ci90_hi = NAN,
        .sign_ci_lo = NAN,
        .sign_ci_hi = NAN,
        .half_width = NAN,
        .p_signed_rank = NAN,
        .p_holm = NAN,
        .order_effect_p = order_effect_p(&pairs, input->first_arm),
        .drift_rho = nv_stats_spearman(pairs.block, pairs.d, pairs.count),
        .verdict = NV_VERDICT_NONE,
    };
    comparison.margin_used = margin_of(input, comparison.a_median, comparison.b_median);
    fill_wins(&comparison, &pairs);
    if (comparison.has_interval) {
        fill_intervals(&comparison, &pairs, input->scale);
        judge(&comparison, &pairs);
    }
    return comparison;
}

static enum nv_verdict demoted(enum nv_verdict verdict)
{
    if (verdict == NV_VERDICT_A_WINS)
        return NV_VERDICT_A_SLIGHTLY;
    if (verdict == NV_VERDICT_B_WINS)
        return NV_VERDICT_B_SLIGHTLY;
    return verdict;
}

void nv_verdict_apply_holm(struct nv_comparison *comparisons, size_t count)
{
    if (count == 0)
        return;
    nv_stats_holm(&(struct nv_p_values){
        .p = &comparisons->p_signed_rank,
        .adjusted = &comparisons->p_holm,
        .count = count,
        .stride_bytes = sizeof *comparisons,
    });
    for (size_t i = 0; i < count; i++)
        if (comparisons[i].p_holm > NV_VERDICT_P_MAX)
            comparisons[i].verdict = demoted(comparisons[i].verdict);
}
