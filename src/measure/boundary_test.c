/* SPDX-License-Identifier: MIT */
#include "measure/boundary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A byte stream of 100-byte messages read as 250, 10 and 240 bytes: the first call finishes two and
 * begins a third, which the last one finishes together with two more. */
static void stream_of_bytes(void **state)
{
    (void)state;
    struct nv_boundary boundary = {0};
    nv_boundary_messages(&boundary, 1, 1);
    nv_boundary_messages(&boundary, 1, 1);
    nv_boundary_recv(&boundary, 250, 2);
    nv_boundary_recv(&boundary, 10, 0);
    nv_boundary_messages(&boundary, 3, 1);
    nv_boundary_messages(&boundary, 1, 1);
    nv_boundary_messages(&boundary, 1, 1);
    nv_boundary_recv(&boundary, 240, 3);
    assert_int_equal(boundary.recv_calls, 3);
    assert_int_equal(boundary.recv_bytes, 500);
    assert_int_equal(boundary.msgs_count, 5);
    assert_int_equal(boundary.split_msgs_count, 1);
    assert_int_equal(boundary.coalesced_recvs_count, 2);
    assert_int_equal(boundary.recvs_per_msg[1], 4);
    assert_int_equal(boundary.recvs_per_msg[3], 1);
    assert_int_equal(boundary.msgs_per_recv[0], 1);
    assert_int_equal(boundary.msgs_per_recv[2], 1);
    assert_int_equal(boundary.msgs_per_recv[3], 1);
}

static void many_messages_share_a_slot(void **state)
{
    (void)state;
    struct nv_boundary boundary = {0};
    nv_boundary_recv(&boundary, 6400, 64);
    nv_boundary_recv(&boundary, 6500, 65);
    nv_boundary_recv(&boundary, 65000, 650);
    assert_int_equal(boundary.msgs_per_recv[64], 1);
    assert_int_equal(boundary.msgs_per_recv[65], 2);
}

/* Calls of 3, of 1 and of 2 datagrams, handed on one by one; the first call's first came too early
 * to be counted. */
static void parts_of_a_call_are_one_call(void **state)
{
    (void)state;
    struct nv_boundary boundary = {0};
    nv_boundary_recv_more(&boundary, 100, 0, 1);
    nv_boundary_recv_more(&boundary, 100, 1, 1);
    nv_boundary_recv(&boundary, 50, 1);
    nv_boundary_recv(&boundary, 70, 0);
    nv_boundary_recv_more(&boundary, 80, 0, 1);
    nv_boundary_recv_more(&boundary, 90, 1, 1);
    assert_int_equal(boundary.recv_calls, 3);
    assert_int_equal(boundary.recv_bytes, 490);
    assert_int_equal(boundary.coalesced_recvs_count, 2);
    assert_int_equal(boundary.msgs_per_recv[0], 0);
    assert_int_equal(boundary.msgs_per_recv[1], 1);
    assert_int_equal(boundary.msgs_per_recv[2], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_of_bytes),
        cmocka_unit_test(many_messages_share_a_slot),
        cmocka_unit_test(parts_of_a_call_are_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
