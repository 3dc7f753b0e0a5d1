/* The man page, from the tables: sluice man | man -l - */
#include <ctype.h>
#include <string.h>

#include "cli/help.h"

enum { MAN_ARENA = 4 * 1024 * 1024, MAN_FIRST = 64 * 1024 };

/* Of the last change to what the page says beside the tables. */
#define MAN_DATE "2025-11-25"

/* Text as troff takes it: its own signs escaped, `words in backticks` bold. */
static void text(struct buf *out, struct str words)
{
    bool bold = false;
    bool line_begins = true;
    for (size_t i = 0; i < words.len; i++) {
        char byte = words.ptr[i];
        if (line_begins && (byte == '.' || byte == '\'')) {
            buf_add(out, STR("\\&"));
        }
        line_begins = byte == '\n';
        if (byte == '`') {
            bold = !bold;
            buf_add(out, bold ? STR("\\fB") : STR("\\fR"));
        } else if (byte == '\\') {
            buf_add(out, STR("\\e"));
        } else if (byte == '-') {
            buf_add(out, STR("\\-"));
        } else {
            buf_add_byte(out, byte);
        }
    }
}

static void line(struct buf *out, const char *words)
{
    text(out, str_of(words));
    buf_add_byte(out, '\n');
}

/* Whole lines that stay as they are. */
static void block(struct buf *out, const char *words)
{
    struct str rest = str_of(words);
    struct str one = {0};
    buf_add(out, STR(".PP\n.nf\n"));
    while (str_split(&rest, '\n', &one)) {
        if (one.len == 0 && rest.ptr != NULL && rest.len > 0) {
            buf_add(out, STR(".sp\n"));
        } else if (one.len > 0) {
            text(out, one);
            buf_add_byte(out, '\n');
        }
    }
    buf_add(out, STR(".fi\n"));
}

static void flags(struct buf *out, const struct cli_flag *flag)
{
    for (; flag != NULL && flag->name != NULL; flag++) {
        buf_add(out, STR(".TP\n\\fB"));
        text(out, str_of(flag->name));
        buf_add(out, STR("\\fR"));
        if (flag->value != NULL) {
            buf_printf(out, " \\fI%s\\fR", flag->value);
        }
        buf_add_byte(out, '\n');
        line(out, flag->doc);
    }
}

static void command(struct buf *out, const struct cli_verb *verb, const struct cli_verb *act)
{
    const struct cli_verb *last = act != NULL ? act : verb;
    struct buf usage;
    buf_init(&usage, out->arena, 128);
    help_usage(&usage, verb, act);
    buf_add(out, STR(".SS \""));
    text(out, buf_str(&usage));
    buf_add(out, STR("\"\n"));
    line(out, last->summary);
    if (last->about != NULL) {
        buf_add(out, STR(".PP\n"));
        text(out, str_of(last->about));
    }
    flags(out, last->flags);
    if (last->examples != NULL) {
        block(out, last->examples);
    }
    for (const struct cli_verb *one = act == NULL ? verb->acts : NULL;
         one != NULL && one->name != NULL; one++) {
        command(out, verb, one);
    }
}

static void topic(struct buf *out, const struct cli_topic *one)
{
    buf_add(out, STR(".SH \""));
    for (const char *at = one->name; *at != '\0'; at++) {
        buf_add_byte(out, *at == '-' ? ' ' : (char)toupper((unsigned char)*at));
    }
    buf_add(out, STR("\"\n"));
    line(out, one->summary);
    block(out, one->text);
}

int cli_man(struct cli *cli)
{
    struct arena arena;
    struct buf out;
    (void)cli;
    arena_init(&arena, MAN_ARENA);
    buf_init(&out, &arena, MAN_FIRST);
    buf_add(&out, STR(".TH SLUICE 1 \"" MAN_DATE "\" \"sluice " SLUICE_VERSION "\"\n"
                      ".SH NAME\nsluice \\- turns the chats that a business runs on into records\n"
                      ".SH SYNOPSIS\n\\fBsluice\\fR [\\fIFLAGS\\fR] \\fICOMMAND\\fR [\\fIACT\\fR] "
                      "[\\fIFLAGS\\fR] [\\fIWORDS\\fR]\n"
                      ".SH DESCRIPTION\n"));
    line(&out, "sluice reads chats, keeps every message once, decides by small rules, and delivers "
               "each decision exactly once. Data goes to standard output, talk to standard error.");
    buf_add(&out, STR(".SH OPTIONS\nThese stand in front of the command or behind it.\n"));
    flags(&out, cli_global_flags);
    buf_add(&out, STR(".SH COMMANDS\n"));
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        command(&out, verb, NULL);
    }
    for (const struct cli_topic *one = cli_topics; one->name != NULL; one++) {
        topic(&out, one);
    }
    return help_print(&out);
}
