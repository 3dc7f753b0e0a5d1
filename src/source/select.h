/*
 * select: rows of a database, as messages or as a reference.
 *
 * What the kinds `postgres`, `mongodb` and `sqlite` share. Each of them only knows how to ask its
 * database for rows in an order, from a place on (`struct select_reader`); what becomes of the rows
 * is decided here.
 *
 * AS MESSAGES. A growing table has a column that rises (`cursor_column`: a number, a time) and one
 * that tells rows apart (`id_column`). Rows are read in the order of both, some thousand at a time,
 * each by a question of its own, so memory is bounded however long the table is. A row's text is a
 * column, or the whole row as "column: value" on a line each, and `extra` has all its cells. A row
 * that comes again with other contents is an edit.
 *
 * LOOKING BACK. Rows do not become visible in the order of their numbers: a transaction takes
 * number 7, another takes 8 and commits first. So a look begins behind what had been read `overlap`
 * ago, and the archive drops what it knows (select_cursor.h has the rule). A row that appears later
 * than `overlap` behind a higher one is not seen; with 0 nothing is read again. Two rows that
 * cannot be told apart (the same value, no `id_column`) stop the source with the reason: no row is
 * passed over in silence. Rows without a value in one of the two columns are counted and listed.
 *
 * AS A REFERENCE, with `reference: true`, the rows are a table that rules look things up in, under
 * the name of the source: key to {"column": value, …}. It is read as a whole when `refresh` is
 * over, by one question, up to SELECT_REFERENCE_ROWS_MAX rows of SELECT_REFERENCE_BYTES_MAX bytes
 * together. While the database is down, is empty or lacks the key, the last snapshot stays in use.
 *
 * Nothing is ever written: the kinds open their databases for reading only.
 */
#ifndef SLUICE_SOURCE_SELECT_H
#define SLUICE_SOURCE_SELECT_H

#include "model/key_form.h"
#include "model/source.h"
#include "source/stamps.h"
#include "text/json.h"

enum {
    SELECT_ROWS_MAX = 8192,             /* Read by one question for messages, */
    SELECT_BYTES_MAX = 4 * 1024 * 1024, /* or so many bytes. */
    SELECT_COLUMNS_MAX = 512,
    SELECT_REFERENCE_ROWS_MAX = 500000,
    SELECT_REFERENCE_BYTES_MAX = 64 * 1024 * 1024,
};

/* A value of a row. JSON is canonical: a number, true, a list. */
enum select_kind { SELECT_NULL = 0, SELECT_TEXT, SELECT_JSON };

struct select_cell {
    enum select_kind kind;
    struct str text; /* As people read it. */
};

struct select_row {
    size_t count;
    const struct str *names;
    const struct select_cell *cells;

    /* For messages: where the row stands, as JSON that only its database understands. */
    struct str rising;
    struct str tie;
};

enum select_from {
    SELECT_ALL = 0,
    SELECT_FROM,   /* Where the rising column is `rising` or more, */
    SELECT_BEHIND, /* or (rising, tie) is more. */
};

struct select_ask {
    enum select_from from;
    const struct json_value *rising;
    const struct json_value *tie;
    struct str chat; /* Only rows of this chat, where the database can tell; empty: of all. */
    size_t limit;    /* Rows, in the order of (rising, tie); 0: all, in the order of `key`. */
    int64_t deadline_ms;
};

struct select;

/* What a kind knows of its database. `end` is called after each `begin`, also after a failure. */
struct select_reader {
    bool (*begin)(struct select *select, const struct select_ask *ask, struct arena *arena,
                  struct err *err);
    /* The row's texts live until the next call, or in `arena`. */
    bool (*next)(struct select *select, struct arena *arena, struct select_row *row, bool *got,
                 struct err *err);
    /* Was what was read sound? Asked once after the last row. */
    bool (*sound)(struct select *select, struct err *err);
    void (*end)(struct select *select);
    /* How many rows have no place: NULL in the rising column or in the one that tells apart. */
    bool (*without)(struct select *select, int64_t deadline_ms, int64_t *count, struct err *err);
};

/* First member of each kind. */
struct select {
    struct source source; /* First. */
    const struct select_reader *reader;

    /* Options, see SELECT_OPTIONS. */
    struct str_list columns;
    struct str cursor_column;
    int64_t overlap_ms;
    struct str chat;
    struct str chat_column;
    struct str id_column;
    struct str sender_column;
    struct str text_column;
    struct str time_column;
    struct stamps stamps;
    bool reference;
    bool once;
    struct str key;
    struct key_form form;
    int64_t refresh_ms;
    bool allow_empty;

    /* From open to close. */
    struct str what; /* "table leads": for messages; set by the kind. */
    bool read;       /* A snapshot, */
    int64_t read_ms; /* at this monotonic time. */
};

/* The columns that the options name: an option's name and a column. Absent ones are left out. */
struct select_wanted {
    const char *option;
    struct str column;
};
enum { SELECT_WANTED_MAX = 8 };
size_t select_wanted(const struct select *select, struct select_wanted out[SELECT_WANTED_MAX]);

/* Is the i-th of them asked for only once, neither in `columns` nor before? */
bool select_wanted_once(const struct select *select, const struct select_wanted *wanted, size_t i);

/* The column that tells rows apart: `id_column`, or the rising one. */
struct str select_tie(const struct select *select);

/* Is each column that the options name among these? ERR_CONFIG says which are there. */
bool select_check_columns(const struct select *select, const struct str *names, size_t count,
                          struct err *err);

/* The hooks that kinds hand on to, or use as they are. `*option` is the one that a mistake is in,
   NULL for several together. */
bool select_check(struct select *select, const char **option, struct err *err);
bool select_open(struct select *select, const struct select_reader *reader, struct str what,
                 struct err *err);
bool select_fetch(struct source *source, struct batch *batch, int64_t deadline_ms, struct err *err);
bool select_is_reference(const struct source *source);

/* Texts of cells. */
struct str select_json(const struct select_row *row, struct arena *arena);

#define SELECT_OPTIONS(s, m)                                                                       \
    OPTION_LIST(s, m.columns, "columns", NULL,                                                     \
                "The columns to read, besides those that other options name; by default all."),    \
        OPTION_TEXT(s, m.cursor_column, "cursor_column", NULL,                                     \
                    "For messages: the column that rises with each new row, a number or a time."), \
        OPTION_TEXT(s, m.id_column, "id_column", NULL,                                             \
                    "The column that tells rows apart; by default `cursor_column`, which must "    \
                    "then differ in all rows."),                                                   \
        OPTION_DURATION(s, m.overlap_ms, "overlap", "5m",                                          \
                        "How long after a higher row a lower one may still appear: so far each "   \
                        "look goes back."),                                                        \
        OPTION_TEXT(s, m.chat, "chat", "rows", "The chat of all rows."),                           \
        OPTION_TEXT(s, m.chat_column, "chat_column", NULL,                                         \
                    "The column that says the chat, in place of `chat`."),                         \
        OPTION_TEXT(s, m.sender_column, "sender_column", NULL, "The column with the sender."),     \
        OPTION_TEXT(s, m.text_column, "text_column", NULL,                                         \
                    "The column with the text; by default the whole row, `column: value` on a "    \
                    "line each."),                                                                 \
        OPTION_TEXT(s, m.time_column, "time_column", NULL,                                         \
                    "The column with the time; by default when the row was read."),                \
        OPTION_TEXT(s, m.stamps.format, "time_format", NULL,                                       \
                    "How times in a text column are written, as DD.MM.YYYY HH:MM; by default as "  \
                    "ISO 8601 or as a unix number."),                                              \
        OPTION_ZONE(s, m.stamps.zone_name, "zone", "Asia/Jerusalem",                               \
                    "Where the clock stood that wrote times without an offset."),                  \
        OPTION_BOOL(s, m.reference, "reference", "false",                                          \
                    "The rows are a table to look things up in, under the name of this source."),  \
        OPTION_TEXT(s, m.key, "key", NULL, "With reference: the column that is looked up."),       \
        KEY_FORM_OPTIONS(s, m.form),                                                               \
        OPTION_DURATION(s, m.refresh_ms, "refresh", "5m",                                          \
                        "With reference: how long a snapshot is good before it is read again."),   \
        OPTION_BOOL(                                                                               \
            s, m.allow_empty, "allow_empty", "false",                                              \
            "With reference: a table without rows counts; by default the last one stays."),        \
        OPTION_BOOL(s, m.once, "once", "false",                                                    \
                    "With reference: read it one time; what it held then is what is looked up.")

#endif
