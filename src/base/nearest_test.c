/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is_told(const char *name, const char *expected)
{
    static const char *const names[] = {"count", "size", "colour", "rate", "colours", "cc"};
    struct nv_nearest nearest = nv_nearest_to(name);
    char words[NV_NEAREST_WORDS_BYTES];
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        nv_nearest_see(&nearest, names[i]);
    assert_string_equal(nv_nearest_words(&nearest, "; none", words), expected);
}

static void mistyped_names_find_their_neighbour(void **state)
{
    (void)state;
    is_told("siez", "; did you mean 'size'?");
    is_told("cuont", "; did you mean 'count'?");
    is_told("color", "; did you mean 'colour'?"); /* 1; colours: 2 */
    is_told("rat", "; did you mean 'rate'?");
    is_told("elephant", "; none");
    is_told("a-name-that-is-longer-than-any-of-those-here", "; none");
}

/* A name of two letters is two away from any other of two. */
static void short_names_are_near_to_few(void **state)
{
    (void)state;
    is_told("", "; none");
    is_told("x", "; none");
    is_told("xx", "; none");
    is_told("xc", "; did you mean 'cc'?");
}

static void all_that_are_as_near_are_told(void **state)
{
    (void)state;
    is_told("colourz", "; did you mean 'colour' or 'colours'?");
    struct nv_nearest nearest = nv_nearest_to("ab");
    char words[NV_NEAREST_WORDS_BYTES];
    static const char *const names[] = {"ax", "ay", "ay", "az", "ac"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        nv_nearest_see(&nearest, names[i]);
    assert_string_equal(nv_nearest_words(&nearest, "", words),
                        "; did you mean 'ax', 'ay' or 'az'?");
}

/* Only where nothing is spelt alike. */
static void other_reasons_come_second(void **state)
{
    (void)state;
    char words[NV_NEAREST_WORDS_BYTES];
    struct nv_nearest nearest = nv_nearest_to("loss");
    nv_nearest_offer(&nearest, "loss_ratio", 2);
    assert_string_equal(nv_nearest_words(&nearest, "", words), "; did you mean 'loss_ratio'?");
    nv_nearest_see(&nearest, "lost");
    assert_string_equal(nv_nearest_words(&nearest, "", words), "; did you mean 'lost'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistyped_names_find_their_neighbour),
        cmocka_unit_test(short_names_are_near_to_few),
        cmocka_unit_test(all_that_are_as_near_are_told),
        cmocka_unit_test(other_reasons_come_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
