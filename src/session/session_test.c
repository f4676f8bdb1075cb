/* SPDX-License-Identifier: MIT */
#include "session/talk_test.h"

/* The conversation as it should go, and what ends it. */

static void runs_follow_each_other(void **state)
{
    (void)state;
    struct talk *talk = talk_at(IDLE);
    for (unsigned i = 1; i <= 3; i++) {
        run_again(talk, 10 + i);
        assert_int_equal(talk->opened, i);
        assert_int_equal(talk->server_opened, i);
        assert_int_equal(talk->token, talk->server_token);
        /* One machine, one clock: both start at the same instant, which has yet to come. */
        assert_int_equal(talk->t0_ns, talk->server_t0_ns);
        assert_true(talk->t0_ns > talk->now_ns);
        assert_int_equal(talk->expected, i);
        assert_int_equal(talk->server_expected, i);
        assert_int_equal(talk->results, 2 * i);
        assert_int_equal(talk->server.run_count, i);
        talk->now_ns += NV_NS_PER_S;
    }
    end_talk(talk);
}

/* Whoever is done first; a last word may come before or after. */
static void the_server_may_be_done_first(void **state)
{
    (void)state;
    struct talk *talk = talk_at(RUNNING);
    nv_server_done(&talk->server, talk->now_ns);
    pass(talk);
    assert_int_equal(talk->finished, 0);
    nv_client_sent(&talk->client, client_ends);
    nv_client_done(&talk->client, talk->now_ns);
    assert_int_equal(talk->finished, 1);
    pass(talk);
    run_again(talk, 10);
    end_talk(talk);
}

/* On another machine the server starts by its own clock, the lead after the word arrived. */
static void clocks_that_differ_are_not_mixed(void **state)
{
    (void)state;
    struct talk *talk = talk_at(GREETING);
    json_decref(pop(&talk->to_server));
    push(&talk->to_server, nv_hello_frame("another machine", NULL));
    pass(talk);
    begin_run(talk, 9);
    pass(talk);
    nv_client_opened(&talk->client, talk->now_ns);
    uint64_t lead_ns = talk->client.deadline_ns ? talk->t0_ns - talk->now_ns : 0;
    talk->now_ns += 7 * NV_NS_PER_S; /* as if the server's clock were ahead */
    to_server(talk);
    assert_int_equal(talk->server_t0_ns, talk->now_ns + lead_ns);
    end_talk(talk);
}

/* Each state's deadline ends the conversation, not a ns before; a run in hand is finished once. */
static void every_state_has_a_deadline(void **state)
{
    (void)state;
    for (unsigned stage = GREETING; stage <= CLIENT_DONE; stage++) {
        struct talk *talk = talk_at((enum stage)stage);
        uint64_t due_ns = nv_client_next_ns(&talk->client);
        bool idle = talk->client.state == NV_CLIENT_IDLE;
        assert_int_equal(due_ns == UINT64_MAX, idle);
        if (!idle) {
            assert_in_range(due_ns - talk->now_ns, 1, 100 * NV_NS_PER_S);
            nv_client_run(&talk->client, due_ns - 1);
            assert_int_not_equal(talk->client.state, NV_CLIENT_CLOSED);
            nv_client_run(&talk->client, due_ns);
            assert_int_equal(talk->client.state, NV_CLIENT_CLOSED);
            assert_int_equal(talk->client.error.code, NV_E_PEER);
            assert_int_equal(talk->finished, stage > IDLE);
            assert_int_equal(talk->stopped, 1);
            assert_int_equal(nv_client_next_ns(&talk->client), UINT64_MAX);
        }
        due_ns = nv_server_next_ns(&talk->server);
        assert_in_range(due_ns - talk->now_ns, 1, 100 * NV_NS_PER_S);
        nv_server_run(&talk->server, due_ns - 1);
        assert_int_not_equal(talk->server.state, NV_SERVER_CLOSED);
        nv_server_run(&talk->server, due_ns);
        assert_int_equal(talk->server.state, NV_SERVER_CLOSED);
        assert_int_equal(talk->server.error.code, NV_E_PEER);
        assert_int_equal(talk->server_stopped, 1);
        assert_int_equal(nv_server_next_ns(&talk->server), UINT64_MAX);
        end_talk(talk);
    }
}

/* A campaign may be told to pause for 60 s between runs, and has results to write. */
static void a_client_may_pause_for_a_minute(void **state)
{
    (void)state;
    struct talk *talk = talk_at(IDLE);
    talk->now_ns += 75 * NV_NS_PER_S;
    nv_server_run(&talk->server, talk->now_ns);
    run_again(talk, 9);
    talk->now_ns += 75 * NV_NS_PER_S;
    nv_server_run(&talk->server, talk->now_ns);
    run_again(talk, 10);
    end_talk(talk);
}

/* kind -1: one of no known type. */
static json_t *frame_of(int kind)
{
    static const char *const texts[] = {
        [NV_FRAME_HELLO] = ("{\"type\":\"hello\",\"magic\":\"netversus\",\"protocol\":1,"
                            "\"version\":\"1\",\"boot_id\":\"\"}"),
        [NV_FRAME_BUSY] = "{\"type\":\"busy\",\"message\":\"with another\"}",
        [NV_FRAME_RUN] = "{\"type\":\"run\",\"run_tag\":9,\"spec\":{}}",
        [NV_FRAME_READY] = "{\"type\":\"ready\",\"token\":1,\"data_port\":5302}",
        [NV_FRAME_START] = "{\"type\":\"start\",\"t0_ns\":1,\"lead_ns\":0}",
        [NV_FRAME_END] = "{\"type\":\"end\",\"flows\":[222,0,111,222,0,111]}",
        [NV_FRAME_RESULT] = "{\"type\":\"result\",\"flow\":0,\"report\":{}}",
        [NV_FRAME_TRACE] = "{\"type\":\"trace\",\"flow\":0,\"first\":0,\"rows\":[]}",
        [NV_FRAME_STAMPS] = "{\"type\":\"stamps\",\"flow\":0,\"first\":0,\"rows\":[]}",
        [NV_FRAME_DONE] = "{\"type\":\"done\"}",
        [NV_FRAME_FAILED] = "{\"type\":\"failed\",\"message\":\"no\"}",
    };
    json_error_t reason;
    return json_loads(kind < 0 ? "{\"type\":\"bye\"}" : texts[kind], 0, &reason);
}

static void frames_out_of_turn_close(void **state)
{
    static const struct {
        enum stage stage;
        int kind;
        bool at_server;
    } rows[] = {
        {GREETING, NV_FRAME_RUN, true},
        {GREETING, NV_FRAME_START, true},
        {GREETING, -1, true},
        {GREETING, -1, false},
        {GREETING, NV_FRAME_BUSY, false},
        {IDLE, NV_FRAME_HELLO, true},
        {IDLE, NV_FRAME_START, true},
        {IDLE, NV_FRAME_READY, true},
        {IDLE, -1, false},
        {OPENING, NV_FRAME_HELLO, true},
        {RUNNING, NV_FRAME_START, true},
        {RUNNING, NV_FRAME_DONE, true},
        {RUNNING, NV_FRAME_RESULT, true},
        {RUNNING, NV_FRAME_TRACE, true},
        {RUNNING, NV_FRAME_STAMPS, true},
        {RUN_ASKED, NV_FRAME_START, false},
        {RUNNING, NV_FRAME_READY, false},
        {RUNNING, NV_FRAME_HELLO, false},
        {OPENING, NV_FRAME_RUN, false},
        {RUNNING, NV_FRAME_BUSY, false},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct talk *talk = talk_at(rows[i].stage);
        push(rows[i].at_server ? &talk->to_server : &talk->to_client, frame_of(rows[i].kind));
        if (rows[i].stage == GREETING) /* instead of the hello */
            json_decref(pop(rows[i].at_server ? &talk->to_server : &talk->to_client));
        if (rows[i].at_server)
            to_server(talk);
        else
            to_client(talk);
        int code = rows[i].at_server ? talk->server.error.code : talk->client.error.code;
        assert_int_equal(rows[i].at_server ? talk->server.state == NV_SERVER_CLOSED
                                           : talk->client.state == NV_CLIENT_CLOSED,
                         true);
        assert_int_equal(code, NV_E_PEER);
        assert_int_equal(talk->finished, !rows[i].at_server && rows[i].stage > IDLE);
        end_talk(talk);
    }
}

static void a_wrong_peer_is_told_apart(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"magic", "iperf3", "iperf3"}, {"version", "9.9.9", "9.9.9"}, /* with another protocol */
    };
    for (unsigned i = 0; i < 2; i++) {
        struct talk *talk = talk_at(GREETING);
        json_t *hello = frame_of(NV_FRAME_HELLO);
        json_object_set_new(hello, rows[i][0], json_string(rows[i][1]));
        if (i)
            json_object_set_new(hello, "protocol", json_integer(2));
        nv_client_input(&talk->client, talk->now_ns, hello);
        nv_server_input(&talk->server, talk->now_ns, hello);
        assert_int_equal(talk->client.state, NV_CLIENT_CLOSED);
        assert_int_equal(talk->server.state, NV_SERVER_CLOSED);
        assert_non_null(strstr(talk->client.error.message, rows[i][2]));
        json_decref(hello);
        end_talk(talk);
    }
}

static void losing_the_other_end_is_told_once(void **state)
{
    (void)state;
    for (unsigned stage = GREETING; stage <= CLIENT_DONE; stage++) {
        struct talk *talk = talk_at((enum stage)stage);
        for (unsigned i = 0; i < 2; i++) {
            nv_client_lost(&talk->client, "connection reset");
            nv_server_lost(&talk->server);
        }
        assert_int_equal(talk->finished, stage > IDLE);
        assert_int_equal(talk->stopped, 1);
        assert_int_equal(talk->server_stopped, 1);
        assert_non_null(strstr(talk->client.error.message, "connection reset"));
        /* Leaving between runs is no error. */
        assert_int_equal(talk->server.error.code, stage >= OPENING ? NV_E_PEER : NV_OK);
        end_talk(talk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_follow_each_other),
        cmocka_unit_test(the_server_may_be_done_first),
        cmocka_unit_test(clocks_that_differ_are_not_mixed),
        cmocka_unit_test(every_state_has_a_deadline),
        cmocka_unit_test(a_client_may_pause_for_a_minute),
        cmocka_unit_test(frames_out_of_turn_close),
        cmocka_unit_test(a_wrong_peer_is_told_apart),
        cmocka_unit_test(losing_the_other_end_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
