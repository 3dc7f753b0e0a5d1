/* select: where looks begin, what rows become, what SQL is asked; with a table that is made up. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "source/select_sql.h"
#include "test.h"

enum {
    ROWS_MAX = 4000,
    OVERLAP_MS = 60000,
    CURSOR_MAX = 4096,
};

/* A table whose rows appear out of order. */
static struct row {
    int64_t value;
    int64_t tie;
    int64_t seen_ms; /* When it can be seen. */
    int read;        /* How often it was. */
} rows[ROWS_MAX];
static size_t row_count;
static int64_t now_ms;
static size_t empties;
static struct select_ask asked;
static size_t at;
static size_t left;

static int64_t fake_now(struct clock *clock)
{
    (void)clock;
    return now_ms;
}

static struct clock clock_fake = {.wall_ms = fake_now, .mono_ms = fake_now};
static struct arena arena;
static struct arena opened;

static int64_t number(const struct json_value *value)
{
    int64_t out = -1;
    assert_true(json_int(value, &out));
    return out;
}

static bool made_begin(struct select *select, const struct select_ask *ask, struct arena *memory,
                       struct err *err)
{
    (void)select;
    (void)memory;
    (void)err;
    asked = *ask;
    at = 0;
    left = ask->limit;
    return true;
}

static bool wanted(const struct row *row)
{
    int64_t rising = asked.from != SELECT_ALL ? number(asked.rising) : 0;
    int64_t tie = asked.from == SELECT_BEHIND ? number(asked.tie) : 0;
    return row->seen_ms <= now_ms &&
           (asked.from == SELECT_ALL || (asked.from == SELECT_FROM && row->value >= rising) ||
            (asked.from == SELECT_BEHIND &&
             (row->value > rising || (row->value == rising && row->tie > tie))));
}

static bool made_next(struct select *select, struct arena *memory, struct select_row *out,
                      bool *got, struct err *err)
{
    static const struct str names[] = {STR_INIT("value"), STR_INIT("id"), STR_INIT("text")};
    static struct select_cell cells[3];
    static char texts[2][32];
    (void)select;
    (void)err;
    while (at < row_count && !wanted(&rows[at])) {
        at++;
    }
    *got = at < row_count && left > 0;
    if (*got) {
        left--;
        (void)snprintf(texts[0], sizeof texts[0], "%lld", (long long)rows[at].value);
        (void)snprintf(texts[1], sizeof texts[1], "%lld", (long long)rows[at].tie);
        cells[0] = (struct select_cell){SELECT_JSON, str_of(texts[0])};
        cells[1] = (struct select_cell){SELECT_JSON, str_of(texts[1])};
        cells[2] = (struct select_cell){SELECT_TEXT, STR("שלום")};
        *out = (struct select_row){.count = 3,
                                   .names = names,
                                   .cells = cells,
                                   .rising = arena_copy(memory, str_of(texts[0])),
                                   .tie = arena_copy(memory, str_of(texts[1]))};
        at++;
    }
    return true;
}

static void made_end(struct select *select)
{
    (void)select;
}

static bool made_without(struct select *select, int64_t deadline_ms, int64_t *count,
                         struct err *err)
{
    (void)select;
    (void)deadline_ms;
    (void)err;
    *count = (int64_t)empties;
    return true;
}

static const struct select_reader made = {
    .begin = made_begin, .next = made_next, .end = made_end, .without = made_without};

static struct select table;

static void make(int64_t overlap_ms)
{
    struct err err = {0};
    table = (struct select){.cursor_column = STR("value"),
                            .id_column = STR("id"),
                            .chat = STR("rows"),
                            .text_column = STR("text"),
                            .stamps.zone_name = STR("UTC"),
                            .overlap_ms = overlap_ms};
    table.source.connector.name = STR("in");
    table.source.connector.env = (struct connector_env){.clock = &clock_fake, .arena = &opened};
    const char *option = NULL;
    if (!select_check(&table, &option, &err) ||
        !select_open(&table, &made, STR("table made"), &err)) {
        fail_msg("%s", err.text);
    }
}

static char cursor[CURSOR_MAX];
static bool has_cursor;

/* One look; counts what comes. */
static bool look(size_t limit, size_t *refused)
{
    struct batch batch;
    struct err err = {0};
    struct chat_cursor chat = {.cursor = has_cursor ? str_of(cursor) : (struct str){0}};
    arena_reset(&arena);
    batch_init(&batch, &arena, &chat, 1);
    batch.limit = limit;
    if (!select_fetch(&table.source, &batch, now_ms + 1000, &err)) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < batch.count; i++) {
        int64_t tie = 0;
        assert_true(str_to_int64(batch.messages[i].external_id, &tie));
        assert_str_equal(batch.messages[i].text, STR("שלום"));
        for (size_t j = 0; j < row_count; j++) {
            rows[j].read += rows[j].tie == tie;
        }
    }
    *refused += batch.refusal_count;
    assert_in_range(chat.next.len, 1, sizeof cursor - 1);
    (void)snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(chat.next));
    has_cursor = true;
    return batch.more;
}

static void sweep(size_t limit)
{
    size_t refused = 0;
    while (look(limit, &refused)) {
        now_ms += 5;
    }
}

static int64_t below(struct rng *rng, int64_t limit)
{
    return (int64_t)rng_below(rng, (uint64_t)limit);
}

/* Numbers in order, visible up to (almost) the overlap later; whoever looks, however rarely. */
static void nothing_is_skipped(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct rng rng;
        rng_seed(&rng, seed);
        make(OVERLAP_MS);
        has_cursor = false;
        row_count = 0;
        now_ms = INT64_C(1700000000000);
        size_t before = (size_t)below(&rng, 200);
        for (int step = 0; step < 120; step++) {
            size_t fresh = step == 0 ? before : (size_t)below(&rng, 6);
            for (size_t i = 0; i < fresh && row_count < ROWS_MAX; i++) {
                bool slow = below(&rng, 4) == 0;
                rows[row_count] =
                    (struct row){.value = (int64_t)row_count / 3,
                                 .tie = (int64_t)row_count + 100,
                                 .seen_ms = now_ms + (slow ? below(&rng, OVERLAP_MS) : 0)};
                row_count++;
            }
            now_ms += below(&rng, 10) == 0 ? below(&rng, 10 * OVERLAP_MS) : below(&rng, 15000);
            sweep((size_t)below(&rng, 30) + 1);
        }
        for (int i = 0; i < 3; i++) {
            now_ms += 2 * OVERLAP_MS;
            sweep(100);
        }
        for (size_t i = 0; i < row_count; i++) {
            if (rows[i].read == 0) {
                fail_msg("seed %d: row %zu was skipped", (int)seed, i);
            }
        }
    }
}

/* A long table is read once, once more after the overlap, and then only at its end. */
static void how_often(void **state)
{
    (void)state;
    make(OVERLAP_MS);
    has_cursor = false;
    row_count = 3000;
    now_ms = INT64_C(1700000000000);
    for (size_t i = 0; i < row_count; i++) {
        rows[i] = (struct row){.value = (int64_t)i, .tie = (int64_t)i};
    }
    for (int i = 0; i < 40; i++) {
        sweep(100);
        now_ms += 5000;
    }
    for (size_t i = 0; i < row_count - 250; i++) {
        assert_int_equal(rows[i].read, 2);
    }
    for (int i = 0; i < 100; i++) { /* A day later: the last row, and no other. */
        sweep(100);
        now_ms += 15000;
    }
    int before = rows[row_count - 2].read;
    sweep(100);
    assert_int_equal(rows[row_count - 2].read, before);
    assert_true(strlen(cursor) < 512);
}

static void without_overlap(void **state)
{
    (void)state;
    make(0);
    has_cursor = false;
    row_count = 500;
    now_ms = INT64_C(1700000000000);
    for (size_t i = 0; i < row_count; i++) {
        rows[i] = (struct row){.value = (int64_t)i / 7, .tie = (int64_t)i};
    }
    for (int i = 0; i < 10; i++) {
        sweep(13);
        now_ms += 100000;
    }
    for (size_t i = 0; i < row_count; i++) {
        assert_int_equal(rows[i].read, 1);
    }
}

/* Emptied and begun anew: lower numbers than before are read, too. */
static void another_table(void **state)
{
    (void)state;
    make(OVERLAP_MS);
    has_cursor = false;
    row_count = 100;
    now_ms = INT64_C(1700000000000);
    for (size_t i = 0; i < row_count; i++) {
        rows[i] = (struct row){.value = 1000 + (int64_t)i, .tie = 1000 + (int64_t)i};
    }
    for (int i = 0; i < 5; i++) {
        sweep(30);
        now_ms += OVERLAP_MS;
    }
    row_count = 10;
    for (size_t i = 0; i < row_count; i++) {
        rows[i] = (struct row){.value = (int64_t)i, .tie = (int64_t)i};
    }
    sweep(30);
    now_ms += 15000;
    sweep(30);
    for (size_t i = 0; i < row_count; i++) {
        assert_true(rows[i].read > 0);
    }
}

static void rows_without_a_place(void **state)
{
    size_t refused = 0;
    (void)state;
    make(OVERLAP_MS);
    has_cursor = false;
    row_count = 1;
    rows[0] = (struct row){.value = 1, .tie = 1};
    empties = 3;
    (void)look(10, &refused);
    assert_int_equal(refused, 1);
    empties = 0;
}

/* ---- SQL ---- */

static struct str_pair pairs[] = {{STR_INIT("min"), STR_INIT("5")},
                                  {STR_INIT("who"), STR_INIT("Dana's")}};

static void statements(void **state)
{
    static const struct {
        enum select_dialect dialect;
        const char *table;
        const char *query;
        const char *tie;
        enum select_from from;
        const char *chat;
        const char *sql;
    } cases[] = {
        {SELECT_POSTGRES, "crm.leads", NULL, "id", SELECT_ALL, "",
         "SELECT q.* FROM \"crm\".\"leads\" AS q WHERE q.\"at\" IS NOT NULL AND q.\"id\" IS NOT "
         "NULL ORDER BY q.\"at\",q.\"id\" LIMIT 11"},
        {SELECT_POSTGRES, "le\"ads", NULL, "id", SELECT_BEHIND, "חיפה",
         "SELECT q.* FROM \"le\"\"ads\" AS q WHERE q.\"at\" IS NOT NULL AND q.\"id\" IS NOT NULL "
         "AND (q.\"at\",q.\"id\")>($1,$2) AND CAST(q.\"chat\" AS text)=$3 ORDER BY "
         "q.\"at\",q.\"id\" LIMIT 11"},
        {SELECT_SQLITE, "a.b", NULL, NULL, SELECT_BEHIND, "",
         "SELECT q.* FROM \"a.b\" AS q WHERE q.\"at\" IS NOT NULL AND q.\"at\" IS NOT NULL AND "
         "q.\"at\">?1 ORDER BY q.\"at\" LIMIT 11"},
        {SELECT_POSTGRES, NULL,
         "SELECT *, ':min' AS a, \":who\" AS b FROM t -- :who\nWHERE n > :min::int AND /* :x */ w "
         "= "
         ":who AND m < :min ; ;",
         "id", SELECT_FROM, "",
         "SELECT q.* FROM (\nSELECT *, ':min' AS a, \":who\" AS b FROM t -- :who\nWHERE n > "
         "$1::int AND /* :x */ w = $2 AND m < $1\n) AS q WHERE q.\"at\" IS NOT NULL AND q.\"id\" "
         "IS NOT NULL AND q.\"at\">=$3 ORDER BY q.\"at\",q.\"id\" LIMIT 11"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct select select = {.cursor_column = STR("at"),
                                .id_column = str_of(cases[i].tie),
                                .chat_column = STR("chat")};
        struct select_sql sql = {.dialect = cases[i].dialect,
                                 .select = &select,
                                 .table = str_of(cases[i].table),
                                 .query = str_of(cases[i].query)};
        struct select_ask ask = {.from = cases[i].from, .chat = str_of(cases[i].chat), .limit = 11};
        if (cases[i].query != NULL) {
            sql.parameters = (struct str_map){pairs, COUNT(pairs)};
        }
        arena_reset(&arena);
        const char *option = NULL;
        if (!select_sql_check(&sql, &option, &err) || !select_sql_prepare(&sql, &arena, &err)) {
            fail_msg("%s", err.text);
        }
        assert_str_equal(select_sql_ask(&sql, &ask, &arena), str_of(cases[i].sql));
    }
}

static void columns_are_named_once(void **state)
{
    static const struct str columns[] = {STR_INIT("name"), STR_INIT("id")};
    struct select select = {.columns = {columns, COUNT(columns)},
                            .key = STR("id"),
                            .text_column = STR("note"),
                            .sender_column = STR("note"),
                            .reference = true};
    struct select_sql sql = {.select = &select, .from = STR("\"t\"")};
    struct select_ask ask = {0};
    (void)state;
    arena_reset(&arena);
    assert_str_equal(
        select_sql_ask(&sql, &ask, &arena),
        STR("SELECT q.\"name\",q.\"id\",q.\"note\" FROM \"t\" AS q ORDER BY q.\"id\""));
}

static void wrong_options(void **state)
{
    static const struct {
        const char *table;
        const char *query;
        size_t parameters;
        const char *why;
    } cases[] = {
        {NULL, NULL, 0, "either a `table` or a `query`"},
        {"t", "SELECT 1", 0, "either a `table` or a `query`"},
        {NULL, "SELECT :nobody", 0, "':nobody', and `parameters` has no such name"},
        {NULL, "SELECT :min", 2, "'who' stands nowhere"},
        {"t", NULL, 2, "'min' stands nowhere"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct select_sql sql = {.table = str_of(cases[i].table),
                                 .query = str_of(cases[i].query),
                                 .parameters = {pairs, cases[i].parameters}};
        const char *option = NULL;
        assert_false(select_sql_check(&sql, &option, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        if (str_find(str_of(err.text), str_of(cases[i].why), 0) == STR_NONE) {
            fail_msg("%s", err.text);
        }
    }
}

static void options_that_do_not_fit(void **state)
{
    static const struct {
        struct select select;
        const char *why;
    } cases[] = {
        {{.reference = true}, "needs a `key`"},
        {{.cursor_column = STR_INIT("id"), .key = STR_INIT("k")}, "with `reference: true`"},
        {{.reference = true, .key = STR_INIT("k"), .cursor_column = STR_INIT("id")},
         "is for messages"},
        {{.chat = STR_INIT("x")}, "need a `cursor_column`"},
        {{.cursor_column = STR_INIT("id"), .stamps.zone_name = STR_INIT("Mars/Base")}, "zone"},
        {{.cursor_column = STR_INIT("id"),
          .stamps.zone_name = STR_INIT("UTC"),
          .stamps.format = STR_INIT("HH:MM")},
         "time_format"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct select select = cases[i].select;
        const char *option = NULL;
        assert_false(select_check(&select, &option, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        if (option != NULL) {
            assert_string_equal(option, cases[i].why);
            continue;
        }
        if (str_find(str_of(err.text), str_of(cases[i].why), 0) == STR_NONE) {
            fail_msg("%zu: %s", i, err.text);
        }
    }
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    arena_init(&opened, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_skipped),      cmocka_unit_test(how_often),
        cmocka_unit_test(without_overlap),         cmocka_unit_test(another_table),
        cmocka_unit_test(rows_without_a_place),    cmocka_unit_test(statements),
        cmocka_unit_test(columns_are_named_once),  cmocka_unit_test(wrong_options),
        cmocka_unit_test(options_that_do_not_fit),
    };
    return cmocka_run_group_tests_name("select", tests, setup, teardown);
}
