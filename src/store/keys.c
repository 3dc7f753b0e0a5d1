#include "store/keys.h"

#include "store/internal.h"

enum { STORED_KEYS_MAX = 10000 };

bool store_keys_put(struct store *store, struct str pipeline, struct str text, struct err *err)
{
    int64_t id = 0;
    if (!store_name(store, pipeline, &id, err)) {
        return false;
    }
    struct query *query = store_query(
        store, "INSERT OR REPLACE INTO made_keys(pipeline, text, at_ms) VALUES(?1, ?2, ?3)", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_text(query, 2, text);
    query_bind_int(query, 3, clock_wall_ms(store->clock));
    return store_run(store, query, err);
}

static bool read_row(struct arena *arena, const struct query *query, struct stored_keys *out,
                     struct err *err)
{
    out->pipeline = arena_copy(arena, query_text(query, 0));
    out->text = arena_copy(arena, query_text(query, 1));
    out->at_ms = query_int(query, 2);
    return (out->pipeline.ptr != NULL && out->text.ptr != NULL) ||
           err_set(err, ERR_RETRY, "store: out of memory for the keys of pipelines");
}

bool store_keys_list(struct store *store, struct arena *arena, struct stored_keys **out,
                     size_t *count, struct err *err)
{
    int64_t room = 0;
    bool row = false;
    *count = 0;
    *out = NULL;
    /* A store that was only opened to look may be an older one. */
    if (!store_int(store, "SELECT count(*) FROM sqlite_schema WHERE name='made_keys'", &room,
                   err)) {
        return false;
    }
    if (room == 0) {
        return true;
    }
    if (!store_int(store, "SELECT count(*) FROM made_keys", &room, err)) {
        return false;
    }
    must(room >= 0 && room <= STORED_KEYS_MAX);
    *out = arena_array(arena, (size_t)room + 1, sizeof **out);
    struct query *query = store_query(store,
                                      "SELECT n.text, k.text, k.at_ms FROM made_keys k JOIN name n"
                                      " ON n.id=k.pipeline ORDER BY n.text",
                                      err);
    if (query == NULL || *out == NULL) {
        return query != NULL && err_set(err, ERR_RETRY, "store: out of memory for keys");
    }
    bool ok = store_step(store, query, &row, err);
    while (ok && row && *count < (size_t)room) {
        ok = read_row(arena, query, &(*out)[*count], err);
        *count += ok;
        ok = ok && store_step(store, query, &row, err);
    }
    query_end(query);
    return ok;
}
