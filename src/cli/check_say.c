/* SPDX-License-Identifier: MIT */
#include "cli/check_say.h"

#include <math.h>
#include <string.h>

#include "output/csv_row.h"
#include "output/field.h"
#include "output/lines.h"

#define NAME_BYTES 96
#define TEXT_BYTES 64
#define GROSS_TOLERANCES 10.0
#define GROSS_MAX 3u

/* What check.csv is told of a line. */
struct told {
    char name[NAME_BYTES];
    const struct nv_check_line *line;
    const char *outcome; /* yes, no, skipped; "" of what is only recorded */
};

bool nv_check_is_broken(const struct nv_check_context *check)
{
    return strcmp(check->broken, check->row->name) == 0;
}

const char *nv_check_pick(const struct nv_check_context *check, const char *usual,
                          const char *other)
{
    return nv_check_is_broken(check) ? other : usual;
}

/* ---- check.csv ---- */

static void get_name(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct told *)line)->name);
}

static void get_value(struct nv_field *field, const struct nv_column *column, const void *line)
{
    double value;
    memcpy(&value, (const char *)((const struct told *)line)->line + column->offset, sizeof value);
    nv_field_real(field, value);
}

static void get_unit(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct told *)line)->line->unit);
}

static void get_outcome(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct told *)line)->outcome);
}

static void get_note(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, ((const struct told *)line)->line->note);
}

#define VALUE(member) get_value, .offset = offsetof(struct nv_check_line, member)

static const struct nv_column columns[] = {
    NV_COLUMN("check", "Name of the check, a dot, and of what of it.", get_name),
    NV_COLUMN("observed", "What was seen; empty when it was skipped.", VALUE(observed)),
    NV_COLUMN("expected", "What should be; empty when there is no rule.", VALUE(expected)),
    NV_COLUMN("tolerance", "How far from it is right, either way.", VALUE(tolerance)),
    NV_COLUMN("unit", "Of these three.", get_unit),
    NV_COLUMN("pass", "yes, no, skipped; empty: only recorded.", get_outcome),
    NV_COLUMN("note", "Why it was skipped, or what else to know.", get_note),
};

static void write_row(struct nv_check_context *check, const struct told *told)
{
    char row[sizeof columns / sizeof columns[0] * (2 * NV_FIELD_BYTES + 3) + 1];
    if (!check->csv)
        return;
    size_t len = nv_csv_row(row, columns, sizeof columns / sizeof columns[0], told);
    (void)fwrite(row, 1, len, check->csv);
    (void)fflush(check->csv);
}

void nv_check_say_header(struct nv_check_context *check)
{
    write_row(check, NULL);
}

/* ---- for people ---- */

static const char *show(double value, const char *unit, char out[TEXT_BYTES])
{
    char text[TEXT_BYTES];
    if (value == 0)
        (void)snprintf(text, sizeof text, "0");
    else if (strcmp(unit, "ns") == 0)
        (void)nv_show_time(fabs(value), text, sizeof text);
    else if (strcmp(unit, "bit/s") == 0)
        (void)nv_show_bitrate(fabs(value), text, sizeof text);
    else
        (void)snprintf(text, sizeof text,
                       fabs(value) < 1e15 && value == trunc(value) ? "%.0f" : "%.4g", fabs(value));
    (void)snprintf(out, TEXT_BYTES, "%s%.60s", value < 0 ? "-" : "", text);
    return out;
}

static bool has_own_unit(const char *unit)
{
    return strcmp(unit, "ns") == 0 || strcmp(unit, "bit/s") == 0;
}

static void print_line(const struct told *told, const char *word)
{
    const struct nv_check_line *line = told->line;
    char observed[TEXT_BYTES];
    char expected[TEXT_BYTES];
    char tolerance[TEXT_BYTES];
    const char *unit = has_own_unit(line->unit) ? "" : line->unit;
    const char *gap = *unit ? " " : "";
    (void)printf("  %-7s  %-34s", word, told->name);
    if (isnan(line->observed))
        (void)printf(" -");
    else if (isnan(line->expected))
        (void)printf(" %s%s%s", show(line->observed, line->unit, observed), gap, unit);
    else if (line->tolerance == 0)
        (void)printf(" %s of %s%s%s", show(line->observed, line->unit, observed),
                     show(line->expected, line->unit, expected), gap, unit);
    else
        (void)printf(" %s of %s ± %s%s%s", show(line->observed, line->unit, observed),
                     show(line->expected, line->unit, expected),
                     show(line->tolerance, line->unit, tolerance), gap, unit);
    (void)printf("%s%s%s\n", line->note[0] ? " (" : "", line->note, line->note[0] ? ")" : "");
    (void)fflush(stdout);
}

static void tell(struct nv_check_context *check, const struct nv_check_line *line,
                 const char *outcome, const char *word)
{
    struct told told = {.line = line, .outcome = outcome};
    (void)snprintf(told.name, sizeof told.name, "%s.%s", check->row->name, line->what);
    print_line(&told, word);
    write_row(check, &told);
}

/* As many names as fit; the rest is a number. */
static void note_failure(struct nv_check_context *check, const char *what)
{
    size_t used = strlen(check->failures);
    size_t left = sizeof check->failures - used;
    int len =
        snprintf(check->failures + used, left, "%s%s.%s", used ? ", " : "", check->row->name, what);
    check->failed++;
    if (len < 0 || (size_t)len >= left) {
        check->failures[used] = '\0';
        check->unnamed++;
    }
}

bool nv_check_passes(const struct nv_check_line *line)
{
    return isnan(line->expected) || fabs(line->observed - line->expected) <= line->tolerance;
}

void nv_check_say(struct nv_check_context *check, const struct nv_check_line *line)
{
    if (isnan(line->expected)) {
        check->recorded++;
        tell(check, line, "", "noted");
    } else if (nv_check_passes(line)) {
        check->passed++;
        tell(check, line, "yes", "pass");
    } else {
        note_failure(check, line->what);
        tell(check, line, "no", "FAIL");
    }
}

void nv_check_equal(struct nv_check_context *check, const char *what, uint64_t observed,
                    uint64_t expected, const char *unit)
{
    struct nv_check_line line = {
        .observed = (double)observed, .expected = (double)expected, .unit = unit};
    (void)snprintf(line.what, sizeof line.what, "%s", what);
    nv_check_say(check, &line);
}

void nv_check_between(struct nv_check_context *check, const char *what, double observed,
                      struct nv_bounds bounds, const char *unit)
{
    struct nv_check_line line = {.observed = observed,
                                 .expected = (bounds.lo + bounds.hi) / 2,
                                 .tolerance = (bounds.hi - bounds.lo) / 2,
                                 .unit = unit};
    (void)snprintf(line.what, sizeof line.what, "%s", what);
    nv_check_say(check, &line);
}

static struct nv_check_line without_values(const char *what, const char *note)
{
    struct nv_check_line line = {.observed = NAN, .expected = NAN, .tolerance = NAN, .unit = ""};
    (void)snprintf(line.what, sizeof line.what, "%s", what);
    (void)snprintf(line.note, sizeof line.note, "%.250s", note);
    return line;
}

void nv_check_skip(struct nv_check_context *check, const char *what, const char *reason)
{
    struct nv_check_line line = without_values(what, reason);
    check->skipped++;
    tell(check, &line, "skipped", "skipped");
}

void nv_check_fail(struct nv_check_context *check, const char *what, const char *reason)
{
    struct nv_check_line line = without_values(what, reason);
    note_failure(check, what);
    tell(check, &line, "no", "FAIL");
}

void nv_check_say_title(struct nv_check_context *check)
{
    (void)printf("%s: %s (%s)\n", check->row->name, check->row->help, check->row->reference);
    (void)fflush(stdout);
}

void nv_check_say_end(struct nv_check_context *check, uint64_t elapsed_ns)
{
    char elapsed[TEXT_BYTES];
    (void)printf("\n%u passed, %u failed, %u skipped, %u noted in %s\n", check->passed,
                 check->failed, check->skipped, check->recorded,
                 nv_show_time((double)elapsed_ns, elapsed, sizeof elapsed));
}

/* Further off than any noise. */
static bool is_gross(const struct nv_check_line *line)
{
    return line->tolerance > 0 &&
           fabs(line->observed - line->expected) > GROSS_TOLERANCES * line->tolerance;
}

static void note_attempt(struct nv_check_line *line, unsigned attempt)
{
    size_t used = strlen(line->note);
    if (attempt > 1)
        (void)snprintf(line->note + used, sizeof line->note - used, "%sattempt %u",
                       used ? "; " : "", attempt);
}

/* Takes over what has not passed before; how many have not passed yet. */
static unsigned take_lines(const struct nv_check_line *lines, unsigned count,
                           struct nv_check_line *kept, unsigned attempt)
{
    unsigned open = 0;
    for (unsigned i = 0; i < count; i++) {
        if (attempt > 1 && nv_check_passes(&kept[i]))
            continue;
        kept[i] = lines[i];
        note_attempt(&kept[i], attempt);
        open += !nv_check_passes(&kept[i]);
    }
    return open;
}

static bool any_gross(const struct nv_check_line *lines, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (is_gross(&lines[i]))
            return true;
    return false;
}

static void say_lines(struct nv_check_context *check, const struct nv_check_line *lines,
                      unsigned count)
{
    bool too_busy = check->spoiled[0] && !nv_check_is_broken(check);
    for (unsigned i = 0; i < count; i++)
        if (too_busy && !nv_check_passes(&lines[i]))
            nv_check_skip(check, lines[i].what, check->spoiled);
        else
            nv_check_say(check, &lines[i]);
}

/* A line is kept as soon as it has passed; one that never did is shown as it was last. */
int nv_check_time(struct nv_check_context *check, const struct nv_check_timing *timing)
{
    struct nv_check_line kept[NV_CHECK_LINES_MAX];
    unsigned open = 1;
    unsigned gross = 0;
    unsigned attempts = nv_check_is_broken(check) ? 1 : NV_CHECK_ATTEMPTS;
    int count = 0;
    for (unsigned attempt = 1;
         open && gross < GROSS_MAX && attempt <= attempts && !check->interrupted; attempt++) {
        struct nv_check_line lines[NV_CHECK_LINES_MAX];
        memset(lines, 0, sizeof lines);
        check->spoiled[0] = '\0';
        count = timing->measure(check, timing->what, lines);
        if (count < 0)
            return count;
        open = take_lines(lines, (unsigned)count, kept, attempt);
        bool is_far = !check->spoiled[0] && any_gross(kept, (unsigned)count);
        gross = is_far ? gross + 1 : 0;
    }
    say_lines(check, kept, (unsigned)count);
    return NV_OK;
}
