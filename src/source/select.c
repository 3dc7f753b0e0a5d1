#include "source/select.h"

#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "crypto/digest.h"
#include "source/csv_rows.h"
#include "source/select_cursor.h"
#include "text/datetime.h"
#include "text/utf8.h"

enum {
    TIME_EVERY = 256,
    SHOWN_MAX = 200,
    LIST_MAX = 2 * SHOWN_MAX,
    ROW_ARENA_MAX = 64 * 1024 * 1024, /* For one row; the drivers bound it, too. */
    KEYS_FIRST = 1024,
};

static struct select *select_of(struct source *source)
{
    return (struct select *)(void *)source; /* The source is its first member. */
}

static bool no_memory(const struct select *self, struct err *err)
{
    return err_set(err, ERR_RETRY, "%.*s: out of step memory", STR_ARG(self->what));
}

/* ---- Options ---- */

struct str select_tie(const struct select *select)
{
    return select->id_column.len > 0 ? select->id_column : select->cursor_column;
}

size_t select_wanted(const struct select *select, struct select_wanted out[SELECT_WANTED_MAX])
{
    const struct select_wanted all[] = {
        {"cursor_column", select->cursor_column},
        {"id_column", select->id_column},
        {"chat_column", select->chat_column},
        {"sender_column", select->sender_column},
        {"text_column", select->text_column},
        {"time_column", select->time_column},
        {"key", select->key},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].column.len > 0) {
            out[count++] = all[i];
        }
    }
    return count;
}

static bool stands_among(struct str name, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(names[i], name)) {
            return true;
        }
    }
    return false;
}

static bool missing_column(const struct select *select, const char *option, struct str name,
                           const struct str *names, size_t count, struct err *err)
{
    char list[LIST_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; i < count && len + names[i].len + 3 < sizeof list; i++) {
        if (len > 0) {
            memcpy(list + len, ", ", 2);
            len += 2;
        }
        memcpy(list + len, names[i].ptr, names[i].len);
        len += names[i].len;
    }
    return err_set(err, ERR_CONFIG, "%.*s has no column '%.*s' (option `%s`); it has: %.*s",
                   STR_ARG(str_slice(select->what, 0, SHOWN_MAX)),
                   STR_ARG(str_slice(name, 0, SHOWN_MAX)), option, (int)len, list);
}

bool select_wanted_once(const struct select *select, const struct select_wanted *wanted, size_t i)
{
    bool there = stands_among(wanted[i].column, select->columns.items, select->columns.count);
    for (size_t j = 0; j < i && !there; j++) {
        there = str_equal(wanted[j].column, wanted[i].column);
    }
    return !there;
}

bool select_check_columns(const struct select *select, const struct str *names, size_t count,
                          struct err *err)
{
    struct select_wanted wanted[SELECT_WANTED_MAX];
    size_t wanted_count = select_wanted(select, wanted);
    for (size_t i = 0; i < count; i++) {
        if (stands_among(names[i], names, i)) {
            return err_set(err, ERR_CONFIG,
                           "%.*s has two columns '%.*s': give one of them another name with AS",
                           STR_ARG(str_slice(select->what, 0, SHOWN_MAX)),
                           STR_ARG(str_slice(names[i], 0, SHOWN_MAX)));
        }
    }
    for (size_t i = 0; i < wanted_count; i++) {
        if (!stands_among(wanted[i].column, names, count)) {
            return missing_column(select, wanted[i].option, wanted[i].column, names, count, err);
        }
    }
    for (size_t i = 0; i < select->columns.count; i++) {
        if (!stands_among(select->columns.items[i], names, count)) {
            return missing_column(select, "columns", select->columns.items[i], names, count, err);
        }
    }
    return true;
}

bool select_check(struct select *self, const char **option, struct err *err)
{
    *option = NULL;
    if (self->reference && self->key.len == 0) {
        return err_set(err, ERR_CONFIG, "a reference needs a `key`: the column that is looked up");
    }
    if (!self->reference && self->once) {
        return err_set(err, ERR_CONFIG, "`once` is for a table with `reference: true`");
    }
    if (!self->reference && self->key.len > 0) {
        return err_set(err, ERR_CONFIG, "`key` is for a table with `reference: true`");
    }
    if (self->reference && self->cursor_column.len > 0) {
        return err_set(err, ERR_CONFIG,
                       "`cursor_column` is for messages; a reference is read as "
                       "a whole");
    }
    if (!self->reference && self->cursor_column.len == 0) {
        return err_set(err, ERR_CONFIG,
                       "rows as messages need a `cursor_column`: the column that rises with each "
                       "new row (or `reference: true` for a table to look things up in)");
    }
    return stamps_open(&self->stamps, option, err);
}

bool select_is_reference(const struct source *source)
{
    return ((const struct select *)(const void *)source)->reference;
}

bool select_open(struct select *self, const struct select_reader *reader, struct str what,
                 struct err *err)
{
    self->reader = reader;
    self->what = what;
    self->read = false;
    return what.ptr != NULL || err_set(err, ERR_RETRY, "out of memory for a source");
}

/* ---- Cells ---- */

static struct select_cell cell_of(const struct select_row *row, struct str name)
{
    for (size_t i = 0; name.len > 0 && i < row->count; i++) {
        if (str_equal(row->names[i], name)) {
            return row->cells[i];
        }
    }
    return (struct select_cell){0};
}

struct str select_json(const struct select_row *row, struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 256);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (size_t i = 0; i < row->count; i++) {
        json_key(&json, row->names[i]);
        if (row->cells[i].kind == SELECT_NULL) {
            json_put_null(&json);
        } else if (row->cells[i].kind == SELECT_TEXT) {
            json_put_str(&json, row->cells[i].text);
        } else {
            json_put_raw(&json, row->cells[i].text);
        }
    }
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static struct str whole_text(const struct select_row *row, struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, 256);
    for (size_t i = 0; i < row->count; i++) {
        if (row->cells[i].text.len > 0) {
            buf_add(&buf, buf.len > 0 ? STR("\n") : STR(""));
            buf_add(&buf, row->names[i]);
            buf_add(&buf, STR(": "));
            buf_add(&buf, row->cells[i].text);
        }
    }
    return buf_ok(&buf) && buf.len == 0 ? STR("") : buf_str(&buf);
}

/* Copied, and valid UTF-8. */
static struct str words_of(struct str text, struct arena *arena)
{
    size_t replaced = 0;
    if (text.ptr == NULL) {
        return STR("");
    }
    struct str clean = utf8_clean(arena, text, &replaced);
    return clean.ptr == NULL || clean.ptr != text.ptr ? clean : arena_copy(arena, text);
}

/* Out of the room in which it grew; absent stays absent. */
static struct str copied(struct str text, struct arena *arena)
{
    return text.ptr != NULL ? words_of(text, arena) : text;
}

static size_t bytes_of(const struct select_row *row)
{
    size_t bytes = 0;
    for (size_t i = 0; i < row->count; i++) {
        bytes += row->cells[i].text.len + row->names[i].len;
    }
    return bytes;
}

/* ---- Rows as messages ---- */

struct look {
    struct select *self;
    struct batch *batch;
    struct chat_cursor *chat;
    struct select_ask ask;
    struct str rising; /* Of the last row that was taken or refused. */
    struct str tie;
    size_t rows;
    size_t bytes;
    size_t limit;
    bool full;
};

static bool time_read(const struct select *self, const struct select_cell *cell, int64_t *sent_ms,
                      struct err *err)
{
    if (cell->kind == SELECT_JSON) {
        return datetime_parse_unix(cell->text, DATETIME_UNIT_AUTO, sent_ms, err);
    }
    if (stamps_read(&self->stamps, cell->text, sent_ms, err)) {
        return true;
    }
    int64_t number = 0; /* A number that was kept as a text. */
    struct err ignored = {0};
    return self->stamps.pattern.count == 0 && str_to_int64(cell->text, &number) &&
           datetime_parse_unix(cell->text, DATETIME_UNIT_AUTO, sent_ms, &ignored);
}

static void refuse(struct look *look, struct str id, const char *why)
{
    struct str place = arena_printf(look->batch->arena, "%.*s: %.*s",
                                    STR_ARG(str_slice(look->self->what, 0, SHOWN_MAX)),
                                    STR_ARG(str_slice(id, 0, SHOWN_MAX)));
    batch_refuse(look->batch, look->chat->chat, place, why);
}

/* Why the row cannot be a message; NULL: it can. */
static const char *fault_of(const struct look *look, const struct message *message,
                            const struct select_cell *time, struct arena *arena, int64_t *sent_ms)
{
    const struct select *self = look->self;
    struct err err = {0};
    if (message->external_id.len == 0) {
        return "its id is empty";
    }
    if (message->chat.len == 0) {
        return "its chat is empty";
    }
    if (self->time_column.len > 0 && time->kind == SELECT_NULL) {
        return "its time is empty";
    }
    if (self->time_column.len > 0 && !time_read(self, time, sent_ms, &err)) {
        return arena_printf(arena, "its time cannot be read: %s", err.text).ptr;
    }
    return NULL;
}

static bool fill_message(struct look *look, const struct select_row *row, struct message *message,
                         struct arena *scratch, struct err *err)
{
    struct select *self = look->self;
    struct arena *arena = look->batch->arena;
    bool timed = self->time_column.len > 0;
    message->external_id = words_of(message->external_id, arena);
    message->chat = words_of(message->chat, arena);
    message->sender = words_of(cell_of(row, self->sender_column).text, arena);
    message->extra = copied(select_json(row, scratch), arena);
    message->text = self->text_column.len == 0
                        ? copied(whole_text(row, scratch), arena)
                        : words_of(cell_of(row, self->text_column).text, arena);
    message->sent_text =
        timed ? words_of(cell_of(row, self->time_column).text, arena) : (struct str){0};
    return (message->external_id.ptr != NULL && message->chat.ptr != NULL &&
            message->sender.ptr != NULL && message->text.ptr != NULL &&
            message->extra.ptr != NULL && (!timed || message->sent_text.ptr != NULL)) ||
           no_memory(self, err);
}

/* A row whose place was passed is a message, another chat's, or refused. */
static bool take_row(struct look *look, const struct select_row *row, size_t bytes,
                     struct arena *scratch, struct err *err)
{
    struct select *self = look->self;
    struct select_cell time = cell_of(row, self->time_column);
    struct message message = {
        .kind = MESSAGE_CHAT,
        .external_id = cell_of(row, select_tie(self)).text,
        .chat = self->chat_column.len > 0 ? cell_of(row, self->chat_column).text : self->chat};
    message.sent_ms = clock_wall_ms(self->source.connector.env.clock);
    if (look->chat->chat.len > 0 && !str_equal(look->chat->chat, message.chat)) {
        return true;
    }
    const char *fault = fault_of(look, &message, &time, scratch, &message.sent_ms);
    if (fault != NULL) {
        refuse(look, message.external_id.len > 0 ? message.external_id : row->rising, fault);
        return true;
    }
    if (!fill_message(look, row, &message, scratch, err)) {
        return false;
    }
    struct message *added = batch_add(look->batch, bytes);
    if (added == NULL) {
        return no_memory(self, err);
    }
    *added = message;
    return true;
}

static bool late(const struct look *look)
{
    const struct connector *connector = &look->self->source.connector;
    return look->rows % TIME_EVERY == 0 &&
           (connector_stopping(connector) ||
            clock_mono_ms(connector->env.clock) >= look->ask.deadline_ms);
}

/* Two rows in one place: what is between them at the end of a look would be passed over. */
static bool check_place(const struct look *look, const struct select_row *row, struct err *err)
{
    const struct select *self = look->self;
    if (look->rows == 0 || !str_equal(look->rising, row->rising) ||
        !str_equal(look->tie, row->tie)) {
        return true;
    }
    return err_set(err, ERR_CONFIG,
                   "%.*s has two rows with the same `%.*s`: name the column that tells them apart "
                   "with `id_column`",
                   STR_ARG(str_slice(self->what, 0, SHOWN_MAX)),
                   STR_ARG(str_slice(select_tie(self), 0, SHOWN_MAX)));
}

static bool keep_place(struct look *look, const struct select_row *row, struct arena places[2],
                       struct err *err)
{
    struct arena *arena = &places[look->rows & 1];
    arena_reset(arena);
    look->rising = arena_copy(arena, row->rising);
    look->tie = arena_copy(arena, row->tie);
    look->rows++;
    return (look->rising.ptr != NULL && look->tie.ptr != NULL) || no_memory(look->self, err);
}

static bool read_rows(struct look *look, struct arena places[2], struct err *err)
{
    struct select *self = look->self;
    struct arena scratch;
    bool got = true;
    bool ok = true;
    arena_init(&scratch, ROW_ARENA_MAX);
    while (ok && got && !look->full) {
        struct select_row row = {0};
        ok = self->reader->next(self, &scratch, &row, &got, err) &&
             (!got || check_place(look, &row, err));
        if (ok && got) {
            size_t bytes = bytes_of(&row);
            look->full = batch_full(look->batch, bytes) || look->rows >= look->limit ||
                         look->bytes >= SELECT_BYTES_MAX;
            look->bytes += bytes;
            ok = look->full || (take_row(look, &row, bytes, &scratch, err) &&
                                keep_place(look, &row, places, err));
            look->full = look->full || late(look);
        }
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return ok;
}

static bool place_of(const struct look *look, struct str text, const struct json_value **value,
                     struct err *err)
{
    struct err ignored = {0};
    return json_parse(look->batch->arena, text, NULL, value, &ignored) ||
           no_memory(look->self, err);
}

/* Rows that never come: said each time the table is read from its start. */
static bool count_without(struct look *look, struct err *err)
{
    struct select *self = look->self;
    int64_t count = 0;
    if (look->ask.from != SELECT_ALL || look->chat != &look->batch->chats[0]) {
        return true;
    }
    if (!self->reader->without(self, look->ask.deadline_ms, &count, err)) {
        return false;
    }
    if (count > 0) {
        struct str why =
            arena_printf(look->batch->arena,
                         "%" PRId64 " rows have no value in `%.*s` or `%.*s`, so they have "
                         "no place in the order and are not read",
                         count, STR_ARG(str_slice(self->cursor_column, 0, SHOWN_MAX)),
                         STR_ARG(str_slice(select_tie(self), 0, SHOWN_MAX)));
        refuse(look, STR("rows without a place"), why.ptr != NULL ? why.ptr : "out of memory");
    }
    return true;
}

static bool look_at_chat(struct look *look, struct err *err)
{
    struct select *self = look->self;
    struct arena *arena = look->batch->arena;
    struct select_cursor cursor;
    const struct json_value *rising = NULL;
    const struct json_value *tie = NULL;
    struct arena places[2];
    if (!select_cursor_parse(look->chat->cursor, arena, &cursor)) {
        return no_memory(self, err);
    }
    look->limit = look->batch->limit < SELECT_ROWS_MAX ? look->batch->limit : SELECT_ROWS_MAX;
    look->ask.limit = look->limit + 1; /* One more tells whether rows are left. */
    look->ask.chat = self->chat_column.len > 0 ? look->chat->chat : (struct str){0};
    select_cursor_ask(&cursor, clock_wall_ms(self->source.connector.env.clock), self->overlap_ms,
                      &look->ask);
    arena_init(&places[0], ROW_ARENA_MAX);
    arena_init(&places[1], ROW_ARENA_MAX);
    bool ok = count_without(look, err) && self->reader->begin(self, &look->ask, arena, err) &&
              read_rows(look, places, err) &&
              (look->full || self->reader->sound == NULL || self->reader->sound(self, err));
    self->reader->end(self);
    ok = ok && (look->rows == 0 || (place_of(look, look->rising, &rising, err) &&
                                    place_of(look, look->tie, &tie, err)));
    arena_free(&places[0]);
    arena_free(&places[1]);
    if (!ok) {
        return false;
    }
    select_cursor_moved(&cursor, &look->ask, rising, tie, look->full, self->overlap_ms);
    look->batch->more = look->batch->more || look->full;
    look->chat->next = select_cursor_write(&cursor, arena);
    return look->chat->next.ptr != NULL || no_memory(self, err);
}

static bool fetch_messages(struct select *self, struct batch *batch, int64_t deadline_ms,
                           struct err *err)
{
    for (size_t i = 0; i < batch->chat_count && !batch->more; i++) {
        struct look look = {.self = self,
                            .batch = batch,
                            .chat = &batch->chats[i],
                            .ask = {.deadline_ms = deadline_ms}};
        bool other = self->chat_column.len == 0 && look.chat->chat.len > 0 &&
                     !str_equal(look.chat->chat, self->chat);
        if (!other && !look_at_chat(&look, err)) {
            return false;
        }
    }
    return true;
}

/* ---- Rows as a reference ---- */

struct table {
    struct select *self;
    struct batch *batch;
    struct snapshot_row *rows;
    size_t count;
    size_t room;
    size_t bytes;
    size_t seen;
    size_t keyless;
    struct csv_ids places; /* Where the row of a key stands, from 1. */
};

static bool table_room(struct table *table, struct err *err)
{
    if (table->count < table->room) {
        return true;
    }
    size_t room = table->room == 0 ? KEYS_FIRST : table->room * 2;
    struct snapshot_row *rows = arena_array(table->batch->arena, room, sizeof *rows);
    if (rows == NULL) {
        return no_memory(table->self, err);
    }
    if (table->count > 0) {
        memcpy(rows, table->rows, table->count * sizeof *rows);
    }
    table->rows = rows;
    table->room = room;
    return true;
}

static void table_refuse(struct table *table, struct str key, const char *why)
{
    struct str place = arena_printf(table->batch->arena, "%.*s: %.*s",
                                    STR_ARG(str_slice(table->self->what, 0, SHOWN_MAX)),
                                    STR_ARG(str_slice(key, 0, SHOWN_MAX)));
    batch_refuse(table->batch, STR(""), place, why);
}

static bool table_fits(const struct table *table, size_t bytes, struct err *err)
{
    if (table->count < SELECT_REFERENCE_ROWS_MAX &&
        bytes <= SELECT_REFERENCE_BYTES_MAX - table->bytes) {
        return true;
    }
    return err_set(err, ERR_CONFIG,
                   "%.*s is larger than a reference may be (%d rows, %d MiB): name fewer `columns` "
                   "or fewer rows; the last snapshot stays",
                   STR_ARG(str_slice(table->self->what, 0, SHOWN_MAX)), SELECT_REFERENCE_ROWS_MAX,
                   SELECT_REFERENCE_BYTES_MAX >> 20);
}

/* The key that counts; `*got` is false for a row that has none, which is refused. */
static bool table_key(struct table *table, const struct select_row *row, struct str *key, bool *got,
                      struct err *err)
{
    struct str text = cell_of(row, table->self->key).text;
    struct err why = {0};
    struct str clean = words_of(text, table->batch->arena);
    *got = clean.ptr != NULL &&
           key_form_apply(&table->self->form, clean, table->batch->arena, key, &why);
    table->keyless += text.len == 0;
    if (*got) {
        return true;
    }
    if (why.kind != ERR_REJECT) {
        return no_memory(table->self, err);
    }
    table_refuse(table, text, why.text);
    return true;
}

/* Of a key that stands there twice the row whose text is least counts, whatever the order. */
static bool table_add(struct table *table, const struct select_row *row, struct arena *scratch,
                      struct err *err)
{
    struct arena *arena = table->batch->arena;
    struct str key = {0};
    bool got = false;
    table->seen++;
    if (!table_key(table, row, &key, &got, err)) {
        return false;
    }
    if (!got) {
        return true;
    }
    if (!table_fits(table, key.len + bytes_of(row), err)) {
        return false;
    }
    uint32_t *place = csv_ids_of(&table->places, key);
    struct snapshot_row fresh = {.key = key, .body = copied(select_json(row, scratch), arena)};
    if (place == NULL || fresh.body.ptr == NULL || !table_room(table, err)) {
        return no_memory(table->self, err);
    }
    table->bytes += key.len + fresh.body.len;
    if (*place > 0) {
        struct snapshot_row *there = &table->rows[*place - 1];
        there->body = str_compare(fresh.body, there->body) < 0 ? fresh.body : there->body;
        table_refuse(table, key, "its key stands on another row, too; one of them counts");
        return true;
    }
    must(table->rows != NULL); /* There is room. */
    table->rows[table->count++] = fresh;
    *place = (uint32_t)table->count;
    return true;
}

static bool table_read(struct table *table, const struct select_ask *ask, struct err *err)
{
    struct select *self = table->self;
    struct arena scratch;
    bool got = true;
    arena_init(&scratch, ROW_ARENA_MAX);
    bool ok = self->reader->begin(self, ask, table->batch->arena, err);
    while (ok && got) {
        struct select_row row = {0};
        ok = self->reader->next(self, &scratch, &row, &got, err) &&
             (!got || table_add(table, &row, &scratch, err));
        arena_reset(&scratch);
        if (ok && table->seen % TIME_EVERY == TIME_EVERY - 1 &&
            clock_mono_ms(self->source.connector.env.clock) >= ask->deadline_ms) {
            ok = err_set(err, ERR_RETRY, "%.*s: no time left to read it; raise `timeout`",
                         STR_ARG(self->what));
        }
    }
    ok = ok && (self->reader->sound == NULL || self->reader->sound(self, err));
    self->reader->end(self);
    arena_free(&scratch);
    return ok;
}

static bool table_counts(const struct table *table, struct err *err)
{
    const struct select *self = table->self;
    if (table->seen > 0 && table->keyless == table->seen) {
        return err_set(err, ERR_CONFIG,
                       "%.*s: no row has a value in '%.*s' (option `key`); the last snapshot stays",
                       STR_ARG(str_slice(self->what, 0, SHOWN_MAX)),
                       STR_ARG(str_slice(self->key, 0, SHOWN_MAX)));
    }
    return table->count > 0 || self->allow_empty || self->once ||
           err_set(err, ERR_RETRY,
                   "%.*s has no rows; the last snapshot stays (`allow_empty: true` takes it as it "
                   "is)",
                   STR_ARG(str_slice(self->what, 0, SHOWN_MAX)));
}

/* "r1:<digest>" of all keys and bodies. */
static struct str table_digest(const struct table *table)
{
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
    (void)digest_value(&digest, value);
    memcpy(&number, value, sizeof number);
    return arena_printf(table->batch->arena, "r1:%016" PRIx64, number);
}

static bool fetch_reference(struct select *self, struct batch *batch, int64_t deadline_ms,
                            struct err *err)
{
    int64_t now_ms = clock_mono_ms(self->source.connector.env.clock);
    struct table table = {.self = self, .batch = batch};
    struct select_ask ask = {.deadline_ms = deadline_ms};
    if (batch->chat_count > 0 && self->once && batch->chats[0].cursor.len > 0) {
        return true; /* It was read, perhaps by a process before this one. */
    }
    if (batch->chat_count == 0 || (self->read && now_ms - self->read_ms < self->refresh_ms)) {
        return true;
    }
    csv_ids_init(&table.places);
    bool ok = table_read(&table, &ask, err) && table_counts(&table, err);
    csv_ids_free(&table.places);
    if (!ok) {
        return false;
    }
    struct snapshot *snapshot = arena_alloc(batch->arena, sizeof *snapshot);
    struct str next = table_digest(&table);
    if (snapshot == NULL || next.ptr == NULL) {
        return no_memory(self, err);
    }
    if (str_equal(next, batch->chats[0].cursor)) { /* It is in the store. */
        self->read = true;
        self->read_ms = now_ms;
        return true;
    }
    *snapshot = (struct snapshot){
        .name = self->source.connector.name, .rows = table.rows, .count = table.count};
    batch->snapshot = snapshot;
    batch->chats[0].next = next;
    return true;
}

/* ---- The hook ---- */

bool select_fetch(struct source *source, struct batch *batch, int64_t deadline_ms, struct err *err)
{
    struct select *self = select_of(source);
    struct batch before = *batch;
    bool ok = self->reference ? fetch_reference(self, batch, deadline_ms, err)
                              : fetch_messages(self, batch, deadline_ms, err);
    if (!ok) { /* Nothing of a reading that failed is handed out. */
        *batch = before;
        for (size_t i = 0; i < batch->chat_count; i++) {
            batch->chats[i].next = (struct str){0};
        }
        return err_prefix(err, "source %.*s: ", STR_ARG(source->connector.name));
    }
    return true;
}
