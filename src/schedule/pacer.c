/* SPDX-License-Identifier: MIT */
#include "schedule/pacer.h"

#include "base/hint.h"

void nv_pacer_init(struct nv_pacer *pacer, const struct nv_schedule_config *config)
{
    *pacer = (struct nv_pacer){.end_ns = config->end_ns};
    nv_schedule_init(&pacer->schedule, config);
}

uint64_t nv_pacer_next_ns(const struct nv_pacer *pacer)
{
    return pacer->ended ? UINT64_MAX : nv_schedule_peek_ns(&pacer->schedule);
}

NV_HOT uint32_t nv_pacer_take(struct nv_pacer *pacer, uint64_t now_ns, uint32_t count_max,
                              struct nv_planned *out)
{
    pacer->ended |= pacer->schedule.unpaced && now_ns >= pacer->end_ns;
    if (pacer->ended || nv_schedule_peek_ns(&pacer->schedule) > now_ns) {
        pacer->caught_up_ns = pacer->behind ? now_ns : pacer->caught_up_ns;
        pacer->behind = false;
        return 0;
    }
    uint32_t count = nv_schedule_take(&pacer->schedule, count_max, out);
    if (pacer->schedule.unpaced)
        out->t_int_ns = now_ns;
    return count;
}

void nv_pacer_blocked(struct nv_pacer *pacer)
{
    pacer->blocked = true;
}

/* A socket that becomes writable without having been blocked excuses nothing. */
void nv_pacer_writable(struct nv_pacer *pacer)
{
    if (!pacer->blocked)
        return;
    pacer->blocked = false;
    pacer->behind = pacer->was_blocked = true;
}

NV_HOT struct nv_lag nv_pacer_lag(const struct nv_pacer *pacer, uint64_t t_int_ns,
                                  uint64_t t_snd_ns)
{
    uint64_t lag_ns = t_snd_ns > t_int_ns ? t_snd_ns - t_int_ns : 0;
    bool block =
        pacer->blocked || pacer->behind || (pacer->was_blocked && t_int_ns <= pacer->caught_up_ns);
    return block ? (struct nv_lag){.block_ns = lag_ns} : (struct nv_lag){.sched_ns = lag_ns};
}
