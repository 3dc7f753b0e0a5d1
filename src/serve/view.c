#include "serve/view.h"

#include "base/log.h"
#include "text/utf8.h"

enum { MASK_ROOM_FACTOR = 12, MASK_ROOM_LEAST = 64 };

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
