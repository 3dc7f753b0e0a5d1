#include "sink/mongodb_claim.h"

#include <string.h>

#include "db/document.h"
#include "sink/mongodb_read.h"
#include "text/json.h"

enum { COMMAND_ROOM = 1024, SHOWN = 64 };

/* ---- Making it ---- */

struct claim {
    const struct target *target;
    struct arena *arena;
    struct document *doc;
};

static const struct column *claim_column(const struct claim *claim, struct str name,
                                         struct err *err)
{
    const struct column *column = body_column(claim->target, name);
    if (column == NULL) {
        (void)err_set(err, ERR_REJECT, "the claim: a column '%.*s' is not declared",
                      STR_ARG(str_slice(name, 0, SHOWN)));
    }
    return column;
}

/* A value of the column under a key of ours. */
static bool put_value(struct claim *claim, struct str key, const struct column *column,
                      const struct json_value *value, struct err *err)
{
    struct body_field field = {0};
    return body_value(value, str_of(column->name), claim->arena, &field, err) &&
           body_suits_column(claim->target, column, &field, err) &&
           mongodb_value_put(claim->doc, key, column, &field, claim->arena, err);
}

static bool put_list(struct claim *claim, const struct column *column,
                     const struct json_value *list, struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    if (json_kind(list) != JSON_ARRAY || json_count(list) > MONGODB_CLAIM_LIST_MAX) {
        return err_set(err, ERR_REJECT, "the claim: `in` of column %s is no list of up to %d",
                       column->name, MONGODB_CLAIM_LIST_MAX);
    }
    document_array(claim->doc, STR("$in"));
    json_iter_init(&iter, list);
    while (json_next(&iter, NULL, &one)) {
        if (!put_value(claim, (struct str){0}, column, one, err)) {
            return false;
        }
    }
    document_close(claim->doc);
    return true;
}

static bool put_comparison(struct claim *claim, const struct column *column, struct str word,
                           const struct json_value *value, struct err *err)
{
    static const struct {
        struct str word;
        struct str operator;
    } words[] = {
        {STR_INIT("not"), STR_INIT("$ne")},       {STR_INIT("above"), STR_INIT("$gt")},
        {STR_INIT("at_least"), STR_INIT("$gte")}, {STR_INIT("below"), STR_INIT("$lt")},
        {STR_INIT("at_most"), STR_INIT("$lte")},
    };
    bool there = false;
    if (str_equal(word, STR("in"))) {
        return put_list(claim, column, value, err);
    }
    if (str_equal(word, STR("there")) && json_bool(value, &there)) {
        document_null(claim->doc, there ? STR("$ne") : STR("$eq"));
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_equal(word, words[i].word)) {
            return put_value(claim, words[i].operator, column, value, err);
        }
    }
    return err_set(err, ERR_REJECT,
                   "the claim: '%.*s' of column %s is no comparison; there are not, above, "
                   "at_least, below, at_most, in, and there (true or false)",
                   STR_ARG(str_slice(word, 0, SHOWN)), column->name);
}

static bool put_condition(struct claim *claim, struct str name, const struct json_value *value,
                          struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    struct str word;
    const struct column *column = claim_column(claim, name, err);
    if (column == NULL) {
        return false;
    }
    document_object(claim->doc, str_of(column->name));
    if (json_kind(value) != JSON_OBJECT) {
        if (!put_value(claim, STR("$eq"), column, value, err)) {
            return false;
        }
    } else if (json_count(value) == 0) {
        return err_set(err, ERR_REJECT, "the claim: column %s has no comparison", column->name);
    }
    json_iter_init(&iter, json_kind(value) == JSON_OBJECT ? value : NULL);
    while (json_next(&iter, &word, &one)) {
        if (!put_comparison(claim, column, word, one, err)) {
            return false;
        }
    }
    document_close(claim->doc);
    return true;
}

static bool put_where(struct claim *claim, const struct json_value *where,
                      const struct mongodb_mark *mark, struct err *err)
{
    char path[MONGODB_PATH_MAX];
    struct json_iter iter;
    const struct json_value *one = NULL;
    struct str name;
    if (json_kind(where) != JSON_OBJECT || json_count(where) == 0) {
        return err_set(err, ERR_REJECT, "the claim: `where` is no object with conditions");
    }
    document_object(claim->doc, STR("query"));
    json_iter_init(&iter, where);
    while (json_next(&iter, &name, &one)) {
        if (!put_condition(claim, name, one, err)) {
            return false;
        }
    }
    document_object(claim->doc, mongodb_path(mark, true, path));
    document_binary(claim->doc, STR("$ne"), mongodb_mark_id(mark));
    document_close(claim->doc);
    document_close(claim->doc);
    return true;
}

static bool put_sort(struct claim *claim, const struct json_value *sort, struct err *err)
{
    struct json_iter iter;
    const struct json_value *one = NULL;
    if (json_kind(sort) == JSON_ABSENT) {
        return true;
    }
    if (json_kind(sort) != JSON_ARRAY || json_count(sort) == 0) {
        return err_set(err, ERR_REJECT, "the claim: `sort` is no list of columns");
    }
    document_object(claim->doc, STR("sort"));
    json_iter_init(&iter, sort);
    while (json_next(&iter, NULL, &one)) {
        struct str name = json_str(one);
        bool down = str_starts(name, STR("-"));
        const struct column *column =
            claim_column(claim, down ? str_slice(name, 1, name.len) : name, err);
        if (column == NULL) {
            return false;
        }
        document_int(claim->doc, str_of(column->name), down ? -1 : 1);
    }
    document_close(claim->doc);
    return true;
}

/* What it sets, adds and pushes, as a body is read; anything else in it is a mistake. */
static bool read_groups(struct claim *claim, const struct json_value *root, struct body *body,
                        struct err *err)
{
    struct buf buf;
    struct json_writer json;
    struct json_iter iter;
    const struct json_value *one = NULL;
    struct str name;
    buf_init(&buf, claim->arena, COMMAND_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_iter_init(&iter, root);
    while (json_next(&iter, &name, &one)) {
        if (str_equal(name, STR("where")) || str_equal(name, STR("sort"))) {
            continue;
        }
        if (!str_equal(name, STR("set")) && !str_equal(name, STR("inc")) &&
            !str_equal(name, STR("push"))) {
            return err_set(err, ERR_REJECT,
                           "the claim: '%.*s' is not one of where, sort, set, inc, push",
                           STR_ARG(str_slice(name, 0, SHOWN)));
        }
        json_key(&json, name);
        json_put_value(&json, one);
    }
    json_object_end(&json);
    json_writer_done(&json);
    struct str text = buf_str(&buf);
    if (text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a claim");
    }
    if (!body_read(text, claim->arena, body, err)) {
        return err_prefix(err, "the claim: ");
    }
    for (size_t i = 0; i < body->count; i++) {
        if (str_equal_ascii_case(body->fields[i].name, str_of(claim->target->key))) {
            return err_set(err, ERR_REJECT, "the claim: column %s is the key, and stays as it is",
                           claim->target->key);
        }
    }
    return body->count > 0 ? body_check(claim->target, STR(""), body, err)
                           : err_set(err, ERR_REJECT, "the claim: it changes nothing");
}

static bool find_claim(struct str text, struct arena *arena, const struct json_value **claim,
                       struct err *err)
{
    const struct json_limits limits = {.innocent = true};
    const struct json_value *root = NULL;
    if (!json_parse(arena, text, &limits, &root, err)) {
        return err_prefix(err, "the question: ");
    }
    *claim = json_get(root, STR("claim"));
    return (json_kind(*claim) == JSON_OBJECT && json_count(root) == 1) ||
           err_set(err, ERR_REJECT, "the question is not {\"claim\": {…}}");
}

bool mongodb_claim_make(const struct target *target, const struct parcel *parcel,
                        const struct mongodb_mark *mark, struct body *body, struct arena *arena,
                        struct str *command, struct err *err)
{
    struct buf buf;
    struct document doc;
    const struct json_value *root = NULL;
    struct claim claim = {.target = target, .arena = arena, .doc = &doc};
    buf_init(&buf, arena, COMMAND_ROOM);
    document_begin(&doc, &buf);
    document_str(&doc, STR("findAndModify"), str_of(target->name));
    if (!find_claim(parcel->body, arena, &root, err) || !read_groups(&claim, root, body, err) ||
        !put_where(&claim, json_get(root, STR("where")), mark, err) ||
        !put_sort(&claim, json_get(root, STR("sort")), err) ||
        !mongodb_update_put(&doc, target, mark, body, arena, err)) {
        return false;
    }
    document_bool(&doc, STR("new"), true);
    return document_end(&doc, DOCUMENT_BYTES_MAX, command, err);
}

/* ---- Asking ---- */

/* {"found": …}, with the document as a row. */
static bool answer_of(const struct mongodb_item *item, const struct json_value *document,
                      struct arena *arena, struct str *answer, struct err *err)
{
    struct str key = {0};
    struct str row = {0};
    if (json_kind(document) != JSON_OBJECT) {
        *answer = STR("{\"found\":false}");
        return true;
    }
    if (!mongodb_row_make(item->target, document, arena, &key, &row, err)) {
        return false;
    }
    *answer = arena_printf(arena, "{\"found\":true,\"document\":%.*s}", STR_ARG(row));
    return answer->ptr != NULL || err_set(err, ERR_RETRY, "out of memory for an answer");
}

/* The document that bears the question's mark, when it was asked before and not answered. */
static bool find_marked(struct mongodb_batch *batch, const struct mongodb_item *item,
                        const struct json_value **document, struct err *err)
{
    const struct json_limits limits = {.allow_duplicate_keys = true, .innocent = true};
    char path[MONGODB_PATH_MAX];
    struct buf buf;
    struct document doc;
    struct str filter = {0};
    struct str text = {0};
    buf_init(&buf, batch->arena, COMMAND_ROOM);
    document_begin(&doc, &buf);
    document_binary(&doc, mongodb_path(&item->mark, true, path), mongodb_mark_id(&item->mark));
    *document = NULL;
    bool ok = document_end(&doc, DOCUMENT_BATCH_MAX, &filter, err) &&
              mongo_query(batch->db, str_of(item->target->name), filter, (struct str){0},
                          batch->deadline_ms, err) &&
              mongo_next(batch->db, batch->arena, &text, err) &&
              (text.ptr == NULL || json_parse(batch->arena, text, &limits, document, err));
    mongo_end(batch->db);
    return ok;
}

static bool take_one(struct mongodb_batch *batch, struct mongodb_item *item,
                     const struct json_value **document, struct err *err)
{
    const struct json_value *reply = NULL;
    struct err why = {0};
    if (mongo_write(batch->db, item->statement, batch->deadline_ms, batch->arena, &reply, &why)) {
        *document = json_get(reply, STR("value"));
        return true;
    }
    if (!mongodb_batch_blames_data(batch, &why)) {
        *err = why;
        return false;
    }
    mongodb_item_settle(batch, item, why.kind == ERR_REJECT ? VERDICT_REJECT : VERDICT_RETRY, &why);
    return true;
}

bool mongodb_claim_ask(struct mongodb_batch *batch, struct mongodb_item *item,
                       const struct mongodb_ledger *ledger, struct err *err)
{
    struct mongodb_entry entry = {.parcel = item->parcel};
    const struct json_value *document = NULL;
    memcpy(entry.id, item->mark.id, MONGODB_ID_SIZE);
    if (!mongodb_ledger_find(ledger, &entry, 1, err)) {
        return false;
    }
    bool asked_before = entry.known;
    if (entry.answer.ptr == NULL) {
        if (asked_before ? !find_marked(batch, item, &document, err)
                         : !mongodb_ledger_add(ledger, &entry, 1, err)) {
            return false;
        }
        if (document == NULL && !take_one(batch, item, &document, err)) {
            return false;
        }
        if (!item->open) {
            return true;
        }
        if (!answer_of(item, document, batch->arena, &entry.answer, err) ||
            !mongodb_ledger_answer(ledger, &entry, err)) {
            return false;
        }
    }
    item->parcel->answer = entry.answer;
    mongodb_item_settle(batch, item, VERDICT_DONE, NULL);
    return true;
}
