#include "store/audit.h"

#include <string.h>

#include "store/hash.h"
#include "store/internal.h"

enum { LIST_MAX = 10000 };

/* How many entries there are, and the beginning of the last one's hash: a cut tail shows. */
static const char audit_count[] = "audit_count";
static const char audit_tail[] = "audit_tail";

struct link {
    int64_t id;
    char hash[HASH_SIZE];
};

static void chain(struct link *link, const struct audit_entry *entry)
{
    struct digest digest;
    digest_init(&digest, DIGEST_SHA256);
    digest_add(&digest, (struct str){link->hash, sizeof link->hash});
    hash_add_int(&digest, entry->id);
    hash_add_int(&digest, entry->at_ms);
    hash_add_text(&digest, entry->actor);
    hash_add_text(&digest, entry->act);
    hash_add_text(&digest, entry->object);
    hash_add_text(&digest, entry->detail);
    hash_value(&digest, link->hash);
    link->id = entry->id;
}

static int64_t tail_of(const struct link *link)
{
    int64_t tail = 0;
    for (size_t i = 0; i < 7; i++) { /* Seven bytes: never negative. */
        tail = tail << 8 | (unsigned char)link->hash[i];
    }
    return tail;
}

static bool last_link(struct store *store, struct link *link, struct err *err)
{
    struct query *query =
        store_query(store, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", err);
    bool row = false;
    *link = (struct link){0};
    if (query == NULL || !store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        struct str hash = query_blob(query, 1);
        link->id = query_int(query, 0);
        if (hash.len == sizeof link->hash) {
            memcpy(link->hash, hash.ptr, hash.len);
        }
    }
    query_end(query);
    return true;
}

bool store_audit_put(struct store *store, struct str actor, struct str act, struct str object,
                     struct str detail, struct err *err)
{
    must(store->changing);
    struct link link;
    if (actor.len > AUDIT_WORD_MAX || act.len > AUDIT_WORD_MAX || object.len > AUDIT_WORD_MAX ||
        detail.len > AUDIT_DETAIL_MAX) {
        return err_set(err, ERR_REJECT,
                       "audit: a name or detail is too long to be noted, so the "
                       "act is refused");
    }
    if (!last_link(store, &link, err)) {
        return false;
    }
    struct audit_entry entry = {
        .id = link.id + 1,
        .at_ms = clock_wall_ms(store->clock),
        .actor = actor.ptr != NULL ? actor : STR(""),
        .act = act.ptr != NULL ? act : STR(""),
        .object = object.ptr != NULL ? object : STR(""),
        .detail = detail,
    };
    chain(&link, &entry);
    struct query *query =
        store_query(store,
                    "INSERT INTO audit(id, at_ms, actor, act, object, detail, hash)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, entry.id);
    query_bind_int(query, 2, entry.at_ms);
    query_bind_text(query, 3, entry.actor);
    query_bind_text(query, 4, entry.act);
    query_bind_text(query, 5, entry.object);
    query_bind_text(query, 6, entry.detail);
    query_bind_blob(query, 7, (struct str){link.hash, sizeof link.hash});
    return store_run(store, query, err) && store_meta_put(store, audit_count, entry.id, err) &&
           store_meta_put(store, audit_tail, tail_of(&link), err);
}

static bool copy_entry(struct arena *arena, struct audit_entry *entry, struct str hash)
{
    char hex[HASH_HEX_MAX] = "";
    if (hash.len == HASH_SIZE) {
        hash_to_hex(hash.ptr, hex);
    }
    entry->actor = arena_copy(arena, entry->actor);
    entry->act = arena_copy(arena, entry->act);
    entry->object = arena_copy(arena, entry->object);
    entry->hash = arena_copy(arena, str_of(hex));
    bool has_detail = entry->detail.ptr != NULL;
    if (has_detail) {
        entry->detail = arena_copy(arena, entry->detail);
    }
    return entry->actor.ptr != NULL && entry->act.ptr != NULL && entry->object.ptr != NULL &&
           entry->hash.ptr != NULL && (!has_detail || entry->detail.ptr != NULL);
}

/* Columns id, at_ms, actor, act, object, detail; texts are borrowed. */
static struct audit_entry read_entry(const struct query *query)
{
    return (struct audit_entry){
        .id = query_int(query, 0),
        .at_ms = query_int(query, 1),
        .actor = query_text(query, 2),
        .act = query_text(query, 3),
        .object = query_text(query, 4),
        .detail = query_text(query, 5),
    };
}

bool store_audit_list(struct store *store, struct arena *arena, int64_t before_id, size_t limit,
                      struct audit_entry **out, size_t *count, struct err *err)
{
    size_t room = limit < LIST_MAX ? limit : LIST_MAX;
    struct audit_entry *list = arena_array(arena, room + 1, sizeof *list);
    struct query *query =
        store_query(store,
                    "SELECT id, at_ms, actor, act, object, detail, hash FROM audit"
                    " WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
                    err);
    *out = list;
    *count = 0;
    if (query == NULL) {
        return false;
    }
    if (list == NULL) {
        return err_set(err, ERR_RETRY, "store: out of step memory");
    }
    query_bind_int(query, 1, before_id > 0 ? before_id : INT64_MAX);
    query_bind_int(query, 2, (int64_t)room);
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct audit_entry *entry = &list[(*count)++];
        *entry = read_entry(query);
        if (!copy_entry(arena, entry, query_blob(query, 6))) {
            query_end(query);
            return err_set(err, ERR_RETRY, "store: out of step memory");
        }
    }
}

/* Follow the chain to its end or to the first entry that does not hold. */
static bool walk(struct store *store, struct link *link, int64_t *broken_id, struct err *err)
{
    struct query *query = store_query(
        store, "SELECT id, at_ms, actor, act, object, detail, hash FROM audit ORDER BY id", err);
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
        struct audit_entry entry = read_entry(query);
        struct str hash = query_blob(query, 6);
        int64_t expected = link->id + 1;
        chain(link, &entry);
        if (entry.id != expected || hash.len != HASH_SIZE ||
            memcmp(hash.ptr, link->hash, hash.len) != 0) {
            *broken_id = entry.id > expected ? entry.id : expected;
            query_end(query);
            return true;
        }
    }
}

static bool verify(struct store *store, int64_t *entries, int64_t *broken_id, struct err *err)
{
    struct link link = {0};
    int64_t count = 0;
    int64_t tail = 0;
    if (!walk(store, &link, broken_id, err) ||
        !store_meta_get(store, audit_count, 0, &count, err) ||
        !store_meta_get(store, audit_tail, 0, &tail, err)) {
        return false;
    }
    if (*broken_id == 0 && link.id != count) { /* The tail was cut, or is not ours. */
        *broken_id = (link.id < count ? link.id : count) + 1;
    } else if (*broken_id == 0 && count > 0 && tail != tail_of(&link)) {
        *broken_id = count; /* The chain was computed anew. */
    }
    *entries = link.id;
    return true;
}

bool store_audit_verify(struct store *store, int64_t *entries, int64_t *broken_id, struct err *err)
{
    bool alone = !store->changing && !store->reading;
    *entries = 0;
    *broken_id = 0;
    if (alone && !store_begin_read(store, err)) {
        return false;
    }
    bool ok = verify(store, entries, broken_id, err);
    if (alone) {
        store_rollback(store);
    }
    return ok;
}
