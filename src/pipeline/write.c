#include "pipeline/write.h"

#include "base/buf.h"
#include "base/must.h"
#include "pipeline/number.h"
#include "text/json.h"

enum { BODY_ROOM = 512, NAME_MAX_BYTES = 128, SHOWN_MAX = 60 };

enum { GROUP_SET, GROUP_INSERT, GROUP_UPDATE, GROUP_APPEND, GROUP_INC, GROUP_PUSH };

static const char *const group_names[WRITE_GROUPS] = {"set",    "insert", "update",
                                                      "append", "inc",    "push"};

static const struct str type_names[] = {
    [COLUMN_TEXT] = STR_INIT("text"),     [COLUMN_INT] = STR_INIT("int"),
    [COLUMN_DOUBLE] = STR_INIT("double"), [COLUMN_BOOL] = STR_INIT("bool"),
    [COLUMN_TIME] = STR_INIT("time"),     [COLUMN_DATE] = STR_INIT("date"),
    [COLUMN_JSON] = STR_INIT("json"),
};

enum { TYPES = sizeof type_names / sizeof type_names[0] };

static enum column_type type_of_value(enum value_kind kind)
{
    switch (kind) {
    case VALUE_INT:
        return COLUMN_INT;
    case VALUE_DOUBLE:
        return COLUMN_DOUBLE;
    case VALUE_BOOL:
        return COLUMN_BOOL;
    case VALUE_TIME:
        return COLUMN_TIME;
    case VALUE_ABSENT:
    case VALUE_TEXT:
        break;
    }
    return COLUMN_TEXT;
}

/* The entry of a name in a map, or NULL. */
static const struct str_pair *find_pair(const struct str_map *map, struct str name)
{
    for (size_t i = 0; i < map->count; i++) {
        if (str_equal_ascii_case(map->items[i].name, name)) {
            return &map->items[i];
        }
    }
    return NULL;
}

/* What `types` says, or else what the value is. */
static bool find_type(const struct write *write, struct step_scope *scope,
                      struct write_column *column)
{
    const struct str_pair *pair = find_pair(&write->types, column->name);
    column->type = type_of_value(column->value.type);
    if (pair == NULL) {
        return true;
    }
    for (size_t i = 0; i < TYPES; i++) {
        if (str_equal(pair->text, type_names[i])) {
            column->type = (enum column_type)i;
            return true;
        }
    }
    return step_fault(scope, (struct step_spot){.option = "types", .key = pair->name},
                      "'%.*s' is no type of a column; there are text, int, double, bool, time, "
                      "date, json",
                      STR_ARG(pair->text));
}

static bool name_fits(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7F) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

static bool only_when_there(size_t group)
{
    return group == GROUP_UPDATE || group == GROUP_APPEND;
}

/* insert meets update and append in no row; all others meet. */
static bool groups_meet(size_t a, size_t b)
{
    return !(a == GROUP_INSERT && only_when_there(b)) && !(b == GROUP_INSERT && only_when_there(a));
}

/* Only numbers are added, only lists grow; what else a column may be is said by its value. */
static bool check_added(const struct write *write, struct step_scope *scope, struct step_spot spot,
                        size_t group, struct write_column *column)
{
    if (group == GROUP_INC && column->type != COLUMN_INT && column->type != COLUMN_DOUBLE) {
        return step_fault(scope, spot,
                          "only a number can be added; give a field that is one, or say "
                          "`types: {'%.*s': int}`",
                          STR_ARG(column->name));
    }
    if (group != GROUP_PUSH) {
        return true;
    }
    column->as_text = find_pair(&write->types, column->name) == NULL;
    if (!column->as_text && column->type != COLUMN_JSON) {
        return step_fault(scope, (struct step_spot){.option = "types", .key = column->name},
                          "what is pushed into is a list; its type is json");
    }
    column->type = COLUMN_JSON;
    return true;
}

static bool check_name(const struct write *write, struct step_scope *scope, struct step_spot spot,
                       size_t group)
{
    spot.of_name = true;
    if (!name_fits(spot.key)) {
        return step_fault(scope, spot,
                          "that is no name of a column: at most %d bytes, and no "
                          "control characters",
                          NAME_MAX_BYTES);
    }
    if (str_equal_ascii_case(spot.key, write->key_column)) {
        return step_fault(scope, spot,
                          "column '%.*s' holds the key; what it holds is said by `key`",
                          STR_ARG(spot.key));
    }
    for (size_t other = 0; other < group; other++) {
        if (groups_meet(other, group) && find_pair(&write->groups[other], spot.key) != NULL) {
            return step_fault(scope, spot, "column '%.*s' is written by `%s`, too",
                              STR_ARG(spot.key), group_names[other]);
        }
    }
    return true;
}

static bool prepare_column(struct write *write, struct step_scope *scope,
                           struct step_target *target, size_t group, size_t index)
{
    const struct str_pair *pair = &write->groups[group].items[index];
    struct write_column *column = &write->columns[group][index];
    struct step_spot spot = {.option = group_names[group], .key = pair->name};
    column->name = pair->name;
    if (!check_name(write, scope, spot, group) ||
        !compose_prepare(&column->value, scope, spot, pair->text) ||
        !find_type(write, scope, column) || !check_added(write, scope, spot, group, column)) {
        return false;
    }
    return target != NULL &&
           step_column(scope, spot, target, column->name, column->type, write->shared);
}

static bool prepare_columns(struct write *write, struct step_scope *scope,
                            struct step_target *target)
{
    bool good = true;
    size_t total = 0;
    for (size_t group = 0; group < WRITE_GROUPS; group++) {
        size_t count = write->groups[group].count;
        write->columns[group] = arena_array(scope->arena, count + 1, sizeof(struct write_column));
        if (write->columns[group] == NULL) {
            return step_fault(scope, (struct step_spot){0}, "out of memory");
        }
        for (size_t i = 0; i < count; i++) {
            good = prepare_column(write, scope, target, group, i) && good;
        }
        total += count;
    }
    return total > 0 ? good
                     : step_fault(scope, (struct step_spot){0},
                                  "no column is written; add `set: {column: \"{field}\"}`");
}

/* A type for what is not written is a slip of the pen. */
static bool check_types(const struct write *write, struct step_scope *scope)
{
    bool good = true;
    for (size_t i = 0; i < write->types.count; i++) {
        struct str name = write->types.items[i].name;
        bool used = false;
        for (size_t group = 0; group < WRITE_GROUPS; group++) {
            used = used || find_pair(&write->groups[group], name) != NULL;
        }
        if (!used) {
            struct step_spot spot = {.option = "types", .key = name, .of_name = true};
            good = step_fault(scope, spot, "this step writes no column '%.*s'", STR_ARG(name));
        }
    }
    return good;
}

/* Only what tells the first one from the later ones has to remember. */
static bool remembers(const struct write *write)
{
    return !write->once &&
           write->groups[GROUP_INSERT].count + write->groups[GROUP_UPDATE].count > 0;
}

/* What a key had is kept under the target's name unless the step has one. */
static bool take_name(struct write *write, struct step_scope *scope)
{
    struct step *step = &write->step;
    if (str_equal(step->name, str_of(step->type->kind))) {
        step->name = arena_printf(scope->arena, "write-%.*s", STR_ARG(write->target));
    }
    return step->name.ptr != NULL ? step_keeps(scope, step)
                                  : step_fault(scope, (struct step_spot){0}, "out of memory");
}

static bool check_once(const struct write *write, struct step_scope *scope, size_t group,
                       const char *what)
{
    return write->groups[group].count == 0 || write->once ||
           step_fault(scope, (struct step_spot){.option = group_names[group]},
                      "what is %s can only be written once: add `once: true`", what);
}

static bool write_prepare(struct step *step, struct step_scope *scope)
{
    struct write *write = (struct write *)step;
    struct step_target *target = NULL;
    bool good = !(write->once || remembers(write)) || take_name(write, scope);
    good =
        compose_prepare(&write->key_text, scope, (struct step_spot){.option = "key"}, write->key) &&
        good;
    if (!name_fits(write->target) || !name_fits(write->key_column)) {
        return step_fault(scope, (struct step_spot){.option = "target"},
                          "names of targets and columns have at most %d bytes, and no control "
                          "characters",
                          NAME_MAX_BYTES);
    }
    good = check_once(write, scope, GROUP_APPEND, "appended") && good;
    good = check_once(write, scope, GROUP_INC, "added") && good;
    good = check_once(write, scope, GROUP_PUSH, "pushed") && good;
    target = step_target(scope, write->sink, write->target, write->key_column);
    return prepare_columns(write, scope, target) && check_types(write, scope) && good &&
           target != NULL;
}

static bool unfit(const struct write *write, const struct write_column *column, struct err *err)
{
    return err_set(err, ERR_REJECT, "write: what column '%.*s' of '%.*s' gets is no %s",
                   STR_ARG(column->name), STR_ARG(write->target), type_names[column->type].ptr);
}

static void put_time(struct json_writer *json, int64_t unix_ms)
{
    char time[DATETIME_TEXT_MAX];
    json_put_str(json, datetime_format_iso(unix_ms, time));
}

/* A text as a value of the column's type. */
static bool put_text_as(struct json_writer *json, const struct write_column *column,
                        struct str text, struct flow *flow)
{
    const struct json_value *value = NULL;
    struct err ignored = {0};
    struct stamp stamp;
    int64_t integer = 0;
    double real = 0;
    bool yes = str_equal(text, STR("true"));
    bool good = true;
    switch (column->type) {
    case COLUMN_TEXT:
        json_put_str(json, text);
        return true;
    case COLUMN_INT:
        good = number_parse_whole(text, '.', &integer);
        json_put_int(json, integer);
        return good;
    case COLUMN_DOUBLE:
        good = number_parse(text, '.', &real);
        json_put_double(json, real);
        return good;
    case COLUMN_BOOL:
        json_put_bool(json, yes);
        return yes || str_equal(text, STR("false"));
    case COLUMN_TIME:
        good = datetime_parse_iso(text, &stamp, &ignored);
        put_time(json, good ? zone_stamp_ms(flow->chain->zone, &stamp, NULL) : 0);
        return good;
    case COLUMN_DATE:
        json_put_str(json, text);
        return datetime_parse_iso(text, &stamp, &ignored) && !stamp.has_time;
    case COLUMN_JSON:
        good = json_parse(flow->env->arena, text, NULL, &value, &ignored);
        if (good) {
            json_put_value(json, value);
        } else {
            json_put_str(json, text);
        }
        return true;
    }
    must(false);
}

/* A value whose kind suits its column as it is. */
static bool put_plain(struct json_writer *json, const struct write_column *column,
                      const struct value *value)
{
    switch (value->kind) {
    case VALUE_INT:
        if (column->type == COLUMN_INT || column->type == COLUMN_JSON) {
            json_put_int(json, value->integer);
            return true;
        }
        return false;
    case VALUE_DOUBLE:
        if (column->type == COLUMN_DOUBLE || column->type == COLUMN_JSON) {
            json_put_double(json, value->real);
            return true;
        }
        return false;
    case VALUE_BOOL:
        if (column->type == COLUMN_BOOL || column->type == COLUMN_JSON) {
            json_put_bool(json, value->integer != 0);
            return true;
        }
        return false;
    case VALUE_TIME:
        if (column->type == COLUMN_TIME) {
            put_time(json, value->integer);
            return true;
        }
        return false;
    case VALUE_TEXT:
        if (column->type == COLUMN_TEXT) {
            json_put_str(json, value->text);
            return true;
        }
        return false;
    case VALUE_ABSENT:
        break;
    }
    json_put_null(json);
    return true;
}

static struct str date_of(int64_t time_ms, struct flow *flow)
{
    struct civil civil;
    return zone_to_civil(flow->chain->zone, time_ms, &civil)
               ? arena_printf(flow->env->arena, "%04d-%02d-%02d", civil.year, civil.month,
                              civil.day)
               : (struct str){0};
}

/* With `adds` an absent value is nothing, and not null. */
static bool put_column(struct write *write, const struct write_column *column, bool adds,
                       struct flow *flow, struct json_writer *json, struct err *err)
{
    struct value value;
    if (!compose_write(&column->value, flow, &write->step, &value, err)) {
        return false;
    }
    if (adds && value.kind == VALUE_ABSENT) {
        return true;
    }
    json_key(json, column->name);
    if (column->as_text && value.kind == VALUE_TEXT) {
        json_put_str(json, value.text);
        return true;
    }
    if (put_plain(json, column, &value)) {
        return true;
    }
    struct str text = value.kind == VALUE_TIME && column->type == COLUMN_DATE
                          ? date_of(value.integer, flow)
                          : value_text(&value, flow->env->arena);
    if (text.ptr == NULL) {
        return flow_memory(&write->step, err);
    }
    return put_text_as(json, column, text, flow) || unfit(write, column, err);
}

static bool put_columns(struct write *write, size_t group, struct flow *flow,
                        struct json_writer *json, struct err *err)
{
    bool adds = group == GROUP_INC || group == GROUP_PUSH;
    for (size_t i = 0; i < write->groups[group].count; i++) {
        if (!put_column(write, &write->columns[group][i], adds, flow, json, err)) {
            return false;
        }
    }
    return true;
}

static bool put_group(struct write *write, size_t group, struct flow *flow,
                      struct json_writer *json, struct err *err)
{
    if (write->groups[group].count == 0) {
        return true;
    }
    json_key(json, str_of(group_names[group]));
    json_object_begin(json);
    if (!put_columns(write, group, flow, json, err)) {
        return false;
    }
    json_object_end(json);
    return true;
}

/* A key's first record, and every effect: the groups as they stand. */
static bool put_first(struct write *write, struct flow *flow, struct json_writer *json,
                      struct err *err)
{
    for (size_t group = 0; group < WRITE_GROUPS; group++) {
        if (!put_group(write, group, flow, json, err)) {
            return false;
        }
    }
    return true;
}

/* A later one: it may be the first that reaches the sink, and must then say all of them. */
static bool put_later(struct write *write, struct flow *flow, struct str insert,
                      struct json_writer *json, struct err *err)
{
    json_key(json, STR("set"));
    json_object_begin(json);
    if (!put_columns(write, GROUP_SET, flow, json, err) ||
        !put_columns(write, GROUP_UPDATE, flow, json, err)) {
        return false;
    }
    json_object_end(json);
    if (write->groups[GROUP_INSERT].count > 0) {
        json_key(json, STR("insert"));
        json_put_raw(json, insert);
    }
    return true;
}

/*
 * What `insert` held at the key's first time; at that time it is noted, and `*first` is set. What
 * `update` writes as well is left out: from the second time on it is the newer one.
 */
static bool note_insert(struct write *write, struct flow *flow, struct str key, struct str *insert,
                        bool *first, struct err *err)
{
    struct buf buf;
    struct json_writer json;
    struct str name = note_fit(flow, key);
    if (!note_get(flow, &write->step, 'i', name, insert, err)) {
        return false;
    }
    *first = insert->ptr == NULL;
    if (!*first) {
        return true;
    }
    buf_init(&buf, flow->env->arena, BODY_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (size_t i = 0; i < write->groups[GROUP_INSERT].count; i++) {
        const struct write_column *column = &write->columns[GROUP_INSERT][i];
        bool covered = find_pair(&write->groups[GROUP_UPDATE], column->name) != NULL;
        if (!covered && !put_column(write, column, false, flow, &json, err)) {
            return false;
        }
    }
    json_object_end(&json);
    json_writer_done(&json);
    struct str text = buf_str(&buf);
    return text.ptr != NULL ? note_put(flow, &write->step, 'i', name, text, err)
                            : flow_memory(&write->step, err);
}

static bool put_body(struct write *write, struct flow *flow, struct str key, struct buf *body,
                     struct err *err)
{
    struct json_writer json;
    struct str insert = {0};
    bool first = true;
    if (remembers(write) && !note_insert(write, flow, key, &insert, &first, err)) {
        return false;
    }
    json_writer_init(&json, body);
    json_object_begin(&json);
    if (!(first ? put_first(write, flow, &json, err)
                : put_later(write, flow, insert, &json, err))) {
        return false;
    }
    json_object_end(&json);
    json_writer_done(&json);
    return true;
}

static bool emit(struct write *write, struct flow *flow, struct str key, struct err *err)
{
    struct buf body;
    buf_init(&body, flow->env->arena, BODY_ROOM);
    if (!put_body(write, flow, key, &body, err)) {
        return false;
    }
    struct record record = {
        .kind = write->once ? RECORD_EFFECT : RECORD_ABSOLUTE,
        .sink = write->sink,
        .target = write->target,
        .entity = key,
        .body = buf_str(&body),
        .receipt = write->receipt,
    };
    return record.body.ptr != NULL ? flow->env->emit(flow->env, &record, err)
                                   : flow_memory(&write->step, err);
}

/* Whether the key was written before; else it is noted. */
static bool was_written(struct write *write, struct flow *flow, struct str key, bool *yes,
                        struct err *err)
{
    struct str note = {0};
    struct str name = note_fit(flow, key);
    if (!note_get(flow, &write->step, 'o', name, &note, err)) {
        return false;
    }
    *yes = note.ptr != NULL;
    return *yes || note_put(flow, &write->step, 'o', name, STR("1"), err);
}

static bool write_apply(struct step *step, struct flow *flow, struct err *err)
{
    struct write *write = (struct write *)step;
    struct str key = {0};
    bool written = false;
    if (!compose_text(&write->key_text, flow, step, &key, err)) {
        return false;
    }
    if (key.ptr == NULL || key.len > RECORD_ENTITY_MAX) {
        return err_set(err, ERR_REJECT, "write: the key '%.*s' of '%.*s' %s",
                       STR_ARG(str_slice(write->key, 0, SHOWN_MAX)), STR_ARG(write->target),
                       key.ptr == NULL ? "has no value" : "is too long");
    }
    if (write->once && !was_written(write, flow, key, &written, err)) {
        return false;
    }
    return (written || emit(write, flow, key, err)) && flow_pass(flow, step, err);
}

static const struct option options[] = {
    OPTION_SINK(struct write, sink, "sink", OPTION_REQUIRED, "Name of the sink."),
    OPTION_TEXT(struct write, target, "target", OPTION_REQUIRED,
                "The table, collection or file in it."),
    OPTION_TEXT(struct write, key, "key", OPTION_REQUIRED,
                "Template of the row's identity, such as {uid} or {phone}."),
    OPTION_TEXT(struct write, key_column, "key_column", "key", "The column that holds the key."),
    OPTION_MAP(struct write, groups[GROUP_SET], "set", NULL,
               "Columns, and the template of what each shall hold."),
    OPTION_MAP(struct write, groups[GROUP_INSERT], "insert", NULL,
               "Columns that are written only when the row is new."),
    OPTION_MAP(struct write, groups[GROUP_UPDATE], "update", NULL,
               "Columns that are written only when the row was there."),
    OPTION_MAP(struct write, groups[GROUP_APPEND], "append", NULL,
               "Columns that get more text behind what they hold, when the row was there."),
    OPTION_MAP(struct write, groups[GROUP_INC], "inc", NULL,
               "Columns, and the number that is added to what each holds; a new row begins at 0."),
    OPTION_MAP(struct write, groups[GROUP_PUSH], "push", NULL,
               "Columns that hold lists, and the value that is put behind each."),
    OPTION_MAP(struct write, types, "types", NULL,
               "Columns whose type is another than that of their value: text, int, double, bool, "
               "time, date, json."),
    OPTION_BOOL(
        struct write, receipt, "receipt", "false",
        "Have the steps told when it is delivered (with `receipts: true` of the pipeline)."),
    OPTION_BOOL(struct write, once, "once", "false",
                "Write once for each key, and never again, instead of what holds now."),
    OPTION_BOOL(struct write, shared, "shared", "false",
                "Other pipelines may write the same columns; their keys never meet."),
    OPTION_END,
};

const struct step_type step_write = {
    .kind = "write",
    .summary = "Makes a record of the item: what shall stand in a row of a sink.",
    .options = options,
    .size = sizeof(struct write),
    .prepare = write_prepare,
    .apply = write_apply,
};
