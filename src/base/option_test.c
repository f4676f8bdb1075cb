/* SPDX-License-Identifier: MIT */
#include "base/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

struct target {
    bool flag;
    uint64_t count, size_bytes, time_ns;
    struct nv_rate rate;
    unsigned choice;
    char text[NV_OPTION_TEXT_BYTES];
    uint64_t guard;
};

static const char *const colours[] = {"red", "green", NULL};

#define AT(field) offsetof(struct target, field)

static const struct nv_option table[] = {
    {.name = "flag", .type = &nv_option_bool, .offset = AT(flag), .fallback = "yes"},
    {.name = "count",
     .type = &nv_option_count,
     .offset = AT(count),
     .fallback = "5",
     .min = 2,
     .max = 9000},
    {.name = "size", .type = &nv_option_size, .offset = AT(size_bytes), .fallback = "1Ki"},
    {.name = "time",
     .type = &nv_option_time,
     .offset = AT(time_ns),
     .fallback = "20ms",
     .min = 1,
     .max = 1000000000},
    {.name = "rate", .type = &nv_option_rate, .offset = AT(rate), .fallback = "max"},
    {.name = "colour",
     .type = &nv_option_choice,
     .offset = AT(choice),
     .fallback = "red",
     .choices = colours},
    {.name = "text", .type = &nv_option_text, .offset = AT(text), .fallback = "", .form = "a word"},
    {.name = NULL},
};

static const struct nv_option *row(const char *name)
{
    return nv_option_find(table, name, strlen(name));
}

static void defaults_are_set(void **state)
{
    (void)state;
    struct target target = {.guard = 77};
    nv_options_reset(table, &target);
    assert_true(target.flag);
    assert_int_equal(target.count, 5);
    assert_int_equal(target.size_bytes, 1024);
    assert_int_equal(target.time_ns, 20000000);
    assert_int_equal(target.rate.kind, NV_RATE_MAX);
    assert_int_equal(target.choice, 0);
    assert_string_equal(target.text, "");
    assert_int_equal(target.guard, 77);
}

/* What is set is given back as text that sets the same. */
static void values_come_back(void **state)
{
    static const char *const rows[][3] = {
        {"flag", "off", "no"},        {"flag", "true", "yes"},
        {"flag", "1", "yes"},         {"count", "9k", "9000"},
        {"count", "2", "2"},          {"size", "4Mi", "4194304"},
        {"time", "0.25ms", "250us"},  {"rate", "10k/s", "10000/s"},
        {"colour", "green", "green"}, {"text", "a, b = c", "a, b = c"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct target target;
        struct target again;
        char text[256];
        nv_options_reset(table, &target);
        nv_options_reset(table, &again);
        const struct nv_option *option = row(rows[i][0]);
        assert_int_equal(nv_option_set(option, &target, rows[i][1], NULL), NV_OK);
        nv_option_get(option, &target, text, sizeof text);
        assert_string_equal(text, rows[i][2]);
        assert_int_equal(nv_option_set(option, &again, text, NULL), NV_OK);
        nv_option_get(option, &again, text, sizeof text);
        assert_string_equal(text, rows[i][2]);
    }
}

/* One line: the option, the text, the legal form. The value stays what it was. */
static void bad_values_are_explained(void **state)
{
    static const char *const rows[][3] = {
        {"flag", "maybe", "yes|no"},     {"count", "1", "from 2 to 9000"},
        {"count", "9001", "9000"},       {"count", "two", "N"},
        {"time", "2s", "at most 1s"},    {"time", "0", "TIME"},
        {"size", "1.5", "BYTES"},        {"rate", "0/s", "N/s, Nbit/s or max"},
        {"colour", "blue", "red|green"}, {"colour", "", "red|green"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct target target;
        struct target before;
        struct nv_error err = {0};
        memset(&target, 0, sizeof target);
        nv_options_reset(table, &target);
        before = target;
        assert_int_equal(nv_option_set(row(rows[i][0]), &target, rows[i][1], &err), NV_E_USAGE);
        assert_int_equal(err.code, NV_E_USAGE);
        for (unsigned j = 0; j < 3; j++)
            assert_non_null(strstr(err.message, rows[i][j]));
        assert_null(strchr(err.message, '\n'));
        assert_memory_equal(&target, &before, sizeof target);
    }
}

static void texts_have_room_or_are_refused(void **state)
{
    (void)state;
    struct target target = {.guard = 77};
    char text[NV_OPTION_TEXT_BYTES + 1];
    struct nv_error err = {0};
    memset(text, 'w', sizeof text);
    text[NV_OPTION_TEXT_BYTES] = '\0';
    assert_int_equal(nv_option_set(row("text"), &target, text, &err), NV_E_USAGE);
    assert_non_null(strstr(err.message, "a word"));
    text[NV_OPTION_TEXT_BYTES - 1] = '\0';
    assert_int_equal(nv_option_set(row("text"), &target, text, NULL), NV_OK);
    assert_string_equal(target.text, text);
    assert_int_equal(target.guard, 77);
}

static void names_are_whole(void **state)
{
    (void)state;
    assert_ptr_equal(row("size"), &table[2]);
    assert_null(row("siz"));
    assert_null(row("sizes"));
    assert_null(row(""));
    assert_ptr_equal(nv_option_find(table, "size=64", 4), &table[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_set),
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(bad_values_are_explained),
        cmocka_unit_test(texts_have_room_or_are_refused),
        cmocka_unit_test(names_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
