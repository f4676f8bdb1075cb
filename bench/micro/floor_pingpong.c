/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"

/* The floor under a closed-loop round trip: two processes on loopback that do nothing but send and
 * receive one message back and forth, with blocking calls or with epoll. Prints one line of CSV:
 * round trips counted, p50 and p99 in ns (nearest rank).
 *
 * Happy path: sockets, fork, both ends pinned, warm-up, measured round trips, SIGKILL for the
 * answering end. Failure modes: any call that fails ends the program with one line and status 1. */

#define MESSAGE_BYTES_MAX 65507u
#define SAMPLES_MAX (8u << 20)
#define WARMUP_NS 200000000u

struct options {
    bool tcp, epoll;
    int server_cpu, client_cpu;
    size_t size_bytes;
    uint64_t duration_ns;
};

struct end {
    int fd, epoll_fd; /* epoll_fd < 0: blocking */
    size_t size_bytes;
    uint8_t bytes[MESSAGE_BYTES_MAX];
};

static void wait_readable(const struct end *end)
{
    struct epoll_event event;
    while (epoll_wait(end->epoll_fd, &event, 1, -1) < 0)
        if (errno != EINTR)
            fail("epoll_wait");
}

/* One whole message; a stream may bring it in pieces. */
static void receive(struct end *end)
{
    for (size_t done = 0; done < end->size_bytes;) {
        if (end->epoll_fd >= 0)
            wait_readable(end);
        ssize_t n = recv(end->fd, end->bytes + done, end->size_bytes - done, 0);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            fail("recv");
    }
}

static void send_message(const struct end *end)
{
    ssize_t n = send(end->fd, end->bytes, end->size_bytes, MSG_NOSIGNAL);
    if (n != (ssize_t)end->size_bytes)
        fail("send");
}

static void use_epoll(struct end *end)
{
    struct epoll_event event = {.events = EPOLLIN};
    end->epoll_fd = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    (void)check(epoll_ctl(end->epoll_fd, EPOLL_CTL_ADD, end->fd, &event), "epoll_ctl");
    (void)check(fcntl(end->fd, F_SETFL, O_NONBLOCK), "fcntl");
}

static void answer(struct end *end)
{
    for (;;) {
        receive(end);
        send_message(end);
    }
}

static int bound_socket(int type, struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int fd = check(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)check(bind(fd, (struct sockaddr *)address, sizeof *address), "bind");
    (void)check(getsockname(fd, (struct sockaddr *)address, &len), "getsockname");
    return fd;
}

static void connect_to(int fd, const struct sockaddr_in *address)
{
    (void)check(connect(fd, (const struct sockaddr *)address, sizeof *address), "connect");
}

static void open_udp(int fds[2])
{
    struct sockaddr_in addresses[2];
    for (unsigned i = 0; i < 2; i++)
        fds[i] = bound_socket(SOCK_DGRAM, &addresses[i]);
    for (unsigned i = 0; i < 2; i++)
        connect_to(fds[i], &addresses[1 - i]);
}

static void open_tcp(int fds[2])
{
    static const int on = 1;
    struct sockaddr_in address;
    int listener = bound_socket(SOCK_STREAM, &address);
    (void)check(listen(listener, 1), "listen");
    fds[1] = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    connect_to(fds[1], &address);
    fds[0] = check(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept");
    (void)close(listener);
    for (unsigned i = 0; i < 2; i++)
        (void)check(setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

static pid_t start_server(const struct options *options, struct end *end)
{
    pid_t pid = check(fork(), "fork");
    if (pid)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(options->server_cpu);
    if (options->epoll)
        use_epoll(end);
    answer(end);
    return 0;
}

/* Round trips until the time is over; how many were written to out, if it is not NULL. */
static size_t ping(struct end *end, uint64_t duration_ns, uint32_t *out)
{
    size_t count = 0;
    uint64_t stop_ns = now_ns() + duration_ns;
    for (uint64_t sent_ns = now_ns(); sent_ns < stop_ns && count < SAMPLES_MAX;
         sent_ns = now_ns()) {
        send_message(end);
        receive(end);
        uint64_t took_ns = now_ns() - sent_ns;
        if (out)
            out[count++] = took_ns < UINT32_MAX ? (uint32_t)took_ns : UINT32_MAX;
    }
    return count;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t quantile(const uint32_t *sorted, size_t count, unsigned percent)
{
    size_t rank = (count * percent + 99) / 100;
    return sorted[rank ? rank - 1 : 0];
}

static int parse(struct options *options, int argc, char **argv)
{
    long server_cpu;
    long client_cpu;
    long size_bytes;
    long duration_ms;
    if (argc != 7 || number(argv[3], 0, CPU_SETSIZE - 1, &server_cpu) ||
        number(argv[4], 0, CPU_SETSIZE - 1, &client_cpu) ||
        number(argv[5], 1, MESSAGE_BYTES_MAX, &size_bytes) ||
        number(argv[6], 1, 60000, &duration_ms))
        return -1;
    options->tcp = strcmp(argv[1], "tcp") == 0;
    options->epoll = strcmp(argv[2], "epoll") == 0;
    options->server_cpu = (int)server_cpu;
    options->client_cpu = (int)client_cpu;
    options->size_bytes = (size_t)size_bytes;
    options->duration_ns = (uint64_t)duration_ms * 1000000;
    return (options->tcp || strcmp(argv[1], "udp") == 0) &&
                   (options->epoll || strcmp(argv[2], "blocking") == 0)
               ? 0
               : -1;
}

static void measure(const struct options *options, struct end *end, uint32_t *samples)
{
    pin(options->client_cpu);
    if (options->epoll)
        use_epoll(end);
    (void)ping(end, WARMUP_NS, NULL);
    size_t count = ping(end, options->duration_ns, samples);
    if (!count)
        return;
    qsort(samples, count, sizeof *samples, by_value);
    (void)printf("%zu,%u,%u\n", count, quantile(samples, count, 50), quantile(samples, count, 99));
}

int main(int argc, char **argv)
{
    struct options options;
    static struct end ends[2]; /* server, client */
    int fds[2];
    if (parse(&options, argc, argv)) {
        (void)fprintf(stderr, "usage: floor_pingpong tcp|udp blocking|epoll SERVER_CPU CLIENT_CPU "
                              "SIZE_BYTES DURATION_MS\n");
        return 2;
    }
    uint32_t *samples = malloc(SAMPLES_MAX * sizeof *samples);
    if (!samples)
        fail("malloc");
    if (options.tcp)
        open_tcp(fds);
    else
        open_udp(fds);
    for (unsigned i = 0; i < 2; i++) {
        ends[i].fd = fds[i];
        ends[i].epoll_fd = -1;
        ends[i].size_bytes = options.size_bytes;
    }
    pid_t server = start_server(&options, &ends[0]);
    measure(&options, &ends[1], samples);
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    free(samples);
    return 0;
}
