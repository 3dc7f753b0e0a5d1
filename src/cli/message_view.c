#include "cli/message_view.h"

#include "serve/view.h"

const char *message_kind_name(const struct message *message)
{
    return view_message_kind(message);
}

struct str message_sender(struct arena *arena, const struct message *message,
                          enum show_privacy privacy)
{
    return privacy == SHOW_PEOPLE ? message->sender : view_name(arena, message->sender);
}

void message_json(struct json_writer *json, struct look *look, const struct message *message,
                  struct message_privacy privacy)
{
    struct str name = look_chat_name(look, message->chat);
    struct view_open open = {.text = privacy.text == SHOW_PEOPLE,
                             .people = privacy.people == SHOW_PEOPLE};
    view_message(json, &look->arena, message,
                 str_equal(name, message->chat) ? (struct str){0} : name, open);
}
