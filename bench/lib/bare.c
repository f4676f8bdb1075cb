/* SPDX-License-Identifier: MIT */
#include "bare.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static int bound_socket(const struct wiring *wiring, int room_bytes, struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int type = wiring->tcp ? SOCK_STREAM : SOCK_DGRAM;
    int fd = check(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (room_bytes)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room_bytes, sizeof room_bytes);
    (void)check(bind(fd, (struct sockaddr *)address, sizeof *address), "bind");
    (void)check(getsockname(fd, (struct sockaddr *)address, &len), "getsockname");
    return fd;
}

static void connect_to(int fd, const struct sockaddr_in *address)
{
    (void)check(connect(fd, (const struct sockaddr *)address, sizeof *address), "connect");
}

void open_pair(const struct wiring *wiring, int fds[2])
{
    static const int on = 1;
    struct sockaddr_in addresses[2];
    fds[0] = bound_socket(wiring, wiring->room_bytes, &addresses[0]);
    if (wiring->tcp)
        (void)check(listen(fds[0], 1), "listen");
    fds[1] = bound_socket(wiring, 0, &addresses[1]);
    connect_to(fds[1], &addresses[0]);
    if (!wiring->tcp) {
        connect_to(fds[0], &addresses[1]);
        return;
    }
    int listener = fds[0];
    fds[0] = check(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept");
    (void)close(listener);
    for (unsigned i = 0; i < 2 && wiring->nodelay; i++)
        (void)check(setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

pid_t fork_pinned(int cpu)
{
    pid_t pid = check(fork(), "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(cpu);
    }
    return pid;
}

void samples_open(struct samples *self)
{
    *self = (struct samples){.ns = malloc(SAMPLES_MAX * sizeof *self->ns)};
    if (!self->ns)
        fail("malloc");
}

void samples_add(struct samples *self, uint64_t took_ns)
{
    if (self->count < SAMPLES_MAX)
        self->ns[self->count++] = took_ns < UINT32_MAX ? (uint32_t)took_ns : UINT32_MAX;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void samples_sort(struct samples *self)
{
    qsort(self->ns, self->count, sizeof *self->ns, by_value);
}

uint32_t samples_quantile(const struct samples *self, unsigned percent)
{
    size_t rank = (self->count * percent + 99) / 100;
    return self->count ? self->ns[rank ? rank - 1 : 0] : 0;
}

void samples_close(struct samples *self)
{
    free(self->ns);
}

int place_of(const char *text, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return (int)i;
    return -1;
}
