/* SPDX-License-Identifier: MIT */
#ifndef NV_TRANSPORT_UDP_H
#define NV_TRANSPORT_UDP_H

#include "transport/driver.h"

extern const struct nv_transport nv_udp;

#endif
