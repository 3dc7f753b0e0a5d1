#include "cli/look.h"

#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "store/backup.h"

static bool open_store(struct look *look, struct err *err)
{
    struct file_info info = {0};
    if (!file_look(look->config.data_dir, &info, err)) {
        return false;
    }
    if (info.kind == FILE_REGULAR || info.kind == FILE_OTHER) {
        return err_set(err, ERR_CONFIG, "%.*s is not a folder; name the data folder with --data",
                       STR_ARG(look->config.data_dir));
    }
    look->path = arena_printf(&look->arena, "%.*s/sluice.db", STR_ARG(look->config.data_dir));
    if (!file_look(look->path, &info, err)) {
        return false;
    }
    if (info.kind == FILE_MISSING) {
        return backup_settled(look->path, err);
    }
    struct store_options options = {.path = look->path, .clock = clock_system(), .readonly = true};
    return store_open(&look->store, &options, err);
}

static void begin(struct look *look)
{
    *look = (struct look){0};
    arena_init(&look->arena, LOOK_ARENA_LIMIT);
    buf_init(&look->out, &look->arena, 4096);
}

int look_begin(struct look *look, const struct cli *cli)
{
    struct err err = {0};
    begin(look);
    int code = cli_config_place(cli, &look->config);
    screen_init(&look->screen, cli, code == CLI_OK ? &look->config : NULL);
    if (code != CLI_OK) {
        return code;
    }
    return open_store(look, &err) ? CLI_OK : cli_fail(&err);
}

int look_begin_configured(struct look *look, const struct cli *cli)
{
    struct err err = {0};
    begin(look);
    int code = cli_config_load(cli, &look->config);
    look->configured = code == CLI_OK;
    screen_init(&look->screen, cli, look->configured ? &look->config : NULL);
    if (code != CLI_OK) {
        return code;
    }
    return open_store(look, &err) ? CLI_OK : cli_fail(&err);
}

bool look_configured(struct look *look, const struct cli *cli)
{
    struct config whole;
    if (!look->configured && cli_config_quiet(cli, &whole)) {
        config_free(&look->config);
        look->config = whole;
        look->configured = true;
    }
    return look->configured;
}

struct str look_chat_name(const struct look *look, struct str chat)
{
    return look->configured ? config_chat_name(&look->config, chat) : chat;
}

struct str look_chat_id(const struct look *look, struct str typed)
{
    return look->configured ? config_chat_id(&look->config, typed) : typed;
}

int look_end(struct look *look, bool ok, const struct err *err)
{
    int code = ok ? CLI_OK : cli_fail(err);
    if (ok && !buf_ok(&look->out)) {
        cli_say("out of memory");
        code = CLI_FAILED;
    }
    struct str text = buf_str(&look->out);
    if (code == CLI_OK && text.len > 0) {
        (void)fwrite(text.ptr, 1, text.len, stdout);
    }
    store_close(look->store);
    arena_free(&look->arena);
    config_free(&look->config);
    return code;
}

struct str look_line(struct look *look, struct str text)
{
    char room[LOOK_CELL_MAX];
    return arena_copy(&look->arena, log_mask(text, room, sizeof room));
}
