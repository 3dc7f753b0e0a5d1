#include "sink/sqlite_table.h"

#include <string.h>

#include "db/sql.h"

/* What a person can do when a table and its declaration disagree. */
#define ADVICE "; add it or run sluice migrate"

/* A column as the file has it. */
struct found_column {
    struct str name;
    bool demands; /* NOT NULL, without a default. */
    bool computed;
    bool rowid; /* INTEGER PRIMARY KEY: numbered by SQLite. */
};

struct found {
    struct found_column *columns;
    size_t count;
};

static void add_quoted(struct buf *sql, struct str text)
{
    buf_add_byte(sql, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') {
            buf_add_byte(sql, '\'');
        }
        buf_add_byte(sql, text.ptr[i]);
    }
    buf_add_byte(sql, '\'');
}

static bool is_number(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("0123456789+-.eE", text.ptr[i]) == NULL) {
            return false;
        }
    }
    return text.len > 0;
}

void sqlite_sql_initial(struct buf *sql, const struct column *column)
{
    struct str value = str_of(column->initial);
    if (value.len == 0 || str_equal(value, STR("null"))) {
        buf_add(sql, STR("NULL"));
    } else if (str_equal(value, STR("true"))) {
        buf_add_byte(sql, '1');
    } else if (str_equal(value, STR("false"))) {
        buf_add_byte(sql, '0');
    } else if (is_number(value)) {
        buf_add(sql, value);
    } else if (value.len >= 2 && value.ptr[0] == '"' && str_ends(value, STR("\""))) {
        add_quoted(sql, str_slice(value, 1, value.len - 1));
    } else {
        add_quoted(sql, value);
    }
}

const struct column *sqlite_table_column(const struct target *target, struct str name)
{
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (str_equal_ascii_case(str_of(column->name), name)) {
            return column;
        }
    }
    return NULL;
}

static const char *sql_type(enum column_type type)
{
    switch (type) {
    case COLUMN_INT:
        return "INTEGER";
    case COLUMN_DOUBLE:
        return "REAL";
    case COLUMN_BOOL:
        return "BOOLEAN";
    case COLUMN_TEXT:
    case COLUMN_TIME:
    case COLUMN_DATE:
    case COLUMN_JSON:
        return "TEXT";
    }
    return "TEXT";
}

bool sqlite_table_exists(struct sqlite *db, const struct target *target, struct str file,
                         bool *exists, struct err *err)
{
    static const char sql[] = "SELECT type FROM sqlite_schema "
                              "WHERE name=?1 COLLATE NOCASE AND type IN ('table','view')";
    struct query *query = sqlite_query(db, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, str_of(target->name));
    if (!query_step(query, exists, err)) {
        return false;
    }
    bool view = *exists && str_equal(query_text(query, 0), STR("view"));
    query_end(query);
    return !view || err_set(err, ERR_CONFIG,
                            "%.*s: %s is a view; sluice writes into tables only, name another file "
                            "in the sink's path",
                            STR_ARG(file), target->name);
}

static void add_column(struct buf *sql, const struct column *column, bool is_key, bool bare)
{
    sql_add_name(sql, str_of(column->name));
    buf_printf(sql, " %s", sql_type(column->type));
    if (column->initial != NULL) {
        buf_add(sql, STR(" DEFAULT "));
        sqlite_sql_initial(sql, column);
    }
    if ((column->required || is_key) && !bare) {
        buf_add(sql, STR(" NOT NULL"));
    }
}

static bool is_key(const struct target *target, const struct column *column)
{
    return str_equal_ascii_case(str_of(target->key), str_of(column->name));
}

/* Run what `sql` has become, and empty it. */
static bool run(struct sqlite *db, struct buf *sql, struct err *err)
{
    struct str text = buf_str(sql);
    if (text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "sqlite: out of memory for a statement");
    }
    bool ok = sqlite_exec(db, text.ptr, err);
    buf_clear(sql);
    return ok;
}

/* "table_column_index" on (column). */
static void add_index(struct buf *sql, const struct target *target, const char *column, bool unique)
{
    buf_printf(sql, "CREATE %sINDEX IF NOT EXISTS ", unique ? "UNIQUE " : "");
    buf_add_byte(sql, '"');
    const char *const parts[] = {target->name, "_", column, unique ? "_key" : "_index"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (const char *c = parts[i]; *c != '\0'; c++) {
            buf_add_byte(sql, *c == '"' ? '_' : *c);
        }
    }
    buf_add(sql, STR("\" ON "));
    sql_add_name(sql, str_of(target->name));
    buf_add_byte(sql, '(');
    sql_add_name(sql, str_of(column));
    buf_add_byte(sql, ')');
}

static bool create_indexes(struct sqlite *db, const struct target *target, struct buf *sql,
                           struct err *err)
{
    for (const char *const *name = target->indexes; name != NULL && *name != NULL; name++) {
        add_index(sql, target, *name, false);
        if (!run(db, sql, err)) {
            return false;
        }
    }
    return true;
}

static bool create(struct sqlite *db, const struct target *target, struct arena *arena,
                   struct err *err)
{
    struct buf sql;
    buf_init(&sql, arena, 1024);
    buf_add(&sql, STR("CREATE TABLE "));
    sql_add_name(&sql, str_of(target->name));
    buf_add_byte(&sql, '(');
    if (sqlite_table_column(target, STR("id")) == NULL) {
        buf_add(&sql, STR("id INTEGER PRIMARY KEY,"));
    }
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (column != target->columns) {
            buf_add_byte(&sql, ',');
        }
        add_column(&sql, column, is_key(target, column), false);
    }
    buf_add_byte(&sql, ')');
    if (!run(db, &sql, err)) {
        return false;
    }
    add_index(&sql, target, target->key, true);
    return run(db, &sql, err) && create_indexes(db, target, &sql, err);
}

static bool find_columns(struct sqlite *db, const struct target *target, struct arena *arena,
                         struct found *found, struct err *err)
{
    static const char sql[] = "SELECT name, \"notnull\", dflt_value IS NULL, pk, hidden, "
                              "upper(type)='INTEGER', (SELECT count(*) FROM pragma_table_xinfo(?1) "
                              "WHERE pk>0) FROM pragma_table_xinfo(?1) LIMIT ?2";
    struct query *query = sqlite_query(db, sql, err);
    found->count = 0;
    found->columns = arena_array(arena, SQLITE_TABLE_COLUMNS_MAX, sizeof *found->columns);
    if (query == NULL || found->columns == NULL) {
        return query == NULL ? false : err_set(err, ERR_RETRY, "sqlite: out of memory");
    }
    query_bind_text(query, 1, str_of(target->name));
    query_bind_int(query, 2, SQLITE_TABLE_COLUMNS_MAX);
    bool row = true;
    while (query_step(query, &row, err)) {
        if (!row) {
            return true;
        }
        struct found_column *column = &found->columns[found->count++];
        column->name = arena_copy(arena, query_text(query, 0));
        column->rowid =
            query_int(query, 3) == 1 && query_int(query, 5) == 1 && query_int(query, 6) == 1;
        column->demands = query_int(query, 1) != 0 && query_int(query, 2) != 0 && !column->rowid;
        column->computed = query_int(query, 4) >= 2;
    }
    return false;
}

static const struct found_column *find_column(const struct found *found, const char *name)
{
    for (size_t i = 0; i < found->count; i++) {
        if (str_equal_ascii_case(found->columns[i].name, str_of(name))) {
            return &found->columns[i];
        }
    }
    return NULL;
}

static bool check_declared(const struct target *target, const struct found *found, struct str file,
                           struct err *err)
{
    const struct found_column *key = find_column(found, target->key);
    if (target->key_is_words && key != NULL && key->rowid) {
        return err_set(err, ERR_CONFIG,
                       "%.*s: column '%s' of table %s holds numbers only, and its keys are texts "
                       "here: the table is another program's; give the sink a file of its own "
                       "(option `path`)",
                       STR_ARG(file), target->key, target->name);
    }
    if (find_column(found, target->key) == NULL) {
        return err_set(err, ERR_CONFIG, "%.*s: table %s has no column '%s'" ADVICE, STR_ARG(file),
                       target->name, target->key);
    }
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        const struct found_column *there = find_column(found, column->name);
        if (there == NULL) {
            return err_set(err, ERR_CONFIG, "%.*s: table %s has no column '%s'" ADVICE,
                           STR_ARG(file), target->name, column->name);
        }
        if (there->computed) {
            return err_set(err, ERR_CONFIG,
                           "%.*s: column '%s' of table %s is computed, so sluice cannot write it; "
                           "make it an ordinary column",
                           STR_ARG(file), column->name, target->name);
        }
    }
    return true;
}

static bool check_found(const struct target *target, const struct found *found, struct str file,
                        struct err *err)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct found_column *there = &found->columns[i];
        bool ours = sqlite_table_column(target, there->name) != NULL ||
                    str_equal_ascii_case(there->name, str_of(target->key));
        if (there->demands && !there->computed && !ours) {
            return err_set(err, ERR_CONFIG,
                           "%.*s: table %s demands a value for column '%.*s', which sluice does "
                           "not write; give it a default or allow NULL",
                           STR_ARG(file), target->name, STR_ARG(there->name));
        }
    }
    return true;
}

bool sqlite_table_check(struct sqlite *db, const struct target *target, struct str file,
                        struct arena *arena, struct err *err)
{
    struct found found = {0};
    struct arena_mark mark = arena_mark(arena);
    bool ok = find_columns(db, target, arena, &found, err) &&
              check_declared(target, &found, file, err) && check_found(target, &found, file, err);
    arena_rewind(arena, mark);
    return ok;
}

/* SQLite itself is the judge of what ON CONFLICT(key) accepts; EXPLAIN compiles and runs nothing.
 */
static bool takes_conflict(struct sqlite *db, const struct target *target, struct arena *arena,
                           bool *unique, struct err *err)
{
    struct buf sql;
    struct err refusal = {0};
    buf_init(&sql, arena, 256);
    buf_add(&sql, STR("EXPLAIN INSERT INTO "));
    sql_add_name(&sql, str_of(target->name));
    buf_add_byte(&sql, '(');
    sql_add_name(&sql, str_of(target->key));
    buf_add(&sql, STR(") VALUES(NULL) ON CONFLICT("));
    sql_add_name(&sql, str_of(target->key));
    buf_add(&sql, STR(") DO NOTHING"));
    if (!buf_ok(&sql)) {
        return err_set(err, ERR_RETRY, "sqlite: out of memory for a statement");
    }
    *unique = run(db, &sql, &refusal);
    if (!*unique && refusal.kind != ERR_CONFIG) {
        *err = refusal;
        return false;
    }
    return true;
}

bool sqlite_table_ready(struct sqlite *db, const struct target *target, struct str file,
                        struct arena *arena, struct sqlite_table *out, struct err *err)
{
    bool exists = false;
    out->target = target;
    if (!sqlite_table_exists(db, target, file, &exists, err)) {
        return false;
    }
    if (!exists && !create(db, target, arena, err)) {
        return false;
    }
    return sqlite_table_check(db, target, file, arena, err) &&
           takes_conflict(db, target, arena, &out->unique, err);
}

static bool add_missing(struct sqlite *db, const struct target *target, struct arena *arena,
                        struct buf *report, struct err *err)
{
    struct buf sql;
    struct found found = {0};
    buf_init(&sql, arena, 256);
    if (!find_columns(db, target, arena, &found, err)) {
        return false;
    }
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (find_column(&found, column->name) != NULL) {
            continue;
        }
        buf_add(&sql, STR("ALTER TABLE "));
        sql_add_name(&sql, str_of(target->name));
        buf_add(&sql, STR(" ADD COLUMN "));
        add_column(&sql, column, false, true); /* Rows that are there may have no value. */
        if (!run(db, &sql, err)) {
            return false;
        }
        buf_printf(report, "table %s: added column %s (%s)\n", target->name, column->name,
                   sql_type(column->type));
    }
    return true;
}

/* How many keys stand in more than one row. */
static bool count_doubled(struct sqlite *db, const struct target *target, struct arena *arena,
                          int64_t *doubled, struct err *err)
{
    struct buf sql;
    buf_init(&sql, arena, 256);
    buf_add(&sql, STR("SELECT count(*) FROM (SELECT 1 FROM "));
    sql_add_name(&sql, str_of(target->name));
    buf_add(&sql, STR(" WHERE "));
    sql_add_name(&sql, str_of(target->key));
    buf_add(&sql, STR(" IS NOT NULL GROUP BY "));
    sql_add_name(&sql, str_of(target->key));
    buf_add(&sql, STR(" HAVING count(*)>1)"));
    struct str text = buf_str(&sql);
    if (text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "sqlite: out of memory for a statement");
    }
    return sqlite_int(db, text.ptr, 0, doubled, err);
}

static bool offer_unique(struct sqlite *db, const struct target *target, struct arena *arena,
                         struct buf *report, struct err *err)
{
    bool unique = false;
    int64_t doubled = 0;
    if (!takes_conflict(db, target, arena, &unique, err)) {
        return false;
    }
    if (unique) {
        return true;
    }
    if (!count_doubled(db, target, arena, &doubled, err)) {
        return false;
    }
    if (doubled > 0) {
        buf_printf(report,
                   "table %s: no unique index on %s, because %lld of its values stand in several "
                   "rows; sluice works without it, only slower\n",
                   target->name, target->key, (long long)doubled);
        return true;
    }
    struct buf sql;
    buf_init(&sql, arena, 256);
    add_index(&sql, target, target->key, true);
    if (!run(db, &sql, err)) {
        return false;
    }
    buf_printf(report, "table %s: added a unique index on %s\n", target->name, target->key);
    return true;
}

bool sqlite_table_migrate(struct sqlite *db, const struct target *target, struct str file,
                          struct arena *arena, struct buf *report, struct err *err)
{
    bool exists = false;
    struct buf sql;
    buf_init(&sql, arena, 256);
    if (!sqlite_table_exists(db, target, file, &exists, err)) {
        return false;
    }
    if (!exists) {
        buf_printf(report, "table %s: created\n", target->name);
        return create(db, target, arena, err);
    }
    return add_missing(db, target, arena, report, err) &&
           sqlite_table_check(db, target, file, arena, err) &&
           offer_unique(db, target, arena, report, err) && create_indexes(db, target, &sql, err);
}
