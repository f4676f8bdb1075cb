/* SPDX-License-Identifier: MIT */
#include "cli/gates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define US NV_NS_PER_US

/* A run of one row, whose messages are asked for 1000 times a second and take service_ns. */
struct fixture {
    struct nv_run_result run;
    struct nv_result_row row;
    struct nv_tx tx;
    struct nv_rx rx;
};

static struct fixture *new_fixture(uint64_t service_ns)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    nv_options_reset(nv_spec_options, &f->run.spec);
    assert_int_equal(nv_parse_rate("1000/s", &f->run.spec.rate), 0);
    nv_hist_init(&f->tx.sched_lag);
    nv_hist_init(&f->rx.serv);
    nv_hist_add(&f->rx.serv, service_ns);
    f->row = (struct nv_result_row){.flow = NV_FLOW_ALL, .tx = &f->tx, .rx = &f->rx};
    f->run.rows = &f->row;
    f->run.row_count = 1;
    f->run.valid = true;
    return f;
}

static const char *flags_of(struct fixture *f, uint64_t overshoot_ns)
{
    static char flags[NV_FLAGS_BYTES];
    nv_gates_apply(&f->run, overshoot_ns);
    assert_int_equal(f->run.valid, f->run.flags[0] == '\0');
    memcpy(flags, f->run.flags, sizeof flags);
    free(f);
    return flags;
}

static struct fixture *lagging(uint64_t service_ns, unsigned count, unsigned late, uint64_t late_ns)
{
    struct fixture *f = new_fixture(service_ns);
    for (unsigned i = 0; i < count; i++)
        nv_hist_add(&f->tx.sched_lag, i < late ? late_ns : 1 * US);
    return f;
}

/* How late a sender is at a rate that may be too high is what the run is about. */
static void late_sends_of_a_search_are_no_noise(void **state)
{
    (void)state;
    struct fixture *f = lagging(1000 * US, 1000, 500, 900 * US);
    f->run.searched = true;
    assert_string_equal(flags_of(f, 1 * US), "");
}

/* 5 % of a gap of 1 ms are 50 us. Of 1000, 17 late ones are surely more than 1 %, of 50 not two. */
static void late_sends_need_evidence(void **state)
{
    (void)state;
    assert_string_equal(flags_of(lagging(10 * US, 1000, 25, 80 * US), 1 * US), "sched_lag");
    assert_string_equal(flags_of(lagging(10 * US, 1000, 12, 80 * US), 1 * US), "");
    assert_string_equal(flags_of(lagging(10 * US, 50, 2, 80 * US), 1 * US), "");
    assert_string_equal(flags_of(lagging(10 * US, 50, 10, 80 * US), 1 * US), "sched_lag");
}

/* Of 64 that are due together, 5 us each, the last is 320 us late; a burst that begins 20 ms late,
 * of ten, is not by itself so. */
static void messages_of_a_burst_wait_for_each_other(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        struct fixture *f = new_fixture(10 * US);
        f->run.spec.arrival = NV_ARRIVAL_BURST;
        f->run.spec.burst_msgs = 64;
        for (unsigned i = 0; i < 640; i++)
            nv_hist_add(&f->tx.sched_lag, (i % 64 + 1) * 5 * US + late * (i < 64) * 20000 * US);
        assert_string_equal(flags_of(f, 1 * US), late ? "sched_lag" : "");
    }
}

/* The limit grows with the time that messages take, and with what the timer can do. */
static void late_sends_are_held_against_what_matters(void **state)
{
    (void)state;
    assert_string_equal(flags_of(lagging(2000 * US, 1000, 100, 80 * US), 1 * US), "");
    assert_string_equal(flags_of(lagging(2000 * US, 1000, 100, 120 * US), 1 * US), "sched_lag");
    assert_string_equal(flags_of(lagging(10 * US, 1000, 100, 80 * US), 30 * US), "");
}

static struct fixture *late_path(uint64_t delay_ns, uint64_t least_ns)
{
    struct fixture *f = new_fixture(10 * US);
    f->run.path.known = true;
    f->run.path.way[1].delay_p50_ns = delay_ns;
    f->run.path.way[1].late_p99_least_ns = least_ns;
    return f;
}

static void late_packets_are_held_against_the_delay(void **state)
{
    (void)state;
    assert_string_equal(flags_of(late_path(NV_UNKNOWN, 299 * US), 1 * US), "");
    assert_string_equal(flags_of(late_path(NV_UNKNOWN, 301 * US), 1 * US), "path_late");
    assert_string_equal(flags_of(late_path(20000 * US, 999 * US), 1 * US), "");
    assert_string_equal(flags_of(late_path(20000 * US, 1001 * US), 1 * US), "path_late");
}

static void a_path_out_of_room_is_no_path(void **state)
{
    (void)state;
    struct fixture *f = late_path(20000 * US, 0);
    f->run.path.way[0].drop_count[NV_DROP_OVERRUN] = 1;
    assert_string_equal(flags_of(f, 1 * US), "path_overrun");
    f = late_path(20000 * US, 0);
    f->run.path.began_late = true;
    assert_string_equal(flags_of(f, 1 * US), "path_began_late");
}

/* By whose stamps the times of messages were told. */
static void a_wall_clock_that_was_set_is_none(void **state)
{
    (void)state;
    struct fixture *f = new_fixture(10 * US);
    f->row.receiver.stamped.clock_step_ns = 1000;
    assert_string_equal(flags_of(f, 1 * US), "");
    f = new_fixture(10 * US);
    f->row.sender.stamped.clock_step_ns = 1001;
    assert_string_equal(flags_of(f, 1 * US), "clock_step");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_sends_need_evidence),
        cmocka_unit_test(late_sends_of_a_search_are_no_noise),
        cmocka_unit_test(messages_of_a_burst_wait_for_each_other),
        cmocka_unit_test(late_sends_are_held_against_what_matters),
        cmocka_unit_test(late_packets_are_held_against_the_delay),
        cmocka_unit_test(a_path_out_of_room_is_no_path),
        cmocka_unit_test(a_wall_clock_that_was_set_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
