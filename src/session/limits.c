/* SPDX-License-Identifier: MIT */
#include "session/limits.h"

#include "base/clock.h"
#include "measure/rx.h"
#include "measure/tx.h"
#include "wire/message.h"

#define TRACE_TEXT_BYTES 96u
#define MB 1e6

const struct nv_server_limits nv_no_limits = {
    .run_ns_max = UINT64_MAX,
    .rate_msgs_max = 0,
    .size_bytes_max = UINT64_MAX,
    .flows_max = UINT64_MAX,
    .memory_bytes_max = UINT64_MAX,
};

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* Of all flows. */
static double messages_of(const struct nv_spec *spec)
{
    double run_s = (double)nv_spec_end_ns(spec) / 1e9;
    if (spec->rate.kind == NV_RATE_MAX)
        return (double)nv_spec_unpaced_msgs(spec);
    return nv_spec_rate_msgs(spec) * run_s;
}

uint64_t nv_server_memory_bytes(const struct nv_spec *spec)
{
    static const size_t ring_bytes = sizeof(struct nv_ordering_hole) +
                                     sizeof(struct nv_ordering_step) + sizeof(struct nv_ipdv_slot) +
                                     sizeof(uint64_t); /* of struct nv_inorder */
    static const size_t flow_bytes =
        sizeof(struct nv_tx) + sizeof(struct nv_rx) + NV_ORDERING_WINDOW * ring_bytes;
    size_t row_bytes = sizeof(struct nv_trace_row) + TRACE_TEXT_BYTES +
                       (spec->diag ? sizeof(struct nv_stamp_row) : 0);
    double messages = messages_of(spec);
    double rows = smaller((double)nv_spec_trace_rows(spec) * (double)spec->flows, messages);
    size_t outbox_bytes = spec->batch_msgs * sizeof(struct nv_header);
    return (uint64_t)((double)spec->flows * (double)(flow_bytes + outbox_bytes) + messages / 4 +
                      rows * (double)row_bytes);
}

static int check_rate(const struct nv_server_limits *limits, const struct nv_spec *spec,
                      struct nv_error *err)
{
    bool at_max = spec->rate.kind == NV_RATE_MAX;
    if (limits->rate_msgs_max &&
        (at_max || nv_spec_rate_msgs(spec) > (double)limits->rate_msgs_max))
        return nv_fail(err, NV_E_PEER, "at most %llu messages a second are allowed (--max-rate)%s",
                       (unsigned long long)limits->rate_msgs_max, at_max ? ", not rate max" : "");
    return NV_OK;
}

int nv_server_limits_check(const struct nv_server_limits *limits, const struct nv_spec *spec,
                           struct nv_error *err)
{
    uint64_t memory_bytes = nv_server_memory_bytes(spec);
    if (nv_spec_end_ns(spec) > limits->run_ns_max)
        return nv_fail(err, NV_E_PEER, "runs of at most %llu ms are allowed (--max-duration)",
                       (unsigned long long)(limits->run_ns_max / NV_NS_PER_MS));
    if (spec->flows > limits->flows_max)
        return nv_fail(err, NV_E_PEER, "at most %llu flows are allowed (--max-flows)",
                       (unsigned long long)limits->flows_max);
    if (nv_sizes_max(&spec->sizes) > limits->size_bytes_max ||
        spec->reply_bytes > limits->size_bytes_max)
        return nv_fail(err, NV_E_PEER, "messages of at most %llu bytes are allowed (--max-size)",
                       (unsigned long long)limits->size_bytes_max);
    if (check_rate(limits, spec, err))
        return NV_E_PEER;
    if (memory_bytes > limits->memory_bytes_max)
        return nv_fail(err, NV_E_PEER,
                       "at most %.1f MB of memory are allowed (--max-memory), and this run could "
                       "take %.1f MB: fewer flows, messages or rows of messages.csv take less",
                       (double)limits->memory_bytes_max / MB, (double)memory_bytes / MB);
    return NV_OK;
}
