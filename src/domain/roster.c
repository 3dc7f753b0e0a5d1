#include "domain/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "text/fold.h"
#include "text/json.h"

enum { COLUMNS = 4, ROWS_FIRST = 256, CELL_SHOWN = 64 };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "students: the roster is larger than the memory of a step");
}

/* What a reader sees of a name, so that marks of direction and odd spaces make no two of one. */
static struct str seen_name(struct arena *arena, struct str text)
{
    struct str name = fold_text(arena, text, FOLD_INVISIBLE | FOLD_SPACES);
    return name.ptr != NULL ? str_slice(name, 0, ROSTER_NAME_MAX) : name;
}

static struct str key_of(struct arena *arena, char kind, struct str rest)
{
    return arena_printf(arena, "%c %.*s", kind, STR_ARG(rest));
}

/* ---- Reading the table ---- */

struct loading {
    struct arena *arena;
    const struct roster_columns *columns;
    enum phone_country home;
    struct roster *roster;
    size_t row_room;
    size_t problem_room;
    bool failed;        /* No memory, or too many. */
    struct str missing; /* The first column that a row does not have. */
};

static bool add_problem(struct loading *loading, enum roster_trouble trouble, struct str key,
                        struct str detail)
{
    struct roster *roster = loading->roster;
    if (roster->problem_count == loading->problem_room) {
        size_t room = loading->problem_room == 0 ? ROWS_FIRST : loading->problem_room * 2;
        struct roster_problem *more = arena_array(loading->arena, room, sizeof *more);
        if (more == NULL) {
            loading->failed = true;
            return false;
        }
        if (roster->problem_count > 0) {
            memcpy(more, roster->problems, roster->problem_count * sizeof *more);
        }
        roster->problems = more;
        loading->problem_room = room;
    }
    loading->failed = loading->failed || detail.ptr == NULL || key.ptr == NULL;
    roster->problems[roster->problem_count++] = (struct roster_problem){trouble, key, detail};
    return !loading->failed;
}

static bool add_row(struct loading *loading, const struct roster_row *row)
{
    struct roster *roster = loading->roster;
    if (roster->count == loading->row_room) {
        size_t room = loading->row_room == 0 ? ROWS_FIRST : loading->row_room * 2;
        struct roster_row *more = arena_array(loading->arena, room, sizeof *more);
        if (more == NULL || roster->count >= ROSTER_ROWS_MAX) {
            loading->failed = true;
            return false;
        }
        if (roster->count > 0) {
            memcpy(more, roster->rows, roster->count * sizeof *more);
        }
        roster->rows = more;
        loading->row_room = room;
    }
    roster->rows[roster->count++] = *row;
    return true;
}

/* The text of a cell; a number as it is written. */
static struct str cell(struct arena *arena, const struct json_value *row, struct str column)
{
    const struct json_value *value = json_get(row, column);
    enum json_kind kind = json_kind(value);
    if (kind == JSON_STRING) {
        return str_trim(json_str(value));
    }
    if (kind == JSON_ABSENT || kind == JSON_NULL) {
        return STR("");
    }
    struct buf buf;
    struct json_writer json;
    int64_t whole = 0;
    buf_init(&buf, arena, JSON_NUMBER_MAX);
    json_writer_init(&json, &buf);
    if (json_int(value, &whole)) { /* 9.72550000001E11 is a whole number, too. */
        json_put_int(&json, whole);
    } else {
        json_put_value(&json, value);
    }
    return buf_str(&buf);
}

/* Each row has all columns of its table, empty cells too. */
static void look_for(struct loading *loading, const struct json_value *row)
{
    const struct roster_columns *columns = loading->columns;
    const struct str wanted[] = {columns->phone, columns->name, columns->lesson, columns->teacher};
    for (size_t i = 0; i < COLUMNS && loading->missing.ptr == NULL; i++) {
        if (json_get(row, wanted[i]) == NULL) {
            loading->missing = wanted[i];
        }
    }
}

static bool load_row(void *context, struct str key, struct str body)
{
    struct loading *loading = context;
    struct arena *arena = loading->arena;
    const struct json_limits limits = {.innocent = true};
    const struct json_value *root = NULL;
    struct err why = {0};
    if (!json_parse(arena, body, &limits, &root, &why)) {
        loading->failed = true;
        return false;
    }
    look_for(loading, root);
    struct roster_row row = {.key = key,
                             .cell = cell(arena, root, loading->columns->phone),
                             .name = seen_name(arena, cell(arena, root, loading->columns->name)),
                             .lesson = cell(arena, root, loading->columns->lesson),
                             .teacher = cell(arena, root, loading->columns->teacher)};
    if (row.cell.ptr == NULL || row.name.ptr == NULL || row.lesson.ptr == NULL ||
        row.teacher.ptr == NULL) {
        loading->failed = true;
        return false;
    }
    if (!phone_parse(row.cell, loading->home, &row.phone, &why)) {
        char mask[PHONE_LOOK_MAX];
        return add_problem(loading, ROSTER_NO_PHONE, key,
                           arena_printf(arena, "'%.*s' (%.*s) is no phone number: %s",
                                        STR_ARG(phone_mask(row.cell, mask)), STR_ARG(row.name),
                                        why.text));
    }
    if (row.name.len == 0) {
        return add_problem(loading, ROSTER_NO_NAME, key,
                           arena_copy(arena, STR("the row has a phone and no name")));
    }
    return add_row(loading, &row);
}

static int by_digits(const void *left, const void *right)
{
    const struct roster_row *a = left;
    const struct roster_row *b = right;
    int order = str_compare(phone_str(&a->phone), phone_str(&b->phone));
    return order != 0 ? order : str_compare(a->key, b->key);
}

/* The first row of each phone stays. */
static bool drop_doubles(struct loading *loading)
{
    struct roster *roster = loading->roster;
    size_t kept = 0;
    if (roster->count > 0) {
        qsort(roster->rows, roster->count, sizeof *roster->rows, by_digits);
    }
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_row *row = &roster->rows[i];
        const struct roster_row *last = kept > 0 ? &roster->rows[kept - 1] : NULL;
        if (last == NULL || !phone_equal(&last->phone, &row->phone)) {
            roster->rows[kept++] = *row;
            continue;
        }
        struct str detail =
            arena_printf(loading->arena, "%.*s has the phone of %.*s (row %.*s), which counts",
                         STR_ARG(row->name), STR_ARG(last->name), STR_ARG(last->key));
        if (!add_problem(loading, ROSTER_PHONE_TWICE, row->key, detail)) {
            return false;
        }
    }
    roster->count = kept;
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct roster_row *const *a = left;
    const struct roster_row *const *b = right;
    int order = str_compare((*a)->name, (*b)->name);
    return order != 0 ? order : str_compare((*a)->key, (*b)->key);
}

/* Both rows count, by their phones; a sender who is seen by the name alone could be either. */
static bool tell_names(struct loading *loading)
{
    const struct roster *roster = loading->roster;
    const struct roster_row **rows =
        arena_array(loading->arena, roster->count + 1, sizeof(struct roster_row *));
    if (rows == NULL) {
        return false;
    }
    for (size_t i = 0; i < roster->count; i++) {
        rows[i] = &roster->rows[i];
    }
    if (roster->count > 0) {
        qsort(rows, roster->count, sizeof(struct roster_row *), by_name);
    }
    for (size_t i = 1; i < roster->count; i++) {
        struct str detail = arena_printf(loading->arena, "%.*s stands there twice (row %.*s, too)",
                                         STR_ARG(rows[i]->name), STR_ARG(rows[i - 1]->key));
        if (str_equal(rows[i]->name, rows[i - 1]->name) &&
            !add_problem(loading, ROSTER_NAME_TWICE, rows[i]->key, detail)) {
            return false;
        }
    }
    return true;
}

bool roster_load(struct op_env *env, struct str name, const struct roster_columns *columns,
                 enum phone_country home, struct roster *out, struct err *err)
{
    *out = (struct roster){0};
    struct loading loading = {.arena = env->arena, .columns = columns, .home = home, .roster = out};
    if (!env->rows(env, name, load_row, &loading, err)) {
        return false;
    }
    if (loading.missing.ptr != NULL && !loading.failed) {
        return err_set(err, ERR_REJECT,
                       "the roster '%.*s' has no column '%.*s'; its students stay as they were. "
                       "Name the column so, or say in `columns` what it is called",
                       STR_ARG(name), STR_ARG(loading.missing));
    }
    return (!loading.failed && drop_doubles(&loading) && tell_names(&loading)) || no_memory(err);
}

/* ---- Keeping it in the state ---- */

static struct str entry_text(struct arena *arena, const struct roster_row *row)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 256);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("key"), row->key);
    json_field_str(&json, STR("phone"), row->cell);
    json_field_str(&json, STR("name"), row->name);
    json_field_str(&json, STR("lesson"), row->lesson);
    json_field_str(&json, STR("teacher"), row->teacher);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

struct kept {
    struct arena *arena;
    struct str *keys;
    struct str *values;
    size_t count;
    size_t room;
    bool failed;
};

static bool keep_one(void *context, struct str key, struct str value)
{
    struct kept *kept = context;
    if (kept->count == kept->room) {
        size_t room = kept->room == 0 ? ROWS_FIRST : kept->room * 2;
        struct str *keys = arena_array(kept->arena, room, sizeof *keys);
        struct str *values = arena_array(kept->arena, room, sizeof *values);
        if (keys == NULL || values == NULL) {
            kept->failed = true;
            return false;
        }
        if (kept->count > 0) {
            memcpy(keys, kept->keys, kept->count * sizeof *keys);
            memcpy(values, kept->values, kept->count * sizeof *values);
        }
        kept->keys = keys;
        kept->values = values;
        kept->room = room;
    }
    kept->keys[kept->count] = key;
    kept->values[kept->count++] = value;
    return true;
}

/* Entries that the state shall have, in the order of their keys. */
struct wanted {
    struct str key;
    struct str value;
    const struct roster_row *row; /* That it is of; NULL for a name that two have. */
};

static int by_key(const void *left, const void *right)
{
    return str_compare(((const struct wanted *)left)->key, ((const struct wanted *)right)->key);
}

/* Both are sorted: what is gone is taken out, what differs is written. */
static bool bring_up(struct op_env *env, const struct kept *kept, struct wanted *wanted,
                     size_t count,
                     bool (*changed)(void *context, const struct roster_row *row, struct err *err),
                     void *context, struct err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        while (at < kept->count && str_compare(kept->keys[at], wanted[i].key) < 0) {
            if (!env->del(env, kept->keys[at++], err)) {
                return false;
            }
        }
        bool there = at < kept->count && str_equal(kept->keys[at], wanted[i].key);
        bool same = there && str_equal(kept->values[at], wanted[i].value);
        at += there;
        if (same) {
            continue;
        }
        if (!env->put(env, wanted[i].key, wanted[i].value, err) ||
            (wanted[i].row != NULL && !changed(context, wanted[i].row, err))) {
            return false;
        }
    }
    for (; at < kept->count; at++) {
        if (!env->del(env, kept->keys[at], err)) {
            return false;
        }
    }
    return true;
}

static bool read_kept(struct op_env *env, const char *prefix, struct kept *out, struct err *err)
{
    *out = (struct kept){.arena = env->arena};
    return env->scan(env, str_of(prefix), keep_one, out, err) && (!out->failed || no_memory(err));
}

/* Of a name that two have, the state says nothing but that. */
static size_t join_names(struct wanted *names, size_t count)
{
    size_t kept = 0;
    if (count > 0) {
        qsort(names, count, sizeof *names, by_key);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && str_equal(names[kept - 1].key, names[i].key)) {
            names[kept - 1].value = STR("");
            names[kept - 1].row = NULL;
        } else {
            names[kept++] = names[i];
        }
    }
    return kept;
}

bool roster_keep(struct op_env *env, const struct roster *roster,
                 bool (*changed)(void *context, const struct roster_row *row, struct err *err),
                 void *context, struct err *err)
{
    struct kept kept;
    struct wanted *phones = arena_array(env->arena, roster->count + 1, sizeof *phones);
    struct wanted *names = arena_array(env->arena, roster->count + 1, sizeof *names);
    if (phones == NULL || names == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_row *row = &roster->rows[i];
        phones[i] = (struct wanted){key_of(env->arena, 'p', phone_str(&row->phone)),
                                    entry_text(env->arena, row), row};
        names[i] = (struct wanted){key_of(env->arena, 'n', row->name), phone_str(&row->phone), row};
        if (phones[i].key.ptr == NULL || phones[i].value.ptr == NULL || names[i].key.ptr == NULL) {
            return no_memory(err);
        }
    }
    size_t name_count = join_names(names, roster->count);
    /* Names first: whoever is told of a row may look it up by either. */
    return read_kept(env, "n ", &kept, err) &&
           bring_up(env, &kept, names, name_count, changed, context, err) &&
           read_kept(env, "p ", &kept, err) &&
           bring_up(env, &kept, phones, roster->count, changed, context, err);
}

/* ---- Looking up ---- */

static bool find_digits(struct op_env *env, struct str digits, struct roster_row *found,
                        struct err *err)
{
    struct str text = {0};
    struct str key = key_of(env->arena, 'p', digits);
    const struct json_value *root = NULL;
    const struct json_limits limits = {.innocent = true};
    if (key.ptr == NULL) {
        return no_memory(err);
    }
    if (!env->get(env, key, &text, err)) {
        return false;
    }
    if (text.ptr == NULL) {
        return true;
    }
    if (!json_parse(env->arena, text, &limits, &root, err)) {
        return false;
    }
    *found = (struct roster_row){.key = json_str(json_get(root, STR("key"))),
                                 .cell = json_str(json_get(root, STR("phone"))),
                                 .name = json_str(json_get(root, STR("name"))),
                                 .lesson = json_str(json_get(root, STR("lesson"))),
                                 .teacher = json_str(json_get(root, STR("teacher")))};
    found->phone.len = (uint8_t)digits.len;
    memcpy(found->phone.digits, digits.ptr, digits.len);
    return true;
}

struct str roster_sender(struct arena *arena, struct str sender, enum phone_country home)
{
    struct phone phone;
    struct err ignored = {0};
    return phone_parse(sender, home, &phone, &ignored) ? arena_copy(arena, phone_str(&phone))
                                                       : seen_name(arena, sender);
}

bool roster_find(struct op_env *env, struct str sender, enum phone_country home,
                 struct roster_row *found, struct err *err)
{
    struct phone phone;
    struct err ignored = {0};
    struct str digits = {0};
    *found = (struct roster_row){0};
    if (phone_parse(sender, home, &phone, &ignored)) {
        return find_digits(env, phone_str(&phone), found, err);
    }
    struct str name = seen_name(env->arena, sender);
    struct str key = name.ptr != NULL ? key_of(env->arena, 'n', name) : name;
    if (key.ptr == NULL) {
        return no_memory(err);
    }
    if (!env->get(env, key, &digits, err)) {
        return false;
    }
    return digits.len == 0 || digits.len > PHONE_DIGITS_MAX || find_digits(env, digits, found, err);
}
