#include "source/csv.h"

#include <inttypes.h>
#include <string.h>

#include "source/csv_cursor.h"
#include "source/csv_file.h"
#include "source/csv_rows.h"
#include "source/keyed.h"
#include "source/stamps.h"

enum { TIME_EVERY = 256, WHERE_MAX = 64 };

struct csv_source {
    struct source source; /* First. */

    /* Options. */
    struct str path;
    int encoding;
    int legacy;
    int separator;
    struct str chat;
    struct str chat_column;
    struct str id_column;
    struct str sender_column;
    struct str text_column;
    struct str time_column;
    struct stamps stamps;
    struct str_map rename;
    int64_t settle_ms;
    bool reference;
    bool optional;
    struct str key;
    struct key_form form;

    /* From open to close. */
    struct csv_file file;
    struct file_info seen; /* When the last fetch began. */
    bool waits;            /* For the file to be left alone. */
    struct csv_ids ids;    /* Of the rows before `ids_end`. */
    int64_t ids_end;
    uint64_t ids_hash; /* Fingerprint of what stands there. */
};

/* Where everything is in this file. */
struct columns {
    struct csv_header header;
    int chat;
    int id;
    int sender;
    int text;
    int time;
    int key;
};

/* One look at the file for one chat. */
struct look {
    struct csv_source *self;
    struct batch *batch;
    struct chat_cursor *chat;
    const struct columns *columns;
    int64_t deadline_ms;
    int64_t first;      /* Where the rows begin, behind the header, */
    int64_t first_line; /* and on which line. */
    struct csv_cursor from;
    size_t rows; /* Looked at. */
};

static const char *const encodings[] = {"auto",         "utf-8",        "utf-16", "windows-1255",
                                        "windows-1251", "windows-1252", NULL};
static const char *const legacies[] = {"windows-1255", "windows-1251", "windows-1252", NULL};
static const char *const separators[] = {"auto", "comma", "semicolon", "tab", NULL};

static struct csv_source *csv_of(struct connector *connector)
{
    return (struct csv_source *)(void *)connector; /* The connector is its first member. */
}

static bool no_memory(const struct csv_source *self, struct err *err)
{
    return err_set(err, ERR_RETRY, "%.*s: out of step memory", STR_ARG(self->file.name));
}

/* ---- Options ---- */

/* `*option` is the one that a mistake is in. */
static bool options_read(struct csv_source *self, const char **option, struct err *err)
{
    *option = NULL;
    if (self->reference && self->key.len == 0) {
        return err_set(err, ERR_CONFIG,
                       "a reference needs a `key`: the header of the column that is looked up");
    }
    if (!self->reference && self->optional) {
        return err_set(err, ERR_CONFIG, "`optional` is for a table with `reference: true`");
    }
    if (!self->reference && self->key.len > 0) {
        return err_set(err, ERR_CONFIG, "`key` is for a table with `reference: true`");
    }
    return stamps_open(&self->stamps, option, err);
}

static void csv_check(const struct connector *connector, struct report *report)
{
    struct csv_source self = *(const struct csv_source *)(const void *)connector;
    const char *option = NULL;
    struct err err = {0};
    if (!options_read(&self, &option, &err)) {
        report_err(report, option, &err);
    }
}

static bool csv_is_reference(const struct source *source)
{
    return ((const struct csv_source *)(const void *)source)->reference;
}

static bool csv_open_source(struct connector *connector, struct err *err)
{
    struct csv_source *self = csv_of(connector);
    const char *option = NULL;
    if (!options_read(self, &option, err)) {
        return source_wrong(connector, option, err);
    }
    struct str name = self->path;
    for (size_t i = 0; i < self->path.len; i++) {
        if (self->path.ptr[i] == '/') {
            name = str_slice(self->path, i + 1, self->path.len);
        }
    }
    self->file = (struct csv_file){.path = self->path,
                                   .name = name,
                                   .encoding = self->encoding,
                                   .legacy = self->legacy,
                                   .fd = -1};
    self->seen = (struct file_info){0};
    self->waits = false;
    csv_ids_init(&self->ids);
    self->ids_end = -1;
    return true;
}

static void csv_rest(struct connector *connector)
{
    struct csv_source *self = csv_of(connector);
    csv_ids_free(&self->ids);
    self->ids_end = -1;
}

static void csv_close(struct connector *connector)
{
    csv_rest(connector);
}

/* ---- The header ---- */

static bool find_columns(const struct csv_source *self, struct columns *columns, struct err *err)
{
    const struct csv_header *header = &columns->header;
    return csv_header_find(header, "chat_column", self->chat_column, &columns->chat, err) &&
           csv_header_find(header, "id_column", self->id_column, &columns->id, err) &&
           csv_header_find(header, "sender_column", self->sender_column, &columns->sender, err) &&
           csv_header_find(header, "text_column", self->text_column, &columns->text, err) &&
           csv_header_find(header, "time_column", self->time_column, &columns->time, err) &&
           csv_header_find(header, "key", self->key, &columns->key, err);
}

/* `*there` is false while the file has no whole header. */
static bool read_header(struct csv_source *self, struct arena *arena, bool settled,
                        struct columns *columns, int64_t *first, int64_t *first_line, bool *there,
                        struct err *err)
{
    static const char bytes[] = {CSV_DETECT, ',', ';', '\t'};
    struct csv_walk walk;
    struct csv_row row;
    self->file.separator = bytes[self->separator];
    csv_walk_begin(&walk, &self->file, 0, 1, settled);
    bool ok = csv_walk_next(&walk, arena, &row, there, err);
    if (!ok && err->kind == ERR_REJECT) {
        err->kind = ERR_CONFIG;
        (void)err_prefix(err, "%.*s: the header cannot be read: ", STR_ARG(self->file.name));
    }
    if (ok && *there) {
        self->file.separator = walk.csv.separator;
        *first = walk.end;
        *first_line = walk.next_line;
        ok = csv_header_read(&columns->header, self->file.name, walk.line, &row, &self->rename,
                             arena, err) &&
             find_columns(self, columns, err);
    }
    csv_walk_end(&walk);
    return ok;
}

/* Nobody has written into it for a while; what its clock says of the future is no reason to wait.
 */
static bool is_settled(const struct csv_source *self, const struct file_info *info)
{
    int64_t now_ms = clock_wall_ms(self->source.connector.env.clock);
    int64_t age_ms = now_ms - info->mtime_ns / 1000000;
    return age_ms >= self->settle_ms || age_ms < -self->settle_ms;
}

/* ---- Rows as messages ---- */

static void refuse(struct look *look, struct str chat, int64_t line, const char *why)
{
    struct str place = arena_printf(look->batch->arena, "%.*s line %" PRId64,
                                    STR_ARG(str_slice(look->self->file.name, 0, WHERE_MAX)), line);
    batch_refuse(look->batch, chat, place, why);
}

/* The id of a row, counted among its like. `*again`: its column had the same before. */
static bool id_of(struct look *look, const struct csv_row *row, struct arena *arena, struct str *id,
                  bool *again, struct err *err)
{
    struct csv_source *self = look->self;
    bool by_column = look->columns->id != CSV_NO_COLUMN;
    *id = by_column ? csv_cell(row, look->columns->id) : csv_row_digest(row, arena);
    *again = false;
    if (id->ptr == NULL) {
        return no_memory(self, err);
    }
    if (id->len == 0) {
        return true;
    }
    uint32_t *count = csv_ids_of(&self->ids, *id);
    if (count == NULL) {
        return err_set(err, ERR_CONFIG, "%.*s has more than %d rows: split it",
                       STR_ARG(self->file.name), CSV_ROWS_MAX);
    }
    ++*count;
    *again = by_column && *count > 1;
    if (!by_column && *count > 1) {
        *id = arena_printf(arena, "%.*s-%" PRIu32, STR_ARG(*id), *count);
    }
    return id->ptr != NULL || no_memory(self, err);
}

static bool fill_message(struct look *look, const struct csv_row *row, struct message *message,
                         struct err *err)
{
    struct csv_source *self = look->self;
    struct arena *arena = look->batch->arena;
    const struct columns *columns = look->columns;
    bool whole = columns->text == CSV_NO_COLUMN;
    message->external_id = arena_copy(arena, message->external_id);
    message->chat = arena_copy(arena, message->chat);
    message->sender = arena_copy(arena, csv_cell(row, columns->sender));
    message->sent_text = arena_copy(arena, csv_cell(row, columns->time));
    message->text = whole ? csv_row_text(&columns->header, row, arena)
                          : arena_copy(arena, csv_cell(row, columns->text));
    message->extra = csv_row_json(&columns->header, row, arena);
    if (columns->time == CSV_NO_COLUMN) {
        message->sent_text = (struct str){0};
    } else if (message->sent_text.ptr == NULL) {
        return no_memory(self, err);
    }
    return (message->external_id.ptr != NULL && message->chat.ptr != NULL &&
            message->sender.ptr != NULL && message->text.ptr != NULL &&
            message->extra.ptr != NULL) ||
           no_memory(self, err);
}

/* Why the row cannot be a message; NULL: it can. */
static const char *fault_of(const struct look *look, const struct csv_row *row,
                            const struct message *message, bool again, struct arena *arena,
                            int64_t *sent_ms)
{
    const struct columns *columns = look->columns;
    struct str time = csv_cell(row, columns->time);
    struct err err = {0};
    if (row->count > columns->header.count) {
        return arena_printf(arena, "it has %zu cells, and the header has %zu", row->count,
                            columns->header.count)
            .ptr;
    }
    if (message->external_id.len == 0) {
        return "its id is empty";
    }
    if (again) {
        return "its id stands on an earlier line, too";
    }
    if (message->chat.len == 0) {
        return "its chat is empty";
    }
    if (columns->time != CSV_NO_COLUMN && !stamps_read(&look->self->stamps, time, sent_ms, &err)) {
        return arena_printf(arena, "its time cannot be read: %s", err.text).ptr;
    }
    return NULL;
}

/* `*full`: there is no room for it, and it was not taken. */
static bool take_row(struct look *look, const struct csv_walk *walk, const struct csv_row *row,
                     struct arena *scratch, bool *full, struct err *err)
{
    const struct columns *columns = look->columns;
    struct batch *batch = look->batch;
    struct message message = {.kind = MESSAGE_CHAT,
                              .chat = columns->chat != CSV_NO_COLUMN ? csv_cell(row, columns->chat)
                                                                     : look->self->chat};
    bool again = false;
    size_t bytes = (size_t)(walk->end - walk->begin);
    message.sent_ms = clock_wall_ms(look->self->source.connector.env.clock);
    *full = batch_full(batch, bytes);
    if (*full) {
        return true;
    }
    if (!id_of(look, row, scratch, &message.external_id, &again, err)) {
        return false;
    }
    if (look->chat->chat.len > 0 && !str_equal(look->chat->chat, message.chat)) {
        return true; /* Another chat's. */
    }
    const char *fault = fault_of(look, row, &message, again, scratch, &message.sent_ms);
    if (fault != NULL) {
        refuse(look, look->chat->chat, walk->line, fault);
        return true;
    }
    if (!fill_message(look, row, &message, err)) {
        return false;
    }
    struct message *added = batch_add(batch, bytes);
    if (added == NULL) {
        return no_memory(look->self, err);
    }
    *added = message;
    return true;
}

/* Is the cursor's place still in the same file? If not, from the first row. */
static bool find_start(struct look *look, struct err *err)
{
    struct csv_source *self = look->self;
    struct csv_cursor *from = &look->from;
    uint64_t hash = 0;
    char next = '\0';
    bool known = csv_cursor_parse(look->chat->cursor, from) && from->end >= look->first &&
                 from->end <= (int64_t)self->file.info.size;
    if (known && !csv_file_hash(&self->file, from->end, &hash, err)) {
        return false;
    }
    if (!known || hash != from->hash) {
        *from =
            (struct csv_cursor){.end = look->first, .line = look->first_line, .begin = look->first};
        return csv_file_hash(&self->file, look->first, &from->hash, err);
    }
    if (from->open && from->end < (int64_t)self->file.info.size) {
        if (!csv_file_byte(&self->file, from->end, &next, err)) {
            return false;
        }
        if (next != '\n' && next != '\r') { /* The row has grown: again from its beginning. */
            from->end = from->begin;
            return csv_file_hash(&self->file, from->end, &from->hash, err);
        }
    }
    return true;
}

/* The ids of the rows before the place, which are needed to count equal ones. */
static bool count_before(struct look *look, struct err *err)
{
    struct csv_source *self = look->self;
    struct csv_walk walk;
    struct arena scratch;
    bool got = true;
    bool ok = true;
    if (self->ids_end == look->from.end && self->ids_hash == look->from.hash) {
        return true;
    }
    csv_ids_free(&self->ids);
    arena_init(&scratch, 4 * (size_t)CSV_ROW_LEN_MAX);
    csv_walk_begin(&walk, &self->file, look->first, look->first_line, true);
    while (ok && got && walk.end < look->from.end) {
        struct csv_row row;
        struct str id = {0};
        bool again = false;
        ok = csv_walk_next(&walk, &scratch, &row, &got, err);
        if (ok && got && walk.end <= look->from.end) {
            ok = id_of(look, &row, &scratch, &id, &again, err);
        } else if (!ok && err->kind == ERR_REJECT) {
            *err = (struct err){0};
            ok = true;
            got = true;
        }
        arena_reset(&scratch);
        if (ok && ++look->rows % TIME_EVERY == 0 &&
            clock_mono_ms(self->source.connector.env.clock) >= look->deadline_ms) {
            ok = err_set(err, ERR_RETRY,
                         "%.*s: it takes too long to read what stands before the new "
                         "rows; raise `timeout`",
                         STR_ARG(self->file.name));
        }
    }
    csv_walk_end(&walk);
    arena_free(&scratch);
    self->ids_end = ok ? look->from.end : -1;
    self->ids_hash = look->from.hash;
    return ok;
}

static bool late(const struct look *look)
{
    const struct connector *connector = &look->self->source.connector;
    return look->rows % TIME_EVERY == 0 &&
           (connector_stopping(connector) ||
            clock_mono_ms(connector->env.clock) >= look->deadline_ms);
}

/* Rows from the place on; the cursor moves behind each that was taken or refused. */
static bool read_rows(struct look *look, struct csv_cursor *to, bool settled, struct err *err)
{
    struct csv_walk walk;
    struct arena scratch;
    bool got = true;
    bool full = false;
    bool ok = true;
    arena_init(&scratch, 4 * (size_t)CSV_ROW_LEN_MAX);
    csv_walk_begin(&walk, &look->self->file, look->from.end, look->from.line, settled);
    while (ok && got && !full) {
        struct csv_row row;
        struct err why = {0};
        bool sound = csv_walk_next(&walk, &scratch, &row, &got, &why);
        if (!sound && why.kind != ERR_REJECT) {
            *err = why;
            ok = false;
        } else if (!sound) {
            refuse(look, look->chat->chat, walk.line, why.text);
            got = true;
        } else if (got) {
            ok = take_row(look, &walk, &row, &scratch, &full, err);
        }
        if (ok && got && !full) {
            *to = (struct csv_cursor){.end = walk.end,
                                      .line = walk.open ? walk.line : walk.next_line,
                                      .begin = walk.begin,
                                      .open = walk.open};
            look->rows++;
            full = late(look);
        }
        arena_reset(&scratch);
    }
    look->batch->more = look->batch->more || full;
    look->self->waits =
        look->self->waits || (!full && walk.end < (int64_t)look->self->file.info.size);
    csv_walk_end(&walk);
    arena_free(&scratch);
    return ok;
}

static bool look_at_chat(struct look *look, bool settled, struct err *err)
{
    struct csv_source *self = look->self;
    if (!find_start(look, err) || !count_before(look, err)) {
        return false;
    }
    struct csv_cursor to = look->from;
    self->ids_end = -1; /* Until all of it went well. */
    if (!read_rows(look, &to, settled, err)) {
        return false;
    }
    /* What stands before the new rows must still be what it was: else they are of two files. */
    uint64_t hash = 0;
    if (!csv_file_hash(&self->file, look->from.end, &hash, err)) {
        return false;
    }
    if (hash != look->from.hash) {
        return err_set(err, ERR_RETRY, "%.*s was rewritten while it was read",
                       STR_ARG(self->file.name));
    }
    if (!csv_file_hash(&self->file, to.end, &to.hash, err)) {
        return false;
    }
    look->chat->next = csv_cursor_write(&to, look->batch->arena);
    self->ids_end = to.end;
    self->ids_hash = to.hash;
    return look->chat->next.ptr != NULL || no_memory(self, err);
}

static bool fetch_rows(struct csv_source *self, struct batch *batch, int64_t deadline_ms,
                       struct err *err)
{
    struct columns columns = {0};
    bool settled = is_settled(self, &self->file.info);
    bool there = false;
    struct look look = {
        .self = self, .batch = batch, .columns = &columns, .deadline_ms = deadline_ms};
    if (!read_header(self, batch->arena, settled, &columns, &look.first, &look.first_line, &there,
                     err)) {
        return false;
    }
    self->waits = !there && self->file.info.size > 0;
    for (size_t i = 0; i < batch->chat_count && there && !batch->more; i++) {
        look.chat = &batch->chats[i];
        if (!look_at_chat(&look, settled, err)) {
            return false;
        }
    }
    return true;
}

/* ---- Rows as a reference ---- */

static bool table_read(struct csv_source *self, struct keyed *table, int64_t first, int64_t line,
                       int64_t deadline_ms, struct err *err)
{
    struct csv_walk walk;
    struct arena scratch;
    struct clock *clock = self->source.connector.env.clock;
    bool got = true;
    bool ok = true;
    size_t rows = 0;
    arena_init(&scratch, 4 * (size_t)CSV_ROW_LEN_MAX);
    csv_walk_begin(&walk, &self->file, first, line, true);
    while (ok && got) {
        struct csv_row row;
        struct err why = {0};
        bool sound = csv_walk_next(&walk, &scratch, &row, &got, &why);
        if (!sound && why.kind != ERR_REJECT) {
            *err = why;
            ok = false;
        } else if (!sound) {
            keyed_refuse(table, walk.line, why.text);
            got = true;
        } else if (got) {
            ok = keyed_add(table, walk.line, &row, err);
        }
        arena_reset(&scratch);
        if (ok && ++rows % TIME_EVERY == 0 && clock_mono_ms(clock) >= deadline_ms) {
            ok = err_set(err, ERR_RETRY, "%.*s: no time left to read it; raise `timeout`",
                         STR_ARG(self->file.name));
        }
    }
    csv_walk_end(&walk);
    arena_free(&scratch);
    return ok;
}

static bool snapshot_make(struct csv_source *self, struct batch *batch, int64_t deadline_ms,
                          struct err *err)
{
    struct columns columns = {0};
    struct keyed table;
    int64_t first = 0;
    int64_t line = 0;
    bool there = false;
    if (!read_header(self, batch->arena, true, &columns, &first, &line, &there, err)) {
        return false;
    }
    if (!there) {
        return err_set(err, ERR_RETRY, "%.*s is empty; what was read before stays as it is",
                       STR_ARG(self->file.name));
    }
    keyed_begin(&table, batch, self->file.name, &columns.header, columns.key, &self->form);
    bool ok = table_read(self, &table, first, line, deadline_ms, err) &&
              keyed_give(&table, self->source.connector.name, err);
    keyed_end(&table);
    return ok;
}

static bool fetch_reference(struct csv_source *self, struct batch *batch, int64_t deadline_ms,
                            struct err *err)
{
    int64_t size = (int64_t)self->file.info.size;
    uint64_t before = 0;
    uint64_t after = 0;
    self->waits = !is_settled(self, &self->file.info);
    if (self->waits || batch->chat_count == 0) {
        return true;
    }
    if (size > CSV_REFERENCE_MAX) {
        return err_set(err, ERR_CONFIG, "%.*s is larger than %d MiB, the most for a reference",
                       STR_ARG(self->file.name), CSV_REFERENCE_MAX >> 20);
    }
    if (!csv_file_hash(&self->file, size, &before, err)) {
        return false;
    }
    struct str next =
        arena_printf(batch->arena, "r1:%016" PRIx64 "%s%s", before, self->form.form > 0 ? ":" : "",
                     self->form.form > 0 ? key_form_names[self->form.form] : "");
    if (next.ptr == NULL) {
        return no_memory(self, err);
    }
    if (str_equal(next, batch->chats[0].cursor)) {
        return true;
    }
    if (!snapshot_make(self, batch, deadline_ms, err) ||
        !csv_file_hash(&self->file, size, &after, err)) {
        return false;
    }
    if (after != before) {
        return err_set(err, ERR_RETRY, "%.*s was rewritten while it was read",
                       STR_ARG(self->file.name));
    }
    batch->chats[0].next = next;
    return true;
}

static bool is_absent(const struct csv_source *self)
{
    struct file_info info;
    struct err ignored = {0};
    return self->optional && file_look(self->path, &info, &ignored) && info.kind == FILE_MISSING;
}

/* A table that nobody made has no rows. One that was read and went away stays as it is. */
static bool fetch_absent(struct csv_source *self, struct batch *batch, struct err *err)
{
    struct csv_header none = {0};
    struct keyed table;
    if (batch->chat_count == 0 || batch->chats[0].cursor.len > 0) {
        return true;
    }
    keyed_begin(&table, batch, self->file.name, &none, 0, &self->form);
    bool ok = keyed_give(&table, self->source.connector.name, err);
    keyed_end(&table);
    batch->chats[0].next = STR("r1:absent");
    return ok;
}

/* ---- The kind ---- */

static bool csv_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                      struct err *err)
{
    struct csv_source *self = csv_of(&source->connector);
    struct batch before = *batch;
    if (is_absent(self)) {
        return fetch_absent(self, batch, err);
    }
    if (!csv_file_open(&self->file, err)) {
        return err_prefix(err, "source %.*s: ", STR_ARG(source->connector.name));
    }
    self->seen = self->file.info;
    bool ok = self->reference ? fetch_reference(self, batch, deadline_ms, err)
                              : fetch_rows(self, batch, deadline_ms, err);
    csv_file_close(&self->file);
    if (!ok) { /* Nothing of a reading that failed is handed out. */
        *batch = before;
        for (size_t i = 0; i < batch->chat_count; i++) {
            batch->chats[i].next = (struct str){0};
        }
        self->ids_end = -1;
        self->seen = (struct file_info){0};
        return err_prefix(err, "source %.*s: ", STR_ARG(source->connector.name));
    }
    return true;
}

static bool csv_changed(struct source *source)
{
    struct csv_source *self = csv_of(&source->connector);
    struct file_info now;
    struct err ignored = {0};
    if (!file_look(self->path, &now, &ignored) || now.kind == FILE_MISSING) {
        return false; /* The next look says it. */
    }
    if (!csv_file_same(&now, &self->seen)) {
        return !self->reference || is_settled(self, &now) || now.kind != self->seen.kind;
    }
    return self->waits && is_settled(self, &now);
}

static bool csv_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                      struct err *err)
{
    struct csv_source *self = csv_of(connector);
    struct columns columns = {0};
    int64_t first = 0;
    int64_t line = 0;
    bool there = false;
    (void)deadline_ms; /* One row of a local file. */
    if (is_absent(self)) {
        *found = arena_printf(connector->env.arena, "%.*s is not there: a table without rows",
                              STR_ARG(self->file.name));
        return found->ptr != NULL || no_memory(self, err);
    }
    bool ok = csv_file_open(&self->file, err) &&
              read_header(self, connector->env.arena, true, &columns, &first, &line, &there, err);
    csv_file_close(&self->file);
    if (!ok) {
        return err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
    }
    *found =
        there ? arena_printf(connector->env.arena, "%.*s: %zu columns, %" PRIu64 " bytes",
                             STR_ARG(self->file.name), columns.header.count, self->file.info.size)
              : arena_printf(connector->env.arena, "%.*s: empty", STR_ARG(self->file.name));
    return found->ptr != NULL || no_memory(self, err);
}

static const struct option options[] = {
    OPTION_PATH(struct csv_source, path, "path", OPTION_REQUIRED, "The file. It is only read."),
    OPTION_CHOICE(struct csv_source, encoding, "encoding", "auto", encodings,
                  "auto: a byte order mark decides, then each row that is UTF-8 is, any other is "
                  "`legacy`."),
    OPTION_CHOICE(struct csv_source, legacy, "legacy", "windows-1255", legacies,
                  "With encoding auto: what rows are that are no UTF-8."),
    OPTION_CHOICE(struct csv_source, separator, "separator", "auto", separators,
                  "What stands between cells; auto takes what the header has most of."),
    OPTION_TEXT(struct csv_source, chat, "chat", "rows", "The chat of all rows."),
    OPTION_TEXT(struct csv_source, chat_column, "chat_column", NULL,
                "Header of the column that says the chat, in place of `chat`."),
    OPTION_TEXT(struct csv_source, id_column, "id_column", NULL,
                "Header of the column with the row's own id; by default what the row says is its "
                "id."),
    OPTION_TEXT(struct csv_source, sender_column, "sender_column", NULL,
                "Header of the column with the sender."),
    OPTION_TEXT(struct csv_source, text_column, "text_column", NULL,
                "Header of the column with the text; by default the whole row, `header: cell` on a "
                "line each."),
    OPTION_TEXT(struct csv_source, time_column, "time_column", NULL,
                "Header of the column with the time; by default when the row was read."),
    OPTION_TEXT(struct csv_source, stamps.format, "time_format", NULL,
                "How times are written, as DD.MM.YYYY HH:MM; by default as ISO 8601."),
    OPTION_ZONE(struct csv_source, stamps.zone_name, "zone", "Asia/Jerusalem",
                "Where the clock stood that wrote times without an offset."),
    OPTION_MAP(struct csv_source, rename, "rename", NULL,
               "What fields are called whose headers are called otherwise: {header: name}."),
    OPTION_DURATION(struct csv_source, settle_ms, "settle", "1s",
                    "How long the file must be left alone before a last row without a line end, or "
                    "a reference, counts."),
    OPTION_BOOL(struct csv_source, reference, "reference", "false",
                "The file is a table to look things up in, under the name of this source."),
    OPTION_BOOL(struct csv_source, optional, "optional", "false",
                "With reference: a file that was never there is a table without rows."),
    OPTION_TEXT(struct csv_source, key, "key", NULL,
                "With reference: header of the column that is looked up."),
    KEY_FORM_OPTIONS(struct csv_source, form),
    OPTION_END,
};

const struct source_type source_csv = {
    .connector =
        {
            .kind = "csv",
            .summary = "Rows of a CSV file that grows, or a table to look things up in.",
            .options = options,
            .size = sizeof(struct csv_source),
            .check = csv_check,
            .open = csv_open_source,
            .probe = csv_probe,
            .rest = csv_rest,
            .close = csv_close,
        },
    .fetch = csv_fetch,
    .changed = csv_changed,
    .is_reference = csv_is_reference,
};
