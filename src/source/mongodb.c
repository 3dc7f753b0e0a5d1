#include "source/mongodb.h"

#include <string.h>

#include "db/document.h"
#include "db/mongo.h"
#include "source/select.h"
#include "text/datetime.h"

enum { ROOM = 1024, BATCH_SIZE = 1000, FILTER_ARENA = 1024 * 1024 };

struct mongodb_source {
    struct select select; /* First. */

    /* Options. */
    struct secret uri;
    struct secret password;
    struct str authorities;
    bool allow_insecure;
    struct str database;
    struct str collection;
    struct str filter;

    /* From open to close. */
    struct mongo *db;
    bool there; /* The collection was seen. */

    /* Of the document at hand. */
    struct str names[SELECT_COLUMNS_MAX];
    struct select_cell cells[SELECT_COLUMNS_MAX];
};

static struct mongodb_source *self_of(struct select *select)
{
    return (struct mongodb_source *)(void *)select; /* Its first member. */
}

static struct mongodb_source *source_of(struct connector *connector)
{
    return (struct mongodb_source *)(void *)connector;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for a document");
}

/* ---- Options ---- */

/* The filter of the configuration; an empty object when there is none. */
static bool filter_read(const struct mongodb_source *self, struct arena *arena,
                        const struct json_value **filter, struct err *err)
{
    struct str text = self->filter.len > 0 ? self->filter : STR("{}");
    if (!json_parse(arena, text, NULL, filter, err)) {
        err->kind = ERR_CONFIG;
        return false;
    }
    return json_kind(*filter) == JSON_OBJECT || err_set(err, ERR_CONFIG,
                                                        "it must be a JSON object, such as "
                                                        "{\"status\": \"open\"}");
}

static bool options_read(struct mongodb_source *self, const char **option, struct err *err)
{
    const struct json_value *filter = NULL;
    struct arena arena;
    if (!self->select.reference && self->select.cursor_column.len == 0) {
        self->select.cursor_column = STR("_id");
    }
    if (!self->select.reference && self->select.id_column.len == 0) {
        self->select.id_column = STR("_id");
    }
    *option = "collection";
    if (!mongo_name_check(self->collection, false, err)) {
        return false;
    }
    *option = "filter";
    arena_init(&arena, FILTER_ARENA);
    bool ok = filter_read(self, &arena, &filter, err) && select_check(&self->select, option, err);
    arena_free(&arena);
    return ok;
}

static void check(const struct connector *connector, struct report *report)
{
    struct mongodb_source self = *(const struct mongodb_source *)(const void *)connector;
    const char *option = NULL;
    struct err err = {0};
    if (!options_read(&self, &option, &err)) {
        report_err(report, option, &err);
    }
}

/* ---- Questions ---- */

static void add_comparison(struct document *doc, struct str field, const char *operator,
                           const struct json_value *value, struct err *err, bool *ok)
{
    document_object(doc, field);
    *ok = *ok && document_query(doc, str_of(operator), value, err);
    document_close(doc);
}

/* {"$and":[the configured filter, {"a":{"$gte":…}}, …]} */
static bool add_place(const struct mongodb_source *self, struct document *doc,
                      const struct select_ask *ask, struct err *err)
{
    const struct select *select = &self->select;
    struct str tie = select_tie(select);
    bool ok = true;
    if (ask->from == SELECT_FROM || str_equal(select->cursor_column, tie)) {
        document_object(doc, (struct str){0});
        add_comparison(doc, select->cursor_column, ask->from == SELECT_FROM ? "$gte" : "$gt",
                       ask->rising, err, &ok);
        document_close(doc);
        return ok;
    }
    document_object(doc, (struct str){0});
    document_array(doc, STR("$or"));
    document_object(doc, (struct str){0});
    add_comparison(doc, select->cursor_column, "$gt", ask->rising, err, &ok);
    document_close(doc);
    document_object(doc, (struct str){0});
    add_comparison(doc, select->cursor_column, "$eq", ask->rising, err, &ok);
    add_comparison(doc, tie, "$gt", ask->tie, err, &ok);
    document_close(doc);
    document_close(doc);
    document_close(doc);
    return ok;
}

static void add_present(struct document *doc, struct str field)
{
    document_object(doc, (struct str){0});
    document_object(doc, field);
    document_null(doc, STR("$ne"));
    document_close(doc);
    document_close(doc);
}

static bool filter_make(const struct mongodb_source *self, const struct select_ask *ask,
                        struct buf *buf, struct str *bytes, struct err *err)
{
    const struct json_value *filter = NULL;
    struct document doc;
    bool ok = filter_read(self, buf->arena, &filter, err);
    document_begin(&doc, buf);
    if (!ok) {
        return false;
    }
    if (self->select.reference) {
        ok = document_query_members(&doc, filter, err);
    } else {
        document_array(&doc, STR("$and"));
        ok = document_query(&doc, (struct str){0}, filter, err);
        add_present(&doc, self->select.cursor_column);
        add_present(&doc, select_tie(&self->select));
        ok = ok && (ask->from == SELECT_ALL || add_place(self, &doc, ask, err));
        document_close(&doc);
    }
    return ok && document_end(&doc, DOCUMENT_BYTES_MAX, bytes, err);
}

static void add_projection(const struct mongodb_source *self, struct document *doc)
{
    struct select_wanted wanted[SELECT_WANTED_MAX];
    const struct select *select = &self->select;
    size_t count = select_wanted(select, wanted);
    document_object(doc, STR("projection"));
    for (size_t i = 0; i < select->columns.count; i++) {
        document_int(doc, select->columns.items[i], 1);
    }
    for (size_t i = 0; i < count; i++) {
        if (select_wanted_once(select, wanted, i)) {
            document_int(doc, wanted[i].column, 1);
        }
    }
    document_close(doc);
}

static bool options_make(const struct mongodb_source *self, const struct select_ask *ask,
                         struct buf *buf, struct str *bytes, struct err *err)
{
    const struct select *select = &self->select;
    struct document doc;
    document_begin(&doc, buf);
    document_object(&doc, STR("sort"));
    document_int(&doc, select->reference ? select->key : select->cursor_column, 1);
    if (!select->reference && !str_equal(select->cursor_column, select_tie(select))) {
        document_int(&doc, select_tie(select), 1);
    }
    document_close(&doc);
    if (select->columns.count > 0) {
        add_projection(self, &doc);
    }
    if (ask->limit > 0) {
        document_int64(&doc, STR("limit"), (int64_t)ask->limit);
    }
    document_int(&doc, STR("batchSize"), BATCH_SIZE);
    return document_end(&doc, DOCUMENT_BYTES_MAX, bytes, err);
}

/* A collection that does not exist is no error of MongoDB's, and reads as an empty one. */
static bool find_collection(struct mongodb_source *self, int64_t deadline_ms, struct arena *arena,
                            struct err *err)
{
    struct buf buf;
    struct document doc;
    struct str command = {0};
    const struct json_value *reply = NULL;
    if (self->there) {
        return true;
    }
    buf_init(&buf, arena, ROOM);
    document_begin(&doc, &buf);
    document_int(&doc, STR("listCollections"), 1);
    document_bool(&doc, STR("nameOnly"), true);
    document_object(&doc, STR("filter"));
    document_str(&doc, STR("name"), self->collection);
    document_close(&doc);
    if (!document_end(&doc, DOCUMENT_BYTES_MAX, &command, err) ||
        !mongo_command(self->db, command, deadline_ms, arena, &reply, err)) {
        return false;
    }
    self->there = json_count(json_find(reply, STR("cursor/firstBatch"))) > 0;
    return self->there ||
           err_set(err, ERR_CONFIG,
                   "%.*s has no collection '%.*s': check the options `collection` and `database`, "
                   "or wait until the first document is written",
                   STR_ARG(mongo_where(self->db)), STR_ARG(self->collection));
}

static bool begin(struct select *select, const struct select_ask *ask, struct arena *arena,
                  struct err *err)
{
    struct mongodb_source *self = self_of(select);
    struct buf filter;
    struct buf options;
    struct str filter_bytes = {0};
    struct str option_bytes = {0};
    buf_init(&filter, arena, ROOM);
    buf_init(&options, arena, ROOM);
    if (!find_collection(self, ask->deadline_ms, arena, err) ||
        !filter_make(self, ask, &filter, &filter_bytes, err) ||
        !options_make(self, ask, &options, &option_bytes, err)) {
        return false;
    }
    self->there =
        mongo_query(self->db, self->collection, filter_bytes, option_bytes, ask->deadline_ms, err);
    return self->there;
}

static void end(struct select *select)
{
    mongo_end(self_of(select)->db);
}

/* ---- Documents ---- */

/* {"$oid": "…"} and the like, as people read them; the absent view for what is none of these. */
static struct select_cell plain_of(const struct json_value *value, struct arena *arena)
{
    struct json_iter iter;
    struct str key = {0};
    const struct json_value *inner = NULL;
    int64_t ms = 0;
    char room[DATETIME_TEXT_MAX];
    json_iter_init(&iter, value);
    if (json_kind(value) != JSON_OBJECT || json_count(value) != 1 ||
        !json_next(&iter, &key, &inner) || key.len < 2 || key.ptr[0] != '$') {
        return (struct select_cell){0};
    }
    if (str_equal(key, STR("$date")) && json_kind(inner) == JSON_OBJECT &&
        str_to_int64(json_str(json_get(inner, STR("$numberLong"))), &ms)) {
        return (struct select_cell){SELECT_TEXT, arena_copy(arena, datetime_format_iso(ms, room))};
    }
    if (str_equal(key, STR("$oid")) || str_equal(key, STR("$date")) ||
        str_equal(key, STR("$symbol")) || str_equal(key, STR("$uuid"))) {
        return (struct select_cell){SELECT_TEXT, json_str(inner)};
    }
    if (str_equal(key, STR("$numberDecimal")) || str_equal(key, STR("$numberLong")) ||
        str_equal(key, STR("$numberInt")) || str_equal(key, STR("$numberDouble"))) {
        struct err ignored = {0};
        const struct json_value *number = NULL;
        struct str text = json_str(inner);
        bool is_number = json_parse(arena, text, NULL, &number, &ignored);
        return (struct select_cell){is_number ? SELECT_JSON : SELECT_TEXT, text};
    }
    return (struct select_cell){0};
}

static void put_plain(struct json_writer *json, const struct json_value *value, struct arena *arena)
{
    struct json_iter iter;
    struct str key = {0};
    const struct json_value *item = NULL;
    struct select_cell cell = plain_of(value, arena);
    json_iter_init(&iter, value);
    if (cell.kind == SELECT_TEXT) {
        json_put_str(json, cell.text);
    } else if (cell.kind == SELECT_JSON) {
        json_put_raw(json, cell.text);
    } else if (json_kind(value) == JSON_OBJECT) {
        json_object_begin(json);
        while (json_next(&iter, &key, &item)) {
            json_key(json, key);
            put_plain(json, item, arena); /* As deep as what was read, JSON_DEPTH_MAX. */
        }
        json_object_end(json);
    } else if (json_kind(value) == JSON_ARRAY) {
        json_array_begin(json);
        while (json_next(&iter, &key, &item)) {
            put_plain(json, item, arena);
        }
        json_array_end(json);
    } else {
        json_put_value(json, value);
    }
}

static struct select_cell cell_of(const struct json_value *value, struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    struct select_cell cell = plain_of(value, arena);
    if (cell.kind != SELECT_NULL || json_kind(value) == JSON_NULL || value == NULL) {
        return cell;
    }
    if (json_kind(value) == JSON_STRING) {
        return (struct select_cell){SELECT_TEXT, json_str(value)};
    }
    buf_init(&buf, arena, ROOM / 8);
    json_writer_init(&json, &buf);
    put_plain(&json, value, arena);
    json_writer_done(&json);
    return (struct select_cell){SELECT_JSON, buf_str(&buf)};
}

/* A field, or one deeper down. */
static const struct json_value *field_of(const struct json_value *root, struct str path)
{
    const struct json_value *value = json_get(root, path);
    struct str part = {0};
    if (value != NULL || str_find_byte(path, '.', 0) == STR_NONE) {
        return value;
    }
    value = root;
    while (str_split(&path, '.', &part)) {
        value = json_get(value, part);
    }
    return value;
}

static bool add_cell(struct mongodb_source *self, size_t *count, struct str name,
                     const struct json_value *value, struct arena *arena, struct err *err)
{
    if (*count == SELECT_COLUMNS_MAX) {
        return err_set(err, ERR_CONFIG,
                       "%.*s has a document with more than %d fields: name those "
                       "that are needed with `columns`",
                       STR_ARG(self->select.what), SELECT_COLUMNS_MAX);
    }
    struct select_cell cell = cell_of(value, arena);
    self->names[*count] = name;
    self->cells[(*count)++] = cell;
    return cell.kind == SELECT_NULL || cell.text.ptr != NULL || no_memory(err);
}

/* All fields of the document, and those deeper down that options name. */
static bool take_document(struct mongodb_source *self, const struct json_value *root,
                          struct arena *arena, struct select_row *row, struct err *err)
{
    struct select_wanted wanted[SELECT_WANTED_MAX];
    size_t wanted_count = select_wanted(&self->select, wanted);
    struct json_iter iter;
    struct str key = {0};
    const struct json_value *value = NULL;
    size_t count = 0;
    json_iter_init(&iter, root);
    while (json_next(&iter, &key, &value)) {
        if (!add_cell(self, &count, key, value, arena, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < wanted_count; i++) {
        const struct json_value *deep = field_of(root, wanted[i].column);
        bool there = deep == NULL;
        for (size_t j = 0; j < count && !there; j++) {
            there = str_equal(self->names[j], wanted[i].column);
        }
        if (!there && !add_cell(self, &count, wanted[i].column, deep, arena, err)) {
            return false;
        }
    }
    *row = (struct select_row){.count = count, .names = self->names, .cells = self->cells};
    return true;
}

static bool place_of(const struct json_value *value, struct arena *arena, struct str *place,
                     struct err *err)
{
    struct buf buf;
    struct json_writer json;
    if (value == NULL) {
        return err_set(err, ERR_REJECT, "a document has no place in the order");
    }
    buf_init(&buf, arena, ROOM / 8);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    *place = buf_str(&buf);
    return place->ptr != NULL || no_memory(err);
}

static bool next(struct select *select, struct arena *arena, struct select_row *row, bool *got,
                 struct err *err)
{
    struct mongodb_source *self = self_of(select);
    const struct json_limits limits = {.allow_duplicate_keys = true,
                                       .size_max = 4 * (size_t)DOCUMENT_BYTES_MAX};
    const struct json_value *root = NULL;
    struct str text = {0};
    if (!mongo_next(self->db, arena, &text, err)) {
        return false;
    }
    *got = text.ptr != NULL;
    if (!*got) {
        return true;
    }
    return json_parse(arena, text, &limits, &root, err) &&
           take_document(self, root, arena, row, err) &&
           (select->reference ||
            (place_of(field_of(root, select->cursor_column), arena, &row->rising, err) &&
             place_of(field_of(root, select_tie(select)), arena, &row->tie, err)));
}

/* {"count": …, "query": {"$and":[filter, {"$or":[{a: null}, {b: null}]}]}} */
static bool without(struct select *select, int64_t deadline_ms, int64_t *count, struct err *err)
{
    struct mongodb_source *self = self_of(select);
    const struct str fields[] = {select->cursor_column, select_tie(select)};
    const struct json_value *filter = NULL;
    const struct json_value *reply = NULL;
    struct str command = {0};
    struct arena arena;
    struct buf buf;
    struct document doc;
    arena_init(&arena, FILTER_ARENA);
    buf_init(&buf, &arena, ROOM);
    bool ok = filter_read(self, &arena, &filter, err);
    document_begin(&doc, &buf);
    document_str(&doc, STR("count"), self->collection);
    document_object(&doc, STR("query"));
    document_array(&doc, STR("$and"));
    ok = ok && document_query(&doc, (struct str){0}, filter, err);
    document_object(&doc, (struct str){0});
    document_array(&doc, STR("$or"));
    for (size_t i = 0; i < 2; i++) {
        document_object(&doc, (struct str){0});
        document_null(&doc, fields[i]);
        document_close(&doc);
    }
    document_close(&doc);
    document_close(&doc);
    document_close(&doc);
    document_close(&doc);
    ok = ok && document_end(&doc, DOCUMENT_BYTES_MAX, &command, err) &&
         mongo_command(self->db, command, deadline_ms, &arena, &reply, err);
    *count = 0;
    (void)json_int(json_get(reply, STR("n")), count);
    arena_free(&arena);
    return ok;
}

static const struct select_reader reader = {
    .begin = begin, .next = next, .end = end, .without = without};

/* ---- The kind ---- */

static bool open_source(struct connector *connector, struct err *err)
{
    struct mongodb_source *self = source_of(connector);
    struct mongo_options options = {
        .uri = secret_reveal(&self->uri),
        .password = secret_reveal(&self->password),
        .root = self->authorities,
        .database = self->database,
        .allow_insecure = self->allow_insecure,
        .clock = connector->env.clock,
        .stopping = connector->env.stopping,
        .stopping_context = connector->env.stopping_context,
    };
    struct str what =
        arena_printf(connector->env.arena, "collection %.*s", STR_ARG(self->collection));
    const char *option = NULL;
    self->db = NULL;
    self->there = false;
    if (!options_read(self, &option, err)) {
        return source_wrong(connector, option, err);
    }
    bool ok =
        select_open(&self->select, &reader, what, err) && mongo_open(&self->db, &options, err);
    return ok || err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
}

static void rest(struct connector *connector)
{
    mongo_disconnect(source_of(connector)->db);
}

static void close_source(struct connector *connector)
{
    struct mongodb_source *self = source_of(connector);
    mongo_close(self->db);
    self->db = NULL;
}

static bool probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                  struct err *err)
{
    struct mongodb_source *self = source_of(connector);
    struct arena *arena = connector->env.arena;
    self->there = false;
    if (!mongo_ready(self->db, deadline_ms, err) ||
        !find_collection(self, deadline_ms, arena, err)) {
        return err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
    }
    struct str note = mongo_note(self->db);
    *found = arena_printf(arena, "%.*s in %.*s%s%.*s", STR_ARG(self->select.what),
                          STR_ARG(mongo_where(self->db)), note.len > 0 ? "; " : "", STR_ARG(note));
    return found->ptr != NULL || no_memory(err);
}

static const struct option options[] = {
    OPTION_SECRET(struct mongodb_source, uri, "uri", OPTION_REQUIRED,
                  "Where the database is: mongodb://… or mongodb+srv://…, as providers hand it "
                  "out."),
    OPTION_SECRET(struct mongodb_source, password, "password", NULL,
                  "The password, when it is not in `uri`."),
    OPTION_PATH(struct mongodb_source, authorities, "authorities", NULL,
                "File of certificate authorities to trust; by default the machine's."),
    OPTION_BOOL(struct mongodb_source, allow_insecure, "allow_insecure", "false",
                "Also over the public network without TLS or without a user."),
    OPTION_TEXT(struct mongodb_source, database, "database", NULL,
                "The database; by default the one of `uri`."),
    OPTION_TEXT(struct mongodb_source, collection, "collection", OPTION_REQUIRED,
                "The collection to read."),
    OPTION_TEXT(struct mongodb_source, filter, "filter", NULL,
                "Only these documents: a filter of MongoDB's, as JSON."),
    SELECT_OPTIONS(struct mongodb_source, select),
    OPTION_END,
};

const struct source_type source_mongodb = {
    .connector =
        {
            .kind = "mongodb",
            .summary =
                "Documents of a MongoDB collection that grows, or a table to look things up in.",
            .options = options,
            .size = sizeof(struct mongodb_source),
            .check = check,
            .open = open_source,
            .probe = probe,
            .rest = rest,
            .close = close_source,
        },
    .fetch = select_fetch,
    .is_reference = select_is_reference,
};
