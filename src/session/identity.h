/* SPDX-License-Identifier: MIT */
#ifndef NV_SESSION_IDENTITY_H
#define NV_SESSION_IDENTITY_H

#include <jansson.h>

/* Which monotonic clock this process reads: boot id and time namespace. Two ends with the same
 * non-empty text share one clock. */
#define NV_CLOCK_IDENTITY_BYTES 128
char *nv_clock_identity(char out[NV_CLOCK_IDENTITY_BYTES]);

/* Kernel, processor, limits and congestion control of this host, for campaign.json. A new
 * reference. */
json_t *nv_environment(void);

#endif
