/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_PROTOCOL_H
#define NV_SESSION_PROTOCOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The control conversation: frames of a 32-bit big-endian length and a JSON object, at most 4 MiB.
 *
 *   both      hello    magic, protocol version, tool version, boot id, environment
 *   server    busy     who is being served, and since when
 *   client    run      run tag, spec (option name → text)
 *   server    ready    the token that opens flows on the data port
 *   client    start    t0 of the run
 *   both      end      of each flow: messages sent, and the measured range, once no more is sent
 *   server    result   one report each, flow by flow,
 *   server    trace    with rows of its messages, if asked for,
 *   server    stamps   with those that its kernel stamped as they left; then
 *   server    done
 *   both      failed   why this run ended; the conversation goes on
 *
 * Every field is checked against a table of type and range before anybody sees it. */

#define NV_PROTOCOL_VERSION 1
#define NV_PROTOCOL_MAGIC "netversus"
#define NV_FRAME_BYTES_MAX (4u << 20)
#define NV_FRAME_HEADER_BYTES 4u

enum nv_frame {
    NV_FRAME_HELLO,
    NV_FRAME_BUSY,
    NV_FRAME_RUN,
    NV_FRAME_READY,
    NV_FRAME_START,
    NV_FRAME_END,
    NV_FRAME_RESULT,
    NV_FRAME_TRACE,
    NV_FRAME_STAMPS,
    NV_FRAME_DONE,
    NV_FRAME_FAILED,
};

const char *nv_frame_name(enum nv_frame frame);

/* A new object with its "type" set. */
json_t *nv_frame_new(enum nv_frame frame);

/* Which frame a received object is, when all its fields are legal; else NV_E_PEER and one line. */
int nv_frame_check(const json_t *object, enum nv_frame *frame, struct nv_error *err);

/* Serialises with the length in front; free() it. NULL when out of memory or over 4 MiB. */
char *nv_frame_encode(const json_t *object, size_t *len_bytes);

/* Bytes to frames. Grows to the largest frame seen. */
struct nv_frame_decoder {
    char *buffer;
    size_t used_bytes, capacity_bytes;
};

int nv_frame_decoder_feed(struct nv_frame_decoder *, const char *data, size_t len_bytes,
                          struct nv_error *err);
/* 1: *object is a new reference; 0: needs more bytes; NV_E_PEER: what came is no frame, and one
 * line says what it looked like. */
int nv_frame_decoder_next(struct nv_frame_decoder *, json_t **object, struct nv_error *err);
void nv_frame_decoder_dispose(struct nv_frame_decoder *);

#endif
