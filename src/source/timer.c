#include "source/timer.h"

#include <inttypes.h>

#include "model/schedule.h"
#include "text/cron.h"
#include "text/datetime.h"

enum { EVERY_MS_MIN = 1000, TICKS_MAX = 2 * SCHEDULE_CATCH_UP_MAX };

struct timer {
    struct source source; /* First. */

    /* Options. */
    int64_t every_ms;
    struct str cron_text;
    struct str zone_name;
    struct str since_text;
    int misfire; /* enum misfire_policy */

    /* From open to close. */
    struct schedule schedule;
    int64_t since_ms; /* 0: from the first start on. */
    int64_t next_ms;  /* When the next tick is due; 0: not known yet. */
};

static const char *const misfires[] = {"once", "skip", "all", NULL};

static struct timer *timer_of(struct connector *connector)
{
    return (struct timer *)(void *)connector; /* The connector is its first member. */
}

/* `*option` is the one that a mistake is in. */
static bool since_read(struct timer *timer, const char **option, struct err *err)
{
    struct stamp stamp;
    timer->since_ms = 0;
    if (timer->since_text.len == 0) {
        return true;
    }
    *option = "since";
    if (!datetime_parse_iso(timer->since_text, &stamp, err)) {
        err->kind = ERR_CONFIG;
        return false;
    }
    timer->since_ms = zone_stamp_ms(timer->schedule.zone, &stamp, NULL);
    return true;
}

static bool schedule_read(struct timer *timer, const char **option, struct err *err)
{
    int64_t next_ms = 0;
    timer->schedule = (struct schedule){.misfire = (enum misfire_policy)timer->misfire};
    *option = NULL;
    if ((timer->every_ms != 0) == (timer->cron_text.len > 0)) {
        return err_set(err, ERR_CONFIG, "write exactly one of `every` and `cron`");
    }
    *option = "zone";
    if (!zone_parse(timer->zone_name, &timer->schedule.zone, err)) {
        return false;
    }
    if (timer->every_ms != 0) {
        *option = "every";
        timer->schedule.kind = SCHEDULE_EVERY;
        timer->schedule.every_ms = timer->every_ms;
        return timer->every_ms >= EVERY_MS_MIN || err_set(err, ERR_CONFIG, "at least one second");
    }
    *option = "cron";
    timer->schedule.kind = SCHEDULE_CRON;
    if (!cron_parse(timer->cron_text, &timer->schedule.cron, err)) {
        return false;
    }
    return cron_next(&timer->schedule.cron, timer->schedule.zone, 0, &next_ms) ||
           err_set(err, ERR_CONFIG, "'%.*s' never comes: there is no such date",
                   STR_ARG(timer->cron_text));
}

static bool options_read(struct timer *timer, const char **option, struct err *err)
{
    return schedule_read(timer, option, err) && since_read(timer, option, err);
}

static void timer_check(const struct connector *connector, struct report *report)
{
    struct timer timer = *(const struct timer *)(const void *)connector;
    const char *option = NULL;
    struct err err = {0};
    if (!options_read(&timer, &option, &err)) {
        report_err(report, option, &err);
    }
}

static bool timer_open(struct connector *connector, struct err *err)
{
    struct timer *timer = timer_of(connector);
    const char *option = NULL;
    timer->next_ms = 0;
    return options_read(timer, &option, err) || source_wrong(connector, option, err);
}

static void timer_close(struct connector *connector)
{
    (void)connector; /* Nothing is held. */
}

/* What came before the first start: nothing, or as if a tick had been just before `since`. */
static int64_t last_planned(const struct timer *timer, struct str cursor)
{
    int64_t last_ms = 0;
    if (cursor.ptr != NULL && str_to_int64(cursor, &last_ms)) {
        return last_ms;
    }
    if (timer->since_ms == 0) {
        return 0;
    }
    return timer->schedule.kind == SCHEDULE_EVERY ? timer->since_ms - timer->schedule.every_ms
                                                  : timer->since_ms - 1;
}

static bool add_tick(struct batch *batch, int64_t planned_ms, struct err *err)
{
    char text[DATETIME_TEXT_MAX];
    struct str iso = arena_copy(batch->arena, datetime_format_iso(planned_ms, text));
    struct message *message = batch_add(batch, iso.len);
    if (message == NULL || iso.ptr == NULL) {
        return err_set(err, ERR_RETRY, "timer: out of memory");
    }
    message->kind = MESSAGE_TICK;
    message->chat = STR("ticks");
    message->external_id = iso;
    message->text = iso;
    message->sent_ms = planned_ms;
    return true;
}

static bool tick_chat(struct timer *timer, struct batch *batch, struct chat_cursor *chat,
                      struct err *err)
{
    int64_t now_ms = clock_wall_ms(timer->source.connector.env.clock);
    int64_t last_ms = last_planned(timer, chat->cursor);
    bool moved = false;
    if (timer->since_ms > now_ms && chat->cursor.ptr == NULL) {
        timer->next_ms = timer->since_ms;
        return true;
    }
    for (int ticks = 0; ticks < TICKS_MAX; ticks++) {
        struct schedule_due due = schedule_look(&timer->schedule, last_ms, now_ms);
        timer->next_ms = due.next_ms;
        if (!due.due && !due.keep) {
            break;
        }
        if (batch_full(batch, DATETIME_TEXT_MAX)) {
            batch->more = true;
            break;
        }
        if (due.due && !add_tick(batch, due.planned_ms, err)) {
            return false;
        }
        last_ms = due.planned_ms;
        moved = true;
    }
    if (moved) {
        chat->next = arena_printf(batch->arena, "%" PRId64, last_ms);
    }
    return !moved || chat->next.ptr != NULL || err_set(err, ERR_RETRY, "timer: out of memory");
}

static bool timer_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                        struct err *err)
{
    struct timer *timer = timer_of(&source->connector);
    (void)deadline_ms; /* Nothing outside is asked. */
    for (size_t i = 0; i < batch->chat_count; i++) {
        struct str name = batch->chats[i].chat;
        if ((name.len == 0 || str_equal(name, STR("ticks"))) &&
            !tick_chat(timer, batch, &batch->chats[i], err)) {
            return false;
        }
    }
    return true;
}

static bool timer_changed(struct source *source)
{
    struct timer *timer = timer_of(&source->connector);
    return timer->next_ms != 0 && clock_wall_ms(source->connector.env.clock) >= timer->next_ms;
}

static bool timer_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                        struct err *err)
{
    struct timer *timer = timer_of(connector);
    struct buf words;
    (void)deadline_ms;
    buf_init(&words, connector->env.arena, 128);
    if (timer->schedule.kind == SCHEDULE_CRON) {
        cron_describe(&timer->schedule.cron, &words);
        buf_printf(&words, " (%.*s)", STR_ARG(zone_name(timer->schedule.zone)));
    } else {
        buf_printf(&words, "every %" PRId64 " seconds", timer->schedule.every_ms / 1000);
    }
    *found = buf_str(&words);
    return found->ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

static const struct option options[] = {
    OPTION_DURATION(struct timer, every_ms, "every", NULL, "Pause between two ticks."),
    OPTION_TEXT(struct timer, cron_text, "cron", NULL, "Moments as cron writes them: 0 8 * * SUN."),
    OPTION_ZONE(struct timer, zone_name, "zone", "Asia/Jerusalem",
                "On whose wall `cron` and `since` are read."),
    OPTION_CHOICE(struct timer, misfire, "misfire", "once", misfires,
                  "Moments that passed while nothing ran: one tick for all, none, or each."),
    OPTION_TEXT(struct timer, since_text, "since", NULL,
                "When ticks begin, as 2026-01-05 or 2026-01-05T08:00; the first start without it."),
    OPTION_END,
};

const struct source_type source_timer = {
    .connector =
        {
            .kind = "timer",
            .summary = "Ticks of time, by an interval or by cron.",
            .options = options,
            .size = sizeof(struct timer),
            .check = timer_check,
            .open = timer_open,
            .probe = timer_probe,
            .close = timer_close,
        },
    .fetch = timer_fetch,
    .changed = timer_changed,
};
