/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "transport/lane.h"
#include "transport/tcp.h"
#include "transport/udp.h"
#include "workload/workload.h"

/* What keeping the books of a message costs: a lane on a socket that is none. The receiver is given
 * messages in order, per_call of them at a time; the sender's are taken as fast as it gives them
 * out. Prints one line of CSV: messages, ns a message, peak memory in KiB. Reading the clock, and
 * making or reading headers, is in it; system calls are not.
 *
 *      cost rx|tx udp|tcp SIZE MESSAGES PER_CALL */

#define RUN_TAG 7u
#define PER_CALL_MAX 4096u
#define DELAY_NS 20000u

struct stub {
    const struct nv_channel *channel;
    uint8_t *bytes; /* per_call messages, headers and all */
    uint64_t seq;
};

/* The engine is one table for all: what it is to do stands here. */
static struct {
    uint32_t size_bytes;
    unsigned per_call;
    uint64_t messages;
    atomic_bool stop;
} task;

static int stub_open(void *self, const struct nv_channel *channel, struct nv_error *err)
{
    struct stub *stub = self;
    stub->channel = channel;
    stub->bytes = calloc(task.per_call, task.size_bytes);
    if (!stub->bytes)
        return nv_fail(err, NV_E_FAILED, "no memory");
    for (unsigned i = 0; i < task.per_call; i++) {
        const struct nv_header header = {
            .type = NV_MSG_DATA, .len_bytes = task.size_bytes, .run_tag = RUN_TAG};
        nv_header_encode(&header, stub->bytes + (size_t)i * task.size_bytes);
    }
    return NV_OK;
}

/* As one call: a train in part, if need be. Nothing is sent. */
static unsigned stub_send(void *self, struct nv_header *trains, unsigned count, int *refusal)
{
    struct stub *stub = self;
    uint8_t *at = stub->bytes;
    uint64_t now_ns = nv_clock_ns() - stub->channel->t0_ns;
    unsigned sent = 0;
    (void)refusal;
    for (unsigned i = 0; i < count && sent < task.per_call; i++) {
        nv_header_stamp(&trains[i], now_ns);
        const uint8_t *head = at;
        nv_header_encode(&trains[i], at);
        for (unsigned k = 0; k < trains[i].count && sent < task.per_call; k++, sent++) {
            memmove(at, head, NV_HEADER_BYTES);
            nv_header_renumber(at, trains[i].seq + k);
            at += task.size_bytes;
        }
    }
    stub->seq += sent;
    if (stub->seq >= task.messages)
        atomic_store(&task.stop, true);
    return sent;
}

/* Number and times of a header, in place: two stores. */
static void renew(uint8_t *header, uint64_t seq, uint64_t t_ns)
{
    const uint64_t times[2] = {t_ns | t_ns << 48, t_ns >> 16};
    memcpy(header + 16, &seq, sizeof seq);
    memcpy(header + 24, times, sizeof times);
}

static int stub_poll(void *self, uint64_t now_ns, uint64_t until_ns, const struct nv_sink *sink,
                     struct nv_error *err)
{
    struct stub *stub = self;
    uint64_t since_ns = now_ns - stub->channel->t0_ns;
    (void)until_ns;
    (void)err;
    if (!sink->wants(sink->context, 0))
        return NV_OK;
    for (unsigned i = 0; i < 64; i++) {
        for (unsigned k = 0; k < task.per_call; k++)
            renew(stub->bytes + (size_t)k * task.size_bytes, stub->seq++,
                  since_ns > DELAY_NS ? since_ns - DELAY_NS : 0);
        const struct nv_received received = {.data = stub->bytes,
                                             .len_bytes = (size_t)task.per_call * task.size_bytes,
                                             .segment_bytes = task.size_bytes};
        (void)sink->received(sink->context, &received);
    }
    if (stub->seq >= task.messages)
        atomic_store(&task.stop, true);
    return NV_OK;
}

static void stub_close(void *self)
{
    free(((struct stub *)self)->bytes);
}

static const struct nv_engine stub_engine = {
    .name = "stub",
    .state_size = sizeof(struct stub),
    .open = stub_open,
    .send = stub_send,
    .poll = stub_poll,
    .close = stub_close,
};

static void ignore(void *context)
{
    (void)context;
}

/* Of this program alone: getrusage() begins with the peak of what started it. 0: not known. */
static unsigned long peak_kib(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && !kib && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoul(line + 6, NULL, 10);
    if (status)
        (void)fclose(status);
    return kib;
}

static int run(struct nv_lane *lane, struct nv_lane_flow *flow, bool sends)
{
    const struct nv_spec *spec = lane->spec;
    struct nv_workload_config config = {.spec = spec, .client = sends, .run_tag = RUN_TAG};
    struct nv_phases phases = {.warmup_ns = spec->warmup_ns,
                               .measure_ns = spec->duration_ns,
                               .cooldown_ns = spec->cooldown_ns};
    if (sends) {
        config.tx = flow->report->tx = calloc(1, sizeof *config.tx);
        nv_tx_init(config.tx, &phases);
    } else {
        struct nv_rx_config rx = {.phases = phases,
                                  .unordered = !(lane->channel.caps & NV_CAP_ORDERED),
                                  .tmax_ns = spec->drain_ns,
                                  .messages_max = task.messages + 64ull * task.per_call};
        rx.deadline_count = nv_spec_deadlines(spec, rx.deadline_ns);
        config.rx = flow->report->rx = calloc(1, sizeof *config.rx);
        if (nv_rx_init(config.rx, &rx, &lane->error))
            return lane->error.code;
    }
    nv_framer_init(&flow->framer);
    flow->outbox_size = task.per_call > NV_OUTBOX_MESSAGES ? task.per_call : NV_OUTBOX_MESSAGES;
    flow->outbox = calloc(flow->outbox_size, sizeof *flow->outbox);
    flow->workload = calloc(1, lane->workload.state_size);
    lane->workload.init(flow->workload, &config);
    lane->channel.t0_ns = nv_clock_ns();
    if (nv_lane_open(lane))
        return lane->error.code;
    uint64_t start_ns = nv_clock_ns();
    int failed = nv_lane_run(lane);
    uint64_t took_ns = nv_clock_ns() - start_ns;
    uint64_t count = sends ? config.tx->all_sent_count : config.rx->all_unique_count;
    (void)printf("%llu,%.2f,%lu\n", (unsigned long long)count, (double)took_ns / (double)count,
                 peak_kib());
    return failed;
}

static void clean_up(struct nv_lane *lane, struct nv_lane_flow *flow)
{
    nv_lane_close(lane);
    if (flow->report->rx)
        nv_rx_dispose(flow->report->rx);
    free(flow->report->rx);
    free(flow->report->tx);
    free(flow->workload);
    free(flow->outbox);
}

int main(int argc, char **argv)
{
    struct nv_spec spec;
    struct nv_payload payload = {NULL, 0};
    struct nv_flow_report report = {0};
    static struct nv_lane_flow flow;
    struct nv_socket socket = {.fd = -1};
    uint64_t size_bytes = 0, messages = 0, per_call = 0;
    if (argc != 6 || nv_parse_size(argv[3], &size_bytes) || nv_parse_count(argv[4], &messages) ||
        nv_parse_count(argv[5], &per_call) || size_bytes < NV_HEADER_BYTES || !per_call ||
        per_call > PER_CALL_MAX) {
        (void)fprintf(stderr, "usage: cost rx|tx udp|tcp SIZE MESSAGES PER_CALL\n");
        return 2;
    }
    bool sends = strcmp(argv[1], "tx") == 0;
    task.size_bytes = (uint32_t)size_bytes;
    task.messages = messages;
    task.per_call = (unsigned)per_call;
    nv_options_reset(nv_spec_options, &spec);
    spec.rate.kind = NV_RATE_MAX;
    spec.rate.milli_per_s = 0;
    spec.warmup_ns = 0;
    spec.duration_ns = 3600 * NV_NS_PER_S;
    if (nv_sizes_parse(&spec.sizes, argv[3], NULL) ||
        nv_payload_init(&payload, RUN_TAG, task.size_bytes))
        return 2;
    flow.report = &report;
    const struct nv_transport *transport = strcmp(argv[2], "tcp") == 0 ? &nv_tcp : &nv_udp;
    const struct nv_flow_plan plan = {.spec = &spec, .listen_fd = -1};
    struct nv_lane lane = {.spec = &spec,
                           .calls = stub_engine,
                           .workload = nv_stream,
                           .payload = &payload,
                           .run_tag = RUN_TAG,
                           .channel = {.caps = transport->caps,
                                       .sockets = &socket,
                                       .flow_count = 1,
                                       .payload = &payload,
                                       .plan = &plan},
                           .flows = &flow,
                           .stop = &task.stop,
                           .sent_all = ignore};
    int failed = run(&lane, &flow, sends);
    if (failed)
        (void)fprintf(stderr, "cost: %s\n", lane.error.message);
    clean_up(&lane, &flow);
    nv_payload_dispose(&payload);
    return failed != 0;
}
