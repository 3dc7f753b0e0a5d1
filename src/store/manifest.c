#include "store/manifest.h"

#include "db/sqlite.h"
#include "text/datetime.h"
#include "text/json.h"

static void put_part(struct json_writer *json, const struct backup_part *part)
{
    json_field_str(json, STR("name"), part->name);
    json_field_int(json, STR("size"), part->size);
    json_field_str(json, STR("sha256"), part->sha256);
}

bool backup_part_is_rows(const struct backup_part *part)
{
    return str_ends(part->name, STR(".rows"));
}

bool backup_part_is_image(const struct backup_part *part)
{
    return str_ends(part->name, STR(".file"));
}

bool manifest_write(const struct backup_facts *facts, const struct str *left_out,
                    size_t left_out_count, struct arena *arena, struct str *text, struct err *err)
{
    struct buf buf;
    struct json_writer json;
    char at[DATETIME_TEXT_MAX];
    buf_init(&buf, arena, 1024);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_int(&json, STR("format"), BACKUP_FORMAT);
    json_field_str(&json, STR("sluice"), facts->sluice);
    json_field_str(&json, STR("made_at"), datetime_format_iso(facts->made_ms, at));
    json_field_int(&json, STR("made_ms"), facts->made_ms);
    json_key(&json, STR("store"));
    json_object_begin(&json);
    put_part(&json, &facts->store);
    json_field_int(&json, STR("schema"), facts->schema);
    json_field_int(&json, STR("birth_s"), facts->birth_s);
    json_field_int(&json, STR("messages"), facts->messages);
    json_field_int(&json, STR("newest"), facts->newest);
    json_field_int(&json, STR("waiting"), facts->waiting);
    json_field_int(&json, STR("dead_letters"), facts->dead);
    json_field_int(&json, STR("audit_entries"), facts->audit);
    json_object_end(&json);
    json_key(&json, STR("targets"));
    json_array_begin(&json);
    for (size_t i = 0; i < facts->target_count; i++) {
        const struct backup_part *part = &facts->targets[i];
        json_object_begin(&json);
        put_part(&json, part);
        json_field_str(&json, STR("sink"), part->sink);
        json_field_str(&json, STR("place"), part->place);
        json_field_str(&json, STR("outside"), part->outside);
        if (backup_part_is_rows(part)) {
            json_field_int(&json, STR("tables"), part->tables);
            json_field_int(&json, STR("rows"), part->rows);
            json_field_str(&json, STR("how"), part->how);
        }
        json_object_end(&json);
    }
    json_array_end(&json);
    json_key(&json, STR("files"));
    json_object_begin(&json);
    json_field_int(&json, STR("count"), facts->files);
    json_field_int(&json, STR("bytes"), facts->file_bytes);
    json_field_int(&json, STR("missing"), facts->files_missing);
    json_object_end(&json);
    json_key(&json, STR("left_out"));
    json_array_begin(&json);
    for (size_t i = 0; i < left_out_count; i++) {
        json_put_str(&json, left_out[i]);
    }
    for (size_t i = 0; i < facts->gap_count; i++) {
        json_put_str(&json, facts->gaps[i].sink);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&buf, '\n');
    *text = buf_str(&buf);
    return buf_ok(&buf) || err_set(err, ERR_RETRY, "backup: out of memory");
}

static bool get_part(const struct json_value *value, struct backup_part *part)
{
    part->name = json_str(json_get(value, STR("name")));
    part->sha256 = json_str(json_get(value, STR("sha256")));
    part->sink = json_str(json_get(value, STR("sink")));
    part->place = json_str(json_get(value, STR("place")));
    part->outside = json_str(json_get(value, STR("outside")));
    part->how = json_str(json_get(value, STR("how")));
    (void)json_int(json_get(value, STR("tables")), &part->tables);
    (void)json_int(json_get(value, STR("rows")), &part->rows);
    return part->name.len > 0 && part->sha256.len > 0 &&
           json_int(json_get(value, STR("size")), &part->size) && part->size >= 0;
}

/* A name in the data folder and not a way out of it. */
static bool place_fits(struct str place)
{
    return place.len > 0 && place.len < 200 && str_find_byte(place, '\0', 0) == STR_NONE &&
           place.ptr[0] != '/' && str_find(place, STR(".."), 0) == STR_NONE &&
           !str_starts(place, STR(MANIFEST_STORE)) && !str_starts(place, STR(MANIFEST_FILES));
}

static bool get_all(const struct json_value *root, struct backup_facts *facts)
{
    const struct json_value *store = json_get(root, STR("store"));
    const struct json_value *targets = json_get(root, STR("targets"));
    const struct json_value *files = json_get(root, STR("files"));
    const struct json_value *item = NULL;
    struct json_iter iter;
    facts->sluice = json_str(json_get(root, STR("sluice")));
    facts->target_count = json_count(targets);
    bool ok = facts->sluice.len > 0 && facts->target_count <= BACKUP_TARGETS_MAX &&
              get_part(store, &facts->store) &&
              json_int(json_get(root, STR("made_ms")), &facts->made_ms) &&
              json_int(json_get(store, STR("schema")), &facts->schema) &&
              json_int(json_get(store, STR("birth_s")), &facts->birth_s) &&
              json_int(json_get(store, STR("messages")), &facts->messages) &&
              json_int(json_get(store, STR("newest")), &facts->newest) &&
              json_int(json_get(store, STR("waiting")), &facts->waiting) &&
              json_int(json_get(store, STR("dead_letters")), &facts->dead) &&
              json_int(json_get(store, STR("audit_entries")), &facts->audit) &&
              json_int(json_get(files, STR("count")), &facts->files) &&
              json_int(json_get(files, STR("bytes")), &facts->file_bytes) &&
              json_int(json_get(files, STR("missing")), &facts->files_missing);
    json_iter_init(&iter, targets);
    for (size_t i = 0; ok && json_next(&iter, NULL, &item); i++) {
        ok = get_part(item, &facts->targets[i]) &&
             (backup_part_is_rows(&facts->targets[i]) || place_fits(facts->targets[i].place));
    }
    return ok;
}

bool manifest_read(struct str text, struct arena *arena, struct backup_facts *facts,
                   struct err *err)
{
    const struct json_value *root = NULL;
    if (!json_parse(arena, text, NULL, &root, err)) {
        return err_prefix(err, "its manifest: ");
    }
    return get_all(root, facts) ||
           err_set(err, ERR_REJECT, "its manifest does not say what a manifest says");
}

static bool read_counts(struct sqlite *db, struct backup_facts *facts, struct err *err)
{
    static const char schema[] = "PRAGMA user_version";
    static const char birth[] = "SELECT value FROM meta WHERE key='birth_s'";
    static const char messages[] = "SELECT count(*) FROM archive";
    static const char newest[] = "SELECT max(id) FROM archive";
    static const char waiting[] = "SELECT count(*) FROM outbox";
    static const char dead[] = "SELECT count(*) FROM dead";
    static const char audit[] = "SELECT count(*) FROM audit";
    return sqlite_int(db, schema, 0, &facts->schema, err) &&
           sqlite_int(db, birth, 0, &facts->birth_s, err) &&
           sqlite_int(db, messages, 0, &facts->messages, err) &&
           sqlite_int(db, newest, 0, &facts->newest, err) &&
           sqlite_int(db, waiting, 0, &facts->waiting, err) &&
           sqlite_int(db, dead, 0, &facts->dead, err) &&
           sqlite_int(db, audit, 0, &facts->audit, err);
}

bool manifest_count(struct str store_path, struct backup_facts *facts, struct err *err)
{
    struct sqlite *db = NULL;
    if (!sqlite_open(&db, store_path, &(struct sqlite_options){0}, err)) {
        return false;
    }
    bool ok = read_counts(db, facts, err);
    sqlite_close(db);
    return ok;
}
