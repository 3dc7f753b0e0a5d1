/*
 * chain: what a message costs on its way through generic steps, without store and engine.
 *
 *     chain COUNT
 *
 * COUNT made-up messages go through six steps as a sales desk has them: filter by words, extract
 * labelled lines, normalize, dedupe, count, write; and the same number through each chain that
 * stands in `chains` below. State is a table in memory and records are only counted, so this
 * measures the steps and nothing else; bench-engine measures all. One message in ten holds a lead,
 * the others are what people write.
 *
 * Prints one line of JSON a chain, with messages per second of CPU time.
 */
#include "pipeline/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/kinds.h"
#include "base/clock.h"
#include "base/rng.h"
#include "config/ops.h"
#include "config/options.h"

enum { TEXTS = 4096, TEXT_MAX = 512, ARENA_LIMIT = 256 << 20, SLOTS = 1 << 22, NOTE_MAX = 116 };

#define NAMED                                                                                      \
    "- kind: extract\n"                                                                            \
    "  labels: {source: מקור, name: שם, phone: 'טלפון, נייד', email: מייל}\n"                      \
    "  required: [name, phone]\n  each: true\n"
#define WRITE                                                                                      \
    "- kind: write\n  sink: records\n  target: leads\n  key: '{uid}/{item}'\n"                     \
    "  set: {source: '{source}', name: '{name}', phone: '{phone}', email: '{email}',\n"            \
    "        duplicate_of: '{duplicate_of}', nth: '{count}', written: '{sent}'}\n"

static const struct {
    const char *name;
    const char *yaml;
} chains[] = {
    {"sales, one lead in ten messages", /* The words stand in every lead. */
     "ops:\n- {kind: filter, words: [שם, טלפון, מקור, נייד]}\n" NAMED
     "- {kind: normalize, fields: {phone: phone, email: email, name: trim}}\n"
     "- {kind: dedupe, key: '{phone}', window: 30d, action: flag}\n"
     "- {kind: count, key: '{sender}', per: day}\n" WRITE},
    {"every message to the end", "ops:\n- {kind: filter, words: [zzzz], not: true}\n"
                                 "- {kind: extract, pattern: '(?<name>\\S+)', keep: true}\n"
                                 "- {kind: template, set: {source: a, phone: '{name}', email: b}}\n"
                                 "- {kind: normalize, fields: {name: trim}}\n"
                                 "- {kind: dedupe, key: '{uid}', action: flag}\n"
                                 "- {kind: count, key: '{sender}', per: day}\n" WRITE},
    {"filter by 4 words alone",
     "ops:\n- {kind: filter, words: [zzzz, yyyy, xxxx, wwww]}\n"
     "- {kind: write, sink: records, target: t, key: '{uid}', set: {text: '{text}'}}\n"},
};

struct memo {
    uint64_t hash; /* 0: free. 64 bits tell these few keys apart. */
    uint32_t len;
    char value[NOTE_MAX];
};

struct bench {
    struct arena config;
    struct arena open;
    struct arena step;
    struct chain *chain;
    struct memo *notes;
    int64_t records;
};

static char texts[TEXTS][TEXT_MAX];

static struct memo *note_find(struct bench *bench, struct str key)
{
    uint64_t hash = str_hash(key, 0) | 1;
    for (uint64_t at = hash >> 1;; at++) {
        struct memo *note = &bench->notes[at & (SLOTS - 1)];
        if (note->hash == 0 || note->hash == hash) {
            note->hash = hash;
            return note;
        }
    }
}

static bool env_get(struct op_env *env, struct str key, struct str *value, struct err *err)
{
    (void)err;
    struct memo *note = note_find(env->engine, key);
    *value = note->len > 0 ? arena_copy(env->arena, (struct str){note->value, note->len - 1})
                           : (struct str){0};
    return true;
}

static bool env_put(struct op_env *env, struct str key, struct str value, struct err *err)
{
    struct memo *note = note_find(env->engine, key);
    if (value.len >= NOTE_MAX) {
        return err_set(err, ERR_CONFIG, "a note of %zu bytes", value.len);
    }
    memcpy(note->value, value.ptr, value.len);
    note->len = (uint32_t)value.len + 1;
    return true;
}

static bool env_del(struct op_env *env, struct str key, struct err *err)
{
    (void)err;
    note_find(env->engine, key)->len = 0;
    return true;
}

static bool env_scan(struct op_env *env, struct str prefix,
                     bool (*each)(void *context, struct str key, struct str value), void *context,
                     struct err *err)
{
    (void)env;
    (void)prefix;
    (void)each;
    (void)context;
    (void)err;
    return true;
}

static bool env_emit(struct op_env *env, const struct record *record, struct err *err)
{
    struct bench *bench = env->engine;
    (void)err;
    bench->records += record->body.len > 0;
    return true;
}

static bool fail(const struct faults *faults)
{
    for (size_t i = 0; i < faults->kept; i++) {
        (void)fprintf(stderr, "%.*s\n", STR_ARG(faults->items[i].text));
    }
    return false;
}

static bool open_chain(struct bench *bench, const char *yaml, struct err *err)
{
    static const struct str sinks[] = {STR_INIT("records")};
    static const struct env no_env;
    static struct step_targets targets;
    const struct yaml_node *map = NULL;
    struct faults faults;
    struct plan plan = {0};
    arena_free(&bench->config);
    arena_init(&bench->config, ARENA_LIMIT);
    memset(&targets, 0, sizeof targets);
    faults_init(&faults, &bench->config);
    struct reader reader = {.arena = &bench->config,
                            .faults = &faults,
                            .env = &no_env,
                            .sinks = sinks,
                            .sink_count = 1,
                            .kinds = &app_kinds};
    if (!yaml_parse(&bench->config, STR("chain"), str_of(yaml), NULL, &map, err)) {
        return false;
    }
    bench->chain = arena_alloc(&bench->config, sizeof *bench->chain);
    bench->chain->op = (struct op){.type = &op_chain, .name = STR("bench")};
    struct option_set set = {op_chain.options, bench->chain};
    if (!config_options_read(&reader, map, "bench", &set, 1, NULL) ||
        !config_ops_prepare(&reader, map, &plan, &targets, bench->chain)) {
        return fail(&faults);
    }
    return op_chain.open(&bench->chain->op, &bench->open, err);
}

static void make_texts(void)
{
    static const char *const words[] = {"שלום", "מה",    "נשמע", "אני",   "מגיע",  "בעוד", "שעה",
                                        "the",  "order", "is",   "ready", "10:30", "תודה", "👍"};
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t i = 0; i < TEXTS; i++) {
        size_t len = 0;
        if (i % 10 == 0) {
            (void)snprintf(
                texts[i], TEXT_MAX,
                "* מקור: אתר\n- שם : דנה לוי %zu\nטלפון: 055-%07zu\nמייל: D%zu@Example.com", i,
                i * 7919 % 10000000, i);
            continue;
        }
        for (size_t k = 2 + rng_below(&rng, 20); k > 0; k--) {
            len += (size_t)snprintf(texts[i] + len, TEXT_MAX - len, "%s ",
                                    words[rng_below(&rng, sizeof words / sizeof words[0])]);
        }
    }
}

static bool run(struct bench *bench, int64_t count, struct err *err)
{
    char id[24];
    struct op_env env = {.arena = &bench->step,
                         .engine = bench,
                         .get = env_get,
                         .put = env_put,
                         .del = env_del,
                         .scan = env_scan,
                         .emit = env_emit};
    (void)arena_alloc(&bench->step, 1); /* As in a worker: its block stays from one to the next. */
    for (int64_t i = 0; i < count; i++) {
        int len = snprintf(id, sizeof id, "3EB0%012" PRId64, i);
        struct message message = {
            .id = i + 1,
            .source = STR("bridge"),
            .chat = STR("120363000000000001@g.us"),
            .external_id = {id, (size_t)len},
            .sender = STR("972550000001"),
            .text = str_of(texts[i % TEXTS]),
            .sent_ms = INT64_C(1763971200000) + i * 1000,
            .archived_ms = INT64_C(1763971200000) + i * 1000,
        };
        struct arena_mark mark = arena_mark(&bench->step);
        if (!op_chain.apply(&bench->chain->op, &env, &message, err)) {
            return false;
        }
        arena_rewind(&bench->step, mark);
    }
    return true;
}

static bool measure(struct bench *bench, size_t index, int64_t count, struct err *err)
{
    bench->records = 0;
    bench->notes = calloc(SLOTS, sizeof *bench->notes);
    if (bench->notes == NULL || !open_chain(bench, chains[index].yaml, err)) {
        return false;
    }
    memset(bench->notes, 0, SLOTS * sizeof *bench->notes); /* Its pages are there from the start. */
    int64_t from_us = clock_cpu_us();
    if (!run(bench, count, err)) {
        return false;
    }
    int64_t took_us = clock_cpu_us() - from_us;
    printf("{\"chain\":\"%s\",\"messages\":%" PRId64 ",\"records\":%" PRId64 ",\"cpu_ms\":%" PRId64
           ",\"messages_per_cpu_s\":%" PRId64 "}\n",
           chains[index].name, count, bench->records, took_us / 1000,
           took_us > 0 ? count * 1000000 / took_us : 0);
    op_chain.close(&bench->chain->op);
    free(bench->notes);
    return true;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct err err = {0};
    int64_t count = 0;
    if (argc != 2 || !str_to_int64(str_of(argv[1]), &count) || count < 1) {
        (void)fprintf(stderr, "usage: chain COUNT\n");
        return 64;
    }
    arena_init(&bench.open, ARENA_LIMIT);
    arena_init(&bench.step, ARENA_LIMIT);
    make_texts();
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        if (!measure(&bench, i, count, &err)) {
            (void)fprintf(stderr, "%s: %s\n", chains[i].name, err.text);
            return 1;
        }
    }
    return 0;
}
