/*
 * migrate students: rows that an older program kept get what every lesson has today.
 *
 * A lesson without `paid` gets false, one without `message_count` gets 0; where no lesson has
 * counted a message yet, `total_messages` is what the current lesson has counted. Only fields that
 * are not there are written (and a count that is 0), one lesson at a time, so whatever else stands
 * in a row stays. What is missing is found by looking, so doing it twice is doing it once.
 */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "cli/act.h"
#include "cli/students.h"
#include "crypto/digest.h"
#include "engine/targets.h"
#include "store/lease.h"

enum {
    BATCH = 256,
    ROWS_SHOWN = 50,
    WRITE_MS = 60 * 1000,
    DUMP_MAX = 256 * 1024 * 1024,
    SCRATCH_MAX = 64 * 1024 * 1024,
};

/* A row that lacks something. */
struct fix {
    struct fix *next;
    struct str entity;
    struct str name;
    struct str body;  /* Of the record. */
    struct str words; /* For people: "lesson 7: paid false; lesson 8: message_count 12" */
};

struct migrating {
    struct act act; /* Its store is absent where there is none yet. */
    const struct cli *cli;
    bool dry;
    struct school school; /* Of the pipeline at hand. */
    struct arena scratch;
    struct fix *first;
    struct fix **last;
    size_t count;
    int64_t rows;
    int64_t unreadable;
    int64_t done;
    struct str why; /* Of the first row that could not be written. */
    struct json_writer json;
};

/* ---- What a row lacks ---- */

/* A lesson's name as it stands there: a text, or a number in rows of others. */
static struct str name_of(const struct json_value *lesson)
{
    const struct json_value *name = json_get(lesson, STR("lesson"));
    return json_kind(name) == JSON_STRING ? json_str(name) : json_raw(name);
}

static int64_t number(const struct json_value *object, struct str key)
{
    int64_t value = 0;
    (void)json_int(json_get(object, key), &value);
    return value;
}

static bool has_counted(const struct json_value *lessons)
{
    struct json_iter iter;
    const struct json_value *item = NULL;
    bool counted = false;
    json_iter_init(&iter, lessons);
    while (json_next(&iter, NULL, &item)) {
        counted = counted || number(item, STR("message_count")) != 0;
    }
    return counted;
}

/* What sluice counts itself is not to be guessed any more. */
static bool is_counted_here(const struct migrating *migrating, struct str entity)
{
    for (size_t i = 0; i < migrating->school.count; i++) {
        if (str_equal(migrating->school.pupils[i].student.id, entity)) {
            return true;
        }
    }
    return false;
}

struct writing {
    struct json_writer json;
    struct buf words;
    size_t items;
};

static void say_change(struct writing *writing, struct str lesson, bool paid, bool count,
                       int64_t messages)
{
    buf_printf(&writing->words, "%slesson %.*s:", writing->items > 0 ? "; " : "", STR_ARG(lesson));
    if (paid) {
        buf_add(&writing->words, STR(" paid false"));
    }
    if (count) {
        buf_printf(&writing->words, "%s message_count %" PRId64, paid ? "," : "", messages);
    }
    writing->items++;
}

static void put_lesson(struct writing *writing, const struct json_value *item, int64_t carried)
{
    struct json_writer *json = &writing->json;
    const struct json_value *held = json_get(item, STR("message_count"));
    bool paid = json_get(item, STR("paid")) == NULL;
    bool count = held == NULL || json_kind(held) == JSON_NULL || carried > 0;
    if (!paid && !count) {
        return;
    }
    say_change(writing, name_of(item), paid, count, carried);
    json_object_begin(json);
    json_key(json, STR("set"));
    json_object_begin(json);
    json_key(json, STR("lesson"));
    json_put_value(json, json_get(item, STR("lesson")));
    if (paid) {
        json_field_bool(json, STR("paid"), false);
    }
    if (count) {
        json_field_int(json, STR("message_count"), carried);
    }
    json_object_end(json);
    json_object_end(json);
}

/* The current lesson, of a row that has no object for it. */
static void put_new_lesson(struct writing *writing, const struct json_value *current,
                           struct str name, int64_t carried)
{
    struct json_writer *json = &writing->json;
    say_change(writing, name, true, true, carried);
    json_object_begin(json);
    json_key(json, STR("set"));
    json_object_begin(json);
    json_key(json, STR("lesson"));
    json_put_value(json, current);
    json_field_int(json, STR("message_count"), carried);
    json_object_end(json);
    json_key(json, STR("insert"));
    json_object_begin(json);
    json_field_int(json, STR("practice_count"), 0);
    json_key(json, STR("first_practice"));
    json_put_null(json);
    json_key(json, STR("last_practice"));
    json_put_null(json);
    json_field_bool(json, STR("paid"), false);
    json_object_end(json);
    json_object_end(json);
}

static void put_lessons(struct writing *writing, const struct json_value *row,
                        const struct json_value *lessons, int64_t carried)
{
    const struct json_value *current = json_get(row, STR("current_lesson"));
    struct str name = json_kind(current) == JSON_STRING ? json_str(current) : json_raw(current);
    struct json_iter iter;
    const struct json_value *item = NULL;
    bool placed = carried == 0 || name.len == 0 || json_kind(current) == JSON_NULL;
    json_iter_init(&iter, lessons);
    while (json_next(&iter, NULL, &item)) {
        if (json_get(item, STR("lesson")) != NULL) {
            bool here = !placed && str_equal(name_of(item), name);
            put_lesson(writing, item, here ? carried : 0);
            placed = placed || here;
        }
    }
    if (!placed) {
        put_new_lesson(writing, current, name, carried);
    }
}

static bool keep_fix(struct migrating *migrating, const struct fix *found, struct err *err)
{
    struct arena *arena = &migrating->school.arena;
    struct fix *fix = arena_alloc(arena, sizeof *fix);
    if (fix == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for the rows");
    }
    *fix = (struct fix){.entity = arena_copy(arena, found->entity),
                        .name = arena_copy(arena, found->name),
                        .body = arena_copy(arena, found->body),
                        .words = arena_copy(arena, found->words)};
    *migrating->last = fix;
    migrating->last = &fix->next;
    migrating->count++;
    return (fix->entity.ptr != NULL && fix->body.ptr != NULL && fix->words.ptr != NULL) ||
           err_set(err, ERR_RETRY, "out of memory for the rows");
}

static bool look_at_row(struct migrating *migrating, struct str entity,
                        const struct json_value *row, const struct json_value *lessons,
                        struct err *err)
{
    struct writing writing = {0};
    struct buf body;
    int64_t total = number(row, STR("total_messages"));
    bool carry = total > 0 && !has_counted(lessons) && !is_counted_here(migrating, entity);
    buf_init(&body, &migrating->scratch, 512);
    buf_init(&writing.words, &migrating->scratch, 128);
    json_writer_init(&writing.json, &body);
    json_object_begin(&writing.json);
    json_key(&writing.json, STR("merge"));
    json_object_begin(&writing.json);
    json_key(&writing.json, STR("lessons"));
    json_object_begin(&writing.json);
    json_field_str(&writing.json, STR("by"), STR("lesson"));
    json_key(&writing.json, STR("items"));
    json_array_begin(&writing.json);
    put_lessons(&writing, row, lessons, carry ? total : 0);
    json_array_end(&writing.json);
    json_object_end(&writing.json);
    json_object_end(&writing.json);
    json_object_end(&writing.json);
    json_writer_done(&writing.json);
    struct fix fix = {.entity = entity,
                      .name = json_str(json_get(row, STR("name"))),
                      .body = buf_str(&body),
                      .words = buf_str(&writing.words)};
    return writing.items == 0 || keep_fix(migrating, &fix, err);
}

static bool take_row(void *context, struct str entity, struct str text, struct err *err)
{
    struct migrating *migrating = context;
    const struct json_limits limits = {.innocent = true};
    const struct json_value *row = NULL;
    struct err ignored = {0};
    migrating->rows++;
    bool ok = json_parse(&migrating->scratch, text, &limits, &row, &ignored);
    const struct json_value *lessons = ok ? json_get(row, STR("lessons")) : NULL;
    if (json_kind(lessons) == JSON_STRING) {
        ok = json_parse(&migrating->scratch, json_str(lessons), &limits, &lessons, &ignored);
    }
    ok = ok &&
         (lessons == NULL || json_kind(lessons) == JSON_NULL || json_kind(lessons) == JSON_ARRAY);
    migrating->unreadable += !ok;
    ok = !ok || look_at_row(migrating, entity, row, lessons, err);
    arena_reset(&migrating->scratch);
    return ok;
}

/* ---- Writing ---- */

/* Its own each time: what is missing is found by looking, not by a ledger. */
static bool name_effect(struct migrating *migrating, struct str entity, struct str *origin)
{
    char hex[DIGEST_HEX_MAX];
    struct arena *arena = &migrating->scratch;
    struct str seed = arena_printf(arena, "migrate students %.*s %" PRId64, STR_ARG(entity),
                                   clock_wall_ms(clock_system()));
    *origin = seed.ptr != NULL ? str_slice(arena_copy(arena, digest_hex(DIGEST_SHA256, seed, hex)),
                                           0, EFFECT_ORIGIN_SIZE)
                               : seed;
    return origin->ptr != NULL;
}

static bool write_batch(struct migrating *migrating, const struct plan_sink *sink,
                        struct fix **next, struct err *err)
{
    struct arena *arena = &migrating->scratch;
    struct parcel *parcels = arena_array(arena, BATCH, sizeof *parcels);
    size_t count = 0;
    for (; parcels != NULL && *next != NULL && count < BATCH; *next = (*next)->next) {
        struct parcel *parcel = &parcels[count];
        *parcel = (struct parcel){.kind = RECORD_EFFECT,
                                  .effect = {.pipeline = migrating->school.pipeline->name,
                                             .generation = 1,
                                             .message = (int64_t)++count},
                                  .target = STR("student_stats"),
                                  .entity = (*next)->entity,
                                  .body = (*next)->body};
        if (!name_effect(migrating, parcel->entity, &parcel->effect.origin)) {
            return err_set(err, ERR_RETRY, "out of memory for the rows");
        }
    }
    int64_t deadline_ms = clock_mono_ms(clock_system()) + WRITE_MS;
    if (parcels == NULL ||
        !sink->sink->type->write(sink->sink, parcels, count, arena, deadline_ms, err)) {
        return parcels != NULL && err_prefix(err, "some rows may be done; run it again: ");
    }
    for (size_t i = 0; i < count; i++) {
        bool done = parcels[i].verdict == VERDICT_DONE;
        migrating->done += done;
        if (!done && migrating->why.ptr == NULL) {
            struct str why = parcels[i].why.len > 0 ? parcels[i].why : STR("it was not tried");
            migrating->why = arena_copy(&migrating->school.arena, why);
        }
    }
    arena_reset(arena);
    return true;
}

/* ---- What is said ---- */

static void say_rows(struct migrating *migrating, struct str sink)
{
    struct act *act = &migrating->act;
    size_t said = 0;
    buf_printf(&act->out, "%.*s, sink %.*s: %" PRId64 " rows, %zu %s\n",
               STR_ARG(migrating->school.pipeline->name), STR_ARG(sink), migrating->rows,
               migrating->count, migrating->dry ? "would be changed" : "to change");
    for (const struct fix *fix = migrating->first; fix != NULL && said < ROWS_SHOWN;
         fix = fix->next, said++) {
        struct str name = show_text(&act->arena, fix->name, SHOW_PEOPLE);
        struct str words = show_text(&act->arena, fix->words, SHOW_PEOPLE);
        buf_printf(&act->out, "  %.*s  %.*s  %.*s\n", STR_ARG(fix->entity), STR_ARG(name),
                   STR_ARG(words));
    }
    if (migrating->count > said) {
        buf_printf(&act->out, "  … and %zu more\n", migrating->count - said);
    }
    if (!migrating->dry && migrating->count > 0) {
        buf_printf(&act->out, "  done: %" PRId64 "\n", migrating->done);
    }
    if (migrating->unreadable > 0) {
        buf_printf(&act->out,
                   "  %" PRId64 " rows have no list of lessons in `lessons`; they are left alone\n",
                   migrating->unreadable);
    }
    if (migrating->why.ptr != NULL) {
        struct str why = show_text(&act->arena, migrating->why, SHOW_MASKED);
        buf_printf(&act->out, "  not done: %zu: %.*s\n", migrating->count - (size_t)migrating->done,
                   STR_ARG(why));
    }
}

static void write_rows(struct migrating *migrating, struct str sink)
{
    struct json_writer *json = &migrating->json;
    json_object_begin(json);
    json_field_str(json, STR("pipeline"), migrating->school.pipeline->name);
    json_field_str(json, STR("sink"), sink);
    json_field_int(json, STR("rows"), migrating->rows);
    json_field_int(json, STR("unreadable"), migrating->unreadable);
    json_field_int(json, STR("done"), migrating->done);
    show_json_text(json, STR("why"), migrating->why);
    json_key(json, STR("changes"));
    json_array_begin(json);
    for (const struct fix *fix = migrating->first; fix != NULL; fix = fix->next) {
        json_object_begin(json);
        json_field_str(json, STR("uniq_id"), fix->entity);
        json_field_str(json, STR("change"), fix->words);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

/* ---- One pipeline, all of them ---- */

static const struct plan_sink *sink_of(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->sink_count; i++) {
        if (str_equal(plan->sinks[i].name, name)) {
            return &plan->sinks[i];
        }
    }
    return NULL;
}

static bool look_and_write(struct migrating *migrating, const struct plan_sink *sink,
                           struct err *err)
{
    struct arena dump;
    arena_init(&dump, DUMP_MAX);
    bool ok =
        sink->sink->type->dump(sink->sink, STR("student_stats"), &dump, take_row, migrating, err);
    arena_free(&dump);
    for (struct fix *next = migrating->first; ok && !migrating->dry && next != NULL;) {
        ok = write_batch(migrating, sink, &next, err);
    }
    return ok;
}

static bool migrate_pipeline(struct migrating *migrating, const struct plan_pipeline *pipeline,
                             struct err *err)
{
    struct act *act = &migrating->act;
    migrating->school = (struct school){.pipeline = pipeline};
    migrating->first = NULL;
    migrating->last = &migrating->first;
    migrating->count = 0;
    migrating->rows = 0;
    migrating->unreadable = 0;
    migrating->done = 0;
    migrating->why = (struct str){0};
    if (!school_load(&migrating->school, act->store, err)) {
        return false;
    }
    struct str name = migrating->school.op->sink;
    const struct plan_sink *sink = sink_of(&act->config.plan, name);
    if (sink == NULL || sink->sink->type->dump == NULL) {
        return err_set(err, ERR_CONFIG,
                       "the sink '%.*s' of %.*s cannot be read row by row, so nothing is changed",
                       STR_ARG(name), STR_ARG(pipeline->name));
    }
    if (!targets_lend(&act->config.plan, sink, act->config.data_dir, &act->arena, err)) {
        return false;
    }
    bool ok = look_and_write(migrating, sink, err);
    targets_return(sink);
    if (ok && migrating->cli->json) {
        write_rows(migrating, name);
    } else if (ok) {
        say_rows(migrating, name);
    }
    return ok;
}

static bool migrate_all(struct migrating *migrating, bool *partial, size_t *pipelines,
                        struct err *err)
{
    const struct plan *plan = &migrating->act.config.plan;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (plan->pipelines[i].op->type != &op_students) {
            continue;
        }
        *pipelines += 1;
        bool ok = migrate_pipeline(migrating, &plan->pipelines[i], err);
        *partial = *partial || migrating->why.ptr != NULL || migrating->unreadable > 0;
        arena_free(&migrating->school.arena);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* The store of the act: made where there is none, unless nothing shall be done. */
static bool open_store(struct migrating *migrating, struct err *err)
{
    struct act *act = &migrating->act;
    struct file_info info = {0};
    struct store_options options = {
        .path = act->path, .clock = clock_system(), .readonly = migrating->dry};
    if (!file_look(act->path, &info, err)) {
        return false;
    }
    if (migrating->dry && info.kind == FILE_MISSING) {
        return true;
    }
    return store_open(&act->store, &options, err) &&
           (migrating->dry ||
            (act_change(act, err) &&
             act_audit(act, "migrate.students", STR("student_stats"), (struct str){0}, err) &&
             act_keep(act, err)));
}

/* Nobody may be at work on what is altered. */
static bool migrate_alone(struct migrating *migrating, bool *partial, size_t *pipelines,
                          struct err *err)
{
    struct act *act = &migrating->act;
    struct lease_file *leases = NULL;
    bool alone = false;
    if (migrating->dry) {
        return open_store(migrating, err) && migrate_all(migrating, partial, pipelines, err);
    }
    if (!file_make_dirs(act->config.data_dir, DIR_PRIVATE, err) ||
        !lease_file_open(&leases, act->path, err)) {
        return false;
    }
    bool ok =
        lease_file_seize(leases, &alone, err) &&
        (alone || err_set(err, ERR_STOP, "a process works on the store in %.*s; stop it first",
                          STR_ARG(act->config.data_dir))) &&
        open_store(migrating, err) && migrate_all(migrating, partial, pipelines, err);
    lease_file_close(leases);
    return ok;
}

static int migrate(struct migrating *migrating)
{
    struct act *act = &migrating->act;
    struct err err = {0};
    bool partial = false;
    size_t pipelines = 0;
    act->path = arena_printf(&act->arena, "%.*s/sluice.db", STR_ARG(act->config.data_dir));
    if (migrating->cli->json) {
        json_writer_init(&migrating->json, &act->out);
        json_object_begin(&migrating->json);
        json_field_bool(&migrating->json, STR("dry_run"), migrating->dry);
        json_key(&migrating->json, STR("pipelines"));
        json_array_begin(&migrating->json);
    }
    bool ok = act->path.ptr != NULL || err_set(&err, ERR_RETRY, "out of memory");
    if (!ok || !migrate_alone(migrating, &partial, &pipelines, &err)) {
        buf_clear(&act->out);
        return act_fail(act, &err);
    }
    if (pipelines == 0) {
        buf_clear(&act->out);
        return cli_misused(migrating->cli, "there is no pipeline of kind students");
    }
    if (migrating->cli->json) {
        json_array_end(&migrating->json);
        json_object_end(&migrating->json);
        json_writer_done(&migrating->json);
        buf_add_byte(&act->out, '\n');
    }
    return partial ? CLI_PARTIAL : CLI_OK;
}

int cli_migrate_students(struct cli *cli)
{
    static struct migrating migrating; /* Large, and one a process. */
    migrating = (struct migrating){.cli = cli, .dry = cli_given(cli, "--dry-run")};
    struct act *act = &migrating.act;
    arena_init(&act->arena, ACT_ARENA_LIMIT);
    arena_init(&migrating.scratch, SCRATCH_MAX);
    buf_init(&act->out, &act->arena, 1024);
    act_name_actor(act->actor);
    int code = cli_config_load(cli, &act->config);
    if (code == CLI_OK) {
        code = migrate(&migrating);
    }
    arena_free(&migrating.scratch);
    return act_end(act, code);
}
