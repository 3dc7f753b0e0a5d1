#include "store/facts.h"

#include <inttypes.h>

#include "db/sqlite.h"

/* Quotes within a name are doubled. */
static struct str count_sql(struct arena *arena, struct str table)
{
    struct buf sql;
    buf_init(&sql, arena, table.len + 64);
    buf_add(&sql, STR("SELECT count(*) FROM \""));
    for (size_t i = 0; i < table.len; i++) {
        buf_add_byte(&sql, table.ptr[i]);
        if (table.ptr[i] == '"') {
            buf_add_byte(&sql, '"');
        }
    }
    buf_add_byte(&sql, '"');
    return buf_str(&sql);
}

static bool list_tables(struct sqlite *db, struct arena *arena, struct str *tables, size_t *count,
                        struct buf *schema, struct err *err)
{
    static const char sql[] = "SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL"
                              " ORDER BY type DESC, name";
    struct query *query = sqlite_query(db, sql, err);
    bool row = query != NULL;
    bool ok = row;
    while (ok && row) {
        ok = query_step(query, &row, err);
        if (!ok || !row) {
            break;
        }
        buf_printf(schema, "%.*s;\n", STR_ARG(query_text(query, 2)));
        if (str_equal(query_text(query, 1), STR("table")) && *count < FACTS_TABLES_MAX) {
            tables[(*count)++] = arena_copy(arena, query_text(query, 0));
        }
    }
    if (query != NULL) {
        query_end(query);
    }
    return ok;
}

bool facts_read(struct str path, struct arena *arena, struct buf *counts, struct buf *schema,
                struct err *err)
{
    struct sqlite *db = NULL;
    struct str *tables = arena_array(arena, FACTS_TABLES_MAX, sizeof *tables);
    size_t count = 0;
    if (tables == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    bool ok = sqlite_open(&db, path, &(struct sqlite_options){.readonly = true}, err) &&
              list_tables(db, arena, tables, &count, schema, err);
    for (size_t i = 0; ok && i < count && i < SQLITE_QUERIES_MAX / 2; i++) {
        struct str sql = count_sql(arena, tables[i]);
        struct err why = {0};
        int64_t rows = 0;
        if (sql.ptr != NULL && sqlite_int(db, sql.ptr, 0, &rows, &why)) {
            buf_printf(counts, "%-28.*s %" PRId64 "\n", STR_ARG(tables[i]), rows);
        } else { /* A table of a kind that only its owner's program can read. */
            buf_printf(counts, "%.*s cannot be counted: %s\n", STR_ARG(tables[i]), why.text);
        }
    }
    sqlite_close(db);
    return ok;
}
