/* SPDX-License-Identifier: MIT */
#include "base/cpus.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void sets_are_read_and_written_back(void **state)
{
    static const struct {
        const char *text, *written;
        unsigned count;
    } rows[] = {{"0", "0", 1},       {"2-5", "2-5", 4},         {"7+0", "0+7", 2},
                {"0+1+2", "0-2", 3}, {"3+1-2+70", "1-3+70", 4}, {"63-64", "63-64", 2},
                {"1023", "1023", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nv_cpus cpus;
        char written[64];
        const char *end = nv_cpus_parse(&cpus, rows[i].text, '\0');
        assert_ptr_equal(end, rows[i].text + strlen(rows[i].text));
        assert_int_equal(nv_cpus_count(&cpus), rows[i].count);
        assert_int_equal(nv_cpus_format(&cpus, written, sizeof written), strlen(rows[i].written));
        assert_string_equal(written, rows[i].written);
    }
}

static void anything_else_is_refused(void **state)
{
    static const char *const texts[] = {"",   "x",    "-1",      "1-",   "3-2", "1+",
                                        "1,", "1024", "0-99999", "1:2x", "+1",  " 1"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct nv_cpus cpus;
        assert_null(nv_cpus_parse(&cpus, texts[i], '\0'));
    }
}

static void a_separator_ends_a_set(void **state)
{
    struct nv_cpus cpus;
    const char *text = "0+2:1";
    (void)state;
    assert_ptr_equal(nv_cpus_parse(&cpus, text, ':'), text + 3);
    assert_int_equal(nv_cpus_count(&cpus), 2);
}

static void what_does_not_fit_is_cut_as_by_snprintf(void **state)
{
    struct nv_cpus cpus;
    char written[4];
    (void)state;
    assert_non_null(nv_cpus_parse(&cpus, "10+20+30", '\0'));
    assert_int_equal(nv_cpus_format(&cpus, written, sizeof written), 8);
    assert_string_equal(written, "10+");
}

/* Of the processors that we may use, the nth in turn. */
static void a_thread_is_kept_on_the_processor_of_its_number(void **state)
{
    cpu_set_t before;
    cpu_set_t now;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    struct nv_cpus cpus = {0};
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &before))
            cpus.bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
    unsigned count = nv_cpus_count(&cpus);
    unsigned index = 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &before))
            continue;
        assert_int_equal(nv_cpus_pin(&cpus, index + 3 * count, NULL), NV_OK);
        assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
        assert_int_equal(CPU_COUNT(&now), 1);
        assert_true(CPU_ISSET(cpu, &now));
        index++;
    }
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static void no_processor_and_one_that_is_not_there(void **state)
{
    struct nv_cpus none = {0};
    struct nv_cpus far = {0};
    struct nv_error err = {0};
    (void)state;
    assert_int_equal(nv_cpus_pin(&none, 5, &err), NV_OK);
    far.bits[NV_CPUS_MAX / 64 - 1] = UINT64_C(1) << 63;
    assert_int_equal(nv_cpus_pin(&far, 0, &err), NV_E_FAILED);
    assert_string_equal(err.message,
                        "cpus: processor 1023 (pthread_setaffinity_np): Invalid argument");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_read_and_written_back),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_separator_ends_a_set),
        cmocka_unit_test(what_does_not_fit_is_cut_as_by_snprintf),
        cmocka_unit_test(a_thread_is_kept_on_the_processor_of_its_number),
        cmocka_unit_test(no_processor_and_one_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
