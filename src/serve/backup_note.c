#include "serve/backup_note.h"

#include "store/archive.h"
#include "text/json.h"

#define CONNECTOR STR("sluice/backups")
#define KEY       STR("last")

enum { NOTE_FIRST = 512 };

bool backup_note_read(struct store *store, struct arena *arena, struct backup_note *note,
                      struct err *err)
{
    const struct json_value *root = NULL;
    struct str text = {0};
    struct err ignored = {0};
    *note = (struct backup_note){.there = false};
    if (!store_keep_get(store, arena, CONNECTOR, KEY, &text, err)) {
        return false;
    }
    note->there = text.len > 0 && json_parse(arena, text, NULL, &root, &ignored) &&
                  json_int(json_get(root, STR("good_ms")), &note->good_ms) &&
                  json_int(json_get(root, STR("failed_ms")), &note->failed_ms) &&
                  json_int(json_get(root, STR("expected_ms")), &note->expected_ms) &&
                  json_int(json_get(root, STR("bytes")), &note->bytes) &&
                  json_int(json_get(root, STR("messages")), &note->messages);
    note->file = json_str(json_get(root, STR("file")));
    note->why = json_str(json_get(root, STR("why")));
    return true;
}

static struct str write_text(struct arena *arena, const struct backup_note *note)
{
    struct buf out;
    struct json_writer json;
    buf_init(&out, arena, NOTE_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_field_int(&json, STR("good_ms"), note->good_ms);
    json_field_int(&json, STR("failed_ms"), note->failed_ms);
    json_field_int(&json, STR("expected_ms"), note->expected_ms);
    json_field_int(&json, STR("bytes"), note->bytes);
    json_field_int(&json, STR("messages"), note->messages);
    json_field_text(&json, STR("file"), note->file);
    json_field_text(&json, STR("why"), note->why);
    json_object_end(&json);
    return buf_str(&out);
}

bool backup_note_write(struct store *store, struct arena *arena, const struct backup_note *note,
                       struct err *err)
{
    struct str text = note->there ? write_text(arena, note) : (struct str){0};
    if (note->there && text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for the note of a backup");
    }
    bool ok = store_begin(store, NULL, err) && store_keep_put(store, CONNECTOR, KEY, text, err) &&
              store_commit(store, err);
    store_rollback(store);
    return ok;
}

bool backup_note_bad(const struct backup_note *note, int64_t now_ms)
{
    return note->there && (note->failed_ms > note->good_ms ||
                           (note->expected_ms != 0 && now_ms > note->expected_ms));
}
