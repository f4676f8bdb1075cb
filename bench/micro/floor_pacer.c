/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bare.h"

/* The floor under a pacer: one process that looks at the clock until a message is due and sends it,
 * and one that receives. Prints one line of CSV: p50, p99 and the largest of how late they were
 * sent, in ns.
 *
 * Failure modes: any call that fails ends the program with one line and status 1. */

#define SIZE_BYTES 64u
#define WARMUP_NS 200000000u
static const char *const transports[] = {"udp", "tcp"};

static void receive(int fd)
{
    static uint8_t bytes[65536];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
}

/* Deadlines are absolute: what is late does not make the rest late. */
static void send_paced(int fd, uint64_t rate_per_s, uint64_t duration_ns, struct samples *samples)
{
    static const uint8_t bytes[SIZE_BYTES];
    uint64_t start_ns = now_ns();
    uint64_t count = duration_ns * rate_per_s / NS_PER_S;
    samples->count = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t due_ns = start_ns + i * NS_PER_S / rate_per_s;
        uint64_t at_ns = now_ns();
        while (at_ns < due_ns)
            at_ns = now_ns();
        samples_add(samples, at_ns - due_ns);
        if (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
            fail("send");
    }
}

int main(int argc, char **argv)
{
    static const long max[4] = {CPU_SETSIZE - 1, CPU_SETSIZE - 1, 1000000, 300000};
    long numbers[4]; /* receiver's and sender's cpu, rate, duration */
    struct samples samples;
    int fds[2]; /* receiver, sender */
    int tcp = argc == 6 ? place_of(argv[1], transports, 2) : -1;
    for (unsigned i = 0; tcp >= 0 && i < 4; i++)
        if (number(argv[2 + i], i < 2 ? 0 : 10, max[i], &numbers[i]))
            tcp = -1;
    if (tcp < 0 || numbers[2] * numbers[3] / 1000 > (long)SAMPLES_MAX) {
        (void)fprintf(stderr, "usage: floor_pacer tcp|udp RECEIVER_CPU SENDER_CPU PER_SECOND "
                              "DURATION_MS\n");
        return 2;
    }
    open_pair(&(struct wiring){.tcp = tcp == 1, .nodelay = true, .room_bytes = 4 << 20}, fds);
    pid_t receiver = fork_pinned((int)numbers[0]);
    if (receiver == 0) {
        (void)close(fds[1]);
        receive(fds[0]);
        _exit(0);
    }
    pin((int)numbers[1]);
    samples_open(&samples);
    send_paced(fds[1], (uint64_t)numbers[2], WARMUP_NS, &samples);
    send_paced(fds[1], (uint64_t)numbers[2], (uint64_t)numbers[3] * NS_PER_MS, &samples);
    samples_sort(&samples);
    (void)printf("%u,%u,%u\n", samples_quantile(&samples, 50), samples_quantile(&samples, 99),
                 samples_quantile(&samples, 100));
    (void)kill(receiver, SIGKILL);
    (void)waitpid(receiver, NULL, 0);
    samples_close(&samples);
    return 0;
}
