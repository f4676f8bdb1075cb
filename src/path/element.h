/* SPDX-License-Identifier: MIT */
#ifndef NV_PATH_ELEMENT_H
#define NV_PATH_ELEMENT_H

#include <stddef.h>

#include "path/impairment.h"
#include "path/packet.h"

/* One thing that happens to packets on a path: a machine in time, pure and exact. A packet says
 * itself when it is where it is (at_ns); an element never asks for the time. To add one: a const
 * struct nv_element, a line in element.c's list at its place in the order of METHOD 12, and rows in
 * nv_impairment_options. */

/* Why a packet was lost, for the account. */
#define NV_DROP_MAP(XX)                                                                            \
    XX(LOSS, "loss", "by chance, or listed")                                                       \
    XX(OUTAGE, "outage", "while nothing went through")                                             \
    XX(QUEUE, "queue", "by the queue before the rate")                                             \
    XX(OVERRUN, "overrun", "by the emulator itself, which ran out of room")

enum nv_drop_cause {
#define XX(constant, name, help) NV_DROP_##constant,
    NV_DROP_MAP(XX)
#undef XX
        NV_DROP_CAUSES
};

/* Where packets go from an element; belongs to the chain. */
struct nv_outlet;
void nv_outlet_pass(struct nv_outlet *, struct nv_packet *);
void nv_outlet_drop(struct nv_outlet *, struct nv_packet *, enum nv_drop_cause);
/* A second one like this, or NULL when there is no room for it (which is counted). */
struct nv_packet *nv_outlet_copy(struct nv_outlet *, const struct nv_packet *);
/* For the account: this packet was held back, this queue has so many bytes. */
void nv_outlet_reordered(struct nv_outlet *, const struct nv_packet *);
void nv_outlet_queue(struct nv_outlet *, uint64_t bytes);

struct nv_element_config {
    const struct nv_impairment *impairment;
    uint64_t seed;
    uint64_t queue_bytes; /* of the queue before the rate */
    unsigned packets_max; /* that may be held at once */
};

struct nv_element {
    const char *name, *help;
    size_t state_size; /* zeroed, owned by the chain */
    bool weather;      /* meets no packet before the start of the run */
    bool (*wanted)(const struct nv_impairment *);
    /* 0 or NV_E_* with one line in *err; dispose() comes either way. */
    int (*init)(void *self, const struct nv_element_config *, struct nv_error *err);
    /* The run is from start_ns to end_ns. Once, before any packet comes from that time; NULL: it is
     * the same all the time. */
    void (*start)(void *self, uint64_t start_ns, uint64_t end_ns);
    /* In order of at_ns. Passes the packet on, drops or keeps it. */
    void (*input)(void *self, struct nv_packet *, struct nv_outlet *);
    /* Those that keep packets: when the next event is, UINT64_MAX for never; and the event at
     * exactly that time. NULL in others. */
    uint64_t (*next_ns)(const void *self);
    void (*run)(void *self, struct nv_outlet *);
    void (*dispose)(void *self); /* NULL: nothing to free */
    /* Spells of bad weather that began from the start to the end of the run; NULL: has none. */
    uint64_t (*events)(const void *self);
};

/* In the order in which packets meet them; ends with NULL. */
extern const struct nv_element *const nv_elements[];
extern const struct nv_element nv_element_corrupt, nv_element_duplicate, nv_element_drop,
    nv_element_outage, nv_element_loss, nv_element_ge, nv_element_ge_time, nv_element_rate,
    nv_element_trace, nv_element_delay, nv_element_reorder;

#endif
