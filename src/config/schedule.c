#include "config/schedule.h"

#include "config/nearest.h"
#include "text/cron.h"
#include "text/duration.h"
#include "text/zone.h"

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
    return fault_add(reader->faults, reader_place(node),
                     "%s: '%.*s' is not known%s; write %s, "
                     "%s%s%s",
                     what, STR_ARG(text), nearest_hint(&nearest), words[0].name, words[1].name,
                     words[2].name == NULL ? "" : ", ", words[2].name == NULL ? "" : words[2].name);
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
            good =
                fault_add(reader->faults, reader_place(reader_key(node, i)),
                          "schedule: unknown key '%.*s'%s", STR_ARG(key), nearest_hint(&nearest));
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
        return fault_add_err(reader->faults, reader_place(node), "every", &err);
    }
    if (*out < SCHEDULE_EVERY_MS_MIN) {
        return fault_add(reader->faults, reader_place(node), "every: at least one second");
    }
    return true;
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
        return fault_add_err(reader->faults, reader_place(node), "cron", &err);
    }
    if (!cron_next(out, zone == NULL ? zone_utc() : zone, 0, &next_ms)) {
        return fault_add(reader->faults, reader_place(node),
                         "cron: '%.*s' never comes: there is no such date", STR_ARG(text));
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
           fault_add_err(reader->faults, reader_place(node), "zone", &err);
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
        good = fault_add(reader->faults, reader_place(node),
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
