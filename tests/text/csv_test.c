/* csv: rows as they are met, rows that are wrong, pieces cut anywhere, and random bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/csv.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 32 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* A row as "[a][b]", an error as "!text", so that a whole file is one string. */
static void show_row(struct buf *out, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        buf_printf(out, "[%.*s]", STR_ARG(row->fields[i]));
    }
    buf_add_byte(out, '|');
}

static void show_all(struct csv *csv, struct buf *out)
{
    for (size_t rounds = 0; rounds < 100000; rounds++) {
        struct csv_row row;
        struct err err = {0};
        bool got = false;
        if (!csv_next(csv, &arena, &row, &got, &err)) {
            assert_int_equal(err.kind, ERR_REJECT);
            buf_printf(out, "!%s|", err.text);
        } else if (got) {
            show_row(out, &row);
        } else {
            return;
        }
    }
    fail_msg("the reader does not end");
}

static const struct {
    struct str text;
    char separator;
    const char *shown;
} cases[] = {
    {STR_INIT(""), ',', ""},
    {STR_INIT("a,b\nc,d\n"), ',', "[a][b]|[c][d]|"},
    {STR_INIT("a,b\r\nc,d"), ',', "[a][b]|[c][d]|"},
    {STR_INIT("a,b\rc,d\r"), ',', "[a][b]|[c][d]|"},
    {STR_INIT("\xEF\xBB\xBFname,phone\nדנה,055\n"), 0, "[name][phone]|[דנה][055]|"},
    {STR_INIT("a;b,c;d\n"), 0, "[a][b,c][d]|"},
    {STR_INIT("a\tb\tc\n1\t2\t3"), 0, "[a][b][c]|[1][2][3]|"},
    {STR_INIT("\"a,b\";c\n"), 0, "[a,b][c]|"},
    {STR_INIT("\"a\"\"b\",\"\"\n"), ',', "[a\"b][]|"},
    {STR_INIT("\"two\nlines\",x\n"), ',', "[two\nlines][x]|"},
    {STR_INIT("\"two\r\nlines\",x\r\ny\r\n"), ',', "[two\r\nlines][x]|[y]|"},
    {STR_INIT(",\n,,\n"), ',', "[][]|[][][]|"},
    {STR_INIT("a,"), ',', "[a][]|"},
    {STR_INIT("\n\n a ,b\n\n\nc\n\n"), ',', "[ a ][b]|[c]|"},
    {STR_INIT("a\"b,c\n"), ',', "[a\"b][c]|"}, /* A quote inside of a plain field. */
    {STR_INIT("\"\"\n"), ',', "[]|"},
    {STR_INIT("ok\n\"a\"b,c\nnext\n"), ',',
     "[ok]|!csv: row 2 (line 2), column 1: text behind the closing quote|[next]|"},
    {STR_INIT("a\n\"x\ny\"\nb,\"open\nc\n"), ',',
     "[a]|[x\ny]|!csv: row 3 (line 4), column 2: a quoted field has no end|"},
    {STR_INIT("\""), ',', "!csv: row 1 (line 1), column 1: a quoted field has no end|"},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct csv csv;
        struct buf out;
        buf_init(&out, &arena, 64);
        csv_open(&csv, cases[i].text, cases[i].separator, false);
        show_all(&csv, &out);
        assert_str_equal(buf_str(&out), str_of(cases[i].shown));
        arena_reset(&arena);
    }
}

/* The same texts in two or more pieces, cut at every place. */
static void test_read_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t step = 1; step <= cases[i].text.len; step++) {
            struct csv csv;
            struct buf out;
            buf_init(&out, &arena, 64);
            size_t start = 0;
            size_t end = step;
            csv_open(&csv, str_slice(cases[i].text, 0, end), cases[i].separator,
                     end < cases[i].text.len);
            for (;;) {
                show_all(&csv, &out);
                if (end >= cases[i].text.len) {
                    break;
                }
                start += csv.used;
                end += step;
                csv_feed(&csv, str_slice(cases[i].text, start, end), end < cases[i].text.len);
            }
            if (!str_equal(buf_str(&out), str_of(cases[i].shown))) {
                fail_msg("case %zu step %zu: %.*s", i, step, STR_ARG(buf_str(&out)));
            }
            arena_reset(&arena);
        }
    }
}

static void test_limits(void **state)
{
    (void)state;
    static char text[CSV_FIELD_LEN_MAX + 8];
    struct csv csv;
    struct csv_row row;
    struct err err = {0};
    bool got = false;
    memset(text, ',', sizeof text);
    csv_open(&csv, (struct str){text, CSV_FIELDS_MAX - 1}, ',', false);
    assert_true(csv_next(&csv, &arena, &row, &got, &err) && got);
    assert_int_equal(row.count, CSV_FIELDS_MAX);
    csv_open(&csv, (struct str){text, CSV_FIELDS_MAX}, ',', false);
    assert_false(csv_next(&csv, &arena, &row, &got, &err));
    assert_non_null(strstr(err.text, "columns"));
    assert_true(csv_next(&csv, &arena, &row, &got, &err) && !got);

    memset(text, 'a', sizeof text);
    csv_open(&csv, (struct str){text, CSV_FIELD_LEN_MAX + 1}, ',', false);
    assert_false(csv_next(&csv, &arena, &row, &got, &err));
    assert_non_null(strstr(err.text, "1 MiB"));

    struct arena tiny;
    arena_init(&tiny, 16);
    csv_open(&csv, STR("a,b"), ',', false);
    assert_false(csv_next(&csv, &tiny, &row, &got, &err));
    arena_free(&tiny);
    arena_reset(&arena);
}

static void test_write(void **state)
{
    (void)state;
    static const struct {
        struct csv_style style;
        struct str fields[3];
        size_t count;
        const char *written;
    } rows[] = {
        {{0}, {STR_INIT("a"), STR_INIT("ב"), STR_INIT("")}, 3, "a,ב,\n"},
        {{.crlf = true}, {STR_INIT("a")}, 1, "a\r\n"},
        {{.separator = ';'}, {STR_INIT("a,b"), STR_INIT("c;d")}, 2, "a,b;\"c;d\"\n"},
        {{0}, {STR_INIT("say \"hi\""), STR_INIT("a\nb")}, 2, "\"say \"\"hi\"\"\",\"a\nb\"\n"},
        {{0}, {STR_INIT(" a ")}, 1, "\" a \"\n"},
        {{0}, {STR_INIT("")}, 1, "\"\"\n"},
        {{0}, {STR_INIT("=1+1")}, 1, "=1+1\n"},
        {{.guard = true},
         {STR_INIT("=1+1"), STR_INIT("+972"), STR_INIT("-x")},
         3,
         "'=1+1,'+972,'-x\n"},
        {{.guard = true},
         {STR_INIT("@a"), STR_INIT("\tb"), STR_INIT("\r=c")},
         3,
         "'@a,'\tb,\"'\r=c\"\n"},
        {{.guard = true},
         {STR_INIT("=\"a\""), STR_INIT("a=b"), STR_INIT("")},
         3,
         "\"'=\"\"a\"\"\",a=b,\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, &arena, 16);
        csv_write_row(&out, &rows[i].style, rows[i].fields, rows[i].count);
        assert_str_equal(buf_str(&out), str_of(rows[i].written));
    }
    struct buf out;
    buf_init(&out, &arena, 16);
    csv_write_begin(&out, &(struct csv_style){.mark = true});
    csv_write_begin(&out, &(struct csv_style){0});
    assert_str_equal(buf_str(&out), STR("\xEF\xBB\xBF"));
}

/* What is written is read back the same, whatever it is. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char bytes[] = "a,;\t\"\"\"\n\r '=\xD7\x90";
    static const char separators[] = {',', ';', '\t'};
    struct rng rng;
    rng_seed(&rng, 11);
    for (int round = 0; round < 5000; round++) {
        struct str fields[6];
        size_t count = 1 + (size_t)rng_below(&rng, COUNT(fields));
        for (size_t i = 0; i < count; i++) {
            size_t len = (size_t)rng_below(&rng, 8);
            char *text = arena_bytes(&arena, len + 1);
            for (size_t at = 0; at < len; at++) {
                text[at] = bytes[rng_below(&rng, sizeof bytes)];
            }
            fields[i] = (struct str){text, len};
        }
        struct csv_style style = {.separator = separators[rng_below(&rng, 3)],
                                  .crlf = rng_chance(&rng, 50)};
        struct buf out;
        buf_init(&out, &arena, 16);
        csv_write_row(&out, &style, fields, count);
        csv_write_row(&out, &style, fields, count);
        struct csv csv;
        struct csv_row row;
        struct err err = {0};
        bool got = false;
        csv_open(&csv, buf_str(&out), style.separator, false);
        for (int twice = 0; twice < 2; twice++) {
            assert_true(csv_next(&csv, &arena, &row, &got, &err) && got);
            assert_int_equal(row.count, count);
            for (size_t i = 0; i < count; i++) {
                assert_str_equal(row.fields[i], fields[i]);
            }
        }
        assert_true(csv_next(&csv, &arena, &row, &got, &err) && !got);
        arena_reset(&arena);
    }
}

static void test_random_bytes(void **state)
{
    (void)state;
    static const char bytes[] = "aa,,;\t\"\"\n\r\xEF\xBB\xBF";
    struct rng rng;
    rng_seed(&rng, 12);
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)rng_below(&rng, 40);
        size_t cut = (size_t)rng_below(&rng, len + 1);
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        for (size_t i = 0; i < len; i++) {
            exact[i] = bytes[rng_below(&rng, sizeof bytes)];
        }
        struct csv csv;
        struct buf whole;
        struct buf pieces;
        buf_init(&whole, &arena, 64);
        buf_init(&pieces, &arena, 64);
        csv_open(&csv, (struct str){exact, len}, ',', false);
        show_all(&csv, &whole);
        csv_open(&csv, (struct str){exact, cut}, ',', true);
        show_all(&csv, &pieces);
        size_t start = csv.used;
        csv_feed(&csv, (struct str){exact + start, len - start}, false);
        show_all(&csv, &pieces);
        assert_str_equal(buf_str(&whole), buf_str(&pieces));
        free(exact);
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),       cmocka_unit_test(test_read_in_pieces),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_write),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
