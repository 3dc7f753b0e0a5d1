#include "store/progress.h"

#include "store/internal.h"

bool store_sweep_put(struct store *store, struct str source, int64_t run, const char *error,
                     struct err *err)
{
    must(store->changing);
    int64_t source_id = 0;
    struct query *query =
        store_query(store,
                    "INSERT INTO sweep(source, run, at_ms, good_ms, error) VALUES(?1, ?2, ?3,"
                    " iif(?4 IS NULL, ?3, 0), ?4) ON CONFLICT DO UPDATE SET run=max(run, ?2),"
                    " at_ms=?3, good_ms=iif(?4 IS NULL, ?3, good_ms), error=?4",
                    err);
    if (query == NULL || !store_name(store, source, &source_id, err)) {
        return false;
    }
    query_bind_int(query, 1, source_id);
    query_bind_int(query, 2, run);
    query_bind_int(query, 3, clock_wall_ms(store->clock));
    query_bind_text(query, 4, str_of(error));
    return store_run(store, query, err);
}

bool store_sweep_get(struct store *store, struct arena *arena, struct str source, struct sweep *out,
                     struct err *err)
{
    int64_t source_id = 0;
    bool row = false;
    struct query *query =
        store_query(store, "SELECT run, at_ms, good_ms, error FROM sweep WHERE source=?1", err);
    *out = (struct sweep){0};
    if (query == NULL || !store_name_find(store, source, &source_id, err)) {
        return false;
    }
    query_bind_int(query, 1, source_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        *out = (struct sweep){query_int(query, 0), query_int(query, 1), query_int(query, 2), {0}};
        struct str error = query_text(query, 3);
        out->error = error.ptr != NULL ? arena_copy(arena, error) : error;
    }
    query_end(query);
    return true;
}

bool store_run_wanting(struct store *store, struct str pipeline, int64_t *run, struct err *err)
{
    int64_t id = 0;
    bool row = false;
    struct query *query = store_query(
        store, "SELECT max(id) FROM run WHERE phase<3 AND phase=0 AND pipeline=?1", err);
    *run = 0;
    if (query == NULL || !store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    query_bind_int(query, 1, id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *run = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}

bool store_run_add(struct store *store, struct str pipeline, const struct run_counts *counts,
                   int64_t upto_id, int64_t *run, struct err *err)
{
    must(store->changing);
    int64_t id = 0;
    bool row = false;
    struct query *query =
        store_query(store,
                    "UPDATE run SET messages=messages+?2, records=records+?3,"
                    " delivered=delivered+?4, failed=failed+?5,"
                    " upto_id=iif(phase>0, max(upto_id, ?6), upto_id) WHERE id=(SELECT min(id) FROM"
                    " run WHERE phase<3 AND pipeline=?1) RETURNING id",
                    err);
    *run = 0;
    if (query == NULL || !store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_int(query, 2, counts->messages);
    query_bind_int(query, 3, counts->records);
    query_bind_int(query, 4, counts->delivered);
    query_bind_int(query, 5, counts->failed);
    query_bind_int(query, 6, upto_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *run = row ? query_int(query, 0) : 0;
    return !row || store_run(store, query, err);
}

bool store_run_of(struct store *store, struct str pipeline, int64_t *run, struct err *err)
{
    int64_t id = 0;
    bool row = false;
    struct query *query =
        store_query(store, "SELECT min(id) FROM run WHERE phase<3 AND pipeline=?1", err);
    if (query == NULL || !store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    query_bind_int(query, 1, id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *run = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}
