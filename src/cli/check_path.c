/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/check_math.h"
#include "cli/check_run.h"

/* METHOD 12, V1, V2, V3, V6, V10: the times of the emulated path, by the tool's own messages. The
 * empty path is measured right before each of them: what is added to it is the path's doing. */

/* ---- V1 ---- */

#define TAKING "loss=1%,duplicate=1%" /* for --break */

static void record(struct nv_check_context *check, const char *what, double value_ns)
{
    struct nv_check_line line = {
        .observed = value_ns, .expected = NAN, .tolerance = NAN, .unit = "ns"};
    (void)snprintf(line.what, sizeof line.what, "%s", what);
    nv_check_say(check, &line);
}

/* As fast as it goes. TCP that hears nothing for a while, since the machine stands still, sends
 * again what was not lost. */
static int measure_bulk(struct nv_check_context *check, const void *what,
                        struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    struct nv_run_result run;
    (void)what;
    if (nv_check_run(check, &run, "path=%s transport=tcp rate=max size=8k duration=%s messages=0",
                     nv_check_pick(check, "empty", TAKING),
                     check->quick ? "500ms" : "2s") == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        lines[0] = (struct nv_check_line){.what = "tcp.retransmitted",
                                          .observed = (double)row->sender.tcp.retrans_segs,
                                          .unit = "segments"};
        lines[1] =
            (struct nv_check_line){.what = "tcp.device_drops",
                                   .observed = (double)run.path.way[NV_WAY_UP].device_drop_count,
                                   .unit = "packets"};
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : 2;
}

static int check_empty(struct nv_check_context *check)
{
    const struct nv_check_timing bulk = {measure_bulk, NULL};
    struct nv_run_result run;
    if (nv_check_run_exact(check, &run, "path=%s rate=2k/s",
                           nv_check_pick(check, "empty", TAKING)) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        unsigned count;
        double *delays = nv_check_delays(row, &count);
        nv_check_equal(check, "lost", row->lost_count, 0, "messages");
        nv_check_equal(check, "duplicated", row->rx->dup_count, 0, "messages");
        nv_check_equal(check, "reordered", row->rx->ordering.reordered_count, 0, "messages");
        record(check, "delay_p50", nv_check_rank(delays, count, 0.5));
        record(check, "delay_p99", nv_check_rank(delays, count, 0.99));
        free(delays);
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : nv_check_time(check, &bulk);
}

/* ---- V2 ---- */

/* One-way times of a run, and how late the machine's timers were meanwhile. */
struct times {
    double p50_ns, p99_ns, least_ns;
    struct nv_check_noise noise;
};

static struct times times_of(const struct nv_check_context *check, const struct nv_result_row *row)
{
    unsigned count;
    double *delays = nv_check_delays(row, &count);
    struct times times = {.p50_ns = nv_check_rank(delays, count, 0.5),
                          .p99_ns = nv_check_rank(delays, count, 0.99),
                          .least_ns = count ? delays[0] : 0,
                          .noise = check->noise};
    free(delays);
    return times;
}

static int measure_times(struct nv_check_context *check, const char *path, struct times *times)
{
    struct nv_run_result run;
    if (nv_check_run(check, &run, "path=%s rate=1k/s duration=%s drain=200ms", path,
                     check->quick ? "300ms" : "1s") == NV_OK)
        *times = times_of(check, nv_run_result_all(&run, NV_ROW_UP));
    nv_run_result_dispose(&run);
    return check->error.code;
}

static void note_timer(struct nv_check_line *line, uint64_t late_ns)
{
    (void)snprintf(line->note, sizeof line->note, "%.0f us of it for this machine's timer",
                   (double)late_ns / 1e3);
}

struct delay {
    const char *name, *path, *other;
    uint64_t ns;
};

/* A packet that waits is let go by a timer, one that does not by its own arrival: how late timers
 * are here, by a witness, belongs to the tolerance. */
static int measure_delay(struct nv_check_context *check, const void *what,
                         struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    const struct delay *delay = what;
    struct times base = {0};
    struct times seen = {0};
    if (measure_times(check, "empty", &base) ||
        measure_times(check, nv_check_pick(check, delay->path, delay->other), &seen))
        return check->error.code;
    double d = (double)delay->ns;
    lines[0] = (struct nv_check_line){.observed = seen.p50_ns - base.p50_ns,
                                      .expected = d,
                                      .tolerance = fmax(5e4, 0.005 * d) + (double)seen.noise.p50_ns,
                                      .unit = "ns"};
    double wider = (seen.p99_ns - seen.p50_ns) - (base.p99_ns - base.p50_ns);
    lines[1] = (struct nv_check_line){
        .observed = fmax(0, wider), .tolerance = 2e5 + (double)seen.noise.p99_ns, .unit = "ns"};
    lines[2] = (struct nv_check_line){.observed = fmin(0, seen.least_ns - d), .unit = "ns"};
    (void)snprintf(lines[0].what, sizeof lines[0].what, "%s.added_p50", delay->name);
    (void)snprintf(lines[1].what, sizeof lines[1].what, "%s.added_spread", delay->name);
    (void)snprintf(lines[2].what, sizeof lines[2].what, "%s.earliest", delay->name);
    note_timer(&lines[0], seen.noise.p50_ns);
    note_timer(&lines[1], seen.noise.p99_ns);
    return 3;
}

static int check_delay(struct nv_check_context *check)
{
    static const struct delay delays[] = {
        {"1ms", "delay=1ms", "delay=1500us", NV_NS_PER_MS},
        {"10ms", "delay=10ms", "delay=10500us", 10 * NV_NS_PER_MS},
        {"50ms", "delay=50ms", "delay=49400us", 50 * NV_NS_PER_MS}};
    int failed = NV_OK;
    for (unsigned i = 0; i < 3 && !failed; i++) {
        struct nv_check_timing timing = {measure_delay, &delays[i]};
        failed = nv_check_time(check, &timing);
    }
    return failed;
}

/* ---- V3 ---- */

#define JITTER_DELAY_NS 120e6
#define UNIFORM_NS 100e6
#define NORMAL_NS 20e6
#define PARETO_NS 40e6

static double uniform_cdf(double x_ns)
{
    double u = (x_ns - JITTER_DELAY_NS + UNIFORM_NS) / (2 * UNIFORM_NS);
    return fmin(1, fmax(0, u));
}

static double normal_cdf(double x_ns)
{
    return 0.5 * erfc(-(x_ns - JITTER_DELAY_NS) / (NORMAL_NS * sqrt(2)));
}

/* Lomax of shape 3 and this mean: of scale 2 means. */
static double pareto_cdf(double x_ns)
{
    double x = (x_ns - JITTER_DELAY_NS) / (2 * PARETO_NS);
    return x <= 0 ? 0 : 1 - pow(1 + x, -3);
}

struct jitter {
    const char *name, *path, *other;
    double (*cdf)(double x_ns);
};

#define BASE_VALUES 101u

/* Percentiles of the empty path, which the jitter is added to. */
static int measure_base(struct nv_check_context *check, double base[BASE_VALUES])
{
    struct nv_run_result run;
    unsigned count;
    if (nv_check_run(check, &run, "path=empty rate=4k/s duration=300ms") == NV_OK) {
        double *delays = nv_check_delays(nv_run_result_all(&run, NV_ROW_UP), &count);
        for (unsigned i = 0; i < BASE_VALUES; i++)
            base[i] = nv_check_rank(delays, count, (i + 0.5) / BASE_VALUES);
        free(delays);
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

static int measure_jitter(struct nv_check_context *check, const void *what,
                          struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    const struct jitter *jitter = what;
    double base[BASE_VALUES];
    struct nv_run_result run;
    unsigned count = 0;
    if (measure_base(check, base))
        return check->error.code;
    if (nv_check_run(check, &run, "path=%s,order=free rate=%s duration=%s drain=4s",
                     nv_check_pick(check, jitter->path, jitter->other),
                     check->quick ? "4k/s" : "5k/s", check->quick ? "700ms" : "2s") == NV_OK) {
        double *delays = nv_check_delays(nv_run_result_all(&run, NV_ROW_UP), &count);
        struct nv_check_sample sample = {delays, count};
        struct nv_check_sample added = {base, BASE_VALUES};
        lines[0] = (struct nv_check_line){
            .observed = count ? nv_check_distance(sample, added, jitter->cdf) : 1,
            .tolerance = nv_check_distance_bound(count ? count : 1),
            .unit = "of 1"};
        (void)snprintf(lines[0].what, sizeof lines[0].what, "%s.distance", jitter->name);
        (void)snprintf(lines[0].note, sizeof lines[0].note, "n %u", count);
        free(delays);
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : 1;
}

static int check_jitter(struct nv_check_context *check)
{
    static const struct jitter jitters[] = {
        {"uniform", "delay=120ms,jitter=100ms", "delay=120ms,jitter=20ms", uniform_cdf},
        {"normal", "delay=120ms,jitter=20ms,dist=normal", "delay=150ms,jitter=20ms", normal_cdf},
        {"pareto", "delay=120ms,jitter=40ms,dist=pareto", "delay=120ms,jitter=5ms,dist=pareto",
         pareto_cdf}};
    int failed = NV_OK;
    for (unsigned i = 0; i < (check->quick ? 2 : 3) && !failed; i++) {
        struct nv_check_timing timing = {measure_jitter, &jitters[i]};
        failed = nv_check_time(check, &timing);
    }
    return failed;
}

/* ---- V6 ---- */

#define RATE_BPS 20e6
#define QUEUE_BYTES 60000.0
#define RATE_PACKET_BYTES 1428.0 /* of IP: 1400, and 28 of headers */

/* The link is busy from the first to the last packet, so arrivals lie on a line; those that came
 * least late, near both ends of it, tell its slope. */
static double slope_bps(const struct nv_result_row *row)
{
    const struct nv_trace_row *trace = row->rx->trace;
    uint64_t count = trace ? row->rx->trace_count : 0;
    double gap_ns = RATE_PACKET_BYTES * 8 / RATE_BPS * 1e9;
    uint64_t best[2] = {0, 0};
    for (unsigned end = 0; end < 2 && count >= 10; end++) {
        uint64_t from = end ? count - count / 5 : 0;
        best[end] = from;
        for (uint64_t i = from; i < from + count / 5; i++)
            if ((double)trace[i].t_rcv_ns - (double)i * gap_ns <
                (double)trace[best[end]].t_rcv_ns - (double)best[end] * gap_ns)
                best[end] = i;
    }
    if (best[0] == best[1])
        return 0;
    return (double)(best[1] - best[0]) * RATE_PACKET_BYTES * 8e9 /
           (double)(trace[best[1]].t_rcv_ns - trace[best[0]].t_rcv_ns);
}

/* Offered twice the rate, the queue is full but for the first tenth of a second. */
static int measure_rate(struct nv_check_context *check, const void *what,
                        struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    struct nv_run_result run;
    struct times base = {0};
    double packet_ns = RATE_PACKET_BYTES * 8e9 / RATE_BPS;
    double full_ns = QUEUE_BYTES * 8e9 / RATE_BPS;
    (void)what;
    if (measure_times(check, "empty", &base))
        return check->error.code;
    if (nv_check_run(check, &run, "path=rate=%s,queue=60000 size=1400 rate=3502/s duration=%s",
                     nv_check_pick(check, "20Mbit/s", "30Mbit/s"),
                     check->quick ? "1s" : "3s") == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        struct times seen = times_of(check, row);
        lines[0] = (struct nv_check_line){.what = "delivered",
                                          .observed = slope_bps(row),
                                          .expected = RATE_BPS,
                                          .tolerance = 0.005 * RATE_BPS,
                                          .unit = "bit/s"};
        lines[1] = (struct nv_check_line){.what = "queue_delay_max",
                                          .observed = (double)run.path.way[0].delay_max_ns,
                                          .expected = full_ns,
                                          .tolerance = packet_ns,
                                          .unit = "ns"};
        lines[2] = (struct nv_check_line){.what = "queue_delay_seen",
                                          .observed = seen.p50_ns - base.p50_ns,
                                          .expected = full_ns - packet_ns / 2,
                                          .tolerance = packet_ns + 5e4 + (double)seen.noise.p50_ns,
                                          .unit = "ns"};
        note_timer(&lines[2], seen.noise.p50_ns);
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : 3;
}

static int check_rate(struct nv_check_context *check)
{
    struct nv_check_timing timing = {measure_rate, NULL};
    return nv_check_time(check, &timing);
}

#define WAIT_SERVICE_NS 2e6 /* of 528 bytes at 2.112 Mbit/s */

/* Waits before a server with a constant service time by Lindley's recursion (1952), from the very
 * times of the sends: no long run averages are needed. */
static double lindley_mean(const struct nv_result_row *row)
{
    double wait_ns = 0;
    double sum_ns = 0;
    uint64_t count = row->rx->trace_count;
    for (uint64_t i = 1; i < count; i++) {
        double gap_ns = (double)(row->rx->trace[i].t_snd_ns - row->rx->trace[i - 1].t_snd_ns);
        wait_ns = fmax(0, wait_ns + WAIT_SERVICE_NS - gap_ns);
        sum_ns += wait_ns;
    }
    return count ? sum_ns / (double)count : 0;
}

static double mean(const double *values, unsigned count)
{
    double sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / count : 0;
}

static int measure_wait(struct nv_check_context *check, const void *what,
                        struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    struct nv_run_result run;
    struct times base = {0};
    (void)what;
    if (measure_times(check, "empty", &base))
        return check->error.code;
    if (nv_check_run(check, &run,
                     "path=rate=%s,queue=1M size=500 rate=400/s arrival=poisson duration=6s",
                     nv_check_pick(check, "2112kbit/s", "4Mbit/s")) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        unsigned count;
        double *delays = nv_check_delays(row, &count);
        double expected_ns = count ? lindley_mean(row) : 0;
        lines[0] =
            (struct nv_check_line){.what = "mean_wait",
                                   .observed = mean(delays, count) - base.p50_ns - WAIT_SERVICE_NS,
                                   .expected = expected_ns,
                                   .tolerance = 0.05 * expected_ns + (double)check->noise.p50_ns,
                                   .unit = "ns"};
        note_timer(&lines[0], check->noise.p50_ns);
        free(delays);
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : 1;
}

static int check_wait(struct nv_check_context *check)
{
    struct nv_check_timing timing = {measure_wait, NULL};
    return nv_check_time(check, &timing);
}

/* ---- V10 ---- */

static void judge_added(struct nv_check_line *line, const char *what, double added_ns, double d_ns)
{
    line->observed = added_ns;
    line->expected = d_ns;
    line->unit = "ns";
    (void)snprintf(line->what, sizeof line->what, "%s", what);
}

/* Both ways at once, each with a delay of its own; and there and back, which is their sum. */
static int measure_sides(struct nv_check_context *check, const void *what,
                         struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    static const char *const usual = "up.delay=5ms,down.delay=20ms";
    const char *path = nv_check_pick(check, usual, "up.delay=5500us,down.delay=20600us");
    struct times seen[2];
    struct times base = {0};
    struct nv_run_result run;
    (void)what;
    memset(seen, 0, sizeof seen);
    if (measure_times(check, "empty", &base))
        return check->error.code;
    if (nv_check_run(check, &run, "path=%s direction=both rate=1k/s duration=500ms", path) ==
        NV_OK) {
        seen[0] = times_of(check, nv_run_result_all(&run, NV_ROW_UP));
        seen[1] = times_of(check, nv_run_result_all(&run, NV_ROW_DOWN));
        judge_added(&lines[0], "up.added_p50", seen[0].p50_ns - base.p50_ns, 5e6);
        judge_added(&lines[1], "down.added_p50", seen[1].p50_ns - base.p50_ns, 20e6);
    }
    nv_run_result_dispose(&run);
    if (!check->error.code &&
        nv_check_run(check, &run, "path=%s workload=rr rate=1k/s duration=500ms", path) == NV_OK) {
        struct times both = times_of(check, nv_run_result_all(&run, NV_ROW_RTT));
        judge_added(&lines[2], "both.added_p50", both.p50_ns - 2 * base.p50_ns, 25e6);
    }
    nv_run_result_dispose(&run);
    for (unsigned i = 0; i < 3; i++) {
        lines[i].tolerance = fmax(5e4, 0.005 * lines[i].expected) +
                             (i == 2 ? 2.0 : 1.0) * (double)check->noise.p50_ns;
        note_timer(&lines[i], check->noise.p50_ns);
    }
    return check->error.code ? check->error.code : 3;
}

static int check_sides(struct nv_check_context *check)
{
    struct nv_check_timing timing = {measure_sides, NULL};
    struct nv_run_result run;
    if (nv_check_time(check, &timing))
        return check->error.code;
    const char *path = nv_check_pick(check, "up.loss=1%,down.loss=5%", "up.loss=5%,down.loss=1%");
    if (nv_check_run_exact(check, &run, "path=%s direction=both duration=1s", path) == NV_OK) {
        const struct nv_result_row *up = nv_run_result_all(&run, NV_ROW_UP);
        const struct nv_result_row *down = nv_run_result_all(&run, NV_ROW_DOWN);
        nv_check_between(check, "up.lost", (double)up->lost_count,
                         nv_check_binomial(up->tx->sent_count, 0.01), "messages");
        nv_check_between(check, "down.lost", (double)down->lost_count,
                         nv_check_binomial(down->tx->sent_count, 0.05), "messages");
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

const struct nv_check nv_check_path_rows[] = {
    {"empty", "METHOD 12 V1", "the empty path takes, doubles and reorders nothing", NV_CHECK_PATH,
     check_empty},
    {"delay", "METHOD 12 V2", "a delay is added to every packet, and nothing else",
     NV_CHECK_PATH | NV_CHECK_CORES, check_delay},
    {"jitter", "METHOD 12 V3", "delays are distributed as asked (Kolmogorov and Smirnov)",
     NV_CHECK_PATH | NV_CHECK_CORES, check_jitter},
    {"rate", "METHOD 12 V6", "a rate lets through what it says, and its queue waits as long",
     NV_CHECK_PATH | NV_CHECK_CORES, check_rate},
    {"wait", "METHOD 12 V6", "waits before a rate are those of a queue (Lindley's recursion)",
     NV_CHECK_PATH | NV_CHECK_CORES | NV_CHECK_LONG, check_wait},
    {"sides", "METHOD 12 V10", "each direction has its own delay and loss; both together, the sum",
     NV_CHECK_PATH | NV_CHECK_CORES, check_sides},
    {NULL, NULL, NULL, 0, NULL},
};
