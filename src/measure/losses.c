/* SPDX-License-Identifier: MIT */
#include "measure/losses.h"

#define GILBERT_LOSSES_MIN 200u

struct scan {
    struct nv_losses *losses;
    uint64_t from, to;
    uint64_t run_end; /* of the run before; 0 = none */
};

static void count_gap(struct scan *scan, uint64_t run_from)
{
    uint64_t distance = run_from - scan->run_end + 1;
    nv_pattern_add(scan->losses->distance, distance);
    scan->losses->noticeable_count += distance <= NV_LOSS_NOTICEABLE_MSGS;
    scan->losses->g101_count += distance == 2;
}

static void count_run(void *context, uint64_t from, uint64_t to)
{
    struct scan *scan = context;
    struct nv_losses *losses = scan->losses;
    uint64_t length = to - from;
    if (scan->run_end)
        count_gap(scan, from);
    scan->run_end = to;
    losses->missing_count += length;
    losses->run_count++;
    losses->run_max_msgs = length > losses->run_max_msgs ? length : losses->run_max_msgs;
    nv_pattern_add(losses->run, length);
    losses->distance[1] += length - 1;
    losses->noticeable_count += length - 1;
    losses->g01_count += from > scan->from;
    losses->g10_count += to < scan->to;
    losses->g111_count += length > 2 ? length - 2 : 0;
}

void nv_losses_scan(struct nv_losses *losses, const struct nv_bitmap *arrived, uint64_t from,
                    uint64_t to)
{
    *losses = (struct nv_losses){.scheduled_count = to > from ? to - from : 0};
    struct scan scan = {.losses = losses, .from = from, .to = to};
    nv_bitmap_clear_runs(arrived, from, to, count_run, &scan);
}

struct nv_gilbert nv_losses_gilbert_simple(const struct nv_losses *losses)
{
    if (!losses->g01_count || !losses->g10_count)
        return (struct nv_gilbert){.known = false};
    /* Neighbours that begin with a missing message; the other of the N - 1 begin with one that
     * arrived. */
    uint64_t after_loss = losses->missing_count - losses->run_count + losses->g10_count;
    uint64_t after_delivery = losses->scheduled_count - 1 - after_loss;
    return (struct nv_gilbert){
        .known = true,
        .p = (double)losses->g01_count / (double)after_delivery,
        .r = (double)losses->g10_count / (double)after_loss,
    };
}

struct nv_gilbert nv_losses_gilbert(const struct nv_losses *losses)
{
    struct nv_gilbert gilbert = {.known = false};
    uint64_t g11 = losses->missing_count - losses->run_count;
    uint64_t g1x1 = losses->g101_count + losses->g111_count;
    if (losses->missing_count < GILBERT_LOSSES_MIN || !g1x1)
        return gilbert;
    double a = (double)losses->missing_count / (double)losses->scheduled_count;
    double b = (double)g11 / (double)(g11 + losses->g10_count);
    double c = (double)losses->g111_count / (double)g1x1;
    double stay = (a * c - b * b) / (2 * a * c - b * (a + c)); /* 1 - r */
    gilbert.r = 1 - stay;
    gilbert.h = 1 - b / stay;
    gilbert.p = a * gilbert.r / (1 - gilbert.h - a);
    gilbert.known = gilbert.r > 0 && gilbert.r < 1 && gilbert.h >= 0 && gilbert.h < 1 &&
                    gilbert.p > 0 && gilbert.p < 1;
    return gilbert;
}
