/* SPDX-License-Identifier: MIT */
#include "session/link.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define FRAMES 8u
#define TEXT_BYTES 3000000u
/* {"type":"failed","message":"..."} and the length before it */
#define FRAME_BYTES (NV_FRAME_HEADER_BYTES + sizeof "{\"type\":\"failed\",\"message\":\"\"}" - 1)

/* A link at one end of a connection over loopback, a bare socket at the other. */
struct meeting {
    uv_loop_t loop;
    uv_tcp_t listener;
    struct nv_link link;
    unsigned frames, closed;
    int peer_fd;
    size_t peer_bytes; /* what it has read */
};

static void on_frame(struct nv_link *link, const json_t *object)
{
    (void)object;
    ((struct meeting *)link->owner)->frames++;
}

static void on_closed(struct nv_link *link, const struct nv_error *err)
{
    assert_int_equal(err->code, NV_OK);
    ((struct meeting *)link->owner)->closed++;
}

static const struct nv_link_callbacks callbacks = {.frame = on_frame, .closed = on_closed};

static void connection_cb(uv_stream_t *listener, int status)
{
    struct meeting *meeting = listener->data;
    assert_int_equal(status, 0);
    assert_int_equal(nv_link_init(&meeting->link, listener->loop, &callbacks, meeting), 0);
    assert_int_equal(nv_link_accept(&meeting->link, listener), 0);
    uv_close((uv_handle_t *)listener, NULL);
}

static struct meeting *meet(void)
{
    struct meeting *meeting = calloc(1, sizeof *meeting);
    struct sockaddr_in address;
    int len = sizeof address;
    assert_non_null(meeting);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_loop_init(&meeting->loop), 0);
    assert_int_equal(uv_tcp_init(&meeting->loop, &meeting->listener), 0);
    meeting->listener.data = meeting;
    assert_int_equal(uv_tcp_bind(&meeting->listener, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&meeting->listener, 1, connection_cb), 0);
    assert_int_equal(uv_tcp_getsockname(&meeting->listener, (struct sockaddr *)&address, &len), 0);
    meeting->peer_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(meeting->peer_fd, (const struct sockaddr *)&address, sizeof address),
                     0);
    while (!meeting->link.connected)
        (void)uv_run(&meeting->loop, UV_RUN_ONCE);
    return meeting;
}

/* Closes the link with much more under way than two sockets hold; how long that takes. */
static uint64_t close_with_frames_under_way(struct meeting *meeting)
{
    char *text = malloc(TEXT_BYTES);
    assert_non_null(text);
    memset(text, 'x', TEXT_BYTES);
    for (unsigned i = 0; i < FRAMES; i++) {
        json_t *frame = nv_frame_new(NV_FRAME_FAILED);
        json_object_set_new(frame, "message", json_stringn(text, TEXT_BYTES));
        nv_link_send(&meeting->link, frame);
    }
    free(text);
    uint64_t start_ns = nv_clock_ns();
    nv_link_close(&meeting->link);
    nv_link_close(&meeting->link);
    nv_link_send(&meeting->link, nv_frame_new(NV_FRAME_DONE)); /* comes too late */
    (void)uv_run(&meeting->loop, UV_RUN_DEFAULT);
    assert_int_equal(meeting->closed, 1);
    return nv_clock_ns() - start_ns;
}

static void part(struct meeting *meeting)
{
    (void)close(meeting->peer_fd);
    assert_int_equal(uv_loop_close(&meeting->loop), 0);
    free(meeting);
}

static void a_peer_that_does_not_read_is_left(void **state)
{
    (void)state;
    struct meeting *meeting = meet();
    uint64_t took_ns = close_with_frames_under_way(meeting);
    assert_in_range(took_ns / NV_NS_PER_MS, NV_LINK_CLOSE_MS / 2, 5 * NV_LINK_CLOSE_MS);
    part(meeting);
}

static void *read_late(void *argument)
{
    struct meeting *meeting = argument;
    static char buffer[65536];
    nv_clock_sleep_until(nv_clock_ns() + 300 * NV_NS_PER_MS);
    for (ssize_t n; (n = read(meeting->peer_fd, buffer, sizeof buffer)) > 0;)
        meeting->peer_bytes += (size_t)n;
    return NULL;
}

static void a_slow_peer_gets_all(void **state)
{
    (void)state;
    struct meeting *meeting = meet();
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_late, meeting), 0);
    (void)close_with_frames_under_way(meeting);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(meeting->peer_bytes, FRAMES * (FRAME_BYTES + TEXT_BYTES));
    part(meeting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_does_not_read_is_left),
        cmocka_unit_test(a_slow_peer_gets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
