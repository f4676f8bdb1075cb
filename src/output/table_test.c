/* SPDX-License-Identifier: MIT */
#include "output/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/test_summary.h"

/* Made-up campaigns, and what they must look like to the letter. */

static char *printed(const struct nv_summary *summary, bool colour)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    nv_table_print(out, summary, colour);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_printed(const struct nv_summary *summary, const char *expected)
{
    char *text = printed(summary, false);
    if (strcmp(text, expected) != 0)
        fail_msg("printed:\n%s", text);
    free(text);
}

static void no_line_is_wider_than_100(const char *text)
{
    unsigned width = 0;
    for (; *text; text++) {
        width = *text == '\n' ? 0 : width + (((unsigned char)*text & 0xc0) != 0x80);
        assert_true(width <= 100);
    }
}

static void two_arms(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    struct nv_summary summary = test_summary_of(&cell, 1);
    assert_printed(
        &summary,
        "quick · loopback · 6 blocks, TCP and UDP in turn · Linux 6.18 · 2 cores · cc bbr · seed "
        "42      0:48\n"
        "\n"
        "rr · 64 B · 2000/s · poll     TCP          UDP     UDP against TCP, 95 % interval\n"
        "  response p50            61.3 us      57.9 us    -5.6 %  [-6.9, -4.1]    UDP wins\n"
        "  response p99            88.0 us      84.1 us    -4.4 %  [-11.0, +2.3]   inconclusive "
        "(~20 blocks)\n"
        "  on time within 50 ms   100.00 %     100.00 %   0.00 pp  [0.00, 0.00]    tie\n"
        "  lost                 0 of 9 600   0 of 9 600                            (at most 0.031 "
        "%)\n"
        "  reordered            0 of 9 600   0 of 9 600\n"
        "  goodput             8.00 Mbit/s  8.00 Mbit/s     0.0 %  [-0.1, +0.1]    tie\n"
        "\n"
        "(~N blocks): about so many blocks would tell (--blocks N)\n"
        "In words: UDP answers 5.6 % sooner; both deliver everything.\n"
        "Results in results/2026-11-23T1332Z-quick\n"
        "charts: netversus plot latest   report: netversus report latest\n");
}

static void losses_and_rejections(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    cell.arm[0].not_sent_count = 120;
    cell.arm[0].unique_count = 9480;
    cell.arm[1].lost_count = 480;
    cell.arm[1].unique_count = 9120;
    cell.arm[1].reordered_count = 12;
    cell.arm[1].median[NV_METRIC_RESP_P99] = INFINITY;
    cell.arm[1].median[NV_METRIC_ONTIME_RATIO] = 0.95;
    cell.arm[0].median[NV_METRIC_ONTIME_RATIO] = 0.99999;
    cell.rejected_count = 2;
    cell.comparison[NV_METRIC_RESP_P99] =
        test_comparison(INFINITY, INFINITY, INFINITY, NV_VERDICT_A_WINS);
    cell.comparison[NV_METRIC_ONTIME_RATIO] =
        test_comparison(-0.05, -0.06, -0.04, NV_VERDICT_A_WINS);
    cell.comparison[NV_METRIC_LOSS_RATIO] =
        test_comparison(0.05, 0.04, 0.06, NV_VERDICT_A_SLIGHTLY);
    struct nv_summary summary = test_summary_of(&cell, 1);
    assert_printed(
        &summary,
        "quick · loopback · 6 blocks, TCP and UDP in turn · Linux 6.18 · 2 cores · cc bbr · seed "
        "42      0:48\n"
        "\n"
        "rr · 64 B · 2000/s · poll     TCP          UDP     UDP against TCP, 95 % interval\n"
        "  response p50            61.3 us      57.9 us    -5.6 %  [-6.9, -4.1]    UDP wins\n"
        "  response p99            88.0 us        never    +inf    [+inf, +inf]    TCP wins\n"
        "  on time within 50 ms   99.999 %      95.00 %  -5.00 pp  [-6.00, -4.00]  TCP wins\n"
        "  not sent           120 of 9 600   0 of 9 600\n"
        "  lost                 0 of 9 480 480 of 9 600  +5.00 pp  [+4.00, +6.00]  TCP slightly "
        "better\n"
        "  reordered            0 of 9 480  12 of 9 120\n"
        "  goodput             8.00 Mbit/s  8.00 Mbit/s     0.0 %  [-0.1, +0.1]    tie\n"
        "  2 blocks were rejected: this machine was too busy to measure; take the rest with care\n"
        "\n"
        "In words: UDP answers 5.6 % sooner; only TCP delivers 99 of 100 messages; within 50 ms "
        "TCP delivers\n"
        "5.00 points more; TCP fails to deliver 120 of 9 600; UDP fails to deliver 480 of 9 600.\n"
        "Results in results/2026-11-23T1332Z-quick\n"
        "charts: netversus plot latest   report: netversus report latest\n");
}

static void too_few_blocks(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    cell.blocks_count = 3;
    for (unsigned i = 0; i < NV_METRIC_COUNT; i++) {
        cell.comparison[i].blocks_count = 3;
        cell.comparison[i].has_interval = false;
        cell.comparison[i].verdict = NV_VERDICT_NONE;
        cell.comparison[i].needed_blocks = 0;
    }
    struct nv_summary summary = test_summary_of(&cell, 1);
    summary.blocks = 3;
    assert_printed(
        &summary,
        "quick · loopback · 3 blocks, TCP and UDP in turn · Linux 6.18 · 2 cores · cc bbr · seed "
        "42      0:48\n"
        "\n"
        "rr · 64 B · 2000/s · poll     TCP          UDP     UDP against TCP, 95 % interval\n"
        "  response p50            61.3 us      57.9 us    -5.6 %  no interval below 6 blocks\n"
        "  response p99            88.0 us      84.1 us    -4.4 %  no interval below 6 blocks\n"
        "  on time within 50 ms   100.00 %     100.00 %   0.00 pp  no interval below 6 blocks\n"
        "  lost                 0 of 9 600   0 of 9 600                            (at most 0.031 "
        "%)\n"
        "  reordered            0 of 9 600   0 of 9 600\n"
        "  goodput             8.00 Mbit/s  8.00 Mbit/s     0.0 %  no interval below 6 blocks\n"
        "\n"
        "In words: Too few blocks to claim anything about response times; both deliver "
        "everything.\n"
        "Results in results/2026-11-23T1332Z-quick\n"
        "charts: netversus plot latest   report: netversus report latest\n");
}

static void one_arm(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    cell.arm_count = 1;
    cell.arm[0].median[NV_METRIC_RESP_P50] = NAN;
    cell.arm[0].median[NV_METRIC_RESP_P99] = NAN;
    struct nv_summary summary = test_summary_of(&cell, 1);
    summary.directory = NULL;
    assert_printed(&summary,
                   "quick · loopback · 6 blocks · Linux 6.18 · 2 cores · cc bbr · seed 42          "
                   "                 0:48\n"
                   "\n"
                   "rr · 64 B · 2000/s · poll     TCP\n"
                   "  on time within 50 ms   100.00 %\n"
                   "  lost                 0 of 9 600  (at most 0.031 %)\n"
                   "  reordered            0 of 9 600\n"
                   "  goodput             8.00 Mbit/s\n"
                   "  response times: not known here (too few messages, or the two clocks differ)\n"
                   "\n"
                   "In words: Everything arrives.\n");
}

/* Times mean nothing there, and are not said to be missing. */
static void a_search_has_a_line(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    for (unsigned i = 0; i < 2; i++) {
        struct nv_summary_arm *arm = &cell.arm[i];
        arm->median[NV_METRIC_RESP_P50] = arm->median[NV_METRIC_RESP_P99] =
            arm->median[NV_METRIC_ONTIME_RATIO] = NAN;
    }
    test_tcp_spec.rate.kind = test_udp_spec.rate.kind = NV_RATE_SEARCH;
    cell.arm[1].capacity = (struct nv_capacity){.end = NV_SEARCH_FOUND, .msgs_per_s = 287e3};
    cell.arm_count = 2;
    struct nv_summary summary = test_summary_of(&cell, 1);
    summary.directory = NULL;
    char *text = printed(&summary, false);
    assert_non_null(strstr(text, "  capacity at 0.1 % loss   UDP 287 k msg/s (147 Mbit/s)   TCP "
                                 "goodput 8.00 Mbit/s\n  lost "));
    assert_null(strstr(text, "response"));
    assert_non_null(strstr(text, "\nNote: UDP has no congestion control"));
    no_line_is_wider_than_100(text);
    free(text);
}

/* What is wider than the table goes on, on the next line. */
static void long_titles_are_broken(void **state)
{
    (void)state;
    struct nv_summary_cell cells[2];
    test_cell_make(&cells[0]);
    test_cell_make(&cells[1]);
    struct nv_spec other = test_tcp_spec;
    assert_int_equal(
        nv_sizes_parse(&other.sizes, "100001+200002+300003+400004+500005+600006", NULL), NV_OK);
    other.flows = 4;
    other.nodelay = false;
    other.rcvbuf_bytes = 1u << 22;
    cells[1].arm[0].spec = &other;
    struct nv_summary summary = test_summary_of(cells, 2);
    char *text = printed(&summary, false);
    no_line_is_wider_than_100(text);
    assert_non_null(strstr(
        text, "\n"
              "rr · 100001 B + 200002 B + 300003 B + 400004 B + 500005 B + 600006 B · 2000/s · "
              "poll · flows 4\n"
              "nodelay no · rcvbuf 4 MiB"));
    free(text);
}

static void a_p99_that_is_not_known_is_accounted_for(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    cell.arm[0].median[NV_METRIC_RESP_P99] = NAN;
    cell.arm[1].median[NV_METRIC_RESP_P99] = NAN;
    cell.comparison[NV_METRIC_RESP_P99] = (struct nv_comparison){.effect = NAN};
    struct nv_summary summary = test_summary_of(&cell, 1);
    char *text = printed(&summary, false);
    assert_non_null(
        strstr(text, "\n  response p99       not known: it takes 1000 messages a run\n"));
    free(text);
}

/* Without the escape codes it is the same text. */
static void colour_adds_only_codes(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    test_cell_make(&cell);
    struct nv_summary summary = test_summary_of(&cell, 1);
    char *plain = printed(&summary, false);
    char *colour = printed(&summary, true);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(colour, "\033[33mUDP wins\033[0m"));
    char *to = colour;
    for (const char *from = colour; *from; from++) {
        if (*from == '\033')
            from = strchr(from, 'm');
        else
            *to++ = *from;
    }
    *to = '\0';
    assert_string_equal(colour, plain);
    no_line_is_wider_than_100(plain);
    free(plain);
    free(colour);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_arms),
        cmocka_unit_test(losses_and_rejections),
        cmocka_unit_test(too_few_blocks),
        cmocka_unit_test(one_arm),
        cmocka_unit_test(a_search_has_a_line),
        cmocka_unit_test(long_titles_are_broken),
        cmocka_unit_test(a_p99_that_is_not_known_is_accounted_for),
        cmocka_unit_test(colour_adds_only_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
