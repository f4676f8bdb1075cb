/* SPDX-License-Identifier: MIT */
#include "session/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>
#include <cmocka.h>

#include "session/frames.h"

static json_t *parse(const char *text)
{
    json_error_t reason;
    json_t *object = json_loads(text, 0, &reason);
    assert_non_null(object);
    return object;
}

/* Three frames in a row: a small one, one with text beyond ASCII, one of 3000 bytes. */
static char *make_stream(size_t *len_bytes)
{
    char *stream = NULL;
    *len_bytes = 0;
    for (unsigned i = 0; i < 3; i++) {
        json_t *frame = nv_frame_new(i == 0 ? NV_FRAME_DONE : NV_FRAME_FAILED);
        char text[3001];
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        if (i)
            json_object_set_new(frame, "message", json_string(i == 1 ? "0 µs → ∞" : text));
        size_t n = 0;
        char *bytes = nv_frame_encode(frame, &n);
        assert_non_null(bytes);
        stream = realloc(stream, *len_bytes + n);
        assert_non_null(stream);
        memcpy(stream + *len_bytes, bytes, n);
        *len_bytes += n;
        free(bytes);
        json_decref(frame);
    }
    return stream;
}

/* Feeds a copy of its own, so that ASan sees any reading beyond it. */
static void feed(struct nv_frame_decoder *decoder, const char *data, size_t len_bytes)
{
    struct nv_error err = {0};
    char *copy = malloc(len_bytes ? len_bytes : 1);
    assert_non_null(copy);
    memcpy(copy, data, len_bytes);
    assert_int_equal(nv_frame_decoder_feed(decoder, copy, len_bytes, &err), NV_OK);
    free(copy);
}

static unsigned drain(struct nv_frame_decoder *decoder, unsigned already)
{
    static const char *const types[] = {"done", "failed", "failed"};
    static const size_t lengths[] = {0, 13, 3000}; /* µ has 2 bytes, → and ∞ have 3 */
    struct nv_error err = {0};
    json_t *object = NULL;
    int got;
    while ((got = nv_frame_decoder_next(decoder, &object, &err)) > 0) {
        assert_true(already < 3);
        assert_string_equal(json_string_value(json_object_get(object, "type")), types[already]);
        assert_int_equal(json_string_length(json_object_get(object, "message")), lengths[already]);
        json_decref(object);
        already++;
    }
    assert_int_equal(got, 0);
    return already;
}

static void frames_survive_every_split(void **state)
{
    (void)state;
    size_t len_bytes;
    char *stream = make_stream(&len_bytes);
    for (size_t split = 1; split < len_bytes; split++) {
        struct nv_frame_decoder decoder = {0};
        feed(&decoder, stream, split);
        unsigned count = drain(&decoder, 0);
        feed(&decoder, stream + split, len_bytes - split);
        assert_int_equal(drain(&decoder, count), 3);
        assert_int_equal(decoder.used_bytes, 0);
        nv_frame_decoder_dispose(&decoder);
    }
    free(stream);
}

static void frames_survive_byte_by_byte(void **state)
{
    (void)state;
    size_t len_bytes;
    char *stream = make_stream(&len_bytes);
    struct nv_frame_decoder decoder = {0};
    unsigned count = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        feed(&decoder, stream + i, 1);
        count = drain(&decoder, count);
    }
    assert_int_equal(count, 3);
    nv_frame_decoder_dispose(&decoder);
    free(stream);
}

/* What is no frame is refused as soon as its first bytes tell, and shown. */
static void foreign_bytes_are_shown(void **state)
{
    static const struct {
        const char *bytes;
        size_t len_bytes;
        const char *shown;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, "HTTP/1.1 400 Bad Request"},
        {"SSH-2.0-OpenSSH_9.6\r\n", 21, "SSH-2.0-OpenSSH_9.6.."},
        {"\x16\x03\x01\x02", 4, "...."},                            /* TLS */
        {"\0\0\0\0", 4, "...."},                                    /* no body at all */
        {"\0\0\0\1{", 5, "....{"},                                  /* one byte is no object */
        {"\0\0\0\2[]", 6, "....[]"},                                /* JSON, but no object */
        {"\0\0\0\2{{", 6, "....{{"},                                /* not JSON */
        {"\0\0\0\xf{\"a\":1,\"a\":2}   ", 20, "{\"a\":1,\"a\":2}"}, /* twice the same key */
        {"\0\0\0\x7{\"\xff\":1}", 11, "{"},                         /* not UTF-8 */
        {"\0\x40\0\1", 4, ".@.."},                                  /* 4 MiB and one byte */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_frame_decoder decoder = {0};
        struct nv_error err = {0};
        json_t *object = NULL;
        feed(&decoder, rows[i].bytes, rows[i].len_bytes);
        assert_int_equal(nv_frame_decoder_next(&decoder, &object, &err), NV_E_PEER);
        assert_int_equal(err.code, NV_E_PEER);
        assert_non_null(strstr(err.message, rows[i].shown));
        nv_frame_decoder_dispose(&decoder);
    }
}

/* A string of n bytes makes {"a":"…"} of n + 8 bytes. */
static void the_largest_frame_is_4_mib(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        size_t n = NV_FRAME_BYTES_MAX - 8 + over;
        char *text = malloc(n + 1);
        assert_non_null(text);
        memset(text, 'y', n);
        text[n] = '\0';
        json_t *frame = json_object();
        json_object_set_new(frame, "a", json_string(text));
        size_t len_bytes = 0;
        char *bytes = nv_frame_encode(frame, &len_bytes);
        if (over) {
            assert_null(bytes);
        } else {
            struct nv_frame_decoder decoder = {0};
            struct nv_error err = {0};
            json_t *object = NULL;
            assert_int_equal(len_bytes, NV_FRAME_BYTES_MAX + NV_FRAME_HEADER_BYTES);
            feed(&decoder, bytes, len_bytes);
            assert_int_equal(nv_frame_decoder_next(&decoder, &object, &err), 1);
            assert_true(json_equal(object, frame));
            json_decref(object);
            nv_frame_decoder_dispose(&decoder);
        }
        free(bytes);
        json_decref(frame);
        free(text);
    }
}

struct legal_frame {
    enum nv_frame frame;
    const char *text;
};

static const struct legal_frame legal[] = {
    {NV_FRAME_HELLO, "{\"type\":\"hello\",\"magic\":\"netversus\",\"protocol\":1,\"version\":\"1\","
                     "\"boot_id\":\"\",\"environment\":{}}"},
    {NV_FRAME_BUSY, "{\"type\":\"busy\",\"message\":\"with another\"}"},
    {NV_FRAME_RUN, "{\"type\":\"run\",\"run_tag\":4294967295,\"spec\":{}}"},
    {NV_FRAME_READY, "{\"type\":\"ready\",\"token\":9223372036854775807,\"data_port\":65535}"},
    {NV_FRAME_START, "{\"type\":\"start\",\"t0_ns\":1,\"lead_ns\":0}"},
    {NV_FRAME_END, "{\"type\":\"end\",\"flows\":[1,2,3]}"},
    {NV_FRAME_RESULT, "{\"type\":\"result\",\"flow\":255,\"report\":{}}"},
    {NV_FRAME_STAMPS, "{\"type\":\"stamps\",\"flow\":0,\"first\":0,\"rows\":[]}"},
    {NV_FRAME_TRACE, "{\"type\":\"trace\",\"flow\":0,\"first\":0,\"rows\":[]}"},
    {NV_FRAME_DONE, "{\"type\":\"done\"}"},
    {NV_FRAME_FAILED, "{\"type\":\"failed\",\"message\":\"no\"}"},
};

#define LEGAL_COUNT (sizeof legal / sizeof legal[0])

/* Each field in turn is left out (only hello's environment may be), or is of a type it never has.
 */
static void every_field_is_checked(void **state)
{
    (void)state;
    assert_int_equal(LEGAL_COUNT, NV_FRAME_FAILED + 1);
    for (size_t i = 0; i < LEGAL_COUNT; i++) {
        enum nv_frame frame;
        struct nv_error err = {0};
        json_t *whole = parse(legal[i].text);
        const char *name;
        json_t *value;
        assert_int_equal(nv_frame_check(whole, &frame, &err), NV_OK);
        assert_int_equal(frame, legal[i].frame);
        assert_string_equal(nv_frame_name(frame),
                            json_string_value(json_object_get(whole, "type")));
        json_object_foreach(whole, name, value)
        {
            json_t *copy = json_copy(whole);
            json_object_del(copy, name);
            int expected = strcmp(name, "environment") == 0 ? NV_OK : NV_E_PEER;
            assert_int_equal(nv_frame_check(copy, &frame, &err), expected);
            json_object_set_new(copy, name, json_true());
            assert_int_equal(nv_frame_check(copy, &frame, &err), NV_E_PEER);
            if (strcmp(name, "type") != 0)
                assert_non_null(strstr(err.message, name));
            json_decref(copy);
        }
        json_decref(whole);
    }
}

static void values_out_of_range_are_refused(void **state)
{
    static const char *const rows[] = {
        "[]",
        "{}",
        "{\"type\":\"bye\"}",
        "{\"type\":7}",
        "{\"type\":\"hello\",\"magic\":\"\",\"protocol\":1,\"version\":\"1\",\"boot_id\":\"\"}",
        ("{\"type\":\"hello\",\"magic\":\"netversus\",\"protocol\":65536,\"version\":\"1\","
         "\"boot_id\":\"\"}"),
        "{\"type\":\"run\",\"run_tag\":0,\"spec\":{}}",
        "{\"type\":\"run\",\"run_tag\":4294967296,\"spec\":{}}",
        "{\"type\":\"run\",\"run_tag\":1.0,\"spec\":{}}",
        "{\"type\":\"ready\",\"token\":-1,\"data_port\":1}",
        "{\"type\":\"ready\",\"token\":1,\"data_port\":0}",
        "{\"type\":\"ready\",\"token\":1,\"data_port\":65536}",
        "{\"type\":\"start\",\"t0_ns\":0,\"lead_ns\":0}",
        "{\"type\":\"start\",\"t0_ns\":1,\"lead_ns\":10000000001}",
        "{\"type\":\"end\",\"flows\":[]}",
        "{\"type\":\"end\",\"flows\":[1,2]}",
        "{\"type\":\"end\",\"flows\":[1,2,-3]}",
        "{\"type\":\"end\",\"flows\":[1,2,\"3\"]}",
        "{\"type\":\"result\",\"flow\":256,\"report\":{}}",
        "{\"type\":\"result\",\"flow\":0,\"report\":[]}",
        "{\"type\":\"trace\",\"flow\":0,\"first\":-1,\"rows\":[]}",
        "{\"type\":\"trace\",\"flow\":0,\"first\":0,\"rows\":[0.5]}",
        "{\"type\":\"failed\",\"message\":\"\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum nv_frame frame;
        struct nv_error err = {0};
        json_t *object = parse(rows[i]);
        assert_int_equal(nv_frame_check(object, &frame, &err), NV_E_PEER);
        assert_string_not_equal(err.message, "");
        json_decref(object);
    }
}

static void ends_come_back_as_they_were(void **state)
{
    (void)state;
    static struct nv_flow_end ends[NV_FLOWS_MAX];
    static struct nv_flow_end got[NV_FLOWS_MAX];
    for (unsigned i = 0; i < NV_FLOWS_MAX; i++)
        ends[i] = (struct nv_flow_end){1000 + i, 10 * i, INT64_MAX - i};
    json_t *frame = nv_end_frame(ends, NV_FLOWS_MAX);
    enum nv_frame kind;
    assert_int_equal(nv_frame_check(frame, &kind, NULL), NV_OK);
    assert_int_equal(nv_end_read(frame, got), NV_FLOWS_MAX);
    assert_memory_equal(got, ends, sizeof ends);
    json_decref(frame);
}

/* Whatever a message holds, the frame that carries it is one that the far end accepts. */
static void any_error_makes_a_legal_frame(void **state)
{
    static const char *const messages[] = {"", "plain", "µ", "cut in \xc2", "\xff\xfe"};
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct nv_error err = {.code = NV_E_FAILED};
        enum nv_frame kind;
        (void)snprintf(err.message, sizeof err.message, "%s", messages[i]);
        json_t *frame = nv_failed_frame(&err);
        assert_int_equal(nv_frame_check(frame, &kind, NULL), NV_OK);
        json_decref(frame);
    }
}

static void specs_come_back_as_they_were(void **state)
{
    (void)state;
    struct nv_spec spec;
    struct nv_spec got;
    struct nv_error err = {0};
    nv_options_reset(nv_spec_options, &spec);
    assert_int_equal(nv_sizes_parse(&spec.sizes, "64:3+1k:1", NULL), 0);
    spec.seed = 123456789;
    json_t *object = nv_spec_to_json(&spec);
    assert_int_equal(nv_spec_from_json(&got, object, &err), NV_OK);
    json_t *again = nv_spec_to_json(&got);
    assert_true(json_equal(object, again));
    json_decref(again);
    json_object_set_new(object, "colour", json_string("red"));
    assert_int_equal(nv_spec_from_json(&got, object, &err), NV_E_USAGE);
    assert_non_null(strstr(err.message, "colour"));
    json_object_del(object, "colour");
    json_object_set_new(object, "rate", json_integer(5));
    assert_int_equal(nv_spec_from_json(&got, object, &err), NV_E_USAGE);
    json_object_set_new(object, "rate", json_string("fast"));
    assert_int_equal(nv_spec_from_json(&got, object, &err), NV_E_USAGE);
    json_object_set_new(object, "rate", json_string("search"));
    assert_int_equal(nv_spec_from_json(&got, object, &err), NV_E_USAGE);
    assert_string_equal(err.message, "rate: search is not the rate of a run");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_survive_every_split),
        cmocka_unit_test(frames_survive_byte_by_byte),
        cmocka_unit_test(foreign_bytes_are_shown),
        cmocka_unit_test(the_largest_frame_is_4_mib),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(ends_come_back_as_they_were),
        cmocka_unit_test(any_error_makes_a_legal_frame),
        cmocka_unit_test(specs_come_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
