/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_PROGRESS_H
#define NV_OUTPUT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* One live line on a terminal; nothing at all elsewhere. Never reads a clock: times come in. */

struct nv_progress {
    FILE *out;
    bool live; /* out is a terminal and not asked to be quiet */
    unsigned runs_total;
    double run_expected_s; /* planned length of one run, pauses and set-up included */
    uint64_t start_ns;
};

struct nv_progress_now {
    unsigned runs_done;
    unsigned block;    /* from 1; 0: warm-up round, or */
    const char *stage; /* what else comes before the blocks; NULL: nothing */
    const char *title; /* of the cell and arm in hand */
    uint64_t now_ns;
    uint64_t run_start_ns; /* of the run in hand */
};

/* live: only when out is a terminal and quiet is false. */
void nv_progress_init(struct nv_progress *progress, FILE *out, bool quiet);
/* Draws over the line before. */
void nv_progress_show(const struct nv_progress *progress, const struct nv_progress_now *now);
/* Clears the line, so that other text may be printed. */
void nv_progress_clear(const struct nv_progress *progress);

/* Seconds to go: by the pace so far once two runs are done, by the plan before. */
double nv_progress_left_s(const struct nv_progress *progress, const struct nv_progress_now *now);
/* The line as text, cut to 79 characters; out_bytes of 320 is always enough. */
char *nv_progress_format(const struct nv_progress *progress, const struct nv_progress_now *now,
                         char *out, size_t out_bytes);

#endif
