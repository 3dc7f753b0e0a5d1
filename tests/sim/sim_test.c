/*
 * The simulator's tests.
 *
 *   sweep   one scenario, and then again dying at each of its crash points in turn
 *   storm   many seeds: random failures, deaths, stolen leases, jumps of the clock
 *   replay  the same archive and the same rules give the same records
 *
 * SIM_SEEDS sets the number of seeds (200), SIM_FROM the first (1): a failing seed is printed, and
 *     SIM_FROM=<seed> SIM_SEEDS=1 ci/zig build test-unit -Dunit=sim/sim
 * repeats it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "db/sqlite.h"
#include "test.h"
#include "world.h"

enum { SOURCES = 1 + DESK_SOURCES, PIPELINES = 1 + DESK_PIPELINES, SINKS = 1 + DESK_SINKS };

enum { SHARES_MAX = 8 };

/* This process runs a share of the cases: a failure ends it, and the test fails by its status. */
static bool in_share;

struct tally;
typedef void run_case(int64_t which, struct tally *tally);

__attribute__((format(printf, 1, 2))) static void case_failed(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (in_share) {
        (void)fprintf(stderr, "%s\n", text);
        _exit(1);
    }
    fail_msg("%s", text);
}

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
    char path[128];
    (void)snprintf(path, sizeof path, "%s/sluice-sim-%ld.db", folder, (long)getpid());
    memset(scene, 0, sizeof *scene);
    memcpy(scene->path, path, sizeof path);
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

static void scene_check(struct scene *scene, const char *what, int64_t which)
{
    bool jumps = scene->world.jump_permille > 0;
    bool ok = drops_slice_check(scene->drops);
    ok = desk_slice_check(scene->desk, scene->world.store, jumps) && ok;
    if (!ok) {
        case_failed("%s %" PRId64 " (repeat: SIM_FROM=%" PRId64 " SIM_SEEDS=1)", what, which,
                    which);
    }
}

static void scene_close(struct scene *scene)
{
    world_end(&scene->world);
    drops_slice_free(scene->drops);
    desk_slice_free(scene->desk);
}

static int64_t setting(const char *name, int64_t fallback)
{
    const char *text = getenv(name);
    int64_t value = 0;
    return text != NULL && str_to_int64(str_of(text), &value) ? value : fallback;
}

/* What the cases of a test add up to. */
struct tally {
    int64_t crashes;
    int64_t steals;
    int64_t minutes;
};

/* In a process of its own: every `stride`-th case from `first` on. Ends it. */
static void run_share(int64_t first, int64_t end, int64_t stride, run_case *one, int out)
{
    struct tally tally = {0};
    for (int64_t which = first; which < end; which += stride) {
        one(which, &tally);
    }
    bool sent = write(out, &tally, sizeof tally) == (ssize_t)sizeof tally;
    _exit(sent ? 0 : 1);
}

/*
 * Share cases from..end-1 out among processes, a core each, and add up what they found. A case that
 * fails has printed why. A single case runs in this process, where a debugger is.
 */
static struct tally run_cases(int64_t from, int64_t end, int64_t step, run_case *one)
{
    struct tally sum = {0};
    pid_t pids[SHARES_MAX] = {0};
    int ends[2];
    int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t shares = cores < SHARES_MAX ? cores : SHARES_MAX;
    if (end - from <= step) {
        one(from, &sum);
        return sum;
    }
    assert_int_equal(pipe(ends), 0);
    for (int64_t i = 0; i < shares; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            in_share = true;
            run_share(from + i * step, end, shares * step, one, ends[1]);
        }
    }
    (void)close(ends[1]);
    struct tally part;
    while (read(ends[0], &part, sizeof part) == (ssize_t)sizeof part) {
        sum.crashes += part.crashes;
        sum.steals += part.steals;
        sum.minutes += part.minutes;
    }
    (void)close(ends[0]);
    for (int64_t i = 0; i < shares; i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    return sum;
}

static void sweep_one(int64_t at, struct tally *tally)
{
    static struct scene scene;
    scene_open(&scene, &scale_small, 1);
    scene.world.fault_percent = 10;
    scene.world.crash_at = at;
    world_run(&scene.world);
    if (scene.world.crashes != 1) {
        case_failed("point %" PRId64 " was not passed", at);
    }
    scene_check(&scene, "sweep at", at);
    tally->crashes += scene.world.crashes;
    scene_close(&scene);
}

static void test_sweep(void **state)
{
    static struct scene scene;
    (void)state;
    scene_open(&scene, &scale_small, 1);
    scene.world.fault_percent = 10;
    world_run(&scene.world);
    scene_check(&scene, "sweep", 0);
    int64_t points = scene.world.crash_points;
    scene_close(&scene);
    int64_t step = setting("SIM_SWEEP_STEP", 1);
    struct tally tally = run_cases(1, points + 1, step, sweep_one);
    assert_int_equal(tally.crashes, (points + step - 1) / step);
    print_message("sweep: died at %" PRId64 " crash points\n", tally.crashes);
}

static void storm_one(int64_t seed, struct tally *tally)
{
    static struct scene scene;
    scene_open(&scene, &scale_whole, (uint64_t)seed);
    int64_t start_ms = scene.world.mono_ms;
    scene.world.fault_percent = 16;
    scene.world.crash_permille = 12;
    scene.world.steal_permille = 1;
    scene.world.handles = seed % 10 == 0;
    scene.world.jump_permille = seed % 3 == 0 ? 2 : 0;
    world_run(&scene.world);
    scene_check(&scene, "storm", seed);
    tally->crashes += scene.world.crashes;
    tally->steals += scene.world.steals;
    tally->minutes += (scene.world.mono_ms - start_ms) / 60000;
    scene_close(&scene);
}

static void test_storm(void **state)
{
    int64_t from = setting("SIM_FROM", 1);
    int64_t seeds = setting("SIM_SEEDS", 200);
    (void)state;
    struct tally tally = run_cases(from, from + seeds, 1, storm_one);
    assert_true(tally.crashes > 0);
    assert_true(seeds < 10 || tally.steals > 0);
    print_message("storm: %" PRId64 " seeds, %" PRId64 " deaths, %" PRId64
                  " stolen leases, %" PRId64 " virtual minutes\n",
                  seeds, tally.crashes, tally.steals, tally.minutes);
}

static const struct sim_sink *sink_of(const struct scene *scene, struct str name)
{
    for (size_t i = 0; i < SINKS; i++) {
        if (str_equal(scene->sinks[i].name, name)) {
            return (const struct sim_sink *)scene->sinks[i].sink;
        }
    }
    return NULL;
}

/* Everything that the replay emits was emitted before, and is what the world outside holds. */
static int64_t compare_replay(struct scene *scene)
{
    struct err err = {0};
    struct sqlite *db = NULL;
    bool row = true;
    int64_t records = 0;
    must(sqlite_open(&db, str_of(scene->path), &(struct sqlite_options){.readonly = true}, &err));
    struct query *query = sqlite_query(
        db,
        "SELECT s.text, p.text, o.generation, o.message, o.nth, o.flags & 15, o.entity,"
        " o.body FROM outbox o JOIN name s ON s.id=o.sink JOIN name p ON"
        " p.id=o.pipeline",
        &err);
    must(query != NULL && query_step(query, &row, &err));
    for (; row; must(query_step(query, &row, &err))) {
        struct effect effect = {.pipeline = query_text(query, 1),
                                .generation = query_int(query, 2),
                                .message = query_int(query, 3),
                                .nth = (int32_t)query_int(query, 4)};
        bool known =
            query_int(query, 5) == RECORD_ABSOLUTE
                ? desk_slice_holds(scene->desk, query_text(query, 6), &effect, query_text(query, 7))
                : ledger_has(&sink_of(scene, query_text(query, 0))->ledger, &effect);
        if (!known) {
            fail_msg("a replay emits something else for message %" PRId64, effect.message);
        }
        records++;
    }
    sqlite_close(db);
    return records;
}

static void test_replay(void **state)
{
    static struct scene scene;
    int64_t records = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        scene_open(&scene, &scale_whole, seed);
        scene.world.fault_percent = 16;
        scene.world.crash_permille = 12;
        world_run(&scene.world);
        scene_check(&scene, "replay", (int64_t)seed);
        world_replay(&scene.world);
        int64_t again = compare_replay(&scene);
        size_t before = 0;
        for (size_t i = 0; i < SINKS; i++) {
            before += ((struct sim_sink *)scene.sinks[i].sink)->ledger.count;
        }
        /* Effects and questions, and one absolute record for each row of leads. */
        int64_t rows = scale_whole.customers + 2;
        assert_int_equal(again, (int64_t)before + rows);
        records += again;
        scene_close(&scene);
    }
    print_message("replay: %" PRId64 " records, no difference\n", records);
}

int main(void)
{
    struct err err = {0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_replay),
    };
    must(sqlite_setup(&err));
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
