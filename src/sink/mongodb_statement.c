#include "sink/mongodb_statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/digest.h"
#include "sink/effect_id.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/json_merge.h"

enum {
    STATEMENT_ROOM = 512,
    SLOT_PLAIN_MAX = 64,
    SLOT_HEX = 16,
    GENERATION_DIGITS = 19,
    MESSAGE_DIGITS = 19,
    NTH_DIGITS = 10,
};

_Static_assert((int)SLOT_PLAIN_MAX < (int)MONGODB_SLOT_MAX, "a plain name fits");
_Static_assert((int)MONGODB_SLOT_MAX + 14 < (int)MONGODB_PATH_MAX, "and the path to it");
_Static_assert((int)GENERATION_DIGITS + (int)MESSAGE_DIGITS + (int)NTH_DIGITS + 2 <
                   (int)MONGODB_SEQUENCE_MAX,
               "a sequence fits");

/* ---- Marks ---- */

static bool is_plain(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_') {
            return false;
        }
    }
    return name.len > 0 && name.len <= SLOT_PLAIN_MAX;
}

/* A plain name is its own; any other one is "#" and the beginning of its digest. */
static void make_slot(struct str pipeline, char out[MONGODB_SLOT_MAX])
{
    char hex[DIGEST_HEX_MAX];
    if (is_plain(pipeline)) {
        memcpy(out, pipeline.ptr, pipeline.len);
        out[pipeline.len] = '\0';
        return;
    }
    struct str digest = digest_hex(DIGEST_SHA256, pipeline, hex);
    (void)snprintf(out, MONGODB_SLOT_MAX, "#%.*s", (int)SLOT_HEX, digest.ptr);
}

/* `digits` of them, with zeros in front, so that numbers sort as texts. */
static char *put_digits(char *out, int64_t value, int digits)
{
    memset(out, '0', (size_t)digits);
    for (int i = digits - 1; i >= 0 && value > 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

/* Made by hand: a backlog asks for it a hundred thousand times a second. */
static void make_sequence(const struct effect *effect, char out[MONGODB_SEQUENCE_MAX])
{
    char *at = put_digits(out, effect->generation > 0 ? effect->generation : 0, GENERATION_DIGITS);
    *at++ = '.';
    at = put_digits(at, effect->message > 0 ? effect->message : 0, MESSAGE_DIGITS);
    *at++ = '.';
    at = put_digits(at, effect->nth > 0 ? effect->nth : 0, NTH_DIGITS);
    *at = '\0';
}

static void make_id(const struct effect *effect, char out[MONGODB_ID_SIZE])
{
    char value[DIGEST_SIZE_MAX];
    memcpy(out, effect_digest(effect, value).ptr, MONGODB_ID_SIZE);
}

void mongodb_mark_make(const struct parcel *parcel, struct mongodb_mark *out)
{
    make_slot(parcel->effect.pipeline, out->slot);
    if (parcel->kind == RECORD_ABSOLUTE) {
        make_sequence(&parcel->effect, out->sequence);
    } else {
        make_id(&parcel->effect, out->id);
    }
}

struct str mongodb_mark_id(const struct mongodb_mark *mark)
{
    return (struct str){mark->id, MONGODB_ID_SIZE};
}

struct str mongodb_path(const struct mongodb_mark *mark, bool effect, char out[MONGODB_PATH_MAX])
{
    static const struct str fronts[] = {STR_INIT("_sluice.seq."), STR_INIT("_sluice.done.")};
    struct str front = fronts[effect];
    size_t len = strlen(mark->slot);
    memcpy(out, front.ptr, front.len);
    memcpy(out + front.len, mark->slot, len + 1);
    return (struct str){out, front.len + len};
}

/* ---- Values ---- */

static bool put_time(struct document *doc, struct str key, const struct column *column,
                     struct str text, struct err *err)
{
    int64_t ms = 0;
    if (!datetime_parse_iso_ms(text, &ms, err)) {
        return err_set(err, ERR_REJECT, "column %s takes a time such as 2025-12-09T18:51:42Z",
                       column->name);
    }
    document_time(doc, key, ms);
    return true;
}

static bool put_json(struct document *doc, struct str key, const struct column *column,
                     struct str text, struct arena *arena, struct err *err)
{
    const struct json_limits limits = {.innocent = true};
    const struct json_value *value = NULL;
    if (!json_parse(arena, text, &limits, &value, err)) {
        return false;
    }
    return document_data(doc, key, value, err) || err_prefix(err, "column %s: ", column->name);
}

static void put_number_text(struct document *doc, struct str key, const struct body_field *field)
{
    char number[JSON_NUMBER_MAX];
    if (field->type == BODY_INT) {
        (void)snprintf(number, sizeof number, "%" PRId64, field->integer);
        document_str(doc, key, str_of(number));
    } else {
        document_str(doc, key, json_double_text(field->real, number));
    }
}

static void put_int(struct document *doc, struct str key, enum column_type type,
                    const struct body_field *field)
{
    if (type == COLUMN_TEXT) {
        put_number_text(doc, key, field);
    } else if (type == COLUMN_BOOL) {
        document_bool(doc, key, field->integer != 0);
    } else if (type == COLUMN_DOUBLE) {
        document_double(doc, key, (double)field->integer);
    } else {
        document_int(doc, key, field->integer);
    }
}

bool mongodb_value_put(struct document *doc, struct str key, const struct column *column,
                       const struct body_field *field, struct arena *arena, struct err *err)
{
    switch (field->type) {
    case BODY_NULL:
        document_null(doc, key);
        return true;
    case BODY_TEXT:
        if (column->type == COLUMN_TIME) {
            return put_time(doc, key, column, field->text, err);
        }
        document_str(doc, key, field->text);
        return true;
    case BODY_INT:
        put_int(doc, key, column->type, field);
        return true;
    case BODY_DOUBLE:
        if (column->type == COLUMN_TEXT) {
            put_number_text(doc, key, field);
        } else {
            document_double(doc, key, field->real);
        }
        return true;
    case BODY_TRUE:
    case BODY_FALSE:
        document_bool(doc, key, field->type == BODY_TRUE);
        return true;
    case BODY_JSON:
        return put_json(doc, key, column, field->text, arena, err);
    }
    return false;
}

/* ---- Statements ---- */

/* One statement while it is made. */
struct making {
    const struct target *target;
    const struct body *body;
    struct arena *arena;
    struct document *doc;
    const struct mongodb_mark *mark;
    char path[MONGODB_PATH_MAX];
    bool effect;
    struct str entity;
    const struct column *key; /* Where the columns have it. */
};

/* As the column writes it; the body may write it in other letters, but in as many. */
static struct str name_of(const struct body_field *field)
{
    return (struct str){field->column->name, field->name.len};
}

static bool put_field(struct making *making, struct str key, const struct column *column,
                      const struct body_field *field, struct err *err)
{
    return mongodb_value_put(making->doc, key, column, field, making->arena, err);
}

/* The value in its column; with an operator as the key, the value of the operator. */
static bool put_literal(struct making *making, struct str key, const struct column *column,
                        const struct body_field *field, struct err *err)
{
    document_object(making->doc, key);
    bool ok = put_field(making, STR("$literal"), column, field, err);
    document_close(making->doc);
    return ok;
}

static void put_guard(struct making *making)
{
    struct document *doc = making->doc;
    document_object(doc, str_of(making->path));
    if (making->effect) {
        document_binary(doc, STR("$ne"), mongodb_mark_id(making->mark));
    } else {
        document_object(doc, STR("$not"));
        document_str(doc, STR("$gte"), str_of(making->mark->sequence));
        document_close(doc);
    }
    document_close(doc);
}

static void put_filter(struct making *making, bool pipeline)
{
    struct document *doc = making->doc;
    document_object(doc, STR("q"));
    document_str(doc, str_of(making->target->key), making->entity);
    if (pipeline) {
        document_null(doc, STR("_sluice.new"));
    }
    put_guard(making);
    document_close(doc);
}

/* Columns of one group under their operator; an operator without columns is left out. */
static bool put_group(struct making *making, enum body_group group, const char *operator,
                      struct err *err)
{
    bool opened = false;
    for (size_t i = 0; i < making->body->count; i++) {
        const struct body_field *field = &making->body->fields[i];
        if (field->group != group || field->column == making->key) {
            continue;
        }
        if (!opened) {
            document_object(making->doc, str_of(operator));
        }
        opened = true;
        if (!put_field(making, name_of(field), field->column, field, err)) {
            return false;
        }
    }
    if (opened) {
        document_close(making->doc);
    }
    return true;
}

static bool put_set(struct making *making, struct err *err)
{
    struct document *doc = making->doc;
    if (making->effect) {
        return put_group(making, BODY_SET, "$set", err);
    }
    document_object(doc, STR("$set"));
    for (size_t i = 0; i < making->body->count; i++) {
        const struct body_field *field = &making->body->fields[i];
        if (field->group == BODY_SET && field->column != making->key &&
            !put_field(making, name_of(field), field->column, field, err)) {
            return false;
        }
    }
    document_str(doc, str_of(making->path), str_of(making->mark->sequence));
    document_close(doc);
    return true;
}

static bool has_group(const struct body *body, enum body_group group)
{
    for (size_t i = 0; i < body->count; i++) {
        if (body->fields[i].group == group) {
            return true;
        }
    }
    return false;
}

/* What only a new document gets: the group, and initial values that nothing writes over. */
static bool put_set_on_insert(struct making *making, struct err *err)
{
    bool opened = false;
    bool inserts = has_group(making->body, BODY_INSERT);
    for (const struct column *column = making->target->columns; column->name != NULL; column++) {
        if (!inserts && column->initial == NULL) {
            continue;
        }
        const struct body_field *field = body_find(making->body, column->name, BODY_ON_NEW);
        struct body_field initial = {0};
        if (column == making->key || (field == NULL && column->initial == NULL) ||
            (field != NULL && field->group != BODY_INSERT)) {
            continue;
        }
        if (field == NULL && !body_initial(column, making->arena, &initial, err)) {
            return false;
        }
        if (!opened) {
            document_object(making->doc, STR("$setOnInsert"));
        }
        opened = true;
        if (!put_field(making, str_of(column->name), column, field != NULL ? field : &initial,
                       err)) {
            return false;
        }
    }
    if (opened) {
        document_close(making->doc);
    }
    return true;
}

static bool put_push(struct making *making, struct err *err)
{
    struct document *doc = making->doc;
    if (!making->effect) {
        return true;
    }
    document_object(doc, STR("$push"));
    for (size_t i = 0; i < making->body->count; i++) {
        const struct body_field *field = &making->body->fields[i];
        if (field->group == BODY_PUSH &&
            !put_field(making, name_of(field), field->column, field, err)) {
            return false;
        }
    }
    document_object(doc, str_of(making->path));
    document_array(doc, STR("$each"));
    document_binary(doc, (struct str){0}, mongodb_mark_id(making->mark));
    document_close(doc);
    document_int(doc, STR("$slice"), -MONGODB_KEPT);
    document_close(doc);
    document_close(doc);
    return true;
}

static bool put_operators(struct making *making, struct str key, bool upsert, struct err *err)
{
    document_object(making->doc, key);
    bool ok = put_set(making, err) && (!upsert || put_set_on_insert(making, err)) &&
              put_group(making, BODY_INC, "$inc", err) && put_push(making, err);
    document_close(making->doc);
    return ok;
}

/* ---- The same as a pipeline ---- */

/* {$cond: [{$eq: [{$type: "$_sluice.new"}, "null"]}, …, …]}: opened before the first of two. */
static void open_choice(struct document *doc, struct str key)
{
    document_object(doc, key);
    document_array(doc, STR("$cond"));
    document_object(doc, (struct str){0});
    document_array(doc, STR("$eq"));
    document_object(doc, (struct str){0});
    document_str(doc, STR("$type"), STR("$_sluice.new"));
    document_close(doc);
    document_str(doc, (struct str){0}, STR("null"));
    document_close(doc);
    document_close(doc);
}

static void close_choice(struct document *doc)
{
    document_close(doc);
    document_close(doc);
}

/* {$ifNull: ["$column", …]}: what the column holds; opened before what counts for nothing. */
static bool open_held(struct making *making, const char *column, struct err *err)
{
    struct str path = arena_printf(making->arena, "$%s", column);
    if (path.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a statement");
    }
    document_object(making->doc, (struct str){0});
    document_array(making->doc, STR("$ifNull"));
    document_str(making->doc, (struct str){0}, path);
    return true;
}

static void close_held(struct making *making)
{
    document_close(making->doc);
    document_close(making->doc);
}

/* {$concat: […, {$literal: "text"}]} and its likes for numbers and lists. */
static bool put_grown(struct making *making, struct str key, const struct column *column,
                      const struct body_field *field, struct err *err)
{
    struct document *doc = making->doc;
    const char *operator = field->group == BODY_APPEND ? "$concat"
                           : field->group == BODY_INC  ? "$add"
                                                       : "$concatArrays";
    document_object(doc, key);
    document_array(doc, str_of(operator));
    if (!open_held(making, column->name, err)) {
        return false;
    }
    if (field->group == BODY_APPEND) {
        document_str(doc, (struct str){0}, STR(""));
    } else if (field->group == BODY_INC) {
        document_int(doc, (struct str){0}, 0);
    } else {
        document_array(doc, (struct str){0});
        document_close(doc);
    }
    close_held(making);
    bool listed = field->group == BODY_PUSH;
    if (listed) {
        document_array(doc, (struct str){0});
    }
    bool ok = put_literal(making, (struct str){0}, column, field, err);
    if (listed) {
        document_close(doc);
    }
    document_close(doc);
    document_close(doc);
    return ok;
}

/* "$$i.lesson" */
static struct str variable(struct making *making, const char *name, struct str field)
{
    return arena_printf(making->arena, "$$%s.%.*s", name, STR_ARG(field));
}

/* {$map: {input: what the column holds, as: "e", and so on. */
static bool open_map_of_held(struct making *making, const char *column, struct err *err)
{
    struct document *doc = making->doc;
    struct str path = arena_printf(making->arena, "$%s", column);
    if (path.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a statement");
    }
    document_object(doc, (struct str){0});
    document_object(doc, STR("$map"));
    document_object(doc, STR("input"));
    document_array(doc, STR("$ifNull"));
    document_str(doc, (struct str){0}, path);
    document_array(doc, (struct str){0});
    document_close(doc);
    document_close(doc);
    document_close(doc);
    document_str(doc, STR("as"), STR("e"));
    return true;
}

/* The parts of what is to be merged: what each item sets, and what a new one gets. */
struct merging {
    const struct column *column;
    struct str by;
    struct body_field sets;
    struct body_field fresh;
};

static bool read_merging(struct making *making, const struct column *column,
                         const struct body_field *field, struct merging *out, struct err *err)
{
    const struct json_limits limits = {.innocent = true};
    const struct json_value *more = NULL;
    const struct json_value *item = NULL;
    struct json_iter iter;
    struct json_writer json;
    struct buf sets;
    struct buf fresh;
    if (!json_parse(making->arena, field->text, &limits, &more, err)) {
        return false;
    }
    *out = (struct merging){.column = column, .by = json_str(json_get(more, STR("by")))};
    if (str_find_byte(out->by, '.', 0) != STR_NONE || str_find_byte(out->by, '$', 0) != STR_NONE) {
        return err_set(err, ERR_REJECT,
                       "column '%s': a list cannot be merged by a field with . or $", column->name);
    }
    buf_init(&sets, making->arena, field->text.len);
    buf_init(&fresh, making->arena, field->text.len);
    json_writer_init(&json, &sets);
    json_array_begin(&json);
    json_iter_init(&iter, json_get(more, STR("items")));
    while (json_next(&iter, NULL, &item)) {
        json_put_value(&json, json_get(item, STR("set")));
    }
    json_array_end(&json);
    json_writer_init(&json, &fresh);
    if (!json_put_merged(&json, NULL, more, err)) {
        return false;
    }
    out->sets = (struct body_field){.type = BODY_JSON, .text = buf_str(&sets)};
    out->fresh = (struct body_field){.type = BODY_JSON, .text = buf_str(&fresh)};
    return (out->sets.text.ptr != NULL && out->fresh.text.ptr != NULL) ||
           err_set(err, ERR_RETRY, "out of memory for a statement");
}

/* {$ifNull: [{$arrayElemAt: [{$filter: {input: SETS, as: "i", cond: {$eq: ["$$i.by", "$$e.by"]}}},
 * 0]}, {}]} */
static bool put_item_of_element(struct making *making, const struct merging *merging,
                                struct err *err)
{
    struct document *doc = making->doc;
    document_object(doc, (struct str){0});
    document_array(doc, STR("$ifNull"));
    document_object(doc, (struct str){0});
    document_array(doc, STR("$arrayElemAt"));
    document_object(doc, (struct str){0});
    document_object(doc, STR("$filter"));
    bool ok = put_literal(making, STR("input"), merging->column, &merging->sets, err);
    document_str(doc, STR("as"), STR("i"));
    document_object(doc, STR("cond"));
    document_array(doc, STR("$eq"));
    document_str(doc, (struct str){0}, variable(making, "i", merging->by));
    document_str(doc, (struct str){0}, variable(making, "e", merging->by));
    document_close(doc);
    document_close(doc);
    document_close(doc);
    document_close(doc);
    document_int(doc, (struct str){0}, 0);
    document_close(doc);
    document_close(doc);
    document_object(doc, (struct str){0});
    document_close(doc);
    document_close(doc);
    document_close(doc);
    return ok;
}

/* Each element that is held, with the fields that its item sets; what is no object as it is. */
static bool put_elements(struct making *making, const struct merging *merging, struct err *err)
{
    struct document *doc = making->doc;
    if (!open_map_of_held(making, merging->column->name, err)) {
        return false;
    }
    document_object(doc, STR("in"));
    document_array(doc, STR("$cond"));
    document_object(doc, (struct str){0});
    document_array(doc, STR("$eq"));
    document_object(doc, (struct str){0});
    document_str(doc, STR("$type"), STR("$$e"));
    document_close(doc);
    document_str(doc, (struct str){0}, STR("object"));
    document_close(doc);
    document_close(doc);
    document_object(doc, (struct str){0});
    document_array(doc, STR("$mergeObjects"));
    document_str(doc, (struct str){0}, STR("$$e"));
    bool ok = put_item_of_element(making, merging, err);
    document_close(doc);
    document_close(doc);
    document_str(doc, (struct str){0}, STR("$$e"));
    document_close(doc);
    document_close(doc);
    document_close(doc);
    document_close(doc);
    return ok;
}

/* The items that no element is of. */
static bool put_new_elements(struct making *making, const struct merging *merging, struct err *err)
{
    struct document *doc = making->doc;
    document_object(doc, (struct str){0});
    document_object(doc, STR("$filter"));
    bool ok = put_literal(making, STR("input"), merging->column, &merging->fresh, err);
    document_str(doc, STR("as"), STR("i"));
    document_object(doc, STR("cond"));
    document_array(doc, STR("$not"));
    document_object(doc, (struct str){0});
    document_array(doc, STR("$in"));
    document_str(doc, (struct str){0}, variable(making, "i", merging->by));
    ok = ok && open_map_of_held(making, merging->column->name, err);
    if (ok) {
        document_str(doc, STR("in"), variable(making, "e", merging->by));
        document_close(doc);
        document_close(doc);
    }
    document_close(doc);
    document_close(doc);
    document_close(doc);
    document_close(doc);
    document_close(doc);
    document_close(doc);
    return ok;
}

/* {$concatArrays: [elements, new ones]}, as text/json_merge.h has it. */
static bool put_merged(struct making *making, struct str key, const struct column *column,
                       const struct body_field *field, struct err *err)
{
    struct merging merging;
    if (!read_merging(making, column, field, &merging, err)) {
        return false;
    }
    document_object(making->doc, key);
    document_array(making->doc, STR("$concatArrays"));
    bool ok = put_elements(making, &merging, err) && put_new_elements(making, &merging, err);
    document_close(making->doc);
    document_close(making->doc);
    return ok;
}

static bool is_grown(const struct body_field *field)
{
    return field->group == BODY_APPEND || field->group == BODY_INC || field->group == BODY_PUSH;
}

/* What the column gets in one of the two cases; with no field, what it gets by itself. */
static bool put_case(struct making *making, struct str key, const struct column *column,
                     const struct body_field *field, bool is_new, struct err *err)
{
    struct body_field initial = {0};
    if (field != NULL && field->group == BODY_MERGE) {
        return put_merged(making, key, column, field, err);
    }
    if (field != NULL) {
        return is_grown(field) ? put_grown(making, key, column, field, err)
                               : put_literal(making, key, column, field, err);
    }
    if (is_new && column->initial != NULL) {
        return body_initial(column, making->arena, &initial, err) &&
               put_literal(making, key, column, &initial, err);
    }
    struct str held = arena_printf(making->arena, "$%s", column->name);
    document_str(making->doc, key, held.ptr != NULL ? held : STR(""));
    return held.ptr != NULL || err_set(err, ERR_RETRY, "out of memory for a statement");
}

static bool put_stage_column(struct making *making, const struct column *column, struct err *err)
{
    struct str name = str_of(column->name);
    const struct body_field *fresh = body_find(making->body, column->name, BODY_ON_NEW);
    const struct body_field *old = body_find(making->body, column->name, BODY_ON_OLD);
    if (column == making->key || (fresh == NULL && old == NULL && column->initial == NULL)) {
        return true;
    }
    if (fresh != NULL && fresh == old) {
        return put_case(making, name, column, fresh, false, err);
    }
    open_choice(making->doc, name);
    bool ok = put_case(making, (struct str){0}, column, fresh, true, err) &&
              put_case(making, (struct str){0}, column, old, false, err);
    close_choice(making->doc);
    return ok;
}

/* Behind the ids that the document remembers, the oldest of them left out. */
static bool put_stage_id(struct making *making, struct err *err)
{
    struct document *doc = making->doc;
    document_object(doc, str_of(making->path));
    document_array(doc, STR("$slice"));
    document_object(doc, (struct str){0});
    document_array(doc, STR("$concatArrays"));
    if (!open_held(making, making->path, err)) {
        return false;
    }
    document_array(doc, (struct str){0});
    document_close(doc);
    close_held(making);
    document_array(doc, (struct str){0});
    document_binary(doc, (struct str){0}, mongodb_mark_id(making->mark));
    document_close(doc);
    document_close(doc);
    document_close(doc);
    document_int(doc, (struct str){0}, -MONGODB_KEPT);
    document_close(doc);
    document_close(doc);
    return true;
}

static bool put_pipeline(struct making *making, struct err *err)
{
    struct document *doc = making->doc;
    bool ok = true;
    document_array(doc, STR("u"));
    document_object(doc, (struct str){0});
    document_object(doc, STR("$set"));
    for (const struct column *column = making->target->columns; ok && column->name != NULL;
         column++) {
        ok = put_stage_column(making, column, err);
    }
    if (making->effect) {
        ok = ok && put_stage_id(making, err);
    } else {
        document_str(doc, str_of(making->path), str_of(making->mark->sequence));
    }
    document_close(doc);
    document_close(doc);
    document_object(doc, (struct str){0});
    document_str(doc, STR("$unset"), STR("_sluice.new"));
    document_close(doc);
    document_close(doc);
    return ok;
}

/* ---- Whole ones ---- */

static void begin(struct making *making, const struct target *target, const struct parcel *parcel,
                  const struct mongodb_mark *mark, struct arena *arena, struct document *doc,
                  struct buf *out)
{
    *making = (struct making){.target = target,
                              .doc = doc,
                              .arena = arena,
                              .effect = parcel->kind != RECORD_ABSOLUTE,
                              .entity = parcel->entity,
                              .key = body_column(target, str_of(target->key))};
    making->mark = mark;
    (void)mongodb_path(mark, making->effect, making->path);
    document_begin(doc, out);
}

bool mongodb_statement_make(const struct target *target, const struct parcel *parcel,
                            const struct mongodb_mark *mark, const struct body *body,
                            struct arena *arena, struct buf *out, struct err *err)
{
    struct making making;
    struct document doc;
    struct str bytes = {0};
    bool pipeline =
        has_group(body, BODY_UPDATE) || has_group(body, BODY_APPEND) || has_group(body, BODY_MERGE);
    begin(&making, target, parcel, mark, arena, &doc, out);
    making.body = body;
    put_filter(&making, pipeline);
    if (!(pipeline ? put_pipeline(&making, err) : put_operators(&making, STR("u"), true, err))) {
        return false;
    }
    document_bool(&doc, STR("upsert"), true);
    return document_end(&doc, DOCUMENT_BYTES_MAX, &bytes, err);
}

bool mongodb_update_put(struct document *doc, const struct target *target,
                        const struct mongodb_mark *mark, const struct body *body,
                        struct arena *arena, struct err *err)
{
    struct making making = {.target = target,
                            .body = body,
                            .doc = doc,
                            .arena = arena,
                            .effect = true,
                            .key = body_column(target, str_of(target->key))};
    making.mark = mark;
    (void)mongodb_path(mark, true, making.path);
    return put_operators(&making, STR("update"), false, err);
}

bool mongodb_removal_make(const struct target *target, const struct parcel *parcel,
                          const struct mongodb_mark *mark, struct buf *out, struct err *err)
{
    struct making making;
    struct document doc;
    struct str bytes = {0};
    begin(&making, target, parcel, mark, NULL, &doc, out);
    put_filter(&making, false);
    document_int(&doc, STR("limit"), 1);
    return document_end(&doc, DOCUMENT_BYTES_MAX, &bytes, err);
}

bool mongodb_denull_make(const struct target *target, struct str entity, struct str column,
                         struct arena *arena, struct str *bytes, struct err *err)
{
    struct document doc;
    struct buf buf;
    buf_init(&buf, arena, STATEMENT_ROOM);
    document_begin(&doc, &buf);
    document_object(&doc, STR("q"));
    document_str(&doc, str_of(target->key), entity);
    document_object(&doc, column);
    document_str(&doc, STR("$type"), STR("null"));
    document_close(&doc);
    document_close(&doc);
    document_object(&doc, STR("u"));
    document_object(&doc, STR("$unset"));
    document_str(&doc, column, STR(""));
    document_close(&doc);
    document_close(&doc);
    return document_end(&doc, DOCUMENT_BYTES_MAX, bytes, err);
}
