/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "measure/rx.h"

/* Random streams with loss, duplicates and reordering, against accounts kept the slow, obvious way:
 * everything is looked up in the list of all arrivals. Sums are compared exactly. */

#define STREAMS 3000u
#define MESSAGES_MAX 200u
#define ARRIVALS_MAX 600u
#define MS 1000000ull

struct arrival {
    struct nv_rx_message message;
    uint64_t now_ns;
    bool first; /* copy of its message */
    bool measured;
    int64_t delay_ns, response_ns;
};

struct stream {
    uint64_t seed;
    struct nv_rx_config config;
    uint64_t message_count, seq_first, seq_end; /* measured */
    unsigned count;
    struct arrival arrivals[ARRIVALS_MAX]; /* in order of time */
};

#define SAME(stream, value, expected)                                                              \
    same((stream)->seed, #value, (uint64_t)(value), (uint64_t)(expected))

static void same(uint64_t seed, const char *what, uint64_t value, uint64_t expected)
{
    if (value != expected)
        fail_msg("seed %llu: %s is %llu, not %llu", (unsigned long long)seed, what,
                 (unsigned long long)value, (unsigned long long)expected);
}

static void insert(struct stream *stream, const struct nv_rx_message *message, uint64_t now_ns)
{
    unsigned at = stream->count++;
    for (; at > 0 && stream->arrivals[at - 1].now_ns > now_ns; at--)
        stream->arrivals[at] = stream->arrivals[at - 1];
    stream->arrivals[at] = (struct arrival){.message = *message, .now_ns = now_ns};
}

static void classify(struct stream *stream)
{
    bool seen[MESSAGES_MAX] = {false};
    const struct nv_phases *phases = &stream->config.phases;
    for (unsigned i = 0; i < stream->count; i++) {
        struct arrival *a = &stream->arrivals[i];
        a->first = !seen[a->message.seq];
        seen[a->message.seq] = true;
        a->measured = a->message.t_int_ns >= phases->warmup_ns &&
                      a->message.t_int_ns < phases->warmup_ns + phases->measure_ns;
        a->delay_ns = (int64_t)a->now_ns - (int64_t)a->message.t_snd_ns;
        a->response_ns = (int64_t)a->now_ns - (int64_t)a->message.t_int_ns;
    }
}

static void make_stream(struct stream *stream, uint64_t seed, uint64_t window)
{
    struct nv_rng rng;
    nv_rng_seed(&rng, seed);
    *stream = (struct stream){.seed = seed};
    uint64_t n = stream->message_count = 1 + nv_rng_below(&rng, MESSAGES_MAX);
    uint64_t gap_ns = 1 + nv_rng_below(&rng, 20 * MS), spread_ns = 1 + nv_rng_below(&rng, 40 * MS);
    uint64_t loss_percent = nv_rng_below(&rng, 60), dup_percent = nv_rng_below(&rng, 40);
    stream->config = (struct nv_rx_config){
        .phases = {.warmup_ns = nv_rng_below(&rng, n * gap_ns / 2 + 1),
                   .measure_ns = 1 + nv_rng_below(&rng, n * gap_ns)},
        .deadline_ns = {2 * MS, 10 * MS, 30 * MS},
        .deadline_count = 3,
        .unordered = true,
        .tmax_ns = 20 * MS,
        .messages_max = MESSAGES_MAX,
        .window = window,
        .trace_capacity = 1 + nv_rng_below(&rng, ARRIVALS_MAX),
    };
    for (uint64_t seq = 0; seq < n; seq++) {
        struct nv_rx_message message = {.count = 1,
                                        .seq = seq,
                                        .t_int_ns = seq * gap_ns,
                                        .t_snd_ns = seq * gap_ns + nv_rng_below(&rng, MS),
                                        .size_bytes = 40 + (uint32_t)nv_rng_below(&rng, 1000),
                                        .recv_calls = 1};
        if (message.t_int_ns < stream->config.phases.warmup_ns)
            stream->seq_first = seq + 1;
        if (message.t_int_ns < stream->config.phases.warmup_ns + stream->config.phases.measure_ns)
            stream->seq_end = seq + 1;
        if (nv_rng_below(&rng, 100) < loss_percent)
            continue;
        do
            insert(stream, &message, message.t_snd_ns + MS + nv_rng_below(&rng, spread_ns));
        while (nv_rng_below(&rng, 100) < dup_percent && stream->count < ARRIVALS_MAX - n + seq);
    }
    classify(stream);
}

static void check_ledger(const struct stream *s, const struct nv_rx *rx)
{
    uint64_t all[2] = {0, 0}, measured[2] = {0, 0}, bytes = 0, late = 0, ontime[3] = {0, 0, 0};
    uint64_t copies[MESSAGES_MAX] = {0}, replicated = 0;
    for (unsigned i = 0; i < s->count; i++) {
        const struct arrival *a = &s->arrivals[i];
        all[a->first]++;
        measured[a->first] += a->measured;
        replicated += a->measured && ++copies[a->message.seq] == 2;
        if (!a->first || !a->measured)
            continue;
        bytes += a->message.size_bytes;
        late += a->response_ns > (int64_t)s->config.tmax_ns;
        for (unsigned d = 0; d < 3; d++)
            ontime[d] += a->response_ns <= (int64_t)s->config.deadline_ns[d];
    }
    SAME(s, rx->all_unique_count, all[1]);
    SAME(s, rx->all_dup_count, all[0]);
    SAME(s, rx->unique_count, measured[1]);
    SAME(s, rx->dup_count, measured[0]);
    SAME(s, rx->replicated_count, replicated);
    SAME(s, rx->unique_bytes, bytes);
    SAME(s, rx->late_count, late);
    for (unsigned d = 0; d < 3; d++)
        SAME(s, rx->deadlines.ontime_count[d], ontime[d]);
    SAME(s, rx->resp.count, measured[1]);
    SAME(s, rx->serv.count, measured[1]);
    SAME(s, rx->trace_count + rx->trace_missed_count, measured[0] + measured[1]);
    SAME(s, s->seq_end - s->seq_first, rx->unique_count + rx->losses.missing_count);
}

/* The first arrival that is behind warm-up and smallest delay opens the window: its index, or
 * count; from_ns is then, but not before the arrival before. */
static unsigned window_start(const struct stream *s, uint64_t *from_ns)
{
    int64_t smallest_ns = INT64_MAX;
    uint64_t previous_ns = 0;
    *from_ns = NV_UNKNOWN;
    for (unsigned i = 0; i < s->count; i++) {
        const struct arrival *a = &s->arrivals[i];
        if (!a->first)
            continue;
        smallest_ns = a->delay_ns < smallest_ns ? a->delay_ns : smallest_ns;
        uint64_t open_ns = s->config.phases.warmup_ns + (uint64_t)smallest_ns;
        if (a->now_ns >= open_ns) {
            *from_ns = open_ns > previous_ns ? open_ns : previous_ns;
            return i;
        }
        previous_ns = a->now_ns;
    }
    return s->count;
}

static void check_goodput(const struct stream *s, const struct nv_rx *rx)
{
    const struct nv_rx_intervals *intervals = &rx->intervals;
    uint64_t from_ns, bytes = 0, count = 0, sum = 0;
    uint64_t slots[NV_INTERVALS_MAX] = {0};
    for (unsigned i = window_start(s, &from_ns); i < s->count; i++) {
        const struct arrival *a = &s->arrivals[i];
        if (!a->first || a->now_ns < from_ns || a->now_ns >= from_ns + s->config.phases.measure_ns)
            continue;
        count++;
        bytes += a->message.size_bytes;
        slots[(a->now_ns - from_ns) / intervals->length_ns] += a->message.size_bytes;
    }
    SAME(s, rx->goodput_from_ns, from_ns);
    SAME(s, rx->goodput_count, count);
    SAME(s, rx->goodput_bytes, bytes);
    for (unsigned i = 0; i < NV_INTERVALS_MAX; i++) {
        SAME(s, intervals->rx_bytes[i], slots[i]);
        sum += intervals->rx_bytes[i];
    }
    SAME(s, sum, rx->goodput_bytes);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* value is the upper edge of the bucket of the nearest rank. */
static void check_quantile(const struct stream *s, uint64_t value, const int64_t *sorted,
                           unsigned n, unsigned percent)
{
    uint64_t exact = (uint64_t)sorted[(n * percent + 99) / 100 - 1];
    if (value < exact || value > exact + exact / 256)
        fail_msg("seed %llu: %llu for a p%u of %llu", (unsigned long long)s->seed,
                 (unsigned long long)value, percent, (unsigned long long)exact);
}

static void check_interval(const struct stream *s, const struct nv_rx *rx, uint64_t index)
{
    const struct nv_rx_intervals *intervals = &rx->intervals;
    int64_t responses[MESSAGES_MAX];
    unsigned n = 0;
    uint64_t unique = 0, from_ns;
    (void)window_start(s, &from_ns);
    for (unsigned i = 0; i < s->count; i++) {
        const struct arrival *a = &s->arrivals[i];
        if (!a->first || !a->measured)
            continue;
        uint64_t slot = (a->now_ns - from_ns) / intervals->length_ns;
        if ((slot < intervals->count ? slot : intervals->count - 1) == index)
            responses[n++] = a->response_ns;
        unique +=
            (a->message.t_int_ns - s->config.phases.warmup_ns) / intervals->length_ns == index;
    }
    SAME(s, intervals->unique_count[index], unique);
    SAME(s, intervals->resp_count[index], n);
    if (!n) {
        SAME(s, intervals->resp_p50_ns[index], NV_UNKNOWN);
        return;
    }
    qsort(responses, n, sizeof responses[0], by_size);
    SAME(s, intervals->resp_max_ns[index], responses[n - 1]);
    check_quantile(s, intervals->resp_p50_ns[index], responses, n, 50);
    check_quantile(s, intervals->resp_p99_ns[index], responses, n, 99);
}

static void check_ordering(const struct stream *s, const struct nv_rx *rx)
{
    uint64_t reordered = 0, discontinuities = 0, skipped = 0, extents = 0;
    uint64_t order[MESSAGES_MAX], n = 0;
    for (unsigned i = 0; i < s->count; i++) {
        if (!s->arrivals[i].first)
            continue;
        uint64_t seq = s->arrivals[i].message.seq, next = 0, overtaker = n;
        for (uint64_t j = n; j-- > 0;) {
            overtaker = order[j] > seq ? j : overtaker;
            next = order[j] + 1 > next ? order[j] + 1 : next;
        }
        order[n] = seq;
        if (s->arrivals[i].measured) {
            reordered += overtaker < n;
            extents += n - overtaker;
            discontinuities += seq > next;
            skipped += seq > next ? seq - next : 0;
        }
        n++;
    }
    SAME(s, rx->ordering.reordered_count, reordered);
    SAME(s, rx->ordering.disc_count, discontinuities);
    SAME(s, rx->ordering.disc_size_msgs, skipped);
    SAME(s, rx->late_offset.count + rx->ordering.extent_censored_count, reordered);
    if (s->config.window < MESSAGES_MAX)
        return;
    SAME(s, rx->ordering.extent_sum_msgs, extents);
    SAME(s, rx->ordering.extent_censored_count, 0);
    SAME(s, rx->ordering.n_censored_count, 0);
}

static void check_variation(const struct stream *s, const struct nv_rx *rx)
{
    const struct arrival *of[MESSAGES_MAX] = {NULL}, *before = NULL;
    int64_t sum_ns = 0;
    uint64_t defined = 0;
    double jitter = 0;
    for (unsigned i = 0; i < s->count; i++) {
        const struct arrival *a = &s->arrivals[i];
        if (!a->first)
            continue;
        of[a->message.seq] = a;
        if (!a->measured)
            continue;
        if (before)
            jitter += (fabs((double)(a->delay_ns - before->delay_ns)) - jitter) / 16;
        before = a;
    }
    for (unsigned seq = 1; seq < MESSAGES_MAX; seq++) {
        if (!of[seq] || !of[seq - 1] || !of[seq]->measured)
            continue;
        defined++;
        sum_ns += of[seq]->delay_ns - of[seq - 1]->delay_ns;
    }
    if (rx->jitter.last_ns != NV_UNKNOWN)
        assert_true(fabs(jitter - (double)rx->jitter.last_ns) <= 2);
    SAME(s, rx->ipdv_abs.count, rx->ipdv.defined_count);
    if (s->config.window < MESSAGES_MAX) {
        assert_true(rx->ipdv.defined_count <= defined);
        return;
    }
    SAME(s, rx->ipdv.defined_count, defined);
    SAME(s, rx->ipdv.sum_ns, sum_ns);
}

static void check_losses(const struct stream *s, const struct nv_rx *rx)
{
    bool lost[MESSAGES_MAX];
    uint64_t missing = 0, runs = 0, g01 = 0, g10 = 0, g101 = 0, g111 = 0, near = 0;
    for (unsigned seq = 0; seq < MESSAGES_MAX; seq++)
        lost[seq] = true;
    for (unsigned i = 0; i < s->count; i++)
        lost[s->arrivals[i].message.seq] = false;
    for (uint64_t q = s->seq_first; q < s->seq_end; q++) {
        bool second = q > s->seq_first, third = q > s->seq_first + 1, close = false;
        missing += lost[q];
        runs += lost[q] && !(second && lost[q - 1]);
        g01 += second && !lost[q - 1] && lost[q];
        g10 += second && lost[q - 1] && !lost[q];
        g101 += third && lost[q - 2] && !lost[q - 1] && lost[q];
        g111 += third && lost[q - 2] && lost[q - 1] && lost[q];
        for (uint64_t d = 1; d <= NV_LOSS_NOTICEABLE_MSGS && d <= q - s->seq_first; d++)
            close = close || lost[q - d];
        near += lost[q] && close;
    }
    SAME(s, rx->losses.missing_count, missing);
    SAME(s, rx->losses.run_count, runs);
    SAME(s, rx->losses.g01_count, g01);
    SAME(s, rx->losses.g10_count, g10);
    SAME(s, rx->losses.g101_count, g101);
    SAME(s, rx->losses.g111_count, g111);
    SAME(s, rx->losses.noticeable_count, near);
}

/* By number: a message is handed over when it and all before it have come or are given up, which is
 * a patience after the first of those behind it came. */
static void check_inorder(const struct stream *s, const struct nv_rx *rx)
{
    const struct arrival *of[MESSAGES_MAX] = {NULL};
    uint64_t behind_ns[MESSAGES_MAX], handed_ns = 0, episode_ns = 0;
    uint64_t count = 0, too_late = 0, blocked = 0, episodes = 0, total_ns = 0, sum_ns = 0;
    memset(behind_ns, 0xff, sizeof behind_ns);
    for (unsigned i = s->count; i-- > 0;) {
        for (unsigned seq = 0; seq < s->arrivals[i].message.seq; seq++)
            behind_ns[seq] = s->arrivals[i].now_ns;
        if (s->arrivals[i].first)
            of[s->arrivals[i].message.seq] = &s->arrivals[i];
    }
    for (unsigned seq = 0; seq < MESSAGES_MAX; seq++) {
        const struct arrival *a = of[seq];
        if (!a && behind_ns[seq] == UINT64_MAX)
            break;
        uint64_t end_ns =
            behind_ns[seq] == UINT64_MAX ? UINT64_MAX : behind_ns[seq] + s->config.tmax_ns;
        uint64_t passed_ns = end_ns > handed_ns ? end_ns : handed_ns;
        if (!a || a->now_ns >= passed_ns) {
            handed_ns = passed_ns;
            too_late += a && a->measured;
            continue;
        }
        handed_ns = a->now_ns > handed_ns ? a->now_ns : handed_ns;
        uint64_t wait_ns = handed_ns - a->now_ns;
        if (!a->measured)
            continue;
        count++;
        sum_ns += wait_ns;
        if (wait_ns <= NV_BLOCKED_NS)
            continue;
        blocked++;
        total_ns += wait_ns;
        episodes += handed_ns != episode_ns;
        episode_ns = handed_ns;
    }
    SAME(s, rx->hol.waits.count + rx->hol.too_late_count, rx->unique_count);
    if (s->config.window < MESSAGES_MAX)
        return;
    SAME(s, rx->hol.waits.count, count);
    SAME(s, rx->hol.waits.sum, sum_ns);
    SAME(s, rx->hol.too_late_count, too_late);
    SAME(s, rx->hol.blocked_count, blocked);
    SAME(s, rx->hol.episode_count, episodes);
    SAME(s, rx->hol.total_ns, total_ns);
}

static void check_stream(const struct stream *s, struct nv_rx *rx)
{
    assert_int_equal(nv_rx_init(rx, &s->config, NULL), 0);
    for (unsigned i = 0; i < s->count; i++)
        nv_rx_record(rx, s->arrivals[i].now_ns, &s->arrivals[i].message);
    nv_rx_finish(rx, s->seq_first, s->seq_end);
    check_ledger(s, rx);
    check_goodput(s, rx);
    for (uint64_t i = 0; i < rx->intervals.count; i++)
        check_interval(s, rx, i);
    check_ordering(s, rx);
    check_variation(s, rx);
    check_losses(s, rx);
    check_inorder(s, rx);
    nv_rx_dispose(rx);
}

static void agrees_with_brute_force(void **state)
{
    (void)state;
    static struct stream stream;
    struct nv_rx *rx = calloc(1, sizeof *rx);
    assert_non_null(rx);
    for (uint64_t seed = 0; seed < STREAMS; seed++) {
        make_stream(&stream, seed, 8);
        check_stream(&stream, rx);
        /* As wide as the stream is as good as the usual 65536, which takes longer to set up. */
        make_stream(&stream, seed, seed % 10 ? 256 : NV_ORDERING_WINDOW);
        check_stream(&stream, rx);
    }
    free(rx);
}

/* Messages sent and received in one call, as a batch is: in order or not, again or not. */
static struct nv_rx_message draw_group(struct nv_rng *rng, uint64_t *next_seq, uint64_t now_ns)
{
    uint64_t seq = *next_seq;
    if (nv_rng_below(rng, 10) == 0)
        seq -= nv_rng_below(rng, seq + 1 < 60 ? seq + 1 : 60); /* some of it again */
    else
        seq += nv_rng_below(rng, 4) ? 0 : nv_rng_below(rng, 30); /* some of it lost */
    uint64_t t_ns = now_ns - nv_rng_below(rng, nv_rng_below(rng, 2) ? 200000 : 20000);
    struct nv_rx_message group = {.count = 1 + (uint32_t)nv_rng_below(rng, 70),
                                  .seq = seq,
                                  .t_int_ns = t_ns - nv_rng_below(rng, 2) * 1000,
                                  .t_snd_ns = t_ns,
                                  .size_bytes = 40 + (uint32_t)nv_rng_below(rng, 3),
                                  .recv_calls = 1 + (uint32_t)nv_rng_below(rng, 2)};
    *next_seq = seq + group.count > *next_seq ? seq + group.count : *next_seq;
    return group;
}

static void records_of_groups(uint64_t seed, struct nv_rx *together, struct nv_rx *singly)
{
    struct nv_rng rng;
    nv_rng_seed(&rng, seed);
    struct nv_rx_config config = {
        .phases = {.warmup_ns = 2 * MS, .measure_ns = 250 * MS, .cooldown_ns = 5 * MS},
        .deadline_ns = {10000, 50000, MS},
        .deadline_count = 3,
        .unordered = seed % 4 < 2,
        .answered = seed % 2,
        .tmax_ns = 150000,
        .messages_max = 3000,
        .window = 256u << seed % 3, /* as far back as anything comes again, and a group */
    };
    assert_int_equal(nv_rx_init(together, &config, NULL), 0);
    assert_int_equal(nv_rx_init(singly, &config, NULL), 0);
    uint64_t next_seq = 0;
    for (uint64_t now_ns = MS; next_seq < 3050; now_ns += nv_rng_below(&rng, 5 * MS)) {
        struct nv_rx_message group = draw_group(&rng, &next_seq, now_ns);
        nv_rx_record(together, now_ns, &group);
        nv_rx_recv(together, 100, group.count);
        struct nv_rx_message one = group;
        one.count = 1;
        for (; one.seq < group.seq + group.count; one.seq++)
            nv_rx_record(singly, now_ns, &one);
        nv_rx_recv(singly, 100, group.count);
    }
    nv_rx_finish(together, 100, 2900);
    nv_rx_finish(singly, 100, 2900);
    nv_rx_dispose(together);
    nv_rx_dispose(singly);
}

static void groups_are_recorded_as_their_messages(void **state)
{
    (void)state;
    struct nv_rx *together = calloc(1, sizeof *together);
    struct nv_rx *singly = calloc(1, sizeof *singly);
    assert_true(together && singly);
    for (uint64_t seed = 0; seed < 300; seed++) {
        records_of_groups(seed, together, singly);
        assert_true(together->unique_count > 500);
        for (const struct nv_counter_row *row = nv_rx_counters; row->name; row++)
            for (unsigned i = 0; i < row->count; i++) {
                const char *const at[] = {(const char *)together + row->offset,
                                          (const char *)singly + row->offset};
                uint64_t values[2];
                memcpy(&values[0], at[0] + i * sizeof values[0], sizeof values[0]);
                memcpy(&values[1], at[1] + i * sizeof values[1], sizeof values[1]);
                same(seed, row->name, values[0], values[1]);
            }
        assert_memory_equal(together, singly, sizeof *together);
    }
    free(together);
    free(singly);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_brute_force),
        cmocka_unit_test(groups_are_recorded_as_their_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
