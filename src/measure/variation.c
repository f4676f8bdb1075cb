/* SPDX-License-Identifier: MIT */
#include "measure/variation.h"

#include <stdlib.h>

#include "measure/counter.h"

int nv_ipdv_init(struct nv_ipdv_live *live, uint64_t window, struct nv_error *err)
{
    NV_ASSERT(window > 0 && (window & (window - 1)) == 0);
    *live = (struct nv_ipdv_live){.mask = window - 1};
    live->ring = calloc(window, sizeof *live->ring);
    if (!live->ring)
        return nv_fail(err, NV_E_FAILED, "no memory to follow the delays of %llu messages",
                       (unsigned long long)window);
    for (uint64_t i = 0; i < window; i++)
        live->ring[i].seq = NV_UNKNOWN;
    return NV_OK;
}

void nv_ipdv_dispose(struct nv_ipdv_live *live)
{
    free(live->ring);
    *live = (struct nv_ipdv_live){0};
}

struct nv_ipdv_pairs nv_ipdv_add(struct nv_ipdv_live *live, uint64_t seq, int64_t delay_ns,
                                 bool measured)
{
    struct nv_ipdv_pairs pairs = {.count = 0};
    struct nv_ipdv_slot after = live->ring[(seq + 1) & live->mask];
    pairs.count = nv_ipdv_add_latest(live, seq, delay_ns, measured, &pairs.difference_ns[0]);
    if (after.seq == seq + 1 && after.measured)
        pairs.difference_ns[pairs.count++] = after.delay_ns - delay_ns;
    return pairs;
}

void nv_ipdv_follow(struct nv_ipdv_live *live, uint64_t seq, uint64_t count)
{
    struct nv_ipdv_slot last = live->ring[seq & live->mask];
    last.seq += count;
    live->ring[last.seq & live->mask] = last;
}

void nv_jitter_add(struct nv_jitter_live *live, struct nv_jitter *jitter, int64_t delay_ns)
{
    if (live->started) {
        int64_t change_ns = delay_ns - live->delay_ns;
        uint64_t size_ns = (uint64_t)(change_ns < 0 ? -change_ns : change_ns);
        live->scaled += size_ns - ((live->scaled + 8) >> 4);
        uint64_t now_ns = live->scaled >> 4;
        if (now_ns > jitter->max_ns || jitter->max_ns == NV_UNKNOWN)
            jitter->max_ns = now_ns;
        jitter->last_ns = now_ns;
    }
    live->started = true;
    live->delay_ns = delay_ns;
}

/* Without a change it falls, until it is too small to. */
void nv_jitter_follow(struct nv_jitter_live *live, struct nv_jitter *jitter, uint64_t count)
{
    nv_jitter_add(live, jitter, live->delay_ns);
    while (--count && live->scaled >= 8)
        live->scaled -= (live->scaled + 8) >> 4;
    jitter->last_ns = live->scaled >> 4;
}
