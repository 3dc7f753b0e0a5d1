/* sheets: reading, writing and appending at the double; what failures mean; only what was named. */
#include <stdio.h>
#include <string.h>

#include "net/google_rig.h"
#include "net/sheets.h"
#include "test.h"

enum { RATE = 100000 };

static bool started;
static struct arena arena;
static struct err err;
static struct sheets *sheets;

static const struct str titles[] = {STR_INIT("main"), STR_INIT("תלמידים 2025"), STR_INIT("it's"),
                                    STR_INIT("none")};
enum { MAIN, HEBREW, QUOTE, NONE };

static int group_setup(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    started = google_start(NULL);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    outside_stop(&google);
    arena_free(&arena);
    return 0;
}

static bool open_book(const char *book, bool write, int64_t rate)
{
    struct sheets_options options = {
        .credentials = google_credentials(&arena),
        .spreadsheet = str_of(book),
        .write = write,
        .worksheets = titles,
        .worksheet_count = COUNT(titles),
        .api = google_api(&arena),
        .root = str_of(outside_path(&google, "ca.crt")),
        .rate = rate,
    };
    sheets_close(sheets);
    sheets = NULL;
    return sheets_open(&sheets, &options, &err);
}

static int setup(void **state)
{
    (void)state;
    err = (struct err){0};
    if (started) {
        google_ask("calm");
        google_ask("sheet {\"id\":\"B\",\"title\":\"main\",\"rows\":[[\"phone\",\"שם\"],"
                   "[\"972 55\",\"דנה\",true],[],[556602298,\"רון\",0.5,"
                   "{\"v\":46000,\"shown\":\"09/12/2025\",\"date\":true}]]}");
        google_ask("sheet {\"id\":\"B\",\"title\":\"תלמידים 2025\",\"rows\":[[\"א\"]]}");
        google_ask("sheet {\"id\":\"B\",\"title\":\"it's\",\"rows\":[]}");
        google_ask("sheet {\"id\":\"B\",\"title\":\"foreign\",\"rows\":[[\"never\"]]}");
        assert_true(open_book("B", true, RATE));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sheets_close(sheets);
    sheets = NULL;
    if (started) {
        google_judge(&arena);
        assert_str_equal(google_rows(&arena, "B", "foreign"), STR("never\n"));
    }
    return 0;
}

static struct str text_of(const struct json_value *value)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &arena, 256);
    if (value == NULL) {
        return STR("nothing");
    }
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    return buf_str(&buf);
}

static void reads(void **state)
{
    static const struct sheets_area areas[] = {{MAIN, 1, 1, 1, 0},
                                               {MAIN, 1, 2, 0, 2},
                                               {MAIN, 2, 1, 0, 4},
                                               {HEBREW, 1, 1, 1, 1},
                                               {QUOTE, 1, 1, 0, 3}};
    const struct json_value *values[COUNT(areas)];
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sheets_read(sheets, areas, COUNT(areas), 0, outside_soon(), &arena, values, &err));
    assert_str_equal(text_of(values[0]), STR("[[\"phone\",\"שם\"]]"));
    assert_str_equal(text_of(values[1]), STR("[[\"שם\"],[\"דנה\"],[],[\"רון\"]]"));
    assert_str_equal(text_of(values[2]),
                     STR("[[\"972 55\",\"דנה\",true],[],[556602298,\"רון\",0.5,\"09/12/2025\"]]"));
    assert_str_equal(text_of(values[3]), STR("[[\"א\"]]"));
    assert_null(values[4]);
    assert_true(sheets_read(sheets, areas, 3, SHEETS_BY_COLUMNS | SHEETS_SHOWN, outside_soon(),
                            &arena, values, &err));
    assert_str_equal(text_of(values[0]), STR("[[\"phone\"],[\"שם\"]]"));
    assert_str_equal(text_of(values[2]),
                     STR("[[\"972 55\",\"\",\"556602298\"],[\"דנה\",\"\",\"רון\"],"
                         "[\"TRUE\",\"\",\"0.5\"],[\"\",\"\",\"09/12/2025\"]]"));
}

static void writes(void **state)
{
    const struct sheets_row rows[] = {
        {{MAIN, 2, 1, 2, 3}, STR("[null,\"=1+1\",\"\"]")},
        {{MAIN, 4, 2, 4, 2}, STR("[\"+972 55\"]")},
        {{MAIN, 1, 1, 1, 0}, STR("[null]")}, /* The header as it is at this moment. */
    };
    const struct json_value *after[COUNT(rows)];
    struct sheets_area where = {0};
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sheets_write(sheets, rows, COUNT(rows), outside_soon(), &arena, after, &err));
    assert_str_equal(text_of(after[0]), STR("[[\"972 55\",\"=1+1\"]]"));
    assert_str_equal(text_of(after[2]), STR("[[\"phone\",\"שם\"]]"));
    assert_true(sheets_append(sheets, MAIN, 1, STR("[[\"a\",null,7],[\"b\"]]"), outside_soon(),
                              &arena, &where, &err));
    assert_int_equal(where.top, 3); /* Behind the table, which ends at the first empty row. */
    assert_int_equal(where.bottom, 4);
    assert_int_equal(where.left, 1);
    assert_str_equal(google_rows(&arena, "B", "main"),
                     STR("phone|שם\n972 55|=1+1\na||#7\nb\n\n#556602298|+972 55|#0.5|#46000\n"));
    assert_true(
        sheets_append(sheets, HEBREW, 1, STR("[[\"ב\"]]"), outside_soon(), &arena, &where, &err));
    assert_str_equal(google_rows(&arena, "B", "תלמידים 2025"), STR("א\nב\n"));
}

static void grids(void **state)
{
    struct sheets_grid grid[COUNT(titles)];
    const struct sheets_area beyond = {MAIN, 1, 27, 1, 27};
    const struct json_value *value = NULL;
    struct str list = {0};
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sheets_look(sheets, grid, outside_soon(), &arena, &list, &err));
    assert_str_equal(list, STR("'main', 'תלמידים 2025', 'it's', 'foreign'"));
    assert_true(grid[MAIN].there && !grid[NONE].there);
    assert_int_equal(grid[MAIN].columns, 26);
    assert_int_equal(grid[MAIN].rows, 1000);
    assert_false(sheets_read(sheets, &beyond, 1, 0, outside_soon(), &arena, &value, &err));
    assert_int_equal(sheets_trouble(sheets), SHEETS_NO_PLACE);
    assert_true(sheets_widen(sheets, grid[MAIN].id, 3, outside_soon(), &err));
    assert_true(sheets_read(sheets, &beyond, 1, 0, outside_soon(), &arena, &value, &err));
    google_ask("sheet {\"id\":\"N\",\"title\":\"x\"}");
    assert_true(open_book("N", true, RATE));
    assert_true(sheets_add(sheets, NONE, 50, 4, outside_soon(), &err));
    assert_true(sheets_look(sheets, grid, outside_soon(), &arena, &list, &err));
    assert_true(grid[NONE].there);
    assert_int_equal(grid[NONE].columns, 4);
    assert_false(sheets_add(sheets, NONE, 50, 4, outside_soon(), &err));
    assert_int_equal(sheets_trouble(sheets), SHEETS_REQUEST);
}

/* Each thing that can go wrong with an append: what is known, and what stands there then. */
static void troubles(void **state)
{
    static const struct {
        const char *fault;
        enum err_kind kind;
        enum sheets_trouble trouble;
        const char *words;
        int64_t retry_after_ms;
        bool written;
    } cases[] = {
        {"\"what\":\"status\",\"code\":429", ERR_RETRY, SHEETS_REFUSED, "too often", 60000, false},
        {"\"what\":\"status\",\"code\":429,\"retry_after\":\"7\"", ERR_RETRY, SHEETS_REFUSED,
         "too often", 7000, false},
        {"\"what\":\"status\",\"code\":403,\"message\":\"User Rate Limit Exceeded\"", ERR_RETRY,
         SHEETS_REFUSED, "too often", 60000, false},
        {"\"what\":\"status\",\"code\":403,\"message\":\"Google Sheets API has not been used in "
         "project 1 before or it is disabled.\"",
         ERR_LOGIN, SHEETS_REFUSED, "not switched on in the project of robot@", 0, false},
        {"\"what\":\"status\",\"code\":403,\"message\":\"The caller does not have permission\"",
         ERR_LOGIN, SHEETS_REFUSED, "not shared with robot@invented-project", 0, false},
        {"\"what\":\"status\",\"code\":404", ERR_CONFIG, SHEETS_REFUSED, "no spreadsheet", 0,
         false},
        {"\"what\":\"status\",\"code\":400,\"message\":\"You are trying to edit a protected cell\"",
         ERR_LOGIN, SHEETS_REFUSED, "protected", 0, false},
        {"\"what\":\"status\",\"code\":400,\"message\":\"This action would increase the number of "
         "cells in the workbook above the limit of 10000000 cells.\"",
         ERR_CONFIG, SHEETS_REFUSED, "is full", 0, false},
        {"\"what\":\"status\",\"code\":400,\"message\":\"Invalid values\"", ERR_REJECT,
         SHEETS_REQUEST, "Invalid values", 0, false},
        {"\"what\":\"status\",\"code\":500", ERR_RETRY, SHEETS_UNKNOWN, "HTTP 500", 0, false},
        {"\"what\":\"status\",\"code\":503,\"retry_after\":\"3\"", ERR_RETRY, SHEETS_UNKNOWN,
         "HTTP 503", 3000, false},
        {"\"what\":\"cut\"", ERR_RETRY, SHEETS_UNKNOWN, "", 0, false},
        {"\"what\":\"lost\"", ERR_RETRY, SHEETS_UNKNOWN, "", 0, true},
        {"\"what\":\"half\"", ERR_RETRY, SHEETS_UNKNOWN, "", 0, true},
        {"\"what\":\"badjson\"", ERR_RETRY, SHEETS_UNKNOWN, "cannot be read", 0, true},
        {"\"what\":\"badjson\",\"body\":\"{}\"", ERR_RETRY, SHEETS_UNKNOWN, "something else", 0,
         true},
        {"\"what\":\"hang\"", ERR_RETRY, SHEETS_UNKNOWN, "", 0, false},
        {"\"what\":\"hang_after\"", ERR_RETRY, SHEETS_UNKNOWN, "", 0, true},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sheets_area where = {0};
        struct str row = arena_printf(&arena, "[[\"case %zu\"]]", i);
        bool hangs = strstr(cases[i].fault, "hang") != NULL;
        int64_t deadline_ms = hangs ? clock_mono_ms(clock_system()) + 700 : outside_soon();
        assert_true(open_book("B", true, RATE)); /* What a 429 said is forgotten. */
        google_ask("fault {\"on\":\"append\",%s}", cases[i].fault);
        err = (struct err){0};
        assert_false(sheets_append(sheets, MAIN, 1, row, deadline_ms, &arena, &where, &err));
        bool written = str_find(google_rows(&arena, "B", "main"), str_slice(row, 3, row.len - 3),
                                0) != STR_NONE;
        if (err.kind != cases[i].kind || sheets_trouble(sheets) != cases[i].trouble ||
            strstr(err.text, cases[i].words) == NULL ||
            err.retry_after_ms != cases[i].retry_after_ms || written != cases[i].written) {
            fail_msg("%s: %s, trouble %d, after %d ms, written %d: %s", cases[i].fault,
                     err_kind_name(err.kind), (int)sheets_trouble(sheets), (int)err.retry_after_ms,
                     written, err.text);
        }
    }
}

static void tokens_are_replaced(void **state)
{
    const struct sheets_area head = {MAIN, 1, 1, 1, 0};
    const struct json_value *value = NULL;
    struct sheets_area where = {0};
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(
        sheets_append(sheets, MAIN, 1, STR("[[\"x\"]]"), outside_soon(), &arena, &where, &err));
    google_ask("expire");
    assert_true(
        sheets_append(sheets, MAIN, 1, STR("[[\"y\"]]"), outside_soon(), &arena, &where, &err));
    google_ask("fault {\"on\":\"read\",\"times\":2,\"what\":\"status\",\"code\":401}");
    assert_false(sheets_read(sheets, &head, 1, 0, outside_soon(), &arena, &value, &err));
    assert_int_equal(err.kind, ERR_LOGIN);
    /* One that may only read. */
    assert_true(open_book("B", false, RATE));
    err = (struct err){0};
    assert_true(sheets_read(sheets, &head, 1, 0, outside_soon(), &arena, &value, &err));
    assert_false(
        sheets_append(sheets, MAIN, 1, STR("[[\"z\"]]"), outside_soon(), &arena, &where, &err));
    assert_non_null(strstr(err.text, "no right to write"));
}

/* A clock that goes on only when somebody sleeps. */
static int64_t hand_ms = 1000000;

static int64_t hand_wall_ms(struct clock *clock)
{
    (void)clock;
    return clock_wall_ms(clock_system());
}

static int64_t hand_mono_ms(struct clock *clock)
{
    (void)clock;
    return clock_mono_ms(clock_system()) + hand_ms;
}

static void hand_sleep_until(struct clock *clock, int64_t until_ms)
{
    int64_t left_ms = until_ms - hand_mono_ms(clock);
    hand_ms += left_ms > 0 ? left_ms : 0;
}

static struct clock hand = {hand_wall_ms, hand_mono_ms, hand_sleep_until};

static bool read_head(struct sheets *book, int64_t patience_ms)
{
    const struct sheets_area head = {MAIN, 1, 1, 1, 0};
    const struct json_value *value = NULL;
    err = (struct err){0};
    return sheets_read(book, &head, 1, 0, hand_mono_ms(&hand) + patience_ms, &arena, &value, &err);
}

/* Two books of one account, of which the double refuses what is too much: nothing is refused, it
   waits; and what one is told by a 429 holds for both. */
static void rates(void **state)
{
    enum { RATE_HERE = 6, READS = 20 };
    struct sheets *books[2] = {NULL, NULL};
    struct sheets_options options = {
        .credentials = google_credentials(&arena),
        .spreadsheet = STR("B"),
        .write = true,
        .worksheets = titles,
        .worksheet_count = COUNT(titles),
        .api = google_api(&arena),
        .root = str_of(outside_path(&google, "ca.crt")),
        .rate = RATE_HERE,
        .clock = &hand,
    };
    (void)state;
    if (!started) {
        skip();
    }
    sheets_close(sheets);
    sheets = NULL;
    assert_true(sheets_open(&books[0], &options, &err));
    options.rate = 10 * RATE_HERE;
    assert_true(sheets_open(&books[1], &options, &err));
    int64_t calls = google_calls(&arena, "read");
    int64_t begun_ms = hand_ms;
    for (int i = 0; i < READS; i++) {
        assert_true(read_head(books[i % 2], 3 * SHEETS_QUOTA_MS));
    }
    assert_int_equal(google_calls(&arena, "read"), calls + READS); /* None was sent in vain. */
    int64_t slept_ms = hand_ms - begun_ms;
    assert_true(slept_ms > 3 * (SHEETS_QUOTA_MS - 1000) - 20000); /* 6, 6, 6 and 2. */
    assert_true(slept_ms <= 3 * (SHEETS_QUOTA_MS + 1000));
    while (read_head(books[0], 100)) {
    }
    assert_int_equal(err.kind, ERR_RETRY);
    assert_true(err.retry_after_ms > 0 && err.retry_after_ms <= SHEETS_QUOTA_MS + 1000);
    assert_non_null(strstr(err.text, "6 requests a minute"));
    assert_non_null(strstr(err.text, "robot@invented-project"));

    hand_ms += 10 * (int64_t)SHEETS_QUOTA_MS;
    google_ask("fault {\"on\":\"read\",\"what\":\"status\",\"code\":429,\"retry_after\":\"40\"}");
    assert_false(read_head(books[0], 100));
    assert_int_equal(err.retry_after_ms, 40000);
    calls = google_calls(&arena, "read");
    assert_false(read_head(books[1], 1000));
    assert_true(err.retry_after_ms > 30000 && err.retry_after_ms <= 40000);
    assert_int_equal(google_calls(&arena, "read"), calls); /* Nothing was sent. */
    assert_true(read_head(books[1], 41000));
    sheets_close(books[0]);
    sheets_close(books[1]);
}

static void ids(void **state)
{
    static const struct {
        const char *text;
        const char *id; /* NULL: refused. */
    } cases[] = {
        {"1AbC_d-9", "1AbC_d-9"},
        {"https://docs.google.com/spreadsheets/d/1AbC_d-9/edit#gid=0", "1AbC_d-9"},
        {"https://docs.google.com/spreadsheets/d/1AbC_d-9", "1AbC_d-9"},
        {" 1AbC ", "1AbC"},
        {"", NULL},
        {"https://docs.google.com/spreadsheets/u/0/", NULL},
        {"../1AbC", NULL},
        {"1AbC?x=y", NULL},
    };
    char column[SHEETS_COLUMN_TEXT];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str id = {0};
        bool ok = sheets_id(str_of(cases[i].text), &id, &err);
        assert_int_equal(ok, cases[i].id != NULL);
        if (ok) {
            assert_str_equal(id, str_of(cases[i].id));
        }
    }
    assert_str_equal(sheets_column(1, column), STR("A"));
    assert_str_equal(sheets_column(26, column), STR("Z"));
    assert_str_equal(sheets_column(27, column), STR("AA"));
    assert_str_equal(sheets_column(702, column), STR("ZZ"));
    assert_str_equal(sheets_column(703, column), STR("AAA"));
    assert_str_equal(sheets_column(18278, column), STR("ZZZ"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads, setup, teardown),
        cmocka_unit_test_setup_teardown(writes, setup, teardown),
        cmocka_unit_test_setup_teardown(grids, setup, teardown),
        cmocka_unit_test_setup_teardown(troubles, setup, teardown),
        cmocka_unit_test_setup_teardown(tokens_are_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(rates, setup, teardown),
        cmocka_unit_test(ids),
    };
    return cmocka_run_group_tests_name("sheets", tests, group_setup, group_teardown);
}
