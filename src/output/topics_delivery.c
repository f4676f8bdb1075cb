/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "output/topics.h"

/* What became of messages. */
const struct nv_topic nv_topics_delivery[] = {
    {
        .name = "loss",
        .title = "lost messages",
        .text = "Sent, and not there by the end of the drain. What the sender's own kernel refused "
                "was never sent, and is counted apart. None lost of n is no proof of 0: the 95 % "
                "upper bound is then 3 / n.",
        .empty = "Ratio and interval are empty where nothing was sent, the interval also where "
                 "losses cluster; lost_rcvbuf_count and lost_path_count where the kernel counts "
                 "joined messages as one, and in crr over TCP or of one of its flows.",
        .source = "RFC 7680 section 2; Wilson, JASA 22 (1927); drops at the socket: SO_MEMINFO, "
                  "SK_MEMINFO_DROPS",
        .example = "Of 96 sent 94 arrive: 96 - 94 = 2 are lost, 2 / 96 = 0.0208. With z = 1.96 the "
                   "interval is centred on (2 + 1.96 * 1.96 / 2) / (96 + 1.96 * 1.96) = 0.0393, "
                   "and half of it is 1.96 / (96 + 1.96 * 1.96) * sqrt(2 * 94 / 96 + 1.96 * 1.96 / "
                   "4) = 0.0335, so that it goes from 0.0393 - 0.0335 = 0.0058 to 0.0393 + 0.0335 "
                   "= 0.0728. None lost of 3000: at most 3 / 3000 = 0.001.",
        .columns = "runs.csv:lost_* loss_ratio loss_ci_* late_count",
    },
    {
        .name = "loss-pattern",
        .title = "the pattern of losses",
        .text = "Whether messages go missing one by one or in runs. The Gilbert-Elliott model has "
                "a good and a bad state: p leads from good to bad, r back, and h is what the bad "
                "state still delivers.",
        .empty = "Empty where none is missing; the model below 200 missing, or where it does not "
                 "fit.",
        .source = "RFC 3357; Hasslinger and Hohlfeld, MMB 2008",
        .example = "Delivered is +, missing is -: ++--+-++ has runs of 2 and of 1, on average (2 + "
                   "1) / 2 = 1.5. With p = 0.01 and r = 0.25, and h = 0, a bad spell is 1 / 0.25 = "
                   "4 messages long and 0.01 / (0.01 + 0.25) = 0.0385 of all are lost.",
        .columns = "loss_burst_* gilbert_*",
    },
    {
        .name = "ledger",
        .title = "the ledger",
        .text = "Every scheduled message ends in exactly one place: scheduled = sent + refused + "
                "unsent, and sent = arrived + lost. Copies, damaged and stray arrivals are counted "
                "beside. A run whose ledger does not balance fails.",
        .empty = "Never empty.",
        .source = "our counters; what send() said: EAGAIN, ENOBUFS (asked for by IP_RECVERR), "
                  "EMSGSIZE",
        .example = "Of 100 scheduled, 96 were sent, 3 dropped because the send buffer was full, 1 "
                   "was never tried: 96 + 3 + 1 = 100. Of those sent 94 arrived, one of them "
                   "twice: 94 + 2 = 96, with 2 lost, and 1 copy counted beside.",
        .columns = "runs.csv:sched_count runs.csv:sent_count unsent_count drop_* err_* "
                   "runs.csv:rx_unique_count rx_dup_count rx_corrupt_count rx_stray_count",
    },
    {
        .name = "reordering",
        .title = "reordered messages",
        .text =
            "A message is reordered when one with a later number arrived before it. The extent "
            "is how many arrivals ago the first of those came. What arrives late is not lost, "
            "and a gap in the numbers is not reordering. TCP restores the order, and pays for it "
            "in response time.",
        .empty = "The ratio is empty where nothing arrived, the extents where none is known; "
                 "counts never are.",
        .source = "RFC 4737 sections 3.3 (reordered), 4.1 (ratio) and 4.2 (extent)",
        .example = "Arrivals 1 2 3 5 6 7 8 4 9 10: one, 4, is reordered: 1 / 10 = 0.1. It is the "
                   "8th to arrive, and 5, the first that overtook it, was the 4th: extent 8 - 4 = "
                   "4.",
        .columns = "reordered_* extent_*",
    },
    {
        .name = "n-reordering",
        .title = "n-reordering",
        .text = "A message is n-reordered when the n arrivals just before it all have later "
                "numbers. Three of them make TCP take a packet for lost (its threshold of "
                "duplicate acknowledgements); Linux, once it has seen reordering, goes by time "
                "instead (RACK).",
        .empty = "Empty where nothing arrived.",
        .source = "RFC 4737 section 5.3; RFC 5681 section 3.2 (the threshold); RFC 8985 (RACK)",
        .example = "Arrivals 1 2 3 7 8 9 10 4 5 6 11: three are reordered, 3 / 11 = 0.273, but "
                   "only 4 has later ones just before it, four of them; before 5 came 4, and "
                   "before 6 came 5. So 1 / 11 = 0.0909 is 3-reordered.",
        .columns = "nreorder3_ratio",
    },
    {
        .name = "late-offset",
        .title = "late offset of reordered messages",
        .text = "How long after the first arrival that overtook it a reordered message came: what "
                "a buffer that puts them in order again would have to wait.",
        .empty = "Empty where none is known, or too few for the percentile.",
        .source = "RFC 4737 section 4.3",
        .example = "Message 5 arrives at 105 ms and message 4 at 112 ms: 112 - 105 = 7 ms.",
        .columns = "late_offset_*",
    },
    {
        .name = "goodput",
        .title = "goodput",
        .text = "What the receiver got, each message once, over its own window, as long as the "
                "measured phase. Sent is what the sender's kernel took, offered is what the "
                "schedule asked for; neither is goodput.",
        .empty = "Empty where no window could be set, as nothing arrived.",
        .source = "RFC 2647 section 3.17 (goodput), of messages",
        .example = "1000 messages of 125 B are due in 2 s; 980 arrive, 5 of them twice. Offered: 8 "
                   "* 125 * 1000 / 2 = 500000 bit/s. Goodput: 8 * 125 * 980 / 2 = 490000 bit/s, "
                   "and 980 / 2 = 490 messages a second; copies do not count.",
        .columns = "runs.csv:goodput_* msg_rate_per_s runs.csv:offered_bps sent_bps",
    },
    {
        .name = "intervals",
        .title = "the course of a run",
        .text = "The measured phase in equal intervals, to see what an average hides. Messages "
                "belong to the interval in which they were due, bytes and response times to that "
                "of their arrival.",
        .empty = "Counts are never empty; response times are where too few arrived, over several "
                 "flows, and where clocks differ.",
        .source = "our counters",
        .example = "5000 bytes arrived in an interval of 0.1 s: 8 * 5000 / 0.1 = 400000 bit/s.",
        .columns = "intervals.csv:*",
    },
    {
        .name = "patterns",
        .title = "distributions of small numbers",
        .text = "How often each value occurred: how many messages were missing in a row, how far a "
                "reordered one fell behind, how many messages one receive call brought.",
        .empty = "Never empty.",
        .source = "RFC 3357 (loss_run, loss_distance); RFC 4737 (reorder_extent, n_reorder); our "
                  "counters",
        .example = "loss_run with value 2, count 3, and value 1, count 4: 3 * 2 + 4 * 1 = 10 "
                   "messages are missing, in 3 + 4 = 7 runs.",
        .columns = "patterns.csv:*",
    },
    {
        .name = "messages",
        .title = "single messages",
        .text = "One row an arrival, and one for each message that never came, so that every other "
                "figure can be computed again.",
        .empty = "Of a message that is missing all but its number and status is empty.",
        .source = "our stamps, clock_gettime(CLOCK_MONOTONIC)",
        .example = "t_int_ns 10000000, t_snd_ns 12500000, t_rcv_ns 13000000: response time "
                   "13000000 - 10000000 = 3000000 ns.",
        .columns = "messages.csv:*",
    },
    {
        .name = "boundaries",
        .title = "message boundaries",
        .text = "A datagram is a message; TCP is a stream of bytes, in which one receive call may "
                "bring half a message or many. Calls are counted on both sides.",
        .empty = "Never empty.",
        .source = "recvmsg(2) and sendmsg(2); RFC 9293 section 2.2 (a stream of bytes)",
        .example = "Three messages of 100 B come in 2 calls of 3 * 100 / 2 = 150 B. The first call "
                   "finishes one message; the second finishes the one that was split (1 of "
                   "split_msgs_count) and another: it is 1 of coalesced_recvs_count.",
        .columns = "rx_*_calls tx_*_calls tx_partial_writes split_msgs_count coalesced_recvs_count",
    },
    {
        .name = "fragments",
        .title = "fragments",
        .text =
            "A UDP message that is longer than the route's largest packet is cut by IP, and is "
            "lost when any of its fragments is. TCP cuts its stream itself and sends again only "
            "what is missing.",
        .empty = "Empty for TCP and where the route's largest packet is not known.",
        .source = "RFC 791 section 3.2; getsockopt(IP_MTU)",
        .example =
            "2000 B over a route of 1500 B: a fragment carries 8 * floor((1500 - 20) / 8) = "
            "1480 B, and ceil((2000 + 8) / 1480) = 2 are needed. At 1 % packet loss 1 - 0.99 "
            "* 0.99 = 0.0199 of the messages are lost.",
        .columns = "mtu_bytes ip_fragments_per_msg",
    },
    {.name = NULL},
};
