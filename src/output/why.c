/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "output/factor_rules.h"
#include "output/lines.h"

/* From an arm's numbers to the dominant factor, and to a line of the table. */

#define RUN_MIN 0.5       /* of the missing in one run: they were lost in one go */
#define GAP_WAIT_MIN 0.25 /* of TCP's wait, for the end of a silence: the silence made it */

/* Where two explain as much, the first one counts: what leaves traces of its own comes before what
 * is left when there are none. */
const struct nv_factor *const nv_factors[] = {
    &nv_factor_outage,       &nv_factor_queue,
    &nv_factor_too_long,     &nv_factor_send_buffer,
    &nv_factor_cpu_receiver, &nv_factor_receive_buffer,
    &nv_factor_corruption,   &nv_factor_fragmentation,
    &nv_factor_path_loss,    &nv_factor_delayed_ack,
    &nv_factor_nagle,        &nv_factor_slow_start,
    &nv_factor_reordering,   NULL,
};

const char *nv_subject_name(enum nv_subject subject)
{
    static const char *const names[NV_SUBJECT_COUNT] = {
        [NV_SUBJECT_NONE] = "",     [NV_SUBJECT_LOST] = "lost",   [NV_SUBJECT_RATE] = "rate",
        [NV_SUBJECT_LATE] = "late", [NV_SUBJECT_ORDER] = "order",
    };
    return names[subject];
}

static double ratio(double value, double whole)
{
    return whole > 0 ? value / whole : 0;
}

/* IP packets of a UDP message, and of its answer. */
static double packets_of(const struct nv_factor_view *view)
{
    const struct nv_spec *spec = view->arm->spec;
    double size_bytes = nv_sizes_mean(&spec->sizes);
    double there = nv_fragments(view->arm->evidence.mtu_bytes, size_bytes);
    double back = nv_fragments(view->arm->evidence.mtu_bytes,
                               spec->reply_bytes ? (double)spec->reply_bytes : size_bytes);
    if (isnan(there))
        there = back = 1;
    return view->answered ? there + back : there;
}

/* What was not dropped by chance, but all at once. */
static double at_once(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    if (view->is_tcp)
        return evidence->gap_wait_ns >= GAP_WAIT_MIN * evidence->wait_ns && evidence->gap_ns > 0;
    double missing_count = view->missing * (double)evidence->sched_count;
    double in_row = fmin(1, ratio((double)evidence->run_max_msgs, missing_count));
    bool is_long = evidence->run_max_msgs >= (uint64_t)NV_GAP_MSGS * evidence->run_count;
    return is_long && in_row >= RUN_MIN ? in_row : 0;
}

/* The emulated path tells what it dropped packets for; else it is one or the other. */
static void find_causes(struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    const uint64_t *drop = evidence->drop_count;
    uint64_t chance = drop[NV_DROP_LOSS] + (view->is_tcp ? evidence->corrupt_count : 0);
    double total = (double)(chance + drop[NV_DROP_OUTAGE] + drop[NV_DROP_QUEUE]);
    view->chance = evidence->emulated ? ratio((double)chance, total) : 1;
    view->gap = ratio((double)drop[NV_DROP_OUTAGE], total);
    view->full = ratio((double)drop[NV_DROP_QUEUE], total);
    double moved = view->chance * at_once(view);
    view->gap += moved;
    view->chance -= moved;
}

static double missing_count(const struct nv_evidence *evidence, bool is_tcp)
{
    return (double)(evidence->eagain_count + evidence->enobufs_count + evidence->too_long_count +
                    evidence->refused_count + evidence->lost_count +
                    (is_tcp ? evidence->unsent_count : 0));
}

struct nv_factor_view nv_factor_view(const struct nv_summary_cell *cell, unsigned arm)
{
    const struct nv_evidence *evidence = &cell->arm[arm].evidence;
    const struct nv_tcp_counters *tcp = &evidence->tcp;
    const struct nv_tcp_counters *peer = &evidence->peer_tcp;
    struct nv_factor_view view = {
        .arm = &cell->arm[arm],
        .other = cell->arm_count == 2 ? &cell->arm[1 - arm] : NULL,
        .is_tcp = tcp->known != 0,
        .answered = cell->direction == NV_ROW_RTT,
        .wait_ns = ratio(evidence->wait_ns, (double)evidence->unique_count),
        .floor_ns = ratio(evidence->floor_ns, evidence->run_count),
        .rtt_ns = 1e3 * (double)tcp->min_rtt_us,
    };
    uint64_t retrans = tcp->retrans_segs + (view.answered ? peer->retrans_segs : 0);
    uint64_t needless = tcp->dsack_dups + (view.answered ? peer->dsack_dups : 0);
    uint64_t segments = tcp->data_segs_out + (view.answered ? peer->data_segs_out : 0);
    view.missing = ratio(missing_count(evidence, view.is_tcp), (double)evidence->sched_count);
    view.retransmitted =
        retrans > needless ? ratio((double)(retrans - needless), (double)segments) : 0;
    view.packets = packets_of(&view);
    find_causes(&view);
    return view;
}

static bool is_late(const struct nv_factor_view *view)
{
    bool undelivered = view->is_tcp && view->missing >= NV_FACTOR_MISSING_MIN;
    bool waits = view->arm->evidence.has_delays && view->wait_ns >= NV_FACTOR_WAIT_NS &&
                 view->wait_ns >= NV_FACTOR_WAIT_SHARE * view->floor_ns;
    return undelivered || waits;
}

/* At its highest rate a message waits for itself. */
static bool is_unpaced(const struct nv_factor_view *view)
{
    unsigned kind = view->arm->spec->rate.kind;
    return kind == NV_RATE_MAX || kind == NV_RATE_SEARCH;
}

static double disorder(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    return ratio((double)evidence->reordered_count, (double)evidence->unique_count);
}

/* The largest share that a subject's evidence explains, if that is most of it. */
static bool find_dominant(const struct nv_factor_view *view, enum nv_subject subject, double size,
                          struct nv_finding *finding)
{
    double largest = 0;
    finding->subject = subject;
    finding->size = size;
    for (unsigned i = 0; nv_factors[i]; i++) {
        const struct nv_factor *factor = nv_factors[i];
        double share = factor->share[subject] ? factor->share[subject](view) : 0;
        if (share <= largest || share < NV_FACTOR_SHARE_MIN)
            continue;
        largest = share;
        finding->factor = factor;
        finding->share = share;
    }
    return finding->factor != NULL;
}

struct nv_finding nv_find_factor(const struct nv_summary_cell *cell, unsigned arm)
{
    struct nv_finding finding = {.subject = NV_SUBJECT_NONE};
    double ontime = cell->arm[arm].median[NV_METRIC_ONTIME_RATIO];
    if (!cell->arm[arm].evidence.sched_count)
        return finding;
    struct nv_factor_view view = nv_factor_view(cell, arm);
    bool misses = view.missing >= NV_FACTOR_MISSING_MIN;
    bool unpaced = is_unpaced(&view) && !view.answered;
    bool found = false;
    if (misses && !view.is_tcp) {
        (void)find_dominant(&view, NV_SUBJECT_LOST, view.missing, &finding);
        return finding;
    }
    if (cell->arm[arm].calls[0][NV_CALL_SOCKET].count)
        return finding; /* a socket each: no connection's counts tell of waits and of order */
    if (unpaced && view.is_tcp)
        found = find_dominant(&view, NV_SUBJECT_RATE, NAN, &finding);
    else if (!unpaced && is_late(&view))
        found = find_dominant(&view, NV_SUBJECT_LATE, view.wait_ns, &finding);
    if (!found && !view.is_tcp && disorder(&view) >= NV_FACTOR_MISSING_MIN)
        found = find_dominant(&view, NV_SUBJECT_ORDER, disorder(&view), &finding);
    finding.clean = !found && !misses && !(ontime < NV_FACTOR_CLEAN_ONTIME);
    if (finding.clean)
        finding.subject = NV_SUBJECT_NONE;
    return finding;
}

/* ---- in words ---- */

static void say_share(struct nv_text *text, const char *name, const char *does, double share)
{
    nv_say(text, "%s%s", name, does);
    nv_say_percent(text, share);
}

char *nv_finding_what(const struct nv_summary_cell *cell, unsigned arm,
                      const struct nv_finding *finding, char out[NV_FACTOR_WORDS_BYTES])
{
    struct nv_text text = nv_text_in(out, NV_FACTOR_WORDS_BYTES);
    const char *name = cell->arm[arm].name;
    struct nv_factor_view view = nv_factor_view(cell, arm);
    char time[32];
    if (finding->subject == NV_SUBJECT_LOST)
        say_share(&text, name, " loses ", finding->size);
    else if (finding->subject == NV_SUBJECT_RATE)
        nv_say(&text, "%s is held up", name);
    else if (finding->subject == NV_SUBJECT_ORDER)
        say_share(&text, name, " disorders ", finding->size);
    else if (finding->subject == NV_SUBJECT_LATE && view.missing >= NV_FACTOR_MISSING_MIN)
        say_share(&text, name, " fails to deliver ", view.missing);
    else if (finding->subject == NV_SUBJECT_LATE)
        nv_say(&text, "%s waits %s a message", name,
               nv_show_time(finding->size, time, sizeof time));
    return out;
}

char *nv_finding_evidence(const struct nv_summary_cell *cell, unsigned arm,
                          const struct nv_finding *finding, char out[NV_FACTOR_WORDS_BYTES])
{
    struct nv_text text = nv_text_in(out, NV_FACTOR_WORDS_BYTES);
    struct nv_factor_view view = nv_factor_view(cell, arm);
    if (!finding->factor)
        return out;
    nv_say_percent(&text, finding->share);
    nv_say(&text, " ");
    finding->factor->say(&text, &view);
    return out;
}

const char *nv_finding_advice(const struct nv_summary_cell *cell, unsigned arm,
                              const struct nv_finding *finding)
{
    struct nv_factor_view view = nv_factor_view(cell, arm);
    const struct nv_factor *factor = finding->factor;
    if (!factor)
        return "";
    return factor->is_capped && factor->is_capped(&view) ? factor->capped_advice : factor->advice;
}

/* Waits of an arm that is ahead in time, or the bounds of one that carries more, decided nothing.
 */
static bool is_at_odds(const struct nv_summary_cell *cell, unsigned arm, enum nv_subject subject)
{
    static const enum nv_metric times[] = {NV_METRIC_RESP_P50, NV_METRIC_RESP_P99,
                                           NV_METRIC_ONTIME_RATIO};
    unsigned ahead = 0;
    unsigned behind = 0;
    if (cell->arm_count != 2 || subject == NV_SUBJECT_LOST || subject == NV_SUBJECT_ORDER)
        return false;
    if (subject == NV_SUBJECT_RATE)
        return nv_favoured(cell, NV_METRIC_GOODPUT) == &cell->arm[arm];
    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        const struct nv_summary_arm *favoured = nv_favoured(cell, times[i]);
        ahead += favoured == &cell->arm[arm];
        behind += favoured == &cell->arm[1 - arm];
    }
    return ahead > behind;
}

char *nv_why_arm(const struct nv_summary_cell *cell, unsigned arm, const struct nv_finding *finding,
                 char out[NV_FACTOR_WORDS_BYTES])
{
    char what[NV_FACTOR_WORDS_BYTES];
    char evidence[NV_FACTOR_WORDS_BYTES];
    struct nv_text text = nv_text_in(out, NV_FACTOR_WORDS_BYTES);
    if (finding->factor && !is_at_odds(cell, arm, finding->subject))
        nv_say(&text, "%s: %s; %s", nv_finding_what(cell, arm, finding, what),
               nv_finding_evidence(cell, arm, finding, evidence),
               nv_finding_advice(cell, arm, finding));
    return out;
}

unsigned nv_why(const struct nv_summary_cell *cell, char out[2][NV_FACTOR_WORDS_BYTES])
{
    unsigned count = 0;
    bool clean = cell->arm_count > 0;
    for (unsigned arm = 0; arm < cell->arm_count; arm++) {
        struct nv_finding finding = nv_find_factor(cell, arm);
        clean = clean && finding.clean;
        if (nv_why_arm(cell, arm, &finding, out[count])[0])
            count++;
    }
    if (clean)
        (void)snprintf(out[count++], NV_FACTOR_WORDS_BYTES, "nothing stands out");
    return count;
}
