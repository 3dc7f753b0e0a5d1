#include "cli/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "config/nearest.h"

enum { COMMAND_MAX = 128, SAID_MAX = 1024 };

const struct cli_flag cli_global_flags[] = {
    {"--config", "FILE",
     "The configuration; else $SLUICE_CONFIG, ./sluice.yaml, /config/sluice.yaml."},
    {"--data", "DIR", "The data folder; else $SLUICE_DATA, `store` of the configuration, ./data."},
    {"--json", NULL, "Print one JSON value instead of text."},
    {"--plain", NULL, "No colours and no moving line; so is $NO_COLOR."},
    {"--verbose", NULL, "Say more."},
    {"--help", NULL, "Help on the command."},
    {"--version", NULL, "The same as `sluice version`."},
    {0},
};

/* The words that are left to look at. */
struct words {
    int count;
    char **items;
    int at;
    bool flags; /* "--" was not seen yet. */
};

static const struct cli_flag *flag_find(const struct cli_flag *flags, struct str name)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (str_equal(name, str_of(flags->name))) {
            return flags;
        }
    }
    return NULL;
}

static void flags_try(struct nearest *nearest, const struct cli_flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        nearest_try(nearest, str_of(flags->name));
    }
}

/* The flags of the act, or of the verb. */
static const struct cli_flag *own_flags(const struct cli *cli)
{
    return cli->act != NULL ? cli->act->flags : cli->verb != NULL ? cli->verb->flags : NULL;
}

static int flag_unknown(const struct cli *cli, struct str name)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    flags_try(&nearest, own_flags(cli));
    flags_try(&nearest, cli_global_flags);
    return cli_misused(cli, "unknown flag %.*s%s", STR_ARG(name), nearest_hint(&nearest));
}

static void switch_global(struct cli *cli, const struct cli_flag *flag, struct str value)
{
    struct str name = str_of(flag->name);
    if (str_equal(name, STR("--config"))) {
        cli->config_path = value;
    } else if (str_equal(name, STR("--data"))) {
        cli->data_dir = value;
    } else if (str_equal(name, STR("--json"))) {
        cli->json = true;
    } else if (str_equal(name, STR("--plain"))) {
        cli->plain = true;
        cli->still = true;
    } else if (str_equal(name, STR("--verbose"))) {
        cli->verbose = true;
    } else {
        cli->help = true;
    }
}

/* Global flags repeat harmlessly but for those with a value, of which only one can be meant. */
static bool given_twice(const struct cli *cli, const struct cli_flag *flag)
{
    struct str name = str_of(flag->name);
    for (size_t i = 0; i < cli->given_count; i++) {
        if (cli->given[i].flag == flag) {
            return true;
        }
    }
    return (str_equal(name, STR("--config")) && cli->config_path.ptr != NULL) ||
           (str_equal(name, STR("--data")) && cli->data_dir.ptr != NULL);
}

/* "-v", "-h" and "-o" for "--verbose", "--help" and "--output". */
static struct str long_name(struct str word)
{
    return str_equal(word, STR("-v"))   ? STR("--verbose")
           : str_equal(word, STR("-h")) ? STR("--help")
           : str_equal(word, STR("-o")) ? STR("--output")
                                        : word;
}

static int flag_take(struct cli *cli, struct words *words)
{
    struct str word = str_of(words->items[words->at]);
    size_t equals = str_find_byte(word, '=', 0);
    struct str name = long_name(str_slice(word, 0, equals));
    struct str value = {0};
    const struct cli_flag *flag = flag_find(own_flags(cli), name);
    bool global = flag == NULL;
    flag = global ? flag_find(cli_global_flags, name) : flag;
    if (flag == NULL) {
        return flag_unknown(cli, name);
    }
    if (flag->value == NULL && equals != STR_NONE) {
        return cli_misused(cli, "%s takes no value", flag->name);
    }
    if (given_twice(cli, flag)) {
        return cli_misused(cli, "%s is given twice", flag->name);
    }
    if (flag->value != NULL && equals != STR_NONE) {
        value = str_slice(word, equals + 1, word.len);
    } else if (flag->value != NULL && words->at + 1 < words->count) {
        value = str_of(words->items[++words->at]);
    }
    if (flag->value != NULL && value.len == 0) {
        return cli_misused(cli, "%s needs a value: %s %s", flag->name, flag->name, flag->value);
    }
    if (global) {
        switch_global(cli, flag, value);
    } else {
        must(cli->given_count < CLI_FLAGS_MAX);
        cli->given[cli->given_count++] = (struct cli_given){flag, value};
    }
    return CLI_OK;
}

static const struct cli_verb *verb_find(const struct cli_verb *verbs, struct str name,
                                        struct nearest *nearest)
{
    nearest_begin(nearest, name);
    for (; verbs->name != NULL; verbs++) {
        if (str_equal(name, str_of(verbs->name))) {
            return verbs;
        }
        nearest_try(nearest, str_of(verbs->name));
    }
    return NULL;
}

/* The verb, then its act, then words. */
static int word_take(struct cli *cli, struct str word)
{
    struct nearest nearest;
    if (cli->verb == NULL) {
        cli->verb = verb_find(cli_verbs, word, &nearest);
        if (cli->verb == NULL) {
            cli_say("there is no command '%.*s'%s", STR_ARG(word), nearest_hint(&nearest));
            cli_say("`sluice help` lists them all");
            return CLI_USAGE;
        }
        return CLI_OK;
    }
    if (cli->verb->acts != NULL && cli->act == NULL && cli->word_count == 0) {
        cli->act = verb_find(cli->verb->acts, word, &nearest);
        if (cli->act != NULL) {
            return CLI_OK;
        }
        if (cli->verb->run == NULL) {
            return cli_misused(cli, "%s has no '%.*s'%s", cli->verb->name, STR_ARG(word),
                               nearest_hint(&nearest));
        }
    }
    if (cli->word_count == CLI_WORDS_MAX) {
        return cli_misused(cli, "more than %d words", CLI_WORDS_MAX);
    }
    cli->words[cli->word_count++] = word;
    return CLI_OK;
}

/* Does the number of words fit? */
static int words_check(const struct cli *cli)
{
    const struct cli_verb *last = cli->act != NULL ? cli->act : cli->verb;
    if (cli->act == NULL && cli->verb->acts != NULL && cli->verb->run == NULL) {
        char all[SAID_MAX] = "";
        for (const struct cli_verb *act = cli->verb->acts; act->name != NULL; act++) {
            size_t used = strlen(all);
            (void)snprintf(all + used, sizeof all - used, "%s%s", used > 0 ? ", " : "", act->name);
        }
        return cli_misused(cli, "what shall be done? one of: %s", all);
    }
    if (cli->json && last->no_json) {
        return cli_misused(cli, "it has no --json");
    }
    if (cli->word_count < (size_t)last->words_min) {
        return cli_misused(cli, "%s is missing", last->words);
    }
    if (last->words_max != CLI_ANY && cli->word_count > (size_t)last->words_max) {
        return cli_misused(cli, "'%.*s' is one word too many",
                           STR_ARG(cli->words[last->words_max]));
    }
    return CLI_OK;
}

int cli_parse(struct cli *cli, int count, char **words)
{
    struct words left = {.count = count, .items = words, .at = 1, .flags = true};
    for (; left.at < count; left.at++) {
        struct str word = str_of(words[left.at]);
        int code = CLI_OK;
        if (left.flags && str_equal(word, STR("--"))) {
            left.flags = false;
        } else if (left.flags && str_equal(word, STR("--version")) && cli->verb == NULL) {
            code = word_take(cli, STR("version"));
        } else if (left.flags && word.len > 1 && word.ptr[0] == '-') {
            code = flag_take(cli, &left);
        } else {
            code = word_take(cli, word);
        }
        if (code != CLI_OK) {
            return code;
        }
    }
    return cli->verb == NULL || cli->help ? CLI_OK : words_check(cli);
}

bool cli_given(const struct cli *cli, const char *flag)
{
    return cli_value(cli, flag).ptr != NULL;
}

struct str cli_value(const struct cli *cli, const char *flag)
{
    must(flag_find(own_flags(cli), str_of(flag)) != NULL);
    for (size_t i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].flag->name, flag) == 0) {
            return cli->given[i].flag->value != NULL ? cli->given[i].value : STR("");
        }
    }
    return (struct str){0};
}

void cli_command(const struct cli *cli, char *out, size_t size)
{
    (void)snprintf(out, size, "sluice%s%s%s%s", cli->verb != NULL ? " " : "",
                   cli->verb != NULL ? cli->verb->name : "", cli->act != NULL ? " " : "",
                   cli->act != NULL ? cli->act->name : "");
}

int cli_misused(const struct cli *cli, const char *format, ...)
{
    char text[SAID_MAX];
    char command[COMMAND_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_command(cli, command, sizeof command);
    cli_say("%s: %s", command, text);
    cli_say("more: sluice help%s", command + strlen("sluice"));
    return CLI_USAGE;
}
