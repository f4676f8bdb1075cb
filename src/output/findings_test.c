/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/csv.h"
#include "output/test_summary.h"

#define CELLS 6u

struct campaign {
    struct nv_summary_cell cells[CELLS];
    struct nv_summary summary;
};

static void set_all(struct campaign *campaign, enum nv_metric metric, enum nv_verdict verdict,
                    unsigned needed_blocks)
{
    for (unsigned i = 0; i < CELLS; i++) {
        campaign->cells[i].comparison[metric].verdict = verdict;
        campaign->cells[i].comparison[metric].needed_blocks = needed_blocks;
    }
}

/* Nobody is better at anything: the primary metrics are ties. */
static void make(struct campaign *campaign)
{
    for (unsigned i = 0; i < CELLS; i++)
        test_cell_make(&campaign->cells[i]);
    campaign->summary = test_summary_of(campaign->cells, CELLS);
    for (unsigned metric = 0; metric < NV_METRIC_COUNT; metric++)
        set_all(campaign, (enum nv_metric)metric, NV_VERDICT_TIE, 0);
}

static void assert_says(const struct campaign *campaign, const char *expected)
{
    char words[NV_WORDS_BYTES];
    assert_string_equal(nv_words_all(&campaign->summary, words), expected);
}

static void nothing_differs(void **state)
{
    (void)state;
    struct campaign campaign;
    make(&campaign);
    assert_says(&campaign, "All 24 comparisons in 6 cells are ties: no difference that matters. "
                           "Both deliver everything.");
}

static void no_winner_and_what_would_help(void **state)
{
    (void)state;
    struct campaign campaign;
    make(&campaign);
    /* More blocks than a campaign may have do not help. */
    set_all(&campaign, NV_METRIC_RESP_P50, NV_VERDICT_INCONCLUSIVE, NV_BLOCKS_MAX + 1);
    assert_says(&campaign, "No winner in 6 cells: 18 ties, 6 inconclusive. To tell, try longer "
                           "runs (--duration) or a quieter machine. Both deliver everything.");
    set_all(&campaign, NV_METRIC_RESP_P99, NV_VERDICT_INCONCLUSIVE, 20);
    campaign.cells[3].comparison[NV_METRIC_RESP_P99].needed_blocks = 31;
    assert_says(&campaign, "No winner in 6 cells: 12 ties, 12 inconclusive. About 31 blocks "
                           "(--blocks 31) would tell 6 of the inconclusive; for the rest, try "
                           "longer runs (--duration) or a quieter machine. Both deliver "
                           "everything.");
    set_all(&campaign, NV_METRIC_RESP_P50, NV_VERDICT_INCONCLUSIVE, NV_BLOCKS_MAX);
    assert_says(&campaign, "No winner in 6 cells: 12 ties, 12 inconclusive. About 64 blocks would "
                           "tell (--blocks 64). Both deliver everything.");
}

static void few_blocks_claim_nothing(void **state)
{
    (void)state;
    struct campaign campaign;
    make(&campaign);
    for (unsigned metric = 0; metric < NV_METRIC_COUNT; metric++)
        set_all(&campaign, (enum nv_metric)metric, NV_VERDICT_NONE, 0);
    assert_says(&campaign, "Too few blocks to claim anything: 6 or more give intervals "
                           "(--blocks 6). Both deliver everything.");
}

/* Each metric that somebody is better in is told by itself; what is not known is left out. */
static void winners_are_named(void **state)
{
    (void)state;
    struct campaign campaign;
    make(&campaign);
    struct nv_summary_cell *cells = campaign.cells;
    set_all(&campaign, NV_METRIC_RESP_P50, NV_VERDICT_B_WINS, 0);
    cells[0].comparison[NV_METRIC_RESP_P99].verdict = NV_VERDICT_A_WINS;
    cells[1].comparison[NV_METRIC_RESP_P99].verdict = NV_VERDICT_B_SLIGHTLY;
    cells[2].comparison[NV_METRIC_RESP_P99].verdict = NV_VERDICT_INCONCLUSIVE;
    cells[3].comparison[NV_METRIC_RESP_P99].blocks_count = 0;
    cells[4].comparison[NV_METRIC_ONTIME_RATIO].verdict = NV_VERDICT_INCONCLUSIVE;
    cells[5].arm[1].unique_count -= 80;
    assert_says(&campaign, "Response p50: UDP wins in all 6 cells. "
                           "Response p99: UDP slightly better in 1 of 5 cells, TCP wins in 1, tie "
                           "in 2, inconclusive in 1. "
                           "Goodput and on time: 11 ties, 1 inconclusive. "
                           "UDP fails to deliver 80 of 57 600.");
}

static void one_cell_is_told_in_full(void **state)
{
    (void)state;
    struct campaign campaign;
    make(&campaign);
    campaign.summary.cell_count = 1;
    struct nv_comparison *p50 = &campaign.cells[0].comparison[NV_METRIC_RESP_P50];
    assert_says(&campaign, "Both answer equally soon; both deliver everything.");
    /* Sure, but it may be too little to matter: the interval says how much. 1 / 1.10 is 9.1 %
     * less. */
    *p50 = test_comparison(-0.112, -0.287, -0.025, NV_VERDICT_B_SLIGHTLY);
    assert_says(&campaign, "UDP answers sooner, by 2.5 to 28.7 %; both deliver everything.");
    *p50 = test_comparison(0.05, 0.01, 0.10, NV_VERDICT_A_SLIGHTLY);
    assert_says(&campaign, "TCP answers sooner, by 1.0 to 9.1 %; both deliver everything.");
}

/* The report shows what comparisons.csv says, and that is what the table says. */
static void file_has_the_words_of_the_table(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    struct nv_summary summary = test_summary_of(&cell, 1);
    static const struct {
        unsigned needed_blocks;
        const char *end; /* of the line: verdict, needed_blocks, stop_reason, verdict_words */
    } rows[] = {{20, ",inconclusive,20,,inconclusive: about 20 blocks would tell\n"},
                {11042, ",inconclusive,11042,,inconclusive\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        assert_non_null(out);
        cell.comparison[NV_METRIC_RESP_P99].needed_blocks = rows[i].needed_blocks;
        assert_int_equal(nv_csv_print_summary(out, &summary), NV_OK);
        assert_int_equal(fclose(out), 0);
        assert_non_null(strstr(text, rows[i].end));
        assert_non_null(strstr(text, ",tie,,,tie\n"));
        free(text);
    }
}

static void verdicts(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    struct nv_comparison *p50 = &cell.comparison[NV_METRIC_RESP_P50];
    static const struct {
        enum nv_verdict verdict;
        unsigned needed_blocks;
        const char *words;
    } rows[] = {
        {NV_VERDICT_A_WINS, 0, "TCP wins"},
        {NV_VERDICT_B_SLIGHTLY, 0, "UDP slightly better"},
        {NV_VERDICT_TIE, 0, "tie"},
        {NV_VERDICT_INCONCLUSIVE, 64, "inconclusive: about 64 blocks would tell"},
        {NV_VERDICT_INCONCLUSIVE, 65, "inconclusive"},
        {NV_VERDICT_INCONCLUSIVE, 11042, "inconclusive"},
        {NV_VERDICT_INCONCLUSIVE, 0, "inconclusive"},
        {NV_VERDICT_UNDEFINED, 0, "undefined"},
        {NV_VERDICT_NONE, 0, "no interval below 6 blocks"},
    };
    char words[NV_VERDICT_WORDS_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        p50->verdict = rows[i].verdict;
        p50->needed_blocks = rows[i].needed_blocks;
        assert_string_equal(nv_verdict_words(&cell, NV_METRIC_RESP_P50, words), rows[i].words);
    }
    p50->blocks_count = 0;
    assert_string_equal(nv_verdict_words(&cell, NV_METRIC_RESP_P50, words), "not known");
}

/* Of each arm, in how many cells. */
static void factors_are_counted(void **state)
{
    (void)state;
    struct campaign campaign;
    make(&campaign);
    for (unsigned i = 0; i < 3; i++)
        campaign.cells[i].arm[1].evidence = (struct nv_evidence){.run_count = 1,
                                                                 .sched_count = 100,
                                                                 .sent_count = 100,
                                                                 .unique_count = 90,
                                                                 .lost_count = 10,
                                                                 .rcvbuf_count = i < 2 ? 10 : 0,
                                                                 .path_count = i < 2 ? 0 : 10};
    assert_says(&campaign,
                "All 24 comparisons in 6 cells are ties: no difference that matters. "
                "Both deliver everything. Why: UDP: the receiver's socket buffer in 2 of "
                "6 cells, loss on the path in 1 of 6 cells.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_are_counted),
        cmocka_unit_test(nothing_differs),
        cmocka_unit_test(no_winner_and_what_would_help),
        cmocka_unit_test(few_blocks_claim_nothing),
        cmocka_unit_test(winners_are_named),
        cmocka_unit_test(one_cell_is_told_in_full),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(file_has_the_words_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
