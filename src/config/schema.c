/* The schema half of reference.h: what an editor checks while a person types. */
#include <string.h>

#include "config/config.h"
#include "config/ops.h"
#include "config/reference.h"
#include "config/schedule.h"
#include "text/json.h"

enum { SCHEMA_FIRST = 64 * 1024 };

static const char variable_pattern[] = "\\$\\{";
static const char duration_pattern[] =
    "^( *[0-9]+ ?(w|d|h|m|s|ms))+$|^0$|\\$\\{"; /* As text/duration.h reads them. */
static const char size_pattern[] = "^[0-9]+ ?(B|kB|KB|MB|GB|KiB|MiB|GiB)?$|\\$\\{";
static const char name_pattern[] = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";

static void key(struct json_writer *json, const char *name)
{
    json_key(json, str_of(name));
}

static void field(struct json_writer *json, const char *name, const char *text)
{
    json_field_str(json, str_of(name), str_of(text));
}

static void ref(struct json_writer *json, const char *name)
{
    char path[128];
    size_t len = strlen(name);
    static const char front[] = "#/definitions/";
    json_object_begin(json);
    if (sizeof front + len < sizeof path) {
        memcpy(path, front, sizeof front - 1);
        memcpy(path + sizeof front - 1, name, len + 1);
        field(json, "$ref", path);
    }
    json_object_end(json);
}

static void text_of(struct json_writer *json, const char *pattern)
{
    json_object_begin(json);
    field(json, "type", "string");
    if (pattern != NULL) {
        field(json, "pattern", pattern);
    }
    json_object_end(json);
}

static void number_of(struct json_writer *json, const struct option *option)
{
    json_object_begin(json);
    field(json, "type", "integer");
    if (option != NULL && (option->min != 0 || option->max != 0)) {
        json_field_int(json, STR("minimum"), option->min);
        json_field_int(json, STR("maximum"), option->max);
    }
    json_object_end(json);
}

static void choice_of(struct json_writer *json, const char *const *choices)
{
    json_object_begin(json);
    key(json, "enum");
    json_array_begin(json);
    for (size_t i = 0; choices[i] != NULL; i++) {
        json_put_str(json, str_of(choices[i]));
    }
    json_array_end(json);
    json_object_end(json);
}

static void list_of(struct json_writer *json, const char *items)
{
    json_object_begin(json);
    field(json, "type", "array");
    key(json, "items");
    ref(json, items);
    json_object_end(json);
}

/* What has a text of a certain look, and what it may also be. */
static void measures(struct json_writer *json, const struct option *option)
{
    if (option->type == OPTION_TYPE_INT) {
        number_of(json, option);
        text_of(json, variable_pattern);
    } else if (option->type == OPTION_TYPE_BOOL) {
        json_object_begin(json);
        field(json, "type", "boolean");
        json_object_end(json);
        text_of(json, "^(true|false)$|\\$\\{");
    } else if (option->type == OPTION_TYPE_DURATION) {
        text_of(json, duration_pattern);
        json_object_begin(json);
        json_field_int(json, STR("const"), 0);
        json_object_end(json);
    } else {
        number_of(json, NULL);
        text_of(json, size_pattern);
    }
}

/* What fits an option; each alternative on its own. */
static void alternatives(struct json_writer *json, const struct option *option)
{
    bool named = option->type == OPTION_TYPE_MAP || option->type == OPTION_TYPE_LIST;
    if (named && option->choices != NULL) { /* Has a definition of its own. */
        ref(json, option->choices[0]);
        return;
    }
    switch (option->type) {
    case OPTION_TYPE_INT:
    case OPTION_TYPE_BOOL:
    case OPTION_TYPE_DURATION:
    case OPTION_TYPE_SIZE:
        measures(json, option);
        break;
    case OPTION_TYPE_CHOICE:
        choice_of(json, option->choices);
        text_of(json, variable_pattern);
        break;
    case OPTION_TYPE_LIST:
        ref(json, "scalar");
        list_of(json, "scalar");
        break;
    case OPTION_TYPE_SECRET:
        ref(json, "secret");
        break;
    case OPTION_TYPE_CHATS:
        text_of(json, NULL);
        ref(json, "projects");
        break;
    case OPTION_TYPE_MAP:
        json_object_begin(json);
        field(json, "type", "object");
        key(json, "additionalProperties");
        ref(json, "scalar");
        json_object_end(json);
        break;
    case OPTION_TYPE_STEPS:
        list_of(json, option->choices != NULL ? option->choices[0] : "step");
        break;
    case OPTION_TYPE_PATH:
    case OPTION_TYPE_ZONE:
    case OPTION_TYPE_SINK:
    case OPTION_TYPE_REFERENCE:
        text_of(json, NULL);
        break;
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_END:
        ref(json, "scalar");
        break;
    }
}

static bool is_required(const struct option *option)
{
    return option->fallback != NULL && strcmp(option->fallback, OPTION_REQUIRED) == 0;
}

static void property(struct json_writer *json, const struct option *option)
{
    key(json, option->name);
    json_object_begin(json);
    if (option->doc != NULL) {
        field(json, "description", option->doc);
    }
    if (option->fallback != NULL && !is_required(option)) {
        field(json, "default", option->fallback);
    }
    key(json, "anyOf");
    json_array_begin(json);
    alternatives(json, option);
    json_array_end(json);
    json_object_end(json);
}

/* What a pipeline listens to has a long form, too: config/from.h. */
static bool is_from(const struct option *option)
{
    return option == config_pipeline_options(); /* Its first: `source`. */
}

static void from_property(struct json_writer *json)
{
    static const struct option item[] = {
        {.type = OPTION_TYPE_TEXT, .name = "source", .doc = "Its name."}, OPTION_END};
    key(json, "from");
    json_object_begin(json);
    field(json, "description",
          "The long form of `source` and `chats`: several sources, or `runs` for how runs of other "
          "pipelines ended.");
    field(json, "type", "array");
    key(json, "items");
    json_object_begin(json);
    field(json, "type", "object");
    json_field_bool(json, STR("additionalProperties"), false);
    key(json, "properties");
    json_object_begin(json);
    property(json, &item[0]);
    key(json, "chats");
    json_object_begin(json);
    json_object_end(json);
    json_object_end(json);
    json_object_end(json);
    json_object_end(json);
}

/* A map with these keys and no others. `kind` may be NULL. */
static void map_of(struct json_writer *json, const char *kind, const char *about,
                   const struct option *const *tables)
{
    json_object_begin(json);
    field(json, "type", "object");
    if (about != NULL) {
        field(json, "description", about);
    }
    json_field_bool(json, STR("additionalProperties"), false);
    key(json, "properties");
    json_object_begin(json);
    if (kind != NULL) {
        key(json, "kind");
        json_object_begin(json);
        field(json, "const", kind);
        json_object_end(json);
    }
    for (size_t i = 0; tables[i] != NULL; i++) {
        for (const struct option *o = tables[i]; o->type != OPTION_TYPE_END; o++) {
            property(json, o);
            if (is_from(o)) {
                from_property(json);
            }
        }
    }
    json_object_end(json);
    key(json, "required");
    json_array_begin(json);
    if (kind != NULL) {
        json_put_str(json, STR("kind"));
    }
    for (size_t i = 0; tables[i] != NULL; i++) {
        for (const struct option *o = tables[i]; o->type != OPTION_TYPE_END; o++) {
            if (is_required(o) && !is_from(o)) {
                json_put_str(json, str_of(o->name));
            }
        }
    }
    json_array_end(json);
    json_object_end(json);
}

static const struct option none[] = {OPTION_END};

static const struct option *table(const struct option *options)
{
    return options != NULL ? options : none;
}

/* Names and what stands under them. */
static void section(struct json_writer *json, const char *name, const char *item)
{
    key(json, name);
    json_object_begin(json);
    field(json, "type", "object");
    json_field_int(json, STR("minProperties"), 1);
    key(json, "propertyNames");
    text_of(json, name_pattern);
    key(json, "additionalProperties");
    ref(json, item);
    json_object_end(json);
}

static void any_begin(struct json_writer *json, const char *name)
{
    key(json, name);
    json_object_begin(json);
    key(json, "anyOf");
    json_array_begin(json);
}

static void any_end(struct json_writer *json)
{
    json_array_end(json);
    json_object_end(json);
}

/* One of two, by a variable: config/either.h. */
static void either_of(struct json_writer *json, const char *item)
{
    json_object_begin(json);
    field(json, "type", "object");
    field(json, "description", "One of two, by whether a variable is set.");
    json_field_bool(json, STR("additionalProperties"), false);
    key(json, "properties");
    json_object_begin(json);
    key(json, "if");
    text_of(json, "^[A-Za-z_][A-Za-z0-9_]*$");
    key(json, "then");
    ref(json, item);
    key(json, "else");
    ref(json, item);
    json_object_end(json);
    key(json, "required");
    json_array_begin(json);
    json_put_str(json, STR("if"));
    json_array_end(json);
    json_object_end(json);
}

static void define_kinds(struct json_writer *json, const struct kinds *kinds)
{
    any_begin(json, "source");
    for (size_t i = 0; kinds->sources[i] != NULL; i++) {
        const struct connector_type *type = &kinds->sources[i]->connector;
        map_of(json, type->kind, type->summary,
               (const struct option *const[]){table(type->options), config_source_options(), NULL});
    }
    either_of(json, "source");
    any_end(json);
    any_begin(json, "sink");
    for (size_t i = 0; kinds->sinks[i] != NULL; i++) {
        const struct connector_type *type = &kinds->sinks[i]->connector;
        map_of(json, type->kind, type->summary,
               (const struct option *const[]){table(type->options), config_sink_options(), NULL});
    }
    either_of(json, "sink");
    any_end(json);
    any_begin(json, "pipeline");
    for (size_t i = 0; kinds->ops[i] != NULL; i++) {
        const struct op_type *type = kinds->ops[i];
        map_of(
            json, type->kind, type->summary,
            (const struct option *const[]){table(type->options), config_pipeline_options(), NULL});
    }
    if (kinds->chain != NULL) {
        map_of(json, NULL, kinds->chain->summary,
               (const struct option *const[]){table(kinds->chain->options),
                                              config_pipeline_options(), NULL});
    }
    either_of(json, "pipeline");
    any_end(json);
}

static void define_steps(struct json_writer *json, const struct kinds *kinds)
{
    any_begin(json, "step");
    for (size_t i = 0; kinds->steps != NULL && kinds->steps[i] != NULL; i++) {
        const struct step_type *type = kinds->steps[i];
        map_of(json, type->kind, type->summary,
               (const struct option *const[]){table(type->options), config_step_options(), NULL});
    }
    any_end(json);
    for (size_t i = 0; kinds->branches != NULL && kinds->branches[i] != NULL; i++) {
        const struct step_type *type = kinds->branches[i];
        key(json, type->kind);
        map_of(json, NULL, type->summary,
               (const struct option *const[]){table(type->options), config_step_options(), NULL});
    }
}

static void define_projects(struct json_writer *json)
{
    static const struct option entry[] = {
        {.type = OPTION_TYPE_TEXT, .name = "name", .fallback = OPTION_REQUIRED},
        {.type = OPTION_TYPE_BOOL, .name = "enabled", .fallback = OPTION_REQUIRED},
        {.type = OPTION_TYPE_TEXT, .name = "group_jid", .fallback = OPTION_REQUIRED},
        {.type = OPTION_TYPE_TEXT, .name = "description", .fallback = OPTION_REQUIRED},
        OPTION_END,
    };
    static const struct option file[] = {
        {.type = OPTION_TYPE_CHATS, .name = "projects", .fallback = OPTION_REQUIRED},
        OPTION_END,
    };
    key(json, "project");
    map_of(json, NULL, NULL, (const struct option *const[]){entry, NULL});
    key(json, "projects");
    list_of(json, "project");
    key(json, "projects-file");
    map_of(json, NULL, "What projects.yaml holds.", (const struct option *const[]){file, NULL});
}

static void define_values(struct json_writer *json)
{
    key(json, "scalar");
    json_object_begin(json);
    key(json, "type");
    json_array_begin(json);
    json_put_str(json, STR("string"));
    json_put_str(json, STR("number"));
    json_put_str(json, STR("boolean"));
    json_array_end(json);
    json_object_end(json);
    any_begin(json, "secret");
    text_of(json, "^(file|env|cmd|secret):|\\$\\{|://");
    json_object_begin(json);
    field(json, "type", "object");
    json_field_int(json, STR("minProperties"), 1);
    json_field_bool(json, STR("additionalProperties"), false);
    key(json, "properties");
    json_object_begin(json);
    static const char *const ways[] = {"file", "env", "secret"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        key(json, ways[i]);
        text_of(json, NULL);
    }
    key(json, "cmd");
    list_of(json, "scalar");
    json_object_end(json);
    json_object_end(json);
    any_end(json);
}

/* Two spaces a level; strings are passed over. */
static void indent(struct str text, struct buf *out)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        bool closes = !quoted && (byte == '}' || byte == ']');
        bool opens = !quoted && (byte == '{' || byte == '[');
        bool empty = i > 0 && closes && (text.ptr[i - 1] == '{' || text.ptr[i - 1] == '[');
        depth -= closes ? 1 : 0;
        if (closes && !empty) {
            buf_printf(out, "\n%*s", (int)(2 * depth), "");
        }
        buf_add_byte(out, byte);
        depth += opens ? 1 : 0;
        bool next_closes = i + 1 < text.len && (text.ptr[i + 1] == '}' || text.ptr[i + 1] == ']');
        if ((opens && !next_closes) || (!quoted && byte == ',')) {
            buf_printf(out, "\n%*s", (int)(2 * depth), "");
        } else if (!quoted && byte == ':') {
            buf_add_byte(out, ' ');
        }
        if (byte == '"') {
            quoted = !quoted;
        } else if (quoted && byte == '\\' && i + 1 < text.len) {
            buf_add_byte(out, text.ptr[++i]);
        }
    }
    buf_add_byte(out, '\n');
}

/* The keys on top; sections have names of their own. */
static void define_top(struct json_writer *json)
{
    json_field_bool(json, STR("additionalProperties"), false);
    key(json, "properties");
    json_object_begin(json);
    section(json, "sources", "source");
    section(json, "sinks", "sink");
    section(json, "pipelines", "pipeline");
    section(json, "secrets", "secret");
    key(json, "keep");
    map_of(json, NULL, "How long things are kept.",
           (const struct option *const[]){config_keep_options(), NULL});
    key(json, "http");
    map_of(json, NULL, "Where `sluice serve` listens.",
           (const struct option *const[]){config_http_options(), NULL});
    key(json, "backups");
    map_of(
        json, NULL, "When `sluice serve` makes one, and where.",
        (const struct option *const[]){config_backups_options(), config_backups_described(), NULL});
    key(json, "alerts");
    map_of(
        json, NULL, "Who is told when something is wrong.",
        (const struct option *const[]){config_alerts_options(), config_alerts_described(), NULL});
    for (const struct option *o = config_top_options(); o->type != OPTION_TYPE_END; o++) {
        if (o->type != OPTION_TYPE_MAP) {
            property(json, o);
        }
    }
    json_object_end(json);
}

void reference_schema(const struct kinds *kinds, struct buf *out)
{
    struct buf text;
    struct json_writer writer;
    struct json_writer *json = &writer;
    buf_init(&text, out->arena, SCHEMA_FIRST);
    json_writer_init(json, &text);
    json_object_begin(json);
    field(json, "$schema", "http://json-schema.org/draft-07/schema#");
    field(json, "title", "Configuration of sluice");
    field(json, "type", "object");
    define_top(json);
    key(json, "definitions");
    json_object_begin(json);
    define_kinds(json, kinds);
    define_steps(json, kinds);
    define_projects(json);
    define_values(json);
    key(json, "schedule");
    map_of(json, NULL, "When a pipeline runs.",
           (const struct option *const[]){config_schedule_options(), NULL});
    key(json, "chats");
    json_object_begin(json);
    key(json, "anyOf");
    json_array_begin(json);
    choice_of(json, (const char *const[]){"all", NULL});
    list_of(json, "scalar");
    json_array_end(json);
    json_object_end(json);
    json_object_end(json);
    json_object_end(json);
    json_writer_done(json);
    indent(buf_str(&text), out);
}
