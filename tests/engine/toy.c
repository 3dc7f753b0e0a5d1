#include "engine/toy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "db/sqlite.h"

enum { FETCH_COUNT = 100, WAIT_MS = 10000, PAUSE_MS = 2, ARENA_LIMIT = 16 * 1024 * 1024 };

static void pause_ms(int64_t ms)
{
    struct clock *clock = clock_system();
    clock->sleep_until(clock, clock_mono_ms(clock) + ms);
}

/* As a source does that tells each change once. */
static void notice(struct source *source, struct batch *batch)
{
    struct keep *keep = source->connector.env.keep;
    struct str told = {0};
    struct err err = {0};
    assert_true(keep->get(keep, STR("told"), batch->arena, &told, &err));
    if (told.len == 0) {
        assert_true(batch_event(
            batch, (struct event){.kind = STR("session"), .chat = STR(""), .detail = STR("{}")}));
        assert_true(batch_note(batch, STR("told"), STR("yes")));
    }
}

static bool toy_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                      struct err *err)
{
    struct toy *toy = ((struct toy_source *)(void *)source)->toy;
    struct toy_shared *shared = toy->shared;
    int64_t from = 0;
    (void)deadline_ms;
    atomic_fetch_add(&shared->fetches, 1);
    atomic_store(&shared->hanging, atomic_load(&shared->hang));
    while (atomic_load(&shared->hang)) {
        pause_ms(PAUSE_MS);
    }
    if (atomic_load(&shared->notice)) {
        notice(source, batch);
    }
    int kind = atomic_load(&shared->fail_fetch);
    if (kind != ERR_NONE) {
        return err_set(err, (enum err_kind)kind, "the toy source was told to fail");
    }
    assert_int_equal(batch->chat_count, 1);
    struct chat_cursor *chat = &batch->chats[0];
    assert_true(chat->cursor.ptr == NULL || str_to_int64(chat->cursor, &from));
    int64_t total = atomic_load(&shared->total);
    int64_t to = total - from < FETCH_COUNT ? total : from + FETCH_COUNT;
    for (int64_t i = from; i < to; i++) {
        struct message *message = batch_add(batch, 16);
        assert_non_null(message);
        *message = (struct message){
            .chat = chat->chat,
            .external_id = arena_printf(batch->arena, "%" PRId64, i),
            .sender = STR("Dana"),
            .text = STR("hello"),
            .sent_ms = 1,
        };
        if (atomic_load(&shared->pictures)) {
            assert_true(
                batch_blob(batch, (struct blob){.bytes = i % 2 == 0 ? STR("even") : STR("odd"),
                                                .extension = STR("png"),
                                                .chat = chat->chat,
                                                .external_id = message->external_id}));
        }
    }
    chat->next = arena_printf(batch->arena, "%" PRId64, to);
    batch->more = to < total;
    atomic_fetch_add(&shared->looks, !batch->more);
    return true;
}

static const struct source_type toy_source_type = {
    .connector = {.kind = "toy", .size = sizeof(struct toy_source)},
    .fetch = toy_fetch,
    .ahead = true,
};

static bool toy_apply(struct op *op, struct op_env *env, const struct message *message,
                      struct err *err)
{
    struct toy *toy = (struct toy *)(void *)((char *)op - offsetof(struct toy, op));
    struct record record = {
        .sink = STR("toy-sink"),
        .target = STR("rows"),
        .entity = message->external_id,
        .body = STR("{\"set\":{\"n\":1}}"),
    };
    if (atomic_load(&toy->shared->receipts) > 0) {
        record.receipt = true;
        atomic_fetch_sub(&toy->shared->receipts, 1);
    }
    if (message->kind == MESSAGE_RECEIPT) {
        record.entity = arena_printf(env->arena, "%d", TOY_MESSAGES_MAX - 1 - (int)message->about);
    }
    return env->put(env, STR("last"), message->external_id, err) && env->emit(env, &record, err);
}

static const struct op_type toy_op_type = {
    .kind = "toy", .size = sizeof(struct op), .apply = toy_apply};

static bool toy_write(struct sink *sink, struct parcel *parcels, size_t count, struct arena *arena,
                      int64_t deadline_ms, struct err *err)
{
    struct toy *toy = ((struct toy_sink *)(void *)sink)->toy;
    struct toy_shared *shared = toy->shared;
    (void)arena;
    (void)deadline_ms;
    if (atomic_load(&shared->fail_writes) != 0) {
        atomic_fetch_sub(&shared->fail_writes, 1);
        return err_set(err, (enum err_kind)atomic_load(&shared->fail_write),
                       "the toy sink was told to fail");
    }
    if (atomic_load(&shared->slow)) {
        pause_ms(PAUSE_MS);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t number = 0;
        assert_true(str_to_int64(parcels[i].entity, &number));
        assert_true(number >= 0 && number < TOY_MESSAGES_MAX);
        atomic_fetch_add(&shared->given[number], 1);
        parcels[i].verdict = VERDICT_DONE;
    }
    atomic_fetch_add(&shared->written, (int)count);
    return true;
}

static const struct sink_type toy_sink_type = {
    .connector = {.kind = "toy", .size = sizeof(struct toy_sink)},
    .write = toy_write,
};

static int64_t toy_now(struct clock *clock)
{
    return ((struct toy *)(void *)clock)->now_ms;
}

static void toy_sleep(struct clock *clock, int64_t mono_ms)
{
    struct toy *toy = (struct toy *)(void *)clock;
    toy->now_ms = mono_ms > toy->now_ms ? mono_ms : toy->now_ms;
}

static void fill_plan(struct toy *toy)
{
    toy->source = (struct toy_source){{.type = &toy_source_type}, toy};
    toy->op = (struct op){.type = &toy_op_type};
    toy->sink = (struct toy_sink){{.type = &toy_sink_type}, toy};
    toy->chat = (struct plan_chat){STR("toy-source"), STR("lobby")};
    toy->plan_source = (struct plan_source){
        .name = STR("toy-source"), .source = &toy->source.source, .poll_ms = 10};
    toy->plan_pipeline = (struct plan_pipeline){
        .name = STR("toy-desk"), .op = &toy->op, .chats = &toy->chat, .chat_count = 1};
    toy->plan_sink = (struct plan_sink){.name = STR("toy-sink"), .sink = &toy->sink.sink};
    toy->plan = (struct plan){
        .sources = &toy->plan_source,
        .source_count = 1,
        .pipelines = &toy->plan_pipeline,
        .pipeline_count = 1,
        .sinks = &toy->plan_sink,
        .sink_count = 1,
    };
    toy->options = (struct engine_options){
        .plan = &toy->plan,
        .data_dir = str_of(toy->folder),
        .clock = clock_system(),
        .owner = STR("test"),
    };
}

int toy_open(void **state)
{
    static bool ready;
    struct toy *toy = calloc(1, sizeof *toy);
    assert_non_null(toy);
    if (!ready) {
        ready = sqlite_setup(&toy->err);
        assert_true(ready);
    }
    toy->clock = (struct clock){toy_now, toy_now, toy_sleep};
    toy->now_ms = INT64_C(1700000000000);
    const char *place =
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* No disk to wait for. */
    (void)snprintf(toy->folder, sizeof toy->folder, "%s/sluice-toy-XXXXXX", place);
    assert_non_null(mkdtemp(toy->folder));
    toy->shared =
        mmap(NULL, sizeof *toy->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(toy->shared != MAP_FAILED);
    fill_plan(toy);
    *state = toy;
    return 0;
}

int toy_close(void **state)
{
    struct toy *toy = *state;
    struct arena arena;
    struct file_list list = {0};
    arena_init(&arena, ARENA_LIMIT);
    if (file_list(&arena, str_of(toy->folder), &list, &toy->err)) {
        for (size_t i = 0; i < list.count; i++) {
            (void)unlink(arena_printf(&arena, "%s/%.*s", toy->folder, STR_ARG(list.names[i])).ptr);
        }
    }
    (void)rmdir(toy->folder);
    arena_free(&arena);
    (void)munmap(toy->shared, sizeof *toy->shared);
    free(toy);
    return 0;
}

void toy_ok(struct toy *toy, bool ok)
{
    if (!ok) {
        fail_msg("%s: %s", err_kind_name(toy->err.kind), toy->err.text);
    }
}

struct engine *toy_engine(struct toy *toy)
{
    struct engine *engine = NULL;
    toy_ok(toy, engine_open(&engine, &toy->options, &toy->err));
    return engine;
}

int toy_delivered(const struct toy *toy)
{
    int delivered = 0;
    for (size_t i = 0; i < TOY_MESSAGES_MAX; i++) {
        delivered += atomic_load(&toy->shared->given[i]) > 0;
    }
    return delivered;
}

void toy_wait(struct toy *toy, bool (*done)(struct toy *toy))
{
    int64_t until_ms = clock_mono_ms(clock_system()) + WAIT_MS;
    while (!done(toy)) {
        if (clock_mono_ms(clock_system()) >= until_ms) {
            /* Threads are at work on what a failed test would free. */
            print_error("waited in vain: %d messages, %d fetches, %d written\n",
                        atomic_load(&toy->shared->total), atomic_load(&toy->shared->fetches),
                        atomic_load(&toy->shared->written));
            abort();
        }
        pause_ms(PAUSE_MS);
    }
}
