#include "pipeline/count.h"

#include "base/buf.h"

enum { PERIOD_MAX = 32, NOTE_ROOM = 48, THURSDAY = 4, WEEK_DAYS = 7 };

static bool count_prepare(struct step *step, struct step_scope *scope)
{
    struct count *count = (struct count *)step;
    struct step_spot spot = {.option = "as"};
    struct str period = arena_printf(scope->arena, "%.*s_period", STR_ARG(count->as));
    bool good = step_keeps(scope, step);
    good =
        compose_prepare(&count->key_text, scope, (struct step_spot){.option = "key"}, count->key) &&
        good;
    if (period.ptr == NULL) {
        return step_fault(scope, spot, "out of memory");
    }
    good = step_sets(scope, spot, count->as, VALUE_INT, &count->field) && good;
    return step_sets(scope, spot, period, VALUE_TEXT, &count->period_field) && good;
}

/* The week of ISO 8601: it belongs to the year in which its Thursday lies. */
static void week_of(const struct civil *civil, int *year, int *week)
{
    int64_t days = datetime_days(civil->year, civil->month, civil->day);
    int weekday = (datetime_weekday(days) + WEEK_DAYS - 1) % WEEK_DAYS; /* Monday is 0. */
    struct civil thursday;
    *year = civil->year;
    *week = 1;
    if (datetime_to_civil((days - weekday + THURSDAY - 1) * DATETIME_DAY_MS, &thursday)) {
        int64_t first = datetime_days(thursday.year, 1, 1);
        *year = thursday.year;
        *week = (int)((days - weekday + THURSDAY - 1 - first) / WEEK_DAYS) + 1;
    }
}

/* A distance from UTC holds for months, so it is asked for once a stretch. */
static bool civil_of(struct count *count, const struct zone *zone, int64_t time_ms,
                     struct civil *out)
{
    if (count->span.end_ms == 0 || time_ms < count->span.begin_ms ||
        time_ms >= count->span.end_ms) {
        zone_span_at(zone, time_ms, &count->span);
    }
    return datetime_to_civil_at(time_ms, count->span.clock.offset_s, out);
}

static char *put_digits(char *to, int value, int width)
{
    for (int i = width; i > 0; i--) {
        to[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + width;
}

enum { YEAR_WIDTH = 4, PAIR_WIDTH = 2 };

/* Empty for a total. */
static struct str period_of(struct count *count, const struct zone *zone, int64_t time_ms,
                            char out[PERIOD_MAX])
{
    struct civil civil;
    int year = 0;
    int week = 0;
    char *to = out;
    if (count->per == COUNT_TOTAL || !civil_of(count, zone, time_ms, &civil)) {
        return STR("");
    }
    if (count->per == COUNT_WEEK) {
        week_of(&civil, &year, &week);
        to = put_digits(to, year, YEAR_WIDTH);
        *to++ = '-';
        *to++ = 'W';
        to = put_digits(to, week, PAIR_WIDTH);
        return (struct str){out, (size_t)(to - out)};
    }
    to = put_digits(to, civil.year, YEAR_WIDTH);
    *to++ = '-';
    to = put_digits(to, civil.month, PAIR_WIDTH);
    if (count->per != COUNT_MONTH) {
        *to++ = '-';
        to = put_digits(to, civil.day, PAIR_WIDTH);
    }
    if (count->per == COUNT_HOUR) {
        *to++ = 'T';
        to = put_digits(to, civil.hour, PAIR_WIDTH);
    }
    return (struct str){out, (size_t)(to - out)};
}

/* What a message added to a counter: in all its revisions at most, and in the newest so far. */
struct added {
    int64_t most;
    int64_t revision;
    int64_t now;
};

static bool read_added(struct str note, struct added *added)
{
    struct str part = {0};
    return str_split(&note, ' ', &part) && str_to_int64(part, &added->most) &&
           str_split(&note, ' ', &part) && str_to_int64(part, &added->revision) &&
           str_to_int64(note, &added->now);
}

static bool put_added(struct count *count, struct flow *flow, struct str name,
                      const struct added *added, struct err *err)
{
    struct buf buf;
    buf_init(&buf, flow->env->arena, NOTE_ROOM);
    buf_add_int(&buf, added->most);
    buf_add_byte(&buf, ' ');
    buf_add_int(&buf, added->revision);
    buf_add_byte(&buf, ' ');
    buf_add_int(&buf, added->now);
    return note_put(flow, &count->step, 'm', name, buf_str(&buf), err);
}

/* "<period>/<key>", and in front of it the message, for the note of what it added. */
static struct str counter_name(struct flow *flow, struct str period, struct str key, bool message)
{
    const struct value *values = flow->values;
    struct buf buf;
    buf_init(&buf, flow->env->arena, period.len + key.len + NOTE_ROOM);
    if (message) {
        buf_add(&buf, values[FIELD_CHAT].text);
        buf_add_byte(&buf, '/');
        buf_add(&buf, values[FIELD_ID].text);
        buf_add_byte(&buf, '/');
    }
    buf_add(&buf, period);
    buf_add_byte(&buf, '/');
    buf_add(&buf, key);
    struct str name = buf_str(&buf);
    return name.ptr != NULL ? note_fit(flow, name) : name;
}

/* Does the item add one? The note is brought up to date. */
static bool adds(struct count *count, struct flow *flow, struct str name, bool *yes,
                 struct err *err)
{
    int64_t revision = flow->values[FIELD_REVISION].integer;
    struct added added = {0};
    struct str note = {0};
    bool first = revision == 0 && flow->values[FIELD_ITEM].integer == 1;
    if (!first && !note_get(flow, &count->step, 'm', name, &note, err)) {
        return false;
    }
    if (note.ptr != NULL && !read_added(note, &added)) {
        return err_set(err, ERR_REJECT, "count: a note of the step cannot be read");
    }
    added.now = note.ptr != NULL && added.revision == revision ? added.now + 1 : 1;
    added.revision = revision;
    *yes = added.now > added.most;
    added.most += *yes ? 1 : 0;
    return put_added(count, flow, name, &added, err);
}

static bool count_one(struct count *count, struct flow *flow, struct str period, struct str key,
                      int64_t *total, struct err *err)
{
    struct str counter = counter_name(flow, period, key, false);
    struct str noted = counter_name(flow, period, key, true);
    struct str text = {0};
    struct buf buf;
    bool yes = false;
    *total = 0;
    if (counter.ptr == NULL || noted.ptr == NULL) {
        return flow_memory(&count->step, err);
    }
    if (!adds(count, flow, noted, &yes, err) ||
        !note_get(flow, &count->step, 'c', counter, &text, err)) {
        return false;
    }
    if (text.ptr != NULL && !str_to_int64(text, total)) {
        return err_set(err, ERR_REJECT, "count: a counter of the step cannot be read");
    }
    if (!yes) {
        return true;
    }
    *total += 1;
    buf_init(&buf, flow->env->arena, NOTE_ROOM);
    buf_add_int(&buf, *total);
    return note_put(flow, &count->step, 'c', counter, buf_str(&buf), err);
}

static bool count_apply(struct step *step, struct flow *flow, struct err *err)
{
    struct count *count = (struct count *)step;
    char room[PERIOD_MAX];
    struct str key = {0};
    int64_t total = 0;
    int64_t time_ms = count->by == 0 ? flow->values[FIELD_SENT].integer : flow->now_ms;
    if (!compose_text(&count->key_text, flow, step, &key, err)) {
        return false;
    }
    flow->values[count->field] = (struct value){0};
    flow->values[count->period_field] = (struct value){0};
    if (key.ptr == NULL) {
        return flow_pass(flow, step, err);
    }
    struct str period =
        arena_copy(flow->env->arena, period_of(count, flow->chain->zone, time_ms, room));
    if (period.ptr == NULL) {
        return flow_memory(step, err);
    }
    if (!count_one(count, flow, period, key, &total, err)) {
        return false;
    }
    flow->values[count->field] = value_of_int(total);
    if (period.len > 0) {
        flow->values[count->period_field] = value_of_text(period);
    }
    return flow_pass(flow, step, err);
}

static const char *const per_names[] = {"total", "hour", "day", "week", "month", NULL};
static const char *const by_names[] = {"sent", "now", NULL};

static const struct option options[] = {
    OPTION_TEXT(struct count, key, "key", OPTION_REQUIRED,
                "Template of what is counted apart, such as {sender}."),
    OPTION_CHOICE(struct count, per, "per", "total", per_names,
                  "How long a counter counts: for ever, or by hour, day, week or month."),
    OPTION_CHOICE(struct count, by, "by", "sent", by_names,
                  "The time that counts: when it was `sent`, or `now`, when it arrived."),
    OPTION_TEXT(struct count, as, "as", "count",
                "The field of the number; the one of the period has `_period` behind it."),
    OPTION_END,
};

const struct step_type step_count = {
    .kind = "count",
    .summary = "Counts by key, by hour, day, week, month or in total.",
    .options = options,
    .size = sizeof(struct count),
    .prepare = count_prepare,
    .apply = count_apply,
};
