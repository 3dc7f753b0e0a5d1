#include "sink/mongodb_backup.h"

#include <inttypes.h>

#include "crypto/encode.h"
#include "db/document.h"
#include "text/json.h"

enum {
    ROOM = 1024,
    ROW_ROOM = 64 * 1024,
    DOCUMENT_MEMORY = 128 * 1024 * 1024,
    INSERT_MAX = 1000, /* Documents of one command, */
    INSERT_BYTES = 8 * 1024 * 1024,
    NAME_SHOWN = 80,
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "mongodb: out of memory for a backup");
}

/* ---- Commands ---- */

static bool ask(struct mongo *db, struct document *doc, bool writes, int64_t deadline_ms,
                struct arena *arena, const struct json_value **reply, struct err *err)
{
    struct str command = {0};
    return document_end(doc, DOCUMENT_BATCH_MAX, &command, err) &&
           (writes ? mongo_write(db, command, deadline_ms, arena, reply, err)
                   : mongo_command(db, command, deadline_ms, arena, reply, err));
}

static bool is_there(struct mongo *db, struct str name, int64_t deadline_ms, struct arena *arena,
                     bool *there, struct err *err)
{
    struct buf buf;
    struct document doc;
    const struct json_value *reply = NULL;
    buf_init(&buf, arena, ROOM);
    document_begin(&doc, &buf);
    document_int(&doc, STR("listCollections"), 1);
    document_bool(&doc, STR("nameOnly"), true);
    document_object(&doc, STR("filter"));
    document_str(&doc, STR("name"), name);
    document_close(&doc);
    if (!ask(db, &doc, false, deadline_ms, arena, &reply, err)) {
        return false;
    }
    *there = json_count(json_find(reply, STR("cursor/firstBatch"))) > 0;
    return true;
}

static bool count_of(struct mongo *db, struct str name, int64_t deadline_ms, struct arena *arena,
                     int64_t *count, struct err *err)
{
    struct buf buf;
    struct document doc;
    const struct json_value *reply = NULL;
    buf_init(&buf, arena, ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, STR("count"), name);
    document_object(&doc, STR("query"));
    document_close(&doc);
    *count = 0;
    return ask(db, &doc, false, deadline_ms, arena, &reply, err) &&
           (json_int(json_get(reply, STR("n")), count) ||
            err_set(err, ERR_RETRY, "mongodb: a count without a number"));
}

/* ---- Out ---- */

static bool by_id(struct arena *arena, struct str *filter, struct str *options, struct err *err)
{
    struct buf empty;
    struct buf sorted;
    struct document doc;
    buf_init(&empty, arena, ROOM);
    buf_init(&sorted, arena, ROOM);
    document_begin(&doc, &empty);
    if (!document_end(&doc, DOCUMENT_BYTES_MAX, filter, err)) {
        return false;
    }
    document_begin(&doc, &sorted);
    document_object(&doc, STR("sort"));
    document_int(&doc, STR("_id"), 1);
    document_close(&doc);
    return document_end(&doc, DOCUMENT_BYTES_MAX, options, err);
}

static bool save_documents(struct mongo *db, const struct sink_saver *saver, struct err *err)
{
    struct arena arena;
    struct str document = {0};
    bool ok = true;
    arena_init(&arena, DOCUMENT_MEMORY);
    do {
        arena_reset(&arena);
        ok = mongo_next_bytes(db, &arena, &document, err);
        if (ok && document.ptr != NULL) {
            struct buf row;
            buf_init(&row, &arena, ROW_ROOM);
            buf_add(&row, STR("[\""));
            encode_base64(&row, document);
            buf_add(&row, STR("\"]"));
            ok = buf_ok(&row) ? saver->row(saver->context, buf_str(&row), err) : no_memory(err);
        }
    } while (ok && document.ptr != NULL);
    mongo_end(db);
    arena_free(&arena);
    return ok;
}

bool mongodb_backup_save(struct mongo *db, const struct str *names, size_t count,
                         const struct sink_saver *saver, struct arena *arena, int64_t deadline_ms,
                         struct str *how, struct err *err)
{
    bool ok = true;
    *how = STR("document by document, the ledger before the documents: not one moment");
    for (size_t i = 0; ok && i < count; i++) {
        struct arena_mark mark = arena_mark(arena);
        struct sink_part part = {.name = names[i], .shape = STR("{\"of\":\"bson\"}")};
        struct str filter = {0};
        struct str options = {0};
        bool there = false;
        ok = is_there(db, names[i], deadline_ms, arena, &there, err);
        if (ok && there) {
            ok = saver->part(saver->context, &part, err) && by_id(arena, &filter, &options, err) &&
                 mongo_query(db, names[i], filter, options, deadline_ms, err) &&
                 save_documents(db, saver, err);
        }
        arena_rewind(arena, mark);
    }
    return ok;
}

/* ---- Back ---- */

struct loading {
    struct mongo *db;
    const struct sink_loader *loader;
    enum sink_load how;
    int64_t deadline_ms;
    struct arena part; /* Of the part at hand, */
    struct arena some; /* and of the documents on their way. */
    struct buf report;
    bool changed; /* Something was written. */
};

static bool take_away(struct loading *loading, struct str name, struct err *err)
{
    struct buf buf;
    struct document doc;
    const struct json_value *reply = NULL;
    buf_init(&buf, &loading->part, ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, STR("delete"), name);
    document_array(&doc, STR("deletes"));
    document_object(&doc, (struct str){0});
    document_object(&doc, STR("q"));
    document_close(&doc);
    document_int(&doc, STR("limit"), 0);
    document_close(&doc);
    document_close(&doc);
    loading->changed = true;
    return ask(loading->db, &doc, true, loading->deadline_ms, &loading->part, &reply, err);
}

static bool holds_documents(struct str name, struct err *err)
{
    return err_set(err, ERR_REJECT,
                   "the collection '%.*s' holds documents; empty it, or --replace takes them away "
                   "(make a backup before)",
                   STR_ARG(str_slice(name, 0, NAME_SHOWN)));
}

bool mongodb_backup_check_empty(struct mongo *db, const struct str *names, size_t count,
                                struct arena *arena, int64_t deadline_ms, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        int64_t held = 0;
        if (!count_of(db, names[i], deadline_ms, arena, &held, err)) {
            return false;
        }
        if (held > 0) {
            return holds_documents(names[i], err);
        }
    }
    return true;
}

static bool make_room(struct loading *loading, struct str name, struct err *err)
{
    int64_t held = 0;
    if (!count_of(loading->db, name, loading->deadline_ms, &loading->part, &held, err)) {
        return false;
    }
    if (held > 0 && loading->how == SINK_LOAD_EMPTY) {
        return holds_documents(name, err);
    }
    return held == 0 || take_away(loading, name, err);
}

/* The next document's bytes; absent after the last. */
static bool next_document(struct loading *loading, struct str *bytes, struct err *err)
{
    const struct json_value *root = NULL;
    struct str row = {0};
    *bytes = (struct str){0};
    if (!loading->loader->row(loading->loader->context, &row, err)) {
        return false;
    }
    if (row.ptr == NULL) {
        return true;
    }
    const struct json_limits limits = {.size_max = row.len + 1};
    return json_parse(&loading->some, row, &limits, &root, err) &&
           encode_from_base64(&loading->some, json_str(json_at(root, 0)), bytes, err);
}

/* Some documents by one command; `*last` when there are no more. */
static bool insert_some(struct loading *loading, struct str name, int64_t *rows, bool *last,
                        struct err *err)
{
    struct buf buf;
    struct document doc;
    const struct json_value *reply = NULL;
    struct err one = {0};
    size_t at = 0;
    size_t item = 0;
    size_t bytes_sum = 0;
    int count = 0;
    arena_reset(&loading->some);
    buf_init(&buf, &loading->some, ROW_ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, STR("insert"), name);
    document_bool(&doc, STR("ordered"), true);
    document_array(&doc, STR("documents"));
    while (!*last && count < INSERT_MAX && bytes_sum < INSERT_BYTES) {
        struct str bytes = {0};
        if (!next_document(loading, &bytes, err)) {
            return false;
        }
        *last = bytes.ptr == NULL;
        if (!*last) {
            document_raw(&doc, (struct str){0}, bytes);
            bytes_sum += bytes.len;
            count++;
        }
    }
    document_close(&doc);
    if (count == 0) {
        return true;
    }
    loading->changed = true;
    if (!ask(loading->db, &doc, true, loading->deadline_ms, &loading->some, &reply, err)) {
        return false;
    }
    if (mongo_item_error(loading->db, reply, &at, &item, &one)) {
        *err = one;
        return false;
    }
    *rows += count;
    return true;
}

static bool load_collection(struct loading *loading, struct str name, struct err *err)
{
    int64_t rows = 0;
    bool last = false;
    bool ok = mongo_name_check(name, false, err) && make_room(loading, name, err);
    while (ok && !last) {
        ok = insert_some(loading, name, &rows, &last, err);
    }
    buf_printf(&loading->report, "%.*s: %" PRId64 " documents put back\n", STR_ARG(name), rows);
    return ok || err_prefix(err, "collection %.*s: ", STR_ARG(str_slice(name, 0, NAME_SHOWN)));
}

static bool look_at_collection(struct loading *loading, struct str name, struct err *err)
{
    struct str row = {0};
    int64_t rows = 0;
    int64_t held = 0;
    do {
        if (!loading->loader->row(loading->loader->context, &row, err)) {
            return false;
        }
        rows += row.ptr != NULL;
    } while (row.ptr != NULL);
    if (!count_of(loading->db, name, loading->deadline_ms, &loading->part, &held, err)) {
        return false;
    }
    buf_printf(&loading->report,
               "%.*s: %" PRId64 " documents would be put back; it holds %" PRId64 "%s\n",
               STR_ARG(name), rows, held, held > 0 ? " now, and --replace would be needed" : "");
    return true;
}

/* Before anything is written: nothing may be in the way. */
bool mongodb_backup_load(struct mongo *db, const struct sink_loader *loader, enum sink_load how,
                         struct arena *arena, int64_t deadline_ms, struct str *done,
                         struct err *err)
{
    struct loading loading = {.db = db, .loader = loader, .how = how, .deadline_ms = deadline_ms};
    struct sink_part part = {0};
    bool got = true;
    bool ok = true;
    buf_init(&loading.report, arena, ROOM);
    arena_init(&loading.part, DOCUMENT_MEMORY);
    arena_init(&loading.some, 2 * (size_t)DOCUMENT_MEMORY);
    while (ok && got) {
        arena_reset(&loading.part);
        ok = loader->part(loader->context, &part, &got, err);
        if (ok && got) {
            struct str name = arena_copy(&loading.part, part.name);
            ok = name.ptr == NULL        ? no_memory(err)
                 : how == SINK_LOAD_LOOK ? look_at_collection(&loading, name, err)
                                         : load_collection(&loading, name, err);
        }
    }
    arena_free(&loading.part);
    arena_free(&loading.some);
    *done = buf_str(&loading.report);
    return ok ||
           (loading.changed ? err_prefix(err, "a part is back already; repeat with --replace: ")
                            : false);
}
