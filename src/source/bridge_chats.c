#include "source/bridge_chats.h"

#include <inttypes.h>

struct known {
    struct str name;
    struct str title; /* What people call it; absent when the file does not say. */
};

struct known_list {
    struct known *items;
    size_t count;
    size_t total;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t bridge_chats_distance(struct str a, struct str b)
{
    size_t row[BRIDGE_DISTANCE_MAX + 1];
    a = str_slice(a, 0, BRIDGE_DISTANCE_MAX);
    b = str_slice(b, 0, BRIDGE_DISTANCE_MAX);
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replaced = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

static bool chats_list(const struct bridge_schema *schema, struct sqlite *db, struct arena *arena,
                       struct known_list *list, struct err *err)
{
    list->items = arena_array(arena, BRIDGE_CHATS_MAX, sizeof *list->items);
    struct query *query = list->items == NULL ? NULL : sqlite_query(db, schema->chats, err);
    if (query == NULL) {
        return list->items != NULL || err_set(err, ERR_RETRY, "out of memory");
    }
    bool row = true;
    while (row) {
        if (!query_step(query, &row, err)) {
            return false;
        }
        struct str name = row ? query_text(query, 0) : (struct str){0};
        if (name.len == 0) {
            continue;
        }
        if (list->count < BRIDGE_CHATS_MAX) {
            struct str kept = arena_copy(arena, name);
            list->items[list->count] = (struct known){.name = kept};
            list->count += kept.ptr != NULL ? 1 : 0;
        }
        list->total++;
    }
    return true;
}

/* The public bridge keeps the names of chats in a table of their own; without it there are none. */
static void chats_title(struct sqlite *db, struct arena *arena, struct known_list *list)
{
    static const char has[] = "SELECT count(*) FROM pragma_table_info('chats') "
                              "WHERE name IN ('jid','name')";
    static const char sql[] = "SELECT name FROM chats WHERE jid=?1";
    struct err ignored = {0};
    int64_t columns = 0;
    if (!sqlite_int(db, has, 0, &columns, &ignored) || columns != 2) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        struct query *query = sqlite_query(db, sql, &ignored);
        bool row = false;
        if (query == NULL) {
            return;
        }
        query_bind_text(query, 1, list->items[i].name);
        if (!query_step(query, &row, &ignored)) {
            return;
        }
        if (row) {
            list->items[i].title = arena_copy(arena, query_text(query, 0));
            query_end(query);
        }
    }
}

static size_t distance_of(const struct known *chat, struct str wanted)
{
    size_t by_name = bridge_chats_distance(chat->name, wanted);
    return chat->title.len == 0 ? by_name
                                : least(by_name, bridge_chats_distance(chat->title, wanted));
}

static void add_nearest(const struct known_list *list, struct str wanted, struct buf *out)
{
    const struct known *nearest[BRIDGE_NEAREST_MAX] = {0};
    size_t distances[BRIDGE_NEAREST_MAX] = {0};
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t distance = distance_of(&list->items[i], wanted);
        size_t at = count;
        while (at > 0 && distance < distances[at - 1]) {
            at--;
        }
        if (at == BRIDGE_NEAREST_MAX) {
            continue;
        }
        count += count < BRIDGE_NEAREST_MAX ? 1 : 0;
        for (size_t j = count - 1; j > at; j--) {
            nearest[j] = nearest[j - 1];
            distances[j] = distances[j - 1];
        }
        nearest[at] = &list->items[i];
        distances[at] = distance;
    }
    for (size_t i = 0; i < count; i++) {
        buf_add(out, i == 0 ? STR(", nearest are ") : STR(", "));
        buf_add(out, nearest[i]->name);
        if (nearest[i]->title.len > 0) {
            buf_printf(out, " (%.*s)", STR_ARG(nearest[i]->title));
        }
    }
}

static bool is_known(const struct known_list *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

bool bridge_chats_describe(const struct bridge_schema *schema, struct sqlite *db,
                           const struct str_list *expected, struct arena *arena, struct buf *out,
                           struct err *err)
{
    struct known_list list = {0};
    size_t there = 0;
    if (!chats_list(schema, db, arena, &list, err)) {
        return false;
    }
    buf_printf(out, ", %zu chat%s", list.total, list.total == 1 ? "" : "s");
    if (expected->count == 0) {
        return true;
    }
    chats_title(db, arena, &list);
    for (size_t i = 0; i < expected->count; i++) {
        there += is_known(&list, expected->items[i]) ? 1 : 0;
    }
    buf_printf(out, ", %zu of %zu expected are there", there, expected->count);
    for (size_t i = 0; i < expected->count; i++) {
        if (!is_known(&list, expected->items[i])) {
            buf_printf(out, "; %.*s has no message", STR_ARG(expected->items[i]));
            add_nearest(&list, expected->items[i], out);
        }
    }
    return true;
}
