#include "cli/act.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/audit.h"
#include "store/backup.h"

/* By the user's id and not by $USER, which anybody may set. */
void act_name_actor(char actor[ACT_ACTOR_MAX])
{
    const struct passwd *user = getpwuid(getuid());
    int len = user != NULL && user->pw_name != NULL
                  ? snprintf(actor, ACT_ACTOR_MAX, "cli:%.64s", user->pw_name)
                  : snprintf(actor, ACT_ACTOR_MAX, "cli:uid %ld", (long)getuid());
    if (len < 0) {
        actor[0] = '\0';
    }
}

static int open_store(struct act *act)
{
    struct err err = {0};
    struct file_info info = {0};
    act->path = arena_printf(&act->arena, "%.*s/sluice.db", STR_ARG(act->config.data_dir));
    if (!file_look(act->path, &info, &err)) {
        return cli_fail(&err);
    }
    if (info.kind == FILE_MISSING && !backup_settled(act->path, &err)) {
        return cli_fail(&err);
    }
    if (info.kind == FILE_MISSING) {
        cli_say("there is no store %.*s: nothing has run here yet", STR_ARG(act->path));
        return CLI_FAILED;
    }
    struct store_options options = {.path = act->path, .clock = clock_system()};
    return store_open(&act->store, &options, &err) ? CLI_OK : act_fail(act, &err);
}

int act_begin(struct act *act, const struct cli *cli, bool whole)
{
    *act = (struct act){0};
    arena_init(&act->arena, ACT_ARENA_LIMIT);
    buf_init(&act->out, &act->arena, 1024);
    act_name_actor(act->actor);
    int code = whole ? cli_config_load(cli, &act->config) : cli_config_place(cli, &act->config);
    return code == CLI_OK ? open_store(act) : code;
}

int act_end(struct act *act, int code)
{
    struct str text = buf_str(&act->out);
    if (!buf_ok(&act->out)) {
        cli_say("out of memory");
        code = CLI_FAILED;
    } else if (text.len > 0) {
        (void)fwrite(text.ptr, 1, text.len, stdout);
    }
    store_close(act->store);
    arena_free(&act->arena);
    config_free(&act->config);
    return code;
}

bool act_change(struct act *act, struct err *err)
{
    return store_begin(act->store, NULL, err);
}

bool act_keep(struct act *act, struct err *err)
{
    return store_commit(act->store, err);
}

bool act_audit(struct act *act, const char *what, struct str object, struct str detail,
               struct err *err)
{
    return store_audit_put(act->store, str_of(act->actor), str_of(what), object, detail, err) ||
           err_prefix(err, "this cannot be written into the audit log, so it is not done: ");
}

int act_fail(struct act *act, const struct err *err)
{
    if (act->store != NULL) {
        store_rollback(act->store);
    }
    int code = cli_fail(err);
    return err->kind == ERR_RETRY ? CLI_TRY_LATER : code;
}

bool act_number(struct str word, const char *what, int64_t *out)
{
    if (str_to_int64(word, out) && *out > 0) {
        return true;
    }
    cli_say("'%.*s' is not %s: a whole number is expected", STR_ARG(word), what);
    return false;
}
