/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "path/element.h"

/* Delay and jitter. The time when a packet leaves is fixed when it comes; it waits in a heap. */

#define TABLE_MAX 1000000u

struct delay {
    struct nv_rng rng;
    struct nv_packet_heap heap;
    uint64_t delay_ns, jitter_ns, last_ns;
    unsigned kind;
    bool keep_order;
    uint64_t *table_ns;
    unsigned table_count;
};

static bool delay_wanted(const struct nv_impairment *impairment)
{
    return impairment->delay_ns || impairment->jitter_ns || impairment->jitter_table[0];
}

static int read_table(struct delay *delay, const char *file, struct nv_error *err)
{
    FILE *in = fopen(file, "r");
    double ms;
    int got = 1;
    if (!in)
        return nv_fail_errno(err, NV_E_USAGE, errno, "jitter-table %.200s", file);
    delay->table_ns = calloc(TABLE_MAX, sizeof *delay->table_ns);
    while (delay->table_ns && (got = fscanf(in, "%lf", &ms)) == 1 && ms >= 0 && ms <= 1e6 &&
           delay->table_count < TABLE_MAX)
        delay->table_ns[delay->table_count++] = (uint64_t)llround(ms * 1e6);
    (void)fclose(in);
    if (got != EOF || !delay->table_count)
        return nv_fail(err, NV_E_USAGE,
                       "jitter-table %.200s: value %u is not a delay in ms (at most %u values)",
                       file, delay->table_count + 1, TABLE_MAX);
    return NV_OK;
}

static int delay_init(void *self, const struct nv_element_config *config, struct nv_error *err)
{
    struct delay *delay = self;
    const struct nv_impairment *impairment = config->impairment;
    nv_rng_seed(&delay->rng, config->seed);
    delay->delay_ns = impairment->delay_ns;
    delay->jitter_ns = impairment->jitter_ns;
    delay->kind = impairment->jitter_kind;
    delay->keep_order = impairment->order == NV_ORDER_KEEP;
    if (nv_packet_heap_init(&delay->heap, config->packets_max))
        return nv_fail(err, NV_E_FAILED, "path: no memory");
    return delay->kind == NV_JITTER_TABLE ? read_table(delay, impairment->jitter_table, err)
                                          : NV_OK;
}

static double normal(struct nv_rng *rng)
{
    double radius = sqrt(-2 * log(nv_rng_unit(rng)));
    return radius * cos(2 * M_PI * nv_rng_unit(rng));
}

/* Pareto (Lomax) with shape 3, which has a variance: mean jitter, standard deviation 1.73 times
 * that. By inversion: scale ((1 / U)^(1/3) - 1), whose mean is scale / 2. */
static double pareto(struct nv_rng *rng)
{
    return 2 * (cbrt(1 / nv_rng_unit(rng)) - 1);
}

static uint64_t draw_ns(struct delay *delay)
{
    double jitter_ns = (double)delay->jitter_ns;
    double x_ns = 0;
    switch (delay->kind) {
    case NV_JITTER_UNIFORM:
        x_ns = jitter_ns * (2 * nv_rng_unit(&delay->rng) - 1);
        break;
    case NV_JITTER_NORMAL:
        x_ns = jitter_ns * normal(&delay->rng);
        break;
    case NV_JITTER_PARETO:
        x_ns = jitter_ns * pareto(&delay->rng);
        break;
    default:
        x_ns = (double)delay->table_ns[nv_rng_below(&delay->rng, delay->table_count)];
        break;
    }
    double sum_ns = (double)delay->delay_ns + x_ns;
    return sum_ns > 0 ? (uint64_t)llround(sum_ns) : 0;
}

static void delay_input(void *self, struct nv_packet *packet, struct nv_outlet *out)
{
    struct delay *delay = self;
    bool drawn = delay->jitter_ns || delay->kind == NV_JITTER_TABLE;
    uint64_t due_ns = packet->at_ns + (drawn ? draw_ns(delay) : delay->delay_ns);
    (void)out;
    if (delay->keep_order && due_ns < delay->last_ns)
        due_ns = delay->last_ns;
    delay->last_ns = due_ns;
    packet->at_ns = due_ns;
    nv_packet_heap_push(&delay->heap, packet);
}

static uint64_t delay_next_ns(const void *self)
{
    const struct delay *delay = self;
    return nv_packet_heap_next_ns(&delay->heap);
}

static void delay_run(void *self, struct nv_outlet *out)
{
    struct delay *delay = self;
    nv_outlet_pass(out, nv_packet_heap_pop(&delay->heap));
}

static void delay_dispose(void *self)
{
    struct delay *delay = self;
    nv_packet_heap_dispose(&delay->heap);
    free(delay->table_ns);
}

const struct nv_element nv_element_delay = {
    .name = "delay",
    .help = "delay and jitter: uniform, normal, Pareto or measured",
    .state_size = sizeof(struct delay),
    .wanted = delay_wanted,
    .init = delay_init,
    .input = delay_input,
    .next_ns = delay_next_ns,
    .run = delay_run,
    .dispose = delay_dispose,
};
