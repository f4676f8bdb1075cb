/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "measure/quantile.h"
#include "path/carrier.h"

/* What the forwarder of an emulated path carries and costs, beside a bare loop of read() and
 * write() over the same devices, and beside loopback. Prints one line of CSV.
 *
 *   floor_forward rate bare|netversus MS       packets a second that come out, as many as possible
 *                                              going in: sender on one core, forwarder on another
 *   floor_forward delay loopback|bare|netversus MS   p50 and p99 of one-way delay, ns, at 1000/s
 *
 * Any call that fails ends the program with one line and status 1. */

#define MESSAGE_BYTES 64u
#define BATCH 32u
#define PORT 5555
#define MTU_BYTES 1500u

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "floor_forward: %s\n", what);
    _exit(1);
}

static int check(int result, const char *what)
{
    if (result < 0)
        fail(what);
    return result;
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* with one core there is nothing to choose */
}

/* Up to BATCH packets from one device to the other; false: there was none. */
static bool carry(int from, int to)
{
    static uint8_t bytes[MTU_BYTES];
    ssize_t n = 1;
    unsigned count = 0;
    for (; count < BATCH && n > 0; count += n > 0) {
        n = read(from, bytes, sizeof bytes);
        if (n > 0)
            (void)!write(to, bytes, (size_t)n);
    }
    return count > 0;
}

static void bare(const struct nv_forwarder_config *config)
{
    const int *devices = config->devices;
    struct pollfd fds[3] = {{.fd = config->control_fd, .events = POLLIN},
                            {.fd = devices[0], .events = POLLIN},
                            {.fd = devices[1], .events = POLLIN}};
    pin(1);
    for (;;) {
        bool more = carry(devices[0], devices[1]);
        more |= carry(devices[1], devices[0]);
        if (!more && poll(fds, 3, -1) > 0 && fds[0].revents)
            return;
    }
}

static void netversus(const struct nv_forwarder_config *config)
{
    pin(1);
    nv_forwarder_run(config);
}

static void open_path(struct nv_carrier *carrier, bool is_bare)
{
    struct nv_error err = {0};
    struct nv_path path;
    if (nv_carrier_open_with(carrier, is_bare ? bare : netversus, &err))
        fail(err.message);
    const struct nv_carrier_setting setting = {.path = &path, .seed = 1};
    if (is_bare)
        return;
    if (nv_path_parse(&path, "empty", NULL, &err) ||
        nv_carrier_configure(carrier, &setting, &err) ||
        nv_carrier_start(carrier, nv_clock_ns(), UINT64_MAX, &err))
        fail(err.message);
}

static void enter(const struct nv_carrier *carrier, enum nv_place place)
{
    struct nv_error err = {0};
    if (nv_carrier_enter(carrier, place, &err))
        fail(err.message);
}

static int udp_socket(const char *address, bool is_sender)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    (void)inet_pton(AF_INET, address, &to.sin_addr);
    (void)check((is_sender ? connect : bind)(fd, (struct sockaddr *)&to, sizeof to),
                is_sender ? "connect" : "bind");
    return fd;
}

/* Packets that a device delivered to its namespace. */
static uint64_t delivered(const struct nv_carrier *carrier)
{
    uint64_t count = 0;
    char line[512];
    enter(carrier, NV_PLACE_FAR);
    FILE *in = fopen("/proc/thread-self/net/dev", "r");
    while (in && fgets(line, sizeof line, in)) {
        char *name = strstr(line, "far0:");
        if (name)
            (void)sscanf(name + 5, "%*u %" SCNu64, &count);
    }
    if (in)
        (void)fclose(in);
    enter(carrier, NV_PLACE_NEAR);
    return count;
}

static void flood(int fd, uint64_t until_ns)
{
    static uint8_t bytes[MESSAGE_BYTES];
    struct mmsghdr messages[BATCH];
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof bytes};
    memset(messages, 0, sizeof messages);
    for (unsigned i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_iov = &part;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (nv_clock_ns() < until_ns)
        (void)sendmmsg(fd, messages, BATCH, 0);
}

/* The socket that it goes to is not read: what arrives in it costs the same either way. */
static void measure_rate(bool is_bare, uint64_t duration_ns)
{
    struct nv_carrier carrier;
    open_path(&carrier, is_bare);
    enter(&carrier, NV_PLACE_FAR);
    int far = udp_socket(NV_CARRIER_FAR_IPV4, false);
    enter(&carrier, NV_PLACE_NEAR);
    int near = udp_socket(NV_CARRIER_FAR_IPV4, true);
    pin(0);
    flood(near, nv_clock_ns() + duration_ns / 10);
    uint64_t start_ns = nv_clock_ns();
    uint64_t before = delivered(&carrier);
    flood(near, start_ns + duration_ns);
    uint64_t count = delivered(&carrier) - before;
    double seconds = (double)(nv_clock_ns() - start_ns) / 1e9;
    (void)printf("%.0f\n", (double)count / seconds);
    (void)close(near);
    (void)close(far);
    nv_carrier_close(&carrier);
}

static void send_paced(int fd, uint64_t duration_ns)
{
    uint64_t bytes[MESSAGE_BYTES / sizeof(uint64_t)] = {0};
    uint64_t start_ns = nv_clock_ns();
    pin(0);
    for (uint64_t at_ns = 0; at_ns < duration_ns; at_ns += NV_NS_PER_MS) {
        nv_clock_sleep_until(start_ns + at_ns);
        bytes[0] = nv_clock_ns();
        (void)send(fd, bytes, sizeof bytes, 0);
    }
}

static void receive(int fd, uint64_t until_ns, struct nv_hist *delays)
{
    uint64_t bytes[MESSAGE_BYTES / sizeof(uint64_t)];
    struct timeval patience = {.tv_usec = 100000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    pin(1);
    while (nv_clock_ns() < until_ns)
        if (recv(fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes)
            nv_hist_add(delays, nv_clock_ns() - bytes[0]);
}

static void measure_delay(const char *what, uint64_t duration_ns)
{
    bool loopback = strcmp(what, "loopback") == 0;
    const char *address = loopback ? "127.0.0.1" : NV_CARRIER_FAR_IPV4;
    struct nv_carrier carrier = {0};
    static struct nv_hist delays;
    if (!loopback) {
        open_path(&carrier, strcmp(what, "bare") == 0);
        enter(&carrier, NV_PLACE_FAR);
    }
    int far = udp_socket(address, false);
    if (!loopback)
        enter(&carrier, NV_PLACE_NEAR);
    pid_t sender = check(fork(), "fork");
    if (sender == 0) {
        send_paced(udp_socket(address, true), duration_ns);
        _exit(0);
    }
    receive(far, nv_clock_ns() + duration_ns, &delays);
    (void)waitpid(sender, NULL, 0);
    if (!delays.count)
        fail("nothing arrived");
    (void)printf("%" PRIu64 ",%" PRIu64 "\n", nv_quantile_value(&delays, 0.5),
                 nv_quantile_value(&delays, 0.99));
    nv_carrier_close(&carrier);
}

int main(int argc, char **argv)
{
    static const char *const ways[] = {"loopback", "bare", "netversus"};
    bool known = false;
    for (unsigned i = 0; argc == 4 && i < 3; i++)
        known |= strcmp(argv[2], ways[i]) == 0;
    uint64_t ms = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (!known || ms < 1 || ms > 60000)
        fail("usage: floor_forward rate|delay loopback|bare|netversus MS");
    if (strcmp(argv[1], "rate") == 0)
        measure_rate(strcmp(argv[2], "bare") == 0, ms * NV_NS_PER_MS);
    else
        measure_delay(argv[2], ms * NV_NS_PER_MS);
    return 0;
}
