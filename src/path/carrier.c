/* SPDX-License-Identifier: MIT */
#include "path/carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longer than a burst of TCP at the rate of the device; the default of 500 drops silently. */
#define QUEUE_PACKETS 20000u
#define REPLY_WAIT_MS 5000
#define CONTAINER_HINT "--cap-add SYS_ADMIN --cap-add NET_ADMIN --device /dev/net/tun"

static const struct nv_device_config devices[2] = {
    [NV_PLACE_NEAR] = {"near0", NV_CARRIER_NEAR_IPV4, NV_CARRIER_FAR_IPV4, NV_CARRIER_NEAR_IPV6, 64,
                       QUEUE_PACKETS},
    [NV_PLACE_FAR] = {"far0", NV_CARRIER_FAR_IPV4, NV_CARRIER_NEAR_IPV4, NV_CARRIER_FAR_IPV6, 64,
                      QUEUE_PACKETS},
};

static int write_file(const char *file, const char *text, struct nv_error *err)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
    int reason = errno;
    if (fd >= 0)
        (void)close(fd);
    return n < 0 ? nv_fail_errno(err, NV_E_FAILED, reason, "write %s", file) : NV_OK;
}

/* A user namespace in which we may make network namespaces, and are still who we are. */
static int become_owner(struct nv_error *err)
{
    char uids[32];
    char gids[32];
    (void)snprintf(uids, sizeof uids, "%u %u 1", geteuid(), geteuid());
    (void)snprintf(gids, sizeof gids, "%u %u 1", getegid(), getegid());
    if (unshare(CLONE_NEWUSER))
        return nv_fail(err, NV_E_FAILED,
                       "an emulated path needs root or user namespaces: unshare: %s (sysctl -w "
                       "kernel.unprivileged_userns_clone=1 or user.max_user_namespaces=1000; in a "
                       "container: " CONTAINER_HINT ")",
                       strerror(errno));
    if (write_file("/proc/self/setgroups", "deny", err) ||
        write_file("/proc/self/uid_map", uids, err) || write_file("/proc/self/gid_map", gids, err))
        return nv_fail_within(err, "an emulated path needs root or user namespaces that are not "
                                   "restricted (sysctl -w "
                                   "kernel.apparmor_restrict_unprivileged_userns=0)");
    return NV_OK;
}

/* Rights are not guessed from who we are: what works is tried. */
static int become_able(struct nv_error *err)
{
    if (unshare(CLONE_NEWNET) == 0)
        return NV_OK;
    return errno == EPERM ? become_owner(err)
                          : nv_fail_errno(err, NV_E_FAILED, errno, "unshare(CLONE_NEWNET)");
}

/* Of the calling thread's place, as far as we may: what one connection learnt of the path is not
 * for the next one to know, and ping is for everyone. */
static void set_up_place(void)
{
    char group[32];
    (void)snprintf(group, sizeof group, "%u %u", getegid(), getegid());
    (void)write_file("/proc/sys/net/ipv4/tcp_no_metrics_save", "1", NULL);
    (void)write_file("/proc/sys/net/ipv4/ping_group_range", group, NULL);
}

/* A place of its own for the calling thread, with its device. */
static int make_place(struct nv_carrier *carrier, enum nv_place place, struct nv_error *err)
{
    if (unshare(CLONE_NEWNET))
        return nv_fail(err, NV_E_FAILED,
                       "an emulated path needs network namespaces: unshare: %s (in a "
                       "container: " CONTAINER_HINT ")",
                       strerror(errno));
    carrier->namespace_fd[place] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (carrier->namespace_fd[place] < 0)
        return nv_fail_errno(err, NV_E_FAILED, errno, "open /proc/thread-self/ns/net");
    set_up_place();
    return nv_device_open(&carrier->device[place], &devices[place], err)
               ? nv_fail_within(err, "an emulated path (in a container: " CONTAINER_HINT ")")
               : NV_OK;
}

/* In the child: nothing but the packets and the socket over which it is told. */
_Noreturn static void be_forwarder(const struct nv_carrier *carrier, nv_forward *forward,
                                   int control_fd, pid_t parent)
{
    const struct nv_forwarder_config config = {
        .devices = {[NV_WAY_UP] = carrier->device[NV_PLACE_NEAR].fd,
                    [NV_WAY_DOWN] = carrier->device[NV_PLACE_FAR].fd},
        .control_fd = control_fd,
        .logs = {carrier->logs[0], carrier->logs[1]}};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "nv-forwarder");
    (void)setpgid(0, 0); /* Ctrl-C is for the parent, which closes the socket */
    (void)close(carrier->control_fd);
    if (getppid() == parent)
        forward(&config);
    _exit(0);
}

/* Shared with the forwarder; pages are taken when something is logged. */
static int make_logs(struct nv_carrier *carrier, struct nv_error *err)
{
    for (unsigned i = 0; i < 2; i++) {
        void *log = mmap(NULL, NV_PACKET_LOG_BYTES, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (log == MAP_FAILED)
            return nv_fail_errno(err, NV_E_FAILED, errno, "mmap");
        carrier->logs[i] = log;
    }
    return NV_OK;
}

static int start_forwarder(struct nv_carrier *carrier, nv_forward *forward, struct nv_error *err)
{
    int sockets[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
        return nv_fail_errno(err, NV_E_FAILED, errno, "socketpair");
    carrier->control_fd = sockets[0];
    carrier->forwarder = fork();
    if (carrier->forwarder == 0)
        be_forwarder(carrier, forward, sockets[1], parent);
    (void)close(sockets[1]);
    return carrier->forwarder < 0 ? nv_fail_errno(err, NV_E_FAILED, errno, "fork") : NV_OK;
}

int nv_carrier_open(struct nv_carrier *carrier, struct nv_error *err)
{
    return nv_carrier_open_with(carrier, nv_forwarder_run, err);
}

int nv_carrier_open_with(struct nv_carrier *carrier, nv_forward *forward, struct nv_error *err)
{
    *carrier =
        (struct nv_carrier){.namespace_fd = {-1, -1},
                            .device = {{.fd = -1, .socket_fd = -1}, {.fd = -1, .socket_fd = -1}},
                            .control_fd = -1,
                            .forwarder = -1,
                            .open = true};
    if (nv_device_probe(err) || become_able(err) || make_place(carrier, NV_PLACE_FAR, err) ||
        make_place(carrier, NV_PLACE_NEAR, err))
        return err->code;
    return make_logs(carrier, err) ? err->code : start_forwarder(carrier, forward, err);
}

int nv_carrier_enter(const struct nv_carrier *carrier, enum nv_place place, struct nv_error *err)
{
    return setns(carrier->namespace_fd[place], CLONE_NEWNET)
               ? nv_fail_errno(err, NV_E_FAILED, errno, "setns")
               : NV_OK;
}

static int ask(struct nv_carrier *carrier, const struct nv_forwarder_request *request,
               struct nv_forwarder_reply *reply, struct nv_error *err)
{
    struct pollfd answer = {.fd = carrier->control_fd, .events = POLLIN};
    ssize_t n = send(carrier->control_fd, request, sizeof *request, MSG_NOSIGNAL);
    int ready = n < 0 ? -1 : poll(&answer, 1, REPLY_WAIT_MS);
    while (ready < 0 && errno == EINTR)
        ready = poll(&answer, 1, REPLY_WAIT_MS);
    if (ready == 0) {
        /* A late answer must not be taken for that to another question. */
        (void)shutdown(carrier->control_fd, SHUT_RDWR);
        return nv_fail(err, NV_E_FAILED, "the process that forwards packets is silent for %d s",
                       REPLY_WAIT_MS / 1000);
    }
    n = ready > 0 ? recv(carrier->control_fd, reply, sizeof *reply, MSG_DONTWAIT) : -1;
    if (n != (ssize_t)sizeof *reply)
        return nv_fail(err, NV_E_FAILED, "the process that forwards packets has gone");
    if (reply->error.code && err)
        *err = reply->error;
    return reply->error.code;
}

/* The place of a device's name is its own; the thread returns to the near one. */
static int read_dropped(const struct nv_carrier *carrier, uint64_t dropped[2], struct nv_error *err)
{
    static const enum nv_place order[2] = {NV_PLACE_FAR, NV_PLACE_NEAR};
    for (unsigned i = 0; i < 2; i++) {
        if (nv_carrier_enter(carrier, order[i], err))
            return err->code;
        dropped[order[i]] = nv_device_dropped(carrier->device[order[i]].name);
    }
    return NV_OK;
}

int nv_carrier_configure(struct nv_carrier *carrier, const struct nv_carrier_setting *setting,
                         struct nv_error *err)
{
    struct nv_forwarder_request request = {.op = NV_FORWARDER_CONFIGURE,
                                           .path = *setting->path,
                                           .seed = setting->seed,
                                           .log_capacity = setting->log_capacity,
                                           .free_port = setting->free_port};
    struct nv_forwarder_reply reply;
    for (unsigned i = 0; i < 2; i++)
        if (nv_device_set_mtu(&carrier->device[i], setting->path->mtu_bytes, err))
            return err->code;
    return ask(carrier, &request, &reply, err) ? err->code
                                               : read_dropped(carrier, carrier->dropped, err);
}

int nv_carrier_start(struct nv_carrier *carrier, uint64_t start_ns, uint64_t end_ns,
                     struct nv_error *err)
{
    struct nv_forwarder_request request = {
        .op = NV_FORWARDER_START, .start_ns = start_ns, .end_ns = end_ns};
    struct nv_forwarder_reply reply;
    return ask(carrier, &request, &reply, err);
}

int nv_carrier_report(struct nv_carrier *carrier, struct nv_path_report *report,
                      struct nv_error *err)
{
    struct nv_forwarder_request request = {.op = NV_FORWARDER_REPORT};
    struct nv_forwarder_reply reply;
    uint64_t dropped[2] = {0};
    if (ask(carrier, &request, &reply, err) || read_dropped(carrier, dropped, err))
        return err->code;
    *report = reply.report;
    report->way[NV_WAY_UP].device_drop_count =
        dropped[NV_PLACE_NEAR] - carrier->dropped[NV_PLACE_NEAR];
    report->way[NV_WAY_DOWN].device_drop_count =
        dropped[NV_PLACE_FAR] - carrier->dropped[NV_PLACE_FAR];
    return NV_OK;
}

void nv_carrier_close(struct nv_carrier *carrier)
{
    if (!carrier->open)
        return;
    if (carrier->control_fd >= 0)
        (void)close(carrier->control_fd);
    if (carrier->forwarder > 0)
        (void)kill(carrier->forwarder, SIGKILL); /* it has nothing to put away */
    while (carrier->forwarder > 0 && waitpid(carrier->forwarder, NULL, 0) < 0 && errno == EINTR)
        continue;
    for (unsigned i = 0; i < 2; i++) {
        nv_device_close(&carrier->device[i]);
        if (carrier->logs[i])
            (void)munmap(carrier->logs[i], NV_PACKET_LOG_BYTES);
        if (carrier->namespace_fd[i] >= 0)
            (void)close(carrier->namespace_fd[i]);
    }
    carrier->open = false;
}
