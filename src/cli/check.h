/* SPDX-License-Identifier: MIT */
#ifndef NV_CLI_CHECK_H
#define NV_CLI_CHECK_H

#include <stdio.h>
#include <uv.h>

#include "campaign/settings.h"
#include "campaign/stats.h"
#include "cli/ends.h"

/* `netversus check`: the instrument tests itself on this machine, by the rules of METHOD 12 (V1 to
 * V11, an emulated path) and METHOD 13 (itself). A check is a row of a table: it makes runs of its
 * own and says, a line each, what it saw and what it should have seen. What only chance decides is
 * judged at 99.9 %, from fixed seeds. What the machine may spoil is measured again, up to
 * NV_CHECK_ATTEMPTS times, and its line says so.
 *
 * For the tests: --break NAME, which no help lists, makes that check do something else than it
 * expects (another delay, another seed, a receiver that is not frozen), and measure it once, so
 * that it has to fail. */

enum nv_check_need {
    NV_CHECK_LOOPBACK = 1, /* a server on loopback */
    NV_CHECK_PATH = 2,     /* an emulated path, with a server behind it */
    NV_CHECK_CORES = 4,    /* two processors */
    NV_CHECK_LONG = 8,     /* more time than --quick has */
};

#define NV_CHECK_ATTEMPTS 6u
#define NV_CHECK_WHAT_BYTES 48
#define NV_CHECK_NOTE_BYTES 256

struct nv_check_context;

struct nv_check {
    const char *name, *reference, *help;
    unsigned needs; /* of enum nv_check_need */
    /* 0, or NV_E_* with one line in context->error: then the check has failed. */
    int (*run)(struct nv_check_context *);
};

/* For `netversus list checks`. */
void nv_check_list(void);

/* Each ends with a NULL name. */
extern const struct nv_check nv_check_path_rows[], nv_check_packets_rows[], nv_check_tcp_rows[],
    nv_check_ends_rows[], nv_check_self_rows[];

/* How late this machine's timers were while something was measured, ns, up to what is tolerated. */
struct nv_check_noise {
    uint64_t p50_ns, p99_ns;
};

/* Passes when |observed - expected| <= tolerance; expected NAN: recorded, nothing to pass. */
struct nv_check_line {
    char what[NV_CHECK_WHAT_BYTES];
    double observed, expected, tolerance;
    const char *unit;
    char note[NV_CHECK_NOTE_BYTES]; /* "": none */
};

/* SIGSTOP and SIGCONT for the server on loopback during the next run. */
struct nv_check_freeze {
    uint64_t after_ns, for_ns;     /* after the run's start; for_ns 0: it is not frozen */
    uint64_t t0_ns;                /* the run's start */
    uint64_t stopped_ns, going_ns; /* when it was, of nv_clock_ns() */
    uv_timer_t timer;
};

struct nv_check_context {
    bool quick;
    char broken[NV_OPTION_TEXT_BYTES]; /* name of a check, or "" */
    const struct nv_check *row;        /* the one that runs */
    struct nv_error error;
    struct nv_campaign campaign; /* only to look paths up */
    struct nv_ends ends;
    uv_loop_t loop;
    struct nv_check_freeze freeze;
    struct nv_check_noise noise; /* during the last run */
    char spoiled[128];           /* what shows that the machine cannot be measured on now; "" */
    unsigned run_count, backward_count;
    unsigned passed, failed, skipped, recorded;
    char failures[256];      /* names of lines, */
    unsigned unnamed;        /* and how many had no room there */
    FILE *csv;               /* check.csv, or NULL */
    struct nv_error no_path; /* why there is no emulated path */
    uv_signal_t signals[2];
    bool interrupted, loop_open;
};

/* Is the check that runs to be wrong? Then other, else usual: for settings that it is told. */
bool nv_check_is_broken(const struct nv_check_context *);
const char *nv_check_pick(const struct nv_check_context *, const char *usual, const char *other);

/* Lines. */
void nv_check_say(struct nv_check_context *, const struct nv_check_line *);
void nv_check_equal(struct nv_check_context *, const char *what, uint64_t observed,
                    uint64_t expected, const char *unit);
void nv_check_between(struct nv_check_context *, const char *what, double observed,
                      struct nv_bounds, const char *unit);
void nv_check_skip(struct nv_check_context *, const char *what, const char *reason);
void nv_check_fail(struct nv_check_context *, const char *what, const char *reason);
bool nv_check_passes(const struct nv_check_line *);

#define NV_CHECK_LINES_MAX 4u

/* Measures until every line has passed once, or NV_CHECK_ATTEMPTS times, or thrice in a row so far
 * off that no noise explains it; then says the lines. When the last attempt shows by other signs
 * that the machine is too busy, what has not passed is skipped. */
struct nv_check_timing {
    /* Fills lines and returns how many; NV_E_* on failure. */
    int (*measure)(struct nv_check_context *, const void *what,
                   struct nv_check_line lines[NV_CHECK_LINES_MAX]);
    const void *what;
};
int nv_check_time(struct nv_check_context *, const struct nv_check_timing *);

#endif
