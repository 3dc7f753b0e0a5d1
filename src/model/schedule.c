#include "model/schedule.h"

#include "base/must.h"

enum {
    CRON_WALK_MAX = 2000, /* Planned times that are counted one by one. */
    CRON_BACK_MS = 24 * 3600 * 1000,
};

/* The planned times that have passed since the last one. */
struct passed {
    int64_t count; /* At least; very many are not counted to the end. */
    int64_t latest_ms;
    int64_t next_ms; /* The first that has not passed; 0: none. */
};

static const struct zone *zone_of(const struct schedule *schedule)
{
    return schedule->zone != NULL ? schedule->zone : zone_utc();
}

static int64_t next_planned(const struct schedule *schedule, int64_t after_ms)
{
    int64_t next_ms = 0;
    if (schedule->kind == SCHEDULE_EVERY) {
        return after_ms + schedule->every_ms;
    }
    return cron_next(&schedule->cron, zone_of(schedule), after_ms, &next_ms) ? next_ms : 0;
}

static struct passed walk(const struct schedule *schedule, int64_t from_ms, int64_t now_ms)
{
    struct passed passed = {.next_ms = next_planned(schedule, from_ms)};
    while (passed.next_ms != 0 && passed.next_ms <= now_ms && passed.count < CRON_WALK_MAX) {
        passed.latest_ms = passed.next_ms;
        passed.count++;
        passed.next_ms = next_planned(schedule, passed.latest_ms);
    }
    return passed;
}

static struct passed passed_every(const struct schedule *schedule, int64_t last_ms, int64_t now_ms)
{
    int64_t count = (now_ms - last_ms) / schedule->every_ms;
    int64_t latest_ms = last_ms + count * schedule->every_ms;
    return (struct passed){count, latest_ms, latest_ms + schedule->every_ms};
}

/* After a very long pause: look for the latest one in growing windows before now. */
static struct passed passed_cron(const struct schedule *schedule, int64_t last_ms, int64_t now_ms)
{
    struct passed passed = walk(schedule, last_ms, now_ms);
    const int64_t hour_ms = INT64_C(3600) * 1000;
    for (int64_t window_ms = hour_ms; passed.next_ms != 0 && passed.next_ms <= now_ms;
         window_ms *= 24) {
        struct passed recent = walk(schedule, now_ms - window_ms, now_ms);
        if (recent.count > 0) {
            recent.count += passed.count;
            passed = recent;
        }
    }
    return passed;
}

static struct schedule_due decide(const struct schedule *schedule, const struct passed *passed,
                                  int64_t last_ms, int64_t now_ms)
{
    struct schedule_due due = {
        .due = true,
        .keep = true,
        .planned_ms = passed->latest_ms,
        .next_ms = passed->next_ms,
        .missed = passed->count - 1,
    };
    switch (schedule->misfire) {
    case MISFIRE_ONCE:
        return due;
    case MISFIRE_SKIP:
        due.due = now_ms - passed->latest_ms <= SCHEDULE_GRACE_MS;
        due.missed += !due.due;
        return due;
    case MISFIRE_ALL:
        if (passed->count > SCHEDULE_CATCH_UP_MAX) { /* Only the latest are caught up. */
            due.missed = passed->count - 1;
            return due;
        }
        due.planned_ms = next_planned(schedule, last_ms);
        due.missed = 0;
        due.next_ms = next_planned(schedule, due.planned_ms);
        return due;
    }
    must_failed("unknown misfire policy", __FILE__, __LINE__);
}

struct schedule_due schedule_look(const struct schedule *schedule, int64_t last_planned_ms,
                                  int64_t now_ms)
{
    bool every = schedule->kind == SCHEDULE_EVERY;
    if (!every && schedule->kind != SCHEDULE_CRON) {
        return (struct schedule_due){0};
    }
    must(!every || schedule->every_ms > 0);
    int64_t back_ms = every ? schedule->every_ms : CRON_BACK_MS;
    if (last_planned_ms == 0 || last_planned_ms - now_ms > back_ms) { /* Count from now on. */
        return (struct schedule_due){
            .due = every,
            .keep = true,
            .planned_ms = now_ms,
            .next_ms = next_planned(schedule, now_ms),
        };
    }
    if (last_planned_ms > now_ms) {
        return (struct schedule_due){.next_ms = next_planned(schedule, last_planned_ms)};
    }
    struct passed passed = every ? passed_every(schedule, last_planned_ms, now_ms)
                                 : passed_cron(schedule, last_planned_ms, now_ms);
    if (passed.count == 0) {
        return (struct schedule_due){.next_ms = passed.next_ms};
    }
    return decide(schedule, &passed, last_planned_ms, now_ms);
}

size_t schedule_preview(const struct schedule *schedule, int64_t last_planned_ms, int64_t after_ms,
                        int64_t *out, size_t count)
{
    if (schedule->kind != SCHEDULE_EVERY && schedule->kind != SCHEDULE_CRON) {
        return 0;
    }
    int64_t from_ms = after_ms;
    if (schedule->kind == SCHEDULE_EVERY && last_planned_ms != 0 && last_planned_ms <= after_ms) {
        from_ms = passed_every(schedule, last_planned_ms, after_ms).latest_ms;
    }
    size_t found = 0;
    while (found < count) {
        from_ms = next_planned(schedule, from_ms);
        if (from_ms == 0) {
            break;
        }
        out[found++] = from_ms;
    }
    return found;
}
