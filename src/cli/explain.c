/*
 * explain: which messages, rule and run made a value, and where it went.
 *
 * Nothing is kept for this: the pipelines work their archive through once more, in a shadow, and
 * whoever emits for the row in question is noted. So it is exact, and it costs a replay.
 */
#include <inttypes.h>

#include "base/log.h"
#include "cli/explain_merge.h"
#include "cli/message_view.h"
#include "cli/peek.h"
#include "cli/runs.h"
#include "config/nearest.h"
#include "domain/student_near.h"
#include "model/row.h"
#include "store/replay.h"
#include "store/run.h"

enum {
    DECISIONS_MAX = 500,
    TEXT_WIDTH = 100,
    NAME_SLACK = 2,
    MASK_ROOM_FACTOR = 12, /* A byte of outside may become an escape. */
    MASK_ROOM_LEAST = 64,
};

/* One record of the row, with the message that caused it. */
struct decision {
    const struct plan_pipeline *pipeline;
    struct message message;
    struct record record;
    int32_t nth;
    int64_t generation;
    struct shadow_trace trace;
    struct merge_change *changes; /* Of objects in lists. */
    size_t change_count;
    bool hidden;                 /* It changed others than --item. */
    struct student_near counted; /* By op `students`: the word that made it count. */
};

struct explain {
    struct rules_watch watch; /* First. */
    struct peek peek;
    struct cli *cli;
    struct str where; /* A pipeline or a table; absent for any. */
    struct str entity;
    const struct plan_pipeline *pipeline; /* At work. */
    int64_t generation;
    struct decision *decisions;
    size_t count;   /* With those of the stretch at hand. */
    size_t settled; /* Of stretches that were done. */
    int64_t beyond; /* More than are kept. */
    struct nearest nearest;
    char best[RECORD_ENTITY_MAX + 1];
    enum show_privacy privacy;
    struct str item; /* --item; absent for all. */
    struct merge_lists lists;
};

static bool copy(struct arena *arena, struct str *text)
{
    if (text->ptr != NULL) {
        *text = arena_copy(arena, *text);
        return text->ptr != NULL;
    }
    return true;
}

static bool keep_decision(struct explain *explain, const struct message *message,
                          const struct record *record, int32_t nth, struct err *err)
{
    struct arena *arena = &explain->peek.arena;
    struct decision *decision = &explain->decisions[explain->count];
    *decision = (struct decision){.pipeline = explain->pipeline,
                                  .message = *message,
                                  .record = *record,
                                  .nth = nth,
                                  .generation = explain->generation};
    struct str *texts[] = {
        &decision->message.source, &decision->message.chat,  &decision->message.external_id,
        &decision->message.sender, &decision->message.text,  &decision->record.sink,
        &decision->record.target,  &decision->record.entity, &decision->record.body,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!copy(arena, texts[i])) {
            return err_set(err, ERR_RETRY, "out of memory");
        }
    }
    explain->count++;
    return true;
}

/* The nearest row, should there be none: only of rows that are as long. */
static void try_name(struct explain *explain, struct str entity)
{
    size_t least = entity.len < explain->entity.len ? entity.len : explain->entity.len;
    size_t most = entity.len < explain->entity.len ? explain->entity.len : entity.len;
    if (most - least > NAME_SLACK || most > NEAREST_LEN_MAX || explain->settled > 0) {
        return;
    }
    size_t before = explain->nearest.best.ptr != NULL ? explain->nearest.distance : SIZE_MAX;
    nearest_try(&explain->nearest, entity);
    if (explain->nearest.best.ptr != NULL && explain->nearest.distance < before) {
        struct str kept = {explain->best, entity.len};
        for (size_t i = 0; i < entity.len; i++) {
            explain->best[i] = entity.ptr[i];
        }
        explain->nearest.best = kept; /* The entity itself is gone with its message. */
    }
}

static bool is_place(const struct explain *explain, const struct record *record)
{
    return explain->where.ptr == NULL || str_equal(explain->where, explain->pipeline->name) ||
           str_equal(explain->where, record->target) || str_equal(explain->where, record->sink);
}

static bool on_emitted(struct rules_watch *watch, const struct message *message,
                       const struct record *record, int32_t nth, struct err *err)
{
    struct explain *explain = (struct explain *)watch;
    if (!is_place(explain, record)) {
        return true;
    }
    if (!str_equal(record->entity, explain->entity)) {
        try_name(explain, record->entity);
        return true;
    }
    if (explain->count == DECISIONS_MAX) {
        explain->beyond++;
        return true;
    }
    return keep_decision(explain, message, record, nth, err);
}

static void on_settled(struct rules_watch *watch, bool done)
{
    struct explain *explain = (struct explain *)watch;
    explain->settled = done ? explain->count : explain->settled;
    explain->count = explain->settled;
}

static bool has_target(const struct plan_pipeline *pipeline, struct str name)
{
    const struct target *const *targets = op_targets(pipeline->op);
    for (; targets != NULL && *targets != NULL; targets++) {
        if (str_equal(str_of((*targets)->name), name)) {
            return true;
        }
    }
    return false;
}

/* Is it a pipeline, a table or a sink? */
static bool is_name(const struct explain *explain, struct str name)
{
    const struct plan *plan = &explain->peek.config.plan;
    bool known = false;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        known = known || str_equal(plan->pipelines[i].name, name) ||
                has_target(&plan->pipelines[i], name);
    }
    for (size_t i = 0; i < plan->sink_count; i++) {
        known = known || str_equal(plan->sinks[i].name, name);
    }
    return known;
}

/* "student_stats/0d9f…" is a table and a record, unless there is no such table. */
static void take_apart(struct explain *explain)
{
    size_t slash = str_find_byte(explain->entity, '/', 0);
    if (explain->where.ptr == NULL && slash != STR_NONE &&
        is_name(explain, str_slice(explain->entity, 0, slash))) {
        explain->where = str_slice(explain->entity, 0, slash);
        explain->entity = str_slice(explain->entity, slash + 1, explain->entity.len);
        nearest_begin(&explain->nearest, explain->entity);
    }
}

/* A name that no pipeline, table or sink has is a slip of the pen. */
static bool is_known(const struct explain *explain)
{
    const struct plan *plan = &explain->peek.config.plan;
    struct nearest nearest;
    bool known = is_name(explain, explain->where);
    nearest_begin(&nearest, explain->where);
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        nearest_try(&nearest, plan->pipelines[i].name);
        const struct target *const *targets = op_targets(plan->pipelines[i].op);
        for (; targets != NULL && *targets != NULL; targets++) {
            nearest_try(&nearest, str_of((*targets)->name));
        }
    }
    if (!known) {
        cli_say("there is no pipeline, table or sink '%.*s'%s", STR_ARG(explain->where),
                nearest_hint(&nearest));
    }
    return known;
}

static bool work(struct explain *explain, struct err *err)
{
    const struct plan *plan = &explain->peek.config.plan;
    bool named = false;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        named = named || str_equal(plan->pipelines[i].name, explain->where);
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        struct shadow_done done;
        explain->pipeline = &plan->pipelines[i];
        if (named && !str_equal(explain->pipeline->name, explain->where)) {
            continue;
        }
        struct shadow_task task = {
            .pipeline = explain->pipeline, .here_only = true, .watch = &explain->watch};
        if (!store_generation_get(explain->peek.store, explain->pipeline->name,
                                  &explain->generation, err) ||
            !shadow_run_pipeline(&explain->peek.place, &task, &done, err)) {
            return false;
        }
        if (done.start.baseline > 0) {
            cli_say("%.*s: messages before %" PRId64 " were removed by `keep`; what they caused "
                    "cannot be explained",
                    STR_ARG(explain->pipeline->name), done.start.baseline + 1);
        }
    }
    for (size_t i = 0; i < explain->count; i++) {
        struct decision *decision = &explain->decisions[i];
        if (!store_shadow_trace(explain->peek.store, &explain->peek.arena, decision->pipeline->name,
                                decision->record.sink, decision->message.id, decision->nth,
                                &decision->trace, err)) {
            return false;
        }
    }
    return true;
}

static bool is_wanted_item(const struct explain *explain, const struct decision *decision)
{
    bool wanted = explain->item.ptr == NULL;
    for (size_t i = 0; i < decision->change_count && !wanted; i++) {
        wanted = str_equal(decision->changes[i].item, explain->item);
    }
    return wanted;
}

/* What each record changed in lists of objects; with --item, records that changed others are not
   shown. */
static bool work_out_changes(struct explain *explain, size_t *shown, struct err *err)
{
    struct arena *arena = &explain->peek.arena;
    struct merge_change *room = arena_array(arena, MERGE_CHANGES_MAX, sizeof *room);
    *shown = 0;
    for (size_t i = 0; room != NULL && i < explain->count; i++) {
        struct decision *decision = &explain->decisions[i];
        struct str place =
            arena_printf(arena, "%.*s/%.*s/%.*s", STR_ARG(decision->pipeline->name),
                         STR_ARG(decision->record.sink), STR_ARG(decision->record.target));
        size_t count = explain_merge(&explain->lists, arena, place, decision->record.body, room);
        decision->changes = arena_array(arena, count + 1, sizeof *decision->changes);
        if (place.ptr == NULL || decision->changes == NULL) {
            room = NULL;
            break;
        }
        for (size_t j = 0; j < count; j++) {
            decision->changes[j] = room[j];
        }
        decision->change_count = count;
        decision->hidden = !is_wanted_item(explain, decision);
        *shown += !decision->hidden;
    }
    return room != NULL || err_set(err, ERR_RETRY, "out of memory");
}

/* The word that made a message count. */
static bool find_words(struct explain *explain, struct err *err)
{
    struct arena *arena = &explain->peek.arena;
    const struct op *of = NULL;
    struct student_near_words *words = NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < explain->count; i++) {
        struct decision *decision = &explain->decisions[i];
        const struct op *op = decision->pipeline->op;
        if (op->type != &op_students || decision->message.kind != MESSAGE_CHAT) {
            continue;
        }
        if (of != op) {
            student_near_close(words);
            of = op;
            ok = student_near_open(&words, (const struct students *)op, arena, err);
        }
        ok = ok &&
             student_near_counts(words, arena, decision->message.text, &decision->counted, err);
    }
    student_near_close(words);
    return ok;
}

static const char *kind_word(enum record_kind kind)
{
    static const char *const words[] = {"absolute", "effect", "question"};
    return words[kind];
}

/* An absolute record that is not the row's last was delivered or overtaken: both end here. */
static const char *fate_word(const struct explain *explain, size_t at)
{
    static const char *const words[] = {"delivered", "waiting", "dead letter"};
    const struct decision *decision = &explain->decisions[at];
    bool last = true;
    for (size_t i = at + 1; i < explain->count; i++) {
        const struct record *other = &explain->decisions[i].record;
        last = last && !(other->kind == RECORD_ABSOLUTE &&
                         str_equal(other->target, decision->record.target));
    }
    bool overtaken = decision->record.kind == RECORD_ABSOLUTE && !last;
    return decision->trace.fate == SHADOW_DELIVERED && overtaken ? "delivered or overtaken"
                                                                 : words[decision->trace.fate];
}

static struct str shown_text(struct explain *explain, const struct message *message)
{
    struct arena *arena = &explain->peek.arena;
    return show_fit(arena, show_text(arena, message->text, explain->privacy), TEXT_WIDTH);
}

/* For programs: whole, and without the marks that keep Hebrew in its place on a screen. */
static struct str plain_text(struct explain *explain, struct str text)
{
    size_t size = text.len * MASK_ROOM_FACTOR + MASK_ROOM_LEAST;
    char *room = NULL;
    if (explain->privacy == SHOW_PEOPLE || text.len == 0) {
        return text.ptr != NULL ? text : STR("");
    }
    room = arena_bytes(&explain->peek.arena, size);
    return room != NULL ? log_mask(text, room, size) : STR("?");
}

static void show_body(struct explain *explain, struct str body)
{
    struct arena *arena = &explain->peek.arena;
    struct buf *out = &explain->peek.out;
    struct row row;
    struct err ignored = {0};
    static const char *const groups[] = {"set", "insert", "update", "append", "inc", "push"};
    const struct json_value *root = NULL;
    if (!json_parse(arena, body, NULL, &root, &ignored) || json_kind(root) != JSON_OBJECT) {
        buf_printf(out, "    %.*s\n", STR_ARG(show_text(arena, body, explain->privacy)));
        return;
    }
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        struct json_iter iter;
        struct str name = {0};
        const struct json_value *value = NULL;
        row_init(&row, arena);
        json_iter_init(&iter, json_get(root, str_of(groups[i])));
        while (json_next(&iter, &name, &value)) {
            struct buf text;
            struct json_writer json;
            buf_init(&text, arena, 64);
            json_writer_init(&json, &text);
            json_put_value(&json, value);
            struct str plain = row_show(arena, buf_str(&text));
            struct str safe =
                show_fit(arena, show_text(arena, plain, explain->privacy), TEXT_WIDTH);
            buf_printf(out, "    %-6s %.*s: %.*s\n", groups[i], STR_ARG(name), STR_ARG(safe));
        }
    }
}

static void show_change(struct explain *explain, const struct merge_change *change)
{
    struct arena *arena = &explain->peek.arena;
    struct str item = show_text(arena, change->item, explain->privacy);
    struct str after = show_text(arena, row_show(arena, change->after), explain->privacy);
    buf_printf(&explain->peek.out, "    merge  %.*s %.*s: %.*s ", STR_ARG(change->column),
               STR_ARG(item), STR_ARG(change->field));
    if (change->before.ptr != NULL) {
        struct str before = show_text(arena, row_show(arena, change->before), explain->privacy);
        buf_printf(&explain->peek.out, "%.*s → ", STR_ARG(before));
    }
    buf_printf(&explain->peek.out, "%.*s\n", STR_ARG(after));
}

/* What of the rule can be said: the word, and what became of it in lists. */
static void show_reason(struct explain *explain, const struct decision *decision)
{
    if (decision->counted.word.len > 0) {
        struct str word = show_text(&explain->peek.arena, decision->counted.word, explain->privacy);
        buf_printf(&explain->peek.out, "    a %s, by the word %.*s of %s_words\n",
                   decision->counted.practice ? "practice" : "message", STR_ARG(word),
                   decision->counted.practice ? "practice" : "message");
    }
    for (size_t i = 0; i < decision->change_count; i++) {
        show_change(explain, &decision->changes[i]);
    }
}

static void show_decision(struct explain *explain, size_t at)
{
    const struct decision *decision = &explain->decisions[at];
    const struct message *message = &decision->message;
    struct arena *arena = &explain->peek.arena;
    struct buf *out = &explain->peek.out;
    const struct run run = {.trigger = (enum run_trigger)decision->trace.trigger};
    char time[SHOW_MAX];
    struct str sender =
        show_text(arena, message_sender(arena, message, explain->privacy), explain->privacy);
    struct str chat = show_text(arena, message->chat, explain->privacy);
    buf_printf(out, "message %" PRId64 " of %.*s, %.*s in %.*s/%.*s%s\n", message->id,
               STR_ARG(show_time(&explain->peek.screen, message->sent_ms, time)), STR_ARG(sender),
               STR_ARG(message->source), STR_ARG(chat),
               message->deleted        ? " (deleted)"
               : message->revision > 0 ? " (edited)"
                                       : "");
    buf_printf(out, "    %.*s\n", STR_ARG(shown_text(explain, message)));
    buf_printf(out, "  rule %.*s (%s): %s %" PRId64 "/%" PRId64 "/%" PRId32 "\n",
               STR_ARG(decision->pipeline->name), decision->pipeline->op->type->kind,
               kind_word(decision->record.kind), decision->generation, message->id, decision->nth);
    show_body(explain, decision->record.body);
    show_reason(explain, decision);
    if (decision->trace.run != 0) {
        buf_printf(out, "  run %" PRId64 " of %.*s, caused by %s\n", decision->trace.run,
                   STR_ARG(show_time(&explain->peek.screen, decision->trace.run_ms, time)),
                   run_trigger_name(&run));
    }
    buf_printf(out, "  %.*s %.*s %.*s: %s", STR_ARG(decision->record.sink),
               STR_ARG(decision->record.target),
               STR_ARG(show_text(arena, decision->record.entity, SHOW_PEOPLE)),
               fate_word(explain, at));
    if (decision->trace.why.len > 0) {
        buf_printf(out, ", tried %" PRId64 " times: %.*s", decision->trace.attempts,
                   STR_ARG(show_text(arena, decision->trace.why, explain->privacy)));
    }
    buf_add(out, STR("\n\n"));
}

static void write_reason(struct explain *explain, struct json_writer *json,
                         const struct decision *decision)
{
    json_key(json, STR("counted"));
    if (decision->counted.word.len > 0) {
        json_object_begin(json);
        json_field_str(json, STR("as"),
                       decision->counted.practice ? STR("practice") : STR("message"));
        json_field_str(json, STR("word"), decision->counted.word);
        json_object_end(json);
    } else {
        json_put_null(json);
    }
    json_key(json, STR("changes"));
    json_array_begin(json);
    for (size_t i = 0; i < decision->change_count; i++) {
        const struct merge_change *change = &decision->changes[i];
        json_object_begin(json);
        json_field_str(json, STR("column"), change->column);
        json_field_str(json, STR("item"), plain_text(explain, change->item));
        json_field_str(json, STR("field"), change->field);
        show_json_text(json, STR("before"), plain_text(explain, change->before));
        json_field_str(json, STR("after"), plain_text(explain, change->after));
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_decision(struct explain *explain, struct json_writer *json, size_t at)
{
    const struct decision *decision = &explain->decisions[at];
    const struct message *message = &decision->message;
    struct arena *arena = &explain->peek.arena;
    const struct run run = {.trigger = (enum run_trigger)decision->trace.trigger};
    json_object_begin(json);
    json_field_str(json, STR("pipeline"), decision->pipeline->name);
    json_field_str(json, STR("op"), str_of(decision->pipeline->op->type->kind));
    json_key(json, STR("message"));
    json_object_begin(json);
    json_field_int(json, STR("id"), message->id);
    show_json_time(json, STR("sent_at"), message->sent_ms);
    json_field_str(json, STR("source"), message->source);
    json_field_str(json, STR("chat"), plain_text(explain, message->chat));
    json_field_str(json, STR("sender"), message_sender(arena, message, explain->privacy));
    json_field_str(json, STR("text"), plain_text(explain, message->text));
    json_field_int(json, STR("revision"), message->revision);
    json_field_bool(json, STR("deleted"), message->deleted);
    json_object_end(json);
    json_field_str(json, STR("kind"), str_of(kind_word(decision->record.kind)));
    json_field_int(json, STR("generation"), decision->generation);
    json_field_int(json, STR("nth"), decision->nth);
    json_field_str(json, STR("sink"), decision->record.sink);
    json_field_str(json, STR("target"), decision->record.target);
    json_field_str(json, STR("key"), decision->record.entity);
    json_field_str(json, STR("body"), plain_text(explain, decision->record.body));
    write_reason(explain, json, decision);
    json_field_str(json, STR("fate"), str_of(fate_word(explain, at)));
    json_field_int(json, STR("attempts"), decision->trace.attempts);
    show_json_text(json, STR("why"), decision->trace.why);
    json_key(json, STR("run"));
    if (decision->trace.run != 0) {
        json_object_begin(json);
        json_field_int(json, STR("id"), decision->trace.run);
        show_json_time(json, STR("started_at"), decision->trace.run_ms);
        json_field_str(json, STR("trigger"), str_of(run_trigger_name(&run)));
        json_object_end(json);
    } else {
        json_put_null(json);
    }
    json_object_end(json);
}

static void show(struct explain *explain)
{
    struct json_writer json;
    if (!explain->cli->json) {
        for (size_t i = 0; i < explain->count; i++) {
            if (!explain->decisions[i].hidden) {
                show_decision(explain, i);
            }
        }
        if (explain->beyond > 0) {
            buf_printf(&explain->peek.out, "… and %" PRId64 " more records\n", explain->beyond);
        }
        return;
    }
    json_writer_init(&json, &explain->peek.out);
    json_object_begin(&json);
    json_field_str(&json, STR("record"), explain->entity);
    json_key(&json, STR("decisions"));
    json_array_begin(&json);
    for (size_t i = 0; i < explain->count; i++) {
        if (!explain->decisions[i].hidden) {
            write_decision(explain, &json, i);
        }
    }
    json_array_end(&json);
    json_field_int(&json, STR("more"), explain->beyond);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&explain->peek.out, '\n');
}

static int look(struct explain *explain)
{
    struct err err = {0};
    size_t shown = 0;
    take_apart(explain);
    if (explain->where.ptr != NULL && !is_known(explain)) {
        return CLI_USAGE;
    }
    explain->decisions =
        arena_array(&explain->peek.arena, DECISIONS_MAX, sizeof *explain->decisions);
    if (explain->decisions == NULL) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    if (!work(explain, &err)) {
        return cli_fail(&err);
    }
    if (explain->count > 0 &&
        (!work_out_changes(explain, &shown, &err) || !find_words(explain, &err))) {
        return cli_fail(&err);
    }
    if (explain->count > 0 && shown == 0) {
        cli_say("no record of '%.*s' changed '%.*s'", STR_ARG(explain->entity),
                STR_ARG(explain->item));
        return CLI_FAILED;
    }
    if (explain->count == 0) {
        cli_say("no rule made a record '%.*s'%s", STR_ARG(explain->entity),
                nearest_hint(&explain->nearest));
        return CLI_FAILED;
    }
    show(explain);
    return peek_still(&explain->peek);
}

int cli_explain(struct cli *cli)
{
    static struct explain explain; /* Large, and one a process. */
    explain = (struct explain){
        .watch = {.emitted = on_emitted, .settled = on_settled},
        .cli = cli,
        .where = cli->word_count == 2 ? cli->words[0] : (struct str){0},
        .entity = cli->words[cli->word_count - 1],
        .item = cli_value(cli, "--item"),
        .privacy = cli_given(cli, "--show-people") ? SHOW_PEOPLE : SHOW_MASKED,
    };
    nearest_begin(&explain.nearest, explain.entity);
    int code = peek_begin(&explain.peek, cli, false);
    if (code == CLI_OK) {
        code = look(&explain);
    }
    if (code != CLI_OK) {
        buf_clear(&explain.peek.out);
    }
    return peek_end(&explain.peek, code);
}
