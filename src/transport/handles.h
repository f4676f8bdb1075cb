/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_HANDLES_H
#define NV_TRANSPORT_HANDLES_H

#include "transport/driver.h"

/* Engine uv: libuv's own handles, uv_tcp_t and uv_udp_t, as an application written on libuv has
 * them: what can be sent at once is sent at once (uv_try_write, uv_udp_try_send), and received is
 * in libuv's callbacks.
 *
 * What libuv keeps to itself:
 * - ENOBUFS, where a datagram was dropped by the local queue, comes as EAGAIN, as if the socket
 *   had no room. With --udp-policy wait it is therefore sent again, at most every 100 us.
 * - A stream that takes a message in part, or not at all, is left with it (uv_write): one message
 *   at most. How often libuv calls write for it is not known; it counts as one call.
 * - Ancillary data: there are no kernel time stamps. Nor does it read a socket's error queue; the
 *   engine empties it.
 * - Up to 20 datagrams come by one call (recvmmsg) and are handed on one by one. Those after the
 *   first do not count as calls.
 * The thread that opens the engine blocks SIGPIPE from then on: libuv's writes would raise it. */
extern const struct nv_engine nv_handles;

#define NV_HANDLES_AT_ONCE 20u

/* How many of the messages that are due one call may take, by a libuv of that version
 * (UV_VERSION_HEX): one where it has no uv_udp_try_send2, else 20, since of more it skips some and
 * sends others twice (libuv issue 5245). */
static inline unsigned nv_handles_at_once(unsigned due, unsigned version)
{
    unsigned most = version >= 0x013200 ? NV_HANDLES_AT_ONCE : 1;
    return due < most ? due : most;
}

#endif
