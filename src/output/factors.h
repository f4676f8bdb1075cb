/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_FACTORS_H
#define NV_OUTPUT_FACTORS_H

#include "output/summary.h"
#include "output/text.h"

/* Why an arm did as it did: the one factor that its own numbers name, or none.
 *
 * First, what there is to explain, the first of these that applies (enum nv_subject):
 *   lost   messages did not arrive (UDP): refused by the sender's kernel, or lost; unless fewer
 * than NV_FACTOR_MISSING_MIN of those scheduled rate   TCP at rate max: the time for which its
 * sender had data late   the wait of messages: service time above the quickest one, and time for
 * which the transport would not take them; TCP's undelivered messages are part of it. Unless the
 * mean is below NV_FACTOR_WAIT_NS and NV_FACTOR_WAIT_SHARE of the quickest order  messages arrived
 * behind later ones (UDP); unless fewer than NV_FACTOR_MISSING_MIN Then each factor says which
 * share of it its evidence explains. Of the shares that are at least NV_FACTOR_SHARE_MIN the
 * largest is dominant; where two are equal, the first in the list. Shares of lost add up to 1:
 * each missing message is in one place. Those of the others need not. */

#define NV_FACTOR_SHARE_MIN 0.5
#define NV_FACTOR_MISSING_MIN 0.001
#define NV_FACTOR_WAIT_NS 200000.0
#define NV_FACTOR_WAIT_SHARE 0.02
#define NV_FACTOR_CLEAN_ONTIME 0.99

enum nv_subject {
    NV_SUBJECT_NONE,
    NV_SUBJECT_LOST,
    NV_SUBJECT_RATE,
    NV_SUBJECT_LATE,
    NV_SUBJECT_ORDER,
    NV_SUBJECT_COUNT
};
const char *nv_subject_name(enum nv_subject subject); /* "" for none */

/* An arm, and what is worked out of its numbers first. */
struct nv_factor_view {
    const struct nv_summary_arm *arm;
    const struct nv_summary_arm *other; /* NULL: there is one arm */
    bool is_tcp, answered;
    double missing;       /* share of the scheduled that were refused or lost; TCP: or unsent */
    double wait_ns;       /* of a message, mean */
    double floor_ns;      /* of the quickest message, mean over runs */
    double rtt_ns;        /* smallest of TCP */
    double packets;       /* IP packets that a UDP message takes, there (and back) */
    double gap;           /* of the path's drops, and TCP's waits: share that is an outage, */
    double full;          /* at the queue before the rate, */
    double chance;        /* and all others */
    double retransmitted; /* needed retransmissions, over segments with data */
};
struct nv_factor_view nv_factor_view(const struct nv_summary_cell *cell, unsigned arm);

struct nv_factor {
    const char *name;  /* in files */
    const char *label; /* for people: "the receiver's socket buffer" */
    /* By enum nv_subject: the share of it that is explained, 0 for no evidence; NULL: never. */
    double (*share[NV_SUBJECT_COUNT])(const struct nv_factor_view *view);
    /* The evidence, with figures: "granted 208 KiB". */
    void (*say)(struct nv_text *text, const struct nv_factor_view *view);
    const char *advice;  /* what to do about it */
    const char *columns; /* of runs.csv that it is drawn from, separated by blanks */
    /* [optional] Of what can be asked for, and was not granted. */
    bool (*is_capped)(const struct nv_factor_view *view);
    const char *capped_advice;
};

extern const struct nv_factor *const nv_factors[]; /* NULL ends them */

struct nv_finding {
    enum nv_subject subject;
    double size;                    /* of it: share missing, mean wait in ns, share out of order */
    const struct nv_factor *factor; /* NULL: none is dominant */
    double share;
    bool clean; /* nothing to explain: nothing missing, and nearly all on time */
};
struct nv_finding nv_find_factor(const struct nv_summary_cell *cell, unsigned arm);

/* "UDP loses 3.1 %", "TCP waits 21.4 ms a message"; "" when there is nothing. */
#define NV_FACTOR_WORDS_BYTES 256
char *nv_finding_what(const struct nv_summary_cell *cell, unsigned arm,
                      const struct nv_finding *finding, char out[NV_FACTOR_WORDS_BYTES]);
/* "96 % at the receiver's socket, granted 208 KiB"; "" without a factor. */
char *nv_finding_evidence(const struct nv_summary_cell *cell, unsigned arm,
                          const struct nv_finding *finding, char out[NV_FACTOR_WORDS_BYTES]);
/* Never NULL. */
const char *nv_finding_advice(const struct nv_summary_cell *cell, unsigned arm,
                              const struct nv_finding *finding);
/* Both, and what to do; "" without a factor, and where the verdicts favour the arm in what it would
 * be about: that did not decide. */
char *nv_why_arm(const struct nv_summary_cell *cell, unsigned arm, const struct nv_finding *finding,
                 char out[NV_FACTOR_WORDS_BYTES]);
/* Of both arms, one line each; one "nothing stands out" when all are clean. How many lines. */
unsigned nv_why(const struct nv_summary_cell *cell, char out[2][NV_FACTOR_WORDS_BYTES]);

#endif
