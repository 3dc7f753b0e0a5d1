#include "pipeline/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/kinds.h"
#include "config/ops.h"
#include "config/options.h"
#include "pipeline/chain.h"

enum { SLOTS_FIRST = 1024, CITIES_MAX = 32, ARENA_LIMIT = 64 << 20, MINUTE_MS = 60000 };

/* State: a hash table of keys, whose removed entries stay as keys without a value. */
struct memo {
    char *key;
    size_t key_len;
    char *value; /* NULL: none. */
    size_t value_len;
};

static struct memo *notes;
static size_t note_room;
static size_t note_count; /* Places in use. */

/* What one message changed, to be undone when it is refused. */
struct change {
    struct str key;
    struct str value; /* As it was. */
};

static struct change changes[4096];
static size_t change_count;

static struct arena config_arena;
static struct arena open_arena;
static struct arena step_arena;
static struct arena change_arena;
static struct chain *chain;
static struct err err;
static char out[RIG_OUT_MAX];
static size_t out_len;
static size_t committed_len;
static char listing[RIG_OUT_MAX];
static char faults_text[RIG_OUT_MAX];
static int64_t message_id;
static const char *cities[CITIES_MAX][2];
static size_t city_count;

static char *bytes_copy(struct str text)
{
    char *copy = malloc(text.len + 1);
    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

static struct memo *note_find(struct str key)
{
    for (size_t at = str_hash(key, 0);; at++) {
        struct memo *note = &notes[at & (note_room - 1)];
        if (note->key == NULL || str_equal((struct str){note->key, note->key_len}, key)) {
            return note;
        }
    }
}

static void notes_grow(void)
{
    struct memo *before = notes;
    size_t room = note_room;
    note_room = room == 0 ? SLOTS_FIRST : room * 2;
    notes = calloc(note_room, sizeof *notes);
    assert_non_null(notes);
    for (size_t i = 0; i < room; i++) {
        if (before[i].key != NULL) {
            *note_find((struct str){before[i].key, before[i].key_len}) = before[i];
        }
    }
    free(before);
}

static void notes_clear(void)
{
    for (size_t i = 0; i < note_room; i++) {
        free(notes[i].key);
        free(notes[i].value);
    }
    free(notes);
    notes = NULL;
    note_room = 0;
    note_count = 0;
}

static void note_set(struct str key, struct str value)
{
    if (note_count * 2 >= note_room) {
        notes_grow();
    }
    struct memo *note = note_find(key);
    if (note->key == NULL) {
        note->key = bytes_copy(key);
        note->key_len = key.len;
        note_count++;
    }
    free(note->value);
    note->value = value.ptr != NULL ? bytes_copy(value) : NULL;
    note->value_len = value.len;
}

static struct str note_value(struct str key)
{
    struct memo *note = note_room > 0 ? note_find(key) : NULL;
    return note != NULL && note->value != NULL ? (struct str){note->value, note->value_len}
                                               : (struct str){0};
}

static void remember(struct str key)
{
    struct str before = note_value(key);
    assert_true(change_count < COUNT(changes));
    changes[change_count].key = arena_copy(&change_arena, key);
    changes[change_count].value =
        before.ptr != NULL ? arena_copy(&change_arena, before) : (struct str){0};
    change_count++;
}

static bool env_get(struct op_env *env, struct str key, struct str *value, struct err *failure)
{
    (void)failure;
    struct str found = note_value(key);
    *value = found.ptr != NULL ? arena_copy(env->arena, found) : (struct str){0};
    return true;
}

static bool env_put(struct op_env *env, struct str key, struct str value, struct err *failure)
{
    (void)env;
    (void)failure;
    assert_true(key.len > 0 && key.len <= 1024 && value.ptr != NULL);
    remember(key);
    note_set(key, value);
    return true;
}

static bool env_del(struct op_env *env, struct str key, struct err *failure)
{
    (void)env;
    (void)failure;
    remember(key);
    note_set(key, (struct str){0});
    return true;
}

static int compare_notes(const void *a, const void *b)
{
    const struct memo *left = *(const struct memo *const *)a;
    const struct memo *right = *(const struct memo *const *)b;
    return str_compare((struct str){left->key, left->key_len},
                       (struct str){right->key, right->key_len});
}

static size_t notes_sorted(const struct memo **sorted)
{
    size_t count = 0;
    for (size_t i = 0; i < note_room; i++) {
        if (notes[i].value != NULL) {
            sorted[count++] = &notes[i];
        }
    }
    qsort(sorted, count, sizeof(struct memo *), compare_notes);
    return count;
}

static bool env_scan(struct op_env *env, struct str prefix,
                     bool (*each)(void *context, struct str key, struct str value), void *context,
                     struct err *failure)
{
    (void)failure;
    const struct memo **sorted = malloc((note_room + 1) * sizeof *sorted);
    assert_non_null(sorted);
    size_t count = notes_sorted(sorted);
    bool go_on = true;
    for (size_t i = 0; i < count && go_on; i++) {
        struct str key = {sorted[i]->key, sorted[i]->key_len};
        if (str_starts(key, prefix)) {
            struct str value = {sorted[i]->value, sorted[i]->value_len};
            go_on = each(context, arena_copy(env->arena, key), arena_copy(env->arena, value));
        }
    }
    free(sorted);
    return true;
}

static bool env_emit(struct op_env *env, const struct record *record, struct err *failure)
{
    (void)env;
    (void)failure;
    int len = snprintf(out + out_len, sizeof out - out_len, "%s%s%.*s %.*s %.*s",
                       out_len > 0 ? "\n" : "", record->kind == RECORD_EFFECT ? "!" : "",
                       STR_ARG(record->target), STR_ARG(record->entity), STR_ARG(record->body));
    assert_true(len > 0 && (size_t)len < sizeof out - out_len);
    assert_str_equal(record->sink, STR("records"));
    out_len += (size_t)len;
    return true;
}

static bool env_reference(struct op_env *env, struct str name, struct str key, struct str *row,
                          struct err *failure)
{
    (void)env;
    (void)failure;
    assert_str_equal(name, STR("cities"));
    *row = (struct str){0};
    for (size_t i = 0; i < city_count; i++) {
        if (str_equal(str_of(cities[i][0]), key)) {
            *row = str_of(cities[i][1]);
        }
    }
    return true;
}

/* The chain of a text, or NULL with faults. */
static struct chain *build(const char *yaml, struct faults *faults)
{
    static const struct str sinks[] = {STR_INIT("records")};
    static const struct env no_env;
    static struct step_targets targets;
    const struct yaml_node *map = NULL;
    struct plan_source source = {.name = STR("table"), .reference = STR("cities")};
    struct plan plan = {.sources = &source, .source_count = 1};
    struct reader reader = {
        .arena = &config_arena,
        .faults = faults,
        .env = &no_env,
        .sinks = sinks,
        .sink_count = COUNT(sinks),
        .kinds = &app_kinds,
    };
    memset(&targets, 0, sizeof targets);
    if (!yaml_parse(&config_arena, STR("y"), str_of(yaml), NULL, &map, &err)) {
        fail_msg("%s", err.text);
    }
    struct chain *made = arena_alloc(&config_arena, sizeof *made);
    struct option_set set = {op_chain.options, made};
    made->op = (struct op){.type = &op_chain, .name = STR("test")};
    bool good = config_options_read(&reader, map, "pipeline 'test'", &set, 1, NULL) &&
                config_ops_prepare(&reader, map, &plan, &targets, made);
    return good ? made : NULL;
}

static const char *fault_lines(const struct faults *faults)
{
    size_t len = 0;
    faults_text[0] = '\0';
    for (size_t i = 0; i < faults->kept; i++) {
        const struct fault *fault = &faults->items[i];
        len += (size_t)snprintf(faults_text + len, sizeof faults_text - len, "%s%zu:%zu %.*s%s%.*s",
                                i > 0 ? "\n" : "", fault->place.line, fault->place.column,
                                STR_ARG(fault->text), fault->help.len > 0 ? "; " : "",
                                STR_ARG(fault->help));
    }
    return faults_text;
}

void rig_reopen(const char *yaml)
{
    struct faults faults;
    if (chain != NULL) {
        op_chain.close(&chain->op);
    }
    arena_free(&config_arena);
    arena_free(&open_arena);
    arena_free(&step_arena);
    arena_free(&change_arena);
    arena_init(&config_arena, ARENA_LIMIT);
    arena_init(&open_arena, ARENA_LIMIT);
    arena_init(&step_arena, ARENA_LIMIT);
    arena_init(&change_arena, ARENA_LIMIT);
    faults_init(&faults, &config_arena);
    chain = build(yaml, &faults);
    if (chain == NULL) {
        fail_msg("%s", fault_lines(&faults));
    }
    if (!op_chain.open(&chain->op, &open_arena, &err)) {
        fail_msg("%s", err.text);
    }
}

void rig_open(const char *yaml)
{
    notes_clear();
    message_id = 0;
    out_len = 0;
    committed_len = 0;
    city_count = 0;
    rig_reopen(yaml);
}

void rig_close(void)
{
    if (chain != NULL) {
        op_chain.close(&chain->op);
    }
    chain = NULL;
    arena_free(&config_arena);
    arena_free(&open_arena);
    arena_free(&step_arena);
    arena_free(&change_arena);
    notes_clear();
}

const char *rig_faults(const char *yaml)
{
    struct faults faults;
    struct arena arena;
    arena_init(&arena, ARENA_LIMIT);
    arena_init(&config_arena, ARENA_LIMIT);
    faults_init(&faults, &arena);
    bool good = build(yaml, &faults) != NULL;
    const char *text = good ? "ok" : fault_lines(&faults);
    arena_free(&arena);
    arena_free(&config_arena);
    return text;
}

struct message rig_message(const char *text)
{
    static char ids[8][16];
    char *id = ids[message_id % 8];
    message_id++;
    (void)snprintf(id, sizeof ids[0], "M%d", (int)message_id);
    return (struct message){
        .id = message_id,
        .kind = MESSAGE_CHAT,
        .direction = MESSAGE_INCOMING,
        .source = STR("bridge"),
        .chat = STR("lobby"),
        .external_id = str_of(id),
        .sender = STR("Dana"),
        .text = str_of(text),
        .sent_ms = RIG_MORNING_MS + message_id * MINUTE_MS,
        .archived_ms = RIG_MORNING_MS + message_id * MINUTE_MS + 1,
    };
}

static void undo(void)
{
    for (size_t i = change_count; i > 0; i--) {
        note_set(changes[i - 1].key, changes[i - 1].value);
    }
}

bool rig_apply(const struct message *message)
{
    struct op_env env = {
        .arena = &step_arena,
        .get = env_get,
        .put = env_put,
        .del = env_del,
        .scan = env_scan,
        .emit = env_emit,
        .reference = env_reference,
    };
    memset(&err, 0, sizeof err);
    change_count = 0;
    committed_len = out_len;
    bool ok = op_chain.apply(&chain->op, &env, message, &err);
    if (!ok) {
        assert_int_equal(err.kind, ERR_REJECT);
        undo();
        out_len = committed_len;
    }
    out[out_len] = '\0';
    arena_reset(&step_arena);
    arena_reset(&change_arena);
    return ok;
}

const char *rig_why(void)
{
    return err.text;
}

void rig_say(const char *text)
{
    struct message message = rig_message(text);
    if (!rig_apply(&message)) {
        fail_msg("%s", err.text);
    }
}

void rig_tick(void)
{
    struct message message = rig_message("");
    message.kind = MESSAGE_TICK;
    message.source = STR("clock");
    message.chat = STR("clock");
    message.sender = STR("");
    assert_true(rig_apply(&message));
}

void rig_city(const char *key, const char *body)
{
    size_t at = 0;
    while (at < city_count && strcmp(cities[at][0], key) != 0) {
        at++;
    }
    assert_true(at < CITIES_MAX);
    cities[at][0] = key;
    cities[at][1] = body;
    city_count = at == city_count ? at + 1 : city_count;
}

void rig_renew(void)
{
    struct message message = rig_message("");
    message.kind = MESSAGE_REFERENCE;
    message.source = STR("references");
    message.chat = STR("cities");
    if (!rig_apply(&message)) {
        fail_msg("%s", err.text);
    }
}

const char *rig_records(void)
{
    memcpy(listing, out, out_len);
    listing[out_len] = '\0';
    out_len = 0;
    committed_len = 0;
    return listing;
}

size_t rig_state_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < note_room; i++) {
        count += notes[i].value != NULL;
    }
    return count;
}

const char *rig_state(void)
{
    const struct memo **sorted = malloc((note_room + 1) * sizeof *sorted);
    size_t len = 0;
    assert_non_null(sorted);
    size_t count = notes_sorted(sorted);
    listing[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(listing + len, sizeof listing - len, "%s%.*s=%.*s",
                                i > 0 ? "\n" : "", (int)sorted[i]->key_len, sorted[i]->key,
                                (int)sorted[i]->value_len, sorted[i]->value);
    }
    free(sorted);
    return listing;
}
