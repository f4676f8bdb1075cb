/* SPDX-License-Identifier: MIT */
#include "campaign/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct nv_campaign *new_campaign(void)
{
    struct nv_campaign *campaign = malloc(sizeof *campaign);
    assert_non_null(campaign);
    nv_campaign_init(campaign);
    return campaign;
}

static void set(struct nv_campaign *campaign, const char *name, const char *text)
{
    struct nv_error err = {0};
    if (nv_campaign_set(campaign, name, text, &err))
        fail_msg("%s = %s: %s", name, text, err.message);
}

static void lists_cross_into_cells(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_plan plan;
    struct nv_error err = {0};
    set(campaign, "size", "64, 1k ,8k");
    set(campaign, "rate", "100/s,max");
    set(campaign, "seed", "7");
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_OK);
    assert_int_equal(plan.arms, 2);
    assert_int_equal(plan.cell_count, 6);
    assert_int_equal(plan.seed, 7);
    /* The last factor given changes fastest. */
    static const uint32_t sizes[] = {64, 64, 1000, 1000, 8000, 8000};
    for (unsigned i = 0; i < 6; i++) {
        const struct nv_cell *cell = &plan.cells[i];
        char id[16];
        (void)snprintf(id, sizeof id, "c%03u", i + 1);
        assert_string_equal(cell->id, id);
        assert_int_equal(nv_sizes_max(&cell->arm[0].sizes), sizes[i]);
        assert_int_equal(cell->arm[0].rate.kind, i & 1 ? NV_RATE_MAX : NV_RATE_MESSAGES);
        struct nv_spec udp = cell->arm[0];
        assert_string_equal(cell->arm[0].transport, "tcp");
        assert_string_equal(cell->arm[1].transport, "udp");
        memcpy(udp.transport, cell->arm[1].transport, sizeof udp.transport);
        for (const struct nv_option *row = nv_spec_options; row->name; row++) {
            char text[2][256];
            nv_option_get(row, &udp, text[0], sizeof text[0]);
            nv_option_get(row, &cell->arm[1], text[1], sizeof text[1]);
            assert_string_equal(text[0], text[1]);
        }
    }
    nv_plan_dispose(&plan);
    free(campaign);
}

static void arms_are_the_transports(void **state)
{
    static const struct {
        const char *transports;
        unsigned arms;
        const char *first, *second;
    } rows[] = {{"udp,tcp", 2, "udp", "tcp"}, {"tcp,tcp", 2, "tcp", "tcp"}, {"udp", 1, "udp", ""}};
    (void)state;
    struct nv_plan plan;
    struct nv_error err = {0};
    for (unsigned i = 0; i < 3; i++) {
        struct nv_campaign *campaign = new_campaign();
        set(campaign, "transport", rows[i].transports);
        assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_OK);
        assert_int_equal(plan.arms, rows[i].arms);
        assert_int_equal(plan.cell_count, 1);
        assert_string_equal(plan.cells[0].arm[0].transport, rows[i].first);
        assert_string_equal(plan.cells[0].arm[1].transport, rows[i].second);
        nv_plan_dispose(&plan);
        free(campaign);
    }
    struct nv_campaign *campaign = new_campaign();
    set(campaign, "transport", "tcp,udp,tcp");
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_E_USAGE);
    assert_non_null(strstr(err.message, "transport"));
    nv_plan_dispose(&plan);
    free(campaign);
}

/* A later word replaces an earlier one whole; a comma in an option that does not sweep is text. */
static void options_replace_each_other(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_plan plan;
    struct nv_error err = {0};
    set(campaign, "size", "64,1k");
    set(campaign, "size", "100");
    set(campaign, "blocks", "12");
    set(campaign, "scenario", "one, two");
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_OK);
    assert_int_equal(plan.cell_count, 1);
    assert_int_equal(nv_sizes_max(&plan.cells[0].arm[0].sizes), 100);
    assert_int_equal(campaign->settings.blocks, 12);
    assert_string_equal(campaign->settings.scenario, "one, two");
    assert_int_equal(nv_campaign_set(campaign, "duration", "1s,2s", &err), NV_E_USAGE);
    nv_plan_dispose(&plan);
    free(campaign);
}

/* A section [app NAME], with a preset that it is like. */
static void define_app(struct nv_campaign *campaign)
{
    char file[] = "/tmp/nv-settings-test-XXXXXX";
    int fd = mkstemp(file);
    struct nv_error err = {0};
    static const char text[] = "[app mine]\nlike = rpc\nsize = 300\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    (void)close(fd);
    assert_int_equal(nv_campaign_load(campaign, file, &err), NV_OK);
    (void)unlink(file);
}

/* What an application sets holds over what came before it, and gives way to what comes after. */
static void applications_set_options(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_plan plan;
    struct nv_error err = {0};
    define_app(campaign);
    set(campaign, "size", "100");
    set(campaign, "deadline", "7ms");
    set(campaign, "app", "voip,mine");
    set(campaign, "deadline", "70ms"); /* anew: after the application now */
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_OK);
    assert_int_equal(plan.cell_count, 2);
    const struct nv_spec *voip = &plan.cells[0].arm[1];
    const struct nv_spec *mine = &plan.cells[1].arm[0];
    assert_string_equal(voip->app, "voip");
    assert_string_equal(voip->workload, "stream");
    assert_string_equal(voip->transport, "udp");
    assert_int_equal(nv_sizes_max(&voip->sizes), 172);
    assert_int_equal(voip->rate.milli_per_s, 50000);
    assert_int_equal(voip->deadline_ns, 70000000);
    assert_string_equal(mine->app, "mine");
    assert_string_equal(mine->workload, "rr");
    assert_int_equal(nv_sizes_max(&mine->sizes), 300);
    assert_int_equal(mine->reply_bytes, 1000);
    assert_int_equal(mine->deadline_ns, 70000000);
    nv_plan_dispose(&plan);
    free(campaign);
}

static void applications_that_cannot_be(void **state)
{
    static const struct {
        const char *name, *text, *message;
    } rows[] = {
        {"app", "voop", "no app 'voop'; did you mean 'voip'? See netversus list apps"},
        {"app", "mime", "no app 'mime'; did you mean 'mine'? See netversus list apps"},
        {"app", "mine", "rate: app mine sets it; give the list after app, or leave it out"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_campaign *campaign = new_campaign();
        struct nv_plan plan;
        struct nv_error err = {0};
        define_app(campaign);
        set(campaign, "rate", "10/s,20/s");
        set(campaign, rows[i].name, rows[i].text);
        assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_E_USAGE);
        assert_string_equal(err.message, rows[i].message);
        nv_plan_dispose(&plan);
        free(campaign);
    }
}

static void mistakes_are_explained(void **state)
{
    static const char *const rows[][4] = {
        {"siez", "64", "siez", "size"},     {"bloks", "6", "bloks", "blocks"},
        {"colour", "red", "colour", NULL},  {"size", "64,39", "39", "size"},
        {"size", "64,,1k", "''", "size"},   {"rate", "fast", "fast", "rate"},
        {"flows", "1,2,x", "'x'", "flows"}, {"blocks", "65", "65", "blocks"},
        {"blocks", "0", "'0'", "blocks"},   {"format", "xml", "xml", "table|json|csv"},
        {"pat", "none", "'path'", NULL}, /* not pace, which is two letters away */
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_campaign *campaign = new_campaign();
        struct nv_error err = {0};
        assert_int_equal(nv_campaign_set(campaign, rows[i][0], rows[i][1], &err), NV_E_USAGE);
        assert_non_null(strstr(err.message, rows[i][2]));
        if (rows[i][3])
            assert_non_null(strstr(err.message, rows[i][3]));
        else if (!strcmp(rows[i][0], "colour"))
            assert_null(strstr(err.message, "mean"));
        free(campaign);
    }
}

/* 32 values of a factor and 4096 cells are legal, one more is not: 32 * 32 * 4 = 4096. */
static void too_many_are_refused(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_plan plan;
    struct nv_error err = {0};
    char list[512] = "1";
    for (unsigned i = 2; i <= 32; i++)
        (void)snprintf(list + strlen(list), sizeof list - strlen(list), ",%u", i);
    set(campaign, "flows", list);
    set(campaign, "dscp", list);
    set(campaign, "burst", "1,2,3,4");
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_OK);
    assert_int_equal(plan.cell_count, 4096);
    nv_plan_dispose(&plan);
    set(campaign, "burst", "1,2,3,4,5");
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_E_USAGE);
    assert_non_null(strstr(err.message, "4096"));
    nv_plan_dispose(&plan);
    (void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s", ",33");
    assert_int_equal(nv_campaign_set(campaign, "flows", list, &err), NV_E_USAGE);
    assert_non_null(strstr(err.message, "32"));
    free(campaign);
}

/* The first cell is possible, the second would have more than 4e9 messages. */
static void impossible_cells_are_refused(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_plan plan;
    struct nv_error err = {0};
    set(campaign, "rate", "100/s,400M/s");
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_E_USAGE);
    assert_non_null(strstr(err.message, "rate"));
    nv_plan_dispose(&plan);
    free(campaign);
}

/* Two equal cells would look like two findings. What counts is the value, not how it is written. */
static void twins_are_refused(void **state)
{
    static const char *const rows[][3] = {
        {"size", "64,64", "'64'"},           {"size", "1000,64, 1k", "'1k'"},
        {"size", "64+1k,64:1+1000", "'64"},  {"rate", "max,100/s,max", "'max'"},
        {"rate", "1k/s,1000/s", "'1000/s'"}, {"deadline", "50ms,0.05s", "'0.05s'"},
        {"nodelay", "yes,no,1", "'1'"},      {"engine", "poll,poll", "'poll'"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_campaign *campaign = new_campaign();
        struct nv_error err = {0};
        assert_int_equal(nv_campaign_set(campaign, rows[i][0], rows[i][1], &err), NV_E_USAGE);
        assert_non_null(strstr(err.message, rows[i][0]));
        assert_non_null(strstr(err.message, rows[i][2]));
        free(campaign);
    }
    struct nv_campaign *campaign = new_campaign();
    set(campaign, "transport", "udp,udp"); /* two arms of one cell */
    set(campaign, "size", "64,65,64+65");
    free(campaign);
}

/* A mistake leaves the campaign as it was, also when it comes after legal values. */
static void mistakes_change_nothing(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_plan plan;
    struct nv_error err = {0};
    assert_int_equal(nv_campaign_set(campaign, "size", "7", &err), NV_E_USAGE);
    assert_int_equal(campaign->factor_count, 0);
    set(campaign, "size", "64,1k");
    assert_int_equal(nv_campaign_set(campaign, "size", "128,7", &err), NV_E_USAGE);
    assert_int_equal(nv_campaign_set(campaign, "size", "", &err), NV_E_USAGE);
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_OK);
    assert_int_equal(plan.cell_count, 2);
    assert_int_equal(nv_sizes_max(&plan.cells[0].arm[0].sizes), 64);
    assert_int_equal(nv_sizes_max(&plan.cells[1].arm[0].sizes), 1000);
    nv_plan_dispose(&plan);
    free(campaign);
}

static int load_text(struct nv_campaign *campaign, const char *text, struct nv_error *err)
{
    char file[] = "/tmp/nv-settings-test-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    int code = nv_campaign_load(campaign, file, err);
    (void)unlink(file);
    if (code)
        assert_non_null(strstr(err->message, file));
    return code;
}

static void scenarios_are_read(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_error err = {0};
    static const char text[] = "; a comment\n# another\nblocks = 8\n\n[load]\nsize=64,1k\n"
                               "rate : 100/s ; and why\n[far end]\nserver = [::1]:5301\n";
    assert_int_equal(load_text(campaign, text, &err), NV_OK);
    assert_int_equal(campaign->settings.blocks, 8);
    assert_int_equal(campaign->factor_count, 2);
    assert_int_equal(campaign->factors[0].count, 2);
    assert_string_equal(campaign->factors[1].level[0], "100/s");
    assert_string_equal(campaign->settings.server, "[::1]:5301");
    assert_int_equal(strncmp(campaign->settings.scenario, "nv-settings-test-", 17), 0);
    free(campaign);
}

static void scenario_mistakes_have_a_line(void **state)
{
    static const struct {
        const char *text, *line, *said;
    } rows[] = {
        {"blocks = 8\nsiez = 64\n", ":2:", "size"},
        {"\n\n\nrate = fast\n", ":4:", "fast"},
        {"blocks = 8\nnonsense\n", ":2:", "key = value"},
        {"[open\nblocks = 8\n", ":1:", "[section]"},
        /* The first of two, with its own message. */
        {"rate = fast\nsize = 7\n", ":1:", "fast"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_campaign *campaign = new_campaign();
        struct nv_error err = {0};
        assert_int_equal(load_text(campaign, rows[i].text, &err), NV_E_USAGE);
        assert_non_null(strstr(err.message, rows[i].line));
        assert_non_null(strstr(err.message, rows[i].said));
        free(campaign);
    }
    struct nv_campaign *campaign = new_campaign();
    struct nv_error err = {0};
    assert_int_equal(nv_campaign_load(campaign, "/nonexistent/x.ini", &err), NV_E_USAGE);
    assert_non_null(strstr(err.message, "/nonexistent/x.ini: No such file"));
    free(campaign);
}

/* A line that is longer than the parser's is refused, not cut silently or taken for two. */
static void long_lines_are_not_cut(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_error err = {0};
    char text[400] = "flows = 1";
    unsigned count = 1;
    while (strlen(text) < 90)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), ",  %u", ++count);
    assert_int_equal(load_text(campaign, text, &err), NV_OK);
    assert_int_equal(campaign->factors[0].count, count);
    (void)snprintf(text, sizeof text, "%s", "flows = 1");
    for (count = 1; strlen(text) < 300;) /* 20 of them */
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), ",            %u", ++count);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s", ",256");
    if (load_text(campaign, text, &err) == NV_OK)
        assert_string_equal(campaign->factors[0].level[campaign->factors[0].count - 1], "256");
    free(campaign);
}

static void the_quick_campaign_is_legal(void **state)
{
    (void)state;
    struct nv_campaign *campaign = new_campaign();
    struct nv_plan plan;
    struct nv_error err = {0};
    nv_campaign_quick(campaign);
    assert_int_equal(nv_plan_build(&plan, campaign, &err), NV_OK);
    assert_int_equal(plan.arms, 2);
    assert_int_equal(plan.cell_count, 6);
    assert_true(plan.seed > 0);
    /* Each block its own schedule, each as both ends can be told: at most 18 digits. */
    for (unsigned i = 0; i < 36; i++) {
        assert_true(nv_plan_block_seed(&plan, i / 6, i % 6) < 1000000000000000000u);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(nv_plan_block_seed(&plan, i / 6, i % 6),
                                 nv_plan_block_seed(&plan, j / 6, j % 6));
    }
    nv_plan_dispose(&plan);
    free(campaign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_cross_into_cells),
        cmocka_unit_test(arms_are_the_transports),
        cmocka_unit_test(options_replace_each_other),
        cmocka_unit_test(applications_set_options),
        cmocka_unit_test(applications_that_cannot_be),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(impossible_cells_are_refused),
        cmocka_unit_test(twins_are_refused),
        cmocka_unit_test(mistakes_change_nothing),
        cmocka_unit_test(scenarios_are_read),
        cmocka_unit_test(scenario_mistakes_have_a_line),
        cmocka_unit_test(long_lines_are_not_cut),
        cmocka_unit_test(the_quick_campaign_is_legal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
