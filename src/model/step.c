#include "model/step.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/must.h"

enum { FAULT_MAX = 512, PLACE_MAX = 1 << 20 };

static const struct {
    struct str name;
    enum value_kind type;
} builtins[FIELD_BUILTINS] = {
    [FIELD_ID] = {STR_INIT("id"), VALUE_TEXT},
    [FIELD_UID] = {STR_INIT("uid"), VALUE_TEXT},
    [FIELD_SOURCE] = {STR_INIT("source"), VALUE_TEXT},
    [FIELD_CHAT] = {STR_INIT("chat"), VALUE_TEXT},
    [FIELD_SENDER] = {STR_INIT("sender"), VALUE_TEXT},
    [FIELD_TEXT] = {STR_INIT("text"), VALUE_TEXT},
    [FIELD_SENT] = {STR_INIT("sent"), VALUE_TIME},
    [FIELD_NOW] = {STR_INIT("now"), VALUE_TIME},
    [FIELD_KIND] = {STR_INIT("kind"), VALUE_TEXT},
    [FIELD_DIRECTION] = {STR_INIT("direction"), VALUE_TEXT},
    [FIELD_REVISION] = {STR_INIT("revision"), VALUE_INT},
    [FIELD_DELETED] = {STR_INIT("deleted"), VALUE_BOOL},
    [FIELD_ATTACHMENTS] = {STR_INIT("attachments"), VALUE_TEXT},
    [FIELD_HAS_ATTACHMENT] = {STR_INIT("has_attachment"), VALUE_BOOL},
    [FIELD_EXTRA] = {STR_INIT("extra"), VALUE_TEXT},
    [FIELD_ABOUT_SENT] = {STR_INIT("about_sent"), VALUE_TIME},
    [FIELD_ITEM] = {STR_INIT("item"), VALUE_INT},
    [FIELD_REASON] = {STR_INIT("reason"), VALUE_TEXT},
};

static bool fault_text(struct step_scope *scope, struct step_spot spot, const char *text)
{
    scope->fault(scope, scope->step, &spot, text);
    return false;
}

bool step_fault(struct step_scope *scope, struct step_spot spot, const char *format, ...)
{
    char text[FAULT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fault_text(scope, spot, text);
}

/* What stands behind the last "character " of an error; 0 when it says no place. */
static size_t character_of(struct str text)
{
    static const struct str word = STR_INIT("character ");
    size_t found = 0;
    for (size_t at = str_find(text, word, 0); at != STR_NONE; at = str_find(text, word, at + 1)) {
        found = 0;
        for (size_t i = at + word.len; i < text.len && found < PLACE_MAX; i++) {
            if (text.ptr[i] < '0' || text.ptr[i] > '9') {
                break;
            }
            found = found * 10 + (size_t)(text.ptr[i] - '0');
        }
    }
    return found;
}

bool step_fault_err(struct step_scope *scope, struct step_spot spot, const struct err *err)
{
    spot.character = character_of(str_of(err->text));
    return fault_text(scope, spot, err->text);
}

static bool out_of_memory(struct step_scope *scope)
{
    return step_fault(scope, (struct step_spot){0}, "out of memory");
}

/* The number of a name, or STR_NONE. What a step has set stands in front of the message's own. */
static size_t find_field(const struct step_scope *scope, struct str name)
{
    size_t hidden = STR_NONE;
    for (size_t i = scope->field_count; i > 0; i--) {
        if (!str_equal(scope->fields[i - 1].name, name)) {
            continue;
        }
        if (scope->fields[i - 1].visible) {
            return i - 1;
        }
        hidden = hidden == STR_NONE ? i - 1 : hidden;
    }
    return hidden;
}

/* The field that a step makes: one of the message is never overwritten, but covered. */
static size_t find_own(const struct step_scope *scope, struct str name)
{
    size_t at = scope->field_count;
    while (at > FIELD_BUILTINS && !str_equal(scope->fields[at - 1].name, name)) {
        at--;
    }
    return at > FIELD_BUILTINS ? at - 1 : STR_NONE;
}

static bool is_fixed(struct str name)
{
    static const size_t fixed[] = {FIELD_UID, FIELD_NOW, FIELD_REVISION, FIELD_DELETED,
                                   FIELD_REASON};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (str_equal(name, builtins[fixed[i]].name)) {
            return true;
        }
    }
    return false;
}

bool step_reads(struct step_scope *scope, struct step_spot spot, struct str name, size_t *field)
{
    size_t at = find_field(scope, name);
    if (at == STR_NONE || !scope->fields[at].visible) {
        const char *later =
            at == STR_NONE ? "" : " here (a step sets it, but not in front of this)";
        return step_fault(scope, spot, "there is no field '%.*s'%s%s", STR_ARG(name), later,
                          scope->hint(scope, name));
    }
    scope->chain->needs_uid = scope->chain->needs_uid || at == FIELD_UID;
    scope->chain->needs_about = scope->chain->needs_about || at == FIELD_ABOUT_SENT;
    *field = at;
    return true;
}

static bool name_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char byte = (unsigned char)name.ptr[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
        bool other = (byte >= '0' && byte <= '9') || byte == '_';
        if (!letter && !other) {
            return false;
        }
    }
    return name.len > 0 && name.len <= STEP_NAME_MAX;
}

bool step_sets(struct step_scope *scope, struct step_spot spot, struct str name,
               enum value_kind type, size_t *field)
{
    spot.of_name = true;
    size_t at = find_own(scope, name);
    if (at == STR_NONE && !name_valid(name)) {
        return step_fault(scope, spot,
                          "'%.*s' cannot be the name of a field: letters, digits and '_', at most "
                          "%d bytes",
                          STR_ARG(name), STEP_NAME_MAX);
    }
    if (is_fixed(name)) {
        return step_fault(scope, spot,
                          "'%.*s' belongs to the message and cannot be set; take another name",
                          STR_ARG(name));
    }
    if (at == STR_NONE && scope->field_count == STEP_FIELDS_MAX) {
        return step_fault(scope, spot, "more than %d fields in one pipeline", STEP_FIELDS_MAX);
    }
    if (at == STR_NONE) {
        at = scope->field_count++;
        scope->fields[at].name = name;
    }
    scope->fields[at].type = type;
    scope->fields[at].visible = true;
    *field = at;
    return true;
}

enum value_kind step_field_type(const struct step_scope *scope, size_t field)
{
    must(field < scope->field_count);
    return scope->fields[field].type;
}

static bool is_same(const struct step_target *target, struct str sink, struct str name)
{
    return str_equal(target->sink, sink) && str_equal(str_of(target->target.name), name);
}

static struct step_target *target_new(struct step_scope *scope, struct str sink, struct str name,
                                      struct str key)
{
    struct step_targets *all = scope->targets;
    struct step_target *target = &all->items[all->count];
    *target = (struct step_target){
        .sink = sink,
        .columns = arena_array(scope->arena, STEP_COLUMNS_MAX + 1, sizeof(struct column)),
        .writers = arena_array(scope->arena, STEP_COLUMNS_MAX, sizeof(struct chain *)),
        .target = {.name = arena_copy(scope->arena, name).ptr,
                   .key = arena_copy(scope->arena, key).ptr,
                   .sink = arena_copy(scope->arena, sink).ptr},
        .count = 1,
    };
    target->target.columns = target->columns;
    if (target->columns == NULL || target->writers == NULL || target->target.sink == NULL) {
        (void)out_of_memory(scope);
        return NULL;
    }
    target->columns[0] = (struct column){.name = target->target.key, .required = true};
    all->count++;
    return target;
}

static bool add_to_chain(struct step_scope *scope, const struct target *target)
{
    for (size_t i = 0; i < scope->chain_target_count; i++) {
        if (scope->chain_targets[i] == target) {
            return true;
        }
    }
    must(scope->chain_target_count < STEP_TARGETS_MAX);
    scope->chain_targets[scope->chain_target_count++] = target;
    return true;
}

struct step_target *step_target(struct step_scope *scope, struct str sink, struct str name,
                                struct str key)
{
    struct step_targets *all = scope->targets;
    struct step_target *target = NULL;
    for (size_t i = 0; i < all->count && target == NULL; i++) {
        target = is_same(&all->items[i], sink, name) ? &all->items[i] : NULL;
    }
    if (target == NULL && all->count == STEP_TARGETS_MAX) {
        (void)step_fault(scope, (struct step_spot){.option = "target"},
                         "more than %d targets in one configuration", STEP_TARGETS_MAX);
        return NULL;
    }
    if (target == NULL) {
        target = scope->takes_name == NULL || scope->takes_name(scope, sink, name)
                     ? target_new(scope, sink, name, key)
                     : NULL;
    } else if (!str_equal(str_of(target->target.key), key)) {
        (void)step_fault(scope, (struct step_spot){.option = "key_column"},
                         "the key of '%.*s' is '%s' in another step and '%.*s' here", STR_ARG(name),
                         target->target.key, STR_ARG(key));
        return NULL;
    }
    return target != NULL && add_to_chain(scope, &target->target) ? target : NULL;
}

static const char *column_type_text(enum column_type type)
{
    static const char *const names[] = {"text", "int", "double", "bool", "time", "date", "json"};
    return names[type];
}

bool step_column(struct step_scope *scope, struct step_spot spot, struct step_target *target,
                 struct str name, enum column_type type, bool shared)
{
    spot.of_name = true;
    for (size_t i = 0; i < target->count; i++) {
        struct column *column = &target->columns[i];
        if (!str_equal_ascii_case(str_of(column->name), name)) {
            continue;
        }
        if (column->type != type) {
            return step_fault(scope, spot,
                              "column '%.*s' of '%s' is %s in another step and %s here",
                              STR_ARG(name), target->target.name, column_type_text(column->type),
                              column_type_text(type));
        }
        const struct chain *writer = target->writers[i];
        if (writer != NULL && writer != scope->chain && !shared) {
            return step_fault(scope, spot,
                              "column '%.*s' of '%s' is written by pipeline '%.*s', too; one of "
                              "them would cover the other. If their keys can never be the same, "
                              "write `shared: true`",
                              STR_ARG(name), target->target.name, STR_ARG(writer->op.name));
        }
        return true;
    }
    if (target->count == STEP_COLUMNS_MAX) {
        return step_fault(scope, spot, "'%s' has more than %d columns", target->target.name,
                          STEP_COLUMNS_MAX);
    }
    struct str copy = arena_copy(scope->arena, name);
    if (copy.ptr == NULL) {
        return out_of_memory(scope);
    }
    target->writers[target->count] = scope->chain;
    target->columns[target->count++] = (struct column){.name = copy.ptr, .type = type};
    return true;
}

bool step_reference(struct step_scope *scope, struct step_spot spot, struct str name)
{
    for (size_t i = 0; i < scope->reference_count; i++) {
        if (str_equal(str_of(scope->references[i]), name)) {
            return true;
        }
    }
    struct str copy = arena_copy(scope->arena, name);
    if (scope->has_reference != NULL && !scope->has_reference(scope, &spot, name)) {
        return false;
    }
    if (scope->reference_count == STEP_REFERENCES_MAX) {
        return step_fault(scope, spot, "more than %d references in one pipeline",
                          STEP_REFERENCES_MAX);
    }
    if (copy.ptr == NULL) {
        return out_of_memory(scope);
    }
    scope->references[scope->reference_count++] = copy.ptr;
    return true;
}

bool step_keeps(struct step_scope *scope, struct step *step)
{
    for (size_t i = 0; i < scope->named_count; i++) {
        if (str_equal(scope->named[i]->name, step->name)) {
            return step_fault(scope, (struct step_spot){0},
                              "two steps of this pipeline remember something as '%.*s'; give one "
                              "of them a `name:` of its own (what it knows is kept under it)",
                              STR_ARG(step->name));
        }
    }
    if (scope->named_count == STEPS_MAX) {
        return step_fault(scope, (struct step_spot){0}, "more than %d steps", STEPS_MAX);
    }
    scope->named[scope->named_count++] = step;
    return true;
}

static bool prepare_one(struct step_scope *scope, struct step *step)
{
    scope->step = step;
    scope->chain->asks = scope->chain->asks || step->type->renewed != NULL;
    bool good = step->type->prepare(step, scope);
    scope->step = step;
    if (step->otherwise.count == 0) {
        return good;
    }
    if (!step->type->leaves) {
        return step_fault(scope, (struct step_spot){.option = "otherwise"},
                          "a step of kind '%s' leaves nothing out", step->type->kind);
    }
    scope->fields[FIELD_REASON].visible = true;
    return step_list_prepare(&step->otherwise, scope) && good;
}

bool step_list_prepare(struct step_list *list, struct step_scope *scope)
{
    struct step_field before[STEP_FIELDS_MAX];
    size_t count = scope->field_count;
    const struct step *outer = scope->step;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        before[i] = scope->fields[i];
    }
    for (size_t i = 0; i < list->count; i++) {
        struct step *step = list->items[i];
        bool last = i + 1 == list->count;
        step->next = last ? NULL : list->items[i + 1];
        good = prepare_one(scope, step) && good;
        scope->fields[FIELD_REASON].visible = count > 0 && before[FIELD_REASON].visible;
        if (step->type->no_passing && !last) {
            scope->step = list->items[i + 1];
            good = step_fault(scope, (struct step_spot){0},
                              "nothing comes here: the step in front of it passes nothing on");
        }
    }
    for (size_t i = 0; i < scope->field_count; i++) {
        scope->fields[i].visible = i < count && before[i].visible;
        scope->fields[i].type = i < count ? before[i].type : scope->fields[i].type;
    }
    scope->step = outer;
    return good;
}

static bool scope_begin(struct step_scope *scope, struct chain *chain)
{
    struct arena *arena = scope->arena;
    scope->chain = chain;
    scope->fields = arena_array(arena, STEP_FIELDS_MAX, sizeof *scope->fields);
    scope->named = arena_array(arena, STEPS_MAX, sizeof(struct step *));
    scope->chain_targets = arena_array(arena, STEP_TARGETS_MAX + 1, sizeof(struct target *));
    scope->references = arena_array(arena, STEP_REFERENCES_MAX + 1, sizeof(char *));
    if (scope->fields == NULL || scope->named == NULL || scope->chain_targets == NULL ||
        scope->references == NULL) {
        return out_of_memory(scope);
    }
    for (size_t i = 0; i < FIELD_BUILTINS; i++) {
        scope->fields[i] = (struct step_field){
            .name = builtins[i].name, .type = builtins[i].type, .visible = i != FIELD_REASON};
    }
    scope->field_count = FIELD_BUILTINS;
    return true;
}

bool step_chain_prepare(struct chain *chain, struct step_scope *scope)
{
    struct err err = {0};
    if (!scope_begin(scope, chain)) {
        return false;
    }
    if (!zone_parse(chain->zone_name, &chain->zone, &err)) {
        return step_fault_err(scope, (struct step_spot){.option = "zone"}, &err);
    }
    bool good = step_list_prepare(&chain->steps, scope);
    struct str *names = arena_array(scope->arena, scope->field_count, sizeof *names);
    if (names == NULL) {
        return out_of_memory(scope);
    }
    for (size_t i = 0; i < scope->field_count; i++) {
        names[i] = scope->fields[i].name;
    }
    chain->fields = names;
    chain->field_count = scope->field_count;
    chain->op.targets = scope->chain_targets;
    chain->op.references = scope->references;
    return good;
}
