#include "domain/chat_facts.h"

#include "text/phone.h"

/* Kinds of messages of the page (source whatsapp-web) that carry a file. */
static const char *const media_kinds[] = {"image",    "video",   "album", "audio",
                                          "document", "sticker", NULL};

static enum chat_kind kind_of(struct str chat)
{
    switch (phone_jid_kind(chat)) {
    case PHONE_JID_PERSON:
    case PHONE_JID_LID:
        return CHAT_PERSON;
    case PHONE_JID_GROUP:
        return CHAT_GROUP;
    case PHONE_JID_BROADCAST:
    case PHONE_JID_CHANNEL:
        return CHAT_OTHER;
    case PHONE_JID_OTHER: /* A title may have an @ in it. */
    case PHONE_JID_NONE:
        break;
    }
    return CHAT_UNKNOWN;
}

static bool is_media_kind(struct str kind)
{
    for (size_t i = 0; media_kinds[i] != NULL; i++) {
        if (str_equal(kind, str_of(media_kinds[i]))) {
            return true;
        }
    }
    return false;
}

static bool are_texts(const struct json_value *list)
{
    struct json_iter iter;
    const struct json_value *item = NULL;
    json_iter_init(&iter, list);
    while (json_next(&iter, NULL, &item)) {
        if (json_kind(item) != JSON_STRING) {
            return false;
        }
    }
    return json_kind(list) == JSON_ARRAY;
}

static void read_extra(const struct json_value *extra, struct chat_facts *out)
{
    bool group = false;
    const struct json_value *members = json_get(extra, STR("members"));
    if (json_bool(json_get(extra, STR("group")), &group)) {
        out->kind = group ? CHAT_GROUP : CHAT_PERSON;
    }
    (void)json_bool(json_get(extra, STR("edited")), &out->edited);
    out->media = out->media || json_str(json_get(extra, STR("media_type"))).len > 0 ||
                 is_media_kind(json_str(json_get(extra, STR("kind"))));
    out->members = are_texts(members) ? members : NULL;
}

bool chat_facts_read(struct arena *arena, const struct message *message, struct chat_facts *out,
                     struct err *err)
{
    struct json_limits limits = {.innocent = true};
    const struct json_value *extra = NULL;
    *out = (struct chat_facts){.kind = kind_of(message->chat),
                               .media = message->attachments.len > sizeof "[]" - 1};
    if (message->extra.len == 0) {
        return true;
    }
    if (json_parse(arena, message->extra, &limits, &extra, err)) {
        read_extra(extra, out);
        return true;
    }
    if (err->kind == ERR_RETRY) {
        return false;
    }
    *err = (struct err){0};
    return true;
}
