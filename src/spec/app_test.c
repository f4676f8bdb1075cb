/* SPDX-License-Identifier: MIT */
#include "spec/app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct nv_preset own[] = {
    {"mine", "voip,size=80", "", NULL},
    {"bulk", "rate=1/s", "goes before the preset of this name", NULL},
    {"odd", "sise=80", "", NULL},
    {NULL, NULL, NULL, NULL},
};

static struct nv_spec applied(const char *name)
{
    struct nv_spec spec;
    struct nv_error err = {0};
    nv_options_reset(nv_spec_options, &spec);
    if (nv_app_apply(&spec, name, own, &err))
        fail_msg("%s: %s", name, err.message);
    return spec;
}

static void presets_are_legal(void **state)
{
    (void)state;
    for (const struct nv_preset *preset = nv_app_presets; preset->name; preset++) {
        struct nv_spec spec = applied(preset->name);
        assert_int_equal(nv_spec_check(&spec, NULL), NV_OK);
        assert_non_null(preset->help);
        assert_non_null(preset->source);
    }
}

static void an_app_leaves_the_rest(void **state)
{
    (void)state;
    struct nv_spec spec = applied("mine");
    assert_int_equal(nv_sizes_max(&spec.sizes), 80);
    assert_int_equal(spec.rate.milli_per_s, 50000);
    assert_int_equal(spec.flows, 1);
    assert_string_equal(spec.path, "none");
    spec = applied("bulk");
    assert_int_equal(spec.rate.milli_per_s, 1000);
    assert_int_equal(nv_sizes_max(&spec.sizes), 64);
}

static const struct nv_option *option(const char *name)
{
    return nv_option_find(nv_spec_options, name, strlen(name));
}

static void what_an_app_sets(void **state)
{
    (void)state;
    assert_true(nv_app_sets("mine", own, option("rate"))); /* as voip does */
    assert_true(nv_app_sets("mine", own, option("size")));
    assert_false(nv_app_sets("mine", own, option("flows")));
    assert_false(nv_app_sets("bulk", own, option("size")));
    assert_true(nv_app_sets("bulk", NULL, option("size")));
    assert_false(nv_app_sets("nothing", own, option("size")));
}

static void mistakes_are_explained(void **state)
{
    static const char *const rows[][2] = {
        {"sise=80", "unknown option 'sise'; did you mean 'size'?"},
        {"colour=red", "unknown option 'colour'"},
        {"path=lan", "'path' is nothing that an app sets"},
        {"transport=tcp", "'transport' is nothing that an app sets"},
        {"app=voip", "'app' is nothing that an app sets"},
        {"duration=1s", "'duration' is nothing that an app sets"},
        {"size=39", NULL},
        {"rpcs", "no app 'rpcs'; did you mean 'rpc'? See netversus list apps"},
        {"", "no app ''; see netversus list apps"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_error err = {0};
        assert_int_equal(nv_app_parse_item(rows[i][0], &err), NV_E_USAGE);
        if (rows[i][1])
            assert_string_equal(err.message, rows[i][1]);
    }
    struct nv_spec spec;
    struct nv_error err = {0};
    assert_int_equal(nv_app_apply(&spec, "odd", own, &err), NV_E_USAGE);
    assert_string_equal(err.message, "app odd: unknown option 'sise'; did you mean 'size'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_legal),
        cmocka_unit_test(an_app_leaves_the_rest),
        cmocka_unit_test(what_an_app_sets),
        cmocka_unit_test(mistakes_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
