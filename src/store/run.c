#include "store/run.h"

#include <string.h>

#include "store/internal.h"

enum { LIST_FIRST = 32, LIST_MAX = 10000, REQUESTS_WAITING_MAX = 10000 };

#define RUN_COLUMNS                                                                                \
    "id, (SELECT text FROM name n WHERE n.id=run.pipeline), trigger, phase, outcome, planned_ms,"  \
    " started_ms, ended_ms, from_id, upto_id, messages, records, delivered, failed, detail, error"

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "store: out of step memory");
}

/* A copy; absent stays absent. */
static bool copy(struct arena *arena, struct str from, struct str *to)
{
    *to = from.ptr != NULL ? arena_copy(arena, from) : from;
    return from.ptr == NULL || to->ptr != NULL;
}

static bool read_run(struct arena *arena, const struct query *query, struct run *out,
                     struct err *err)
{
    *out = (struct run){
        .id = query_int(query, 0),
        .trigger = (enum run_trigger)query_int(query, 2),
        .phase = (enum run_phase)query_int(query, 3),
        .outcome = (enum run_outcome)query_int(query, 4),
        .planned_ms = query_int(query, 5),
        .started_ms = query_int(query, 6),
        .ended_ms = query_int(query, 7),
        .from_id = query_int(query, 8),
        .upto_id = query_int(query, 9),
        .messages = query_int(query, 10),
        .records = query_int(query, 11),
        .delivered = query_int(query, 12),
        .failed = query_int(query, 13),
    };
    return (copy(arena, query_text(query, 1), &out->pipeline) &&
            copy(arena, query_text(query, 14), &out->detail) &&
            copy(arena, query_text(query, 15), &out->error)) ||
           out_of_memory(err);
}

/* What changes in the course of a run; parameters 2 to 14. */
static void bind_course(struct query *query, const struct run *run)
{
    query_bind_int(query, 2, (int64_t)run->phase);
    query_bind_int(query, 3, (int64_t)run->outcome);
    query_bind_int(query, 4, run->planned_ms);
    query_bind_int(query, 5, run->started_ms);
    query_bind_int(query, 6, run->ended_ms);
    query_bind_int(query, 7, run->from_id);
    query_bind_int(query, 8, run->upto_id);
    query_bind_int(query, 9, run->messages);
    query_bind_int(query, 10, run->records);
    query_bind_int(query, 11, run->delivered);
    query_bind_int(query, 12, run->failed);
    query_bind_text(query, 13, run->detail);
    query_bind_text(query, 14, run->error);
}

bool store_run_open(struct store *store, const struct run *run, int64_t *id, struct err *err)
{
    must(store->changing);
    int64_t pipeline = 0;
    bool row = false;
    if (!store_name(store, run->pipeline, &pipeline, err)) {
        return false;
    }
    struct query *query =
        store_query(store,
                    "INSERT INTO run(pipeline, phase, outcome, planned_ms, started_ms, ended_ms,"
                    " from_id, upto_id, messages, records, delivered, failed, detail, error,"
                    " trigger) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
                    " ?14, ?15) RETURNING id",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    bind_course(query, run);
    query_bind_int(query, 15, (int64_t)run->trigger);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    must(row);
    *id = query_int(query, 0);
    query_end(query);
    return true;
}

bool store_run_update(struct store *store, const struct run *run, struct err *err)
{
    must(store->changing);
    struct query *query =
        store_query(store,
                    "UPDATE run SET phase=?2, outcome=?3, planned_ms=?4, started_ms=?5,"
                    " ended_ms=?6, from_id=?7, upto_id=?8, messages=?9, records=?10,"
                    " delivered=?11, failed=?12, detail=?13, error=?14 WHERE id=?1",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, run->id);
    bind_course(query, run);
    if (!store_run(store, query, err)) {
        return false;
    }
    must(sqlite_changes(store->db) == 1);
    return true;
}

bool store_run_get(struct store *store, struct arena *arena, int64_t id, struct run *out,
                   struct err *err)
{
    struct query *query = store_query(store, "SELECT " RUN_COLUMNS " FROM run WHERE id=?1", err);
    bool row = false;
    *out = (struct run){0};
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    bool ok = !row || read_run(arena, query, out, err);
    query_end(query);
    return ok;
}

/* All rows of the query, in an array that doubles. */
static bool read_runs(struct store *store, struct arena *arena, struct query *query,
                      struct run **out, size_t *count, struct err *err)
{
    size_t room = 0;
    *out = NULL;
    *count = 0;
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        if (*count == room) {
            room = room == 0 ? LIST_FIRST : room * 2;
            struct run *larger = arena_array(arena, room, sizeof *larger);
            if (larger == NULL) {
                query_end(query);
                return out_of_memory(err);
            }
            if (*count > 0) {
                memcpy(larger, *out, *count * sizeof *larger);
            }
            *out = larger;
        }
        if (!read_run(arena, query, &(*out)[*count], err)) {
            query_end(query);
            return false;
        }
        (*count)++;
    }
}

bool store_run_active(struct store *store, struct arena *arena, struct run **out, size_t *count,
                      struct err *err)
{
    struct query *query = store_query(
        store, "SELECT " RUN_COLUMNS " FROM run WHERE phase < 3 ORDER BY id LIMIT ?1", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, LIST_MAX);
    return read_runs(store, arena, query, out, count, err);
}

bool store_run_list(struct store *store, struct arena *arena, struct str pipeline,
                    int64_t before_id, size_t limit, struct run **out, size_t *count,
                    struct err *err)
{
    int64_t pipeline_id = 0;
    *out = NULL;
    *count = 0;
    if (pipeline.len > 0) {
        if (!store_name_find(store, pipeline, &pipeline_id, err)) {
            return false;
        }
        if (pipeline_id == 0) {
            return true;
        }
    }
    struct query *query =
        pipeline_id != 0
            ? store_query(store,
                          "SELECT " RUN_COLUMNS " FROM run WHERE id < ?1 AND pipeline=?3"
                          " ORDER BY id DESC LIMIT ?2",
                          err)
            : store_query(store,
                          "SELECT " RUN_COLUMNS " FROM run WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
                          err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, before_id > 0 ? before_id : INT64_MAX);
    query_bind_int(query, 2, limit < LIST_MAX ? (int64_t)limit : LIST_MAX);
    if (pipeline_id != 0) {
        query_bind_int(query, 3, pipeline_id);
    }
    return read_runs(store, arena, query, out, count, err);
}

bool store_schedule_get(struct store *store, struct str pipeline, int64_t *planned_ms,
                        struct err *err)
{
    int64_t pipeline_id = 0;
    bool row = false;
    *planned_ms = 0;
    if (!store_name_find(store, pipeline, &pipeline_id, err)) {
        return false;
    }
    struct query *query =
        store_query(store, "SELECT planned_ms FROM schedule WHERE pipeline=?1", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *planned_ms = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}

bool store_schedule_put(struct store *store, struct str pipeline, int64_t planned_ms,
                        struct err *err)
{
    must(store->changing);
    int64_t pipeline_id = 0;
    if (!store_name(store, pipeline, &pipeline_id, err)) {
        return false;
    }
    struct query *query = store_query(
        store, "INSERT OR REPLACE INTO schedule(pipeline, planned_ms) VALUES(?1, ?2)", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline_id);
    query_bind_int(query, 2, planned_ms);
    return store_run(store, query, err);
}

bool store_request_put(struct store *store, const struct request *request, int64_t *id,
                       struct err *err)
{
    must(store->changing);
    int64_t waiting = 0;
    bool row = false;
    if (!store_int(store, "SELECT count(*) FROM request WHERE run_id IS NULL", &waiting, err)) {
        return false;
    }
    if (waiting >= REQUESTS_WAITING_MAX) {
        return err_set(err, ERR_RETRY,
                       "%d requests wait already and nobody takes them up; is `serve` running?",
                       REQUESTS_WAITING_MAX);
    }
    struct query *query = store_query(store,
                                      "INSERT INTO request(act, object, detail, at_ms)"
                                      " VALUES(?1, ?2, ?3, ?4) RETURNING id",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, request->act.ptr != NULL ? request->act : STR(""));
    query_bind_text(query, 2, request->object.ptr != NULL ? request->object : STR(""));
    query_bind_text(query, 3, request->detail);
    query_bind_int(query, 4, clock_wall_ms(store->clock));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    must(row);
    *id = query_int(query, 0);
    query_end(query);
    return true;
}

static bool read_request(struct store *store, struct arena *arena, struct query *query,
                         struct request *out, bool *found, struct err *err)
{
    *out = (struct request){0};
    *found = false;
    if (!store_step(store, query, found, err)) {
        return false;
    }
    if (!*found) {
        return true;
    }
    out->id = query_int(query, 0);
    out->run_id = query_int(query, 4);
    bool ok = copy(arena, query_text(query, 1), &out->act) &&
              copy(arena, query_text(query, 2), &out->object) &&
              copy(arena, query_text(query, 3), &out->detail);
    query_end(query);
    return ok || out_of_memory(err);
}

bool store_request_next(struct store *store, struct arena *arena, struct request *out, bool *found,
                        struct err *err)
{
    struct query *query = store_query(store,
                                      "SELECT id, act, object, detail, run_id FROM request"
                                      " WHERE run_id IS NULL ORDER BY id LIMIT 1",
                                      err);
    *found = false;
    return query != NULL && read_request(store, arena, query, out, found, err);
}

bool store_request_taken(struct store *store, int64_t id, int64_t run_id, struct err *err)
{
    must(store->changing && run_id != 0);
    struct query *query = store_query(store, "UPDATE request SET run_id=?2 WHERE id=?1", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_int(query, 2, run_id);
    return store_run(store, query, err);
}

bool store_request_get(struct store *store, struct arena *arena, int64_t id, struct request *out,
                       bool *found, struct err *err)
{
    struct query *query =
        store_query(store, "SELECT id, act, object, detail, run_id FROM request WHERE id=?1", err);
    *found = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    return read_request(store, arena, query, out, found, err);
}
