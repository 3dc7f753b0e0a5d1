#include "cli/peek.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "config/nearest.h"
#include "store/lease.h"

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] != '\0' ? folder : "/tmp";
}

/* An empty store in a folder of its own, to have something to look at. */
static bool make_empty(struct peek *peek, struct str *path, struct err *err)
{
    struct store *store = NULL;
    (void)snprintf(peek->scratch, sizeof peek->scratch, "%.40s/sluice-XXXXXX", temporary_folder());
    if (mkdtemp(peek->scratch) == NULL) {
        peek->scratch[0] = '\0';
        return err_set(err, ERR_CONFIG, "no folder can be made in %s; set TMPDIR to one that can",
                       temporary_folder());
    }
    *path = arena_printf(&peek->arena, "%s/sluice.db", peek->scratch);
    struct store_options options = {.path = *path, .clock = clock_system()};
    if (!store_open(&store, &options, err)) {
        return false;
    }
    store_close(store);
    return true;
}

static void remove_empty(struct peek *peek)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct err ignored = {0};
    if (peek->scratch[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct str path = arena_printf(&peek->arena, "%s/sluice.db%s", peek->scratch, ends[i]);
        (void)file_remove(path, &ignored);
    }
    (void)rmdir(peek->scratch);
}

/* The file of locks is only looked at when it is there: opening it would make it. */
static bool look_for_serve(struct peek *peek, struct str path, struct err *err)
{
    struct lease_file *leases = NULL;
    struct file_info info = {0};
    struct store *store = NULL;
    struct str locks = arena_printf(&peek->arena, "%.*s.lock", STR_ARG(path));
    struct store_options options = {.path = path, .clock = clock_system(), .readonly = true};
    if (!file_look(locks, &info, err)) {
        return false;
    }
    if (info.kind == FILE_MISSING || store_shadow_at_rest(peek->store)) {
        return true;
    }
    bool ok = lease_file_open(&leases, path, err) && store_open(&store, &options, err) &&
              store_lease_held(store, leases, STR("conductor"), &peek->served, err);
    store_close(store);
    lease_file_close(leases);
    return ok;
}

static bool open_shadow(struct peek *peek, bool intake, struct err *err)
{
    struct file_info info = {0};
    struct str path = arena_printf(&peek->arena, "%.*s/sluice.db", STR_ARG(peek->config.data_dir));
    if (path.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    if (!file_look(peek->config.data_dir, &info, err)) {
        return false;
    }
    if (info.kind != FILE_MISSING && info.kind != FILE_DIRECTORY) {
        return err_set(err, ERR_CONFIG, "%.*s is a file, not a data folder; name another",
                       STR_ARG(peek->config.data_dir));
    }
    if (!file_look(path, &info, err)) {
        return false;
    }
    peek->missing = info.kind == FILE_MISSING;
    if (peek->missing && !make_empty(peek, &path, err)) {
        return false;
    }
    struct shadow_options options = {.path = path, .clock = clock_system(), .intake = intake};
    return store_shadow_open(&peek->store, &options, err) &&
           (peek->missing || look_for_serve(peek, path, err));
}

int peek_begin(struct peek *peek, const struct cli *cli, bool intake)
{
    struct err err = {0};
    *peek = (struct peek){0};
    arena_init(&peek->arena, PEEK_ARENA_LIMIT);
    buf_init(&peek->out, &peek->arena, 4096);
    int code = cli_config_load(cli, &peek->config);
    if (code != CLI_OK) {
        return code;
    }
    screen_init(&peek->screen, cli, &peek->config);
    if (!open_shadow(peek, intake, &err)) {
        return cli_fail(&err);
    }
    peek->place = (struct shadow_place){
        .store = peek->store,
        .plan = &peek->config.plan,
        .clock = clock_system(),
        .data_dir = peek->config.data_dir,
    };
    return CLI_OK;
}

int peek_end(struct peek *peek, int code)
{
    struct str text = buf_str(&peek->out);
    if (!buf_ok(&peek->out)) {
        cli_say("out of memory");
        code = CLI_FAILED;
    } else if (text.len > 0) {
        (void)fwrite(text.ptr, 1, text.len, stdout);
    }
    store_close(peek->store);
    remove_empty(peek);
    arena_free(&peek->arena);
    config_free(&peek->config);
    return code;
}

const struct plan_pipeline *peek_pipeline(const struct peek *peek, struct str name)
{
    const struct plan *plan = &peek->config.plan;
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (str_equal(plan->pipelines[i].name, name)) {
            return &plan->pipelines[i];
        }
        nearest_try(&nearest, plan->pipelines[i].name);
    }
    cli_say("there is no pipeline '%.*s'%s", STR_ARG(name), nearest_hint(&nearest));
    return NULL;
}

int peek_still(const struct peek *peek)
{
    if (peek->missing || store_shadow_undisturbed(peek->store)) {
        return CLI_OK;
    }
    cli_say("another process began to work on the store meanwhile; run this again");
    return CLI_TRY_LATER;
}
