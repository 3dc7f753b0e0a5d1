#include "engine/keys.h"

#include "base/buf.h"
#include "model/keys.h"
#include "store/keys.h"
#include "text/json.h"

enum { GUARD_ARENA_LIMIT = 16 * 1024 * 1024, SHOWN_MAX = 120 };

/* Parts that the engine adds; an op cannot have one of these names. */
static const struct str part_kind = STR_INIT("kind");
static const struct str part_sources = STR_INIT("source");
static const struct str part_targets = STR_INIT("target");

static bool listed(struct str list, struct str word)
{
    struct str one = {0};
    while (str_split(&list, '\n', &one)) {
        if (str_equal(one, word)) {
            return true;
        }
    }
    return false;
}

static void add_listed(struct buf *list, struct str word)
{
    if (!listed(buf_str(list), word)) {
        buf_printf(list, "%s%.*s", list->len > 0 ? "\n" : "", STR_ARG(word));
    }
}

static void collect(const struct plan_pipeline *pipeline, struct key_parts *parts)
{
    const struct op *op = pipeline->op;
    const struct target *const *targets = op_targets(op);
    struct buf sources;
    struct buf names;
    buf_init(&sources, parts->arena, 64);
    buf_init(&names, parts->arena, 64);
    for (size_t i = 0; i < pipeline->chat_count; i++) {
        add_listed(&sources, pipeline->chats[i].source);
    }
    for (; targets != NULL && *targets != NULL; targets++) {
        add_listed(&names, str_of((*targets)->name));
    }
    key_parts_add(parts, part_kind, str_of(op->type->kind), false);
    key_parts_add(parts, part_sources, buf_str(&sources), false);
    key_parts_add(parts, part_targets, buf_str(&names), false);
    key_parts_options(parts, op->type->options, op, op->type->key_options);
    if (op->type->keys != NULL) {
        op->type->keys(op, parts);
    }
}

struct str keys_text(const struct plan_pipeline *pipeline, struct arena *arena)
{
    struct key_parts parts = {.arena = arena};
    struct json_writer json;
    struct buf out;
    buf_init(&out, arena, 256);
    collect(pipeline, &parts);
    if (parts.failed) {
        return (struct str){0};
    }
    json_writer_init(&json, &out);
    json_array_begin(&json);
    for (size_t i = 0; i < parts.count; i++) {
        json_object_begin(&json);
        json_field_str(&json, STR("part"), parts.items[i].name);
        json_field_str(&json, STR("value"), parts.items[i].value);
        if (parts.items[i].strict) {
            json_field_bool(&json, STR("strict"), true);
        }
        json_object_end(&json);
    }
    json_array_end(&json);
    json_writer_done(&json);
    return buf_str(&out);
}

bool keys_parse(struct str text, struct arena *arena, struct key_parts *out)
{
    const struct json_value *root = NULL;
    struct err ignored = {0};
    *out = (struct key_parts){.arena = arena};
    if (!json_parse(arena, text, NULL, &root, &ignored) || json_kind(root) != JSON_ARRAY) {
        return false;
    }
    for (size_t i = 0; i < json_count(root); i++) {
        const struct json_value *item = json_at(root, i);
        bool strict = false;
        (void)json_bool(json_get(item, STR("strict")), &strict);
        key_parts_add(out, json_str(json_get(item, STR("part"))),
                      json_str(json_get(item, STR("value"))), strict);
    }
    return !out->failed;
}

/* The n-th part of a name; NULL when there are fewer. */
static const struct key_part *find_part(const struct key_parts *parts, struct str name, size_t nth)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (str_equal(parts->items[i].name, name) && nth-- == 0) {
            return &parts->items[i];
        }
    }
    return NULL;
}

static struct str part_value(const struct key_parts *parts, struct str name)
{
    const struct key_part *part = find_part(parts, name, 0);
    return part == NULL ? STR("") : part->value;
}

static size_t nth_of(const struct key_parts *parts, size_t at)
{
    size_t nth = 0;
    for (size_t i = 0; i < at; i++) {
        nth += str_equal(parts->items[i].name, parts->items[at].name);
    }
    return nth;
}

/* Is something in `a` that is not in `b`? */
static bool has_more(struct str a, struct str b)
{
    struct str one = {0};
    while (str_split(&a, '\n', &one)) {
        if (one.len > 0 && !listed(b, one)) {
            return true;
        }
    }
    return false;
}

static bool overlap(struct str a, struct str b)
{
    struct str one = {0};
    while (str_split(&a, '\n', &one)) {
        if (one.len > 0 && listed(b, one)) {
            return true;
        }
    }
    return false;
}

/* One more source, or one less, changes no key; another in its place does. */
static bool differs(struct str name, struct str before, struct str after)
{
    if (str_equal(name, part_targets)) {
        return false;
    }
    if (str_equal(name, part_sources)) {
        return has_more(before, after) && has_more(after, before);
    }
    return !str_equal(before, after);
}

struct looking {
    struct arena *arena;
    struct key_changes *out;
    size_t room;
};

static void found(struct looking *looking, struct str pipeline, struct str part, struct str before,
                  struct str after)
{
    if (looking->out->count < looking->room) {
        looking->out->items[looking->out->count++] =
            (struct key_change){pipeline, part, before, after};
    }
}

static void compare(struct looking *looking, struct str pipeline, const struct key_parts *before,
                    const struct key_parts *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct key_part *old = &before->items[i];
        const struct key_part *now = find_part(after, old->name, nth_of(before, i));
        if (now == NULL ? old->strict : differs(old->name, old->value, now->value)) {
            found(looking, pipeline, old->name, old->value,
                  now == NULL ? (struct str){0} : now->value);
        }
    }
    for (size_t i = 0; i < after->count; i++) {
        const struct key_part *now = &after->items[i];
        if (now->strict && find_part(before, now->name, nth_of(after, i)) == NULL) {
            found(looking, pipeline, now->name, (struct str){0}, now->value);
        }
    }
}

static bool in_plan(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (str_equal(plan->pipelines[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* A pipeline that is new here, and does what one did that is gone: it was given another name. */
static bool compare_names(struct looking *looking, const struct plan *plan, struct str pipeline,
                          const struct key_parts *now, const struct stored_keys *stored,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct key_parts old;
        if (in_plan(plan, stored[i].pipeline) ||
            !keys_parse(stored[i].text, looking->arena, &old)) {
            continue;
        }
        if (str_equal(part_value(&old, part_kind), part_value(now, part_kind)) &&
            overlap(part_value(&old, part_sources), part_value(now, part_sources)) &&
            overlap(part_value(&old, part_targets), part_value(now, part_targets))) {
            found(looking, pipeline, STR("name"), stored[i].pipeline, pipeline);
            return true;
        }
    }
    return true;
}

static bool look_at(struct looking *looking, const struct plan *plan, size_t at,
                    const struct stored_keys *stored, size_t count, struct err *err)
{
    const struct plan_pipeline *pipeline = &plan->pipelines[at];
    struct key_parts now = {.arena = looking->arena};
    struct key_parts before;
    collect(pipeline, &now);
    if (now.failed) {
        return err_set(err, ERR_RETRY, "out of memory for the keys of %.*s",
                       STR_ARG(pipeline->name));
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal(stored[i].pipeline, pipeline->name)) {
            if (!keys_parse(stored[i].text, looking->arena, &before)) {
                return err_set(err, ERR_STORE, "the store's keys of %.*s cannot be read",
                               STR_ARG(pipeline->name));
            }
            compare(looking, pipeline->name, &before, &now);
            return true;
        }
    }
    return compare_names(looking, plan, pipeline->name, &now, stored, count);
}

bool keys_look(struct store *store, const struct plan *plan, struct arena *arena,
               struct key_changes *out, struct err *err)
{
    struct stored_keys *stored = NULL;
    size_t count = 0;
    struct looking looking = {.arena = arena, .out = out, .room = KEY_PARTS_MAX};
    *out = (struct key_changes){.items = arena_array(arena, looking.room, sizeof *out->items)};
    if (out->items == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for keys");
    }
    if (!store_keys_list(store, arena, &stored, &count, err)) {
        return false;
    }
    for (size_t i = 0; count > 0 && i < plan->pipeline_count; i++) {
        if (!look_at(&looking, plan, i, stored, count, err)) {
            return false;
        }
    }
    return true;
}

static struct str shown(struct arena *arena, struct str value)
{
    bool cut = value.len > SHOWN_MAX;
    return value.ptr == NULL
               ? STR("nothing")
               : arena_printf(arena, "'%.*s%s'", STR_ARG(str_slice(value, 0, SHOWN_MAX)),
                              cut ? "..." : "");
}

struct str keys_words(const struct key_change *change, struct arena *arena)
{
    struct str before = shown(arena, change->before);
    struct str after = shown(arena, change->after);
    const char *why = "rows that are there would not be found again, and what comes for them would "
                      "make second ones";
    if (str_equal(change->part, STR("name"))) {
        return arena_printf(
            arena,
            "pipeline %.*s: it does what %.*s did, which has delivered records and is gone; under "
            "another name every message of the archive would act once more. Call it %.*s again, or "
            "accept that: sluice keys accept %.*s",
            STR_ARG(change->pipeline), STR_ARG(before), STR_ARG(change->before),
            STR_ARG(change->pipeline));
    }
    if (str_equal(change->part, part_sources)) {
        why = "the same messages under another source are new ones, and each would act once more";
    }
    return arena_printf(arena,
                        "pipeline %.*s: %.*s was %.*s and would be %.*s, and the pipeline has "
                        "delivered records: %s. Put it back, or accept that: sluice keys accept "
                        "%.*s",
                        STR_ARG(change->pipeline), STR_ARG(change->part), STR_ARG(before),
                        STR_ARG(after), why, STR_ARG(change->pipeline));
}

bool keys_guard(struct store *store, const struct plan *plan, struct err *err)
{
    struct arena arena;
    struct key_changes changes = {0};
    arena_init(&arena, GUARD_ARENA_LIMIT);
    bool ok = keys_look(store, plan, &arena, &changes, err);
    if (ok && changes.count > 0) {
        struct str words = keys_words(&changes.items[0], &arena);
        ok = err_set(err, ERR_CONFIG, "%.*s%s", STR_ARG(words),
                     changes.count > 1 ? " (and more: sluice check)" : "");
    }
    arena_free(&arena);
    return ok;
}

bool keys_accept(struct store *store, const struct plan_pipeline *pipeline, struct arena *arena,
                 struct err *err)
{
    struct str text = keys_text(pipeline, arena);
    return text.ptr == NULL ? err_set(err, ERR_RETRY, "out of memory for keys")
                            : store_keys_put(store, pipeline->name, text, err);
}
