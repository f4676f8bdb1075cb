/* SPDX-License-Identifier: MIT */
#include "measure/calls.h"

#define CALL(id, call_name, call_kind, client, server)                                             \
    [NV_CALL_##id] = {call_name, NV_CALL_IS_##call_kind, client, server}

const struct nv_call_info nv_call_infos[NV_CALL_COUNT] = {
    CALL(SOCKET, "socket", CALL, 1, 1),
    CALL(SETSOCKOPT, "setsockopt", CALL, 2, 5),
    CALL(BIND, "bind", CALL, 0, 2),
    CALL(LISTEN, "listen", CALL, 0, 3),
    CALL(CONNECT, "connect", CALL, 3, 0),
    CALL(CONNECTING, "connecting", WAIT, 4, 0),
    CALL(ACCEPT, "accept", CALL, 0, 4),
    CALL(SEND, "send", CALL, 5, 8),
    CALL(SENDTO, "sendto", CALL, 6, 9),
    CALL(WAITING, "waiting", WAIT, 7, 0),
    CALL(RECV, "recv", CALL, 8, 6),
    CALL(RECVFROM, "recvfrom", CALL, 9, 7),
    CALL(CLOSE, "close", CALL, 10, 10),
    CALL(HANDSHAKE, "handshake", SPAN, 11, 0),
    CALL(FIRST_BYTE, "first_byte", SPAN, 12, 0),
    CALL(ACCEPT_LAG, "accept_lag", SPAN, 0, 11),
};

#define ERROR_VALUES (sizeof((struct nv_calls *)0)->errors / sizeof(uint64_t))

const struct nv_counter_row nv_calls_counters[] = {
    {"errors", offsetof(struct nv_calls, errors), ERROR_VALUES, NV_MERGE_ALONE},
    {NULL, 0, 0, NV_MERGE_KEEP},
};

#define TIME(id)                                                                                   \
    {                                                                                              \
#id, offsetof(struct nv_calls, time[NV_CALL_##id])                                         \
    }

const struct nv_hist_row nv_calls_hists[] = {
    TIME(SOCKET),     TIME(SETSOCKOPT), TIME(BIND),  TIME(LISTEN),    TIME(CONNECT),
    TIME(CONNECTING), TIME(ACCEPT),     TIME(SEND),  TIME(SENDTO),    TIME(WAITING),
    TIME(RECV),       TIME(RECVFROM),   TIME(CLOSE), TIME(HANDSHAKE), TIME(FIRST_BYTE),
    TIME(ACCEPT_LAG), {NULL, 0},
};

static void count_error(struct nv_calls *calls, enum nv_call call, uint64_t number, uint64_t count)
{
    struct nv_call_error *error = calls->errors[call];
    const struct nv_call_error *last = error + NV_CALL_ERRORS - 1;
    while (error < last && error->number && error->number != number)
        error++;
    error->number = error->number ? error->number : number;
    error->count += count;
}

void nv_calls_record(struct nv_calls *calls, enum nv_call call, uint64_t took_ns, int error)
{
    nv_hist_add(&calls->time[call], took_ns);
    if (error)
        count_error(calls, call, (uint64_t)error, 1);
}

uint64_t nv_calls_failed(const struct nv_calls *calls, enum nv_call call)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < NV_CALL_ERRORS; i++)
        sum += calls->errors[call][i].count;
    return sum;
}

void nv_calls_merge(struct nv_calls *dst, const struct nv_calls *src)
{
    for (unsigned call = 0; call < NV_CALL_COUNT; call++) {
        nv_hist_merge(&dst->time[call], &src->time[call]);
        for (unsigned i = 0; i < NV_CALL_ERRORS && src->errors[call][i].number; i++)
            count_error(dst, (enum nv_call)call, src->errors[call][i].number,
                        src->errors[call][i].count);
    }
}
