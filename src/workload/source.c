/* SPDX-License-Identifier: MIT */
#include "workload/source.h"

#include "base/hint.h"

void nv_source_init(struct nv_source *source, const struct nv_workload_config *config, uint8_t type)
{
    *source = (struct nv_source){
        .tx = config->tx,
        .end_ns = nv_spec_end_ns(config->spec),
        .run_tag = config->run_tag,
        .flow = (uint16_t)config->flow,
        .type = type,
        .at_max = config->spec->rate.kind == NV_RATE_MAX,
    };
    source->give_up_ns = source->end_ns + config->spec->drain_ns;
    struct nv_schedule_config schedule =
        nv_spec_schedule(config->spec, config->flow, config->client);
    nv_pacer_init(&source->pacer, &schedule);
}

NV_HOT unsigned nv_source_run(struct nv_source *source, uint64_t now_ns, struct nv_header *out,
                              unsigned count_max)
{
    unsigned trains = 0;
    uint32_t count;
    struct nv_planned planned;
    if (now_ns >= source->give_up_ns)
        return 0;
    while (count_max && (count = nv_pacer_take(&source->pacer, now_ns, count_max, &planned))) {
        out[trains++] = (struct nv_header){
            .type = source->type,
            .flow = source->flow,
            .len_bytes = planned.size_bytes,
            .run_tag = source->run_tag,
            .seq = planned.seq,
            .t_int_ns = source->at_max ? NV_MESSAGE_UNSCHEDULED : planned.t_int_ns,
            .count = count,
        };
        source->given_count += count;
        count_max -= count;
    }
    return trains;
}

uint64_t nv_source_next_ns(const struct nv_source *source)
{
    return nv_pacer_next_ns(&source->pacer);
}

NV_HOT void nv_source_sent(struct nv_source *source, const struct nv_header *header, uint32_t count,
                           enum nv_tx_outcome outcome)
{
    source->settled_count += count;
    struct nv_tx_event event = {
        .count = count,
        .seq = header->seq,
        .t_int_ns = header->t_int_ns,
        .t_snd_ns = header->t_snd_ns,
        .size_bytes = header->len_bytes,
        .outcome = outcome,
    };
    if (outcome == NV_TX_SENT) {
        struct nv_lag lag = nv_pacer_lag(&source->pacer, header->t_int_ns, header->t_snd_ns);
        event.sched_lag_ns = lag.sched_ns;
        event.block_lag_ns = lag.block_ns;
    }
    nv_tx_record(source->tx, &event);
}

NV_HOT bool nv_source_done(const struct nv_source *source, uint64_t now_ns)
{
    if (now_ns >= source->give_up_ns)
        return true;
    bool ended = nv_pacer_next_ns(&source->pacer) == UINT64_MAX ||
                 (source->at_max && now_ns >= source->end_ns);
    return ended && source->settled_count == source->given_count;
}

void nv_source_end(struct nv_source *source)
{
    uint32_t count;
    struct nv_planned planned;
    if (source->at_max)
        return;
    while ((count = nv_pacer_take(&source->pacer, UINT64_MAX, UINT32_MAX, &planned))) {
        struct nv_header header = {
            .seq = planned.seq, .t_int_ns = planned.t_int_ns, .len_bytes = planned.size_bytes};
        source->given_count += count;
        nv_source_sent(source, &header, count, NV_TX_UNSENT);
    }
}
