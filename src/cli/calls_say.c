/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/arguments.h"
#include "cli/calls.h"
#include "output/csv_row.h"
#include "output/field.h"
#include "output/lines.h"

/* What `netversus calls` shows: two columns on a page that is wide enough, else one; or rows. */

#define PAGE_WIDTH 100u /* of what is no terminal */
#define PAGE_WIDTH_MIN 40u
#define TWO_COLUMNS_WIDTH 76u
#define GAP 2u
#define LABEL_WIDTH 8u /* "server  ", where there is one column */
#define HANGING 4u     /* further lines of a call */
#define TEXT_BYTES 512

#define CODE_BOLD "\033[1m"
#define CODE_DIM "\033[2m"
#define CODE_FAILED "\033[31m"
#define CODE_OFF "\033[0m"

const char *const nv_calls_end_names[NV_CALLS_ENDS] = {"server", "client"};

/* ---- rows ---- */

struct line {
    const struct nv_call_record *record;
    enum nv_calls_end end;
};

static const struct nv_call_record *record_of(const void *line)
{
    return ((const struct line *)line)->record;
}

static void get_end(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, nv_calls_end_names[((const struct line *)line)->end]);
}

static void get_call(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, record_of(line)->call);
}

static void get_arguments(struct nv_field *field, const struct nv_column *column, const void *line)
{
    const struct nv_call_record *record = record_of(line);
    (void)column;
    (void)snprintf(field->text, sizeof field->text, "%s%s%s", record->arguments,
                   record->filled[0] ? ", " : "", record->filled);
}

static void get_errno(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)column;
    nv_field_text(field, record_of(line)->error ? strerrorname_np(record_of(line)->error) : "");
}

static int64_t number_of(const struct nv_column *column, const void *line)
{
    int64_t value;
    memcpy(&value, (const char *)record_of(line) + column->offset, sizeof value);
    return value;
}

static void get_number(struct nv_field *field, const struct nv_column *column, const void *line)
{
    (void)snprintf(field->text, sizeof field->text, "%" PRId64, number_of(column, line));
}

#define NUMBER(member) get_number, .offset = offsetof(struct nv_call_record, member)

static const struct nv_column columns[] = {
    NV_COLUMN("end", "server or client.", get_end),
    NV_COLUMN("call", "The function that was called.", get_call),
    NV_COLUMN("arguments", "What it was told, then the address that it told.", get_arguments),
    NV_COLUMN("result", "What it returned.", NUMBER(result)),
    NV_COLUMN("errno", "Name of the error; empty when it succeeded.", get_errno),
    NV_COLUMN("took_ns", "From before the call to after it, in ns.", NUMBER(took_ns)),
};

#define COLUMN_COUNT (sizeof columns / sizeof columns[0])

static bool line_of(const struct nv_exchange *exchange, unsigned number, struct line *line)
{
    *line = (struct line){&exchange->records[number], exchange->script->steps[number].end};
    return line->record->call && line->record->took_ns >= 0;
}

void nv_exchange_print_csv(const struct nv_exchange *exchange)
{
    char row[COLUMN_COUNT * (2 * NV_FIELD_BYTES + 3) + 1];
    struct line line;
    (void)fwrite(row, 1, nv_csv_row(row, columns, COLUMN_COUNT, NULL), stdout);
    for (unsigned i = 0; exchange->script->steps[i].call; i++)
        if (line_of(exchange, i, &line))
            (void)fwrite(row, 1, nv_csv_row(row, columns, COLUMN_COUNT, &line), stdout);
}

static json_t *to_json(const struct line *line)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        struct nv_field field = {.text = ""};
        columns[i].get(&field, &columns[i], line);
        json_object_set_new(object, columns[i].name,
                            columns[i].get == get_number
                                ? json_integer(number_of(&columns[i], line))
                            : field.text[0] ? json_string(field.text)
                                            : json_null());
    }
    return object;
}

void nv_exchange_print_json(const struct nv_exchange *exchange)
{
    json_t *rows = json_array();
    struct line line;
    for (unsigned i = 0; exchange->script->steps[i].call; i++)
        if (line_of(exchange, i, &line))
            json_array_append_new(rows, to_json(&line));
    (void)json_dumpf(rows, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(rows);
}

/* ---- the page ---- */

struct page {
    unsigned cell; /* width of what an end says */
    bool two_columns, colour;
};

static unsigned page_width(void)
{
    struct winsize size = {.ws_col = 0};
    const char *told = getenv("COLUMNS");
    uint64_t width = 0;
    if ((!told || nv_parse_count(told, &width) || !width) &&
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (!width || width > PAGE_WIDTH)
        width = PAGE_WIDTH;
    return width < PAGE_WIDTH_MIN ? PAGE_WIDTH_MIN : (unsigned)width;
}

static struct page page_of(unsigned width)
{
    bool two_columns = width >= TWO_COLUMNS_WIDTH;
    return (struct page){.cell = two_columns ? (width - GAP) / 2 : width - LABEL_WIDTH,
                         .two_columns = two_columns,
                         .colour = nv_wants_colour()};
}

/* Bytes of the next line: whole words, or what fits of one that is too long. */
static size_t line_bytes(const char *text, size_t room)
{
    size_t len = strlen(text);
    if (len <= room)
        return len;
    for (len = room; len && text[len] != ' '; len--)
        continue;
    return len ? len : room;
}

struct cell {
    enum nv_calls_end end;
    const char *text, *code; /* the colour, or "" */
    const char *time;        /* stands at the right of the last line; "": none */
    unsigned indent;         /* of the first line; */
    unsigned hanging;        /* of further ones */
    bool labelled;
};

static void print_margin(const struct page *page, const struct cell *cell, bool first)
{
    if (!page->two_columns)
        (void)printf("%-*s", (int)LABEL_WIDTH,
                     first && cell->labelled ? nv_calls_end_names[cell->end] : "");
    else if (cell->end == NV_CALLS_CLIENT)
        (void)printf("%*s", (int)(page->cell + GAP), "");
}

static void print_time(const struct page *page, const struct cell *cell, size_t used)
{
    size_t len = strlen(cell->time);
    if (len && used + 1 + len > page->cell) {
        (void)printf("\n");
        print_margin(page, cell, false);
        used = 0;
    }
    if (len)
        (void)printf("%*s", (int)(page->cell - used), cell->time);
    (void)printf("\n");
}

static void print_cell(const struct page *page, const struct cell *cell)
{
    const char *text = cell->text;
    size_t indent = cell->indent;
    bool first = true;
    do {
        size_t len = line_bytes(text, page->cell - indent);
        print_margin(page, cell, first);
        (void)printf("%*s%s%.*s%s", (int)indent, "", page->colour ? cell->code : "", (int)len, text,
                     page->colour && cell->code[0] ? CODE_OFF : "");
        text += len;
        text += strspn(text, " ");
        if (*text)
            (void)printf("\n");
        else
            print_time(page, cell, indent + len);
        indent = cell->hanging;
        first = false;
    } while (*text);
}

/* ---- calls in order of time ---- */

/* A call begins, and it returns: two events, unless nothing happened in between. */
struct event {
    uint64_t at_ns;
    unsigned step;
    bool returns;
};

static int compare_events(const void *left, const void *right)
{
    const struct event *a = left;
    const struct event *b = right;
    if (a->at_ns != b->at_ns)
        return a->at_ns < b->at_ns ? -1 : 1;
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    return (int)a->returns - (int)b->returns;
}

static unsigned collect_events(const struct nv_exchange *exchange, struct event *events)
{
    unsigned count = 0;
    for (unsigned i = 0; exchange->script->steps[i].call; i++) {
        const struct nv_call_record *record = &exchange->records[i];
        if (!record->call || record->took_ns < 0)
            continue;
        events[count++] = (struct event){record->begin_ns, i, false};
        events[count++] = (struct event){record->begin_ns + (uint64_t)record->took_ns, i, true};
    }
    qsort(events, count, sizeof *events, compare_events);
    return count;
}

static void say_result(struct nv_text *text, const struct nv_call_record *record)
{
    nv_say(text, " = %" PRId64, record->result);
    if (record->error)
        nv_say(text, " %s (%s)", strerrorname_np(record->error), strerrordesc_np(record->error));
    if (record->filled[0])
        nv_say(text, ", %s", record->filled);
}

static void say_call(struct nv_text *text, const struct nv_call_record *record)
{
    nv_say(text, "%s(%s)", record->call, record->arguments);
}

static void print_begin(const struct page *page, const struct nv_exchange *exchange, unsigned step)
{
    char words[TEXT_BYTES];
    struct nv_text text = nv_text_in(words, sizeof words);
    say_call(&text, &exchange->records[step]);
    nv_say(&text, " ...");
    print_cell(page, &(struct cell){.end = exchange->script->steps[step].end,
                                    .text = words,
                                    .code = "",
                                    .time = "",
                                    .hanging = HANGING,
                                    .labelled = true});
}

/* With what goes before: on one line, or the result alone on the next. */
static void print_result(const struct page *page, struct cell *cell,
                         const struct nv_call_record *record, struct nv_text *text)
{
    char before[TEXT_BYTES];
    size_t cut = text->used;
    say_result(text, record);
    cell->text = text->out;
    if (text->used + 1 + strlen(cell->time) > page->cell) {
        struct cell call = *cell;
        (void)snprintf(before, sizeof before, "%.*s", (int)cut, text->out);
        call.text = before;
        call.time = "";
        print_cell(page, &call);
        cell->text = text->out + cut + 1;
        cell->indent = HANGING;
        cell->labelled = false;
    }
    print_cell(page, cell);
}

static void print_return(const struct page *page, const struct nv_exchange *exchange,
                         unsigned number, bool whole)
{
    char words[TEXT_BYTES];
    char time[32];
    struct nv_text text = nv_text_in(words, sizeof words);
    const struct nv_call_record *record = &exchange->records[number];
    const struct nv_step *step = &exchange->script->steps[number];
    struct cell cell = {.end = step->end,
                        .code = record->error ? CODE_FAILED : "",
                        .time = nv_show_time((double)record->took_ns, time, sizeof time),
                        .hanging = HANGING,
                        .labelled = true};
    if (whole)
        say_call(&text, record);
    else
        nv_say(&text, "... %s", record->call);
    print_result(page, &cell, record, &text);
    if (step->note)
        print_cell(page, &(struct cell){.end = step->end,
                                        .text = step->note,
                                        .code = CODE_DIM,
                                        .time = "",
                                        .indent = HANGING,
                                        .hanging = HANGING});
}

/* Across the whole page. */
static void print_words(unsigned width, const char *words)
{
    const struct page whole = {.cell = width, .two_columns = true};
    print_cell(&whole, &(struct cell){.text = words, .code = "", .time = ""});
}

static void print_heading(const struct page *page, unsigned width,
                          const struct nv_exchange *exchange)
{
    const char *bold = page->colour ? CODE_BOLD : "";
    const char *off = page->colour ? CODE_OFF : "";
    char words[TEXT_BYTES];
    struct nv_text text = nv_text_in(words, sizeof words);
    nv_say(&text, "%s on loopback, in order of time; a call that ends in ... has not returned yet",
           exchange->type == SOCK_STREAM ? "TCP" : "UDP");
    print_words(width, words);
    (void)printf("\n");
    if (page->two_columns)
        (void)printf("%s%-*s%s%s\n", bold, (int)(page->cell + GAP),
                     nv_calls_end_names[NV_CALLS_SERVER], nv_calls_end_names[NV_CALLS_CLIENT], off);
}

/* What there is to learn, when it was seen. */
static void print_lesson(unsigned width, const struct nv_exchange *exchange)
{
    const struct nv_script *script = exchange->script;
    const struct nv_step *failure = nv_script_failure(script);
    char words[TEXT_BYTES];
    struct nv_text text = nv_text_in(words, sizeof words);
    if (exchange->stopped)
        return;
    if (failure)
        nv_say(&text, "%s returned -1 and left %s, %d (%s), in errno: ",
               exchange->records[failure - script->steps].call, strerrorname_np(failure->error),
               failure->error, strerrordesc_np(failure->error));
    nv_say(&text, "%s%s", script->words, failure ? "." : "");
    (void)printf("\n");
    print_words(width, words);
}

void nv_exchange_print(const struct nv_exchange *exchange)
{
    struct event events[2 * NV_STEPS_MAX];
    unsigned width = page_width();
    struct page page = page_of(width);
    unsigned count = collect_events(exchange, events);
    print_heading(&page, width, exchange);
    for (unsigned i = 0; i < count; i++) {
        const struct event *event = &events[i];
        bool whole = i + 1 < count && !event->returns && event[1].step == event->step;
        if (event->returns || whole)
            print_return(&page, exchange, event->step, whole);
        else
            print_begin(&page, exchange, event->step);
        i += whole;
    }
    print_lesson(width, exchange);
}
