#include "sink/mongodb.h"

#include "base/must.h"
#include "db/mongo.h"
#include "sink/body.h"
#include "sink/mongodb_backup.h"
#include "sink/mongodb_batch.h"
#include "sink/mongodb_claim.h"
#include "sink/mongodb_index.h"
#include "sink/mongodb_ledger.h"
#include "sink/mongodb_read.h"
#include "sink/mongodb_statement.h"
#include "text/json_merge.h"
#include "text/jsonschema.h"

enum {
    NEW_ROOM = 512,
    TARGETS_MAX = 128,
    SCRATCH_BYTES_MAX = 256 * 1024 * 1024,
    CHECK_EVERY_MS = 60 * 1000, /* Somebody may drop an index. */
    MIGRATE_MS = 10 * 60 * 1000,
    DUMP_MS = 60 * 60 * 1000,
};

struct mongodb_sink {
    struct sink sink; /* First. */

    /* Options. */
    struct secret uri;
    struct secret password;
    struct str database;
    struct str root;
    bool allow_insecure;
    int64_t timeout_ms;
    struct str ledger;
    struct str_map indexes;
    struct str_map schema;
    struct str_map collections;

    /* From open to close. */
    struct target *renamed; /* Targets as their collections are called. */
    struct mongo *db;
    struct arena scratch;
    struct body body;            /* Of the parcel at hand. */
    struct jsonschema **schemas; /* One for each entry of `schema`. */
    int64_t checked_ms;          /* When the indexes were looked at; 0: not yet. */
    bool graves;                 /* Something was removed from here once. */
};

static struct mongodb_sink *self_of(struct connector *connector)
{
    return (struct mongodb_sink *)(void *)connector; /* The connector is its first member. */
}

static bool explain(const struct mongodb_sink *self, struct err *err)
{
    return err_prefix(err, "sink %.*s: ", STR_ARG(self->sink.connector.name));
}

/* ---- Targets ---- */

static size_t target_count(const struct mongodb_sink *self)
{
    const struct target *const *targets = self->sink.connector.env.targets;
    size_t count = 0;
    while (targets != NULL && targets[count] != NULL && count <= TARGETS_MAX) {
        count++;
    }
    return count;
}

/* As its collection is called. */
static const struct target *target_at(const struct mongodb_sink *self, size_t i)
{
    return self->renamed != NULL ? &self->renamed[i] : self->sink.connector.env.targets[i];
}

static bool rename_targets(struct mongodb_sink *self, struct err *err)
{
    struct arena *arena = self->sink.connector.env.arena;
    size_t count = target_count(self);
    struct target *list = arena_array(arena, count + 1, sizeof *list);
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        list[i] = *self->sink.connector.env.targets[i];
        for (size_t j = 0; j < self->collections.count; j++) {
            if (str_equal(self->collections.items[j].name, str_of(list[i].name))) {
                list[i].name = arena_copy(arena, self->collections.items[j].text).ptr;
                break;
            }
        }
        ok = list[i].name != NULL;
    }
    self->renamed = ok ? list : NULL;
    return ok || err_set(err, ERR_RETRY, "out of memory");
}

static const struct target *target_find(const struct mongodb_sink *self, struct str name,
                                        struct err *err)
{
    size_t count = target_count(self);
    for (size_t i = 0; i < count; i++) {
        struct str declared = str_of(self->sink.connector.env.targets[i]->name);
        if (str_equal(declared, name) || (name.len == 0 && count == 1)) {
            return target_at(self, i);
        }
    }
    (void)err_set(err, ERR_REJECT, "no pipeline declares a collection '%.*s' for this sink",
                  STR_ARG(str_slice(name, 0, BODY_NAME_SHOWN)));
    return NULL;
}

static bool check_column(const struct target *target, const char *name, struct err *err)
{
    struct str column = str_of(name);
    if (!document_key_is_plain(column)) {
        return err_set(err, ERR_CONFIG,
                       "collection %s: '%s' cannot be a field's name: it is empty, begins with $, "
                       "or has a dot in it",
                       target->name, name);
    }
    return (!str_equal(column, STR("_id")) && !str_equal(column, STR("_sluice"))) ||
           err_set(err, ERR_CONFIG,
                   "collection %s: the field '%s' is not ours to write; name another one",
                   target->name, name);
}

static bool check_target(const struct mongodb_sink *self, const struct target *target,
                         struct err *err)
{
    if (!mongo_name_check(str_of(target->name), false, err)) {
        return false;
    }
    if (str_equal(str_of(target->name), self->ledger)) {
        return err_set(err, ERR_CONFIG,
                       "the collection %s is the ledger; name another one with `ledger`",
                       target->name);
    }
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (!check_column(target, column->name, err)) {
            return false;
        }
    }
    return check_column(target, target->key, err);
}

static bool check_targets(const struct mongodb_sink *self, struct err *err)
{
    size_t count = target_count(self);
    if (count > TARGETS_MAX) {
        return err_set(err, ERR_CONFIG, "more than %d collections", TARGETS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_target(self, target_at(self, i), err)) {
            return false;
        }
    }
    return true;
}

/* ---- Life ---- */

static void check_schemas(const struct mongodb_sink *self, struct report *report)
{
    for (size_t i = 0; i < self->schema.count; i++) {
        struct jsonschema *schema = NULL;
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, SCRATCH_BYTES_MAX);
        if (!jsonschema_open(&schema, &arena, self->schema.items[i].text, &err)) {
            (void)err_prefix(&err, "%.*s: ", STR_ARG(self->schema.items[i].name));
            report_err(report, "schema", &err);
        }
        jsonschema_close(schema);
        arena_free(&arena);
    }
}

static void sink_check_options(const struct connector *connector, struct report *report)
{
    const struct mongodb_sink *self = (const struct mongodb_sink *)(const void *)connector;
    struct err err = {0};
    if (!mongo_name_check(self->ledger, false, &err)) {
        report_err(report, "ledger", &err);
    }
    if (self->database.len > 0 && !mongo_name_check(self->database, true, &err)) {
        report_err(report, "database", &err);
    }
    for (size_t i = 0; i < self->indexes.count; i++) {
        struct mongodb_indexes read = {0};
        err = (struct err){0};
        if (!mongodb_index_read(self->indexes.items[i].text, &read, &err)) {
            (void)err_prefix(&err, "%.*s: ", STR_ARG(self->indexes.items[i].name));
            report_err(report, "indexes", &err);
        }
    }
    check_schemas(self, report);
}

static void close_schemas(struct mongodb_sink *self)
{
    for (size_t i = 0; self->schemas != NULL && i < self->schema.count; i++) {
        jsonschema_close(self->schemas[i]);
    }
    self->schemas = NULL;
}

static bool open_schemas(struct mongodb_sink *self, struct err *err)
{
    struct arena *arena = self->sink.connector.env.arena;
    self->schemas = arena_array(arena, self->schema.count + 1, sizeof(struct jsonschema *));
    if (self->schemas == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a schema");
    }
    for (size_t i = 0; i < self->schema.count; i++) {
        if (!jsonschema_open(&self->schemas[i], arena, self->schema.items[i].text, err)) {
            return err_prefix(err, "%.*s: ", STR_ARG(self->schema.items[i].name));
        }
    }
    return true;
}

static bool sink_open(struct connector *connector, struct err *err)
{
    struct mongodb_sink *self = self_of(connector);
    struct mongo_options options = {
        .uri = secret_reveal(&self->uri),
        .password = secret_reveal(&self->password),
        .root = self->root,
        .database = self->database,
        .allow_insecure = self->allow_insecure,
        .clock = connector->env.clock,
        .stopping = connector->env.stopping,
        .stopping_context = connector->env.stopping_context,
    };
    self->db = NULL;
    self->checked_ms = 0;
    arena_init(&self->scratch, SCRATCH_BYTES_MAX);
    self->renamed = NULL;
    bool ok = rename_targets(self, err) && check_targets(self, err) && open_schemas(self, err) &&
              mongo_open(&self->db, &options, err);
    if (!ok) {
        close_schemas(self);
    }
    return ok || explain(self, err);
}

static void sink_close(struct connector *connector)
{
    struct mongodb_sink *self = self_of(connector);
    mongo_close(self->db);
    self->db = NULL;
    self->renamed = NULL;
    close_schemas(self);
    arena_free(&self->scratch);
}

static void sink_rest(struct connector *connector)
{
    arena_free(&self_of(connector)->scratch);
}

/* ---- Before anything is sent ---- */

/* What the body makes of a new document, as JSON. */
static bool new_document(struct mongodb_sink *self, const struct target *target, struct str entity,
                         struct str *out, struct err *err)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &self->scratch, NEW_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        const struct body_field *field = body_find(&self->body, column->name, BODY_ON_NEW);
        bool key = str_equal_ascii_case(str_of(column->name), str_of(target->key));
        if (!key && field == NULL && column->initial == NULL) {
            continue;
        }
        json_key(&json, str_of(column->name));
        if (key) {
            json_put_str(&json, entity);
        } else if (field == NULL) {
            json_put_raw(&json, str_of(column->initial));
        } else if (field->group == BODY_PUSH) {
            json_array_begin(&json);
            body_put(&json, column->type, field);
            json_array_end(&json);
        } else if (field->group == BODY_MERGE) {
            const struct json_value *more = NULL;
            if (!json_parse(&self->scratch, field->text, NULL, &more, err) ||
                !json_put_merged(&json, NULL, more, err)) {
                return false;
            }
        } else {
            body_put(&json, column->type, field);
        }
    }
    json_object_end(&json);
    json_writer_done(&json);
    *out = buf_str(&buf);
    return out->ptr != NULL || err_set(err, ERR_RETRY, "out of memory for a schema");
}

static bool fits_as_new(struct mongodb_sink *self, const struct jsonschema *schema,
                        const struct target *target, struct str entity, struct err *err)
{
    const struct json_limits limits = {.innocent = true};
    const struct json_value *value = NULL;
    struct str text = {0};
    return new_document(self, target, entity, &text, err) &&
           json_parse(&self->scratch, text, &limits, &value, err) &&
           jsonschema_check(schema, value, err);
}

/* What the body writes only into documents that are there, column by column. */
static bool fits_as_update(struct mongodb_sink *self, const struct jsonschema *schema,
                           struct err *err)
{
    for (size_t i = 0; i < self->body.count; i++) {
        const struct json_limits limits = {.innocent = true};
        const struct body_field *field = &self->body.fields[i];
        const struct column *column = field->column;
        const struct json_value *value = NULL;
        struct buf buf;
        struct json_writer json;
        if (field->group != BODY_UPDATE) {
            continue;
        }
        buf_init(&buf, &self->scratch, NEW_ROOM);
        json_writer_init(&json, &buf);
        body_put(&json, column->type, field);
        json_writer_done(&json);
        if (!json_parse(&self->scratch, buf_str(&buf), &limits, &value, err) ||
            !jsonschema_check_property(schema, str_of(column->name), value, err)) {
            return false;
        }
    }
    return true;
}

static bool fits_schema(struct mongodb_sink *self, const struct target *target, struct str entity,
                        struct err *err)
{
    for (size_t i = 0; i < self->schema.count; i++) {
        if (str_equal(self->schema.items[i].name, str_of(target->name)) &&
            (!fits_as_new(self, self->schemas[i], target, entity, err) ||
             !fits_as_update(self, self->schemas[i], err))) {
            return false;
        }
    }
    return true;
}

static bool make_claim(struct mongodb_sink *self, const struct target *target,
                       const struct parcel *parcel, const struct mongodb_mark *mark,
                       struct buf *out, struct err *err)
{
    struct str command = {0};
    if (!mongodb_claim_make(target, parcel, mark, &self->body, &self->scratch, &command, err)) {
        return false;
    }
    buf_add(out, command);
    return true;
}

/* The statement of a parcel, behind what `out` holds; asks nobody. */
static bool make_statement(struct mongodb_sink *self, const struct target *target,
                           const struct parcel *parcel, const struct mongodb_mark *mark,
                           struct buf *out, struct err *err)
{
    if (parcel->entity.len == 0 || parcel->entity.len > RECORD_ENTITY_MAX) {
        return err_set(err, ERR_REJECT, "the key is empty or longer than %d bytes",
                       RECORD_ENTITY_MAX);
    }
    if (parcel->kind == RECORD_QUESTION) {
        return make_claim(self, target, parcel, mark, out, err);
    }
    if (parcel->removed) {
        return mongodb_removal_make(target, parcel, mark, out, err);
    }
    return body_read(parcel->body, &self->scratch, &self->body, err) &&
           body_suits_kind(&self->body, parcel->kind, err) &&
           body_check(target, parcel->entity, &self->body, err) &&
           fits_schema(self, target, parcel->entity, err) &&
           mongodb_statement_make(target, parcel, mark, &self->body, &self->scratch, out, err);
}

static bool has_added(const struct body *body)
{
    for (size_t i = 0; i < body->count; i++) {
        if (body->fields[i].group == BODY_INC || body->fields[i].group == BODY_PUSH) {
            return true;
        }
    }
    return false;
}

static bool prepare_item(struct mongodb_sink *self, struct mongodb_batch *batch,
                         struct parcel *parcel, struct buf *statements, struct err *err)
{
    struct mongodb_item *item = &batch->items[batch->count];
    size_t from = statements->len;
    *item = (struct mongodb_item){.parcel = parcel};
    item->target = target_find(self, parcel->target, err);
    if (item->target == NULL) {
        return false;
    }
    mongodb_mark_make(parcel, &item->mark);
    if (!make_statement(self, item->target, parcel, &item->mark, statements, err)) {
        statements->len = from;
        return err_prefix(err, "collection %s: ", item->target->name);
    }
    item->statement.len = statements->len - from;
    item->adds = parcel->kind == RECORD_EFFECT && has_added(&self->body);
    item->open = true;
    batch->count++;
    return true;
}

/* The statements stand one behind the other, as they are sent: each item finds its own. */
static bool hand_out(struct mongodb_batch *batch, struct buf *statements, struct err *err)
{
    const char *at = statements->ptr;
    if (!buf_ok(statements)) {
        return err_set(err, ERR_RETRY, "out of memory for a batch");
    }
    for (size_t i = 0; i < batch->count; i++) {
        batch->items[i].statement.ptr = at;
        at += batch->items[i].statement.len;
    }
    return true;
}

static size_t bytes_of(const struct parcel *parcels, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += parcels[i].body.len + parcels[i].entity.len;
    }
    return bytes;
}

/* Items for all parcels that can be sent; the others are refused. */
static bool prepare(struct mongodb_sink *self, struct mongodb_batch *batch, struct parcel *parcels,
                    size_t count, struct err *err)
{
    struct buf statements;
    batch->items = arena_array(batch->arena, count, sizeof *batch->items);
    if (batch->items == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a batch");
    }
    buf_init(&statements, batch->arena, bytes_of(parcels, count));
    struct err why = {0};
    for (size_t i = 0; i < count; i++) {
        arena_reset(&self->scratch);
        if (prepare_item(self, batch, &parcels[i], &statements, &why)) {
            continue;
        }
        if (why.kind != ERR_REJECT) {
            *err = why;
            return false;
        }
        parcels[i].verdict = VERDICT_REJECT;
        parcels[i].why = arena_copy(batch->arena, str_of(why.text));
        why = (struct err){0};
    }
    return hand_out(batch, &statements, err);
}

static bool check_index(struct mongodb_sink *self, const struct target *target, struct arena *arena,
                        int64_t deadline_ms, struct err *err)
{
    bool ready = false;
    return mongodb_index_ready(self->db, target, arena, deadline_ms, &ready, err) &&
           (ready ||
            err_set(err, ERR_CONFIG,
                    "collection %s has no unique index on its key %s, which keeps a record "
                    "from being written twice; run sluice migrate",
                    target->name, target->key));
}

/* Are the collections fit to be written into? Asked from time to time. */
static bool ready(struct mongodb_sink *self, struct mongodb_batch *batch,
                  const struct mongodb_ledger *ledger, struct err *err)
{
    int64_t now_ms = clock_mono_ms(self->sink.connector.env.clock);
    if (self->checked_ms > 0 && now_ms - self->checked_ms < CHECK_EVERY_MS) {
        return true;
    }
    for (size_t i = 0; i < target_count(self); i++) {
        if (!check_index(self, target_at(self, i), batch->arena, batch->deadline_ms, err)) {
            return false;
        }
    }
    if (!mongodb_ledger_has_graves(ledger, &self->graves, err)) {
        return false;
    }
    self->checked_ms = now_ms > 0 ? now_ms : 1;
    return true;
}

/* ---- What was done before ---- */

/* Entries for the items that `wanted` picks, in their order. */
static struct mongodb_entry *entries_of(struct mongodb_batch *batch,
                                        bool (*wanted)(const struct mongodb_item *item),
                                        size_t *count, struct err *err)
{
    struct mongodb_entry *entries = arena_array(batch->arena, batch->count + 1, sizeof *entries);
    *count = 0;
    if (entries == NULL) {
        (void)err_set(err, ERR_RETRY, "out of memory for a batch");
        return NULL;
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct mongodb_item *item = &batch->items[i];
        if (!wanted(item)) {
            continue;
        }
        struct mongodb_entry *entry = &entries[(*count)++];
        entry->parcel = item->parcel;
        if (item->parcel->kind == RECORD_ABSOLUTE) {
            mongodb_grave_id(item->parcel, entry->id);
            entry->sequence = str_of(item->mark.sequence);
        } else {
            for (size_t j = 0; j < MONGODB_ID_SIZE; j++) {
                entry->id[j] = item->mark.id[j];
            }
        }
    }
    return entries;
}

static bool is_effect(const struct mongodb_item *item)
{
    return item->open && item->parcel->kind == RECORD_EFFECT;
}

static bool is_absolute(const struct mongodb_item *item)
{
    return item->open && item->parcel->kind == RECORD_ABSOLUTE;
}

static bool is_removal(const struct mongodb_item *item)
{
    return item->open && item->parcel->removed;
}

static bool is_written_effect(const struct mongodb_item *item)
{
    return item->written && item->parcel->kind == RECORD_EFFECT;
}

/* Effects that stand in the ledger are done. */
static bool skip_known(struct mongodb_batch *batch, const struct mongodb_ledger *ledger,
                       struct err *err)
{
    size_t count = 0;
    struct mongodb_entry *entries = entries_of(batch, is_effect, &count, err);
    if (entries == NULL || !mongodb_ledger_find(ledger, entries, count, err)) {
        return false;
    }
    for (size_t i = 0, at = 0; i < batch->count; i++) {
        struct mongodb_item *item = &batch->items[i];
        if (is_effect(item) && entries[at++].known) {
            mongodb_item_settle(batch, item, VERDICT_DONE, NULL);
        }
    }
    return true;
}

/* What was removed by something newer stays away. */
static bool skip_buried(struct mongodb_batch *batch, const struct mongodb_ledger *ledger,
                        struct err *err)
{
    size_t count = 0;
    struct mongodb_entry *entries = entries_of(batch, is_absolute, &count, err);
    if (entries == NULL || !mongodb_ledger_find(ledger, entries, count, err)) {
        return false;
    }
    for (size_t i = 0, at = 0; i < batch->count; i++) {
        struct mongodb_item *item = &batch->items[i];
        if (!is_absolute(item)) {
            continue;
        }
        const struct mongodb_entry *entry = &entries[at++];
        if (entry->known && str_compare(entry->sequence, str_of(item->mark.sequence)) >= 0 &&
            !item->parcel->removed) {
            mongodb_item_settle(batch, item, VERDICT_DONE, NULL);
        }
    }
    return true;
}

static bool bury(struct mongodb_sink *self, struct mongodb_batch *batch,
                 const struct mongodb_ledger *ledger, struct err *err)
{
    size_t count = 0;
    struct mongodb_entry *entries = entries_of(batch, is_removal, &count, err);
    if (entries == NULL || count == 0) {
        return entries != NULL;
    }
    self->graves = true;
    return mongodb_ledger_bury(ledger, entries, count, err);
}

static bool note_effects(struct mongodb_batch *batch, const struct mongodb_ledger *ledger,
                         struct err *err)
{
    size_t count = 0;
    struct mongodb_entry *entries = entries_of(batch, is_written_effect, &count, err);
    return entries != NULL && mongodb_ledger_add(ledger, entries, count, err);
}

/* ---- A batch ---- */

static bool has_any(const struct mongodb_batch *batch,
                    bool (*wanted)(const struct mongodb_item *item))
{
    for (size_t i = 0; i < batch->count; i++) {
        if (wanted(&batch->items[i])) {
            return true;
        }
    }
    return false;
}

/* Questions one by one: each waits for its answer. */
static bool ask_questions(struct mongodb_batch *batch, const struct mongodb_ledger *ledger,
                          struct err *err)
{
    for (size_t i = 0; i < batch->count && !mongodb_batch_late(batch); i++) {
        struct mongodb_item *item = &batch->items[i];
        if (item->open && item->parcel->kind == RECORD_QUESTION &&
            !mongodb_claim_ask(batch, item, ledger, err)) {
            return false;
        }
    }
    return true;
}

static bool send_all(struct mongodb_sink *self, struct mongodb_batch *batch, struct err *err)
{
    struct mongodb_ledger ledger = {
        .db = self->db,
        .name = self->ledger,
        .arena = batch->arena,
        .deadline_ms = batch->deadline_ms,
        .now_ms = clock_wall_ms(self->sink.connector.env.clock),
    };
    return ready(self, batch, &ledger, err) &&
           (!has_any(batch, is_effect) || skip_known(batch, &ledger, err)) &&
           (!has_any(batch, is_removal) || bury(self, batch, &ledger, err)) &&
           (!self->graves || !has_any(batch, is_absolute) || skip_buried(batch, &ledger, err)) &&
           mongodb_batch_send(batch, err) && ask_questions(batch, &ledger, err) &&
           (!has_any(batch, is_written_effect) || note_effects(batch, &ledger, err));
}

/* Every item has a verdict, or was not tried for lack of time. */
static bool give_verdicts(struct mongodb_batch *batch, size_t refused, struct err *err)
{
    size_t untried = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct mongodb_item *item = &batch->items[i];
        if (item->written) {
            item->parcel->verdict = VERDICT_DONE;
        } else if (item->open) {
            must(batch->late);
            item->parcel->verdict = VERDICT_UNTRIED;
            untried++;
        }
    }
    if (untried > 0 && untried == batch->count && refused == 0) {
        return err_set(err, connector_stopping(batch->connector) ? ERR_STOP : ERR_RETRY,
                       "no time left for a batch");
    }
    return true;
}

static bool write_parcels(struct sink *sink, struct parcel *parcels, size_t count,
                          struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct mongodb_sink *self = (struct mongodb_sink *)(void *)sink;
    int64_t last_ms = clock_mono_ms(sink->connector.env.clock) + self->timeout_ms;
    struct mongodb_batch batch = {
        .db = self->db,
        .arena = arena,
        .connector = &sink->connector,
        .deadline_ms = last_ms < deadline_ms ? last_ms : deadline_ms,
    };
    must(count <= SINK_BATCH_MAX);
    bool ok = prepare(self, &batch, parcels, count, err) &&
              (batch.count == 0 || send_all(self, &batch, err)) &&
              give_verdicts(&batch, count - batch.count, err);
    if (!ok) {
        self->checked_ms = 0; /* Whatever it was: look again. */
    }
    return ok || explain(self, err);
}

/* ---- Looking ---- */

static bool sink_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                       struct err *err)
{
    struct mongodb_sink *self = self_of(connector);
    struct arena scratch;
    size_t count = target_count(self);
    size_t usable = 0;
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    bool ok = mongo_ready(self->db, deadline_ms, err);
    for (size_t i = 0; ok && i < count; i++) {
        bool one = false;
        ok = mongodb_index_ready(self->db, target_at(self, i), &scratch, deadline_ms, &one, err);
        usable += one;
    }
    if (ok) {
        struct str note = mongo_note(self->db);
        *found = arena_printf(connector->env.arena,
                              "%.*s: %zu collections are ready, %zu wait for sluice migrate%s%.*s",
                              STR_ARG(mongo_where(self->db)), usable, count - usable,
                              note.len > 0 ? "; " : "", STR_ARG(note));
    }
    arena_free(&scratch);
    return ok || explain(self, err);
}

/* Rows that stand together and are of one target are asked for together. */
static bool sink_read_back(struct sink *sink, struct held *rows, size_t count, struct arena *arena,
                           int64_t deadline_ms, struct err *err)
{
    struct mongodb_sink *self = (struct mongodb_sink *)(void *)sink;
    for (size_t from = 0, to = 0; from < count; from = to) {
        const struct target *target = target_find(self, rows[from].target, err);
        for (to = from + 1; to < count && str_equal(rows[to].target, rows[from].target); to++) {
        }
        if (target == NULL) {
            err->kind = ERR_CONFIG;
            return explain(self, err);
        }
        if (!mongodb_read_rows(self->db, target, rows + from, to - from, arena, deadline_ms, err)) {
            return explain(self, err);
        }
    }
    return true;
}

static bool sink_dump(struct sink *sink, struct str name, struct arena *arena, sink_row *each,
                      void *context, struct err *err)
{
    struct mongodb_sink *self = (struct mongodb_sink *)(void *)sink;
    const struct target *target = target_find(self, name, err);
    int64_t deadline_ms = clock_mono_ms(sink->connector.env.clock) + DUMP_MS;
    if (target == NULL) {
        err->kind = ERR_CONFIG;
        return explain(self, err);
    }
    return mongodb_read_each(self->db, target, arena, deadline_ms, each, context, err) ||
           explain(self, err);
}

static bool sink_migrate(struct sink *sink, bool dry, struct arena *arena, struct str *done,
                         struct err *err)
{
    struct mongodb_sink *self = (struct mongodb_sink *)(void *)sink;
    int64_t deadline_ms = clock_mono_ms(sink->connector.env.clock) + MIGRATE_MS;
    struct buf report;
    buf_init(&report, arena, 256);
    for (size_t i = 0; i < target_count(self); i++) {
        if (!mongodb_index_migrate(self->db, target_at(self, i), &self->indexes, dry, arena,
                                   deadline_ms, &report, err)) {
            return explain(self, err);
        }
    }
    *done = report.len > 0 ? buf_str(&report) : STR("nothing to do");
    return true;
}

/* What a backup has of it; the ledger first: mongodb_backup.h says why. */
static size_t collections_of(const struct mongodb_sink *self, struct str names[TARGETS_MAX + 1])
{
    size_t count = target_count(self);
    names[0] = self->ledger;
    for (size_t i = 0; i < count; i++) {
        names[i + 1] = str_of(target_at(self, i)->name);
    }
    return count + 1;
}

static bool sink_save(struct sink *sink, const struct sink_saver *saver, struct arena *arena,
                      struct str *how, struct err *err)
{
    struct mongodb_sink *self = (struct mongodb_sink *)(void *)sink;
    struct str names[TARGETS_MAX + 1];
    size_t count = collections_of(self, names);
    int64_t deadline_ms = clock_mono_ms(sink->connector.env.clock) + DUMP_MS;
    return mongodb_backup_save(self->db, names, count, saver, arena, deadline_ms, how, err) ||
           explain(self, err);
}

static bool sink_load(struct sink *sink, const struct sink_loader *loader, enum sink_load how,
                      struct arena *arena, struct str *done, struct err *err)
{
    struct mongodb_sink *self = (struct mongodb_sink *)(void *)sink;
    struct str names[TARGETS_MAX + 1];
    struct str made = {0};
    size_t count = collections_of(self, names);
    int64_t deadline_ms = clock_mono_ms(sink->connector.env.clock) + DUMP_MS;
    if (how == SINK_LOAD_EMPTY &&
        !mongodb_backup_check_empty(self->db, names, count, arena, deadline_ms, err)) {
        return explain(self, err);
    }
    if (how != SINK_LOAD_LOOK && !sink_migrate(sink, false, arena, &made, err)) {
        return false;
    }
    self->checked_ms = 0;
    self->graves = false;
    return mongodb_backup_load(self->db, loader, how, arena, deadline_ms, done, err) ||
           explain(self, err);
}

/* By the declaration alone. */
static bool sink_check(struct sink *sink, const struct parcel *parcel, struct arena *arena,
                       struct err *err)
{
    struct mongodb_sink *self = (struct mongodb_sink *)(void *)sink;
    const struct target *target = target_find(self, parcel->target, err);
    struct mongodb_mark mark;
    struct buf statement;
    if (target == NULL) {
        return false;
    }
    arena_reset(&self->scratch);
    buf_init(&statement, arena, parcel->body.len);
    mongodb_mark_make(parcel, &mark);
    return make_statement(self, target, parcel, &mark, &statement, err) ||
           err_prefix(err, "collection %s: ", target->name);
}

static bool takes_name(struct str target, struct err *err)
{
    return mongo_name_check(target, false, err);
}

static const struct option options[] = {
    OPTION_SECRET(struct mongodb_sink, uri, "uri", OPTION_REQUIRED,
                  "Where it is, as the provider hands it out: mongodb://… or mongodb+srv://…"),
    OPTION_SECRET(struct mongodb_sink, password, "password", NULL,
                  "The password, where it is kept apart from the URI."),
    OPTION_TEXT(struct mongodb_sink, database, "database", NULL,
                "The database; by default the one that the URI names."),
    OPTION_PATH(struct mongodb_sink, root, "authorities", NULL,
                "File of certificate authorities (PEM); the machine's own when left out."),
    OPTION_BOOL(struct mongodb_sink, allow_insecure, "allow_insecure", "false",
                "Allow a public host without TLS, without a check of who answers, or without a "
                "user."),
    OPTION_DURATION(struct mongodb_sink, timeout_ms, "timeout", "20s",
                    "How long one batch may take."),
    OPTION_MAP(struct mongodb_sink, collections, "collections", NULL,
               "Targets, and what their collections are called: {target: collection}; by default "
               "as the target."),
    OPTION_TEXT(struct mongodb_sink, ledger, "ledger", "sluice_effects",
                "The collection that remembers which effects were done."),
    OPTION_MAP(struct mongodb_sink, indexes, "indexes", NULL,
               "Collections, and the indexes that sluice migrate makes in each, such as "
               "\"phone (unique), city -created_at, seen_at (expires 30d)\"."),
    OPTION_MAP(struct mongodb_sink, schema, "schema", NULL,
               "Collections, and the JSON Schema that what a record makes of a new document must "
               "fit."),
    OPTION_END,
};

const struct sink_type sink_mongodb = {
    .connector =
        {
            .kind = "mongodb",
            .summary = "Documents in collections of a MongoDB database; made or adopted.",
            .options = options,
            .size = sizeof(struct mongodb_sink),
            .check = sink_check_options,
            .open = sink_open,
            .probe = sink_probe,
            .rest = sink_rest,
            .close = sink_close,
        },
    .write = write_parcels,
    .read_back = sink_read_back,
    .migrate = sink_migrate,
    .check = sink_check,
    .takes_name = takes_name,
    .removes = true,
    .dump = sink_dump,
    .save = sink_save,
    .load = sink_load,
};
