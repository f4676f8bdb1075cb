/* SPDX-License-Identifier: MIT */
#include "cli/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/settings.h"
#include "output/text.h"

#define HELP_COLUMN 32 /* where the explanation of an option begins */

static const struct nv_option *find(const struct nv_option *const *tables, const char *name,
                                    size_t len)
{
    for (; *tables; tables++) {
        const struct nv_option *row = nv_option_find(*tables, name, len);
        if (row)
            return row;
    }
    return NULL;
}

static int unknown(const struct nv_option *const *tables, const char *argument,
                   struct nv_error *err)
{
    struct nv_nearest nearest = nv_nearest_to(argument);
    char words[NV_NEAREST_WORDS_BYTES];
    char name[NV_NEAREST_NAME_BYTES];
    for (; *tables; tables++) {
        for (const struct nv_option *row = *tables; row->name; row++) {
            (void)snprintf(name, sizeof name, "--%s", row->name);
            nv_nearest_see(&nearest, name);
        }
    }
    return nv_fail(err, NV_E_USAGE, "unknown option '%.60s'%s", argument,
                   nv_nearest_words(&nearest, "; --help lists them", words));
}

/* A switch takes the next word when that starts like a value of it: "no", "yes,no". */
static bool value_follows(const struct nv_arguments *arguments, const struct nv_option *row)
{
    bool ignored;
    char word[NV_OPTION_TEXT_BYTES];
    const char *next = arguments->next < arguments->argc ? arguments->argv[arguments->next] : "";
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(next, ","), next);
    return row->type->parse(row, &ignored, word) == NV_OK;
}

int nv_arguments_next(struct nv_arguments *arguments, const struct nv_option *const *tables,
                      struct nv_argument *out, struct nv_error *err)
{
    if (arguments->next >= arguments->argc)
        return 0;
    const char *argument = arguments->argv[arguments->next++];
    if (strncmp(argument, "--", 2) != 0) {
        *out = (struct nv_argument){NULL, argument};
        return 1;
    }
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct nv_option *row = find(tables, name, len);
    const char *text = equals ? equals + 1 : NULL;
    if (!row && !text && strncmp(name, "no-", 3) == 0) {
        row = find(tables, name + 3, len - 3);
        text = "no";
        if (row && row->type != &nv_option_bool)
            row = NULL;
    }
    if (!row)
        return unknown(tables, argument, err);
    if (!text && row->type == &nv_option_bool && !value_follows(arguments, row))
        text = "yes";
    if (!text && arguments->next < arguments->argc)
        text = arguments->argv[arguments->next++];
    if (!text)
        return nv_fail(err, NV_E_USAGE, "--%s: a value is missing", row->name);
    *out = (struct nv_argument){row, text};
    return 1;
}

bool nv_wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

bool nv_wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]);
}

/* ---- help ---- */

/* A heading comes before the option that begins a group. */
static const struct {
    const char *first, *title;
} groups[] = {
    {"transport", "What is sent"}, {"duration", "How long, and when a message counts"},
    {"nodelay", "Sockets"},        {"verify", "Checks and records"},
    {"blocks", "Repetition"},      {"scenario", "Where, and what comes out"},
    {"bind", "Listening"},         {"max-duration", "Limits to what a client may ask for"},
    {"read-write", "Which calls"},
};

/* What stands for a value that is any text. */
static const struct {
    const char *name, *value;
} placeholders[] = {{"output", "DIR"},
                    {"server", "HOST[:PORT]"},
                    {"fail-if", "EXPR"},
                    {"bind", "ADDRESS"},
                    {"fail", "CALL"}};

static const struct {
    const char *command, *text;
} examples[] = {
    {"run",
     "  netversus run                                      the quick campaign: bench/quick.ini\n"
     "  netversus run --size 64,1k --blocks 12             two sizes, narrower intervals\n"
     "  netversus run --workload stream --rate max         how much gets through\n"
     "  netversus run --server 192.0.2.7 --duration 5s     to `netversus serve` elsewhere\n"
     "  netversus run bench/quick.ini --fail-if 'udp.loss_ratio>0.001'\n"},
    {"serve",
     "  netversus serve                                    for this host alone\n"
     "  netversus serve --bind 192.0.2.7 --open            for everyone who can reach it\n"},
};

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

static const char *heading_of(const struct nv_option *row)
{
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        if (strcmp(groups[i].first, row->name) == 0)
            return groups[i].title;
    return NULL;
}

static const char *placeholder_of(const struct nv_option *row)
{
    static const struct {
        const struct nv_option_type *type;
        const char *value;
    } types[] = {{&nv_option_count, "N"},
                 {&nv_option_time, "TIME"},
                 {&nv_option_rate, "RATE"},
                 {&nv_option_share, "SHARE"},
                 {&nv_option_text, "NAME"}};
    for (size_t i = 0; i < COUNT_OF(placeholders); i++)
        if (strcmp(placeholders[i].name, row->name) == 0)
            return placeholders[i].value;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].type == row->type)
            return types[i].value;
    return "SIZE";
}

static void say_value(struct nv_text *text, const struct nv_option *row)
{
    if (row->type == &nv_option_bool) {
        nv_say(text, "%s", row->sweeps ? " [yes,no]" : "");
        return;
    }
    nv_say(text, " ");
    for (unsigned i = 0; row->choices && row->choices[i]; i++)
        nv_say(text, "%s%s", i ? "|" : "", row->choices[i]);
    nv_say(text, "%s%s", row->choices ? "" : placeholder_of(row), row->sweeps ? ",..." : "");
}

static bool has_word(const char *text, const char *word, size_t len)
{
    static const char joints[] = " ,;:()";
    for (text += strspn(text, joints); *text; text += strspn(text, joints)) {
        size_t found = strcspn(text, joints);
        if (found == len && memcmp(text, word, len) == 0)
            return true;
        text += found;
    }
    return false;
}

/* The legal form, where neither the placeholder nor the explanation gives it. */
static const char *form_of(const struct nv_option *row)
{
    const char *form = row->form ? row->form : row->type->form;
    bool is_shared = row->type != &nv_option_text && strcmp(placeholder_of(row), "SIZE") != 0;
    if (!form || is_shared || row->type == &nv_option_size || !strchr(form, ' '))
        return NULL;
    return has_word(row->help, form, strcspn(form, " ,;:")) ? NULL : form;
}

/* A campaign that is told nothing: it is the plan that knows of two transports, not the option. */
static void say_default(struct nv_text *text, const struct nv_option *row,
                        const struct nv_plan *plan)
{
    char arm[2][NV_OPTION_TEXT_BYTES] = {"", ""};
    bool in_plan = plan && nv_option_find(nv_spec_options, row->name, strlen(row->name)) == row;
    for (unsigned i = 0; in_plan && i < 2; i++)
        nv_option_get(row, &plan->cells[0].arm[i], arm[i], sizeof arm[i]);
    if (strcmp(arm[0], arm[1]) != 0)
        nv_say(text, " [%s,%s]", arm[0], arm[1]);
    else if (row->fallback[0] &&
             !(row->type == &nv_option_bool && strcmp(row->fallback, "no") == 0))
        nv_say(text, " [%s]", row->fallback);
}

void nv_print_entry(const char *left, const char *words, size_t column)
{
    (void)printf("%-*s", (int)column, left);
    if (strlen(left) + 2 > column)
        (void)printf("\n%*s", (int)column, "");
    nv_text_wrap(stdout, words, column, column);
}

static struct nv_option_words words_of(const struct nv_option *row, const struct nv_plan *plan)
{
    struct nv_option_words words = {.heading = heading_of(row), .sweeps = row->sweeps};
    struct nv_text text = nv_text_in(words.left, sizeof words.left);
    nv_say(&text, "--%s", row->name);
    say_value(&text, row);
    text = nv_text_in(words.right, sizeof words.right);
    nv_say(&text, "%s", row->help);
    if (form_of(row))
        nv_say(&text, "; %s", form_of(row));
    say_default(&text, row, plan);
    return words;
}

void nv_options_describe(const struct nv_option *const tables[2], nv_option_see see, void *context)
{
    struct nv_campaign *campaign = calloc(1, sizeof *campaign);
    struct nv_plan plan = {.arms = 0};
    bool planned = false;
    if (campaign) {
        nv_campaign_init(campaign);
        planned = nv_plan_build(&plan, campaign, NULL) == NV_OK && plan.arms == 2;
    }
    for (unsigned i = 0; i < 2 && tables[i]; i++) {
        for (const struct nv_option *row = tables[i]; row->name; row++) {
            struct nv_option_words words = words_of(row, planned ? &plan : NULL);
            see(context, &words);
        }
    }
    nv_plan_dispose(&plan);
    free(campaign);
}

const struct nv_option_note nv_option_notes[] = {
    {"Defaults stand in brackets. A switch is turned off by --no-NAME.", false},
    {"An option with ,... takes a list, such as --size 64,1k,8k; each combination is compared by "
     "itself.",
     true},
    {"SIZE takes k M G (1000) and Ki Mi Gi (1024), TIME ns us ms s m; RATE is N/s, Nbit/s or max, "
     "SHARE such as 0.1% or 1e-5.",
     false},
    {NULL, false},
};

static void print_option(void *context, const struct nv_option_words *words)
{
    char left[sizeof words->left + 2];
    bool *sweeps = context;
    if (words->heading)
        (void)printf("\n%s\n", words->heading);
    (void)snprintf(left, sizeof left, "  %s", words->left);
    nv_print_entry(left, words->right, HELP_COLUMN);
    *sweeps = *sweeps || words->sweeps;
}

const char *nv_examples_of(const char *command)
{
    size_t len = strlen(command);
    for (size_t i = 0; i < COUNT_OF(examples); i++)
        if (strncmp(examples[i].command, command, len) == 0 && examples[i].command[len] == '\0')
            return examples[i].text;
    return NULL;
}

void nv_print_help(const char *usage, const char *summary, const struct nv_option *first,
                   const struct nv_option *second)
{
    char text[256];
    struct nv_text heading = nv_text_in(text, sizeof text);
    nv_say(&heading, "%s.", summary);
    nv_say_capital(&heading, 0);
    (void)printf("usage: netversus %s%s\n\n", usage,
                 strstr(usage, "[options]") ? "" : " [options]");
    nv_text_wrap(stdout, text, 0, 0);
    bool sweeps = false;
    nv_options_describe((const struct nv_option *const[2]){first, second}, print_option, &sweeps);
    (void)printf("\n");
    for (const struct nv_option_note *note = nv_option_notes; note->text; note++)
        if (sweeps || !note->of_lists)
            nv_text_wrap(stdout, note->text, 0, 0);
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(usage, " "), usage);
    const char *lines = nv_examples_of(text);
    if (lines)
        (void)printf("\nExamples\n%s", lines);
}
