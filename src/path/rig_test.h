/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_RIG_TEST_H
#define NV_PATH_RIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "path/chain.h"
#include "path/path.h"

/* For tests of what happens to packets: one direction of a path written as people write it, under a
 * clock that the test turns, and a record of all that comes out. */

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define NEVER_NS UINT64_MAX
#define COUNT(array) (sizeof(array) / sizeof *(array))

#define NV_RIG_PACKETS 4096u

struct nv_rig_arrival {
    uint64_t number, in_ns, at_ns;
    uint32_t len_bytes;
    bool copy, corrupt;
};

struct nv_rig {
    struct nv_path path;
    struct nv_packet_pool pool;
    struct nv_chain chain;
    struct nv_rig_arrival *arrivals;
    size_t count, room;
    void (*look)(void *context, const struct nv_packet *); /* at what comes out; may be NULL */
    void *context;
};

static inline void nv_rig_take_in(void *context, struct nv_packet *packet)
{
    struct nv_rig *rig = context;
    if (rig->count == rig->room) {
        rig->room = rig->room ? 2 * rig->room : 64;
        rig->arrivals = realloc(rig->arrivals, rig->room * sizeof *rig->arrivals);
        assert_non_null(rig->arrivals);
    }
    rig->arrivals[rig->count++] = (struct nv_rig_arrival){
        .number = packet->number,
        .in_ns = packet->in_ns,
        .at_ns = packet->at_ns,
        .len_bytes = packet->len_bytes,
        .copy = packet->copy,
        .corrupt = packet->corrupt,
    };
    if (rig->look)
        rig->look(rig->context, packet);
    nv_packet_give(&rig->pool, packet);
}

/* The way up of a path, before the run. What nv_chain_init() returned. */
static inline int nv_rig_try(struct nv_rig *rig, const char *path, uint64_t seed, unsigned packets,
                             struct nv_error *err)
{
    memset(rig, 0, sizeof *rig);
    if (nv_path_parse(&rig->path, path, NULL, err))
        fail_msg("%s", err->message);
    assert_int_equal(
        nv_packet_pool_init(&rig->pool, packets, ((uint32_t)rig->path.mtu_bytes + 63) / 64 * 64),
        0);
    const struct nv_chain_config config = {
        .impairment = &rig->path.way[NV_WAY_UP],
        .pool = &rig->pool,
        .sink = nv_rig_take_in,
        .context = rig,
        .seed = seed,
        .both_delay_ns = nv_path_both_delay_ns(&rig->path),
        .mtu_bytes = rig->path.mtu_bytes,
    };
    return nv_chain_init(&rig->chain, &config, err);
}

static inline void nv_rig_open_sized(struct nv_rig *rig, const char *path, uint64_t seed,
                                     unsigned packets)
{
    struct nv_error err = {0};
    if (nv_rig_try(rig, path, seed, packets, &err))
        fail_msg("%s", err.message);
}

/* A run that begins at 0 and does not end. */
static inline void nv_rig_open(struct nv_rig *rig, const char *path, uint64_t seed)
{
    nv_rig_open_sized(rig, path, seed, NV_RIG_PACKETS);
    nv_chain_start(&rig->chain, 0, NEVER_NS);
}

static inline void nv_rig_close(struct nv_rig *rig)
{
    nv_chain_dispose(&rig->chain);
    nv_packet_pool_dispose(&rig->pool);
    free(rig->arrivals);
}

/* The path cannot be made; says exactly why, in one line. */
static inline void nv_rig_refuses(const char *path, const char *why)
{
    struct nv_rig rig;
    struct nv_error err = {0};
    assert_int_equal(nv_rig_try(&rig, path, 1, 16, &err), NV_E_USAGE);
    assert_int_equal(err.code, NV_E_USAGE);
    assert_string_equal(err.message, why);
    nv_rig_close(&rig);
}

#define NV_RIG_FILE "/tmp/netversus_XXXXXX" /* becomes the name of a file with this text */

static inline void nv_rig_write(char *file, const char *text)
{
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

/* False when there was no room for it, which the chain was told. */
static inline bool nv_rig_offer(struct nv_rig *rig, uint64_t at_ns, uint32_t len_bytes)
{
    struct nv_packet *packet = nv_packet_take(&rig->pool);
    if (!packet) {
        nv_chain_overrun(&rig->chain, at_ns, len_bytes);
        return false;
    }
    packet->at_ns = at_ns;
    packet->len_bytes = len_bytes;
    nv_chain_input(&rig->chain, packet);
    return true;
}

static inline void nv_rig_send(struct nv_rig *rig, uint64_t at_ns, uint32_t len_bytes)
{
    assert_true(nv_rig_offer(rig, at_ns, len_bytes));
}

static inline void nv_rig_send_bytes(struct nv_rig *rig, uint64_t at_ns, const uint8_t *bytes,
                                     uint32_t len_bytes)
{
    struct nv_packet *packet = nv_packet_take(&rig->pool);
    assert_non_null(packet);
    assert_true(len_bytes <= rig->pool.len_bytes_max);
    memcpy(packet->bytes, bytes, len_bytes);
    packet->at_ns = at_ns;
    packet->len_bytes = len_bytes;
    nv_chain_input(&rig->chain, packet);
}

/* All that is under way comes out. */
static inline void nv_rig_drain(struct nv_rig *rig)
{
    nv_chain_run(&rig->chain, UINT64_MAX - 1);
    assert_int_equal(nv_chain_next_ns(&rig->chain), NEVER_NS);
    assert_int_equal(rig->pool.used_count, 0);
}

/* The account of a run that balances. */
static inline const struct nv_chain_account *nv_rig_account(struct nv_rig *rig)
{
    const struct nv_chain_account *account = nv_chain_account(&rig->chain);
    assert_true(nv_chain_conserves(account));
    return account;
}

static inline uint64_t nv_rig_drops(struct nv_rig *rig, enum nv_drop_cause cause)
{
    return nv_rig_account(rig)->drop_count[cause];
}

/* These numbers came out, in this order, and nothing else. */
static inline void nv_rig_expect_numbers(const struct nv_rig *rig, const uint64_t *numbers,
                                         size_t count)
{
    assert_int_equal(rig->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rig->arrivals[i].number, numbers[i]);
}

/* These times, in this order, and nothing else. */
static inline void nv_rig_expect_times(const struct nv_rig *rig, const uint64_t *times_ns,
                                       size_t count)
{
    assert_int_equal(rig->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rig->arrivals[i].at_ns, times_ns[i]);
}

#endif
