/* SPDX-License-Identifier: MIT */
#include "output/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* "a·b€" is 61 c2b7 62 e282ac: 7 bytes and the NUL. A cut character is left out whole. */
static void cut_between_characters(void **state)
{
    (void)state;
    static const char *const kept[] = {"", "", "a", "a", "a·", "a·b", "a·b", "a·b", "a·b€"};
    for (size_t bytes = 1; bytes < sizeof kept / sizeof kept[0]; bytes++) {
        char out[16];
        memset(out, '#', sizeof out);
        struct nv_text text = nv_text_in(out, bytes);
        nv_say(&text, "a%sb€", "·");
        assert_string_equal(out, kept[bytes]);
        assert_int_equal(text.used, strlen(out));
        for (size_t i = bytes; i < sizeof out; i++)
            assert_int_equal(out[i], '#');
    }
}

static void pieces_follow_each_other(void **state)
{
    (void)state;
    char out[64];
    struct nv_text text = nv_text_in(out, sizeof out);
    static const char *const items[] = {"one", "two", "three"};
    for (unsigned count = 1; count <= 3; count++) {
        size_t start = text.used;
        for (unsigned i = 0; i < count; i++) {
            nv_say_joint(&text, i, count);
            nv_say(&text, "%s", items[i]);
        }
        nv_say_capital(&text, start);
        nv_say(&text, ". ");
    }
    assert_string_equal(out, "One. One and two. One, two and three. ");
}

static void shares_are_never_rounded_to_all(void **state)
{
    (void)state;
    static const struct {
        double share;
        const char *text;
    } rows[] = {{0, "0.00 %"},        {0.0012, "0.12 %"}, {0.00996, "1.0 %"}, {0.031, "3.1 %"},
                {0.0996, "10 %"},     {0.994, "99 %"},    {0.9951, "99.5 %"}, {0.9999, "99.99 %"},
                {1 - 1e-12, "100 %"}, {0.0995, "10 %"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[32];
        struct nv_text text = nv_text_in(out, sizeof out);
        nv_say_percent(&text, rows[i].share);
        assert_string_equal(out, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_between_characters),
        cmocka_unit_test(pieces_follow_each_other),
        cmocka_unit_test(shares_are_never_rounded_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
