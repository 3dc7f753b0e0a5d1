#include "store/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "db/sqlite.h"

enum { ARENA_LIMIT = 64 * 1024 * 1024, FILE_SIZE_MAX = 1 << 30 };

static int64_t wall(struct clock *clock)
{
    struct fixture *fixture = (struct fixture *)(void *)clock;
    return fixture->now_ms;
}

static void sleep_until(struct clock *clock, int64_t mono_ms)
{
    struct fixture *fixture = (struct fixture *)(void *)clock;
    fixture->now_ms = mono_ms > fixture->now_ms ? mono_ms : fixture->now_ms;
}

struct store *fixture_handle(struct fixture *fixture)
{
    struct store_options options = {
        .path = str_of(fixture->path),
        .clock = &fixture->clock,
        .seed = 7,
    };
    struct store *store = NULL;
    fixture_ok(fixture, store_open(&store, &options, &fixture->err));
    return store;
}

static int open_below(void **state, const char *parent)
{
    static bool ready;
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    if (!ready) {
        ready = sqlite_setup(&fixture->err);
        assert_true(ready);
    }
    fixture->clock = (struct clock){wall, wall, sleep_until};
    fixture->now_ms = INT64_C(1700000000000);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "%s/sluice-test-XXXXXX", parent);
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/store.db", fixture->folder);
    arena_init(&fixture->arena, ARENA_LIMIT);
    fixture->store = fixture_handle(fixture);
    *state = fixture;
    return 0;
}

int fixture_open(void **state)
{
    return open_below(state, "/tmp");
}

int fixture_open_quick(void **state)
{
    return open_below(state, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static void remove_tree(struct arena *arena, struct str path)
{
    struct file_list list = {0};
    struct err err = {0};
    if (file_list(arena, path, &list, &err)) {
        for (size_t i = 0; i < list.count; i++) {
            remove_tree(arena,
                        arena_printf(arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(list.names[i])));
        }
        (void)rmdir(path.ptr);
        return;
    }
    (void)unlink(path.ptr);
}

int fixture_close(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    remove_tree(&fixture->arena, str_of(fixture->folder));
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

void fixture_reopen(struct fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = fixture_handle(fixture);
}

void fixture_ok(struct fixture *fixture, bool ok)
{
    if (!ok) {
        fail_msg("%s: %s", err_kind_name(fixture->err.kind), fixture->err.text);
    }
}

void fixture_begin(struct fixture *fixture)
{
    fixture_ok(fixture, store_begin(fixture->store, NULL, &fixture->err));
}

void fixture_commit(struct fixture *fixture)
{
    fixture_ok(fixture, store_commit(fixture->store, &fixture->err));
}

int64_t fixture_int(struct fixture *fixture, const char *sql)
{
    int64_t value = -1;
    fixture_ok(fixture, store_int(fixture->store, sql, &value, &fixture->err));
    return value;
}

int64_t fixture_say(struct fixture *fixture, const char *chat, const char *id, const char *text)
{
    struct intake_counts counts;
    struct message message = {
        .source = STR("bridge"),
        .chat = str_of(chat),
        .external_id = str_of(id),
        .sender = STR("Dana"),
        .text = str_of(text),
        .sent_ms = fixture->now_ms,
    };
    fixture_ok(fixture, store_archive_put(fixture->store, &fixture->arena, &message, 1, &counts,
                                          &fixture->err));
    return message.id;
}

void fixture_tamper(struct fixture *fixture, const char *sql)
{
    struct sqlite *db = NULL;
    struct sqlite_options options = {0};
    fixture_ok(fixture, sqlite_open(&db, str_of(fixture->path), &options, &fixture->err));
    fixture_ok(fixture, sqlite_exec(db, sql, &fixture->err));
    sqlite_close(db);
}

bool fixture_file_holds(struct fixture *fixture, const char *text)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    bool holds = false;
    for (size_t i = 0; i < COUNT(endings); i++) {
        char path[128];
        struct file_info info;
        struct str bytes;
        struct arena arena;
        (void)snprintf(path, sizeof path, "%s%s", fixture->path, endings[i]);
        fixture_ok(fixture, file_look(str_of(path), &info, &fixture->err));
        if (info.kind == FILE_MISSING) {
            continue;
        }
        arena_init(&arena, 1U << 31);
        fixture_ok(fixture, file_read(&arena, str_of(path), FILE_SIZE_MAX, &bytes, &fixture->err));
        holds = holds || memmem(bytes.ptr, bytes.len, text, strlen(text)) != NULL;
        arena_free(&arena);
    }
    return holds;
}
