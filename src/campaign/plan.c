/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "campaign/settings.h"
#include "spec/app.h"

static bool is(const struct nv_factor *factor, const char *name)
{
    return strcmp(factor->option->name, name) == 0;
}

static const struct nv_factor *find(const struct nv_campaign *campaign, const char *name)
{
    for (unsigned i = 0; i < campaign->factor_count; i++)
        if (is(&campaign->factors[i], name))
            return &campaign->factors[i];
    return NULL;
}

/* The cells cross all factors but the transport; the last factor given changes fastest. */
static const char *level_of(const struct nv_campaign *campaign, unsigned index, uint64_t cell)
{
    const struct nv_factor *factor = &campaign->factors[index];
    for (unsigned i = index + 1; i < campaign->factor_count; i++)
        if (!is(&campaign->factors[i], "transport"))
            cell /= campaign->factors[i].count;
    return factor->level[cell % factor->count];
}

static int fill_spec(const struct nv_campaign *campaign, uint64_t cell, struct nv_spec *spec,
                     struct nv_error *err)
{
    struct nv_preset apps[NV_NAMES_MAX + 1];
    nv_names_presets(&campaign->apps, apps);
    nv_options_reset(nv_spec_options, spec);
    for (unsigned i = 0; i < campaign->factor_count; i++) {
        const struct nv_factor *factor = &campaign->factors[i];
        const char *level = level_of(campaign, i, cell);
        bool is_app = is(factor, "app") && *level;
        if (is(factor, "transport"))
            continue;
        if (nv_option_set(factor->option, spec, level, err) ||
            (is_app && nv_app_apply(spec, level, apps, err)))
            return err->code;
    }
    return NV_OK;
}

/* An application would make all levels of a list that comes before it the same. */
static int refuse_lists_before_app(const struct nv_campaign *campaign, struct nv_error *err)
{
    const struct nv_factor *app = find(campaign, "app");
    struct nv_preset apps[NV_NAMES_MAX + 1];
    nv_names_presets(&campaign->apps, apps);
    for (const struct nv_factor *factor = campaign->factors; app && factor < app; factor++)
        for (unsigned i = 0; factor->count > 1 && i < app->count; i++)
            if (nv_app_sets(app->level[i], apps, factor->option))
                return nv_fail(err, NV_E_USAGE,
                               "%s: app %s sets it; give the list after app, or leave it out",
                               factor->option->name, app->level[i]);
    return NV_OK;
}

static uint64_t count_cells(const struct nv_campaign *campaign)
{
    uint64_t count = 1;
    for (unsigned i = 0; i < campaign->factor_count && count <= NV_CELLS_MAX; i++)
        if (!is(&campaign->factors[i], "transport"))
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
    if (refuse_lists_before_app(campaign, err))
        return err->code;
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
