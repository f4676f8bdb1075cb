/* SPDX-License-Identifier: MIT */
#include "output/calls_table.h"

#define LABEL_WIDTH 20
#define VALUE_WIDTH 13

/* A server's socket that serves everybody has its options once. */
static bool calls_each_time(const struct nv_summary_arm *arm, unsigned end, unsigned call)
{
    const struct nv_call_sum *calls = arm->calls[end];
    bool once = end == 1 && call == NV_CALL_SETSOCKOPT && !calls[NV_CALL_ACCEPT].count;
    return calls[call].count > 0 && !once;
}

static bool is_called(const struct nv_summary_cell *cell, unsigned end, unsigned call)
{
    bool any = false;
    for (unsigned arm = 0; arm < cell->arm_count; arm++)
        any |= calls_each_time(&cell->arm[arm], end, call);
    return any;
}

/* How many sockets that end had: one a message. */
static uint64_t sockets_of(const struct nv_summary_arm *arm, unsigned end)
{
    const struct nv_call_sum *calls = arm->calls[end];
    if (end == 0)
        return calls[NV_CALL_SOCKET].count;
    return calls[NV_CALL_ACCEPT].count ? calls[NV_CALL_ACCEPT].count
                                       : calls[NV_CALL_RECVFROM].count;
}

static void print_call(FILE *out, const struct nv_summary_cell *cell, unsigned end, unsigned call)
{
    const struct nv_call_info *info = &nv_call_infos[call];
    char label[32];
    (void)snprintf(label, sizeof label, info->kind == NV_CALL_IS_WAIT ? "(%s)" : "%s", info->name);
    (void)fprintf(out, "    %-*s", LABEL_WIDTH - 4, label);
    for (unsigned arm = 0; arm < cell->arm_count; arm++) {
        const struct nv_call_sum *sum = &cell->arm[arm].calls[end][call];
        bool span = info->kind == NV_CALL_IS_SPAN; /* of those that came to its end */
        uint64_t times = span ? sum->count : sockets_of(&cell->arm[arm], end);
        char value[32] = "";
        if (calls_each_time(&cell->arm[arm], end, call) && times)
            (void)snprintf(value, sizeof value, "%.2f",
                           (double)sum->total_ns / 1e3 / (double)times);
        (void)fprintf(out, "%*s", VALUE_WIDTH, value);
    }
    (void)fprintf(out, "\n");
}

/* What is called once a run is in calls.csv alone. */
static bool is_shown(const struct nv_summary_cell *cell, unsigned end, unsigned call)
{
    bool once =
        end == 1 && (call == NV_CALL_SOCKET || call == NV_CALL_BIND || call == NV_CALL_LISTEN);
    return !once && is_called(cell, end, call);
}

/* In their order: calls and waits, or spans of several calls. */
static void print_calls(FILE *out, const struct nv_summary_cell *cell, unsigned end, bool spans)
{
    for (unsigned place = 1; place <= NV_CALL_COUNT; place++)
        for (unsigned call = 0; call < NV_CALL_COUNT; call++) {
            const struct nv_call_info *info = &nv_call_infos[call];
            if ((end ? info->server_place : info->client_place) == place &&
                (info->kind == NV_CALL_IS_SPAN) == spans && is_shown(cell, end, call))
                print_call(out, cell, end, call);
        }
}

void nv_calls_table_print(FILE *out, const struct nv_summary_cell *cell)
{
    static const char *const heads[] = {"client's calls", "server's calls"};
    for (unsigned end = 0; end < 2; end++) {
        if (!is_called(cell, end, NV_CALL_CLOSE) && !is_called(cell, end, NV_CALL_SENDTO))
            continue;
        (void)fprintf(out, "  %s, us a message, in their order\n", heads[end]);
        print_calls(out, cell, end, false);
    }
    if (!is_called(cell, 0, NV_CALL_FIRST_BYTE))
        return;
    (void)fprintf(out, "  spans of several calls, us a message\n");
    for (unsigned end = 0; end < 2; end++)
        print_calls(out, cell, end, true);
}
