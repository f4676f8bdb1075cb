/* SPDX-License-Identifier: MIT */
#ifndef NV_MEASURE_INORDER_H
#define NV_MEASURE_INORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "measure/blocking.h"

/* The virtual in-order delay of datagrams: what they would have waited, had a receiver handed them
 * over in order, without anything being sent again. It waits for a missing one until a time (the
 * patience) after the arrival that showed it to be missing, and no longer than the window has room
 * for what comes behind it. A later arrival of it is too late.
 *
 * As long as nothing is missing every datagram is handed over as it comes: then nobody needs to
 * call anything. */

struct nv_inorder {
    bool holds; /* something is missing: every arrival must be told */
    uint64_t patience_ns, window, mask;
    uint64_t rel;  /* the next to hand over */
    uint64_t next; /* after the highest that has arrived */
    struct nv_release release;
    uint64_t *slots; /* owned: of [rel, next), when each came, or was first missed */
};

/* window is a power of two. NV_E_FAILED: no memory. */
int nv_inorder_init(struct nv_inorder *, uint64_t window, uint64_t patience_ns,
                    struct nv_error *err);
void nv_inorder_dispose(struct nv_inorder *);

/* Before the first nv_inorder_add of those that are told, as long as nothing is held: next_expected
 * is the one after the highest that has come. */
void nv_inorder_begin(struct nv_inorder *, uint64_t next_expected);
/* A first copy has arrived, at a time that never decreases. Only counted ones are added to counts.
 */
void nv_inorder_add(struct nv_inorder *, struct nv_blocking *counts, uint64_t seq, uint64_t now_ns,
                    bool counted);
/* Nothing more comes: what waits, waits until patience ends. */
void nv_inorder_finish(struct nv_inorder *, struct nv_blocking *counts);

#endif
