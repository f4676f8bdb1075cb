/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CHECK_RUN_H
#define NV_CLI_CHECK_RUN_H

#include "cli/check.h"
#include "output/summary.h"

/* Runs as the checks make them, and what they read from them. */

/* "key=value key=value" of nv_spec_options over what checks usually want: UDP, one way, 64 bytes,
 * 4000 a second at constant distance, all of it measured and traced, a fixed seed. Dispose of the
 * result in any case. The context has the noise of the machine meanwhile. */
__attribute__((format(printf, 3, 4))) int nv_check_run(struct nv_check_context *,
                                                       struct nv_run_result *, const char *format,
                                                       ...);
/* The same for what has to be exact: again while the machine lost packets that the path did not. */
__attribute__((format(printf, 3, 4))) int nv_check_run_exact(struct nv_check_context *,
                                                             struct nv_run_result *,
                                                             const char *format, ...);

/* One-way times of the first copies in a row with a trace, ns, ascending; NULL when there are none
 * (or no memory). Free it. */
double *nv_check_delays(const struct nv_result_row *, unsigned *count);
/* Nearest rank in ascending values. */
double nv_check_rank(const double *values, unsigned count, double p);

/* Which of the messages 0 .. count - 1 came; count bytes of 0 or 1. Free it. */
unsigned char *nv_check_arrived(const struct nv_result_row *, uint64_t count);

/* Counters of UDP of the namespace that the calling thread is in, since it was made. */
struct nv_check_udp {
    uint64_t received, buffer_errors, checksum_errors;
};
/* At the far place of the emulated path. */
int nv_check_read_udp(struct nv_check_context *, struct nv_check_udp *);

#endif
