/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>

#include "base/rng.h"
#include "path/element.h"

/* What changes packets: a second copy, a turned bit. */

struct duplicate {
    struct nv_rng rng;
    double p;
};

static bool duplicate_wanted(const struct nv_impairment *impairment)
{
    return impairment->duplicate > 0;
}

static int duplicate_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct duplicate *duplicate = self;
    (void)err;
    nv_rng_seed(&duplicate->rng, config->seed);
    duplicate->p = config->impairment->duplicate;
    return NV_OK;
}

static void duplicate_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct duplicate *duplicate = self;
    struct nv_packet *copy = NULL;
    if (nv_rng_unit(&duplicate->rng) <= duplicate->p)
        copy = nv_outlet_copy(out, packet);
    nv_outlet_pass(out, packet);
    if (copy)
        nv_outlet_pass(out, copy);
}

const struct nv_element nv_element_duplicate = {
    .name = "duplicate",
    .help = "a second copy right behind the first",
    .state_size = sizeof(struct duplicate),
    .weather = true,
    .wanted = duplicate_wanted,
    .init = duplicate_init,
    .input = duplicate_input,
};

struct corrupt {
    struct nv_rng rng;
    double p;
    bool mend;
};

/* Where the parts of a packet of TCP or UDP are. */
struct parts {
    uint32_t payload, checksum;
    bool udp;
};

/* False in other packets, in those without payload and in fragments but the first. */
static bool find_parts(const struct nv_packet *packet, struct parts *parts)
{
    const uint8_t *bytes = packet->bytes;
    bool v6 = packet->len_bytes >= 40 && bytes[0] >> 4 == 6;
    bool v4 = packet->len_bytes >= 20 && bytes[0] >> 4 == 4;
    uint32_t head = v6 ? 40 : (bytes[0] & 15u) * 4;
    uint8_t protocol = v6 ? bytes[6] : bytes[9];
    bool fragment = v4 && ((bytes[6] & 0x1f) || bytes[7]);
    if ((!v4 && !v6) || fragment)
        return false;
    if (protocol == IPPROTO_UDP && packet->len_bytes > head + 8) {
        *parts = (struct parts){.payload = head + 8, .checksum = head + 6, .udp = true};
    } else if (protocol == IPPROTO_TCP && packet->len_bytes > head + 20) {
        uint32_t len = (bytes[head + 12] >> 4) * 4u;
        *parts = (struct parts){.payload = head + len, .checksum = head + 16};
    } else {
        return false;
    }
    return parts->payload < packet->len_bytes;
}

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'), for a 16-bit word that became another. RFC 768: in
 * UDP 0 means that there is none; one that comes out as 0 is written as 0xffff. */
static void mend(uint8_t *checksum, bool udp, uint16_t before, uint16_t after)
{
    uint16_t old = (uint16_t)(checksum[0] << 8 | checksum[1]);
    if (udp && old == 0)
        return;
    uint32_t sum = (uint16_t)~old + (uint16_t)~before + (uint32_t)after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    uint16_t now = udp && sum == 0xffff ? 0xffff : (uint16_t)~sum;
    checksum[0] = (uint8_t)(now >> 8);
    checksum[1] = (uint8_t)now;
}

static void turn_bit(struct corrupt *corrupt, struct nv_packet *packet)
{
    struct parts parts;
    if (!find_parts(packet, &parts))
        return;
    uint8_t *bytes = packet->bytes;
    uint64_t bit = nv_rng_below(&corrupt->rng, 8ull * (packet->len_bytes - parts.payload));
    uint32_t at = parts.payload + (uint32_t)(bit / 8);
    uint8_t before = bytes[at];
    bytes[at] ^= (uint8_t)(1u << bit % 8);
    packet->corrupt = true;
    /* Headers are whole words long, so words begin where the parity of the payload says. */
    bool high = (at - parts.payload) % 2 == 0;
    if (corrupt->mend)
        mend(&bytes[parts.checksum], parts.udp, (uint16_t)(high ? before << 8 : before),
             (uint16_t)(high ? bytes[at] << 8 : bytes[at]));
}

static bool corrupt_wanted(const struct nv_impairment *impairment)
{
    return impairment->corrupt > 0;
}

static int corrupt_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct corrupt *corrupt = self;
    (void)err;
    nv_rng_seed(&corrupt->rng, config->seed);
    corrupt->p = config->impairment->corrupt;
    corrupt->mend = config->impairment->mend;
    return NV_OK;
}

static void corrupt_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct corrupt *corrupt = self;
    if (nv_rng_unit(&corrupt->rng) <= corrupt->p)
        turn_bit(corrupt, packet);
    nv_outlet_pass(out, packet);
}

const struct nv_element nv_element_corrupt = {
    .name = "corrupt",
    .help = "turns one bit of the payload of TCP or UDP",
    .state_size = sizeof(struct corrupt),
    .weather = true,
    .wanted = corrupt_wanted,
    .init = corrupt_init,
    .input = corrupt_input,
};
