/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "output/factor_rules.h"

/* Factors of how TCP works, and of order. */

#define JOINED_MIN 0.2        /* of messages that left in another's segment: data was held back */
#define ACK_WAIT_NS 8000000.0 /* acknowledgements come 40 ms late: waits are 20 ms on the whole */
#define FIRST_WINDOW 10.0     /* segments that a cold connection may send (RFC 6928) */

/* Share of messages that left in the segment of another, with Nagle's algorithm on. */
static double joined(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    if (!view->is_tcp || view->arm->spec->nodelay || !evidence->sent_count)
        return 0;
    return 1 - nv_part((double)evidence->tcp.data_segs_out, (double)evidence->sent_count);
}

/* Of the wait, what a transport that holds nothing back does not have over the same schedule. */
static double held_back(const struct nv_factor_view *view)
{
    const struct nv_evidence *other = view->other ? &view->other->evidence : NULL;
    bool comparable = other && !other->tcp.known && other->has_delays && other->unique_count;
    if (joined(view) < JOINED_MIN || view->missing > NV_FACTOR_NEVER_MIN)
        return 0;
    return comparable ? 1 - nv_part(other->wait_ns / (double)other->unique_count, view->wait_ns)
                      : 1;
}

/* What is held back leaves with the acknowledgement, a round trip later, unless that is late, too.
 */
static bool is_beyond_round_trip(const struct nv_factor_view *view)
{
    return view->wait_ns >= ACK_WAIT_NS && view->wait_ns > 2 * view->rtt_ns;
}

static double delayed_ack_late(const struct nv_factor_view *view)
{
    return is_beyond_round_trip(view) ? held_back(view) : 0;
}

static double nagle_late(const struct nv_factor_view *view)
{
    return is_beyond_round_trip(view) ? 0 : held_back(view);
}

static void say_delayed_ack(struct nv_text *text, const struct nv_factor_view *view)
{
    nv_say(text, "for late acknowledgements: %.0f segments for 100 messages",
           100 * (1 - joined(view)));
}

static void say_nagle(struct nv_text *text, const struct nv_factor_view *view)
{
    nv_say(text, "in Nagle's algorithm: %.0f segments for 100 messages", 100 * (1 - joined(view)));
}

static double slow_start_late(const struct nv_factor_view *view)
{
    const struct nv_spec *spec = view->arm->spec;
    double flow_rate = nv_spec_rate_msgs(spec) / (double)spec->flows;
    double segments =
        fmax(1, nv_sizes_mean(&spec->sizes) / fmax(1, (double)view->arm->evidence.tcp.mss_bytes));
    bool is_cold = (double)spec->warmup_ns < NV_EARLY_RTTS * view->rtt_ns;
    bool is_wide = flow_rate * segments * view->rtt_ns / 1e9 > FIRST_WINDOW;
    if (!view->is_tcp || !is_cold || !is_wide || view->missing > NV_FACTOR_NEVER_MIN)
        return 0;
    return nv_part(view->arm->evidence.early_ns, view->arm->evidence.wait_ns);
}

static void say_slow_start(struct nv_text *text, const struct nv_factor_view *view)
{
    char time[32];
    nv_say(text, "in the first %s: the connection began cold",
           nv_show_time(NV_EARLY_RTTS * view->rtt_ns - (double)view->arm->spec->warmup_ns, time,
                        sizeof time));
}

/* Which part of what TCP had to put in order was not lost, but overtaken. */
static double overtaken(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    double lost = (double)evidence->corrupt_count;
    for (unsigned cause = 0; cause < NV_DROP_CAUSES; cause++)
        lost += (double)evidence->drop_count[cause];
    if (!evidence->tcp.rcv_ooo_pkts && !evidence->peer_tcp.rcv_ooo_pkts)
        return 0;
    if (evidence->emulated)
        return lost > 0 ? nv_part((double)evidence->held_back_count,
                                  (double)evidence->held_back_count + lost)
                        : 1;
    uint64_t retrans = evidence->tcp.retrans_segs;
    return !retrans ? 1 : nv_part((double)evidence->tcp.dsack_dups, (double)retrans);
}

static double reordering_late(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    if (!view->is_tcp)
        return 0;
    return overtaken(view) * nv_part(evidence->behind_ns, evidence->wait_ns);
}

/* UDP's order is the path's. */
static double reordering_order(const struct nv_factor_view *view)
{
    return view->arm->evidence.reordered_count ? 1 : 0;
}

static void say_reordering(struct nv_text *text, const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    uint64_t overtaken_pkts = evidence->tcp.rcv_ooo_pkts + evidence->peer_tcp.rcv_ooo_pkts;
    if (view->is_tcp)
        nv_say(text, "for overtaken packets: %llu out of order, %llu resent needlessly",
               (unsigned long long)overtaken_pkts, (unsigned long long)evidence->tcp.dsack_dups);
    else
        nv_say(text, "on the path, which lets packets overtake");
}

const struct nv_factor nv_factor_delayed_ack = {
    .name = "delayed_ack",
    .label = "Nagle's algorithm and late acknowledgements",
    .share = {[NV_SUBJECT_LATE] = delayed_ack_late},
    .say = say_delayed_ack,
    .advice = "--nodelay yes",
    .columns = "nodelay quickack tcp_data_segs_out sent_count serv_p50_ns tcp_min_rtt_us",
};

const struct nv_factor nv_factor_nagle = {
    .name = "nagle",
    .label = "Nagle's algorithm",
    .share = {[NV_SUBJECT_LATE] = nagle_late},
    .say = say_nagle,
    .advice = "--nodelay yes",
    .columns = "nodelay tcp_data_segs_out sent_count serv_p50_ns tcp_min_rtt_us",
};

const struct nv_factor nv_factor_slow_start = {
    .name = "slow_start",
    .label = "a cold connection",
    .share = {[NV_SUBJECT_LATE] = slow_start_late},
    .say = say_slow_start,
    .advice = "keep it open, or --warmup",
    .columns = "warmup_s tcp_min_rtt_us rate_msgs_per_s flows serv_p50_ns",
};

const struct nv_factor nv_factor_reordering = {
    .name = "reordering",
    .label = "reordering on the path",
    .share = {[NV_SUBJECT_LATE] = reordering_late, [NV_SUBJECT_ORDER] = reordering_order},
    .say = say_reordering,
    .advice = "keep a flow on one path",
    .columns = "reordered_count hol_total_ns tcp_rcv_ooo_pkts tcp_retrans_segs tcp_dsack_dups "
               "emu_up_reordered_count",
};
