#include "serve/alerts.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "serve/channel.h"

enum {
    ARENA_MAX = 64 * 1024 * 1024,
    RETRY_FIRST_MS = 2000,
    RETRY_MOST_MS = 5 * 60 * 1000,
    RETRY_DOUBLINGS_MAX = 8,
    DATA_DIR_MAX = 4096,
};

/* A channel that did not answer waits. */
struct waiting {
    struct str name;
    int failures;
    int64_t next_ms; /* Monotonic. */
};

struct alerts {
    struct store *store;
    struct clock *clock;
    struct arena arena; /* Of a look. */
    struct str data_dir;
    int64_t since_ms;
    struct alert_book book;
    struct alerts_plan now;
    struct waiting waiting[ALERT_CHANNELS_MAX];
    bool troubled;
    struct thread thread;
    struct lock lock; /* Of all below. */
    struct signal woken;
    bool stop;
    bool renewed;
    struct alerts_plan next;
    char folder[DATA_DIR_MAX];
};

static void release(struct alerts_plan *plan)
{
    if (plan->owner.release != NULL) {
        plan->owner.release(plan->owner.owner);
    }
    *plan = (struct alerts_plan){0};
}

static bool is_stopping(void *context)
{
    struct alerts *alerts = context;
    lock_take(&alerts->lock);
    bool stop = alerts->stop;
    lock_give(&alerts->lock);
    return stop;
}

static void take_plan(struct alerts *alerts)
{
    lock_take(&alerts->lock);
    struct alerts_plan old = alerts->now;
    bool renewed = alerts->renewed;
    if (renewed) {
        alerts->now = alerts->next;
        alerts->next = (struct alerts_plan){0};
        alerts->renewed = false;
    }
    lock_give(&alerts->lock);
    if (renewed) {
        for (size_t i = 0; i < ALERT_CHANNELS_MAX; i++) {
            alerts->waiting[i] = (struct waiting){.failures = 0};
        }
        release(&old);
    }
}

/* ---- What is wrong ---- */

/* Few dead letters may be none worth a word. */
static bool counts(const struct health *health, const struct health_culprit *culprit,
                   int64_t dead_letters)
{
    if (!str_equal(str_of(culprit->what), STR("dead_letters"))) {
        return true;
    }
    for (size_t i = 0; i < health->sink_count; i++) {
        if (str_equal(health->sinks[i].name, culprit->name)) {
            return health->sinks[i].dead > dead_letters;
        }
    }
    return true;
}

static size_t find_culprits(struct alerts *alerts, const struct health *health,
                            struct health_culprit out[HEALTH_CULPRITS_MAX + 1])
{
    const struct config_alerts *config = alerts->now.config;
    struct err ignored = {0};
    uint64_t room = 0;
    size_t count = 0;
    for (size_t i = 0; i < health->culprit_count; i++) {
        if (counts(health, &health->culprits[i], config->dead_letters)) {
            out[count++] = health->culprits[i];
        }
    }
    if (file_space(alerts->data_dir, &room, &ignored) && room < (uint64_t)config->disk_free) {
        out[count++] = (struct health_culprit){HEALTH_DEGRADED, "store", STR("data"), "disk_low",
                                               (struct str){0}};
    }
    return count;
}

static bool look(struct alerts *alerts, struct err *err)
{
    struct health health;
    struct health_culprit culprits[HEALTH_CULPRITS_MAX + 1];
    int64_t now_ms = clock_wall_ms(alerts->clock);
    if (!health_read(&health, alerts->store, alerts->now.plan, now_ms, alerts->since_ms,
                     &alerts->arena, err)) {
        return false;
    }
    size_t count = find_culprits(alerts, &health, culprits);
    return alert_book_look(&alerts->book, alerts->store, culprits, count, now_ms,
                           alerts->now.config->settle_ms, &alerts->arena, err);
}

/* ---- Telling ---- */

static void put_off(struct alerts *alerts, struct waiting *waiting, const struct err *why)
{
    int doublings =
        waiting->failures < RETRY_DOUBLINGS_MAX ? waiting->failures : RETRY_DOUBLINGS_MAX;
    int64_t pause_ms = (int64_t)RETRY_FIRST_MS << doublings;
    if (waiting->failures++ == 0) {
        log_warn("alerts: %s; it is tried again", why->text);
    }
    waiting->next_ms =
        clock_mono_ms(alerts->clock) + (pause_ms < RETRY_MOST_MS ? pause_ms : RETRY_MOST_MS);
}

/* False only for the store: a channel that fails waits. */
static bool tell(struct alerts *alerts, struct alert *alert, const struct alert_channel *channel,
                 struct waiting *waiting, struct err *err)
{
    enum alert_news news = alert_owed(alert, channel);
    int64_t now_ms = clock_wall_ms(alerts->clock);
    int64_t repeat_ms = channel_repeat_ms(channel);
    bool again = news == ALERT_NOTHING && repeat_ms > 0 && alert->fired_ms != 0 && !alert->over &&
                 config_alert_wants(channel, str_of(alert->what)) &&
                 now_ms - alert_told_ms(alert, channel->name) >= repeat_ms;
    if (news == ALERT_NOTHING && !again) {
        return true;
    }
    struct letter letter;
    struct err why = {0};
    struct channel_env env = {alerts->clock, is_stopping, alerts};
    news = again ? ALERT_FIRING : news;
    letter_make(&letter, alert, news, alerts->now.config->details, now_ms);
    if (!channel_tell(channel, &letter, &env, clock_mono_ms(alerts->clock) + ALERTS_SEND_MS,
                      &alerts->arena, &why)) {
        put_off(alerts, waiting, &why);
        return true;
    }
    if (waiting->failures > 0) {
        log_info("alerts: channel %.*s answers again", STR_ARG(channel->name));
    }
    waiting->failures = 0;
    if (!again) {
        log_info("alerts: told %.*s that %s %s: %s%s", STR_ARG(channel->name), alert->part,
                 alert->name, alert->what, news == ALERT_OVER ? " is over" : "");
    }
    return alert_book_told(alert, alerts->store, channel->name, news, now_ms, &alerts->arena, err);
}

static bool tell_all(struct alerts *alerts, struct err *err)
{
    const struct config_alerts *config = alerts->now.config;
    for (size_t i = 0; i < config->count; i++) {
        struct waiting *waiting = &alerts->waiting[i];
        for (size_t j = 0; j < alerts->book.count && !is_stopping(alerts) &&
                           clock_mono_ms(alerts->clock) >= waiting->next_ms;
             j++) {
            if (!tell(alerts, &alerts->book.items[j], &config->channels[i], waiting, err)) {
                return false;
            }
        }
    }
    return alert_book_sweep(&alerts->book, alerts->store, config->channels, config->count, err);
}

static void *run(void *argument)
{
    struct alerts *alerts = argument;
    while (!is_stopping(alerts)) {
        struct err err = {0};
        take_plan(alerts);
        arena_reset(&alerts->arena);
        bool ok = alerts->now.config->count == 0 || (look(alerts, &err) && tell_all(alerts, &err));
        if (!ok && !alerts->troubled) {
            log_warn("alerts: the store does not answer: %s", err.text);
        }
        alerts->troubled = !ok;
        lock_take(&alerts->lock);
        if (!alerts->stop) {
            bool idle = alerts->now.config->count == 0 && !alerts->renewed;
            (void)signal_wait(&alerts->woken, &alerts->lock,
                              idle ? INT64_MAX / 2 : clock_mono_ms(alerts->clock) + ALERTS_LOOK_MS);
        }
        lock_give(&alerts->lock);
    }
    store_leave_thread();
    return NULL;
}

/* ---- Life ---- */

static void free_all(struct alerts *alerts)
{
    release(&alerts->now);
    release(&alerts->next);
    store_close(alerts->store);
    arena_free(&alerts->arena);
    mem_free(alerts);
}

bool alerts_start(struct alerts **out, struct engine *engine, struct str data_dir,
                  struct alerts_plan plan, struct err *err)
{
    struct alerts *alerts = mem_alloc(sizeof *alerts);
    if (alerts == NULL || data_dir.len >= sizeof alerts->folder) {
        release(&plan);
        mem_free(alerts);
        return err_set(err, ERR_RETRY, "alerts: out of memory");
    }
    for (size_t i = 0; i < data_dir.len; i++) {
        alerts->folder[i] = data_dir.ptr[i];
    }
    alerts->data_dir = (struct str){alerts->folder, data_dir.len};
    alerts->clock = clock_system();
    alerts->since_ms = clock_wall_ms(alerts->clock);
    alerts->now = plan;
    lock_init(&alerts->lock);
    signal_init(&alerts->woken);
    arena_init(&alerts->arena, ARENA_MAX);
    if (!engine_store(engine, &alerts->store, err) ||
        !alert_book_load(&alerts->book, alerts->store, &alerts->arena, err) ||
        !thread_start(&alerts->thread, run, alerts, false, err)) {
        free_all(alerts);
        return false;
    }
    *out = alerts;
    return true;
}

void alerts_replan(struct alerts *alerts, struct alerts_plan plan)
{
    if (alerts == NULL) {
        release(&plan);
        return;
    }
    lock_take(&alerts->lock);
    struct alerts_plan unused = alerts->next;
    alerts->next = plan;
    alerts->renewed = true;
    signal_all(&alerts->woken);
    lock_give(&alerts->lock);
    release(&unused);
}

void alerts_stop(struct alerts *alerts)
{
    if (alerts == NULL) {
        return;
    }
    lock_take(&alerts->lock);
    alerts->stop = true;
    signal_all(&alerts->woken);
    lock_give(&alerts->lock);
    thread_join(&alerts->thread);
    free_all(alerts);
}
