#include "source/bridge_schema.h"

#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "db/sql.h"

enum { SCHEMA_ARENA_MAX = 1024 * 1024, ALIASES = 4, TABLES_SHOWN_MAX = 12, LIST_SHOWN_MAX = 200 };

/* Names that a role goes by, best first, and the option that overrules them. */
struct role {
    const char *option;
    const char *aliases[ALIASES];
};

static const struct role roles[BRIDGE_ROLES] = {
    [BRIDGE_CHAT] = {"chat_column", {"chat_jid", "chat", "chat_id"}},
    [BRIDGE_ID] = {"id_column", {"id", "message_id"}},
    [BRIDGE_SENDER] = {"sender_column", {"sender", "sender_jid"}},
    [BRIDGE_TEXT] = {"text_column", {"content", "text", "body"}},
    [BRIDGE_TIME] = {"time_column", {"timestamp", "time"}},
    [BRIDGE_FROM_ME] = {"from_me_column", {"is_from_me", "from_me"}},
    [BRIDGE_MEDIA_TYPE] = {"media_type_column", {"media_type"}},
    [BRIDGE_FILENAME] = {"filename_column", {"filename"}},
    [BRIDGE_DELETED] = {"deleted_column", {"deleted_at"}},
    [BRIDGE_QUOTED] = {"quoted_column", {"quoted_message_id"}},
};

struct columns {
    struct str names[BRIDGE_COLUMNS_MAX];
    size_t count;
};

void bridge_schema_init(struct bridge_schema *schema)
{
    *schema = (struct bridge_schema){0};
    arena_init(&schema->arena, SCHEMA_ARENA_MAX);
}

void bridge_schema_free(struct bridge_schema *schema)
{
    arena_free(&schema->arena);
}

static struct str find_column(const struct columns *columns, struct str name)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (str_equal_ascii_case(columns->names[i], name)) {
            return columns->names[i];
        }
    }
    return (struct str){0};
}

/* First column of each row that `query` gives, copied. Ends the query. */
static bool collect(struct bridge_schema *schema, struct query *query, struct columns *out,
                    struct err *err)
{
    bool row = true;
    out->count = 0;
    while (row && out->count < BRIDGE_COLUMNS_MAX) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        if (row) {
            struct str name = arena_copy(&schema->arena, query_text(query, 0));
            if (name.ptr == NULL) {
                query_end(query);
                return err_set(err, ERR_RETRY, "out of memory");
            }
            out->names[out->count++] = name;
        }
    }
    query_end(query);
    return true;
}

static void list_names(struct buf *list, const struct columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (list->len > LIST_SHOWN_MAX) {
            buf_add(list, STR(", …"));
            return;
        }
        buf_add(list, i > 0 ? STR(", ") : STR(""));
        buf_add(list, columns->names[i]);
    }
}

static bool no_table(struct bridge_schema *schema, struct sqlite *db, struct err *err)
{
    static const char sql[] = "SELECT name FROM sqlite_schema WHERE type IN ('table','view') AND "
                              "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    struct columns *tables = arena_alloc(&schema->arena, sizeof *tables);
    struct query *query = tables == NULL ? NULL : sqlite_query(db, sql, err);
    if (query == NULL) {
        return tables != NULL || err_set(err, ERR_RETRY, "out of memory");
    }
    if (!collect(schema, query, tables, err)) {
        return false;
    }
    if (tables->count == 0) {
        return err_set(err, ERR_RETRY,
                       "the file has no table yet; start the bridge and pair it, then its messages "
                       "are read as they come");
    }
    struct buf list;
    buf_init(&list, &schema->arena, LIST_SHOWN_MAX);
    list_names(&list, tables);
    struct str found = buf_str(&list);
    return err_set(err, ERR_CONFIG,
                   "there is no table \"%.*s\"; tables found: %.*s; set the option `table`, or is "
                   "this another program's file?",
                   STR_ARG(schema->table), STR_ARG(found));
}

static void add_alias_list(struct buf *out, enum bridge_role role)
{
    buf_printf(out, "%s%s", out->len > 0 ? ", " : "", roles[role].aliases[0]);
    for (size_t i = 1; i < ALIASES && roles[role].aliases[i] != NULL; i++) {
        buf_printf(out, " or %s", roles[role].aliases[i]);
    }
    buf_printf(out, " (option `%s`)", roles[role].option);
}

static struct str look_for(const struct columns *columns, const struct role *role)
{
    struct str found = {0};
    for (size_t i = 0; i < ALIASES && role->aliases[i] != NULL && found.ptr == NULL; i++) {
        found = find_column(columns, str_of(role->aliases[i]));
    }
    return found;
}

/* Each role gets its column; what is needed and not there is an error that says how to name it. */
static bool assign(struct bridge_schema *schema, const struct columns *columns,
                   const struct bridge_mapping *mapping, struct err *err)
{
    struct buf missing;
    buf_init(&missing, &schema->arena, LIST_SHOWN_MAX);
    for (enum bridge_role role = BRIDGE_CHAT; role < BRIDGE_ROLES; role++) {
        struct str asked = mapping->columns[role];
        schema->names[role] =
            asked.len > 0 ? find_column(columns, asked) : look_for(columns, &roles[role]);
        if (schema->names[role].ptr != NULL) {
            continue;
        }
        if (asked.len > 0) {
            buf_printf(&missing, "%s%.*s (option `%s`)", missing.len > 0 ? ", " : "",
                       STR_ARG(asked), roles[role].option);
        } else if (role <= BRIDGE_TIME) {
            add_alias_list(&missing, role);
        }
    }
    if (missing.len == 0) {
        return buf_ok(&missing) || err_set(err, ERR_RETRY, "out of memory");
    }
    struct buf list;
    buf_init(&list, &schema->arena, LIST_SHOWN_MAX);
    list_names(&list, columns);
    struct str wanted = buf_str(&missing);
    struct str found = buf_str(&list);
    return err_set(err, ERR_CONFIG, "table \"%.*s\" lacks %.*s; its columns are: %.*s",
                   STR_ARG(schema->table), STR_ARG(wanted), STR_ARG(found));
}

/* All columns of a message behind its chat and id. */
static void add_message(struct bridge_schema *schema, struct buf *sql)
{
    for (enum bridge_role role = BRIDGE_SENDER; role < BRIDGE_ROLES; role++) {
        if (schema->names[role].ptr != NULL) {
            buf_add_byte(sql, ',');
            sql_add_name(sql, schema->names[role]);
        }
    }
}

/* %r the rowid, %t the table, %c %i %x %w %d chat, id, text, time, deletion; %m a message. */
static void add_letter(struct bridge_schema *schema, struct buf *sql, const char *rowid,
                       char letter)
{
    switch (letter) {
    case 'r':
        buf_add(sql, str_of(rowid));
        break;
    case 't':
        sql_add_name(sql, schema->table);
        break;
    case 'c':
        sql_add_name(sql, schema->names[BRIDGE_CHAT]);
        break;
    case 'i':
        sql_add_name(sql, schema->names[BRIDGE_ID]);
        break;
    case 'x':
        sql_add_name(sql, schema->names[BRIDGE_TEXT]);
        break;
    case 'w':
        sql_add_name(sql, schema->names[BRIDGE_TIME]);
        break;
    case 'd':
        if (schema->names[BRIDGE_DELETED].ptr == NULL) {
            buf_add(sql, STR("NULL"));
        } else {
            sql_add_name(sql, schema->names[BRIDGE_DELETED]);
        }
        break;
    default:
        must(letter == 'm');
        add_message(schema, sql);
        break;
    }
}

/* Put a statement together: a letter behind % is replaced, other bytes stand for themselves. */
static const char *make(struct bridge_schema *schema, const char *rowid, const char *pattern)
{
    struct buf sql;
    buf_init(&sql, &schema->arena, 256);
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '%') {
            add_letter(schema, &sql, rowid, *++at);
        } else {
            buf_add_byte(&sql, *at);
        }
    }
    return buf_str(&sql).ptr;
}

static void place_columns(struct bridge_schema *schema)
{
    int place = BRIDGE_COLUMN_ID + 1;
    schema->column[BRIDGE_CHAT] = BRIDGE_COLUMN_CHAT;
    schema->column[BRIDGE_ID] = BRIDGE_COLUMN_ID;
    for (enum bridge_role role = BRIDGE_SENDER; role < BRIDGE_ROLES; role++) {
        schema->column[role] = schema->names[role].ptr != NULL ? place++ : -1;
    }
}

#define WINDOW_COLUMNS                                                                             \
    "%c,%i,octet_length(%x),CASE WHEN octet_length(%x)<=65536 THEN %x END,%d FROM %t"
_Static_assert(BRIDGE_WINDOW_TEXT_MAX == 65536, "the statement says so too");

static bool make_statements(struct bridge_schema *schema, const char *rowid, struct err *err)
{
    place_columns(schema);
    bool ok = true;
    const struct {
        const char **out;
        const char *pattern;
        bool rowid;
    } statements[] = {
        {&schema->scan, "SELECT %r,%c,%i%m FROM %t NOT INDEXED WHERE %r>=?1 ORDER BY %r", true},
        {&schema->window,
         "SELECT %r," WINDOW_COLUMNS
         " NOT INDEXED WHERE %r BETWEEN ?1 AND ?2 ORDER BY %r DESC LIMIT ?3",
         true},
        {&schema->newest, "SELECT max(%r) FROM %t", true},
        {&schema->latest, "SELECT %w FROM %t ORDER BY %r DESC LIMIT 1", true},
        {&schema->latest, "SELECT max(%w) FROM %t", false},
        {&schema->sweep, "SELECT NULL,%c,%i%m FROM %t WHERE (%c,%i)>(?1,?2) ORDER BY %c,%i", false},
        {&schema->sweep_first,
         "SELECT NULL,%c,%i%m FROM %t WHERE %c IS NOT NULL AND %i IS NOT NULL ORDER BY %c,%i",
         false},
        {&schema->sweep_nulls, "SELECT NULL,%c,%i%m FROM %t WHERE %c IS NULL OR %i IS NULL", false},
        {&schema->sweep_sum, "SELECT NULL," WINDOW_COLUMNS, false},
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (statements[i].rowid == schema->has_rowid) {
            *statements[i].out = make(schema, rowid, statements[i].pattern);
            ok = ok && *statements[i].out != NULL;
        }
    }
    schema->count = make(schema, rowid, "SELECT count(*) FROM %t");
    schema->chats = make(schema, rowid, "SELECT %c,count(*) FROM %t GROUP BY %c ORDER BY 2 DESC,1");
    ok = ok && schema->count != NULL && schema->chats != NULL;
    return ok || err_set(err, ERR_RETRY, "out of memory");
}

/* A word for the rowid that no column of the table has taken, or NULL. */
static const char *rowid_word(const struct columns *columns)
{
    static const char *const words[] = {"rowid", "_rowid_", "oid"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (find_column(columns, str_of(words[i])).ptr == NULL) {
            return words[i];
        }
    }
    return NULL;
}

/* Is it there, and has it rowids (views and WITHOUT ROWID tables have none)? */
static bool look_at_table(struct bridge_schema *schema, struct sqlite *db, bool *there,
                          struct err *err)
{
    static const char sql[] = "SELECT type='table' AND NOT wr, name FROM pragma_table_list "
                              "WHERE schema='main' AND name=?1 COLLATE NOCASE";
    struct query *query = sqlite_query(db, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, schema->table);
    if (!query_step(query, there, err)) {
        return false;
    }
    if (*there) {
        schema->has_rowid = query_int(query, 0) != 0;
        schema->table = arena_copy(&schema->arena, query_text(query, 1));
    }
    query_end(query);
    return schema->table.ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

static bool look_at_columns(struct bridge_schema *schema, struct sqlite *db,
                            struct columns *columns, struct err *err)
{
    static const char sql[] = "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden<>1";
    struct query *query = sqlite_query(db, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, schema->table);
    return collect(schema, query, columns, err);
}

/* With the highest number there is in use, SQLite gives new rows any free number: no order left. */
static bool rowids_end(struct bridge_schema *schema, struct sqlite *db, bool *ended,
                       struct err *err)
{
    int64_t newest = 0;
    bool ok = sqlite_int(db, schema->newest, 0, &newest, err);
    *ended = newest == INT64_MAX;
    return ok;
}

bool bridge_schema_look(struct bridge_schema *schema, struct sqlite *db,
                        const struct bridge_mapping *mapping, struct err *err)
{
    arena_reset(&schema->arena);
    *schema = (struct bridge_schema){.arena = schema->arena};
    schema->table = arena_copy(&schema->arena, mapping->table);
    struct columns *columns = arena_alloc(&schema->arena, sizeof *columns);
    if (schema->table.ptr == NULL || columns == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    bool there = false;
    if (!look_at_table(schema, db, &there, err)) {
        return false;
    }
    if (!there) {
        return no_table(schema, db, err);
    }
    if (!look_at_columns(schema, db, columns, err) || !assign(schema, columns, mapping, err)) {
        return false;
    }
    const char *rowid = rowid_word(columns);
    schema->has_rowid = schema->has_rowid && rowid != NULL;
    bool ended = false;
    if (!make_statements(schema, rowid, err) ||
        (schema->has_rowid && !rowids_end(schema, db, &ended, err))) {
        return false;
    }
    if (ended) {
        schema->has_rowid = false;
        if (!make_statements(schema, rowid, err)) {
            return false;
        }
    }
    schema->known = true;
    return true;
}
