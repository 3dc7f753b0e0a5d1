/*
 * What happens when the disk, the power or the memory fails: each scene of the simulator once more,
 * with one thing going wrong, and at the end it has to look like an undisturbed one.
 *
 *   disk     the n-th I/O fails, once or until the process was restarted
 *   power    the machine stops before the n-th write or sync; a seed says what reached the platter
 *   memory   the n-th allocation fails, once or for a while
 *   opening  all of these, and files and shared memory that cannot be had, while a store is opened
 *   teeth    a disk that only says that it synced must be caught
 *
 * The whole walk over every n takes long, so each test takes a stride that fits its share of the
 * time (measured on its first, undisturbed scene), from an offset that FAULT_SEED decides (1).
 * FAULT_STRIDE=1 walks all of them (`zig build storm`). A failure prints FAULT_KIND, FAULT_AT and
 * FAULT_TIMES, which repeat it alone.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "db/sqlite.h"
#include "fault_vfs.h"
#include "test.h"
#include "world.h"

enum {
    SOURCES = 1 + DESK_SOURCES,
    PIPELINES = 1 + DESK_PIPELINES,
    SINKS = 1 + DESK_SINKS,
    WORKERS = SOURCES + PIPELINES + SINKS + 2, /* And conductor, upkeep. */
    WHILE_TIMES = 40,                          /* "For a while". */
    MEMORY = FAULT_KINDS,                      /* Beside the kinds of the disk. */
    LIAR_SECONDS = 4,
    SHARE_MS = 1800, /* CPU time of one walk; the whole file stays below a minute. */
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

static struct scene scene;

/* Faults strike while a worker takes a step: not while the test looks, and not while it boots. */
static struct {
    bool on;
    int64_t round;
    int64_t closings;
    int outside; /* In the code that stands for the outside world. */
    int64_t (*mono_ms)(struct clock *clock);
} stage;

static struct {
    int64_t at;
    int64_t times;
    int64_t seen;
    int64_t fired;
} memory;

static bool is_active(void)
{
    return stage.on && stage.outside == 0 && stage.round == scene.world.rounds &&
           stage.closings == fault_vfs.closings;
}

/* A worker's step begins by asking the time. */
static int64_t noticing_mono(struct clock *clock)
{
    if (scene.world.worker_count == WORKERS) {
        stage.on = true;
        stage.round = scene.world.rounds;
        stage.closings = fault_vfs.closings;
    }
    return stage.mono_ms(clock);
}

static bool memory_fails(void *context)
{
    (void)context;
    if (!is_active()) {
        return false;
    }
    memory.seen++;
    if (memory.at == 0 || memory.seen < memory.at || memory.fired >= memory.times) {
        return false;
    }
    memory.fired++;
    return true;
}

/* The outside has its own disk and memory: its code is called with all faults held back. */
static const struct source_type *real_source;
static const struct sink_type *real_sink;

static bool outside_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                          struct err *err)
{
    stage.outside++;
    bool ok = real_source->fetch(source, batch, deadline_ms, err);
    stage.outside--;
    return ok;
}

static bool outside_write(struct sink *sink, struct parcel *parcels, size_t count,
                          struct arena *arena, int64_t deadline_ms, struct err *err)
{
    stage.outside++;
    bool ok = real_sink->write(sink, parcels, count, arena, deadline_ms, err);
    stage.outside--;
    return ok;
}

/* The desk's ops are test code, what they call is not. */
static const struct op_type *real_ops[PIPELINES];
static struct op_type outside_ops[PIPELINES];

static struct op_env *inner(struct op_env *env)
{
    return env->engine;
}

static bool inner_get(struct op_env *env, struct str key, struct str *value, struct err *err)
{
    stage.outside--;
    bool ok = inner(env)->get(inner(env), key, value, err);
    stage.outside++;
    return ok;
}

static bool inner_put(struct op_env *env, struct str key, struct str value, struct err *err)
{
    stage.outside--;
    bool ok = inner(env)->put(inner(env), key, value, err);
    stage.outside++;
    return ok;
}

static bool inner_emit(struct op_env *env, const struct record *record, struct err *err)
{
    stage.outside--;
    bool ok = inner(env)->emit(inner(env), record, err);
    stage.outside++;
    return ok;
}

static bool inner_reference(struct op_env *env, struct str name, struct str key, struct str *row,
                            struct err *err)
{
    stage.outside--;
    bool ok = inner(env)->reference(inner(env), name, key, row, err);
    stage.outside++;
    return ok;
}

static bool outside_apply(struct op *op, struct op_env *env, const struct message *message,
                          struct err *err)
{
    struct op_env lent = {
        .arena = env->arena,
        .engine = env,
        .get = inner_get,
        .put = inner_put,
        .emit = inner_emit,
        .reference = inner_reference,
    };
    const struct op_type *real = real_ops[op->type - outside_ops];
    stage.outside++;
    bool ok = real->apply(op, &lent, message, err);
    stage.outside--;
    return ok;
}

static void wrap_outside(void)
{
    static struct source_type source_type;
    static struct sink_type sink_type;
    real_source = scene.sources[0].source->type;
    source_type = *real_source;
    source_type.fetch = outside_fetch;
    for (size_t i = 0; i < SOURCES; i++) {
        scene.sources[i].source->type = &source_type;
    }
    real_sink = scene.sinks[0].sink->type;
    sink_type = *real_sink;
    sink_type.write = outside_write;
    for (size_t i = 0; i < SINKS; i++) {
        scene.sinks[i].sink->type = &sink_type;
    }
    for (size_t i = 1; i < PIPELINES; i++) { /* The first is the real op of drops. */
        real_ops[i] = scene.pipelines[i].op->type;
        outside_ops[i] = *real_ops[i];
        outside_ops[i].apply = outside_apply;
        scene.pipelines[i].op->type = &outside_ops[i];
    }
}

static void remove_files(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[sizeof scene.path + 16];
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)remove(name);
    }
}

static void store_path(char path[128], pid_t process)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(path, 128, "%s/sluice-fault-%ld.db", folder, (long)process);
}

static void scene_open(uint64_t seed, unsigned fault_percent)
{
    char path[sizeof scene.path];
    store_path(path, getpid());
    memset(&scene, 0, sizeof scene);
    memset(&stage, 0, sizeof stage);
    memcpy(scene.path, path, sizeof path);
    world_init(&scene.world, scene.path, seed);
    scene.world.vfs = "fault";
    scene.world.fault_percent = fault_percent;
    scene.world.checkpoint_pages = 20; /* So that a small scene has many. */
    stage.mono_ms = scene.world.clock.mono_ms;
    scene.world.clock.mono_ms = noticing_mono;
    scene.drops = drops_slice_new(&scene.world, &scale_small, seed);
    scene.desk = desk_slice_new(&scene.world, &scale_small, seed);
    scene.sources[0] = *drops_slice_source(scene.drops);
    scene.pipelines[0] = *drops_slice_pipeline(scene.drops);
    scene.sinks[0] = *drops_slice_sink(scene.drops);
    desk_slice_parts(scene.desk, scene.sources + 1, scene.pipelines + 1, scene.sinks + 1);
    wrap_outside();
    scene.world.plan = (struct plan){
        .sources = scene.sources,
        .source_count = SOURCES,
        .pipelines = scene.pipelines,
        .pipeline_count = PIPELINES,
        .sinks = scene.sinks,
        .sink_count = SINKS,
    };
}

static void scene_close(void)
{
    world_end(&scene.world);
    drops_slice_free(scene.drops);
    desk_slice_free(scene.desk);
    scene.drops = NULL;
}

/* After a test that broke off. */
static int close_left(void **state)
{
    (void)state;
    mem_fault_set(NULL, NULL);
    stage.on = false;
    if (scene.drops != NULL) {
        scene_close();
    }
    return 0;
}

static bool is_right(void)
{
    bool ok = drops_slice_check(scene.drops);
    return desk_slice_check(scene.desk, scene.world.store, false) && ok;
}

static int64_t setting(const char *name, int64_t fallback)
{
    const char *text = getenv(name);
    int64_t value = 0;
    return text != NULL && str_to_int64(str_of(text), &value) ? value : fallback;
}

static const char *kind_name(int kind)
{
    return kind == MEMORY ? "memory" : fault_kind_name((enum fault_kind)kind);
}

/* How to repeat what is going on; said even when the process dies of it. */
static char repeat[128];

static void on_abort(int number)
{
    (void)number;
    (void)!write(STDERR_FILENO, repeat, strlen(repeat));
    (void)!write(STDERR_FILENO, "\n", 1);
}

static void plan(int kind, int64_t at, int64_t times, uint64_t seed)
{
    bool disk = kind != MEMORY;
    fault_vfs_plan(disk ? (enum fault_kind)kind : FAULT_NONE, disk ? at : 0, disk ? times : 0,
                   seed);
    memory.at = disk ? 0 : at;
    memory.times = disk ? 0 : times;
    memory.seen = 0;
    memory.fired = 0;
    (void)snprintf(repeat, sizeof repeat,
                   "repeat: FAULT_KIND=%s FAULT_AT=%" PRId64 " FAULT_TIMES=%" PRId64,
                   kind_name(kind), at, times);
}

static int64_t seen(int kind)
{
    return kind == MEMORY ? memory.seen : fault_vfs.seen;
}

static int64_t fired(int kind)
{
    return kind == MEMORY ? memory.fired : fault_vfs.fired;
}

/* What the kind promises beside the right end: NULL when it was kept. */
static const char *broken_promise(int kind)
{
    bool struck = fired(kind) > 0;
    switch (kind) {
    case FAULT_SYNC:
        if (struck && scene.world.crashes == 0) {
            return "a failed sync did not end the process";
        }
        return fault_vfs.syncs_after_failure > 0 ? "a sync was tried again after it had failed"
                                                 : NULL;
    case FAULT_POWER:
        return struck && scene.world.crashes == 0 ? "the process outlived its machine" : NULL;
    case FAULT_FULL:
        return scene.world.crashes > 0 ? "a full disk ended the process" : NULL;
    case MEMORY:
        return scene.world.crashes > 0 ? "a lack of memory ended the process" : NULL;
    default:
        return NULL;
    }
}

/* One scene with one fault. */
static void run_one(int kind, int64_t at, int64_t times, uint64_t seed)
{
    plan(kind, at, times, seed);
    scene_open(1, 0);
    world_run(&scene.world);
    const char *broken = broken_promise(kind);
    if (!is_right() || broken != NULL) {
        fail_msg("%s (last words: %s); %s",
                 broken != NULL ? broken : "the end is not the right one",
                 scene.world.last_words.text, repeat);
    }
    stage.on = false;
    scene_close();
}

struct walk {
    int64_t total;
    int64_t stride;
    int64_t offset;
};

/* An undisturbed scene says how many operations there are, and how long a scene takes. */
static struct walk measure(int kind, int64_t share_ms)
{
    int64_t before_us = clock_cpu_us();
    run_one(kind, 0, 0, 1);
    int64_t scene_us = clock_cpu_us() - before_us + 1;
    struct rng rng;
    struct walk walk = {.total = seen(kind)};
    int64_t scenes = share_ms * 1000 / scene_us;
    walk.stride = walk.total / (scenes > 0 ? scenes : 1);
    walk.stride = setting("FAULT_STRIDE", walk.stride);
    walk.stride = walk.stride > 0 ? walk.stride : 1;
    rng_seed(&rng, (uint64_t)setting("FAULT_SEED", 1) + (uint64_t)kind);
    walk.offset = (int64_t)rng_below(&rng, (uint64_t)walk.stride);
    return walk;
}

static bool chosen(int kind, int64_t *at, int64_t *times)
{
    const char *name = getenv("FAULT_KIND");
    *at = setting("FAULT_AT", 0);
    *times = setting("FAULT_TIMES", 1);
    return name == NULL || strcmp(name, kind_name(kind)) == 0;
}

static void walk_kind(int kind, int64_t times, int64_t share_ms)
{
    int64_t at = 0;
    int64_t only_times = 0;
    int64_t struck = 0;
    int64_t scenes = 0;
    if (!chosen(kind, &at, &only_times)) {
        return;
    }
    if (at > 0) {
        run_one(kind, at, only_times, (uint64_t)at);
        return;
    }
    struct walk walk = measure(kind, share_ms);
    for (at = 1 + walk.offset; at <= walk.total; at += walk.stride) {
        run_one(kind, at, times, (uint64_t)at);
        struck += fired(kind) > 0;
        scenes++;
    }
    assert_true(walk.total == 0 || scenes == 0 || struck > 0);
    print_message("%s, %s: %" PRId64 " of %" PRId64 " operations\n", kind_name(kind),
                  times == 1                ? "once"
                  : times == FAULT_FOR_GOOD ? "until restarted"
                                            : "for a while",
                  scenes, walk.total);
}

static void test_fault_disk(void **state)
{
    (void)state;
    int64_t share_ms = setting("FAULT_SHARE_MS", SHARE_MS);
    walk_kind(FAULT_EIO, 1, share_ms);
    walk_kind(FAULT_EIO, FAULT_FOR_GOOD, share_ms);
    walk_kind(FAULT_SHORT, 1, share_ms);
    walk_kind(FAULT_SHORT, FAULT_FOR_GOOD, share_ms);
    walk_kind(FAULT_FULL, 1, share_ms);
    walk_kind(FAULT_FULL, WHILE_TIMES, share_ms);
    walk_kind(FAULT_SYNC, 1, share_ms);
    walk_kind(FAULT_SYNC, FAULT_FOR_GOOD, share_ms);
    walk_kind(FAULT_LOCK, 1, share_ms);
    walk_kind(FAULT_LOCK, FAULT_FOR_GOOD, share_ms);
}

static void test_fault_power(void **state)
{
    (void)state;
    walk_kind(FAULT_POWER, 1, setting("FAULT_SHARE_MS", SHARE_MS) * 4);
}

static void test_fault_memory(void **state)
{
    int64_t share_ms = setting("FAULT_SHARE_MS", SHARE_MS) * 2;
    (void)state;
    mem_fault_set(memory_fails, NULL);
    walk_kind(MEMORY, 1, share_ms);
    walk_kind(MEMORY, WHILE_TIMES, share_ms);
    mem_fault_set(NULL, NULL);
}

/* In a process of its own: does a power cut with this seed leave the right end? */
static bool survives_liar(uint64_t seed, int64_t at)
{
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        (void)freopen("/dev/null", "w", stderr);
        (void)alarm(LIAR_SECONDS); /* A torn store may never come to rest: that is noticed, too. */
        plan(FAULT_POWER, at, 1, seed);
        fault_vfs.lying = true;
        scene_open(1, 0);
        world_run(&scene.world);
        bool right = is_right();
        stage.on = false;
        scene_close();
        _exit(right ? 0 : 1);
    }
    int status = 0;
    must(waitpid(child, &status, 0) == child);
    char path[sizeof scene.path];
    store_path(path, child); /* It may have died in the middle. */
    remove_files(path);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The tests above are worth nothing if a store that does not sync passes them. */
static void test_fault_teeth(void **state)
{
    int red = 0;
    enum { CUTS = 6 };
    (void)state;
    if (getenv("FAULT_KIND") != NULL) {
        return;
    }
    run_one(FAULT_POWER, 0, 0, 1);
    int64_t total = fault_vfs.seen;
    for (int i = 0; i < CUTS; i++) {
        red += !survives_liar((uint64_t)i + 1, total * (i + 1) / (CUTS + 2));
    }
    print_message("teeth: %d of %d power cuts on a lying disk were noticed\n", red, CUTS);
    assert_true(red >= CUTS / 2);
}

/* Opening, step by step: it fails cleanly or works, and works once the fault has gone. */
static bool open_once(struct err *err)
{
    struct store *store = NULL;
    struct store_options options = {
        .path = str_of(scene.path), .clock = clock_system(), .seed = 7, .vfs = "fault"};
    *err = (struct err){0};
    if (!store_open(&store, &options, err)) {
        return false;
    }
    int64_t version = 0;
    bool ok = store_int(store, "PRAGMA user_version", &version, err) && version > 0;
    store_close(store);
    return ok;
}

/* The number of operations that were seen. */
static int64_t open_with_fault(int kind, int64_t at, int64_t times, bool fresh)
{
    struct err err = {0};
    plan(FAULT_NONE, 0, 0, 1);
    remove_files(scene.path);
    if (!fresh && !open_once(&err)) {
        fail_msg("a fresh store cannot be opened: %s", err.text);
    }
    stage.on = true; /* is_active(): these three are equal. */
    plan(kind, at, times, (uint64_t)at);
    stage.round = scene.world.rounds;
    stage.closings = fault_vfs.closings;
    bool ok = open_once(&err);
    int64_t total = seen(kind);
    if (!ok && (err.kind == ERR_NONE || err.text[0] == '\0')) {
        fail_msg("opening failed without a reason; %s", repeat);
    }
    if (kind == FAULT_FULL && !ok && err.kind == ERR_STORE) {
        fail_msg("a full disk is taken for a broken one: %s; %s", err.text, repeat);
    }
    stage.on = false;
    if (!open_once(&err)) {
        fail_msg("after the fault: %s; %s", err.text, repeat);
    }
    return total;
}

static void walk_opening(int kind, int64_t times, bool fresh)
{
    int64_t at = 0;
    int64_t only_times = 0;
    if (!chosen(kind, &at, &only_times) || at > 0) {
        return;
    }
    int64_t total = open_with_fault(kind, 0, 0, fresh);
    int64_t stride = setting("FAULT_STRIDE", 1 + total / 60);
    struct rng rng;
    rng_seed(&rng, (uint64_t)setting("FAULT_SEED", 1));
    for (at = 1 + (int64_t)rng_below(&rng, (uint64_t)stride); at <= total; at += stride) {
        (void)open_with_fault(kind, at, times, fresh);
    }
}

static void test_fault_opening(void **state)
{
    static const int kinds[] = {FAULT_EIO,  FAULT_FULL, FAULT_SHORT, FAULT_SYNC, FAULT_OPEN,
                                FAULT_LOCK, FAULT_SHM,  FAULT_POWER, MEMORY};
    (void)state;
    scene_open(1, 0);
    mem_fault_set(memory_fails, NULL);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        walk_opening(kinds[i], 1, true);
        walk_opening(kinds[i], FAULT_FOR_GOOD, true);
        walk_opening(kinds[i], 1, false);
    }
    mem_fault_set(NULL, NULL);
    remove_files(scene.path);
    scene_close();
}

int main(void)
{
    struct err err = {0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_fault_opening, close_left),
        cmocka_unit_test_teardown(test_fault_disk, close_left),
        cmocka_unit_test_teardown(test_fault_power, close_left),
        cmocka_unit_test_teardown(test_fault_memory, close_left),
        cmocka_unit_test_teardown(test_fault_teeth, close_left),
    };
    must(sqlite_setup(&err));
    must(fault_vfs_install());
    must(signal(SIGABRT, on_abort) != SIG_ERR);
    fault_vfs.active = is_active;
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
