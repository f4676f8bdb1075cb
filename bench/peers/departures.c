/* SPDX-License-Identifier: MIT */
/* When each datagram left, seen from outside the program that sends: bench/peers/run compares how
 * well tools keep to a schedule.
 *
 *     departures PORT SIZE       until SIGTERM; needs CAP_NET_RAW
 *
 * Prints a line when it watches; at the end, the kernel's time stamps (uint64_t, ns, this machine's
 * byte order) of all IPv4 datagrams of SIZE bytes to the UDP PORT that went out through `lo`. The
 * kernel takes them where the sender's own call hands the packet to the device, and puts them into
 * a ring of shared memory, so that this program sleeps meanwhile. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "bare.h"

#define FRAME_BYTES 128u /* a header of the ring, IP and UDP fit */
/* Behind the header, aligned. (TPACKET_ALIGN mixes signed and unsigned.) */
#define ADDRESS_OFFSET                                                                             \
    ((sizeof(struct tpacket2_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT)
#define FRAMES (1u << 18)
#define BLOCK_BYTES (1u << 20)
#define NAP_NS 20000000 /* the ring is far from full after it: 2 s at 100,000 a second */
#define MESSAGES_MAX (1u << 26)

struct watch {
    unsigned char *ring;
    unsigned next; /* frame */
    in_port_t port;
    uint16_t size;
    uint64_t *stamps; /* MESSAGES_MAX; untouched pages cost nothing */
    size_t count;
};

static void map_ring(struct watch *watch, int fd)
{
    const int version = TPACKET_V2;
    const struct tpacket_req request = {.tp_block_size = BLOCK_BYTES,
                                        .tp_block_nr = FRAMES / (BLOCK_BYTES / FRAME_BYTES),
                                        .tp_frame_size = FRAME_BYTES,
                                        .tp_frame_nr = FRAMES};
    (void)check(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version), "version");
    (void)check(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request), "ring");
    watch->ring = mmap(NULL, (size_t)FRAMES * FRAME_BYTES, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_POPULATE, fd, 0);
    watch->stamps = mmap(NULL, MESSAGES_MAX * sizeof *watch->stamps, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (watch->ring == MAP_FAILED || watch->stamps == MAP_FAILED)
        fail("mmap");
}

static int open_watch(struct watch *watch)
{
    int fd = check(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "packet socket");
    map_ring(watch, fd);
    const struct sockaddr_ll lo = {.sll_family = AF_PACKET,
                                   .sll_protocol = htons(ETH_P_ALL), /* others see no departures */
                                   .sll_ifindex = (int)if_nametoindex("lo")};
    (void)check(bind(fd, (const struct sockaddr *)&lo, sizeof lo), "bind");
    return fd;
}

static int wanted(const struct watch *watch, const unsigned char *packet, unsigned bytes)
{
    struct iphdr ip;
    struct udphdr udp;
    if (bytes < sizeof ip)
        return 0;
    memcpy(&ip, packet, sizeof ip);
    const unsigned header = ip.ihl * 4u;
    if (ip.version != 4 || ip.protocol != IPPROTO_UDP || bytes < header + sizeof udp)
        return 0;
    memcpy(&udp, packet + header, sizeof udp);
    return udp.dest == watch->port && ntohs(udp.len) == sizeof udp + watch->size;
}

static void take_frame(struct watch *watch, const unsigned char *frame)
{
    const struct tpacket2_hdr *header = (const void *)frame;
    const struct sockaddr_ll *from = (const void *)(frame + ADDRESS_OFFSET);
    if (from->sll_pkttype != PACKET_OUTGOING ||
        !wanted(watch, frame + header->tp_net, header->tp_snaplen))
        return;
    if (watch->count == MESSAGES_MAX) {
        errno = EOVERFLOW;
        fail("datagrams");
    }
    watch->stamps[watch->count++] = header->tp_sec * (uint64_t)NS_PER_S + header->tp_nsec;
}

static void drain(struct watch *watch)
{
    for (;;) {
        unsigned char *frame = watch->ring + (size_t)watch->next * FRAME_BYTES;
        uint32_t *status = &((struct tpacket2_hdr *)(void *)frame)->tp_status;
        if (!(__atomic_load_n(status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
            return;
        take_frame(watch, frame);
        __atomic_store_n(status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        watch->next = (watch->next + 1) % FRAMES;
    }
}

static void check_drops(int fd)
{
    struct tpacket_stats stats;
    socklen_t size = sizeof stats;
    (void)check(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size), "statistics");
    if (stats.tp_drops) {
        errno = ENOBUFS;
        fail("the ring was full");
    }
}

int main(int argc, char **argv)
{
    long port = 0, size = 0;
    if (argc != 3 || number(argv[1], 1, 65535, &port) || number(argv[2], 1, 65507, &size)) {
        (void)fprintf(stderr, "usage: departures PORT SIZE\n");
        return 2;
    }
    struct watch watch = {.port = htons((uint16_t)port), .size = (uint16_t)size};
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)check(sigprocmask(SIG_BLOCK, &ends, NULL), "sigprocmask");
    int fd = open_watch(&watch);
    (void)printf("watching\n");
    (void)fflush(stdout);
    const struct timespec nap = {.tv_nsec = NAP_NS};
    while (sigtimedwait(&ends, NULL, &nap) != SIGTERM)
        drain(&watch);
    drain(&watch);
    check_drops(fd);
    if (fwrite(watch.stamps, sizeof *watch.stamps, watch.count, stdout) != watch.count ||
        fflush(stdout))
        fail("output");
    return 0;
}
