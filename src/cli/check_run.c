/* SPDX-License-Identifier: MIT */
#include "cli/check_run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "measure/quantile.h"

#define USUAL                                                                                      \
    "transport=udp workload=stream size=64 rate=4k/s arrival=constant duration=1s warmup=0 "       \
    "cooldown=0 drain=100ms rcvbuf=4Mi seed=42 messages=40000 path=none"
#define WORD_BYTES 160
#define SLEEP_NS NV_NS_PER_MS
#define EXACT_ATTEMPTS 4u
#define BUSY_TIMER_NS (200 * NV_NS_PER_US) /* p50 of a timer, */
#define BUSY_LATE_NS (20 * NV_NS_PER_MS)   /* and p99 of a timer, or of a send */
#define BUSY_EMPTY_NS NV_NS_PER_MS         /* p50 of the empty path */

/* Sleeps while something is measured, and notes how late it is woken: what of the times was this
 * machine's doing, by a witness that has no part in them. */
struct witness {
    uv_thread_t thread;
    atomic_bool over;
    struct nv_hist late;
};

static void witness_main(void *context)
{
    struct witness *witness = context;
    uint64_t due_ns = nv_clock_ns();
    (void)prctl(PR_SET_TIMERSLACK, 1);
    while (!atomic_load(&witness->over)) {
        due_ns += SLEEP_NS;
        nv_clock_sleep_until(due_ns);
        uint64_t now_ns = nv_clock_ns();
        nv_hist_add(&witness->late, now_ns - due_ns);
        due_ns = now_ns;
    }
}

static int apply(struct nv_spec *spec, const char *settings, struct nv_error *err)
{
    char word[WORD_BYTES];
    int used;
    for (; sscanf(settings, " %159s%n", word, &used) == 1; settings += used) {
        char *equals = strchr(word, '=');
        const struct nv_option *option =
            equals ? nv_option_find(nv_spec_options, word, (size_t)(equals - word)) : NULL;
        if (!option)
            return nv_fail(err, NV_E_FAILED, "a check asks for '%s'", word);
        if (nv_option_set(option, spec, equals + 1, err))
            return err->code;
    }
    return NV_OK;
}

/* The server on loopback stands still from one firing of the timer to the next. */
static void freeze_cb(uv_timer_t *timer)
{
    struct nv_check_context *check = timer->data;
    struct nv_check_freeze *freeze = &check->freeze;
    pid_t pid = check->ends.end[NV_NETWORK_REAL].child.process.pid;
    if (freeze->stopped_ns) {
        freeze->going_ns = nv_clock_ns();
        (void)kill(pid, SIGCONT);
        (void)uv_timer_stop(timer);
        return;
    }
    (void)kill(pid, SIGSTOP);
    freeze->stopped_ns = nv_clock_ns();
    (void)uv_timer_start(timer, freeze_cb, freeze->for_ns / NV_NS_PER_MS, 0);
}

static void started(void *context, uint64_t t0_ns, uint64_t end_ns)
{
    struct nv_check_context *check = context;
    uint64_t due_ns = t0_ns + check->freeze.after_ns;
    uint64_t now_ns = nv_clock_ns();
    (void)end_ns;
    if (!check->freeze.for_ns)
        return;
    check->freeze.t0_ns = t0_ns;
    check->freeze.stopped_ns = check->freeze.going_ns = 0;
    uv_update_time(&check->loop);
    (void)uv_timer_start(&check->freeze.timer, freeze_cb,
                         due_ns > now_ns ? (due_ns - now_ns) / NV_NS_PER_MS : 0, 0);
}

/* Whatever became of the run. */
static void thaw(struct nv_check_context *check)
{
    struct nv_check_freeze *freeze = &check->freeze;
    (void)uv_timer_stop(&freeze->timer);
    if (freeze->stopped_ns && !freeze->going_ns)
        (void)kill(check->ends.end[NV_NETWORK_REAL].child.process.pid, SIGCONT);
    freeze->for_ns = 0;
}

static void note_busy(struct nv_check_context *check, const char *what, uint64_t took_ns)
{
    (void)snprintf(check->spoiled, sizeof check->spoiled,
                   "this machine is too busy: %s %.1f ms, measured %u times", what,
                   (double)took_ns / 1e6, NV_CHECK_ATTEMPTS);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What is tolerated for it has a limit. */
static void note_noise(struct nv_check_context *check, const struct nv_hist *late)
{
    uint64_t p50_ns = nv_quantile_value(late, 0.5);
    uint64_t p99_ns = nv_quantile_value(late, 0.99);
    if (p50_ns > BUSY_TIMER_NS)
        note_busy(check, "half of the timers were late by", p50_ns);
    if (p99_ns > BUSY_LATE_NS)
        note_busy(check, "timers were late by", p99_ns);
    check->noise = (struct nv_check_noise){.p50_ns = smaller(p50_ns, BUSY_TIMER_NS),
                                           .p99_ns = smaller(p99_ns, BUSY_LATE_NS)};
}

/* Signs that have nothing to do with what is checked: sends are late, and the path is slow when it
 * is empty. */
static void look_for_load(struct nv_check_context *check, const struct nv_run_result *run,
                          bool frozen)
{
    bool is_empty = strcmp(run->spec.path, "empty") == 0;
    bool is_paced = run->spec.rate.kind != NV_RATE_MAX && !frozen;
    for (unsigned i = 0; i < 2 && run->path.known; i++)
        if (run->path.way[i].late_p99_ns != NV_UNKNOWN &&
            run->path.way[i].late_p99_ns > BUSY_LATE_NS)
            note_busy(check, "the emulator woke up late by", run->path.way[i].late_p99_ns);
    for (unsigned i = 0; i < run->row_count; i++) {
        uint64_t lag_ns = nv_quantile_value(&run->rows[i].tx->sched_lag, 0.99);
        uint64_t took_ns = nv_quantile_value(&run->rows[i].rx->serv, 0.5);
        if (is_paced && lag_ns != NV_UNKNOWN && lag_ns > BUSY_LATE_NS)
            note_busy(check, "sends were late by", lag_ns);
        if (is_paced && is_empty && took_ns != NV_UNKNOWN && took_ns > BUSY_EMPTY_NS)
            note_busy(check, "the empty path took", took_ns);
    }
}

static int measure(struct nv_check_context *check, struct nv_run_result *run)
{
    struct nv_path path;
    struct witness *witness = calloc(1, sizeof *witness);
    struct nv_error *err = &check->error;
    if (!witness)
        return nv_fail(err, NV_E_FAILED, "no memory");
    struct nv_remote *real = nv_ends_remote(&check->ends, NV_NETWORK_REAL);
    real->started = started;
    real->started_context = check;
    bool watched = uv_thread_create(&witness->thread, witness_main, witness) == 0;
    if (nv_campaign_path(&check->campaign, run->spec.path, &path, err) == NV_OK)
        (void)nv_ends_measure(&check->ends, &path, run, err);
    bool frozen = check->freeze.for_ns > 0;
    thaw(check);
    atomic_store(&witness->over, true);
    if (watched)
        (void)uv_thread_join(&witness->thread);
    check->noise = (struct nv_check_noise){0};
    if (witness->late.count)
        note_noise(check, &witness->late);
    free(witness);
    if (!err->code)
        look_for_load(check, run, frozen);
    check->run_count++;
    for (unsigned i = 0; i < run->row_count; i++)
        check->backward_count += run->rows[i].rx ? (unsigned)run->rows[i].rx->negative_count : 0;
    return err->code;
}

__attribute__((format(printf, 3, 0))) static int run_with(struct nv_check_context *check,
                                                          struct nv_run_result *run,
                                                          const char *format, va_list list)
{
    char settings[512];
    memset(run, 0, sizeof *run);
    (void)vsnprintf(settings, sizeof settings, format, list);
    (void)snprintf(run->key.run_id, sizeof run->key.run_id, "%.40s", check->row->name);
    nv_options_reset(nv_spec_options, &run->spec);
    if (apply(&run->spec, USUAL, &check->error) || apply(&run->spec, settings, &check->error) ||
        nv_spec_check(&run->spec, &check->error))
        return check->error.code;
    return measure(check, run);
}

int nv_check_run(struct nv_check_context *check, struct nv_run_result *run, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int failed = run_with(check, run, format, list);
    va_end(list);
    return failed;
}

/* Packets that the device, the emulator or a socket had no room for are none of the path's. */
static bool overrun(const struct nv_run_result *run)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < 2 && run->path.known; i++)
        count += run->path.way[i].device_drop_count + run->path.way[i].refused_count +
                 run->path.way[i].drop_count[NV_DROP_OVERRUN];
    for (unsigned i = 0; i < run->row_count; i++) {
        const struct nv_result_row *row = &run->rows[i];
        uint64_t spoiled = run->path.way[row->direction == NV_ROW_DOWN].corrupt_count;
        uint64_t drops = row->receiver.tcp.known ? 0 : row->receiver.drops_count;
        count += drops != spoiled ? drops : 0; /* damage may be counted among them, or not */
        count += row->tx->sched_count - row->tx->sent_count;
    }
    return count > 0;
}

int nv_check_run_exact(struct nv_check_context *check, struct nv_run_result *run,
                       const char *format, ...)
{
    for (unsigned attempt = 1;; attempt++) {
        va_list list;
        va_start(list, format);
        int failed = run_with(check, run, format, list);
        va_end(list);
        if (failed || attempt == EXACT_ATTEMPTS || !overrun(run))
            return failed;
        nv_run_result_dispose(run);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double *nv_check_delays(const struct nv_result_row *row, unsigned *count)
{
    uint64_t total = row && row->rx->trace ? row->rx->trace_count : 0;
    double *values = total ? calloc(total, sizeof *values) : NULL;
    *count = 0;
    for (uint64_t i = 0; values && i < total; i++) {
        const struct nv_trace_row *trace = &row->rx->trace[i];
        if (trace->status == NV_TRACE_OK)
            values[(*count)++] = (double)trace->t_rcv_ns - (double)trace->t_snd_ns;
    }
    if (values)
        qsort(values, *count, sizeof *values, by_value);
    return values;
}

double nv_check_rank(const double *values, unsigned count, double p)
{
    unsigned rank = (unsigned)(p * count + 1 - 1e-9);
    return count ? values[(rank > count ? count : rank ? rank : 1) - 1] : 0;
}

unsigned char *nv_check_arrived(const struct nv_result_row *row, uint64_t count)
{
    unsigned char *arrived = calloc(count + 1, 1);
    for (uint64_t i = 0; arrived && row->rx->trace && i < row->rx->trace_count; i++)
        if (row->rx->trace[i].seq < count)
            arrived[row->rx->trace[i].seq] = 1;
    return arrived;
}

/* Two lines that begin with "Udp:", names and values. */
static void read_snmp(struct nv_check_udp *udp)
{
    char line[512];
    FILE *in = fopen("/proc/thread-self/net/snmp", "re");
    *udp = (struct nv_check_udp){0};
    while (in && fgets(line, sizeof line, in))
        (void)sscanf(line, "Udp: %" SCNu64 " %*u %*u %*u %" SCNu64 " %*u %" SCNu64, &udp->received,
                     &udp->buffer_errors, &udp->checksum_errors);
    if (in)
        (void)fclose(in);
}

int nv_check_read_udp(struct nv_check_context *check, struct nv_check_udp *udp)
{
    const struct nv_carrier *carrier = &check->ends.carrier;
    if (nv_carrier_enter(carrier, NV_PLACE_FAR, &check->error))
        return check->error.code;
    read_snmp(udp);
    return nv_carrier_enter(carrier, NV_PLACE_NEAR, &check->error);
}
