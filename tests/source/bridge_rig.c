#include "source/bridge_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "source/whatsapp_bridge.h"

enum { ARENA_LIMIT = 64 * 1024 * 1024, SQL_MAX = 4096, BATCH_LIMIT = 4096 };

static int64_t rig_wall(struct clock *clock)
{
    const struct rig *rig =
        (const struct rig *)(const void *)((const char *)clock - offsetof(struct rig, clock));
    return rig->wall_ms != 0 ? rig->wall_ms : clock_wall_ms(clock_system());
}

static int64_t rig_mono(struct clock *clock)
{
    const struct rig *rig =
        (const struct rig *)(const void *)((const char *)clock - offsetof(struct rig, clock));
    return rig->mono_ms != 0 ? rig->mono_ms : clock_mono_ms(clock_system());
}

void rig_make(struct rig *rig)
{
    *rig = (struct rig){.limit = BATCH_LIMIT};
    (void)snprintf(rig->folder, sizeof rig->folder, "/tmp/bridge-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    (void)snprintf(rig->path, sizeof rig->path, "%.400s/messages.db", rig->folder);
    arena_init(&rig->life, ARENA_LIMIT);
    arena_init(&rig->arena, ARENA_LIMIT);
    rig->clock = (struct clock){.wall_ms = rig_wall, .mono_ms = rig_mono};
    rig->archive = calloc(RIG_ARCHIVE_SLOTS, sizeof *rig->archive);
    rig->source = calloc(1, source_whatsapp_bridge.connector.size);
    assert_non_null(rig->archive);
    assert_non_null(rig->source);
    rig_set(rig, NULL, NULL);
    rig_set(rig, "path", rig->path);
}

void rig_set(struct rig *rig, const char *option, const char *value)
{
    bool found = option == NULL;
    for (const struct option *at = source_whatsapp_bridge.connector.options;
         at->type != OPTION_TYPE_END; at++) {
        const char *text = option == NULL ? at->fallback : value;
        if ((option != NULL && strcmp(option, at->name) != 0) || text == NULL ||
            strcmp(text, OPTION_REQUIRED) == 0) {
            continue;
        }
        char *member = (char *)rig->source + at->offset;
        if (at->type == OPTION_TYPE_INT || at->type == OPTION_TYPE_DURATION) {
            int64_t number = 0;
            assert_true(str_to_int64(str_of(text), &number));
            memcpy(member, &number, sizeof number);
        } else if (at->type == OPTION_TYPE_LIST) {
            struct str *items = arena_array(&rig->life, 1, sizeof *items);
            items[0] = str_of(text);
            struct str_list list = {items, 1};
            memcpy(member, &list, sizeof list);
        } else {
            struct str view = str_of(text);
            memcpy(member, &view, sizeof view);
        }
        found = true;
    }
    assert_true(found);
}

void rig_open(struct rig *rig)
{
    rig->source->type = &source_whatsapp_bridge;
    rig->source->connector.name = STR("bridge");
    rig->source->connector.env.clock = &rig->clock;
    rig->source->connector.env.arena = &rig->life;
    if (!source_whatsapp_bridge.connector.open(&rig->source->connector, &rig->err)) {
        fail_msg("open: %s", rig->err.text);
    }
    rig->opened = true;
}

void rig_close(struct rig *rig)
{
    if (rig->opened) {
        source_whatsapp_bridge.connector.close(&rig->source->connector);
        rig->opened = false;
    }
}

void rig_ask(struct rig *rig, const char *chat)
{
    assert_true(rig->chat_count < RIG_CHATS_MAX);
    rig->chats[rig->chat_count++] = (struct chat_cursor){.chat = str_of(chat)};
}

void rig_sql(struct rig *rig, const char *sql)
{
    struct sqlite_options options = {.create = true};
    if (rig->writer == NULL) {
        if (!sqlite_open(&rig->writer, str_of(rig->path), &options, &rig->err) ||
            !sqlite_exec(rig->writer, "PRAGMA synchronous=OFF", &rig->err)) {
            fail_msg("open to write: %s", rig->err.text);
        }
    }
    if (!sqlite_exec(rig->writer, sql, &rig->err)) {
        fail_msg("%s: %s", sql, rig->err.text);
    }
}

void rig_sql_printf(struct rig *rig, const char *format, ...)
{
    char sql[SQL_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    assert_true(len > 0 && (size_t)len < sizeof sql);
    rig_sql(rig, sql);
}

void rig_writer_close(struct rig *rig)
{
    sqlite_close(rig->writer);
    rig->writer = NULL;
}

void rig_free(struct rig *rig)
{
    rig_close(rig);
    rig_writer_close(rig);
    struct file_list list = {0};
    (void)chmod(rig->folder, 0700);
    assert_true(file_list(&rig->arena, str_of(rig->folder), &list, &rig->err));
    for (size_t i = 0; i < list.count; i++) {
        char path[RIG_PATH_MAX * 2];
        (void)snprintf(path, sizeof path, "%s/%.*s", rig->folder, STR_ARG(list.names[i]));
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(rig->folder), 0);
    arena_free(&rig->life);
    arena_free(&rig->arena);
    free(rig->archive);
    free(rig->source);
}

bool rig_fetch(struct rig *rig)
{
    arena_reset(&rig->arena);
    batch_init(&rig->batch, &rig->arena, rig->chats, rig->chat_count);
    rig->batch.limit = rig->limit;
    int64_t deadline_ms = clock_mono_ms(&rig->clock) + RIG_DEADLINE_MS;
    return source_whatsapp_bridge.fetch(rig->source, &rig->batch, deadline_ms, &rig->err);
}

static uint64_t hash_of(struct str chat, struct str id, struct str text)
{
    return str_hash(text, str_hash(id, str_hash(chat, 1))) | 1;
}

static uint64_t *slot_of(const struct rig *rig, struct str chat, struct str id, struct str text)
{
    uint64_t hash = hash_of(chat, id, text);
    size_t at = hash % RIG_ARCHIVE_SLOTS;
    while (rig->archive[at] != 0 && rig->archive[at] != hash) {
        at = (at + 1) % RIG_ARCHIVE_SLOTS;
    }
    return &rig->archive[at];
}

bool rig_has(const struct rig *rig, struct str chat, struct str id, struct str text)
{
    return *slot_of(rig, chat, id, text) != 0;
}

bool rig_has_event(const struct rig *rig, const char *kind)
{
    for (size_t i = 0; i < rig->batch.event_count; i++) {
        if (str_equal(rig->batch.events[i].kind, str_of(kind))) {
            return true;
        }
    }
    return false;
}

void rig_accept(struct rig *rig)
{
    for (size_t i = 0; i < rig->batch.count; i++) {
        const struct message *message = &rig->batch.messages[i];
        uint64_t *slot = slot_of(rig, message->chat, message->external_id, message->text);
        rig->known += *slot == 0 ? 1 : 0;
        *slot = hash_of(message->chat, message->external_id, message->text);
        rig->delivered++;
        assert_true(rig->known < RIG_ARCHIVE_SLOTS / 2);
    }
    for (size_t i = 0; i < rig->chat_count; i++) {
        struct str next = rig->chats[i].next;
        if (next.ptr != NULL) {
            assert_true(next.len < RIG_CURSOR_MAX);
            memcpy(rig->cursors[i], next.ptr, next.len);
            rig->chats[i].cursor = (struct str){rig->cursors[i], next.len};
        }
    }
    rig->swapped += rig_has_event(rig, "swapped") ? 1 : 0;
    rig->refused += rig->batch.refusal_count;
}

void rig_drain(struct rig *rig)
{
    for (int i = 0; i < RIG_BATCHES_MAX; i++) {
        if (!rig_fetch(rig)) {
            fail_msg("fetch: %s", rig->err.text);
        }
        rig_accept(rig);
        if (!rig->batch.more) {
            return;
        }
    }
    fail_msg("the fetches do not end");
}

struct str rig_read(struct rig *rig, const char *ending)
{
    char path[RIG_PATH_MAX + 16];
    struct str bytes = {0};
    (void)snprintf(path, sizeof path, "%s%s", rig->path, ending);
    if (!file_read(&rig->life, str_of(path), ARENA_LIMIT, &bytes, &rig->err)) {
        fail_msg("%s", rig->err.text);
    }
    return bytes;
}

void rig_write(struct rig *rig, const char *ending, struct str bytes)
{
    char path[RIG_PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s%s", rig->path, ending);
    FILE *file = fopen(path, "wb"); /* In place: the same inode, as a bad copy would do it. */
    if (file == NULL) {
        fail_msg("%s cannot be written", path);
        return;
    }
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

uint64_t rig_folder_hash(struct rig *rig, const char *except)
{
    struct file_list list = {0};
    uint64_t hash = 1;
    assert_true(file_list(&rig->life, str_of(rig->folder), &list, &rig->err));
    for (size_t i = 0; i < list.count; i++) {
        char path[RIG_PATH_MAX * 2];
        struct str bytes = {0};
        if (except != NULL && str_ends(list.names[i], str_of(except))) {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%.*s", rig->folder, STR_ARG(list.names[i]));
        assert_true(file_read(&rig->life, str_of(path), ARENA_LIMIT, &bytes, &rig->err));
        hash = str_hash(bytes, str_hash(list.names[i], hash));
    }
    return hash;
}
