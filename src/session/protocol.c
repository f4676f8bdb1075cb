/* SPDX-License-Identifier: MIT */
#include "session/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_kind { FIELD_NONE, FIELD_TEXT, FIELD_INTEGER, FIELD_OBJECT, FIELD_COUNTS };

struct field {
    const char *name;
    enum field_kind kind;
    json_int_t min, max; /* of integers; of the length of texts and lists */
    bool optional;
};

#define FIELDS_MAX 8
#define INTEGER_MAX INT64_MAX
#define FRAME_INTEGERS_MAX (NV_FRAME_BYTES_MAX / 2)

struct frame_row {
    const char *name;
    struct field fields[FIELDS_MAX];
};

static const struct frame_row frames[] = {
    [NV_FRAME_HELLO] = {"hello",
                        {{"magic", FIELD_TEXT, 1, 32, false},
                         {"protocol", FIELD_INTEGER, 0, 65535, false},
                         {"version", FIELD_TEXT, 1, 64, false},
                         {"boot_id", FIELD_TEXT, 0, 128, false},
                         {"environment", FIELD_OBJECT, 0, 0, true}}},
    [NV_FRAME_BUSY] = {"busy", {{"message", FIELD_TEXT, 1, 400, false}}},
    [NV_FRAME_RUN] = {"run",
                      {{"run_tag", FIELD_INTEGER, 1, UINT32_MAX, false},
                       {"spec", FIELD_OBJECT, 0, 0, false}}},
    [NV_FRAME_READY] = {"ready",
                        {{"token", FIELD_INTEGER, 0, INTEGER_MAX, false},
                         {"data_port", FIELD_INTEGER, 1, 65535, false}}},
    [NV_FRAME_START] = {"start",
                        {{"t0_ns", FIELD_INTEGER, 1, INTEGER_MAX, false},
                         {"lead_ns", FIELD_INTEGER, 0, 10000000000, false}}},
    [NV_FRAME_END] = {"end", {{"flows", FIELD_COUNTS, 3, 768, false}}},
    [NV_FRAME_RESULT] = {"result",
                         {{"flow", FIELD_INTEGER, 0, 255, false},
                          {"report", FIELD_OBJECT, 0, 0, false}}},
    [NV_FRAME_TRACE] = {"trace",
                        {{"flow", FIELD_INTEGER, 0, 255, false},
                         {"first", FIELD_INTEGER, 0, INTEGER_MAX, false},
                         {"rows", FIELD_COUNTS, 0, FRAME_INTEGERS_MAX, false}}},
    [NV_FRAME_STAMPS] = {"stamps",
                         {{"flow", FIELD_INTEGER, 0, 255, false},
                          {"first", FIELD_INTEGER, 0, INTEGER_MAX, false},
                          {"rows", FIELD_COUNTS, 0, FRAME_INTEGERS_MAX, false}}},
    [NV_FRAME_DONE] = {"done", {{NULL, FIELD_NONE, 0, 0, false}}},
    [NV_FRAME_FAILED] = {"failed",
                         {{"message", FIELD_TEXT, 1, 600, false},
                          {"run_tag", FIELD_INTEGER, 0, UINT32_MAX, true}}},
};

#define FRAME_COUNT (sizeof frames / sizeof frames[0])

const char *nv_frame_name(enum nv_frame frame)
{
    return frames[frame].name;
}

json_t *nv_frame_new(enum nv_frame frame)
{
    return json_pack("{s:s}", "type", frames[frame].name);
}

static bool within(const struct field *field, json_int_t value)
{
    return value >= field->min && value <= field->max;
}

static bool counts_legal(const json_t *value, const struct field *field)
{
    size_t index;
    json_t *item;
    if (!json_is_array(value) || !within(field, (json_int_t)json_array_size(value)))
        return false;
    json_array_foreach(value, index, item)
    {
        if (!json_is_integer(item) || json_integer_value(item) < 0)
            return false;
    }
    return true;
}

static bool field_legal(const json_t *value, const struct field *field)
{
    if (!value)
        return field->optional;
    switch (field->kind) {
    case FIELD_TEXT:
        return json_is_string(value) && within(field, (json_int_t)json_string_length(value));
    case FIELD_INTEGER:
        return json_is_integer(value) && within(field, json_integer_value(value));
    case FIELD_OBJECT:
        return json_is_object(value);
    case FIELD_COUNTS:
        return counts_legal(value, field);
    default:
        return false;
    }
}

int nv_frame_check(const json_t *object, enum nv_frame *frame, struct nv_error *err)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    for (size_t i = 0; type && i < FRAME_COUNT; i++) {
        if (strcmp(type, frames[i].name) != 0)
            continue;
        for (const struct field *f = frames[i].fields; f->name; f++)
            if (!field_legal(json_object_get(object, f->name), f))
                return nv_fail(err, NV_E_PEER, "frame '%s': field '%s' is missing or illegal",
                               frames[i].name, f->name);
        *frame = (enum nv_frame)i;
        return NV_OK;
    }
    return nv_fail(err, NV_E_PEER, "frame of unknown type '%.40s'", type ? type : "");
}

char *nv_frame_encode(const json_t *object, size_t *len_bytes)
{
    size_t body_bytes = json_dumpb(object, NULL, 0, JSON_COMPACT);
    if (body_bytes == 0 || body_bytes > NV_FRAME_BYTES_MAX)
        return NULL;
    char *out = malloc(NV_FRAME_HEADER_BYTES + body_bytes);
    if (!out)
        return NULL;
    for (unsigned i = 0; i < NV_FRAME_HEADER_BYTES; i++)
        out[i] = (char)(body_bytes >> (8 * (3 - i)) & 0xff);
    (void)json_dumpb(object, out + NV_FRAME_HEADER_BYTES, body_bytes, JSON_COMPACT);
    *len_bytes = NV_FRAME_HEADER_BYTES + body_bytes;
    return out;
}

int nv_frame_decoder_feed(struct nv_frame_decoder *decoder, const char *data, size_t len_bytes,
                          struct nv_error *err)
{
    size_t needed = decoder->used_bytes + len_bytes;
    if (needed > decoder->capacity_bytes) {
        size_t capacity = needed * 2;
        char *grown = realloc(decoder->buffer, capacity);
        if (!grown)
            return nv_fail(err, NV_E_FAILED, "no memory for a control frame");
        decoder->buffer = grown;
        decoder->capacity_bytes = capacity;
    }
    memcpy(decoder->buffer + decoder->used_bytes, data, len_bytes);
    decoder->used_bytes = needed;
    return NV_OK;
}

/* Whoever speaks another protocol shows it in its first bytes. */
static int foreign(const struct nv_frame_decoder *decoder, struct nv_error *err)
{
    char shown[25];
    size_t n = decoder->used_bytes < sizeof shown - 1 ? decoder->used_bytes : sizeof shown - 1;
    for (size_t i = 0; i < n; i++) {
        char c = decoder->buffer[i];
        shown[i] = c >= ' ' && c <= '~' ? c : '.';
    }
    shown[n] = '\0';
    return nv_fail(err, NV_E_PEER, "this is not a netversus peer: it said \"%s\"", shown);
}

int nv_frame_decoder_next(struct nv_frame_decoder *decoder, json_t **object, struct nv_error *err)
{
    if (decoder->used_bytes < NV_FRAME_HEADER_BYTES)
        return 0;
    size_t body_bytes = 0;
    for (unsigned i = 0; i < NV_FRAME_HEADER_BYTES; i++)
        body_bytes = body_bytes << 8 | (unsigned char)decoder->buffer[i];
    if (body_bytes < 2 || body_bytes > NV_FRAME_BYTES_MAX)
        return foreign(decoder, err);
    size_t frame_bytes = NV_FRAME_HEADER_BYTES + body_bytes;
    if (decoder->used_bytes < frame_bytes)
        return 0;
    json_error_t reason;
    *object = json_loadb(decoder->buffer + NV_FRAME_HEADER_BYTES, body_bytes,
                         JSON_REJECT_DUPLICATES, &reason);
    if (!json_is_object(*object)) {
        json_decref(*object);
        return foreign(decoder, err);
    }
    decoder->used_bytes -= frame_bytes;
    memmove(decoder->buffer, decoder->buffer + frame_bytes, decoder->used_bytes);
    return 1;
}

void nv_frame_decoder_dispose(struct nv_frame_decoder *decoder)
{
    free(decoder->buffer);
    *decoder = (struct nv_frame_decoder){0};
}
