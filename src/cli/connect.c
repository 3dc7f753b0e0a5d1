/*
 * `check --connect`: is everything there that the configuration names?
 *
 * Each source and sink is opened and probed in turn, as a worker would, and nothing is changed: a
 * line each, with how long it took, and what to do where it failed. The rest goes on after a
 * failure, so that one look shows all that is wrong.
 */
#include "cli/connect.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "cli/show.h"
#include "cli/table.h"
#include "engine/targets.h"
#include "store/archive.h"
#include "text/json.h"

enum { PROBE_MS = 5000, CONNECT_ARENA = 64 * 1024 * 1024 };

/* What one of them said. */
struct finding {
    const char *part; /* "source" or "sink" */
    struct str name;
    const char *kind;
    bool ok;
    int64_t took_ms;
    struct str text;
};

struct connect {
    const struct config *config;
    struct arena arena;
    struct buf out;
    struct rng rng;
    struct keep keep;
    struct store *store; /* Of what was noted; NULL: there is none. */
    struct str at;       /* The part that is being asked. */
    struct finding *findings;
    size_t count;
    size_t failed;
};

/* A probe may know what was noted by earlier runs (is somebody logged in?), and notes nothing. */
static bool keep_get(struct keep *keep, struct str key, struct arena *arena, struct str *value,
                     struct err *err)
{
    struct connect *connect = keep->engine;
    *value = (struct str){0};
    return connect->store == NULL ||
           store_keep_get(connect->store, arena, connect->at, key, value, err);
}

static bool forget(struct keep *keep, struct str key, struct str value, struct err *err)
{
    (void)keep;
    (void)key;
    (void)value;
    (void)err;
    return true;
}

/* A store that is not there, or cannot be read, is none of the outside. */
static void open_notes(struct connect *connect)
{
    struct err ignored = {0};
    struct file_info info = {0};
    struct str path =
        arena_printf(&connect->arena, "%.*s/sluice.db", STR_ARG(connect->config->data_dir));
    struct store_options options = {.path = path, .clock = clock_system(), .readonly = true};
    connect->keep = (struct keep){connect, keep_get, forget};
    if (path.ptr == NULL || !file_look(path, &info, &ignored) || info.kind == FILE_MISSING ||
        !store_open(&connect->store, &options, &ignored)) {
        connect->store = NULL;
    }
}

static void probe(struct connect *connect, const char *part, struct str name,
                  const struct connector_type *type, struct connector *connector,
                  const struct target *const *targets)
{
    struct clock *clock = clock_system();
    struct finding *finding = &connect->findings[connect->count++];
    struct err err = {0};
    struct str found = {0};
    int64_t began_ms = clock_mono_ms(clock);
    *finding = (struct finding){.part = part, .name = name, .kind = type->kind};
    connector->name = name;
    connect->at = name;
    connector->env = (struct connector_env){
        .clock = clock,
        .rng = &connect->rng,
        .arena = &connect->arena,
        .keep = &connect->keep,
        .data_dir = connect->config->data_dir,
        .targets = targets,
    };
    bool opened = type->open == NULL || type->open(connector, &err);
    finding->ok = opened && (type->probe == NULL ||
                             type->probe(connector, began_ms + PROBE_MS, &found, &err));
    finding->took_ms = clock_mono_ms(clock) - began_ms;
    finding->text = finding->ok ? found : arena_copy(&connect->arena, str_of(err.text));
    connect->failed += finding->ok ? 0 : 1;
    if (opened && type->close != NULL) {
        type->close(connector);
    }
}

static bool probe_all(struct connect *connect, struct err *err)
{
    const struct plan *plan = &connect->config->plan;
    connect->findings = arena_array(&connect->arena, plan->source_count + plan->sink_count + 1,
                                    sizeof *connect->findings);
    if (connect->findings == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    for (size_t i = 0; i < plan->source_count; i++) {
        struct source *source = plan->sources[i].source;
        probe(connect, "source", plan->sources[i].name, &source->type->connector,
              &source->connector, NULL);
    }
    for (size_t i = 0; i < plan->sink_count; i++) {
        struct sink *sink = plan->sinks[i].sink;
        const struct target *const *targets = NULL;
        if (!targets_of(plan, plan->sinks[i].name, &connect->arena, &targets, err)) {
            return false;
        }
        probe(connect, "sink", plan->sinks[i].name, &sink->type->connector, &sink->connector,
              targets);
    }
    return true;
}

static void put_json(const struct connect *connect, struct json_writer *json)
{
    json_array_begin(json);
    for (size_t i = 0; i < connect->count; i++) {
        const struct finding *finding = &connect->findings[i];
        json_object_begin(json);
        json_field_str(json, STR("part"), str_of(finding->part));
        json_field_str(json, STR("name"), finding->name);
        json_field_str(json, STR("kind"), str_of(finding->kind));
        json_field_bool(json, STR("ok"), finding->ok);
        json_field_int(json, STR("took_ms"), finding->took_ms);
        json_field_str(json, STR("text"), finding->text);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_table(struct connect *connect, const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"", TABLE_LEFT, 0},      {"name", TABLE_LEFT, 0}, {"kind", TABLE_LEFT, 0},
        {"state", TABLE_LEFT, 0}, {"ms", TABLE_RIGHT, 0},  {"what it says", TABLE_LEFT, 20},
    };
    struct screen screen;
    struct table table;
    screen_init(&screen, cli, connect->config);
    table_init(&table, &connect->arena, &screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < connect->count; i++) {
        const struct finding *finding = &connect->findings[i];
        table_word(&table, str_of(finding->part));
        table_text(&table, finding->name);
        table_word(&table, str_of(finding->kind));
        table_styled(&table, finding->ok ? SHOW_GOOD : SHOW_BAD,
                     finding->ok ? STR("ok") : STR("failed"));
        table_count(&table, finding->took_ms);
        table_text(&table, finding->text);
    }
    table_print(&table, &connect->out);
}

int cli_connect(const struct cli *cli, const struct config *config, struct json_writer *json)
{
    struct connect connect = {.config = config};
    struct err err = {0};
    arena_init(&connect.arena, CONNECT_ARENA);
    buf_init(&connect.out, &connect.arena, 4096);
    rng_seed_system(&connect.rng);
    open_notes(&connect);
    int code = probe_all(&connect, &err) ? CLI_OK : cli_fail(&err);
    if (json != NULL) {
        put_json(&connect, json);
    } else if (code == CLI_OK) {
        put_table(&connect, cli);
        struct str text = buf_str(&connect.out);
        (void)fwrite(text.ptr, 1, text.len, stdout);
        code = buf_ok(&connect.out) ? code : CLI_FAILED;
    }
    if (connect.failed > 0) {
        cli_say("%zu of %zu cannot be used as they are; correct that and look again: sluice check "
                "--connect",
                connect.failed, connect.count);
        code = CLI_UNREACHABLE;
    }
    store_close(connect.store);
    arena_free(&connect.arena);
    return code;
}
