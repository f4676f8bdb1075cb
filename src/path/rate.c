/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "path/queue.h"

/* The bottleneck: a constant rate, or a trace of when a cellular link would have carried what. */

struct rate {
    struct nv_queue queue;
    struct nv_packet *serving;
    uint64_t done_ns;
    uint64_t milli_per_s; /* thousandths of a bit a second */
    uint64_t carry;       /* what division left over, so that back-to-back packets do not drift */
};

static bool rate_wanted(const struct nv_impairment *impairment)
{
    return impairment->rate.kind == NV_RATE_BITS;
}

static int rate_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct rate *rate = self;
    (void)err;
    nv_queue_init(&rate->queue, config);
    rate->milli_per_s = config->impairment->rate.milli_per_s;
    return NV_OK;
}

static void serve_next(struct rate *rate, uint64_t now_ns, struct nv_outlet *out)
{
    static const uint64_t milli_ns_per_byte = 8000 * NV_NS_PER_S;
    rate->serving = nv_queue_pop(&rate->queue, now_ns, out);
    if (!rate->serving)
        return;
    uint64_t work = nv_queue_weight(&rate->queue, rate->serving) * milli_ns_per_byte + rate->carry;
    rate->done_ns = now_ns + work / rate->milli_per_s;
    rate->carry = work % rate->milli_per_s;
}

static void rate_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct rate *rate = self;
    uint64_t at_ns = packet->at_ns;
    nv_queue_push(&rate->queue, packet, out);
    if (rate->serving)
        return;
    rate->carry = 0;
    serve_next(rate, at_ns, out);
}

static uint64_t rate_next_ns(const void *self)
{
    const struct rate *rate = self;
    return rate->serving ? rate->done_ns : UINT64_MAX;
}

static void rate_run(void *self, struct nv_outlet *out)
{
    struct rate *rate = self;
    struct nv_packet *packet = rate->serving;
    packet->at_ns = rate->done_ns;
    nv_queue_gone(&rate->queue, packet, out);
    serve_next(rate, rate->done_ns, out);
    nv_outlet_pass(out, packet);
}

const struct nv_element nv_element_rate = {
    .name = "rate",
    .help = "a constant rate behind a queue of finite length",
    .state_size = sizeof(struct rate),
    .wanted = rate_wanted,
    .init = rate_init,
    .input = rate_input,
    .next_ns = rate_next_ns,
    .run = rate_run,
};

/* Mahimahi's format: each line is the ms at which up to 1500 bytes may go; what is not used then is
 * lost, and after the last line the trace begins again. */

#define TRACE_LINES_MAX (1u << 23)
#define OPPORTUNITY_BYTES 1500u

struct trace {
    struct nv_queue queue;
    struct nv_packet *serving;
    uint64_t left_bytes; /* of it */
    uint32_t *ms;
    unsigned count, next;
    uint64_t round_ns; /* when the trace began this time */
};

static bool trace_wanted(const struct nv_impairment *impairment)
{
    return impairment->trace[0] != '\0';
}

static uint64_t period_ns(const struct trace *trace)
{
    return trace->ms[trace->count - 1] * NV_NS_PER_MS;
}

/* Grows as it is read; numbers must not fall, and the last must not be 0. */
static int read_trace(struct trace *trace, FILE *in)
{
    unsigned room = 0;
    uint64_t last_ms = 0;
    char text[16];
    int got;
    while ((got = fscanf(in, "%15s", text)) == 1) {
        char *end;
        uint64_t ms = strtoull(text, &end, 10);
        if (!isdigit((unsigned char)text[0]) || *end || ms < last_ms || ms > UINT32_MAX)
            return -1;
        if (trace->count == room) {
            room = room ? 2 * room : 4096;
            uint32_t *more =
                room > TRACE_LINES_MAX ? NULL : realloc(trace->ms, room * sizeof *more);
            if (!more)
                return -1;
            trace->ms = more;
        }
        trace->ms[trace->count++] = (uint32_t)ms;
        last_ms = ms;
    }
    return got == EOF && last_ms ? 0 : -1;
}

static int trace_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct trace *trace = self;
    const char *file = config->impairment->trace;
    nv_queue_init(&trace->queue, config);
    FILE *in = fopen(file, "r");
    if (!in)
        return nv_fail_errno(err, NV_E_USAGE, errno, "trace %.200s", file);
    int failed = read_trace(trace, in);
    (void)fclose(in);
    return failed ? nv_fail(err, NV_E_USAGE,
                            "trace %.200s: line %u is not a whole number of ms, or "
                            "smaller than the one before",
                            file, trace->count + 1)
                  : NV_OK;
}

static void trace_start(void *self, uint64_t start_ns, uint64_t end_ns)
{
    struct trace *trace = self;
    (void)end_ns;
    trace->round_ns = start_ns;
    trace->next = 0;
}

static uint64_t opportunity_ns(const struct trace *trace)
{
    return trace->round_ns + trace->ms[trace->next] * NV_NS_PER_MS;
}

static void step(struct trace *trace)
{
    if (++trace->next < trace->count)
        return;
    trace->next = 0;
    trace->round_ns += period_ns(trace);
}

/* To the first opportunity that is not past. */
static void seek(struct trace *trace, uint64_t now_ns)
{
    uint64_t rounds = now_ns > trace->round_ns ? (now_ns - trace->round_ns) / period_ns(trace) : 0;
    if (rounds > 1) {
        trace->round_ns += (rounds - 1) * period_ns(trace);
        trace->next = 0;
    }
    while (opportunity_ns(trace) < now_ns)
        step(trace);
}

static void take_up(struct trace *trace, uint64_t now_ns, struct nv_outlet *out)
{
    trace->serving = nv_queue_pop(&trace->queue, now_ns, out);
    if (trace->serving)
        trace->left_bytes = nv_queue_weight(&trace->queue, trace->serving);
}

static void trace_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct trace *trace = self;
    uint64_t at_ns = packet->at_ns;
    nv_queue_push(&trace->queue, packet, out);
    if (trace->serving)
        return;
    seek(trace, at_ns);
    take_up(trace, at_ns, out);
}

static uint64_t trace_next_ns(const void *self)
{
    const struct trace *trace = self;
    return trace->serving ? opportunity_ns(trace) : UINT64_MAX;
}

static void trace_run(void *self, struct nv_outlet *out)
{
    struct trace *trace = self;
    uint64_t now_ns = opportunity_ns(trace);
    uint64_t room_bytes = OPPORTUNITY_BYTES;
    step(trace);
    while (trace->serving && trace->left_bytes <= room_bytes) {
        struct nv_packet *packet = trace->serving;
        room_bytes -= trace->left_bytes;
        packet->at_ns = now_ns;
        nv_queue_gone(&trace->queue, packet, out);
        take_up(trace, now_ns, out);
        nv_outlet_pass(out, packet);
    }
    if (trace->serving)
        trace->left_bytes -= room_bytes;
}

static void trace_dispose(void *self)
{
    struct trace *trace = self;
    free(trace->ms);
}

const struct nv_element nv_element_trace = {
    .name = "trace",
    .help = "a measured link, from a trace in mahimahi's format",
    .state_size = sizeof(struct trace),
    .wanted = trace_wanted,
    .init = trace_init,
    .start = trace_start,
    .input = trace_input,
    .next_ns = trace_next_ns,
    .run = trace_run,
    .dispose = trace_dispose,
};
