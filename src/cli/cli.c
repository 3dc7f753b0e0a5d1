#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

#include "config/nearest.h"

/* The values that a global flag takes from the next word. */
static bool flag_value(struct cli *cli, struct str word, struct str value)
{
    if (str_equal(word, STR("--config"))) {
        cli->config_path = value;
        return true;
    }
    if (str_equal(word, STR("--data"))) {
        cli->data_dir = value;
        return true;
    }
    return false;
}

static bool flag_alone(struct cli *cli, struct str word)
{
    if (str_equal(word, STR("--json"))) {
        cli->json = true;
    } else if (str_equal(word, STR("--verbose")) || str_equal(word, STR("-v"))) {
        cli->verbose = true;
    } else if (str_equal(word, STR("--help")) || str_equal(word, STR("-h"))) {
        cli->help = true;
    } else {
        return false;
    }
    return true;
}

static bool flag_unknown(struct str word)
{
    static const char *const flags[] = {"--config", "--data",    "--json",
                                        "--help",   "--verbose", "--version"};
    struct nearest nearest;
    nearest_begin(&nearest, word);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        nearest_try(&nearest, str_of(flags[i]));
    }
    cli_say("unknown flag %.*s%s", STR_ARG(word), nearest_hint(&nearest));
    return false;
}

/* "--config FILE" or "--config=FILE". `*at` moves past what was taken. */
static bool flag_take(struct cli *cli, int count, char **words, int *at)
{
    struct str word = str_of(words[*at]);
    size_t equals = str_find_byte(word, '=', 0);
    struct str name = str_slice(word, 0, equals);
    struct str value = {0};
    if (str_equal(word, STR("--version"))) {
        cli->words[cli->word_count++] = STR("version");
        return true;
    }
    if (equals == STR_NONE && flag_alone(cli, word)) {
        return true;
    }
    bool takes = str_equal(name, STR("--config")) || str_equal(name, STR("--data"));
    if (!takes) {
        return flag_unknown(word);
    }
    if (equals != STR_NONE) {
        value = str_slice(word, equals + 1, word.len);
    } else if (*at + 1 < count) {
        value = str_of(words[++*at]);
    }
    if (value.len == 0) {
        cli_say("%.*s needs a value, as in: sluice %.*s %s", STR_ARG(name), STR_ARG(name),
                str_equal(name, STR("--config")) ? "config/drops.yaml check" : "data status");
        return false;
    }
    return flag_value(cli, name, value);
}

static bool parse(struct cli *cli, int count, char **words)
{
    bool flags = true;
    for (int at = 1; at < count; at++) {
        struct str word = str_of(words[at]);
        if (flags && str_equal(word, STR("--"))) {
            flags = false;
        } else if (flags && word.len > 1 && word.ptr[0] == '-') {
            if (cli->word_count + 1 >= CLI_WORDS_MAX || !flag_take(cli, count, words, &at)) {
                return false;
            }
        } else if (cli->word_count == CLI_WORDS_MAX) {
            cli_say("more than %d words", CLI_WORDS_MAX);
            return false;
        } else {
            cli->words[cli->word_count++] = word;
        }
    }
    return true;
}

static const struct cli_verb *find(struct str name)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        if (str_equal(name, str_of(verb->name))) {
            return verb;
        }
        nearest_try(&nearest, str_of(verb->name));
    }
    cli_say("there is no command '%.*s'%s", STR_ARG(name), nearest_hint(&nearest));
    cli_say("`sluice help` lists them all");
    return NULL;
}

int cli_main(int count, char **words, const char *const *environment, const struct kinds *kinds)
{
    struct cli cli = {.kinds = kinds, .environment = environment};
    if (!parse(&cli, count, words)) {
        return CLI_USAGE;
    }
    if (cli.word_count == 0) {
        return cli_help(&cli);
    }
    const struct cli_verb *verb = find(cli.words[0]);
    if (verb == NULL) {
        return CLI_USAGE;
    }
    if (cli.help) {
        cli.words[1] = cli.words[0];
        cli.word_count = 2;
        return cli_help(&cli);
    }
    cli.word_count--;
    for (size_t i = 0; i < cli.word_count; i++) {
        cli.words[i] = cli.words[i + 1];
    }
    int code = verb->run(&cli);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_say("standard output could not be written");
        return code == CLI_OK ? CLI_FAILED : code;
    }
    return code;
}

void cli_say(const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (len < 0) {
        return;
    }
    size_t end = (size_t)len < sizeof line - 1 ? (size_t)len : sizeof line - 2;
    line[end] = '\n';
    (void)fwrite(line, 1, end + 1, stderr);
}

int cli_fail(const struct err *err)
{
    cli_say("%s", err->text);
    switch (err->kind) {
    case ERR_CONFIG:
        return CLI_CONFIG;
    case ERR_RETRY:
    case ERR_LOGIN:
        return CLI_UNREACHABLE;
    case ERR_STOP:
        return CLI_TRY_LATER;
    case ERR_NONE:
    case ERR_REJECT:
    case ERR_STORE:
        break;
    }
    return CLI_FAILED;
}

int cli_unexpected(const char *verb, struct str word)
{
    cli_say("%s does not take '%.*s'; see: sluice help %s", verb, STR_ARG(word), verb);
    return CLI_USAGE;
}

static struct config_input input_of(const struct cli *cli)
{
    return (struct config_input){
        .path = cli->config_path,
        .data_dir = cli->data_dir,
        .environment = cli->environment,
        .kinds = cli->kinds,
    };
}

static void say_faults(struct config *config)
{
    size_t kept = faults_kept(&config->faults);
    for (size_t i = 0; i < kept; i++) {
        struct str line = fault_line(&config->faults.items[i], &config->arena);
        cli_say("%.*s", STR_ARG(line));
    }
    if (config->faults.count > kept) {
        cli_say("and %zu more", config->faults.count - kept);
    }
}

int cli_config_load(const struct cli *cli, struct config *config)
{
    struct err err = {0};
    struct config_input input = input_of(cli);
    if (config_load(config, &input, &err)) {
        return CLI_OK;
    }
    if (config->faults.count == 0) {
        return cli_fail(&err);
    }
    say_faults(config);
    return CLI_CONFIG;
}

int cli_config_place(const struct cli *cli, struct config *config)
{
    struct err err = {0};
    struct config_input input = input_of(cli);
    return config_load_place(config, &input, &err) ? CLI_OK : cli_fail(&err);
}
