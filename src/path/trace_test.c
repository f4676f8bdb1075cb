/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/rng.h"
#include "path/rig_test.h"

/* Traces in mahimahi's format: each line is a ms at which 1500 bytes may go. */

static void open_trace(struct nv_rig *rig, const char *text, const char *more)
{
    char file[] = NV_RIG_FILE, path[256];
    nv_rig_write(file, text);
    (void)snprintf(path, sizeof path, "trace=%s,%s", file, more);
    nv_rig_open_sized(rig, path, 1, NV_RIG_PACKETS);
    (void)unlink(file);
}

struct row {
    uint64_t in_ns;
    uint32_t len_bytes;
    uint64_t out_ns;
};

struct example {
    const char *trace, *more;
    struct row rows[8]; /* len_bytes 0 ends them */
};

static const struct example examples[] = {
    /* several in one ms; the trace begins again behind its last line */
    {"2\n2\n5\n10\n",
     "queue=64k",
     {{0, 1500, 2 * MS},
      {0, 1500, 2 * MS},
      {0, 1500, 5 * MS},
      {0, 1500, 10 * MS},
      {0, 1500, 12 * MS},
      {0, 1500, 12 * MS},
      {0, 1500, 15 * MS}}},
    /* half of the second packet goes at 1 ms, half at 4, with all of the third */
    {"1\n4\n6\n",
     "queue=64k",
     {{0, 1000, MS}, {0, 1000, 4 * MS}, {0, 1000, 4 * MS}, {0, 1500, 6 * MS}, {0, 1, 7 * MS}}},
    /* what was not used is lost, whether nobody was there or not enough of them */
    {"1\n4\n6\n",
     "queue=64k",
     {{0, 100, MS}, {MS + 1, 1500, 4 * MS}, {5 * MS, 1, 6 * MS}, {9 * MS, 1500, 10 * MS}}},
    /* to the ns */
    {"1\n4\n6\n",
     "queue=64k",
     {{4 * MS, 100, 4 * MS},
      {4 * MS + 1, 100, 6 * MS},
      {7 * MS, 1500, 7 * MS},
      {7 * MS, 1500, 10 * MS}}},
    /* one that comes while another is half gone takes what that one leaves */
    {"1\n4\n6\n",
     "queue=64k",
     {{0, 750, MS}, {0, 1500, 4 * MS}, {2 * MS, 750, 4 * MS}, {3 * MS, 1, 6 * MS}}},
    /* a packet over three opportunities, and one over four; the last begins the trace again */
    {"1\n4\n6\n",
     "queue=64k,mtu=9000",
     {{0, 4500, 6 * MS},
      {6 * MS + 1, 4501, 13 * MS},
      {6 * MS + 2, 1499, 13 * MS},
      {6 * MS + 3, 1, 16 * MS}}},
    /* after a long time: 166 rounds of 6 ms are 996 */
    {"1\n4\n6\n",
     "queue=64k",
     {{0, 1500, MS},
      {1000200 * US, 1500, 1002 * MS},
      {1000200 * US, 1500, 1003 * MS},
      {3000 * SECOND, 1500, 3000 * SECOND},
      {3000 * SECOND + 1, 9, 3000 * SECOND + MS}}},
    /* the first line is 0: it is at the same time as the last one of the round before */
    {"0\n5\n",
     "queue=64k",
     {{0, 1500, 0}, {0, 1500, 5 * MS}, {0, 1500, 5 * MS}, {0, 1500, 10 * MS}, {0, 1500, 10 * MS}}},
    /* overhead takes part of it; delay comes behind */
    {"1\n4\n6\n",
     "queue=64k,overhead=100,delay=2ms",
     {{0, 1400, 3 * MS}, {0, 1401, 8 * MS}, {0, 1298, 8 * MS}, {0, 1, 8 * MS}, {0, 1, 9 * MS}}},
    /* one line; words may stand anywhere between blanks */
    {" 3", "queue=64k", {{0, 1500, 3 * MS}, {0, 1500, 6 * MS}, {8 * MS, 1500, 9 * MS}}},
};

static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        const struct row *rows = examples[i].rows;
        struct nv_rig rig;
        size_t count = 0;
        open_trace(&rig, examples[i].trace, examples[i].more);
        nv_chain_start(&rig.chain, 0, NEVER_NS);
        for (; count < COUNT(examples[i].rows) && rows[count].len_bytes; count++)
            nv_rig_send(&rig, rows[count].in_ns, rows[count].len_bytes);
        nv_rig_drain(&rig);
        assert_int_equal(rig.count, count);
        for (size_t k = 0; k < count; k++)
            if (rig.arrivals[k].number != k + 1 || rig.arrivals[k].at_ns != rows[k].out_ns)
                fail_msg("example %zu, packet %zu: at %llu", i, k + 1,
                         (unsigned long long)rig.arrivals[k].at_ns);
        nv_rig_close(&rig);
    }
}

/* Times count from the start of the run; before it the link is there, too. */
static void test_begins_with_the_run(void **state)
{
    (void)state;
    const uint64_t start_ns = 7 * SECOND + 123456;
    const uint64_t out_ns[] = {start_ns + MS, start_ns + 4 * MS, start_ns + 1003 * MS};
    struct nv_rig rig;
    open_trace(&rig, "1\n4\n6\n", "queue=64k");
    nv_rig_send(&rig, 3 * SECOND + 2 * MS, 1500); /* the trace is left within a round */
    nv_rig_drain(&rig);
    assert_int_equal(rig.count, 1);
    assert_in_range(rig.arrivals[0].at_ns, 3 * SECOND + 2 * MS, 3 * SECOND + 5 * MS);
    rig.count = 0;
    nv_chain_start(&rig.chain, start_ns, 9 * SECOND);
    nv_rig_send(&rig, start_ns, 1500);
    nv_rig_send(&rig, start_ns, 1500);
    nv_rig_send(&rig, start_ns + 1002 * MS + 1, 1500);
    nv_rig_drain(&rig);
    nv_rig_expect_times(&rig, out_ns, COUNT(out_ns));
    nv_rig_close(&rig);
}

static void test_queue_before_a_trace(void **state)
{
    (void)state;
    static const uint64_t came[] = {1, 2, 5};
    struct nv_rig rig;
    open_trace(&rig, "1\n4\n6\n", "queue=3500");
    nv_chain_start(&rig.chain, 0, NEVER_NS);
    nv_rig_send(&rig, 0, 2000);
    nv_rig_send(&rig, 0, 1500);
    nv_rig_send(&rig, 0, 1);         /* full */
    nv_rig_send(&rig, 2 * MS, 1);    /* the first is not gone before all of it is */
    nv_rig_send(&rig, 4 * MS, 2000); /* now: 500 of it, 1000 of the next */
    nv_rig_send(&rig, 4 * MS, 1);
    nv_rig_drain(&rig);
    nv_rig_expect_numbers(&rig, came, COUNT(came));
    assert_int_equal(nv_rig_drops(&rig, NV_DROP_QUEUE), 3);
    assert_int_equal(nv_rig_account(&rig)->queue_max_bytes, 3500);
    nv_rig_close(&rig);
}

/* The definition, as it stands: at each opportunity, in order, up to 1500 bytes of what has come
 * until then. */
struct sender {
    uint64_t in_ns[2000], out_ns[2000];
    uint32_t len[2000], left[2000];
};

static void by_definition(struct sender *sender, const uint32_t *ms, unsigned lines)
{
    unsigned packet = 0;
    for (uint64_t i = 0; packet < COUNT(sender->len); i++) {
        uint64_t at_ns = (i / lines * ms[lines - 1] + ms[i % lines]) * MS;
        uint32_t room = 1500;
        while (room && packet < COUNT(sender->len) && sender->in_ns[packet] <= at_ns) {
            uint32_t part = sender->left[packet] < room ? sender->left[packet] : room;
            room -= part;
            sender->left[packet] -= part;
            if (sender->left[packet])
                break;
            sender->out_ns[packet++] = at_ns;
        }
    }
}

/* Traces of 12 Mbit/s in the mean, with gaps; arrivals that fall between ms. */
static void test_random_traces(void **state)
{
    (void)state;
    enum { LINES = 60, SEEDS = 20 };
    static struct sender sender;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char text[LINES * 8];
        uint32_t ms[LINES] = {0};
        size_t used = 0;
        struct nv_rig rig;
        struct nv_rng rng;
        nv_rng_seed(&rng, seed);
        for (unsigned i = 0; i < LINES; i++) {
            ms[i] =
                (i ? ms[i - 1] : 0) + (uint32_t)(nv_rng_below(&rng, 3) ? 0 : nv_rng_below(&rng, 7));
            ms[i] += i == LINES - 1; /* not 0 */
            used += (size_t)snprintf(text + used, sizeof text - used, "%u\n", ms[i]);
        }
        open_trace(&rig, text, "queue=100M");
        nv_chain_start(&rig.chain, 0, NEVER_NS);
        uint64_t at_ns = 1;
        for (size_t i = 0; i < COUNT(sender.len); i++) {
            at_ns += nv_rng_below(&rng, 1200) * US + (nv_rng_below(&rng, 300) ? 0 : 500 * MS);
            sender.in_ns[i] = at_ns;
            sender.len[i] = sender.left[i] = 1 + (uint32_t)nv_rng_below(&rng, 1500);
            nv_rig_send(&rig, at_ns, sender.len[i]);
        }
        by_definition(&sender, ms, LINES);
        nv_rig_drain(&rig);
        nv_rig_expect_times(&rig, sender.out_ns, COUNT(sender.out_ns));
        nv_rig_close(&rig);
    }
}

static void refuses(const char *text, unsigned line)
{
    char file[] = NV_RIG_FILE, path[256], why[512];
    nv_rig_write(file, text);
    (void)snprintf(path, sizeof path, "queue=64k,trace=%s", file);
    (void)snprintf(why, sizeof why,
                   "trace %s: line %u is not a whole number of ms, or smaller than the one before",
                   file, line);
    nv_rig_refuses(path, why);
    (void)unlink(file);
}

static void test_files_that_are_no_traces(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
    } rows[] = {
        {"", 1},
        {"x\n", 1},
        {"5\n3\n", 2},
        {"1\n2.5\n3\n", 2},
        {"-1\n", 1},
        {"1\n-1\n", 2},
        {"1.0\n", 1},
        {"1\n2\n3ms\n", 3},
        {"1\n4294967296\n", 2},
        {"1\n99999999999999999999\n", 2},
        {"1\n+2\n", 2},
        {"0x10\n", 1},
        {"1,2\n", 1},
        {"0\n", 2},
        {"0\n0\n", 3}, /* a round that takes no time */
    };
    nv_rig_refuses("queue=64k,trace=/nonexistent/trace",
                   "trace /nonexistent/trace: No such file or directory");
    for (size_t i = 0; i < COUNT(rows); i++)
        refuses(rows[i].text, rows[i].line);
}

/* 2^23 lines are the most that is read. */
static void test_long_files(void **state)
{
    (void)state;
    static const unsigned lines_max = 1u << 23;
    char *text = malloc(2 * (size_t)lines_max + 3);
    struct nv_rig rig;
    assert_non_null(text);
    for (size_t i = 0; i <= lines_max; i++)
        memcpy(text + 2 * i, "1\n", 2);
    text[2 * lines_max + 2] = '\0';
    refuses(text, lines_max + 1);
    text[2 * 10000] = '\0';
    open_trace(&rig, text, "queue=64k");
    nv_rig_close(&rig);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_begins_with_the_run),
        cmocka_unit_test(test_queue_before_a_trace),
        cmocka_unit_test(test_random_traces),
        cmocka_unit_test(test_files_that_are_no_traces),
        cmocka_unit_test(test_long_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
