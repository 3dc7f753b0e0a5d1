#include "store/archive.h"

#include <string.h>

#include "store/internal.h"
#include "store/row.h"
#include "store/seen.h"

enum {
    FLAG_DIRECTION_SHIFT = 4,
    FLAG_DELETED = 1 << 8,
    FLAG_PLAIN = 1 << 9, /* The columns behind `sent_text` are empty, and need not be read. */
    FLAG_KIND_MASK = 15,
    COLLISIONS_MAX = 64,
    CHARACTER_REST_MAX = 3, /* Bytes of a character behind its first. */

    /*
     * Rows that one statement adds: to start it for each row costs a tenth of intake's time. Such a
     * statement says OR FAIL, which spares SQLite a journal of its own; when one fails, the whole
     * change is rolled back anyway.
     */
    ROWS_TOGETHER = SEEN_TOGETHER,
    PLAIN_COLUMNS = 9,
    CHAT_SLOTS = 64,
};

/* A decimal number as a person or a database writes it: no sign, no leading zero. */
static bool canonical_number(struct str text, int64_t *value)
{
    const int64_t limit = INT64_MAX / 2;
    if (text.len == 0 || text.len > 18 || (text.ptr[0] == '0' && text.len > 1) ||
        text.ptr[0] < '0' || text.ptr[0] > '9') {
        return false;
    }
    return str_to_int64(text, value) && *value < limit;
}

/* Numbers keep their order and lie at or above zero, hashes lie below: the two never meet. */
static int64_t key_of(const struct store *store, struct str external_id)
{
    int64_t number = 0;
    if (canonical_number(external_id, &number)) {
        return number;
    }
    return -(int64_t)(str_hash(external_id, store->hash_seed) >> 2) - 1;
}

static bool same(struct str a, struct str b)
{
    return str_equal(a, b);
}

void store_archive_row(const struct query *query, struct message *out)
{
    int64_t flags = query_int(query, 2);
    *out = (struct message){
        .id = query_int(query, 0),
        .partition = query_int(query, 1),
        .kind = (enum message_kind)(flags & FLAG_KIND_MASK),
        .direction = (enum message_direction)((flags >> FLAG_DIRECTION_SHIFT) & 3),
        .deleted = (flags & FLAG_DELETED) != 0,
        .external_id = query_text(query, 3),
        .text = query_text(query, 7),
        .sent_text = query_text(query, 8),
        .sent_ms = query_int(query, 5),
        .archived_ms = query_int(query, 6),
    };
    if ((flags & FLAG_PLAIN) != 0) {
        return;
    }
    out->revision = (int32_t)query_int(query, 9);
    if (query_type(query, 10) != QUERY_NULL) {
        out->partition = query_int(query, 10);
    }
    out->about = query_int(query, 11);
    out->version_ms = query_int(query, 12);
    out->attachments = query_text(query, 13);
    out->extra = query_text(query, 14);
}

static struct query *select_by_id(struct store *store, int64_t id, struct err *err)
{
    struct query *query =
        store_query(store, "SELECT " ARCHIVE_COLUMNS " FROM archive WHERE id=?1", err);
    if (query != NULL) {
        query_bind_int(query, 1, id);
    }
    return query;
}

/* Does the row `id` carry this external id? A row that retention took away counts as yes. */
static bool row_is(struct store *store, int64_t id, struct str external_id, bool *is,
                   struct err *err)
{
    struct query *query = store_query(store, "SELECT external_id FROM archive WHERE id=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *is = !row || same(query_text(query, 0), external_id);
    query_end(query);
    return true;
}

struct filing {
    struct store *store;
    struct message *messages;
    struct seen_item *items; /* In the order of the batch. */
    size_t count;
    int64_t base; /* Number of the first message. */
    int64_t archived_ms;

    /* Rows that wait until there are ROWS_TOGETHER of them. */
    struct waiting {
        const struct message *message;
        int64_t chat;
        int64_t sender;
    } waiting[ROWS_TOGETHER];
    size_t waiting_count;
};

/* Look a message's id up in the index, or enter it there. */
static bool file_key(struct filing *filing, struct seen_item *item, struct err *err)
{
    const struct message *message = &filing->messages[item->place];
    int64_t id = filing->base + (int64_t)item->place;
    for (int probe = 0; probe < COLLISIONS_MAX; probe++) {
        bool added = false;
        bool is = false;
        if (!seen_add(filing->store, item->chat, item->key, id, &added, err)) {
            return false;
        }
        if (added) {
            return true;
        }
        if (!seen_get(filing->store, item->chat, item->key, &item->known, err)) {
            return false;
        }
        if (item->known >= filing->base) { /* Entered a moment ago, from this batch. */
            size_t other = (size_t)(item->known - filing->base);
            is = other < filing->count &&
                 same(filing->messages[other].external_id, message->external_id);
        } else if (!row_is(filing->store, item->known, message->external_id, &is, err)) {
            return false;
        }
        if (is) {
            return true;
        }
        item->known = 0; /* Another id with the same hash: try the next key. */
        item->key--;
    }
    return err_set(err, ERR_STORE, "store: too many colliding ids in one chat");
}

static bool is_before(const struct seen_item *a, const struct seen_item *b)
{
    return a->chat != b->chat ? a->chat < b->chat : a->key < b->key;
}

/* One round of a stable merge sort: runs of `width` in `from` become runs of twice that in `to`. */
static void merge_round(const struct seen_item *from, struct seen_item *to, size_t count,
                        size_t width)
{
    for (size_t start = 0; start < count; start += 2 * width) {
        size_t middle = start + width < count ? start + width : count;
        size_t end = start + 2 * width < count ? start + 2 * width : count;
        size_t left = start;
        size_t right = middle;
        for (size_t at = start; at < end; at++) {
            bool take_right =
                left == middle || (right < end && is_before(&from[right], &from[left]));
            to[at] = take_right ? from[right++] : from[left++];
        }
    }
}

/* Sorted by (chat, key), equal ones in the order of the batch. Both arrays are used up. */
static struct seen_item *sort_items(struct seen_item *items, struct seen_item *spare, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        merge_round(items, spare, count, width);
        struct seen_item *sorted = spare;
        spare = items;
        items = sorted;
    }
    return items;
}

/* Like file_key() for ROWS_TOGETHER items: quick where all are fresh, or entered by now. */
static bool file_keys_together(struct filing *filing, struct seen_item *items, struct err *err)
{
    size_t added = 0;
    if (!seen_add_together(filing->store, items, filing->base, &added, err)) {
        return false;
    }
    for (size_t i = 0; added < ROWS_TOGETHER && i < ROWS_TOGETHER; i++) {
        int64_t id = 0;
        if (!seen_get(filing->store, items[i].chat, items[i].key, &id, err)) {
            return false;
        }
        if (id != filing->base + (int64_t)items[i].place && !file_key(filing, &items[i], err)) {
            return false;
        }
    }
    return true;
}

static bool is_hash(const struct seen_item *item)
{
    return item->key < 0;
}

/* Enter some of the sorted ids, at least one: `*step` is how many. */
static bool file_some(struct filing *filing, struct seen_item *items, size_t count, size_t *step,
                      struct err *err)
{
    if (!is_hash(&items[0])) {
        return seen_enter_numbers(filing->store, items, count, filing->base, step, err);
    }
    bool one = filing->store->shadow || count < ROWS_TOGETHER ||
               !is_hash(&items[ROWS_TOGETHER - 1]) ||
               items[ROWS_TOGETHER - 1].chat != items[0].chat;
    *step = one ? 1 : ROWS_TOGETHER;
    return one ? file_key(filing, &items[0], err) : file_keys_together(filing, items, err);
}

/* Enter all ids in key order; the results stand in `items` in the order of the batch. */
static bool file_keys(struct filing *filing, struct arena *arena, struct err *err)
{
    struct seen_item *copy = arena_array(arena, filing->count, sizeof *copy);
    struct seen_item *spare = arena_array(arena, filing->count, sizeof *spare);
    if (copy == NULL || spare == NULL) {
        return err_set(err, ERR_RETRY, "store: a batch is too large for the step's memory");
    }
    memcpy(copy, filing->items, filing->count * sizeof *copy);
    struct seen_item *sorted = sort_items(copy, spare, filing->count);
    for (size_t i = 0; i < filing->count;) {
        size_t step = 0;
        if (!file_some(filing, &sorted[i], filing->count - i, &step, err)) {
            return false;
        }
        for (size_t end = i + step; i < end; i++) {
            filing->items[sorted[i].place] = sorted[i];
        }
    }
    return true;
}

static void bind_external_id(struct query *query, int index, struct str external_id)
{
    int64_t number = 0;
    if (canonical_number(external_id, &number)) {
        query_bind_int(query, index, number);
    } else {
        query_bind_text(query, index, external_id);
    }
}

static void bind_known(struct query *query, int index, int64_t value)
{
    if (value != 0) {
        query_bind_int(query, index, value);
    } else {
        query_bind_null(query, index);
    }
}

/* The columns that most messages leave empty. */
static bool is_plain(const struct message *message, int64_t chat)
{
    return message->revision == 0 && message->partition == chat && message->about == 0 &&
           message->version_ms == 0 && message->attachments.ptr == NULL &&
           message->extra.ptr == NULL;
}

/* The columns that every row has, from parameter `first` on; `also` are more flags. */
static void bind_plain(struct query *query, int first, const struct waiting *row, int64_t also)
{
    const struct message *message = row->message;
    int64_t flags = (int64_t)message->kind | (int64_t)message->direction << FLAG_DIRECTION_SHIFT |
                    (message->deleted ? FLAG_DELETED : 0) | also;
    query_bind_int(query, first, message->id);
    query_bind_int(query, first + 1, row->chat);
    query_bind_int(query, first + 2, flags);
    bind_external_id(query, first + 3, message->external_id);
    query_bind_int(query, first + 4, row->sender);
    query_bind_int(query, first + 5, message->sent_ms);
    query_bind_int(query, first + 6, message->archived_ms);
    query_bind_text(query, first + 7, message->text.ptr != NULL ? message->text : STR(""));
    query_bind_text(query, first + 8, message->sent_text);
}

static bool insert_one(struct store *store, const struct waiting *row, struct err *err)
{
    struct query *query =
        store_query(store,
                    "INSERT INTO archive(" ARCHIVE_COLUMNS ")"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                    err);
    if (query == NULL) {
        return false;
    }
    const struct message *message = row->message;
    bind_plain(query, 1, row, 0);
    bind_known(query, 10, message->revision);
    bind_known(query, 11, message->partition == row->chat ? 0 : message->partition);
    bind_known(query, 12, message->about);
    bind_known(query, 13, message->version_ms);
    query_bind_text(query, 14, message->attachments);
    query_bind_text(query, 15, message->extra);
    return store_run(store, query, err);
}

static bool insert_together(struct store *store, const struct waiting *rows, struct err *err)
{
    struct query *query =
        store_query(store,
                    "INSERT OR FAIL INTO archive(id, chat, flags, external_id, sender, sent_ms,"
                    " archived_ms, text, sent_text) VALUES" SEEN_SIXTEEN("(?,?,?,?,?,?,?,?,?)"),
                    err);
    if (query == NULL) {
        return false;
    }
    for (int i = 0; i < ROWS_TOGETHER; i++) {
        bind_plain(query, 1 + i * PLAIN_COLUMNS, &rows[i], FLAG_PLAIN);
    }
    return store_run(store, query, err);
}

/* Write the rows that wait. Whoever looks at a row of this batch does so first. */
static bool insert_waiting(struct filing *filing, struct err *err)
{
    size_t count = filing->waiting_count;
    filing->waiting_count = 0;
    if (count == ROWS_TOGETHER) {
        return insert_together(filing->store, filing->waiting, err);
    }
    for (size_t i = 0; i < count; i++) {
        if (!insert_one(filing->store, &filing->waiting[i], err)) {
            return false;
        }
    }
    return true;
}

static bool insert_row(struct filing *filing, const struct message *message, int64_t chat,
                       struct err *err)
{
    struct waiting row = {.message = message, .chat = chat};
    if (!store_name(filing->store, message->sender, &row.sender, err)) {
        return false;
    }
    if (!is_plain(message, chat)) { /* Behind those that wait, as numbers rise. */
        return insert_waiting(filing, err) && insert_one(filing->store, &row, err);
    }
    filing->waiting[filing->waiting_count++] = row;
    return filing->waiting_count < ROWS_TOGETHER || insert_waiting(filing, err);
}

/* Cut a text that is too long, never splitting a character. */
static bool cut_text(struct message *message)
{
    if (message->text.len <= MESSAGE_TEXT_MAX) {
        return false;
    }
    size_t len = MESSAGE_TEXT_MAX;
    while (len > MESSAGE_TEXT_MAX - CHARACTER_REST_MAX &&
           ((unsigned char)message->text.ptr[len] & 0xC0) == 0x80) {
        len--;
    }
    message->text.len = len;
    return true;
}

/* The id is known: is what it says now something new? Sets the next revision if so. */
static bool is_revised(struct store *store, const struct seen_item *item, struct message *message,
                       bool *revised, struct err *err)
{
    struct query *query = select_by_id(store, item->known, err);
    bool row = false;
    struct message old;
    *revised = false;
    if (query == NULL || !store_step(store, query, &row, err)) {
        return false;
    }
    if (!row) { /* Retention took it: it was known, that is all. */
        return true;
    }
    store_archive_row(query, &old);
    bool older =
        message->version_ms != 0 && old.version_ms != 0 && message->version_ms < old.version_ms;
    bool equal = same(old.text, message->text) && old.deleted == message->deleted &&
                 same(old.attachments, message->attachments);
    *revised = !older && !equal && message->kind == MESSAGE_CHAT;
    message->revision = old.revision + 1;
    query_end(query);
    return true;
}

static bool file_row(struct filing *filing, size_t place, struct intake_counts *counts,
                     struct err *err)
{
    struct store *store = filing->store;
    struct message *message = &filing->messages[place];
    struct seen_item *item = &filing->items[place];
    bool cut = cut_text(message);
    if (message->partition == 0) {
        message->partition = item->chat;
    }
    if (item->known != 0) {
        /* The index may have moved on to a revision of this very batch. */
        bool revised = false;
        if (!insert_waiting(filing, err) ||
            !seen_get(store, item->chat, item->key, &item->known, err) ||
            !is_revised(store, item, message, &revised, err)) {
            return false;
        }
        if (!revised) {
            message->id = 0;
            message->revision = 0;
            counts->repeated++;
            return true;
        }
        if (!seen_move(store, item, filing->base + (int64_t)place, err)) {
            return false;
        }
    }
    message->id = filing->base + (int64_t)place;
    message->archived_ms = filing->archived_ms;
    counts->last_id = message->id;
    counts->cut += cut; /* Not of a repeat: a source that looks back shows it again and again. */
    counts->fresh += item->known == 0;
    counts->revised += item->known != 0;
    return insert_row(filing, message, item->chat, err);
}

/* Numbers go on behind everything that ever was; time never falls. */
static bool begin_filing(struct filing *filing, struct err *err)
{
    struct store *store = filing->store;
    int64_t floor_id = 0;
    struct query *query =
        store_query(store, "SELECT id, archived_ms FROM archive ORDER BY id DESC LIMIT 1", err);
    bool row = false;
    if (query == NULL || !store_step(store, query, &row, err)) {
        return false;
    }
    int64_t last_id = row ? query_int(query, 0) : 0;
    int64_t last_ms = row ? query_int(query, 1) : 0;
    query_end(query);
    int64_t floor_ms = 0;
    if (!store_meta_get(store, "archive_floor", 0, &floor_id, err) ||
        !store_meta_get(store, "archive_floor_ms", 0, &floor_ms, err)) {
        return false;
    }
    last_ms = last_ms > floor_ms ? last_ms : floor_ms;
    int64_t now_ms = clock_wall_ms(store->clock);
    filing->base = (last_id > floor_id ? last_id : floor_id) + 1;
    filing->archived_ms = now_ms > last_ms ? now_ms : last_ms;
    return true;
}

/* Messages of a chat mostly share the very bytes of its name: it is looked up once. */
struct chat_slot {
    struct str source;
    struct str chat;
    int64_t id;
};

static bool chat_of(struct store *store, struct chat_slot *slots, const struct message *message,
                    int64_t *id, struct err *err)
{
    size_t at = ((uintptr_t)message->chat.ptr >> 3) % CHAT_SLOTS;
    struct chat_slot *slot = &slots[at];
    if (slot->id != 0 && slot->chat.ptr == message->chat.ptr &&
        slot->chat.len == message->chat.len && slot->source.ptr == message->source.ptr &&
        slot->source.len == message->source.len) {
        *id = slot->id;
        return true;
    }
    if (!store_chat(store, message->source, message->chat, id, err)) {
        return false;
    }
    *slot = (struct chat_slot){message->source, message->chat, *id};
    return true;
}

static bool file_chats(struct filing *filing, struct err *err)
{
    struct chat_slot slots[CHAT_SLOTS] = {0};
    for (size_t i = 0; i < filing->count; i++) {
        struct message *message = &filing->messages[i];
        struct seen_item *item = &filing->items[i];
        must(message->source.len > 0 && message->external_id.len > 0);
        *item = (struct seen_item){.key = key_of(filing->store, message->external_id), .place = i};
        message->revision = 0;
        if (!chat_of(filing->store, slots, message, &item->chat, err)) {
            return false;
        }
    }
    return true;
}

bool store_archive_put(struct store *store, struct arena *arena, struct message *messages,
                       size_t count, struct intake_counts *counts, struct err *err)
{
    must(store->changing);
    *counts = (struct intake_counts){0};
    if (count == 0) {
        return true;
    }
    struct filing filing = {.store = store, .messages = messages, .count = count};
    filing.items = arena_array(arena, count, sizeof *filing.items);
    if (filing.items == NULL) {
        return err_set(err, ERR_RETRY, "store: a batch is too large for the step's memory");
    }
    if (!begin_filing(&filing, err) || !file_chats(&filing, err) ||
        !file_keys(&filing, arena, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!file_row(&filing, i, counts, err)) {
            return false;
        }
    }
    int64_t rows = counts->fresh + counts->revised;
    return insert_waiting(&filing, err) &&
           (rows == 0 || store_count_add(store, STORE_ARCHIVED, rows, err));
}

static bool copy_text(struct arena *arena, struct str *text)
{
    if (text->ptr == NULL) {
        return true;
    }
    *text = arena_copy(arena, *text);
    return text->ptr != NULL;
}

static bool copy_row(struct store *store, struct arena *arena, struct query *query,
                     struct message *out, struct err *err)
{
    store_archive_row(query, out);
    int64_t chat = query_int(query, 1);
    int64_t sender = query_int(query, 4);
    int64_t source = 0;
    bool ok = copy_text(arena, &out->external_id) && copy_text(arena, &out->text) &&
              copy_text(arena, &out->sent_text) && copy_text(arena, &out->attachments) &&
              copy_text(arena, &out->extra);
    query_end(query);
    if (!ok) {
        return err_set(err, ERR_RETRY, "store: a message is too large for the step's memory");
    }
    struct query *names = store_query(store, "SELECT source, chat FROM chat WHERE id=?1", err);
    bool row = false;
    if (names == NULL) {
        return false;
    }
    query_bind_int(names, 1, chat);
    if (!store_step(store, names, &row, err)) {
        return false;
    }
    source = row ? query_int(names, 0) : 0;
    out->chat = row ? arena_copy(arena, query_text(names, 1)) : STR("");
    query_end(names);
    return store_name_text(store, arena, source, &out->source, err) &&
           store_name_text(store, arena, sender, &out->sender, err);
}

bool store_archive_get(struct store *store, struct arena *arena, int64_t id, struct message *out,
                       struct err *err)
{
    struct query *query = select_by_id(store, id, err);
    bool row = false;
    *out = (struct message){0};
    if (query == NULL || !store_step(store, query, &row, err)) {
        return false;
    }
    return !row || copy_row(store, arena, query, out, err);
}

bool store_archive_find(struct store *store, struct arena *arena, struct str source,
                        struct str chat, struct str external_id, struct message *out,
                        struct err *err)
{
    int64_t chat_id = 0;
    *out = (struct message){0};
    if (!store_chat_find(store, source, chat, &chat_id, err)) {
        return false;
    }
    int64_t key = key_of(store, external_id);
    for (int probe = 0; chat_id != 0 && probe < COLLISIONS_MAX; probe++, key--) {
        int64_t id = 0;
        if (!seen_get(store, chat_id, key, &id, err)) {
            return false;
        }
        if (id == 0) {
            return true;
        }
        if (!store_archive_get(store, arena, id, out, err)) {
            return false;
        }
        if (out->id == 0 || same(out->external_id, external_id)) {
            return true;
        }
        *out = (struct message){0};
    }
    return true;
}

bool store_archive_head(struct store *store, int64_t *id, struct err *err)
{
    int64_t floor_id = 0;
    if (!store_meta_get(store, "archive_floor", 0, &floor_id, err) ||
        !store_int(store, "SELECT id FROM archive ORDER BY id DESC LIMIT 1", id, err)) {
        return false;
    }
    *id = *id > floor_id ? *id : floor_id; /* Retention may have taken every row. */
    return true;
}

bool store_cursor_get(struct store *store, struct arena *arena, struct str source, struct str chat,
                      struct str *cursor, struct err *err)
{
    int64_t source_id = 0;
    *cursor = (struct str){0};
    if (!store_name_find(store, source, &source_id, err)) {
        return false;
    }
    struct query *query =
        store_query(store, "SELECT value FROM cursor WHERE source=?1 AND chat=?2", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, source_id);
    query_bind_text(query, 2, chat.ptr != NULL ? chat : STR(""));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        *cursor = arena_copy(arena, query_text(query, 0));
    }
    query_end(query);
    return !row || cursor->ptr != NULL || err_set(err, ERR_RETRY, "store: out of step memory");
}

enum { CURSORS_FIRST = 64 };

static bool take_cursor(struct arena *arena, struct query *query, struct cursor_row *row)
{
    *row = (struct cursor_row){.source = arena_copy(arena, query_text(query, 0)),
                               .chat = arena_copy(arena, query_text(query, 1)),
                               .cursor = arena_copy(arena, query_text(query, 2))};
    return row->source.ptr != NULL && row->chat.ptr != NULL && row->cursor.ptr != NULL;
}

bool store_cursor_list(struct store *store, struct arena *arena, struct cursor_row **rows,
                       size_t *count, struct err *err)
{
    size_t room = 0;
    *rows = NULL;
    *count = 0;
    struct query *query = store_query(store,
                                      "SELECT n.text, c.chat, c.value FROM cursor c"
                                      " JOIN name n ON n.id=c.source ORDER BY n.text, c.chat",
                                      err);
    if (query == NULL) {
        return false;
    }
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        if (*count == room) {
            room = room == 0 ? CURSORS_FIRST : room * 2;
            struct cursor_row *more = arena_array(arena, room, sizeof *more);
            if (more != NULL && *count > 0) {
                memcpy(more, *rows, *count * sizeof *more);
            }
            *rows = more;
        }
        if (*rows == NULL || !take_cursor(arena, query, &(*rows)[*count])) {
            query_end(query);
            return err_set(err, ERR_RETRY, "store: out of step memory");
        }
        *count += 1;
    }
}

bool store_cursor_put(struct store *store, struct str source, struct str chat, struct str cursor,
                      struct err *err)
{
    must(store->changing);
    int64_t source_id = 0;
    if (!store_name(store, source, &source_id, err)) {
        return false;
    }
    struct query *query = store_query(
        store, "INSERT OR REPLACE INTO cursor(source, chat, value) VALUES(?1, ?2, ?3)", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, source_id);
    query_bind_text(query, 2, chat.ptr != NULL ? chat : STR(""));
    query_bind_text(query, 3, cursor.ptr != NULL ? cursor : STR(""));
    return store_run(store, query, err);
}
