#include "cli/reload.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/watch.h"
#include "cli/signals.h"
#include "serve/renew.h"

enum {
    SETTLE_MS = 10 * 1000, /* Then the files are taken as they are. */
    READ_TRIES_MAX = 20,   /* Somebody writes again and again: the next change is another time. */
    START_TRIES_MAX = 100,
    START_PAUSE_MS = 50,
    WORDS_ARENA_LIMIT = 4 * 1024 * 1024,
};

struct reload {
    struct session *session;
    const struct cli *cli;
    struct watch *watch;
    struct loaded *now; /* What is in use; held. */
    struct thread thread;
    atomic_bool stop;
    atomic_bool asked;   /* SIGHUP came, or a call. */
    struct renew *renew; /* Calls that ask; NULL: nobody listens. */
    struct str words;    /* What became of the last reading; in the arena. */
    bool first;          /* The look after the start: silent when nothing has changed. */
    struct arena arena;  /* Of a reload. */
};

/* Watch what `next` was read from, and what the configuration in use was. */
static void watch_files(struct reload *reload, const struct config *next)
{
    struct str paths[2 * READER_FILES_MAX];
    size_t count = 0;
    const struct config *configs[2] = {&reload->now->config, next};
    for (int i = 0; i < 2; i++) {
        size_t files = 0;
        const struct str *list = configs[i] == NULL ? NULL : config_files(configs[i], &files);
        for (size_t j = 0; j < files; j++) {
            paths[count++] = list[j];
        }
    }
    watch_set(reload->watch, paths, count);
}

/* Until nobody writes any more, or the patience is over. False: stop. */
static bool settle(struct reload *reload)
{
    struct clock *clock = clock_system();
    int64_t until_ms = clock_mono_ms(clock) + SETTLE_MS;
    bool settled = false;
    while (!settled && !atomic_load(&reload->stop) && clock_mono_ms(clock) < until_ms) {
        settled = watch_settle(reload->watch, until_ms);
    }
    return !atomic_load(&reload->stop);
}

/* The files as they are when nobody writes; NULL when it is time to stop, or out of memory. */
static struct loaded *read_files(struct reload *reload, bool *good, struct err *err)
{
    struct config_input input = cli_config_input(reload->cli);
    for (int tries = 0; tries < READ_TRIES_MAX && settle(reload); tries++) {
        struct loaded *next = loaded_new();
        if (next == NULL) {
            (void)err_set(err, ERR_RETRY, "out of memory");
            return NULL;
        }
        watch_take(reload->watch);
        *err = (struct err){0};
        *good = config_load(&next->config, &input, err);
        if (!watch_changed(reload->watch)) {
            watch_files(reload, &next->config);
            return next;
        }
        loaded_drop(next);
    }
    return NULL;
}

/* All into the log, and the first one as what is wrong. */
static void log_faults(struct reload *reload, struct loaded *next, const struct err *err)
{
    struct config *config = &next->config;
    size_t kept = config->faults.kept;
    reload->words = arena_copy(&reload->arena, str_of(err->text));
    if (kept > 0) {
        struct str line = fault_line(&config->faults.items[0], &config->arena);
        reload->words = arena_copy(&reload->arena, line);
    }
    for (size_t i = 0; i < kept; i++) {
        struct str line = fault_line(&config->faults.items[i], &config->arena);
        log_error("%.*s", STR_ARG(line));
    }
    if (kept == 0) {
        log_error("%s", err->text);
    }
    if (config->faults.count > kept) {
        log_error("and %zu more", config->faults.count - kept);
    }
}

static bool same_folder(struct str a, struct str b)
{
    struct file_info one = {0};
    struct file_info two = {0};
    struct err ignored = {0};
    return str_equal(a, b) || (file_look(a, &one, &ignored) && file_look(b, &two, &ignored) &&
                               one.kind == FILE_DIRECTORY && two.kind == FILE_DIRECTORY &&
                               one.inode == two.inode && one.device == two.device);
}

static struct log_options log_of(const struct config *config)
{
    return (struct log_options){.path = config->log_file, .level = config->log_level};
}

/* The engine may be about to serve only now. */
static bool swap(struct reload *reload, struct loaded *next, struct engine_changes *changes,
                 struct err *err)
{
    struct clock *clock = clock_system();
    for (int tries = 0; tries < START_TRIES_MAX && !atomic_load(&reload->stop); tries++) {
        struct plan_owner owner = loaded_owner(next);
        *err = (struct err){0};
        if (engine_reload(reload->session->engine, &next->config.plan, owner, &reload->arena,
                          changes, err)) {
            return true;
        }
        loaded_drop(next);
        if (err->kind != ERR_STOP) {
            return false;
        }
        clock->sleep_until(clock, clock_mono_ms(clock) + START_PAUSE_MS);
    }
    return false;
}

/* Log and engine, or neither. */
static bool take(struct reload *reload, struct loaded *next, struct engine_changes *changes,
                 struct err *err)
{
    struct log_options before = log_of(&reload->now->config);
    struct log_options after = log_of(&next->config);
    struct str folder = reload->now->config.data_dir;
    if (!same_folder(folder, next->config.data_dir)) {
        return err_set(err, ERR_CONFIG,
                       "the data folder would be %.*s in place of %.*s, and a running sluice does "
                       "not change its store: restart it for that",
                       STR_ARG(next->config.data_dir), STR_ARG(folder));
    }
    if (!log_change(&reload->session->log, &after, err)) {
        return false;
    }
    if (!swap(reload, next, changes, err)) {
        struct err ignored = {0};
        (void)log_change(&reload->session->log, &before, &ignored);
        return false;
    }
    return true;
}

/* ---- What has changed, in words ---- */

static const struct config_projects *find_projects(const struct config *config, struct str pipeline)
{
    for (size_t i = 0; i < config->project_lists; i++) {
        if (str_equal(config->projects[i].pipeline, pipeline)) {
            return &config->projects[i];
        }
    }
    return NULL;
}

static struct str find_digest(const struct config *config, struct str pipeline)
{
    for (size_t i = 0; i < config->plan.pipeline_count; i++) {
        if (str_equal(config->plan.pipelines[i].name, pipeline)) {
            return config->plan.pipelines[i].digest;
        }
    }
    return (struct str){0};
}

static const struct named_chat *find_chat(const struct named_chats *chats, struct str chat)
{
    for (size_t i = 0; i < chats->count; i++) {
        if (str_equal(chats->items[i].chat, chat)) {
            return &chats->items[i];
        }
    }
    return NULL;
}

static void put_count(struct buf *out, size_t count, const char *what, bool *any)
{
    if (count > 0) {
        buf_printf(out, "%s%zu project%s %s", *any ? ", " : "", count, count == 1 ? "" : "s", what);
        *any = true;
    }
}

/* "1 project added, 2 projects removed"; false when its projects are the same. */
static bool put_projects(struct buf *out, const struct named_chats *before,
                         const struct named_chats *after)
{
    size_t added = 0;
    size_t renamed = 0;
    size_t removed = 0;
    bool any = false;
    for (size_t i = 0; i < after->count; i++) {
        const struct named_chat *old = find_chat(before, after->items[i].chat);
        added += old == NULL;
        renamed += old != NULL && !str_equal(old->name, after->items[i].name);
    }
    for (size_t i = 0; i < before->count; i++) {
        removed += find_chat(after, before->items[i].chat) == NULL;
    }
    put_count(out, added, "added", &any);
    put_count(out, removed, "removed", &any);
    put_count(out, renamed, "renamed", &any);
    return any;
}

/* How one part changed; `*projects` tells that it was (also) the projects. */
static void put_change(struct buf *out, const struct engine_change *change,
                       const struct config *before, const struct config *after, bool *projects)
{
    static const char *const nouns[] = {"source", "pipeline", "sink"};
    static const char *const fates[] = {"as before", "added", "changed", "removed"};
    buf_printf(out, "%s %.*s: ", nouns[change->kind], STR_ARG(change->name));
    const struct config_projects *old = find_projects(before, change->name);
    const struct config_projects *now = find_projects(after, change->name);
    bool listed = change->kind == PART_PIPELINE && old != NULL && now != NULL &&
                  put_projects(out, &old->chats, &now->chats);
    bool worded = !str_equal(find_digest(before, change->name), find_digest(after, change->name));
    *projects = *projects || listed || (change->kind == PART_PIPELINE && (old || now));
    if (!listed || worded) {
        buf_printf(out, "%s%s", listed ? ", its options " : "", fates[change->fate]);
    }
}

static bool put_log(struct buf *out, const struct config *before, const struct config *after)
{
    if (before->log_level == after->log_level && str_equal(before->log_file, after->log_file)) {
        return false;
    }
    buf_printf(out, "%sthe log is another one", out->len > 0 ? "; " : "");
    return true;
}

static void tell(struct reload *reload, const struct config *after,
                 const struct engine_changes *changes)
{
    const struct config *before = &reload->now->config;
    struct buf out;
    bool projects = false;
    buf_init(&out, &reload->arena, 256);
    for (size_t i = 0; i < changes->count; i++) {
        buf_printf(&out, "%s", i > 0 ? "; " : "");
        put_change(&out, &changes->items[i], before, after, &projects);
    }
    bool logged = put_log(&out, before, after);
    if (changes->keeping) {
        buf_printf(&out, "%show long things are kept", out.len > 0 ? "; " : "");
    }
    if (changes->count == 0 && !logged && !changes->keeping) {
        if (!reload->first) {
            log_info("the configuration was read again, and says what it said before");
        }
        return;
    }
    reload->words = buf_str(&out);
    log_info("reloaded: %.*s%s", STR_ARG(reload->words),
             changes->same > 0 ? "; everything else as before" : "");
    if (projects) {
        session_log_projects(after);
    }
}

static bool same_http(const struct config_http *a, const struct config_http *b)
{
    bool same = str_equal(a->listen, b->listen) && a->port == b->port &&
                str_equal(a->internal, b->internal) && a->proxies.count == b->proxies.count;
    for (size_t i = 0; same && i < a->proxies.count; i++) {
        same = str_equal(a->proxies.items[i], b->proxies.items[i]);
    }
    return same;
}

static void tell_service(struct reload *reload, struct loaded *next)
{
    if (!same_http(&reload->now->config.http, &next->config.http)) {
        log_warn("http: what changed in this section counts from the next start on");
    }
    service_replan(reload->session->service, &next->config.plan, loaded_owner(next));
    struct alerts_plan plan = {&next->config.plan, &next->config.alerts, loaded_owner(next)};
    alerts_replan(reload->session->alerts, plan);
    keeper_replan(reload->session->keeper, &next->config.backups);
}

/* True: it is in use. */
static bool once(struct reload *reload)
{
    struct err err = {0};
    struct engine_changes changes = {0};
    bool good = false;
    struct loaded *next = read_files(reload, &good, &err);
    if (next == NULL) {
        reload->words = STR("it could not be read");
        return false;
    }
    if (!good) {
        log_faults(reload, next, &err);
    } else if (!take(reload, next, &changes, &err)) {
        good = false;
        reload->words = arena_copy(&reload->arena, str_of(err.text));
        if (!atomic_load(&reload->stop)) {
            log_error("%s", err.text);
        }
    }
    if (!good) {
        if (!atomic_load(&reload->stop)) {
            log_error(
                "the changed configuration is not used: %zu mistake%s; the one before goes on",
                next->config.faults.count > 0 ? next->config.faults.count : 1,
                next->config.faults.count > 1 ? "s" : "");
        }
        loaded_drop(next);
        return false;
    }
    tell(reload, &next->config, &changes);
    tell_service(reload, next);
    loaded_drop(reload->now);
    reload->now = next;
    return true;
}

static void *run(void *argument)
{
    struct reload *reload = argument;
    bool due = true; /* What changed between the reading at start and the watching. */
    while (!atomic_load(&reload->stop)) {
        if (due || atomic_exchange(&reload->asked, false) || watch_changed(reload->watch)) {
            int64_t ticket = reload->renew != NULL ? renew_due(reload->renew) : 0;
            reload->words = STR("");
            bool good = once(reload);
            if (ticket > 0) {
                renew_done(reload->renew, ticket, good, reload->words);
            }
            arena_reset(&reload->arena);
            reload->first = false;
            due = false;
        }
        if (!atomic_load(&reload->stop) && !atomic_load(&reload->asked)) {
            (void)watch_wait(reload->watch, INT64_MAX);
        }
    }
    return NULL;
}

static void on_asked(void *context)
{
    struct reload *reload = context;
    atomic_store(&reload->asked, true);
    watch_wake(reload->watch);
}

bool reload_start(struct reload **out, struct session *session, const struct cli *cli,
                  struct err *err)
{
    struct reload *reload = mem_alloc(sizeof *reload);
    if (reload == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    reload->session = session;
    reload->cli = cli;
    reload->renew = service_renew(session->service);
    reload->first = true;
    reload->now = session->loaded;
    loaded_hold(reload->now);
    arena_init(&reload->arena, WORDS_ARENA_LIMIT);
    bool ok = watch_open(&reload->watch, err);
    if (ok) {
        watch_files(reload, NULL);
        ok = thread_start(&reload->thread, run, reload, false, err);
    }
    if (!ok) {
        watch_close(reload->watch);
        loaded_drop(reload->now);
        mem_free(reload);
        return false;
    }
    signals_on_hangup(on_asked, reload);
    if (reload->renew != NULL) {
        renew_listen(reload->renew, on_asked, reload);
    }
    *out = reload;
    return true;
}

void reload_stop(struct reload *reload)
{
    if (reload == NULL) {
        return;
    }
    signals_on_hangup(NULL, NULL);
    if (reload->renew != NULL) {
        renew_listen(reload->renew, NULL, NULL);
    }
    atomic_store(&reload->stop, true);
    watch_wake(reload->watch);
    thread_join(&reload->thread);
    watch_close(reload->watch);
    loaded_drop(reload->now);
    arena_free(&reload->arena);
    mem_free(reload);
}
