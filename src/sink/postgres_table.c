#include "sink/postgres_table.h"

#include <string.h>

#include "db/sql.h"
#include "text/json.h"

/* What a person can do when a table and its declaration disagree. */
#define ADVICE "; add it or run sluice migrate"

/* A column as the catalogue has it. */
struct found_column {
    struct str name;
    struct str type;
    struct str base; /* Name of the type, or of what a domain is made of. */
    char category;
    int64_t characters_max;
    bool demands; /* NOT NULL, and nothing fills it. */
    bool computed;
    bool unique;
};

struct found {
    struct found_column *columns;
    size_t count;
    struct str kind; /* pg_class.relkind; absent: there is no such table. */
    struct str order;
};

static const char look_sql[] =
    "SELECT c.relkind, a.attname,"
    " quote_ident(tn.nspname)||'.'||quote_ident(t.typname), coalesce(b.typname, t.typname),"
    " t.typcategory,"
    " CASE WHEN coalesce(b.typname, t.typname) IN ('varchar','bpchar') AND a.atttypmod > 4"
    "  THEN a.atttypmod - 4 ELSE 0 END,"
    " a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',"
    " a.attgenerated <> '' OR a.attidentity = 'a',"
    " EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique"
    "  AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL"
    "  AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum),"
    " (SELECT string_agg(quote_ident(p.attname), ',' ORDER BY k.place)"
    "  FROM pg_catalog.pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)"
    "  JOIN pg_catalog.pg_attribute p ON p.attrelid = c.oid AND p.attnum = k.attnum"
    "  WHERE i.indrelid = c.oid AND i.indisprimary)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    "  AND NOT a.attisdropped"
    " LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace"
    " LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r','p','v','m','f')"
    " ORDER BY a.attnum";

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "postgres: out of memory for a table");
}

static bool is_true(const struct postgres *db, int column)
{
    return str_equal(postgres_text(db, column), STR("t"));
}

static bool take_column(struct postgres *db, struct arena *arena, struct found *found,
                        struct err *err)
{
    if (found->kind.ptr == NULL) {
        found->kind = arena_copy(arena, postgres_text(db, 0));
        found->order = postgres_text(db, 9).ptr != NULL ? arena_copy(arena, postgres_text(db, 9))
                                                        : (struct str){0};
    }
    if (postgres_text(db, 1).ptr == NULL || found->count == POSTGRES_COLUMNS_MAX) {
        return true; /* A table without columns. */
    }
    struct found_column *column = &found->columns[found->count++];
    struct str category = postgres_text(db, 4);
    column->name = arena_copy(arena, postgres_text(db, 1));
    column->type = arena_copy(arena, postgres_text(db, 2));
    column->base = arena_copy(arena, postgres_text(db, 3));
    column->category = category.len > 0 ? category.ptr[0] : 'S';
    (void)str_to_int64(postgres_text(db, 5), &column->characters_max);
    column->demands = is_true(db, 6);
    column->computed = is_true(db, 7);
    column->unique = is_true(db, 8);
    return (column->name.ptr != NULL && column->type.ptr != NULL && column->base.ptr != NULL &&
            found->kind.ptr != NULL) ||
           no_memory(err);
}

static bool find_table(struct postgres *db, const struct target *target, struct str schema,
                       int64_t deadline_ms, struct arena *arena, struct found *found,
                       struct err *err)
{
    struct str values[] = {schema, str_of(target->name)};
    bool row = true;
    *found =
        (struct found){.columns = arena_array(arena, POSTGRES_COLUMNS_MAX, sizeof *found->columns)};
    if (found->columns == NULL) {
        return no_memory(err);
    }
    bool ok = postgres_query(db, look_sql, values, 2, deadline_ms, err);
    while (ok && row) {
        ok = postgres_next(db, &row, err);
        if (ok && row) {
            ok = take_column(db, arena, found, err);
        }
    }
    postgres_end(db);
    return ok;
}

static const struct found_column *find_column(const struct found *found, const char *name)
{
    const struct found_column *near = NULL;
    for (size_t i = 0; i < found->count; i++) {
        if (str_equal(found->columns[i].name, str_of(name))) {
            return &found->columns[i];
        }
        if (near == NULL && str_equal_ascii_case(found->columns[i].name, str_of(name))) {
            near = &found->columns[i];
        }
    }
    return near;
}

/* ---- Is it fit to be written to? ---- */

static bool check_kind(const struct found *found, const struct target *target, struct str schema,
                       struct err *err)
{
    char kind = found->kind.ptr[0];
    return kind == 'r' || kind == 'p' || kind == 'f' ||
           err_set(err, ERR_CONFIG,
                   "%.*s.%s is a view; sluice writes into tables only, name another schema or "
                   "target",
                   STR_ARG(schema), target->name);
}

/* Every record would be refused one by one: better said of the table at once. */
static bool check_key(const struct found *found, const struct target *target, struct str schema,
                      struct err *err)
{
    const struct found_column *key = find_column(found, target->key);
    return !target->key_is_words || key == NULL || key->category == 'S' ||
           err_set(
               err, ERR_CONFIG,
               "column '%s' of table %.*s.%s is of type %.*s, and its keys are texts here: the "
               "table is another program's; give the sink a schema of its own (option `schema`)",
               target->key, STR_ARG(schema), target->name, STR_ARG(key->base));
}

static bool check_declared(const struct found *found, const struct target *target,
                           struct str schema, struct err *err)
{
    if (find_column(found, target->key) == NULL) {
        return err_set(err, ERR_CONFIG, "table %.*s.%s has no column '%s'" ADVICE, STR_ARG(schema),
                       target->name, target->key);
    }
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        const struct found_column *there = find_column(found, column->name);
        if (there == NULL) {
            return err_set(err, ERR_CONFIG, "table %.*s.%s has no column '%s'" ADVICE,
                           STR_ARG(schema), target->name, column->name);
        }
        if (there->computed) {
            return err_set(err, ERR_CONFIG,
                           "column '%s' of table %.*s.%s is computed, so sluice cannot write it; "
                           "make it an ordinary column",
                           column->name, STR_ARG(schema), target->name);
        }
    }
    return true;
}

const struct column *postgres_target_column(const struct target *target, struct str name)
{
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (str_equal_ascii_case(str_of(column->name), name)) {
            return column;
        }
    }
    return NULL;
}

static bool is_key(const struct target *target, struct str name)
{
    return str_equal_ascii_case(str_of(target->key), name);
}

static bool check_found(const struct found *found, const struct target *target, struct str schema,
                        struct err *err)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct found_column *there = &found->columns[i];
        bool ours =
            postgres_target_column(target, there->name) != NULL || is_key(target, there->name);
        if (there->demands && !there->computed && !ours) {
            return err_set(err, ERR_CONFIG,
                           "table %.*s.%s demands a value for column '%.*s', which sluice does not "
                           "write; give it a default or allow NULL",
                           STR_ARG(schema), target->name, STR_ARG(there->name));
        }
    }
    return true;
}

static enum postgres_holds holds_of(const struct found_column *there)
{
    static const struct {
        const char *base;
        enum postgres_holds holds;
    } known[] = {
        {"bool", HOLDS_BOOL},      {"int2", HOLDS_INT},         {"int4", HOLDS_INT},
        {"int8", HOLDS_INT},       {"float4", HOLDS_NUMBER},    {"float8", HOLDS_NUMBER},
        {"numeric", HOLDS_NUMBER}, {"money", HOLDS_NUMBER},     {"json", HOLDS_JSON},
        {"jsonb", HOLDS_JSON},     {"timestamptz", HOLDS_TIME}, {"timestamp", HOLDS_LOCAL_TIME},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (str_equal(there->base, str_of(known[i].base))) {
            return known[i].holds;
        }
    }
    return there->category == 'A' ? HOLDS_LIST : HOLDS_TEXT;
}

static struct postgres_column column_of(const struct found_column *there,
                                        const struct column *declared)
{
    return (struct postgres_column){
        .declared = declared,
        .name = there->name,
        .type = there->type,
        .holds = holds_of(there),
        .is_jsonb = str_equal(there->base, STR("jsonb")),
        .characters_max = there->characters_max,
    };
}

static struct str table_name(const struct target *target, struct str schema, struct arena *arena)
{
    struct buf name;
    buf_init(&name, arena, 64);
    sql_add_name(&name, schema);
    buf_add_byte(&name, '.');
    sql_add_name(&name, str_of(target->name));
    return buf_str(&name);
}

static bool fill(const struct found *found, struct arena *arena, struct postgres_table *out,
                 struct err *err)
{
    const struct target *target = out->target;
    size_t count = 0;
    while (target->columns[count].name != NULL) {
        count++;
    }
    out->columns = arena_array(arena, count + 1, sizeof *out->columns);
    if (out->columns == NULL) {
        return no_memory(err);
    }
    for (; out->count < count; out->count++) {
        const struct column *declared = &target->columns[out->count];
        out->columns[out->count] = column_of(find_column(found, declared->name), declared);
    }
    const struct found_column *key = find_column(found, target->key);
    out->key = column_of(key, NULL);
    out->unique = key->unique;
    struct buf order;
    buf_init(&order, arena, 64);
    if (found->order.len > 0) {
        buf_add(&order, found->order);
    } else {
        sql_add_name(&order, key->name);
    }
    out->order = buf_str(&order);
    return out->order.ptr != NULL || no_memory(err);
}

bool postgres_table_look(struct postgres *db, const struct target *target, struct str schema,
                         int64_t deadline_ms, struct arena *arena, struct postgres_table *out,
                         struct err *err)
{
    struct found found;
    *out = (struct postgres_table){
        .target = target, .schema = schema, .name = table_name(target, schema, arena)};
    if (out->name.ptr == NULL) {
        return no_memory(err);
    }
    if (!find_table(db, target, schema, deadline_ms, arena, &found, err)) {
        return false;
    }
    out->exists = found.kind.ptr != NULL;
    return !out->exists ||
           (check_kind(&found, target, schema, err) && check_key(&found, target, schema, err) &&
            check_declared(&found, target, schema, err) &&
            check_found(&found, target, schema, err) && fill(&found, arena, out, err));
}

const struct postgres_column *postgres_table_column(const struct postgres_table *table,
                                                    struct str name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (str_equal_ascii_case(str_of(table->columns[i].declared->name), name)) {
            return &table->columns[i];
        }
    }
    return NULL;
}

/* ---- Values ---- */

static struct str quote_json(struct str text, struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, text.len + 16);
    json_quote(&buf, text);
    return buf_str(&buf);
}

/* More characters than the column takes? Blanks behind its end are cut by PostgreSQL itself. */
static bool too_long(const struct postgres_column *column, struct str text)
{
    int64_t characters = 0;
    if (column->characters_max == 0 || (int64_t)text.len <= column->characters_max) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        characters += ((unsigned char)text.ptr[i] & 0xC0U) != 0x80U;
        if (characters > column->characters_max && text.ptr[i] != ' ') {
            return true;
        }
    }
    return false;
}

static struct str whole_text(int64_t value, struct arena *arena)
{
    enum { DIGITS_MAX = 24 };
    struct buf buf;
    buf_init(&buf, arena, DIGITS_MAX);
    buf_add_int(&buf, value);
    return buf_str(&buf);
}

bool postgres_table_value(const struct postgres_table *table, const struct postgres_column *column,
                          const struct body_field *field, struct arena *arena, struct str *out,
                          struct err *err)
{
    char number[JSON_NUMBER_MAX];
    bool is_number = column->holds == HOLDS_INT || column->holds == HOLDS_NUMBER;
    switch (field->type) {
    case BODY_NULL:
        *out = (struct str){0};
        return true;
    case BODY_TEXT:
        *out = column->holds == HOLDS_JSON ? quote_json(field->text, arena)
                                           : arena_copy(arena, field->text);
        break;
    case BODY_JSON:
        *out = arena_copy(arena, field->text);
        break;
    case BODY_INT:
        *out = whole_text(field->integer, arena);
        break;
    case BODY_DOUBLE:
        *out = arena_copy(arena, json_double_text(field->real, number));
        break;
    case BODY_TRUE:
        *out = is_number ? STR("1") : STR("true");
        break;
    case BODY_FALSE:
        *out = is_number ? STR("0") : STR("false");
        break;
    }
    if (out->ptr == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory for a record's values");
    }
    return !too_long(column, *out) ||
           err_set(err, ERR_REJECT,
                   "table %s: column %.*s takes %lld characters, the value has more",
                   table->target->name, STR_ARG(column->name), (long long)column->characters_max);
}

/* Also right where backslashes mean something in plain literals. */
static void add_literal(struct buf *sql, struct str text)
{
    buf_add(sql, str_find_byte(text, '\\', 0) != STR_NONE ? STR("E'") : STR("'"));
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'' || text.ptr[i] == '\\') {
            buf_add_byte(sql, text.ptr[i]);
        }
        buf_add_byte(sql, text.ptr[i]);
    }
    buf_add_byte(sql, '\'');
}

bool postgres_table_initial(const struct postgres_table *table,
                            const struct postgres_column *column, struct buf *sql,
                            struct arena *arena, struct err *err)
{
    struct body body;
    struct str text = {0};
    struct str name = str_of(column->declared->name);
    struct buf json;
    buf_init(&json, arena, 128);
    buf_add(&json, STR("{\"set\":{"));
    json_quote(&json, name);
    buf_printf(&json, ":%s}}", column->declared->initial);
    if (!buf_ok(&json) || !body_read(buf_str(&json), arena, &body, err) ||
        !postgres_table_value(table, column, &body.fields[0], arena, &text, err)) {
        return err_prefix(err, "the first value of column %s: ", column->declared->name);
    }
    if (text.ptr == NULL) {
        buf_add(sql, STR("NULL"));
        return true;
    }
    buf_add(sql, STR("CAST("));
    add_literal(sql, text);
    buf_printf(sql, " AS %.*s)", STR_ARG(column->type));
    return true;
}

/* ---- Migrate ---- */

/* Where a migration stands. */
struct change {
    struct postgres *db;
    const struct target *target;
    struct str schema;
    struct str name; /* Quoted. */
    bool dry;
    int64_t deadline_ms;
    struct arena *arena;
    struct buf *report;
    struct buf sql;
};

/* Run what `sql` has become, unless nothing shall be done, and empty it. */
static bool run(struct change *change, struct err *err)
{
    struct str text = buf_str(&change->sql);
    if (text.ptr == NULL) {
        return no_memory(err);
    }
    bool ok = change->dry || postgres_script(change->db, text.ptr, change->deadline_ms, err);
    buf_clear(&change->sql);
    return ok;
}

static const char *type_of(enum column_type type)
{
    switch (type) {
    case COLUMN_TEXT:
        return "text";
    case COLUMN_INT:
        return "bigint";
    case COLUMN_DOUBLE:
        return "double precision";
    case COLUMN_BOOL:
        return "boolean";
    case COLUMN_TIME:
        return "timestamptz";
    case COLUMN_DATE:
        return "date";
    case COLUMN_JSON:
        return "jsonb";
    }
    return "text";
}

/* The value of a declared default, as a literal. */
static bool add_default(struct change *change, const struct column *column, struct err *err)
{
    struct postgres_table table = {.target = change->target};
    struct postgres_column as = {.declared = column,
                                 .name = str_of(column->name),
                                 .type = str_of(type_of(column->type)),
                                 .holds = column->type == COLUMN_JSON ? HOLDS_JSON : HOLDS_TEXT};
    buf_add(&change->sql, STR(" DEFAULT "));
    return postgres_table_initial(&table, &as, &change->sql, change->arena, err);
}

static bool add_column(struct change *change, const struct column *column, bool bare,
                       struct err *err)
{
    sql_add_name(&change->sql, str_of(column->name));
    buf_printf(&change->sql, " %s", type_of(column->type));
    if (column->initial != NULL && !add_default(change, column, err)) {
        return false;
    }
    if ((column->required || is_key(change->target, str_of(column->name))) && !bare) {
        buf_add(&change->sql, STR(" NOT NULL"));
    }
    return true;
}

/* "table_column_index", cut to what a name may have. */
static void add_index(struct change *change, const char *column, bool unique)
{
    enum { INDEX_NAME_MAX = 63 };
    const char *end = unique ? "_key" : "_index";
    struct str name = arena_printf(change->arena, "%s_%s", change->target->name, column);
    size_t room = INDEX_NAME_MAX - strlen(end);
    size_t len = name.len < room ? name.len : room;
    while (len > 0 && len < name.len && ((unsigned char)name.ptr[len] & 0xC0U) == 0x80U) {
        len--;
    }
    name = arena_printf(change->arena, "%.*s%s", (int)len, name.ptr != NULL ? name.ptr : "", end);
    buf_printf(&change->sql, "CREATE %sINDEX IF NOT EXISTS ", unique ? "UNIQUE " : "");
    sql_add_name(&change->sql, name);
    buf_printf(&change->sql, " ON %.*s(", STR_ARG(change->name));
    sql_add_name(&change->sql, str_of(column));
    buf_add_byte(&change->sql, ')');
}

/* How the table spells a column; NUL behind it. */
static const char *spelling(struct change *change, const struct found *found, const char *name)
{
    const struct found_column *there = found != NULL ? find_column(found, name) : NULL;
    struct str spelt = there != NULL ? arena_copy(change->arena, there->name) : (struct str){0};
    return spelt.ptr != NULL ? spelt.ptr : name;
}

/* `found` is NULL for a table that was made just now. */
static bool create_indexes(struct change *change, const struct found *found, struct err *err)
{
    for (const char *const *name = change->target->indexes; name != NULL && *name != NULL; name++) {
        add_index(change, spelling(change, found, *name), false);
        if (!run(change, err)) {
            return false;
        }
    }
    return true;
}

static bool create(struct change *change, struct err *err)
{
    const struct target *target = change->target;
    buf_printf(&change->sql, "CREATE TABLE %.*s(", STR_ARG(change->name));
    if (postgres_target_column(target, STR("id")) == NULL && !is_key(target, STR("id"))) {
        buf_add(&change->sql, STR("id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"));
    }
    if (postgres_target_column(target, str_of(target->key)) == NULL) {
        sql_add_name(&change->sql, str_of(target->key));
        buf_add(&change->sql, STR(" text NOT NULL,"));
    }
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (column != target->columns) {
            buf_add_byte(&change->sql, ',');
        }
        if (!add_column(change, column, false, err)) {
            return false;
        }
    }
    buf_add_byte(&change->sql, ')');
    if (!run(change, err)) {
        return false;
    }
    add_index(change, target->key, true);
    return run(change, err) && create_indexes(change, NULL, err);
}

static bool add_missing(struct change *change, struct found *found, struct err *err)
{
    for (const struct column *column = change->target->columns; column->name != NULL; column++) {
        if (find_column(found, column->name) != NULL) {
            continue;
        }
        buf_printf(&change->sql, "ALTER TABLE %.*s ADD COLUMN ", STR_ARG(change->name));
        /* Rows that are there may have no value. */
        if (!add_column(change, column, true, err) || !run(change, err)) {
            return false;
        }
        buf_printf(change->report, "table %s: added column %s (%s)\n", change->target->name,
                   column->name, type_of(column->type));
        if (found->count < POSTGRES_COLUMNS_MAX) {
            found->columns[found->count++] =
                (struct found_column){.name = str_of(column->name), .base = STR("text")};
        }
    }
    return true;
}

/* How many keys stand in more than one row. */
static bool count_doubled(struct change *change, const struct found_column *key, int64_t *doubled,
                          struct err *err)
{
    struct str text = {0};
    buf_add(&change->sql, STR("SELECT count(*) FROM (SELECT 1 FROM "));
    buf_add(&change->sql, change->name);
    buf_add(&change->sql, STR(" WHERE "));
    sql_add_name(&change->sql, key->name);
    buf_add(&change->sql, STR(" IS NOT NULL GROUP BY "));
    sql_add_name(&change->sql, key->name);
    buf_add(&change->sql, STR(" HAVING count(*) > 1) AS d"));
    struct str sql = buf_str(&change->sql);
    if (sql.ptr == NULL) {
        return no_memory(err);
    }
    bool ok =
        postgres_one(change->db, sql.ptr, NULL, 0, change->deadline_ms, change->arena, &text, err);
    buf_clear(&change->sql);
    *doubled = 0;
    return ok && (str_to_int64(text, doubled) || true);
}

static bool offer_unique(struct change *change, const struct found *found, struct err *err)
{
    const struct target *target = change->target;
    const struct found_column *key = find_column(found, target->key);
    int64_t doubled = 0;
    bool is_new = key->type.ptr == NULL; /* Added just now: it holds nothing. */
    if (key->unique) {
        return true;
    }
    if (!is_new && !count_doubled(change, key, &doubled, err)) {
        return false;
    }
    if (doubled > 0) {
        buf_printf(change->report,
                   "table %s: no unique index on %s, because %lld of its values stand in several "
                   "rows; sluice works without it, only slower\n",
                   target->name, target->key, (long long)doubled);
        return true;
    }
    add_index(change, spelling(change, found, target->key), true);
    if (!run(change, err)) {
        return false;
    }
    buf_printf(change->report, "table %s: added a unique index on %s\n", target->name, target->key);
    return true;
}

bool postgres_table_migrate(struct postgres *db, const struct target *target, struct str schema,
                            bool dry, int64_t deadline_ms, struct arena *arena, struct buf *report,
                            struct err *err)
{
    struct found found;
    struct change change = {
        .db = db,
        .target = target,
        .schema = schema,
        .name = table_name(target, schema, arena),
        .dry = dry,
        .deadline_ms = deadline_ms,
        .arena = arena,
        .report = report,
    };
    buf_init(&change.sql, arena, 1024);
    if (change.name.ptr == NULL) {
        return no_memory(err);
    }
    if (!find_table(db, target, schema, deadline_ms, arena, &found, err)) {
        return false;
    }
    if (found.kind.ptr == NULL) {
        buf_printf(report, "table %s: created\n", target->name);
        return create(&change, err);
    }
    return check_kind(&found, target, schema, err) && check_key(&found, target, schema, err) &&
           add_missing(&change, &found, err) && check_declared(&found, target, schema, err) &&
           check_found(&found, target, schema, err) && offer_unique(&change, &found, err) &&
           create_indexes(&change, &found, err);
}
