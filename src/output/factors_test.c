/* SPDX-License-Identifier: MIT */
#include "output/factors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/test_summary.h"

/* Made-up numbers on both sides of each rule's boundary. Both arms: one run of 1 s, 1000 messages
 * that all arrive, the quickest after 10 ms, and wait nothing. TCP's round trip takes 20 ms. */

static void make(struct nv_summary_cell *cell)
{
    test_cell_make(cell);
    cell->direction = NV_ROW_UP;
    for (unsigned arm = 0; arm < 2; arm++)
        cell->arm[arm].evidence = (struct nv_evidence){
            .run_count = 1,
            .sched_count = 1000,
            .sent_count = 1000,
            .unique_count = 1000,
            .has_delays = true,
            .floor_ns = 10e6,
            .measure_ns = NV_NS_PER_S,
            .mtu_bytes = 1500,
            .sndbuf_bytes = 212992,
            .rcvbuf_bytes = 212992,
            .busy_known = 1,
        };
    cell->arm[0].evidence.tcp = (struct nv_tcp_counters){.known = 1,
                                                         .min_rtt_us = 20000,
                                                         .mss_bytes = 1448,
                                                         .data_segs_out = 1000,
                                                         .busy_us = 1000000};
}

static struct nv_evidence *tcp_of(struct nv_summary_cell *cell)
{
    return &cell->arm[0].evidence;
}

static struct nv_evidence *udp_of(struct nv_summary_cell *cell)
{
    return &cell->arm[1].evidence;
}

static void lose(struct nv_evidence *evidence, uint64_t rcvbuf_count, uint64_t path_count)
{
    evidence->rcvbuf_count = rcvbuf_count;
    evidence->path_count = path_count;
    evidence->lost_count = rcvbuf_count + path_count;
    evidence->unique_count = evidence->sent_count - evidence->lost_count;
}

/* A message waits so long on the average. */
static void delay(struct nv_evidence *evidence, double wait_ns)
{
    evidence->wait_ns = wait_ns * (double)evidence->unique_count;
}

/* share < 0: whatever it is. name NULL: none. */
static void assert_factor(const struct nv_summary_cell *cell, unsigned arm, const char *name,
                          double share)
{
    struct nv_finding finding = nv_find_factor(cell, arm);
    const char *found = finding.factor ? finding.factor->name : NULL;
    if ((name == NULL) != (found == NULL) || (name && strcmp(name, found) != 0))
        fail_msg("%s, not %s", found ? found : "none", name ? name : "none");
    if (name && share >= 0)
        assert_true(fabs(finding.share - share) < 1e-9);
}

#define TCP(name, share) assert_factor(&cell, 0, name, share)
#define UDP(name, share) assert_factor(&cell, 1, name, share)

static void nothing_is_clean(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    char why[2][NV_FACTOR_WORDS_BYTES];
    assert_true(nv_find_factor(&cell, 0).clean);
    assert_int_equal(nv_why(&cell, why), 1);
    assert_string_equal(why[0], "nothing stands out");
    /* One message in a thousand is worth a word; on time, 99 of 100 are enough. */
    lose(udp_of(&cell), 0, 1);
    assert_false(nv_find_factor(&cell, 1).clean);
    make(&cell);
    cell.arm[1].median[NV_METRIC_ONTIME_RATIO] = 0.989;
    UDP(NULL, -1);
    assert_int_equal(nv_why(&cell, why), 0);
    /* No run, no word. */
    cell.arm[0].evidence = cell.arm[1].evidence = (struct nv_evidence){.run_count = 0};
    assert_int_equal(nv_why(&cell, why), 0);
}

static void the_place_of_most_of_the_missing(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    lose(udp_of(&cell), 50, 50); /* in two places equally: the first in the list */
    UDP("receive_buffer", 0.5);
    lose(udp_of(&cell), 49, 51);
    UDP("path_loss", 0.51);
    udp_of(&cell)->eagain_count = 101;
    UDP("send_buffer", 101.0 / 201);
    udp_of(&cell)->eagain_count = 0;
    udp_of(&cell)->too_long_count = 101;
    UDP("too_long", 101.0 / 201);
    udp_of(&cell)->too_long_count = 50; /* three places, none with half */
    UDP(NULL, -1);
}

static void a_busy_receiver_is_no_small_buffer(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    char evidence[NV_FACTOR_WORDS_BYTES];
    make(&cell);
    lose(udp_of(&cell), 100, 0);
    udp_of(&cell)->busy_share = 0.949;
    UDP("receive_buffer", 1);
    udp_of(&cell)->busy_share = 0.96;
    udp_of(&cell)->working_share = 0.5;
    UDP("cpu_receiver", 1);
    struct nv_finding finding = nv_find_factor(&cell, 1);
    assert_string_equal(nv_finding_evidence(&cell, 1, &finding, evidence),
                        "100 % at a receiver 96 % busy (46 % without a processor)");
    udp_of(&cell)->busy_known = 0; /* it spun: nobody knows */
    UDP("receive_buffer", 1);
}

static void a_buffer_is_raised_where_its_limit_is(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    lose(udp_of(&cell), 100, 0);
    char why[2][NV_FACTOR_WORDS_BYTES];
    assert_int_equal(nv_why(&cell, why), 1);
    assert_string_equal(
        why[0], "UDP loses 10 %: 100 % at the receiver's socket, granted 208 KiB; raise --rcvbuf");
    test_udp_spec.rcvbuf_bytes = 106496; /* doubled: all of it */
    struct nv_finding finding = nv_find_factor(&cell, 1);
    assert_string_equal(nv_finding_advice(&cell, 1, &finding), "raise --rcvbuf");
    test_udp_spec.rcvbuf_bytes = 106497;
    assert_string_equal(nv_finding_advice(&cell, 1, &finding), "raise net.core.rmem_max");
}

static void damage_is_not_the_buffers_fault(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    lose(udp_of(&cell), 100, 0);
    udp_of(&cell)->emulated = true;
    udp_of(&cell)->corrupt_count = 49;
    UDP("receive_buffer", 0.51);
    udp_of(&cell)->corrupt_count = 51;
    UDP("corruption", 0.51);
}

static void the_emulated_path_tells_its_causes(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    struct nv_evidence *udp = udp_of(&cell);
    lose(udp, 0, 100);
    udp->emulated = true;
    udp->came_count = 1000;
    udp->drop_count[NV_DROP_LOSS] = 51;
    udp->drop_count[NV_DROP_QUEUE] = 49;
    UDP("path_loss", 0.51);
    udp->drop_count[NV_DROP_QUEUE] = 53;
    UDP("queue", 53.0 / 104);
    udp->drop_count[NV_DROP_OUTAGE] = 105;
    UDP("outage", 105.0 / 209);
    make(&cell);
    udp->enobufs_count = 10;
    UDP("queue", 1);
}

static void a_long_run_is_an_outage(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    lose(udp_of(&cell), 0, 40);
    udp_of(&cell)->run_max_msgs = 19;
    UDP("path_loss", 1);
    udp_of(&cell)->run_max_msgs = 20;
    UDP("outage", 0.5);
    lose(udp_of(&cell), 0, 41); /* less than half of them in a row */
    UDP("path_loss", 1);
    lose(udp_of(&cell), 40, 0); /* a buffer may overflow for long */
    UDP("receive_buffer", 1);
}

static void several_packets_multiply_loss(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    lose(udp_of(&cell), 0, 100);
    assert_int_equal(nv_sizes_parse(&test_udp_spec.sizes, "1472", NULL), NV_OK);
    UDP("path_loss", 1);
    assert_int_equal(nv_sizes_parse(&test_udp_spec.sizes, "1473", NULL), NV_OK);
    UDP("fragmentation", 1);
    char evidence[NV_FACTOR_WORDS_BYTES];
    struct nv_finding finding = nv_find_factor(&cell, 1);
    /* Of messages 10 %: 1 - sqrt(0.9) of packets. */
    assert_string_equal(nv_finding_evidence(&cell, 1, &finding, evidence),
                        "100 % on the path, 2 packets a message: 1-(1-5.1 %)^2 = 10 %");
    cell.direction = NV_ROW_RTT; /* there and back, in one packet each, is not more than it takes */
    assert_int_equal(nv_sizes_parse(&test_udp_spec.sizes, "1472", NULL), NV_OK);
    UDP("path_loss", 1);
    /* What no send buffer ever holds: 14 packets of 1500 + 768 bytes against twice the grant. */
    assert_int_equal(nv_sizes_parse(&test_udp_spec.sizes, "20000", NULL), NV_OK);
    cell.direction = NV_ROW_UP;
    lose(udp_of(&cell), 0, 0);
    udp_of(&cell)->enobufs_count = 100;
    udp_of(&cell)->sndbuf_bytes = 14 * (1500 + 768) / 2;
    UDP("queue", 1);
    udp_of(&cell)->sndbuf_bytes--;
    UDP("send_buffer", 1);
}

static void waits_must_be_worth_a_word(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    tcp_of(&cell)->tcp.retrans_segs = 10;
    delay(tcp_of(&cell), 199e3); /* 2 % of 10 ms, and 200 us */
    tcp_of(&cell)->behind_ns = tcp_of(&cell)->wait_ns;
    TCP(NULL, -1);
    delay(tcp_of(&cell), 201e3);
    tcp_of(&cell)->behind_ns = 0.5 * tcp_of(&cell)->wait_ns;
    TCP("path_loss", 0.5);
    tcp_of(&cell)->behind_ns = 0.49 * tcp_of(&cell)->wait_ns;
    TCP(NULL, -1);
    tcp_of(&cell)->behind_ns = tcp_of(&cell)->wait_ns;
    tcp_of(&cell)->tcp.dsack_dups = 10; /* none was needed */
    TCP(NULL, -1);
}

static void overtaken_packets_are_not_lost(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    struct nv_evidence *tcp = tcp_of(&cell);
    delay(tcp, 5e6);
    tcp->behind_ns = tcp->wait_ns;
    TCP(NULL, -1);
    tcp->peer_tcp.rcv_ooo_pkts = 50;
    TCP("reordering", 1);
    tcp->tcp.retrans_segs = 10;
    tcp->tcp.dsack_dups = 4; /* 6 of 10 were needed */
    TCP("path_loss", 1);
    tcp->emulated = true; /* which lost nothing */
    TCP("reordering", 1);
    udp_of(&cell)->reordered_count = 0;
    UDP(NULL, -1);
    udp_of(&cell)->reordered_count = 1;
    UDP("reordering", 1);
    lose(udp_of(&cell), 1, 0);
    UDP("receive_buffer", 1);
}

static void held_back_data(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    struct nv_evidence *tcp = tcp_of(&cell);
    delay(tcp, 10e6);
    tcp->tcp.data_segs_out = 799;
    TCP(NULL, -1); /* TCP_NODELAY is on */
    test_tcp_spec.nodelay = false;
    TCP("nagle", 1);
    tcp->tcp.data_segs_out = 801;
    TCP(NULL, -1);
    tcp->tcp.data_segs_out = 200;
    delay(udp_of(&cell), 4e6); /* over UDP, where nothing is held back, this much is waited, too */
    TCP("nagle", 0.6);
    tcp->tcp.min_rtt_us = 4999; /* longer than two round trips */
    TCP("delayed_ack", 0.6);
    tcp->tcp.min_rtt_us = 5000;
    TCP("nagle", 0.6);
    tcp->tcp.min_rtt_us = 100;
    delay(udp_of(&cell), 0);
    delay(tcp, 7.9e6);
    TCP("nagle", 1);
}

static void a_cold_connection(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    struct nv_evidence *tcp = tcp_of(&cell);
    delay(tcp, 2e6);
    tcp->early_ns = 0.5 * tcp->wait_ns;
    test_tcp_spec.warmup_ns = 200 * NV_NS_PER_MS; /* ten round trips */
    TCP(NULL, -1);
    test_tcp_spec.warmup_ns--;
    TCP("slow_start", 0.5);
    tcp->early_ns = 0.49 * tcp->wait_ns;
    TCP(NULL, -1);
    tcp->early_ns = tcp->wait_ns;
    test_tcp_spec.rate = (struct nv_rate){NV_RATE_MESSAGES, 500000}; /* 10 in a round trip */
    TCP(NULL, -1);
    test_tcp_spec.rate.milli_per_s++;
    TCP("slow_start", 1);
}

static void buffers_that_hold_tcp_up(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    struct nv_evidence *tcp = tcp_of(&cell);
    delay(tcp, 5e6);
    tcp->block_ns = tcp->wait_ns;
    tcp->tcp.rwnd_limited_us = 490000;
    TCP(NULL, -1);
    tcp->tcp.rwnd_limited_us = 500000;
    TCP("receive_buffer", 0.5);
    tcp->busy_share = 0.95;
    TCP("cpu_receiver", 0.95);
    tcp->busy_share = 0;
    tcp->tcp.rwnd_limited_us = 0;
    /* 30 % of what was granted, in 20 ms */
    tcp->sndbuf_bytes = 8000;
    tcp->goodput_bytes = 120000;
    TCP(NULL, -1); /* the system's own size grows */
    test_tcp_spec.sndbuf_bytes = 4000;
    TCP("send_buffer", 1);
    tcp->goodput_bytes--;
    TCP(NULL, -1);
}

static void a_silence_is_an_outage(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    struct nv_evidence *tcp = tcp_of(&cell);
    delay(tcp, 100e6);
    tcp->behind_ns = 0.8 * tcp->wait_ns;
    tcp->tcp.retrans_segs = 10;
    tcp->gap_ns = NV_GAP_NS;
    tcp->gap_wait_ns = 0.24 * tcp->wait_ns;
    TCP("path_loss", 0.8);
    tcp->gap_wait_ns = 0.25 * tcp->wait_ns;
    TCP("outage", 0.8);
}

static void a_queue_delays_and_drops(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    struct nv_evidence *tcp = tcp_of(&cell);
    tcp->emulated = udp_of(&cell)->emulated = true;
    delay(tcp, 100e6);
    delay(udp_of(&cell), 100e6);
    tcp->behind_ns = tcp->wait_ns;
    tcp->drop_count[NV_DROP_QUEUE] = 1;
    TCP("queue", 1);
    udp_of(&cell)->queued_ns = 0.5 * udp_of(&cell)->wait_ns;
    udp_of(&cell)->queue_max_bytes = 639; /* less than ten messages: jitter */
    UDP(NULL, -1);
    udp_of(&cell)->queue_max_bytes = 640;
    UDP("queue", 0.5);
}

static void at_rate_max_time_is_what_tcp_was_held_up(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    make(&cell);
    struct nv_evidence *tcp = tcp_of(&cell);
    test_tcp_spec.rate.kind = NV_RATE_MAX;
    delay(tcp, 100e6);
    tcp->behind_ns = tcp->wait_ns;
    TCP(NULL, -1);
    assert_true(nv_find_factor(&cell, 0).clean);
    tcp->tcp.retrans_segs = 10;
    tcp->tcp.rwnd_limited_us = 400000;
    TCP("path_loss", 0.6);
    tcp->tcp.rwnd_limited_us = 600000;
    TCP("receive_buffer", 0.6);
    tcp->busy_share = 1;
    TCP("cpu_receiver", 1);
}

/* What the verdict favours is not told to be slow; what it lost is told all the same. */
static void verdicts_are_not_contradicted(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    char why[2][NV_FACTOR_WORDS_BYTES];
    make(&cell);
    delay(tcp_of(&cell), 5e6);
    tcp_of(&cell)->behind_ns = tcp_of(&cell)->wait_ns;
    tcp_of(&cell)->tcp.retrans_segs = 10;
    lose(udp_of(&cell), 0, 100);
    assert_int_equal(nv_why(&cell, why), 2);
    assert_string_equal(why[0], "TCP waits 5.00 ms a message: 100 % behind lost packets, 1.0 % of "
                                "segments sent again; add redundancy, or mend the path");
    assert_string_equal(why[1], "UDP loses 10 %: 100 % on the path; add redundancy, or mend the "
                                "path");
    cell.comparison[NV_METRIC_RESP_P50].verdict = NV_VERDICT_A_WINS;
    assert_int_equal(nv_why(&cell, why), 1);
    assert_int_equal(strncmp(why[0], "UDP", 3), 0);
    cell.comparison[NV_METRIC_RESP_P99].verdict = NV_VERDICT_B_SLIGHTLY; /* one each */
    assert_int_equal(nv_why(&cell, why), 2);
}

/* Of crr the places of losses are known, and what a connection counts is not. */
static void a_socket_each_tells_of_losses_alone(void **state)
{
    (void)state;
    struct nv_summary_cell cell;
    char why[2][NV_FACTOR_WORDS_BYTES];
    make(&cell);
    for (unsigned arm = 0; arm < 2; arm++)
        cell.arm[arm].calls[0][NV_CALL_SOCKET].count = 1000;
    tcp_of(&cell)->tcp = (struct nv_tcp_counters){0};
    delay(tcp_of(&cell), 50e6);
    tcp_of(&cell)->block_ns = tcp_of(&cell)->wait_ns;
    assert_factor(&cell, 0, NULL, -1);
    assert_int_equal(nv_why(&cell, why), 0);
    lose(udp_of(&cell), 100, 0);
    assert_factor(&cell, 1, "receive_buffer", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_clean),
        cmocka_unit_test(the_place_of_most_of_the_missing),
        cmocka_unit_test(a_busy_receiver_is_no_small_buffer),
        cmocka_unit_test(a_buffer_is_raised_where_its_limit_is),
        cmocka_unit_test(damage_is_not_the_buffers_fault),
        cmocka_unit_test(the_emulated_path_tells_its_causes),
        cmocka_unit_test(a_long_run_is_an_outage),
        cmocka_unit_test(several_packets_multiply_loss),
        cmocka_unit_test(waits_must_be_worth_a_word),
        cmocka_unit_test(overtaken_packets_are_not_lost),
        cmocka_unit_test(held_back_data),
        cmocka_unit_test(a_cold_connection),
        cmocka_unit_test(buffers_that_hold_tcp_up),
        cmocka_unit_test(a_silence_is_an_outage),
        cmocka_unit_test(a_queue_delays_and_drops),
        cmocka_unit_test(at_rate_max_time_is_what_tcp_was_held_up),
        cmocka_unit_test(verdicts_are_not_contradicted),
        cmocka_unit_test(a_socket_each_tells_of_losses_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
