#include "cli/keeper.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "cli/backups.h"
#include "model/schedule.h"
#include "serve/backup_note.h"
#include "store/run.h"

enum { ARENA_MAX = 16 * 1024 * 1024, LOOK_MS_MAX = 30 * 1000, FOLDER_MAX = 4096 };

/* Under this name the planned time is kept; no pipeline can have it. */
#define SCHEDULE_NAME STR("sluice/backups")

struct plans {
    bool wanted;
    struct schedule schedule;
    int64_t keep;
    char folder[FOLDER_MAX];
};

struct keeper {
    const struct cli *cli;
    struct store *store;
    struct clock *clock;
    struct arena arena; /* Of a look. */
    struct str data_dir;
    int64_t retry_ms; /* Wall time; 0: the last one was good. */
    bool troubled;
    struct backup_saved saved;
    struct thread thread;
    struct lock lock; /* Of all below. */
    struct signal woken;
    bool stop;
    struct plans plans;
};

static void take(struct keeper *keeper, const struct config_backups *config)
{
    struct plans *plans = &keeper->plans;
    plans->wanted = config->wanted;
    plans->schedule = config->schedule;
    plans->keep = config->keep;
    int len = config->folder.len > 0
                  ? snprintf(plans->folder, sizeof plans->folder, "%.*s", STR_ARG(config->folder))
                  : snprintf(plans->folder, sizeof plans->folder, "%.*s/backups",
                             STR_ARG(keeper->data_dir));
    plans->wanted = plans->wanted && len > 0 && (size_t)len < sizeof plans->folder;
}

static int64_t expected_ms(const struct plans *plans, int64_t planned_ms, int64_t now_ms)
{
    int64_t next_ms = 0;
    (void)schedule_preview(&plans->schedule, planned_ms, now_ms, &next_ms, 1);
    return next_ms != 0 ? next_ms + KEEPER_LATE_MS : 0;
}

static bool keep_planned(struct keeper *keeper, int64_t planned_ms, struct err *err)
{
    bool ok = store_begin(keeper->store, NULL, err) &&
              store_schedule_put(keeper->store, SCHEDULE_NAME, planned_ms, err) &&
              store_commit(keeper->store, err);
    store_rollback(keeper->store);
    return ok;
}

/* True when it was noted, whatever became of it. */
static bool make(struct keeper *keeper, const struct plans *plans, int64_t planned_ms,
                 struct err *err)
{
    struct backup_note note = {0};
    struct err why = {0};
    bool good = backups_save(keeper->cli, str_of(plans->folder), plans->keep, &keeper->saved, &why);
    int64_t now_ms = clock_wall_ms(keeper->clock);
    if (!backup_note_read(keeper->store, &keeper->arena, &note, err)) {
        return false;
    }
    note.there = true;
    note.expected_ms = note.expected_ms != 0 ? note.expected_ms : now_ms + KEEPER_LATE_MS;
    if (good) {
        log_info("backup: one more in %s, tested: %" PRId64 " messages, %" PRId64 " KiB; %" PRId64
                 " older ones removed",
                 plans->folder, keeper->saved.messages, keeper->saved.bytes / 1024,
                 keeper->saved.removed);
        note.good_ms = now_ms;
        note.bytes = keeper->saved.bytes;
        note.messages = keeper->saved.messages;
        note.file = str_of(keeper->saved.file);
        note.why = (struct str){0};
        note.expected_ms = expected_ms(plans, planned_ms, now_ms);
        keeper->retry_ms = 0;
    } else {
        log_error("backup: none was made: %s; it is tried again in %d min", why.text,
                  KEEPER_RETRY_MS / 60000);
        note.failed_ms = now_ms;
        note.why = str_of(why.text);
        keeper->retry_ms = now_ms + KEEPER_RETRY_MS;
    }
    return (!good || keep_planned(keeper, planned_ms, err)) &&
           backup_note_write(keeper->store, &keeper->arena, &note, err);
}

/* Nobody plans any: what was noted of them is no news any more. */
static bool forget(struct keeper *keeper, struct err *err)
{
    struct backup_note note = {0};
    if (!backup_note_read(keeper->store, &keeper->arena, &note, err)) {
        return false;
    }
    note.there = false;
    return note.expected_ms == 0 || backup_note_write(keeper->store, &keeper->arena, &note, err);
}

static bool look(struct keeper *keeper, const struct plans *plans, int64_t *wait_ms,
                 struct err *err)
{
    int64_t last_ms = 0;
    int64_t now_ms = clock_wall_ms(keeper->clock);
    *wait_ms = LOOK_MS_MAX;
    if (!plans->wanted) {
        *wait_ms = INT64_MAX / 4;
        return forget(keeper, err);
    }
    if (!store_schedule_get(keeper->store, SCHEDULE_NAME, &last_ms, err)) {
        return false;
    }
    struct schedule_due due = schedule_look(&plans->schedule, last_ms, now_ms);
    if (due.due && now_ms >= keeper->retry_ms) {
        *wait_ms = 0; /* Then it is seen when the next one is due. */
        return make(keeper, plans, due.planned_ms, err);
    }
    if (!due.due && due.keep) {
        return keep_planned(keeper, due.planned_ms, err);
    }
    int64_t next_ms = due.due ? keeper->retry_ms : due.next_ms;
    if (next_ms != 0 && next_ms - now_ms < *wait_ms) {
        *wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
    }
    return true;
}

static void *run(void *argument)
{
    struct keeper *keeper = argument;
    lock_take(&keeper->lock);
    while (!keeper->stop) {
        struct plans plans = keeper->plans;
        struct err err = {0};
        int64_t wait_ms = 0;
        lock_give(&keeper->lock);
        arena_reset(&keeper->arena);
        bool ok = look(keeper, &plans, &wait_ms, &err);
        if (!ok && !keeper->troubled) {
            log_warn("backup: the store does not answer: %s", err.text);
        }
        keeper->troubled = !ok;
        lock_take(&keeper->lock);
        if (!keeper->stop) {
            (void)signal_wait(&keeper->woken, &keeper->lock,
                              clock_mono_ms(keeper->clock) + (ok ? wait_ms : LOOK_MS_MAX));
        }
    }
    lock_give(&keeper->lock);
    store_leave_thread();
    return NULL;
}

bool keeper_start(struct keeper **out, struct engine *engine, const struct cli *cli,
                  struct str data_dir, const struct config_backups *config, struct err *err)
{
    struct keeper *keeper = mem_alloc(sizeof *keeper);
    if (keeper == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    keeper->cli = cli;
    keeper->clock = clock_system();
    keeper->data_dir = data_dir;
    lock_init(&keeper->lock);
    signal_init(&keeper->woken);
    arena_init(&keeper->arena, ARENA_MAX);
    take(keeper, config);
    if (!engine_store(engine, &keeper->store, err) ||
        !thread_start(&keeper->thread, run, keeper, false, err)) {
        store_close(keeper->store);
        arena_free(&keeper->arena);
        mem_free(keeper);
        return false;
    }
    *out = keeper;
    return true;
}

void keeper_replan(struct keeper *keeper, const struct config_backups *config)
{
    if (keeper == NULL) {
        return;
    }
    lock_take(&keeper->lock);
    take(keeper, config);
    signal_all(&keeper->woken);
    lock_give(&keeper->lock);
}

void keeper_stop(struct keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    lock_take(&keeper->lock);
    keeper->stop = true;
    signal_all(&keeper->woken);
    lock_give(&keeper->lock);
    thread_join(&keeper->thread);
    store_close(keeper->store);
    arena_free(&keeper->arena);
    mem_free(keeper);
}
