/*
 * stage: what the demo and the product tests need besides sluice itself.
 *
 *     stage exec FILE SQL            run statements; the file is made when it is missing
 *     stage query FILE SQL           rows, columns parted by tabs; only reads
 *     stage table FILE SQL           the same as a table for people
 *     stage fill FILE FIRST COUNT GROUPS
 *                                    messages FIRST … FIRST+COUNT-1 into a bridge's file, the same
 *                                    for the same number: one in twenty has a drop number, one in
 *                                    two hundred repeats one of an earlier message of its group
 *     stage hold FILE MS             lock the file for everybody else, for that long
 *
 * A bare machine has no sqlite3 program, and a test must not depend on one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "db/sqlite.h"
#include "text/bidi.h"
#include "text/utf8.h"

enum { COLUMNS_MAX = 16, ROWS_MAX = 200, FILL_STEP = 1000, DROP_EVERY = 20, REPEAT_EVERY = 200 };

static int fail(const struct err *err)
{
    (void)fprintf(stderr, "stage: %s\n", err->text);
    return 1;
}

static bool open_file(struct sqlite **db, const char *path, bool readonly, struct err *err)
{
    struct sqlite_options options = {.readonly = readonly, .create = !readonly};
    return sqlite_setup(err) && sqlite_open(db, str_of(path), &options, err);
}

static bool exec(const char *path, const char *sql, struct err *err)
{
    struct sqlite *db = NULL;
    bool ok = open_file(&db, path, false, err) && sqlite_exec(db, sql, err);
    sqlite_close(db);
    return ok;
}

/* One cell as text; numbers as SQLite writes them. */
static struct str cell(struct arena *arena, const struct query *query, int column)
{
    switch (query_type(query, column)) {
    case QUERY_INT:
        return arena_printf(arena, "%" PRId64, query_int(query, column));
    case QUERY_DOUBLE:
        return arena_printf(arena, "%g", query_double(query, column));
    case QUERY_TEXT:
        return arena_copy(arena, query_text(query, column));
    case QUERY_BLOB:
        return STR("(bytes)");
    case QUERY_NULL:
        break;
    }
    return STR("");
}

struct rows {
    struct arena arena;
    int columns;
    size_t count;
    struct str cells[ROWS_MAX + 1][COLUMNS_MAX]; /* The first row holds the names. */
};

static bool read_rows(struct rows *rows, struct sqlite *db, const char *sql, struct err *err)
{
    struct query *query = sqlite_query(db, sql, err);
    bool row = true;
    if (query == NULL) {
        return false;
    }
    rows->columns = query_columns(query) < COLUMNS_MAX ? query_columns(query) : COLUMNS_MAX;
    for (int i = 0; i < rows->columns; i++) {
        rows->cells[0][i] = arena_copy(&rows->arena, str_of(query_column_name(query, i)));
    }
    while (row && rows->count < ROWS_MAX) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        rows->count += row;
        for (int i = 0; row && i < rows->columns; i++) {
            rows->cells[rows->count][i] = cell(&rows->arena, query, i);
        }
    }
    query_end(query);
    return true;
}

/* Row by row, however many there are. */
static bool print_lines(struct arena *arena, struct sqlite *db, const char *sql, struct err *err)
{
    struct query *query = sqlite_query(db, sql, err);
    bool row = query != NULL;
    while (row) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        for (int i = 0; row && i < query_columns(query); i++) {
            struct str text = cell(arena, query, i);
            (void)printf("%s%.*s", i == 0 ? "" : "\t", STR_ARG(text));
        }
        (void)printf("%s", row ? "\n" : "");
        arena_reset(arena);
    }
    return query != NULL;
}

/* Columns stand also where a name is written from right to left. */
static void print_table(struct rows *rows)
{
    size_t widths[COLUMNS_MAX] = {0};
    for (size_t r = 0; r <= rows->count; r++) {
        for (int i = 0; i < rows->columns; i++) {
            size_t width = utf8_width(rows->cells[r][i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    for (size_t r = 0; r <= rows->count; r++) {
        for (int i = 0; i < rows->columns; i++) {
            struct str text = rows->cells[r][i];
            size_t pad = widths[i] - utf8_width(text);
            struct str shown = bidi_isolate(&rows->arena, text);
            (void)printf("  %.*s%*s", STR_ARG(shown), i + 1 < rows->columns ? (int)pad : 0, "");
        }
        (void)printf("\n");
    }
}

static bool query(const char *path, const char *sql, bool table, struct err *err)
{
    static struct rows rows;
    struct sqlite *db = NULL;
    arena_init(&rows.arena, 64 * 1024 * 1024);
    bool ok = open_file(&db, path, true, err);
    if (ok && table) {
        ok = read_rows(&rows, db, sql, err);
        if (ok) {
            print_table(&rows);
        }
    } else if (ok) {
        ok = print_lines(&rows.arena, db, sql, err);
    }
    sqlite_close(db);
    arena_free(&rows.arena);
    return ok;
}

static bool put_message(struct sqlite *db, int64_t number, int64_t groups, struct err *err)
{
    char id[32];
    char chat[64];
    char sender[32];
    char text[128];
    struct query *insert = sqlite_query(
        db,
        "INSERT OR REPLACE INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)"
        " VALUES(?1, ?2, ?3, ?4, datetime(1764000000 + ?5, 'unixepoch') || '+00:00', 0)",
        err);
    if (insert == NULL) {
        return false;
    }
    /* What repeats does so in its own group. */
    int64_t about = number % REPEAT_EVERY == 0 && number > DROP_EVERY * groups
                        ? number - DROP_EVERY * groups
                        : number;
    bool drop = number % DROP_EVERY == 0;
    (void)snprintf(id, sizeof id, "3EB0%08" PRId64, number);
    (void)snprintf(chat, sizeof chat, "12036300000000%04" PRId64 "@g.us", 1 + number % groups);
    (void)snprintf(sender, sizeof sender, "2782000%04" PRId64, number % 500);
    if (drop) {
        (void)snprintf(text, sizeof text, "photos are loaded DR%08" PRId64 " thanks", about);
    } else {
        (void)snprintf(text, sizeof text, "message %" PRId64 " about nothing in particular",
                       number);
    }
    query_bind_text(insert, 1, str_of(id));
    query_bind_text(insert, 2, str_of(chat));
    query_bind_text(insert, 3, str_of(sender));
    query_bind_text(insert, 4, str_of(text));
    query_bind_int(insert, 5, number);
    return query_run(insert, err);
}

static bool fill(const char *path, int64_t first, int64_t count, int64_t groups, struct err *err)
{
    struct sqlite *db = NULL;
    bool ok = open_file(&db, path, false, err);
    for (int64_t at = 0; ok && at < count; at += FILL_STEP) {
        ok = sqlite_begin(db, err);
        for (int64_t i = at; ok && i < count && i < at + FILL_STEP; i++) {
            ok = put_message(db, first + i, groups, err);
        }
        ok = ok && sqlite_commit(db, err);
    }
    sqlite_close(db);
    return ok;
}

static bool hold(const char *path, int64_t ms, struct err *err)
{
    struct clock *clock = clock_system();
    struct sqlite *db = NULL;
    bool ok = open_file(&db, path, false, err) &&
              sqlite_exec(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", err);
    if (ok) {
        (void)printf("held\n");
        (void)fflush(stdout);
        clock->sleep_until(clock, clock_mono_ms(clock) + ms);
    }
    sqlite_close(db);
    return ok;
}

int main(int count, char **words)
{
    struct err err = {0};
    int64_t numbers[3] = {0};
    for (int i = 3; i < count && i < 6; i++) {
        (void)str_to_int64(str_of(words[i]), &numbers[i - 3]);
    }
    bool ok = false;
    if (count == 4 && strcmp(words[1], "exec") == 0) {
        ok = exec(words[2], words[3], &err);
    } else if (count == 4 && strcmp(words[1], "query") == 0) {
        ok = query(words[2], words[3], false, &err);
    } else if (count == 4 && strcmp(words[1], "table") == 0) {
        ok = query(words[2], words[3], true, &err);
    } else if (count == 6 && strcmp(words[1], "fill") == 0 && numbers[2] > 0) {
        ok = fill(words[2], numbers[0], numbers[1], numbers[2], &err);
    } else if (count == 4 && strcmp(words[1], "hold") == 0) {
        ok = hold(words[2], numbers[0], &err);
    } else {
        (void)fprintf(stderr, "usage: see the head of demo/stage.c\n");
        return 64;
    }
    return ok ? 0 : fail(&err);
}
