/* SPDX-License-Identifier: MIT */
#include "cli/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void ports_are_reused_as_the_system_says(void **state)
{
    (void)state;
    for (unsigned reuse = 0; reuse < 3; reuse++) {
        struct nv_ports ports = {.count = 28232, .reuse = reuse};
        assert_int_equal(nv_ports_are_reused(&ports, true), reuse > 0);
        assert_int_equal(nv_ports_are_reused(&ports, false), reuse == 1);
    }
}

/* A minute each: of ten minutes' connections a tenth, of a short run's all. */
static void time_wait_holds_the_latest(void **state)
{
    (void)state;
    assert_int_equal((int)nv_ports_held(3000, 30), 3000);
    assert_int_equal((int)nv_ports_held(3000, 600), 300);
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
        cmocka_unit_test(ports_are_reused_as_the_system_says),
        cmocka_unit_test(time_wait_holds_the_latest),
        cmocka_unit_test(the_system_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
