/* SPDX-License-Identifier: MIT */
#include "output/evidence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "output/test_run.h"

/* The run of test_run.h, added twice. */
static void a_run_is_summed(void **state)
{
    (void)state;
    struct nv_run_result run;
    struct nv_evidence evidence = {.run_count = 0};
    test_run_make(&run);
    run.rows[0].receiver.cpu_ns = NV_NS_PER_S / 10;
    run.rows[0].receiver.idle_ns = NV_NS_PER_S / 4;
    run.spec.flows = 1;
    run.path.known = true;
    run.path.way[NV_WAY_UP].drop_count[NV_DROP_LOSS] = 10;
    run.path.way[NV_WAY_DOWN].drop_count[NV_DROP_LOSS] = 7; /* carries no messages */
    run.path.way[NV_WAY_UP].delay_p50_ns = 3 * NV_NS_PER_MS;
    for (unsigned i = 0; i < 2; i++)
        nv_evidence_add(&evidence, &run, &run.rows[0]);
    assert_int_equal(evidence.run_count, 2);
    assert_int_equal(evidence.sched_count, 2000);
    assert_int_equal(evidence.eagain_count, 20);
    assert_int_equal(evidence.lost_count, 20);
    assert_int_equal(evidence.path_count, 20);
    assert_int_equal(evidence.run_max_msgs, 2); /* one in a row, twice */
    assert_int_equal(evidence.reordered_count, 20);
    assert_int_equal(evidence.drop_count[NV_DROP_LOSS], 20);
    /* 10 of 980 took 58.5 ms longer than 1 ms; packets took 2 ms longer than the quickest. */
    assert_true(fabs(evidence.wait_ns - 2 * 10 * 58.5e6) < 1);
    assert_true(fabs(evidence.floor_ns - 2e6) < 1);
    assert_true(fabs(evidence.queued_ns - 2 * 980 * 2e6) < 1);
    assert_true(fabs(evidence.busy_share - 1.5) < 1e-9);
    assert_true(fabs(evidence.working_share - 0.2) < 1e-9);
    run.rows[0].receiver.idle_ns = NV_UNKNOWN; /* then its work is all that is known */
    nv_evidence_add(&evidence, &run, &run.rows[0]);
    assert_true(fabs(evidence.busy_share - 1.6) < 1e-9);
    run.rows[0].receiver.spun = 1;
    nv_evidence_add(&evidence, &run, &run.rows[0]);
    assert_int_equal(evidence.busy_known, 3);
    /* Three intervals without an arrival while 100 messages each were due. */
    assert_true(evidence.gap_ns <= 0);
    struct nv_rx_intervals *intervals = &run.rows[0].rx->intervals;
    intervals->rx_bytes[3] = intervals->rx_bytes[4] = 0;
    nv_evidence_add(&evidence, &run, &run.rows[0]);
    assert_true(evidence.gap_ns <= 0);
    intervals->rx_bytes[5] = 0;
    nv_evidence_add(&evidence, &run, &run.rows[0]);
    assert_true(fabs(evidence.gap_ns - 300e6) < 1);
    assert_true(fabs(evidence.gap_wait_ns - 300 * 150e6) < 1);
    test_run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_summed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
