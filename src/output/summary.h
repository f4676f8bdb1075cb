/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_SUMMARY_H
#define NV_OUTPUT_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "campaign/result.h"
#include "campaign/verdict.h"
#include "output/evidence.h"
#include "spec/spec.h"

/* What a campaign found, ready to be shown: for each cell the medians of both arms, pooled counts
 * and comparisons. Filled by the campaign runner; nothing here owns memory. */

/* Metrics that get a comparison; the value of one run is that of its flow=all row. */
enum nv_metric {
    NV_METRIC_RESP_P50,
    NV_METRIC_RESP_P99,
    NV_METRIC_GOODPUT,
    NV_METRIC_ONTIME_RATIO,
    NV_METRIC_LOSS_RATIO,
    NV_METRIC_COUNT
};

struct nv_metric_info {
    const char *name;  /* in files: "resp_p50" */
    const char *label; /* for people: "response p50" */
    const char *unit;  /* "ns", "bit/s" or "ratio" */
    const char *stat;  /* what one run gives: "p50", "p99", "mean" or "ratio" */
    enum nv_scale scale;
    double margin;    /* as of struct nv_comparison_input */
    double floor_abs; /* likewise */
    bool lower_is_better;
    bool primary; /* fixed beforehand: in the family that is corrected for multiplicity */
    bool paced;   /* is about time: at the highest rate that a transport carries it says nothing */
    const char *column; /* of runs.csv: its value in one run, and what it means */
};

extern const struct nv_metric_info nv_metrics[NV_METRIC_COUNT];

/* A metric of one run and direction: NAN when not known or not supported by the sample, INFINITY
 * for a rank among the lost. */
double nv_metric_value(enum nv_metric metric, const struct nv_run_result *run,
                       const struct nv_result_row *row);
/* The flow=all row of a direction, or NULL. */
const struct nv_result_row *nv_run_result_all(const struct nv_run_result *run,
                                              enum nv_row_direction direction);

/* Of one call of one end, over the blocks that count. */
struct nv_call_sum {
    uint64_t count, total_ns;
};

struct nv_summary_arm {
    const char *name; /* "TCP", "UDP"; "TCP a", "TCP b" */
    const struct nv_spec *spec;
    /* Sums over the blocks that count. not_sent: refused by the sender's kernel, or never tried;
     * lost: sent and never arrived. */
    uint64_t sched_count, not_sent_count, lost_count, unique_count, reordered_count;
    double median[NV_METRIC_COUNT];             /* over the blocks that count; NAN: not known */
    struct nv_capacity capacity;                /* at rate search, of who does not limit itself */
    struct nv_evidence evidence;                /* why; of the same blocks */
    struct nv_call_sum calls[2][NV_CALL_COUNT]; /* the client's, the server's; all zero: none */
    struct nv_part_sums parts;
};

/* Adds the counts of one run's flow=all row. */
void nv_summary_arm_add(struct nv_summary_arm *arm, const struct nv_run_result *run,
                        const struct nv_result_row *row);

struct nv_summary_cell {
    const char *cell_id;
    enum nv_row_direction direction; /* --direction both gives two of these a cell */
    unsigned arm_count;              /* 1 or 2 */
    struct nv_summary_arm arm[2];
    unsigned blocks_count, rejected_count;
    const char *stop_reason;                          /* "blocks", "width", "blocks_max", … */
    struct nv_comparison comparison[NV_METRIC_COUNT]; /* when arm_count is 2 */
};

struct nv_summary {
    const char *campaign_id;
    const char *scenario;  /* "quick" */
    const char *where;     /* "loopback", or the server's name */
    const char *system;    /* "Linux 6.18 · 2 cores · cc bbr" */
    const char *directory; /* of the results; NULL: none were kept */
    uint64_t seed;
    uint64_t elapsed_ns;
    unsigned blocks; /* planned, for the first line */
    unsigned cell_count;
    const struct nv_summary_cell *cells;
};

/* What a comparison means for people: "UDP wins", "inconclusive: about 20 blocks would tell". */
#define NV_VERDICT_WORDS_BYTES 96
char *nv_verdict_words(const struct nv_summary_cell *cell, enum nv_metric metric,
                       char out[NV_VERDICT_WORDS_BYTES]);

/* Which arm the verdict is for, or NULL. */
const struct nv_summary_arm *nv_favoured(const struct nv_summary_cell *cell, enum nv_metric metric);
/* Where the time of a cell's messages went, on average, in columns of these widths; nothing without
 * diag. */
void nv_parts_print(FILE *out, const struct nv_summary_cell *cell, int label_width,
                    int value_width);

/* The spec's deadline: "50 ms". Returns out. */
#define NV_DEADLINE_BYTES 32
char *nv_show_deadline(const struct nv_spec *spec, char out[NV_DEADLINE_BYTES]);

/* For people, and exact: "64 B", "1 kB" (1000 B), "8 KiB" (8192 B). Returns out. */
#define NV_SHOW_SIZE_BYTES 32
char *nv_show_size(uint64_t bytes, char out[NV_SHOW_SIZE_BYTES]);

/* "64 B + 1 kB (3:1)", a mix with its weights; "64 B to 1 kB", uniform. Returns out. */
#define NV_SHOW_SIZES_BYTES 192
char *nv_show_sizes(const struct nv_sizes *sizes, char out[NV_SHOW_SIZES_BYTES]);

/* What varies and what always matters: "rr · 64 B · 2000/s · poll". */
#define NV_TITLE_BYTES 512
char *nv_summary_title(const struct nv_summary *summary, const struct nv_summary_cell *cell,
                       char out[NV_TITLE_BYTES]);

/* "capacity at 0.1 % loss   UDP 287 k msg/s (147 Mbit/s)   TCP goodput 9.41 Gbit/s", or "" of a
 * cell whose rate was given. Returns out. */
#define NV_CAPACITY_BYTES 256
char *nv_show_capacity(const struct nv_summary_cell *cell, char out[NV_CAPACITY_BYTES]);

/* One or two sentences on a cell, and on the whole campaign: who is better where or, when nobody
 * is, how many ties there are, how much is open and what would help. */
#define NV_WORDS_BYTES 1024
char *nv_words(const struct nv_summary_cell *cell, char out[NV_WORDS_BYTES]);
char *nv_words_delivery(const struct nv_summary_cell *cell, char out[NV_WORDS_BYTES]);
char *nv_words_all(const struct nv_summary *summary, char out[NV_WORDS_BYTES]);

#endif
