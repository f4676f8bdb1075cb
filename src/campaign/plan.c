/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "campaign/settings.h"

static const struct nv_factor *find(const struct nv_campaign *campaign, const char *name)
{
    for (unsigned i = 0; i < campaign->factor_count; i++)
        if (strcmp(campaign->factors[i].option->name, name) == 0)
            return &campaign->factors[i];
    return NULL;
}

/* Cell number index as one level of each factor: the last factor given changes fastest. */
static int fill_spec(const struct nv_campaign *campaign, uint64_t index, struct nv_spec *spec,
                     struct nv_error *err)
{
    nv_options_reset(nv_spec_options, spec);
    for (unsigned i = campaign->factor_count; i-- > 0;) {
        const struct nv_factor *factor = &campaign->factors[i];
        if (strcmp(factor->option->name, "transport") == 0)
            continue;
        const char *level = factor->level[index % factor->count];
        index /= factor->count;
        if (nv_option_set(factor->option, spec, level, err))
            return err->code;
    }
    return NV_OK;
}

static uint64_t count_cells(const struct nv_campaign *campaign)
{
    uint64_t count = 1;
    for (unsigned i = 0; i < campaign->factor_count && count <= NV_CELLS_MAX; i++)
        if (strcmp(campaign->factors[i].option->name, "transport") != 0)
            count *= campaign->factors[i].count;
    return count;
}

static int build_cell(struct nv_plan *plan, const struct nv_campaign *campaign, unsigned index,
                      struct nv_error *err)
{
    const struct nv_factor *transports = find(campaign, "transport");
    struct nv_cell *cell = &plan->cells[index];
    (void)snprintf(cell->id, sizeof cell->id, "c%03u", index + 1);
    for (unsigned arm = 0; arm < plan->arms; arm++) {
        struct nv_spec *spec = &cell->arm[arm];
        if (fill_spec(campaign, index, spec, err))
            return err->code;
        (void)snprintf(spec->transport, sizeof spec->transport, "%s",
                       transports ? transports->level[arm]
                       : arm      ? "udp"
                                  : "tcp");
        if (nv_spec_check(spec, err))
            return err->code;
    }
    return NV_OK;
}

int nv_plan_build(struct nv_plan *plan, const struct nv_campaign *campaign, struct nv_error *err)
{
    const struct nv_factor *transports = find(campaign, "transport");
    uint64_t count = count_cells(campaign);
    memset(plan, 0, sizeof *plan);
    plan->arms = transports ? transports->count : 2;
    if (plan->arms > 2)
        return nv_fail(err, NV_E_USAGE, "transport: two of them make a comparison, not %u",
                       plan->arms);
    if (count > NV_CELLS_MAX)
        return nv_fail(err, NV_E_USAGE, "these lists make more than %u cells; shorten some",
                       NV_CELLS_MAX);
    plan->cells = calloc(count, sizeof *plan->cells);
    if (!plan->cells)
        return nv_fail(err, NV_E_FAILED, "no memory");
    plan->cell_count = (unsigned)count;
    for (unsigned i = 0; i < plan->cell_count; i++)
        if (build_cell(plan, campaign, i, err))
            return err->code;
    plan->seed = plan->cells[0].arm[0].seed;
    if (!plan->seed)
        plan->seed = nv_rng_entropy() >> 33 | 1;
    return NV_OK;
}

void nv_plan_dispose(struct nv_plan *plan)
{
    free(plan->cells);
    plan->cells = NULL;
    plan->cell_count = 0;
}

/* The seed in a spec is that of its schedules; a parsed count has at most 18 digits. */
uint64_t nv_plan_block_seed(const struct nv_plan *plan, unsigned cell, unsigned block)
{
    return nv_mix64(nv_mix64(plan->seed, cell), block) >> 8;
}
