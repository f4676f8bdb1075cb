/* SPDX-License-Identifier: MIT */
#include "measure/kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_counter_has_a_row(void **state)
{
    (void)state;
    size_t offset = 0;
    for (const struct nv_counter_row *row = nv_tcp_rows; row->name; row++) {
        assert_int_equal(row->offset, offset);
        offset += row->count * sizeof(uint64_t);
    }
    assert_int_equal(offset, sizeof(struct nv_tcp_counters));
}

static void differences_leave_the_latest_alone(void **state)
{
    (void)state;
    struct nv_tcp_counters before = {
        .retrans_segs = 2, .sndbuf_limited_us = 30, .min_rtt_us = 50, .mss_bytes = 500, .known = 1};
    struct nv_tcp_counters now = {.retrans_segs = 7,
                                  .bytes_sent = 100,
                                  .sndbuf_limited_us = 31,
                                  .min_rtt_us = 40,
                                  .mss_bytes = 1448,
                                  .known = 1};
    struct nv_tcp_counters since = nv_kernel_tcp_since(&now, &before);
    assert_int_equal(since.retrans_segs, 5);
    assert_int_equal(since.bytes_sent, 100);
    assert_int_equal(since.sndbuf_limited_us, 1);
    assert_int_equal(since.min_rtt_us, 40);
    assert_int_equal(since.mss_bytes, 1448);
    assert_int_equal(since.known, 1);
    before.known = 0;
    assert_int_equal(nv_kernel_tcp_since(&now, &before).known, 0);
}

/* Flow by flow onto an empty sum: counters add, the rest is that of the last flow. */
static void flows_add_up(void **state)
{
    (void)state;
    struct nv_tcp_counters sum = {0};
    const struct nv_tcp_counters flows[] = {
        {.retrans_segs = 1, .rcv_ooo_pkts = 10, .rtt_us = 300, .mss_bytes = 536, .known = 1},
        {.retrans_segs = 2, .rcv_ooo_pkts = 20, .rtt_us = 200, .mss_bytes = 1448, .known = 1},
    };
    nv_kernel_tcp_add(&sum, &flows[0]);
    nv_kernel_tcp_add(&sum, &flows[1]);
    assert_int_equal(sum.retrans_segs, 3);
    assert_int_equal(sum.rcv_ooo_pkts, 30);
    assert_int_equal(sum.rtt_us, 200);
    assert_int_equal(sum.mss_bytes, 1448);
    assert_int_equal(sum.known, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_has_a_row),
        cmocka_unit_test(differences_leave_the_latest_alone),
        cmocka_unit_test(flows_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
