#include "base/mem.h"
#include "store/internal.h"
#include "store/store.h"

/*
 * Both dictionaries are open-addressing tables with linear probing. They hold what this handle has
 * met, up to NAMES_KEPT_MAX; what is not kept is looked up in the file each time.
 */

static uint64_t chat_hash(int64_t source, struct str chat)
{
    return str_hash(chat, (uint64_t)source * 0x9E3779B97F4A7C15U + 1);
}

/* The tables are made when they are first needed, and again after the handle slept. */
static bool have_tables(struct store *store)
{
    if (store->names == NULL) {
        store->names = mem_alloc(NAMES_SLOTS * sizeof *store->names);
    }
    if (store->chats == NULL) {
        store->chats = mem_alloc(NAMES_SLOTS * sizeof *store->chats);
    }
    return store->names != NULL && store->chats != NULL;
}

static struct name_entry *name_slot(struct store *store, struct str text)
{
    size_t at = (size_t)str_hash(text, 1) % NAMES_SLOTS;
    while (store->names[at].id != 0 && !str_equal(store->names[at].text, text)) {
        at = (at + 1) % NAMES_SLOTS;
    }
    return &store->names[at];
}

static struct chat_entry *chat_slot(struct store *store, int64_t source, struct str chat)
{
    size_t at = (size_t)chat_hash(source, chat) % NAMES_SLOTS;
    while (store->chats[at].id != 0 &&
           (store->chats[at].source != source || !str_equal(store->chats[at].chat, chat))) {
        at = (at + 1) % NAMES_SLOTS;
    }
    return &store->chats[at];
}

void store_forget_names(struct store *store)
{
    mem_free(store->names);
    mem_free(store->chats);
    store->names = NULL;
    store->chats = NULL;
    store->name_count = 0;
    store->chat_count = 0;
    store->names_fresh = false;
    arena_free(&store->names_arena);
}

/* A dictionary that is full starts anew: a chat desk with many senders stays quick and small. */
static void make_room(struct store *store)
{
    if (store->name_count + store->chat_count >= NAMES_KEPT_MAX) {
        bool fresh = store->names_fresh;
        store_forget_names(store);
        store->names_fresh = fresh;
    }
}

static void remember_name(struct store *store, struct str text, int64_t id)
{
    make_room(store);
    struct str copy = arena_copy(&store->names_arena, text);
    if (copy.ptr != NULL && have_tables(store)) {
        *name_slot(store, text) = (struct name_entry){id, copy};
        store->name_count++;
    }
}

static void remember_chat(struct store *store, int64_t source, struct str chat, int64_t id)
{
    make_room(store);
    struct str copy = arena_copy(&store->names_arena, chat);
    if (copy.ptr != NULL && have_tables(store)) {
        *chat_slot(store, source, chat) = (struct chat_entry){id, source, copy};
        store->chat_count++;
    }
}

bool store_name_find(struct store *store, struct str text, int64_t *id, struct err *err)
{
    const struct name_entry *entry = have_tables(store) ? name_slot(store, text) : NULL;
    if (entry != NULL && entry->id != 0) {
        *id = entry->id;
        return true;
    }
    struct query *query = store_query(store, "SELECT id FROM name WHERE text=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, text.ptr != NULL ? text : STR(""));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *id = row ? query_int(query, 0) : 0;
    query_end(query);
    if (*id != 0) {
        remember_name(store, text, *id);
    }
    return true;
}

bool store_name(struct store *store, struct str text, int64_t *id, struct err *err)
{
    if (!store_name_find(store, text, id, err)) {
        return false;
    }
    if (*id != 0) {
        return true;
    }
    must(store->changing);
    struct query *query =
        store->shadow
            ? store_query(store, "INSERT INTO name_new(text) VALUES(?1) RETURNING id", err)
            : store_query(store, "INSERT INTO name(text) VALUES(?1) RETURNING id", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, text.ptr != NULL ? text : STR(""));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    must(row);
    *id = query_int(query, 0);
    query_end(query);
    store->names_fresh = true;
    remember_name(store, text, *id);
    return true;
}

bool store_name_text(struct store *store, struct arena *arena, int64_t id, struct str *text,
                     struct err *err)
{
    struct query *query = store_query(store, "SELECT text FROM name WHERE id=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *text = row ? arena_copy(arena, query_text(query, 0)) : STR("");
    query_end(query);
    return text->ptr != NULL || err_set(err, ERR_RETRY, "store: out of memory");
}

bool store_chat_find(struct store *store, struct str source, struct str chat, int64_t *id,
                     struct err *err)
{
    int64_t source_id = 0;
    *id = 0;
    if (!store_name_find(store, source, &source_id, err)) {
        return false;
    }
    if (source_id == 0) {
        return true;
    }
    const struct chat_entry *entry = have_tables(store) ? chat_slot(store, source_id, chat) : NULL;
    if (entry != NULL && entry->id != 0) {
        *id = entry->id;
        return true;
    }
    struct query *query =
        store_query(store, "SELECT id FROM chat WHERE source=?1 AND chat=?2", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, source_id);
    query_bind_text(query, 2, chat.ptr != NULL ? chat : STR(""));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *id = row ? query_int(query, 0) : 0;
    query_end(query);
    if (*id != 0) {
        remember_chat(store, source_id, chat, *id);
    }
    return true;
}

bool store_chat(struct store *store, struct str source, struct str chat, int64_t *id,
                struct err *err)
{
    int64_t source_id = 0;
    if (!store_chat_find(store, source, chat, id, err)) {
        return false;
    }
    if (*id != 0) {
        return true;
    }
    must(store->changing);
    if (!store_name(store, source, &source_id, err)) {
        return false;
    }
    struct query *query =
        store_query(store, "INSERT INTO chat(source, chat) VALUES(?1, ?2) RETURNING id", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, source_id);
    query_bind_text(query, 2, chat.ptr != NULL ? chat : STR(""));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    must(row);
    *id = query_int(query, 0);
    query_end(query);
    store->names_fresh = true;
    remember_chat(store, source_id, chat, *id);
    return true;
}
