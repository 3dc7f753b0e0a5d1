#include <string.h>

#include "store/archive.h"
#include "store/internal.h"
#include "store/row.h"

enum {
    STRETCH_MAX = 200000, /* Rows of other chats passed over in one step. */
    SENDERS_SLOTS = 2048, /* Power of two. */
    SENDERS_ARENA = 1 << 20,
    CHATS_ARENA = 16 << 20,
};

enum chat_use { CHAT_UNKNOWN = 0, CHAT_OTHER, CHAT_MINE };

/* A chat of the archive as this pipeline sees it. */
struct reader_chat {
    enum chat_use use;
    struct str source;
    struct str chat;
};

struct reader_sender {
    int64_t id;
    struct str text;
};

struct reader {
    struct reader_options options;
    int64_t pipeline;
    struct arena arena; /* Chats; grows with their number. */
    struct reader_chat *chats;
    size_t chat_room;
    struct arena senders_arena;
    struct reader_sender *senders;

    /* The stretch being read. */
    struct query *query;
    int64_t position;  /* Of the pipeline. */
    int64_t late_chat; /* A chat that is catching up, or 0. */
    int64_t late_position;
    int64_t reached;
    bool exhausted;
    int64_t upto; /* 0: no limit. */
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "store: out of memory for the names of chats and senders");
}

static bool position_read(struct store *store, int64_t pipeline, int64_t chat, int64_t *id,
                          bool *there, struct err *err)
{
    struct query *query =
        store_query(store, "SELECT id FROM position WHERE pipeline=?1 AND chat=?2", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    query_bind_int(query, 2, chat);
    if (!store_step(store, query, there, err)) {
        return false;
    }
    *id = *there ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}

static bool position_write(struct store *store, int64_t pipeline, int64_t chat, int64_t id,
                           struct err *err)
{
    struct query *query = store_query(
        store, "INSERT OR REPLACE INTO position(pipeline, chat, id) VALUES(?1, ?2, ?3)", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    query_bind_int(query, 2, chat);
    query_bind_int(query, 3, id);
    return store_run(store, query, err);
}

static bool position_drop(struct store *store, int64_t pipeline, int64_t chat, struct err *err)
{
    struct query *query =
        store_query(store, "DELETE FROM position WHERE pipeline=?1 AND chat=?2", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    query_bind_int(query, 2, chat);
    return store_run(store, query, err);
}

bool store_position_common(struct store *store, struct str pipeline, int64_t *id, struct err *err)
{
    int64_t pipeline_id = 0;
    bool there = false;
    *id = 0;
    return store_name_find(store, pipeline, &pipeline_id, err) &&
           position_read(store, pipeline_id, 0, id, &there, err);
}

bool store_position_get(struct store *store, struct str pipeline, int64_t *id, struct err *err)
{
    int64_t pipeline_id = 0;
    bool there = false;
    *id = 0;
    if (!store_name_find(store, pipeline, &pipeline_id, err) ||
        !position_read(store, pipeline_id, 0, id, &there, err)) {
        return false;
    }
    struct query *query =
        store_query(store, "SELECT min(id) FROM position WHERE pipeline=?1 AND chat<>0", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (row && query_type(query, 0) != QUERY_NULL && query_int(query, 0) < *id) {
        *id = query_int(query, 0);
    }
    query_end(query);
    return true;
}

bool store_replies_after(struct store *store, struct str pipeline, int64_t upto, int64_t *newest,
                         struct err *err)
{
    struct query *query =
        store_query(store,
                    "SELECT coalesce(max(a.id), 0) FROM archive a JOIN chat c ON c.id=a.chat"
                    " WHERE a.id>?1 AND a.about<=?1 AND a.flags&15 IN (?2, ?3) AND c.chat=?4",
                    err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, upto);
    query_bind_int(query, 2, MESSAGE_ANSWER);
    query_bind_int(query, 3, MESSAGE_RECEIPT);
    query_bind_text(query, 4, pipeline);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *newest = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}

bool store_runs_after(struct store *store, struct str pipeline, int64_t id, bool *any,
                      struct err *err)
{
    struct query *query =
        store_query(store,
                    "SELECT 1 FROM archive a JOIN chat c ON c.id=a.chat WHERE a.id>?1"
                    " AND a.flags&15=?2 AND (?3='' OR c.chat=?3) LIMIT 1",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_int(query, 2, MESSAGE_RUN);
    query_bind_text(query, 3, pipeline.ptr != NULL ? pipeline : STR(""));
    if (!store_step(store, query, any, err)) {
        return false;
    }
    query_end(query);
    return true;
}

bool store_subscribed(struct store *store, struct str pipeline, struct str chat, bool *is,
                      struct err *err)
{
    int64_t id = 0;
    if (!store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    struct query *query = store_query(
        store, "SELECT 1 FROM subscription WHERE pipeline=?1 AND chat=?2 AND left_id IS NULL", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_text(query, 2, chat);
    if (!store_step(store, query, is, err)) {
        return false;
    }
    query_end(query);
    return true;
}

static bool is_wanted(const struct reader_options *options, struct str source, struct str chat)
{
    for (size_t i = 0; i < options->subscription_count; i++) {
        const struct subscription *wanted = &options->subscriptions[i];
        if (str_equal(wanted->source, source) &&
            (wanted->chat.len == 0 || str_equal(wanted->chat, chat))) {
            return true;
        }
    }
    return false;
}

/* What sluice files itself for this pipeline needs no subscription. */
static bool is_own(const struct reader_options *options, struct str source, struct str chat)
{
    if (str_starts(source, STR("answers/")) || str_starts(source, STR("receipts/")) ||
        str_equal(source, STR("acts"))) {
        return str_equal(chat, options->pipeline);
    }
    if (!str_equal(source, STR("references"))) {
        return false;
    }
    for (size_t i = 0; i < options->reference_count; i++) {
        if (str_equal(options->references[i], chat)) {
            return true;
        }
    }
    return false;
}

/*
 * The rows of `subscription` are of two kinds: with left_id NULL what was wanted when the pipeline
 * was opened last (chat '': all of the source), with a left_id a single chat that is not wanted now
 * and was read up to there. So it does not matter in which way a chat is wanted, or was.
 */
static bool was_subscribed(struct store *store, const struct reader *reader,
                           const struct subscription *wanted, bool *was, struct err *err)
{
    int64_t source = 0;
    struct query *query = store_query(store,
                                      "SELECT 1 FROM subscription WHERE pipeline=?1 AND source=?2"
                                      " AND chat=?3 AND left_id IS NULL",
                                      err);
    if (query == NULL || !store_name(store, wanted->source, &source, err)) {
        return false;
    }
    query_bind_int(query, 1, reader->pipeline);
    query_bind_int(query, 2, source);
    query_bind_text(query, 3, wanted->chat.ptr != NULL ? wanted->chat : STR(""));
    if (!store_step(store, query, was, err)) {
        return false;
    }
    query_end(query);
    return true;
}

static bool count_subscribed(struct store *store, const struct reader *reader, size_t *count,
                             struct err *err)
{
    bool row = false;
    struct query *query = store_query(
        store, "SELECT count(*) FROM subscription WHERE pipeline=?1 AND left_id IS NULL", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, reader->pipeline);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *count = row ? (size_t)query_int(query, 0) : 0;
    query_end(query);
    return true;
}

static bool is_unchanged(struct store *store, const struct reader *reader, size_t before,
                         bool *unchanged, struct err *err)
{
    *unchanged = before == reader->options.subscription_count;
    for (size_t i = 0; *unchanged && i < reader->options.subscription_count; i++) {
        if (!was_subscribed(store, reader, &reader->options.subscriptions[i], unchanged, err)) {
            return false;
        }
    }
    return true;
}

/* What was wanted before: `count` subscriptions. */
static bool load_subscribed(struct store *store, struct arena *arena, const struct reader *reader,
                            size_t count, struct reader_options *out, struct err *err)
{
    struct subscription *list = arena_array(arena, count + 1, sizeof *list);
    struct query *query = store_query(store,
                                      "SELECT n.text, s.chat FROM subscription s JOIN name n"
                                      " ON n.id=s.source WHERE s.pipeline=?1 AND s.left_id IS NULL",
                                      err);
    bool row = true;
    if (query == NULL || list == NULL) {
        return query != NULL && out_of_memory(err);
    }
    *out = (struct reader_options){.subscriptions = list};
    query_bind_int(query, 1, reader->pipeline);
    while (out->subscription_count < count) {
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        must(row);
        struct subscription *one = &list[out->subscription_count++];
        one->source = arena_copy(arena, query_text(query, 0));
        one->chat = arena_copy(arena, query_text(query, 1));
        if (one->source.ptr == NULL || one->chat.ptr == NULL) {
            query_end(query);
            return out_of_memory(err);
        }
    }
    query_end(query);
    return true;
}

struct chat_row {
    int64_t id;
    int64_t source;
    struct str chat;
};

/* Note how far the chat was read: up to its own position while it catches up, else the common one.
 */
static bool leave_chat(struct store *store, const struct reader *reader,
                       const struct chat_row *chat, struct err *err)
{
    int64_t id = 0;
    bool late = false;
    if (!position_read(store, reader->pipeline, chat->id, &id, &late, err)) {
        return false;
    }
    struct query *query = store_query(store,
                                      "INSERT OR REPLACE INTO subscription(pipeline, source, chat,"
                                      " left_id) VALUES(?1, ?2, ?3, ?4)",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, reader->pipeline);
    query_bind_int(query, 2, chat->source);
    query_bind_text(query, 3, chat->chat);
    query_bind_int(query, 4, late ? id : reader->position);
    return store_run(store, query, err) &&
           (!late || position_drop(store, reader->pipeline, chat->id, err));
}

/* The chat begins where it was left, or at the beginning of the archive. */
static bool enter_chat(struct store *store, const struct reader *reader,
                       const struct chat_row *chat, struct err *err)
{
    bool row = false;
    struct query *query = store_query(store,
                                      "DELETE FROM subscription WHERE pipeline=?1 AND source=?2 AND"
                                      " chat=?3 AND left_id IS NOT NULL RETURNING left_id",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, reader->pipeline);
    query_bind_int(query, 2, chat->source);
    query_bind_text(query, 3, chat->chat);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    int64_t from = row ? query_int(query, 0) : 0;
    query_end(query);
    return from >= reader->position || position_write(store, reader->pipeline, chat->id, from, err);
}

/* Look at every chat there is: is it wanted now, and was it before? */
static bool move_chats(struct store *store, const struct reader *reader,
                       const struct reader_options *before, struct err *err)
{
    struct query *query = store_query(
        store, "SELECT c.id, c.source, c.chat, n.text FROM chat c JOIN name n ON n.id=c.source",
        err);
    bool row = false;
    bool ok = query != NULL && store_step(store, query, &row, err);
    while (ok && row) {
        struct chat_row chat = {query_int(query, 0), query_int(query, 1), query_text(query, 2)};
        struct str source = query_text(query, 3);
        bool own = is_own(&reader->options, source, chat.chat);
        bool was = is_wanted(before, source, chat.chat);
        bool is = is_wanted(&reader->options, source, chat.chat);
        if (!own && was != is) {
            ok = is ? enter_chat(store, reader, &chat, err) : leave_chat(store, reader, &chat, err);
        }
        ok = ok && store_step(store, query, &row, err);
    }
    if (query != NULL) {
        query_end(query);
    }
    return ok;
}

static bool write_subscribed(struct store *store, const struct reader *reader, struct err *err)
{
    struct query *query =
        store_query(store, "DELETE FROM subscription WHERE pipeline=?1 AND left_id IS NULL", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, reader->pipeline);
    if (!store_run(store, query, err)) {
        return false;
    }
    for (size_t i = 0; i < reader->options.subscription_count; i++) {
        const struct subscription *wanted = &reader->options.subscriptions[i];
        int64_t source = 0;
        query = store_query(store,
                            "INSERT OR REPLACE INTO subscription(pipeline, source, chat, left_id)"
                            " VALUES(?1, ?2, ?3, NULL)",
                            err);
        if (query == NULL || !store_name(store, wanted->source, &source, err)) {
            return false;
        }
        query_bind_int(query, 1, reader->pipeline);
        query_bind_int(query, 2, source);
        query_bind_text(query, 3, wanted->chat.ptr != NULL ? wanted->chat : STR(""));
        if (!store_run(store, query, err)) {
            return false;
        }
    }
    return true;
}

/* Take note of what is wanted now, if that is not what was wanted before. */
static bool subscribe(struct store *store, struct arena *arena, const struct reader *reader,
                      bool started, struct err *err)
{
    struct reader_options before = {0};
    size_t count = 0;
    bool unchanged = false;
    if (!count_subscribed(store, reader, &count, err) ||
        !is_unchanged(store, reader, count, &unchanged, err)) {
        return false;
    }
    if (unchanged) {
        return true;
    }
    struct arena_mark mark = arena_mark(arena);
    bool ok = !started || (load_subscribed(store, arena, reader, count, &before, err) &&
                           move_chats(store, reader, &before, err));
    arena_rewind(arena, mark);
    return ok && write_subscribed(store, reader, err);
}

bool store_reader_open(struct store *store, struct arena *arena,
                       const struct reader_options *options, struct reader **out, struct err *err)
{
    must(store->changing);
    struct reader *reader = arena_alloc(arena, sizeof *reader);
    struct reader_sender *senders =
        reader == NULL ? NULL : arena_array(arena, SENDERS_SLOTS, sizeof *senders);
    bool started = false;
    if (senders == NULL) {
        return out_of_memory(err);
    }
    reader->options = *options;
    reader->senders = senders;
    arena_init(&reader->arena, CHATS_ARENA);
    arena_init(&reader->senders_arena, SENDERS_ARENA);
    struct str place = options->place.ptr != NULL ? options->place : options->pipeline;
    if (!store_name(store, place, &reader->pipeline, err) ||
        !position_read(store, reader->pipeline, 0, &reader->position, &started, err)) {
        return false;
    }
    if (!subscribe(store, arena, reader, started, err)) {
        return false;
    }
    if (!started && !position_write(store, reader->pipeline, 0, 0, err)) {
        return false;
    }
    *out = reader;
    return true;
}

void store_reader_close(struct reader *reader)
{
    if (reader != NULL) {
        arena_free(&reader->arena);
        arena_free(&reader->senders_arena);
        reader->chats = NULL;
        reader->chat_room = 0;
    }
}

void store_reader_limit(struct reader *reader, int64_t upto)
{
    reader->upto = upto;
}

static bool grow_chats(struct reader *reader, size_t chat, struct err *err)
{
    size_t room = reader->chat_room == 0 ? 64 : reader->chat_room;
    while (room <= chat) {
        room *= 2;
    }
    struct reader_chat *chats = arena_array(&reader->arena, room, sizeof *chats);
    if (chats == NULL) {
        return out_of_memory(err);
    }
    if (reader->chat_room > 0) {
        memcpy(chats, reader->chats, reader->chat_room * sizeof *chats);
    }
    reader->chats = chats;
    reader->chat_room = room;
    return true;
}

static bool resolve_chat(struct store *store, struct reader *reader, size_t id, struct err *err)
{
    struct query *query = store_query(
        store, "SELECT n.text, c.chat FROM chat c JOIN name n ON n.id=c.source WHERE c.id=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, (int64_t)id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    struct reader_chat *chat = &reader->chats[id];
    *chat = (struct reader_chat){.use = CHAT_OTHER};
    if (row) {
        chat->source = arena_copy(&reader->arena, query_text(query, 0));
        chat->chat = arena_copy(&reader->arena, query_text(query, 1));
        bool mine = is_wanted(&reader->options, chat->source, chat->chat) ||
                    is_own(&reader->options, chat->source, chat->chat);
        chat->use = mine ? CHAT_MINE : CHAT_OTHER;
    }
    query_end(query);
    return !row || chat->chat.ptr != NULL || out_of_memory(err);
}

static bool chat_of(struct store *store, struct reader *reader, int64_t id,
                    struct reader_chat **out, struct err *err)
{
    size_t at = (size_t)id;
    if (at >= reader->chat_room && !grow_chats(reader, at, err)) {
        return false;
    }
    if (reader->chats[at].use == CHAT_UNKNOWN && !resolve_chat(store, reader, at, err)) {
        return false;
    }
    *out = &reader->chats[at];
    return true;
}

static bool sender_of(struct store *store, struct reader *reader, int64_t id, struct str *text,
                      struct err *err)
{
    struct reader_sender *sender = &reader->senders[(size_t)id & (SENDERS_SLOTS - 1)];
    if (sender->id == id) {
        *text = sender->text;
        return true;
    }
    if (reader->senders_arena.used > SENDERS_ARENA / 2) {
        memset(reader->senders, 0, SENDERS_SLOTS * sizeof *reader->senders);
        arena_reset(&reader->senders_arena);
    }
    if (!store_name_text(store, &reader->senders_arena, id, text, err)) {
        return false;
    }
    *sender = (struct reader_sender){id, *text};
    return true;
}

/* A chat that is catching up, if there is one. */
static bool find_late(struct store *store, struct reader *reader, struct err *err)
{
    struct query *query = store_query(
        store, "SELECT chat, id FROM position WHERE pipeline=?1 AND chat<>0 ORDER BY chat LIMIT 1",
        err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, reader->pipeline);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    reader->late_chat = row ? query_int(query, 0) : 0;
    reader->late_position = row ? query_int(query, 1) : 0;
    query_end(query);
    return true;
}

bool store_reader_begin(struct store *store, struct reader *reader, struct err *err)
{
    bool there = false;
    must(store->changing || store->reading);
    if (!position_read(store, reader->pipeline, 0, &reader->position, &there, err) ||
        !find_late(store, reader, err)) {
        return false;
    }
    reader->exhausted = false;
    reader->query =
        reader->late_chat != 0
            ? store_query(store,
                          "SELECT " ARCHIVE_COLUMNS " FROM archive WHERE id>?1 AND id<=?2"
                          " AND chat=?3 ORDER BY id",
                          err)
            : store_query(store,
                          "SELECT " ARCHIVE_COLUMNS " FROM archive WHERE id>?1 AND id<=?2"
                          " ORDER BY id",
                          err);
    if (reader->query == NULL) {
        return false;
    }
    reader->reached = reader->position;
    query_bind_int(reader->query, 1, reader->position);
    query_bind_int(reader->query, 2, reader->upto > 0 ? reader->upto : INT64_MAX);
    if (reader->late_chat != 0) {
        reader->reached = reader->late_position;
        query_bind_int(reader->query, 1, reader->late_position);
        query_bind_int(reader->query, 2, reader->position);
        query_bind_int(reader->query, 3, reader->late_chat);
    }
    return true;
}

bool store_reader_next(struct store *store, struct reader *reader, struct message *out, bool *found,
                       struct err *err)
{
    struct reader_chat *chat = NULL;
    *found = false;
    for (int passed = 0; passed < STRETCH_MAX; passed++) {
        bool row = false;
        if (!store_step(store, reader->query, &row, err)) {
            return false;
        }
        if (!row) {
            reader->exhausted = true;
            reader->query = NULL;
            return true;
        }
        if (!chat_of(store, reader, query_int(reader->query, ROW_CHAT), &chat, err)) {
            return false;
        }
        reader->reached = query_int(reader->query, ROW_ID);
        if (chat->use == CHAT_MINE) {
            break;
        }
    }
    if (chat == NULL || chat->use != CHAT_MINE) {
        return true;
    }
    store_archive_row(reader->query, out);
    out->source = chat->source;
    out->chat = chat->chat;
    if (out->kind == MESSAGE_TICK) { /* Time is what a tick says, however late it was filed. */
        out->archived_ms = out->sent_ms;
    }
    *found = true;
    return sender_of(store, reader, query_int(reader->query, ROW_SENDER), &out->sender, err);
}

void store_reader_stop(struct reader *reader, int64_t id)
{
    if (reader->query != NULL) {
        query_end(reader->query);
        reader->query = NULL;
    }
    if (id != 0 && id < reader->reached) {
        reader->reached = id;
        reader->exhausted = false;
    }
}

bool store_reader_end(struct store *store, struct reader *reader, bool *more, struct err *err)
{
    must(store->changing);
    store_reader_stop(reader, 0);
    *more = !reader->exhausted || reader->late_chat != 0;
    if (reader->late_chat == 0) {
        return reader->reached == reader->position ||
               position_write(store, reader->pipeline, 0, reader->reached, err);
    }
    if (reader->exhausted || reader->reached >= reader->position) {
        return position_drop(store, reader->pipeline, reader->late_chat, err);
    }
    return position_write(store, reader->pipeline, reader->late_chat, reader->reached, err);
}
