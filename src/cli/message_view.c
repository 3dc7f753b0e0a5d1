#include "cli/message_view.h"

#include "base/log.h"
#include "text/json.h"
#include "text/utf8.h"

enum { MASK_ROOM_FACTOR = 12, MASK_ROOM_LEAST = 64 };

const char *message_kind_name(const struct message *message)
{
    static const char *const names[] = {"chat", "tick",      "answer", "receipt",
                                        "run",  "reference", "act"};
    size_t kind = (size_t)message->kind;
    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

/* As the log would show it, for JSON: without isolates. */
static struct str masked(struct arena *arena, struct str text)
{
    size_t size = text.len * MASK_ROOM_FACTOR + MASK_ROOM_LEAST;
    char *room = arena_bytes(arena, size);
    return room != NULL ? log_mask(text, room, size) : STR("?");
}

struct str message_sender(struct arena *arena, const struct message *message,
                          enum show_privacy privacy)
{
    struct str sender = message->sender;
    if (privacy == SHOW_PEOPLE || sender.len == 0) {
        return sender;
    }
    struct str shown = masked(arena, sender);
    if (!str_equal(shown, sender)) {
        return shown; /* A number: its ends stay. */
    }
    size_t first = utf8_cluster_end(sender, 0);
    shown = arena_printf(arena, "%.*s•••", STR_ARG(str_slice(sender, 0, first)));
    return shown.ptr != NULL ? shown : STR("?");
}

void message_json(struct json_writer *json, struct look *look, const struct message *message,
                  struct message_privacy privacy)
{
    struct arena *arena = &look->arena;
    struct str text = privacy.text == SHOW_MASKED ? masked(arena, message->text) : message->text;
    struct str chat = privacy.people == SHOW_MASKED ? masked(arena, message->chat) : message->chat;
    struct str name = look_chat_name(look, message->chat);
    json_object_begin(json);
    json_field_int(json, STR("id"), message->id);
    json_field_str(json, STR("kind"), str_of(message_kind_name(message)));
    json_field_str(json, STR("source"), message->source);
    json_field_str(json, STR("chat"), chat);
    show_json_text(json, STR("chat_name"), str_equal(name, message->chat) ? (struct str){0} : name);
    json_field_str(json, STR("sender"), message_sender(arena, message, privacy.people));
    show_json_time(json, STR("sent_at"), message->sent_ms);
    show_json_time(json, STR("archived_at"), message->archived_ms);
    json_field_int(json, STR("revision"), message->revision);
    json_field_bool(json, STR("deleted"), message->deleted);
    json_field_str(json, STR("text"), text);
    json_object_end(json);
}
