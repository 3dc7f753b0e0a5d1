#include "config/ops.h"

#include <stdio.h>

#include "config/build.h"
#include "config/kinds.h"
#include "config/nearest.h"
#include "config/options.h"

enum { WHAT_MAX = 128 };

/* What every step can be told besides its own options. */
static const struct option step_options[] = {
    OPTION_TEXT(struct step, name, "name", NULL,
                "What the step's memory is kept under; by default its kind."),
    OPTION_STEPS(struct step, otherwise, "otherwise", NULL,
                 "Steps for what this one leaves out; `reason` says why."),
    OPTION_END,
};

const struct option *config_step_options(void)
{
    return step_options;
}

static const struct step_type *find_type(const struct step_type *const *types, struct str kind,
                                         struct nearest *nearest)
{
    for (; types != NULL && *types != NULL; types++) {
        if (str_equal(kind, str_of((*types)->kind))) {
            return *types;
        }
        if (nearest != NULL) {
            nearest_try(nearest, str_of((*types)->kind));
        }
    }
    return NULL;
}

/* The type of a step: by `kind`, or the only one that may stand here. */
static const struct step_type *type_of(struct reader *reader, const struct yaml_node *map,
                                       const struct option *option)
{
    const struct yaml_node *node = yaml_get(map, STR("kind"));
    struct str kind = {0};
    struct nearest nearest;
    if (option->choices != NULL) {
        return find_type(reader->kinds->branches, str_of(option->choices[0]), NULL);
    }
    if (node == NULL) {
        (void)config_kind_missing(reader, map, "a step");
        return NULL;
    }
    if (!reader_text(reader, node, "kind", &kind)) {
        return NULL;
    }
    nearest_begin(&nearest, kind);
    const struct step_type *type = find_type(reader->kinds->steps, kind, &nearest);
    if (type == NULL) {
        (void)fault_add(reader->faults, FAULT_UNKNOWN_KIND, reader_place(node),
                        "there is no step of kind '%.*s'", STR_ARG(kind));
        (void)reader_help_nearest(reader, &nearest);
    }
    return type;
}

static bool name_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char byte = (unsigned char)name.ptr[i];
        if (byte <= ' ' || byte == ':' || byte == 0x7F) {
            return false;
        }
    }
    return name.len <= STEP_NAME_MAX;
}

static bool read_step(struct reader *reader, const struct yaml_node *map,
                      const struct option *option, struct step **out)
{
    static const char *const kind_key[] = {"kind", NULL};
    char what[WHAT_MAX];
    if (!reader_is_map(reader, map, "a step")) {
        return false;
    }
    const struct step_type *type = type_of(reader, map, option);
    if (type == NULL) {
        return false;
    }
    struct step *step = arena_alloc(reader->arena, type->size);
    if (step == NULL || ++reader->steps > STEPS_MAX) {
        return fault_add(reader->faults, FAULT_COUNT, reader_place(map),
                         "more than %d steps in one pipeline", STEPS_MAX);
    }
    *out = step;
    step->type = type;
    step->origin = map;
    (void)snprintf(what, sizeof what, option->choices != NULL ? "a %s" : "step '%s'", type->kind);
    struct option_set sets[] = {{type->options, step}, {step_options, step}};
    bool good =
        config_options_read(reader, map, what, sets, 2, option->choices != NULL ? NULL : kind_key);
    if (step->name.len == 0) {
        step->name = str_of(type->kind);
    } else if (!name_valid(step->name)) {
        good = fault_add(reader->faults, FAULT_NAME, reader_place(yaml_get(map, STR("name"))),
                         "the name of a step has at most %d bytes, no ':' and no white space",
                         STEP_NAME_MAX);
    }
    return good;
}

bool config_ops_read(struct reader *reader, const struct yaml_node *node,
                     const struct option *option, struct step_list *out)
{
    struct place place = reader_place(node);
    size_t count = yaml_count(node);
    bool good = true;
    if (yaml_kind(node) != YAML_LIST || count == 0) {
        return fault_add(reader->faults, FAULT_TYPE, place, "%s: a list of steps is expected here",
                         option->name);
    }
    if (reader->step_depth == STEP_DEPTH_MAX) {
        return fault_add(reader->faults, FAULT_COUNT, place,
                         "%s: steps are nested more than %d levels deep", option->name,
                         STEP_DEPTH_MAX);
    }
    struct step **items = arena_array(reader->arena, count, sizeof(struct step *));
    if (items == NULL) {
        return reader_no_memory(reader);
    }
    reader->step_depth++;
    for (size_t i = 0; i < count; i++) {
        good = read_step(reader, yaml_at(node, i), option, &items[i]) && good;
    }
    reader->step_depth--;
    *out = (struct step_list){items, count};
    return good;
}

/* ---- Places of what the steps complain about ---- */

struct preparing {
    struct reader *reader;
    const struct yaml_node *map; /* Of the pipeline. */
    const struct plan *plan;
    struct nearest nearest;
};

/* The scalar, or whatever is nearest to it, that a spot means. */
static const struct yaml_node *node_of(const struct yaml_node *map, const struct step_spot *spot,
                                       bool *exact)
{
    const struct yaml_node *node =
        spot->option != NULL ? yaml_get(map, str_of(spot->option)) : NULL;
    *exact = false;
    if (node == NULL) {
        return map;
    }
    const struct yaml_node *inner = NULL;
    if (spot->key.ptr != NULL) {
        inner = spot->of_name ? yaml_get_key(node, spot->key) : yaml_get(node, spot->key);
    } else if (spot->index > 0) {
        inner = yaml_at(node, spot->index - 1);
    }
    node = inner != NULL ? inner : node;
    *exact = yaml_text(node).ptr != NULL;
    return node;
}

/* A character can be pointed at where the text stands in one line and is what was written. */
static struct place place_of(const struct yaml_node *node, const struct step_spot *spot, bool exact)
{
    struct place place = reader_place(node);
    bool plain = exact && spot->character > 0 && node->start.line == node->end.line &&
                 str_find(yaml_text(node), STR("${"), 0) == STR_NONE;
    if (plain) {
        place.column += spot->character - 1 + (node->quoted ? 1 : 0);
        place.length = 1;
    }
    return place;
}

static void report(struct step_scope *scope, const struct step *step, const struct step_spot *spot,
                   const char *text)
{
    struct preparing *now = scope->context;
    const struct yaml_node *map = step != NULL ? step->origin : now->map;
    bool exact = false;
    const struct yaml_node *node = node_of(map, spot, &exact);
    struct place place = place_of(node, spot, exact);
    char what[WHAT_MAX];
    if (spot->key.ptr != NULL) {
        (void)snprintf(what, sizeof what, "%s.%.*s", spot->option, STR_ARG(spot->key));
    } else if (spot->option != NULL) {
        (void)snprintf(what, sizeof what, "option '%s'", spot->option);
    } else {
        (void)snprintf(what, sizeof what, "%s", step != NULL ? step->type->kind : "ops");
    }
    (void)fault_add_advice(now->reader->faults, FAULT_STEP, place, what, text);
}

static const char *hint(struct step_scope *scope, struct str name)
{
    struct preparing *now = scope->context;
    nearest_begin(&now->nearest, name);
    for (size_t i = 0; i < scope->field_count; i++) {
        if (scope->fields[i].visible) {
            nearest_try(&now->nearest, scope->fields[i].name);
        }
    }
    return nearest_hint(&now->nearest);
}

static bool has_reference(struct step_scope *scope, const struct step_spot *spot, struct str name)
{
    struct preparing *now = scope->context;
    const struct plan *plan = now->plan;
    nearest_begin(&now->nearest, name);
    for (size_t i = 0; i < plan->source_count; i++) {
        if (str_equal(plan->sources[i].reference, name)) {
            return true;
        }
        if (plan->sources[i].reference.len > 0) {
            nearest_try(&now->nearest, plan->sources[i].reference);
        }
    }
    return step_fault(scope, *spot, "no source brings a table '%.*s'%s", STR_ARG(name),
                      nearest_hint(&now->nearest));
}

/* A sink that is not there is a fault of its own. */
static bool takes_name(struct step_scope *scope, struct str sink, struct str name)
{
    const struct plan *plan = ((const struct preparing *)scope->context)->plan;
    const struct step_spot spot = {.option = "target"};
    struct err err = {0};
    for (size_t i = 0; i < plan->sink_count; i++) {
        const struct sink_type *type = plan->sinks[i].sink->type;
        if (str_equal(plan->sinks[i].name, sink) && type->takes_name != NULL &&
            !type->takes_name(name, &err)) {
            return step_fault_err(scope, spot, &err);
        }
    }
    return true;
}

bool config_ops_prepare(struct reader *reader, const struct yaml_node *map, const struct plan *plan,
                        struct step_targets *targets, struct chain *chain)
{
    struct preparing now = {.reader = reader, .map = map, .plan = plan};
    struct step_scope scope = {
        .arena = reader->arena,
        .targets = targets,
        .context = &now,
        .fault = report,
        .hint = hint,
        .has_reference = has_reference,
        .takes_name = takes_name,
    };
    return step_chain_prepare(chain, &scope);
}
