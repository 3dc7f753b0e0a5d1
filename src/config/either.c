#include "config/either.h"

#include "config/nearest.h"

static const char *const keys[] = {"if", "then", "else"};

enum { KEYS = sizeof keys / sizeof keys[0] };

static bool check_keys(struct reader *reader, const struct yaml_node *map, const char *what)
{
    bool good = true;
    for (size_t i = 0; i < yaml_count(map); i++) {
        struct nearest nearest;
        struct str key = yaml_text(reader_key(map, i));
        bool known = false;
        nearest_begin(&nearest, key);
        for (size_t j = 0; j < KEYS; j++) {
            known = known || str_equal(key, str_of(keys[j]));
            nearest_try(&nearest, str_of(keys[j]));
        }
        good = (known || reader_unknown_key(reader, reader_key(map, i), what, &nearest)) && good;
    }
    return good;
}

bool either_asks(const struct yaml_node *map)
{
    bool any = false;
    for (size_t i = 0; i < KEYS && yaml_kind(map) == YAML_MAP; i++) {
        any = any || yaml_get(map, str_of(keys[i])) != NULL;
    }
    return any;
}

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return text.len > 0 && text.len <= ENV_NAME_MAX;
}

/* One question: the definition that its answer chooses, which may ask the next one. */
static const struct yaml_node *choose(struct reader *reader, const struct yaml_node *map,
                                      const char *what)
{
    struct str name = {0};
    const struct yaml_node *question = yaml_get(map, STR("if"));
    if (!check_keys(reader, map, what)) {
        return NULL;
    }
    if (question == NULL) {
        (void)fault_add(reader->faults, FAULT_MISSING, reader_place(map),
                        "%s has `then` or `else`, and no `if`", what);
        return NULL;
    }
    if (!reader_text(reader, question, "if", &name)) {
        return NULL;
    }
    if (!is_name(name)) {
        (void)fault_add(reader->faults, FAULT_VARIABLE_NAME, reader_place(question),
                        "'%.*s' is not the name of a variable", STR_ARG(name));
        (void)fault_help(reader->faults, "write the name alone: `if: NEON_DATABASE_URL`");
        return NULL;
    }
    bool set = env_find(reader->env, name, NULL, NULL) != ENV_NONE;
    const struct yaml_node *chosen = yaml_get(map, set ? STR("then") : STR("else"));
    if (chosen == NULL) {
        (void)fault_add(reader->faults, FAULT_MISSING, reader_place(map), "%s has no `%s`", what,
                        set ? "then" : "else");
        (void)fault_help(reader->faults, "%.*s is %s, so this is what would count", STR_ARG(name),
                         set ? "set" : "not set");
        return NULL;
    }
    return reader_is_map(reader, chosen, what) ? chosen : NULL;
}

const struct yaml_node *either_choose(struct reader *reader, const struct yaml_node *map,
                                      const char *what)
{
    /* Each turn goes one level deeper into the file, whose depth is limited. */
    while (map != NULL && either_asks(map)) {
        map = choose(reader, map, what);
    }
    return map;
}
