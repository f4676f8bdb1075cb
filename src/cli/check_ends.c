/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/check_math.h"
#include "cli/check_run.h"
#include "cli/runner.h"
#include "measure/quantile.h"
#include "wire/framer.h"

/* METHOD 13: the ends against themselves, on loopback. */

/* ---- 13.6: nothing is left out while a process stands still ---- */

#define FREEZE_NS (200 * NV_NS_PER_MS)
#define FROZEN_RATE 1000.0
#define LATE_NS (20 * NV_NS_PER_MS)

static void freeze(struct nv_check_context *check)
{
    check->freeze.after_ns = 500 * NV_NS_PER_MS;
    check->freeze.for_ns = nv_check_is_broken(check) ? 0 : FREEZE_NS;
    check->freeze.stopped_ns = check->freeze.going_ns = 0;
}

/* How long it really was; of what was asked for when there was none. */
static double frozen_ns(const struct nv_check_context *check)
{
    const struct nv_check_freeze *freeze = &check->freeze;
    return freeze->going_ns ? (double)(freeze->going_ns - freeze->stopped_ns) : (double)FREEZE_NS;
}

/* What became of the messages that were due while a process stood still. */
struct due {
    double longest_ns; /* response: from the intended time */
    unsigned late, late_since_send;
};

/* With no freeze, those of the time when it should have been. */
static struct due due_in_freeze(const struct nv_check_context *check,
                                const struct nv_result_row *row)
{
    const struct nv_check_freeze *freeze = &check->freeze;
    uint64_t from_ns = freeze->going_ns ? freeze->stopped_ns - freeze->t0_ns : freeze->after_ns;
    uint64_t to_ns = from_ns + (uint64_t)frozen_ns(check);
    struct due due = {0};
    for (uint64_t i = 0; row->rx->trace && i < row->rx->trace_count; i++) {
        const struct nv_trace_row *trace = &row->rx->trace[i];
        if (trace->t_int_ns < from_ns || trace->t_int_ns >= to_ns)
            continue;
        double response_ns = (double)(trace->t_rcv_ns - trace->t_int_ns);
        due.longest_ns = fmax(due.longest_ns, response_ns);
        due.late += response_ns > (double)LATE_NS;
        due.late_since_send += trace->t_rcv_ns - trace->t_snd_ns > LATE_NS;
    }
    return due;
}

/* Response times above which half of those that were due in the freeze lie, all others below: 200
 * ms in 10 s make it the p99. */
static double middle_ns(const struct nv_result_row *row, const struct nv_spec *spec, double for_ns)
{
    double p = 1 - for_ns / 2 / (double)spec->duration_ns;
    return (double)nv_quantile_all(&row->rx->resp, row->tx->sched_count, p, 1).value_ns;
}

/* The longest response is as long as the freeze, the one in the middle half as long, and all are
 * late but those of its end: a line that falls, and no gap. */
static int measure_frozen(struct nv_check_context *check, const void *what,
                          struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    const char *direction = what;
    bool receiver = strcmp(direction, "up") == 0;
    const char *who = receiver ? "receiver" : "sender";
    struct nv_run_result run;
    freeze(check);
    if (nv_check_run(check, &run, "direction=%s rate=1k/s duration=%s", direction,
                     check->quick ? "1s" : "10s") == NV_OK) {
        const struct nv_result_row *row =
            nv_run_result_all(&run, receiver ? NV_ROW_UP : NV_ROW_DOWN);
        struct due due = due_in_freeze(check, row);
        double for_ns = frozen_ns(check);
        double late = FROZEN_RATE * (for_ns - (double)LATE_NS) / 1e9;
        lines[0] = (struct nv_check_line){
            .observed = due.longest_ns, .expected = for_ns, .tolerance = 10e6, .unit = "ns"};
        lines[1] = (struct nv_check_line){.observed = middle_ns(row, &run.spec, for_ns),
                                          .expected = for_ns / 2,
                                          .tolerance = 10e6,
                                          .unit = "ns"};
        lines[2] = (struct nv_check_line){
            .observed = due.late, .expected = late, .tolerance = 10, .unit = "messages"};
        /* The time since the send knows of a receiver that stands still, and nothing of a sender
         * that does. */
        lines[3] = (struct nv_check_line){.observed = due.late_since_send,
                                          .expected = receiver ? late : 0,
                                          .tolerance = 10,
                                          .unit = "messages"};
        (void)snprintf(lines[0].what, sizeof lines[0].what, "%s.longest", who);
        (void)snprintf(lines[1].what, sizeof lines[1].what, "%s.middle", who);
        (void)snprintf(lines[2].what, sizeof lines[2].what, "%s.late", who);
        (void)snprintf(lines[3].what, sizeof lines[3].what, "%s.late_since_send", who);
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : 4;
}

/* Who waits for an answer before the next question is frozen along: one late answer is all there
 * is to see. */
static int measure_closed_loop(struct nv_check_context *check, const void *what,
                               struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    struct nv_run_result run;
    (void)what;
    freeze(check);
    if (nv_check_run(check, &run,
                     "workload=rr rate=max window=1 duration=1s messages=0 drain=1s") == NV_OK) {
        const struct nv_hist *rtt = &nv_run_result_all(&run, NV_ROW_RTT)->rx->serv;
        uint64_t late = 0;
        for (unsigned i = nv_hist_index(FREEZE_NS / 2); i < NV_HIST_BUCKETS; i++)
            late += rtt->buckets[i];
        lines[0] = (struct nv_check_line){.what = "closed_loop.late",
                                          .observed = (double)late,
                                          .expected = 1,
                                          .unit = "messages"};
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : 1;
}

static int check_frozen(struct nv_check_context *check)
{
    const struct nv_check_timing receiver = {measure_frozen, "up"};
    const struct nv_check_timing sender = {measure_frozen, "down"};
    const struct nv_check_timing closed_loop = {measure_closed_loop, NULL};
    if (nv_check_time(check, &receiver) || nv_check_time(check, &sender))
        return check->error.code;
    return nv_check_time(check, &closed_loop);
}

/* ---- 13.10 ---- */

static int check_overflow(struct nv_check_context *check)
{
    struct nv_run_result run;
    freeze(check);
    if (nv_check_run(check, &run, "rcvbuf=%s rate=4k/s duration=1s",
                     nv_check_pick(check, "32k", "4Mi")) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        double frozen = 4000 * frozen_ns(check) / 1e9;
        nv_check_equal(check, "lost", row->lost_count, row->receiver.drops_count, "messages");
        nv_check_equal(check, "lost_at_the_socket", row->lost_rcvbuf_count, row->lost_count,
                       "messages");
        nv_check_between(check, "lost_while_frozen", (double)row->lost_count,
                         (struct nv_bounds){0.5 * frozen, (double)row->tx->sent_count}, "messages");
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- 13.12, and METHOD 10 ---- */

/* Messages a second that a transport delivers on loopback at most: what the tool is capable of. */
static int run_ceiling(struct nv_check_context *check, const char *transport)
{
    struct nv_run_result run;
    if (nv_check_run(check, &run, "transport=%s rate=max duration=300ms messages=0", transport) ==
        NV_OK) {
        const struct nv_rx *rx = nv_run_result_all(&run, NV_ROW_UP)->rx;
        struct nv_check_line line = {.observed = (double)rx->goodput_count * 1e9 /
                                                 (double)run.spec.duration_ns,
                                     .expected = NAN,
                                     .tolerance = NAN,
                                     .unit = "messages/s"};
        (void)snprintf(line.what, sizeof line.what, "%s.ceiling", transport);
        nv_check_say(check, &line);
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* From the first to the last message of a second, sends keep to the rate: nobody sleeps a gap at a
 * time. */
static int measure_pace(struct nv_check_context *check, const void *what,
                        struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    struct nv_run_result run;
    double rate = nv_check_is_broken(check) ? 3990 : 4000;
    (void)what;
    if (nv_check_run(check, &run, "duration=1s") == NV_OK) {
        const struct nv_tx *tx = nv_run_result_all(&run, NV_ROW_UP)->tx;
        double took_ns = (double)tx->t_last_ns - (double)tx->t_first_ns;
        double due_ns = (double)(tx->sent_count - 1) * 1e9 / rate;
        lines[0] = (struct nv_check_line){.what = "drift",
                                          .observed = took_ns - due_ns,
                                          .tolerance = 2.5e5 + (double)check->noise.p50_ns,
                                          .unit = "ns"};
        lines[1] = (struct nv_check_line){.what = "sent",
                                          .observed = (double)tx->sent_count,
                                          .expected = 4000,
                                          .unit = "messages"};
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : 2;
}

static int check_pace(struct nv_check_context *check)
{
    const struct nv_check_timing timing = {measure_pace, NULL};
    if (nv_check_time(check, &timing) || run_ceiling(check, "tcp"))
        return check->error.code;
    return run_ceiling(check, "udp");
}

/* ---- 13.9 ---- */

static void judge_sizes(struct nv_check_context *check, const char *transport,
                        const struct nv_result_row *row)
{
    char what[NV_CHECK_WHAT_BYTES];
    const struct nv_rx *rx = row->rx;
    (void)snprintf(what, sizeof what, "%s.lost", transport);
    nv_check_equal(check, what, row->lost_count, 0, "messages");
    (void)snprintf(what, sizeof what, "%s.damaged", transport);
    nv_check_equal(check, what, rx->corrupt_count, 0, "messages");
    (void)snprintf(what, sizeof what, "%s.bytes", transport);
    nv_check_equal(check, what, rx->unique_bytes, row->tx->sent_bytes, "bytes");
    if (row->sender.tcp.known)
        return;
    (void)snprintf(what, sizeof what, "%s.split", transport);
    nv_check_equal(check, what, rx->boundary.split_msgs_count, 0, "messages");
    (void)snprintf(what, sizeof what, "%s.joined", transport);
    nv_check_equal(check, what, rx->boundary.coalesced_recvs_count, 0, "receive calls");
}

/* Around the sizes of packets, and the largest datagram; every byte is compared. */
static int run_sizes(struct nv_check_context *check, const char *transport)
{
    struct nv_run_result run;
    if (nv_check_run_exact(check, &run,
                           "transport=%s path=%s size=40+1447+1448+1449+1472+1473+65507 rate=400/s "
                           "duration=400ms verify=yes drain=500ms",
                           transport, nv_check_pick(check, "empty", "loss=2%")) == NV_OK)
        judge_sizes(check, transport, nv_run_result_all(&run, NV_ROW_UP));
    nv_run_result_dispose(&run);
    return check->error.code;
}

static int check_sizes(struct nv_check_context *check)
{
    return run_sizes(check, "udp") || run_sizes(check, "tcp") ? check->error.code : NV_OK;
}

#define DRIBBLED 50u

/* A stream of messages, byte by byte: the same messages. */
static unsigned dribble(void)
{
    static uint8_t bytes[DRIBBLED * (NV_HEADER_BYTES + DRIBBLED)];
    struct nv_framer framer;
    struct nv_framed framed;
    size_t used = 0;
    unsigned right = 0;
    for (unsigned i = 0; i < DRIBBLED; i++) {
        struct nv_header header = {
            .type = NV_MSG_DATA, .len_bytes = NV_HEADER_BYTES + i, .run_tag = 1, .seq = i};
        nv_header_encode(&header, bytes + used);
        used += header.len_bytes;
    }
    nv_framer_init(&framer);
    for (size_t at = 0; at < used; at++) {
        nv_framer_feed(&framer, bytes + at, 1);
        while (nv_framer_next(&framer, &framed) > 0)
            right += framed.header.seq == right && framed.recv_calls == framed.header.len_bytes;
    }
    return right;
}

static int check_boundaries(struct nv_check_context *check)
{
    struct nv_run_result run;
    struct nv_spec spec;
    struct nv_error refusal;
    const struct nv_option *size = nv_option_find(nv_spec_options, "size", 4);
    nv_options_reset(nv_spec_options, &spec);
    if (nv_option_set(size, &spec, nv_check_pick(check, "65508", "65507"), &check->error))
        return check->error.code;
    nv_check_equal(check, "refused_datagram",
                   nv_spec_check_nature(&spec, (struct nv_spec_nature){.datagrams = true},
                                        &refusal) == NV_E_USAGE,
                   1, "(1: yes)");
    nv_check_equal(check, "byte_by_byte", dribble(), DRIBBLED, "messages");
    if (nv_check_run(check, &run, "transport=tcp size=40 rate=max duration=100ms messages=0") ==
        NV_OK)
        nv_check_equal(check, "tcp.joins_messages",
                       nv_run_result_all(&run, NV_ROW_UP)->rx->boundary.coalesced_recvs_count > 0,
                       1, "(1: yes)");
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- 13.1 ---- */

#define TIE_SPREAD 0.6 /* of the margin: pairs that differ by less */
#define TIE_SHARE 0.96 /* of those are called a tie, at 12 blocks: campaign/verdict.h */
#define TIE_BLOCKS 12.0

struct null_count {
    unsigned cells, wins, outside, calm, ties, order_outside;
};

static bool excludes_zero(const struct nv_comparison *comparison)
{
    return comparison->has_interval && (comparison->ci95_lo > 0 || comparison->ci95_hi < 0);
}

static double spread_of(const double *a, const double *b, unsigned n)
{
    double sum = 0;
    double squares = 0;
    for (unsigned i = 0; i < n; i++) {
        double d = log(b[i] / a[i]);
        sum += d;
        squares += d * d;
    }
    double variance = n > 1 ? (squares - sum * sum / n) / (n - 1) : NAN;
    return variance < 0 ? 0 : sqrt(variance); /* by rounding; NaN stays: a value is not known */
}

/* The first run of each block against the second. */
static bool order_matters(const struct nv_cell_state *cell, const struct nv_track *track)
{
    double first[NV_RUNNER_BLOCKS_MAX];
    double second[NV_RUNNER_BLOCKS_MAX];
    for (unsigned b = 0; b < cell->blocks_done; b++) {
        first[b] = track->value[cell->first_arm[b]][NV_METRIC_RESP_P50][b];
        second[b] = track->value[1 - cell->first_arm[b]][NV_METRIC_RESP_P50][b];
    }
    struct nv_comparison_input input = {.a = first,
                                        .b = second,
                                        .blocks = cell->blocks_done,
                                        .scale = NV_SCALE_LOG_RATIO,
                                        .margin = nv_metrics[NV_METRIC_RESP_P50].margin};
    struct nv_comparison comparison = nv_verdict_compare(&input);
    return excludes_zero(&comparison);
}

static void count_cell(const struct nv_runner *runner, unsigned index, struct null_count *count)
{
    const struct nv_summary_cell *cell = &runner->summary_cells[index];
    const struct nv_cell_state *state = &runner->cells[index];
    const struct nv_track *track = &state->track[cell->direction];
    count->cells++;
    count->outside += excludes_zero(&cell->comparison[NV_METRIC_RESP_P50]);
    count->order_outside += order_matters(state, track);
    for (unsigned m = 0; m < NV_METRIC_COUNT; m++) {
        const struct nv_comparison *comparison = &cell->comparison[m];
        count->wins +=
            comparison->verdict == NV_VERDICT_A_WINS || comparison->verdict == NV_VERDICT_B_WINS;
        if (!nv_metrics[m].primary || nv_metrics[m].scale != NV_SCALE_LOG_RATIO ||
            state->blocks_done < TIE_BLOCKS ||
            !(spread_of(track->value[0][m], track->value[1][m], state->blocks_done) <=
              TIE_SPREAD * nv_metrics[m].margin))
            continue;
        count->calm++;
        count->ties += comparison->verdict == NV_VERDICT_TIE;
    }
}

/* For --break: what would be a difference. */
static void slow_one_arm(struct nv_runner *runner)
{
    for (unsigned i = 0; i < runner->plan->cell_count; i++)
        for (unsigned d = NV_ROW_UP; d <= NV_ROW_RTT; d++)
            for (unsigned b = 0; b < NV_RUNNER_BLOCKS_MAX; b++)
                runner->cells[i].track[d].value[1][NV_METRIC_RESP_P50][b] *= 1000;
}

static int run_null(struct nv_check_context *check, struct nv_campaign *campaign,
                    struct null_count *count)
{
    struct nv_plan plan;
    struct nv_runner runner = {
        .campaign = campaign, .plan = &plan, .ends = &check->ends, .campaign_id = "check"};
    struct nv_error *err = &check->error;
    if (nv_plan_build(&plan, campaign, err))
        return err->code;
    if (nv_runner_init(&runner, err) == NV_OK && nv_runner_run(&runner, err) == NV_OK) {
        if (nv_check_is_broken(check))
            slow_one_arm(&runner);
        (void)nv_runner_summarise(&runner, err);
        for (unsigned i = 0; i < runner.summary_count; i++)
            count_cell(&runner, i, count);
        check->run_count += runner.runs_done;
    }
    nv_runner_dispose(&runner);
    nv_plan_dispose(&plan);
    return err->code;
}

static int set_null(struct nv_check_context *check, struct nv_campaign *campaign,
                    const char *transports)
{
    const char *const settings[][2] = {
        {"transport", transports},
        {"workload", "rr,stream"},
        {"size", check->quick ? "64,8k" : "64,256,1k,4k,8k"},
        {"blocks", check->quick ? "6" : "12"},
        {"rate", "8k/s"},
        {"arrival", "constant"},
        {"duration", check->quick ? "30ms" : "50ms"},
        {"warmup", "5ms"},
        {"cooldown", "0"},
        {"settle", "0"},
        {"reruns", "0"},
        {"warmup-round", "no"},
        {"rcvbuf", "4Mi"},
        {"drain", "100ms"},
        {"seed", "5"},
        {"quiet", "yes"},
    };
    nv_campaign_init(campaign);
    for (unsigned i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (nv_campaign_set(campaign, settings[i][0], settings[i][1], &check->error))
            return check->error.code;
    return NV_OK;
}

static void judge_null(struct nv_check_context *check, const struct null_count *count)
{
    double outside_max = nv_check_binomial(count->cells, 0.05).hi;
    nv_check_equal(check, "wins", count->wins, 0, "comparisons");
    nv_check_between(check, "intervals_without_0", count->outside,
                     (struct nv_bounds){0, outside_max}, "cells");
    nv_check_between(check, "first_against_second_run", count->order_outside,
                     (struct nv_bounds){0, outside_max}, "cells");
    if (count->calm)
        nv_check_between(
            check, "ties", count->ties,
            (struct nv_bounds){nv_check_binomial(count->calm, TIE_SHARE).lo, count->calm},
            "comparisons");
    else
        nv_check_skip(check, "ties",
                      check->quick ? "needs 12 blocks, which --quick has no time for"
                                   : "no pairs were close enough to each other");
}

static int check_null(struct nv_check_context *check)
{
    struct null_count count = {0};
    struct nv_campaign *campaign = calloc(1, sizeof *campaign);
    if (!campaign)
        return nv_fail(&check->error, NV_E_FAILED, "no memory");
    if (set_null(check, campaign, "tcp,tcp") == NV_OK &&
        run_null(check, campaign, &count) == NV_OK &&
        set_null(check, campaign, "udp,udp") == NV_OK && run_null(check, campaign, &count) == NV_OK)
        judge_null(check, &count);
    free(campaign);
    return check->error.code;
}

const struct nv_check nv_check_ends_rows[] = {
    {"frozen", "METHOD 13.6", "a standstill makes every message late that was due in it",
     NV_CHECK_LOOPBACK | NV_CHECK_CORES, check_frozen},
    {"pace", "METHOD 10, 13.12", "sends keep to their rate without drift; how much goes at all",
     NV_CHECK_LOOPBACK | NV_CHECK_CORES, check_pace},
    {"overflow", "METHOD 13.10", "what a full socket drops is counted there, one by one",
     NV_CHECK_LOOPBACK, check_overflow},
    {"sizes", "METHOD 13.9", "messages of every size keep their bytes, and datagrams their bounds",
     NV_CHECK_PATH, check_sizes},
    {"boundaries", "METHOD 13.9", "a stream is cut into its messages wherever its pieces end",
     NV_CHECK_LOOPBACK, check_boundaries},
    {"null", "METHOD 13.1", "a transport wins nothing against itself", NV_CHECK_LOOPBACK,
     check_null},
    {NULL, NULL, NULL, 0, NULL},
};
