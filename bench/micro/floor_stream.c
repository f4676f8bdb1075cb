/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"

/* The floor under a stream as fast as it goes: two processes on loopback that do nothing but send
 * and receive, with one message a call (single) or with large writes and datagrams that the kernel
 * cuts and puts together (batch). Prints one line of CSV: messages a second that arrived, and that
 * were sent.
 *
 * Happy path: sockets, fork, both ends pinned; the receiver counts bytes in a window that opens
 * WARMUP after the first. Failure modes: any call that fails ends the program with status 1. */

#define BUFFER_BYTES (256u << 10)
#define DATAGRAM_BYTES_MAX 65487u
#define SEGMENTS_MAX 128u
#define RECEIVE_BUFFER_BYTES (4 << 20)
#define WARMUP_NS 200000000u

struct options {
    bool tcp, batch;
    int receiver_cpu, sender_cpu;
    size_t size_bytes;
    uint64_t duration_ns;
};

static void open_sockets(const struct options *options, int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int type = (options->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC;
    int room = RECEIVE_BUFFER_BYTES;
    int on = 1;
    fds[0] = check(socket(AF_INET, type, 0), "socket");
    (void)setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    (void)check(bind(fds[0], (struct sockaddr *)&address, sizeof address), "bind");
    (void)check(getsockname(fds[0], (struct sockaddr *)&address, &len), "getsockname");
    if (options->tcp)
        (void)check(listen(fds[0], 1), "listen");
    fds[1] = check(socket(AF_INET, type, 0), "socket");
    (void)check(connect(fds[1], (struct sockaddr *)&address, sizeof address), "connect");
    if (options->tcp)
        fds[0] = check(accept(fds[0], NULL, NULL), "accept");
    else if (options->batch)
        (void)check(setsockopt(fds[0], IPPROTO_UDP, UDP_GRO, &on, sizeof on), "UDP_GRO");
}

/* Bytes of a window, which opens after the warm-up and is duration long, over its true length. */
static double receive(const struct options *options, int fd)
{
    static uint8_t buffer[BUFFER_BYTES];
    uint64_t first_ns = 0;
    uint64_t bytes = 0;
    uint64_t from_ns = 0;
    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
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

static void segment(int fd, const struct options *options)
{
    int bytes = (int)options->size_bytes;
    (void)check(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &bytes, sizeof bytes), "UDP_SEGMENT");
}

static size_t call_bytes(const struct options *options)
{
    size_t most = options->tcp ? BUFFER_BYTES : DATAGRAM_BYTES_MAX;
    size_t count = options->batch ? most / options->size_bytes : 1;
    if (!options->tcp && count > SEGMENTS_MAX)
        count = SEGMENTS_MAX;
    return (count ? count : 1) * options->size_bytes;
}

/* Until the receiver has enough and closes, or the time is over; messages a second. */
static double send_all(const struct options *options, int fd)
{
    static uint8_t buffer[BUFFER_BYTES];
    size_t call = call_bytes(options);
    uint64_t start_ns = now_ns();
    uint64_t stop_ns = start_ns + 3 * WARMUP_NS + options->duration_ns;
    uint64_t bytes = 0;
    uint64_t at_ns = start_ns;
    if (!options->tcp && options->batch && call > options->size_bytes)
        segment(fd, options);
    while (at_ns < stop_ns) {
        ssize_t n = 0;
        for (unsigned i = 0; i < 16 && n >= 0; i++) {
            n = send(fd, buffer, call, MSG_NOSIGNAL);
            bytes += n > 0 ? (uint64_t)n : 0;
        }
        at_ns = now_ns();
        if (n < 0 && errno != ENOBUFS)
            break;
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
    options->tcp = strcmp(argv[1], "tcp") == 0;
    options->batch = strcmp(argv[2], "batch") == 0;
    options->receiver_cpu = (int)numbers[0];
    options->sender_cpu = (int)numbers[1];
    options->size_bytes = (size_t)numbers[2];
    options->duration_ns = (uint64_t)numbers[3] * 1000000;
    return (options->tcp || strcmp(argv[1], "udp") == 0) &&
                   (options->batch || strcmp(argv[2], "single") == 0)
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    struct options options;
    int fds[2]; /* receiver, sender */
    int results[2];
    if (parse(&options, argc, argv)) {
        (void)fprintf(stderr, "usage: floor_stream tcp|udp single|batch RECEIVER_CPU SENDER_CPU "
                              "SIZE_BYTES DURATION_MS\n");
        return 2;
    }
    open_sockets(&options, fds);
    (void)check(pipe(results), "pipe");
    pid_t receiver = check(fork(), "fork");
    if (receiver == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(fds[1]);
        pin(options.receiver_cpu);
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
