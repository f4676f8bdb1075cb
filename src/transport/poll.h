/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_POLL_H
#define NV_TRANSPORT_POLL_H

#include "transport/driver.h"

extern const struct nv_engine nv_poll, nv_batch;

#endif
