#include "cli/cases.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/nearest.h"
#include "engine/worker.h"
#include "model/row.h"
#include "store/archive.h"
#include "store/outbox.h"
#include "store/reference.h"
#include "text/datetime.h"
#include "text/yaml.h"

enum {
    FILE_BYTES_MAX = 4 * 1024 * 1024,
    ARENA_BYTES = 256 * 1024 * 1024,
    RECORDS_MAX = 10000,
    ROWS_MAX = 10000,
    STEPS_MAX_RUNS = 10000,
    TEXT_MAX = 1024,
};

/* 2026-01-05 10:00 in Jerusalem: when nothing says when. */
#define FIRST_MS INT64_C(1767600000000)

struct emitted {
    struct record record;
    int64_t message;
    int64_t partition;
    int32_t nth;
    bool answered;
};

struct paper {
    struct str target;
    struct str entity;
    struct row row;
};

/* One case at work. */
struct one {
    struct rules_watch watch; /* First. */
    struct clock clock;       /* Second: the clock's functions find `now_ms` behind it. */
    int64_t now_ms;
    struct cases *cases;
    const struct plan *plan;
    const struct plan_pipeline *pipeline;
    const struct zone *zone;
    struct arena *arena;
    struct str source;
    struct str chat;
    struct str name;
    struct store *store;
    struct worker *worker;
    struct rng rng;
    struct emitted *emitted;
    size_t emitted_count;
    size_t settled_count;
    int64_t refused;
    int64_t refused_settled;
    struct paper *papers;
    size_t paper_count;
    int64_t number; /* Of messages without an id. */
    bool failed;
};

static struct one *one_of(struct clock *clock)
{
    return (struct one *)(void *)((char *)clock - offsetof(struct one, clock));
}

static int64_t one_now(struct clock *clock)
{
    return one_of(clock)->now_ms;
}

static void one_sleep(struct clock *clock, int64_t mono_ms)
{
    (void)clock;
    (void)mono_ms;
}

__attribute__((format(printf, 4, 5))) static bool complain(struct cases *cases,
                                                           const struct yaml_node *node,
                                                           struct str name, const char *format, ...)
{
    char text[TEXT_MAX];
    char where[YAML_WHERE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct str place = yaml_where(node, where);
    if (cases->json != NULL) {
        json_object_begin(cases->json);
        json_field_str(cases->json, STR("place"), place);
        json_field_str(cases->json, STR("case"), name);
        json_field_str(cases->json, STR("text"), str_of(text));
        json_object_end(cases->json);
    } else {
        (void)printf("%.*s: %.*s%s%s\n", STR_ARG(place), STR_ARG(name), name.len > 0 ? ": " : "",
                     text);
    }
    return false;
}

/* The file itself is wrong. */
#define WRONG(one, node, ...)                                                                      \
    ((one)->cases->broken = true, complain((one)->cases, node, (one)->name, __VA_ARGS__))

static bool check_keys(struct cases *cases, const struct yaml_node *map, struct str name,
                       const char *const *keys)
{
    size_t at = 0;
    const struct yaml_node *key = NULL;
    const struct yaml_node *value = NULL;
    if (yaml_kind(map) != YAML_MAP) {
        cases->broken = true;
        return complain(cases, map, name, "keys with values are expected, and this is %s",
                        yaml_kind_words(yaml_kind(map)));
    }
    while (yaml_next(map, &at, &key, &value)) {
        struct nearest nearest;
        bool known = false;
        nearest_begin(&nearest, yaml_text(key));
        for (size_t i = 0; keys[i] != NULL; i++) {
            known = known || str_equal(yaml_text(key), str_of(keys[i]));
            nearest_try(&nearest, str_of(keys[i]));
        }
        if (!known) {
            cases->broken = true;
            return complain(cases, key, name, "unknown key '%.*s'%s", STR_ARG(yaml_text(key)),
                            nearest_hint(&nearest));
        }
    }
    return true;
}

static void put_yaml(struct json_writer *json, const struct yaml_node *node)
{
    bool truth = false;
    int64_t integer = 0;
    double real = 0;
    size_t at = 0;
    const struct yaml_node *key = NULL;
    const struct yaml_node *value = NULL;
    switch (yaml_kind(node)) {
    case YAML_ABSENT:
    case YAML_NULL:
        json_put_null(json);
        return;
    case YAML_BOOL:
        (void)yaml_bool(node, &truth);
        json_put_bool(json, truth);
        return;
    case YAML_INT:
        (void)yaml_int(node, &integer);
        json_put_int(json, integer);
        return;
    case YAML_DOUBLE:
        (void)yaml_double(node, &real);
        json_put_double(json, real);
        return;
    case YAML_TEXT:
        json_put_str(json, yaml_text(node));
        return;
    case YAML_LIST:
        json_array_begin(json);
        while (yaml_next(node, &at, &key, &value)) {
            put_yaml(json, value);
        }
        json_array_end(json);
        return;
    case YAML_MAP:
        json_object_begin(json);
        while (yaml_next(node, &at, &key, &value)) {
            json_key(json, yaml_text(key));
            put_yaml(json, value);
        }
        json_object_end(json);
        return;
    }
}

/* A value of the file as JSON. */
static struct str json_of(struct arena *arena, const struct yaml_node *node)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 64);
    json_writer_init(&json, &buf);
    put_yaml(&json, node);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool read_time(struct str text, const struct zone *zone, int64_t *ms)
{
    struct stamp stamp = {0};
    struct zone_local local = {0};
    struct err ignored = {0};
    if (!datetime_parse_iso(text, &stamp, &ignored)) {
        return false;
    }
    if (datetime_stamp_ms(&stamp, ms)) {
        return true;
    }
    (void)zone_local_to_utc(zone, &stamp.civil, &local);
    *ms = local.first_ms;
    return true;
}

static bool take_time(struct one *one, const struct yaml_node *node)
{
    int64_t ms = 0;
    if (node == NULL) {
        one->now_ms += DATETIME_MINUTE_MS;
        return true;
    }
    if (!read_time(yaml_text(node), one->zone, &ms)) {
        return WRONG(one, node, "'%.*s' is no time; write it as 2026-01-05 10:00",
                     STR_ARG(yaml_text(node)));
    }
    if (ms < one->now_ms && one->number > 0) {
        return WRONG(one, node, "it is earlier than the message before it; put them in order");
    }
    one->now_ms = ms;
    return true;
}

/* ---- What the pipeline does. ---- */

static bool on_emitted(struct rules_watch *watch, const struct message *message,
                       const struct record *record, int32_t nth, struct err *err)
{
    struct one *one = (struct one *)watch;
    if (one->emitted_count == RECORDS_MAX) {
        return err_set(err, ERR_REJECT, "a case may cause %d records at most", RECORDS_MAX);
    }
    struct emitted *emitted = &one->emitted[one->emitted_count++];
    *emitted = (struct emitted){
        .record = *record, .message = message->id, .partition = message->partition, .nth = nth};
    emitted->record.sink = arena_copy(one->arena, record->sink);
    emitted->record.target =
        arena_copy(one->arena, record->target.ptr != NULL ? record->target : STR(""));
    emitted->record.entity = arena_copy(one->arena, record->entity);
    emitted->record.body =
        arena_copy(one->arena, record->body.ptr != NULL ? record->body : STR("{}"));
    return emitted->record.body.ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

static bool on_refused(struct rules_watch *watch, const struct message *message, const char *why,
                       struct err *err)
{
    struct one *one = (struct one *)watch;
    (void)message;
    (void)why;
    (void)err;
    one->refused++;
    return true;
}

static void on_settled(struct rules_watch *watch, bool done)
{
    struct one *one = (struct one *)watch;
    one->settled_count = done ? one->emitted_count : one->settled_count;
    one->refused_settled = done ? one->refused : one->refused_settled;
    one->emitted_count = one->settled_count;
    one->refused = one->refused_settled;
}

static bool work(struct one *one, const struct yaml_node *node)
{
    struct err err = {0};
    for (int runs = 0; runs < STEPS_MAX_RUNS; runs++) {
        if (!worker_run(one->worker, &err) || one->worker->failures > 0) {
            return WRONG(one, node, "the pipeline failed: %s", err.text);
        }
        if (!one->worker->busy) {
            return true;
        }
    }
    return WRONG(one, node, "the pipeline does not come to an end");
}

static bool file_message(struct one *one, struct message *message, const struct yaml_node *node)
{
    struct err err = {0};
    struct intake_counts counts;
    message->sent_ms = one->now_ms;
    bool ok = store_begin(one->store, NULL, &err) &&
              store_archive_put(one->store, one->arena, message, 1, &counts, &err) &&
              store_commit(one->store, &err);
    store_rollback(one->store);
    if (!ok) {
        return WRONG(one, node, "%s", err.text);
    }
    if (message->id == 0) {
        return WRONG(one, node, "it says just what was said before under this id");
    }
    one->number++;
    return work(one, node);
}

static bool file_references(struct one *one, const struct yaml_node *tables)
{
    size_t at = 0;
    const struct yaml_node *name = NULL;
    const struct yaml_node *rows = NULL;
    while (yaml_next(tables, &at, &name, &rows)) {
        struct err err = {0};
        struct snapshot snapshot = {.name = yaml_text(name)};
        int64_t id = 0;
        size_t row = 0;
        const struct yaml_node *key = NULL;
        const struct yaml_node *body = NULL;
        struct snapshot_row *list = arena_array(one->arena, yaml_count(rows) + 1, sizeof *list);
        while (list != NULL && yaml_next(rows, &row, &key, &body)) {
            struct str text =
                yaml_kind(body) == YAML_TEXT ? yaml_text(body) : json_of(one->arena, body);
            list[snapshot.count++] = (struct snapshot_row){yaml_text(key), text};
        }
        snapshot.rows = list;
        bool ok = list != NULL && store_begin(one->store, NULL, &err) &&
                  store_reference_put(one->store, one->arena, &snapshot, &id, &err) &&
                  store_commit(one->store, &err);
        store_rollback(one->store);
        if (!ok) {
            return WRONG(one, rows, "%s", err.text);
        }
    }
    return true;
}

static struct str text_or(const struct yaml_node *node, struct str fallback)
{
    return node != NULL ? yaml_text(node) : fallback;
}

/* What only some sources know of a message. */
static bool take_more(struct one *one, const struct yaml_node *node, struct message *message)
{
    const struct yaml_node *direction = yaml_get(node, STR("direction"));
    const struct yaml_node *attachments = yaml_get(node, STR("attachments"));
    const struct yaml_node *extra = yaml_get(node, STR("extra"));
    struct str words = yaml_text(direction);
    if (direction != NULL && !str_equal(words, STR("in")) && !str_equal(words, STR("out")) &&
        !str_equal(words, STR("unknown"))) {
        return WRONG(one, direction, "a direction is in, out or unknown");
    }
    if (attachments != NULL && yaml_kind(attachments) != YAML_LIST) {
        return WRONG(one, attachments, "a list is expected: [{sha256: …, name: …, type: …}]");
    }
    if (extra != NULL && yaml_kind(extra) != YAML_MAP) {
        return WRONG(one, extra, "keys with values are expected");
    }
    if (direction != NULL) {
        message->direction = str_equal(words, STR("in"))    ? MESSAGE_INCOMING
                             : str_equal(words, STR("out")) ? MESSAGE_OUTGOING
                                                            : MESSAGE_DIRECTION_UNKNOWN;
    }
    if (attachments != NULL) {
        message->attachments = json_of(one->arena, attachments);
    }
    if (extra != NULL) {
        message->extra = json_of(one->arena, extra);
    }
    return true;
}

static bool say(struct one *one, const struct yaml_node *node)
{
    const struct yaml_node *edit = yaml_get(node, STR("edit"));
    const struct yaml_node *gone = yaml_get(node, STR("delete"));
    const struct yaml_node *text = yaml_get(node, STR("text"));
    struct str id = text_or(edit != NULL   ? edit
                            : gone != NULL ? gone
                                           : yaml_get(node, STR("id")),
                            arena_printf(one->arena, "message-%" PRId64, one->number + 1));
    struct message old = {0};
    struct err err = {0};
    struct message message = {
        .kind = MESSAGE_CHAT,
        .direction = MESSAGE_INCOMING,
        .source = text_or(yaml_get(node, STR("source")), one->source),
        .chat = text_or(yaml_get(node, STR("chat")), one->chat),
        .external_id = id,
        .sender = text_or(yaml_get(node, STR("from")), STR("Dana")),
        .text = text_or(text, STR("")),
        .deleted = gone != NULL,
    };
    if (!take_time(one, yaml_get(node, STR("at")))) {
        return false;
    }
    if (text == NULL && gone == NULL) {
        return WRONG(one, node, "a message needs a text");
    }
    if (edit == NULL && gone == NULL) {
        return take_more(one, node, &message) && file_message(one, &message, node);
    }
    if (!store_archive_find(one->store, one->arena, message.source, message.chat, id, &old, &err)) {
        return WRONG(one, node, "%s", err.text);
    }
    if (old.id == 0) {
        return WRONG(one, edit != NULL ? edit : gone, "no message before it has the id '%.*s'",
                     STR_ARG(id));
    }
    message.sender = text_or(yaml_get(node, STR("from")), old.sender);
    message.text = gone != NULL && text == NULL ? old.text : message.text;
    message.direction = old.direction;
    message.attachments = old.attachments;
    message.extra = old.extra;
    return take_more(one, node, &message) && file_message(one, &message, node);
}

static bool tick(struct one *one, const struct yaml_node *node, const struct yaml_node *at)
{
    struct message message = {
        .kind = MESSAGE_TICK,
        .source = text_or(yaml_get(node, STR("source")), one->source),
        .chat = text_or(yaml_get(node, STR("chat")), one->chat),
        .external_id = arena_printf(one->arena, "tick-%" PRId64, one->number + 1),
    };
    return take_time(one, at) && file_message(one, &message, node);
}

/* The last record about an entity that was not replied to. */
static struct emitted *find_open(struct one *one, struct str entity, struct str sink, bool question)
{
    for (size_t i = one->settled_count; i > 0; i--) {
        struct emitted *emitted = &one->emitted[i - 1];
        bool fits = question ? emitted->record.kind == RECORD_QUESTION : emitted->record.receipt;
        if (fits && !emitted->answered && str_equal(emitted->record.entity, entity) &&
            (sink.ptr == NULL || str_equal(emitted->record.sink, sink))) {
            return emitted;
        }
    }
    return NULL;
}

static bool reply(struct one *one, const struct yaml_node *node, const struct yaml_node *about,
                  bool answer)
{
    char id[EFFECT_TEXT_MAX];
    char words[RECORD_WORDS_SIZE];
    const struct yaml_node *text = yaml_get(node, STR("text"));
    struct emitted *asked = find_open(
        one, yaml_text(about), text_or(yaml_get(node, STR("sink")), (struct str){0}), answer);
    if (asked == NULL) {
        return WRONG(one, about,
                     answer ? "nothing was asked about '%.*s'"
                            : "nothing that asks for a receipt was sent to '%.*s'",
                     STR_ARG(yaml_text(about)));
    }
    if (!take_time(one, yaml_get(node, STR("at")))) {
        return false;
    }
    asked->answered = true;
    struct effect effect = {.pipeline = one->pipeline->name,
                            .generation = store_birth_s(one->store),
                            .message = asked->message,
                            .nth = asked->nth};
    store_record_words(asked->record.target, asked->record.entity, asked->record.body, words);
    struct message message = {
        .kind = answer ? MESSAGE_ANSWER : MESSAGE_RECEIPT,
        .partition = asked->partition,
        .about = asked->message,
        .source = arena_printf(one->arena, "%s/%.*s", answer ? "answers" : "receipts",
                               STR_ARG(asked->record.sink)),
        .chat = one->pipeline->name,
        .external_id = arena_copy(one->arena, effect_text(&effect, id)),
        .sender = asked->record.target,
        .text = text == NULL                   ? STR("")
                : yaml_kind(text) == YAML_TEXT ? yaml_text(text)
                                               : json_of(one->arena, text),
        .extra = arena_printf(one->arena, "{\"entity\":\"%.*s\",\"asked\":\"%s\"}",
                              STR_ARG(asked->record.entity), words),
    };
    return file_message(one, &message, node);
}

static bool play(struct one *one, const struct yaml_node *node)
{
    static const char *const keys[] = {"text",   "from",   "at",      "id",        "edit",
                                       "delete", "tick",   "chat",    "reference", "answer",
                                       "sink",   "source", "receipt", "direction", "attachments",
                                       "extra",  NULL};
    if (!check_keys(one->cases, node, one->name, keys)) {
        return false;
    }
    const struct yaml_node *at = yaml_get(node, STR("tick"));
    const struct yaml_node *reference = yaml_get(node, STR("reference"));
    const struct yaml_node *answer = yaml_get(node, STR("answer"));
    const struct yaml_node *receipt = yaml_get(node, STR("receipt"));
    if (at != NULL) {
        return tick(one, node, at);
    }
    if (reference != NULL) {
        return take_time(one, yaml_get(node, STR("at"))) && file_references(one, reference) &&
               work(one, node);
    }
    if (answer != NULL || receipt != NULL) {
        return reply(one, node, answer != NULL ? answer : receipt, answer != NULL);
    }
    return say(one, node);
}

/* ---- What came of it. ---- */

static struct paper *paper_of(struct one *one, struct str target, struct str entity, bool make)
{
    for (size_t i = 0; i < one->paper_count; i++) {
        if (str_equal(one->papers[i].target, target) && str_equal(one->papers[i].entity, entity)) {
            return &one->papers[i];
        }
    }
    if (!make || one->paper_count == ROWS_MAX) {
        return NULL;
    }
    struct paper *paper = &one->papers[one->paper_count++];
    *paper = (struct paper){.target = target, .entity = entity};
    row_init(&paper->row, one->arena);
    return paper;
}

static bool give_rows(struct one *one, const struct yaml_node *tables)
{
    size_t at = 0;
    const struct yaml_node *table = NULL;
    const struct yaml_node *rows = NULL;
    while (yaml_next(tables, &at, &table, &rows)) {
        size_t row = 0;
        const struct yaml_node *key = NULL;
        const struct yaml_node *columns = NULL;
        while (yaml_next(rows, &row, &key, &columns)) {
            struct err err = {0};
            struct paper *paper = paper_of(one, yaml_text(table), yaml_text(key), true);
            if (paper == NULL || !row_read(&paper->row, json_of(one->arena, columns), &err)) {
                return WRONG(one, columns, "the columns of a row are expected: {name: value}");
            }
        }
    }
    return true;
}

static bool write_papers(struct one *one, const struct yaml_node *node)
{
    for (size_t i = 0; i < one->settled_count; i++) {
        const struct record *record = &one->emitted[i].record;
        struct err err = {0};
        if (record->kind == RECORD_QUESTION) {
            continue;
        }
        struct paper *paper = paper_of(one, record->target, record->entity, true);
        if (paper == NULL || !row_apply(&paper->row, record->body, &err)) {
            return WRONG(one, node, "a record of %.*s %.*s has a body without columns",
                         STR_ARG(record->target), STR_ARG(record->entity));
        }
    }
    return true;
}

/* "2026-01-05 10:00" of the case is the moment that a column holds in UTC. */
static bool same_moment(const struct one *one, struct str want, struct str found)
{
    int64_t a = 0;
    int64_t b = 0;
    struct err ignored = {0};
    return datetime_parse_iso_ms(found, &b, &ignored) && read_time(want, one->zone, &a) && a == b;
}

static bool is_as_expected(struct one *one, const struct yaml_node *want, struct str found)
{
    struct str plain = row_show(one->arena, found);
    const struct yaml_node *part = yaml_get(want, STR("contains"));
    if (yaml_kind(want) == YAML_MAP && part != NULL) {
        return found.ptr != NULL && str_find(plain, yaml_text(part), 0) != STR_NONE;
    }
    if (row_same(one->arena, json_of(one->arena, want), found)) {
        return true;
    }
    /* Digits in quotes or with a leading zero are a text here and there. */
    return yaml_text(want).ptr != NULL && found.ptr != NULL &&
           (str_equal(yaml_text(want), plain) || same_moment(one, yaml_text(want), plain));
}

static void check_columns(struct one *one, const struct paper *paper,
                          const struct yaml_node *columns)
{
    size_t at = 0;
    const struct yaml_node *name = NULL;
    const struct yaml_node *want = NULL;
    while (yaml_next(columns, &at, &name, &want)) {
        struct str found = row_value(&paper->row, yaml_text(name));
        if (is_as_expected(one, want, found)) {
            continue;
        }
        const struct yaml_node *part = yaml_get(want, STR("contains"));
        struct str expected = part != NULL ? yaml_text(part)
                              : yaml_kind(want) == YAML_NULL
                                  ? STR("nothing")
                                  : row_show(one->arena, json_of(one->arena, want));
        one->failed = true;
        (void)complain(one->cases, name, one->name,
                       "%.*s %.*s: %.*s\n    expected%s: %.*s\n    found: %.*s",
                       STR_ARG(paper->target), STR_ARG(paper->entity), STR_ARG(yaml_text(name)),
                       part != NULL ? " to contain" : "", STR_ARG(expected),
                       STR_ARG(found.ptr != NULL ? row_show(one->arena, found)
                                                 : STR("(no such column was written)")));
    }
}

static void check_expected(struct one *one, const struct yaml_node *tables)
{
    size_t at = 0;
    const struct yaml_node *table = NULL;
    const struct yaml_node *rows = NULL;
    while (yaml_next(tables, &at, &table, &rows)) {
        size_t row = 0;
        const struct yaml_node *key = NULL;
        const struct yaml_node *columns = NULL;
        while (yaml_next(rows, &row, &key, &columns)) {
            const struct paper *paper = paper_of(one, yaml_text(table), yaml_text(key), false);
            if (paper != NULL && paper->row.there) {
                check_columns(one, paper, columns);
                continue;
            }
            struct nearest nearest;
            nearest_begin(&nearest, yaml_text(key));
            for (size_t i = 0; i < one->paper_count; i++) {
                nearest_try(&nearest, one->papers[i].entity);
            }
            one->failed = true;
            (void)complain(one->cases, key, one->name, "%.*s %.*s: expected a row, found none%s",
                           STR_ARG(yaml_text(table)), STR_ARG(yaml_text(key)),
                           nearest_hint(&nearest));
        }
    }
}

/* {table: [key, …]}, or {table: } for no row at all. */
static void check_none(struct one *one, const struct yaml_node *tables)
{
    size_t at = 0;
    const struct yaml_node *table = NULL;
    const struct yaml_node *keys = NULL;
    while (yaml_next(tables, &at, &table, &keys)) {
        size_t row = 0;
        const struct yaml_node *unused = NULL;
        const struct yaml_node *key = NULL;
        for (size_t i = 0; yaml_kind(keys) == YAML_NULL && i < one->paper_count; i++) {
            if (str_equal(one->papers[i].target, yaml_text(table))) {
                one->failed = true;
                (void)complain(one->cases, table, one->name, "%.*s: expected no row, found %.*s",
                               STR_ARG(yaml_text(table)), STR_ARG(one->papers[i].entity));
            }
        }
        while (yaml_kind(keys) == YAML_LIST && yaml_next(keys, &row, &unused, &key)) {
            if (paper_of(one, yaml_text(table), yaml_text(key), false) != NULL) {
                one->failed = true;
                (void)complain(one->cases, key, one->name, "%.*s %.*s: expected no row, found one",
                               STR_ARG(yaml_text(table)), STR_ARG(yaml_text(key)));
            }
        }
    }
}

static int64_t count_asked(const struct one *one, struct str sink, struct str entity)
{
    int64_t count = 0;
    for (size_t i = 0; i < one->settled_count; i++) {
        const struct record *record = &one->emitted[i].record;
        count += record->kind == RECORD_QUESTION && str_equal(record->sink, sink) &&
                 (entity.ptr == NULL || str_equal(record->entity, entity));
    }
    return count;
}

static void check_asked(struct one *one, const struct yaml_node *sinks)
{
    size_t at = 0;
    const struct yaml_node *sink = NULL;
    const struct yaml_node *keys = NULL;
    while (yaml_next(sinks, &at, &sink, &keys)) {
        size_t row = 0;
        const struct yaml_node *unused = NULL;
        const struct yaml_node *key = NULL;
        int64_t all = count_asked(one, yaml_text(sink), (struct str){0});
        if (all != (int64_t)yaml_count(keys)) {
            one->failed = true;
            (void)complain(one->cases, sink, one->name,
                           "%.*s: expected %zu questions, found %" PRId64, STR_ARG(yaml_text(sink)),
                           yaml_count(keys), all);
        }
        while (yaml_next(keys, &row, &unused, &key)) {
            if (count_asked(one, yaml_text(sink), yaml_text(key)) == 0) {
                one->failed = true;
                (void)complain(one->cases, key, one->name,
                               "%.*s: expected a question about %.*s, found none",
                               STR_ARG(yaml_text(sink)), STR_ARG(yaml_text(key)));
            }
        }
    }
}

static bool check_all(struct one *one, const struct yaml_node *node)
{
    int64_t refused = 0;
    const struct yaml_node *want = yaml_get(node, STR("expect-refused"));
    if (!write_papers(one, node)) {
        return false;
    }
    if (want != NULL && !yaml_int(want, &refused)) {
        return WRONG(one, want, "expect-refused: how many messages, a whole number");
    }
    check_expected(one, yaml_get(node, STR("expect")));
    check_none(one, yaml_get(node, STR("expect-none")));
    check_asked(one, yaml_get(node, STR("expect-asked")));
    if (refused != one->refused_settled) {
        one->failed = true;
        (void)complain(one->cases, want != NULL ? want : node, one->name,
                       "expected %" PRId64 " refused messages, found %" PRId64, refused,
                       one->refused_settled);
    }
    return true;
}

/* ---- One case, one file. ---- */

static bool seat(struct one *one, const struct yaml_node *node)
{
    struct err err = {0};
    struct store_options options = {.path = STR(":memory:"), .clock = &one->clock, .seed = 1};
    one->emitted = arena_array(one->arena, RECORDS_MAX, sizeof *one->emitted);
    one->papers = arena_array(one->arena, ROWS_MAX, sizeof *one->papers);
    one->worker = mem_alloc(sizeof *one->worker);
    if (one->emitted == NULL || one->papers == NULL || one->worker == NULL ||
        !store_open(&one->store, &options, &err)) {
        return WRONG(one, node, "%s", err.kind != ERR_NONE ? err.text : "out of memory");
    }
    rng_seed(&one->rng, 1);
    struct worker *worker = one->worker;
    worker->type = &worker_pipeline;
    worker->plan = one->plan;
    worker->pipeline = one->pipeline;
    worker->store = one->store;
    worker->clock = &one->clock;
    worker->rng = &one->rng;
    worker->owner = STR("case");
    worker->shadowed = true;
    worker->rules.watch = &one->watch;
    (void)snprintf(worker->name, sizeof worker->name, "case/%.*s", STR_ARG(one->pipeline->name));
    arena_init(&worker->arena, WORKER_ARENA_LIMIT);
    arena_init(&worker->open_arena, WORKER_ARENA_LIMIT);
    return true;
}

static bool play_all(struct one *one, const struct yaml_node *node)
{
    size_t at = 0;
    const struct yaml_node *unused = NULL;
    const struct yaml_node *entry = NULL;
    const struct yaml_node *messages = yaml_get(node, STR("messages"));
    if (!give_rows(one, yaml_get(node, STR("rows"))) ||
        !file_references(one, yaml_get(node, STR("references")))) {
        return false;
    }
    while (yaml_next(messages, &at, &unused, &entry)) {
        if (!play(one, entry)) {
            return false;
        }
    }
    return check_all(one, node);
}

static void run_case(struct one *one, const struct yaml_node *node)
{
    static const char *const keys[] = {"case",         "rows",           "references",
                                       "messages",     "expect",         "expect-none",
                                       "expect-asked", "expect-refused", NULL};
    one->cases->count++;
    one->name = text_or(yaml_get(node, STR("case")), STR(""));
    one->watch = (struct rules_watch){on_emitted, on_refused, on_settled};
    one->clock = (struct clock){one_now, one_now, one_sleep};
    one->now_ms = FIRST_MS - DATETIME_MINUTE_MS;
    bool ok = check_keys(one->cases, node, one->name, keys);
    if (ok && one->name.len == 0) {
        ok = WRONG(one, node, "a case needs a name: add `case: what it shows`");
    }
    ok = ok && seat(one, node) && play_all(one, node);
    if (one->worker != NULL) {
        if (one->store != NULL) {
            worker_close(one->worker);
        }
        mem_free(one->worker);
    }
    store_close(one->store);
    one->cases->failed += !ok || one->failed;
}

static const struct plan_pipeline *find_pipeline(struct cases *cases, const struct plan *plan,
                                                 const struct yaml_node *root)
{
    const struct yaml_node *node = yaml_get(root, STR("pipeline"));
    struct nearest nearest;
    if (node == NULL && plan->pipeline_count == 1) {
        return &plan->pipelines[0];
    }
    nearest_begin(&nearest, yaml_text(node));
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (str_equal(plan->pipelines[i].name, yaml_text(node))) {
            return &plan->pipelines[i];
        }
        nearest_try(&nearest, plan->pipelines[i].name);
    }
    cases->broken = true;
    (void)complain(cases, node != NULL ? node : root, STR(""),
                   node != NULL ? "the configuration has no pipeline '%.*s'%s"
                                : "which pipeline? add `pipeline: NAME`%.*s%s",
                   STR_ARG(yaml_text(node)), node != NULL ? nearest_hint(&nearest) : "");
    return NULL;
}

/* `config:` stands beside the file of the cases. */
static bool load_config(struct cases *cases, struct arena *arena, const struct yaml_node *root,
                        struct str path, struct config *config)
{
    struct cli cli = *cases->cli;
    const struct yaml_node *node = yaml_get(root, STR("config"));
    if (node != NULL) {
        size_t folder = 0;
        for (size_t i = 0; i < path.len; i++) {
            folder = path.ptr[i] == '/' ? i + 1 : folder;
        }
        cli.config_path =
            arena_printf(arena, "%.*s%.*s", (int)folder, path.ptr, STR_ARG(yaml_text(node)));
    }
    return cli_config_load(&cli, config) == CLI_OK;
}

static bool choose_zone(struct cases *cases, const struct yaml_node *root, const struct zone **zone)
{
    const struct yaml_node *node = yaml_get(root, STR("zone"));
    struct err err = {0};
    *zone = cases->zone;
    if (node != NULL && !zone_parse(yaml_text(node), zone, &err)) {
        cases->broken = true;
        return complain(cases, node, STR(""), "%s", err.text);
    }
    return true;
}

static void run_cases(struct cases *cases, const struct config *config,
                      const struct yaml_node *root)
{
    size_t at = 0;
    const struct yaml_node *unused = NULL;
    const struct yaml_node *node = NULL;
    const struct zone *zone = NULL;
    const struct plan_pipeline *pipeline = find_pipeline(cases, &config->plan, root);
    const struct yaml_node *list = yaml_get(root, STR("cases"));
    if (pipeline == NULL || !choose_zone(cases, root, &zone)) {
        return;
    }
    if (yaml_kind(list) != YAML_LIST || yaml_count(list) == 0) {
        cases->broken = true;
        (void)complain(cases, root, STR(""), "there are no cases: a list `cases:` is expected");
        return;
    }
    while (yaml_next(list, &at, &unused, &node)) {
        static struct one one; /* Large. */
        struct arena arena;
        bool heard = pipeline->chat_count > 0;
        arena_init(&arena, ARENA_BYTES);
        one = (struct one){.cases = cases,
                           .plan = &config->plan,
                           .pipeline = pipeline,
                           .zone = zone,
                           .arena = &arena};
        one.source = text_or(yaml_get(root, STR("source")),
                             heard ? pipeline->chats[0].source : STR("cases"));
        one.chat = text_or(yaml_get(root, STR("chat")), heard ? pipeline->chats[0].chat : STR(""));
        one.chat = one.chat.len > 0 ? one.chat : STR("lobby");
        run_case(&one, node);
        arena_free(&arena);
    }
}

void cases_run_file(struct cases *cases, struct str path)
{
    static const char *const keys[] = {"config", "pipeline", "source", "chat",
                                       "zone",   "cases",    NULL};
    struct arena arena;
    struct err err = {0};
    struct str bytes = {0};
    struct config config = {0};
    const struct yaml_node *root = NULL;
    arena_init(&arena, ARENA_BYTES);
    if (!file_read(&arena, path, FILE_BYTES_MAX, &bytes, &err) ||
        !yaml_parse(&arena, path, bytes, NULL, &root, &err)) {
        cli_say("%s", err.text);
        cases->broken = true;
    } else if (check_keys(cases, root, STR(""), keys)) {
        if (load_config(cases, &arena, root, path, &config)) {
            run_cases(cases, &config, root);
        } else {
            cases->broken = true;
        }
        config_free(&config);
    }
    arena_free(&arena);
}
