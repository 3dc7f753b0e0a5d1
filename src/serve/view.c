#include "serve/view.h"

#include <inttypes.h>

#include "base/log.h"
#include "text/datetime.h"
#include "text/duration.h"
#include "text/utf8.h"

enum { MASK_ROOM_FACTOR = 12, MASK_ROOM_LEAST = 64, SCHEDULE_FIRST = 64 };

/* A number that is longer may be a person's. */
static const double number_open = 999999;

struct str view_masked(struct arena *arena, struct str text)
{
    size_t size = text.len * MASK_ROOM_FACTOR + MASK_ROOM_LEAST;
    char *room = arena_bytes(arena, size);
    return room != NULL ? log_mask(text, room, size) : STR("?");
}

struct str view_name(struct arena *arena, struct str name)
{
    if (name.len == 0) {
        return name;
    }
    struct str shown = view_masked(arena, name);
    if (!str_equal(shown, name)) {
        return shown; /* A number: its ends stay. */
    }
    size_t first = utf8_cluster_end(name, 0);
    shown = arena_printf(arena, "%.*s•••", STR_ARG(str_slice(name, 0, first)));
    return shown.ptr != NULL ? shown : STR("?");
}

/* ---- Messages ---- */

const char *view_message_kind(const struct message *message)
{
    static const char *const names[] = {"chat", "tick",      "answer", "receipt",
                                        "run",  "reference", "act"};
    size_t kind = (size_t)message->kind;
    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

void view_message(struct json_writer *json, struct arena *arena, const struct message *message,
                  struct str chat_name, struct view_open open)
{
    struct str chat = open.people ? message->chat : view_masked(arena, message->chat);
    struct str sender = open.people ? message->sender : view_name(arena, message->sender);
    json_object_begin(json);
    json_field_int(json, STR("id"), message->id);
    json_field_str(json, STR("kind"), str_of(view_message_kind(message)));
    json_field_str(json, STR("source"), message->source);
    json_field_str(json, STR("chat"), chat);
    json_field_text(json, STR("chat_name"), chat_name);
    json_field_str(json, STR("sender"), sender);
    json_field_time(json, STR("sent_at"), message->sent_ms);
    json_field_time(json, STR("archived_at"), message->archived_ms);
    json_field_int(json, STR("revision"), message->revision);
    json_field_bool(json, STR("deleted"), message->deleted);
    json_field_str(json, STR("text"),
                   open.text ? message->text : view_masked(arena, message->text));
    json_object_end(json);
}

/* ---- Runs ---- */

const char *view_run_outcome(const struct run *run)
{
    if (run->phase != RUN_ENDED) {
        return "running";
    }
    switch (run->outcome) {
    case RUN_OPEN:
        return "running";
    case RUN_OK:
        return "ok";
    case RUN_PARTIAL:
        return "partial";
    case RUN_FAILED:
        return "failed";
    case RUN_STOPPED:
        return "stopped";
    }
    return "unknown";
}

const char *view_run_trigger(const struct run *run)
{
    switch (run->trigger) {
    case RUN_BY_SCHEDULE:
        return "schedule";
    case RUN_BY_MESSAGE:
        return "message";
    case RUN_BY_HAND:
        return "hand";
    case RUN_BY_WEBHOOK:
        return "webhook";
    }
    return "unknown";
}

const char *view_run_phase(const struct run *run)
{
    static const char *const names[] = {"intake", "pipeline", "delivery", "ended"};
    return (size_t)run->phase < sizeof names / sizeof names[0] ? names[run->phase] : "unknown";
}

void view_run(struct json_writer *json, const struct run *run, struct str error)
{
    json_object_begin(json);
    json_field_int(json, STR("id"), run->id);
    json_field_str(json, STR("pipeline"), run->pipeline);
    json_field_str(json, STR("outcome"), str_of(view_run_outcome(run)));
    json_field_str(json, STR("phase"), str_of(view_run_phase(run)));
    json_field_str(json, STR("trigger"), str_of(view_run_trigger(run)));
    json_field_time(json, STR("planned_at"), run->planned_ms);
    json_field_time(json, STR("started_at"), run->started_ms);
    json_field_time(json, STR("ended_at"), run->ended_ms);
    json_field_int(json, STR("messages"), run->messages);
    json_field_int(json, STR("records"), run->records);
    json_field_int(json, STR("delivered"), run->delivered);
    json_field_int(json, STR("failed"), run->failed);
    json_field_str(json, STR("error"), error);
    json_object_end(json);
}

struct str view_schedule(struct arena *arena, const struct schedule *schedule)
{
    char text[DURATION_TEXT_MAX];
    struct buf out;
    buf_init(&out, arena, SCHEDULE_FIRST);
    switch (schedule->kind) {
    case SCHEDULE_ON_MESSAGE:
        return STR("on message");
    case SCHEDULE_EVERY:
        buf_printf(&out, "every %.*s", STR_ARG(duration_format(schedule->every_ms, text)));
        break;
    case SCHEDULE_CRON:
        cron_describe(&schedule->cron, &out);
        buf_printf(&out, " (%.*s)",
                   STR_ARG(schedule->zone != NULL ? zone_name(schedule->zone) : STR("UTC")));
        break;
    case SCHEDULE_ON_WEBHOOK:
        return STR("on webhook");
    case SCHEDULE_BY_HAND:
        return STR("by hand");
    }
    return buf_str(&out);
}

/* ---- Records ---- */

const char *view_record_kind(enum record_kind kind)
{
    switch (kind) {
    case RECORD_ABSOLUTE:
        return "absolute";
    case RECORD_EFFECT:
        return "effect";
    case RECORD_QUESTION:
        return "question";
    }
    return "unknown";
}

struct str view_entity(struct arena *arena, struct str entity, bool people)
{
    return people ? entity : view_name(arena, entity);
}

static bool is_time(struct str text)
{
    struct stamp stamp;
    struct err ignored = {0};
    return datetime_parse_iso(text, &stamp, &ignored);
}

static bool is_long_number(const struct json_value *value)
{
    enum json_kind kind = json_kind(value);
    double number = 0;
    return kind == JSON_BIG ||
           (json_double(value, &number) && (number > number_open || number < -number_open));
}

static void put_masked(struct json_writer *json, struct arena *arena,
                       const struct json_value *value);

static void put_masked_items(struct json_writer *json, struct arena *arena,
                             const struct json_value *value)
{
    struct json_iter iter;
    struct str key;
    const struct json_value *item = NULL;
    bool object = json_kind(value) == JSON_OBJECT;
    json_iter_init(&iter, value);
    while (json_next(&iter, &key, &item)) {
        if (object) {
            json_key(json, view_masked(arena, key));
        }
        put_masked(json, arena, item);
    }
}

/* As deep as what was read, which is bounded (JSON_DEPTH_MAX). */
static void put_masked(struct json_writer *json, struct arena *arena,
                       const struct json_value *value)
{
    struct str text = json_str(value);
    if (json_kind(value) == JSON_OBJECT) {
        json_object_begin(json);
        put_masked_items(json, arena, value);
        json_object_end(json);
    } else if (json_kind(value) == JSON_ARRAY) {
        json_array_begin(json);
        put_masked_items(json, arena, value);
        json_array_end(json);
    } else if (text.ptr != NULL) {
        json_put_str(json, is_time(text) ? text : view_name(arena, text));
    } else if (is_long_number(value)) {
        json_put_str(json, STR("•••"));
    } else {
        json_put_value(json, value);
    }
}

void view_body(struct json_writer *json, struct arena *arena, struct str body, bool people)
{
    const struct json_value *root = NULL;
    struct err ignored = {0};
    if (people) {
        json_put_raw(json, body);
    } else if (json_parse(arena, body, NULL, &root, &ignored)) {
        put_masked(json, arena, root);
    } else {
        json_put_null(json); /* Larger than can be looked at. */
    }
}

void view_dead(struct json_writer *json, struct arena *arena, const struct dead_letter *dead,
               bool kind, bool people)
{
    char effect[EFFECT_TEXT_MAX];
    json_object_begin(json);
    json_field_int(json, STR("id"), dead->id);
    json_field_time(json, STR("at"), dead->at_ms);
    json_field_str(json, STR("sink"), dead->sink);
    json_field_str(json, STR("target"), dead->target);
    json_field_str(json, STR("entity"), view_entity(arena, dead->entity, people));
    json_field_str(json, STR("effect"), effect_text(&dead->effect, effect));
    if (kind) {
        json_field_str(json, STR("kind"), str_of(view_record_kind(dead->kind)));
    }
    json_field_int(json, STR("attempts"), dead->attempts);
    json_field_str(json, STR("why"), people ? dead->why : view_masked(arena, dead->why));
    json_key(json, STR("body"));
    view_body(json, arena, dead->body, people);
    json_object_end(json);
}
