#include "source/webhook.h"

#include <string.h>

#include "source/stamps.h"
#include "source/webhook_proof.h"
#include "text/json.h"
#include "text/utf8.h"

enum {
    WAIT_MS = 500, /* For the first call; a stop and a reload are noticed that late. */
    MS_PER_S = 1000,
    TAKE_BYTES_MAX = 8 * 1024 * 1024,
    TAKE_ITEMS_MAX = INBOX_ITEMS_MAX,
    PATH_MAX_LEN = 256,
};

/* Numbers from here on are milliseconds: as seconds they would be after the year 5000. */
static const int64_t seconds_max = 100 * (int64_t)1000 * 1000 * 1000;

struct webhook {
    struct source source; /* First. */

    /* Options. */
    struct webhook_proof proof;
    struct str chat;
    struct str chat_field;
    struct str id_field;
    struct str sender_field;
    struct str text_field;
    struct str time_field;
    struct stamps stamps;

    /* From open to close. */
    struct inbox_item *taken; /* In the batch, and not answered yet. */
    struct inbox_item **taken_end;
};

/* One call, looked at. */
struct call {
    struct webhook *self;
    struct batch *batch;
    const struct inbox_item *item;
    const struct json_value *root;
    const char *why; /* What is wrong with it. */
};

static struct webhook *webhook_of(struct connector *connector)
{
    return (struct webhook *)(void *)connector; /* The connector is its first member. */
}

/* ---- Options ---- */

/* `*option` is the one that a mistake is in. */
static bool options_read(struct webhook *self, struct arena *arena, const char **option,
                         struct err *err)
{
    return webhook_proof_open(&self->proof, arena, option, err) &&
           stamps_open(&self->stamps, option, err);
}

static void webhook_check(const struct connector *connector, struct report *report)
{
    struct webhook self = *(const struct webhook *)(const void *)connector;
    const char *option = NULL;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 64 * (size_t)1024);
    if (!options_read(&self, &arena, &option, &err)) {
        report_err(report, option, &err);
    }
    arena_free(&arena);
}

static bool webhook_open(struct connector *connector, struct err *err)
{
    struct webhook *self = webhook_of(connector);
    const char *option = NULL;
    self->taken = NULL;
    self->taken_end = &self->taken;
    return options_read(self, connector->env.arena, &option, err) ||
           source_wrong(connector, option, err);
}

static void answer_taken(struct webhook *self, enum inbox_outcome outcome, const char *why)
{
    struct inbox_item *taken = self->taken;
    self->taken = NULL;
    self->taken_end = &self->taken;
    inbox_answer(taken, outcome, why);
}

static void webhook_close(struct connector *connector)
{
    struct webhook *self = webhook_of(connector);
    answer_taken(self, INBOX_LATER, "sluice is stopping");
    if (connector->env.inbox != NULL) {
        inbox_close(connector->env.inbox);
    }
    webhook_proof_close(&self->proof);
}

static bool webhook_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                          struct err *err)
{
    const struct webhook *self = webhook_of(connector);
    (void)deadline_ms; /* It is called, and calls nobody. */
    *found = arena_printf(connector->env.arena, "is called at POST /webhook/%.*s%s",
                          STR_ARG(connector->name),
                          self->proof.open ? "; by anybody who can connect" : "");
    return found->ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

/* ---- From a call to a message ---- */

/* "data.sender.name" or "data/sender/name". */
static const struct json_value *field(const struct call *call, struct str path)
{
    char steps[PATH_MAX_LEN];
    if (path.len == 0 || path.len > sizeof steps) {
        return NULL;
    }
    memcpy(steps, path.ptr, path.len);
    for (size_t i = 0; i < path.len; i++) {
        steps[i] = steps[i] == '.' ? '/' : steps[i];
    }
    return json_find(call->root, (struct str){steps, path.len});
}

/* A string of JSON may hold a NUL, which no text column takes. */
static struct str clean(const struct call *call, struct str text)
{
    size_t replaced = 0;
    return utf8_clean(call->batch->arena, text, &replaced);
}

/* A text, or a number as it is written; absent for anything else. */
static struct str field_text(const struct call *call, struct str path)
{
    const struct json_value *value = field(call, path);
    struct str text = json_str(value);
    int64_t number = 0;
    if (text.ptr != NULL) {
        return clean(call, text);
    }
    return json_int(value, &number) ? arena_printf(call->batch->arena, "%lld", (long long)number)
                                    : json_raw(value);
}

static int64_t as_ms(int64_t number)
{
    return number < seconds_max && number > -seconds_max ? number * MS_PER_S : number;
}

static bool find_time(struct call *call, int64_t now_ms, struct message *message)
{
    const struct json_value *value = field(call, call->self->time_field);
    struct str text = json_str(value);
    struct err err = {0};
    int64_t number = 0;
    if (text.ptr != NULL) {
        message->sent_text = clean(call, text);
        if (stamps_read(&call->self->stamps, text, &message->sent_ms, &err)) {
            return true;
        }
        call->why = "its time cannot be read: see `time_field` and `time_format`";
        return false;
    }
    bool told = json_int(value, &number) ||
                str_to_int64(inbox_header(call->item, STR("webhook-timestamp")), &number);
    message->sent_ms = told ? as_ms(number) : now_ms;
    return true;
}

static bool find_id(struct call *call, struct message *message)
{
    struct str id = field_text(call, call->self->id_field);
    id = id.len > 0 ? id : inbox_header(call->item, STR("webhook-id"));
    if (id.len == 0) {
        call->why = "it has no id, so it could not be told from the next one: send webhook-id, or "
                    "say with `id_field` where it stands";
    } else if (id.len > MESSAGE_ID_MAX || !utf8_valid(id)) {
        call->why = "its id is longer than 512 bytes, or no text";
    }
    message->external_id = id;
    return call->why == NULL;
}

static bool find_names(struct call *call, struct message *message)
{
    message->chat = field_text(call, call->self->chat_field);
    message->chat = message->chat.len > 0 ? message->chat : call->self->chat;
    message->sender = field_text(call, call->self->sender_field);
    if (message->chat.len > MESSAGE_NAME_MAX || message->sender.len > MESSAGE_NAME_MAX) {
        call->why = "its chat or its sender is longer than 512 bytes";
    }
    return call->why == NULL;
}

static bool understand(struct call *call, int64_t now_ms, struct message *message, struct err *err)
{
    const struct json_limits limits = {.innocent = true};
    if (!json_parse(call->batch->arena, call->item->body, &limits, &call->root, err)) {
        call->why = err->kind == ERR_RETRY ? NULL : err->text;
        return false;
    }
    if (json_kind(call->root) != JSON_OBJECT) {
        call->why = "its body is no JSON object";
        return false;
    }
    if (!find_id(call, message) || !find_names(call, message) ||
        !find_time(call, now_ms, message)) {
        return false;
    }
    bool whole = call->self->text_field.len == 0;
    message->text = whole ? call->item->body : field_text(call, call->self->text_field);
    message->extra = whole ? (struct str){0} : call->item->body;
    return true;
}

/* ---- Fetching ---- */

static bool is_wanted(const struct batch *batch, struct str chat)
{
    for (size_t i = 0; i < batch->chat_count; i++) {
        if (batch->chats[i].chat.len == 0 || str_equal(batch->chats[i].chat, chat)) {
            return true;
        }
    }
    return false;
}

static bool add(struct batch *batch, const struct message *message)
{
    struct message *room = batch_add(batch, message->text.len + message->extra.len);
    if (room != NULL) {
        *room = *message;
    }
    return room != NULL;
}

/* Into the batch, or answered at once. */
static void take_one(struct webhook *self, struct batch *batch, struct inbox_item *item)
{
    struct call call = {.self = self, .batch = batch, .item = item};
    struct message message = {.kind = MESSAGE_CHAT};
    struct err err = {0};
    int64_t now_ms = clock_wall_ms(self->source.connector.env.clock);
    const char *unknown = webhook_proof_look(&self->proof, item, now_ms, batch->arena);
    item->next = NULL;
    if (unknown != NULL) {
        inbox_answer(item, INBOX_UNKNOWN, unknown);
    } else if (!understand(&call, now_ms, &message, &err)) {
        inbox_answer(item, call.why != NULL ? INBOX_WRONG : INBOX_LATER,
                     call.why != NULL ? call.why : "out of memory");
    } else if (batch->chat_count == 0) {
        inbox_answer(item, INBOX_LATER, "no pipeline listens to this source");
    } else if (!is_wanted(batch, message.chat)) {
        inbox_answer(item, INBOX_IGNORED, "nobody listens to its chat");
    } else if (!add(batch, &message)) {
        inbox_answer(item, INBOX_LATER, "out of memory");
    } else {
        *self->taken_end = item;
        self->taken_end = &item->next;
    }
}

static bool webhook_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                          struct err *err)
{
    struct webhook *self = webhook_of(&source->connector);
    struct inbox *inbox = source->connector.env.inbox;
    (void)err;
    answer_taken(self, INBOX_LATER, "the last try to keep it failed");
    if (inbox == NULL) {
        return true; /* Nobody can call. */
    }
    inbox_open(inbox);
    int64_t until_ms = clock_mono_ms(source->connector.env.clock) + WAIT_MS;
    struct inbox_item *items =
        inbox_take(inbox, batch->limit < TAKE_ITEMS_MAX ? batch->limit : TAKE_ITEMS_MAX,
                   TAKE_BYTES_MAX, until_ms < deadline_ms ? until_ms : deadline_ms);
    while (items != NULL) {
        struct inbox_item *next = items->next;
        take_one(self, batch, items);
        items = next;
    }
    return true;
}

static void webhook_filed(struct source *source, bool kept)
{
    answer_taken(webhook_of(&source->connector), kept ? INBOX_KEPT : INBOX_LATER,
                 kept ? NULL : "it could not be written to disk; the log says why");
    if (!kept && source->connector.env.inbox != NULL) {
        inbox_close(source->connector.env.inbox); /* Until the next try. */
    }
}

static const struct option options[] = {
    OPTION_SECRET(struct webhook, proof.secrets[0], "secret", NULL,
                  "Signs the calls (Standard Webhooks): whsec_… or any text of 16 bytes or more."),
    OPTION_SECRET(struct webhook, proof.secrets[1], "old_secret", NULL,
                  "Counts as well, while senders change to a new `secret`."),
    OPTION_SECRET(struct webhook, proof.tokens[0], "token", NULL,
                  "For senders that cannot sign: `Authorization: Bearer …`."),
    OPTION_SECRET(struct webhook, proof.tokens[1], "old_token", NULL,
                  "Counts as well, while senders change to a new `token`."),
    OPTION_DURATION(struct webhook, proof.tolerance_ms, "tolerance", "5m",
                    "How old a signed call may be, and how wrong the sender's clock."),
    OPTION_BOOL(struct webhook, proof.open, "open", "false",
                "Take calls that prove nothing; only where nobody else can connect."),
    OPTION_TEXT(struct webhook, chat, "chat", "webhook", "The chat of messages that name none."),
    OPTION_TEXT(struct webhook, chat_field, "chat_field", NULL,
                "Where the chat stands in the body, as data.chat."),
    OPTION_TEXT(struct webhook, id_field, "id_field", NULL,
                "Where the message's own id stands; by default the header webhook-id is it."),
    OPTION_TEXT(struct webhook, sender_field, "sender_field", NULL, "Where the sender stands."),
    OPTION_TEXT(struct webhook, text_field, "text_field", NULL,
                "Where the text stands, and the whole body is `extra`; by default the whole body "
                "is the text."),
    OPTION_TEXT(struct webhook, time_field, "time_field", NULL,
                "Where the time stands: a text, or seconds or milliseconds since 1970; by default "
                "when it was sent."),
    OPTION_TEXT(struct webhook, stamps.format, "time_format", NULL,
                "How times are written, as DD.MM.YYYY HH:MM; by default as ISO 8601."),
    OPTION_ZONE(struct webhook, stamps.zone_name, "zone", "Asia/Jerusalem",
                "Where the clock stood that wrote times without an offset."),
    OPTION_END,
};

const struct source_type source_webhook = {
    .connector =
        {
            .kind = "webhook",
            .summary = "Messages that another program brings by HTTP, signed or with a token.",
            .options = options,
            .size = sizeof(struct webhook),
            .check = webhook_check,
            .open = webhook_open,
            .probe = webhook_probe,
            .close = webhook_close,
        },
    .fetch = webhook_fetch,
    .filed = webhook_filed,
    .called = true,
};
