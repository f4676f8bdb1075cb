/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/calls.h"
#include "transport/socket.h"

/* A script carried out by two threads, an end each, that take turns: a row begins when the row
 * before it has returned or, when that one waits, has begun. So calls begin in the order of the
 * script, and those that wait really do. A call that hangs is interrupted by a signal. */

#define HANG_NS (2 * NV_NS_PER_S)
#define SHOW_MS 1000 /* a socket takes far less to show what a row asks for */
#define SINK_IN_NS                                                                                 \
    NV_NS_PER_MS /* for a call that waits to be in the kernel when the next begins                 \
                  */
#define NUDGE_NS (10 * NV_NS_PER_MS)
#define NUDGE SIGUSR1
#define DISCARD_PORT 9

struct end {
    struct nv_exchange *exchange;
    enum nv_calls_end which;
    pthread_t thread;
};

/* ---- addresses that no call finds ---- */

static void set_address(struct sockaddr_storage *address, int family, const char *host,
                        uint16_t port)
{
    struct sockaddr_in *v4 = (void *)address;
    struct sockaddr_in6 *v6 = (void *)address;
    *address = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    (void)inet_pton(family, host,
                    family == AF_INET6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr);
    nv_address_set_port(address, port);
}

/* A bound TCP socket that does not listen refuses; a UDP socket connected to itself lets no one
 * else in. Either way nobody can take the port meanwhile. */
static int hold_port(struct nv_exchange *exchange, struct nv_error *err)
{
    struct sockaddr_storage *nobody = &exchange->address[NV_AT_NOBODY];
    socklen_t len = sizeof *nobody;
    int fd = socket(AF_INET, exchange->type | SOCK_CLOEXEC, 0);
    exchange->holder_fd = fd;
    set_address(nobody, AF_INET, "127.0.0.1", 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)nobody, nv_address_len(nobody)) ||
        getsockname(fd, (struct sockaddr *)nobody, &len))
        return nv_fail_errno(err, NV_E_FAILED, errno, "a port on loopback");
    if (exchange->type == SOCK_DGRAM && connect(fd, (struct sockaddr *)nobody, len))
        return nv_fail_errno(err, NV_E_FAILED, errno, "a port on loopback");
    return NV_OK;
}

/* Asked over UDP, whose connect looks for a route and sends nothing. */
static bool has_no_route(const struct sockaddr_storage *address)
{
    const int on = 1;
    int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool none = setsockopt(fd, SOL_SOCKET, SO_DONTROUTE, &on, sizeof on) == 0 &&
                connect(fd, (const struct sockaddr *)address, nv_address_len(address)) < 0 &&
                errno == ENETUNREACH;
    (void)close(fd);
    return none;
}

/* RFC 1112 and RFC 3849: addresses that nobody has. */
static int find_unrouted(struct nv_exchange *exchange, struct nv_error *err)
{
    static const struct {
        int family;
        const char *host;
    } candidates[] = {{AF_INET, "240.0.0.1"}, {AF_INET6, "2001:db8::1"}};
    struct sockaddr_storage *unrouted = &exchange->address[NV_AT_UNROUTED];
    for (unsigned i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        set_address(unrouted, candidates[i].family, candidates[i].host, DISCARD_PORT);
        if (has_no_route(unrouted))
            return NV_OK;
    }
    return nv_fail(err, NV_E_FAILED,
                   "this machine has a route without a gateway to every address; nothing was sent");
}

static bool names(const struct nv_script *script, enum nv_calls_address at)
{
    for (const struct nv_step *step = script->steps; step->call; step++)
        if (step->at == at)
            return true;
    return false;
}

int nv_exchange_prepare(struct nv_exchange *exchange, struct nv_error *err)
{
    exchange->holder_fd = -1;
    set_address(&exchange->address[NV_AT_NONE], AF_INET, "0.0.0.0", 0);
    set_address(&exchange->address[NV_AT_ANY_PORT], AF_INET, "127.0.0.1", 0);
    if (names(exchange->script, NV_AT_NOBODY) && hold_port(exchange, err))
        return err->code;
    if (names(exchange->script, NV_AT_UNROUTED) && find_unrouted(exchange, err))
        return err->code;
    return NV_OK;
}

/* ---- one end ---- */

static void pass_turn(struct nv_exchange *exchange, unsigned next)
{
    (void)pthread_mutex_lock(&exchange->lock);
    exchange->turn = next;
    exchange->moved_ns = nv_clock_ns();
    (void)pthread_cond_broadcast(&exchange->changed);
    (void)pthread_mutex_unlock(&exchange->lock);
}

static bool await_turn(struct nv_exchange *exchange, unsigned number)
{
    (void)pthread_mutex_lock(&exchange->lock);
    while (exchange->turn != number && !exchange->stopped)
        (void)pthread_cond_wait(&exchange->changed, &exchange->lock);
    bool stopped = exchange->stopped;
    (void)pthread_mutex_unlock(&exchange->lock);
    return !stopped;
}

static void stop_at(struct nv_exchange *exchange, unsigned number)
{
    (void)pthread_mutex_lock(&exchange->lock);
    if (!exchange->stopped)
        exchange->failed_step = (int)number;
    exchange->stopped = true;
    (void)pthread_cond_broadcast(&exchange->changed);
    (void)pthread_mutex_unlock(&exchange->lock);
}

static const struct nv_call_maker *call_of(const struct nv_exchange *exchange,
                                           const struct nv_step *step)
{
    bool plain = exchange->read_write && step->call->plain && step->at == NV_AT_NONE;
    return plain ? step->call->plain : step->call;
}

static void note_filled(struct nv_call_record *record, const struct sockaddr_storage *filled)
{
    char text[NV_ADDRESS_TEXT_BYTES];
    if (filled->ss_family != AF_UNSPEC)
        (void)snprintf(record->filled, sizeof record->filled, "%s", nv_address_text(filled, text));
}

static void make_call(struct nv_exchange *exchange, unsigned number)
{
    const struct nv_step *step = &exchange->script->steps[number];
    const struct nv_call_maker *call = call_of(exchange, step);
    struct nv_call_record *record = &exchange->records[number];
    struct nv_text arguments = nv_text_in(record->arguments, sizeof record->arguments);
    struct sockaddr_storage filled = {.ss_family = AF_UNSPEC};
    struct pollfd shown = {.fd = exchange->fd[step->on], .events = step->until};
    if (step->until)
        (void)poll(&shown, 1, SHOW_MS);
    record->call = call->name;
    record->took_ns = -1;
    call->say(&arguments, exchange, step);
    record->begin_ns = nv_clock_ns(); /* before the next one's, whoever is held up */
    if (step->waits)
        pass_turn(exchange, number + 1);
    record->result = call->make(exchange, step, &filled);
    record->error = record->result < 0 ? errno : 0;
    record->took_ns = (int64_t)(nv_clock_ns() - record->begin_ns);
    note_filled(record, &filled);
}

static bool take_step(struct nv_exchange *exchange, unsigned number)
{
    const struct nv_step *step = &exchange->script->steps[number];
    if (!await_turn(exchange, number))
        return false;
    if (number && step[-1].waits)
        nv_clock_sleep_until(nv_clock_ns() + SINK_IN_NS);
    make_call(exchange, number);
    if (exchange->records[number].error != step->error) {
        stop_at(exchange, number);
        return false;
    }
    if (!step->waits)
        pass_turn(exchange, number + 1);
    return true;
}

static void *end_main(void *argument)
{
    const struct end *end = argument;
    struct nv_exchange *exchange = end->exchange;
    const struct nv_step *steps = exchange->script->steps;
    bool going = true;
    for (unsigned i = 0; going && steps[i].call; i++)
        if (steps[i].end == end->which)
            going = take_step(exchange, i);
    (void)pthread_mutex_lock(&exchange->lock);
    exchange->running--;
    (void)pthread_cond_broadcast(&exchange->changed);
    (void)pthread_mutex_unlock(&exchange->lock);
    return NULL;
}

/* ---- both ---- */

static void ignore_nudge(int number)
{
    (void)number;
}

static void wait_until(struct nv_exchange *exchange, uint64_t deadline_ns)
{
    const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / NV_NS_PER_S),
                                      .tv_nsec = (long)(deadline_ns % NV_NS_PER_S)};
    (void)pthread_cond_timedwait(&exchange->changed, &exchange->lock, &deadline);
}

/* Until both ends are done. What still waits in the kernel when the exchange is over is nudged out
 * of it, more than once, as the first signal may come just before the call. */
static void watch(struct nv_exchange *exchange, const struct end *ends)
{
    (void)pthread_mutex_lock(&exchange->lock);
    while (exchange->running) {
        uint64_t now_ns = nv_clock_ns();
        if (now_ns >= exchange->moved_ns + HANG_NS && !exchange->stopped) {
            exchange->stopped = true;
            (void)pthread_cond_broadcast(&exchange->changed);
        }
        for (unsigned i = 0; exchange->stopped && i < NV_CALLS_ENDS; i++)
            (void)pthread_kill(ends[i].thread, NUDGE);
        wait_until(exchange, exchange->stopped ? now_ns + NUDGE_NS : exchange->moved_ns + HANG_NS);
    }
    (void)pthread_mutex_unlock(&exchange->lock);
}

static int start_ends(struct nv_exchange *exchange, struct end *ends, struct nv_error *err)
{
    unsigned started = 0;
    int failed = 0;
    exchange->running = NV_CALLS_ENDS;
    while (started < NV_CALLS_ENDS && !failed) {
        struct end *end = &ends[started];
        *end = (struct end){.exchange = exchange, .which = (enum nv_calls_end)started};
        failed = pthread_create(&end->thread, NULL, end_main, end);
        started += !failed;
    }
    if (!failed)
        watch(exchange, ends);
    else
        stop_at(exchange, 0);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(ends[i].thread, NULL);
    return failed ? nv_fail_errno(err, NV_E_FAILED, failed, "pthread_create") : NV_OK;
}

static int tell_hang(const struct nv_exchange *exchange, struct nv_error *err)
{
    for (unsigned i = 0; exchange->script->steps[i].call; i++)
        if (exchange->records[i].error == EINTR)
            return nv_fail(err, NV_E_FAILED, "%s did not return within 2 s",
                           exchange->records[i].call);
    return nv_fail(err, NV_E_FAILED, "nothing happened for 2 s");
}

static int judge(const struct nv_exchange *exchange, struct nv_error *err)
{
    if (!exchange->stopped)
        return NV_OK;
    if (exchange->failed_step < 0)
        return tell_hang(exchange, err);
    const struct nv_call_record *record = &exchange->records[exchange->failed_step];
    int wanted = exchange->script->steps[exchange->failed_step].error;
    if (!wanted)
        return nv_fail_errno(err, NV_E_FAILED, record->error, "%s", record->call);
    if (!record->error)
        return nv_fail(err, NV_E_FAILED, "%s: no %s, but success", record->call,
                       strerrorname_np(wanted));
    return nv_fail_errno(err, NV_E_FAILED, record->error, "%s: no %s, but another error",
                         record->call, strerrorname_np(wanted));
}

int nv_exchange_run(struct nv_exchange *exchange, struct nv_error *err)
{
    struct end ends[NV_CALLS_ENDS];
    struct sigaction before;
    const struct sigaction nudge = {.sa_handler = ignore_nudge}; /* no SA_RESTART: calls return */
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&exchange->lock, NULL);
    (void)pthread_cond_init(&exchange->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)sigaction(NUDGE, &nudge, &before);
    exchange->failed_step = -1;
    exchange->moved_ns = nv_clock_ns();
    int failed = start_ends(exchange, ends, err);
    (void)sigaction(NUDGE, &before, NULL);
    (void)pthread_cond_destroy(&exchange->changed);
    (void)pthread_mutex_destroy(&exchange->lock);
    return failed ? failed : judge(exchange, err);
}

void nv_exchange_close(struct nv_exchange *exchange)
{
    for (unsigned i = 0; i < NV_ON_SOCKETS; i++)
        if (exchange->is_open[i])
            (void)close(exchange->fd[i]);
    if (exchange->holder_fd >= 0)
        (void)close(exchange->holder_fd);
}
