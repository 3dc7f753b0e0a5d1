#include "text/jsonschema.h"

#include <stdio.h>
#include <string.h>

#include "text/regex.h"
#include "text/utf8.h"

enum type_bit {
    TYPE_NULL = 1,
    TYPE_BOOLEAN = 2,
    TYPE_INTEGER = 4,
    TYPE_NUMBER = 8,
    TYPE_STRING = 16,
    TYPE_ARRAY = 32,
    TYPE_OBJECT = 64,
};

static const struct {
    struct str name;
    unsigned bit;
} types[] = {
    {STR_INIT("null"), TYPE_NULL},       {STR_INIT("boolean"), TYPE_BOOLEAN},
    {STR_INIT("integer"), TYPE_INTEGER}, {STR_INIT("number"), TYPE_NUMBER},
    {STR_INIT("string"), TYPE_STRING},   {STR_INIT("array"), TYPE_ARRAY},
    {STR_INIT("object"), TYPE_OBJECT},
};

/* Bounds of one kind; each counts only when it is given. */
struct bound {
    bool given;
    double value;
};

struct property {
    struct str name;
    struct jsonschema *schema;
};

struct jsonschema {
    unsigned types; /* 0: any. */
    const struct json_value *choices;
    const struct json_value *constant;
    struct bound minimum;
    struct bound maximum;
    struct bound above;
    struct bound below;
    struct bound length_min;
    struct bound length_max;
    struct bound items_min;
    struct bound items_max;
    struct regex *pattern;
    struct jsonschema *items;
    struct property *properties;
    size_t property_count;
    const struct json_value *required;
    struct jsonschema *others;
    bool closed; /* additionalProperties: false */
};

/* Where we are, for messages: "lessons/0/date". */
struct place {
    char text[JSONSCHEMA_PATH_MAX];
    size_t len;
};

static size_t place_add(struct place *place, struct str name)
{
    size_t before = place->len;
    int wrote = snprintf(place->text + before, sizeof place->text - before, "%s%.*s",
                         before > 0 ? "/" : "", (int)(name.len < 60 ? name.len : 60), name.ptr);
    size_t room = sizeof place->text - before - 1;
    place->len = before + (wrote < 0 ? 0 : (size_t)wrote < room ? (size_t)wrote : room);
    return before;
}

static void place_back(struct place *place, size_t before)
{
    place->len = before;
    place->text[before] = '\0';
}

/* ---- Reading ---- */

struct reading {
    struct arena *arena;
    struct place place;
    unsigned depth;
};

static bool wrong(struct reading *reading, const char *keyword, const char *why, struct err *err)
{
    return err_set(err, ERR_CONFIG, "the schema, at %s: `%s` %s",
                   reading->place.len > 0 ? reading->place.text : "its top", keyword, why);
}

static bool read_schema(struct reading *reading, const struct json_value *value,
                        struct jsonschema **out, struct err *err);

static bool read_type(struct reading *reading, struct jsonschema *schema,
                      const struct json_value *value, struct err *err)
{
    size_t count = json_kind(value) == JSON_ARRAY ? json_count(value) : 1;
    for (size_t i = 0; i < count; i++) {
        struct str name = json_str(json_kind(value) == JSON_ARRAY ? json_at(value, i) : value);
        unsigned bit = 0;
        for (size_t j = 0; j < sizeof types / sizeof types[0]; j++) {
            bit = name.ptr != NULL && str_equal(name, types[j].name) ? types[j].bit : bit;
        }
        if (bit == 0) {
            return wrong(reading, "type",
                         "is one or a list of null, boolean, integer, number, string, array, "
                         "object",
                         err);
        }
        schema->types |= bit;
    }
    return count > 0 || wrong(reading, "type", "is an empty list", err);
}

static bool read_properties(struct reading *reading, struct jsonschema *schema,
                            const struct json_value *value, struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    struct str name;
    if (json_kind(value) != JSON_OBJECT) {
        return wrong(reading, "properties", "is no object", err);
    }
    schema->properties =
        arena_array(reading->arena, json_count(value) + 1, sizeof *schema->properties);
    if (schema->properties == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a schema");
    }
    json_iter_init(&iter, value);
    while (json_next(&iter, &name, &one)) {
        struct property *property = &schema->properties[schema->property_count++];
        size_t before = place_add(&reading->place, name);
        property->name = name;
        if (!read_schema(reading, one, &property->schema, err)) {
            return false;
        }
        place_back(&reading->place, before);
    }
    return true;
}

static bool read_required(struct reading *reading, struct jsonschema *schema,
                          const struct json_value *value, struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    bool good = json_kind(value) == JSON_ARRAY;
    json_iter_init(&iter, value);
    while (good && json_next(&iter, NULL, &one)) {
        good = json_kind(one) == JSON_STRING;
    }
    schema->required = value;
    return good || wrong(reading, "required", "is a list of names", err);
}

static bool read_pattern(struct reading *reading, struct jsonschema *schema,
                         const struct json_value *value, struct err *err)
{
    struct err why = {0};
    if (json_kind(value) != JSON_STRING) {
        return wrong(reading, "pattern", "is a regular expression", err);
    }
    return regex_open(&schema->pattern, json_str(value), 0, &why) ||
           wrong(reading, "pattern", why.text, err);
}

static bool read_others(struct reading *reading, struct jsonschema *schema,
                        const struct json_value *value, struct err *err)
{
    bool allowed = true;
    if (json_bool(value, &allowed)) {
        schema->closed = !allowed;
        return true;
    }
    return read_schema(reading, value, &schema->others, err);
}

/* A keyword with a number; false in `*known` when it is none. */
static bool read_bound(struct reading *reading, struct jsonschema *schema, struct str keyword,
                       const struct json_value *value, bool *known, struct err *err)
{
    const struct {
        struct str name;
        struct bound *bound;
        bool count;
    } bounds[] = {
        {STR("minimum"), &schema->minimum, false},
        {STR("maximum"), &schema->maximum, false},
        {STR("exclusiveMinimum"), &schema->above, false},
        {STR("exclusiveMaximum"), &schema->below, false},
        {STR("minLength"), &schema->length_min, true},
        {STR("maxLength"), &schema->length_max, true},
        {STR("minItems"), &schema->items_min, true},
        {STR("maxItems"), &schema->items_max, true},
    };
    *known = false;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        int64_t whole = 0;
        if (!str_equal(keyword, bounds[i].name)) {
            continue;
        }
        *known = true;
        bounds[i].bound->given = true;
        if (bounds[i].count && (!json_int(value, &whole) || whole < 0)) {
            return wrong(reading, bounds[i].name.ptr, "is a whole number from 0 on", err);
        }
        return json_double(value, &bounds[i].bound->value) ||
               wrong(reading, bounds[i].name.ptr, "is a number", err);
    }
    return true;
}

static bool checks_nothing(struct str keyword)
{
    static const struct str names[] = {
        STR_INIT("$schema"),     STR_INIT("$id"),     STR_INIT("$comment"), STR_INIT("title"),
        STR_INIT("description"), STR_INIT("default"), STR_INIT("examples")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal(keyword, names[i])) {
            return true;
        }
    }
    return false;
}

static bool read_keyword(struct reading *reading, struct jsonschema *schema, struct str keyword,
                         const struct json_value *value, struct err *err)
{
    bool known = false;
    if (str_equal(keyword, STR("type"))) {
        return read_type(reading, schema, value, err);
    }
    if (str_equal(keyword, STR("properties"))) {
        return read_properties(reading, schema, value, err);
    }
    if (str_equal(keyword, STR("required"))) {
        return read_required(reading, schema, value, err);
    }
    if (str_equal(keyword, STR("pattern"))) {
        return read_pattern(reading, schema, value, err);
    }
    if (str_equal(keyword, STR("additionalProperties"))) {
        return read_others(reading, schema, value, err);
    }
    if (str_equal(keyword, STR("items"))) {
        return read_schema(reading, value, &schema->items, err);
    }
    if (str_equal(keyword, STR("enum"))) {
        schema->choices = value;
        return json_kind(value) == JSON_ARRAY || wrong(reading, "enum", "is a list", err);
    }
    if (str_equal(keyword, STR("const"))) {
        schema->constant = value;
        return true;
    }
    if (!read_bound(reading, schema, keyword, value, &known, err)) {
        return false;
    }
    if (known || checks_nothing(keyword)) {
        return true;
    }
    return err_set(err, ERR_CONFIG,
                   "the schema, at %s: the keyword '%.*s' is not one of those that are checked "
                   "(type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, "
                   "minLength, maxLength, pattern, items, minItems, maxItems, properties, "
                   "required, additionalProperties)",
                   reading->place.len > 0 ? reading->place.text : "its top",
                   STR_ARG(str_slice(keyword, 0, 60)));
}

/* No deeper than JSONSCHEMA_DEPTH_MAX. */
static bool read_schema(struct reading *reading, const struct json_value *value,
                        struct jsonschema **out, struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    struct str keyword;
    if (json_kind(value) != JSON_OBJECT) {
        return err_set(err, ERR_CONFIG, "the schema, at %s: a schema is a JSON object",
                       reading->place.len > 0 ? reading->place.text : "its top");
    }
    if (reading->depth == JSONSCHEMA_DEPTH_MAX) {
        return err_set(err, ERR_CONFIG, "the schema is nested deeper than %d",
                       JSONSCHEMA_DEPTH_MAX);
    }
    *out = arena_alloc(reading->arena, sizeof **out);
    if (*out == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a schema");
    }
    reading->depth++;
    json_iter_init(&iter, value);
    while (json_next(&iter, &keyword, &one)) {
        if (!read_keyword(reading, *out, keyword, one, err)) {
            return false;
        }
    }
    reading->depth--;
    return true;
}

bool jsonschema_open(struct jsonschema **schema, struct arena *arena, struct str text,
                     struct err *err)
{
    struct reading reading = {.arena = arena};
    const struct json_value *root = NULL;
    *schema = NULL;
    if (!json_parse(arena, text, NULL, &root, err)) {
        err->kind = ERR_CONFIG;
        return err_prefix(err, "the schema: ");
    }
    if (read_schema(&reading, root, schema, err)) {
        return true;
    }
    jsonschema_close(*schema);
    *schema = NULL;
    return false;
}

/* As deep as it was read. */
void jsonschema_close(struct jsonschema *schema)
{
    if (schema == NULL) {
        return;
    }
    regex_close(schema->pattern);
    schema->pattern = NULL;
    jsonschema_close(schema->items);
    jsonschema_close(schema->others);
    for (size_t i = 0; i < schema->property_count; i++) {
        jsonschema_close(schema->properties[i].schema);
    }
}

/* ---- Checking ---- */

static bool unfit(const struct place *place, const char *keyword, struct err *err)
{
    return err_set(err, ERR_REJECT, "the schema refuses it: %s%s%s",
                   place->len > 0 ? place->text : "", place->len > 0 ? ": " : "", keyword);
}

static unsigned type_of(const struct json_value *value)
{
    int64_t whole = 0;
    uint64_t large = 0;
    switch (json_kind(value)) {
    case JSON_ABSENT:
    case JSON_NULL:
        return TYPE_NULL;
    case JSON_BOOL:
        return TYPE_BOOLEAN;
    case JSON_INT:
    case JSON_UINT:
    case JSON_DOUBLE:
    case JSON_BIG:
        return json_int(value, &whole) || json_uint(value, &large) ? TYPE_INTEGER | TYPE_NUMBER
                                                                   : TYPE_NUMBER;
    case JSON_STRING:
        return TYPE_STRING;
    case JSON_ARRAY:
        return TYPE_ARRAY;
    case JSON_OBJECT:
        return TYPE_OBJECT;
    }
    return 0;
}

/* As JSON sees it: numbers by size, objects in any order. No deeper than JSON_DEPTH_MAX. */
static bool same(const struct json_value *a, const struct json_value *b)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    struct str key;
    double left = 0;
    double right = 0;
    bool yes[2] = {false, false};
    if ((type_of(a) & type_of(b)) == 0) {
        return false;
    }
    if (json_double(a, &left) && json_double(b, &right)) {
        return left <= right && left >= right;
    }
    if (json_bool(a, &yes[0]) && json_bool(b, &yes[1])) {
        return yes[0] == yes[1];
    }
    if (json_kind(a) == JSON_STRING) {
        return str_equal(json_str(a), json_str(b));
    }
    bool equal = json_count(a) == json_count(b);
    size_t at = 0;
    json_iter_init(&iter, a);
    while (equal && json_next(&iter, &key, &one)) {
        equal = same(one, json_kind(a) == JSON_OBJECT ? json_get(b, key) : json_at(b, at++));
    }
    return equal;
}

static bool check_number(const struct jsonschema *schema, double value, const struct place *place,
                         struct err *err)
{
    if (schema->minimum.given && value < schema->minimum.value) {
        return unfit(place, "minimum", err);
    }
    if (schema->maximum.given && value > schema->maximum.value) {
        return unfit(place, "maximum", err);
    }
    if (schema->above.given && value <= schema->above.value) {
        return unfit(place, "exclusiveMinimum", err);
    }
    return !schema->below.given || value < schema->below.value ||
           unfit(place, "exclusiveMaximum", err);
}

static bool check_string(const struct jsonschema *schema, struct str text,
                         const struct place *place, struct err *err)
{
    struct regex_match match = {0};
    double length = (double)utf8_count(text);
    if (schema->length_min.given && length < schema->length_min.value) {
        return unfit(place, "minLength", err);
    }
    if (schema->length_max.given && length > schema->length_max.value) {
        return unfit(place, "maxLength", err);
    }
    if (schema->pattern == NULL) {
        return true;
    }
    return regex_find(schema->pattern, text, 0, &match, err) &&
           (match.found || unfit(place, "pattern", err));
}

static bool check(const struct jsonschema *schema, const struct json_value *value,
                  struct place *place, struct err *err);

static bool check_items(const struct jsonschema *schema, const struct json_value *list,
                        struct place *place, struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    double count = (double)json_count(list);
    size_t at = 0;
    if (schema->items_min.given && count < schema->items_min.value) {
        return unfit(place, "minItems", err);
    }
    if (schema->items_max.given && count > schema->items_max.value) {
        return unfit(place, "maxItems", err);
    }
    json_iter_init(&iter, list);
    while (schema->items != NULL && json_next(&iter, NULL, &one)) {
        char number[24];
        (void)snprintf(number, sizeof number, "%zu", at++);
        size_t before = place_add(place, str_of(number));
        if (!check(schema->items, one, place, err)) {
            return false;
        }
        place_back(place, before);
    }
    return true;
}

static const struct jsonschema *property_of(const struct jsonschema *schema, struct str name)
{
    for (size_t i = 0; i < schema->property_count; i++) {
        if (str_equal(schema->properties[i].name, name)) {
            return schema->properties[i].schema;
        }
    }
    return NULL;
}

static bool check_member(const struct jsonschema *schema, struct str name,
                         const struct json_value *value, struct place *place, struct err *err)
{
    const struct jsonschema *of = property_of(schema, name);
    size_t before = place_add(place, name);
    if (of == NULL && schema->closed) {
        return unfit(place, "additionalProperties", err);
    }
    of = of != NULL ? of : schema->others;
    bool ok = of == NULL || check(of, value, place, err);
    place_back(place, before);
    return ok;
}

static bool check_object(const struct jsonschema *schema, const struct json_value *object,
                         struct place *place, struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    struct str name;
    json_iter_init(&iter, schema->required);
    while (json_next(&iter, NULL, &one)) {
        if (json_kind(json_get(object, json_str(one))) == JSON_ABSENT) {
            (void)place_add(place, json_str(one));
            return unfit(place, "required", err);
        }
    }
    json_iter_init(&iter, object);
    while (json_next(&iter, &name, &one)) {
        if (!check_member(schema, name, one, place, err)) {
            return false;
        }
    }
    return true;
}

/* No deeper than the schema. */
static bool check(const struct jsonschema *schema, const struct json_value *value,
                  struct place *place, struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    double number = 0;
    if (schema->types != 0 && (schema->types & type_of(value)) == 0) {
        return unfit(place, "type", err);
    }
    bool chosen = schema->choices == NULL;
    json_iter_init(&iter, schema->choices);
    while (!chosen && json_next(&iter, NULL, &one)) {
        chosen = same(one, value);
    }
    if (!chosen) {
        return unfit(place, "enum", err);
    }
    if (schema->constant != NULL && !same(schema->constant, value)) {
        return unfit(place, "const", err);
    }
    if (json_double(value, &number) && !check_number(schema, number, place, err)) {
        return false;
    }
    if (json_kind(value) == JSON_STRING) {
        return check_string(schema, json_str(value), place, err);
    }
    if (json_kind(value) == JSON_ARRAY) {
        return check_items(schema, value, place, err);
    }
    return json_kind(value) != JSON_OBJECT || check_object(schema, value, place, err);
}

bool jsonschema_check(const struct jsonschema *schema, const struct json_value *value,
                      struct err *err)
{
    struct place place = {0};
    return check(schema, value, &place, err);
}

bool jsonschema_check_property(const struct jsonschema *schema, struct str name,
                               const struct json_value *value, struct err *err)
{
    struct place place = {0};
    return check_member(schema, name, value, &place, err);
}
