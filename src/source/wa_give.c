#include "source/wa_give.h"

#include <stdio.h>

#include "base/buf.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/mediatype.h"

static const char *const kind_names[] = {
    [WA_TEXT] = NULL,         [WA_SYSTEM] = "system",     [WA_WAITING] = "waiting",
    [WA_IMAGE] = "image",     [WA_VIDEO] = "video",       [WA_ALBUM] = "album",
    [WA_AUDIO] = "audio",     [WA_DOCUMENT] = "document", [WA_STICKER] = "sticker",
    [WA_CONTACT] = "contact", [WA_LOCATION] = "location", [WA_POLL] = "poll",
    [WA_CALL] = "call",       [WA_OTHER] = "other",
};

static void put_people(struct json_writer *json, const struct wa_place *place)
{
    json_field_bool(json, STR("group"), true);
    json_key(json, STR("members"));
    json_array_begin(json);
    for (size_t i = 0; i < place->count; i++) {
        json_put_str(json, place->names[i]);
    }
    json_array_end(json);
}

static struct str extra_of(struct arena *arena, const struct wa_place *place,
                           const struct wa_node *node, size_t missing)
{
    const struct wa_row *row = &node->row;
    struct buf buf;
    struct json_writer json;
    const char *kind = kind_names[row->kind];
    if (kind == NULL && row->quoted.len == 0 && !row->forwarded && !row->edited && !row->fold &&
        row->file_name.len == 0 && row->media == 0 && row->jid.len == 0 && place->count == 0) {
        return (struct str){0};
    }
    buf_init(&buf, arena, 0);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    if (kind != NULL) {
        json_field_str(&json, STR("kind"), str_of(kind));
    }
    if (row->quoted.len > 0) {
        json_field_str(&json, STR("quoted"), row->quoted);
    }
    if (row->forwarded) {
        json_field_bool(&json, STR("forwarded"), true);
    }
    if (row->edited) {
        json_field_bool(&json, STR("edited"), true);
    }
    if (row->fold) {
        json_field_bool(&json, STR("fold"), true);
    }
    if (row->jid.len > 0) {
        json_field_str(&json, STR("jid"), row->jid);
    }
    if (row->file_name.len > 0) {
        json_field_str(&json, STR("file"), row->file_name);
    }
    if (row->media > 0) {
        json_field_int(&json, STR("pictures"), (int64_t)row->media);
    }
    if (missing > 0) {
        json_field_int(&json, STR("missing"), (int64_t)missing);
    }
    if (place->count > 0) {
        put_people(&json, place);
    }
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static struct str attachments_of(struct arena *arena, const struct wa_node *node)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 0);
    json_writer_init(&json, &buf);
    json_array_begin(&json);
    for (size_t i = 0; i < node->picture_count; i++) {
        const struct wa_picture *picture = &node->pictures[i];
        json_object_begin(&json);
        json_field_str(&json, STR("sha256"), str_of(picture->sha256));
        if (node->row.file_name.len > 0) {
            json_field_str(&json, STR("name"), node->row.file_name);
        }
        json_field_str(&json, STR("type"), mediatype_of(str_of(picture->extension)));
        json_field_int(&json, STR("size"), (int64_t)picture->len);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool add_blobs(struct batch *batch, struct str chat, struct str id,
                      const struct wa_node *node, const struct wa_spool *spool, struct err *err)
{
    for (size_t i = 0; i < node->picture_count; i++) {
        const struct wa_picture *picture = &node->pictures[i];
        struct blob blob = {.extension = arena_copy(batch->arena, str_of(picture->extension)),
                            .chat = chat,
                            .external_id = id};
        if (!wa_spool_get(spool, picture->offset, picture->len, batch->arena, &blob.bytes, err)) {
            return false;
        }
        if (blob.extension.ptr == NULL || !batch_blob(batch, blob)) {
            return err_set(err, ERR_RETRY, "out of memory for a picture");
        }
    }
    return true;
}

static bool fits(const struct batch *batch, const struct wa_node *node, bool pictures,
                 size_t *bytes)
{
    *bytes = node->row.text.len;
    for (size_t i = 0; pictures && i < node->picture_count; i++) {
        *bytes += node->pictures[i].len;
    }
    return !batch_full(batch, *bytes) &&
           (!pictures || batch->blob_count + node->picture_count <= BATCH_BLOBS_MAX);
}

/* Everything of it in the batch's memory: the scroll may go before the batch does. */
static bool fill(struct arena *arena, struct str chat, const struct wa_row *row,
                 struct message *message)
{
    message->chat = arena_copy(arena, chat);
    message->external_id = arena_copy(arena, row->id);
    message->text = arena_copy(arena, row->deleted ? STR("") : row->text);
    message->sender = row->author.len > 0 ? arena_copy(arena, row->author) : STR("");
    message->sent_text = row->mark.len > 0 ? arena_copy(arena, row->mark) : row->mark;
    message->sent_ms = row->sent_ms;
    message->direction = row->direction;
    message->deleted = row->deleted;
    return message->chat.ptr != NULL && message->external_id.ptr != NULL &&
           message->text.ptr != NULL && message->sender.ptr != NULL &&
           (row->mark.len == 0 || message->sent_text.ptr != NULL);
}

bool wa_give_row(struct batch *batch, const struct wa_place *place, const struct wa_node *node,
                 struct str files, const struct wa_spool *spool, enum wa_given *given,
                 struct str *attachments, struct err *err)
{
    struct arena *arena = batch->arena;
    const struct wa_row *row = &node->row;
    bool pictures = files.len == 0 && node->picture_count > 0 && !row->deleted;
    size_t bytes = 0;
    struct message made = {0};
    *attachments = (struct str){0};
    if (row->sent_ms == 0) {
        batch_refuse(batch, place->chat, row->id,
                     "the page does not say when it was sent, and no date is guessed");
        *given = WA_REFUSED;
        return true;
    }
    if (!fits(batch, node, pictures, &bytes)) {
        *given = WA_NO_ROOM;
        return true;
    }
    size_t missing = files.len == 0 && !row->deleted ? node->missing : 0;
    made.extra = extra_of(arena, place, node, missing);
    bool some = place->count > 0 || row->kind != WA_TEXT || row->quoted.len > 0 || row->media > 0 ||
                row->jid.len > 0;
    bool ok = fill(arena, place->chat, row, &made) && (!some || made.extra.ptr != NULL);
    if (!row->deleted) {
        made.attachments = pictures        ? attachments_of(arena, node)
                           : files.len > 0 ? arena_copy(arena, files)
                                           : (struct str){0};
        ok = ok && ((!pictures && files.len == 0) || made.attachments.ptr != NULL);
    }
    if (!ok) {
        return err_set(err, ERR_RETRY, "out of memory for a message");
    }
    if (pictures && !add_blobs(batch, made.chat, made.external_id, node, spool, err)) {
        return false;
    }
    struct message *message = batch_add(batch, bytes);
    if (message == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a message");
    }
    *message = made;
    *attachments = made.attachments;
    *given = WA_GIVEN;
    return true;
}

bool wa_give_gap(struct batch *batch, struct str chat, const struct wa_gap *gap, const char *state,
                 struct err *err)
{
    struct buf buf;
    struct json_writer json;
    char from[DATETIME_TEXT_MAX];
    char to[DATETIME_TEXT_MAX];
    buf_init(&buf, batch->arena, 0);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("state"), str_of(state));
    json_field_str(&json, STR("from"), datetime_format_iso(gap->from_ms, from));
    json_field_str(&json, STR("to"), datetime_format_iso(gap->to_ms, to));
    json_field_str(&json, STR("why"), gap->why);
    json_object_end(&json);
    json_writer_done(&json);
    struct event event = {
        .kind = STR("gap"), .chat = arena_copy(batch->arena, chat), .detail = buf_str(&buf)};
    if (event.chat.ptr == NULL || event.detail.ptr == NULL || !batch_event(batch, event)) {
        return err_set(err, ERR_RETRY, "out of memory for an event");
    }
    return true;
}
