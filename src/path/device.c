/* SPDX-License-Identifier: MIT */
#include "path/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

static int open_tun(struct nv_error *err)
{
    int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    const char *help = errno == EACCES   ? " (run as root, or chmod 0666 it)"
                       : errno == ENOENT ? " (mkdir -p /dev/net && mknod -m 0666 /dev/net/tun c 10 "
                                           "200; in a container: --device /dev/net/tun)"
                       : errno == ENODEV ? " (modprobe tun)"
                                         : "";
    (void)nv_fail(err, NV_E_FAILED, "an emulated path needs " TUN_PATH ": %s%s", strerror(errno),
                  help);
    return -1;
}

int nv_device_probe(struct nv_error *err)
{
    int fd = open_tun(err);
    if (fd < 0)
        return err->code;
    (void)close(fd);
    return NV_OK;
}

static int set(int socket_fd, unsigned long request, void *argument, const char *what,
               struct nv_error *err)
{
    return ioctl(socket_fd, request, argument) ? nv_fail_errno(err, NV_E_FAILED, errno, "%s", what)
                                               : NV_OK;
}

static struct ifreq request_for(const char *name)
{
    struct ifreq request;
    memset(&request, 0, sizeof request);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return request;
}

static int bring_up(int socket_fd, const char *name, struct nv_error *err)
{
    struct ifreq request = request_for(name);
    if (set(socket_fd, SIOCGIFFLAGS, &request, "SIOCGIFFLAGS", err))
        return err->code;
    request.ifr_flags |= IFF_UP;
    return set(socket_fd, SIOCSIFFLAGS, &request, "SIOCSIFFLAGS", err);
}

static void put_ipv4(struct sockaddr *out, const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    NV_ASSERT(inet_pton(AF_INET, text, &address.sin_addr) == 1);
    memcpy(out, &address, sizeof address);
}

static int set_ipv4(const struct nv_device *device, const struct nv_device_config *config,
                    struct nv_error *err)
{
    struct ifreq request = request_for(device->name);
    put_ipv4(&request.ifr_addr, config->ipv4);
    if (set(device->socket_fd, SIOCSIFADDR, &request, "SIOCSIFADDR", err))
        return err->code;
    put_ipv4(&request.ifr_dstaddr, config->ipv4_peer);
    return set(device->socket_fd, SIOCSIFDSTADDR, &request, "SIOCSIFDSTADDR", err);
}

/* Where the kernel has no IPv6 the path has none, and whoever asks for it is told by connect. */
static void set_ipv6(const struct nv_device *device, const struct nv_device_config *config)
{
    struct in6_ifreq request = {.ifr6_prefixlen = config->ipv6_prefix_bits,
                                .ifr6_ifindex = (int)if_nametoindex(device->name)};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    NV_ASSERT(inet_pton(AF_INET6, config->ipv6, &request.ifr6_addr) == 1);
    if (fd < 0)
        return;
    (void)ioctl(fd, SIOCSIFADDR, &request);
    (void)close(fd);
}

/* Over netlink: SIOCSIFTXQLEN wants a right that an owner of the namespace alone does not have. */
static int set_queue(const struct nv_device *device, uint32_t packets, struct nv_error *err)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
        struct rtattr attribute;
        uint32_t packets;
    } request = {
        .head = {.nlmsg_len = sizeof request,
                 .nlmsg_type = RTM_SETLINK,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(device->name)},
        .attribute = {.rta_len = RTA_LENGTH(sizeof packets), .rta_type = IFLA_TXQLEN},
        .packets = packets,
    };
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
    } reply = {.error.error = 0};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int failed =
        fd < 0 || send(fd, &request, sizeof request, 0) < 0 || recv(fd, &reply, sizeof reply, 0) < 0
            ? errno
            : -reply.error.error;
    if (fd >= 0)
        (void)close(fd);
    return failed ? nv_fail_errno(err, NV_E_FAILED, failed, "IFLA_TXQLEN") : NV_OK;
}

static int set_up(struct nv_device *device, const struct nv_device_config *config,
                  struct nv_error *err)
{
    struct ifreq request = request_for(config->name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (set(device->fd, TUNSETIFF, &request, "TUNSETIFF", err))
        return err->code;
    (void)snprintf(device->name, sizeof device->name, "%s", request.ifr_name);
    /* A kind for which the kernel looks for no routers: a run has the packets of the run alone. */
    if (ioctl(device->fd, TUNSETLINK, ARPHRD_PPP))
        return nv_fail_errno(err, NV_E_FAILED, errno, "TUNSETLINK");
    if (set_queue(device, config->queue_packets, err) || set_ipv4(device, config, err))
        return err->code;
    set_ipv6(device, config);
    return bring_up(device->socket_fd, "lo", err) ? err->code
                                                  : bring_up(device->socket_fd, device->name, err);
}

int nv_device_open(struct nv_device *device, const struct nv_device_config *config,
                   struct nv_error *err)
{
    *device = (struct nv_device){.fd = -1, .socket_fd = -1};
    device->fd = open_tun(err);
    if (device->fd < 0)
        return err->code;
    device->socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (device->socket_fd < 0)
        return nv_fail_errno(err, NV_E_FAILED, errno, "socket");
    return set_up(device, config, err) ? nv_fail_within(err, "device %s", config->name) : NV_OK;
}

int nv_device_set_mtu(const struct nv_device *device, uint64_t mtu_bytes, struct nv_error *err)
{
    struct ifreq request = request_for(device->name);
    request.ifr_mtu = (int)mtu_bytes;
    return set(device->socket_fd, SIOCSIFMTU, &request, "SIOCSIFMTU", err);
}

void nv_device_close(struct nv_device *device)
{
    if (device->fd >= 0)
        (void)close(device->fd);
    if (device->socket_fd >= 0)
        (void)close(device->socket_fd);
    device->fd = device->socket_fd = -1;
}

/* /proc/.../net/dev: eleven numbers are before those dropped on sending. */
uint64_t nv_device_dropped(const char *name)
{
    uint64_t dropped = 0;
    char line[512];
    FILE *in = fopen("/proc/thread-self/net/dev", "r");
    while (in && fgets(line, sizeof line, in)) {
        char *colon = strchr(line, ':');
        char *first = line + strspn(line, " ");
        if (!colon || (size_t)(colon - first) != strlen(name) ||
            strncmp(first, name, strlen(name)) != 0)
            continue;
        (void)sscanf(colon + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &dropped);
    }
    if (in)
        (void)fclose(in);
    return dropped;
}
