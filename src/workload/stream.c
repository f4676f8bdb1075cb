/* SPDX-License-Identifier: MIT */
#include "workload/source.h"

#include "base/hint.h"

/* Messages one way, up, down or both. Either end can hold either half. */

struct stream {
    struct nv_source source;
    struct nv_rx *rx;
    bool sends;
    uint64_t expected_count; /* UINT64_MAX: the far end has not said */
    uint64_t stop_ns;        /* when to stop waiting for what is missing */
    uint64_t drain_ns;
};

static bool stream_sends(const struct nv_spec *spec, bool client)
{
    return spec->direction == NV_BOTH || (spec->direction == NV_UP) == client;
}

static bool stream_receives(const struct nv_spec *spec, bool client)
{
    return stream_sends(spec, !client);
}

static void stream_init(void *self, const struct nv_workload_config *config)
{
    struct stream *stream = self;
    stream->sends = config->tx != NULL;
    stream->rx = config->rx;
    stream->expected_count = UINT64_MAX;
    stream->drain_ns = config->spec->drain_ns;
    /* The far end may use its own drain up before it says what it sent. */
    stream->stop_ns = nv_spec_end_ns(config->spec) + 3 * stream->drain_ns;
    if (stream->sends)
        nv_source_init(&stream->source, config, NV_MSG_DATA);
}

NV_HOT static unsigned stream_run(void *self, uint64_t now_ns, struct nv_header *out,
                                  unsigned count_max)
{
    struct stream *stream = self;
    return stream->sends ? nv_source_run(&stream->source, now_ns, out, count_max) : 0;
}

NV_HOT static uint64_t stream_next_ns(const void *self)
{
    const struct stream *stream = self;
    return stream->sends ? nv_source_next_ns(&stream->source) : UINT64_MAX;
}

NV_HOT static void stream_input(void *self, uint64_t now_ns, const struct nv_rx_message *message,
                                uint8_t type)
{
    struct stream *stream = self;
    if (type == NV_MSG_DATA && stream->rx)
        nv_rx_record(stream->rx, now_ns, message);
}

NV_HOT static void stream_sent(void *self, const struct nv_header *header, uint32_t count,
                               enum nv_tx_outcome outcome)
{
    struct stream *stream = self;
    nv_source_sent(&stream->source, header, count, outcome);
}

static void stream_blocked(void *self)
{
    struct stream *stream = self;
    nv_pacer_blocked(&stream->source.pacer);
}

static void stream_writable(void *self)
{
    struct stream *stream = self;
    nv_pacer_writable(&stream->source.pacer);
}

NV_HOT static bool stream_wants(const void *self)
{
    const struct stream *stream = self;
    return stream->rx != NULL;
}

static void stream_expect(void *self, uint64_t now_ns, uint64_t sent_count)
{
    struct stream *stream = self;
    stream->expected_count = sent_count;
    stream->stop_ns = now_ns + stream->drain_ns;
}

NV_HOT static bool stream_sending_done(const void *self, uint64_t now_ns)
{
    const struct stream *stream = self;
    return !stream->sends || nv_source_done(&stream->source, now_ns);
}

NV_HOT static bool stream_finished(const void *self, uint64_t now_ns)
{
    const struct stream *stream = self;
    bool received = !stream->rx || now_ns >= stream->stop_ns ||
                    stream->rx->all_unique_count >= stream->expected_count;
    return received && stream_sending_done(self, now_ns);
}

static void stream_end(void *self)
{
    struct stream *stream = self;
    if (stream->sends)
        nv_source_end(&stream->source);
}

const struct nv_workload nv_stream = {
    .name = "stream",
    .help = "messages one way, each timed from its intended send time to its arrival",
    .state_size = sizeof(struct stream),
    .init = stream_init,
    .sends = stream_sends,
    .receives = stream_receives,
    .run = stream_run,
    .next_ns = stream_next_ns,
    .input = stream_input,
    .sent = stream_sent,
    .blocked = stream_blocked,
    .writable = stream_writable,
    .wants = stream_wants,
    .expect = stream_expect,
    .sending_done = stream_sending_done,
    .finished = stream_finished,
    .end = stream_end,
};
