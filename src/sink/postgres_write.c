/* Writing a batch: parcels of one shape become one statement, and all of it one transaction. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "db/sql.h"
#include "sink/postgres_inside.h"

enum {
    RUNS_MAX = 64,   /* Shapes and statements of one transaction. */
    TRIES_MAX = 4,   /* After a deadlock, or when others change the same rows. */
    COPY_MIN = 1024, /* Rows; for fewer, the round trips cost more than COPY saves. */
    SAMPLE = 64,     /* Keys of a batch that are looked up before it is taken for new. */
    COPY_PART = 256 * 1024,
    LOCKS_MAX = 64, /* Keys locked one by one; more lock the table for other sluices. */
    ROLLBACK_MS = 2 * 1000,
    TRANSACTION_BYTES = 16 * 1024 * 1024, /* Of bodies. */
};

/* A parcel with all that its statement needs. */
struct entry {
    struct parcel *parcel;
    const struct postgres_shape *shape; /* One of these two. */
    const struct postgres_statement *statement;
    struct str *values;
    size_t run;
};

/* Entries of one shape or statement, and of one kind. */
struct run {
    struct entry **entries;
    size_t count;
    bool waits; /* Its table or statement is not fit: its parcels are left as they are. */
};

/* One call of write(). */
struct work {
    struct postgres_sink *self;
    struct parcel *parcels;
    size_t count;
    struct arena *arena; /* For reasons and answers. */
    int64_t deadline_ms;

    /* The transaction at hand. */
    struct entry *entries;
    size_t entry_count;
    struct run runs[RUNS_MAX];
    size_t run_count;
    bool copies;        /* Many may go by COPY. */
    bool copy_failed;   /* So once more without it. */
    bool thorough;      /* Some were applied before: ask which. */
    bool repeats;       /* Some were. */
    bool clashed;       /* With another transaction: deadlock, serialization. */
    struct err waiting; /* Why some have to wait. */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "postgres: out of memory for a batch");
}

static void refuse(const struct work *work, struct parcel *parcel, const struct err *why)
{
    parcel->verdict = VERDICT_REJECT;
    parcel->why = arena_copy(work->arena, str_of(why->text));
}

/* ---- What a parcel needs ---- */

static bool shape_room(struct postgres_sink *self)
{
    if (self->shapes == NULL) {
        self->shapes = arena_array(&self->made, POSTGRES_SHAPES_MAX, sizeof *self->shapes);
        self->shape_count = 0;
    }
    return self->shapes != NULL && self->shape_count < POSTGRES_SHAPES_MAX;
}

static bool find_shape(struct postgres_sink *self, const struct postgres_table *table, bool removes,
                       const struct postgres_shape **out, struct err *err)
{
    for (size_t i = 0; i < self->shape_count; i++) {
        const struct postgres_shape *shape = &self->shapes[i];
        if (removes ? shape->removes && shape->table == table
                    : postgres_shape_fits(shape, table, &self->body)) {
            *out = shape;
            return true;
        }
    }
    if (!shape_room(self)) {
        return no_memory(err);
    }
    struct postgres_shape *shape = &self->shapes[self->shape_count];
    if (!(removes ? postgres_shape_make_removal(table, &self->made, shape, err)
                  : postgres_shape_make(table, &self->body, &self->made, shape, err))) {
        return false;
    }
    self->shape_count++;
    *out = shape;
    return true;
}

/* The values of the body's columns, as the table reads them. */
static bool take_values(struct postgres_sink *self, struct entry *entry, struct err *err)
{
    const struct postgres_shape *shape = entry->shape;
    const struct target *target = shape->table->target;
    entry->values = arena_array(&self->batch, shape->count + 1, sizeof *entry->values);
    if (entry->values == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < shape->count; i++) {
        const struct body_field *field = &self->body.fields[i];
        const struct postgres_column *column = shape->fields[i].column;
        if (!body_suits(target, column->declared, field, entry->parcel->entity, err)) {
            return false;
        }
        if (!shape->fields[i].is_key &&
            !postgres_table_value(shape->table, column, field, &self->batch, &entry->values[i],
                                  err)) {
            return false;
        }
    }
    return true;
}

static bool prepare_row(struct work *work, struct entry *entry, size_t target, struct err *err)
{
    struct postgres_sink *self = work->self;
    const struct postgres_table *table = NULL;
    struct parcel *parcel = entry->parcel;
    if (parcel->kind == RECORD_QUESTION) {
        return err_set(err, ERR_REJECT,
                       "a table cannot answer questions; `statements` of the sink can");
    }
    if (parcel->entity.len == 0 || parcel->entity.len > RECORD_ENTITY_MAX ||
        str_find_byte(parcel->entity, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_REJECT,
                       "table %.*s: the key is empty, longer than %d bytes, or holds a NUL",
                       STR_ARG(str_slice(parcel->target, 0, BODY_NAME_SHOWN)), RECORD_ENTITY_MAX);
    }
    if (!postgres_sink_table(self, target, work->deadline_ms, &table, err)) {
        return false;
    }
    if (parcel->removed) {
        return find_shape(self, table, true, &entry->shape, err);
    }
    struct arena_mark mark = arena_mark(work->arena);
    bool ok = body_read(parcel->body, work->arena, &self->body, err);
    ok = (ok || err_prefix(err, "table %s: ", table->target->name)) &&
         body_suits_kind(&self->body, parcel->kind, err) &&
         find_shape(self, table, false, &entry->shape, err) && take_values(self, entry, err);
    arena_rewind(work->arena, mark);
    return ok;
}

static bool prepare_statement(struct work *work, struct entry *entry, struct err *err)
{
    entry->values =
        arena_array(&work->self->batch, entry->statement->count + 1, sizeof *entry->values);
    return entry->values != NULL ? postgres_statement_values(entry->statement, entry->parcel,
                                                             &work->self->batch, entry->values, err)
                                 : no_memory(err);
}

static bool prepare(struct work *work, struct entry *entry, struct err *err)
{
    size_t index = 0;
    struct parcel *parcel = entry->parcel;
    entry->statement = postgres_sink_statement(work->self, parcel->target);
    if (entry->statement != NULL) {
        return prepare_statement(work, entry, err);
    }
    if (postgres_sink_target(work->self, parcel->target, &index) == NULL) {
        return err_set(err, ERR_REJECT,
                       "no pipeline declares a table '%.*s' for this sink, and it has no such "
                       "statement",
                       STR_ARG(str_slice(parcel->target, 0, BODY_NAME_SHOWN)));
    }
    return prepare_row(work, entry, index, err);
}

/* ---- Sorting into runs ---- */

static bool alike(const struct entry *a, const struct entry *b)
{
    return a->shape == b->shape && a->statement == b->statement &&
           a->parcel->kind == b->parcel->kind;
}

/* The run of an entry: a known one, or a new one; RUNS_MAX when there is no room. */
static size_t run_of(struct work *work, const struct entry *entry)
{
    for (size_t i = 0; i < work->run_count; i++) {
        if (alike(work->runs[i].entries[0], entry)) {
            return i;
        }
    }
    return work->run_count;
}

/* Entries by their runs, each run in the order of the batch. */
static bool sort_runs(struct work *work, struct err *err)
{
    struct entry **places =
        arena_array(&work->self->batch, work->entry_count + 1, sizeof(struct entry *));
    size_t at = 0;
    if (places == NULL) {
        return no_memory(err);
    }
    for (size_t run = 0; run < work->run_count; run++) {
        size_t count = work->runs[run].count;
        work->runs[run].entries = &places[at];
        work->runs[run].count = 0;
        at += count;
    }
    for (size_t i = 0; i < work->entry_count; i++) {
        struct run *run = &work->runs[work->entries[i].run];
        run->entries[run->count++] = &work->entries[i];
    }
    return true;
}

/* Put one parcel into the transaction. `*full` when it has no room for its shape. */
static bool add_parcel(struct work *work, struct parcel *parcel, bool *full, struct err *err)
{
    struct entry *entry = &work->entries[work->entry_count];
    struct err why = {0};
    *entry = (struct entry){.parcel = parcel};
    parcel->verdict = VERDICT_RETRY; /* It may have been worked on before: see write_some(). */
    if (!prepare(work, entry, &why)) {
        if (why.kind == ERR_REJECT) {
            refuse(work, parcel, &why);
            return true;
        }
        if (why.kind == ERR_CONFIG) { /* Only what is meant for this table has to wait. */
            parcel->verdict = VERDICT_UNTRIED;
            work->waiting = why;
            return true;
        }
        *err = why;
        return false;
    }
    entry->run = run_of(work, entry);
    *full = entry->run == RUNS_MAX;
    if (*full) {
        return true;
    }
    struct run *run = &work->runs[entry->run];
    if (entry->run == work->run_count) {
        struct entry **first = arena_array(&work->self->batch, 1, sizeof(struct entry *));
        if (first == NULL) {
            return no_memory(err);
        }
        *first = entry;
        *run = (struct run){.entries = first};
        work->run_count++;
    }
    run->count++;
    work->entry_count++;
    return true;
}

/* Parcels from `from` on, as many as one transaction takes; `*to` is where it ends. */
static bool gather(struct work *work, size_t from, size_t *to, struct err *err)
{
    struct postgres_sink *self = work->self;
    size_t room = self->room < work->count - from ? self->room : work->count - from;
    size_t bytes = 0;
    bool full = false;
    arena_reset(&self->batch);
    if (self->shape_count == POSTGRES_SHAPES_MAX) {
        postgres_sink_forget(self);
        if (!postgres_sink_connect(self, work->deadline_ms, err)) {
            return false;
        }
    }
    work->entry_count = 0;
    work->run_count = 0;
    work->entries = arena_array(&self->batch, room + 1, sizeof *work->entries);
    if (work->entries == NULL) {
        return no_memory(err);
    }
    for (*to = from; *to < from + room && bytes < TRANSACTION_BYTES && !full; *to += !full) {
        if (*to > from && self->shape_count == POSTGRES_SHAPES_MAX) {
            break;
        }
        bytes += work->parcels[*to].body.len;
        if (!add_parcel(work, &work->parcels[*to], &full, err)) {
            return false;
        }
    }
    return sort_runs(work, err);
}

/* ---- Statements ---- */

/* The arrays of a run's values: the keys, then each field that is not the key. */
static bool make_arrays(struct postgres_sink *self, struct entry *const *entries, size_t count,
                        struct str *values, size_t *value_count, struct err *err)
{
    const struct postgres_shape *shape = entries[0]->shape;
    *value_count = 0;
    for (size_t field = 0; field <= shape->count; field++) {
        struct buf array;
        if (field > 0 && shape->fields[field - 1].is_key) {
            continue;
        }
        size_t size = 2;
        for (size_t i = 0; i < count; i++) {
            size +=
                (field == 0 ? entries[i]->parcel->entity.len : entries[i]->values[field - 1].len) +
                4;
        }
        buf_init(&array, &self->batch, size + size / 8);
        buf_add_byte(&array, '{');
        for (size_t i = 0; i < count; i++) {
            postgres_array_item(&array, i == 0,
                                field == 0 ? entries[i]->parcel->entity
                                           : entries[i]->values[field - 1]);
        }
        buf_add_byte(&array, '}');
        values[*value_count] = buf_str(&array);
        if (values[*value_count].ptr == NULL) {
            return no_memory(err);
        }
        ++*value_count;
    }
    return true;
}

/*
 * Where no unique index keeps two transactions from making the same row, a lock does that ends with
 * the transaction: on each key, or on the table when there are many. It binds those who take it,
 * other sluices; rows that are there are locked by being changed.
 */
static bool lock_keys(struct work *work, struct entry *const *entries, size_t count,
                      struct err *err)
{
    static const char many_sql[] =
        "SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1::text COLLATE \"C\", 0))";
    static const char few_sql[] =
        "SELECT pg_catalog.pg_advisory_xact_lock_shared(hashtextextended($1::text COLLATE \"C\", "
        "0)), (SELECT count(pg_catalog.pg_advisory_xact_lock(h)::text) FROM (SELECT DISTINCT "
        "hashtextextended(($1::text||'/'||k) COLLATE \"C\", 1) AS h FROM unnest($2::text[]) AS k "
        "ORDER BY h) AS s)";
    struct postgres_sink *self = work->self;
    struct str values[2] = {entries[0]->shape->table->name};
    struct str ignored = {0};
    struct buf keys;
    bool many = count > LOCKS_MAX;
    buf_init(&keys, &self->batch, many ? 1 : 4096);
    buf_add_byte(&keys, '{');
    for (size_t i = 0; i < count && !many; i++) {
        postgres_array_item(&keys, i == 0, entries[i]->parcel->entity);
    }
    buf_add_byte(&keys, '}');
    values[1] = buf_str(&keys);
    return values[1].ptr == NULL
               ? no_memory(err)
               : postgres_one(self->db, many ? many_sql : few_sql, values, many ? 1 : 2,
                              work->deadline_ms, &self->batch, &ignored, err);
}

/* Those whose places come back were not written: they are moved to the front. */
static bool read_left(struct postgres_sink *self, struct entry **entries, size_t *count,
                      struct err *err)
{
    size_t left = 0;
    bool row = true;
    while (postgres_next(self->db, &row, err)) {
        int64_t place = 0;
        if (!row) {
            *count = left;
            return true;
        }
        if (str_to_int64(postgres_text(self->db, 0), &place) && place > (int64_t)left &&
            place <= (int64_t)*count) {
            entries[left++] = entries[place - 1];
        }
    }
    return false;
}

static bool write_rows(struct work *work, struct entry **entries, size_t count, struct err *err)
{
    struct postgres_sink *self = work->self;
    const struct postgres_shape *shape = entries[0]->shape;
    struct str values[BODY_FIELDS_MAX + 1];
    size_t value_count = 0;
    if (!shape->table->unique && !shape->removes && !lock_keys(work, entries, count, err)) {
        return false;
    }
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (!make_arrays(self, entries, count, values, &value_count, err)) {
            return false;
        }
        if (!shape->answers) {
            return postgres_exec(self->db, shape->sql, values, value_count, work->deadline_ms, NULL,
                                 err);
        }
        if (!postgres_query(self->db, shape->sql, values, value_count, work->deadline_ms, err) ||
            !read_left(self, entries, &count, err)) {
            return false;
        }
        if (count == 0) {
            return true;
        }
    }
    return err_set(err, ERR_RETRY, "table %s: others make and remove the same rows all the time",
                   shape->table->target->name);
}

/*
 * Is none of the rows there, as far as a sample of the keys tells? Then they may be copied. Taking
 * rows for new that are not is no harm but wasted work: COPY fails, and they go the usual way.
 */
static bool look_new(struct work *work, struct entry *const *entries, size_t count, bool *are_new,
                     struct err *err)
{
    struct postgres_sink *self = work->self;
    const struct postgres_table *table = entries[0]->shape->table;
    struct str found = {0};
    struct buf sql;
    struct buf keys;
    buf_init(&keys, &self->batch, 4096);
    buf_init(&sql, &self->batch, 256);
    buf_add_byte(&keys, '{');
    for (size_t i = 0; i < SAMPLE; i++) {
        postgres_array_item(&keys, i == 0, entries[i * (count - 1) / (SAMPLE - 1)]->parcel->entity);
    }
    buf_add_byte(&keys, '}');
    buf_printf(&sql, "SELECT 1 FROM %.*s AS t WHERE t.", STR_ARG(table->name));
    sql_add_name(&sql, table->key.name);
    buf_printf(&sql, " = ANY($1::%.*s[]) LIMIT 1", STR_ARG(table->key.type));
    struct str value = buf_str(&keys);
    struct str text = buf_str(&sql);
    bool ok = (value.ptr != NULL && text.ptr != NULL) || no_memory(err);
    ok = ok &&
         postgres_one(self->db, text.ptr, &value, 1, work->deadline_ms, &self->batch, &found, err);
    *are_new = found.ptr == NULL;
    return ok;
}

static void add_line(struct buf *lines, const struct entry *entry)
{
    const struct postgres_shape *shape = entry->shape;
    postgres_copy_field(lines, entry->parcel->entity);
    for (size_t i = 0; i < shape->count; i++) {
        if (!shape->fields[i].is_key) {
            buf_add_byte(lines, '\t');
            postgres_copy_field(lines, entry->values[i]);
        }
    }
    buf_add_byte(lines, '\n');
}

/* Rows that are all new; the server reads some while the next ones are written down. */
static bool copy_rows(struct work *work, struct entry *const *entries, size_t count,
                      struct err *err)
{
    struct postgres_sink *self = work->self;
    struct buf lines;
    buf_init(&lines, &self->batch, 2 * (size_t)COPY_PART);
    bool ok = postgres_copy_begin(self->db, entries[0]->shape->copy_sql, work->deadline_ms, err);
    for (size_t i = 0; ok && i < count; i++) {
        add_line(&lines, entries[i]);
        if (lines.len >= COPY_PART || i + 1 == count) {
            ok =
                buf_ok(&lines) ? postgres_copy_put(self->db, buf_str(&lines), err) : no_memory(err);
            buf_clear(&lines);
        }
    }
    return ok && postgres_copy_end(self->db, true, NULL, err);
}

static bool run_statements(struct work *work, struct entry **entries, size_t count,
                           const bool *fresh, struct err *err)
{
    struct postgres_sink *self = work->self;
    for (size_t i = 0; i < count; i++) {
        struct parcel *parcel = entries[i]->parcel;
        bool asks = parcel->kind == RECORD_QUESTION;
        if (fresh[i]) {
            if (!postgres_statement_run(entries[i]->statement, self->db, entries[i]->values,
                                        work->deadline_ms, work->arena,
                                        asks ? &parcel->answer : NULL, err) ||
                (asks && !postgres_ledger_keep(&self->ledger, self->db, &parcel->effect,
                                               parcel->answer, work->deadline_ms, err))) {
                return false;
            }
        } else if (asks &&
                   !postgres_ledger_answer(&self->ledger, self->db, &parcel->effect,
                                           work->deadline_ms, work->arena, &parcel->answer, err)) {
            return false;
        }
        if (asks && parcel->answer.ptr == NULL) {
            parcel->answer = STR("null");
        }
    }
    return true;
}

static bool take_thoroughly(struct work *work, const struct postgres_entries *entries, bool *fresh,
                            struct err *err)
{
    struct postgres_sink *self = work->self;
    if (!postgres_ledger_take(&self->ledger, self->db, entries, fresh, work->deadline_ms,
                              &self->batch, err)) {
        return false;
    }
    for (size_t i = 0; i < entries->count; i++) {
        work->repeats = work->repeats || !fresh[i];
    }
    return true;
}

/*
 * Which of them are new? Mostly all are, and then the cheaper question does; when it finds a
 * repeat, the transaction is undone (this "fails") and begun again with the other one.
 */
static bool take_ledger(struct work *work, const struct postgres_entries *entries, bool copies,
                        bool *fresh, struct err *err)
{
    struct postgres_sink *self = work->self;
    bool all_new = false;
    if (work->thorough) {
        return take_thoroughly(work, entries, fresh, err);
    }
    if (!(copies ? postgres_ledger_copy_new : postgres_ledger_take_new)(
            &self->ledger, self->db, entries, &all_new, work->deadline_ms, &self->batch, err)) {
        return false;
    }
    for (size_t i = 0; i < entries->count; i++) {
        fresh[i] = true;
    }
    /* A sequence that is there may be an older one: then nothing is known about repeats. */
    work->copy_failed = !all_new && copies && entries->parcels[0]->kind == RECORD_ABSOLUTE;
    work->repeats = !all_new && !work->copy_failed;
    return all_new || err_set(err, ERR_RETRY, "some records were applied before");
}

/* Another way of writing may succeed where this one did not. */
static bool mends(const struct err *why)
{
    return why->kind == ERR_REJECT || why->kind == ERR_CONFIG;
}

/* The ledger's lines and the rows of some entries of one run. */
static bool write_entries(struct work *work, struct entry *const *entries, size_t count,
                          struct err *err)
{
    struct postgres_sink *self = work->self;
    struct arena_mark mark = arena_mark(&self->batch);
    const struct parcel **parcels = arena_array(&self->batch, count, sizeof(struct parcel *));
    struct entry **chosen = arena_array(&self->batch, count, sizeof(struct entry *));
    bool *fresh = arena_array(&self->batch, count, sizeof *fresh);
    size_t chosen_count = 0;
    if (parcels == NULL || chosen == NULL || fresh == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        parcels[i] = entries[i]->parcel;
        chosen[i] = entries[i];
    }
    struct str target = entries[0]->shape != NULL ? str_of(entries[0]->shape->table->target->name)
                                                  : entries[0]->statement->name;
    const struct postgres_entries taken = {target, parcels, count};
    bool copies = work->copies && count >= COPY_MIN;
    bool as_new = copies && entries[0]->shape != NULL && entries[0]->shape->copy_sql != NULL;
    bool ok = (!as_new || look_new(work, entries, count, &as_new, err)) &&
              take_ledger(work, &taken, copies && (as_new || parcels[0]->kind != RECORD_ABSOLUTE),
                          fresh, err);
    if (ok && entries[0]->statement != NULL) {
        ok = run_statements(work, chosen, count, fresh, err);
    } else if (ok) {
        for (size_t i = 0; i < count; i++) {
            if (fresh[i]) {
                chosen[chosen_count++] = entries[i];
            }
        }
        ok = chosen_count == 0 || (as_new ? copy_rows(work, chosen, chosen_count, err)
                                          : write_rows(work, chosen, chosen_count, err));
    }
    work->copy_failed = work->copy_failed || (!ok && copies && !work->repeats && mends(err));
    arena_rewind(&self->batch, mark);
    return ok;
}

/* ---- Refusals ---- */

/* Which value does its column's type not take? The column's name, absent for none. */
static struct str bad_column(struct work *work, const struct entry *entry)
{
    struct postgres_sink *self = work->self;
    const struct postgres_shape *shape = entry->shape;
    struct err ignored = {0};
    for (size_t i = 0; i <= shape->count; i++) {
        bool key = i == shape->count;
        const struct postgres_column *column = key ? &shape->table->key : shape->fields[i].column;
        struct str value = key ? entry->parcel->entity : entry->values[i];
        struct str sql = arena_printf(&self->batch, "SELECT CAST($1::text AS %.*s) IS NULL",
                                      STR_ARG(column->type));
        struct str found = {0};
        if (value.ptr == NULL || sql.ptr == NULL || (!key && shape->fields[i].is_key)) {
            continue;
        }
        if (!postgres_one(self->db, sql.ptr, &value, 1, work->deadline_ms, &self->batch, &found,
                          &ignored)) {
            bool undone = postgres_script(self->db, "ROLLBACK TO SAVEPOINT sluice",
                                          work->deadline_ms, &ignored);
            return undone ? column->name : (struct str){0};
        }
    }
    return (struct str){0};
}

/* A list that is none is told by a cast that must fail: see postgres_shape.c. */
static struct str pushed_column(const struct postgres_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].group == BODY_PUSH || shape->fields[i].group == BODY_MERGE) {
            return shape->fields[i].column->name;
        }
    }
    return (struct str){0};
}

/* What the server said last, kept while it is asked other things. */
struct said {
    struct err why;
    char state[POSTGRES_STATE_SIZE];
    struct str column;
};

static struct said listen(struct work *work, const struct err *why)
{
    struct said said = {.why = *why};
    struct str column = postgres_failed_column(work->self->db);
    (void)snprintf(said.state, sizeof said.state, "%s", postgres_state(work->self->db));
    if (column.ptr != NULL) {
        said.column = arena_copy(&work->self->batch, column);
    }
    return said;
}

static bool is_state(const struct said *said, const char *beginning)
{
    return strncmp(said->state, beginning, strlen(beginning)) == 0;
}

/* What the server said about one row, in words that name the place and no value. */
static void word_row(struct work *work, const struct entry *entry, struct said *said)
{
    const struct postgres_shape *shape = entry->shape;
    const char *table = shape->table->target->name;
    struct str column = {0};
    if (is_state(said, "22") && said->column.ptr == NULL && !shape->removes) {
        column = bad_column(work, entry);
        struct str pushed = pushed_column(shape);
        if (column.ptr == NULL && is_state(said, "22P02") && pushed.ptr != NULL) {
            (void)err_set(&said->why, ERR_REJECT,
                          "table %s: column %.*s holds no list, so nothing can be pushed", table,
                          STR_ARG(pushed));
            return;
        }
    }
    if (column.ptr != NULL) {
        (void)err_prefix(&said->why, "table %s, column %.*s: ", table, STR_ARG(column));
    } else {
        (void)err_prefix(&said->why, "table %s: ", table);
    }
}

static void word_refusal(struct work *work, const struct entry *entry, struct said *said)
{
    struct str name =
        entry->shape != NULL ? str_of(entry->shape->table->target->name) : entry->statement->name;
    const char *what = entry->shape != NULL ? "table" : "statement";
    if (is_state(said, "P0")) { /* What a trigger says may hold values. */
        (void)err_set(&said->why, ERR_REJECT,
                      "%s %.*s: a trigger or function of the database refused it [%s]; its words "
                      "are in the server's log",
                      what, STR_ARG(name), said->state);
    } else if (entry->shape != NULL) {
        word_row(work, entry, said);
    } else {
        (void)err_prefix(&said->why, "statement %.*s: ", STR_ARG(name));
    }
}

/* A column that demands a value and is none of ours: the table was changed, the record is fine. */
static bool is_demand(const struct entry *entry, const struct said *said)
{
    return entry->shape != NULL && is_state(said, "23502") && said->column.ptr != NULL &&
           postgres_table_column(entry->shape->table, said->column) == NULL &&
           !str_equal(said->column, entry->shape->table->key.name);
}

static bool refuse_one(struct work *work, struct entry *entry, const struct err *why,
                       struct err *err)
{
    struct postgres *db = work->self->db;
    struct said said = listen(work, why);
    if (is_demand(entry, &said)) {
        return err_set(err, ERR_CONFIG,
                       "table %s demands a value for column '%.*s', which sluice does not write; "
                       "give it a default or allow NULL",
                       entry->shape->table->target->name, STR_ARG(said.column));
    }
    if (!postgres_script(db, "ROLLBACK TO SAVEPOINT sluice", work->deadline_ms, err)) {
        return false;
    }
    word_refusal(work, entry, &said);
    refuse(work, entry->parcel, &said.why);
    return postgres_script(db, "RELEASE SAVEPOINT sluice", work->deadline_ms, err);
}

/*
 * Entries of one run behind a savepoint. When the server refuses them, each half is tried alone, so
 * that of many only those are left out that are to blame.
 */
static bool write_carefully(struct work *work, struct entry **entries, size_t count,
                            struct err *err)
{
    struct postgres *db = work->self->db;
    struct err why = {0};
    if (!postgres_script(db, "SAVEPOINT sluice", work->deadline_ms, err)) {
        return false;
    }
    if (write_entries(work, entries, count, &why)) {
        return postgres_script(db, "RELEASE SAVEPOINT sluice", work->deadline_ms, err);
    }
    if (why.kind != ERR_REJECT || !postgres_in_transaction(db)) {
        *err = why;
        return false;
    }
    if (count == 1) {
        return refuse_one(work, entries[0], &why, err);
    }
    return postgres_script(db, "ROLLBACK TO SAVEPOINT sluice; RELEASE SAVEPOINT sluice",
                           work->deadline_ms, err) &&
           write_carefully(work, entries, count / 2, err) &&
           write_carefully(work, entries + count / 2, count - count / 2, err);
}

/* A table or statement that is not fit holds up what is meant for it, and nothing else. */
static bool run_carefully(struct work *work, struct run *run, struct err *err)
{
    struct postgres *db = work->self->db;
    struct err why = {0};
    if (!postgres_script(db, "SAVEPOINT sluice_run", work->deadline_ms, err)) {
        return false;
    }
    if (write_carefully(work, run->entries, run->count, &why)) {
        return postgres_script(db, "RELEASE SAVEPOINT sluice_run", work->deadline_ms, err);
    }
    if (why.kind != ERR_CONFIG || !postgres_in_transaction(db)) {
        *err = why;
        return false;
    }
    const struct entry *first = run->entries[0];
    (void)err_prefix(&why, "%s %.*s: ", first->shape != NULL ? "table" : "statement",
                     STR_ARG(first->parcel->target));
    work->waiting = why;
    for (size_t i = 0; i < run->count; i++) {
        run->entries[i]->parcel->verdict = VERDICT_UNTRIED;
    }
    return postgres_script(db, "ROLLBACK TO SAVEPOINT sluice_run; RELEASE SAVEPOINT sluice_run",
                           work->deadline_ms, err);
}

/* ---- Transactions ---- */

static bool write_runs(struct work *work, bool carefully, struct err *err)
{
    for (size_t i = 0; i < work->run_count; i++) {
        struct run *run = &work->runs[i];
        if (!(carefully ? run_carefully(work, run, err)
                        : write_entries(work, run->entries, run->count, err))) {
            return false;
        }
    }
    return true;
}

static bool transact(struct work *work, bool carefully, struct err *err)
{
    struct postgres_sink *self = work->self;
    struct err why = {0};
    bool ok = postgres_sink_begin(self, false, work->deadline_ms, &why) &&
              write_runs(work, carefully, &why) &&
              postgres_commit(self->db, work->deadline_ms, &why);
    if (!ok) {
        char state[POSTGRES_STATE_SIZE];
        (void)snprintf(state, sizeof state, "%s", postgres_state(self->db));
        work->clashed = strncmp(state, "40", 2) == 0;
        postgres_rollback(self->db, clock_mono_ms(self->sink.connector.env.clock) + ROLLBACK_MS);
        *err = why;
    }
    return ok;
}

/* What one transaction holds has one fate; those that were refused or have to wait, theirs. */
static void settle(struct work *work, bool done)
{
    for (size_t i = 0; i < work->entry_count; i++) {
        struct parcel *parcel = work->entries[i].parcel;
        if (!done) {
            parcel->verdict = VERDICT_UNTRIED;
            parcel->answer = (struct str){0};
        } else if (parcel->verdict == VERDICT_RETRY) {
            parcel->verdict = VERDICT_DONE;
        }
    }
}

static void undo_verdicts(struct work *work)
{
    for (size_t i = 0; i < work->entry_count; i++) {
        work->entries[i].parcel->verdict = VERDICT_RETRY;
        work->entries[i].parcel->answer = (struct str){0};
    }
}

/*
 * Parcels from `from` on in one transaction: as it is; once more when the transaction met another
 * one; and with care when the server refused something in it. Where the catalogue is not what it
 * was, it is asked again.
 */
static bool write_some(struct work *work, size_t from, size_t *to, struct err *err)
{
    bool carefully = false;
    bool copy_refused = work->self->copy_refused;
    work->thorough = work->self->repeating;
    work->copies = !work->thorough && !work->self->copy_refused;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        struct err why = {0};
        work->clashed = false;
        work->repeats = false;
        work->copy_failed = false;
        if (!gather(work, from, to, err)) {
            return false;
        }
        if (work->entry_count == 0 || transact(work, carefully, &why)) {
            settle(work, true);
            work->self->repeating = work->repeats;
            work->self->copy_refused = copy_refused;
            *err = (struct err){0}; /* Of an earlier try. */
            return true;
        }
        undo_verdicts(work);
        *err = why;
        bool careful = !carefully && !work->copy_failed && mends(&why);
        bool asks_again = work->repeats && !work->thorough;
        if (!careful && !work->clashed && !asks_again && !work->copy_failed) {
            break;
        }
        work->copies = false;
        copy_refused = copy_refused || (work->copy_failed && why.kind == ERR_CONFIG);
        work->thorough = !work->copy_failed; /* Whatever else it was: from here on the sure way. */
        carefully = carefully || careful;
        if (why.kind == ERR_CONFIG) {
            postgres_sink_forget(work->self);
        }
        if (!postgres_sink_connect(work->self, work->deadline_ms, err)) {
            break;
        }
    }
    settle(work, false);
    return false;
}

static bool is_late(const struct work *work)
{
    return clock_mono_ms(work->self->sink.connector.env.clock) >= work->deadline_ms ||
           connector_stopping(&work->self->sink.connector);
}

/* A server that was too slow for a transaction gets smaller ones, until it keeps up again. */
static void adapt(struct postgres_sink *self, size_t tried, bool done, bool late)
{
    if (done) {
        self->room = self->room < SINK_BATCH_MAX / 2 ? self->room * 2 : SINK_BATCH_MAX;
    } else if (late) {
        self->room = tried > 4 ? tried / 4 : 1;
    }
}

/* Nothing was decided: then the reason is that of the whole call. */
static bool conclude(struct work *work, size_t from, const struct err *why, struct err *err)
{
    bool decided = false;
    for (size_t i = 0; i < work->count; i++) {
        if (i >= from) {
            work->parcels[i].verdict = VERDICT_UNTRIED;
        }
        decided = decided || work->parcels[i].verdict != VERDICT_UNTRIED;
    }
    if (decided) {
        return true;
    }
    *err = why->kind != ERR_NONE ? *why : work->waiting;
    if (err->kind == ERR_NONE) {
        (void)err_set(err, ERR_RETRY, "no time left");
    }
    return postgres_sink_explain(work->self, err);
}

bool postgres_sink_write(struct sink *sink, struct parcel *parcels, size_t count,
                         struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct postgres_sink *self = postgres_self(&sink->connector);
    struct work work = {.self = self,
                        .parcels = parcels,
                        .count = count,
                        .arena = arena,
                        .deadline_ms = deadline_ms};
    struct err why = {0};
    size_t from = 0;
    must(count <= SINK_BATCH_MAX);
    if (is_late(&work)) {
        (void)err_set(err, ERR_RETRY, "no time left");
        return postgres_sink_explain(self, err);
    }
    if (!postgres_sink_connect(self, deadline_ms, err)) {
        return postgres_sink_explain(self, err);
    }
    while (from < count && !is_late(&work)) {
        size_t to = from;
        if (!write_some(&work, from, &to, &why)) {
            adapt(self, to - from, false, is_late(&work));
            break;
        }
        adapt(self, to - from, true, false);
        from = to;
    }
    arena_reset(&self->batch);
    if (count < SINK_BATCH_MAX) { /* Not a backlog: give the memory back. */
        arena_free(&self->batch);
    }
    return conclude(&work, from, &why, err);
}
