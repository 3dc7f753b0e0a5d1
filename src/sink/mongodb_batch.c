#include "sink/mongodb_batch.h"

#include "crypto/encode.h"
#include "db/document.h"
#include "sink/body.h"
#include "text/json.h"

enum {
    COMMAND_BYTES =
        4 * 1024 * 1024, /* Then the next command begins; a larger statement is alone. */
    COMMAND_ITEMS = 1000,
    COMMAND_ROOM = 256,
    BAD_VALUE = 2,
    TYPE_MISMATCH = 14,
};

/* Statements of one command. */
struct chunk {
    struct mongodb_item *items[COMMAND_ITEMS];
    size_t count;
    size_t bytes;
};

void mongodb_item_settle(struct mongodb_batch *batch, struct mongodb_item *item,
                         enum verdict verdict, const struct err *why)
{
    item->open = false;
    item->parcel->verdict = verdict;
    if (why != NULL) {
        item->parcel->why = arena_copy(batch->arena, str_of(why->text));
    }
}

/* ---- One command ---- */

/* The statements of a chunk as one view: mostly they stand together already. */
static bool statements_of(const struct chunk *chunk, struct arena *arena, struct str *out,
                          struct err *err)
{
    struct buf buf;
    *out = (struct str){chunk->items[0]->statement.ptr, 0};
    for (size_t i = 0; i < chunk->count; i++) {
        if (chunk->items[i]->statement.ptr == out->ptr + out->len) {
            out->len += chunk->items[i]->statement.len;
        }
    }
    if (out->len == chunk->bytes) {
        return true;
    }
    buf_init(&buf, arena, chunk->bytes);
    for (size_t i = 0; i < chunk->count; i++) {
        buf_add(&buf, chunk->items[i]->statement);
    }
    *out = buf_str(&buf);
    return buf_ok(&buf) || err_set(err, ERR_RETRY, "out of memory for a batch");
}

/* One command with all of them; what it fails with as a whole is returned. */
static bool send_command(struct mongodb_batch *batch, const struct chunk *chunk,
                         const struct json_value **reply, struct err *err)
{
    struct buf buf;
    struct document doc;
    struct str command = {0};
    struct str statements = {0};
    bool removal = chunk->items[0]->parcel->removed;
    buf_init(&buf, batch->arena, COMMAND_ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, removal ? STR("delete") : STR("update"),
                 str_of(chunk->items[0]->target->name));
    document_bool(&doc, STR("ordered"), false);
    return document_end(&doc, DOCUMENT_BATCH_MAX, &command, err) &&
           statements_of(chunk, batch->arena, &statements, err) &&
           mongo_write_list(batch->db, command, removal ? "deletes" : "updates", statements,
                            batch->deadline_ms, batch->arena, reply, err);
}

/* Codes of a server that is on its way down or up, or has no time: nothing is wrong with the data.
 */
static bool is_passing(int code)
{
    static const int codes[] = {6,     7,     11,    24,    50,    63,    64,    79,    89,
                                91,    100,   112,   117,   133,   134,   189,   202,   216,
                                234,   262,   317,   358,   402,   9001,  10058, 10107, 11600,
                                11601, 11602, 13388, 13435, 13436, 14031, 384,   50915};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}

/* Did the server, or the driver, dislike what was sent? */
bool mongodb_batch_blames_data(const struct mongodb_batch *batch, const struct err *why)
{
    int code = mongo_code(batch->db);
    return why->kind == ERR_REJECT || (why->kind == ERR_RETRY && code != 0 && !is_passing(code));
}

static bool item_failed(struct mongodb_batch *batch, struct mongodb_item *item, int code,
                        const struct err *why, struct err *err)
{
    if (code == MONGO_DUPLICATE) {
        item->doubtful = true;
    } else if (why->kind == ERR_REJECT) {
        item->doubtful = item->adds && (code == BAD_VALUE || code == TYPE_MISMATCH);
        if (!item->doubtful) {
            mongodb_item_settle(batch, item, VERDICT_REJECT, why);
        }
    } else if (why->kind == ERR_RETRY) {
        mongodb_item_settle(batch, item, VERDICT_RETRY, why);
    } else {
        *err = *why;
        return false;
    }
    return true;
}

/* What the answer says of each statement. */
static bool take_reply(struct mongodb_batch *batch, struct chunk *chunk,
                       const struct json_value *reply, struct err *err)
{
    size_t at = 0;
    size_t index = 0;
    struct err why = {0};
    for (size_t i = 0; i < chunk->count; i++) {
        chunk->items[i]->doubtful = false;
    }
    while (mongo_item_error(batch->db, reply, &at, &index, &why)) {
        if (index < chunk->count &&
            !item_failed(batch, chunk->items[index], mongo_item_code(reply, at), &why, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < chunk->count; i++) {
        struct mongodb_item *item = chunk->items[i];
        if (item->open && !item->doubtful) {
            item->open = false;
            item->written = true;
        }
    }
    return true;
}

static bool send_chunk(struct mongodb_batch *batch, struct chunk *chunk, struct err *err)
{
    const struct json_value *reply = NULL;
    struct err why = {0};
    struct arena_mark mark = arena_mark(batch->arena);
    if (send_command(batch, chunk, &reply, &why)) {
        return take_reply(batch, chunk, reply, err);
    }
    arena_rewind(batch->arena, mark);
    if (!mongodb_batch_blames_data(batch, &why)) {
        *err = why;
        return false;
    }
    if (chunk->count == 1) {
        return item_failed(batch, chunk->items[0], mongo_code(batch->db), &why, err);
    }
    for (size_t i = 0; i < chunk->count; i++) {
        struct chunk one = {
            .items = {chunk->items[i]}, .count = 1, .bytes = chunk->items[i]->statement.len};
        if (!send_chunk(batch, &one, err)) { /* No deeper: a chunk of one is not taken apart. */
            return false;
        }
    }
    return true;
}

/* ---- Those that were not taken ---- */

/* Is the mark of the record in the document that holds its key? */
static bool is_marked(const struct mongodb_item *item, const struct json_value *document)
{
    const struct json_value *ours = json_get(document, STR("_sluice"));
    struct str slot = str_of(item->mark.slot);
    if (item->parcel->kind == RECORD_ABSOLUTE) {
        struct str held = json_str(json_get(json_get(ours, STR("seq")), slot));
        return held.ptr != NULL && str_compare(held, str_of(item->mark.sequence)) >= 0;
    }
    struct json_iter iter;
    const struct json_value *one = NULL;
    char id[2 * MONGODB_ID_SIZE];
    size_t len = (size_t)(MONGODB_ID_SIZE + 2) / 3 * 4;
    encode_base64_into(mongodb_mark_id(&item->mark), id);
    json_iter_init(&iter, json_get(json_get(ours, STR("done")), slot));
    while (json_next(&iter, NULL, &one)) {
        if (str_equal(json_str(json_find(one, STR("$binary/base64"))), (struct str){id, len})) {
            return true;
        }
    }
    return false;
}

/* {key: {$in: […]}}, and only what is_marked() looks at. */
static bool ask_for(struct mongodb_batch *batch, const struct chunk *chunk, struct err *err)
{
    const struct target *target = chunk->items[0]->target;
    struct buf filter_buf;
    struct buf options_buf;
    struct document filter;
    struct document options;
    struct str asked = {0};
    struct str wanted = {0};
    buf_init(&filter_buf, batch->arena, COMMAND_ROOM);
    buf_init(&options_buf, batch->arena, COMMAND_ROOM);
    document_begin(&filter, &filter_buf);
    document_object(&filter, str_of(target->key));
    document_array(&filter, STR("$in"));
    for (size_t i = 0; i < chunk->count; i++) {
        document_str(&filter, (struct str){0}, chunk->items[i]->parcel->entity);
    }
    document_close(&filter);
    document_close(&filter);
    document_begin(&options, &options_buf);
    document_object(&options, STR("projection"));
    document_int(&options, str_of(target->key), 1);
    document_int(&options, STR("_sluice"), 1);
    document_close(&options);
    return document_end(&filter, DOCUMENT_BATCH_MAX, &asked, err) &&
           document_end(&options, DOCUMENT_BATCH_MAX, &wanted, err) &&
           mongo_query(batch->db, str_of(target->name), asked, wanted, batch->deadline_ms, err);
}

static void take_document(struct chunk *chunk, const struct json_value *document)
{
    struct str key = json_str(json_get(document, str_of(chunk->items[0]->target->key)));
    for (size_t i = 0; i < chunk->count; i++) {
        struct mongodb_item *item = chunk->items[i];
        if (str_equal(item->parcel->entity, key) && is_marked(item, document)) {
            item->open = false;
            item->written = true;
        }
    }
}

/* Which of them were done before? Their documents say so. */
static bool look_into(struct mongodb_batch *batch, struct chunk *chunk, struct err *err)
{
    const struct json_limits limits = {.allow_duplicate_keys = true, .innocent = true};
    const struct json_value *document = NULL;
    struct str text = {0};
    struct arena_mark mark = arena_mark(batch->arena);
    bool ok = ask_for(batch, chunk, err);
    while (ok) {
        ok = mongo_next(batch->db, batch->arena, &text, err) &&
             (text.ptr == NULL || json_parse(batch->arena, text, &limits, &document, err));
        if (!ok || text.ptr == NULL) {
            break;
        }
        take_document(chunk, document);
    }
    mongo_end(batch->db);
    arena_rewind(batch->arena, mark);
    return ok;
}

/* Take nulls out of the way of $inc and $push. */
static bool clear_nulls(struct mongodb_batch *batch, const struct mongodb_item *item,
                        struct err *err)
{
    struct body *body = arena_alloc(batch->arena, sizeof *body);
    struct buf buf;
    struct document doc;
    struct str command = {0};
    const struct json_value *reply = NULL;
    if (body == NULL || !body_read(item->parcel->body, batch->arena, body, err)) {
        return body != NULL || err_set(err, ERR_RETRY, "out of memory for a statement");
    }
    buf_init(&buf, batch->arena, COMMAND_ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, STR("update"), str_of(item->target->name));
    document_array(&doc, STR("updates"));
    for (size_t i = 0; i < body->count; i++) {
        const struct column *column = body_column(item->target, body->fields[i].name);
        struct str statement = {0};
        if (body->fields[i].group != BODY_INC && body->fields[i].group != BODY_PUSH) {
            continue;
        }
        if (!mongodb_denull_make(item->target, item->parcel->entity, str_of(column->name),
                                 batch->arena, &statement, err)) {
            return false;
        }
        document_raw(&doc, (struct str){0}, statement);
    }
    document_close(&doc);
    return document_end(&doc, DOCUMENT_BATCH_MAX, &command, err) &&
           mongo_write(batch->db, command, batch->deadline_ms, batch->arena, &reply, err);
}

/* Once more by itself: the first time somebody may have been quicker, or null was in the way. */
static bool send_again(struct mongodb_batch *batch, struct mongodb_item *item, struct err *err)
{
    struct chunk one = {.items = {item}, .count = 1, .bytes = item->statement.len};
    const struct json_value *reply = NULL;
    struct err why = {0};
    size_t at = 0;
    size_t index = 0;
    if (item->adds && !clear_nulls(batch, item, err)) {
        return false;
    }
    if (send_command(batch, &one, &reply, &why)) {
        if (!mongo_item_error(batch->db, reply, &at, &index, &why)) {
            item->open = false;
            item->written = true;
            return true;
        }
    } else if (!mongodb_batch_blames_data(batch, &why)) {
        *err = why;
        return false;
    }
    if (why.kind == ERR_REJECT) {
        (void)err_prefix(&why, "collection %s: ", item->target->name);
    }
    mongodb_item_settle(batch, item, why.kind == ERR_REJECT ? VERDICT_REJECT : VERDICT_RETRY, &why);
    return true;
}

/* ---- All of them ---- */

static bool fits(const struct chunk *chunk, const struct mongodb_item *item)
{
    return chunk->count == 0 ||
           (chunk->count < COMMAND_ITEMS && chunk->bytes + item->statement.len < COMMAND_BYTES &&
            chunk->items[0]->target == item->target &&
            chunk->items[0]->parcel->removed == item->parcel->removed);
}

bool mongodb_batch_late(struct mongodb_batch *batch)
{
    batch->late = batch->late || connector_stopping(batch->connector) ||
                  clock_mono_ms(batch->connector->env.clock) >= batch->deadline_ms;
    return batch->late;
}

typedef bool chunk_work(struct mongodb_batch *batch, struct chunk *chunk, struct err *err);

/* Work on what is open, and with `doubtful` only on what is that, in chunks of one command. */
static bool in_chunks(struct mongodb_batch *batch, bool doubtful, chunk_work *work, struct err *err)
{
    struct chunk chunk = {0};
    for (size_t i = 0; i <= batch->count; i++) {
        struct mongodb_item *item = i < batch->count ? &batch->items[i] : NULL;
        bool wanted = item != NULL && item->open && item->doubtful == doubtful &&
                      item->parcel->kind != RECORD_QUESTION;
        if (chunk.count > 0 && (item == NULL || (wanted && !fits(&chunk, item)))) {
            if (mongodb_batch_late(batch)) {
                return true;
            }
            if (!work(batch, &chunk, err)) {
                return false;
            }
            chunk.count = 0;
            chunk.bytes = 0;
        }
        if (wanted) {
            chunk.items[chunk.count++] = item;
            chunk.bytes += item->statement.len;
        }
    }
    return true;
}

static bool send_everything(struct mongodb_batch *batch, struct err *err)
{
    if (!in_chunks(batch, false, send_chunk, err) || !in_chunks(batch, true, look_into, err)) {
        return false;
    }
    for (size_t i = 0; i < batch->count && !mongodb_batch_late(batch); i++) {
        struct mongodb_item *item = &batch->items[i];
        if (item->open && item->doubtful && !send_again(batch, item, err)) {
            return false;
        }
    }
    return true;
}

/*
 * A server that goes away, or is too slow, in the middle: what is done is done, so that a large
 * batch gets on even when it never fits into its time as a whole. What is in doubt comes again.
 */
bool mongodb_batch_send(struct mongodb_batch *batch, struct err *err)
{
    struct err why = {0};
    if (send_everything(batch, &why)) {
        return true;
    }
    for (size_t i = 0; i < batch->count && why.kind == ERR_RETRY; i++) {
        if (!batch->items[i].open) {
            batch->late = true;
            return true;
        }
    }
    *err = why;
    return false;
}
