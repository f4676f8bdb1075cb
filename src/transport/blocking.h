/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_BLOCKING_H
#define NV_TRANSPORT_BLOCKING_H

#include "transport/driver.h"

extern const struct nv_engine nv_blocking;

#endif
