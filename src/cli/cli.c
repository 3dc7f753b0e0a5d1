#include "cli/cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/parse.h"
#include "config/excerpt.h"
#include "config/nearest.h"

struct str cli_variable(const struct cli *cli, const char *name)
{
    size_t len = strlen(name);
    for (const char *const *at = cli->environment; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=') {
            return str_of(*at + len + 1);
        }
    }
    return (struct str){0};
}

/* Colours and moving lines are for terminals that can and whose owner did not say otherwise. */
static bool wants_still(const struct cli *cli)
{
    return cli_variable(cli, "NO_COLOR").len > 0 ||
           str_equal(cli_variable(cli, "TERM"), STR("dumb"));
}

int cli_main(int count, char **words, const char *const *environment, const struct kinds *kinds)
{
    struct cli cli = {.kinds = kinds, .environment = environment};
    cli.still = wants_still(&cli);
    cli.plain = cli.still || isatty(STDOUT_FILENO) == 0;
    int code = cli_parse(&cli, count, words);
    if (code != CLI_OK) {
        return code;
    }
    if (cli.verb == NULL || cli.help) {
        code = cli_help(&cli);
    } else {
        code = cli.act != NULL ? cli.act->run(&cli) : cli.verb->run(&cli);
    }
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

int cli_number(const struct cli *cli, const char *flag, int64_t least, int64_t most, int64_t *out)
{
    struct str value = cli_value(cli, flag);
    if (value.ptr != NULL && (!str_to_int64(value, out) || *out < least || *out > most)) {
        return most == INT64_MAX ? cli_misused(cli, "%s is a number from %" PRId64, flag, least)
                                 : cli_misused(cli, "%s is a number from %" PRId64 " to %" PRId64,
                                               flag, least, most);
    }
    return CLI_OK;
}

struct config_input cli_config_input(const struct cli *cli)
{
    return (struct config_input){
        .path = cli->config_path,
        .data_dir = cli->data_dir,
        .environment = cli->environment,
        .kinds = cli->kinds,
        .now_ms = clock_wall_ms(clock_system()),
    };
}

static void say_faults(const struct cli *cli, struct config *config)
{
    struct buf out;
    buf_init(&out, &config->arena, 4096);
    excerpt_show_all(&config->faults, !cli->plain && isatty(STDERR_FILENO) != 0, &out);
    struct str text = buf_str(&out);
    (void)fwrite(text.ptr, 1, text.len, stderr);
}

bool cli_config_try(const struct cli *cli, struct config *config, struct err *err)
{
    struct config_input input = cli_config_input(cli);
    return config_load(config, &input, err);
}

/* Warnings are for those who check or start; to others they would be noise. */
static bool hears_warnings(const struct cli *cli)
{
    static const char *const verbs[] = {"check", "run", "serve"};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (cli->verb != NULL && strcmp(cli->verb->name, verbs[i]) == 0) {
            return true;
        }
    }
    return false;
}

int cli_config_load(const struct cli *cli, struct config *config)
{
    struct err err = {0};
    struct config_input input = cli_config_input(cli);
    bool loaded = config_load(config, &input, &err);
    if (!loaded || hears_warnings(cli)) {
        say_faults(cli, config);
    }
    if (loaded) {
        return CLI_OK;
    }
    return config->faults.count == 0 ? cli_fail(&err) : CLI_CONFIG;
}

bool cli_config_quiet(const struct cli *cli, struct config *config)
{
    struct err ignored = {0};
    struct config_input input = cli_config_input(cli);
    if (config_load(config, &input, &ignored)) {
        return true;
    }
    config_free(config);
    return false;
}

int cli_config_place(const struct cli *cli, struct config *config)
{
    struct err err = {0};
    struct config_input input = cli_config_input(cli);
    return config_load_place(config, &input, &err) ? CLI_OK : cli_fail(&err);
}

bool cli_pipelines_known(const struct cli *cli, const struct plan *plan)
{
    for (size_t i = 0; i < cli->word_count; i++) {
        struct nearest nearest;
        bool found = false;
        nearest_begin(&nearest, cli->words[i]);
        for (size_t j = 0; j < plan->pipeline_count && !found; j++) {
            found = str_equal(cli->words[i], plan->pipelines[j].name);
            nearest_try(&nearest, plan->pipelines[j].name);
        }
        if (!found) {
            cli_say("there is no pipeline '%.*s'%s", STR_ARG(cli->words[i]),
                    nearest_hint(&nearest));
            return false;
        }
    }
    return true;
}
