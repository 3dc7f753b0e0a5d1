#include "pipeline/chain.h"

#include <string.h>

#include "base/buf.h"
#include "pipeline/chain_keys.h"
#include "pipeline/collect.h"
#include "pipeline/count.h"
#include "pipeline/dedupe.h"
#include "pipeline/extract.h"
#include "pipeline/filter.h"
#include "pipeline/flow.h"
#include "pipeline/lookup.h"
#include "pipeline/normalize.h"
#include "pipeline/route.h"
#include "pipeline/template.h"
#include "pipeline/write.h"

/* Does `each` for all steps of the list and those inside of them, until it is false. */
static bool walk(const struct step_list *list, bool (*each)(struct step *step, void *context),
                 void *context)
{
    for (size_t i = 0; i < list->count; i++) {
        struct step *step = list->items[i];
        if (!each(step, context) || !walk(&step->otherwise, each, context)) {
            return false;
        }
        for (const struct option *option = step->type->options;
             option != NULL && option->type != OPTION_TYPE_END; option++) {
            const struct step_list *inner =
                (const struct step_list *)(const void *)((const char *)step + option->offset);
            if (option->type == OPTION_TYPE_STEPS && !walk(inner, each, context)) {
                return false;
            }
        }
    }
    return true;
}

struct opening {
    struct arena *arena;
    struct err *err;
};

static bool open_step(struct step *step, void *context)
{
    struct opening *opening = context;
    return step->type->open == NULL || step->type->open(step, opening->arena, opening->err);
}

static bool close_step(struct step *step, void *context)
{
    (void)context;
    if (step->type->close != NULL) {
        step->type->close(step);
    }
    return true;
}

static void chain_close(struct op *op)
{
    (void)walk(&((struct chain *)op)->steps, close_step, NULL);
}

static bool chain_open(struct op *op, struct arena *arena, struct err *err)
{
    struct opening opening = {arena, err};
    if (walk(&((struct chain *)op)->steps, open_step, &opening)) {
        return true;
    }
    chain_close(op); /* Steps that were not opened take that, too. */
    return false;
}

static struct value optional(struct str text)
{
    return text.len > 0 ? value_of_text(text) : (struct value){0};
}

static struct str kind_name(enum message_kind kind)
{
    switch (kind) {
    case MESSAGE_CHAT:
        return STR("message");
    case MESSAGE_TICK:
        return STR("tick");
    case MESSAGE_ANSWER:
        return STR("answer");
    case MESSAGE_RECEIPT:
        return STR("receipt");
    case MESSAGE_RUN:
        return STR("run");
    case MESSAGE_REFERENCE:
        return STR("reference");
    case MESSAGE_ACT:
        return STR("act");
    }
    return STR("");
}

static bool has_attachment(const struct message *message)
{
    return (message->attachments.len > 0 && !str_equal(message->attachments, STR("[]"))) ||
           str_find(message->extra, STR("\"media_type\":\""), 0) != STR_NONE;
}

static bool fill_uid(struct value *values, const struct message *message, struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, message->chat.len + message->external_id.len + 2);
    buf_add(&buf, message->chat);
    buf_add_byte(&buf, '/');
    buf_add(&buf, message->external_id);
    values[FIELD_UID] = value_of_text(buf_str(&buf));
    return values[FIELD_UID].kind != VALUE_ABSENT;
}

static void fill(struct value *values, const struct message *message)
{
    values[FIELD_ID] = value_of_text(message->external_id);
    values[FIELD_SOURCE] = value_of_text(message->source);
    values[FIELD_CHAT] = value_of_text(message->chat);
    values[FIELD_SENDER] = optional(message->sender);
    values[FIELD_TEXT] = value_of_text(message->text.ptr != NULL ? message->text : STR(""));
    values[FIELD_SENT] = value_of_time(message->sent_ms);
    values[FIELD_NOW] = value_of_time(message->archived_ms);
    values[FIELD_KIND] = value_of_text(kind_name(message->kind));
    values[FIELD_DIRECTION] = message->direction == MESSAGE_INCOMING   ? value_of_text(STR("in"))
                              : message->direction == MESSAGE_OUTGOING ? value_of_text(STR("out"))
                                                                       : (struct value){0};
    values[FIELD_REVISION] = value_of_int(message->revision);
    values[FIELD_DELETED] = (struct value){.kind = VALUE_BOOL, .integer = message->deleted};
    values[FIELD_ATTACHMENTS] = optional(message->attachments);
    values[FIELD_HAS_ATTACHMENT] =
        (struct value){.kind = VALUE_BOOL, .integer = has_attachment(message)};
    values[FIELD_EXTRA] = optional(message->extra);
    values[FIELD_ITEM] = value_of_int(1);
}

static bool renew_step(struct step *step, void *context)
{
    struct flow *flow = ((struct flow **)context)[0];
    struct err *err = ((struct err **)context)[1];
    return step->type->renewed == NULL || step->type->renewed(step, flow, err);
}

static bool renew(struct chain *chain, struct flow *flow, struct err *err)
{
    void *context[] = {flow, err};
    return !chain->asks || walk(&chain->steps, renew_step, context);
}

/* When the message was written that a receipt is about; absent when that is gone. */
static bool fill_about(struct value *values, struct op_env *env, const struct message *message,
                       struct err *err)
{
    struct message about = {0};
    if (message->about == 0) {
        return true;
    }
    if (!env->archived(env, message->about, &about, err)) {
        return false;
    }
    values[FIELD_ABOUT_SENT] = about.id != 0 ? value_of_time(about.sent_ms) : (struct value){0};
    return true;
}

static bool is_wanted(const struct chain *chain, const struct message *message)
{
    bool kind = message->kind == MESSAGE_CHAT || message->kind == MESSAGE_TICK ||
                message->kind == MESSAGE_RUN ||
                (message->kind == MESSAGE_RECEIPT && chain->receipts);
    return kind && (message->revision == 0 || chain->edits == EDITS_RUN) &&
           (!message->deleted || chain->deletions);
}

static bool chain_apply(struct op *op, struct op_env *env, const struct message *message,
                        struct err *err)
{
    struct chain *chain = (struct chain *)op;
    struct flow flow = {
        .chain = chain, .env = env, .message = message, .now_ms = message->archived_ms};
    if (message->kind == MESSAGE_REFERENCE) {
        return renew(chain, &flow, err);
    }
    if (!is_wanted(chain, message)) {
        return true;
    }
    if (message->text.len > STEP_TEXT_MAX) {
        return err_set(err, ERR_REJECT, "ops: a text of %zu bytes; at most %d are looked at",
                       message->text.len, STEP_TEXT_MAX);
    }
    flow.values = arena_array(env->arena, chain->field_count, sizeof *flow.values);
    if (flow.values == NULL) {
        return err_set(err, ERR_REJECT, "ops: the message needs too much memory");
    }
    fill(flow.values, message);
    if (chain->needs_uid && !fill_uid(flow.values, message, env->arena)) {
        return err_set(err, ERR_REJECT, "ops: the message needs too much memory");
    }
    return (!chain->needs_about || fill_about(flow.values, env, message, err)) &&
           flow_enter(&flow, &chain->steps, err);
}

static const char *const edit_names[] = {"run", "skip", NULL};

static const struct option options[] = {
    OPTION_ZONE(struct chain, zone_name, "zone", "Asia/Jerusalem",
                "Zone of days, weeks and months, and of times in templates."),
    OPTION_CHOICE(struct chain, edits, "edits", "run", edit_names,
                  "What an edited message does: `run` through the steps again, or `skip` them."),
    OPTION_BOOL(struct chain, deletions, "deletions", "false",
                "Whether deleted messages go through the steps (with `deleted` set)."),
    OPTION_BOOL(struct chain, receipts, "receipts", "false",
                "Whether receipts of `write` steps with `receipt: true` go through the steps."),
    OPTION_STEPS(struct chain, steps, "ops", OPTION_REQUIRED,
                 "The steps, in the order in which a message goes through them."),
    OPTION_END,
};

const struct step_type *const chain_steps[] = {
    &step_collect,   &step_count, &step_dedupe,   &step_extract, &step_filter, &step_lookup,
    &step_normalize, &step_route, &step_template, &step_write,   NULL,
};

const struct step_type *const chain_branches[] = {&step_branch, NULL};

const struct op_type op_chain = {
    .kind = "ops",
    .summary = "Generic steps, put together in the configuration.",
    .options = options,
    .size = sizeof(struct chain),
    .shared_state = true,
    .keys = chain_keys,
    .open = chain_open,
    .close = chain_close,
    .apply = chain_apply,
};
