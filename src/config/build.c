/*
 * Sources and sinks are read before pipelines, which refer to them by name. A section with a fault
 * is left half filled and reading goes on: the plan is used only when there was no fault at all.
 */
#include "config/build.h"

#include <stdio.h>
#include <string.h>

#include "config/content.h"
#include "config/either.h"
#include "config/from.h"
#include "config/nearest.h"
#include "config/ops.h"
#include "config/options.h"
#include "config/schedule.h"

#define KEEP_RUNS_MS (INT64_C(90) * 24 * 3600 * 1000)

enum { WHAT_MAX = 256, CLAIMS_MAX = 1024 };

/* What the engine, and not the kind, wants to know of every source and sink. */
struct common {
    int64_t poll_ms;
    int64_t timeout_ms;
    int64_t attempts;
};

static const struct option source_options[] = {
    OPTION_DURATION(struct common, poll_ms, "poll", "15s",
                    "Pause between two looks when nothing is left to read."),
    OPTION_DURATION(struct common, timeout_ms, "timeout", "1m", "How long one look may take."),
    OPTION_END,
};

static const struct option sink_options[] = {
    OPTION_DURATION(struct common, timeout_ms, "timeout", "1m", "How long one write may take."),
    OPTION_INT(struct common, attempts, "attempts", "20", 1, 1000,
               "How often a record is tried before it becomes a dead letter."),
    OPTION_END,
};

/* How long the store keeps what was worked on; `keep:` of the file. */
struct keeping {
    int64_t messages_ms;
    int64_t bytes;
    int64_t runs_ms;
};

static const struct option keep_options[] = {
    OPTION_DURATION(struct keeping, messages_ms, "messages", NULL,
                    "Age at which archived messages go; by default they stay for ever."),
    OPTION_SIZE(struct keeping, bytes, "size", NULL,
                "Size of the store past which the oldest messages go; never one that is not worked "
                "on or delivered yet."),
    OPTION_DURATION(struct keeping, runs_ms, "runs", "90d",
                    "Age at which ended runs, refusals and events go."),
    OPTION_END,
};

static const char *const chats_name[] = {"chats", NULL};
static const char *const schedule_name[] = {"schedule", NULL};

static const struct option pipeline_options[] = {
    {.type = OPTION_TYPE_TEXT,
     .name = "source",
     .fallback = OPTION_REQUIRED,
     .doc = "Name of the source that it listens to."},
    {.type = OPTION_TYPE_LIST,
     .name = "chats",
     .choices = chats_name,
     .doc = "`all`, or a list of chat ids; not where an option of the kind names the chats."},
    {.type = OPTION_TYPE_TEXT,
     .name = "ticks",
     .doc = "Name of a source whose ticks it hears as well."},
    {.type = OPTION_TYPE_MAP,
     .name = "schedule",
     .choices = schedule_name,
     .doc = "When it runs; by default as soon as something arrives."},
    OPTION_END,
};

const struct option *config_pipeline_options(void)
{
    return pipeline_options;
}

const struct option *config_keep_options(void)
{
    return keep_options;
}

const struct option *config_source_options(void)
{
    return source_options;
}

const struct option *config_sink_options(void)
{
    return sink_options;
}

/* Who writes a column of a table in a sink: the first pipeline that says so. */
struct claim {
    struct str sink;
    const struct target *target;
    struct str pipeline;
    struct place place;
};

struct build {
    struct config *config;
    struct reader *reader;
    const struct kinds *kinds;
    struct from from;
    struct plan_source *sources;
    struct plan_sink *sinks;
    struct plan_pipeline *pipelines;
    struct step_targets *targets; /* Of all pipelines with `ops:`. */
    struct claim *claims;
    size_t claim_count;
};

static bool name_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool other = (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        if (!letter && !(other && i > 0)) {
            return false;
        }
    }
    return name.len > 0 && name.len <= CONFIG_NAME_MAX;
}

/* The name and the map under it. `what` becomes "source 'bridge'". */
static bool entry_begin(struct build *build, const struct yaml_node *section, size_t index,
                        const char *noun, struct str *name, char what[WHAT_MAX])
{
    const struct yaml_node *key = reader_key(section, index);
    *name = yaml_text(key);
    (void)snprintf(what, WHAT_MAX, "%s '%.*s'", noun, STR_ARG(*name));
    if (!name_valid(*name)) {
        return fault_add(build->reader->faults, FAULT_NAME, reader_place(key),
                         "%s: a name has at most %d letters, digits, '-' and '_', and begins with "
                         "a letter",
                         what, CONFIG_NAME_MAX);
    }
    return reader_is_map(build->reader, reader_value(section, index), what);
}

enum { KINDS_MAX = 128, KINDS_SHOWN_MAX = 256 };

/* A misspelt `kind` is named where it stands. */
bool config_kind_missing(struct reader *reader, const struct yaml_node *map, const char *what)
{
    for (size_t i = 0; i < yaml_count(map); i++) {
        struct nearest nearest;
        nearest_begin(&nearest, yaml_text(reader_key(map, i)));
        nearest_try(&nearest, STR("kind"));
        if (nearest.best.ptr != NULL) {
            return reader_unknown_key(reader, reader_key(map, i), what, &nearest);
        }
    }
    (void)fault_add(reader->faults, FAULT_MISSING, reader_place(map), "%s has no kind", what);
    return fault_help(reader->faults, "add `kind: …`; docs/reference/ lists them");
}

/* The nearest, or all of them when they are few. */
static bool kind_help(struct reader *reader, const char *const *names, struct nearest *nearest)
{
    char all[KINDS_SHOWN_MAX] = "";
    size_t len = 0;
    if (nearest->best.ptr != NULL) {
        return reader_help_nearest(reader, nearest);
    }
    for (size_t i = 0; names[i] != NULL && len < sizeof all; i++) {
        int more = snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? ", " : "", names[i]);
        len += more > 0 ? (size_t)more : 0;
    }
    return fault_help(reader->faults, "there are: %s", all);
}

/* The index of the kind that a map names, in a list of names ended by NULL. */
static bool kind_find(struct build *build, const struct yaml_node *map, const char *what,
                      const char *const *names, size_t *index)
{
    struct reader *reader = build->reader;
    const struct yaml_node *node = yaml_get(map, STR("kind"));
    struct str text = {0};
    if (node == NULL) {
        return config_kind_missing(reader, map, what);
    }
    if (!reader_text(reader, node, "kind", &text)) {
        return false;
    }
    struct nearest nearest;
    nearest_begin(&nearest, text);
    for (size_t i = 0; names[i] != NULL; i++) {
        if (str_equal(text, str_of(names[i]))) {
            *index = i;
            return true;
        }
        nearest_try(&nearest, str_of(names[i]));
    }
    for (size_t i = 0; i < yaml_count(map); i++) { /* Any of them may be a secret. */
        if (reader_value(map, i) != node) {
            reader_hide(reader, reader_value(map, i));
        }
    }
    (void)fault_add(reader->faults, FAULT_UNKNOWN_KIND, reader_place(node),
                    "%s: there is no kind '%.*s'", what, STR_ARG(text));
    return kind_help(reader, names, &nearest);
}

static void *instance_new(struct build *build, size_t size)
{
    void *instance = arena_alloc(build->reader->arena, size);
    if (instance == NULL) {
        (void)reader_no_memory(build->reader);
    }
    return instance;
}

/* What only the kind itself can say about its options. */
static bool connector_check(struct build *build, const struct yaml_node *map,
                            const struct connector_type *type, const struct connector *connector)
{
    struct options_report report;
    config_options_report(&report, build->reader, map);
    if (type->check != NULL) {
        type->check(connector, &report.report);
    }
    return report.good;
}

static bool op_check(struct build *build, const struct yaml_node *map, const struct op *op)
{
    struct options_report report;
    config_options_report(&report, build->reader, map);
    if (op->type->check != NULL) {
        op->type->check(op, &report.report);
    }
    return report.good;
}

/* The type that `kind` names; NULL after a fault. */
static const struct source_type *source_type_of(struct build *build, const struct yaml_node *map,
                                                const char *what)
{
    const char *names[KINDS_MAX + 1] = {0};
    size_t kind = 0;
    for (size_t i = 0; i < KINDS_MAX && build->kinds->sources[i] != NULL; i++) {
        names[i] = build->kinds->sources[i]->connector.kind;
    }
    return kind_find(build, map, what, names, &kind) ? build->kinds->sources[kind] : NULL;
}

static const struct sink_type *sink_type_of(struct build *build, const struct yaml_node *map,
                                            const char *what)
{
    const char *names[KINDS_MAX + 1] = {0};
    size_t kind = 0;
    for (size_t i = 0; i < KINDS_MAX && build->kinds->sinks[i] != NULL; i++) {
        names[i] = build->kinds->sinks[i]->connector.kind;
    }
    return kind_find(build, map, what, names, &kind) ? build->kinds->sinks[kind] : NULL;
}

static const char *const kind_alone[] = {"kind", NULL};

static bool read_source(struct build *build, const struct yaml_node *map, struct str name,
                        const char *what)
{
    const struct source_type *type = source_type_of(build, map, what);
    if (type == NULL) {
        return false;
    }
    struct source *source = instance_new(build, type->connector.size);
    if (source == NULL) {
        return false;
    }
    struct common common = {0};
    struct option_set sets[] = {{type->connector.options, source}, {source_options, &common}};
    bool good = config_options_read(build->reader, map, what, sets, 2, kind_alone);
    if (good && common.poll_ms < CONFIG_POLL_MS_MIN) {
        const struct yaml_node *poll = yaml_get(map, STR("poll"));
        good = fault_add(build->reader->faults, FAULT_BOUNDS, reader_place(poll),
                         "option 'poll': at least %d milliseconds", CONFIG_POLL_MS_MIN);
    }
    source->type = type;
    source->connector.name = name;
    bool is_reference = good && type->is_reference != NULL && type->is_reference(source);
    good = good && connector_check(build, map, &type->connector, &source->connector);
    struct plan *plan = &build->config->plan;
    build->sources[plan->source_count++] =
        (struct plan_source){.name = name,
                             .source = source,
                             .poll_ms = common.poll_ms,
                             .fetch_ms = common.timeout_ms,
                             .digest = config_content(build->reader, map),
                             .reference = is_reference ? name : (struct str){0}};
    return good;
}

static bool read_sink(struct build *build, const struct yaml_node *map, struct str name,
                      const char *what)
{
    const struct sink_type *type = sink_type_of(build, map, what);
    if (type == NULL) {
        return false;
    }
    struct sink *sink = instance_new(build, type->connector.size);
    if (sink == NULL) {
        return false;
    }
    struct common common = {0};
    struct option_set sets[] = {{type->connector.options, sink}, {sink_options, &common}};
    bool good = config_options_read(build->reader, map, what, sets, 2, kind_alone);
    sink->type = type;
    sink->connector.name = name;
    good = good && connector_check(build, map, &type->connector, &sink->connector);
    struct plan *plan = &build->config->plan;
    build->sinks[plan->sink_count++] =
        (struct plan_sink){.name = name,
                           .sink = sink,
                           .write_ms = common.timeout_ms,
                           .attempts_max = (int32_t)common.attempts,
                           .digest = config_content(build->reader, map)};
    return good;
}

/* Chats from an option of named chats. */
static bool chats_of_projects(struct build *build, const struct named_chats *projects,
                              struct str source, struct plan_pipeline *pipeline)
{
    struct config *config = build->config;
    struct plan_chat *chats = arena_array(build->reader->arena, projects->count + 1, sizeof *chats);
    if (chats == NULL) {
        return reader_no_memory(build->reader);
    }
    for (size_t i = 0; i < projects->count; i++) {
        chats[i] = (struct plan_chat){.source = source, .chat = projects->items[i].chat};
    }
    pipeline->chats = chats;
    pipeline->chat_count = projects->count;
    config->projects[config->project_lists++] =
        (struct config_projects){.pipeline = pipeline->name, .chats = *projects};
    return true;
}

static bool read_chats(struct build *build, const struct yaml_node *map, const char *what,
                       const struct op_type *type, struct plan_pipeline *pipeline,
                       struct str source)
{
    const struct yaml_node *node = yaml_get(map, STR("chats"));
    const struct named_chats *projects = config_options_chats(type->options, pipeline->op);
    if (projects != NULL && node != NULL) {
        (void)fault_add(build->reader->faults, FAULT_CHATS_TWICE, reader_place(node),
                        "%s: its chats come from another option", what);
        return fault_help(build->reader->faults, "leave `chats` out");
    }
    if (projects != NULL) {
        return chats_of_projects(build, projects, source, pipeline);
    }
    if (node == NULL) {
        (void)fault_add(build->reader->faults, FAULT_CHATS_NONE, reader_place(map),
                        "%s listens to no chat", what);
        return fault_help(build->reader->faults, "write `chats: all`, or a list of chat ids");
    }
    return from_chats(&build->from, node, source, pipeline);
}

/* A list under a key that is nearly `ops` was meant to be it: said as such. */
static bool ops_misspelt(struct reader *reader, const struct yaml_node *map, const char *what)
{
    for (size_t i = 0; i < yaml_count(map); i++) {
        struct nearest nearest;
        nearest_begin(&nearest, yaml_text(reader_key(map, i)));
        nearest_try(&nearest, STR("ops"));
        if (nearest.best.ptr != NULL && yaml_kind(reader_value(map, i)) == YAML_LIST) {
            (void)reader_unknown_key(reader, reader_key(map, i), what, &nearest);
            return true;
        }
    }
    return false;
}

/* The op that `kind:` names, or the chain of `ops:`; NULL when it is a fault. */
static const struct op_type *find_op(struct build *build, const struct yaml_node *map,
                                     const char *what)
{
    const char *names[KINDS_MAX + 1] = {0};
    const struct yaml_node *ops = yaml_get(map, STR("ops"));
    size_t kind = 0;
    if (ops != NULL && yaml_get(map, STR("kind")) != NULL) {
        (void)fault_add(build->reader->faults, FAULT_OPS,
                        reader_place(yaml_get_key(map, STR("ops"))), "%s has a kind and ops", what);
        (void)fault_help(build->reader->faults, "write one of them");
        return NULL;
    }
    if (ops != NULL && build->kinds->chain != NULL) {
        build->reader->steps = 0;
        return build->kinds->chain;
    }
    if (yaml_get(map, STR("kind")) == NULL && ops_misspelt(build->reader, map, what)) {
        return NULL;
    }
    for (size_t i = 0; i < KINDS_MAX && build->kinds->ops[i] != NULL; i++) {
        names[i] = build->kinds->ops[i]->kind;
    }
    return kind_find(build, map, what, names, &kind) ? build->kinds->ops[kind] : NULL;
}

static bool shares_column(const struct target *a, const struct target *b, const char **column)
{
    for (const struct column *x = a->columns; x->name != NULL; x++) {
        for (const struct column *y = b->columns; y->name != NULL; y++) {
            if (strcmp(x->name, y->name) == 0 && strcmp(x->name, a->key) != 0) {
                *column = x->name;
                return true;
            }
        }
    }
    return false;
}

static void claim(struct build *build, const struct claim *mine)
{
    const char *column = NULL;
    for (size_t i = 0; i < build->claim_count; i++) {
        const struct claim *other = &build->claims[i];
        if (strcmp(other->target->name, mine->target->name) != 0 ||
            !str_equal(other->sink, mine->sink) || str_equal(other->pipeline, mine->pipeline) ||
            !shares_column(mine->target, other->target, &column)) {
            continue;
        }
        (void)fault_add(build->reader->faults, FAULT_COLUMN_TWICE, mine->place,
                        "pipeline '%.*s' writes column '%s' of %s in sink '%.*s', and so does "
                        "pipeline '%.*s'",
                        STR_ARG(mine->pipeline), column, mine->target->name, STR_ARG(mine->sink),
                        STR_ARG(other->pipeline));
        (void)fault_help(build->reader->faults,
                         "join them (the other is at %.*s:%zu), or give one another sink",
                         STR_ARG(other->place.file), other->place.line);
        return;
    }
    if (build->claim_count < CLAIMS_MAX) {
        build->claims[build->claim_count++] = *mine;
    }
}

/*
 * Two pipelines that write one column would undo each other. Chains look after themselves (their
 * steps say column by column what they write); here it is ops with tables of their own.
 */
static void claim_columns(struct build *build, const struct yaml_node *map, const struct op *op)
{
    const struct target *const *targets = op_targets(op);
    for (const struct option *o = op->type->options; o != NULL && o->type != OPTION_TYPE_END; o++) {
        if (o->type != OPTION_TYPE_SINK) {
            continue;
        }
        const struct yaml_node *node = yaml_get(map, str_of(o->name));
        struct claim mine = {
            .sink = *(const struct str *)(const void *)((const char *)op + o->offset),
            .pipeline = op->name,
            .place = reader_place(node != NULL ? node : map),
        };
        for (size_t i = 0; targets != NULL && targets[i] != NULL; i++) {
            mine.target = targets[i];
            if (mine.target->sink == NULL || str_equal(str_of(mine.target->sink), mine.sink)) {
                claim(build, &mine);
            }
        }
    }
}

static bool has_reference(struct build *build, const struct yaml_node *map,
                          const struct option *option, struct str name)
{
    const struct plan *plan = &build->config->plan;
    const struct yaml_node *node = yaml_get(map, str_of(option->name));
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < plan->source_count; i++) {
        if (str_equal(plan->sources[i].reference, name)) {
            return true;
        }
        if (plan->sources[i].reference.len > 0) {
            nearest_try(&nearest, plan->sources[i].reference);
        }
    }
    (void)fault_add(build->reader->faults, FAULT_UNKNOWN_REFERENCE,
                    reader_place(node != NULL ? node : map),
                    "option '%s': no source brings a table '%.*s'", option->name, STR_ARG(name));
    return reader_help_nearest(build->reader, &nearest);
}

/* The tables that an op's options name are those that it may look up. */
static bool read_references(struct build *build, const struct yaml_node *map, struct op *op)
{
    const struct option *options = op->type->options;
    size_t count = 0;
    for (const struct option *o = options; o != NULL && o->type != OPTION_TYPE_END; o++) {
        count += o->type == OPTION_TYPE_REFERENCE;
    }
    if (count == 0) {
        return true;
    }
    const char **names = arena_array(build->reader->arena, count + 1, sizeof *names);
    if (names == NULL) {
        return reader_no_memory(build->reader);
    }
    bool good = true;
    count = 0;
    for (const struct option *o = options; good && o->type != OPTION_TYPE_END; o++) {
        const struct str *name = (const struct str *)(const void *)((const char *)op + o->offset);
        if (o->type == OPTION_TYPE_REFERENCE && name->len > 0) {
            struct str copy = arena_copy(build->reader->arena, *name); /* Ends in NUL. */
            good = copy.ptr != NULL ? has_reference(build, map, o, copy)
                                    : reader_no_memory(build->reader);
            names[count++] = copy.ptr;
        }
    }
    op->references = names;
    return good;
}

static bool declare_targets(struct build *build, struct op *op)
{
    return op->type->declare == NULL || op->type->declare(op, build->reader->arena) ||
           reader_no_memory(build->reader);
}

static bool read_pipeline(struct build *build, const struct yaml_node *map, struct str name,
                          const char *what)
{
    static const char *const also[] = {"kind",  "source",   "chats", "from",
                                       "ticks", "schedule", NULL};
    struct str source = {0};
    struct plan *plan = &build->config->plan;
    struct plan_pipeline *pipeline = &build->pipelines[plan->pipeline_count++];
    pipeline->name = name;
    pipeline->digest = config_content(build->reader, map);
    bool listed = yaml_get(map, STR("from")) != NULL;
    bool good = listed || from_source(&build->from, map, what, "source", &source);
    good =
        config_schedule_read(build->reader, yaml_get(map, STR("schedule")), &pipeline->schedule) &&
        good;
    const struct op_type *type = find_op(build, map, what);
    pipeline->op = type != NULL ? instance_new(build, type->size) : NULL;
    if (pipeline->op == NULL) {
        return false;
    }
    pipeline->op->type = type;
    pipeline->op->name = name;
    struct option_set set = {type->options, pipeline->op};
    bool filled = config_options_read(build->reader, map, what, &set, 1, also);
    filled = filled && op_check(build, map, pipeline->op) &&
             read_references(build, map, pipeline->op) && declare_targets(build, pipeline->op);
    if (filled && type == build->kinds->chain) {
        filled = config_ops_prepare(build->reader, map, plan, build->targets,
                                    (struct chain *)(void *)pipeline->op);
    }
    if (filled) {
        claim_columns(build, map, pipeline->op);
    }
    bool heard = listed ? from_list(&build->from, map, what, pipeline)
                        : read_chats(build, map, what, type, pipeline, source);
    return filled && heard && from_ticks(&build->from, map, what, pipeline) && good;
}

/* The definition that no variable chooses today: what can be said of it without its variables. */
static bool look_at_source(struct build *build, const struct yaml_node *map, const char *what)
{
    if (map == NULL || !reader_is_map(build->reader, map, what)) {
        return map == NULL;
    }
    const struct source_type *type = source_type_of(build, map, what);
    struct source *source = type != NULL ? instance_new(build, type->connector.size) : NULL;
    struct common common = {0};
    struct option_set sets[] = {{type != NULL ? type->connector.options : NULL, source},
                                {source_options, &common}};
    return source != NULL && config_options_look(build->reader, map, what, sets, 2, kind_alone);
}

static bool look_at_sink(struct build *build, const struct yaml_node *map, const char *what)
{
    if (map == NULL || !reader_is_map(build->reader, map, what)) {
        return map == NULL;
    }
    const struct sink_type *type = sink_type_of(build, map, what);
    struct sink *sink = type != NULL ? instance_new(build, type->connector.size) : NULL;
    struct common common = {0};
    struct option_set sets[] = {{type != NULL ? type->connector.options : NULL, sink},
                                {sink_options, &common}};
    return sink != NULL && config_options_look(build->reader, map, what, sets, 2, kind_alone);
}

/* All definitions but the chosen one; the depth of a file is limited. */
static bool look_at_others(struct build *build, const struct yaml_node *map,
                           const struct yaml_node *chosen, const char *what,
                           bool (*look)(struct build *build, const struct yaml_node *map,
                                        const char *what))
{
    if (map == NULL || map == chosen || chosen == NULL) { /* NULL: it has its fault. */
        return true;
    }
    if (!either_asks(map)) {
        return look(build, map, what);
    }
    bool good = look_at_others(build, yaml_get(map, STR("then")), chosen, what, look);
    return look_at_others(build, yaml_get(map, STR("else")), chosen, what, look) && good;
}

/* A source or a sink, or the one of two that a variable chooses. */
static bool read_chosen_source(struct build *build, const struct yaml_node *map, struct str name,
                               const char *what)
{
    const struct yaml_node *chosen = either_choose(build->reader, map, what);
    bool good = look_at_others(build, map, chosen, what, look_at_source);
    return chosen != NULL && read_source(build, chosen, name, what) && good;
}

static bool read_chosen_sink(struct build *build, const struct yaml_node *map, struct str name,
                             const char *what)
{
    const struct yaml_node *chosen = either_choose(build->reader, map, what);
    bool good = look_at_others(build, map, chosen, what, look_at_sink);
    return chosen != NULL && read_sink(build, chosen, name, what) && good;
}

static bool read_chosen_pipeline(struct build *build, const struct yaml_node *map, struct str name,
                                 const char *what)
{
    map = either_choose(build->reader, map, what);
    return map != NULL && read_pipeline(build, map, name, what);
}

static bool read_section(struct build *build, const struct yaml_node *root, const char *key,
                         const char *noun, size_t max,
                         bool (*read)(struct build *build, const struct yaml_node *map,
                                      struct str name, const char *what))
{
    struct faults *faults = build->reader->faults;
    const struct yaml_node *section = yaml_get(root, str_of(key));
    bool good = true;
    if (section == NULL) {
        return fault_add(faults, FAULT_MISSING, reader_place(root), "the key '%s' is missing", key);
    }
    if (!reader_is_map(build->reader, section, key)) {
        return false;
    }
    if (yaml_count(section) == 0 || yaml_count(section) > max) {
        return fault_add(faults, FAULT_COUNT, reader_place(section),
                         "%s: between 1 and %zu are expected", key, max);
    }
    for (size_t i = 0; i < yaml_count(section); i++) {
        char what[WHAT_MAX];
        struct str name = {0};
        bool valid = entry_begin(build, section, i, noun, &name, what);
        build->reader->path = arena_printf(build->reader->arena, "%s.%.*s", key, STR_ARG(name));
        good = valid && read(build, reader_value(section, i), name, what) && good;
    }
    return good;
}

static bool prepare(struct build *build)
{
    struct arena *arena = build->reader->arena;
    struct plan *plan = &build->config->plan;
    build->sources = arena_array(arena, PLAN_SOURCES_MAX, sizeof *build->sources);
    build->sinks = arena_array(arena, PLAN_SINKS_MAX, sizeof *build->sinks);
    build->pipelines = arena_array(arena, PLAN_PIPELINES_MAX, sizeof *build->pipelines);
    build->config->projects =
        arena_array(arena, PLAN_PIPELINES_MAX, sizeof *build->config->projects);
    build->claims = arena_array(arena, CLAIMS_MAX, sizeof *build->claims);
    build->targets = arena_alloc(arena, sizeof *build->targets);
    plan->sources = build->sources;
    plan->sinks = build->sinks;
    plan->pipelines = build->pipelines;
    return build->claims != NULL && build->sources != NULL && build->sinks != NULL &&
           build->pipelines != NULL && build->config->projects != NULL && build->targets != NULL;
}

/* The names of all sinks, also of those that are wrong; NULL when there is no such map. */
static void note_sinks(struct reader *reader, const struct yaml_node *section)
{
    if (yaml_kind(section) != YAML_MAP) {
        return;
    }
    struct str *names = arena_array(reader->arena, yaml_count(section) + 1, sizeof *names);
    for (size_t i = 0; names != NULL && i < yaml_count(section); i++) {
        names[i] = yaml_text(reader_key(section, i));
    }
    reader->sinks = names;
    reader->sink_count = yaml_count(section);
}

static bool read_keep(struct build *build, const struct yaml_node *root)
{
    struct keeping keeping = {0};
    struct option_set set = {keep_options, &keeping};
    const struct yaml_node *map = yaml_get(root, STR("keep"));
    if (map != NULL && !reader_is_map(build->reader, map, "keep")) {
        return false;
    }
    if (map != NULL && !config_options_read(build->reader, map, "keep", &set, 1, NULL)) {
        return false;
    }
    build->config->plan.archive_keep_ms = keeping.messages_ms;
    build->config->plan.archive_keep_bytes = keeping.bytes;
    build->config->plan.runs_keep_ms = map != NULL ? keeping.runs_ms : KEEP_RUNS_MS;
    return true;
}

/* A source on whose messages nobody waits is read when a run asks for it, and not all the time. */
static void find_on_demand(struct build *build)
{
    const struct plan *plan = &build->config->plan;
    for (size_t i = 0; i < plan->source_count; i++) {
        const struct plan_source *source = &plan->sources[i];
        /* Whoever looks it up wants it now; and a call is answered when it comes. */
        bool awaited = source->reference.len > 0 || source->source->type->called;
        for (size_t j = 0; j < plan->pipeline_count; j++) {
            const struct plan_pipeline *pipeline = &plan->pipelines[j];
            for (size_t k = 0; k < pipeline->chat_count; k++) {
                awaited = awaited || (pipeline->schedule.kind == SCHEDULE_ON_MESSAGE &&
                                      str_equal(pipeline->chats[k].source, plan->sources[i].name));
            }
        }
        build->sources[i].on_demand = !awaited;
    }
}

bool config_build(struct config *config, struct reader *reader, const struct yaml_node *root,
                  const struct kinds *kinds)
{
    struct build build = {
        .config = config,
        .reader = reader,
        .kinds = kinds,
        .from = {.reader = reader,
                 .sources = yaml_get(root, STR("sources")),
                 .plan = &config->plan},
    };
    reader->kinds = kinds;
    if (!prepare(&build)) {
        return reader_no_memory(reader);
    }
    bool good =
        read_section(&build, root, "sources", "source", PLAN_SOURCES_MAX, read_chosen_source);
    good = read_section(&build, root, "sinks", "sink", PLAN_SINKS_MAX, read_chosen_sink) && good;
    note_sinks(reader, yaml_get(root, STR("sinks")));
    good = read_section(&build, root, "pipelines", "pipeline", PLAN_PIPELINES_MAX,
                        read_chosen_pipeline) &&
           good;
    find_on_demand(&build);
    return read_keep(&build, root) && good;
}
