#include "pipeline/lookup.h"

#include <stdlib.h>

#include "base/buf.h"
#include "pipeline/parked.h"
#include "text/fold.h"
#include "text/json.h"

static int compare_rows(const void *a, const void *b)
{
    return str_compare(((const struct str_pair *)a)->name, ((const struct str_pair *)b)->name);
}

/* The rows in the order of their names, in which two may have become one. */
static bool prepare_rows(struct lookup *lookup, struct step_scope *scope)
{
    size_t count = lookup->table.count;
    lookup->rows = arena_array(scope->arena, count, sizeof *lookup->rows);
    for (size_t i = 0; lookup->rows != NULL && i < count; i++) {
        struct str_pair row = lookup->table.items[i];
        row.name = lookup->fold ? fold_text(scope->arena, row.name, FOLD_NAME) : row.name;
        if (row.name.ptr == NULL) {
            lookup->rows = NULL;
            break;
        }
        lookup->rows[i] = row;
    }
    if (lookup->rows == NULL) {
        return step_fault(scope, (struct step_spot){0}, "out of memory");
    }
    qsort(lookup->rows, count, sizeof *lookup->rows, compare_rows);
    for (size_t i = 1; i < count; i++) {
        if (str_equal(lookup->rows[i].name, lookup->rows[i - 1].name)) {
            return step_fault(scope, (struct step_spot){.option = "table"},
                              "two names are the same when they are folded: '%.*s'",
                              STR_ARG(lookup->rows[i].name));
        }
    }
    return true;
}

static bool prepare_table(struct lookup *lookup, struct step_scope *scope)
{
    struct step_spot spot = {.option = "as"};
    if (lookup->as.len == 0) {
        return step_fault(scope, (struct step_spot){.option = "table"},
                          "the field for what is found is missing: write `as: region`");
    }
    if (lookup->add.count > 0 || lookup->on_miss == LOOKUP_PARK) {
        return step_fault(scope, (struct step_spot){.option = "table"},
                          "a table has one value a name, and nobody waits for it: leave out `add` "
                          "and `on_miss: park`");
    }
    return compose_prepare(&lookup->key_text, scope, (struct step_spot){.option = "key"},
                           lookup->key) &&
           prepare_rows(lookup, scope) &&
           step_sets(scope, spot, lookup->as, VALUE_TEXT, &lookup->fields[0]);
}

static bool lookup_prepare(struct step *step, struct step_scope *scope)
{
    struct lookup *lookup = (struct lookup *)step;
    if ((lookup->table.count > 0) == (lookup->reference.len > 0)) {
        return step_fault(scope, (struct step_spot){0},
                          "write `reference` or `table`, one of them");
    }
    if (lookup->table.count > 0) {
        return prepare_table(lookup, scope);
    }
    if (lookup->add.count == 0 || lookup->as.len > 0 || lookup->fold) {
        return step_fault(scope, (struct step_spot){.option = "reference"},
                          "a reference wants `add: {field: column}`; `as` and `fold` go with a "
                          "`table`");
    }
    bool good = lookup->on_miss != LOOKUP_PARK || step_keeps(scope, step);
    good =
        step_reference(scope, (struct step_spot){.option = "reference"}, lookup->reference) && good;
    good = compose_prepare(&lookup->key_text, scope, (struct step_spot){.option = "key"},
                           lookup->key) &&
           good;
    if (lookup->add.count > LOOKUP_ADDS_MAX) {
        return step_fault(scope, (struct step_spot){.option = "add"}, "more than %d fields",
                          LOOKUP_ADDS_MAX);
    }
    for (size_t i = 0; i < lookup->add.count; i++) {
        struct step_spot spot = {.option = "add", .key = lookup->add.items[i].name};
        good = step_sets(scope, spot, lookup->add.items[i].name, VALUE_TEXT, &lookup->fields[i]) &&
               good;
    }
    return good;
}

static struct str column_text(const struct json_value *value, struct arena *arena)
{
    enum json_kind kind = json_kind(value);
    if (kind == JSON_STRING || kind == JSON_ABSENT || kind == JSON_NULL) {
        return json_str(value);
    }
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, JSON_NUMBER_MAX);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    return buf_str(&buf);
}

/* The fields of the row; absent ones when there is none. */
static bool set_fields(const struct lookup *lookup, struct flow *flow, struct str row,
                       struct err *err)
{
    const struct json_value *root = NULL;
    if (row.ptr != NULL && !json_parse(flow->env->arena, row, NULL, &root, err)) {
        return err_prefix(err, "lookup: a row of %.*s", STR_ARG(lookup->reference));
    }
    for (size_t i = 0; i < lookup->add.count; i++) {
        struct str text = column_text(json_get(root, lookup->add.items[i].text), flow->env->arena);
        flow->values[lookup->fields[i]] = text.len > 0 ? value_of_text(text) : (struct value){0};
    }
    return true;
}

/* The row of the item's key; absent for none, and for an item that has no key. */
static bool find_row(struct lookup *lookup, struct flow *flow, struct str *key, struct str *row,
                     struct err *err)
{
    *row = (struct str){0};
    return compose_text(&lookup->key_text, flow, &lookup->step, key, err) &&
           (key->ptr == NULL || flow->env->reference(flow->env, lookup->reference, *key, row, err));
}

static bool add_parked(struct lookup *lookup, struct flow *flow, int64_t more, struct err *err)
{
    struct str text = {0};
    struct buf buf;
    int64_t count = 0;
    if (!note_get(flow, &lookup->step, 'n', STR(""), &text, err)) {
        return false;
    }
    if (text.ptr != NULL && !str_to_int64(text, &count)) {
        return err_set(err, ERR_REJECT, "lookup: a note of the step cannot be read");
    }
    count += more;
    if (more > 0 && count > LOOKUP_PARKED_MAX) {
        return err_set(err, ERR_REJECT,
                       "lookup: %d items wait for '%.*s' to have their keys; add them there",
                       LOOKUP_PARKED_MAX, STR_ARG(lookup->reference));
    }
    buf_init(&buf, flow->env->arena, JSON_NUMBER_MAX);
    buf_add_int(&buf, count < 0 ? 0 : count);
    return note_put(flow, &lookup->step, 'n', STR(""), buf_str(&buf), err);
}

/* Is the item of this name parked? */
static bool is_parked(struct lookup *lookup, struct flow *flow, struct str name, bool *yes,
                      struct err *err)
{
    struct str text = {0};
    if (name.ptr == NULL) {
        return flow_memory(&lookup->step, err);
    }
    if (!note_get(flow, &lookup->step, 'p', name, &text, err)) {
        return false;
    }
    *yes = text.ptr != NULL;
    return true;
}

static bool park(struct lookup *lookup, struct flow *flow, struct err *err)
{
    struct str name = note_fit(flow, flow_item_name(flow));
    struct str text = parked_write(flow);
    bool already = false;
    if (text.ptr == NULL) {
        return flow_memory(&lookup->step, err);
    }
    return is_parked(lookup, flow, name, &already, err) &&
           (already || add_parked(lookup, flow, 1, err)) &&
           note_put(flow, &lookup->step, 'p', name, text, err);
}

/* What an edit has found need not wait any more. */
static bool unpark(struct lookup *lookup, struct flow *flow, struct err *err)
{
    bool waits = false;
    if (lookup->on_miss != LOOKUP_PARK || flow->values[FIELD_REVISION].integer == 0) {
        return true;
    }
    struct str name = note_fit(flow, flow_item_name(flow));
    if (!is_parked(lookup, flow, name, &waits, err)) {
        return false;
    }
    return !waits ||
           (note_del(flow, &lookup->step, 'p', name, err) && add_parked(lookup, flow, -1, err));
}

static bool miss(struct lookup *lookup, struct flow *flow, struct str key, struct err *err)
{
    struct str reason = STR("the key has no value");
    if (lookup->on_miss == LOOKUP_PARK && key.ptr != NULL) {
        return park(lookup, flow, err);
    }
    if (lookup->on_miss == LOOKUP_KEEP || lookup->on_miss == LOOKUP_PARK) {
        return flow_pass(flow, &lookup->step, err);
    }
    if (key.ptr != NULL) {
        reason = arena_printf(
            flow->env->arena, "'%.*s' is not in %.*s", STR_ARG(str_slice(key, 0, NOTE_KEY_MAX)),
            STR_ARG(lookup->reference.len > 0 ? lookup->reference : STR("table")));
    }
    return flow_leave(flow, &lookup->step, reason, err);
}

static bool apply_table(struct lookup *lookup, struct flow *flow, struct err *err)
{
    struct str_pair wanted = {0};
    struct str key = {0};
    if (!compose_text(&lookup->key_text, flow, &lookup->step, &key, err)) {
        return false;
    }
    wanted.name =
        lookup->fold && key.ptr != NULL ? fold_text(flow->env->arena, key, FOLD_NAME) : key;
    if (key.ptr != NULL && wanted.name.ptr == NULL) {
        return flow_memory(&lookup->step, err);
    }
    const struct str_pair *row =
        bsearch(&wanted, lookup->rows, lookup->table.count, sizeof *lookup->rows, compare_rows);
    flow->values[lookup->fields[0]] = row != NULL ? value_of_text(row->text) : (struct value){0};
    return row == NULL ? miss(lookup, flow, key, err) : flow_pass(flow, &lookup->step, err);
}

static bool lookup_apply(struct step *step, struct flow *flow, struct err *err)
{
    struct lookup *lookup = (struct lookup *)step;
    struct str key = {0};
    struct str row = {0};
    if (lookup->table.count > 0) {
        return apply_table(lookup, flow, err);
    }
    if (!find_row(lookup, flow, &key, &row, err) || !set_fields(lookup, flow, row, err)) {
        return false;
    }
    return row.ptr == NULL ? miss(lookup, flow, key, err)
                           : unpark(lookup, flow, err) && flow_pass(flow, step, err);
}

struct waiting {
    struct str notes[LOOKUP_PARKED_MAX];
    struct str items[LOOKUP_PARKED_MAX];
    size_t count;
};

static bool note_waiting(void *context, struct str key, struct str value)
{
    struct waiting *waiting = context;
    waiting->notes[waiting->count] = key;
    waiting->items[waiting->count++] = value;
    return waiting->count < LOOKUP_PARKED_MAX;
}

/* A parked item is tried again; `*went` when the table has its key now. */
static bool retry(struct lookup *lookup, struct flow *flow, struct str note, struct str item,
                  bool *went, struct err *err)
{
    struct str key = {0};
    struct str row = {0};
    *went = false;
    if (!parked_read(flow, item, err) || !find_row(lookup, flow, &key, &row, err)) {
        return false;
    }
    if (row.ptr == NULL) {
        return true;
    }
    *went = true;
    flow->items = 0;
    flow->values[FIELD_NOW] = value_of_time(flow->now_ms);
    return flow->env->del(flow->env, note, err) && set_fields(lookup, flow, row, err) &&
           flow_pass(flow, &lookup->step, err);
}

static bool lookup_renewed(struct step *step, struct flow *flow, struct err *err)
{
    struct lookup *lookup = (struct lookup *)step;
    struct waiting *waiting = NULL;
    struct str prefix;
    int64_t gone = 0;
    if (lookup->on_miss != LOOKUP_PARK || !str_equal(flow->message->chat, lookup->reference)) {
        return true;
    }
    waiting = arena_alloc(flow->env->arena, sizeof *waiting);
    if (waiting == NULL) {
        return flow_memory(step, err);
    }
    if (!note_key(flow, step, 'p', STR(""), &prefix, err) ||
        !flow->env->scan(flow->env, prefix, note_waiting, waiting, err)) {
        return false;
    }
    for (size_t i = 0; i < waiting->count; i++) {
        bool went = false;
        if (!retry(lookup, flow, waiting->notes[i], waiting->items[i], &went, err)) {
            return false;
        }
        gone += went;
    }
    return gone == 0 || add_parked(lookup, flow, -gone, err);
}

static const char *const miss_names[] = {"keep", "drop", "park", NULL};

static const struct option options[] = {
    OPTION_TEXT(struct lookup, reference, "reference", NULL,
                "Name of the table: a source that brings one."),
    OPTION_TEXT(struct lookup, key, "key", OPTION_REQUIRED,
                "Template of the key that is looked up, such as {city}."),
    OPTION_MAP(struct lookup, add, "add", NULL,
               "Fields, and the column of the row that each gets."),
    OPTION_MAP(struct lookup, table, "table", NULL,
               "A small table, written here instead: names, and the value of each."),
    OPTION_TEXT(struct lookup, as, "as", NULL, "The field that gets the value of `table`."),
    OPTION_BOOL(struct lookup, fold, "fold", "false",
                "Compare the names of `table` as people read them."),
    OPTION_CHOICE(
        struct lookup, on_miss, "on_miss", "keep", miss_names,
        "When there is no such key: `keep` the item without the fields, `drop` it, `park` "
        "it until the table has the key."),
    OPTION_END,
};

const struct step_type step_lookup = {
    .kind = "lookup",
    .summary = "Adds fields from the row of a table.",
    .options = options,
    .size = sizeof(struct lookup),
    .leaves = true,
    .prepare = lookup_prepare,
    .apply = lookup_apply,
    .renewed = lookup_renewed,
};
