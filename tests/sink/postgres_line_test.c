/* postgres_line: the bytes of a line, and bodies cut off, spoiled and in another order. */
#include <stdlib.h>
#include <string.h>

#include "sink/postgres_shape.h"
#include "test.h"

enum { COLUMNS = 9, LINES_MAX = 1 << 20 };

static const struct column declared[COLUMNS + 1] = {
    {"who", COLUMN_TEXT, false, NULL, ""},   {"note", COLUMN_TEXT, false, NULL, ""},
    {"amount", COLUMN_INT, false, NULL, ""}, {"price", COLUMN_DOUBLE, false, NULL, ""},
    {"done", COLUMN_BOOL, false, NULL, ""},  {"at", COLUMN_TIME, false, NULL, ""},
    {"day", COLUMN_DATE, false, NULL, ""},   {"list", COLUMN_JSON, false, NULL, ""},
    {"key", COLUMN_TEXT, false, NULL, ""},   {0},
};
static const struct {
    const char *type;
    enum postgres_holds holds;
} types[COLUMNS] = {
    {"pg_catalog.\"varchar\"", HOLDS_TEXT}, {"pg_catalog.text", HOLDS_TEXT},
    {"pg_catalog.int4", HOLDS_INT},         {"pg_catalog.float8", HOLDS_NUMBER},
    {"pg_catalog.bool", HOLDS_BOOL},        {"pg_catalog.timestamptz", HOLDS_TIME},
    {"pg_catalog.date", HOLDS_TEXT},        {"pg_catalog.jsonb", HOLDS_JSON},
    {"pg_catalog.text", HOLDS_TEXT},
};

static struct arena arena;
static struct postgres_column columns[COLUMNS];
static struct postgres_shape_field fields[COLUMNS];
static struct postgres_table table;
static struct postgres_shape shape;
static const struct postgres_line *line;
static struct err err;

static const char good[] =
    "{\"set\":{\"who\":\"דנה\",\"note\":\"a\\n\\\"b\\\" and so on\",\"amount\":-7,"
    "\"price\":0.25,\"done\":true},\"insert\":{\"at\":\"2000-01-02T00:00:00.001Z\","
    "\"day\":\"1999-12-31\",\"list\":[1,\"א\"],\"key\":\"J1\"}}";

static int setup(void **state)
{
    (void)state;
    memset(&err, 0, sizeof err);
    arena_init(&arena, 16 << 20);
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = (struct postgres_column){.declared = &declared[i],
                                              .name = str_of(declared[i].name),
                                              .type = str_of(types[i].type),
                                              .holds = types[i].holds,
                                              .characters_max = i == 0 ? 8 : 0};
        fields[i] = (struct postgres_shape_field){.group = i < 5 ? BODY_SET : BODY_INSERT,
                                                  .name = columns[i].name,
                                                  .column = &columns[i],
                                                  .is_key = i == COLUMNS - 1};
    }
    table = (struct postgres_table){.key = columns[COLUMNS - 1]};
    table.key.declared = NULL;
    shape = (struct postgres_shape){.table = &table, .count = COLUMNS, .fields = fields};
    assert_true(postgres_line_make(&shape, &arena, &line, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* Read from a copy that ends where the body does, so that a sanitizer sees a step too far. */
static bool read_copy(const char *body, size_t len, struct buf *lines)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, body, len);
    bool ok = postgres_line_read(line, STR("J1"), (struct str){copy, len}, lines);
    free(copy);
    return ok;
}

static void bytes(void **state)
{
    static const char expected[] = "\0\011"
                                   "\0\0\0\2J1"
                                   "\0\0\0\6דנה"
                                   "\0\0\0\017a\n\"b\" and so on"
                                   "\0\0\0\4\377\377\377\371"
                                   "\0\0\0\10\77\320\0\0\0\0\0\0"
                                   "\0\0\0\1\1"
                                   "\0\0\0\10\0\0\0\24\35\327\143\350"
                                   "\0\0\0\4\377\377\377\377"
                                   "\0\0\0\11\1[1,\"א\"]";
    struct buf lines;
    uint32_t oids[COLUMNS + 1];
    (void)state;
    assert_non_null(line);
    assert_int_equal(line->columns, COLUMNS);
    buf_init(&lines, &arena, 16);
    assert_true(read_copy(good, sizeof good - 1, &lines));
    assert_int_equal(lines.len, sizeof expected - 1);
    assert_memory_equal(lines.ptr, expected, lines.len);
    postgres_line_types(line, oids);
    assert_int_equal(oids[0], POSTGRES_TEXT);
    assert_int_equal(oids[1], POSTGRES_VARCHAR);
    assert_int_equal(oids[COLUMNS - 1], POSTGRES_JSONB);
}

/* A line's values end where the line does. */
static void assert_whole(const struct buf *lines, size_t from)
{
    size_t at = from + 2;
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_true(at + 4 <= lines->len);
        uint32_t len = 0;
        for (size_t k = 0; k < 4; k++) {
            len = len << 8 | (unsigned char)lines->ptr[at + k];
        }
        at += 4 + (len == UINT32_MAX ? 0 : len);
    }
    assert_int_equal(at, lines->len);
}

/* What is not exactly so is left to the others, and nothing stays behind of it. */
static void spoiled(void **state)
{
    static const char by[] = "\"\\{}[],:0-9.eunt \n\377\327";
    struct buf lines;
    size_t taken = 0;
    (void)state;
    buf_init(&lines, &arena, LINES_MAX);
    for (size_t len = 0; len < sizeof good - 1; len++) {
        assert_false(read_copy(good, len, &lines));
        assert_int_equal(lines.len, 0);
    }
    for (size_t at = 0; at < sizeof good - 1; at++) {
        for (size_t i = 0; i < sizeof by; i++) {
            char body[sizeof good];
            memcpy(body, good, sizeof good);
            body[at] = by[i];
            size_t from = lines.len;
            if (read_copy(body, sizeof good - 1, &lines)) {
                assert_whole(&lines, from);
                taken++;
            }
            assert_true(buf_ok(&lines));
            buf_clear(&lines);
        }
    }
    assert_true(taken > 100);
}

static void others(void **state)
{
    static const struct {
        const char *entity;
        const char *body;
    } cases[] = {
        {"J1", "{\"set\":{}}"}, {"J1", "{}"},   {"J1", ""},
        {"J1", "null"},         {"J2", good}, /* The key says something else. */
        {"J\\1", good},         {"J\"1", good},
    };
    struct buf lines;
    (void)state;
    buf_init(&lines, &arena, 16);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_false(
            postgres_line_read(line, str_of(cases[i].entity), str_of(cases[i].body), &lines));
        assert_int_equal(lines.len, 0);
    }
    assert_false(postgres_line_read(line, (struct str){"J\0", 2}, str_of(good), &lines));
    assert_int_equal(lines.len, 0);
}

/* Types that are not written this way, and a column declared as something else than it is. */
static void other_types(void **state)
{
    static const char *const slow[] = {"pg_catalog.\"numeric\"", "pg_catalog.json", "public.text",
                                       "pg_catalog.uuid", "pg_catalog.int8[]"};
    (void)state;
    for (size_t i = 0; i < COUNT(slow); i++) {
        columns[1].type = str_of(slow[i]);
        assert_true(postgres_line_make(&shape, &arena, &line, &err));
        assert_null(line);
    }
    columns[1] = columns[2];            /* An integer … */
    columns[1].declared = &declared[1]; /* … that is declared as text. */
    assert_true(postgres_line_make(&shape, &arena, &line, &err));
    assert_null(line);
    columns[1] = columns[8];
    table.key.type = STR("pg_catalog.int4");
    assert_true(postgres_line_make(&shape, &arena, &line, &err));
    assert_null(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(spoiled, setup, teardown),
        cmocka_unit_test_setup_teardown(others, setup, teardown),
        cmocka_unit_test_setup_teardown(other_types, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
