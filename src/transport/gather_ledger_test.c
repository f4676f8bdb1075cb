/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/syscall.h>

#include "transport/pair_test.h"

/* Whole runs of engine batch over a sendmsg that lies about how many segments it sent: the ledger
 * shows each of them. */

#define SEGMENT_BYTES 64u
#define WRONG_SEGMENTS 2u

static struct {
    enum { SENDS_FEWER, SENDS_MORE } lie; /* than it says */
    atomic_uint calls, wrong_segments;
} trap;

/* In place of the C library's: every third segmented call is wrong. Segments lie in one vector. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr copy = *message;
    struct iovec part = message->msg_iov[0];
    bool wrong = message->msg_control && part.iov_len >= 4 * SEGMENT_BYTES &&
                 atomic_fetch_add(&trap.calls, 1) % 3 == 2;
    if (wrong && trap.lie == SENDS_FEWER) {
        part.iov_len -= WRONG_SEGMENTS * SEGMENT_BYTES;
        copy.msg_iov = &part;
    }
    ssize_t n = syscall(SYS_sendmsg, fd, &copy, flags);
    if (!wrong || n < 0)
        return n;
    atomic_fetch_add(&trap.wrong_segments, WRONG_SEGMENTS);
    ssize_t bytes = WRONG_SEGMENTS * SEGMENT_BYTES;
    return trap.lie == SENDS_FEWER ? n + bytes : n - bytes;
}

static void run(struct nv_pair *pair)
{
    const struct nv_driver *driver = nv_driver_find("udp", "batch", NULL);
    *pair = (struct nv_pair){.spec = nv_pair_spec(driver, "stream")};
    pair->spec.warmup_ns = pair->spec.cooldown_ns = 0;
    pair->spec.rate.milli_per_s = 20000 * 1000;
    pair->spec.arrival = NV_ARRIVAL_BURST;
    pair->spec.burst_msgs = 50;
    nv_pair_open(pair, driver);
    nv_pair_run(pair);
    assert_true(trap.wrong_segments > 0);
}

static void segments_that_did_not_go_are_lost(void **state)
{
    struct nv_pair pair;
    unsigned count;
    (void)state;
    trap.lie = SENDS_FEWER;
    trap.calls = trap.wrong_segments = 0;
    run(&pair);
    const struct nv_tx *tx = nv_endpoint_reports(pair.client, &count)->tx;
    const struct nv_rx *rx = nv_endpoint_reports(pair.server, &count)->rx;
    assert_int_equal(tx->sent_count, tx->sched_count);
    assert_int_equal(rx->losses.missing_count, trap.wrong_segments);
    assert_int_equal(rx->unique_count, tx->sent_count - trap.wrong_segments);
    assert_int_equal(rx->dup_count, 0);
    nv_pair_close(&pair);
}

static void segments_that_went_twice_are_duplicates(void **state)
{
    struct nv_pair pair;
    unsigned count;
    (void)state;
    trap.lie = SENDS_MORE;
    trap.calls = trap.wrong_segments = 0;
    run(&pair);
    const struct nv_tx *tx = nv_endpoint_reports(pair.client, &count)->tx;
    const struct nv_rx *rx = nv_endpoint_reports(pair.server, &count)->rx;
    assert_int_equal(rx->unique_count, tx->sent_count);
    assert_int_equal(rx->losses.missing_count, 0);
    assert_int_equal(rx->dup_count, trap.wrong_segments);
    nv_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_that_did_not_go_are_lost),
        cmocka_unit_test(segments_that_went_twice_are_duplicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
