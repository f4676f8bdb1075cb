/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "output/factor_rules.h"

/* Factors of the path. */

#define RETRANSMITTED_MIN 0.0005
#define DEEP_MSGS 10.0 /* a queue of so many messages is no jitter */

static double outage_lost(const struct nv_factor_view *view)
{
    return nv_part_of_missing(view, (double)view->arm->evidence.path_count * view->gap);
}

static double outage_late(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    double silent = view->gap > 0 ? nv_part(evidence->gap_wait_ns, evidence->wait_ns) : 0;
    return fmax(nv_held(view) * view->gap, silent);
}

static double outage_rate(const struct nv_factor_view *view)
{
    return nv_congestion_limited(&view->arm->evidence) * view->gap;
}

static void say_outage(struct nv_text *text, const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    char time[32];
    if (!view->is_tcp)
        nv_say(text, "in one go, %.0f messages in a row",
               (double)evidence->run_max_msgs / evidence->run_count);
    else if (evidence->gap_ns > 0)
        nv_say(text, "around a silence of %s",
               nv_show_time(evidence->gap_ns / evidence->run_count, time, sizeof time));
    else
        nv_say(text, "around a time when nothing arrived");
}

static double queue_lost(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    double own_count = nv_too_large_for_buffer(view) ? 0 : (double)evidence->enobufs_count;
    return nv_part_of_missing(view, own_count + (double)evidence->path_count * view->full);
}

static double queue_late(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    double message_bytes = nv_sizes_mean(&view->arm->spec->sizes);
    bool deep = view->full > 0 || (double)evidence->queue_max_bytes >= DEEP_MSGS * message_bytes;
    return fmax(nv_held(view) * view->full,
                deep ? nv_part(evidence->queued_ns, evidence->wait_ns) : 0);
}

static double queue_rate(const struct nv_factor_view *view)
{
    return nv_congestion_limited(&view->arm->evidence) * view->full;
}

static void say_queue(struct nv_text *text, const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    if (!view->is_tcp && evidence->enobufs_count > evidence->path_count)
        nv_say(text, "at the sender's own queue (ENOBUFS)");
    else
        nv_say(text, "at the queue before the path's rate, %.0f kB at most",
               (double)evidence->queue_max_bytes / 1000);
}

static double corruption_lost(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    return nv_part_of_missing(view,
                              (double)evidence->rcvbuf_count - nv_dropped_at_receiver(evidence));
}

static void say_corruption(struct nv_text *text, const struct nv_factor_view *view)
{
    nv_say(text, "damaged under way, as are ");
    nv_say_percent(text, nv_part((double)view->arm->evidence.corrupt_count,
                                 (double)view->arm->evidence.came_count));
    nv_say(text, " of packets");
}

static bool is_fragmented(const struct nv_factor_view *view)
{
    return view->packets > (view->answered ? 2 : 1);
}

static double fragmentation_lost(const struct nv_factor_view *view)
{
    double count = (double)view->arm->evidence.path_count * view->chance;
    return is_fragmented(view) ? nv_part_of_missing(view, count) : 0;
}

/* Of packets: as the emulated path counted, or what the loss of messages comes to. */
static double packet_loss(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    if (evidence->emulated)
        return nv_part((double)evidence->drop_count[NV_DROP_LOSS], (double)evidence->came_count);
    return 1 - pow(1 - nv_part((double)evidence->path_count, (double)evidence->sent_count),
                   1 / view->packets);
}

static void say_fragmentation(struct nv_text *text, const struct nv_factor_view *view)
{
    double p = packet_loss(view);
    nv_say(text, "on the path, %.0f packets a message: 1-(1-%.2g %%)^%.0f = ", view->packets,
           100 * p, view->packets);
    nv_say_percent(text, 1 - pow(1 - p, view->packets));
}

static double path_loss_lost(const struct nv_factor_view *view)
{
    double count = (double)view->arm->evidence.path_count * view->chance;
    return is_fragmented(view) ? 0 : nv_part_of_missing(view, count);
}

static double path_loss_late(const struct nv_factor_view *view)
{
    return view->retransmitted >= RETRANSMITTED_MIN ? nv_held(view) * view->chance : 0;
}

static double path_loss_rate(const struct nv_factor_view *view)
{
    return view->retransmitted >= RETRANSMITTED_MIN
               ? nv_congestion_limited(&view->arm->evidence) * view->chance
               : 0;
}

static void say_path_loss(struct nv_text *text, const struct nv_factor_view *view)
{
    nv_say(text, view->is_tcp ? "behind lost packets, " : "on the path");
    if (view->is_tcp) {
        nv_say_percent(text, view->retransmitted);
        nv_say(text, " of segments sent again");
    } else if (view->arm->evidence.emulated) {
        nv_say(text, ", which lost ");
        nv_say_percent(text, packet_loss(view));
        nv_say(text, " of packets");
    }
}

const struct nv_factor nv_factor_outage = {
    .name = "outage",
    .label = "an outage",
    .share = {[NV_SUBJECT_LOST] = outage_lost,
              [NV_SUBJECT_LATE] = outage_late,
              [NV_SUBJECT_RATE] = outage_rate},
    .say = say_outage,
    .advice = "repair later, or use a second path",
    .columns = "loss_burst_max_msgs lost_path_count hol_total_ns emu_up_drop_outage_count "
               "emu_down_drop_outage_count",
};

const struct nv_factor nv_factor_queue = {
    .name = "queue",
    .label = "a full queue",
    .share = {[NV_SUBJECT_LOST] = queue_lost,
              [NV_SUBJECT_LATE] = queue_late,
              [NV_SUBJECT_RATE] = queue_rate},
    .say = say_queue,
    .advice = "send less than the path carries",
    .columns = "drop_enobufs_count lost_path_count block_lag_p99_ns emu_up_drop_queue_count "
               "emu_down_drop_queue_count emu_up_queue_max_bytes emu_up_delay_p50_ns",
};

const struct nv_factor nv_factor_corruption = {
    .name = "corruption",
    .label = "damage on the path",
    .share = {[NV_SUBJECT_LOST] = corruption_lost},
    .say = say_corruption,
    .advice = "mend the path",
    .columns = "lost_rcvbuf_count emu_up_corrupt_count emu_down_corrupt_count",
};

const struct nv_factor nv_factor_fragmentation = {
    .name = "fragmentation",
    .label = "messages of several packets",
    .share = {[NV_SUBJECT_LOST] = fragmentation_lost},
    .say = say_fragmentation,
    .advice = "fit messages into a packet",
    .columns =
        "lost_path_count ip_fragments_per_msg mtu_bytes emu_up_drop_loss_count emu_up_in_count",
};

const struct nv_factor nv_factor_path_loss = {
    .name = "path_loss",
    .label = "loss on the path",
    .share = {[NV_SUBJECT_LOST] = path_loss_lost,
              [NV_SUBJECT_LATE] = path_loss_late,
              [NV_SUBJECT_RATE] = path_loss_rate},
    .say = say_path_loss,
    .advice = "add redundancy, or mend the path",
    .columns = "lost_path_count hol_total_ns tcp_retrans_segs tcp_dsack_dups tcp_data_segs_out "
               "emu_up_drop_loss_count emu_down_drop_loss_count",
};
