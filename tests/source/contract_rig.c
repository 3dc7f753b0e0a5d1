#include "source/contract_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/sqlite.h"
#include "source/csv.h"
#include "source/sqlite.h"
#include "source/timer.h"
#include "source/whatsapp_bridge.h"
#include "test.h"
#include "text/duration.h"

enum { EVERY_MS = 60 * 1000 };

static void add_rows(struct rig *rig, int from, int count)
{
    FILE *file = fopen(rig->path, "a");
    if (file == NULL) {
        fail_msg("a file cannot be written");
        return;
    }
    if (from == 0) {
        (void)fputs("when,chat,text\r\n", file);
    }
    for (int i = from; i < from + count; i++) {
        (void)fprintf(file, "2025-12-09T10:%02d:00Z,%s,\"row, %d \"\"א\"\"\nnext\"\r\n", i,
                      i % 3 == 0 ? "one" : "two", i / 2); /* Equal texts, too. */
    }
    (void)fclose(file);
}

static void add_ticks(struct rig *rig, int from, int count)
{
    (void)from;
    rig->wall_ms += (int64_t)count * EVERY_MS;
}

static void add_bridge_rows(struct rig *rig, int from, int count)
{
    const struct sqlite_options options = {.create = true};
    struct sqlite *db = NULL;
    struct err err = {0};
    assert_true(sqlite_open(&db, str_of(rig->path), &options, &err));
    assert_true(sqlite_exec(db,
                            "CREATE TABLE IF NOT EXISTS messages(id TEXT, chat_jid TEXT, sender "
                            "TEXT, content TEXT, timestamp TIMESTAMP, is_from_me BOOLEAN, "
                            "PRIMARY KEY(id, chat_jid))",
                            &err));
    for (int i = from; i < from + count; i++) {
        char sql[256];
        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO messages VALUES('id%d','%s@g.us','1@x','text %d',"
                       "'2025-12-09 10:%02d:00+00:00',0)",
                       i, i % 3 == 0 ? "one" : "two", i, i);
        if (!sqlite_exec(db, sql, &err)) {
            fail_msg("%s", err.text);
        }
    }
    sqlite_close(db);
}

const struct contract_kind contract_kinds[] = {
    {.name = "csv",
     .type = &source_csv,
     .options = {{"time_column", "when"}, {"chat_column", "chat"}, {"text_column", "text"}},
     .chat = "one",
     .add = add_rows},
    {.name = "sqlite",
     .type = &source_sqlite,
     .options = {{"table", "messages"},
                 {"cursor_column", "timestamp"},
                 {"id_column", "id"},
                 {"chat_column", "chat_jid"},
                 {"text_column", "content"},
                 {"time_column", "timestamp"},
                 {"overlap", "0s"}},
     .chat = "one@g.us",
     .add = add_bridge_rows},
    {.name = "timer",
     .type = &source_timer,
     .options = {{"every", "1m"}, {"misfire", "all"}, {"since", "2025-12-09T18:50:00Z"}},
     .add = add_ticks},
    {.name = "whatsapp-bridge",
     .type = &source_whatsapp_bridge,
     .options = {{"table", "messages"}, {"overlap", "50"}},
     .chat = "one@g.us",
     .add = add_bridge_rows},
};
const size_t contract_kind_count = COUNT(contract_kinds);

static int64_t rig_wall(struct clock *clock)
{
    return ((struct rig *)(void *)((char *)clock - offsetof(struct rig, clock)))->wall_ms;
}

static int64_t rig_mono(struct clock *clock)
{
    return ((struct rig *)(void *)((char *)clock - offsetof(struct rig, clock)))->mono_ms;
}

static void set_option(void *instance, const struct option *option, const char *text)
{
    struct err err = {0};
    void *at = (char *)instance + option->offset;
    int choice = 0;
    switch (option->type) {
    case OPTION_TYPE_BOOL:
        *(bool *)at = strcmp(text, "true") == 0;
        return;
    case OPTION_TYPE_INT:
    case OPTION_TYPE_SIZE:
        assert_true(str_to_int64(str_of(text), at));
        return;
    case OPTION_TYPE_DURATION:
        assert_true(duration_parse(str_of(text), at, &err));
        return;
    case OPTION_TYPE_CHOICE:
        while (strcmp(option->choices[choice], text) != 0) {
            choice++;
        }
        *(int *)at = choice;
        return;
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_PATH:
    case OPTION_TYPE_ZONE:
        *(struct str *)at = str_of(text);
        return;
    case OPTION_TYPE_END:
    case OPTION_TYPE_SECRET:
    case OPTION_TYPE_LIST:
    case OPTION_TYPE_SINK:
    case OPTION_TYPE_REFERENCE:
    case OPTION_TYPE_CHATS:
    case OPTION_TYPE_MAP:
    case OPTION_TYPE_STEPS:
        fail_msg("the rig cannot set %s", option->name);
    }
}

static const char *given(const struct rig *rig, const struct option *option)
{
    if (strcmp(option->name, "path") == 0) {
        return rig->path;
    }
    for (size_t i = 0; i < RIG_OPTIONS_MAX && rig->kind->options[i][0] != NULL; i++) {
        if (strcmp(rig->kind->options[i][0], option->name) == 0) {
            return rig->kind->options[i][1];
        }
    }
    return option->fallback;
}

void rig_open(struct rig *rig)
{
    struct err err = {0};
    const struct connector_type *type = &rig->kind->type->connector;
    rig->source = mem_alloc(type->size);
    assert_non_null(rig->source);
    rig->source->type = rig->kind->type;
    rig->source->connector.name = STR("in");
    rig->source->connector.env = (struct connector_env){
        .clock = &rig->clock, .arena = &rig->opened, .data_dir = str_of(rig->home)};
    for (const struct option *option = type->options; option->type != OPTION_TYPE_END; option++) {
        const char *text = given(rig, option);
        if (text != NULL) {
            set_option(rig->source, option, text);
        }
    }
    if (!type->open(&rig->source->connector, &err)) {
        fail_msg("%s", err.text);
    }
}

void rig_close(struct rig *rig)
{
    rig->kind->type->connector.close(&rig->source->connector);
    mem_free(rig->source);
    arena_reset(&rig->opened);
}

void rig_begin(struct rig *rig, const struct contract_kind *kind)
{
    *rig = (struct rig){.kind = kind,
                        .wall_ms = 1765306140000, /* 2025-12-09T18:49:00Z */
                        .mono_ms = 1000,
                        .clock = {.wall_ms = rig_wall, .mono_ms = rig_mono}};
    arena_init(&rig->opened, 1 << 20);
    arena_init(&rig->step, 64 << 20);
    (void)snprintf(rig->home, sizeof rig->home, "/tmp/sluice-source-XXXXXX");
    assert_non_null(mkdtemp(rig->home));
    (void)snprintf(rig->path, sizeof rig->path, "%s/in", rig->home);
    kind->add(rig, 0, RIG_FIRST);
    rig_open(rig);
}

void rig_end(struct rig *rig)
{
    char name[512];
    rig_close(rig);
    DIR *folder = opendir(rig->home);
    if (folder == NULL) {
        fail_msg("%s cannot be listed", rig->home);
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        (void)snprintf(name, sizeof name, "%s/%s", rig->home, entry->d_name);
        (void)unlink(name);
    }
    (void)closedir(folder);
    assert_int_equal(rmdir(rig->home), 0);
    arena_free(&rig->opened);
    arena_free(&rig->step);
}
