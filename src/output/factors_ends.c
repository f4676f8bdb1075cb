/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "output/factor_rules.h"

/* Factors of the two ends: their sockets and the receiver's thread. */

#define BUSY_MIN 0.95   /* a thread with less than this left is what others wait for */
#define WAITED_MIN 0.01 /* of the time: below it nothing is said of it */
#define FULL_MIN 0.3    /* of a buffer's granted bytes: the rest is the kernel's own */

static double too_long_lost(const struct nv_factor_view *view)
{
    return nv_part_of_missing(view, (double)view->arm->evidence.too_long_count);
}

static void say_too_long(struct nv_text *text, const struct nv_factor_view *view)
{
    (void)view;
    nv_say(text, "too long to send (EMSGSIZE)");
}

static double send_buffer_lost(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    uint64_t count = evidence->eagain_count + evidence->reply_count;
    if (nv_too_large_for_buffer(view))
        count += evidence->enobufs_count;
    return nv_part_of_missing(view, (double)count);
}

/* What was under way filled a buffer that does not grow by itself, since its size was asked for. */
static bool is_send_buffer_full(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    if (!view->arm->spec->sndbuf_bytes || !evidence->measure_ns)
        return false;
    double flying_bytes = (double)evidence->goodput_bytes / (double)evidence->measure_ns *
                          view->rtt_ns / (double)view->arm->spec->flows;
    return flying_bytes >= FULL_MIN * (double)evidence->sndbuf_bytes;
}

static double send_buffer_late(const struct nv_factor_view *view)
{
    if (!view->is_tcp)
        return nv_blocked(view);
    return is_send_buffer_full(view)
               ? nv_blocked(view) * (1 - nv_window_limited(&view->arm->evidence))
               : 0;
}

static double send_buffer_rate(const struct nv_factor_view *view)
{
    return is_send_buffer_full(view) ? 1 - nv_window_limited(&view->arm->evidence) : 0;
}

static void say_send_buffer(struct nv_text *text, const struct nv_factor_view *view)
{
    char size[NV_SHOW_SIZE_BYTES];
    nv_say(text, "at the sender's socket, granted %s",
           nv_show_size(view->arm->evidence.sndbuf_bytes, size));
}

static bool is_busy(const struct nv_evidence *evidence)
{
    return evidence->busy_known && evidence->busy_share >= BUSY_MIN * evidence->busy_known;
}

static double busy(const struct nv_evidence *evidence)
{
    return is_busy(evidence) ? evidence->busy_share / evidence->busy_known : 0;
}

static double cpu_lost(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    return is_busy(evidence) ? nv_part_of_missing(view, nv_dropped_at_receiver(evidence)) : 0;
}

static double cpu_time(const struct nv_factor_view *view)
{
    return busy(&view->arm->evidence);
}

static void say_cpu(struct nv_text *text, const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    double runs = evidence->busy_known;
    nv_say(text, "at a receiver %.0f %% busy", 100 * evidence->busy_share / runs);
    if (evidence->busy_share - evidence->working_share >= WAITED_MIN * runs)
        nv_say(text, " (%.0f %% without a processor)",
               100 * (evidence->busy_share - evidence->working_share) / runs);
}

static double receive_buffer_lost(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    return is_busy(evidence) ? 0 : nv_part_of_missing(view, nv_dropped_at_receiver(evidence));
}

static double receive_buffer_late(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    return is_busy(evidence) ? 0 : nv_blocked(view) * nv_window_limited(evidence);
}

static double receive_buffer_rate(const struct nv_factor_view *view)
{
    const struct nv_evidence *evidence = &view->arm->evidence;
    return is_busy(evidence) ? 0 : nv_window_limited(evidence);
}

static void say_receive_buffer(struct nv_text *text, const struct nv_factor_view *view)
{
    char size[NV_SHOW_SIZE_BYTES];
    nv_say(text, "at the receiver's socket, granted %s",
           nv_show_size(view->arm->evidence.rcvbuf_bytes, size));
}

/* The kernel doubles what it grants, unless that is above its limit. */
static bool is_sndbuf_capped(const struct nv_factor_view *view)
{
    return view->arm->evidence.sndbuf_bytes < 2 * view->arm->spec->sndbuf_bytes;
}

static bool is_rcvbuf_capped(const struct nv_factor_view *view)
{
    return view->arm->evidence.rcvbuf_bytes < 2 * view->arm->spec->rcvbuf_bytes;
}

const struct nv_factor nv_factor_too_long = {
    .name = "too_long",
    .label = "messages too long for a datagram",
    .share = {[NV_SUBJECT_LOST] = too_long_lost},
    .say = say_too_long,
    .advice = "send shorter messages",
    .columns = "err_emsgsize_count",
};

const struct nv_factor nv_factor_send_buffer = {
    .name = "send_buffer",
    .label = "the sender's socket buffer",
    .share = {[NV_SUBJECT_LOST] = send_buffer_lost,
              [NV_SUBJECT_LATE] = send_buffer_late,
              [NV_SUBJECT_RATE] = send_buffer_rate},
    .say = say_send_buffer,
    .advice = "raise --sndbuf",
    .columns =
        "drop_eagain_count drop_enobufs_count lost_reply_count unsent_count block_lag_p99_ns "
        "sndbuf_granted_bytes goodput_bytes tcp_min_rtt_us",
    .is_capped = is_sndbuf_capped,
    .capped_advice = "raise net.core.wmem_max",
};

const struct nv_factor nv_factor_cpu_receiver = {
    .name = "cpu_receiver",
    .label = "a receiver short of processor time",
    .share =
        {[NV_SUBJECT_LOST] = cpu_lost, [NV_SUBJECT_LATE] = cpu_time, [NV_SUBJECT_RATE] = cpu_time},
    .say = say_cpu,
    .advice = "free a core for it (--cpus)",
    .columns = "lost_rcvbuf_count rx_cpu_ns rx_idle_ns measure_s cpu_valid",
};

const struct nv_factor nv_factor_receive_buffer = {
    .name = "receive_buffer",
    .label = "the receiver's socket buffer",
    .share = {[NV_SUBJECT_LOST] = receive_buffer_lost,
              [NV_SUBJECT_LATE] = receive_buffer_late,
              [NV_SUBJECT_RATE] = receive_buffer_rate},
    .say = say_receive_buffer,
    .advice = "raise --rcvbuf",
    .columns = "lost_rcvbuf_count rcvbuf_granted_bytes tcp_rwnd_limited_us tcp_busy_us rx_idle_ns",
    .is_capped = is_rcvbuf_capped,
    .capped_advice = "raise net.core.rmem_max",
};
