/* SPDX-License-Identifier: MIT */
#include "session/frames.h"

#include <string.h>

json_t *nv_hello_frame(const char *boot_id, json_t *environment)
{
    json_t *frame = nv_frame_new(NV_FRAME_HELLO);
    json_object_set_new(frame, "magic", json_string(NV_PROTOCOL_MAGIC));
    json_object_set_new(frame, "protocol", json_integer(NV_PROTOCOL_VERSION));
    json_object_set_new(frame, "version", json_string(NV_VERSION));
    json_object_set_new(frame, "boot_id", json_string(boot_id));
    if (environment)
        json_object_set(frame, "environment", environment);
    return frame;
}

int nv_hello_accept(const json_t *frame, struct nv_error *err)
{
    const char *magic = json_string_value(json_object_get(frame, "magic"));
    json_int_t protocol = json_integer_value(json_object_get(frame, "protocol"));
    if (strcmp(magic, NV_PROTOCOL_MAGIC) != 0)
        return nv_fail(err, NV_E_PEER, "the peer is '%.40s', not " NV_PROTOCOL_MAGIC, magic);
    if (protocol != NV_PROTOCOL_VERSION)
        return nv_fail(err, NV_E_PEER,
                       "the peer is netversus %.40s and speaks protocol %d, this is %s and speaks "
                       "protocol %d",
                       json_string_value(json_object_get(frame, "version")), (int)protocol,
                       NV_VERSION, NV_PROTOCOL_VERSION);
    return NV_OK;
}

json_t *nv_spec_to_json(const struct nv_spec *spec)
{
    json_t *object = json_object();
    for (const struct nv_option *row = nv_spec_options; row->name; row++) {
        char text[256];
        nv_option_get(row, spec, text, sizeof text);
        json_object_set_new(object, row->name, json_string(text));
    }
    return object;
}

int nv_spec_from_json(struct nv_spec *spec, const json_t *object, struct nv_error *err)
{
    const char *name;
    json_t *value;
    nv_options_reset(nv_spec_options, spec);
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        const struct nv_option *row = nv_option_find(nv_spec_options, name, strlen(name));
        if (!row || !json_is_string(value))
            return nv_fail(err, NV_E_USAGE, "unknown parameter '%.40s'", name);
        if (nv_option_set(row, spec, json_string_value(value), err))
            return NV_E_USAGE;
    }
    if (spec->rate.kind == NV_RATE_SEARCH)
        return nv_fail(err, NV_E_USAGE, "rate: search is not the rate of a run");
    return nv_spec_check(spec, err);
}

json_t *nv_end_frame(const struct nv_flow_end *ends, unsigned count)
{
    json_t *frame = nv_frame_new(NV_FRAME_END);
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++) {
        json_array_append_new(list, json_integer((json_int_t)ends[i].sent_count));
        json_array_append_new(list, json_integer((json_int_t)ends[i].seq_first));
        json_array_append_new(list, json_integer((json_int_t)ends[i].seq_end));
    }
    json_object_set_new(frame, "flows", list);
    return frame;
}

static uint64_t count_at(const json_t *list, unsigned index)
{
    return (uint64_t)json_integer_value(json_array_get(list, index));
}

unsigned nv_end_read(const json_t *frame, struct nv_flow_end out[NV_FLOWS_MAX])
{
    const json_t *list = json_object_get(frame, "flows");
    unsigned count = (unsigned)json_array_size(list) / 3;
    count = count < NV_FLOWS_MAX ? count : NV_FLOWS_MAX;
    for (unsigned i = 0; i < count; i++)
        out[i] = (struct nv_flow_end){.sent_count = count_at(list, 3 * i),
                                      .seq_first = count_at(list, 3 * i + 1),
                                      .seq_end = count_at(list, 3 * i + 2)};
    return count;
}

json_t *nv_failed_frame(const struct nv_error *error)
{
    json_t *frame = nv_frame_new(NV_FRAME_FAILED);
    /* A message may hold text from elsewhere, cut anywhere: JSON takes UTF-8 alone. */
    json_t *message = json_string(error->message[0] ? error->message : "unknown");
    if (!message) {
        char plain[sizeof error->message];
        for (size_t i = 0; i < sizeof plain; i++)
            plain[i] = (unsigned char)error->message[i] < 0x80 ? error->message[i] : '?';
        plain[sizeof plain - 1] = '\0';
        message = json_string(plain);
    }
    json_object_set_new(frame, "message", message);
    return frame;
}
