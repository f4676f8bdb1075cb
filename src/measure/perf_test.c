/* SPDX-License-Identifier: MIT */
#include "measure/perf.h"

#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "measure/counter.h"

static uint64_t work(unsigned rounds)
{
    volatile uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++)
        sum += i;
    return sum;
}

/* Task clock and page faults, which the kernel counts itself, stand for what not every machine has.
 * A container may forbid even those; then nothing is known. */
static void events_are_of_this_thread(void **state)
{
    static const uint64_t configs[NV_PERF_EVENTS] = {PERF_COUNT_SW_TASK_CLOCK,
                                                     PERF_COUNT_SW_PAGE_FAULTS};
    struct nv_perf perf;
    uint64_t before[NV_PERF_EVENTS];
    uint64_t after[NV_PERF_EVENTS];
    (void)state;
    nv_perf_open_events(&perf, PERF_TYPE_SOFTWARE, configs);
    uint64_t cpu_ns = nv_clock_thread_cpu_ns();
    nv_perf_read(&perf, before);
    (void)work(10000000);
    nv_perf_read(&perf, after);
    cpu_ns = nv_clock_thread_cpu_ns() - cpu_ns;
    if (perf.fds[0] < 0) {
        assert_true(before[0] == NV_UNKNOWN && after[0] == NV_UNKNOWN);
    } else {
        /* Where others want the processor the two clocks differ a little. */
        assert_true(after[0] - before[0] <= cpu_ns + cpu_ns / 4);
        assert_true(after[0] - before[0] >= cpu_ns / 2);
    }
    nv_perf_close(&perf);
    nv_perf_read(&perf, after);
    assert_true(after[0] == NV_UNKNOWN && after[1] == NV_UNKNOWN);
}

/* What there is grows, and more than one instruction is done for each addition. */
static void the_processor_counts_if_it_can(void **state)
{
    struct nv_perf perf;
    uint64_t before[NV_PERF_EVENTS];
    uint64_t after[NV_PERF_EVENTS];
    (void)state;
    nv_perf_open(&perf);
    nv_perf_read(&perf, before);
    (void)work(1000000);
    nv_perf_read(&perf, after);
    for (unsigned i = 0; i < NV_PERF_EVENTS; i++)
        assert_true(perf.fds[i] < 0 ? after[i] == NV_UNKNOWN : after[i] >= before[i] + 1000000);
    nv_perf_close(&perf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_of_this_thread),
        cmocka_unit_test(the_processor_counts_if_it_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
