/* SPDX-License-Identifier: MIT */
#ifndef NV_OUTPUT_LINES_H
#define NV_OUTPUT_LINES_H

#include "measure/quantile.h"
#include "output/columns.h"

/* What the getters of the run files are given: each file's own line begins with this one. */
struct nv_line {
    const struct nv_run_result *run;
    const struct nv_result_row *row;
};

/* The same of comparisons.csv. */
struct nv_summary_line {
    const struct nv_summary *summary;
    const struct nv_summary_cell *cell;
    enum nv_metric metric;
};

/* A row of a table of columns; more designated fields may follow. */
#define NV_COLUMN(column_name, column_help, ...)                                                   \
    {                                                                                              \
        .name = column_name, .help = column_help, .get = __VA_ARGS__                               \
    }

extern const struct nv_column nv_key_columns[]; /* the first group of every run file */

extern const struct nv_sheet nv_sheet_runs;
extern const struct nv_sheet nv_sheet_quantiles;
extern const struct nv_sheet nv_sheet_deadlines;
extern const struct nv_sheet nv_sheet_intervals;
extern const struct nv_sheet nv_sheet_hist;
extern const struct nv_sheet nv_sheet_patterns;
extern const struct nv_sheet nv_sheet_messages;
extern const struct nv_sheet nv_sheet_packets;
extern const struct nv_sheet nv_sheet_calls;
extern const struct nv_sheet nv_sheet_parts;
extern const struct nv_sheet nv_sheet_comparisons;
extern const struct nv_sheet nv_sheet_capacity;
extern const struct nv_sheet nv_sheet_factors;

/* Groups of runs.csv. */
extern const struct nv_column nv_runs_count_columns[];
extern const struct nv_column nv_runs_time_columns[];
extern const struct nv_column nv_runs_system_columns[];
extern const struct nv_column nv_runs_cpu_columns[];
extern const struct nv_column nv_runs_path_columns[];

/* Calls line for every row of the run. */
int nv_lines_each_row(const struct nv_run_result *run, struct nv_emit *emit,
                      int (*line)(struct nv_emit *emit, const struct nv_line *line));

/* Delays from one end's clock to the other's have a meaning: in rr always, one way when both ends
 * read one clock. */
bool nv_line_has_delays(const struct nv_line *line);
bool nv_line_is_tcp(const struct nv_line *line);
double nv_line_measure_s(const struct nv_line *line);
/* For what means nothing over flows: the row is of one flow. */
bool nv_line_is_one_flow(const struct nv_line *line);
/* IPv4 packets that a datagram with a message of so many bytes takes; NAN when the MTU is unknown.
 */
double nv_fragments(uint64_t mtu_bytes, double message_bytes);
/* Refused by the sender's kernel, or not tried in time. */
uint64_t nv_row_not_sent(const struct nv_result_row *row);

/* A metric's histogram in the meters. */
enum nv_hist_id {
    NV_HIST_RESP,
    NV_HIST_SERV,
    NV_HIST_SCHED_LAG,
    NV_HIST_BLOCK_LAG,
    NV_HIST_IPDV,
    NV_HIST_LATE_OFFSET,
    NV_HIST_HOL,
    NV_HIST_DWELL,
    NV_HIST_VHOL,
    NV_HIST_ID_COUNT
};

struct nv_hist_source {
    const char *name;
    bool sender;       /* in struct nv_tx, else in struct nv_rx */
    bool one_clock;    /* empty when the ends' clocks differ */
    bool all;          /* also over all scheduled messages, the lost at infinity */
    bool in_hist_file; /* hist.csv has its buckets */
    enum { NV_HIST_OF_ANY, NV_HIST_OF_STREAMS, NV_HIST_OF_DATAGRAMS } of;
    size_t offset;
};
extern const struct nv_hist_source nv_hist_sources[NV_HIST_ID_COUNT];
/* NULL when it has no meaning for this line. */
const struct nv_hist *nv_hist_of(const struct nv_hist_source *source, const struct nv_line *line);

/* A quantile's value: empty unless the sample supports it; inf among the lost. */
void nv_field_quantile(struct nv_field *field, const struct nv_quantile *quantile);

/* Shared getters; column->offset is of a uint64_t in the row's struct nv_tx, struct nv_rx, or in
 * struct nv_result_row itself. */
void nv_get_tx_count(struct nv_field *field, const struct nv_column *column, const void *line);
void nv_get_rx_count(struct nv_field *field, const struct nv_column *column, const void *line);
void nv_get_row_count(struct nv_field *field, const struct nv_column *column, const void *line);
#define NV_AT_TX(member) .offset = offsetof(struct nv_tx, member)
#define NV_AT_RX(member) .offset = offsetof(struct nv_rx, member)
#define NV_AT_ROW(member) .offset = offsetof(struct nv_result_row, member)

#endif
