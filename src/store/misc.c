#include "store/archive.h"
#include "store/internal.h"

/* Oldest rows beyond this many go when a new one comes. */
enum { EVENTS_MAX = 10000, LIST_MAX = 10000 };

static struct str text_or_empty(struct str text)
{
    return text.ptr != NULL ? text : STR("");
}

static bool trim(struct store *store, const char *sql, int64_t kept, struct err *err)
{
    struct query *query = store_query(store, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, kept);
    return store_run(store, query, err);
}

bool store_refused_put(struct store *store, const struct refused *refused, struct err *err)
{
    must(store->changing);
    int64_t worker = 0;
    if (!store_name(store, refused->worker, &worker, err)) {
        return false;
    }
    struct query *query = store_query(store,
                                      "INSERT INTO refused(worker, chat, place, why, at_ms)"
                                      " VALUES(?1, ?2, ?3, ?4, ?5)",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, worker);
    query_bind_text(query, 2, text_or_empty(refused->chat));
    query_bind_text(query, 3, text_or_empty(refused->place));
    query_bind_text(query, 4, text_or_empty(refused->why));
    query_bind_int(query, 5, refused->at_ms != 0 ? refused->at_ms : clock_wall_ms(store->clock));
    return store_run(store, query, err) &&
           trim(store, "DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?1",
                STORE_REFUSED_MAX, err) &&
           store_count_add(store, "refused", 1, err);
}

bool store_refused_list(struct store *store, struct arena *arena, int64_t before_id, size_t limit,
                        struct refused **out, size_t *count, struct err *err)
{
    size_t room = limit < LIST_MAX ? limit : LIST_MAX;
    struct refused *list = arena_array(arena, room + 1, sizeof *list);
    struct query *query = store_query(store,
                                      "SELECT r.id, n.text, r.chat, r.place, r.why, r.at_ms"
                                      " FROM refused r JOIN name n ON n.id=r.worker"
                                      " WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2",
                                      err);
    if (query == NULL) {
        return false;
    }
    if (list == NULL) {
        return err_set(err, ERR_RETRY, "store: out of step memory");
    }
    query_bind_int(query, 1, before_id > 0 ? before_id : INT64_MAX);
    query_bind_int(query, 2, (int64_t)room);
    *out = list;
    *count = 0;
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct refused *one = &list[(*count)++];
        *one = (struct refused){
            .id = query_int(query, 0),
            .worker = arena_copy(arena, query_text(query, 1)),
            .chat = arena_copy(arena, query_text(query, 2)),
            .place = arena_copy(arena, query_text(query, 3)),
            .why = arena_copy(arena, query_text(query, 4)),
            .at_ms = query_int(query, 5),
        };
        if (one->worker.ptr == NULL || one->chat.ptr == NULL || one->place.ptr == NULL ||
            one->why.ptr == NULL) {
            query_end(query);
            return err_set(err, ERR_RETRY, "store: out of step memory");
        }
    }
}

bool store_event_put(struct store *store, struct str source, struct str kind, struct str chat,
                     struct str detail, struct err *err)
{
    must(store->changing);
    int64_t source_id = 0;
    if (!store_name(store, source, &source_id, err)) {
        return false;
    }
    struct query *query = store_query(store,
                                      "INSERT INTO event(source, kind, chat, detail, at_ms)"
                                      " VALUES(?1, ?2, ?3, ?4, ?5)",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, source_id);
    query_bind_text(query, 2, text_or_empty(kind));
    query_bind_text(query, 3, text_or_empty(chat));
    query_bind_text(query, 4, text_or_empty(detail));
    query_bind_int(query, 5, clock_wall_ms(store->clock));
    return store_run(store, query, err) &&
           trim(store, "DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?1", EVENTS_MAX,
                err);
}

bool store_keep_get(struct store *store, struct arena *arena, struct str connector, struct str key,
                    struct str *value, struct err *err)
{
    int64_t connector_id = 0;
    bool row = false;
    *value = (struct str){0};
    if (!store_name_find(store, connector, &connector_id, err)) {
        return false;
    }
    struct query *query =
        store_query(store, "SELECT value FROM keep WHERE connector=?1 AND key=?2", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, connector_id);
    query_bind_text(query, 2, text_or_empty(key));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        *value = arena_copy(arena, query_blob(query, 0));
    }
    query_end(query);
    return !row || value->ptr != NULL || err_set(err, ERR_RETRY, "store: out of step memory");
}

bool store_keep_put(struct store *store, struct str connector, struct str key, struct str value,
                    struct err *err)
{
    must(store->changing);
    int64_t connector_id = 0;
    if (!store_name(store, connector, &connector_id, err)) {
        return false;
    }
    /* An absent value forgets the note. */
    struct query *query =
        value.ptr == NULL
            ? store_query(store, "DELETE FROM keep WHERE connector=?1 AND key=?2", err)
            : store_query(store,
                          "INSERT OR REPLACE INTO keep(connector, key, value) VALUES(?1, ?2, ?3)",
                          err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, connector_id);
    query_bind_text(query, 2, text_or_empty(key));
    if (value.ptr != NULL) {
        query_bind_blob(query, 3, value);
    }
    return store_run(store, query, err);
}

bool store_keep_list(struct store *store, struct arena *arena, struct str connector,
                     struct keep_row **rows, size_t *count, struct err *err)
{
    int64_t connector_id = 0;
    *rows = arena_array(arena, KEEP_LIST_MAX, sizeof **rows);
    *count = 0;
    if (*rows == NULL) {
        return err_set(err, ERR_RETRY, "store: out of step memory");
    }
    if (!store_name_find(store, connector, &connector_id, err)) {
        return false;
    }
    struct query *query = store_query(
        store, "SELECT key, value FROM keep WHERE connector=?1 ORDER BY key LIMIT ?2", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, connector_id);
    query_bind_int(query, 2, KEEP_LIST_MAX);
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct keep_row *one = &(*rows)[(*count)++];
        one->key = arena_copy(arena, query_text(query, 0));
        one->value = arena_copy(arena, query_blob(query, 1));
        if (one->key.ptr == NULL || one->value.ptr == NULL) {
            query_end(query);
            return err_set(err, ERR_RETRY, "store: out of step memory");
        }
    }
}
