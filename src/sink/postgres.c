#include "sink/postgres.h"

#include <stdio.h>

#include "db/sql.h"
#include "sink/postgres_inside.h"

enum {
    MIGRATE_MS = 10 * 60 * 1000, /* Indexes on large tables take their time. */
    ROLLBACK_MS = 2 * 1000,
    SERVER_GRACE_MS = 5 * 1000, /* The server gives up by itself this long after we did. */
    SERVER_WAIT_MS_MAX = 24 * 60 * 60 * 1000,
    SCRATCH_MAX = 16 * 1024 * 1024,
    ROOM_FIRST = SINK_BATCH_MAX,
};

bool postgres_sink_explain(const struct postgres_sink *self, struct err *err)
{
    return err_prefix(err, "sink %.*s: ", STR_ARG(self->sink.connector.name));
}

/* ---- Targets and statements ---- */

size_t postgres_sink_targets(const struct postgres_sink *self)
{
    const struct target *const *targets = self->sink.connector.env.targets;
    size_t count = 0;
    while (targets != NULL && targets[count] != NULL && count <= POSTGRES_TARGETS_MAX) {
        count++;
    }
    return count;
}

const struct postgres_statement *postgres_sink_statement(const struct postgres_sink *self,
                                                         struct str name)
{
    for (size_t i = 0; i < self->statement_count; i++) {
        if (str_equal(self->statements[i].name, name)) {
            return &self->statements[i];
        }
    }
    return NULL;
}

const struct target *postgres_sink_target(const struct postgres_sink *self, struct str name,
                                          size_t *index)
{
    size_t count = postgres_sink_targets(self);
    for (*index = 0; *index < count; ++*index) {
        const struct target *target = self->sink.connector.env.targets[*index];
        if (str_equal(str_of(target->name), name) || (name.len == 0 && count == 1)) {
            return target;
        }
    }
    return NULL;
}

/* Statements are written to, but are no tables. */
static bool is_table(const struct postgres_sink *self, size_t index)
{
    const struct target *target = self->sink.connector.env.targets[index];
    return postgres_sink_statement(self, str_of(target->name)) == NULL;
}

/* ---- The connection and what the catalogue says ---- */

void postgres_sink_forget(struct postgres_sink *self)
{
    self->known = false;
    self->tables = NULL;
    self->shapes = NULL;
    self->shape_count = 0;
    self->recent = NULL;
    arena_reset(&self->made);
}

bool postgres_sink_connect(struct postgres_sink *self, int64_t deadline_ms, struct err *err)
{
    int64_t connect_ms = clock_mono_ms(self->sink.connector.env.clock) + self->connect_ms;
    if (!postgres_connected(self->db)) {
        postgres_sink_forget(self);
        if (!postgres_connect(self->db, connect_ms < deadline_ms ? connect_ms : deadline_ms, err)) {
            return false;
        }
    }
    if (self->known) {
        return true;
    }
    self->tables = arena_array(&self->made, postgres_sink_targets(self) + 1, sizeof *self->tables);
    if (self->tables == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory for tables");
    }
    self->known = postgres_ledger_check(self->db, self->schema, deadline_ms, &self->made, err);
    return self->known;
}

bool postgres_sink_table(struct postgres_sink *self, size_t index, int64_t deadline_ms,
                         const struct postgres_table **out, struct err *err)
{
    struct postgres_table *table = &self->tables[index];
    const struct target *target = self->sink.connector.env.targets[index];
    if (table->name.ptr == NULL || !table->exists) {
        struct arena_mark mark = arena_mark(&self->made);
        bool ok = postgres_table_look(self->db, target, self->schema, deadline_ms, &self->made,
                                      table, err);
        if (!ok || !table->exists) {
            *table = (struct postgres_table){0};
            arena_rewind(&self->made, mark);
        }
        if (!ok) {
            return false;
        }
    }
    *out = table;
    return table->exists ||
           err_set(err, ERR_CONFIG,
                   "there is no table %.*s.%s: run sluice migrate, or name another schema; what is "
                   "to be written waits",
                   STR_ARG(self->schema), target->name);
}

bool postgres_sink_begin(struct postgres_sink *self, bool reading, int64_t deadline_ms,
                         struct err *err)
{
    char sql[640];
    int64_t wait_ms = deadline_ms - clock_mono_ms(self->sink.connector.env.clock) + SERVER_GRACE_MS;
    wait_ms = wait_ms < SERVER_WAIT_MS_MAX ? wait_ms : SERVER_WAIT_MS_MAX;
    (void)snprintf(sql, sizeof sql,
                   "BEGIN ISOLATION LEVEL %s; SET LOCAL TimeZone='UTC'; SET LOCAL DateStyle='ISO'; "
                   "SET LOCAL extra_float_digits=1; SET LOCAL statement_timeout=%lld; "
                   "SET LOCAL idle_in_transaction_session_timeout=%lld%s",
                   reading ? "REPEATABLE READ READ ONLY" : "READ COMMITTED", (long long)wait_ms,
                   (long long)wait_ms,
                   reading ? ""
                           : "; SELECT set_config('synchronous_commit','on',true) "
                             "WHERE current_setting('synchronous_commit')='off'");
    return postgres_script(self->db, sql, deadline_ms, err);
}

/* ---- Life ---- */

static bool read_statements(struct postgres_sink *self, struct arena *arena, struct err *err)
{
    self->statement_count = 0;
    self->statements =
        arena_array(arena, self->statement_texts.count + 1, sizeof *self->statements);
    if (self->statements == NULL || self->statement_texts.count > STATEMENTS_MAX) {
        return err_set(err, ERR_CONFIG, "option `statements`: %d at most", STATEMENTS_MAX);
    }
    for (size_t i = 0; i < self->statement_texts.count; i++) {
        if (!postgres_statement_make(&self->statement_texts.items[i], arena, &self->statements[i],
                                     err)) {
            return false;
        }
        self->statement_count++;
    }
    return true;
}

static bool sink_open(struct connector *connector, struct err *err)
{
    struct postgres_sink *self = postgres_self(connector);
    struct postgres_options options = {
        .uri = secret_reveal(&self->uri),
        .password = secret_reveal(&self->password),
        .root = self->root,
        .allow_insecure = self->allow_insecure,
        .clock = connector->env.clock,
        .stopping = connector->env.stopping,
        .stopping_context = connector->env.stopping_context,
    };
    self->db = NULL;
    self->known = false;
    self->repeating = false;
    self->copy_refused = false;
    self->room = ROOM_FIRST;
    if (self->schema.len == 0) {
        self->schema = STR("public");
    }
    if (postgres_sink_targets(self) > POSTGRES_TARGETS_MAX) {
        (void)err_set(err, ERR_CONFIG, "more than %d tables in one sink", POSTGRES_TARGETS_MAX);
        return postgres_sink_explain(self, err);
    }
    arena_init(&self->made, POSTGRES_MADE_MAX);
    arena_init(&self->batch, POSTGRES_BATCH_MAX);
    bool ok = read_statements(self, connector->env.arena, err) &&
              postgres_ledger_prepare(&self->ledger, self->schema, connector->env.arena, err) &&
              postgres_open(&self->db, &options, err);
    return ok || postgres_sink_explain(self, err);
}

static void sink_close(struct connector *connector)
{
    struct postgres_sink *self = postgres_self(connector);
    postgres_close(self->db);
    self->db = NULL;
    postgres_sink_forget(self);
    arena_free(&self->made);
    arena_free(&self->batch);
}

static void sink_rest(struct connector *connector)
{
    arena_free(&postgres_self(connector)->batch);
}

/* Nothing is open yet: only what the texts say. */
static void sink_check_options(const struct connector *connector, struct report *report)
{
    const struct postgres_sink *self = (const struct postgres_sink *)(const void *)connector;
    struct arena arena;
    arena_init(&arena, SCRATCH_MAX);
    for (size_t i = 0; i < self->statement_texts.count; i++) {
        struct err err = {0};
        struct postgres_statement *statement = arena_alloc(&arena, sizeof *statement);
        if (statement != NULL &&
            !postgres_statement_make(&self->statement_texts.items[i], &arena, statement, &err)) {
            report_err(report, "statements", &err);
        }
    }
    arena_free(&arena);
}

/* ---- Probe ---- */

static bool look_at_tables(struct postgres_sink *self, struct arena *arena, int64_t deadline_ms,
                           size_t *there, size_t *missing, struct err *err)
{
    for (size_t i = 0; i < postgres_sink_targets(self); i++) {
        struct postgres_table table = {0};
        if (!is_table(self, i)) {
            continue;
        }
        if (!postgres_table_look(self->db, self->sink.connector.env.targets[i], self->schema,
                                 deadline_ms, arena, &table, err)) {
            return false;
        }
        *there += table.exists;
        *missing += !table.exists;
    }
    return true;
}

/* May this user do what writing does? The first table where it may not is named. */
static bool look_at_rights(struct postgres_sink *self, struct arena *arena, int64_t deadline_ms,
                           struct err *err)
{
    static const char sql[] =
        "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        "ON n.oid=c.relnamespace WHERE n.nspname=$1 AND c.relname = ANY($2::text[]) AND NOT "
        "(has_table_privilege(c.oid,'SELECT') AND has_table_privilege(c.oid,'INSERT') AND "
        "has_table_privilege(c.oid,'UPDATE')) ORDER BY 1 LIMIT 1";
    struct buf names;
    struct str found = {0};
    buf_init(&names, arena, 256);
    buf_add(&names, STR("{sluice_effects,sluice_seq"));
    for (size_t i = 0; i < postgres_sink_targets(self); i++) {
        if (is_table(self, i)) {
            postgres_array_item(&names, false, str_of(self->sink.connector.env.targets[i]->name));
        }
    }
    buf_add_byte(&names, '}');
    struct str values[] = {self->schema, buf_str(&names)};
    if (values[1].ptr == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    return postgres_one(self->db, sql, values, 2, deadline_ms, arena, &found, err) &&
           (found.ptr == NULL ||
            err_set(err, ERR_CONFIG,
                    "the user of the URI may not read and write table %.*s.%.*s: GRANT SELECT, "
                    "INSERT, UPDATE, DELETE on it",
                    STR_ARG(self->schema), STR_ARG(found)));
}

static bool sink_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                       struct err *err)
{
    struct postgres_sink *self = postgres_self(connector);
    struct arena scratch;
    size_t there = 0;
    size_t missing = 0;
    arena_init(&scratch, SCRATCH_MAX);
    bool ok = postgres_connect(self->db, deadline_ms, err) &&
              look_at_tables(self, &scratch, deadline_ms, &there, &missing, err) &&
              look_at_rights(self, &scratch, deadline_ms, err);
    if (ok) {
        int version = postgres_version(self->db);
        struct str tls = postgres_tls(self->db, &scratch);
        struct str note = postgres_note(self->db);
        struct err untold = {0};
        bool ledger = postgres_ledger_check(self->db, self->schema, deadline_ms, &scratch, &untold);
        *found = arena_printf(
            connector->env.arena, "%.*s: PostgreSQL %d.%d, %.*s; %zu tables are there%s%s%.*s",
            STR_ARG(postgres_where(self->db)), version / 10000, version % 10000,
            STR_ARG(tls.ptr != NULL ? tls : STR("not encrypted")), there,
            missing > 0 || !ledger ? ", some are to be made (sluice migrate)" : "",
            note.len > 0 ? "; " : "", STR_ARG(note));
    }
    arena_free(&scratch);
    return ok || postgres_sink_explain(self, err);
}

/* ---- Migrate ---- */

static bool make_schema(struct postgres_sink *self, bool dry, int64_t deadline_ms,
                        struct arena *arena, struct buf *report, struct err *err)
{
    struct str there = {0};
    struct buf sql;
    if (!postgres_one(self->db, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname=$1",
                      &self->schema, 1, deadline_ms, arena, &there, err)) {
        return false;
    }
    if (there.ptr != NULL) {
        return true;
    }
    buf_init(&sql, arena, 128);
    buf_add(&sql, STR("CREATE SCHEMA "));
    sql_add_name(&sql, self->schema);
    buf_printf(report, "schema %.*s: created\n", STR_ARG(self->schema));
    return buf_ok(&sql) && (dry || postgres_script(self->db, buf_str(&sql).ptr, deadline_ms, err));
}

static bool migrate_all(struct postgres_sink *self, bool dry, int64_t deadline_ms,
                        struct arena *arena, struct buf *report, struct err *err)
{
    static const char alone_sql[] = "SELECT pg_catalog.pg_advisory_xact_lock(7310867429015)::text";
    struct str ignored = {0};
    if ((!dry && !postgres_one(self->db, alone_sql, NULL, 0, deadline_ms, arena, &ignored, err)) ||
        !make_schema(self, dry, deadline_ms, arena, report, err) ||
        !postgres_ledger_make(self->db, self->schema, dry, deadline_ms, arena, report, err)) {
        return false;
    }
    for (size_t i = 0; i < postgres_sink_targets(self); i++) {
        if (is_table(self, i) &&
            !postgres_table_migrate(self->db, self->sink.connector.env.targets[i], self->schema,
                                    dry, deadline_ms, arena, report, err)) {
            return false;
        }
    }
    return true;
}

/* All of it or nothing: PostgreSQL makes tables inside a transaction. */
static bool sink_migrate(struct sink *sink, bool dry, struct arena *arena, struct str *done,
                         struct err *err)
{
    struct postgres_sink *self = postgres_self(&sink->connector);
    int64_t now_ms = clock_mono_ms(sink->connector.env.clock);
    int64_t deadline_ms = now_ms + MIGRATE_MS;
    struct buf report;
    buf_init(&report, arena, 256);
    postgres_sink_forget(self);
    bool ok = postgres_connect(self->db, now_ms + self->connect_ms, err) &&
              postgres_sink_begin(self, dry, deadline_ms, err) &&
              migrate_all(self, dry, deadline_ms, arena, &report, err) &&
              postgres_commit(self->db, deadline_ms, err);
    if (!ok) {
        postgres_rollback(self->db, clock_mono_ms(sink->connector.env.clock) + ROLLBACK_MS);
    }
    *done = report.len > 0 ? buf_str(&report) : STR("nothing to do");
    return ok || postgres_sink_explain(self, err);
}

/* ---- By the declaration alone ---- */

static bool check_fields(struct postgres_sink *self, const struct target *target,
                         const struct parcel *parcel, struct arena *arena, struct err *err)
{
    struct postgres_shape shape;
    struct postgres_table table = {.target = target, .unique = true};
    size_t count = 0;
    while (target->columns[count].name != NULL) {
        count++;
    }
    table.columns = arena_array(arena, count + 1, sizeof *table.columns);
    if (table.columns == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    for (; table.count < count; table.count++) {
        table.columns[table.count] =
            (struct postgres_column){.declared = &target->columns[table.count]};
    }
    if (!postgres_shape_make(&table, &self->body, arena, &shape, err)) {
        return false;
    }
    for (size_t i = 0; i < self->body.count; i++) {
        if (!body_suits(target, shape.fields[i].column->declared, &self->body.fields[i],
                        parcel->entity, err)) {
            return false;
        }
    }
    return true;
}

/* The table may not be there yet, or be another one by then. */
static bool sink_check(struct sink *sink, const struct parcel *parcel, struct arena *arena,
                       struct err *err)
{
    struct postgres_sink *self = postgres_self(&sink->connector);
    size_t index = 0;
    const struct postgres_statement *statement = postgres_sink_statement(self, parcel->target);
    const struct target *target = postgres_sink_target(self, parcel->target, &index);
    if (statement != NULL) {
        struct str *values = arena_array(arena, STATEMENT_PARAMETERS_MAX, sizeof *values);
        return values != NULL ? postgres_statement_values(statement, parcel, arena, values, err)
                              : err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    if (parcel->kind == RECORD_QUESTION) {
        return err_set(err, ERR_REJECT,
                       "a table cannot answer questions; `statements` of the sink can");
    }
    if (target == NULL) {
        return err_set(err, ERR_REJECT, "no pipeline declares a table '%.*s' for this sink",
                       STR_ARG(str_slice(parcel->target, 0, BODY_NAME_SHOWN)));
    }
    return parcel->removed || (body_read(parcel->body, arena, &self->body, err) &&
                               body_suits_kind(&self->body, parcel->kind, err) &&
                               check_fields(self, target, parcel, arena, err));
}

static const struct option options[] = {
    OPTION_SECRET(struct postgres_sink, uri, "uri", OPTION_REQUIRED,
                  "postgresql://USER:PASSWORD@HOST/DATABASE?…, as providers hand it out."),
    OPTION_SECRET(struct postgres_sink, password, "password", NULL,
                  "The password, when it is kept apart from the URI."),
    OPTION_PATH(struct postgres_sink, root, "authorities", NULL,
                "File of certificate authorities (PEM); the URI's sslrootcert or the machine's own "
                "when left out."),
    OPTION_TEXT(struct postgres_sink, schema, "schema", "public",
                "Schema of the tables, and of the two that sluice keeps beside them."),
    OPTION_MAP(struct postgres_sink, statement_texts, "statements", NULL,
               "SQL of your own by name, with :column and :entity as parameters; a record whose "
               "target has that name runs it."),
    OPTION_DURATION(struct postgres_sink, connect_ms, "connect_timeout", "10s",
                    "How long connecting may take."),
    OPTION_BOOL(struct postgres_sink, allow_insecure, "allow_insecure", "false",
                "Allow a public host without TLS or without a password."),
    OPTION_END,
};

const struct sink_type sink_postgres = {
    .connector =
        {
            .kind = "postgres",
            .summary = "Tables in a PostgreSQL database (Neon, PgBouncer …); adopted, or made by "
                       "migrate.",
            .options = options,
            .size = sizeof(struct postgres_sink),
            .check = sink_check_options,
            .open = sink_open,
            .probe = sink_probe,
            .rest = sink_rest,
            .close = sink_close,
        },
    .write = postgres_sink_write,
    .read_back = postgres_sink_read_back,
    .migrate = sink_migrate,
    .check = sink_check,
    .removes = true,
    .dump = postgres_sink_dump,
    .save = postgres_sink_save,
    .load = postgres_sink_load,
};
