#include "source/bridge_scan.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "source/bridge_cursor.h"
#include "source/bridge_window.h"
#include "text/json.h"
#include "text/utf8.h"

enum { SLOTS_MIN = 16, RESERVE_MAX = 64 * 1024 };

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for one batch of messages");
}

/* ---- Chats ---- */

static bool chats_make(struct bridge_scan *scan)
{
    const struct batch *batch = scan->batch;
    size_t slots = SLOTS_MIN;
    while (slots < batch->chat_count * 2) {
        slots *= 2;
    }
    scan->slot_mask = slots - 1;
    scan->slots = arena_array(batch->arena, slots, sizeof *scan->slots);
    scan->chats = arena_array(batch->arena, batch->chat_count, sizeof *scan->chats);
    if (scan->slots == NULL || scan->chats == NULL) {
        return false;
    }
    for (size_t i = 0; i < batch->chat_count; i++) {
        struct str name = batch->chats[i].chat;
        scan->chats[i].name = name;
        if (name.len == 0) {
            scan->all = &scan->chats[i];
            continue;
        }
        size_t at = (size_t)str_hash(name, 0) & scan->slot_mask;
        while (scan->slots[at] != 0) {
            at = (at + 1) & scan->slot_mask;
        }
        scan->slots[at] = (uint32_t)i + 1;
    }
    if (scan->all != NULL) {
        scan->names = arena_array(batch->arena, BRIDGE_NAMES_CACHED, sizeof *scan->names);
    }
    return scan->all == NULL || scan->names != NULL;
}

/* A chat's name that outlives the row; the same bytes for the same chat as far as possible. */
static struct str name_keep(struct bridge_scan *scan, struct str name, uint64_t hash)
{
    struct str *place = &scan->names[hash % BRIDGE_NAMES_CACHED];
    if (str_equal(*place, name)) {
        return *place;
    }
    if (name.len > MESSAGE_NAME_MAX) { /* Refused by the reader. */
        return name;
    }
    size_t replaced = 0;
    struct str clean = utf8_clean(scan->batch->arena, name, &replaced);
    if (replaced > 0) { /* With a hash, so that two broken names stay two. */
        return arena_printf(scan->batch->arena, "%.*s#%016" PRIx64,
                            STR_ARG(utf8_cut(clean, MESSAGE_NAME_MAX / 2)), hash);
    }
    *place = arena_copy(scan->batch->arena, name);
    return *place;
}

/* The chat that a row belongs to, or NULL when nobody asked for it. */
static struct bridge_chat *chat_find(struct bridge_scan *scan, struct str *name)
{
    uint64_t hash = str_hash(*name, 0);
    size_t at = (size_t)hash & scan->slot_mask;
    for (; scan->slots[at] != 0; at = (at + 1) & scan->slot_mask) {
        struct bridge_chat *chat = &scan->chats[scan->slots[at] - 1];
        if (str_equal(chat->name, *name)) {
            *name = chat->name;
            return chat;
        }
    }
    if (scan->all != NULL && name->len > 0) {
        *name = name_keep(scan, *name, hash);
    }
    return scan->all;
}

static int64_t first_floor(const struct bridge_scan *scan)
{
    int64_t since_ms = scan->batch->since_ms; /* Of a range that somebody asked for. */
    int64_t floor_ms = scan->wall_ms - scan->lookback_ms;
    if (scan->lookback_ms <= 0) {
        return BRIDGE_FLOOR_NONE;
    }
    return since_ms > 0 && since_ms < floor_ms ? since_ms : floor_ms;
}

/* ---- Events ---- */

static void report_restart(struct bridge_scan *scan, const struct bridge_chat *chat,
                           const char *what)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, scan->batch->arena, 0);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("what"), str_of(what));
    json_field_str(&json, STR("done"),
                   STR("read again from the start; what is archived already changes nothing"));
    json_object_end(&json);
    json_writer_done(&json);
    (void)batch_event(scan->batch, (struct event){STR("swapped"), chat->name, buf_str(&buf)});
}

/* ---- In order of rowid ---- */

static void chat_restart(struct bridge_scan *scan, struct bridge_chat *chat, const char *what)
{
    chat->from = INT64_MIN;
    chat->restarted = true;
    report_restart(scan, chat, what);
}

static bool chat_place(struct bridge_scan *scan, struct bridge_chat *chat, struct str text,
                       struct err *err)
{
    struct bridge_cursor cursor;
    enum bridge_window window = BRIDGE_WINDOW_OTHER;
    if (!bridge_cursor_parse(text, &cursor)) {
        chat->floor_ms = first_floor(scan);
        chat_restart(scan, chat, "the place of the last fetch is not written as this version does");
        return true;
    }
    chat->floor_ms = cursor.floor_ms;
    if (!bridge_window_check(scan->schema, scan->db, &cursor, &window, err)) {
        return false;
    }
    switch (window) {
    case BRIDGE_WINDOW_SAME:
        chat->from = cursor.last + (cursor.last != INT64_MAX && cursor.last != INT64_MIN ? 1 : 0);
        break;
    case BRIDGE_WINDOW_TOUCHED:
        chat->from = cursor.anchors[0].rowid;
        break;
    case BRIDGE_WINDOW_OTHER:
        chat_restart(scan, chat,
                     "the rows that the last fetch ended with are gone: another file, an older "
                     "copy, or rows numbered anew");
        break;
    }
    return true;
}

/* Chats mostly share one cursor: it is checked once. */
static bool places_find(struct bridge_scan *scan, int64_t *first, struct err *err)
{
    *first = INT64_MAX;
    scan->newest_from = INT64_MIN;
    for (size_t i = 0; i < scan->batch->chat_count; i++) {
        struct bridge_chat *chat = &scan->chats[i];
        struct str cursor = scan->batch->chats[i].cursor;
        if (cursor.ptr == NULL) {
            chat->absent = true;
            chat->from = INT64_MIN;
            chat->floor_ms = first_floor(scan);
        } else if (i > 0 && str_equal(cursor, scan->batch->chats[i - 1].cursor)) {
            chat->from = chat[-1].from;
            chat->floor_ms = chat[-1].floor_ms;
            chat->restarted = chat[-1].restarted;
        } else if (!chat_place(scan, chat, cursor, err)) {
            return false;
        }
        *first = chat->from < *first ? chat->from : *first;
        scan->newest_from = chat->from > scan->newest_from ? chat->from : scan->newest_from;
    }
    return true;
}

static bool must_pause(const struct bridge_scan *scan)
{
    return scan->rows % BRIDGE_SCAN_PAUSE_ROWS == 0 && scan->rows > 0 &&
           (scan->rows >= BRIDGE_SCAN_ROWS_MAX || connector_stopping(scan->connector) ||
            clock_mono_ms(scan->connector->env.clock) >= scan->deadline_ms);
}

/* Give the row that `query` stands on to its chat. False: it did not fit. */
static bool row_take(struct bridge_scan *scan, const struct query *query, int64_t rowid,
                     bool *no_memory)
{
    struct str name = query_text(query, BRIDGE_COLUMN_CHAT);
    struct bridge_chat *chat = chat_find(scan, &name);
    if (chat == NULL && name.len > 0) {
        return true;
    }
    int64_t from = name.len > 0 ? chat->from : scan->newest_from; /* Nobody's row: report once. */
    if (rowid < from) {
        return true;
    }
    int64_t floor_ms = chat != NULL ? chat->floor_ms : BRIDGE_FLOOR_NONE;
    enum bridge_read read = bridge_row_read(&scan->reader, scan->batch, query, name, floor_ms);
    if (chat != NULL) {
        chat->met = true;
    }
    *no_memory = read == BRIDGE_READ_NO_MEMORY;
    return read != BRIDGE_READ_FULL && read != BRIDGE_READ_NO_MEMORY;
}

/* Rows may not use the last bit of memory: the places are written after them. */
static size_t reserve_take(struct arena *arena)
{
    size_t left = arena->limit - arena->used;
    size_t reserve = left / 4 < RESERVE_MAX ? left / 4 : RESERVE_MAX;
    arena->limit -= reserve;
    return reserve;
}

static bool rows_read(struct bridge_scan *scan, struct query *query, bool *no_memory,
                      struct err *err)
{
    bool row = true;
    for (;;) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        int64_t rowid = query_int(query, BRIDGE_COLUMN_ROWID);
        if (must_pause(scan) || !row_take(scan, query, rowid, no_memory)) {
            break;
        }
        scan->last = rowid;
        scan->rows++;
    }
    query_end(query);
    scan->batch->more = true;
    return true;
}

/* A batch that memory ends is a shorter one, unless there is not even room for one row. */
static bool reading(struct bridge_scan *scan, struct query *query,
                    bool (*read)(struct bridge_scan *scan, struct query *query, bool *no_memory,
                                 struct err *err),
                    struct err *err)
{
    bool no_memory = false;
    size_t reserve = reserve_take(scan->batch->arena);
    bool ok = read(scan, query, &no_memory, err);
    scan->batch->arena->limit += reserve;
    return ok && (!no_memory || scan->batch->count > 0 || out_of_memory(err));
}

/* Chats that the pass has reached stand where it ended. */
static bool places_write(struct bridge_scan *scan, struct err *err)
{
    struct bridge_cursor cursor = {.last = BRIDGE_ROWID_NONE};
    if (scan->rows > 0) {
        int64_t rows = scan->batch->more ? BRIDGE_WINDOW_SHORT : scan->window_rows;
        cursor.last = scan->last;
        if (!bridge_window_take(scan->schema, scan->db, rows, &cursor, scan->batch->arena, err)) {
            return false;
        }
    }
    struct str text = {0};
    for (size_t i = 0; i < scan->batch->chat_count; i++) {
        const struct bridge_chat *chat = &scan->chats[i];
        bool reached = scan->rows > 0 && scan->last >= chat->from;
        if (!reached && !(scan->rows == 0 && chat->restarted)) {
            continue;
        }
        if (text.ptr == NULL || cursor.floor_ms != chat->floor_ms) {
            cursor.floor_ms = chat->floor_ms;
            text = bridge_cursor_write(&cursor, scan->batch->arena);
        }
        if (text.ptr == NULL) {
            return out_of_memory(err);
        }
        scan->batch->chats[i].next = text;
    }
    return true;
}

static bool run_rows(struct bridge_scan *scan, struct err *err)
{
    int64_t first = 0;
    if (!places_find(scan, &first, err)) {
        return false;
    }
    struct query *query = sqlite_query(scan->db, scan->schema->scan, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, first);
    return reading(scan, query, rows_read, err) && places_write(scan, err);
}

/* ---- In sweeps ---- */

static void key_add_hex(struct buf *out, struct str bytes)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        buf_add_byte(out, hex[c >> 4]);
        buf_add_byte(out, hex[c & 15]);
    }
}

/* A value with its type: comparing must give the same order again. */
static void key_write(struct buf *out, const struct query *query, int column)
{
    double number = 0;
    buf_clear(out);
    switch (query_type(query, column)) {
    case QUERY_INT:
        buf_printf(out, "i%" PRId64, query_int(query, column));
        break;
    case QUERY_DOUBLE:
        number = query_double(query, column);
        buf_add_byte(out, 'd');
        key_add_hex(out, (struct str){(const char *)&number, sizeof number});
        break;
    case QUERY_BLOB:
        buf_add_byte(out, 'b');
        key_add_hex(out, query_blob(query, column));
        break;
    case QUERY_TEXT:
    case QUERY_NULL:
        buf_add_byte(out, 't');
        key_add_hex(out, query_text(query, column));
        break;
    }
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool key_bytes(struct str hex, struct arena *arena, struct str *out)
{
    char *bytes = hex.len % 2 == 0 ? arena_bytes(arena, hex.len / 2 + 1) : NULL;
    for (size_t i = 0; bytes != NULL && i < hex.len; i += 2) {
        int high = hex_value(hex.ptr[i]);
        int low = hex_value(hex.ptr[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i / 2] = (char)(high * 16 + low);
    }
    *out = (struct str){bytes, hex.len / 2};
    return bytes != NULL;
}

static bool key_bind(struct query *query, int index, struct str key, struct arena *arena)
{
    char type = key.len > 0 ? key.ptr[0] : '\0';
    struct str value = str_slice(key, 1, key.len);
    struct str bytes = {0};
    int64_t number = 0;
    double real = 0;
    if (type == 'i' && str_to_int64(value, &number)) {
        query_bind_int(query, index, number);
        return true;
    }
    if (type == '\0' || type == 'i' || !key_bytes(value, arena, &bytes)) {
        return false;
    }
    if (type == 'd' && bytes.len == sizeof real) {
        memcpy(&real, bytes.ptr, sizeof real);
        query_bind_double(query, index, real);
    } else if (type == 'b') {
        query_bind_blob(query, index, bytes);
    } else if (type == 't') {
        query_bind_text(query, index, bytes);
    } else {
        return false;
    }
    return true;
}

/* One sweep is for all chats: they go on together, or all from the start. */
static bool sweep_place(struct bridge_scan *scan, struct bridge_sweep_cursor *place)
{
    const struct batch *batch = scan->batch;
    bool together = true;
    for (size_t i = 0; i < batch->chat_count; i++) {
        struct bridge_sweep_cursor cursor = {0};
        struct str text = batch->chats[i].cursor;
        bool known = text.ptr != NULL && bridge_sweep_cursor_parse(text, &cursor);
        scan->chats[i].from = INT64_MIN;
        scan->chats[i].absent = text.ptr == NULL;
        scan->chats[i].floor_ms = known ? cursor.floor_ms : first_floor(scan);
        if (text.ptr != NULL && !known) {
            chat_restart(scan, &scan->chats[i],
                         "the table has no row numbers any more, or the place of the last fetch is "
                         "not written as this version does");
        }
        together =
            together && known && cursor.sum == (i == 0 ? cursor.sum : place->sum) &&
            cursor.done == (i == 0 ? cursor.done : place->done) &&
            (i == 0 || (str_equal(cursor.chat, place->chat) && str_equal(cursor.id, place->id)));
        *place = i == 0 ? cursor : *place;
    }
    return together;
}

/* Rows without a chat or an id have no place in the order: they are listed when a sweep begins. */
static bool sweep_nulls(struct bridge_scan *scan, struct err *err)
{
    struct query *query = sqlite_query(scan->db, scan->schema->sweep_nulls, err);
    bool row = query != NULL;
    while (row) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        if (row) {
            struct str name = query_text(query, BRIDGE_COLUMN_CHAT);
            if (name.len == 0 || chat_find(scan, &name) != NULL) {
                (void)bridge_row_read(&scan->reader, scan->batch, query, name, BRIDGE_FLOOR_NONE);
            }
        }
    }
    return query != NULL;
}

static bool sweep_rows(struct bridge_scan *scan, struct query *query, bool *no_memory,
                       struct err *err)
{
    struct buf keys[4]; /* Of the row that was taken last, and of the one being looked at. */
    bool row = true;
    for (size_t i = 0; i < 4; i++) {
        buf_init(&keys[i], scan->batch->arena, 0);
    }
    for (;;) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        if (!row) {
            scan->sweep_done = true;
            return true;
        }
        size_t at = scan->rows % 2 * 2;
        key_write(&keys[at], query, BRIDGE_COLUMN_CHAT); /* Before reading changes types. */
        key_write(&keys[at + 1], query, BRIDGE_COLUMN_ID);
        if (must_pause(scan) || !row_take(scan, query, 0, no_memory)) {
            break;
        }
        scan->rows++;
    }
    query_end(query);
    scan->batch->more = true;
    if (scan->rows > 0) {
        size_t at = (scan->rows - 1) % 2 * 2;
        scan->sweep_chat = buf_str(&keys[at]);
        scan->sweep_id = buf_str(&keys[at + 1]);
        *no_memory = *no_memory || scan->sweep_chat.ptr == NULL || scan->sweep_id.ptr == NULL;
    }
    return true;
}

static bool sweep_write(struct bridge_scan *scan, struct bridge_sweep_cursor *place,
                        struct err *err)
{
    place->done = scan->sweep_done;
    if (scan->rows > 0) {
        place->chat = scan->sweep_chat;
        place->id = scan->sweep_id;
    }
    for (size_t i = 0; i < scan->batch->chat_count; i++) {
        place->floor_ms = scan->chats[i].floor_ms;
        struct str text = bridge_sweep_cursor_write(place, scan->batch->arena);
        if (text.ptr == NULL) {
            return out_of_memory(err);
        }
        scan->batch->chats[i].next = text;
    }
    return true;
}

/* The query that goes on behind a place; NULL when the place makes no sense. */
static struct query *sweep_resume(struct bridge_scan *scan, const struct bridge_sweep_cursor *place,
                                  struct err *err)
{
    struct query *query = sqlite_query(scan->db, scan->schema->sweep, err);
    bool ok = query != NULL && key_bind(query, 1, place->chat, scan->batch->arena) &&
              key_bind(query, 2, place->id, scan->batch->arena);
    return ok ? query : NULL;
}

/* A sweep from the start. `*query` stays NULL when nothing has changed since the last one. */
static bool sweep_begin(struct bridge_scan *scan, bool ended, struct bridge_sweep_cursor *place,
                        struct query **query, struct err *err)
{
    uint64_t sum = 0;
    if (!bridge_window_sum(scan->schema, scan->db, &sum, err)) {
        return false;
    }
    if (ended && place->sum == sum) {
        return true;
    }
    *place = (struct bridge_sweep_cursor){.sum = sum};
    *query = sqlite_query(scan->db, scan->schema->sweep_first, err);
    return *query != NULL && sweep_nulls(scan, err);
}

static bool run_sweep(struct bridge_scan *scan, struct err *err)
{
    struct bridge_sweep_cursor place = {0};
    struct query *query = NULL;
    bool together = sweep_place(scan, &place);
    if (together && !place.done) {
        query = sweep_resume(scan, &place, err);
    }
    if (query == NULL && !sweep_begin(scan, together && place.done, &place, &query, err)) {
        return false;
    }
    return query == NULL ||
           (reading(scan, query, sweep_rows, err) && sweep_write(scan, &place, err));
}

/* ---- Both ---- */

static void report_missing(struct bridge_scan *scan)
{
    if (scan->batch->more) {
        return;
    }
    for (size_t i = 0; i < scan->batch->chat_count; i++) {
        const struct bridge_chat *chat = &scan->chats[i];
        if (chat->absent && !chat->met && chat != scan->all) {
            (void)batch_event(scan->batch,
                              (struct event){STR("chat"), chat->name,
                                             STR("{\"what\":\"no message of this chat yet; is its "
                                                 "name right?\"}")});
        }
    }
}

bool bridge_scan_run(struct bridge_scan *scan, struct err *err)
{
    must(scan->batch->chat_count > 0);
    must(scan->window_rows > 0 && scan->window_rows <= BRIDGE_WINDOW_MAX);
    if (!chats_make(scan)) {
        return out_of_memory(err);
    }
    bool ok = scan->schema->has_rowid ? run_rows(scan, err) : run_sweep(scan, err);
    if (ok) {
        report_missing(scan);
    }
    return ok;
}
