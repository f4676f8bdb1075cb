/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bare.h"
#include "floor_uring.h"
#include "floor_uv.h"

/* The floor under a closed-loop round trip: two processes on loopback that do nothing but send and
 * receive one message back and forth: with blocking calls, a receive after each epoll_wait or each
 * turn of a libuv loop, a receive that is tried without end, or io_uring. Prints one line of CSV:
 * round trips counted, p50 and p99 in ns (nearest rank).
 *
 * Happy path: sockets, fork, both ends pinned, warm-up, measured round trips, SIGKILL for the
 * answering end. Failure modes: any call that fails ends the program with one line and status 1. */

#define MESSAGE_BYTES_MAX 65507u
#define WARMUP_NS 200000000u

enum way { BLOCKING, EPOLL, LIBUV, SPIN, URING, WAYS };
static const char *const ways[WAYS] = {"blocking", "epoll", "libuv", "spin", "uring"};
static const char *const transports[] = {"udp", "tcp"};

struct options {
    bool tcp;
    enum way way;
    int server_cpu, client_cpu;
    size_t size_bytes;
    uint64_t duration_ns;
};

struct end {
    int fd;
    enum way way;
    int epoll_fd;
    struct watch *watch;
    struct uring *uring;
    size_t size_bytes;
    uint8_t bytes[MESSAGE_BYTES_MAX];
};

/* In the process that is to use it: a ring belongs to one. */
static void prepare(struct end *end, const struct options *options, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    end->fd = fd;
    end->way = options->way;
    end->size_bytes = options->size_bytes;
    if (end->way == URING)
        end->uring = uring_open(fd, end->size_bytes);
    if (end->way != EPOLL && end->way != LIBUV)
        return;
    (void)check(fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl");
    if (end->way == LIBUV) {
        end->watch = watch_open(fd);
        return;
    }
    end->epoll_fd = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    (void)check(epoll_ctl(end->epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void wait_readable(const struct end *end)
{
    struct epoll_event event;
    while (epoll_wait(end->epoll_fd, &event, 1, -1) < 0)
        if (errno != EINTR)
            fail("epoll_wait");
}

static ssize_t receive_piece(struct end *end, size_t done)
{
    if (end->way == URING)
        return uring_receive(end->uring);
    if (end->way == EPOLL)
        wait_readable(end);
    if (end->way == LIBUV)
        watch_wait(end->watch);
    return recv(end->fd, end->bytes + done, end->size_bytes - done,
                end->way == SPIN ? MSG_DONTWAIT : 0);
}

/* One whole message; a stream may bring it in pieces. */
static void receive(struct end *end)
{
    for (size_t done = 0; done < end->size_bytes;) {
        ssize_t n = receive_piece(end, done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            fail("recv");
    }
}

/* io_uring hands it in with the receive that follows: one system call for both. */
static void send_message(const struct end *end)
{
    if (end->way == URING)
        uring_queue(end->uring, end->bytes, end->size_bytes);
    else if (send(end->fd, end->bytes, end->size_bytes, MSG_NOSIGNAL) != (ssize_t)end->size_bytes)
        fail("send");
}

static _Noreturn void answer(struct end *end)
{
    for (;;) {
        receive(end);
        send_message(end);
    }
}

/* Round trips until the time is over, each of them a sample. */
static void ping(struct end *end, uint64_t duration_ns, struct samples *samples)
{
    uint64_t stop_ns = now_ns() + duration_ns;
    samples->count = 0;
    for (uint64_t sent_ns = now_ns(); sent_ns < stop_ns && samples->count < SAMPLES_MAX;
         sent_ns = now_ns()) {
        send_message(end);
        receive(end);
        samples_add(samples, now_ns() - sent_ns);
    }
}

static int parse(struct options *options, int argc, char **argv)
{
    static const long max[4] = {CPU_SETSIZE - 1, CPU_SETSIZE - 1, MESSAGE_BYTES_MAX, 60000};
    long numbers[4];
    if (argc != 7)
        return -1;
    for (unsigned i = 0; i < 4; i++)
        if (number(argv[3 + i], i < 2 ? 0 : 1, max[i], &numbers[i]))
            return -1;
    int tcp = place_of(argv[1], transports, 2);
    int way = place_of(argv[2], ways, WAYS);
    *options = (struct options){.tcp = tcp == 1,
                                .way = (enum way)way,
                                .server_cpu = (int)numbers[0],
                                .client_cpu = (int)numbers[1],
                                .size_bytes = (size_t)numbers[2],
                                .duration_ns = (uint64_t)numbers[3] * NS_PER_MS};
    return tcp < 0 || way < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct options options;
    static struct end end; /* each process has its own */
    struct samples samples;
    int fds[2]; /* server, client */
    if (parse(&options, argc, argv)) {
        (void)fprintf(stderr, "usage: floor_pingpong tcp|udp blocking|epoll|libuv|spin|uring "
                              "SERVER_CPU CLIENT_CPU SIZE_BYTES DURATION_MS\n");
        return 2;
    }
    open_pair(&(struct wiring){.tcp = options.tcp, .nodelay = true}, fds);
    pid_t server = fork_pinned(options.server_cpu);
    if (server == 0) {
        prepare(&end, &options, fds[0]);
        answer(&end);
    }
    pin(options.client_cpu);
    prepare(&end, &options, fds[1]);
    samples_open(&samples);
    ping(&end, WARMUP_NS, &samples);
    ping(&end, options.duration_ns, &samples);
    samples_sort(&samples);
    (void)printf("%zu,%u,%u\n", samples.count, samples_quantile(&samples, 50),
                 samples_quantile(&samples, 99));
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    samples_close(&samples);
    return 0;
}
