/* SPDX-License-Identifier: MIT */
#include "path/forwarder.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "measure/quantile.h"
#include "path/chain.h"

#define PACKETS_MAX 32768u    /* of one direction at once */
#define PACKETS_TOUCHED 2048u /* of these, whose pages are taken before the run */
#define READS_PER_TURN 32u
#define PRIORITY (-10)
#define LEAD_NS_MAX (150 * NV_NS_PER_US)
#define TURNS_PER_LOOK 64u /* at the control socket, while there is no time to wait */

struct way {
    struct forwarder *forwarder;
    int in_fd, out_fd;
    struct nv_packet_pool pool;
    struct nv_chain chain;
    struct nv_hist late;
    struct nv_packet_log *log;
    uint64_t refused_count;
};

struct forwarder {
    struct nv_path path;
    struct way way[2];
    int control_fd;
    uint16_t free_port;
    bool configured, ended;
    uint64_t lead_ns;                 /* by which a sleep ends early, to end in time */
    uint8_t spare[NV_PACKET_MTU_MAX]; /* for what finds no room */
};

static bool write_packet(const struct way *way, const struct nv_packet *packet)
{
    return write(way->out_fd, packet->bytes, packet->len_bytes) == (ssize_t)packet->len_bytes;
}

static void release(void *context, struct nv_packet *packet)
{
    struct way *way = context;
    way->refused_count += !write_packet(way, packet) && packet->counted;
    if (packet->counted && packet->at_ns != packet->in_ns) {
        uint64_t now_ns = nv_clock_ns();
        nv_hist_add(&way->late, now_ns > packet->at_ns ? now_ns - packet->at_ns : 0);
    }
    nv_packet_give(&way->pool, packet);
}

static uint16_t port_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* TCP to the port that is to be left alone, or on the way down from it: the conversation about runs
 * is not part of them. */
static bool is_free(const struct way *way, const struct nv_packet *packet)
{
    const uint8_t *bytes = packet->bytes;
    bool v6 = bytes[0] >> 4 == 6;
    uint32_t head = v6 ? 40 : (bytes[0] & 15u) * 4;
    uint16_t port = way->forwarder->free_port;
    bool up = way == &way->forwarder->way[NV_WAY_UP];
    if (!port || packet->len_bytes < head + 4 || bytes[v6 ? 6 : 9] != IPPROTO_TCP)
        return false;
    return port_at(bytes + head + (up ? 2 : 0)) == port;
}

/* False when there is nothing more to read. */
static bool read_packet(struct forwarder *forwarder, struct way *way)
{
    struct nv_packet *packet = nv_packet_take(&way->pool);
    if (!packet) {
        ssize_t n = read(way->in_fd, forwarder->spare, sizeof forwarder->spare);
        if (n > 0)
            nv_chain_overrun(&way->chain, nv_clock_ns(), (uint32_t)n);
        return n > 0;
    }
    ssize_t n = read(way->in_fd, packet->bytes, way->pool.len_bytes_max);
    if (n <= 0) {
        nv_packet_give(&way->pool, packet);
        return false;
    }
    packet->len_bytes = (uint32_t)n;
    if (is_free(way, packet)) {
        (void)write_packet(way, packet);
        nv_packet_give(&way->pool, packet);
        return true;
    }
    packet->at_ns = nv_clock_ns();
    nv_chain_input(&way->chain, packet);
    return true;
}

/* What is still under way belongs to a run that is over. */
static void close_way(struct way *way)
{
    nv_chain_dispose(&way->chain);
    nv_packet_pool_dispose(&way->pool);
}

static int open_way(struct forwarder *forwarder, unsigned index, uint64_t seed,
                    struct nv_error *err)
{
    struct way *way = &forwarder->way[index];
    const struct nv_chain_config config = {
        .impairment = &forwarder->path.way[index],
        .pool = &way->pool,
        .sink = release,
        .context = way,
        .log = way->log,
        .seed = nv_mix64(seed, index),
        .both_delay_ns = nv_path_both_delay_ns(&forwarder->path),
        .mtu_bytes = forwarder->path.mtu_bytes,
    };
    way->refused_count = 0;
    nv_hist_init(&way->late);
    uint32_t stride = ((uint32_t)forwarder->path.mtu_bytes + 63) / 64 * 64;
    if (nv_packet_pool_init(&way->pool, PACKETS_MAX, stride))
        return nv_fail(err, NV_E_FAILED, "path: no memory");
    memset(way->pool.bytes, 0, (size_t)PACKETS_TOUCHED * stride);
    return nv_chain_init(&way->chain, &config, err);
}

static int configure(struct forwarder *forwarder, const struct nv_forwarder_request *request,
                     struct nv_error *err)
{
    for (unsigned i = 0; i < 2 && forwarder->configured; i++)
        close_way(&forwarder->way[i]);
    forwarder->path = request->path;
    forwarder->free_port = request->free_port;
    for (unsigned i = 0; i < 2; i++) {
        struct nv_packet_log *log = forwarder->way[i].log;
        log->capacity = request->log_capacity;
        log->count = log->missed_count = 0;
    }
    int failed = NV_OK;
    for (unsigned i = 0; i < 2 && !failed; i++)
        failed = open_way(forwarder, i, request->seed, err);
    for (unsigned i = 0; i < 2 && failed; i++)
        close_way(&forwarder->way[i]);
    forwarder->configured = !failed;
    return failed;
}

static void report_way(struct way *way, struct nv_way_report *out)
{
    const struct nv_chain_account *account = nv_chain_account(&way->chain);
    *out = (struct nv_way_report){
        .in_count = account->in_count,
        .out_count = account->out_count,
        .dup_count = account->dup_count,
        .corrupt_count = account->corrupt_count,
        .reordered_count = account->reordered_count,
        .held_count = account->held_count,
        .queue_max_bytes = account->queue_max_bytes,
        .weather_count = account->weather_count,
        .delay_p50_ns = nv_quantile_value(&account->delay, 0.5),
        .delay_p99_ns = nv_quantile_value(&account->delay, 0.99),
        .delay_max_ns = account->delay.count ? account->delay.max : NV_UNKNOWN,
        .late_p50_ns = nv_quantile_value(&way->late, 0.5),
        .late_p99_ns = nv_quantile_value(&way->late, 0.99),
        .late_p99_least_ns =
            way->late.count ? nv_quantile_delivered(&way->late, 0.99, 1).ci_lo_ns : 0,
        .late_max_ns = way->late.count ? way->late.max : NV_UNKNOWN,
        .refused_count = way->refused_count,
        .conserved = nv_chain_conserves(account),
    };
    memcpy(out->drop_count, account->drop_count, sizeof out->drop_count);
}

static void start_way(struct way *way, const struct nv_forwarder_request *request)
{
    way->log->start_ns = request->start_ns;
    nv_chain_start(&way->chain, request->start_ns, request->end_ns);
}

static void serve(struct forwarder *forwarder, const struct nv_forwarder_request *request,
                  struct nv_forwarder_reply *reply)
{
    switch (request->op) {
    case NV_FORWARDER_CONFIGURE:
        (void)configure(forwarder, request, &reply->error);
        break;
    case NV_FORWARDER_START:
        for (unsigned i = 0; i < 2; i++)
            start_way(&forwarder->way[i], request);
        break;
    default:
        reply->report.known = true;
        for (unsigned i = 0; i < 2; i++) {
            report_way(&forwarder->way[i], &reply->report.way[i]);
            forwarder->way[i].log->capacity = 0; /* it is read now */
        }
        break;
    }
}

/* Ends with whoever asks. */
static void look_at_control(struct forwarder *forwarder)
{
    struct nv_forwarder_request request;
    struct nv_forwarder_reply reply = {0};
    ssize_t n = recv(forwarder->control_fd, &request, sizeof request, MSG_DONTWAIT);
    if (n == 0)
        forwarder->ended = true;
    if (n != (ssize_t)sizeof request)
        return;
    serve(forwarder, &request, &reply);
    (void)!send(forwarder->control_fd, &reply, sizeof reply, MSG_NOSIGNAL);
}

static bool read_devices(struct forwarder *forwarder)
{
    bool more = false;
    for (unsigned i = 0; i < 2; i++) {
        unsigned count = 0;
        while (count < READS_PER_TURN && read_packet(forwarder, &forwarder->way[i]))
            count++;
        more |= count > 0;
    }
    return more;
}

static void release_due(struct forwarder *forwarder)
{
    uint64_t now_ns = nv_clock_ns();
    for (unsigned i = 0; i < 2; i++)
        nv_chain_run(&forwarder->way[i].chain, now_ns);
}

static uint64_t next_due_ns(const struct forwarder *forwarder)
{
    uint64_t next_ns = UINT64_MAX;
    for (unsigned i = 0; i < 2 && forwarder->configured; i++) {
        uint64_t way_ns = nv_chain_next_ns(&forwarder->way[i].chain);
        next_ns = way_ns < next_ns ? way_ns : next_ns;
    }
    return next_ns;
}

/* Sleeps end late by tens of microseconds, so they are asked to end so much earlier; the rest of
 * the time is spent looking at the devices. */
static void learn_lead(struct forwarder *forwarder, uint64_t asked_ns)
{
    uint64_t now_ns = nv_clock_ns();
    uint64_t late_ns = now_ns > asked_ns ? now_ns - asked_ns : 0;
    if (late_ns > LEAD_NS_MAX)
        late_ns = LEAD_NS_MAX;
    forwarder->lead_ns = (7 * forwarder->lead_ns + late_ns) / 8;
}

static void wait_for_work(struct forwarder *forwarder)
{
    struct pollfd fds[3] = {{.fd = forwarder->control_fd, .events = POLLIN},
                            {.fd = forwarder->way[0].in_fd, .events = POLLIN},
                            {.fd = forwarder->way[1].in_fd, .events = POLLIN}};
    uint64_t next_ns = next_due_ns(forwarder);
    uint64_t now_ns = nv_clock_ns();
    if (next_ns <= now_ns + forwarder->lead_ns)
        return;
    uint64_t wait_ns = next_ns == UINT64_MAX ? NV_NS_PER_S : next_ns - forwarder->lead_ns - now_ns;
    const struct timespec timeout = {.tv_sec = (time_t)(wait_ns / NV_NS_PER_S),
                                     .tv_nsec = (long)(wait_ns % NV_NS_PER_S)};
    int ready = ppoll(fds, forwarder->configured ? 3 : 1, &timeout, NULL);
    if (ready == 0)
        learn_lead(forwarder, now_ns + wait_ns);
    else if (ready > 0 && fds[0].revents)
        look_at_control(forwarder);
}

void nv_forwarder_run(const struct nv_forwarder_config *config)
{
    struct forwarder *forwarder = calloc(1, sizeof *forwarder);
    if (!forwarder)
        return;
    (void)prctl(PR_SET_TIMERSLACK, 1);
    (void)setpriority(PRIO_PROCESS, 0, PRIORITY); /* where we may: a network is never busy */
    forwarder->control_fd = config->control_fd;
    for (unsigned i = 0; i < 2; i++)
        forwarder->way[i] = (struct way){.forwarder = forwarder,
                                         .in_fd = config->devices[i],
                                         .out_fd = config->devices[1 - i],
                                         .log = config->logs[i]};
    for (unsigned turn = 0; !forwarder->ended; turn++) {
        bool more = false;
        if (forwarder->configured) {
            release_due(forwarder);
            more = read_devices(forwarder);
        }
        if (!more)
            wait_for_work(forwarder);
        if (turn % TURNS_PER_LOOK == 0)
            look_at_control(forwarder);
    }
    for (unsigned i = 0; i < 2 && forwarder->configured; i++)
        close_way(&forwarder->way[i]);
    free(forwarder);
}
