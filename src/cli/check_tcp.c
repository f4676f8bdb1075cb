/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/check_run.h"

/* METHOD 12, V11, and METHOD 13.8: TCP over the emulated path behaves as TCP does. */

/* ---- V11 ---- */

/* Loss-based congestion control that this kernel offers, or NULL. */
static const char *loss_based(void)
{
    static const char *const names[] = {"reno", "cubic"};
    char line[256] = "";
    FILE *in = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "re");
    if (in && !fgets(line, sizeof line, in))
        line[0] = '\0';
    if (in)
        (void)fclose(in);
    for (unsigned i = 0; i < 2; i++)
        if (strstr(line, names[i]))
            return names[i];
    return NULL;
}

/* Mathis and others, CCR 27(3), 1997: MSS/RTT sqrt(1.5/p). */
static int check_mathis(struct nv_check_context *check)
{
    const double p = 0.003;
    const double rtt_s = 0.02;
    const char *cc = loss_based();
    struct nv_run_result run;
    if (!cc) {
        nv_check_skip(check, "goodput", "neither reno nor cubic here");
        return NV_OK;
    }
    if (nv_check_run(check, &run,
                     "transport=tcp rate=max size=8k messages=0 cc=%s warmup=2s duration=12s "
                     "path=delay=%s,up.loss=0.3%%",
                     cc, nv_check_pick(check, "10ms", "40ms")) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        double mss_bytes = (double)row->sender.tcp.mss_bytes;
        double expected_bps = mss_bytes * 8 / rtt_s * sqrt(1.5 / p);
        double observed_bps = (double)row->rx->goodput_bytes * 8e9 / (double)run.spec.duration_ns;
        struct nv_check_line line = {.what = "goodput_to_model",
                                     .observed = log2(observed_bps / expected_bps),
                                     .tolerance = 1,
                                     .unit = "doublings"};
        (void)snprintf(line.note, sizeof line.note, "%s: %.2f of %.2f Mbit/s", cc,
                       observed_bps / 1e6, expected_bps / 1e6);
        nv_check_say(check, &line);
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- head-of-line blocking ---- */

/* Few enough in a round trip for the first window of a connection, so that each message is a
 * segment: this one holds message 100. */
#define LOST_SEGMENT 101u
#define BLOCKED_DELAY_NS (20 * NV_NS_PER_MS)

struct blocked {
    uint64_t first, count, last;
};

/* Messages that took so much longer than the delay that they waited for another. */
static struct blocked blocked_in(const struct nv_result_row *row)
{
    struct blocked blocked = {0};
    for (uint64_t i = 0; row->rx->trace && i < row->rx->trace_count; i++) {
        const struct nv_trace_row *trace = &row->rx->trace[i];
        if (trace->t_rcv_ns - trace->t_snd_ns < 3 * BLOCKED_DELAY_NS / 2)
            continue;
        if (!blocked.count++)
            blocked.first = trace->seq;
        blocked.last = trace->seq;
    }
    return blocked;
}

static int measure_blocking(struct nv_check_context *check, const void *what,
                            struct nv_check_line lines[NV_CHECK_LINES_MAX])
{
    struct nv_run_result run;
    const char *path = nv_check_pick(check, "delay=20ms,up.drop=101", "delay=20ms,up.drop=111");
    (void)what;
    if (nv_check_run(check, &run,
                     "transport=tcp path=%s rate=200/s size=200 duration=1s drain=500ms",
                     path) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        struct blocked blocked = blocked_in(row);
        lines[0] = (struct nv_check_line){.what = "tcp.first",
                                          .observed = (double)blocked.first,
                                          .expected = LOST_SEGMENT - 1,
                                          .unit = "(number of a message)"};
        lines[1] = (struct nv_check_line){.what = "tcp.gaps",
                                          .observed = (double)(blocked.last - blocked.first + 1) -
                                                      (double)blocked.count,
                                          .unit = "messages in time among them"};
        /* Those sent from the lost one's time until a round trip and its repair have passed, save
         * the half of the delay that counts as no blocking. */
        lines[2] = (struct nv_check_line){.what = "tcp.blocked",
                                          .observed = (double)blocked.count,
                                          .expected = 10,
                                          .tolerance = 6,
                                          .unit = "messages"};
        lines[3] = (struct nv_check_line){
            .what = "tcp.lost", .observed = (double)row->lost_count, .unit = "messages"};
    }
    nv_run_result_dispose(&run);
    return check->error.code ? check->error.code : 4;
}

static int check_blocking(struct nv_check_context *check)
{
    struct nv_check_timing timing = {measure_blocking, NULL};
    struct nv_run_result run;
    if (nv_check_time(check, &timing))
        return check->error.code;
    if (nv_check_run_exact(check, &run, "path=delay=20ms,up.drop=101 rate=200/s duration=1s") ==
        NV_OK)
        nv_check_equal(check, "udp.lost", nv_run_result_all(&run, NV_ROW_UP)->lost_count, 1,
                       "messages");
    nv_run_result_dispose(&run);
    return check->error.code;
}

const struct nv_check nv_check_tcp_rows[] = {
    {"mathis", "METHOD 12 V11", "TCP under loss is as fast as its model says, within a factor of 2",
     NV_CHECK_PATH | NV_CHECK_CORES | NV_CHECK_LONG, check_mathis},
    {"blocking", "METHOD 13.8", "one lost segment makes those behind it wait, and no others",
     NV_CHECK_PATH | NV_CHECK_CORES, check_blocking},
    {NULL, NULL, NULL, 0, NULL},
};
