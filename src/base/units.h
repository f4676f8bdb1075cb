/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_UNITS_H
#define NV_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Text to quantities and back. One internal unit per dimension: bytes, ns, thousandths of a
 * message per second, bits/s. k M G are 1000s, Ki Mi Gi are 1024s. All parsers return 0, or
 * NV_E_USAGE for anything but a whole, in-range quantity; they leave *out alone then. */

int nv_parse_count(const char *text, uint64_t *out);      /* "1000", "1k", "2M" */
int nv_parse_size(const char *text, uint64_t *out_bytes); /* "64", "1k", "8Ki" */
int nv_parse_time(const char *text, uint64_t *out_ns);    /* "250us", "1.5s", "2m"; bare = s */
int nv_parse_share(const char *text, double *out);        /* "1%", "0.01", "1e-5"; from 0 to 1 */

struct nv_rate {
    /* As fast as it goes; fixed, in two ways; to be found out. */
    enum { NV_RATE_MAX, NV_RATE_MESSAGES, NV_RATE_BITS, NV_RATE_SEARCH } kind;
    uint64_t milli_per_s; /* thousandths of a message (or of a bit) per second; 0 unless fixed */
};

int nv_parse_rate(const char *text,
                  struct nv_rate *out); /* "2000/s", "10Mbit/s", "max", "search" */

/* Formatters write what the parsers read back exactly; return out. */
char *nv_format_count(uint64_t count, char *out, size_t out_bytes);
char *nv_format_time(uint64_t ns, char *out, size_t out_bytes);
char *nv_format_rate(const struct nv_rate *rate, char *out, size_t out_bytes);

/* For people: three figures, "61.3 us", "1.25 Gbit/s". */
char *nv_show_time(double ns, char *out, size_t out_bytes);
char *nv_show_bitrate(double bits_per_s, char *out, size_t out_bytes);
char *nv_show_msgrate(double msgs_per_s, char *out, size_t out_bytes); /* "287 k msg/s" */
char *nv_show_count(uint64_t count, char *out, size_t out_bytes);      /* "9 600" */

#endif
