#include "domain/sync_row.h"

#include <inttypes.h>

#include "base/buf.h"
#include "crypto/digest.h"
#include "domain/sync_id.h"
#include "domain/sync_mark.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/phone.h"

enum {
    KNOWN_EDITED = 1,
    KNOWN_MEDIA = 2,
    KNOWN_AGENT = 4,
    RECIPIENTS_KEPT = 2048, /* Bytes; those of a large group are only in the row. */
    BODY_ROOM = 768,
};

/* What is remembered of a message. */
struct known {
    bool there;
    struct sighting seen; /* The last one. */
    unsigned flags;
    uint64_t text;         /* Hash; 0 for no text. */
    struct str recipients; /* A JSON array; absent for unknown. */
};

/* ---- Which row is it? ---- */

static bool known_parse(struct str value, struct known *out, struct err *err)
{
    int64_t numbers[4] = {0};
    struct str part = {0};
    bool ok = true;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ok = ok && str_split(&value, '\n', &part) && str_to_int64(part, &numbers[i]);
    }
    ok = ok && str_split(&value, '\n', &part);
    if (!ok) {
        return err_set(err, ERR_REJECT,
                       "sync: what is remembered of this message cannot be read; it was kept by "
                       "another version");
    }
    *out = (struct known){
        .there = true,
        .seen = {numbers[0], (enum message_direction)numbers[1], value},
        .flags = (unsigned)numbers[2],
        .text = (uint64_t)numbers[3],
        .recipients = part.len > 0 ? part : (struct str){0},
    };
    return true;
}

static struct str state_key(struct op_env *env, struct str external_id)
{
    return arena_printf(env->arena, "m:%.*s", STR_ARG(external_id));
}

static bool known_get(struct op_env *env, struct str external_id, struct known *out,
                      struct err *err)
{
    struct str key = state_key(env, external_id);
    struct str value = {0};
    *out = (struct known){0};
    if (external_id.ptr == NULL || key.ptr == NULL) {
        return sync_out_of_memory(err);
    }
    return env->get(env, key, &value, err) && (value.ptr == NULL || known_parse(value, out, err));
}

static bool known_put(const struct sync_work *work, const struct known *known, struct err *err)
{
    struct op_env *env = work->env;
    struct str key = state_key(env, work->external_id);
    struct str recipients =
        known->recipients.len <= RECIPIENTS_KEPT ? known->recipients : (struct str){0};
    struct str value =
        arena_printf(env->arena, "%" PRId64 "\n%d\n%u\n%" PRId64 "\n%.*s\n%.*s",
                     known->seen.sent_ms, (int)known->seen.direction, known->flags,
                     (int64_t)known->text, STR_ARG(recipients), STR_ARG(known->seen.thread));
    return key.ptr != NULL && value.ptr != NULL ? env->put(env, key, value, err)
                                                : sync_out_of_memory(err);
}

static bool find_row(struct sync_work *work, struct known *known, struct err *err)
{
    struct arena *arena = work->env->arena;
    const struct message *message = work->message;
    for (int form = 0; form < SYNC_ID_FORMS; form++) {
        work->external_id = sync_id_form(arena, message, form);
        if (!known_get(work->env, work->external_id, known, err)) {
            return false;
        }
        if (!known->there || sync_id_same(&known->seen, message)) {
            break;
        }
    }
    work->row = sync_id_row(arena, work->sync->platform, work->external_id);
    return work->row.ptr != NULL || sync_out_of_memory(err);
}

/* ---- What does it say now? ---- */

/* A list that grows; room for all is made before. */
struct recipients {
    struct str *items;
    size_t count;
};

static void add_once(struct recipients *list, struct str who)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i], who)) {
            return;
        }
    }
    list->items[list->count++] = who;
}

/* A person's chat is named by the number before the @, as senders are. */
static struct str person_of(struct str chat)
{
    return phone_jid_kind(chat) == PHONE_JID_PERSON ? phone_jid_user(chat) : chat;
}

/* Who it went to, by this sighting; none for unknown. */
static void recipients_now(const struct sync_work *work, struct recipients *list)
{
    const struct message *message = work->message;
    bool person = work->facts.kind == CHAT_PERSON;
    struct json_iter iter;
    const struct json_value *item = NULL;
    if (person && message->direction == MESSAGE_OUTGOING) {
        list->items[list->count++] = person_of(message->chat);
    } else if (person && message->direction == MESSAGE_INCOMING && work->sync->self.len > 0) {
        list->items[list->count++] = work->sync->self;
    }
    json_iter_init(&iter, work->facts.kind == CHAT_GROUP ? work->facts.members : NULL);
    while (json_next(&iter, NULL, &item)) {
        list->items[list->count++] = json_str(item);
    }
}

/* And those of the sightings before. */
static void recipients_before(const struct json_value *before, struct recipients *list)
{
    struct json_iter iter;
    const struct json_value *item = NULL;
    json_iter_init(&iter, before);
    while (json_next(&iter, NULL, &item)) {
        add_once(list, json_str(item));
    }
}

static struct str recipients_text(const struct recipients *list, struct arena *arena)
{
    struct json_writer json;
    struct buf buf;
    buf_init(&buf, arena, 64 + 24 * list->count);
    json_writer_init(&json, &buf);
    json_array_begin(&json);
    for (size_t i = 0; i < list->count; i++) {
        json_put_str(&json, list->items[i]);
    }
    json_array_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

/* As a JSON array; absent for unknown. */
static bool recipients_read(const struct sync_work *work, const struct known *known,
                            struct str *out, struct err *err)
{
    struct arena *arena = work->env->arena;
    const struct json_value *before = NULL;
    struct json_limits limits = {.innocent = true};
    if (known->recipients.len > 0 && !json_parse(arena, known->recipients, &limits, &before, err)) {
        return false;
    }
    size_t room = 1 + json_count(work->facts.members) + json_count(before);
    struct recipients list = {.items = arena_array(arena, room, sizeof *list.items)};
    if (list.items == NULL) {
        return sync_out_of_memory(err);
    }
    recipients_now(work, &list);
    /* People leave groups; to a person it went once and for all. */
    bool whole = work->facts.kind == CHAT_GROUP && list.count > 0 &&
                 str_equal(known->seen.thread, work->message->chat);
    if (!whole) {
        recipients_before(before, &list);
    }
    *out = list.count > 0 ? recipients_text(&list, arena) : (struct str){0};
    return list.count == 0 || out->ptr != NULL || sync_out_of_memory(err);
}

static bool agent_flag(const struct sync_work *work, const struct known *known, unsigned *flag,
                       struct err *err)
{
    enum agent_answer answer =
        agent_channel(&work->sync->agent, work->env->arena, work->message, &work->facts);
    if (answer == AGENT_NO_MEMORY) {
        return sync_out_of_memory(err);
    }
    /* A deleted message has no text: it is what it was. */
    *flag = answer != AGENT_NO       ? KNOWN_AGENT
            : work->message->deleted ? known->flags & KNOWN_AGENT
                                     : 0;
    return true;
}

/* The same in every version of this program, as it is kept; 0 for no text. */
static uint64_t hash_text(struct str text)
{
    char value[DIGEST_SIZE_MAX];
    uint64_t hash = 0;
    if (text.len == 0) {
        return 0;
    }
    struct str digest = digest_of(DIGEST_SHA256, text, value);
    for (size_t i = 0; i < sizeof hash; i++) {
        hash = hash << 8 | (unsigned char)digest.ptr[i];
    }
    return hash | 1;
}

/* What is known once this sighting is taken in. */
static bool take_in(const struct sync_work *work, const struct known *before, struct known *out,
                    struct err *err)
{
    const struct message *message = work->message;
    uint64_t text = hash_text(message->text);
    bool changed = before->there && !message->deleted && before->text != 0 && text != before->text;
    unsigned agent = 0;
    *out = (struct known){
        .seen = {message->sent_ms,
                 message->direction != MESSAGE_DIRECTION_UNKNOWN ? message->direction
                                                                 : before->seen.direction,
                 message->chat},
        .flags = before->flags & (KNOWN_EDITED | KNOWN_MEDIA),
        .text = message->deleted ? before->text : text,
    };
    if (!agent_flag(work, before, &agent, err) ||
        !recipients_read(work, before, &out->recipients, err)) {
        return false;
    }
    out->flags |= agent;
    out->flags |= changed || work->facts.edited ? KNOWN_EDITED : 0;
    out->flags |= work->facts.media ? KNOWN_MEDIA : 0;
    return true;
}

/* ---- The row ---- */

static void put_text_or_null(struct json_writer *json, struct str key, struct str text)
{
    json_key(json, key);
    if (text.len > 0) {
        json_put_str(json, text);
    } else {
        json_put_null(json);
    }
}

static struct str sender_of(const struct sync_work *work, const struct known *now)
{
    bool own = work->message->sender.len == 0 && now->seen.direction == MESSAGE_OUTGOING;
    return own ? work->sync->self : work->message->sender;
}

static void put_recipients(struct json_writer *json, struct str list, bool known)
{
    json_key(json, STR("recipient_ids"));
    json_put_raw(json, list);
    json_field_bool(json, STR("recipients_known"), known);
}

/* How a new row says that something is not known. */
static void put_unknown(struct json_writer *json, bool edited, bool recipients)
{
    if (edited && recipients) {
        return;
    }
    json_key(json, STR("insert"));
    json_object_begin(json);
    if (!recipients) {
        put_recipients(json, STR("[]"), false);
    }
    if (!edited) {
        json_field_bool(json, STR("edited"), false);
    }
    json_object_end(json);
}

/* What is not known is left alone: a row of before may know it, though the store was lost. */
static void put_body(struct buf *body, const struct sync_work *work, const struct known *now)
{
    const struct message *message = work->message;
    struct str sender = sender_of(work, now);
    bool directed = now->seen.direction != MESSAGE_DIRECTION_UNKNOWN;
    bool edited = (now->flags & KNOWN_EDITED) != 0;
    bool agent = (now->flags & KNOWN_AGENT) != 0;
    char sent[DATETIME_TEXT_MAX];
    struct json_writer json;
    json_writer_init(&json, body);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    json_field_str(&json, STR("platform"), work->sync->platform);
    json_field_str(&json, STR("external_id"), work->external_id);
    json_field_str(&json, STR("thread_external_id"), message->chat);
    if (sender.len > 0) {
        json_field_str(&json, STR("sender_id"), sender);
    }
    if (now->recipients.len > 0) {
        put_recipients(&json, now->recipients, true);
    }
    put_text_or_null(&json, STR("content_snippet"), message->deleted ? STR("") : message->text);
    json_field_str(&json, STR("ts"), datetime_format_iso(message->sent_ms, sent));
    if (directed) {
        json_field_bool(&json, STR("is_outgoing"), now->seen.direction == MESSAGE_OUTGOING);
    }
    json_field_str(&json, STR("source_app"), work->sync->source_app);
    json_field_bool(&json, STR("is_agent_channel"), agent);
    json_field_bool(&json, STR("exclude_from_automation"), agent);
    json_field_bool(&json, STR("has_attachments"), (now->flags & KNOWN_MEDIA) != 0);
    if (edited) {
        json_field_bool(&json, STR("edited"), true);
    }
    json_field_bool(&json, STR("deleted"), message->deleted);
    json_object_end(&json);
    put_unknown(&json, edited, now->recipients.len > 0);
    json_object_end(&json);
    json_writer_done(&json);
}

bool sync_row_put(struct sync_work *work, struct err *err)
{
    struct known before = {0};
    struct known now = {0};
    struct buf body;
    struct record record = {.target = STR("messages")};
    if (!find_row(work, &before, err) || !take_in(work, &before, &now, err) ||
        !known_put(work, &now, err) || !sync_mark_row(work, &record.receipt, err)) {
        return false;
    }
    buf_init(&body, work->env->arena, BODY_ROOM + work->message->text.len);
    put_body(&body, work, &now);
    record.entity = work->row;
    record.body = buf_str(&body);
    return sync_emit(work->sync, work->env, &record, err);
}

static const struct column columns[] = {
    {"id", COLUMN_TEXT, true, NULL, "platform and external_id as one text: whatsapp:3EB0…"},
    {"platform", COLUMN_TEXT, true, NULL, "Where it was said: whatsapp."},
    {"external_id", COLUMN_TEXT, true, NULL, "The message's id there."},
    {"thread_external_id", COLUMN_TEXT, true, NULL, "The chat: its id or title."},
    {"sender_id", COLUMN_TEXT, false, NULL, "Number or name of the sender, as it is shown."},
    {"recipient_ids", COLUMN_JSON, false, NULL, "List of those who got it; empty when unknown."},
    {"recipients_known", COLUMN_BOOL, false, NULL, "Is the list of recipients known?"},
    {"content_snippet", COLUMN_TEXT, false, NULL, "The text; null without one or once deleted."},
    {"ts", COLUMN_TIME, false, NULL, "When it was sent, UTC."},
    {"is_outgoing", COLUMN_BOOL, false, NULL, "Did we write it? Null when nobody can tell."},
    {"source_app", COLUMN_TEXT, false, NULL, "Through which program it was read."},
    {"is_agent_channel", COLUMN_BOOL, false, NULL, "It belongs to the assistant's channel."},
    {"exclude_from_automation", COLUMN_BOOL, false, NULL, "Other automation shall leave it alone."},
    {"has_attachments", COLUMN_BOOL, false, NULL, "Something is attached, fetched or not."},
    {"edited", COLUMN_BOOL, false, NULL, "Its text was changed after it was sent."},
    {"deleted", COLUMN_BOOL, false, NULL, "It was deleted for everyone."},
    {0},
};

static const char *const indexes[] = {"external_id", "thread_external_id", "ts", NULL};

const struct target sync_messages = {
    .name = "messages", .key = "id", .key_is_words = true, .columns = columns, .indexes = indexes};
