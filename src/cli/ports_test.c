/* SPDX-License-Identifier: MIT */
#include "cli/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_rate(struct nv_ports ports, bool loopback, double low, double high)
{
    double rate = nv_ports_rate(&ports, loopback);
    assert_true(rate > low && rate < high);
}

/* 28232 ports, a minute each: 470 a second; reused after a second: all of them. */
static void time_wait_bounds_the_rate(void **state)
{
    (void)state;
    assert_rate((struct nv_ports){28232, 0}, true, 470, 471);
    assert_rate((struct nv_ports){28232, 2}, false, 470, 471);
    assert_rate((struct nv_ports){28232, 2}, true, 28231, 28233);
    assert_rate((struct nv_ports){28232, 1}, false, 28231, 28233);
}

static void the_system_tells(void **state)
{
    (void)state;
    struct nv_ports ports = nv_ports_read();
    assert_in_range(ports.count, 1, 65535);
    assert_in_range(ports.reuse, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_wait_bounds_the_rate),
        cmocka_unit_test(the_system_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
