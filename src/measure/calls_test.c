/* SPDX-License-Identifier: MIT */
#include "measure/calls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct nv_calls *empty(void)
{
    struct nv_calls *calls = calloc(1, sizeof *calls);
    assert_non_null(calls);
    return calls;
}

static void times_and_errors_are_kept_by_call(void **state)
{
    (void)state;
    struct nv_calls *calls = empty();
    nv_calls_record(calls, NV_CALL_CONNECT, 100, 0);
    nv_calls_record(calls, NV_CALL_CONNECT, 300, ECONNREFUSED);
    nv_calls_record(calls, NV_CALL_CONNECT, 200, ETIMEDOUT);
    nv_calls_record(calls, NV_CALL_CONNECT, 400, ECONNREFUSED);
    nv_calls_record(calls, NV_CALL_CLOSE, 7, 0);
    assert_int_equal(calls->time[NV_CALL_CONNECT].count, 4);
    assert_int_equal(calls->time[NV_CALL_CONNECT].sum, 1000);
    assert_int_equal(nv_calls_failed(calls, NV_CALL_CONNECT), 3);
    assert_int_equal(calls->errors[NV_CALL_CONNECT][0].number, ECONNREFUSED);
    assert_int_equal(calls->errors[NV_CALL_CONNECT][0].count, 2);
    assert_int_equal(calls->errors[NV_CALL_CONNECT][1].number, ETIMEDOUT);
    assert_int_equal(nv_calls_failed(calls, NV_CALL_CLOSE), 0);
    assert_int_equal(calls->time[NV_CALL_SOCKET].count, 0);
    free(calls);
}

/* More kinds of errors than there is room for: none is lost from the count. */
static void the_last_place_takes_what_is_left(void **state)
{
    (void)state;
    struct nv_calls *calls = empty();
    for (int error = 1; error <= (int)NV_CALL_ERRORS + 3; error++)
        nv_calls_record(calls, NV_CALL_RECV, 1, error);
    assert_int_equal(nv_calls_failed(calls, NV_CALL_RECV), NV_CALL_ERRORS + 3);
    assert_int_equal(calls->errors[NV_CALL_RECV][NV_CALL_ERRORS - 1].count, 4);
    free(calls);
}

static void merged_is_as_if_recorded_in_one(void **state)
{
    (void)state;
    struct nv_calls *a = empty();
    struct nv_calls *b = empty();
    struct nv_calls *all = empty();
    for (unsigned i = 0; i < 1000; i++) {
        enum nv_call call = (enum nv_call)(i % NV_CALL_COUNT);
        int error = i % 7 ? 0 : (int)(i % 3) + 1;
        nv_calls_record(i % 2 ? a : b, call, 10ull * i, error);
        nv_calls_record(all, call, 10ull * i, error);
    }
    nv_calls_merge(a, b);
    for (unsigned call = 0; call < NV_CALL_COUNT; call++) {
        assert_int_equal(nv_calls_failed(a, (enum nv_call)call),
                         nv_calls_failed(all, (enum nv_call)call));
        assert_memory_equal(&a->time[call], &all->time[call], sizeof a->time[call]);
    }
    free(a);
    free(b);
    free(all);
}

/* Each end has its calls in an order of its own, no two in one place; a row of each table for each.
 */
static void tables_are_complete(void **state)
{
    (void)state;
    unsigned client[NV_CALL_COUNT + 1] = {0};
    unsigned server[NV_CALL_COUNT + 1] = {0};
    for (unsigned call = 0; call < NV_CALL_COUNT; call++) {
        const struct nv_call_info *info = &nv_call_infos[call];
        assert_non_null(info->name);
        assert_true(info->client_place || info->server_place);
        assert_int_equal(info->client_place ? client[info->client_place]++ : 0, 0);
        assert_int_equal(info->server_place ? server[info->server_place]++ : 0, 0);
        assert_non_null(nv_calls_hists[call].name);
        assert_int_equal(nv_calls_hists[call].offset,
                         offsetof(struct nv_calls, time) + call * sizeof(struct nv_hist));
    }
    assert_null(nv_calls_hists[NV_CALL_COUNT].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_and_errors_are_kept_by_call),
        cmocka_unit_test(the_last_place_takes_what_is_left),
        cmocka_unit_test(merged_is_as_if_recorded_in_one),
        cmocka_unit_test(tables_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
