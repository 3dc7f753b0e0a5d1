/*
 * Reloads of a serving engine. Each plan lies in memory of its own that is filled with rubbish and
 * freed when the engine gives it back, so that a use afterwards shows.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "db/sqlite.h"
#include "engine/engine.h"
#include "text/test.h"

enum { CHATS = 6, MESSAGES_MAX = 3000, PARTS = 4, WAIT_MS = 10000, FETCH_COUNT = 20 };

/* What tests look at and disturb; shared by all instances of all plans. */
static struct yard {
    atomic_int total[CHATS];                        /* Messages that there are in each chat. */
    atomic_uchar given[PARTS][CHATS][MESSAGES_MAX]; /* By pipeline: what the sinks were given. */
    atomic_int opens[3][PARTS];
    atomic_int closes[3][PARTS];
    atomic_uintptr_t thread[3][PARTS]; /* Of the last call. */
    atomic_int strangers;              /* Calls from another thread than the one that opened. */
    atomic_bool hang[PARTS];           /* A fetch of the source does not come back. */
    atomic_bool hanging[PARTS];
    atomic_bool fail[PARTS]; /* Fetches of the source fail. */
    atomic_bool stamped;     /* A record had the stamp "new". */
    atomic_int plans;        /* Alive. */
} yard;

struct well {
    struct source source;
    struct str label;
    uintptr_t thread;
};
struct mill {
    struct op op;
    struct str stamp;
    struct str sink;
    int64_t number;
};
struct barn {
    struct sink sink;
    struct str label;
    uintptr_t thread;
};

/* The last letter of a name is its number. */
static int number_of(struct str name)
{
    assert_true(name.len > 0);
    int number = name.ptr[name.len - 1] - '0';
    assert_in_range(number, 0, CHATS - 1);
    return number;
}

static void called(enum part_kind kind, struct str name, uintptr_t *thread, bool opening)
{
    uintptr_t me = (uintptr_t)pthread_self();
    if (opening) {
        *thread = me;
        atomic_fetch_add(&yard.opens[kind][number_of(name)], 1);
    }
    atomic_fetch_add(&yard.strangers, *thread != me);
    atomic_store(&yard.thread[kind][number_of(name)], me);
}

static bool well_open(struct connector *connector, struct err *err)
{
    struct well *well = (struct well *)(void *)connector;
    (void)err;
    called(PART_SOURCE, connector->name, &well->thread, true);
    return true;
}

static void well_close(struct connector *connector)
{
    struct well *well = (struct well *)(void *)connector;
    called(PART_SOURCE, connector->name, &well->thread, false);
    atomic_fetch_add(&yard.closes[PART_SOURCE][number_of(connector->name)], 1);
}

static void pause_ms(int64_t ms)
{
    struct clock *clock = clock_system();
    clock->sleep_until(clock, clock_mono_ms(clock) + ms);
}

static bool well_chat(struct batch *batch, struct chat_cursor *chat)
{
    int64_t from = 0;
    assert_true(chat->cursor.ptr == NULL || str_to_int64(chat->cursor, &from));
    int64_t total = atomic_load(&yard.total[number_of(chat->chat)]);
    int64_t to = total - from < FETCH_COUNT ? total : from + FETCH_COUNT;
    for (int64_t i = from; i < to; i++) {
        struct message *message = batch_add(batch, 16);
        assert_non_null(message);
        *message = (struct message){.chat = chat->chat,
                                    .external_id = arena_printf(batch->arena, "%" PRId64, i),
                                    .sender = STR("Dana"),
                                    .text = STR("hello"),
                                    .sent_ms = 1};
    }
    chat->next = arena_printf(batch->arena, "%" PRId64, to);
    return to < total;
}

static bool well_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                       struct err *err)
{
    struct well *well = (struct well *)(void *)source;
    int number = number_of(source->connector.name);
    (void)deadline_ms;
    called(PART_SOURCE, source->connector.name, &well->thread, false);
    atomic_store(&yard.hanging[number], atomic_load(&yard.hang[number]));
    while (atomic_load(&yard.hang[number])) {
        pause_ms(1);
    }
    if (atomic_load(&yard.fail[number])) {
        return err_set(err, ERR_RETRY, "the well is dry");
    }
    for (size_t i = 0; i < batch->chat_count; i++) {
        batch->more = well_chat(batch, &batch->chats[i]) || batch->more;
    }
    return true;
}

static const struct option well_options[] = {
    OPTION_TEXT(struct well, label, "label", NULL, "A word."), OPTION_END};
static const struct source_type well_type = {.connector = {.kind = "well",
                                                           .options = well_options,
                                                           .size = sizeof(struct well),
                                                           .open = well_open,
                                                           .close = well_close},
                                             .fetch = well_fetch};

static bool mill_open(struct op *op, struct arena *arena, struct err *err)
{
    struct mill *mill = (struct mill *)(void *)op;
    (void)arena;
    mill->number = number_of(op->name);
    return !str_equal(mill->stamp, STR("bad")) || err_set(err, ERR_CONFIG, "a bad stamp");
}

static bool mill_apply(struct op *op, struct op_env *env, const struct message *message,
                       struct err *err)
{
    struct mill *mill = (struct mill *)(void *)op;
    struct record record = {
        .kind = RECORD_EFFECT,
        .sink = mill->sink,
        .target = STR("rows"),
        .entity = arena_printf(env->arena, "%" PRId64 "/%.*s/%.*s", mill->number,
                               STR_ARG(message->chat), STR_ARG(message->external_id)),
        .body = arena_printf(env->arena, "{\"set\":{\"stamp\":\"%.*s\"}}", STR_ARG(mill->stamp)),
    };
    return env->put(env, STR("last"), message->external_id, err) && env->emit(env, &record, err);
}

static const struct option mill_options[] = {OPTION_TEXT(struct mill, stamp, "stamp", NULL, "A."),
                                             OPTION_SINK(struct mill, sink, "sink", NULL, "A."),
                                             OPTION_END};
static const struct op_type mill_type = {.kind = "mill",
                                         .options = mill_options,
                                         .size = sizeof(struct mill),
                                         .open = mill_open,
                                         .apply = mill_apply};

static bool barn_open(struct connector *connector, struct err *err)
{
    struct barn *barn = (struct barn *)(void *)connector;
    (void)err;
    called(PART_SINK, connector->name, &barn->thread, true);
    return true;
}

static void barn_close(struct connector *connector)
{
    struct barn *barn = (struct barn *)(void *)connector;
    called(PART_SINK, connector->name, &barn->thread, false);
    atomic_fetch_add(&yard.closes[PART_SINK][number_of(connector->name)], 1);
}

static bool barn_write(struct sink *sink, struct parcel *parcels, size_t count, struct arena *arena,
                       int64_t deadline_ms, struct err *err)
{
    struct barn *barn = (struct barn *)(void *)sink;
    (void)arena;
    (void)deadline_ms;
    (void)err;
    called(PART_SINK, sink->connector.name, &barn->thread, false);
    for (size_t i = 0; i < count; i++) {
        struct str rest = parcels[i].entity;
        struct str word[3] = {{0}};
        int64_t n = 0;
        assert_true(str_split(&rest, '/', &word[0]) && str_split(&rest, '/', &word[1]) &&
                    str_split(&rest, '/', &word[2]) && str_to_int64(word[2], &n));
        atomic_fetch_add(&yard.given[number_of(word[0])][number_of(word[1])][n], 1);
        if (str_find(parcels[i].body, STR("\"new\""), 0) != STR_NONE) {
            atomic_store(&yard.stamped, true);
        }
        parcels[i].verdict = VERDICT_DONE;
    }
    return true;
}

static const struct option barn_options[] = {
    OPTION_TEXT(struct barn, label, "label", NULL, "A word."), OPTION_END};
static const struct sink_type barn_type = {.connector = {.kind = "barn",
                                                         .options = barn_options,
                                                         .size = sizeof(struct barn),
                                                         .open = barn_open,
                                                         .close = barn_close},
                                           .write = barn_write};

/* How a plan shall be: which parts there are, and what they are told. */
struct wish {
    unsigned sources; /* Bits. */
    unsigned pipelines;
    unsigned sinks;
    unsigned chats; /* Of each pipeline; pipeline n reads source n % 2. */
    const char *label;
    const char *stamp;
    const char *barn;
};

static const struct wish usual = {1, 1, 1, 1, "a", "old", "a"};

/* A plan in one piece of memory. */
struct estate {
    struct plan plan;
    struct plan_source sources[PARTS];
    struct plan_pipeline pipelines[PARTS];
    struct plan_sink sinks[PARTS];
    struct well wells[PARTS];
    struct mill mills[PARTS];
    struct barn barns[PARTS];
    struct plan_chat chats[PARTS][CHATS];
    char names[3][PARTS][16];
    char chat_names[CHATS][8];
    char words[3][16];
};

static void estate_release(void *owner)
{
    memset(owner, 0xA5, sizeof(struct estate));
    free(owner);
    atomic_fetch_sub(&yard.plans, 1);
}

static struct str named(struct estate *e, enum part_kind kind, int n)
{
    static const char *const nouns[] = {"well", "mill", "barn"};
    (void)snprintf(e->names[kind][n], sizeof e->names[kind][n], "%s-%d", nouns[kind], n);
    return str_of(e->names[kind][n]);
}

static void fill_pipeline(struct estate *e, const struct wish *wish, int n)
{
    struct plan_pipeline *pipeline = &e->pipelines[e->plan.pipeline_count++];
    e->mills[n] = (struct mill){.op = {.type = &mill_type},
                                .stamp = str_of(e->words[1]),
                                .sink = str_of(e->names[PART_SINK][0])};
    *pipeline = (struct plan_pipeline){
        .name = named(e, PART_PIPELINE, n), .op = &e->mills[n].op, .chats = e->chats[n]};
    for (int chat = 0; chat < CHATS; chat++) {
        (void)snprintf(e->chat_names[chat], sizeof e->chat_names[chat], "c%d", chat);
        if ((wish->chats >> chat & 1) != 0) {
            e->chats[n][pipeline->chat_count++] = (struct plan_chat){
                str_of(e->names[PART_SOURCE][n % 2]), str_of(e->chat_names[chat])};
        }
    }
}

static struct estate *estate_new(const struct wish *wish)
{
    struct estate *e = calloc(1, sizeof *e);
    assert_non_null(e);
    atomic_fetch_add(&yard.plans, 1);
    (void)snprintf(e->words[0], sizeof e->words[0], "%s", wish->label);
    (void)snprintf(e->words[1], sizeof e->words[1], "%s", wish->stamp);
    (void)snprintf(e->words[2], sizeof e->words[2], "%s", wish->barn);
    for (int n = 0; n < PARTS; n++) {
        struct str name = named(e, PART_SOURCE, n);
        if ((wish->sources >> n & 1) != 0) {
            e->wells[n] =
                (struct well){.source = {.type = &well_type}, .label = str_of(e->words[0])};
            e->sources[e->plan.source_count++] =
                (struct plan_source){.name = name, .source = &e->wells[n].source, .poll_ms = 5};
        }
        name = named(e, PART_SINK, n);
        if ((wish->sinks >> n & 1) != 0) {
            e->barns[n] = (struct barn){.sink = {.type = &barn_type}, .label = str_of(e->words[2])};
            e->sinks[e->plan.sink_count++] =
                (struct plan_sink){.name = name, .sink = &e->barns[n].sink};
        }
    }
    for (int n = 0; n < PARTS; n++) {
        if ((wish->pipelines >> n & 1) != 0) {
            fill_pipeline(e, wish, n);
        }
    }
    e->plan.sources = e->sources;
    e->plan.pipelines = e->pipelines;
    e->plan.sinks = e->sinks;
    return e;
}

/* A serving engine in a folder of its own. */
struct farm {
    char folder[64];
    struct engine *engine;
    struct thread thread;
    struct arena arena;
    struct engine_changes changes;
    struct err err;
    size_t left;
    bool ok;
};

static void *run_serving(void *argument)
{
    struct farm *farm = argument;
    struct err err = {0};
    farm->ok = engine_serve(farm->engine, &farm->left, &err);
    if (!farm->ok) {
        print_error("serving ended: %s\n", err.text);
    }
    store_leave_thread();
    return NULL;
}

static void farm_start(struct farm *farm, const struct wish *wish)
{
    struct estate *e = estate_new(wish);
    struct engine_options options = {.plan = &e->plan,
                                     .plan_owner = {e, estate_release},
                                     .data_dir = str_of(farm->folder),
                                     .clock = clock_system(),
                                     .owner = STR("test")};
    assert_true(engine_open(&farm->engine, &options, &farm->err));
    assert_true(thread_start(&farm->thread, run_serving, farm, false, &farm->err));
}

static void farm_stop(struct farm *farm)
{
    engine_stop(farm->engine);
    thread_join(&farm->thread);
    assert_int_equal(farm->left, 0);
    assert_true(farm->ok);
    engine_close(farm->engine);
    assert_int_equal(atomic_load(&yard.plans), 0); /* Every plan was given back. */
    assert_int_equal(atomic_load(&yard.strangers), 0);
    for (int kind = 0; kind < 3; kind++) {
        for (int n = 0; n < PARTS; n++) {
            assert_int_equal(atomic_load(&yard.opens[kind][n]), atomic_load(&yard.closes[kind][n]));
        }
    }
}

static bool reload(struct farm *farm, const struct wish *wish)
{
    struct estate *e = estate_new(wish);
    struct plan_owner owner = {e, estate_release};
    arena_reset(&farm->arena);
    for (int tries = 0; tries < 1000; tries++) { /* It may not be serving yet. */
        farm->err = (struct err){0};
        if (engine_reload(farm->engine, &e->plan, owner, &farm->arena, &farm->changes,
                          &farm->err)) {
            return true;
        }
        if (farm->err.kind != ERR_STOP) {
            break;
        }
        pause_ms(2);
    }
    estate_release(e); /* It was refused, so it is still ours. */
    return false;
}

static void reload_ok(struct farm *farm, const struct wish *wish)
{
    if (!reload(farm, wish)) {
        fail_msg("refused: %s", farm->err.text);
    }
}

static int delivered(int pipeline, int chat)
{
    int count = 0;
    for (int i = 0; i < MESSAGES_MAX; i++) {
        count += atomic_load(&yard.given[pipeline][chat][i]) > 0;
    }
    return count;
}

static void await_delivered(int pipeline, int chat, int count)
{
    int64_t until_ms = clock_mono_ms(clock_system()) + WAIT_MS;
    while (delivered(pipeline, chat) < count) {
        if (clock_mono_ms(clock_system()) > until_ms) {
            print_error("pipeline %d, chat %d: %d of %d\n", pipeline, chat,
                        delivered(pipeline, chat), count);
            abort();
        }
        pause_ms(2);
    }
}

static void await_int(const atomic_int *value, int wanted)
{
    int64_t until_ms = clock_mono_ms(clock_system()) + WAIT_MS;
    while (atomic_load(value) != wanted) {
        if (clock_mono_ms(clock_system()) > until_ms) {
            print_error("waited in vain for %d, it is %d\n", wanted, atomic_load(value));
            abort();
        }
        pause_ms(2);
    }
}

static void await_true(const atomic_bool *value)
{
    int64_t until_ms = clock_mono_ms(clock_system()) + WAIT_MS;
    while (!atomic_load(value)) {
        assert_true(clock_mono_ms(clock_system()) < until_ms);
        pause_ms(1);
    }
}

static void nothing_twice(void)
{
    for (int pipeline = 0; pipeline < PARTS; pipeline++) {
        for (int chat = 0; chat < CHATS; chat++) {
            for (int i = 0; i < MESSAGES_MAX; i++) {
                assert_in_range(atomic_load(&yard.given[pipeline][chat][i]), 0, 1);
            }
        }
    }
}

static int farm_open(void **state)
{
    static bool ready;
    struct farm *farm = calloc(1, sizeof *farm);
    assert_non_null(farm);
    memset(&yard, 0, sizeof yard);
    ready = ready || sqlite_setup(&farm->err);
    assert_true(ready);
    const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(farm->folder, sizeof farm->folder, "%s/sluice-farm-XXXXXX", place);
    assert_non_null(mkdtemp(farm->folder));
    arena_init(&farm->arena, 1 << 20);
    *state = farm;
    return 0;
}

static int farm_close(void **state)
{
    struct farm *farm = *state;
    struct file_list list = {0};
    if (file_list(&farm->arena, str_of(farm->folder), &list, &farm->err)) {
        for (size_t i = 0; i < list.count; i++) {
            (void)unlink(
                arena_printf(&farm->arena, "%s/%.*s", farm->folder, STR_ARG(list.names[i])).ptr);
        }
    }
    (void)rmdir(farm->folder);
    arena_free(&farm->arena);
    free(farm);
    return 0;
}

/* ---- The tests ---- */

static void what_did_not_change_is_not_disturbed(void **state)
{
    struct farm *farm = *state;
    farm_start(farm, &usual);
    atomic_store(&yard.total[0], 100);
    await_delivered(0, 0, 100);
    uintptr_t well = atomic_load(&yard.thread[PART_SOURCE][0]);
    for (int i = 0; i < 20; i++) {
        reload_ok(farm, &usual);
        assert_int_equal(farm->changes.count, 0);
        assert_int_equal(farm->changes.same, 3);
    }
    atomic_store(&yard.total[0], 200);
    await_delivered(0, 0, 200);
    await_int(&yard.plans, 2); /* The first, whose parts go on, and the last. */
    assert_int_equal(atomic_load(&yard.opens[PART_SOURCE][0]), 1);
    assert_int_equal(atomic_load(&yard.opens[PART_SINK][0]), 1);
    assert_true(well == atomic_load(&yard.thread[PART_SOURCE][0]));
    farm_stop(farm);
    nothing_twice();
}

static const struct {
    struct wish wish;
    size_t changes;
    enum part_kind kind;
    enum part_fate fate;
    const char *name;
} edits[] = {
    {{1, 1, 1, 3, "a", "old", "a"}, 1, PART_PIPELINE, PART_CHANGED, "mill-0"},
    {{1, 1, 1, 1, "a", "new", "a"}, 1, PART_PIPELINE, PART_CHANGED, "mill-0"},
    {{1, 1, 1, 1, "b", "old", "a"}, 1, PART_SOURCE, PART_CHANGED, "well-0"},
    {{1, 1, 1, 1, "a", "old", "b"}, 1, PART_SINK, PART_CHANGED, "barn-0"},
    {{1, 5, 1, 1, "a", "old", "a"}, 1, PART_PIPELINE, PART_ADDED, "mill-2"},
    {{3, 1, 1, 1, "a", "old", "a"}, 1, PART_SOURCE, PART_ADDED, "well-1"},
    {{1, 1, 3, 1, "a", "old", "a"}, 1, PART_SINK, PART_ADDED, "barn-1"},
    {{1, 0, 1, 1, "a", "old", "a"}, 1, PART_PIPELINE, PART_REMOVED, "mill-0"},
    {{0, 0, 1, 1, "a", "old", "a"}, 2, PART_SOURCE, PART_REMOVED, "well-0"},
};

static void a_change_is_named_and_touches_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(edits); i++) {
        void *fresh = NULL;
        (void)farm_open(&fresh);
        struct farm *farm = fresh;
        farm_start(farm, &usual);
        atomic_store(&yard.total[0], 50);
        await_delivered(0, 0, 50);
        reload_ok(farm, &edits[i].wish);
        assert_int_equal(farm->changes.count, edits[i].changes);
        const struct engine_change *change = &farm->changes.items[0];
        assert_int_equal(change->kind, edits[i].kind);
        assert_int_equal(change->fate, edits[i].fate);
        assert_true(str_equal(change->name, str_of(edits[i].name)));
        reload_ok(farm, &usual); /* And back. */
        atomic_store(&yard.total[0], 100);
        await_delivered(0, 0, 100);
        farm_stop(farm);
        nothing_twice();
        bool source = edits[i].kind == PART_SOURCE && edits[i].fate != PART_ADDED;
        bool sink = edits[i].kind == PART_SINK && edits[i].fate != PART_ADDED;
        assert_true(source || atomic_load(&yard.opens[PART_SOURCE][0]) == 1);
        assert_true(sink || atomic_load(&yard.opens[PART_SINK][0]) == 1);
        (void)farm_close(&fresh);
    }
}

static void a_chat_comes_goes_and_comes_back(void **state)
{
    struct farm *farm = *state;
    struct wish both = usual;
    both.chats = 3;
    farm_start(farm, &usual);
    atomic_store(&yard.total[0], 50);
    atomic_store(&yard.total[1], 70); /* Before anybody listens. */
    await_delivered(0, 0, 50);
    reload_ok(farm, &both);
    await_delivered(0, 1, 70);
    reload_ok(farm, &usual);
    await_int(&yard.plans, 2); /* Taken up. */
    atomic_store(&yard.total[0], 60);
    atomic_store(&yard.total[1], 90);
    await_delivered(0, 0, 60);
    assert_int_equal(delivered(0, 1), 70);
    reload_ok(farm, &both);
    await_delivered(0, 1, 90);
    farm_stop(farm);
    nothing_twice();
}

static void a_new_rule_works_on_what_comes_after(void **state)
{
    struct farm *farm = *state;
    struct wish changed = usual;
    changed.stamp = "new";
    farm_start(farm, &usual);
    atomic_store(&yard.total[0], 50);
    await_delivered(0, 0, 50);
    assert_false(atomic_load(&yard.stamped));
    reload_ok(farm, &changed);
    await_int(&yard.plans, 2);
    atomic_store(&yard.total[0], 60);
    await_delivered(0, 0, 60);
    assert_true(atomic_load(&yard.stamped));
    farm_stop(farm);
    nothing_twice();
}

static void a_bad_plan_changes_nothing(void **state)
{
    struct farm *farm = *state;
    struct wish bad = {3, 3, 3, 3, "b", "bad", "b"};
    farm_start(farm, &usual);
    atomic_store(&yard.total[0], 50);
    await_delivered(0, 0, 50);
    for (int i = 0; i < 10; i++) {
        assert_false(reload(farm, &bad));
        assert_int_equal(farm->err.kind, ERR_CONFIG);
        assert_non_null(strstr(farm->err.text, "a bad stamp"));
    }
    atomic_store(&yard.total[0], 100);
    await_delivered(0, 0, 100);
    assert_int_equal(atomic_load(&yard.plans), 1);
    assert_int_equal(atomic_load(&yard.opens[PART_SOURCE][0]), 1);
    assert_int_equal(atomic_load(&yard.opens[PART_SOURCE][1]), 0);
    farm_stop(farm);
}

/* One source hangs: the others take up the new plan at once, and the lease is not given twice. */
static void a_hanging_source_holds_up_only_itself(void **state)
{
    struct farm *farm = *state;
    struct wish two = {3, 3, 1, 3, "a", "old", "a"};
    struct wish one = {1, 1, 1, 3, "a", "old", "a"};
    atomic_store(&yard.total[0], 50);
    farm_start(farm, &two);
    await_delivered(0, 0, 50);
    await_delivered(1, 0, 50);
    atomic_store(&yard.hang[1], true);
    await_true(&yard.hanging[1]);
    reload_ok(farm, &one); /* Well 1 is to go, and cannot yet. */
    atomic_store(&yard.total[0], 80);
    await_delivered(0, 0, 80);
    reload_ok(farm, &two); /* It is called back … */
    reload_ok(farm, &one);
    reload_ok(farm, &two);
    atomic_store(&yard.hang[1], false); /* … and goes on. */
    await_delivered(1, 0, 80);
    farm_stop(farm);
    nothing_twice();
}

/* Who waits after a failure hears of a new plan at once. */
static void a_correction_is_taken_up_without_waiting(void **state)
{
    struct farm *farm = *state;
    struct wish corrected = usual;
    corrected.label = "b";
    atomic_store(&yard.fail[0], true);
    atomic_store(&yard.total[0], 10);
    farm_start(farm, &usual);
    pause_ms(2500); /* Some failures: the next try is seconds away. */
    atomic_store(&yard.fail[0], false);
    int64_t from_ms = clock_mono_ms(clock_system());
    reload_ok(farm, &corrected);
    await_delivered(0, 0, 10);
    assert_in_range(clock_mono_ms(clock_system()) - from_ms, 0, 1500);
    farm_stop(farm);
}

static void too_many_workers_are_refused(void **state)
{
    struct farm *farm = *state;
    farm_start(farm, &usual);
    struct estate *e = estate_new(&usual);
    struct plan_pipeline *many = calloc(ENGINE_WORKERS_MAX, sizeof *many);
    char names[ENGINE_WORKERS_MAX][16];
    assert_non_null(many);
    for (int i = 0; i < ENGINE_WORKERS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "desk-%d-1", i);
        many[i] = e->pipelines[0];
        many[i].name = str_of(names[i]);
    }
    atomic_store(&yard.total[0], 10);
    await_delivered(0, 0, 10);
    e->plan.pipelines = many;
    e->plan.pipeline_count = ENGINE_WORKERS_MAX;
    assert_false(engine_reload(farm->engine, &e->plan, (struct plan_owner){0}, &farm->arena,
                               &farm->changes, &farm->err));
    assert_int_equal(farm->err.kind, ERR_CONFIG);
    free(many);
    estate_release(e);
    reload_ok(farm, &usual); /* The posts of the refused one are free again. */
    atomic_store(&yard.total[0], 20);
    await_delivered(0, 0, 20);
    farm_stop(farm);
}

static void before_and_after_serving_it_is_refused(void **state)
{
    struct farm *farm = *state;
    struct estate *first = estate_new(&usual);
    struct estate *e = estate_new(&usual);
    struct engine_options options = {.plan = &first->plan,
                                     .plan_owner = {first, estate_release},
                                     .data_dir = str_of(farm->folder),
                                     .clock = clock_system(),
                                     .owner = STR("test")};
    assert_true(engine_open(&farm->engine, &options, &farm->err));
    assert_false(engine_reload(farm->engine, &e->plan, (struct plan_owner){0}, &farm->arena,
                               &farm->changes, &farm->err));
    assert_int_equal(farm->err.kind, ERR_STOP);
    engine_close(farm->engine);
    estate_release(e);
}

/* Messages arrive all the while; in the end each was given once to each pipeline that wanted it. */
static void random_reloads_under_load(void **state)
{
    struct farm *farm = *state;
    struct rng rng;
    rng_seed(&rng, 42);
    farm_start(farm, &usual);
    static const char *const words[] = {"a", "b", "old", "new"};
    for (int i = 0; i < 120; i++) {
        struct wish wish = {
            .sources = 1 | (unsigned)rng_below(&rng, 4),
            .pipelines = (unsigned)rng_below(&rng, 16),
            .sinks = 1 | (unsigned)rng_below(&rng, 16),
            .chats = (unsigned)rng_below(&rng, 1 << CHATS),
            .label = words[rng_below(&rng, 2)],
            .stamp = rng_below(&rng, 8) == 0 ? "bad" : words[rng_below(&rng, 4)],
            .barn = words[rng_below(&rng, 2)],
        };
        for (int chat = 0; chat < CHATS; chat++) {
            atomic_fetch_add(&yard.total[chat], (int)rng_below(&rng, 20));
        }
        (void)reload(farm, &wish);
        if (rng_below(&rng, 3) == 0) {
            pause_ms((int64_t)rng_below(&rng, 20));
        }
    }
    struct wish all = {3, 15, 15, (1 << CHATS) - 1, "a", "old", "a"};
    reload_ok(farm, &all);
    for (int pipeline = 0; pipeline < PARTS; pipeline++) {
        for (int chat = 0; chat < CHATS; chat++) {
            await_delivered(pipeline, chat, atomic_load(&yard.total[chat]));
        }
    }
    farm_stop(farm);
    nothing_twice();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, farm_open, farm_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_did_not_change_is_not_disturbed),
        TEST(a_change_is_named_and_touches_nothing_else),
        TEST(a_chat_comes_goes_and_comes_back),
        TEST(a_new_rule_works_on_what_comes_after),
        TEST(a_bad_plan_changes_nothing),
        TEST(a_hanging_source_holds_up_only_itself),
        TEST(a_correction_is_taken_up_without_waiting),
        TEST(too_many_workers_are_refused),
        TEST(before_and_after_serving_it_is_refused),
        TEST(random_reloads_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
