/* SPDX-License-Identifier: MIT */
#include "output/topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "campaign/stats.h"
#include "measure/ordering.h"
#include "measure/quantile.h"
#include "measure/variation.h"

/* Worked examples against the program's own functions. */

__attribute__((format(printf, 2, 3))) static void says(const char *topic, const char *format, ...)
{
    char words[128];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    const struct nv_topic *t = nv_topic_find(topic);
    assert_non_null(t);
    if (!strstr(t->example, words))
        fail_msg("the example of %s does not say '%s'", topic, words);
}

static struct nv_ordering ordering_of(const char *arrivals)
{
    struct nv_ordering counts = {0};
    struct nv_ordering_live live;
    assert_int_equal(nv_ordering_init(&live, 64, NULL), NV_OK);
    (void)nv_ordering_add(&live, NULL, 0, 0); /* numbers begin with 0 */
    for (int used = 0; *arrivals; arrivals += used) {
        unsigned seq;
        assert_int_equal(sscanf(arrivals, "%u%n", &seq, &used), 1);
        (void)nv_ordering_add(&live, &counts, seq, 0);
    }
    nv_ordering_dispose(&live);
    return counts;
}

static void orderings_are_as_told(void **state)
{
    (void)state;
    struct nv_ordering one = ordering_of("1 2 3 5 6 7 8 4 9 10");
    says("reordering", "Arrivals 1 2 3 5 6 7 8 4 9 10: ");
    says("reordering", "%u / 10 = 0.1", (unsigned)one.reordered_count);
    says("reordering", "extent 8 - 4 = %u", (unsigned)one.extent_max_msgs);
    struct nv_ordering three = ordering_of("1 2 3 7 8 9 10 4 5 6 11");
    uint64_t by_three = 0;
    for (unsigned n = 3; n < NV_PATTERN_SLOTS; n++)
        by_three += three.n_reorder[n];
    says("n-reordering", "Arrivals 1 2 3 7 8 9 10 4 5 6 11: ");
    says("n-reordering", "%u / 11 = 0.273", (unsigned)three.reordered_count);
    says("n-reordering", "%u / 11 = 0.0909", (unsigned)by_three);
    assert_int_equal(three.n_reorder[4], 1);
}

static void jitter_is_as_told(void **state)
{
    (void)state;
    struct nv_jitter jitter = {NV_UNKNOWN, NV_UNKNOWN};
    struct nv_jitter_live live = {0};
    static const int64_t delays_ns[] = {5000000, 8000000, 4000000};
    for (unsigned i = 0; i < 3; i++)
        nv_jitter_add(&live, &jitter, delays_ns[i]);
    says("jitter", "/ 16 = %.4f ms", (double)jitter.last_ns / 1e6);
}

static void statistics_are_as_told(void **state)
{
    (void)state;
    static const double d[] = {1, 2, 6}, six[] = {1, 2, 3, 4, 5, 6};
    says("effect", "Differences 1, 2 and 6: ");
    says("effect", "(2 + 3.5) / 2 = %.4g", nv_stats_hodges_lehmann(d, 3));
    says("effect", "2 / 64 = %.5f", nv_stats_signed_rank_p(six, 6));
    struct nv_bounds all = nv_stats_hodges_lehmann_bounds(six, 6, 0.95);
    assert_true(all.lo == 1 && all.hi == 6); /* from the smallest to the largest */
    says("checks", " = %.3f", nv_stats_clopper_pearson(6, 6, 0.95).lo);
}

static void percentiles_need_what_is_told(void **state)
{
    (void)state;
    says("percentile", "p90 takes 10 / (1 - 0.9) = 100 messages, p99 takes 10 / (1 - 0.99) = 1000");
    assert_true(nv_quantile_supported(100, 0.9) && !nv_quantile_supported(99, 0.9));
    assert_true(nv_quantile_supported(1000, 0.99) && !nv_quantile_supported(999, 0.99));
}

/* A pattern that fits nothing is a column that is gone, or a slip. */
struct use {
    const struct nv_topic *topic;
    unsigned count;
};

static void count_use(void *context, const struct nv_sheet *sheet, const struct nv_column *column)
{
    struct use *use = context;
    use->count += nv_topic_of(sheet, column) == use->topic;
}

static void every_topic_has_columns(void **state)
{
    (void)state;
    for (unsigned group = 0; nv_topic_groups[group]; group++) {
        for (const struct nv_topic *t = nv_topic_groups[group]; t->name; t++) {
            struct use use = {.topic = t};
            nv_columns_each(count_use, &use);
            assert_true(use.count > 0);
            assert_ptr_equal(nv_topic_find(t->name), t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orderings_are_as_told),   cmocka_unit_test(jitter_is_as_told),
        cmocka_unit_test(statistics_are_as_told),  cmocka_unit_test(percentiles_need_what_is_told),
        cmocka_unit_test(every_topic_has_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
