#include "store/state.h"

#include "store/internal.h"

bool store_state_get(struct store *store, struct arena *arena, int64_t pipeline, int64_t partition,
                     struct str key, struct str *value, struct err *err)
{
    struct query *query =
        store_query(store, "SELECT value FROM state WHERE pipeline=?1 AND part=?2 AND key=?3", err);
    bool row = false;
    *value = (struct str){0};
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    query_bind_int(query, 2, partition);
    query_bind_blob(query, 3, key);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        *value = arena_copy(arena, query_blob(query, 0));
    }
    query_end(query);
    return !row || value->ptr != NULL || err_set(err, ERR_RETRY, "store: out of step memory");
}

bool store_state_check(struct str key, struct str value, struct err *err)
{
    must(key.len > 0 && value.ptr != NULL);
    return (key.len <= STATE_KEY_MAX && value.len <= STATE_VALUE_MAX) ||
           err_set(err, ERR_REJECT, "a note of %zu bytes under a key of %zu is too long", value.len,
                   key.len);
}

bool store_state_put(struct store *store, int64_t pipeline, int64_t partition, struct str key,
                     struct str value, struct err *err)
{
    must(store->changing);
    if (!store_state_check(key, value, err)) {
        return false;
    }
    struct query *query = store_query(store,
                                      "INSERT OR REPLACE INTO state(pipeline, part, key, value)"
                                      " VALUES(?1, ?2, ?3, ?4)",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    query_bind_int(query, 2, partition);
    query_bind_blob(query, 3, key);
    query_bind_blob(query, 4, value);
    return store_run(store, query, err);
}

bool store_state_del(struct store *store, int64_t pipeline, int64_t partition, struct str key,
                     struct err *err)
{
    must(store->changing);
    struct query *query =
        store_query(store, "DELETE FROM state WHERE pipeline=?1 AND part=?2 AND key=?3", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    query_bind_int(query, 2, partition);
    query_bind_blob(query, 3, key);
    return store_run(store, query, err);
}

/*
 * One key a step, each found behind the last: the callback may itself read and write state, which
 * a statement that is still open would not allow.
 */
bool store_state_scan(struct store *store, struct arena *arena, int64_t pipeline, int64_t partition,
                      struct str prefix,
                      bool (*each)(void *context, struct str key, struct str value), void *context,
                      struct err *err)
{
    struct str last = {0};
    for (bool go_on = true; go_on;) {
        struct query *query =
            last.ptr == NULL
                ? store_query(store,
                              "SELECT key, value FROM state WHERE pipeline=?1 AND part=?2"
                              " AND key>=?3 ORDER BY key LIMIT 1",
                              err)
                : store_query(store,
                              "SELECT key, value FROM state WHERE pipeline=?1 AND part=?2"
                              " AND key>?3 ORDER BY key LIMIT 1",
                              err);
        bool row = false;
        if (query == NULL) {
            return false;
        }
        query_bind_int(query, 1, pipeline);
        query_bind_int(query, 2, partition);
        query_bind_blob(query, 3, last.ptr == NULL ? (prefix.ptr ? prefix : STR("")) : last);
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row || !str_starts(query_blob(query, 0), prefix)) {
            query_end(query);
            return true;
        }
        last = arena_copy(arena, query_blob(query, 0));
        struct str value = arena_copy(arena, query_blob(query, 1));
        query_end(query);
        if (last.ptr == NULL || value.ptr == NULL) {
            return err_set(err, ERR_RETRY, "store: out of step memory");
        }
        go_on = each(context, last, value);
    }
    return true;
}

bool store_state_messages(struct store *store, struct str pipeline,
                          bool (*each)(void *context, const struct noted_message *noted),
                          void *context, struct err *err)
{
    int64_t id = 0;
    bool row = false;
    if (!store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    struct query *query = store_query(
        store,
        "SELECT a.id, c.chat, CAST(a.external_id AS TEXT), s.value, a.archived_ms FROM archive a"
        " CROSS JOIN state s ON s.pipeline=?1 AND s.part=a.chat"
        " AND s.key=CAST(CAST(a.external_id AS TEXT) AS BLOB)"
        " CROSS JOIN chat c ON c.id=a.chat WHERE coalesce(a.revision, 0)=0 ORDER BY a.id",
        err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    bool ok = store_step(store, query, &row, err);
    bool more = true;
    while (ok && row && more) {
        struct noted_message noted = {.id = query_int(query, 0),
                                      .chat = query_text(query, 1),
                                      .key = query_text(query, 2),
                                      .value = query_blob(query, 3),
                                      .archived_ms = query_int(query, 4)};
        more = each(context, &noted);
        ok = !more || store_step(store, query, &row, err);
    }
    query_end(query);
    return ok;
}
