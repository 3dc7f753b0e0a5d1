#include "store/replay.h"

#include <stdio.h>

#include "store/internal.h"

struct str store_baseline_name(struct str pipeline, char out[BASELINE_NAME_MAX])
{
    int len = snprintf(out, BASELINE_NAME_MAX, "baseline/%.*s", STR_ARG(pipeline));
    must(len > 0 && len < BASELINE_NAME_MAX);
    return (struct str){out, (size_t)len};
}

static void generation_key(struct str pipeline, char out[GENERATION_KEY_MAX])
{
    int len = snprintf(out, GENERATION_KEY_MAX, "generation/%.*s", STR_ARG(pipeline));
    must(len > 0 && len < GENERATION_KEY_MAX);
}

bool store_generation_get(struct store *store, struct str pipeline, int64_t *out, struct err *err)
{
    char key[GENERATION_KEY_MAX];
    generation_key(pipeline, key);
    return store_meta_get(store, key, 0, out, err);
}

bool store_generation_put(struct store *store, struct str pipeline, int64_t generation,
                          struct err *err)
{
    char key[GENERATION_KEY_MAX];
    generation_key(pipeline, key);
    return store_meta_put(store, key, generation, err);
}

bool store_replay_next(struct store *store, struct arena *arena, struct str pipeline,
                       struct run *out, struct err *err)
{
    int64_t id = 0;
    int64_t pipeline_id = 0;
    bool row = false;
    *out = (struct run){0};
    struct query *query = store_query(store,
                                      "SELECT id FROM run WHERE phase=1 AND phase<3 AND pipeline=?1"
                                      " AND upto_id=?2 ORDER BY id LIMIT 1",
                                      err);
    if (query == NULL || !store_name_find(store, pipeline, &pipeline_id, err)) {
        return false;
    }
    query_bind_int(query, 1, pipeline_id);
    query_bind_int(query, 2, REPLAY_UPTO);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    id = row ? query_int(query, 0) : 0;
    query_end(query);
    return id == 0 || store_run_get(store, arena, id, out, err);
}

struct entity {
    int64_t pipeline;
    int64_t sink;
    int64_t target;
};

static bool find_entity(struct store *store, struct str pipeline, struct str sink,
                        struct str target, struct entity *out, struct err *err)
{
    return store_name_find(store, pipeline, &out->pipeline, err) &&
           store_name_find(store, sink, &out->sink, err) &&
           store_name_find(store, target, &out->target, err);
}

/* The last record of an entity: forget it, or bring it to another generation. */
static bool change_emitted(struct store *store, struct query *query, struct str pipeline,
                           struct str sink, struct str target, struct str entity, struct err *err)
{
    struct entity found = {0};
    must(store->changing);
    if (query == NULL || !find_entity(store, pipeline, sink, target, &found, err)) {
        return false;
    }
    query_bind_int(query, 1, found.pipeline);
    query_bind_int(query, 2, found.sink);
    query_bind_int(query, 3, found.target);
    query_bind_text(query, 4, entity);
    return store_run(store, query, err);
}

bool store_replay_keep(struct store *store, struct str pipeline, struct str sink, struct str target,
                       struct str entity, int64_t generation, struct err *err)
{
    struct query *query = store_query(store,
                                      "UPDATE emitted SET generation=?5 WHERE pipeline=?1 AND"
                                      " sink=?2 AND target=?3 AND entity=?4",
                                      err);
    if (query != NULL) {
        query_bind_int(query, 5, generation);
    }
    return change_emitted(store, query, pipeline, sink, target, entity, err);
}

bool store_replay_forget(struct store *store, struct str pipeline, struct str sink,
                         struct str target, struct str entity, struct err *err)
{
    struct query *query = store_query(store,
                                      "DELETE FROM emitted WHERE pipeline=?1 AND sink=?2 AND"
                                      " target=?3 AND entity=?4",
                                      err);
    return change_emitted(store, query, pipeline, sink, target, entity, err);
}

bool store_replay_clear(struct store *store, struct str pipeline, int64_t generation,
                        struct err *err)
{
    int64_t id = 0;
    must(store->changing);
    struct query *query = store_query(
        store, "DELETE FROM outbox WHERE pipeline=?1 AND generation<?2 AND flags & 15 = 0", err);
    if (query == NULL || !store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_int(query, 2, generation);
    return store_run(store, query, err);
}

bool store_retention_wish(struct store *store, int64_t *id, struct err *err)
{
    return store_meta_get(store, "archive_wish", 0, id, err);
}
