#include "store/outbox.h"

#include <string.h>

#include "store/hash.h"
#include "store/internal.h"

enum {
    FLAG_KIND_MASK = 15,
    FLAG_RECEIPT = 1 << 4,
    FLAG_REMOVED = 1 << 5,
    SCAN_MAX = 4 * SINK_BATCH_MAX,
    SCAN_FAR_MAX = 64 * SINK_BATCH_MAX, /* While none is due: one entity may have a long queue. */
    SET_SLOTS_FIRST = 64,
    ORIGIN_TIME_SIZE = 8,
};

/* Entities that may not be handed out now; a rare mix-up of hashes only delays. */
struct entity_set {
    struct arena *arena;
    uint64_t *slots; /* Open addressing, at most half full. */
    size_t size;     /* A power of two. */
    size_t count;
};

static size_t set_slot(const struct entity_set *set, uint64_t hash)
{
    size_t at = (size_t)(hash >> 17) & (set->size - 1);
    while (set->slots[at] != 0 && set->slots[at] != hash) {
        at = (at + 1) & (set->size - 1);
    }
    return at;
}

static bool set_grow(struct entity_set *set)
{
    struct entity_set old = *set;
    set->size = old.size == 0 ? SET_SLOTS_FIRST : old.size * 4;
    set->slots = arena_array(set->arena, set->size, sizeof *set->slots);
    if (set->slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < old.size; i++) {
        if (old.slots[i] != 0) {
            set->slots[set_slot(set, old.slots[i])] = old.slots[i];
        }
    }
    return true;
}

/* `*first` tells that it was not there yet. */
static bool set_add(struct entity_set *set, uint64_t hash, bool *first)
{
    hash |= 1;
    if (set->count * 2 >= set->size && !set_grow(set)) {
        return false;
    }
    size_t at = set_slot(set, hash);
    *first = set->slots[at] == 0;
    set->slots[at] = hash;
    set->count += *first;
    return true;
}

static bool bind_effect(struct store *store, struct query *query, struct str sink,
                        const struct effect *effect, struct err *err)
{
    int64_t sink_id = 0;
    int64_t pipeline = 0;
    if (!store_name_find(store, sink, &sink_id, err) ||
        !store_name_find(store, effect->pipeline, &pipeline, err)) {
        return false;
    }
    query_bind_int(query, 1, sink_id);
    query_bind_int(query, 2, effect->generation);
    query_bind_int(query, 3, effect->message);
    query_bind_int(query, 4, pipeline);
    query_bind_int(query, 5, effect->nth);
    return true;
}

struct names {
    int64_t pipeline;
    int64_t sink;
    int64_t target;
};

static struct str body_of(const struct record *record)
{
    return record->body.ptr != NULL ? record->body : STR("{}");
}

/* A newer absolute record takes the place of an older one that waits. */
static bool drop_waiting(struct store *store, const struct names *names, struct str entity,
                         struct err *err)
{
    /* Left alone, SQLite walks through all that waits for the sink. */
    struct query *query =
        store_query(store,
                    "DELETE FROM outbox INDEXED BY outbox_absolute WHERE sink=?1 AND"
                    " target=?2 AND entity=?3 AND flags & 15 = 0 AND pipeline=?4",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, names->sink);
    query_bind_int(query, 2, names->target);
    query_bind_text(query, 3, entity);
    query_bind_int(query, 4, names->pipeline);
    return store_run(store, query, err);
}

/* Is this what was emitted last for the entity? If not, note it as the last. */
static bool emit_absolute(struct store *store, const struct names *names,
                          const struct effect *effect, const struct record *record, bool *equal,
                          struct err *err)
{
    struct query *query = store_query(store,
                                      "SELECT body=?5 AND generation=?6 FROM emitted WHERE"
                                      " pipeline=?1 AND sink=?2 AND target=?3 AND entity=?4",
                                      err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, names->pipeline);
    query_bind_int(query, 2, names->sink);
    query_bind_int(query, 3, names->target);
    query_bind_text(query, 4, record->entity);
    query_bind_text(query, 5, body_of(record));
    query_bind_int(query, 6, effect->generation);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *equal = row && query_int(query, 0) == 1;
    query_end(query);
    if (*equal) {
        return true;
    }
    query = store_query(store,
                        "INSERT OR REPLACE INTO emitted(pipeline, sink, target, entity, generation,"
                        " message, nth, body) VALUES(?1, ?2, ?3, ?4, ?6, ?7, ?8, ?5)",
                        err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, names->pipeline);
    query_bind_int(query, 2, names->sink);
    query_bind_int(query, 3, names->target);
    query_bind_text(query, 4, record->entity);
    query_bind_text(query, 5, body_of(record));
    query_bind_int(query, 6, effect->generation);
    query_bind_int(query, 7, effect->message);
    query_bind_int(query, 8, effect->nth);
    if (!store_run(store, query, err)) {
        return false;
    }
    return drop_waiting(store, names, record->entity, err);
}

/* Its time comes first, so that a ledger grows at its end and not all over. */
void store_effect_origin(const struct message *message, char out[EFFECT_ORIGIN_SIZE])
{
    struct digest digest;
    char hash[HASH_SIZE];
    uint64_t sent = (uint64_t)message->sent_ms;
    digest_init(&digest, DIGEST_SHA256);
    hash_add_text(&digest, message->source);
    hash_add_text(&digest, message->chat);
    hash_add_text(&digest, message->external_id);
    hash_add_int(&digest, message->revision);
    hash_add_int(&digest, message->sent_ms);
    hash_add_text(&digest, message->text);
    hash_value(&digest, hash);
    for (size_t i = 0; i < ORIGIN_TIME_SIZE; i++) {
        out[i] = (char)(sent >> (8 * (ORIGIN_TIME_SIZE - 1 - i)));
    }
    memcpy(out + ORIGIN_TIME_SIZE, hash, EFFECT_ORIGIN_SIZE - ORIGIN_TIME_SIZE);
}

void store_record_words(struct str target, struct str entity, struct str body,
                        char out[RECORD_WORDS_SIZE])
{
    struct digest digest;
    char hash[HASH_SIZE];
    digest_init(&digest, DIGEST_SHA256);
    hash_add_text(&digest, target.ptr != NULL ? target : STR(""));
    hash_add_text(&digest, entity);
    hash_add_text(&digest, body.ptr != NULL ? body : STR("{}"));
    hash_value(&digest, hash);
    hash_to_hex(hash, out);
}

bool store_outbox_check(const struct record *record, struct err *err)
{
    return (record->entity.len > 0 && record->entity.len <= RECORD_ENTITY_MAX) ||
           err_set(err, ERR_REJECT, "a record's row identity has %zu bytes (1 to %d are fine)",
                   record->entity.len, RECORD_ENTITY_MAX);
}

bool store_outbox_put(struct store *store, const struct effect *effect, int64_t partition,
                      const struct record *record, bool *queued, struct err *err)
{
    must(store->changing);
    struct names names = {0};
    bool equal = false;
    if (!store_outbox_check(record, err) ||
        !store_name(store, effect->pipeline, &names.pipeline, err) ||
        !store_name(store, record->sink, &names.sink, err) ||
        !store_name(store, record->target, &names.target, err)) {
        return false;
    }
    if (record->removed) {
        must(record->kind == RECORD_ABSOLUTE);
        if (!drop_waiting(store, &names, record->entity, err)) {
            return false;
        }
    } else if (record->kind == RECORD_ABSOLUTE &&
               !emit_absolute(store, &names, effect, record, &equal, err)) {
        return false;
    }
    *queued = !equal;
    if (equal) {
        return true;
    }
    struct query *query =
        store_query(store,
                    "INSERT INTO outbox(sink, generation, message, pipeline, nth, flags, part,"
                    " target, entity, body, origin)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, names.sink);
    query_bind_int(query, 2, effect->generation);
    query_bind_int(query, 3, effect->message);
    query_bind_int(query, 4, names.pipeline);
    query_bind_int(query, 5, effect->nth);
    query_bind_int(query, 6,
                   (int64_t)record->kind | (record->receipt ? FLAG_RECEIPT : 0) |
                       (record->removed ? FLAG_REMOVED : 0));
    query_bind_int(query, 7, partition);
    query_bind_int(query, 8, names.target);
    query_bind_text(query, 9, record->entity);
    query_bind_text(query, 10, body_of(record));
    query_bind_blob(query, 11, effect->origin.ptr != NULL ? effect->origin : STR(""));
    return store_run(store, query, err);
}

/* Names repeat from row to row: keep the last one of each kind. */
struct last_name {
    int64_t id;
    struct str text;
};

static bool name_text(struct store *store, struct arena *arena, struct last_name *last, int64_t id,
                      struct str *text, struct err *err)
{
    if (last->id != id) {
        if (!store_name_text(store, arena, id, &last->text, err)) {
            return false;
        }
        last->id = id;
    }
    *text = last->text;
    return true;
}

struct due_scan {
    struct store *store;
    struct arena *arena;
    struct entity_set blocked;
    struct last_name pipeline;
    struct last_name target;
    int64_t now_ms;
    int64_t next_due_ms;
    size_t bytes;
};

static bool read_parcel(struct due_scan *scan, const struct query *query, struct parcel *parcel,
                        struct err *err)
{
    int64_t flags = query_int(query, 4);
    *parcel = (struct parcel){
        .kind = (enum record_kind)(flags & FLAG_KIND_MASK),
        .receipt = (flags & FLAG_RECEIPT) != 0,
        .removed = (flags & FLAG_REMOVED) != 0,
        .effect = {.generation = query_int(query, 0),
                   .message = query_int(query, 1),
                   .nth = (int32_t)query_int(query, 3),
                   .origin = arena_copy(scan->arena, query_blob(query, 11))},
        .partition = query_int(query, 5),
        .entity = arena_copy(scan->arena, query_text(query, 7)),
        .body = arena_copy(scan->arena, query_text(query, 8)),
        .attempts = (int32_t)query_int(query, 9),
    };
    if (parcel->entity.ptr == NULL || parcel->body.ptr == NULL ||
        parcel->effect.origin.ptr == NULL) {
        return err_set(err, ERR_RETRY, "store: out of step memory");
    }
    scan->bytes += parcel->entity.len + parcel->body.len;
    return name_text(scan->store, scan->arena, &scan->pipeline, query_int(query, 2),
                     &parcel->effect.pipeline, err) &&
           name_text(scan->store, scan->arena, &scan->target, query_int(query, 6), &parcel->target,
                     err);
}

/* One row of the outbox: hand it out, or remember that its entity has to wait. */
static bool look_at(struct due_scan *scan, const struct query *query, struct parcel *parcel,
                    bool *taken, struct err *err)
{
    struct str entity = query_text(query, 7);
    int64_t due_ms = query_int(query, 10);
    bool first = false;
    if (!set_add(&scan->blocked, str_hash(entity, (uint64_t)query_int(query, 6)), &first)) {
        return err_set(err, ERR_RETRY, "store: out of step memory");
    }
    bool waits = due_ms > scan->now_ms && due_ms <= scan->now_ms + OUTBOX_WAIT_MS_MAX;
    *taken = first && !waits; /* Due too far ahead: the wall clock was put back. */
    if (waits && (scan->next_due_ms == 0 || due_ms < scan->next_due_ms)) {
        scan->next_due_ms = due_ms;
    }
    return !*taken || read_parcel(scan, query, parcel, err);
}

/* Go through the rows until the batch is full or enough were looked at. */
static bool scan_rows(struct due_scan *scan, struct query *query, struct outbox_due *due,
                      struct err *err)
{
    size_t room = due->count;
    bool row = false;
    due->count = 0;
    bool ok = store_step(scan->store, query, &row, err);
    size_t scanned = 0;
    while (ok && row && scanned < (due->count > 0 ? SCAN_MAX : SCAN_FAR_MAX) && due->count < room &&
           scan->bytes < SINK_BATCH_BYTES_MAX) {
        bool taken = false;
        ok = look_at(scan, query, &due->parcels[due->count], &taken, err);
        due->count += ok && taken;
        scanned++;
        ok = ok && store_step(scan->store, query, &row, err);
    }
    query_end(query);
    due->more = row && due->count > 0;
    due->next_due_ms = scan->next_due_ms;
    return ok;
}

bool store_outbox_due(struct store *store, struct arena *arena, struct str sink, int64_t now_ms,
                      struct outbox_due *due, struct err *err)
{
    int64_t sink_id = 0;
    struct due_scan scan = {
        .store = store, .arena = arena, .blocked = {.arena = arena}, .now_ms = now_ms};
    due->more = false;
    due->next_due_ms = 0;
    if (!store_name_find(store, sink, &sink_id, err)) {
        return false;
    }
    if (sink_id == 0) { /* Nothing was ever emitted for it. */
        due->count = 0;
        return true;
    }
    struct query *query = store_query(store,
                                      "SELECT generation, message, pipeline, nth, flags, part,"
                                      " target, entity, body, attempts, due_ms, origin FROM outbox"
                                      " WHERE sink=?1 ORDER BY generation, message, pipeline, nth",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, sink_id);
    return scan_rows(&scan, query, due, err);
}

bool store_outbox_any(struct store *store, struct str sink, bool *any, struct err *err)
{
    int64_t sink_id = 0;
    struct query *query = store_query(store, "SELECT 1 FROM outbox WHERE sink=?1 LIMIT 1", err);
    if (query == NULL || !store_name_find(store, sink, &sink_id, err)) {
        return false;
    }
    query_bind_int(query, 1, sink_id);
    if (!store_step(store, query, any, err)) {
        return false;
    }
    query_end(query);
    return true;
}

bool store_outbox_waits(struct store *store, struct str sink, const struct effect *effect,
                        bool *waits, struct err *err)
{
    struct query *query = store_query(store,
                                      "SELECT 1 FROM outbox WHERE sink=?1 AND generation=?2 AND"
                                      " message=?3 AND pipeline=?4 AND nth=?5",
                                      err);
    if (query == NULL || !bind_effect(store, query, sink, effect, err) ||
        !store_step(store, query, waits, err)) {
        return false;
    }
    query_end(query);
    return true;
}

bool store_outbox_done(struct store *store, struct str sink, const struct effect *effect,
                       struct err *err)
{
    must(store->changing);
    struct query *query = store_query(store,
                                      "DELETE FROM outbox WHERE sink=?1 AND generation=?2 AND"
                                      " message=?3 AND pipeline=?4 AND nth=?5",
                                      err);
    return query != NULL && bind_effect(store, query, sink, effect, err) &&
           store_run(store, query, err);
}

bool store_outbox_later(struct store *store, struct str sink, const struct effect *effect,
                        int64_t due_ms, struct str why, struct err *err)
{
    must(store->changing);
    struct query *query = store_query(store,
                                      "UPDATE outbox SET attempts=attempts+1, due_ms=?6, why=?7"
                                      " WHERE sink=?1 AND generation=?2 AND message=?3 AND"
                                      " pipeline=?4 AND nth=?5",
                                      err);
    if (query == NULL || !bind_effect(store, query, sink, effect, err)) {
        return false;
    }
    query_bind_int(query, 6, due_ms);
    query_bind_text(query, 7, why);
    return store_run(store, query, err);
}

bool store_outbox_dead(struct store *store, struct str sink, const struct effect *effect,
                       struct str why, struct err *err)
{
    must(store->changing);
    struct query *query = store_query(
        store,
        "INSERT INTO dead(sink, generation, message, pipeline, nth, flags, part, target,"
        " origin, entity, body, why, attempts, at_ms) SELECT sink, generation, message,"
        " pipeline, nth, flags, part, target, origin, entity, body, ?6, attempts+1, ?7 FROM"
        " outbox WHERE sink=?1 AND generation=?2 AND message=?3 AND pipeline=?4 AND"
        " nth=?5",
        err);
    if (query == NULL || !bind_effect(store, query, sink, effect, err)) {
        return false;
    }
    query_bind_text(query, 6, why.ptr != NULL ? why : STR("no reason was given"));
    query_bind_int(query, 7, clock_wall_ms(store->clock));
    return store_run(store, query, err) && store_outbox_done(store, sink, effect, err);
}

bool store_outbox_untried(struct store *store, struct str pipeline, int64_t message, int64_t *count,
                          struct err *err)
{
    int64_t pipeline_id = 0;
    bool row = false;
    struct query *query = store_query(store,
                                      "SELECT count(*) FROM outbox WHERE pipeline=?1 AND"
                                      " message<=?2 AND attempts=0",
                                      err);
    if (query == NULL || !store_name_find(store, pipeline, &pipeline_id, err)) {
        return false;
    }
    query_bind_int(query, 1, pipeline_id);
    query_bind_int(query, 2, message);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *count = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}

bool store_outbox_waiting(struct store *store, struct str sink, int64_t *count, int64_t *oldest_ms,
                          struct err *err)
{
    int64_t sink_id = 0;
    bool row = false;
    struct query *query =
        store_query(store,
                    "SELECT n, (SELECT archived_ms FROM archive WHERE id=first) FROM"
                    " (SELECT count(*) AS n, min(message) AS first FROM outbox WHERE sink=?1)",
                    err);
    if (query == NULL || !store_name_find(store, sink, &sink_id, err)) {
        return false;
    }
    query_bind_int(query, 1, sink_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *count = row ? query_int(query, 0) : 0;
    *oldest_ms = row ? query_int(query, 1) : 0;
    query_end(query);
    return true;
}

static bool read_dead(struct store *store, struct arena *arena, const struct query *query,
                      struct dead_letter *out, struct err *err)
{
    int64_t flags = query_int(query, 6);
    *out = (struct dead_letter){
        .id = query_int(query, 0),
        .kind = (enum record_kind)(flags & FLAG_KIND_MASK),
        .effect = {.generation = query_int(query, 2),
                   .message = query_int(query, 3),
                   .nth = (int32_t)query_int(query, 5)},
        .entity = arena_copy(arena, query_text(query, 8)),
        .body = arena_copy(arena, query_text(query, 9)),
        .why = arena_copy(arena, query_text(query, 10)),
        .attempts = (int32_t)query_int(query, 11),
        .at_ms = query_int(query, 12),
    };
    if (out->entity.ptr == NULL || out->body.ptr == NULL || out->why.ptr == NULL) {
        return err_set(err, ERR_RETRY, "store: out of step memory");
    }
    return store_name_text(store, arena, query_int(query, 1), &out->sink, err) &&
           store_name_text(store, arena, query_int(query, 4), &out->effect.pipeline, err) &&
           store_name_text(store, arena, query_int(query, 7), &out->target, err);
}

bool store_dead_list(struct store *store, struct arena *arena, int64_t after_id, size_t limit,
                     struct dead_letter *out, size_t *count, struct err *err)
{
    struct query *query =
        store_query(store,
                    "SELECT id, sink, generation, message, pipeline, nth, flags, target, entity,"
                    " body, why, attempts, at_ms FROM dead WHERE id>?1 ORDER BY id",
                    err);
    bool row = true;
    *count = 0;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, after_id);
    bool ok = true;
    while (ok && *count < limit) {
        ok = store_step(store, query, &row, err);
        if (!ok || !row) {
            break;
        }
        ok = read_dead(store, arena, query, &out[*count], err);
        *count += ok;
    }
    query_end(query);
    return ok;
}

static bool dead_delete(struct store *store, int64_t id, bool *found, struct err *err)
{
    struct query *query = store_query(store, "DELETE FROM dead WHERE id=?1", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    if (!store_run(store, query, err)) {
        return false;
    }
    *found = sqlite_changes(store->db) == 1;
    return true;
}

bool store_dead_retry(struct store *store, int64_t id, struct str body, bool *found,
                      struct err *err)
{
    must(store->changing);
    struct query *query =
        store_query(store,
                    "INSERT OR IGNORE INTO outbox(sink, generation, message, pipeline, nth, flags,"
                    " part, target, origin, entity, body) SELECT sink, generation, message,"
                    " pipeline, nth, flags, part, target, origin, entity, coalesce(?2, body)"
                    " FROM dead WHERE id=?1",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_text(query, 2, body);
    return store_run(store, query, err) && dead_delete(store, id, found, err);
}

/* What was not delivered must not count as the last thing that the target was told. */
static bool forget_emitted(struct store *store, int64_t id, struct err *err)
{
    struct query *query =
        store_query(store,
                    "DELETE FROM emitted WHERE (pipeline, sink, target, entity, generation,"
                    " message, nth) IN (SELECT pipeline, sink, target, entity, generation,"
                    " message, nth FROM dead WHERE id=?1)",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    return store_run(store, query, err);
}

bool store_dead_drop(struct store *store, int64_t id, bool *found, struct err *err)
{
    must(store->changing);
    return forget_emitted(store, id, err) && dead_delete(store, id, found, err) &&
           (!*found || store_count_add(store, "dropped", 1, err));
}

bool store_dead_get(struct store *store, struct arena *arena, int64_t id, struct dead_letter *out,
                    struct err *err)
{
    size_t count = 0;
    *out = (struct dead_letter){0};
    if (id <= 0 || !store_dead_list(store, arena, id - 1, 1, out, &count, err)) {
        return id <= 0;
    }
    if (count == 0 || out->id != id) {
        *out = (struct dead_letter){0};
    }
    return true;
}

bool store_dead_edit(struct store *store, int64_t id, struct str body, bool *found, struct err *err)
{
    must(store->changing);
    struct query *query = store_query(store, "UPDATE dead SET body=?2 WHERE id=?1", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_text(query, 2, body);
    if (!store_run(store, query, err)) {
        return false;
    }
    *found = sqlite_changes(store->db) == 1;
    return true;
}
