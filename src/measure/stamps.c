/* SPDX-License-Identifier: MIT */
#include "measure/stamps.h"

#include <stddef.h>
#include <stdlib.h>

int nv_stamps_init(struct nv_stamps *stamps, const struct nv_phases *phases, uint64_t capacity,
                   struct nv_error *err)
{
    *stamps = (struct nv_stamps){
        .phases = *phases, .capacity = capacity, .t_rxk_ns = NV_UNKNOWN, .t_rdy_ns = NV_UNKNOWN};
    stamps->rows = calloc(capacity ? capacity : 1, sizeof *stamps->rows);
    return stamps->rows ? NV_OK
                        : nv_fail(err, NV_E_FAILED, "no memory for the stamps of %llu messages",
                                  (unsigned long long)capacity);
}

void nv_stamps_dispose(struct nv_stamps *stamps)
{
    free(stamps->rows);
    stamps->rows = NULL;
    stamps->count = 0;
}

void nv_stamps_sent(struct nv_stamps *stamps, uint64_t seq, uint64_t t_int_ns, uint64_t id,
                    uint64_t t_acc_ns)
{
    stamps->latest_id = id;
    if (stamps->count == stamps->capacity || !nv_phases_measured(&stamps->phases, t_int_ns))
        return;
    stamps->rows[stamps->count++] = (struct nv_stamp_row){
        .seq = seq, .id = id, .t_acc_ns = t_acc_ns, .t_ns = {NV_UNKNOWN, NV_UNKNOWN, NV_UNKNOWN}};
}

void nv_stamps_accepted(struct nv_stamps *stamps, uint64_t t_acc_ns)
{
    struct nv_stamp_row *row = stamps->count ? &stamps->rows[stamps->count - 1] : NULL;
    if (row && row->id == stamps->latest_id)
        row->t_acc_ns = t_acc_ns;
}

/* The row whose number at `offset` is `number`: they ascend. */
static struct nv_stamp_row *find(const struct nv_stamps *stamps, size_t offset, uint64_t number)
{
    uint64_t from = 0;
    uint64_t to = stamps->count;
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        struct nv_stamp_row *row = &stamps->rows[middle];
        uint64_t found = *(const uint64_t *)(const void *)((const char *)row + offset);
        if (found == number)
            return row;
        if (found < number)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

void nv_stamps_take(struct nv_stamps *stamps, enum nv_stamp stamp, uint32_t id, uint64_t at_ns)
{
    /* What is stamped was sent before, and less than half the range of numbers ago. */
    uint64_t whole = stamps->latest_id - (uint32_t)((uint32_t)stamps->latest_id - id);
    struct nv_stamp_row *row = find(stamps, offsetof(struct nv_stamp_row, id), whole);
    if (!row)
        stamps->counters.foreign_count++;
    else if (row->t_ns[stamp] != NV_UNKNOWN)
        stamps->counters.again_count++;
    else
        row->t_ns[stamp] = at_ns;
}

void nv_stamps_came(struct nv_stamps *stamps, uint64_t at_ns)
{
    stamps->t_rxk_ns = stamps->t_rdy_ns = at_ns;
    if (at_ns == NV_UNKNOWN) {
        stamps->counters.unstamped_count++;
        return;
    }
    if (stamps->ordered)
        stamps->t_rdy_ns = at_ns + nv_release_next(&stamps->release, at_ns);
}

void nv_stamps_finish(struct nv_stamps *stamps)
{
    stamps->counters.sent_gaps_count = 0;
    for (uint64_t i = 0; i < stamps->count; i++)
        stamps->counters.sent_gaps_count += stamps->rows[i].t_ns[NV_STAMP_SENT] == NV_UNKNOWN;
}

const struct nv_stamp_row *nv_stamps_find(const struct nv_stamps *stamps, uint64_t seq)
{
    return find(stamps, offsetof(struct nv_stamp_row, seq), seq);
}
