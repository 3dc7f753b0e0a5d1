/* Asks a running `sluice serve` how it is; for people, and for a container's HEALTHCHECK. */
#include <stdio.h>

#include "cli/cli.h"
#include "serve/ask.h"
#include "text/json.h"

enum { ARENA_MAX = 32 * 1024 * 1024, STATUS_GOOD = 200, STATUS_BUSY = 503 };

/* One line for each culprit. */
static void print_text(const struct json_value *root)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    struct str status = json_str(json_get(root, STR("status")));
    (void)printf("%.*s\n", STR_ARG(status));
    json_iter_init(&iter, json_get(root, STR("culprits")));
    while (json_next(&iter, NULL, &one)) {
        struct str part = json_str(json_get(one, STR("part")));
        struct str name = json_str(json_get(one, STR("name")));
        struct str what = json_str(json_get(one, STR("what")));
        struct str how = json_str(json_get(one, STR("status")));
        (void)printf("  %.*s: %.*s %.*s (%.*s)\n", STR_ARG(how), STR_ARG(part), STR_ARG(name),
                     STR_ARG(what));
    }
    if (!str_equal(status, STR("ok"))) {
        cli_say("for more: sluice status");
    }
}

static int judge(const struct cli *cli, struct arena *arena, bool live, int status, struct str body)
{
    const struct json_value *root = NULL;
    struct err err = {0};
    bool known = status == STATUS_GOOD || status == STATUS_BUSY;
    if (!known || !json_parse(arena, body, NULL, &root, &err)) {
        cli_say("what answers there is not sluice (HTTP status %d)", status);
        return CLI_FAILED;
    }
    if (cli->json) {
        (void)fwrite(body.ptr, 1, body.len, stdout);
    } else {
        print_text(root);
    }
    if (status != STATUS_GOOD) {
        return CLI_FAILED;
    }
    bool whole = str_equal(json_str(json_get(root, STR("status"))), STR("ok"));
    return whole || live ? CLI_OK : CLI_PARTIAL;
}

int cli_health(struct cli *cli)
{
    struct config config;
    struct arena arena;
    struct err err = {0};
    struct str body = {0};
    int status = 0;
    bool live = cli_given(cli, "--live");
    int code = cli_config_load(cli, &config);
    if (code == CLI_OK && (config.http.listen.len == 0 || config.http.port == 0)) {
        cli_say("this configuration has no address to ask at: see `http.listen`");
        code = CLI_CONFIG;
    }
    arena_init(&arena, ARENA_MAX);
    if (code == CLI_OK) {
        bool ok = ask_get(&arena, config.http.listen, config.http.port, live ? "/live" : "/health",
                          &status, &body, &err);
        code = ok ? judge(cli, &arena, live, status, body) : cli_fail(&err);
    }
    arena_free(&arena);
    config_free(&config);
    return live && code != CLI_OK ? CLI_FAILED : code;
}
