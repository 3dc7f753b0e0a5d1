#include "sink/mongodb_index.h"

#include "db/document.h"
#include "text/duration.h"
#include "text/json.h"

enum { NAME_ROOM = 128, COMMAND_ROOM = 512 };

/* ---- What shall be there ---- */

static bool read_words(struct str words, struct mongodb_index *index, struct err *err)
{
    struct str rest = str_trim(words);
    struct str word;
    while (rest.ptr != NULL && str_split(&rest, ' ', &word)) {
        int64_t ms = 0;
        if (word.len == 0) {
            continue;
        }
        if (str_equal(word, STR("unique"))) {
            index->unique = true;
        } else if (str_equal(word, STR("sparse"))) {
            index->sparse = true;
        } else if (str_equal(word, STR("expires"))) {
            struct str span = {0};
            while (span.len == 0 && str_split(&rest, ' ', &span)) {
            }
            if (!duration_parse(span, &ms, err)) {
                return err_prefix(err, "`expires`: ");
            }
            if (ms / 1000 > INT32_MAX) {
                return err_set(err, ERR_CONFIG, "`expires`: MongoDB takes 68 years at most");
            }
            index->expires = true;
            index->expire_s = ms / 1000;
        } else {
            return err_set(err, ERR_CONFIG,
                           "'%.*s' is nothing that an index can be; there are unique, sparse, and "
                           "expires with a duration",
                           STR_ARG(str_slice(word, 0, NAME_ROOM)));
        }
    }
    return true;
}

static bool add_field(struct mongodb_index *index, struct str word, struct err *err)
{
    bool down = str_starts(word, STR("-"));
    struct str name = down ? str_slice(word, 1, word.len) : word;
    if (index->count == MONGODB_INDEX_FIELDS_MAX) {
        return err_set(err, ERR_CONFIG, "an index has at most %d fields", MONGODB_INDEX_FIELDS_MAX);
    }
    if (name.len == 0 || str_find_byte(name, '$', 0) == 0) {
        return err_set(err, ERR_CONFIG, "'%.*s' is no name of a field",
                       STR_ARG(str_slice(word, 0, NAME_ROOM)));
    }
    index->fields[index->count].name = name;
    index->fields[index->count++].down = down;
    return true;
}

/* "city -created_at (unique)" */
static bool read_one(struct str text, struct mongodb_index *index, struct err *err)
{
    size_t open = str_find_byte(text, '(', 0);
    struct str rest = str_trim(open == STR_NONE ? text : str_slice(text, 0, open));
    struct str word;
    *index = (struct mongodb_index){0};
    while (rest.len > 0 && str_split(&rest, ' ', &word)) {
        if (word.len > 0 && !add_field(index, word, err)) {
            return false;
        }
    }
    if (index->count == 0) {
        return err_set(err, ERR_CONFIG, "an index names no field");
    }
    if (open == STR_NONE) {
        return true;
    }
    struct str tail = str_trim(str_slice(text, open, text.len));
    if (!str_ends(tail, STR(")"))) {
        return err_set(err, ERR_CONFIG,
                       "a parenthesis is not closed; there are commas between "
                       "indexes, and none within one");
    }
    return read_words(str_slice(tail, 1, tail.len - 1), index, err) &&
           (!index->expires || index->count == 1 ||
            err_set(err, ERR_CONFIG, "an index that expires has one field, a time"));
}

static bool same_list(const struct mongodb_index *a, const struct mongodb_index *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = str_equal(a->fields[i].name, b->fields[i].name) &&
               a->fields[i].down == b->fields[i].down;
    }
    return same;
}

/* There is one index on a list of fields; the option says more of one that is declared. */
static bool add_index(struct mongodb_indexes *out, const struct mongodb_index *index,
                      struct err *err)
{
    for (size_t i = 0; i < out->count; i++) {
        struct mongodb_index *other = &out->items[i];
        if (same_list(other, index)) {
            other->unique = other->unique || index->unique;
            other->sparse = other->sparse || index->sparse;
            other->expires = other->expires || index->expires;
            other->expire_s = index->expires ? index->expire_s : other->expire_s;
            return true;
        }
    }
    if (out->count == MONGODB_INDEXES_MAX) {
        return err_set(err, ERR_CONFIG, "a collection may have at most %d indexes here",
                       MONGODB_INDEXES_MAX);
    }
    out->items[out->count++] = *index;
    return true;
}

bool mongodb_index_read(struct str text, struct mongodb_indexes *out, struct err *err)
{
    struct str rest = text;
    struct str part;
    while (str_split(&rest, ',', &part)) {
        struct mongodb_index index;
        if (!read_one(part, &index, err) || !add_index(out, &index, err)) {
            return false;
        }
    }
    return true;
}

bool mongodb_index_list(const struct target *target, const struct str_map *more,
                        struct mongodb_indexes *out, struct err *err)
{
    struct mongodb_index key = {.count = 1, .unique = true};
    key.fields[0].name = str_of(target->key);
    out->count = 0;
    if (!add_index(out, &key, err)) {
        return false;
    }
    for (const char *const *name = target->indexes; name != NULL && *name != NULL; name++) {
        struct mongodb_index index = {.count = 1};
        index.fields[0].name = str_of(*name);
        if (!add_index(out, &index, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < more->count; i++) {
        if (str_equal(more->items[i].name, str_of(target->name)) &&
            !mongodb_index_read(more->items[i].text, out, err)) {
            return false;
        }
    }
    return true;
}

/* ---- What is there ---- */

/* The same fields in the same order and directions. */
static bool same_fields(const struct mongodb_index *index, const struct json_value *found)
{
    struct json_iter iter;
    struct str name;
    const struct json_value *value = NULL;
    size_t at = 0;
    json_iter_init(&iter, json_get(found, STR("key")));
    while (json_next(&iter, &name, &value)) {
        double direction = 0;
        if (at == index->count || !json_double(value, &direction) ||
            !str_equal(index->fields[at].name, name) || (direction < 0) != index->fields[at].down) {
            return false;
        }
        at++;
    }
    return at == index->count;
}

static bool is_yes(const struct json_value *value)
{
    bool yes = false;
    double number = 0;
    return (json_bool(value, &yes) && yes) || (json_double(value, &number) && number > 0);
}

/* One that leaves documents out, or takes unequal keys for equal, guards nothing. */
static bool is_whole(const struct json_value *found)
{
    return json_kind(json_get(found, STR("partialFilterExpression"))) == JSON_ABSENT &&
           json_kind(json_get(found, STR("collation"))) == JSON_ABSENT;
}

static bool has_index(const struct json_value *list, const struct mongodb_index *index,
                      bool *other_kind)
{
    struct json_iter iter;
    const struct json_value *found = NULL;
    json_iter_init(&iter, list);
    while (json_next(&iter, NULL, &found)) {
        bool unique = is_yes(json_get(found, STR("unique")));
        if (!same_fields(index, found)) {
            continue;
        }
        if (!index->unique || (unique && is_whole(found))) {
            return true;
        }
        *other_kind = true;
    }
    return false;
}

/* `*list` is NULL when there is no such collection. */
static bool list_indexes(struct mongo *db, const struct target *target, struct arena *arena,
                         int64_t deadline_ms, const struct json_value **list, struct err *err)
{
    struct buf buf;
    struct document doc;
    struct str command = {0};
    const struct json_value *reply = NULL;
    *list = NULL;
    buf_init(&buf, arena, COMMAND_ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, STR("listIndexes"), str_of(target->name));
    if (!document_end(&doc, DOCUMENT_BATCH_MAX, &command, err)) {
        return false;
    }
    if (!mongo_command(db, command, deadline_ms, arena, &reply, err)) {
        return mongo_code(db) == MONGO_NO_COLLECTION;
    }
    *list = json_find(reply, STR("cursor/firstBatch"));
    return true;
}

bool mongodb_index_ready(struct mongo *db, const struct target *target, struct arena *arena,
                         int64_t deadline_ms, bool *ready, struct err *err)
{
    struct mongodb_index key = {.count = 1, .unique = true};
    const struct json_value *list = NULL;
    bool ignored = false;
    key.fields[0].name = str_of(target->key);
    *ready = false;
    if (!list_indexes(db, target, arena, deadline_ms, &list, err)) {
        return false;
    }
    *ready = list != NULL && has_index(list, &key, &ignored);
    return true;
}

/* ---- Making them ---- */

/* "city_1_created_at_-1", as MongoDB names an index itself. */
static struct str name_of(const struct mongodb_index *index, struct arena *arena)
{
    struct buf name;
    buf_init(&name, arena, NAME_ROOM);
    for (size_t i = 0; i < index->count; i++) {
        buf_printf(&name, "%s%.*s_%s", i > 0 ? "_" : "", STR_ARG(index->fields[i].name),
                   index->fields[i].down ? "-1" : "1");
    }
    return buf_str(&name);
}

static bool command_of(const struct target *target, const struct mongodb_index *index,
                       struct str name, struct arena *arena, struct str *command, struct err *err)
{
    struct buf buf;
    struct document doc;
    buf_init(&buf, arena, COMMAND_ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, STR("createIndexes"), str_of(target->name));
    document_array(&doc, STR("indexes"));
    document_object(&doc, (struct str){0});
    document_object(&doc, STR("key"));
    for (size_t i = 0; i < index->count; i++) {
        document_int(&doc, index->fields[i].name, index->fields[i].down ? -1 : 1);
    }
    document_close(&doc);
    document_str(&doc, STR("name"), name);
    if (index->unique) {
        document_bool(&doc, STR("unique"), true);
    }
    if (index->sparse) {
        document_bool(&doc, STR("sparse"), true);
    }
    if (index->expires) {
        document_int(&doc, STR("expireAfterSeconds"), index->expire_s);
    }
    document_close(&doc);
    document_close(&doc);
    return document_end(&doc, DOCUMENT_BATCH_MAX, command, err);
}

static bool make_index(struct mongo *db, const struct target *target,
                       const struct mongodb_index *index, struct str name, struct arena *arena,
                       int64_t deadline_ms, struct err *err)
{
    struct str command = {0};
    const struct json_value *reply = NULL;
    if (!command_of(target, index, name, arena, &command, err)) {
        return false;
    }
    if (mongo_command(db, command, deadline_ms, arena, &reply, err)) {
        return true;
    }
    if (mongo_code(db) == MONGO_DUPLICATE) {
        return err_set(err, ERR_CONFIG,
                       "collection %s: no unique index %.*s can be made, because several documents "
                       "hold the same value; put them together or take some away, and run sluice "
                       "migrate again",
                       target->name, STR_ARG(name));
    }
    return err_prefix(err, "collection %s: index %.*s: ", target->name, STR_ARG(name));
}

static void report_index(struct buf *report, const struct target *target,
                         const struct mongodb_index *index, struct str name)
{
    buf_printf(report, "collection %s: %s index %.*s", target->name,
               index->unique ? "a unique" : "an", STR_ARG(name));
    if (index->expires) {
        buf_printf(report, " (documents expire after %lld s)", (long long)index->expire_s);
    }
    buf_add_byte(report, '\n');
}

bool mongodb_index_migrate(struct mongo *db, const struct target *target,
                           const struct str_map *more, bool dry, struct arena *arena,
                           int64_t deadline_ms, struct buf *report, struct err *err)
{
    struct mongodb_indexes wanted;
    const struct json_value *list = NULL;
    if (!mongodb_index_list(target, more, &wanted, err) ||
        !list_indexes(db, target, arena, deadline_ms, &list, err)) {
        return false;
    }
    if (list == NULL) {
        buf_printf(report, "collection %s: created\n", target->name);
    }
    for (size_t i = 0; i < wanted.count; i++) {
        const struct mongodb_index *index = &wanted.items[i];
        struct str name = name_of(index, arena);
        bool other_kind = false;
        if (name.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory");
        }
        if (has_index(list, index, &other_kind)) {
            continue;
        }
        if (other_kind) {
            return err_set(err, ERR_CONFIG,
                           "collection %s: there is an index on the fields of %.*s already, and it "
                           "is not a unique one of all documents; drop it, and run sluice migrate "
                           "again",
                           target->name, STR_ARG(name));
        }
        if (!dry && !make_index(db, target, index, name, arena, deadline_ms, err)) {
            return false;
        }
        report_index(report, target, index, name);
    }
    return true;
}
