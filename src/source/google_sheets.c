#include "source/google_sheets.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/digest.h"
#include "net/oauth.h"
#include "net/sheets.h"
#include "source/csv_rows.h"
#include "source/keyed.h"

enum { HEADER_ROW_MAX = 100, ANSWER_ARENA = 512 * 1024 * 1024 };

struct google_sheets {
    struct source source; /* First. */

    /* Options. */
    struct secret credentials;
    struct str spreadsheet;
    struct str worksheet;
    int64_t header_row;
    struct str key;
    struct key_form form;
    struct str_map rename;
    int look; /* Of `looks`. */
    int64_t refresh_ms;
    bool allow_empty;
    int64_t rate;
    struct str api;
    struct str authorities;

    /* From open to close. */
    struct sheets *sheets;
    struct str what; /* "worksheet main" */
    bool read;       /* A version, */
    int64_t read_ms; /* at this monotonic time. */
};

enum { LOOK_PLAIN = 0, LOOK_SHOWN };
static const char *const looks[] = {"plain", "shown", NULL};

static struct google_sheets *self_of(struct connector *connector)
{
    return (struct google_sheets *)(void *)connector; /* The connector is its first member. */
}

static bool explain(const struct google_sheets *self, struct err *err)
{
    return err_prefix(err, "source %.*s: ", STR_ARG(self->source.connector.name));
}

static bool no_memory(const struct google_sheets *self, struct err *err)
{
    return err_set(err, ERR_RETRY, "%.*s: out of step memory", STR_ARG(self->what));
}

/* ---- Life ---- */

static void check(const struct connector *connector, struct report *report)
{
    const struct google_sheets *self = (const struct google_sheets *)(const void *)connector;
    struct str id = {0};
    struct err err = {0};
    if (!sheets_id(self->spreadsheet, &id, &err)) {
        report_err(report, "spreadsheet", &err);
    }
    if (secret_given(&self->credentials) && !oauth_check(secret_reveal(&self->credentials), &err)) {
        report_err(report, "credentials", &err);
    }
}

static bool open_source(struct connector *connector, struct err *err)
{
    struct google_sheets *self = self_of(connector);
    struct sheets_options options = {
        .credentials = secret_reveal(&self->credentials),
        .spreadsheet = self->spreadsheet,
        .worksheets = &self->worksheet,
        .worksheet_count = 1,
        .api = self->api,
        .root = self->authorities,
        .rate = self->rate,
        .clock = connector->env.clock,
        .stopping = connector->env.stopping,
        .stopping_context = connector->env.stopping_context,
    };
    self->sheets = NULL;
    self->read = false;
    self->what = arena_printf(connector->env.arena, "worksheet %.*s", STR_ARG(self->worksheet));
    return (self->what.ptr != NULL && sheets_open(&self->sheets, &options, err)) ||
           explain(self, err);
}

static void rest(struct connector *connector)
{
    sheets_rest(self_of(connector)->sheets);
}

static void close_source(struct connector *connector)
{
    sheets_close(self_of(connector)->sheets);
    self_of(connector)->sheets = NULL;
}

static bool is_reference(const struct source *source)
{
    (void)source;
    return true;
}

/* ---- Rows ---- */

static bool take_cells(const struct json_value *cells, struct arena *arena, struct csv_row *row)
{
    const struct json_value *cell = NULL;
    struct json_iter iter;
    size_t at = 0;
    row->count = json_count(cells);
    row->fields = arena_array(arena, row->count + 1, sizeof *row->fields);
    json_iter_init(&iter, cells);
    while (row->fields != NULL && json_next(&iter, NULL, &cell)) {
        row->fields[at] = sheets_text(cell, arena);
        at += row->fields[at].ptr != NULL;
    }
    return at == row->count && row->fields != NULL;
}

static bool is_empty(const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        if (csv_cell(row, (int)i).len > 0) {
            return false;
        }
    }
    return true;
}

/* All rows of the worksheet: a list of lists. */
static bool ask(struct google_sheets *self, int64_t deadline_ms, struct arena *arena,
                const struct json_value **rows, struct err *err)
{
    const struct sheets_area all = {.worksheet = 0, .top = 1, .left = 1};
    struct sheets_grid grid;
    struct str titles = {0};
    if (sheets_read(self->sheets, &all, 1, self->look == LOOK_SHOWN ? SHEETS_SHOWN : 0, deadline_ms,
                    arena, rows, err)) {
        return true;
    }
    struct err ignored = {0};
    if (sheets_trouble(self->sheets) == SHEETS_NO_PLACE &&
        sheets_look(self->sheets, &grid, deadline_ms, arena, &titles, &ignored) && !grid.there) {
        return err_set(err, ERR_CONFIG, "the spreadsheet has no worksheet '%.*s'; it has: %.*s",
                       STR_ARG(self->worksheet), STR_ARG(titles));
    }
    return false;
}

/* The header and the place of the key. Rows are counted from 1, as people see them. */
static bool read_header(struct google_sheets *self, const struct json_value *cells,
                        struct arena *arena, struct csv_header *header, int *key, struct err *err)
{
    struct csv_row row;
    if (!take_cells(cells, arena, &row)) {
        return no_memory(self, err);
    }
    if (is_empty(&row)) {
        return err_set(err, ERR_CONFIG,
                       "%.*s: row %" PRId64 " is empty, and should hold the headers "
                       "(`header_row` says which row does)",
                       STR_ARG(self->what), self->header_row);
    }
    return csv_header_read(header, self->what, self->header_row, &row, &self->rename, arena, err) &&
           csv_header_find(header, "key", self->key, key, err);
}

static bool add_rows(struct google_sheets *self, struct json_iter *iter, struct keyed *table,
                     struct arena *scratch, struct err *err)
{
    const struct json_value *cells = NULL;
    int64_t line = self->header_row;
    while (json_next(iter, NULL, &cells)) {
        struct csv_row row;
        struct arena_mark mark = arena_mark(scratch);
        line++;
        if (!take_cells(cells, scratch, &row)) {
            return no_memory(self, err);
        }
        if (!is_empty(&row) && !keyed_add(table, line, &row, err)) {
            return false;
        }
        arena_rewind(scratch, mark);
        if (table->count > GOOGLE_SHEETS_ROWS_MAX) {
            return err_set(err, ERR_CONFIG, "%.*s has more than %d rows, the most for a reference",
                           STR_ARG(self->what), GOOGLE_SHEETS_ROWS_MAX);
        }
    }
    return true;
}

static bool counts(const struct google_sheets *self, const struct keyed *table, struct err *err)
{
    if (table->count > 0 || (self->allow_empty && table->refused == 0)) {
        return true;
    }
    return err_set(err, table->refused > 0 ? ERR_CONFIG : ERR_RETRY,
                   table->refused > 0
                       ? "%.*s: no row has a key that counts (option `key`); what was read before "
                         "stays"
                       : "%.*s has no rows; what was read before stays (`allow_empty: true` takes "
                         "it as it is)",
                   STR_ARG(self->what));
}

/* "r1:<digest>" of all that is looked up, and of what was refused: that is told once. */
static struct str digest_of_rows(const struct keyed *table, struct arena *arena)
{
    const struct batch *batch = table->batch;
    struct digest digest;
    char value[DIGEST_SIZE_MAX];
    uint64_t number = 0;
    digest_init(&digest, DIGEST_SHA256);
    for (size_t i = 0; i < table->count; i++) {
        digest_add(&digest, table->rows[i].key);
        digest_add(&digest, (struct str){"", 1});
        digest_add(&digest, table->rows[i].body);
        digest_add(&digest, (struct str){"", 1});
    }
    for (size_t i = 0; i < batch->refusal_count && i < BATCH_REFUSALS_MAX; i++) {
        digest_add(&digest, batch->refusals[i].where);
        digest_add(&digest, batch->refusals[i].why);
    }
    (void)digest_value(&digest, value);
    memcpy(&number, value, sizeof number);
    return arena_printf(arena, "r1:%016" PRIx64, number);
}

/* What stands there as a version, or nothing when it is the one that is in the store. */
static bool make_version(struct google_sheets *self, const struct json_value *rows,
                         struct batch *batch, struct arena *scratch, struct err *err)
{
    struct csv_header header = {0};
    struct keyed table;
    struct json_iter iter;
    const struct json_value *cells = NULL;
    int key = CSV_NO_COLUMN;
    json_iter_init(&iter, rows);
    for (int64_t row = 0; row < self->header_row; row++) {
        cells = NULL;
        (void)json_next(&iter, NULL, &cells);
    }
    if (!read_header(self, cells, batch->arena, &header, &key, err)) {
        return false;
    }
    keyed_begin(&table, batch, self->what, &header, key, &self->form);
    bool ok = add_rows(self, &iter, &table, scratch, err) && counts(self, &table, err);
    keyed_end(&table);
    struct str next = ok ? digest_of_rows(&table, batch->arena) : (struct str){0};
    if (!ok || next.ptr == NULL) {
        return ok ? no_memory(self, err) : false;
    }
    if (str_equal(next, batch->chats[0].cursor)) {
        batch->refusal_count = 0; /* They are listed with that version. */
        return true;
    }
    batch->chats[0].next = next;
    return keyed_give(&table, self->source.connector.name, err);
}

static bool fetch(struct source *source, struct batch *batch, int64_t deadline_ms, struct err *err)
{
    struct google_sheets *self = self_of(&source->connector);
    struct arena scratch;
    const struct json_value *rows = NULL;
    struct batch before = *batch;
    int64_t now_ms = clock_mono_ms(source->connector.env.clock);
    if (batch->chat_count == 0 || (self->read && now_ms - self->read_ms < self->refresh_ms)) {
        return true;
    }
    arena_init(&scratch, ANSWER_ARENA);
    bool ok = ask(self, deadline_ms, &scratch, &rows, err) &&
              make_version(self, rows, batch, &scratch, err);
    arena_free(&scratch);
    if (!ok) { /* Nothing of a reading that failed is handed out. */
        *batch = before;
        batch->chats[0].next = (struct str){0};
        return explain(self, err);
    }
    /* One that was handed out counts when it comes back as the cursor: the store may fail. */
    self->read = batch->snapshot == NULL;
    self->read_ms = now_ms;
    return true;
}

static bool probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                  struct err *err)
{
    struct google_sheets *self = self_of(connector);
    struct arena scratch;
    struct csv_header header = {0};
    const struct json_value *rows = NULL;
    int key = CSV_NO_COLUMN;
    arena_init(&scratch, ANSWER_ARENA);
    bool ok = ask(self, deadline_ms, &scratch, &rows, err) &&
              read_header(self, json_at(rows, (size_t)self->header_row - 1), &scratch, &header,
                          &key, err);
    if (ok) {
        size_t all = json_count(rows);
        size_t head = (size_t)self->header_row;
        struct str account = sheets_account(self->sheets);
        *found = arena_printf(connector->env.arena, "%.*s: %zu columns, %zu rows, read as %.*s",
                              STR_ARG(self->what), header.count, all > head ? all - head : 0,
                              STR_ARG(account));
        ok = found->ptr != NULL || no_memory(self, err);
    }
    arena_free(&scratch);
    return ok || explain(self, err);
}

/* ---- The kind ---- */

static const struct option options[] = {
    OPTION_SECRET(struct google_sheets, credentials, "credentials", OPTION_REQUIRED,
                  "The key file of a Google service account with which the spreadsheet is shared: "
                  "file:credentials.json."),
    OPTION_TEXT(struct google_sheets, spreadsheet, "spreadsheet", OPTION_REQUIRED,
                "The spreadsheet: its id, or its address in a browser."),
    OPTION_TEXT(struct google_sheets, worksheet, "worksheet", OPTION_REQUIRED,
                "The worksheet, by the title on its tab."),
    OPTION_INT(struct google_sheets, header_row, "header_row", "1", 1, HEADER_ROW_MAX,
               "The row that holds the headers."),
    OPTION_TEXT(struct google_sheets, key, "key", OPTION_REQUIRED,
                "Header of the column that is looked up."),
    KEY_FORM_OPTIONS(struct google_sheets, form),
    OPTION_MAP(struct google_sheets, rename, "rename", NULL,
               "What fields are called whose headers are called otherwise: {header: name}."),
    OPTION_CHOICE(struct google_sheets, look, "cells", "plain", looks,
                  "plain: numbers as their digits. shown: numbers as the spreadsheet shows them, "
                  "with currencies and separators. Dates are as it shows them in both."),
    OPTION_DURATION(struct google_sheets, refresh_ms, "refresh", "5m",
                    "How long what was read is good before it is read again."),
    OPTION_BOOL(struct google_sheets, allow_empty, "allow_empty", "false",
                "A worksheet without rows counts; by default what was read before stays."),
    OPTION_INT(struct google_sheets, rate, "rate", "50", 1, SHEETS_RATE_MAX,
               "How many requests a minute may be sent by all that use this account together; the "
               "lowest rate of them counts. Google allows an account 60."),
    OPTION_TEXT(struct google_sheets, api, "api", "https://sheets.googleapis.com",
                "Where the interface is."),
    OPTION_PATH(struct google_sheets, authorities, "authorities", NULL,
                "File of certificate authorities (PEM); the machine's own when left out."),
    OPTION_END,
};

const struct source_type source_google_sheets = {
    .connector =
        {
            .kind = "google-sheets",
            .summary = "A worksheet of a Google spreadsheet, to look things up in.",
            .options = options,
            .size = sizeof(struct google_sheets),
            .check = check,
            .open = open_source,
            .probe = probe,
            .rest = rest,
            .close = close_source,
        },
    .fetch = fetch,
    .is_reference = is_reference,
};
