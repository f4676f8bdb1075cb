/* SPDX-License-Identifier: MIT */
#include "path/element.h"

/* METHOD 12: corrupt, duplicate, loss, rate and queue, delay and jitter, reorder. */
const struct nv_element *const nv_elements[] = {
    &nv_element_corrupt, &nv_element_duplicate, &nv_element_drop,    &nv_element_outage,
    &nv_element_loss,    &nv_element_ge,        &nv_element_ge_time, &nv_element_rate,
    &nv_element_trace,   &nv_element_delay,     &nv_element_reorder, NULL};
