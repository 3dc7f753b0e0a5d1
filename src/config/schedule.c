#include "config/schedule.h"

#include "config/nearest.h"
#include "text/cron.h"
#include "text/duration.h"
#include "text/zone.h"

enum { GAP_CHANGES_MAX = 6, HOURS_ALL = (1 << 24) - 1 };

static const char *const keys[] = {"on", "every", "cron", "zone", "misfire", "overlap", NULL};

struct word {
    const char *name;
    int value;
};

static const struct word occasions[] = {
    {"message", SCHEDULE_ON_MESSAGE},
    {"webhook", SCHEDULE_ON_WEBHOOK},
    {"demand", SCHEDULE_BY_HAND},
    {NULL, 0},
};

static const struct word misfires[] = {
    {"once", MISFIRE_ONCE},
    {"skip", MISFIRE_SKIP},
    {"all", MISFIRE_ALL},
    {NULL, 0},
};

static const struct word overlaps[] = {
    {"skip", OVERLAP_SKIP},
    {"queue", OVERLAP_QUEUE},
    {NULL, 0},
};

/* One of a few words; a missing node leaves `*out` as it is. */
static bool word_read(struct reader *reader, const struct yaml_node *node, const char *what,
                      const struct word *words, int *out)
{
    struct str text = {0};
    if (node == NULL) {
        return true;
    }
    if (!reader_text(reader, node, what, &text)) {
        return false;
    }
    struct nearest nearest;
    nearest_begin(&nearest, text);
    for (const struct word *word = words; word->name != NULL; word++) {
        if (str_equal(text, str_of(word->name))) {
            *out = word->value;
            return true;
        }
        nearest_try(&nearest, str_of(word->name));
    }
    (void)fault_add(reader->faults, FAULT_CHOICE, reader_place(node), "%s: '%.*s' is not known",
                    what, STR_ARG(text));
    return fault_help(reader->faults, "%s%swrite %s, %s%s%s",
                      nearest.best.ptr != NULL ? nearest_hint(&nearest) + 2 : "",
                      nearest.best.ptr != NULL ? " " : "", words[0].name, words[1].name,
                      words[2].name == NULL ? "" : ", ",
                      words[2].name == NULL ? "" : words[2].name);
}

static bool keys_check(struct reader *reader, const struct yaml_node *node)
{
    bool good = true;
    for (size_t i = 0; i < yaml_count(node); i++) {
        struct str key = yaml_text(reader_key(node, i));
        struct nearest nearest;
        nearest_begin(&nearest, key);
        bool found = false;
        for (const char *const *name = keys; *name != NULL; name++) {
            found = found || str_equal(key, str_of(*name));
            nearest_try(&nearest, str_of(*name));
        }
        if (!found) {
            good = reader_unknown_key(reader, reader_key(node, i), "schedule", &nearest);
        }
    }
    return good;
}

static bool every_read(struct reader *reader, const struct yaml_node *node, int64_t *out)
{
    struct str text = {0};
    struct err err = {0};
    if (!reader_text(reader, node, "every", &text)) {
        return false;
    }
    if (!duration_parse(text, out, &err)) {
        return fault_add_err(reader->faults, FAULT_DURATION, reader_place(node), "every", &err);
    }
    if (*out < SCHEDULE_EVERY_MS_MIN) {
        return fault_add(reader->faults, FAULT_BOUNDS, reader_place(node),
                         "every: at least one second");
    }
    return true;
}

/* The caret goes to the offset that the text names, when the line stands there as it was read. */
static bool cron_refuse(struct reader *reader, const struct yaml_node *node, struct str text,
                        const struct err *err)
{
    struct str said = str_of(err->text);
    size_t at = str_find(said, STR("at offset "), 0);
    int64_t offset = 0;
    struct place place = reader_place(node);
    if (at != STR_NONE &&
        str_to_int64(str_slice(said, at + sizeof "at offset " - 1, said.len), &offset) &&
        offset >= 0 && (size_t)offset <= text.len) {
        place = reader_inside(node, text, (size_t)offset);
    }
    return fault_add_advice(reader->faults, FAULT_CRON, place, "", err->text);
}

/*
 * Does a planned time fall into an hour that the wall never shows? Asked of a clock without
 * changes: what it would plan between the times before and after the change does not exist.
 */
static void warn_gap(struct reader *reader, const struct yaml_node *node, const struct zone *zone,
                     const struct cron *cron)
{
    int64_t at_ms = reader->now_ms;
    bool every_hour = (cron->hours & HOURS_ALL) == HOURS_ALL;
    for (int i = 0; i < GAP_CHANGES_MAX && !every_hour; i++) {
        if (!zone_next_change(zone, at_ms, &at_ms)) {
            return;
        }
        int64_t before_ms = INT64_C(1000) * zone_offset_at(zone, at_ms - 1).offset_s;
        int64_t after_ms = INT64_C(1000) * zone_offset_at(zone, at_ms).offset_s;
        int64_t wall_ms = 0;
        struct civil civil = {0};
        struct civil end = {0};
        if (after_ms <= before_ms ||
            !cron_next(cron, zone_utc(), at_ms + before_ms - 1, &wall_ms) ||
            wall_ms >= at_ms + after_ms || !zone_to_civil(zone_utc(), wall_ms, &civil) ||
            !zone_to_civil(zone, at_ms, &end)) {
            continue;
        }
        (void)fault_add(reader->faults, FAULT_CRON_GAP, reader_place(node),
                        "cron: %04d-%02d-%02d has no %02d:%02d in %.*s; the run of that day takes "
                        "place at %02d:%02d",
                        civil.year, civil.month, civil.day, civil.hour, civil.minute,
                        STR_ARG(zone_name(zone)), end.hour, end.minute);
        (void)fault_help(reader->faults, "plan another hour, or leave `zone` out to plan in UTC");
        return;
    }
}

static bool cron_read(struct reader *reader, const struct yaml_node *node, const struct zone *zone,
                      struct cron *out)
{
    struct str text = {0};
    struct err err = {0};
    int64_t next_ms = 0;
    if (!reader_text(reader, node, "cron", &text)) {
        return false;
    }
    if (!cron_parse(text, out, &err)) {
        return cron_refuse(reader, node, text, &err);
    }
    if (!cron_next(out, zone == NULL ? zone_utc() : zone, 0, &next_ms)) {
        return fault_add(reader->faults, FAULT_CRON_NEVER, reader_place(node),
                         "cron: '%.*s' never comes: there is no such date", STR_ARG(text));
    }
    if (zone != NULL && reader->now_ms > 0) {
        warn_gap(reader, node, zone, out);
    }
    return true;
}

static bool zone_read(struct reader *reader, const struct yaml_node *node, const struct zone **out)
{
    struct str text = {0};
    struct err err = {0};
    if (node == NULL) {
        return true;
    }
    if (!reader_text(reader, node, "zone", &text)) {
        return false;
    }
    return zone_parse(text, out, &err) ||
           fault_add_err(reader->faults, FAULT_ZONE, reader_place(node), "zone", &err);
}

bool config_schedule_read(struct reader *reader, const struct yaml_node *node, struct schedule *out)
{
    if (node == NULL) {
        return true;
    }
    if (!reader_is_map(reader, node, "schedule")) {
        return false;
    }
    const struct yaml_node *on = yaml_get(node, STR("on"));
    const struct yaml_node *every = yaml_get(node, STR("every"));
    const struct yaml_node *cron = yaml_get(node, STR("cron"));
    int kind = SCHEDULE_ON_MESSAGE;
    int misfire = MISFIRE_ONCE;
    int overlap = OVERLAP_SKIP;
    bool good = keys_check(reader, node);
    if ((on != NULL) + (every != NULL) + (cron != NULL) != 1) {
        good = fault_add(reader->faults, FAULT_SCHEDULE, reader_place(node),
                         "schedule: write exactly one of on, every and cron");
    }
    good = zone_read(reader, yaml_get(node, STR("zone")), &out->zone) && good;
    good = word_read(reader, on, "on", occasions, &kind) && good;
    good = word_read(reader, yaml_get(node, STR("misfire")), "misfire", misfires, &misfire) && good;
    good = word_read(reader, yaml_get(node, STR("overlap")), "overlap", overlaps, &overlap) && good;
    if (every != NULL) {
        kind = SCHEDULE_EVERY;
        good = every_read(reader, every, &out->every_ms) && good;
    }
    if (cron != NULL) {
        kind = SCHEDULE_CRON;
        good = cron_read(reader, cron, out->zone, &out->cron) && good;
    }
    out->kind = (enum schedule_kind)kind;
    out->misfire = (enum misfire_policy)misfire;
    out->overlap = (enum overlap_policy)overlap;
    return good;
}

static const char *const occasion_names[] = {"message", "webhook", "demand", NULL};
static const char *const misfire_names[] = {"once", "skip", "all", NULL};
static const char *const overlap_names[] = {"skip", "queue", NULL};

static const struct option described[] = {
    {.type = OPTION_TYPE_CHOICE,
     .name = "on",
     .choices = occasion_names,
     .doc = "As soon as something arrives, when it is called, or only by `sluice run`; in place of "
            "`every` and `cron`."},
    {.type = OPTION_TYPE_DURATION, .name = "every", .doc = "At least a second apart."},
    {.type = OPTION_TYPE_TEXT,
     .name = "cron",
     .doc = "Minute, hour, day, month, weekday; or @daily and its kind."},
    {.type = OPTION_TYPE_ZONE, .name = "zone", .fallback = "UTC", .doc = "Whose clock `cron` is."},
    {.type = OPTION_TYPE_CHOICE,
     .name = "misfire",
     .fallback = "once",
     .choices = misfire_names,
     .doc = "What becomes of planned times that passed while nothing could run."},
    {.type = OPTION_TYPE_CHOICE,
     .name = "overlap",
     .fallback = "skip",
     .choices = overlap_names,
     .doc = "What becomes of a run whose time comes while another one is at work."},
    OPTION_END,
};

const struct option *config_schedule_options(void)
{
    return described;
}
