#include "config/config.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "config/build.h"
#include "config/nearest.h"

static const char *const top_keys[] = {"store", "zone",      "keep", "sources",
                                       "sinks", "pipelines", NULL};

/* Where a configuration is looked for when none is named. */
static const char *const usual_paths[] = {"sluice.yaml", "/config/sluice.yaml"};

/* Variables of the documents that ask for what this version cannot do: better said than ignored. */
static const struct {
    const char *name;
    const char *text;
} refused[] = {
    {"NEON_DATABASE_URL",
     "NEON_DATABASE_URL is set, but PostgreSQL comes with a later version; unset it (or leave it "
     "empty) to write to records.db in the data folder"},
};

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
           fault_add_err(reader->faults, place, "zone", &err);
}

static bool check_top(struct reader *reader, const struct yaml_node *root)
{
    bool good = true;
    for (size_t i = 0; i < yaml_count(root); i++) {
        struct str key = yaml_text(reader_key(root, i));
        struct nearest nearest;
        nearest_begin(&nearest, key);
        bool found = false;
        for (const char *const *name = top_keys; *name != NULL; name++) {
            found = found || str_equal(key, str_of(*name));
            nearest_try(&nearest, str_of(*name));
        }
        if (!found) {
            good = fault_add(reader->faults, reader_place(reader_key(root, i)),
                             "unknown key '%.*s'%s", STR_ARG(key), nearest_hint(&nearest));
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
    (void)fault_add(reader->faults, place,
                    "LOG_LEVEL: '%.*s' is not one of DEBUG, INFO, WARNING, ERROR%s", STR_ARG(value),
                    nearest_hint(&nearest));
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
        (void)fault_add(reader->faults, place, "%s: a whole number from 0 to %lld is expected",
                        name, (long long)max);
        return fallback;
    }
    return number;
}

/* What comes from variables alone. */
static void read_variables(struct config *config, struct reader *reader)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct place place = {0};
        if (env_find(reader->env, str_of(refused[i].name), NULL, &place) != ENV_NONE) {
            (void)fault_add(reader->faults, place, "%s", refused[i].text);
        }
    }
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

/* The file as a tree, or NULL with a fault. */
static const struct yaml_node *parse(struct config *config)
{
    struct err why = {0};
    struct str bytes = {0};
    const struct yaml_node *root = NULL;
    if (!file_read(&config->arena, config->path, CONFIG_FILE_MAX, &bytes, &why) ||
        !yaml_parse(&config->arena, config->path, bytes, NULL, &root, &why)) {
        (void)fault_add(&config->faults, (struct place){0}, "%s", why.text);
        return NULL;
    }
    return root;
}

/* One line for whoever shows no list. */
static bool conclude(struct config *config, struct err *err)
{
    size_t count = config->faults.count;
    if (count == 0) {
        return true;
    }
    if (faults_kept(&config->faults) == 0) {
        return err_set(err, ERR_RETRY, "out of memory while reading the configuration");
    }
    struct str first = fault_line(&config->faults.items[0], &config->arena);
    return err_set(err, ERR_CONFIG, "%.*s%s", STR_ARG(first), count > 1 ? " (and more)" : "");
}

static bool begin(struct config *config, const struct config_input *input, struct env *env,
                  struct err *err)
{
    *config = (struct config){0};
    arena_init(&config->arena, CONFIG_ARENA_LIMIT);
    faults_init(&config->faults, &config->arena);
    env->process = input->environment;
    if (!find_path(config, input, env, err)) {
        return false;
    }
    struct str beside = reader_beside(&config->arena, config->path, STR(".env"));
    return env_open(env, &config->arena, input->environment, beside, &config->faults, err);
}

bool config_load_place(struct config *config, const struct config_input *input, struct err *err)
{
    struct env env = {0};
    if (!begin(config, input, &env, err)) {
        return false;
    }
    struct reader reader = {.arena = &config->arena, .faults = &config->faults, .env = &env};
    const struct yaml_node *root = parse(config);
    bool found = root != NULL && find_data_dir(config, input, &reader, root);
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
    if (!begin(config, input, &env, err)) {
        return false;
    }
    struct reader reader = {
        .files = &config->files, .arena = &config->arena, .faults = &config->faults, .env = &env};
    reader_note_file(&reader, config->path);
    reader_note_file(&reader, reader_beside(&config->arena, config->path, STR(".env")));
    read_variables(config, &reader);
    const struct yaml_node *root = parse(config);
    if (root != NULL && reader_is_map(&reader, root, "the file")) {
        (void)check_top(&reader, root);
        (void)find_data_dir(config, input, &reader, root);
        (void)find_zone(config, &reader, root);
        (void)config_build(config, &reader, root, input->kinds);
    }
    return conclude(config, err);
}

const struct str *config_files(const struct config *config, size_t *count)
{
    *count = config->files.count;
    return config->files.items;
}

void config_free(struct config *config)
{
    arena_free(&config->arena);
    *config = (struct config){0};
}
