/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "output/topics.h"

#define DELAYS_EMPTY "Empty where the two ends' clocks differ (one-way times of two hosts)"

/* Times of messages. */
const struct nv_topic nv_topics_times[] = {
    {
        .name = "response",
        .title = "response time",
        .text = "From the moment a message was due, by the schedule, until its receiver had it "
                "whole; in rr, until the sender had the whole answer. A sender that is late does "
                "not hide its own delay, and a message that never arrived took for ever.",
        .empty = DELAYS_EMPTY ", or where the sample is too small for the percentile.",
        .source = "RFC 7679 section 5 (percentiles over all, the lost at infinity); the intended "
                  "time as of wrk2",
        .example = "A message is due at 10.0 ms, is sent at 12.5 ms and arrives at 13.0 ms. Its "
                   "response time is 13.0 - 10.0 = 3.0 ms. Counted from the send it would be 13.0 "
                   "- 12.5 = 0.5 ms, as if nobody had waited.",
        .columns = "resp_*",
    },
    {
        .name = "service",
        .title = "service time",
        .text = "From the actual send of a message to its arrival; in rr, to that of the answer. "
                "Response time less service time is how late the send was.",
        .empty = DELAYS_EMPTY ", or where the sample is too small for the percentile.",
        .source = "RFC 7679 (one-way) and RFC 2681 (there and back), by the application's clock",
        .example = "Due at 10.0 ms, sent at 12.5 ms, there at 13.0 ms: service time 13.0 - 12.5 = "
                   "0.5 ms, lag of the send 12.5 - 10.0 = 2.5 ms, response time 0.5 + 2.5 = 3.0 "
                   "ms.",
        .columns = "serv_*",
    },
    {
        .name = "percentile",
        .title = "percentiles and their histograms",
        .text = "The p-quantile of n values is that of rank p * n, rounded up (nearest rank), read "
                "at the upper edge of its histogram bucket: at most 1/256 too high. Over all "
                "scheduled messages, those that never arrived rank last, at infinity (inf). One is "
                "printed only where ten values lie above it and an upper bound exists.",
        .empty = "Value, bucket and interval are empty where the sample does not support them; "
                 "everything else is never empty.",
        .source = "RFC 2330 section 11.3; RFC 7679 section 5.1; intervals: Le Boudec, Performance "
                  "Evaluation (2010), section 2.2",
        .example =
            "Of 10 scheduled messages 8 arrive, after 1, 2, 3, 4, 5, 6, 7 and 8 ms. The median "
            "has rank ceil(0.5 * 10) = 5, which is 5 ms; p90 has rank ceil(0.9 * 10) = 9, a "
            "message that never arrived: inf. Of the delivered alone p90 has rank ceil(0.9 * 8) = "
            "8, which is 8 ms and hides the loss. A sample that small is not printed: p90 takes 10 "
            "/ (1 - 0.9) = 100 messages, p99 takes 10 / (1 - 0.99) = 1000.",
        .columns = "quantiles.csv:* hist.csv:metric hist.csv:lo_ns hist.csv:hi_ns hist.csv:count",
    },
    {
        .name = "on-time",
        .title = "on-time ratio",
        .text = "Messages that arrived within the deadline after they were due, out of all that "
                "were scheduled. What is late and what is lost weigh the same, so that TCP's "
                "waiting and UDP's loss stand on one axis.",
        .empty = DELAYS_EMPTY ".",
        .source = "RFC 7679 section 5.4 (inverse percentile), over all that were scheduled",
        .example = "Of 10 messages 7 arrive within 50 ms, 1 after 80 ms, 1 is lost and 1 was "
                   "refused by the sender's kernel: 7 / 10 = 0.7 are on time, and (1 + 1 + 1) / 10 "
                   "= 0.3 are not.",
        .columns = "ontime_ratio deadlines.csv:*",
    },
    {
        .name = "ipdv",
        .title = "delay variation of neighbours (IPDV)",
        .text = "The delay of a message less that of the one sent just before it; here its size, "
                "without the sign. Not defined where either was lost. A constant difference of the "
                "clocks cancels.",
        .empty = "Empty where the sample is too small for the percentile.",
        .source = "RFC 3393 section 2",
        .example = "Messages take 20, 23 and 21 ms, the fourth is lost, the fifth takes 22 ms. The "
                   "differences are 23 - 20 = 3 and 21 - 23 = -2 ms, their sizes 3 and 2; the next "
                   "two pairs have none.",
        .columns = "ipdv_*",
    },
    {
        .name = "pdv",
        .title = "delay variation against the smallest delay (PDV)",
        .text = "The delay of a message less the smallest of the run: what a play-out buffer would "
                "have to hold. It depends less on the schedule than IPDV.",
        .empty = DELAYS_EMPTY ", or where the sample is too small for the percentile.",
        .source = "RFC 5481 section 4.2",
        .example = "Messages take 20, 23, 21 and 22 ms: PDV is 20 - 20 = 0, 23 - 20 = 3, 21 - 20 = "
                   "1 and 22 - 20 = 2 ms.",
        .columns = "pdv_*",
    },
    {
        .name = "jitter",
        .title = "interarrival jitter",
        .text = "In order of arrival, D is by how much two messages came closer together or "
                "farther apart than they were sent, and J moves by a sixteenth of the way to |D|. "
                "A memory of some 16 messages, not a statistic of the run: for comparison with "
                "iperf3 and RTP tools.",
        .empty = "Empty over several flows and before the second message.",
        .source = "RFC 3550 section 6.4.1 and appendix A.8",
        .example = "Sent at 0, 20 and 40 ms, there at 5, 28 and 44 ms. First D is (28 - 5) - (20 - "
                   "0) = 3 ms and J is (3 - 0) / 16 = 0.1875 ms; then D is (44 - 28) - (40 - 20) = "
                   "-4 ms and J is 0.1875 + (4 - 0.1875) / 16 = 0.4258 ms.",
        .columns = "rfc3550_*",
    },
    {
        .name = "head-of-line",
        .title = "head-of-line blocking",
        .text =
            "A byte stream is delivered in order, so that complete messages wait behind a hole "
            "until it is filled. Counted is a message that came within 50 us of one before it "
            "that was late; its wait is its delay less the smallest delay of the run. By the "
            "application's own stamps: an upper bound, which includes queueing. By the kernel's "
            "(diag): when the last byte of all before it had come, less when its own had; a "
            "lower bound. Of datagrams: what they would wait, were they handed over in order.",
        .empty = "Empty where the two clocks differ.",
        .source = "our estimator; RFC 9293 section 2.2 (TCP delivers in order)",
        .example = "The smallest delay is 20 ms. Messages sent at 10, 20 and 30 ms all arrive at "
                   "70 ms, since the first was lost and sent again. The second waited 70 - 20 - 20 "
                   "= 30 ms and the third 70 - 30 - 20 = 20 ms behind it: 2 blocked, in 1 episode, "
                   "30 + 20 = 50 ms in all.",
        .columns = "hol_*",
    },
    {
        .name = "parts",
        .title = "parts of a message's delay",
        .text =
            "With diag the kernel stamps each message where the sender's kernel hands it on and "
            "where the receiver's takes it in. Between one stamp and the next lies one part: in "
            "the sender (call, buffer, window), in its device's queue, on the path, behind a "
            "message that is missing, and until it is read. Together they are its service "
            "time, exactly.",
        .empty = "Empty without diag, and of messages that the kernel gave no stamp.",
        .source =
            "SO_TIMESTAMPING (Documentation/networking/timestamping.rst): TX_SCHED, TX_SOFTWARE, "
            "TX_ACK, RX_SOFTWARE",
        .example = "20 us in the sender, 2 us in the queue, 20100 us on the path, 41100 us behind "
                   "another and 100 us until it was read: 20 + 2 + 20100 + 41100 + 100 = 61322 us, "
                   "its service time.",
        .columns =
            "stamped_count parts_wrong_count stamps_* clock_step_ns t_acc_ns t_sch_ns t_txk_ns "
            "t_rxk_ns t_rdy_ns t_ack_ns part parts.csv:n parts.csv:mean_ns parts.csv:p50_ns "
            "parts.csv:p99_ns parts.csv:max_ns",
    },
    {
        .name = "sched-lag",
        .title = "lag of sends by our own fault",
        .text = "How late a message was sent although the transport would have taken it since it "
                "was due: timers and a busy processor. It says how far the instrument can be "
                "trusted, and blocks where it is large are run again.",
        .empty = "Empty where nothing was sent, or too little for the percentile.",
        .source = "our pacer (absolute deadlines)",
        .example = "Due at 10.00 ms, sent at 10.08 ms, and the socket took it at once: 10.08 - "
                   "10.00 = 0.08 ms, more than 0.05 ms, so it is one of late_sends_count.",
        .columns = "sched_lag_* late_sends_count",
    },
    {
        .name = "block-lag",
        .title = "lag of sends by the transport",
        .text = "How late a message was sent because the transport would not take it, or one "
                "before it: the send buffer was full. That is a result, back-pressure, and part of "
                "the response time.",
        .empty = "Empty where nothing was sent, or too little for the percentile.",
        .source = "our pacer; the kernel says EAGAIN, then writable",
        .example = "Due at 20 ms, but the send buffer was full until 35 ms: 35 - 20 = 15 ms, and "
                   "sched_lag of that message is 0.",
        .columns = "block_lag_* tx_blocked_ns tx_eagain_calls",
    },
    {
        .name = "connect",
        .title = "connection set-up",
        .text = "TCP: from connect() until the connection stands, one round trip. UDP has no "
                "connection: from a hello of ours to its answer, which a server asks for before it "
                "sends to anyone.",
        .empty = "Empty over several flows.",
        .source = "RFC 9293 section 3.5 (three-way handshake)",
        .example = "At 20 ms each way connect() takes 2 * 20 = 40 ms, and the answer to a first "
                   "request on a new connection is there after 2 * 20 + 2 * 20 = 80 ms.",
        .columns = "connect_*",
    },
    {
        .name = "clock",
        .title = "the clocks of both ends",
        .text = "Ends on one host read one clock, and every delay is known. Between hosts a "
                "difference of clocks cannot be told from delay: one-way times are left empty, and "
                "rr, which takes both stamps on one side, has all of its times.",
        .empty = "clock_mode is never empty; negative_count is where clocks differ.",
        .source = "clock_gettime(CLOCK_MONOTONIC); RFC 7679 section 3.7.1",
        .example =
            "One clock is 5 ms ahead, and a message takes 20 ms: one way it seems to take 20 + "
            "5 = 25 ms, the other way 20 - 5 = 15 ms. There and back it is 25 + 15 = 40 ms, "
            "which is right.",
        .columns = "clock_mode negative_count",
    },
    {.name = NULL},
};
