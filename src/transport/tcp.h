/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_TCP_H
#define NV_TRANSPORT_TCP_H

#include "transport/driver.h"

extern const struct nv_transport nv_tcp;

#endif
