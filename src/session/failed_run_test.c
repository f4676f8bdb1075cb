/* SPDX-License-Identifier: MIT */
#include "session/talk_test.h"

/* A run that fails, at either end or both, ends that run and not the conversation. */

static const struct nv_error broken = {NV_E_PEER, "the data connection broke"};

/* After a failure: the run is finished once, with a reason, and the next one is none the worse. */
static void expect_recovery(struct talk *talk, const char *reason)
{
    pass(talk);
    assert_int_equal(talk->finished, 1);
    assert_int_not_equal(talk->outcome.code, NV_OK);
    assert_non_null(strstr(talk->outcome.message, reason));
    assert_int_equal(talk->client.state, NV_CLIENT_IDLE);
    assert_int_equal(talk->server.state, NV_SERVER_IDLE);
    run_again(talk, 10);
    run_again(talk, 11);
    end_talk(talk);
}

static void a_client_that_fails_goes_on(void **state)
{
    (void)state;
    for (unsigned stage = OPENING; stage <= CLIENT_DONE; stage++) {
        struct talk *talk = talk_at((enum stage)stage);
        nv_client_failed(&talk->client, talk->now_ns, &broken);
        assert_int_equal(talk->stopped, 1);
        pass(talk);
        assert_true(talk->server_stopped > 0);
        expect_recovery(talk, "broke");
    }
}

static void a_server_that_fails_goes_on(void **state)
{
    (void)state;
    for (unsigned stage = OPENING; stage <= CLIENT_DONE; stage++) {
        struct talk *talk = talk_at((enum stage)stage);
        to_server(talk);
        nv_server_failed(&talk->server, talk->now_ns, &broken);
        expect_recovery(talk, "the server: the data connection broke");
    }
}

static void an_end_that_cannot_open_goes_on(void **state)
{
    (void)state;
    struct talk *talk = talk_at(IDLE);
    talk->refuse_open = NV_E_FAILED; /* the server's, which is asked first */
    begin_run(talk, 9);
    expect_recovery(talk, "inn");
    talk = talk_at(RUN_ASKED);
    to_server(talk);
    talk->refuse_open = NV_E_FAILED; /* the client's */
    expect_recovery(talk, "inn");
}

/* A broken connection breaks for both: their failures cross, and the client is the first to go on.
 * The server's word about the old run must not be taken for one about the new. */
static void failures_that_cross_hurt_one_run_only(void **state)
{
    (void)state;
    struct talk *talk = talk_at(RUNNING);
    nv_client_failed(&talk->client, talk->now_ns, &broken);
    nv_server_failed(&talk->server, talk->now_ns, &broken);
    assert_int_equal(talk->finished, 1);
    begin_run(talk, 10);
    pass(talk);
    assert_int_equal(talk->finished, 1);
    assert_int_equal(talk->client.state, NV_CLIENT_OPENING);
    nv_client_opened(&talk->client, talk->now_ns);
    pass(talk);
    finish_run(talk);
    end_talk(talk);
}

/* The server was done when the client failed: its results and its done belong to the old run. */
static void results_of_an_old_run_are_not_taken_for_the_new(void **state)
{
    (void)state;
    struct talk *talk = talk_at(RUNNING);
    nv_server_sent(&talk->server, server_ends);
    nv_server_done(&talk->server, talk->now_ns);
    nv_client_failed(&talk->client, talk->now_ns, &broken);
    begin_run(talk, 10);
    pass(talk);
    assert_int_equal(talk->finished, 1);
    assert_int_equal(talk->results, 0);
    assert_int_equal(talk->client.state, NV_CLIENT_OPENING);
    nv_client_opened(&talk->client, talk->now_ns);
    pass(talk);
    finish_run(talk);
    assert_int_equal(talk->results, 2);
    end_talk(talk);
}

/* The limits: 60 s, 4 flows, 9000 bytes, 10000 messages a second over all flows (of which there are
 * 2). Each row is one step beyond; the row before it is legal. */
static void what_is_beyond_the_limits_is_refused(void **state)
{
    static const struct {
        const char *name, *text, *legal;
    } rows[] = {
        {"duration", "59401ms", "59400ms"}, /* with 500 ms warm-up and 100 ms cool-down: 60 s */
        {"flows", "5", "4"},
        {"size", "9001", "9000"},
        {"size", "64-9001", "64-9000"},
        {"reply-size", "9001", "9000"}, /* the server would send what nobody may ask it for */
        {"rate", "5001/s", "5000/s"},
        {"rate", "max", "5000/s"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct talk *talk = talk_at(IDLE);
        const struct nv_option *row =
            nv_option_find(nv_spec_options, rows[i].name, strlen(rows[i].name));
        assert_int_equal(nv_option_set(row, &talk->spec, rows[i].text, NULL), NV_OK);
        begin_run(talk, 9);
        pass(talk);
        assert_int_equal(talk->finished, 1);
        assert_int_equal(talk->server_opened, 0);
        assert_int_equal(talk->outcome.code, NV_E_PEER);
        assert_non_null(strstr(talk->outcome.message, "allowed"));
        assert_int_equal(talk->server.state, NV_SERVER_IDLE);
        assert_int_equal(nv_option_set(row, &talk->spec, rows[i].legal, NULL), NV_OK);
        begin_run(talk, 10);
        pass(talk);
        assert_int_equal(talk->client.state, NV_CLIENT_OPENING);
        end_talk(talk);
    }
}

/* A spec that no option table allows never reaches the server's end of the run. */
static void an_illegal_spec_is_refused(void **state)
{
    static const char *const specs[] = {
        "{\"flows\":\"257\"}",   "{\"flows\":4}",      "{\"colour\":\"red\"}",
        "{\"size\":\"39\"}",     "{\"drain\":\"1h\"}", "{\"duration\":\"-1s\"}",
        "{\"window\":\"1025\"}", "{\"burst\":\"0\"}",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct talk *talk = talk_at(IDLE);
        json_error_t reason;
        json_t *run = nv_frame_new(NV_FRAME_RUN);
        json_object_set_new(run, "run_tag", json_integer(9));
        json_object_set_new(run, "spec", json_loads(specs[i], 0, &reason));
        push(&talk->to_server, run);
        to_server(talk);
        assert_int_equal(talk->server_opened, 0);
        assert_int_equal(talk->server.state, NV_SERVER_IDLE);
        json_t *answer = pop(&talk->to_client);
        assert_string_equal(json_string_value(json_object_get(answer, "type")), "failed");
        json_decref(answer);
        end_talk(talk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_fails_goes_on),
        cmocka_unit_test(a_server_that_fails_goes_on),
        cmocka_unit_test(an_end_that_cannot_open_goes_on),
        cmocka_unit_test(failures_that_cross_hurt_one_run_only),
        cmocka_unit_test(results_of_an_old_run_are_not_taken_for_the_new),
        cmocka_unit_test(what_is_beyond_the_limits_is_refused),
        cmocka_unit_test(an_illegal_spec_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
