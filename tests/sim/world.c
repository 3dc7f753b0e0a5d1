#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "db/sqlite.h"
#include "store/archive.h"

const struct scale scale_whole = {12, 9, 20, 120};
const struct scale scale_small = {3, 2, 3, 12};

static struct world *world_of(struct clock *clock)
{
    return (struct world *)(void *)clock;
}

static int64_t sim_wall(struct clock *clock)
{
    return world_of(clock)->wall_ms;
}

static int64_t sim_mono(struct clock *clock)
{
    return world_of(clock)->mono_ms;
}

static void pass(struct world *world, int64_t ms)
{
    world->mono_ms += ms;
    world->wall_ms += ms;
}

static void sim_sleep(struct clock *clock, int64_t mono_ms)
{
    struct world *world = world_of(clock);
    if (mono_ms > world->mono_ms) {
        pass(world, mono_ms - world->mono_ms);
    }
}

bool world_chance(struct world *world, unsigned percent)
{
    return percent > 0 && rng_chance(&world->rng, percent);
}

bool ledger_has(const struct sim_ledger *ledger, const struct effect *effect)
{
    char text[EFFECT_TEXT_MAX];
    (void)effect_text(effect, text);
    for (size_t i = 0; i < ledger->count; i++) {
        if (strcmp(ledger->effects[i], text) == 0) {
            return true;
        }
    }
    return false;
}

bool ledger_add(struct sim_ledger *ledger, const struct effect *effect)
{
    char text[EFFECT_TEXT_MAX];
    if (ledger_has(ledger, effect)) {
        return false;
    }
    must(ledger->count < WORLD_EFFECTS_MAX);
    (void)effect_text(effect, text);
    (void)snprintf(ledger->effects[ledger->count++], sizeof ledger->effects[0], "%s", text);
    return true;
}

void history_say(struct history *history, int chat, const char *id, const char *text, int64_t at_ms)
{
    must(history->count < WORLD_HISTORY_MAX);
    struct saying *said = &history->said[history->count++];
    said->chat = chat;
    said->at_ms = at_ms;
    (void)snprintf(said->id, sizeof said->id, "%s", id);
    (void)snprintf(said->text, sizeof said->text, "%s", text);
}

static struct str chat_name(const struct sim_source *source, int chat, struct arena *arena)
{
    return arena_printf(arena, "%s%d", source->chat_prefix, chat);
}

/* A version of the roster: rows "haifa" and "eilat" with what the text says. */
static bool show_snapshot(struct sim_source *source, struct batch *batch, const struct saying *said)
{
    (void)source;
    struct snapshot *snapshot = arena_alloc(batch->arena, sizeof *snapshot);
    struct snapshot_row *rows = arena_array(batch->arena, 2, sizeof *rows);
    rows[0] = (struct snapshot_row){STR("eilat"), arena_copy(batch->arena, str_of(said->text))};
    rows[1] = (struct snapshot_row){STR("haifa"), arena_copy(batch->arena, str_of(said->text))};
    *snapshot = (struct snapshot){STR("roster"), rows, 2};
    batch->snapshot = snapshot;
    return true;
}

/* What a look at a message shows is its latest form, whenever it was first said. */
static const struct saying *latest(const struct sim_source *source, const struct saying *said)
{
    const struct history *history = source->history;
    for (size_t i = history->count; i > 0; i--) {
        const struct saying *other = &history->said[i - 1];
        if (other->at_ms <= source->world->wall_ms && other->chat == said->chat &&
            strcmp(other->id, said->id) == 0) {
            return other;
        }
    }
    return said;
}

static void show(struct sim_source *source, struct batch *batch, const struct saying *said)
{
    said = latest(source, said);
    if (source->snapshots) {
        (void)show_snapshot(source, batch, said);
        return;
    }
    struct message *message = batch_add(batch, strlen(said->text));
    *message = (struct message){
        .kind = source->kind,
        .chat = chat_name(source, said->chat, batch->arena),
        .external_id = arena_copy(batch->arena, str_of(said->id)),
        .sender = STR("972 55-000-0000"),
        .text = arena_copy(batch->arena, str_of(said->text)),
        .sent_ms = said->at_ms,
    };
}

/* Cursor of a chat: number of entries of the whole history that were looked at for it. */
static void fetch_chat(struct sim_source *source, struct batch *batch, struct chat_cursor *chat)
{
    struct world *world = source->world;
    const struct history *history = source->history;
    int64_t from = 0;
    (void)str_to_int64(chat->cursor, &from);
    size_t at = (size_t)from;
    if (at >= 4 && !source->snapshots && world_chance(world, 25)) {
        at -= 1 + (size_t)rng_below(&world->rng, 4); /* Looks back: shows some twice. */
    }
    size_t room = 1 + (size_t)rng_below(&world->rng, 12);
    for (; at < history->count && history->said[at].at_ms <= world->wall_ms && room > 0; at++) {
        const struct saying *said = &history->said[at];
        struct str name = chat_name(source, said->chat, batch->arena);
        if (chat->chat.len > 0 && !str_equal(chat->chat, name)) {
            continue;
        }
        show(source, batch, said);
        room = source->snapshots ? 0 : room - 1;
    }
    bool more = at < history->count && history->said[at].at_ms <= world->wall_ms;
    batch->more = batch->more || more;
    if ((int64_t)at > from) {
        chat->next = arena_printf(batch->arena, "%zu", at);
    }
}

static bool sim_fetch(struct source *base, struct batch *batch, int64_t deadline_ms,
                      struct err *err)
{
    struct sim_source *source = (struct sim_source *)base;
    struct world *world = source->world;
    (void)deadline_ms;
    pass(world, (int64_t)rng_below(&world->rng, 3000)); /* The outside is slow. */
    if (world_chance(world, world->fault_percent)) {
        return err_set(err, ERR_RETRY, "the page is gone");
    }
    for (size_t i = 0; i < batch->chat_count; i++) {
        fetch_chat(source, batch, &batch->chats[i]);
        if (source->snapshots && batch->snapshot != NULL) {
            break;
        }
    }
    return true;
}

static bool sim_write(struct sink *base, struct parcel *parcels, size_t count, struct arena *arena,
                      int64_t deadline_ms, struct err *err)
{
    struct sim_sink *sink = (struct sim_sink *)base;
    struct world *world = sink->world;
    (void)deadline_ms;
    pass(world, (int64_t)rng_below(&world->rng, 500));
    if (world_chance(world, world->fault_percent / 2)) {
        return err_set(err, ERR_RETRY, "cannot be reached");
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) { /* The contract: no two of one entity. */
            must(!str_equal(parcels[i].entity, parcels[j].entity) ||
                 !str_equal(parcels[i].target, parcels[j].target));
        }
        if (world_chance(world, world->fault_percent / 4)) {
            parcels[i].why = STR("refused for now");
            continue;
        }
        sink->apply(sink, &parcels[i], arena);
        parcels[i].verdict = VERDICT_DONE;
        if (world_chance(world, world->fault_percent / 8)) { /* Done, and said to be not. */
            parcels[i].verdict = VERDICT_RETRY;
            parcels[i].answer = (struct str){0};
        }
    }
    /* The nasty one: the write happened and the answer was lost. */
    return !world_chance(world, world->fault_percent / 2) ||
           err_set(err, ERR_RETRY, "no answer after the write");
}

static const struct source_type sim_source_type = {.connector = {.kind = "sim"},
                                                   .fetch = sim_fetch};
static const struct sink_type sim_sink_type = {
    .connector = {.kind = "sim"}, .write = sim_write, .removes = true};

void sim_source_init(struct sim_source *source, struct world *world, const char *name,
                     const struct history *history, const char *chat_prefix)
{
    *source = (struct sim_source){
        .source = {.connector = {.name = str_of(name)}, .type = &sim_source_type},
        .world = world,
        .history = history,
        .chat_prefix = chat_prefix,
    };
}

void sim_sink_init(struct sim_sink *sink, struct world *world, const char *name,
                   void (*apply)(struct sim_sink *sink, struct parcel *parcel, struct arena *arena))
{
    memset(sink, 0, sizeof *sink);
    sink->sink = (struct sink){.connector = {.name = str_of(name)}, .type = &sim_sink_type};
    sink->world = world;
    sink->apply = apply;
}

static bool crash_point(void *context)
{
    struct world *world = context;
    world->crash_points++;
    world->commits += world->crash_points % 2; /* Each change passes two points. */
    if (world->crash_at != 0) {
        return world->crash_points != world->crash_at;
    }
    return world->crash_permille == 0 || rng_below(&world->rng, 1000) >= world->crash_permille;
}

static void fail(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "sim: %s: %s\n", what, err->text);
    abort();
}

static struct store *open_store(struct world *world)
{
    struct err err = {0};
    struct store *store = NULL;
    struct store_options options = {.path = str_of(world->path),
                                    .clock = &world->clock,
                                    .seed = 7,
                                    .vfs = world->vfs,
                                    .checkpoint_pages = world->checkpoint_pages};
    if (!store_open(&store, &options, &err)) {
        fail("open", &err);
    }
    return store;
}

static void ring(struct bell *bell)
{
    struct world *world = (struct world *)(void *)((char *)bell - offsetof(struct world, bell));
    for (size_t i = 0; i < world->worker_count; i++) {
        struct worker *worker = world->workers[i];
        if (worker->failures == 0 && worker->wake_ms > world->mono_ms) {
            worker->wake_ms = world->mono_ms;
        }
    }
}

static struct worker *seat(struct world *world, const struct worker_type *type, struct str name)
{
    must(world->worker_count < WORLD_WORKERS_MAX);
    struct worker *worker = mem_alloc(sizeof *worker);
    must(worker != NULL);
    worker->type = type;
    worker->plan = &world->plan;
    worker->clock = &world->clock;
    worker->rng = &world->rng;
    worker->bell = &world->bell;
    worker->owner = STR("sim");
    worker->data_dir = STR("/nowhere");
    worker->wake_ms = world->mono_ms;
    (void)snprintf(worker->name, sizeof worker->name, "%s/%.*s", type->name, STR_ARG(name));
    arena_init(&worker->arena, 64 << 20);
    arena_init(&worker->open_arena, 64 << 20);
    worker->store = world->store;
    if (world->handles) {
        worker->store = open_store(world);
        store_set_crash_point(worker->store, crash_point, world);
    }
    world->workers[world->worker_count++] = worker;
    return worker;
}

void world_boot(struct world *world)
{
    world->bell.ring = ring;
    world->worker_count = 0;
    world->store = open_store(world);
    store_set_crash_point(world->store, crash_point, world);
    for (size_t i = 0; i < world->plan.source_count; i++) {
        seat(world, &worker_intake, world->plan.sources[i].name)->source = &world->plan.sources[i];
    }
    for (size_t i = 0; i < world->plan.pipeline_count; i++) {
        seat(world, &worker_pipeline, world->plan.pipelines[i].name)->pipeline =
            &world->plan.pipelines[i];
    }
    for (size_t i = 0; i < world->plan.sink_count; i++) {
        seat(world, &worker_delivery, world->plan.sinks[i].name)->sink = &world->plan.sinks[i];
    }
    (void)seat(world, &worker_conductor, STR(""));
    (void)seat(world, &worker_upkeep, STR(""));
}

void world_kill(struct world *world)
{
    for (size_t i = 0; i < world->worker_count; i++) {
        struct worker *worker = world->workers[i];
        worker->lease = (struct lease){0}; /* A dead process gives nothing back. */
        worker_close(worker);
        if (worker->store != world->store) {
            store_close(worker->store);
        }
        mem_free(worker);
    }
    world->worker_count = 0;
    store_close(world->store);
    world->store = NULL;
}

static void remove_files(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock"};
    char name[256];
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)remove(name);
    }
}

void world_init(struct world *world, const char *path, uint64_t seed)
{
    const int64_t start_ms = 1767225600000; /* 2026-01-01 */
    remove_files(path);
    *world = (struct world){
        .clock = {.wall_ms = sim_wall, .mono_ms = sim_mono, .sleep_until = sim_sleep},
        .wall_ms = start_ms,
        .mono_ms = 1000,
        .path = path,
    };
    rng_seed(&world->rng, seed);
}

void world_end(struct world *world)
{
    if (world->store != NULL) {
        world_kill(world);
    }
    remove_files(world->path);
}

static int64_t count(struct world *world, const char *sql)
{
    struct err err = {0};
    int64_t value = 0;
    if (!store_int(world->store, sql, &value, &err)) {
        fail(sql, &err);
    }
    return value;
}

static int64_t cursor_of(struct world *world, struct str source, struct str chat)
{
    struct err err = {0};
    struct arena arena;
    struct str cursor = {0};
    int64_t value = -1;
    arena_init(&arena, 4096 * 16);
    if (!store_cursor_get(world->store, &arena, source, chat, &cursor, &err)) {
        fail("cursor", &err);
    }
    (void)str_to_int64(cursor, &value);
    arena_free(&arena);
    return value;
}

/* Every chat that was ever looked at has been looked at to its end. */
static bool sources_read(struct world *world)
{
    for (size_t i = 0; i < world->plan.source_count; i++) {
        const struct plan_source *plan = &world->plan.sources[i];
        const struct history *history = ((struct sim_source *)plan->source)->history;
        for (size_t j = 0; j < world->plan.pipeline_count; j++) {
            const struct plan_pipeline *pipeline = &world->plan.pipelines[j];
            for (size_t k = 0; k < pipeline->chat_count; k++) {
                const struct plan_chat *chat = &pipeline->chats[k];
                if (str_equal(chat->source, plan->name) &&
                    cursor_of(world, plan->name, chat->chat) < (int64_t)history->count) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* Everything that was said is archived, worked on and delivered, and no run is open. */
static bool is_done(struct world *world)
{
    for (size_t i = 0; i < world->plan.source_count; i++) {
        const struct sim_source *source = (struct sim_source *)world->plan.sources[i].source;
        const struct history *history = source->history;
        if (history->count > 0 && world->wall_ms < history->said[history->count - 1].at_ms) {
            return false;
        }
    }
    if (count(world, "SELECT count(*) FROM outbox") > 0 ||
        count(world, "SELECT count(*) FROM run WHERE phase<3") > 0 ||
        count(world, "SELECT count(*) FROM request WHERE run_id IS NULL") > 0 ||
        count(world,
              "SELECT count(*) FROM position p WHERE p.id<(SELECT max(id) FROM archive)"
              " AND p.pipeline NOT IN (SELECT id FROM name WHERE text LIKE 'baseline/%')") > 0) {
        return false;
    }
    return sources_read(world);
}

/* Somebody else takes the work of a worker that does not know: it must write nothing any more. */
static void steal(struct world *world)
{
    struct err err = {0};
    struct lease other = {0};
    struct worker *worker = world->workers[rng_below(&world->rng, world->worker_count)];
    if (worker->lease.work == 0 || worker->type == &worker_upkeep) {
        return;
    }
    unsigned crash_permille = world->crash_permille;
    world->crash_permille = 0;
    if (!store_lease_take(world->store, NULL, str_of(worker->name), STR("another"), &other, &err)) {
        fail("steal", &err);
    }
    int64_t points = world->crash_points;
    (void)worker_run(worker, &err);
    world->crash_permille = crash_permille;
    if (world->crash_points != points) {
        (void)fprintf(stderr, "sim: %s wrote after its lease was taken\n", worker->name);
        abort();
    }
    world->steals++;
    world_kill(world);
    world_boot(world);
}

static void jump(struct world *world)
{
    static const int64_t jumps[] = {-3600000, -90000, 45000, 3600000};
    const int64_t skew_max_ms = 2 * 3600000; /* A clock that only went back would never arrive. */
    int64_t ms = jumps[rng_below(&world->rng, sizeof jumps / sizeof jumps[0])];
    if (llabs(world->skew_ms + ms) <= skew_max_ms) {
        world->skew_ms += ms;
        world->wall_ms += ms;
    }
}

/* Run one random worker that is due; let time pass when none is. */
static void world_round(struct world *world)
{
    struct worker *due[WORLD_WORKERS_MAX];
    size_t due_count = 0;
    int64_t soonest = INT64_MAX;
    struct err err = {0};
    for (size_t i = 0; i < world->worker_count; i++) {
        struct worker *worker = world->workers[i];
        soonest = worker->wake_ms < soonest ? worker->wake_ms : soonest;
        if (worker->wake_ms <= world->mono_ms) {
            due[due_count++] = worker;
        }
    }
    if (due_count == 0) {
        pass(world, soonest - world->mono_ms + (int64_t)rng_below(&world->rng, 50));
        return;
    }
    if (world->jump_permille > 0 && rng_below(&world->rng, 1000) < world->jump_permille) {
        jump(world);
    }
    if (world->steal_permille > 0 && rng_below(&world->rng, 1000) < world->steal_permille) {
        steal(world);
        return;
    }
    if (!worker_run(due[rng_below(&world->rng, due_count)], &err)) {
        world->last_words = err;
        world->crashes++;
        world_kill(world);
        world_boot(world);
    }
}

/* What a world that never comes to rest is at. */
static void tell(struct world *world)
{
    for (size_t i = 0; i < world->worker_count; i++) {
        const struct worker *worker = world->workers[i];
        (void)fprintf(stderr, "%s: %d failures, due in %lld ms\n", worker->name, worker->failures,
                      (long long)(worker->wake_ms - world->mono_ms));
    }
    (void)fprintf(stderr, "archive %lld, outbox %lld, open runs %lld, behind %lld\n",
                  (long long)count(world, "SELECT count(*) FROM archive"),
                  (long long)count(world, "SELECT count(*) FROM outbox"),
                  (long long)count(world, "SELECT count(*) FROM run WHERE phase<3"),
                  (long long)count(world, "SELECT count(*) FROM position p WHERE p.id<"
                                          "(SELECT max(id) FROM archive)"));
}

void world_run(struct world *world)
{
    world_boot(world);
    world_go_on(world);
}

void world_turn(struct world *world, int64_t rounds)
{
    for (int64_t i = 0; i < rounds; i++) {
        world_round(world);
    }
}

void world_go_on(struct world *world)
{
    for (world->rounds = 0;; world->rounds++) {
        if (world->rounds == WORLD_ROUNDS_MAX) {
            tell(world);
            abort();
        }
        if (world->rounds % 16 == 0 && is_done(world)) {
            return;
        }
        world_round(world);
    }
}

/* Forget what pipelines made of the archive; what sluice filed in it stays. */
static void forget_work(struct world *world)
{
    struct err err = {0};
    struct sqlite *db = NULL;
    bool ok = sqlite_open(&db, str_of(world->path), &(struct sqlite_options){0}, &err) &&
              sqlite_exec(db,
                          "DELETE FROM position; DELETE FROM subscription; DELETE FROM state;"
                          "DELETE FROM emitted; DELETE FROM outbox; DELETE FROM refused;",
                          &err);
    if (!ok) {
        fail("replay", &err);
    }
    sqlite_close(db);
}

void world_replay(struct world *world)
{
    struct err err = {0};
    bool busy = true;
    world_kill(world);
    forget_work(world);
    world->crash_permille = 0;
    world->crash_at = 0;
    world_boot(world);
    while (busy) {
        busy = false;
        for (size_t i = 0; i < world->worker_count; i++) {
            struct worker *worker = world->workers[i];
            if (worker->type == &worker_pipeline) {
                must(worker_run(worker, &err));
                busy = busy || worker->busy;
            }
        }
    }
}
