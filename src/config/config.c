#include "config/config.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "config/build.h"
#include "config/nearest.h"
#include "config/tree.h"

static const struct option top_options[] = {
    {.type = OPTION_TYPE_LIST,
     .name = "include",
     .doc = "Files that define more, relative to this one."},
    {.type = OPTION_TYPE_PATH,
     .name = "store",
     .fallback = "data",
     .doc = "The data folder, unless --data or $SLUICE_DATA say another."},
    {.type = OPTION_TYPE_PATH,
     .name = "files",
     .doc =
         "Where attachments are kept, for other programs as well: nothing is ever removed there. "
         "Without it they lie in `files` of the data folder, and go with their messages."},
    {.type = OPTION_TYPE_ZONE, .name = "zone", .doc = "Whose clock times are shown and read in."},
    {.type = OPTION_TYPE_MAP, .name = "keep", .doc = "How long things are kept."},
    {.type = OPTION_TYPE_MAP, .name = "http", .doc = "Where `sluice serve` listens."},
    {.type = OPTION_TYPE_MAP,
     .name = "backups",
     .doc = "When `sluice serve` makes one, and where."},
    {.type = OPTION_TYPE_MAP, .name = "alerts", .doc = "Who is told when something is wrong."},
    {.type = OPTION_TYPE_MAP, .name = "secrets", .doc = "Names, and where each secret is."},
    {.type = OPTION_TYPE_MAP,
     .name = "sources",
     .fallback = OPTION_REQUIRED,
     .doc = "Names, and what each reads: see the pages of sources."},
    {.type = OPTION_TYPE_MAP,
     .name = "sinks",
     .fallback = OPTION_REQUIRED,
     .doc = "Names, and what each writes to: see the pages of sinks."},
    {.type = OPTION_TYPE_MAP,
     .name = "pipelines",
     .fallback = OPTION_REQUIRED,
     .doc = "Names, and what each does: see the pages of ops."},
    OPTION_END,
};

const struct option *config_top_options(void)
{
    return top_options;
}

/* Where a configuration is looked for when none is named. */
static const char *const usual_paths[] = {"sluice.yaml", "/config/sluice.yaml"};

static bool find_path(struct config *config, const struct config_input *input,
                      const struct env *env, struct err *err)
{
    struct str named = input->path;
    if (named.ptr == NULL && env_find(env, STR("SLUICE_CONFIG"), &named, NULL) == ENV_NONE) {
        named = (struct str){0};
    }
    for (size_t i = 0; named.ptr == NULL && i < sizeof usual_paths / sizeof usual_paths[0]; i++) {
        struct file_info info = {0};
        struct err ignored = {0};
        if (file_look(str_of(usual_paths[i]), &info, &ignored) && info.kind != FILE_MISSING) {
            named = str_of(usual_paths[i]);
        }
    }
    if (named.ptr == NULL) {
        return err_set(err, ERR_CONFIG,
                       "there is no configuration: name one with --config FILE or $SLUICE_CONFIG, "
                       "or put it into ./sluice.yaml or /config/sluice.yaml");
    }
    config->path = arena_copy(&config->arena, named);
    return config->path.ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

/* --data, $SLUICE_DATA, `store` of the file, ./data. */
static bool find_data_dir(struct config *config, const struct config_input *input,
                          struct reader *reader, const struct yaml_node *root)
{
    struct str value = {0};
    enum env_origin origin = env_find(reader->env, STR("SLUICE_DATA"), &value, NULL);
    const struct yaml_node *store = yaml_get(root, STR("store"));
    if (input->data_dir.ptr != NULL) {
        config->data_dir = arena_copy(&config->arena, input->data_dir);
    } else if (origin == ENV_PROCESS) {
        config->data_dir = value;
    } else if (origin == ENV_FILE) {
        config->data_dir = reader_beside(reader->arena, reader->env->file, value);
    } else if (store != NULL) {
        return reader_path(reader, store, "store", &config->data_dir);
    } else {
        config->data_dir = STR("data");
    }
    return true;
}

static bool find_files_dir(struct config *config, struct reader *reader,
                           const struct yaml_node *root)
{
    const struct yaml_node *files = yaml_get(root, STR("files"));
    return files == NULL || reader_path(reader, files, "files", &config->plan.files_dir);
}

/* $SLUICE_ZONE, `zone` of the file; a wrong one is only a fault when `faults` are wanted. */
static bool find_zone(struct config *config, struct reader *reader, const struct yaml_node *root)
{
    struct str name = {0};
    struct place place = {0};
    struct err err = {0};
    const struct yaml_node *node = yaml_get(root, STR("zone"));
    if (env_find(reader->env, STR("SLUICE_ZONE"), &name, &place) == ENV_NONE) {
        if (node == NULL) {
            return true;
        }
        if (!reader_text(reader, node, "zone", &name)) {
            return false;
        }
        place = reader_place(node);
    }
    return zone_parse(name, &config->zone, &err) ||
           fault_add_err(reader->faults, FAULT_ZONE, place, "zone", &err);
}

static bool check_top(struct reader *reader, const struct yaml_node *root)
{
    bool good = true;
    for (size_t i = 0; i < yaml_count(root); i++) {
        struct str key = yaml_text(reader_key(root, i));
        struct nearest nearest;
        nearest_begin(&nearest, key);
        bool found = false;
        for (const struct option *o = top_options; o->type != OPTION_TYPE_END; o++) {
            found = found || str_equal(key, str_of(o->name));
            nearest_try(&nearest, str_of(o->name));
        }
        if (!found) {
            good = reader_unknown_key(reader, reader_key(root, i), "", &nearest);
        }
    }
    return good;
}

static void read_log_level(struct config *config, struct reader *reader)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"DEBUG", LOG_LEVEL_DEBUG}, {"INFO", LOG_LEVEL_INFO},   {"WARNING", LOG_LEVEL_WARN},
        {"WARN", LOG_LEVEL_WARN},   {"ERROR", LOG_LEVEL_ERROR}, {"CRITICAL", LOG_LEVEL_ERROR},
    };
    struct str value = {0};
    struct place place = {0};
    if (env_find(reader->env, STR("LOG_LEVEL"), &value, &place) == ENV_NONE) {
        return;
    }
    struct nearest nearest;
    nearest_begin(&nearest, value);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (str_equal_ascii_case(value, str_of(levels[i].name))) {
            config->log_level = levels[i].level;
            return;
        }
        nearest_try(&nearest, str_of(levels[i].name));
    }
    (void)fault_add(reader->faults, FAULT_VARIABLE_VALUE, place,
                    "LOG_LEVEL: '%.*s' is not one of DEBUG, INFO, WARNING, ERROR", STR_ARG(value));
    (void)reader_help_nearest(reader, &nearest);
}

/* A whole number from 0 to `max`, or the fallback. */
static int64_t read_number(struct reader *reader, const char *name, int64_t fallback, int64_t max)
{
    struct str value = {0};
    struct place place = {0};
    int64_t number = 0;
    if (env_find(reader->env, str_of(name), &value, &place) == ENV_NONE) {
        return fallback;
    }
    if (!str_to_int64(value, &number) || number < 0 || number > max) {
        (void)fault_add(reader->faults, FAULT_VARIABLE_VALUE, place,
                        "%s: a whole number from 0 to %lld is expected", name, (long long)max);
        return fallback;
    }
    return number;
}

/* Rows that go elsewhere than this variable says would look like success. */
static void check_neon(const struct config *config, struct reader *reader)
{
    struct place place = {0};
    bool used = env_find(reader->env, STR("NEON_DATABASE_URL"), NULL, &place) == ENV_NONE;
    for (size_t i = 0; i < config->plan.sink_count; i++) {
        const struct sink_type *type = config->plan.sinks[i].sink->type;
        used = used || str_equal(str_of(type->connector.kind), STR("postgres"));
    }
    if (!used) {
        (void)fault_add(reader->faults, FAULT_VARIABLE_REFUSED, place,
                        "NEON_DATABASE_URL is set, but no sink here is of kind postgres");
        (void)fault_help(reader->faults,
                         "add one (`kind: postgres`, `uri: env:NEON_DATABASE_URL`), or leave the "
                         "variable empty to write elsewhere");
    }
}

/* What comes from variables alone. */
static void read_variables(struct config *config, struct reader *reader)
{
    struct str value = {0};
    enum env_origin origin = env_find(reader->env, STR("LOG_FILE"), &value, NULL);
    if (origin != ENV_NONE) {
        config->log_file =
            origin == ENV_FILE ? reader_beside(reader->arena, reader->env->file, value) : value;
    }
    if (env_find(reader->env, STR("ENV"), &value, NULL) != ENV_NONE) {
        config->environment = value;
    }
    read_log_level(config, reader);
    config->log_bytes_max =
        read_number(reader, "LOG_FILE_MB", CONFIG_LOG_MB, LOG_FILE_MB_MAX) * 1024 * 1024;
    config->log_keep =
        (int)read_number(reader, "LOG_FILE_KEEP", CONFIG_LOG_KEEP, LOG_FILE_KEEP_MAX);
}

/* One line for whoever shows no list. */
static bool conclude(struct config *config, struct err *err)
{
    size_t count = config->faults.count;
    if (count == 0) {
        return true;
    }
    size_t at = 0; /* The first that is no warning. */
    while (at < config->faults.kept && code_is_warning(config->faults.items[at].code)) {
        at++;
    }
    if (at == config->faults.kept) {
        return err_set(err, ERR_RETRY, "out of memory while reading the configuration");
    }
    struct str first = fault_line(&config->faults.items[at], &config->arena);
    return err_set(err, ERR_CONFIG, "%.*s%s", STR_ARG(first), count > 1 ? " (and more)" : "");
}

static bool begin(struct config *config, const struct config_input *input, struct env *env,
                  struct reader *reader, struct err *err)
{
    *config = (struct config){0};
    arena_init(&config->arena, CONFIG_ARENA_LIMIT);
    faults_init(&config->faults, &config->arena);
    env->process = input->environment;
    if (!find_path(config, input, env, err)) {
        return false;
    }
    *reader = (struct reader){
        .arena = &config->arena,
        .faults = &config->faults,
        .env = env,
        .files = arena_alloc(&config->arena, sizeof *reader->files),
        .now_ms = input->now_ms,
    };
    config->files = reader->files;
    struct str beside = reader_beside(&config->arena, config->path, STR(".env"));
    reader_note_file(reader, beside);
    return env_open(env, &config->arena, input->environment, beside, &config->faults, err);
}

bool config_load_place(struct config *config, const struct config_input *input, struct err *err)
{
    struct env env = {0};
    struct reader reader = {0};
    const struct yaml_node *root = NULL;
    if (!begin(config, input, &env, &reader, err)) {
        return false;
    }
    bool found =
        tree_read(&reader, config->path, &root) && find_data_dir(config, input, &reader, root);
    if (found) {
        struct faults ignored; /* Looking into a store needs no sound zone. */
        faults_init(&ignored, &config->arena);
        reader.faults = &ignored;
        (void)find_zone(config, &reader, root);
    }
    return found || conclude(config, err);
}

bool config_load(struct config *config, const struct config_input *input, struct err *err)
{
    struct env env = {0};
    struct reader reader = {0};
    const struct yaml_node *root = NULL;
    if (!begin(config, input, &env, &reader, err)) {
        return false;
    }
    reader.secrets = arena_alloc(&config->arena, sizeof *reader.secrets);
    config->secrets = reader.secrets;
    read_variables(config, &reader);
    if (tree_read(&reader, config->path, &root)) {
        (void)check_top(&reader, root);
        (void)find_data_dir(config, input, &reader, root);
        (void)find_zone(config, &reader, root);
        (void)find_files_dir(config, &reader, root);
        (void)secrets_read(&reader, yaml_get(root, STR("secrets")));
        (void)config_build(config, &reader, root, input->kinds);
        config->plan.zone = config->zone != NULL ? config->zone : zone_find(STR("Asia/Jerusalem"));
        (void)config_http_read(&config->http, &reader, root);
        (void)config_alerts_read(&config->alerts, &reader, root);
        (void)config_backups_read(&config->backups, &reader, root);
        check_neon(config, &reader);
        secrets_conclude(&reader);
    }
    return conclude(config, err);
}

const struct str *config_files(const struct config *config, size_t *count)
{
    *count = config->files != NULL ? config->files->count : 0;
    return config->files != NULL ? config->files->names : NULL;
}

void config_free(struct config *config)
{
    arena_wipe(&config->arena);
    arena_free(&config->arena);
    *config = (struct config){0};
}

struct str config_chat_name(const struct config *config, struct str chat)
{
    for (size_t i = 0; i < config->project_lists; i++) {
        const struct named_chats *list = &config->projects[i].chats;
        for (size_t j = 0; j < list->count; j++) {
            if (str_equal(list->items[j].chat, chat)) {
                return list->items[j].name;
            }
        }
    }
    return chat;
}

struct str config_chat_id(const struct config *config, struct str typed)
{
    for (size_t i = 0; i < config->project_lists; i++) {
        const struct named_chats *list = &config->projects[i].chats;
        for (size_t j = 0; j < list->count; j++) {
            if (str_equal_ascii_case(list->items[j].name, typed)) {
                return list->items[j].chat;
            }
        }
    }
    return typed;
}
