#include "sink/postgres_ledger.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "db/sql.h"

enum { NUMBER_SIZE = 24, ORIGIN_TEXT_SIZE = 2 * EFFECT_ORIGIN_SIZE + 3 };

/* "{s}" in a statement is the quoted schema. */
static const char effects_sql[] =
    "WITH g AS MATERIALIZED (SELECT * FROM unnest($1::text[],$2::bytea[],$3::int4[],$4::int8[],"
    "$5::int8[]) WITH ORDINALITY AS g(pipeline,origin,nth,generation,message,ord)), "
    "taken AS (INSERT INTO {s}.sluice_effects(pipeline,origin,nth,generation,message) "
    "SELECT pipeline,origin,nth,generation,message FROM g ON CONFLICT DO NOTHING "
    "RETURNING pipeline,origin,nth,generation,message) "
    "SELECT g.ord FROM g WHERE NOT EXISTS (SELECT FROM taken AS t WHERE t.pipeline=g.pipeline AND "
    "t.origin=g.origin AND t.nth=g.nth AND t.generation=g.generation AND t.message=g.message)";

static const char sequences_sql[] =
    "WITH g AS MATERIALIZED (SELECT * FROM unnest($1::text[],$2::text[],$3::int4[],$4::int8[],"
    "$5::int8[]) WITH ORDINALITY AS g(pipeline,entity,nth,generation,message,ord)), "
    "taken AS (INSERT INTO {s}.sluice_seq AS s(pipeline,target,entity,generation,archive_id,nth) "
    "SELECT pipeline,$6::text,entity,generation,message,nth FROM g "
    "ON CONFLICT(entity,target,pipeline) DO UPDATE SET generation=excluded.generation,"
    "archive_id=excluded.archive_id,nth=excluded.nth WHERE "
    "(excluded.generation,excluded.archive_id,excluded.nth)>(s.generation,s.archive_id,s.nth) "
    "RETURNING pipeline,entity) "
    "SELECT g.ord FROM g WHERE NOT EXISTS (SELECT FROM taken AS t WHERE t.pipeline=g.pipeline AND "
    "t.entity=g.entity)";

/*
 * For those that are new, of one pipeline and generation: three times as fast. An effect that is
 * there already makes the first one fail, a sequence that is not newer is missing in the second
 * one's count. Lists that stand beside each other in SELECT are read in step; each in FROM by
 * itself would be written down first.
 */
static const char effects_quick_sql[] =
    "INSERT INTO {s}.sluice_effects(pipeline,origin,nth,generation,message) SELECT "
    "$1::text,origin,coalesce(nth,0),$2::int8,message FROM (SELECT unnest($3::bytea[]) AS origin,"
    "unnest($4::int4[]) AS nth,unnest($5::int8[]) AS message) AS g";

static const char sequences_quick_sql[] =
    "INSERT INTO {s}.sluice_seq AS s(pipeline,target,entity,nth,generation,archive_id) "
    "SELECT $1::text,$6::text,entity,coalesce(nth,0),$2::int8,message FROM (SELECT "
    "unnest($3::text[]) AS "
    "entity,unnest($4::int4[]) AS nth,unnest($5::int8[]) AS message) AS g "
    "ON CONFLICT(entity,target,pipeline) DO UPDATE SET generation=excluded.generation,"
    "archive_id=excluded.archive_id,nth=excluded.nth WHERE "
    "(excluded.generation,excluded.archive_id,excluded.nth)>(s.generation,s.archive_id,s.nth)";

/* Where the rows are new, a sequence that is there after all makes it fail. */
static const char sequences_new_sql[] =
    "INSERT INTO {s}.sluice_seq(pipeline,target,entity,nth,generation,archive_id) "
    "SELECT $1::text,$6::text,entity,coalesce(nth,0),$2::int8,message FROM (SELECT "
    "unnest($3::text[]) AS entity,unnest($4::int4[]) AS nth,unnest($5::int8[]) AS message) AS g";

/* Where they are there, so are most of their sequences. Nothing but the join says which, so that
   no plan begins with all of a pipeline's. */
static const char sequences_old_sql[] =
    "UPDATE {s}.sluice_seq AS s SET generation=$2::int8,archive_id=g.message,nth=g.nth FROM "
    "(SELECT entity,$6::text AS target,$1::text AS pipeline,coalesce(nth,0) AS nth,message FROM "
    "(SELECT unnest($3::text[]) AS entity,unnest($4::int4[]) AS nth,unnest($5::int8[]) AS message) "
    "AS l OFFSET 0) AS g WHERE s.entity=g.entity AND s.target=g.target AND s.pipeline=g.pipeline "
    "AND ($2::int8,g.message,g.nth)>(s.generation,s.archive_id,s.nth)";

static const char find_sql[] = "SELECT answer FROM {s}.sluice_effects "
                               "WHERE pipeline=$1 AND origin=$2::bytea AND nth=$3::int4";
static const char keep_sql[] = "UPDATE {s}.sluice_effects SET answer=$4 "
                               "WHERE pipeline=$1 AND origin=$2::bytea AND nth=$3::int4";

/*
 * Names are compared byte by byte, which costs a fraction of what a language's order does, and the
 * part of a key that tells most stands first. A sequence is written over and over: with half of
 * each page free the new one stands beside the old one, and the index need not learn of it.
 */
static const struct {
    const char *name;
    const char *sql;
} parts[] = {
    {"sluice_effects",
     "CREATE TABLE {s}.sluice_effects(pipeline text COLLATE \"C\" NOT NULL, origin bytea NOT NULL,"
     "nth integer NOT NULL, generation bigint NOT NULL, message bigint NOT NULL,"
     "applied_at timestamptz NOT NULL DEFAULT now(), answer text,"
     "PRIMARY KEY(origin, pipeline, nth))"},
    {"sluice_effect_names",
     "CREATE VIEW {s}.sluice_effect_names AS SELECT "
     "pipeline||'/'||generation||'/'||message||'/'||nth AS effect, applied_at "
     "FROM {s}.sluice_effects"},
    {"sluice_seq", "CREATE TABLE {s}.sluice_seq(pipeline text COLLATE \"C\" NOT NULL,"
                   "target text COLLATE \"C\" NOT NULL, entity text COLLATE \"C\" NOT NULL,"
                   "generation bigint NOT NULL, archive_id bigint NOT NULL, nth integer NOT NULL,"
                   "PRIMARY KEY(entity, target, pipeline)) WITH (fillfactor=50)"},
};

enum { PARTS = sizeof parts / sizeof parts[0] };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "postgres: out of memory for the ledger");
}

static const char *in_schema(const char *pattern, struct str schema, struct arena *arena)
{
    struct buf sql;
    struct str rest = str_of(pattern);
    buf_init(&sql, arena, rest.len + 128);
    for (size_t at = str_find(rest, STR("{s}"), 0); at != STR_NONE;
         at = str_find(rest, STR("{s}"), 0)) {
        buf_add(&sql, str_slice(rest, 0, at));
        sql_add_name(&sql, schema);
        rest = str_slice(rest, at + 3, rest.len);
    }
    buf_add(&sql, rest);
    return buf_str(&sql).ptr;
}

bool postgres_ledger_prepare(struct postgres_ledger *ledger, struct str schema, struct arena *arena,
                             struct err *err)
{
    ledger->take_effects = in_schema(effects_sql, schema, arena);
    ledger->take_sequences = in_schema(sequences_sql, schema, arena);
    ledger->quick_effects = in_schema(effects_quick_sql, schema, arena);
    ledger->quick_sequences = in_schema(sequences_quick_sql, schema, arena);
    ledger->new_sequences = in_schema(sequences_new_sql, schema, arena);
    ledger->old_sequences = in_schema(sequences_old_sql, schema, arena);
    ledger->find_answer = in_schema(find_sql, schema, arena);
    ledger->keep_answer = in_schema(keep_sql, schema, arena);
    return (ledger->take_effects != NULL && ledger->take_sequences != NULL &&
            ledger->quick_effects != NULL && ledger->quick_sequences != NULL &&
            ledger->new_sequences != NULL && ledger->old_sequences != NULL &&
            ledger->find_answer != NULL && ledger->keep_answer != NULL) ||
           no_memory(err);
}

static bool is_there(struct postgres *db, struct str schema, const char *name, int64_t deadline_ms,
                     struct arena *arena, bool *there, struct err *err)
{
    static const char sql[] = "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                              "ON n.oid=c.relnamespace WHERE n.nspname=$1 AND c.relname=$2";
    struct str values[] = {schema, str_of(name)};
    struct str found = {0};
    if (!postgres_one(db, sql, values, 2, deadline_ms, arena, &found, err)) {
        return false;
    }
    *there = found.ptr != NULL;
    return true;
}

bool postgres_ledger_check(struct postgres *db, struct str schema, int64_t deadline_ms,
                           struct arena *arena, struct err *err)
{
    static const char sql[] =
        "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        "ON n.oid=c.relnamespace WHERE n.nspname=$1 AND c.relname IN ('sluice_effects',"
        "'sluice_seq')";
    struct str found = {0};
    if (!postgres_one(db, sql, &schema, 1, deadline_ms, arena, &found, err)) {
        return false;
    }
    return str_equal(found, STR("2")) ||
           err_set(err, ERR_CONFIG,
                   "sluice's own tables are not there yet (%.*s.sluice_effects, sluice_seq): run "
                   "sluice migrate; what is to be written waits",
                   STR_ARG(schema));
}

bool postgres_ledger_make(struct postgres *db, struct str schema, bool dry, int64_t deadline_ms,
                          struct arena *arena, struct buf *report, struct err *err)
{
    for (size_t i = 0; i < PARTS; i++) {
        bool there = false;
        if (!is_there(db, schema, parts[i].name, deadline_ms, arena, &there, err)) {
            return false;
        }
        if (there) {
            continue;
        }
        const char *sql = in_schema(parts[i].sql, schema, arena);
        if (sql == NULL) {
            return no_memory(err);
        }
        if (!dry && !postgres_script(db, sql, deadline_ms, err)) {
            return false;
        }
        buf_printf(report, "table %s: created (what was applied)\n", parts[i].name);
    }
    return true;
}

/* "\x0011…" */
static struct str origin_text(struct str origin, char out[ORIGIN_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    must(origin.len <= EFFECT_ORIGIN_SIZE);
    out[len++] = '\\';
    out[len++] = 'x';
    for (size_t i = 0; i < origin.len; i++) {
        out[len++] = digits[(unsigned char)origin.ptr[i] >> 4U];
        out[len++] = digits[(unsigned char)origin.ptr[i] & 15U];
    }
    return (struct str){out, len};
}

static void add_number(struct buf *array, bool first, int64_t number)
{
    buf_add(array, first ? STR("") : STR(","));
    buf_add_int(array, number);
}

/* The places that come back, from 1, are those of parcels that were applied before. */
static bool read_places(struct postgres *db, size_t count, bool *fresh, struct err *err)
{
    bool row = true;
    while (postgres_next(db, &row, err)) {
        int64_t place = 0;
        if (!row) {
            return true;
        }
        if (str_to_int64(postgres_text(db, 0), &place) && place >= 1 && place <= (int64_t)count) {
            fresh[place - 1] = false;
        }
    }
    return false;
}

enum { ARRAYS = 5 };

/* The parcels as arrays: $1 to $5 of the statements. */
static bool make_arrays(const struct parcel *const *parcels, size_t count, struct arena *arena,
                        struct str values[ARRAYS], struct err *err)
{
    struct buf arrays[ARRAYS];
    char origin[ORIGIN_TEXT_SIZE];
    bool absolute = parcels[0]->kind == RECORD_ABSOLUTE;
    for (size_t i = 0; i < ARRAYS; i++) {
        buf_init(&arrays[i], arena, count * NUMBER_SIZE + 64);
        buf_add_byte(&arrays[i], '{');
    }
    for (size_t i = 0; i < count; i++) {
        const struct effect *effect = &parcels[i]->effect;
        bool first = i == 0;
        must((parcels[i]->kind == RECORD_ABSOLUTE) == absolute);
        postgres_array_item(&arrays[0], first, effect->pipeline);
        postgres_array_item(&arrays[1], first,
                            absolute ? parcels[i]->entity : origin_text(effect->origin, origin));
        add_number(&arrays[2], first, effect->nth);
        add_number(&arrays[3], first, effect->generation);
        add_number(&arrays[4], first, effect->message);
    }
    for (size_t i = 0; i < ARRAYS; i++) {
        buf_add_byte(&arrays[i], '}');
        values[i] = buf_str(&arrays[i]);
        if (values[i].ptr == NULL) {
            return no_memory(err);
        }
    }
    return true;
}

bool postgres_ledger_take(const struct postgres_ledger *ledger, struct postgres *db,
                          const struct postgres_entries *entries, bool *fresh, int64_t deadline_ms,
                          struct arena *arena, struct err *err)
{
    struct str values[ARRAYS + 1];
    bool absolute = entries->parcels[0]->kind == RECORD_ABSOLUTE;
    if (!make_arrays(entries->parcels, entries->count, arena, values, err)) {
        return false;
    }
    values[ARRAYS] = entries->target;
    for (size_t i = 0; i < entries->count; i++) {
        fresh[i] = true;
    }
    return postgres_query(db, absolute ? ledger->take_sequences : ledger->take_effects, values,
                          ARRAYS + absolute, deadline_ms, err) &&
           read_places(db, entries->count, fresh, err);
}

static bool of_one_origin(const struct parcel *const *parcels, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (parcels[i]->effect.generation != parcels[0]->effect.generation ||
            !str_equal(parcels[i]->effect.pipeline, parcels[0]->effect.pipeline)) {
            return false;
        }
    }
    return true;
}

/* A list that is shorter than the others goes on with NULL: none at all where all are the first. */
static struct str make_nths(const struct postgres_entries *entries, struct arena *arena)
{
    struct buf nths;
    bool all_first = true;
    for (size_t i = 0; i < entries->count; i++) {
        all_first = all_first && entries->parcels[i]->effect.nth == 0;
    }
    size_t count = all_first ? 1 : entries->count;
    buf_init(&nths, arena, 64);
    postgres_binary_array(&nths, POSTGRES_INT4, count);
    for (size_t i = 0; i < count; i++) {
        postgres_binary_int(&nths, 4, 4);
        postgres_binary_int(&nths, entries->parcels[i]->effect.nth, 4);
    }
    return buf_str(&nths);
}

/* The parcels in binary: $1 to $6 of the quick statements. */
static bool make_binary(const struct postgres_entries *entries, struct arena *arena,
                        struct str values[ARRAYS + 1], struct err *err)
{
    enum { ITEM_SIZE = 12 };
    const struct effect *first = &entries->parcels[0]->effect;
    bool absolute = entries->parcels[0]->kind == RECORD_ABSOLUTE;
    struct buf generation;
    struct buf names;
    struct buf messages;
    buf_init(&generation, arena, ITEM_SIZE);
    buf_init(&names, arena, entries->count * 2 * ITEM_SIZE + 64);
    buf_init(&messages, arena, entries->count * ITEM_SIZE + 64);
    postgres_binary_int(&generation, first->generation, 8);
    postgres_binary_array(&names, absolute ? POSTGRES_TEXT : POSTGRES_BYTEA, entries->count);
    postgres_binary_array(&messages, POSTGRES_INT8, entries->count);
    for (size_t i = 0; i < entries->count; i++) {
        const struct parcel *parcel = entries->parcels[i];
        must((parcel->kind == RECORD_ABSOLUTE) == absolute);
        postgres_binary_item(&names, absolute ? parcel->entity : parcel->effect.origin);
        postgres_binary_int(&messages, 8, 4);
        postgres_binary_int(&messages, parcel->effect.message, 8);
    }
    values[0] = first->pipeline;
    values[1] = buf_str(&generation);
    values[2] = buf_str(&names);
    values[3] = make_nths(entries, arena);
    values[4] = buf_str(&messages);
    values[ARRAYS] = entries->target;
    return (values[1].ptr != NULL && values[2].ptr != NULL && values[3].ptr != NULL &&
            values[4].ptr != NULL) ||
           no_memory(err);
}

/* Enter the sequences; `*rows` is the number of those that were newer than what was there. */
static bool take_sequences(const struct postgres_ledger *ledger, struct postgres *db,
                           const struct postgres_entries *entries, const struct str *values,
                           int64_t deadline_ms, int64_t *rows, struct err *err)
{
    int64_t more = 0;
    if (entries->rows == POSTGRES_ROWS_NEW) {
        return postgres_exec_binary(db, ledger->new_sequences, values, ARRAYS + 1, deadline_ms,
                                    rows, err);
    }
    if (entries->rows == POSTGRES_ROWS_THERE &&
        !postgres_exec_binary(db, ledger->old_sequences, values, ARRAYS + 1, deadline_ms, rows,
                              err)) {
        return false;
    }
    /* What was written just now is not newer than itself: so nothing is counted twice. */
    bool ok = *rows == (int64_t)entries->count ||
              postgres_exec_binary(db, ledger->quick_sequences, values, ARRAYS + 1, deadline_ms,
                                   &more, err);
    *rows += more;
    return ok;
}

bool postgres_ledger_take_new(const struct postgres_ledger *ledger, struct postgres *db,
                              const struct postgres_entries *entries, bool *all_new,
                              int64_t deadline_ms, struct arena *arena, struct err *err)
{
    struct str values[ARRAYS + 1];
    int64_t rows = 0;
    struct err why = {0};
    *all_new = false;
    if (!of_one_origin(entries->parcels, entries->count)) {
        return true; /* Nothing was asked, and nothing is known. */
    }
    if (!make_binary(entries, arena, values, err)) {
        return false;
    }
    bool ok = entries->parcels[0]->kind == RECORD_ABSOLUTE
                  ? take_sequences(ledger, db, entries, values, deadline_ms, &rows, &why)
                  : postgres_exec_binary(db, ledger->quick_effects, values, ARRAYS, deadline_ms,
                                         &rows, &why);
    *all_new = ok && rows == (int64_t)entries->count;
    if (!ok && strcmp(postgres_state(db), "23505") != 0) {
        *err = why;
        return false;
    }
    return true;
}

static size_t name_effect(const struct effect *effect, char origin[ORIGIN_TEXT_SIZE],
                          char nth[NUMBER_SIZE], struct str values[3])
{
    (void)snprintf(nth, NUMBER_SIZE, "%d", (int)effect->nth);
    values[0] = effect->pipeline;
    values[1] = origin_text(effect->origin, origin);
    values[2] = str_of(nth);
    return 3;
}

bool postgres_ledger_answer(const struct postgres_ledger *ledger, struct postgres *db,
                            const struct effect *effect, int64_t deadline_ms, struct arena *arena,
                            struct str *answer, struct err *err)
{
    char origin[ORIGIN_TEXT_SIZE];
    char nth[NUMBER_SIZE];
    struct str values[3];
    size_t count = name_effect(effect, origin, nth, values);
    return postgres_one(db, ledger->find_answer, values, count, deadline_ms, arena, answer, err);
}

bool postgres_ledger_keep(const struct postgres_ledger *ledger, struct postgres *db,
                          const struct effect *effect, struct str answer, int64_t deadline_ms,
                          struct err *err)
{
    char origin[ORIGIN_TEXT_SIZE];
    char nth[NUMBER_SIZE];
    struct str values[4];
    size_t count = name_effect(effect, origin, nth, values);
    values[count++] = answer;
    return postgres_exec(db, ledger->keep_answer, values, count, deadline_ms, NULL, err);
}
