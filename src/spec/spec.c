/* SPDX-License-Identifier: MIT */
#include "spec/spec.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "spec/levels.h"
#include "wire/message.h"

#define DIAG_ROWS 10000u
#define HOUR_NS (3600 * NV_NS_PER_S)

static int parse_sizes(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    return nv_sizes_parse(value, text, NULL);
}

static void format_sizes(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)row;
    (void)nv_sizes_format(value, out, n);
}

static const struct nv_option_type sizes_type = {
    "a size of at least 40 bytes, 64-1k (uniform), or 64+1k or 64:3+1k:1 (weighted mix)",
    parse_sizes, format_sizes, NULL};

static int parse_path(const struct nv_option *row, void *value, const char *text)
{
    return *text ? nv_option_text.parse(row, value, text) : NV_E_USAGE;
}

static void format_path(const struct nv_option *row, const void *value, char *out, size_t n)
{
    nv_option_text.format(row, value, out, n);
}

static const struct nv_option_type path_type = {"a name or settings (netversus list paths)",
                                                parse_path, format_path, nv_levels_paths};

static int parse_cpus(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    struct nv_cpus *cpus = value;
    cpus[0] = cpus[1] = (struct nv_cpus){0};
    if (!*text)
        return NV_OK;
    const char *end = nv_cpus_parse(&cpus[0], text, ':');
    if (end && *end)
        end = nv_cpus_parse(&cpus[1], end + 1, '\0');
    else
        cpus[1] = cpus[0];
    return end ? NV_OK : NV_E_USAGE;
}

static void format_cpus(const struct nv_option *row, const void *value, char *out, size_t n)
{
    (void)row;
    const struct nv_cpus *cpus = value;
    int used = nv_cpus_format(&cpus[0], out, n);
    if (used > 0 && (size_t)used + 1 < n) {
        out[used] = ':';
        (void)nv_cpus_format(&cpus[1], out + used + 1, n - (size_t)used - 1);
    }
}

static const struct nv_option_type cpus_type = {
    "processors such as 2 or 0-3 or 0+2, for both ends or as CLIENT:SERVER", parse_cpus,
    format_cpus, NULL};

static const char *const arrivals[] = {"constant", "poisson", "burst", NULL};
static const char *const directions[] = {"up", "down", "both", NULL};
static const char *const policies[] = {"drop", "wait", NULL};
static const char *const waits[] = {"block", "spin", "busy-poll", NULL};
static const char *const paces[] = {"auto", "sleep", "hybrid", NULL};

#define AT(field) offsetof(struct nv_spec, field)

const struct nv_option nv_spec_options[] = {
    {.name = "transport",
     .type = &nv_option_text,
     .offset = AT(transport),
     .fallback = "tcp",
     .form = "tcp or udp; two of them make a comparison",
     .sweeps = true,
     .help = "the transports to compare, such as tcp,udp (or tcp,tcp to test the instrument)"},
    {.name = "app",
     .type = &nv_option_text,
     .offset = AT(app),
     .fallback = "",
     .form = "a name (netversus list apps)",
     .sweeps = true,
     .help = "applications, such as voip,video: each sets workload, size, rate and the like"},
    {.name = "workload",
     .type = &nv_option_text,
     .offset = AT(workload),
     .fallback = "rr",
     .form = "stream, rr or crr",
     .sweeps = true,
     .help = "stream: one way; rr: each message is answered; crr: and has a connection of its own"},
    {.name = "engine",
     .type = &nv_option_text,
     .offset = AT(engine),
     .fallback = "poll",
     .form = "poll, blocking, batch or uv",
     .sweeps = true,
     .help = "how sockets are driven, the same on both transports"},
    {.name = "size",
     .type = &sizes_type,
     .offset = AT(sizes),
     .fallback = "64",
     .sweeps = true,
     .help = "message size, the 40-byte header included"},
    {.name = "reply-size",
     .type = &nv_option_size,
     .offset = AT(reply_bytes),
     .fallback = "0",
     .max = NV_MESSAGE_BYTES_MAX,
     .sweeps = true,
     .help = "size of a reply in rr; 0: as long as the request"},
    {.name = "rate",
     .type = &nv_option_rate,
     .offset = AT(rate),
     .fallback = "2000/s",
     .sweeps = true,
     .form = "N/s, Nbit/s, max or search, such as 2000/s or 10Mbit/s",
     .help =
         "messages or bits a second and flow; max: as fast as it goes; search: the highest that "
         "UDP carries within loss-target, and TCP at max"},
    {.name = "arrival",
     .type = &nv_option_choice,
     .offset = AT(arrival),
     .fallback = "poisson",
     .choices = arrivals,
     .sweeps = true,
     .help = "spacing of the intended times"},
    {.name = "burst",
     .type = &nv_option_count,
     .offset = AT(burst_msgs),
     .fallback = "10",
     .min = 1,
     .max = 65536,
     .sweeps = true,
     .help = "messages due together in arrival burst"},
    {.name = "window",
     .type = &nv_option_count,
     .offset = AT(window_msgs),
     .fallback = "1",
     .min = 1,
     .max = 1024,
     .sweeps = true,
     .help = "requests in flight in rr and crr at rate max"},
    {.name = "batch",
     .type = &nv_option_count,
     .offset = AT(batch_msgs),
     .fallback = "4096",
     .min = 1,
     .max = 4096,
     .sweeps = true,
     .help = "messages that engine batch sends in one call, at most"},
    {.name = "flows",
     .type = &nv_option_count,
     .offset = AT(flows),
     .fallback = "1",
     .min = 1,
     .max = NV_FLOWS_MAX,
     .sweeps = true,
     .help = "connections, each with a schedule of its own"},
    {.name = "threads",
     .type = &nv_option_count,
     .offset = AT(threads),
     .fallback = "1",
     .min = 1,
     .max = NV_FLOWS_MAX,
     .sweeps = true,
     .help = "data threads at each end, which share the flows; engine blocking has one a flow"},
    {.name = "cpus",
     .type = &cpus_type,
     .offset = AT(cpus),
     .fallback = "",
     .sweeps = true,
     .help = "processors that the data threads keep to, in turn, such as 0:1 for client:server; "
             "empty: any"},
    {.name = "direction",
     .type = &nv_option_choice,
     .offset = AT(direction),
     .fallback = "up",
     .choices = directions,
     .sweeps = true,
     .help = "which way a stream goes; up is from client to server"},
    {.name = "path",
     .type = &path_type,
     .offset = AT(path),
     .fallback = "none",
     .sweeps = true,
     .help = "emulated network such as wifi or delay=20ms,loss=0|1%; none: the real one"},
    {.name = "duration",
     .type = &nv_option_time,
     .offset = AT(duration_ns),
     .fallback = "10s",
     .min = NV_NS_PER_MS,
     .max = 24 * HOUR_NS,
     .help = "length of the measured phase"},
    {.name = "warmup",
     .type = &nv_option_time,
     .offset = AT(warmup_ns),
     .fallback = "500ms",
     .max = HOUR_NS,
     .help = "load before the measured phase, not counted"},
    {.name = "cooldown",
     .type = &nv_option_time,
     .offset = AT(cooldown_ns),
     .fallback = "100ms",
     .max = HOUR_NS,
     .help = "load after the measured phase, not counted"},
    {.name = "drain",
     .type = &nv_option_time,
     .offset = AT(drain_ns),
     .fallback = "1s",
     .min = 10 * NV_NS_PER_MS,
     .max = 10 * NV_NS_PER_S,
     .help = "wait for stragglers after the last send; what comes later is lost"},
    {.name = "deadline",
     .type = &nv_option_time,
     .offset = AT(deadline_ns),
     .fallback = "50ms",
     .min = 1,
     .max = 10 * NV_NS_PER_S,
     .sweeps = true,
     .help = "a message is on time when it arrives within this after its intended time"},
    {.name = "nodelay",
     .type = &nv_option_bool,
     .offset = AT(nodelay),
     .fallback = "yes",
     .sweeps = true,
     .help = "TCP_NODELAY; no: Nagle's algorithm"},
    {.name = "quickack",
     .type = &nv_option_bool,
     .offset = AT(quickack),
     .fallback = "yes",
     .sweeps = true,
     .help = "TCP acknowledges when the system sees fit; no: as late as it may (TCP_QUICKACK 0)"},
    {.name = "cc",
     .type = &nv_option_text,
     .offset = AT(cc),
     .fallback = "",
     .sweeps = true,
     .form = "a congestion control, such as cubic",
     .help = "TCP congestion control; empty: the system's"},
    {.name = "sndbuf",
     .type = &nv_option_size,
     .offset = AT(sndbuf_bytes),
     .fallback = "0",
     .max = 1u << 30,
     .sweeps = true,
     .help = "SO_SNDBUF to ask for; 0: the system's"},
    {.name = "rcvbuf",
     .type = &nv_option_size,
     .offset = AT(rcvbuf_bytes),
     .fallback = "0",
     .max = 1u << 30,
     .sweeps = true,
     .help = "SO_RCVBUF to ask for; 0: the system's"},
    {.name = "read-size",
     .type = &nv_option_size,
     .offset = AT(read_bytes),
     .fallback = "0",
     .max = NV_MESSAGE_BYTES_MAX,
     .sweeps = true,
     .help = "bytes that one receive call asks for, at most; 0: what the engine takes (64 KiB or "
             "more). What is longer of a datagram is cut off and gone"},
    {.name = "udp-policy",
     .type = &nv_option_choice,
     .offset = AT(udp_policy),
     .fallback = "drop",
     .choices = policies,
     .sweeps = true,
     .help = "a full send buffer makes UDP drop the message, or wait as TCP does"},
    {.name = "pace",
     .type = &nv_option_choice,
     .offset = AT(pace),
     .fallback = "auto",
     .choices = paces,
     .sweeps = true,
     .help = "how to wait for a send time; hybrid spins at the end, where a core is free"},
    {.name = "wait",
     .type = &nv_option_choice,
     .offset = AT(wait),
     .fallback = "block",
     .choices = waits,
     .sweeps = true,
     .help =
         "for input: asleep; spin: look without end, which takes a core for each end; busy-poll: "
         "SO_BUSY_POLL"},
    {.name = "dscp",
     .type = &nv_option_count,
     .offset = AT(dscp),
     .fallback = "0",
     .max = 63,
     .sweeps = true,
     .help = "differentiated services code point of every packet"},
    {.name = "verify",
     .type = &nv_option_bool,
     .offset = AT(verify),
     .fallback = "no",
     .help = "compare every received byte with what was sent"},
    {.name = "messages",
     .type = &nv_option_count,
     .offset = AT(messages),
     .fallback = "0",
     .max = 1000000,
     .help = "write messages.csv, at most so many rows a flow and direction; 0: none"},
    {.name = "seed",
     .type = &nv_option_count,
     .offset = AT(seed),
     .fallback = "0",
     .help = "of schedules and orders; 0: drawn, and written down"},
    {.name = "backlog",
     .type = &nv_option_count,
     .offset = AT(backlog),
     .fallback = "4096",
     .max = 65535,
     .sweeps = true,
     .help =
         "connections that may wait to be accepted, in crr (net.core.somaxconn is a limit, too)"},
    {.name = "udp-connect",
     .type = &nv_option_bool,
     .offset = AT(udp_connect),
     .fallback = "no",
     .sweeps = true,
     .help = "in crr: connect, send and recv on UDP, too; no: sendto and recvfrom"},
    {.name = "loss-target",
     .type = &nv_option_share,
     .offset = AT(loss_target),
     .fallback = "0.001",
     .form = "a share such as 0.1% or 1e-5",
     .sweeps = true,
     .help = "of rate search: the share of messages that may fail to arrive; 0: none"},
    {.name = "diag",
     .type = &nv_option_bool,
     .offset = AT(diag),
     .fallback = "no",
     .sweeps = true,
     .help = "kernel time stamps of every message, to tell where it waited: parts.csv and "
             "messages.csv. Costs time, and is never judged"},
    {.name = "stall",
     .type = &nv_option_time,
     .offset = AT(stall_ns),
     .fallback = "0",
     .max = HOUR_NS,
     .sweeps = true,
     .help = "in the middle of the measured phase the end that receives (in rr, the server) reads "
             "nothing for so long"},
    {.name = NULL},
};

static int stall_too_long(const struct nv_spec *spec, struct nv_error *err)
{
    char stall[32];
    char duration[32];
    return nv_fail(err, NV_E_USAGE, "stall: %s is longer than the measured phase (duration %s)",
                   nv_format_time(spec->stall_ns, stall, sizeof stall),
                   nv_format_time(spec->duration_ns, duration, sizeof duration));
}

int nv_spec_check(const struct nv_spec *spec, struct nv_error *err)
{
    if (spec->loss_target >= 1)
        return nv_fail(err, NV_E_USAGE, "loss-target: with 100 %% any rate would do");
    if (spec->reply_bytes && spec->reply_bytes < NV_HEADER_BYTES)
        return nv_fail(err, NV_E_USAGE, "reply-size: %llu is under the 40 bytes of a header",
                       (unsigned long long)spec->reply_bytes);
    if (spec->rate.kind != NV_RATE_MAX &&
        nv_spec_rate_msgs(spec) * ((double)nv_spec_end_ns(spec) / 1e9) > 4e9)
        return nv_fail(err, NV_E_USAGE,
                       "rate: more than 4e9 messages in one run; lower rate or duration");
    if (spec->stall_ns > spec->duration_ns)
        return stall_too_long(spec, err);
    if (spec->stall_ns && spec->rate.kind == NV_RATE_SEARCH)
        return nv_fail(err, NV_E_USAGE, "stall: not with rate search, which would find the stall");
    return NV_OK;
}

int nv_spec_check_nature(const struct nv_spec *spec, struct nv_spec_nature nature,
                         struct nv_error *err)
{
    uint64_t largest = nv_sizes_max(&spec->sizes);
    if (spec->reply_bytes > largest)
        largest = spec->reply_bytes;
    if (nature.datagrams && largest > NV_DATAGRAM_BYTES_MAX)
        return nv_fail(err, NV_E_USAGE,
                       "size: %llu bytes do not fit in one datagram of %s, which holds at most %u",
                       (unsigned long long)largest, spec->transport, NV_DATAGRAM_BYTES_MAX);
    if (nature.connects && !nature.opens)
        return nv_fail(err, NV_E_USAGE,
                       "engine: %s opens no sockets while it runs; %s goes with poll and blocking",
                       spec->engine, spec->workload);
    if (nature.connects && largest > NV_DATAGRAM_BYTES_MAX)
        return nv_fail(err, NV_E_USAGE, "size: a message of %s has at most %u bytes, not %llu",
                       spec->workload, NV_DATAGRAM_BYTES_MAX, (unsigned long long)largest);
    if (nature.answered && spec->direction != NV_UP)
        return nv_fail(err, NV_E_USAGE, "direction: %s goes both ways already; use it with up",
                       spec->workload);
    if (spec->rate.kind == NV_RATE_SEARCH && (nature.answered || spec->direction == NV_BOTH))
        return nv_fail(err, NV_E_USAGE,
                       "rate: search is for messages one way: workload stream, direction up or "
                       "down");
    if (spec->diag && !nature.stamps)
        return nv_fail(err, NV_E_USAGE, "diag: engine %s takes no kernel time stamps; use poll",
                       spec->engine);
    if (spec->diag && nature.answered)
        return nv_fail(err, NV_E_USAGE,
                       "diag: time stamps are for messages one way: workload stream, not %s",
                       spec->workload);
    return NV_OK;
}

uint64_t nv_spec_trace_rows(const struct nv_spec *spec)
{
    return spec->diag && !spec->messages ? DIAG_ROWS : spec->messages;
}

/* Thousandths of a message per second, by the mean size when the rate is in bits. */
static uint64_t rate_milli(const struct nv_spec *spec)
{
    if (spec->rate.kind != NV_RATE_BITS)
        return spec->rate.milli_per_s;
    double milli = (double)spec->rate.milli_per_s / (8 * nv_sizes_mean(&spec->sizes));
    return milli < 1 ? 1 : (uint64_t)llround(milli);
}

struct nv_schedule_config nv_spec_schedule(const struct nv_spec *spec, unsigned flow,
                                           bool from_client)
{
    struct nv_schedule_config config = {
        .rate_milli = rate_milli(spec),
        .arrival = (enum nv_arrival)spec->arrival,
        .burst = (uint32_t)spec->burst_msgs,
        .sizes = spec->sizes,
        .seed = nv_mix64(spec->seed, (uint64_t)flow * 2 + from_client),
        .end_ns = nv_spec_end_ns(spec),
    };
    /* Several regular flows must not send in step: each starts somewhere in the first gap. */
    if (config.rate_milli && config.arrival != NV_ARRIVAL_POISSON && spec->flows > 1) {
        struct nv_rng rng;
        nv_rng_seed(&rng, nv_mix64(config.seed, 1));
        uint64_t messages = config.arrival == NV_ARRIVAL_BURST ? config.burst : 1;
        uint64_t gap_ns = 1000 * messages * NV_NS_PER_S / config.rate_milli;
        config.phase_ns = gap_ns ? nv_rng_below(&rng, gap_ns) : 0;
    }
    return config;
}

uint64_t nv_spec_end_ns(const struct nv_spec *spec)
{
    return spec->warmup_ns + spec->duration_ns + spec->cooldown_ns;
}

uint64_t nv_spec_unpaced_msgs(const struct nv_spec *spec)
{
    double msgs = 1e8 * ((double)nv_spec_end_ns(spec) / 1e9);
    return msgs < 4294967296.0 ? (uint64_t)msgs : UINT64_C(1) << 32;
}

double nv_spec_rate_msgs(const struct nv_spec *spec)
{
    return (double)rate_milli(spec) / 1000 * (double)spec->flows;
}

unsigned nv_spec_deadlines(const struct nv_spec *spec, uint64_t out_ns[NV_DEADLINES_MAX])
{
    static const unsigned ms[] = {1, 5, 10, 20, 50, 100, 200, 500, 1000};
    unsigned count = 0;
    bool placed = false;
    for (unsigned i = 0; i < sizeof ms / sizeof ms[0]; i++) {
        uint64_t deadline_ns = ms[i] * NV_NS_PER_MS;
        if (!placed && spec->deadline_ns <= deadline_ns) {
            if (spec->deadline_ns < deadline_ns)
                out_ns[count++] = spec->deadline_ns;
            placed = true;
        }
        out_ns[count++] = deadline_ns;
    }
    if (!placed)
        out_ns[count++] = spec->deadline_ns;
    return count;
}
