/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void failures_say_one_line(void **state)
{
    (void)state;
    struct nv_error err = {0};
    assert_int_equal(nv_fail(&err, NV_E_USAGE, "size: '%s'", "x"), NV_E_USAGE);
    assert_int_equal(err.code, NV_E_USAGE);
    assert_string_equal(err.message, "size: 'x'");
    assert_int_equal(nv_fail_errno(&err, NV_E_PEER, ECONNREFUSED, "connect %d", 7), NV_E_PEER);
    assert_string_equal(err.message, "connect 7: Connection refused");
    assert_int_equal(nv_fail_within(&err, "run %d", 3), NV_E_PEER);
    assert_string_equal(err.message, "run 3: connect 7: Connection refused");
    assert_int_equal(err.code, NV_E_PEER);
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(nv_fail(NULL, NV_E_FAILED, "x"), NV_E_FAILED);
    assert_int_equal(nv_fail_errno(NULL, NV_E_PEER, EIO, "x"), NV_E_PEER);
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    struct nv_error err = {0};
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)nv_fail_errno(&err, NV_E_FAILED, EIO, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    (void)nv_fail_within(&err, "within %s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void exit_statuses_are_those_of_the_manual(void **state)
{
    static const struct {
        int code, status;
    } rows[] = {{NV_OK, 0},          {NV_E_FAILED, 1},        {NV_E_USAGE, 2}, {NV_E_PEER, 3},
                {NV_E_THRESHOLD, 4}, {NV_E_INTERRUPTED, 130}, {-99, 1}};
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(nv_error_exit_status(rows[i].code), rows[i].status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_say_one_line),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(exit_statuses_are_those_of_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
