#include "store/browse.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "model/message.h"
#include "store/archive.h"
#include "store/internal.h"
#include "store/meter.h"

enum { SLACK_MS = 24 * 3600 * 1000, FAILING_LOOK_MAX = 10000 };

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "store: out of memory; ask for less at once");
}

/* Clause by clause what `struct browse` says; the words are in front of it or not. */
#define BROWSE_WHERE                                                                               \
    " (?3 OR (a.flags & 15) = 0) AND a.sent_ms >= ?4"                                              \
    " AND a.sent_ms < ?5 AND (?6 OR a.chat IN (SELECT c.id FROM chat c JOIN name n"                \
    " ON n.id=c.source WHERE (?7 = '' OR n.text = ?7)"                                             \
    " AND (?8 = '' OR instr(lower(c.chat), lower(?8)) > 0)))"                                      \
    " AND (?9 = '' OR a.sender IN (SELECT id FROM name WHERE instr(lower(text), lower(?9)) > 0))"

#define BROWSE_ALL "SELECT a.id FROM archive a WHERE a.id < ?1 AND a.id > ?2 AND" BROWSE_WHERE

/* The index is walked in its own order, so that the first hits of a common word come at once. */
#define BROWSE_WORDS                                                                               \
    "SELECT s.rowid FROM search s CROSS JOIN archive a ON a.id=s.rowid"                            \
    " WHERE s.search MATCH ?10 AND s.rowid < ?1 AND s.rowid > ?2 AND" BROWSE_WHERE

static const char *browse_sql(const struct browse *browse)
{
    if (browse->words.len > 0) {
        return browse->oldest_first ? BROWSE_WORDS " ORDER BY s.rowid"
                                    : BROWSE_WORDS " ORDER BY s.rowid DESC";
    }
    return browse->oldest_first ? BROWSE_ALL " ORDER BY a.id" : BROWSE_ALL " ORDER BY a.id DESC";
}

static bool archived_at(struct store *store, int64_t from_id, int64_t *id, int64_t *at_ms,
                        struct err *err)
{
    bool row = false;
    struct query *query = store_query(
        store, "SELECT id, archived_ms FROM archive WHERE id >= ?1 ORDER BY id LIMIT 1", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, from_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *id = row ? query_int(query, 0) : INT64_MAX;
    *at_ms = row ? query_int(query, 1) : INT64_MAX;
    if (row) {
        query_end(query);
    }
    return true;
}

/*
 * Times of archiving never fall, and nothing was sent after it was archived (clocks of sources may
 * differ by SLACK_MS): a number below which nothing is young enough.
 */
static bool floor_of(struct store *store, int64_t since_ms, int64_t *floor_id, struct err *err)
{
    int64_t low = 0;
    int64_t high = 0;
    if (!store_int(store, "SELECT max(id) FROM archive", &high, err)) {
        return false;
    }
    high++;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int64_t id = 0;
        int64_t at_ms = 0;
        if (!archived_at(store, middle, &id, &at_ms, err)) {
            return false;
        }
        if (at_ms < since_ms - SLACK_MS) {
            low = id + 1;
        } else {
            high = middle;
        }
    }
    *floor_id = low - 1;
    return true;
}

/* The row, unless a later form of the same message is wanted. */
static bool take(struct store *store, struct arena *arena, const struct browse *browse, int64_t id,
                 struct message *out, struct err *err)
{
    struct message now = {0};
    if (!store_archive_get(store, arena, id, out, err)) {
        return false;
    }
    if (out->id == 0 || browse->revisions) {
        return true;
    }
    struct arena_mark mark = arena_mark(arena);
    bool ok = store_archive_find(store, arena, out->source, out->chat, out->external_id, &now, err);
    arena_rewind(arena, mark);
    if (ok && ((now.id != 0 && now.id != id) || out->deleted)) {
        *out = (struct message){0};
    }
    return ok;
}

static bool bind(const struct browse *browse, struct query *query, int64_t floor_id,
                 struct str match)
{
    bool any_chat = browse->source.len == 0 && browse->chat.len == 0;
    int64_t after = browse->after_id > floor_id ? browse->after_id : floor_id;
    query_bind_int(query, 1, browse->before_id > 0 ? browse->before_id : INT64_MAX);
    query_bind_int(query, 2, after);
    query_bind_int(query, 3, browse->everything);
    query_bind_int(query, 4, browse->since_ms != 0 ? browse->since_ms : INT64_MIN);
    query_bind_int(query, 5, browse->until_ms != 0 ? browse->until_ms : INT64_MAX);
    query_bind_int(query, 6, any_chat);
    query_bind_text(query, 7, browse->source.len > 0 ? browse->source : STR(""));
    query_bind_text(query, 8, browse->chat.len > 0 ? browse->chat : STR(""));
    query_bind_text(query, 9, browse->sender.len > 0 ? browse->sender : STR(""));
    if (browse->words.len > 0) {
        query_bind_text(query, 10, match);
    }
    return true;
}

bool store_browse(struct store *store, struct arena *arena, const struct browse *browse,
                  size_t limit, struct message **out, size_t *count, bool *more, struct err *err)
{
    struct str match = {0};
    int64_t floor_id = 0;
    size_t room = limit < BROWSE_MAX ? limit : BROWSE_MAX;
    *count = 0;
    *more = false;
    *out = arena_array(arena, room + 1, sizeof **out);
    if (*out == NULL || !store_search_match(arena, browse->words, &match)) {
        return out_of_memory(err);
    }
    if (browse->words.len > 0 && match.len == 0) {
        return true; /* Nothing that could be searched for. */
    }
    if (browse->since_ms != 0 && !floor_of(store, browse->since_ms, &floor_id, err)) {
        return false;
    }
    struct query *query = store_query(store, browse_sql(browse), err);
    if (query == NULL || !bind(browse, query, floor_id, match)) {
        return false;
    }
    for (;;) {
        bool row = false;
        struct message *one = &(*out)[*count];
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        if (!take(store, arena, browse, query_int(query, 0), one, err)) {
            query_end(query);
            return false;
        }
        if (one->id != 0 && *count == room) {
            *more = true;
            query_end(query);
            return true;
        }
        *count += one->id != 0;
    }
}

bool store_search_behind(struct store *store, int64_t *count, struct err *err)
{
    int64_t upto = 0;
    int64_t head = 0;
    if (!store_meta_get(store, "search_upto", 0, &upto, err) ||
        !store_int(store, "SELECT max(id) FROM archive", &head, err)) {
        return false;
    }
    *count = head > upto ? head - upto : 0;
    return true;
}

bool store_source_states(struct store *store, struct arena *arena, struct source_state **out,
                         size_t *count, struct err *err)
{
    struct query *query = store_query(store,
                                      "SELECT n.text, s.run, s.at_ms, s.good_ms, s.error FROM sweep"
                                      " s JOIN name n ON n.id=s.source ORDER BY n.text LIMIT ?1",
                                      err);
    *count = 0;
    *out = arena_array(arena, BROWSE_NAMES_MAX, sizeof **out);
    if (query == NULL || *out == NULL) {
        return query != NULL ? out_of_memory(err) : false;
    }
    query_bind_int(query, 1, BROWSE_NAMES_MAX);
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct str error = query_text(query, 4);
        (*out)[(*count)++] = (struct source_state){
            .name = arena_copy(arena, query_text(query, 0)),
            .sweep = {query_int(query, 1), query_int(query, 2), query_int(query, 3),
                      error.ptr != NULL ? arena_copy(arena, error) : error},
        };
    }
}

static bool name_list(struct store *store, struct arena *arena, const char *sql, struct str **out,
                      int64_t *ids, size_t *count, struct err *err)
{
    struct query *query = store_query(store, sql, err);
    *count = 0;
    *out = arena_array(arena, BROWSE_NAMES_MAX, sizeof **out);
    if (query == NULL || *out == NULL) {
        return query != NULL ? out_of_memory(err) : false;
    }
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        if (*count == BROWSE_NAMES_MAX) {
            query_end(query);
            return true;
        }
        if (ids != NULL) {
            ids[*count] = query_int(query, 1);
        }
        (*out)[(*count)++] = arena_copy(arena, query_text(query, 0));
    }
}

static bool one_sink(struct store *store, struct arena *arena, int64_t sink, struct sink_state *out,
                     struct err *err)
{
    bool row = false;
    struct query *query = store_query(
        store,
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE sink=?1 LIMIT ?2)),"
        " (SELECT archived_ms FROM archive WHERE id="
        "   (SELECT message FROM outbox WHERE sink=?1 ORDER BY sink, generation, message LIMIT 1)),"
        " (SELECT count(*) FROM dead WHERE sink=?1)",
        err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, sink);
    query_bind_int(query, 2, BROWSE_COUNT_MAX);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    out->waiting = query_int(query, 0);
    out->oldest_ms = query_int(query, 1);
    out->dead = query_int(query, 2);
    query_end(query);
    query = store_query(store,
                        "SELECT count(*), min(due_ms), max(why) FROM (SELECT attempts, due_ms, why"
                        " FROM outbox WHERE sink=?1 LIMIT ?2) WHERE attempts > 0",
                        err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, sink);
    query_bind_int(query, 2, FAILING_LOOK_MAX);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    struct str why = query_text(query, 2);
    out->failing = query_int(query, 0);
    out->next_ms = query_int(query, 1);
    out->why = why.ptr != NULL ? arena_copy(arena, why) : why;
    query_end(query);
    return out->waiting == 0 || out->why.ptr != NULL ||
           store_keep_get(store, arena, out->name, STORE_KEEP_TROUBLE, &out->why, err);
}

bool store_sink_states(struct store *store, struct arena *arena, struct sink_state **out,
                       size_t *count, struct err *err)
{
    /* From one sink's rows straight to the next one's: the outbox may hold a million. */
    static const char sql[] =
        "WITH RECURSIVE s(x) AS (SELECT min(sink) FROM outbox UNION ALL"
        " SELECT (SELECT min(sink) FROM outbox WHERE sink > x) FROM s WHERE x IS NOT NULL)"
        " SELECT text, id FROM name WHERE id IN (SELECT x FROM s WHERE x IS NOT NULL UNION"
        " SELECT sink FROM dead) ORDER BY text";
    struct str *names = NULL;
    int64_t *ids = arena_array(arena, BROWSE_NAMES_MAX, sizeof *ids);
    *out = arena_array(arena, BROWSE_NAMES_MAX, sizeof **out);
    if (ids == NULL || *out == NULL) {
        return out_of_memory(err);
    }
    if (!name_list(store, arena, sql, &names, ids, count, err)) {
        return false;
    }
    for (size_t i = 0; i < *count; i++) {
        (*out)[i].name = names[i];
        if (!one_sink(store, arena, ids[i], &(*out)[i], err)) {
            return false;
        }
    }
    return true;
}

bool store_sink_health(struct store *store, struct arena *arena, struct sink_state *state,
                       struct err *err)
{
    return store_meter_get(store, METER_GOOD_MS, state->name, (struct str){0}, &state->good_ms,
                           err) &&
           store_keep_get(store, arena, state->name, STORE_KEEP_TROUBLE, &state->trouble, err);
}

static bool take_emitted(struct arena *arena, const struct query *query, struct emitted *out)
{
    *out = (struct emitted){
        .place = {query_int(query, 0), query_int(query, 1), query_int(query, 2)},
        .entity = arena_copy(arena, query_text(query, 3)),
        .body = arena_copy(arena, query_text(query, 4)),
        .message = query_int(query, 5),
        .pipeline = arena_copy(arena, query_text(query, 6)),
        .sink = arena_copy(arena, query_text(query, 7)),
        .target = arena_copy(arena, query_text(query, 8)),
    };
    return out->entity.ptr != NULL && out->body.ptr != NULL && out->pipeline.ptr != NULL &&
           out->sink.ptr != NULL && out->target.ptr != NULL;
}

bool store_emitted_list(struct store *store, struct arena *arena, const struct emitted_place *after,
                        struct str target, size_t limit, struct emitted *out, size_t *count,
                        struct err *err)
{
    int64_t target_id = 0;
    *count = 0;
    if (target.len > 0 && !store_name_find(store, target, &target_id, err)) {
        return false;
    }
    struct query *query = store_query(
        store,
        "SELECT pipeline, sink, target, entity, body, message,"
        " (SELECT text FROM name WHERE id=pipeline), (SELECT text FROM name WHERE id=sink),"
        " (SELECT text FROM name WHERE id=target) FROM emitted"
        " WHERE (pipeline, sink, target, entity) > (?1, ?2, ?3, ?4) AND (?5 OR target=?6)"
        " ORDER BY pipeline, sink, target, entity LIMIT ?7",
        err);
    if (query == NULL) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        query_bind_int(query, 1 + i, after->place[i]);
    }
    query_bind_text(query, 4, after->entity.ptr != NULL ? after->entity : STR(""));
    query_bind_int(query, 5, target.len == 0);
    query_bind_int(query, 6, target_id);
    query_bind_int(query, 7, (int64_t)limit);
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        if (!take_emitted(arena, query, &out[(*count)++])) {
            query_end(query);
            return out_of_memory(err);
        }
    }
}

bool store_pipeline_names(struct store *store, struct arena *arena, struct str **out, size_t *count,
                          struct err *err)
{
    return name_list(store, arena,
                     "SELECT text, id FROM name WHERE id IN (SELECT pipeline FROM position)"
                     " OR id IN (SELECT pipeline FROM schedule)"
                     " OR EXISTS (SELECT 1 FROM run WHERE pipeline=name.id) ORDER BY text",
                     out, NULL, count, err);
}

bool store_owner(struct store *store, struct arena *arena, struct str *owner, int64_t *since_ms,
                 struct err *err)
{
    bool row = false;
    struct query *query = store_query(
        store,
        "SELECT owner, since_ms FROM lease WHERE work=(SELECT id FROM name WHERE text='conductor')",
        err);
    *owner = (struct str){0};
    *since_ms = 0;
    if (query == NULL || !store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        *owner = arena_copy(arena, query_text(query, 0));
        *since_ms = query_int(query, 1);
        query_end(query);
    }
    return true;
}

bool store_is_served(struct store *store, struct str store_path, bool *served, struct err *err)
{
    char path[FILE_PATH_MAX];
    int64_t work = 0;
    *served = false;
    if (!store_name_find(store, STR("conductor"), &work, err)) {
        return false;
    }
    if (work == 0 || !store_lock_path(store_path, path, err)) {
        return work == 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT || err_set(err, ERR_CONFIG, "%s: %s", path, file_reason(errno));
    }
    struct flock byte = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)work, .l_len = 1};
    bool ok = fcntl(fd, F_OFD_GETLK, &byte) == 0;
    *served = ok && byte.l_type != F_UNLCK;
    (void)close(fd);
    return ok || err_set(err, ERR_RETRY, "%s: cannot look at a lock: %s", path, file_reason(errno));
}
