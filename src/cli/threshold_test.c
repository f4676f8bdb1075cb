/* SPDX-License-Identifier: MIT */
#include "cli/threshold.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void conditions_are_read(void **state)
{
    static const struct {
        const char *text, *arm;
        enum nv_metric metric;
        bool above;
        double value;
    } rows[] = {
        {"resp_p99>5ms", "any", NV_METRIC_RESP_P99, true, 5e6},
        {"tcp.resp_p50<250us", "tcp", NV_METRIC_RESP_P50, false, 250e3},
        {"udp.loss_ratio>1%", "udp", NV_METRIC_LOSS_RATIO, true, 0.01},
        {"goodput<1e6", "any", NV_METRIC_GOODPUT, false, 1e6},
        {"ontime_ratio<0.999", "any", NV_METRIC_ONTIME_RATIO, false, 0.999},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_threshold threshold;
        assert_int_equal(nv_threshold_parse(&threshold, rows[i].text, NULL), NV_OK);
        const char *arm = threshold.arm ? threshold.arm->name : "any";
        assert_string_equal(arm, rows[i].arm);
        assert_int_equal(threshold.metric, rows[i].metric);
        assert_int_equal(threshold.above, rows[i].above);
        assert_true(fabs(threshold.value - rows[i].value) < 1e-9 * rows[i].value);
    }
}

static void what_is_none_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "nonsense",
        "goodput",
        "goodput>",
        "goodput=1",
        ">1",
        ".",
        "sctp.goodput>1",
        "tc.goodput>1",
        ".goodput>1",
        "tcp.>1",
        "tcp.goodput>x",
        "udp>1",
        "goodput>nan",
        "loss_ratio<inf",
        "goodput>1 day",
        "tcp.udp.goodput>1",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_threshold threshold;
        struct nv_error err = {0};
        assert_int_equal(nv_threshold_parse(&threshold, rows[i], &err), NV_E_USAGE);
        assert_non_null(strstr(err.message, rows[i]));
    }
}

/* Two cells; what is asked is the median response time of either arm. */
static int check(const char *text, double tcp_ns, double udp_ns, const char *said)
{
    static const struct nv_spec tcp = {.transport = "tcp"};
    static const struct nv_spec udp = {.transport = "udp"};
    struct nv_summary_cell cells[2] = {{.cell_id = "c001", .arm_count = 2},
                                       {.cell_id = "c002", .arm_count = 2}};
    struct nv_summary summary = {.cell_count = 2, .cells = cells};
    struct nv_threshold threshold;
    struct nv_error err = {0};
    for (unsigned i = 0; i < 2; i++) {
        cells[i].arm[0] = (struct nv_summary_arm){.name = "TCP", .spec = &tcp};
        cells[i].arm[1] = (struct nv_summary_arm){.name = "UDP", .spec = &udp};
        cells[i].arm[0].median[NV_METRIC_RESP_P50] = i ? tcp_ns : 100;
        cells[i].arm[1].median[NV_METRIC_RESP_P50] = i ? udp_ns : 100;
    }
    assert_int_equal(nv_threshold_parse(&threshold, text, &err), NV_OK);
    int code = nv_threshold_check(&threshold, &summary, text, &err);
    assert_int_equal(code, err.code);
    assert_non_null(strstr(err.message, said));
    return code;
}

static void a_condition_holds_of_any_cell_or_of_none(void **state)
{
    (void)state;
    assert_int_equal(check("resp_p50>200", 200, 200, ""), NV_OK);
    assert_int_equal(check("resp_p50>200", 200, 201, "c002 of UDP is 201"), NV_E_THRESHOLD);
    assert_int_equal(check("resp_p50<100", 99, 200, "c002 of TCP is 99"), NV_E_THRESHOLD);
    assert_int_equal(check("tcp.resp_p50>200", 200, 300, ""), NV_OK);
    assert_int_equal(check("udp.resp_p50>200", 300, 200, ""), NV_OK);
    /* Half of the messages were lost. */
    assert_int_equal(check("resp_p50>1s", 200, (double)INFINITY, "UDP is inf"), NV_E_THRESHOLD);
}

/* Too few messages for a percentile: whoever asked for a gate must not take that for a pass. */
static void what_is_not_known_is_not_passed(void **state)
{
    (void)state;
    assert_int_equal(check("resp_p50>200", 100, (double)NAN, "no resp_p50 of c002 UDP"),
                     NV_E_THRESHOLD);
    assert_int_equal(check("udp.resp_p50<1", (double)NAN, 100, ""), NV_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_read),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(a_condition_holds_of_any_cell_or_of_none),
        cmocka_unit_test(what_is_not_known_is_not_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
