/* Help: ten lines, the list of all, or all about one; from the tables. */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/show.h"
#include "config/nearest.h"
#include "text/json.h"

enum { FLAG_WIDTH = 20, LINE_WIDTH = 98, HELP_ARENA = 4 * 1024 * 1024, HELP_FIRST = 16 * 1024 };

static const char first_steps[] =
    "  sluice --config config/drops.yaml check    is the configuration right?\n"
    "  sluice --config config/drops.yaml run      read, decide, deliver: once\n"
    "  sluice --config config/drops.yaml serve    the same, until stopped\n\n";

/* Ten lines, led by examples. */
static void show_short(void)
{
    (void)fputs("sluice turns the chats that a business runs on into records it can act on.\n\n",
                stdout);
    (void)fputs(first_steps, stdout);
    (void)fputs("Without --config: $SLUICE_CONFIG, ./sluice.yaml, /config/sluice.yaml.\n"
                "Data lies in --data DIR, $SLUICE_DATA, `store` of the configuration, or ./data.\n"
                "What arrived and what is stuck: sluice status. All commands: sluice help\n",
                stdout);
}

int help_print(struct buf *out)
{
    struct str text = buf_str(out);
    bool ok = buf_ok(out);
    if (ok) {
        (void)fwrite(text.ptr, 1, text.len, stdout);
    } else {
        cli_say("out of memory");
    }
    arena_free(out->arena);
    return ok ? CLI_OK : CLI_FAILED;
}

/*
 * Texts of the tables have lines of at most 98 columns. On a narrower terminal paragraphs are
 * filled anew; lines that begin with a blank stay as they are.
 */
static void show_filled(const struct cli *cli, const char *text)
{
    struct screen screen;
    struct arena arena;
    struct buf out;
    struct str rest = str_of(text);
    struct str line = {0};
    screen_init(&screen, cli, NULL);
    if (screen.width == 0 || screen.width > LINE_WIDTH) {
        (void)fputs(text, stdout);
        return;
    }
    arena_init(&arena, HELP_ARENA);
    struct buf paragraph;
    buf_init(&out, &arena, HELP_FIRST);
    buf_init(&paragraph, &arena, HELP_FIRST);
    while (str_split(&rest, '\n', &line)) {
        bool fixed = line.len == 0 || line.ptr[0] == ' ';
        if (fixed && paragraph.len > 0) {
            show_wrapped(&out, buf_str(&paragraph), screen.width, 0);
            buf_add_byte(&out, '\n');
            buf_clear(&paragraph);
        }
        if (!fixed) {
            buf_printf(&paragraph, "%s%.*s", paragraph.len > 0 ? " " : "", STR_ARG(line));
        } else if (rest.ptr != NULL) {
            buf_printf(&out, "%.*s\n", STR_ARG(line));
        }
    }
    (void)help_print(&out);
}

static void show_flags(const struct cli *cli, const char *title, const struct cli_flag *flags)
{
    struct screen screen;
    struct arena arena;
    struct buf out;
    if (flags == NULL || flags->name == NULL) {
        return;
    }
    screen_init(&screen, cli, NULL);
    size_t indent = FLAG_WIDTH + 3;
    size_t width = screen.width > 2 * indent ? screen.width - indent : 0;
    arena_init(&arena, HELP_ARENA);
    buf_init(&out, &arena, HELP_FIRST);
    buf_printf(&out, "\n%s\n", title);
    for (; flags->name != NULL; flags++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s%s%s", flags->name, flags->value != NULL ? " " : "",
                       flags->value != NULL ? flags->value : "");
        buf_printf(&out, "  %-*s ", FLAG_WIDTH, text);
        show_wrapped(&out, str_of(flags->doc), width, indent);
        buf_add_byte(&out, '\n');
    }
    (void)help_print(&out);
}

static void show_list(const struct cli_verb *verbs)
{
    for (; verbs->name != NULL; verbs++) {
        (void)printf("  %-13s %s\n", verbs->name, verbs->summary);
    }
}

static void show_all(const struct cli *cli)
{
    (void)fputs(first_steps, stdout);
    show_list(cli_verbs);
    show_flags(cli, "For every command:", cli_global_flags);
    (void)fputs("\nTopics:\n", stdout);
    for (const struct cli_topic *topic = cli_topics; topic->name != NULL; topic++) {
        (void)printf("  %-13s %s\n", topic->name, topic->summary);
    }
    (void)fputs("\nMore: sluice help COMMAND, sluice help TOPIC, sluice man\n", stdout);
}

void help_usage(struct buf *out, const struct cli_verb *verb, const struct cli_verb *act)
{
    const struct cli_verb *last = act != NULL ? act : verb;
    buf_printf(out, "sluice %s%s%s", verb->name, act != NULL ? " " : "",
               act != NULL ? act->name : "");
    buf_printf(out, "%s%s%s%s", last->acts != NULL ? (last->run != NULL ? " [ACT]" : " ACT") : "",
               last->flags != NULL ? " [FLAGS]" : "", last->words[0] != '\0' ? " " : "",
               last->words);
}

/* All about a verb, or about one of its acts. */
static void show_one(const struct cli *cli, const struct cli_verb *verb, const struct cli_verb *act)
{
    const struct cli_verb *last = act != NULL ? act : verb;
    struct arena arena;
    struct buf usage;
    arena_init(&arena, HELP_ARENA);
    buf_init(&usage, &arena, FLAG_WIDTH);
    help_usage(&usage, verb, act);
    if (last->examples != NULL) {
        (void)printf("%s\n", last->examples);
    }
    (void)printf("%s\n\nusage: %s\n", last->summary, usage.ptr);
    arena_free(&arena);
    if (last->acts != NULL) {
        (void)printf("\n");
        show_list(last->acts);
    }
    if (last->about != NULL) {
        (void)printf("\n");
        show_filled(cli, last->about);
    }
    show_flags(cli, "Flags:", last->flags);
}

static const struct cli_verb *find(const struct cli_verb *verbs, struct str name)
{
    for (; verbs != NULL && verbs->name != NULL; verbs++) {
        if (str_equal(name, str_of(verbs->name))) {
            return verbs;
        }
    }
    return NULL;
}

static const struct cli_topic *find_topic(struct str name)
{
    for (const struct cli_topic *topic = cli_topics; topic->name != NULL; topic++) {
        if (str_equal(name, str_of(topic->name))) {
            return topic;
        }
    }
    return NULL;
}

static int nothing_on(const struct cli_verb *verb, struct str name)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (const struct cli_verb *one = verb == NULL ? cli_verbs : verb->acts;
         one != NULL && one->name != NULL; one++) {
        nearest_try(&nearest, str_of(one->name));
    }
    for (const struct cli_topic *topic = cli_topics; verb == NULL && topic->name != NULL; topic++) {
        nearest_try(&nearest, str_of(topic->name));
    }
    cli_say("there is no command%s '%.*s'%s", verb == NULL ? " or topic" : "", STR_ARG(name),
            nearest_hint(&nearest));
    cli_say("`sluice help` lists them all");
    return CLI_USAGE;
}

static int help_on(const struct cli *cli, struct str name, struct str act_name)
{
    const struct cli_verb *verb = find(cli_verbs, name);
    const struct cli_topic *topic = act_name.len == 0 ? find_topic(name) : NULL;
    const struct cli_verb *act =
        verb != NULL && act_name.len > 0 ? find(verb->acts, act_name) : NULL;
    if (verb == NULL && topic != NULL) {
        (void)printf("%s\n\n", topic->summary);
        show_filled(cli, topic->text);
        return CLI_OK;
    }
    if (verb == NULL || (act_name.len > 0 && act == NULL)) {
        int code = cli_help_kind(cli->kinds, name, act_name);
        return code != CLI_USAGE ? code : nothing_on(verb, verb == NULL ? name : act_name);
    }
    show_one(cli, verb, act);
    return CLI_OK;
}

/* ---- For programs: the table itself ---- */

static void json_flags(struct json_writer *json, const struct cli_flag *flags)
{
    json_key(json, STR("flags"));
    json_array_begin(json);
    for (; flags != NULL && flags->name != NULL; flags++) {
        json_object_begin(json);
        json_field_str(json, STR("name"), str_of(flags->name));
        json_key(json, STR("value"));
        if (flags->value != NULL) {
            json_put_str(json, str_of(flags->value));
        } else {
            json_put_null(json);
        }
        json_field_str(json, STR("doc"), str_of(flags->doc));
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_verb(struct json_writer *json, const struct cli_verb *verb)
{
    json_object_begin(json);
    json_field_str(json, STR("name"), str_of(verb->name));
    json_field_str(json, STR("summary"), str_of(verb->summary));
    json_field_str(json, STR("words"), str_of(verb->words));
    json_field_int(json, STR("words_min"), verb->words_min);
    json_field_int(json, STR("words_max"), verb->words_max);
    json_field_bool(json, STR("runs"), verb->run != NULL);
    json_field_bool(json, STR("json"), verb->run != NULL && !verb->no_json);
    json_field_str(json, STR("examples"),
                   verb->examples != NULL ? str_of(verb->examples) : STR(""));
    json_field_str(json, STR("about"), verb->about != NULL ? str_of(verb->about) : STR(""));
    json_flags(json, verb->flags);
    json_object_end(json);
}

/* Each verb with its acts; acts have none themselves. */
static void json_commands(struct json_writer *json)
{
    json_key(json, STR("commands"));
    json_array_begin(json);
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        json_object_begin(json);
        json_key(json, STR("command"));
        json_verb(json, verb);
        json_key(json, STR("acts"));
        json_array_begin(json);
        for (const struct cli_verb *act = verb->acts; act != NULL && act->name != NULL; act++) {
            json_verb(json, act);
        }
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

static int show_json(void)
{
    struct arena arena;
    struct buf out;
    struct json_writer json;
    arena_init(&arena, HELP_ARENA);
    buf_init(&out, &arena, HELP_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_field_str(&json, STR("version"), STR(SLUICE_VERSION));
    json_flags(&json, cli_global_flags);
    json_commands(&json);
    json_key(&json, STR("topics"));
    json_array_begin(&json);
    for (const struct cli_topic *topic = cli_topics; topic->name != NULL; topic++) {
        json_object_begin(&json);
        json_field_str(&json, STR("name"), str_of(topic->name));
        json_field_str(&json, STR("summary"), str_of(topic->summary));
        json_field_str(&json, STR("text"), str_of(topic->text));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_add_byte(&out, '\n');
    return help_print(&out);
}

int cli_help(struct cli *cli)
{
    if (cli->verb == NULL) { /* Just `sluice`, or `sluice --help`. */
        if (cli->help) {
            show_all(cli);
        } else {
            show_short();
        }
        return CLI_OK;
    }
    if (cli->help && strcmp(cli->verb->name, "help") != 0) {
        return help_on(cli, str_of(cli->verb->name),
                       cli->act != NULL ? str_of(cli->act->name) : STR(""));
    }
    if (cli->json) {
        return cli->word_count == 0 ? show_json()
                                    : cli_misused(cli, "--json is for all at once: no words");
    }
    if (cli->word_count == 0) {
        show_all(cli);
        return CLI_OK;
    }
    return help_on(cli, cli->words[0], cli->word_count > 1 ? cli->words[1] : STR(""));
}
