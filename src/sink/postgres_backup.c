/*
 * Backups: everything that the sink wrote, in one snapshot, and back.
 *
 * A part is a table with all of its columns, not only the declared ones, and its rows are the texts
 * of their values, so that what others keep in a table comes back with it. The ledger's tables are
 * parts like any other. Computed columns compute themselves.
 */
#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "db/sql.h"
#include "sink/postgres_inside.h"
#include "text/json.h"

enum {
    ROW_ROOM = 1024,
    COLUMNS_MAX = 1600, /* What PostgreSQL allows. */
    LOOK_MS = 30 * 1000,
    SAVE_MS = 24 * 60 * 60 * 1000,
    ROLLBACK_MS = 2 * 1000,
    COPY_PIECE = 256 * 1024,
    LEDGERS = 2,
};

static const char *const ledgers[LEDGERS] = {"sluice_effects", "sluice_seq"};

struct shape {
    struct str name;
    struct str columns[COLUMNS_MAX];
    struct str types[COLUMNS_MAX];
    size_t count;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "postgres: out of memory for a backup");
}

static int64_t now_ms(const struct postgres_sink *self)
{
    return clock_mono_ms(self->sink.connector.env.clock);
}

static void add_table(const struct postgres_sink *self, struct buf *sql, struct str name)
{
    sql_add_name(sql, self->schema);
    buf_add_byte(sql, '.');
    sql_add_name(sql, name);
}

/* ---- What a table is ---- */

/* No columns: there is no such table. A view has none that could be put back. */
static bool shape_of(struct postgres_sink *self, struct str name, struct arena *arena,
                     struct shape *shape, struct err *err)
{
    static const char sql[] =
        "SELECT a.attname,pg_catalog.format_type(a.atttypid,a.atttypmod) "
        "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid=a.attrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace WHERE n.nspname=$1 AND "
        "c.relname=$2 AND c.relkind IN ('r','p') AND a.attnum>0 AND NOT a.attisdropped AND "
        "a.attgenerated='' ORDER BY a.attnum";
    struct str values[] = {self->schema, name};
    bool row = true;
    *shape = (struct shape){.name = name};
    bool ok = postgres_query(self->db, sql, values, 2, now_ms(self) + LOOK_MS, err);
    while (ok && row) {
        ok = postgres_next(self->db, &row, err);
        if (ok && row) {
            must(shape->count < COLUMNS_MAX);
            shape->columns[shape->count] = arena_copy(arena, postgres_text(self->db, 0));
            shape->types[shape->count] = arena_copy(arena, postgres_text(self->db, 1));
            ok = (shape->columns[shape->count].ptr != NULL &&
                  shape->types[shape->count].ptr != NULL) ||
                 no_memory(err);
            shape->count++;
        }
    }
    postgres_end(self->db);
    return ok;
}

static struct str shape_text(const struct shape *shape, struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, ROW_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_key(&json, STR("columns"));
    json_object_begin(&json);
    for (size_t i = 0; i < shape->count; i++) {
        json_field_str(&json, shape->columns[i], shape->types[i]);
    }
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool shape_read(const struct sink_part *part, struct arena *arena, struct shape *shape,
                       struct err *err)
{
    const struct json_value *root = NULL;
    const struct json_value *type = NULL;
    struct str name = {0};
    struct json_iter iter;
    *shape = (struct shape){.name = arena_copy(arena, part->name)};
    if (shape->name.ptr == NULL || !json_parse(arena, part->shape, NULL, &root, err)) {
        return false;
    }
    json_iter_init(&iter, json_get(root, STR("columns")));
    while (shape->count < COLUMNS_MAX && json_next(&iter, &name, &type)) {
        shape->columns[shape->count] = name;
        shape->types[shape->count++] = json_str(type);
    }
    return shape->count > 0 ||
           err_set(err, ERR_REJECT, "the table '%.*s' in it has no columns: it is not of this kind",
                   STR_ARG(str_slice(part->name, 0, BODY_NAME_SHOWN)));
}

static void add_columns(struct buf *sql, const struct shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (i > 0) {
            buf_add_byte(sql, ',');
        }
        sql_add_name(sql, shape->columns[i]);
    }
}

/* ---- Out ---- */

static struct str row_text(const struct postgres_sink *self, size_t count, struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, ROW_ROOM);
    json_writer_init(&json, &buf);
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        struct str text = postgres_text(self->db, (int)i);
        if (text.ptr == NULL) {
            json_put_null(&json);
        } else {
            json_put_str(&json, text);
        }
    }
    json_array_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool save_rows(struct postgres_sink *self, const struct shape *shape,
                      const struct sink_saver *saver, struct arena *arena, struct err *err)
{
    struct buf sql;
    bool row = true;
    buf_init(&sql, arena, ROW_ROOM);
    buf_add(&sql, STR("SELECT "));
    add_columns(&sql, shape);
    buf_add(&sql, STR(" FROM "));
    add_table(self, &sql, shape->name);
    if (!buf_ok(&sql)) {
        return no_memory(err);
    }
    bool ok = postgres_query(self->db, buf_str(&sql).ptr, NULL, 0, now_ms(self) + SAVE_MS, err);
    while (ok && row) {
        struct arena_mark mark = arena_mark(arena);
        ok = postgres_next(self->db, &row, err);
        if (ok && row) {
            struct str text = row_text(self, shape->count, arena);
            ok = text.ptr != NULL ? saver->row(saver->context, text, err) : no_memory(err);
        }
        arena_rewind(arena, mark);
    }
    postgres_end(self->db);
    return ok;
}

static bool save_table(struct postgres_sink *self, struct str name, const struct sink_saver *saver,
                       struct arena *arena, struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    struct shape *shape = arena_alloc(arena, sizeof *shape);
    if (shape == NULL) {
        return no_memory(err);
    }
    bool ok = shape_of(self, name, arena, shape, err);
    if (ok && shape->count > 0) {
        struct sink_part part = {.name = name, .shape = shape_text(shape, arena)};
        ok = part.shape.ptr != NULL ? saver->part(saver->context, &part, err) : no_memory(err);
        ok = ok && save_rows(self, shape, saver, arena, err);
    }
    arena_rewind(arena, mark);
    return ok;
}

/* The names of the declared tables, then those of the ledger. */
static struct str table_name(const struct postgres_sink *self, size_t index)
{
    size_t count = postgres_sink_targets(self);
    return str_of(index < count ? self->sink.connector.env.targets[index]->name
                                : ledgers[index - count]);
}

bool postgres_sink_save(struct sink *sink, const struct sink_saver *saver, struct arena *arena,
                        struct str *how, struct err *err)
{
    struct postgres_sink *self = postgres_self(&sink->connector);
    size_t count = postgres_sink_targets(self) + LEDGERS;
    bool ok = postgres_connect(self->db, now_ms(self) + LOOK_MS, err) &&
              postgres_sink_begin(self, true, now_ms(self) + SAVE_MS, err);
    for (size_t i = 0; ok && i < count; i++) {
        struct str name = table_name(self, i);
        ok = postgres_sink_statement(self, name) != NULL || /* It has no rows. */
             save_table(self, name, saver, arena, err);
    }
    postgres_rollback(self->db, now_ms(self) + ROLLBACK_MS);
    *how = STR("all tables as one REPEATABLE READ transaction saw them");
    return ok || postgres_sink_explain(self, err);
}

/* ---- Back ---- */

struct loading {
    struct postgres_sink *self;
    const struct sink_loader *loader;
    enum sink_load how;
    struct arena *arena; /* Of the report. */
    struct arena part;   /* Of the part at hand. */
    struct arena row;
    struct buf report;
};

static bool run(struct loading *loading, struct buf *sql, struct err *err)
{
    int64_t deadline_ms = now_ms(loading->self) + SAVE_MS;
    return buf_ok(sql) ? postgres_script(loading->self->db, buf_str(sql).ptr, deadline_ms, err)
                       : no_memory(err);
}

/* A type's name comes out of a file: the server says whether it is one, and nothing besides. */
static bool check_type(struct loading *loading, struct str type, struct err *err)
{
    static const char sql[] = "SELECT 1 WHERE pg_catalog.to_regtype($1) IS NOT NULL";
    struct str found = {0};
    return postgres_one(loading->self->db, sql, &type, 1, now_ms(loading->self) + LOOK_MS,
                        &loading->part, &found, err) &&
           (found.ptr != NULL || err_set(err, ERR_REJECT, "there is no type '%.*s' here",
                                         STR_ARG(str_slice(type, 0, BODY_NAME_SHOWN))));
}

/* Columns that the table had, and has no more, come back. */
static bool add_missing(struct loading *loading, const struct shape *said,
                        const struct shape *there, struct err *err)
{
    for (size_t i = 0; i < said->count; i++) {
        bool known = false;
        for (size_t j = 0; j < there->count; j++) {
            known = known || str_equal(said->columns[i], there->columns[j]);
        }
        struct buf sql;
        buf_init(&sql, &loading->part, ROW_ROOM);
        buf_add(&sql, STR("ALTER TABLE "));
        add_table(loading->self, &sql, said->name);
        buf_add(&sql, STR(" ADD COLUMN "));
        sql_add_name(&sql, said->columns[i]);
        buf_add_byte(&sql, ' ');
        buf_add(&sql, said->types[i]);
        if (!known && (!check_type(loading, said->types[i], err) || !run(loading, &sql, err))) {
            return err_prefix(err, "the column '%.*s' cannot be made again: ",
                              STR_ARG(str_slice(said->columns[i], 0, BODY_NAME_SHOWN)));
        }
    }
    return true;
}

/* Nobody writes into it until we are done; what is in it is refused or taken away. */
static bool make_room(struct loading *loading, const struct shape *shape, struct err *err)
{
    struct postgres_sink *self = loading->self;
    struct buf sql;
    struct str found = {0};
    buf_init(&sql, &loading->part, ROW_ROOM);
    buf_add(&sql, STR("LOCK TABLE "));
    add_table(self, &sql, shape->name);
    buf_add(&sql, STR(" IN EXCLUSIVE MODE"));
    if (loading->how == SINK_LOAD_REPLACE) {
        buf_add(&sql, STR("; DELETE FROM "));
        add_table(self, &sql, shape->name);
    }
    if (!run(loading, &sql, err)) {
        return false;
    }
    buf_init(&sql, &loading->part, ROW_ROOM);
    buf_add(&sql, STR("SELECT 1 FROM "));
    add_table(self, &sql, shape->name);
    buf_add(&sql, STR(" LIMIT 1"));
    if (!buf_ok(&sql)) {
        return no_memory(err);
    }
    return postgres_one(self->db, buf_str(&sql).ptr, NULL, 0, now_ms(self) + LOOK_MS,
                        &loading->part, &found, err) &&
           (found.ptr == NULL ||
            err_set(err, ERR_REJECT,
                    "the table '%.*s' holds rows, and nothing was changed; empty it, or --replace "
                    "takes them away (make a backup before)",
                    STR_ARG(str_slice(shape->name, 0, BODY_NAME_SHOWN))));
}

static bool put_row(struct loading *loading, struct buf *piece, struct str row, size_t count,
                    struct err *err)
{
    const struct json_value *root = NULL;
    const struct json_value *value = NULL;
    struct json_iter iter;
    size_t at = 0;
    if (!json_parse(&loading->row, row, &(struct json_limits){.size_max = row.len + 1}, &root,
                    err)) {
        return false;
    }
    json_iter_init(&iter, root);
    while (json_next(&iter, NULL, &value)) {
        if (at++ > 0) {
            buf_add_byte(piece, '\t');
        }
        postgres_copy_field(piece, json_str(value));
    }
    buf_add_byte(piece, '\n');
    return (at == count || err_set(err, ERR_REJECT,
                                   "a row in it has not as many values as its "
                                   "table has columns")) &&
           (buf_ok(piece) || no_memory(err));
}

static bool copy_rows(struct loading *loading, const struct shape *shape, int64_t *rows,
                      struct err *err)
{
    struct postgres_sink *self = loading->self;
    struct arena room;
    struct buf piece;
    struct str row = {0};
    bool ok = true;
    arena_init(&room, (size_t)256 << 20);
    buf_init(&piece, &room, COPY_PIECE);
    do {
        ok = loading->loader->row(loading->loader->context, &row, err) &&
             (row.ptr == NULL || put_row(loading, &piece, row, shape->count, err));
        arena_reset(&loading->row);
        if (ok && piece.len > 0 && (piece.len >= COPY_PIECE || row.ptr == NULL)) {
            ok = postgres_copy_put(self->db, buf_str(&piece), err);
            buf_clear(&piece);
        }
    } while (ok && row.ptr != NULL);
    arena_free(&room);
    struct err ignored = {0};
    return postgres_copy_end(self->db, ok, rows, ok ? err : &ignored) && ok;
}

/* Numbers that columns draw by themselves go on behind those that came back. */
static bool move_sequences(struct loading *loading, const struct shape *shape, struct err *err)
{
    static const char sql[] = "SELECT pg_catalog.pg_get_serial_sequence($1,$2)";
    struct postgres_sink *self = loading->self;
    for (size_t i = 0; i < shape->count; i++) {
        struct buf table;
        struct buf set;
        struct str sequence = {0};
        buf_init(&table, &loading->part, ROW_ROOM);
        add_table(self, &table, shape->name);
        struct str values[] = {buf_str(&table), shape->columns[i]};
        if (!postgres_one(self->db, sql, values, 2, now_ms(self) + LOOK_MS, &loading->part,
                          &sequence, err)) {
            return false;
        }
        if (sequence.ptr == NULL) {
            continue;
        }
        buf_init(&set, &loading->part, ROW_ROOM);
        buf_add(&set, STR("SELECT pg_catalog.setval($1::regclass,max("));
        sql_add_name(&set, shape->columns[i]);
        buf_add(&set, STR(")) FROM "));
        add_table(self, &set, shape->name);
        if (!buf_ok(&set) || !postgres_exec(self->db, buf_str(&set).ptr, &sequence, 1,
                                            now_ms(self) + SAVE_MS, NULL, err)) {
            return buf_ok(&set) ? false : no_memory(err);
        }
    }
    return true;
}

static bool load_table(struct loading *loading, const struct sink_part *part, struct err *err)
{
    struct postgres_sink *self = loading->self;
    struct shape *said = arena_alloc(&loading->part, sizeof *said);
    struct shape *there = arena_alloc(&loading->part, sizeof *there);
    struct buf copy;
    int64_t rows = 0;
    if (said == NULL || there == NULL) {
        return no_memory(err);
    }
    if (!shape_read(part, &loading->part, said, err) ||
        !shape_of(self, said->name, &loading->part, there, err)) {
        return false;
    }
    if (there->count == 0) {
        return err_set(
            err, ERR_REJECT,
            "the table '%.*s' is not there and no pipeline of this sink writes it, so it "
            "cannot be made",
            STR_ARG(str_slice(said->name, 0, BODY_NAME_SHOWN)));
    }
    buf_init(&copy, &loading->part, ROW_ROOM);
    buf_add(&copy, STR("COPY "));
    add_table(self, &copy, said->name);
    buf_add_byte(&copy, '(');
    add_columns(&copy, said);
    buf_add(&copy, STR(") FROM STDIN"));
    if (!buf_ok(&copy)) {
        return no_memory(err);
    }
    bool ok = make_room(loading, said, err) && add_missing(loading, said, there, err) &&
              postgres_copy_begin(self->db, buf_str(&copy).ptr, now_ms(self) + SAVE_MS, err) &&
              copy_rows(loading, said, &rows, err) && move_sequences(loading, said, err);
    buf_printf(&loading->report, "%.*s: %" PRId64 " rows put back\n", STR_ARG(said->name), rows);
    return ok || err_prefix(err, "table %.*s: ", STR_ARG(said->name));
}

/* What would be done, by looking. */
static bool look_at_table(struct loading *loading, const struct sink_part *part, struct err *err)
{
    struct postgres_sink *self = loading->self;
    struct shape *there = arena_alloc(&loading->part, sizeof *there);
    struct str name = arena_copy(&loading->part, part->name);
    struct str held = STR("0");
    struct str row = {0};
    int64_t rows = 0;
    struct buf sql;
    if (there == NULL || name.ptr == NULL) {
        return no_memory(err);
    }
    if (!shape_of(self, name, &loading->part, there, err)) {
        return false;
    }
    do {
        if (!loading->loader->row(loading->loader->context, &row, err)) {
            return false;
        }
        rows += row.ptr != NULL;
    } while (row.ptr != NULL);
    buf_init(&sql, &loading->part, ROW_ROOM);
    buf_add(&sql, STR("SELECT count(*) FROM "));
    add_table(self, &sql, name);
    if (there->count > 0 && !postgres_one(self->db, buf_str(&sql).ptr, NULL, 0,
                                          now_ms(self) + SAVE_MS, &loading->part, &held, err)) {
        return false;
    }
    buf_printf(&loading->report, "%.*s: %" PRId64 " rows would be put back; %s%.*s%s\n",
               STR_ARG(name), rows,
               there->count > 0 ? "it holds "
                                : "it is missing and would be "
                                  "made",
               STR_ARG(there->count > 0 ? held : STR("")),
               there->count == 0           ? ""
               : str_equal(held, STR("0")) ? " rows"
                                           : " rows now, and --replace would be needed");
    return true;
}

static bool load_parts(struct loading *loading, struct err *err)
{
    struct sink_part part = {0};
    bool got = true;
    bool ok = true;
    while (ok && got) {
        arena_reset(&loading->part);
        ok = loading->loader->part(loading->loader->context, &part, &got, err);
        if (ok && got) {
            ok = loading->how == SINK_LOAD_LOOK ? look_at_table(loading, &part, err)
                                                : load_table(loading, &part, err);
        }
    }
    return ok;
}

/* One transaction for all tables: it is all there, or nothing was changed. */
bool postgres_sink_load(struct sink *sink, const struct sink_loader *loader, enum sink_load how,
                        struct arena *arena, struct str *done, struct err *err)
{
    struct postgres_sink *self = postgres_self(&sink->connector);
    struct loading loading = {.self = self, .loader = loader, .how = how, .arena = arena};
    bool look = how == SINK_LOAD_LOOK;
    struct str made = {0};
    buf_init(&loading.report, arena, ROW_ROOM);
    arena_init(&loading.part, (size_t)64 << 20);
    arena_init(&loading.row, (size_t)256 << 20);
    bool ok = (look || sink->type->migrate(sink, false, arena, &made, err)) &&
              postgres_connect(self->db, now_ms(self) + LOOK_MS, err) &&
              postgres_sink_begin(self, look, now_ms(self) + SAVE_MS, err) &&
              load_parts(&loading, err) &&
              (look || postgres_commit(self->db, now_ms(self) + SAVE_MS, err));
    if (!ok || look) {
        postgres_rollback(self->db, now_ms(self) + ROLLBACK_MS);
    }
    arena_free(&loading.part);
    arena_free(&loading.row);
    postgres_sink_forget(self);
    *done = buf_str(&loading.report);
    return ok || postgres_sink_explain(self, err);
}
