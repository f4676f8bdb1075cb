/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/check_math.h"
#include "cli/check_run.h"

/* METHOD 12, V4, V5, V7, V8, V9, and METHOD 13.2, 13.4, 13.14: which packets come through the
 * emulated path. Here a message is a packet and all of a run is measured, so counts are exact. */

/* ---- a list of losses ---- */

static unsigned long_list(unsigned char *listed, unsigned count)
{
    static const struct {
        unsigned from, to;
    } ranges[] = {{1, 1}, {7, 7}, {50, 59}, {100, 100}, {102, 102}, {1000, 1100}, {1999, 2000}};
    unsigned total = 0;
    memset(listed, 0, count);
    for (unsigned i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        for (unsigned k = ranges[i].from; k <= ranges[i].to; k++, total++)
            listed[k - 1] = 1;
    return total;
}

/* Packet number k carries message k - 1. */
static int check_drops(struct nv_check_context *check)
{
    enum { MESSAGES = 2000 };
    unsigned char listed[MESSAGES];
    struct nv_run_result run;
    unsigned total = long_list(listed, MESSAGES);
    if (nv_check_run_exact(check, &run, "path=drop=%s duration=500ms",
                           nv_check_pick(check, "1+7+50-59+100+102+1000-1100+1999-2000",
                                         "1+7+50-59+100+103+1000-1100+1999-2000")) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        unsigned char *arrived = nv_check_arrived(row, MESSAGES);
        unsigned differ = 0;
        for (unsigned i = 0; arrived && i < MESSAGES; i++)
            differ += arrived[i] == listed[i];
        nv_check_equal(check, "scheduled", row->tx->sched_count, MESSAGES, "messages");
        nv_check_equal(check, "lost", row->lost_count, total, "messages");
        nv_check_equal(check, "not_as_listed", differ, 0, "messages");
        nv_check_equal(check, "lost_runs", row->rx->losses.run_count, 7, "runs");
        free(arrived);
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- V4 ---- */

static int check_loss(struct nv_check_context *check)
{
    struct nv_run_result run;
    const double p = 0.05;
    if (nv_check_run_exact(check, &run, "path=loss=%s rate=%s duration=%s",
                           nv_check_pick(check, "5%", "7%"), check->quick ? "6k/s" : "8k/s",
                           check->quick ? "1s" : "4s") == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        const struct nv_way_report *way = &run.path.way[NV_WAY_UP];
        uint64_t dropped = way->drop_count[NV_DROP_LOSS];
        /* P(1|1): of the lost that have a successor, how many lost ones follow. */
        uint64_t both = row->rx->losses.missing_count - row->rx->losses.run_count;
        nv_check_between(check, "dropped", (double)dropped, nv_check_binomial(way->in_count, p),
                         "packets");
        nv_check_equal(check, "lost_as_dropped", row->lost_count, dropped, "messages");
        nv_check_between(check, "lost_after_lost", (double)both,
                         nv_check_binomial(both + row->rx->losses.g10_count, p), "messages");
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- V5 ---- */

static void judge_fit(struct nv_check_context *check, const char *what, double observed,
                      struct nv_bounds expected)
{
    struct nv_check_line line = {
        .observed = observed, .expected = expected.lo, .tolerance = expected.hi, .unit = "of 1"};
    (void)snprintf(line.what, sizeof line.what, "%s", what);
    (void)snprintf(line.note, sizeof line.note, "4 standard errors");
    nv_check_say(check, &line);
}

static int check_bursts(struct nv_check_context *check)
{
    const struct nv_check_gilbert model = {.p = 0.02, .r = 0.2, .h = 0.3};
    struct nv_run_result run;
    if (nv_check_run_exact(check, &run, "path=ge=%s rate=%s duration=%s drain=200ms",
                           nv_check_pick(check, "2%:20%:70%", "4%:20%:70%"),
                           check->quick ? "10k/s" : "8k/s", check->quick ? "1s" : "5s") == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        unsigned n = (unsigned)row->tx->sent_count;
        struct nv_check_spread spread = nv_check_gilbert_spread(&model, n);
        struct nv_gilbert fit = nv_losses_gilbert(&row->rx->losses);
        judge_fit(check, "p", fit.known ? fit.p : -1,
                  (struct nv_bounds){model.p, 4 * spread.deviation.p});
        judge_fit(check, "r", fit.known ? fit.r : -1,
                  (struct nv_bounds){model.r, 4 * spread.deviation.r});
        judge_fit(check, "h", fit.known ? fit.h : -1,
                  (struct nv_bounds){model.h, 4 * spread.deviation.h});
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- V7 ---- */

/* Each packet that is held back is overtaken by three others, or by more when one that is held
 * right before it goes first; what the meter made of that, against the definitions. */
static int check_reorder(struct nv_check_context *check)
{
    struct nv_run_result run;
    const char *path = nv_check_pick(check, "reorder=3%,reorder-gap=3", "reorder=3%,reorder-gap=2");
    if (nv_check_run_exact(check, &run, "path=%s duration=1s drain=500ms", path) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        const struct nv_ordering *meter = &row->rx->ordering;
        unsigned count = (unsigned)row->rx->trace_count;
        uint64_t *seq = calloc(count + 1, sizeof *seq);
        for (unsigned i = 0; seq && i < count; i++)
            seq[i] = row->rx->trace[i].seq;
        struct nv_check_order order = nv_check_order_of(seq, seq ? count : 0);
        uint64_t n3 = 0;
        for (unsigned n = 3; n < NV_PATTERN_SLOTS; n++)
            n3 += meter->n_reorder[n];
        nv_check_equal(check, "reordered", meter->reordered_count, order.reordered, "messages");
        nv_check_equal(check, "as_held_back", meter->reordered_count,
                       run.path.way[NV_WAY_UP].reordered_count, "messages");
        nv_check_equal(check, "extent_sum", meter->extent_sum_msgs, order.extent_sum, "messages");
        nv_check_equal(check, "extent_max", meter->extent_max_msgs, order.extent_max, "messages");
        nv_check_equal(check, "three_reordered", n3, order.n_reordered_3, "messages");
        nv_check_equal(check, "extent_least",
                       meter->extent[0] + meter->extent[1] + meter->extent[2], 0, "messages");
        nv_check_between(check, "held_back", (double)run.path.way[NV_WAY_UP].reordered_count,
                         nv_check_binomial(run.path.way[NV_WAY_UP].in_count, 0.03), "packets");
        free(seq);
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- V8 ---- */

static int check_duplicates(struct nv_check_context *check)
{
    struct nv_run_result run;
    if (nv_check_run_exact(check, &run, "path=%s duration=500ms",
                           nv_check_pick(check, "duplicate=5%", "duplicate=9%")) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        const struct nv_way_report *way = &run.path.way[NV_WAY_UP];
        nv_check_between(check, "copied", (double)way->dup_count,
                         nv_check_binomial(way->in_count, 0.05), "packets");
        nv_check_equal(check, "duplicates", row->rx->dup_count, way->dup_count, "messages");
        nv_check_equal(check, "replicated", row->rx->replicated_count, way->dup_count, "messages");
        nv_check_equal(check, "lost", row->lost_count, 0, "messages");
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* Bytes of the header that nothing compares with anything: flags, flow, times and dwell. */
#define HEADER_UNCHECKED_BYTES 20.0
#define MENDED_BYTES 1400.0

static int check_corrupt(struct nv_check_context *check)
{
    struct nv_run_result run;
    struct nv_check_udp before = {0};
    struct nv_check_udp after = {0};
    if (nv_check_read_udp(check, &before))
        return check->error.code;
    if (nv_check_run_exact(check, &run, "path=%s duration=500ms",
                           nv_check_pick(check, "corrupt=5%", "corrupt=5%,loss=1%")) == NV_OK &&
        nv_check_read_udp(check, &after) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        const struct nv_way_report *way = &run.path.way[NV_WAY_UP];
        nv_check_between(check, "spoiled", (double)way->corrupt_count,
                         nv_check_binomial(way->in_count, 0.05), "packets");
        nv_check_equal(check, "lost", row->lost_count, way->corrupt_count, "messages");
        nv_check_equal(check, "checksum_errors", after.checksum_errors - before.checksum_errors,
                       way->corrupt_count, "packets");
        nv_check_equal(check, "delivered_damaged", row->rx->corrupt_count, 0, "messages");
    }
    nv_run_result_dispose(&run);
    if (check->error.code)
        return check->error.code;
    if (nv_check_run_exact(check, &run,
                           "path=corrupt=5%%,mend=yes verify=%s size=1400 duration=500ms",
                           nv_check_pick(check, "yes", "no")) == NV_OK) {
        uint64_t spoiled = run.path.way[NV_WAY_UP].corrupt_count;
        const struct nv_rx *rx = nv_run_result_all(&run, NV_ROW_UP)->rx;
        nv_check_between(check, "mended_and_found", (double)(rx->corrupt_count + rx->stray_count),
                         nv_check_binomial(spoiled, 1 - HEADER_UNCHECKED_BYTES / MENDED_BYTES),
                         "messages");
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- V9 ---- */

/* Everything at once, and a receiver without room: each packet is in exactly one account. */
static int check_ledger(struct nv_check_context *check)
{
    struct nv_run_result run;
    struct nv_check_udp before = {0};
    struct nv_check_udp after = {0};
    if (nv_check_read_udp(check, &before))
        return check->error.code;
    if (nv_check_run(check, &run,
                     "path=loss=3%%,duplicate=3%%,corrupt=3%%,delay=2ms arrival=burst burst=100 "
                     "rcvbuf=16k duration=1s") == NV_OK &&
        nv_check_read_udp(check, &after) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        const struct nv_way_report *way = &run.path.way[NV_WAY_UP];
        const struct nv_rx *rx = row->rx;
        uint64_t full = after.buffer_errors - before.buffer_errors;
        uint64_t bad = after.checksum_errors - before.checksum_errors;
        uint64_t came = rx->unique_count + rx->dup_count + rx->corrupt_count + rx->stray_count;
        uint64_t drops = row->receiver.drops_count + (nv_check_is_broken(check) ? 1 : 0);
        nv_check_equal(check, "sent", row->tx->sent_count, way->in_count + way->device_drop_count,
                       "packets");
        nv_check_equal(check, "path", way->in_count + way->dup_count,
                       way->out_count + way->drop_count[NV_DROP_LOSS] +
                           way->drop_count[NV_DROP_OVERRUN] + way->held_count,
                       "packets");
        nv_check_equal(check, "out", way->out_count - way->refused_count, came + full + bad,
                       "packets");
        /* Some kernels count damage among what a socket drops, others do not. */
        nv_check_equal(check, "socket_drops", drops, drops == full + bad ? full + bad : full,
                       "packets");
        nv_check_equal(check, "checksum_errors", after.checksum_errors - before.checksum_errors,
                       way->corrupt_count, "packets");
        nv_check_equal(check, "classes", row->tx->sched_count,
                       row->tx->sent_count + row->tx->drop_eagain_count +
                           row->tx->drop_enobufs_count + row->tx->err_emsgsize_count +
                           row->tx->err_other_count + row->tx->unsent_count,
                       "messages");
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- late is not lost ---- */

/* Held back for longer than the drain that makes a message late, but not for so long that it is
 * lost; then longer than the run waits. */
static int check_late(struct nv_check_context *check)
{
    struct nv_run_result run;
    const char *path = "reorder=5%,reorder-delay=300ms";
    if (nv_check_run_exact(check, &run, "path=%s duration=600ms cooldown=400ms drain=%s", path,
                           nv_check_pick(check, "150ms", "400ms")) == NV_OK) {
        const struct nv_rx *rx = nv_run_result_all(&run, NV_ROW_UP)->rx;
        uint64_t late = 0;
        uint64_t held = 0;
        for (uint64_t i = 0; rx->trace && i < rx->trace_count; i++) {
            late += rx->trace[i].t_rcv_ns - rx->trace[i].t_int_ns > 150 * NV_NS_PER_MS;
            held += rx->trace[i].t_rcv_ns - rx->trace[i].t_snd_ns >= 300 * NV_NS_PER_MS;
        }
        nv_check_equal(check, "late", rx->late_count, late, "messages");
        nv_check_between(check, "held_back", (double)held,
                         nv_check_binomial(rx->unique_count, 0.05), "messages");
        nv_check_equal(check, "late_not_lost", nv_run_result_all(&run, NV_ROW_UP)->lost_count, 0,
                       "messages");
    }
    nv_run_result_dispose(&run);
    if (check->error.code)
        return check->error.code;
    if (nv_check_run_exact(check, &run, "path=reorder=5%%,reorder-delay=2s duration=500ms") ==
        NV_OK) {
        nv_check_equal(check, "too_late_is_lost", nv_run_result_all(&run, NV_ROW_UP)->lost_count,
                       run.path.way[NV_WAY_UP].reordered_count, "messages");
    }
    nv_run_result_dispose(&run);
    return check->error.code;
}

/* ---- determinism ---- */

/* The messages that a run loses of the first so many; NULL after a failure. */
static unsigned char *losses_of(struct nv_check_context *check, const char *seed,
                                uint64_t *sched_hash)
{
    struct nv_run_result run;
    unsigned char *arrived = NULL;
    if (nv_check_run_exact(check, &run, "path=loss=5%%,delay=1ms,jitter=1ms seed=%s duration=250ms",
                           seed) == NV_OK) {
        const struct nv_result_row *row = nv_run_result_all(&run, NV_ROW_UP);
        arrived = nv_check_arrived(row, row->tx->sched_count);
        *sched_hash = row->sched_hash;
    }
    nv_run_result_dispose(&run);
    return arrived;
}

static int check_again(struct nv_check_context *check)
{
    enum { MESSAGES = 1000 };
    uint64_t hash[3] = {0};
    unsigned char *first = losses_of(check, "7", &hash[0]);
    unsigned char *second = losses_of(check, nv_check_pick(check, "7", "8"), &hash[1]);
    unsigned char *other = losses_of(check, "9", &hash[2]);
    if (first && second && other) {
        nv_check_equal(check, "same_schedule", hash[0] == hash[1], 1, "(1: yes)");
        nv_check_equal(check, "same_losses", memcmp(first, second, MESSAGES) == 0, 1, "(1: yes)");
        nv_check_equal(check, "other_losses_of_other_seed", memcmp(first, other, MESSAGES) == 0, 0,
                       "(1: the same)");
    }
    free(first);
    free(second);
    free(other);
    return check->error.code;
}

const struct nv_check nv_check_packets_rows[] = {
    {"drops", "METHOD 13.2", "a list of packets is lost, message for message", NV_CHECK_PATH,
     check_drops},
    {"loss", "METHOD 12 V4", "losses by chance are as many as asked, each by itself", NV_CHECK_PATH,
     check_loss},
    {"bursts", "METHOD 12 V5", "losses in bursts follow their model (Gilbert and Elliott)",
     NV_CHECK_PATH, check_bursts},
    {"reorder", "METHOD 12 V7", "packets held back are counted as RFC 4737 says", NV_CHECK_PATH,
     check_reorder},
    {"duplicates", "METHOD 12 V8", "second copies are counted one by one", NV_CHECK_PATH,
     check_duplicates},
    {"corrupt", "METHOD 12 V8", "damage is found, by the kernel or by --verify", NV_CHECK_PATH,
     check_corrupt},
    {"ledger", "METHOD 12 V9", "sender, path, kernel and receiver agree on every packet",
     NV_CHECK_PATH, check_ledger},
    {"late", "METHOD 13.2", "late is not lost, and lost is not late", NV_CHECK_PATH, check_late},
    {"again", "METHOD 13.14", "a seed gives the same schedule and the same losses", NV_CHECK_PATH,
     check_again},
    {NULL, NULL, NULL, 0, NULL},
};
