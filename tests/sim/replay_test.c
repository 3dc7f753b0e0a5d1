/*
 * Replays in the simulator.
 *
 *   same        in a shadow, the same archive and the same rules give the same records, and not one
 *               byte of the store changes
 *   other       today's rules say something else: the diff shows it, applying writes it once, and
 *               the next replay is empty
 *   sweep       an applied replay that dies at each of its crash points in turn
 *   questions   an answer counts only for the question that it answers
 *   retention   what was removed is in the baseline: the replay is still the same
 *   busy        a replay in the middle of a bad day
 *   dry         dry runs at any moment
 *   removed     rows that are no longer produced are taken away where that was asked for
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/must.h"
#include "db/sqlite.h"
#include "engine/replay.h"
#include "engine/shadow.h"
#include "store/run.h"
#include "store/shadow.h"
#include "test.h"
#include "world.h"

enum {
    SOURCES = 1 + DESK_SOURCES,
    PIPELINES = 1 + DESK_PIPELINES,
    SINKS = 1 + DESK_SINKS,
    ARENA = 64 << 20,
    FILE_MAX = 1 << 28,
};

struct scene {
    struct world world;
    struct drops_slice *drops;
    struct desk_slice *desk;
    struct plan_source sources[SOURCES];
    struct plan_pipeline pipelines[PIPELINES];
    struct plan_sink sinks[SINKS];
    char path[128];
};

static void scene_open(struct scene *scene, const struct scale *scale, uint64_t seed)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    memset(scene, 0, sizeof *scene);
    (void)snprintf(scene->path, sizeof scene->path, "%s/sluice-replay-%ld.db", folder,
                   (long)getpid());
    desk_slice_rules("", "");
    world_init(&scene->world, scene->path, seed);
    scene->drops = drops_slice_new(&scene->world, scale, seed);
    scene->desk = desk_slice_new(&scene->world, scale, seed);
    scene->sources[0] = *drops_slice_source(scene->drops);
    scene->pipelines[0] = *drops_slice_pipeline(scene->drops);
    scene->sinks[0] = *drops_slice_sink(scene->drops);
    desk_slice_parts(scene->desk, scene->sources + 1, scene->pipelines + 1, scene->sinks + 1);
    scene->world.plan = (struct plan){
        .sources = scene->sources,
        .source_count = SOURCES,
        .pipelines = scene->pipelines,
        .pipeline_count = PIPELINES,
        .sinks = scene->sinks,
        .sink_count = SINKS,
    };
}

static void scene_close(struct scene *scene)
{
    world_end(&scene->world);
    drops_slice_free(scene->drops);
    desk_slice_free(scene->desk);
    desk_slice_rules("", "");
}

static void good(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
    }
}

/* What a replay in a shadow would change. */
struct found {
    struct scene *scene;
    const struct plan_pipeline *pipeline;
    int64_t messages;
    int64_t records;
    int64_t changed;
    int64_t gone;
    int64_t asked; /* Questions without an answer. */
    int64_t unknown_effects;
    int64_t refused;
};

static const struct sim_sink *sink_of(const struct scene *scene, struct str name)
{
    for (size_t i = 0; i < SINKS; i++) {
        if (str_equal(scene->sinks[i].name, name)) {
            return (const struct sim_sink *)scene->sinks[i].sink;
        }
    }
    return NULL;
}

static bool on_absolute(void *context, const struct shadow_change *change, struct err *err)
{
    struct found *found = context;
    (void)err;
    found->records++;
    found->changed += !change->equal;
    return true;
}

static bool on_gone(void *context, const struct shadow_change *change, struct err *err)
{
    struct found *found = context;
    (void)err;
    assert_true(change->gone && change->body.ptr == NULL);
    found->gone++;
    return true;
}

static bool on_question(void *context, const struct shadow_change *change, struct err *err)
{
    struct found *found = context;
    (void)err;
    found->asked += !change->waiting;
    return true;
}

static bool on_effect(void *context, const struct shadow_change *change, struct err *err)
{
    struct found *found = context;
    struct effect effect = {.pipeline = found->pipeline->name,
                            .generation = change->generation,
                            .message = change->message,
                            .nth = change->nth};
    (void)err;
    found->records++;
    found->unknown_effects += !ledger_has(&sink_of(found->scene, change->sink)->ledger, &effect);
    return true;
}

static struct found look(struct scene *scene, size_t which)
{
    struct err err = {0};
    struct store *shadow = NULL;
    struct shadow_done done = {0};
    struct found found = {.scene = scene, .pipeline = &scene->pipelines[which]};
    struct str name = found.pipeline->name;
    good(store_shadow_of(scene->world.store, &shadow, &err), &err);
    struct shadow_place place = {
        .store = shadow, .plan = &scene->world.plan, .clock = &scene->world.clock};
    /* The op is open in the world's own worker. */
    struct shadow_task task = {.pipeline = found.pipeline, .again = true, .here_only = true};
    good(shadow_run_pipeline(&place, &task, &done, &err), &err);
    found.messages = done.messages;
    found.refused = done.refused;
    good(store_shadow_absolutes(shadow, name, on_absolute, &found, &err), &err);
    good(store_shadow_gone(shadow, name, done.start.baseline, on_gone, &found, &err), &err);
    good(store_shadow_others(shadow, name, RECORD_QUESTION, on_question, &found, &err), &err);
    good(store_shadow_others(shadow, name, RECORD_EFFECT, on_effect, &found, &err), &err);
    store_close(shadow);
    return found;
}

static void read_bytes(struct arena *arena, const char *path, const char *end, struct str *bytes)
{
    struct err err = {0};
    struct str name = arena_printf(arena, "%s%s", path, end);
    good(file_read(arena, name, FILE_MAX, bytes, &err), &err);
}

/* After a death the ops are open only once their workers ran. */
static void open_ops(struct scene *scene)
{
    struct err err = {0};
    scene->world.crash_permille = 0;
    for (size_t i = 0; i < scene->world.worker_count; i++) {
        struct worker *worker = scene->world.workers[i];
        if (worker->type == &worker_pipeline) {
            good(worker_run(worker, &err), &err);
        }
    }
}

static void assert_same(struct scene *scene, bool effects)
{
    struct arena arena;
    open_ops(scene);
    struct str before[2];
    struct str after[2];
    arena_init(&arena, ARENA);
    read_bytes(&arena, scene->path, "", &before[0]);
    read_bytes(&arena, scene->path, "-wal", &before[1]);
    for (size_t i = 0; i < PIPELINES; i++) {
        struct found found = look(scene, i);
        assert_int_equal(found.changed, 0);
        assert_int_equal(found.gone, 0);
        assert_int_equal(found.asked, 0);
        assert_true(!effects || found.unknown_effects == 0);
    }
    read_bytes(&arena, scene->path, "", &after[0]);
    read_bytes(&arena, scene->path, "-wal", &after[1]);
    assert_true(str_equal(before[0], after[0]) && str_equal(before[1], after[1]));
    arena_free(&arena);
}

static void ask(struct scene *scene, const struct replay_options *options)
{
    struct err err = {0};
    struct arena arena;
    struct request request = {.act = STR("replay"), .object = STR("desk")};
    int64_t id = 0;
    arena_init(&arena, ARENA);
    good(replay_options_write(options, &arena, &request.detail, &err), &err);
    good(store_begin(scene->world.store, NULL, &err), &err);
    good(store_request_put(scene->world.store, &request, &id, &err), &err);
    good(store_commit(scene->world.store, &err), &err);
    arena_free(&arena);
}

static int64_t number(struct scene *scene, const char *sql)
{
    struct err err = {0};
    int64_t value = -1;
    good(store_int(scene->world.store, sql, &value, &err), &err);
    return value;
}

static size_t effects_known(const struct scene *scene)
{
    size_t count = 0;
    for (size_t i = 0; i < SINKS; i++) { /* Of "leads" it is runs, of which there is one more. */
        const struct sim_sink *sink = (const struct sim_sink *)scene->sinks[i].sink;
        count += str_equal(scene->sinks[i].name, STR("leads")) ? 0 : sink->ledger.count;
    }
    return count;
}

static void check(struct scene *scene)
{
    assert_true(drops_slice_check(scene->drops));
    assert_true(desk_slice_check(scene->desk, scene->world.store, false));
}

/* Applied: the new marks are outside, nothing was repeated, and a replay finds nothing more. */
static void check_applied(struct scene *scene, size_t effects)
{
    check(scene);
    assert_int_equal(effects_known(scene), effects);
    assert_int_equal(number(scene, "SELECT value FROM meta WHERE key='generation/desk'"), 1);
    assert_int_equal(number(scene, "SELECT count(*) FROM audit WHERE act='replay.apply'"), 1);
    assert_int_equal(number(scene, "SELECT count(*) FROM outbox"), 0);
    assert_same(scene, false);
}

static void test_same(void **state)
{
    static struct scene scene;
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        scene_open(&scene, &scale_whole, seed);
        scene.world.fault_percent = 16;
        scene.world.crash_permille = 12;
        world_run(&scene.world);
        check(&scene);
        assert_same(&scene, true);
        assert_true(look(&scene, 1).messages > 0);
        assert_int_equal(look(&scene, 1).refused, scale_whole.customers / 4);
        scene_close(&scene);
    }
}

static void test_other(void **state)
{
    static struct scene scene;
    const struct replay_options options = {.actor = STR("test")};
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        scene_open(&scene, &scale_whole, seed);
        scene.world.fault_percent = 16;
        world_run(&scene.world);
        size_t effects = effects_known(&scene);
        desk_slice_rules("!", "");
        struct found found = look(&scene, 1);
        assert_int_equal(found.changed, scale_whole.customers);
        assert_int_equal(found.gone, 0);
        assert_int_equal(found.asked, 0);
        ask(&scene, &options);
        world_go_on(&scene.world);
        check_applied(&scene, effects);
        scene_close(&scene);
    }
}

/* Undelivered absolutes at the moment of the swap must not get lost, nor come in their old form. */
static void test_sweep(void **state)
{
    static struct scene scene;
    const struct replay_options options = {.actor = STR("test")};
    int64_t deaths = 0;
    (void)state;
    for (int64_t at = 1;; at++) {
        scene_open(&scene, &scale_small, 1);
        world_run(&scene.world);
        size_t effects = effects_known(&scene);
        desk_slice_rules("!", "");
        ask(&scene, &options);
        scene.world.crash_at = scene.world.crash_points + at;
        world_go_on(&scene.world);
        bool died = scene.world.crashes > 0;
        deaths += died;
        check_applied(&scene, effects);
        scene_close(&scene);
        if (!died) {
            break;
        }
    }
    assert_true(deaths > 10);
    print_message("replay: died at %" PRId64 " crash points\n", deaths);
}

/* A replay in the middle of the day: records wait, questions are open, messages go on coming. */
static void test_busy(void **state)
{
    static struct scene scene;
    const struct replay_options options = {.actor = STR("test")};
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        scene_open(&scene, &scale_whole, seed);
        scene.world.fault_percent = 20;
        scene.world.crash_permille = 8;
        world_boot(&scene.world);
        world_turn(&scene.world, 400 + 150 * (int64_t)seed);
        desk_slice_rules("!", "");
        unsigned permille = scene.world.crash_permille;
        scene.world.crash_permille = 0;
        ask(&scene, &options);
        scene.world.crash_permille = permille;
        world_go_on(&scene.world);
        scene.world.crash_permille = 0;
        check(&scene);
        assert_int_equal(number(&scene, "SELECT value FROM meta WHERE key='generation/desk'"), 1);
        assert_same(&scene, false);
        scene_close(&scene);
    }
}

static void test_questions(void **state)
{
    static struct scene scene;
    (void)state;
    scene_open(&scene, &scale_whole, 1);
    world_run(&scene.world);
    desk_slice_rules("", " please");
    struct found found = look(&scene, 1);
    assert_int_equal(found.asked, scale_whole.customers); /* Each would be asked again. */
    assert_int_equal(found.changed, scale_whole.customers - scale_whole.slots); /* No claim. */
    scene_close(&scene);
}

static void test_retention(void **state)
{
    static struct scene scene;
    (void)state;
    scene_open(&scene, &scale_whole, 2);
    scene.world.plan.archive_keep_ms = INT64_C(600) * 1000;
    world_run(&scene.world);
    int64_t all = number(&scene, "SELECT max(id) FROM archive");
    check(&scene);
    assert_same(&scene, true);
    assert_true(number(&scene, "SELECT count(*) FROM archive") < all);
    assert_true(number(&scene, "SELECT min(id) FROM archive") >
                number(&scene, "SELECT value FROM meta WHERE key='archive_floor'"));
    scene.world.wall_ms += INT64_C(3600) * 1000; /* Now nearly everything is old. */
    world_turn(&scene.world, 4000);
    assert_true(number(&scene, "SELECT count(*) FROM archive") < all / 4);
    assert_same(&scene, false);
    scene_close(&scene);
}

/* Rows that are no longer produced: forgotten, or taken away where that was asked for. */
static void test_removed(void **state)
{
    static struct scene scene;
    (void)state;
    for (int asked = 0; asked <= 1; asked++) {
        const struct replay_options options = {.actor = STR("test"), .remove = asked == 1};
        scene_open(&scene, &scale_whole, 3);
        scene.world.fault_percent = 16;
        world_run(&scene.world);
        desk_slice_rules("-", "");
        struct found found = look(&scene, 1);
        assert_int_equal(found.gone, scale_whole.customers);
        assert_int_equal(found.changed, 0);
        ask(&scene, &options);
        world_go_on(&scene.world);
        assert_int_equal(desk_slice_leads(scene.desk), asked == 1 ? 0 : scale_whole.customers);
        assert_same(&scene, false);
        desk_slice_rules("", ""); /* And back: they are made again. */
        ask(&scene, &options);
        world_go_on(&scene.world);
        assert_int_equal(desk_slice_leads(scene.desk), scale_whole.customers);
        check(&scene);
        scene_close(&scene);
    }
}

/* Sources read and pipelines worked in a shadow, at any moment of a bad day: nobody notices. */
static void dry_run(struct scene *scene)
{
    struct err err = {0};
    struct store *shadow = NULL;
    struct shadow_options options = {
        .path = str_of(scene->path), .clock = &scene->world.clock, .intake = true};
    unsigned fault_percent = scene->world.fault_percent;
    scene->world.fault_percent = 0;
    good(store_shadow_open(&shadow, &options, &err), &err);
    struct shadow_place place = {
        .store = shadow, .plan = &scene->world.plan, .clock = &scene->world.clock};
    for (size_t i = 0; i < SOURCES; i++) {
        good(shadow_run_source(&place, &scene->sources[i], &err), &err);
    }
    for (size_t i = 0; i < PIPELINES; i++) {
        struct shadow_done done;
        struct shadow_task task = {
            .pipeline = &scene->pipelines[i], .from = SHADOW_FROM_NOW, .again = true};
        good(shadow_run_pipeline(&place, &task, &done, &err), &err);
    }
    store_close(shadow);
    scene->world.fault_percent = fault_percent;
}

static void test_dry(void **state)
{
    static struct scene scene;
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        scene_open(&scene, &scale_whole, seed);
        scene.world.fault_percent = 16;
        world_boot(&scene.world);
        for (int times = 0; times < 6; times++) {
            struct arena arena;
            struct str before[2];
            struct str after[2];
            world_turn(&scene.world, 150);
            arena_init(&arena, ARENA);
            open_ops(&scene);
            read_bytes(&arena, scene.path, "", &before[0]);
            read_bytes(&arena, scene.path, "-wal", &before[1]);
            dry_run(&scene);
            read_bytes(&arena, scene.path, "", &after[0]);
            read_bytes(&arena, scene.path, "-wal", &after[1]);
            assert_true(str_equal(before[0], after[0]) && str_equal(before[1], after[1]));
            arena_free(&arena);
        }
        scene.world.crash_permille = 12;
        world_go_on(&scene.world);
        check(&scene);
        assert_same(&scene, true);
        scene_close(&scene);
    }
}

int main(void)
{
    struct err err = {0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),      cmocka_unit_test(test_other),
        cmocka_unit_test(test_sweep),     cmocka_unit_test(test_busy),
        cmocka_unit_test(test_questions), cmocka_unit_test(test_retention),
        cmocka_unit_test(test_removed),   cmocka_unit_test(test_dry),
    };
    must(sqlite_setup(&err));
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
