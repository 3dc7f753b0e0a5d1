#include "source/select_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"
#include "text/duration.h"

enum { LOOK_MS = 240 * 1000, OPTIONS_MAX = 4096, PAIRS_MAX = 8 };

bool select_rig_extra;
struct source *select_rig_source;

static struct arena arena;
static struct arena opened;
static char cursor[4096];
static bool has_cursor;
static char seen[SELECT_RIG_TEXT_MAX];
static size_t seen_len;

void select_rig_setup(void)
{
    arena_init(&arena, 256 << 20);
    arena_init(&opened, 4 << 20);
}

static void drop(void)
{
    if (select_rig_source != NULL) {
        select_rig_source->type->connector.close(&select_rig_source->connector);
        mem_free(select_rig_source);
        select_rig_source = NULL;
    }
}

void select_rig_teardown(void)
{
    drop();
    arena_free(&arena);
    arena_free(&opened);
}

void select_rig_forget(void)
{
    has_cursor = false;
}

static void set_list(struct str_list *list, char *text)
{
    struct str *items = arena_array(&opened, PAIRS_MAX, sizeof *items);
    struct str rest = str_of(text);
    list->items = items;
    while (str_split(&rest, ',', &items[list->count])) {
        list->count++;
    }
}

static void set_map(struct str_map *map, char *text)
{
    struct str_pair *pairs = arena_array(&opened, PAIRS_MAX, sizeof *pairs);
    struct str rest = str_of(text);
    struct str part = {0};
    map->items = pairs;
    while (str_split(&rest, ',', &part)) {
        assert_true(str_split(&part, ':', &pairs[map->count].name));
        pairs[map->count++].text = part;
    }
}

static void set(const struct option *option, char *text)
{
    struct err err = {0};
    void *to = (char *)select_rig_source + option->offset;
    switch (option->type) {
    case OPTION_TYPE_BOOL:
        *(bool *)to = strcmp(text, "true") == 0;
        return;
    case OPTION_TYPE_DURATION:
        assert_true(duration_parse(str_of(text), to, &err));
        return;
    case OPTION_TYPE_SECRET:
        assert_true(secret_make(to, &opened, str_of(text)));
        return;
    case OPTION_TYPE_LIST:
        set_list(to, text);
        return;
    case OPTION_TYPE_MAP:
        set_map(to, text);
        return;
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_PATH:
    case OPTION_TYPE_ZONE:
        *(struct str *)to = arena_copy(&opened, str_of(text));
        return;
    case OPTION_TYPE_CHOICE:
        for (*(int *)to = 0; strcmp(option->choices[*(int *)to], text) != 0; ++*(int *)to) {
            assert_non_null(option->choices[*(int *)to + 1]);
        }
        return;
    case OPTION_TYPE_END:
    case OPTION_TYPE_INT:
    case OPTION_TYPE_SIZE:
    case OPTION_TYPE_SINK:
    case OPTION_TYPE_REFERENCE:
    case OPTION_TYPE_CHATS:
    case OPTION_TYPE_STEPS:
        fail_msg("the rig cannot set %s", option->name);
    }
}

static void set_named(const struct option *table, char *pair)
{
    char *text = strchr(pair, '=');
    assert_non_null(text);
    *text++ = '\0';
    const struct option *option = table;
    while (option->type != OPTION_TYPE_END && strcmp(option->name, pair) != 0) {
        option++;
    }
    if (option->type == OPTION_TYPE_END) {
        fail_msg("no option %s", pair);
    }
    set(option, text);
}

bool select_rig_make(const struct source_type *type, const char *options, struct err *err)
{
    const struct option *table = type->connector.options;
    drop();
    arena_free(&opened);
    arena_init(&opened, 4 << 20);
    select_rig_source = mem_alloc(type->connector.size);
    assert_non_null(select_rig_source);
    select_rig_source->type = type;
    select_rig_source->connector.name = STR("in");
    select_rig_source->connector.env =
        (struct connector_env){.clock = clock_system(), .arena = &opened};
    for (const struct option *option = table; option->type != OPTION_TYPE_END; option++) {
        if (option->fallback != NULL && strcmp(option->fallback, OPTION_REQUIRED) != 0) {
            set(option, (char *)(uintptr_t)arena_copy(&opened, str_of(option->fallback)).ptr);
        }
    }
    char *copy = (char *)(uintptr_t)arena_copy(&opened, str_of(options)).ptr;
    for (char *pair = copy; pair != NULL && *pair != '\0';) {
        char *next = strchr(pair, '|');
        if (next != NULL) {
            *next++ = '\0';
        }
        set_named(table, pair);
        pair = next;
    }
    return type->connector.open(&select_rig_source->connector, err);
}

void select_rig_begin(const struct source_type *type, const char *options)
{
    struct err err = {0};
    select_rig_forget();
    if (!select_rig_make(type, options, &err)) {
        fail_msg("%s", err.text);
    }
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int len = vsnprintf(seen + seen_len, sizeof seen - seen_len, format, list);
    va_end(list);
    seen_len += len > 0 ? (size_t)len : 0;
    assert_true(seen_len < sizeof seen);
}

static bool fetch(struct batch *batch, struct chat_cursor *chat, size_t limit, struct err *err)
{
    *chat = (struct chat_cursor){.cursor = has_cursor ? str_of(cursor) : (struct str){0}};
    arena_reset(&arena);
    batch_init(batch, &arena, chat, 1);
    batch->limit = limit;
    int64_t deadline_ms = clock_mono_ms(clock_system()) + LOOK_MS;
    if (!select_rig_source->type->fetch(select_rig_source, batch, deadline_ms, err)) {
        assert_int_equal(batch->count, 0);
        assert_null(chat->next.ptr);
        return false;
    }
    if (chat->next.ptr != NULL) {
        (void)snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(chat->next));
        has_cursor = true;
    }
    return true;
}

const char *select_rig_look(size_t limit)
{
    struct batch batch;
    struct chat_cursor chat;
    struct err err = {0};
    seen_len = 0;
    seen[0] = '\0';
    if (!fetch(&batch, &chat, limit, &err)) {
        say("error %s %s\n", err_kind_name(err.kind), err.text);
        return seen;
    }
    for (size_t i = 0; i < batch.count; i++) {
        const struct message *message = &batch.messages[i];
        say("%.*s %.*s%s%.*s\n", STR_ARG(message->external_id), STR_ARG(message->text),
            select_rig_extra ? " " : "", select_rig_extra ? (int)message->extra.len : 0,
            message->extra.ptr);
    }
    for (size_t i = 0; i < batch.refusal_count; i++) {
        say("! %.*s: %.*s\n", STR_ARG(batch.refusals[i].where), STR_ARG(batch.refusals[i].why));
    }
    for (size_t i = 0; batch.snapshot != NULL && i < batch.snapshot->count; i++) {
        say("= %.*s %.*s\n", STR_ARG(batch.snapshot->rows[i].key),
            STR_ARG(batch.snapshot->rows[i].body));
    }
    if (batch.more) {
        say("more\n");
    }
    return seen;
}

size_t select_rig_count(size_t limit)
{
    struct batch batch;
    struct chat_cursor chat;
    size_t count = 0;
    do {
        struct err err = {0};
        if (!fetch(&batch, &chat, limit, &err)) {
            fail_msg("%s", err.text);
        }
        count += batch.count;
    } while (batch.more);
    return count;
}

void select_rig_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
}
