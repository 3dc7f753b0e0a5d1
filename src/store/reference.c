#include "store/reference.h"

#include <stdlib.h>

#include "store/archive.h"
#include "store/hash.h"
#include "store/internal.h"

/* One difference to the current rows. */
struct change {
    struct change *next;
    struct str key;
    int64_t from_id;                /* Of the current row that ends; 0: there is none. */
    const struct snapshot_row *row; /* The row that begins; NULL: the key is dropped. */
};

struct filing {
    struct store *store;
    struct arena *arena;
    const struct snapshot *snapshot;
    const struct snapshot_row **rows; /* Sorted by key. */
    int64_t name;
    struct change *changes;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "reference: a snapshot is too large for the step's memory");
}

static int compare_rows(const void *left, const void *right)
{
    const struct snapshot_row *const *a = left;
    const struct snapshot_row *const *b = right;
    return str_compare((*a)->key, (*b)->key);
}

/* Sort, and refuse what cannot be looked up. */
static bool sort_rows(struct filing *filing, struct err *err)
{
    const struct snapshot *snapshot = filing->snapshot;
    if (snapshot->count > REFERENCE_ROWS_MAX) {
        return err_set(err, ERR_REJECT, "reference %.*s: %zu rows, at most %d are kept",
                       STR_ARG(snapshot->name), snapshot->count, REFERENCE_ROWS_MAX);
    }
    filing->rows = arena_array(filing->arena, snapshot->count + 1, sizeof *filing->rows);
    if (filing->rows == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < snapshot->count; i++) {
        filing->rows[i] = &snapshot->rows[i];
        if (snapshot->rows[i].key.len > REFERENCE_KEY_MAX ||
            snapshot->rows[i].body.len > REFERENCE_BODY_MAX) {
            return err_set(err, ERR_REJECT,
                           "reference %.*s: row %zu has a key or a body that is "
                           "too long",
                           STR_ARG(snapshot->name), i + 1);
        }
    }
    if (snapshot->count > 0) {
        qsort(filing->rows, snapshot->count, sizeof *filing->rows, compare_rows);
    }
    for (size_t i = 1; i < snapshot->count; i++) {
        struct str key = filing->rows[i]->key;
        if (str_equal(filing->rows[i - 1]->key, key)) {
            return err_set(err, ERR_REJECT, "reference %.*s: the key \"%.*s\" stands there twice",
                           STR_ARG(snapshot->name), STR_ARG(str_slice(key, 0, 128)));
        }
    }
    return true;
}

static bool note(struct filing *filing, struct str key, int64_t from_id,
                 const struct snapshot_row *row, struct err *err)
{
    struct change *change = arena_alloc(filing->arena, sizeof *change);
    if (change == NULL) {
        return out_of_memory(err);
    }
    *change = (struct change){filing->changes, key, from_id, row};
    filing->changes = change;
    return true;
}

/* A current row meets the snapshot, which has been compared up to `*at`. */
static bool meet(struct filing *filing, size_t *at, struct str key, struct str body,
                 int64_t from_id, struct err *err)
{
    const struct snapshot *snapshot = filing->snapshot;
    int order = 1;
    while (*at < snapshot->count) {
        const struct snapshot_row *row = filing->rows[*at];
        order = str_compare(row->key, key);
        if (order >= 0) {
            break;
        }
        if (!note(filing, row->key, 0, row, err)) {
            return false;
        }
        (*at)++;
    }
    if (*at == snapshot->count || order != 0) { /* Dropped. */
        struct str own = arena_copy(filing->arena, key);
        return own.ptr != NULL ? note(filing, own, from_id, NULL, err) : out_of_memory(err);
    }
    const struct snapshot_row *row = filing->rows[(*at)++];
    return str_equal(row->body, body) || note(filing, row->key, from_id, row, err);
}

/* Walk the current rows and the snapshot side by side, both in the order of their keys. */
static bool compare(struct filing *filing, struct err *err)
{
    size_t at = 0;
    struct query *query = store_query(filing->store,
                                      "SELECT key, body, from_id FROM reference_row"
                                      " WHERE name=?1 AND to_id IS NULL ORDER BY key",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, filing->name);
    for (;;) {
        bool row = false;
        if (!store_step(filing->store, query, &row, err)) {
            return false;
        }
        if (!row) {
            break;
        }
        if (!meet(filing, &at, query_text(query, 0), query_text(query, 1), query_int(query, 2),
                  err)) {
            query_end(query);
            return false;
        }
    }
    for (; at < filing->snapshot->count; at++) {
        if (!note(filing, filing->rows[at]->key, 0, filing->rows[at], err)) {
            return false;
        }
    }
    return true;
}

/* The newest version's number and message at or before `message_id`; 0 for none. */
static bool version_at(struct store *store, int64_t name, int64_t message_id, int64_t *message,
                       int64_t *version, struct err *err)
{
    struct query *query = store_query(store,
                                      "SELECT message, version FROM reference WHERE name=?1 AND"
                                      " message<=?2 ORDER BY message DESC LIMIT 1",
                                      err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, name);
    query_bind_int(query, 2, message_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *message = row ? query_int(query, 0) : 0;
    *version = row ? query_int(query, 1) : 0;
    query_end(query);
    return true;
}

/* The message that says that there is a new version. */
static bool file_message(struct filing *filing, int64_t version, int64_t *message_id,
                         struct err *err)
{
    char hash[HASH_SIZE];
    char hex[HASH_HEX_MAX];
    struct digest digest;
    struct intake_counts counts;
    digest_init(&digest, DIGEST_SHA256);
    for (size_t i = 0; i < filing->snapshot->count; i++) {
        hash_add_text(&digest, filing->rows[i]->key);
        hash_add_text(&digest, filing->rows[i]->body);
    }
    hash_value(&digest, hash);
    hash_to_hex(hash, hex);
    struct message message = {
        .kind = MESSAGE_REFERENCE,
        .source = STR("references"),
        .chat = filing->snapshot->name,
        .external_id = arena_printf(filing->arena, "%lld", (long long)version),
        .text = arena_printf(filing->arena, "{\"version\":%lld,\"rows\":%zu,\"hash\":\"%s\"}",
                             (long long)version, filing->snapshot->count, hex),
        .sent_ms = clock_wall_ms(filing->store->clock),
    };
    if (message.external_id.ptr == NULL || message.text.ptr == NULL) {
        return out_of_memory(err);
    }
    if (!store_archive_put(filing->store, filing->arena, &message, 1, &counts, err)) {
        return false;
    }
    must(message.id != 0); /* The number is new, so the message is. */
    *message_id = message.id;
    return true;
}

static bool write_version(struct filing *filing, int64_t message_id, int64_t version,
                          struct err *err)
{
    struct query *query = store_query(
        filing->store, "INSERT INTO reference(name, message, version) VALUES(?1, ?2, ?3)", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, filing->name);
    query_bind_int(query, 2, message_id);
    query_bind_int(query, 3, version);
    return store_run(filing->store, query, err);
}

static bool write_change(struct filing *filing, const struct change *change, int64_t message_id,
                         struct err *err)
{
    struct store *store = filing->store;
    if (change->from_id != 0) {
        struct query *end = store_query(
            store, "UPDATE reference_row SET to_id=?4 WHERE name=?1 AND key=?2 AND from_id=?3",
            err);
        if (end == NULL) {
            return false;
        }
        query_bind_int(end, 1, filing->name);
        query_bind_text(end, 2, change->key);
        query_bind_int(end, 3, change->from_id);
        query_bind_int(end, 4, message_id);
        if (!store_run(store, end, err)) {
            return false;
        }
    }
    if (change->row == NULL) {
        return true;
    }
    struct query *begin = store_query(
        store, "INSERT INTO reference_row(name, key, from_id, body) VALUES(?1, ?2, ?3, ?4)", err);
    if (begin == NULL) {
        return false;
    }
    struct str body = change->row->body;
    query_bind_int(begin, 1, filing->name);
    query_bind_text(begin, 2, change->key.ptr != NULL ? change->key : STR(""));
    query_bind_int(begin, 3, message_id);
    query_bind_text(begin, 4, body.ptr != NULL ? body : STR(""));
    return store_run(store, begin, err);
}

bool store_reference_put(struct store *store, struct arena *arena, const struct snapshot *snapshot,
                         int64_t *message_id, struct err *err)
{
    must(store->changing);
    struct filing filing = {.store = store, .arena = arena, .snapshot = snapshot};
    int64_t message = 0;
    int64_t version = 0;
    *message_id = 0;
    if (!sort_rows(&filing, err) || !store_name(store, snapshot->name, &filing.name, err) ||
        !version_at(store, filing.name, INT64_MAX, &message, &version, err) ||
        !compare(&filing, err)) {
        return false;
    }
    if (filing.changes == NULL && message != 0) { /* An empty table is a version, too. */
        return true;
    }
    if (!file_message(&filing, version + 1, message_id, err) ||
        !write_version(&filing, *message_id, version + 1, err)) {
        return false;
    }
    for (const struct change *change = filing.changes; change != NULL; change = change->next) {
        if (!write_change(&filing, change, *message_id, err)) {
            return false;
        }
    }
    return true;
}

/* What is looked for, and what was found. */
struct looked_up {
    int64_t name_id;
    struct str key;
    int64_t place;
    bool known; /* There is such a row, whether it holds there or not. */
    struct str body;
};

static bool look_up(struct store *store, struct arena *arena, const char *sql,
                    struct looked_up *row, struct err *err)
{
    struct query *query = store_query(store, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, row->name_id);
    query_bind_text(query, 2, row->key.ptr != NULL ? row->key : STR(""));
    query_bind_int(query, 3, row->place);
    if (!store_step(store, query, &row->known, err)) {
        return false;
    }
    bool holds =
        row->known && (query_type(query, 1) == QUERY_NULL || query_int(query, 1) > row->place);
    if (holds) {
        row->body = arena_copy(arena, query_text(query, 0));
    }
    query_end(query);
    return !holds || row->body.ptr != NULL || out_of_memory(err);
}

bool store_reference_get(struct store *store, struct arena *arena, struct str name, struct str key,
                         int64_t message_id, struct str *body, struct err *err)
{
    static const char current[] = "SELECT body, to_id FROM reference_row WHERE name=?1 AND key=?2"
                                  " AND from_id<=?3 ORDER BY from_id DESC LIMIT 1";
    static const char first[] =
        "SELECT body, NULL FROM reference_row WHERE name=?1 AND key=?2 AND from_id>?3 AND"
        " from_id=(SELECT min(message) FROM reference WHERE name=?1)";
    struct looked_up row = {.key = key, .place = message_id};
    bool ok = store_name_find(store, name, &row.name_id, err) &&
              look_up(store, arena, current, &row, err) &&
              (row.known || look_up(store, arena, first, &row, err));
    *body = ok ? row.body : (struct str){0};
    return ok;
}

/* The first message of the table, when `message_id` is before it: that version holds, too. */
static bool scanned_place(struct store *store, int64_t name, int64_t message_id, int64_t *place,
                          struct err *err)
{
    struct query *query =
        store_query(store, "SELECT max(?2, min(message)) FROM reference WHERE name=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, name);
    query_bind_int(query, 2, message_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *place = row && query_type(query, 0) != QUERY_NULL ? query_int(query, 0) : message_id;
    query_end(query);
    return true;
}

bool store_reference_scan(struct store *store, struct arena *arena, struct str name,
                          int64_t message_id,
                          bool (*each)(void *context, struct str key, struct str body),
                          void *context, struct err *err)
{
    struct str key = {0};
    int64_t name_id = 0;
    int64_t place = 0;
    if (!store_name_find(store, name, &name_id, err) ||
        !scanned_place(store, name_id, message_id, &place, err)) {
        return false;
    }
    for (bool go_on = true; go_on;) {
        struct query *query =
            key.ptr == NULL
                ? store_query(store,
                              "SELECT key, body FROM reference_row WHERE name=?1 AND key>=?2 AND"
                              " from_id<=?3 AND (to_id IS NULL OR to_id>?3) ORDER BY key LIMIT 1",
                              err)
                : store_query(store,
                              "SELECT key, body FROM reference_row WHERE name=?1 AND key>?2 AND"
                              " from_id<=?3 AND (to_id IS NULL OR to_id>?3) ORDER BY key LIMIT 1",
                              err);
        bool row = false;
        if (query == NULL) {
            return false;
        }
        query_bind_int(query, 1, name_id);
        query_bind_text(query, 2, key.ptr != NULL ? key : STR(""));
        query_bind_int(query, 3, place);
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        key = arena_copy(arena, query_text(query, 0));
        struct str body = arena_copy(arena, query_text(query, 1));
        query_end(query);
        if (key.ptr == NULL || body.ptr == NULL) {
            return out_of_memory(err);
        }
        go_on = each(context, key, body);
    }
    return true;
}

bool store_reference_version(struct store *store, struct str name, int64_t message_id,
                             int64_t *version, struct err *err)
{
    int64_t name_id = 0;
    int64_t number = 0;
    *version = 0;
    return store_name_find(store, name, &name_id, err) &&
           version_at(store, name_id, message_id, version, &number, err);
}
