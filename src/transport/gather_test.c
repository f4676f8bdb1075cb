/* SPDX-License-Identifier: MIT */
#include "transport/gather.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "wire/framer.h"

/* Over real sockets of loopback, with a sendmsg that fails, or takes less, when it is told to. */

#define MESSAGES 300u

static struct {
    int fail_with;          /* errno of the next calls, */
    unsigned fail_count;    /* so many, */
    unsigned after;         /* after so many that work */
    unsigned vectors_above; /* and only of more segments than this */
    size_t bytes_max;       /* taken by one call; 0: all */
    unsigned calls;
} trap;

static size_t cut(struct msghdr *message, struct iovec *parts, size_t bytes_max)
{
    size_t bytes = 0;
    size_t i = 0;
    for (; i < message->msg_iovlen && bytes < bytes_max; i++) {
        parts[i] = message->msg_iov[i];
        if (parts[i].iov_len > bytes_max - bytes)
            parts[i].iov_len = bytes_max - bytes;
        bytes += parts[i].iov_len;
    }
    message->msg_iov = parts;
    message->msg_iovlen = i;
    return bytes;
}

static size_t length_of(const struct msghdr *message)
{
    size_t bytes = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        bytes += message->msg_iov[i].iov_len;
    return bytes;
}

/* In place of the C library's. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr copy = *message;
    struct iovec parts[1024];
    trap.calls++;
    bool caught =
        !trap.vectors_above || (copy.msg_control && length_of(message) / 64 > trap.vectors_above);
    if (caught && trap.fail_with && !trap.after && trap.fail_count) {
        trap.fail_count--;
        errno = trap.fail_with;
        return -1;
    }
    trap.after -= trap.after > 0;
    if (trap.bytes_max)
        (void)cut(&copy, parts, trap.bytes_max);
    return syscall(SYS_sendmsg, fd, &copy, flags);
}

static bool by_the_train; /* how messages are handed over */
static uint32_t one_size; /* what the channel says of them */

struct bench {
    struct nv_socket sockets[2]; /* sender, receiver */
    struct nv_channel channels[2];
    struct nv_gather gathers[2];
    struct nv_gather_flow flow;
    struct nv_payload payload;
    struct nv_header messages[MESSAGES];
    struct nv_framer framer;
    uint64_t arrived_count, wrong_count, calls;
    bool datagrams;
};

static int listening(int type, struct sockaddr_in *address)
{
    int fd = socket(AF_INET, type, 0);
    socklen_t len = sizeof *address;
    int room = 1 << 22;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
    return fd;
}

static struct bench *new_bench(bool datagrams)
{
    struct bench *b = calloc(1, sizeof *b);
    struct sockaddr_in address;
    assert_non_null(b);
    memset(&trap, 0, sizeof trap);
    int type = datagrams ? SOCK_DGRAM : SOCK_STREAM;
    int fd = listening(type, &address);
    if (!datagrams)
        assert_int_equal(listen(fd, 1), 0);
    b->datagrams = datagrams;
    b->sockets[0].fd = socket(AF_INET, type, 0);
    assert_int_equal(connect(b->sockets[0].fd, (struct sockaddr *)&address, sizeof address), 0);
    b->sockets[1].fd = datagrams ? fd : accept(fd, NULL, NULL);
    if (!datagrams)
        (void)close(fd);
    assert_int_equal(nv_payload_init(&b->payload, 5, 70000), 0);
    nv_framer_init(&b->framer);
    for (unsigned i = 0; i < 2; i++) {
        b->channels[i] = (struct nv_channel){.caps = datagrams ? NV_CAP_DATAGRAMS : NV_CAP_RELIABLE,
                                             .sockets = &b->sockets[i],
                                             .flow_count = 1,
                                             .payload = &b->payload,
                                             .sent_bytes = one_size,
                                             .t0_ns = nv_clock_ns()};
        assert_int_equal(nv_gather_open(&b->gathers[i], &b->channels[i], NULL), NV_OK);
    }
    for (unsigned i = 0; i < MESSAGES; i++)
        b->messages[i] =
            (struct nv_header){.type = NV_MSG_DATA, .len_bytes = 64, .seq = i, .count = 1};
    return b;
}

static void free_bench(struct bench *b)
{
    for (unsigned i = 0; i < 2; i++) {
        nv_gather_close(&b->gathers[i]);
        (void)close(b->sockets[i].fd);
    }
    nv_payload_dispose(&b->payload);
    free(b);
}

/* Messages come in order here, and whole. */
static void take(struct bench *b, const struct nv_header *header, const uint8_t *payload)
{
    const struct nv_header *sent = &b->messages[b->arrived_count];
    b->wrong_count += header->seq != sent->seq || header->len_bytes != sent->len_bytes;
    b->wrong_count += payload && !nv_payload_matches(&b->payload, header->seq, 0, payload,
                                                     header->len_bytes - NV_HEADER_BYTES);
    b->arrived_count++;
}

static bool received(void *context, const struct nv_received *got)
{
    struct bench *b = context;
    struct nv_framed framed;
    b->calls++;
    for (size_t at = 0; b->datagrams && at < got->len_bytes; at += got->segment_bytes) {
        size_t left = got->len_bytes - at;
        struct nv_header header;
        assert_int_equal(nv_header_decode(&header, got->data + at), NV_DECODE_OK);
        assert_int_equal(header.len_bytes, left < got->segment_bytes ? left : got->segment_bytes);
        take(b, &header, got->data + at + NV_HEADER_BYTES);
    }
    if (b->datagrams)
        return true;
    nv_framer_feed(&b->framer, got->data, got->len_bytes);
    while (nv_framer_next(&b->framer, &framed) > 0)
        take(b, &framed.header, NULL);
    return true;
}

static void receive_all(struct bench *b)
{
    const struct nv_sink sink = {.context = b, .received = received};
    while (nv_gather_receive(&b->gathers[1], 0, &sink, NULL) == NV_IO_DATA)
        continue;
}

/* Messages from..MESSAGES, alone or by the train; how many were taken. */
static unsigned send_once(struct bench *b, unsigned from, int *refusal)
{
    static struct nv_header trains[MESSAGES];
    unsigned count = 0;
    for (unsigned i = from; i < MESSAGES; i++) {
        struct nv_header *last = count ? &trains[count - 1] : NULL;
        if (by_the_train && last && last->len_bytes == b->messages[i].len_bytes &&
            last->seq + last->count == b->messages[i].seq)
            last->count++;
        else
            trains[count++] = b->messages[i];
    }
    unsigned sent = nv_gather_send(&b->gathers[0], &b->flow, trains, count, refusal);
    unsigned i = from;
    for (const struct nv_header *train = trains; i < from + sent; train++)
        for (unsigned k = 0; k < train->count && i < from + sent; k++)
            b->messages[i++].t_snd_ns = train->t_snd_ns;
    return sent;
}

/* Sends from..MESSAGES, however often it takes; how many refusals there were. */
static unsigned send_from(struct bench *b, unsigned from)
{
    unsigned refusals = 0;
    while (from < MESSAGES) {
        int refusal = 0;
        from += send_once(b, from, &refusal);
        refusals += refusal != 0;
        receive_all(b);
    }
    return refusals;
}

static void all_arrived(struct bench *b)
{
    int refusal = 0;
    for (unsigned i = 0; i < 1000 && b->arrived_count < MESSAGES; i++) {
        (void)nv_gather_send(&b->gathers[0], &b->flow, NULL, 0, &refusal); /* what is left */
        receive_all(b);
    }
    assert_int_equal(b->arrived_count, MESSAGES);
    assert_int_equal(b->wrong_count, 0);
}

static void many_messages_a_call(void **state)
{
    (void)state;
    for (unsigned datagrams = 0; datagrams < 2; datagrams++) {
        struct bench *b = new_bench(datagrams);
        assert_int_equal(send_from(b, 0), 0);
        all_arrived(b);
        assert_true(b->sockets[0].io.send_calls <= 6);
        free_bench(b);
    }
}

static void sizes_may_differ(void **state)
{
    static const uint32_t sizes[] = {64, 64, 1000, 40, 1000, 1000, 65000, 64, 700, 600};
    (void)state;
    if (one_size)
        return;
    for (unsigned datagrams = 0; datagrams < 2; datagrams++) {
        struct bench *b = new_bench(datagrams);
        for (unsigned i = 0; i < MESSAGES; i++)
            b->messages[i].len_bytes = sizes[i % 10];
        (void)send_from(b, 0);
        all_arrived(b);
        free_bench(b);
    }
}

static void send_by_slots(bool datagrams, uint32_t size_bytes)
{
    one_size = size_bytes;
    struct bench *b = new_bench(datagrams);
    one_size = 64;
    for (unsigned i = 0; i < MESSAGES; i++) {
        b->messages[i].len_bytes = size_bytes;
        b->messages[i].seq = i < 200 ? i : i < 250 ? 1280 + i : 7 * i;
    }
    (void)send_from(b, 0);
    all_arrived(b);
    free_bench(b);
}

/* More than there are slots for (128), and not one after another, as replies may be. The largest
 * size that has slots, and one that has none. */
static void slots_hold_one_message_each(void **state)
{
    static const uint32_t sizes[] = {2000, 8192, 16384, 16385};
    (void)state;
    for (unsigned i = 0; i < 8 && one_size; i++)
        send_by_slots(i % 2, sizes[i / 2]);
}

static void old_kernels_cut_fewer_segments(void **state)
{
    (void)state;
    struct bench *b = new_bench(true);
    trap.fail_with = EINVAL;
    trap.fail_count = 1000;
    trap.vectors_above = 64;
    assert_int_equal(send_from(b, 0), 0);
    all_arrived(b);
    assert_int_equal(b->flow.segments_max, 64);
    free_bench(b);
}

static void some_devices_cut_none(void **state)
{
    static const int reasons[] = {EIO, EINVAL, EMSGSIZE};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct bench *b = new_bench(true);
        trap.fail_with = reasons[i];
        trap.fail_count = 1000;
        trap.vectors_above = 1;
        assert_int_equal(send_from(b, 0), 0);
        all_arrived(b);
        assert_int_equal(b->flow.segments_max, 1);
        free_bench(b);
    }
}

/* The caller sends again what was not taken, and all of it is there once. */
static void a_refused_call_takes_nothing(void **state)
{
    (void)state;
    for (unsigned datagrams = 0; datagrams < 2; datagrams++) {
        struct bench *b = new_bench(datagrams);
        int refusal = 0;
        trap.fail_with = EAGAIN;
        trap.fail_count = 1;
        trap.after = datagrams;
        unsigned sent = datagrams ? send_once(b, 0, &refusal) : 0;
        assert_int_equal(refusal, 0);
        assert_int_equal(sent, datagrams ? 128 : 0);
        assert_int_equal(send_once(b, sent, &refusal), 0);
        assert_int_equal(refusal, EAGAIN);
        assert_int_equal(send_from(b, sent), 0);
        all_arrived(b);
        free_bench(b);
    }
}

/* Of datagrams it never does; if it did, what it says counts. */
static void a_call_may_take_a_part(void **state)
{
    (void)state;
    for (unsigned datagrams = 0; datagrams < 2; datagrams++) {
        struct bench *b = new_bench(datagrams);
        trap.bytes_max = datagrams ? 5 * 64 : 1000;
        (void)send_from(b, 0);
        all_arrived(b);
        assert_int_equal(b->sockets[0].io.partial_writes > 0, !datagrams);
        free_bench(b);
    }
}

static void interrupted_calls_are_made_again(void **state)
{
    (void)state;
    for (unsigned datagrams = 0; datagrams < 2; datagrams++) {
        struct bench *b = new_bench(datagrams);
        trap.fail_with = EINTR;
        trap.fail_count = 3;
        assert_int_equal(send_from(b, 0), 0);
        all_arrived(b);
        free_bench(b);
    }
}

static void one_time_a_call(void **state)
{
    (void)state;
    struct bench *b = new_bench(true);
    uint64_t before_ns = nv_clock_ns() - b->channels[0].t0_ns;
    (void)send_from(b, 0);
    assert_true(b->messages[0].t_snd_ns >= before_ns);
    assert_true(b->messages[0].t_snd_ns == b->messages[63].t_snd_ns);
    assert_true(b->messages[MESSAGES - 1].t_snd_ns > b->messages[0].t_snd_ns);
    free_bench(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_messages_a_call),
        cmocka_unit_test(sizes_may_differ),
        cmocka_unit_test(slots_hold_one_message_each),
        cmocka_unit_test(old_kernels_cut_fewer_segments),
        cmocka_unit_test(some_devices_cut_none),
        cmocka_unit_test(a_refused_call_takes_nothing),
        cmocka_unit_test(a_call_may_take_a_part),
        cmocka_unit_test(interrupted_calls_are_made_again),
        cmocka_unit_test(one_time_a_call),
    };
    int failed = cmocka_run_group_tests_name("alone", tests, NULL, NULL);
    by_the_train = true;
    failed += cmocka_run_group_tests_name("by the train", tests, NULL, NULL);
    one_size = 64;
    failed += cmocka_run_group_tests_name("by the train, of one size", tests, NULL, NULL);
    by_the_train = false;
    return cmocka_run_group_tests_name("alone, of one size", tests, NULL, NULL) + failed;
}
