#include "sink/mongodb_ledger.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/encode.h"
#include "db/document.h"
#include "text/json.h"

enum { COMMAND_ROOM = 4096, ASK_MAX = 2048 };

static struct str id_of(const struct mongodb_entry *entry)
{
    return (struct str){entry->id, MONGODB_ID_SIZE};
}

void mongodb_grave_id(const struct parcel *parcel, char out[MONGODB_ID_SIZE])
{
    char value[DIGEST_SIZE_MAX];
    struct digest digest;
    const struct str parts[] = {STR("removed"), parcel->effect.pipeline, parcel->target,
                                parcel->entity};
    digest_init(&digest, DIGEST_SHA256);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        digest_add(&digest, parts[i]);
        digest_add(&digest, STR("\n"));
    }
    memcpy(out, digest_value(&digest, value).ptr, MONGODB_ID_SIZE);
}

/* ---- Looking ---- */

static bool filter_of(const struct mongodb_ledger *ledger, const struct mongodb_entry *entries,
                      size_t count, struct str *filter, struct err *err)
{
    struct buf buf;
    struct document doc;
    buf_init(&buf, ledger->arena, COMMAND_ROOM);
    document_begin(&doc, &buf);
    document_object(&doc, STR("_id"));
    document_array(&doc, STR("$in"));
    for (size_t i = 0; i < count; i++) {
        document_binary(&doc, (struct str){0}, id_of(&entries[i]));
    }
    document_close(&doc);
    document_close(&doc);
    return document_end(&doc, DOCUMENT_BATCH_MAX, filter, err);
}

/* One document of the ledger belongs to every entry with its id. */
static bool take_found(const struct mongodb_ledger *ledger, const struct json_value *found,
                       struct mongodb_entry *entries, size_t count, struct err *err)
{
    struct str id = {0};
    struct str text = json_str(json_find(found, STR("_id/$binary/base64")));
    if (!encode_from_base64(ledger->arena, text, &id, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal(id, id_of(&entries[i]))) {
            entries[i].known = true;
            entries[i].sequence = json_str(json_get(found, STR("seq")));
            entries[i].answer = json_str(json_get(found, STR("answer")));
        }
    }
    return true;
}

static bool find_some(const struct mongodb_ledger *ledger, struct mongodb_entry *entries,
                      size_t count, struct err *err)
{
    const struct json_limits limits = {.allow_duplicate_keys = true, .innocent = true};
    struct str filter = {0};
    struct str text = {0};
    const struct json_value *found = NULL;
    bool ok =
        filter_of(ledger, entries, count, &filter, err) &&
        mongo_query(ledger->db, ledger->name, filter, (struct str){0}, ledger->deadline_ms, err);
    while (ok) {
        ok = mongo_next(ledger->db, ledger->arena, &text, err) &&
             (text.ptr == NULL || json_parse(ledger->arena, text, &limits, &found, err));
        if (!ok || text.ptr == NULL) {
            break;
        }
        ok = take_found(ledger, found, entries, count, err);
    }
    mongo_end(ledger->db);
    return ok;
}

bool mongodb_ledger_find(const struct mongodb_ledger *ledger, struct mongodb_entry *entries,
                         size_t count, struct err *err)
{
    for (size_t at = 0; at < count; at += ASK_MAX) {
        if (!find_some(ledger, entries + at, count - at < ASK_MAX ? count - at : ASK_MAX, err)) {
            return false;
        }
    }
    return true;
}

bool mongodb_ledger_has_graves(const struct mongodb_ledger *ledger, bool *has, struct err *err)
{
    struct buf buf;
    struct document doc;
    struct str filter = {0};
    struct str text = {0};
    buf_init(&buf, ledger->arena, COMMAND_ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, STR("_id"), STR("removed"));
    bool ok =
        document_end(&doc, DOCUMENT_BATCH_MAX, &filter, err) &&
        mongo_query(ledger->db, ledger->name, filter, (struct str){0}, ledger->deadline_ms, err) &&
        mongo_next(ledger->db, ledger->arena, &text, err);
    mongo_end(ledger->db);
    *has = text.ptr != NULL;
    return ok;
}

/* ---- Telling ---- */

static void begin_command(const struct mongodb_ledger *ledger, struct buf *buf,
                          struct document *doc, struct str verb, struct str list)
{
    buf_init(buf, ledger->arena, COMMAND_ROOM);
    document_begin(doc, buf);
    document_str(doc, verb, ledger->name);
    document_bool(doc, STR("ordered"), false);
    document_array(doc, list);
}

/* Send it; duplicate keys are no failure, and any other one is of all. */
static bool send(const struct mongodb_ledger *ledger, struct document *doc, struct err *err)
{
    struct str command = {0};
    const struct json_value *reply = NULL;
    size_t at = 0;
    size_t item = 0;
    struct err why = {0};
    document_close(doc);
    if (!document_end(doc, DOCUMENT_BATCH_MAX, &command, err) ||
        !mongo_write(ledger->db, command, ledger->deadline_ms, ledger->arena, &reply, err)) {
        return false;
    }
    while (mongo_item_error(ledger->db, reply, &at, &item, &why)) {
        if (mongo_item_code(reply, at) != MONGO_DUPLICATE) {
            *err = why;
            err->kind = err->kind == ERR_REJECT ? ERR_RETRY : err->kind;
            return err_prefix(err, "the ledger %.*s: ", STR_ARG(ledger->name));
        }
    }
    return true;
}

static bool add_some(const struct mongodb_ledger *ledger, const struct mongodb_entry *entries,
                     size_t count, struct err *err)
{
    struct buf buf;
    struct document doc;
    begin_command(ledger, &buf, &doc, STR("insert"), STR("documents"));
    for (size_t i = 0; i < count; i++) {
        char effect[EFFECT_TEXT_MAX];
        document_object(&doc, (struct str){0});
        document_binary(&doc, STR("_id"), id_of(&entries[i]));
        document_str(&doc, STR("effect"), effect_text(&entries[i].parcel->effect, effect));
        document_time(&doc, STR("at"), ledger->now_ms);
        document_close(&doc);
    }
    return send(ledger, &doc, err);
}

bool mongodb_ledger_add(const struct mongodb_ledger *ledger, const struct mongodb_entry *entries,
                        size_t count, struct err *err)
{
    for (size_t at = 0; at < count; at += ASK_MAX) {
        if (!add_some(ledger, entries + at, count - at < ASK_MAX ? count - at : ASK_MAX, err)) {
            return false;
        }
    }
    return true;
}

bool mongodb_ledger_answer(const struct mongodb_ledger *ledger, const struct mongodb_entry *entry,
                           struct err *err)
{
    struct buf buf;
    struct document doc;
    begin_command(ledger, &buf, &doc, STR("update"), STR("updates"));
    document_object(&doc, (struct str){0});
    document_object(&doc, STR("q"));
    document_binary(&doc, STR("_id"), id_of(entry));
    document_close(&doc);
    document_object(&doc, STR("u"));
    document_object(&doc, STR("$set"));
    document_str(&doc, STR("answer"), entry->answer);
    document_close(&doc);
    document_close(&doc);
    document_close(&doc);
    return send(ledger, &doc, err);
}

/* The note that something was removed at all; first, so that nobody misses what follows. */
static bool mark_graves(const struct mongodb_ledger *ledger, struct err *err)
{
    struct buf buf;
    struct document doc;
    begin_command(ledger, &buf, &doc, STR("insert"), STR("documents"));
    document_object(&doc, (struct str){0});
    document_str(&doc, STR("_id"), STR("removed"));
    document_close(&doc);
    return send(ledger, &doc, err);
}

bool mongodb_ledger_bury(const struct mongodb_ledger *ledger, const struct mongodb_entry *entries,
                         size_t count, struct err *err)
{
    struct buf buf;
    struct document doc;
    if (!mark_graves(ledger, err)) {
        return false;
    }
    begin_command(ledger, &buf, &doc, STR("update"), STR("updates"));
    for (size_t i = 0; i < count; i++) {
        document_object(&doc, (struct str){0});
        document_object(&doc, STR("q"));
        document_binary(&doc, STR("_id"), id_of(&entries[i]));
        document_close(&doc);
        document_object(&doc, STR("u"));
        document_object(&doc, STR("$max"));
        document_str(&doc, STR("seq"), entries[i].sequence);
        document_close(&doc);
        document_close(&doc);
        document_bool(&doc, STR("upsert"), true);
        document_close(&doc);
    }
    return send(ledger, &doc, err);
}
