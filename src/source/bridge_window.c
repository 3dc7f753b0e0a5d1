#include "source/bridge_window.h"

#include "base/must.h"

/* Who the row is: its chat and id. */
static uint64_t identity_of(const struct query *query, int64_t rowid)
{
    uint64_t hash = str_hash(query_text(query, BRIDGE_COLUMN_CHAT), (uint64_t)rowid);
    return str_hash(query_text(query, BRIDGE_COLUMN_ID), hash);
}

/* And what it says, on top of `before`. */
static uint64_t content_of(const struct query *query, uint64_t identity, uint64_t before)
{
    uint64_t length = (uint64_t)query_int(query, BRIDGE_WINDOW_LENGTH);
    uint64_t hash = str_hash(query_text(query, BRIDGE_WINDOW_TEXT), identity ^ length);
    return str_hash(query_text(query, BRIDGE_WINDOW_DELETED), hash + before);
}

static struct query *window_query(const struct bridge_schema *schema, struct sqlite *db,
                                  int64_t first, int64_t last, int64_t rows, struct err *err)
{
    must(schema->has_rowid);
    struct query *query = sqlite_query(db, schema->window, err);
    if (query != NULL) {
        query_bind_int(query, 1, first);
        query_bind_int(query, 2, last);
        query_bind_int(query, 3, rows);
    }
    return query;
}

/* The oldest row, one in the middle and the newest: an edit seldom takes all three. */
static void choose_anchors(struct bridge_cursor *cursor, const struct bridge_anchor *rows,
                           size_t count)
{
    const size_t places[BRIDGE_ANCHORS_MAX] = {count - 1, count / 2, 0};
    for (size_t i = 0; i < BRIDGE_ANCHORS_MAX; i++) {
        if (i == 0 || places[i] < places[i - 1]) {
            cursor->anchors[cursor->anchor_count++] = rows[places[i]];
        }
    }
}

bool bridge_window_take(const struct bridge_schema *schema, struct sqlite *db, int64_t rows,
                        struct bridge_cursor *cursor, struct arena *arena, struct err *err)
{
    must(rows > 0 && rows <= BRIDGE_WINDOW_MAX);
    struct bridge_anchor *seen = arena_array(arena, (size_t)rows, sizeof *seen);
    if (seen == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    struct query *query = window_query(schema, db, INT64_MIN, cursor->last, rows, err);
    bool row = query != NULL;
    size_t count = 0;
    cursor->window = 0;
    cursor->anchor_count = 0;
    while (row) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        if (row) {
            must(count < (size_t)rows);
            int64_t rowid = query_int(query, BRIDGE_COLUMN_ROWID);
            uint64_t identity = identity_of(query, rowid);
            cursor->window = content_of(query, identity, cursor->window);
            seen[count++] = (struct bridge_anchor){rowid, (uint32_t)identity};
        }
    }
    if (count > 0) {
        choose_anchors(cursor, seen, count);
    }
    return query != NULL;
}

static bool is_anchor(const struct bridge_cursor *cursor, int64_t rowid, uint32_t hash)
{
    for (size_t i = 0; i < cursor->anchor_count; i++) {
        if (cursor->anchors[i].rowid == rowid && cursor->anchors[i].hash == hash) {
            return true;
        }
    }
    return false;
}

bool bridge_window_check(const struct bridge_schema *schema, struct sqlite *db,
                         const struct bridge_cursor *cursor, enum bridge_window *out,
                         struct err *err)
{
    if (cursor->anchor_count == 0) { /* Nothing was seen, so nothing can have changed. */
        *out = BRIDGE_WINDOW_SAME;
        return true;
    }
    struct query *query = window_query(schema, db, cursor->anchors[0].rowid, cursor->last,
                                       BRIDGE_WINDOW_MAX + 1, err);
    bool row = query != NULL;
    bool anchored = false;
    uint64_t window = 0;
    while (row) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        if (row) {
            int64_t rowid = query_int(query, BRIDGE_COLUMN_ROWID);
            uint64_t identity = identity_of(query, rowid);
            window = content_of(query, identity, window);
            anchored = anchored || is_anchor(cursor, rowid, (uint32_t)identity);
        }
    }
    *out = anchored && window == cursor->window ? BRIDGE_WINDOW_SAME
           : anchored                           ? BRIDGE_WINDOW_TOUCHED
                                                : BRIDGE_WINDOW_OTHER;
    return query != NULL;
}

bool bridge_window_sum(const struct bridge_schema *schema, struct sqlite *db, uint64_t *sum,
                       struct err *err)
{
    must(!schema->has_rowid);
    struct query *query = sqlite_query(db, schema->sweep_sum, err);
    bool row = query != NULL;
    *sum = 0;
    while (row) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        if (row) {
            uint64_t identity = identity_of(query, 0);
            *sum += content_of(query, identity, 0) | 1; /* Never nothing: every row counts. */
        }
    }
    return query != NULL;
}
