/* SPDX-License-Identifier: MIT */
#include "schedule/schedule.h"

#include <math.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/hint.h"
#include "schedule/exponential.h"

/* Nothing here divides per message: a due time is kept as whole ns and a numerator over a fixed
 * denominator, so that adding a gap is exact. The denominator is rate_milli for constant and burst
 * arrivals (a gap is 10^12 / rate_milli ns) and 2^32 for Poisson. */

#define HASHED_AT_MAX 1000u
#define MILLI_NS UINT64_C(1000000000000) /* ns in a thousand seconds */

/* Streams of one seed; lower numbers are left to whoever chose it. */
enum { STREAM_GAPS = 2, STREAM_SIZES = 3 };

__extension__ typedef unsigned __int128 wide;

static uint64_t saturate(wide value)
{
    return value < UINT64_MAX ? (uint64_t)value : UINT64_MAX;
}

static uint32_t messages_per_tick(const struct nv_schedule_config *config)
{
    return config->arrival == NV_ARRIVAL_BURST && config->burst ? config->burst : 1;
}

/* A time out of range becomes UINT64_MAX, which is past every end. */
static void advance(struct nv_schedule *schedule, uint64_t gap_ns, uint64_t gap_part)
{
    schedule->part += gap_part;
    uint64_t carry = schedule->part >= schedule->denominator;
    if (carry)
        schedule->part -= schedule->denominator;
    if (__builtin_add_overflow(schedule->t_ns, gap_ns, &schedule->t_ns) ||
        __builtin_add_overflow(schedule->t_ns, carry, &schedule->t_ns))
        schedule->t_ns = UINT64_MAX;
}

/* The product fits: a variate has at most 54 bits, and the mean gap 72 at the lowest rate. */
static void advance_poisson(struct nv_schedule *schedule)
{
    wide mean = (wide)schedule->gap_ns << 32 | schedule->gap_part;
    wide gap = nv_exponential_next(&schedule->gap_rng) * mean >> NV_EXPONENTIAL_FRACTION_BITS;
    advance(schedule, (uint64_t)(gap >> 32), (uint32_t)gap);
}

static void set_pace(struct nv_schedule *schedule, const struct nv_schedule_config *config)
{
    wide gap = (wide)MILLI_NS * schedule->burst;
    wide rest = gap % config->rate_milli;
    schedule->t_ns = config->phase_ns;
    schedule->end_ns = config->end_ns;
    schedule->gap_ns = saturate(gap / config->rate_milli);
    schedule->poisson = config->arrival == NV_ARRIVAL_POISSON;
    if (schedule->poisson) {
        schedule->denominator = UINT64_C(1) << 32;
        schedule->gap_part = (uint64_t)((rest << 32) / config->rate_milli);
        advance_poisson(schedule);
    } else {
        schedule->denominator = config->rate_milli;
        schedule->gap_part = (uint64_t)rest;
    }
}

void nv_schedule_init(struct nv_schedule *schedule, const struct nv_schedule_config *config)
{
    NV_ASSERT(config->rate_milli < UINT64_C(1) << 63); /* part + gap_part fits then */
    uint32_t burst = messages_per_tick(config);
    *schedule = (struct nv_schedule){
        .denominator = 1,
        .end_ns = UINT64_MAX,
        .burst = burst,
        .left = burst,
        .unpaced = !config->rate_milli,
        .sizes = config->sizes,
    };
    nv_rng_seed(&schedule->gap_rng, nv_mix64(config->seed, STREAM_GAPS));
    nv_rng_seed(&schedule->size_rng, nv_mix64(config->seed, STREAM_SIZES));
    if (config->rate_milli)
        set_pace(schedule, config);
}

/* How many that begin with the next one are alike, at most count_max. */
static uint32_t count_alike(const struct nv_schedule *schedule, uint32_t count_max)
{
    if (schedule->sizes.kind != NV_SIZES_FIXED)
        return 1;
    return schedule->unpaced || schedule->left > count_max ? count_max : schedule->left;
}

NV_HOT uint32_t nv_schedule_take(struct nv_schedule *schedule, uint32_t count_max,
                                 struct nv_planned *out)
{
    if (schedule->t_ns >= schedule->end_ns)
        return 0;
    *out = (struct nv_planned){
        .seq = schedule->seq,
        .t_int_ns = schedule->t_ns,
        .size_bytes = nv_sizes_draw(&schedule->sizes, &schedule->size_rng),
    };
    uint32_t count = count_alike(schedule, count_max);
    schedule->seq += count;
    if (schedule->unpaced)
        return count;
    schedule->left -= count;
    if (schedule->left > 0)
        return count;
    schedule->left = schedule->burst;
    if (schedule->poisson)
        advance_poisson(schedule);
    else
        advance(schedule, schedule->gap_ns, schedule->gap_part);
    return count;
}

uint64_t nv_schedule_hash(const struct nv_schedule_config *config)
{
    struct nv_schedule schedule;
    struct nv_planned planned;
    uint64_t count_max = config->rate_milli ? NV_SCHEDULE_HASHED_MAX : HASHED_AT_MAX;
    uint64_t hash = NV_FNV1A64_INIT;
    nv_schedule_init(&schedule, config);
    while (schedule.seq < count_max && nv_schedule_next(&schedule, &planned)) {
        hash = nv_fnv1a64_u64(hash, planned.seq);
        hash = nv_fnv1a64_u64(hash, planned.t_int_ns);
        hash = nv_fnv1a64_u64(hash, planned.size_bytes);
    }
    return hash;
}

/* Messages before t of constant or burst arrivals. Tick j, which is floor(j gap / rate) after the
 * phase, is before t as long as j < (t - phase) rate / gap. */
static uint64_t count_before(const struct nv_schedule_config *config, uint64_t t_ns)
{
    if (t_ns <= config->phase_ns)
        return 0;
    uint32_t burst = messages_per_tick(config);
    wide gap = (wide)MILLI_NS * burst;
    wide ticks = ((wide)(t_ns - config->phase_ns) * config->rate_milli + gap - 1) / gap;
    return saturate(saturate(ticks) * (wide)burst);
}

/* Of a Poisson schedule, on average, in a span that begins with the phase or later. */
static uint64_t expected_count(const struct nv_schedule_config *config, uint64_t span_ns)
{
    return saturate((wide)span_ns * config->rate_milli / MILLI_NS);
}

/* The variance of a Poisson variate is its mean. The constant makes up for a small mean, whose
 * distribution is far from normal. */
static uint64_t poisson_bound(uint64_t mean)
{
    return saturate((wide)mean + (wide)(8 * sqrt((double)mean)) + 64);
}

static uint64_t count_by_walking(const struct nv_schedule_config *config, uint64_t from_ns,
                                 uint64_t to_ns)
{
    struct nv_schedule schedule;
    struct nv_planned planned;
    uint64_t count = 0;
    nv_schedule_init(&schedule, config);
    while (nv_schedule_peek_ns(&schedule) < to_ns && nv_schedule_next(&schedule, &planned))
        count += planned.t_int_ns >= from_ns;
    return count;
}

uint64_t nv_schedule_count(const struct nv_schedule_config *config, uint64_t from_ns,
                           uint64_t to_ns)
{
    if (to_ns > config->end_ns)
        to_ns = config->end_ns;
    if (!config->rate_milli || from_ns >= to_ns)
        return 0;
    if (config->arrival == NV_ARRIVAL_POISSON)
        return expected_count(config, to_ns) <= NV_SCHEDULE_WALKED_MAX
                   ? count_by_walking(config, from_ns, to_ns)
                   : poisson_bound(expected_count(config, to_ns - from_ns));
    return count_before(config, to_ns) - count_before(config, from_ns);
}
