/* Writing a batch: parcels of one shape become one statement, and all of it one transaction. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "sink/postgres_inside.h"

enum {
    RUNS_MAX = 64,    /* Shapes and statements of one transaction. */
    TRIES_MAX = 4,    /* After a deadlock, or when others change the same rows. */
    QUICK_MIN = 1024, /* Rows; for fewer, the round trips cost more than is saved. */
    LINE_ROOM = 4096,
    ROLLBACK_MS = 2 * 1000,
    TRANSACTION_BYTES = 16 * 1024 * 1024, /* Of bodies. */
};

/* Entries of one shape or statement, and of one kind. */
struct run {
    struct postgres_entry **entries;
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
    struct postgres_entry *entries;
    size_t entry_count;
    struct run runs[RUNS_MAX];
    size_t run_count;
    bool quick;         /* Many rows may be copied, or updated, by what a sample tells of them. */
    bool quick_failed;  /* So once more without that. */
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

/* Its body as values; the first one of a shape may be read as a line once the shape is known. */
static bool prepare_values(struct work *work, struct postgres_entry *entry,
                           const struct postgres_table *table, struct err *err)
{
    struct postgres_sink *self = work->self;
    size_t known = self->shape_count;
    struct arena_mark mark = arena_mark(work->arena);
    bool ok = body_read(entry->parcel->body, work->arena, &self->body, err);
    ok = (ok || err_prefix(err, "table %s: ", table->target->name)) &&
         body_suits_kind(&self->body, entry->parcel->kind, err) &&
         find_shape(self, table, false, &entry->shape, err) &&
         ((self->shape_count > known && postgres_rows_line(self, table, entry)) ||
          postgres_rows_values(self, entry, err));
    arena_rewind(work->arena, mark);
    return ok;
}

static bool prepare_row(struct work *work, struct postgres_entry *entry, size_t target,
                        struct err *err)
{
    struct postgres_sink *self = work->self;
    const struct postgres_table *table = NULL;
    struct parcel *parcel = entry->parcel;
    if (parcel->kind == RECORD_QUESTION) {
        return err_set(err, ERR_REJECT,
                       "a table cannot answer questions; `statements` of the sink can");
    }
    if (!postgres_sink_table(self, target, work->deadline_ms, &table, err)) {
        return false;
    }
    bool short_enough = parcel->entity.len > 0 && parcel->entity.len <= RECORD_ENTITY_MAX;
    if (short_enough && !parcel->removed && postgres_rows_line(self, table, entry)) {
        return true;
    }
    if (!short_enough || str_find_byte(parcel->entity, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_REJECT,
                       "table %.*s: the key is empty, longer than %d bytes, or holds a NUL",
                       STR_ARG(str_slice(parcel->target, 0, BODY_NAME_SHOWN)), RECORD_ENTITY_MAX);
    }
    if (parcel->removed) {
        return find_shape(self, table, true, &entry->shape, err);
    }
    return prepare_values(work, entry, table, err);
}

static bool prepare_statement(struct work *work, struct postgres_entry *entry, struct err *err)
{
    entry->values =
        arena_array(&work->self->batch, entry->statement->count + 1, sizeof *entry->values);
    return entry->values != NULL ? postgres_statement_values(entry->statement, entry->parcel,
                                                             &work->self->batch, entry->values, err)
                                 : no_memory(err);
}

static bool prepare(struct work *work, struct postgres_entry *entry, struct err *err)
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

static bool alike(const struct postgres_entry *a, const struct postgres_entry *b)
{
    return a->shape == b->shape && a->statement == b->statement &&
           a->parcel->kind == b->parcel->kind && (a->line_len > 0) == (b->line_len > 0);
}

/* The run of an entry: a known one, or a new one; RUNS_MAX when there is no room. */
static size_t run_of(struct work *work, const struct postgres_entry *entry)
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
    struct postgres_entry **places =
        arena_array(&work->self->batch, work->entry_count + 1, sizeof(struct postgres_entry *));
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
    struct postgres_entry *entry = &work->entries[work->entry_count];
    struct err why = {0};
    *entry = (struct postgres_entry){.parcel = parcel};
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
        struct postgres_entry **first =
            arena_array(&work->self->batch, 1, sizeof(struct postgres_entry *));
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

/* What their lines will take, as far as one can guess. */
static size_t bytes_of(const struct parcel *parcels, size_t count)
{
    size_t bytes = LINE_ROOM;
    for (size_t i = 0; i < count && bytes < TRANSACTION_BYTES; i++) {
        bytes += parcels[i].body.len;
    }
    return bytes;
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
    buf_init(&self->lines, &self->batch, bytes_of(&work->parcels[from], room));
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
    (void)buf_reserve(&self->lines, POSTGRES_LINES_SLACK);
    return buf_ok(&self->lines) ? sort_runs(work, err) : no_memory(err);
}

/* ---- Statements ---- */

static bool run_statements(struct work *work, struct postgres_entry **entries, size_t count,
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
static bool take_ledger(struct work *work, const struct postgres_entries *entries, bool *fresh,
                        struct err *err)
{
    struct postgres_sink *self = work->self;
    bool all_new = false;
    if (work->thorough) {
        return take_thoroughly(work, entries, fresh, err);
    }
    if (!postgres_ledger_take_new(&self->ledger, self->db, entries, &all_new, work->deadline_ms,
                                  &self->batch, err)) {
        return false;
    }
    for (size_t i = 0; i < entries->count; i++) {
        fresh[i] = true;
    }
    /* A sequence that is there may be an older one: then nothing is known about repeats. */
    work->quick_failed = !all_new && entries->rows == POSTGRES_ROWS_NEW &&
                         entries->parcels[0]->kind == RECORD_ABSOLUTE;
    work->repeats = !all_new && !work->quick_failed;
    return all_new || err_set(err, ERR_RETRY, "some records were applied before");
}

/* Another way of writing may succeed where this one did not. */
static bool mends(const struct err *why)
{
    return why->kind == ERR_REJECT || why->kind == ERR_CONFIG;
}

enum way { WAY_SURE = 0, WAY_COPY, WAY_UPDATE };

/*
 * How are the rows to be written? Taking them for new when they are not, or the other way round, is
 * no harm but wasted work: it fails, and they go the sure way.
 */
static bool choose_way(struct work *work, const struct postgres_rows *rows, enum way *way,
                       struct err *err)
{
    bool copies = postgres_rows_copies(rows);
    bool updates = postgres_rows_updates(rows);
    bool there = false;
    *way = WAY_SURE;
    if (!work->quick || rows->count < QUICK_MIN || (!copies && !updates)) {
        return true;
    }
    if (!postgres_rows_look(work->self, rows, &there, err)) {
        return false;
    }
    *way = there ? (updates ? WAY_UPDATE : WAY_SURE) : (copies ? WAY_COPY : WAY_SURE);
    return true;
}

static bool write_rows(struct work *work, const struct postgres_rows *rows, enum way way,
                       struct err *err)
{
    bool whole = true;
    bool ok = way == WAY_COPY     ? postgres_rows_copy(work->self, rows, err)
              : way == WAY_UPDATE ? postgres_rows_update(work->self, rows, &whole, err)
                                  : postgres_rows_write(work->self, rows, err);
    work->quick_failed = way != WAY_SURE && (ok ? !whole : mends(err));
    return ok && (whole || err_set(err, ERR_RETRY, "others made or removed some of the rows"));
}

/* The ledger's lines and the rows of some entries of one run. */
static bool write_entries(struct work *work, struct postgres_entry *const *entries, size_t count,
                          struct err *err)
{
    struct postgres_sink *self = work->self;
    struct arena_mark mark = arena_mark(&self->batch);
    const struct parcel **parcels = arena_array(&self->batch, count, sizeof(struct parcel *));
    struct postgres_entry **chosen =
        arena_array(&self->batch, count, sizeof(struct postgres_entry *));
    bool *fresh = arena_array(&self->batch, count, sizeof *fresh);
    enum way way = WAY_SURE;
    if (parcels == NULL || chosen == NULL || fresh == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        parcels[i] = entries[i]->parcel;
        chosen[i] = entries[i];
    }
    struct str target = entries[0]->shape != NULL ? str_of(entries[0]->shape->table->target->name)
                                                  : entries[0]->statement->name;
    struct postgres_entries taken = {target, parcels, count, POSTGRES_ROWS_UNKNOWN};
    struct postgres_rows rows = {chosen, count, work->deadline_ms, work->run_count == 1};
    bool ok = choose_way(work, &rows, &way, err);
    taken.rows = way == WAY_COPY     ? POSTGRES_ROWS_NEW
                 : way == WAY_UPDATE ? POSTGRES_ROWS_THERE
                                     : POSTGRES_ROWS_UNKNOWN;
    ok = ok && take_ledger(work, &taken, fresh, err);
    if (ok && entries[0]->statement != NULL) {
        ok = run_statements(work, chosen, count, fresh, err);
    } else if (ok) {
        rows.count = 0;
        for (size_t i = 0; i < count; i++) {
            if (fresh[i]) {
                chosen[rows.count++] = entries[i];
            }
        }
        ok = rows.count == 0 || write_rows(work, &rows, way, err);
    }
    if (!ok) { /* Mostly it is done, and then the next batch finds its memory in one piece. */
        arena_rewind(&self->batch, mark);
    }
    return ok;
}

/* ---- Refusals ---- */

/* A row that was read as a line has no texts yet; when they cannot be had, that is the reason. */
static bool have_values(struct work *work, struct postgres_entry *entry, struct err *err)
{
    struct postgres_sink *self = work->self;
    if (entry->line_len == 0 || entry->values != NULL) {
        return true;
    }
    struct arena_mark mark = arena_mark(work->arena);
    bool ok = body_read(entry->parcel->body, work->arena, &self->body, err) &&
              postgres_rows_values(self, entry, err);
    arena_rewind(work->arena, mark);
    return ok;
}

/* Which value does its column's type not take? The column's name, absent for none. */
static struct str bad_column(struct work *work, const struct postgres_entry *entry)
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
static void word_row(struct work *work, struct postgres_entry *entry, struct said *said)
{
    const struct postgres_shape *shape = entry->shape;
    const char *table = shape->table->target->name;
    struct str column = {0};
    struct err unread = {0};
    if (!have_values(work, entry, &unread)) {
        said->why = unread;
        (void)err_prefix(&said->why, "table %s: ", table);
        return;
    }
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

static void word_refusal(struct work *work, struct postgres_entry *entry, struct said *said)
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
static bool is_demand(const struct postgres_entry *entry, const struct said *said)
{
    return entry->shape != NULL && is_state(said, "23502") && said->column.ptr != NULL &&
           postgres_table_column(entry->shape->table, said->column) == NULL &&
           !str_equal(said->column, entry->shape->table->key.name);
}

static bool refuse_one(struct work *work, struct postgres_entry *entry, const struct err *why,
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
static bool write_carefully(struct work *work, struct postgres_entry **entries, size_t count,
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
    const struct postgres_entry *first = run->entries[0];
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
    work->quick = !work->thorough && !work->self->copy_refused;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        struct err why = {0};
        work->clashed = false;
        work->repeats = false;
        work->quick_failed = false;
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
        bool careful = !carefully && !work->quick_failed && mends(&why);
        bool asks_again = work->repeats && !work->thorough;
        if (!careful && !work->clashed && !asks_again && !work->quick_failed) {
            break;
        }
        work->quick = false;
        copy_refused = copy_refused || (work->quick_failed && why.kind == ERR_CONFIG);
        work->thorough = !work->quick_failed; /* Whatever else it was: from here on the sure way. */
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
