/* SPDX-License-Identifier: MIT */
#include "path/impairment.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define PART_BYTES 32u
#define QUEUE_BYTES_MAX 1e12
#define HOUR_NS (3600 * NV_NS_PER_S)

/* The part of *text up to one of the separators, which is skipped; false when it does not fit. */
static bool next_part(const char **text, const char *separators, char part[PART_BYTES])
{
    size_t len = strcspn(*text, separators);
    if (len == 0 || len >= PART_BYTES)
        return false;
    memcpy(part, *text, len);
    part[len] = '\0';
    *text += len;
    return true;
}

static int parse_gilbert(void *value, const char *text, bool in_time)
{
    struct nv_gilbert_elliott ge = {.on = true, .loss_bad = 1};
    double *const shares[] = {&ge.p, &ge.r, &ge.loss_bad, &ge.loss_good};
    uint64_t *const times_ns[] = {&ge.good_ns, &ge.bad_ns};
    unsigned count = 0;
    if (strcmp(text, "none") == 0) {
        *(struct nv_gilbert_elliott *)value = (struct nv_gilbert_elliott){0};
        return NV_OK;
    }
    for (;; text++) {
        char part[PART_BYTES];
        if (count == 4 || !next_part(&text, ":", part))
            return NV_E_USAGE;
        if (in_time && count < 2 ? nv_parse_time(part, times_ns[count]) ||
                                       *times_ns[count] < NV_NS_PER_US || *times_ns[count] > HOUR_NS
                                 : nv_parse_share(part, shares[count]))
            return NV_E_USAGE;
        count++;
        if (!*text)
            break;
    }
    if (count < 2 || (!in_time && ge.r <= 0))
        return NV_E_USAGE;
    *(struct nv_gilbert_elliott *)value = ge;
    return NV_OK;
}

static int parse_ge(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    return parse_gilbert(value, text, false);
}

static int parse_ge_time(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    return parse_gilbert(value, text, true);
}

/* "3+7+10-12": ascending, so that they can be walked once. */
static int parse_ranges(void *value, const char *text, int (*parse)(const char *, uint64_t *))
{
    struct nv_ranges ranges = {0};
    if (strcmp(text, "none") == 0) {
        *(struct nv_ranges *)value = ranges;
        return NV_OK;
    }
    for (;; text++) {
        char part[PART_BYTES];
        struct nv_range *range = &ranges.range[ranges.count];
        if (ranges.count == NV_LIST_MAX || !next_part(&text, "+-", part) ||
            parse(part, &range->from))
            return NV_E_USAGE;
        range->to = range->from;
        if (*text == '-') {
            text++;
            if (!next_part(&text, "+", part) || parse(part, &range->to))
                return NV_E_USAGE;
        }
        bool ascends = !ranges.count || range[0].from > range[-1].to;
        if (range->to < range->from || !ascends)
            return NV_E_USAGE;
        ranges.count++;
        if (!*text)
            break;
    }
    *(struct nv_ranges *)value = ranges;
    return NV_OK;
}

static int parse_numbers(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    return parse_ranges(value, text, nv_parse_count);
}

static int parse_times(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    return parse_ranges(value, text, nv_parse_time);
}

static int parse_bitrate(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    struct nv_rate rate = {.kind = NV_RATE_MAX};
    if (strcmp(text, "none") != 0 && (nv_parse_rate(text, &rate) || rate.kind != NV_RATE_BITS))
        return NV_E_USAGE;
    *(struct nv_rate *)value = rate;
    return NV_OK;
}

static int parse_queue(const struct nv_option *row, void *value, const char *text)
{
    (void)row;
    struct nv_queue_length queue = {.kind = NV_QUEUE_BYTES};
    uint64_t amount;
    char *end;
    if (nv_parse_size(text, &amount) == NV_OK) {
        queue.amount = (double)amount;
    } else if (nv_parse_time(text, &amount) == NV_OK) {
        queue.kind = NV_QUEUE_TIME;
        queue.amount = (double)amount;
    } else {
        queue.kind = NV_QUEUE_BDP;
        if (!isdigit((unsigned char)*text))
            return NV_E_USAGE;
        queue.amount = strtod(text, &end);
        if (strcmp(end, "bdp") != 0)
            return NV_E_USAGE;
    }
    if (!(queue.amount > 0 && queue.amount <= 1e12))
        return NV_E_USAGE;
    *(struct nv_queue_length *)value = queue;
    return NV_OK;
}

/* What was said of a path is kept as its text: nothing writes these values back. */
static const struct nv_option_type ge_type = {
    "none or P:R[:LOSS-BAD[:LOSS-GOOD]], such as 0.5%:20%", parse_ge, NULL, NULL};
static const struct nv_option_type ge_time_type = {
    "none or GOOD:BAD[:LOSS-BAD[:LOSS-GOOD]], such as 900ms:30ms", parse_ge_time, NULL, NULL};
static const struct nv_option_type numbers_type = {"none or ascending numbers such as 3+7+10-12",
                                                   parse_numbers, NULL, NULL};
static const struct nv_option_type times_type = {"none or ascending times such as 2s-2.5s+7s-7.1s",
                                                 parse_times, NULL, NULL};
static const struct nv_option_type bitrate_type = {"none or Nbit/s, such as 20Mbit/s",
                                                   parse_bitrate, NULL, NULL};
static const struct nv_option_type queue_type = {
    "bytes, a time or bandwidth-delay products, such as 64k, 100ms or 1bdp", parse_queue, NULL,
    NULL};

static const char *const jitters[] = {"uniform", "normal", "pareto", "table", NULL};
static const char *const orders[] = {"keep", "free", NULL};
static const char *const aqms[] = {"tail", "codel", NULL};

#define AT(field) offsetof(struct nv_impairment, field)

const struct nv_option nv_impairment_options[] = {
    {.name = "delay",
     .type = &nv_option_time,
     .offset = AT(delay_ns),
     .fallback = "0",
     .max = 10 * NV_NS_PER_S,
     .help = "one way, of every packet"},
    {.name = "jitter",
     .type = &nv_option_time,
     .offset = AT(jitter_ns),
     .fallback = "0",
     .max = 10 * NV_NS_PER_S,
     .help =
         "spread of the delay: half width (uniform), standard deviation (normal), mean (pareto)"},
    {.name = "dist",
     .type = &nv_option_choice,
     .offset = AT(jitter_kind),
     .fallback = "uniform",
     .choices = jitters,
     .help = "distribution of the jitter; table: of jitter-table"},
    {.name = "jitter-table",
     .type = &nv_option_text,
     .offset = AT(jitter_table),
     .fallback = "",
     .form = "a file with one delay in ms a line",
     .help = "measured delays, drawn from with equal chance, on top of delay"},
    {.name = "order",
     .type = &nv_option_choice,
     .offset = AT(order),
     .fallback = "keep",
     .choices = orders,
     .help = "may jitter let a packet overtake another? keep: it waits for the one before, so that "
             "delay grows with the packet rate"},
    {.name = "loss",
     .type = &nv_option_share,
     .offset = AT(loss),
     .fallback = "0",
     .help = "each packet by itself"},
    {.name = "ge",
     .type = &ge_type,
     .offset = AT(ge),
     .fallback = "none",
     .help = "loss in bursts (Gilbert and Elliott), a step at each packet"},
    {.name = "ge-time",
     .type = &ge_time_type,
     .offset = AT(ge_time),
     .fallback = "none",
     .help =
         "the same as weather in time: mean length of good and bad spells, equal for both arms"},
    {.name = "drop",
     .type = &numbers_type,
     .offset = AT(drop),
     .fallback = "none",
     .help = "lose these packets, counted from 1 at the start of a run"},
    {.name = "outage",
     .type = &times_type,
     .offset = AT(outage),
     .fallback = "none",
     .help = "lose all packets in these times, counted from the start of a run"},
    {.name = "duplicate",
     .type = &nv_option_share,
     .offset = AT(duplicate),
     .fallback = "0",
     .help = "these packets come twice"},
    {.name = "corrupt",
     .type = &nv_option_share,
     .offset = AT(corrupt),
     .fallback = "0",
     .help = "turn one bit of the payload; the receiver's kernel sees the checksum"},
    {.name = "mend",
     .type = &nv_option_bool,
     .offset = AT(mend),
     .fallback = "no",
     .help = "mend the checksum of what was corrupted, so that it is delivered"},
    {.name = "reorder",
     .type = &nv_option_share,
     .offset = AT(reorder),
     .fallback = "0",
     .help = "hold these packets back, by reorder-delay or reorder-gap"},
    {.name = "reorder-delay",
     .type = &nv_option_time,
     .offset = AT(reorder_delay_ns),
     .fallback = "0",
     .max = 10 * NV_NS_PER_S,
     .help = "held back for so long"},
    {.name = "reorder-gap",
     .type = &nv_option_count,
     .offset = AT(reorder_gap),
     .fallback = "0",
     .max = 1000,
     .help = "held back until so many have passed, or for 200 ms"},
    {.name = "rate",
     .type = &bitrate_type,
     .offset = AT(rate),
     .fallback = "none",
     .help = "of IP packets through a queue"},
    {.name = "trace",
     .type = &nv_option_text,
     .offset = AT(trace),
     .fallback = "",
     .form = "a file in mahimahi's format",
     .help = "instead of rate: a line for each 1500 bytes, the ms when they may go"},
    {.name = "queue",
     .type = &queue_type,
     .offset = AT(queue),
     .fallback = "1bdp",
     .help = "length of the queue before the rate, two full packets at least"},
    {.name = "aqm",
     .type = &nv_option_choice,
     .offset = AT(aqm),
     .fallback = "tail",
     .choices = aqms,
     .help = "what the queue drops: what finds it full, or by CoDel, too"},
    {.name = "overhead",
     .type = &nv_option_size,
     .offset = AT(overhead_bytes),
     .fallback = "0",
     .max = 200,
     .help = "bytes that layers below IP add to each packet, as the rate sees them"},
    {.name = NULL},
};

int nv_impairment_check(const struct nv_impairment *impairment, struct nv_error *err)
{
    bool table = impairment->jitter_kind == NV_JITTER_TABLE;
    if (table != (impairment->jitter_table[0] != '\0'))
        return nv_fail(err, NV_E_USAGE, "dist=table and jitter-table=FILE go together");
    if (impairment->reorder > 0 && !impairment->reorder_delay_ns == !impairment->reorder_gap)
        return nv_fail(err, NV_E_USAGE, "reorder needs either reorder-delay or reorder-gap");
    if (impairment->trace[0] && impairment->rate.kind != NV_RATE_MAX)
        return nv_fail(err, NV_E_USAGE, "rate and trace exclude each other");
    if (impairment->ge.on && impairment->ge_time.on)
        return nv_fail(err, NV_E_USAGE, "ge and ge-time exclude each other");
    if (impairment->trace[0] && impairment->queue.kind != NV_QUEUE_BYTES)
        return nv_fail(err, NV_E_USAGE, "the queue of a trace has a length in bytes, as queue=64k");
    return NV_OK;
}

uint64_t nv_impairment_queue_bytes(const struct nv_impairment *impairment, uint64_t both_delay_ns,
                                   uint64_t mtu_bytes)
{
    const struct nv_queue_length *queue = &impairment->queue;
    double bytes_per_ns = (double)impairment->rate.milli_per_s / 8e12;
    double bytes = queue->kind == NV_QUEUE_BYTES ? queue->amount
                   : queue->kind == NV_QUEUE_TIME
                       ? queue->amount * bytes_per_ns
                       : queue->amount * bytes_per_ns * (double)both_delay_ns;
    double least = 2 * (double)mtu_bytes;
    return (uint64_t)round(bytes < least             ? least
                           : bytes > QUEUE_BYTES_MAX ? QUEUE_BYTES_MAX
                                                     : bytes);
}
