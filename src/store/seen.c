#include "store/seen.h"

#include <string.h>

#include "store/internal.h"

enum {
    SEEN_COLUMNS = 3,
    ENTRY_BYTES = 8,
    ROW_BITS = 48, /* Of an entry: how far behind `first` the row is. */
};

/* A shadow knows what the store has seen, as far as it is asked. */
static bool row_bring(struct store *store, int64_t chat, int64_t key, struct err *err)
{
    if (!store->shadow_intake) {
        return true;
    }
    struct query *query = store_query(store,
                                      "INSERT INTO seen SELECT * FROM main.seen WHERE chat=?1 AND"
                                      " key=?2 ON CONFLICT DO NOTHING",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, chat);
    query_bind_int(query, 2, key);
    return store_run(store, query, err);
}

static bool row_get(struct store *store, int64_t chat, int64_t key, int64_t *id, struct err *err)
{
    struct query *query = store_query(store, "SELECT id FROM seen WHERE chat=?1 AND key=?2", err);
    bool row = false;
    if (query == NULL || !row_bring(store, chat, key, err)) {
        return false;
    }
    query_bind_int(query, 1, chat);
    query_bind_int(query, 2, key);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *id = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}

bool seen_add(struct store *store, int64_t chat, int64_t key, int64_t id, bool *added,
              struct err *err)
{
    struct query *query = store_query(
        store, "INSERT INTO seen(chat, key, id) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING", err);
    if (query == NULL || !row_bring(store, chat, key, err)) {
        return false;
    }
    query_bind_int(query, 1, chat);
    query_bind_int(query, 2, key);
    query_bind_int(query, 3, id);
    if (!store_run(store, query, err)) {
        return false;
    }
    *added = sqlite_changes(store->db) == 1;
    return true;
}

/* Enter SEEN_TOGETHER ids; those that are known already stay as they are. */
bool seen_add_together(struct store *store, const struct seen_item *items, int64_t base,
                       size_t *added, struct err *err)
{
    struct query *query = store_query(store,
                                      "INSERT OR FAIL INTO seen(chat, key, id) VALUES" SEEN_SIXTEEN(
                                          "(?,?,?)") " ON CONFLICT DO NOTHING",
                                      err);
    if (query == NULL) {
        return false;
    }
    for (int i = 0; i < SEEN_TOGETHER; i++) {
        int first = i * SEEN_COLUMNS;
        query_bind_int(query, first + 1, items[i].chat);
        query_bind_int(query, first + 2, items[i].key);
        query_bind_int(query, first + 3, base + (int64_t)items[i].place);
    }
    if (!store_run(store, query, err)) {
        return false;
    }
    *added = (size_t)sqlite_changes(store->db);
    return true;
}

static bool row_move(struct store *store, const struct seen_item *item, int64_t id, struct err *err)
{
    struct query *query = store_query(store, "UPDATE seen SET id=?3 WHERE chat=?1 AND key=?2", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, item->chat);
    query_bind_int(query, 2, item->key);
    query_bind_int(query, 3, id);
    return store_run(store, query, err);
}

/* A block, unpacked: an entry is the number's place in the block and, below it, the row. */
struct block {
    int64_t chat;
    int64_t number; /* Of the block: key >> SEEN_NUMBERS_SHIFT. */
    int64_t first;
    size_t count;
    bool stored;
    uint64_t entries[SEEN_NUMBERS];
};

static uint64_t place_of(int64_t key)
{
    return (uint64_t)key & (SEEN_NUMBERS - 1);
}

static uint64_t entry_place(uint64_t entry)
{
    return entry >> ROW_BITS;
}

static int64_t entry_row(const struct block *block, uint64_t entry)
{
    return block->first + (int64_t)(entry & ((UINT64_C(1) << ROW_BITS) - 1));
}

static uint64_t entry_make(const struct block *block, uint64_t place, int64_t id)
{
    must(id >= block->first && id - block->first < INT64_C(1) << ROW_BITS);
    return place << ROW_BITS | (uint64_t)(id - block->first);
}

/* A shadow knows the store's block, as far as it is asked. */
static bool block_bring(struct store *store, const struct block *block, struct err *err)
{
    if (!store->shadow_intake) {
        return true;
    }
    struct query *query = store_query(store,
                                      "INSERT INTO seen_block SELECT * FROM main.seen_block WHERE"
                                      " chat=?1 AND number=?2 ON CONFLICT DO NOTHING",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, block->chat);
    query_bind_int(query, 2, block->number);
    return store_run(store, query, err);
}

/* False for bytes that nobody here has written. */
static bool unpack(struct block *block, struct str bytes)
{
    block->count = bytes.len / ENTRY_BYTES;
    if (bytes.len % ENTRY_BYTES != 0 || block->count > SEEN_NUMBERS) {
        return false;
    }
    for (size_t i = 0; i < block->count; i++) {
        uint64_t entry = 0;
        for (size_t at = i * ENTRY_BYTES; at < (i + 1) * ENTRY_BYTES; at++) {
            entry = entry << 8 | (unsigned char)bytes.ptr[at];
        }
        uint64_t place = entry_place(entry);
        if (place >= SEEN_NUMBERS || (i > 0 && place <= entry_place(block->entries[i - 1]))) {
            return false;
        }
        block->entries[i] = entry;
    }
    return true;
}

static bool block_read(struct store *store, int64_t chat, int64_t key, struct block *block,
                       struct err *err)
{
    bool sound = true;
    block->chat = chat;
    block->number = key >> SEEN_NUMBERS_SHIFT;
    block->count = 0;
    struct query *query = store_query(
        store, "SELECT first, entries FROM seen_block WHERE chat=?1 AND number=?2", err);
    if (query == NULL || !block_bring(store, block, err)) {
        return false;
    }
    query_bind_int(query, 1, chat);
    query_bind_int(query, 2, block->number);
    if (!store_step(store, query, &block->stored, err)) {
        return false;
    }
    if (block->stored) {
        block->first = query_int(query, 0);
        sound = unpack(block, query_blob(query, 1));
    }
    query_end(query);
    return sound || err_set(err, ERR_STORE,
                            "store: the index of known ids is damaged; restore it from a backup");
}

static bool block_write(struct store *store, const struct block *block, struct err *err)
{
    unsigned char bytes[SEEN_NUMBERS * ENTRY_BYTES];
    struct query *query = store_query(
        store, "INSERT OR REPLACE INTO seen_block(chat, number, first, entries) VALUES(?,?,?,?)",
        err);
    if (query == NULL) {
        return false;
    }
    for (size_t i = 0; i < block->count; i++) {
        for (size_t at = 0; at < ENTRY_BYTES; at++) {
            bytes[i * ENTRY_BYTES + at] =
                (unsigned char)(block->entries[i] >> 8 * (ENTRY_BYTES - 1 - at));
        }
    }
    query_bind_int(query, 1, block->chat);
    query_bind_int(query, 2, block->number);
    query_bind_int(query, 3, block->first);
    query_bind_blob(query, 4, (struct str){(const char *)bytes, block->count * ENTRY_BYTES});
    return store_run(store, query, err);
}

/* Where the entry of `place` is, or would be; from `at` on, as questions come in order. */
static size_t entry_find(const struct block *block, size_t at, uint64_t place)
{
    size_t end = block->count;
    while (at < end) {
        size_t middle = at + (end - at) / 2;
        if (entry_place(block->entries[middle]) < place) {
            at = middle + 1;
        } else {
            end = middle;
        }
    }
    return at;
}

static bool entry_is(const struct block *block, size_t at, uint64_t place)
{
    return at < block->count && entry_place(block->entries[at]) == place;
}

static void entry_insert(struct block *block, size_t at, uint64_t entry)
{
    must(block->count < SEEN_NUMBERS);
    memmove(&block->entries[at + 1], &block->entries[at],
            (block->count - at) * sizeof block->entries[0]);
    block->entries[at] = entry;
    block->count++;
}

bool seen_enter_numbers(struct store *store, struct seen_item *items, size_t count, int64_t base,
                        size_t *done, struct err *err)
{
    struct block block;
    bool changed = false;
    size_t at = 0;
    must(count > 0 && items[0].key >= 0);
    if (!block_read(store, items[0].chat, items[0].key, &block, err)) {
        return false;
    }
    block.first = block.stored ? block.first : base;
    *done = 0;
    for (size_t i = 0; i < count; i++) {
        struct seen_item *item = &items[i];
        if (item->chat != block.chat || item->key >> SEEN_NUMBERS_SHIFT != block.number) {
            break;
        }
        *done = i + 1;
        uint64_t place = place_of(item->key);
        at = entry_find(&block, at, place);
        if (entry_is(&block, at, place)) {
            item->known = entry_row(&block, block.entries[at]);
            continue;
        }
        if (store->old_numbers && !row_get(store, item->chat, item->key, &item->known, err)) {
            return false;
        }
        if (item->known == 0) {
            int64_t id = base + (int64_t)item->place;
            entry_insert(&block, at, entry_make(&block, place, id));
            changed = true;
        }
    }
    return !changed || block_write(store, &block, err);
}

bool seen_get(struct store *store, int64_t chat, int64_t key, int64_t *id, struct err *err)
{
    struct block block;
    *id = 0;
    if (key >= 0) {
        if (!block_read(store, chat, key, &block, err)) {
            return false;
        }
        size_t at = entry_find(&block, 0, place_of(key));
        if (entry_is(&block, at, place_of(key))) {
            *id = entry_row(&block, block.entries[at]);
            return true;
        }
        if (!store->old_numbers) {
            return true;
        }
    }
    return row_get(store, chat, key, id, err);
}

bool seen_move(struct store *store, const struct seen_item *item, int64_t id, struct err *err)
{
    struct block block;
    if (item->key >= 0) {
        if (!block_read(store, item->chat, item->key, &block, err)) {
            return false;
        }
        size_t at = entry_find(&block, 0, place_of(item->key));
        if (entry_is(&block, at, place_of(item->key))) {
            block.entries[at] = entry_make(&block, place_of(item->key), id);
            return block_write(store, &block, err);
        }
    }
    return row_move(store, item, id, err);
}
