/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bare.h"
#include "floor_uring.h"

/* The floor under a stream as fast as it goes: two processes on loopback that do nothing but send
 * and receive, with one message a call (single), with large writes and datagrams that the kernel
 * cuts and puts together (batch), or through io_uring, one send or 64 of them handed in at a time
 * (uring, uring-batch). Of single there are two more for streams, whose receivers differ: one asks
 * for no more than a message a call (short), one has its acknowledgements held back (late). Prints
 * one line of CSV: messages a second that arrived, and that were sent.
 *
 * Happy path: sockets, fork, both ends pinned; the receiver counts bytes in a window that opens
 * WARMUP after the first. Failure modes: any call that fails ends the program with status 1. */

#define BUFFER_BYTES (256u << 10)
#define DATAGRAM_BYTES_MAX 65487u
#define SEGMENTS_MAX 128u
#define RECEIVE_BUFFER_BYTES (4 << 20)
#define WARMUP_NS 200000000u
#define PATIENCE_NS 10000000000u /* for a receiver that is not given a processor */
#define URING_SENDS 64u
#define URING_RECEIVE_BYTES ((size_t)64 << 10)

enum way { SINGLE, SHORT, LATE, BATCH, URING, URING_BATCH, WAYS };
static const char *const ways[WAYS] = {"single", "short", "late", "batch", "uring", "uring-batch"};
static const char *const transports[] = {"udp", "tcp"};

struct options {
    bool tcp;
    enum way way;
    int receiver_cpu, sender_cpu;
    size_t size_bytes;
    uint64_t duration_ns;
};

static struct uring *ring_of(const struct options *options, int fd)
{
    size_t most = options->tcp ? URING_RECEIVE_BYTES : options->size_bytes;
    return options->way == URING || options->way == URING_BATCH ? uring_open(fd, most) : NULL;
}

static ssize_t receive_once(const struct options *options, int fd, uint8_t *buffer)
{
    int quick = 0;
    if (options->way == LATE)
        (void)check(setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &quick, sizeof quick), "QUICKACK");
    return recv(fd, buffer, options->way == SHORT ? options->size_bytes : BUFFER_BYTES, 0);
}

/* Bytes of a window, which opens after the warm-up and is duration long, over its true length. */
static double receive(const struct options *options, int fd)
{
    static uint8_t buffer[BUFFER_BYTES];
    struct uring *uring = ring_of(options, fd);
    uint64_t first_ns = 0;
    uint64_t bytes = 0;
    uint64_t from_ns = 0;
    for (;;) {
        ssize_t n = uring ? uring_receive(uring) : receive_once(options, fd, buffer);
        uint64_t at_ns = now_ns();
        if (n <= 0)
            fail("recv");
        first_ns = first_ns ? first_ns : at_ns;
        if (!from_ns && at_ns - first_ns >= WARMUP_NS)
            from_ns = at_ns;
        else if (from_ns)
            bytes += (uint64_t)n;
        if (from_ns && at_ns - from_ns >= options->duration_ns)
            return (double)bytes / (double)options->size_bytes * NS_PER_S /
                   (double)(at_ns - from_ns);
    }
}

static void set_udp(int fd, int option, size_t value)
{
    int setting = (int)value;
    (void)check(setsockopt(fd, IPPROTO_UDP, option, &setting, sizeof setting), "UDP offload");
}

static size_t call_bytes(const struct options *options)
{
    size_t most = options->tcp ? BUFFER_BYTES : DATAGRAM_BYTES_MAX;
    size_t count = options->way == BATCH ? most / options->size_bytes : 1;
    if (!options->tcp && count > SEGMENTS_MAX)
        count = SEGMENTS_MAX;
    return (count ? count : 1) * options->size_bytes;
}

/* Until the receiver has enough and closes; messages a second. */
static double send_all(const struct options *options, int fd)
{
    static uint8_t buffer[BUFFER_BYTES];
    size_t call = call_bytes(options);
    struct uring *uring = ring_of(options, fd);
    unsigned sends = options->way == URING_BATCH ? URING_SENDS : 1;
    uint64_t start_ns = now_ns();
    uint64_t at_ns = start_ns;
    uint64_t bytes = 0;
    ssize_t n = 0;
    if (!options->tcp && call > options->size_bytes)
        set_udp(fd, UDP_SEGMENT, options->size_bytes);
    while (n >= 0 || errno == ENOBUFS) {
        n = 0;
        for (unsigned i = 0; i < 16 && n >= 0; i++) {
            n = uring ? uring_send(uring, buffer, call, sends)
                      : send(fd, buffer, call, MSG_NOSIGNAL);
            bytes += n > 0 ? (uint64_t)n : 0;
        }
        at_ns = now_ns();
        if (at_ns - start_ns > PATIENCE_NS + options->duration_ns)
            fail("the receiver takes too long");
    }
    return (double)bytes / (double)options->size_bytes * NS_PER_S / (double)(at_ns - start_ns);
}

static int parse(struct options *options, int argc, char **argv)
{
    long numbers[4];
    static const long max[4] = {CPU_SETSIZE - 1, CPU_SETSIZE - 1, 65487, 60000};
    if (argc != 7)
        return -1;
    for (unsigned i = 0; i < 4; i++)
        if (number(argv[3 + i], i < 2 ? 0 : 1, max[i], &numbers[i]))
            return -1;
    int tcp = place_of(argv[1], transports, 2);
    int way = place_of(argv[2], ways, WAYS);
    options->tcp = tcp == 1;
    options->way = (enum way)way;
    options->receiver_cpu = (int)numbers[0];
    options->sender_cpu = (int)numbers[1];
    options->size_bytes = (size_t)numbers[2];
    options->duration_ns = (uint64_t)numbers[3] * NS_PER_MS;
    bool of_streams = way == SHORT || way == LATE;
    return tcp < 0 || way < 0 || (of_streams && tcp == 0) ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct options options;
    int fds[2]; /* receiver, sender */
    int results[2];
    if (parse(&options, argc, argv)) {
        (void)fprintf(stderr,
                      "usage: floor_stream tcp|udp single|batch|uring|uring-batch, tcp short|late "
                      "RECEIVER_CPU SENDER_CPU SIZE_BYTES DURATION_MS\n");
        return 2;
    }
    open_pair(&(struct wiring){.tcp = options.tcp, .room_bytes = RECEIVE_BUFFER_BYTES}, fds);
    if (!options.tcp && options.way == BATCH)
        set_udp(fds[0], UDP_GRO, 1);
    (void)check(pipe(results), "pipe");
    pid_t receiver = fork_pinned(options.receiver_cpu);
    if (receiver == 0) {
        (void)close(fds[1]);
        double rate = receive(&options, fds[0]);
        _exit(write(results[1], &rate, sizeof rate) != (ssize_t)sizeof rate);
    }
    (void)close(fds[0]);
    pin(options.sender_cpu);
    double arrived = 0;
    double sent = send_all(&options, fds[1]);
    (void)close(results[1]);
    if (read(results[0], &arrived, sizeof arrived) != (ssize_t)sizeof arrived)
        fail("the receiver ended");
    (void)waitpid(receiver, NULL, 0);
    (void)printf("%.0f,%.0f\n", arrived, sent);
    return 0;
}
