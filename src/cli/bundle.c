/*
 * bundle: what somebody who helps needs to know, without secrets and without people.
 *
 * Everything goes through the veil (veil.h). Of the configuration only keys and harmless values are
 * shown; of variables only names; of dead letters and refusals only the reasons; of the log the
 * last lines. Nothing of any message.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/look.h"
#include "cli/runs.h"
#include "cli/veil.h"
#include "config/env.h"
#include "config/tree.h"
#include "store/facts.h"
#include "store/outbox.h"
#include "store/pack.h"
#include "store/run.h"
#include "text/json.h"
#include "text/yaml.h"

enum {
    PARTS_MAX = 16,
    RUNS_MAX = 50,
    REASONS_MAX = 500,
    LOG_BYTES_MAX = 64 * 1024,
    LOG_READ_MAX = 256 * 1024 * 1024,
    CONFIG_DEPTH_MAX = 16,
};

struct bundle {
    struct look look;
    const struct cli *cli;
    struct config config; /* The whole one, when it is sound. */
    bool sound;
    struct veil *veil;
    struct {
        const char *name;
        const char *about;
        struct str text;
    } parts[PARTS_MAX];
    size_t count;
};

/* ---- What is private ---- */

/* Of these the values say nothing about anybody. */
static bool is_harmless(struct str name)
{
    static const char *const names[] = {"PATH",      "LANG",        "TERM",          "SHELL",
                                        "PWD",       "OLDPWD",      "SHLVL",         "_",
                                        "LOG_LEVEL", "LOG_FILE_MB", "LOG_FILE_KEEP", "NO_COLOR",
                                        "TZ",        "ENV",         "SCAN_INTERVAL", "EDITOR"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal(name, str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static void hide_value(struct bundle *bundle, struct str name, struct str value)
{
    if (!is_harmless(name)) {
        struct str word = arena_printf(&bundle->look.arena, "(value of %.*s)", STR_ARG(name));
        veil_add(bundle->veil, value, word.ptr != NULL ? word : STR("(hidden)"));
    }
}

static struct str beside(struct bundle *bundle, const char *name)
{
    struct str path = bundle->config.path;
    size_t slash = STR_NONE;
    for (size_t i = 0; i < path.len; i++) {
        slash = path.ptr[i] == '/' ? i : slash;
    }
    return slash == STR_NONE ? str_of(name)
                             : arena_printf(&bundle->look.arena, "%.*s/%s",
                                            STR_ARG(str_slice(path, 0, slash)), name);
}

static void hide_variables(struct bundle *bundle, struct buf *names)
{
    struct env env = {0};
    struct faults faults;
    struct err ignored = {0};
    for (const char *const *item = bundle->cli->environment; item != NULL && *item != NULL;
         item++) {
        struct str text = str_of(*item);
        size_t at = str_find_byte(text, '=', 0);
        if (at != STR_NONE) {
            hide_value(bundle, str_slice(text, 0, at), str_slice(text, at + 1, text.len));
            buf_printf(names, "%.*s\n", STR_ARG(str_slice(text, 0, at)));
        }
    }
    faults_init(&faults, &bundle->look.arena);
    if (env_open(&env, &bundle->look.arena, bundle->cli->environment, beside(bundle, ".env"),
                 &faults, &ignored)) {
        for (size_t i = 0; i < env.count; i++) {
            hide_value(bundle, env.entries[i].name, env.entries[i].value);
            buf_printf(names, "%.*s (in .env)\n", STR_ARG(env.entries[i].name));
        }
    }
}

/* Projects, chats and their like are names of people and places. */
static void hide_names(struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->config.project_lists; i++) {
        const struct named_chats *chats = &bundle->config.projects[i].chats;
        for (size_t j = 0; j < chats->count; j++) {
            struct str word = arena_printf(&bundle->look.arena, "(project %zu)", j + 1);
            veil_add(bundle->veil, chats->items[j].name, word);
            veil_add(bundle->veil, chats->items[j].chat, STR("(chat)"));
        }
    }
}

/* ---- Parts ---- */

static void add_part(struct bundle *bundle, const char *name, const char *about, struct buf *raw)
{
    struct buf out;
    struct str text = buf_str(raw);
    buf_init(&out, &bundle->look.arena, text.len + 64);
    veil_put(bundle->veil, &out, text);
    if (bundle->count < PARTS_MAX) {
        bundle->parts[bundle->count].name = name;
        bundle->parts[bundle->count].about = about;
        bundle->parts[bundle->count].text = buf_str(&out);
        bundle->count++;
    }
}

static struct buf fresh(struct bundle *bundle)
{
    struct buf buf;
    buf_init(&buf, &bundle->look.arena, 4096);
    return buf;
}

static bool count_of(struct bundle *bundle, struct buf *out, const char *what, const char *sql,
                     struct err *err)
{
    int64_t value = 0;
    bool ok = store_int(bundle->look.store, sql, &value, err);
    buf_printf(out, "%-24s %" PRId64 "\n", what, value);
    return ok;
}

static bool add_status(struct bundle *bundle, struct err *err)
{
    struct buf out = fresh(bundle);
    uint64_t room = 0;
    struct err ignored = {0};
    bool ok = true;
    buf_printf(&out, "sluice %s\nconfiguration %s\n", SLUICE_VERSION,
               bundle->sound ? "sound" : "not sound, see: sluice check");
    if (file_space(bundle->look.config.data_dir, &room, &ignored)) {
        buf_printf(&out, "%-24s %" PRIu64 " MB\n", "free on the disk", room / 1000000);
    }
    if (bundle->look.store != NULL) {
        ok = count_of(bundle, &out, "messages", "SELECT count(*) FROM archive", err) &&
             count_of(bundle, &out, "waiting records", "SELECT count(*) FROM outbox", err) &&
             count_of(bundle, &out, "dead letters", "SELECT count(*) FROM dead", err) &&
             count_of(bundle, &out, "refused", "SELECT count(*) FROM refused", err) &&
             count_of(bundle, &out, "chats", "SELECT count(*) FROM chat", err) &&
             count_of(bundle, &out, "audit entries", "SELECT count(*) FROM audit", err);
    } else {
        buf_add(&out, STR("no store: nothing has run yet\n"));
    }
    add_part(bundle, "status.txt", "version, disk, counts", &out);
    return ok;
}

static bool add_runs(struct bundle *bundle, struct err *err)
{
    struct buf out = fresh(bundle);
    struct run *runs = NULL;
    size_t count = 0;
    struct screen screen = {.zone = NULL, .now_ms = bundle->look.screen.now_ms};
    screen.zone = bundle->look.screen.zone;
    if (bundle->look.store != NULL && !store_run_list(bundle->look.store, &bundle->look.arena,
                                                      STR(""), 0, RUNS_MAX, &runs, &count, err)) {
        return false;
    }
    runs_table(&bundle->look.arena, &screen, runs, count, &out);
    add_part(bundle, "runs.txt", "the last runs, how they ended", &out);
    return true;
}

/* Reasons only: neither which row nor what it says. */
static bool add_reasons(struct bundle *bundle, struct err *err)
{
    struct buf out = fresh(bundle);
    struct arena *arena = &bundle->look.arena;
    struct dead_letter *dead = arena_array(arena, REASONS_MAX, sizeof *dead);
    struct refused *refused = NULL;
    size_t dead_count = 0;
    size_t refused_count = 0;
    if (dead == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    if (bundle->look.store != NULL &&
        (!store_dead_list(bundle->look.store, arena, 0, REASONS_MAX, dead, &dead_count, err) ||
         !store_refused_list(bundle->look.store, arena, 0, REASONS_MAX, &refused, &refused_count,
                             err))) {
        return false;
    }
    for (size_t i = 0; i < dead_count; i++) {
        buf_printf(&out, "dead letter of %.*s, table %.*s, after %" PRId32 " tries: %.*s\n",
                   STR_ARG(dead[i].sink), STR_ARG(dead[i].target), dead[i].attempts,
                   STR_ARG(dead[i].why));
    }
    for (size_t i = 0; i < refused_count; i++) {
        buf_printf(&out, "refused by %.*s: %.*s\n", STR_ARG(refused[i].worker),
                   STR_ARG(refused[i].why));
    }
    add_part(bundle, "reasons.txt", "why records and messages were refused", &out);
    return true;
}

static bool add_tables(struct bundle *bundle, struct err *err)
{
    static const char *const files[] = {"sluice.db", "records.db"};
    struct buf counts = fresh(bundle);
    struct buf schema = fresh(bundle);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct file_info info = {0};
        struct str path = arena_printf(&bundle->look.arena, "%.*s/%s",
                                       STR_ARG(bundle->look.config.data_dir), files[i]);
        if (path.ptr == NULL || !file_look(path, &info, err)) {
            return path.ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
        }
        if (info.kind == FILE_MISSING) {
            continue;
        }
        buf_printf(&counts, "%s, %" PRIu64 " kB\n", files[i], info.size / 1000);
        buf_printf(&schema, "-- %s\n", files[i]);
        if (!facts_read(path, &bundle->look.arena, &counts, &schema, err)) {
            return false;
        }
    }
    add_part(bundle, "tables.txt", "how many rows each table has", &counts);
    add_part(bundle, "schema.txt", "how the tables are declared", &schema);
    return true;
}

/* Keys whose values are words of sluice and not of its owner. */
static bool is_ours(struct str key)
{
    static const char *const keys[] = {"kind",    "on",      "every",    "cron",    "zone",
                                       "misfire", "overlap", "poll",     "timeout", "attempts",
                                       "source",  "sink",    "lookback", "archive", "runs"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (str_equal(key, str_of(keys[i]))) {
            return true;
        }
    }
    return false;
}

static void put_config(struct buf *out, const struct yaml_node *node, struct str key, int level)
{
    size_t at = 0;
    const struct yaml_node *name = NULL;
    const struct yaml_node *value = NULL;
    bool nested = node->kind == YAML_MAP || node->kind == YAML_LIST;
    if (!nested || level > CONFIG_DEPTH_MAX) {
        bool plain = node->kind == YAML_BOOL || node->kind == YAML_NULL || is_ours(key) ||
                     str_starts(node->text, STR("${"));
        size_t end = str_find_byte(node->text, ':', 0); /* ${NAME:default}: without the default. */
        struct str text =
            !is_ours(key) && end != STR_NONE ? str_slice(node->text, 0, end) : node->text;
        buf_printf(out, " %.*s\n", STR_ARG(plain ? text : STR("(hidden)")));
        return;
    }
    buf_add_byte(out, '\n');
    while (yaml_next(node, &at, &name, &value)) {
        struct str word = name != NULL ? name->text : STR("-");
        buf_printf(out, "%*s%.*s%s", 2 * level, "", STR_ARG(word), name != NULL ? ":" : "");
        put_config(out, value, name != NULL ? name->text : key, level + 1);
    }
}

static void add_config(struct bundle *bundle)
{
    struct buf out = fresh(bundle);
    struct str text = {0};
    const struct yaml_node *root = NULL;
    struct err err = {0};
    if (bundle->config.path.ptr == NULL) {
        buf_add(&out, STR("there is no configuration\n"));
    } else if (!file_read(&bundle->look.arena, bundle->config.path, TREE_FILE_MAX, &text, &err) ||
               !yaml_parse(&bundle->look.arena, STR("configuration"), text, NULL, &root, &err)) {
        buf_printf(&out, "it cannot be read: %s\n", err.text);
    } else {
        put_config(&out, root, STR(""), 0);
    }
    add_part(bundle, "config.txt", "keys of the configuration, few of its values", &out);
}

/* The last lines of the log file, whole ones. */
static void add_log(struct bundle *bundle)
{
    struct buf out = fresh(bundle);
    struct str text = {0};
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 2 * (size_t)LOG_READ_MAX);
    if (bundle->config.log_file.ptr == NULL) {
        buf_add(&out, STR("LOG_FILE is not set; the log is where standard error goes\n"));
    } else if (!file_read(&arena, bundle->config.log_file, LOG_READ_MAX, &text, &err)) {
        buf_printf(&out, "%s\n", err.text);
    } else {
        size_t from = text.len > LOG_BYTES_MAX ? text.len - LOG_BYTES_MAX : 0;
        size_t start = from > 0 ? str_find_byte(text, '\n', from) : 0;
        buf_add(&out, str_slice(text, start == STR_NONE ? text.len : start, text.len));
    }
    add_part(bundle, "log.txt", "the last lines of the log", &out);
    arena_free(&arena);
}

static void add_contents(struct bundle *bundle)
{
    struct buf out = fresh(bundle);
    buf_add(&out, STR("A support bundle of sluice. It holds no message, no secret, no telephone "
                      "number, no name\nof a chat or a person; look through it before you send "
                      "it.\n\n"));
    for (size_t i = 0; i < bundle->count; i++) {
        buf_printf(&out, "%-16s %s\n", bundle->parts[i].name, bundle->parts[i].about);
    }
    add_part(bundle, "README.txt", "this list", &out);
}

static bool gather(struct bundle *bundle, struct err *err)
{
    struct buf names = fresh(bundle);
    bundle->veil = arena_alloc(&bundle->look.arena, sizeof *bundle->veil);
    if (bundle->veil == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    hide_variables(bundle, &names);
    hide_names(bundle);
    if (!add_status(bundle, err) || !add_runs(bundle, err) || !add_reasons(bundle, err) ||
        !add_tables(bundle, err)) {
        return false;
    }
    add_config(bundle);
    add_log(bundle);
    add_part(bundle, "environment.txt", "names of variables, never values", &names);
    add_contents(bundle);
    return true;
}

/* ---- Out ---- */

static bool write_pack(struct bundle *bundle, struct str path, uint64_t *size, struct err *err)
{
    struct pack *pack = NULL;
    bool ok = pack_open(&pack, path, bundle->look.screen.now_ms / 1000, err);
    for (size_t i = 0; ok && i < bundle->count; i++) {
        ok = pack_add_bytes(pack, str_of(bundle->parts[i].name), bundle->parts[i].text, err);
    }
    ok = ok && pack_finish(pack, size, err);
    pack_close(pack);
    return ok;
}

static void list_json(struct bundle *bundle)
{
    struct json_writer json;
    json_writer_init(&json, &bundle->look.out);
    json_object_begin(&json);
    json_key(&json, STR("parts"));
    json_array_begin(&json);
    for (size_t i = 0; i < bundle->count; i++) {
        json_object_begin(&json);
        json_field_str(&json, STR("name"), str_of(bundle->parts[i].name));
        json_field_int(&json, STR("bytes"), (int64_t)bundle->parts[i].text.len);
        json_field_str(&json, STR("about"), str_of(bundle->parts[i].about));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&bundle->look.out, '\n');
}

static void list(struct bundle *bundle)
{
    struct buf *out = &bundle->look.out;
    for (size_t i = 0; i < bundle->count; i++) {
        if (bundle->cli->verbose) {
            buf_printf(out, "==> %s <==\n%.*s\n", bundle->parts[i].name,
                       STR_ARG(bundle->parts[i].text));
        } else {
            buf_printf(out, "%-16s %8zu bytes  %s\n", bundle->parts[i].name,
                       bundle->parts[i].text.len, bundle->parts[i].about);
        }
    }
}

static bool put_out(struct bundle *bundle, struct err *err)
{
    const struct cli *cli = bundle->cli;
    struct str path = cli->word_count > 0 ? cli->words[0] : STR("sluice-bundle.tar.gz");
    struct file_info info = {0};
    uint64_t size = 0;
    if (cli_given(cli, "--list")) {
        if (cli->json) {
            list_json(bundle);
        } else {
            list(bundle);
        }
        return true;
    }
    if (!file_look(path, &info, err)) {
        return false;
    }
    if (info.kind != FILE_MISSING && !cli_given(cli, "--force")) {
        return err_set(err, ERR_REJECT, "%.*s is there already; name another file, or --force",
                       STR_ARG(path));
    }
    if (!write_pack(bundle, path, &size, err)) {
        return false;
    }
    if (cli->json) {
        buf_add(&bundle->look.out, STR("{\"file\":"));
        json_quote(&bundle->look.out, path);
        buf_printf(&bundle->look.out, ",\"bytes\":%" PRIu64 ",\"parts\":%zu}\n", size,
                   bundle->count);
    } else {
        buf_printf(&bundle->look.out,
                   "%.*s: %zu parts; look through it before you send it: tar xzf %.*s\n",
                   STR_ARG(path), bundle->count, STR_ARG(path));
    }
    return true;
}

/* A wrong configuration is one of the reasons for a bundle: its faults are not said here. */
static void load_config(struct bundle *bundle)
{
    struct err ignored = {0};
    struct config_input input = {
        .path = bundle->cli->config_path,
        .data_dir = bundle->cli->data_dir,
        .environment = bundle->cli->environment,
        .kinds = bundle->cli->kinds,
    };
    bundle->sound = config_load(&bundle->config, &input, &ignored);
}

int cli_bundle(struct cli *cli)
{
    struct bundle bundle = {.cli = cli};
    struct err err = {0};
    int code = look_begin(&bundle.look, cli);
    if (code != CLI_OK) {
        (void)look_end(&bundle.look, true, &err);
        return code;
    }
    load_config(&bundle);
    bool ok = gather(&bundle, &err) && put_out(&bundle, &err);
    code = look_end(&bundle.look, ok, &err);
    config_free(&bundle.config);
    return code;
}
